/* withdrawal.c - what a withdrawal does, in one transaction.
 *
 * For: stopping what has not left, telling who was told, opening their duty to
 * answer. Guarantees: the case row is held FOR UPDATE from before the first
 * statement here to the commit, while every claim holds it FOR SHARE: a message
 * was either claimed before (then its recipient is on the list below) or is
 * never delivered. The reply is the same whether or not the sender may withdraw.
 * Never blocked by state, consent or limits. */
#include "withdrawal.h"
#include "corridor/codec.h"
#include "corridor/calendar.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "duties.h"
#include "mail.h"
#include <stdlib.h>
#include <string.h>

enum { NOTICE_IDS_MAX = 1000 }; /* content rules allow 1024 in one notice */

typedef struct taken_back {
  cor_bytes handle;     /* the case */
  cor_bytes consent_id; /* data NULL = every consent */
  cor_bytes message_id; /* this message only, and no consent; data NULL = what stood on the consent */
  Corridor__V1__LegalBasis not_upheld; /* of that message */
  const Corridor__V1__Header *header;
} taken_back;

/* The offices the case belongs to, or the one that took the very consent; anyone
 * else only with reference and code, which act at once from any office. */
static bool authorise(core *c, facts_item *it, const Corridor__V1__ConsentWithdrawal *body, bool *may) {
  db_args args = {0};
  db_text(&args, it->header->sender);
  db_bytes(&args, (cor_bytes){it->case_handle, it->has_case ? COR_ID_LEN : 0});
  db_bytes(&args, cor_bytes_of(body->consent_id));
  db_bytes(&args, cor_bytes_of(body->reference_hash));
  db_bytes(&args, cor_bytes_of(body->withdrawal_hash));
  PGresult *r = db_run(
      c->db,
      "SELECT handle FROM corridor.avrr_case k WHERE"
      " (handle = $2 AND (host_office = $1 OR origin_office = $1 OR EXISTS (SELECT FROM corridor.consent"
      "   WHERE case_handle = k.handle AND consent_id = $3 AND taken_by = $1)))"
      " OR (reference_hash = $4 AND withdrawal_hash = $5) ORDER BY handle = $2 DESC LIMIT 1 FOR UPDATE",
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

/* *news: something was still standing. */
static bool mark(core *c, const taken_back *t, int64_t now, bool *news) {
  db_args args = {0};
  db_bytes(&args, t->handle);
  db_bytes(&args, t->consent_id);
  db_i64(&args, now);
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
  db_bytes(&args, cor_bytes_of(t->header->message_id));
  db_bytes(&args, t->handle);
  db_bytes(&args, t->consent_id);
  db_text(&args, t->header->sender);
  db_i64(&args, now);
  return db_do(c->db, "INSERT INTO corridor.withdrawal VALUES ($1, $2, $3, $4, $5)", &args);
}

/* Queued and held messages of the case that stood on it. */
static bool stop_waiting(core *c, act *a, const taken_back *t) {
  const int code = t->message_id.data ? COR_BASIS_NOT_ALLOWED : COR_CONSENT_WITHDRAWN;
  db_args args = {0};
  db_bytes(&args, t->handle);
  db_bytes(&args, t->consent_id);
  db_i32(&args, code);
  db_bytes(&args, t->message_id);
  PGresult *r = db_run(c->db,
                       "UPDATE corridor.delivery d SET state = 4, stop_code = $3 FROM corridor.message m"
                       " WHERE d.case_handle = $1 AND " STATE_OF(
                           "d") " IN (0, 1) AND d.lane <= 0"
                                " AND m.message_id = d.message_id AND m.admitted_at = d.admitted_at"
                                " AND ($2::bytea IS NULL OR m.consent_id = $2)"
                                " AND ($4::bytea IS NULL OR m.message_id = $4)"
                                " RETURNING d.message_id, d.sender, d.handle, d.lane",
                       &args);
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
    record.code = (uint32_t)code;
    ledger_add(&a->log, &record);
    notice_end(&a->notices, db_get_text(r, i, 1), id.data, handle.data, t->handle.data,
               CORRIDOR__V1__END_STATE__STOPPED, code, a->now, (cor_bytes){0});
    /* Nothing is owed for a part of a file, and there may be hundreds. */
    if (db_get_int(r, i, 3) == COR_LANE_CASE) ok = duties_waive_message(c, a, id);
  }
  core_count(c, CORE_STOPPED, PQntuples(r));
  PQclear(r);
  return ok;
}

typedef struct told {
  const char *office, *by; /* who received, who sent: both know the handle */
  cor_bytes handle;
  ProtobufCBinaryData *ids;
  size_t n;
} told;

/* The answer is owed to who disclosed, not to who withdrew: that office may know
 * neither the handle nor the recipient. */
static void ask(core *c, act *a, const taken_back *t, const told *who) {
  const cor_card *card = cor_cards_find(c->cards, who->office);
  const Corridor__V1__Calendar *calendar = card ? cor_cards_calendar(c->cards, card->card->country) : NULL;
  duty_opening duty = {.duty = COR_DUTY_ERASURE_ANSWER, .state = CORRIDOR__V1__OBLIGATION_STATE__OPEN};
  duty.due_at = cor_duty_due(duty.duty, calendar, a->now, 0);
  snprintf(duty.responsible, sizeof duty.responsible, "%s", who->office);
  snprintf(duty.counterpart, sizeof duty.counterpart, "%s", who->by);
  memcpy(duty.handle, who->handle.data, COR_ID_LEN);
  memcpy(duty.case_handle, t->handle.data, COR_ID_LEN);
  Corridor__V1__WithdrawalNotice body = CORRIDOR__V1__WITHDRAWAL_NOTICE__INIT;
  body.consent_id = (ProtobufCBinaryData){t->consent_id.len, (uint8_t *)t->consent_id.data};
  body.withdrawn_at = a->now;
  body.n_message_ids = who->n;
  body.message_ids = who->ids;
  body.answer_due = duty.due_at;
  body.not_upheld = t->not_upheld;
  const uint8_t *id = notice_add(&a->notices, who->office, COR_T(WITHDRAWAL_NOTICE), who->handle.data,
                                 t->handle.data, t->header->message_id.data, &body.base);
  if (!id) return;
  memcpy(duty.message_id, id, COR_ID_LEN); /* the answer names the notice */
  memcpy(duty.about, who->ids[0].data, COR_ID_LEN);
  duty.has_about = true;
  act_open(a, &duty);
}

static bool same_told(const PGresult *r, int i, int j) {
  return strcmp(db_get_text(r, i, 0), db_get_text(r, j, 0)) == 0 &&
         cor_bytes_equal(db_get_bytes(r, i, 1), db_get_bytes(r, j, 1)) &&
         strcmp(db_get_text(r, i, 3), db_get_text(r, j, 3)) == 0 &&
         db_get_int(r, i, 4) == db_get_int(r, j, 4);
}

/* Everyone to whom something personal was ever claimed under it, by the handle
 * that office knows: what is restricted in a notice of its own, so that a health part is
 * asked back from those who hold it, and nobody else there learns that it exists. */
static bool ask_recipients(core *c, act *a, const taken_back *t) {
  db_args args = {0};
  db_bytes(&args, t->handle);
  db_bytes(&args, t->consent_id);
  db_i32(&args, COR_RESTRICTED);
  db_bytes(&args, t->message_id);
  PGresult *r = db_run(
      c->db,
      "SELECT d.recipient, d.handle, d.message_id, d.sender,"
      "  CASE WHEN (1 << m.compartment) & $3 <> 0 THEN m.compartment ELSE 0 END AS apart FROM "
      "corridor.delivery d JOIN corridor.message m"
      "  ON m.message_id = d.message_id AND m.admitted_at = d.admitted_at"
      " WHERE d.case_handle = $1 AND d.first_claimed_at IS NOT NULL AND m.sender <> 'hub'"
      " AND (m.categories & ~2) <> 0 AND ($2::bytea IS NULL OR m.consent_id = $2)"
      " AND ($4::bytea IS NULL OR m.message_id = $4)"
      " ORDER BY d.recipient, d.handle, d.sender, apart, d.sequence",
      &args);
  if (!r) return false;
  int rows = PQntuples(r);
  ProtobufCBinaryData *ids = calloc((size_t)rows + 1, sizeof *ids);
  if (!ids) abort();
  size_t n = 0;
  for (int i = 0; i < rows; i++) {
    cor_bytes id = db_get_bytes(r, i, 2);
    ids[n++] = (ProtobufCBinaryData){id.len, (uint8_t *)id.data};
    bool last = i + 1 == rows || n == NOTICE_IDS_MAX || !same_told(r, i, i + 1);
    if (!last) continue;
    told who = {db_get_text(r, i, 0), db_get_text(r, i, 3), db_get_bytes(r, i, 1), ids, n};
    ask(c, a, t, &who);
    n = 0;
  }
  free(ids);
  PQclear(r);
  return true;
}

/* Offices of the case itself where none but the holders of something restricted were
 * told owe nothing for the rest, but must not go on as if the consent stood. */
static bool inform_parties(core *c, act *a, const taken_back *t) {
  db_args args = {0};
  db_bytes(&args, t->handle);
  db_bytes(&args, t->consent_id);
  db_text(&args, t->header->sender);
  db_i32(&args, COR_RESTRICTED);
  PGresult *r = db_run(
      c->db,
      "SELECT s.office FROM corridor.standing s WHERE s.case_handle = $1 AND s.handle = $1 AND s.office <> $3"
      " AND NOT EXISTS (SELECT FROM corridor.delivery d JOIN corridor.message m"
      "   ON m.message_id = d.message_id AND m.admitted_at = d.admitted_at"
      "   WHERE d.case_handle = $1 AND d.recipient = s.office AND d.handle = $1"
      "   AND (1 << m.compartment) & $4 = 0 AND d.first_claimed_at IS NOT NULL AND m.sender <> 'hub' AND "
      "(m.categories & ~2) <> 0"
      "   AND ($2::bytea IS NULL OR m.consent_id = $2)) ORDER BY s.office",
      &args);
  if (!r) return false;
  Corridor__V1__WithdrawalNotice body = CORRIDOR__V1__WITHDRAWAL_NOTICE__INIT;
  body.consent_id = (ProtobufCBinaryData){t->consent_id.len, (uint8_t *)t->consent_id.data};
  body.withdrawn_at = a->now;
  for (int i = 0; i < PQntuples(r); i++)
    notice_add(&a->notices, db_get_text(r, i, 0), COR_T(WITHDRAWAL_NOTICE), t->handle.data, t->handle.data,
               t->header->message_id.data, &body.base);
  PQclear(r);
  return true;
}

static void note(act *a, const taken_back *t) {
  Corridor__V1__LogRecord record = CORRIDOR__V1__LOG_RECORD__INIT;
  record.kind = CORRIDOR__V1__LOG_KIND__LOG_WITHDRAWN;
  record.at = a->now;
  record.message_id = t->header->message_id;
  record.sender = t->header->sender;
  record.handle = (ProtobufCBinaryData){t->handle.len, (uint8_t *)t->handle.data};
  record.consent_id = (ProtobufCBinaryData){t->consent_id.len, (uint8_t *)t->consent_id.data};
  ledger_add(&a->log, &record);
}

bool withdrawal_apply(core *c, act *a, facts_item *it, const ProtobufCMessage *message, int *code) {
  const Corridor__V1__ConsentWithdrawal *body = (const Corridor__V1__ConsentWithdrawal *)message;
  bool may = false;
  *code = COR_OK;
  if (!authorise(c, it, body, &may)) return false;
  if (!may) {
    it->has_case = false;
    return true;
  }
  taken_back t = {.handle = {it->case_handle, COR_ID_LEN}, .header = it->header};
  if (body->extent == CORRIDOR__V1__WITHDRAWAL_EXTENT__ONE_CONSENT)
    t.consent_id = cor_bytes_of(body->consent_id);
  bool news;
  if (!mark(c, &t, a->now, &news)) return false;
  note(a, &t);
  if (!news) return true; /* withdrawn before: everyone has been asked */
  if (!t.consent_id.data && !duties_waive_case(c, a, t.handle)) return false;
  return stop_waiting(c, a, &t) && ask_recipients(c, a, &t) && inform_parties(c, a, &t);
}

bool withdrawal_of_message(core *c, act *a, const facts_item *it, cor_bytes message_id,
                           Corridor__V1__LegalBasis not_upheld) {
  const taken_back t = {.handle = {it->case_handle, COR_ID_LEN},
                        .message_id = message_id,
                        .not_upheld = not_upheld,
                        .header = it->header};
  return stop_waiting(c, a, &t) && ask_recipients(c, a, &t);
}
