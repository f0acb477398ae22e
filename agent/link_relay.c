/* link_relay.c - a byte relay that bounds what a hub can make the agent hold.
 *
 * libzmq reads all it can get and shows only whole messages: of a message of
 * endless MORE frames it keeps every frame, and no option of a socket bounds that
 * (the door has the same relay for the same reason). So the session's socket
 * speaks to this thread over a local socket that has no name in the file system
 * and takes one connection, this process's own; the thread speaks TCP.
 * Guarantees: at most HELD_MAX bytes from the broker are in libzmq's hands; at
 * that bound the connection is cut. An honest hub stays below: 16 MiB of
 * deliveries (PROTOCOL 9) and a card list of 8 MiB. libzmq needs some 70 bytes for
 * a frame, and a frame takes 35 on the wire, so a flood costs about twice HELD_MAX
 * of memory until it is cut. Together with LINK_BATCH_BYTES, one frame of the
 * largest kind and our own unanswered submissions that is all a hub can fill.
 * Heartbeats are never seen here: they use up the bound in a matter of weeks, and
 * cost a reconnect then. Trusts nothing in the bytes. Fatal: nothing. */
#include "link_relay.h"

#include "corridor/clock.h"
#include "corridor/refusal.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { HELD_MAX = 32 * 1024 * 1024, CHUNK = 64 * 1024, CONNECT_MS = 5000, HOST_MAX = 256, FRAME_WIRE = 35 };

typedef struct pipe_bytes {
  uint8_t data[CHUNK];
  size_t start, end;
} pipe_bytes;

struct link_relay {
  pthread_t thread;
  int listener, wake;
  char host[HOST_MAX], port[8];
  _Atomic uint64_t consumed;
  _Atomic bool flooded;
  _Atomic int64_t ends_at; /* monotonic; 0 = the session goes on */
  uint64_t received;
  pipe_bytes in, out;
};

/* ---- both ends ---- */

static bool read_address(link_relay *r, const char *broker) {
  const char *host = strncmp(broker, "tcp://", 6) == 0 ? broker + 6 : broker;
  const char *colon = strrchr(host, ':');
  if (colon == NULL) return false;
  size_t len = (size_t)(colon - host);
  if (len >= 2 && host[0] == '[' && host[len - 1] == ']') host++, len -= 2;
  if (len == 0 || len >= HOST_MAX || strlen(colon + 1) >= sizeof r->port) return false;
  memcpy(r->host, host, len);
  memcpy(r->port, colon + 1, strlen(colon + 1) + 1);
  return true;
}

static bool listen_here(link_relay *r, char endpoint[LINK_RELAY_ENDPOINT]) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  uint64_t random;
  cor_random((uint8_t *)&random, sizeof random);
  snprintf(endpoint, LINK_RELAY_ENDPOINT, "ipc://@corridor-agent-%016llx", (unsigned long long)random);
  const size_t len = strlen(endpoint) - strlen("ipc://@");
  memcpy(address.sun_path + 1, endpoint + strlen("ipc://@"), len); /* first byte 0: no file */
  r->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return r->listener >= 0 &&
         bind(r->listener, (struct sockaddr *)&address,
              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)) == 0 &&
         listen(r->listener, 1) == 0;
}

/* False at the deadline, or when the session is over. */
static bool wait_for(link_relay *r, int fd, short events, int64_t deadline) {
  struct pollfd fds[] = {{.fd = fd, .events = events}, {.fd = r->wake, .events = POLLIN}};
  const int64_t left = deadline - cor_clock_monotonic_ms();
  return left > 0 && poll(fds, 2, (int)left) > 0 && fds[0].revents != 0;
}

static int accept_ours(link_relay *r) {
  const int64_t deadline = cor_clock_monotonic_ms() + CONNECT_MS;
  struct ucred peer;
  while (wait_for(r, r->listener, POLLIN, deadline)) {
    socklen_t len = sizeof peer;
    const int fd = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid == getpid())
      return fd;
    if (fd >= 0) close(fd);
  }
  return -1;
}

static int connect_one(link_relay *r, const struct addrinfo *to) {
  const int one = 1, fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int failed = 0;
  socklen_t len = sizeof failed;
  if (fd < 0) return -1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(fd, to->ai_addr, to->ai_addrlen) == 0) return fd;
  if (errno == EINPROGRESS && wait_for(r, fd, POLLOUT, cor_clock_monotonic_ms() + CONNECT_MS) &&
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) == 0 && failed == 0)
    return fd;
  close(fd);
  return -1;
}

static int connect_broker(link_relay *r) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
  struct addrinfo *all = NULL;
  int fd = -1;
  if (getaddrinfo(r->host, r->port, &hints, &all) != 0) return -1;
  for (const struct addrinfo *to = all; fd < 0 && to != NULL && atomic_load(&r->ends_at) == 0;
       to = to->ai_next)
    fd = connect_one(r, to);
  freeaddrinfo(all);
  return fd;
}

/* ---- the bytes ---- */

static bool would_wait(ssize_t result) {
  return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

/* Fills an empty pipe; false at the end of what there is to read. */
static bool fill(pipe_bytes *p, int fd) {
  if (p->start != p->end) return true;
  const ssize_t got = recv(fd, p->data, sizeof p->data, 0);
  p->start = 0;
  p->end = got > 0 ? (size_t)got : 0;
  return got > 0 || would_wait(got);
}

static bool drain(pipe_bytes *p, int fd) {
  if (p->start == p->end) return true;
  const ssize_t put = send(fd, p->data + p->start, p->end - p->start, MSG_NOSIGNAL);
  if (put > 0) p->start += (size_t)put;
  return put > 0 || would_wait(put);
}

static bool inward(link_relay *r, int tcp, int local) {
  const bool fresh = r->in.start == r->in.end;
  const bool open = fill(&r->in, tcp);
  if (fresh) r->received += r->in.end;
  const uint64_t consumed = atomic_load(&r->consumed);
  if (r->received > consumed && r->received - consumed > HELD_MAX) {
    atomic_store(&r->flooded, true);
    return false;
  }
  return open && drain(&r->in, local);
}

static short wants(const pipe_bytes *read_into, const pipe_bytes *written_from) {
  return (short)((read_into->start == read_into->end ? POLLIN : 0) |
                 (written_from->start != written_from->end ? POLLOUT : 0));
}

static void carry(link_relay *r, int tcp, int local) {
  for (bool open = true; open;) {
    const int64_t ends_at = atomic_load(&r->ends_at);
    const int64_t left = ends_at == 0 ? -1 : ends_at - cor_clock_monotonic_ms();
    if (ends_at != 0 && left <= 0) return;
    struct pollfd fds[] = {{.fd = tcp, .events = wants(&r->in, &r->out)},
                           {.fd = local, .events = wants(&r->out, &r->in)},
                           {.fd = ends_at == 0 ? r->wake : -1, .events = POLLIN}};
    if (poll(fds, 3, (int)left) < 0 && errno != EINTR) return;
    /* Outward first: a BYE is said though the other end has gone. */
    open = fill(&r->out, local) && drain(&r->out, tcp) && inward(r, tcp, local);
  }
}

static void *run(void *arg) {
  link_relay *r = arg;
  const int local = accept_ours(r);
  const int tcp = local < 0 ? -1 : connect_broker(r);
  if (tcp >= 0) carry(r, tcp, local);
  /* What came before the end is the session's to hear: a BYE says why. */
  if (tcp >= 0 && !atomic_load(&r->flooded)) (void)drain(&r->in, local);
  if (tcp >= 0) close(tcp);
  if (local >= 0) close(local);
  return NULL;
}

/* ---- for the link ---- */

static void release(link_relay **r) {
  if ((*r)->listener >= 0) close((*r)->listener);
  if ((*r)->wake >= 0) close((*r)->wake);
  free(*r);
  *r = NULL;
}

link_relay *link_relay_open(const char *broker, char endpoint[LINK_RELAY_ENDPOINT], cor_error *err) {
  link_relay *r = calloc(1, sizeof *r);
  if (r == NULL) {
    (void)cor_fail(err, COR_INTERNAL, "", "out of memory");
    return NULL;
  }
  r->listener = -1;
  r->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (r->wake >= 0 && read_address(r, broker) && listen_here(r, endpoint) &&
      pthread_create(&r->thread, NULL, run, r) == 0)
    return r;
  (void)cor_fail(err, COR_HUB_UNAVAILABLE, "brokers", "no connection to %s can be begun", broker);
  release(&r);
  return NULL;
}

void link_relay_consumed(link_relay *r, size_t frame) {
  atomic_fetch_add(&r->consumed, frame + FRAME_WIRE);
}

bool link_relay_flooded(const link_relay *r) {
  return atomic_load(&r->flooded);
}

void link_relay_close(link_relay **r, int most) {
  const uint64_t one = 1;
  if (*r == NULL) return;
  atomic_store(&(*r)->ends_at, cor_clock_monotonic_ms() + most + 1);
  /* Fails only when the counter is full, and then the thread is awake anyway. */
  const ssize_t woken = write((*r)->wake, &one, sizeof one);
  (void)woken;
  pthread_join((*r)->thread, NULL);
  release(r);
}
