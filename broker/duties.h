/* duties.h - obligations in the database: opened, answered, ticked. The life
 * itself is cor_duty_next (calendar.h), the same in agent, broker and tests. */
#ifndef BROKER_DUTIES_H
#define BROKER_DUTIES_H
#include "act.h"

bool duties_write_opened(core *c, act *a) COR_MUST_CHECK;
bool duties_write_answered(core *c, act *a) COR_MUST_CHECK;
/* One transaction over what woke up; false when the database failed. */
bool duties_tick(core *c, int64_t now) COR_MUST_CHECK;
/* Duties of a row that start at delivery: opens them in the act, as met if the
 * answer came before the receipt. */
bool duties_at_delivery(core *c, act *a, const Corridor__V1__Header *header, const uint8_t *case_handle,
                        int64_t admitted_at) COR_MUST_CHECK;
/* Duties that start at admission or event; *judged is ABN's own deadline (0 =
 * none), *late whether it was missed. held: an offer that waits for better
 * ranked ones opens nothing yet, so its provider hears nothing of it. */
void duties_at_admission(core *c, act *a, const Corridor__V1__Header *header, const uint8_t *case_handle,
                         bool held, int64_t *judged, bool *late);
/* What can no longer be answered is not owed: every open duty of a withdrawn
 * case but the erasure answers, the account of what was told without consent, and what
 * is being answered with it; the duties a stopped message had opened, that account only
 * if it never left. */
bool duties_waive_case(core *c, act *a, cor_bytes case_handle, cor_duty answering) COR_MUST_CHECK;
bool duties_waive_message(core *c, act *a, cor_bytes message_id) COR_MUST_CHECK;
/* The answer to an offer that was held back and goes out now. */
void duties_at_release(core *c, act *a, const Corridor__V1__Header *header, const uint8_t *case_handle);

#endif
