/* claim.c - claim (gate again), commit, send.
 *
 * For: each send attempt of a delivery. Guarantees: a claim holds the case FOR
 * SHARE, so it and a withdrawal see each other; consents are read after that
 * lock; nothing is sent before the claim is committed; the first claim of a
 * (message, recipient) is one log record; a message the gate no longer permits
 * is stopped, its sender told, and never blocks the next; one whose case is suspended
 * leaves the queue for as long, so that no look finds it again; at most one
 * unreceipted message per (recipient, handle), overtaking lane excepted, and one
 * part of an attachment per recipient. Trusts rows the core itself wrote.
 * model/claim.pml has this, admission and withdrawal in every order, with all that
 * can fail. */
#include "claim.h"
#include "act.h"
#include "corridor/codec.h"
#include "corridor/frames.h"
#include "corridor/gate.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "duties.h"
#include "facts.h"
#include "doorway.h"
#include "mail.h"
#include "queue.h"
#include "referral.h"
#include "registry.h"
#include <stdlib.h>
#include <string.h>

typedef struct candidate {
  int64_t sequence, admitted_at;
  uint8_t message_id[COR_ID_LEN];
  uint8_t case_handle[COR_ID_LEN];
  bool has_case;
  uint64_t bytes;
  Corridor__V1__Header *header; /* owned */
  Corridor__V1__Cover *cover;   /* owned */
  int code;                     /* of the gate */
  const char *agreement;        /* that authorises it now, "" = none needed; the card list's */
  int64_t leaf;                 /* reserved for the log record of a first claim; 0 = claimed before */
  bool claimed_before, claimed, first;
  uint64_t connection; /* of the session whose room was counted */
  int row;             /* of batch.marked: what is to be sent */
} candidate;

typedef struct claim_batch {
  candidate *list;
  size_t n;
  PGresult *marked; /* of mark_claimed */
} claim_batch;

static void batch_clear(claim_batch *b) {
  for (size_t i = 0; i < b->n; i++) {
    cor_message_free((ProtobufCMessage *)b->list[i].header);
    cor_message_free((ProtobufCMessage *)b->list[i].cover);
  }
  free(b->list);
  PQclear(b->marked);
  *b = (claim_batch){0};
}

static void take_candidate(core *c, claim_batch *b, const PGresult *r, int row) {
  cor_error err;
  candidate *k = &b->list[b->n];
  *k = (candidate){.sequence = db_get_int(r, row, 0), .admitted_at = db_get_int(r, row, 2)};
  db_get_fixed(r, row, 1, k->message_id, COR_ID_LEN);
  k->has_case = !db_null(r, row, 3);
  db_get_fixed(r, row, 3, k->case_handle, COR_ID_LEN);
  k->bytes = (uint64_t)db_get_int(r, row, 6);
  k->claimed_before = db_get_int(r, row, 7) > 0;
  k->connection = (uint64_t)db_get_int(r, row, 8);
  k->header = (Corridor__V1__Header *)cor_decode(&corridor__v1__header__descriptor, db_get_bytes(r, row, 4),
                                                 COR_HEADER_MAX, true, &err);
  if (k->header && !db_null(r, row, 5))
    k->cover = (Corridor__V1__Cover *)cor_decode(&corridor__v1__cover__descriptor, db_get_bytes(r, row, 5),
                                                 COR_HEADER_MAX, true, &err);
  if (k->header)
    b->n++;
  else
    COR_LOG(c->log, COR_ALARM, "stored-header-unreadable", COR_ID("message", k->message_id));
}

/* The gate again, with consents read under the case lock; *current: under the newest
 * cards (registry_ask came before). */
static bool judge(core *c, claim_batch *b, int64_t now, bool *current) {
  facts_item *items = calloc(b->n, sizeof *items), *pointers[QUEUE_LOOK_MAX];
  if (!items) abort();
  for (size_t i = 0; i < b->n; i++) {
    candidate *k = &b->list[i];
    bool from_hub = strcmp(k->header->sender, "hub") == 0;
    items[i] = (facts_item){.header = k->header,
                            .cover = k->cover,
                            .claim = true,
                            .admitted_at = k->admitted_at,
                            .sent_before = k->claimed_before,
                            .has_case = k->has_case && !from_hub};
    memcpy(items[i].case_handle, k->case_handle, COR_ID_LEN);
    pointers[i] = &items[i];
  }
  facts_query facts = {.items = pointers, .n = b->n, .lock = FACTS_SHARE};
  bool loaded = facts_ask(c, &facts, now) && registry_hold(c, current);
  loaded = loaded && *current && facts_take(c, &facts);
  for (size_t i = 0; loaded && i < b->n; i++) {
    cor_gate_facts *known = &items[i].facts;
    /* Judged at admission, and true since: skew of the sender's clock, the table
     * version it used, whether the handle was new. */
    Corridor__V1__Header header = *b->list[i].header;
    header.table_version = COR_SOP_VERSION;
    known->handle_taken = false;
    const cor_decision decision = cor_gate_decide(known, &header);
    b->list[i].code = decision.code;
    b->list[i].agreement = decision.agreement;
  }
  free(items);
  return loaded;
}

/* Marks what may leave, names its log record, and reads what is to be sent. */
static bool mark_claimed(core *c, claim_batch *b, int64_t now) {
  db_args args = {0};
  db_array *sequence = db_list(&args, DB_I64), *leaf = db_list(&args, DB_I64), *at = db_list(&args, DB_I32),
           *agreement = db_list(&args, DB_TEXT);
  for (size_t i = 0; i < b->n; i++) {
    candidate *k = &b->list[i];
    if (k->code != COR_OK) continue;
    if (!k->claimed_before && !ledger_reserve(&c->leaves, c->db, 1, &k->leaf)) {
      db_args_clear(&args);
      return false;
    }
    db_add_i64(sequence, k->sequence);
    db_add_i64(leaf, k->leaf);
    db_add_i64(at, (int64_t)i);
    db_add_text(agreement, k->agreement);
  }
  if (sequence->count == 0) {
    db_args_clear(&args);
    return true;
  }
  db_i64(&args, now);
  db_i64(&args, now + LEASE_MS);
  db_text(&args, c->broker);
  b->marked = db_run(
      c->db,
      "UPDATE corridor.delivery d SET state = 2, claims = d.claims + 1, lease_until = $6, lease_broker = $7,"
      "  first_claimed_at = coalesce(d.first_claimed_at, $5), claim_leaf = coalesce(d.claim_leaf, "
      "nullif(u.leaf, 0)), agreement = coalesce(d.agreement, nullif(u.agreement, ''))"
      " FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::text[]) AS u (sequence, leaf, i, agreement),"
      "  corridor.message m"
      " WHERE d.sequence = u.sequence AND " STATE_OF(
          "d") " = 1"
               "  AND m.message_id = d.message_id AND m.admitted_at = d.admitted_at"
               /* Asked back since we looked: another broker had claimed it. The next look sees it. */
               "  AND NOT EXISTS (SELECT FROM corridor.recalled x"
               "   WHERE x.message_id = d.message_id AND x.sender = d.sender)"
               " RETURNING u.i, d.claims, m.header, m.signature, m.body",
      &args);
  for (int row = 0; b->marked && row < PQntuples(b->marked); row++) {
    candidate *k = &b->list[db_get_int(b->marked, row, 0)];
    k->claimed = true;
    k->first = db_get_int(b->marked, row, 1) == 1;
    k->row = row;
  }
  return b->marked != NULL;
}

static void note(act *a, core *c, candidate *k, Corridor__V1__LogKind kind) {
  Corridor__V1__LogRecord record;
  ledger_of_header(&record, kind, a->now, k->header);
  if (k->cover) record.consent_id = k->cover->consent_id;
  record.code = (uint32_t)k->code;
  record.card_list = cor_cards_number(c->cards);
  record.agreement = (char *)k->agreement;
  const size_t entry = ledger_add(&a->log, &record);
  if (kind == CORRIDOR__V1__LOG_KIND__LOG_CLAIMED) a->log.entries[entry].leaf_id = k->leaf;
}

static bool tell_stopped(core *c, act *a, candidate *k) {
  note(a, c, k, CORRIDOR__V1__LOG_KIND__LOG_STOPPED);
  notice_end(&a->notices, k->header->sender, k->message_id, k->header->handle.data,
             k->has_case ? k->case_handle : NULL,
             k->code == COR_RECIPIENT_UNKNOWN ? CORRIDOR__V1__END_STATE__RECIPIENT_GONE
                                              : CORRIDOR__V1__END_STATE__STOPPED,
             k->code, a->now, (cor_bytes){0});
  return duties_waive_message(c, a, (cor_bytes){k->message_id, COR_ID_LEN}) &&
         (k->header->type != COR_T(REFERRAL) || referral_stopped(c, a, k->header->handle.data));
}

/* What the gate stops now: told to the sender, never in the way of the next. */
static bool stop_refused(core *c, act *a, claim_batch *b) {
  db_args args = {0};
  db_array *sequence = db_list(&args, DB_I64), *code = db_list(&args, DB_I32);
  for (size_t i = 0; i < b->n; i++) {
    candidate *k = &b->list[i];
    if (k->code == COR_OK || k->code == COR_CASE_SUSPENDED) continue;
    db_add_i64(sequence, k->sequence);
    db_add_i64(code, k->code);
  }
  if (sequence->count == 0) {
    db_args_clear(&args);
    return true;
  }
  PGresult *r = db_run(
      c->db,
      "UPDATE corridor.delivery d SET state = 4, stop_code = u.code FROM"
      " unnest($1::bigint[], $2::int[]) AS u (sequence, code) WHERE d.sequence = u.sequence AND " STATE_OF(
          "d") " = 1"
               " RETURNING d.sequence",
      &args);
  if (!r) return false;
  bool ok = true;
  for (int row = 0; ok && row < PQntuples(r); row++)
    for (size_t i = 0; ok && i < b->n; i++)
      if (b->list[i].sequence == db_get_int(r, row, 0)) ok = tell_stopped(c, a, &b->list[i]);
  core_count(c, CORE_STOPPED, PQntuples(r));
  PQclear(r);
  return ok;
}

/* Under the case's lock, as all that is claimed: who lifts the suspension, and puts it
 * back into the queue, comes before or after. Nobody is told: it has not ended. */
static bool set_suspended_aside(core *c, const claim_batch *b) {
  db_args args = {0};
  db_array *sequence = db_list(&args, DB_I64);
  for (size_t i = 0; i < b->n; i++)
    if (b->list[i].code == COR_CASE_SUSPENDED) db_add_i64(sequence, b->list[i].sequence);
  if (sequence->count == 0) {
    db_args_clear(&args);
    return true;
  }
  return db_do(c->db,
               "UPDATE corridor.delivery SET state = 8"
               " WHERE sequence = ANY($1::bigint[]) AND " STATE_OF("delivery") " = 1",
               &args);
}

/* ---- sending, after the commit ---- */

/* False: the office is gone, or its window was filled meanwhile. */
static bool send_one(core *c, const candidate *k, const PGresult *marked) {
  cor_error err;
  bool sent = false;
  cor_bytes header = db_get_bytes(marked, k->row, 2);
  Corridor__V1__Signature *signature = (Corridor__V1__Signature *)cor_decode(
      &corridor__v1__signature__descriptor, db_get_bytes(marked, k->row, 3), COR_HEADER_MAX, true, &err);
  Corridor__V1__Envelope envelope = CORRIDOR__V1__ENVELOPE__INIT;
  Corridor__V1__Delivery delivery = CORRIDOR__V1__DELIVERY__INIT;
  envelope.header = (ProtobufCBinaryData){header.len, (uint8_t *)header.data};
  envelope.signature = signature;
  delivery.sequence = (uint64_t)k->sequence;
  delivery.envelope = &envelope;
  delivery.admitted_at = k->admitted_at;
  pthread_mutex_lock(&c->sessions->lock);
  session *s = session_of(c->sessions, k->header->recipient);
  if (s) s->due = true; /* its room was counted before this one left */
  /* A newer session gave back what the former had claimed: this claim is not its. */
  if (signature && s && s->connection == k->connection && s->in_flight < s->window) {
    delivery.n = s->delivered_n + 1;
    /* Safe to send: the claim is committed (act_commit true), so a withdrawal from
     * here on finds this office on its list. */
    sent = doorway_send(c->doorway, s->connection, COR_DELIVER, &delivery.base,
                        db_get_bytes(marked, k->row, 4));
    s->delivered_n += sent;
    s->in_flight += sent;
    s->in_flight_bytes += sent ? k->bytes : 0;
  }
  pthread_mutex_unlock(&c->sessions->lock);
  cor_message_free((ProtobufCMessage *)signature);
  return sent;
}

/* What could not be sent waits again at once; if this fails its lease runs out. */
static void give_back(core *c, const claim_batch *b, const bool *unsent) {
  db_args args = {0};
  db_array *sequence = db_list(&args, DB_I64);
  for (size_t i = 0; i < b->n; i++)
    if (unsent[i]) db_add_i64(sequence, b->list[i].sequence);
  db_text(&args, c->broker);
  if (sequence->count == 0)
    db_args_clear(&args);
  else if (!db_do(
               c->db,
               "UPDATE corridor.delivery SET state = 1, lease_until = NULL"
               " WHERE sequence = ANY($1::bigint[]) AND " STATE_OF("delivery") " = 2 AND lease_broker = $2",
               &args))
    COR_LOG(c->log, COR_WARN, "leases-left");
}

static bool claim_batch_run(core *c, claim_batch *b, int64_t now) {
  act a;
  bool ok = false, current = true;
  act_begin(&a, c, now);
  if (!db_begin(c->db) || !registry_ask(c) || !judge(c, b, now, &current)) goto out;
  if (!mark_claimed(c, b, now) || !stop_refused(c, &a, b) || !set_suspended_aside(c, b)) goto out;
  for (size_t i = 0; i < b->n; i++)
    if (b->list[i].claimed && b->list[i].first) note(&a, c, &b->list[i], CORRIDOR__V1__LOG_KIND__LOG_CLAIMED);
  ok = act_write(&a, c) && act_commit(c);
out:
  if (!ok) db_rollback(c->db);
  act_clear(&a);
  c->stale = !current;
  return ok || !current; /* a stale card list is refreshed before the next round */
}

bool claim_round(core *c, bool sweep, bool *any) {
  claim_batch b = {0};
  *any = false;
  if (!c->cards || !db_ready(c->db)) return true;
  PGresult *r;
  if (!queue_look(c, sweep, &r)) return false;
  if (!r) return true;
  b.list = calloc(QUEUE_LOOK_MAX, sizeof *b.list);
  if (!b.list) abort();
  for (int row = 0; row < PQntuples(r) && b.n < QUEUE_LOOK_MAX; row++)
    take_candidate(c, &b, r, row);
  PQclear(r);
  const bool ok = b.n == 0 || claim_batch_run(c, &b, core_gate_time(c));
  int64_t sent = 0;
  bool unsent[QUEUE_LOOK_MAX] = {false};
  for (size_t i = 0; ok && i < b.n; i++) {
    unsent[i] = b.list[i].claimed && !send_one(c, &b.list[i], b.marked);
    sent += b.list[i].claimed && !unsent[i];
    *any |= (b.list[i].claimed && !unsent[i]) || b.list[i].code != COR_OK;
  }
  if (ok) give_back(c, &b, unsent);
  core_count(c, CORE_CLAIMED, sent);
  batch_clear(&b);
  return ok;
}

/* ---- what is in flight, by the book ---- */

/* A commit in doubt, or a lease that ran out unseen, leaves the count in memory
 * wrong: an office would be sent less and less. */
bool claim_recount(core *c) {
  db_args args = {0};
  db_text(&args, c->broker);
  PGresult *r = db_run(c->db,
                       "SELECT d.recipient, count(*), coalesce(sum(octet_length(m.body)), 0)::bigint"
                       " FROM corridor.delivery d JOIN corridor.message m"
                       "  ON m.message_id = d.message_id AND m.admitted_at = d.admitted_at"
                       " WHERE d.state = 2 AND d.lease_broker = $1 GROUP BY d.recipient",
                       &args);
  if (!r) return false;
  pthread_mutex_lock(&c->sessions->lock);
  for (size_t i = 0; i < c->sessions->n; i++) {
    c->sessions->list[i].in_flight = 0;
    c->sessions->list[i].in_flight_bytes = 0;
  }
  for (int row = 0; row < PQntuples(r); row++) {
    session *s = session_of(c->sessions, db_get_text(r, row, 0));
    if (!s) continue;
    s->in_flight = (uint32_t)db_get_int(r, row, 1);
    s->in_flight_bytes = (uint64_t)db_get_int(r, row, 2);
  }
  pthread_mutex_unlock(&c->sessions->lock);
  PQclear(r);
  return true;
}

/* ---- timers ---- */

bool claim_timers(core *c, int64_t from, int64_t now) {
  act a;
  bool ok = false;
  PGresult *r = NULL, *lapsed = NULL;
  db_args args = {0};
  act_begin(&a, c, now);
  if (!db_begin(c->db)) return false;
  db_i64(&args, from);
  db_i64(&args, now);
  lapsed = db_run(c->db,
                  "UPDATE corridor.delivery d SET state = 1, lease_until = NULL FROM corridor.message m"
                  " WHERE d.sequence IN (SELECT sequence FROM corridor.delivery WHERE state = 2"
                  "  AND lease_until > $1 AND lease_until <= $2 ORDER BY sequence FOR UPDATE SKIP LOCKED)"
                  " AND m.message_id = d.message_id AND m.admitted_at = d.admitted_at"
                  " RETURNING d.recipient, d.lease_broker, coalesce(octet_length(m.body), 0)",
                  &args);
  if (!lapsed) goto out;
  db_i64(&args, now);
  db_i32(&args, QUEUE_LOOK_MAX);
  r = db_run(c->db,
             "UPDATE corridor.delivery d SET state = 5 FROM corridor.message m WHERE d.sequence IN"
             " (SELECT sequence FROM corridor.delivery WHERE state IN (0, 1, 8) AND expires_at <= $1"
             "   ORDER BY sequence LIMIT $2 FOR UPDATE SKIP LOCKED)"
             " AND m.message_id = d.message_id AND m.admitted_at = d.admitted_at"
             " RETURNING d.message_id, d.sender, d.handle, d.case_handle, m.type,"
             " d.delivered_at IS NULL",
             &args);
  if (!r) goto out;
  ok = true;
  for (int i = 0; ok && i < PQntuples(r); i++) {
    if (db_get_int(r, i, 5)) /* a replay that expired was delivered before */
      notice_end(&a.notices, db_get_text(r, i, 1), db_get_bytes(r, i, 0).data, db_get_bytes(r, i, 2).data,
                 db_get_bytes(r, i, 3).data, CORRIDOR__V1__END_STATE__EXPIRED, COR_EXPIRED, now,
                 (cor_bytes){0});
    ok = duties_waive_message(c, &a, db_get_bytes(r, i, 0));
    if (ok && db_get_int(r, i, 4) == COR_T(REFERRAL))
      ok = referral_stopped(c, &a, db_get_bytes(r, i, 2).data);
  }
  ok = ok && act_write(&a, c) && act_commit(c);
  /* Their places in the window too, else an agent that could not keep what it was
   * sent (a full disk) would in the end be sent nothing. */
  for (int i = 0; ok && i < PQntuples(lapsed); i++)
    if (strcmp(db_get_text(lapsed, i, 1), c->broker) == 0)
      session_landed(c->sessions, db_get_text(lapsed, i, 0), (uint64_t)db_get_int(lapsed, i, 2));
out:
  PQclear(lapsed);
  PQclear(r);
  if (!ok) db_rollback(c->db);
  act_clear(&a);
  return ok;
}
