/* db.c - the core's one PostgreSQL connection.
 *
 * For: every statement of the core. Parameters and results are binary, lists
 * travel as arrays so that a batch costs a handful of statements. Guarantees:
 * a statement that failed leaves the transaction for rollback only; db_commit is
 * true only for a commit the server confirmed without any warning, since a
 * cancelled synchronous wait answers COMMIT with no more than a WARNING
 * (measured on PostgreSQL 15). Trusts the server. Logs SQLSTATEs, never values.
 * Fatal: running out of memory. */
#include "db.h"
#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { STATEMENTS_MAX = 128, REDIAL_MS = 1000 };

struct db {
  char *conninfo;
  cor_log *log;
  PGconn *conn;
  const char *prepared[STATEMENTS_MAX];
  size_t n_prepared;
  bool warned; /* a WARNING arrived since the last statement began */
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
  conn->n_prepared = 0;
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

/* Every statement of the core is a handful of index look-ups. Plans are made
 * once per connection, often while tables are still empty and look cheap to
 * scan; a plan that scans is wrong here at every size, so none is offered. */
static const char session_options[] =
    "-c statement_timeout=20s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"
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
  PQsetNoticeReceiver(conn->conn, on_notice, conn);
  COR_LOG(conn->log, COR_INFO, "database-connected");
  return true;
}

static bool plain(db *conn, const char *sql) {
  conn->warned = false;
  PGresult *result = PQexec(conn->conn, sql);
  bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;
  /* COMMIT of a failed transaction answers ROLLBACK: that is no commit. */
  if (ok && strcmp(sql, "COMMIT") == 0) ok = strcmp(PQcmdStatus(result), "COMMIT") == 0 && !conn->warned;
  if (!ok) note_failure(conn, sql, result);
  PQclear(result);
  return ok;
}

bool db_begin(db *conn) {
  return plain(conn, "BEGIN");
}
bool db_commit(db *conn) {
  return plain(conn, "COMMIT");
}

void db_rollback(db *conn) {
  if (!conn->conn) return;
  if (PQtransactionStatus(conn->conn) != PQTRANS_IDLE && !plain(conn, "ROLLBACK")) disconnect(conn);
}

/* Prepares at first use on this connection; the index is the statement's name. */
static bool prepare(db *conn, const char *sql, const db_args *args, char name[16]) {
  size_t i = 0;
  while (i < conn->n_prepared && conn->prepared[i] != sql)
    i++;
  snprintf(name, 16, "s%zu", i);
  if (i < conn->n_prepared) return true;
  if (i == STATEMENTS_MAX) abort(); /* a fixed set of constants: an invariant, not input */
  PGresult *result = PQprepare(conn->conn, name, sql, args ? args->n : 0, args ? args->types : NULL);
  bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;
  if (ok) {
    conn->prepared[i] = sql;
    conn->n_prepared = i + 1;
  } else {
    note_failure(conn, "prepare", result);
    COR_LOG(conn->log, COR_WARN, "database-statement", COR_WORD("sql", sql));
  }
  PQclear(result);
  return ok;
}

/* Array header of PostgreSQL's binary format, patched when the count is known. */
static void seal_list(db_array *list) {
  uint32_t head[5] = {htobe32(1), htobe32(list->nulls ? 1 : 0), htobe32(scalar_oid[list->type]),
                      htobe32((uint32_t)list->count), htobe32(1)};
  memcpy(list->data, head, sizeof head);
}

PGresult *db_run(db *conn, const char *sql, db_args *args) {
  PGresult *result = NULL;
  char name[16];
  int formats[DB_ARGS_MAX];
  conn->state[0] = '\0';
  conn->warned = false;
  if (!conn->conn || !prepare(conn, sql, args, name)) goto done;
  for (int i = 0; args && i < args->n; i++) {
    formats[i] = 1;
    if (args->arrays[i].data) {
      seal_list(&args->arrays[i]);
      args->values[i] = (const char *)args->arrays[i].data;
      args->lengths[i] = (int)args->arrays[i].len;
    }
  }
  result = PQexecPrepared(conn->conn, name, args ? args->n : 0, args ? args->values : NULL,
                          args ? args->lengths : NULL, formats, 1);
  ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    note_failure(conn, "statement", result);
    COR_LOG(conn->log, COR_WARN, "database-statement", COR_WORD("sql", sql));
    PQclear(result);
    result = NULL;
  }
done:
  if (args) db_args_clear(args);
  return result;
}

bool db_do(db *conn, const char *sql, db_args *args) {
  PGresult *result = db_run(conn, sql, args);
  PQclear(result);
  return result != NULL;
}

const char *db_state(const db *conn) {
  return conn->state;
}
PGconn *db_raw(db *conn) {
  return conn->conn;
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
