/* people.c - made people and how a second office may describe them.
 *
 * Everything follows from the seed. A person has a given name, a third of them a
 * second one, a family name, a day and a place of birth. The file has the names in
 * Latin letters as one office writes them; each change below is one way in which
 * another office, or the person, says it differently. */
#include "people.h"
#include "lists.h"

#include "corridor/clock.h"

#include <stdio.h>
#include <string.h>

#define TODAY "2026-03-02"
enum { OLDEST = 1960, YEARS = 46, THIS_YEAR = 2026 };

/* splitmix64 */
uint32_t dice_below(dice *d, uint32_t limit) {
  uint64_t z = (d->state += UINT64_C(0x9E3779B97F4A7C15));
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return (uint32_t)((z ^ (z >> 31)) % limit);
}

/* ---- people ---- */

static unsigned any_given(unsigned writing, bool woman, dice *d) {
  unsigned i;
  do
    i = dice_below(d, GIVEN);
  while (given[writing][i].woman != woman);
  return i;
}

/* Not the first of January, which says only that the day is not known. */
static void be_born(made *who, dice *d) {
  who->year = OLDEST + (int)dice_below(d, YEARS);
  who->month = 1 + (int)dice_below(d, 12);
  who->day = 2 + (int)dice_below(d, 27);
}

made made_new(dice *d) {
  made who = {.writing = dice_below(d, WRITINGS), .woman = dice_below(d, 2) == 1};
  who.given = any_given(who.writing, who.woman, d);
  who.second = dice_below(d, 3) == 0 ? 1 + any_given(who.writing, who.woman, d) : 0;
  if (who.second == who.given + 1) who.second = 0;
  who.family = dice_below(d, FAMILY);
  who.place = dice_below(d, PLACES);
  be_born(&who, d);
  return who;
}

made made_sibling(const made *of, dice *d) {
  made who = *of;
  who.woman = dice_below(d, 2) == 1;
  do
    who.given = any_given(who.writing, who.woman, d);
  while (who.given == of->given);
  who.second = 0;
  be_born(&who, d);
  who.year = of->year + 1 + (int)dice_below(d, 6);
  return who;
}

made made_namesake(const made *of, dice *d) {
  made who = *of;
  be_born(&who, d);
  who.place = (of->place + 1 + dice_below(d, PLACES - 1)) % PLACES;
  return who;
}

/* ---- descriptions ---- */

static void write_name(const made *who, int way, char out[NAME_SIZE]) {
  const listed *parts[] = {&given[who->writing][who->given],
                           who->second > 0 ? &given[who->writing][who->second - 1] : NULL,
                           &family[who->writing][who->family]};
  size_t len = 0;
  out[0] = '\0';
  for (size_t i = 0; i < 3; i++) {
    if (parts[i] == NULL) continue;
    const char *text = way < 0 ? parts[i]->script : way == 0 ? parts[i]->file : parts[i]->others[way - 1];
    len += (size_t)snprintf(out + len, NAME_SIZE - len, "%s%s", len > 0 ? " " : "", text);
  }
}

void made_describe(const made *who, described *out) {
  *out = (described){.birth = ""};
  write_name(who, 0, out->name);
  snprintf(out->birth, sizeof out->birth, "%04d-%02d-%02d", who->year % 10000, who->month % 100,
           who->day % 100);
  out->list[0] = out->name;
  out->facts = (match_facts){.names = out->list,
                             .n_names = 1,
                             .birth_date = out->birth,
                             .sex = who->woman ? MATCH_FEMALE : MATCH_MALE,
                             .birth_place = places[who->place],
                             .country = "GN"};
  (void)cor_day_parse(TODAY, &out->facts.age_on);
}

/* ---- changes of the name ---- */

static bool nothing(const made *who, dice *d, described *out) {
  (void)who, (void)d, (void)out;
  return true;
}

static bool other_order(const made *who, dice *d, described *out) {
  char *space = strchr(out->name, ' '), turned[NAME_SIZE];
  (void)who, (void)d;
  *space = '\0';
  snprintf(turned, sizeof turned, "%.90s, %.90s", space + 1, out->name);
  for (char *c = turned; *c != '\0'; c++)
    if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
  memcpy(out->name, turned, sizeof turned);
  return true;
}

static bool other_spelling(const made *who, dice *d, described *out) {
  write_name(who, 1 + (int)dice_below(d, 2), out->name);
  return true;
}

static bool own_script(const made *who, dice *d, described *out) {
  (void)d;
  if (given[who->writing][0].script == NULL) return false;
  write_name(who, -1, out->name);
  return true;
}

/* One slip of the pen: a letter left out, doubled elsewhere, another, or two swapped. */
static void slip(char *text, dice *d) {
  const size_t len = strlen(text);
  size_t at;
  do
    at = dice_below(d, (uint32_t)len - 1);
  while (text[at] < 'a' || text[at] > 'z' || text[at + 1] < 'a' || text[at + 1] > 'z');
  const char other = (char)('a' + dice_below(d, 26)), here = text[at];
  switch (dice_below(d, 4)) {
  case 0: memmove(text + at, text + at + 1, len - at); break;
  case 1: memmove(text + at + 1, text + at, len - at + 1), text[at] = other; break;
  case 2: text[at] = other; break;
  default: text[at] = text[at + 1], text[at + 1] = here; break;
  }
}

static bool one_slip(const made *who, dice *d, described *out) {
  (void)who;
  slip(out->name, d);
  return true;
}

static bool slip_in_two_words(const made *who, dice *d, described *out) {
  (void)who;
  char *family_name = strrchr(out->name, ' ') + 1, first[NAME_SIZE], second[NAME_SIZE];
  family_name[-1] = '\0';
  memcpy(first, out->name, sizeof first);
  snprintf(second, sizeof second, "%.90s", family_name);
  slip(first, d);
  slip(second, d);
  snprintf(out->name, sizeof out->name, "%.90s %.90s", first, second);
  return true;
}

static bool second_name_left_out(const made *who, dice *d, described *out) {
  made without = *who;
  (void)d;
  without.second = 0;
  write_name(&without, 0, out->name);
  return who->second > 0;
}

static bool other_family_name(const made *who, dice *d, described *out) {
  made married = *who;
  married.family = (who->family + 1 + dice_below(d, FAMILY - 1)) % FAMILY;
  write_name(&married, 0, out->name);
  return who->woman;
}

/* ---- changes of the rest ---- */

static bool swapped(const made *who, dice *d, described *out) {
  (void)d;
  snprintf(out->birth, sizeof out->birth, "%04d-%02d-%02d", who->year % 10000, who->day % 100,
           who->month % 100);
  return who->day <= 12 && who->day != who->month;
}

static bool wrong_digit(const made *who, dice *d, described *out) {
  static const size_t digits[] = {2, 3, 6, 9}; /* of YYYY-MM-DD: those that may be any */
  char *digit = &out->birth[digits[dice_below(d, 4)]];
  (void)who;
  *digit = (char)('0' + (*digit - '0' + 1 + (int)dice_below(d, 8)) % 10);
  return strncmp(out->birth + 4, "-00", 3) != 0 && strncmp(out->birth + 7, "-00", 3) != 0;
}

static bool year_only(const made *who, dice *d, described *out) {
  (void)who, (void)d;
  out->birth[4] = '\0';
  return true;
}

static bool first_of_january(const made *who, dice *d, described *out) {
  (void)who, (void)d;
  memcpy(out->birth + 4, "-01-01", sizeof "-01-01");
  return true;
}

static bool age_only(const made *who, dice *d, described *out) {
  out->birth[0] = '\0';
  out->facts.age = (unsigned)(THIS_YEAR - who->year) - dice_below(d, 3);
  return true;
}

static bool no_date(const made *who, dice *d, described *out) {
  (void)who, (void)d;
  out->birth[0] = '\0';
  return true;
}

static bool sex_mistaken(const made *who, dice *d, described *out) {
  (void)d;
  out->facts.sex = who->woman ? MATCH_MALE : MATCH_FEMALE;
  return true;
}

static bool no_place(const made *who, dice *d, described *out) {
  (void)who, (void)d;
  out->facts.birth_place = "";
  return true;
}

/* clang-format off */
static const change changes[] = {
  {"as in the file", nothing, NULL, 0.99, 0.98},
  {"order of names, capitals", other_order, NULL, 0.99, 0.98},
  {"another romanisation", other_spelling, NULL, 0.97, 0.98},
  {"its own script", own_script, NULL, 0.98, 0.98},
  {"one slip in the name", one_slip, NULL, 0.98, 0.98},
  {"a slip in two words", slip_in_two_words, NULL, 0.97, 0.98},
  {"second name left out", second_name_left_out, NULL, 0.98, 0.97},
  {"another family name", other_family_name, NULL, 0.98, 0.98},
  {"day and month swapped", swapped, NULL, 0.98, 0.98},
  {"one digit of the date", wrong_digit, NULL, 0.98, 0.98},
  {"first of January", first_of_january, NULL, 0.98, 0.92},
  {"age only, one off", age_only, NULL, 0.98, 0.94},
  {"no date", no_date, NULL, 0.98, 0.80},
  {"sex mistaken", sex_mistaken, NULL, 0.98, 0.98},
  {"no place", no_place, NULL, 0.98, 0.98},
  {"year only", year_only, NULL, 0.98, 0.92},
  {"year, order of names", other_order, year_only, 0.98, 0.92},
  {"year, romanisation", other_spelling, year_only, 0.92, 0.92},
  {"year, own script", own_script, year_only, 0.98, 0.92},
  {"year, one slip", one_slip, year_only, 0.86, 0.93},
  {"year, slip in two words", slip_in_two_words, year_only, 0.76, 0.93},
  {"year, second name left out", second_name_left_out, year_only, 0.97, 0.88},
  {"swapped, romanisation", other_spelling, swapped, 0.88, 0.98},
  {"age, own script", own_script, age_only, 0.98, 0.93},
};
/* clang-format on */

bool made_apply(const change *c, const made *who, dice *d, described *out) {
  made_describe(who, out);
  return c->first(who, d, out) && (c->second == NULL || c->second(who, d, out));
}

const change *made_change(size_t i) {
  return i < sizeof changes / sizeof *changes ? &changes[i] : NULL;
}
