/* replay.c - the year, day by day.
 *
 * For: tests/bench/year2020. One process plays the agents of all offices: it sets
 * the demo clock to a working day's noon, sends what the plan has for that day,
 * each message only when what it rests on has happened (its own office's earlier
 * message admitted; what it answers delivered to it and receipted), receipts
 * every delivery, and goes on to the next day when nothing is left undelivered;
 * meanwhile that day's messages are prepared. What comes in is hear.c's. Fatal: whatever hear.c does not
 * expect, a minute without progress. */
#include "corridor/refusal.h"
#include "replay_internal.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
  RECEIPT_MS = 10, /* how long a receipt may wait for others */
  CLOCK_MS = 60,   /* by then every process has seen the clock move (clock.h: 50) */
  STUCK_MS = 60000,
  PROGRESS_MS = 10000,
  POLL_MS = 20,
  VERIFIED_MAX = 256,
  EVENTS_MAX = 256
};

/* ---- the loop ---- */

/* libzmq's descriptor tells of what came only once, and sending may swallow that:
 * who has sent is asked, whatever epoll says. */
static bool send_some(replay *r, bool *any, cor_error *err) {
  *any = false;
  for (size_t i = 0; i < r->all->n; i++) {
    party *p = &r->parties[i];
    bool sent = false;
    for (; r->in_flight < r->options->in_flight && party_may_send(p); r->in_flight++, sent = true) {
      r->counts->body_bytes += p->first->body.len;
      r->counts->bytes += party_send(p);
    }
    if (sent && !replay_hear(r, p, err)) return false;
    *any |= sent;
  }
  return true;
}

static bool hear(replay *r, int timeout, cor_error *err) {
  struct epoll_event events[EVENTS_MAX];
  int n = epoll_wait(r->ready, events, EVENTS_MAX, timeout);
  if (n < 0) return cor_fail(err, COR_INTERNAL, "epoll", "%s", strerror(errno));
  for (int i = 0; i < n; i++)
    if (!replay_hear(r, events[i].data.ptr, err)) return false;
  return true;
}

static bool flush_due(replay *r, cor_error *err) {
  int64_t now = cor_clock_monotonic_ms();
  for (size_t i = 0; i < r->all->n; i++) {
    party *p = &r->parties[i];
    if (p->n_owed && (p->n_owed == PARTY_RECEIPTS || now - p->owed_since >= RECEIPT_MS) &&
        (!replay_receipt(r, p, err) || !replay_hear(r, p, err)))
      return false;
  }
  return true;
}

static bool owes(const replay *r) {
  for (size_t i = 0; i < r->all->n; i++)
    if (r->parties[i].n_owed) return true;
  return false;
}

/* One pass: send, hear, receipt. */
static bool pass(replay *r, cor_error *err) {
  bool any;
  if (!send_some(r, &any, err) || !hear(r, any ? 0 : owes(r) ? 1 : POLL_MS, err) || !flush_due(r, err))
    return false;
  return cor_clock_monotonic_ms() - r->moved_at < STUCK_MS ||
         cor_fail(err, COR_INTERNAL, "", "nothing moved for a minute: %zu not admitted, %zu not delivered",
                  r->to_admit, r->to_deliver);
}

/* Nothing of the day is left: all admitted and delivered, and by the hub's own
 * books no notice waits either. */
static bool finish_day(replay *r, cor_error *err) {
  for (bool done = false; !done;) {
    if (!pass(r, err)) return false;
    if (r->to_admit || r->to_deliver || owes(r)) continue;
    if (!quiet_now(r->quiet, &done, err)) return false;
  }
  return true;
}

static void progress(replay *r, size_t day) {
  int64_t now = cor_clock_monotonic_ms();
  char date[COR_TIME_TEXT];
  if (now - r->told_at < PROGRESS_MS) return;
  r->told_at = now;
  fprintf(stderr, "%s: %llu of %zu messages\n", cor_day_text(cor_day_of(plan_moment(day), 0), date),
          (unsigned long long)r->counts->messages, r->p->n_messages);
}

static bool set_clock(replay *r, size_t day, cor_error *err) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/clock", r->options->dir);
  if (!cor_clock_demo_set(path, plan_moment(day), err)) return false;
  for (int64_t begin = cor_clock_monotonic_ms(); cor_clock_monotonic_ms() - begin < CLOCK_MS;)
    if (!pass(r, err)) return false;
  return true;
}

static void begin_day(replay *r) {
  bool fresh;
  r->to_admit = r->bag.n;
  r->to_deliver = 0;
  for (size_t i = 0; i < r->bag.n; i++) {
    letter *l = &r->bag.list[i];
    *ids_at(r->ids, l->id, &fresh) = l;
    r->to_deliver += l->to != NULL;
    l->left_out = r->options->leave_out && l->planned == &r->p->messages[r->p->n_messages - 1];
  }
  for (size_t i = 0; i < r->bag.n; i++)
    if (r->bag.list[i].planned->level == 0) replay_release(r, &r->bag.list[i]);
}

static int64_t own_cpu_us(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * INT64_C(1000000) + used.ru_utime.tv_usec +
         used.ru_stime.tv_usec;
}

static bool run_day(replay *r, size_t day, cor_error *err) {
  int64_t begin = cor_clock_monotonic_ms();
  if (!prepare_end(&r->tomorrow, &r->bag, &r->counts->prepare_cpu_us, err)) return false;
  if (day + 1 < r->p->n_days) r->tomorrow = prepare_begin(r->p, r->all, day + 1, r->options->threads);
  if (r->bag.n == 0) return true;
  int64_t prepared = cor_clock_monotonic_ms();
  r->counts->prepare_ms += prepared - begin;
  r->counts->days++;
  r->moved_at = prepared;
  if (!set_clock(r, day, err)) return false;
  begin_day(r);
  if (!finish_day(r, err)) return false;
  r->counts->replay_ms += cor_clock_monotonic_ms() - prepared;
  progress(r, day);
  prepare_clear(&r->bag);
  ids_clear(r->ids); /* they pointed into the bag */
  return true;
}

/* ---- the whole ---- */

static bool watch(replay *r, party *p, cor_error *err) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};
  int fd;
  size_t size = sizeof fd;
  if (zmq_getsockopt(p->socket, ZMQ_FD, &fd, &size) != 0 ||
      epoll_ctl(r->ready, EPOLL_CTL_ADD, fd, &event) != 0)
    return cor_fail(err, COR_INTERNAL, p->office->keys.id, "its socket cannot be watched");
  return replay_hear(r, p, err);
}

static bool connect_all(replay *r, cor_error *err) {
  int64_t begin = r->moved_at = cor_clock_monotonic_ms();
  zmq_ctx_set(r->context, ZMQ_MAX_SOCKETS, OFFICES_MAX + 64);
  for (size_t i = 0; i < r->all->n; i++) {
    r->parties[i].office = &r->all->members[i];
    if (!party_open(&r->parties[i], r->context, r->options->endpoint, r->all->hub.curve_public,
                    cor_cards_number(r->all->cards), err))
      return false;
    if (!watch(r, &r->parties[i], err)) return false;
  }
  for (size_t open = 0; open < r->all->n;) {
    if (!pass(r, err)) return false;
    open = 0;
    for (size_t i = 0; i < r->all->n; i++)
      open += r->parties[i].open;
  }
  r->counts->connect_ms = cor_clock_monotonic_ms() - begin;
  return true;
}

static bool open_all(replay *r, cor_error *err) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/clock", r->options->dir);
  r->parties = calloc(r->all->n, sizeof *r->parties);
  r->ready = epoll_create1(EPOLL_CLOEXEC);
  r->context = zmq_ctx_new();
  if (!r->parties || r->ready < 0 || !r->context) abort();
  r->ids = ids_new();
  r->verified = cor_sign_memory_new(VERIFIED_MAX);
  return (r->clock = cor_clock_demo(path, err)) && (r->quiet = quiet_new(r->options->db, err)) &&
         connect_all(r, err);
}

static void close_all(replay *r) {
  for (size_t i = 0; i < r->all->n; i++)
    party_close(&r->parties[i]);
  zmq_ctx_term(r->context);
  prepare_clear(&r->bag);
  prepare_drop(&r->tomorrow);
  quiet_destroy(&r->quiet);
  ids_destroy(&r->ids);
  cor_sign_memory_destroy(&r->verified);
  cor_clock_destroy(&r->clock);
  free(r->parties);
  close(r->ready);
}

bool replay_run(const plan *p, const programme *all, const replay_options *options, replay_counts *out,
                cor_error *err) {
  replay r = {.p = p, .all = all, .options = options, .counts = out, .told_at = cor_clock_monotonic_ms()};
  *out = (replay_counts){0};
  int64_t cpu = own_cpu_us();
  bool ok = open_all(&r, err);
  if (ok && p->n_days > 0) r.tomorrow = prepare_begin(p, all, 0, options->threads);
  for (size_t day = 0; ok && day < p->n_days; day++)
    ok = run_day(&r, day, err);
  out->cpu_us = own_cpu_us() - cpu;
  close_all(&r);
  return ok;
}
