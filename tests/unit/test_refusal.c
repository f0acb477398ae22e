/* The table of refusals and the sentences of the four catalogues. */
#include "corridor/catalogue.h"
#include "corridor/refusal.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(rows_are_sound) {
  const cor_refusal *a, *b;
  for (size_t i = 0; (a = cor_refusal_at(i)) != NULL; i++) {
    ck_assert_ptr_eq(cor_refusal_of(a->code), a);
    for (size_t j = i + 1; (b = cor_refusal_at(j)) != NULL; j++) {
      ck_assert_msg(a->code != b->code, "%s and %s share %d", a->name, b->name, a->code);
      ck_assert_str_ne(a->name, b->name);
    }
    ck_assert_msg(a->exit >= 0 && a->exit <= 6, "%s: exit %d", a->name, a->exit);
    ck_assert_msg(a->http >= 200 && a->http <= 599, "%s: http %d", a->name, a->http);
    ck_assert_msg((a->code == COR_OK) == (a->exit == 0), "%s", a->name);
    ck_assert_msg(a->code == COR_OK || a->code == COR_INTERNAL || *a->rule != '\0', "%s has no rule",
                  a->name);
  }
}
END_TEST

static const int strangers[] = {-1, 1, 9, 98, 100, 1 << 30};

START_TEST(unknown_codes_read_as_internal) {
  ck_assert_int_eq(cor_refusal_of(strangers[_i])->code, COR_INTERNAL);
}
END_TEST

static const char *const langs[] = {"en", "fr", "es", "ar"};

static const char *catalogue_dir(char out[512]) {
  const char *source = getenv("CORRIDOR_SOURCE");
  snprintf(out, 512, "%s/deploy/catalogue", source ? source : ".");
  return out;
}

/* Read without the fallback: the sentence must not be the name, and must not be
 * English in another language's file. */
START_TEST(every_row_has_a_sentence) {
  cor_error err = {0};
  char dir[512];
  cor_catalogue *own = cor_catalogue_load(catalogue_dir(dir), langs[_i], &err);
  ck_assert_msg(own != NULL, "%s", err.detail);
  cor_catalogue *english = cor_catalogue_load(dir, "en", &err);
  ck_assert_msg(english != NULL, "%s", err.detail);
  const cor_refusal *row;
  for (size_t i = 0; (row = cor_refusal_at(i)) != NULL; i++) {
    const char *sentence = cor_catalogue_sentence(own, row->code);
    ck_assert_msg(strcmp(sentence, row->name) != 0, "%s has no sentence in %s", row->name, langs[_i]);
    if (_i > 0)
      ck_assert_msg(strcmp(sentence, cor_catalogue_sentence(english, row->code)) != 0,
                    "%s is not translated in %s", row->name, langs[_i]);
  }
  cor_catalogue_destroy(&own);
  cor_catalogue_destroy(&english);
}
END_TEST

static void put(const char *dir, const char *name, const char *text) {
  cor_error err = {0};
  char path[128];
  snprintf(path, sizeof path, "%s/%s.json", dir, name);
  ck_assert(cor_file_write(path, (cor_bytes){(const uint8_t *)text, strlen(text)}, 0644, &err));
}

static void clean(const char *dir) {
  char path[128];
  snprintf(path, sizeof path, "%s/en.json", dir);
  unlink(path);
  snprintf(path, sizeof path, "%s/xx.json", dir);
  unlink(path);
  rmdir(dir);
}

START_TEST(falls_back_to_english_then_name) {
  cor_error err = {0};
  char dir[] = "/tmp/corridor-catalogue-XXXXXX";
  ck_assert_ptr_nonnull(mkdtemp(dir));
  put(dir, "en", "{\"OK\": \"Done.\", \"CONFLICT\": \"In English.\"}");
  put(dir, "xx", "{\"OK\": \"Gedaan.\"}");
  cor_catalogue *c = cor_catalogue_load(dir, "xx", &err);
  ck_assert_msg(c != NULL, "%s", err.detail);
  ck_assert_str_eq(cor_catalogue_sentence(c, COR_OK), "Gedaan.");
  ck_assert_str_eq(cor_catalogue_sentence(c, COR_CONFLICT), "In English.");
  ck_assert_str_eq(cor_catalogue_sentence(c, COR_NO_CONSENT), "NO_CONSENT");
  ck_assert_str_eq(cor_catalogue_sentence(c, 12345), "INTERNAL");
  cor_catalogue_destroy(&c);
  clean(dir);
}
END_TEST

static const char *const bad_files[] = {
    "",
    "[]",
    "{\"OK\": 1}",
    "{\"OK\": \"\"}",
    "{\"OK\": \"two\\nlines\"}",
    "{\"OKAY\": \"no such row\"}",
    "{\"OK\": \"a\", \"OK\": \"b\"}",
    "{\"OK\": \"bad \xff utf-8\"}",
};

START_TEST(bad_catalogues_are_refused) {
  cor_error err = {0};
  char dir[] = "/tmp/corridor-catalogue-XXXXXX";
  ck_assert_ptr_nonnull(mkdtemp(dir));
  put(dir, "en", "{}");
  put(dir, "xx", bad_files[_i]);
  ck_assert_ptr_null(cor_catalogue_load(dir, "xx", &err));
  ck_assert_int_eq(err.code, COR_BAD_INPUT);
  clean(dir);
}
END_TEST

static const char *const bad_langs[] = {"", "e", "EN", "engl", "..", "../", "e/", "zz"};

START_TEST(bad_languages_are_refused) {
  cor_error err = {0};
  char dir[512];
  ck_assert_ptr_null(cor_catalogue_load(catalogue_dir(dir), bad_langs[_i], &err));
  ck_assert_int_eq(err.code, COR_BAD_INPUT);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void) {
  Suite *suite = suite_create("refusal");
  TCase *tests = tcase_create("refusal");
  tcase_add_test(tests, rows_are_sound);
  tcase_add_loop_test(tests, unknown_codes_read_as_internal, 0, ROWS(strangers));
  tcase_add_loop_test(tests, every_row_has_a_sentence, 0, ROWS(langs));
  tcase_add_test(tests, falls_back_to_english_then_name);
  tcase_add_loop_test(tests, bad_catalogues_are_refused, 0, ROWS(bad_files));
  tcase_add_loop_test(tests, bad_languages_are_refused, 0, ROWS(bad_langs));
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
