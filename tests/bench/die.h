/* die.h - how a benchmark program gives up: a figure of something that failed
 * would measure nothing. */
#ifndef BENCH_DIE_H
#define BENCH_DIE_H
#include "corridor/base.h"
#include <stdio.h>
#include <stdlib.h>

_Noreturn static inline void die(const char *what, const char *why) {
  fprintf(stderr, "bench: %s%s%s\n", what, why && *why ? ": " : "", why ? why : "");
  exit(1);
}

_Noreturn static inline void die_of(const char *what, const cor_error *err) {
  fprintf(stderr, "bench: %s: %s %s (code %d)\n", what, err->path, err->detail, err->code);
  exit(1);
}

/* Memory for n things of a size, zeroed; never NULL. */
static inline void *must_have(size_t n, size_t size) {
  void *p = calloc(n ? n : 1, size);
  if (!p) die("out of memory", NULL);
  return p;
}
#endif
