/* verdict.h - a message was opened: good, or not to be shown. */
#ifndef AGENT_VERDICT_H
#define AGENT_VERDICT_H
#include "agent.h"

#include <corridor/v1/envelope.pb-c.h>

/* It may be shown: the opening is kept, and what a case file tells of its case.
 * recovered_at: of the share that opened it, 0 = never recovered. */
bool verdict_good(agent *a, const store_message *message, const cor_holder *holder, int64_t recovered_at,
                  const ProtobufCMessage *body, cor_error *err) COR_MUST_CHECK;
/* Once for each message: it is not shown, and the hub is told. */
void verdict_bad(agent *a, const store_message *message, Corridor__V1__EndState state, int code);
bool verdict_own_fault(int code); /* of these the message is not to blame */
/* In the caller's transaction. */
bool verdict_note(agent *a, const store_message *message, const char *word, const char *detail,
                  cor_error *err) COR_MUST_CHECK;
#endif
