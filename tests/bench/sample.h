/* sample.h - durations in microseconds, every one kept, and what they say. */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H
#include <stddef.h>
#include <stdint.h>

typedef struct sample {
  int64_t *us;
  size_t n, cap;
} sample;

void sample_add(sample *s, int64_t us);
void sample_clear(sample *s);
/* Prints "p50_us": ..., "p99_us": ..., "p999_us": ... without braces; sorts. */
void sample_print(sample *s);
/* CPU time of this process, all threads, user and system. */
int64_t sample_cpu_us(void);
#endif
