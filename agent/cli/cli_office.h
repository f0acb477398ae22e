/* cli_office.h - what the verbs on an office's own keys share. */
#ifndef CORRIDOR_CLI_OFFICE_H
#define CORRIDOR_CLI_OFFICE_H
#include "cli.h"

enum { PEOPLE_MAX = 16 };

/* People and the passphrases they typed; zero it with people_clear. */
typedef struct people {
  char (*secrets)[COR_PASSPHRASE_MAX + 1];
  cor_holder holders[PEOPLE_MAX];
  size_t n;
} people;
/* Asks for the passphrase of one more. */
bool people_add(cli_context *cli, people *all, const char *user, cor_error *err) COR_MUST_CHECK;
/* Each one named by the option, in their order. */
bool people_named(cli_context *cli, people *all, const cli_args *args, const char *option,
                  cor_error *err) COR_MUST_CHECK;
/* The present holders: --user, then each --present. */
bool people_present(cli_context *cli, people *all, const cli_args *args, cor_error *err) COR_MUST_CHECK;
void people_clear(people *all);

#define PRESENT_OPTION                                                                                       \
  { "present", "USER", false, "another present holder, for a key --user does not hold; repeat it" }
#define COMPARTMENT_OPTION(help)                                                                             \
  { "compartment", "NAME", false, help }

/* The mask of each --compartment; 0 when none is named. */
bool office_compartments(const cli_args *args, unsigned *mask, cor_error *err) COR_MUST_CHECK;
/* Those of the directory in the mask, "casework" and so on, as a JSON list. */
json_t *office_names(unsigned compartments);
/* Prints "DONE SUBJECT", or both as JSON; takes more (NULL or members beside them). */
int office_done(cli_context *cli, const char *done, const char *subject, json_t *more);

/* Recovery shares for each compartment of the mask; what was made is in *shares even
 * when it fails half-way: nobody can get it a second time. */
bool recovery_make(const char *dir, const char *office, unsigned compartments, const people *by,
                   json_t **shares, cor_error *err) COR_MUST_CHECK;
void recovery_print(cli_context *cli, const json_t *shares);

extern const cli_option staff_add_options[], staff_list_options[];
int staff_add(cli_context *cli, const cli_args *args);
int staff_list(cli_context *cli, const cli_args *args);

#endif
