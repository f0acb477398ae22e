/* store_signed.c - messages that a holder sent by name: what went out without consent,
 * and the counter-signatures and reviews of it.
 *
 * For: telling a second person from the first. The name is a staff account's, stands
 * in the timeline beside the message (an event "sent-by", in its compartment), and
 * never leaves the office: the hub learns that there was a second person, not who.
 * Guarantees: the name is kept in the transaction that keeps the message, so neither
 * stands without the other. */
#include "store_internal.h"

#include <string.h>

#define SENT_BY "sent-by"

bool store_signed_put(store *s, const store_message *m, const char *user, int64_t at, cor_error *err) {
  store_event event = {.event = SENT_BY,
                       .at = at,
                       .type = m->type,
                       .compartment = m->compartment,
                       .outgoing = true,
                       .peer = m->peer,
                       .detail = user};
  memcpy(event.handle, m->handle, COR_ID_LEN);
  memcpy(event.message_id, m->id, COR_ID_LEN);
  return store_event_put(s, &event, err);
}

bool store_signed_get(store *s, const store_message *m, char user[COR_USER_MAX + 1], cor_error *err) {
  sqlite3_stmt *stmt = STORE_SELECT(
      s, err, "SELECT detail FROM events WHERE handle = ? AND message_id = ? AND event = '" SENT_BY "'",
      A_ID(m->handle), A_ID(m->id));
  user[0] = '\0';
  if (stmt == NULL) return false;
  store_found found = store_next(s, stmt, err);
  if (found != STORE_FOUND) return found == STORE_ABSENT;
  store_column_text(stmt, 0, user, COR_USER_MAX + 1);
  store_done(stmt);
  return true;
}

static bool read_row(sqlite3_stmt *stmt, store_message *m, cor_error *err) {
  *m = (store_message){.outgoing = true, .n = sqlite3_column_int64(stmt, 0)};
  store_column_fixed(stmt, 1, m->id, COR_ID_LEN);
  store_column_fixed(stmt, 2, m->handle, COR_ID_LEN);
  store_column_fixed(stmt, 3, m->case_handle, COR_ID_LEN);
  store_column_text(stmt, 4, m->peer, sizeof m->peer);
  m->type = sqlite3_column_int(stmt, 5);
  m->compartment = sqlite3_column_int(stmt, 6);
  m->state = (store_state)sqlite3_column_int(stmt, 7);
  m->code = sqlite3_column_int(stmt, 8);
  m->sent_at = sqlite3_column_int64(stmt, 9);
  m->settled_at = sqlite3_column_int64(stmt, 10);
  return store_column_buf(stmt, 11, &m->envelope, err) && store_column_buf(stmt, 12, &m->body, err);
}

bool store_signed_list(store *s, unsigned compartments, store_signed_fn each, void *ctx, cor_error *err) {
  sqlite3_stmt *stmt = STORE_SELECT(s, err,
                                    "SELECT o.n, o.message_id, o.handle, o.case_handle, o.recipient, o.type, "
                                    "o.compartment, o.state, o.code,"
                                    " o.sent_at, o.settled_at, o.envelope, o.body, e.detail FROM events e"
                                    " JOIN outbox o ON o.message_id = e.message_id"
                                    " WHERE e.event = '" SENT_BY
                                    "' AND (1 << o.compartment) & ? ORDER BY o.n",
                                    A_INT(compartments));
  if (stmt == NULL) return false;
  for (;;) {
    store_found found = store_next(s, stmt, err);
    if (found != STORE_FOUND) return found == STORE_ABSENT;
    store_message m;
    char user[COR_USER_MAX + 1];
    store_column_text(stmt, 13, user, sizeof user);
    const bool read = read_row(stmt, &m, err);
    const bool more = read && each(&m, user, ctx);
    store_message_clear(&m);
    if (more) continue;
    store_done(stmt);
    return read;
  }
}
