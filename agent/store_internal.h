/* store_internal.h - what the store_*.c files share: the connection, statements
 * kept prepared by the address of their SQL, typed arguments. */
#ifndef AGENT_STORE_INTERNAL_H
#define AGENT_STORE_INTERNAL_H
#include "store.h"
#include <pthread.h>
#include <sqlite3.h>

enum { STORE_STATEMENTS_MAX = 128 };

/* The types whose messages are parts of attachments (store_attachment.c asserts it). */
#define STORE_PART_TYPES "(16, 19, 29)"
/* A row of a box that people count: no part of an attachment but its first. */
#define STORE_LISTED(outgoing)                                                                               \
  " (type NOT IN " STORE_PART_TYPES                                                                          \
  " OR EXISTS(SELECT 1 FROM attachments t WHERE t.id = message_id AND t.outgoing = " outgoing ")) "

struct store {
  sqlite3 *db;
  cor_log *log;
  int lock_fd;
  char dir[4096];
  pthread_mutex_t mutex; /* the connection */
  bool erased;           /* in this transaction: its commit empties the log, too */
  struct {
    const char *sql;
    sqlite3_stmt *stmt;
  } statements[STORE_STATEMENTS_MAX];
  size_t n_statements;
  pthread_mutex_t wait_mutex; /* version and stopped */
  pthread_cond_t changed;
  uint64_t version;
  bool stopped;
};

typedef struct store_arg {
  enum { STORE_ARG_INT, STORE_ARG_BLOB, STORE_ARG_TEXT } kind;
  int64_t number;
  cor_bytes bytes;
  const char *text;
} store_arg;
#define A_INT(v)                                                                                             \
  { .kind = STORE_ARG_INT, .number = (int64_t)(v) }
#define A_ID(p)                                                                                              \
  {                                                                                                          \
    .kind = STORE_ARG_BLOB, .bytes = {(p), COR_ID_LEN }                                                      \
  }
#define A_HASH(p)                                                                                            \
  {                                                                                                          \
    .kind = STORE_ARG_BLOB, .bytes = {(p), COR_HASH_LEN }                                                    \
  }
#define A_BLOB(b)                                                                                            \
  { .kind = STORE_ARG_BLOB, .bytes = (b) }
#define A_TEXT(t)                                                                                            \
  { .kind = STORE_ARG_TEXT, .text = (t) }

/* Runs a statement that gives no rows. */
bool store_exec(store *s, cor_error *err, const char *sql, const store_arg *args, size_t n) COR_MUST_CHECK;
/* A bound statement to step with store_next; end it with store_done. */
sqlite3_stmt *store_select(store *s, cor_error *err, const char *sql, const store_arg *args,
                           size_t n) COR_MUST_CHECK;
#define STORE_ARGS(...)                                                                                      \
  (const store_arg[]){__VA_ARGS__}, sizeof((const store_arg[]){__VA_ARGS__}) / sizeof(store_arg)
#define STORE_EXEC(s, err, sql, ...) store_exec((s), (err), (sql), STORE_ARGS(__VA_ARGS__))
#define STORE_SELECT(s, err, sql, ...) store_select((s), (err), (sql), STORE_ARGS(__VA_ARGS__))

store_found store_next(store *s, sqlite3_stmt *stmt, cor_error *err) COR_MUST_CHECK;
void store_done(sqlite3_stmt *stmt);
bool store_sql_error(store *s, int rc, cor_error *err); /* returns false */

/* Columns. Fixed blobs of another length (NULL) leave zeros and return false. */
bool store_column_fixed(sqlite3_stmt *stmt, int i, uint8_t *out, size_t len);
void store_column_text(sqlite3_stmt *stmt, int i, char *out, size_t size);
bool store_column_buf(sqlite3_stmt *stmt, int i, cor_buf *out, cor_error *err) COR_MUST_CHECK;

/* store_in.c: erases the body of a message just answered, if it was owed that. */
bool store_erased_settle(store *s, const uint8_t id[COR_ID_LEN], int64_t at, cor_error *err) COR_MUST_CHECK;

/* store_attachment.c. After the row of a message was inserted: notes what it is part of. */
bool store_part_put(store *s, const store_message *message, cor_error *err) COR_MUST_CHECK;
/* The parts still queued of the file that this message is part of: refused like it. */
bool store_parts_abandon(store *s, const uint8_t id[COR_ID_LEN], int code, int64_t at,
                         cor_error *err) COR_MUST_CHECK;
/* Turns the event of a part into the file's. ABSENT: there is nothing to tell. */
store_found store_event_of_part(store *s, store_event *event, cor_error *err) COR_MUST_CHECK;

/* store_schema.c: makes or checks the tables; fills in the epoch. */
bool store_schema_apply(store *s, const char *office, cor_error *err) COR_MUST_CHECK;
#endif
