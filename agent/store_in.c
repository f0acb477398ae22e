/* store_in.c - incoming messages, kept once each, and reading both boxes.
 *
 * Guarantees: one row per (sender, message id) for ever, whatever comes again,
 * for a notice that is in no list (in a table of its own) as for each in a bundle; the
 * receipt given first stands in the same row and transaction, so that a
 * redelivery is answered with the same bytes; the highest delivery sequence
 * moves in that transaction too. What was erased stays erased: its row is known
 * again, its body never. Trusts that the caller verified signature and
 * recipient. */
#include "store_internal.h"

#include "corridor/refusal.h"

#include <string.h>

/* receipt: NULL = only whether. */
static store_taken seen_before(store *s, const store_message *m, cor_buf *receipt, cor_error *err) {
  sqlite3_stmt *stmt = STORE_SELECT(
      s, err,
      "SELECT header_hash, receipt FROM inbox WHERE sender = ?1 AND message_id = ?2 UNION ALL"
      " SELECT header_hash, receipt FROM bundles WHERE ?1 = 'hub' AND message_id = ?2",
      A_TEXT(m->peer), A_ID(m->id));
  if (stmt == NULL) return STORE_TAKE_ERROR;
  store_found found = store_next(s, stmt, err);
  if (found == STORE_ERROR) return STORE_TAKE_ERROR;
  if (found == STORE_ABSENT) return STORE_TAKE_NEW;
  uint8_t hash[COR_HASH_LEN];
  bool same = store_column_fixed(stmt, 0, hash, sizeof hash) &&
              memcmp(hash, m->header_hash, sizeof hash) == 0;
  bool ok = !same || receipt == NULL || store_column_buf(stmt, 1, receipt, err);
  store_done(stmt);
  if (!ok) return STORE_TAKE_ERROR;
  return same ? STORE_TAKE_AGAIN : STORE_TAKE_CONFLICT;
}

static bool insert(store *s, const store_message *m, uint64_t sequence, cor_error *err) {
  return STORE_EXEC(
      s, err,
      "INSERT INTO inbox(message_id, sender, handle, type, compartment, outcome, header_hash, sent_at,"
      " received_at, sequence, late, envelope, body, receipt) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,"
      " iif(EXISTS(SELECT 1 FROM erased WHERE message_id = ?1 AND handle = ?3), x'', ?13), ?14)",
      A_ID(m->id), A_TEXT(m->peer), A_ID(m->handle), A_INT(m->type), A_INT(m->compartment), A_INT(m->outcome),
      A_HASH(m->header_hash), A_INT(m->sent_at), A_INT(m->settled_at), A_INT(sequence), A_INT(m->late),
      A_BLOB(cor_buf_view(&m->envelope)), A_BLOB(cor_buf_view(&m->body)), A_BLOB(cor_buf_view(&m->receipt)));
}

store_taken store_in_look(store *s, const store_message *m, cor_error *err) {
  return seen_before(s, m, NULL, err);
}

/* In no list: what a bundle holds is the inbox's and the timeline's, and the end of a
 * part of an attachment is the attachment's. */
static bool insert_unlisted(store *s, const store_message *m, cor_error *err) {
  return STORE_EXEC(s, err,
                    "INSERT INTO bundles(message_id, header_hash, received_at, envelope, body, receipt) "
                    "VALUES(?,?,?,?,?,?)",
                    A_ID(m->id), A_HASH(m->header_hash), A_INT(m->settled_at),
                    A_BLOB(cor_buf_view(&m->envelope)), A_BLOB(cor_buf_view(&m->body)),
                    A_BLOB(cor_buf_view(&m->receipt)));
}

static bool note_received(store *s, const store_message *m, cor_error *err) {
  store_event event = {.event = "received",
                       .at = m->settled_at,
                       .type = m->type,
                       .compartment = m->compartment,
                       .peer = m->peer,
                       .detail = m->late ? "late" : ""};
  memcpy(event.handle, m->handle, COR_ID_LEN);
  memcpy(event.message_id, m->id, COR_ID_LEN);
  return store_event_put(s, &event, err);
}

static bool insert_listed(store *s, const store_message *m, uint64_t sequence, cor_error *err) {
  return insert(s, m, sequence, err) && store_part_put(s, m, err) && note_received(s, m, err);
}

static store_taken put(store *s, const store_message *m, uint64_t sequence, bool listed, cor_buf *receipt,
                       cor_error *err) {
  store_taken taken = seen_before(s, m, receipt, err);
  if (taken == STORE_TAKE_ERROR || taken == STORE_TAKE_CONFLICT) return taken;
  /* Also when it came again: the hub may have numbered it anew. */
  bool ok = STORE_EXEC(s, err, "UPDATE meta SET sequence = max(sequence, ?)", A_INT(sequence));
  if (ok && taken == STORE_TAKE_NEW)
    ok = (listed ? insert_listed(s, m, sequence, err) : insert_unlisted(s, m, err)) &&
         cor_buf_copy(receipt, cor_buf_view(&m->receipt), err);
  if (ok) return taken;
  cor_buf_clear(receipt);
  return STORE_TAKE_ERROR;
}

store_taken store_in_put(store *s, const store_message *m, uint64_t sequence, cor_buf *receipt,
                         cor_error *err) {
  return put(s, m, sequence, true, receipt, err);
}

store_taken store_unlisted_put(store *s, const store_message *m, uint64_t sequence, cor_buf *receipt,
                               cor_error *err) {
  return put(s, m, sequence, false, receipt, err);
}

bool store_in_checked(store *s, const store_message *m, int code, cor_error *err) {
  /* 1 = checked and good; otherwise the refusal code that quarantines it. */
  return STORE_EXEC(s, err, "UPDATE inbox SET checked = ?3 WHERE sender = ?1 AND message_id = ?2",
                    A_TEXT(m->peer), A_ID(m->id), A_INT(code == COR_OK ? 1 : code));
}

static bool erase_from(store *s, const char *sql, const uint8_t *handle, const uint8_t *id, bool outgoing,
                       int64_t at, cor_error *err) {
  store_message m;
  sqlite3_stmt *stmt = STORE_SELECT(s, err, sql, A_ID(id), A_ID(handle));
  if (stmt == NULL) return false;
  store_found found = store_next(s, stmt, err);
  if (found != STORE_FOUND) return found == STORE_ABSENT;
  store_event event = {.event = "erased",
                       .at = at,
                       .type = sqlite3_column_int(stmt, 0),
                       .compartment = sqlite3_column_int(stmt, 1),
                       .outgoing = outgoing,
                       .peer = m.peer,
                       .detail = ""};
  store_column_text(stmt, 2, m.peer, sizeof m.peer);
  store_column_fixed(stmt, 3, event.handle, COR_ID_LEN);
  memcpy(event.message_id, id, COR_ID_LEN);
  store_done(stmt);
  s->erased = true;
  return store_event_put(s, &event, err);
}

bool store_message_erase(store *s, const uint8_t handle[COR_ID_LEN], const uint8_t id[COR_ID_LEN], int64_t at,
                         cor_error *err) {
  static const char in_sql[] = "UPDATE inbox SET body = x'' WHERE message_id = ?1 AND handle = ?2"
                               " AND length(body) > 0 RETURNING type, compartment, sender, handle";
  static const char out_sql[] =
      "UPDATE outbox SET body = x'' WHERE message_id = ?1 AND (handle = ?2 OR case_handle = ?2)"
      " AND state <> 1 AND length(body) > 0 RETURNING type, compartment, recipient, handle";
  return erase_from(s, in_sql, handle, id, false, at, err) &&
         erase_from(s, out_sql, handle, id, true, at, err);
}

bool store_message_erase_again(store *s, const uint8_t handle[COR_ID_LEN], const uint8_t id[COR_ID_LEN],
                               int64_t at, cor_error *err) {
  return STORE_EXEC(s, err, "INSERT OR IGNORE INTO erased(message_id, handle) VALUES(?, ?)", A_ID(id),
                    A_ID(handle)) &&
         store_message_erase(s, handle, id, at, err);
}

bool store_erased_settle(store *s, const uint8_t id[COR_ID_LEN], int64_t at, cor_error *err) {
  uint8_t handle[COR_ID_LEN];
  sqlite3_stmt *stmt = STORE_SELECT(s, err, "SELECT handle FROM erased WHERE message_id = ?", A_ID(id));
  if (stmt == NULL) return false;
  store_found found = store_next(s, stmt, err);
  if (found != STORE_FOUND) return found == STORE_ABSENT;
  store_column_fixed(stmt, 0, handle, sizeof handle);
  store_done(stmt);
  return store_message_erase(s, handle, id, at, err);
}

/* ---- reading ---- */

#define OUT_COLUMNS(state)                                                                                   \
  "SELECT 1, n, message_id, handle, header_hash, case_handle, recipient, type, compartment, outcome, " state \
  ", code, sent_at, settled_at, late, 0"
/* Of an attachment's line in a list: how the least lucky part fares, else the last. */
#define STATE_OF_FILE                                                                                        \
  "iif(type NOT IN " STORE_PART_TYPES                                                                        \
  ", state, (SELECT coalesce(max(iif(o.state IN (3, 5, 6, 8, 9), o.state, NULL)), "                          \
  "min(o.state))"                                                                                            \
  " FROM parts q JOIN parts p ON p.attachment = q.attachment JOIN outbox o ON o.n = p.row"                   \
  " WHERE q.outgoing = 1 AND q.row = outbox.n))"
#define IN_COLUMNS                                                                                           \
  "SELECT 0, n, message_id, handle, header_hash, handle, sender, type, compartment, outcome, 7,"             \
  " iif(checked > 1, checked, 0), sent_at, received_at, late, checked = 1"

static void read_row(sqlite3_stmt *stmt, store_message *m) {
  *m = (store_message){.outgoing = sqlite3_column_int(stmt, 0) != 0, .n = sqlite3_column_int64(stmt, 1)};
  store_column_fixed(stmt, 2, m->id, COR_ID_LEN);
  store_column_fixed(stmt, 3, m->handle, COR_ID_LEN);
  store_column_fixed(stmt, 4, m->header_hash, COR_HASH_LEN);
  store_column_fixed(stmt, 5, m->case_handle, COR_ID_LEN);
  store_column_text(stmt, 6, m->peer, sizeof m->peer);
  m->type = sqlite3_column_int(stmt, 7);
  m->compartment = sqlite3_column_int(stmt, 8);
  m->outcome = sqlite3_column_int(stmt, 9);
  m->state = (store_state)sqlite3_column_int(stmt, 10);
  m->code = sqlite3_column_int(stmt, 11);
  m->sent_at = sqlite3_column_int64(stmt, 12);
  m->settled_at = sqlite3_column_int64(stmt, 13);
  m->late = sqlite3_column_int(stmt, 14) != 0;
  m->read = sqlite3_column_int(stmt, 15) != 0;
}

void store_message_clear(store_message *m) {
  cor_buf_clear(&m->envelope);
  cor_buf_clear(&m->body);
  cor_buf_clear(&m->receipt);
}

store_found store_message_find(store *s, const uint8_t id[COR_ID_LEN], store_message *out, cor_error *err) {
  static const char sql[] =
      OUT_COLUMNS("state") ", envelope, body, receipt FROM outbox WHERE message_id = ?1 UNION ALL " IN_COLUMNS
                           ", envelope, body, receipt FROM inbox WHERE message_id = ?1 LIMIT 1";
  *out = (store_message){0};
  sqlite3_stmt *stmt = STORE_SELECT(s, err, sql, A_ID(id));
  if (stmt == NULL) return STORE_ERROR;
  store_found found = store_next(s, stmt, err);
  if (found != STORE_FOUND) return found;
  read_row(stmt, out);
  bool ok = store_column_buf(stmt, 16, &out->envelope, err) && store_column_buf(stmt, 17, &out->body, err) &&
            store_column_buf(stmt, 18, &out->receipt, err);
  store_done(stmt);
  if (ok) return STORE_FOUND;
  store_message_clear(out);
  return STORE_ERROR;
}

store_found store_in_newest(store *s, const uint8_t handle[COR_ID_LEN], int type, unsigned compartments,
                            store_message *out, cor_error *err) {
  static const char sql[] = IN_COLUMNS " FROM inbox WHERE handle = ? AND type = ? AND (1 << compartment) & ?"
                                       " ORDER BY n DESC LIMIT 1";
  sqlite3_stmt *stmt = STORE_SELECT(s, err, sql, A_ID(handle), A_INT(type), A_INT(compartments));
  if (stmt == NULL) return STORE_ERROR;
  store_found found = store_next(s, stmt, err);
  if (found != STORE_FOUND) return found;
  read_row(stmt, out);
  store_done(stmt);
  return STORE_FOUND;
}

store_found store_message_after(store *s, bool outgoing, int64_t n, int type, int compartment,
                                store_message *out, cor_error *err) {
  static const char out_sql[] = OUT_COLUMNS("state") ", envelope, body FROM outbox WHERE n > ?1 AND type = ?2"
                                                     " AND compartment = ?3 ORDER BY n LIMIT 1";
  static const char in_sql[] = IN_COLUMNS ", envelope, body FROM inbox WHERE n > ?1 AND type = ?2"
                                          " AND compartment = ?3 ORDER BY n LIMIT 1";
  *out = (store_message){0};
  sqlite3_stmt *stmt = STORE_SELECT(s, err, outgoing ? out_sql : in_sql, A_INT(n), A_INT(type),
                                    A_INT(compartment));
  if (stmt == NULL) return STORE_ERROR;
  store_found found = store_next(s, stmt, err);
  if (found != STORE_FOUND) return found;
  read_row(stmt, out);
  bool ok = store_column_buf(stmt, 16, &out->envelope, err) && store_column_buf(stmt, 17, &out->body, err);
  store_done(stmt);
  if (ok) return STORE_FOUND;
  store_message_clear(out);
  return STORE_ERROR;
}

bool store_message_list(store *s, const store_filter *filter, store_message_fn each, void *ctx,
                        cor_error *err) {
  static const char out_sql[] = OUT_COLUMNS(
      STATE_OF_FILE) " FROM outbox WHERE (?1 IS NULL OR handle = ?1 OR case_handle = ?1)"
                     " AND" STORE_LISTED("1") "AND (1 << compartment) & ?2 ORDER BY n DESC LIMIT ?3";
  static const char in_sql[] = IN_COLUMNS " FROM inbox WHERE (?1 IS NULL OR handle = ?1)"
                                          " AND" STORE_LISTED("0") "AND (1 << compartment) & ?2"
                                                                   " ORDER BY n DESC LIMIT ?3";
  const cor_bytes handle = {filter->handle, filter->handle == NULL ? 0 : COR_ID_LEN};
  sqlite3_stmt *stmt = STORE_SELECT(s, err, filter->outgoing ? out_sql : in_sql, A_BLOB(handle),
                                    A_INT(filter->compartments), A_INT(filter->limit));
  if (stmt == NULL) return false;
  for (;;) {
    store_found found = store_next(s, stmt, err);
    if (found != STORE_FOUND) return found == STORE_ABSENT;
    store_message m;
    read_row(stmt, &m);
    if (!each(&m, ctx)) break;
  }
  store_done(stmt);
  return true;
}
