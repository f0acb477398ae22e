/* people.h - made people, the same for the same seed, and changes of how they are
 * described: what test_match_made.c measures the matching rules on. */
#ifndef CORRIDOR_TESTS_PEOPLE_H
#define CORRIDOR_TESTS_PEOPLE_H
#include "match.h"

enum { NAME_SIZE = 192, DATE_SIZE = 16 };

typedef struct dice {
  uint64_t state;
} dice;
uint32_t dice_below(dice *d, uint32_t limit);

/* Somebody who does not exist. */
typedef struct made {
  unsigned writing;                      /* which lists the names come from */
  unsigned given, second, family, place; /* places in the lists; second: 0 = none */
  bool woman;
  int year, month, day;
} made;
made made_new(dice *d);
made made_sibling(const made *of, dice *d);  /* same family and place */
made made_namesake(const made *of, dice *d); /* same name, born elsewhere and another day */

/* A description, with the text it points to. */
typedef struct described {
  char name[NAME_SIZE], birth[DATE_SIZE];
  const char *list[1];
  match_facts facts;
} described;
void made_describe(const made *who, described *out); /* as the file has it */

/* A way in which a question may differ from the file: one thing, or two. */
typedef bool change_fn(const made *who, dice *d, described *out);
typedef struct change {
  const char *name;
  change_fn *first, *second; /* second: NULL = nothing else */
  double recall, precision;  /* the floors that the test holds */
} change;
/* The changed description; false: the change does not apply to this person. */
bool made_apply(const change *c, const made *who, dice *d, described *out);
const change *made_change(size_t i); /* NULL past the end */
#endif
