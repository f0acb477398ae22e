/* store_schema.c - the tables of an agent's store, and the check that a store
 * belongs to this office and this version.
 *
 * Guarantees: the epoch (16 random bytes) is made with the tables, in the same
 * transaction, so that a store never changes its epoch; `user_version` names the
 * schema. What may stand here: ids, handles, codes, times, office ids, header
 * bytes, sealed bodies, receipts, the hash of a reference number, staff account
 * names. What may not: contents, reference numbers, people's names, codes of
 * withdrawal (design 3, at rest).
 * A schema that has been in use is never edited: a new one is a step that takes a
 * store of the version before it there, data and all, in one transaction; a new
 * store takes every step. */
#include "store_internal.h"

#include "corridor/refusal.h"

#include <string.h>

static const char version_1[] =
    "CREATE TABLE meta(one INTEGER PRIMARY KEY CHECK(one = 1), epoch BLOB NOT NULL, office TEXT NOT NULL,"
    " sequence INTEGER NOT NULL) STRICT;"
    "CREATE TABLE cases(handle BLOB PRIMARY KEY, kind INTEGER NOT NULL, own INTEGER NOT NULL,"
    " case_handle BLOB NOT NULL, referral_id BLOB, reference_hash BLOB, programme TEXT NOT NULL,"
    " categories INTEGER NOT NULL, safeguards INTEGER NOT NULL, withdrawn INTEGER NOT NULL, last_consent "
    "BLOB,"
    " since INTEGER NOT NULL, last_type INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX cases_reference ON cases(reference_hash) WHERE reference_hash IS NOT NULL;"
    "CREATE TABLE consents(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, case_handle BLOB NOT NULL,"
    " message_id BLOB NOT NULL, version INTEGER NOT NULL, withdrawn_at INTEGER NOT NULL, record BLOB NOT "
    "NULL) STRICT;"
    "CREATE INDEX consents_case ON consents(case_handle);"
    /* AUTOINCREMENT: n is the order of keeping and must never be reused. */
    "CREATE TABLE outbox(n INTEGER PRIMARY KEY AUTOINCREMENT, message_id BLOB NOT NULL UNIQUE,"
    " recipient TEXT NOT NULL, handle BLOB NOT NULL, case_handle BLOB NOT NULL, type INTEGER NOT NULL,"
    " compartment INTEGER NOT NULL, outcome INTEGER NOT NULL, overtakes INTEGER NOT NULL, header_hash BLOB "
    "NOT NULL,"
    " sent_at INTEGER NOT NULL, state INTEGER NOT NULL, code INTEGER NOT NULL DEFAULT 0,"
    " attempts INTEGER NOT NULL DEFAULT 0, not_before INTEGER NOT NULL DEFAULT 0, settled_at INTEGER NOT "
    "NULL DEFAULT 0,"
    " ended_at INTEGER NOT NULL DEFAULT 0, late INTEGER NOT NULL DEFAULT 0, receipt BLOB, delivery_receipt "
    "BLOB,"
    " envelope BLOB NOT NULL, body BLOB NOT NULL) STRICT;"
    "CREATE INDEX outbox_queued ON outbox(case_handle, n) WHERE state = 1;"
    "CREATE INDEX outbox_handle ON outbox(handle, n);"
    "CREATE TABLE inbox(n INTEGER PRIMARY KEY AUTOINCREMENT, message_id BLOB NOT NULL, sender TEXT NOT NULL,"
    " handle BLOB NOT NULL, type INTEGER NOT NULL, compartment INTEGER NOT NULL, outcome INTEGER NOT NULL,"
    " header_hash BLOB NOT NULL, sent_at INTEGER NOT NULL, received_at INTEGER NOT NULL, sequence INTEGER "
    "NOT NULL,"
    " late INTEGER NOT NULL, checked INTEGER NOT NULL DEFAULT 0, envelope BLOB NOT NULL, body BLOB NOT NULL,"
    " receipt BLOB NOT NULL, UNIQUE(sender, message_id)) STRICT;"
    "CREATE INDEX inbox_handle ON inbox(handle, n);"
    "CREATE INDEX inbox_id ON inbox(message_id);"
    "CREATE TABLE obligations(id BLOB PRIMARY KEY, kind INTEGER NOT NULL, handle BLOB NOT NULL,"
    " responsible TEXT NOT NULL, message_id BLOB NOT NULL, opened_at INTEGER NOT NULL, due_at INTEGER NOT "
    "NULL,"
    " state INTEGER NOT NULL, level INTEGER NOT NULL, at INTEGER NOT NULL) STRICT, "
    "WITHOUT ROWID;"
    "CREATE INDEX obligations_message ON obligations(message_id);"
    "CREATE TABLE events(n INTEGER PRIMARY KEY, handle BLOB NOT NULL, at INTEGER NOT NULL, event TEXT NOT "
    "NULL,"
    " type INTEGER NOT NULL, compartment INTEGER NOT NULL, outgoing INTEGER NOT NULL, peer TEXT NOT NULL,"
    " message_id BLOB NOT NULL, detail TEXT NOT NULL) STRICT;"
    "CREATE INDEX events_handle ON events(handle, n);"
    "PRAGMA user_version = 1;";

/* Quarantine (store_quarantine.c) outlives the agent that was told of it. */
static const char version_2[] =
    "ALTER TABLE meta ADD COLUMN quarantined_at INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE meta ADD COLUMN quarantine_inbox INTEGER NOT NULL DEFAULT 0;"
    /* What this office erased before its store went back: no body of these is kept. */
    "CREATE TABLE erased(message_id BLOB PRIMARY KEY, handle BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 2;";

/* Bundles of the hub's notices: what each held stands in the inbox, one row a
 * notice; here are the receipt, and the hub's signature over all of them. */
static const char version_3[] =
    "CREATE TABLE bundles(n INTEGER PRIMARY KEY, message_id BLOB NOT NULL UNIQUE, header_hash BLOB NOT NULL,"
    " received_at INTEGER NOT NULL, envelope BLOB NOT NULL, body BLOB NOT NULL, receipt BLOB NOT NULL) "
    "STRICT;"
    "PRAGMA user_version = 3;";

/* A consent as it was given, and what proves it: sealed, so that the file tells
 * only that there is one. */
static const char version_4[] =
    "CREATE TABLE consent_forms(consent_id BLOB NOT NULL, version INTEGER NOT NULL, part INTEGER NOT NULL,"
    " compartment INTEGER NOT NULL, sealed BLOB NOT NULL, UNIQUE(consent_id, version, part)) STRICT;"
    "PRAGMA user_version = 4;";

/* Attachments: which rows of the outbox (outgoing 1) and the inbox (0) are the parts of
 * which file. In outbox.overtakes stands the lane, -1 for a part. */
static const char version_5[] =
    "CREATE TABLE attachments(n INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL, outgoing INTEGER NOT "
    "NULL,"
    " peer TEXT NOT NULL, handle BLOB NOT NULL, case_handle BLOB NOT NULL, compartment INTEGER NOT NULL,"
    " at INTEGER NOT NULL, of_parts INTEGER NOT NULL DEFAULT 0,"
    " UNIQUE(id, outgoing, peer, handle, compartment)) STRICT;"
    "CREATE INDEX attachments_case ON attachments(case_handle);"
    "CREATE TABLE parts(outgoing INTEGER NOT NULL, row INTEGER NOT NULL,"
    " attachment INTEGER NOT NULL REFERENCES attachments(n), PRIMARY KEY(outgoing, row)) STRICT, WITHOUT "
    "ROWID;"
    "CREATE INDEX parts_attachment ON parts(attachment, row);"
    "PRAGMA user_version = 5;";

/* What the hub's data notices said of messages (store_note.c); what a suspension holds
 * up. Of what was kept before nobody knows: it waits in its order. */
static const char version_6[] =
    "ALTER TABLE outbox ADD COLUMN on_consent INTEGER NOT NULL DEFAULT 1;"
    "CREATE TABLE notes(message_id BLOB PRIMARY KEY, restricted_at INTEGER NOT NULL, replaced_by BLOB)"
    " STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 6;";

/* steps[n] makes version n + 1 of version n; 0 is the empty file. */
static const char *const steps[] = {version_1, version_2, version_3, version_4, version_5, version_6};
enum { SCHEMA_VERSION = sizeof steps / sizeof *steps };

static bool version_of(store *s, int64_t *version, cor_error *err) {
  sqlite3_stmt *stmt = store_select(s, err, "PRAGMA user_version", NULL, 0);
  if (stmt == NULL || store_next(s, stmt, err) != STORE_FOUND) return false;
  *version = sqlite3_column_int64(stmt, 0);
  store_done(stmt);
  return true;
}

static bool step_up(store *s, int64_t from, cor_error *err) {
  for (int64_t version = from; version < SCHEMA_VERSION; version++) {
    int rc = sqlite3_exec(s->db, steps[version], NULL, NULL, NULL);
    if (rc != SQLITE_OK) return store_sql_error(s, rc, err);
  }
  if (from > 0 && from < SCHEMA_VERSION)
    COR_LOG(s->log, COR_INFO, "store-brought-up", COR_NUM("from", from), COR_NUM("to", SCHEMA_VERSION));
  return true;
}

static bool name_store(store *s, const char *office, cor_error *err) {
  uint8_t epoch[COR_ID_LEN];
  cor_random(epoch, sizeof epoch);
  return STORE_EXEC(s, err, "INSERT INTO meta(one, epoch, office, sequence) VALUES(1, ?, ?, 0)", A_ID(epoch),
                    A_TEXT(office));
}

static bool check_office(store *s, const char *office, cor_error *err) {
  sqlite3_stmt *stmt = store_select(s, err, "SELECT office FROM meta", NULL, 0);
  if (stmt == NULL || store_next(s, stmt, err) != STORE_FOUND) return false;
  char kept[COR_OFFICE_MAX + 1];
  store_column_text(stmt, 0, kept, sizeof kept);
  store_done(stmt);
  if (strcmp(kept, office) == 0) return true;
  return cor_fail(err, COR_NOT_YOUR_NAME, "store", "this store belongs to %s, not to %s", kept, office);
}

bool store_schema_apply(store *s, const char *office, cor_error *err) {
  int64_t version = 0;
  (void)cor_fail(err, COR_INTERNAL, "store", "the store cannot be read");
  if (!store_begin(s, err)) return false;
  if (!version_of(s, &version, err)) goto fail;
  if (version < 0 || version > SCHEMA_VERSION) {
    (void)cor_fail(err, COR_UNSUPPORTED_VERSION, "store", "the store was made by a newer agent");
    goto fail;
  }
  if (!step_up(s, version, err) || (version == 0 && !name_store(s, office, err))) goto fail;
  if (!check_office(s, office, err)) goto fail;
  /* Postponements count on the monotonic clock of the last run. */
  if (!store_exec(s, err, "UPDATE outbox SET not_before = 0 WHERE state = 1 AND not_before <> 0", NULL, 0))
    goto fail;
  return store_commit(s, err);
fail:
  store_rollback(s);
  return false;
}

bool store_facts_get(store *s, store_facts *out, cor_error *err) {
  sqlite3_stmt *stmt = store_select(
      s, err,
      "SELECT epoch, sequence,"
      " (SELECT count(*) FROM outbox WHERE state = 1 AND type NOT IN " STORE_PART_TYPES
      " AND (1 << compartment) & ?1)"
      " + (SELECT count(DISTINCT p.attachment) FROM outbox o JOIN parts p ON p.outgoing = 1 AND p.row = o.n"
      "    WHERE o.state = 1 AND (1 << o.compartment) & ?1),"
      " (SELECT count(*) FROM inbox WHERE type NOT IN " STORE_PART_TYPES " AND (1 << compartment) & ?1)"
      " + (SELECT count(*) FROM attachments WHERE outgoing = 0 AND (1 << compartment) & ?1) FROM meta",
      STORE_ARGS(A_INT(STORE_ORDINARY)));
  if (stmt == NULL) return false;
  if (store_next(s, stmt, err) != STORE_FOUND) return false;
  store_column_fixed(stmt, 0, out->epoch, sizeof out->epoch);
  out->sequence = (uint64_t)sqlite3_column_int64(stmt, 1);
  out->queued = sqlite3_column_int64(stmt, 2);
  out->inbox = sqlite3_column_int64(stmt, 3);
  store_done(stmt);
  return true;
}
