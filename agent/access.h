/* access.h - openings that the hub is told of (design 7). */
#ifndef AGENT_ACCESS_H
#define AGENT_ACCESS_H
#include "agent.h"

/* Queues the AccessStatement of an opening, if this one calls for it; recovered_at is the
 * opener's (cor_keyfile_open_share). In the transaction that notes the opening. False only
 * when the store failed: a statement that cannot be made is an alarm and stops no one. */
bool access_state(agent *a, const store_message *m, int64_t recovered_at, cor_error *err) COR_MUST_CHECK;
#endif
