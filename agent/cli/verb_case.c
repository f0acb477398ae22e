/* verb_case.c - case list, withdraw, and where case new stands (its room is
 * case_new.c).
 *
 * Guarantees: withdrawing takes fewer words than consenting. Trusts the agent
 * for every rule: nothing is judged here. */
#include "cli_case_new.h"
#include "cli_http.h"
#include "cli_print.h"
#include "corridor/id.h"
#include <openssl/crypto.h>
#include <string.h>

static void show_cases(FILE *out, const json_t *answer) {
  static const cli_column COLUMNS[] = {{"handle", "HANDLE", CLI_TEXT},
                                       {"kind", "KIND", CLI_TEXT},
                                       {"role", "ROLE", CLI_TEXT},
                                       {"since", "SINCE", CLI_TIME},
                                       {"lastType", "LAST MESSAGE", CLI_TEXT},
                                       {"withdrawn", "WITHDRAWN", CLI_TEXT}};
  cli_print_table(out, json_object_get(answer, "cases"), COLUMNS, sizeof COLUMNS / sizeof *COLUMNS,
                  "No cases.");
}

static int run_list(cli_context *cli, const cli_args *args) {
  (void)args;
  cli_path path = {0};
  cli_path_add(&path, "/v1/cases");
  return cli_ask(cli, "GET", &path, NULL, show_cases);
}

static const cli_option WITHDRAW_OPTIONS[] = {
    {"consent", "ID", false, "withdraw this consent only (else every consent of the case)"},
    {"recipient", "OFFICE", false, "withdraw only what is for this office"},
    {"purpose", "PURPOSE", false, "withdraw only what is for this purpose, as REINTEGRATION"},
    {"code", "CODE", false,
     "the person's withdrawal code, or - to be asked for it: acts at once, from any office"},
    CLI_WAIT_OPTION,
    {NULL, NULL, false, NULL}};

/* The hub's answer is the same to all, so that nobody can try out codes. */
static void show_withdrawal(FILE *out, const json_t *answer, const char *if_it_counts) {
  static const cli_column FIELDS[] = {{"messageId", "Withdrawal", CLI_TEXT}, {"state", "State", CLI_TEXT}};
  cli_print_fields(out, answer, FIELDS, sizeof FIELDS / sizeof *FIELDS);
  fprintf(out,
          "If this office has the case, or reference and code are right: %s\n"
          "Otherwise, if there is such a reference, what stands on consent waits until the responsible\n"
          "office has asked the person, within 24 hours.\n",
          if_it_counts);
}

static void show_whole(FILE *out, const json_t *answer) {
  show_withdrawal(out, answer,
                  "what was queued is stopped,\n"
                  "and every office that received something is asked to erase it and has to answer\n"
                  "(`corridor due`).");
}

static void show_part(FILE *out, const json_t *answer) {
  show_withdrawal(out, answer,
                  "what was queued for that\n"
                  "recipient or purpose is stopped, who received it is asked to erase it and has to answer\n"
                  "(`corridor due`), and the rest stands.");
}

static int run_withdraw(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  cli_path path = {0};
  char reference[COR_REFERENCE_TEXT], asked[COR_PASSPHRASE_MAX + 1] = "";
  const char *name = args->operands[0];
  const char *consent = cli_args_get(args, "consent"), *code = cli_args_get(args, "code");
  const char *recipient = cli_args_get(args, "recipient"), *purpose = cli_args_get(args, "purpose");
  cli_path_add(&path, "/v1/withdrawals");
  if (!cli_path_add_wait(&path, args, &err)) return cli_usage(cli, "withdraw", "%s", err.detail);
  /* Whoever is on this machine can read a command line: so the code may come by
   * the descriptor or terminal that passphrases come by. */
  if (code && strcmp(code, "-") == 0) {
    if (!cli_secret_read(cli, "Withdrawal code: ", asked, &err)) return cli_error(cli, &err);
    code = asked;
  }
  /* With a code the case may be another office's: then only the reference names it. */
  bool by_reference = code && cor_reference_parse(name, reference);
  json_t *body = json_pack("{s:s, s:s*, s:s*, s:s*, s:s*}", by_reference ? "reference" : "case",
                           by_reference ? reference : name, "consent", consent, "code", code, "recipient",
                           recipient, "purpose", purpose);
  OPENSSL_cleanse(asked, sizeof asked);
  if (!body) return cli_usage(cli, "withdraw", "one of the values is not valid UTF-8");
  return cli_ask(cli, "POST", &path, body, recipient || purpose ? show_part : show_whole);
}

const cli_verb cli_case_verbs[] = {
    {"case new", "", 0, 0, "register a person's case with the hub and the origin mission",
     "Needed first of all: only an office that registered a case, or received a message about it, has\n"
     "standing in it. The person's declaration must be signed. Prints the case's reference number and\n"
     "the person's withdrawal code.",
     "corridor case new --origin gn-conakry --programme JI --return-type AVRR --declared-on 2026-03-02",
     cli_case_new_options, cli_case_new},
    {"case list", "", 0, 0, "list the cases and referrals this office knows", NULL, "corridor case list",
     NULL, run_list},
    {"withdraw", "CASE", 1, 1, "withdraw a person's consent, at once and without a reason",
     "CASE is the handle or the reference number. The two missions of the case need nothing else; any\n"
     "other office needs the reference and the person's code. No office is told whether they were right.\n"
     "Without the code what stands on consent waits, until the responsible office has asked the person.\n"
     "With --recipient, --purpose or both only that part is withdrawn, and the rest stands.",
     "corridor withdraw GS8Z-6BTX-3HZ0-HBH7-02 --code -", WITHDRAW_OPTIONS, run_withdraw},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};
