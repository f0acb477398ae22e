/* calendar.c - working days and due times.
 *
 * The caller says whose calendar applies: the responsible office's, so the
 * sender's for an ABN and the recipient's for its confirmation (design 5). A
 * calendar is part of the card list the CA signed; weekends, holidays and UTC
 * offsets differ by country and year, so nothing is assumed but what it says.
 *
 * Trusts the calendar's contents but not its sense: one without any working day
 * ends the search after SEARCH_DAYS instead of never. Times come from checked
 * headers (header_check.c bounds them). Nothing here can fail or is fatal. */
#include "corridor/calendar.h"
#include "corridor/clock.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS INT64_C(3600000)
#define DAY_MS INT64_C(86400000)

enum { SEARCH_DAYS = 3660, SATURDAY = 6 };

/* The offset in force at that time; before the first entry the first holds. */
int32_t cor_calendar_offset(const Corridor__V1__Calendar *calendar, int64_t at) {
  int32_t minutes = 0;
  for (size_t i = 0; calendar && i < calendar->n_offsets; i++)
    if (i == 0 || calendar->offsets[i]->from <= at) minutes = calendar->offsets[i]->minutes;
  return minutes;
}

/* ISO: 1 = Monday. Day 0, 1970-01-01, was a Thursday. */
static uint32_t weekday(int32_t day) {
  int32_t since_monday = (day % 7 + 7 + 3) % 7;
  return (uint32_t)since_monday + 1;
}

bool cor_calendar_working(const Corridor__V1__Calendar *calendar, int32_t day) {
  uint32_t today = weekday(day);
  if (!calendar) return today < SATURDAY;
  for (size_t i = 0; i < calendar->n_weekend; i++)
    if (calendar->weekend[i] == today) return false;
  for (size_t i = 0; i < calendar->n_holidays; i++)
    if (calendar->holidays[i] == day) return false;
  return true;
}

/* The last millisecond before the local midnight that ends the day. The offset
 * is looked up twice because the first guess may lie on the other side of a
 * change of the clocks. */
static int64_t end_of_day(const Corridor__V1__Calendar *calendar, int32_t day) {
  int64_t midnight = ((int64_t)day + 1) * DAY_MS;
  int64_t guess = midnight - cor_calendar_offset(calendar, midnight) * MINUTE_MS;
  return midnight - cor_calendar_offset(calendar, guess - 1) * MINUTE_MS - 1;
}

/* The n-th working day from the local day of `from`, which does not count. */
static int64_t end_of_nth(const Corridor__V1__Calendar *calendar, int64_t from, int n, int step) {
  int32_t day = cor_day_of(from, cor_calendar_offset(calendar, from));
  for (int searched = 0; n > 0 && searched < SEARCH_DAYS; searched++) {
    day += step;
    if (cor_calendar_working(calendar, day)) n--;
  }
  return end_of_day(calendar, day);
}

int64_t cor_calendar_after(const Corridor__V1__Calendar *calendar, int64_t from, int n) {
  return end_of_nth(calendar, from, n, 1);
}

int64_t cor_calendar_before(const Corridor__V1__Calendar *calendar, int64_t travel, int n) {
  return end_of_nth(calendar, travel, n, -1);
}

int64_t cor_duty_due(cor_duty duty, const Corridor__V1__Calendar *calendar, int64_t start, int64_t event_at) {
  const cor_duty_row *row = cor_duty_find(duty);
  if (!row) return INT64_MAX; /* no such duty is never due */
  int64_t from = row->start == COR_START_EVENT ? event_at : start;
  switch (row->unit) {
  case COR_UNIT_HOURS: return from + row->amount * HOUR_MS;
  case COR_UNIT_WORKING_DAYS: return cor_calendar_after(calendar, from, row->amount);
  case COR_UNIT_WORKING_DAYS_BEFORE: return cor_calendar_before(calendar, from, row->amount);
  case COR_UNIT_AT_EVENT: return from;
  }
  return INT64_MAX;
}
