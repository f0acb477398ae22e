/* sign.h - ECDSA P-256 signatures in single and batch form (PROTOCOL 5).
 *
 * leaf  = SHA-256(0x00 || SHA-256(domain || 0x00 || content))
 * root  = RFC 9162 2.1 tree over the leaves
 * input = domain || 0x00 || len8(signer) || signer || context8 || size32be || root
 * The single form is size 1. A batch never mixes contexts (compartments). */
#ifndef CORRIDOR_SIGN_H
#define CORRIDOR_SIGN_H
#include "corridor/base.h"
#include <corridor/v1/envelope.pb-c.h>
#include <openssl/evp.h>

#define COR_DOMAIN_HEADER "corridor/v1/header" /* context = compartment */
#define COR_DOMAIN_COVER "corridor/v1/cover"   /* context 0 from here on */
#define COR_DOMAIN_RECEIPT "corridor/v1/receipt"
#define COR_DOMAIN_DELIVERY "corridor/v1/delivery"
#define COR_DOMAIN_CARDLIST "corridor/v1/cardlist"
#define COR_DOMAIN_FORM "corridor/v1/consent-form" /* a digest only: nobody signs a form */

enum { COR_BATCH_MAX = 4096, COR_ECDSA_MAX = 80 };

/* SHA-256(domain 00 content): the "header hash" for COR_DOMAIN_HEADER. */
void cor_content_hash(const char *domain, cor_bytes content, uint8_t out[COR_HASH_LEN]);

/* Signs n contents at once; out[i] are new, free each with cor_message_free.
 * n = 1 gives the single form. */
bool cor_sign(EVP_PKEY *key, const char *domain, const char *signer, uint8_t context,
              const cor_bytes *contents, size_t n, Corridor__V1__Signature **out,
              cor_error *err) COR_MUST_CHECK;

/* A verifier remembers the last few verified (signer, root) pairs so that one
 * ECDSA check covers a batch. NULL memory = none. Threads may share it. */
typedef struct cor_sign_memory cor_sign_memory;
cor_sign_memory *cor_sign_memory_new(size_t entries);
void cor_sign_memory_destroy(cor_sign_memory **memory);
/* Number of ECDSA verifications really done, for metrics and tests. */
uint64_t cor_sign_memory_checks(const cor_sign_memory *memory);

bool cor_verify(EVP_PKEY *key, const char *domain, const char *signer, uint8_t context, cor_bytes content,
                const Corridor__V1__Signature *signature, cor_sign_memory *memory,
                cor_error *err) COR_MUST_CHECK;

/* RFC 9162 2.1 (leaf 0x00, node 0x01). leaves are already hashed leaves. */
void cor_merkle_root(const uint8_t (*leaves)[COR_HASH_LEN], size_t n, uint8_t out[COR_HASH_LEN]);
/* Path of leaf index; writes at most 32 hashes, returns how many. */
size_t cor_merkle_path(const uint8_t (*leaves)[COR_HASH_LEN], size_t n, size_t index,
                       uint8_t (*path)[COR_HASH_LEN]);
/* Root that leaf at index of size with path leads to; false if the path's
 * length does not fit (RFC 9162 2.1.3.2). */
bool cor_merkle_root_from_path(const uint8_t leaf[COR_HASH_LEN], uint64_t index, uint64_t size,
                               const cor_bytes *path, size_t path_len, uint8_t out[COR_HASH_LEN]);
#endif
