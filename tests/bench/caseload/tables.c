/* tables.c - what the hub must hold when the caseload is through, as csv.
 *
 * For: tests/bench/year.py, which reads the hub's own tables and compares cell by
 * cell. Counted from the plan alone, before anything is sent. */
#include "plan.h"
#include "corridor/refusal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *begin(const char *dir, const char *name, const char *head, cor_error *err) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s.csv", dir, name);
  FILE *file = fopen(path, "w");
  if (!file)
    (void)cor_fail(err, COR_INTERNAL, name, "cannot write %s", path);
  else
    fprintf(file, "%s\n", head);
  return file;
}

static bool end(FILE *file, const char *name, cor_error *err) {
  return fclose(file) == 0 || cor_fail(err, COR_INTERNAL, name, "could not be written whole");
}

static bool write_regions(const plan *p, const char *dir, cor_error *err) {
  FILE *file = begin(dir, "regions", "host_region,origin_region,cases,published", err);
  if (!file) return false;
  for (size_t a = 0; a < REGIONS; a++)
    for (size_t b = 0; b < REGIONS; b++)
      fprintf(file, "%s,%s,%zu,%u\n", p->w->regions[a], p->w->regions[b], p->r->pairs[a][b],
              p->w->pairs[a][b]);
  return end(file, "regions", err);
}

static bool write_cells(const plan *p, const char *dir, cor_error *err) {
  FILE *file = begin(dir, "cells", "host_country,origin_country,host_region,origin_region,cases", err);
  if (!file) return false;
  for (size_t h = 0; h < p->w->n; h++)
    for (size_t o = 0; o < p->w->n; o++) {
      const country *a = &p->w->list[h], *b = &p->w->list[o];
      if (p->r->cells[h][o])
        fprintf(file, "%s,%s,%s,%s,%zu\n", a->iso, b->iso, p->w->regions[a->region], p->w->regions[b->region],
                p->r->cells[h][o]);
    }
  return end(file, "cells", err);
}

static bool write_return_types(const plan *p, const char *dir, cor_error *err) {
  size_t counts[8] = {0};
  FILE *file = begin(dir, "returntypes", "return_type,cases", err);
  if (!file) return false;
  for (size_t i = 0; i < p->n_people; i++)
    counts[p->people[i].return_type]++;
  for (size_t t = 0; t < sizeof counts / sizeof *counts; t++)
    if (counts[t]) fprintf(file, "%zu,%zu\n", t, counts[t]);
  return end(file, "returntypes", err);
}

typedef struct tally {
  int from, to;
  Corridor__V1__MessageType type;
} tally;

static int by_cell(const void *a, const void *b) {
  return memcmp(a, b, sizeof(tally));
}

static bool write_messages(const plan *p, const char *dir, cor_error *err) {
  char from[COR_OFFICE_MAX + 1], to[COR_OFFICE_MAX + 1];
  tally *all = calloc(p->n_messages + 1, sizeof *all);
  FILE *file = begin(dir, "messages", "sender,recipient,type,messages", err);
  if (!file || !all) {
    free(all);
    return false;
  }
  for (size_t i = 0; i < p->n_messages; i++) {
    const kind_row *row = &kind_rows[p->messages[i].kind];
    all[i].from = plan_party(p, &p->messages[i], row->from);
    all[i].to = plan_party(p, &p->messages[i], row->to);
    all[i].type = row->type;
  }
  qsort(all, p->n_messages, sizeof *all, by_cell);
  for (size_t i = 0, n; i < p->n_messages; i += n) {
    for (n = 1; i + n < p->n_messages && by_cell(&all[i], &all[i + n]) == 0; n++)
      ;
    plan_office_id(p->w, all[i].from, from);
    plan_office_id(p->w, all[i].to, to);
    fprintf(file, "%s,%s,%s,%zu\n", from, to, cor_sop_find(all[i].type)->name, n);
  }
  free(all);
  return end(file, "messages", err);
}

bool plan_write_tables(const plan *p, const char *dir, cor_error *err) {
  return write_regions(p, dir, err) && write_cells(p, dir, err) && write_return_types(p, dir, err) &&
         write_messages(p, dir, err);
}
