/* rows.c - takes rows out of a hub's database and writes them elsewhere.
 *
 * For: limits.c, which must write the very rows Corridor writes. Columns and
 * types are asked of the database, so a new column needs no change here. A field
 * in binary is the same bytes in a query's result, in an array's element and in
 * COPY, so nothing is ever interpreted but the few numbers that must be fresh.
 * Ids stay UUIDv7: their time rises as it does in a busy hub, the rest is
 * scattered. Errors are fatal. */
#include "rows.h"
#include "die.h"
#include <string.h>

enum { ID_LEN = 16, PER_MS = 20 /* messages to a millisecond, for the ids' time */ };

typedef struct bytes {
  char *data;
  size_t len, cap;
} bytes;

static char *grow(bytes *b, size_t more) {
  if (b->len + more > b->cap) {
    b->cap = (b->len + more) * 2;
    b->data = realloc(b->data, b->cap);
    if (!b->data) die("out of memory", NULL);
  }
  b->len += more;
  return b->data + b->len - more;
}

static void put(bytes *b, uint64_t value, size_t width) {
  char *at = grow(b, width);
  for (size_t i = 0; i < width; i++)
    at[i] = (char)(value >> 8 * (width - 1 - i));
}

/* ---- taking ---- */

static void type_name(PGconn *from, Oid type, char *name, size_t size, Oid *array) {
  char number[16];
  const char *values[] = {number};
  snprintf(number, sizeof number, "%u", type);
  PGresult *r = PQexecParams(from, "SELECT format_type(oid, NULL), typarray FROM pg_type WHERE oid = $1::oid",
                             1, NULL, values, NULL, NULL, 0);
  if (PQntuples(r) != 1) die("a type", PQerrorMessage(from));
  snprintf(name, size, "%s", PQgetvalue(r, 0, 0));
  *array = (Oid)strtoul(PQgetvalue(r, 0, 1), NULL, 10);
  PQclear(r);
}

static void write_statements(rows *r, PGconn *from, const char *after) {
  char columns[640] = "", arrays[640] = "", name[64];
  size_t c = 0, a = 0;
  for (size_t i = 0; i < r->n_columns; i++) {
    const char *comma = i ? ", " : "";
    type_name(from, PQftype(r->taken, (int)i), name, sizeof name, &r->array_type[i]);
    c += (size_t)snprintf(columns + c, sizeof columns - c, "%s%s", comma, PQfname(r->taken, (int)i));
    a += (size_t)snprintf(arrays + a, sizeof arrays - a, "%s$%zu::%s[]", comma, i + 1, name);
    if (c >= sizeof columns || a >= sizeof arrays) die("too many columns", r->table);
  }
  const int n = snprintf(r->insert, sizeof r->insert,
                         "INSERT INTO corridor.%s (%s) OVERRIDING SYSTEM VALUE SELECT * FROM unnest(%s) %s",
                         r->table, columns, arrays, after);
  const int m = snprintf(r->copy, sizeof r->copy, "COPY corridor.%s (%s) FROM STDIN (FORMAT binary)",
                         r->table, columns);
  if (n >= (int)sizeof r->insert || m >= (int)sizeof r->copy) die("too many columns", r->table);
}

void rows_take(rows *r, PGconn *from, const char *name, const char *table, const char *query,
               const char *after) {
  *r = (rows){.name = name, .table = table};
  r->taken = PQexecParams(from, query, 0, NULL, NULL, NULL, NULL, 1);
  if (PQresultStatus(r->taken) != PGRES_TUPLES_OK) die(table, PQerrorMessage(from));
  r->n = (size_t)PQntuples(r->taken);
  r->n_columns = (size_t)PQnfields(r->taken);
  if (r->n == 0) die("the hub has no such rows yet", table);
  if (r->n_columns > ROWS_COLUMNS_MAX) die("too many columns", table);
  write_statements(r, from, after);
}

void rows_prepare(const rows *r, PGconn *to) {
  PGresult *done = PQprepare(to, r->name, r->insert, (int)r->n_columns, r->array_type);
  if (PQresultStatus(done) != PGRES_COMMAND_OK) die(r->name, PQerrorMessage(to));
  PQclear(done);
}

void rows_clear(rows *r) {
  PQclear(r->taken);
  *r = (rows){0};
}

/* ---- writing ---- */

static uint64_t scatter(uint64_t x) {
  x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
  return x ^ x >> 31;
}

static void put_id(bytes *out, const char *taken, uint64_t number) {
  uint64_t ms = 0;
  for (int i = 0; i < 6; i++)
    ms = ms << 8 | (uint8_t)taken[i];
  put(out, ms + number / PER_MS, 6);
  memcpy(grow(out, 2), taken + 6, 2); /* version and some random bits */
  put(out, scatter(number), 8);
}

/* One field with its length before it, as arrays and COPY have it. */
static bool put_field(bytes *out, const rows *r, size_t row, size_t column, uint64_t number) {
  const int i = (int)(row % r->n), c = (int)column;
  const char *name = PQfname(r->taken, c), *value = PQgetvalue(r->taken, i, c);
  if (PQgetisnull(r->taken, i, c)) {
    put(out, UINT32_MAX, 4);
    return false;
  }
  const size_t len = (size_t)PQgetlength(r->taken, i, c);
  put(out, len, 4);
  if (strcmp(name, "message_id") == 0 && len == ID_LEN)
    put_id(out, value, number);
  else if (strcmp(name, "sequence") == 0 || strcmp(name, "leaf_id") == 0)
    put(out, number, 8);
  else if (len)
    memcpy(grow(out, len), value, len);
  return true;
}

static void put_array(bytes *out, const rows *r, size_t column, rows_part part) {
  bool all = true;
  put(out, 1, 4); /* dimensions */
  const size_t flag = out->len;
  put(out, 0, 4); /* has nulls */
  put(out, PQftype(r->taken, (int)column), 4);
  put(out, part.n, 4);
  put(out, 1, 4); /* lower bound */
  for (size_t i = 0; i < part.n; i++)
    all &= put_field(out, r, i, column, part.first + part.step * i);
  out->data[flag + 3] = !all;
}

void rows_insert(const rows *r, PGconn *to, rows_part part) {
  bytes arrays[ROWS_COLUMNS_MAX] = {0};
  const char *values[ROWS_COLUMNS_MAX];
  int lengths[ROWS_COLUMNS_MAX], formats[ROWS_COLUMNS_MAX];
  for (size_t i = 0; i < r->n_columns; i++) {
    put_array(&arrays[i], r, i, part);
    values[i] = arrays[i].data;
    lengths[i] = (int)arrays[i].len;
    formats[i] = 1;
  }
  if (!PQsendQueryPrepared(to, r->name, (int)r->n_columns, values, lengths, formats, 1))
    die(r->table, PQerrorMessage(to));
  for (size_t i = 0; i < r->n_columns; i++)
    free(arrays[i].data);
}

void rows_copy(const rows *r, PGconn *to, rows_part part) {
  static const char signature[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* and no flags, no extension */
  bytes data = {0};
  PGresult *begun = PQexec(to, r->copy);
  if (PQresultStatus(begun) != PGRES_COPY_IN) die(r->table, PQerrorMessage(to));
  PQclear(begun);
  memcpy(grow(&data, sizeof signature), signature, sizeof signature);
  for (size_t i = 0; i < part.n; i++) {
    put(&data, r->n_columns, 2);
    for (size_t c = 0; c < r->n_columns; c++)
      (void)put_field(&data, r, i, c, part.first + part.step * i);
  }
  put(&data, UINT16_MAX, 2);
  if (PQputCopyData(to, data.data, (int)data.len) != 1 || PQputCopyEnd(to, NULL) != 1)
    die(r->table, PQerrorMessage(to));
  free(data.data);
}
