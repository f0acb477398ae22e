/* ca.c - the programme CA's directory and the list that grows in it.
 *
 * For: the people who run the programme CA, offline. Cards, and what ca_table.c
 * enters beside them, gather in cardlist.draft; cor_ca_publish numbers and signs it.
 * Guarantees: a request gets certificates only when it proves possession of
 * each private key; nothing enters the draft that cards_check.c would refuse,
 * so what is published is what every office accepts; a list number is never
 * used twice, whatever moment the machine stops.
 * Trusts: the directory (0700, key and draft 0600) and whoever knows the
 * passphrase; times come from the caller.
 * Fatal: nothing; on any error the draft on disk is the one before. */
#include "corridor/ca.h"
#include "ca_draft.h"
#include "cert.h"
#include "corridor/cards.h"
#include "corridor/codec.h"
#include "corridor/office.h"
#include "corridor/refusal.h"
#include "corridor/sign.h"

#include <limits.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DRAFT_FIELDS_MAX = 512 * 1024, CSR_MAX = 4096 };
#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

static bool path_in(const char *dir, const char *file, char out[PATH_MAX], cor_error *err) {
  int n = snprintf(out, PATH_MAX, "%s/%s", dir, file);
  return (n > 0 && n < PATH_MAX) || cor_fail(err, COR_BAD_INPUT, "dir", "the directory's name is too long");
}

static bool write_in(const char *dir, const char *file, const cor_buf *data, unsigned mode, cor_error *err) {
  char path[PATH_MAX];
  return path_in(dir, file, path, err) && cor_file_write(path, cor_buf_view(data), mode, err);
}

/* ---- making ---- */

static bool fresh_dir(const char *dir, cor_error *err) {
  char path[PATH_MAX];
  if (!path_in(dir, "ca.key", path, err)) return false;
  if (access(path, F_OK) == 0) {
    return cor_fail(err, COR_CONFLICT, "dir", "there is a CA in this directory already; it was left alone");
  }
  struct stat st;
  if (mkdir(dir, 0700) == 0 || (stat(dir, &st) == 0 && S_ISDIR(st.st_mode))) return true;
  return cor_fail(err, COR_BAD_INPUT, "dir", "could not make the CA's directory");
}

static bool write_draft(const char *dir, const Corridor__V1__CardList *list, cor_buf *bytes, cor_error *err) {
  return cor_encode(&list->base, bytes, err) && write_in(dir, "cardlist.draft", bytes, 0600, err);
}

bool cor_ca_make(const char *dir, const char *name, bool demo, const char *passphrase, int64_t now,
                 int64_t valid_days, cor_error *err) {
  size_t len = strlen(passphrase);
  if (len < COR_PASSPHRASE_MIN || len > COR_PASSPHRASE_MAX) {
    return cor_fail(err, COR_BAD_INPUT, "passphrase", "a passphrase has 8 to 1024 bytes");
  }
  if (valid_days < 1 || !*name || strlen(name) > 64) {
    return cor_fail(err, COR_BAD_INPUT, "name",
                    "a CA has a name of 1 to 64 bytes and is valid for a day or more");
  }
  if (!fresh_dir(dir, err)) return false;
  bool ok = false;
  cor_buf pem = {0}, cert_pem = {0}, draft = {0};
  X509 *cert = NULL;
  Corridor__V1__CardList list = CORRIDOR__V1__CARD_LIST__INIT;
  list.issued_at = now;
  EVP_PKEY *key = cor_key_new(err);
  if (!key) goto done;
  cert = cor_cert_issue(&(cor_cert_spec){.use = COR_CERT_ROOT,
                                         .common_name = name,
                                         .key = key,
                                         .issuer_key = key,
                                         .not_before = now - HOUR_MS,
                                         .not_after = now + valid_days * DAY_MS,
                                         .demo = demo},
                        err);
  /* The key goes last: a directory with ca.key is a complete CA. */
  ok = cert && cor_key_pem_encrypted(key, passphrase, &pem, err) && cor_cert_to_pem(cert, &cert_pem, err) &&
       write_draft(dir, &list, &draft, err) && write_in(dir, "ca.crt", &cert_pem, 0644, err) &&
       write_in(dir, "ca.key", &pem, 0600, err);
done:
  cor_buf_clear(&pem);
  cor_buf_clear(&cert_pem);
  cor_buf_clear(&draft);
  X509_free(cert);
  EVP_PKEY_free(key);
  return ok;
}

/* ---- opening ---- */

static bool read_key(cor_ca *ca, const char *passphrase, cor_error *err) {
  char path[PATH_MAX];
  cor_buf pem = {0};
  if (!path_in(ca->dir, "ca.key", path, err) || !cor_file_read(path, 65536, true, &pem, err)) return false;
  ca->key = cor_key_from_pem(cor_buf_view(&pem), passphrase, err);
  cor_buf_clear(&pem);
  if (!ca->key || !path_in(ca->dir, "ca.crt", path, err)) return false;
  ca->cert = cor_cert_from_pem_file(path, err);
  if (!ca->cert) return false;
  return X509_check_private_key(ca->cert, ca->key) == 1 ||
         cor_fail(err, COR_BAD_INPUT, "ca.crt", "ca.crt and ca.key do not belong together");
}

static Corridor__V1__CardList *decode_draft(const cor_buf *bytes, cor_error *err) {
  return (Corridor__V1__CardList *)cor_decode_large(&corridor__v1__card_list__descriptor, cor_buf_view(bytes),
                                                    COR_CARDS_MAX, DRAFT_FIELDS_MAX, err);
}

static bool read_draft(cor_ca *ca, cor_error *err) {
  char path[PATH_MAX];
  cor_buf bytes = {0};
  if (!path_in(ca->dir, "cardlist.draft", path, err) ||
      !cor_file_read(path, COR_CARDS_MAX, true, &bytes, err)) {
    return false;
  }
  ca->list = decode_draft(&bytes, err);
  cor_buf_clear(&bytes);
  return ca->list != NULL;
}

cor_ca *cor_ca_open(const char *dir, const char *passphrase, cor_error *err) {
  cor_ca *ca = calloc(1, sizeof *ca);
  if (ca) ca->dir = strdup(dir);
  if (!ca || !ca->dir) {
    cor_fail(err, COR_INTERNAL, "", "out of memory");
    cor_ca_destroy(&ca);
  } else if (!read_key(ca, passphrase, err) || !read_draft(ca, err)) {
    cor_ca_destroy(&ca);
  }
  return ca;
}

void cor_ca_destroy(cor_ca **ca) {
  cor_ca *c = *ca;
  if (!c) return;
  cor_message_free((ProtobufCMessage *)c->list);
  X509_free(c->cert);
  EVP_PKEY_free(c->key);
  free(c->dir);
  free(c);
  *ca = NULL;
}

const Corridor__V1__CardList *cor_ca_list(const cor_ca *ca) {
  return ca->list;
}

/* ---- changing the draft ---- */

bool cor_ca_replace_draft(cor_ca *ca, const Corridor__V1__CardList *changed, cor_error *err) {
  cor_buf bytes = {0};
  Corridor__V1__CardList *list = NULL;
  if (cor_encode(&changed->base, &bytes, err)) list = decode_draft(&bytes, err);
  bool ok = list && write_in(ca->dir, "cardlist.draft", &bytes, 0600, err);
  Corridor__V1__CardList *spent = ok ? ca->list : list;
  if (ok) ca->list = list;
  cor_message_free((ProtobufCMessage *)spent);
  cor_buf_clear(&bytes);
  return ok;
}

void *cor_ca_with_item(void *const *items, size_t n, size_t at, const void *item) {
  const void **copy = calloc(n + 1, sizeof *copy);
  if (!copy) return NULL;
  for (size_t i = 0; i < n; i++)
    copy[i] = items[i];
  copy[at] = item;
  return copy;
}

static size_t find_card(const Corridor__V1__CardList *list, const char *office) {
  size_t i = 0;
  while (i < list->n_cards && strcmp(list->cards[i]->office, office) != 0)
    i++;
  return i;
}

static bool check_whole(const Corridor__V1__CardList *list, X509 *cert, int64_t now, cor_error *err) {
  size_t parsed = 0;
  cor_card *cards = list->n_cards <= COR_CARDS_COUNT_MAX ? calloc(list->n_cards + 1, sizeof *cards) : NULL;
  if (!cards)
    return cor_fail(err, COR_TOO_LARGE, "cards", "a list has at most %d cards", COR_CARDS_COUNT_MAX);
  bool ok = true;
  while (ok && parsed < list->n_cards) {
    ok = cor_card_parse(list->cards[parsed], cert, now, &cards[parsed], err);
    if (ok) parsed++;
  }
  ok = ok && cor_cardlist_check(list, cards, err);
  for (size_t i = 0; i < parsed; i++)
    cor_card_clear(&cards[i]);
  free(cards);
  return ok;
}

static bool put_card(cor_ca *ca, const Corridor__V1__Card *card, int64_t now, cor_error *err) {
  Corridor__V1__CardList next = *ca->list;
  size_t at = find_card(ca->list, card->office);
  next.cards = cor_ca_with_item((void *const *)ca->list->cards, ca->list->n_cards, at, card);
  if (!next.cards) return cor_fail(err, COR_INTERNAL, "", "out of memory");
  if (at == next.n_cards) next.n_cards++;
  bool ok = check_whole(&next, ca->cert, now, err) && cor_ca_replace_draft(ca, &next, err);
  free(next.cards);
  return ok;
}

/* What the CA itself decided of an office stays when its keys are renewed. */
static bool was_asylum_authority(const Corridor__V1__CardList *list, const char *office) {
  const size_t at = find_card(list, office);
  return at < list->n_cards && list->cards[at]->asylum_authority;
}

static uint64_t next_serial(const Corridor__V1__CardList *list) {
  uint64_t highest = 0;
  for (size_t i = 0; i < list->n_cards; i++) {
    if (list->cards[i]->serial > highest) highest = list->cards[i]->serial;
  }
  return highest + 1;
}

/* The request's public key, once its signature proves possession of the
 * private one; NULL on error. */
static EVP_PKEY *proven_key(ProtobufCBinaryData der, const char *office, const char *unit, cor_error *err) {
  const unsigned char *p = der.data;
  X509_REQ *req = der.len > 0 && der.len <= CSR_MAX ? d2i_X509_REQ(NULL, &p, (long)der.len) : NULL;
  EVP_PKEY *key = req && p == der.data + der.len ? X509_REQ_get_pubkey(req) : NULL;
  bool ok = cor_key_is_p256(key) && cor_cert_name_is(X509_REQ_get_subject_name(req), office, unit) &&
            X509_REQ_verify(req, key) == 1;
  if (!ok) {
    cor_fail(err, COR_BAD_SIGNATURE, unit,
             "the %s request of this office does not prove possession of a P-256 key in its name; "
             "nothing was signed",
             unit);
    EVP_PKEY_free(key);
    key = NULL;
  }
  X509_REQ_free(req);
  ERR_clear_error();
  return key;
}

typedef struct validity {
  int64_t now, days;
} validity;

static bool certify(cor_ca *ca, const Corridor__V1__CardRequest *request, ProtobufCBinaryData csr,
                    const Corridor__V1__Compartment *sealing, validity valid, cor_buf *der, cor_error *err) {
  char unit[COR_UNIT_TEXT];
  (void)cor_cert_unit(sealing, unit);
  EVP_PKEY *key = proven_key(csr, request->office, unit, err);
  if (!key) return false;
  X509 *cert = cor_cert_issue(&(cor_cert_spec){.use = sealing ? COR_CERT_SEALING : COR_CERT_SIGNING,
                                               .common_name = request->office,
                                               .unit = unit,
                                               .key = key,
                                               .issuer = ca->cert,
                                               .issuer_key = ca->key,
                                               .not_before = valid.now - HOUR_MS,
                                               .not_after = valid.now + valid.days * DAY_MS},
                              err);
  bool ok = cert && cor_cert_to_der(cert, der, err);
  X509_free(cert);
  EVP_PKEY_free(key);
  return ok;
}

static ProtobufCBinaryData binary(const cor_buf *b) {
  return (ProtobufCBinaryData){b->len, b->data};
}

static bool same_key(ProtobufCBinaryData one, ProtobufCBinaryData other) {
  cor_error ignored;
  X509 *a = cor_cert_from_der((cor_bytes){one.data, one.len}, &ignored);
  X509 *b = cor_cert_from_der((cor_bytes){other.data, other.len}, &ignored);
  const bool same = a && b && EVP_PKEY_eq(X509_get0_pubkey(a), X509_get0_pubkey(b)) == 1;
  X509_free(a);
  X509_free(b);
  return same;
}

/* Keys that were revoked come back under no other card: the request that made them lies
 * about. */
static bool fresh_keys(const Corridor__V1__CardList *list, const Corridor__V1__Card *card, cor_error *err) {
  const size_t at = find_card(list, card->office);
  const Corridor__V1__Card *former = at < list->n_cards ? list->cards[at] : NULL;
  if (!former || former->state != CORRIDOR__V1__CARD_STATE__REVOKED) return true;
  bool again = same_key(former->signing_cert, card->signing_cert) ||
               cor_bytes_equal(cor_bytes_of(former->curve_key), cor_bytes_of(card->curve_key));
  for (size_t i = 0; i < former->n_sealing; i++)
    for (size_t k = 0; k < card->n_sealing; k++)
      again = again || same_key(former->sealing[i]->cert, card->sealing[k]->cert);
  return !again || cor_fail(err, COR_CARD_REVOKED, "office",
                            "these keys were revoked for good; this office makes new ones, and nothing was "
                            "signed");
}

bool cor_ca_sign(cor_ca *ca, const Corridor__V1__CardRequest *request, int64_t now, int64_t valid_days,
                 cor_error *err) {
  enum { SEALING_MAX = 8 };
  cor_buf der[SEALING_MAX + 1] = {{0}};
  Corridor__V1__SealingCert certs[SEALING_MAX];
  Corridor__V1__SealingCert *sealing[SEALING_MAX];
  Corridor__V1__Card card = CORRIDOR__V1__CARD__INIT;
  bool ok = false;
  if (request->n_sealing_csr > SEALING_MAX || valid_days < 1) {
    return cor_fail(err, COR_BAD_INPUT, "sealing_csr", "too many sealing keys, or not valid for a day");
  }
  for (size_t i = 0; i < request->n_sealing_csr; i++) {
    if (!cor_compartment_seals(request->sealing_csr[i]->compartment))
      return cor_fail(err, COR_UNKNOWN_ENUM, "sealing_csr", "this compartment has no sealing key");
  }
  validity valid = {now, valid_days};
  if (!certify(ca, request, request->signing_csr, NULL, valid, &der[SEALING_MAX], err)) goto done;
  for (size_t i = 0; i < request->n_sealing_csr; i++) {
    const Corridor__V1__SealingCert *csr = request->sealing_csr[i];
    if (!certify(ca, request, csr->cert, &csr->compartment, valid, &der[i], err)) goto done;
    corridor__v1__sealing_cert__init(&certs[i]);
    certs[i].compartment = csr->compartment;
    certs[i].cert = binary(&der[i]);
    sealing[i] = &certs[i];
  }
  card.office = request->office;
  card.role = request->role;
  card.country = request->country;
  card.name = request->name;
  card.curve_key = request->curve_key;
  card.signing_cert = binary(&der[SEALING_MAX]);
  card.n_sealing = request->n_sealing_csr;
  card.sealing = sealing;
  card.state = CORRIDOR__V1__CARD_STATE__ACTIVE;
  card.state_since = now;
  card.serial = next_serial(ca->list);
  card.asylum_authority = was_asylum_authority(ca->list, request->office);
  ok = fresh_keys(ca->list, &card, err) && put_card(ca, &card, now, err);
done:
  for (size_t i = 0; i <= SEALING_MAX; i++)
    cor_buf_clear(&der[i]);
  return ok;
}

/* Revoked is for good: reinstated the keys would sign again, and with another state what
 * they signed in other hands would stand. Told again, only the time they may have been in
 * other hands moves, and only back. */
static bool revoked_stays(Corridor__V1__Card *card, Corridor__V1__CardState state, int64_t compromised_since,
                          cor_error *err) {
  if (state != CORRIDOR__V1__CARD_STATE__REVOKED)
    return cor_fail(err, COR_CARD_REVOKED, "office",
                    "this card is revoked for good: sign new keys (`corridor ca sign`); nothing was changed");
  if (compromised_since && (!card->compromised_since || compromised_since < card->compromised_since))
    card->compromised_since = compromised_since;
  return true;
}

bool cor_ca_set_state(cor_ca *ca, const char *office, Corridor__V1__CardState state, int64_t now,
                      int64_t compromised_since, cor_error *err) {
  size_t at = find_card(ca->list, office);
  if (at == ca->list->n_cards) {
    return cor_fail(err, COR_UNKNOWN_OFFICE, "office", "no card in this name; nothing was changed");
  }
  Corridor__V1__Card card = *ca->list->cards[at];
  if (card.state == CORRIDOR__V1__CARD_STATE__REVOKED)
    return revoked_stays(&card, state, compromised_since, err) && put_card(ca, &card, now, err);
  card.state = state;
  card.state_since = now;
  card.compromised_since = compromised_since;
  return put_card(ca, &card, now, err);
}

bool cor_ca_set_asylum_authority(cor_ca *ca, const char *office, bool is, int64_t now, cor_error *err) {
  size_t at = find_card(ca->list, office);
  if (at == ca->list->n_cards) {
    return cor_fail(err, COR_UNKNOWN_OFFICE, "office", "no card in this name; nothing was changed");
  }
  Corridor__V1__Card card = *ca->list->cards[at];
  card.asylum_authority = is;
  return put_card(ca, &card, now, err);
}

/* ---- publishing ---- */

static bool sign_list(cor_ca *ca, const Corridor__V1__CardList *list, cor_buf *out, cor_error *err) {
  cor_buf bytes = {0};
  Corridor__V1__Signature *signature = NULL;
  bool ok = cor_encode(&list->base, &bytes, err) &&
            cor_sign(ca->key, COR_DOMAIN_CARDLIST, "ca", 0, &(cor_bytes){bytes.data, bytes.len}, 1,
                     &signature, err);
  if (ok) {
    Corridor__V1__SignedContent content = CORRIDOR__V1__SIGNED_CONTENT__INIT;
    content.content = binary(&bytes);
    content.signature = signature;
    ok = cor_encode(&content.base, out, err);
  }
  cor_message_free((ProtobufCMessage *)signature);
  cor_buf_clear(&bytes);
  return ok;
}

bool cor_ca_publish(cor_ca *ca, int64_t now, int64_t valid_days, cor_error *err) {
  if (valid_days < 1) return cor_fail(err, COR_BAD_INPUT, "valid_days", "a list is valid for a day or more");
  Corridor__V1__CardList next = *ca->list;
  next.number++;
  next.issued_at = now;
  next.expires_at = now + valid_days * DAY_MS;
  cor_buf published = {0};
  bool ok = sign_list(ca, &next, &published, err);
  if (ok) {
    /* Read it as an office will: what they would refuse is not published. */
    cor_cards *check = cor_cards_load(cor_buf_view(&published), ca->cert, err);
    ok = check != NULL;
    cor_cards_destroy(&check);
  }
  /* Draft first: stopped in between, a number is skipped and never used twice. */
  ok = ok && cor_ca_replace_draft(ca, &next, err) && write_in(ca->dir, "cardlist", &published, 0644, err);
  cor_buf_clear(&published);
  return ok;
}
