/* suspension_answer.h - the responsible office has asked the person. */
#ifndef BROKER_SUSPENSION_ANSWER_H
#define BROKER_SUSPENSION_ANSWER_H
#include "act.h"
#include "facts.h"

/* Body is a SuspensionAnswer. */
bool suspension_answer_apply(core *c, act *a, facts_item *item, const ProtobufCMessage *body,
                             int *code) COR_MUST_CHECK;
#endif
