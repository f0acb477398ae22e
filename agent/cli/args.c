/* args.c - command line words against a table of options.
 *
 * Guarantees: every word is either a known option, its value, or an operand;
 * a misspelt or doubled-up word is an error that names it, never ignored.
 * Global options may stand before or after the verb, so a person can add
 * --json at the end of a line already typed. Trusts argv to outlive the
 * result, which only points into it. Nothing here is fatal. */
#include "cli_args.h"
#include "corridor/refusal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const cli_option *find_option(const cli_option *table, const char *name, size_t len) {
  for (; table && table->name; table++)
    if (strlen(table->name) == len && memcmp(table->name, name, len) == 0) return table;
  return NULL;
}

static bool add_given(cli_args *args, const char *name, const char *value, cor_error *err) {
  if (args->n_given == CLI_GIVEN_MAX)
    return cor_fail(err, COR_BAD_INPUT, name, "too many options: at most %d", CLI_GIVEN_MAX);
  args->given[args->n_given++] = (cli_given){name, value};
  return true;
}

/* One "--word", taking the next word as its value where the table says so. */
static bool read_option(cli_args *args, const cli_option *one, const cli_option *two, int argc, char **argv,
                        int *at, cor_error *err) {
  const char *word = argv[*at] + 2;
  const char *equals = strchr(word, '=');
  size_t len = equals ? (size_t)(equals - word) : strlen(word);
  const cli_option *option = find_option(one, word, len);
  if (!option) option = find_option(two, word, len);
  if (!option)
    return cor_fail(err, COR_BAD_INPUT, "", "unknown option --%.*s", (int)(len < 64 ? len : 64), word);
  (*at)++;
  if (!option->value) {
    if (equals) return cor_fail(err, COR_BAD_INPUT, option->name, "option --%s takes no value", option->name);
    return add_given(args, option->name, "", err);
  }
  if (equals) return add_given(args, option->name, equals + 1, err);
  if (*at >= argc)
    return cor_fail(err, COR_BAD_INPUT, option->name, "option --%s needs a value", option->name);
  return add_given(args, option->name, argv[(*at)++], err);
}

bool cli_args_read(cli_args *args, const cli_option *one, const cli_option *two, int argc, char **argv,
                   int *at, bool stop_at_operand, cor_error *err) {
  bool options_ended = false;
  while (*at < argc) {
    const char *word = argv[*at];
    if (!options_ended && strcmp(word, "--") == 0) {
      options_ended = true;
      (*at)++;
    } else if (!options_ended && strcmp(word, "-h") == 0) {
      if (!add_given(args, "help", "", err)) return false;
      (*at)++;
    } else if (!options_ended && strncmp(word, "--", 2) == 0) {
      if (!read_option(args, one, two, argc, argv, at, err)) return false;
    } else if (!options_ended && word[0] == '-' && word[1]) {
      return cor_fail(err, COR_BAD_INPUT, "", "unknown option %.40s", word);
    } else if (stop_at_operand) {
      return true;
    } else if (args->n_operands == CLI_OPERANDS_MAX) {
      return cor_fail(err, COR_BAD_INPUT, "", "too many words from %.40s on", word);
    } else {
      args->operands[args->n_operands++] = word;
      (*at)++;
    }
  }
  return true;
}

const char *cli_args_missing(const cli_args *args, const cli_option *table) {
  for (; table && table->name; table++)
    if (table->required && !cli_args_has(args, table->name)) return table->name;
  return NULL;
}

const char *cli_args_nth(const cli_args *args, const char *name, size_t i) {
  for (size_t k = 0; k < args->n_given; k++)
    if (strcmp(args->given[k].name, name) == 0 && i-- == 0) return args->given[k].value;
  return NULL;
}

const char *cli_args_get(const cli_args *args, const char *name) {
  const char *last = NULL;
  for (size_t k = 0; k < args->n_given; k++)
    if (strcmp(args->given[k].name, name) == 0) last = args->given[k].value;
  return last;
}

bool cli_args_has(const cli_args *args, const char *name) {
  return cli_args_get(args, name) != NULL;
}

bool cli_args_number(const cli_args *args, const char *name, int64_t fallback, int64_t min, int64_t max,
                     int64_t *out, cor_error *err) {
  const char *text = cli_args_get(args, name);
  *out = fallback;
  if (!text) return true;
  char *end = NULL;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (errno || end == text || *end || value < min || value > max)
    return cor_fail(err, COR_BAD_INPUT, name, "--%s must be a whole number from %lld to %lld", name,
                    (long long)min, (long long)max);
  *out = value;
  return true;
}
