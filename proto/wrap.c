/* wrap.c - the two operations a key file is made of: AES-256-GCM and scrypt.
 *
 * For: keyfile.c, which decides what is wrapped, for whom and bound to what.
 * Guarantees: a fresh random nonce per sealing; nothing of a plaintext is left
 * in the caller's buffer unless the tag verified.
 * Trusts: libcrypto and the kernel's random bytes. Fatal: nothing. */
#include "wrap.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

bool cor_wrap_seal(const uint8_t key[COR_WRAP_KEY], cor_bytes aad, cor_bytes plain, cor_wrapped *out) {
  int n = 0;
  if (plain.len > sizeof out->data) return false;
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
  cor_random(out->iv, COR_WRAP_IV);
  bool ok = ctx && EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), key, out->iv, NULL) == 1 &&
            EVP_EncryptUpdate(ctx, NULL, &n, aad.data, (int)aad.len) == 1 &&
            EVP_EncryptUpdate(ctx, out->data, &n, plain.data, (int)plain.len) == 1 &&
            EVP_EncryptFinal_ex(ctx, out->data + n, &n) == 1 &&
            EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, COR_WRAP_TAG, out->tag) == 1;
  out->len = plain.len;
  EVP_CIPHER_CTX_free(ctx);
  return ok;
}

bool cor_wrap_open(const uint8_t key[COR_WRAP_KEY], cor_bytes aad, const cor_wrapped *in, uint8_t *plain) {
  int n = 0;
  uint8_t tag[COR_WRAP_TAG];
  memcpy(tag, in->tag, COR_WRAP_TAG);
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
  bool ok = ctx && EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), key, in->iv, NULL) == 1 &&
            EVP_DecryptUpdate(ctx, NULL, &n, aad.data, (int)aad.len) == 1 &&
            EVP_DecryptUpdate(ctx, plain, &n, in->data, (int)in->len) == 1 &&
            EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, COR_WRAP_TAG, tag) == 1 &&
            EVP_DecryptFinal_ex(ctx, plain + n, &n) == 1;
  if (!ok) OPENSSL_cleanse(plain, in->len);
  EVP_CIPHER_CTX_free(ctx);
  return ok;
}

bool cor_wrap_stretch(const char *passphrase, const uint8_t salt[COR_WRAP_SALT], uint8_t out[COR_WRAP_KEY]) {
  uint64_t n = COR_SCRYPT_N, memory = (uint64_t)64 * 1024 * 1024;
  uint32_t r = COR_SCRYPT_R, p = COR_SCRYPT_P;
  uint8_t salt_copy[COR_WRAP_SALT];
  memcpy(salt_copy, salt, COR_WRAP_SALT);
  OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD,
                                                           (void *)(uintptr_t)passphrase, strlen(passphrase)),
                         OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt_copy, COR_WRAP_SALT),
                         OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
                         OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
                         OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
                         OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
                         OSSL_PARAM_construct_end()};
  EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
  EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
  bool ok = ctx && EVP_KDF_derive(ctx, out, COR_WRAP_KEY, params) == 1;
  EVP_KDF_CTX_free(ctx);
  EVP_KDF_free(kdf);
  return ok;
}
