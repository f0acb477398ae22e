/* cards_check.c - what a card, an agreement, a calendar and a list must obey.
 *
 * For: the CA before it puts something on its list, and every reader of a
 * published list; both use these functions, so the CA cannot publish what
 * others refuse.
 * Guarantees: past these checks each office id, agreement id, CURVE key and
 * certified key is unique, each certificate leads to the CA and says what the card
 * says, all codes are known and all counts bounded. Permissions and regions:
 * permission_check.c.
 * Trusts: the CA certificate and time it is given; the message has passed
 * codec.h (strings are UTF-8, enums known).
 * Fatal: nothing. */
#include "cert.h"
#include "corridor/ca.h"
#include "corridor/id.h"
#include "corridor/permission.h"
#include "corridor/consent_policy.h"
#include "corridor/refusal.h"

#include <stdlib.h>
#include <string.h>

enum {
  AGREEMENT_OFFICES_MAX = 256,
  REFERENCE_MAX = 64,
  CALENDAR_ENTRIES_MAX = 2048,
  NAME_MAX_LEN = 127,
  OFFSET_MAX = 14 * 60
};

bool cor_country_ok(const char *country) {
  return strlen(country) == 2 && country[0] >= 'A' && country[0] <= 'Z' && country[1] >= 'A' &&
         country[1] <= 'Z';
}

bool cor_role_ok(Corridor__V1__Role role) {
  return role > CORRIDOR__V1__ROLE__ROLE_UNSPECIFIED && role <= CORRIDOR__V1__ROLE__ROLE_OVERSIGHT;
}

bool cor_compartment_seals(Corridor__V1__Compartment compartment) {
  return compartment >= CORRIDOR__V1__COMPARTMENT__OPERATIONS &&
         compartment <= CORRIDOR__V1__COMPARTMENT__MONITORING;
}

void cor_card_clear(cor_card *card) {
  EVP_PKEY_free(card->signing);
  for (size_t i = 0; i < sizeof card->sealing / sizeof card->sealing[0]; i++)
    X509_free(card->sealing[i]);
  *card = (cor_card){0};
}

static bool fields_ok(const Corridor__V1__Card *card, cor_error *err) {
  size_t name_len = strlen(card->name);
  if (!cor_office_valid(card->office)) {
    return cor_fail(err, COR_BAD_INPUT, "office", "an office id is 2 to 32 of a-z, 0-9 and -");
  }
  if (!cor_role_ok(card->role)) {
    return cor_fail(err, COR_UNKNOWN_ENUM, "role", "card of %s: unknown role", card->office);
  }
  if (strcmp(card->office, "hub") == 0 && card->role != CORRIDOR__V1__ROLE__ROLE_HUB) {
    return cor_fail(err, COR_BAD_INPUT, "office", "the name hub belongs to the hub");
  }
  if (!cor_country_ok(card->country)) {
    return cor_fail(err, COR_BAD_INPUT, "country", "card of %s: a country is two capitals", card->office);
  }
  if (name_len == 0 || name_len > NAME_MAX_LEN) {
    return cor_fail(err, COR_BAD_INPUT, "name", "card of %s: a name has 1 to 127 bytes", card->office);
  }
  if (card->curve_key.len != COR_CURVE_LEN) {
    return cor_fail(err, COR_BAD_INPUT, "curve_key", "card of %s: a CURVE key has 32 bytes", card->office);
  }
  if (card->state < CORRIDOR__V1__CARD_STATE__ACTIVE || card->state > CORRIDOR__V1__CARD_STATE__REVOKED) {
    return cor_fail(err, COR_UNKNOWN_ENUM, "state", "card of %s: unknown state", card->office);
  }
  if (card->asylum_authority && card->role != CORRIDOR__V1__ROLE__ROLE_UN_AGENCY) {
    return cor_fail(err, COR_BAD_INPUT, "asylum_authority",
                    "card of %s: asylum matters go to UNHCR alone, a UN agency", card->office);
  }
  return true;
}

static X509 *office_cert(const Corridor__V1__Card *card, ProtobufCBinaryData der,
                         const Corridor__V1__Compartment *sealing, X509 *ca, int64_t at, cor_error *err) {
  char unit[COR_UNIT_TEXT];
  cor_cert_use use = sealing ? COR_CERT_SEALING : COR_CERT_SIGNING;
  X509 *cert = cor_cert_from_der((cor_bytes){der.data, der.len}, err);
  if (cert && !cor_cert_office_ok(cert, ca, card->office, cor_cert_unit(sealing, unit), use, at, err)) {
    X509_free(cert);
    cert = NULL;
  }
  return cert;
}

static bool parse_sealing(const Corridor__V1__Card *card, X509 *ca, int64_t at, cor_card *out,
                          cor_error *err) {
  for (size_t i = 0; i < card->n_sealing; i++) {
    const Corridor__V1__SealingCert *s = card->sealing[i];
    if (!cor_compartment_seals(s->compartment) ||
        (i > 0 && s->compartment <= card->sealing[i - 1]->compartment)) {
      return cor_fail(err, COR_BAD_INPUT, "sealing",
                      "card of %s: one sealing key per compartment, in ascending order", card->office);
    }
    X509 *cert = office_cert(card, s->cert, &s->compartment, ca, at, err);
    if (!cert) return false;
    out->sealing[s->compartment] = cert;
  }
  return true;
}

static void take_signing(X509 *cert, cor_card *out) {
  cor_cert_validity(cert, &out->signing_not_before, &out->signing_not_after);
  out->signing = X509_get_pubkey(cert);
  X509_free(cert);
}

bool cor_card_parse(const Corridor__V1__Card *card, X509 *ca, int64_t at, cor_card *out, cor_error *err) {
  *out = (cor_card){.card = card};
  if (!fields_ok(card, err)) return false;
  X509 *signing = office_cert(card, card->signing_cert, NULL, ca, at, err);
  if (!signing) return false;
  take_signing(signing, out);
  if (!parse_sealing(card, ca, at, out, err)) {
    cor_card_clear(out);
    return false;
  }
  return true;
}

bool cor_card_parse_signing(cor_card *card, cor_error *err) {
  const ProtobufCBinaryData der = card->card->signing_cert;
  X509 *cert = cor_cert_from_der((cor_bytes){der.data, der.len}, err);
  if (!cert) return false;
  take_signing(cert, card);
  return true;
}

/* Without a data-protection assessment there is no agreement, and without a policy on
 * the transfer of records none on health (data dictionary 2; [004:1702-1707]). */
static bool references_ok(const Corridor__V1__Agreement *a, cor_error *err) {
  bool health = false;
  if (a->dpia_reference[0] == '\0') {
    return cor_fail(err, COR_MISSING_FIELD, "agreement/dpia_reference",
                    "agreement %s: it names its data-protection impact assessment", a->id);
  }
  if (strlen(a->dpia_reference) > REFERENCE_MAX || strlen(a->child_data_protocol) > REFERENCE_MAX ||
      strlen(a->record_transfer_mou) > REFERENCE_MAX) {
    return cor_fail(err, COR_TOO_LARGE, "agreement/dpia_reference",
                    "agreement %s: a reference has 1 to 64 bytes", a->id);
  }
  for (size_t i = 0; i < a->n_categories; i++) {
    health = health || a->categories[i] == CORRIDOR__V1__DATA_CATEGORY__HEALTH_DATA ||
             a->categories[i] == CORRIDOR__V1__DATA_CATEGORY__MENTAL_HEALTH;
  }
  return !health || a->record_transfer_mou[0] != '\0' ||
         cor_fail(err, COR_MISSING_FIELD, "agreement/record_transfer_mou",
                  "agreement %s: health data needs a memorandum on the transfer of medical records", a->id);
}

bool cor_agreement_ok(const Corridor__V1__Agreement *a, cor_error *err) {
  size_t id_len = strlen(a->id);
  if (id_len == 0 || id_len > REFERENCE_MAX || strlen(a->programme) > REFERENCE_MAX) {
    return cor_fail(err, COR_BAD_INPUT, "agreement/id", "an agreement's id and programme have 1 to 64 bytes");
  }
  if (a->n_offices < 2 || a->n_offices > AGREEMENT_OFFICES_MAX || a->n_categories == 0) {
    return cor_fail(err, COR_BAD_INPUT, "agreement/offices",
                    "agreement %s: it needs 2 to 256 offices and at least one category", a->id);
  }
  for (size_t i = 0; i < a->n_offices; i++) {
    if (!cor_office_valid(a->offices[i])) {
      return cor_fail(err, COR_BAD_INPUT, "agreement/offices", "agreement %s: bad office id", a->id);
    }
  }
  for (size_t i = 0; i < a->n_categories; i++) {
    if (a->categories[i] <= CORRIDOR__V1__DATA_CATEGORY__DATA_CATEGORY_UNSPECIFIED ||
        a->categories[i] > CORRIDOR__V1__DATA_CATEGORY__ASYLUM) {
      return cor_fail(err, COR_UNKNOWN_ENUM, "agreement/categories", "agreement %s: unknown category", a->id);
    }
  }
  if (a->valid_from >= a->valid_until) {
    return cor_fail(err, COR_BAD_INPUT, "agreement/valid_until", "agreement %s ends before it begins", a->id);
  }
  return references_ok(a, err);
}

bool cor_calendar_ok(const Corridor__V1__Calendar *c, cor_error *err) {
  if (!cor_country_ok(c->country)) {
    return cor_fail(err, COR_BAD_INPUT, "calendar/country", "a country is two capitals");
  }
  /* At least one working day a week, or due times would never come. */
  bool ok = c->n_weekend <= 6 && c->n_holidays <= CALENDAR_ENTRIES_MAX &&
            c->n_offsets <= CALENDAR_ENTRIES_MAX;
  for (size_t i = 0; ok && i < c->n_weekend; i++)
    ok = c->weekend[i] >= 1 && c->weekend[i] <= 7;
  for (size_t i = 0; ok && i < c->n_offsets; i++) {
    ok = abs(c->offsets[i]->minutes) <= OFFSET_MAX &&
         (i == 0 || c->offsets[i]->from > c->offsets[i - 1]->from);
  }
  return ok || cor_fail(err, COR_BAD_INPUT, "calendar",
                        "calendar of %s: weekdays are 1 to 7 with one left to work, offsets ascend and are "
                        "at most 14 hours, and there are at most 2048 of each",
                        c->country);
}

/* ---- uniqueness ---- */

typedef struct key_print {
  uint8_t hash[COR_HASH_LEN];
} key_print;

static int by_hash(const void *a, const void *b) {
  return memcmp(a, b, COR_HASH_LEN);
}
static int by_text(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool print_of(EVP_PKEY *key, key_print *out, cor_error *err) {
  cor_buf spki = {0};
  if (!cor_key_to_spki(key, &spki, err)) return false;
  cor_sha256(out->hash, &(cor_bytes){spki.data, spki.len}, 1);
  cor_buf_clear(&spki);
  return true;
}

/* No key twice, whether as CURVE, signing or sealing key: a key held by two
 * offices would let one read or speak as the other. */
static bool keys_unique(const cor_card *cards, size_t n, cor_error *err) {
  size_t used = 0;
  bool ok = false;
  key_print *prints = calloc(n * (2 + sizeof cards->sealing / sizeof cards->sealing[0]) + 1, sizeof *prints);
  if (!prints) return cor_fail(err, COR_INTERNAL, "", "out of memory");
  for (size_t i = 0; i < n; i++) {
    cor_sha256(prints[used++].hash, &(cor_bytes){cards[i].card->curve_key.data, COR_CURVE_LEN}, 1);
    if (!print_of(cards[i].signing, &prints[used++], err)) goto done;
    for (size_t c = 0; c < sizeof cards->sealing / sizeof cards->sealing[0]; c++) {
      if (cards[i].sealing[c] && !print_of(X509_get0_pubkey(cards[i].sealing[c]), &prints[used++], err))
        goto done;
    }
  }
  qsort(prints, used, sizeof *prints, by_hash);
  ok = true;
  for (size_t i = 1; ok && i < used; i++) {
    if (by_hash(&prints[i - 1], &prints[i]) == 0)
      ok = cor_fail(err, COR_CONFLICT, "cards", "one key stands on the list twice");
  }
done:
  free(prints);
  return ok;
}

/* Sorts names, takes them. */
static bool names_unique(char **names, size_t n, const char *what, cor_error *err) {
  bool ok = true;
  qsort(names, n, sizeof *names, by_text);
  for (size_t i = 1; ok && i < n; i++) {
    if (strcmp(names[i - 1], names[i]) == 0)
      ok = cor_fail(err, COR_CONFLICT, what, "%.64s stands on the list twice", names[i]);
  }
  free(names);
  return ok;
}

static bool offices_unique(const Corridor__V1__CardList *list, cor_error *err) {
  size_t hubs = 0;
  char **names = calloc(list->n_cards + 1, sizeof *names);
  if (!names) return cor_fail(err, COR_INTERNAL, "", "out of memory");
  for (size_t i = 0; i < list->n_cards; i++) {
    names[i] = list->cards[i]->office;
    hubs += list->cards[i]->role == CORRIDOR__V1__ROLE__ROLE_HUB;
  }
  return names_unique(names, list->n_cards, "cards", err) &&
         (hubs <= 1 || cor_fail(err, COR_CONFLICT, "cards", "the list has more than one hub"));
}

/* A disclosure names the agreement that authorised it: there is one of that id. */
static bool agreements_unique(const Corridor__V1__CardList *list, cor_error *err) {
  char **names = calloc(list->n_agreements + 1, sizeof *names);
  if (!names) return cor_fail(err, COR_INTERNAL, "", "out of memory");
  for (size_t i = 0; i < list->n_agreements; i++)
    names[i] = list->agreements[i]->id;
  return names_unique(names, list->n_agreements, "agreements", err);
}

static bool calendars_unique(const Corridor__V1__CardList *list, cor_error *err) {
  for (size_t i = 0; i < list->n_calendars; i++) {
    for (size_t j = 0; j < i; j++) {
      if (strcmp(list->calendars[i]->country, list->calendars[j]->country) == 0)
        return cor_fail(err, COR_CONFLICT, "calendars", "two calendars for %s", list->calendars[i]->country);
    }
  }
  return true;
}

bool cor_cardlist_check(const Corridor__V1__CardList *list, const cor_card *cards, cor_error *err) {
  if (list->n_calendars > 26 * 26) return cor_fail(err, COR_TOO_LARGE, "calendars", "too many calendars");
  for (size_t i = 0; i < list->n_agreements; i++) {
    if (!cor_agreement_ok(list->agreements[i], err)) return false;
  }
  for (size_t i = 0; i < list->n_calendars; i++) {
    if (!cor_calendar_ok(list->calendars[i], err)) return false;
  }
  return calendars_unique(list, err) && agreements_unique(list, err) && cor_permissions_ok(list, err) &&
         cor_suspended_ok(list, err) && cor_consent_policies_ok(list, err) && offices_unique(list, err) &&
         keys_unique(cards, list->n_cards, err);
}
