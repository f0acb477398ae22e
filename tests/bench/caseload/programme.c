/* programme.c - a CA and some hundred offices in a second or two.
 *
 * For: the replay. The same certificates, list and agreements as `corridor ca`
 * and `corridor office` make, but each office's keys stay in memory and are gone
 * with the process, so that no passphrase has to be stretched for each of them;
 * only the hub gets a directory. Nobody opens a seal here, so the private sealing
 * keys are not kept at all. Agreements: one per host region between its missions
 * and all missions of origin, one per country between its missions and providers.
 * Fatal: nothing; every error says what could not be made. */
#include "programme.h"
#include "calendars.h"
#include "cert.h"
#include "corridor/ca.h"
#include "corridor/clock.h"
#include "corridor/codec.h"
#include "corridor/permission_json.h"
#include "corridor/refusal.h"
#include "corridor/sign.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#define PASSPHRASE "programme authority exemplar"
enum { VALID_DAYS = 900, SEALS_MAX = 3, AGREEMENT_MAX = 256 };
static const int64_t day_ms = 24 * 3600 * INT64_C(1000), hour_ms = 3600 * INT64_C(1000);

typedef struct authority {
  EVP_PKEY *key;
  X509 *cert;
  int64_t now;
} authority;

static const char *in(const char *dir, const char *name, char out[PATH_MAX]) {
  snprintf(out, PATH_MAX, "%s/%s", dir, name);
  return out;
}

/* ---- cards ---- */

static bool certify(const authority *ca, const char *office, EVP_PKEY *key,
                    const Corridor__V1__Compartment *c, ProtobufCBinaryData *out, cor_error *err) {
  char unit[COR_UNIT_TEXT];
  cor_buf der = {0};
  X509 *cert = cor_cert_issue(&(cor_cert_spec){.use = c ? COR_CERT_SEALING : COR_CERT_SIGNING,
                                               .common_name = office,
                                               .unit = cor_cert_unit(c, unit),
                                               .key = key,
                                               .issuer = ca->cert,
                                               .issuer_key = ca->key,
                                               .not_before = ca->now - hour_ms,
                                               .not_after = ca->now + VALID_DAYS * day_ms},
                              err);
  bool ok = cert && cor_cert_to_der(cert, &der, err);
  *out = (ProtobufCBinaryData){der.len, der.data};
  X509_free(cert);
  return ok;
}

static Corridor__V1__SealingCert *seal_cert(const authority *ca, const char *office,
                                            Corridor__V1__Compartment c, cor_error *err) {
  Corridor__V1__SealingCert *out = calloc(1, sizeof *out);
  if (!out) abort();
  corridor__v1__sealing_cert__init(out);
  out->compartment = c;
  EVP_PKEY *key = cor_key_new(err);
  bool ok = key && certify(ca, office, key, &c, &out->cert, err);
  EVP_PKEY_free(key);
  if (ok) return out;
  free(out);
  return NULL;
}

/* All owned by the card. */
static Corridor__V1__Card *card_of(const authority *ca, const cor_office *office, uint64_t serial,
                                   cor_error *err) {
  static const Corridor__V1__Compartment mission[] = {COR_C(OPERATIONS), COR_C(CASEWORK), COR_C(HEALTH)};
  static const Corridor__V1__Compartment provider[] = {COR_C(CASEWORK)};
  bool small = office->role == COR_ROLE(SERVICE_PROVIDER);
  Corridor__V1__Card *card = calloc(1, sizeof *card);
  uint8_t *curve = malloc(COR_CURVE_LEN);
  if (!card || !curve) abort();
  corridor__v1__card__init(card);
  zmq_z85_decode(curve, office->curve_public);
  card->office = strdup(office->id);
  card->role = office->role;
  card->country = strdup(office->country);
  card->name = strdup(office->name);
  card->curve_key = (ProtobufCBinaryData){COR_CURVE_LEN, curve};
  card->state = CORRIDOR__V1__CARD_STATE__ACTIVE;
  card->state_since = ca->now;
  card->serial = serial;
  bool ok = certify(ca, office->id, office->signing, NULL, &card->signing_cert, err);
  const Corridor__V1__Compartment *own = small ? provider : mission;
  size_t seals = office->role == COR_ROLE(HUB) ? 0 : small ? 1 : SEALS_MAX;
  card->sealing = calloc(SEALS_MAX, sizeof *card->sealing);
  if (!card->sealing) abort();
  for (; ok && card->n_sealing < seals; card->n_sealing++)
    ok = (card->sealing[card->n_sealing] = seal_cert(ca, office->id, own[card->n_sealing], err)) != NULL;
  if (ok) return card;
  protobuf_c_message_free_unpacked(&card->base, NULL);
  return NULL;
}

/* ---- offices ---- */

static bool make_member(const plan *p, int office, member *out, cor_error *err) {
  static const Corridor__V1__Role roles[] = {COR_ROLE(HOST_MISSION), COR_ROLE(ORIGIN_MISSION),
                                             COR_ROLE(SERVICE_PROVIDER), COR_ROLE(SERVICE_PROVIDER)};
  *out = (member){.office = office};
  plan_office_id(p->w, office, out->keys.id);
  memcpy(out->keys.country, p->w->list[office / OFFICES_OF_A_COUNTRY].iso, sizeof out->keys.country);
  snprintf(out->keys.name, sizeof out->keys.name, "Exemplar office %s", out->keys.id);
  out->keys.role = roles[office % OFFICES_OF_A_COUNTRY];
  if (zmq_curve_keypair(out->keys.curve_public, out->keys.curve_secret) != 0)
    return cor_fail(err, COR_INTERNAL, "curve", "libzmq makes no CURVE keys");
  return (out->keys.signing = cor_key_new(err)) != NULL;
}

static bool make_members(const plan *p, programme *out, cor_error *err) {
  bool wanted[OFFICES_MAX] = {false};
  for (size_t i = 0; i < p->n_messages; i++) {
    const kind_row *row = &kind_rows[p->messages[i].kind];
    int from = plan_party(p, &p->messages[i], row->from), to = plan_party(p, &p->messages[i], row->to);
    wanted[from] = true;
    if (to != OFFICE_HUB) wanted[to] = true;
  }
  out->members = calloc(OFFICES_MAX, sizeof *out->members);
  if (!out->members) abort();
  bool ok = true;
  for (int i = 0; ok && i < OFFICES_MAX; i++) {
    if (!wanted[i]) continue;
    out->of[i] = &out->members[out->n++];
    ok = make_member(p, i, out->of[i], err);
  }
  return ok;
}

/* ---- agreements ---- */

typedef struct pact {
  Corridor__V1__Agreement agreement;
  char id[16];
  char *offices[AGREEMENT_MAX];
} pact;

static Corridor__V1__DataCategory all_but_protection[] = {
    COR_CAT(OPERATIONAL), COR_CAT(BIODATA),   COR_CAT(CONTACT),         COR_CAT(TRAVEL),
    COR_CAT(HEALTH_DATA), COR_CAT(CHILD_BID), COR_CAT(FAMILY),          COR_CAT(ECONOMIC),
    COR_CAT(EDUCATION),   COR_CAT(LEGAL),     COR_CAT(MONITORING_DATA), COR_CAT(INSTRUCTION)};

static void pact_begin(pact *out, const char *name, int64_t now) {
  corridor__v1__agreement__init(&out->agreement);
  snprintf(out->id, sizeof out->id, "JI-2020-%s", name);
  out->agreement.id = out->id;
  out->agreement.programme = "JI";
  out->agreement.offices = out->offices;
  out->agreement.n_categories = sizeof all_but_protection / sizeof *all_but_protection;
  out->agreement.categories = all_but_protection;
  out->agreement.valid_from = now - day_ms;
  out->agreement.valid_until = now + VALID_DAYS * day_ms;
  out->agreement.dpia_reference = "DPIA-2020-1";
  out->agreement.child_data_protocol = "CDP-2020-1";
  out->agreement.record_transfer_mou = "MOU-2020-1";
}

static void pact_add(pact *out, member *m) {
  if (m && out->agreement.n_offices < AGREEMENT_MAX) out->offices[out->agreement.n_offices++] = m->keys.id;
}

/* Fills list; those with fewer than two offices bind nobody and are left out. */
static size_t make_pacts(const plan *p, programme *all, int64_t now, pact *pacts,
                         Corridor__V1__Agreement **list) {
  size_t n = 0;
  for (size_t region = 0; region < REGIONS; region++) {
    pact_begin(&pacts[n], p->w->regions[region], now);
    for (size_t i = 0; i < p->w->n; i++) {
      if (p->w->list[i].region == region)
        pact_add(&pacts[n], all->of[i * OFFICES_OF_A_COUNTRY + OFFICE_HOST]);
      pact_add(&pacts[n], all->of[i * OFFICES_OF_A_COUNTRY + OFFICE_ORIGIN]);
    }
    list[n] = &pacts[n].agreement;
    n += pacts[n].agreement.n_offices > 1;
  }
  for (size_t i = 0; i < p->w->n; i++) {
    pact_begin(&pacts[n], p->w->list[i].iso, now);
    for (size_t k = 0; k < OFFICES_OF_A_COUNTRY; k++)
      pact_add(&pacts[n], all->of[i * OFFICES_OF_A_COUNTRY + k]);
    list[n] = &pacts[n].agreement;
    n += pacts[n].agreement.n_offices > 1;
  }
  return n;
}

/* ---- the list ---- */

static bool sign_list(const authority *ca, const Corridor__V1__CardList *list, cor_buf *out, cor_error *err) {
  cor_buf bytes = {0};
  Corridor__V1__Signature *signature = NULL;
  Corridor__V1__SignedContent content = CORRIDOR__V1__SIGNED_CONTENT__INIT;
  bool ok = cor_encode(&list->base, &bytes, err) &&
            cor_sign(ca->key, COR_DOMAIN_CARDLIST, "ca", 0, &(cor_bytes){bytes.data, bytes.len}, 1,
                     &signature, err);
  content.content = (ProtobufCBinaryData){bytes.len, bytes.data};
  content.signature = signature;
  ok = ok && cor_encode(&content.base, out, err);
  cor_message_free((ProtobufCMessage *)signature);
  cor_buf_clear(&bytes);
  return ok;
}

static bool make_list(const plan *p, const authority *ca, programme *all, cor_buf *out, cor_error *err) {
  Corridor__V1__CardList list = CORRIDOR__V1__CARD_LIST__INIT;
  Corridor__V1__CardList *table = cor_permissions_load(CORRIDOR_PERMISSIONS, err);
  if (!table) return false;
  country_calendar *calendars = calloc(COUNTRIES_MAX, sizeof *calendars);
  pact *pacts = calloc(COUNTRIES_MAX + REGIONS + 1, sizeof *pacts);
  list.cards = calloc(all->n + 1, sizeof *list.cards);
  list.calendars = calloc(COUNTRIES_MAX, sizeof *list.calendars);
  list.agreements = calloc(COUNTRIES_MAX + REGIONS + 1, sizeof *list.agreements);
  if (!calendars || !pacts || !list.cards || !list.calendars || !list.agreements) abort();
  bool ok = true;
  for (size_t i = 0; ok && i <= all->n; i++) {
    const cor_office *office = i < all->n ? &all->members[i].keys : &all->hub;
    ok = (list.cards[list.n_cards] = card_of(ca, office, i + 1, err)) != NULL;
    list.n_cards += ok;
  }
  list.permissions = table->permissions;
  list.n_permissions = table->n_permissions;
  list.number = 1;
  list.issued_at = ca->now;
  list.expires_at = ca->now + VALID_DAYS * day_ms;
  list.n_agreements = make_pacts(p, all, ca->now, pacts, list.agreements);
  for (size_t i = 0; i < p->w->n; i++) {
    calendar_of_country(&p->w->list[i], &calendars[i]);
    list.calendars[list.n_calendars++] = &calendars[i].calendar;
  }
  ok = ok && sign_list(ca, &list, out, err);
  for (size_t i = 0; i < list.n_cards; i++)
    protobuf_c_message_free_unpacked(&list.cards[i]->base, NULL);
  free(list.cards);
  free(list.calendars);
  free(list.agreements);
  free(calendars);
  free(pacts);
  cor_message_free(&table->base);
  return ok;
}

/* ---- on disk ---- */

static bool open_authority(const char *dir, authority *ca, cor_error *err) {
  char path[PATH_MAX];
  cor_buf pem = {0};
  if (!cor_ca_make(in(dir, "ca", path), "Demonstration", true, PASSPHRASE, ca->now, VALID_DAYS + 1, err) ||
      !cor_file_read(in(dir, "ca/ca.key", path), COR_CONTROL_MAX, true, &pem, err))
    return false;
  ca->key = cor_key_from_pem(cor_buf_view(&pem), PASSPHRASE, err);
  cor_buf_clear(&pem);
  return ca->key && (ca->cert = cor_cert_from_pem_file(in(dir, "ca/ca.crt", path), err)) != NULL;
}

static bool make_hub(const char *dir, cor_office *out, cor_error *err) {
  char path[PATH_MAX];
  if (mkdir(in(dir, "hub", path), 0700) != 0)
    return cor_fail(err, COR_INTERNAL, "hub", "cannot make %s", path);
  in(dir, "hub/keys", path);
  return cor_office_make(path, "hub", COR_ROLE(HUB), "NE", "Hub of the caseload", 0, NULL, 0, err) &&
         cor_office_load(path, out, err);
}

static bool install(const char *dir, const authority *ca, const cor_buf *list, programme *out,
                    cor_error *err) {
  char keys[PATH_MAX], crt[PATH_MAX], path[PATH_MAX];
  if (!cor_file_write(in(dir, "ca/cardlist", path), cor_buf_view(list), 0644, err) ||
      !cor_office_install(in(dir, "hub/keys", keys), in(dir, "ca/ca.crt", crt), path, err) ||
      !(out->cards = cor_cards_load(cor_buf_view(list), ca->cert, err)))
    return false;
  for (size_t i = 0; i < out->n; i++)
    out->members[i].card = cor_cards_find(out->cards, out->members[i].keys.id);
  return cor_clock_demo_start(in(dir, "clock", path), ca->now, err);
}

bool programme_make(const plan *p, const char *dir, programme *out, cor_error *err) {
  authority ca = {.now = plan_moment(0) - 6 * hour_ms};
  cor_buf list = {0};
  *out = (programme){0};
  bool ok = open_authority(dir, &ca, err) && make_hub(dir, &out->hub, err) && make_members(p, out, err) &&
            make_list(p, &ca, out, &list, err) && install(dir, &ca, &list, out, err);
  cor_buf_clear(&list);
  EVP_PKEY_free(ca.key);
  X509_free(ca.cert);
  return ok;
}

void programme_clear(programme *p) {
  for (size_t i = 0; i < p->n; i++)
    cor_office_clear(&p->members[i].keys);
  free(p->members);
  cor_office_clear(&p->hub);
  cor_cards_destroy(&p->cards);
}
