/* json_field.c - what JSON calls a field, and which fields have a form people read.
 *
 * The rules go by name and type alone, so that a new message needs no code here.
 * Trusts the descriptors. */
#include "json_field.h"
#include <string.h>

const char *cor_json_name(const char *proto_name, char out[COR_JSON_NAME]) {
  size_t n = 0;
  bool raise = false;
  for (const char *c = proto_name; *c != '\0' && n + 1 < COR_JSON_NAME; c++) {
    bool lower = *c >= 'a' && *c <= 'z';
    if (*c != '_') out[n++] = raise && lower ? (char)(*c - 'a' + 'A') : *c;
    raise = *c == '_';
  }
  out[n] = '\0';
  return out;
}

static bool ends_with(const char *text, const char *end) {
  size_t a = strlen(text), b = strlen(end);
  return a >= b && strcmp(text + a - b, end) == 0;
}

bool cor_json_is_id(const ProtobufCFieldDescriptor *field) {
  static const char *const ends[] = {"handle", "_id", "_ids", "in_reply_to", "_hash", "sha256"};
  if (field->type != PROTOBUF_C_TYPE_BYTES) return false;
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
    if (ends_with(field->name, ends[i])) return true;
  return false;
}

bool cor_json_is_time(const ProtobufCFieldDescriptor *field) {
  return field->type == PROTOBUF_C_TYPE_INT64;
}

size_t cor_json_value_size(const ProtobufCFieldDescriptor *field) {
  switch (field->type) {
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_UINT64: return sizeof(uint64_t);
  case PROTOBUF_C_TYPE_STRING: return sizeof(char *);
  case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
  case PROTOBUF_C_TYPE_MESSAGE: return sizeof(ProtobufCMessage *);
  default: return sizeof(uint32_t); /* int32, uint32, bool, enum */
  }
}
