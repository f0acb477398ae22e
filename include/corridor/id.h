/* id.h - identifiers and their texts. */
#ifndef CORRIDOR_ID_H
#define CORRIDOR_ID_H
#include "corridor/base.h"

/* UUIDv7 (RFC 9562 5.7): 48 bits of ms, then random. */
void cor_id_new(uint8_t out[COR_ID_LEN], int64_t now_ms);
bool cor_id_is_uuid7(cor_bytes id);

enum { COR_ID_TEXT = 37, COR_HEX32_TEXT = 33, COR_HEX64_TEXT = 65, COR_REFERENCE_TEXT = 32 };
const char *cor_id_text(const uint8_t id[COR_ID_LEN], char out[COR_ID_TEXT]); /* 8-4-4-4-12 */
bool cor_id_parse(const char *text, uint8_t out[COR_ID_LEN]);                 /* with or without dashes */
const char *cor_hex(cor_bytes in, char *out, size_t out_size);                /* lower case */
bool cor_unhex(const char *text, uint8_t *out, size_t len);                   /* exactly len bytes */

/* Office ids: [a-z0-9-]{2,32}, first character a letter. */
bool cor_office_valid(const char *office);

/* Reference number printed on the information sheet [003:626]: 80 random bits
 * in Crockford base 32, groups of four, two check digits (ISO 7064 MOD 97-10
 * over the value): "K7QM-2X9D-PT4H-VB3W-34". Parsing forgives case, spaces,
 * missing dashes and O/I/L; returns the normal form. */
void cor_reference_new(char out[COR_REFERENCE_TEXT]);
bool cor_reference_parse(const char *text, char out[COR_REFERENCE_TEXT]);
/* Withdrawal code: 40 random bits, same alphabet and check digits, two groups
 * of four: "7HQK-2M9D-33". */
void cor_code_new(char out[COR_REFERENCE_TEXT]);
bool cor_code_parse(const char *text, char out[COR_REFERENCE_TEXT]);
/* Ten bytes in that form, for secrets that people copy from paper: one row each, so
 * that the check digits say which row was typed wrong. */
enum { COR_ROW_LEN = 10 };
void cor_row_text(const uint8_t bytes[COR_ROW_LEN], char out[COR_REFERENCE_TEXT]);
bool cor_row_parse(const char *text, uint8_t bytes[COR_ROW_LEN]);
/* SHA-256("corridor/v1/reference" 00 reference), and with the code
 * SHA-256("corridor/v1/withdrawal" 00 reference 00 code); normal forms. */
void cor_reference_hash(const char *reference, uint8_t out[COR_HASH_LEN]);
void cor_withdrawal_hash(const char *reference, const char *code, uint8_t out[COR_HASH_LEN]);
#endif
