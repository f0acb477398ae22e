/* alone.c - a core without its door and its other threads.
 *
 * For: race.c and core_alone.c, which call the broker's rooms in their own order.
 * Guarantees: the core is the real one, as core.c opens it, on the cluster's own
 * database; nothing happens in it but what the program calls. Trusts the cluster
 * that the tests made. Fatal: anything that fails. */
#include "alone.h"
#include "corridor/codec.h"
#include "doorway.h"
#include "registry.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POLLS = 50, POLL_MS = 1000 };

void alone_die(const char *what, const cor_error *err) {
  fprintf(stderr, "%s: %s: %s %s\n", program_invocation_short_name, what, err ? err->path : "",
          err ? err->detail : "");
  exit(1);
}

/* Until the core knows of a door it sends nothing. */
static void door_open(core *c, alone_door *door, const char *endpoint) {
  uint8_t up[CHANNEL_HEAD_MAX];
  const size_t len = channel_head_write(&(channel_head){.kind = CHANNEL_DOOR_UP, .number = 1}, up);
  doorway_mail mail = {0};
  bool known = false;
  door->context = zmq_ctx_new();
  door->socket = zmq_socket(door->context, ZMQ_DEALER);
  zmq_setsockopt(door->socket, ZMQ_LINGER, &(int){0}, sizeof(int));
  if (zmq_connect(door->socket, endpoint) != 0 || zmq_send(door->socket, up, len, 0) < 0)
    alone_die("door", NULL);
  zmq_pollitem_t item = {.socket = doorway_socket(c->doorway), .events = ZMQ_POLLIN};
  for (int i = 0; !known && i < POLLS && zmq_poll(&item, 1, POLL_MS) >= 0; i++)
    if (doorway_take(c->doorway, &mail, &known)) doorway_mail_close(&mail);
  if (!known) alone_die("door", NULL);
}

void alone_open(core *c, alone_door *door, const char *name, const char *conninfo, const char *folder,
                const char *clock_file) {
  cor_error err = {0};
  char path[512], keys[512];
  bool changed;
  snprintf(keys, sizeof keys, "%s/hub/keys", folder);
  snprintf(path, sizeof path, "ipc://%s/hub/core/%s", folder, name);
  if (!(c->clock = cor_clock_demo(clock_file, &err))) alone_die("clock", &err);
  c->log = cor_log_new(name, c->clock, COR_WARN);
  if (!core_open(c, keys, conninfo, &err) || !(c->doorway = doorway_new(path, c->log, &err)))
    alone_die("core", &err);
  snprintf(c->broker, sizeof c->broker, "%s", name);
  door_open(c, door, path);
  if (!db_ready(c->db) || !core_prepare(c) || !registry_refresh(c, &changed) || !c->cards)
    alone_die("database", NULL);
}

void alone_close(core *c, alone_door *door) {
  zmq_close(door->socket);
  core_close(c);
  zmq_ctx_term(door->context);
}

static void add_part(doorway_mail *mail, cor_bytes bytes) {
  zmq_msg_t *part = &mail->parts[mail->n++];
  zmq_msg_init_size(part, bytes.len);
  memcpy(zmq_msg_data(part), bytes.data, bytes.len);
}

parcel *alone_parcel(core *c, const char *office, cor_command command, cor_bytes control, cor_bytes body) {
  uint8_t head[2];
  doorway_mail mail = {.head = {.kind = CHANNEL_MESSAGE}};
  snprintf(mail.head.office, sizeof mail.head.office, "%s", office);
  cor_frames_head(command, head);
  add_part(&mail, (cor_bytes){head, sizeof head});
  add_part(&mail, control);
  if (body.data) add_part(&mail, body);
  parcel *p = parcel_new(&mail, false);
  parcel_inspect(p, c->cards, c->gate_epoch, c->memory);
  return p;
}
