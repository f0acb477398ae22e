/* keyfile.c - a compartment's private key, shared by its holders.
 *
 * For: sealing keys at rest (design 2). The PKCS#8 key is encrypted once under
 * a random data key; the data key is wrapped once per holder under that
 * holder's passphrase, so that a colleague is added without the others.
 * Guarantees: nothing but the holder's own passphrase opens a share; a share or
 * a key moved between compartments, keys or users does not open (all three are
 * in the additional data); a user without a share and a wrong passphrase cost
 * the same work and get the same answer; a file that others can read is
 * refused.
 * Trusts: libcrypto; the file system's rename.
 * Fatal: nothing; a failed change leaves the file as it was. */
#include "corridor/office.h"
#include "cert.h"
#include "wrap.h"
#include "corridor/json.h"
#include "corridor/refusal.h"
#include "corridor/wipe.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 65536, HOLDERS_MAX = 32 };

/* "corridor/v1/keyfile" 00 compartment 00 SHA-256(spki) [user] */
typedef struct binding {
  uint8_t data[128];
  size_t len;
} binding;

static binding bind_to(const char *compartment, cor_bytes spki, const char *user) {
  static const char domain[] = "corridor/v1/keyfile";
  binding b = {.len = 0};
  size_t name_len = strlen(compartment) + 1, user_len = user ? strlen(user) : 0;
  memcpy(b.data, domain, sizeof domain); /* with its NUL */
  b.len = sizeof domain;
  memcpy(b.data + b.len, compartment, name_len);
  b.len += name_len;
  cor_sha256(b.data + b.len, &spki, 1);
  b.len += COR_HASH_LEN;
  if (user) memcpy(b.data + b.len, user, user_len);
  b.len += user_len;
  return b;
}

/* ---- JSON ---- */

static json_t *base64(const uint8_t *data, size_t len) {
  unsigned char text[2 * COR_WRAP_MAX];
  if (len > COR_WRAP_MAX) return NULL;
  return json_stringn((const char *)text, (size_t)EVP_EncodeBlock(text, data, (int)len));
}

/* Strict: whole quartets, length between min and max. */
static bool unbase64(const json_t *object, const char *name, uint8_t *out, size_t min, size_t max,
                     size_t *len) {
  uint8_t raw[COR_WRAP_MAX + 4];
  const json_t *value = json_object_get(object, name);
  const char *text = json_string_value(value);
  size_t n = json_string_length(value);
  if (!text || n == 0 || n % 4 != 0 || n / 4 * 3 > sizeof raw) return false;
  int decoded = EVP_DecodeBlock(raw, (const unsigned char *)text, (int)n);
  if (decoded < 0) return false;
  size_t got = (size_t)decoded - (text[n - 1] == '=') - (text[n - 2] == '=');
  bool ok = got >= min && got <= max;
  if (ok) memcpy(out, raw, got);
  if (len) *len = got;
  OPENSSL_cleanse(raw, sizeof raw);
  return ok;
}

static bool put_piece(json_t *object, const char *data_name, const cor_wrapped *piece) {
  return json_object_set_new(object, "iv", base64(piece->iv, COR_WRAP_IV)) == 0 &&
         json_object_set_new(object, data_name, base64(piece->data, piece->len)) == 0 &&
         json_object_set_new(object, "tag", base64(piece->tag, COR_WRAP_TAG)) == 0;
}

static bool get_piece(const json_t *object, const char *data_name, size_t max, cor_wrapped *piece) {
  return unbase64(object, "iv", piece->iv, COR_WRAP_IV, COR_WRAP_IV, NULL) &&
         unbase64(object, data_name, piece->data, 1, max, &piece->len) &&
         unbase64(object, "tag", piece->tag, COR_WRAP_TAG, COR_WRAP_TAG, NULL);
}

static bool write_json(const char *path, const json_t *file, cor_error *err) {
  char *text = json_dumps(file, JSON_INDENT(2));
  if (!text) return cor_fail(err, COR_INTERNAL, "", "out of memory; the key file was not changed");
  bool ok = cor_file_write(path, (cor_bytes){(uint8_t *)text, strlen(text)}, 0600, err);
  cor_wipe_free(text);
  return ok;
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

static const json_t *find_holder(const json_t *file, const char *user) {
  const json_t *holders = json_object_get(file, "holders");
  for (size_t i = 0; i < json_array_size(holders) && i < HOLDERS_MAX; i++) {
    const json_t *holder = json_array_get(holders, i);
    const char *name = json_string_value(json_object_get(holder, "user"));
    if (name && strcmp(name, user) == 0) return holder;
  }
  return NULL;
}

/* A new share for the holder; NULL on error. */
static json_t *wrap_for(const cor_holder *holder, const char *compartment, cor_bytes spki,
                        const uint8_t data_key[COR_WRAP_KEY]) {
  uint8_t salt[COR_WRAP_SALT], kek[COR_WRAP_KEY];
  cor_wrapped piece;
  binding aad = bind_to(compartment, spki, holder->user);
  cor_random(salt, sizeof salt);
  json_t *share = NULL;
  if (cor_wrap_stretch(holder->passphrase, salt, kek) &&
      cor_wrap_seal(kek, (cor_bytes){aad.data, aad.len}, (cor_bytes){data_key, COR_WRAP_KEY}, &piece)) {
    share = json_pack("{s:s, s:s, s:i, s:i, s:i, s:o}", "user", holder->user, "kdf", "scrypt", "n",
                      COR_SCRYPT_N, "r", COR_SCRYPT_R, "p", COR_SCRYPT_P, "salt", base64(salt, sizeof salt));
  }
  if (share && !put_piece(share, "wrapped", &piece)) {
    json_decref(share);
    share = NULL;
  }
  OPENSSL_cleanse(kek, sizeof kek);
  return share;
}

static bool share_readable(const json_t *share, uint8_t salt[COR_WRAP_SALT], cor_wrapped *piece) {
  const char *kdf = json_string_value(json_object_get(share, "kdf"));
  return kdf && strcmp(kdf, "scrypt") == 0 &&
         json_integer_value(json_object_get(share, "n")) == COR_SCRYPT_N &&
         json_integer_value(json_object_get(share, "r")) == COR_SCRYPT_R &&
         json_integer_value(json_object_get(share, "p")) == COR_SCRYPT_P &&
         unbase64(share, "salt", salt, COR_WRAP_SALT, COR_WRAP_SALT, NULL) &&
         get_piece(share, "wrapped", COR_WRAP_KEY, piece) && piece->len == COR_WRAP_KEY;
}

/* ---- the file ---- */

typedef struct keyfile {
  json_t *json;
  char compartment[16];
  uint8_t spki[256];
  size_t spki_len;
  cor_wrapped key;
} keyfile;

static cor_bytes spki_of(const keyfile *file) {
  return (cor_bytes){file->spki, file->spki_len};
}

static bool keyfile_read(const char *path, keyfile *file, cor_error *err) {
  cor_buf text = {0};
  Corridor__V1__Compartment compartment;
  *file = (keyfile){0};
  if (!cor_file_read(path, FILE_MAX, true, &text, err)) return false;
  file->json = cor_json_parse(cor_buf_view(&text), err);
  cor_buf_clear(&text);
  if (!file->json) return false;
  const char *name = json_string_value(json_object_get(file->json, "compartment"));
  bool ok = name && cor_compartment_parse(name, &compartment) && strlen(name) < sizeof file->compartment &&
            unbase64(file->json, "spki", file->spki, 1, sizeof file->spki, &file->spki_len) &&
            get_piece(file->json, "sealed_key", sizeof file->key.data, &file->key) &&
            json_is_array(json_object_get(file->json, "holders"));
  if (!ok) {
    json_decref(file->json);
    *file = (keyfile){0};
    return cor_fail(err, COR_BAD_INPUT, "", "%s is damaged or not a key file; restore it from a backup",
                    path);
  }
  memcpy(file->compartment, name, strlen(name) + 1);
  return true;
}

static void keyfile_clear(keyfile *file) {
  json_decref(file->json);
  *file = (keyfile){0};
}

/* Somebody without a share is put through the same work, on a share that can
 * never open, and gets the same answer: trying names tells nobody who holds
 * one. */
static bool unwrap_as(const keyfile *file, const char *user, const char *passphrase,
                      uint8_t data_key[COR_WRAP_KEY], cor_error *err) {
  uint8_t salt[COR_WRAP_SALT] = {0}, kek[COR_WRAP_KEY] = {0};
  cor_wrapped piece = {.len = COR_WRAP_KEY};
  const json_t *share = user_ok(user) ? find_holder(file->json, user) : NULL;
  bool usable = share && share_readable(share, salt, &piece);
  binding aad = bind_to(file->compartment, spki_of(file), usable ? user : "");
  piece.len = COR_WRAP_KEY;
  bool ok = strlen(passphrase) <= COR_PASSPHRASE_MAX && cor_wrap_stretch(passphrase, salt, kek) &&
            cor_wrap_open(kek, (cor_bytes){aad.data, aad.len}, &piece, data_key) && usable;
  OPENSSL_cleanse(kek, sizeof kek);
  ERR_clear_error();
  if (!ok) {
    OPENSSL_cleanse(data_key, COR_WRAP_KEY);
    return cor_fail(err, COR_WRONG_PASSPHRASE, "", "this user and passphrase do not open the %s key",
                    file->compartment);
  }
  return true;
}

static bool make_args_ok(Corridor__V1__Compartment compartment, const cor_holder *holders, size_t n,
                         cor_error *err) {
  if (!cor_compartment_seals(compartment)) {
    return cor_fail(err, COR_BAD_INPUT, "compartment", "this compartment has no sealing key");
  }
  if (n == 0 || n > HOLDERS_MAX) {
    return cor_fail(err, COR_BAD_INPUT, "holders", "a key file has 1 to %d holders", HOLDERS_MAX);
  }
  for (size_t i = 0; i < n; i++) {
    if (!holder_ok(&holders[i], err)) return false;
    for (size_t j = 0; j < i; j++) {
      if (strcmp(holders[i].user, holders[j].user) == 0)
        return cor_fail(err, COR_CONFLICT, "holders", "one user is named twice");
    }
  }
  return true;
}

static json_t *new_file(const char *compartment, cor_bytes spki, cor_bytes pkcs8, const cor_holder *holders,
                        size_t n) {
  uint8_t data_key[COR_WRAP_KEY];
  cor_wrapped piece;
  binding aad = bind_to(compartment, spki, NULL);
  cor_random(data_key, sizeof data_key);
  json_t *list = json_array();
  bool ok = list && cor_wrap_seal(data_key, (cor_bytes){aad.data, aad.len}, pkcs8, &piece);
  for (size_t i = 0; ok && i < n; i++)
    ok = json_array_append_new(list, wrap_for(&holders[i], compartment, spki, data_key)) == 0;
  OPENSSL_cleanse(data_key, sizeof data_key);
  json_t *file = ok ? json_pack("{s:s, s:o}", "compartment", compartment, "spki", base64(spki.data, spki.len))
                    : NULL;
  if (file && (!put_piece(file, "sealed_key", &piece) || json_object_set(file, "holders", list) != 0)) {
    json_decref(file);
    file = NULL;
  }
  json_decref(list);
  return file;
}

bool cor_keyfile_make(const char *path, Corridor__V1__Compartment compartment, EVP_PKEY *key,
                      const cor_holder *holders, size_t n, cor_error *err) {
  if (!make_args_ok(compartment, holders, n, err)) return false;
  cor_buf spki = {0};
  if (!cor_key_to_spki(key, &spki, err)) return false;
  unsigned char *pkcs8 = NULL;
  PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
  int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &pkcs8) : 0;
  json_t *file = NULL;
  if (len > 0) {
    file = new_file(cor_compartment_name(compartment), cor_buf_view(&spki), (cor_bytes){pkcs8, (size_t)len},
                    holders, n);
  }
  bool ok = file ? write_json(path, file, err)
                 : cor_fail(err, COR_INTERNAL, "", "could not make the key file; nothing was written");
  json_decref(file);
  if (len > 0) OPENSSL_clear_free(pkcs8, (size_t)len);
  PKCS8_PRIV_KEY_INFO_free(info);
  cor_buf_clear(&spki);
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

EVP_PKEY *cor_keyfile_open(const char *path, const char *user, const char *passphrase, cor_error *err) {
  keyfile file;
  uint8_t data_key[COR_WRAP_KEY], pkcs8[COR_WRAP_MAX];
  cor_buf spki = {0};
  EVP_PKEY *key = NULL;
  if (!keyfile_read(path, &file, err)) return NULL;
  binding aad = bind_to(file.compartment, spki_of(&file), NULL);
  if (!unwrap_as(&file, user, passphrase, data_key, err)) goto done;
  if (cor_wrap_open(data_key, (cor_bytes){aad.data, aad.len}, &file.key, pkcs8))
    key = key_from_pkcs8(pkcs8, file.key.len);
  bool ok = key && cor_key_to_spki(key, &spki, err) && cor_bytes_equal(cor_buf_view(&spki), spki_of(&file));
  if (!ok) {
    EVP_PKEY_free(key);
    key = NULL;
    cor_fail(err, COR_BAD_INPUT, "",
             "%s is damaged: the key inside does not verify; restore it from a backup", path);
  }
done:
  OPENSSL_cleanse(data_key, sizeof data_key);
  OPENSSL_cleanse(pkcs8, sizeof pkcs8);
  cor_buf_clear(&spki);
  keyfile_clear(&file);
  return key;
}

bool cor_keyfile_add_holder(const char *path, const cor_holder *by, const cor_holder *added, cor_error *err) {
  keyfile file;
  uint8_t data_key[COR_WRAP_KEY];
  bool ok = false;
  if (!holder_ok(added, err) || !keyfile_read(path, &file, err)) return false;
  json_t *holders = json_object_get(file.json, "holders");
  if (!unwrap_as(&file, by->user, by->passphrase, data_key, err)) goto done;
  if (find_holder(file.json, added->user)) {
    cor_fail(err, COR_CONFLICT, "user", "this user holds a share already; nothing was changed");
  } else if (json_array_size(holders) >= HOLDERS_MAX) {
    cor_fail(err, COR_LIMIT_REACHED, "holders", "a key file has at most %d holders", HOLDERS_MAX);
  } else if (json_array_append_new(holders, wrap_for(added, file.compartment, spki_of(&file), data_key)) !=
             0) {
    cor_fail(err, COR_INTERNAL, "", "could not wrap the key; nothing was changed");
  } else {
    ok = write_json(path, file.json, err);
  }
done:
  OPENSSL_cleanse(data_key, sizeof data_key);
  keyfile_clear(&file);
  return ok;
}

bool cor_keyfile_public(const char *path, Corridor__V1__Compartment *compartment, cor_buf *spki,
                        cor_error *err) {
  keyfile file;
  if (!keyfile_read(path, &file, err)) return false;
  bool ok = cor_compartment_parse(file.compartment, compartment) && cor_buf_copy(spki, spki_of(&file), err);
  keyfile_clear(&file);
  return ok;
}
