/* keyfile.c - the text of a key file: read strictly, written whole.
 *
 * For: keyfile_open.c and keyfile_change.c, which know what the pieces are for.
 * Guarantees: what is read has every piece with its right length, at most
 * COR_HOLDERS_MAX holders, and no user twice; a file that others can read is
 * refused; a failed writing leaves the old file. Nothing here is secret: every
 * piece is sealed, and names, times and public keys are bound by those seals.
 * Trusts: the file system's rename.
 * Fatal: nothing. */
#include "keyfile.h"
#include "cert.h"
#include "corridor/json.h"
#include "corridor/refusal.h"
#include "corridor/wipe.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 256 * 1024, VERSION = 2 };

/* ---- pieces ---- */

static json_t *base64(const uint8_t *data, size_t len) {
  unsigned char text[2 * COR_WRAP_MAX];
  if (len > COR_WRAP_MAX) return NULL;
  return json_stringn((const char *)text, (size_t)EVP_EncodeBlock(text, data, (int)len));
}

/* Strict: whole quartets, length between min and max. */
static bool unbase64_value(const json_t *value, uint8_t *out, size_t min, size_t max, size_t *len) {
  uint8_t raw[COR_WRAP_MAX + 4];
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

static bool unbase64(const json_t *object, const char *name, uint8_t *out, size_t min, size_t max,
                     size_t *len) {
  return unbase64_value(json_object_get(object, name), out, min, max, len);
}

static bool bytes_of(const json_t *object, const char *name, uint8_t *out, size_t len) {
  return unbase64(object, name, out, len, len, NULL);
}

static bool put_bytes(json_t *object, const char *name, const uint8_t *data, size_t len) {
  return json_object_set_new(object, name, base64(data, len)) == 0;
}

static bool put_piece(json_t *object, const char *data_name, const cor_wrapped *piece) {
  return put_bytes(object, "iv", piece->iv, COR_WRAP_IV) &&
         put_bytes(object, data_name, piece->data, piece->len) &&
         put_bytes(object, "tag", piece->tag, COR_WRAP_TAG);
}

static bool get_piece(const json_t *object, const char *data_name, size_t max, cor_wrapped *piece) {
  return bytes_of(object, "iv", piece->iv, COR_WRAP_IV) &&
         unbase64(object, data_name, piece->data, 1, max, &piece->len) &&
         bytes_of(object, "tag", piece->tag, COR_WRAP_TAG);
}

/* A wrapped key, of a holder or of the recovery. */
static bool get_key(const json_t *object, const char *name, cor_wrapped *piece) {
  return get_piece(object, name, COR_WRAP_KEY, piece) && piece->len == COR_WRAP_KEY;
}

static bool put_box(json_t *object, const cor_box *box) {
  json_t *out = json_object();
  if (out && (!put_bytes(out, "from", box->from, COR_WRAP_KEY) || !put_piece(out, "wrapped", &box->piece))) {
    json_decref(out);
    out = NULL;
  }
  return json_object_set_new(object, "box", out) == 0;
}

static bool get_box(const json_t *object, cor_box *box) {
  const json_t *in = json_object_get(object, "box");
  return bytes_of(in, "from", box->from, COR_WRAP_KEY) && get_key(in, "wrapped", &box->piece);
}

/* ---- holders and recovery ---- */

static bool put_holder(json_t *list, const keyfile_holder *h) {
  json_t *one = json_pack("{s:s, s:I, s:s, s:i, s:i, s:i}", "user", h->user, "recovered_at",
                          (json_int_t)h->recovered_at, "kdf", "scrypt", "n", COR_SCRYPT_N, "r", COR_SCRYPT_R,
                          "p", COR_SCRYPT_P);
  if (one && (!put_bytes(one, "salt", h->salt, COR_WRAP_SALT) ||
              !put_bytes(one, "public", h->public, COR_WRAP_KEY) || !put_piece(one, "secret", &h->secret) ||
              !put_box(one, &h->box))) {
    json_decref(one);
    one = NULL;
  }
  return json_array_append_new(list, one) == 0;
}

static bool get_holder(const json_t *in, keyfile_holder *h) {
  const char *user = json_string_value(json_object_get(in, "user"));
  const char *kdf = json_string_value(json_object_get(in, "kdf"));
  const json_t *at = json_object_get(in, "recovered_at");
  if (!user || !*user || strlen(user) > COR_USER_MAX || !json_is_integer(at) || !kdf) return false;
  memcpy(h->user, user, strlen(user) + 1);
  h->recovered_at = json_integer_value(at);
  return strcmp(kdf, "scrypt") == 0 && json_integer_value(json_object_get(in, "n")) == COR_SCRYPT_N &&
         json_integer_value(json_object_get(in, "r")) == COR_SCRYPT_R &&
         json_integer_value(json_object_get(in, "p")) == COR_SCRYPT_P &&
         bytes_of(in, "salt", h->salt, COR_WRAP_SALT) && bytes_of(in, "public", h->public, COR_WRAP_KEY) &&
         get_key(in, "secret", &h->secret) && get_box(in, &h->box);
}

static bool put_recovery(json_t *file, const keyfile_recovery *r) {
  if (!r->made) return true;
  json_t *out = json_object(), *shares = json_array();
  bool ok = out && shares && put_bytes(out, "public", r->public, COR_WRAP_KEY) && put_box(out, &r->box);
  for (size_t i = 0; ok && i < COR_SHARES; i++)
    ok = json_array_append_new(shares, base64(r->shares[i], COR_HASH_LEN)) == 0;
  ok = ok && json_object_set(out, "shares", shares) == 0 && json_object_set(file, "recovery", out) == 0;
  json_decref(shares);
  json_decref(out);
  return ok;
}

static bool get_recovery(const json_t *file, keyfile_recovery *r) {
  const json_t *in = json_object_get(file, "recovery"), *shares = json_object_get(in, "shares");
  if (!in) return true;
  r->made = true;
  bool ok = bytes_of(in, "public", r->public, COR_WRAP_KEY) && get_box(in, &r->box) &&
            json_array_size(shares) == COR_SHARES;
  for (size_t i = 0; ok && i < COR_SHARES; i++)
    ok = unbase64_value(json_array_get(shares, i), r->shares[i], COR_HASH_LEN, COR_HASH_LEN, NULL);
  return ok;
}

/* ---- the file ---- */

const keyfile_holder *keyfile_find(const keyfile *file, const char *user) {
  for (size_t i = 0; i < file->n; i++)
    if (strcmp(file->holders[i].user, user) == 0) return &file->holders[i];
  return NULL;
}

static bool get_file(const json_t *json, keyfile *file) {
  Corridor__V1__Compartment compartment;
  const char *name = json_string_value(json_object_get(json, "compartment"));
  const json_t *holders = json_object_get(json, "holders");
  if (!name || !cor_compartment_parse(name, &compartment) || strlen(name) >= sizeof file->compartment ||
      !unbase64(json, "spki", file->spki, 1, sizeof file->spki, &file->spki_len) ||
      !get_piece(json, "sealed_key", sizeof file->key.data, &file->key) || json_array_size(holders) == 0 ||
      json_array_size(holders) > COR_HOLDERS_MAX)
    return false;
  memcpy(file->compartment, name, strlen(name) + 1);
  for (size_t i = 0; i < json_array_size(holders); i++) {
    if (!get_holder(json_array_get(holders, i), &file->holders[i]) ||
        keyfile_find(file, file->holders[i].user))
      return false;
    file->n++;
  }
  return get_recovery(json, &file->recovery);
}

keyfile *keyfile_read(const char *path, cor_error *err) {
  cor_buf text = {0};
  if (!cor_file_read(path, FILE_MAX, true, &text, err)) return NULL;
  json_t *json = cor_json_parse(cor_buf_view(&text), err);
  cor_buf_clear(&text);
  if (!json) return NULL;
  keyfile *file = calloc(1, sizeof *file);
  if (!file) {
    (void)cor_fail(err, COR_INTERNAL, "", "out of memory");
  } else if (json_integer_value(json_object_get(json, "version")) != VERSION) {
    (void)cor_fail(err, COR_UNSUPPORTED_VERSION, "", "%s is no key file of this version of Corridor", path);
    keyfile_free(&file);
  } else if (!get_file(json, file)) {
    (void)cor_fail(err, COR_BAD_INPUT, "", "%s is damaged or not a key file; restore it from a backup", path);
    keyfile_free(&file);
  }
  json_decref(json);
  return file;
}

bool keyfile_write(const char *path, const keyfile *file, cor_error *err) {
  json_t *json = json_pack("{s:i, s:s}", "version", VERSION, "compartment", file->compartment);
  json_t *holders = json_array();
  bool ok = json && holders && put_bytes(json, "spki", file->spki, file->spki_len) &&
            put_piece(json, "sealed_key", &file->key);
  for (size_t i = 0; ok && i < file->n; i++)
    ok = put_holder(holders, &file->holders[i]);
  ok = ok && json_object_set(json, "holders", holders) == 0 && put_recovery(json, &file->recovery);
  char *text = ok ? json_dumps(json, JSON_INDENT(2)) : NULL;
  json_decref(holders);
  json_decref(json);
  if (!text) return cor_fail(err, COR_INTERNAL, "", "out of memory; the key file was not changed");
  ok = cor_file_write(path, (cor_bytes){(uint8_t *)text, strlen(text)}, 0600, err);
  cor_wipe_free(text);
  return ok;
}

void keyfile_free(keyfile **file) {
  cor_wipe_free(*file);
  *file = NULL;
}

bool cor_keyfile_public(const char *path, Corridor__V1__Compartment *compartment, cor_buf *spki,
                        cor_error *err) {
  keyfile *file = keyfile_read(path, err);
  if (!file) return false;
  bool ok = cor_compartment_parse(file->compartment, compartment) &&
            cor_buf_copy(spki, (cor_bytes){file->spki, file->spki_len}, err);
  keyfile_free(&file);
  return ok;
}

bool cor_keyfile_look(const char *path, cor_keyfile_facts *out, cor_error *err) {
  keyfile *file = keyfile_read(path, err);
  *out = (cor_keyfile_facts){0};
  if (!file) return false;
  bool ok = cor_compartment_parse(file->compartment, &out->compartment); /* read, so it is one */
  for (out->n = 0; out->n < file->n; out->n++) {
    memcpy(out->holders[out->n].user, file->holders[out->n].user, sizeof file->holders[out->n].user);
    out->holders[out->n].recovered_at = file->holders[out->n].recovered_at;
  }
  out->has_recovery = file->recovery.made;
  memcpy(out->shares, file->recovery.shares, sizeof out->shares);
  keyfile_free(&file);
  return ok;
}
