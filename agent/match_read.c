/* match_read.c - a description as people write it, made ready for comparing; and
 * dates of birth, of which often only a part is known.
 *
 * The first of January stands in many documents for "some day of that year", so it
 * counts as the year alone. An age said on a day allows two years of birth. A text
 * that is no date counts as not known: whoever wrote it was told so by the content
 * rules. Nothing can fail. */
#include "match.h"

#include "corridor/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATE_LEN = 10 };

/* Exactly n digits at *text; moves on, and past one dash. */
static int number(const char **text, size_t n) {
  int value = 0;
  for (size_t i = 0; i < n; i++) {
    const char c = (*text)[i];
    if (c < '0' || c > '9') return 0;
    value = 10 * value + (c - '0');
  }
  *text += n;
  if (**text == '-') (*text)++;
  return value;
}

static void read_birth(const match_facts *in, match_birth *out) {
  const char *text = in->birth_date != NULL && strlen(in->birth_date) <= DATE_LEN ? in->birth_date : "";
  char today[COR_TIME_TEXT];
  *out = (match_birth){.year = number(&text, 4)};
  if (out->year != 0) out->month = number(&text, 2);
  if (out->month != 0) out->day = number(&text, 2);
  if (out->month == 1 && out->day == 1) out->month = out->day = 0;
  out->from = out->to = out->year;
  if (out->year != 0 || in->age == 0 || in->age > 130) return;
  const char *on = cor_day_text(in->age_on, today);
  out->to = number(&on, 4) - (int)in->age;
  out->from = out->to - 1;
}

void match_read(matcher *m, const match_facts *in, match_person *out) {
  memset(out, 0, sizeof *out);
  out->n_names = in->n_names < MATCH_NAMES_MAX ? in->n_names : MATCH_NAMES_MAX;
  for (size_t i = 0; i < out->n_names; i++)
    match_read_name(m, in->names[i], &out->names[i]);
  read_birth(in, &out->birth);
  out->sex = in->sex;
  if (in->birth_place != NULL) match_read_name(m, in->birth_place, &out->place);
  if (in->country != NULL && strlen(in->country) < sizeof out->country)
    memcpy(out->country, in->country, strlen(in->country) + 1);
}

/* ---- comparing dates ---- */

static bool whole(const match_birth *b) {
  return b->year != 0 && b->month != 0 && b->day != 0;
}

static bool same_day(const match_birth *a, const match_birth *b) {
  return a->year == b->year && a->month == b->month && a->day == b->day;
}

/* One digit differs, or two neighbours changed places. */
static bool one_slip(const match_birth *a, const match_birth *b) {
  char x[16], y[16];
  size_t first = 0, last, len;
  snprintf(x, sizeof x, "%04d%02d%02d", a->year, a->month, a->day);
  snprintf(y, sizeof y, "%04d%02d%02d", b->year, b->month, b->day);
  len = strlen(x);
  if (strlen(y) != len) return false;
  while (first < len && x[first] == y[first])
    first++;
  for (last = len; last > first && x[last - 1] == y[last - 1];)
    last--;
  if (last - first <= 1) return true;
  return last - first == 2 && x[first] == y[first + 1] && x[first + 1] == y[first];
}

static match_by_birth compare_whole(const match_birth *a, const match_birth *b) {
  if (same_day(a, b)) return MATCH_BIRTH_SAME;
  if (a->year == b->year && a->day == b->month && a->month == b->day) return MATCH_BIRTH_SWAPPED;
  return one_slip(a, b) ? MATCH_BIRTH_SLIP : MATCH_BIRTH_OTHER;
}

match_by_birth match_birth_compare(const match_birth *a, const match_birth *b) {
  if (a->to == 0 || b->to == 0) return MATCH_BIRTH_UNKNOWN;
  if (whole(a) && whole(b)) return compare_whole(a, b);
  const bool months = a->month != 0 && b->month != 0;
  if (a->year != 0 && a->year == b->year)
    return !months || a->month == b->month ? MATCH_BIRTH_YEAR : MATCH_BIRTH_OTHER;
  return a->from - 1 <= b->to && b->from - 1 <= a->to ? MATCH_BIRTH_NEAR : MATCH_BIRTH_OTHER;
}
