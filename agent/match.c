/* match.c - may two descriptions be of one person? One table of rules, from the
 * surest to the weakest; the first that two descriptions meet is the answer, so
 * that whoever reads it knows what agreed (deploy/docs/duplicates.md).
 *
 * Guarantees: the same answer for the same input, whichever of the two comes first;
 * no I/O, no clock, no allocation after match_read. Trusts nothing about the text
 * of the descriptions. Nothing is fatal. */
#include "match_word.h"

#include <string.h>

#define BIRTH(x) (1u << MATCH_BIRTH_##x)
#define PLACE(x) (1u << MATCH_PLACE_##x)
#define ANY_PLACE (PLACE(UNCLEAR) | PLACE(OTHER) | PLACE(SAME))
#define NOT_ELSEWHERE (PLACE(UNCLEAR) | PLACE(SAME))

/* clang-format off */
static const match_rule rules[] = {
  {"name-and-birth-date", "the name and the date of birth",
   MATCH_NAME_SAME, BIRTH(SAME), false, ANY_PLACE, 100},
  {"day-and-month-swapped", "the name, and the date of birth with day and month swapped",
   MATCH_NAME_SAME, BIRTH(SWAPPED), false, ANY_PLACE, 95},
  {"birth-date-slip", "the name, and the date of birth but for one digit",
   MATCH_NAME_SAME, BIRTH(SLIP), true, ANY_PLACE, 90},
  {"name-and-year", "the name and the year of birth, where no more is known",
   MATCH_NAME_SAME, BIRTH(YEAR), true, ANY_PLACE, 80},
  {"part-of-name-and-birth-date", "a part of the name and the date of birth",
   MATCH_NAME_PART, BIRTH(SAME), true, NOT_ELSEWHERE, 75},
  {"name-and-age", "the name, and an age or year of birth one off at most",
   MATCH_NAME_SAME, BIRTH(NEAR), true, NOT_ELSEWHERE, 70},
  {"name-and-place", "the name and the place of birth, where no date is known",
   MATCH_NAME_SAME, BIRTH(UNKNOWN), true, PLACE(SAME), 60},
};
/* clang-format on */

const match_rule *match_rule_at(size_t i) {
  return i < sizeof rules / sizeof *rules ? &rules[i] : NULL;
}

/* ---- names ---- */

/* Words of two names that belong to each other. A pair covers one word of each side,
 * or one of one side and two neighbours of the other. */
typedef struct pair {
  unsigned score;
  size_t a, b;   /* where it begins */
  size_t na, nb; /* how many words it covers */
} pair;

static size_t apart(const pair *p) {
  return p->a > p->b ? p->a - p->b : p->b - p->a;
}

/* The better of two; of equal ones the one that covers more, then the one nearer to
 * the beginning of both names: so it does not matter which name comes first. */
static bool better(const pair *one, const pair *two) {
  if (one->score != two->score) return one->score > two->score;
  if (one->na + one->nb != two->na + two->nb) return one->na + one->nb > two->na + two->nb;
  if (one->a + one->b != two->a + two->b) return one->a + one->b < two->a + two->b;
  return apart(one) < apart(two);
}

static bool is_free(unsigned used, size_t at, size_t n) {
  return (used & (((1u << n) - 1) << at)) == 0;
}

static void consider(pair *best, unsigned score, size_t a, size_t na, size_t b, size_t nb) {
  const pair candidate = {score, a, b, na, nb};
  if (score > 0 && better(&candidate, best)) *best = candidate;
}

static pair best_pair(const match_name *a, unsigned a_used, const match_name *b, unsigned b_used) {
  pair best = {0};
  for (size_t i = 0; i < a->n; i++)
    for (size_t j = 0; j < b->n; j++) {
      if (!is_free(a_used, i, 1) || !is_free(b_used, j, 1)) continue;
      consider(&best, match_word_compare(&a->words[i], &b->words[j]), i, 1, j, 1);
      if (i + 1 < a->n && is_free(a_used, i, 2))
        consider(&best, match_word_compare_joined(&a->words[i], &a->words[i + 1], &b->words[j]), i, 2, j, 1);
      if (j + 1 < b->n && is_free(b_used, j, 2))
        consider(&best, match_word_compare_joined(&b->words[j], &b->words[j + 1], &a->words[i]), i, 1, j, 2);
    }
  return best;
}

match_by_name match_name_compare(const match_name *a, const match_name *b, unsigned *score) {
  unsigned a_used = 0, b_used = 0, sum = 0, pairs = 0;
  size_t a_covered = 0, b_covered = 0;
  *score = 0;
  for (pair p; (p = best_pair(a, a_used, b, b_used)).score > 0;) {
    a_used |= ((1u << p.na) - 1) << p.a;
    b_used |= ((1u << p.nb) - 1) << p.b;
    a_covered += p.na;
    b_covered += p.nb;
    sum += p.score;
    pairs++;
  }
  if (pairs == 0) return MATCH_NAME_OTHER;
  *score = sum / pairs;
  const bool whole = a_covered == a->n || b_covered == b->n;
  return whole && (a_covered > 1 || b_covered > 1) ? MATCH_NAME_SAME : MATCH_NAME_PART;
}

/* The best that any name of one and any of the other give. */
static match_by_name compare_names(const match_person *a, const match_person *b, unsigned *score) {
  match_by_name best = MATCH_NAME_OTHER;
  *score = 0;
  for (size_t i = 0; i < a->n_names; i++)
    for (size_t j = 0; j < b->n_names; j++) {
      unsigned this_score;
      const match_by_name this = match_name_compare(&a->names[i], &b->names[j], &this_score);
      if (this < best || (this == best && this_score <= *score)) continue;
      best = this;
      *score = this_score;
    }
  return best;
}

/* ---- places ---- */

/* How many words of one have a like one in the other. */
static size_t common(const match_name *one, const match_name *other) {
  size_t n = 0;
  for (size_t i = 0; i < one->n; i++)
    for (size_t j = 0; j < other->n; j++)
      if (match_word_compare(&one->words[i], &other->words[j]) > 0) {
        n++;
        break;
      }
  return n;
}

match_by_place match_place_compare(const match_person *a, const match_person *b) {
  const size_t of_a = common(&a->place, &b->place), of_b = common(&b->place, &a->place);
  if (of_a > 0 && (of_a == a->place.n || of_b == b->place.n)) return MATCH_PLACE_SAME;
  if (a->country[0] != '\0' && b->country[0] != '\0' && strcmp(a->country, b->country) != 0)
    return MATCH_PLACE_OTHER;
  return a->place.n > 0 && b->place.n > 0 && of_a == 0 ? MATCH_PLACE_OTHER : MATCH_PLACE_UNCLEAR;
}

/* ---- a person ---- */

/* Names cost the most, so they are looked at last and only where a rule can fit. */
const match_rule *match_compare(const match_person *a, const match_person *b, unsigned *score) {
  const unsigned birth = 1u << match_birth_compare(&a->birth, &b->birth);
  *score = 0;
  if (birth == BIRTH(OTHER)) return NULL; /* in no rule, and true of most pairs */
  const unsigned place = 1u << match_place_compare(a, b);
  const bool sex = a->sex == b->sex || a->sex == MATCH_SEX_UNKNOWN || b->sex == MATCH_SEX_UNKNOWN;
  match_by_name names = MATCH_NAME_OTHER;
  bool compared = false;
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    if (!(rules[i].births & birth) || !(rules[i].places & place) || (rules[i].sex_agrees && !sex)) continue;
    if (!compared) names = compare_names(a, b, score);
    compared = true;
    if (names < rules[i].names) continue;
    *score = rules[i].score * *score / 100;
    return &rules[i];
  }
  *score = 0;
  return NULL;
}
