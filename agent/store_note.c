/* store_note.c - what was said of a message after it was sent: corrected, not to be
 * used for now.
 *
 * Guarantees: a note stands by itself, keyed by the message's id, so that one that
 * comes before the message counts when it comes; of a restriction and its end the one
 * that was said last counts, whichever comes last. Ids and times only. */
#include "store_internal.h"

/* In the column: when it was restricted; below zero, when that ended. */
bool store_note_restricted(store *s, const uint8_t id[COR_ID_LEN], int64_t said_at, bool restricted,
                           cor_error *err) {
  const int64_t at = said_at > 0 ? said_at : 0; /* the hub's word: any number may come */
  return STORE_EXEC(s, err,
                    "INSERT INTO notes(message_id, restricted_at) VALUES(?1, ?2)"
                    " ON CONFLICT(message_id) DO UPDATE SET restricted_at = ?2"
                    " WHERE abs(restricted_at) <= abs(?2)",
                    A_ID(id), A_INT(restricted ? at : -at));
}

bool store_note_replaced(store *s, const uint8_t id[COR_ID_LEN], const uint8_t by[COR_ID_LEN],
                         cor_error *err) {
  return STORE_EXEC(s, err,
                    "INSERT INTO notes(message_id, restricted_at, replaced_by) VALUES(?1, 0, ?2)"
                    " ON CONFLICT(message_id) DO UPDATE SET replaced_by = ?2",
                    A_ID(id), A_ID(by));
}

bool store_note_get(store *s, const uint8_t id[COR_ID_LEN], store_note *out, cor_error *err) {
  *out = (store_note){0};
  sqlite3_stmt *stmt = STORE_SELECT(
      s, err, "SELECT restricted_at, replaced_by FROM notes WHERE message_id = ?", A_ID(id));
  if (stmt == NULL) return false;
  store_found found = store_next(s, stmt, err);
  if (found != STORE_FOUND) return found == STORE_ABSENT;
  const int64_t at = sqlite3_column_int64(stmt, 0);
  out->restricted_at = at > 0 ? at : 0;
  out->replaced = store_column_fixed(stmt, 1, out->replaced_by, COR_ID_LEN);
  store_done(stmt);
  return true;
}
