/* ca.h - the programme CA: certificates, the card list, demo mark.
 *
 * Root: self-signed P-256 X.509. A demo CA carries the non-critical extension
 * COR_OID_DEMO (value DER BOOLEAN TRUE); nothing but that mark permits the demo
 * clock. Office certificates: P-256, subject CN = office id, OU = "signing" or
 * "seal-<compartment>", key usage digitalSignature or keyAgreement, subject key
 * identifier = SHA-1 of the public key bit string (RFC 5280 4.2.1.2 (1)), by
 * which CMS recipients are named. */
#ifndef CORRIDOR_CA_H
#define CORRIDOR_CA_H
#include "corridor/base.h"
#include <corridor/v1/card.pb-c.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#define COR_OID_DEMO "2.25.210906172655830472195804315177245639168.1"

EVP_PKEY *cor_key_new(cor_error *err) COR_MUST_CHECK;                         /* P-256 */
bool cor_key_pem(EVP_PKEY *key, cor_buf *out, cor_error *err) COR_MUST_CHECK; /* PKCS#8, unencrypted */
EVP_PKEY *cor_key_from_pem(cor_bytes pem, const char *passphrase, cor_error *err) COR_MUST_CHECK;
bool cor_csr_new(EVP_PKEY *key, const char *office, const char *unit, cor_buf *der,
                 cor_error *err) COR_MUST_CHECK;

/* The CA's directory: ca.key (PKCS#8 under a passphrase, scrypt, 0600), ca.crt
 * (PEM), cardlist (SignedContent bytes, newest), serial. */
typedef struct cor_ca cor_ca;
bool cor_ca_make(const char *dir, const char *name, bool demo, const char *passphrase, int64_t now,
                 int64_t valid_days, cor_error *err) COR_MUST_CHECK;
cor_ca *cor_ca_open(const char *dir, const char *passphrase, cor_error *err) COR_MUST_CHECK;
void cor_ca_destroy(cor_ca **ca);
/* Verifies the request's proofs of possession, issues certificates valid from
 * now (minus 1 h) for valid_days, puts the card on the list (state ACTIVE). Keys of a
 * revoked card are CARD_REVOKED. */
bool cor_ca_sign(cor_ca *ca, const Corridor__V1__CardRequest *request, int64_t now, int64_t valid_days,
                 cor_error *err) COR_MUST_CHECK;
/* A revoked card stays revoked, with the time it was and the earliest it may have been in
 * other hands: CARD_REVOKED. */
bool cor_ca_set_state(cor_ca *ca, const char *office, Corridor__V1__CardState state, int64_t now,
                      int64_t compromised_since, cor_error *err) COR_MUST_CHECK;
bool cor_ca_put_agreement(cor_ca *ca, const Corridor__V1__Agreement *agreement,
                          cor_error *err) COR_MUST_CHECK;
bool cor_ca_put_calendar(cor_ca *ca, const Corridor__V1__Calendar *calendar, cor_error *err) COR_MUST_CHECK;
/* Replaces the permission table by table's permissions (cor_permissions_read). */
bool cor_ca_set_permissions(cor_ca *ca, const Corridor__V1__CardList *table, cor_error *err) COR_MUST_CHECK;
/* Replaces the consent policies by table's (cor_consent_policies_read). */
bool cor_ca_set_consent_policies(cor_ca *ca, const Corridor__V1__CardList *table,
                                 cor_error *err) COR_MUST_CHECK;
bool cor_ca_suspend_region(cor_ca *ca, const Corridor__V1__SuspendedRegion *region,
                           cor_error *err) COR_MUST_CHECK;
bool cor_ca_lift_region(cor_ca *ca, const char *region, cor_error *err) COR_MUST_CHECK;
/* Says of an office, a UN agency, that it is UNHCR, to whom alone asylum matters go. */
bool cor_ca_set_asylum_authority(cor_ca *ca, const char *office, bool is, int64_t now,
                                 cor_error *err) COR_MUST_CHECK;
/* Signs the next list number and writes it to dir/cardlist. */
bool cor_ca_publish(cor_ca *ca, int64_t now, int64_t valid_days, cor_error *err) COR_MUST_CHECK;
const Corridor__V1__CardList *cor_ca_list(const cor_ca *ca); /* borrowed */

/* True if the certificate bears the demo mark. */
bool cor_cert_is_demo(X509 *cert);
X509 *cor_cert_from_pem_file(const char *path, cor_error *err) COR_MUST_CHECK;
#endif
