/* box.c - sealing for a public key: X25519, SHA-256, AES-256-GCM.
 *
 * For: keyfile_open.c. A key file is wrapped anew when its holders change, and
 * only one of them is there with a passphrase: so what is wrapped for a holder is
 * sealed for the holder's public key, whose private half the passphrase guards.
 * Guarantees: each box has a key pair of its own, so that two boxes of the same
 * bytes have nothing in common; the derived key binds both public keys; a peer key
 * that would give a known secret (a point of small order) is refused.
 * Trusts: libcrypto. Fatal: nothing. */
#include "box.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

bool cor_box_public(const uint8_t secret[COR_WRAP_KEY], uint8_t public[COR_WRAP_KEY]) {
  size_t len = COR_WRAP_KEY;
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, COR_WRAP_KEY);
  bool ok = key && EVP_PKEY_get_raw_public_key(key, public, &len) == 1 && len == COR_WRAP_KEY;
  EVP_PKEY_free(key);
  return ok;
}

bool cor_box_keys(uint8_t secret[COR_WRAP_KEY], uint8_t public[COR_WRAP_KEY]) {
  cor_random(secret, COR_WRAP_KEY);
  return cor_box_public(secret, public);
}

/* The box's key, of whichever private key the caller has. */
static bool agree(const uint8_t secret[COR_WRAP_KEY], const uint8_t peer[COR_WRAP_KEY],
                  const uint8_t from[COR_WRAP_KEY], const uint8_t to[COR_WRAP_KEY],
                  uint8_t key[COR_WRAP_KEY]) {
  static const char domain[] = "corridor/v1/box"; /* with its NUL */
  uint8_t shared[COR_WRAP_KEY];
  size_t len = sizeof shared;
  EVP_PKEY *ours = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, COR_WRAP_KEY);
  EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, COR_WRAP_KEY);
  EVP_PKEY_CTX *ctx = ours ? EVP_PKEY_CTX_new(ours, NULL) : NULL;
  bool ok = theirs && ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
            EVP_PKEY_derive(ctx, shared, &len) == 1 && len == sizeof shared;
  if (ok) {
    const cor_bytes pieces[] = {{(const uint8_t *)domain, sizeof domain},
                                {shared, sizeof shared},
                                {from, COR_WRAP_KEY},
                                {to, COR_WRAP_KEY}};
    cor_sha256(key, pieces, sizeof pieces / sizeof *pieces);
  }
  OPENSSL_cleanse(shared, sizeof shared);
  EVP_PKEY_CTX_free(ctx);
  EVP_PKEY_free(theirs);
  EVP_PKEY_free(ours);
  ERR_clear_error();
  return ok;
}

bool cor_box_seal(const uint8_t to[COR_WRAP_KEY], cor_bytes aad, cor_bytes plain, cor_box *out) {
  uint8_t secret[COR_WRAP_KEY], key[COR_WRAP_KEY];
  bool ok = cor_box_keys(secret, out->from) && agree(secret, to, out->from, to, key) &&
            cor_wrap_seal(key, aad, plain, &out->piece);
  OPENSSL_cleanse(secret, sizeof secret);
  OPENSSL_cleanse(key, sizeof key);
  return ok;
}

bool cor_box_open(const uint8_t secret[COR_WRAP_KEY], cor_bytes aad, const cor_box *in, uint8_t *plain) {
  uint8_t public[COR_WRAP_KEY], key[COR_WRAP_KEY];
  bool ok = cor_box_public(secret, public) && agree(secret, in->from, in->from, public, key);
  if (ok)
    ok = cor_wrap_open(key, aad, &in->piece, plain);
  else
    OPENSSL_cleanse(plain, in->piece.len);
  OPENSSL_cleanse(key, sizeof key);
  return ok;
}
