/* cli_moment.h - the moment by which a verb dates what it makes. */
#ifndef CORRIDOR_CLI_MOMENT_H
#define CORRIDOR_CLI_MOMENT_H
#include "cli.h"

#define CLI_TIME_OPTIONS                                                                                     \
  {"at", "TIME", false, "demo CA only: date it so, 2026-03-02T09:00Z"}, {                                    \
    "demo-clock", "FILE", false, "demo CA only: date it by this demo clock"                                  \
  }
/* Now, or under a demo CA what --at or --demo-clock asked for. */
bool cli_moment(const cli_args *args, bool demo, int64_t *now, cor_error *err) COR_MUST_CHECK;

#endif
