/* verb_referral.c - refer and answer.
 *
 * Guarantees: an answer is exactly one of accept and decline, and a decline
 * names a reason of the closed list. Ranking, consent for each candidate and
 * the one-at-a-time release are the agent's and the broker's work. */
#include "cli_http.h"
#include "cli_print.h"
#include <string.h>

static const cli_option REFER_OPTIONS[] = {CLI_WAIT_OPTION, {NULL, NULL, false, NULL}};

static void show_offers(FILE *out, const json_t *answer) {
  static const cli_column COLUMNS[] = {{"rank", "RANK", CLI_TEXT},
                                       {"to", "PROVIDER", CLI_TEXT},
                                       {"handle", "REFERRAL HANDLE", CLI_TEXT},
                                       {"messageId", "OFFER", CLI_TEXT},
                                       {"state", "STATE", CLI_TEXT}};
  fputs("Referral: ", out);
  const char *id = json_string_value(json_object_get(answer, "referralId"));
  cli_print_text(out, id ? id : "-");
  fputc('\n', out);
  cli_print_table(out, json_object_get(answer, "offers"), COLUMNS, sizeof COLUMNS / sizeof *COLUMNS,
                  "No offers.");
}

static int run_refer(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  cli_path path = {0};
  cli_path_add(&path, "/v1/referrals");
  if (!cli_path_add_wait(&path, args, &err)) return cli_usage(cli, "refer", "%s", err.detail);
  json_t *body = cli_json_load(args->operands[0], &err);
  if (!body) return cli_error(cli, &err);
  cli_times_to_ms(body);
  return cli_ask(cli, "POST", &path, body, show_offers);
}

static const cli_option ANSWER_OPTIONS[] = {
    {"accept", NULL, false, "take the referral"},
    {"decline", "REASON", false, "FULL, OUT_OF_AREA, NOT_ELIGIBLE, SERVICE_SUSPENDED or OTHER_REASON"},
    {"first-contact", "TIME", false, "with --accept: when you will first see the person, 2026-03-24T09:00Z"},
    {"contact-function", "TEXT", false, "with --accept: whom to ask for, a function and not a name"},
    CLI_WAIT_OPTION,
    {NULL, NULL, false, NULL}};

static void show_answer(FILE *out, const json_t *answer) {
  static const cli_column COLUMNS[] = {
      {"messageId", "MESSAGE", CLI_TEXT}, {"type", "TYPE", CLI_TEXT}, {"state", "STATE", CLI_TEXT}};
  cli_print_table(out, json_object_get(answer, "messages"), COLUMNS, sizeof COLUMNS / sizeof *COLUMNS,
                  "Nothing was sent.");
}

static int run_answer(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  cli_path path = {0};
  const char *reason = cli_args_get(args, "decline");
  bool accept = cli_args_has(args, "accept");
  if (accept == (reason != NULL)) return cli_usage(cli, "answer", "give either --accept or --decline REASON");
  cli_path_add(&path, "/v1/answers");
  if (!cli_path_add_wait(&path, args, &err)) return cli_usage(cli, "answer", "%s", err.detail);
  json_t *body = json_pack("{s:s, s:b, s:s*, s:s*, s:s*}", "message", args->operands[0], "accept", accept,
                           "reason", reason, "firstContactAt", cli_args_get(args, "first-contact"),
                           "contactFunction", cli_args_get(args, "contact-function"));
  if (!body) return cli_usage(cli, "answer", "a value is not valid UTF-8");
  cli_times_to_ms(body);
  return cli_ask(cli, "POST", &path, body, show_answer);
}

const cli_verb cli_referral_verbs[] = {
    {"refer", "FILE", 1, 1, "offer a need to providers, one after the other",
     "FILE is JSON, or - for standard input:\n"
     "  {\"case\": HANDLE or REFERENCE, \"candidates\": [OFFICE, ...], best first,\n"
     "   \"offer\": {\"service\": \"E_TVET\", \"subService\": 1, \"area\": \"GN-D\", \"language\": \"fr\",\n"
     "     \"urgency\": \"ROUTINE\", \"answerBy\": \"2026-03-20T18:00Z\"},\n"
     "   \"categories\": what the handover will carry, as [\"BIODATA\", \"CONTACT\"]}\n"
     "The offer holds codes only and does not say who the person is. The next candidate is asked when\n"
     "the one before declines or lets the time pass. After an acceptance send a ReferralHandover to the\n"
     "provider with the referral handle as its case. When the person cannot be asked, \"basis\" names the\n"
     "ground on which the handover will go out in place of consent (`corridor exceptions --help`).",
     "corridor refer offer.json", REFER_OPTIONS, run_refer},
    {"answer", "OFFER", 1, 1, "accept or decline a referral offered to this office",
     "OFFER is the message id from `corridor inbox`.",
     "corridor answer 019cadfd-899b-7a07-8547-945d85d86c9f --decline FULL", ANSWER_OPTIONS, run_answer},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};
