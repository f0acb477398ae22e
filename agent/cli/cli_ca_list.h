/* cli_ca_list.h - `corridor ca list`. */
#ifndef CORRIDOR_CLI_CA_LIST_H
#define CORRIDOR_CLI_CA_LIST_H
#include "cli.h"

int ca_list_run(cli_context *cli, const cli_args *args);
#endif
