/* open.c - opening a sealed body for a person who holds its compartment.
 *
 * Guarantees: what the seal repeats must be what the header says; the content passes
 * the same rules the sender's agent applied before a byte of it is shown (design 4);
 * what comes of it is verdict.c's. Plaintext lives in memory for this one request and
 * is zeroed. Trusts the envelope, which was verified when it was taken. */
#include "open.h"
#include "verdict.h"

#include "corridor/codec.h"
#include "corridor/json.h"
#include "corridor/refusal.h"
#include "corridor/seal.h"

#include <string.h>

Corridor__V1__Header *open_header(const store_message *message, cor_error *err) {
  Corridor__V1__Envelope *wire = (Corridor__V1__Envelope *)cor_decode(
      &corridor__v1__envelope__descriptor, cor_buf_view(&message->envelope), COR_CONTROL_MAX, false, err);
  if (wire == NULL) return NULL;
  const cor_bytes bytes = {wire->header.data, wire->header.len};
  Corridor__V1__Header *header = (Corridor__V1__Header *)cor_decode(&corridor__v1__header__descriptor, bytes,
                                                                    COR_HEADER_MAX, true, err);
  cor_message_free(&wire->base);
  return header;
}

bool open_unseal(const store_message *m, const Corridor__V1__Header *header, const held_key *key,
                 cor_buf *content, cor_error *err) {
  Corridor__V1__Sealed *sealed = cor_seal_open(cor_buf_view(&m->body), key->cert, key->key, err);
  bool ok = sealed != NULL && cor_seal_matches(sealed, header, err) &&
            cor_buf_copy(content, (cor_bytes){sealed->content.data, sealed->content.len}, err);
  if (sealed != NULL) cor_message_free(&sealed->base);
  return ok;
}

typedef struct unsealed {
  cor_buf content;
  bool theirs;          /* the key was there, so what failed is the message */
  int64_t recovered_at; /* of the share that opened it */
} unsealed;

static bool unseal(const agent *a, const store_message *m, const Corridor__V1__Header *header,
                   const cor_holder *holder, unsealed *out, cor_error *err) {
  held_key key = {0};
  if (holder != NULL && m->body.len == 0)
    return cor_fail(err, COR_CANNOT_OPEN, "", "this office erased the content after a withdrawal");
  if (!held_key_get(a, header->compartment, holder, &key, err)) return false;
  out->theirs = true;
  out->recovered_at = key.recovered_at;
  const bool ok = open_unseal(m, header, &key, &out->content, err);
  held_key_clear(&key);
  return ok;
}

static json_t *open_record(const store_message *m, const Corridor__V1__Header *header, cor_error *err) {
  const ProtobufCMessageDescriptor *type = cor_sop_body(header->type, header->compartment);
  ProtobufCMessage *body = type == NULL ? NULL
                                        : cor_decode(type, cor_buf_view(&m->body), COR_PLAIN_MAX, true, err);
  if (type == NULL) (void)cor_fail(err, COR_BAD_INPUT, "type", "this agent does not know the record");
  json_t *out = body == NULL ? NULL : cor_json_write(body);
  cor_message_free(body);
  return out;
}

static json_t *open_sealed(agent *a, const store_message *m, const Corridor__V1__Header *header,
                           const cor_holder *holder, cor_error *err) {
  const ProtobufCMessageDescriptor *type = cor_sop_body(header->type, header->compartment);
  unsealed in = {.content = {NULL, 0}};
  ProtobufCMessage *body = NULL;
  json_t *out = NULL;
  if (type == NULL) {
    (void)cor_fail(err, COR_BAD_INPUT, "type", "this agent does not know the message's content");
    return NULL;
  }
  if (unseal(a, m, header, holder, &in, err))
    body = cor_decode(type, cor_buf_view(&in.content), COR_PLAIN_MAX, true, err);
  if (body == NULL) {
    if (in.theirs && !verdict_own_fault(err->code))
      verdict_bad(a, m, CORRIDOR__V1__END_STATE__UNREADABLE, err->code);
  } else if (!cor_content_check(header->type, header->compartment, body, "/content", err) ||
             !cor_basis_check(header, body, "/content", err))
    verdict_bad(a, m, CORRIDOR__V1__END_STATE__CONTENT_REFUSED, err->code);
  else if (verdict_good(a, m, holder, in.recovered_at, body, err)) {
    out = cor_json_write(body);
    if (out == NULL) (void)cor_fail(err, COR_INTERNAL, "", "the content could not be written as JSON");
    /* A piece of a file is nothing to read; the whole is (open_attachment.c). */
    if (type == &corridor__v1__attachment_chunk__descriptor) json_object_del(out, "data");
  }
  cor_message_free(body);
  cor_buf_clear(&in.content);
  return out;
}

json_t *open_content(agent *a, const store_message *m, const cor_holder *holder, cor_error *err) {
  Corridor__V1__Header *header = open_header(m, err);
  if (header == NULL) return NULL;
  json_t *out = header->compartment == COR_C(RECORD) ? open_record(m, header, err)
                                                     : open_sealed(a, m, header, holder, err);
  cor_message_free(&header->base);
  return out;
}
