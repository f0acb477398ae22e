/* json_write.c - messages to JSON: protobuf's canonical mapping, and the readable
 * variant for people.
 *
 * Readable differs in three kinds of field only: ids and digests are hex, times
 * are RFC 3339 text to the second, both of which cor_json_read takes back. Defaults are left
 * out; unknown fields of a later version have no JSON form and are left out too.
 * Trusts the message: it came through cor_decode, cor_json_read or our own code.
 * Returns NULL when memory runs out. Nothing is fatal. */
#include "corridor/json.h"
#include "base64.h"
#include "json_field.h"
#include "corridor/clock.h"
#include "corridor/id.h"
#include "corridor/wipe.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *write_message(const ProtobufCMessage *message, bool readable);

/* To the second, as people read it. A time that has no text (year 0 or beyond
 * 9999) stays a number. */
static json_t *write_int64(const ProtobufCFieldDescriptor *field, int64_t value, bool readable) {
  char text[COR_TIME_TEXT];
  int64_t back;
  if (readable && cor_json_is_time(field) && cor_time_parse(cor_time_text(value, text), &back) &&
      back <= value && value - back < 1000)
    return json_string(text);
  snprintf(text, sizeof text, "%lld", (long long)value);
  return json_string(text);
}

static json_t *write_uint64(uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)value);
  return json_string(text);
}

static json_t *write_bytes(const ProtobufCFieldDescriptor *field, const ProtobufCBinaryData *value,
                           bool readable) {
  cor_bytes bytes = {value->data, value->len};
  if (readable && cor_json_is_id(field) && (bytes.len == COR_ID_LEN || bytes.len == COR_HASH_LEN)) {
    char hex[COR_HEX64_TEXT];
    return json_string(cor_hex(bytes, hex, sizeof hex));
  }
  char *text = cor_base64_encode(bytes);
  if (text == NULL) return NULL;
  json_t *json = json_string(text);
  cor_wipe_free(text);
  return json;
}

static json_t *write_enum(const ProtobufCFieldDescriptor *field, int value) {
  const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(field->descriptor, value);
  return known != NULL ? json_string(known->name) : json_integer(value);
}

static json_t *write_value(const ProtobufCFieldDescriptor *field, const void *at, bool readable) {
  switch (field->type) {
  case PROTOBUF_C_TYPE_BOOL: return json_boolean(*(const protobuf_c_boolean *)at);
  case PROTOBUF_C_TYPE_INT32: return json_integer(*(const int32_t *)at);
  case PROTOBUF_C_TYPE_UINT32: return json_integer(*(const uint32_t *)at);
  case PROTOBUF_C_TYPE_INT64: return write_int64(field, *(const int64_t *)at, readable);
  case PROTOBUF_C_TYPE_UINT64: return write_uint64(*(const uint64_t *)at);
  case PROTOBUF_C_TYPE_ENUM: return write_enum(field, *(const int *)at);
  case PROTOBUF_C_TYPE_STRING: return json_string(*(char *const *)at);
  case PROTOBUF_C_TYPE_BYTES: return write_bytes(field, at, readable);
  case PROTOBUF_C_TYPE_MESSAGE: return write_message(*(ProtobufCMessage *const *)at, readable);
  default: return NULL; /* the schema has no other types; a test walks it */
  }
}

static bool is_default(const ProtobufCFieldDescriptor *field, const void *at) {
  switch (field->type) {
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_UINT64: return *(const uint64_t *)at == 0;
  case PROTOBUF_C_TYPE_STRING: return *(char *const *)at == NULL || **(char *const *)at == '\0';
  case PROTOBUF_C_TYPE_BYTES: return ((const ProtobufCBinaryData *)at)->len == 0;
  case PROTOBUF_C_TYPE_MESSAGE: return *(ProtobufCMessage *const *)at == NULL;
  default: return *(const uint32_t *)at == 0;
  }
}

static json_t *write_list(const ProtobufCFieldDescriptor *field, const uint8_t *items, size_t n,
                          bool readable) {
  json_t *list = json_array();
  for (size_t i = 0; list != NULL && i < n; i++) {
    if (json_array_append_new(list, write_value(field, items + i * cor_json_value_size(field), readable)) ==
        0)
      continue;
    json_decref(list);
    return NULL;
  }
  return list;
}

static json_t *write_message(const ProtobufCMessage *message, bool readable) {
  const uint8_t *base = (const uint8_t *)message;
  json_t *object = json_object();
  for (unsigned i = 0; object != NULL && i < message->descriptor->n_fields; i++) {
    const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
    const void *at = base + field->offset;
    char name[COR_JSON_NAME];
    json_t *value;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
      size_t n = *(const size_t *)(const void *)(base + field->quantifier_offset);
      if (n == 0) continue;
      value = write_list(field, *(uint8_t *const *)at, n, readable);
    } else {
      if (is_default(field, at)) continue;
      value = write_value(field, at, readable);
    }
    if (json_object_set_new(object, cor_json_name(field->name, name), value) == 0) continue;
    json_decref(object);
    return NULL;
  }
  return object;
}

json_t *cor_json_write(const ProtobufCMessage *message) {
  return write_message(message, false);
}

json_t *cor_json_write_readable(const ProtobufCMessage *message) {
  return write_message(message, true);
}
