/* intake.c - inspected mail meets its session.
 *
 * For: filling a round with what the conveyor has, in order: numbering, window,
 * hello, ends. Guarantees: a round is bounded in number and bytes; a connection
 * that breaks framing or numbering is told why and cut; content is judged under
 * the very cards the core decides with, so a mail verified under older ones is
 * inspected anew. Trusts parcel.c for all that needs no session. */
#include "intake.h"
#include "conveyor.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include <stdlib.h>
#include <string.h>

void round_begin(round_t *r) {
  if (!r->submissions) r->submissions = calloc(ROUND_MAX, sizeof *r->submissions);
  if (!r->receipts) r->receipts = calloc(ROUND_MAX, sizeof *r->receipts);
  if (!r->submissions || !r->receipts) abort();
  round_clear(r);
}

void round_clear(round_t *r) {
  while (r->parcels) {
    parcel *p = r->parcels;
    r->parcels = p->next;
    parcel_free(p);
  }
  r->n_submissions = r->n_receipts = r->bytes = r->n_mails = r->n_hellos = 0;
}

void round_free(round_t *r) {
  round_clear(r);
  free(r->submissions);
  free(r->receipts);
  *r = (round_t){0};
}

/* The office of a store that went backwards sends nothing new. */
static void refuse_quarantined(submission *s) {
  s->verified = false;
  s->code = COR_STORE_REGRESSED;
  s->field = "";
  s->settled = true;
}

static void take_submission(core *c, round_t *r, session *from, parcel *p) {
  submission *s = &p->submission;
  if (s->n != from->taken_n + 1 || s->n - from->answered_n > SESSION_WINDOW) {
    session_bye(c, from->connection, COR_LIMIT_REACHED);
    return;
  }
  from->taken_n = s->n;
  r->submissions[r->n_submissions++] = s;
  r->bytes += p->frames.body.len;
  if (from->quarantined) refuse_quarantined(s);
}

static void take_receipts(round_t *r, parcel *p) {
  for (size_t i = 0; i < p->n_receipts; i++)
    r->receipts[r->n_receipts++] = &p->receipts[i];
}

static void take_hello(core *c, round_t *r, session *from, const parcel *p) {
  r->n_hellos++;
  if (from->open)
    session_bye(c, from->connection, COR_BAD_FRAMES);
  else
    session_hello(c, from, p->hello);
}

static void take_frames(core *c, round_t *r, parcel *p) {
  const channel_head *head = &p->mail.head;
  session *from = session_find(c->sessions, head->connection);
  if (!from) from = session_add(c->sessions, head->connection, head->office);
  if (!from || strcmp(from->office, head->office) != 0) {
    session_bye(c, head->connection, COR_LIMIT_REACHED);
    return;
  }
  if (p->epoch != c->gate_epoch) parcel_inspect(p, c->cards, c->gate_epoch, c->memory);
  if (p->code != COR_OK) {
    session_bye(c, from->connection, p->code);
    return;
  }
  if (!from->open && p->frames.command != COR_HELLO) {
    session_bye(c, from->connection, COR_HELLO_EXPECTED);
    return;
  }
  switch (p->frames.command) {
  case COR_HELLO: take_hello(c, r, from, p); break;
  case COR_SEND: take_submission(c, r, from, p); break;
  case COR_RECEIPTS: take_receipts(r, p); break;
  case COR_PING: (void)doorway_send_raw(c->doorway, from->connection, COR_PONG, p->frames.control); break;
  case COR_BYE: session_remove(c->sessions, from->connection); break;
  default: break; /* PONG; cor_frames_check allows no other from an agent */
  }
}

void intake(core *c, round_t *r) {
  parcel *p;
  /* Room is kept for one full RECEIPTS, so that none has to be turned away. */
  while (r->n_mails++ < ROUND_MAILS && r->n_hellos < ROUND_HELLOS && r->n_submissions < ROUND_MAX &&
         r->n_receipts + PARCEL_RECEIPTS_MAX <= ROUND_MAX && r->bytes < ROUND_BYTES &&
         (p = conveyor_take(c->conveyor)) != NULL) {
    p->next = r->parcels;
    r->parcels = p;
    if (p->door_changed) {
      sessions_clear(c->sessions);
      session_tell_door(c);
    } else if (p->mail.head.kind == CHANNEL_MESSAGE) {
      take_frames(c, r, p);
    } else if (p->mail.head.kind == CHANNEL_CLOSED) {
      session_remove(c->sessions, p->mail.head.connection);
    }
  }
  c->metrics[CORE_SESSIONS].value = (int64_t)c->sessions->n;
}

static void add_result(core *c, Corridor__V1__Result *result, Corridor__V1__Refusal *refusal, submission *s) {
  cor_error err = {0};
  corridor__v1__result__init(result);
  result->n = s->n;
  if (s->envelope.header) result->message_id = s->envelope.header->message_id;
  if (s->code == COR_OK) {
    result->receipt = (Corridor__V1__SignedContent *)cor_decode(
        &corridor__v1__signed_content__descriptor, cor_buf_view(&s->receipt), COR_CONTROL_MAX, true, &err);
    if (result->receipt) return;
    COR_LOG(c->log, COR_ALARM, "receipt-unreadable", COR_CODE(err.code));
    s->code = COR_INTERNAL;
  }
  corridor__v1__refusal__init(refusal);
  refusal->code = (uint32_t)s->code;
  refusal->retry = cor_refusal_of(s->code)->retry;
  refusal->field = (char *)(s->field ? s->field : "");
  result->refusal = refusal;
}

static void answer_connection(core *c, round_t *r, size_t first) {
  enum { PER_MESSAGE = 64 }; /* keeps RESULTS under the control frame's bound */
  Corridor__V1__Result list[PER_MESSAGE], *pointers[PER_MESSAGE];
  Corridor__V1__Refusal refusals[PER_MESSAGE];
  session *to = session_find(c->sessions, r->submissions[first]->connection);
  size_t n = 0;
  uint64_t connection = r->submissions[first]->connection;
  for (size_t i = first; i < r->n_submissions && n < PER_MESSAGE; i++) {
    submission *s = r->submissions[i];
    if (s->connection != connection || s->n == 0) continue;
    add_result(c, &list[n], &refusals[n], s);
    pointers[n] = &list[n];
    if (to && s->n > to->answered_n) to->answered_n = s->n;
    s->n = 0; /* answered */
    n++;
  }
  Corridor__V1__Credit credit = CORRIDOR__V1__CREDIT__INIT;
  Corridor__V1__Results results = CORRIDOR__V1__RESULTS__INIT;
  credit.through = to ? to->answered_n : 0;
  credit.window_messages = SESSION_WINDOW;
  credit.window_bytes = SESSION_WINDOW_BYTES;
  results.n_results = n;
  results.results = pointers;
  results.credit = &credit;
  /* Safe to send: round_answer runs after db_commit said COMMIT without a
   * warning; what was not committed carries HUB_UNAVAILABLE, never a receipt. */
  if (to && !doorway_send(c->doorway, connection, COR_RESULTS, &results.base, (cor_bytes){0}))
    session_bye(c, connection, COR_LIMIT_REACHED); /* it asks again on a new connection */
  for (size_t i = 0; i < n; i++)
    cor_message_free((ProtobufCMessage *)list[i].receipt);
}

void round_answer(core *c, round_t *r) {
  for (size_t i = 0; i < r->n_submissions; i++)
    if (r->submissions[i]->n != 0) answer_connection(c, r, i);
}
