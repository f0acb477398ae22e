/* cli.h - what every verb of the corridor command shares: the context made
 * from the global options, the verb table's shape, and how errors are told. */
#ifndef CORRIDOR_CLI_H
#define CORRIDOR_CLI_H
#include "cli_args.h"
#include "corridor/office.h"
#include <jansson.h>
#include <stdio.h>

/* Exit codes (design 9); all but these two come from the refusal table. */
enum { CLI_DONE = 0, CLI_USAGE = 2 };

typedef struct cli_context {
  const char *agent;  /* socket, or NULL */
  const char *user;   /* holder's name, or NULL */
  const char *second; /* the other one of two, or NULL */
  const char *lang;   /* Accept-Language, or NULL */
  char locale[4];     /* where lang points when it is the environment's */
  int passphrase_fd;  /* -1 = ask at the terminal */
  char *keep;         /* room for COR_PASSPHRASE_MAX + 1: the user's, read once for several calls; or NULL */
  bool json;
  FILE *out; /* results */
  FILE *err; /* errors and notes */
} cli_context;

typedef struct cli_verb {
  const char *words;    /* "case new"; NULL ends a table */
  const char *operands; /* as usage shows them, may be "" */
  size_t min, max;      /* how many operands */
  const char *about;    /* one line */
  const char *help;     /* what a newcomer needs beyond the options, or NULL */
  const char *example;  /* one command line */
  const cli_option *options;
  int (*run)(cli_context *cli, const cli_args *args); /* returns the exit code */
} cli_verb;

extern const cli_verb cli_case_verbs[], cli_consent_verbs[], cli_message_verbs[], cli_attachment_verbs[],
    cli_duplicate_verbs[], cli_referral_verbs[], cli_basis_verbs[], cli_data_verbs[], cli_record_verbs[],
    cli_ca_verbs[], cli_office_verbs[], cli_holder_verbs[], cli_recovery_verbs[], cli_demo_verbs[],
    cli_audit_verbs[];

/* The whole command: parses, runs one verb, returns its exit code. */
int cli_main(int argc, char **argv, FILE *out, FILE *err);

/* Prints a usage error and where to read more; returns CLI_USAGE. */
int cli_usage(cli_context *cli, const char *words, const char *fmt, ...) COR_PRINTF(3, 4);
/* Prints err as the refusal table has it; returns its exit code. */
int cli_error(cli_context *cli, const cor_error *err);
/* The same for an error object of the agent ({code, path, rule, ...}). */
int cli_error_json(cli_context *cli, const json_t *error);

/* One line from --passphrase-fd, or from the terminal without echo. Each call
 * reads the next line. The caller zeroes out. */
bool cli_secret_read(cli_context *cli, const char *prompt, char out[COR_PASSPHRASE_MAX + 1],
                     cor_error *err) COR_MUST_CHECK;
/* The same for what a person copies from paper: shown while it is typed. */
bool cli_line_read(cli_context *cli, const char *prompt, char out[COR_PASSPHRASE_MAX + 1],
                   cor_error *err) COR_MUST_CHECK;

/* JSON from a file, or from standard input for "-". NULL on error. */
json_t *cli_json_load(const char *path, cor_error *err) COR_MUST_CHECK;
/* Replaces times written as RFC 3339 text in fields of that meaning (names
 * ending in "At", "since", "validFrom", ...) by the schema's milliseconds, in
 * place, so that people need not count them. */
void cli_times_to_ms(json_t *value);
bool cli_is_time_field(const char *name);
#endif
