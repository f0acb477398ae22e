/* access.c - openings of restricted bodies, as offices state them.
 *
 * For: "access to a restricted body is one record" (design 7). Only the office sees a
 * body, so only it can say that it was opened; who opened it stays there. Guarantees:
 * an office speaks of messages it sent, or that were released to it, and of no other
 * (the answer for an unknown one is the same); each statement is one row and one log
 * record, in the transaction that admits it; it changes nothing else and delays
 * nobody. Trusts the gate for standing; that the office tells the truth is not the
 * hub's to know. */
#include "access.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include <corridor/v1/record.pb-c.h>

/* The message it speaks of; NULL only when the database failed. */
static PGresult *find(core *c, const facts_item *it, const Corridor__V1__AccessStatement *body) {
  db_args args = {0};
  db_bytes(&args, cor_bytes_of(body->message_id));
  db_text(&args, it->header->sender);
  db_bytes(&args, cor_bytes_of(it->header->handle));
  db_i32(&args, COR_C(RECORD));
  return db_run(c->db,
                "SELECT m.header, m.admitted_at FROM corridor.message m"
                " LEFT JOIN corridor.delivery d ON d.message_id = m.message_id AND d.sender = m.sender"
                " WHERE m.message_id = $1 AND m.handle = $3 AND m.compartment <> $4 AND m.sender <> 'hub'"
                "  AND (m.sender = $2 OR (m.recipient = $2 AND d.first_claimed_at IS NOT NULL))",
                &args);
}

/* Whose record it is: the office that opened. The recipient is left out, so that
 * nobody reads it as another disclosure. */
static size_t log_it(act *a, const facts_item *it, const Corridor__V1__AccessStatement *body,
                     const Corridor__V1__Header *opened) {
  Corridor__V1__LogRecord record;
  ledger_of_header(&record, CORRIDOR__V1__LOG_KIND__LOG_ACCESSED, a->now, opened);
  record.sender = it->header->sender;
  record.recipient = (char *)(uintptr_t)protobuf_c_empty_string;
  record.code = (uint32_t)body->kind;
  return ledger_add(&a->log, &record);
}

static bool keep(core *c, act *a, const facts_item *it, const Corridor__V1__AccessStatement *body,
                 int64_t admitted_at, size_t entry) {
  int64_t *leaf = &a->log.entries[entry].leaf_id;
  if (!ledger_reserve(&c->leaves, c->db, 1, leaf)) return false;
  db_args args = {0};
  db_i64(&args, *leaf);
  db_i64(&args, a->now);
  db_text(&args, it->header->sender);
  db_bytes(&args, cor_bytes_of(body->message_id));
  db_i64(&args, admitted_at);
  db_bytes(&args, cor_bytes_of(it->header->handle));
  db_bytes(&args, (cor_bytes){it->case_handle, COR_ID_LEN});
  db_i32(&args, (int32_t)body->kind);
  db_i64(&args, body->at);
  return db_do(
      c->db,
      "INSERT INTO corridor.access (leaf_id, at, office, message_id, admitted_at, handle, case_handle,"
      " kind, opened_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
      &args);
}

bool access_apply(core *c, act *a, facts_item *it, const ProtobufCMessage *message, int *code) {
  const Corridor__V1__AccessStatement *body = (const Corridor__V1__AccessStatement *)message;
  cor_error err;
  /* The gate has judged sent_at by our clock; what was opened, was opened before that. */
  *code = body->at > 0 && body->at <= it->header->sent_at ? COR_OK : COR_BAD_INPUT;
  if (*code != COR_OK) return true;
  PGresult *r = find(c, it, body);
  if (!r) return false;
  bool ok = true;
  if (PQntuples(r) != 1) {
    *code = COR_NO_STANDING;
  } else {
    Corridor__V1__Header *opened = (Corridor__V1__Header *)cor_decode(
        &corridor__v1__header__descriptor, db_get_bytes(r, 0, 0), COR_HEADER_MAX, true, &err);
    ok = opened && keep(c, a, it, body, db_get_int(r, 0, 1), log_it(a, it, body, opened));
    cor_message_free((ProtobufCMessage *)opened);
  }
  PQclear(r);
  return ok;
}
