/* replay.h - what an office hears again when its store went back (design 3). */
#ifndef BROKER_REPLAY_H
#define BROKER_REPLAY_H
#include "core.h"

/* In the caller's transaction: queues for the office what its store, which holds
 * deliveries up to sequence, lacks. */
bool replay_queue(core *c, const char *office, int64_t sequence, int64_t now) COR_MUST_CHECK;
#endif
