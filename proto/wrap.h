/* wrap.h - encrypting small secrets under a key or a passphrase. Internal to
 * libcorridor; the format of key files stands in office.h. */
#ifndef CORRIDOR_PROTO_WRAP_H
#define CORRIDOR_PROTO_WRAP_H
#include "corridor/base.h"

enum { COR_WRAP_KEY = 32, COR_WRAP_IV = 12, COR_WRAP_TAG = 16, COR_WRAP_SALT = 16, COR_WRAP_MAX = 1024 };
/* 32 MiB and a tenth of a second for each guess. */
enum { COR_SCRYPT_N = 32768, COR_SCRYPT_R = 8, COR_SCRYPT_P = 1 };

typedef struct cor_wrapped {
  uint8_t iv[COR_WRAP_IV], tag[COR_WRAP_TAG];
  uint8_t data[COR_WRAP_MAX];
  size_t len;
} cor_wrapped;

/* AES-256-GCM; at most COR_WRAP_MAX bytes. */
bool cor_wrap_seal(const uint8_t key[COR_WRAP_KEY], cor_bytes aad, cor_bytes plain,
                   cor_wrapped *out) COR_MUST_CHECK;
/* plain has in->len bytes; it is zeroed unless the tag verifies. */
bool cor_wrap_open(const uint8_t key[COR_WRAP_KEY], cor_bytes aad, const cor_wrapped *in,
                   uint8_t *plain) COR_MUST_CHECK;
bool cor_wrap_stretch(const char *passphrase, const uint8_t salt[COR_WRAP_SALT],
                      uint8_t out[COR_WRAP_KEY]) COR_MUST_CHECK;

#endif
