/* office.h - an office's key directory.
 *
 *   office.json              {office, role, country, name}
 *   curve.key  curve.pub     Z85 text, key 0600
 *   signing.key signing.crt  PKCS#8 PEM 0600 (the daemon signs unattended)
 *   keys/<compartment>.key   key file, see below, 0600
 *   keys/<compartment>.crt
 *   ca.crt  cardlist         as installed
 *
 * A key file is a data key wrapped once per holder (design 2), JSON:
 *   {"compartment": "casework", "spki": base64, "iv", "sealed_key", "tag": the
 *    PKCS#8 key under AES-256-GCM with the data key,
 *    "holders": [{"user", "kdf": "scrypt", "n", "r", "p", "salt", "iv",
 *                 "wrapped", "tag"}]}
 * AAD binds compartment, public key and user. Passphrases never touch disk. */
#ifndef CORRIDOR_OFFICE_H
#define CORRIDOR_OFFICE_H
#include "corridor/base.h"
#include <corridor/v1/card.pb-c.h>
#include <openssl/evp.h>

enum { COR_PASSPHRASE_MIN = 8, COR_PASSPHRASE_MAX = 1024, COR_USER_MAX = 32 };

typedef struct cor_holder {
  const char *user;       /* [a-z0-9._-]{1,32} */
  const char *passphrase; /* borrowed, caller zeroes */
} cor_holder;

bool cor_keyfile_make(const char *path, Corridor__V1__Compartment compartment, EVP_PKEY *key,
                      const cor_holder *holders, size_t n, cor_error *err) COR_MUST_CHECK;
/* WRONG_PASSPHRASE: also when the user holds no share, with the same reply and
 * the same work. KEY_FILE_EXPOSED: mode is not 0600. */
EVP_PKEY *cor_keyfile_open(const char *path, const char *user, const char *passphrase,
                           cor_error *err) COR_MUST_CHECK;
bool cor_keyfile_add_holder(const char *path, const cor_holder *by, const cor_holder *added,
                            cor_error *err) COR_MUST_CHECK;

/* Makes all keys of an office; holders apply to every compartment in the mask
 * (1 << Compartment). */
bool cor_office_make(const char *dir, const char *office, Corridor__V1__Role role, const char *country,
                     const char *name, unsigned compartments, const cor_holder *holders, size_t n,
                     cor_error *err) COR_MUST_CHECK;
/* CardRequest bytes for the CA. Compartment CSRs were made at office_make and
 * are kept as keys/<compartment>.csr, so no passphrase is needed. */
bool cor_office_request(const char *dir, cor_buf *out, cor_error *err) COR_MUST_CHECK;
/* Checks the list against ca.crt given, that it carries this office with these
 * keys, then writes ca.crt, cardlist, signing.crt, keys/<compartment>.crt. */
bool cor_office_install(const char *dir, const char *ca_crt_path, const char *cardlist_path,
                        cor_error *err) COR_MUST_CHECK;

typedef struct cor_office {
  char id[COR_OFFICE_MAX + 1];
  char country[3];
  char name[128];
  Corridor__V1__Role role;
  EVP_PKEY *signing;
  char curve_public[41], curve_secret[41]; /* Z85 */
} cor_office;
bool cor_office_load(const char *dir, cor_office *out, cor_error *err) COR_MUST_CHECK;
void cor_office_clear(cor_office *office);
const char *cor_compartment_name(Corridor__V1__Compartment c); /* "casework" */
bool cor_compartment_parse(const char *name, Corridor__V1__Compartment *out);
#endif
