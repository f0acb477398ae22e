/* store_quarantine.c - a store that the hub saw go back (design 3, restore).
 *
 * For: remembering it. The hub tells of a regression once, to the HELLO that
 * showed it; from then on nothing new may leave until a person has looked, through
 * however many restarts. Guarantees: the first word stands until it is lifted, a
 * second one changes neither its time nor what is counted since; both are on disk
 * once their transaction is. What came since is counted without restricted
 * compartments, like every count. */
#include "store_internal.h"

bool store_quarantine_begin(store *s, int64_t at, cor_error *err) {
  return STORE_EXEC(s, err,
                    "UPDATE meta SET quarantined_at = ?,"
                    " quarantine_inbox = (SELECT coalesce(max(n), 0) FROM inbox) WHERE quarantined_at = 0",
                    A_INT(at));
}

bool store_quarantine_end(store *s, cor_error *err) {
  return store_exec(s, err, "UPDATE meta SET quarantined_at = 0, quarantine_inbox = 0", NULL, 0);
}

bool store_quarantine_get(store *s, store_quarantine *out, cor_error *err) {
  sqlite3_stmt *stmt = STORE_SELECT(
      s, err,
      "SELECT quarantined_at, (SELECT count(*) FROM inbox WHERE quarantined_at > 0 AND n > quarantine_inbox"
      " AND" STORE_LISTED("0") "AND (1 << compartment) & ?) FROM meta",
      A_INT(STORE_ORDINARY));
  if (stmt == NULL || store_next(s, stmt, err) != STORE_FOUND) return false;
  *out = (store_quarantine){.since = sqlite3_column_int64(stmt, 0),
                            .received = sqlite3_column_int64(stmt, 1)};
  store_done(stmt);
  return true;
}
