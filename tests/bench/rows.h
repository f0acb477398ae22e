/* rows.h - rows of one table as a hub has written them, to be written again. */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ROWS_MAX = 256, ROWS_COLUMNS_MAX = 24 };

typedef struct rows {
  const char *name, *table; /* name: of the prepared statement */
  PGresult *taken;          /* binary */
  size_t n, n_columns;
  Oid array_type[ROWS_COLUMNS_MAX];
  char insert[1536]; /* INSERT ... SELECT FROM unnest(...) */
  char copy[768];    /* COPY ... FROM STDIN */
} rows;

/* Takes at most ROWS_MAX rows with the query. after: SQL at the end of the
 * INSERT (ON CONFLICT ...), or "". Dies when there is none. */
void rows_take(rows *r, PGconn *from, const char *name, const char *table, const char *query,
               const char *after);
void rows_prepare(const rows *r, PGconn *to);
void rows_clear(rows *r);

/* Row i of a write carries the number first + step * i in the columns that must
 * be unique (message_id, sequence, leaf_id); all else is as taken, in turn. */
typedef struct rows_part {
  uint64_t first, step;
  size_t n;
} rows_part;

/* Both send and return; results are the caller's to read. rows_insert works in
 * pipeline mode and yields one result, rows_copy outside it and yields its own. */
void rows_insert(const rows *r, PGconn *to, rows_part part);
void rows_copy(const rows *r, PGconn *to, rows_part part);
#endif
