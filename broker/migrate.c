/* migrate.c - brings a database to the newest schema.
 *
 * For: `corridor-broker migrate`. Guarantees: files run in number order, each
 * with its version row in one transaction, under one advisory lock so that two
 * brokers started together do not race; a file whose bytes changed after it was
 * applied is refused by name. Trusts the directory it is given (the installed
 * sql directory). Nothing is ever migrated down. */
#include "migrate.h"
#include "corridor/id.h"
#include "corridor/refusal.h"
#include <dirent.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1024 * 1024, MIGRATIONS_MAX = 256 };

static bool command(PGconn *conn, const char *sql, const char *name, cor_error *err) {
  PGresult *result = PQexec(conn, sql);
  ExecStatusType status = PQresultStatus(result);
  bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
  if (!ok)
    (void)cor_fail(err, COR_INTERNAL, name, "migration failed and was rolled back: %s",
                   PQresultErrorMessage(result));
  PQclear(result);
  return ok;
}

static int only_sql(const struct dirent *entry) {
  size_t len = strlen(entry->d_name);
  return len > 9 && strspn(entry->d_name, "0123456789") == 4 && entry->d_name[4] == '_' &&
         strcmp(entry->d_name + len - 4, ".sql") == 0;
}

/* *applied: this version stands with these bytes already. */
static bool applied_before(PGconn *conn, const char *version, const char *sum, const char *name,
                           bool *applied, cor_error *err) {
  const char *values[] = {version};
  PGresult *result = PQexecParams(conn, "SELECT sha256 FROM public.corridor_schema WHERE version = $1::int",
                                  1, NULL, values, NULL, NULL, 0);
  bool ok = PQresultStatus(result) == PGRES_TUPLES_OK;
  if (!ok)
    (void)cor_fail(err, COR_INTERNAL, name, "cannot read the schema version: %s",
                   PQresultErrorMessage(result));
  *applied = ok && PQntuples(result) == 1;
  if (*applied && strcmp(PQgetvalue(result, 0, 0), sum) != 0)
    ok = cor_fail(
        err, COR_CONFLICT, name,
        "this file was applied with other content; restore it, and put the change into a new number");
  PQclear(result);
  return ok;
}

static bool apply(PGconn *conn, const char *dir, const char *name, int64_t now, cor_error *err) {
  char path[512], sum[COR_HEX64_TEXT], version[5] = {0}, at[24];
  cor_buf sql = {0}, text = {0};
  bool applied = false, ok = false;
  snprintf(path, sizeof path, "%s/%s", dir, name);
  memcpy(version, name, 4);
  if (!cor_file_read(path, FILE_MAX, false, &sql, err)) return false;
  uint8_t hash[COR_HASH_LEN];
  cor_bytes piece = cor_buf_view(&sql);
  cor_sha256(hash, &piece, 1);
  cor_hex((cor_bytes){hash, sizeof hash}, sum, sizeof sum);
  if (!applied_before(conn, version, sum, name, &applied, err)) goto out;
  if (applied) {
    ok = true;
    goto out;
  }
  text.data = malloc(sql.len + 1);
  if (!text.data) abort();
  memcpy(text.data, sql.data, sql.len);
  text.data[sql.len] = '\0';
  text.len = sql.len;
  if (!command(conn, "BEGIN", name, err) || !command(conn, (const char *)text.data, name, err)) goto out;
  snprintf(at, sizeof at, "%lld", (long long)now);
  const char *values[] = {version, name, sum, at};
  PGresult *result = PQexecParams(conn,
                                  "INSERT INTO public.corridor_schema VALUES ($1::int, $2, $3, $4::bigint)",
                                  4, NULL, values, NULL, NULL, 0);
  ok = PQresultStatus(result) == PGRES_COMMAND_OK;
  if (!ok)
    (void)cor_fail(err, COR_INTERNAL, name, "cannot write the schema version: %s",
                   PQresultErrorMessage(result));
  PQclear(result);
  ok = ok && command(conn, "COMMIT", name, err);
  if (ok) printf("applied %s\n", name);
out:
  cor_buf_clear(&sql);
  cor_buf_clear(&text);
  return ok;
}

bool migrate_run(const char *conninfo, const char *dir, cor_clock *clock, cor_error *err) {
  bool ok = false;
  struct dirent **entries = NULL;
  int n = 0;
  PGconn *conn = PQconnectdb(conninfo);
  if (PQstatus(conn) != CONNECTION_OK) {
    (void)cor_fail(err, COR_HUB_UNAVAILABLE, "db", "cannot connect to the database: %s",
                   PQerrorMessage(conn));
    goto out;
  }
  n = scandir(dir, &entries, only_sql, alphasort);
  if (n <= 0 || n > MIGRATIONS_MAX) {
    (void)cor_fail(err, COR_BAD_INPUT, "sql", "no migrations in %s", dir);
    goto out;
  }
  if (!command(conn, "SET client_min_messages = warning; SELECT pg_advisory_lock(7210041)", "lock", err) ||
      !command(
          conn,
          "CREATE TABLE IF NOT EXISTS public.corridor_schema"
          " (version int PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, applied_at bigint NOT NULL)",
          "schema table", err) ||
      !command(conn,
               "REVOKE ALL ON public.corridor_schema FROM PUBLIC; GRANT SELECT ON public.corridor_schema TO "
               "PUBLIC",
               "schema table", err))
    goto out;
  ok = true;
  for (int i = 0; ok && i < n; i++)
    ok = apply(conn, dir, entries[i]->d_name, cor_clock_now(clock), err);
out:
  for (int i = 0; i < n; i++)
    free(entries[i]);
  free(entries);
  PQfinish(conn);
  return ok;
}
