/* log.c - one event, one line, on stderr (log.h).
 *
 *   time=2026-03-02T09:00:00.000Z level=info program=corridor-broker event=admitted office=ne-host
 *
 * Guarantees: a line is at most LINE_MAX_BYTES and goes out in one write, so
 * that lines of several threads do not mix; only the bytes from '!' to '~' and
 * the separating space reach the log, whatever a word held. A line that does
 * not fit ends in cut=1. A log that cannot be written stops nothing.
 *
 * Trusts: the caller's choice of fields (log.h says what never to pass).
 * Nothing here is fatal; a NULL log is silent. */
#include "corridor/log.h"
#include "corridor/id.h"
#include "corridor/refusal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048, WORD_MAX = 128, TAIL = 8 };

struct cor_log {
  const char *program;
  cor_clock *clock;
  _Atomic int least;
};

typedef struct line {
  char text[LINE_MAX_BYTES];
  size_t len;
  bool cut;
} line;

static const char *const level_names[] = {"debug", "info", "warn", "alarm"};

cor_log *cor_log_new(const char *program, cor_clock *clock, cor_level least) {
  cor_log *log = calloc(1, sizeof *log);
  if (!log) abort();
  log->program = program;
  log->clock = clock;
  atomic_init(&log->least, (int)least);
  return log;
}

void cor_log_destroy(cor_log **log) {
  free(*log);
  *log = NULL;
}

void cor_log_set_level(cor_log *log, cor_level least) {
  atomic_store(&log->least, (int)least);
}

/* Adds " name=value", or nothing at all once the line is full. */
static void add(line *to, const char *name, const char *value) {
  size_t name_len = strnlen(name, WORD_MAX), value_len = strlen(value);
  size_t need = (to->len > 0) + name_len + 1 + value_len;
  if (to->cut || to->len + need > sizeof to->text - TAIL) {
    to->cut = true;
    return;
  }
  if (to->len > 0) to->text[to->len++] = ' ';
  memcpy(to->text + to->len, name, name_len);
  to->len += name_len;
  to->text[to->len++] = '=';
  memcpy(to->text + to->len, value, value_len);
  to->len += value_len;
}

/* The backslash is escaped too, or a reader could not tell escapes from text. */
static void add_word(line *to, const char *name, const char *word) {
  char safe[WORD_MAX + 1];
  size_t len = 0;
  for (const char *at = word ? word : "-"; *at != '\0'; at++) {
    bool plain = *at >= '!' && *at <= '~' && *at != '\\';
    if (len + (plain ? 1 : 4) > WORD_MAX) break;
    if (plain)
      safe[len++] = *at;
    else
      len += (size_t)snprintf(safe + len, 5, "\\x%02x", (unsigned char)*at);
  }
  safe[len] = '\0';
  add(to, name, safe);
}

static void add_number(line *to, const char *name, int64_t number) {
  char text[24];
  snprintf(text, sizeof text, "%lld", (long long)number);
  add(to, name, text);
}

static void add_field(line *to, const cor_field *field) {
  char text[COR_ID_TEXT];
  switch (field->kind) {
  case COR_F_WORD: add_word(to, field->name, field->word); break;
  case COR_F_NUMBER: add_number(to, field->name, field->number); break;
  case COR_F_ID: add(to, field->name, field->id ? cor_id_text(field->id, text) : "-"); break;
  case COR_F_CODE: add(to, field->name, cor_refusal_of((int)field->number)->name); break;
  }
}

static void add_time(line *to, int64_t now) {
  char text[COR_TIME_TEXT], full[COR_TIME_TEXT + 8];
  cor_time_text(now, text);
  snprintf(full, sizeof full, "%.19s.%03uZ", text, (unsigned)(((now % 1000) + 1000) % 1000));
  add(to, "time", full);
}

static void put(const char *text, size_t len) {
  while (len > 0) {
    ssize_t done = write(STDERR_FILENO, text, len);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return;
    text += done;
    len -= (size_t)done;
  }
}

void cor_log_write(cor_log *log, cor_level level, const char *event, const cor_field *fields, size_t n) {
  if (!log || (int)level < atomic_load(&log->least)) return;
  line to = {.len = 0};
  add_time(&to, cor_clock_now(log->clock));
  add(&to, "level", level_names[level]);
  add_word(&to, "program", log->program);
  add_word(&to, "event", event);
  for (size_t i = 0; i < n; i++)
    add_field(&to, &fields[i]);
  if (to.cut) {
    memcpy(to.text + to.len, " cut=1", 6);
    to.len += 6;
  }
  to.text[to.len++] = '\n';
  put(to.text, to.len);
}
