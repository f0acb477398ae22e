/* door_loop.h - the door at work: one thread, one epoll set. */
#ifndef BROKER_DOOR_LOOP_H
#define BROKER_DOOR_LOOP_H
#include "door_config.h"
#include "door_metrics.h"
#include "door_table.h"
#include "door_zap.h"

typedef struct door_loop {
  /* borrowed from door.c, which opened them */
  const door_settings *settings;
  void *context;
  cor_log *log;
  cor_metric *metrics;
  cor_status *status; /* NULL: off */
  door_zap *zap;
  door_core *core;
  int listener, signals;
  const char *config_path; /* SIGHUP reads log_level again */
  /* its own */
  int epoll;
  door_table table;
  door_peer_limits limits;
  size_t memory_budget;
  uint64_t last_number;
  int64_t now, tick_at, core_heard_at, stop_at;
  bool listening, stopping, core_was_ready, again;
  bool trim;           /* at the next tick */
  unsigned lines_left; /* ends logged in this second */
} door_loop;

bool door_loop_open(door_loop *loop, cor_error *err) COR_MUST_CHECK;
void door_loop_run(door_loop *loop); /* until SIGTERM or SIGINT, and what had to be finished then */
void door_loop_close(door_loop *loop);

/* door_loop_peers.c: what happens to connections. */
void door_loop_accept(door_loop *loop);
void door_loop_answer_zap(door_loop *loop);
void door_loop_apply_keys(door_loop *loop, cor_bytes keys);
void door_loop_pump(door_loop *loop, door_peer *peer);
void door_loop_pump_all(door_loop *loop);
void door_loop_tick_peers(door_loop *loop);
void door_loop_send(door_loop *loop, door_core_event *event);
void door_loop_end(door_loop *loop, door_peer *peer, door_end end, int code);
void door_loop_end_all(door_loop *loop, door_end end);
void door_loop_relieve(door_loop *loop);
void door_loop_sweep(door_loop *loop);

static inline void door_loop_count(door_loop *loop, int metric, int64_t by) {
  atomic_fetch_add_explicit(&loop->metrics[metric].value, by, memory_order_relaxed);
}

#endif
