/* calendars.h - the working days of a country, as its card list entry. */
#ifndef CASELOAD_CALENDARS_H
#define CASELOAD_CALENDARS_H
#include "world.h"
#include <corridor/v1/card.pb-c.h>

typedef struct country_calendar {
  Corridor__V1__Calendar calendar;
  Corridor__V1__UtcOffset offset, *offsets[1];
} country_calendar;

/* Borrows the country; out must not move while in use. */
void calendar_of_country(const country *c, country_calendar *out);
#endif
