/* recall.c - after a consent was marked withdrawn, or a decision in place of one was
 * found wrong, in the same transaction.
 *
 * For: withdrawal.c and basis.c. Guarantees: what has not left is stopped and
 * its sender told, also what waited for the end of a suspension; who was told is
 * asked back, onward recipients too (told.c), and owes an answer, and what was asked
 * back is never sent again; offices of the case that were told nothing hear of it.
 * Trusts that the case row is held FOR UPDATE from before the mark to the commit: a
 * message was either claimed before (then its recipient is asked) or is never
 * delivered. */
#include "recall.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "duties.h"
#include "referral.h"
#include "told.h"

static int why(const recall *what) {
  return what->message_id.data ? COR_BASIS_NOT_ALLOWED : COR_CONSENT_WITHDRAWN;
}

/* Which messages of the case are meant, with the arguments that it takes; the same of
 * those that wait and of those that left. */
#define MEANT                                                                                                \
  " AND ($2::bytea IS NULL OR m.consent_id = $2) AND ($4 = 0 OR m.consent_id IS NOT NULL)"                   \
  " AND ($5 = '' OR d.recipient = $5) AND ($6 = 0 OR m.purpose = $6)"                                        \
  " AND ($7::bytea IS NULL OR m.message_id = $7)"

static void give(db_args *args, const recall *what) {
  db_bytes(args, what->handle);
  db_bytes(args, what->consent_id);
  db_i32(args, why(what));
  db_i32(args, what->part);
  db_text(args, what->recipient);
  db_i32(args, what->purpose);
  db_bytes(args, what->message_id);
}

/* Queued, held and suspended messages of the case that stood on it. */
static PGresult *stop(core *c, const recall *what) {
  db_args args = {0};
  give(&args, what);
  return db_run(c->db,
                "UPDATE corridor.delivery d SET state = 4, stop_code = $3 FROM corridor.message m"
                " WHERE d.case_handle = $1 AND " STATE_OF(
                    "d") " IN (0, 1, 8) AND d.lane <= 0"
                         " AND m.message_id = d.message_id AND m.admitted_at = d.admitted_at" MEANT
                         " RETURNING d.message_id, d.sender, d.handle, d.lane",
                &args);
}

static bool stop_waiting(core *c, act *a, const recall *what) {
  PGresult *r = stop(c, what);
  if (!r) return false;
  bool ok = true;
  for (int i = 0; ok && i < PQntuples(r); i++) {
    Corridor__V1__LogRecord record = CORRIDOR__V1__LOG_RECORD__INIT;
    cor_bytes id = db_get_bytes(r, i, 0), handle = db_get_bytes(r, i, 2);
    record.kind = CORRIDOR__V1__LOG_KIND__LOG_STOPPED;
    record.at = a->now;
    record.message_id = (ProtobufCBinaryData){id.len, (uint8_t *)id.data};
    record.sender = (char *)db_get_text(r, i, 1);
    record.handle = (ProtobufCBinaryData){handle.len, (uint8_t *)handle.data};
    record.code = (uint32_t)why(what);
    ledger_add(&a->log, &record);
    notice_end(&a->notices, db_get_text(r, i, 1), id.data, handle.data, what->handle.data,
               CORRIDOR__V1__END_STATE__STOPPED, why(what), a->now, (cor_bytes){0});
    /* Nothing is owed for a part of a file, and there may be hundreds. */
    if (db_get_int(r, i, 3) == COR_LANE_CASE) ok = duties_waive_message(c, a, id);
  }
  core_count(c, CORE_STOPPED, PQntuples(r));
  PQclear(r);
  return ok;
}

/* One candidate of several may be taken out, by name or with the consent that was given
 * for it: then it is the next one's turn, also where the offer has been delivered, for
 * nothing could be handed over any more. */
static bool end_offers(core *c, act *a, const recall *what) {
  if (!what->part && !what->consent_id.data) return true; /* the case has ended, with all its needs */
  db_args args = {0};
  db_bytes(&args, what->handle);
  db_bytes(&args, what->consent_id);
  db_text(&args, what->recipient);
  db_i32(&args, what->purpose);
  PGresult *r = db_run(c->db,
                       "SELECT o.handle, o.message_id FROM corridor.referral o JOIN corridor.message m"
                       "  ON m.message_id = o.message_id AND m.sender = o.asker"
                       " WHERE o.case_handle = $1 AND o.state IN (0, 1) AND o.consent_id IS NOT NULL"
                       "  AND ($2::bytea IS NULL OR o.consent_id = $2) AND ($3 = '' OR o.provider = $3)"
                       "  AND ($4 = 0 OR m.purpose = $4) ORDER BY o.handle",
                       &args);
  if (!r) return false;
  bool ok = true;
  for (int i = 0; ok && i < PQntuples(r); i++)
    ok = duties_waive_message(c, a, db_get_bytes(r, i, 1)) &&
         referral_taken_back(c, a, db_get_bytes(r, i, 0).data);
  PQclear(r);
  return ok;
}

static Corridor__V1__WithdrawalNotice notice_of(const act *a, const recall *what) {
  Corridor__V1__WithdrawalNotice body = CORRIDOR__V1__WITHDRAWAL_NOTICE__INIT;
  body.consent_id = (ProtobufCBinaryData){what->consent_id.len, (uint8_t *)what->consent_id.data};
  body.withdrawn_at = a->now;
  body.part = what->part;
  body.purpose = (Corridor__V1__Purpose)what->purpose;
  body.not_upheld = what->not_upheld;
  return body;
}

static void ask(core *c, act *a, const told *who, const void *ctx) {
  const recall *what = ctx;
  Corridor__V1__WithdrawalNotice body = notice_of(a, what);
  body.n_message_ids = who->n;
  body.message_ids = who->ids;
  body.compartment = who->restricted;
  body.answer_due = told_due(c, who->office, COR_DUTY_ERASURE_ANSWER, a->now);
  const uint8_t *id = notice_add(&a->notices, who->office, COR_T(WITHDRAWAL_NOTICE), who->handle.data,
                                 what->handle.data, what->header->message_id.data, &body.base);
  if (id) told_owes(a, who, COR_DUTY_ERASURE_ANSWER, what->handle, id, body.answer_due);
}

/* Everyone to whom something personal was ever claimed under it, by the handle
 * that office knows. */
static bool ask_recipients(core *c, act *a, const recall *what) {
  const told_query q = {.handle = what->handle,
                        .consent_id = what->consent_id,
                        .on_consent = what->part,
                        .recipient = what->recipient,
                        .purpose = what->purpose,
                        .message_id = what->message_id,
                        .but_to = ""};
  return told_each(c, a, &q, ask, what);
}

/* Offices of the case itself where none but the holders of something restricted were
 * told owe nothing for the rest, but must not go on as if the consent stood. Of a part
 * only who took a consent hears: the others need not learn what it had been for. */
static bool inform_parties(core *c, act *a, const recall *what) {
  db_args args = {0};
  db_bytes(&args, what->handle);
  db_bytes(&args, what->consent_id);
  db_text(&args, what->header->sender);
  db_i32(&args, COR_RESTRICTED);
  db_i32(&args, what->part);
  PGresult *r = db_run(
      c->db,
      "SELECT s.office FROM corridor.standing s WHERE s.case_handle = $1 AND s.handle = $1 AND s.office <> $3"
      " AND ($5 = 0 OR EXISTS (SELECT FROM corridor.consent k WHERE k.case_handle = $1 AND k.taken_by = "
      "s.office"
      "   AND ($2::bytea IS NULL OR k.consent_id = $2)))"
      " AND ($5 <> 0 OR NOT EXISTS (SELECT FROM corridor.delivery d JOIN corridor.message m"
      "   ON m.message_id = d.message_id AND m.admitted_at = d.admitted_at"
      "   WHERE d.case_handle = $1 AND d.recipient = s.office AND d.handle = $1"
      "   AND (1 << m.compartment) & $4 = 0 AND d.first_claimed_at IS NOT NULL AND m.sender <> 'hub' AND "
      "(m.categories & ~2) <> 0"
      "   AND ($2::bytea IS NULL OR m.consent_id = $2))) ORDER BY s.office",
      &args);
  if (!r) return false;
  Corridor__V1__WithdrawalNotice body = notice_of(a, what);
  if (what->part) body.recipient_office = (char *)what->recipient;
  for (int i = 0; i < PQntuples(r); i++)
    notice_add(&a->notices, db_get_text(r, i, 0), COR_T(WITHDRAWAL_NOTICE), what->handle.data,
               what->handle.data, what->header->message_id.data, &body.base);
  PQclear(r);
  return true;
}

/* What was asked back does not leave once more: not when its receipt is missing, not to
 * a store that went back, and not under a consent given since. */
static bool mark(core *c, const recall *what) {
  db_args args = {0};
  give(&args, what);
  return db_do(c->db,
               "INSERT INTO corridor.recalled SELECT d.message_id, d.sender, $3 FROM corridor.delivery d"
               " JOIN corridor.message m ON m.message_id = d.message_id AND m.admitted_at = d.admitted_at"
               " WHERE d.case_handle = $1 AND d.first_claimed_at IS NOT NULL"
               " AND m.sender <> 'hub' AND (m.categories & ~2) <> 0" MEANT " ON CONFLICT DO NOTHING",
               &args);
}

bool recall_all(core *c, act *a, const recall *what) {
  return stop_waiting(c, a, what) && ask_recipients(c, a, what) && mark(c, what) &&
         (what->message_id.data || (end_offers(c, a, what) && inform_parties(c, a, what)));
}
