/* seal_profile.c - the strict shape of a sealed body (PROTOCOL 6), in DER.
 *
 * For: cor_seal_open and the broker's doors. libcrypto's CMS parser has had
 * memory errors on hostile input, so it sees only bodies of exactly the shape
 * cor_seal_make produces: every tag, object identifier, version and fixed
 * length is compared here, and only keys, nonces, tags and ciphertext vary.
 * Guarantees: no recursion, no allocation, every read bounded by the body;
 * lengths are definite and minimal; nothing stands after the structure.
 * Trusts: nothing. Fatal: nothing. */
#include "corridor/seal.h"
#include "corridor/refusal.h"

#include <string.h>

enum {
  T_INTEGER = 0x02,
  T_BIT_STRING = 0x03,
  T_OCTETS = 0x04,
  T_OID = 0x06,
  T_SEQUENCE = 0x30,
  T_SET = 0x31,
  T_0 = 0xa0,      /* [0], constructed */
  T_1 = 0xa1,      /* [1], constructed */
  T_0_PRIM = 0x80, /* [0], primitive */
  POINT_LEN = 65,
  SKI_LEN = 20,
  WRAPPED_LEN = 40,
  NONCE_LEN = 12,
  TAG_LEN = 16
};

/* What is left to read of one DER value. Once a read fails, all later ones do. */
typedef struct der {
  const uint8_t *at, *end;
  bool bad;
} der;

static size_t left(const der *d) {
  return d->bad ? 0 : (size_t)(d->end - d->at);
}

/* The contents of the next value, which must have this tag. */
static der enter(der *d, uint8_t tag) {
  der inside = {.bad = true};
  size_t len, head = 2;
  if (left(d) < 2 || d->at[0] != tag) goto bad;
  len = d->at[1];
  if (len >= 0x80) {
    size_t bytes = len & 0x7f; /* 0 would be the indefinite form */
    if (bytes < 1 || bytes > 3 || left(d) < 2 + bytes) goto bad;
    len = 0;
    for (size_t i = 0; i < bytes; i++)
      len = len << 8 | d->at[2 + i];
    if (len < 0x80 || len >> (8 * (bytes - 1)) == 0) goto bad; /* not minimal */
    head += bytes;
  }
  if (left(d) - head < len) goto bad;
  inside = (der){d->at + head, d->at + head + len, false};
  d->at = inside.end;
  return inside;
bad:
  d->bad = true;
  return inside;
}

static void finish(der *outer, const der *inside) {
  if (inside->bad || inside->at != inside->end) outer->bad = true;
}

/* A value with exactly these contents. */
static void expect(der *d, uint8_t tag, const void *contents, size_t len) {
  der v = enter(d, tag);
  if (left(&v) != len || memcmp(v.at, contents, len) != 0) d->bad = true;
}

/* A value of this length whose contents are free. */
static const uint8_t *expect_length(der *d, uint8_t tag, size_t len) {
  der v = enter(d, tag);
  if (v.bad || left(&v) != len) {
    d->bad = true;
    return NULL;
  }
  return v.at;
}

#define OID(name, ...) static const uint8_t name[] = {__VA_ARGS__}
/* 1.2.840.113549.1.9.16.1.23 id-ct-authEnvelopedData */
OID(oid_auth_enveloped, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17);
/* 1.2.840.113549.1.7.1 id-data */
OID(oid_data, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01);
/* 1.2.840.10045.2.1 id-ecPublicKey */
OID(oid_ec, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01);
/* 1.3.132.1.11.1 dhSinglePass-stdDH-sha256kdf-scheme */
OID(oid_kdf, 0x2b, 0x81, 0x04, 0x01, 0x0b, 0x01);
/* 2.16.840.1.101.3.4.1.45 id-aes256-wrap */
OID(oid_wrap, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2d);
/* 2.16.840.1.101.3.4.1.46 id-aes256-GCM */
OID(oid_gcm, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2e);

/* [0] EXPLICIT { [1] { SEQUENCE { id-ecPublicKey }, BIT STRING 00 04 x y } } */
static void originator(der *kari) {
  der explicit = enter(kari, T_0);
  der key = enter(&explicit, T_1);
  der algorithm = enter(&key, T_SEQUENCE);
  expect(&algorithm, T_OID, oid_ec, sizeof oid_ec);
  finish(&key, &algorithm);
  const uint8_t *point = expect_length(&key, T_BIT_STRING, 1 + POINT_LEN);
  if (point && (point[0] != 0 || point[1] != 4)) key.bad = true;
  finish(&explicit, &key);
  finish(kari, &explicit);
}

static void key_encryption(der *kari) {
  der algorithm = enter(kari, T_SEQUENCE);
  expect(&algorithm, T_OID, oid_kdf, sizeof oid_kdf);
  der wrap = enter(&algorithm, T_SEQUENCE);
  expect(&wrap, T_OID, oid_wrap, sizeof oid_wrap);
  finish(&algorithm, &wrap);
  finish(kari, &algorithm);
}

/* One RecipientEncryptedKey, named by subject key identifier alone. */
static void recipient_key(der *kari) {
  der keys = enter(kari, T_SEQUENCE);
  der one = enter(&keys, T_SEQUENCE);
  der id = enter(&one, T_0);
  (void)expect_length(&id, T_OCTETS, SKI_LEN);
  finish(&one, &id);
  (void)expect_length(&one, T_OCTETS, WRAPPED_LEN);
  finish(&keys, &one);
  finish(kari, &keys);
}

static void recipients(der *d) {
  size_t n = 0;
  der set = enter(d, T_SET);
  while (left(&set) > 0 && n <= COR_SEAL_RECIPIENTS_MAX) {
    der kari = enter(&set, T_1);
    expect(&kari, T_INTEGER, "\x03", 1);
    originator(&kari);
    key_encryption(&kari);
    recipient_key(&kari);
    finish(&set, &kari);
    n++;
  }
  if (n < 1 || n > COR_SEAL_RECIPIENTS_MAX) d->bad = true;
  finish(d, &set);
}

static void encrypted_content(der *d) {
  der info = enter(d, T_SEQUENCE);
  expect(&info, T_OID, oid_data, sizeof oid_data);
  der algorithm = enter(&info, T_SEQUENCE);
  expect(&algorithm, T_OID, oid_gcm, sizeof oid_gcm);
  der params = enter(&algorithm, T_SEQUENCE);
  (void)expect_length(&params, T_OCTETS, NONCE_LEN);
  expect(&params, T_INTEGER, "\x10", 1);
  finish(&algorithm, &params);
  finish(&info, &algorithm);
  der ciphertext = enter(&info, T_0_PRIM);
  size_t len = left(&ciphertext);
  if (len == 0 || cor_size_class(len - 1) != len) d->bad = true;
  finish(d, &info);
}

bool cor_seal_profile_check(cor_bytes body, cor_error *err) {
  if (body.len > COR_BODY_MAX) {
    return cor_fail(err, COR_TOO_LARGE, "body", "a sealed body has at most %d bytes", COR_BODY_MAX);
  }
  der all = {body.data, body.data + body.len, body.len == 0};
  der content = enter(&all, T_SEQUENCE);
  expect(&content, T_OID, oid_auth_enveloped, sizeof oid_auth_enveloped);
  der explicit = enter(&content, T_0);
  der enveloped = enter(&explicit, T_SEQUENCE);
  expect(&enveloped, T_INTEGER, "\x00", 1);
  recipients(&enveloped);
  encrypted_content(&enveloped);
  (void)expect_length(&enveloped, T_OCTETS, TAG_LEN);
  finish(&explicit, &enveloped);
  finish(&content, &explicit);
  finish(&all, &content);
  if (all.bad || all.at != all.end) {
    return cor_fail(err, COR_BAD_SEAL, "body", "the body is not sealed in the one form that is accepted");
  }
  return true;
}
