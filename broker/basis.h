/* basis.h - the sender's account of a message that it sent without consent
 * (design 4, "Not the only basis"). */
#ifndef BROKER_BASIS_H
#define BROKER_BASIS_H
#include "act.h"
#include "facts.h"

/* Body is a BasisStatement. *code: COR_OK; NO_STANDING when no such message is the
 * sender's under this handle; BASIS_NOT_ALLOWED when it rests on consent; NO_CONSENT
 * when the consent said to be obtained does not cover it. */
bool basis_apply(core *c, act *a, facts_item *item, const ProtobufCMessage *body, int *code) COR_MUST_CHECK;
#endif
