/* withdrawal.c - what a withdrawal does, in one transaction.
 *
 * For: stopping what has not left, telling who was told, opening their duty to
 * answer. Guarantees: the case row is held FOR UPDATE from before the first
 * statement here to the commit, while every claim holds it FOR SHARE: a message
 * was either claimed before (then its recipient is on the list below) or is
 * never delivered. The reply is the same whether or not the sender may withdraw.
 * Never blocked by state, consent or limits. */
#include "withdrawal.h"
#include "corridor/calendar.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "mail.h"
#include <stdlib.h>
#include <string.h>

static cor_bytes bytes_of(ProtobufCBinaryData b) {
  return (cor_bytes){b.data, b.len};
}

enum { NOTICE_IDS_MAX = 1000 }; /* content rules allow 1024 in one notice */

typedef struct taken_back {
  cor_bytes handle;     /* the case */
  cor_bytes consent_id; /* data NULL = every consent */
  const Corridor__V1__Header *header;
} taken_back;

/* Standing in the case itself (a provider's is in a referral), or reference and
 * code, which act at once from any office. */
static bool authorise(core *c, facts_item *it, const Corridor__V1__ConsentWithdrawal *body, bool *may) {
  if (it->facts.sender_standing && it->facts.case_known &&
      memcmp(it->case_handle, it->header->handle.data, COR_ID_LEN) == 0) {
    *may = true;
    return true;
  }
  db_args args = {0};
  db_bytes(&args, bytes_of(body->reference_hash));
  db_bytes(&args, bytes_of(body->withdrawal_hash));
  PGresult *r = db_run(
      c->db,
      "SELECT handle FROM corridor.avrr_case WHERE reference_hash = $1 AND withdrawal_hash = $2 FOR UPDATE",
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

static bool mark(core *c, const taken_back *t, int64_t now) {
  db_args args = {0};
  db_bytes(&args, t->handle);
  db_bytes(&args, t->consent_id);
  db_i64(&args, now);
  if (!db_do(c->db,
             "UPDATE corridor.consent SET withdrawn_at = $3 WHERE case_handle = $1 AND withdrawn_at IS NULL"
             " AND ($2::bytea IS NULL OR consent_id = $2)",
             &args))
    return false;
  db_bytes(&args, t->handle);
  db_i64(&args, now);
  if (!t->consent_id.data &&
      !db_do(c->db,
             "UPDATE corridor.avrr_case SET withdrawn_at = $2 WHERE handle = $1 AND withdrawn_at IS NULL",
             &args))
    return false;
  db_args_clear(&args);
  db_bytes(&args, bytes_of(t->header->message_id));
  db_bytes(&args, t->handle);
  db_bytes(&args, t->consent_id);
  db_text(&args, t->header->sender);
  db_i64(&args, now);
  return db_do(c->db, "INSERT INTO corridor.withdrawal VALUES ($1, $2, $3, $4, $5)", &args);
}

/* Queued and held messages of the case that stood on it. */
static bool stop_waiting(core *c, act *a, const taken_back *t) {
  db_args args = {0};
  db_bytes(&args, t->handle);
  db_bytes(&args, t->consent_id);
  db_i32(&args, COR_CONSENT_WITHDRAWN);
  PGresult *r = db_run(c->db,
                       "UPDATE corridor.delivery d SET state = 4, stop_code = $3 FROM corridor.message m"
                       " WHERE d.case_handle = $1 AND d.state IN (0, 1) AND d.lane = 0"
                       " AND m.message_id = d.message_id AND m.admitted_at = d.admitted_at"
                       " AND ($2::bytea IS NULL OR m.consent_id = $2)"
                       " RETURNING d.message_id, d.sender, d.handle",
                       &args);
  if (!r) return false;
  for (int i = 0; i < PQntuples(r); i++) {
    Corridor__V1__LogRecord record = CORRIDOR__V1__LOG_RECORD__INIT;
    cor_bytes id = db_get_bytes(r, i, 0), handle = db_get_bytes(r, i, 2);
    record.kind = CORRIDOR__V1__LOG_KIND__LOG_STOPPED;
    record.at = a->now;
    record.message_id = (ProtobufCBinaryData){id.len, (uint8_t *)id.data};
    record.sender = (char *)db_get_text(r, i, 1);
    record.handle = (ProtobufCBinaryData){handle.len, (uint8_t *)handle.data};
    record.code = COR_CONSENT_WITHDRAWN;
    ledger_add(&a->log, &record);
    notice_end(&a->notices, db_get_text(r, i, 1), id.data, handle.data, t->handle.data,
               CORRIDOR__V1__END_STATE__STOPPED, COR_CONSENT_WITHDRAWN, a->now, (cor_bytes){0});
  }
  core_count(c, CORE_STOPPED, PQntuples(r));
  PQclear(r);
  return true;
}

static void ask(core *c, act *a, const taken_back *t, const char *office, cor_bytes handle,
                ProtobufCBinaryData *ids, size_t n) {
  const cor_card *card = cor_cards_find(c->cards, office);
  const Corridor__V1__Calendar *calendar = card ? cor_cards_calendar(c->cards, card->card->country) : NULL;
  duty_opening duty = {.duty = COR_DUTY_ERASURE_ANSWER, .state = CORRIDOR__V1__OBLIGATION_STATE__OPEN};
  duty.due_at = cor_duty_due(duty.duty, calendar, a->now, 0);
  snprintf(duty.responsible, sizeof duty.responsible, "%s", office);
  snprintf(duty.counterpart, sizeof duty.counterpart, "%s", t->header->sender);
  memcpy(duty.handle, handle.data, COR_ID_LEN);
  memcpy(duty.case_handle, t->handle.data, COR_ID_LEN);
  memcpy(duty.message_id, t->header->message_id.data, COR_ID_LEN);
  act_open(a, &duty);
  Corridor__V1__WithdrawalNotice body = CORRIDOR__V1__WITHDRAWAL_NOTICE__INIT;
  body.consent_id = (ProtobufCBinaryData){t->consent_id.len, (uint8_t *)t->consent_id.data};
  body.withdrawn_at = a->now;
  body.n_message_ids = n;
  body.message_ids = ids;
  body.answer_due = duty.due_at;
  notice_add(&a->notices, office, COR_T(WITHDRAWAL_NOTICE), handle.data, t->handle.data,
             t->header->message_id.data, &body.base);
}

/* Everyone to whom something personal was ever claimed under it, by the handle
 * that office knows. */
static bool ask_recipients(core *c, act *a, const taken_back *t) {
  db_args args = {0};
  db_bytes(&args, t->handle);
  db_bytes(&args, t->consent_id);
  PGresult *r = db_run(
      c->db,
      "SELECT d.recipient, d.handle, d.message_id FROM corridor.delivery d JOIN corridor.message m"
      "  ON m.message_id = d.message_id AND m.admitted_at = d.admitted_at"
      " WHERE d.case_handle = $1 AND d.first_claimed_at IS NOT NULL AND m.sender <> 'hub'"
      " AND (m.categories & ~2) <> 0 AND ($2::bytea IS NULL OR m.consent_id = $2)"
      " ORDER BY d.recipient, d.handle, d.sequence",
      &args);
  if (!r) return false;
  int rows = PQntuples(r);
  ProtobufCBinaryData *ids = calloc((size_t)rows + 1, sizeof *ids);
  if (!ids) abort();
  size_t n = 0;
  for (int i = 0; i < rows; i++) {
    cor_bytes id = db_get_bytes(r, i, 2);
    ids[n++] = (ProtobufCBinaryData){id.len, (uint8_t *)id.data};
    bool last = i + 1 == rows || n == NOTICE_IDS_MAX ||
                strcmp(db_get_text(r, i, 0), db_get_text(r, i + 1, 0)) != 0 ||
                !cor_bytes_equal(db_get_bytes(r, i, 1), db_get_bytes(r, i + 1, 1));
    if (!last) continue;
    ask(c, a, t, db_get_text(r, i, 0), db_get_bytes(r, i, 1), ids, n);
    n = 0;
  }
  free(ids);
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
  if (body->extent == CORRIDOR__V1__WITHDRAWAL_EXTENT__ONE_CONSENT) t.consent_id = bytes_of(body->consent_id);
  if (!mark(c, &t, a->now) || !stop_waiting(c, a, &t) || !ask_recipients(c, a, &t)) return false;
  note(a, &t);
  return true;
}
