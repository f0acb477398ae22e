/* door_relay.h - bytes between one TCP connection and its ZeroMQ socket's endpoint. */
#ifndef BROKER_DOOR_RELAY_H
#define BROKER_DOOR_RELAY_H
#include "corridor/base.h"

enum { DOOR_RELAY_CHUNK = 16384 };

/* What one side gave and the other did not take yet; nothing most of the time. */
typedef struct door_pipe {
  uint8_t *data; /* owned; NULL while nothing is held */
  size_t start, end;
} door_pipe;

typedef struct door_relay {
  int tcp, local; /* non-blocking, owned; -1 once closed */
  bool ended;     /* the agent sends no more */
  bool closed;    /* one side is gone: nothing can be moved any more */
  door_pipe in, out;
} door_relay;

/* Bytes held between the two sides. */
static inline size_t door_pipe_held(const door_pipe *pipe) {
  return pipe->end - pipe->start;
}

/* Takes tcp; connects to the unix socket at path and removes its file, so that
 * nobody else can. On failure tcp is closed. */
bool door_relay_open(door_relay *relay, int tcp, const char *path, cor_error *err) COR_MUST_CHECK;
/* Closes both sides at once; also when epoll reports that one hung up. */
void door_relay_close(door_relay *relay);
/* Moves what is held and then at most one chunk; returns the bytes handed on.
 * allowance: most bytes to read from TCP now. */
size_t door_relay_in(door_relay *relay, size_t allowance);
size_t door_relay_out(door_relay *relay);
/* What to wait for: EPOLLIN and EPOLLOUT for each side. */
uint32_t door_relay_wants_tcp(const door_relay *relay, size_t allowance);
uint32_t door_relay_wants_local(const door_relay *relay);

#endif
