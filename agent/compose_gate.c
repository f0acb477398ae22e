/* compose_gate.c - the gate as far as this office can know it.
 *
 * For: telling a case officer at once what the broker would refuse. The same
 * gate function runs here and in the broker; only the facts differ. The broker's
 * word counts, so where this office cannot know a fact the verdict is left to
 * it: of a case registered elsewhere we hold neither the consents nor the whole
 * history, so NO_CONSENT, NO_STANDING and PRECONDITION_MISSING are passed over
 * there, and exactly those; likewise NO_CONSENT for a consent id given by hand
 * that was not recorded here. Every other refusal stands. */
#include "compose.h"

#include "corridor/codec.h"
#include "corridor/gate.h"
#include "corridor/refusal.h"

#include <stdio.h>
#include <string.h>

typedef struct local {
  agent *a;
  const cor_cards *cards;
  const compose_order *order;
  Corridor__V1__Header *header;
  cor_gate_facts facts;
  bool registered; /* the case was registered at this office */
} local;

static cor_gate_party party(const cor_cards *cards, const char *office, int64_t now) {
  cor_gate_party p = {0};
  snprintf(p.office, sizeof p.office, "%s", office);
  const cor_card *card = strcmp(office, "hub") == 0 ? cor_cards_hub(cards) : cor_cards_find(cards, office);
  p.known = card != NULL;
  if (card == NULL) return p;
  cor_gate_take_card(&p, card->card);
  p.card = cor_cards_standing(cards, card->card->office, now);
  return p;
}

/* A programme stands in sealed content only, so a receiving office may not know
 * it: then the first that both offices have agreed on is assumed. */
static void assume_programme(local *l) {
  for (size_t i = 0; l->facts.programme[0] == '\0' && i < l->facts.n_agreements; i++) {
    const Corridor__V1__Agreement *agreement = l->facts.agreements[i];
    if (cor_agreement_names(agreement, l->facts.sender.office) &&
        cor_agreement_names(agreement, l->facts.recipient.office))
      snprintf(l->facts.programme, sizeof l->facts.programme, "%s", agreement->programme);
  }
}

static bool case_facts(local *l, const store_case *known, cor_error *err) {
  store *s = l->a->store;
  const uint8_t *handle = l->order->handle;
  store_case parent;
  if (known == NULL) return true;
  store_found found = store_case_get(s, known->case_handle, &parent, err);
  if (found == STORE_ERROR) return false;
  l->facts.case_known = l->facts.sender_standing = true;
  l->facts.case_withdrawn = known->withdrawn || (found == STORE_FOUND && parent.withdrawn);
  l->registered = found == STORE_FOUND && parent.own && parent.kind == COR_HANDLE_CASE;
  snprintf(l->facts.programme, sizeof l->facts.programme, "%s",
           found == STORE_FOUND ? parent.programme : known->programme);
  store_history past;
  if (!store_case_history(s, handle, l->order->to, &past, err)) return false;
  /* An offer's own handle is in the store before the offer is made (api_refer.c):
   * that one is taken by what was sent under it. */
  l->facts.handle_taken = known->kind != COR_HANDLE_REFERRAL || past.types != 0;
  l->facts.history = past.types;
  l->facts.history_yes = past.yes;
  l->facts.recipient_yes = past.office_yes;
  found = store_case_peer(s, handle, l->order->to, err);
  l->facts.recipient_is_other_party = found == STORE_FOUND;
  return found != STORE_ERROR;
}

/* ---- consent ---- */

static void consent_facts(cor_gate_consent *out, const Corridor__V1__ConsentRecord *record,
                          int64_t withdrawn_at, const char *taken_by) {
  *out = (cor_gate_consent){.found = true,
                            .valid_from = record->valid_from,
                            .valid_until = record->valid_until,
                            .withdrawn_at = withdrawn_at};
  snprintf(out->taken_by, sizeof out->taken_by, "%s", taken_by);
  for (size_t i = 0; i < record->n_scopes && out->n_scopes < COR_GATE_SCOPES_MAX; i++) {
    const Corridor__V1__ConsentScope *from = record->scopes[i];
    cor_gate_scope *to = &out->scopes[out->n_scopes++];
    *to = (cor_gate_scope){.purpose = from->purpose,
                           .categories = cor_category_set(from->categories, from->n_categories),
                           .recipient_role = from->recipient_role,
                           .onward = from->onward};
    snprintf(to->recipient_office, sizeof to->recipient_office, "%s", from->recipient_office);
  }
}

static bool load_consent(local *l, const store_consent *kept, cor_error *err) {
  Corridor__V1__ConsentRecord *record = (Corridor__V1__ConsentRecord *)cor_decode(
      &corridor__v1__consent_record__descriptor, cor_buf_view(&kept->record), COR_CONTROL_MAX, true, err);
  if (record == NULL) return false;
  consent_facts(&l->facts.consent, record, kept->withdrawn_at, l->a->office.id);
  cor_message_free(&record->base);
  return true;
}

/* The named consent, if it was recorded here for this very case. */
static bool named_consent(local *l, const uint8_t *id, const uint8_t *case_handle, cor_error *err) {
  store_consent kept;
  store_found found = store_consent_get(l->a->store, id, &kept, err);
  if (found == STORE_ERROR) return false;
  if (found == STORE_ABSENT) return true;
  bool ok = memcmp(kept.case_handle, case_handle, COR_ID_LEN) != 0 || load_consent(l, &kept, err);
  store_consent_clear(&kept);
  return ok;
}

/* The newest consent of the case that covers the message; if none does, the
 * newest, so that the refusal says what is wrong with it. */
static bool newest_consent(local *l, const uint8_t *case_handle, uint8_t chosen[COR_ID_LEN], bool *any,
                           cor_error *err) {
  cor_gate_consent newest = {0};
  uint8_t newest_id[COR_ID_LEN] = {0};
  *any = false;
  for (int64_t i = 0;; i++) {
    store_consent kept;
    store_found found = store_consent_at(l->a->store, case_handle, i, &kept, err);
    if (found == STORE_ERROR) return false;
    if (found == STORE_ABSENT) break;
    bool ok = load_consent(l, &kept, err);
    store_consent_clear(&kept);
    if (!ok) return false;
    *any = true;
    memcpy(chosen, kept.id, COR_ID_LEN);
    if (cor_gate_decide(&l->facts, l->header).code == COR_OK) return true;
    if (i == 0) {
      newest = l->facts.consent;
      memcpy(newest_id, kept.id, COR_ID_LEN);
    }
  }
  l->facts.consent = newest;
  memcpy(chosen, newest_id, COR_ID_LEN);
  return true;
}

static bool choose_consent(local *l, const store_case *known, uint8_t chosen[COR_ID_LEN], bool *has_id,
                           cor_error *err) {
  *has_id = l->order->consent != NULL;
  const uint8_t *case_handle = known == NULL ? l->order->handle : known->case_handle;
  if (*has_id) {
    memcpy(chosen, l->order->consent, COR_ID_LEN);
    return named_consent(l, chosen, case_handle, err);
  }
  if (!newest_consent(l, case_handle, chosen, has_id, err)) return false;
  if (*has_id || known == NULL) return true;
  store_case parent;
  store_found found = store_case_get(l->a->store, case_handle, &parent, err);
  if (found != STORE_FOUND || !parent.has_last_consent) return found != STORE_ERROR;
  memcpy(chosen, parent.last_consent, COR_ID_LEN);
  *has_id = true;
  return true;
}

/* ---- the verdict ---- */

static bool for_the_broker(const local *l, int code, bool has_consent_id) {
  if (code == COR_NO_CONSENT)
    return has_consent_id && !l->facts.consent.found && (!l->registered || l->order->consent != NULL);
  return !l->registered && (code == COR_NO_STANDING || code == COR_PRECONDITION_MISSING);
}

bool compose_gate(agent *a, const cor_cards *cards, const compose_order *order, const store_case *known,
                  Corridor__V1__Header *header, uint8_t chosen[COR_ID_LEN], cor_error *err) {
  local l = {.a = a, .cards = cards, .order = order, .header = header};
  const bool decided = order->cover != NULL && cor_basis_find(order->cover->basis) != NULL;
  bool needs_consent = header->basis == COR_BASIS(CONSENT) || (order->row->needs_cover && !decided);
  bool has_id = false;
  l.facts.now = cor_clock_now(a->clock);
  l.facts.sender = party(cards, a->office.id, l.facts.now);
  l.facts.recipient = party(cards, order->to, l.facts.now);
  /* A hub that withholds newer lists must not make us seal to a key revoked in
   * them. Records go unsealed; they wait in the outbox for the hub's own word. */
  if (cor_cards_expired(cards, l.facts.now) && !order->row->to_hub)
    l.facts.sender.card = COR_CARD_LIST_EXPIRED;
  cor_gate_take_list(&l.facts, cor_cards_list(cards));
  if (order->cover != NULL) {
    l.facts.cover_categories = cor_category_set(order->cover->categories, order->cover->n_categories);
    l.facts.cover_basis = order->cover->basis;
  }
  if (!case_facts(&l, known, err)) return false;
  assume_programme(&l);
  if (needs_consent && !choose_consent(&l, known, chosen, &has_id, err)) return false;
  if (has_id && order->cover == NULL) header->consent_id = (ProtobufCBinaryData){COR_ID_LEN, chosen};
  if (has_id && order->cover != NULL) order->cover->consent_id = (ProtobufCBinaryData){COR_ID_LEN, chosen};
  cor_decision decision = cor_gate_decide(&l.facts, header);
  if (decision.code == COR_OK || for_the_broker(&l, decision.code, has_id)) return true;
  return cor_fail(err, decision.code, decision.field, "refused by the office's own gate; nothing was kept");
}
