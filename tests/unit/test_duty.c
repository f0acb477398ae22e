/* test_duty.c - an obligation's life: every state x event, limits to the
 * millisecond, and a sleeper that wakes late passes every level once. */
#include "corridor/calendar.h"
#include <check.h>
#include <stdlib.h>

#define STATE(x) CORRIDOR__V1__OBLIGATION_STATE__##x
#define HOUR INT64_C(3600000)
#define DUE INT64_C(1772442000000)
#define DUTY COR_DUTY_ABN_CONFIRM /* escalates 24 h and 48 h after its due time */

/* clang-format off */
static const struct step {
  cor_duty_status from; cor_duty_event event; int64_t at; cor_duty_status to;
} steps[] = {
  {{STATE(OPEN), 0}, COR_DUTY_ANSWERED, DUE, {STATE(MET), 0}},
  {{STATE(OPEN), 0}, COR_DUTY_ANSWERED, DUE + 1, {STATE(MET_LATE), 0}},
  {{STATE(OPEN), 0}, COR_DUTY_TICK, DUE, {STATE(OPEN), 0}},
  {{STATE(OPEN), 0}, COR_DUTY_TICK, DUE + 1, {STATE(OVERDUE), 0}},
  {{STATE(OPEN), 0}, COR_DUTY_TICK, DUE + 100 * HOUR, {STATE(OVERDUE), 0}},
  {{STATE(OPEN), 0}, COR_DUTY_WAIVE, DUE - 1, {STATE(WAIVED), 0}},
  {{STATE(OVERDUE), 0}, COR_DUTY_TICK, DUE + 24 * HOUR, {STATE(OVERDUE), 0}},
  {{STATE(OVERDUE), 0}, COR_DUTY_TICK, DUE + 24 * HOUR + 1, {STATE(ESCALATED), 1}},
  {{STATE(OVERDUE), 0}, COR_DUTY_ANSWERED, DUE + 2, {STATE(MET_LATE), 0}},
  {{STATE(OVERDUE), 0}, COR_DUTY_WAIVE, DUE + 2, {STATE(WAIVED), 0}},
  {{STATE(ESCALATED), 1}, COR_DUTY_TICK, DUE + 48 * HOUR, {STATE(ESCALATED), 1}},
  {{STATE(ESCALATED), 1}, COR_DUTY_TICK, DUE + 48 * HOUR + 1, {STATE(ESCALATED), 2}},
  {{STATE(ESCALATED), 2}, COR_DUTY_TICK, DUE + 4800 * HOUR, {STATE(ESCALATED), 2}},
  {{STATE(ESCALATED), 2}, COR_DUTY_ANSWERED, DUE + 49 * HOUR, {STATE(MET_LATE), 2}},
  {{STATE(ESCALATED), 1}, COR_DUTY_WAIVE, DUE + 30 * HOUR, {STATE(WAIVED), 1}},
};
static const Corridor__V1__ObligationState finals[] = {STATE(MET), STATE(MET_LATE), STATE(WAIVED)};
/* clang-format on */
#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

static void same(cor_duty_status got, cor_duty_status expected) {
  ck_assert_int_eq(got.state, expected.state);
  ck_assert_uint_eq(got.level, expected.level);
}

START_TEST(each_step) {
  const struct step *s = &steps[_i];
  same(cor_duty_next(DUTY, s->from, s->event, DUE, s->at), s->to);
}
END_TEST

START_TEST(final_states_stay) {
  cor_duty_status end = {finals[_i], 1};
  for (int event = COR_DUTY_ANSWERED; event <= COR_DUTY_WAIVE; event++)
    same(cor_duty_next(DUTY, end, (cor_duty_event)event, DUE, DUE + 1000 * HOUR), end);
  ck_assert_int_eq(cor_duty_wake(DUTY, end, DUE), INT64_MAX);
}
END_TEST

START_TEST(a_late_sleeper_skips_no_level) {
  cor_duty_status status = {STATE(OPEN), 0};
  static const cor_duty_status path[] = {{STATE(OVERDUE), 0}, {STATE(ESCALATED), 1}, {STATE(ESCALATED), 2}};
  for (int i = 0; i < COUNT(path); i++) {
    status = cor_duty_next(DUTY, status, COR_DUTY_TICK, DUE, DUE + 500 * HOUR);
    same(status, path[i]);
  }
  same(cor_duty_next(DUTY, status, COR_DUTY_TICK, DUE, DUE + 500 * HOUR), status);
}
END_TEST

/* Waking exactly when told changes something; a millisecond before, nothing. */
START_TEST(wake_times_are_exact) {
  cor_duty duty = (cor_duty)_i;
  cor_duty_status status = {STATE(OPEN), 0};
  int ticks = 0;
  if (!cor_duty_find(duty)) return; /* numbers have gaps: they are never used again */
  for (int64_t wake; (wake = cor_duty_wake(duty, status, DUE)) != INT64_MAX; ticks++) {
    same(cor_duty_next(duty, status, COR_DUTY_TICK, DUE, wake - 1), status);
    cor_duty_status next = cor_duty_next(duty, status, COR_DUTY_TICK, DUE, wake);
    ck_assert(next.state != status.state || next.level != status.level);
    status = next;
    ck_assert_int_lt(ticks, 4);
  }
  if (cor_duty_find(duty) == NULL) return; /* a number not given out wakes nobody */
  ck_assert_int_eq(ticks, 3);
  same(status, (cor_duty_status){STATE(ESCALATED), 2});
}
END_TEST

START_TEST(no_such_duty_changes_nothing) {
  cor_duty_status open = {STATE(OPEN), 0};
  same(cor_duty_next(COR_DUTY_COUNT, open, COR_DUTY_TICK, DUE, DUE + 1), open);
  ck_assert_int_eq(cor_duty_wake(COR_DUTY_NONE, open, DUE), INT64_MAX);
  ck_assert_int_eq(cor_duty_wake(DUTY, open, INT64_MAX), INT64_MAX);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("duty");
  TCase *tc = tcase_create("duty");
  tcase_add_loop_test(tc, each_step, 0, COUNT(steps));
  tcase_add_loop_test(tc, final_states_stay, 0, COUNT(finals));
  tcase_add_test(tc, a_late_sleeper_skips_no_level);
  tcase_add_loop_test(tc, wake_times_are_exact, 1, COR_DUTY_COUNT);
  tcase_add_test(tc, no_such_duty_changes_nothing);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
