/* moment.c - now, or under a demo CA the moment that was asked for.
 *
 * Guarantees: only what belongs to a demonstration can be dated otherwise than by
 * this machine's clock, so that nobody back-dates what is meant to count. The caller
 * says whether it is a demonstration, from the mark in the CA's certificate. */
#include "cli_moment.h"
#include "corridor/clock.h"
#include "corridor/refusal.h"

bool cli_moment(const cli_args *args, bool demo, int64_t *now, cor_error *err) {
  const char *at = cli_args_get(args, "at"), *file = cli_args_get(args, "demo-clock");
  if ((at || file) && !demo)
    return cor_fail(err, COR_DEMO_ONLY, at ? "at" : "demo-clock",
                    "this is no demonstration: it is dated by this machine's clock only");
  if (at && !cor_time_parse(at, now))
    return cor_fail(err, COR_BAD_INPUT, "at", "not a time; write 2026-03-02T09:00Z");
  if (at) return true;
  cor_clock *clock = file ? cor_clock_demo(file, err) : cor_clock_system();
  if (!clock) return false;
  *now = cor_clock_now(clock);
  cor_clock_destroy(&clock);
  return true;
}
