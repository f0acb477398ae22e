/* test_keyfile.c - key files: who opens them, and who does not. */
#include "programme.h"

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
  tcase_add_test(tcase, bad_holders_make_no_file);
  return programme_run(tcase, "keyfile");
}
