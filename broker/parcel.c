/* parcel.c - from frames to verified content.
 *
 * For: everything that can be judged without the database: frames, canonical
 * bytes, digests, signatures, the office behind the connection. Guarantees:
 * bounded work and memory per mail; nothing past here sees undecoded input. A
 * submission refused here is answered like any other; a mail that breaks the
 * framing carries the code its connection ends with. Trusts the door for nothing
 * but which connection a frame came from and its office id. Fatal: running out of
 * memory. */
#include "parcel.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include "records.h"
#include <stdlib.h>
#include <string.h>

parcel *parcel_new(doorway_mail *mail, bool door_changed) {
  parcel *p = calloc(1, sizeof *p);
  if (!p) abort();
  p->mail = *mail;
  mail->n = 0; /* moved */
  p->door_changed = door_changed;
  return p;
}

static void forget(parcel *p) {
  cor_envelope_clear(&p->submission.envelope);
  cor_message_free((ProtobufCMessage *)p->submission.wire);
  cor_message_free(p->submission.record);
  cor_buf_clear(&p->submission.receipt);
  for (size_t i = 0; i < p->n_receipts; i++) {
    cor_message_free((ProtobufCMessage *)p->receipts[i].content);
    cor_buf_clear(&p->receipts[i].bytes);
  }
  free(p->receipts);
  cor_message_free((ProtobufCMessage *)p->hello);
  p->submission = (submission){0};
  p->receipts = NULL;
  p->n_receipts = 0;
  p->hello = NULL;
}

void parcel_free(parcel *p) {
  if (!p) return;
  forget(p);
  doorway_mail_close(&p->mail);
  free(p);
}

size_t parcel_size(const parcel *p) {
  size_t bytes = sizeof *p;
  for (size_t i = 0; i < p->mail.n; i++)
    bytes += zmq_msg_size(&p->mail.parts[i]);
  return bytes;
}

/* ---- submissions ---- */

static void refuse(submission *s, const cor_error *err) {
  s->code = err->code;
  snprintf(s->field_text, sizeof s->field_text, "%s", err->path);
  s->field = s->field_text;
  s->settled = true;
}

static bool judge(submission *s, const cor_cards *cards, const char *office, cor_bytes body,
                  cor_sign_memory *memory, cor_error *err) {
  if (!s->wire->envelope) return cor_fail(err, COR_BAD_INPUT, "envelope", "a submission carries an envelope");
  if (!cards) return cor_fail(err, COR_CARD_LIST_EXPIRED, "", "the hub has no card list yet");
  if (!cor_envelope_read(s->wire->envelope, body, &s->envelope, err) ||
      !cor_envelope_verify(&s->envelope, cards, office, memory, err))
    return false;
  s->verified = true; /* from here on a refusal is logged, with what the item names */
  s->item = (facts_item){.header = s->envelope.header, .cover = s->envelope.cover};
  if (cor_sop_find(s->envelope.header->type)->needs_cover && !s->envelope.cover)
    return cor_fail(err, COR_MISSING_FIELD, "cover",
                    "an offer names its case and consent in a cover for the hub");
  return strcmp(s->envelope.header->recipient, "hub") != 0 || record_read(&s->envelope, &s->record, err);
}

static void inspect_submission(parcel *p, const cor_cards *cards, cor_sign_memory *memory) {
  cor_error err = {0};
  submission *s = &p->submission;
  s->wire = (Corridor__V1__Submission *)cor_decode(&corridor__v1__submission__descriptor, p->frames.control,
                                                   COR_CONTROL_MAX, false, &err);
  if (!s->wire) {
    p->code = err.code;
    return;
  }
  s->connection = p->mail.head.connection;
  s->n = s->wire->n;
  s->field = "";
  if (!judge(s, cards, p->mail.head.office, p->frames.body, memory, &err)) refuse(s, &err);
}

/* ---- delivery receipts ---- */

static bool inspect_receipt(const parcel *p, EVP_PKEY *signing,
                            const Corridor__V1__SignedContent *signed_content, cor_sign_memory *memory,
                            delivery_receipt *out) {
  cor_error err = {0};
  const char *office = p->mail.head.office;
  const cor_bytes content = {signed_content->content.data, signed_content->content.len};
  if (!signed_content->signature ||
      !cor_verify(signing, COR_DOMAIN_DELIVERY, office, 0, content, signed_content->signature, memory, &err))
    return false;
  out->content = (Corridor__V1__DeliveryReceipt *)cor_decode(&corridor__v1__delivery_receipt__descriptor,
                                                             content, COR_HEADER_MAX, true, &err);
  out->connection = p->mail.head.connection;
  snprintf(out->office, sizeof out->office, "%s", office);
  return out->content && strcmp(out->content->recipient, office) == 0 &&
         cor_encode(&signed_content->base, &out->bytes, &err);
}

/* A receipt that does not verify is a fault of the agent, not of the message: the
 * connection ends, the delivery stays claimed until its lease runs out. */
static void inspect_receipts(parcel *p, const cor_cards *cards, cor_sign_memory *memory) {
  cor_error err = {0};
  const cor_card *card = cards ? cor_cards_find(cards, p->mail.head.office) : NULL;
  Corridor__V1__Receipts *all = (Corridor__V1__Receipts *)cor_decode(
      &corridor__v1__receipts__descriptor, p->frames.control, COR_CONTROL_MAX, false, &err);
  bool ok = card && all && all->n_receipts <= PARCEL_RECEIPTS_MAX;
  if (ok && all->n_receipts) {
    p->receipts = calloc(all->n_receipts, sizeof *p->receipts);
    if (!p->receipts) abort();
  }
  for (size_t i = 0; ok && i < all->n_receipts; i++)
    ok = inspect_receipt(p, card->signing, all->receipts[i], memory, &p->receipts[p->n_receipts++]);
  cor_message_free((ProtobufCMessage *)all);
  if (!ok) p->code = COR_BAD_SIGNATURE;
}

static void inspect_hello(parcel *p) {
  cor_error err = {0};
  p->hello = (Corridor__V1__Hello *)cor_decode(&corridor__v1__hello__descriptor, p->frames.control,
                                               COR_CONTROL_MAX, false, &err);
  if (!p->hello) p->code = err.code;
}

void parcel_inspect(parcel *p, const cor_cards *cards, int64_t epoch, cor_sign_memory *memory) {
  cor_error err = {0};
  cor_bytes parts[COR_FRAMES_MAX];
  forget(p);
  p->code = COR_OK;
  p->epoch = epoch;
  if (p->mail.head.kind != CHANNEL_MESSAGE) return;
  for (size_t i = 0; i < p->mail.n; i++)
    parts[i] = (cor_bytes){zmq_msg_data(&p->mail.parts[i]), zmq_msg_size(&p->mail.parts[i])};
  if (!cor_frames_check(parts, p->mail.n, true, &p->frames, &err)) {
    p->code = err.code;
    return;
  }
  switch (p->frames.command) {
  case COR_HELLO: inspect_hello(p); break;
  case COR_SEND: inspect_submission(p, cards, memory); break;
  case COR_RECEIPTS: inspect_receipts(p, cards, memory); break;
  default: break;
  }
}
