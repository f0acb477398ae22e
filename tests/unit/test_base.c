/* Errors that quote themselves, owned bytes, SHA-256, files: secret ones are
 * refused when exposed, writes are whole or not at all. */
#include "corridor/base.h"
#include "corridor/refusal.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static char file[96];

static void setup(void) {
  strcpy(dir, "/tmp/corridor-base-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(dir));
  snprintf(file, sizeof file, "%s/file", dir);
}

static void teardown(void) {
  unlink(file);
  rmdir(dir);
}

static cor_bytes text(const char *s) {
  return (cor_bytes){(const uint8_t *)s, strlen(s)};
}

START_TEST(error_may_quote_itself) {
  cor_error err = {0};
  ck_assert(!cor_fail(&err, COR_BAD_INPUT, "/body", "inner %d", 7));
  ck_assert(!cor_fail(&err, COR_CONFLICT, err.path, "outer: %s", err.detail));
  ck_assert_int_eq(err.code, COR_CONFLICT);
  ck_assert_str_eq(err.path, "/body");
  ck_assert_str_eq(err.detail, "outer: inner 7");
  cor_fail(&err, COR_CONFLICT, NULL, "x");
  ck_assert_str_eq(err.path, "");
}
END_TEST

/* Whatever the length before it, a two-byte character is kept whole or dropped. */
START_TEST(error_is_cut_between_characters) {
  cor_error err = {0};
  char longer[400];
  memset(longer, 'a', sizeof longer);
  size_t lead = (size_t)_i;
  for (size_t i = lead; i + 2 < sizeof longer; i += 2)
    memcpy(longer + i, "\xc3\xa9", 2);
  longer[sizeof longer - 1] = '\0';
  cor_fail(&err, COR_BAD_INPUT, longer, "%s", longer);
  ck_assert_uint_le(strlen(err.detail), sizeof err.detail - 1);
  ck_assert_uint_ge(strlen(err.detail), sizeof err.detail - 2);
  ck_assert_uint_eq((strlen(err.detail) - lead) % 2, 0);
  ck_assert_uint_eq((strlen(err.path) - lead) % 2, 0);
}
END_TEST

START_TEST(bytes_copy_and_compare) {
  cor_error err;
  cor_buf copy;
  ck_assert(cor_buf_copy(&copy, text("abc"), &err));
  ck_assert(cor_bytes_equal(cor_buf_view(&copy), text("abc")));
  ck_assert(!cor_bytes_equal(cor_buf_view(&copy), text("abd")));
  ck_assert(!cor_bytes_equal(cor_buf_view(&copy), text("ab")));
  cor_buf_clear(&copy);
  ck_assert_ptr_null(copy.data);
  ck_assert_uint_eq(copy.len, 0);
  ck_assert(cor_buf_copy(&copy, (cor_bytes){0}, &err));
  ck_assert_ptr_nonnull(copy.data);
  ck_assert(cor_bytes_equal(cor_buf_view(&copy), (cor_bytes){0}));
  cor_buf_clear(&copy);
}
END_TEST

START_TEST(sha256_over_pieces) {
  static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea}; /* FIPS 180-4 */
  uint8_t one[COR_HASH_LEN], three[COR_HASH_LEN];
  cor_sha256(one, (cor_bytes[]){text("abc")}, 1);
  cor_sha256(three, (cor_bytes[]){text("a"), {0}, text("bc")}, 3);
  ck_assert_mem_eq(one, abc, sizeof abc);
  ck_assert_mem_eq(one, three, COR_HASH_LEN);
}
END_TEST

START_TEST(random_differs) {
  uint8_t a[32] = {0}, b[32] = {0};
  cor_random(a, sizeof a);
  cor_random(b, sizeof b);
  ck_assert_mem_ne(a, b, sizeof a);
}
END_TEST

static const struct {
  mode_t mode;
  bool secret_ok;
} modes[] = {{0600, true},  {0400, true},  {0700, true},  {0640, false}, {0604, false},
             {0620, false}, {0602, false}, {0610, false}, {0644, false}};

START_TEST(exposed_secret_is_refused) {
  cor_error err = {0};
  cor_buf got;
  ck_assert(cor_file_write(file, text("key"), 0600, &err));
  ck_assert_int_eq(chmod(file, modes[_i].mode), 0);
  ck_assert_int_eq(cor_file_read(file, 10, true, &got, &err), modes[_i].secret_ok);
  if (!modes[_i].secret_ok) {
    ck_assert_int_eq(err.code, COR_KEY_FILE_EXPOSED);
    ck_assert_ptr_null(got.data);
  }
  cor_buf_clear(&got);
  ck_assert(cor_file_read(file, 10, false, &got, &err));
  cor_buf_clear(&got);
}
END_TEST

START_TEST(file_round_trip_replaces_whole) {
  cor_error err = {0};
  cor_buf got;
  struct stat st;
  ck_assert(cor_file_write(file, text("first, longer"), 0644, &err));
  ck_assert(cor_file_write(file, text("second"), 0600, &err));
  ck_assert_int_eq(stat(file, &st), 0);
  ck_assert_uint_eq(st.st_mode & 07777, 0600);
  ck_assert(cor_file_read(file, 6, true, &got, &err));
  ck_assert_str_eq((const char *)got.data, "second");
  ck_assert_uint_eq(got.len, 6);
  cor_buf_clear(&got);
  ck_assert(!cor_file_read(file, 5, true, &got, &err));
  ck_assert_int_eq(err.code, COR_TOO_LARGE);
}
END_TEST

static size_t entries(void) {
  size_t n = 0;
  DIR *open_dir = opendir(dir);
  ck_assert_ptr_nonnull(open_dir);
  while (readdir(open_dir))
    n++;
  closedir(open_dir);
  return n - 2;
}

/* The target is a directory, so the rename must fail: no temporary stays. */
START_TEST(failed_write_leaves_nothing) {
  cor_error err = {0};
  ck_assert_int_eq(mkdir(file, 0700), 0);
  ck_assert(!cor_file_write(file, text("x"), 0600, &err));
  ck_assert_int_eq(err.code, COR_INTERNAL);
  ck_assert_uint_eq(entries(), 1);
  rmdir(file);
  ck_assert(cor_file_write(file, text("x"), 0600, &err));
  ck_assert_uint_eq(entries(), 1);
}
END_TEST

START_TEST(unreadable_paths_are_errors) {
  cor_error err = {0};
  cor_buf got;
  ck_assert(!cor_file_read(file, 10, false, &got, &err));
  ck_assert_int_eq(err.code, COR_BAD_INPUT);
  ck_assert(!cor_file_read(dir, 10, false, &got, &err));
  ck_assert_int_eq(err.code, COR_BAD_INPUT);
  ck_assert(!cor_file_write("/proc/no-such-directory/file", text("x"), 0600, &err));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("base");
  TCase *tests = tcase_create("base");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, error_may_quote_itself);
  tcase_add_loop_test(tests, error_is_cut_between_characters, 0, 4);
  tcase_add_test(tests, bytes_copy_and_compare);
  tcase_add_test(tests, sha256_over_pieces);
  tcase_add_test(tests, random_differs);
  tcase_add_loop_test(tests, exposed_secret_is_refused, 0, (int)(sizeof modes / sizeof *modes));
  tcase_add_test(tests, file_round_trip_replaces_whole);
  tcase_add_test(tests, failed_write_leaves_nothing);
  tcase_add_test(tests, unreadable_paths_are_errors);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
