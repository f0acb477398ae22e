/* hear.c - what the hub says to the offices, and what they make of it.
 *
 * For: replay.c. Guarantees: a result belongs to what was sent; a delivery is,
 * header and body byte for byte, what was sent to this very office; an end notice
 * says "delivered" and a duty is open or met in time, never anything else; what
 * rests on an event is released by it and not before. Fatal: everything else the
 * hub could say. */
#include "corridor/codec.h"
#include "corridor/envelope.h"
#include "corridor/refusal.h"
#include "replay_internal.h"
#include <string.h>

static party *party_of(replay *r, const member *m) {
  return &r->parties[m - r->all->members];
}

/* ---- what may go next ---- */

void replay_release(replay *r, letter *l) {
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
  if (l->next && !after_receipt(l)) replay_release(r, l->next);
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

bool replay_receipt(replay *r, party *p, cor_error *err) {
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
    if (after_receipt(list[i])) replay_release(r, list[i]->next);
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

/* Nothing in the plan fails, so nothing else may be told. */
static bool end_is_good(const replay *r, const cor_bytes *body) {
  bool fresh, ok = false;
  Corridor__V1__EndNotice *end = corridor__v1__end_notice__unpack(NULL, body->len, body->data);
  if (end && end->message_id.len == COR_ID_LEN) {
    letter *const *of = ids_at(r->ids, end->message_id.data, &fresh);
    ok = end->state == CORRIDOR__V1__END_STATE__DELIVERED && *of && (*of)->delivered;
  }
  if (end) corridor__v1__end_notice__free_unpacked(end, NULL);
  return ok;
}

static bool duty_is_good(const cor_bytes *body) {
  Corridor__V1__ObligationNotice *duty = corridor__v1__obligation_notice__unpack(NULL, body->len, body->data);
  bool ok = duty && (duty->state == CORRIDOR__V1__OBLIGATION_STATE__OPEN ||
                     duty->state == CORRIDOR__V1__OBLIGATION_STATE__MET);
  if (duty) corridor__v1__obligation_notice__free_unpacked(duty, NULL);
  return ok;
}

static bool count_notice(replay *r, const party *p, Corridor__V1__MessageType type, bool fresh,
                         cor_bytes body, cor_error *err) {
  bool end = type == COR_T(END_NOTICE);
  uint64_t *count = end ? &r->counts->end_notices : &r->counts->obligation_notices;
  *(fresh ? count : &r->counts->again) += 1;
  if (end ? end_is_good(r, &body) : type == COR_T(OBLIGATION_NOTICE) && duty_is_good(&body)) return true;
  return unexpected(err, p,
                    end ? "a message that ended otherwise than delivered" : "a duty not kept in time");
}

/* What the hub told: a notice by its id, or a bundle by the ids of what is in it. */
static bool count_told(replay *r, const party *p, Corridor__V1__MessageType type, bool fresh, cor_bytes body,
                       cor_error *err) {
  if (type != COR_T(NOTICE_BUNDLE)) return count_notice(r, p, type, fresh, body, err);
  Corridor__V1__NoticeBundle *bundle = corridor__v1__notice_bundle__unpack(NULL, body.len, body.data);
  bool ok = bundle != NULL || unexpected(err, p, "a bundle that does not parse");
  r->counts->bundles += fresh;
  for (size_t i = 0; ok && i < bundle->n_notices; i++) {
    const Corridor__V1__BundledNotice *one = bundle->notices[i];
    bool new_to_us;
    ok = one->notice_id.len == COR_ID_LEN || unexpected(err, p, "a notice without an id");
    if (!ok) break;
    (void)ids_at(r->ids, one->notice_id.data, &new_to_us);
    if (new_to_us)
      *(one->type == COR_T(END_NOTICE) ? &r->counts->bundled_ends : &r->counts->bundled_obligations) += 1;
    ok = count_notice(r, p, one->type, new_to_us, cor_bytes_of(one->body), err);
  }
  if (bundle) corridor__v1__notice_bundle__free_unpacked(bundle, NULL);
  return ok;
}

static bool count_delivery(replay *r, party *p, const Corridor__V1__Header *h,
                           const Corridor__V1__Delivery *delivery, cor_bytes body, letter **of,
                           cor_error *err) {
  bool fresh;
  letter **at = ids_at(r->ids, h->message_id.data, &fresh);
  *of = NULL;
  if (strcmp(h->sender, "hub") == 0) return count_told(r, p, h->type, fresh, body, err);
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
       (p->n_owed < PARTY_RECEIPTS || replay_receipt(r, p, err));
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

bool replay_hear(replay *r, party *p, cor_error *err) {
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
