/* codec.h - bytes to messages and back, at one boundary.
 *
 * cor_decode first pre-scans the wire bytes against the descriptor (depth <= 4,
 * bounded field count, no groups, known fields in ascending order, no default
 * values, minimal varints, packed repeated scalars, valid UTF-8 without NUL in
 * strings, known enum values, unknown fields only above the known range and at
 * most COR_UNKNOWN_MAX bytes), then unpacks with a capped allocator, then packs
 * again and compares: what passes is canonical (PROTOCOL 4). Rationale and
 * measurements: protobuf-c 1.4.1 has no depth limit and expands empty
 * sub-messages 56 times. */
#ifndef CORRIDOR_CODEC_H
#define CORRIDOR_CODEC_H
#include "corridor/base.h"
#include <protobuf-c/protobuf-c.h>

enum { COR_DEPTH_MAX = 4, COR_FIELDS_MAX = 4096, COR_UNKNOWN_MAX = 1024 };

/* canonical = true for anything that is signed (header, cover, cards, records,
 * receipts, sealed contents); false for session commands, where field order and
 * defaults are not checked but all bounds are. err->code is one of
 * BAD_ENCODING, TOO_LARGE, UNKNOWN_ENUM; err->path names the field. Free with
 * cor_message_free. NULL on error. max_fields bounds all fields of all levels. */
ProtobufCMessage *cor_decode(const ProtobufCMessageDescriptor *type, cor_bytes in, size_t max_len,
                             bool canonical, cor_error *err) COR_MUST_CHECK;
void cor_message_free(ProtobufCMessage *message); /* NULL is fine; zeroes all of it */
bool cor_encode(const ProtobufCMessage *message, cor_buf *out, cor_error *err) COR_MUST_CHECK;

/* Card lists and other large trusted-after-signature structures. */
ProtobufCMessage *cor_decode_large(const ProtobufCMessageDescriptor *type, cor_bytes in, size_t max_len,
                                   size_t max_fields, cor_error *err) COR_MUST_CHECK;

/* A bytes field as borrowed bytes. */
static inline cor_bytes cor_bytes_of(ProtobufCBinaryData field) {
  return (cor_bytes){field.data, field.len};
}

bool cor_utf8_valid(cor_bytes text); /* also refuses NUL */
#endif
