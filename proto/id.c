/* id.c - message ids, hexadecimal texts, office ids, reference numbers.
 *
 * Guarantees: parsers accept one value or nothing; on false the output is not
 * to be used. A reference number or withdrawal code with any one character
 * wrong, or two neighbours swapped, is refused: 97 is prime and greater than
 * the alphabet, so such a slip always changes the value modulo 97.
 *
 * Trusts: the random bytes of base.c. Input may come from a person or a peer;
 * every scan is bounded by the longest text that can be valid.
 *
 * Nothing here is fatal. */
#include "corridor/id.h"

#include <openssl/crypto.h>
#include <string.h>

void cor_id_new(uint8_t out[COR_ID_LEN], int64_t now_ms) {
  cor_random(out, COR_ID_LEN);
  for (int i = 0; i < 6; i++)
    out[i] = (uint8_t)((uint64_t)now_ms >> (40 - 8 * i));
  out[6] = (uint8_t)(0x70 | (out[6] & 0x0f)); /* version 7 */
  out[8] = (uint8_t)(0x80 | (out[8] & 0x3f)); /* RFC 9562 variant */
}

bool cor_id_is_uuid7(cor_bytes id) {
  return id.len == COR_ID_LEN && (id.data[6] & 0xf0) == 0x70 && (id.data[8] & 0xc0) == 0x80;
}

static const char hex_digits[] = "0123456789abcdef";

const char *cor_hex(cor_bytes in, char *out, size_t out_size) {
  if (out_size == 0) return "";
  size_t len = in.len < (out_size - 1) / 2 ? in.len : (out_size - 1) / 2;
  for (size_t i = 0; i < len; i++) {
    out[2 * i] = hex_digits[in.data[i] >> 4];
    out[2 * i + 1] = hex_digits[in.data[i] & 15];
  }
  out[2 * len] = '\0';
  return out;
}

const char *cor_id_text(const uint8_t id[COR_ID_LEN], char out[COR_ID_TEXT]) {
  char *at = out;
  for (size_t i = 0; i < COR_ID_LEN; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
    *at++ = hex_digits[id[i] >> 4];
    *at++ = hex_digits[id[i] & 15];
  }
  *at = '\0';
  return out;
}

/* 0-15, or -1. */
static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool cor_unhex(const char *text, uint8_t *out, size_t len) {
  for (size_t i = 0; i < len; i++) {
    int high = hex_value(text[2 * i]);
    int low = high < 0 ? -1 : hex_value(text[2 * i + 1]);
    if (low < 0) return false;
    out[i] = (uint8_t)(high << 4 | low);
  }
  return text[2 * len] == '\0';
}

bool cor_id_parse(const char *text, uint8_t out[COR_ID_LEN]) {
  char bare[COR_HEX32_TEXT];
  size_t len = strnlen(text, COR_ID_TEXT);
  if (len == COR_HEX32_TEXT - 1) return cor_unhex(text, out, COR_ID_LEN);
  if (len != COR_ID_TEXT - 1 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-')
    return false;
  memcpy(bare, text, 8);
  memcpy(bare + 8, text + 9, 4);
  memcpy(bare + 12, text + 14, 4);
  memcpy(bare + 16, text + 19, 4);
  memcpy(bare + 20, text + 24, 13);
  return cor_unhex(bare, out, COR_ID_LEN);
}

bool cor_office_valid(const char *office) {
  size_t len = strnlen(office, COR_OFFICE_MAX + 1);
  if (len < 2 || len > COR_OFFICE_MAX || office[0] < 'a' || office[0] > 'z') return false;
  return strspn(office, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* Crockford's base 32: no I, L, O (read as 1, 1, 0) and no U. */
static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

enum { REFERENCE_SYMBOLS = 16, CODE_SYMBOLS = 8, SCAN_MAX = 64 };

/* The normal form: groups of four and the two check digits, by which
 * value * 100 + check = 1 (mod 97), as ISO 7064 MOD 97-10. */
static void write_checked(const uint8_t *symbols, size_t n, char out[COR_REFERENCE_TEXT]) {
  unsigned rest = 0;
  char *at = out;
  for (size_t i = 0; i < n; i++) {
    rest = (rest * 32 + symbols[i]) % 97;
    *at++ = crockford[symbols[i]];
    if (i % 4 == 3) *at++ = '-';
  }
  unsigned check = 98 - rest * 100 % 97;
  *at++ = (char)('0' + check / 10);
  *at++ = (char)('0' + check % 10);
  *at = '\0';
}

static void new_checked(size_t n, char out[COR_REFERENCE_TEXT]) {
  uint8_t symbols[REFERENCE_SYMBOLS];
  cor_random(symbols, n);
  for (size_t i = 0; i < n; i++)
    symbols[i] &= 31;
  write_checked(symbols, n, out);
  OPENSSL_cleanse(symbols, sizeof symbols);
}

/* One typed character as a symbol 0-31, or -1. */
static int symbol_value(char c) {
  if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
  if (c == 'O') return 0;
  if (c == 'I' || c == 'L') return 1;
  const char *found = c == '\0' ? NULL : strchr(crockford, c);
  return found ? (int)(found - crockford) : -1;
}

static bool parse_checked(const char *text, size_t n, char out[COR_REFERENCE_TEXT]) {
  uint8_t symbols[REFERENCE_SYMBOLS + 2];
  size_t have = 0;
  size_t len = strnlen(text, SCAN_MAX);
  bool ok = len < SCAN_MAX;
  for (size_t i = 0; ok && i < len; i++) {
    if (text[i] == ' ' || text[i] == '-') continue;
    int value = symbol_value(text[i]);
    ok = value >= 0 && have < n + 2 && (have < n || value <= 9);
    if (ok) symbols[have++] = (uint8_t)value;
  }
  ok = ok && have == n + 2;
  if (ok) {
    write_checked(symbols, n, out);
    const char *check = out + n + n / 4;
    ok = check[0] - '0' == symbols[n] && check[1] - '0' == symbols[n + 1];
  }
  if (!ok) out[0] = '\0';
  OPENSSL_cleanse(symbols, sizeof symbols);
  return ok;
}

void cor_reference_new(char out[COR_REFERENCE_TEXT]) {
  new_checked(REFERENCE_SYMBOLS, out);
}

bool cor_reference_parse(const char *text, char out[COR_REFERENCE_TEXT]) {
  return parse_checked(text, REFERENCE_SYMBOLS, out);
}

void cor_code_new(char out[COR_REFERENCE_TEXT]) {
  new_checked(CODE_SYMBOLS, out);
}

bool cor_code_parse(const char *text, char out[COR_REFERENCE_TEXT]) {
  return parse_checked(text, CODE_SYMBOLS, out);
}

void cor_row_text(const uint8_t bytes[COR_ROW_LEN], char out[COR_REFERENCE_TEXT]) {
  uint8_t symbols[REFERENCE_SYMBOLS];
  for (size_t i = 0; i < REFERENCE_SYMBOLS; i++) { /* five bits from bit 5 i on, in at most two bytes */
    const unsigned at = (unsigned)(5 * i % 8);
    const unsigned two = (unsigned)bytes[5 * i / 8] << 8 | (at > 3 ? bytes[5 * i / 8 + 1] : 0u);
    symbols[i] = (uint8_t)(two >> (11 - at) & 31);
  }
  write_checked(symbols, REFERENCE_SYMBOLS, out);
  OPENSSL_cleanse(symbols, sizeof symbols);
}

bool cor_row_parse(const char *text, uint8_t bytes[COR_ROW_LEN]) {
  char normal[COR_REFERENCE_TEXT];
  unsigned bits = 0, have = 0;
  size_t n = 0;
  bool ok = cor_reference_parse(text, normal);
  for (const char *at = normal; ok && n < COR_ROW_LEN; at++) {
    if (*at == '-') continue;
    bits = bits << 5 | (unsigned)symbol_value(*at);
    have += 5;
    if (have >= 8) {
      have -= 8;
      bytes[n++] = (uint8_t)(bits >> have);
    }
  }
  OPENSSL_cleanse(normal, sizeof normal);
  return ok;
}

static cor_bytes text_bytes(const char *text) {
  return (cor_bytes){(const uint8_t *)text, strlen(text)};
}

void cor_reference_hash(const char *reference, uint8_t out[COR_HASH_LEN]) {
  const cor_bytes nul = {(const uint8_t *)"", 1};
  const cor_bytes pieces[] = {text_bytes("corridor/v1/reference"), nul, text_bytes(reference)};
  cor_sha256(out, pieces, sizeof pieces / sizeof *pieces);
}

void cor_withdrawal_hash(const char *reference, const char *code, uint8_t out[COR_HASH_LEN]) {
  const cor_bytes nul = {(const uint8_t *)"", 1};
  const cor_bytes pieces[] = {text_bytes("corridor/v1/withdrawal"), nul, text_bytes(reference), nul,
                              text_bytes(code)};
  cor_sha256(out, pieces, sizeof pieces / sizeof *pieces);
}
