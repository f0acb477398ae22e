/* facts.c - loads what the gate must know.
 *
 * For: admit.c and claim.c. Guarantees: the order standing -> case lock ->
 * everything else, each a fresh statement, so that at READ COMMITTED whatever
 * committed before our lock was granted is seen; an item without standing takes
 * part in no later statement, so "unknown" and "not yours" cost and tell the
 * same. Two round trips a run of admissions, however many items, one for claims, whose
 * cases are known. Trusts verified, decoded headers. */
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
  if (card) cor_gate_take_card(party, card->card);
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
  if (list) cor_gate_take_list(&it->facts, list);
  if (it->cover) {
    it->facts.cover_categories = cor_category_set(it->cover->categories, it->cover->n_categories);
    it->facts.cover_basis = it->cover->basis;
  }
  /* A later suspension of the sender stops nothing, unless its keys were in
   * other hands by then (design 2). */
  if (it->claim && c->cards)
    it->facts.sender.card = cor_cards_stood(c->cards, it->header->sender, it->header->sent_at,
                                            it->admitted_at);
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
  scope->withdrawn = db_get_int(r, row, 10) != 0;
}

/* ---- loaders: what to ask of the database, and what its rows say ---- */

/* The statement and its arguments, or NULL when there is nothing to ask. Rows name
 * the item in their first column. */
typedef const char *(*ask_fn)(const facts_query *q, db_args *args);
typedef void (*take_fn)(facts_item *const *items, const PGresult *r, int row);

static facts_item *item_of(facts_item *const *items, const PGresult *r, int row) {
  return items[db_get_int(r, row, 0)];
}

/* An argument list nobody put anything into asks nothing. */
static const char *unless_empty(const char *sql, const db_array *list, db_args *args) {
  if (list->count > 0) return sql;
  db_args_clear(args);
  return NULL;
}

/* (office, handle) -> case, for senders (even) and recipients (odd). The hub's own
 * notices need none. */
static const char *ask_standing(const facts_query *q, db_args *args) {
  db_array *office = db_list(args, DB_TEXT), *handle = db_list(args, DB_BYTES), *at = db_list(args, DB_I32);
  for (size_t i = 0; i < q->n; i++) {
    if (cor_sop_find(q->items[i]->header->type)->from_hub) continue;
    db_add_text(office, q->items[i]->header->sender);
    db_add_bytes(handle, standing_handle(q->items[i]));
    db_add_i64(at, (int64_t)(2 * i));
    db_add_text(office, q->items[i]->header->recipient);
    db_add_bytes(handle, cor_bytes_of(q->items[i]->header->handle));
    db_add_i64(at, (int64_t)(2 * i + 1));
  }
  return unless_empty("SELECT a.i / 2, s.case_handle, a.i % 2 FROM unnest($1::text[], $2::bytea[], $3::int[])"
                      " AS a (office, handle, i)"
                      " JOIN corridor.standing s ON s.office = a.office AND s.handle = a.handle",
                      at, args);
}

static void take_standing(facts_item *const *items, const PGresult *r, int row) {
  facts_item *it = item_of(items, r, row);
  if (db_get_int(r, row, 2)) {
    it->facts.recipient_is_other_party = true;
    return;
  }
  it->facts.sender_standing = true;
  if (!it->claim) db_get_fixed(r, row, 1, it->case_handle, COR_ID_LEN);
  it->has_case = true;
}

/* The lock and what the case row says. Registrations look up their new handle. */
static const char *ask_cases(const facts_query *q, db_args *args) {
#define CASES                                                                                                \
  "SELECT a.i, k.programme, k.withdrawn_at, k.suspended_at FROM unnest($1::bytea[], $2::int[]) AS a "        \
  "(handle, i)"                                                                                              \
  " JOIN corridor.avrr_case k ON k.handle = a.handle ORDER BY k.handle FOR "
  static const char share[] = CASES "SHARE OF k", update[] = CASES "UPDATE OF k";
  db_array *handle = db_list(args, DB_BYTES), *at = db_list(args, DB_I32);
  for (size_t i = 0; i < q->n; i++) {
    const bool fresh = q->items[i]->header->type == COR_T(REGISTRATION);
    if (!fresh && !q->items[i]->has_case) continue;
    db_add_bytes(handle, fresh ? cor_bytes_of(q->items[i]->header->handle) : case_of(q->items[i]));
    db_add_i64(at, (int64_t)i);
  }
  return unless_empty(q->lock == FACTS_UPDATE ? update : share, at, args);
}

static void take_case(facts_item *const *items, const PGresult *r, int row) {
  facts_item *it = item_of(items, r, row);
  if (it->header->type == COR_T(REGISTRATION)) it->facts.handle_taken = true;
  if (!it->has_case) return;
  it->facts.case_known = true;
  it->facts.case_withdrawn = !db_null(r, row, 2);
  it->facts.case_suspended = !db_null(r, row, 3);
  snprintf(it->facts.programme, sizeof it->facts.programme, "%s", db_get_text(r, row, 1));
}

/* Newest version only: a higher one supersedes. A consent of another case is
 * not found. Of a scope for a class of offices one of them may have been taken out. */
static const char *ask_consents(const facts_query *q, db_args *args) {
  db_array *id = db_list(args, DB_BYTES), *handle = db_list(args, DB_BYTES), *at = db_list(args, DB_I32);
  db_array *to = db_list(args, DB_TEXT);
  for (size_t i = 0; i < q->n; i++) {
    const cor_bytes consent = facts_consent_id(q->items[i]);
    if (!q->items[i]->has_case || consent.len != COR_ID_LEN) continue;
    db_add_bytes(id, consent);
    db_add_bytes(handle, case_of(q->items[i]));
    db_add_i64(at, (int64_t)i);
    db_add_text(to, q->items[i]->header->recipient);
  }
  return unless_empty(
      "SELECT a.i, c.valid_from, c.valid_until, coalesce(c.withdrawn_at, 0), c.taken_by, s.purpose,"
      "  s.categories, s.recipient_office, s.recipient_role, s.onward,"
      "  s.withdrawn_at IS NOT NULL OR a.recipient = ANY(s.except_offices)"
      " FROM unnest($1::bytea[], $2::bytea[], $3::int[], $4::text[]) AS a (id, handle, i, recipient)"
      " JOIN LATERAL (SELECT * FROM corridor.consent k WHERE k.consent_id = a.id AND k.case_handle = a.handle"
      "               ORDER BY version DESC LIMIT 1) c ON true"
      " LEFT JOIN corridor.consent_scope s ON s.consent_id = c.consent_id AND s.version = c.version"
      " ORDER BY a.i, s.n",
      at, args);
}

static void take_consent(facts_item *const *items, const PGresult *r, int row) {
  take_scope(&item_of(items, r, row)->facts.consent, r, row);
}

/* At claim what had to happen before has happened; but an acceptance may have
 * been taken back since the handover was queued. */
static bool settled(const facts_item *it) {
  return it->claim && it->header->type != COR_T(REFERRAL_HANDOVER);
}

static const char *ask_steps(const facts_query *q, db_args *args) {
  db_array *handle = db_list(args, DB_BYTES), *at = db_list(args, DB_I32);
  for (size_t i = 0; i < q->n; i++) {
    cor_gate_facts *facts = &q->items[i]->facts;
    if (settled(q->items[i])) {
      facts->history = facts->history_yes = facts->recipient_yes = UINT64_MAX;
    } else if (q->items[i]->has_case) {
      db_add_bytes(handle, cor_bytes_of(q->items[i]->header->handle));
      db_add_i64(at, (int64_t)i);
    }
  }
  return unless_empty("SELECT a.i, s.type, s.outcome, s.office FROM unnest($1::bytea[], $2::int[])"
                      " AS a (handle, i) JOIN corridor.step s ON s.handle = a.handle",
                      at, args);
}

static void take_step(facts_item *const *items, const PGresult *r, int row) {
  facts_item *it = item_of(items, r, row);
  const uint64_t bit = UINT64_C(1) << db_get_int(r, row, 1);
  it->facts.history |= bit;
  if (db_get_int(r, row, 2) != COR_OUTCOME(YES)) return;
  it->facts.history_yes |= bit;
  if (strcmp(db_get_text(r, row, 3), it->header->recipient) == 0) it->facts.recipient_yes |= bit;
}

/* Every offer of the needs that are answered here, in one order: two answers to
 * one need wait for each other, and the second sees the first. */
static const char *ask_needs(const facts_query *q, db_args *args) {
  db_array *handles = db_list(args, DB_BYTES);
  for (size_t i = 0; i < q->n; i++)
    if (!q->items[i]->claim && q->items[i]->header->type == COR_T(REFERRAL_ACK))
      db_add_bytes(handles, cor_bytes_of(q->items[i]->header->handle));
  return unless_empty("SELECT 0 FROM corridor.referral WHERE referral_id IN"
                      " (SELECT referral_id FROM corridor.referral WHERE handle = ANY($1::bytea[]))"
                      " ORDER BY handle FOR UPDATE",
                      handles, args);
}

/* Does another provider hold the need behind this referral handle, or was this one taken
 * out by the person (7, REFERRAL_TAKEN_BACK)? */
static const char *ask_referrals(const facts_query *q, db_args *args) {
  db_array *handle = db_list(args, DB_BYTES), *at = db_list(args, DB_I32);
  for (size_t i = 0; i < q->n; i++) {
    const Corridor__V1__MessageType t = q->items[i]->header->type;
    if (t != COR_T(REFERRAL) && t != COR_T(REFERRAL_ACK) && t != COR_T(REFERRAL_HANDOVER) &&
        t != COR_T(HANDOVER_ATTACHMENT))
      continue;
    db_add_bytes(handle, cor_bytes_of(q->items[i]->header->handle));
    db_add_i64(at, (int64_t)i);
  }
  return unless_empty("SELECT a.i FROM unnest($1::bytea[], $2::int[]) AS a (handle, i)"
                      " JOIN corridor.referral r ON r.handle = a.handle WHERE r.state = 7 OR EXISTS"
                      " (SELECT FROM corridor.referral o WHERE o.referral_id = r.referral_id AND o.state = 2"
                      "   AND o.handle <> r.handle)",
                      at, args);
}

static void take_referral(facts_item *const *items, const PGresult *r, int row) {
  item_of(items, r, row)->facts.referral_taken = true;
}

/* A handle that is to be new, a registration's or an offer's, bears nothing yet;
 * nor does the offer's rank among the candidates of its need. */
static const char *ask_taken(const facts_query *q, db_args *args) {
  db_array *handle = db_list(args, DB_BYTES), *need = db_list(args, DB_BYTES), *rank = db_list(args, DB_I32),
           *at = db_list(args, DB_I32);
  for (size_t i = 0; i < q->n; i++) {
    const facts_item *it = q->items[i];
    const bool offer = it->header->type == COR_T(REFERRAL) && it->cover;
    if (it->claim || (!offer && it->header->type != COR_T(REGISTRATION))) continue;
    db_add_bytes(handle, cor_bytes_of(it->header->handle));
    db_add_bytes(need, offer ? cor_bytes_of(it->cover->referral_id) : (cor_bytes){0});
    db_add_i64(rank, offer ? it->cover->rank : 0);
    db_add_i64(at, (int64_t)i);
  }
  return unless_empty(
      "SELECT a.i FROM unnest($1::bytea[], $2::bytea[], $3::int[], $4::int[]) AS a (handle, need, rank, i),"
      " LATERAL (SELECT FROM corridor.standing s WHERE s.case_handle = a.handle LIMIT 1) x UNION"
      " SELECT a.i FROM unnest($1::bytea[], $2::bytea[], $3::int[], $4::int[]) AS a (handle, need, rank, i),"
      " LATERAL (SELECT FROM corridor.referral r WHERE r.handle = a.handle LIMIT 1) x UNION"
      " SELECT a.i FROM unnest($1::bytea[], $2::bytea[], $3::int[], $4::int[]) AS a (handle, need, rank, i),"
      " LATERAL (SELECT FROM corridor.referral r WHERE r.referral_id = a.need AND r.rank = a.rank LIMIT 1) x",
      at, args);
}

static void take_taken(facts_item *const *items, const PGresult *r, int row) {
  item_of(items, r, row)->facts.handle_taken = true;
}

/* Undelivered messages per (recipient, handle) are bounded: beyond, the sender
 * waits until the recipient has taken some. Nothing waits for the hub itself. */
static const char *ask_backlog(const facts_query *q, db_args *args) {
  db_array *office = db_list(args, DB_TEXT), *handle = db_list(args, DB_BYTES), *at = db_list(args, DB_I32);
  for (size_t i = 0; i < q->n; i++) {
    const cor_sop_row *row = cor_sop_find(q->items[i]->header->type);
    if (q->items[i]->claim || !q->items[i]->has_case || row->to_hub || row->lane == COR_LANE_ATTACHMENT)
      continue;
    db_add_text(office, q->items[i]->header->recipient);
    db_add_bytes(handle, cor_bytes_of(q->items[i]->header->handle));
    db_add_i64(at, (int64_t)i);
  }
  db_i32(args, FACTS_BACKLOG_MAX);
  return unless_empty(
      "SELECT a.i FROM unnest($1::text[], $2::bytea[], $3::int[]) AS a (office, handle, i)"
      " WHERE (SELECT count(*) FROM (SELECT FROM corridor.delivery d WHERE d.recipient = a.office"
      "   AND d.handle = a.handle AND d.state IN (1, 2) AND d.lane = 0 LIMIT $4) q) >= $4",
      at, args);
}

static void take_backlog(facts_item *const *items, const PGresult *r, int row) {
  item_of(items, r, row)->backlog_full = true;
}

/* Parts of attachments have a backlog of their own, and an allowance. */
static const char *ask_attached(const facts_query *q, db_args *args) {
  db_array *sender = db_list(args, DB_TEXT), *kase = db_list(args, DB_BYTES);
  db_array *recipient = db_list(args, DB_TEXT), *handle = db_list(args, DB_BYTES);
  db_array *bytes = db_list(args, DB_I64), *at = db_list(args, DB_I32);
  for (size_t i = 0; i < q->n; i++) {
    const facts_item *it = q->items[i];
    if (it->claim || !it->has_case || cor_sop_find(it->header->type)->lane != COR_LANE_ATTACHMENT) continue;
    db_add_text(sender, it->header->sender);
    db_add_bytes(kase, case_of(it));
    db_add_text(recipient, it->header->recipient);
    db_add_bytes(handle, cor_bytes_of(it->header->handle));
    db_add_i64(bytes, (int64_t)it->header->body_size);
    db_add_i64(at, (int64_t)i);
  }
  db_i64(args, FACTS_PART_BYTES_MAX);
  db_i32(args, FACTS_PARTS_MAX);
  return unless_empty(
      "WITH a AS (SELECT * FROM unnest($1::text[], $2::bytea[], $3::text[], $4::bytea[], $5::bigint[], "
      "$6::int[])"
      "  AS u (sender, kase, recipient, handle, bytes, i))"
      " SELECT a.i, 1 FROM a JOIN corridor.attachment_use u ON u.office = a.sender AND u.case_handle = a.kase"
      "  WHERE u.bytes + a.bytes > $7"
      " UNION ALL SELECT a.i, 0 FROM a WHERE (SELECT count(*) FROM (SELECT FROM corridor.delivery d"
      "  WHERE d.recipient = a.recipient AND d.handle = a.handle AND d.state IN (1, 2) AND d.lane = -1"
      "  LIMIT $8) q) >= $8",
      at, args);
}

static void take_attached(facts_item *const *items, const PGresult *r, int row) {
  facts_item *it = item_of(items, r, row);
  if (db_get_int(r, row, 1))
    it->attached_all = true;
  else
    it->backlog_full = true;
}

/* What went out once may have been asked back since. */
static const char *ask_recalled(const facts_query *q, db_args *args) {
  db_array *id = db_list(args, DB_BYTES), *sender = db_list(args, DB_TEXT), *at = db_list(args, DB_I32);
  for (size_t i = 0; i < q->n; i++) {
    if (!q->items[i]->claim || !q->items[i]->sent_before) continue;
    db_add_bytes(id, cor_bytes_of(q->items[i]->header->message_id));
    db_add_text(sender, q->items[i]->header->sender);
    db_add_i64(at, (int64_t)i);
  }
  return unless_empty(
      "SELECT a.i, x.code FROM unnest($1::bytea[], $2::text[], $3::int[]) AS a (id, sender, i)"
      " JOIN corridor.recalled x ON x.message_id = a.id AND x.sender = a.sender",
      at, args);
}

static void take_recalled(facts_item *const *items, const PGresult *r, int row) {
  item_of(items, r, row)->facts.recalled = (int)db_get_int(r, row, 1);
}

typedef struct loader {
  ask_fn ask;
  take_fn take; /* NULL: asked for its locks */
} loader;

/* Standing first, the case lock second: the order is the guarantee. */
static const loader loaders[] = {
    {ask_standing, take_standing}, {ask_cases, take_case},      {ask_consents, take_consent},
    {ask_steps, take_step},        {ask_needs, NULL},           {ask_referrals, take_referral},
    {ask_taken, take_taken},       {ask_backlog, take_backlog}, {ask_attached, take_attached},
    {ask_recalled, take_recalled},
};
enum { LOADERS = sizeof loaders / sizeof *loaders, STANDING_ONLY = 1 };

static bool ask(core *c, facts_query *q, size_t from, size_t to) {
  bool ok = true;
  for (size_t k = from; ok && k < to; k++) {
    db_args args = {0};
    const char *sql = loaders[k].ask(q, &args);
    if (sql == NULL) continue;
    q->asked |= 1u << k;
    ok = db_ask(c->db, sql, &args);
  }
  return ok;
}

static bool take(core *c, const facts_query *q, size_t from, size_t to) {
  bool ok = true;
  for (size_t k = from; ok && k < to; k++) {
    if (!(q->asked & (1u << k))) continue;
    PGresult *r = db_answer(c->db);
    ok = r != NULL;
    for (int row = 0; ok && loaders[k].take && row < PQntuples(r); row++)
      loaders[k].take(q->items, r, row);
    PQclear(r);
  }
  return ok;
}

bool facts_ask(core *c, facts_query *q, int64_t now) {
  q->asked = 0;
  q->cases_known = true;
  for (size_t i = 0; i < q->n; i++) {
    load_parties(c, q->items[i], now);
    q->cases_known = q->cases_known && q->items[i]->claim;
  }
  return ask(c, q, 0, q->cases_known ? LOADERS : STANDING_ONLY);
}

bool facts_take(core *c, facts_query *q) {
  if (q->cases_known) return take(c, q, 0, LOADERS);
  return take(c, q, 0, STANDING_ONLY) && ask(c, q, STANDING_ONLY, LOADERS) &&
         take(c, q, STANDING_ONLY, LOADERS);
}
