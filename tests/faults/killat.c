/* killat.c - kills its process at an exact step of a message's way.
 *
 * For: tests/integration/test_kill_steps.py, which preloads it into the core, the
 * door and the agents. A step is a call that lets something leave the process or
 * come in: a statement to PostgreSQL, a change to SQLite, a frame of ZeroMQ. The
 * process dies before the step, by SIGKILL, as in a power cut; dying after one
 * step is dying before the next.
 *
 *   CORRIDOR_KILL_FLAG  while this file exists the count may begin:
 *   CORRIDOR_KILL_ARM   at the arrival of this command (2 bytes, as hex); or at
 *                       once, if it is "flag"
 *   CORRIDOR_KILL_STEP  which step kills, from 1
 *   CORRIDOR_KILL_LOG   file that gets one line: the step and its name
 *
 * Guarantees: without CORRIDOR_KILL_STEP it changes nothing. Trusts the test.
 * Fatal: a function that is not found in its library. */
#include "next.h"
#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>
#include <zmq.h>

static _Atomic long steps = -1; /* -1: not begun */

static void die(long at, const char *what) {
  char line[160];
  const char *path = getenv("CORRIDOR_KILL_LOG");
  int len = snprintf(line, sizeof line, "%ld %.120s\n", at, what);
  int fd = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd >= 0 && len > 0 && write(fd, line, (size_t)len) < 0) abort();
  kill(getpid(), SIGKILL);
  for (;;)
    pause();
}

/* Begins the count, once, if it is time. */
static void begin(const char *by) {
  const char *arm = getenv("CORRIDOR_KILL_ARM"), *flag = getenv("CORRIDOR_KILL_FLAG");
  long idle = -1;
  if (arm != NULL && flag != NULL && strcmp(arm, by) == 0 && access(flag, F_OK) == 0)
    atomic_compare_exchange_strong(&steps, &idle, 0);
}

static void step(const char *what) {
  const char *wanted = getenv("CORRIDOR_KILL_STEP");
  begin("flag");
  if (wanted == NULL || atomic_load(&steps) < 0) return;
  long now = atomic_fetch_add(&steps, 1) + 1;
  if (now == strtol(wanted, NULL, 10)) die(now, what);
}

static void arrived(const unsigned char *data, size_t len) {
  char hex[5];
  if (len != 2) return;
  snprintf(hex, sizeof hex, "%02x%02x", data[0], data[1]);
  begin(hex);
}

/* ---- PostgreSQL ---- */

/* In a pipeline a statement takes effect when the server reads it: after it was
 * given, after the flush, after the synchronisation point. */
int PQsendQueryParams(PGconn *conn, const char *query, int n, const Oid *types, const char *const *values,
                      const int *lengths, const int *formats, int result_format) {
  NEXT(PQsendQueryParams);
  step(query);
  return PQsendQueryParams_next(conn, query, n, types, values, lengths, formats, result_format);
}

int PQsendQueryPrepared(PGconn *conn, const char *name, int n, const char *const *values, const int *lengths,
                        const int *formats, int result_format) {
  NEXT(PQsendQueryPrepared);
  step("PQsendQueryPrepared");
  return PQsendQueryPrepared_next(conn, name, n, values, lengths, formats, result_format);
}

int PQflush(PGconn *conn) {
  NEXT(PQflush);
  step("PQflush");
  return PQflush_next(conn);
}

int PQpipelineSync(PGconn *conn) {
  NEXT(PQpipelineSync);
  step("PQpipelineSync");
  return PQpipelineSync_next(conn);
}

/* ---- SQLite ---- */

/* BEGIN and ROLLBACK frame reads as well, and change nothing by themselves. */
static int changes_nothing(const char *sql) {
  static const char *const words[] = {"SELECT", "PRAGMA", "WITH", "BEGIN", "ROLLBACK"};
  for (size_t i = 0; sql != NULL && i < sizeof words / sizeof *words; i++)
    if (strncmp(sql, words[i], strlen(words[i])) == 0) return 1;
  return sql == NULL;
}

int sqlite3_step(sqlite3_stmt *stmt) {
  NEXT(sqlite3_step);
  if (!changes_nothing(sqlite3_sql(stmt))) step(sqlite3_sql(stmt));
  return sqlite3_step_next(stmt);
}

/* ---- ZeroMQ ---- */

int zmq_msg_recv(zmq_msg_t *message, void *socket, int flags) {
  NEXT(zmq_msg_recv);
  int got = zmq_msg_recv_next(message, socket, flags);
  if (got < 0) return got;
  step("zmq_msg_recv");
  arrived(zmq_msg_data(message), zmq_msg_size(message));
  return got;
}

int zmq_msg_send(zmq_msg_t *message, void *socket, int flags) {
  NEXT(zmq_msg_send);
  step("zmq_msg_send");
  return zmq_msg_send_next(message, socket, flags);
}

int zmq_send(void *socket, const void *data, size_t len, int flags) {
  NEXT(zmq_send);
  step("zmq_send");
  return zmq_send_next(socket, data, len, flags);
}
