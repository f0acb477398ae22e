/* cards.h - a verified card list: who exists, with which keys, as the programme
 * CA says. Immutable once loaded; safe to read from several threads. */
#ifndef CORRIDOR_CARDS_H
#define CORRIDOR_CARDS_H
#include "corridor/base.h"
#include <corridor/v1/card.pb-c.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

typedef struct cor_cards cor_cards;

typedef struct cor_card {
  const Corridor__V1__Card *card; /* borrowed from the list */
  EVP_PKEY *signing;              /* public */
  int64_t signing_not_before, signing_not_after;
  X509 *sealing[8]; /* by compartment number, NULL = none */
} cor_card;

/* Verifies signature (domain corridor/v1/cardlist, signer "ca"), every
 * certificate against the CA at list issue time, ids and uniqueness of office,
 * CURVE key and signing key. Does not judge expiry: cor_cards_expired does. */
cor_cards *cor_cards_load(cor_bytes signed_list, X509 *ca, cor_error *err) COR_MUST_CHECK;
/* The same for who seals to nobody, the hub: every certificate is checked, but
 * sealing[] stays empty and the list shows no certificates, which is most of what a
 * card takes; cor_cards_signed has them all. */
cor_cards *cor_cards_load_signing(cor_bytes signed_list, X509 *ca, cor_error *err) COR_MUST_CHECK;
/* One more owner (NULL stays NULL): the list goes when each has destroyed it. */
cor_cards *cor_cards_share(cor_cards *cards) COR_MUST_CHECK;
void cor_cards_destroy(cor_cards **cards);
uint64_t cor_cards_number(const cor_cards *cards);
bool cor_cards_expired(const cor_cards *cards, int64_t now);
cor_bytes cor_cards_signed(const cor_cards *cards); /* the bytes it was loaded from */
const Corridor__V1__CardList *cor_cards_list(const cor_cards *cards);
const cor_card *cor_cards_find(const cor_cards *cards, const char *office); /* NULL = none */
const cor_card *cor_cards_hub(const cor_cards *cards);                      /* role HUB */
const Corridor__V1__Calendar *cor_cards_calendar(const cor_cards *cards, const char *country);
/* May this office act now? OK, or UNKNOWN_OFFICE, CARD_SUSPENDED, CARD_REVOKED,
 * CARD_EXPIRED. */
int cor_cards_standing(const cor_cards *cards, const char *office, int64_t now);
/* May a message still be taken that this office signed then? What became of the
 * card since stops nothing, unless its keys were in other hands, or it was
 * revoked, when the message was sent (as it says itself) or admitted. OK, or
 * UNKNOWN_OFFICE, CARD_REVOKED. */
int cor_cards_stood(const cor_cards *cards, const char *office, int64_t sent_at, int64_t admitted_at);
#endif
