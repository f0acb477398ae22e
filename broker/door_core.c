/* door_core.c - generations, the window, and whole messages to and from the core.
 *
 * Guarantees: no more than CHANNEL_BYTES_MAX (and one message) is with the core
 * untaken; nothing is queued for a core that is not there (ZMQ_IMMEDIATE), so a
 * new core never gets an old one's messages unseen. What is lost here was never
 * acknowledged: the agent sends it again.
 * Trusts: the core, whose socket lies in a directory only the hub may enter.
 * Parts of unknown shape are dropped all the same. Fatal: nothing. */
#include "door_core.h"
#include "corridor/refusal.h"
#include <string.h>

enum { CHANNEL_SEND_HWM = 2048 };

bool door_core_open(door_core *core, void *context, const char *endpoint, cor_error *err) {
  const struct {
    int option, value;
  } numbers[] = {{ZMQ_IMMEDIATE, 1},
                 {ZMQ_LINGER, 200},
                 {ZMQ_SNDHWM, CHANNEL_SEND_HWM},
                 {ZMQ_RECONNECT_IVL, 50},
                 {ZMQ_RECONNECT_IVL_MAX, 500}};
  memset(core, 0, sizeof *core);
  while (core->door_generation == 0)
    cor_random((uint8_t *)&core->door_generation, sizeof core->door_generation);
  core->socket = zmq_socket(context, ZMQ_DEALER);
  bool ok = core->socket != NULL;
  for (size_t i = 0; ok && i < sizeof numbers / sizeof *numbers; i++)
    ok = zmq_setsockopt(core->socket, numbers[i].option, &numbers[i].value, sizeof numbers[i].value) == 0;
  size_t size = sizeof core->fd;
  ok = ok && zmq_connect(core->socket, endpoint) == 0 &&
       zmq_getsockopt(core->socket, ZMQ_FD, &core->fd, &size) == 0;
  if (!ok) {
    (void)cor_fail(err, COR_BAD_INPUT, "core", "cannot use this endpoint: %s", zmq_strerror(zmq_errno()));
    door_core_close(core);
  }
  return ok;
}

void door_core_close(door_core *core) {
  if (core->socket != NULL) zmq_close(core->socket);
  core->socket = NULL;
}

static bool has_event(const door_core *core, int event) {
  int events = 0;
  size_t size = sizeof events;
  return zmq_getsockopt(core->socket, ZMQ_EVENTS, &events, &size) == 0 && (events & event);
}

bool door_core_pending(const door_core *core) {
  return has_event(core, ZMQ_POLLIN);
}

uint64_t door_core_untaken(const door_core *core) {
  return core->sent > core->taken ? core->sent - core->taken : 0;
}

bool door_core_ready(const door_core *core) {
  return core->core_generation != 0 && door_core_untaken(core) < CHANNEL_BYTES_MAX &&
         has_event(core, ZMQ_POLLOUT);
}

static bool send_head(door_core *core, const channel_head *head, int flags) {
  uint8_t bytes[CHANNEL_HEAD_MAX];
  size_t len = channel_head_write(head, bytes);
  return zmq_send(core->socket, bytes, len, ZMQ_DONTWAIT | flags) >= 0;
}

static bool say_up(door_core *core) {
  return send_head(core, &(channel_head){.kind = CHANNEL_DOOR_UP, .number = core->door_generation}, 0);
}

void door_core_announce(door_core *core, bool repeat) {
  if (core->core_generation != 0 || (core->announced && !repeat) || !has_event(core, ZMQ_POLLOUT)) return;
  core->announced = say_up(core);
}

bool door_core_message(door_core *core, uint64_t connection, const char *office, zmq_msg_t *frames,
                       size_t n) {
  channel_head head = {.kind = CHANNEL_MESSAGE, .connection = connection};
  memcpy(head.office, office, strnlen(office, COR_OFFICE_MAX));
  uint64_t bytes = 0;
  for (size_t i = 0; i < n; i++)
    bytes += zmq_msg_size(&frames[i]);
  bool ok = send_head(core, &head, ZMQ_SNDMORE);
  for (size_t i = 0; ok && i < n; i++)
    ok = zmq_msg_send(&frames[i], core->socket, ZMQ_DONTWAIT | (i + 1 < n ? ZMQ_SNDMORE : 0)) >= 0;
  if (ok) core->sent += bytes;
  return ok;
}

bool door_core_closed(door_core *core, uint64_t connection) {
  return send_head(core, &(channel_head){.kind = CHANNEL_CLOSED, .connection = connection}, 0);
}

/* Keeps the first 1 + COR_FRAMES_MAX parts and drops what follows. */
static bool receive_parts(void *socket, zmq_msg_t *head, door_core_event *out) {
  bool more = true, ok = false;
  for (size_t i = 0; more; i++) {
    zmq_msg_t spare;
    zmq_msg_init(&spare);
    zmq_msg_t *part = i == 0 ? head : i <= COR_FRAMES_MAX ? &out->parts[out->n] : &spare;
    if (part != &spare) zmq_msg_init(part);
    ok = zmq_msg_recv(part, socket, ZMQ_DONTWAIT) >= 0;
    more = ok && zmq_msg_more(part);
    if (part == &spare || (!ok && i > 0))
      zmq_msg_close(part);
    else if (i > 0)
      out->n++;
  }
  return ok;
}

static void note(door_core *core, door_core_event *event) {
  switch (event->head.kind) {
  case CHANNEL_CORE_UP:
    if (event->head.number == core->core_generation) return;
    core->core_generation = event->head.number;
    core->sent = core->taken = 0;
    event->new_generation = true;
    (void)say_up(core);
    return;
  case CHANNEL_TAKEN:
    core->taken = event->head.number;
    /* A core that also served a door before us may still count its bytes. */
    if (core->sent < core->taken) core->sent = core->taken;
    return;
  default: return;
  }
}

bool door_core_next(door_core *core, door_core_event *out) {
  for (;;) {
    zmq_msg_t head;
    out->n = 0;
    out->new_generation = false;
    bool got = receive_parts(core->socket, &head, out);
    bool understood = got &&
                      channel_head_read((cor_bytes){zmq_msg_data(&head), zmq_msg_size(&head)}, &out->head);
    zmq_msg_close(&head);
    if (understood) note(core, out);
    if (understood || !got) return understood;
    door_core_event_clear(out);
  }
}

void door_core_event_clear(door_core_event *event) {
  for (size_t i = 0; i < event->n; i++)
    zmq_msg_close(&event->parts[i]);
  event->n = 0;
}
