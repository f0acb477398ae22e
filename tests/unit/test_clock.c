/* The demo clock starts anywhere, ticks, is only set forward and is followed by
 * running processes; no clock goes back; dates and times as text. */
#include "corridor/clock.h"
#include "corridor/refusal.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARCH_2 INT64_C(1772442000000) /* 2026-03-02T09:00:00Z */

enum { PATIENCE_MS = 5000 };

static char dir[64], file[96], lock[112];

static void setup(void) {
  strcpy(dir, "/tmp/corridor-clock-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(dir));
  snprintf(file, sizeof file, "%s/clock", dir);
  snprintf(lock, sizeof lock, "%s.lock", file);
}

static void teardown(void) {
  unlink(file);
  unlink(lock);
  rmdir(dir);
}

static cor_clock *demo_at(int64_t now) {
  cor_error err = {0};
  ck_assert_msg(cor_clock_demo_start(file, now, &err), "%s", err.detail);
  cor_clock *clock = cor_clock_demo(file, &err);
  ck_assert_msg(clock != NULL, "%s", err.detail);
  return clock;
}

START_TEST(demo_starts_in_the_past_and_ticks) {
  cor_clock *clock = demo_at(MARCH_2);
  int64_t first = cor_clock_now(clock), start = cor_clock_monotonic_ms();
  ck_assert_int_ge(first, MARCH_2);
  ck_assert_int_lt(first, MARCH_2 + PATIENCE_MS);
  while (cor_clock_now(clock) == first)
    ck_assert_int_lt(cor_clock_monotonic_ms() - start, PATIENCE_MS);
  cor_clock_destroy(&clock);
  ck_assert_ptr_null(clock);
}
END_TEST

START_TEST(demo_is_followed_and_never_goes_back) {
  cor_error err = {0};
  cor_clock *clock = demo_at(MARCH_2);
  const int64_t later = MARCH_2 + INT64_C(7) * 86400000;
  ck_assert(cor_clock_demo_set(file, later, &err));
  int64_t start = cor_clock_monotonic_ms();
  while (cor_clock_now(clock) < later)
    ck_assert_int_lt(cor_clock_monotonic_ms() - start, PATIENCE_MS);

  ck_assert(!cor_clock_demo_set(file, MARCH_2, &err));
  ck_assert_int_eq(err.code, COR_BAD_INPUT);
  ck_assert_ptr_nonnull(strstr(err.detail, "2026-03-09T09:00"));
  ck_assert(!cor_clock_demo_start(file, MARCH_2, &err));
  ck_assert_int_eq(err.code, COR_BAD_INPUT);

  /* Someone writes an earlier offset by hand: a running process stays put. */
  static const char earlier[] = "corridor-demo-clock 1 -99999999999\n";
  ck_assert(cor_file_write(file, (cor_bytes){(const uint8_t *)earlier, strlen(earlier)}, 0644, &err));
  start = cor_clock_monotonic_ms();
  while (cor_clock_monotonic_ms() - start < 120)
    ck_assert_int_ge(cor_clock_now(clock), later);

  /* A new process believes the file, or there would be nothing to guard against. */
  cor_clock *fresh = cor_clock_demo(file, &err);
  ck_assert_int_lt(cor_clock_now(fresh), later);
  cor_clock_destroy(&fresh);
  cor_clock_destroy(&clock);
}
END_TEST

static const char *const bad_files[] = {
    "",
    "corridor-demo-clock 1 ",
    "corridor-demo-clock 1 5",
    "corridor-demo-clock 2 5\n",
    "corridor-demo-clock 1 x\n",
    "corridor-demo-clock 1 5 6\n",
    "corridor-demo-clock 1 5\n\n",
    "corridor-demo-clock 1 99999999999999999999\n",
    "corridor-demo-clock 1 9223372036854775807\n",
};

START_TEST(bad_demo_files_are_refused) {
  cor_error err = {0};
  const char *text = bad_files[_i];
  ck_assert(cor_file_write(file, (cor_bytes){(const uint8_t *)text, strlen(text)}, 0644, &err));
  ck_assert_ptr_null(cor_clock_demo(file, &err));
  ck_assert_int_eq(err.code, COR_BAD_INPUT);
  ck_assert(!cor_clock_demo_set(file, MARCH_2, &err));
}
END_TEST

START_TEST(demo_range) {
  cor_error err = {0};
  ck_assert(!cor_clock_demo_start(file, -1, &err));
  ck_assert(!cor_clock_demo_start(file, INT64_MAX, &err));
  ck_assert_ptr_null(cor_clock_demo(file, &err));
}
END_TEST

static void *watch(void *arg) {
  cor_clock *clock = arg;
  int64_t last = 0;
  for (int i = 0; i < 20000; i++) {
    int64_t now = cor_clock_now(clock);
    if (now < last) return (void *)1;
    last = now;
  }
  return NULL;
}

START_TEST(threads_never_see_it_go_back) {
  cor_error err = {0};
  cor_clock *clock = demo_at(MARCH_2);
  pthread_t threads[3];
  for (int i = 0; i < 3; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, watch, clock), 0);
  for (int i = 1; i <= 20; i++)
    ck_assert(cor_clock_demo_set(file, MARCH_2 + i * INT64_C(3600000), &err));
  for (int i = 0; i < 3; i++) {
    void *went_back = NULL;
    pthread_join(threads[i], &went_back);
    ck_assert_ptr_null(went_back);
  }
  cor_clock_destroy(&clock);
}
END_TEST

static const struct {
  const char *text;
  int64_t ms; /* -1 = refused */
} times[] = {
    {"2026-03-02T09:00:00Z", MARCH_2},
    {"2026-03-02T09:00", MARCH_2},
    {"2026-03-02T09:00Z", MARCH_2},
    {"2026-03-02T10:00:00+01:00", MARCH_2},
    {"2026-03-02T03:30-05:30", MARCH_2},
    {"2026-03-02T09:00:00.5Z", MARCH_2 + 500},
    {"2026-03-02T09:00:00.123456789Z", MARCH_2 + 123},
    {"2026-03-02", MARCH_2 - INT64_C(9) * 3600000},
    {"1970-01-01T00:00:00Z", 0},
    {"2024-02-29", INT64_C(1709164800000)},
    {"9999-12-31T23:59:59Z", INT64_C(253402300799000)},
    {"2026-02-29", -1},
    {"2100-02-29", -1},
    {"2026-13-01", -1},
    {"2026-00-01", -1},
    {"2026-04-31", -1},
    {"0000-01-01", -1},
    {"2026-3-2", -1},
    {"2026-03-02T24:00", -1},
    {"2026-03-02T09:60", -1},
    {"2026-03-02T09:00:60Z", -1},
    {"2026-03-02T09:00:00.Z", -1},
    {"2026-03-02T09:00:00.1234567890Z", -1},
    {"2026-03-02T09", -1},
    {"2026-03-02 09:00", -1},
    {"2026-03-02T09:00Zx", -1},
    {"2026-03-02T09:00+1", -1},
    {"", -1},
};

START_TEST(time_texts) {
  int64_t ms = -1;
  char out[COR_TIME_TEXT];
  ck_assert_int_eq(cor_time_parse(times[_i].text, &ms), times[_i].ms >= 0);
  if (times[_i].ms < 0) return;
  ck_assert_int_eq(ms, times[_i].ms);
  int64_t again = -1;
  ck_assert(cor_time_parse(cor_time_text(ms, out), &again));
  ck_assert_int_eq(again, ms - ms % 1000);
}
END_TEST

START_TEST(times_out_of_range_still_print) {
  char out[COR_TIME_TEXT];
  ck_assert_str_eq(cor_time_text(INT64_MAX, out), "9999-12-31T23:59:59Z");
  ck_assert_str_eq(cor_time_text(INT64_MIN, out), "0001-01-01T00:00:00Z");
  ck_assert_str_eq(cor_time_text(-1, out), "1969-12-31T23:59:59Z");
  ck_assert_str_eq(cor_day_text(INT32_MAX, out), "9999-12-31");
}
END_TEST

START_TEST(days_are_local) {
  int32_t day = 0;
  char out[COR_TIME_TEXT];
  ck_assert(cor_day_parse("1970-01-02", &day));
  ck_assert_int_eq(day, 1);
  ck_assert(cor_day_parse("1951-07-14", &day));
  ck_assert_str_eq(cor_day_text(day, out), "1951-07-14");
  ck_assert(!cor_day_parse("1951-07-14T00:00", &day));
  ck_assert_int_eq(cor_day_of(86399999, 0), 0);
  ck_assert_int_eq(cor_day_of(86399999, 1), 1);
  ck_assert_int_eq(cor_day_of(0, -1), -1);
  for (int32_t at = -800000; at < 3000000; at += 97) {
    if (at < -719162 || at > 2932896) continue;
    ck_assert(cor_day_parse(cor_day_text(at, out), &day));
    ck_assert_int_eq(day, at);
  }
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void) {
  Suite *suite = suite_create("clock");
  TCase *tests = tcase_create("clock");
  tcase_set_timeout(tests, 60);
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, demo_starts_in_the_past_and_ticks);
  tcase_add_test(tests, demo_is_followed_and_never_goes_back);
  tcase_add_loop_test(tests, bad_demo_files_are_refused, 0, ROWS(bad_files));
  tcase_add_test(tests, demo_range);
  tcase_add_test(tests, threads_never_see_it_go_back);
  tcase_add_loop_test(tests, time_texts, 0, ROWS(times));
  tcase_add_test(tests, times_out_of_range_still_print);
  tcase_add_test(tests, days_are_local);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
