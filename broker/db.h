/* db.h - a PostgreSQL connection: prepared statements in a pipeline, binary
 * parameters, arrays for set-wise SQL, and a commit that does not lie. For one
 * thread.
 *
 * Statements are string constants: the pointer is the cache key. */
#ifndef BROKER_DB_H
#define BROKER_DB_H
#include "corridor/base.h"
#include "corridor/log.h"
#include <libpq-fe.h>

typedef struct db db;

typedef enum db_type { DB_I64, DB_I32, DB_I16, DB_TEXT, DB_BYTES, DB_BOOL } db_type;

typedef struct db_array {
  uint8_t *data;
  size_t len, cap;
  int32_t count;
  db_type type;
  bool nulls;
} db_array;

/* The state column where a row is found by another key: the planner must not be led
 * to a partial index over all that waits (measured: a claim of 124 read every waiting
 * delivery, and grew with the queue). */
#define STATE_OF(table) "(" table ".state + 0)"

enum { DB_ARGS_MAX = 28 };
typedef struct db_args {
  int n;
  Oid types[DB_ARGS_MAX];
  const char *values[DB_ARGS_MAX];
  int lengths[DB_ARGS_MAX];
  uint8_t numbers[DB_ARGS_MAX][8];
  db_array arrays[DB_ARGS_MAX]; /* used where an argument is an array */
} db_args;

db *db_new(const char *conninfo, cor_log *log);
void db_destroy(db **conn);
/* Connects if need be (at most 2 s); false while the database is away. */
bool db_ready(db *conn) COR_MUST_CHECK;
bool db_begin(db *conn) COR_MUST_CHECK;
/* True only if the server said COMMIT without a warning: a synchronous wait
 * that was cancelled answers COMMIT with a warning and is not durable. */
bool db_commit(db *conn) COR_MUST_CHECK;
void db_rollback(db *conn);

/* Runs a prepared statement; results are binary. NULL on error (logged with its
 * SQLSTATE only); the transaction is then good for rollback alone. args may be
 * NULL; it is cleared either way. Free with PQclear. */
PGresult *db_run(db *conn, const char *sql, db_args *args) COR_MUST_CHECK;
/* The same for statements whose rows nobody reads. Within a transaction it is sent
 * and not waited for: that it failed shows at the next answer or at the commit. */
bool db_do(db *conn, const char *sql, db_args *args) COR_MUST_CHECK;
/* Several at once, within a transaction: db_ask each, then db_answer as often, in
 * the same order, and no db_run between. A failed ask has no answer; NULL: that
 * statement, or one before it, failed. */
bool db_ask(db *conn, const char *sql, db_args *args) COR_MUST_CHECK;
PGresult *db_answer(db *conn) COR_MUST_CHECK;
/* SQLSTATE of the last failure, "" if none. */
const char *db_state(const db *conn);

void db_i64(db_args *args, int64_t v);
void db_i32(db_args *args, int32_t v);
void db_text(db_args *args, const char *v); /* borrowed */
void db_bytes(db_args *args, cor_bytes v);  /* borrowed; data NULL = SQL NULL */
/* Starts an array argument; add elements with the db_add functions. */
db_array *db_list(db_args *args, db_type type);
void db_add_i64(db_array *list, int64_t v); /* also I32, I16, BOOL lists */
void db_add_text(db_array *list, const char *v);
void db_add_bytes(db_array *list, cor_bytes v); /* data NULL = SQL NULL */
void db_args_clear(db_args *args);

bool db_null(const PGresult *r, int row, int col);
int64_t db_get_int(const PGresult *r, int row, int col); /* int2, int4, int8, bool */
const char *db_get_text(const PGresult *r, int row, int col);
cor_bytes db_get_bytes(const PGresult *r, int row, int col); /* borrowed from r */
/* Copies exactly len bytes; zeroes if NULL or another length. */
void db_get_fixed(const PGresult *r, int row, int col, uint8_t *out, size_t len);
#endif
