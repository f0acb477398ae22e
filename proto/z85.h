/* z85.h - ZeroMQ RFC 32 text of 32-byte keys. Internal to libcorridor. */
#ifndef CORRIDOR_PROTO_Z85_H
#define CORRIDOR_PROTO_Z85_H
#include "corridor/base.h"

enum { COR_Z85_KEY_TEXT = 41 };
void cor_z85_key(const uint8_t key[COR_CURVE_LEN], char out[COR_Z85_KEY_TEXT]);
/* False unless text is exactly the 40 characters of a key. */
bool cor_z85_parse(const char *text, uint8_t out[COR_CURVE_LEN]);

#endif
