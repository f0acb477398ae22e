/* test_link_window.c - how much an agent has under way, whatever windows its hub names. */
#include "link_internal.h"
#include "store_fixture.h"

#include "corridor/codec.h"
#include "corridor/id.h"

enum { KIB = 1024, WAITING = 300 };

static agent office;
static agent_link *l;
static void *context, *hub;

static void window_setup(void) {
  char endpoint[LINK_RELAY_ENDPOINT];
  setup();
  office = (agent){.log = quiet, .clock = wall, .store = s};
  l = calloc(1, sizeof *l);
  *l = (agent_link){.a = &office, .state = LINK_GREETING, .next_n = 1};
  pthread_mutex_init(&l->facts_lock, NULL);
  context = zmq_ctx_new();
  hub = zmq_socket(context, ZMQ_PAIR);
  l->socket = zmq_socket(context, ZMQ_PAIR);
  must(zmq_bind(hub, "inproc://hub") == 0 && zmq_connect(l->socket, "inproc://hub") == 0);
  l->relay = link_relay_open("tcp://127.0.0.1:1", endpoint, &err); /* counts; nobody connects to it */
  must(l->relay != NULL);
}

static void window_teardown(void) {
  link_relay_close(&l->relay, 0);
  zmq_close(l->socket);
  zmq_close(hub);
  zmq_ctx_term(context);
  pthread_mutex_destroy(&l->facts_lock);
  free(l);
  teardown();
}

/* Each of a case of its own, so that none waits for another. */
static void fill_outbox(void) {
  static uint8_t body[KIB];
  must(store_begin(s, &err));
  for (size_t i = 0; i < WAITING; i++) {
    store_message m = made(0, "gn-conakry", 0, COR_T(CASE_FILE));
    cor_id_new(m.id, T0);
    memcpy(m.handle, m.id, COR_ID_LEN);
    memcpy(m.case_handle, m.id, COR_ID_LEN);
    m.envelope = (cor_buf){body, 0}; /* one without fields: nothing here reads it */
    m.body = (cor_buf){body, sizeof body};
    must(store_out_put(s, &m, COR_LANE_CASE, &err));
  }
  must(store_commit(s, &err));
}

static void say(cor_command command, const ProtobufCMessage *message) {
  uint8_t head[2];
  cor_buf control = {0};
  cor_frames_head(command, head);
  must(cor_encode(message, &control, &err));
  ck_assert_int_ge(zmq_send(hub, head, sizeof head, ZMQ_SNDMORE), 0);
  ck_assert_int_ge(zmq_send(hub, control.data, control.len, 0), 0);
  cor_buf_clear(&control);
  zmq_pollitem_t item = {.socket = l->socket, .events = ZMQ_POLLIN};
  ck_assert_int_eq(zmq_poll(&item, 1, 1000), 1);
  link_receive(l);
  ck_assert_int_eq(l->state, LINK_OPEN);
}

static void welcome(uint32_t messages, uint64_t bytes) {
  Corridor__V1__Welcome w = CORRIDOR__V1__WELCOME__INIT;
  w.version = COR_PROTOCOL;
  w.hub = "hub";
  w.hub_time = cor_clock_now(wall);
  w.window_messages = messages;
  w.window_bytes = bytes;
  say(COR_WELCOME, &w.base);
}

static void credit(uint32_t messages, uint64_t bytes) {
  Corridor__V1__Results results = CORRIDOR__V1__RESULTS__INIT;
  Corridor__V1__Credit c = CORRIDOR__V1__CREDIT__INIT;
  c.window_messages = messages;
  c.window_bytes = bytes;
  results.credit = &c;
  say(COR_RESULTS, &results.base);
}

static const struct {
  uint32_t messages;
  uint64_t bytes;
  size_t bounded_messages;
  uint64_t bounded_bytes;
  size_t leave; /* bodies of 1 KiB, while none is answered */
} windows[] = {
    {UINT32_MAX, UINT64_MAX, LINK_FLIGHT_MAX, LINK_FLIGHT_BYTES, LINK_FLIGHT_MAX},
    {LINK_FLIGHT_MAX + 1, LINK_FLIGHT_BYTES + 1, LINK_FLIGHT_MAX, LINK_FLIGHT_BYTES, LINK_FLIGHT_MAX},
    {LINK_FLIGHT_MAX, LINK_FLIGHT_BYTES, LINK_FLIGHT_MAX, LINK_FLIGHT_BYTES, LINK_FLIGHT_MAX},
    {3, UINT64_MAX, 3, LINK_FLIGHT_BYTES, 3},
    {UINT32_MAX, 3 * KIB, LINK_FLIGHT_MAX, 3 * KIB, 3},
    {UINT32_MAX, 3 * KIB - 1, LINK_FLIGHT_MAX, 3 * KIB - 1, 2},
    {UINT32_MAX, 1, LINK_FLIGHT_MAX, 1, 1}, /* one body may always go */
    {UINT32_MAX, 0, LINK_FLIGHT_MAX, 0, 1}};

static void check(int i) {
  ck_assert_uint_eq(l->window_messages, windows[i].bounded_messages);
  ck_assert_uint_eq(l->window_bytes, windows[i].bounded_bytes);
  must(link_submit(l, &err));
  ck_assert_uint_eq(l->n_flight, windows[i].leave);
  ck_assert_uint_eq(l->flight_bytes, windows[i].leave * KIB);
}

START_TEST(what_welcome_names_is_bounded) {
  fill_outbox();
  welcome(windows[_i].messages, windows[_i].bytes);
  check(_i);
}
END_TEST

START_TEST(what_later_credit_names_is_bounded) {
  fill_outbox();
  welcome(1, 1);
  credit(windows[_i].messages, windows[_i].bytes);
  check(_i);
}
END_TEST

/* An agent that may send nothing would never hear that it may again. */
START_TEST(a_window_of_no_message_is_one_of_one) {
  welcome(0, UINT64_MAX);
  ck_assert_uint_eq(l->window_messages, 1);
  credit(0, 0);
  ck_assert_uint_eq(l->window_messages, 1);
  ck_assert_uint_eq(l->window_bytes, LINK_FLIGHT_BYTES);
}
END_TEST

/* Of parts of files one is under way, so that on a slow line nothing waits for more. */
START_TEST(one_part_of_a_file_is_under_way) {
  static uint8_t body[KIB];
  must(store_begin(s, &err));
  for (uint8_t i = 1; i <= 6; i++) {
    const bool is_part = i <= 4;
    store_message m = made(i, "gn-conakry", i, is_part ? COR_T(ATTACHMENT_CHUNK) : COR_T(CASE_FILE));
    m.outgoing = true;
    m.is_part = is_part;
    memcpy(m.attachment, m.id, COR_ID_LEN);
    m.envelope = (cor_buf){body, 0};
    m.body = (cor_buf){body, sizeof body};
    must(store_out_put(s, &m, is_part ? COR_LANE_ATTACHMENT : COR_LANE_CASE, &err));
  }
  must(store_commit(s, &err));
  welcome(256, UINT64_MAX);
  must(link_submit(l, &err));
  ck_assert_uint_eq(l->n_flight, 3);
  ck_assert_uint_eq(l->flight[0].id[0], 5);
  ck_assert_uint_eq(l->flight[1].id[0], 6);
  ck_assert_uint_eq(l->flight[2].id[0], 1);
  must(link_submit(l, &err));
  ck_assert_uint_eq(l->n_flight, 3);
}
END_TEST

int main(void) {
  const int n = (int)(sizeof windows / sizeof *windows);
  TCase *tcase = tcase_create("link_window");
  tcase_add_checked_fixture(tcase, window_setup, window_teardown);
  tcase_add_loop_test(tcase, what_welcome_names_is_bounded, 0, n);
  tcase_add_loop_test(tcase, what_later_credit_names_is_bounded, 0, n);
  tcase_add_test(tcase, a_window_of_no_message_is_one_of_one);
  tcase_add_test(tcase, one_part_of_a_file_is_under_way);
  return programme_run(tcase, "link_window");
}
