/* seal.c - sealing a body for compartments and opening it again (PROTOCOL 6).
 *
 * For: agents only; the broker checks the profile and never calls the rest.
 * Guarantees: what is sealed passes its own profile and hides its length within
 * a size class; what is opened passed the profile before libcrypto's CMS parser
 * saw it, and not one byte of plaintext leaves before the authentication tag
 * has verified; plaintext buffers are zeroed.
 * Trusts: libcrypto at or above the version in the table below; recipients'
 * certificates have been checked (cards.h).
 * Fatal: nothing; every failure is a refusal with a code. */
#include "corridor/seal.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

static const size_t size_classes[] = {1024, 4096, 16384, 65536, 262144, COR_PLAIN_MAX};

size_t cor_size_class(size_t plain_len) {
  for (size_t i = 0; i < sizeof size_classes / sizeof size_classes[0]; i++) {
    if (plain_len < size_classes[i]) return size_classes[i]; /* room for the 0x80 */
  }
  return 0;
}

/* ---- the library ---- */

/* The first release of each series with CVE-2025-15467 mended (stack overflow
 * in CMS AuthEnvelopedData parsing, January 2026). CVE-2026-28389 (a missing
 * parameter in KeyAgreeRecipientInfo, April 2026) is mended upstream one
 * release later (3.0.20, 3.3.7, 3.4.5, 3.5.6, 3.6.2) and by distributions
 * within these; besides, the profile demands that parameter, so such a body
 * never reaches the parser. Series not named here are out of support, and later
 * ones were branched after the mending. */
static const struct {
  unsigned major, minor, patch;
} fixed_in[] = {{3, 0, 19}, {3, 3, 6}, {3, 4, 4}, {3, 5, 5}, {3, 6, 1}};

bool cor_seal_version_ok(unsigned long version) {
  unsigned major = (unsigned)(version >> 28 & 0xf), minor = (unsigned)(version >> 20 & 0xff);
  unsigned patch = (unsigned)(version >> 4 & 0xff);
  for (size_t i = 0; i < sizeof fixed_in / sizeof fixed_in[0]; i++) {
    if (major == fixed_in[i].major && minor == fixed_in[i].minor) return patch >= fixed_in[i].patch;
  }
  return major > 3 || (major == 3 && minor > 6);
}

bool cor_seal_library_ok(cor_error *err) {
  if (cor_seal_version_ok(OpenSSL_version_num())) return true;
  return cor_fail(err, COR_INTERNAL, "libcrypto",
                  "%s has known faults in reading sealed messages (CVE-2025-15467); nothing was opened. "
                  "Install the current security update of OpenSSL and start again",
                  OpenSSL_version(OPENSSL_VERSION));
}

/* ---- making ---- */

static bool padded(const Corridor__V1__Sealed *content, cor_buf *out, cor_error *err) {
  cor_buf plain = {0};
  if (!cor_encode(&content->base, &plain, err)) return false;
  size_t total = cor_size_class(plain.len);
  bool ok = total > 0 ||
            cor_fail(err, COR_TOO_LARGE, "content", "a message holds less than 1 MiB; send it in parts");
  if (ok) {
    out->data = calloc(1, total);
    ok = out->data || cor_fail(err, COR_INTERNAL, "", "out of memory");
  }
  if (ok) {
    out->len = total;
    memcpy(out->data, plain.data, plain.len);
    out->data[plain.len] = 0x80;
  }
  cor_buf_clear(&plain);
  return ok;
}

/* libcrypto's default digest for the key derivation is SHA-1. The derivation
 * itself (X9.63) must be left to libcrypto: CMS refuses a context that has one. */
static bool add_recipient(CMS_ContentInfo *cms, X509 *cert) {
  CMS_RecipientInfo *ri = CMS_add1_recipient_cert(cms, cert, CMS_USE_KEYID | CMS_KEY_PARAM);
  EVP_PKEY_CTX *ctx = ri ? CMS_RecipientInfo_get0_pkey_ctx(ri) : NULL;
  EVP_CIPHER_CTX *wrap = ri ? CMS_RecipientInfo_kari_get0_ctx(ri) : NULL;
  return ctx && wrap && EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, EVP_sha256()) > 0 &&
         EVP_EncryptInit_ex2(wrap, EVP_aes_256_wrap(), NULL, NULL, NULL) == 1;
}

static bool to_der(CMS_ContentInfo *cms, cor_buf *out, cor_error *err) {
  unsigned char *der = NULL;
  int len = i2d_CMS_ContentInfo(cms, &der);
  if (len <= 0) return cor_fail(err, COR_INTERNAL, "", "could not encode a sealed body");
  bool ok = cor_buf_copy(out, (cor_bytes){der, (size_t)len}, err);
  OPENSSL_free(der);
  return ok;
}

bool cor_seal_make(const Corridor__V1__Sealed *content, X509 *const *recipients, size_t n, cor_buf *out,
                   cor_error *err) {
  cor_buf plain = {0};
  *out = (cor_buf){0};
  if (n < 1 || n > COR_SEAL_RECIPIENTS_MAX) {
    return cor_fail(err, COR_INTERNAL, "recipients", "a body is sealed to 1 to %d keys",
                    COR_SEAL_RECIPIENTS_MAX);
  }
  if (!padded(content, &plain, err)) return false;
  CMS_ContentInfo *cms = CMS_AuthEnvelopedData_create(EVP_aes_256_gcm());
  BIO *in = BIO_new_mem_buf(plain.data, (int)plain.len);
  bool ok = cms && in && CMS_set_detached(cms, 0) == 1;
  for (size_t i = 0; ok && i < n; i++)
    ok = add_recipient(cms, recipients[i]);
  ok = ok && CMS_final(cms, in, NULL, CMS_BINARY) == 1;
  ok = ok ? to_der(cms, out, err) : cor_fail(err, COR_INTERNAL, "", "could not seal; nothing was sent");
  /* Never let out what a recipient would refuse, whatever libcrypto changes. */
  ok = ok && cor_seal_profile_check(cor_buf_view(out), err);
  if (!ok) cor_buf_clear(out);
  BIO_free(in);
  CMS_ContentInfo_free(cms);
  cor_buf_clear(&plain);
  ERR_clear_error();
  return ok;
}

/* ---- opening ---- */

/* The one recipient entry that bears this certificate's key identifier. */
static CMS_RecipientInfo *find_recipient(CMS_ContentInfo *cms, X509 *cert) {
  STACK_OF(CMS_RecipientInfo) *infos = CMS_get0_RecipientInfos(cms);
  for (int i = 0; i < sk_CMS_RecipientInfo_num(infos); i++) {
    CMS_RecipientInfo *ri = sk_CMS_RecipientInfo_value(infos, i);
    STACK_OF(CMS_RecipientEncryptedKey) *keys = CMS_RecipientInfo_kari_get0_reks(ri);
    if (keys && CMS_RecipientEncryptedKey_cert_cmp(sk_CMS_RecipientEncryptedKey_value(keys, 0), cert) == 0)
      return ri;
  }
  return NULL;
}

static bool unwrap(CMS_ContentInfo *cms, X509 *cert, EVP_PKEY *key) {
  CMS_RecipientInfo *ri = find_recipient(cms, cert);
  if (!ri || CMS_RecipientInfo_kari_set0_pkey(ri, key) != 1) return false;
  STACK_OF(CMS_RecipientEncryptedKey) *keys = CMS_RecipientInfo_kari_get0_reks(ri);
  bool ok = CMS_RecipientInfo_kari_decrypt(cms, ri, sk_CMS_RecipientEncryptedKey_value(keys, 0)) == 1;
  return CMS_RecipientInfo_kari_set0_pkey(ri, NULL) == 1 && ok;
}

/* The tag has verified, so the padding is the sender's own: a fault here is a
 * faulty sender, not an oracle. */
static bool unpad(cor_bytes plain, size_t *len) {
  size_t n = plain.len;
  while (n > 0 && plain.data[n - 1] == 0)
    n--;
  if (n == 0 || plain.data[n - 1] != 0x80 || cor_size_class(n - 1) != plain.len) return false;
  *len = n - 1;
  return true;
}

static Corridor__V1__Sealed *decode_plain(BIO *plain, cor_error *err) {
  char *data = NULL;
  size_t len = 0;
  long total = BIO_get_mem_data(plain, &data);
  if (total <= 0 || !unpad((cor_bytes){(const uint8_t *)data, (size_t)total}, &len)) {
    cor_fail(err, COR_BAD_SEAL, "body", "the sealed content is not padded as it must be");
    return NULL;
  }
  return (Corridor__V1__Sealed *)cor_decode(
      &corridor__v1__sealed__descriptor, (cor_bytes){(const uint8_t *)data, len}, COR_PLAIN_MAX, true, err);
}

Corridor__V1__Sealed *cor_seal_open(cor_bytes body, X509 *cert, EVP_PKEY *key, cor_error *err) {
  Corridor__V1__Sealed *sealed = NULL;
  if (!cor_seal_profile_check(body, err)) return NULL;
  const unsigned char *p = body.data;
  CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)body.len);
  BIO *plain = BIO_new(BIO_s_mem()); /* libcrypto zeroes it when it grows and when freed */
  if (!cms || !plain || p != body.data + body.len) {
    cor_fail(err, COR_BAD_SEAL, "body", "the sealed body could not be read");
  } else if (!unwrap(cms, cert, key)) {
    cor_fail(err, COR_CANNOT_OPEN, "body", "the body is not sealed to this key, or was damaged; it was kept");
  } else if (CMS_decrypt(cms, NULL, NULL, NULL, plain, CMS_BINARY) != 1) {
    cor_fail(err, COR_BAD_SEAL, "body", "the sealed content was altered; nothing of it was released");
  } else {
    sealed = decode_plain(plain, err);
  }
  BIO_free(plain);
  CMS_ContentInfo_free(cms);
  ERR_clear_error();
  return sealed;
}

static bool same(ProtobufCBinaryData a, ProtobufCBinaryData b) {
  return cor_bytes_equal((cor_bytes){a.data, a.len}, (cor_bytes){b.data, b.len});
}

bool cor_seal_matches(const Corridor__V1__Sealed *sealed, const Corridor__V1__Header *header,
                      cor_error *err) {
  const struct {
    const char *field;
    bool equal;
  } checks[] = {
      {"message_id", same(sealed->message_id, header->message_id)},
      {"sender", strcmp(sealed->sender, header->sender) == 0},
      {"recipient", strcmp(sealed->recipient, header->recipient) == 0},
      {"handle", same(sealed->handle, header->handle)},
      {"type", sealed->type == header->type},
      {"compartment", sealed->compartment == header->compartment},
  };
  for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
    if (!checks[i].equal) {
      return cor_fail(err, COR_BAD_SEAL, checks[i].field, "the sealed content belongs to another message");
    }
  }
  return true;
}
