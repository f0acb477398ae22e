/* db.c - a PostgreSQL connection in pipeline mode.
 *
 * For: every statement of the core. Parameters and results are binary, lists
 * travel as arrays so that a batch costs a handful of statements, and within a
 * transaction a statement whose rows nobody reads is not waited for: a run costs a
 * handful of round trips. Guarantees: statements take effect in the order they
 * were given; one that failed leaves the transaction for rollback only, and is
 * known at the next answer or at the commit; db_commit is true only for a commit
 * the server confirmed after a transaction without any warning, since a cancelled
 * synchronous wait answers COMMIT with no more than a WARNING (measured on
 * PostgreSQL 15; libpq may hand that out before the result it belongs to, so the
 * whole transaction is watched). Trusts the server. Logs SQLSTATEs, never values.
 * Fatal: running out of memory. */
#include "db.h"
#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { STATEMENTS_MAX = 128, REDIAL_MS = 1000, PENDING_MAX = 64 };

/* Sent, its result not yet read. */
typedef struct pending {
  const char *sql;
  int slot;    /* of a preparation; -1 = a statement */
  bool wanted; /* somebody will ask for its rows */
} pending;

struct db {
  char *conninfo;
  cor_log *log;
  PGconn *conn;
  const char *prepared[STATEMENTS_MAX];
  size_t n_prepared;
  pending queue[PENDING_MAX];
  size_t n_pending;
  bool asked;  /* sent since the last flush: the server may keep its answers back */
  bool open;   /* in a transaction of ours */
  bool failed; /* it, or what was sent outside one, can only be rolled back */
  bool warned; /* a WARNING arrived since it began */
  char state[6];
  int64_t failed_at; /* monotonic; so that a storm of reconnecting agents dials once a second */
};

static const Oid scalar_oid[] = {
    [DB_I64] = 20, [DB_I32] = 23, [DB_I16] = 21, [DB_TEXT] = 25, [DB_BYTES] = 17, [DB_BOOL] = 16};
static const Oid array_oid[] = {
    [DB_I64] = 1016, [DB_I32] = 1007, [DB_I16] = 1005, [DB_TEXT] = 1009, [DB_BYTES] = 1001, [DB_BOOL] = 1000};

static void on_notice(void *arg, const PGresult *result) {
  db *conn = arg;
  const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity && strcmp(severity, "WARNING") == 0) conn->warned = true;
}

db *db_new(const char *conninfo, cor_log *log) {
  db *conn = calloc(1, sizeof *conn);
  if (!conn || !(conn->conninfo = strdup(conninfo))) abort();
  conn->log = log;
  return conn;
}

static void disconnect(db *conn) {
  if (conn->conn) PQfinish(conn->conn);
  conn->conn = NULL;
  conn->n_prepared = conn->n_pending = 0;
  conn->asked = conn->open = conn->failed = false;
}

void db_destroy(db **conn) {
  if (!*conn) return;
  disconnect(*conn);
  free((*conn)->conninfo);
  free(*conn);
  *conn = NULL;
}

static void note_failure(db *conn, const char *what, const PGresult *result) {
  const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
  snprintf(conn->state, sizeof conn->state, "%.5s", state ? state : "08006");
  COR_LOG(conn->log, COR_WARN, "database-error", COR_WORD("during", what), COR_WORD("sqlstate", conn->state));
}

/* What is read after a lock was granted has to be as new as the lock (facts.c): an
 * isolation that an administrator set, and that keeps one snapshot, admitted under a
 * consent withdrawn meanwhile (measured). A receipt is sent after COMMIT, so COMMIT
 * waits for the disk, and for a synchronous standby, whatever the database's default
 * is. Every statement of the core is a handful of index look-ups. Plans are made once
 * per connection, often while tables are still empty and look cheap to scan; a plan
 * that scans is wrong here at every size, so none is offered. */
static const char session_options[] =
    "-c default_transaction_isolation=read\\ committed -c synchronous_commit=on"
    " -c statement_timeout=20s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"
    " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off -c "
    "plan_cache_mode=force_generic_plan";

bool db_ready(db *conn) {
  if (conn->conn && PQstatus(conn->conn) == CONNECTION_OK) return true;
  disconnect(conn);
  if (conn->failed_at && cor_clock_monotonic_ms() - conn->failed_at < REDIAL_MS) return false;
  const char *keys[] = {"dbname",  "connect_timeout",  "application_name", "client_encoding",
                        "options", "tcp_user_timeout", "keepalives_idle",  NULL};
  const char *values[] = {conn->conninfo, "2", "corridor-core", "UTF8", session_options, "10000", "5", NULL};
  conn->conn = PQconnectdbParams(keys, values, 1);
  if (PQstatus(conn->conn) != CONNECTION_OK) {
    note_failure(conn, "connect", NULL);
    disconnect(conn);
    conn->failed_at = cor_clock_monotonic_ms();
    return false;
  }
  if (PQenterPipelineMode(conn->conn) != 1) abort(); /* an idle connection: an invariant */
  PQsetNoticeReceiver(conn->conn, on_notice, conn);
  COR_LOG(conn->log, COR_INFO, "database-connected");
  return true;
}

/* ---- the pipeline ---- */

static bool good(const PGresult *result) {
  ExecStatusType status = PQresultStatus(result);
  return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

/* The next result, and that it was the only one. */
static PGresult *read_result(db *conn) {
  PGresult *result = PQgetResult(conn->conn), *end = PQgetResult(conn->conn);
  PQclear(end); /* NULL, unless the connection broke */
  return result;
}

/* Reads the oldest result. What fails first is told; the rest was not even run. */
static PGresult *take_result(db *conn) {
  const pending one = conn->queue[0];
  PGresult *result = read_result(conn);
  memmove(conn->queue, conn->queue + 1, --conn->n_pending * sizeof *conn->queue);
  if (good(result)) return result;
  if (one.slot >= 0) conn->prepared[one.slot] = NULL;
  if (!conn->failed) {
    note_failure(conn, one.slot >= 0 ? "prepare" : "statement", result);
    COR_LOG(conn->log, COR_WARN, "database-statement", COR_WORD("sql", one.sql));
  }
  conn->failed = true;
  PQclear(result);
  return NULL;
}

/* Reads all up to the synchronisation point, which it sends. */
static bool synchronise(db *conn) {
  if (PQpipelineSync(conn->conn) != 1) conn->failed = true;
  while (conn->n_pending > 0)
    PQclear(take_result(conn));
  PGresult *end = PQgetResult(conn->conn);
  const bool ok = PQresultStatus(end) == PGRES_PIPELINE_SYNC;
  PQclear(end);
  if (!ok) conn->failed = true;
  return ok;
}

static void push(db *conn, const char *sql, int slot, bool wanted) {
  conn->asked = true;
  conn->queue[conn->n_pending++] = (pending){.sql = sql, .slot = slot, .wanted = wanted};
}

/* Once for all that was asked together: each would wake the server. */
static bool flush(db *conn) {
  if (!conn->asked) return true;
  conn->asked = false;
  return PQsendFlushRequest(conn->conn) == 1 && PQflush(conn->conn) == 0;
}

/* Room for a statement and its preparation. What is waited for is never more than
 * a few; the rest is read here when there is much of it. */
static bool make_room(db *conn) {
  if (conn->n_pending + 2 <= PENDING_MAX) return true;
  if (!flush(conn)) return false;
  while (conn->n_pending > 0 && !conn->queue[0].wanted)
    PQclear(take_result(conn));
  if (conn->n_pending + 2 > PENDING_MAX) abort(); /* a caller asks without end: an invariant */
  return !conn->failed;
}

static bool send_plain(db *conn, const char *sql) {
  if (!make_room(conn) || PQsendQueryParams(conn->conn, sql, 0, NULL, NULL, NULL, NULL, 0) != 1) {
    if (!conn->failed) note_failure(conn, sql, NULL);
    conn->failed = true;
    return false;
  }
  push(conn, sql, -1, false);
  return true;
}

bool db_begin(db *conn) {
  if (!conn->conn || PQstatus(conn->conn) != CONNECTION_OK) return false;
  conn->state[0] = '\0';
  conn->open = true;
  conn->failed = conn->warned = false;
  return send_plain(conn, "BEGIN");
}

bool db_commit(db *conn) {
  if (!conn->conn || conn->failed || !send_plain(conn, "COMMIT")) return false;
  if (PQpipelineSync(conn->conn) != 1) conn->failed = true;
  bool committed = false;
  while (conn->n_pending > 0) {
    const bool last = conn->n_pending == 1;
    PGresult *result = take_result(conn);
    /* COMMIT of a failed transaction answers ROLLBACK: that is no commit. */
    committed = last && result && strcmp(PQcmdStatus(result), "COMMIT") == 0;
    PQclear(result);
  }
  PGresult *end = PQgetResult(conn->conn);
  const bool ok = PQresultStatus(end) == PGRES_PIPELINE_SYNC && committed && !conn->failed;
  PQclear(end);
  if (ok) conn->open = false;
  if (ok && conn->warned) note_failure(conn, "COMMIT", NULL);
  return ok && !conn->warned;
}

void db_rollback(db *conn) {
  if (!conn->conn || !conn->open) return;
  (void)synchronise(conn); /* after a failure the server skips all up to here */
  const bool alive = PQstatus(conn->conn) == CONNECTION_OK;
  conn->failed = false;
  if (alive && send_plain(conn, "ROLLBACK") && synchronise(conn) && !conn->failed)
    conn->open = false;
  else
    disconnect(conn);
}

/* The statement's name on this connection; prepared at first use. */
static bool prepare(db *conn, const char *sql, const db_args *args, char name[16]) {
  size_t i = 0, slot = conn->n_prepared;
  for (; i < conn->n_prepared && conn->prepared[i] != sql; i++)
    if (!conn->prepared[i]) slot = i;
  snprintf(name, 16, "s%zu", i < conn->n_prepared ? i : slot);
  if (i < conn->n_prepared) return true;
  if (slot == STATEMENTS_MAX) abort(); /* a fixed set of constants: an invariant, not input */
  if (PQsendPrepare(conn->conn, name, sql, args ? args->n : 0, args ? args->types : NULL) != 1) return false;
  push(conn, sql, (int)slot, false);
  conn->prepared[slot] = sql;
  if (slot == conn->n_prepared) conn->n_prepared++;
  return true;
}

/* Array header of PostgreSQL's binary format, patched when the count is known. */
static void seal_list(db_array *list) {
  uint32_t head[5] = {htobe32(1), htobe32(list->nulls ? 1 : 0), htobe32(scalar_oid[list->type]),
                      htobe32((uint32_t)list->count), htobe32(1)};
  memcpy(list->data, head, sizeof head);
}

static bool send_statement(db *conn, const char *sql, db_args *args, bool wanted) {
  char name[16];
  int formats[DB_ARGS_MAX];
  for (int i = 0; args && i < args->n; i++) {
    formats[i] = 1;
    if (!args->arrays[i].data) continue;
    seal_list(&args->arrays[i]);
    args->values[i] = (const char *)args->arrays[i].data;
    args->lengths[i] = (int)args->arrays[i].len;
  }
  bool sent = conn->conn && !conn->failed && make_room(conn) && prepare(conn, sql, args, name) &&
              PQsendQueryPrepared(conn->conn, name, args ? args->n : 0, args ? args->values : NULL,
                                  args ? args->lengths : NULL, formats, 1) == 1;
  if (sent)
    push(conn, sql, -1, wanted);
  else if (conn->conn && !conn->failed) {
    note_failure(conn, "send", NULL);
    conn->failed = true;
  }
  if (args) db_args_clear(args);
  return sent;
}

bool db_ask(db *conn, const char *sql, db_args *args) {
  return send_statement(conn, sql, args, true);
}

PGresult *db_answer(db *conn) {
  if (!conn->conn || !flush(conn)) return NULL;
  while (conn->n_pending > 0) {
    const bool wanted = conn->queue[0].wanted;
    PGresult *result = take_result(conn);
    if (wanted) return result;
    PQclear(result);
  }
  return NULL;
}

/* Outside a transaction of ours each statement is one. */
static PGresult *run_alone(db *conn, const char *sql, db_args *args) {
  conn->failed = conn->warned = false;
  conn->state[0] = '\0';
  PGresult *result = send_statement(conn, sql, args, true) ? db_answer(conn) : NULL;
  if (conn->conn && !synchronise(conn)) disconnect(conn);
  conn->failed = false;
  return result;
}

PGresult *db_run(db *conn, const char *sql, db_args *args) {
  if (!conn->open) return run_alone(conn, sql, args);
  return db_ask(conn, sql, args) ? db_answer(conn) : NULL;
}

bool db_do(db *conn, const char *sql, db_args *args) {
  if (conn->open) return send_statement(conn, sql, args, false);
  PGresult *result = run_alone(conn, sql, args);
  PQclear(result);
  return result != NULL;
}

const char *db_state(const db *conn) {
  return conn->state;
}

static int next_arg(db_args *args, Oid oid) {
  if (args->n == DB_ARGS_MAX) abort();
  args->types[args->n] = oid;
  return args->n++;
}

void db_i64(db_args *args, int64_t v) {
  int i = next_arg(args, scalar_oid[DB_I64]);
  uint64_t be = htobe64((uint64_t)v);
  memcpy(args->numbers[i], &be, 8);
  args->values[i] = (const char *)args->numbers[i];
  args->lengths[i] = 8;
}

void db_i32(db_args *args, int32_t v) {
  int i = next_arg(args, scalar_oid[DB_I32]);
  uint32_t be = htobe32((uint32_t)v);
  memcpy(args->numbers[i], &be, 4);
  args->values[i] = (const char *)args->numbers[i];
  args->lengths[i] = 4;
}

void db_text(db_args *args, const char *v) {
  int i = next_arg(args, scalar_oid[DB_TEXT]);
  args->values[i] = v;
  args->lengths[i] = (int)strlen(v);
}

void db_bytes(db_args *args, cor_bytes v) {
  int i = next_arg(args, scalar_oid[DB_BYTES]);
  args->values[i] = (const char *)v.data;
  args->lengths[i] = (int)v.len;
}

static uint8_t *grow(db_array *list, size_t more) {
  if (list->len + more > list->cap) {
    list->cap = (list->len + more) * 2 + 256;
    list->data = realloc(list->data, list->cap);
    if (!list->data) abort();
  }
  uint8_t *at = list->data + list->len;
  list->len += more;
  return at;
}

db_array *db_list(db_args *args, db_type type) {
  int i = next_arg(args, array_oid[type]);
  db_array *list = &args->arrays[i];
  *list = (db_array){.type = type};
  memset(grow(list, 20), 0, 20);
  return list;
}

static void add_raw(db_array *list, const void *data, size_t len) {
  uint32_t be = htobe32((uint32_t)len);
  uint8_t *at = grow(list, 4 + len);
  memcpy(at, &be, 4);
  if (len) memcpy(at + 4, data, len);
  list->count++;
}

void db_add_i64(db_array *list, int64_t v) {
  uint64_t eight = htobe64((uint64_t)v);
  uint32_t four = htobe32((uint32_t)v);
  uint16_t two = htobe16((uint16_t)v);
  uint8_t one = v != 0;
  switch (list->type) {
  case DB_I64: add_raw(list, &eight, 8); break;
  case DB_I32: add_raw(list, &four, 4); break;
  case DB_I16: add_raw(list, &two, 2); break;
  case DB_BOOL: add_raw(list, &one, 1); break;
  case DB_TEXT:
  case DB_BYTES: abort(); /* a caller's mistake, seen by the first test */
  }
}

void db_add_text(db_array *list, const char *v) {
  add_raw(list, v, strlen(v));
}

void db_add_bytes(db_array *list, cor_bytes v) {
  if (v.data) {
    add_raw(list, v.data, v.len);
    return;
  }
  list->nulls = true;
  memset(grow(list, 4), 0xff, 4); /* length -1 */
  list->count++;
}

void db_args_clear(db_args *args) {
  for (int i = 0; i < args->n; i++)
    free(args->arrays[i].data);
  *args = (db_args){0};
}

bool db_null(const PGresult *r, int row, int col) {
  return PQgetisnull(r, row, col) != 0;
}

int64_t db_get_int(const PGresult *r, int row, int col) {
  const char *v = PQgetvalue(r, row, col);
  uint64_t eight;
  uint32_t four;
  uint16_t two;
  switch (PQgetlength(r, row, col)) {
  case 8: memcpy(&eight, v, 8); return (int64_t)be64toh(eight);
  case 4: memcpy(&four, v, 4); return (int32_t)be32toh(four);
  case 2: memcpy(&two, v, 2); return (int16_t)be16toh(two);
  case 1: return *v;
  default: return 0; /* NULL */
  }
}

const char *db_get_text(const PGresult *r, int row, int col) {
  return PQgetvalue(r, row, col);
}

cor_bytes db_get_bytes(const PGresult *r, int row, int col) {
  if (db_null(r, row, col)) return (cor_bytes){0};
  return (cor_bytes){(const uint8_t *)PQgetvalue(r, row, col), (size_t)PQgetlength(r, row, col)};
}

void db_get_fixed(const PGresult *r, int row, int col, uint8_t *out, size_t len) {
  cor_bytes v = db_get_bytes(r, row, col);
  memset(out, 0, len);
  if (v.len == len) memcpy(out, v.data, len);
}
