/* door_peer.h - one accepted connection: its TCP side, its own ZeroMQ socket,
 * and what it is allowed to hold. */
#ifndef BROKER_DOOR_PEER_H
#define BROKER_DOOR_PEER_H
#include "door_core.h"
#include "door_relay.h"
#include "door_socket.h"

/* Why a connection ended: the word in the log and in the metrics. */
#define DOOR_ENDS(X)                                                                                         \
  X(NONE, "none")                                                                                            \
  X(CLOSED, "closed")       /* by the agent */                                                               \
  X(HANDSHAKE, "handshake") /* not done in time, or far too long */                                          \
  X(REFUSED, "refused")     /* its key is not on the list */                                                 \
  X(REVOKED, "revoked")     /* its key is no longer on the list */                                           \
  X(FRAMES, "frames")       /* not the frames of PROTOCOL 2 */                                               \
  X(IDENTITY, "identity")   /* a message without the User-Id of its connection */                            \
  X(ENDLESS, "endless")     /* bytes at the bound and no whole message */                                    \
  X(SLOW, "slow")           /* does not read what it is sent */                                              \
  X(MEMORY, "memory")       /* held most when all together held too much */                                  \
  X(CROWDED, "crowded")     /* made room for another */                                                      \
  X(CORE, "core")           /* the core asked for it */                                                      \
  X(CORE_GONE, "core_gone") /* a new core, or lost while handing over */                                     \
  X(STOPPING, "stopping")
typedef enum door_end {
#define X(name, word) DOOR_END_##name,
  DOOR_ENDS(X)
#undef X
      DOOR_END_COUNT
} door_end;
const char *door_end_word(door_end end);

/* OPENING -> ADMITTED (its key is listed) -> GONE (closed; the core is still to
 * be told). A peer may go from OPENING to GONE. */
typedef enum door_peer_state { DOOR_OPENING, DOOR_ADMITTED, DOOR_GONE } door_peer_state;

typedef struct door_peer_limits {
  size_t unread_max, unsent_max;
  int64_t handshake_ms, stall_ms;
} door_peer_limits;

typedef struct door_peer {
  uint64_t number;
  uint8_t address[16];
  door_peer_state state;
  int64_t born; /* monotonic ms, like the stall times */
  void *socket;
  int socket_fd; /* ZMQ_FD */
  door_relay relay;
  uint8_t key[COR_CURVE_LEN];
  char office[COR_OFFICE_MAX + 1];
  size_t unread;                      /* bytes given to ZeroMQ, not yet out as whole messages */
  size_t forgiven;                    /* of those, let pass as heartbeats since the last message */
  size_t unsent;                      /* bytes given to ZeroMQ, not yet out on TCP */
  int64_t unread_since, unsent_since; /* 0, or since when it is stuck */
  bool known;                         /* the core has had a MESSAGE of it */
  int64_t leaving_since;              /* 0, or since when only its last word (BYE) is still to go out */
  int leaving_code;
  uint32_t tcp_events, local_events; /* as epoll has them */
} door_peer;

typedef struct door_traffic {
  uint64_t messages, bytes;
} door_traffic;

/* Takes tcp. NULL on error (tcp closed). */
door_peer *door_peer_new(void *context, const door_socket_place *place, int tcp, int64_t now,
                         cor_error *err) COR_MUST_CHECK;
void door_peer_close(door_peer *peer); /* to GONE: closes all it has open */
void door_peer_free(door_peer **peer);
void door_peer_admit(door_peer *peer, const uint8_t key[COR_CURVE_LEN], const char *office);

/* Does all that can be done now: moves bytes, hands whole messages to the core.
 * *again: there was more than one visit's worth. */
door_end door_peer_pump(door_peer *peer, door_core *core, const door_peer_limits *limits, bool *again,
                        door_traffic *in) COR_MUST_CHECK;
/* Once a second: the limits that are times. core_ready: the core takes
 * messages, so a peer that yields none is itself to blame. */
door_end door_peer_tick(door_peer *peer, const door_peer_limits *limits, bool core_ready,
                        int64_t now) COR_MUST_CHECK;
/* Sends frames to the agent (moves them). */
door_end door_peer_send(door_peer *peer, const door_peer_limits *limits, zmq_msg_t *frames,
                        size_t n) COR_MUST_CHECK;
/* Nothing more is taken from it; it ends as soon as all it was sent is on its way. */
void door_peer_leave(door_peer *peer, int code, int64_t now);
size_t door_peer_allowance(const door_peer *peer, const door_peer_limits *limits);

#endif
