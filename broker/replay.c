/* replay.c - what an office hears again when its store went back.
 *
 * For: session.c, at the HELLO that shows a store older than the one this office
 * had. Guarantees: all of it is queued in the transaction that opens the session,
 * so that no crash loses a part; what was receipted and is unknown to the store is
 * queued again while its body is held, and asked of the gate anew at each claim;
 * the office's own erasure statements that the store may lack come back to it in
 * its own signature, inside the withdrawal notices they answered. Those overtake,
 * so that what was erased is gone, or known as such, before a body could return
 * (design 3, restore; invariant 11). Trusts rows the core itself wrote. */
#include "replay.h"
#include "corridor/codec.h"
#include "corridor/sop.h"
#include "notice.h"

enum { STATEMENTS_AT_ONCE = 256 };

typedef struct place {
  int64_t admitted_at;
  uint8_t message_id[COR_ID_LEN];
} place; /* of the last statement given back */

static bool queue_again(core *c, const char *office, int64_t sequence) {
  db_args args = {0};
  db_text(&args, office);
  db_i64(&args, sequence);
  return db_do(c->db,
               "UPDATE corridor.delivery d SET state = 1 FROM corridor.message m"
               " WHERE d.recipient = $1 AND d.state = 3 AND d.sequence > $2"
               " AND m.message_id = d.message_id AND m.admitted_at = d.admitted_at AND m.body IS NOT NULL",
               &args);
}

/* Statements of the office with the notice each answered, from place on. A store
 * that holds delivery $2 holds all it did before that was admitted; one statement
 * is not given back twice while the first time is unreceipted. */
static PGresult *next_statements(core *c, const char *office, int64_t sequence, const place *from) {
  db_args args = {0};
  db_text(&args, office);
  db_i64(&args, sequence);
  db_i64(&args, from->admitted_at);
  db_bytes(&args, (cor_bytes){from->message_id, COR_ID_LEN});
  db_i32(&args, COR_T(ERASURE_STATEMENT));
  db_i32(&args, COR_T(WITHDRAWAL_NOTICE));
  db_i32(&args, STATEMENTS_AT_ONCE);
  return db_run(
      c->db,
      "SELECT e.admitted_at, e.message_id, e.handle, e.case_handle, e.header, e.signature, e.body, w.body"
      " FROM corridor.message e JOIN corridor.message w ON w.case_handle = e.case_handle"
      "  AND w.handle = e.handle AND w.type = $6 AND w.recipient = $1"
      "  AND position(w.message_id IN e.header) > 0"
      " WHERE e.sender = $1 AND e.type = $5 AND e.body IS NOT NULL AND w.body IS NOT NULL"
      "  AND e.admitted_at >= coalesce((SELECT admitted_at FROM corridor.delivery"
      "   WHERE recipient = $1 AND sequence = $2), 0)"
      "  AND (e.admitted_at, e.message_id) > ($3, $4)"
      "  AND NOT EXISTS (SELECT FROM corridor.delivery q JOIN corridor.message n"
      "   ON n.message_id = q.message_id AND n.admitted_at = q.admitted_at"
      "   WHERE q.recipient = $1 AND q.state IN (1, 2) AND n.type = $6"
      "    AND position(e.message_id IN n.header) > 0)"
      " ORDER BY 1, 2 LIMIT $7",
      &args);
}

/* The notice as it was, for information now, with the office's answer in it. */
static void give_back(notices *all, const char *office, const PGresult *r, int row) {
  cor_error err;
  Corridor__V1__WithdrawalNotice *asked = (Corridor__V1__WithdrawalNotice *)cor_decode(
      &corridor__v1__withdrawal_notice__descriptor, db_get_bytes(r, row, 7), COR_CONTROL_MAX, true, &err);
  Corridor__V1__Signature *signature = (Corridor__V1__Signature *)cor_decode(
      &corridor__v1__signature__descriptor, db_get_bytes(r, row, 5), COR_HEADER_MAX, true, &err);
  if (asked && signature) {
    Corridor__V1__WithdrawalNotice again = *asked;
    Corridor__V1__Envelope answer = CORRIDOR__V1__ENVELOPE__INIT;
    const cor_bytes header = db_get_bytes(r, row, 4), body = db_get_bytes(r, row, 6);
    answer.header = (ProtobufCBinaryData){header.len, (uint8_t *)header.data};
    answer.signature = signature;
    again.answer_due = 0;
    again.answer = &answer;
    again.answer_body = (ProtobufCBinaryData){body.len, (uint8_t *)body.data};
    notice_add(all, office, COR_T(WITHDRAWAL_NOTICE), db_get_bytes(r, row, 2).data,
               db_get_bytes(r, row, 3).data, db_get_bytes(r, row, 1).data, &again.base);
  }
  cor_message_free((ProtobufCMessage *)asked);
  cor_message_free((ProtobufCMessage *)signature);
}

static bool give_back_some(core *c, const char *office, int64_t sequence, int64_t now, place *at, int *n) {
  notices all = {.now = now};
  PGresult *r = next_statements(c, office, sequence, at);
  if (!r) return false;
  *n = PQntuples(r);
  for (int row = 0; row < *n; row++)
    give_back(&all, office, r, row);
  if (*n > 0) {
    at->admitted_at = db_get_int(r, *n - 1, 0);
    db_get_fixed(r, *n - 1, 1, at->message_id, COR_ID_LEN);
  }
  PQclear(r);
  bool ok = notice_write(&all, c, now);
  notice_clear(&all);
  return ok;
}

bool replay_queue(core *c, const char *office, int64_t sequence, int64_t now) {
  place at = {0};
  int n = STATEMENTS_AT_ONCE;
  bool ok = queue_again(c, office, sequence);
  while (ok && n == STATEMENTS_AT_ONCE)
    ok = give_back_some(c, office, sequence, now, &at, &n);
  return ok;
}
