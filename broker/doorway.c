/* doorway.c - the core's end of the channel to the door.
 *
 * For: one DEALER bound to an ipc endpoint in a 0700 directory. One thread, the
 * porter, uses the socket; what others send waits in a bounded queue that the
 * porter flushes. Guarantees: whatever is lost here (door killed, queue full) was
 * not acknowledged, so its sender sends it again; nothing blocks. Trusts the door
 * for the office id of a connection only as far as the signatures bear it out.
 * Fatal: libzmq out of memory or descriptors. */
#include "doorway.h"
#include "corridor/clock.h"
#include "corridor/refusal.h"
#include <corridor/v1/card.pb-c.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
  PULSE_MS = 1000,
  TAKEN_STEP = CHANNEL_BYTES_MAX / 8,
  DOORWAY_HWM = 64, /* messages in libzmq, of up to 1 MiB; the rest waits where bytes count */
  OUT_MAX = 8192,   /* messages that wait for the porter, and their bytes */
  OUT_BYTES = 2 * CHANNEL_BYTES_MAX
};

typedef struct outgoing {
  struct outgoing *next;
  zmq_msg_t parts[1 + COR_FRAMES_MAX];
  size_t n, bytes;
} outgoing;

struct doorway {
  void *context, *socket; /* the porter's */
  cor_log *log;
  uint64_t generation, taken, told;
  int64_t pulsed_at;
  _Atomic uint64_t door; /* generation of the door we heard of; 0 = none yet */
  int wake;              /* eventfd: the queue is not empty */
  pthread_mutex_t lock;
  outgoing *first, *last;
  size_t waiting, bytes;
};

struct doorway *doorway_new(const char *endpoint, cor_log *log, cor_error *err) {
  struct doorway *l = calloc(1, sizeof *l);
  if (!l) abort();
  l->log = log;
  pthread_mutex_init(&l->lock, NULL);
  l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  cor_random((uint8_t *)&l->generation, sizeof l->generation);
  l->context = zmq_ctx_new();
  l->socket = l->context ? zmq_socket(l->context, ZMQ_DEALER) : NULL;
  int zero = 0, hwm = DOORWAY_HWM;
  if (!l->socket || l->wake < 0 || zmq_setsockopt(l->socket, ZMQ_LINGER, &zero, sizeof zero) != 0 ||
      zmq_setsockopt(l->socket, ZMQ_SNDHWM, &hwm, sizeof hwm) != 0 ||
      zmq_setsockopt(l->socket, ZMQ_RCVHWM, &hwm, sizeof hwm) != 0 || zmq_bind(l->socket, endpoint) != 0) {
    (void)cor_fail(err, COR_INTERNAL, "channel", "cannot bind %s: %s", endpoint, zmq_strerror(errno));
    doorway_destroy(&l);
  }
  return l;
}

/* ---- what waits for the porter ---- */

static void outgoing_free(outgoing *o) {
  for (size_t i = 0; i < o->n; i++)
    zmq_msg_close(&o->parts[i]);
  free(o);
}

/* Meant for connections of a door that is gone. */
static void drop_outgoing(struct doorway *l) {
  pthread_mutex_lock(&l->lock);
  while (l->first) {
    outgoing *o = l->first;
    l->first = o->next;
    outgoing_free(o);
  }
  l->last = NULL;
  l->waiting = l->bytes = 0;
  pthread_mutex_unlock(&l->lock);
}

static void *new_part(outgoing *o, size_t len) {
  zmq_msg_t *part = &o->parts[o->n++];
  if (zmq_msg_init_size(part, len) != 0) abort();
  o->bytes += len;
  return zmq_msg_data(part);
}

static void add_part(outgoing *o, const void *data, size_t len) {
  void *at = new_part(o, len);
  if (len) memcpy(at, data, len);
}

static outgoing *outgoing_new(const channel_head *head) {
  uint8_t bytes[CHANNEL_HEAD_MAX];
  outgoing *o = calloc(1, sizeof *o);
  if (!o) abort();
  add_part(o, bytes, channel_head_write(head, bytes));
  return o;
}

static bool enqueue(struct doorway *l, outgoing *o) {
  pthread_mutex_lock(&l->lock);
  const bool room = atomic_load(&l->door) != 0 && l->waiting < OUT_MAX && l->bytes + o->bytes <= OUT_BYTES;
  if (room) {
    if (l->last)
      l->last->next = o;
    else
      l->first = o;
    l->last = o;
    l->waiting++;
    l->bytes += o->bytes;
  }
  pthread_mutex_unlock(&l->lock);
  const uint64_t one = 1;
  if (room && write(l->wake, &one, sizeof one) < 0 && errno != EAGAIN) abort();
  if (!room) outgoing_free(o);
  return room;
}

bool doorway_has_room(struct doorway *l) {
  pthread_mutex_lock(&l->lock);
  const bool room = l->waiting < OUT_MAX / 2 && l->bytes < OUT_BYTES / 2;
  pthread_mutex_unlock(&l->lock);
  return room;
}

static outgoing *dequeue(struct doorway *l) {
  pthread_mutex_lock(&l->lock);
  outgoing *o = l->first;
  if (o) {
    l->first = o->next;
    if (!l->first) l->last = NULL;
    l->waiting--;
    l->bytes -= o->bytes;
  }
  pthread_mutex_unlock(&l->lock);
  return o;
}

static void put_back(struct doorway *l, outgoing *o) {
  pthread_mutex_lock(&l->lock);
  o->next = l->first;
  l->first = o;
  if (!l->last) l->last = o;
  l->waiting++;
  l->bytes += o->bytes;
  pthread_mutex_unlock(&l->lock);
}

bool doorway_flush(struct doorway *l) {
  for (outgoing *o; (o = dequeue(l)) != NULL;) {
    /* A DEALER that took the first part takes them all. */
    if (zmq_msg_send(&o->parts[0], l->socket, ZMQ_DONTWAIT | (o->n > 1 ? ZMQ_SNDMORE : 0)) < 0) {
      put_back(l, o);
      return true;
    }
    for (size_t i = 1; i < o->n; i++)
      zmq_msg_send(&o->parts[i], l->socket, i + 1 < o->n ? ZMQ_SNDMORE : 0);
    outgoing_free(o);
  }
  return false;
}

int doorway_fd(const struct doorway *l) {
  return l->wake;
}

void doorway_destroy(struct doorway **doorway) {
  struct doorway *l = *doorway;
  if (!l) return;
  drop_outgoing(l);
  if (l->wake >= 0) close(l->wake);
  pthread_mutex_destroy(&l->lock);
  if (l->socket) zmq_close(l->socket);
  if (l->context) zmq_ctx_term(l->context);
  free(l);
  *doorway = NULL;
}

void *doorway_socket(struct doorway *l) {
  return l->socket;
}

void doorway_mail_close(doorway_mail *mail) {
  for (size_t i = 0; i < mail->n; i++)
    zmq_msg_close(&mail->parts[i]);
  mail->n = 0;
}

static bool more(void *socket) {
  int value = 0;
  size_t size = sizeof value;
  return zmq_getsockopt(socket, ZMQ_RCVMORE, &value, &size) == 0 && value;
}

/* Reads one whole message; parts past the third are dropped with it. */
static bool read_parts(struct doorway *l, doorway_mail *mail, bool *fits) {
  zmq_msg_t head;
  zmq_msg_init(&head);
  mail->n = 0;
  if (zmq_msg_recv(&head, l->socket, ZMQ_DONTWAIT) < 0) {
    zmq_msg_close(&head);
    return false;
  }
  *fits = channel_head_read((cor_bytes){zmq_msg_data(&head), zmq_msg_size(&head)}, &mail->head);
  zmq_msg_close(&head);
  while (more(l->socket)) {
    zmq_msg_t part;
    zmq_msg_init(&part);
    if (zmq_msg_recv(&part, l->socket, ZMQ_DONTWAIT) < 0) break;
    l->taken += zmq_msg_size(&part);
    if (mail->n < COR_FRAMES_MAX) {
      zmq_msg_init(&mail->parts[mail->n]);
      zmq_msg_move(&mail->parts[mail->n++], &part);
    } else {
      *fits = false;
    }
    zmq_msg_close(&part);
  }
  return true;
}

bool doorway_take(struct doorway *l, doorway_mail *mail, bool *door_changed) {
  bool fits = false;
  *door_changed = false;
  while (read_parts(l, mail, &fits)) {
    if (fits && mail->head.kind == CHANNEL_DOOR_UP) {
      *door_changed = mail->head.number != atomic_exchange(&l->door, mail->head.number);
      l->pulsed_at = 0;                          /* answer at once */
      if (*door_changed) l->taken = l->told = 0; /* its count begins anew */
      if (*door_changed) drop_outgoing(l);
      if (*door_changed) COR_LOG(l->log, COR_INFO, "door-up");
    }
    if (fits) return true;
    COR_LOG(l->log, COR_ALARM, "channel-message-malformed");
    doorway_mail_close(mail);
  }
  return false;
}

static bool send_head(struct doorway *l, const channel_head *head, bool more_follow) {
  uint8_t bytes[CHANNEL_HEAD_MAX];
  size_t len = channel_head_write(head, bytes);
  return zmq_send(l->socket, bytes, len, ZMQ_DONTWAIT | (more_follow ? ZMQ_SNDMORE : 0)) >= 0;
}

void doorway_pulse(struct doorway *l) {
  int64_t now = cor_clock_monotonic_ms();
  if (l->pulsed_at == 0 || now - l->pulsed_at >= PULSE_MS) {
    l->pulsed_at = now;
    (void)send_head(l, &(channel_head){.kind = CHANNEL_CORE_UP, .number = l->generation}, false);
    l->told = 0;
  }
  if (l->taken != l->told && (l->taken - l->told >= TAKEN_STEP || l->told == 0 || l->pulsed_at == now)) {
    if (send_head(l, &(channel_head){.kind = CHANNEL_TAKEN, .number = l->taken}, false)) l->told = l->taken;
  }
}

bool doorway_keys(struct doorway *l, const cor_cards *cards, int64_t now) {
  const Corridor__V1__CardList *list = cards ? cor_cards_list(cards) : NULL;
  size_t n = list ? list->n_cards : 0, len = 0;
  uint8_t *bytes = malloc(n * (COR_CURVE_LEN + 1 + COR_OFFICE_MAX) + 1);
  if (!bytes) abort();
  for (size_t i = 0; i < n; i++) {
    const Corridor__V1__Card *card = list->cards[i];
    /* A suspended office may still connect: it is told why, and gets notices. */
    int standing = cor_cards_standing(cards, card->office, now);
    if (card->role == CORRIDOR__V1__ROLE__ROLE_HUB || (standing != COR_OK && standing != COR_CARD_SUSPENDED))
      continue;
    size_t office = strlen(card->office);
    memcpy(bytes + len, card->curve_key.data, COR_CURVE_LEN);
    bytes[len + COR_CURVE_LEN] = (uint8_t)office;
    memcpy(bytes + len + COR_CURVE_LEN + 1, card->office, office);
    len += COR_CURVE_LEN + 1 + office;
  }
  outgoing *o = outgoing_new(&(channel_head){.kind = CHANNEL_KEYS});
  add_part(o, bytes, len);
  free(bytes);
  return enqueue(l, o);
}

static outgoing *frames_new(uint64_t connection, cor_command command) {
  uint8_t head[2];
  outgoing *o = outgoing_new(&(channel_head){.kind = CHANNEL_SEND, .connection = connection});
  cor_frames_head(command, head);
  add_part(o, head, sizeof head);
  return o;
}

bool doorway_send(struct doorway *l, uint64_t connection, cor_command command,
                  const ProtobufCMessage *control, cor_bytes body) {
  outgoing *o = frames_new(connection, command);
  protobuf_c_message_pack(control, new_part(o, protobuf_c_message_get_packed_size(control)));
  if (body.data) add_part(o, body.data, body.len);
  return enqueue(l, o);
}

bool doorway_send_raw(struct doorway *l, uint64_t connection, cor_command command, cor_bytes control) {
  outgoing *o = frames_new(connection, command);
  add_part(o, control.data, control.len);
  return enqueue(l, o);
}

void doorway_cut(struct doorway *l, uint64_t connection, int code) {
  (void)enqueue(l, outgoing_new(&(channel_head){
                       .kind = CHANNEL_CUT, .connection = connection, .number = (uint64_t)code}));
}
