/* door_relay.c - the byte relay that makes a connection's bounds possible.
 *
 * libzmq reads all it can get and shows only whole messages; a message of
 * endless MORE frames took 464 MiB in two seconds without one event. So bytes
 * pass through here, counted, and the peer decides how many.
 * Guarantees: never blocks; holds at most one chunk per direction, and no memory
 * at all while nothing is held (a thousand idle connections cost no buffers); the
 * order of bytes is kept; when the agent's side ends, what it sent is still
 * handed on before our end closes. Trusts: nothing in the bytes. Fatal: nothing;
 * without memory for what the other side does not take, the connection closes. */
#include "door_relay.h"
#include "corridor/refusal.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void pipe_empty(door_pipe *pipe) {
  free(pipe->data);
  *pipe = (door_pipe){0};
}

bool door_relay_open(door_relay *relay, int tcp, const char *path, cor_error *err) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memset(relay, 0, sizeof *relay);
  relay->tcp = tcp;
  relay->local = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (relay->local >= 0 && strlen(path) < sizeof address.sun_path) {
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (connect(relay->local, (const struct sockaddr *)&address, sizeof address) == 0 && unlink(path) == 0)
      return true;
  }
  (void)cor_fail(err, COR_INTERNAL, "run_dir", "cannot reach a connection's own socket: %s", strerror(errno));
  door_relay_close(relay);
  return false;
}

void door_relay_close(door_relay *relay) {
  if (relay->tcp >= 0) close(relay->tcp);
  if (relay->local >= 0) close(relay->local);
  relay->tcp = relay->local = -1;
  relay->closed = true;
  pipe_empty(&relay->in);
  pipe_empty(&relay->out);
}

static bool would_wait(ssize_t result) {
  return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

/* Keeps what the reader did not take. */
static bool pipe_keep(door_pipe *pipe, const uint8_t *data, size_t len) {
  if (len == 0) return true;
  pipe->data = malloc(len);
  if (pipe->data == NULL) return false;
  memcpy(pipe->data, data, len);
  pipe->end = len;
  return true;
}

/* Hands on at most len bytes; false when the reader is gone. */
static bool hand_on(int fd, const uint8_t *data, size_t len, size_t *put) {
  const ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
  *put = sent > 0 ? (size_t)sent : 0;
  return sent >= 0 || would_wait(sent);
}

/* First what is held; false when the reader is gone. */
static bool pipe_drain(door_pipe *pipe, int fd, size_t *moved) {
  size_t put = 0;
  if (pipe->data == NULL) return true;
  const bool open = hand_on(fd, pipe->data + pipe->start, door_pipe_held(pipe), &put);
  pipe->start += put;
  *moved += put;
  if (door_pipe_held(pipe) == 0) pipe_empty(pipe);
  return open;
}

/* Through an empty pipe, at most one chunk. *ended: the writer sends no more.
 * False when the reader is gone. */
static bool pipe_move(door_pipe *pipe, int from, int to, size_t most, bool *ended, size_t *moved) {
  uint8_t chunk[DOOR_RELAY_CHUNK];
  size_t put = 0;
  if (most == 0) return true;
  const ssize_t got = recv(from, chunk, most < sizeof chunk ? most : sizeof chunk, 0);
  if (got <= 0) {
    *ended = !would_wait(got);
    return true;
  }
  const bool open = hand_on(to, chunk, (size_t)got, &put);
  *moved += put;
  return open && pipe_keep(pipe, chunk + put, (size_t)got - put);
}

size_t door_relay_in(door_relay *relay, size_t allowance) {
  size_t moved = 0;
  if (relay->closed) return 0;
  bool open = pipe_drain(&relay->in, relay->local, &moved);
  if (open && !relay->ended && door_pipe_held(&relay->in) == 0)
    open = pipe_move(&relay->in, relay->tcp, relay->local, allowance, &relay->ended, &moved);
  /* libzmq sees the end only after the last byte, and closes in its turn. */
  if (relay->ended && door_pipe_held(&relay->in) == 0) (void)shutdown(relay->local, SHUT_WR);
  if (!open) door_relay_close(relay);
  return moved;
}

size_t door_relay_out(door_relay *relay) {
  size_t moved = 0;
  bool ended = false;
  if (relay->closed) return 0;
  bool open = pipe_drain(&relay->out, relay->tcp, &moved);
  if (open && door_pipe_held(&relay->out) == 0)
    open = pipe_move(&relay->out, relay->local, relay->tcp, DOOR_RELAY_CHUNK, &ended, &moved);
  if (!open || ended) door_relay_close(relay);
  return moved;
}

uint32_t door_relay_wants_tcp(const door_relay *relay, size_t allowance) {
  const bool in = !relay->ended && allowance > 0 && door_pipe_held(&relay->in) == 0;
  const bool out = door_pipe_held(&relay->out) > 0;
  return (in ? (uint32_t)EPOLLIN : 0) | (out ? (uint32_t)EPOLLOUT : 0);
}

uint32_t door_relay_wants_local(const door_relay *relay) {
  const bool in = door_pipe_held(&relay->out) == 0;
  const bool out = door_pipe_held(&relay->in) > 0;
  return (in ? (uint32_t)EPOLLIN : 0) | (out ? (uint32_t)EPOLLOUT : 0);
}
