/* open.h - what a holder of a compartment may read. */
#ifndef AGENT_OPEN_H
#define AGENT_OPEN_H
#include "agent.h"

#include <jansson.h>
#include <corridor/v1/envelope.pb-c.h>

/* Header of a kept message; free with cor_message_free. */
Corridor__V1__Header *open_header(const store_message *message, cor_error *err) COR_MUST_CHECK;

/* The content as JSON (new reference). Records need no holder. Checked at every
 * opening before anything is shown; the first result is kept with the message,
 * and one that fails is quarantined: its content is never returned. */
json_t *open_content(agent *a, const store_message *message, const cor_holder *holder,
                     cor_error *err) COR_MUST_CHECK;

typedef struct open_how {
  bool theirs;          /* the key was there, so what failed is what was sealed */
  int64_t recovered_at; /* of the share that opened it, 0 = never recovered */
} open_how;
/* What a holder of the compartment may unseal; the caller compares what it repeats. */
Corridor__V1__Sealed *open_seal(const agent *a, Corridor__V1__Compartment c, cor_bytes body,
                                const cor_holder *holder, open_how *how, cor_error *err) COR_MUST_CHECK;

/* The compartments whose keys this holder opens; 0 with err when none, or when nobody is
 * named. As slow whatever it finds. */
unsigned open_held(agent *a, const cor_holder *holder, cor_error *err);

/* The compartments whose messages this holder may see listed: all ordinary ones,
 * and a restricted one only if its key opens. holder NULL = nobody named. */
unsigned open_visible(agent *a, const cor_holder *holder);
#endif
