/* window.c - the same shape of load for every peer.
 *
 * For: the peers' clients, so that what is compared is the server and not the
 * client's manners: the same bodies, the same number in flight, the same clock.
 * A message ends with its publisher's confirm, and, when consumed, with that and
 * its consumer's acknowledgement. Errors are fatal; so is 60 s without an end. */
#include "window.h"
#include "corridor/clock.h"
#include "die.h"
#include <string.h>
#include <time.h>

enum { INDEX_BYTES = 8, SILENCE_S = 60 };

static size_t number(const char *text, size_t least, size_t most) {
  char *end;
  const unsigned long value = strtoul(text, &end, 10);
  if (*text < '0' || *text > '9' || *end || value < least || value > most)
    die("not a number that fits", text);
  return value;
}

void window_open(window *w, int argc, char **argv, window_options *out) {
  if (argc < 6 || argc > 7 || (strcmp(argv[2], "published") != 0 && strcmp(argv[2], "consumed") != 0)) {
    fprintf(stderr, "%s PORT published|consumed IN_FLIGHT MESSAGES BODY [QUEUE]\n", argv[0]);
    exit(2);
  }
  *w = (window){.events = strcmp(argv[2], "consumed") == 0 ? 2 : 1};
  *out = (window_options){(int)number(argv[1], 1, 65535), argc == 7 ? argv[6] : ""};
  w->in_flight = number(argv[3], 1, 100000);
  w->n = number(argv[4], 1, 10000000);
  w->body_len = number(argv[5], INDEX_BYTES, WINDOW_BODY_MAX);
  w->list = must_have(w->n, sizeof *w->list);
  w->body = must_have(1, w->body_len);
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_mutex_init(&w->lock, NULL);
  pthread_cond_init(&w->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
}

bool window_consumes(const window *w) {
  return w->events == 2;
}

/* Waits for a change; the lock is held. */
static void wait_change(window *w) {
  const int64_t ms = cor_clock_monotonic_ms() + SILENCE_S * 1000;
  const struct timespec until = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
  if (pthread_cond_timedwait(&w->changed, &w->lock, &until) != 0) die("no answer in 60 s", NULL);
}

bool window_take(window *w, bool wait) {
  pthread_mutex_lock(&w->lock);
  while (wait && w->sent < w->n && w->sent - w->done >= w->in_flight)
    wait_change(w);
  const bool room = w->sent < w->n && w->sent - w->done < w->in_flight;
  if (room) {
    const int64_t now = cor_clock_monotonic_us();
    if (w->sent == 0) {
      w->begin_us = now;
      w->cpu_us = sample_cpu_us();
    }
    const uint64_t index = w->sent;
    memcpy(w->body, &index, INDEX_BYTES);
    w->list[w->sent++].sent_us = now;
  }
  pthread_mutex_unlock(&w->lock);
  return room;
}

void window_event(window *w, size_t index) {
  pthread_mutex_lock(&w->lock);
  if (index >= w->sent || w->list[index].events >= w->events) die("an answer to nothing", NULL);
  if (++w->list[index].events == w->events) {
    sample_add(&w->latency, cor_clock_monotonic_us() - w->list[index].sent_us);
    w->done++;
    pthread_cond_signal(&w->changed);
  }
  pthread_mutex_unlock(&w->lock);
}

size_t window_index(const void *body, size_t len) {
  uint64_t index = UINT64_MAX;
  if (len >= INDEX_BYTES) memcpy(&index, body, INDEX_BYTES);
  return index;
}

bool window_done(window *w) {
  pthread_mutex_lock(&w->lock);
  const bool done = w->done == w->n;
  pthread_mutex_unlock(&w->lock);
  return done;
}

void window_wait(window *w) {
  pthread_mutex_lock(&w->lock);
  while (w->done < w->n)
    wait_change(w);
  pthread_mutex_unlock(&w->lock);
}

void window_close(window *w, const char *peer) {
  const double seconds = (double)(cor_clock_monotonic_us() - w->begin_us) / 1e6;
  const double cpu = (double)(sample_cpu_us() - w->cpu_us);
  printf("{\"peer\": \"%s\", \"mode\": \"%s\", \"messages\": %zu, \"in_flight\": %zu, \"body\": %zu, "
         "\"seconds\": %.4f, \"per_second\": %.1f, \"cpu_us_per_message\": %.2f, ",
         peer, window_consumes(w) ? "consumed" : "published", w->n, w->in_flight, w->body_len, seconds,
         (double)w->n / seconds, cpu / (double)w->n);
  sample_print(&w->latency);
  printf("}\n");
  sample_clear(&w->latency);
  free(w->list);
  free(w->body);
  pthread_cond_destroy(&w->changed);
  pthread_mutex_destroy(&w->lock);
}
