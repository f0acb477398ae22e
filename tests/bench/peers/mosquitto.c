/* mosquitto.c - Mosquitto: QoS 2 both ways, persistence on.
 *
 * For: tests/bench/run. NOT durable as Corridor means it: the broker keeps
 * messages in memory and writes them out now and then. Does not verify, gate,
 * seal or log. The library answers on its own threads. Errors are fatal. */
#include "die.h"
#include "window.h"
#include <mosquitto.h>
#include <string.h>

enum { QOS = 2, KEEPALIVE_S = 60, MIDS = 65536 };
#define TOPIC "corridor/bench"

typedef struct client {
  window *w;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool subscribed, connected;
  size_t of_mid[MIDS]; /* index of the message that has the mid now */
} client;

static void must(int code, const char *what) {
  if (code != MOSQ_ERR_SUCCESS) {
    fprintf(stderr, "bench: Mosquitto: %s: %s\n", what, mosquitto_strerror(code));
    exit(1);
  }
}

static void on_publish(struct mosquitto *m, void *with, int mid) {
  client *c = with;
  (void)m;
  pthread_mutex_lock(&c->lock); /* held by the publisher until the mid is noted */
  const size_t index = c->of_mid[mid % MIDS];
  pthread_mutex_unlock(&c->lock);
  window_event(c->w, index);
}

static void on_message(struct mosquitto *m, void *with, const struct mosquitto_message *message) {
  client *c = with;
  (void)m;
  window_event(c->w, window_index(message->payload, (size_t)message->payloadlen));
}

static void tell(client *c, bool *what) {
  pthread_mutex_lock(&c->lock);
  *what = true;
  pthread_cond_signal(&c->changed);
  pthread_mutex_unlock(&c->lock);
}

static void await(client *c, const bool *what) {
  pthread_mutex_lock(&c->lock);
  while (!*what)
    pthread_cond_wait(&c->changed, &c->lock);
  pthread_mutex_unlock(&c->lock);
}

static void on_connect(struct mosquitto *m, void *with, int code) {
  client *c = with;
  (void)m;
  must(code, "connect");
  tell(c, &c->connected);
}

static void on_subscribe(struct mosquitto *m, void *with, int mid, int n, const int *granted) {
  client *c = with;
  (void)m;
  (void)mid;
  if (n != 1 || granted[0] != QOS) die("Mosquitto", "subscription not granted");
  tell(c, &c->subscribed);
}

static struct mosquitto *open_client(client *c, const char *id, int port) {
  struct mosquitto *m = mosquitto_new(id, true, c);
  if (!m) die("Mosquitto", "client");
  must(mosquitto_int_option(m, MOSQ_OPT_TCP_NODELAY, 1), "option");
  must(mosquitto_int_option(m, MOSQ_OPT_SEND_MAXIMUM, 65535), "option");
  must(mosquitto_int_option(m, MOSQ_OPT_RECEIVE_MAXIMUM, 65535), "option");
  mosquitto_connect_callback_set(m, on_connect);
  mosquitto_publish_callback_set(m, on_publish);
  mosquitto_message_callback_set(m, on_message);
  mosquitto_subscribe_callback_set(m, on_subscribe);
  c->connected = false;
  must(mosquitto_loop_start(m), "thread");
  must(mosquitto_connect(m, "127.0.0.1", port, KEEPALIVE_S), "connect");
  await(c, &c->connected);
  return m;
}

static void close_client(struct mosquitto *m) {
  (void)mosquitto_disconnect(m);
  (void)mosquitto_loop_stop(m, false);
  mosquitto_destroy(m);
}

int main(int argc, char **argv) {
  window w;
  window_options opt;
  client *c = must_have(1, sizeof *c);
  struct mosquitto *subscriber = NULL;
  c->w = &w;
  pthread_mutex_init(&c->lock, NULL);
  pthread_cond_init(&c->changed, NULL);
  window_open(&w, argc, argv, &opt);
  must(mosquitto_lib_init(), "library");
  if (window_consumes(&w)) {
    subscriber = open_client(c, "bench-subscriber", opt.port);
    must(mosquitto_subscribe(subscriber, NULL, TOPIC, QOS), "subscribe");
    await(c, &c->subscribed);
  }
  struct mosquitto *publisher = open_client(c, "bench-publisher", opt.port);
  while (window_take(&w, true)) {
    int mid = 0;
    pthread_mutex_lock(&c->lock);
    must(mosquitto_publish(publisher, &mid, TOPIC, (int)w.body_len, w.body, QOS, false), "publish");
    c->of_mid[mid % MIDS] = window_index(w.body, w.body_len);
    pthread_mutex_unlock(&c->lock);
  }
  window_wait(&w);
  window_close(&w, "mosquitto");
  close_client(publisher);
  if (subscriber) close_client(subscriber);
  mosquitto_lib_cleanup();
  free(c);
  return 0;
}
