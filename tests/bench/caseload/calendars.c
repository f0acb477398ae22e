/* calendars.c - weekend, clock and the holidays every country here keeps.
 *
 * For: the plan, which books by them, and the card list, by which the hub judges.
 * Holidays are the two that nearly all keep, 1 January and 1 May: a caseload
 * needs days that are no working days, not each country's feasts. */
#include "calendars.h"

static int32_t holidays[] = {18262, 18383, 18628, 18748}; /* 1 January and 1 May of 2020 and 2021 */

void calendar_of_country(const country *c, country_calendar *out) {
  corridor__v1__utc_offset__init(&out->offset);
  out->offset.minutes = c->utc_minutes;
  out->offsets[0] = &out->offset;
  corridor__v1__calendar__init(&out->calendar);
  out->calendar.country = (char *)c->iso;
  out->calendar.n_weekend = c->n_weekend;
  out->calendar.weekend = (uint32_t *)c->weekend;
  out->calendar.n_holidays = sizeof holidays / sizeof *holidays;
  out->calendar.holidays = holidays;
  out->calendar.n_offsets = 1;
  out->calendar.offsets = out->offsets;
}
