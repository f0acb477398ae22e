/* world.c - reads the published tables (data/) into countries.
 *
 * For: everything else here. What is printed is taken as printed; what the
 * publication leaves out (the countries below each region's first five, and most
 * services by country) is spread so that every printed sum holds, as README.md
 * says. Trusts the csv files beside it: a file that is missing, or names a
 * country or region that the others do not have, is an error. */
#include "world.h"
#include "corridor/refusal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_LEN = 1024, COLUMNS_MAX = 32, KNOWN_FOR_SERVICES = 3 };

typedef struct row {
  char text[LINE_MAX_LEN];
  const char *column[COLUMNS_MAX];
  size_t n;
} row;

typedef bool (*take_row)(world *w, const row *r);

/* Commas inside quotes stand only in notes, which come last and are not read. */
static void split(row *r) {
  r->n = 0;
  r->text[strcspn(r->text, "\r\n")] = '\0';
  for (char *at = r->text; at && r->n < COLUMNS_MAX; r->n++) {
    char *comma = strchr(at, ',');
    r->column[r->n] = at;
    if (comma) *comma++ = '\0';
    at = comma;
  }
  for (size_t i = r->n; i < COLUMNS_MAX; i++)
    r->column[i] = "";
}

static bool read_csv(world *w, const char *dir, const char *name, take_row take, cor_error *err) {
  char path[512];
  row r;
  bool ok = true;
  snprintf(path, sizeof path, "%s/%s.csv", dir, name);
  FILE *file = fopen(path, "r");
  if (!file) return cor_fail(err, COR_BAD_INPUT, name, "cannot read %s", path);
  for (size_t line = 1; ok && fgets(r.text, sizeof r.text, file); line++) {
    split(&r);
    if (line > 1 && !take(w, &r))
      ok = cor_fail(err, COR_BAD_INPUT, name, "line %zu names what the other tables do not have", line);
  }
  fclose(file);
  return ok;
}

size_t world_find(const world *w, const char *name) {
  size_t i = 0;
  while (i < w->n && strcmp(w->list[i].name, name) != 0)
    i++;
  return i;
}

size_t world_region(const world *w, const char *code) {
  size_t i = 0;
  while (i < REGIONS && strcmp(w->regions[i], code) != 0)
    i++;
  return i;
}

static double number(const char *text) {
  return strtod(text, NULL);
}

/* ---- the tables ---- */

static bool take_totals(world *w, const row *r) {
  size_t i = world_region(w, ""); /* the next free one */
  if (i == REGIONS) return false;
  snprintf(w->regions[i], sizeof w->regions[i], "%s", r->column[0]);
  w->host_total[i] = number(r->column[1]);
  w->vulnerable[i] = number(r->column[5]);
  w->origin_total[i] = number(r->column[9]);
  return true;
}

/* Sudan stands in two regions: its returns were counted in the first, EHA. */
static bool take_country(world *w, const row *r) {
  size_t region = world_region(w, r->column[0]);
  if (region == REGIONS || w->n == COUNTRIES_MAX) return false;
  if (world_find(w, r->column[1]) < w->n) return true;
  country *c = &w->list[w->n++];
  *c = (country){.region = region};
  snprintf(c->name, sizeof c->name, "%s", r->column[1]);
  return true;
}

static bool take_office(world *w, const row *r) {
  size_t i = world_find(w, r->column[0]);
  if (i == w->n) return false;
  country *c = &w->list[i];
  snprintf(c->iso, sizeof c->iso, "%s", r->column[1]);
  c->utc_minutes = (int)number(r->column[2]);
  for (const char *day = r->column[3]; *day; day++)
    if (*day != ' ') c->weekend[c->n_weekend++] = (uint32_t)(*day - '0');
  return c->n_weekend > 0;
}

static bool take_pair(world *w, const row *r) {
  size_t host = world_region(w, r->column[0]), origin = world_region(w, r->column[1]);
  if (host == REGIONS || origin == REGIONS) return false;
  w->pairs[host][origin] = (unsigned)number(r->column[2]);
  return true;
}

static bool take_top(world *w, const row *r) {
  size_t i = world_find(w, r->column[3]);
  if (i == w->n) return false;
  *(strcmp(r->column[1], "host") == 0 ? &w->list[i].host : &w->list[i].origin) = number(r->column[4]);
  return true;
}

static bool take_services(world *w, const row *r) {
  bool before = strcmp(r->column[0], "top_host_predeparture") == 0;
  if (!before && strcmp(r->column[0], "top_origin_postarrival") != 0) return true;
  size_t i = world_find(w, r->column[1]);
  if (i == w->n) return false;
  w->list[i].services[before ? BEFORE_DEPARTURE : AFTER_ARRIVAL] = number(r->column[2]);
  return true;
}

/* ---- what was not printed ---- */

/* The rest of each region's returns over its other countries: evenly, but three
 * shares to one that is among the first five of the services table, for it had
 * people to serve. */
static void spread_returns(world *w, bool host) {
  for (size_t region = 0; region < REGIONS; region++) {
    double rest = host ? w->host_total[region] : w->origin_total[region], shares = 0;
    bool open[COUNTRIES_MAX] = {false};
    for (size_t i = 0; i < w->n; i++) {
      country *c = &w->list[i];
      double *known = host ? &c->host : &c->origin;
      if (c->region != region) continue;
      rest -= *known;
      open[i] = *known == 0;
      if (open[i])
        shares += c->services[host ? BEFORE_DEPARTURE : AFTER_ARRIVAL] > 0 ? KNOWN_FOR_SERVICES : 1;
    }
    for (size_t i = 0; i < w->n; i++) {
      country *c = &w->list[i];
      double share = c->services[host ? BEFORE_DEPARTURE : AFTER_ARRIVAL] > 0 ? KNOWN_FOR_SERVICES : 1;
      if (open[i]) *(host ? &c->host : &c->origin) = rest * share / shares;
    }
  }
}

/* Services of a stage in each region [000:1311-1315,1350,1393-1686]. Before
 * departure 88% in the EEA, the rest as the returns from the other regions;
 * after arrival 66% in WCA, the printed regional sums less what was before
 * departure, and what is left over SEEECA and SAF as the returns to them. */
static void region_services(const world *w, double before[REGIONS], double after[REGIONS]) {
  static const struct {
    const char *region;
    double sum;
  } printed[] = {{"AP", 4801}, {"CNAC", 783}, {"EHA", 11320}, {"EEA", 9811}, {"MENA", 8472}, {"SA", 471}};
  const size_t eea = world_region(w, "EEA"), wca = world_region(w, "WCA");
  const double total_before = 11074, total_after = 95156;
  double others = 0, left = total_after, returns = 0;
  for (size_t i = 0; i < REGIONS; i++)
    others += i == eea ? 0 : w->host_total[i];
  for (size_t i = 0; i < REGIONS; i++) {
    before[i] = i == eea ? 0.88 * total_before : 0.12 * total_before * w->host_total[i] / others;
    after[i] = i == wca ? 0.66 * total_after : 0;
  }
  for (size_t k = 0; k < sizeof printed / sizeof *printed; k++) {
    size_t i = world_region(w, printed[k].region);
    after[i] = printed[k].sum - before[i];
  }
  for (size_t i = 0; i < REGIONS; i++) {
    left -= after[i];
    if (after[i] == 0) returns += w->origin_total[i];
  }
  for (size_t i = 0; i < REGIONS; i++)
    if (after[i] == 0) after[i] = left * w->origin_total[i] / returns;
}

/* Inside a region: the printed countries, then the others as their returns. */
static void spread_services(world *w, stage s, const double sums[REGIONS]) {
  for (size_t region = 0; region < REGIONS; region++) {
    double rest = sums[region], returns = 0;
    bool open[COUNTRIES_MAX] = {false};
    for (size_t i = 0; i < w->n; i++) {
      const country *c = &w->list[i];
      if (c->region != region) continue;
      rest -= c->services[s];
      open[i] = c->services[s] == 0;
      if (open[i]) returns += s == BEFORE_DEPARTURE ? c->host : c->origin;
    }
    for (size_t i = 0; i < w->n; i++) {
      country *c = &w->list[i];
      if (open[i]) c->services[s] = rest * (s == BEFORE_DEPARTURE ? c->host : c->origin) / returns;
    }
  }
}

bool world_load(world *w, const char *dir, cor_error *err) {
  double before[REGIONS], after[REGIONS];
  *w = (world){0};
  if (!read_csv(w, dir, "region_totals_2020", take_totals, err) ||
      !read_csv(w, dir, "regions_countries", take_country, err) ||
      !read_csv(w, dir, "countries", take_office, err) ||
      !read_csv(w, dir, "region_weights_2020", take_pair, err) ||
      !read_csv(w, dir, "top5_by_region_2020", take_top, err) ||
      !read_csv(w, dir, "services_2020", take_services, err))
    return false;
  w->list[world_find(w, "Spain")].host = 876; /* ninth of the world's hosts [000:365] */
  spread_returns(w, true);
  spread_returns(w, false);
  region_services(w, before, after);
  spread_services(w, BEFORE_DEPARTURE, before);
  spread_services(w, AFTER_ARRIVAL, after);
  return true;
}

void apportion(size_t total, const double *weights, size_t n, size_t *out) {
  double sum = 0;
  size_t given = 0;
  double *left = calloc(n, sizeof *left);
  if (!left) abort();
  for (size_t i = 0; i < n; i++)
    sum += weights[i];
  for (size_t i = 0; i < n; i++) {
    double share = sum > 0 ? (double)total * weights[i] / sum : 0;
    out[i] = (size_t)(share + 1e-9); /* a whole share stays whole */
    left[i] = share - (double)out[i];
    given += out[i];
  }
  for (; sum > 0 && given < total; given++) {
    size_t most = 0;
    for (size_t i = 1; i < n; i++)
      if (left[i] > left[most]) most = i;
    out[most]++;
    left[most] = -1;
  }
  free(left);
}
