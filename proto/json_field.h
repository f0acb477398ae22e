/* json_field.h - internal to json.c and json_write.c: what JSON calls a field, and
 * which fields have a form that people read. */
#ifndef CORRIDOR_JSON_FIELD_H
#define CORRIDOR_JSON_FIELD_H
#include "corridor/base.h"
#include <protobuf-c/protobuf-c.h>

enum { COR_JSON_NAME = 64 };
/* lowerCamelCase as protobuf's JSON mapping makes it: "body_sha256" -> "bodySha256". */
const char *cor_json_name(const char *proto_name, char out[COR_JSON_NAME]);
/* Ids and digests: "handle", "..._id", "..._hash", "...sha256", "message_ids". */
bool cor_json_is_id(const ProtobufCFieldDescriptor *field);
/* Every int64 of the schema is a time in ms (counters are uint64). */
bool cor_json_is_time(const ProtobufCFieldDescriptor *field);
/* Memory one value of the field's type takes inside a message or an array. */
size_t cor_json_value_size(const ProtobufCFieldDescriptor *field);
#endif
