/* withdrawal.c - what a withdrawal does, in one transaction.
 *
 * For: marking what is taken back (all consent of a case, one, or a part) and having
 * it recalled (recall.c). Guarantees: the case row is held FOR UPDATE from before the
 * first statement here to the commit, while every claim holds it FOR SHARE: a message
 * was either claimed before (then its recipient is asked) or is never delivered. The
 * reply is the same whether or not the sender may withdraw; what nothing proves is
 * suspension.c's, and costs the same whatever reference and code it shows. A code
 * cannot be tried often: after ten wrong ones for a reference, an office's codes for
 * it count as none for a day. Never blocked by state, consent or limits. */
#include "withdrawal.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "duties.h"
#include "recall.h"
#include "suspension.h"
#include <string.h>

#define EXTENT(x) CORRIDOR__V1__WITHDRAWAL_EXTENT__##x

/* The offices the case belongs to, or the one that took the very consent; anyone
 * else only with reference and code, which act at once from any office. */
static bool authorise(core *c, const act *a, facts_item *it, const Corridor__V1__ConsentWithdrawal *body,
                      bool *may) {
  db_args args = {0};
  db_text(&args, it->header->sender);
  db_bytes(&args, (cor_bytes){it->case_handle, it->has_case ? COR_ID_LEN : 0});
  db_bytes(&args, cor_bytes_of(body->consent_id));
  db_bytes(&args, cor_bytes_of(body->reference_hash));
  db_bytes(&args, cor_bytes_of(body->withdrawal_hash));
  db_i64(&args, a->now - SUSPENSION_MEMORY_MS);
  db_i64(&args, SUSPENSION_CODES_MAX);
  PGresult *r = db_run(
      c->db,
      "SELECT handle FROM corridor.avrr_case k WHERE"
      " (handle = $2 AND (host_office = $1 OR origin_office = $1 OR EXISTS (SELECT FROM corridor.consent"
      "   WHERE case_handle = k.handle AND consent_id = $3 AND taken_by = $1)))"
      " OR (reference_hash = $4 AND withdrawal_hash = $5 AND (SELECT count(*) FROM (SELECT FROM"
      "   corridor.withdrawal_attempt WHERE office = $1 AND reference = $4 AND with_code AND at > $6"
      "   LIMIT $7) x) < $7) ORDER BY handle = $2 DESC LIMIT 1 FOR UPDATE",
      &args);
  if (!r) return false;
  *may = PQntuples(r) == 1;
  if (*may) {
    db_get_fixed(r, 0, 0, it->case_handle, COR_ID_LEN);
    it->has_case = true;
  }
  PQclear(r);
  return true;
}

/* ---- marking; *news: something was still standing ---- */

static bool mark(core *c, const act *a, const recall *what, bool *news) {
  db_args args = {0};
  db_bytes(&args, what->handle);
  db_bytes(&args, what->consent_id);
  db_i64(&args, a->now);
  PGresult *marked = db_run(
      c->db,
      "WITH consents AS (UPDATE corridor.consent SET withdrawn_at = $3 WHERE case_handle = $1"
      "   AND withdrawn_at IS NULL AND ($2::bytea IS NULL OR consent_id = $2) RETURNING 1),"
      " cases AS (UPDATE corridor.avrr_case SET withdrawn_at = $3 WHERE handle = $1"
      "   AND withdrawn_at IS NULL AND $2::bytea IS NULL RETURNING 1)"
      " SELECT FROM consents UNION ALL SELECT FROM cases",
      &args);
  if (!marked) return false;
  *news = PQntuples(marked) > 0;
  PQclear(marked);
  return true;
}

/* Of every version there is: a later one, if the person agrees anew, stands. A scope
 * for a class of offices goes on standing for the others of the class; any class, for
 * the CA may have another role written on the office's card tomorrow. Of offices that
 * there are or were, so that the list cannot grow without end. */
static bool mark_part(core *c, const act *a, const recall *what, bool *news) {
  db_args args = {0};
  db_bytes(&args, what->handle);
  db_bytes(&args, what->consent_id);
  db_i64(&args, a->now);
  db_i32(&args, what->purpose);
  db_text(&args, what->recipient);
  PGresult *marked = db_run(
      c->db,
      "WITH standing AS (SELECT s.consent_id, s.version, s.n FROM corridor.consent_scope s"
      "   JOIN corridor.consent k ON k.consent_id = s.consent_id AND k.version = s.version"
      "   WHERE k.case_handle = $1 AND k.withdrawn_at IS NULL AND ($2::bytea IS NULL OR k.consent_id = $2)"
      "   AND s.withdrawn_at IS NULL AND ($4 = 0 OR s.purpose = $4)),"
      " whole AS (UPDATE corridor.consent_scope s SET withdrawn_at = $3 FROM standing u"
      "   WHERE (s.consent_id, s.version, s.n) = (u.consent_id, u.version, u.n)"
      "   AND ($5 = '' OR s.recipient_office = $5) RETURNING 1),"
      " of_class AS (UPDATE corridor.consent_scope s SET except_offices = array_append(s.except_offices, $5)"
      "   FROM standing u WHERE (s.consent_id, s.version, s.n) = (u.consent_id, u.version, u.n)"
      "   AND $5 <> '' AND s.recipient_office = '' AND $5 <> ALL(s.except_offices)"
      "   AND EXISTS (SELECT FROM corridor.office o WHERE o.id = $5) RETURNING 1)"
      " SELECT FROM whole UNION ALL SELECT FROM of_class",
      &args);
  if (!marked) return false;
  *news = PQntuples(marked) > 0;
  PQclear(marked);
  return true;
}

static bool write_record(core *c, act *a, const recall *what) {
  db_args args = {0};
  db_bytes(&args, cor_bytes_of(what->header->message_id));
  db_bytes(&args, what->handle);
  db_bytes(&args, what->consent_id);
  db_text(&args, what->header->sender);
  db_i64(&args, a->now);
  db_text(&args, what->recipient);
  db_i32(&args, what->purpose);
  Corridor__V1__LogRecord record = CORRIDOR__V1__LOG_RECORD__INIT;
  record.kind = CORRIDOR__V1__LOG_KIND__LOG_WITHDRAWN;
  record.at = a->now;
  record.message_id = what->header->message_id;
  record.sender = what->header->sender;
  record.recipient = (char *)what->recipient;
  record.purpose = (Corridor__V1__Purpose)what->purpose;
  record.handle = (ProtobufCBinaryData){what->handle.len, (uint8_t *)what->handle.data};
  record.consent_id = (ProtobufCBinaryData){what->consent_id.len, (uint8_t *)what->consent_id.data};
  ledger_add(&a->log, &record);
  return db_do(c->db, "INSERT INTO corridor.withdrawal VALUES ($1, $2, $3, $4, $5, $6, $7)", &args);
}

/* ---- by somebody who may ---- */

static bool withdraw(core *c, act *a, const recall *what, cor_duty answering) {
  bool news;
  const bool whole = !what->part && !what->consent_id.data;
  if (!(what->part ? mark_part(c, a, what, &news) : mark(c, a, what, &news))) return false;
  if (!write_record(c, a, what)) return false;
  if (!news) return true; /* withdrawn before: everyone has been asked */
  if (whole && !(suspension_end_withdrawn(c, a, what->handle, what->header) &&
                 duties_waive_case(c, a, what->handle, answering)))
    return false;
  return recall_all(c, a, what);
}

bool withdrawal_whole(core *c, act *a, cor_bytes handle, const Corridor__V1__Header *header,
                      cor_duty answering) {
  const recall what = {.handle = handle, .recipient = "", .header = header};
  return withdraw(c, a, &what, answering);
}

bool withdrawal_apply(core *c, act *a, facts_item *it, const ProtobufCMessage *message, int *code) {
  const Corridor__V1__ConsentWithdrawal *body = (const Corridor__V1__ConsentWithdrawal *)message;
  bool may = false;
  *code = COR_OK;
  if (!authorise(c, a, it, body, &may)) return false;
  if (!may) {
    it->has_case = false;
    return suspension_begin(c, a, it->header, body);
  }
  recall what = {.handle = {it->case_handle, COR_ID_LEN}, .recipient = "", .header = it->header};
  if (body->extent != EXTENT(ALL_CONSENT)) what.consent_id = cor_bytes_of(body->consent_id);
  if (body->extent == EXTENT(PART)) {
    what.part = true;
    what.recipient = body->recipient_office;
    what.purpose = (int)body->purpose;
  }
  return withdraw(c, a, &what, COR_DUTY_NONE);
}
