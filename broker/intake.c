/* intake.c - from frames to verified submissions.
 *
 * For: everything that can be judged without the database: frames, canonical
 * bytes, digests, signatures, the office behind the connection. Guarantees:
 * bounded work and memory per round; nothing past here sees undecoded input. A
 * submission refused here is answered like any other; a connection that breaks
 * the framing or the numbering is told why and cut. Trusts the door for nothing
 * but which connection a frame came from and its office id. */
#include "intake.h"
#include "corridor/codec.h"
#include "corridor/frames.h"
#include "corridor/refusal.h"
#include "records.h"
#include <stdlib.h>
#include <string.h>

void round_begin(round_t *r) {
  if (!r->submissions) r->submissions = calloc(ROUND_MAX, sizeof *r->submissions);
  if (!r->receipts) r->receipts = calloc(ROUND_MAX, sizeof *r->receipts);
  if (!r->submissions || !r->receipts) abort();
  r->n_submissions = r->n_receipts = r->bytes = r->n_mails = r->n_hellos = 0;
}

static void submission_clear(submission *s) {
  cor_envelope_clear(&s->envelope);
  cor_message_free((ProtobufCMessage *)s->wire);
  cor_message_free(s->record);
  cor_buf_clear(&s->receipt);
  doorway_mail_close(&s->mail);
  *s = (submission){0};
}

void round_clear(round_t *r) {
  for (size_t i = 0; i < r->n_submissions; i++)
    submission_clear(&r->submissions[i]);
  for (size_t i = 0; i < r->n_receipts; i++) {
    cor_message_free((ProtobufCMessage *)r->receipts[i].content);
    cor_buf_clear(&r->receipts[i].bytes);
  }
  r->n_submissions = r->n_receipts = r->bytes = r->n_mails = r->n_hellos = 0;
}

static void refuse(submission *s, const cor_error *err) {
  s->code = err->code;
  snprintf(s->field_text, sizeof s->field_text, "%s", err->path);
  s->field = s->field_text;
  s->settled = true;
}

/* Decode, digest, signature: in this order, cheapest first. */
static void judge(core *c, submission *s, const char *office, cor_bytes body) {
  cor_error err = {0};
  if (!s->wire->envelope) {
    (void)cor_fail(&err, COR_BAD_INPUT, "envelope", "a submission carries an envelope");
    refuse(s, &err);
    return;
  }
  if (!c->cards) {
    (void)cor_fail(&err, COR_CARD_LIST_EXPIRED, "", "the hub has no card list yet");
    refuse(s, &err);
    return;
  }
  if (!cor_envelope_read(s->wire->envelope, body, &s->envelope, &err) ||
      !cor_envelope_verify(&s->envelope, c->cards, office, c->memory, &err)) {
    refuse(s, &err);
    return;
  }
  s->verified = true; /* from here on a refusal is logged, with what the item names */
  s->item = (facts_item){.header = s->envelope.header, .cover = s->envelope.cover};
  if (cor_sop_find(s->envelope.header->type)->needs_cover && !s->envelope.cover) {
    (void)cor_fail(&err, COR_MISSING_FIELD, "cover",
                   "an offer names its case and consent in a cover for the hub");
    refuse(s, &err);
    return;
  }
  if (strcmp(s->envelope.header->recipient, "hub") == 0 && !record_read(&s->envelope, &s->record, &err)) {
    refuse(s, &err);
    return;
  }
}

static void take_submission(core *c, round_t *r, session *from, doorway_mail *mail,
                            const cor_frames *frames) {
  cor_error err = {0};
  Corridor__V1__Submission *wire = (Corridor__V1__Submission *)cor_decode(
      &corridor__v1__submission__descriptor, frames->control, COR_CONTROL_MAX, false, &err);
  if (!wire || wire->n != from->taken_n + 1 || wire->n - from->answered_n > SESSION_WINDOW) {
    cor_message_free((ProtobufCMessage *)wire);
    session_bye(c, from->connection, wire ? COR_LIMIT_REACHED : err.code);
    return;
  }
  from->taken_n = wire->n;
  submission *s = &r->submissions[r->n_submissions++];
  *s = (submission){.connection = from->connection, .n = wire->n, .wire = wire, .field = ""};
  s->mail = *mail;
  mail->n = 0; /* moved */
  r->bytes += frames->body.len;
  if (from->quarantined) {
    (void)cor_fail(&err, COR_STORE_REGRESSED, "", "the office's store went backwards; see its status");
    refuse(s, &err);
    return;
  }
  judge(c, s, from->office, (cor_bytes){zmq_msg_data(&s->mail.parts[2]), zmq_msg_size(&s->mail.parts[2])});
}

static bool take_receipt(core *c, round_t *r, const session *from,
                         const Corridor__V1__SignedContent *signed_content) {
  cor_error err = {0};
  const cor_card *card = c->cards ? cor_cards_find(c->cards, from->office) : NULL;
  cor_bytes content = {signed_content->content.data, signed_content->content.len};
  delivery_receipt *d = &r->receipts[r->n_receipts];
  *d = (delivery_receipt){.connection = from->connection};
  if (!card || !signed_content->signature ||
      !cor_verify(card->signing, COR_DOMAIN_DELIVERY, from->office, 0, content, signed_content->signature,
                  c->memory, &err))
    return false;
  d->content = (Corridor__V1__DeliveryReceipt *)cor_decode(&corridor__v1__delivery_receipt__descriptor,
                                                           content, COR_HEADER_MAX, true, &err);
  if (!d->content || strcmp(d->content->recipient, from->office) != 0 ||
      !cor_encode(&signed_content->base, &d->bytes, &err)) {
    cor_message_free((ProtobufCMessage *)d->content);
    return false;
  }
  snprintf(d->office, sizeof d->office, "%s", from->office);
  r->n_receipts++;
  return true;
}

/* A receipt that does not verify is a fault of the agent, not of the message:
 * the connection ends, the delivery stays claimed until its lease runs out. */
static void take_receipts(core *c, round_t *r, session *from, const cor_frames *frames) {
  cor_error err = {0};
  Corridor__V1__Receipts *all = (Corridor__V1__Receipts *)cor_decode(
      &corridor__v1__receipts__descriptor, frames->control, COR_CONTROL_MAX, false, &err);
  bool ok = all && all->n_receipts <= ROUND_MAX - r->n_receipts;
  for (size_t i = 0; ok && i < all->n_receipts; i++)
    ok = take_receipt(c, r, from, all->receipts[i]);
  cor_message_free((ProtobufCMessage *)all);
  if (!ok) session_bye(c, from->connection, COR_BAD_SIGNATURE);
}

static void take_hello(core *c, session *from, const cor_frames *frames) {
  cor_error err = {0};
  Corridor__V1__Hello *hello = (Corridor__V1__Hello *)cor_decode(
      &corridor__v1__hello__descriptor, frames->control, COR_CONTROL_MAX, false, &err);
  if (!hello || from->open)
    session_bye(c, from->connection, hello ? COR_BAD_FRAMES : err.code);
  else
    session_hello(c, from, hello);
  cor_message_free((ProtobufCMessage *)hello);
}

static void take_frames(core *c, round_t *r, doorway_mail *mail) {
  cor_error err = {0};
  cor_frames frames;
  cor_bytes parts[COR_FRAMES_MAX];
  session *from = session_find(c->sessions, mail->head.connection);
  if (!from) from = session_add(c->sessions, mail->head.connection, mail->head.office);
  if (!from || strcmp(from->office, mail->head.office) != 0) {
    session_bye(c, mail->head.connection, COR_LIMIT_REACHED);
    return;
  }
  for (size_t i = 0; i < mail->n; i++)
    parts[i] = (cor_bytes){zmq_msg_data(&mail->parts[i]), zmq_msg_size(&mail->parts[i])};
  if (!cor_frames_check(parts, mail->n, true, &frames, &err)) {
    session_bye(c, from->connection, err.code);
    return;
  }
  if (!from->open && frames.command != COR_HELLO) {
    session_bye(c, from->connection, COR_HELLO_EXPECTED);
    return;
  }
  switch (frames.command) {
  case COR_HELLO:
    r->n_hellos++;
    take_hello(c, from, &frames);
    break;
  case COR_SEND: take_submission(c, r, from, mail, &frames); break;
  case COR_RECEIPTS: take_receipts(c, r, from, &frames); break;
  case COR_PING: (void)doorway_send_raw(c->doorway, from->connection, COR_PONG, frames.control); break;
  case COR_BYE: session_remove(c->sessions, from->connection); break;
  default: break; /* PONG; cor_frames_check allows no other from an agent */
  }
}

void intake(core *c, round_t *r) {
  doorway_mail mail = {0};
  bool door_changed;
  /* Room is kept for one full RECEIPTS, so that none has to be turned away. */
  while (r->n_mails++ < ROUND_MAILS && r->n_hellos < ROUND_HELLOS && r->n_submissions < ROUND_MAX &&
         r->n_receipts < ROUND_MAX - SESSION_WINDOW / 2 && r->bytes < ROUND_BYTES &&
         doorway_take(c->doorway, &mail, &door_changed)) {
    if (door_changed) {
      sessions_clear(c->sessions);
      session_tell_door(c);
    }
    if (mail.head.kind == CHANNEL_MESSAGE)
      take_frames(c, r, &mail);
    else if (mail.head.kind == CHANNEL_CLOSED)
      session_remove(c->sessions, mail.head.connection);
    doorway_mail_close(&mail);
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
  session *to = session_find(c->sessions, r->submissions[first].connection);
  size_t n = 0;
  uint64_t connection = r->submissions[first].connection;
  for (size_t i = first; i < r->n_submissions && n < PER_MESSAGE; i++) {
    submission *s = &r->submissions[i];
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
    if (r->submissions[i].n != 0) answer_connection(c, r, i);
}
