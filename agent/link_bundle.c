/* link_bundle.c - several of the hub's notices that came as one message.
 *
 * Guarantees: each notice in a bundle is filed and applied as if it had come
 * alone: a row of its own in the inbox, under its own id, type and handle, where
 * the message it is about stands; nothing shows what shared a bundle with it. All
 * of it happens in the transaction that keeps the bundle, once. A part that no
 * notice could be (another type, a bad id, bytes that are not canonical) or whose
 * id was seen before is skipped, and an alarm; the others stand. Trusts the bundle
 * as verified. The hub's signature is kept with the bundle; a part's row has the
 * header it would have had, unsigned. */
#include "link_internal.h"

#include "corridor/codec.h"
#include "corridor/id.h"
#include "corridor/refusal.h"

#include <string.h>

typedef struct part {
  Corridor__V1__Header header; /* borrows from the bundle's header and from the part */
  uint8_t body_hash[COR_HASH_LEN];
  ProtobufCMessage *notice;
  store_message message;
} part;

static void part_clear(part *p) {
  cor_message_free(p->notice);
  cor_buf_clear(&p->message.envelope);
  cor_buf_clear(&p->message.body);
}

static bool may_share(Corridor__V1__MessageType type) {
  return type == COR_T(END_NOTICE) || type == COR_T(OBLIGATION_NOTICE);
}

/* NULL: not a notice. */
static ProtobufCMessage *read_notice(const Corridor__V1__BundledNotice *in, cor_error *why) {
  if (!may_share(in->type) || !cor_id_is_uuid7(cor_bytes_of(in->notice_id)) || in->handle.len != COR_ID_LEN ||
      (in->in_reply_to.len != 0 && in->in_reply_to.len != COR_ID_LEN)) {
    (void)cor_fail(why, COR_BAD_INPUT, "notices", "not a notice that may share a bundle; it was not taken");
    return NULL;
  }
  return cor_decode(cor_sop_body(in->type, COR_C(RECORD)), cor_bytes_of(in->body), COR_CONTROL_MAX, true,
                    why);
}

static void fill_header(part *p, const Corridor__V1__Header *bundle, const Corridor__V1__BundledNotice *in) {
  const cor_bytes body = cor_bytes_of(in->body);
  cor_sha256(p->body_hash, &body, 1);
  p->header = *bundle;
  p->header.message_id = in->notice_id;
  p->header.handle = in->handle;
  p->header.in_reply_to = in->in_reply_to;
  p->header.type = in->type;
  p->header.body_size = in->body.len;
  p->header.body_sha256 = (ProtobufCBinaryData){sizeof p->body_hash, p->body_hash};
}

static bool fill_message(part *p, const store_message *bundle, cor_error *err) {
  Corridor__V1__Envelope wire = CORRIDOR__V1__ENVELOPE__INIT;
  store_message *m = &p->message;
  cor_buf header;
  *m = (store_message){.type = (int)p->header.type,
                       .compartment = bundle->compartment,
                       .sent_at = bundle->sent_at,
                       .settled_at = bundle->settled_at,
                       .receipt = {(uint8_t *)"", 0}}; /* the bundle has the one that was given */
  memcpy(m->id, p->header.message_id.data, COR_ID_LEN);
  memcpy(m->handle, p->header.handle.data, COR_ID_LEN);
  memcpy(m->peer, bundle->peer, sizeof m->peer);
  if (!cor_encode(&p->header.base, &header, err)) return false;
  cor_content_hash(COR_DOMAIN_HEADER, cor_buf_view(&header), m->header_hash);
  wire.header = (ProtobufCBinaryData){header.len, header.data};
  bool ok = cor_encode(&wire.base, &m->envelope, err) &&
            cor_encode(p->notice, &m->body, err); /* canonical: the same bytes again */
  cor_buf_clear(&header);
  return ok;
}

static bool keep_part(agent_link *l, const cor_cards *cards, part *p, uint64_t sequence, size_t *ordinary,
                      cor_error *err) {
  cor_buf receipt = {0};
  bool ok = true;
  switch (link_notice_put(l, p->notice, &p->message, sequence, &receipt, err)) {
  case STORE_TAKE_NEW:
    if (!(COR_BIT(p->message.compartment) & COR_RESTRICTED)) ++*ordinary;
    ok = link_notice_apply(l, cards, &p->header, p->notice, err);
    break;
  case STORE_TAKE_AGAIN:
  case STORE_TAKE_CONFLICT:
    link_count(l, LINK_CONFLICTS);
    COR_LOG(l->a->log, COR_ALARM, "notice-told-twice", COR_ID("message", p->message.id));
    break;
  default: ok = false;
  }
  cor_buf_clear(&receipt);
  return ok;
}

bool link_bundle_apply(agent_link *l, const cor_cards *cards, const Corridor__V1__Header *header,
                       const Corridor__V1__NoticeBundle *bundle, const store_message *kept, uint64_t sequence,
                       size_t *ordinary, cor_error *err) {
  bool ok = true;
  *ordinary = 0;
  for (size_t i = 0; ok && i < bundle->n_notices; i++) {
    cor_error why;
    part p = {.notice = read_notice(bundle->notices[i], &why)};
    if (p.notice == NULL) {
      link_count(l, LINK_REJECTED);
      COR_LOG(l->a->log, COR_ALARM, "notice-rejected", COR_ID("bundle", kept->id), COR_NUM("part", i),
              COR_CODE(why.code), COR_WORD("field", why.path));
      continue;
    }
    fill_header(&p, header, bundle->notices[i]);
    ok = fill_message(&p, kept, err) && keep_part(l, cards, &p, sequence, ordinary, err);
    part_clear(&p);
  }
  return ok;
}
