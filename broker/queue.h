/* queue.h - what may leave the hub next, and for whom.
 *
 * The queue of an office is its deliveries in states 1 and 2, in the order of their
 * sequence numbers; corridor.delivery keeps for ever those that are done. */
#ifndef BROKER_QUEUE_H
#define BROKER_QUEUE_H
#include "core.h"
#include <libpq-fe.h>

enum { QUEUE_LOOK_MAX = 256 };

/* Rows, in the order in which everybody locks deliveries: sequence, message_id,
 * admitted_at, case_handle, header, cover, bytes, claims, connection. *out is NULL when nobody has room. In a
 * sweep all offices are looked at, each queue from its very beginning; else only those for which something
 * may wait. For the deliverer's thread. Free with PQclear. */
bool queue_look(core *c, bool sweep, PGresult **out) COR_MUST_CHECK;
/* Where the queues begin now from which something has left, for the looks to come. A
 * few times a second; idle offices cost nothing. */
bool queue_heads(core *c) COR_MUST_CHECK;
#endif
