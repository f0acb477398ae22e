/* verb_record.c - due, permissions, status, unlocking and quarantine: what is owed, what
 * may be sent, and how the agent is. A passphrase is zeroed as soon as the request is made. */
#include "cli_http.h"
#include "cli_print.h"
#include <openssl/crypto.h>
#include <string.h>

static const cli_option DUE_OPTIONS[] = {{"all", NULL, false, "met and waived ones too"},
                                         {NULL, NULL, false, NULL}};

static void show_due(FILE *out, const json_t *answer) {
  static const cli_column COLUMNS[] = {
      {"name", "WHAT", CLI_TEXT},      {"responsible", "WHO OWES IT", CLI_TEXT},
      {"openedAt", "SINCE", CLI_TIME}, {"dueAt", "DUE", CLI_TIME},
      {"state", "STATE", CLI_TEXT},    {"level", "LEVEL", CLI_TEXT},
      {"cite", "RULE", CLI_TEXT},      {"case", "CASE", CLI_TEXT}};
  static const cli_column RENEWALS[] = {{"consentId", "CONSENT THAT RUNS OUT", CLI_TEXT},
                                        {"validUntil", "UNTIL", CLI_TIME},
                                        {"state", "STATE", CLI_TEXT},
                                        {"case", "CASE", CLI_TEXT}};
  const json_t *consents = json_object_get(answer, "consents");
  cli_print_table(out, json_object_get(answer, "obligations"), COLUMNS, sizeof COLUMNS / sizeof *COLUMNS,
                  "Nothing is owed.");
  if (json_array_size(consents) == 0) return;
  fputs("\n", out);
  cli_print_table(out, consents, RENEWALS, sizeof RENEWALS / sizeof *RENEWALS, "");
}

static int run_due(cli_context *cli, const cli_args *args) {
  cli_path path = {0};
  cli_path_add(&path, "/v1/due");
  cli_path_add_query(&path, "all", cli_args_has(args, "all") ? "1" : NULL);
  return cli_ask(cli, "GET", &path, NULL, show_due);
}

static void show_permissions(FILE *out, const json_t *answer) {
  static const cli_column ROUTES[] = {{"to", "TO", CLI_TEXT},
                                      {"role", "ROLE", CLI_TEXT},
                                      {"compartment", "FUNCTION", CLI_TEXT},
                                      {"agreement", "UNDER", CLI_TEXT},
                                      {"programme", "FOR", CLI_TEXT},
                                      {"validUntil", "UNTIL", CLI_TIME},
                                      {"suspended", "SHUT", CLI_TEXT},
                                      {"categories", "WHAT", CLI_TEXT}};
  static const cli_column REGIONS[] = {
      {"region", "REGION", CLI_TEXT}, {"since", "SINCE", CLI_TIME}, {"reason", "REASON", CLI_TEXT}};
  const json_t *regions = json_object_get(answer, "suspendedRegions");
  cli_print_table(out, json_object_get(answer, "routes"), ROUTES, sizeof ROUTES / sizeof *ROUTES,
                  "This office may send nothing to another one: no agreement and permission let it.");
  if (json_array_size(regions) == 0) return;
  fputs("\nNo return is prepared or booked to:\n", out);
  cli_print_table(out, regions, REGIONS, sizeof REGIONS / sizeof *REGIONS, "");
}

static int run_permissions(cli_context *cli, const cli_args *args) {
  (void)args;
  cli_path path = {0};
  cli_path_add(&path, "/v1/permissions");
  return cli_ask(cli, "GET", &path, NULL, show_permissions);
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
                                      {"quarantined", "Quarantined", CLI_TEXT},
                                      {"quarantinedSince", "Quarantined since", CLI_TIME},
                                      {"receivedSince", "Received since then", CLI_TEXT}};
  cli_print_fields(out, answer, FIELDS, sizeof FIELDS / sizeof *FIELDS);
}

static int run_status(cli_context *cli, const cli_args *args) {
  (void)args;
  cli_path path = {0};
  cli_path_add(&path, "/v1/status");
  return cli_ask(cli, "GET", &path, NULL, show_status);
}

/* What each word of mayBeMissing asks of the person who reads it. */
static const struct {
  const char *word, *text;
} MISSING[] = {
    {"registered-here", "cases registered here: their handles and numbers; find the people's receipts"},
    {"consents-recorded-here",
     "consents recorded here: the hub knows them, this office must file them again"},
    {"sent-from-here", "our copies of what was sent from here; the hub and the recipients have them"},
    {"bodies-the-hub-no-longer-holds", "messages so old that the hub let their bodies go: ask the senders"},
    {"openings-and-checks-noted", "who opened what, and what was found unreadable, since the backup"}};

static const char *missing_text(const char *word) {
  for (size_t i = 0; word && i < sizeof MISSING / sizeof *MISSING; i++)
    if (strcmp(MISSING[i].word, word) == 0) return MISSING[i].text;
  return word;
}

static void show_lift(FILE *out, const json_t *answer) {
  static const cli_column FIELDS[] = {{"since", "Quarantined since", CLI_TIME},
                                      {"received", "Received again or anew since then", CLI_TEXT}};
  const json_t *word;
  size_t i;
  if (!json_is_true(json_object_get(answer, "lifted"))) {
    fputs("This agent was not quarantined; nothing was changed.\n", out);
    return;
  }
  fputs("The quarantine is lifted: what is queued goes out now.\n", out);
  cli_print_fields(out, answer, FIELDS, sizeof FIELDS / sizeof *FIELDS);
  fputs("What was done here after the backup, and may be missing:\n", out);
  json_array_foreach(json_object_get(answer, "mayBeMissing"), i, word) {
    fputs("  - ", out);
    cli_print_text(out, missing_text(json_string_value(word)));
    fputs("\n", out);
  }
}

static int run_lift(cli_context *cli, const cli_args *args) {
  (void)args;
  cli_path path = {0};
  cli_path_add(&path, "/v1/quarantine/lift");
  return cli_ask(cli, "POST", &path, json_object(), show_lift);
}

static void show_unlock(FILE *out, const json_t *answer) {
  fputs(json_is_true(json_object_get(answer, "unlocked"))
            ? "Unlocked. The agent starts now.\n"
            : "This agent was not locked; nothing was changed.\n",
        out);
}

static int run_unlock(cli_context *cli, const cli_args *args) {
  char secret[COR_PASSPHRASE_MAX + 1];
  cor_error err = {0};
  cli_path path = {0};
  (void)args;
  if (!cli_secret_read(cli, "The office's passphrase: ", secret, &err)) return cli_error(cli, &err);
  json_t *body = json_pack("{s:s}", "passphrase", secret);
  OPENSSL_cleanse(secret, sizeof secret);
  cli_path_add(&path, "/v1/unlock");
  return cli_ask(cli, "POST", &path, body, show_unlock);
}

const cli_verb cli_record_verbs[] = {
    {"due", "", 0, 0, "list obligations: who owes which answer by when",
     "States: OPEN, OVERDUE, ESCALATED (level 1 or 2); with --all also MET, MET_LATE and WAIVED.\n\n"
     "\"Answer to the withdrawal due\": `corridor inbox` holds a WithdrawalNotice, `corridor show` its list\n"
     "of messages. Erase them in your own files, then `corridor send`, which erases their content here:\n"
     "  {\"type\": \"ErasureStatement\", \"case\": CASE, \"body\": {\"messageIds\": [...], \"ground\": "
     "\"ERASED\"}}\n"
     "The same is owed when notUpheld names a ground: the sender told it without consent, and should not\n"
     "have; no consent is withdrawn. Or, if the law makes you keep them, KEPT_LEGAL_OBLIGATION, "
     "KEPT_LEGAL_CLAIM or KEPT_VITAL_INTEREST.\n\n"
     "\"Answer to the suspension due\": ask the person, then `corridor suspension confirm` or `lift`.\n"
     "\"Answer about the data due\": do what the DataNotice says, then `corridor data answer`.",
     "corridor due --all", DUE_OPTIONS, run_due},
    {"permissions", "", 0, 0, "to whom this office may send what, under which agreement, until when",
     "What is left of the programme's rules, its permission table and the agreements for this office. A\n"
     "case's consent is asked besides. SHUT: returns to that country are under suspension; bookings are\n"
     "refused, help under way goes on. An agreement that has ended, or an office without a card in force,\n"
     "is not listed.",
     "corridor permissions", NULL, run_permissions},
    {"status", "", 0, 0, "how the agent is: connection, queue, inbox, time",
     "Quarantined: the hub saw an older store than before (a restored backup) and is sending again what is\n"
     "missing; nothing goes out until a person lifts it (`corridor quarantine lift`). While \"Received "
     "since\n"
     "then\" still grows, the hub has not finished.",
     "corridor status --agent /run/corridor-ne-niamey/agent.sock", NULL, run_status},
    {"agent unlock", "", 0, 0, "give a locked office's passphrase to its agent",
     "For an office whose keys are locked (`corridor office lock`): after each start its agent waits for "
     "the\n"
     "passphrase, which is read here, one line, and serves nothing until it has it.",
     "corridor agent unlock --agent /run/corridor-ne-niamey/agent.sock", NULL, run_unlock},
    {"quarantine lift", "", 0, 0, "let a restored agent send again",
     "A store that came from a backup lacks what was done after it. The hub sends again what this office "
     "had\n"
     "received, erasures first; wait until `corridor status` shows that no more comes. What this office "
     "itself\n"
     "registered, recorded or sent after the backup does not come back: see to that before you lift, for "
     "what\n"
     "is queued here may have been sent, or overtaken, since. The agent's log keeps that it was lifted.",
     "corridor quarantine lift", NULL, run_lift},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};
