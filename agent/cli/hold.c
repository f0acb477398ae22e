/* hold.c - an interruption waits until what must be printed is printed.
 *
 * For: verbs whose answer nobody can get a second time. The signals are blocked
 * and asked for, so there is no handler and no state of our own. Guarantees:
 * between begin and end only a signal that cannot be held (SIGKILL, SIGPIPE when
 * the reader is gone) ends the process. Trusts that the process has one thread.
 * Nothing is fatal. */
#include "cli_hold.h"
#include <stddef.h>
#include <time.h>

static const int HELD[] = {SIGINT, SIGTERM, SIGHUP};
enum { N_HELD = sizeof HELD / sizeof *HELD };

static void held_set(sigset_t *set) {
  sigemptyset(set);
  for (size_t i = 0; i < N_HELD; i++)
    sigaddset(set, HELD[i]);
}

void cli_hold_begin(sigset_t *before) {
  sigset_t held;
  held_set(&held);
  sigprocmask(SIG_BLOCK, &held, before);
}

bool cli_hold_asked(void) {
  sigset_t pending;
  bool asked = false;
  sigpending(&pending);
  for (size_t i = 0; i < N_HELD; i++)
    asked = asked || sigismember(&pending, HELD[i]) == 1;
  return asked;
}

void cli_hold_end(const sigset_t *before) {
  const struct timespec none = {0, 0};
  sigset_t held;
  held_set(&held);
  while (sigtimedwait(&held, NULL, &none) > 0)
    continue;
  sigprocmask(SIG_SETMASK, before, NULL);
}
