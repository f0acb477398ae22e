/* office.h - an office's key directory.
 *
 *   office.json              {office, role, country, name}
 *   curve.key  curve.pub     Z85 text, key 0600
 *   signing.key signing.crt  PKCS#8 PEM 0600 (the daemon signs unattended)
 *   office.lock              both private keys under the office's passphrase, if locked
 *   keys/<compartment>.key   key file, see below, 0600
 *   keys/<compartment>.crt
 *   ca.crt  cardlist         as installed
 *
 * A key file is a data key wrapped once per holder (design 2), JSON:
 *   {"version": 2, "compartment": "casework", "spki": base64, "iv", "sealed_key", "tag":
 *    the PKCS#8 key under AES-256-GCM with the data key,
 *    "holders": [{"user", "recovered_at", "kdf": "scrypt", "n", "r", "p", "salt",
 *                 "public", "iv", "secret", "tag": an X25519 key pair whose private
 *                 half is under the passphrase,
 *                 "box": {"from", "iv", "wrapped", "tag"}: the data key for "public"}],
 *    "recovery": {"public", "box", "shares": [SHA-256 of each]}, when there is one}
 * The seals bind compartment, public key, user and the whole list of holders.
 * Passphrases never touch disk. Every change of the holders makes a new data key. */
#ifndef CORRIDOR_OFFICE_H
#define CORRIDOR_OFFICE_H
#include "corridor/base.h"
#include <corridor/v1/card.pb-c.h>
#include <openssl/evp.h>

enum { COR_PASSPHRASE_MIN = 8, COR_PASSPHRASE_MAX = 1024, COR_USER_MAX = 32 };
enum { COR_HOLDERS_MIN = 2, COR_HOLDERS_MAX = 32 };
/* A recovery secret is split into COR_SHARES, of which any COR_SHARES_NEEDED give it. */
enum { COR_SHARES = 3, COR_SHARES_NEEDED = 2, COR_RECOVERY_LEN = 20 };

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
/* The same, and when the holder's share was given by recovery shares (0: by a present
 * holder). Who was let in by such a holder counts as let in by recovery too. */
EVP_PKEY *cor_keyfile_open_share(const char *path, const cor_holder *holder, int64_t *recovered_at,
                                 cor_error *err) COR_MUST_CHECK;

/* What a key file says to whoever may read it: names of accounts, no secrets. */
typedef struct cor_keyfile_facts {
  Corridor__V1__Compartment compartment;
  size_t n;
  struct {
    char user[COR_USER_MAX + 1];
    int64_t recovered_at;
  } holders[COR_HOLDERS_MAX];
  bool has_recovery;
  uint8_t shares[COR_SHARES][COR_HASH_LEN]; /* digests of the recovery shares */
} cor_keyfile_facts;
bool cor_keyfile_look(const char *path, cor_keyfile_facts *out, cor_error *err) COR_MUST_CHECK;

/* ---- changing who holds an office's keys (keyfile_change.c) ---- */
/* Over all compartments of the mask (1 << Compartment): everything is opened, checked
 * and sealed anew before the first file is written, so that a refusal changes nothing.
 * by = present holders; each key is opened by the first of them who holds it. */
typedef struct cor_key_change {
  const char *dir; /* the office's key directory */
  unsigned compartments;
  const cor_holder *by;
  size_t n_by;
} cor_key_change;
bool cor_keys_add_holder(const cor_key_change *change, const cor_holder *added,
                         cor_error *err) COR_MUST_CHECK;
/* CONFLICT when fewer than COR_HOLDERS_MIN would be left. */
bool cor_keys_remove_holder(const cor_key_change *change, const char *user, cor_error *err) COR_MUST_CHECK;
/* by is the one holder whose passphrase changes; a new key pair, so that an old copy of
 * the file and the old passphrase open nothing newer. */
bool cor_keys_change_passphrase(const cor_key_change *change, const char *fresh,
                                cor_error *err) COR_MUST_CHECK;
/* For one compartment: from now on `secret` opens it, and the shares are known by their
 * digests. An older recovery secret is forgotten. */
bool cor_keys_make_recovery(const cor_key_change *change, const uint8_t secret[COR_RECOVERY_LEN],
                            const uint8_t shares[COR_SHARES][COR_HASH_LEN], cor_error *err) COR_MUST_CHECK;
/* For one compartment, without a present holder (by is not read): `secret` lets added in, marked `at`. */
bool cor_keys_recover(const cor_key_change *change, const uint8_t secret[COR_RECOVERY_LEN],
                      const cor_holder *added, int64_t at, cor_error *err) COR_MUST_CHECK;
/* The compartments of the directory; with a user, those in which the user holds a share. */
bool cor_keys_held(const char *dir, const char *user, unsigned *compartments, cor_error *err) COR_MUST_CHECK;
bool cor_keys_look(const char *dir, Corridor__V1__Compartment compartment, cor_keyfile_facts *out,
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
/* What lies open: id, country, name, role, curve_public; no private key. */
bool cor_office_describe(const char *dir, cor_office *out, cor_error *err) COR_MUST_CHECK;
void cor_office_clear(cor_office *office);

/* ---- locked under the office's own passphrase (office_lock.c) ---- */
/* curve.key and signing.key go into office.lock and are removed; cor_office_load is then
 * OFFICE_LOCKED. Doing it again completes what was cut short. */
bool cor_office_lock(const char *dir, const char *passphrase, cor_error *err) COR_MUST_CHECK;
bool cor_office_unlock(const char *dir, const char *passphrase, cor_error *err) COR_MUST_CHECK;
bool cor_office_locked(const char *dir);
/* cor_office_load of a locked directory. */
bool cor_office_open(const char *dir, const char *passphrase, cor_office *out, cor_error *err) COR_MUST_CHECK;
const char *cor_compartment_name(Corridor__V1__Compartment c); /* "casework" */
bool cor_compartment_parse(const char *name, Corridor__V1__Compartment *out);
#endif
