/* cli_hold.h - an interruption waits until what must be printed is printed. */
#ifndef CORRIDOR_CLI_HOLD_H
#define CORRIDOR_CLI_HOLD_H
#include <signal.h>
#include <stdbool.h>

/* From here on SIGINT, SIGTERM and SIGHUP do not end the process. */
void cli_hold_begin(sigset_t *before);
bool cli_hold_asked(void); /* one of them has come */
/* Those that came are used up: the caller has ended its work because of them. */
void cli_hold_end(const sigset_t *before);
#endif
