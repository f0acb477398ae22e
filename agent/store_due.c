/* store_due.c - obligations and the timeline: what is owed by when, and what
 * happened, as coded words.
 *
 * Guarantees: one row per obligation, moved forward by the hub's notices only
 * (by the time each names, so that notices out of order do not go back). What happens
 * to a part of an attachment is told of the attachment. */
#include "store_internal.h"

#include <string.h>

bool store_due_put(store *s, const store_due *d, cor_error *err) {
  return STORE_EXEC(
      s, err,
      "INSERT INTO obligations(id, kind, handle, responsible, message_id, opened_at, due_at, state, level, "
      "at)"
      " VALUES(?,?,?,?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET"
      " due_at = excluded.due_at, state = excluded.state, level = excluded.level, at = excluded.at"
      " WHERE excluded.at > at OR (excluded.at = at AND excluded.state > 1)",
      A_ID(d->id), A_INT(d->kind), A_ID(d->handle), A_TEXT(d->responsible), A_ID(d->message_id),
      A_INT(d->opened_at), A_INT(d->due_at), A_INT(d->state), A_INT(d->level), A_INT(d->at));
}

bool store_due_list(store *s, bool all, unsigned compartments, bool (*each)(const store_due *, void *),
                    void *ctx, cor_error *err) {
  sqlite3_stmt *stmt = STORE_SELECT(
      s, err,
      "SELECT id, handle, message_id, kind, state, level, responsible, opened_at, due_at, at"
      " FROM obligations o WHERE (?1 OR state IN (1, 4, 5))"
      " AND NOT EXISTS(SELECT 1 FROM inbox i WHERE i.message_id = o.message_id AND NOT (1 << i.compartment) "
      "& ?2)"
      " AND NOT EXISTS(SELECT 1 FROM outbox i WHERE i.message_id = o.message_id AND NOT (1 << i.compartment) "
      "& ?2)"
      " ORDER BY due_at, id",
      A_INT(all), A_INT(compartments));
  if (stmt == NULL) return false;
  for (;;) {
    store_found found = store_next(s, stmt, err);
    if (found != STORE_FOUND) return found == STORE_ABSENT;
    store_due d = {.kind = sqlite3_column_int(stmt, 3),
                   .state = sqlite3_column_int(stmt, 4),
                   .level = (unsigned)sqlite3_column_int(stmt, 5),
                   .opened_at = sqlite3_column_int64(stmt, 7),
                   .due_at = sqlite3_column_int64(stmt, 8),
                   .at = sqlite3_column_int64(stmt, 9)};
    store_column_fixed(stmt, 0, d.id, COR_ID_LEN);
    store_column_fixed(stmt, 1, d.handle, COR_ID_LEN);
    store_column_fixed(stmt, 2, d.message_id, COR_ID_LEN);
    store_column_text(stmt, 6, d.responsible, sizeof d.responsible);
    if (!each(&d, ctx)) break;
  }
  store_done(stmt);
  return true;
}

/* ---- timeline ---- */

static bool put_event(store *s, const store_event *e, cor_error *err) {
  return STORE_EXEC(
      s, err,
      "INSERT INTO events(handle, at, event, type, compartment, outgoing, peer, message_id, detail)"
      " VALUES(?,?,?,?,?,?,?,?,?)",
      A_ID(e->handle), A_INT(e->at), A_TEXT(e->event), A_INT(e->type), A_INT(e->compartment),
      A_INT(e->outgoing), A_TEXT(e->peer), A_ID(e->message_id), A_TEXT(e->detail));
}

bool store_event_put(store *s, const store_event *e, cor_error *err) {
  const cor_sop_row *row = cor_sop_find((Corridor__V1__MessageType)e->type);
  if (row == NULL || row->lane != COR_LANE_ATTACHMENT) return put_event(s, e, err);
  store_event of_file = *e;
  switch (store_event_of_part(s, &of_file, err)) {
  case STORE_FOUND: return put_event(s, &of_file, err);
  case STORE_ABSENT: return true;
  default: return false;
  }
}

bool store_event_list(store *s, const uint8_t handle[COR_ID_LEN], unsigned compartments,
                      bool (*each)(const store_event *, void *), void *ctx, cor_error *err) {
  /* A case's timeline includes the referrals offered from it here. */
  sqlite3_stmt *stmt = STORE_SELECT(
      s, err,
      "SELECT handle, at, event, type, compartment, outgoing, peer, message_id, detail"
      " FROM events WHERE handle IN (SELECT ?1 UNION SELECT handle FROM cases"
      " WHERE case_handle = ?1) AND (1 << compartment) & ?2 ORDER BY at, n",
      A_ID(handle), A_INT(compartments));
  if (stmt == NULL) return false;
  for (;;) {
    store_found found = store_next(s, stmt, err);
    if (found != STORE_FOUND) return found == STORE_ABSENT;
    char event[32], peer[COR_OFFICE_MAX + 1], detail[96];
    store_column_text(stmt, 2, event, sizeof event);
    store_column_text(stmt, 6, peer, sizeof peer);
    store_column_text(stmt, 8, detail, sizeof detail);
    store_event e = {.event = event,
                     .at = sqlite3_column_int64(stmt, 1),
                     .type = sqlite3_column_int(stmt, 3),
                     .compartment = sqlite3_column_int(stmt, 4),
                     .outgoing = sqlite3_column_int(stmt, 5) != 0,
                     .peer = peer,
                     .detail = detail};
    store_column_fixed(stmt, 0, e.handle, COR_ID_LEN);
    store_column_fixed(stmt, 7, e.message_id, COR_ID_LEN);
    if (!each(&e, ctx)) break;
  }
  store_done(stmt);
  return true;
}
