/* verb_record.c - due and status: what is owed, and how the agent is. */
#include "cli_http.h"
#include "cli_print.h"

static const cli_option DUE_OPTIONS[] = {{"all", NULL, false, "met and waived ones too"},
                                         {NULL, NULL, false, NULL}};

static void show_due(FILE *out, const json_t *answer) {
  static const cli_column COLUMNS[] = {
      {"name", "WHAT", CLI_TEXT},      {"responsible", "WHO OWES IT", CLI_TEXT},
      {"openedAt", "SINCE", CLI_TIME}, {"dueAt", "DUE", CLI_TIME},
      {"state", "STATE", CLI_TEXT},    {"level", "LEVEL", CLI_TEXT},
      {"cite", "RULE", CLI_TEXT},      {"case", "CASE", CLI_TEXT}};
  cli_print_table(out, json_object_get(answer, "obligations"), COLUMNS, sizeof COLUMNS / sizeof *COLUMNS,
                  "Nothing is owed.");
}

static int run_due(cli_context *cli, const cli_args *args) {
  cli_path path = {0};
  cli_path_add(&path, "/v1/due");
  cli_path_add_query(&path, "all", cli_args_has(args, "all") ? "1" : NULL);
  return cli_ask(cli, "GET", &path, NULL, show_due);
}

static void show_status(FILE *out, const json_t *answer) {
  static const cli_column FIELDS[] = {{"office", "Office", CLI_TEXT},
                                      {"name", "Name", CLI_TEXT},
                                      {"role", "Role", CLI_TEXT},
                                      {"time", "Time", CLI_TIME},
                                      {"demo", "Demonstration", CLI_TEXT},
                                      {"connected", "Connected", CLI_TEXT},
                                      {"broker", "Broker", CLI_TEXT},
                                      {"lastRefusal", "Last refusal", CLI_TEXT},
                                      {"cardList", "Card list number", CLI_TEXT},
                                      {"cardListExpired", "Card list expired", CLI_TEXT},
                                      {"clockSkewMs", "Clock skew (ms)", CLI_TEXT},
                                      {"queued", "Waiting to go out", CLI_TEXT},
                                      {"inbox", "Messages received", CLI_TEXT},
                                      {"storeEpoch", "Store epoch", CLI_TEXT},
                                      {"quarantined", "Quarantined", CLI_TEXT}};
  cli_print_fields(out, answer, FIELDS, sizeof FIELDS / sizeof *FIELDS);
}

static int run_status(cli_context *cli, const cli_args *args) {
  (void)args;
  cli_path path = {0};
  cli_path_add(&path, "/v1/status");
  return cli_ask(cli, "GET", &path, NULL, show_status);
}

const cli_verb cli_record_verbs[] = {
    {"due", "", 0, 0, "list obligations: who owes which answer by when",
     "States: OPEN, OVERDUE, ESCALATED (level 1 or 2); with --all also MET, MET_LATE and WAIVED.\n\n"
     "\"Answer to the withdrawal due\": `corridor inbox` holds a WithdrawalNotice, `corridor show` its list\n"
     "of messages. Erase them in your own files, then `corridor send`, which erases their content here:\n"
     "  {\"type\": \"ErasureStatement\", \"case\": CASE, \"body\": {\"messageIds\": [...], \"ground\": "
     "\"ERASED\"}}\n"
     "or, if the law makes you keep them, KEPT_LEGAL_OBLIGATION, KEPT_LEGAL_CLAIM or KEPT_VITAL_INTEREST.",
     "corridor due --all", DUE_OPTIONS, run_due},
    {"status", "", 0, 0, "how the agent is: connection, queue, inbox, time",
     "Quarantined: the hub saw an older store than before (a restored backup) and is sending again what is\n"
     "missing; nothing goes out until the agent is started anew.",
     "corridor status --agent /run/corridor-ne-niamey/agent.sock", NULL, run_status},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};
