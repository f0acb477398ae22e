/* base64.c - bytes as JSON carries them (RFC 4648).
 *
 * Protobuf's JSON mapping writes the standard alphabet with padding and asks a
 * reader to take the URL-safe one and missing padding too. Guarantees that one
 * value has one reading: line breaks, other characters and stray bits in the last
 * digit are refused (OpenSSL's decoder lets some of them through). */
#include "base64.h"
#include <openssl/evp.h>
#include <stdlib.h>

char *cor_base64_encode(cor_bytes in) {
  if (in.len > COR_CARDS_MAX) return NULL; /* OpenSSL counts in int */
  char *text = malloc(4 * ((in.len + 2) / 3) + 1);
  if (text == NULL) return NULL;
  text[0] = '\0';
  if (in.len > 0) EVP_EncodeBlock((unsigned char *)text, in.data, (int)in.len);
  return text;
}

static int digit_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

bool cor_base64_decode(const char *text, size_t len, cor_buf *out) {
  if (len % 4 == 0)
    for (int pads = 0; pads < 2 && len > 0 && text[len - 1] == '='; pads++)
      len--;
  if (len % 4 == 1) return false;
  *out = (cor_buf){malloc(len / 4 * 3 + 3), 0};
  if (out->data == NULL) return false;
  uint32_t bits = 0;
  unsigned have = 0;
  for (size_t i = 0; i < len; i++) {
    int value = digit_value(text[i]);
    if (value < 0) goto refuse;
    bits = (bits << 6 | (uint32_t)value) & 0xfff;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    out->data[out->len++] = (uint8_t)(bits >> have);
  }
  if ((bits & ((1u << have) - 1)) != 0) goto refuse;
  return true;

refuse:
  cor_buf_clear(out);
  return false;
}
