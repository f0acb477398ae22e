/* test_recovery.c - a key that two of three shares open, and nothing less. */
#include "programme.h"
#include "cli_shares.h"

#include "corridor/id.h"

#define HEALTH CORRIDOR__V1__COMPARTMENT__HEALTH
#define SUCCESSOR ((cor_holder){"successor", "a new passphrase"})
enum { AT = 1772500000 };

static char dir[64], keys[80];
static uint8_t secret[COR_RECOVERY_LEN];
static share shares[COR_SHARES];
static const cor_holder holders[] = {{"testina", "correct horse 1"}, {"exemplar.b", "battery staple"}};

static cor_key_change health(const cor_holder *by) {
  return (cor_key_change){keys, 1U << HEALTH, by, by ? 1 : 0};
}

/* New shares of the health key of gn-conakry. */
static void split(void) {
  cor_error err;
  uint8_t digests[COR_SHARES][COR_HASH_LEN];
  const cor_key_change change = health(&holders[0]);
  cor_random(secret, sizeof secret);
  must(shares_split("gn-conakry", HEALTH, secret, shares, &err));
  for (size_t i = 0; i < COR_SHARES; i++)
    shares_digest(&shares[i], digests[i]);
  must(cor_keys_make_recovery(&change, secret, (const uint8_t(*)[COR_HASH_LEN])digests, &err));
}

static void setup(void) {
  cor_error err;
  programme_dir(dir);
  (void)snprintf(keys, sizeof keys, "%s/office", dir);
  must(cor_office_make(keys, "gn-conakry", CORRIDOR__V1__ROLE__ROLE_ORIGIN_MISSION, "GN", "Conakry",
                       1U << HEALTH, holders, 2, &err));
  split();
}

static void teardown(void) {
  programme_remove(dir);
}

static int64_t recovered_at(const cor_holder *who) {
  cor_error err;
  int64_t at = -1;
  EVP_PKEY *key = cor_keyfile_open_share(in(dir, "office/keys/health.key"), who, &at, &err);
  must(key != NULL);
  EVP_PKEY_free(key);
  return at;
}

START_TEST(any_two_shares_give_the_secret) {
  cor_error err;
  uint8_t joined[COR_RECOVERY_LEN];
  for (size_t i = 0; i < COR_SHARES; i++)
    for (size_t k = 0; k < COR_SHARES; k++) {
      if (i == k) continue;
      must(shares_join(&shares[i], &shares[k], joined, &err));
      ck_assert_mem_eq(joined, secret, sizeof secret);
    }
  for (size_t i = 0; i < COR_SHARES; i++)
    ck_assert_mem_ne(shares[i].data, secret, sizeof secret);
}
END_TEST

START_TEST(a_successor_is_let_in_and_marked) {
  cor_error err;
  uint8_t joined[COR_RECOVERY_LEN];
  const cor_key_change change = health(NULL);
  const cor_holder successor = SUCCESSOR, friend = {"friend", "one more passphrase"};
  must(shares_join(&shares[2], &shares[0], joined, &err));
  must(cor_keys_recover(&change, joined, &successor, AT, &err));
  ck_assert_int_eq(recovered_at(&successor), AT);
  ck_assert_int_eq(recovered_at(&holders[0]), 0);
  /* Neither a new passphrase nor a second account takes the mark away. */
  const cor_key_change by_successor = health(&successor);
  must(cor_keys_add_holder(&by_successor, &friend, &err));
  ck_assert_int_eq(recovered_at(&friend), AT);
  must(cor_keys_change_passphrase(&by_successor, "my own now, truly", &err));
  ck_assert_int_eq(recovered_at(&(cor_holder){"successor", "my own now, truly"}), AT);
  cor_keyfile_facts facts;
  must(cor_keys_look(keys, HEALTH, &facts, &err));
  ck_assert_uint_eq(facts.n, 4);
  ck_assert(facts.has_recovery);
}
END_TEST

START_TEST(wrong_secrets_open_nothing) {
  cor_error err;
  const cor_key_change change = health(NULL);
  const cor_holder successor = SUCCESSOR;
  secret[7] ^= 1;
  must_not(cor_keys_recover(&change, secret, &successor, AT, &err), COR_WRONG_PASSPHRASE);
  secret[7] ^= 1;
  uint8_t older[COR_RECOVERY_LEN];
  memcpy(older, secret, sizeof older);
  split(); /* again: the older shares are worth nothing now */
  must_not(cor_keys_recover(&change, older, &successor, AT, &err), COR_WRONG_PASSPHRASE);
  must(cor_keys_recover(&change, secret, &successor, AT, &err));
}
END_TEST

START_TEST(shares_survive_every_change_of_the_holders) {
  cor_error err;
  const cor_key_change change = health(&holders[0]), by_shares = health(NULL);
  const cor_holder third = {"third", "a third passphrase"}, fourth = {"fourth", "a fourth one"},
                   successor = SUCCESSOR;
  must(cor_keys_add_holder(&change, &third, &err));
  must(cor_keys_recover(&by_shares, secret, &fourth, AT, &err));
  must(cor_keys_remove_holder(&change, "exemplar.b", &err));
  must(cor_keys_recover(&by_shares, secret, &successor, AT, &err));
  ck_assert_int_eq(recovered_at(&successor), AT);
}
END_TEST

/* Pairs that give no secret, and what is said of them. */
START_TEST(pairs_that_do_not_belong_together_are_named) {
  cor_error err;
  uint8_t joined[COR_RECOVERY_LEN];
  share other = shares[1];
  must_not(shares_join(&shares[0], &shares[0], joined, &err), COR_BAD_INPUT);
  ck_assert_ptr_nonnull(strstr(err.detail, "share 1 was given twice"));
  other.compartment = CORRIDOR__V1__COMPARTMENT__CASEWORK;
  must_not(shares_join(&shares[0], &other, joined, &err), COR_BAD_INPUT);
  ck_assert_ptr_nonnull(strstr(err.detail, "different keys: health and casework"));
  other = shares[1];
  strcpy(other.office, "ne-niamey");
  must_not(shares_join(&shares[0], &other, joined, &err), COR_BAD_INPUT);
  ck_assert_ptr_nonnull(strstr(err.detail, "different offices: gn-conakry and ne-niamey"));
}
END_TEST

START_TEST(a_share_is_read_back_as_people_type_it) {
  cor_error err;
  char text[SHARE_TEXT], typed[SHARE_TEXT * 2] = "  ";
  share back;
  uint8_t before[COR_HASH_LEN], after[COR_HASH_LEN];
  shares_text(&shares[1], text);
  ck_assert_int_eq(strncmp(text, "gn-conakry health 2 ", 20), 0);
  must(shares_parse(text, &back, &err));
  ck_assert_mem_eq(back.data, shares[1].data, sizeof back.data);
  shares_digest(&shares[1], before);
  shares_digest(&back, after);
  ck_assert_mem_eq(before, after, sizeof before);
  /* Small letters, no dashes, more room between the words. */
  size_t n = 2;
  for (const char *at = text; *at; at++) {
    if (*at == '-' && at > text + 20) continue;
    if (*at == ' ') typed[n++] = ' ';
    typed[n++] = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
  }
  typed[n] = '\0';
  must(shares_parse(typed, &back, &err));
  ck_assert_mem_eq(back.data, shares[1].data, sizeof back.data);
}
END_TEST

/* Each place of the two rows, mistyped: the row is named. */
START_TEST(a_slip_is_found_by_its_row) {
  cor_error err;
  char text[SHARE_TEXT], spoilt[SHARE_TEXT];
  share back;
  shares_text(&shares[0], text);
  const char *second = strrchr(text, ' ');
  for (size_t i = 20; i < strlen(text); i++) {
    if (text[i] == '-' || text[i] == ' ') continue;
    strcpy(spoilt, text);
    spoilt[i] = text[i] == '7' ? '8' : '7';
    must_not(shares_parse(spoilt, &back, &err), COR_BAD_INPUT);
    ck_assert_msg(strstr(err.detail, text + i < second ? "first row" : "second row") != NULL, "%s",
                  err.detail);
  }
}
END_TEST

START_TEST(what_is_no_share_is_refused) {
  static const char *const lines[] = {
      "",
      "gn-conakry health 1",
      "gn-conakry health 4 A B",
      "gn-conakry kitchen 1 A B",
      "Gn health 1 A B",
      "gn-conakry health 0 A B",
      "gn-conakry health 1 A B C",
      "gn-conakry health 1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA B"};
  cor_error err;
  share back;
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    must_not(shares_parse(lines[i], &back, &err), COR_BAD_INPUT);
}
END_TEST

START_TEST(a_row_carries_every_bit) {
  uint8_t row[COR_ROW_LEN], back[COR_ROW_LEN];
  char text[COR_REFERENCE_TEXT];
  for (int bit = -1; bit < 8 * COR_ROW_LEN; bit++) {
    memset(row, 0, sizeof row);
    if (bit >= 0) row[bit / 8] = (uint8_t)(1 << bit % 8);
    cor_row_text(row, text);
    ck_assert(cor_row_parse(text, back));
    ck_assert_mem_eq(row, back, sizeof row);
  }
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("recovery");
  tcase_set_timeout(tcase, 60);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, any_two_shares_give_the_secret);
  tcase_add_test(tcase, a_successor_is_let_in_and_marked);
  tcase_add_test(tcase, wrong_secrets_open_nothing);
  tcase_add_test(tcase, shares_survive_every_change_of_the_holders);
  tcase_add_test(tcase, pairs_that_do_not_belong_together_are_named);
  tcase_add_test(tcase, a_share_is_read_back_as_people_type_it);
  tcase_add_test(tcase, a_slip_is_found_by_its_row);
  tcase_add_test(tcase, what_is_no_share_is_refused);
  tcase_add_test(tcase, a_row_carries_every_bit);
  return programme_run(tcase, "recovery");
}
