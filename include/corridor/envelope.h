/* envelope.h - making and checking envelopes: header, signature, body digest. */
#ifndef CORRIDOR_ENVELOPE_H
#define CORRIDOR_ENVELOPE_H
#include "corridor/base.h"
#include "corridor/cards.h"
#include "corridor/sign.h"
#include <corridor/v1/envelope.pb-c.h>
#include <corridor/v1/session.pb-c.h>

/* A checked envelope owns its decoded header and cover; header bytes, body and
 * signature are borrowed from what it was made of. */
typedef struct cor_envelope {
  const Corridor__V1__Envelope *wire; /* borrowed */
  Corridor__V1__Header *header;       /* owned */
  Corridor__V1__Cover *cover;         /* owned, NULL if none */
  uint8_t header_hash[COR_HASH_LEN];
  cor_bytes body; /* borrowed */
} cor_envelope;

/* Step 1, no keys: canonical header and cover, structural check, body size and
 * digest. */
bool cor_envelope_read(const Corridor__V1__Envelope *wire, cor_bytes body, cor_envelope *out,
                       cor_error *err) COR_MUST_CHECK;
void cor_envelope_clear(cor_envelope *envelope);
/* Step 2: the sender's card (any state; the gate judges) and its signature(s).
 * connection_office: the ZAP user id the message came in on, or NULL. The hub's
 * own notices verify against the hub's card. */
bool cor_envelope_verify(const cor_envelope *envelope, const cor_cards *cards, const char *connection_office,
                         cor_sign_memory *memory, cor_error *err) COR_MUST_CHECK;
/* Makes Envelope: body size and digest in the header, header hash in the cover,
 * signs header (and cover). Borrows both and leaves them as they are: the filled
 * ones are in the envelope's bytes. Refuses what cor_envelope_read would. New
 * message, free with cor_message_free. */
Corridor__V1__Envelope *cor_envelope_make(Corridor__V1__Header *header, Corridor__V1__Cover *cover,
                                          cor_bytes body, EVP_PKEY *key, cor_error *err) COR_MUST_CHECK;

/* The same in two steps, for the messages of one act: begin each, then sign the
 * covers of all under one signature (PROTOCOL 5). What begin gives lacks only the
 * signature of its cover; envelopes without a cover are left as they are. */
Corridor__V1__Envelope *cor_envelope_begin(const Corridor__V1__Header *header,
                                           const Corridor__V1__Cover *cover, cor_bytes body, EVP_PKEY *key,
                                           cor_error *err) COR_MUST_CHECK;
bool cor_envelope_sign_covers(Corridor__V1__Envelope *const *wires, size_t n, const char *sender,
                              EVP_PKEY *key, cor_error *err) COR_MUST_CHECK;
#endif
