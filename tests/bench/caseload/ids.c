/* ids.c - an open table that doubles; ids are random enough to be their own hash.
 * Fatal: no memory. */
#include "ids.h"
#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 4096 };

typedef struct slot {
  uint8_t id[COR_ID_LEN];
  letter *letter;
  bool used;
} slot;

struct ids {
  slot *slots;
  size_t size, n; /* size is a power of two */
};

static slot *slots_new(size_t size) {
  slot *slots = calloc(size, sizeof *slots);
  if (!slots) abort();
  return slots;
}

ids *ids_new(void) {
  ids *all = calloc(1, sizeof *all);
  if (!all) abort();
  all->size = FIRST_SIZE;
  all->slots = slots_new(all->size);
  return all;
}

void ids_destroy(ids **all) {
  if (*all) free((*all)->slots);
  free(*all);
  *all = NULL;
}

void ids_clear(ids *all) {
  memset(all->slots, 0, all->size * sizeof *all->slots);
  all->n = 0;
}

/* The random tail of a UUIDv7 decides. */
static slot *find(const ids *all, const uint8_t *id) {
  uint64_t hash;
  memcpy(&hash, id + COR_ID_LEN - sizeof hash, sizeof hash);
  size_t i = hash & (all->size - 1);
  while (all->slots[i].used && memcmp(all->slots[i].id, id, COR_ID_LEN) != 0)
    i = (i + 1) & (all->size - 1);
  return &all->slots[i];
}

static void grow(ids *all) {
  ids bigger = {.size = all->size * 2, .n = all->n};
  bigger.slots = slots_new(bigger.size);
  for (size_t i = 0; i < all->size; i++)
    if (all->slots[i].used) *find(&bigger, all->slots[i].id) = all->slots[i];
  free(all->slots);
  *all = bigger;
}

letter **ids_at(ids *all, const uint8_t *id, bool *fresh) {
  if (all->n * 2 >= all->size) grow(all);
  slot *s = find(all, id);
  *fresh = !s->used;
  if (*fresh) {
    memcpy(s->id, id, COR_ID_LEN);
    s->used = true;
    all->n++;
  }
  return &s->letter;
}
