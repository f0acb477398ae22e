/* store_attachment.c - attachments: which messages are the parts of which file.
 *
 * A part is a message like any other, in the same boxes; here stands what ties the
 * parts together, so that people see one line for a file and not four hundred.
 * Guarantees: an attachment is named by who sent it, its id, the handle and the
 * compartment, so that nobody adds a part to another's file, nor one of a restricted
 * compartment to a file that others see; lists and counts show restricted ones to
 * nobody who may not see them; what is told of a part in a timeline is told of the
 * file, once. How many parts a file has is known here of our own, and of one received
 * once a holder has opened a part. Trusts headers as verified. */
#include "store_internal.h"

#include <string.h>

_Static_assert(COR_T(ATTACHMENT_CHUNK) == 16 && COR_T(HANDOVER_ATTACHMENT) == 19 &&
                   COR_T(REPORT_ATTACHMENT) == 29,
               STORE_PART_TYPES);
/* States in which a part will not arrive any more, or not be held there. */
#define FAILED "(3, 5, 6, 8, 9)"

void store_message_name(store_message *m, const Corridor__V1__Header *h) {
  const cor_sop_row *row = cor_sop_find(h->type);
  m->is_part = row != NULL && row->lane == COR_LANE_ATTACHMENT;
  if (!m->is_part) return;
  const ProtobufCBinaryData *first = h->in_reply_to.len == COR_ID_LEN ? &h->in_reply_to : &h->message_id;
  memcpy(m->attachment, first->data, COR_ID_LEN);
}

/* ---- keeping ---- */

static store_found row_of(store *s, const store_message *m, int64_t *n, cor_error *err) {
  sqlite3_stmt *stmt = STORE_SELECT(s, err,
                                    "SELECT n FROM attachments WHERE id = ? AND outgoing = ? AND peer = ?"
                                    " AND handle = ? AND compartment = ?",
                                    A_ID(m->attachment), A_INT(m->outgoing), A_TEXT(m->peer), A_ID(m->handle),
                                    A_INT(m->compartment));
  if (stmt == NULL) return STORE_ERROR;
  store_found found = store_next(s, stmt, err);
  if (found != STORE_FOUND) return found;
  *n = sqlite3_column_int64(stmt, 0);
  store_done(stmt);
  return STORE_FOUND;
}

bool store_part_put(store *s, const store_message *m, cor_error *err) {
  const int64_t row = sqlite3_last_insert_rowid(s->db); /* the message's, in its box */
  int64_t n = 0;
  if (!m->is_part) return true;
  store_found found = row_of(s, m, &n, err);
  if (found == STORE_ABSENT) {
    if (!STORE_EXEC(s, err,
                    "INSERT INTO attachments(id, outgoing, peer, handle, case_handle, compartment, at)"
                    " VALUES(?,?,?,?,?,?,?)",
                    A_ID(m->attachment), A_INT(m->outgoing), A_TEXT(m->peer), A_ID(m->handle),
                    A_ID(m->outgoing ? m->case_handle : m->handle), A_INT(m->compartment),
                    A_INT(m->outgoing ? m->sent_at : m->settled_at)))
      return false;
    n = sqlite3_last_insert_rowid(s->db);
  } else if (found == STORE_ERROR) {
    return false;
  }
  return STORE_EXEC(s, err, "INSERT INTO parts(outgoing, row, attachment) VALUES(?,?,?)", A_INT(m->outgoing),
                    A_INT(row), A_INT(n));
}

bool store_attachment_sized(store *s, int64_t n, int64_t of, cor_error *err) {
  return STORE_EXEC(s, err, "UPDATE attachments SET of_parts = ?2 WHERE n = ?1", A_INT(n), A_INT(of));
}

bool store_attachment_sent(store *s, const uint8_t case_handle[COR_ID_LEN], int64_t *parts, cor_error *err) {
  sqlite3_stmt *stmt = STORE_SELECT(s, err,
                                    "SELECT count(*) FROM attachments a JOIN parts p ON p.attachment = a.n"
                                    " WHERE a.outgoing = 1 AND a.case_handle = ?",
                                    A_ID(case_handle));
  if (stmt == NULL || store_next(s, stmt, err) != STORE_FOUND) return false;
  *parts = sqlite3_column_int64(stmt, 0);
  store_done(stmt);
  return true;
}

/* The first refusal that stands is every later part's too: they are not carried over
 * a slow line to hear it again. None of them is under way: one part at a time is. */
bool store_parts_abandon(store *s, const uint8_t id[COR_ID_LEN], int code, int64_t at, cor_error *err) {
  return STORE_EXEC(s, err,
                    "UPDATE outbox SET state = 3, code = ?2, settled_at = ?3 WHERE state = 1 AND n IN"
                    " (SELECT p.row FROM outbox o JOIN parts q ON q.outgoing = 1 AND q.row = o.n"
                    "  JOIN parts p ON p.attachment = q.attachment WHERE o.message_id = ?1)",
                    A_ID(id), A_INT(code), A_INT(at));
}

/* ---- reading ---- */

#define COLUMNS                                                                                              \
  "SELECT a.n, a.id, a.outgoing, a.peer, a.handle, a.case_handle, a.compartment, a.at, a.of_parts,"          \
  " count(*), coalesce(sum(o.state > 1 AND o.state <> 3), 0), coalesce(sum(o.state = 4), 0),"                \
  " coalesce(max(CASE WHEN o.state IN " FAILED " THEN o.state END), min(o.state), 7),"                       \
  " coalesce(max(CASE WHEN o.state IN " FAILED " THEN o.code END), 0)"                                       \
  " FROM attachments a JOIN parts p ON p.attachment = a.n"                                                   \
  " LEFT JOIN outbox o ON a.outgoing = 1 AND o.n = p.row "

static void read_row(sqlite3_stmt *stmt, store_attachment *a) {
  *a = (store_attachment){.n = sqlite3_column_int64(stmt, 0),
                          .outgoing = sqlite3_column_int(stmt, 2) != 0,
                          .compartment = sqlite3_column_int(stmt, 6),
                          .at = sqlite3_column_int64(stmt, 7),
                          .of = sqlite3_column_int64(stmt, 8),
                          .parts = sqlite3_column_int64(stmt, 9),
                          .admitted = sqlite3_column_int64(stmt, 10),
                          .delivered = sqlite3_column_int64(stmt, 11),
                          .state = (store_state)sqlite3_column_int(stmt, 12),
                          .code = sqlite3_column_int(stmt, 13)};
  store_column_fixed(stmt, 1, a->id, COR_ID_LEN);
  store_column_text(stmt, 3, a->peer, sizeof a->peer);
  store_column_fixed(stmt, 4, a->handle, COR_ID_LEN);
  store_column_fixed(stmt, 5, a->case_handle, COR_ID_LEN);
  if (a->outgoing) a->of = a->parts; /* kept whole or not at all */
}

store_found store_attachment_find(store *s, const uint8_t id[COR_ID_LEN], unsigned compartments,
                                  store_attachment *out, cor_error *err) {
  sqlite3_stmt *stmt = STORE_SELECT(
      s, err, COLUMNS "WHERE a.id = ? AND (1 << a.compartment) & ? GROUP BY a.n ORDER BY a.n LIMIT 1",
      A_ID(id), A_INT(compartments));
  if (stmt == NULL) return STORE_ERROR;
  store_found found = store_next(s, stmt, err);
  if (found != STORE_FOUND) return found;
  read_row(stmt, out);
  store_done(stmt);
  return STORE_FOUND;
}

bool store_attachment_list(store *s, const store_filter *filter, store_attachment_fn each, void *ctx,
                           cor_error *err) {
  const cor_bytes handle = {filter->handle, filter->handle == NULL ? 0 : COR_ID_LEN};
  sqlite3_stmt *stmt = STORE_SELECT(
      s, err,
      COLUMNS "WHERE a.outgoing = ?1 AND (?2 IS NULL OR a.handle = ?2 OR a.case_handle = ?2)"
              " AND (1 << a.compartment) & ?3 GROUP BY a.n ORDER BY a.n DESC LIMIT ?4",
      A_INT(filter->outgoing), A_BLOB(handle), A_INT(filter->compartments), A_INT(filter->limit));
  if (stmt == NULL) return false;
  for (;;) {
    store_found found = store_next(s, stmt, err);
    if (found != STORE_FOUND) return found == STORE_ABSENT;
    store_attachment a;
    read_row(stmt, &a);
    if (!each(&a, ctx)) break;
  }
  store_done(stmt);
  return true;
}

store_found store_part_at(store *s, const store_attachment *a, int64_t i, uint8_t id[COR_ID_LEN],
                          cor_error *err) {
  static const char out_sql[] = "SELECT o.message_id FROM parts p JOIN outbox o ON o.n = p.row"
                                " WHERE p.attachment = ? ORDER BY p.row LIMIT 1 OFFSET ?";
  static const char in_sql[] = "SELECT i.message_id FROM parts p JOIN inbox i ON i.n = p.row"
                               " WHERE p.attachment = ? ORDER BY p.row LIMIT 1 OFFSET ?";
  sqlite3_stmt *stmt = STORE_SELECT(s, err, a->outgoing ? out_sql : in_sql, A_INT(a->n), A_INT(i));
  if (stmt == NULL) return STORE_ERROR;
  store_found found = store_next(s, stmt, err);
  if (found != STORE_FOUND) return found;
  store_column_fixed(stmt, 0, id, COR_ID_LEN);
  store_done(stmt);
  return STORE_FOUND;
}

store_found store_part_sent(store *s, const uint8_t id[COR_ID_LEN], cor_error *err) {
  sqlite3_stmt *stmt = STORE_SELECT(
      s, err, "SELECT 1 FROM outbox o JOIN parts p ON p.outgoing = 1 AND p.row = o.n WHERE o.message_id = ?",
      A_ID(id));
  if (stmt == NULL) return STORE_ERROR;
  store_found found = store_next(s, stmt, err);
  if (found == STORE_FOUND) store_done(stmt);
  return found;
}

/* ---- the timeline: of the file, once ---- */

static store_found file_of(store *s, const store_event *e, uint8_t id[COR_ID_LEN], int64_t *n,
                           cor_error *err) {
  static const char out_sql[] =
      "SELECT a.id, a.n FROM outbox m JOIN parts p ON p.outgoing = 1 AND p.row = m.n"
      " JOIN attachments a ON a.n = p.attachment WHERE m.message_id = ?";
  static const char in_sql[] =
      "SELECT a.id, a.n FROM inbox m JOIN parts p ON p.outgoing = 0 AND p.row = m.n"
      " JOIN attachments a ON a.n = p.attachment WHERE m.message_id = ? AND m.sender = ?";
  sqlite3_stmt *stmt = e->outgoing ? STORE_SELECT(s, err, out_sql, A_ID(e->message_id))
                                   : STORE_SELECT(s, err, in_sql, A_ID(e->message_id), A_TEXT(e->peer));
  if (stmt == NULL) return STORE_ERROR;
  store_found found = store_next(s, stmt, err);
  if (found != STORE_FOUND) return found;
  store_column_fixed(stmt, 0, id, COR_ID_LEN);
  *n = sqlite3_column_int64(stmt, 1);
  store_done(stmt);
  return STORE_FOUND;
}

/* Admitted and delivered are words for the whole: true when they are of every part. */
static store_found told_too_early(store *s, const char *word, int64_t n, cor_error *err) {
  static const char sql[] = "SELECT 1 FROM parts p JOIN outbox o ON o.n = p.row WHERE p.attachment = ?1"
                            " AND (o.state = 1 OR (?2 = 'delivered' AND o.state <> 4)) LIMIT 1";
  if (strcmp(word, "admitted") != 0 && strcmp(word, "delivered") != 0) return STORE_ABSENT;
  sqlite3_stmt *stmt = STORE_SELECT(s, err, sql, A_INT(n), A_TEXT(word));
  if (stmt == NULL) return STORE_ERROR;
  store_found found = store_next(s, stmt, err);
  if (found == STORE_FOUND) store_done(stmt);
  return found;
}

static store_found told_before(store *s, const store_event *e, const uint8_t *id, cor_error *err) {
  if (strcmp(e->event, "opened") == 0) return STORE_ABSENT; /* each opening is told */
  sqlite3_stmt *stmt = STORE_SELECT(s, err,
                                    "SELECT 1 FROM events WHERE handle = ? AND message_id = ? AND event = ?"
                                    " AND outgoing = ? LIMIT 1",
                                    A_ID(e->handle), A_ID(id), A_TEXT(e->event), A_INT(e->outgoing));
  if (stmt == NULL) return STORE_ERROR;
  store_found found = store_next(s, stmt, err);
  if (found == STORE_FOUND) store_done(stmt);
  return found;
}

store_found store_event_of_part(store *s, store_event *e, cor_error *err) {
  uint8_t id[COR_ID_LEN];
  int64_t n = 0;
  store_found found = file_of(s, e, id, &n, err);
  if (found != STORE_FOUND) return found == STORE_ABSENT ? STORE_FOUND : found;
  found = told_too_early(s, e->event, n, err);
  if (found == STORE_ABSENT) found = told_before(s, e, id, err);
  if (found == STORE_ERROR) return STORE_ERROR;
  memcpy(e->message_id, id, COR_ID_LEN);
  return found == STORE_FOUND ? STORE_ABSENT : STORE_FOUND;
}
