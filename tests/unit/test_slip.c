/* The slip a person takes along: every language says the same things, and none says
 * what they are about. */
#include "slip.h"
#include "corridor/refusal.h"
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))
#define REFERENCE "GS8Z-6BTX-3HZ0-HBH7-02"
#define CODE "3ZPJ-A7EQ-70"

static const char *const languages[] = {"en", "fr", "es", "ar", "am", "ha"};

static const char *catalogue(char out[512]) {
  const char *source = getenv("CORRIDOR_SOURCE");
  snprintf(out, 512, "%s/deploy/catalogue", source ? source : ".");
  return out;
}

static json_t *written(const char *language, const char *phone) {
  char dir[512];
  cor_error err = {0};
  slip *s = slip_load(catalogue(dir), language, &err);
  ck_assert_msg(s != NULL, "%s: %s", language, err.detail);
  json_t *out = slip_write(s, REFERENCE, CODE, phone);
  ck_assert_ptr_nonnull(out);
  slip_destroy(&s);
  ck_assert_ptr_null(s);
  return out;
}

static const char *text(const json_t *made, const char *name) {
  const char *value = json_string_value(json_object_get(made, name));
  ck_assert_ptr_nonnull(value);
  return value;
}

START_TEST(holds_number_and_code) {
  json_t *made = written(languages[_i], "+000 000");
  const char *const both[] = {"text", "html"};
  for (int i = 0; i < 2; i++) {
    ck_assert_ptr_nonnull(strstr(text(made, both[i]), REFERENCE));
    ck_assert_ptr_nonnull(strstr(text(made, both[i]), CODE));
    ck_assert_ptr_nonnull(strstr(text(made, both[i]), "+000 000"));
  }
  json_decref(made);
}
END_TEST

START_TEST(no_number_no_line) {
  json_t *with = written(languages[_i], "1"), *without = written(languages[_i], "");
  ck_assert_uint_lt(strlen(text(without, "text")), strlen(text(with, "text")) - 2);
  ck_assert_uint_lt(strlen(text(without, "html")), strlen(text(with, "html")) - 2);
  json_decref(with);
  json_decref(without);
}
END_TEST

/* What would tell whoever finds the paper. Small letters; Arabic and Ethiopic have no case. */
static const char *const telling[] = {
    "return",    "migra",     "asylum", "refugee", "mission", "border",  "traffick", "victim",  "health",
    "programme", "country",   "iom",    "consent", "embassy", "deport",  "retour",   "migrant", "asile",
    "réfugi",    "frontière", "pays",   "santé",   "victime", "expuls",  "retorno",  "asilo",   "refugiad",
    "frontera",  "país",      "salud",  "víctima", "عودة",    "هجرة",    "مهاجر",    "لجوء",    "لاجئ",
    "حدود",      "ضحية",      "صحة",    "سفر",     "ስደ",      "ተመላሽ",    "ጥገኝነት",    "ድንበር",    "ሰለባ",
    "ጤና",        "hijira",    "gudun",  "iyaka",   "lafiya",  "corridor"};

START_TEST(tells_a_bystander_nothing) {
  json_t *made = written(languages[_i], "");
  const char *const both[] = {"text", "html"};
  for (int i = 0; i < 2; i++) {
    char *small = strdup(text(made, both[i]));
    for (char *c = small; *c; c++)
      if ((unsigned char)*c < 0x80) *c = (char)tolower((unsigned char)*c);
    for (int k = 0; k < COUNT(telling); k++)
      ck_assert_msg(!strstr(small, telling[k]), "%s: the slip says \"%s\"", languages[_i], telling[k]);
    free(small);
  }
  json_decref(made);
}
END_TEST

START_TEST(languages_say_as_many_things) {
  json_t *english = written("en", ""), *own = written(languages[_i], "");
  int lines[2] = {0, 0};
  const char *texts[2] = {text(english, "text"), text(own, "text")};
  for (int i = 0; i < 2; i++)
    for (const char *c = texts[i]; (c = strstr(c, "\n\n")) != NULL; c += 2)
      lines[i]++;
  ck_assert_int_eq(lines[0], lines[1]);
  json_decref(english);
  json_decref(own);
}
END_TEST

START_TEST(a_page_in_its_own_direction) {
  json_t *arabic = written("ar", ""), *french = written("fr", "");
  ck_assert_str_eq(text(arabic, "direction"), "rtl");
  ck_assert_ptr_nonnull(strstr(text(arabic, "html"), "<html lang=\"ar\" dir=\"rtl\">"));
  ck_assert_ptr_nonnull(strstr(text(arabic, "html"), "<bdi dir=\"ltr\">" CODE));
  ck_assert_ptr_nonnull(strstr(text(french, "html"), "<html lang=\"fr\" dir=\"ltr\">"));
  json_decref(arabic);
  json_decref(french);
}
END_TEST

/* A page that loads nothing tells nobody that it was printed. */
START_TEST(a_page_loads_nothing) {
  json_t *made = written(languages[_i], "");
  static const char *const loads[] = {"http", "src=", "href", "url(", "@import", "<script", "<img", "<link"};
  for (int i = 0; i < COUNT(loads); i++)
    ck_assert_msg(!strstr(text(made, "html"), loads[i]), "%s", loads[i]);
  json_decref(made);
}
END_TEST

/* ---- files that are wrong ---- */

static const struct {
  const char *language, *file;
  int code;
} wrong[] = {
    {"../en", NULL, COR_UNKNOWN_ENUM},
    {"EN", NULL, COR_UNKNOWN_ENUM},
    {"zz", NULL, COR_UNKNOWN_ENUM},
    {"xx", "{", COR_BAD_INPUT},
    {"xx", "[]", COR_BAD_INPUT},
    {"xx",
     "{\"name\":\"X\",\"direction\":\"ltr\",\"title\":\"T\",\"number\":\"N\",\"code\":\"C\",\"telephone\":"
     "\"P\"}",
     COR_BAD_INPUT},
    {"xx",
     "{\"name\":\"X\",\"direction\":\"up\",\"title\":\"T\",\"number\":\"N\",\"code\":\"C\",\"telephone\":"
     "\"P\","
     "\"text\":[\"t\"]}",
     COR_BAD_INPUT},
    {"xx",
     "{\"name\":\"X\",\"direction\":\"ltr\",\"title\":\"T\",\"number\":\"N\",\"code\":\"C\",\"telephone\":"
     "\"P\","
     "\"text\":[]}",
     COR_BAD_INPUT},
    {"xx",
     "{\"name\":\"X\",\"direction\":\"ltr\",\"title\":\"<b>&\",\"number\":\"N\",\"code\":\"C\",\"telephone\":"
     "\"P\","
     "\"text\":[\"it's\"]}",
     COR_OK},
};

START_TEST(wrong_files_are_refused) {
  char dir[] = "/tmp/corridor-slip-XXXXXX", path[600];
  cor_error err = {0};
  ck_assert_ptr_nonnull(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/slip", dir);
  ck_assert_int_eq(mkdir(path, 0700), 0);
  snprintf(path, sizeof path, "%s/slip/xx.json", dir);
  if (wrong[_i].file)
    ck_assert(cor_file_write(path, (cor_bytes){(const uint8_t *)wrong[_i].file, strlen(wrong[_i].file)}, 0644,
                             &err));
  slip *s = slip_load(dir, wrong[_i].language, &err);
  ck_assert_int_eq(s == NULL ? err.code : COR_OK, wrong[_i].code);
  if (s == NULL) ck_assert_str_eq(err.path, "/slipLanguage");
  if (s != NULL) {
    json_t *out = slip_write(s, REFERENCE, CODE, "");
    ck_assert_ptr_nonnull(strstr(text(out, "html"), "&lt;b&gt;&amp;"));
    ck_assert_ptr_nonnull(strstr(text(out, "html"), "it&#39;s"));
    json_decref(out);
  }
  slip_destroy(&s);
  (void)unlink(path);
  snprintf(path, sizeof path, "%s/slip", dir);
  ck_assert_int_eq(rmdir(path), 0);
  ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("slip");
  TCase *tests = tcase_create("slip");
  tcase_add_loop_test(tests, holds_number_and_code, 0, COUNT(languages));
  tcase_add_loop_test(tests, no_number_no_line, 0, COUNT(languages));
  tcase_add_loop_test(tests, tells_a_bystander_nothing, 0, COUNT(languages));
  tcase_add_loop_test(tests, languages_say_as_many_things, 0, COUNT(languages));
  tcase_add_test(tests, a_page_in_its_own_direction);
  tcase_add_loop_test(tests, a_page_loads_nothing, 0, COUNT(languages));
  tcase_add_loop_test(tests, wrong_files_are_refused, 0, COUNT(wrong));
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
