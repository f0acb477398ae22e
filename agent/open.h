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

/* A holder's key to one compartment: asked for once, for all parts of a file. */
typedef struct open_key {
  EVP_PKEY *key;
  X509 *cert;
  int64_t recovered_at; /* of the share that opened it, 0 = never recovered */
} open_key;
bool open_key_get(const agent *a, Corridor__V1__Compartment c, const cor_holder *holder, open_key *out,
                  cor_error *err) COR_MUST_CHECK;
void open_key_clear(open_key *key);
/* The sealed content of a message, compared with its header; canonical bytes. */
bool open_unseal(const store_message *message, const Corridor__V1__Header *header, const open_key *key,
                 cor_buf *content, cor_error *err) COR_MUST_CHECK;
/* Once for each message: it is not shown, and the hub is told. */
void open_quarantine(agent *a, const store_message *message, Corridor__V1__EndState state, int code);
bool open_own_fault(int code); /* of these the message is not to blame */
/* In the caller's transaction. */
bool open_note(agent *a, const store_message *message, const char *word, const char *detail,
               cor_error *err) COR_MUST_CHECK;

/* The compartments whose keys this holder opens; 0 with err when none, or when nobody is
 * named. As slow whatever it finds. */
unsigned open_held(agent *a, const cor_holder *holder, cor_error *err);

/* The compartments whose messages this holder may see listed: all ordinary ones,
 * and a restricted one only if its key opens. holder NULL = nobody named. */
unsigned open_visible(agent *a, const cor_holder *holder);
#endif
