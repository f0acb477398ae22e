/* verb_duplicate.c - duplicates check and answer: was this person helped before?
 *
 * Guarantees: an answer is exactly one of possible and none, and one that says
 * possible says whom to phone. What is shown of another case is its handle and what
 * agreed; a person opens the file itself with `corridor show`, which is recorded.
 * Comparing and every rule are the agent's work. */
#include "cli_http.h"
#include "cli_print.h"
#include <string.h>

static const cli_option ANSWER_OPTIONS[] = {
    {"possible", NULL, false, "this office may have helped the person before"},
    {"none", NULL, false, "nothing here is of the same person"},
    {"contact-function", "TEXT", false, "with --possible: whom to phone, a function and not a name"},
    CLI_WAIT_OPTION,
    {NULL, NULL, false, NULL}};

static void show_left_out(FILE *out, const json_t *counts) {
  static const struct {
    const char *member, *text;
  } REASONS[] = {{"sameCase", "of this very case"},
                 {"erased", "erased"},
                 {"quarantined", "in quarantine"},
                 {"withdrawn", "of people who withdrew"},
                 {"unreadable", "that cannot be read"}};
  bool any = false;
  for (size_t i = 0; i < sizeof REASONS / sizeof *REASONS; i++) {
    const json_int_t n = json_integer_value(json_object_get(counts, REASONS[i].member));
    if (n == 0) continue;
    fprintf(out, "%s%lld %s", any ? ", " : "left out: ", (long long)n, REASONS[i].text);
    any = true;
  }
  if (any) fputc('\n', out);
}

static void show_candidates(FILE *out, const json_t *answer) {
  static const cli_column COLUMNS[] = {
      {"case", "CASE", CLI_TEXT},           {"messageId", "CASE FILE", CLI_TEXT},
      {"office", "OFFICE", CLI_TEXT},       {"at", "SINCE", CLI_TIME},
      {"programme", "PROGRAMME", CLI_TEXT}, {"sameProgramme", "THE SAME", CLI_TEXT},
      {"score", "SCORE", CLI_TEXT},         {"agrees", "WHAT AGREES", CLI_TEXT}};
  cli_print_table(out, json_object_get(answer, "candidates"), COLUMNS, sizeof COLUMNS / sizeof *COLUMNS,
                  "No case file here agrees with this person.");
  fprintf(out, "\ncase files compared: %lld, agreeing: %lld\n",
          (long long)json_integer_value(json_object_get(answer, "compared")),
          (long long)json_integer_value(json_object_get(answer, "agreeing")));
  show_left_out(out, json_object_get(answer, "leftOut"));
}

static void show_answer(FILE *out, const json_t *answer) {
  static const cli_column COLUMNS[] = {
      {"messageId", "MESSAGE", CLI_TEXT}, {"type", "TYPE", CLI_TEXT}, {"state", "STATE", CLI_TEXT}};
  show_candidates(out, answer);
  fputc('\n', out);
  cli_print_table(out, json_object_get(answer, "messages"), COLUMNS, sizeof COLUMNS / sizeof *COLUMNS,
                  "Nothing was sent.");
}

static int run_check(cli_context *cli, const cli_args *args) {
  cli_path path = {0};
  cli_path_add(&path, "/v1/duplicates/");
  cli_path_add_value(&path, args->operands[0]);
  return cli_ask(cli, "GET", &path, NULL, show_candidates);
}

static int run_answer(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  cli_path path = {0};
  const bool possible = cli_args_has(args, "possible"), none = cli_args_has(args, "none");
  const char *function = cli_args_get(args, "contact-function");
  if (possible == none) return cli_usage(cli, "duplicates answer", "give either --possible or --none");
  if (possible != (function != NULL))
    return cli_usage(cli, "duplicates answer", "--contact-function goes with --possible, and only with it");
  cli_path_add(&path, "/v1/duplicates/");
  cli_path_add_value(&path, args->operands[0]);
  cli_path_add(&path, "/answer");
  if (!cli_path_add_wait(&path, args, &err)) return cli_usage(cli, "duplicates answer", "%s", err.detail);
  json_t *body = json_pack("{s:s, s:s*}", "finding", possible ? "DUPLICATE_POSSIBLE" : "DUPLICATE_NONE",
                           "contactFunction", function);
  if (!body) return cli_usage(cli, "duplicates answer", "--contact-function is not valid UTF-8");
  return cli_ask(cli, "POST", &path, body, show_answer);
}

const cli_verb cli_duplicate_verbs[] = {
    {"duplicates check", "MESSAGE", 1, 1, "compare a person with the case files of this office",
     "MESSAGE is a DuplicateQuestion from `corridor inbox`, one sent from here, or the casework part of a\n"
     "CaseFile. It is compared with the casework part of every other case file that is kept here, received\n"
     "and sent; names in any script, swapped dates and slips of the pen are seen through. Needs --user, a\n"
     "holder of casework. Shows which cases agree in what, the surest first, twenty at most; to see a file,\n"
     "`corridor show` it. Erased and quarantined files and people who withdrew are left out. The comparison\n"
     "is recorded. To ask another mission, `corridor send` a DuplicateQuestion:\n"
     "  {\"type\": \"DuplicateQuestion\", \"to\": OFFICE, \"case\": CASE, \"body\": {\n"
     "     \"names\": [as spoken, as in a document, in any script], \"sex\": \"FEMALE\",\n"
     "     \"birthDate\": \"1994-08-17\", or \"1994\", or \"age\": 31, \"birthPlace\": \"Kindia\",\n"
     "     \"country\": \"GN\", \"programme\": \"JI\"}}",
     "corridor --user fatou duplicates check 019cadfd-899b-7a07-8547-945d85d86c9f", NULL, run_check},
    {"duplicates answer", "MESSAGE", 1, 1, "answer a duplicate question: possible, or none",
     "Compares as `corridor duplicates check` does, shows it, and sends what you have decided. The mission\n"
     "that asked reads possible or none and, if possible, whom to phone; it learns nothing of the other\n"
     "case, and the hub not even the answer. What follows, the two missions decide between them.",
     "corridor --user fatou duplicates answer 019cadfd-899b-7a07-8547-945d85d86c9f --none", ANSWER_OPTIONS,
     run_answer},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};
