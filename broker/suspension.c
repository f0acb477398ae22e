/* suspension.c - a person's word without the code.
 *
 * For: withdrawal.c, which has found that nothing proves a withdrawal, and the
 * deliverer, which asks. Guarantees: who brings the word cannot see whether there is
 * such a case: reply, sizes and statements are the same. That is why the question to
 * the responsible office is put in a transaction of its own, a moment later, by
 * another thread; the row of the suspension, committed with the word, is what makes
 * it sure to come. While a case is suspended nothing that stands on consent is
 * admitted or claimed (gate.c); it waits in state 8 (claim.c) and goes on when the
 * suspension is lifted.
 *
 * A suspension nobody answers stays, and escalates: a person's word weighs more than
 * an office's convenience, and what may move without consent (a life at risk, a
 * child's best interests) is not held up by it.
 *
 * An office may try 30 times in 24 hours, so that a stolen key cannot stop every
 * child's handover; beyond that its words are receipted, logged and change nothing,
 * and the operator is alarmed. Trusts the gate-time of its caller. */
#include "suspension.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "duties.h"
#include "registry.h"
#include "told.h"
#include <string.h>

enum { ASK_MAX = 64 };

/* ---- begun ---- */

static void note(act *a, Corridor__V1__LogKind kind, const Corridor__V1__Header *by, cor_bytes handle,
                 int code) {
  Corridor__V1__LogRecord record = CORRIDOR__V1__LOG_RECORD__INIT;
  record.kind = kind;
  record.at = a->now;
  record.message_id = by->message_id;
  record.sender = by->sender;
  record.handle = (ProtobufCBinaryData){handle.len, (uint8_t *)handle.data};
  record.code = (uint32_t)code;
  ledger_add(&a->log, &record);
}

/* One alarm a day and office; the metric counts them all. */
static void watch(core *c, const char *office, int64_t before) {
  if (before < SUSPENSION_ATTEMPTS_MAX) return;
  core_count(c, CORE_UNPROVEN_WITHDRAWALS, 1);
  if (before == SUSPENSION_ATTEMPTS_MAX)
    COR_LOG(c->log, COR_ALARM, "withdrawals-without-proof", COR_WORD("office", office),
            COR_NUM("in_24_hours", before + 1));
}

bool suspension_begin(core *c, act *a, const Corridor__V1__Header *header,
                      const Corridor__V1__ConsentWithdrawal *body) {
  db_args args = {0};
  db_text(&args, header->sender);
  db_bytes(&args, cor_bytes_of(body->reference_hash));
  db_i32(&args, body->withdrawal_hash.len > 0);
  db_i64(&args, a->now);
  db_i64(&args, a->now - SUSPENSION_MEMORY_MS);
  db_bytes(&args, cor_bytes_of(header->message_id));
  db_i64(&args, SUSPENSION_ATTEMPTS_MAX);
  PGresult *r = db_run(
      c->db,
      "WITH before AS (SELECT count(*) AS n FROM (SELECT FROM corridor.withdrawal_attempt"
      "   WHERE office = $1 AND at > $5 LIMIT $7 + 1) x),"
      " tried AS (INSERT INTO corridor.withdrawal_attempt (office, reference, with_code, at)"
      "   VALUES ($1, coalesce($2::bytea, ''), $3 <> 0, $4)),"
      " found AS (SELECT k.handle FROM corridor.avrr_case k, before WHERE before.n < $7"
      "   AND k.reference_hash = $2 AND k.withdrawn_at IS NULL AND k.suspended_at IS NULL"
      "   ORDER BY k.handle FOR UPDATE OF k),"
      " held AS (UPDATE corridor.avrr_case k SET suspended_at = $4 FROM found WHERE k.handle = found.handle"
      "   RETURNING k.handle),"
      " kept AS (INSERT INTO corridor.suspension (case_handle, message_id, by_office, began_at)"
      "   SELECT handle, $6, $1, $4 FROM held RETURNING case_handle)"
      " SELECT before.n, kept.case_handle FROM before LEFT JOIN kept ON true",
      &args);
  if (!r) return false;
  watch(c, header->sender, db_get_int(r, 0, 0));
  for (int row = 0; row < PQntuples(r); row++)
    if (!db_null(r, row, 1))
      note(a, CORRIDOR__V1__LOG_KIND__LOG_SUSPENDED, header, db_get_bytes(r, row, 1), COR_OK);
  PQclear(r);
  return true;
}

/* ---- ended ---- */

static bool end(core *c, act *a, cor_bytes handle, const Corridor__V1__Header *by, int code) {
  db_args args = {0};
  db_bytes(&args, handle);
  db_i64(&args, a->now);
  db_bytes(&args, cor_bytes_of(by->message_id));
  PGresult *r = db_run(c->db,
                       "WITH ended AS (UPDATE corridor.suspension SET ended_at = $2, ended_by = $3"
                       "   WHERE case_handle = $1 AND ended_at IS NULL)"
                       " UPDATE corridor.avrr_case SET suspended_at = NULL"
                       " WHERE handle = $1 AND suspended_at IS NOT NULL RETURNING handle",
                       &args);
  if (!r) return false;
  if (PQntuples(r) > 0) note(a, CORRIDOR__V1__LOG_KIND__LOG_SUSPENSION_ENDED, by, handle, code);
  PQclear(r);
  return true;
}

bool suspension_end_withdrawn(core *c, act *a, cor_bytes handle, const Corridor__V1__Header *by) {
  return end(c, a, handle, by, COR_CONSENT_WITHDRAWN);
}

bool suspension_end_lifted(core *c, act *a, cor_bytes handle, const Corridor__V1__Header *by) {
  if (!end(c, a, handle, by, COR_OK)) return false;
  db_args args = {0};
  db_bytes(&args, handle);
  PGresult *r = db_run(c->db,
                       "UPDATE corridor.delivery d SET state = 1 WHERE d.case_handle = $1 AND " STATE_OF(
                           "d") " = 8 RETURNING d.recipient",
                       &args);
  if (!r) return false;
  for (int row = 0; row < PQntuples(r); row++)
    core_waiting(c, db_get_text(r, row, 0), true); /* its place in the queue is that of its admission */
  PQclear(r);
  return true;
}

/* ---- asked ---- */

const char *suspension_responsible(core *c, const char *host, const char *origin, int64_t now) {
  return registry_standing(c, host, now) == COR_OK ? host : origin;
}

typedef struct question {
  int64_t n, began_at;
  cor_bytes handle, word; /* the case; message id of the word */
  const char *host, *origin, *asked;
  bool origin_knows; /* the case's handle */
  bool again;        /* somebody else was asked before */
} question;

/* The other mission waits for the answer too, if it knows the case. */
static void open_duty(act *a, const question *q, const uint8_t *notice_id, int64_t due_at) {
  duty_opening duty = {
      .duty = COR_DUTY_SUSPENSION_ANSWER, .state = CORRIDOR__V1__OBLIGATION_STATE__OPEN, .due_at = due_at};
  const bool to_host = q->asked == q->host;
  snprintf(duty.responsible, sizeof duty.responsible, "%s", q->asked);
  snprintf(duty.counterpart, sizeof duty.counterpart, "%s",
           to_host && q->origin_knows ? q->origin : q->asked);
  memcpy(duty.handle, q->handle.data, COR_ID_LEN);
  memcpy(duty.case_handle, q->handle.data, COR_ID_LEN);
  memcpy(duty.message_id, notice_id, COR_ID_LEN);
  act_open(a, &duty);
}

/* An office asked about a case it never heard of has to be able to answer. */
static bool mark_asked(core *c, const act *a, const question *q, const uint8_t *notice_id) {
  db_args args = {0};
  db_i64(&args, q->n);
  db_text(&args, q->asked);
  db_bytes(&args, (cor_bytes){notice_id, COR_ID_LEN});
  db_bytes(&args, q->handle);
  db_i64(&args, a->now);
  return db_do(c->db,
               "WITH marked AS (UPDATE corridor.suspension SET asked = $2, notice_id = $3 WHERE n = $1)"
               " INSERT INTO corridor.standing VALUES ($2, $4, $4, $5) ON CONFLICT DO NOTHING",
               &args);
}

static bool ask(core *c, act *a, question *q) {
  Corridor__V1__SuspensionNotice body = CORRIDOR__V1__SUSPENSION_NOTICE__INIT;
  q->asked = suspension_responsible(c, q->host, q->origin, a->now);
  body.suspended_at = q->began_at;
  body.answer_due = told_due(c, q->asked, COR_DUTY_SUSPENSION_ANSWER, q->again ? a->now : q->began_at);
  const uint8_t *id = notice_add(&a->notices, q->asked, COR_T(SUSPENSION_NOTICE), q->handle.data,
                                 q->handle.data, q->word.data, &body.base);
  if (!id) return true; /* to the hub itself: no mission of a case is */
  open_duty(a, q, id, body.answer_due);
  return mark_asked(c, a, q, id);
}

#define QUESTIONS                                                                                            \
  "SELECT s.n, s.case_handle, s.message_id, s.began_at, k.host_office, k.origin_office,"                     \
  "  EXISTS (SELECT FROM corridor.standing t WHERE t.office = k.origin_office AND t.handle = k.handle),"     \
  "  s.notice_id FROM corridor.suspension s JOIN corridor.avrr_case k ON k.handle = s.case_handle"           \
  " WHERE s.ended_at IS NULL AND "
#define OLDEST " ORDER BY s.began_at LIMIT $1 FOR UPDATE OF s SKIP LOCKED"

static PGresult *find_unasked(core *c) {
  db_args args = {0};
  db_i32(&args, ASK_MAX);
  return db_run(c->db, QUESTIONS "s.notice_id IS NULL" OLDEST, &args);
}

/* Put to a host whose card has ended, or was suspended, since: nobody could answer. */
static PGresult *find_orphaned(core *c, int64_t now) {
  const Corridor__V1__CardList *list = cor_cards_list(c->cards);
  db_args args = {0};
  db_i32(&args, ASK_MAX);
  db_array *standing = db_list(&args, DB_TEXT);
  for (size_t i = 0; i < list->n_cards; i++)
    if (registry_standing(c, list->cards[i]->office, now) == COR_OK)
      db_add_text(standing, list->cards[i]->office);
  return db_run(c->db,
                QUESTIONS "s.asked = k.host_office AND s.asked <> ALL($2::text[])"
                          " AND k.origin_office = ANY($2::text[])" OLDEST,
                &args);
}

/* From here on the former question is nobody's to answer, and nobody's duty. */
static bool ask_row(core *c, act *a, const PGresult *r, int row) {
  question q = {.n = db_get_int(r, row, 0),
                .handle = db_get_bytes(r, row, 1),
                .word = db_get_bytes(r, row, 2),
                .began_at = db_get_int(r, row, 3),
                .host = db_get_text(r, row, 4),
                .origin = db_get_text(r, row, 5),
                .origin_knows = db_get_int(r, row, 6) != 0,
                .again = !db_null(r, row, 7)};
  return (!q.again || duties_waive_message(c, a, db_get_bytes(r, row, 7))) && ask(c, a, &q);
}

static bool ask_all(core *c, int64_t now, bool again) {
  act a;
  PGresult *r = NULL;
  act_begin(&a, c, now);
  bool ok = db_begin(c->db) && (r = again ? find_orphaned(c, now) : find_unasked(c)) != NULL;
  for (int row = 0; ok && row < PQntuples(r); row++)
    ok = ask_row(c, &a, r, row);
  ok = ok && act_write(&a, c) && act_commit(c);
  if (!ok) db_rollback(c->db);
  PQclear(r);
  act_clear(&a);
  return ok;
}

bool suspension_ask(core *c, int64_t now) {
  return ask_all(c, now, false);
}

bool suspension_ask_again(core *c, int64_t now) {
  return ask_all(c, now, true);
}

bool suspension_forget(core *c, int64_t now) {
  db_args args = {0};
  db_i64(&args, now - SUSPENSION_MEMORY_MS);
  return db_do(c->db, "SELECT corridor.forget_withdrawal_attempts($1)", &args);
}
