/* conveyor.h - the way from the door to the core, and back.
 *
 * Three kinds of thread. The porter alone touches the channel's socket: it brings
 * mail in and carries out what was given to doorway_send. Workers inspect what
 * came, several at once. The core takes it in the order in which it came; while it
 * is busy with one batch the next is read and verified. */
#ifndef BROKER_CONVEYOR_H
#define BROKER_CONVEYOR_H
#include "parcel.h"

typedef struct conveyor conveyor;

enum {
  CONVEYOR_WORKERS_MAX = 16,
  CONVEYOR_PARCELS = 2048,               /* beyond either, the porter reads no more and */
  CONVEYOR_BYTES = 2 * CHANNEL_BYTES_MAX /* the door in turn reads no more */
};

/* Starts the threads. doorway and memory are shared with the caller, and outlive it. */
conveyor *conveyor_start(struct doorway *doorway, cor_sign_memory *memory, unsigned workers,
                         cor_error *err) COR_MUST_CHECK;
/* Stops them; what was given to doorway_send before is carried out first (for at
 * most a second), what was not taken is dropped: nothing of it was acknowledged. */
void conveyor_stop(conveyor **c);
/* Readable when there may be something to take. */
int conveyor_fd(const conveyor *c);
/* The next parcel in order, if it is inspected; the caller's to free. NULL: none. */
parcel *conveyor_take(conveyor *c);
/* What the workers verify against from now on; borrowed until the next call, which
 * waits for those who still use the former. epoch is the core's own. */
void conveyor_cards(conveyor *c, const cor_cards *cards, int64_t epoch);
#endif
