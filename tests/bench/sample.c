/* sample.c - durations, every one kept.
 *
 * For: latencies of the load and of the peers. A percentile is a measured value
 * (nearest rank of the sorted list), never an estimate from buckets. Nothing is
 * fatal but memory. */
#include "sample.h"
#include "die.h"
#include <sys/resource.h>

void sample_add(sample *s, int64_t us) {
  if (s->n == s->cap) {
    s->cap = s->cap ? s->cap * 2 : 4096;
    s->us = realloc(s->us, s->cap * sizeof *s->us);
    if (!s->us) die("out of memory", NULL);
  }
  s->us[s->n++] = us;
}

void sample_clear(sample *s) {
  free(s->us);
  *s = (sample){0};
}

static int by_size(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* Nearest rank: the least value that so many per mille of all do not exceed. */
static long long at_per_mille(const sample *s, size_t per_mille) {
  if (s->n == 0) return 0;
  const size_t rank = (s->n * per_mille + 999) / 1000;
  return (long long)s->us[rank ? rank - 1 : 0];
}

void sample_print(sample *s) {
  if (s->n) qsort(s->us, s->n, sizeof *s->us, by_size);
  printf("\"p50_us\": %lld, \"p99_us\": %lld, \"p999_us\": %lld", at_per_mille(s, 500), at_per_mille(s, 990),
         at_per_mille(s, 999));
}

static int64_t us_of(struct timeval t) {
  return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

int64_t sample_cpu_us(void) {
  struct rusage used;
  if (getrusage(RUSAGE_SELF, &used) != 0) die("getrusage", NULL);
  return us_of(used.ru_utime) + us_of(used.ru_stime);
}
