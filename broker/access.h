/* access.h - an office states that one of its people opened a message (design 7). */
#ifndef BROKER_ACCESS_H
#define BROKER_ACCESS_H
#include "act.h"
#include "facts.h"

/* Body is an AccessStatement. *code: COR_OK, BAD_INPUT, or NO_STANDING for a message
 * that is not the office's. false = database failure. */
bool access_apply(core *c, act *a, facts_item *item, const ProtobufCMessage *body, int *code) COR_MUST_CHECK;
#endif
