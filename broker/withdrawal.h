/* withdrawal.h - taking consent back (design 4, "Withdrawal"; [004:3430]). */
#ifndef BROKER_WITHDRAWAL_H
#define BROKER_WITHDRAWAL_H
#include "act.h"
#include "facts.h"

/* Body is a ConsentWithdrawal. Always admitted, so that the reply tells nobody
 * which cases exist: without a right of its own and without the right code it
 * suspends what bears its reference (suspension.c), or changes nothing. */
bool withdrawal_apply(core *c, act *a, facts_item *item, const ProtobufCMessage *body,
                      int *code) COR_MUST_CHECK;
/* Every consent of the case, by this record of an office that may. answering: a duty
 * that the record itself closes. */
bool withdrawal_whole(core *c, act *a, cor_bytes handle, const Corridor__V1__Header *header,
                      cor_duty answering) COR_MUST_CHECK;
#endif
