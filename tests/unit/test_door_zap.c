/* test_door_zap.c - who may connect: the key list, the ZAP handler, and the
 * self-test, which must itself be able to fail. */
#include "door_selftest.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum { ENFORCE_DOMAIN = 93, CURVE_CREDENTIALS = 6 };

static void *context;
static char run_dir[] = "/tmp/corridor-test-door-XXXXXX";
static char secret[41];
static door_socket_place place = {.run_dir = run_dir, .secret = secret, .handshake_ms = 2000};

static void set_up(void) {
  char pub[41];
  context = zmq_ctx_new();
  ck_assert_ptr_nonnull(mkdtemp(run_dir));
  ck_assert_int_eq(zmq_curve_keypair(pub, secret), 0);
}

static void tear_down(void) {
  zmq_ctx_term(context);
  ck_assert_int_eq(rmdir(run_dir), 0);
}

START_TEST(the_real_settings_pass) {
  cor_error err = {0};
  door_zap *zap = door_selftest(context, door_socket_open, &place, &err);
  ck_assert_msg(zap != NULL, "%s", err.detail);
  ck_assert_uint_gt(door_zap_refused(zap), 0);
  door_zap_destroy(&zap);
}
END_TEST

/* The door's socket with one setting changed; what door_socket.c sets is set first. */
static void *open_changed(void *ctx, const door_socket_place *at, int option, const void *value, size_t size,
                          cor_error *err) {
  char endpoint[DOOR_ENDPOINT_TEXT];
  void *socket = door_socket_open(ctx, at, err);
  ck_assert_ptr_nonnull(socket);
  door_socket_endpoint(at, endpoint);
  ck_assert_int_eq(zmq_unbind(socket, endpoint), 0);
  ck_assert_int_eq(zmq_setsockopt(socket, option, value, size), 0);
  ck_assert_int_eq(zmq_bind(socket, endpoint), 0);
  return socket;
}

static void *open_without_enforcing(void *ctx, const door_socket_place *at, cor_error *err) {
  const int off = 0;
  return open_changed(ctx, at, ENFORCE_DOMAIN, &off, sizeof off, err);
}

static void *open_without_curve(void *ctx, const door_socket_place *at, cor_error *err) {
  const int off = 0;
  return open_changed(ctx, at, ZMQ_CURVE_SERVER, &off, sizeof off, err);
}

static void *open_with_other_key(void *ctx, const door_socket_place *at, cor_error *err) {
  char pub[41], other[41];
  ck_assert_int_eq(zmq_curve_keypair(pub, other), 0);
  return open_changed(ctx, at, ZMQ_CURVE_SECRETKEY, other, sizeof other, err);
}

static const struct {
  const char *what, *says;
  door_socket_opener *open;
} WEAK[] = {
    {"no ENFORCE_DOMAIN", "no handler answers: wanted refused, got admitted", open_without_enforcing},
    {"no CURVE", "the handler was not asked", open_without_curve},
    {"refused for another reason", "the handler was not asked", open_with_other_key},
};

START_TEST(the_self_test_can_fail) {
  cor_error err = {0};
  ck_assert_msg(door_selftest(context, WEAK[_i].open, &place, &err) == NULL, "%s passed", WEAK[_i].what);
  ck_assert_msg(strstr(err.detail, WEAK[_i].says) != NULL, "%s: %s", WEAK[_i].what, err.detail);
}
END_TEST

static void add_key(uint8_t *list, size_t *len, uint8_t fill, const char *office) {
  memset(list + *len, fill, COR_CURVE_LEN);
  list[*len + COR_CURVE_LEN] = (uint8_t)strlen(office);
  memcpy(list + *len + COR_CURVE_LEN + 1, office, strlen(office));
  *len += COR_CURVE_LEN + 1 + strlen(office);
}

START_TEST(the_list_is_replaced_whole) {
  cor_error err;
  uint8_t list[256], one[COR_CURVE_LEN], two[COR_CURVE_LEN];
  size_t len = 0;
  memset(one, 1, sizeof one);
  memset(two, 2, sizeof two);
  door_zap *zap = door_zap_new(context, &err);
  ck_assert_ptr_nonnull(zap);
  ck_assert_ptr_null(door_zap_office(zap, one));
  add_key(list, &len, 1, "niamey-mission");
  add_key(list, &len, 2, "conakry-mission");
  ck_assert(door_zap_set_keys(zap, (cor_bytes){list, len}, &err));
  ck_assert_str_eq(door_zap_office(zap, one), "niamey-mission");
  ck_assert_str_eq(door_zap_office(zap, two), "conakry-mission");
  len = 0;
  add_key(list, &len, 2, "conakry-mission");
  ck_assert(door_zap_set_keys(zap, (cor_bytes){list, len}, &err));
  ck_assert_ptr_null(door_zap_office(zap, one));
  ck_assert_str_eq(door_zap_office(zap, two), "conakry-mission");
  for (size_t cut = 1; cut < len; cut++) { /* a truncated list lets nobody in */
    ck_assert(!door_zap_set_keys(zap, (cor_bytes){list, cut}, &err));
    ck_assert_ptr_null(door_zap_office(zap, two));
  }
  ck_assert(door_zap_set_keys(zap, (cor_bytes){NULL, 0}, &err));
  door_zap_destroy(&zap);
}
END_TEST

static const struct {
  const char *fields[7]; /* RFC 27; NULL ends the request early */
  bool listed_key;       /* credentials are replaced by 32 bytes of 1 */
  const char *status;    /* NULL: door_zap_next returns it */
} REQUESTS[] = {
    {{"1.0", "1", "corridor/00000000000000ff", "127.0.0.1", "", "CURVE", ""}, true, NULL},
    {{"1.0", "1", "corridor/00000000000000ff", "127.0.0.1", "", "CURVE", "short"}, false, "300"},
    {{"1.0", "1", "corridor/00000000000000ff", "127.0.0.1", "", "PLAIN", "u"}, false, "300"},
    {{"1.0", "1", "corridor/00000000000000ff", "127.0.0.1", "", "NULL", NULL}, false, "300"},
    {{"2.0", "1", "corridor/00000000000000ff", "127.0.0.1", "", "CURVE", ""}, true, "300"},
    {{"1.0", "1", "global", "127.0.0.1", "", "CURVE", ""}, true, "300"},
    {{"1.0", "1", "corridor/00000000000000fG", "127.0.0.1", "", "CURVE", ""}, true, "300"},
    {{"1.0", "1", "corridor/00000000000000ff0", "127.0.0.1", "", "CURVE", ""}, true, "300"},
    {{"1.0", NULL, NULL, NULL, NULL, NULL, NULL}, false, "300"},
};

static void ask(void *client, size_t row) {
  uint8_t key[COR_CURVE_LEN];
  memset(key, 1, sizeof key);
  int n = 0;
  while (n < 7 && REQUESTS[row].fields[n] != NULL)
    n++;
  for (int i = 0; i < n; i++) {
    const char *text = REQUESTS[row].fields[i];
    bool is_key = i == CURVE_CREDENTIALS && REQUESTS[row].listed_key;
    zmq_send(client, is_key ? (const char *)key : text, is_key ? sizeof key : strlen(text),
             i + 1 < n ? ZMQ_SNDMORE : 0);
  }
}

static void *new_asker(void) {
  const int wait = 2000, none = 0;
  void *client = zmq_socket(context, ZMQ_REQ);
  ck_assert_ptr_nonnull(client);
  zmq_setsockopt(client, ZMQ_RCVTIMEO, &wait, sizeof wait);
  zmq_setsockopt(client, ZMQ_LINGER, &none, sizeof none);
  ck_assert_int_eq(zmq_connect(client, "inproc://zeromq.zap.01"), 0);
  return client;
}

START_TEST(requests) {
  cor_error err;
  uint8_t list[256];
  size_t len = 0;
  door_zap_request request;
  door_zap *zap = door_zap_new(context, &err);
  add_key(list, &len, 1, "niamey-mission");
  ck_assert(door_zap_set_keys(zap, (cor_bytes){list, len}, &err));
  void *client = new_asker();
  ask(client, (size_t)_i);
  zmq_pollitem_t item = {.fd = door_zap_fd(zap), .events = ZMQ_POLLIN};
  ck_assert_int_eq(zmq_poll(&item, 1, 2000), 1);
  bool got = door_zap_next(zap, &request);
  ck_assert_int_eq(got, REQUESTS[_i].status == NULL);
  if (got) {
    ck_assert_uint_eq(request.connection, 255);
    ck_assert_str_eq(request.office, "niamey-mission");
    door_zap_answer(zap, &request, true);
  }
  char reply[6][64] = {0};
  for (int i = 0; i < 6; i++)
    ck_assert_int_ge(zmq_recv(client, reply[i], sizeof reply[i] - 1, 0), 0);
  ck_assert_str_eq(reply[0], "1.0");
  ck_assert_str_eq(reply[2], got ? "200" : "300");
  ck_assert_str_eq(reply[4], got ? "niamey-mission" : "");
  ck_assert_uint_eq(door_zap_refused(zap), got ? 0 : 1);
  zmq_close(client);
  door_zap_destroy(&zap);
}
END_TEST

/* Row 0 of REQUESTS is asked and permitted. */
static void permitted(door_zap *zap, void *client) {
  door_zap_request request;
  char reply[6][64] = {0};
  ask(client, 0);
  zmq_pollitem_t item = {.fd = door_zap_fd(zap), .events = ZMQ_POLLIN};
  ck_assert_int_eq(zmq_poll(&item, 1, 2000), 1);
  ck_assert(door_zap_next(zap, &request));
  door_zap_answer(zap, &request, request.office[0] != 0);
  for (int i = 0; i < 6; i++)
    ck_assert_int_ge(zmq_recv(client, reply[i], sizeof reply[i] - 1, 0), 0);
  ck_assert_str_eq(reply[2], "200");
  ck_assert_str_eq(reply[4], "niamey-mission");
}

static const struct {
  int sockets; /* places for; the handler and one client have theirs */
  bool renewed;
} RENEWALS[] = {{16, true}, {2, false}};

START_TEST(a_renewed_handler_goes_on) {
  cor_error err;
  uint8_t list[256];
  size_t len = 0;
  ck_assert_int_eq(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, RENEWALS[_i].sockets), 0);
  door_zap *zap = door_zap_new(context, &err);
  ck_assert_ptr_nonnull(zap);
  add_key(list, &len, 1, "niamey-mission");
  ck_assert(door_zap_set_keys(zap, (cor_bytes){list, len}, &err));
  void *before = new_asker(), *after = before;
  permitted(zap, before);
  ck_assert_uint_eq(door_zap_asked(zap), 1);
  ck_assert_int_eq(door_zap_renew(zap, &err), RENEWALS[_i].renewed);
  ck_assert_uint_eq(door_zap_asked(zap), RENEWALS[_i].renewed ? 0 : 1);
  if (RENEWALS[_i].renewed) after = new_asker();
  permitted(zap, after);
  if (after != before) zmq_close(after);
  zmq_close(before);
  door_zap_destroy(&zap);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("door_zap");
  TCase *all = tcase_create("zap");
  tcase_add_checked_fixture(all, set_up, tear_down);
  tcase_set_timeout(all, 60);
  tcase_add_test(all, the_real_settings_pass);
  tcase_add_loop_test(all, the_self_test_can_fail, 0, sizeof WEAK / sizeof *WEAK);
  tcase_add_test(all, the_list_is_replaced_whole);
  tcase_add_loop_test(all, requests, 0, sizeof REQUESTS / sizeof *REQUESTS);
  tcase_add_loop_test(all, a_renewed_handler_goes_on, 0, sizeof RENEWALS / sizeof *RENEWALS);
  suite_add_tcase(suite, all);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
