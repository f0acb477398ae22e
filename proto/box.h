/* box.h - small secrets sealed for a public key. Internal to libcorridor: the
 * holders of a key file, whose passphrases are not there when it changes. */
#ifndef CORRIDOR_PROTO_BOX_H
#define CORRIDOR_PROTO_BOX_H
#include "wrap.h"

typedef struct cor_box {
  uint8_t from[COR_WRAP_KEY]; /* public key made for this one box */
  cor_wrapped piece;
} cor_box;

/* X25519. */
bool cor_box_keys(uint8_t secret[COR_WRAP_KEY], uint8_t public[COR_WRAP_KEY]) COR_MUST_CHECK;
bool cor_box_public(const uint8_t secret[COR_WRAP_KEY], uint8_t public[COR_WRAP_KEY]) COR_MUST_CHECK;

bool cor_box_seal(const uint8_t to[COR_WRAP_KEY], cor_bytes aad, cor_bytes plain,
                  cor_box *out) COR_MUST_CHECK;
/* plain has in->piece.len bytes; it is zeroed unless the tag verifies. */
bool cor_box_open(const uint8_t secret[COR_WRAP_KEY], cor_bytes aad, const cor_box *in,
                  uint8_t *plain) COR_MUST_CHECK;

#endif
