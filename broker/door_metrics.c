/* door_metrics.c - names and helps of the door's metrics, from the two tables
 * (door_metrics.h and DOOR_ENDS of door_peer.h), so that a new way to end a
 * connection cannot go uncounted. Guarantees: every entry has a name; trusts
 * nothing, fails never. */
#include "door_metrics.h"

void door_metrics_init(cor_metric metrics[DOOR_M_COUNT]) {
  static const struct {
    const char *name, *help;
    bool counter;
  } rows[DOOR_M_COUNT] = {
#define X(word, is_counter, text) {"corridor_door_" #word, text, is_counter},
      DOOR_METRICS(X)
#undef X
#define X(name, word) {"corridor_door_ended_" word "_total", "connections ended: " word, true},
          DOOR_ENDS(X)
#undef X
  };
  for (size_t i = 0; i < DOOR_M_COUNT; i++) {
    metrics[i].name = rows[i].name;
    metrics[i].help = rows[i].help;
    metrics[i].counter = rows[i].counter;
    atomic_init(&metrics[i].value, 0);
  }
}
