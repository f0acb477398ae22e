/* link_socket.c - one DEALER socket under CURVE, and its monitor.
 *
 * Guarantees: what is on this socket comes from the holder of the configured hub
 * key, or nothing does (CURVE client). The socket never reconnects by itself:
 * a new connection is a new session and needs a HELLO, so the link makes a new
 * socket instead. A frame above the largest command ends the session before it is
 * kept in memory; so do more frames, or more bytes, than a message may have, however
 * many the hub sends (link_relay.c has the bound and the sum of it). */
#include "link_internal.h"

#include "corridor/codec.h"
#include "corridor/refusal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { HEARTBEAT_MS = 5000, HEARTBEAT_TIMEOUT_MS = 15000, CONNECT_MS = 5000 };

static bool zmq_fail(const char *what, cor_error *err) {
  return cor_fail(err, COR_HUB_UNAVAILABLE, "", "%s: %s", what, zmq_strerror(zmq_errno()));
}

static bool set_number(void *socket, int option, int value) {
  return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool configure(agent_link *l, cor_error *err) {
  const char *hub_key = cor_config_text(l->a->config, "hub_key");
  const cor_office *office = &l->a->office;
  const int64_t frame_max = COR_CARDS_MAX;
  bool ok = set_number(l->socket, ZMQ_LINGER, 0) && set_number(l->socket, ZMQ_RECONNECT_IVL, -1) &&
            set_number(l->socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS) &&
            set_number(l->socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS) &&
            set_number(l->socket, ZMQ_CONNECT_TIMEOUT, CONNECT_MS) &&
            set_number(l->socket, ZMQ_HANDSHAKE_IVL, CONNECT_MS) &&
            set_number(l->socket, ZMQ_RCVHWM, LINK_WINDOW_MESSAGES * 2) &&
            zmq_setsockopt(l->socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max) == 0 &&
            zmq_setsockopt(l->socket, ZMQ_CURVE_SERVERKEY, hub_key, 41) == 0 &&
            zmq_setsockopt(l->socket, ZMQ_CURVE_PUBLICKEY, office->curve_public, 41) == 0 &&
            zmq_setsockopt(l->socket, ZMQ_CURVE_SECRETKEY, office->curve_secret, 41) == 0;
  return ok || zmq_fail("the socket's options", err);
}

static bool watch(agent_link *l, cor_error *err) {
  char name[64];
  snprintf(name, sizeof name, "inproc://link-monitor-%u", ++l->sockets);
  const int lost = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                   ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
  if (zmq_socket_monitor(l->socket, name, lost) != 0) return zmq_fail("the socket's monitor", err);
  l->monitor = zmq_socket(l->zmq, ZMQ_PAIR);
  bool ok = l->monitor != NULL && set_number(l->monitor, ZMQ_LINGER, 0) && zmq_connect(l->monitor, name) == 0;
  return ok || zmq_fail("the socket's monitor", err);
}

bool link_socket_open(agent_link *l, const char *broker, cor_error *err) {
  l->socket = zmq_socket(l->zmq, ZMQ_DEALER);
  if (l->socket == NULL) return zmq_fail("a socket", err);
  char endpoint[LINK_RELAY_ENDPOINT];
  l->relay = link_relay_open(broker, endpoint, err);
  if (l->relay != NULL && configure(l, err) && watch(l, err) &&
      (zmq_connect(l->socket, endpoint) == 0 || zmq_fail("connecting", err)))
    return true;
  link_socket_close(l, 0);
  return false;
}

void link_socket_close(agent_link *l, int linger_ms) {
  if (l->socket != NULL) {
    (void)set_number(l->socket, ZMQ_LINGER, linger_ms);
    zmq_socket_monitor(l->socket, NULL, 0);
    zmq_close(l->socket);
  }
  if (l->monitor != NULL) zmq_close(l->monitor);
  if (l->relay != NULL && link_relay_flooded(l->relay)) COR_LOG(l->a->log, COR_ALARM, "hub-floods");
  link_relay_close(&l->relay, linger_ms);
  l->socket = l->monitor = NULL;
}

bool link_socket_lost(agent_link *l) {
  zmq_msg_t part;
  bool lost = false;
  zmq_msg_init(&part);
  while (l->monitor != NULL && zmq_msg_recv(&part, l->monitor, ZMQ_DONTWAIT) >= 0)
    lost = true;
  zmq_msg_close(&part);
  return lost;
}

bool link_socket_send(agent_link *l, cor_command command, const ProtobufCMessage *message, cor_bytes body,
                      cor_error *err) {
  uint8_t head[2];
  cor_buf control;
  if (!cor_encode(message, &control, err)) return false;
  cor_frames_head(command, head);
  /* The first part decides whether the pipe takes the whole message. */
  bool ok = zmq_send(l->socket, head, sizeof head, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0 &&
            zmq_send(l->socket, control.data, control.len,
                     (body.data != NULL ? ZMQ_SNDMORE : 0) | ZMQ_DONTWAIT) >= 0 &&
            (body.data == NULL || zmq_send(l->socket, body.data, body.len, ZMQ_DONTWAIT) >= 0);
  cor_buf_clear(&control);
  return ok || zmq_fail("sending", err);
}

void link_message_clear(link_message *message) {
  for (size_t i = 0; i < message->n; i++)
    zmq_msg_close(&message->parts[i]);
  message->n = 0;
}

store_found link_socket_receive(agent_link *l, link_message *out, cor_error *err) {
  cor_bytes parts[COR_FRAMES_MAX];
  *out = (link_message){0};
  for (bool more = true; more; more = zmq_msg_more(&out->parts[out->n - 1]) != 0) {
    if (out->n == COR_FRAMES_MAX) {
      (void)cor_fail(err, COR_BAD_FRAMES, "", "the hub sent more frames than a message has");
      goto fail;
    }
    zmq_msg_t *part = &out->parts[out->n];
    zmq_msg_init(part);
    out->n++;
    if (zmq_msg_recv(part, l->socket, ZMQ_DONTWAIT) < 0) {
      bool nothing = zmq_errno() == EAGAIN && out->n == 1;
      link_message_clear(out);
      if (nothing) return STORE_ABSENT;
      (void)zmq_fail("receiving", err);
      return STORE_ERROR;
    }
    parts[out->n - 1] = (cor_bytes){zmq_msg_data(part), zmq_msg_size(part)};
    link_relay_consumed(l->relay, parts[out->n - 1].len);
  }
  if (cor_frames_check(parts, out->n, false, &out->frames, err)) return STORE_FOUND;
fail:
  link_message_clear(out);
  return STORE_ERROR;
}
