/* json.c - JSON to messages: what people and office systems write.
 *
 * json_parse.c turns text into a tree, this file the tree into a message of the
 * schema. Guarantees: every error names the place as a JSON Pointer (RFC 6901)
 * spelt with the writer's own keys, and quotes nothing else of the input, which
 * is about a person; the message holds only valid UTF-8 and known codes, so that
 * it encodes to bytes that cor_decode takes. Depth is the schema's, which has no
 * cycles. Trusts the descriptors. Nothing is fatal. */
#include "corridor/json.h"
#include "base64.h"
#include "json_field.h"
#include "corridor/clock.h"
#include "corridor/codec.h"
#include "corridor/id.h"
#include "corridor/refusal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DECIMAL_DIGITS_MAX = 20 };

typedef struct reader {
  char path[sizeof((cor_error *)0)->path];
  size_t used;
  cor_error *err;
} reader;

static ProtobufCMessage *read_message(reader *r, const ProtobufCMessageDescriptor *type, const json_t *in);

static bool fail(const reader *r, int code, const char *why) {
  return cor_fail(r->err, code, r->path, "%s; nothing was stored or sent", why);
}

/* Appends whole characters only, and none after the first that did not fit. */
static void push_text(reader *r, const char *text, size_t len) {
  if (r->used + len >= sizeof r->path) r->used = sizeof r->path;
  if (r->used == sizeof r->path) return;
  memcpy(r->path + r->used, text, len);
  r->used += len;
  r->path[r->used] = '\0';
}

/* Enters a member; the return value is what leave() takes. */
static size_t enter_key(reader *r, const char *key) {
  size_t mark = r->used;
  push_text(r, "/", 1);
  for (size_t len; *key != '\0'; key += len) {
    len = 1;
    while (((unsigned char)key[len] & 0xC0) == 0x80)
      len++;
    if (*key == '~')
      push_text(r, "~0", 2);
    else if (*key == '/')
      push_text(r, "~1", 2);
    else
      push_text(r, key, len);
  }
  return mark;
}

static size_t enter_index(reader *r, size_t index) {
  char text[24];
  snprintf(text, sizeof text, "%zu", index);
  return enter_key(r, text);
}

static void leave(reader *r, size_t mark) {
  r->used = mark;
  if (mark < sizeof r->path) r->path[mark] = '\0';
}

typedef struct number {
  bool negative;
  uint64_t magnitude;
} number;

static bool decimal(const char *text, number *out) {
  *out = (number){*text == '-', 0};
  if (out->negative) text++;
  size_t len = strspn(text, "0123456789");
  if (len == 0 || len > DECIMAL_DIGITS_MAX || text[len] != '\0') return false;
  for (; *text != '\0'; text++) {
    uint64_t digit = (uint64_t)(*text - '0');
    if (out->magnitude > (UINT64_MAX - digit) / 10) return false;
    out->magnitude = out->magnitude * 10 + digit;
  }
  if (out->magnitude == 0) out->negative = false;
  return true;
}

/* A JSON integer, or its decimal text: large ones do not survive as doubles. */
static bool to_number(const json_t *in, number *out) {
  if (json_is_string(in)) return decimal(json_string_value(in), out);
  if (!json_is_integer(in)) return false;
  json_int_t value = json_integer_value(in);
  *out = (number){value < 0, value < 0 ? 0 - (uint64_t)value : (uint64_t)value};
  return true;
}

static bool fits(number n, uint64_t lowest, uint64_t highest) {
  return n.magnitude <= (n.negative ? lowest : highest);
}

static int64_t signed_value(number n) {
  return n.negative ? -(int64_t)(n.magnitude - 1) - 1 : (int64_t)n.magnitude;
}

static bool read_number(const reader *r, const ProtobufCFieldDescriptor *field, const json_t *in, void *at) {
  number n;
  if (cor_json_is_time(field) && json_is_string(in) && !decimal(json_string_value(in), &n))
    return cor_time_parse(json_string_value(in), at) ||
           fail(r, COR_BAD_INPUT, "expected a time such as \"2026-03-02T09:00:00Z\"");
  if (!to_number(in, &n)) return fail(r, COR_BAD_INPUT, "expected a whole number");
  bool ok = false;
  switch (field->type) {
  case PROTOBUF_C_TYPE_INT32:
    if ((ok = fits(n, (uint64_t)INT32_MAX + 1, INT32_MAX))) *(int32_t *)at = (int32_t)signed_value(n);
    break;
  case PROTOBUF_C_TYPE_UINT32:
    if ((ok = fits(n, 0, UINT32_MAX))) *(uint32_t *)at = (uint32_t)n.magnitude;
    break;
  case PROTOBUF_C_TYPE_INT64:
    if ((ok = fits(n, (uint64_t)INT64_MAX + 1, INT64_MAX))) *(int64_t *)at = signed_value(n);
    break;
  default:
    if ((ok = fits(n, 0, UINT64_MAX))) *(uint64_t *)at = n.magnitude;
    break;
  }
  return ok || fail(r, COR_BAD_INPUT, "the number is out of range");
}

/* Names the words that would do; they are the schema's, not the writer's. */
static bool fail_enum(const reader *r, const ProtobufCEnumDescriptor *type) {
  char words[160] = "";
  size_t used = 0;
  for (unsigned i = 0; i < type->n_values; i++) {
    const char *name = type->values[i].name;
    if (type->values[i].value == 0) continue;
    int n = snprintf(words + used, sizeof words - used, "%s%s", used > 0 ? ", " : "", name);
    if (n < 0 || (size_t)n >= sizeof words - used) {
      snprintf(words + used, sizeof words - used, " ...");
      break;
    }
    used += (size_t)n;
  }
  return cor_fail(r->err, COR_UNKNOWN_ENUM, r->path,
                  "not a word of this list (%s); nothing was stored or sent", words);
}

static bool read_enum(const reader *r, const ProtobufCFieldDescriptor *field, const json_t *in, void *at) {
  const ProtobufCEnumDescriptor *type = field->descriptor;
  if (json_is_string(in)) {
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value_by_name(type,
                                                                                   json_string_value(in));
    if (value == NULL) return fail_enum(r, type);
    *(int *)at = value->value;
    return true;
  }
  if (!json_is_integer(in)) return fail(r, COR_BAD_INPUT, "expected a word of the list as text");
  json_int_t code = json_integer_value(in);
  if (code < 0 || code > INT32_MAX || protobuf_c_enum_descriptor_get_value(type, (int)code) == NULL)
    return fail_enum(r, type);
  *(int *)at = (int)code;
  return true;
}

static bool read_string(const reader *r, const json_t *in, void *at) {
  if (!json_is_string(in)) return fail(r, COR_BAD_INPUT, "expected text in quotes");
  cor_bytes text = {(const uint8_t *)json_string_value(in), json_string_length(in)};
  if (!cor_utf8_valid(text)) return fail(r, COR_BAD_ENCODING, "the text is not UTF-8 or holds a NUL");
  char *copy = malloc(text.len + 1);
  if (copy == NULL) return fail(r, COR_INTERNAL, "out of memory");
  memcpy(copy, text.data, text.len + 1);
  *(char **)at = copy;
  return true;
}

static bool read_hex(const char *text, size_t digits, cor_buf *out) {
  uint8_t bytes[COR_HASH_LEN];
  cor_error ignored;
  if (digits != 2 * COR_ID_LEN && digits != 2 * COR_HASH_LEN) return false;
  if (!cor_unhex(text, bytes, digits / 2)) return false;
  return cor_buf_copy(out, (cor_bytes){bytes, digits / 2}, &ignored);
}

static bool read_bytes(const reader *r, const ProtobufCFieldDescriptor *field, const json_t *in, void *at) {
  if (!json_is_string(in)) return fail(r, COR_BAD_INPUT, "expected bytes as text in base64");
  const char *text = json_string_value(in);
  size_t len = json_string_length(in);
  cor_buf bytes;
  if (!(cor_json_is_id(field) && read_hex(text, len, &bytes)) && !cor_base64_decode(text, len, &bytes))
    return fail(r, COR_BAD_INPUT,
                cor_json_is_id(field) ? "expected an id in hex or base64" : "expected base64");
  *(ProtobufCBinaryData *)at = (ProtobufCBinaryData){bytes.len, bytes.data};
  return true;
}

static bool read_value(reader *r, const ProtobufCFieldDescriptor *field, const json_t *in, void *at) {
  switch (field->type) {
  case PROTOBUF_C_TYPE_BOOL:
    if (!json_is_boolean(in)) return fail(r, COR_BAD_INPUT, "expected true or false");
    *(protobuf_c_boolean *)at = json_is_true(in);
    return true;
  case PROTOBUF_C_TYPE_INT32:
  case PROTOBUF_C_TYPE_UINT32:
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_UINT64: return read_number(r, field, in, at);
  case PROTOBUF_C_TYPE_ENUM: return read_enum(r, field, in, at);
  case PROTOBUF_C_TYPE_STRING: return read_string(r, in, at);
  case PROTOBUF_C_TYPE_BYTES: return read_bytes(r, field, in, at);
  case PROTOBUF_C_TYPE_MESSAGE:
    return (*(ProtobufCMessage **)at = read_message(r, field->descriptor, in)) != NULL;
  default: return fail(r, COR_INTERNAL, "the field has a type that JSON input does not know");
  }
}

/* The count grows with the elements, so that an error frees exactly those made. */
static bool read_list(reader *r, const ProtobufCFieldDescriptor *field, const json_t *in, uint8_t *message) {
  size_t *count = (size_t *)(void *)(message + field->quantifier_offset);
  size_t n = json_array_size(in);
  if (!json_is_array(in)) return fail(r, COR_BAD_INPUT, "expected a list in square brackets");
  if (n == 0) return true;
  uint8_t *items = calloc(n, cor_json_value_size(field));
  if (items == NULL) return fail(r, COR_INTERNAL, "out of memory");
  *(uint8_t **)(void *)(message + field->offset) = items;
  for (size_t i = 0; i < n; i++) {
    size_t mark = enter_index(r, i);
    if (!read_value(r, field, json_array_get(in, i), items + i * cor_json_value_size(field))) return false;
    *count = i + 1;
    leave(r, mark);
  }
  return true;
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *type, const char *key) {
  char name[COR_JSON_NAME];
  for (unsigned i = 0; i < type->n_fields; i++)
    if (strcmp(key, type->fields[i].name) == 0 || strcmp(key, cor_json_name(type->fields[i].name, name)) == 0)
      return &type->fields[i];
  return NULL;
}

static bool read_member(reader *r, ProtobufCMessage *message, const char *key, const json_t *value,
                        const json_t *all) {
  const ProtobufCFieldDescriptor *field = find_field(message->descriptor, key);
  uint8_t *base = (uint8_t *)message;
  char name[COR_JSON_NAME];
  if (field == NULL)
    return fail(r, COR_BAD_INPUT, "there is no such field; correct its name or leave it out");
  if (strcmp(key, cor_json_name(field->name, name)) != 0 && json_object_get(all, name) != NULL)
    return fail(r, COR_BAD_INPUT, "the field is given twice, under both of its names");
  if (json_is_null(value)) return true; /* the mapping's word for "default" */
  return field->label == PROTOBUF_C_LABEL_REPEATED ? read_list(r, field, value, base)
                                                   : read_value(r, field, value, base + field->offset);
}

static ProtobufCMessage *read_message(reader *r, const ProtobufCMessageDescriptor *type, const json_t *in) {
  const char *key;
  json_t *value;
  if (!json_is_object(in)) {
    fail(r, COR_BAD_INPUT, "expected an object in curly brackets");
    return NULL;
  }
  ProtobufCMessage *message = malloc(type->sizeof_message);
  if (message == NULL) {
    fail(r, COR_INTERNAL, "out of memory");
    return NULL;
  }
  protobuf_c_message_init(type, message);
  json_object_foreach((json_t *)in, key, value) {
    size_t mark = enter_key(r, key);
    if (!read_member(r, message, key, value, in)) {
      cor_message_free(message);
      return NULL;
    }
    leave(r, mark);
  }
  return message;
}

ProtobufCMessage *cor_json_read(const ProtobufCMessageDescriptor *type, const json_t *in,
                                const char *path_prefix, cor_error *err) {
  reader r = {.used = 0, .err = err};
  push_text(&r, path_prefix, strlen(path_prefix));
  return read_message(&r, type, in);
}
