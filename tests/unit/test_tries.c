/* test_tries.c - wrong passphrases slow down who gives them, and nobody else. */
#include "programme.h"
#include "tries.h"

#include "corridor/clock.h"
#include "corridor/sign.h"

#include <pthread.h>

#define SEKOU ((cor_holder){"sekou", "correct horse 2"})

static char dir[64];
static tries *t;
static EVP_PKEY *key;

static void setup(void) {
  cor_error err;
  const cor_holder holders[] = {TESTINA, SEKOU};
  programme_dir(dir);
  key = EVP_EC_gen("P-256");
  for (int i = 0; i < 2; i++)
    must(cor_keyfile_make(in(dir, i ? "health.key" : "casework.key"), CORRIDOR__V1__COMPARTMENT__CASEWORK,
                          key, holders, 2, &err));
  t = tries_new();
}

static void teardown(void) {
  tries_destroy(&t);
  ck_assert_ptr_null(t);
  EVP_PKEY_free(key);
  programme_remove(dir);
}

/* The code of one try. */
static int code_of(const char *file, const char *user, const char *passphrase) {
  cor_error err = {0};
  const cor_holder holder = {user, passphrase};
  EVP_PKEY *opened = tries_open(t, in(dir, file), &holder, &err);
  EVP_PKEY_free(opened);
  return opened != NULL ? COR_OK : err.code;
}

static int wrong(const char *user) {
  return code_of("casework.key", user, "a guess");
}

static int right(void) {
  return code_of("casework.key", TESTINA.user, TESTINA.passphrase);
}

START_TEST(wrong_ones_wait_longer_and_longer) {
  for (int i = 0; i < 2; i++)
    ck_assert_int_eq(wrong("testina"), COR_WRONG_PASSPHRASE);
  const int64_t at = cor_clock_monotonic_ms();
  ck_assert_int_eq(wrong("testina"), COR_LIMIT_REACHED);
  ck_assert_int_eq(right(), COR_LIMIT_REACHED); /* nothing is tried, so a guess tells nothing */
  /* Another person, and another key, are let in meanwhile. */
  ck_assert_int_eq(code_of("casework.key", SEKOU.user, SEKOU.passphrase), COR_OK);
  ck_assert_int_eq(code_of("health.key", TESTINA.user, TESTINA.passphrase), COR_OK);
  int code = COR_LIMIT_REACHED;
  for (long i = 0; code == COR_LIMIT_REACHED && i < 500000000; i++)
    code = wrong("testina");
  ck_assert_int_eq(code, COR_WRONG_PASSPHRASE);
  ck_assert_int_ge(cor_clock_monotonic_ms() - at, 800);
  const int64_t third = cor_clock_monotonic_ms();
  for (long i = 0; (code = right()) == COR_LIMIT_REACHED && i < 500000000; i++)
    continue;
  ck_assert_int_eq(code, COR_OK); /* the right one, as soon as the wait is over */
  ck_assert_int_ge(cor_clock_monotonic_ms() - third, 1800);
  for (int i = 0; i < 2; i++) /* and what was before is forgotten */
    ck_assert_int_eq(wrong("testina"), COR_WRONG_PASSPHRASE);
}
END_TEST

START_TEST(other_faults_and_a_missing_file_count_for_nothing) {
  for (int i = 0; i < 5; i++)
    ck_assert_int_ne(code_of("none.key", "testina", "a guess"), COR_LIMIT_REACHED);
  ck_assert_int_eq(right(), COR_OK);
}
END_TEST

START_TEST(made_up_names_do_not_push_out_the_one_guessed_at) {
  char name[24];
  for (int i = 0; i < 2; i++)
    ck_assert_int_eq(wrong("testina"), COR_WRONG_PASSPHRASE);
  /* The wait is a second: hold it open by failing as often as it lets us. */
  for (int i = 0; i < 140; i++) {
    (void)snprintf(name, sizeof name, "nobody%d", i);
    ck_assert_int_eq(wrong(name), COR_WRONG_PASSPHRASE);
    const int code = wrong("testina");
    ck_assert(code == COR_LIMIT_REACHED || code == COR_WRONG_PASSPHRASE);
  }
  ck_assert_int_eq(wrong("testina"), COR_LIMIT_REACHED);
}
END_TEST

static void *guess(void *count) {
  for (int i = 0; i < 3; i++)
    if (wrong("testina") == COR_WRONG_PASSPHRASE) __atomic_add_fetch((int *)count, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

START_TEST(many_at_once_guess_no_faster) {
  enum { GUESSERS = 8 };
  pthread_t threads[GUESSERS];
  int tried = 0;
  ck_assert_int_eq(wrong("testina"), COR_WRONG_PASSPHRASE); /* from here on one at a time */
  const int64_t at = cor_clock_monotonic_ms();
  for (int i = 0; i < GUESSERS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, guess, &tried), 0);
  for (int i = 0; i < GUESSERS; i++)
    pthread_join(threads[i], NULL);
  /* One made the second failure; each further one took a second or more. */
  ck_assert_int_ge(tried, 1);
  ck_assert_int_le(tried, 1 + (int)((cor_clock_monotonic_ms() - at) / 1000));
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("tries");
  tcase_set_timeout(tcase, 120);
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, wrong_ones_wait_longer_and_longer);
  tcase_add_test(tcase, other_faults_and_a_missing_file_count_for_nothing);
  tcase_add_test(tcase, made_up_names_do_not_push_out_the_one_guessed_at);
  tcase_add_test(tcase, many_at_once_guess_no_faster);
  return programme_run(tcase, "tries");
}
