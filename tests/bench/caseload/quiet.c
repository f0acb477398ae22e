/* quiet.c - the one question the replay asks the hub's database.
 *
 * For: moving the clock only when nothing is on its way: a leap of a day would
 * let every lease run out. No agent could ask this; the year of a real hub does
 * not leap. */
#include "quiet.h"
#include "corridor/refusal.h"
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

struct quiet {
  PGconn *db;
};

static bool gone(quiet *q, cor_error *err) {
  return cor_fail(err, COR_HUB_UNAVAILABLE, "db", "%.200s", PQerrorMessage(q->db));
}

quiet *quiet_new(const char *conninfo, cor_error *err) {
  quiet *q = calloc(1, sizeof *q);
  if (!q) abort();
  q->db = PQconnectdb(conninfo);
  PGresult *r = PQexec(q->db, "SET enable_seqscan = off"); /* the waiting have an index of their own */
  bool ok = PQresultStatus(r) == PGRES_COMMAND_OK || gone(q, err);
  PQclear(r);
  if (!ok) quiet_destroy(&q);
  return q;
}

void quiet_destroy(quiet **q) {
  if (*q) PQfinish((*q)->db);
  free(*q);
  *q = NULL;
}

bool quiet_now(quiet *q, bool *yes, cor_error *err) {
  PGresult *r = PQexec(q->db, "SELECT NOT EXISTS (SELECT FROM corridor.delivery WHERE state IN (1, 2))");
  bool ok = PQresultStatus(r) == PGRES_TUPLES_OK || gone(q, err);
  if (ok) *yes = strcmp(PQgetvalue(r, 0, 0), "t") == 0;
  PQclear(r);
  return ok;
}
