/* cli_case_new.h - the verb "case new". */
#ifndef CORRIDOR_CLI_CASE_NEW_H
#define CORRIDOR_CLI_CASE_NEW_H
#include "cli.h"

extern const cli_option cli_case_new_options[];
int cli_case_new(cli_context *cli, const cli_args *args);
#endif
