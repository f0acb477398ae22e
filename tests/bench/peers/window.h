/* window.h - messages to a peer, kept at a fixed number in flight. Thread safe:
 * some client libraries answer on threads of their own. */
#ifndef BENCH_PEERS_WINDOW_H
#define BENCH_PEERS_WINDOW_H
#include "sample.h"
#include <pthread.h>
#include <stdbool.h>

enum { WINDOW_BODY_MAX = 1024 * 1024 };

typedef struct window_message {
  int64_t sent_us;
  unsigned events;
} window_message;

typedef struct window {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  window_message *list;
  size_t n, in_flight, sent, done;
  unsigned events; /* that end a message: 1 = confirmed; 2 = confirmed and consumed */
  size_t body_len;
  uint8_t *body; /* of the next message; begins with its index */
  int64_t begin_us, cpu_us;
  sample latency;
} window;

/* What every peer's client is started with. */
typedef struct window_options {
  int port;
  const char *queue; /* a kind of queue, where a peer has several */
} window_options;

/* PORT published|consumed IN_FLIGHT MESSAGES BODY [QUEUE]; ends the program on
 * anything else. */
void window_open(window *w, int argc, char **argv, window_options *out);
bool window_consumes(const window *w);
/* Takes the next message: its index is in the body. False: no room, or (wait)
 * all are sent. */
bool window_take(window *w, bool wait);
/* One event of the message; an event too many is fatal. */
void window_event(window *w, size_t index);
size_t window_index(const void *body, size_t len);
bool window_done(window *w);
void window_wait(window *w);
/* Prints one JSON line and frees. */
void window_close(window *w, const char *peer);
#endif
