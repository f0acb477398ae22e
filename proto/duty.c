/* duty.c - the life of an obligation: one function, one table.
 *
 *            ANSWERED in time   ANSWERED late   TICK past the next limit   WAIVE
 *  OPEN      MET                MET_LATE        OVERDUE                    WAIVED
 *  OVERDUE   MET                MET_LATE        ESCALATED level 1          WAIVED
 *  ESCALATED MET                MET_LATE        next level, up to 2        WAIVED
 *  the rest  stays
 *
 * "In time" and "past" are judged by the caller's time: answered at the due
 * millisecond is in time, one later is not. A tick makes one step only, so a
 * broker that slept through three limits passes all three and logs each: no
 * level is lost or told twice (design 5). An answer that was in time is met in
 * time even if a tick ran first. Nothing is fatal; an unknown duty stays. */
#include "corridor/calendar.h"

#define STATE(x) CORRIDOR__V1__OBLIGATION_STATE__##x
#define HOUR_MS INT64_C(3600000)

typedef struct transition {
  Corridor__V1__ObligationState from;
  cor_duty_event event;
  Corridor__V1__ObligationState in_time, late; /* STATE(.._UNSPECIFIED): stays */
} transition;

#define STAYS CORRIDOR__V1__OBLIGATION_STATE__OBLIGATION_STATE_UNSPECIFIED

/* clang-format off */
static const transition table[] = {
  {STATE(OPEN),      COR_DUTY_ANSWERED, STATE(MET),    STATE(MET_LATE)},
  {STATE(OPEN),      COR_DUTY_TICK,     STAYS,         STATE(OVERDUE)},
  {STATE(OPEN),      COR_DUTY_WAIVE,    STATE(WAIVED), STATE(WAIVED)},
  {STATE(OVERDUE),   COR_DUTY_ANSWERED, STATE(MET),    STATE(MET_LATE)},
  {STATE(OVERDUE),   COR_DUTY_TICK,     STAYS,         STATE(ESCALATED)},
  {STATE(OVERDUE),   COR_DUTY_WAIVE,    STATE(WAIVED), STATE(WAIVED)},
  {STATE(ESCALATED), COR_DUTY_ANSWERED, STATE(MET),    STATE(MET_LATE)},
  {STATE(ESCALATED), COR_DUTY_TICK,     STAYS,         STATE(ESCALATED)},
  {STATE(ESCALATED), COR_DUTY_WAIVE,    STATE(WAIVED), STATE(WAIVED)},
};
/* clang-format on */

static const transition *find(Corridor__V1__ObligationState from, cor_duty_event event) {
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i].from == from && table[i].event == event) return &table[i];
  return NULL;
}

static int64_t plus_hours(int64_t at, int hours) {
  int64_t ms = hours * HOUR_MS;
  return at > INT64_MAX - ms ? INT64_MAX : at + ms;
}

/* The last millisecond of this status, if nobody answers. */
static int64_t limit_of(const cor_duty_row *row, cor_duty_status status, int64_t due_at) {
  enum { LEVELS = sizeof row->escalate_hours / sizeof *row->escalate_hours };
  switch (status.state) {
  case STATE(OPEN): return due_at;
  case STATE(OVERDUE): return plus_hours(due_at, row->escalate_hours[0]);
  case STATE(ESCALATED):
    return status.level < LEVELS ? plus_hours(due_at, row->escalate_hours[status.level]) : INT64_MAX;
  default: return INT64_MAX;
  }
}

cor_duty_status cor_duty_next(cor_duty duty, cor_duty_status from, cor_duty_event event, int64_t due_at,
                              int64_t at) {
  const cor_duty_row *row = cor_duty_find(duty);
  const transition *step = find(from.state, event);
  if (!row || !step) return from;
  int64_t limit = event == COR_DUTY_TICK ? limit_of(row, from, due_at) : due_at;
  Corridor__V1__ObligationState to = at <= limit ? step->in_time : step->late;
  if (to == STAYS) return from;
  return (cor_duty_status){to, to == STATE(ESCALATED) ? from.level + 1 : from.level};
}

int64_t cor_duty_wake(cor_duty duty, cor_duty_status status, int64_t due_at) {
  const cor_duty_row *row = cor_duty_find(duty);
  int64_t limit = row ? limit_of(row, status, due_at) : INT64_MAX;
  return limit == INT64_MAX ? INT64_MAX : limit + 1;
}
