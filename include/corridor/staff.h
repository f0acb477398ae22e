/* staff.h - the functions of an office's staff: which compartments each needs.
 *
 * The key shares are the permission; this table only says which shares to give with
 * a function, and what to call those who hold them. */
#ifndef CORRIDOR_STAFF_H
#define CORRIDOR_STAFF_H
#include "corridor/base.h"

typedef struct cor_function {
  const char *name;      /* "case-worker", as the command line takes it */
  const char *title;     /* as people say it */
  unsigned compartments; /* 1 << Compartment */
  const char *cite;
} cor_function;

const cor_function *cor_function_named(const char *name); /* NULL = no such function */
const cor_function *cor_function_at(size_t i);            /* NULL past the end */

#endif
