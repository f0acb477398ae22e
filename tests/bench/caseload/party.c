/* party.c - the wire side of one office.
 *
 * For: replay.c. Guarantees: the session rules of PROTOCOL.md 3 as a strict peer
 * keeps them: numbers from 1, never beyond the hub's window, a receipt for every
 * delivery, batches of at most 64. Trusts the hub's framing as far as a test may:
 * anything that does not parse ends the run. */
#include "party.h"
#include "corridor/clock.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include "corridor/sign.h"
#include <stdlib.h>
#include <string.h>

enum { DELIVERY_WINDOW = 256, PREFIX_MAX = 24 };
#define DELIVERY_BYTES (UINT64_C(8) * 1024 * 1024)

static void send_frames(party *p, cor_command command, const void *control, size_t len, const cor_buf *body) {
  uint8_t head[2];
  cor_frames_head(command, head);
  zmq_send(p->socket, head, sizeof head, ZMQ_SNDMORE);
  zmq_send(p->socket, control, len, body ? ZMQ_SNDMORE : 0);
  if (body) zmq_send(p->socket, body->data, body->len, 0);
}

static bool send_message(party *p, cor_command command, const ProtobufCMessage *message, cor_error *err) {
  cor_buf packed = {0};
  bool ok = cor_encode(message, &packed, err);
  if (ok) send_frames(p, command, packed.data, packed.len, NULL);
  cor_buf_clear(&packed);
  return ok;
}

bool party_open(party *p, void *context, const char *endpoint, const char *hub_key, uint64_t card_list,
                cor_error *err) {
  Corridor__V1__Hello hello = CORRIDOR__V1__HELLO__INIT;
  uint32_t version = COR_PROTOCOL;
  uint8_t epoch[COR_ID_LEN];
  int none = 0;
  p->socket = zmq_socket(context, ZMQ_DEALER);
  if (!p->socket || zmq_setsockopt(p->socket, ZMQ_LINGER, &none, sizeof none) != 0 ||
      zmq_setsockopt(p->socket, ZMQ_SNDHWM, &none, sizeof none) != 0 ||
      zmq_setsockopt(p->socket, ZMQ_RCVHWM, &none, sizeof none) != 0 ||
      zmq_setsockopt(p->socket, ZMQ_CURVE_SERVERKEY, hub_key, strlen(hub_key)) != 0 ||
      zmq_setsockopt(p->socket, ZMQ_CURVE_PUBLICKEY, p->office->keys.curve_public, 40) != 0 ||
      zmq_setsockopt(p->socket, ZMQ_CURVE_SECRETKEY, p->office->keys.curve_secret, 40) != 0 ||
      zmq_connect(p->socket, endpoint) != 0)
    return cor_fail(err, COR_INTERNAL, "connect", "%s: %s", endpoint, zmq_strerror(zmq_errno()));
  cor_random(epoch, sizeof epoch);
  hello.n_versions = 1;
  hello.versions = &version;
  hello.office = p->office->keys.id;
  hello.software = "caseload";
  hello.store_epoch = (ProtobufCBinaryData){sizeof epoch, epoch};
  hello.card_list = card_list;
  hello.table_version = COR_SOP_VERSION;
  hello.window_messages = DELIVERY_WINDOW;
  hello.window_bytes = DELIVERY_BYTES;
  return send_message(p, COR_HELLO, &hello.base, err);
}

void party_close(party *p) {
  for (size_t i = 0; i < p->n_owed; i++)
    cor_buf_clear(&p->owed[i].content);
  if (p->socket) zmq_close(p->socket);
  p->socket = NULL;
}

/* ---- receiving ---- */

void arrival_close(arrival *a) {
  for (size_t i = 0; i < a->n; i++)
    zmq_msg_close(&a->parts[i]);
  a->n = 0;
}

bool party_receive(party *p, arrival *out) {
  cor_bytes bytes[COR_FRAMES_MAX];
  cor_frames frames;
  cor_error err;
  out->n = 0;
  out->command = 0;
  do {
    zmq_msg_init(&out->parts[out->n]);
    if (zmq_msg_recv(&out->parts[out->n], p->socket, ZMQ_DONTWAIT) < 0) {
      zmq_msg_close(&out->parts[out->n]);
      return false;
    }
    bytes[out->n] = (cor_bytes){zmq_msg_data(&out->parts[out->n]), zmq_msg_size(&out->parts[out->n])};
    out->n++;
  } while (out->n < COR_FRAMES_MAX && zmq_msg_more(&out->parts[out->n - 1]));
  if (cor_frames_check(bytes, out->n, false, &frames, &err)) {
    out->command = frames.command;
    out->control = frames.control;
    out->body = frames.body;
  }
  return true;
}

/* ---- sending ---- */

void party_queue(party *p, letter *l) {
  l->queued = NULL;
  if (p->last)
    p->last->queued = l;
  else
    p->first = l;
  p->last = l;
}

bool party_may_send(const party *p) {
  return p->open && p->first && p->unanswered < p->window &&
         p->unanswered_bytes + p->first->body.len <= p->window_bytes;
}

static size_t put_varint(uint8_t *out, uint64_t value) {
  size_t n = 0;
  for (; value >= 0x80; value >>= 7)
    out[n++] = (uint8_t)(value | 0x80);
  out[n++] = (uint8_t)value;
  return n;
}

/* Submission{n, envelope} around the envelope's bytes as they were packed. */
size_t party_send(party *p) {
  uint8_t control[COR_CONTROL_MAX];
  letter *l = p->first;
  p->first = l->queued;
  if (!p->first) p->last = NULL;
  p->sent[++p->n % PARTY_WINDOW] = l;
  p->unanswered++;
  p->unanswered_bytes += l->body.len;
  size_t len = 0;
  control[len++] = 1 << 3;
  len += put_varint(control + len, p->n);
  control[len++] = 2 << 3 | 2;
  len += put_varint(control + len, l->envelope.len);
  if (len > PREFIX_MAX || l->envelope.len > sizeof control - PREFIX_MAX)
    abort(); /* bounded by our own plan */
  memcpy(control + len, l->envelope.data, l->envelope.len);
  len += l->envelope.len;
  send_frames(p, COR_SEND, control, len, &l->body);
  return len + l->body.len;
}

/* ---- receipts ---- */

bool party_owe(party *p, const Corridor__V1__Delivery *delivery, const Corridor__V1__Header *header,
               const uint8_t *header_hash, letter *l, int64_t now, cor_error *err) {
  Corridor__V1__DeliveryReceipt receipt = CORRIDOR__V1__DELIVERY_RECEIPT__INIT;
  receipt.message_id = header->message_id;
  receipt.recipient = p->office->keys.id;
  receipt.header_hash = (ProtobufCBinaryData){COR_HASH_LEN, (uint8_t *)header_hash};
  receipt.received_at = now;
  receipt.sequence = delivery->sequence;
  if (p->n_owed == 0) p->owed_since = cor_clock_monotonic_ms();
  owed *one = &p->owed[p->n_owed];
  *one = (owed){.letter = l};
  if (!cor_encode(&receipt.base, &one->content, err)) return false;
  p->n_owed++;
  return true;
}

bool party_flush(party *p, cor_error *err) {
  Corridor__V1__Receipts receipts = CORRIDOR__V1__RECEIPTS__INIT;
  Corridor__V1__SignedContent list[PARTY_RECEIPTS], *pointers[PARTY_RECEIPTS];
  Corridor__V1__Signature *signatures[PARTY_RECEIPTS] = {NULL};
  cor_bytes contents[PARTY_RECEIPTS];
  for (size_t i = 0; i < p->n_owed; i++)
    contents[i] = cor_buf_view(&p->owed[i].content);
  bool ok = cor_sign(p->office->keys.signing, COR_DOMAIN_DELIVERY, p->office->keys.id, 0, contents, p->n_owed,
                     signatures, err);
  for (size_t i = 0; i < p->n_owed; i++) {
    corridor__v1__signed_content__init(&list[i]);
    list[i].content = (ProtobufCBinaryData){contents[i].len, (uint8_t *)contents[i].data};
    list[i].signature = signatures[i];
    pointers[i] = &list[i];
  }
  receipts.n_receipts = p->n_owed;
  receipts.receipts = pointers;
  ok = ok && send_message(p, COR_RECEIPTS, &receipts.base, err);
  for (size_t i = 0; i < p->n_owed; i++) {
    cor_message_free((ProtobufCMessage *)signatures[i]);
    cor_buf_clear(&p->owed[i].content);
  }
  p->n_owed = 0;
  return ok;
}
