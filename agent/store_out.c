/* store_out.c - outgoing messages: kept, submitted in order, and what became of
 * them.
 *
 * Guarantees: a message is kept whole (envelope and sealed body) before anyone
 * is told so; its state changes only as the table below says; a later message
 * never overtakes an earlier one of the same recipient and handle, nor a record
 * (registration, consent) its gate will need. Withdrawals have a lane of their
 * own, yet never pass the record they withdraw; and what needs no consent goes past
 * what a suspension holds up. What goes aside (a statement that something was opened)
 * waits its turn and delays nothing. Parts of attachments hold up nothing either, and
 * go when nothing else can. */
#include "store_internal.h"

#include "corridor/refusal.h"

#include <string.h>

static const char *const state_names[] = {[STORE_QUEUED] = "queued",
                                          [STORE_ADMITTED] = "admitted",
                                          [STORE_REFUSED] = "refused",
                                          [STORE_DELIVERED] = "delivered",
                                          [STORE_STOPPED] = "stopped",
                                          [STORE_EXPIRED] = "expired",
                                          [STORE_RECEIVED] = "received",
                                          [STORE_UNREADABLE] = "unreadable",
                                          [STORE_CONTENT_REFUSED] = "content-refused"};

const char *store_state_name(store_state state) {
  size_t i = (size_t)state;
  return i < sizeof state_names / sizeof *state_names && state_names[i] != NULL ? state_names[i] : "unknown";
}

/* state x event -> next. 0: the event cannot be true any more and changes
 * nothing (a late answer, a notice that came twice; but a late admission receipt
 * is kept). An end notice may overtake the answer that admitted the message when
 * the agent died in between. What the hub tells of a message is its word only;
 * that the recipient has it is signed by the recipient, so a delivery stands
 * whatever was told before. */
static const store_state next_state[STORE_EXPIRED + 1][STORE_OUT_REFUSE_CONTENT + 1] = {
    [STORE_QUEUED] = {[STORE_OUT_ADMIT] = STORE_ADMITTED,
                      [STORE_OUT_REFUSE] = STORE_REFUSED,
                      [STORE_OUT_DELIVER] = STORE_DELIVERED,
                      [STORE_OUT_STOP] = STORE_STOPPED,
                      [STORE_OUT_EXPIRE] = STORE_EXPIRED,
                      [STORE_OUT_FAIL_OPENING] = STORE_UNREADABLE,
                      [STORE_OUT_REFUSE_CONTENT] = STORE_CONTENT_REFUSED},
    [STORE_ADMITTED] = {[STORE_OUT_DELIVER] = STORE_DELIVERED,
                        [STORE_OUT_STOP] = STORE_STOPPED,
                        [STORE_OUT_EXPIRE] = STORE_EXPIRED,
                        [STORE_OUT_FAIL_OPENING] = STORE_UNREADABLE,
                        [STORE_OUT_REFUSE_CONTENT] = STORE_CONTENT_REFUSED},
    [STORE_DELIVERED] =
        {[STORE_OUT_FAIL_OPENING] = STORE_UNREADABLE, [STORE_OUT_REFUSE_CONTENT] = STORE_CONTENT_REFUSED},
    [STORE_REFUSED] = {[STORE_OUT_DELIVER] = STORE_DELIVERED},
    [STORE_STOPPED] = {[STORE_OUT_DELIVER] = STORE_DELIVERED,
                       [STORE_OUT_FAIL_OPENING] = STORE_UNREADABLE,
                       [STORE_OUT_REFUSE_CONTENT] = STORE_CONTENT_REFUSED},
    [STORE_EXPIRED] = {[STORE_OUT_DELIVER] = STORE_DELIVERED,
                       [STORE_OUT_FAIL_OPENING] = STORE_UNREADABLE,
                       [STORE_OUT_REFUSE_CONTENT] = STORE_CONTENT_REFUSED},
};

bool store_out_put(store *s, const store_message *m, cor_lane lane, cor_error *err) {
  if (!STORE_EXEC(s, err,
                  "INSERT INTO outbox(message_id, recipient, handle, case_handle, type, compartment, outcome,"
                  " overtakes, header_hash, sent_at, state, envelope, body, on_consent)"
                  " VALUES(?,?,?,?,?,?,?,?,?,?,1,?,?,?)",
                  A_ID(m->id), A_TEXT(m->peer), A_ID(m->handle), A_ID(m->case_handle), A_INT(m->type),
                  A_INT(m->compartment), A_INT(m->outcome), A_INT(lane), A_HASH(m->header_hash),
                  A_INT(m->sent_at), A_BLOB(cor_buf_view(&m->envelope)), A_BLOB(cor_buf_view(&m->body)),
                  A_INT(m->on_consent)) ||
      !store_part_put(s, m, err))
    return false;
  store_event sent = {.event = "sent",
                      .at = m->sent_at,
                      .type = m->type,
                      .compartment = m->compartment,
                      .outgoing = true,
                      .peer = m->peer,
                      .detail = ""};
  memcpy(sent.handle, m->handle, COR_ID_LEN);
  memcpy(sent.message_id, m->id, COR_ID_LEN);
  return store_event_put(s, &sent, err);
}

/* The order rule, in one query: see the head of this file. Messages in flight
 * are still state 1, so they hold back what must wait for their answer. `overtakes` is
 * the lane: a record in 0 holds back all others, in 1 its own and 2, in 2, aside, nobody
 * but its own; a part of an attachment, -1, only the parts after it. */
static const char next_sql[] =
    "SELECT n, message_id, handle, case_handle, recipient, type, compartment, envelope, body, header_hash, "
    "overtakes < 0 FROM outbox o"
    " WHERE state = 1 AND not_before <= ?1 AND NOT EXISTS(SELECT 1 FROM outbox e WHERE e.state = 1"
    "  AND e.case_handle = o.case_handle AND e.n < o.n"
    "  AND ((e.recipient = 'hub' AND e.overtakes <= max(o.overtakes, 0))"
    "   OR (e.recipient = o.recipient AND e.handle = o.handle AND e.overtakes = o.overtakes))"
    "  AND (o.on_consent OR NOT e.on_consent OR NOT EXISTS(SELECT 1 FROM outbox x WHERE x.state = 1"
    "   AND x.case_handle = o.case_handle AND x.code = ?2)))"
    " ORDER BY overtakes = 1 DESC, overtakes < 0, n";

static bool is_busy(int64_t n, const int64_t *busy, size_t n_busy) {
  for (size_t i = 0; i < n_busy; i++)
    if (busy[i] == n) return true;
  return false;
}

static bool read_next(sqlite3_stmt *stmt, store_message *out, cor_error *err) {
  *out = (store_message){.outgoing = true, .state = STORE_QUEUED};
  out->n = sqlite3_column_int64(stmt, 0);
  store_column_fixed(stmt, 1, out->id, COR_ID_LEN);
  store_column_fixed(stmt, 2, out->handle, COR_ID_LEN);
  store_column_fixed(stmt, 3, out->case_handle, COR_ID_LEN);
  store_column_text(stmt, 4, out->peer, sizeof out->peer);
  out->type = sqlite3_column_int(stmt, 5);
  out->compartment = sqlite3_column_int(stmt, 6);
  store_column_fixed(stmt, 9, out->header_hash, COR_HASH_LEN);
  out->is_part = sqlite3_column_int(stmt, 10) != 0;
  return store_column_buf(stmt, 7, &out->envelope, err) && store_column_buf(stmt, 8, &out->body, err);
}

store_found store_out_next(store *s, const int64_t *busy, size_t n_busy, int64_t monotonic,
                           store_message *out, cor_error *err) {
  sqlite3_stmt *stmt = STORE_SELECT(s, err, next_sql, A_INT(monotonic), A_INT(COR_CASE_SUSPENDED));
  if (stmt == NULL) return STORE_ERROR;
  for (;;) {
    store_found found = store_next(s, stmt, err);
    if (found != STORE_FOUND) return found;
    if (is_busy(sqlite3_column_int64(stmt, 0), busy, n_busy)) continue;
    bool ok = read_next(stmt, out, err);
    store_done(stmt);
    if (ok) return STORE_FOUND;
    store_message_clear(out);
    return STORE_ERROR;
  }
}

/* ---- what became of it ---- */

static store_found current(store *s, const uint8_t *id, store_message *out, cor_error *err) {
  sqlite3_stmt *stmt = STORE_SELECT(
      s, err, "SELECT state, handle, type, compartment, recipient FROM outbox WHERE message_id = ?",
      A_ID(id));
  if (stmt == NULL) return STORE_ERROR;
  store_found found = store_next(s, stmt, err);
  if (found != STORE_FOUND) return found;
  out->state = (store_state)sqlite3_column_int(stmt, 0);
  store_column_fixed(stmt, 1, out->handle, COR_ID_LEN);
  out->type = sqlite3_column_int(stmt, 2);
  out->compartment = sqlite3_column_int(stmt, 3);
  store_column_text(stmt, 4, out->peer, sizeof out->peer);
  store_done(stmt);
  return STORE_FOUND;
}

static bool write_state(store *s, const uint8_t *id, store_state to, const store_outcome *what,
                        cor_error *err) {
  if (what->event == STORE_OUT_ADMIT || what->event == STORE_OUT_REFUSE)
    return STORE_EXEC(s, err,
                      "UPDATE outbox SET state = ?2, code = ?3, settled_at = ?4, late = ?5, receipt = ?6"
                      " WHERE message_id = ?1",
                      A_ID(id), A_INT(to), A_INT(what->code), A_INT(what->at), A_INT(what->late),
                      A_BLOB(what->receipt));
  /* An end after the delivery brings no receipt of its own: the first one stays. */
  return STORE_EXEC(s, err,
                    "UPDATE outbox SET state = ?2, code = ?3, ended_at = ?4,"
                    " delivery_receipt = iif(length(?5) > 0, ?5, delivery_receipt) WHERE message_id = ?1",
                    A_ID(id), A_INT(to), A_INT(what->code), A_INT(what->at), A_BLOB(what->receipt));
}

/* An end notice may come before the answer that admitted the message. The receipt
 * is the hub's signed promise all the same: kept, once, and the end stands. */
static bool keep_late_receipt(store *s, const uint8_t *id, const store_outcome *what, cor_error *err) {
  return STORE_EXEC(
      s, err,
      "UPDATE outbox SET receipt = ?2, late = ?3, settled_at = iif(settled_at = 0, ?4, settled_at)"
      " WHERE message_id = ?1 AND receipt IS NULL",
      A_ID(id), A_BLOB(what->receipt), A_INT(what->late), A_INT(what->at));
}

bool store_out_apply(store *s, const uint8_t id[COR_ID_LEN], const store_outcome *what, cor_error *err) {
  store_message m = {0};
  store_found found = current(s, id, &m, err);
  if (found != STORE_FOUND) return found == STORE_ABSENT;
  store_state to = m.state <= STORE_EXPIRED ? next_state[m.state][what->event] : 0;
  if (to == 0) {
    COR_LOG(s->log, COR_DEBUG, "message-unchanged", COR_ID("message", id),
            COR_WORD("state", store_state_name(m.state)), COR_NUM("event", what->event));
    return what->event != STORE_OUT_ADMIT || keep_late_receipt(s, id, what, err);
  }
  /* Delivered though refused, stopped or expired: the hub said one and did another. */
  const bool belied = to == STORE_DELIVERED && m.state != STORE_QUEUED && m.state != STORE_ADMITTED;
  COR_LOG(s->log, belied ? COR_ALARM : COR_INFO, "message-state", COR_ID("message", id),
          COR_WORD("from", store_state_name(m.state)), COR_WORD("to", store_state_name(to)),
          COR_CODE(what->code));
  store_event event = {.event = store_state_name(to),
                       .at = what->at,
                       .type = m.type,
                       .compartment = m.compartment,
                       .outgoing = true,
                       .peer = m.peer,
                       .detail = what->code == COR_OK ? (what->late ? "late" : "")
                                                      : cor_refusal_of(what->code)->name};
  memcpy(event.handle, m.handle, COR_ID_LEN);
  memcpy(event.message_id, id, COR_ID_LEN);
  return write_state(s, id, to, what, err) && store_event_put(s, &event, err) &&
         (to != STORE_REFUSED || store_parts_abandon(s, id, what->code, what->at, err)) &&
         store_erased_settle(s, id, what->at, err);
}

bool store_out_attempts(store *s, const uint8_t id[COR_ID_LEN], int64_t *attempts, cor_error *err) {
  sqlite3_stmt *stmt = STORE_SELECT(s, err, "SELECT attempts FROM outbox WHERE message_id = ?", A_ID(id));
  *attempts = 0;
  if (stmt == NULL) return false;
  store_found found = store_next(s, stmt, err);
  if (found != STORE_FOUND) return found == STORE_ABSENT;
  *attempts = sqlite3_column_int64(stmt, 0);
  store_done(stmt);
  return true;
}

store_found store_out_suspended(store *s, const uint8_t id[COR_ID_LEN], cor_error *err) {
  sqlite3_stmt *stmt = STORE_SELECT(
      s, err,
      "SELECT 1 FROM outbox o JOIN outbox e ON e.case_handle = o.case_handle WHERE o.message_id = ?1"
      " AND o.state = 1 AND o.on_consent AND e.state = 1 AND e.code = ?2 LIMIT 1",
      A_ID(id), A_INT(COR_CASE_SUSPENDED));
  if (stmt == NULL) return STORE_ERROR;
  store_found found = store_next(s, stmt, err);
  if (found == STORE_FOUND) store_done(stmt);
  return found;
}

bool store_out_postpone(store *s, const uint8_t id[COR_ID_LEN], int code, int64_t monotonic, cor_error *err) {
  COR_LOG(s->log, COR_INFO, "message-postponed", COR_ID("message", id), COR_CODE(code));
  return STORE_EXEC(s, err,
                    "UPDATE outbox SET code = ?2, not_before = ?3, attempts = attempts + 1"
                    " WHERE message_id = ?1 AND state = 1",
                    A_ID(id), A_INT(code), A_INT(monotonic));
}
