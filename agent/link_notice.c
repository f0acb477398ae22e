/* link_notice.c - what the hub's notices change at this office.
 *
 * END_NOTICE ends one of our messages, OBLIGATION_NOTICE moves a deadline,
 * WITHDRAWAL_NOTICE withdraws a consent we relied on, SUSPENSION_NOTICE asks whether
 * a person does, DATA_NOTICE corrects what we received or bids us not to use it (the
 * duty to answer comes as an OBLIGATION_NOTICE beside each). Guarantees: all of it happens in the transaction
 * that keeps the notice, once. "Delivered" is believed only with the recipient's own signed receipt for the
 * very message; a notice whose proof fails is kept and alarmed, and the message stays "admitted". Trusts the
 * notice as verified: the hub's signature, canonical body. */
#include "link_internal.h"

#include "corridor/codec.h"
#include "corridor/id.h"
#include "corridor/refusal.h"

#include <string.h>

static bool is_id(ProtobufCBinaryData field) {
  return field.len == COR_ID_LEN;
}

/* ---- a message of ours ended ---- */

static bool proves_delivery(agent_link *l, const cor_cards *cards, const store_message *ours,
                            cor_bytes proof) {
  cor_error err;
  const cor_card *peer = cor_cards_find(cards, ours->peer);
  Corridor__V1__DeliveryReceipt *receipt = NULL;
  Corridor__V1__SignedContent *in = (Corridor__V1__SignedContent *)cor_decode(
      &corridor__v1__signed_content__descriptor, proof, COR_HEADER_MAX, true, &err);
  if (in == NULL) return false;
  const cor_bytes content = {in->content.data, in->content.len};
  bool ok = peer != NULL && in->signature != NULL &&
            cor_verify(peer->signing, COR_DOMAIN_DELIVERY, ours->peer, 0, content, in->signature, l->memory,
                       &err);
  if (ok)
    receipt = (Corridor__V1__DeliveryReceipt *)cor_decode(&corridor__v1__delivery_receipt__descriptor,
                                                          content, COR_HEADER_MAX, true, &err);
  ok = receipt != NULL && strcmp(receipt->recipient, ours->peer) == 0 &&
       cor_bytes_equal((cor_bytes){receipt->message_id.data, receipt->message_id.len},
                       (cor_bytes){ours->id, COR_ID_LEN}) &&
       cor_bytes_equal((cor_bytes){receipt->header_hash.data, receipt->header_hash.len},
                       (cor_bytes){ours->header_hash, COR_HASH_LEN});
  if (receipt != NULL) cor_message_free(&receipt->base);
  cor_message_free(&in->base);
  return ok;
}

/* End state of the wire -> what happens to the message here. */
static const struct {
  Corridor__V1__EndState state;
  store_out_event event;
  int code; /* when the notice names no reason */
} ends[] = {
    {CORRIDOR__V1__END_STATE__DELIVERED, STORE_OUT_DELIVER, COR_OK},
    {CORRIDOR__V1__END_STATE__STOPPED, STORE_OUT_STOP, COR_CONSENT_WITHDRAWN},
    {CORRIDOR__V1__END_STATE__EXPIRED, STORE_OUT_EXPIRE, COR_EXPIRED},
    {CORRIDOR__V1__END_STATE__UNREADABLE, STORE_OUT_FAIL_OPENING, COR_CANNOT_OPEN},
    {CORRIDOR__V1__END_STATE__CONTENT_REFUSED, STORE_OUT_REFUSE_CONTENT, COR_FORBIDDEN_CONTENT},
    {CORRIDOR__V1__END_STATE__RECIPIENT_GONE, STORE_OUT_STOP, COR_RECIPIENT_UNKNOWN},
};

static bool on_end(agent_link *l, const cor_cards *cards, const Corridor__V1__Header *header,
                   const ProtobufCMessage *message, cor_error *err) {
  const Corridor__V1__EndNotice *notice = (const Corridor__V1__EndNotice *)message;
  const cor_bytes proof = {notice->delivery_receipt.data, notice->delivery_receipt.len};
  store_message ours;
  (void)header;
  if (!is_id(notice->message_id)) return true;
  store_found found = store_message_find(l->a->store, notice->message_id.data, &ours, err);
  if (found != STORE_FOUND || !ours.outgoing) {
    if (found == STORE_FOUND) store_message_clear(&ours);
    return found != STORE_ERROR;
  }
  bool ok = true;
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    if (ends[i].state != notice->state) continue;
    if (ends[i].event == STORE_OUT_DELIVER && !proves_delivery(l, cards, &ours, proof)) {
      COR_LOG(l->a->log, COR_ALARM, "delivery-not-proven", COR_ID("message", ours.id),
              COR_WORD("recipient", ours.peer));
      break;
    }
    const bool reasoned = notice->reason > 0 && notice->reason < 1000;
    store_outcome what = {.event = ends[i].event,
                          .at = notice->at,
                          .receipt = proof,
                          .code = reasoned ? (int)notice->reason : ends[i].code};
    ok = store_out_apply(l->a->store, ours.id, &what, err);
  }
  store_message_clear(&ours);
  return ok;
}

static bool is_known(agent_link *l, ProtobufCBinaryData id, bool *known, cor_error *err) {
  store_message m;
  *known = false;
  if (!is_id(id)) return true;
  const store_found found = store_message_find(l->a->store, id.data, &m, err);
  if (found == STORE_FOUND) store_message_clear(&m);
  *known = found == STORE_FOUND;
  return found != STORE_ERROR;
}

/* The message of the exchange that a notice is about; NULL = none named. A duty may be
 * about one that has not come yet: then the notice that asks for it, which has. */
static bool subject(agent_link *l, const ProtobufCMessage *notice, const ProtobufCBinaryData **out,
                    cor_error *err) {
  *out = NULL;
  if (notice->descriptor == &corridor__v1__end_notice__descriptor)
    *out = &((const Corridor__V1__EndNotice *)notice)->message_id;
  if (notice->descriptor == &corridor__v1__obligation_notice__descriptor) {
    const Corridor__V1__ObligationNotice *duty = (const Corridor__V1__ObligationNotice *)notice;
    bool known;
    if (!is_known(l, duty->about, &known, err)) return false;
    *out = known ? &duty->about : &duty->message_id;
  }
  if (notice->descriptor == &corridor__v1__data_notice__descriptor) {
    const Corridor__V1__DataNotice *data = (const Corridor__V1__DataNotice *)notice;
    if (data->n_message_ids > 0) *out = &data->message_ids[0];
  }
  if (notice->descriptor == &corridor__v1__withdrawal_notice__descriptor) {
    const Corridor__V1__WithdrawalNotice *taken_back = (const Corridor__V1__WithdrawalNotice *)notice;
    if (taken_back->n_message_ids > 0) *out = &taken_back->message_ids[0];
  }
  return true;
}

/* The hub's word on what is about messages that may not have come yet; 0 = none. */
static int said_of(const ProtobufCMessage *notice) {
  Corridor__V1__Compartment said = 0;
  if (notice->descriptor == &corridor__v1__data_notice__descriptor)
    said = ((const Corridor__V1__DataNotice *)notice)->compartment;
  if (notice->descriptor == &corridor__v1__withdrawal_notice__descriptor)
    said = ((const Corridor__V1__WithdrawalNotice *)notice)->compartment;
  return said == COR_C(HEALTH) || said == COR_C(PROTECTION) ? (int)said : 0;
}

/* Where news of this message belongs: with it if it is restricted, else RECORD. */
static bool filed_with(agent_link *l, const ProtobufCBinaryData *id, int *compartment, cor_error *err) {
  store_message m;
  *compartment = COR_C(RECORD);
  if (id == NULL || !is_id(*id)) return true;
  store_found found = store_message_find(l->a->store, id->data, &m, err);
  if (found != STORE_FOUND) return found == STORE_ABSENT;
  if (COR_BIT(m.compartment) & COR_RESTRICTED) *compartment = m.compartment;
  store_message_clear(&m);
  return true;
}

store_taken link_notice_put(agent_link *l, const ProtobufCMessage *notice, store_message *as,
                            uint64_t sequence, cor_buf *receipt, cor_error *err) {
  const ProtobufCBinaryData *about;
  store_found of_part = STORE_ABSENT;
  if (!subject(l, notice, &about, err) || !filed_with(l, about, &as->compartment, err))
    return STORE_TAKE_ERROR;
  if (said_of(notice) != 0) as->compartment = said_of(notice);
  if (notice->descriptor == &corridor__v1__end_notice__descriptor && is_id(*about))
    of_part = store_part_sent(l->a->store, about->data, err);
  switch (of_part) {
  case STORE_FOUND: return store_unlisted_put(l->a->store, as, sequence, receipt, err);
  case STORE_ABSENT: return store_in_put(l->a->store, as, sequence, receipt, err);
  default: return STORE_TAKE_ERROR;
  }
}

/* ---- a deadline ---- */

static bool note_duty(agent_link *l, const store_due *due, const char *word, int compartment,
                      cor_error *err) {
  const cor_duty_row *row = cor_duty_find((cor_duty)due->kind);
  store_event event = {.event = word,
                       .at = due->at,
                       .compartment = compartment,
                       .type = COR_T(OBLIGATION_NOTICE),
                       .peer = due->responsible,
                       .detail = row == NULL ? "" : row->name};
  memcpy(event.handle, due->handle, COR_ID_LEN);
  memcpy(event.message_id, due->message_id, COR_ID_LEN);
  return store_event_put(l->a->store, &event, err);
}

static const char *const duty_words[] = {[CORRIDOR__V1__OBLIGATION_STATE__OPEN] = "due-opened",
                                         [CORRIDOR__V1__OBLIGATION_STATE__MET] = "due-met",
                                         [CORRIDOR__V1__OBLIGATION_STATE__MET_LATE] = "due-met-late",
                                         [CORRIDOR__V1__OBLIGATION_STATE__OVERDUE] = "due-overdue",
                                         [CORRIDOR__V1__OBLIGATION_STATE__ESCALATED] = "due-escalated",
                                         [CORRIDOR__V1__OBLIGATION_STATE__WAIVED] = "due-waived"};

static bool on_obligation(agent_link *l, const cor_cards *cards, const Corridor__V1__Header *header,
                          const ProtobufCMessage *message, cor_error *err) {
  const Corridor__V1__ObligationNotice *notice = (const Corridor__V1__ObligationNotice *)message;
  (void)cards;
  const size_t state = (size_t)notice->state;
  if (!is_id(notice->obligation_id) || !is_id(notice->message_id) || notice->kind == 0 ||
      notice->kind >= COR_DUTY_COUNT || state == 0 || state >= sizeof duty_words / sizeof *duty_words ||
      !cor_office_valid(notice->responsible)) {
    COR_LOG(l->a->log, COR_WARN, "obligation-not-understood", COR_NUM("kind", notice->kind));
    return true;
  }
  store_due due = {.kind = (int)notice->kind,
                   .state = (int)notice->state,
                   .level = notice->level,
                   .opened_at = notice->opened_at,
                   .due_at = notice->due_at,
                   .at = notice->at};
  memcpy(due.id, notice->obligation_id.data, COR_ID_LEN);
  const ProtobufCBinaryData *about; /* what the list is filtered by */
  int compartment;
  if (!subject(l, message, &about, err)) return false;
  memcpy(due.message_id, about->data, COR_ID_LEN);
  memcpy(due.handle, header->handle.data, COR_ID_LEN);
  memcpy(due.responsible, notice->responsible, strlen(notice->responsible) + 1);
  return filed_with(l, about, &compartment, err) && store_due_put(l->a->store, &due, err) &&
         note_duty(l, &due, duty_words[state], compartment, err);
}

/* ---- a consent withdrawn ---- */

static bool forget_consent(agent_link *l, const uint8_t *handle, const uint8_t *consent, cor_error *err) {
  store_case c;
  store_found found = store_case_get(l->a->store, handle, &c, err);
  if (found != STORE_FOUND) return found == STORE_ABSENT;
  if (consent == NULL) c.withdrawn = true;
  if (consent == NULL || memcmp(c.last_consent, consent, COR_ID_LEN) == 0) c.has_last_consent = false;
  return store_case_put(l->a->store, &c, err);
}

static bool on_withdrawal(agent_link *l, const cor_cards *cards, const Corridor__V1__Header *header,
                          const ProtobufCMessage *message, cor_error *err) {
  const Corridor__V1__WithdrawalNotice *notice = (const Corridor__V1__WithdrawalNotice *)message;
  const uint8_t *handle = header->handle.data;
  const uint8_t *consent = is_id(notice->consent_id) ? notice->consent_id.data : NULL;
  /* What was told without consent and should not have been: nothing is withdrawn. Of a
   * part the hub's gate knows how far it goes; the rest stands. */
  if (notice->not_upheld != 0 || notice->part) return link_erasure_again(l, cards, header, notice, err);
  return forget_consent(l, handle, consent, err) &&
         store_consent_withdraw(l->a->store, handle, consent, notice->withdrawn_at, err) &&
         link_erasure_again(l, cards, header, notice, err);
}

/* ---- does this person withdraw? ---- */

/* The origin mission is asked in place of a host whose card is gone, perhaps before it
 * ever had a message of the case: it must be able to name the case in its answer. */
static bool on_suspension(agent_link *l, const cor_cards *cards, const Corridor__V1__Header *header,
                          const ProtobufCMessage *message, cor_error *err) {
  store_case c = {.kind = COR_HANDLE_CASE, .since = header->sent_at, .last_type = COR_T(SUSPENSION_NOTICE)};
  store_case known;
  (void)cards, (void)message;
  store_found found = store_case_get(l->a->store, header->handle.data, &known, err);
  if (found != STORE_ABSENT) return found == STORE_FOUND;
  memcpy(c.handle, header->handle.data, COR_ID_LEN);
  memcpy(c.case_handle, header->handle.data, COR_ID_LEN);
  return store_case_put(l->a->store, &c, err);
}

/* ---- corrected, or not to be used ---- */

static bool on_data(agent_link *l, const cor_cards *cards, const Corridor__V1__Header *header,
                    const ProtobufCMessage *message, cor_error *err) {
  const Corridor__V1__DataNotice *notice = (const Corridor__V1__DataNotice *)message;
  bool ok = true;
  (void)cards, (void)header;
  for (size_t i = 0; ok && i < notice->n_message_ids; i++) {
    if (!is_id(notice->message_ids[i])) continue;
    const uint8_t *id = notice->message_ids[i].data;
    switch (notice->action) {
    case CORRIDOR__V1__DATA_ACTION__RECTIFIED:
      ok = !is_id(notice->replacement_id) ||
           store_note_replaced(l->a->store, id, notice->replacement_id.data, err);
      break;
    case CORRIDOR__V1__DATA_ACTION__RESTRICTED:
      ok = store_note_restricted(l->a->store, id, notice->asked_at, true, err);
      break;
    case CORRIDOR__V1__DATA_ACTION__RESTRICTION_LIFTED:
      ok = store_note_restricted(l->a->store, id, notice->asked_at, false, err);
      break;
    default: break; /* a newer hub's: the notice itself stands in the inbox */
    }
  }
  return ok;
}

static const struct {
  Corridor__V1__MessageType type;
  bool (*apply)(agent_link *, const cor_cards *, const Corridor__V1__Header *, const ProtobufCMessage *,
                cor_error *);
} notices[] = {{COR_T(END_NOTICE), on_end},
               {COR_T(OBLIGATION_NOTICE), on_obligation},
               {COR_T(WITHDRAWAL_NOTICE), on_withdrawal},
               {COR_T(SUSPENSION_NOTICE), on_suspension},
               {COR_T(DATA_NOTICE), on_data}};

bool link_notice_apply(agent_link *l, const cor_cards *cards, const Corridor__V1__Header *header,
                       const ProtobufCMessage *notice, cor_error *err) {
  for (size_t i = 0; i < sizeof notices / sizeof *notices; i++)
    if (notices[i].type == header->type) return notices[i].apply(l, cards, header, notice, err);
  return true;
}
