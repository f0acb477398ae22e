/* cli_shares.h - the recovery shares of a compartment's key: three on paper, of which
 * any two open it. */
#ifndef CORRIDOR_CLI_SHARES_H
#define CORRIDOR_CLI_SHARES_H
#include "corridor/office.h"

enum { SHARE_TEXT = 128 };

typedef struct share {
  char office[COR_OFFICE_MAX + 1];
  Corridor__V1__Compartment compartment;
  unsigned number; /* 1 to COR_SHARES */
  uint8_t data[COR_RECOVERY_LEN];
} share;

/* Splits the secret; office and compartment go into each share's name. */
bool shares_split(const char *office, Corridor__V1__Compartment compartment,
                  const uint8_t secret[COR_RECOVERY_LEN], share out[COR_SHARES],
                  cor_error *err) COR_MUST_CHECK;
/* The secret that two shares of one key give; any other pair is an error. */
bool shares_join(const share *one, const share *other, uint8_t secret[COR_RECOVERY_LEN],
                 cor_error *err) COR_MUST_CHECK;
/* By this the key file knows its shares. */
void shares_digest(const share *one, uint8_t out[COR_HASH_LEN]);

/* "gn-conakry health 2 K7QM-2X9D-PT4H-VB3W-34 9XKD-...-71" */
void shares_text(const share *one, char out[SHARE_TEXT]);
/* As printed, in any case, with or without the dashes; says which part is wrong. */
bool shares_parse(const char *line, share *out, cor_error *err) COR_MUST_CHECK;

#endif
