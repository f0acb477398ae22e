/* store.c - the agent's database: opening, transactions, prepared statements,
 * and telling waiters that something changed.
 *
 * Guarantees: what store_commit returned true for is on disk (WAL with
 * synchronous=FULL syncs the log before it returns); after false nothing of the
 * transaction is there. One agent per file: a flock says so, held until close,
 * because two agents on one store would each think they hold the sequence.
 * A full disk is DISK_FULL, never a crash: new work asks store_room first, which
 * keeps enough pages back that answers to queued messages still fit.
 * Trusts the file's content as this program wrote it. Fatal for the caller: a
 * store of another office, or one that others can read. */
#include "store_internal.h"

#include "corridor/clock.h"
#include "corridor/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
  RESERVE_PAGES = 64,             /* kept back for answers */
  RESERVE_BYTES = 8 * 1024 * 1024 /* kept free on the file system */
};

bool store_sql_error(store *s, int rc, cor_error *err) {
  int primary = rc & 0xff;
  COR_LOG(s->log, COR_ALARM, "store-error", COR_NUM("sqlite", rc));
  if (primary == SQLITE_FULL || primary == SQLITE_IOERR)
    return cor_fail(err, COR_DISK_FULL, "",
                    "the agent's disk is full; nothing of this was kept, free some space");
  return cor_fail(err, COR_INTERNAL, "", "the agent's store failed (SQLite %d); nothing of this was kept",
                  rc);
}

/* ---- statements ---- */

static sqlite3_stmt *prepared(store *s, const char *sql, cor_error *err) {
  for (size_t i = 0; i < s->n_statements; i++)
    if (s->statements[i].sql == sql) {
      sqlite3_reset(s->statements[i].stmt);
      sqlite3_clear_bindings(s->statements[i].stmt);
      return s->statements[i].stmt;
    }
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
  if (rc == SQLITE_OK && s->n_statements == STORE_STATEMENTS_MAX) rc = SQLITE_NOMEM;
  if (rc != SQLITE_OK) {
    sqlite3_finalize(stmt);
    (void)store_sql_error(s, rc, err);
    return NULL;
  }
  s->statements[s->n_statements].sql = sql;
  s->statements[s->n_statements++].stmt = stmt;
  return stmt;
}

static int bind(sqlite3_stmt *stmt, int i, const store_arg *arg) {
  switch (arg->kind) {
  case STORE_ARG_INT: return sqlite3_bind_int64(stmt, i, arg->number);
  case STORE_ARG_TEXT:
    return arg->text == NULL ? sqlite3_bind_null(stmt, i)
                             : sqlite3_bind_text(stmt, i, arg->text, -1, SQLITE_TRANSIENT);
  default:
    if (arg->bytes.data == NULL) return sqlite3_bind_null(stmt, i);
    return sqlite3_bind_blob64(stmt, i, arg->bytes.data, arg->bytes.len, SQLITE_TRANSIENT);
  }
}

sqlite3_stmt *store_select(store *s, cor_error *err, const char *sql, const store_arg *args, size_t n) {
  sqlite3_stmt *stmt = prepared(s, sql, err);
  int rc = SQLITE_OK;
  for (size_t i = 0; stmt != NULL && rc == SQLITE_OK && i < n; i++)
    rc = bind(stmt, (int)i + 1, &args[i]);
  if (rc == SQLITE_OK) return stmt;
  (void)store_sql_error(s, rc, err);
  return NULL;
}

store_found store_next(store *s, sqlite3_stmt *stmt, cor_error *err) {
  int rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW) return STORE_FOUND;
  sqlite3_reset(stmt);
  if (rc == SQLITE_DONE) return STORE_ABSENT;
  (void)store_sql_error(s, rc, err);
  return STORE_ERROR;
}

void store_done(sqlite3_stmt *stmt) {
  sqlite3_reset(stmt);
}

bool store_exec(store *s, cor_error *err, const char *sql, const store_arg *args, size_t n) {
  sqlite3_stmt *stmt = store_select(s, err, sql, args, n);
  if (stmt == NULL) return false;
  return store_next(s, stmt, err) != STORE_ERROR;
}

bool store_column_fixed(sqlite3_stmt *stmt, int i, uint8_t *out, size_t len) {
  memset(out, 0, len);
  const void *blob = sqlite3_column_blob(stmt, i);
  if (blob == NULL || (size_t)sqlite3_column_bytes(stmt, i) != len) return false;
  memcpy(out, blob, len);
  return true;
}

void store_column_text(sqlite3_stmt *stmt, int i, char *out, size_t size) {
  const unsigned char *text = sqlite3_column_text(stmt, i);
  snprintf(out, size, "%s", text == NULL ? "" : (const char *)text);
}

bool store_column_buf(sqlite3_stmt *stmt, int i, cor_buf *out, cor_error *err) {
  const void *blob = sqlite3_column_blob(stmt, i);
  *out = (cor_buf){NULL, 0};
  if (blob == NULL) return true;
  return cor_buf_copy(out, (cor_bytes){blob, (size_t)sqlite3_column_bytes(stmt, i)}, err);
}

/* ---- transactions ---- */

bool store_begin(store *s, cor_error *err) {
  pthread_mutex_lock(&s->mutex);
  if (store_exec(s, err, "BEGIN IMMEDIATE", NULL, 0)) return true;
  pthread_mutex_unlock(&s->mutex);
  return false;
}

static void abandon(store *s) {
  cor_error ignored;
  /* SQLite rolls back by itself on some errors, e.g. a full disk. */
  if (sqlite3_get_autocommit(s->db) == 0 && !store_exec(s, &ignored, "ROLLBACK", NULL, 0))
    COR_LOG(s->log, COR_ALARM, "store-rollback-failed");
}

bool store_commit(store *s, cor_error *err) {
  bool ok = store_exec(s, err, "COMMIT", NULL, 0);
  if (!ok) abandon(s);
  /* What was erased stands in the log until that is empty. Should it not empty
   * now, the next checkpoint overwrites it. */
  if (ok && s->erased) sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
  s->erased = false;
  pthread_mutex_unlock(&s->mutex);
  return ok;
}

void store_rollback(store *s) {
  abandon(s);
  s->erased = false;
  pthread_mutex_unlock(&s->mutex);
}

static bool pragma_number(store *s, const char *sql, int64_t *out, cor_error *err) {
  sqlite3_stmt *stmt = store_select(s, err, sql, NULL, 0);
  if (stmt == NULL) return false;
  store_found found = store_next(s, stmt, err);
  if (found != STORE_FOUND)
    return found == STORE_ABSENT && cor_fail(err, COR_INTERNAL, "", "no answer to %s", sql);
  *out = sqlite3_column_int64(stmt, 0);
  store_done(stmt);
  return true;
}

bool store_room(store *s, cor_error *err) {
  return store_room_for(s, 0, err);
}

bool store_room_for(store *s, int64_t bytes, cor_error *err) {
  int64_t page, most, used, unused;
  if (!pragma_number(s, "PRAGMA page_size", &page, err) ||
      !pragma_number(s, "PRAGMA max_page_count", &most, err) ||
      !pragma_number(s, "PRAGMA page_count", &used, err) ||
      !pragma_number(s, "PRAGMA freelist_count", &unused, err))
    return false;
  struct statvfs fs;
  bool tight = statvfs(s->dir, &fs) == 0 &&
               (uint64_t)fs.f_bavail * fs.f_frsize < RESERVE_BYTES + (uint64_t)bytes;
  if (!tight && most - used + unused >= RESERVE_PAGES + bytes / page) return true;
  return cor_fail(err, COR_DISK_FULL, "",
                  "the agent's disk is nearly full: new work is refused, what is queued still goes out");
}

/* ---- waiting ---- */

uint64_t store_version(store *s) {
  pthread_mutex_lock(&s->wait_mutex);
  uint64_t version = s->version;
  pthread_mutex_unlock(&s->wait_mutex);
  return version;
}

void store_announce(store *s) {
  pthread_mutex_lock(&s->wait_mutex);
  s->version++;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->wait_mutex);
}

bool store_wait(store *s, uint64_t seen, int64_t deadline) {
  const struct timespec until = {.tv_sec = deadline / 1000, .tv_nsec = (deadline % 1000) * 1000000};
  int rc = 0;
  pthread_mutex_lock(&s->wait_mutex);
  while (s->version == seen && !s->stopped && rc != ETIMEDOUT)
    rc = pthread_cond_clockwait(&s->changed, &s->wait_mutex, CLOCK_MONOTONIC, &until);
  bool news = s->version != seen && !s->stopped;
  pthread_mutex_unlock(&s->wait_mutex);
  return news;
}

void store_stop(store *s) {
  pthread_mutex_lock(&s->wait_mutex);
  s->stopped = true;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->wait_mutex);
}

/* ---- opening ---- */

/* Made before SQLite sees the path, so that the file is 0600 from its first
 * byte; -wal and -shm take their mode from it. */
static bool claim_file(store *s, const char *path, cor_error *err) {
  s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  struct stat st;
  if (s->lock_fd < 0 || fstat(s->lock_fd, &st) != 0) {
    int code = errno == ENOSPC ? COR_DISK_FULL : COR_INTERNAL;
    return cor_fail(err, code, "store", "cannot open the store %s: %s", path, strerror(errno));
  }
  if ((st.st_mode & 077) != 0)
    return cor_fail(err, COR_KEY_FILE_EXPOSED, "store", "%s can be read by others; chmod 600 it", path);
  if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0)
    return cor_fail(err, COR_SESSION_FENCED, "store", "another agent has %s open", path);
  snprintf(s->dir, sizeof s->dir, "%s", path);
  char *slash = strrchr(s->dir, '/');
  if (slash == NULL)
    snprintf(s->dir, sizeof s->dir, ".");
  else
    slash[slash == s->dir ? 1 : 0] = '\0';
  return true;
}

static bool settings(store *s, cor_error *err) {
  static const char *const pragmas[] = {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
                                        "PRAGMA foreign_keys=ON",  "PRAGMA trusted_schema=OFF",
                                        "PRAGMA secure_delete=ON", "PRAGMA busy_timeout=5000"};
  for (size_t i = 0; i < sizeof pragmas / sizeof *pragmas; i++) {
    int rc = sqlite3_exec(s->db, pragmas[i], NULL, NULL, NULL);
    if (rc != SQLITE_OK) return store_sql_error(s, rc, err);
  }
  return true;
}

store *store_open(const char *path, const char *office, cor_log *log, cor_error *err) {
  store *s = calloc(1, sizeof *s);
  if (s == NULL) {
    (void)cor_fail(err, COR_INTERNAL, "store", "out of memory");
    return NULL;
  }
  s->lock_fd = -1;
  s->log = log;
  pthread_mutex_init(&s->mutex, NULL);
  pthread_mutex_init(&s->wait_mutex, NULL);
  pthread_cond_init(&s->changed, NULL);
  if (!claim_file(s, path, err)) goto fail;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
  char full[4096];
  if (realpath(path, full) == NULL) {
    (void)cor_fail(err, COR_INTERNAL, "store", "cannot resolve the store's path: %s", strerror(errno));
    goto fail;
  }
  int rc = sqlite3_open_v2(full, &s->db, flags, NULL);
  if (rc != SQLITE_OK) {
    (void)store_sql_error(s, rc, err);
    goto fail;
  }
  sqlite3_extended_result_codes(s->db, 1);
  if (!settings(s, err) || !store_schema_apply(s, office, err)) goto fail;
  return s;
fail:
  store_close(&s);
  return NULL;
}

void store_close(store **s) {
  if (s == NULL || *s == NULL) return;
  store *gone = *s;
  for (size_t i = 0; i < gone->n_statements; i++)
    sqlite3_finalize(gone->statements[i].stmt);
  sqlite3_close(gone->db);
  /* Only now: closing any descriptor of the file drops SQLite's own locks. */
  if (gone->lock_fd >= 0) close(gone->lock_fd);
  pthread_cond_destroy(&gone->changed);
  pthread_mutex_destroy(&gone->wait_mutex);
  pthread_mutex_destroy(&gone->mutex);
  free(gone);
  *s = NULL;
}
