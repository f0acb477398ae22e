/* calendar.h - working days and due times (design 5; deadlines D01-D04).
 *
 * A working day is a local day of the responsible office's country that is
 * neither weekend nor holiday. "End of day" is the last millisecond before
 * local midnight. */
#ifndef CORRIDOR_CALENDAR_H
#define CORRIDOR_CALENDAR_H
#include "corridor/base.h"
#include "corridor/sop.h"
#include <corridor/v1/card.pb-c.h>

int32_t cor_calendar_offset(const Corridor__V1__Calendar *calendar, int64_t at); /* minutes */
bool cor_calendar_working(const Corridor__V1__Calendar *calendar, int32_t day);
/* End of the n-th working day after the local day of `from` (that day does not count). */
int64_t cor_calendar_after(const Corridor__V1__Calendar *calendar, int64_t from, int n);
/* End of the n-th working day before the local day of `travel` (which does not count). */
int64_t cor_calendar_before(const Corridor__V1__Calendar *calendar, int64_t travel, int n);
/* Due time of a duty: `start` is admission, delivery or event as its row says.
 * calendar may be NULL (Monday-Friday, UTC, no holidays). */
int64_t cor_duty_due(cor_duty duty, const Corridor__V1__Calendar *calendar, int64_t start, int64_t event_at);

/* The obligation's life: one function, table driven. */
typedef enum cor_duty_event { COR_DUTY_ANSWERED, COR_DUTY_TICK, COR_DUTY_WAIVE } cor_duty_event;
typedef struct cor_duty_status {
  Corridor__V1__ObligationState state;
  unsigned level; /* escalation level reached */
} cor_duty_status;
/* Next status at time `at`; equal to `from` when nothing changes. A tick passes
 * every level in between one call at a time, so none is skipped. */
cor_duty_status cor_duty_next(cor_duty duty, cor_duty_status from, cor_duty_event event, int64_t due_at,
                              int64_t at);
/* When a tick will next change something, or INT64_MAX. */
int64_t cor_duty_wake(cor_duty duty, cor_duty_status status, int64_t due_at);
#endif
