/* match.h - may two descriptions be of one person? What is written alike, what is
 * compared with what, and how often it is right: deploy/docs/duplicates.md.
 *
 * Nothing here decides anything: a match is a reason for two people to talk. */
#ifndef AGENT_MATCH_H
#define AGENT_MATCH_H
#include "corridor/base.h"

/* Beyond these bounds a name's further words, and a word's further letters, are
 * not looked at. */
enum { MATCH_NAMES_MAX = 8, MATCH_WORDS_MAX = 8, MATCH_WORD_SIZE = 32, MATCH_TEXT_MAX = 256 };

/* Once, at the program's start: what ICU allocates is zeroed when it is freed. */
bool match_begin(void) COR_MUST_CHECK;

/* The rules and the spellings of names, as the files in a directory say. One thread
 * at a time. */
typedef struct matcher matcher;
matcher *matcher_open(const char *dir, cor_error *err) COR_MUST_CHECK; /* NULL on error */
void matcher_close(matcher **m);

/* ---- a description, written for comparing ---- */

typedef struct match_word {
  char text[MATCH_WORD_SIZE];  /* a to z, as the rules write it */
  char bones[MATCH_WORD_SIZE]; /* its consonants */
  int name;                    /* the name it is a spelling of; 0 = not listed */
} match_word;

typedef struct match_name {
  match_word words[MATCH_WORDS_MAX];
  size_t n;
} match_name;

/* What is known of a date of birth; 0 = not known. Of an age: the years it allows. */
typedef struct match_birth {
  int year, month, day;
  int from, to;
} match_birth;

typedef enum match_sex { MATCH_SEX_UNKNOWN, MATCH_FEMALE, MATCH_MALE } match_sex;

typedef struct match_person {
  match_name names[MATCH_NAMES_MAX];
  size_t n_names;
  match_birth birth;
  match_sex sex;
  match_name place;
  char country[3];
} match_person;

/* The same as people write it; everything borrowed, "" or 0 = not known. */
typedef struct match_facts {
  const char *const *names; /* of one person, each in any script */
  size_t n_names;
  const char *birth_date; /* YYYY-MM-DD, YYYY-MM or YYYY */
  unsigned age;
  int32_t age_on; /* the day on which the person was of that age */
  match_sex sex;
  const char *birth_place, *country;
} match_facts;

/* Cannot fail: what the rules cannot write is a name without words. The caller
 * zeroes out when done. */
void match_read(matcher *m, const match_facts *in, match_person *out);
/* One name or place by itself. */
void match_read_name(matcher *m, const char *text, match_name *out);

/* ---- comparing ---- */

/* How two names agree, the stronger the higher. */
typedef enum match_by_name {
  MATCH_NAME_OTHER,
  MATCH_NAME_PART, /* a word in common, or nothing but one word */
  MATCH_NAME_SAME  /* every word of the shorter one, two at least */
} match_by_name;

typedef enum match_by_birth {
  MATCH_BIRTH_UNKNOWN, /* nothing to compare */
  MATCH_BIRTH_OTHER,
  MATCH_BIRTH_NEAR,    /* a year apart, where a year or an age is all that is known */
  MATCH_BIRTH_YEAR,    /* the year, or the month, where one has no more */
  MATCH_BIRTH_SLIP,    /* one digit wrong, or two neighbours changed places */
  MATCH_BIRTH_SWAPPED, /* day and month changed places */
  MATCH_BIRTH_SAME
} match_by_birth;

typedef enum match_by_place { MATCH_PLACE_UNCLEAR, MATCH_PLACE_OTHER, MATCH_PLACE_SAME } match_by_place;

match_by_name match_name_compare(const match_name *a, const match_name *b, unsigned *score);
match_by_birth match_birth_compare(const match_birth *a, const match_birth *b);
match_by_place match_place_compare(const match_person *a, const match_person *b);

/* A row of the table of rules: the least that must agree. */
typedef struct match_rule {
  const char *word;  /* "name-and-birth-date" */
  const char *about; /* as a case officer reads it */
  match_by_name names;
  unsigned births; /* bits of match_by_birth */
  bool sex_agrees; /* or is unknown */
  unsigned places; /* bits of match_by_place */
  unsigned score;  /* at best, of 100 */
} match_rule;
const match_rule *match_rule_at(size_t i); /* NULL past the end */

/* The first rule of the table that the two meet, or NULL; *score 1 to 100. */
const match_rule *match_compare(const match_person *a, const match_person *b, unsigned *score);
#endif
