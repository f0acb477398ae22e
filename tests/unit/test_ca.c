/* test_ca.c - the CA's directory: what it signs, keeps and refuses. */
#include "programme.h"

#include <openssl/x509v3.h>

static char dir[64];
static cor_ca *ca;

static void setup(void) {
  programme_dir(dir);
  ca = programme_ca(dir);
}
static void teardown(void) {
  cor_ca_destroy(&ca);
  programme_remove(dir);
}

START_TEST(key_is_private_and_scrypted) {
  cor_error err;
  struct stat st;
  cor_buf pem = {0};
  ck_assert_int_eq(stat(in(dir, "ca/ca.key"), &st), 0);
  ck_assert_int_eq(st.st_mode & 0777, 0600);
  must(cor_file_read(in(dir, "ca/ca.key"), 65536, true, &pem, &err));
  ck_assert_ptr_nonnull(strstr((char *)pem.data, "BEGIN ENCRYPTED PRIVATE KEY"));
  cor_buf_clear(&pem);
  must_not(cor_ca_open(in(dir, "ca"), "another passphrase", &err), COR_WRONG_PASSPHRASE);
  must_not(cor_ca_open(in(dir, "ca"), "", &err), COR_WRONG_PASSPHRASE);
  ck_assert_int_eq(chmod(in(dir, "ca/ca.key"), 0640), 0);
  must_not(cor_ca_open(in(dir, "ca"), CA_PASS, &err), COR_KEY_FILE_EXPOSED);
  must_not(cor_ca_make(in(dir, "ca"), "Again", true, CA_PASS, T0, 10, &err), COR_CONFLICT);
  must_not(cor_ca_make(in(dir, "short"), "Short", true, "1234567", T0, 10, &err), COR_BAD_INPUT);
}
END_TEST

START_TEST(stock_openssl_opens_the_key) {
  char command[256];
  (void)snprintf(command, sizeof command,
                 "openssl pkey -in %s -passin 'pass:" CA_PASS "' -noout -text_pub >/dev/null",
                 in(dir, "ca/ca.key"));
  ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(demo_mark) {
  cor_error err;
  X509 *demo = programme_ca_cert(dir);
  ck_assert(cor_cert_is_demo(demo));
  must(cor_ca_make(in(dir, "real"), "Programme", false, CA_PASS, T0, 3650, &err));
  X509 *real = cor_cert_from_pem_file(in(dir, "real/ca.crt"), &err);
  must(real != NULL);
  ck_assert(!cor_cert_is_demo(real));
  ck_assert_int_eq(X509_check_ca(real), 1);
  X509_free(demo);
  X509_free(real);
}
END_TEST

START_TEST(certificates_say_what_they_are_for) {
  programme_office(dir, "iom-ne", CORRIDOR__V1__ROLE__ROLE_HOST_MISSION, "NE", CASEWORK_ONLY);
  programme_sign(ca, dir, "iom-ne");
  const Corridor__V1__CardList *list = cor_ca_list(ca);
  ck_assert_uint_eq(list->n_cards, 1);
  const Corridor__V1__Card *card = list->cards[0];
  ck_assert_int_eq(card->state, CORRIDOR__V1__CARD_STATE__ACTIVE);
  ck_assert_uint_eq(card->serial, 1);
  const struct {
    ProtobufCBinaryData der;
    uint32_t usage;
  } certs[] = {{card->signing_cert, KU_DIGITAL_SIGNATURE}, {card->sealing[0]->cert, KU_KEY_AGREEMENT}};
  for (size_t i = 0; i < 2; i++) {
    const unsigned char *p = certs[i].der.data;
    X509 *cert = d2i_X509(NULL, &p, (long)certs[i].der.len);
    ck_assert_ptr_nonnull(cert);
    ck_assert_uint_eq(X509_get_key_usage(cert), certs[i].usage);
    ck_assert_int_eq(X509_check_ca(cert), 0);
    ck_assert_int_eq(ASN1_STRING_length(X509_get0_subject_key_id(cert)), 20);
    ck_assert_ptr_nonnull(X509_get0_authority_key_id(cert));
    ck_assert_int_eq(ASN1_STRING_length(X509_get0_serialNumber(cert)), 16);
    X509_free(cert);
  }
}
END_TEST

/* Each row spoils a good request in one way. */
enum { BAD_PROOF, OTHER_OFFICE, OTHER_UNIT, RECORD_KEY, TWICE, SHORT_CURVE, BAD_COUNTRY, NO_ROLE, SPOILS };

START_TEST(spoilt_requests_sign_nothing) {
  static const int want[SPOILS] = {
      [BAD_PROOF] = COR_BAD_SIGNATURE,  [OTHER_OFFICE] = COR_BAD_SIGNATURE,
      [OTHER_UNIT] = COR_BAD_SIGNATURE, [RECORD_KEY] = COR_UNKNOWN_ENUM,
      [TWICE] = COR_BAD_INPUT,          [SHORT_CURVE] = COR_BAD_INPUT,
      [BAD_COUNTRY] = COR_BAD_INPUT,    [NO_ROLE] = COR_UNKNOWN_ENUM,
  };
  cor_error err;
  programme_office(dir, "iom-ne", CORRIDOR__V1__ROLE__ROLE_HOST_MISSION, "NE", CASEWORK_ONLY);
  Corridor__V1__CardRequest *good = programme_request(dir, "iom-ne");
  Corridor__V1__CardRequest bad = *good;
  Corridor__V1__SealingCert sealing = *good->sealing_csr[0];
  Corridor__V1__SealingCert *list[2] = {&sealing, &sealing};
  bad.sealing_csr = list;
  static char other_office[] = "iom-gn", lower[] = "ne";
  switch (_i) {
  case BAD_PROOF: bad.signing_csr.data[bad.signing_csr.len - 1] ^= 1; break;
  case OTHER_OFFICE: bad.office = other_office; break;
  case OTHER_UNIT: sealing.compartment = CORRIDOR__V1__COMPARTMENT__HEALTH; break;
  case RECORD_KEY: sealing.compartment = CORRIDOR__V1__COMPARTMENT__RECORD; break;
  case TWICE: bad.n_sealing_csr = 2; break;
  case SHORT_CURVE: bad.curve_key.len = 31; break;
  case BAD_COUNTRY: bad.country = lower; break;
  default: bad.role = CORRIDOR__V1__ROLE__ROLE_UNSPECIFIED; break;
  }
  must_not(cor_ca_sign(ca, &bad, T0, 365, &err), want[_i]);
  ck_assert_uint_eq(cor_ca_list(ca)->n_cards, 0);
  cor_message_free(&good->base);
}
END_TEST

START_TEST(one_curve_key_is_one_office) {
  cor_error err;
  programme_office(dir, "iom-ne", CORRIDOR__V1__ROLE__ROLE_HOST_MISSION, "NE", 0);
  programme_office(dir, "iom-gn", CORRIDOR__V1__ROLE__ROLE_ORIGIN_MISSION, "GN", 0);
  programme_sign(ca, dir, "iom-ne");
  Corridor__V1__CardRequest *request = programme_request(dir, "iom-gn");
  memcpy(request->curve_key.data, cor_ca_list(ca)->cards[0]->curve_key.data, COR_CURVE_LEN);
  must_not(cor_ca_sign(ca, request, T0, 365, &err), COR_CONFLICT);
  cor_message_free(&request->base);
}
END_TEST

START_TEST(draft_survives_and_numbers_grow) {
  cor_error err;
  Corridor__V1__Agreement agreement = CORRIDOR__V1__AGREEMENT__INIT;
  Corridor__V1__Calendar calendar = CORRIDOR__V1__CALENDAR__INIT;
  char *offices[] = {(char[]){"iom-ne"}, (char[]){"iom-gn"}};
  Corridor__V1__DataCategory categories[] = {CORRIDOR__V1__DATA_CATEGORY__BIODATA};
  uint32_t weekend[] = {6, 7};
  agreement.id = (char[]){"ne-gn-2026"};
  agreement.offices = offices;
  agreement.n_offices = 2;
  agreement.categories = categories;
  agreement.n_categories = 1;
  agreement.valid_from = T0;
  agreement.valid_until = T0 + DAY;
  agreement.dpia_reference = (char[]){"dpia-1"};
  calendar.country = (char[]){"NE"};
  calendar.weekend = weekend;
  calendar.n_weekend = 2;
  must(cor_ca_put_agreement(ca, &agreement, &err));
  must(cor_ca_put_agreement(ca, &agreement, &err)); /* same id replaces */
  must(cor_ca_put_calendar(ca, &calendar, &err));
  agreement.valid_until = T0;
  must_not(cor_ca_put_agreement(ca, &agreement, &err), COR_BAD_INPUT);
  weekend[0] = 8;
  must_not(cor_ca_put_calendar(ca, &calendar, &err), COR_BAD_INPUT);
  must(cor_ca_publish(ca, T0, 30, &err));
  cor_ca_destroy(&ca);
  ca = cor_ca_open(in(dir, "ca"), CA_PASS, &err);
  must(ca != NULL);
  ck_assert_uint_eq(cor_ca_list(ca)->n_agreements, 1);
  ck_assert_uint_eq(cor_ca_list(ca)->n_calendars, 1);
  must(cor_ca_publish(ca, T0 + DAY, 30, &err));
  cor_cards *cards = programme_cards(dir);
  ck_assert_uint_eq(cor_cards_number(cards), 2);
  ck_assert_ptr_nonnull(cor_cards_calendar(cards, "NE"));
  ck_assert_ptr_null(cor_cards_calendar(cards, "GN"));
  cor_cards_destroy(&cards);
}
END_TEST

/* Reinstated, or merely suspended, it would sign again, and what it signed in other hands
 * would stand; new keys are a new card. */
START_TEST(revoked_is_for_good) {
  cor_error err;
  programme_office(dir, "iom-ne", CORRIDOR__V1__ROLE__ROLE_HOST_MISSION, "NE", CASEWORK_ONLY);
  programme_sign(ca, dir, "iom-ne");
  must(cor_ca_set_state(ca, "iom-ne", CORRIDOR__V1__CARD_STATE__SUSPENDED, T0, 0, &err));
  must(cor_ca_set_state(ca, "iom-ne", CORRIDOR__V1__CARD_STATE__ACTIVE, T0, 0, &err));
  must(cor_ca_set_state(ca, "iom-ne", CORRIDOR__V1__CARD_STATE__REVOKED, T0, T0 - DAY, &err));
  must_not(cor_ca_set_state(ca, "iom-ne", CORRIDOR__V1__CARD_STATE__ACTIVE, T0 + DAY, 0, &err),
           COR_CARD_REVOKED);
  must_not(cor_ca_set_state(ca, "iom-ne", CORRIDOR__V1__CARD_STATE__SUSPENDED, T0 + DAY, 0, &err),
           COR_CARD_REVOKED);
  Corridor__V1__CardRequest *same = programme_request(dir, "iom-ne");
  must_not(cor_ca_sign(ca, same, T0 + DAY, 365, &err), COR_CARD_REVOKED);
  cor_message_free(&same->base);
  /* Once more, it is known to have been in other hands for longer, never for less. */
  must(cor_ca_set_state(ca, "iom-ne", CORRIDOR__V1__CARD_STATE__REVOKED, T0 + DAY, 0, &err));
  ck_assert_int_eq(cor_ca_list(ca)->cards[0]->compromised_since, T0 - DAY);
  ck_assert_int_eq(cor_ca_list(ca)->cards[0]->state_since, T0);
  must(cor_ca_set_state(ca, "iom-ne", CORRIDOR__V1__CARD_STATE__REVOKED, T0 + DAY, T0, &err));
  ck_assert_int_eq(cor_ca_list(ca)->cards[0]->compromised_since, T0 - DAY);
  must(cor_ca_set_state(ca, "iom-ne", CORRIDOR__V1__CARD_STATE__REVOKED, T0 + DAY, T0 - 2 * DAY, &err));
  ck_assert_int_eq(cor_ca_list(ca)->cards[0]->compromised_since, T0 - 2 * DAY);
}
END_TEST

/* Each row takes something from a whole agreement on health and children. */
enum { NOTHING, NO_DPIA, NO_MOU, NO_MOU_FOR_MINDS, NO_PROTOCOL, LONG_DPIA, LONG_MOU, LONG_PROTOCOL, PAPERS };

START_TEST(an_agreement_names_its_papers) {
  static const int want[PAPERS] = {
      [NO_DPIA] = COR_MISSING_FIELD, [NO_MOU] = COR_MISSING_FIELD, [NO_MOU_FOR_MINDS] = COR_MISSING_FIELD,
      [LONG_DPIA] = COR_TOO_LARGE,   [LONG_MOU] = COR_TOO_LARGE,   [LONG_PROTOCOL] = COR_TOO_LARGE};
  cor_error err = {0};
  char *offices[] = {(char[]){"iom-ne"}, (char[]){"iom-gn"}}, none[] = "", paper[] = "paper-1", too_long[66];
  Corridor__V1__DataCategory categories[] = {CORRIDOR__V1__DATA_CATEGORY__HEALTH_DATA,
                                             CORRIDOR__V1__DATA_CATEGORY__CHILD_BID};
  Corridor__V1__Agreement a = CORRIDOR__V1__AGREEMENT__INIT;
  memset(too_long, 'x', 65);
  too_long[65] = '\0';
  a.id = a.dpia_reference = a.record_transfer_mou = a.child_data_protocol = paper;
  a.offices = offices;
  a.categories = categories;
  a.n_offices = a.n_categories = 2;
  a.valid_until = T0;
  switch (_i) {
  case NO_DPIA: a.dpia_reference = none; break;
  case NO_MOU_FOR_MINDS: categories[0] = CORRIDOR__V1__DATA_CATEGORY__MENTAL_HEALTH; /* fall through */
  case NO_MOU: a.record_transfer_mou = none; break;
  case NO_PROTOCOL: a.child_data_protocol = none; break; /* then no route host to origin: gate.c */
  case LONG_DPIA: a.dpia_reference = too_long; break;
  case LONG_MOU: a.record_transfer_mou = too_long; break;
  case LONG_PROTOCOL: a.child_data_protocol = too_long; break;
  default: break;
  }
  ck_assert(cor_ca_put_agreement(ca, &a, &err) == (want[_i] == COR_OK));
  ck_assert_int_eq(err.code, want[_i]);
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("ca");
  tcase_set_timeout(tcase, 60);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, key_is_private_and_scrypted);
  tcase_add_test(tcase, stock_openssl_opens_the_key);
  tcase_add_test(tcase, demo_mark);
  tcase_add_test(tcase, certificates_say_what_they_are_for);
  tcase_add_loop_test(tcase, spoilt_requests_sign_nothing, 0, SPOILS);
  tcase_add_test(tcase, one_curve_key_is_one_office);
  tcase_add_test(tcase, draft_survives_and_numbers_grow);
  tcase_add_test(tcase, revoked_is_for_good);
  tcase_add_loop_test(tcase, an_agreement_names_its_papers, 0, PAPERS);
  return programme_run(tcase, "ca");
}
