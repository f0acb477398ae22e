/* test_office.c - an office's directory, from its making to its card. */
#include "programme.h"

static char dir[64];
static cor_ca *ca;

static void setup(void) {
  programme_dir(dir);
  ca = programme_ca(dir);
  programme_office(dir, "iom-ne", CORRIDOR__V1__ROLE__ROLE_HOST_MISSION, "NE",
                   CASEWORK_ONLY | 1U << CORRIDOR__V1__COMPARTMENT__HEALTH);
}
static void teardown(void) {
  cor_ca_destroy(&ca);
  programme_remove(dir);
}

static bool install(const char *office, cor_error *err) {
  return cor_office_install(in(dir, office), in(dir, "ca/ca.crt"), in(dir, "ca/cardlist"), err);
}

START_TEST(from_making_to_loading) {
  cor_error err;
  cor_office office;
  programme_sign(ca, dir, "iom-ne");
  must(cor_ca_publish(ca, T0, 30, &err));
  must(install("iom-ne", &err));
  must(install("iom-ne", &err)); /* the same command again completes */
  must(cor_office_load(in(dir, "iom-ne"), &office, &err));
  ck_assert_str_eq(office.id, "iom-ne");
  ck_assert_str_eq(office.country, "NE");
  ck_assert_int_eq(office.role, CORRIDOR__V1__ROLE__ROLE_HOST_MISSION);
  ck_assert_uint_eq(strlen(office.curve_public), 40);
  ck_assert_uint_eq(strlen(office.curve_secret), 40);
  cor_cards *cards = programme_cards(dir);
  const cor_card *card = cor_cards_find(cards, "iom-ne");
  EVP_PKEY *key = cor_keyfile_open(in(dir, "iom-ne/keys/health.key"), TESTINA.user, TESTINA.passphrase, &err);
  must(key != NULL);
  ck_assert_int_eq(EVP_PKEY_eq(key, X509_get0_pubkey(card->sealing[CORRIDOR__V1__COMPARTMENT__HEALTH])), 1);
  ck_assert_int_eq(EVP_PKEY_eq(office.signing, card->signing), 1);
  X509 *cert = cor_cert_from_pem_file(in(dir, "iom-ne/keys/health.crt"), &err);
  must(cert != NULL);
  ck_assert_int_eq(X509_cmp(cert, card->sealing[CORRIDOR__V1__COMPARTMENT__HEALTH]), 0);
  X509_free(cert);
  EVP_PKEY_free(key);
  cor_cards_destroy(&cards);
  cor_office_clear(&office);
}
END_TEST

START_TEST(private_files_are_private) {
  static const struct {
    const char *file;
    mode_t mode;
  } files[] = {{"iom-ne/curve.key", 0600},         {"iom-ne/signing.key", 0600},
               {"iom-ne/keys/casework.key", 0600}, {"iom-ne/keys/casework.csr", 0644},
               {"iom-ne/curve.pub", 0644},         {"iom-ne/keys", 0700}};
  cor_error err;
  cor_office office;
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    struct stat st;
    ck_assert_int_eq(stat(in(dir, files[i].file), &st), 0);
    ck_assert_msg((st.st_mode & 0777) == files[i].mode, "%s", files[i].file);
  }
  ck_assert_int_eq(chmod(in(dir, "iom-ne/signing.key"), 0644), 0);
  must_not(cor_office_load(in(dir, "iom-ne"), &office, &err), COR_KEY_FILE_EXPOSED);
}
END_TEST

/* The list carries an office of the same name whose keys are not ours. */
START_TEST(list_with_other_keys_is_refused) {
  cor_error err;
  char twin[80];
  (void)snprintf(twin, sizeof twin, "%s/twin", dir);
  ck_assert_int_eq(mkdir(twin, 0700), 0);
  programme_office(twin, "iom-ne", CORRIDOR__V1__ROLE__ROLE_HOST_MISSION, "NE",
                   CASEWORK_ONLY | 1U << CORRIDOR__V1__COMPARTMENT__HEALTH);
  programme_sign(ca, twin, "iom-ne");
  must(cor_ca_publish(ca, T0, 30, &err));
  must_not(install("iom-ne", &err), COR_NOT_YOUR_NAME);
  ck_assert_int_ne(access(in(dir, "iom-ne/cardlist"), F_OK), 0);
  ck_assert_int_ne(access(in(dir, "iom-ne/ca.crt"), F_OK), 0);
}
END_TEST

/* One compartment key more in the directory than on the card, and one exchanged. */
START_TEST(list_with_other_compartments_is_refused) {
  cor_error err;
  programme_sign(ca, dir, "iom-ne");
  must(cor_ca_publish(ca, T0, 30, &err));
  EVP_PKEY *key = cor_key_new(&err);
  must(key != NULL);
  const cor_holder holder = TESTINA;
  if (_i == 0)
    must(cor_keyfile_make(in(dir, "iom-ne/keys/protection.key"), CORRIDOR__V1__COMPARTMENT__PROTECTION, key,
                          &holder, 1, &err));
  else
    must(cor_keyfile_make(in(dir, "iom-ne/keys/health.key"), CORRIDOR__V1__COMPARTMENT__HEALTH, key, &holder,
                          1, &err));
  must_not(install("iom-ne", &err), COR_NOT_YOUR_NAME);
  EVP_PKEY_free(key);
}
END_TEST

START_TEST(list_without_us_is_refused) {
  cor_error err;
  must(cor_ca_publish(ca, T0, 30, &err));
  must_not(install("iom-ne", &err), COR_NOT_YOUR_NAME);
}
END_TEST

START_TEST(older_list_and_other_ca_are_refused) {
  cor_error err;
  programme_sign(ca, dir, "iom-ne");
  must(cor_ca_publish(ca, T0, 30, &err));
  cor_buf first = programme_list_bytes(dir);
  must(cor_ca_publish(ca, T0, 30, &err));
  must(install("iom-ne", &err));
  must(cor_file_write(in(dir, "ca/cardlist"), cor_buf_view(&first), 0644, &err));
  must_not(install("iom-ne", &err), COR_CONFLICT);
  must(cor_ca_make(in(dir, "other"), "Other", true, CA_PASS, T0, 100, &err));
  must_not(cor_office_install(in(dir, "iom-ne"), in(dir, "other/ca.crt"), in(dir, "ca/cardlist"), &err),
           COR_BAD_SIGNATURE);
  cor_buf_clear(&first);
}
END_TEST

START_TEST(bad_offices_are_not_made) {
  static const struct {
    const char *office, *country, *name;
    unsigned compartments;
    int want;
  } bad[] = {{"Upper", "NE", "x", 0, COR_BAD_INPUT},  {"iom-ne", "Ne", "x", 0, COR_BAD_INPUT},
             {"iom-ne", "NE", "", 0, COR_BAD_INPUT},  {"iom-ne", "NE", "\xff", 0, COR_BAD_INPUT},
             {"iom-ne", "NE", "x", 2, COR_BAD_INPUT}, {"iom-ne", "NE", "x", 128, COR_BAD_INPUT},
             {"../../x", "NE", "x", 0, COR_BAD_INPUT}};
  cor_error err;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    must_not(cor_office_make(in(dir, "bad"), bad[i].office, CORRIDOR__V1__ROLE__ROLE_PARTNER, bad[i].country,
                             bad[i].name, bad[i].compartments, NULL, 0, &err),
             bad[i].want);
    ck_assert_int_ne(access(in(dir, "bad"), F_OK), 0);
  }
  must_not(cor_office_make(in(dir, "iom-ne"), "iom-ne", CORRIDOR__V1__ROLE__ROLE_PARTNER, "NE", "Again", 0,
                           NULL, 0, &err),
           COR_CONFLICT);
}
END_TEST

/* RFC 32 and libzmq agree on every byte: curve.pub is what zmq_curve_public
 * derives from curve.key. The same is shown here with stock Python ZeroMQ. */
START_TEST(curve_pair_is_libzmqs) {
  char command[512];
  (void)snprintf(command, sizeof command,
                 "/usr/bin/python3 -c \"import zmq; s=open('%s','rb').read().strip(); "
                 "p=open('%s','rb').read().strip(); assert zmq.curve_public(s)==p\"",
                 in(dir, "iom-ne/curve.key"), in(dir, "iom-ne/curve.pub"));
  ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(compartment_names) {
  for (int c = CORRIDOR__V1__COMPARTMENT__RECORD; c <= CORRIDOR__V1__COMPARTMENT__MONITORING; c++) {
    Corridor__V1__Compartment parsed;
    ck_assert(cor_compartment_parse(cor_compartment_name((Corridor__V1__Compartment)c), &parsed));
    ck_assert_int_eq((int)parsed, c);
  }
  Corridor__V1__Compartment parsed;
  ck_assert(!cor_compartment_parse("unknown", &parsed));
  ck_assert_str_eq(cor_compartment_name((Corridor__V1__Compartment)77), "unknown");
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("office");
  tcase_set_timeout(tcase, 60);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, from_making_to_loading);
  tcase_add_test(tcase, private_files_are_private);
  tcase_add_test(tcase, list_with_other_keys_is_refused);
  tcase_add_loop_test(tcase, list_with_other_compartments_is_refused, 0, 2);
  tcase_add_test(tcase, list_without_us_is_refused);
  tcase_add_test(tcase, older_list_and_other_ca_are_refused);
  tcase_add_test(tcase, bad_offices_are_not_made);
  tcase_add_test(tcase, curve_pair_is_libzmqs);
  tcase_add_test(tcase, compartment_names);
  return programme_run(tcase, "office");
}
