/* alone.h - a core without its door and its other threads, for programs that drive
 * it themselves: they stand where the door would. */
#ifndef CORRIDOR_TESTS_ALONE_H
#define CORRIDOR_TESTS_ALONE_H
#include "core.h"
#include "corridor/frames.h"
#include "parcel.h"

typedef struct alone_door {
  void *context, *socket; /* what the core sends comes out of it */
} alone_door;

/* A core of the cluster in folder: the hub's keys, its demo clock, the cards of its
 * database. name: of its channel, its log and its leases. Ends the program if it cannot. */
void alone_open(core *c, alone_door *door, const char *name, const char *conninfo, const char *folder,
                const char *clock_file);
void alone_close(core *c, alone_door *door);

/* What a door would hand over, inspected under the core's present cards. body.data
 * NULL: none. The caller's to free. */
parcel *alone_parcel(core *c, const char *office, cor_command command, cor_bytes control, cor_bytes body);

/* Says what went wrong and ends the program. */
_Noreturn void alone_die(const char *what, const cor_error *err);
#endif
