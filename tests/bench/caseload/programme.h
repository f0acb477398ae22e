/* programme.h - the demo programme of a caseload: CA, hub, offices, agreements,
 * calendars. Offices live in memory; on disk is what the hub needs. */
#ifndef CASELOAD_PROGRAMME_H
#define CASELOAD_PROGRAMME_H
#include "corridor/cards.h"
#include "corridor/office.h"
#include "plan.h"

typedef struct member {
  int office; /* as in the plan */
  cor_office keys;
  const cor_card *card; /* borrowed from cards */
} member;

typedef struct programme {
  member *members; /* only offices that the plan has */
  size_t n;
  member *of[OFFICES_MAX]; /* by office; NULL = not in the plan */
  cor_office hub;
  cor_cards *cards;
} programme;

/* Makes dir/ca, dir/hub/keys and the demo clock dir/clock, which stands in the
 * morning of the plan's first day. */
bool programme_make(const plan *p, const char *dir, programme *out, cor_error *err) COR_MUST_CHECK;
void programme_clear(programme *p);
#endif
