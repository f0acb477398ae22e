/* rabbit.c - RabbitMQ: durable queue, persistent messages, publisher confirms,
 * consumer acknowledgements (classic or quorum, by name).
 *
 * For: tests/bench/run. Publisher and consumer are two connections of one
 * thread; the consumer acknowledges all it has in hand at once. The queue is
 * new and goes with the run. Does not verify, gate, seal or log. Errors are
 * fatal. */
#include "die.h"
#include "window.h"
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

enum { CHANNEL = 1, FRAME_MAX = 131072, SILENCE_MS = 60000 };
#define QUEUE "corridor-bench"

typedef struct rabbit {
  amqp_connection_state_t publisher, consumer;
  uint64_t confirmed; /* every tag up to here */
  bool *tags;         /* confirmed out of order; tag = index + 1 */
} rabbit;

static void must(amqp_rpc_reply_t reply, const char *what) {
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) die("RabbitMQ refused", what);
}

static amqp_connection_state_t connect_to(int port) {
  amqp_connection_state_t c = amqp_new_connection();
  amqp_socket_t *socket = amqp_tcp_socket_new(c);
  if (!socket || amqp_socket_open(socket, "127.0.0.1", port) != AMQP_STATUS_OK) die("RabbitMQ", "connect");
  must(amqp_login(c, "/", 0, FRAME_MAX, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest"), "login");
  amqp_channel_open(c, CHANNEL);
  must(amqp_get_rpc_reply(c), "channel");
  return c;
}

static void disconnect(amqp_connection_state_t c) {
  (void)amqp_connection_close(c, AMQP_REPLY_SUCCESS);
  (void)amqp_destroy_connection(c);
}

static void declare(rabbit *r, const window *w, const char *kind) {
  amqp_table_entry_t entry = {
      .key = amqp_cstring_bytes("x-queue-type"),
      .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes(kind)}};
  const amqp_table_t arguments = {1, &entry};
  amqp_queue_declare(r->publisher, CHANNEL, amqp_cstring_bytes(QUEUE), 0, 1, 0, 0, arguments);
  must(amqp_get_rpc_reply(r->publisher), "queue");
  amqp_confirm_select(r->publisher, CHANNEL);
  must(amqp_get_rpc_reply(r->publisher), "confirms");
  if (!window_consumes(w)) return;
  amqp_basic_qos(r->consumer, CHANNEL, 0, (uint16_t)(w->in_flight < UINT16_MAX ? w->in_flight : UINT16_MAX),
                 0);
  must(amqp_get_rpc_reply(r->consumer), "prefetch");
  amqp_basic_consume(r->consumer, CHANNEL, amqp_cstring_bytes(QUEUE), amqp_empty_bytes, 0, 0, 0,
                     amqp_empty_table);
  must(amqp_get_rpc_reply(r->consumer), "consume");
}

static bool publish_some(rabbit *r, window *w) {
  const amqp_basic_properties_t persistent = {._flags = AMQP_BASIC_DELIVERY_MODE_FLAG, .delivery_mode = 2};
  bool any = false;
  while (window_take(w, false)) {
    const amqp_bytes_t body = {w->body_len, w->body};
    if (amqp_basic_publish(r->publisher, CHANNEL, amqp_empty_bytes, amqp_cstring_bytes(QUEUE), 0, 0,
                           &persistent, body) != AMQP_STATUS_OK)
      die("RabbitMQ", "publish");
    any = true;
  }
  return any;
}

static void confirm(rabbit *r, window *w, uint64_t tag, bool multiple) {
  for (uint64_t t = multiple ? r->confirmed + 1 : tag; t <= tag; t++) {
    if (t == 0 || t > w->n || r->tags[t - 1]) continue;
    r->tags[t - 1] = true;
    window_event(w, t - 1);
  }
  while (r->confirmed < w->n && r->tags[r->confirmed])
    r->confirmed++;
}

/* Confirms that are there. */
static void hear_confirms(rabbit *r, window *w) {
  struct timeval none = {0};
  amqp_frame_t frame;
  while (amqp_simple_wait_frame_noblock(r->publisher, &frame, &none) == AMQP_STATUS_OK) {
    if (frame.frame_type != AMQP_FRAME_METHOD) continue;
    if (frame.payload.method.id != AMQP_BASIC_ACK_METHOD) die("RabbitMQ", "did not confirm");
    const amqp_basic_ack_t *ack = frame.payload.method.decoded;
    confirm(r, w, ack->delivery_tag, ack->multiple);
  }
  amqp_maybe_release_buffers(r->publisher);
}

/* Messages that are there: all are acknowledged together. */
static void hear_messages(rabbit *r, window *w) {
  struct timeval none = {0};
  amqp_envelope_t one;
  uint64_t last = 0;
  for (;;) {
    const amqp_rpc_reply_t reply = amqp_consume_message(r->consumer, &one, &none, 0);
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
      if ((&reply)->library_error != AMQP_STATUS_TIMEOUT) die("RabbitMQ", "consume");
      break;
    }
    last = one.delivery_tag;
    const size_t index = window_index(one.message.body.bytes, one.message.body.len);
    amqp_destroy_envelope(&one);
    window_event(w, index);
  }
  if (last && amqp_basic_ack(r->consumer, CHANNEL, last, 1) != AMQP_STATUS_OK) die("RabbitMQ", "acknowledge");
  amqp_maybe_release_buffers(r->consumer);
}

int main(int argc, char **argv) {
  window w;
  window_options opt;
  window_open(&w, argc, argv, &opt);
  const bool consumes = window_consumes(&w);
  rabbit r = {.publisher = connect_to(opt.port), .tags = must_have(w.n, sizeof *r.tags)};
  if (consumes) r.consumer = connect_to(opt.port);
  declare(&r, &w, *opt.queue ? opt.queue : "quorum");
  struct pollfd both[2] = {{.fd = amqp_get_sockfd(r.publisher), .events = POLLIN},
                           {.fd = consumes ? amqp_get_sockfd(r.consumer) : -1, .events = POLLIN}};
  while (!window_done(&w)) {
    hear_confirms(&r, &w);
    if (consumes) hear_messages(&r, &w);
    if (publish_some(&r, &w) || window_done(&w)) continue;
    if (poll(both, 2, SILENCE_MS) == 0) die("no answer in 60 s", NULL);
  }
  window_close(&w, "rabbitmq");
  if (consumes) disconnect(r.consumer);
  amqp_queue_delete(r.publisher, CHANNEL, amqp_cstring_bytes(QUEUE), 0, 0);
  must(amqp_get_rpc_reply(r.publisher), "delete");
  disconnect(r.publisher);
  free(r.tags);
  return 0;
}
