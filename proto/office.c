/* office.c - an office's key directory: making, requesting, installing, loading.
 *
 * For: `corridor office ...` and the daemons that read the directory.
 * Guarantees: private keys are made here and never leave; private files are
 * 0600; a directory with office.json is complete; a card list is installed only
 * if the CA signed it and it carries exactly the public keys of this
 * directory, and never an older list than the one installed.
 * Trusts: the directory's owner; the CA certificate the administrator names at
 * the first installation.
 * Fatal: nothing; a refused installation leaves the directory as it was. */
#include "corridor/office.h"
#include "cert.h"
#include "z85.h"
#include "corridor/ca.h"
#include "corridor/cards.h"
#include "corridor/codec.h"
#include "corridor/id.h"
#include "corridor/json.h"
#include "corridor/refusal.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_SEALING CORRIDOR__V1__COMPARTMENT__OPERATIONS
#define LAST_SEALING CORRIDOR__V1__COMPARTMENT__MONITORING
enum { SMALL_FILE_MAX = 65536, SEALING_COUNT = 8 };

static const char *const compartment_names[] = {
    [CORRIDOR__V1__COMPARTMENT__RECORD] = "record",
    [CORRIDOR__V1__COMPARTMENT__OPERATIONS] = "operations",
    [CORRIDOR__V1__COMPARTMENT__CASEWORK] = "casework",
    [CORRIDOR__V1__COMPARTMENT__HEALTH] = "health",
    [CORRIDOR__V1__COMPARTMENT__PROTECTION] = "protection",
    [CORRIDOR__V1__COMPARTMENT__MONITORING] = "monitoring",
};
enum { COMPARTMENTS = sizeof compartment_names / sizeof compartment_names[0] };

const char *cor_compartment_name(Corridor__V1__Compartment c) {
  return (unsigned)c < COMPARTMENTS && compartment_names[c] ? compartment_names[c] : "unknown";
}

bool cor_compartment_parse(const char *name, Corridor__V1__Compartment *out) {
  for (unsigned i = 0; i < COMPARTMENTS; i++) {
    if (compartment_names[i] && strcmp(compartment_names[i], name) == 0) {
      *out = (Corridor__V1__Compartment)i;
      return true;
    }
  }
  return false;
}

/* ---- files ---- */

static bool path_in(const char *dir, const char *file, char out[PATH_MAX], cor_error *err) {
  int n = snprintf(out, PATH_MAX, "%s/%s", dir, file);
  return (n > 0 && n < PATH_MAX) || cor_fail(err, COR_BAD_INPUT, "dir", "the directory's name is too long");
}

static bool key_path(const char *dir, Corridor__V1__Compartment c, const char *suffix, char out[PATH_MAX],
                     cor_error *err) {
  char file[64];
  (void)snprintf(file, sizeof file, "keys/%s.%s", cor_compartment_name(c), suffix);
  return path_in(dir, file, out, err);
}

static bool read_in(const char *dir, const char *file, size_t max, bool secret, cor_buf *out,
                    cor_error *err) {
  char path[PATH_MAX];
  return path_in(dir, file, path, err) && cor_file_read(path, max, secret, out, err);
}

static bool write_in(const char *dir, const char *file, cor_bytes data, unsigned mode, cor_error *err) {
  char path[PATH_MAX];
  return path_in(dir, file, path, err) && cor_file_write(path, data, mode, err);
}

static bool exists_in(const char *dir, const char *file) {
  char path[PATH_MAX];
  cor_error ignored;
  return path_in(dir, file, path, &ignored) && access(path, F_OK) == 0;
}

static bool make_dir(const char *path, cor_error *err) {
  struct stat st;
  if (mkdir(path, 0700) == 0 || (stat(path, &st) == 0 && S_ISDIR(st.st_mode))) return true;
  return cor_fail(err, COR_BAD_INPUT, "dir", "could not make the directory %s", path);
}

/* ---- making ---- */

/* An X25519 pair is a CURVE pair: both are Curve25519 (RFC 26). */
static bool make_curve(const char *dir, cor_error *err) {
  uint8_t secret[COR_CURVE_LEN], public[COR_CURVE_LEN];
  size_t secret_len = sizeof secret, public_len = sizeof public;
  char text[COR_Z85_KEY_TEXT + 1];
  EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
  bool ok = key && EVP_PKEY_get_raw_private_key(key, secret, &secret_len) == 1 &&
            EVP_PKEY_get_raw_public_key(key, public, &public_len) == 1;
  if (!ok) {
    cor_fail(err, COR_INTERNAL, "curve.key", "could not make a CURVE key");
    goto done;
  }
  const cor_bytes line = {(const uint8_t *)text, COR_Z85_KEY_TEXT};
  cor_z85_key(secret, text);
  text[COR_Z85_KEY_TEXT - 1] = '\n';
  ok = write_in(dir, "curve.key", line, 0600, err);
  cor_z85_key(public, text);
  text[COR_Z85_KEY_TEXT - 1] = '\n';
  ok = ok && write_in(dir, "curve.pub", line, 0644, err);
done:
  OPENSSL_cleanse(secret, sizeof secret);
  OPENSSL_cleanse(text, sizeof text);
  EVP_PKEY_free(key);
  return ok;
}

static bool make_signing(const char *dir, cor_error *err) {
  cor_buf pem = {0};
  EVP_PKEY *key = cor_key_new(err);
  bool ok = key && cor_key_pem(key, &pem, err) && write_in(dir, "signing.key", cor_buf_view(&pem), 0600, err);
  cor_buf_clear(&pem);
  EVP_PKEY_free(key);
  return ok;
}

static bool make_compartment(const char *dir, const char *office, Corridor__V1__Compartment c,
                             const cor_holder *holders, size_t n, cor_error *err) {
  char path[PATH_MAX], unit[COR_UNIT_TEXT];
  cor_buf csr = {0};
  EVP_PKEY *key = cor_key_new(err);
  bool ok = key && key_path(dir, c, "key", path, err) && cor_keyfile_make(path, c, key, holders, n, err) &&
            cor_csr_new(key, office, cor_cert_unit(&c, unit), &csr, err) &&
            key_path(dir, c, "csr", path, err) && cor_file_write(path, cor_buf_view(&csr), 0644, err);
  cor_buf_clear(&csr);
  EVP_PKEY_free(key);
  return ok;
}

static bool write_description(const char *dir, const char *office, Corridor__V1__Role role,
                              const char *country, const char *name, cor_error *err) {
  const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(&corridor__v1__role__descriptor,
                                                                         (int)role);
  json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "office", office, "role", value->name, "country", country,
                           "name", name);
  char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
  bool ok = text ? write_in(dir, "office.json", (cor_bytes){(uint8_t *)text, strlen(text)}, 0644, err)
                 : cor_fail(err, COR_INTERNAL, "office.json", "could not describe the office");
  free(text);
  json_decref(json);
  return ok;
}

static bool description_ok(const char *office, Corridor__V1__Role role, const char *country, const char *name,
                           cor_error *err) {
  size_t len = strlen(name);
  if (!cor_office_valid(office)) {
    return cor_fail(err, COR_BAD_INPUT, "office",
                    "an office id is 2 to 32 of a-z, 0-9 and -, a letter first");
  }
  if (!cor_role_ok(role)) return cor_fail(err, COR_UNKNOWN_ENUM, "role", "unknown role");
  if (!cor_country_ok(country)) return cor_fail(err, COR_BAD_INPUT, "country", "a country is two capitals");
  if (len == 0 || len >= sizeof((cor_office *)0)->name ||
      !cor_utf8_valid((cor_bytes){(const uint8_t *)name, len})) {
    return cor_fail(err, COR_BAD_INPUT, "name", "an office has a name of 1 to 127 bytes of UTF-8");
  }
  return true;
}

bool cor_office_make(const char *dir, const char *office, Corridor__V1__Role role, const char *country,
                     const char *name, unsigned compartments, const cor_holder *holders, size_t n,
                     cor_error *err) {
  char keys[PATH_MAX];
  if (!description_ok(office, role, country, name, err) || !path_in(dir, "keys", keys, err)) return false;
  if (compartments >> (LAST_SEALING + 1) || compartments & ((1U << FIRST_SEALING) - 1)) {
    return cor_fail(err, COR_BAD_INPUT, "compartments", "one of these compartments has no key");
  }
  if (exists_in(dir, "office.json")) {
    return cor_fail(err, COR_CONFLICT, "dir", "an office lives in this directory already; it was left alone");
  }
  if (!make_dir(dir, err) || !make_dir(keys, err) || !make_curve(dir, err) || !make_signing(dir, err))
    return false;
  for (unsigned c = FIRST_SEALING; c <= LAST_SEALING; c++) {
    if (compartments & 1U << c &&
        !make_compartment(dir, office, (Corridor__V1__Compartment)c, holders, n, err)) {
      return false;
    }
  }
  return write_description(dir, office, role, country, name, err);
}

/* ---- loading ---- */

static bool read_curve(const char *dir, const char *file, bool secret, char out[41], cor_error *err) {
  uint8_t key[COR_CURVE_LEN];
  cor_buf text = {0};
  if (!read_in(dir, file, 64, secret, &text, err)) return false;
  size_t len = text.len > 0 && text.data[text.len - 1] == '\n' ? text.len - 1 : text.len;
  bool ok = len == COR_Z85_KEY_TEXT - 1;
  if (ok) {
    memcpy(out, text.data, len);
    out[len] = '\0';
    ok = cor_z85_parse(out, key);
  }
  OPENSSL_cleanse(key, sizeof key);
  cor_buf_clear(&text);
  return ok || cor_fail(err, COR_BAD_INPUT, file, "%s/%s does not hold a CURVE key", dir, file);
}

static bool copy_text(const json_t *json, const char *name, char *out, size_t size) {
  const char *text = json_string_value(json_object_get(json, name));
  if (!text || strlen(text) >= size) return false;
  memcpy(out, text, strlen(text) + 1);
  return true;
}

static bool read_description(const char *dir, cor_office *out, cor_error *err) {
  cor_buf text = {0};
  if (!read_in(dir, "office.json", SMALL_FILE_MAX, false, &text, err)) return false;
  json_t *json = cor_json_parse(cor_buf_view(&text), err);
  cor_buf_clear(&text);
  if (!json) return false;
  const char *role_name = json_string_value(json_object_get(json, "role"));
  const ProtobufCEnumValue *role = role_name ? protobuf_c_enum_descriptor_get_value_by_name(
                                                   &corridor__v1__role__descriptor, role_name)
                                             : NULL;
  bool ok = role && copy_text(json, "office", out->id, sizeof out->id) &&
            copy_text(json, "country", out->country, sizeof out->country) &&
            copy_text(json, "name", out->name, sizeof out->name);
  if (ok) {
    out->role = (Corridor__V1__Role)role->value;
    ok = description_ok(out->id, out->role, out->country, out->name, err);
  } else {
    cor_fail(err, COR_BAD_INPUT, "office.json", "office.json needs office, role, country and name");
  }
  json_decref(json);
  return ok;
}

bool cor_office_describe(const char *dir, cor_office *out, cor_error *err) {
  *out = (cor_office){0};
  return read_description(dir, out, err) && read_curve(dir, "curve.pub", false, out->curve_public, err);
}

bool cor_office_load(const char *dir, cor_office *out, cor_error *err) {
  cor_buf pem = {0};
  if (!cor_office_describe(dir, out, err)) return false;
  if (cor_office_locked(dir))
    return cor_fail(err, COR_OFFICE_LOCKED, "dir",
                    "the keys of this office are locked under its passphrase (`corridor office unlock`)");
  bool ok = read_curve(dir, "curve.key", true, out->curve_secret, err) &&
            read_in(dir, "signing.key", SMALL_FILE_MAX, true, &pem, err) &&
            (out->signing = cor_key_from_pem(cor_buf_view(&pem), NULL, err));
  cor_buf_clear(&pem);
  if (!ok) cor_office_clear(out);
  return ok;
}

void cor_office_clear(cor_office *office) {
  EVP_PKEY_free(office->signing);
  OPENSSL_cleanse(office, sizeof *office);
}

/* ---- requesting ---- */

static bool has_key(const char *dir, Corridor__V1__Compartment c) {
  char path[PATH_MAX];
  cor_error ignored;
  return key_path(dir, c, "key", path, &ignored) && access(path, F_OK) == 0;
}

static ProtobufCBinaryData binary(const cor_buf *b) {
  return (ProtobufCBinaryData){b->len, b->data};
}

bool cor_office_request(const char *dir, cor_buf *out, cor_error *err) {
  char path[PATH_MAX], unit[COR_UNIT_TEXT];
  uint8_t curve[COR_CURVE_LEN];
  cor_office office;
  cor_buf signing = {0}, csr[SEALING_COUNT] = {{0}};
  Corridor__V1__SealingCert sealing[SEALING_COUNT], *sealing_p[SEALING_COUNT];
  Corridor__V1__CardRequest request = CORRIDOR__V1__CARD_REQUEST__INIT;
  bool ok = false;
  if (!cor_office_load(dir, &office, err)) return false;
  if (!cor_csr_new(office.signing, office.id, cor_cert_unit(NULL, unit), &signing, err)) goto done;
  for (Corridor__V1__Compartment c = FIRST_SEALING; c <= LAST_SEALING; c++) {
    if (!has_key(dir, c)) continue;
    size_t i = request.n_sealing_csr++;
    corridor__v1__sealing_cert__init(&sealing[i]);
    sealing_p[i] = &sealing[i];
    if (!key_path(dir, c, "csr", path, err) || !cor_file_read(path, SMALL_FILE_MAX, false, &csr[i], err))
      goto done;
    sealing[i].compartment = c;
    sealing[i].cert = binary(&csr[i]);
  }
  if (!cor_z85_parse(office.curve_public, curve)) goto done; /* checked at loading */
  request.office = office.id;
  request.role = office.role;
  request.country = office.country;
  request.name = office.name;
  request.curve_key = (ProtobufCBinaryData){sizeof curve, curve};
  request.signing_csr = binary(&signing);
  request.sealing_csr = sealing_p;
  ok = cor_encode(&request.base, out, err);
done:
  for (size_t i = 0; i < SEALING_COUNT; i++)
    cor_buf_clear(&csr[i]);
  cor_buf_clear(&signing);
  cor_office_clear(&office);
  return ok;
}

/* ---- installing ---- */

static bool not_ours(const char *what, cor_error *err) {
  return cor_fail(err, COR_NOT_YOUR_NAME, what,
                  "the card list does not carry the %s of this directory; nothing was installed. Ask the "
                  "programme CA to sign this directory's own request",
                  what);
}

static bool sealing_matches(const char *dir, const cor_card *card, Corridor__V1__Compartment c,
                            cor_error *err) {
  char path[PATH_MAX];
  Corridor__V1__Compartment stated;
  cor_buf ours = {0}, theirs = {0};
  if (has_key(dir, c) != (card->sealing[c] != NULL)) return not_ours(cor_compartment_name(c), err);
  if (!card->sealing[c]) return true;
  bool ok = key_path(dir, c, "key", path, err) && cor_keyfile_public(path, &stated, &ours, err) &&
            cor_key_to_spki(X509_get0_pubkey(card->sealing[c]), &theirs, err);
  if (ok && (stated != c || !cor_bytes_equal(cor_buf_view(&ours), cor_buf_view(&theirs)))) {
    ok = not_ours(cor_compartment_name(c), err);
  }
  cor_buf_clear(&ours);
  cor_buf_clear(&theirs);
  return ok;
}

static bool card_matches(const char *dir, const cor_office *office, const cor_card *card, cor_error *err) {
  uint8_t curve[COR_CURVE_LEN];
  if (!card) return not_ours("office", err);
  if (card->card->role != office->role || strcmp(card->card->country, office->country) != 0) {
    return not_ours("role and country", err);
  }
  if (!cor_z85_parse(office->curve_public, curve) ||
      memcmp(curve, card->card->curve_key.data, sizeof curve) != 0) {
    return not_ours("CURVE key", err);
  }
  if (EVP_PKEY_eq(card->signing, office->signing) != 1) return not_ours("signing key", err);
  for (Corridor__V1__Compartment c = FIRST_SEALING; c <= LAST_SEALING; c++) {
    if (!sealing_matches(dir, card, c, err)) return false;
  }
  return true;
}

/* A second installation may not change the CA nor go back to an older list:
 * either would bring revoked cards back to life. */
static bool not_older(const char *dir, X509 *ca, const cor_cards *cards, cor_error *err) {
  char path[PATH_MAX];
  cor_buf old_list = {0};
  cor_cards *old = NULL;
  if (!exists_in(dir, "ca.crt") || !exists_in(dir, "cardlist")) return true;
  if (!path_in(dir, "ca.crt", path, err)) return false;
  X509 *old_ca = cor_cert_from_pem_file(path, err);
  bool ok = old_ca && read_in(dir, "cardlist", COR_CARDS_MAX, false, &old_list, err);
  if (ok && X509_cmp(old_ca, ca) != 0) {
    ok = cor_fail(err, COR_CONFLICT, "ca.crt",
                  "this office is installed under another CA; nothing was installed");
  }
  ok = ok && (old = cor_cards_load(cor_buf_view(&old_list), old_ca, err));
  if (ok && cor_cards_number(cards) < cor_cards_number(old)) {
    ok = cor_fail(err, COR_CONFLICT, "cardlist", "a newer card list is installed; nothing was changed");
  }
  cor_cards_destroy(&old);
  cor_buf_clear(&old_list);
  X509_free(old_ca);
  return ok;
}

static bool write_cert(const char *path, X509 *cert, cor_error *err) {
  cor_buf pem = {0};
  bool ok = cor_cert_to_pem(cert, &pem, err) && cor_file_write(path, cor_buf_view(&pem), 0644, err);
  cor_buf_clear(&pem);
  return ok;
}

static bool write_signing_cert(const char *dir, const cor_card *card, cor_error *err) {
  char path[PATH_MAX];
  X509 *cert = cor_cert_from_der((cor_bytes){card->card->signing_cert.data, card->card->signing_cert.len},
                                 err);
  bool ok = cert && path_in(dir, "signing.crt", path, err) && write_cert(path, cert, err);
  X509_free(cert);
  return ok;
}

static bool write_installed(const char *dir, X509 *ca, const cor_cards *cards, const cor_card *card,
                            cor_error *err) {
  char path[PATH_MAX];
  for (Corridor__V1__Compartment c = FIRST_SEALING; c <= LAST_SEALING; c++) {
    if (card->sealing[c] &&
        (!key_path(dir, c, "crt", path, err) || !write_cert(path, card->sealing[c], err))) {
      return false;
    }
  }
  /* The list goes last: interrupted before it, the same command completes. */
  return write_signing_cert(dir, card, err) && path_in(dir, "ca.crt", path, err) &&
         write_cert(path, ca, err) && write_in(dir, "cardlist", cor_cards_signed(cards), 0644, err);
}

bool cor_office_install(const char *dir, const char *ca_crt_path, const char *cardlist_path, cor_error *err) {
  cor_office office;
  cor_buf list = {0};
  cor_cards *cards = NULL;
  X509 *ca = NULL;
  if (!cor_office_load(dir, &office, err)) return false;
  bool ok = (ca = cor_cert_from_pem_file(ca_crt_path, err)) &&
            cor_file_read(cardlist_path, COR_CARDS_MAX, false, &list, err) &&
            (cards = cor_cards_load(cor_buf_view(&list), ca, err)) && not_older(dir, ca, cards, err);
  if (ok) {
    const cor_card *card = cor_cards_find(cards, office.id);
    ok = card_matches(dir, &office, card, err) && write_installed(dir, ca, cards, card, err);
  }
  cor_cards_destroy(&cards);
  X509_free(ca);
  cor_buf_clear(&list);
  cor_office_clear(&office);
  return ok;
}
