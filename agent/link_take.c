/* link_take.c - deliveries: verified, kept once, receipted.
 *
 * Guarantees: a delivery whose envelope is not canonical, not for this office,
 * not signed by its sender, or signed when the sender's key was in other hands as
 * our card list has it, is neither kept nor receipted, and is an alarm. A receipt leaves
 * only after the COMMIT that holds both the message and the receipt itself, so a
 * crash in between loses neither: the hub delivers again, and the answer is the
 * receipt that is already on disk, byte for byte. What is gathered is committed
 * at once, and its receipts bear one signature (PROTOCOL 5). Signed is only what
 * this transaction keeps: who holds the other receipts of a signature could make
 * out the one that was not sent. A full disk receipts nothing and keeps the
 * session for what goes out. */
#include "link_internal.h"

#include "corridor/calendar.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"

#include <string.h>

typedef struct taken {
  Corridor__V1__Delivery *delivery;
  cor_envelope envelope;
  ProtobufCMessage *notice; /* decoded body of a hub notice, else NULL */
  store_message message;    /* borrows nothing: all buffers its own */
  bool good;                /* verified: to be kept, unless the store has it */
  cor_buf content;          /* of its receipt, to be signed */
  cor_buf receipt;          /* to send; empty = none */
  size_t ordinary;          /* of a bundle: notices in it to count as received */
} taken;

static bool is_bundle(const taken *t) {
  return t->message.type == COR_T(NOTICE_BUNDLE);
}

static void taken_clear(taken *t) {
  cor_envelope_clear(&t->envelope);
  cor_message_free(t->notice);
  if (t->delivery != NULL) cor_message_free(&t->delivery->base);
  store_message_clear(&t->message);
  cor_buf_clear(&t->content);
  cor_buf_clear(&t->receipt);
}

/* ---- before the transaction: is it true, and for us? ---- */

static bool write_content(agent_link *l, taken *t, cor_error *err) {
  Corridor__V1__DeliveryReceipt receipt = CORRIDOR__V1__DELIVERY_RECEIPT__INIT;
  receipt.message_id = t->envelope.header->message_id;
  receipt.recipient = l->a->office.id;
  receipt.header_hash = (ProtobufCBinaryData){COR_HASH_LEN, t->envelope.header_hash};
  receipt.received_at = t->message.settled_at;
  receipt.sequence = t->delivery->sequence;
  return cor_encode(&receipt.base, &t->content, err);
}

/* An ABN admitted after its latest day is late, here as at the hub. */
static bool is_late(const cor_cards *cards, const taken *t) {
  const Corridor__V1__Header *h = t->envelope.header;
  const cor_card *sender = cor_cards_find(cards, h->sender);
  if (h->type != COR_T(ABN) || sender == NULL) return false;
  const Corridor__V1__Calendar *calendar = cor_cards_calendar(cards, sender->card->country);
  return t->delivery->admitted_at >
         cor_duty_due(COR_DUTY_ABN_NOTICE, calendar, t->delivery->admitted_at, h->event_at);
}

static bool verified(agent_link *l, const cor_cards *cards, const cor_frames *frames, taken *t,
                     cor_error *err) {
  t->delivery = (Corridor__V1__Delivery *)cor_decode(&corridor__v1__delivery__descriptor, frames->control,
                                                     COR_CONTROL_MAX, false, err);
  if (t->delivery == NULL) return false;
  if (t->delivery->envelope == NULL || t->delivery->envelope->cover.len != 0)
    return cor_fail(err, COR_BAD_INPUT, "envelope", "a delivery carries an envelope and never a cover");
  if (!cor_envelope_read(t->delivery->envelope, frames->body, &t->envelope, err)) return false;
  const Corridor__V1__Header *h = t->envelope.header;
  if (strcmp(h->recipient, l->a->office.id) != 0)
    return cor_fail(err, COR_NOT_YOUR_NAME, "recipient", "the delivery is for another office");
  const cor_sop_row *row = cor_sop_find(h->type);
  if ((strcmp(h->sender, "hub") == 0) != row->from_hub)
    return cor_fail(err, COR_ROLE_NOT_ALLOWED, "sender", "notices come from the hub, and only they do");
  if (!cor_envelope_verify(&t->envelope, cards, NULL, l->memory, err)) return false;
  /* The hub's to judge, and not left to the hub. */
  if (cor_cards_stood(cards, h->sender, h->sent_at, t->delivery->admitted_at) != COR_OK)
    return cor_fail(err, COR_CARD_REVOKED, "sender",
                    "the sender's keys were in other hands when this was admitted; it was not taken");
  if (!row->from_hub) return true;
  t->notice = cor_decode(cor_sop_body(h->type, h->compartment), frames->body, COR_CONTROL_MAX, true, err);
  return t->notice != NULL;
}

static bool fill_message(agent_link *l, const cor_cards *cards, taken *t, cor_error *err) {
  const Corridor__V1__Header *h = t->envelope.header;
  store_message *m = &t->message;
  *m = (store_message){.type = (int)h->type,
                       .compartment = (int)h->compartment,
                       .outcome = (int)h->outcome,
                       .sent_at = h->sent_at,
                       .settled_at = cor_clock_now(l->a->clock),
                       .late = is_late(cards, t)};
  memcpy(m->id, h->message_id.data, COR_ID_LEN);
  memcpy(m->handle, h->handle.data, COR_ID_LEN);
  memcpy(m->header_hash, t->envelope.header_hash, COR_HASH_LEN);
  memcpy(m->peer, h->sender, strlen(h->sender) + 1); /* a valid office id: the header was checked */
  store_message_name(m, h);
  return cor_encode(&t->delivery->envelope->base, &m->envelope, err) &&
         cor_buf_copy(&m->body, t->envelope.body, err) && write_content(l, t, err);
}

/* ---- in the transaction ---- */

/* The store would see this one again, as the earlier one of the same batch. */
static bool came_before(const taken *all, size_t i) {
  for (size_t j = 0; j < i; j++)
    if (all[j].good && strcmp(all[j].message.peer, all[i].message.peer) == 0 &&
        memcmp(all[j].message.id, all[i].message.id, COR_ID_LEN) == 0)
      return true;
  return false;
}

/* Those the store will take as new. */
static bool find_new(agent_link *l, taken *all, size_t n, taken *fresh[LINK_BATCH_MAX], size_t *n_fresh,
                     cor_error *err) {
  for (size_t i = 0; i < n; i++) {
    if (!all[i].good || came_before(all, i)) continue;
    const store_taken is = store_in_look(l->a->store, &all[i].message, err);
    if (is == STORE_TAKE_ERROR) return false;
    if (is == STORE_TAKE_NEW) fresh[(*n_fresh)++] = &all[i];
  }
  return true;
}

static bool sign_receipts(agent_link *l, taken *all, size_t n, cor_error *err) {
  taken *fresh[LINK_BATCH_MAX];
  cor_bytes contents[LINK_BATCH_MAX];
  Corridor__V1__Signature *signatures[LINK_BATCH_MAX];
  size_t n_fresh = 0;
  if (!find_new(l, all, n, fresh, &n_fresh, err)) return false;
  if (n_fresh == 0) return true;
  for (size_t i = 0; i < n_fresh; i++)
    contents[i] = cor_buf_view(&fresh[i]->content);
  if (!cor_sign(l->a->office.signing, COR_DOMAIN_DELIVERY, l->a->office.id, 0, contents, n_fresh, signatures,
                err))
    return false;
  bool ok = true;
  for (size_t i = 0; i < n_fresh; i++) {
    Corridor__V1__SignedContent out = CORRIDOR__V1__SIGNED_CONTENT__INIT;
    out.content = (ProtobufCBinaryData){fresh[i]->content.len, fresh[i]->content.data};
    out.signature = signatures[i];
    ok = ok && cor_encode(&out.base, &fresh[i]->message.receipt, err);
    cor_message_free(&signatures[i]->base);
  }
  return ok;
}

static bool note_case(agent_link *l, const taken *t, cor_error *err) {
  const Corridor__V1__Header *h = t->envelope.header;
  const cor_sop_row *row = cor_sop_find(h->type);
  store_case c;
  if (row->from_hub) return true;
  store_found found = store_case_get(l->a->store, t->message.handle, &c, err);
  if (found == STORE_ERROR) return false;
  if (found == STORE_ABSENT) {
    c = (store_case){.kind = row->handle};
    memcpy(c.handle, t->message.handle, COR_ID_LEN);
    memcpy(c.case_handle, t->message.handle, COR_ID_LEN);
  }
  if (!(COR_BIT(h->compartment) & COR_RESTRICTED)) {
    c.last_type = (int)h->type;
    if (c.since == 0) c.since = t->message.settled_at;
    /* Nor does what others here send stand on a consent they never saw. */
    if (h->consent_id.len == COR_ID_LEN) {
      c.has_last_consent = true;
      memcpy(c.last_consent, h->consent_id.data, COR_ID_LEN);
    }
  }
  return store_case_put(l->a->store, &c, err);
}

static store_taken put(agent_link *l, taken *t, cor_error *err) {
  const uint64_t sequence = t->delivery->sequence;
  if (is_bundle(t)) return store_unlisted_put(l->a->store, &t->message, sequence, &t->receipt, err);
  if (t->notice == NULL) return store_in_put(l->a->store, &t->message, sequence, &t->receipt, err);
  return link_notice_put(l, t->notice, &t->message, sequence, &t->receipt, err);
}

static bool apply(agent_link *l, const cor_cards *cards, taken *t, cor_error *err) {
  const Corridor__V1__Header *h = t->envelope.header;
  if (is_bundle(t))
    return link_bundle_apply(l, cards, h, (const Corridor__V1__NoticeBundle *)t->notice, &t->message,
                             t->delivery->sequence, &t->ordinary, err);
  return note_case(l, t, err) && (t->notice == NULL || link_notice_apply(l, cards, h, t->notice, err));
}

static bool keep(agent_link *l, const cor_cards *cards, taken *t, cor_error *err) {
  const uint8_t *id = t->message.id;
  switch (put(l, t, err)) {
  case STORE_TAKE_NEW: return apply(l, cards, t, err);
  case STORE_TAKE_AGAIN:
    /* What is in a bundle is nobody's to guess from a number. */
    if (!is_bundle(t)) link_count_message(l, LINK_REDELIVERED, t->message.compartment);
    COR_LOG(l->a->log, COR_INFO, "delivered-again", COR_ID("message", id));
    return true;
  case STORE_TAKE_CONFLICT:
    link_count(l, LINK_CONFLICTS);
    COR_LOG(l->a->log, COR_ALARM, "delivery-conflict", COR_ID("message", id),
            COR_WORD("sender", t->message.peer));
    return true; /* kept neither; no receipt: t->receipt is empty */
  default: return false;
  }
}

/* Everywhere in the agent the store is taken before the roster. */
static bool keep_all(agent_link *l, taken *all, size_t n, cor_error *err) {
  bool ok = true;
  if (!store_begin(l->a->store, err)) return false;
  const cor_cards *cards = roster_hold(l->a->roster);
  ok = sign_receipts(l, all, n, err);
  for (size_t i = 0; ok && i < n; i++)
    if (all[i].good) ok = keep(l, cards, &all[i], err);
  roster_release(l->a->roster);
  if (ok) return store_commit(l->a->store, err);
  store_rollback(l->a->store);
  return false;
}

/* ---- after it ---- */

static bool send_receipts(agent_link *l, const taken *all, size_t n, cor_error *err) {
  Corridor__V1__Receipts receipts = CORRIDOR__V1__RECEIPTS__INIT;
  Corridor__V1__Credit credit = CORRIDOR__V1__CREDIT__INIT;
  Corridor__V1__SignedContent *list[LINK_BATCH_MAX];
  bool ok = true;
  receipts.receipts = list;
  for (size_t i = 0; ok && i < n; i++) {
    if (all[i].receipt.len == 0) continue;
    list[receipts.n_receipts] = (Corridor__V1__SignedContent *)cor_decode(
        &corridor__v1__signed_content__descriptor, cor_buf_view(&all[i].receipt), COR_HEADER_MAX, true, err);
    ok = list[receipts.n_receipts] != NULL;
    if (!ok) break;
    receipts.n_receipts++;
    /* "through" is cumulative: one that is not durable holds it back. */
    if (all[i].delivery->n == l->through + 1) l->through++;
  }
  credit.through = l->through;
  credit.window_messages = LINK_WINDOW_MESSAGES;
  credit.window_bytes = LINK_WINDOW_BYTES;
  receipts.credit = &credit;
  /* Safe to send: message and receipt were committed with synchronous=FULL. */
  if (ok && receipts.n_receipts > 0)
    ok = link_socket_send(l, COR_RECEIPTS, &receipts.base, (cor_bytes){NULL, 0}, err);
  for (size_t i = 0; i < receipts.n_receipts; i++)
    cor_message_free(&list[i]->base);
  return ok;
}

/* A bundle counts as what is in it. */
static void count_received(agent_link *l, const taken *t) {
  if (t->receipt.len > 0 && !is_bundle(t)) link_count_message(l, LINK_RECEIVED, t->message.compartment);
  for (size_t i = 0; i < t->ordinary; i++)
    link_count(l, LINK_RECEIVED);
}

bool link_take_batch(agent_link *l, cor_error *err) {
  taken all[LINK_BATCH_MAX] = {0};
  const size_t n = l->n_batch;
  if (n == 0) return true;
  const cor_cards *cards = roster_hold(l->a->roster);
  for (size_t i = 0; i < n; i++) {
    cor_error why;
    all[i].good = verified(l, cards, &l->batch[i].frames, &all[i], &why) &&
                  fill_message(l, cards, &all[i], &why);
    if (all[i].good) continue;
    link_count(l, LINK_REJECTED);
    COR_LOG(l->a->log, COR_ALARM, "delivery-rejected", COR_CODE(why.code), COR_WORD("field", why.path),
            COR_NUM("n", all[i].delivery == NULL ? 0 : all[i].delivery->n));
  }
  roster_release(l->a->roster);
  bool ok = keep_all(l, all, n, err);
  if (ok) {
    store_announce(l->a->store);
    for (size_t i = 0; i < n; i++)
      count_received(l, &all[i]);
    ok = send_receipts(l, all, n, err);
  } else if (err->code == COR_DISK_FULL) {
    COR_LOG(l->a->log, COR_ALARM, "delivery-not-kept", COR_CODE(err->code), COR_NUM("messages", n));
    ok = true; /* unreceipted, so the hub keeps them; what is queued can still go out */
  }
  for (size_t i = 0; i < n; i++)
    taken_clear(&all[i]);
  for (size_t i = 0; i < n; i++)
    link_message_clear(&l->batch[i]);
  l->n_batch = l->batch_bytes = 0;
  return ok;
}
