/* z85.c - the text form of CURVE keys (ZeroMQ RFC 32).
 *
 * For: curve.key and curve.pub. libcorridor does not link libzmq, and the
 * programs that do read the same text with zmq_z85_decode.
 * Guarantees: what it parses, libzmq parses to the same bytes; other
 * characters, other lengths and groups above 2^32 - 1 are refused.
 * Trusts: nothing. Fatal: nothing. */
#include "z85.h"

#include <openssl/crypto.h>
#include <string.h>

enum { GROUPS = COR_CURVE_LEN / 4 };
static const char alphabet[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

void cor_z85_key(const uint8_t key[COR_CURVE_LEN], char out[COR_Z85_KEY_TEXT]) {
  for (size_t g = 0; g < GROUPS; g++) {
    const uint8_t *b = key + 4 * g;
    uint32_t value = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    for (size_t i = 5; i-- > 0; value /= 85)
      out[5 * g + i] = alphabet[value % 85];
  }
  out[5 * GROUPS] = '\0';
}

bool cor_z85_parse(const char *text, uint8_t out[COR_CURVE_LEN]) {
  uint8_t key[COR_CURVE_LEN];
  bool ok = strlen(text) == COR_Z85_KEY_TEXT - 1;
  for (size_t g = 0; ok && g < GROUPS; g++) {
    uint64_t value = 0;
    for (size_t i = 0; ok && i < 5; i++) {
      const char *at = strchr(alphabet, text[5 * g + i]);
      ok = at != NULL;
      if (ok) value = value * 85 + (uint64_t)(at - alphabet);
    }
    ok = ok && value <= UINT32_MAX;
    for (size_t i = 0; i < 4; i++)
      key[4 * g + i] = (uint8_t)(value >> (24 - 8 * i));
  }
  if (ok) memcpy(out, key, sizeof key);
  OPENSSL_cleanse(key, sizeof key);
  return ok;
}
