/* deliverer.c - claims and timers, beside admission.
 *
 * For: an admission that need not wait for deliveries, nor they for it. Guarantees:
 * nothing is claimed on cards older than the ones committed (registry_hold); while
 * the database is away nothing is tried more than once in a while; timers pause
 * while the clock is in doubt. What it learns of late (mail queued by another
 * broker, a lease that ran out) a sweep over all sessions finds within a second.
 * Trusts the core for sessions. Fatal: no memory, no thread. */
#include "deliverer.h"
#include "claim.h"
#include "corridor/refusal.h"
#include "duties.h"
#include "registry.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
  REST_MS = 100,
  REGISTRY_MS = 200,
  SWEEP_MS = 1000,
  TIMER_MS = 500,
  RECOUNT_MS = 30 * 1000,
  CLAIMS_IN_A_ROW = 64
};

struct deliverer {
  core own; /* borrows all but its connection, cards and queue of names */
  const core *beside;
  pthread_t thread;
  int wake; /* eventfd */
  _Atomic bool stopping;
};

typedef struct beats {
  int64_t registry, sweep, recount, timer;
} beats;

static bool due(int64_t *last, int64_t every) {
  const int64_t now = cor_clock_monotonic_ms();
  if (now - *last < every) return false;
  *last = now;
  return true;
}

static void claims(deliverer *d, bool sweep) {
  core *c = &d->own;
  bool any = true;
  for (int i = 0; any && !d->stopping && i < CLAIMS_IN_A_ROW; i++, sweep = false)
    if (!claim_round(c, sweep, &any)) {
      core_count(c, CORE_DATABASE_ERRORS, 1);
      break;
    }
}

static void timers(core *c) {
  const int64_t now = core_gate_time(c);
  if (!c->skewed && (!duties_tick(c, now) || !claim_timers(c, now))) core_count(c, CORE_DATABASE_ERRORS, 1);
}

/* Time and partitions are the core's to keep: nothing is written into a month that
 * has none yet. */
static bool follow(deliverer *d) {
  const int64_t committed = d->beside->highest_committed;
  if (committed > d->own.highest_committed) d->own.highest_committed = committed;
  return d->beside->partition_month == core_month(core_gate_time(&d->own));
}

static void *deliver(void *arg) {
  deliverer *d = arg;
  core *c = &d->own;
  beats b = {0};
  bool changed;
  while (!d->stopping) {
    struct pollfd item = {.fd = d->wake, .events = POLLIN};
    uint64_t count;
    if (poll(&item, 1, REST_MS) > 0 && read(d->wake, &count, sizeof count) < 0 && errno != EAGAIN) abort();
    if (!follow(d) || !db_ready(c->db)) continue;
    if ((due(&b.registry, REGISTRY_MS) || c->stale) && !registry_refresh(c, &changed)) continue;
    if (!c->cards) continue; /* nothing is decided without a list */
    if (due(&b.recount, RECOUNT_MS) && !claim_recount(c)) continue;
    const bool sweep = due(&b.sweep, SWEEP_MS) || c->stale;
    c->stale = false;
    claims(d, sweep);
    if (due(&b.timer, TIMER_MS)) timers(c);
  }
  return NULL;
}

deliverer *deliverer_start(core *beside, cor_error *err) {
  deliverer *d = calloc(1, sizeof *d);
  if (!d) abort();
  d->own = *beside;
  d->beside = beside;
  d->own.db = db_new(cor_config_text(beside->config, "db"), beside->log);
  d->own.leaves = (ledger_ids){0};
  d->own.cards = NULL;
  d->own.gate_epoch = -1;
  d->own.conveyor = NULL;
  d->own.waiting = NULL;
  d->own.n_waiting = d->own.cap_waiting = 0;
  d->own.deliverer = d;
  d->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (d->wake >= 0 && pthread_create(&d->thread, NULL, deliver, d) == 0) {
    (void)pthread_setname_np(d->thread, "deliver");
    return d;
  }
  (void)cor_fail(err, COR_INTERNAL, "", "cannot start a thread: %s", strerror(errno));
  if (d->wake >= 0) close(d->wake);
  db_destroy(&d->own.db);
  free(d);
  return NULL;
}

void deliverer_stop(deliverer **which) {
  deliverer *d = *which;
  if (!d) return;
  d->stopping = true;
  deliverer_wake(d);
  pthread_join(d->thread, NULL);
  close(d->wake);
  db_destroy(&d->own.db);
  cor_cards_destroy(&d->own.cards);
  free(d->own.waiting);
  free(d);
  *which = NULL;
}

void deliverer_wake(deliverer *d) {
  const uint64_t one = 1;
  if (write(d->wake, &one, sizeof one) < 0 && errno != EAGAIN) abort();
}
