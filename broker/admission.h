/* admission.h - writing what a run of submissions was decided to be. */
#ifndef BROKER_ADMISSION_H
#define BROKER_ADMISSION_H
#include "act.h"
#include "intake.h"

/* A record meant for the hub itself, not for delivery. */
bool admission_is_record(const submission *s);
/* Messages, deliveries, standing, steps, dedupe entries, duties, log records and
 * receipts of the n submissions of one run, by their code; duplicates are
 * passed over. Receipts hold once the transaction has committed. */
bool admission_write(core *c, act *a, submission *const *list, size_t n) COR_MUST_CHECK;
#endif
