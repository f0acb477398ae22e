/* test_match.c - when two descriptions may be of one person: how names of each
 * script are written, which words, names, dates and places agree, which rule two
 * descriptions meet, and that neither order, length nor hostile text matters. What
 * the rules achieve together is measured in test_match_made.c. */
#include "match_word.h"
#include "match/names_dir.h"
#include "programme.h"

#include "corridor/clock.h"
#include "corridor/wipe.h"

#include <sys/stat.h>

static matcher *m;
static cor_error err;

static void setup(void) {
  char dir[512];
  m = matcher_open(names_dir(dir), &err);
  must(m != NULL);
}

static void teardown(void) {
  matcher_close(&m);
  ck_assert_ptr_null(m);
}

/* ---- how names are written ---- */

static const char *written(const char *text) {
  static char line[MATCH_WORDS_MAX * MATCH_WORD_SIZE];
  match_name name;
  size_t len = 0;
  match_read_name(m, text, &name);
  line[0] = '\0';
  for (size_t i = 0; i < name.n; i++)
    len += (size_t)snprintf(line + len, sizeof line - len, "%s%s", i > 0 ? " " : "", name.words[i].text);
  return line;
}

static const struct {
  const char *text, *written;
} texts[] = {
    {"Testina Exemplar", "testina eksemplar"},
    {"  TESTINA   exémplàr ", "testina eksemplar"},
    {"Exemplar, Testina", "eksemplar testina"},
    {"N'Testa", "ntesta"},
    {"N\u2019Testa", "ntesta"},
    {"Testa-Exempla", "testa eksempla"},
    {"Ousmane Diallo", "usmane dialo"},
    {"Usman Diallo", "usman dialo"},
    {"Cheikh Djibril", "seik jibril"},
    {"Sheikh Jibril", "seik jibril"},
    {"Aïssatou Bah", "aisatu ba"},
    {"Fußmann Jørgensen", "fusman jorgensen"},
    {"Тестина Примерова", "testina primerova"},
    {"Жанна Шаблонова", "jana sablonova"},
    {"محمد", "mhmd"},
    {"مُحَمَّد", "muhamad"},
    {"ተስቲና", "tesitina"},
    {"Τεστίνα", "testina"},
    {"ＴＥＳＴＩＮＡ", "testina"},
    {"Abd al-Rahman ben Testa", "abd rahman testa"},
    {"al", "al"},
    {"M. Testa", "testa"},
    {"M.", "m"},
    {"", ""},
    {"12345 -- !", ""},
};

START_TEST(names_are_written_alike) {
  ck_assert_msg(strcmp(written(texts[_i].text), texts[_i].written) == 0, "%s is written %s", texts[_i].text,
                written(texts[_i].text));
}
END_TEST

/* ---- words ---- */

static match_word word(const char *text) {
  match_name name;
  match_read_name(m, text, &name);
  ck_assert_msg(name.n == 1, "%s is %zu words", text, name.n);
  return name.words[0];
}

static const struct {
  const char *a, *b;
  unsigned score;
} words[] = {
    {"Testina", "TESTINA", 100}, {"Mohamed", "Mamadou", 98},  {"Mohamed", "محمد", 98},
    {"Moussa", "ሙሳ", 100},       {"Testina", "Tesatena", 92}, {"Exemplar", "Exampler", 92},
    {"Testina", "Testna", 92},   {"Testina", "Tesdina", 90},  {"Testina", "Tetsina", 90},
    {"Balafon", "Balfaon", 92},  {"Balafon", "Balagon", 90},  {"Kinkeliba", "Kinkiliva", 90},
    {"Testina", "Exemplar", 0},  {"Sow", "Saw", 0},           {"Bari", "Sari", 0},
    {"Testa", "Tesza", 90},      {"Testa", "Tezsi", 0},       {"Testina", "Balafon", 0},
};

START_TEST(words_are_alike_or_not) {
  const match_word a = word(words[_i].a), b = word(words[_i].b);
  ck_assert_msg(match_word_compare(&a, &b) == words[_i].score, "%s and %s: %u", words[_i].a, words[_i].b,
                match_word_compare(&a, &b));
  ck_assert_uint_eq(match_word_compare(&b, &a), words[_i].score);
}
END_TEST

/* ---- names ---- */

static const struct {
  const char *a, *b;
  match_by_name agree;
} names[] = {
    {"Testina Exemplar", "Exemplar Testina", MATCH_NAME_SAME},
    {"Testina Exemplar", "Testina Maria Exemplar", MATCH_NAME_SAME},
    {"Testina Exemplar", "Testena Exampler", MATCH_NAME_SAME},
    {"Mamadou Balafon", "محمد بلافون", MATCH_NAME_SAME},
    {"Тестина Примерова", "Testina Primerova", MATCH_NAME_SAME},
    {"Abdoul Aziz Balafon", "Abdoulaziz Balafon", MATCH_NAME_SAME},
    {"Abdoul Aziz", "Abdoulaziz", MATCH_NAME_SAME},
    {"Testina Exemplar", "Testina Balafon", MATCH_NAME_PART},
    {"Testina", "Testina Balafon", MATCH_NAME_PART},
    {"Testina", "Testina", MATCH_NAME_PART},
    {"Testina Exemplar", "Modeste Balafon", MATCH_NAME_OTHER},
    {"", "Testina Exemplar", MATCH_NAME_OTHER},
    {"", "", MATCH_NAME_OTHER},
    {"Testina Testina", "Testina Exemplar", MATCH_NAME_PART}, /* each word once */
};

START_TEST(names_agree_or_not) {
  match_name a, b;
  unsigned score, other;
  match_read_name(m, names[_i].a, &a);
  match_read_name(m, names[_i].b, &b);
  ck_assert_msg(match_name_compare(&a, &b, &score) == names[_i].agree, "%s and %s", names[_i].a, names[_i].b);
  ck_assert_int_eq(match_name_compare(&b, &a, &other), names[_i].agree);
  ck_assert_uint_eq(score, other);
}
END_TEST

/* ---- dates ---- */

#define ON "2026-03-02"
static const struct {
  const char *a;
  unsigned a_age;
  const char *b;
  unsigned b_age;
  match_by_birth agree;
} births[] = {
    {"1994-08-17", 0, "1994-08-17", 0, MATCH_BIRTH_SAME},
    {"1994-08-07", 0, "1994-07-08", 0, MATCH_BIRTH_SWAPPED},
    {"1994-08-17", 0, "1994-08-12", 0, MATCH_BIRTH_SLIP},
    {"1994-08-17", 0, "1949-08-17", 0, MATCH_BIRTH_SLIP},
    {"1994-08-17", 0, "1984-08-17", 0, MATCH_BIRTH_SLIP},
    {"1994-08-17", 0, "1984-08-16", 0, MATCH_BIRTH_OTHER},
    {"1994-08-17", 0, "1994", 0, MATCH_BIRTH_YEAR},
    {"1994-08-17", 0, "1994-01-01", 0, MATCH_BIRTH_YEAR},
    {"1994-01-01", 0, "1994-01-01", 0, MATCH_BIRTH_YEAR},
    {"1994-08-17", 0, "1994-08", 0, MATCH_BIRTH_YEAR},
    {"1994-08-17", 0, "1994-09", 0, MATCH_BIRTH_OTHER},
    {"1994-08-17", 0, "1995", 0, MATCH_BIRTH_NEAR},
    {"1994-08-17", 0, "1993-01-01", 0, MATCH_BIRTH_NEAR},
    {"1994-08-17", 0, "1996", 0, MATCH_BIRTH_OTHER},
    {"1994-08-17", 0, "", 31, MATCH_BIRTH_NEAR},
    {"1994-08-17", 0, "", 30, MATCH_BIRTH_NEAR},
    {"1994-08-17", 0, "", 33, MATCH_BIRTH_NEAR},
    {"1994-08-17", 0, "", 34, MATCH_BIRTH_OTHER},
    {"1994-08-17", 0, "", 29, MATCH_BIRTH_OTHER},
    {"", 31, "", 33, MATCH_BIRTH_NEAR},
    {"", 31, "", 34, MATCH_BIRTH_OTHER},
    {"", 0, "1994-08-17", 0, MATCH_BIRTH_UNKNOWN},
    {"", 0, "", 31, MATCH_BIRTH_UNKNOWN},
    {"unknown", 0, "1994", 0, MATCH_BIRTH_UNKNOWN},
    {"", 131, "1994", 0, MATCH_BIRTH_UNKNOWN},
};

static void person(match_person *out, const char *name, const char *birth, unsigned age, match_sex sex,
                   const char *place, const char *country) {
  const char *list[] = {name};
  match_facts facts = {.names = list,
                       .n_names = 1,
                       .birth_date = birth,
                       .age = age,
                       .sex = sex,
                       .birth_place = place,
                       .country = country};
  ck_assert(cor_day_parse(ON, &facts.age_on));
  match_read(m, &facts, out);
}

START_TEST(dates_agree_or_not) {
  match_person a, b;
  person(&a, "Testina Exemplar", births[_i].a, births[_i].a_age, MATCH_FEMALE, "", "");
  person(&b, "Testina Exemplar", births[_i].b, births[_i].b_age, MATCH_FEMALE, "", "");
  ck_assert_msg(match_birth_compare(&a.birth, &b.birth) == births[_i].agree, "%s/%u and %s/%u: %d",
                births[_i].a, births[_i].a_age, births[_i].b, births[_i].b_age,
                match_birth_compare(&a.birth, &b.birth));
  ck_assert_int_eq(match_birth_compare(&b.birth, &a.birth), births[_i].agree);
}
END_TEST

/* ---- places ---- */

static const struct {
  const char *a, *a_country, *b, *b_country;
  match_by_place agree;
} places[] = {
    {"Kindia", "GN", "Kindia, Guinea", "GN", MATCH_PLACE_SAME},
    {"Kindia", "", "Kindya", "", MATCH_PLACE_SAME},
    {"Kindia, Guinea", "GN", "Conakry, Guinea", "GN", MATCH_PLACE_UNCLEAR},
    {"Kindia", "GN", "Conakry", "GN", MATCH_PLACE_OTHER},
    {"Kindia", "GN", "", "GN", MATCH_PLACE_UNCLEAR},
    {"", "GN", "", "ML", MATCH_PLACE_OTHER},
    {"Kindia", "GN", "Kindia", "ML", MATCH_PLACE_SAME},
    {"", "", "", "", MATCH_PLACE_UNCLEAR},
};

START_TEST(places_agree_or_not) {
  match_person a, b;
  person(&a, "Testina", "", 0, MATCH_FEMALE, places[_i].a, places[_i].a_country);
  person(&b, "Testina", "", 0, MATCH_FEMALE, places[_i].b, places[_i].b_country);
  ck_assert_int_eq(match_place_compare(&a, &b), places[_i].agree);
  ck_assert_int_eq(match_place_compare(&b, &a), places[_i].agree);
}
END_TEST

/* ---- rules: each change of one input changes the rule ---- */

static const struct {
  const char *name, *birth;
  unsigned age;
  match_sex sex;
  const char *place, *rule; /* NULL: no match */
} people[] = {
    {"Testina Exemplar", "1994-08-07", 0, MATCH_FEMALE, "Kindia", "name-and-birth-date"},
    {"Testina Exemplar", "1994-08-07", 0, MATCH_MALE, "Conakry", "name-and-birth-date"},
    {"Testina Exemplar", "1994-07-08", 0, MATCH_MALE, "Conakry", "day-and-month-swapped"},
    {"Testina Exemplar", "1994-08-17", 0, MATCH_FEMALE, "Conakry", "birth-date-slip"},
    {"Testina Exemplar", "1994-08-17", 0, MATCH_MALE, "Conakry", NULL},
    {"Testina Exemplar", "1994", 0, MATCH_FEMALE, "Conakry", "name-and-year"},
    {"Testina Exemplar", "1994", 0, MATCH_MALE, "Conakry", NULL},
    {"Testina Balafon", "1994-08-07", 0, MATCH_FEMALE, "Kindia", "part-of-name-and-birth-date"},
    {"Testina Balafon", "1994-08-07", 0, MATCH_FEMALE, "", "part-of-name-and-birth-date"},
    {"Testina Balafon", "1994-08-07", 0, MATCH_FEMALE, "Conakry", NULL},
    {"Testina Balafon", "1994-08-07", 0, MATCH_MALE, "Kindia", NULL},
    {"Testina Balafon", "1994-07-08", 0, MATCH_FEMALE, "Kindia", NULL},
    {"Testina Exemplar", "", 31, MATCH_FEMALE, "Kindia", "name-and-age"},
    {"Testina Exemplar", "", 31, MATCH_SEX_UNKNOWN, "", "name-and-age"},
    {"Testina Exemplar", "", 31, MATCH_FEMALE, "Conakry", NULL},
    {"Testina Exemplar", "", 0, MATCH_FEMALE, "Kindia", "name-and-place"},
    {"Testina Exemplar", "", 0, MATCH_FEMALE, "", NULL},
    {"Testina Exemplar", "1980-02-03", 0, MATCH_FEMALE, "Kindia", NULL},
    {"Modeste Balafon", "1994-08-07", 0, MATCH_FEMALE, "Kindia", NULL},
};

START_TEST(a_changed_input_changes_the_rule) {
  match_person a, b;
  unsigned score = 0, other = 0;
  person(&a, "Testina Exemplar", "1994-08-07", 0, MATCH_FEMALE, "Kindia", "GN");
  person(&b, people[_i].name, people[_i].birth, people[_i].age, people[_i].sex, people[_i].place, "GN");
  const match_rule *rule = match_compare(&a, &b, &score);
  const char *got = rule == NULL ? "none" : rule->word;
  ck_assert_msg(strcmp(got, people[_i].rule == NULL ? "none" : people[_i].rule) == 0, "case %d: %s", _i, got);
  ck_assert_ptr_eq(match_compare(&b, &a, &other), rule);
  if (rule != NULL) ck_assert_uint_eq(score, other);
}
END_TEST

START_TEST(every_rule_is_met_by_somebody) {
  const match_rule *rule;
  for (size_t i = 0; (rule = match_rule_at(i)) != NULL; i++) {
    bool met = false;
    for (size_t k = 0; k < sizeof people / sizeof *people; k++)
      met = met || (people[k].rule != NULL && strcmp(people[k].rule, rule->word) == 0);
    ck_assert_msg(met, "nobody meets %s", rule->word);
  }
}
END_TEST

START_TEST(any_of_several_names_counts) {
  const char *list[] = {"Modeste Balafon", "Тестина Экземплар"};
  match_facts facts = {.names = list, .n_names = 2, .birth_date = "1994-08-07"};
  match_person a, b;
  unsigned score;
  match_read(m, &facts, &a);
  person(&b, "Testina Ekzemplar", "1994-08-07", 0, MATCH_FEMALE, "", "");
  ck_assert_ptr_nonnull(match_compare(&a, &b, &score));
}
END_TEST

/* ---- bounds, and text nobody meant ---- */

START_TEST(nothing_is_too_long_or_too_strange) {
  static const char *const pieces[] = {"ﷺ",    "\U0001F600", "a\u0301\u0301\u0301", "ሙ", "Ж", "\u202E", "'",
                                       "x y ", "漢字"};
  char text[8192];
  match_person a, b;
  unsigned score;
  for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
    size_t len = 0;
    while (len + strlen(pieces[k]) < sizeof text) {
      memcpy(text + len, pieces[k], strlen(pieces[k]) + 1);
      len += strlen(pieces[k]);
    }
    person(&a, text, text, 4000000000u, MATCH_FEMALE, text, text);
    person(&b, text, "", 0, MATCH_FEMALE, "", "");
    ck_assert_uint_le(a.names[0].n, MATCH_WORDS_MAX);
    (void)match_compare(&a, &b, &score);
  }
}
END_TEST

/* ---- the files ---- */

static const struct {
  const char *rules, *names, *told;
  int code;
} files[] = {
    {":: Lower ;\n", "name testa TESTA testo\nparticle al\n", NULL, COR_OK},
    {":: Lower ;\n", "", NULL, COR_OK},
    {"a > b ;\na > c ;\n", "", "names.rules, line", COR_INTERNAL},
    {":: No-Such ;\n", "", "names.rules, line", COR_INTERNAL},
    {":: Lower ;\n", "name testa\nnames testo\n", "line 2", COR_BAD_INPUT},
    {":: Lower ;\n", "name testa-testo\n", "line 1: the rules do not write \"testa-testo\"", COR_BAD_INPUT},
    {":: Lower ;\n", "name testa\nname testo testa\n", "\"testa\"", COR_BAD_INPUT},
    {":: Lower ;\n", "name al\nparticle al\n", "\"al\"", COR_BAD_INPUT},
};

START_TEST(bad_files_are_named) {
  char dir[64];
  programme_dir(dir);
  const cor_bytes rules = {(const uint8_t *)files[_i].rules, strlen(files[_i].rules)},
                  listed = {(const uint8_t *)files[_i].names, strlen(files[_i].names)};
  must(cor_file_write(in(dir, "names.rules"), rules, 0644, &err));
  must(cor_file_write(in(dir, "names.txt"), listed, 0644, &err));
  matcher *other = matcher_open(dir, &err);
  ck_assert_msg((other != NULL) == (files[_i].code == COR_OK), "%s", err.detail);
  if (other == NULL) {
    ck_assert_int_eq(err.code, files[_i].code);
    ck_assert_msg(strstr(err.detail, files[_i].told) != NULL, "%s", err.detail);
  }
  matcher_close(&other);
  programme_remove(dir);
}
END_TEST

START_TEST(missing_files_compare_nothing) {
  char dir[64];
  programme_dir(dir);
  ck_assert_ptr_null(matcher_open(dir, &err));
  ck_assert_int_ne(err.code, COR_OK);
  programme_remove(dir);
}
END_TEST

#define LOOP(test, table) tcase_add_loop_test(tc, test, 0, (int)(sizeof table / sizeof *table))

int main(void) {
  if (!match_begin()) return EXIT_FAILURE;
  TCase *tc = tcase_create("match");
  tcase_add_unchecked_fixture(tc, setup, teardown);
  LOOP(names_are_written_alike, texts);
  LOOP(words_are_alike_or_not, words);
  LOOP(names_agree_or_not, names);
  LOOP(dates_agree_or_not, births);
  LOOP(places_agree_or_not, places);
  LOOP(a_changed_input_changes_the_rule, people);
  tcase_add_test(tc, every_rule_is_met_by_somebody);
  tcase_add_test(tc, any_of_several_names_counts);
  tcase_add_test(tc, nothing_is_too_long_or_too_strange);
  LOOP(bad_files_are_named, files);
  tcase_add_test(tc, missing_files_compare_nothing);
  return programme_run(tc, "match");
}
