/* door_peer.c - one connection, from accept to the last byte.
 *
 * Guarantees: a connection holds at most OPENING_MAX bytes before its key is
 * admitted, then unread_max (twice that while heartbeats are forgiven) inbound
 * and unsent_max outbound; at the inbound bound we stop reading from TCP. Every
 * message handed to the core has 2 or 3 right frames and the User-Id of this
 * connection's key. A message comes out of ZeroMQ whole, and messages of one
 * connection cannot overlap, so one taken proves that nothing older is held.
 * Trusts: ZeroMQ for decryption and User-Id; nothing the agent says.
 * Fatal: nothing; whatever is odd ends this connection and no other. */
#include "door_peer.h"
#include <stdlib.h>
#include <string.h>

#ifndef ZMQ_MSG_PROPERTY_USER_ID
#define ZMQ_MSG_PROPERTY_USER_ID "User-Id" /* in the library, but not in its released header */
#endif

enum {
  OPENING_MAX = 16384,     /* a handshake is under 1 KiB */
  MESSAGES_PER_VISIT = 16, /* then the others have their turn */
  HEARTBEAT_BYTES = 32,    /* forgiven per second: PING frames are never seen by us */
  LEAVING_MS = 500,        /* for the last word to go out */
  SHORT_FRAME = 255
};

const char *door_end_word(door_end end) {
  static const char *const WORDS[] = {
#define X(name, word) word,
      DOOR_ENDS(X)
#undef X
  };
  return WORDS[end];
}

door_peer *door_peer_new(void *context, const door_socket_place *place, int tcp, int64_t now,
                         cor_error *err) {
  char endpoint[DOOR_ENDPOINT_TEXT];
  door_socket_endpoint(place, endpoint);
  door_peer *peer = calloc(1, sizeof *peer);
  void *socket = peer != NULL ? door_socket_open(context, place, err) : NULL;
  if (socket == NULL) {
    door_relay unopened = {.tcp = tcp, .local = -1};
    door_relay_close(&unopened);
    free(peer);
    return NULL;
  }
  peer->socket = socket;
  peer->number = place->connection;
  peer->born = now;
  size_t size = sizeof peer->socket_fd;
  if (door_relay_open(&peer->relay, tcp, endpoint + DOOR_ENDPOINT_SCHEME, err) &&
      zmq_getsockopt(socket, ZMQ_FD, &peer->socket_fd, &size) == 0)
    return peer;
  door_peer_close(peer);
  door_peer_free(&peer);
  return NULL;
}

void door_peer_close(door_peer *peer) {
  door_relay_close(&peer->relay);
  if (peer->socket != NULL) zmq_close(peer->socket);
  peer->socket = NULL;
  peer->state = DOOR_GONE;
  peer->unread = peer->forgiven = peer->unsent = 0;
}

void door_peer_free(door_peer **peer) {
  free(*peer);
  *peer = NULL;
}

void door_peer_admit(door_peer *peer, const uint8_t key[COR_CURVE_LEN], const char *office) {
  memcpy(peer->key, key, COR_CURVE_LEN);
  memcpy(peer->office, office, strnlen(office, COR_OFFICE_MAX));
  peer->state = DOOR_ADMITTED;
  peer->unread = 0; /* so far it was all handshake */
}

void door_peer_leave(door_peer *peer, int code, int64_t now) {
  if (peer->leaving_since != 0) return;
  peer->leaving_since = now;
  peer->leaving_code = code;
}

size_t door_peer_allowance(const door_peer *peer, const door_peer_limits *limits) {
  if (peer->leaving_since != 0) return 0;
  size_t most = peer->state == DOOR_OPENING ? OPENING_MAX : limits->unread_max;
  size_t held = peer->unread + door_pipe_held(&peer->relay.in);
  return held < most ? most - held : 0;
}

/* A frame's bytes on the wire: CURVE command and ZMTP header around it. */
static size_t wire_size(size_t frame) {
  size_t body = frame + DOOR_CURVE_FRAME;
  return body + (body > SHORT_FRAME ? 9 : 2);
}

static void take_away(size_t *from, size_t bytes) {
  *from -= bytes < *from ? bytes : *from;
}

static bool has_event(const door_peer *peer, int event) {
  int events = 0;
  size_t size = sizeof events;
  return zmq_getsockopt(peer->socket, ZMQ_EVENTS, &events, &size) == 0 && (events & event);
}

static bool readable(const door_peer *peer) {
  return has_event(peer, ZMQ_POLLIN);
}

static bool is_from_office(const door_peer *peer, zmq_msg_t *frame) {
  const char *user = zmq_msg_gets(frame, ZMQ_MSG_PROPERTY_USER_ID);
  return user != NULL && peer->state == DOOR_ADMITTED && strcmp(user, peer->office) == 0;
}

/* Receives one message; all its frames are there once the first is. None may be
 * there although ZMQ_EVENTS says so: libzmq passes the User-Id through the same
 * pipe, and it can be alone in it (measured, 4.3.4). */
static door_end receive(door_peer *peer, zmq_msg_t *frames, size_t *n) {
  for (bool more = true; more;) {
    if (*n == COR_FRAMES_MAX) return DOOR_END_FRAMES;
    zmq_msg_t *frame = &frames[*n];
    zmq_msg_init(frame);
    if (zmq_msg_recv(frame, peer->socket, ZMQ_DONTWAIT) < 0) {
      zmq_msg_close(frame);
      return *n == 0 ? DOOR_END_NONE : DOOR_END_FRAMES;
    }
    *n += 1;
    if (!is_from_office(peer, frame)) return DOOR_END_IDENTITY;
    take_away(&peer->unread, wire_size(zmq_msg_size(frame)));
    more = zmq_msg_more(frame);
  }
  return DOOR_END_NONE;
}

static door_end hand_over(door_peer *peer, door_core *core, door_traffic *in) {
  zmq_msg_t frames[COR_FRAMES_MAX];
  cor_bytes parts[COR_FRAMES_MAX];
  cor_frames checked;
  cor_error why;
  size_t n = 0, bytes = 0;
  door_end end = receive(peer, frames, &n);
  if (n == 0) return end;
  for (size_t i = 0; i < n; i++) {
    parts[i] = (cor_bytes){zmq_msg_data(&frames[i]), zmq_msg_size(&frames[i])};
    bytes += parts[i].len;
  }
  if (end == DOOR_END_NONE && !cor_frames_check(parts, n, true, &checked, &why)) end = DOOR_END_FRAMES;
  if (end == DOOR_END_NONE) {
    peer->known = true;
    if (!door_core_message(core, peer->number, peer->office, frames, n)) end = DOOR_END_CORE_GONE;
    in->messages++;
    in->bytes += bytes;
    peer->forgiven = 0;
    peer->unread_since = 0;
  }
  for (size_t i = 0; i < n; i++)
    zmq_msg_close(&frames[i]);
  return end;
}

static door_end pump_messages(door_peer *peer, door_core *core, bool *again, door_traffic *in) {
  door_end end = DOOR_END_NONE;
  int left = MESSAGES_PER_VISIT;
  while (end == DOOR_END_NONE && readable(peer) && door_core_ready(core)) {
    if (left-- == 0) {
      *again = true;
      break;
    }
    end = hand_over(peer, core, in);
  }
  return end;
}

door_end door_peer_pump(door_peer *peer, door_core *core, const door_peer_limits *limits, bool *again,
                        door_traffic *in) {
  peer->unread += door_relay_in(&peer->relay, door_peer_allowance(peer, limits));
  size_t flushed = door_relay_out(&peer->relay);
  if (flushed > 0) peer->unsent_since = 0;
  take_away(&peer->unsent, flushed);
  if (peer->leaving_since != 0) {
    const bool said = peer->unsent == 0 && door_pipe_held(&peer->relay.out) == 0;
    return said || peer->relay.closed ? DOOR_END_CORE : DOOR_END_NONE;
  }
  /* ZMQ_FD tells of changes only, and any call may swallow one: so look until it is quiet. */
  door_end end = pump_messages(peer, core, again, in);
  if (end != DOOR_END_NONE) return end;
  if (peer->state == DOOR_OPENING && door_peer_allowance(peer, limits) == 0) return DOOR_END_HANDSHAKE;
  /* What it sent before it closed may still be with us while the core is busy. */
  return peer->relay.closed && !readable(peer) ? DOOR_END_CLOSED : DOOR_END_NONE;
}

static bool stuck(bool now_stuck, int64_t *since, int64_t now, int64_t most) {
  if (!now_stuck)
    *since = 0;
  else if (*since == 0)
    *since = now;
  return now_stuck && now - *since >= most;
}

door_end door_peer_tick(door_peer *peer, const door_peer_limits *limits, bool core_ready, int64_t now) {
  if (peer->state == DOOR_OPENING)
    return now - peer->born >= limits->handshake_ms ? DOOR_END_HANDSHAKE : DOOR_END_NONE;
  if (peer->leaving_since != 0)
    return now - peer->leaving_since >= LEAVING_MS ? DOOR_END_CORE : DOOR_END_NONE;
  size_t beat = peer->unread < HEARTBEAT_BYTES ? peer->unread : HEARTBEAT_BYTES;
  if (peer->forgiven + beat <= limits->unread_max) {
    peer->unread -= beat;
    peer->forgiven += beat;
  }
  bool full = core_ready && door_peer_allowance(peer, limits) <= HEARTBEAT_BYTES && !readable(peer);
  if (stuck(full, &peer->unread_since, now, limits->stall_ms)) return DOOR_END_ENDLESS;
  bool waiting = peer->unsent > 0 || door_pipe_held(&peer->relay.out) > 0;
  if (stuck(waiting, &peer->unsent_since, now, limits->stall_ms)) return DOOR_END_SLOW;
  return DOOR_END_NONE;
}

door_end door_peer_send(door_peer *peer, const door_peer_limits *limits, zmq_msg_t *frames, size_t n) {
  size_t bytes = 0;
  for (size_t i = 0; i < n; i++)
    bytes += wire_size(zmq_msg_size(&frames[i]));
  if (peer->unsent + bytes > limits->unsent_max || !has_event(peer, ZMQ_POLLOUT)) return DOOR_END_SLOW;
  for (size_t i = 0; i < n; i++)
    if (zmq_msg_send(&frames[i], peer->socket, ZMQ_DONTWAIT | (i + 1 < n ? ZMQ_SNDMORE : 0)) < 0)
      return DOOR_END_SLOW;
  peer->unsent += bytes;
  return DOOR_END_NONE;
}
