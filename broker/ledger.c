/* ledger.c - log records of one transaction.
 *
 * For: admission, first claim, refusal, receipt, withdrawal, stop and card
 * change, one record each. Guarantees: a leaf is inserted in the very
 * transaction whose act it records, so neither can stand without the other;
 * record and salt are rows of their own and can be purged together while the
 * leaf stays and links to nobody. Leaves are unnumbered until sequenced. */
#include "ledger.h"
#include "corridor/codec.h"
#include <stdlib.h>
#include <string.h>

void ledger_begin(ledger *log) {
  *log = (ledger){0};
}

void ledger_of_header(Corridor__V1__LogRecord *record, Corridor__V1__LogKind kind, int64_t at,
                      const Corridor__V1__Header *h) {
  corridor__v1__log_record__init(record);
  record->kind = kind;
  record->at = at;
  record->message_id = h->message_id;
  record->sender = h->sender;
  record->recipient = h->recipient;
  record->handle = h->handle;
  record->type = h->type;
  record->n_categories = h->n_categories;
  record->categories = h->categories;
  record->purpose = h->purpose;
  record->basis = h->basis;
  record->consent_id = h->consent_id;
}

size_t ledger_add(ledger *log, const Corridor__V1__LogRecord *record) {
  if (log->n == log->cap) {
    log->cap = log->cap ? log->cap * 2 : 64;
    log->entries = realloc(log->entries, log->cap * sizeof *log->entries);
    if (!log->entries) abort();
  }
  ledger_entry *e = &log->entries[log->n];
  *e = (ledger_entry){0};
  cor_error err;
  if (!cor_encode(&record->base, &e->record, &err)) abort(); /* our own record: an invariant */
  cor_random(e->salt, sizeof e->salt);
  uint8_t inner[COR_HASH_LEN];
  const uint8_t zero = 0;
  cor_sha256(inner, (cor_bytes[]){{e->salt, sizeof e->salt}, cor_buf_view(&e->record)}, 2);
  cor_sha256(e->leaf, (cor_bytes[]){{&zero, 1}, {inner, sizeof inner}}, 2);
  return log->n++;
}

bool ledger_reserve(ledger_ids *ids, db *conn, size_t n, int64_t *out) {
  for (size_t i = 0; i < n; i++) {
    if (ids->next == ids->end) {
      PGresult *r = db_run(conn, "SELECT nextval('corridor.log_leaf_leaf_id_seq')", NULL);
      if (!r) return false;
      ids->next = db_get_int(r, 0, 0);
      ids->end = ids->next + LEDGER_BLOCK;
      PQclear(r);
    }
    out[i] = ids->next++;
  }
  return true;
}

bool ledger_write(ledger *log, ledger_ids *ids, db *conn, int64_t now) {
  if (log->n == 0) return true;
  for (size_t i = 0; i < log->n; i++)
    if (log->entries[i].leaf_id == 0 && !ledger_reserve(ids, conn, 1, &log->entries[i].leaf_id)) return false;
  db_args args = {0};
  db_array *id = db_list(&args, DB_I64), *leaf = db_list(&args, DB_BYTES), *salt = db_list(&args, DB_BYTES),
           *record = db_list(&args, DB_BYTES);
  for (size_t i = 0; i < log->n; i++) {
    db_add_i64(id, log->entries[i].leaf_id);
    db_add_bytes(leaf, (cor_bytes){log->entries[i].leaf, COR_HASH_LEN});
    db_add_bytes(salt, (cor_bytes){log->entries[i].salt, sizeof log->entries[i].salt});
    db_add_bytes(record, cor_buf_view(&log->entries[i].record));
  }
  db_i64(&args, now);
  return db_do(conn,
               "WITH given AS (SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[])"
               "                AS g (leaf_id, leaf, salt, record)),"
               " leaves AS (INSERT INTO corridor.log_leaf (leaf_id, leaf, at) OVERRIDING SYSTEM VALUE"
               "            SELECT leaf_id, leaf, $5::bigint FROM given)"
               " INSERT INTO corridor.log_record SELECT leaf_id, salt, record FROM given",
               &args);
}

void ledger_clear(ledger *log) {
  for (size_t i = 0; i < log->n; i++)
    cor_buf_clear(&log->entries[i].record);
  free(log->entries);
  *log = (ledger){0};
}
