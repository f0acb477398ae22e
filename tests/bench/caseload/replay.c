/* replay.c - the year, day by day.
 *
 * For: tests/bench/year2020. One process plays the agents of all offices: it sets
 * the demo clock to a working day's noon, sends what the plan has for that day,
 * each message only when what it rests on has happened (its own office's earlier
 * message admitted; what it answers delivered to it and receipted), receipts
 * every delivery, and goes on to the next day when nothing is left undelivered.
 * Guarantees: every message delivered is compared, header and body, with the one
 * that was sent, and reached the office it was for. Fatal: a refusal, a BYE, a
 * delivery that is not the plan's, a minute without progress. */
#include "replay.h"
#include "corridor/clock.h"
#include "corridor/codec.h"
#include "corridor/envelope.h"
#include "corridor/refusal.h"
#include "corridor/sign.h"
#include "ids.h"
#include "party.h"
#include "quiet.h"
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

typedef struct replay {
  const plan *p;
  const programme *all;
  const replay_options *options;
  replay_counts *counts;
  void *context;
  party *parties; /* as programme's members */
  int ready;      /* epoll over their sockets' descriptors */
  cor_clock *clock;
  quiet *quiet;
  ids *ids;
  cor_sign_memory *verified;
  mailbag bag;
  size_t to_admit, to_deliver, in_flight; /* of the day's */
  int64_t moved_at, told_at;
} replay;

static party *party_of(replay *r, const member *m) {
  return &r->parties[m - r->all->members];
}

/* ---- what may go next ---- */

static void release(replay *r, letter *l) {
  if (!l) return;
  if (l->left_out) {
    r->to_admit--;
    r->to_deliver -= l->to != NULL;
    return;
  }
  party_queue(party_of(r, l->from), l);
}

static bool after_receipt(const letter *l) {
  return l->next && kind_rows[l->next->planned->kind].answers;
}

/* ---- what comes ---- */

static bool unexpected(cor_error *err, const party *p, const char *what) {
  return cor_fail(err, COR_INTERNAL, p->office->keys.id, "%s", what);
}

static bool take_result(replay *r, party *p, const Corridor__V1__Result *one, cor_error *err) {
  letter *l = p->sent[one->n % PARTY_WINDOW];
  if (!l || one->n > p->n) return unexpected(err, p, "a result for what was not sent");
  if (!one->receipt) {
    int code = one->refusal ? (int)one->refusal->code : 0;
    return cor_fail(err, code, p->office->keys.id, "%s on day %u was refused: %s %s",
                    cor_sop_find(kind_rows[l->planned->kind].type)->name, l->planned->day,
                    cor_refusal_of(code)->name, one->refusal ? one->refusal->field : "");
  }
  if (one->message_id.len != COR_ID_LEN || memcmp(one->message_id.data, l->id, COR_ID_LEN) != 0)
    return unexpected(err, p, "a receipt for another message");
  if (r->options->verify &&
      !cor_verify(cor_cards_hub(r->all->cards)->signing, COR_DOMAIN_RECEIPT, "hub", 0,
                  cor_bytes_of(one->receipt->content), one->receipt->signature, r->verified, err))
    return false;
  p->sent[one->n % PARTY_WINDOW] = NULL;
  p->unanswered--;
  p->unanswered_bytes -= l->body.len;
  l->admitted = true;
  r->in_flight--;
  r->to_admit--;
  r->counts->messages++;
  if (l->next && !after_receipt(l)) release(r, l->next);
  return true;
}

static bool take_results(replay *r, party *p, const arrival *a, cor_error *err) {
  Corridor__V1__Results *results = corridor__v1__results__unpack(NULL, a->control.len, a->control.data);
  bool ok = results || unexpected(err, p, "results that do not parse");
  for (size_t i = 0; ok && i < results->n_results; i++)
    ok = take_result(r, p, results->results[i], err);
  if (results) corridor__v1__results__free_unpacked(results, NULL);
  return ok;
}

/* Signs and sends what is owed; answers may follow from here on. */
static bool flush(replay *r, party *p, cor_error *err) {
  letter *list[PARTY_RECEIPTS];
  size_t n = p->n_owed;
  for (size_t i = 0; i < n; i++)
    list[i] = p->owed[i].letter;
  if (!party_flush(p, err)) return false;
  r->counts->receipts += n;
  r->counts->receipt_batches++;
  for (size_t i = 0; i < n; i++) {
    if (!list[i]) continue;
    r->to_deliver--;
    if (after_receipt(list[i])) release(r, list[i]->next);
  }
  return true;
}

/* Header and body byte for byte, and the office it was written to. */
static bool is_ours(const party *p, const letter *l, const Corridor__V1__Delivery *delivery, cor_bytes body) {
  return l->to == p->office &&
         cor_bytes_equal(cor_bytes_of(delivery->envelope->header), cor_buf_view(&l->header)) &&
         cor_bytes_equal(body, cor_buf_view(&l->body));
}

static bool verify(replay *r, const Corridor__V1__Delivery *delivery, cor_bytes body, cor_error *err) {
  cor_envelope envelope;
  if (!r->options->verify) return true;
  if (!cor_envelope_read(delivery->envelope, body, &envelope, err)) return false;
  bool ok = cor_envelope_verify(&envelope, r->all->cards, NULL, r->verified, err);
  cor_envelope_clear(&envelope);
  return ok;
}

static bool count_delivery(replay *r, party *p, const Corridor__V1__Header *h,
                           const Corridor__V1__Delivery *delivery, cor_bytes body, letter **of,
                           cor_error *err) {
  bool fresh;
  letter **at = ids_at(r->ids, h->message_id.data, &fresh);
  *of = NULL;
  if (strcmp(h->sender, "hub") == 0) {
    uint64_t *notices = h->type == COR_T(END_NOTICE) ? &r->counts->end_notices
                                                     : &r->counts->obligation_notices;
    *(fresh ? notices : &r->counts->again) += 1;
    return true;
  }
  if (!*at || !is_ours(p, *at, delivery, body))
    return unexpected(err, p, "a delivery that is not what was sent to it");
  *((*at)->delivered ? &r->counts->again : &r->counts->deliveries) += 1;
  *of = (*at)->delivered ? NULL : *at;
  (*at)->delivered = true;
  return true;
}

static bool take_delivery(replay *r, party *p, const arrival *a, cor_error *err) {
  uint8_t hash[COR_HASH_LEN];
  letter *l;
  Corridor__V1__Header *h = NULL;
  Corridor__V1__Delivery *delivery = corridor__v1__delivery__unpack(NULL, a->control.len, a->control.data);
  if (delivery && delivery->envelope)
    h = corridor__v1__header__unpack(NULL, delivery->envelope->header.len, delivery->envelope->header.data);
  bool ok = (h && h->message_id.len == COR_ID_LEN) || unexpected(err, p, "a delivery that does not parse");
  ok = ok && count_delivery(r, p, h, delivery, a->body, &l, err) && verify(r, delivery, a->body, err) &&
       (p->n_owed < PARTY_RECEIPTS || flush(r, p, err));
  if (ok) cor_content_hash(COR_DOMAIN_HEADER, cor_bytes_of(delivery->envelope->header), hash);
  ok = ok && party_owe(p, delivery, h, hash, l, cor_clock_now(r->clock), err);
  if (h) corridor__v1__header__free_unpacked(h, NULL);
  if (delivery) corridor__v1__delivery__free_unpacked(delivery, NULL);
  return ok;
}

static bool take_welcome(replay *r, party *p, const arrival *a, cor_error *err) {
  (void)r;
  Corridor__V1__Welcome *welcome = corridor__v1__welcome__unpack(NULL, a->control.len, a->control.data);
  if (!welcome) return unexpected(err, p, "a WELCOME that does not parse");
  p->open = true;
  p->window = welcome->window_messages < PARTY_WINDOW ? welcome->window_messages : PARTY_WINDOW;
  p->window_bytes = welcome->window_bytes;
  corridor__v1__welcome__free_unpacked(welcome, NULL);
  return true;
}

static bool take_nothing(replay *r, party *p, const arrival *a, cor_error *err) {
  (void)r, (void)p, (void)a, (void)err;
  return true;
}

static bool take_bye(replay *r, party *p, const arrival *a, cor_error *err) {
  (void)r;
  Corridor__V1__Bye *bye = corridor__v1__bye__unpack(NULL, a->control.len, a->control.data);
  int code = bye ? (int)bye->code : COR_INTERNAL;
  if (bye) corridor__v1__bye__free_unpacked(bye, NULL);
  return cor_fail(err, code, p->office->keys.id, "the hub said BYE: %s", cor_refusal_of(code)->name);
}

static bool (*const takers[])(replay *, party *, const arrival *, cor_error *) = {
    [COR_WELCOME] = take_welcome, [COR_RESULTS] = take_results, [COR_DELIVER] = take_delivery,
    [COR_CARDS] = take_nothing,   [COR_PONG] = take_nothing,    [COR_BYE] = take_bye,
};

static bool take_all(replay *r, party *p, cor_error *err) {
  zmq_msg_t parts[COR_FRAMES_MAX];
  arrival a = {.parts = parts};
  bool ok = true;
  while (ok && party_receive(p, &a)) {
    bool known = a.command < sizeof takers / sizeof *takers && takers[a.command];
    ok = known ? takers[a.command](r, p, &a, err) : unexpected(err, p, "a command that is none of the hub's");
    arrival_close(&a);
    r->moved_at = cor_clock_monotonic_ms();
  }
  arrival_close(&a);
  return ok;
}

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
    if (sent && !take_all(r, p, err)) return false;
    *any |= sent;
  }
  return true;
}

static bool hear(replay *r, int timeout, cor_error *err) {
  struct epoll_event events[EVENTS_MAX];
  int n = epoll_wait(r->ready, events, EVENTS_MAX, timeout);
  if (n < 0) return cor_fail(err, COR_INTERNAL, "epoll", "%s", strerror(errno));
  for (int i = 0; i < n; i++)
    if (!take_all(r, events[i].data.ptr, err)) return false;
  return true;
}

static bool flush_due(replay *r, cor_error *err) {
  int64_t now = cor_clock_monotonic_ms();
  for (size_t i = 0; i < r->all->n; i++) {
    party *p = &r->parties[i];
    if (p->n_owed && (p->n_owed == PARTY_RECEIPTS || now - p->owed_since >= RECEIPT_MS) &&
        (!flush(r, p, err) || !take_all(r, p, err)))
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
  ids_clear(r->ids);
  r->to_admit = r->bag.n;
  r->to_deliver = 0;
  for (size_t i = 0; i < r->bag.n; i++) {
    letter *l = &r->bag.list[i];
    *ids_at(r->ids, l->id, &fresh) = l;
    r->to_deliver += l->to != NULL;
    l->left_out = r->options->leave_out && l->planned == &r->p->messages[r->p->n_messages - 1];
  }
  for (size_t i = 0; i < r->bag.n; i++)
    if (r->bag.list[i].planned->level == 0) release(r, &r->bag.list[i]);
}

static int64_t own_cpu_us(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * INT64_C(1000000) + used.ru_utime.tv_usec +
         used.ru_stime.tv_usec;
}

static bool run_day(replay *r, size_t day, cor_error *err) {
  int64_t begin = cor_clock_monotonic_ms(), cpu = own_cpu_us();
  if (!prepare_day(r->p, r->all, day, r->options->threads, &r->bag, err)) return false;
  if (r->bag.n == 0) return true;
  int64_t prepared = cor_clock_monotonic_ms();
  r->counts->prepare_ms += prepared - begin;
  r->counts->prepare_cpu_us += own_cpu_us() - cpu;
  r->counts->days++;
  r->moved_at = prepared;
  if (!set_clock(r, day, err)) return false;
  begin_day(r);
  if (!finish_day(r, err)) return false;
  r->counts->replay_ms += cor_clock_monotonic_ms() - prepared;
  progress(r, day);
  prepare_clear(&r->bag);
  return true;
}

/* ---- the whole ---- */

static bool watch(replay *r, party *p, cor_error *err) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};
  int fd;
  size_t size = sizeof fd;
  if (zmq_getsockopt(p->socket, ZMQ_FD, &fd, &size) != 0 ||
      epoll_ctl(r->ready, EPOLL_CTL_ADD, fd, &event) != 0)
    return unexpected(err, p, "its socket cannot be watched");
  return take_all(r, p, err);
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
  bool ok = open_all(&r, err);
  for (size_t day = 0; ok && day < p->n_days; day++)
    ok = run_day(&r, day, err);
  close_all(&r);
  return ok;
}
