/* inbox.c - deliveries at an office of the load.
 *
 * For: end to end. Does what an agent does between the socket and its store:
 * envelope read and verified, receipt signed (all that have come at once under
 * one signature). It does not write to a disk: the recipient's store is in
 * another building, and the peers' consumers keep nothing either. */
#include "inbox.h"
#include "corridor/codec.h"
#include "corridor/envelope.h"
#include "corridor/sop.h"
#include "die.h"
#include <corridor/v1/record.pb-c.h>
#include <string.h>

static void add_receipt(office *o, const cor_envelope *envelope, uint64_t sequence) {
  Corridor__V1__DeliveryReceipt receipt = CORRIDOR__V1__DELIVERY_RECEIPT__INIT;
  cor_error err = {0};
  receipt.message_id = envelope->header->message_id;
  receipt.recipient = o->keys.id;
  receipt.header_hash = (ProtobufCBinaryData){COR_HASH_LEN, (uint8_t *)envelope->header_hash};
  receipt.received_at = cor_clock_now(o->of->clock);
  receipt.sequence = sequence;
  if (o->n_receipts == OFFICE_RECEIPTS_MAX) inbox_receipt(o);
  if (!cor_encode(&receipt.base, &o->receipts[o->n_receipts++], &err)) die_of("receipt", &err);
  if (sequence > o->sequence) o->sequence = sequence;
}

static void read_end(cor_bytes body, inbox_ended ended, void *ctx) {
  cor_error err = {0};
  Corridor__V1__EndNotice *end = (Corridor__V1__EndNotice *)cor_decode(&corridor__v1__end_notice__descriptor,
                                                                       body, COR_CONTROL_MAX, true, &err);
  if (!end) die_of("end notice", &err);
  if (end->state != CORRIDOR__V1__END_STATE__DELIVERED || end->message_id.len != COR_ID_LEN ||
      end->delivery_receipt.len == 0)
    die("a message was not delivered", NULL);
  ended(ctx, end->message_id.data);
  cor_message_free(&end->base);
}

static void read_bundle(cor_bytes body, inbox_ended ended, void *ctx) {
  cor_error err = {0};
  Corridor__V1__NoticeBundle *bundle = (Corridor__V1__NoticeBundle *)cor_decode(
      &corridor__v1__notice_bundle__descriptor, body, COR_CONTROL_MAX, true, &err);
  if (!bundle) die_of("bundle of notices", &err);
  for (size_t i = 0; i < bundle->n_notices; i++)
    if (bundle->notices[i]->type == COR_T(END_NOTICE))
      read_end(cor_bytes_of(bundle->notices[i]->body), ended, ctx);
  cor_message_free(&bundle->base);
}

void inbox_take(office *o, const heard *h, inbox_ended ended, void *ctx) {
  Corridor__V1__Delivery *delivery = (Corridor__V1__Delivery *)office_read(
      h, &corridor__v1__delivery__descriptor);
  cor_envelope envelope = {0};
  cor_error err = {0};
  if (!delivery->envelope || !cor_envelope_read(delivery->envelope, h->body, &envelope, &err) ||
      !cor_envelope_verify(&envelope, o->of->cards, NULL, o->memory, &err))
    die_of("delivery", &err);
  if (strcmp(envelope.header->recipient, o->keys.id) != 0) die("a delivery for another than", o->keys.id);
  add_receipt(o, &envelope, delivery->sequence);
  if (envelope.header->type == COR_T(END_NOTICE)) read_end(h->body, ended, ctx);
  if (envelope.header->type == COR_T(NOTICE_BUNDLE)) read_bundle(h->body, ended, ctx);
  cor_envelope_clear(&envelope);
  cor_message_free(&delivery->base);
}

void inbox_receipt(office *o) {
  Corridor__V1__Receipts all = CORRIDOR__V1__RECEIPTS__INIT;
  Corridor__V1__SignedContent contents[OFFICE_RECEIPTS_MAX], *pointers[OFFICE_RECEIPTS_MAX];
  Corridor__V1__Signature *signatures[OFFICE_RECEIPTS_MAX];
  cor_bytes views[OFFICE_RECEIPTS_MAX];
  const size_t n = o->n_receipts;
  cor_error err = {0};
  if (n == 0) return;
  for (size_t i = 0; i < n; i++)
    views[i] = cor_buf_view(&o->receipts[i]);
  if (!cor_sign(o->keys.signing, COR_DOMAIN_DELIVERY, o->keys.id, 0, views, n, signatures, &err))
    die_of("receipts", &err);
  for (size_t i = 0; i < n; i++) {
    corridor__v1__signed_content__init(&contents[i]);
    contents[i].content = (ProtobufCBinaryData){views[i].len, (uint8_t *)views[i].data};
    contents[i].signature = signatures[i];
    pointers[i] = &contents[i];
  }
  all.n_receipts = n;
  all.receipts = pointers;
  office_say(o, COR_RECEIPTS, &all.base, (cor_bytes){0});
  for (size_t i = 0; i < n; i++) {
    cor_message_free(&signatures[i]->base);
    cor_buf_clear(&o->receipts[i]);
  }
  o->n_receipts = 0;
}
