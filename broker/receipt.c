/* receipt.c - from claimed to delivered.
 *
 * For: recording that the recipient's agent has a message on disk. Guarantees:
 * a delivery is marked once, by a receipt over its own header hash from its own
 * recipient; the sender's notice, the log record and the duties that start at
 * delivery commit with the mark. Receipts for what was claimed once and
 * is not now (a lease that ran out, an expiry, a stop) still count; doubles change nothing. Trusts intake.c
 * for signatures. */
#include "receipt.h"
#include "act.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "duties.h"
#include <stdlib.h>
#include <string.h>

static PGresult *mark(core *c, const round_t *r, int64_t now) {
  db_args args = {0};
  db_array *sequence = db_list(&args, DB_I64), *id = db_list(&args, DB_BYTES),
           *office = db_list(&args, DB_TEXT);
  db_array *hash = db_list(&args, DB_BYTES), *receipt = db_list(&args, DB_BYTES);
  for (size_t i = 0; i < r->n_receipts; i++) {
    db_add_i64(sequence, (int64_t)r->receipts[i]->content->sequence);
    db_add_bytes(id, cor_bytes_of(r->receipts[i]->content->message_id));
    db_add_text(office, r->receipts[i]->office);
    db_add_bytes(hash, cor_bytes_of(r->receipts[i]->content->header_hash));
    db_add_bytes(receipt, cor_buf_view(&r->receipts[i]->bytes));
  }
  db_i64(&args, now);
  return db_run(
      c->db,
      "WITH given AS (SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::bytea[], $5::bytea[])"
      "   WITH ORDINALITY AS g (sequence, id, office, hash, receipt, i)),"
      " held AS (SELECT d.sequence, g.i, g.receipt, m.header, d.delivered_at IS NULL AS first,"
      "   d.state = 2 AS claimed, coalesce(octet_length(m.body), 0) AS bytes FROM given g "
      "JOIN corridor.delivery d"
      "   ON d.sequence = g.sequence AND d.message_id = g.id AND d.recipient = g.office"
      "   JOIN corridor.message m ON m.message_id = d.message_id AND m.admitted_at = d.admitted_at"
      "     AND m.header_hash = g.hash"
      "   WHERE d.first_claimed_at IS NOT NULL AND d.state IN (1, 2, 4, 5, 8) ORDER BY d.sequence FOR UPDATE "
      "OF "
      "d)"
      " UPDATE corridor.delivery d SET state = 3, delivered_at = coalesce(d.delivered_at, $6),"
      "  receipt = coalesce(d.receipt, held.receipt), lease_until = NULL"
      " FROM held WHERE d.sequence = held.sequence"
      " RETURNING held.i, d.sender, d.handle, d.case_handle, held.header, held.first, d.admitted_at,"
      "  held.claimed, held.bytes",
      &args);
}

static bool tell(core *c, act *a, const PGresult *r, int row, const round_t *round) {
  cor_error err;
  const delivery_receipt *by = round->receipts[db_get_int(r, row, 0) - 1];
  Corridor__V1__Header *h = (Corridor__V1__Header *)cor_decode(
      &corridor__v1__header__descriptor, db_get_bytes(r, row, 4), COR_HEADER_MAX, true, &err);
  bool ok = true;
  if (!h) return true; /* our own stored bytes; a damaged row alarms in the audit */
  Corridor__V1__LogRecord record;
  ledger_of_header(&record, CORRIDOR__V1__LOG_KIND__LOG_RECEIPTED, a->now, h);
  ledger_add(&a->log, &record);
  if (strcmp(h->sender, "hub") != 0) {
    cor_bytes kase = db_get_bytes(r, row, 3);
    notice_end(&a->notices, h->sender, h->message_id.data, h->handle.data, kase.data,
               CORRIDOR__V1__END_STATE__DELIVERED, 0, a->now, cor_buf_view(&by->bytes));
    if (kase.data) ok = duties_at_delivery(c, a, h, kase.data, db_get_int(r, row, 6));
  }
  cor_message_free(&h->base);
  return ok;
}

/* Of deliveries that were this office's: a store cannot claim to be ahead. */
static bool write_sequences(core *c, const PGresult *marked, const round_t *r) {
  db_args args = {0};
  db_array *office = db_list(&args, DB_TEXT), *sequence = db_list(&args, DB_I64);
  for (int row = 0; row < PQntuples(marked); row++) {
    const delivery_receipt *by = r->receipts[db_get_int(marked, row, 0) - 1];
    db_add_text(office, by->office);
    db_add_i64(sequence, (int64_t)by->content->sequence);
  }
  return db_do(c->db,
               "UPDATE corridor.agent_store a SET sequence = greatest(a.sequence, u.sequence) FROM"
               " (SELECT office, max(sequence) AS sequence FROM unnest($1::text[], $2::bigint[]) AS v "
               "(office, sequence)"
               "  GROUP BY office ORDER BY office) u WHERE a.office = u.office",
               &args);
}

/* Only what was on its way: a receipt said twice makes no room. */
static void free_room(core *c, const PGresult *r, const round_t *round) {
  for (int row = 0; row < PQntuples(r); row++) {
    if (!db_get_int(r, row, 7)) continue;
    const delivery_receipt *by = round->receipts[db_get_int(r, row, 0) - 1];
    session_landed(c->sessions, by->office, (uint64_t)db_get_int(r, row, 8));
  }
}

void receipt_round(core *c, round_t *round) {
  if (round->n_receipts == 0) return;
  act a;
  bool ok = false;
  PGresult *r = NULL;
  act_begin(&a, c, core_gate_time(c));
  if (!db_ready(c->db) || !db_begin(c->db) || !(r = mark(c, round, a.now))) goto out;
  /* A replay after a store went backwards is receipted again and told no one twice. */
  ok = true;
  for (int i = 0; ok && i < PQntuples(r); i++)
    if (db_get_int(r, i, 5)) ok = tell(c, &a, r, i, round);
  ok = ok && write_sequences(c, r, round) && act_write(&a, c) && act_commit(c);
out:
  if (ok) {
    core_count(c, CORE_DELIVERED, PQntuples(r));
    c->highest_committed = a.now > c->highest_committed ? a.now : c->highest_committed;
    free_room(c, r, round);
  } else { /* their leases run out */
    db_rollback(c->db);
    core_count(c, CORE_DATABASE_ERRORS, 1);
  }
  PQclear(r);
  act_clear(&a);
}
