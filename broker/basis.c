/* basis.c - what is stated of a message that went out without consent.
 *
 * For: the counter-signature and the review of a disclosure that somebody decided in
 * the person's place. Guarantees: a statement counts for the very message of the very
 * office that sent it, and closes that message's duty of its step and no other; it is
 * a row and a log record in one transaction. Not upheld: what still waits is stopped
 * and whoever was told is asked to erase, once, however often it is said. Consent
 * obtained since is believed only if it covers what was told; from then on withdrawing
 * that consent asks for this message too. Nothing here ever held the message up. Who
 * speaks of a message that is not theirs learns nothing of it. Trusts the gate for
 * standing, and that facts_ask holds the case FOR UPDATE. */
#include "basis.h"
#include "corridor/codec.h"
#include "corridor/gate.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "recall.h"
#include <corridor/v1/record.pb-c.h>
#include <string.h>

#define RESULT(x) CORRIDOR__V1__BASIS_RESULT__##x

/* The message it speaks of, and whether it was found not upheld before; NULL only when
 * the database failed. */
static PGresult *find(core *c, const facts_item *it, const Corridor__V1__BasisStatement *body) {
  db_args args = {0};
  db_bytes(&args, cor_bytes_of(body->message_id));
  db_text(&args, it->header->sender);
  db_bytes(&args, cor_bytes_of(it->header->handle));
  db_i32(&args, RESULT(NOT_UPHELD));
  return db_run(c->db,
                "SELECT m.header, EXISTS (SELECT FROM corridor.basis_statement s WHERE s.about = $1"
                "   AND s.by_office = $2 AND s.result = $4)"
                " FROM corridor.delivery d JOIN corridor.message m"
                "  ON m.message_id = d.message_id AND m.admitted_at = d.admitted_at"
                " WHERE d.message_id = $1 AND d.sender = $2 AND d.handle = $3",
                &args);
}

/* As the gate has it of a message under consent: the newest version, standing now, and
 * of each category some scope that has the purpose and reaches the recipient, and was
 * not taken back. */
static bool consent_covers(core *c, const act *a, const facts_item *it, cor_bytes consent,
                           const Corridor__V1__Header *sent, bool *covers) {
  db_args args = {0};
  db_bytes(&args, consent);
  db_bytes(&args, (cor_bytes){it->case_handle, COR_ID_LEN});
  db_i64(&args, a->now);
  db_text(&args, sent->recipient);
  db_i32(&args, (int32_t)sent->purpose);
  db_i32(&args, (int32_t)cor_category_set(sent->categories, sent->n_categories));
  PGresult *r = db_run(
      c->db,
      "SELECT ($6 & ~2 & ~coalesce(bit_or(s.categories), 0)) = 0 FROM"
      " (SELECT * FROM corridor.consent WHERE consent_id = $1 AND case_handle = $2"
      "   ORDER BY version DESC LIMIT 1) k"
      " JOIN corridor.consent_scope s ON s.consent_id = k.consent_id AND s.version = k.version"
      " LEFT JOIN corridor.office o ON o.id = $4"
      " WHERE k.withdrawn_at IS NULL AND k.valid_from <= $3 AND k.valid_until > $3 AND s.purpose = $5"
      "  AND s.withdrawn_at IS NULL AND $4 <> ALL(s.except_offices)"
      "  AND (s.recipient_office = $4 OR (s.recipient_office = '' AND s.recipient_role = o.role))",
      &args);
  if (!r) return false;
  *covers = db_get_int(r, 0, 0) != 0;
  PQclear(r);
  return true;
}

static bool keep(core *c, const act *a, const facts_item *it, const Corridor__V1__BasisStatement *body) {
  db_args args = {0};
  db_bytes(&args, cor_bytes_of(it->header->message_id));
  db_text(&args, it->header->sender);
  db_bytes(&args, cor_bytes_of(body->message_id));
  db_i32(&args, (int32_t)body->step);
  db_i32(&args, (int32_t)body->result);
  db_bytes(&args, cor_bytes_of(body->consent_id));
  db_i64(&args, a->now);
  return db_do(c->db, "INSERT INTO corridor.basis_statement VALUES ($1, $2, $3, $4, $5, $6, $7)", &args);
}

static void note(act *a, const Corridor__V1__Header *sent, const Corridor__V1__BasisStatement *body) {
  Corridor__V1__LogRecord record;
  ledger_of_header(&record, CORRIDOR__V1__LOG_KIND__LOG_BASIS, a->now, sent);
  record.consent_id = body->consent_id;
  record.code = 10 * (uint32_t)body->step + (uint32_t)body->result;
  ledger_add(&a->log, &record);
}

/* Of the two that the row closes, that of the step: they stand in the steps' order. */
static void answer(act *a, const facts_item *it, const Corridor__V1__BasisStatement *body) {
  const cor_sop_row *row = cor_sop_find(it->header->type);
  duty_answer one = {.duty = row->closes[body->step - CORRIDOR__V1__BASIS_STEP__COUNTER_SIGNED],
                     .is_reply = true};
  snprintf(one.responsible, sizeof one.responsible, "%s", it->header->sender);
  memcpy(one.handle, it->header->handle.data, COR_ID_LEN);
  memcpy(one.message_id, it->header->message_id.data, COR_ID_LEN);
  memcpy(one.in_reply_to, body->message_id.data, COR_ID_LEN);
  act_answer(a, &one);
}

/* From now on it stands on that consent: recall.c looks for it by this column. */
static bool rest_on(core *c, const Corridor__V1__BasisStatement *body, const char *sender) {
  db_args args = {0};
  db_bytes(&args, cor_bytes_of(body->message_id));
  db_text(&args, sender);
  db_bytes(&args, cor_bytes_of(body->consent_id));
  return db_do(
      c->db,
      "UPDATE corridor.message m SET consent_id = $3 FROM corridor.delivery d WHERE d.message_id = $1"
      " AND d.sender = $2 AND m.message_id = d.message_id AND m.admitted_at = d.admitted_at",
      &args);
}

static bool apply(core *c, act *a, const facts_item *it, const Corridor__V1__BasisStatement *body,
                  const Corridor__V1__Header *sent, bool asked_before, int *code) {
  const cor_bytes consent = cor_bytes_of(body->consent_id);
  bool covers = true;
  if (!cor_basis_find(sent->basis)) {
    *code = COR_BASIS_NOT_ALLOWED;
    return true;
  }
  if (consent.len > 0 && !consent_covers(c, a, it, consent, sent, &covers)) return false;
  if (!covers) {
    *code = COR_NO_CONSENT;
    return true;
  }
  note(a, sent, body);
  answer(a, it, body);
  if (!keep(c, a, it, body) || (consent.len > 0 && !rest_on(c, body, it->header->sender))) return false;
  /* A withdrawn case: everyone was asked for everything then. */
  if (body->result != RESULT(NOT_UPHELD) || asked_before || it->facts.case_withdrawn) return true;
  const recall wrong = {.handle = {it->case_handle, COR_ID_LEN},
                        .recipient = "",
                        .message_id = cor_bytes_of(body->message_id),
                        .not_upheld = sent->basis,
                        .header = it->header};
  return recall_all(c, a, &wrong);
}

bool basis_apply(core *c, act *a, facts_item *it, const ProtobufCMessage *message, int *code) {
  const Corridor__V1__BasisStatement *body = (const Corridor__V1__BasisStatement *)message;
  cor_error err;
  PGresult *r = find(c, it, body);
  if (!r) return false;
  *code = COR_NO_STANDING;
  bool ok = true;
  if (PQntuples(r) == 1) {
    Corridor__V1__Header *sent = (Corridor__V1__Header *)cor_decode(
        &corridor__v1__header__descriptor, db_get_bytes(r, 0, 0), COR_HEADER_MAX, true, &err);
    *code = COR_OK;
    ok = sent && apply(c, a, it, body, sent, db_get_int(r, 0, 1) != 0, code);
    cor_message_free((ProtobufCMessage *)sent);
  }
  PQclear(r);
  return ok;
}
