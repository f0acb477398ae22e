/* door_socket.c - every setting of a socket that faces an agent, in one table.
 *
 * Guarantees: the socket takes only CURVE, only what the ZAP handler permits,
 * and nothing at all when no handler answers (measured on libzmq 4.3.4: with a
 * ZAP domain but no handler any key gets in, unless ZMQ_ZAP_ENFORCE_DOMAIN is
 * set). Every option must be accepted by the library, else there is no socket.
 * One socket serves one connection, so routing ids chosen by clients mean
 * nothing. ZeroMQ heartbeats stay off: while the core is away we stop reading,
 * and that must not look like a dead peer; TCP keepalive finds dead peers.
 * Trusts: run_dir is entered by nobody else. Fatal: nothing. */
#include "door_socket.h"
#include "corridor/refusal.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93 /* in the library, but not in its released header */
#endif

static const char DOMAIN_PREFIX[] = "corridor/";
enum { RECEIVE_HWM = 64, SEND_HWM = 4096, AFTER_OURS = 2000 /* ms: the door ends it first, and says why */ };

const char *door_socket_endpoint(const door_socket_place *place, char out[DOOR_ENDPOINT_TEXT]) {
  snprintf(out, DOOR_ENDPOINT_TEXT, "ipc://%s/%016" PRIx64, place->run_dir, place->connection);
  return out;
}

const char *door_socket_domain(uint64_t connection, char out[DOOR_DOMAIN_TEXT]) {
  snprintf(out, DOOR_DOMAIN_TEXT, "%s%016" PRIx64, DOMAIN_PREFIX, connection);
  return out;
}

bool door_socket_domain_parse(cor_bytes domain, uint64_t *connection) {
  static const char DIGITS[] = "0123456789abcdef";
  const size_t prefix = sizeof DOMAIN_PREFIX - 1;
  if (domain.len != prefix + 16 || memcmp(domain.data, DOMAIN_PREFIX, prefix) != 0) return false;
  uint64_t value = 0;
  for (size_t i = prefix; i < domain.len; i++) {
    const char *digit = memchr(DIGITS, domain.data[i], 16);
    if (digit == NULL) return false;
    value = value << 4 | (uint64_t)(digit - DIGITS);
  }
  *connection = value;
  return true;
}

static bool set_numbers(void *socket, int handshake_ms) {
  const struct {
    int option, value;
  } numbers[] = {
      {ZMQ_CURVE_SERVER, 1},
      {ZMQ_ZAP_ENFORCE_DOMAIN, 1},
      {ZMQ_HANDSHAKE_IVL, handshake_ms},
      {ZMQ_LINGER, 0},
      {ZMQ_BACKLOG, 1},
      {ZMQ_RCVHWM, RECEIVE_HWM},
      {ZMQ_SNDHWM, SEND_HWM},
  };
  const int64_t frame_max = COR_BODY_MAX + DOOR_CURVE_FRAME; /* it counts the sealed frame */
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (zmq_setsockopt(socket, numbers[i].option, &numbers[i].value, sizeof numbers[i].value) != 0)
      return false;
  return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max) == 0;
}

void *door_socket_open(void *context, const door_socket_place *place, cor_error *err) {
  char domain[DOOR_DOMAIN_TEXT], endpoint[DOOR_ENDPOINT_TEXT];
  door_socket_domain(place->connection, domain);
  door_socket_endpoint(place, endpoint);
  void *socket = zmq_socket(context, ZMQ_DEALER);
  if (socket != NULL && set_numbers(socket, (int)place->handshake_ms + AFTER_OURS) &&
      zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) == 0 &&
      zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, place->secret, strlen(place->secret) + 1) == 0 &&
      zmq_bind(socket, endpoint) == 0)
    return socket;
  (void)cor_fail(err, COR_INTERNAL, "run_dir", "cannot open a connection's socket: %s",
                 zmq_strerror(zmq_errno()));
  if (socket != NULL) zmq_close(socket);
  return NULL;
}
