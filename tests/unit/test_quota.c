/* test_quota.c - refusals are logged up to a quota per office and hour: one
 * office's flood takes nothing from another's, and the table never grows. */
#include "quota.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* How many of n are logged. */
static int taken(struct quota *quota, const char *office, int n) {
  int yes = 0;
  for (int i = 0; i < n; i++)
    yes += quota_take(quota, office);
  return yes;
}

static const struct {
  int asked, logged;
} FLOODS[] = {{1, 1}, {999, 999}, {1000, 1000}, {1001, 1000}, {5000, 1000}};

START_TEST(at_most_a_thousand_an_hour) {
  struct quota *quota = quota_new();
  ck_assert_int_eq(taken(quota, "ne-niamey", FLOODS[_i].asked), FLOODS[_i].logged);
  quota_destroy(&quota);
  ck_assert_ptr_null(quota);
}
END_TEST

START_TEST(each_office_has_its_own) {
  struct quota *quota = quota_new();
  ck_assert_int_eq(taken(quota, "ne-niamey", 1500), 1000);
  ck_assert_int_eq(taken(quota, "ne-niame", 1), 1); /* a shorter name is another office */
  ck_assert_int_eq(taken(quota, "gn-conakry", 1500), 1000);
  ck_assert_int_eq(taken(quota, "ne-niamey", 10), 0);
  quota_destroy(&quota);
}
END_TEST

/* As many offices as the table has rows: none loses its count. */
START_TEST(many_offices_at_once) {
  enum { OFFICES = 1024 };
  struct quota *quota = quota_new();
  char office[COR_OFFICE_MAX + 1];
  for (int part = 0; part < 2; part++)
    for (int i = 0; i < OFFICES; i++) {
      snprintf(office, sizeof office, "office-%d", i);
      ck_assert_int_eq(taken(quota, office, 2), 2);
    }
  ck_assert_int_eq(taken(quota, "office-0", 1500), 996);
  ck_assert_int_eq(taken(quota, "office-1023", 1500), 996);
  quota_destroy(&quota);
}
END_TEST

/* The oldest row gives way; an office beyond the table is counted from zero. */
START_TEST(more_offices_than_rows) {
  enum { OFFICES = 3000 };
  struct quota *quota = quota_new();
  char office[COR_OFFICE_MAX + 1];
  for (int i = 0; i < OFFICES; i++) {
    snprintf(office, sizeof office, "office-%d", i);
    ck_assert_int_eq(taken(quota, office, 1), 1);
  }
  snprintf(office, sizeof office, "%.*s", COR_OFFICE_MAX, "an-office-of-the-longest-name-here");
  ck_assert_int_eq(taken(quota, office, 1500), 1000);
  quota_destroy(&quota);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("quota");
  TCase *tests = tcase_create("quota");
  tcase_add_loop_test(tests, at_most_a_thousand_an_hour, 0, (int)(sizeof FLOODS / sizeof *FLOODS));
  tcase_add_test(tests, each_office_has_its_own);
  tcase_add_test(tests, many_offices_at_once);
  tcase_add_test(tests, more_offices_than_rows);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
