/* opening.h - what a recipient says of a body it opened: unreadable, or refused
 * for its content (design 3, 4). */
#ifndef BROKER_OPENING_H
#define BROKER_OPENING_H
#include "act.h"
#include "facts.h"

/* Body is a ContentStatement. *code: COR_OK, NO_STANDING, or HUB_UNAVAILABLE when
 * it should be said again later; said twice it changes nothing more. */
bool opening_apply(core *c, act *a, facts_item *item, const ProtobufCMessage *body, int *code) COR_MUST_CHECK;
#endif
