/* withdrawal.h - taking consent back (design 4, "Withdrawal"; [004:3430]). */
#ifndef BROKER_WITHDRAWAL_H
#define BROKER_WITHDRAWAL_H
#include "act.h"
#include "facts.h"

/* Body is a ConsentWithdrawal. Always admitted, so that the reply tells nobody
 * which cases exist: without standing and without the right code it changes
 * nothing. */
bool withdrawal_apply(core *c, act *a, facts_item *item, const ProtobufCMessage *body,
                      int *code) COR_MUST_CHECK;
#endif
