/* open.h - what a holder of a compartment may read. */
#ifndef AGENT_OPEN_H
#define AGENT_OPEN_H
#include "held.h"

#include <jansson.h>
#include <corridor/v1/envelope.pb-c.h>

/* Header of a kept message; free with cor_message_free. */
Corridor__V1__Header *open_header(const store_message *message, cor_error *err) COR_MUST_CHECK;

/* The content as JSON (new reference). Records need no holder. Checked at every
 * opening before anything is shown; the first result is kept with the message,
 * and one that fails is quarantined: its content is never returned. */
json_t *open_content(agent *a, const store_message *message, const cor_holder *holder,
                     cor_error *err) COR_MUST_CHECK;

/* The sealed content of a message, compared with its header; canonical bytes. */
bool open_unseal(const store_message *message, const Corridor__V1__Header *header, const held_key *key,
                 cor_buf *content, cor_error *err) COR_MUST_CHECK;
#endif
