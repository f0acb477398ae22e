/* conveyor.c - porter, workers, and the queue between them and the core.
 *
 * For: keeping the channel's socket, decoding and verification off the core's
 * thread. Guarantees: parcels leave in the order they came, each inspected once;
 * memory is bounded, for beyond the bound nothing is read from the channel and the
 * door holds back the network; a parcel that is dropped (at the end, or because its
 * door is gone) was not acknowledged. Trusts nothing it carries. Fatal: running out
 * of memory, threads or descriptors. */
#include "conveyor.h"
#include "corridor/refusal.h"
#include "corridor/clock.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { PORTER_MS = 100, READ_MAX = 256, LAST_ROUND_MS = 1000 };

struct conveyor {
  struct doorway *doorway;
  cor_sign_memory *memory;
  pthread_t porter, workers[CONVEYOR_WORKERS_MAX];
  unsigned n_workers;
  bool porting;
  int ready; /* eventfd: the head is inspected */

  pthread_mutex_t lock;
  pthread_cond_t work;
  parcel *head, *tail; /* in order of arrival */
  parcel *uninspected; /* the first nobody has taken up; everything after it likewise */
  size_t parcels, bytes;
  bool stopping;

  pthread_rwlock_t cards_lock;
  const cor_cards *cards;
  int64_t epoch;
};

static void ring(int fd) {
  const uint64_t one = 1;
  if (write(fd, &one, sizeof one) != (ssize_t)sizeof one && errno != EAGAIN) abort();
}

static void quiet(int fd) {
  uint64_t count;
  if (read(fd, &count, sizeof count) < 0 && errno != EAGAIN) abort();
}

static void name_thread(pthread_t thread, const char *what, unsigned number) {
  char name[16];
  snprintf(name, sizeof name, "%s-%u", what, number);
  (void)pthread_setname_np(thread, name);
}

/* ---- workers ---- */

static void inspect(conveyor *c, parcel *p) {
  pthread_rwlock_rdlock(&c->cards_lock);
  parcel_inspect(p, c->cards, c->epoch, c->memory);
  pthread_rwlock_unlock(&c->cards_lock);
}

static void *work(void *arg) {
  conveyor *c = arg;
  pthread_mutex_lock(&c->lock);
  while (!c->stopping) {
    parcel *p = c->uninspected;
    if (!p) {
      pthread_cond_wait(&c->work, &c->lock);
      continue;
    }
    c->uninspected = p->next;
    pthread_mutex_unlock(&c->lock);
    inspect(c, p);
    pthread_mutex_lock(&c->lock);
    p->ready = true;
    if (p == c->head) ring(c->ready);
  }
  pthread_mutex_unlock(&c->lock);
  return NULL;
}

/* ---- the porter ---- */

static bool has_room(conveyor *c) {
  pthread_mutex_lock(&c->lock);
  const bool room = c->parcels < CONVEYOR_PARCELS && c->bytes < CONVEYOR_BYTES;
  pthread_mutex_unlock(&c->lock);
  return room;
}

static void append(conveyor *c, parcel *p) {
  pthread_mutex_lock(&c->lock);
  if (c->tail)
    c->tail->next = p;
  else
    c->head = p;
  c->tail = p;
  if (!c->uninspected) c->uninspected = p;
  c->parcels++;
  c->bytes += parcel_size(p);
  pthread_cond_signal(&c->work);
  pthread_mutex_unlock(&c->lock);
}

static bool stopping(conveyor *c) {
  pthread_mutex_lock(&c->lock);
  const bool yes = c->stopping;
  pthread_mutex_unlock(&c->lock);
  return yes;
}

static void bring_in(conveyor *c) {
  doorway_mail mail = {0};
  bool door_changed;
  for (int i = 0; i < READ_MAX && has_room(c) && doorway_take(c->doorway, &mail, &door_changed); i++) {
    if (mail.head.kind == CHANNEL_MESSAGE || mail.head.kind == CHANNEL_CLOSED || door_changed)
      append(c, parcel_new(&mail, door_changed));
    else
      doorway_mail_close(&mail);
  }
}

static void *port(void *arg) {
  conveyor *c = arg;
  while (!stopping(c)) {
    doorway_pulse(c->doorway);
    bring_in(c);
    bool waiting = doorway_flush(c->doorway);
    zmq_pollitem_t items[] = {{.socket = doorway_socket(c->doorway)},
                              {.fd = doorway_fd(c->doorway), .events = ZMQ_POLLIN}};
    items[0].events = (short)((has_room(c) ? ZMQ_POLLIN : 0) | (waiting ? ZMQ_POLLOUT : 0));
    zmq_poll(items, 2, PORTER_MS);
    if (items[1].revents & ZMQ_POLLIN) quiet(doorway_fd(c->doorway));
  }
  for (int64_t end = cor_clock_monotonic_ms() + LAST_ROUND_MS;
       doorway_flush(c->doorway) && cor_clock_monotonic_ms() < end;) {
    zmq_pollitem_t item = {.socket = doorway_socket(c->doorway), .events = ZMQ_POLLOUT};
    zmq_poll(&item, 1, PORTER_MS);
  }
  return NULL;
}

/* ---- the core's side ---- */

/* Workers read under it one after the other without end; new cards must not wait
 * for a pause. */
static void init_cards_lock(conveyor *c) {
  pthread_rwlockattr_t attributes;
  pthread_rwlockattr_init(&attributes);
  pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  pthread_rwlock_init(&c->cards_lock, &attributes);
  pthread_rwlockattr_destroy(&attributes);
}

conveyor *conveyor_start(struct doorway *doorway, cor_sign_memory *memory, unsigned workers, cor_error *err) {
  conveyor *c = calloc(1, sizeof *c);
  if (!c) abort();
  c->doorway = doorway;
  c->memory = memory;
  c->epoch = -1;
  pthread_mutex_init(&c->lock, NULL);
  pthread_cond_init(&c->work, NULL);
  init_cards_lock(c);
  c->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  c->porting = c->ready >= 0 && pthread_create(&c->porter, NULL, port, c) == 0;
  if (c->porting) name_thread(c->porter, "porter", 0);
  while (c->porting && c->n_workers < workers && c->n_workers < CONVEYOR_WORKERS_MAX &&
         pthread_create(&c->workers[c->n_workers], NULL, work, c) == 0) {
    name_thread(c->workers[c->n_workers], "verify", c->n_workers);
    c->n_workers++;
  }
  if (c->n_workers > 0) return c;
  (void)cor_fail(err, COR_INTERNAL, "", "cannot start threads: %s", strerror(errno));
  conveyor_stop(&c);
  return NULL;
}

void conveyor_stop(conveyor **which) {
  conveyor *c = *which;
  if (!c) return;
  pthread_mutex_lock(&c->lock);
  c->stopping = true;
  pthread_cond_broadcast(&c->work);
  pthread_mutex_unlock(&c->lock);
  ring(doorway_fd(c->doorway));
  if (c->porting) pthread_join(c->porter, NULL);
  for (unsigned i = 0; i < c->n_workers; i++)
    pthread_join(c->workers[i], NULL);
  while (c->head) {
    parcel *p = c->head;
    c->head = p->next;
    parcel_free(p);
  }
  if (c->ready >= 0) close(c->ready);
  pthread_rwlock_destroy(&c->cards_lock);
  pthread_cond_destroy(&c->work);
  pthread_mutex_destroy(&c->lock);
  free(c);
  *which = NULL;
}

int conveyor_fd(const conveyor *c) {
  return c->ready;
}

parcel *conveyor_take(conveyor *c) {
  pthread_mutex_lock(&c->lock);
  parcel *p = c->head;
  if (!p || !p->ready) {
    p = NULL;
    quiet(c->ready); /* under the lock: a worker that readies the head rings after this */
  } else {
    const bool was_full = c->parcels >= CONVEYOR_PARCELS || c->bytes >= CONVEYOR_BYTES;
    c->head = p->next;
    if (!c->head) c->tail = NULL;
    c->parcels--;
    c->bytes -= parcel_size(p);
    if (c->head && c->head->ready) ring(c->ready);
    if (was_full) ring(doorway_fd(c->doorway)); /* the porter may read again */
  }
  pthread_mutex_unlock(&c->lock);
  if (p) p->next = NULL;
  return p;
}

void conveyor_cards(conveyor *c, const cor_cards *cards, int64_t epoch) {
  pthread_rwlock_wrlock(&c->cards_lock);
  c->cards = cards;
  c->epoch = epoch;
  pthread_rwlock_unlock(&c->cards_lock);
}
