/* records.c - registration, consent, erasure and data statements.
 *
 * For: the coded records that make standing and consent. Guarantees: append
 * only; a registration creates the sender's standing, a consent version is
 * stored whole or not at all, and never after its withdrawal. Withdrawals and what
 * follows them, data requests, and content, access and basis statements have rooms of
 * their own (withdrawal.c, suspension.c, data_request.c, opening.c, access.c, basis.c).
 * Trusts that the gate permitted the message and that facts_ask holds the case FOR
 * UPDATE. */
#include "records.h"
#include "access.h"
#include "basis.h"
#include "corridor/codec.h"
#include "corridor/gate.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "data_request.h"
#include "opening.h"
#include "suspension_answer.h"
#include "withdrawal.h"
#include <string.h>

bool record_read(const cor_envelope *envelope, ProtobufCMessage **body, cor_error *err) {
  const Corridor__V1__Header *h = envelope->header;
  const ProtobufCMessageDescriptor *type = cor_sop_body(h->type, h->compartment);
  if (!type) return cor_fail(err, COR_BAD_INPUT, "type", "the hub takes no such record");
  *body = cor_decode(type, envelope->body, COR_CONTROL_MAX, true, err);
  return *body && cor_content_check(h->type, h->compartment, *body, "", err);
}

static bool registration(core *c, act *a, facts_item *it, const ProtobufCMessage *message, int *code) {
  const Corridor__V1__Registration *body = (const Corridor__V1__Registration *)message;
  const Corridor__V1__Header *h = it->header;
  const cor_card *origin = cor_cards_find(c->cards, body->origin_office);
  if (!origin || origin->card->role != COR_ROLE(ORIGIN_MISSION)) {
    *code = COR_RECIPIENT_UNKNOWN;
    return true;
  }
  if (!cor_gate_agreed(cor_cards_list(c->cards), h->sender, body->origin_office, body->programme, a->now)) {
    *code = COR_NO_AGREEMENT;
    return true;
  }
  db_args args = {0};
  db_bytes(&args, cor_bytes_of(h->handle));
  db_text(&args, body->programme);
  db_i32(&args, (int32_t)body->return_type);
  db_text(&args, h->sender);
  db_text(&args, body->origin_office);
  db_bytes(&args, cor_bytes_of(body->reference_hash));
  db_bytes(&args, cor_bytes_of(body->withdrawal_hash));
  db_i32(&args, body->declared_on);
  db_i64(&args, a->now);
  PGresult *r = db_run(
      c->db,
      "WITH made AS (INSERT INTO corridor.avrr_case (handle, programme, return_type, host_office,"
      "  origin_office, reference_hash, withdrawal_hash, declared_on, registered_at)"
      "  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING handle)"
      " INSERT INTO corridor.standing SELECT $4, handle, handle, $9 FROM made RETURNING handle",
      &args);
  if (!r) return false;
  *code = PQntuples(r) == 1 ? COR_OK : COR_CONFLICT;
  PQclear(r);
  memcpy(it->case_handle, h->handle.data, COR_ID_LEN);
  it->has_case = true;
  return true;
}

/* The id may be new, or this case's own with a higher version, never withdrawn,
 * from the office that took it: another office takes a consent of its own. */
static bool consent_fits(core *c, const facts_item *it, const Corridor__V1__ConsentRecord *body, int *code) {
  db_args args = {0};
  db_bytes(&args, cor_bytes_of(body->consent_id));
  PGresult *r = db_run(
      c->db,
      "SELECT version, case_handle, withdrawn_at, taken_by FROM corridor.consent WHERE consent_id = $1"
      " ORDER BY version DESC LIMIT 1",
      &args);
  if (!r) return false;
  *code = COR_OK;
  if (PQntuples(r) == 1) {
    if (!cor_bytes_equal(db_get_bytes(r, 0, 1), (cor_bytes){it->case_handle, COR_ID_LEN}) ||
        db_get_int(r, 0, 0) >= (int64_t)body->version ||
        strcmp(db_get_text(r, 0, 3), it->header->sender) != 0)
      *code = COR_CONFLICT;
    else if (!db_null(r, 0, 2))
      *code = COR_CONSENT_WITHDRAWN;
  }
  PQclear(r);
  return true;
}

static bool store_scopes(core *c, const Corridor__V1__ConsentRecord *body) {
  db_args args = {0};
  db_bytes(&args, cor_bytes_of(body->consent_id));
  db_i32(&args, (int32_t)body->version);
  db_array *scope = db_list(&args, DB_I16), *purpose = db_list(&args, DB_I16),
           *categories = db_list(&args, DB_I32);
  db_array *office = db_list(&args, DB_TEXT), *role = db_list(&args, DB_I16),
           *onward = db_list(&args, DB_BOOL);
  for (size_t i = 0; i < body->n_scopes; i++) {
    db_add_i64(scope, body->scopes[i]->scope);
    db_add_i64(purpose, body->scopes[i]->purpose);
    db_add_i64(categories, cor_category_set(body->scopes[i]->categories, body->scopes[i]->n_categories));
    db_add_text(office, body->scopes[i]->recipient_office);
    db_add_i64(role, body->scopes[i]->recipient_role);
    db_add_i64(onward, body->scopes[i]->onward);
  }
  return db_do(
      c->db,
      "INSERT INTO corridor.consent_scope (consent_id, version, n, scope, purpose, categories, "
      "recipient_office,"
      " recipient_role, onward)"
      " SELECT $1, $2, n, scope, purpose, categories, office, role, onward"
      " FROM unnest($3::smallint[], $4::smallint[], $5::int[], $6::text[], $7::smallint[], $8::bool[])"
      " WITH ORDINALITY AS u (scope, purpose, categories, office, role, onward, n)",
      &args);
}

static bool consent(core *c, act *a, facts_item *it, const ProtobufCMessage *message, int *code) {
  const Corridor__V1__ConsentRecord *body = (const Corridor__V1__ConsentRecord *)message;
  if (body->n_scopes > COR_GATE_SCOPES_MAX || body->version > INT32_MAX) {
    *code = COR_TOO_LARGE;
    return true;
  }
  if (!consent_fits(c, it, body, code)) return false;
  if (*code != COR_OK) return true;
  db_args args = {0};
  db_bytes(&args, cor_bytes_of(body->consent_id));
  db_i32(&args, (int32_t)body->version);
  db_bytes(&args, (cor_bytes){it->case_handle, COR_ID_LEN});
  db_text(&args, it->header->sender);
  db_i64(&args, body->valid_from);
  db_i64(&args, body->valid_until);
  db_bytes(&args, cor_bytes_of(body->evidence_sha256));
  db_bytes(&args, cor_bytes_of(it->header->message_id));
  db_i64(&args, a->now);
  return db_do(c->db, "INSERT INTO corridor.consent VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)", &args) &&
         store_scopes(c, body);
}

/* Its duty is closed by the SOP table row; the statement itself is the record.
 * It names the notice it answers: one statement answers one notice. */
static bool statement(core *c, act *a, facts_item *it, const ProtobufCMessage *message, int *code) {
  (void)c, (void)a, (void)message;
  *code = it->header->in_reply_to.len == COR_ID_LEN ? COR_OK : COR_MISSING_FIELD;
  return true;
}

static const struct {
  Corridor__V1__MessageType type;
  bool (*apply)(core *, act *, facts_item *, const ProtobufCMessage *, int *);
} handlers[] = {
    {COR_T(REGISTRATION), registration},           {COR_T(CONSENT_RECORD), consent},
    {COR_T(CONSENT_WITHDRAWAL), withdrawal_apply}, {COR_T(ERASURE_STATEMENT), statement},
    {COR_T(CONTENT_STATEMENT), opening_apply},     {COR_T(ACCESS_STATEMENT), access_apply},
    {COR_T(BASIS_STATEMENT), basis_apply},         {COR_T(SUSPENSION_ANSWER), suspension_answer_apply},
    {COR_T(DATA_REQUEST), data_request_apply},     {COR_T(DATA_STATEMENT), statement},
};

bool record_apply(core *c, act *a, facts_item *item, const ProtobufCMessage *body, int *code) {
  for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
    if (handlers[i].type == item->header->type) return handlers[i].apply(c, a, item, body, code);
  *code = COR_ROLE_NOT_ALLOWED;
  return true;
}
