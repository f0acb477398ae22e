/* door.c - start and end of the door process.
 *
 * Guarantees: it listens only after the self-test proved that strangers are
 * refused with the very settings in use; the process is confined before its
 * first thread starts; the CURVE secret is zeroed at the end. Losing this
 * process at any moment loses no message: nothing it holds was acknowledged.
 * Trusts: its configuration file and the core.
 * Fatal (exit status 1 or 3, with one line that says why): bad configuration, an exposed
 * key file, a failed self-test, an address in use. */
#include "door.h"
#include "door_listen.h"
#include "door_loop.h"
#include "door_process.h"
#include "door_selftest.h"
#include "corridor/notify.h"
#include "corridor/refusal.h"
#include <stdio.h>
#include <unistd.h>

#ifndef ZMQ_ZERO_COPY_RECV
#define ZMQ_ZERO_COPY_RECV 10 /* in the library, but not in its released header */
#endif

typedef struct door_state {
  door_settings settings;
  cor_clock *clock;
  cor_log *log;
  void *context;
  door_core core;
  cor_metric metrics[DOOR_M_COUNT];
  door_loop loop;
} door_state;

static bool open_log(door_state *door, cor_error *err) {
  door->clock = door->settings.demo_clock[0] ? cor_clock_demo(door->settings.demo_clock, err)
                                             : cor_clock_system();
  if (door->clock == NULL) return false;
  door->log = cor_log_new("corridor-door", door->clock, door->settings.log_level);
  return door->log != NULL || cor_fail(err, COR_INTERNAL, "", "out of memory");
}

/* A socket that closes still has its place until ZeroMQ reaped it: hence twice.
 * Messages that are not cut out of the receive buffer leave that buffer to be used
 * again, and its second half, where the cuts are counted, untouched. */
static bool open_context(door_state *door, cor_error *err) {
  const int sockets = 2 * (int)door->settings.connections_max + 16;
  door->context = zmq_ctx_new();
  if (door->context != NULL) (void)zmq_ctx_set(door->context, ZMQ_ZERO_COPY_RECV, 0);
  return (door->context != NULL && zmq_ctx_set(door->context, ZMQ_MAX_SOCKETS, sockets) == 0) ||
         cor_fail(err, COR_INTERNAL, "", "cannot start ZeroMQ");
}

static bool open_parts(door_state *door, cor_error *err) {
  door_loop *loop = &door->loop;
  const door_socket_place place = {.run_dir = door->settings.run_dir,
                                   .secret = door->settings.secret,
                                   .handshake_ms = door->settings.handshake_ms};
  if ((loop->signals = door_process_signals(err)) < 0) return false;
  if ((loop->listener = door_listen_bind(&door->settings, err)) < 0) return false;
  if (!open_context(door, err)) return false;
  if ((loop->zap = door_selftest(door->context, door_socket_open, &place, err)) == NULL) return false;
  COR_LOG(door->log, COR_INFO, "self-test-passed", COR_WORD("stranger", "refused"));
  if (!door_core_open(&door->core, door->context, door->settings.core, err)) return false;
  door_metrics_init(door->metrics);
  if (door->settings.status[0] == 0) return true;
  loop->status = cor_status_start(door->settings.status, door->metrics, DOOR_M_COUNT, err);
  return loop->status != NULL;
}

static void close_parts(door_state *door) {
  door_loop *loop = &door->loop;
  door_loop_close(loop);
  cor_status_stop(&loop->status);
  door_core_close(&door->core);
  door_zap_destroy(&loop->zap);
  if (door->context != NULL) zmq_ctx_term(door->context);
  if (loop->listener >= 0) close(loop->listener);
  if (loop->signals >= 0) close(loop->signals);
  cor_log_destroy(&door->log);
  cor_clock_destroy(&door->clock);
  door_settings_clear(&door->settings);
}

int door_run(const char *config_path, bool check_only) {
  cor_error err = {0};
  door_state door = {.loop = {.listener = -1, .signals = -1, .epoll = -1, .config_path = config_path}};
  bool ok = door_settings_load(config_path, &door.settings, &err);
  if (ok && !check_only) {
    door.loop.settings = &door.settings;
    door.loop.core = &door.core;
    door.loop.metrics = door.metrics;
    ok = open_log(&door, &err) && door_process_confine(&door.settings, &err) && open_parts(&door, &err);
    door.loop.context = door.context;
    door.loop.log = door.log;
    ok = ok && door_loop_open(&door.loop, &err);
    if (ok) {
      cor_notify("READY=1");
      door_loop_run(&door.loop);
    }
  }
  if (!ok)
    fprintf(stderr, "corridor-broker door: %s: %s\n", err.path, err.detail);
  else if (check_only)
    fprintf(stderr, "corridor-broker door: configuration is good\n");
  close_parts(&door);
  return ok ? 0 : cor_refusal_of(err.code)->exit;
}
