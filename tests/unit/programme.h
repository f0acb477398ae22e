/* programme.h - a small programme for the tests of keys: a CA, offices made,
 * requested, signed and installed, all in a temporary directory. Cheap to make:
 * one holder and one compartment unless the test asks for more. */
#ifndef CORRIDOR_TESTS_PROGRAMME_H
#define CORRIDOR_TESTS_PROGRAMME_H
#include "corridor/ca.h"
#include "corridor/cards.h"
#include "corridor/codec.h"
#include "corridor/office.h"
#include "corridor/permission_json.h"
#include "corridor/refusal.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define T0 INT64_C(1772442000000) /* 2026-03-02T09:00Z */
#define DAY INT64_C(86400000)
#define CA_PASS "a ceremony of three"
#define TESTINA ((cor_holder){"testina", "correct horse 1"})
#define CASEWORK_ONLY (1U << CORRIDOR__V1__COMPARTMENT__CASEWORK)

#define must(call) ck_assert_msg((call), "%s: %s (%d) at %s", #call, err.detail, err.code, err.path)
#define must_not(call, want)                                                                                 \
  do {                                                                                                       \
    err = (cor_error){0};                                                                                    \
    ck_assert_msg(!(call), "%s went through", #call);                                                        \
    ck_assert_msg(err.code == (want), "%s: code %d (%s), not %d", #call, err.code, err.detail, (want));      \
  } while (0)

static inline int programme_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
  (void)st, (void)flag, (void)ftw;
  return remove(path);
}
static inline void programme_remove(const char *dir) {
  (void)nftw(dir, programme_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void programme_dir(char dir[64]) {
  (void)snprintf(dir, 64, "/tmp/corridor-test-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(dir));
}

/* dir/name in one of a few rotating buffers. */
static inline const char *in(const char *dir, const char *name) {
  static char paths[8][256];
  static unsigned next;
  char *path = paths[next++ % 8];
  (void)snprintf(path, 256, "%s/%s", dir, name);
  return path;
}

static inline cor_ca *programme_ca(const char *dir) {
  cor_error err;
  must(cor_ca_make(in(dir, "ca"), "Demo Programme", true, CA_PASS, T0, 3650, &err));
  cor_ca *ca = cor_ca_open(in(dir, "ca"), CA_PASS, &err);
  must(ca != NULL);
  return ca;
}

/* The table the programme ships with. */
static inline void programme_permissions(cor_ca *ca) {
  cor_error err;
  Corridor__V1__CardList *table = cor_permissions_load(CORRIDOR_PERMISSIONS, &err);
  must(table != NULL);
  must(cor_ca_set_permissions(ca, table, &err));
  cor_message_free(&table->base);
}

static inline void programme_office(const char *dir, const char *office, Corridor__V1__Role role,
                                    const char *country, unsigned compartments) {
  cor_error err;
  must(cor_office_make(in(dir, office), office, role, country, "Office of Tests", compartments, &TESTINA, 1,
                       &err));
}

static inline Corridor__V1__CardRequest *programme_request(const char *dir, const char *office) {
  cor_error err;
  cor_buf bytes = {0};
  must(cor_office_request(in(dir, office), &bytes, &err));
  ProtobufCMessage *request = cor_decode_large(&corridor__v1__card_request__descriptor, cor_buf_view(&bytes),
                                               COR_CONTROL_MAX, 256, &err);
  must(request != NULL);
  cor_buf_clear(&bytes);
  return (Corridor__V1__CardRequest *)request;
}

static inline void programme_sign(cor_ca *ca, const char *dir, const char *office) {
  cor_error err;
  Corridor__V1__CardRequest *request = programme_request(dir, office);
  must(cor_ca_sign(ca, request, T0, 365, &err));
  cor_message_free(&request->base);
}

static inline cor_buf programme_list_bytes(const char *dir) {
  cor_error err;
  cor_buf bytes = {0};
  must(cor_file_read(in(dir, "ca/cardlist"), COR_CARDS_MAX, false, &bytes, &err));
  return bytes;
}

static inline X509 *programme_ca_cert(const char *dir) {
  cor_error err;
  X509 *cert = cor_cert_from_pem_file(in(dir, "ca/ca.crt"), &err);
  must(cert != NULL);
  return cert;
}

static inline cor_cards *programme_cards(const char *dir) {
  cor_error err;
  cor_buf bytes = programme_list_bytes(dir);
  X509 *cert = programme_ca_cert(dir);
  cor_cards *cards = cor_cards_load(cor_buf_view(&bytes), cert, &err);
  must(cards != NULL);
  X509_free(cert);
  cor_buf_clear(&bytes);
  return cards;
}

static inline int programme_run(TCase *tcase, const char *name) {
  Suite *suite = suite_create(name);
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
