/* door_relay.c - the byte relay that makes a connection's bounds possible.
 *
 * libzmq reads all it can get and shows only whole messages; a message of
 * endless MORE frames took 464 MiB in two seconds without one event. So bytes
 * pass through here, counted, and the peer decides how many.
 * Guarantees: never blocks; holds at most one chunk per direction; the order of
 * bytes is kept; when the agent's side ends, what it sent is still handed on
 * before our end closes. Trusts: nothing in the bytes. Fatal: nothing. */
#include "door_relay.h"
#include "corridor/refusal.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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
}

static bool would_wait(ssize_t result) {
  return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

/* Fills an empty pipe; false at end of file or error. */
static bool pipe_fill(door_pipe *pipe, int fd, size_t most) {
  if (pipe->start != pipe->end || most == 0) return true;
  ssize_t got = recv(fd, pipe->data, most < sizeof pipe->data ? most : sizeof pipe->data, 0);
  pipe->start = 0;
  pipe->end = got > 0 ? (size_t)got : 0;
  return got > 0 || would_wait(got);
}

/* Hands on what is there; false when the reader is gone. */
static bool pipe_drain(door_pipe *pipe, int fd, size_t *moved) {
  if (pipe->start == pipe->end) return true;
  ssize_t put = send(fd, pipe->data + pipe->start, pipe->end - pipe->start, MSG_NOSIGNAL);
  if (put > 0) {
    pipe->start += (size_t)put;
    *moved += (size_t)put;
  }
  return put > 0 || would_wait(put);
}

size_t door_relay_in(door_relay *relay, size_t allowance) {
  size_t moved = 0;
  if (relay->closed) return 0;
  if (!relay->ended && !pipe_fill(&relay->in, relay->tcp, allowance)) relay->ended = true;
  bool open = pipe_drain(&relay->in, relay->local, &moved);
  /* libzmq sees the end only after the last byte, and closes in its turn. */
  if (relay->ended && relay->in.start == relay->in.end) (void)shutdown(relay->local, SHUT_WR);
  if (!open) door_relay_close(relay);
  return moved;
}

size_t door_relay_out(door_relay *relay) {
  size_t moved = 0;
  if (relay->closed) return 0;
  if (!pipe_fill(&relay->out, relay->local, sizeof relay->out.data) ||
      !pipe_drain(&relay->out, relay->tcp, &moved))
    door_relay_close(relay);
  return moved;
}

uint32_t door_relay_wants_tcp(const door_relay *relay, size_t allowance) {
  const bool in = !relay->ended && allowance > 0 && relay->in.start == relay->in.end;
  const bool out = relay->out.start != relay->out.end;
  return (in ? (uint32_t)EPOLLIN : 0) | (out ? (uint32_t)EPOLLOUT : 0);
}

uint32_t door_relay_wants_local(const door_relay *relay) {
  const bool in = relay->out.start == relay->out.end;
  const bool out = relay->in.start != relay->in.end;
  return (in ? (uint32_t)EPOLLIN : 0) | (out ? (uint32_t)EPOLLOUT : 0);
}
