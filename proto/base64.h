/* base64.h - internal: bytes as JSON carries them (RFC 4648). */
#ifndef CORRIDOR_BASE64_H
#define CORRIDOR_BASE64_H
#include "corridor/base.h"

/* New text in the standard alphabet with padding, for free(); NULL = no memory. */
char *cor_base64_encode(cor_bytes in);
/* Takes both alphabets (sections 4 and 5), padded or not. False: not base64, or
 * no memory. */
bool cor_base64_decode(const char *text, size_t len, cor_buf *out) COR_MUST_CHECK;
#endif
