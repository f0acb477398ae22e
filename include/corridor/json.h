/* json.h - protobuf's canonical JSON mapping of the schema, both ways.
 *
 * Field names are lowerCamelCase on output; input also takes the proto names.
 * Enums are names (input also numbers of known values), int64/uint64 strings
 * (input also numbers; int64 is always a time in ms and also read from RFC 3339
 * text), bytes base64; fields named *handle, *_id, *_ids, in_reply_to, *_hash, *sha256
 * are also read from exactly 32 or 64 hex digits. null = left out.
 * Unknown fields, wrong types, unknown enum values, NUL and bad UTF-8 are
 * errors with the JSON Pointer of the field in err->path (RFC 6901). */
#ifndef CORRIDOR_JSON_H
#define CORRIDOR_JSON_H
#include "corridor/base.h"
#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

/* New message, free with cor_message_free; NULL on error. path_prefix is put
 * before every pointer ("/body"). */
ProtobufCMessage *cor_json_read(const ProtobufCMessageDescriptor *type, const json_t *in,
                                const char *path_prefix, cor_error *err) COR_MUST_CHECK;
/* New reference; default values are left out. NULL = no memory. */
json_t *cor_json_write(const ProtobufCMessage *message);
/* The same for people: the ids and digests named above as hex, int64 (in this
 * schema always a time in ms) as RFC 3339 text to the second. cor_json_read takes
 * it back. */
json_t *cor_json_write_readable(const ProtobufCMessage *message);
/* Parses text (bounded depth, rejects duplicates, NUL); err->path is
 * "line:column". */
json_t *cor_json_parse(cor_bytes text, cor_error *err) COR_MUST_CHECK;
#endif
