/* door_core.h - the door's end of the channel to the core (channel.h). */
#ifndef BROKER_DOOR_CORE_H
#define BROKER_DOOR_CORE_H
#include "channel.h"
#include "corridor/frames.h"
#include <zmq.h>

typedef struct door_core {
  void *socket;
  int fd; /* ZMQ_FD */
  uint64_t door_generation;
  uint64_t core_generation; /* 0: no core yet */
  bool announced;           /* DOOR_UP was sent at least once */
  uint64_t sent, taken;     /* frame bytes of MESSAGEs in this core generation */
} door_core;

/* One thing the core said. parts are owned: door_core_event_clear. */
typedef struct door_core_event {
  channel_head head;
  zmq_msg_t parts[COR_FRAMES_MAX];
  size_t n;
  bool new_generation; /* CORE_UP of a core not seen before */
} door_core_event;

bool door_core_open(door_core *core, void *context, const char *endpoint, cor_error *err) COR_MUST_CHECK;
void door_core_close(door_core *core);
/* May a MESSAGE be sent now? Else leave it, and so the bytes, with the agent. */
bool door_core_ready(const door_core *core);
uint64_t door_core_untaken(const door_core *core);
/* Says DOOR_UP as soon as the core can be reached, and (repeat: each second)
 * again until it has answered. */
void door_core_announce(door_core *core, bool repeat);
/* Moves the frames to the core. False: the core went away in the middle and has
 * nothing of it; the frames are gone. */
bool door_core_message(door_core *core, uint64_t connection, const char *office, zmq_msg_t *frames, size_t n);
bool door_core_closed(door_core *core, uint64_t connection); /* false: cannot be told now */
bool door_core_next(door_core *core, door_core_event *out);  /* false: nothing more */
bool door_core_pending(const door_core *core);               /* something waits: call door_core_next */
void door_core_event_clear(door_core_event *event);

#endif
