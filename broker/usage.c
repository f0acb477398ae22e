/* usage.c - the words of corridor-broker's command line.
 *
 * For: main.c, which has the verbs. Guarantees: an option that a verb does not
 * take, a word too many and a word too few are errors that name it, never
 * ignored; --help of each verb lists exactly the options it takes, because both
 * come from the same table. Trusts argv to outlive what is read from it, which
 * only points into it. Nothing is fatal. */
#include "usage.h"
#include <getopt.h>
#include <string.h>

static const struct {
  const char *name, *value; /* value NULL: a flag */
  const char *help;
} rows[USAGE_OPTIONS] = {
    [USAGE_CONFIG] = {"config", "FILE", "the configuration; --sample-config shows what may stand in it"},
    [USAGE_CHECK] = {"check-config", NULL, "check FILE and what it names, and exit: 0 good, 3 wrong"},
    [USAGE_SAMPLE] = {"sample-config", NULL, "print every option of FILE, explained, with its default"},
    [USAGE_DB] = {"db", "CONNINFO", "the hub's database, in libpq's words"},
    [USAGE_SQL] = {"sql", "DIR", "where the migrations are (if not given, those installed)"},
    [USAGE_CA] = {"ca", "FILE", "the programme CA's certificate, ca.crt"},
    [USAGE_CLOCK] = {"demo-clock", "FILE", "demonstration only: date it by this clock"},
    [USAGE_HELP] = {"help", NULL, "this text; after a verb, that verb's"},
    [USAGE_VERSION] = {"version", NULL, "print the version"},
};
static const unsigned everywhere = USAGE_BIT(USAGE_HELP) | USAGE_BIT(USAGE_VERSION);

bool usage_read(int argc, char **argv, usage_given *given) {
  struct option longs[USAGE_OPTIONS + 1] = {0};
  int option, at = 0;
  for (size_t i = 0; i < USAGE_OPTIONS; i++)
    longs[i] = (struct option){rows[i].name, rows[i].value ? required_argument : no_argument, NULL, 0};
  while ((option = getopt_long(argc, argv, "h", longs, &at)) != -1) {
    if (option == 'h')
      given->of[USAGE_HELP] = "";
    else if (option == 0)
      given->of[at] = optarg ? optarg : "";
    else
      return false;
  }
  for (; optind < argc; optind++) {
    if (given->n_words == USAGE_WORDS_MAX) {
      fprintf(stderr, "corridor-broker: one word too many: %.40s\n", argv[optind]);
      return false;
    }
    given->words[given->n_words++] = argv[optind];
  }
  return true;
}

/* How many of the given words are the verb's own; 0 = another verb. */
static int own_words(const char *verb, const usage_given *given) {
  const char *second = strchr(verb, ' ');
  const size_t len = second ? (size_t)(second - verb) : strlen(verb);
  if (given->n_words < 1 || strlen(given->words[0]) != len || memcmp(given->words[0], verb, len) != 0)
    return 0;
  if (!second) return 1;
  return given->n_words > 1 && strcmp(given->words[1], second + 1) == 0 ? 2 : 0;
}

const usage_verb *usage_find(const usage_verb *verbs, usage_given *given) {
  for (; verbs->words; verbs++) {
    const int own = own_words(verbs->words, given);
    if (own == 0) continue;
    given->operand = given->n_words > own ? given->words[own] : NULL;
    return verbs;
  }
  return NULL;
}

static bool unfit(const usage_verb *verb, const char *what, const char *dashes, const char *word) {
  fprintf(stderr, "corridor-broker: %s: %s%.40s\nTry: corridor-broker %s --help\n", what, dashes, word,
          verb->words);
  return false;
}

bool usage_fits(const usage_verb *verb, const usage_given *given) {
  const int own = own_words(verb->words, given), taken = own + (verb->operand ? 1 : 0);
  for (unsigned i = 0; i < USAGE_OPTIONS; i++) {
    if (given->of[i] && !((verb->takes | everywhere) & USAGE_BIT(i)))
      return unfit(verb, "this verb does not take", "--", rows[i].name);
  }
  for (unsigned i = 0; i < USAGE_OPTIONS; i++) {
    if (!given->of[i] && (verb->needs & USAGE_BIT(i))) return unfit(verb, "is needed", "--", rows[i].name);
  }
  if (given->n_words > taken) return unfit(verb, "one word too many", "", given->words[taken]);
  return given->n_words == taken || unfit(verb, "is missing", "", verb->operand);
}

/* ---- help ---- */

static void print_options(FILE *out, unsigned which, unsigned needed) {
  for (unsigned i = 0; i < USAGE_OPTIONS; i++) {
    char left[32];
    if (!(which & USAGE_BIT(i))) continue;
    snprintf(left, sizeof left, "--%s%s%s", rows[i].name, rows[i].value ? " " : "",
             rows[i].value ? rows[i].value : "");
    fprintf(out, "  %-20s %s%s\n", left, rows[i].help, needed & USAGE_BIT(i) ? " (required)" : "");
  }
}

static void print_exit_codes(FILE *out) {
  fputs("\nExit codes: 0 done, 1 internal error, 2 wrong usage, 3 bad input, 4 refused, 5 not now (try\n"
        "again), 6 not permitted.\n",
        out);
}

void usage_print(FILE *out, const usage_verb *verbs) {
  fputs("usage: corridor-broker VERB [OPTIONS]\n\nThe hub of Corridor.\n\n", out);
  for (; verbs->words; verbs++) {
    char left[32];
    snprintf(left, sizeof left, "%s%s%s", verbs->words, verbs->operand ? " " : "",
             verbs->operand ? verbs->operand : "");
    fprintf(out, "  %-20s %s\n", left, verbs->about);
  }
  fputs("\nEvery verb takes:\n", out);
  print_options(out, everywhere, 0);
  print_exit_codes(out);
  fputs("\n`corridor-broker VERB --help` says what each verb takes.\n", out);
}

void usage_print_verb(FILE *out, const usage_verb *verb) {
  fprintf(out, "corridor-broker %s - %s\n\nusage: corridor-broker %s%s%s [OPTIONS]\n\n%s\n\noptions:\n",
          verb->words, verb->about, verb->words, verb->operand ? " " : "", verb->operand ? verb->operand : "",
          verb->help);
  print_options(out, verb->takes | everywhere, verb->needs);
  print_exit_codes(out);
}
