/* clock.c - the one clock (clock.h), and dates as text.
 *
 * Guarantees: a clock never goes backwards within a process, even when the
 * system's does. A demo clock file is replaced whole under a lock and only ever
 * moves forward, so that processes may disagree for REFRESH_MS but no more.
 *
 * Trusts: the kernel's clock; the demo file only as far as its format and range
 * are right. A demo file that vanishes or turns bad under a running process
 * leaves that process at the last offset it knew.
 *
 * Fatal: no memory for the system clock at start; a kernel without clocks.
 * Dates are the proleptic Gregorian calendar, years 1 to 9999, no leap seconds. */
#include "corridor/clock.h"
#include "corridor/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DAY_MS INT64_C(86400000)
#define FIRST_DAY INT32_C(-719162) /* 0001-01-01 */
#define LAST_DAY INT32_C(2932896)  /* 9999-12-31 */
#define LAST_MS (((int64_t)LAST_DAY + 1) * DAY_MS - 1)
#define FIRST_MS ((int64_t)FIRST_DAY * DAY_MS)

enum { REFRESH_MS = 50, FILE_MAX = 128 };
static const char file_format[] = "corridor-demo-clock 1 ";

struct cor_clock {
  char *path; /* demo file; NULL = the system's clock */
  pthread_mutex_t lock;
  struct stat seen;           /* under lock */
  _Atomic int64_t checked_ms; /* monotonic */
  _Atomic int64_t offset;     /* demo - system */
  _Atomic int64_t latest;     /* highest time ever told */
};

static int64_t read_us(clockid_t id) {
  struct timespec now;
  if (clock_gettime(id, &now) != 0) abort();
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t system_ms(void) {
  return read_us(CLOCK_REALTIME) / 1000;
}
bool cor_clock_due(int64_t *last, int64_t every) {
  const int64_t now = cor_clock_monotonic_ms();
  if (now - *last < every) return false;
  *last = now;
  return true;
}

int64_t cor_clock_monotonic_us(void) {
  return read_us(CLOCK_MONOTONIC);
}
int64_t cor_clock_monotonic_ms(void) {
  return read_us(CLOCK_MONOTONIC) / 1000;
}

static cor_clock *new_clock(void) {
  cor_clock *clock = calloc(1, sizeof *clock);
  if (clock) pthread_mutex_init(&clock->lock, NULL);
  return clock;
}

cor_clock *cor_clock_system(void) {
  cor_clock *clock = new_clock();
  if (!clock) abort();
  return clock;
}

void cor_clock_destroy(cor_clock **clock) {
  if (!*clock) return;
  pthread_mutex_destroy(&(*clock)->lock);
  free((*clock)->path);
  free(*clock);
  *clock = NULL;
}

static bool read_offset(const char *path, int64_t *offset, cor_error *err) {
  cor_buf text;
  if (!cor_file_read(path, FILE_MAX, false, &text, err)) return false;
  const char *line = (const char *)text.data;
  const size_t head = sizeof file_format - 1;
  bool ok = strlen(line) == text.len && strncmp(line, file_format, head) == 0;
  if (ok) {
    char *end = NULL;
    errno = 0;
    long long value = strtoll(line + head, &end, 10);
    ok = errno == 0 && end != line + head && strcmp(end, "\n") == 0 && value >= -LAST_MS && value <= LAST_MS;
    *offset = value;
  }
  cor_buf_clear(&text);
  return ok || cor_fail(err, COR_BAD_INPUT, "", "%s is not a demo clock file; make it anew", path);
}

static bool same_file(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
         a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

cor_clock *cor_clock_demo(const char *path, cor_error *err) {
  cor_clock *clock = new_clock();
  int64_t offset = 0;
  if (!clock || !(clock->path = strdup(path))) {
    cor_fail(err, COR_INTERNAL, "", "out of memory; the demo clock was not opened");
    goto failed;
  }
  if (!read_offset(path, &offset, err)) goto failed;
  atomic_store(&clock->offset, offset);
  return clock; /* `seen` is still empty: the next look reads the file again */
failed:
  cor_clock_destroy(&clock);
  return NULL;
}

/* Takes up a changed demo file, looking at most once in REFRESH_MS. */
static void refresh(cor_clock *clock) {
  int64_t monotonic = cor_clock_monotonic_ms();
  if (monotonic - atomic_load(&clock->checked_ms) < REFRESH_MS) return;
  pthread_mutex_lock(&clock->lock);
  struct stat st;
  int64_t offset = 0;
  cor_error ignored;
  if (stat(clock->path, &st) == 0 && !same_file(&st, &clock->seen) &&
      read_offset(clock->path, &offset, &ignored)) {
    clock->seen = st;
    atomic_store(&clock->offset, offset);
  }
  atomic_store(&clock->checked_ms, monotonic);
  pthread_mutex_unlock(&clock->lock);
}

int64_t cor_clock_now(cor_clock *clock) {
  if (clock->path) refresh(clock);
  int64_t now = system_ms() + atomic_load(&clock->offset);
  int64_t latest = atomic_load(&clock->latest);
  while (now > latest && !atomic_compare_exchange_weak(&clock->latest, &latest, now)) {
  }
  return now > latest ? now : latest;
}

/* The lock is a sibling file that is never replaced: a lock on the clock file
 * itself would be lost with the rename. Returns -1 on error. */
static int lock_beside(const char *path, cor_error *err) {
  char *name = NULL;
  if (asprintf(&name, "%s.lock", path) < 0) {
    cor_fail(err, COR_INTERNAL, "", "out of memory; the demo clock was not changed");
    return -1;
  }
  int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  int result = fd;
  if (fd >= 0) do
      result = flock(fd, LOCK_EX);
    while (result != 0 && errno == EINTR);
  if (result < 0)
    cor_fail(err, COR_INTERNAL, "", "cannot lock %s: %s; the demo clock was not changed", name,
             strerror(errno));
  if (result < 0 && fd >= 0) {
    close(fd);
    fd = -1;
  }
  free(name);
  return fd;
}

static bool write_offset(const char *path, int64_t now, cor_error *err) {
  char line[FILE_MAX];
  int len = snprintf(line, sizeof line, "%s%lld\n", file_format, (long long)(now - system_ms()));
  return cor_file_write(path, (cor_bytes){(const uint8_t *)line, (size_t)len}, 0644, err);
}

static bool in_range(int64_t now, cor_error *err) {
  return (now >= 0 && now <= LAST_MS) ||
         cor_fail(err, COR_BAD_INPUT, "", "a demo clock stands between 1970 and 9999; it was not changed");
}

bool cor_clock_demo_start(const char *path, int64_t now, cor_error *err) {
  if (!in_range(now, err)) return false;
  int lock = lock_beside(path, err);
  if (lock < 0) return false;
  bool ok = access(path, F_OK) != 0 ||
            cor_fail(err, COR_BAD_INPUT, "", "%s exists already: set it forward, or use a new directory",
                     path);
  ok = ok && write_offset(path, now, err);
  close(lock);
  return ok;
}

bool cor_clock_demo_set(const char *path, int64_t now, cor_error *err) {
  if (!in_range(now, err)) return false;
  int lock = lock_beside(path, err);
  if (lock < 0) return false;
  int64_t offset = 0;
  char text[COR_TIME_TEXT];
  bool ok = read_offset(path, &offset, err);
  if (ok && now < system_ms() + offset)
    ok = cor_fail(err, COR_BAD_INPUT, "",
                  "the demo clock stands at %s and is only ever set forward; it was not changed",
                  cor_time_text(system_ms() + offset, text));
  ok = ok && write_offset(path, now, err);
  close(lock);
  return ok;
}

/* Days since 1970 of a date, counted in eras of 400 years that start on 1
 * March, so that a leap day is the last of its year. */
static int32_t day_of_date(int32_t year, int32_t month, int32_t mday) {
  year -= month <= 2;
  int32_t era = (year >= 0 ? year : year - 399) / 400;
  int32_t year_of_era = year - era * 400;
  int32_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + mday - 1;
  int32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

static void date_of_day(int32_t day, int *year, int *month, int *mday) {
  int32_t shifted = day + 719468;
  int32_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  int32_t day_of_era = shifted - era * 146097;
  int32_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int32_t index = (5 * day_of_year + 2) / 153;
  *mday = day_of_year - (153 * index + 2) / 5 + 1;
  *month = index + (index < 10 ? 3 : -9);
  *year = year_of_era + era * 400 + (*month <= 2);
}

static int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b < 0);
}

static int64_t clamp(int64_t value, int64_t least, int64_t most) {
  return value < least ? least : value > most ? most : value;
}

int32_t cor_day_of(int64_t ms, int32_t utc_offset_minutes) {
  int64_t local = clamp(ms, FIRST_MS, LAST_MS) + (int64_t)utc_offset_minutes * 60000;
  return (int32_t)floor_div(local, DAY_MS);
}

const char *cor_day_text(int32_t day, char out[COR_TIME_TEXT]) {
  int year, month, mday;
  date_of_day((int32_t)clamp(day, FIRST_DAY, LAST_DAY), &year, &month, &mday);
  snprintf(out, COR_TIME_TEXT, "%04u-%02u-%02u", (unsigned)year % 10000, (unsigned)month % 100,
           (unsigned)mday % 100);
  return out;
}

const char *cor_time_text(int64_t ms, char out[COR_TIME_TEXT]) {
  ms = clamp(ms, FIRST_MS, LAST_MS);
  int32_t day = cor_day_of(ms, 0);
  unsigned second = (unsigned)((ms - day * DAY_MS) / 1000);
  cor_day_text(day, out);
  size_t len = strlen(out);
  snprintf(out + len, COR_TIME_TEXT - len, "T%02u:%02u:%02uZ", second / 3600, second / 60 % 60, second % 60);
  return out;
}

/* Exactly n decimal digits at *at, which moves past them. */
static bool digits(const char **at, int n, int least, int most, int *value) {
  *value = 0;
  for (int i = 0; i < n; i++, (*at)++) {
    if (**at < '0' || **at > '9') return false;
    *value = *value * 10 + (**at - '0');
  }
  return *value >= least && *value <= most;
}

static bool literal(const char **at, char c) {
  if (**at != c) return false;
  (*at)++;
  return true;
}

static bool parse_date(const char **at, int32_t *day) {
  static const int8_t length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int year, month, mday;
  if (!digits(at, 4, 1, 9999, &year) || !literal(at, '-') || !digits(at, 2, 1, 12, &month) ||
      !literal(at, '-') || !digits(at, 2, 1, 31, &mday))
    return false;
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (mday > length[month - 1] + (month == 2 && leap)) return false;
  *day = day_of_date(year, month, mday);
  return true;
}

bool cor_day_parse(const char *yyyy_mm_dd, int32_t *day) {
  const char *at = yyyy_mm_dd;
  return parse_date(&at, day) && *at == '\0';
}

/* "Z", "+01:00" or nothing (UTC). */
static bool parse_zone(const char **at, int *minutes) {
  int hour, minute;
  *minutes = 0;
  if (**at == '\0' || literal(at, 'Z')) return true;
  int sign = literal(at, '+') ? 1 : literal(at, '-') ? -1 : 0;
  if (sign == 0 || !digits(at, 2, 0, 23, &hour) || !literal(at, ':') || !digits(at, 2, 0, 59, &minute))
    return false;
  *minutes = sign * (hour * 60 + minute);
  return true;
}

/* ".123": to the millisecond, the rest is dropped. */
static bool parse_fraction(const char **at, int *ms) {
  *ms = 0;
  if (!literal(at, '.')) return true;
  int n = 0;
  for (int weight = 100; **at >= '0' && **at <= '9'; (*at)++, weight /= 10, n++)
    *ms += weight * (**at - '0');
  return n >= 1 && n <= 9;
}

bool cor_time_parse(const char *text, int64_t *ms) {
  const char *at = text;
  int32_t day;
  int hour = 0, minute = 0, second = 0, fraction = 0, zone = 0;
  if (!parse_date(&at, &day)) return false;
  if (literal(&at, 'T')) {
    if (!digits(&at, 2, 0, 23, &hour) || !literal(&at, ':') || !digits(&at, 2, 0, 59, &minute)) return false;
    if (literal(&at, ':') && (!digits(&at, 2, 0, 59, &second) || !parse_fraction(&at, &fraction)))
      return false;
    if (!parse_zone(&at, &zone)) return false;
  }
  *ms = day * DAY_MS + ((hour * 60 + minute - zone) * INT64_C(60) + second) * 1000 + fraction;
  return *at == '\0';
}
