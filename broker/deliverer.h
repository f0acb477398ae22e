/* deliverer.h - the thread that claims and sends, and lets time pass.
 *
 * A core of its own beside the admitting one, with its own connection and cards:
 * two cores on one database are what the locks are made for (claim.c, race.c).
 * They share the sessions, the door and the counters. */
#ifndef BROKER_DELIVERER_H
#define BROKER_DELIVERER_H
#include "core.h"

typedef struct deliverer deliverer;

deliverer *deliverer_start(core *beside, cor_error *err) COR_MUST_CHECK;
/* Ends after the transaction in hand. */
void deliverer_stop(deliverer **d);
/* Something may have to be sent. From any thread. */
void deliverer_wake(deliverer *d);
#endif
