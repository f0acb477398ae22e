/* link_send.c - submissions: the outbox goes out in order, the hub's answers
 * settle it.
 *
 * Guarantees: a message stays queued until an admission receipt that verifies
 * for its own bytes, or a refusal, is on disk; losing the session loses nothing,
 * because the same bytes are submitted again and the hub answers them with the
 * first receipt (dedupe). Of all parts of attachments one is under way at a time:
 * libzmq keeps what it was given in order, so that is how long an urgent message may
 * have to wait on a slow line, and all that a cut can lose. A refusal is final unless the hub says "retry"
 * and the cause is the session or the hub rather than the message. */
#include "link_internal.h"

#include "corridor/codec.h"
#include "corridor/refusal.h"
#include "link.h"
#include "open.h"

#include <string.h>

enum { POSTPONE_FIRST_MS = 250, POSTPONE_MAX_MS = 30000, SUSPENDED_MAX_MS = 300000, LOOK_MS = 1000 };

static cor_bytes view(ProtobufCBinaryData field) {
  return (cor_bytes){field.data, field.len};
}

/* ---- out ---- */

static bool submit_one(agent_link *l, const store_message *m, cor_error *err) {
  Corridor__V1__Submission submission = CORRIDOR__V1__SUBMISSION__INIT;
  submission.n = l->next_n;
  submission.envelope = (Corridor__V1__Envelope *)cor_decode(
      &corridor__v1__envelope__descriptor, cor_buf_view(&m->envelope), COR_CONTROL_MAX, false, err);
  if (submission.envelope == NULL) return false;
  bool ok = link_socket_send(l, COR_SEND, &submission.base, cor_buf_view(&m->body), err);
  cor_message_free(&submission.envelope->base);
  if (!ok) return false;
  link_flight *flight = &l->flight[l->n_flight++];
  *flight = (link_flight){.n = l->next_n++,
                          .row = m->n,
                          .type = m->type,
                          .compartment = m->compartment,
                          .is_part = m->is_part,
                          .bytes = m->body.len};
  memcpy(flight->id, m->id, COR_ID_LEN);
  memcpy(flight->header_hash, m->header_hash, COR_HASH_LEN);
  l->flight_bytes += flight->bytes;
  link_count_message(l, LINK_SUBMITTED, m->compartment);
  COR_LOG(l->a->log, COR_DEBUG, "submitted", COR_ID("message", m->id), COR_NUM("n", flight->n));
  return true;
}

static store_found next_queued(agent_link *l, store_message *out, cor_error *err) {
  int64_t busy[LINK_FLIGHT_MAX];
  for (size_t i = 0; i < l->n_flight; i++)
    busy[i] = l->flight[i].row;
  if (!store_begin(l->a->store, err)) return STORE_ERROR;
  store_found found = store_out_next(l->a->store, busy, l->n_flight, cor_clock_monotonic_ms(), out, err);
  store_rollback(l->a->store);
  return found;
}

/* One body may always go, however small the hub's byte window. */
static bool may_go(const agent_link *l, const store_message *m) {
  for (size_t i = 0; m->is_part && i < l->n_flight; i++)
    if (l->flight[i].is_part) return false;
  return l->n_flight == 0 || l->flight_bytes + m->body.len <= l->window_bytes;
}

bool link_submit(agent_link *l, cor_error *err) {
  while (l->n_flight < l->window_messages) {
    store_message m;
    store_found found = next_queued(l, &m, err);
    if (found == STORE_ABSENT) l->look_at = cor_clock_monotonic_ms() + LOOK_MS;
    if (found != STORE_FOUND) return found == STORE_ABSENT;
    const bool fits = may_go(l, &m);
    const bool ok = !fits || submit_one(l, &m, err);
    store_message_clear(&m);
    if (!fits) l->look_at = cor_clock_monotonic_ms() + LOOK_MS;
    if (!fits || !ok) return ok;
  }
  return true;
}

/* ---- answers ---- */

static link_flight *in_flight(agent_link *l, uint64_t n) {
  for (size_t i = 0; i < l->n_flight; i++)
    if (l->flight[i].n == n) return &l->flight[i];
  return NULL;
}

static void landed(agent_link *l, link_flight *flight) {
  l->flight_bytes -= flight->bytes;
  *flight = l->flight[--l->n_flight];
}

/* The receipt must be the hub's, about these very bytes of ours. */
static Corridor__V1__AdmissionReceipt *checked_receipt(agent_link *l, const Corridor__V1__SignedContent *in,
                                                       const link_flight *flight, cor_error *err) {
  const cor_cards *cards = roster_hold(l->a->roster);
  const cor_card *hub = cor_cards_hub(cards);
  bool ok = hub != NULL
                ? in->signature != NULL && cor_verify(hub->signing, COR_DOMAIN_RECEIPT, "hub", 0,
                                                      view(in->content), in->signature, l->memory, err)
                : cor_fail(err, COR_UNKNOWN_OFFICE, "hub", "the card list names no hub");
  roster_release(l->a->roster);
  if (!ok) return NULL;
  Corridor__V1__AdmissionReceipt *receipt = (Corridor__V1__AdmissionReceipt *)cor_decode(
      &corridor__v1__admission_receipt__descriptor, view(in->content), COR_HEADER_MAX, true, err);
  if (receipt == NULL) return NULL;
  ok = cor_bytes_equal(view(receipt->message_id), (cor_bytes){flight->id, COR_ID_LEN}) &&
       cor_bytes_equal(view(receipt->header_hash), (cor_bytes){flight->header_hash, COR_HASH_LEN}) &&
       strcmp(receipt->sender, l->a->office.id) == 0;
  if (ok) return receipt;
  (void)cor_fail(err, COR_BAD_SIGNATURE, "receipt",
                 "the hub's receipt is about another message; it stays queued");
  cor_message_free(&receipt->base);
  return NULL;
}

/* A withdrawal that this office confirmed counts here as one of its own, but not before
 * the hub has taken the answer: the question may have had another in the meantime, and
 * then the case goes on. */
static bool take_back(agent_link *l, const link_flight *flight, int64_t at, cor_error *err) {
  store_message m;
  if (flight->type != COR_T(SUSPENSION_ANSWER)) return true;
  store_found found = store_message_find(l->a->store, flight->id, &m, err);
  if (found != STORE_FOUND) return found == STORE_ABSENT;
  Corridor__V1__SuspensionAnswer *answer = (Corridor__V1__SuspensionAnswer *)cor_decode(
      &corridor__v1__suspension_answer__descriptor, cor_buf_view(&m.body), COR_CONTROL_MAX, true, err);
  const bool confirmed = answer != NULL && answer->outcome == CORRIDOR__V1__SUSPENSION_OUTCOME__CONFIRMED;
  const bool ok = answer != NULL &&
                  (!confirmed || store_consent_withdraw(l->a->store, m.case_handle, NULL, at, err));
  cor_message_free((ProtobufCMessage *)answer);
  store_message_clear(&m);
  return ok;
}

static bool admitted(agent_link *l, const Corridor__V1__Result *result, const link_flight *flight,
                     cor_error *err) {
  Corridor__V1__AdmissionReceipt *receipt = checked_receipt(l, result->receipt, flight, err);
  cor_buf bytes = {NULL, 0};
  if (receipt == NULL) {
    COR_LOG(l->a->log, COR_ALARM, "receipt-does-not-verify", COR_ID("message", flight->id));
    return false;
  }
  store_outcome what = {.event = STORE_OUT_ADMIT, .at = receipt->admitted_at, .late = receipt->late};
  bool ok = cor_encode(&result->receipt->base, &bytes, err);
  what.receipt = cor_buf_view(&bytes);
  ok = ok && store_out_apply(l->a->store, flight->id, &what, err) &&
       take_back(l, flight, receipt->admitted_at, err);
  cor_buf_clear(&bytes);
  cor_message_free(&receipt->base);
  if (ok) link_count_message(l, LINK_ADMITTED, flight->compartment);
  return ok;
}

/* Causes that lie in the session or the hub, or in a question that is being asked:
 * the same bytes may do later. */
static bool passes_by_itself(int code) {
  static const int codes[] = {COR_HUB_UNAVAILABLE,   COR_GOING_DOWN,      COR_LIMIT_REACHED,
                              COR_CARD_LIST_EXPIRED, COR_CLOCK_SKEW,      COR_CARD_SUSPENDED,
                              COR_SESSION_FENCED,    COR_STORE_REGRESSED, COR_CASE_SUSPENDED};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (codes[i] == code) return true;
  return false;
}

static bool postpone(agent_link *l, const link_flight *flight, int code, cor_error *err) {
  int64_t attempts;
  if (!store_out_attempts(l->a->store, flight->id, &attempts, err)) return false;
  /* A suspension lasts hours; each try is a refusal in the hub's log. */
  const int64_t limit = code == COR_CASE_SUSPENDED ? SUSPENDED_MAX_MS : POSTPONE_MAX_MS;
  int64_t most = POSTPONE_FIRST_MS << (attempts < 11 ? attempts : 11);
  if (most > limit) most = limit;
  uint32_t dice;
  cor_random((uint8_t *)&dice, sizeof dice);
  const int64_t wait = most / 2 + (int64_t)(dice % (uint32_t)(most / 2));
  link_count_message(l, LINK_POSTPONED, flight->compartment);
  l->look_at = cor_clock_monotonic_ms() + wait;
  return store_out_postpone(l->a->store, flight->id, code, l->look_at, err);
}

static bool refused(agent_link *l, const Corridor__V1__Refusal *refusal, const link_flight *flight,
                    cor_error *err) {
  const int code = refusal->code > 0 && refusal->code < 1000 ? (int)refusal->code : COR_INTERNAL;
  if (refusal->retry && passes_by_itself(code)) return postpone(l, flight, code, err);
  store_outcome what = {.event = STORE_OUT_REFUSE, .code = code, .at = cor_clock_now(l->a->clock)};
  link_count_message(l, LINK_REFUSED, flight->compartment);
  return store_out_apply(l->a->store, flight->id, &what, err);
}

static bool settle(agent_link *l, const Corridor__V1__Result *result, cor_error *err) {
  const link_flight *flight = in_flight(l, result->n);
  if (flight == NULL || !cor_bytes_equal(view(result->message_id), (cor_bytes){flight->id, COR_ID_LEN}))
    return cor_fail(err, COR_BAD_INPUT, "results.n", "the hub answered a message that was not asked");
  if (result->receipt != NULL) return admitted(l, result, flight, err);
  if (result->refusal != NULL) return refused(l, result->refusal, flight, err);
  return cor_fail(err, COR_BAD_INPUT, "results", "an answer is neither receipt nor refusal");
}

bool link_on_results(agent_link *l, const cor_frames *frames, cor_error *err) {
  Corridor__V1__Results *results = (Corridor__V1__Results *)cor_decode(
      &corridor__v1__results__descriptor, frames->control, COR_CONTROL_MAX, false, err);
  if (results == NULL) return false;
  bool ok = store_begin(l->a->store, err);
  if (ok) {
    for (size_t i = 0; ok && i < results->n_results; i++)
      ok = settle(l, results->results[i], err);
    if (ok)
      ok = store_commit(l->a->store, err);
    else
      store_rollback(l->a->store);
  }
  if (ok) {
    /* On disk: only now may they leave the window and their successors go. */
    for (size_t i = 0; i < results->n_results; i++) {
      link_flight *flight = in_flight(l, results->results[i]->n);
      if (flight != NULL) landed(l, flight);
    }
    if (results->credit != NULL && results->credit->window_messages > 0) {
      l->window_messages = results->credit->window_messages < LINK_FLIGHT_MAX
                               ? results->credit->window_messages
                               : LINK_FLIGHT_MAX;
      l->window_bytes = results->credit->window_bytes < LINK_FLIGHT_BYTES ? results->credit->window_bytes
                                                                          : LINK_FLIGHT_BYTES;
    }
    store_announce(l->a->store);
  }
  cor_message_free(&results->base);
  return ok;
}
