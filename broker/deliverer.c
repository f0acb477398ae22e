/* deliverer.c - claims and timers, beside admission.
 *
 * For: an admission that need not wait for deliveries, nor they for it. Guarantees:
 * nothing is claimed on cards older than the ones committed (registry_hold); while
 * the database is away nothing is tried more than once in a while; timers pause
 * while the clock is in doubt. What it learns of late (mail queued by another
 * broker, a lease that ran out) a sweep over all sessions finds within a second, or
 * as soon as sweeps may cost (SWEEP_SHARE).
 * Trusts the core for sessions. Fatal: no memory, no thread. */
#include "deliverer.h"
#include "claim.h"
#include "corridor/refusal.h"
#include "duties.h"
#include "queue.h"
#include "registry.h"
#include "suspension.h"
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
  HEADS_MS = 500,
  SWEEP_MS = 1000,
  SWEEP_SHARE = 20, /* at most that part of the time goes into sweeps, however long one takes */
  TIMER_MS = 500,
  ASK_MS = 500,
  FORGET_MS = 10 * 1000,
  RECOUNT_MS = 30 * 1000,
  LEASES_AGAIN_MS = 5 * 60 * 1000,
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
  int64_t registry, heads, sweep, recount, timer, ask, forget;
  int64_t sweep_every;
  int64_t leases_from; /* gate time */
} beats;

static bool claim(core *c, bool sweep, bool *any) {
  if (claim_round(c, sweep, any)) return true;
  core_count(c, CORE_DATABASE_ERRORS, 1);
  return false;
}

/* Every second; less often while it takes long (queue.c). */
static bool sweep(core *c, beats *b, bool *any) {
  const int64_t began = cor_clock_monotonic_ms();
  const bool ok = claim(c, true, any);
  const int64_t rest = (cor_clock_monotonic_ms() - began) * SWEEP_SHARE;
  b->sweep_every = rest > SWEEP_MS ? rest : SWEEP_MS;
  return ok;
}

static void claims(deliverer *d, beats *b, bool all) {
  bool any = true;
  bool ok = !all || sweep(&d->own, b, &any);
  for (int i = all; ok && any && !d->stopping && i < CLAIMS_IN_A_ROW; i++)
    ok = claim(&d->own, false, &any);
}

/* Of leases only those not looked at before: while an old snapshot is held the index
 * keeps them all. Everything once in a while, for what another broker wrote late. */
static void timers(core *c, beats *b) {
  const int64_t now = core_gate_time(c);
  if (c->skewed) return;
  if (duties_tick(c, now) && claim_timers(c, b->leases_from, now))
    b->leases_from = now - LEASES_AGAIN_MS;
  else
    core_count(c, CORE_DATABASE_ERRORS, 1);
}

/* No deadline: what was said without proof is put to who has to answer, also while the
 * clock is in doubt. */
static void questions(core *c, beats *b) {
  bool ok = true;
  if (cor_clock_due(&b->ask, ASK_MS)) ok = suspension_ask(c, core_gate_time(c));
  if (ok && cor_clock_due(&b->forget, FORGET_MS))
    ok = suspension_ask_again(c, core_gate_time(c)) && suspension_forget(c, core_gate_time(c));
  if (!ok) core_count(c, CORE_DATABASE_ERRORS, 1);
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
  beats b = {.sweep_every = SWEEP_MS};
  bool changed;
  while (!d->stopping) {
    struct pollfd item = {.fd = d->wake, .events = POLLIN};
    uint64_t count;
    if (poll(&item, 1, REST_MS) > 0 && read(d->wake, &count, sizeof count) < 0 && errno != EAGAIN) abort();
    if (!follow(d) || !db_ready(c->db)) continue;
    if ((cor_clock_due(&b.registry, REGISTRY_MS) || c->stale) && !registry_refresh(c, &changed)) continue;
    if (!c->cards) continue; /* nothing is decided without a list */
    if (cor_clock_due(&b.recount, RECOUNT_MS)) {
      b.leases_from = 0;
      if (!claim_recount(c)) continue;
    }
    if (cor_clock_due(&b.heads, HEADS_MS) && !queue_heads(c)) continue;
    const bool all = cor_clock_due(&b.sweep, b.sweep_every) || c->stale;
    c->stale = false;
    claims(d, &b, all);
    questions(c, &b);
    if (cor_clock_due(&b.timer, TIMER_MS)) timers(c, &b);
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
