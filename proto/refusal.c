/* refusal.c - look-up in the table of refusals (refusal.h).
 *
 * Guarantees: every code, known or not, gives a row; a code from a newer
 * version or a corrupted one reads as INTERNAL, never as OK. The order of the
 * rows is the table's, with INTERNAL last.
 *
 * Trusts nothing; holds no state; nothing here is fatal. */
#include "corridor/refusal.h"

static const cor_refusal rows[] = {
#define X(name, wire, retry, http, exit, rule) {wire, #name, retry, http, exit, rule},
    COR_REFUSALS(X)
#undef X
};

enum { ROWS = sizeof rows / sizeof *rows };

const cor_refusal *cor_refusal_of(int code) {
  for (size_t i = 0; i < ROWS; i++)
    if (rows[i].code == code) return &rows[i];
  return &rows[ROWS - 1];
}

const cor_refusal *cor_refusal_at(size_t i) {
  return i < ROWS ? &rows[i] : NULL;
}
