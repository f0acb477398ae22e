/* door_listen.c - TCP accept.
 *
 * Guarantees: no descriptor leaks to a child; never blocks; the origin of a
 * connection is its IPv4 address or its IPv6 /64 (a stranger has the whole /64
 * at will). Until door_listen_start connecting is refused by the kernel: agents
 * retry, which is better than a handshake we could not yet answer.
 * Trusts: the kernel for the address. Fatal: nothing here. */
#include "door_listen.h"
#include "corridor/refusal.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 64, KEEPALIVE_IDLE = 30, KEEPALIVE_INTERVAL = 10, KEEPALIVE_PROBES = 3 };

int door_listen_bind(const door_settings *settings, cor_error *err) {
  const int on = 1;
  int fd = socket(settings->listen.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      bind(fd, (const struct sockaddr *)&settings->listen, settings->listen_len) == 0)
    return fd;
  (void)cor_fail(err, COR_BAD_INPUT, "listen", "cannot bind: %s", strerror(errno));
  if (fd >= 0) close(fd);
  return -1;
}

bool door_listen_start(int listener, cor_error *err) {
  return listen(listener, BACKLOG) == 0 ||
         cor_fail(err, COR_BAD_INPUT, "listen", "cannot listen: %s", strerror(errno));
}

static void origin(const struct sockaddr_storage *from, uint8_t address[DOOR_ADDRESS_LEN]) {
  memset(address, 0, DOOR_ADDRESS_LEN);
  if (from->ss_family == AF_INET) {
    memcpy(address + 8, &((const struct sockaddr_in *)from)->sin_addr, 4);
    return;
  }
  const struct in6_addr *six = &((const struct sockaddr_in6 *)from)->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(six))
    memcpy(address + 8, six->s6_addr + 12, 4);
  else
    memcpy(address, six->s6_addr, 8);
}

/* Finds a dead agent without ZeroMQ heartbeats (see door_socket.c), and sends small frames at once. */
static void set_stream_options(int fd) {
  const struct {
    int level, option, value;
  } options[] = {{SOL_SOCKET, SO_KEEPALIVE, 1},
                 {IPPROTO_TCP, TCP_NODELAY, 1},
                 {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE},
                 {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL},
                 {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES}};
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    (void)setsockopt(fd, options[i].level, options[i].option, &options[i].value, sizeof options[i].value);
}

int door_listen_accept(int listener, uint8_t address[DOOR_ADDRESS_LEN]) {
  struct sockaddr_storage from = {0};
  socklen_t len = sizeof from;
  int fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return -1;
  origin(&from, address);
  set_stream_options(fd);
  return fd;
}
