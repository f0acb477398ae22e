/* usage.h - the words of corridor-broker's command line: one table of options,
 * one of verbs; parsing, checking and --help all read them. */
#ifndef BROKER_USAGE_H
#define BROKER_USAGE_H
#include <stdbool.h>
#include <stdio.h>

typedef enum usage_option {
  USAGE_CONFIG,
  USAGE_CHECK,
  USAGE_SAMPLE,
  USAGE_DB,
  USAGE_SQL,
  USAGE_CA,
  USAGE_CLOCK,
  USAGE_HELP,
  USAGE_VERSION,
  USAGE_OPTIONS
} usage_option;
#define USAGE_BIT(option) (1u << (option))

enum { USAGE_WORDS_MAX = 4 };

typedef struct usage_given {
  const char *of[USAGE_OPTIONS]; /* NULL = not given; a flag's is "" */
  const char *words[USAGE_WORDS_MAX];
  int n_words;
  const char *operand; /* the word after the verb's own, or NULL */
} usage_given;

typedef struct usage_verb {
  const char *words;   /* "cards import"; NULL ends the table */
  const char *operand; /* as help shows it, or NULL: none is taken */
  unsigned takes;      /* USAGE_BITs */
  unsigned needs;      /* of these */
  const char *about;   /* one line */
  const char *help;    /* what it does, and an example */
  int (*run)(const usage_given *given);
} usage_verb;

/* False: a word is no option (and was complained of). */
bool usage_read(int argc, char **argv, usage_given *given);
/* The verb that the words name; sets given->operand. NULL = none. */
const usage_verb *usage_find(const usage_verb *verbs, usage_given *given);
/* Whether the verb takes what was given and has what it needs; else it says so. */
bool usage_fits(const usage_verb *verb, const usage_given *given);

void usage_print(FILE *out, const usage_verb *verbs);
void usage_print_verb(FILE *out, const usage_verb *verb);
#endif
