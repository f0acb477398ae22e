/* returns.c - country by country, so that the published region table comes out.
 *
 * For: plan.c. Region pairs are the published counts, exactly when the caseload
 * is the whole year, by largest remainder when it is smaller. Inside, countries
 * are fitted by iterative proportions to the margins in world.c; both margins
 * and pairs cannot hold at once, so the pairs hold and the margins nearly.
 * Nobody returns to the country they are in. One pair of countries was printed:
 * 3006 workers from Kazakhstan to Tajikistan [000:280]. */
#include "returns.h"
#include <stdlib.h>

enum { ROUNDS = 200, TAJIK_WORKERS = 3006 };

typedef struct fit {
  double cell[COUNTRIES_MAX][COUNTRIES_MAX];
} fit;

static double ratio(double want, double have) {
  return have > 0 ? want / have : 0;
}

static void scale_hosts(const world *w, fit *f, const double *want) {
  for (size_t h = 0; h < w->n; h++) {
    double sum = 0;
    for (size_t o = 0; o < w->n; o++)
      sum += f->cell[h][o];
    for (size_t o = 0; o < w->n; o++)
      f->cell[h][o] *= ratio(want[h], sum);
  }
}

static void scale_origins(const world *w, fit *f, const double *want) {
  for (size_t o = 0; o < w->n; o++) {
    double sum = 0;
    for (size_t h = 0; h < w->n; h++)
      sum += f->cell[h][o];
    for (size_t h = 0; h < w->n; h++)
      f->cell[h][o] *= ratio(want[o], sum);
  }
}

static void scale_pairs(const world *w, fit *f, double want[REGIONS][REGIONS]) {
  double sum[REGIONS][REGIONS] = {{0}};
  for (size_t h = 0; h < w->n; h++)
    for (size_t o = 0; o < w->n; o++)
      sum[w->list[h].region][w->list[o].region] += f->cell[h][o];
  for (size_t h = 0; h < w->n; h++)
    for (size_t o = 0; o < w->n; o++) {
      size_t a = w->list[h].region, b = w->list[o].region;
      f->cell[h][o] *= ratio(want[a][b], sum[a][b]);
    }
}

static void fit_year(const world *w, fit *f) {
  size_t kazakhstan = world_find(w, "Kazakhstan"), tajikistan = world_find(w, "Tajikistan");
  double hosts[COUNTRIES_MAX], origins[COUNTRIES_MAX], pairs[REGIONS][REGIONS];
  for (size_t i = 0; i < w->n; i++) {
    hosts[i] = w->list[i].host - (i == kazakhstan ? TAJIK_WORKERS : 0);
    origins[i] = w->list[i].origin - (i == tajikistan ? TAJIK_WORKERS : 0);
  }
  for (size_t a = 0; a < REGIONS; a++)
    for (size_t b = 0; b < REGIONS; b++)
      pairs[a][b] = w->pairs[a][b];
  pairs[w->list[kazakhstan].region][w->list[tajikistan].region] -= TAJIK_WORKERS;
  for (size_t h = 0; h < w->n; h++)
    for (size_t o = 0; o < w->n; o++)
      f->cell[h][o] = h == o || (h == kazakhstan && o == tajikistan) ? 0 : hosts[h] * origins[o];
  for (int i = 0; i < ROUNDS; i++) {
    scale_hosts(w, f, hosts);
    scale_origins(w, f, origins);
    scale_pairs(w, f, pairs);
  }
  f->cell[kazakhstan][tajikistan] = TAJIK_WORKERS;
}

/* Whole people in one pair of regions. */
static void round_pair(const world *w, const fit *f, size_t a, size_t b, returns *out) {
  double *weights = calloc(w->n * w->n, sizeof *weights);
  size_t *shares = calloc(w->n * w->n, sizeof *shares);
  if (!weights || !shares) abort();
  for (size_t h = 0; h < w->n; h++)
    for (size_t o = 0; o < w->n; o++)
      if (w->list[h].region == a && w->list[o].region == b) weights[h * w->n + o] = f->cell[h][o];
  apportion(out->pairs[a][b], weights, w->n * w->n, shares);
  for (size_t h = 0; h < w->n; h++)
    for (size_t o = 0; o < w->n; o++)
      out->cells[h][o] += shares[h * w->n + o];
  free(weights);
  free(shares);
}

void returns_fit(const world *w, size_t cases, returns *out) {
  double weights[REGIONS * REGIONS];
  fit *f = calloc(1, sizeof *f);
  if (!f) abort();
  *out = (returns){.cases = cases};
  for (size_t i = 0; i < REGIONS * REGIONS; i++)
    weights[i] = w->pairs[i / REGIONS][i % REGIONS];
  apportion(cases, weights, REGIONS * REGIONS, &out->pairs[0][0]);
  fit_year(w, f);
  for (size_t i = 0; i < REGIONS * REGIONS; i++)
    round_pair(w, f, i / REGIONS, i % REGIONS, out);
  free(f);
}
