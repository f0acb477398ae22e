/* held.h - whose keys a holder opens, and what that lets them see. */
#ifndef AGENT_HELD_H
#define AGENT_HELD_H
#include "agent.h"

#include <corridor/v1/envelope.pb-c.h>

/* A holder's key to one compartment: asked for once, for all parts of a file. */
typedef struct held_key {
  EVP_PKEY *key;
  X509 *cert;
  int64_t recovered_at; /* of the share that opened it, 0 = never recovered */
} held_key;
bool held_key_get(const agent *a, Corridor__V1__Compartment c, const cor_holder *holder, held_key *out,
                  cor_error *err) COR_MUST_CHECK;
void held_key_clear(held_key *key);

/* The compartments whose keys this holder opens; 0 with err when none, or when nobody is
 * named. As slow whatever it finds. */
unsigned held_compartments(agent *a, const cor_holder *holder, cor_error *err);

/* The compartments whose messages this holder may see listed: all ordinary ones,
 * and a restricted one only if its key opens. holder NULL = nobody named. */
unsigned held_visible(agent *a, const cor_holder *holder);
#endif
