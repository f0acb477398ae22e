/* keyfile_open.c - a compartment's private key, shared by its holders.
 *
 * For: sealing keys at rest (design 2). The PKCS#8 key is encrypted under a random
 * data key; the data key is wrapped once per holder: sealed for a key pair whose
 * private half only that holder's passphrase opens. So the data key is made anew at
 * every change of the holders, with one of them present and no other passphrase.
 * Guarantees: nothing but a holder's own passphrase, or two recovery shares, opens
 * the key; a share or a key moved between compartments, keys or users does not open
 * (all three are in the additional data), and neither does a file in which the list
 * of holders, their public keys or the recovery key were changed by someone without
 * the data key; a user without a share and a wrong passphrase cost the same work and
 * get the same answer.
 * Trusts: libcrypto.
 * Fatal: nothing; a failed change leaves the file as it was. */
#include "keyfile.h"
#include "cert.h"
#include "corridor/refusal.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what seals are bound to ---- */

/* "corridor/v1/keyfile" 00 compartment 00 SHA-256(spki) and what follows */
typedef struct binding {
  uint8_t data[192];
  size_t len;
} binding;

static void bind_more(binding *b, const void *data, size_t len) {
  memcpy(b->data + b->len, data, len); /* at most 20 + 16 + 32 + 33 + 8 + 32 in all */
  b->len += len;
}

static binding bind_file(const keyfile *file) {
  static const char domain[] = "corridor/v1/keyfile";
  const cor_bytes spki = {file->spki, file->spki_len};
  uint8_t hash[COR_HASH_LEN];
  binding b = {.len = 0};
  bind_more(&b, domain, sizeof domain); /* with its NUL */
  bind_more(&b, file->compartment, strlen(file->compartment) + 1);
  cor_sha256(hash, &spki, 1);
  bind_more(&b, hash, sizeof hash);
  return b;
}

static void put_time(uint8_t out[8], int64_t ms) {
  for (int i = 0; i < 8; i++)
    out[i] = (uint8_t)((uint64_t)ms >> (56 - 8 * i));
}

static binding bind_holder(const keyfile *file, const keyfile_holder *h) {
  uint8_t at[8];
  binding b = bind_file(file);
  put_time(at, h->recovered_at);
  bind_more(&b, h->user, strlen(h->user) + 1);
  bind_more(&b, at, sizeof at);
  bind_more(&b, h->public, sizeof h->public);
  return b;
}

static binding bind_recovery(const keyfile *file) {
  binding b = bind_file(file);
  bind_more(&b, "", 1); /* where a holder's name would be */
  bind_more(&b, file->recovery.public, sizeof file->recovery.public);
  return b;
}

/* The private key is bound to everybody it will be wrapped for next time: who can
 * write the file but not open it must not get a public key of their own in. */
static binding bind_list(const keyfile *file) {
  uint8_t digest[COR_HASH_LEN] = {0}, at[8];
  for (size_t i = 0; i < file->n; i++) {
    const keyfile_holder *h = &file->holders[i];
    put_time(at, h->recovered_at);
    const cor_bytes pieces[] = {{digest, sizeof digest},
                                {(const uint8_t *)h->user, strlen(h->user) + 1},
                                {at, sizeof at},
                                {h->public, sizeof h->public}};
    cor_sha256(digest, pieces, sizeof pieces / sizeof *pieces);
  }
  const keyfile_recovery *r = &file->recovery;
  const uint8_t made = r->made;
  const cor_bytes pieces[] = {{digest, sizeof digest},
                              {&made, 1},
                              {r->public, sizeof r->public},
                              {(const uint8_t *)r->shares, sizeof r->shares}};
  cor_sha256(digest, pieces, sizeof pieces / sizeof *pieces);
  binding b = bind_file(file);
  bind_more(&b, digest, sizeof digest);
  return b;
}

static cor_bytes view(const binding *b) {
  return (cor_bytes){b->data, b->len};
}

/* ---- holders ---- */

static bool user_ok(const char *user) {
  size_t len = strspn(user, "abcdefghijklmnopqrstuvwxyz0123456789._-");
  return len >= 1 && len <= COR_USER_MAX && user[len] == '\0';
}

static bool holder_ok(const cor_holder *holder, cor_error *err) {
  size_t len = strlen(holder->passphrase);
  if (!user_ok(holder->user)) {
    return cor_fail(err, COR_BAD_INPUT, "user",
                    "a user name is 1 to 32 of a-z, 0-9, dot, dash and underscore");
  }
  if (len < COR_PASSPHRASE_MIN || len > COR_PASSPHRASE_MAX) {
    return cor_fail(err, COR_BAD_INPUT, "passphrase", "a passphrase has 8 to 1024 bytes");
  }
  return true;
}

bool keyfile_admit(keyfile *file, const cor_holder *holder, int64_t recovered_at, cor_error *err) {
  uint8_t secret[COR_WRAP_KEY], kek[COR_WRAP_KEY];
  if (!holder_ok(holder, err)) return false;
  if (keyfile_find(file, holder->user))
    return cor_fail(err, COR_CONFLICT, "user", "this user holds a share already; nothing was changed");
  if (file->n == COR_HOLDERS_MAX)
    return cor_fail(err, COR_LIMIT_REACHED, "holders", "a key file has at most %d holders", COR_HOLDERS_MAX);
  keyfile_holder *h = &file->holders[file->n];
  *h = (keyfile_holder){.recovered_at = recovered_at};
  memcpy(h->user, holder->user, strlen(holder->user) + 1);
  cor_random(h->salt, sizeof h->salt);
  bool ok = cor_box_keys(secret, h->public) && cor_wrap_stretch(holder->passphrase, h->salt, kek);
  const binding aad = bind_holder(file, h);
  ok = ok && cor_wrap_seal(kek, view(&aad), (cor_bytes){secret, sizeof secret}, &h->secret);
  OPENSSL_cleanse(secret, sizeof secret);
  OPENSSL_cleanse(kek, sizeof kek);
  if (ok) file->n++;
  return ok || cor_fail(err, COR_INTERNAL, "", "could not wrap the key; nothing was changed");
}

/* ---- opening ---- */

static bool damaged(cor_error *err, const keyfile *file) {
  return cor_fail(
      err, COR_BAD_INPUT, "",
      "the %s key file is damaged, or was changed by someone who does not hold it; restore it from "
      "a backup",
      file->compartment);
}

static bool open_key(const keyfile *file, const uint8_t data_key[COR_WRAP_KEY], keyfile_opened *out,
                     cor_error *err) {
  const binding list = bind_list(file);
  out->len = file->key.len;
  return cor_wrap_open(data_key, view(&list), &file->key, out->pkcs8) || damaged(err, file);
}

/* Somebody without a share is put through the same work, on a share that can
 * never open, and gets the same answer: trying names tells nobody who holds
 * one. */
bool keyfile_data_key(const keyfile *file, const cor_holder *who, uint8_t data_key[COR_WRAP_KEY],
                      cor_error *err) {
  static const keyfile_holder nobody = {.secret = {.len = COR_WRAP_KEY}};
  uint8_t kek[COR_WRAP_KEY] = {0}, private[COR_WRAP_KEY] = {0};
  const keyfile_holder *held = user_ok(who->user) ? keyfile_find(file, who->user) : NULL;
  const keyfile_holder *h = held ? held : &nobody;
  const binding aad = bind_holder(file, h);
  bool ok = strlen(who->passphrase) <= COR_PASSPHRASE_MAX &&
            cor_wrap_stretch(who->passphrase, h->salt, kek) &&
            cor_wrap_open(kek, view(&aad), &h->secret, private) && held;
  OPENSSL_cleanse(kek, sizeof kek);
  ERR_clear_error();
  if (ok)
    ok = cor_box_open(private, view(&aad), &h->box, data_key) || damaged(err, file);
  else
    (void)cor_fail(err, COR_WRONG_PASSPHRASE, "", "this user and passphrase do not open the %s key",
                   file->compartment);
  OPENSSL_cleanse(private, sizeof private);
  return ok;
}

bool keyfile_unlock(const keyfile *file, const cor_holder *who, keyfile_opened *out, cor_error *err) {
  uint8_t data_key[COR_WRAP_KEY];
  const bool ok = keyfile_data_key(file, who, data_key, err) && open_key(file, data_key, out, err);
  if (ok) out->recovered_at = keyfile_find(file, who->user)->recovered_at;
  OPENSSL_cleanse(data_key, sizeof data_key);
  return ok;
}

bool keyfile_recovery_keys(const uint8_t secret[COR_RECOVERY_LEN], uint8_t private[COR_WRAP_KEY],
                           uint8_t public[COR_WRAP_KEY]) {
  static const char domain[] = "corridor/v1/recovery"; /* with its NUL */
  const cor_bytes pieces[] = {{(const uint8_t *)domain, sizeof domain}, {secret, COR_RECOVERY_LEN}};
  cor_sha256(private, pieces, sizeof pieces / sizeof *pieces);
  return cor_box_public(private, public);
}

bool keyfile_unlock_recovery(const keyfile *file, const uint8_t secret[COR_RECOVERY_LEN], keyfile_opened *out,
                             cor_error *err) {
  uint8_t private[COR_WRAP_KEY], public[COR_WRAP_KEY], data_key[COR_WRAP_KEY];
  const binding aad = bind_recovery(file);
  bool ok = file->recovery.made && keyfile_recovery_keys(secret, private, public) &&
            CRYPTO_memcmp(public, file->recovery.public, sizeof public) == 0;
  if (!ok)
    (void)cor_fail(err, COR_WRONG_PASSPHRASE, "share", "these shares do not open the %s key",
                   file->compartment);
  else
    ok = (cor_box_open(private, view(&aad), &file->recovery.box, data_key) || damaged(err, file)) &&
         open_key(file, data_key, out, err);
  OPENSSL_cleanse(private, sizeof private);
  OPENSSL_cleanse(data_key, sizeof data_key);
  return ok;
}

static EVP_PKEY *key_from_pkcs8(const uint8_t *der, size_t len) {
  const unsigned char *p = der;
  PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)len);
  EVP_PKEY *key = info && p == der + len ? EVP_PKCS82PKEY(info) : NULL;
  PKCS8_PRIV_KEY_INFO_free(info);
  ERR_clear_error();
  return key;
}

static EVP_PKEY *key_of(const keyfile *file, const keyfile_opened *opened, cor_error *err) {
  cor_buf spki = {0};
  EVP_PKEY *key = key_from_pkcs8(opened->pkcs8, opened->len);
  bool ok = key && cor_key_to_spki(key, &spki, err) &&
            cor_bytes_equal(cor_buf_view(&spki), (cor_bytes){file->spki, file->spki_len});
  cor_buf_clear(&spki);
  if (ok) return key;
  EVP_PKEY_free(key);
  (void)damaged(err, file);
  return NULL;
}

EVP_PKEY *cor_keyfile_open_share(const char *path, const cor_holder *holder, int64_t *recovered_at,
                                 cor_error *err) {
  keyfile_opened opened;
  EVP_PKEY *key = NULL;
  keyfile *file = keyfile_read(path, err);
  if (!file) return NULL;
  if (keyfile_unlock(file, holder, &opened, err)) key = key_of(file, &opened, err);
  *recovered_at = key ? opened.recovered_at : 0;
  OPENSSL_cleanse(&opened, sizeof opened);
  keyfile_free(&file);
  return key;
}

EVP_PKEY *cor_keyfile_open(const char *path, const char *user, const char *passphrase, cor_error *err) {
  int64_t ignored;
  return cor_keyfile_open_share(path, &(cor_holder){user, passphrase}, &ignored, err);
}

/* ---- sealing ---- */

bool keyfile_reseal(keyfile *file, const keyfile_opened *opened, cor_error *err) {
  uint8_t data_key[COR_WRAP_KEY];
  const cor_bytes plain = {data_key, sizeof data_key};
  binding aad = bind_list(file);
  cor_random(data_key, sizeof data_key);
  bool ok = cor_wrap_seal(data_key, view(&aad), (cor_bytes){opened->pkcs8, opened->len}, &file->key);
  for (size_t i = 0; ok && i < file->n; i++) {
    aad = bind_holder(file, &file->holders[i]);
    ok = cor_box_seal(file->holders[i].public, view(&aad), plain, &file->holders[i].box);
  }
  aad = bind_recovery(file);
  if (ok && file->recovery.made)
    ok = cor_box_seal(file->recovery.public, view(&aad), plain, &file->recovery.box);
  OPENSSL_cleanse(data_key, sizeof data_key);
  return ok || cor_fail(err, COR_INTERNAL, "", "could not wrap the key; nothing was changed");
}

static bool pkcs8_of(EVP_PKEY *key, keyfile_opened *out) {
  unsigned char *der = NULL;
  PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
  const int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;
  const bool ok = len > 0 && (size_t)len <= sizeof out->pkcs8;
  if (ok) memcpy(out->pkcs8, der, (size_t)len);
  out->len = ok ? (size_t)len : 0;
  if (len > 0) OPENSSL_clear_free(der, (size_t)len);
  PKCS8_PRIV_KEY_INFO_free(info);
  return ok;
}

static keyfile *new_file(Corridor__V1__Compartment compartment, EVP_PKEY *key, cor_error *err) {
  cor_buf spki = {0};
  keyfile *file = calloc(1, sizeof *file);
  bool ok = file ? cor_key_to_spki(key, &spki, err) : cor_fail(err, COR_INTERNAL, "", "out of memory");
  if (ok && spki.len > sizeof file->spki) ok = cor_fail(err, COR_INTERNAL, "", "not a key for a key file");
  if (ok) {
    memcpy(file->spki, spki.data, spki.len);
    file->spki_len = spki.len;
    (void)snprintf(file->compartment, sizeof file->compartment, "%s", cor_compartment_name(compartment));
  }
  cor_buf_clear(&spki);
  if (!ok) keyfile_free(&file);
  return file;
}

bool cor_keyfile_make(const char *path, Corridor__V1__Compartment compartment, EVP_PKEY *key,
                      const cor_holder *holders, size_t n, cor_error *err) {
  keyfile_opened opened = {0};
  if (!cor_compartment_seals(compartment))
    return cor_fail(err, COR_BAD_INPUT, "compartment", "this compartment has no sealing key");
  if (n == 0 || n > COR_HOLDERS_MAX)
    return cor_fail(err, COR_BAD_INPUT, "holders", "a key file has 1 to %d holders", COR_HOLDERS_MAX);
  keyfile *file = new_file(compartment, key, err);
  bool ok = file != NULL;
  for (size_t i = 0; ok && i < n; i++)
    ok = keyfile_admit(file, &holders[i], 0, err);
  if (ok && !pkcs8_of(key, &opened))
    ok = cor_fail(err, COR_INTERNAL, "", "could not make the key file; nothing was written");
  ok = ok && keyfile_reseal(file, &opened, err) && keyfile_write(path, file, err);
  OPENSSL_cleanse(&opened, sizeof opened);
  keyfile_free(&file);
  return ok;
}
