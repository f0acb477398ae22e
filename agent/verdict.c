/* verdict.c - what follows from having opened a message.
 *
 * Guarantees: that it was opened, and by whom, is on disk and on its way to the hub
 * before a byte is shown; what fails is quarantined once, and the hub told in the same
 * transaction, who tells the sender; what was good once is not declared bad later. */
#include "verdict.h"
#include "access.h"
#include "compose.h"
#include "link.h"

#include "corridor/id.h"
#include "corridor/refusal.h"

#include <stdio.h>
#include <string.h>

/* An opened case file tells which printed number its handle belongs to: keep the
 * number's hash, so that people here can name the case by it. The first word
 * stands: no later file moves a number to another person's handle, or a case of
 * our own to another number. */
static bool learn_case(agent *a, const store_message *m, const ProtobufCMessage *body, cor_error *err) {
  const Corridor__V1__CaseFileCasework *file = (const Corridor__V1__CaseFileCasework *)body;
  char reference[COR_REFERENCE_TEXT];
  store_case c;
  if (body->descriptor != &corridor__v1__case_file_casework__descriptor || m->outgoing) return true;
  store_found found = store_case_get(a->store, m->handle, &c, err);
  if (found != STORE_FOUND) return found == STORE_ABSENT;
  if (!cor_reference_parse(file->case_ref, reference)) return true;
  uint8_t hash[COR_HASH_LEN];
  cor_reference_hash(reference, hash);
  if (c.own || c.has_reference) {
    if (!c.has_reference || memcmp(hash, c.reference_hash, sizeof hash) != 0)
      COR_LOG(a->log, COR_ALARM, "reference-not-believed", COR_ID("message", m->id),
              COR_WORD("sender", m->peer));
    return true;
  }
  memcpy(c.reference_hash, hash, sizeof hash);
  c.has_reference = true;
  snprintf(c.programme, sizeof c.programme, "%s", file->programme);
  return store_case_put(a->store, &c, err);
}

bool verdict_note(agent *a, const store_message *m, const char *word, const char *detail, cor_error *err) {
  store_event event = {.event = word,
                       .at = cor_clock_now(a->clock),
                       .type = m->type,
                       .compartment = m->compartment,
                       .outgoing = m->outgoing,
                       .peer = m->peer,
                       .detail = detail};
  memcpy(event.handle, m->handle, COR_ID_LEN);
  memcpy(event.message_id, m->id, COR_ID_LEN);
  return store_event_put(a->store, &event, err);
}

/* The opening is on disk, and the hub will hear of it, before a byte is shown. */
bool verdict_good(agent *a, const store_message *m, const cor_holder *holder, int64_t recovered_at,
                  const ProtobufCMessage *body, cor_error *err) {
  if (!store_begin(a->store, err)) return false;
  if (verdict_note(a, m, "opened", holder->user, err) &&
      (m->outgoing || store_in_checked(a->store, m, COR_OK, err)) && learn_case(a, m, body, err) &&
      access_state(a, m, recovered_at, err)) {
    if (!store_commit(a->store, err)) return false;
    store_announce(a->store);
    if (a->link != NULL) link_wake(a->link);
    return true;
  }
  store_rollback(a->store);
  return false;
}

/* Tells the hub, which tells the sender. Filed where the message is: nobody learns
 * from the outbox that a restricted one came. */
static bool tell_hub(agent *a, const store_message *m, Corridor__V1__EndState state, int code,
                     cor_error *err) {
  Corridor__V1__ContentStatement body = CORRIDOR__V1__CONTENT_STATEMENT__INIT;
  compose_order order = {.row = cor_sop_find(COR_T(CONTENT_STATEMENT)),
                         .to = "hub",
                         .compartment = COR_C(RECORD),
                         .filed_under = (Corridor__V1__Compartment)m->compartment,
                         .body = &body.base,
                         .path = "",
                         .in_reply_to = m->id};
  uint8_t id[COR_ID_LEN];
  body.message_id = (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)m->id};
  body.state = state;
  body.reason = (uint32_t)code;
  memcpy(order.handle, m->handle, COR_ID_LEN);
  const cor_cards *cards = roster_hold(a->roster);
  bool ok = compose_message(a, cards, &order, id, err);
  roster_release(a->roster);
  return ok;
}

/* Quarantine and statement are one transaction. If the statement cannot be made
 * now (our card is suspended), the message stays unchecked and the next opening
 * says it. What was good once is not declared bad: then the fault is ours. */
void verdict_bad(agent *a, const store_message *m, Corridor__V1__EndState state, int code) {
  cor_error why;
  const bool first = !m->outgoing && !m->read && m->code == COR_OK;
  COR_LOG(a->log, COR_WARN, "quarantined-message", COR_ID("message", m->id), COR_CODE(code));
  if (!store_begin(a->store, &why)) return;
  if (verdict_note(a, m, "quarantined", cor_refusal_of(code)->name, &why) &&
      (!first || (store_in_checked(a->store, m, code, &why) && tell_hub(a, m, state, code, &why))) &&
      store_commit(a->store, &why)) {
    store_announce(a->store);
    if (first && a->link != NULL) link_wake(a->link);
    return;
  }
  store_rollback(a->store);
  COR_LOG(a->log, COR_ALARM, "quarantine-not-told", COR_ID("message", m->id), COR_CODE(why.code));
}

bool verdict_own_fault(int code) {
  return code == COR_INTERNAL || code == COR_DISK_FULL;
}
