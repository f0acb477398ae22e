/* keyfile_change.c - who holds an office's keys, and changing that.
 *
 * For: `corridor office add-holder`, `remove-holder`, `staff add` and the like, over
 * one compartment or several in one step. Guarantees: all key files of a change are
 * opened, changed and sealed in memory before the first is written, so that a wrong
 * passphrase or a rule leaves every file as it was; each file is written whole, and
 * what a crash between two files left undone the same command completes. Every change
 * makes a new data key: a share taken out opens no later file. (Who copied an earlier
 * file and knows its passphrase has the private key in it: no change here can take
 * that back, only a new key on the office's card.) A compartment keeps at least
 * COR_HOLDERS_MIN holders.
 * Trusts: the directory's owner. Fatal: nothing. */
#include "keyfile.h"
#include "cert.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST = COR_C(OPERATIONS), LAST = COR_C(MONITORING), FILES_MAX = LAST - FIRST + 1 };

static bool key_path(const char *dir, Corridor__V1__Compartment c, char out[PATH_MAX], cor_error *err) {
  int n = snprintf(out, PATH_MAX, "%s/keys/%s.key", dir, cor_compartment_name(c));
  return (n > 0 && n < PATH_MAX) || cor_fail(err, COR_BAD_INPUT, "dir", "the directory's name is too long");
}

/* ---- one change ---- */

/* What an alteration has to work with. */
typedef struct alteration {
  const cor_holder *holder; /* added, or whose passphrase changes */
  const char *user;         /* removed */
  const uint8_t *secret;    /* recovery */
  const uint8_t (*shares)[COR_HASH_LEN];
  int64_t at;
} alteration;

typedef bool (*alter_fn)(keyfile *file, const keyfile_opened *opened, const alteration *what, cor_error *err);

static const cor_holder *present_holder(const keyfile *file, const cor_key_change *change) {
  for (size_t i = 0; i < change->n_by; i++)
    if (keyfile_find(file, change->by[i].user)) return &change->by[i];
  return change->n_by > 0 ? &change->by[0] : NULL; /* and fails as a wrong passphrase does */
}

static bool unlock(const keyfile *file, const cor_key_change *change, const alteration *what, bool by_secret,
                   keyfile_opened *opened, cor_error *err) {
  if (by_secret) return keyfile_unlock_recovery(file, what->secret, opened, err);
  const cor_holder *by = present_holder(file, change);
  return by ? keyfile_unlock(file, by, opened, err)
            : cor_fail(err, COR_NOT_PERMITTED, "user", "name a present holder of the %s key",
                       file->compartment);
}

/* The file of one compartment, changed and sealed, not yet written; NULL on error. */
static keyfile *prepare(const char *path, const cor_key_change *change, alter_fn alter,
                        const alteration *what, bool by_secret, cor_error *err) {
  keyfile_opened opened = {0};
  keyfile *file = keyfile_read(path, err);
  if (file && (!unlock(file, change, what, by_secret, &opened, err) || !alter(file, &opened, what, err) ||
               !keyfile_reseal(file, &opened, err)))
    keyfile_free(&file);
  OPENSSL_cleanse(&opened, sizeof opened);
  return file;
}

static bool apply(const cor_key_change *change, alter_fn alter, const alteration *what, bool by_secret,
                  cor_error *err) {
  char(*paths)[PATH_MAX] = calloc(FILES_MAX, sizeof *paths);
  keyfile *files[FILES_MAX] = {0};
  size_t n = 0;
  bool ok = paths || cor_fail(err, COR_INTERNAL, "", "out of memory; nothing was changed");
  for (unsigned c = FIRST; ok && c <= LAST; c++) {
    if (!(change->compartments & COR_BIT(c))) continue;
    ok = key_path(change->dir, (Corridor__V1__Compartment)c, paths[n], err) &&
         (files[n] = prepare(paths[n], change, alter, what, by_secret, err)) != NULL;
    if (ok) n++;
  }
  if (ok && n == 0) ok = cor_fail(err, COR_BAD_INPUT, "compartment", "no key was named; nothing was changed");
  for (size_t i = 0; ok && i < n; i++)
    ok = keyfile_write(paths[i], files[i], err);
  for (size_t i = 0; i < n; i++)
    keyfile_free(&files[i]);
  free(paths);
  return ok;
}

/* ---- the changes ---- */

static bool add(keyfile *file, const keyfile_opened *opened, const alteration *what, cor_error *err) {
  return keyfile_admit(file, what->holder, opened->recovered_at, err);
}

bool cor_keys_add_holder(const cor_key_change *change, const cor_holder *added, cor_error *err) {
  return apply(change, add, &(alteration){.holder = added}, false, err);
}

static void take_out(keyfile *file, const keyfile_holder *h) {
  const size_t i = (size_t)(h - file->holders);
  memmove(&file->holders[i], &file->holders[i + 1], (file->n - i - 1) * sizeof *file->holders);
  OPENSSL_cleanse(&file->holders[--file->n], sizeof *file->holders);
}

static bool take_holder_out(keyfile *file, const keyfile_opened *opened, const alteration *what,
                            cor_error *err) {
  const keyfile_holder *h = keyfile_find(file, what->user);
  (void)opened;
  if (!h)
    return cor_fail(err, COR_BAD_INPUT, "holder",
                    "this user holds no share of the %s key; nothing was changed", file->compartment);
  if (file->n <= COR_HOLDERS_MIN)
    return cor_fail(err, COR_CONFLICT, "holder",
                    "the %s key keeps at least %d holders: add the successor first; nothing was changed",
                    file->compartment, COR_HOLDERS_MIN);
  take_out(file, h);
  return true;
}

bool cor_keys_remove_holder(const cor_key_change *change, const char *user, cor_error *err) {
  return apply(change, take_holder_out, &(alteration){.user = user}, false, err);
}

/* The mark of a recovery stays: a new passphrase must not take it away. */
static bool replace(keyfile *file, const keyfile_opened *opened, const alteration *what, cor_error *err) {
  const keyfile_holder *h = keyfile_find(file, what->holder->user);
  if (!h) return cor_fail(err, COR_INTERNAL, "", "the holder is gone; nothing was changed");
  take_out(file, h);
  return keyfile_admit(file, what->holder, opened->recovered_at, err);
}

bool cor_keys_change_passphrase(const cor_key_change *change, const char *fresh, cor_error *err) {
  if (change->n_by != 1) return cor_fail(err, COR_BAD_INPUT, "user", "one holder changes a passphrase");
  const cor_holder holder = {change->by[0].user, fresh};
  return apply(change, replace, &(alteration){.holder = &holder}, false, err);
}

static bool put_recovery(keyfile *file, const keyfile_opened *opened, const alteration *what,
                         cor_error *err) {
  uint8_t private[COR_WRAP_KEY];
  (void)opened;
  file->recovery = (keyfile_recovery){.made = true};
  memcpy(file->recovery.shares, what->shares, sizeof file->recovery.shares);
  const bool ok = keyfile_recovery_keys(what->secret, private, file->recovery.public);
  OPENSSL_cleanse(private, sizeof private);
  return ok || cor_fail(err, COR_INTERNAL, "", "could not make a recovery key; nothing was changed");
}

bool cor_keys_make_recovery(const cor_key_change *change, const uint8_t secret[COR_RECOVERY_LEN],
                            const uint8_t shares[COR_SHARES][COR_HASH_LEN], cor_error *err) {
  return apply(change, put_recovery, &(alteration){.secret = secret, .shares = shares}, false, err);
}

static bool let_in(keyfile *file, const keyfile_opened *opened, const alteration *what, cor_error *err) {
  (void)opened;
  return keyfile_admit(file, what->holder, what->at, err);
}

bool cor_keys_recover(const cor_key_change *change, const uint8_t secret[COR_RECOVERY_LEN],
                      const cor_holder *added, int64_t at, cor_error *err) {
  return apply(change, let_in, &(alteration){.secret = secret, .holder = added, .at = at}, true, err);
}

bool cor_keyfile_add_holder(const char *path, const cor_holder *by, const cor_holder *added, cor_error *err) {
  const cor_key_change change = {.by = by, .n_by = 1};
  keyfile *file = prepare(path, &change, add, &(alteration){.holder = added}, false, err);
  const bool ok = file && keyfile_write(path, file, err);
  keyfile_free(&file);
  return ok;
}

/* ---- looking ---- */

bool cor_keys_look(const char *dir, Corridor__V1__Compartment compartment, cor_keyfile_facts *out,
                   cor_error *err) {
  char path[PATH_MAX];
  *out = (cor_keyfile_facts){0};
  if (!key_path(dir, compartment, path, err) || !cor_keyfile_look(path, out, err)) return false;
  return out->compartment == compartment ||
         cor_fail(err, COR_BAD_INPUT, "", "%s is the key file of another compartment", path);
}

static bool holds(const cor_keyfile_facts *facts, const char *user) {
  for (size_t i = 0; i < facts->n; i++)
    if (strcmp(facts->holders[i].user, user) == 0) return true;
  return false;
}

bool cor_keys_held(const char *dir, const char *user, unsigned *compartments, cor_error *err) {
  cor_keyfile_facts facts;
  char path[PATH_MAX];
  *compartments = 0;
  for (unsigned c = FIRST; c <= LAST; c++) {
    if (!key_path(dir, (Corridor__V1__Compartment)c, path, err)) return false;
    if (access(path, F_OK) != 0) continue;
    if (!cor_keys_look(dir, (Corridor__V1__Compartment)c, &facts, err)) return false;
    if (!user || holds(&facts, user)) *compartments |= COR_BIT(c);
  }
  return true;
}
