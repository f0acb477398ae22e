/* store_case.c - cases and referrals as this office knows them: a handle, what
 * role it plays here, and what was exchanged under it.
 *
 * Guarantees: a reference number is kept as its hash only. A referral offered
 * from here remembers its case; the provider's store never learns it. */
#include "store_internal.h"

#include "corridor/refusal.h"

#include <string.h>

#define CASE_COLUMNS                                                                                         \
  "SELECT handle, kind, own, case_handle, referral_id, reference_hash, programme, categories, safeguards,"   \
  " withdrawn, last_consent, since, last_type FROM cases"

bool store_case_put(store *s, const store_case *c, cor_error *err) {
  const uint8_t none[COR_ID_LEN] = {0};
  cor_bytes referral = {c->referral_id, COR_ID_LEN}, reference = {c->reference_hash, COR_HASH_LEN},
            consent = {c->last_consent, COR_ID_LEN};
  if (memcmp(c->referral_id, none, COR_ID_LEN) == 0) referral = (cor_bytes){NULL, 0};
  if (!c->has_reference) reference = (cor_bytes){NULL, 0};
  if (!c->has_last_consent) consent = (cor_bytes){NULL, 0};
  return STORE_EXEC(
      s, err,
      "INSERT OR REPLACE INTO cases(handle, kind, own, case_handle, referral_id, reference_hash,"
      " programme, categories, safeguards, withdrawn, last_consent, since, last_type)"
      " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
      A_ID(c->handle), A_INT(c->kind), A_INT(c->own), A_ID(c->case_handle), A_BLOB(referral),
      A_BLOB(reference), A_TEXT(c->programme), A_INT(c->categories), A_INT(c->safeguards),
      A_INT(c->withdrawn), A_BLOB(consent), A_INT(c->since), A_INT(c->last_type));
}

static void read_row(sqlite3_stmt *stmt, store_case *c) {
  *c = (store_case){.kind = (cor_handle_kind)sqlite3_column_int(stmt, 1),
                    .own = sqlite3_column_int(stmt, 2) != 0};
  store_column_fixed(stmt, 0, c->handle, COR_ID_LEN);
  store_column_fixed(stmt, 3, c->case_handle, COR_ID_LEN);
  store_column_fixed(stmt, 4, c->referral_id, COR_ID_LEN);
  c->has_reference = store_column_fixed(stmt, 5, c->reference_hash, COR_HASH_LEN);
  store_column_text(stmt, 6, c->programme, sizeof c->programme);
  c->categories = (uint32_t)sqlite3_column_int64(stmt, 7);
  c->safeguards = (store_safeguards)sqlite3_column_int(stmt, 8);
  c->withdrawn = sqlite3_column_int(stmt, 9) != 0;
  c->has_last_consent = store_column_fixed(stmt, 10, c->last_consent, COR_ID_LEN);
  c->since = sqlite3_column_int64(stmt, 11);
  c->last_type = sqlite3_column_int(stmt, 12);
}

static store_found read_one(store *s, sqlite3_stmt *stmt, store_case *out, cor_error *err) {
  if (stmt == NULL) return STORE_ERROR;
  store_found found = store_next(s, stmt, err);
  if (found != STORE_FOUND) return found;
  read_row(stmt, out);
  store_done(stmt);
  return STORE_FOUND;
}

store_found store_case_get(store *s, const uint8_t handle[COR_ID_LEN], store_case *out, cor_error *err) {
  return read_one(s, STORE_SELECT(s, err, CASE_COLUMNS " WHERE handle = ?", A_ID(handle)), out, err);
}

store_found store_case_by_reference(store *s, const uint8_t hash[COR_HASH_LEN], store_case *out,
                                    cor_error *err) {
  store_case other;
  sqlite3_stmt *stmt = STORE_SELECT(
      s, err, CASE_COLUMNS " WHERE reference_hash = ? ORDER BY own DESC LIMIT 2", A_HASH(hash));
  if (stmt == NULL) return STORE_ERROR;
  store_found found = store_next(s, stmt, err);
  if (found != STORE_FOUND) return found;
  read_row(stmt, out);
  /* Our own registration made the number; of two senders' claims to it, neither
   * may be taken for the person. */
  found = out->own ? STORE_ABSENT : read_one(s, stmt, &other, err);
  store_done(stmt);
  if (found == STORE_ABSENT) return STORE_FOUND;
  if (found == STORE_FOUND)
    (void)cor_fail(err, COR_NO_SUCH_CASE, "/case",
                   "two cases received here bear this reference number: name the case by its handle, and ask "
                   "both senders which is right");
  return STORE_ERROR;
}

bool store_case_list(store *s, bool (*each)(const store_case *, void *), void *ctx, cor_error *err) {
  /* last_type 0: nothing but restricted messages so far, so the case is not
   * listed: the list must be the same as if they did not exist. */
  sqlite3_stmt *stmt = store_select(s, err, CASE_COLUMNS " WHERE last_type <> 0 ORDER BY since, handle", NULL,
                                    0);
  if (stmt == NULL) return false;
  for (;;) {
    store_found found = store_next(s, stmt, err);
    if (found != STORE_FOUND) return found == STORE_ABSENT;
    store_case c;
    read_row(stmt, &c);
    if (!each(&c, ctx)) break;
  }
  store_done(stmt);
  return true;
}

bool store_case_history(store *s, const uint8_t handle[COR_ID_LEN], const char *office, store_history *out,
                        cor_error *err) {
  *out = (store_history){0};
  sqlite3_stmt *stmt = STORE_SELECT(
      s, err,
      "SELECT type, outcome, 0 FROM outbox WHERE handle = ?1 AND state IN (1, 2, 4)"
      " UNION SELECT type, outcome, sender = ?2 FROM inbox WHERE handle = ?1",
      A_ID(handle), A_TEXT(office));
  if (stmt == NULL) return false;
  for (;;) {
    store_found found = store_next(s, stmt, err);
    if (found != STORE_FOUND) return found == STORE_ABSENT;
    int type = sqlite3_column_int(stmt, 0);
    if (type <= 0 || type > 63) continue;
    const uint64_t bit = UINT64_C(1) << type;
    out->types |= bit;
    if (sqlite3_column_int(stmt, 1) != COR_OUTCOME(YES)) continue;
    out->yes |= bit;
    if (sqlite3_column_int(stmt, 2) != 0) out->office_yes |= bit;
  }
}

store_found store_case_peer(store *s, const uint8_t handle[COR_ID_LEN], const char *office, cor_error *err) {
  sqlite3_stmt *stmt = STORE_SELECT(
      s, err,
      "SELECT 1 FROM inbox WHERE handle = ?1 AND sender = ?2 UNION ALL"
      " SELECT 1 FROM outbox WHERE handle = ?1 AND recipient = ?2 AND state IN (1, 2, 4)"
      " LIMIT 1",
      A_ID(handle), A_TEXT(office));
  if (stmt == NULL) return STORE_ERROR;
  store_found found = store_next(s, stmt, err);
  if (found == STORE_FOUND) store_done(stmt);
  return found;
}

/* ---- consents ---- */

#define CONSENT_COLUMNS                                                                                      \
  "SELECT c.id, c.case_handle, c.message_id, c.version, c.withdrawn_at, c.record FROM consents c"

bool store_consent_put(store *s, const store_consent *c, cor_error *err) {
  return STORE_EXEC(
      s, err,
      "INSERT OR REPLACE INTO consents(id, case_handle, message_id, version, withdrawn_at, record)"
      " VALUES(?,?,?,?,?,?)",
      A_ID(c->id), A_ID(c->case_handle), A_ID(c->message_id), A_INT(c->version), A_INT(c->withdrawn_at),
      A_BLOB(cor_buf_view(&c->record)));
}

static bool read_consent_row(sqlite3_stmt *stmt, store_consent *out, cor_error *err) {
  store_column_fixed(stmt, 0, out->id, COR_ID_LEN);
  store_column_fixed(stmt, 1, out->case_handle, COR_ID_LEN);
  store_column_fixed(stmt, 2, out->message_id, COR_ID_LEN);
  out->version = (uint32_t)sqlite3_column_int64(stmt, 3);
  out->withdrawn_at = sqlite3_column_int64(stmt, 4);
  return store_column_buf(stmt, 5, &out->record, err);
}

static store_found read_consent(store *s, sqlite3_stmt *stmt, store_consent *out, cor_error *err) {
  *out = (store_consent){0};
  if (stmt == NULL) return STORE_ERROR;
  store_found found = store_next(s, stmt, err);
  if (found != STORE_FOUND) return found;
  bool ok = read_consent_row(stmt, out, err);
  store_done(stmt);
  return ok ? STORE_FOUND : STORE_ERROR;
}

bool store_consent_list(store *s, const uint8_t *case_handle, store_consent_fn each, void *ctx,
                        cor_error *err) {
  sqlite3_stmt *stmt = STORE_SELECT(s, err,
                                    CONSENT_COLUMNS
                                    " JOIN outbox o ON o.message_id = c.message_id"
                                    " WHERE (?1 IS NULL OR c.case_handle = ?1) AND o.state <> 3"
                                    " ORDER BY c.n DESC",
                                    A_BLOB(((cor_bytes){case_handle, case_handle == NULL ? 0 : COR_ID_LEN})));
  bool more = stmt != NULL, ok = stmt != NULL;
  while (more) {
    store_consent one = {0};
    store_found found = store_next(s, stmt, err);
    if (found != STORE_FOUND) return found == STORE_ABSENT;
    ok = read_consent_row(stmt, &one, err);
    more = ok && each(&one, ctx);
    store_consent_clear(&one);
  }
  if (stmt != NULL) store_done(stmt);
  return ok;
}

store_found store_consent_get(store *s, const uint8_t id[COR_ID_LEN], store_consent *out, cor_error *err) {
  return read_consent(s, STORE_SELECT(s, err, CONSENT_COLUMNS " WHERE c.id = ?", A_ID(id)), out, err);
}

store_found store_consent_at(store *s, const uint8_t case_handle[COR_ID_LEN], int64_t i, store_consent *out,
                             cor_error *err) {
  return read_consent(
      s,
      STORE_SELECT(s, err,
                   CONSENT_COLUMNS
                   " JOIN outbox o ON o.message_id = c.message_id"
                   " WHERE c.case_handle = ? AND o.state <> 3 ORDER BY c.n DESC LIMIT 1 OFFSET ?",
                   A_ID(case_handle), A_INT(i)),
      out, err);
}

void store_consent_clear(store_consent *c) {
  cor_buf_clear(&c->record);
}

bool store_consent_withdraw(store *s, const uint8_t case_handle[COR_ID_LEN], const uint8_t *consent,
                            int64_t at, cor_error *err) {
  if (consent != NULL)
    return STORE_EXEC(
        s, err,
        "UPDATE consents SET withdrawn_at = ?3 WHERE case_handle = ?1 AND id = ?2 AND withdrawn_at = 0",
        A_ID(case_handle), A_ID(consent), A_INT(at));
  return STORE_EXEC(s, err,
                    "UPDATE consents SET withdrawn_at = ?2 WHERE case_handle = ?1 AND withdrawn_at = 0",
                    A_ID(case_handle), A_INT(at)) &&
         STORE_EXEC(s, err, "UPDATE cases SET withdrawn = 1 WHERE case_handle = ?", A_ID(case_handle));
}
