/* test_calendar.c - working days and due times in the countries of the story
 * and at the edges: weekends, holidays, offsets, year ends, the last
 * millisecond. Times read as RFC 3339. */
#include "corridor/calendar.h"
#include "corridor/clock.h"
#include <check.h>
#include <stdlib.h>

enum { MONDAY = 1, FRIDAY = 5, SATURDAY, SUNDAY };

static uint32_t western[] = {SATURDAY, SUNDAY}, friday_saturday[] = {FRIDAY, SATURDAY};
static uint32_t always[] = {1, 2, 3, 4, 5, 6, 7};

typedef struct country {
  Corridor__V1__Calendar calendar;
  Corridor__V1__UtcOffset offsets[3];
  Corridor__V1__UtcOffset *list[3];
  int32_t holidays[3];
} country;

static int64_t ms(const char *text) {
  int64_t out = 0;
  ck_assert_msg(cor_time_parse(text, &out), "bad time in a test: %s", text);
  return out;
}

static int32_t day(const char *text) {
  int32_t out = 0;
  ck_assert_msg(cor_day_parse(text, &out), "bad day in a test: %s", text);
  return out;
}

static void put_offset(country *c, const char *from, int32_t minutes) {
  size_t i = c->calendar.n_offsets++;
  corridor__v1__utc_offset__init(&c->offsets[i]);
  c->offsets[i].from = from ? ms(from) : 0;
  c->offsets[i].minutes = minutes;
  c->list[i] = &c->offsets[i];
  c->calendar.offsets = c->list;
}

static void start(country *c, uint32_t *weekend, size_t n_weekend, int32_t minutes) {
  *c = (country){0};
  corridor__v1__calendar__init(&c->calendar);
  c->calendar.weekend = weekend;
  c->calendar.n_weekend = n_weekend;
  c->calendar.holidays = c->holidays;
  put_offset(c, NULL, minutes);
}

static void holiday(country *c, const char *date) {
  c->holidays[c->calendar.n_holidays++] = day(date);
}

/* G = Guinea UTC+0, holiday Monday 2026-03-09; N = Niger UTC+1, holidays over
 * the year's end; F = Friday and Saturday off, UTC+2; P = clocks change: UTC+1,
 * UTC+2 from 2026-03-29T01:00Z; 0 = none given. */
static const Corridor__V1__Calendar *calendar_of(char code, country *c) {
  switch (code) {
  case 'G':
    start(c, western, 2, 0);
    holiday(c, "2026-03-09");
    return &c->calendar;
  case 'N':
    start(c, western, 2, 60);
    holiday(c, "2025-12-25");
    holiday(c, "2026-01-01");
    return &c->calendar;
  case 'F': start(c, friday_saturday, 2, 120); return &c->calendar;
  case 'P':
    start(c, western, 2, 60);
    put_offset(c, "2026-03-29T01:00", 120);
    return &c->calendar;
  case 'X': start(c, always, 7, 0); return &c->calendar;
  default: return NULL;
  }
}

/* clang-format off */
static const struct { const char *why; char calendar; const char *from; int n; const char *end; } cases[] = {
  {"Tuesday to Wednesday", 'G', "2026-03-03T10:00", 1, "2026-03-04T23:59:59"},
  {"Friday skips the weekend and the Monday holiday", 'G', "2026-03-06T10:00", 1, "2026-03-10T23:59:59"},
  {"from a Saturday", 'G', "2026-03-14T10:00", 1, "2026-03-16T23:59:59"},
  {"no calendar: Monday to Friday, UTC", '0', "2026-03-06T10:00", 1, "2026-03-09T23:59:59"},
  {"Niger's day ends an hour earlier in UTC", 'N', "2026-03-03T10:00", 1, "2026-03-04T22:59:59"},
  {"23:30 UTC is already tomorrow in Niger", 'N', "2026-03-03T23:30", 1, "2026-03-05T22:59:59"},
  {"over the year's end with a holiday", 'N', "2025-12-31T10:00", 1, "2026-01-02T22:59:59"},
  {"Sunday is worked where Friday and Saturday are not", 'F', "2026-03-05T10:00", 1, "2026-03-08T21:59:59"},
  {"the clocks change in between", 'P', "2026-03-27T10:00", 1, "2026-03-30T21:59:59"},
  {"back from a Wednesday over holiday and weekend", 'G', "2026-03-11T10:00", -2, "2026-03-06T23:59:59"},
  {"five back from a Friday is the Friday before", 'N', "2026-03-13T08:00", -5, "2026-03-06T22:59:59"},
  {"five back over the year's end and two holidays", 'N', "2026-01-05T08:00", -5, "2025-12-26T22:59:59"},
  {"back where Friday and Saturday are off", 'F', "2026-03-09T08:00", -5, "2026-03-02T21:59:59"},
  {"a flight at 00:30 local leaves on the local day", 'N', "2026-03-12T23:30", -1, "2026-03-12T22:59:59"},
  {"back over the change of the clocks", 'P', "2026-03-30T10:00", -1, "2026-03-27T22:59:59"},
};
static const struct { char calendar; const char *day; bool working; } days[] = {
  {'G', "2026-03-06", true}, {'G', "2026-03-07", false}, {'G', "2026-03-08", false}, {'G', "2026-03-09", false},
  {'0', "2026-03-09", true}, {'F', "2026-03-06", false}, {'F', "2026-03-07", false}, {'F', "2026-03-08", true},
  {'0', "1970-01-01", true}, {'0', "1969-12-28", false}, {'N', "2026-01-01", false},
};
/* clang-format on */

static void same_time(int64_t got, int64_t expected, const char *why) {
  char a[COR_TIME_TEXT], b[COR_TIME_TEXT];
  ck_assert_msg(got == expected, "%s: got %s, expected %s", why, cor_time_text(got, a),
                cor_time_text(expected, b));
}

START_TEST(days_end_where_the_calendar_says) {
  country c;
  const Corridor__V1__Calendar *calendar = calendar_of(cases[_i].calendar, &c);
  int64_t from = ms(cases[_i].from);
  int64_t got = cases[_i].n > 0 ? cor_calendar_after(calendar, from, cases[_i].n)
                                : cor_calendar_before(calendar, from, -cases[_i].n);
  same_time(got, ms(cases[_i].end) + 999, cases[_i].why);
}
END_TEST

START_TEST(working_days) {
  country c;
  const Corridor__V1__Calendar *calendar = calendar_of(days[_i].calendar, &c);
  ck_assert_msg(cor_calendar_working(calendar, day(days[_i].day)) == days[_i].working, "%s", days[_i].day);
}
END_TEST

START_TEST(an_abn_is_on_time_to_the_last_millisecond) {
  country c;
  const Corridor__V1__Calendar *niger = calendar_of('N', &c);
  int64_t due = cor_duty_due(COR_DUTY_ABN_NOTICE, niger, 0, ms("2026-03-13T08:00"));
  same_time(due, ms("2026-03-06T23:00") - 1, "limit");
  cor_duty_status open = {CORRIDOR__V1__OBLIGATION_STATE__OPEN, 0};
  ck_assert_int_eq(cor_duty_next(COR_DUTY_ABN_NOTICE, open, COR_DUTY_ANSWERED, due, due).state,
                   CORRIDOR__V1__OBLIGATION_STATE__MET);
  ck_assert_int_eq(cor_duty_next(COR_DUTY_ABN_NOTICE, open, COR_DUTY_ANSWERED, due, due + 1).state,
                   CORRIDOR__V1__OBLIGATION_STATE__MET_LATE);
}
END_TEST

START_TEST(each_duty_has_its_own_clock) {
  country c;
  const Corridor__V1__Calendar *guinea = calendar_of('G', &c);
  int64_t started = ms("2026-03-06T10:00"), event = ms("2026-03-20T10:00");
  same_time(cor_duty_due(COR_DUTY_ABN_CONFIRM, guinea, started, event), ms("2026-03-11T00:00") - 1,
            "confirmation");
  same_time(cor_duty_due(COR_DUTY_DEPARTURE_ENTRY, guinea, started, event), ms("2026-03-22T10:00"),
            "departure");
  same_time(cor_duty_due(COR_DUTY_ARRIVAL_NOTICE, guinea, started, event), ms("2026-03-22T10:00"), "arrival");
  same_time(cor_duty_due(COR_DUTY_REFERRAL_ANSWER, guinea, started, event), event, "referral");
  same_time(cor_duty_due(COR_DUTY_ERASURE_ANSWER, guinea, started, event), ms("2026-03-09T10:00"), "erasure");
  ck_assert_int_eq(cor_duty_due(COR_DUTY_NONE, guinea, started, event), INT64_MAX);
}
END_TEST

START_TEST(offsets_hold_from_their_time_on) {
  country c;
  const Corridor__V1__Calendar *changing = calendar_of('P', &c);
  ck_assert_int_eq(cor_calendar_offset(changing, ms("2026-03-29T01:00") - 1), 60);
  ck_assert_int_eq(cor_calendar_offset(changing, ms("2026-03-29T01:00")), 120);
  ck_assert_int_eq(cor_calendar_offset(changing, -1), 60);
  ck_assert_int_eq(cor_calendar_offset(NULL, 0), 0);
}
END_TEST

START_TEST(a_calendar_without_working_days_ends_the_search) {
  country c;
  const Corridor__V1__Calendar *never = calendar_of('X', &c);
  ck_assert_int_gt(cor_calendar_after(never, ms("2026-03-06T10:00"), 1), ms("2035-01-01"));
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

int main(void) {
  Suite *suite = suite_create("calendar");
  TCase *tc = tcase_create("calendar");
  tcase_add_loop_test(tc, days_end_where_the_calendar_says, 0, COUNT(cases));
  tcase_add_loop_test(tc, working_days, 0, COUNT(days));
  tcase_add_test(tc, an_abn_is_on_time_to_the_last_millisecond);
  tcase_add_test(tc, each_duty_has_its_own_clock);
  tcase_add_test(tc, offsets_hold_from_their_time_on);
  tcase_add_test(tc, a_calendar_without_working_days_ends_the_search);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
