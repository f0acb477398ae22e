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

/* The key of a compartment, for a holder of it; slow by design. */
EVP_PKEY *open_key(const agent *a, Corridor__V1__Compartment c, const cor_holder *holder,
                   cor_error *err) COR_MUST_CHECK;

/* The compartments whose messages this holder may see listed: all ordinary ones,
 * and a restricted one only if its key opens. holder NULL = nobody named. */
unsigned open_visible(agent *a, const cor_holder *holder);
#endif
