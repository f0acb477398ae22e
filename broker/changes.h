/* changes.h - what a new card list changes of who may tell whom what. */
#ifndef BROKER_CHANGES_H
#define BROKER_CHANGES_H
#include "db.h"
#include <corridor/v1/card.pb-c.h>
#include <corridor/v1/record.pb-c.h>

enum { CHANGES_SUBJECT_MAX = 128 };

typedef struct list_change {
  Corridor__V1__ListPart part;
  Corridor__V1__ListChange change;
  char subject[CHANGES_SUBJECT_MAX];
  uint32_t categories; /* bits: what may pass from now on */
} list_change;

typedef struct changes {
  list_change *list;
  size_t n;
} changes;

/* Permissions as they work out for each pair of roles and function, agreements,
 * suspended regions, offices that are UNHCR. former NULL: all of next is new. In the
 * order of part and subject. Free with changes_clear. */
void changes_find(const Corridor__V1__CardList *former, const Corridor__V1__CardList *next, changes *out);
void changes_clear(changes *c);

/* One log record and one row of corridor.permission_change each, in the open
 * transaction; number is the new list's. */
bool changes_log(db *conn, const changes *c, uint64_t number, int64_t now) COR_MUST_CHECK;
#endif
