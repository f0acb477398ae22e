/* test_staff.c - the functions of an office's staff, and what the matrix denies them. */
#include "corridor/sop.h"
#include "corridor/staff.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define KEY(x) COR_BIT(COR_C(x))
#define SEALING (KEY(OPERATIONS) | KEY(CASEWORK) | KEY(HEALTH) | KEY(PROTECTION) | KEY(MONITORING))

START_TEST(every_function_needs_keys_that_there_are) {
  const cor_function *one;
  unsigned all = 0;
  for (size_t i = 0; (one = cor_function_at(i)) != NULL; i++) {
    ck_assert_uint_ne(one->compartments, 0);
    ck_assert_uint_eq(one->compartments & ~SEALING, 0);
    ck_assert_str_ne(one->cite, "");
    ck_assert_ptr_eq(cor_function_named(one->name), one); /* names are unique */
    all |= one->compartments;
  }
  ck_assert_uint_eq(all, SEALING); /* no key without a function */
  ck_assert_ptr_null(cor_function_named("cook"));
}
END_TEST

/* Who must never come to which content, by the need-to-know matrix. */
static const struct {
  const char *function;
  unsigned never;
} denied[] = {
    {"reception", KEY(CASEWORK) | KEY(HEALTH) | KEY(PROTECTION) | KEY(MONITORING)},
    {"case-worker", KEY(HEALTH) | KEY(PROTECTION)},
    {"medical-focal-point", KEY(CASEWORK) | KEY(PROTECTION)},
    {"protection-focal-point", KEY(CASEWORK) | KEY(HEALTH)},
    {"me-officer", KEY(OPERATIONS) | KEY(CASEWORK) | KEY(HEALTH) | KEY(PROTECTION)},
};

START_TEST(the_matrix_is_kept) {
  ck_assert_uint_eq(cor_function_named(denied[_i].function)->compartments & denied[_i].never, 0);
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("staff");
  tcase_add_test(tcase, every_function_needs_keys_that_there_are);
  tcase_add_loop_test(tcase, the_matrix_is_kept, 0, sizeof denied / sizeof *denied);
  Suite *suite = suite_create("staff");
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
