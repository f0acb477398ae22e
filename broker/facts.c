/* facts.c - loads what the gate must know.
 *
 * For: admit.c and claim.c. Guarantees: the order standing -> case lock ->
 * everything else, each a fresh statement, so that at READ COMMITTED whatever
 * committed before our lock was granted is seen; an item without standing takes
 * part in no later statement, so "unknown" and "not yours" cost and tell the
 * same. A handful of statements per run, however many items. Trusts verified,
 * decoded headers. */
#include "facts.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "registry.h"
#include <corridor/v1/record.pb-c.h>
#include <stdlib.h>
#include <string.h>

static cor_bytes case_of(const facts_item *it) {
  return (cor_bytes){it->case_handle, COR_ID_LEN};
}

cor_bytes facts_consent_id(const facts_item *it) {
  return cor_bytes_of(it->cover ? it->cover->consent_id : it->header->consent_id);
}

/* An offer's sender needs standing in the case; everyone else in the handle the
 * header names. */
static cor_bytes standing_handle(const facts_item *it) {
  return cor_bytes_of(it->cover ? it->cover->case_handle : it->header->handle);
}

static void load_party(core *c, cor_gate_party *party, const char *office, int64_t now) {
  const cor_card *card = c->cards ? cor_cards_find(c->cards, office) : NULL;
  snprintf(party->office, sizeof party->office, "%s", office);
  party->known = card != NULL;
  party->role = card ? card->card->role : CORRIDOR__V1__ROLE__ROLE_UNSPECIFIED;
  party->card = registry_standing(c, office, now);
}

static void load_parties(core *c, facts_item *it, int64_t now) {
  const Corridor__V1__CardList *list = c->cards ? cor_cards_list(c->cards) : NULL;
  it->facts = (cor_gate_facts){.now = now};
  load_party(c, &it->facts.sender, it->header->sender, now);
  load_party(c, &it->facts.recipient, it->header->recipient, now);
  /* An expired list vouches for nobody; withdrawing is never blocked. What was
   * admitted before is not stopped but waits (claim.c). */
  if (!it->claim && it->facts.sender.card == COR_OK && cor_cards_expired(c->cards, now) &&
      it->header->type != COR_T(CONSENT_WITHDRAWAL))
    it->facts.sender.card = COR_CARD_LIST_EXPIRED;
  if (list) {
    it->facts.agreements = (const Corridor__V1__Agreement *const *)list->agreements;
    it->facts.n_agreements = list->n_agreements;
  }
  if (it->cover)
    for (size_t i = 0; i < it->cover->n_categories; i++)
      it->facts.cover_categories |= 1u << it->cover->categories[i];
  /* A later suspension of the sender stops nothing, unless its keys were in
   * other hands by then (design 2). */
  if (it->claim && c->cards)
    it->facts.sender.card = cor_cards_stood(c->cards, it->header->sender, it->header->sent_at,
                                            it->admitted_at);
}

/* (office, handle) -> case, for senders and recipients in one statement. */
static bool load_standing(core *c, facts_item *items, size_t n) {
  db_args args = {0};
  db_array *office = db_list(&args, DB_TEXT), *handle = db_list(&args, DB_BYTES);
  for (size_t i = 0; i < n; i++) {
    db_add_text(office, items[i].header->sender);
    db_add_bytes(handle, standing_handle(&items[i]));
    db_add_text(office, items[i].header->recipient);
    db_add_bytes(handle, cor_bytes_of(items[i].header->handle));
  }
  PGresult *r = db_run(c->db,
                       "SELECT a.i, s.case_handle FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS a "
                       "(office, handle, i)"
                       " JOIN corridor.standing s ON s.office = a.office AND s.handle = a.handle",
                       &args);
  if (!r) return false;
  for (int row = 0; row < PQntuples(r); row++) {
    size_t at = (size_t)db_get_int(r, row, 0) - 1;
    facts_item *it = &items[at / 2];
    if (at % 2) {
      it->facts.recipient_is_other_party = true;
    } else {
      it->facts.sender_standing = true;
      if (!it->claim) db_get_fixed(r, row, 1, it->case_handle, COR_ID_LEN);
      it->has_case = true;
    }
  }
  PQclear(r);
  return true;
}

/* The lock and what the case row says. Registrations look up their new handle. */
static bool load_cases(core *c, facts_item *items, size_t n, facts_lock lock) {
  static const char share[] =
      "SELECT handle, programme, withdrawn_at FROM corridor.avrr_case WHERE handle = ANY($1::bytea[])"
      " ORDER BY handle FOR SHARE";
  static const char update[] =
      "SELECT handle, programme, withdrawn_at FROM corridor.avrr_case WHERE handle = ANY($1::bytea[])"
      " ORDER BY handle FOR UPDATE";
  db_args args = {0};
  db_array *handles = db_list(&args, DB_BYTES);
  for (size_t i = 0; i < n; i++) {
    if (items[i].has_case) db_add_bytes(handles, case_of(&items[i]));
    if (items[i].header->type == COR_T(REGISTRATION))
      db_add_bytes(handles, cor_bytes_of(items[i].header->handle));
  }
  PGresult *r = db_run(c->db, lock == FACTS_UPDATE ? update : share, &args);
  if (!r) return false;
  for (int row = 0; row < PQntuples(r); row++) {
    cor_bytes handle = db_get_bytes(r, row, 0);
    for (size_t i = 0; i < n; i++) {
      facts_item *it = &items[i];
      if (it->header->type == COR_T(REGISTRATION) &&
          cor_bytes_equal(handle, cor_bytes_of(it->header->handle)))
        it->facts.handle_taken = true;
      if (!it->has_case || !cor_bytes_equal(handle, case_of(it))) continue;
      it->facts.case_known = true;
      it->facts.case_withdrawn = !db_null(r, row, 2);
      snprintf(it->facts.programme, sizeof it->facts.programme, "%s", db_get_text(r, row, 1));
    }
  }
  PQclear(r);
  return true;
}

static void take_scope(cor_gate_consent *consent, const PGresult *r, int row) {
  consent->found = true;
  consent->valid_from = db_get_int(r, row, 1);
  consent->valid_until = db_get_int(r, row, 2);
  consent->withdrawn_at = db_get_int(r, row, 3);
  snprintf(consent->taken_by, sizeof consent->taken_by, "%s", db_get_text(r, row, 4));
  if (db_null(r, row, 5) || consent->n_scopes == COR_GATE_SCOPES_MAX) return;
  cor_gate_scope *scope = &consent->scopes[consent->n_scopes++];
  scope->purpose = (Corridor__V1__Purpose)db_get_int(r, row, 5);
  scope->categories = (uint32_t)db_get_int(r, row, 6);
  snprintf(scope->recipient_office, sizeof scope->recipient_office, "%s", db_get_text(r, row, 7));
  scope->recipient_role = (Corridor__V1__Role)db_get_int(r, row, 8);
  scope->onward = db_get_int(r, row, 9) != 0;
}

/* Newest version only: a higher one supersedes. A consent of another case is
 * not found. */
static bool load_consents(core *c, facts_item *items, size_t n) {
  db_args args = {0};
  db_array *id = db_list(&args, DB_BYTES), *handle = db_list(&args, DB_BYTES), *at = db_list(&args, DB_I32);
  for (size_t i = 0; i < n; i++) {
    cor_bytes consent = facts_consent_id(&items[i]);
    if (!items[i].facts.case_known || consent.len != COR_ID_LEN) continue;
    db_add_bytes(id, consent);
    db_add_bytes(handle, case_of(&items[i]));
    db_add_i64(at, (int64_t)i);
  }
  if (id->count == 0) {
    db_args_clear(&args);
    return true;
  }
  PGresult *r = db_run(
      c->db,
      "SELECT a.i, c.valid_from, c.valid_until, coalesce(c.withdrawn_at, 0), c.taken_by, s.purpose,"
      "  s.categories, s.recipient_office, s.recipient_role, s.onward"
      " FROM unnest($1::bytea[], $2::bytea[], $3::int[]) AS a (id, handle, i)"
      " JOIN LATERAL (SELECT * FROM corridor.consent k WHERE k.consent_id = a.id AND k.case_handle = a.handle"
      "               ORDER BY version DESC LIMIT 1) c ON true"
      " LEFT JOIN corridor.consent_scope s ON s.consent_id = c.consent_id AND s.version = c.version"
      " ORDER BY a.i, s.n",
      &args);
  if (!r) return false;
  for (int row = 0; row < PQntuples(r); row++)
    take_scope(&items[db_get_int(r, row, 0)].facts.consent, r, row);
  PQclear(r);
  return true;
}

/* At claim what had to happen before has happened; but an acceptance may have
 * been taken back since the handover was queued. */
static bool settled(const facts_item *it) {
  return it->claim && it->header->type != COR_T(REFERRAL_HANDOVER);
}

static bool load_steps(core *c, facts_item *items, size_t n) {
  db_args args = {0};
  db_array *handles = db_list(&args, DB_BYTES);
  for (size_t i = 0; i < n; i++) {
    if (settled(&items[i]))
      items[i].facts.history = items[i].facts.history_yes = items[i].facts.recipient_yes = UINT64_MAX;
    else if (items[i].facts.case_known)
      db_add_bytes(handles, cor_bytes_of(items[i].header->handle));
  }
  if (handles->count == 0) {
    db_args_clear(&args);
    return true;
  }
  PGresult *r = db_run(
      c->db, "SELECT handle, type, outcome, office FROM corridor.step WHERE handle = ANY($1::bytea[])",
      &args);
  if (!r) return false;
  for (int row = 0; row < PQntuples(r); row++) {
    uint64_t bit = UINT64_C(1) << db_get_int(r, row, 1);
    for (size_t i = 0; i < n; i++) {
      if (settled(&items[i]) ||
          !cor_bytes_equal(db_get_bytes(r, row, 0), cor_bytes_of(items[i].header->handle)))
        continue;
      items[i].facts.history |= bit;
      if (db_get_int(r, row, 2) != COR_OUTCOME(YES)) continue;
      items[i].facts.history_yes |= bit;
      if (strcmp(db_get_text(r, row, 3), items[i].header->recipient) == 0)
        items[i].facts.recipient_yes |= bit;
    }
  }
  PQclear(r);
  return true;
}

/* Every offer of the needs that are answered here, in one order: two answers to
 * one need wait for each other, and the second sees the first. */
static bool lock_needs(core *c, const facts_item *items, size_t n) {
  db_args args = {0};
  db_array *handles = db_list(&args, DB_BYTES);
  for (size_t i = 0; i < n; i++)
    if (!items[i].claim && items[i].header->type == COR_T(REFERRAL_ACK))
      db_add_bytes(handles, cor_bytes_of(items[i].header->handle));
  if (handles->count == 0) {
    db_args_clear(&args);
    return true;
  }
  return db_do(c->db,
               "SELECT FROM corridor.referral WHERE referral_id IN"
               " (SELECT referral_id FROM corridor.referral WHERE handle = ANY($1::bytea[]))"
               " ORDER BY handle FOR UPDATE",
               &args);
}

/* Does another provider hold the need behind this referral handle? */
static bool load_referrals(core *c, facts_item *items, size_t n) {
  db_args args = {0};
  db_array *handles = db_list(&args, DB_BYTES);
  for (size_t i = 0; i < n; i++) {
    Corridor__V1__MessageType t = items[i].header->type;
    if (t == COR_T(REFERRAL) || t == COR_T(REFERRAL_ACK) || t == COR_T(REFERRAL_HANDOVER))
      db_add_bytes(handles, cor_bytes_of(items[i].header->handle));
  }
  if (handles->count == 0) {
    db_args_clear(&args);
    return true;
  }
  PGresult *r = db_run(c->db,
                       "SELECT r.handle FROM corridor.referral r WHERE r.handle = ANY($1::bytea[]) AND EXISTS"
                       " (SELECT FROM corridor.referral o WHERE o.referral_id = r.referral_id AND o.state = 2"
                       "   AND o.handle <> r.handle)",
                       &args);
  if (!r) return false;
  for (int row = 0; row < PQntuples(r); row++)
    for (size_t i = 0; i < n; i++)
      if (cor_bytes_equal(db_get_bytes(r, row, 0), cor_bytes_of(items[i].header->handle)))
        items[i].facts.referral_taken = true;
  PQclear(r);
  return true;
}

/* A handle that is to be new, a registration's or an offer's, bears nothing yet;
 * nor does the offer's rank among the candidates of its need. */
static bool load_taken(core *c, facts_item *items, size_t n) {
  db_args args = {0};
  db_array *handle = db_list(&args, DB_BYTES), *need = db_list(&args, DB_BYTES),
           *rank = db_list(&args, DB_I32);
  db_array *index = db_list(&args, DB_I32);
  for (size_t i = 0; i < n; i++) {
    const facts_item *it = &items[i];
    bool offer = it->header->type == COR_T(REFERRAL) && it->cover;
    if (it->claim || (!offer && it->header->type != COR_T(REGISTRATION))) continue;
    db_add_bytes(handle, cor_bytes_of(it->header->handle));
    db_add_bytes(need, offer ? cor_bytes_of(it->cover->referral_id) : (cor_bytes){0});
    db_add_i64(rank, offer ? it->cover->rank : 0);
    db_add_i64(index, (int64_t)i);
  }
  if (handle->count == 0) {
    db_args_clear(&args);
    return true;
  }
  PGresult *r = db_run(
      c->db,
      "SELECT a.i FROM unnest($1::bytea[], $2::bytea[], $3::int[], $4::int[]) AS a (handle, need, rank, i)"
      " WHERE EXISTS (SELECT FROM corridor.standing s WHERE s.case_handle = a.handle)"
      "  OR EXISTS (SELECT FROM corridor.referral r WHERE r.handle = a.handle)"
      "  OR EXISTS (SELECT FROM corridor.referral r WHERE r.referral_id = a.need AND r.rank = a.rank)",
      &args);
  if (!r) return false;
  for (int row = 0; row < PQntuples(r); row++)
    items[db_get_int(r, row, 0)].facts.handle_taken = true;
  PQclear(r);
  return true;
}

/* Undelivered messages per (recipient, handle) are bounded: beyond, the sender
 * waits until the recipient has taken some. */
static bool load_backlog(core *c, facts_item *items, size_t n) {
  db_args args = {0};
  db_array *office = db_list(&args, DB_TEXT), *handle = db_list(&args, DB_BYTES),
           *index = db_list(&args, DB_I32);
  for (size_t i = 0; i < n; i++) {
    if (items[i].claim || !items[i].facts.case_known) continue;
    db_add_text(office, items[i].header->recipient);
    db_add_bytes(handle, cor_bytes_of(items[i].header->handle));
    db_add_i64(index, (int64_t)i);
  }
  if (office->count == 0) {
    db_args_clear(&args);
    return true;
  }
  db_i32(&args, FACTS_BACKLOG_MAX);
  PGresult *r = db_run(
      c->db,
      "SELECT a.i FROM unnest($1::text[], $2::bytea[], $3::int[]) AS a (office, handle, i)"
      " WHERE (SELECT count(*) FROM (SELECT FROM corridor.delivery d WHERE d.recipient = a.office"
      "   AND d.handle = a.handle AND d.state IN (1, 2) AND d.lane = 0 LIMIT $4) q) >= $4",
      &args);
  if (!r) return false;
  for (int row = 0; row < PQntuples(r); row++)
    items[db_get_int(r, row, 0)].backlog_full = true;
  PQclear(r);
  return true;
}

bool facts_load(core *c, facts_item *items, size_t n, facts_lock lock, int64_t now) {
  for (size_t i = 0; i < n; i++)
    load_parties(c, &items[i], now);
  return load_standing(c, items, n) && load_cases(c, items, n, lock) && load_consents(c, items, n) &&
         load_steps(c, items, n) && lock_needs(c, items, n) && load_referrals(c, items, n) &&
         load_taken(c, items, n) && load_backlog(c, items, n);
}
