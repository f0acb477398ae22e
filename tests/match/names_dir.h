/* names_dir.h - where the rules that names are compared by stand in the source. */
#ifndef CORRIDOR_TESTS_NAMES_DIR_H
#define CORRIDOR_TESTS_NAMES_DIR_H
#include <stdio.h>
#include <stdlib.h>

static inline const char *names_dir(char out[512]) {
  const char *source = getenv("CORRIDOR_SOURCE");
  (void)snprintf(out, 512, "%s/deploy/names", source ? source : ".");
  return out;
}
#endif
