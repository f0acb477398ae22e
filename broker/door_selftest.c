/* door_selftest.c - CURVE fails open, so the door proves itself before it opens.
 *
 * Guarantees: door_selftest returns a handler only if, through the very socket
 * settings and the very handler the door will use, each probe had its expected
 * end within PROBE_MS. A probe that ends in silence counts as a failure.
 * Trusts: libzmq's monitor events for "refused"; a received message for
 * "admitted", whatever the events say.
 * Fatal: the caller must not listen when this returns NULL. */
#include "door_selftest.h"
#include "corridor/clock.h"
#include "corridor/refusal.h"
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum { PROBE_MS = 5000, Z85_KEY = 41 };

typedef enum probe_end { PROBE_SILENT, PROBE_REFUSED, PROBE_ADMITTED, PROBE_BROKEN } probe_end;

typedef struct probe_keys {
  char pub[Z85_KEY], secret[Z85_KEY], server[Z85_KEY];
} probe_keys;

static void *open_monitor(void *context, void *server, uint64_t number) {
  char endpoint[64];
  snprintf(endpoint, sizeof endpoint, "inproc://door.selftest.%" PRIu64, number);
  const int none = 0;
  if (zmq_socket_monitor(server, endpoint,
                         ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                             ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_SUCCEEDED) != 0)
    return NULL;
  void *monitor = zmq_socket(context, ZMQ_PAIR);
  if (monitor == NULL) return NULL;
  if (zmq_setsockopt(monitor, ZMQ_LINGER, &none, sizeof none) == 0 && zmq_connect(monitor, endpoint) == 0)
    return monitor;
  zmq_close(monitor);
  return NULL;
}

static void *open_client(void *context, const probe_keys *keys, const char *endpoint) {
  const int none = 0;
  void *client = zmq_socket(context, ZMQ_DEALER);
  if (client == NULL) return NULL;
  if (zmq_setsockopt(client, ZMQ_LINGER, &none, sizeof none) == 0 &&
      zmq_setsockopt(client, ZMQ_CURVE_SERVERKEY, keys->server, Z85_KEY) == 0 &&
      zmq_setsockopt(client, ZMQ_CURVE_PUBLICKEY, keys->pub, Z85_KEY) == 0 &&
      zmq_setsockopt(client, ZMQ_CURVE_SECRETKEY, keys->secret, Z85_KEY) == 0 &&
      zmq_connect(client, endpoint) == 0 && zmq_send(client, "probe", 5, ZMQ_DONTWAIT) == 5)
    return client;
  zmq_close(client);
  return NULL;
}

/* First monitor frame: event (16 bits) and value; the second is the endpoint. */
static uint16_t monitor_event(void *monitor) {
  uint8_t frame[64];
  uint16_t event = 0;
  int more = 1;
  size_t size = sizeof more;
  for (bool first = true; more; first = false) {
    int len = zmq_recv(monitor, frame, sizeof frame, ZMQ_DONTWAIT);
    if (len < 0) return 0;
    if (first && len >= 2) memcpy(&event, frame, sizeof event);
    if (zmq_getsockopt(monitor, ZMQ_RCVMORE, &more, &size) != 0) return 0;
  }
  return event;
}

static void answer_all(door_zap *zap) {
  door_zap_request request;
  while (door_zap_next(zap, &request))
    door_zap_answer(zap, &request, request.office[0] != 0);
}

static probe_end watch(void *server, void *monitor, door_zap *zap) {
  const int64_t end = cor_clock_monotonic_ms() + PROBE_MS;
  for (int64_t left; (left = end - cor_clock_monotonic_ms()) > 0;) {
    zmq_pollitem_t items[] = {{.socket = server, .events = ZMQ_POLLIN},
                              {.socket = monitor, .events = ZMQ_POLLIN},
                              {.fd = zap ? door_zap_fd(zap) : -1, .events = ZMQ_POLLIN}};
    if (zmq_poll(items, zap ? 3 : 2, (long)left) < 0) return PROBE_BROKEN;
    if (items[0].revents) return PROBE_ADMITTED;
    if (zap) answer_all(zap);
    if (!items[1].revents) continue;
    uint16_t event = monitor_event(monitor);
    /* A finished handshake is admission even before the message is through. */
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) return PROBE_ADMITTED;
    if (event != 0) return PROBE_REFUSED;
  }
  return PROBE_SILENT;
}

/* number: each probe has endpoints of its own, for sockets close after zmq_close returned. */
static probe_end probe(void *context, door_socket_opener *open, door_socket_place place, uint64_t number,
                       const probe_keys *keys, door_zap *zap, cor_error *err) {
  char endpoint[DOOR_ENDPOINT_TEXT];
  place.connection = number;
  void *monitor = NULL, *client = NULL;
  void *server = open(context, &place, err);
  if (server != NULL) monitor = open_monitor(context, server, number);
  if (monitor != NULL) client = open_client(context, keys, door_socket_endpoint(&place, endpoint));
  probe_end result = client != NULL ? watch(server, monitor, zap) : PROBE_BROKEN;
  if (client != NULL) zmq_close(client);
  if (server != NULL) zmq_socket_monitor(server, NULL, 0);
  if (monitor != NULL) zmq_close(monitor);
  if (server != NULL) {
    zmq_close(server);
    (void)unlink(door_socket_endpoint(&place, endpoint) + DOOR_ENDPOINT_SCHEME); /* libzmq leaves it */
  }
  return result;
}

static bool list_probe_key(door_zap *zap, const probe_keys *keys, cor_error *err) {
  static const char OFFICE[] = "door-selftest";
  uint8_t entry[COR_CURVE_LEN + 1 + sizeof OFFICE - 1];
  if (zmq_z85_decode(entry, keys->pub) == NULL) return cor_fail(err, COR_INTERNAL, "", "self-test: no key");
  entry[COR_CURVE_LEN] = sizeof OFFICE - 1;
  memcpy(entry + COR_CURVE_LEN + 1, OFFICE, sizeof OFFICE - 1);
  return door_zap_set_keys(zap, (cor_bytes){entry, sizeof entry}, err);
}

static bool expect(probe_end got, probe_end wanted, const char *what, cor_error *err) {
  static const char *const NAMES[] = {"no answer", "refused", "admitted", "a broken probe"};
  return got == wanted || cor_fail(err, COR_INTERNAL, "", "self-test: %s: wanted %s, got %s; not listening",
                                   what, NAMES[wanted], NAMES[got]);
}

door_zap *door_selftest(void *context, door_socket_opener *open, const door_socket_place *place,
                        cor_error *err) {
  static const char DEAD[] = "a stranger while no handler answers", STRANGER[] = "a stranger",
                    LISTED[] = "a listed key";
  probe_keys keys;
  door_zap *zap = NULL;
  bool ok = (zmq_curve_public(keys.server, place->secret) == 0 &&
             zmq_curve_keypair(keys.pub, keys.secret) == 0) ||
            cor_fail(err, COR_BAD_INPUT, "curve_secret", "not a CURVE secret key");
  ok = ok && expect(probe(context, open, *place, 0, &keys, NULL, err), PROBE_REFUSED, DEAD, err);
  ok = ok && (zap = door_zap_new(context, err)) != NULL;
  ok = ok && expect(probe(context, open, *place, 1, &keys, zap, err), PROBE_REFUSED, STRANGER, err);
  ok = ok && (door_zap_refused(zap) > 0 ||
              cor_fail(err, COR_INTERNAL, "", "self-test: the handler was not asked; not listening"));
  ok = ok && list_probe_key(zap, &keys, err);
  ok = ok && expect(probe(context, open, *place, 2, &keys, zap, err), PROBE_ADMITTED, LISTED, err);
  ok = ok && door_zap_set_keys(zap, (cor_bytes){NULL, 0}, err);
  OPENSSL_cleanse(&keys, sizeof keys);
  if (!ok) door_zap_destroy(&zap);
  return zap;
}
