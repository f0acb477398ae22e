/* staff.c - the functions of an office's staff, as one table.
 *
 * From the need-to-know matrix (data dictionary 2, its column in brackets): a function
 * gets the compartments whose categories its column allows, and none whose categories
 * it is mostly denied. So the protection focal point gets no casework key, which would
 * open economic and education data too. Where a column says "f" (a flag or a practical
 * instruction), the OPERATIONS messages carry it.
 * The table is constant; nothing here can fail, nothing is fatal. */
#include "corridor/staff.h"
#include "corridor/sop.h"

#include <string.h>

#define KEY(x) COR_BIT(COR_C(x))

static const cor_function functions[] = {
    {"reception", "reception and travel", KEY(OPERATIONS), "dictionary 2 (OCM-OPS)"},
    {"case-worker", "case worker", KEY(OPERATIONS) | KEY(CASEWORK), "dictionary 2 (OCM-CM)"},
    {"medical-focal-point", "medical focal point", KEY(OPERATIONS) | KEY(HEALTH),
     "dictionary 2 (Medical FP)"},
    {"protection-focal-point", "protection focal point", KEY(OPERATIONS) | KEY(PROTECTION),
     "dictionary 2 (AVM/Protection FP); [003:603]"},
    {"me-officer", "monitoring and evaluation officer", KEY(MONITORING), "dictionary 2 (M&E); [004:3431]"},
};

const cor_function *cor_function_at(size_t i) {
  return i < sizeof functions / sizeof *functions ? &functions[i] : NULL;
}

const cor_function *cor_function_named(const char *name) {
  const cor_function *one;
  for (size_t i = 0; (one = cor_function_at(i)) != NULL; i++)
    if (strcmp(one->name, name) == 0) return one;
  return NULL;
}
