/* suspension.h - withdrawal without the code: what stands on consent waits until the
 * responsible office has asked the person (design 4, "Withdrawal"). */
#ifndef BROKER_SUSPENSION_H
#define BROKER_SUSPENSION_H
#include "act.h"
#include <corridor/v1/envelope.pb-c.h>
#include <corridor/v1/record.pb-c.h>

enum {
  SUSPENSION_ATTEMPTS_MAX = 30, /* withdrawals nothing proved, of one office in 24 h */
  SUSPENSION_CODES_MAX = 10,    /* of those with a code, for one reference */
  SUSPENSION_MEMORY_MS = 24 * 3600 * 1000
};

/* Nothing proved this withdrawal: suspends what bears its reference, if anything
 * does, and counts the attempt. Asks the database one and the same thing whether or
 * not there is such a case and whether or not the office has attempts left. */
bool suspension_begin(core *c, act *a, const Corridor__V1__Header *header,
                      const Corridor__V1__ConsentWithdrawal *body) COR_MUST_CHECK;

/* Under the case's lock FOR UPDATE: ends the case's suspension, if there is one.
 * Withdrawn: what waited is the caller's to stop. Lifted: it goes on. */
bool suspension_end_withdrawn(core *c, act *a, cor_bytes handle,
                              const Corridor__V1__Header *by) COR_MUST_CHECK;
bool suspension_end_lifted(core *c, act *a, cor_bytes handle, const Corridor__V1__Header *by) COR_MUST_CHECK;

/* The office that registered the case or, if its card does not stand, the mission of
 * origin. */
const char *suspension_responsible(core *c, const char *host, const char *origin, int64_t now);

/* Transactions of their own, for the deliverer's thread: puts the question about each
 * new suspension to the responsible office; puts it to the one that is responsible now
 * where the office that was asked cannot answer any more; lets old attempts go. */
bool suspension_ask(core *c, int64_t now) COR_MUST_CHECK;
bool suspension_ask_again(core *c, int64_t now) COR_MUST_CHECK;
bool suspension_forget(core *c, int64_t now) COR_MUST_CHECK;
#endif
