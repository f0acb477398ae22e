/* match_word.c - how alike two words are, and which are spellings of one name.
 *
 * A word here is what the rules made of it (match_name.c): letters a to z. Two are
 * alike if they are equal; if the list says that they are spellings of one name
 * (Mohamed, Mamadou); if their consonants are (scripts that write no vowels), three
 * at least, or two in words of four letters; or if one, in long words two, slips of the pen lie between them:
 * a letter too many, too few, another, or two changed places (the optimal string alignment distance). Short
 * words must be equal: in four letters a slip makes another name.
 *
 * Guarantees: the same answer whichever of the two comes first; bounded by the
 * words' length. Trusts that texts end within MATCH_WORD_SIZE. Nothing is fatal. */
#include "match_word.h"

#include <stdlib.h>
#include <string.h>

enum {
  BONES_LEAST = 3,
  BONES_LEAST_LONG = 2, /* in words of ... */
  LONG_ENOUGH = 4,      /* ... letters */
  JOINED_LEAST = 6,     /* letters of two words written as one */
  ONE_SLIP_FROM = 5,
  TWO_SLIPS_FROM = 9,
  SPELLINGS_MAX = 16384
};

static bool is_vowel(char c) {
  return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
}

void match_word_bones(match_word *word) {
  size_t n = 0;
  for (const char *c = word->text; *c != '\0'; c++)
    if (!is_vowel(*c) && (n == 0 || word->bones[n - 1] != *c)) word->bones[n++] = *c;
  word->bones[n] = '\0';
}

/* ---- slips ---- */

static size_t slips_allowed(size_t len) {
  return len >= TWO_SLIPS_FROM ? 2 : len >= ONE_SLIP_FROM ? 1 : 0;
}

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/* The optimal string alignment distance; three rows are enough. */
static size_t slips(const char *a, size_t a_len, const char *b, size_t b_len) {
  size_t rows[3][MATCH_WORD_SIZE + 1];
  for (size_t j = 0; j <= b_len; j++)
    rows[0][j] = j;
  for (size_t i = 1; i <= a_len; i++) {
    const size_t *above = rows[(i - 1) % 3], *two_above = rows[(i + 1) % 3];
    size_t *here = rows[i % 3];
    here[0] = i;
    for (size_t j = 1; j <= b_len; j++) {
      here[j] = least(least(above[j] + 1, here[j - 1] + 1), above[j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        here[j] = least(here[j], two_above[j - 2] + 1);
    }
  }
  return rows[a_len % 3][b_len];
}

static bool same_bones(const match_word *a, const match_word *b) {
  const size_t len = least(strlen(a->text), strlen(b->text));
  return strlen(a->bones) >= (len >= LONG_ENOUGH ? BONES_LEAST_LONG : BONES_LEAST) &&
         strcmp(a->bones, b->bones) == 0;
}

static bool slipped(const char *a, const char *b) {
  const size_t a_len = strlen(a), b_len = strlen(b), shorter = least(a_len, b_len);
  const size_t allowed = slips_allowed(shorter);
  const size_t apart = a_len > b_len ? a_len - b_len : b_len - a_len;
  return allowed > 0 && apart <= allowed && slips(a, a_len, b, b_len) <= allowed;
}

unsigned match_word_compare(const match_word *a, const match_word *b) {
  if (strcmp(a->text, b->text) == 0) return MATCH_WORD_EQUAL;
  if (a->name > 0 && a->name == b->name) return MATCH_WORD_SPELLING;
  if (same_bones(a, b)) return MATCH_WORD_BONES;
  return slipped(a->text, b->text) ? MATCH_WORD_SLIP : 0;
}

unsigned match_word_compare_joined(const match_word *first, const match_word *second, const match_word *one) {
  match_word joined = {.name = MATCH_NOT_LISTED};
  const size_t len = strlen(first->text), more = strlen(second->text);
  if (len + more < JOINED_LEAST || len + more >= sizeof joined.text) return 0;
  memcpy(joined.text, first->text, len);
  memcpy(joined.text + len, second->text, more + 1);
  match_word_bones(&joined);
  if (strcmp(joined.text, one->text) == 0) return MATCH_WORD_EQUAL;
  return strlen(joined.bones) > BONES_LEAST && strcmp(joined.bones, one->bones) == 0 ? MATCH_WORD_BONES : 0;
}

/* ---- spellings ---- */

bool spellings_add(spellings *s, const char *text, int name) {
  if (s->n == SPELLINGS_MAX || strlen(text) >= sizeof s->rows->text) return false;
  if (s->n == s->room) {
    const size_t room = s->room == 0 ? 256 : 2 * s->room;
    struct spelling *more = realloc(s->rows, room * sizeof *more); /* a public list: nothing to wipe */
    if (more == NULL) return false;
    s->rows = more;
    s->room = room;
  }
  memcpy(s->rows[s->n].text, text, strlen(text) + 1);
  s->rows[s->n++].name = name;
  return true;
}

static int by_text(const void *a, const void *b) {
  const struct spelling *x = a, *y = b;
  return strcmp(x->text, y->text);
}

const char *spellings_sort(spellings *s) {
  if (s->n > 0) qsort(s->rows, s->n, sizeof *s->rows, by_text);
  for (size_t i = 1; i < s->n; i++)
    if (s->rows[i].name != s->rows[i - 1].name && by_text(&s->rows[i], &s->rows[i - 1]) == 0)
      return s->rows[i].text;
  return NULL;
}

int spellings_find(const spellings *s, const char *text) {
  struct spelling wanted = {.name = MATCH_NOT_LISTED};
  if (s->n == 0 || strlen(text) >= sizeof wanted.text) return MATCH_NOT_LISTED;
  memcpy(wanted.text, text, strlen(text) + 1);
  const struct spelling *found = bsearch(&wanted, s->rows, s->n, sizeof *s->rows, by_text);
  return found == NULL ? MATCH_NOT_LISTED : found->name;
}

void spellings_clear(spellings *s) {
  free(s->rows);
  *s = (spellings){0};
}
