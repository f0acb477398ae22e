/* door_loop.c - the turn of the loop: wait, move, ask ZAP, hear the core, sweep.
 *
 * Guarantees: nothing blocks; no peer is freed while an event of this turn may
 * still point to it (ends only close, the sweep at the turn's end frees); after
 * any ZeroMQ call that may swallow an edge the socket is looked at again.
 * Nothing the door holds was acknowledged, so it may stop at any moment; SIGTERM
 * still lets what is under way get out for STOP_MS.
 * Trusts: its parts. Fatal: nothing; a failing epoll ends the loop. */
#include "door_loop.h"
#include "door_listen.h"
#include "door_process.h"
#include "corridor/notify.h"
#include "corridor/refusal.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
  EVENTS = 64,
  TICK_MS = 1000,
  STOP_MS = 3000,
  CORE_SILENT_MS = 5000,
  UNSENT_CARDS = 2,
  PLACES_EACH = 2 /* one may be leaving */,
  BUDGET_SHARE = 4,
  RENEW_AFTER = 16 /* questions: some 160 KiB */
};

static bool watch(door_loop *loop, int fd, void *tag) {
  struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = tag}};
  return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool door_loop_open(door_loop *loop, cor_error *err) {
  const door_settings *settings = loop->settings;
  loop->limits = (door_peer_limits){.unread_max = settings->unread_max,
                                    .unsent_max = (size_t)UNSENT_CARDS * COR_CARDS_MAX,
                                    .handshake_ms = settings->handshake_ms,
                                    .stall_ms = settings->stall_ms};
  loop->memory_budget = settings->memory_max ? settings->memory_max / BUDGET_SHARE : SIZE_MAX;
  loop->now = loop->tick_at = cor_clock_monotonic_ms();
  loop->lines_left = 1;
  /* Numbers of another life of the door must not be mistaken for ours. */
  uint32_t life;
  cor_random((uint8_t *)&life, sizeof life);
  loop->last_number = (uint64_t)(life >> 1) << 32;
  if (!door_table_new(&loop->table, PLACES_EACH * settings->connections_max, err)) return false;
  loop->epoll = epoll_create1(EPOLL_CLOEXEC);
  return (loop->epoll >= 0 && watch(loop, loop->signals, &loop->signals) &&
          watch(loop, loop->core->fd, loop->core) && watch(loop, door_zap_fd(loop->zap), loop->zap)) ||
         cor_fail(err, COR_INTERNAL, "", "cannot set up epoll: %s", strerror(errno));
}

void door_loop_close(door_loop *loop) {
  door_table_clear(&loop->table);
  if (loop->epoll >= 0) close(loop->epoll);
  loop->epoll = -1;
}

/* Only now: before the core's first list every agent would be refused. */
static void start_listening(door_loop *loop) {
  cor_error err;
  if (loop->listening || loop->stopping) return;
  loop->listening = door_listen_start(loop->listener, &err) && watch(loop, loop->listener, &loop->listener);
  if (loop->listening)
    COR_LOG(loop->log, COR_INFO, "listening", COR_NUM("connections_max", loop->settings->connections_max));
}

static void take_keys(door_loop *loop, door_core_event *event) {
  zmq_msg_t *list = event->n > 0 ? &event->parts[0] : NULL;
  door_loop_apply_keys(loop, list ? (cor_bytes){zmq_msg_data(list), zmq_msg_size(list)} : (cor_bytes){0});
  start_listening(loop);
}

static void hear(door_loop *loop, door_core_event *event) {
  switch (event->head.kind) {
  case CHANNEL_CORE_UP:
    loop->core_heard_at = loop->now;
    if (event->new_generation) {
      COR_LOG(loop->log, COR_INFO, "core-up", COR_NUM("connections_cut", loop->table.n));
      door_loop_end_all(loop, DOOR_END_CORE_GONE);
    }
    break;
  case CHANNEL_KEYS: take_keys(loop, event); break;
  case CHANNEL_SEND: door_loop_send(loop, event); break;
  case CHANNEL_CUT: {
    door_peer *peer = door_table_find(&loop->table, event->head.connection);
    if (peer == NULL) break;
    door_peer_leave(peer, (int)event->head.number, loop->now); /* its BYE may still be on the way */
    door_loop_pump(loop, peer);
    break;
  }
  default: break; /* TAKEN is noted by door_core.c; the rest is our own to say */
  }
}

static void hear_core(door_loop *loop) {
  door_core_event event;
  while (door_core_next(loop->core, &event)) {
    hear(loop, &event);
    door_core_event_clear(&event);
  }
}

static void reload(door_loop *loop) {
  door_settings fresh;
  cor_error err;
  if (door_settings_load(loop->config_path, &fresh, &err)) {
    cor_log_set_level(loop->log, fresh.log_level);
    COR_LOG(loop->log, COR_INFO, "reloaded", COR_NUM("log_level", fresh.log_level));
  } else {
    COR_LOG(loop->log, COR_WARN, "reload-refused", COR_CODE(err.code));
  }
  door_settings_clear(&fresh);
}

static void stop(door_loop *loop) {
  if (loop->stopping) return;
  loop->stopping = true;
  loop->stop_at = loop->now + STOP_MS;
  loop->limits.unread_max = 0; /* read no more; let out what is under way */
  if (loop->listening) (void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, loop->listener, NULL);
  COR_LOG(loop->log, COR_INFO, "stopping", COR_NUM("connections", loop->table.n));
  cor_notify("STOPPING=1");
}

static void take_signals(door_loop *loop) {
  struct signalfd_siginfo info;
  while (read(loop->signals, &info, sizeof info) == (ssize_t)sizeof info) {
    if (info.ssi_signo == SIGHUP)
      reload(loop);
    else
      stop(loop);
  }
}

static void set_metrics(door_loop *loop) {
  const struct {
    int metric;
    uint64_t value;
  } values[] = {{DOOR_M_connections, loop->table.n},
                {DOOR_M_admitted, door_table_count_state(&loop->table, DOOR_ADMITTED)},
                {DOOR_M_untaken_bytes, door_core_untaken(loop->core)},
                {DOOR_M_held_bytes, door_table_held(&loop->table)},
                {DOOR_M_refused_total, door_zap_refused(loop->zap)}};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    atomic_store_explicit(&loop->metrics[values[i].metric].value, (int64_t)values[i].value,
                          memory_order_relaxed);
  if (loop->status == NULL) return;
  const bool silent = loop->now - loop->core_heard_at > CORE_SILENT_MS;
  cor_status_set(loop->status, loop->listening && !silent && !loop->stopping,
                 loop->stopping     ? "stopping"
                 : !loop->listening ? "waiting for the core's key list"
                 : silent           ? "the core is silent"
                                    : "");
}

/* What the handshakes since the last time left behind goes, once nobody can be in
 * the middle of one; ZeroMQ lets go in its own time, so the trim is a tick later. */
static void clear_up(door_loop *loop) {
  cor_error err;
  if (loop->trim) door_process_trim();
  loop->trim = false;
  if (door_zap_asked(loop->zap) < RENEW_AFTER || !door_table_all_known(&loop->table)) return;
  (void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, door_zap_fd(loop->zap), NULL);
  loop->trim = door_zap_renew(loop->zap, &err);
  door_loop_count(loop, DOOR_M_zap_renewed_total, loop->trim);
  if (!loop->trim) COR_LOG(loop->log, COR_WARN, "zap-not-renewed", COR_CODE(err.code));
  if (!watch(loop, door_zap_fd(loop->zap), loop->zap))
    COR_LOG(loop->log, COR_ALARM, "epoll-failed", COR_NUM("errno", errno));
}

static void tick(door_loop *loop) {
  door_core_announce(loop->core, true);
  door_loop_tick_peers(loop);
  clear_up(loop);
  cor_notify("WATCHDOG=1");
  loop->tick_at = loop->now + TICK_MS;
}

static void handle(door_loop *loop, const struct epoll_event *event) {
  void *tag = event->data.ptr;
  if (tag == &loop->signals)
    take_signals(loop);
  else if (tag == &loop->listener)
    door_loop_accept(loop);
  else if (tag != loop->core && tag != loop->zap) {
    door_peer *peer = tag;
    if (peer->state == DOOR_GONE) return;
    if (event->events & (EPOLLHUP | EPOLLERR)) door_relay_close(&peer->relay);
    door_loop_pump(loop, peer);
  }
}

static bool finished(const door_loop *loop) {
  if (!loop->stopping) return false;
  return loop->now >= loop->stop_at ||
         (door_table_held(&loop->table) == 0 && door_core_untaken(loop->core) == 0);
}

/* What every turn does, whatever woke it: ZAP and core are few calls when quiet. */
static void turn(door_loop *loop) {
  bool pump_all = loop->again;
  loop->again = false;
  door_loop_answer_zap(loop);
  hear_core(loop);
  door_core_announce(loop->core, false);
  if (loop->now >= loop->tick_at) {
    tick(loop);
    pump_all = true;
  }
  if (door_core_ready(loop->core) && !loop->core_was_ready) pump_all = true;
  if (pump_all) door_loop_pump_all(loop);
  door_loop_relieve(loop);
  door_loop_sweep(loop);
  set_metrics(loop);
  loop->core_was_ready = door_core_ready(loop->core);
  /* Sending to the core may have swallowed the news that it spoke. */
  loop->again = loop->again || door_core_pending(loop->core);
}

void door_loop_run(door_loop *loop) {
  struct epoll_event events[EVENTS];
  while (!finished(loop)) {
    int64_t wait = loop->again ? 0 : loop->tick_at - loop->now;
    int n = epoll_wait(loop->epoll, events, EVENTS, wait > 0 ? (int)wait : 0);
    if (n < 0 && errno != EINTR) {
      COR_LOG(loop->log, COR_ALARM, "epoll-failed", COR_NUM("errno", errno));
      return;
    }
    loop->now = cor_clock_monotonic_ms();
    for (int i = 0; i < n; i++)
      handle(loop, &events[i]);
    turn(loop);
  }
  door_loop_end_all(loop, DOOR_END_STOPPING);
  door_loop_sweep(loop);
}
