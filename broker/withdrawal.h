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

/* Of one message, sent without consent by a decision that was not upheld: stops it if
 * it waits, asks whoever was told to erase it. Consents and case stand. item: of the
 * record that says so. */
bool withdrawal_of_message(core *c, act *a, const facts_item *item, cor_bytes message_id,
                           Corridor__V1__LegalBasis not_upheld) COR_MUST_CHECK;
#endif
