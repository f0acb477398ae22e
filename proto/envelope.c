/* envelope.c - making and checking envelopes: header, cover, signatures, digest.
 *
 * Reading goes in two steps. cor_envelope_read needs no key and settles that the
 * bytes are one well-formed, canonical header, that the body is the one it names,
 * and that a cover speaks of this very header. cor_envelope_verify settles whose
 * bytes they are: sender = connection = signer (design 3). Only both together
 * make an envelope's content true; whether it is *permitted* is the gate's
 * question. Making puts its own work through the first step, so that nothing
 * leaves that a receiver would refuse unread.
 *
 * Each header is signed by itself, also where one act makes several: a shared
 * signature would tell its recipients how many others there are, which place each
 * has among them and, when two compare, that they were written to at once
 * (design 3, 6). Covers are for the hub alone, so those of an act share one.
 *
 * Trusts the card list (verified by cards.c). Everything of the envelope comes
 * from a peer. Nothing is fatal. */
#include "corridor/envelope.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include <stdlib.h>
#include <string.h>

#define HUB "hub"
#define NOT_STORED "nothing was stored; correct it and send again"

enum { RANK_MAX = 1000 };

static cor_bytes view(ProtobufCBinaryData field) {
  return (cor_bytes){field.data, field.len};
}

static bool has_digest(cor_bytes field, const uint8_t digest[COR_HASH_LEN]) {
  return cor_bytes_equal(field, (cor_bytes){digest, COR_HASH_LEN});
}

/* The cover's fields, as cor_header_check has it for the header's. */
static bool cover_check(const Corridor__V1__Cover *cover, cor_error *err) {
  if (cover->case_handle.len != COR_ID_LEN)
    return cor_fail(err, COR_BAD_INPUT, "cover.case_handle", "must be 16 bytes; " NOT_STORED);
  if (cover->consent_id.len != COR_ID_LEN && cover->consent_id.len != 0)
    return cor_fail(err, COR_BAD_INPUT, "cover.consent_id", "must be 16 bytes or absent; " NOT_STORED);
  if (cover->basis != 0 && (!cor_basis_find(cover->basis) || cover->consent_id.len != 0))
    return cor_fail(err, COR_BAD_INPUT, "cover.basis",
                    "is for a handover without consent, and then names no consent; " NOT_STORED);
  if (cover->referral_id.len != COR_ID_LEN)
    return cor_fail(err, COR_BAD_INPUT, "cover.referral_id", "must be 16 bytes; " NOT_STORED);
  if (cover->rank == 0 || cover->rank > RANK_MAX)
    return cor_fail(err, COR_BAD_INPUT, "cover.rank", "must be 1 to 1000; " NOT_STORED);
  for (size_t i = 0; i < cover->n_categories; i++)
    if (cover->categories[i] <= (i > 0 ? cover->categories[i - 1] : 0))
      return cor_fail(err, COR_BAD_INPUT, "cover.categories", "must be strictly ascending; " NOT_STORED);
  return true;
}

static bool read_cover(const Corridor__V1__Envelope *wire, cor_envelope *out, cor_error *err) {
  if (wire->cover.len == 0) return true;
  if (!cor_sop_find(out->header->type)->needs_cover)
    return cor_fail(err, COR_BAD_INPUT, "cover", "this message type takes no cover; " NOT_STORED);
  out->cover = (Corridor__V1__Cover *)cor_decode(&corridor__v1__cover__descriptor, view(wire->cover),
                                                 COR_HEADER_MAX, true, err);
  if (out->cover == NULL) return false;
  if (!has_digest(view(out->cover->header_hash), out->header_hash))
    return cor_fail(err, COR_BAD_INPUT, "cover.header_hash",
                    "the cover belongs to another header; " NOT_STORED);
  return cover_check(out->cover, err);
}

static bool check_body(const Corridor__V1__Header *header, cor_bytes body, cor_error *err) {
  uint8_t digest[COR_HASH_LEN];
  cor_sha256(digest, &body, 1);
  if (header->body_size == body.len && has_digest(view(header->body_sha256), digest)) return true;
  return cor_fail(err, COR_BODY_MISMATCH, "body_sha256",
                  "the body is not the one the header names; nothing was stored, send it again");
}

bool cor_envelope_read(const Corridor__V1__Envelope *wire, cor_bytes body, cor_envelope *out,
                       cor_error *err) {
  *out = (cor_envelope){.wire = wire, .body = body};
  out->header = (Corridor__V1__Header *)cor_decode(&corridor__v1__header__descriptor, view(wire->header),
                                                   COR_HEADER_MAX, true, err);
  if (out->header == NULL) return false;
  cor_content_hash(COR_DOMAIN_HEADER, view(wire->header), out->header_hash);
  if (cor_header_check(out->header, err) && read_cover(wire, out, err) && check_body(out->header, body, err))
    return true;
  cor_envelope_clear(out);
  return false;
}

void cor_envelope_clear(cor_envelope *envelope) {
  if (envelope->header != NULL) cor_message_free(&envelope->header->base);
  if (envelope->cover != NULL) cor_message_free(&envelope->cover->base);
  *envelope = (cor_envelope){0};
}

bool cor_envelope_verify(const cor_envelope *envelope, const cor_cards *cards, const char *connection_office,
                         cor_sign_memory *memory, cor_error *err) {
  const Corridor__V1__Envelope *wire = envelope->wire;
  const char *sender = envelope->header->sender;
  if (connection_office != NULL && strcmp(connection_office, sender) != 0)
    return cor_fail(err, COR_NOT_YOUR_NAME, "sender",
                    "the connection belongs to another office than the sender; nothing was stored");
  const cor_card *card = strcmp(sender, HUB) == 0 ? cor_cards_hub(cards) : cor_cards_find(cards, sender);
  if (card == NULL)
    return cor_fail(err, COR_UNKNOWN_OFFICE, "sender",
                    "the sender has no card on the current list; nothing was stored");
  if ((wire->cover.len != 0) != (wire->cover_signature != NULL))
    return cor_fail(err, COR_BAD_SIGNATURE, "cover_signature",
                    "a cover and its signature come together or not at all; nothing was stored");
  if (!cor_verify(card->signing, COR_DOMAIN_HEADER, sender, (uint8_t)envelope->header->compartment,
                  view(wire->header), wire->signature, memory, err))
    return false;
  return envelope->cover == NULL || cor_verify(card->signing, COR_DOMAIN_COVER, sender, 0, view(wire->cover),
                                               wire->cover_signature, memory, err);
}

static bool put_field(const ProtobufCMessage *content, ProtobufCBinaryData *field, cor_error *err) {
  cor_buf bytes;
  if (!cor_encode(content, &bytes, err)) return false;
  *field = (ProtobufCBinaryData){bytes.len, bytes.data};
  return true;
}

/* Header and cover are filled in on shallow copies: whoever made them still owns
 * all they point to. */
static bool fill(Corridor__V1__Envelope *wire, const Corridor__V1__Header *header,
                 const Corridor__V1__Cover *cover, cor_bytes body, cor_error *err) {
  uint8_t digest[COR_HASH_LEN];
  cor_sha256(digest, &body, 1);
  Corridor__V1__Header filled = *header;
  filled.body_size = body.len;
  filled.body_sha256 = (ProtobufCBinaryData){sizeof digest, digest};
  if (!put_field(&filled.base, &wire->header, err)) return false;
  if (cover == NULL) return true;
  uint8_t hash[COR_HASH_LEN];
  cor_content_hash(COR_DOMAIN_HEADER, view(wire->header), hash);
  Corridor__V1__Cover bound = *cover;
  bound.header_hash = (ProtobufCBinaryData){sizeof hash, hash};
  return put_field(&bound.base, &wire->cover, err);
}

static bool sign_header(Corridor__V1__Envelope *wire, const Corridor__V1__Header *header, EVP_PKEY *key,
                        cor_error *err) {
  const cor_bytes bytes = view(wire->header);
  return cor_sign(key, COR_DOMAIN_HEADER, header->sender, (uint8_t)header->compartment, &bytes, 1,
                  &wire->signature, err);
}

Corridor__V1__Envelope *cor_envelope_begin(const Corridor__V1__Header *header,
                                           const Corridor__V1__Cover *cover, cor_bytes body, EVP_PKEY *key,
                                           cor_error *err) {
  cor_envelope check;
  Corridor__V1__Envelope *wire = malloc(sizeof *wire);
  if (wire == NULL) {
    cor_fail(err, COR_INTERNAL, "", "out of memory; nothing was made, try again");
    return NULL;
  }
  corridor__v1__envelope__init(wire);
  bool ok = fill(wire, header, cover, body, err) && cor_envelope_read(wire, body, &check, err);
  if (ok) {
    cor_envelope_clear(&check);
    ok = sign_header(wire, header, key, err);
  }
  if (ok) return wire;
  cor_message_free(&wire->base);
  return NULL;
}

bool cor_envelope_sign_covers(Corridor__V1__Envelope *const *wires, size_t n, const char *sender,
                              EVP_PKEY *key, cor_error *err) {
  size_t covers = 0, next = 0;
  cor_bytes *contents = calloc(n, sizeof *contents);
  Corridor__V1__Signature **signatures = calloc(n, sizeof *signatures);
  bool ok = contents != NULL && signatures != NULL;
  if (!ok) cor_fail(err, COR_INTERNAL, "", "out of memory; nothing was signed, try again");
  for (size_t i = 0; ok && i < n; i++)
    if (wires[i]->cover.len > 0) contents[covers++] = view(wires[i]->cover);
  if (ok && covers > 0) ok = cor_sign(key, COR_DOMAIN_COVER, sender, 0, contents, covers, signatures, err);
  for (size_t i = 0; ok && i < n; i++)
    if (wires[i]->cover.len > 0) wires[i]->cover_signature = signatures[next++];
  free(contents);
  free(signatures);
  return ok;
}

Corridor__V1__Envelope *cor_envelope_make(Corridor__V1__Header *header, Corridor__V1__Cover *cover,
                                          cor_bytes body, EVP_PKEY *key, cor_error *err) {
  Corridor__V1__Envelope *wire = cor_envelope_begin(header, cover, body, key, err);
  if (wire == NULL || cor_envelope_sign_covers(&wire, 1, header->sender, key, err)) return wire;
  cor_message_free(&wire->base);
  return NULL;
}
