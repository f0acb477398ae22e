/* core.c - the core process: start, the loop, the end.
 *
 * For: everything behind the door: it holds the hub's signing key and the
 * database, never sees the network and never opens a body. Guarantees: decisions
 * are one thread's, in the order the mail came (conveyor.h), in bounded rounds; while the database is away
 * nothing is acknowledged, everyone is told HUB_UNAVAILABLE and keeps what they sent; SIGTERM finishes the
 * round in hand, says GOING_DOWN and ends. Fatal at start: a bad configuration, keys or CA certificate; a
 * demo clock under a CA that is not a demo CA. */
#include "core.h"
#include "admit.h"
#include "corridor/ca.h"
#include "corridor/notify.h"
#include "corridor/refusal.h"
#include "deliverer.h"
#include "conveyor.h"
#include "doorway.h"
#include "intake.h"
#include "receipt.h"
#include "session.h"
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { IDLE_MS = 50, REGISTRY_MS = 200, TRIM_MS = 2000, SKEW_MS = 120 * 1000 };

int64_t core_gate_time(core *c) {
  int64_t now = cor_clock_now(c->clock);
  bool skewed = now < c->highest_committed - SKEW_MS;
  if (skewed != c->skewed)
    COR_LOG(c->log, skewed ? COR_ALARM : COR_INFO,
            skewed ? "clock-behind-committed-time" : "clock-right-again",
            COR_NUM("behind_ms", c->highest_committed - now));
  c->skewed = skewed;
  return now > c->highest_committed ? now : c->highest_committed;
}

static bool read_level(const char *word, cor_level *out, cor_error *err) {
  static const char *const words[] = {
      [COR_DEBUG] = "debug", [COR_INFO] = "info", [COR_WARN] = "warn", [COR_ALARM] = "alarm"};
  for (int i = 0; i < 4; i++)
    if (strcmp(word, words[i]) == 0) {
      *out = (cor_level)i;
      return true;
    }
  return cor_fail(err, COR_BAD_INPUT, "log_level", "not one of debug, info, warn, alarm");
}

static bool open_clock(core *c, cor_error *err) {
  const char *file = cor_config_text(c->config, "demo_clock");
  if (!*file) {
    c->clock = cor_clock_system();
    return true;
  }
  if (!cor_cert_is_demo(c->ca))
    return cor_fail(err, COR_DEMO_ONLY, "demo_clock",
                    "this CA is not a demo CA; remove demo_clock from the configuration");
  c->clock = cor_clock_demo(file, err);
  return c->clock != NULL;
}

/* The clock before the log, and the CA before the clock: it says whether this is a
 * demonstration. */
static bool configure(core *c, cor_error *err) {
  char path[512];
  cor_level level = COR_INFO;
  const char *office_dir = cor_config_text(c->config, "office_dir");
  if (!read_level(cor_config_text(c->config, "log_level"), &level, err) ||
      !cor_status_check(cor_config_text(c->config, "status"), err))
    return false;
  snprintf(path, sizeof path, "%s/ca.crt", office_dir);
  c->ca = cor_cert_from_pem_file(path, err);
  if (!c->ca || !open_clock(c, err)) return false;
  c->log = cor_log_new("corridor-core", c->clock, level);
  return core_open(c, office_dir, cor_config_text(c->config, "db"), err);
}

/* The channel, and the threads that serve it. */
static bool connect_door(core *c, cor_error *err) {
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  c->doorway = doorway_new(cor_config_text(c->config, "channel"), c->log, err);
  if (c->doorway && !(c->deliverer = deliverer_start(c, err))) return false;
  if (c->doorway) c->conveyor = conveyor_start(c->doorway, c->memory, cores < 1 ? 1 : (unsigned)cores, err);
  return c->conveyor != NULL;
}

typedef struct beats {
  int64_t registry, trim;
  bool database; /* as last seen, for /healthz and the log */
  bool ready;    /* the service manager knows */
  bool used;     /* memory, since it was last given back */
} beats;

static void see_database(core *c, beats *b, bool there) {
  if (there != b->database)
    COR_LOG(c->log, there ? COR_INFO : COR_ALARM, there ? "database-there" : "database-away");
  b->database = there;
  if (c->status)
    cor_status_set(c->status, there && c->cards, there ? "no card list imported yet" : "database away");
  if (there && !b->ready) {
    b->ready = true;
    cor_notify("READY=1");
    COR_LOG(c->log, COR_INFO, "ready");
  }
}

/* What a burst took (a thousand offices at once, a backlog) lies scattered in the
 * arenas of several threads; none of them gives it back by itself. */
static void give_back(beats *b, bool working) {
  b->used |= working;
  if (working || !b->used || !cor_clock_due(&b->trim, TRIM_MS)) return;
  (void)malloc_trim(0);
  b->used = false;
}

static void one_turn(core *c, round_t *r, beats *b) {
  if (cor_clock_due(&b->registry, REGISTRY_MS)) {
    bool there = db_ready(c->db) && core_prepare(c) && session_follow_cards(c);
    see_database(c, b, there);
  }
  if (b->database && !core_prepare(c)) b->registry = 0; /* a leap of the clock; look again at once */
  session_send_due_cards(c);
  round_begin(r);
  intake(c, r);
  bool worked = r->n_submissions || r->n_receipts;
  if (worked) {
    receipt_round(c, r); /* first: an answer follows the receipt of what it answers */
    admit_round(c, r);
    round_answer(c, r);
    deliverer_wake(c->deliverer); /* windows opened, or mail was queued */
  }
  const bool came = r->parcels != NULL;
  round_clear(r);
  give_back(b, came);
}

static void drain(core *c) {
  COR_LOG(c->log, COR_INFO, "draining");
  deliverer_stop(&c->deliverer);
  c->draining = true;
  cor_notify("STOPPING=1");
  while (c->sessions->n)
    session_bye(c, c->sessions->list[0].connection, COR_GOING_DOWN);
  db_args args = {0};
  db_text(&args, c->broker);
  /* So that nobody need wait for our leases; if this fails they run out. */
  if (!db_ready(c->db) ||
      !db_do(
          c->db,
          "UPDATE corridor.delivery SET state = 1, lease_until = NULL WHERE state = 2 AND lease_broker = $1",
          &args))
    COR_LOG(c->log, COR_WARN, "leases-left");
  db_args_clear(&args);
}

static bool core_loop(core *c, int signals) {
  round_t r = {0};
  beats b = {0};
  struct signalfd_siginfo info;
  for (bool going = true; going;) {
    one_turn(c, &r, &b);
    struct pollfd items[] = {{.fd = conveyor_fd(c->conveyor), .events = POLLIN},
                             {.fd = signals, .events = POLLIN}};
    (void)poll(items, 2, IDLE_MS);
    if (items[1].revents & POLLIN && read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
      if (info.ssi_signo == SIGHUP)
        COR_LOG(c->log, COR_INFO, "nothing-to-reload");
      else
        going = false;
    }
  }
  drain(c);
  round_free(&r);
  return true;
}

static int watch_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int core_run(const char *config_path, bool check_only) {
  core c = {0};
  cor_error err = {0};
  size_t n;
  int outcome = 1;
  prctl(PR_SET_DUMPABLE, 0); /* no core files, no ptrace: the signing key lives here */
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  int signals = watch_signals();
  const cor_config_row *rows = core_config_rows(&n);
  if (!(c.config = cor_config_load(config_path, rows, n, &err)) || !configure(&c, &err)) goto out;
  if (check_only) {
    printf("configuration is good\n");
    outcome = 0;
    goto out;
  }
  if (!connect_door(&c, &err)) goto out;
  const char *status = cor_config_text(c.config, "status");
  if (*status && !(c.status = cor_status_start(status, c.metrics, CORE_METRICS, &err))) goto out;
  outcome = core_loop(&c, signals) ? 0 : 1;
out:
  if (outcome != 0)
    fprintf(stderr, "corridor-broker core: %s%s%s\n", err.path, err.path[0] ? ": " : "", err.detail);
  core_close(&c);
  close(signals);
  return outcome == 0 ? 0 : cor_refusal_of(err.code)->exit ? cor_refusal_of(err.code)->exit : 1;
}
