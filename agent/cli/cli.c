/* cli.c - the corridor command: global options, the table of verbs, errors.
 *
 * Guarantees: results go to standard output, everything else to standard
 * error; the exit code is the refusal table's (design 9: 0 done, 1 internal,
 * 2 usage, 3 bad input, 4 refused, 5 kept and not yet sent, 6 not permitted);
 * --help of each verb lists every option it takes, because both come from the
 * same table. Trusts the agent only as far as its socket's owner does. Nothing
 * is fatal: every failure ends in an exit code with a sentence. */
#include "cli.h"
#include "cli_print.h"
#include "corridor/refusal.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const cli_option GLOBAL_OPTIONS[] = {
    {"agent", "SOCKET", false, "the agent's socket (else the environment's CORRIDOR_AGENT)"},
    {"json", NULL, false, "print the answer, and any error, as JSON"},
    {"user", "NAME", false, "who asks: a holder of this office's keys"},
    {"second", "NAME", false, "the second person, where two must release it together"},
    {"passphrase-fd", "N", false, "read the passphrase, one line, from this file descriptor"},
    {"lang", "CODE", false, "language of sentences: en, fr, es, ar (else that of LC_ALL or LANG)"},
    {"help", NULL, false, "this text; after a verb, that verb's options"},
    {"version", NULL, false, "print the version"},
    {NULL, NULL, false, NULL}};

static const struct {
  const char *title;
  const cli_verb *verbs;
} SECTIONS[] = {{"Cases, withdrawal (need an agent)", cli_case_verbs},
                {"Consents, and the slip a person takes along", cli_consent_verbs},
                {"Messages", cli_message_verbs},
                {"Files that go with a case", cli_attachment_verbs},
                {"Was this person helped before?", cli_duplicate_verbs},
                {"Referrals", cli_referral_verbs},
                {"Sent without consent", cli_basis_verbs},
                {"Suspension, correction and restriction", cli_data_verbs},
                {"What is owed, and how the agent is", cli_record_verbs},
                {"The programme's certificate authority (offline)", cli_ca_verbs},
                {"An office's own keys", cli_office_verbs},
                {"Who holds an office's keys", cli_holder_verbs},
                {"When too few holders are left", cli_recovery_verbs},
                {"Oversight (reads the hub's database)", cli_audit_verbs},
                {"Demonstration", cli_demo_verbs}};
enum { N_SECTIONS = sizeof SECTIONS / sizeof *SECTIONS };

static const char EXIT_CODES[] =
    "\nExit codes: 0 done, 1 internal error, 2 wrong usage, 3 bad input (the field is named),\n"
    "4 refused (code, rule, whether a retry helps, a sentence), 5 kept and not yet sent,\n"
    "6 not permitted.\n";

static void print_options(FILE *out, const cli_option *options) {
  for (; options && options->name; options++) {
    char left[64];
    snprintf(left, sizeof left, "--%s%s%s", options->name, options->value ? " " : "",
             options->value ? options->value : "");
    fprintf(out, "  %-26s %s%s\n", left, options->help, options->required ? " (required)" : "");
  }
}

static void print_verb_help(FILE *out, const cli_verb *verb) {
  fprintf(out, "corridor %s - %s\n\nusage: corridor %s%s%s%s\n", verb->words, verb->about, verb->words,
          *verb->operands ? " " : "", verb->operands,
          verb->options && verb->options->name ? " [OPTIONS]" : "");
  if (verb->help) fprintf(out, "\n%s\n", verb->help);
  if (verb->options && verb->options->name) {
    fputs("\noptions:\n", out);
    print_options(out, verb->options);
  }
  fprintf(out, "\nexample: %s\n\nglobal options:\n", verb->example);
  print_options(out, GLOBAL_OPTIONS);
  fputs(EXIT_CODES, out);
}

static void print_verb_lines(FILE *out, const cli_verb *verbs, const char *noun) {
  size_t len = noun ? strlen(noun) : 0;
  for (; verbs->words; verbs++) {
    if (noun && (strncmp(verbs->words, noun, len) != 0 || verbs->words[len] != ' ')) continue;
    char left[64];
    snprintf(left, sizeof left, "%s%s%s", verbs->words, *verbs->operands ? " " : "", verbs->operands);
    fprintf(out, "  %-26s%s %s\n", left, strlen(left) > 26 ? "\n                            " : "",
            verbs->about);
  }
}

static void print_help(FILE *out) {
  fputs("usage: corridor [GLOBAL OPTIONS] VERB [OPTIONS]\n", out);
  for (size_t i = 0; i < N_SECTIONS; i++) {
    fprintf(out, "\n%s\n", SECTIONS[i].title);
    print_verb_lines(out, SECTIONS[i].verbs, NULL);
  }
  fputs("\nGlobal options (before or after the verb)\n", out);
  print_options(out, GLOBAL_OPTIONS);
  fputs(EXIT_CODES, out);
  fputs("\n`corridor VERB --help` says what each verb needs.\n", out);
}

/* How many of the words from argv[at] on are the verb's; 0 = it is another. */
static int words_used(const char *words, int argc, char **argv, int at) {
  int used = 0;
  for (; *words; used++) {
    const size_t len = strcspn(words, " ");
    if (at + used >= argc || strncmp(words, argv[at + used], len) != 0 || argv[at + used][len]) return 0;
    words += len + (words[len] == ' ');
  }
  return used;
}

/* The verb that the words from argv[at] on name; *used = how many words. */
static const cli_verb *find_verb(int argc, char **argv, int at, int *used) {
  for (size_t i = 0; i < N_SECTIONS; i++)
    for (const cli_verb *verb = SECTIONS[i].verbs; verb->words; verb++)
      if ((*used = words_used(verb->words, argc, argv, at)) > 0) return verb;
  return NULL;
}

/* "corridor case" or "corridor case --help": the verbs of that noun. */
static bool print_noun_help(FILE *out, const char *noun) {
  for (size_t i = 0; i < N_SECTIONS; i++)
    for (const cli_verb *verb = SECTIONS[i].verbs; verb->words; verb++) {
      size_t len = strlen(noun);
      if (strncmp(verb->words, noun, len) != 0 || verb->words[len] != ' ') continue;
      fprintf(out, "usage: corridor %s VERB\n\n", noun);
      print_verb_lines(out, SECTIONS[i].verbs, noun);
      return true;
    }
  return false;
}

/* The language of the locale, as libc finds it: "fr" of fr_FR.UTF-8; none of C. */
static const char *locale_language(char out[4]) {
  static const char *const NAMES[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
  const char *name = NULL;
  for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES && (!name || !*name); i++)
    name = getenv(NAMES[i]);
  size_t len = name ? strspn(name, "abcdefghijklmnopqrstuvwxyz") : 0;
  if (len < 2 || len > 3 || !strchr("_.@", name[len])) return NULL;
  memcpy(out, name, len);
  out[len] = 0;
  return out;
}

static bool take_globals(cli_context *cli, const cli_args *args, cor_error *err) {
  int64_t fd = -1;
  cli->agent = cli_args_get(args, "agent");
  if (!cli->agent) cli->agent = getenv("CORRIDOR_AGENT");
  if (cli->agent && !*cli->agent) cli->agent = NULL;
  cli->json = cli_args_has(args, "json");
  cli->user = cli_args_get(args, "user");
  cli->second = cli_args_get(args, "second");
  if (cli->second && !cli->user)
    return cor_fail(err, COR_BAD_INPUT, "second", "--second comes with --user, the first person");
  cli->lang = cli_args_get(args, "lang");
  if (!cli->lang) cli->lang = locale_language(cli->locale);
  if (!cli_args_number(args, "passphrase-fd", -1, 0, 1023, &fd, err)) return false;
  cli->passphrase_fd = (int)fd;
  return true;
}

static int run_verb(cli_context *cli, const cli_verb *verb, const cli_args *args) {
  cor_error err = {0};
  if (cli_args_has(args, "help")) {
    print_verb_help(cli->out, verb);
    return CLI_DONE;
  }
  if (!take_globals(cli, args, &err)) return cli_usage(cli, verb->words, "%s", err.detail);
  const char *missing = cli_args_missing(args, verb->options);
  if (missing) return cli_usage(cli, verb->words, "--%s is required", missing);
  if (args->n_operands < verb->min) return cli_usage(cli, verb->words, "%s is missing", verb->operands);
  if (args->n_operands > verb->max)
    return cli_usage(cli, verb->words, "\"%.40s\" is one word too many", args->operands[verb->max]);
  int code = verb->run(cli, args);
  /* A result that did not reach its reader is no result (a full disk, say). */
  if (fflush(cli->out) != 0 && code == CLI_DONE) {
    cor_fail(&err, COR_INTERNAL, "", "the answer could not be written to standard output");
    return cli_error(cli, &err);
  }
  return code;
}

int cli_main(int argc, char **argv, FILE *out, FILE *err_out) {
  cli_context cli = {.passphrase_fd = -1, .out = out, .err = err_out};
  cli_args args = {0};
  cor_error err = {0};
  int at = 1, used = 0;
  if (!cli_args_read(&args, GLOBAL_OPTIONS, NULL, argc, argv, &at, true, &err))
    return cli_usage(&cli, NULL, "%s", err.detail);
  if (cli_args_has(&args, "version")) {
    fprintf(out, "corridor %s\n", CORRIDOR_VERSION);
    return CLI_DONE;
  }
  if (at >= argc) {
    bool asked = cli_args_has(&args, "help");
    print_help(asked ? out : err_out);
    return asked ? CLI_DONE : CLI_USAGE;
  }
  const cli_verb *verb = find_verb(argc, argv, at, &used);
  if (!verb) {
    bool asked = at + 1 >= argc || strcmp(argv[at + 1], "--help") == 0 || strcmp(argv[at + 1], "-h") == 0;
    if (asked && print_noun_help(out, argv[at])) return CLI_DONE;
    return cli_usage(&cli, NULL, "no such verb: %.40s", argv[at]);
  }
  at += used;
  if (!cli_args_read(&args, GLOBAL_OPTIONS, verb->options, argc, argv, &at, false, &err))
    return cli_usage(&cli, verb->words, "%s", err.detail);
  return run_verb(&cli, verb, &args);
}

int cli_usage(cli_context *cli, const char *words, const char *fmt, ...) {
  char text[256];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  fputs("corridor: ", cli->err);
  cli_print_text(cli->err, text);
  fprintf(cli->err, "\nTry: corridor %s%s--help\n", words ? words : "", words ? " " : "");
  return CLI_USAGE;
}

int cli_error(cli_context *cli, const cor_error *err) {
  const cor_refusal *row = cor_refusal_of(err->code);
  json_t *error = json_pack("{s:s, s:s, s:s, s:b, s:s}", "code", row->name, "path", err->path, "rule",
                            row->rule, "retry", row->retry, "detail", err->detail);
  if (!error) {
    fprintf(cli->err, "corridor: %s\n", row->name);
    return row->exit;
  }
  int code = cli_error_json(cli, error);
  json_decref(error);
  return code;
}

static const cor_refusal *refusal_named(const char *name) {
  const cor_refusal *row;
  for (size_t i = 0; (row = cor_refusal_at(i)) != NULL; i++)
    if (name && strcmp(row->name, name) == 0) return row;
  return cor_refusal_of(COR_INTERNAL);
}

/* Only what belongs to the error: the answer it came in may hold more, such as
 * a withdrawal code, that must not get into a log of errors. */
static void print_error_members(FILE *err, const json_t *answer) {
  static const char *const MEMBERS[] = {"code", "path", "rule", "retry", "sentence", "detail", "kept"};
  json_t *error = json_object();
  for (size_t i = 0; i < sizeof MEMBERS / sizeof *MEMBERS; i++)
    if (json_object_get(answer, MEMBERS[i]))
      json_object_set(error, MEMBERS[i], json_object_get(answer, MEMBERS[i]));
  cli_print_json(err, error);
  json_decref(error);
}

int cli_error_json(cli_context *cli, const json_t *error) {
  const cor_refusal *row = refusal_named(json_string_value(json_object_get(error, "code")));
  if (cli->json)
    print_error_members(cli->err, error);
  else
    cli_print_error(cli->err, row, error);
  return row->exit ? row->exit : cor_refusal_of(COR_INTERNAL)->exit;
}
