/* world.h - the countries of the published tables, and how many people and
 * services each had in 2020. */
#ifndef CASELOAD_WORLD_H
#define CASELOAD_WORLD_H
#include "corridor/base.h"

enum { REGIONS = 9, COUNTRIES_MAX = 160, RETURNS_2020 = 42208 };

typedef enum stage { BEFORE_DEPARTURE, AFTER_ARRIVAL, STAGES } stage;

typedef struct country {
  char name[64], iso[3];
  size_t region;
  int utc_minutes;
  uint32_t weekend[7];
  size_t n_weekend;
  double host, origin;     /* returns of 2020 from and to it */
  double services[STAGES]; /* reintegration services of 2020 */
} country;

typedef struct world {
  char regions[REGIONS][8];
  double host_total[REGIONS], origin_total[REGIONS], vulnerable[REGIONS];
  unsigned pairs[REGIONS][REGIONS]; /* host region x region of origin */
  country list[COUNTRIES_MAX];
  size_t n;
} world;

/* dir holds the csv files. */
bool world_load(world *w, const char *dir, cor_error *err) COR_MUST_CHECK;
/* The country's place in the list; w->n = none of that name. */
size_t world_find(const world *w, const char *name);
size_t world_region(const world *w, const char *code);

/* Whole shares of total in proportion to the weights, by largest remainder: they
 * add up, and n whole weights that add up to total come out as they are. */
void apportion(size_t total, const double *weights, size_t n, size_t *out);
#endif
