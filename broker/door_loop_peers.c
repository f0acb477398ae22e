/* door_loop_peers.c - connections come, are admitted, work, and end.
 *
 * Guarantees: every connection ends through door_loop_end, with a reason in the
 * log and the metrics, and the core is told of each end it must know; until it
 * is, the entry stays and counts. A key taken off the list loses its live
 * connections in the same turn of the loop. When something is short (places,
 * memory) strangers go before offices, and of offices the one that takes most.
 * Trusts: door_peer.c for bounds. Fatal: nothing. */
#include "door_listen.h"
#include "door_loop.h"
#include "corridor/refusal.h"
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { ACCEPTS_PER_TURN = 16, CONNECTIONS_PER_KEY = 4, LINES_PER_SECOND = 50 };

static bool watch(door_loop *loop, int op, int fd, uint32_t events, door_peer *peer) {
  struct epoll_event event = {.events = events, .data = {.ptr = peer}};
  return epoll_ctl(loop->epoll, op, fd, &event) == 0;
}

static bool watch_new(door_loop *loop, door_peer *peer) {
  peer->tcp_events = peer->local_events = EPOLLIN;
  return watch(loop, EPOLL_CTL_ADD, peer->relay.tcp, EPOLLIN, peer) &&
         watch(loop, EPOLL_CTL_ADD, peer->relay.local, EPOLLIN, peer) &&
         watch(loop, EPOLL_CTL_ADD, peer->socket_fd, EPOLLIN, peer);
}

static void watch_again(door_loop *loop, door_peer *peer) {
  if (peer->relay.closed) return;
  uint32_t tcp = door_relay_wants_tcp(&peer->relay, door_peer_allowance(peer, &loop->limits));
  uint32_t local = door_relay_wants_local(&peer->relay);
  if (tcp != peer->tcp_events) (void)watch(loop, EPOLL_CTL_MOD, peer->relay.tcp, tcp, peer);
  if (local != peer->local_events) (void)watch(loop, EPOLL_CTL_MOD, peer->relay.local, local, peer);
  peer->tcp_events = tcp;
  peer->local_events = local;
}

void door_loop_end(door_loop *loop, door_peer *peer, door_end end, int code) {
  if (peer->state == DOOR_GONE) return;
  /* Strangers may not fill the log: beyond a number of lines a second there is only the count. */
  if (loop->lines_left > 0) {
    loop->lines_left--;
    COR_LOG(loop->log, COR_INFO, "connection-ended", COR_NUM("connection", peer->number),
            COR_WORD("office", peer->office), COR_WORD("reason", door_end_word(end)), COR_CODE(code));
  }
  door_loop_count(loop, DOOR_M_ENDS + (int)end, 1);
  /* ZeroMQ's descriptor is closed by another thread, in its own time. */
  (void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, peer->socket_fd, NULL);
  door_peer_close(peer);
}

void door_loop_end_all(door_loop *loop, door_end end) {
  for (size_t i = 0; i < loop->table.n; i++)
    door_loop_end(loop, loop->table.peers[i], end, COR_OK);
}

/* Room for one more from this origin? Strangers who have not proved a key make room. */
static bool make_room(door_loop *loop, const uint8_t address[DOOR_ADDRESS_LEN]) {
  if (door_table_count_address(&loop->table, address) >= loop->settings->connections_per_address)
    return false;
  if (loop->table.n == loop->table.max) return false;
  if (loop->table.n - door_table_count_state(&loop->table, DOOR_GONE) < loop->settings->connections_max)
    return true;
  door_peer *oldest = door_table_oldest_opening(&loop->table);
  if (oldest != NULL) door_loop_end(loop, oldest, DOOR_END_CROWDED, COR_OK);
  return oldest != NULL;
}

static void welcome(door_loop *loop, int tcp, const uint8_t address[DOOR_ADDRESS_LEN]) {
  cor_error err;
  const door_socket_place place = {.run_dir = loop->settings->run_dir,
                                   .secret = loop->settings->secret,
                                   .connection = ++loop->last_number,
                                   .handshake_ms = loop->settings->handshake_ms};
  door_peer *peer = door_peer_new(loop->context, &place, tcp, loop->now, &err);
  if (peer == NULL) {
    COR_LOG(loop->log, COR_WARN, "connection-failed", COR_CODE(err.code));
    return;
  }
  memcpy(peer->address, address, DOOR_ADDRESS_LEN);
  door_table_add(&loop->table, peer); /* make_room has seen that there is a place */
  door_loop_count(loop, DOOR_M_accepted_total, 1);
  if (!watch_new(loop, peer)) door_loop_end(loop, peer, DOOR_END_CROWDED, COR_OK);
}

void door_loop_accept(door_loop *loop) {
  uint8_t address[DOOR_ADDRESS_LEN];
  int tcp;
  for (int i = 0; i < ACCEPTS_PER_TURN && (tcp = door_listen_accept(loop->listener, address)) >= 0; i++) {
    if (make_room(loop, address)) {
      welcome(loop, tcp, address);
    } else {
      close(tcp);
      door_loop_count(loop, DOOR_M_turned_away_total, 1);
    }
  }
}

/* The answer comes before the cut, so that the handler is free for the next question. */
void door_loop_answer_zap(door_loop *loop) {
  door_zap_request request;
  while (door_zap_next(loop->zap, &request)) {
    door_peer *peer = door_table_find(&loop->table, request.connection);
    bool permit = request.office[0] != 0 && peer != NULL && peer->state == DOOR_OPENING;
    if (permit) door_peer_admit(peer, request.key, request.office);
    door_zap_answer(loop->zap, &request, permit);
    if (!permit && peer != NULL) door_loop_end(loop, peer, DOOR_END_REFUSED, COR_UNKNOWN_OFFICE);
    door_peer *extra = permit ? door_table_oldest_beyond(&loop->table, request.key, CONNECTIONS_PER_KEY)
                              : NULL;
    if (extra != NULL) door_loop_end(loop, extra, DOOR_END_CROWDED, COR_LIMIT_REACHED);
  }
}

void door_loop_apply_keys(door_loop *loop, cor_bytes keys) {
  cor_error err;
  if (!door_zap_set_keys(loop->zap, keys, &err))
    COR_LOG(loop->log, COR_ALARM, "keys-malformed", COR_CODE(err.code));
  for (size_t i = 0; i < loop->table.n; i++) {
    door_peer *peer = loop->table.peers[i];
    if (peer->state != DOOR_ADMITTED) continue;
    const char *office = door_zap_office(loop->zap, peer->key);
    if (office == NULL || strcmp(office, peer->office) != 0)
      door_loop_end(loop, peer, DOOR_END_REVOKED, COR_CARD_REVOKED);
  }
}

void door_loop_pump(door_loop *loop, door_peer *peer) {
  door_traffic in = {0};
  if (peer->state == DOOR_GONE) return;
  door_end end = door_peer_pump(peer, loop->core, &loop->limits, &loop->again, &in);
  door_loop_count(loop, DOOR_M_messages_in_total, (int64_t)in.messages);
  door_loop_count(loop, DOOR_M_bytes_in_total, (int64_t)in.bytes);
  if (end != DOOR_END_NONE)
    door_loop_end(loop, peer, end, end == DOOR_END_FRAMES ? COR_BAD_FRAMES : peer->leaving_code);
  else
    watch_again(loop, peer);
}

void door_loop_pump_all(door_loop *loop) {
  for (size_t i = 0; i < loop->table.n; i++)
    door_loop_pump(loop, loop->table.peers[i]);
}

void door_loop_tick_peers(door_loop *loop) {
  const bool ready = door_core_ready(loop->core);
  loop->lines_left = LINES_PER_SECOND;
  for (size_t i = 0; i < loop->table.n; i++) {
    door_peer *peer = loop->table.peers[i];
    if (peer->state == DOOR_GONE) continue;
    door_end end = door_peer_tick(peer, &loop->limits, ready, loop->now);
    if (end != DOOR_END_NONE) door_loop_end(loop, peer, end, COR_LIMIT_REACHED);
  }
}

void door_loop_send(door_loop *loop, door_core_event *event) {
  door_peer *peer = door_table_find(&loop->table, event->head.connection);
  if (peer == NULL || !peer->known) {
    (void)door_core_closed(loop->core, event->head.connection);
    return;
  }
  if (peer->state == DOOR_GONE || event->n == 0) return; /* if gone, CLOSED is on its way */
  door_end end = door_peer_send(peer, &loop->limits, event->parts, event->n);
  if (end != DOOR_END_NONE) {
    door_loop_end(loop, peer, end, COR_LIMIT_REACHED);
    return;
  }
  door_loop_count(loop, DOOR_M_messages_out_total, 1);
  door_loop_pump(loop, peer); /* sending may have swallowed the news of a message */
}

void door_loop_relieve(door_loop *loop) {
  while (door_table_held(&loop->table) > loop->memory_budget)
    door_loop_end(loop, door_table_heaviest(&loop->table), DOOR_END_MEMORY, COR_LIMIT_REACHED);
}

void door_loop_sweep(door_loop *loop) {
  for (size_t i = loop->table.n; i-- > 0;) {
    door_peer *peer = loop->table.peers[i];
    if (peer->state != DOOR_GONE) continue;
    if (peer->known && !door_core_closed(loop->core, peer->number)) continue;
    door_table_remove(&loop->table, i);
    loop->trim = true;
  }
}
