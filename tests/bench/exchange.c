/* exchange.c - senders that keep messages in flight, recipients that receipt.
 *
 * For: load.c's timed part. Each message is timed from its send to its end
 * (exchange.h). A sender never has more unanswered than the protocol's window,
 * and in flight is counted over all senders. Waiting is epoll over the sockets'
 * descriptors, which are edge-triggered in effect: an office is left only after
 * a receive has said that nothing is there. Refusals and cuts are fatal. */
#include "exchange.h"
#include "corridor/clock.h"
#include "die.h"
#include "inbox.h"
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <zmq.h>

enum { EVENTS_MAX = 256, SILENCE_MS = 60000 };

typedef struct sending {
  office *by;
  outbox *box;
  size_t share, sent, answered, done;
  uint64_t first_n; /* submission number of list[0] */
} sending;

typedef struct running {
  exchange *x;
  sending *senders;
  size_t left; /* senders that are not through */
} running;

static void finish(running *r, sending *s, letter *l, int64_t now) {
  if (l->done) die("a message ended twice", NULL);
  l->done = true;
  sample_add(&r->x->latency, now - l->sent_us);
  if (++s->done == s->box->n) r->left--;
}

static void take_result(running *r, sending *s, const Corridor__V1__Result *result, int64_t now) {
  const size_t at = (size_t)(result->n - s->first_n);
  cor_error err = {0};
  if (!result->receipt) {
    fprintf(stderr, "bench: refused with code %u %s\n", result->refusal->code, result->refusal->field);
    exit(1);
  }
  if (outbox_find(s->box, result->message_id) != at) die("a receipt for another message", NULL);
  const cor_bytes content = {result->receipt->content.data, result->receipt->content.len};
  if (!cor_verify(cor_cards_hub(s->by->of->cards)->signing, COR_DOMAIN_RECEIPT, "hub", 0, content,
                  result->receipt->signature, s->by->memory, &err))
    die_of("receipt", &err);
  s->answered++;
  if (r->x->end == EXCHANGE_ADMITTED) finish(r, s, &s->box->list[at], now);
}

static void take_results(running *r, sending *s, const heard *h) {
  Corridor__V1__Results *results = (Corridor__V1__Results *)office_read(h,
                                                                        &corridor__v1__results__descriptor);
  const int64_t now = cor_clock_monotonic_us();
  for (size_t i = 0; i < results->n_results; i++)
    take_result(r, s, results->results[i], now);
  cor_message_free(&results->base);
}

typedef struct sender {
  running *r;
  sending *s; /* NULL: an office that only receives */
} sender;

static void take_end(void *ctx, const uint8_t message_id[COR_ID_LEN]) {
  const sender *to = ctx;
  if (!to->s) return;
  const size_t at = outbox_find(to->s->box, (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)message_id});
  if (at == to->s->box->n) return; /* of an earlier load: its receipt was on the way when that one ended */
  finish(to->r, to->s, &to->s->box->list[at], cor_clock_monotonic_us());
}

/* Until nothing is there. */
static void hear_all(running *r, office *o, sending *s) {
  for (heard h = office_hear(o, ZMQ_DONTWAIT); h.command; h = office_hear(o, ZMQ_DONTWAIT)) {
    if (h.command == COR_RESULTS && s) take_results(r, s, &h);
    if (h.command == COR_DELIVER) inbox_take(o, &h, take_end, &(sender){r, s});
  }
}

static bool may_send(const running *r, const sending *s) {
  const size_t unanswered = s->sent - s->answered;
  const size_t ended = r->x->end == EXCHANGE_ADMITTED ? s->answered : s->done;
  if (s->sent == s->box->n || s->sent - ended >= s->share || unanswered >= OFFICE_WINDOW) return false;
  return unanswered == 0 || (unanswered + 1) * s->box->list[s->sent].body->len <= OFFICE_WINDOW_BYTES;
}

static bool send_some(running *r, sending *s) {
  const size_t before = s->sent;
  for (; may_send(r, s); s->sent++) {
    letter *l = &s->box->list[s->sent];
    l->sent_us = cor_clock_monotonic_us();
    office_submit(s->by, l->envelope, cor_buf_view(l->body));
  }
  return s->sent > before;
}

/* Whoever said something may have swallowed the word that there is more to
 * hear: hear once more. */
static void serve(running *r, office *o, sending *s) {
  bool said = true;
  while (said) {
    hear_all(r, o, s);
    said = o->n_receipts > 0;
    inbox_receipt(o);
    if (s && send_some(r, s)) said = true;
  }
}

static void watch(int epoll, const exchange *x, size_t index) {
  office *o = index < x->n_senders ? &x->senders[index] : &x->recipients[index - x->n_senders];
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = index};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, office_fd(o), &event) != 0) die("epoll", strerror(errno));
}

static void serve_index(running *r, size_t index) {
  exchange *x = r->x;
  if (index < x->n_senders)
    serve(r, &x->senders[index], &r->senders[index]);
  else
    serve(r, &x->recipients[index - x->n_senders], NULL);
}

/* In flight is shared out; when it is less than the senders, some stay idle. */
static void share_out(running *r) {
  exchange *x = r->x;
  for (size_t i = 0; i < x->n_senders; i++) {
    sending *s = &r->senders[i];
    const size_t share = x->in_flight / x->n_senders + (i < x->in_flight % x->n_senders);
    *s = (sending){
        .by = &x->senders[i], .box = &x->boxes[i], .share = share, .first_n = x->senders[i].said + 1};
    if (s->box->n > 0 && share == 0) die("messages for a sender without a share", NULL);
    if (s->box->n == 0) continue;
    r->left++;
    size_t window = OFFICE_WINDOW_BYTES / s->box->list[0].body->len;
    window = window < OFFICE_WINDOW ? window : OFFICE_WINDOW;
    x->allowed += x->end == EXCHANGE_DELIVERED || share < window ? share : window;
  }
}

void exchange_run(exchange *x) {
  struct epoll_event events[EVENTS_MAX];
  running r = {.x = x, .senders = must_have(x->n_senders, sizeof *r.senders)};
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) die("epoll", strerror(errno));
  share_out(&r);
  for (size_t i = 0; i < x->n_senders + x->n_recipients; i++)
    watch(epoll, x, i);
  const int64_t begin = cor_clock_monotonic_us();
  /* Recipients too: a descriptor speaks only to one who has found nothing. */
  for (size_t i = x->n_senders + x->n_recipients; i > 0; i--)
    serve_index(&r, i - 1);
  while (r.left > 0) {
    const int n = epoll_wait(epoll, events, EVENTS_MAX, SILENCE_MS);
    if (n == 0) die("no answer in 60 s", NULL);
    for (int i = 0; i < n; i++)
      serve_index(&r, events[i].data.u64);
  }
  x->took_us = cor_clock_monotonic_us() - begin;
  close(epoll);
  free(r.senders);
}
