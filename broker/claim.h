/* claim.h - delivering: claim (gate again), commit, send. */
#ifndef BROKER_CLAIM_H
#define BROKER_CLAIM_H
#include "session.h"

enum { LEASE_MS = 30 * 1000 };

/* Claims for every open session with room and sends what was claimed. *any =
 * something was claimed or stopped, so there may be more. */
bool claim_round(core *c, bool sweep, bool *any) COR_MUST_CHECK;
/* Sets what sessions have in flight from the database; by the thread that claims. */
bool claim_recount(core *c) COR_MUST_CHECK;
/* Leases that ran out since from go back to the queue; what passed its expiry ends,
 * and its sender is told. */
bool claim_timers(core *c, int64_t from, int64_t now) COR_MUST_CHECK;
#endif
