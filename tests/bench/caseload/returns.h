/* returns.h - who returned from where to where: host country x country of
 * origin, whole people. */
#ifndef CASELOAD_RETURNS_H
#define CASELOAD_RETURNS_H
#include "world.h"

typedef struct returns {
  size_t cells[COUNTRIES_MAX][COUNTRIES_MAX]; /* host, origin */
  size_t pairs[REGIONS][REGIONS];
  size_t cases;
} returns;

/* cases people in the proportions of 2020; 42,208 are the published table. */
void returns_fit(const world *w, size_t cases, returns *out);
#endif
