/* crowd.c - a demo programme with very many offices, made in seconds.
 *
 * For: benchmarks with up to 1000 host missions. `corridor ca` and `corridor
 * office` would take an hour: they wrap each key under passphrases, slowly on
 * purpose, and write a whole new draft for each card. Here the sealing keys are
 * thrown away, since the load never opens what it receives, and the draft is
 * written once; publishing, and the hub's own installation, are the product's.
 * Makes DIR/ca, DIR/hub/keys, and per office DIR/ID/keys with its CURVE and
 * signing keys. Every error is fatal. */
#include "cert.h"
#include "corridor/ca.h"
#include "corridor/codec.h"
#include "corridor/office.h"
#include "corridor/permission_json.h"
#include "corridor/sop.h"
#include "die.h"
#include "programme.h"
#include "z85.h"
#include <string.h>
#include <sys/stat.h>

#define PASSPHRASE "programme authority exemplar"
#define DAY_MS INT64_C(86400000)
enum { VALID_DAYS = 365, CATEGORIES = 14, GROUP_MAX = 254 };

typedef struct crowd {
  const char *dir;
  int64_t now;
  EVP_PKEY *ca_key;
  X509 *ca;
  Corridor__V1__CardList list, *table; /* of permissions */
  size_t hosts;
} crowd;

static ProtobufCBinaryData certificate(crowd *c, const char *office, EVP_PKEY *key,
                                       const Corridor__V1__Compartment *sealing) {
  char unit[COR_UNIT_TEXT];
  cor_error err = {0};
  cor_buf der = {0};
  X509 *cert = cor_cert_issue(&(cor_cert_spec){.use = sealing ? COR_CERT_SEALING : COR_CERT_SIGNING,
                                               .common_name = office,
                                               .unit = cor_cert_unit(sealing, unit),
                                               .key = key,
                                               .issuer = c->ca,
                                               .issuer_key = c->ca_key,
                                               .not_before = c->now - DAY_MS,
                                               .not_after = c->now + VALID_DAYS * DAY_MS},
                              &err);
  if (!cert || !cor_cert_to_der(cert, &der, &err)) die_of("certificate", &err);
  X509_free(cert);
  return (ProtobufCBinaryData){der.len, der.data};
}

static void seal_with(crowd *c, Corridor__V1__Card *card) {
  static const Corridor__V1__Compartment casework = COR_C(CASEWORK);
  cor_error err = {0};
  Corridor__V1__SealingCert *one = must_have(1, sizeof *one);
  EVP_PKEY *key = cor_key_new(&err);
  if (!key) die_of("sealing key", &err);
  corridor__v1__sealing_cert__init(one);
  one->compartment = casework;
  one->cert = certificate(c, card->office, key, &casework);
  EVP_PKEY_free(key);
  card->sealing = must_have(1, sizeof(Corridor__V1__SealingCert *));
  card->sealing[0] = one;
  card->n_sealing = 1;
}

static void make_office(crowd *c, const char *id, Corridor__V1__Role role, const char *country) {
  char dir[OFFICE_DIR_MAX], parent[OFFICE_DIR_MAX];
  cor_error err = {0};
  cor_office office;
  Corridor__V1__Card *card = must_have(1, sizeof *card);
  snprintf(parent, sizeof parent, "%s/%s", c->dir, id);
  programme_office_dir(c->dir, id, dir);
  if (mkdir(parent, 0700) != 0) die("cannot make the folder", parent);
  if (!cor_office_make(dir, id, role, country, "Office of the benchmark", 0, NULL, 0, &err) ||
      !cor_office_load(dir, &office, &err))
    die_of(id, &err);
  corridor__v1__card__init(card);
  card->office = strdup(id);
  card->role = role;
  card->country = strdup(country);
  card->name = "Office of the benchmark";
  card->curve_key = (ProtobufCBinaryData){COR_CURVE_LEN, must_have(1, COR_CURVE_LEN)};
  if (!cor_z85_parse(office.curve_public, card->curve_key.data)) die("CURVE key", id);
  card->signing_cert = certificate(c, id, office.signing, NULL);
  if (role != COR_ROLE(HUB)) seal_with(c, card);
  card->state = CORRIDOR__V1__CARD_STATE__ACTIVE;
  card->state_since = c->now;
  card->serial = c->list.n_cards + 1;
  c->list.cards[c->list.n_cards++] = card;
  cor_office_clear(&office);
}

/* Recipient r with its twin and every host that writes to it. */
static void make_agreement(crowd *c, size_t r) {
  static Corridor__V1__DataCategory all[CATEGORIES];
  Corridor__V1__Agreement *one = must_have(1, sizeof *one);
  char text[COR_OFFICE_MAX + 1];
  for (int i = 0; i < CATEGORIES; i++)
    all[i] = (Corridor__V1__DataCategory)(i + 1);
  corridor__v1__agreement__init(one);
  one->offices = must_have(GROUP_MAX + 2, sizeof *one->offices);
  for (int away = 0; away < 2; away++) {
    programme_recipient(r, away, text);
    one->offices[one->n_offices++] = strdup(text);
  }
  for (size_t i = r; i < c->hosts && one->n_offices < GROUP_MAX + 2; i += RECIPIENTS_MAX) {
    programme_host(i, text);
    one->offices[one->n_offices++] = strdup(text);
  }
  snprintf(text, sizeof text, "BENCH-%02zu", r + 1);
  one->id = strdup(text);
  one->programme = "JI";
  one->categories = all;
  one->n_categories = CATEGORIES;
  one->valid_from = c->now - DAY_MS;
  one->valid_until = c->now + VALID_DAYS * DAY_MS;
  one->dpia_reference = "DPIA-BENCH";
  one->child_data_protocol = "CDP-BENCH";
  one->record_transfer_mou = "MOU-BENCH";
  c->list.agreements[c->list.n_agreements++] = one;
}

static void make_permissions(crowd *c) {
  cor_error err = {0};
  c->table = cor_permissions_load(CORRIDOR_PERMISSIONS, &err);
  if (!c->table) die_of("permissions", &err);
  c->list.permissions = c->table->permissions;
  c->list.n_permissions = c->table->n_permissions;
}

static void make_calendars(crowd *c) {
  static Corridor__V1__UtcOffset offset = CORRIDOR__V1__UTC_OFFSET__INIT, *offsets[] = {&offset};
  static uint32_t weekend[] = {6, 7};
  static Corridor__V1__Calendar ne = CORRIDOR__V1__CALENDAR__INIT, gn = CORRIDOR__V1__CALENDAR__INIT;
  static Corridor__V1__Calendar *both[] = {&ne, &gn};
  offset.from = c->now - 365 * DAY_MS;
  ne.country = "NE";
  gn.country = "GN";
  for (int i = 0; i < 2; i++) {
    both[i]->weekend = weekend;
    both[i]->n_weekend = 2;
    both[i]->offsets = offsets;
    both[i]->n_offsets = 1;
  }
  c->list.calendars = both;
  c->list.n_calendars = 2;
}

static void open_ca(crowd *c) {
  char path[OFFICE_DIR_MAX];
  cor_error err = {0};
  cor_buf pem = {0};
  snprintf(path, sizeof path, "%s/ca", c->dir);
  if (!cor_ca_make(path, "Benchmark", true, PASSPHRASE, c->now, 3650, &err)) die_of("CA", &err);
  snprintf(path, sizeof path, "%s/ca/ca.key", c->dir);
  if (!cor_file_read(path, 65536, true, &pem, &err) ||
      !(c->ca_key = cor_key_from_pem(cor_buf_view(&pem), PASSPHRASE, &err)))
    die_of("CA", &err);
  cor_buf_clear(&pem);
  snprintf(path, sizeof path, "%s/ca/ca.crt", c->dir);
  if (!(c->ca = cor_cert_from_pem_file(path, &err))) die_of("CA", &err);
}

static void publish(crowd *c) {
  char dir[OFFICE_DIR_MAX], path[OFFICE_DIR_MAX], hub[OFFICE_DIR_MAX], crt[OFFICE_DIR_MAX];
  cor_error err = {0};
  cor_buf draft = {0};
  snprintf(dir, sizeof dir, "%s/ca", c->dir);
  snprintf(path, sizeof path, "%s/ca/cardlist.draft", c->dir);
  if (!cor_encode(&c->list.base, &draft, &err) || !cor_file_write(path, cor_buf_view(&draft), 0600, &err))
    die_of("draft", &err);
  cor_buf_clear(&draft);
  cor_ca *ca = cor_ca_open(dir, PASSPHRASE, &err);
  if (!ca || !cor_ca_publish(ca, c->now, VALID_DAYS, &err)) die_of("publishing", &err);
  cor_ca_destroy(&ca);
  snprintf(path, sizeof path, "%s/ca/cardlist", c->dir);
  snprintf(crt, sizeof crt, "%s/ca/ca.crt", c->dir);
  programme_office_dir(c->dir, "hub", hub);
  if (!cor_office_install(hub, crt, path, &err)) die_of("installing", &err);
}

int main(int argc, char **argv) {
  static crowd c = {.list = CORRIDOR__V1__CARD_LIST__INIT};
  char id[COR_OFFICE_MAX + 1];
  if (argc != 4 || !cor_time_parse(argv[2], &c.now) || (c.hosts = strtoul(argv[3], NULL, 10)) == 0 ||
      c.hosts > 2000) {
    fprintf(stderr, "bench-crowd DIR TIME HOSTS: makes a programme of 1 to 2000 host missions\n");
    return 2;
  }
  c.dir = argv[1];
  const size_t recipients = c.hosts < RECIPIENTS_MAX ? c.hosts : RECIPIENTS_MAX;
  c.list.cards = must_have(c.hosts + 2 * recipients + 1, sizeof *c.list.cards);
  c.list.agreements = must_have(recipients, sizeof *c.list.agreements);
  c.list.issued_at = c.now;
  open_ca(&c);
  make_calendars(&c);
  make_permissions(&c);
  make_office(&c, "hub", COR_ROLE(HUB), "NE");
  for (size_t i = 0; i < c.hosts; i++) {
    programme_host(i, id);
    make_office(&c, id, COR_ROLE(HOST_MISSION), "NE");
  }
  for (size_t r = 0; r < recipients; r++) {
    for (int away = 0; away < 2; away++) {
      programme_recipient(r, away, id);
      make_office(&c, id, COR_ROLE(ORIGIN_MISSION), "GN");
    }
    make_agreement(&c, r);
  }
  publish(&c);
  return 0;
}
