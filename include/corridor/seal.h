/* seal.h - the seal: CMS AuthEnvelopedData (RFC 5083/5084), strict profile
 * (PROTOCOL 6).
 *
 * P-256 ephemeral-static key agreement, dhSinglePass-stdDH-sha256kdf, AES-256
 * wrap, AES-256-GCM (12-byte IV, 16-byte tag), recipients by subject key
 * identifier, no attributes. Plaintext = canonical Sealed || 0x80 || zeros up
 * to 1, 4, 16, 64, 256 or 1024 KiB. The profile check runs before OpenSSL's CMS
 * parser sees a byte; cor_seal_open releases nothing before the tag verifies. */
#ifndef CORRIDOR_SEAL_H
#define CORRIDOR_SEAL_H
#include "corridor/base.h"
#include <corridor/v1/envelope.pb-c.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

enum { COR_SEAL_RECIPIENTS_MAX = 8 };

/* Refuses a libcrypto below the fixed upstream version (CVE-2025-15467,
 * CVE-2026-28389). Called once at start by every program that opens seals. */
bool cor_seal_library_ok(cor_error *err) COR_MUST_CHECK;
bool cor_seal_version_ok(unsigned long version); /* as OpenSSL_version_num gives it */
size_t cor_size_class(size_t plain_len);         /* 0 = too large */
bool cor_seal_make(const Corridor__V1__Sealed *content, X509 *const *recipients, size_t n, cor_buf *out,
                   cor_error *err) COR_MUST_CHECK;
/* The strict DER profile; no crypto, own parser, bounded. */
bool cor_seal_profile_check(cor_bytes body, cor_error *err) COR_MUST_CHECK;
/* Opens with the key whose certificate is cert. CANNOT_OPEN, BAD_SEAL. The
 * caller compares the repeated ids with the header: cor_seal_matches. */
Corridor__V1__Sealed *cor_seal_open(cor_bytes body, X509 *cert, EVP_PKEY *key, cor_error *err) COR_MUST_CHECK;
bool cor_seal_matches(const Corridor__V1__Sealed *sealed, const Corridor__V1__Header *header,
                      cor_error *err) COR_MUST_CHECK;
#endif
