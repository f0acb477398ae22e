/* test_keyfile.c - key files: who opens them, and who does not. */
#include "programme.h"
#include "keyfile.h"

static char dir[64];
static EVP_PKEY *key;
static const cor_holder holders[] = {{"testina", "correct horse 1"}, {"exemplar.b", "battery staple"}};

static void setup(void) {
  cor_error err;
  programme_dir(dir);
  key = cor_key_new(&err);
  must(key != NULL);
  must(cor_keyfile_make(in(dir, "k"), CORRIDOR__V1__COMPARTMENT__HEALTH, key, holders, 2, &err));
}
static void teardown(void) {
  EVP_PKEY_free(key);
  programme_remove(dir);
}

static const struct {
  const char *user, *passphrase;
  int want;
} attempts[] = {
    {"testina", "correct horse 1", COR_OK},
    {"exemplar.b", "battery staple", COR_OK},
    {"testina", "correct horse 2", COR_WRONG_PASSPHRASE},
    {"testina", "battery staple", COR_WRONG_PASSPHRASE},
    {"testina", "", COR_WRONG_PASSPHRASE},
    {"nobody", "correct horse 1", COR_WRONG_PASSPHRASE},
    {"", "correct horse 1", COR_WRONG_PASSPHRASE},
    {"Testina", "correct horse 1", COR_WRONG_PASSPHRASE},
};

START_TEST(opens_for_holders_only) {
  cor_error err = {0};
  EVP_PKEY *opened = cor_keyfile_open(in(dir, "k"), attempts[_i].user, attempts[_i].passphrase, &err);
  if (attempts[_i].want == COR_OK) {
    must(opened != NULL);
    ck_assert_int_eq(EVP_PKEY_eq(opened, key), 1);
  } else {
    ck_assert_ptr_null(opened);
    ck_assert_int_eq(err.code, attempts[_i].want);
    ck_assert_str_eq(err.detail, "this user and passphrase do not open the health key");
  }
  EVP_PKEY_free(opened);
}
END_TEST

START_TEST(exposed_file_is_refused) {
  cor_error err;
  struct stat st;
  ck_assert_int_eq(stat(in(dir, "k"), &st), 0);
  ck_assert_int_eq(st.st_mode & 0777, 0600);
  ck_assert_int_eq(chmod(in(dir, "k"), 0640), 0);
  must_not(cor_keyfile_open(in(dir, "k"), "testina", "correct horse 1", &err), COR_KEY_FILE_EXPOSED);
  must_not(
      cor_keyfile_add_holder(in(dir, "k"), &holders[0], &(cor_holder){"another", "a new passphrase"}, &err),
      COR_KEY_FILE_EXPOSED);
}
END_TEST

START_TEST(added_holder_opens) {
  cor_error err;
  const cor_holder successor = {"successor_1", "a new passphrase"};
  must_not(cor_keyfile_add_holder(in(dir, "k"), &(cor_holder){"testina", "wrong one"}, &successor, &err),
           COR_WRONG_PASSPHRASE);
  must(cor_keyfile_add_holder(in(dir, "k"), &holders[0], &successor, &err));
  must_not(cor_keyfile_add_holder(in(dir, "k"), &holders[0], &successor, &err), COR_CONFLICT);
  EVP_PKEY *opened = cor_keyfile_open(in(dir, "k"), successor.user, successor.passphrase, &err);
  must(opened != NULL);
  ck_assert_int_eq(EVP_PKEY_eq(opened, key), 1);
  EVP_PKEY_free(opened);
}
END_TEST

/* Text to look for, and what a forger puts in its place (same length). */
static const struct {
  const char *what, *find;
  size_t skip;
} tampers[] = {
    {"compartment", "\"health\"", 0},
    {"sealed key", "\"sealed_key\": \"", 15},
    {"key's tag", "\"tag\": \"", 8},
    {"wrapped key", "\"wrapped\": \"", 12},
    {"holder's secret", "\"secret\": \"", 11},
    {"holder's public key", "\"public\": \"", 11},
    {"box's public key", "\"from\": \"", 9},
    {"mark of a recovery", "\"recovered_at\": ", 16},
    {"the other holder's name", "\"exemplar.b\"", 2},
    {"salt", "\"salt\": \"", 9},
    {"public key", "\"spki\": \"", 60},
    {"cost", "32768", 0},
};

START_TEST(tampered_file_never_opens) {
  cor_error err;
  cor_buf text = {0};
  must(cor_file_read(in(dir, "k"), 65536, true, &text, &err));
  char *at = strstr((char *)text.data, tampers[_i].find);
  ck_assert_msg(at != NULL, "%s", tampers[_i].what);
  if (_i == 0)
    memcpy(at, "\"record\"", 8);
  else
    at[tampers[_i].skip] = at[tampers[_i].skip] == '1' ? '2' : '1';
  must(cor_file_write(in(dir, "k"), cor_buf_view(&text), 0600, &err));
  err = (cor_error){0};
  EVP_PKEY *opened = cor_keyfile_open(in(dir, "k"), "testina", "correct horse 1", &err);
  ck_assert_msg(!opened, "%s altered and opened", tampers[_i].what);
  ck_assert_msg(err.code == COR_WRONG_PASSPHRASE || err.code == COR_BAD_INPUT, "%d", err.code);
  cor_buf_clear(&text);
}
END_TEST

/* Who can write the file but not open it must not get a key of their own onto the list:
 * the next change would seal the key for it. */
START_TEST(another_holders_public_key_is_bound) {
  cor_error err;
  cor_buf text = {0};
  must(cor_file_read(in(dir, "k"), 65536, true, &text, &err));
  char *first = strstr((char *)text.data, "\"public\": \"") + 11,
       *second = strstr(first, "\"public\": \"") + 11;
  memcpy(second, first, 44);
  must(cor_file_write(in(dir, "k"), cor_buf_view(&text), 0600, &err));
  must_not(cor_keyfile_open(in(dir, "k"), "testina", "correct horse 1", &err), COR_BAD_INPUT);
  cor_buf_clear(&text);
}
END_TEST

START_TEST(share_of_another_user_does_not_open) {
  cor_error err;
  cor_buf text = {0};
  const cor_holder twin = {"testinb", "other passphrase"};
  must(cor_keyfile_make(in(dir, "k"), CORRIDOR__V1__COMPARTMENT__HEALTH, key, &twin, 1, &err));
  must(cor_file_read(in(dir, "k"), 65536, true, &text, &err));
  memcpy(strstr((char *)text.data, "testinb"), "testina", 7); /* rename the share */
  must(cor_file_write(in(dir, "k"), cor_buf_view(&text), 0600, &err));
  must_not(cor_keyfile_open(in(dir, "k"), "testina", twin.passphrase, &err), COR_WRONG_PASSPHRASE);
  cor_buf_clear(&text);
}
END_TEST

/* ---- changes over an office's directory ---- */

static const cor_holder third = {"third", "a third passphrase"};
#define ALL (1U << CORRIDOR__V1__COMPARTMENT__CASEWORK | 1U << CORRIDOR__V1__COMPARTMENT__HEALTH)

static cor_key_change office(unsigned compartments, const cor_holder *by, size_t n) {
  static char path[128];
  cor_error err;
  (void)snprintf(path, sizeof path, "%s", in(dir, "office"));
  if (access(path, F_OK) != 0)
    must(cor_office_make(path, "gn-conakry", CORRIDOR__V1__ROLE__ROLE_ORIGIN_MISSION, "GN", "x", ALL, holders,
                         2, &err));
  return (cor_key_change){path, compartments, by, n};
}

static int code_of(const char *name, const cor_holder *who) {
  cor_error err = {0};
  EVP_PKEY *opened = cor_keyfile_open(in(dir, name), who->user, who->passphrase, &err);
  EVP_PKEY_free(opened);
  return opened ? COR_OK : err.code;
}

START_TEST(all_keys_change_or_none) {
  cor_error err;
  cor_key_change change = office(ALL, &holders[0], 1);
  must(cor_keys_add_holder(&change, &third, &err));
  ck_assert_int_eq(code_of("office/keys/health.key", &third), COR_OK);
  ck_assert_int_eq(code_of("office/keys/casework.key", &third), COR_OK);
  const cor_key_change health = office(1U << CORRIDOR__V1__COMPARTMENT__HEALTH, &holders[0], 1);
  must(cor_keys_remove_holder(&health, "third", &err));
  must_not(cor_keys_remove_holder(&change, "third", &err), COR_BAD_INPUT); /* not of health any more */
  ck_assert_int_eq(code_of("office/keys/casework.key", &third), COR_OK);
  unsigned held;
  must(cor_keys_held(change.dir, "third", &held, &err));
  ck_assert_uint_eq(held, 1U << CORRIDOR__V1__COMPARTMENT__CASEWORK);
  must(cor_keys_held(change.dir, NULL, &held, &err));
  ck_assert_uint_eq(held, ALL);
}
END_TEST

/* Each key is opened by the first of the present ones who holds it. */
START_TEST(present_holders_stand_in_for_each_other) {
  cor_error err;
  const cor_key_change casework = office(1U << CORRIDOR__V1__COMPARTMENT__CASEWORK, &holders[0], 1);
  must(cor_keys_add_holder(&casework, &third, &err));
  const cor_holder both[] = {third, holders[1]}, fourth = {"fourth", "a fourth passphrase"};
  cor_key_change change = office(ALL, both, 1);
  must_not(cor_keys_add_holder(&change, &fourth, &err), COR_WRONG_PASSPHRASE);
  ck_assert_int_eq(code_of("office/keys/casework.key", &fourth), COR_WRONG_PASSPHRASE);
  change = office(ALL, both, 2);
  must(cor_keys_add_holder(&change, &fourth, &err));
  ck_assert_int_eq(code_of("office/keys/health.key", &fourth), COR_OK);
}
END_TEST

START_TEST(a_leaver_opens_no_later_file_and_two_stay) {
  cor_error err;
  const cor_key_change change = office(ALL, &holders[0], 1);
  must_not(cor_keys_remove_holder(&change, holders[1].user, &err), COR_CONFLICT);
  ck_assert_int_eq(code_of("office/keys/health.key", &holders[1]), COR_OK);
  must(cor_keys_add_holder(&change, &third, &err));
  must(cor_keys_remove_holder(&change, holders[1].user, &err));
  ck_assert_int_eq(code_of("office/keys/health.key", &holders[1]), COR_WRONG_PASSPHRASE);
  ck_assert_int_eq(code_of("office/keys/health.key", &third), COR_OK);
  ck_assert_int_eq(code_of("office/keys/health.key", &holders[0]), COR_OK);
}
END_TEST

static void data_key(const char *path, uint8_t out[COR_WRAP_KEY]) {
  cor_error err;
  keyfile *file = keyfile_read(in(dir, path), &err);
  must(file != NULL);
  must(keyfile_data_key(file, &holders[0], out, &err));
  keyfile_free(&file);
}

/* A leaver may have kept the data key: each change makes another. */
START_TEST(every_change_makes_a_new_data_key) {
  cor_error err;
  uint8_t keys[4][COR_WRAP_KEY];
  const cor_key_change change = office(ALL, &holders[0], 1), by_second = office(ALL, &holders[1], 1);
  const char *path = "office/keys/health.key";
  data_key(path, keys[0]);
  must(cor_keys_add_holder(&change, &third, &err));
  data_key(path, keys[1]);
  must(cor_keys_remove_holder(&change, "third", &err));
  data_key(path, keys[2]);
  must(cor_keys_change_passphrase(&by_second, "quite another one", &err));
  data_key(path, keys[3]);
  for (size_t i = 0; i < 4; i++)
    for (size_t k = 0; k < i; k++)
      ck_assert_mem_ne(keys[i], keys[k], COR_WRAP_KEY);
}
END_TEST

/* The leaver's old piece, put back into the newer file by hand, opens nothing. */
START_TEST(an_old_share_put_back_opens_nothing) {
  cor_error err;
  cor_buf before = {0}, after = {0};
  const cor_key_change change = office(ALL, &holders[0], 1);
  const char *path = "office/keys/health.key";
  must(cor_keys_add_holder(&change, &third, &err));
  must(cor_file_read(in(dir, path), 65536, true, &before, &err));
  must(cor_keys_remove_holder(&change, holders[1].user, &err));
  must(cor_file_read(in(dir, path), 65536, true, &after, &err));
  /* The new sealed key under the old list of holders. */
  char *old_list = strstr((char *)before.data, "\"holders\""),
       *new_list = strstr((char *)after.data, "\"holders\"");
  char *forged = NULL;
  ck_assert_int_gt(
      asprintf(&forged, "%.*s%s", (int)(new_list - (char *)after.data), (char *)after.data, old_list), 0);
  must(cor_file_write(in(dir, path), (cor_bytes){(uint8_t *)forged, strlen(forged)}, 0600, &err));
  ck_assert_int_eq(code_of(path, &holders[1]), COR_BAD_INPUT);
  ck_assert_int_eq(code_of(path, &holders[0]), COR_BAD_INPUT);
  free(forged);
  cor_buf_clear(&before);
  cor_buf_clear(&after);
}
END_TEST

START_TEST(a_changed_passphrase_replaces_the_old_one) {
  cor_error err;
  const cor_holder fresh = {holders[0].user, "quite another one"};
  const cor_key_change change = office(ALL, &holders[0], 1);
  must_not(cor_keys_change_passphrase(&change, "short", &err), COR_BAD_INPUT);
  must(cor_keys_change_passphrase(&change, fresh.passphrase, &err));
  ck_assert_int_eq(code_of("office/keys/casework.key", &fresh), COR_OK);
  ck_assert_int_eq(code_of("office/keys/casework.key", &holders[0]), COR_WRONG_PASSPHRASE);
  must_not(cor_keys_change_passphrase(&change, "yet another one", &err), COR_WRONG_PASSPHRASE);
  ck_assert_int_eq(code_of("office/keys/health.key", &fresh), COR_OK);
}
END_TEST

START_TEST(an_older_form_is_named_as_that) {
  cor_error err;
  static const char old[] = "{\"compartment\": \"health\", \"holders\": []}";
  must(cor_file_write(in(dir, "k"), (cor_bytes){(const uint8_t *)old, sizeof old - 1}, 0600, &err));
  must_not(cor_keyfile_open(in(dir, "k"), "testina", "correct horse 1", &err), COR_UNSUPPORTED_VERSION);
}
END_TEST

START_TEST(bad_holders_make_no_file) {
  static const cor_holder bad[] = {
      {"Upper", "long enough"},    {"", "long enough"},
      {"a b", "long enough"},      {"short", "1234567"},
      {"testina", "again, twice"}, {"abcdefghijklmnopqrstuvwxyz0123456", "long enough"}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    cor_error err;
    const cor_holder pair[] = {holders[0], bad[i]};
    ck_assert(!cor_keyfile_make(in(dir, "new"), CORRIDOR__V1__COMPARTMENT__HEALTH, key, pair, 2, &err));
    ck_assert_int_ne(access(in(dir, "new"), F_OK), 0);
  }
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("keyfile");
  tcase_set_timeout(tcase, 60);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_loop_test(tcase, opens_for_holders_only, 0, sizeof attempts / sizeof attempts[0]);
  tcase_add_test(tcase, exposed_file_is_refused);
  tcase_add_test(tcase, added_holder_opens);
  tcase_add_loop_test(tcase, tampered_file_never_opens, 0, sizeof tampers / sizeof tampers[0]);
  tcase_add_test(tcase, share_of_another_user_does_not_open);
  tcase_add_test(tcase, another_holders_public_key_is_bound);
  tcase_add_test(tcase, all_keys_change_or_none);
  tcase_add_test(tcase, present_holders_stand_in_for_each_other);
  tcase_add_test(tcase, a_leaver_opens_no_later_file_and_two_stay);
  tcase_add_test(tcase, every_change_makes_a_new_data_key);
  tcase_add_test(tcase, an_old_share_put_back_opens_nothing);
  tcase_add_test(tcase, a_changed_passphrase_replaces_the_old_one);
  tcase_add_test(tcase, an_older_form_is_named_as_that);
  tcase_add_test(tcase, bad_holders_make_no_file);
  return programme_run(tcase, "keyfile");
}
