/* Health and metrics over a real loopback connection; nowhere else. */
#include "corridor/status.h"
#include "corridor/refusal.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static cor_metric metrics[] = {
    {.name = "corridor_test_admitted_total", .help = "Messages admitted", .counter = true},
    {.name = "corridor_test_queued", .help = "Messages waiting"},
};

static cor_status *start(const char *listen) {
  cor_error err = {0};
  cor_status *status = cor_status_start(listen, metrics, 2, &err);
  ck_assert_msg(status != NULL, "%s", err.detail);
  ck_assert_int_gt(cor_status_port(status), 0);
  return status;
}

/* Sends one request and reads until the server closes. */
static const char *ask(const cor_status *status, const char *method, const char *path) {
  static char text[4096];
  char request[256];
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)cor_status_port(status))};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
  int len = snprintf(request, sizeof request,
                     "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", method, path);
  ck_assert_int_eq(write(fd, request, (size_t)len), len);
  size_t have = 0;
  ssize_t got;
  while (have < sizeof text - 1 && (got = read(fd, text + have, sizeof text - 1 - have)) > 0)
    have += (size_t)got;
  text[have] = '\0';
  close(fd);
  return text;
}

static void expect(const char *reply, const char *code, const char *body) {
  ck_assert_msg(strncmp(reply + strlen("HTTP/1.1 "), code, 3) == 0, "%s", reply);
  ck_assert_msg(strstr(reply, body) != NULL, "%s", reply);
}

START_TEST(health_follows_set) {
  cor_status *status = start("127.0.0.1:0");
  expect(ask(status, "GET", "/healthz"), "503", "\r\n\r\nstarting\n");
  cor_status_set(status, true, NULL);
  expect(ask(status, "GET", "/healthz"), "200", "\r\n\r\nok\n");
  cor_status_set(status, false, "database away");
  expect(ask(status, "GET", "/healthz"), "503", "\r\n\r\ndatabase away\n");
  cor_status_stop(&status);
  ck_assert_ptr_null(status);
}
END_TEST

START_TEST(metrics_are_current) {
  cor_status *status = start("127.0.0.1:0");
  atomic_store(&metrics[0].value, 41);
  expect(
      ask(status, "GET", "/metrics"), "200",
      "# HELP corridor_test_admitted_total Messages admitted\n# TYPE corridor_test_admitted_total counter\n"
      "corridor_test_admitted_total 41\n");
  atomic_fetch_add(&metrics[0].value, 1);
  atomic_store(&metrics[1].value, -3);
  const char *reply = ask(status, "GET", "/metrics");
  expect(reply, "200", "corridor_test_admitted_total 42\n");
  expect(reply, "200", "# TYPE corridor_test_queued gauge\ncorridor_test_queued -3\n");
  cor_status_stop(&status);
}
END_TEST

START_TEST(nothing_else_is_served) {
  cor_status *status = start("127.0.0.1:0");
  cor_status_set(status, true, NULL);
  expect(ask(status, "GET", "/"), "404", "/healthz");
  expect(ask(status, "GET", "/healthz/"), "404", "");
  expect(ask(status, "POST", "/healthz"), "405", "");
  expect(ask(status, "DELETE", "/metrics"), "405", "");
  expect(ask(status, "GET", "/healthz"), "200", "ok");
  cor_status_stop(&status);
}
END_TEST

static const struct {
  const char *listen;
  int code;
} refused[] = {
    {"0.0.0.0:0", COR_NOT_PERMITTED},
    {"192.0.2.1:9100", COR_NOT_PERMITTED},
    {"[::]:0", COR_NOT_PERMITTED},
    {"[2001:db8::1]:9100", COR_NOT_PERMITTED},
    {"128.0.0.1:0", COR_NOT_PERMITTED},
    {"[::ffff:192.0.2.1]:0", COR_NOT_PERMITTED},
    {"127.0.0.1", COR_BAD_INPUT},
    {"127.0.0.1:", COR_BAD_INPUT},
    {"127.0.0.1:65536", COR_BAD_INPUT},
    {"127.0.0.1:99999999", COR_BAD_INPUT},
    {"127.0.0.1:80x", COR_BAD_INPUT},
    {":9100", COR_BAD_INPUT},
    {"localhost:9100", COR_BAD_INPUT},
    {"::1:9100", COR_BAD_INPUT},
    {"[::1]", COR_BAD_INPUT},
    {"[:9100", COR_BAD_INPUT},
    {"", COR_BAD_INPUT},
};

START_TEST(only_loopback_is_accepted) {
  cor_error err = {0};
  ck_assert_ptr_null(cor_status_start(refused[_i].listen, metrics, 2, &err));
  ck_assert_int_eq(err.code, refused[_i].code);
  ck_assert_str_eq(err.path, "status");
}
END_TEST

START_TEST(taken_port_is_an_error) {
  cor_error err = {0};
  char listen[32];
  cor_status *status = start("127.0.0.1:0");
  snprintf(listen, sizeof listen, "127.0.0.1:%d", cor_status_port(status));
  ck_assert_ptr_null(cor_status_start(listen, metrics, 2, &err));
  ck_assert_int_eq(err.code, COR_BAD_INPUT);
  cor_status_stop(&status);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("status");
  TCase *tests = tcase_create("status");
  tcase_set_timeout(tests, 30);
  tcase_add_test(tests, health_follows_set);
  tcase_add_test(tests, metrics_are_current);
  tcase_add_test(tests, nothing_else_is_served);
  tcase_add_loop_test(tests, only_loopback_is_accepted, 0, (int)(sizeof refused / sizeof *refused));
  tcase_add_test(tests, taken_port_is_an_error);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
