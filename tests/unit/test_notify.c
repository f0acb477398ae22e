/* The service manager's side of NOTIFY_SOCKET: a file, a name in no folder, none. */
#include "corridor/notify.h"

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[64];

static void make_folder(void) {
  snprintf(folder, sizeof folder, "/tmp/notify-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void) {
  ck_assert_int_eq(rmdir(folder), 0);
}

/* The manager listens where the name says, as sd_notify(3) has it. */
static int listens(const char *name) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  const size_t len = strlen(name);
  ck_assert_uint_lt(len, sizeof at.sun_path);
  memcpy(at.sun_path, name, len);
  if (name[0] == '@') at.sun_path[0] = '\0';
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  ck_assert_int_eq(
      bind(fd, (const struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)), 0);
  return fd;
}

static void expect(int fd, const char *state) {
  char text[64];
  const ssize_t len = recv(fd, text, sizeof text, 0);
  ck_assert_int_eq(len, (ssize_t)strlen(state));
  ck_assert_mem_eq(text, state, strlen(state));
}

START_TEST(says_it_where_the_manager_listens) {
  char name[96];
  const bool file = _i == 0;
  snprintf(name, sizeof name, "%s%s/socket", file ? "" : "@", folder);
  int fd = listens(name);
  ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
  cor_notify("READY=1");
  cor_notify("WATCHDOG=1");
  expect(fd, "READY=1");
  expect(fd, "WATCHDOG=1");
  ck_assert_int_lt(recv(fd, name, sizeof name, 0), 0);
  close(fd);
  cor_notify("STOPPING=1"); /* to nobody, and no harm */
  if (file) ck_assert_int_eq(unlink(name), 0);
}
END_TEST

/* What is no socket's name. The last but one is a byte too long. */
static const char *const odd[] = {"",
                                  "/",
                                  "@",
                                  "relative/socket",
                                  "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                                  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                                  NULL};

START_TEST(is_silent_under_no_manager) {
  int here = listens("@relative/socket");
  if (odd[_i])
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", odd[_i], 1), 0);
  else
    ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
  cor_notify("READY=1");
  char text[8];
  ck_assert_int_lt(recv(here, text, sizeof text, 0), 0);
  close(here);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("notify");
  TCase *tests = tcase_create("notify");
  tcase_add_checked_fixture(tests, make_folder, remove_folder);
  tcase_add_loop_test(tests, says_it_where_the_manager_listens, 0, 2);
  tcase_add_loop_test(tests, is_silent_under_no_manager, 0, (int)(sizeof odd / sizeof *odd));
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
