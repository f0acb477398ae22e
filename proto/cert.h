/* cert.h - certificates as ca.c, cards_check.c and office.c share them. Internal
 * to libcorridor; the rules they follow stand in ca.h. */
#ifndef CORRIDOR_PROTO_CERT_H
#define CORRIDOR_PROTO_CERT_H
#include "corridor/base.h"
#include "corridor/cards.h"
#include <corridor/v1/card.pb-c.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

enum { COR_CARDS_COUNT_MAX = 4096, COR_SKI_LEN = 20, COR_UNIT_TEXT = 32, COR_CERT_MAX = 4096 };

typedef enum cor_cert_use { COR_CERT_ROOT, COR_CERT_SIGNING, COR_CERT_SEALING } cor_cert_use;

typedef struct cor_cert_spec {
  cor_cert_use use;
  const char *common_name;
  const char *unit;     /* OU, NULL for the root */
  EVP_PKEY *key;        /* the subject's, public part suffices */
  X509 *issuer;         /* NULL: self-signed */
  EVP_PKEY *issuer_key; /* private */
  int64_t not_before, not_after;
  bool demo; /* root only: add the demo mark */
} cor_cert_spec;

/* New certificate, NULL on error. */
X509 *cor_cert_issue(const cor_cert_spec *spec, cor_error *err) COR_MUST_CHECK;
/* One certificate and nothing after it; NULL on error. */
X509 *cor_cert_from_der(cor_bytes der, cor_error *err) COR_MUST_CHECK;
bool cor_cert_to_der(X509 *cert, cor_buf *out, cor_error *err) COR_MUST_CHECK;
bool cor_cert_to_pem(X509 *cert, cor_buf *out, cor_error *err) COR_MUST_CHECK;
/* A self-signed P-256 root that may sign certificates, valid at `at`. */
bool cor_cert_root_ok(X509 *ca, int64_t at, cor_error *err) COR_MUST_CHECK;
/* Signed by ca and not before its time at `at`; names, key usage, curve and key
 * identifier as ca.h says. One that has run out by `at` passes: the caller
 * judges expiry, so that one stale card does not cost everybody the list. */
bool cor_cert_office_ok(X509 *cert, X509 *ca, const char *office, const char *unit, cor_cert_use use,
                        int64_t at, cor_error *err) COR_MUST_CHECK;
void cor_cert_validity(X509 *cert, int64_t *not_before, int64_t *not_after);
/* "signing" or "seal-<compartment>". */
const char *cor_cert_unit(const Corridor__V1__Compartment *sealing, char out[COR_UNIT_TEXT]);
/* True if the name is exactly CN = office, OU = unit, each once. */
bool cor_cert_name_is(const X509_NAME *name, const char *office, const char *unit);

/* What a key file says openly: its compartment and public key (SPKI DER). */
bool cor_keyfile_public(const char *path, Corridor__V1__Compartment *compartment, cor_buf *spki,
                        cor_error *err) COR_MUST_CHECK;
bool cor_key_is_p256(EVP_PKEY *key);
/* PKCS#8 under PBES2 with scrypt and AES-256-CBC, in PEM. */
bool cor_key_pem_encrypted(EVP_PKEY *key, const char *passphrase, cor_buf *out,
                           cor_error *err) COR_MUST_CHECK;
bool cor_key_to_spki(EVP_PKEY *key, cor_buf *out, cor_error *err) COR_MUST_CHECK;

/* One card's public content, certificates included, into the parsed form. On
 * failure nothing is left to free. */
bool cor_card_parse(const Corridor__V1__Card *card, X509 *ca, int64_t at, cor_card *out,
                    cor_error *err) COR_MUST_CHECK;
/* The signing key alone, again, of a card that cor_card_parse found good. */
bool cor_card_parse_signing(cor_card *card, cor_error *err) COR_MUST_CHECK;
void cor_card_clear(cor_card *card);
/* What a list must obey as a whole; cards are the parsed cards of list. */
bool cor_cardlist_check(const Corridor__V1__CardList *list, const cor_card *cards,
                        cor_error *err) COR_MUST_CHECK;
bool cor_agreement_ok(const Corridor__V1__Agreement *agreement, cor_error *err) COR_MUST_CHECK;
bool cor_calendar_ok(const Corridor__V1__Calendar *calendar, cor_error *err) COR_MUST_CHECK;
bool cor_country_ok(const char *country);
bool cor_role_ok(Corridor__V1__Role role);
/* OPERATIONS to MONITORING: those with a sealing key. */
bool cor_compartment_seals(Corridor__V1__Compartment compartment);

#endif
