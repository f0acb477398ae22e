/* test_cards.c - a card list is believed for the CA's signature alone. */
#include "programme.h"
#include "corridor/sign.h"

static char dir[64];
static cor_ca *ca;

/* Once for all tests: each publishes what it needs. */
static void setup(void) {
  programme_dir(dir);
  ca = programme_ca(dir);
  programme_office(dir, "iom-ne", CORRIDOR__V1__ROLE__ROLE_HOST_MISSION, "NE", CASEWORK_ONLY);
  programme_office(dir, "corridor-hub", CORRIDOR__V1__ROLE__ROLE_HUB, "CH", 0);
  programme_sign(ca, dir, "iom-ne");
  programme_sign(ca, dir, "corridor-hub");
}
static void publish(int64_t at) {
  cor_error err;
  must(cor_ca_publish(ca, at, 30, &err));
}
static void teardown(void) {
  cor_ca_destroy(&ca);
  programme_remove(dir);
}

START_TEST(finds_offices_and_hub) {
  publish(T0);
  cor_cards *cards = programme_cards(dir);
  const cor_card *card = cor_cards_find(cards, "iom-ne");
  ck_assert_ptr_nonnull(card);
  ck_assert_ptr_nonnull(card->signing);
  ck_assert_ptr_nonnull(card->sealing[CORRIDOR__V1__COMPARTMENT__CASEWORK]);
  ck_assert_ptr_null(card->sealing[CORRIDOR__V1__COMPARTMENT__HEALTH]);
  ck_assert_int_eq(card->signing_not_before, T0 - 3600000);
  ck_assert_int_eq(card->signing_not_after, T0 + 365 * DAY);
  ck_assert_str_eq(cor_cards_hub(cards)->card->office, "corridor-hub");
  ck_assert_ptr_eq(cor_cards_find(cards, "hub"), cor_cards_hub(cards));
  ck_assert_ptr_null(cor_cards_find(cards, "nobody"));
  ck_assert(!cor_cards_expired(cards, T0 + 30 * DAY - 1));
  ck_assert(cor_cards_expired(cards, T0 + 30 * DAY));
  cor_cards_destroy(&cards);
  ck_assert_ptr_null(cards);
}
END_TEST

START_TEST(goes_with_its_last_owner) {
  publish(T0);
  cor_cards *first = programme_cards(dir), *second = cor_cards_share(first), *none = NULL;
  const char *office = cor_cards_find(first, "iom-ne")->card->office;
  cor_cards_destroy(&first);
  ck_assert_ptr_null(first);
  ck_assert_str_eq(office, "iom-ne"); /* the second owner's still */
  ck_assert_ptr_eq(cor_cards_find(second, "iom-ne")->card->office, office);
  cor_cards_destroy(&second);
  ck_assert_ptr_null(second);
  ck_assert_ptr_null(cor_cards_share(none));
}
END_TEST

START_TEST(without_sealing_keys_the_rest_is_the_same) {
  cor_error err;
  publish(T0);
  cor_cards *whole = programme_cards(dir);
  X509 *root = programme_ca_cert(dir);
  cor_cards *cards = cor_cards_load_signing(cor_cards_signed(whole), root, &err);
  ck_assert_ptr_nonnull(cards);
  static const char *const offices[] = {"iom-ne", "hub"};
  for (size_t i = 0; i < sizeof offices / sizeof *offices; i++) {
    const cor_card *all = cor_cards_find(whole, offices[i]), *card = cor_cards_find(cards, offices[i]);
    ck_assert_str_eq(card->card->office, all->card->office);
    ck_assert_int_eq(EVP_PKEY_eq(card->signing, all->signing), 1);
    ck_assert_int_eq(card->signing_not_before, all->signing_not_before);
    ck_assert_int_eq(card->signing_not_after, all->signing_not_after);
    for (size_t c = 0; c < sizeof card->sealing / sizeof *card->sealing; c++)
      ck_assert_ptr_null(card->sealing[c]);
    ck_assert_uint_gt(all->card->signing_cert.len, 0);
    ck_assert_uint_eq(card->card->signing_cert.len + card->card->n_sealing, 0);
  }
  ck_assert(cor_bytes_equal(cor_cards_signed(cards), cor_cards_signed(whole)));
  X509_free(root);
  cor_cards_destroy(&cards);
  cor_cards_destroy(&whole);
}
END_TEST

static const struct {
  Corridor__V1__CardState state;
  const char *office;
  int64_t at;
  int want;
} standings[] = {
    {CORRIDOR__V1__CARD_STATE__ACTIVE, "iom-ne", T0, COR_OK},
    {CORRIDOR__V1__CARD_STATE__ACTIVE, "hub", T0, COR_OK},
    {CORRIDOR__V1__CARD_STATE__ACTIVE, "nobody", T0, COR_UNKNOWN_OFFICE},
    {CORRIDOR__V1__CARD_STATE__ACTIVE, "iom-ne", T0 + 365 * DAY, COR_OK},
    {CORRIDOR__V1__CARD_STATE__ACTIVE, "iom-ne", T0 + 365 * DAY + 1, COR_CARD_EXPIRED},
    {CORRIDOR__V1__CARD_STATE__ACTIVE, "iom-ne", T0 - DAY, COR_CARD_EXPIRED},
    {CORRIDOR__V1__CARD_STATE__SUSPENDED, "iom-ne", T0, COR_CARD_SUSPENDED},
    {CORRIDOR__V1__CARD_STATE__REVOKED, "iom-ne", T0, COR_CARD_REVOKED},
    {CORRIDOR__V1__CARD_STATE__REVOKED, "iom-ne", T0 + 400 * DAY, COR_CARD_REVOKED},
    {CORRIDOR__V1__CARD_STATE__REVOKED, "corridor-hub", T0, COR_OK},
};

START_TEST(standing) {
  cor_error err;
  must(cor_ca_set_state(ca, "iom-ne", standings[_i].state, T0, 0, &err));
  publish(T0);
  cor_cards *cards = programme_cards(dir);
  ck_assert_int_eq(cor_cards_standing(cards, standings[_i].office, standings[_i].at), standings[_i].want);
  cor_cards_destroy(&cards);
}
END_TEST

static const struct {
  Corridor__V1__CardState state;
  int64_t compromised, sent, admitted;
  int want;
} stood[] = {
    {CORRIDOR__V1__CARD_STATE__ACTIVE, 0, T0 + DAY, T0 + DAY, COR_OK},
    {CORRIDOR__V1__CARD_STATE__SUSPENDED, 0, T0 + DAY, T0 + DAY, COR_OK}, /* may be lifted again */
    {CORRIDOR__V1__CARD_STATE__REVOKED, 0, T0 - 2, T0 - 1, COR_OK},       /* revoked later */
    {CORRIDOR__V1__CARD_STATE__REVOKED, 0, T0 - 1, T0, COR_CARD_REVOKED},
    {CORRIDOR__V1__CARD_STATE__REVOKED, T0 - DAY, T0 - DAY - 2, T0 - DAY - 1, COR_OK},
    {CORRIDOR__V1__CARD_STATE__REVOKED, T0 - DAY, T0 - DAY - 1, T0 - DAY, COR_CARD_REVOKED}, /* backdated */
    {CORRIDOR__V1__CARD_STATE__REVOKED, T0 - DAY, T0 - DAY, T0 - DAY - 1,
     COR_CARD_REVOKED}, /* a hub that lies */
    {CORRIDOR__V1__CARD_STATE__SUSPENDED, T0 - DAY, T0 - 2, T0 - 1, COR_CARD_REVOKED},
};

START_TEST(message_of_a_stolen_key_is_not_taken) {
  cor_error err;
  must(cor_ca_set_state(ca, "iom-ne", stood[_i].state, T0, stood[_i].compromised, &err));
  publish(T0);
  cor_cards *cards = programme_cards(dir);
  ck_assert_int_eq(cor_cards_stood(cards, "iom-ne", stood[_i].sent, stood[_i].admitted), stood[_i].want);
  ck_assert_int_eq(cor_cards_stood(cards, "nobody", T0, T0), COR_UNKNOWN_OFFICE);
  ck_assert_int_eq(cor_cards_stood(cards, "hub", T0, T0), COR_OK);
  cor_cards_destroy(&cards);
}
END_TEST

START_TEST(unknown_state_and_office_change_nothing) {
  cor_error err;
  must_not(cor_ca_set_state(ca, "nobody", CORRIDOR__V1__CARD_STATE__REVOKED, T0, 0, &err),
           COR_UNKNOWN_OFFICE);
  must_not(cor_ca_set_state(ca, "iom-ne", CORRIDOR__V1__CARD_STATE__CARD_STATE_UNSPECIFIED, T0, 0, &err),
           COR_UNKNOWN_ENUM);
}
END_TEST

/* One stale card must not cost everybody the list. */
START_TEST(expired_card_leaves_the_list_readable) {
  publish(T0 + 400 * DAY);
  cor_cards *cards = programme_cards(dir);
  ck_assert_int_eq(cor_cards_standing(cards, "iom-ne", T0 + 400 * DAY), COR_CARD_EXPIRED);
  cor_cards_destroy(&cards);
}
END_TEST

START_TEST(every_altered_byte_is_refused) {
  cor_error err;
  publish(T0);
  cor_buf list = programme_list_bytes(dir);
  X509 *cert = programme_ca_cert(dir);
  for (size_t i = 0; i < list.len; i++) {
    list.data[i] ^= 0x20;
    cor_cards *cards = cor_cards_load(cor_buf_view(&list), cert, &err);
    ck_assert_msg(!cards, "byte %zu altered and believed", i);
    list.data[i] ^= 0x20;
  }
  must_not(cor_cards_load((cor_bytes){list.data, list.len - 1}, cert, &err), COR_BAD_ENCODING);
  X509_free(cert);
  cor_buf_clear(&list);
}
END_TEST

START_TEST(another_ca_is_refused) {
  cor_error err;
  publish(T0);
  cor_buf list = programme_list_bytes(dir);
  must(cor_ca_make(in(dir, "other"), "Demo Programme", true, CA_PASS, T0, 3650, &err));
  X509 *other = cor_cert_from_pem_file(in(dir, "other/ca.crt"), &err);
  must(other != NULL);
  must_not(cor_cards_load(cor_buf_view(&list), other, &err), COR_BAD_SIGNATURE);
  X509_free(other);
  cor_buf_clear(&list);
}
END_TEST

/* Lists that the CA's own key signed, yet that contradict themselves: the CA's
 * machine may be wrong too. */
enum {
  UNSPOILT,
  SWAPPED_CERT,
  FOREIGN_OFFICE,
  SAME_OFFICE,
  SAME_CURVE,
  TWO_HUBS,
  NAMED_HUB,
  BAD_DATES,
  PERMITTED_DONOR,
  UNHCR_A_MISSION,
  SAME_AGREEMENT,
  BAD_OFFICE_ID,
  CASES
};

/* A table that lets donors view names. */
static void permit_donors(Corridor__V1__CardList *list) {
  static Corridor__V1__Role senders[] = {CORRIDOR__V1__ROLE__ROLE_HOST_MISSION},
                            donors[] = {CORRIDOR__V1__ROLE__ROLE_DONOR};
  static Corridor__V1__DataCategory names[] = {CORRIDOR__V1__DATA_CATEGORY__BIODATA};
  static Corridor__V1__Permission row = CORRIDOR__V1__PERMISSION__INIT, *rows[] = {&row};
  row.senders = senders;
  row.recipients = donors;
  row.compartment = CORRIDOR__V1__COMPARTMENT__OPERATIONS;
  row.enter = row.view = names;
  row.n_senders = row.n_recipients = row.n_enter = row.n_view = 1;
  list->permissions = rows;
  list->n_permissions = 1;
}

static void agree_twice(Corridor__V1__CardList *list) {
  static char *offices[] = {(char *)"iom-ne", (char *)"corridor-hub"};
  static Corridor__V1__DataCategory names[] = {CORRIDOR__V1__DATA_CATEGORY__BIODATA};
  static Corridor__V1__Agreement one = CORRIDOR__V1__AGREEMENT__INIT, *two[] = {&one, &one};
  one.id = one.dpia_reference = (char *)"a-1";
  one.offices = offices;
  one.n_offices = 2;
  one.categories = names;
  one.n_categories = 1;
  one.valid_until = T0;
  list->agreements = two;
  list->n_agreements = 2;
}

static Corridor__V1__CardList *spoil(Corridor__V1__CardList *list, int how) {
  Corridor__V1__Card *a = list->cards[0], *b = list->cards[1];
  ProtobufCBinaryData cert = a->signing_cert;
  switch (how) {
  case UNSPOILT: break;
  case SWAPPED_CERT: a->signing_cert = b->signing_cert, b->signing_cert = cert; break;
  case FOREIGN_OFFICE: strcpy(a->office, "iom-gn"); break;
  case SAME_OFFICE: list->cards[1] = a; break;
  case SAME_CURVE: memcpy(a->curve_key.data, b->curve_key.data, COR_CURVE_LEN); break;
  case TWO_HUBS: a->role = b->role = CORRIDOR__V1__ROLE__ROLE_HUB; break;
  case NAMED_HUB: strcpy(a->office, "hub"); break;
  case BAD_DATES: list->expires_at = list->issued_at; break;
  case PERMITTED_DONOR: permit_donors(list); break;
  case UNHCR_A_MISSION: a->asylum_authority = true; break;
  case SAME_AGREEMENT: agree_twice(list); break;
  default: a->office[0] = 'I'; break;
  }
  return list;
}

START_TEST(contradictions_are_refused) {
  cor_error err = {0};
  publish(T0);
  cor_buf key_pem = {0}, content = {0}, bytes = {0};
  Corridor__V1__SignedContent signed_list = CORRIDOR__V1__SIGNED_CONTENT__INIT;
  X509 *cert = programme_ca_cert(dir);
  must(cor_file_read(in(dir, "ca/ca.key"), 65536, true, &key_pem, &err));
  EVP_PKEY *key = cor_key_from_pem(cor_buf_view(&key_pem), CA_PASS, &err);
  must(key != NULL);
  must(cor_encode(&cor_ca_list(ca)->base, &content, &err));
  Corridor__V1__CardList *list = corridor__v1__card_list__unpack(NULL, content.len, content.data);
  Corridor__V1__Card *cards[2] = {list->cards[0], list->cards[1]};
  ProtobufCBinaryData certs[2] = {cards[0]->signing_cert, cards[1]->signing_cert};
  cor_buf_clear(&content);
  must(cor_encode(&spoil(list, _i)->base, &content, &err));
  must(cor_sign(key, COR_DOMAIN_CARDLIST, "ca", 0, &(cor_bytes){content.data, content.len}, 1,
                &signed_list.signature, &err));
  signed_list.content = (ProtobufCBinaryData){content.len, content.data};
  must(cor_encode(&signed_list.base, &bytes, &err));
  cor_cards *loaded = cor_cards_load(cor_buf_view(&bytes), cert, &err);
  ck_assert_msg(!loaded == (_i != UNSPOILT), "case %d: %s", _i, err.detail);
  ck_assert_int_ne(err.code, COR_INTERNAL);
  cor_cards_destroy(&loaded);
  for (size_t i = 0; i < 2; i++) {
    list->cards[i] = cards[i];
    cards[i]->signing_cert = certs[i];
  }
  list->permissions = NULL;
  list->agreements = NULL;
  list->n_permissions = list->n_agreements = 0;
  corridor__v1__card_list__free_unpacked(list, NULL);
  cor_message_free(&signed_list.signature->base);
  EVP_PKEY_free(key);
  X509_free(cert);
  cor_buf_clear(&key_pem);
  cor_buf_clear(&content);
  cor_buf_clear(&bytes);
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("cards");
  tcase_set_timeout(tcase, 60);
  tcase_add_unchecked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, finds_offices_and_hub);
  tcase_add_test(tcase, goes_with_its_last_owner);
  tcase_add_test(tcase, without_sealing_keys_the_rest_is_the_same);
  tcase_add_loop_test(tcase, standing, 0, sizeof standings / sizeof standings[0]);
  tcase_add_loop_test(tcase, message_of_a_stolen_key_is_not_taken, 0, sizeof stood / sizeof stood[0]);
  tcase_add_test(tcase, unknown_state_and_office_change_nothing);
  tcase_add_test(tcase, expired_card_leaves_the_list_readable);
  tcase_add_test(tcase, every_altered_byte_is_refused);
  tcase_add_test(tcase, another_ca_is_refused);
  tcase_add_loop_test(tcase, contradictions_are_refused, 0, CASES);
  return programme_run(tcase, "cards");
}
