/* office.c - one office's session with the hub.
 *
 * For: the load. Says what PROTOCOL 2 and 3 allow and nothing else; the keys are
 * the office's own. A BYE, a cut or an unreadable command is fatal: a benchmark
 * of reconnects measures nothing. */
#include "office.h"
#include "corridor/id.h"
#include "corridor/sop.h"
#include "die.h"
#include <corridor/v1/envelope.pb-c.h>
#include <string.h>
#include <zmq.h>

enum { WELCOME_MS = 60000, LINGER_MS = 5000 /* the last receipts still go out */ };

static void set_number(void *socket, int option, int value) {
  if (zmq_setsockopt(socket, option, &value, sizeof value) != 0) die("zmq option", zmq_strerror(errno));
}

static void connect_socket(office *o) {
  o->socket = zmq_socket(o->of->context, ZMQ_DEALER);
  if (!o->socket) die("zmq_socket", zmq_strerror(errno));
  set_number(o->socket, ZMQ_LINGER, LINGER_MS);
  set_number(o->socket, ZMQ_SNDHWM, 0);
  set_number(o->socket, ZMQ_RCVHWM, 0);
  zmq_setsockopt(o->socket, ZMQ_CURVE_SERVERKEY, o->of->hub_key, 41);
  zmq_setsockopt(o->socket, ZMQ_CURVE_PUBLICKEY, o->keys.curve_public, 41);
  zmq_setsockopt(o->socket, ZMQ_CURVE_SECRETKEY, o->keys.curve_secret, 41);
  if (zmq_connect(o->socket, o->of->endpoint) != 0) die("connect", zmq_strerror(errno));
}

/* The load keeps no inbox, but the hub must not take its next start for a store
 * that went backwards (PROTOCOL 3.4): epoch and highest sequence last. */
static FILE *store_file(const office *o, const char *mode) {
  char dir[OFFICE_DIR_MAX], path[OFFICE_DIR_MAX + 16];
  programme_office_dir(o->of->dir, o->keys.id, dir);
  snprintf(path, sizeof path, "%s/bench-store", dir);
  return fopen(path, mode);
}

static void store_read(office *o) {
  FILE *file = store_file(o, "rb");
  const bool there = file && fread(o->epoch, sizeof o->epoch, 1, file) == 1 &&
                     fread(&o->sequence, sizeof o->sequence, 1, file) == 1;
  if (!there) {
    cor_random(o->epoch, sizeof o->epoch);
    o->sequence = 0;
  }
  if (file) fclose(file);
}

static void store_write(const office *o) {
  FILE *file = store_file(o, "wb");
  const bool ok = file && fwrite(o->epoch, sizeof o->epoch, 1, file) == 1 &&
                  fwrite(&o->sequence, sizeof o->sequence, 1, file) == 1;
  if (!file || fclose(file) != 0 || !ok) die("cannot keep the store's mark of", o->keys.id);
}

void office_open(office *o, programme *p, const char *id, uint32_t window) {
  Corridor__V1__Hello hello = CORRIDOR__V1__HELLO__INIT;
  uint32_t version = COR_PROTOCOL;
  char dir[OFFICE_DIR_MAX];
  cor_error err = {0};
  *o = (office){.of = p, .memory = cor_sign_memory_new(16)};
  programme_office_dir(p->dir, id, dir);
  if (!o->memory || !cor_office_load(dir, &o->keys, &err)) die_of(id, &err);
  connect_socket(o);
  store_read(o);
  hello.n_versions = 1;
  hello.versions = &version;
  hello.office = o->keys.id;
  hello.software = "bench";
  hello.store_epoch = (ProtobufCBinaryData){sizeof o->epoch, o->epoch};
  hello.store_sequence = o->sequence;
  hello.card_list = cor_cards_number(p->cards);
  hello.table_version = COR_SOP_VERSION;
  hello.window_messages = window;
  hello.window_bytes = OFFICE_WINDOW_BYTES;
  office_say(o, COR_HELLO, &hello.base, (cor_bytes){0});
}

void office_welcomed(office *o) {
  set_number(o->socket, ZMQ_RCVTIMEO, WELCOME_MS);
  const heard h = office_hear(o, 0);
  if (h.command != COR_WELCOME) die("no WELCOME for", o->keys.id);
  Corridor__V1__Welcome *welcome = (Corridor__V1__Welcome *)office_read(&h,
                                                                        &corridor__v1__welcome__descriptor);
  if (welcome->quarantined) die("the hub quarantines", o->keys.id);
  cor_message_free(&welcome->base);
  set_number(o->socket, ZMQ_RCVTIMEO, -1);
}

void office_close(office *o) {
  if (o->sequence) store_write(o);
  if (o->socket) zmq_close(o->socket);
  cor_sign_memory_destroy(&o->memory);
  for (size_t i = 0; i < o->n_receipts; i++)
    cor_buf_clear(&o->receipts[i]);
  free(o->control.data);
  free(o->body.data);
  cor_office_clear(&o->keys);
  *o = (office){0};
}

int office_fd(const office *o) {
  int fd = -1;
  size_t size = sizeof fd;
  if (zmq_getsockopt(o->socket, ZMQ_FD, &fd, &size) != 0) die("ZMQ_FD", zmq_strerror(errno));
  return fd;
}

static void send_part(office *o, const void *data, size_t len, int flags) {
  if (zmq_send(o->socket, data, len, flags) < 0) die("send", zmq_strerror(errno));
}

void office_say(office *o, cor_command command, const ProtobufCMessage *control, cor_bytes body) {
  uint8_t head[2];
  cor_buf packed = {0};
  cor_error err = {0};
  cor_frames_head(command, head);
  if (!cor_encode(control, &packed, &err)) die_of("encode", &err);
  send_part(o, head, sizeof head, ZMQ_SNDMORE);
  send_part(o, packed.data, packed.len, body.data ? ZMQ_SNDMORE : 0);
  if (body.data) send_part(o, body.data, body.len, 0);
  cor_buf_clear(&packed);
}

void office_submit(office *o, const Corridor__V1__Envelope *envelope, cor_bytes body) {
  Corridor__V1__Submission submission = CORRIDOR__V1__SUBMISSION__INIT;
  submission.n = ++o->said;
  submission.envelope = (Corridor__V1__Envelope *)envelope;
  office_say(o, COR_SEND, &submission.base, body);
}

static void keep(cor_buf *out, size_t *cap, zmq_msg_t *part) {
  const size_t len = zmq_msg_size(part);
  if (len > *cap) {
    out->data = realloc(out->data, len);
    if (!out->data) die("out of memory", NULL);
    *cap = len;
  }
  if (len) memcpy(out->data, zmq_msg_data(part), len);
  out->len = len;
}

heard office_hear(office *o, int flags) {
  zmq_msg_t part;
  heard h = {0};
  o->control.len = o->body.len = 0;
  for (int i = 0, more = 1; more; i++) {
    zmq_msg_init(&part);
    if (zmq_msg_recv(&part, o->socket, i ? 0 : flags) < 0) {
      if (errno == EAGAIN && i == 0) return h;
      die("receive", zmq_strerror(errno));
    }
    if (i == 0 && zmq_msg_size(&part) == 2) h.command = (cor_command)((uint8_t *)zmq_msg_data(&part))[1];
    if (i == 1) keep(&o->control, &o->control_cap, &part);
    if (i == 2) keep(&o->body, &o->body_cap, &part);
    more = zmq_msg_more(&part);
    zmq_msg_close(&part);
  }
  if (h.command == COR_BYE) die("the hub said BYE to", o->keys.id);
  h.control = cor_buf_view(&o->control);
  h.body = cor_buf_view(&o->body);
  return h;
}

ProtobufCMessage *office_read(const heard *h, const ProtobufCMessageDescriptor *type) {
  cor_error err = {0};
  ProtobufCMessage *m = cor_decode(type, h->control, COR_CONTROL_MAX, false, &err);
  if (!m) die_of(type->name, &err);
  return m;
}
