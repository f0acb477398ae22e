/* cli_args.h - command line words against a table of options. */
#ifndef CORRIDOR_CLI_ARGS_H
#define CORRIDOR_CLI_ARGS_H
#include "corridor/base.h"

enum { CLI_GIVEN_MAX = 64, CLI_OPERANDS_MAX = 8 };

/* A table ends with name NULL. value NULL = the option is a flag. */
typedef struct cli_option {
  const char *name;  /* without the dashes */
  const char *value; /* what --help calls its value */
  bool required;
  const char *help;
} cli_option;

typedef struct cli_given {
  const char *name;  /* borrowed from the table */
  const char *value; /* borrowed from argv; "" for a flag */
} cli_given;

typedef struct cli_args {
  cli_given given[CLI_GIVEN_MAX];
  size_t n_given;
  const char *operands[CLI_OPERANDS_MAX];
  size_t n_operands;
} cli_args;

/* Reads argv[*at ...] into args. With stop_at_operand the first word that is no
 * option ends the reading and *at names it. Options of either table (may be
 * NULL) are known, as "--name value", "--name=value" or a flag "--name"; "--"
 * ends the options; "-" is an operand. On error, err->detail says which word. */
bool cli_args_read(cli_args *args, const cli_option *one, const cli_option *two, int argc, char **argv,
                   int *at, bool stop_at_operand, cor_error *err) COR_MUST_CHECK;
/* First required option of the table that is missing, or NULL. */
const char *cli_args_missing(const cli_args *args, const cli_option *table);

const char *cli_args_get(const cli_args *args, const char *name);           /* the last one given, or NULL */
const char *cli_args_nth(const cli_args *args, const char *name, size_t i); /* NULL past the end */
bool cli_args_has(const cli_args *args, const char *name);
/* A whole number of the option, or fallback when it is not given. */
bool cli_args_number(const cli_args *args, const char *name, int64_t fallback, int64_t min, int64_t max,
                     int64_t *out, cor_error *err) COR_MUST_CHECK;
#endif
