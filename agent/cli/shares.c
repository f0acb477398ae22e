/* shares.c - a secret split two of three, and its shares as people copy them.
 *
 * For: `corridor office recovery make` and `use`. The splitting is libgfshare's
 * (Shamir's, over GF(256)); it has no integrity of its own, so each share has check
 * digits in each of its two rows, a digest in the key file, and in the end the seal
 * of the key itself. Guarantees: one share alone tells nothing; a share names its
 * office, compartment and number, so that two that do not belong together are told
 * apart before anything is computed; what was secret is zeroed.
 * Trusts: libgfshare, and the caller to print shares once and keep them nowhere.
 * Nothing is fatal. */
#include "cli_shares.h"
#include "corridor/id.h"
#include "corridor/refusal.h"
#include <libgfshare.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

_Static_assert(COR_RECOVERY_LEN == 2 * COR_ROW_LEN, "a share is two rows");

/* The library has no randomness of its own. */
static void fill_random(unsigned char *out, unsigned len) {
  cor_random(out, len);
}

bool shares_split(const char *office, Corridor__V1__Compartment compartment,
                  const uint8_t secret[COR_RECOVERY_LEN], share out[COR_SHARES], cor_error *err) {
  unsigned char numbers[COR_SHARES];
  for (size_t i = 0; i < COR_SHARES; i++) {
    numbers[i] = (unsigned char)(i + 1);
    out[i] = (share){.compartment = compartment, .number = (unsigned)i + 1};
    (void)snprintf(out[i].office, sizeof out[i].office, "%s", office);
  }
  gfshare_fill_rand = fill_random;
  gfshare_ctx *split = gfshare_ctx_init_enc(numbers, COR_SHARES, COR_SHARES_NEEDED, COR_RECOVERY_LEN);
  if (!split) return cor_fail(err, COR_INTERNAL, "", "out of memory; no share was made");
  gfshare_ctx_enc_setsecret(split, (uint8_t *)(uintptr_t)secret); /* which it reads only */
  for (size_t i = 0; i < COR_SHARES; i++)
    gfshare_ctx_enc_getshare(split, (unsigned char)i, out[i].data);
  gfshare_ctx_free(split); /* overwrites what it held */
  return true;
}

bool shares_join(const share *one, const share *other, uint8_t secret[COR_RECOVERY_LEN], cor_error *err) {
  if (strcmp(one->office, other->office) != 0)
    return cor_fail(err, COR_BAD_INPUT, "share", "these shares are of different offices: %s and %s",
                    one->office, other->office);
  if (one->compartment != other->compartment)
    return cor_fail(err, COR_BAD_INPUT, "share", "these shares are of different keys: %s and %s",
                    cor_compartment_name(one->compartment), cor_compartment_name(other->compartment));
  if (one->number == other->number)
    return cor_fail(err, COR_BAD_INPUT, "share", "share %u was given twice: two different ones are needed",
                    one->number);
  unsigned char numbers[COR_SHARES_NEEDED] = {(unsigned char)one->number, (unsigned char)other->number};
  gfshare_fill_rand = fill_random;
  gfshare_ctx *join = gfshare_ctx_init_dec(numbers, COR_SHARES_NEEDED, COR_RECOVERY_LEN);
  if (!join) return cor_fail(err, COR_INTERNAL, "", "out of memory; nothing was changed");
  share copies[COR_SHARES_NEEDED] = {*one, *other}; /* the library's prototypes are not const */
  for (size_t i = 0; i < COR_SHARES_NEEDED; i++)
    gfshare_ctx_dec_giveshare(join, (unsigned char)i, copies[i].data);
  gfshare_ctx_dec_extract(join, secret);
  gfshare_ctx_free(join);
  OPENSSL_cleanse(copies, sizeof copies);
  return true;
}

void shares_digest(const share *one, uint8_t out[COR_HASH_LEN]) {
  static const char domain[] = "corridor/v1/share"; /* with its NUL, as the words after it */
  const char *compartment = cor_compartment_name(one->compartment);
  const uint8_t number = (uint8_t)one->number;
  const cor_bytes pieces[] = {{(const uint8_t *)domain, sizeof domain},
                              {(const uint8_t *)one->office, strlen(one->office) + 1},
                              {(const uint8_t *)compartment, strlen(compartment) + 1},
                              {&number, 1},
                              {one->data, sizeof one->data}};
  cor_sha256(out, pieces, sizeof pieces / sizeof *pieces);
}

void shares_text(const share *one, char out[SHARE_TEXT]) {
  char rows[2][COR_REFERENCE_TEXT];
  for (size_t i = 0; i < 2; i++)
    cor_row_text(one->data + i * COR_ROW_LEN, rows[i]);
  (void)snprintf(out, SHARE_TEXT, "%s %s %u %s %s", one->office, cor_compartment_name(one->compartment),
                 one->number, rows[0], rows[1]);
  OPENSSL_cleanse(rows, sizeof rows);
}

/* ---- reading ---- */

enum { WORD_MAX = 64, WORDS = 5 };

/* Exactly n words of at most WORD_MAX - 1 characters. */
static bool cut(const char *line, char words[WORDS][WORD_MAX]) {
  size_t n = 0;
  for (line += strspn(line, " \t\r"); *line; line += strspn(line, " \t\r")) {
    const size_t len = strcspn(line, " \t\r");
    if (n == WORDS || len >= WORD_MAX) return false;
    memcpy(words[n], line, len);
    words[n++][len] = '\0';
    line += len;
  }
  return n == WORDS;
}

static bool read_words(char words[WORDS][WORD_MAX], share *out, cor_error *err) {
  static const char *const rows[] = {"first", "second"};
  if (!cor_office_valid(words[0]) || !cor_compartment_parse(words[1], &out->compartment))
    return cor_fail(err, COR_BAD_INPUT, "share", "a share begins with its office and its compartment");
  if (words[2][0] < '1' || words[2][0] > '0' + COR_SHARES || words[2][1] != '\0')
    return cor_fail(err, COR_BAD_INPUT, "share", "a share's number is 1, 2 or 3");
  memcpy(out->office, words[0], strlen(words[0]) + 1);
  out->number = (unsigned)(words[2][0] - '0');
  for (size_t i = 0; i < 2; i++)
    if (!cor_row_parse(words[3 + i], out->data + i * COR_ROW_LEN))
      return cor_fail(err, COR_BAD_INPUT, "share",
                      "share %u: the check digits of the %s row do not fit; look at that row again",
                      out->number, rows[i]);
  return true;
}

bool shares_parse(const char *line, share *out, cor_error *err) {
  char words[WORDS][WORD_MAX];
  *out = (share){0};
  const bool ok = cut(line, words)
                      ? read_words(words, out, err)
                      : cor_fail(err, COR_BAD_INPUT, "share",
                                 "a share is one line: office, compartment, number and two rows, as printed");
  OPENSSL_cleanse(words, sizeof words);
  if (!ok) OPENSSL_cleanse(out, sizeof *out);
  return ok;
}
