/* data_request.h - what was told is corrected, or not to be used for now: to every
 * office that received it, as a withdrawal travels. */
#ifndef BROKER_DATA_REQUEST_H
#define BROKER_DATA_REQUEST_H
#include "act.h"
#include "facts.h"

/* Body is a DataRequest. */
bool data_request_apply(core *c, act *a, facts_item *item, const ProtobufCMessage *body,
                        int *code) COR_MUST_CHECK;
#endif
