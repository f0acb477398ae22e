/* A configuration is taken whole or refused with file, line and option. */
#include "corridor/config.h"
#include "corridor/refusal.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const cor_config_row rows[] = {
    {"office", COR_CONF_TEXT, NULL, 0, 0, false, "Who we are"},
    {"store", COR_CONF_PATH, "/var/lib/corridor", 0, 0, false, "Where the store is"},
    {"window", COR_CONF_NUMBER, "64", 1, 1000, true, "Messages unanswered"},
    {"broker", COR_CONF_LIST, "", 0, 3, true, "Brokers to try"},
};
enum { ROWS = sizeof rows / sizeof *rows };

static char file[64];

static void setup(void) {
  strcpy(file, "/tmp/corridor-config-XXXXXX");
  int fd = mkstemp(file);
  ck_assert_int_ge(fd, 0);
  close(fd);
}

static void teardown(void) {
  unlink(file);
}

static cor_config *load(const char *text, size_t len, cor_error *err) {
  ck_assert(cor_file_write(file, (cor_bytes){(const uint8_t *)text, len}, 0644, err));
  return cor_config_load(file, rows, ROWS, err);
}

START_TEST(defaults) {
  cor_error err = {0};
  static const char text[] = "office=ne-host";
  cor_config *c = load(text, strlen(text), &err);
  ck_assert_msg(c != NULL, "%s", err.detail);
  ck_assert_str_eq(cor_config_text(c, "office"), "ne-host");
  ck_assert_str_eq(cor_config_text(c, "store"), "/var/lib/corridor");
  ck_assert_int_eq(cor_config_number(c, "window"), 64);
  ck_assert_ptr_null(cor_config_item(c, "broker", 0));
  cor_config_destroy(&c);
  ck_assert_ptr_null(c);
}
END_TEST

START_TEST(every_type) {
  cor_error err = {0};
  static const char text[] = "# a comment\r\n\n  office =  two words # kept \r\nstore=/srv/x\nwindow = 7\n"
                             "broker = tcp://127.0.0.1:1 ,tcp://[::1]:2, x\n";
  cor_config *c = load(text, strlen(text), &err);
  ck_assert_msg(c != NULL, "%s", err.detail);
  ck_assert_str_eq(cor_config_text(c, "office"), "two words # kept");
  ck_assert_str_eq(cor_config_text(c, "store"), "/srv/x");
  ck_assert_int_eq(cor_config_number(c, "window"), 7);
  ck_assert_str_eq(cor_config_item(c, "broker", 0), "tcp://127.0.0.1:1");
  ck_assert_str_eq(cor_config_item(c, "broker", 1), "tcp://[::1]:2");
  ck_assert_str_eq(cor_config_item(c, "broker", 2), "x");
  ck_assert_ptr_null(cor_config_item(c, "broker", 3));
  cor_config_destroy(&c);
}
END_TEST

static const struct {
  const char *text;
  size_t len; /* 0 = strlen */
  int code;
  const char *option;
  const char *line; /* part of the detail */
} bad[] = {
    {"", 0, COR_MISSING_FIELD, "office", "office must be set"},
    {"office =\n", 0, COR_MISSING_FIELD, "office", ":1:"},
    {"office = a\nofice = b\n", 0, COR_BAD_INPUT, "ofice", ":2:"},
    {"office = a\n\noffice = a\n", 0, COR_BAD_INPUT, "office", ":3: office: given twice"},
    {"office = a\nwindow = 0\n", 0, COR_BAD_INPUT, "window", "from 1 to 1000"},
    {"office = a\nwindow = 1001\n", 0, COR_BAD_INPUT, "window", ":2:"},
    {"office = a\nwindow = 5x\n", 0, COR_BAD_INPUT, "window", ":2:"},
    {"office = a\nwindow =\n", 0, COR_BAD_INPUT, "window", ":2:"},
    {"office = a\nwindow = 99999999999999999999\n", 0, COR_BAD_INPUT, "window", ":2:"},
    {"office = a\nstore = here\n", 0, COR_BAD_INPUT, "store", "absolute"},
    {"office = a\nbroker = x,,y\n", 0, COR_BAD_INPUT, "broker", "empty entry"},
    {"office = a\nbroker = x,\n", 0, COR_BAD_INPUT, "broker", "empty entry"},
    {"office = a\nbroker = 1,2,3,4\n", 0, COR_TOO_LARGE, "broker", "more than 3"},
    {"office = a\nnonsense\n", 0, COR_BAD_INPUT, "", ":2:"},
    {"office = a\033[31m\n", 0, COR_BAD_INPUT, "", ":1: control character"},
    {"office = a\0b\n", 13, COR_BAD_INPUT, "", "NUL"},
};

START_TEST(refusals_name_line_and_option) {
  cor_error err = {0};
  size_t len = bad[_i].len ? bad[_i].len : strlen(bad[_i].text);
  ck_assert_ptr_null(load(bad[_i].text, len, &err));
  ck_assert_int_eq(err.code, bad[_i].code);
  ck_assert_str_eq(err.path, bad[_i].option);
  ck_assert_msg(strstr(err.detail, bad[_i].line) != NULL, "%s", err.detail);
  ck_assert_msg(strstr(err.detail, file) != NULL, "%s", err.detail);
}
END_TEST

START_TEST(absent_file) {
  cor_error err = {0};
  ck_assert_ptr_null(cor_config_load("/tmp/corridor-no-such-file", rows, ROWS, &err));
  ck_assert_int_eq(err.code, COR_BAD_INPUT);
}
END_TEST

/* The sample names every option, and loads once its gaps are filled. */
START_TEST(sample_is_a_configuration) {
  cor_error err = {0};
  char *text = NULL;
  size_t len = 0;
  FILE *out = open_memstream(&text, &len);
  ck_assert_ptr_nonnull(out);
  cor_config_sample(out, rows, ROWS);
  fputs("office = x\n", out);
  fclose(out);
  for (size_t i = 0; i < ROWS; i++)
    ck_assert_ptr_nonnull(strstr(text, rows[i].name));
  char *gap = strstr(text, "\noffice =\n");
  if (!gap) gap = strstr(text, "office =\n") - 1;
  gap[1] = '#';
  cor_config *c = load(text, len, &err);
  ck_assert_msg(c != NULL, "%s", err.detail);
  cor_config_destroy(&c);
  free(text);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("config");
  TCase *tests = tcase_create("config");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, defaults);
  tcase_add_test(tests, every_type);
  tcase_add_loop_test(tests, refusals_name_line_and_option, 0, (int)(sizeof bad / sizeof *bad));
  tcase_add_test(tests, absent_file);
  tcase_add_test(tests, sample_is_a_configuration);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
