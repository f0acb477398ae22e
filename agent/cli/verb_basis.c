/* verb_basis.c - exceptions, countersign, review: what went out without consent.
 *
 * The office's side of it; oversight has its own list (cmd_audit.c). Guarantees: the
 * three say no more of a message than its envelope. Trusts the agent for every rule,
 * above all for who the second person may be. */
#include "cli_http.h"
#include "cli_print.h"
#include <string.h>

static const cli_option LIST_OPTIONS[] = {{"all", NULL, false, "those signed and reviewed, too"},
                                          {NULL, NULL, false, NULL}};

static void show_exceptions(FILE *out, const json_t *answer) {
  static const cli_column COLUMNS[] = {{"messageId", "MESSAGE", CLI_TEXT},
                                       {"type", "TYPE", CLI_TEXT},
                                       {"to", "TO", CLI_TEXT},
                                       {"basis", "BASIS", CLI_TEXT},
                                       {"sentAt", "SENT", CLI_TIME},
                                       {"sentBy", "BY", CLI_TEXT},
                                       {"state", "STATE", CLI_TEXT},
                                       {"counterSignature/result", "COUNTER-SIGNED", CLI_TEXT},
                                       {"review/result", "REVIEWED", CLI_TEXT},
                                       {"case", "CASE", CLI_TEXT}};
  cli_print_table(out, json_object_get(answer, "exceptions"), COLUMNS, sizeof COLUMNS / sizeof *COLUMNS,
                  "Nothing sent without consent waits for a second person.");
}

static int run_exceptions(cli_context *cli, const cli_args *args) {
  cli_path path = {0};
  cli_path_add(&path, "/v1/exceptions");
  cli_path_add_query(&path, "all", cli_args_has(args, "all") ? "1" : NULL);
  return cli_ask(cli, "GET", &path, NULL, show_exceptions);
}

static const cli_option STATE_OPTIONS[] = {
    {"not-upheld", NULL, false, "it should not have been told: whoever received it is asked to erase it"},
    {"consent", "ID", false, "the person has consented since: the consent it rests on from now on"},
    CLI_WAIT_OPTION,
    {NULL, NULL, false, NULL}};

static void show_statement(FILE *out, const json_t *answer) {
  static const cli_column FIELDS[] = {{"messageId", "Statement", CLI_TEXT}, {"state", "State", CLI_TEXT}};
  cli_print_fields(out, answer, FIELDS, sizeof FIELDS / sizeof *FIELDS);
}

static int run_statement(cli_context *cli, const cli_args *args, const char *verb, const char *step) {
  cor_error err = {0};
  cli_path path = {0};
  const char *consent = cli_args_get(args, "consent");
  const bool not_upheld = cli_args_has(args, "not-upheld");
  if (consent && not_upheld) return cli_usage(cli, verb, "--consent and --not-upheld exclude each other");
  cli_path_add(&path, "/v1/exceptions/");
  cli_path_add_value(&path, args->operands[0]);
  cli_path_add(&path, "/statement");
  if (!cli_path_add_wait(&path, args, &err)) return cli_usage(cli, verb, "%s", err.detail);
  json_t *body = json_pack("{s:s, s:s, s:s*}", "step", step, "result",
                           not_upheld ? "NOT_UPHELD"
                           : consent  ? "CONSENT_OBTAINED"
                                      : "UPHELD",
                           "consent", consent);
  if (!body) return cli_usage(cli, verb, "the consent is not valid UTF-8");
  return cli_ask(cli, "POST", &path, body, show_statement);
}

static int run_countersign(cli_context *cli, const cli_args *args) {
  return run_statement(cli, args, "countersign", "COUNTER_SIGNED");
}

static int run_review(cli_context *cli, const cli_args *args) {
  return run_statement(cli, args, "review", "REVIEWED");
}

const cli_verb cli_basis_verbs[] = {
    {"exceptions", "", 0, 0, "list what this office sent without consent",
     "Only what still waits for a counter-signature or a review; with --all everything. Messages to health\n"
     "functions are listed for --user NAME who holds the health key.\n\n"
     "To send without consent, name the ground and whose decision it is; the message goes out at once:\n"
     "  corridor --user amina --passphrase-fd 3 send - 3<FILE\n"
     "  {\"type\": \"CaseFile\", \"to\": OFFICE, \"case\": CASE, \"basis\": \"LIFE_AT_RISK\",\n"
     "   \"body\": {\"health\": {..., \"basisDecision\": {\"decidedBy\": \"MENTAL_HEALTH_PROFESSIONAL\",\n"
     "     \"deciderName\": NAME, \"professionalId\": LICENCE, \"obstacle\": \"UNABLE_TO_CONSENT\",\n"
     "     \"reason\": TEXT, \"decidedAt\": \"2026-03-13T10:00Z\"}}}}\n"
     "For a child: \"basis\": \"CHILD_BEST_INTERESTS\", and in basisDecision \"decidedBy\":\n"
     "\"BEST_INTERESTS_PANEL\" with bidReference, bidDate and bidPanel instead of name and licence.",
     "corridor --user sekou exceptions", LIST_OPTIONS, run_exceptions},
    {"countersign", "MESSAGE", 1, 1, "sign, as the second person, for what was sent without consent",
     "Due within 4 hours. MESSAGE is an id from `corridor exceptions`; --user is a holder of its key other\n"
     "than who sent it. Look first (`corridor show`), and speak with who decided.",
     "corridor --user sekou countersign 019cadfd-899b-7a07-8547-945d85d86c9f", STATE_OPTIONS,
     run_countersign},
    {"review", "MESSAGE", 1, 1, "review what was sent without consent",
     "Due within 72 hours, by a holder of its key other than who sent it. Ask the person as soon as that is\n"
     "possible: a consent given since is recorded first (`corridor consent`), then named with --consent.",
     "corridor --user sekou review 019cadfd-899b-7a07-8547-945d85d86c9f --not-upheld", STATE_OPTIONS,
     run_review},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};
