/* quota.c - a bounded count per office and hour.
 *
 * For: keeping a hostile card holder from filling the log with refusals. It is
 * only refusals that are capped: what is admitted is always logged. A table of
 * fixed size, the oldest hour gives way; an office that comes back to a full
 * quota after a restart of the core costs one quota more, no harm. */
#include "quota.h"
#include "corridor/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OFFICES = 1024, HOUR_MS = 3600 * 1000 };

struct quota {
  struct {
    char office[COR_OFFICE_MAX + 1];
    int64_t since;
    int taken;
  } rows[OFFICES];
};

struct quota *quota_new(void) {
  struct quota *quota = calloc(1, sizeof *quota);
  if (!quota) abort();
  return quota;
}

void quota_destroy(struct quota **quota) {
  free(*quota);
  *quota = NULL;
}

bool quota_take(struct quota *quota, const char *office) {
  int64_t now = cor_clock_monotonic_ms();
  size_t at = 0;
  for (size_t i = 0; i < OFFICES; i++) {
    if (strcmp(quota->rows[i].office, office) == 0) {
      at = i;
      break;
    }
    if (quota->rows[i].since < quota->rows[at].since) at = i;
  }
  bool other = strcmp(quota->rows[at].office, office) != 0;
  if (other || now - quota->rows[at].since >= HOUR_MS) {
    snprintf(quota->rows[at].office, sizeof quota->rows[at].office, "%s", office);
    quota->rows[at].since = now;
    quota->rows[at].taken = 0;
  }
  return quota->rows[at].taken++ < QUOTA_PER_HOUR;
}
