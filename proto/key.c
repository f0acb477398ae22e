/* key.c - P-256 key pairs and the requests that prove their possession.
 *
 * For: making, reading and writing the private keys of the CA and of offices,
 * and the PKCS#10 request by which an office shows the CA that it holds a key.
 * Guarantees: only P-256 keys pass; a missing passphrase is an error, never a
 * prompt on somebody's terminal; intermediate copies of a private key are
 * zeroed.
 * Trusts: libcrypto and its random generator.
 * Fatal: nothing; every failure is reported. */
#include "corridor/ca.h"
#include "corridor/refusal.h"
#include "cert.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <string.h>

EVP_PKEY *cor_key_new(cor_error *err) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  if (!key) cor_fail(err, COR_INTERNAL, "", "could not make a P-256 key; nothing was written");
  return key;
}

bool cor_key_is_p256(EVP_PKEY *key) {
  char group[64];
  size_t len;
  return key && EVP_PKEY_is_a(key, "EC") &&
         EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &len) == 1 &&
         strcmp(group, "prime256v1") == 0;
}

bool cor_key_to_spki(EVP_PKEY *key, cor_buf *out, cor_error *err) {
  unsigned char *der = NULL;
  int len = i2d_PUBKEY(key, &der);
  if (len <= 0) return cor_fail(err, COR_INTERNAL, "", "could not encode a public key");
  bool ok = cor_buf_copy(out, (cor_bytes){der, (size_t)len}, err);
  OPENSSL_free(der);
  return ok;
}

/* 16 MiB and five passes: the most memory that stock `openssl pkcs8` reads. */
enum { SCRYPT_N = 16384, SCRYPT_R = 8, SCRYPT_P = 5 };

/* Memory BIOs zero their buffer when freed. */
static bool bio_take(BIO *bio, cor_buf *out, cor_error *err) {
  char *data = NULL;
  long len = BIO_get_mem_data(bio, &data);
  if (len <= 0) return cor_fail(err, COR_INTERNAL, "", "could not encode a key");
  return cor_buf_copy(out, (cor_bytes){(const uint8_t *)data, (size_t)len}, err);
}

bool cor_key_pem(EVP_PKEY *key, cor_buf *out, cor_error *err) {
  BIO *bio = BIO_new(BIO_s_mem());
  bool ok = bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
  ok = ok ? bio_take(bio, out, err) : cor_fail(err, COR_INTERNAL, "", "could not encode a private key");
  BIO_free(bio);
  return ok;
}

bool cor_key_pem_encrypted(EVP_PKEY *key, const char *passphrase, cor_buf *out, cor_error *err) {
  uint8_t salt[16];
  X509_SIG *sealed = NULL;
  BIO *bio = BIO_new(BIO_s_mem());
  PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key);
  cor_random(salt, sizeof salt);
  X509_ALGOR *pbe = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof salt, NULL, SCRYPT_N, SCRYPT_R,
                                          SCRYPT_P);
  if (plain && pbe) sealed = PKCS8_set0_pbe(passphrase, (int)strlen(passphrase), plain, pbe);
  if (sealed) pbe = NULL; /* now part of sealed */
  bool ok = sealed && bio && PEM_write_bio_PKCS8(bio, sealed) == 1;
  ok = ok ? bio_take(bio, out, err) : cor_fail(err, COR_INTERNAL, "", "could not encrypt a private key");
  X509_ALGOR_free(pbe);
  X509_SIG_free(sealed);
  PKCS8_PRIV_KEY_INFO_free(plain); /* zeroes the key */
  BIO_free(bio);
  return ok;
}

/* Without a callback of our own, libcrypto would ask on the terminal. */
static int passphrase_for_pem(char *buf, int size, int writing, void *user) {
  (void)writing;
  const char *passphrase = user;
  size_t len = passphrase ? strlen(passphrase) : 0;
  if (len == 0 || size < 0 || len > (size_t)size) return -1;
  memcpy(buf, passphrase, len);
  return (int)len;
}

static bool pem_is_encrypted(cor_bytes pem) {
  static const char mark[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
  return pem.len >= sizeof mark - 1 && memcmp(pem.data, mark, sizeof mark - 1) == 0;
}

EVP_PKEY *cor_key_from_pem(cor_bytes pem, const char *passphrase, cor_error *err) {
  /* libcrypto takes the callback's user pointer as void * but only reads it. */
  void *user = (void *)(uintptr_t)passphrase;
  BIO *bio = pem.len > 0 && pem.len <= INT_MAX ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
  EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, passphrase_for_pem, user) : NULL;
  BIO_free(bio);
  ERR_clear_error();
  if (!key && pem_is_encrypted(pem)) {
    cor_fail(err, COR_WRONG_PASSPHRASE, "", "the passphrase does not open this key");
  } else if (!key) {
    cor_fail(err, COR_BAD_INPUT, "", "not a private key in PEM");
  } else if (!cor_key_is_p256(key)) {
    cor_fail(err, COR_BAD_INPUT, "", "the private key is not a P-256 key");
    EVP_PKEY_free(key);
    key = NULL;
  }
  return key;
}

static bool add_name(X509_NAME *name, const char *field, const char *value) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0) == 1;
}

bool cor_csr_new(EVP_PKEY *key, const char *office, const char *unit, cor_buf *der, cor_error *err) {
  unsigned char *bytes = NULL;
  int len = 0;
  X509_REQ *req = X509_REQ_new();
  X509_NAME *name = req ? X509_REQ_get_subject_name(req) : NULL;
  bool ok = name && X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1 && add_name(name, "CN", office) &&
            add_name(name, "OU", unit) && X509_REQ_set_pubkey(req, key) == 1 &&
            X509_REQ_sign(req, key, EVP_sha256()) > 0 && (len = i2d_X509_REQ(req, &bytes)) > 0;
  ok = ok ? cor_buf_copy(der, (cor_bytes){bytes, (size_t)len}, err)
          : cor_fail(err, COR_INTERNAL, "", "could not make a certificate request");
  OPENSSL_free(bytes);
  X509_REQ_free(req);
  return ok;
}
