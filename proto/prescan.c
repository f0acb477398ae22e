/* prescan.c - walk hostile wire bytes against their descriptor, before unpacking.
 *
 * protobuf-c 1.4.1 recurses without limit, turns two bytes of empty sub-message
 * into over a hundred of memory, takes any bytes for a string, and reads past a
 * truncated unknown field. So nothing reaches it that this walk has not passed:
 * depth, number of fields, every length, every wire type and every varint are
 * checked here, allocating nothing.
 *
 * Guarantees on success: at most COR_DEPTH_MAX levels and max_fields fields; all
 * lengths lie inside their message; varints are minimal and in their type's
 * range; strings are UTF-8 without NUL; enum values are known; no singular field
 * appears twice (what a merge would mean differs between libraries); unknown
 * fields are numbered above the highest known one, COR_UNKNOWN_MAX bytes in all.
 * In canonical mode also: fields ascend, proto3 defaults are left out, repeated
 * scalars are packed. Trusts the descriptor only. Nothing here is fatal. */
#include "prescan.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_64BIT = 1, WIRE_LENGTH = 2, WIRE_32BIT = 5, WIRE_NONE = -1 };
enum { FIELDS_PER_TYPE_MAX = 64, VARINT_MAX = 10 };

/* One level of nesting: the field we are in, and which of its run of elements. */
typedef struct step {
  const ProtobufCFieldDescriptor *field;
  size_t index;
} step;

typedef struct walk {
  bool canonical;
  size_t fields_left, unknown_left;
  step steps[COR_DEPTH_MAX];
  unsigned depth;
  cor_error *err;
} walk;

/* How far one message has been read: its fields seen (a bit each), the last
 * number, and the run of elements it belongs to. */
typedef struct progress {
  uint64_t fields;
  uint32_t last;
  step run;
} progress;

static bool scan_message(walk *w, const ProtobufCMessageDescriptor *type, cor_bytes in);

/* "checkpoint.root", "scopes[1].categories[0]": names from the schema only. */
static bool fail(const walk *w, int code, const char *why) {
  char path[sizeof w->err->path] = "";
  size_t used = 0;
  for (unsigned i = 0; i < w->depth && w->steps[i].field != NULL; i++) {
    const step *s = &w->steps[i];
    const char *dot = i == 0 ? "" : ".";
    int n = s->field->label == PROTOBUF_C_LABEL_REPEATED
                ? snprintf(path + used, sizeof path - used, "%s%s[%zu]", dot, s->field->name, s->index)
                : snprintf(path + used, sizeof path - used, "%s%s", dot, s->field->name);
    if (n < 0 || (size_t)n >= sizeof path - used) break;
    used += (size_t)n;
  }
  return cor_fail(w->err, code, path, "%s; nothing of the message was used", why);
}

static bool take_varint(const walk *w, cor_bytes *in, uint64_t *value) {
  uint64_t v = 0;
  for (size_t i = 0; i < in->len && i < VARINT_MAX; i++) {
    uint8_t byte = in->data[i];
    if (i == VARINT_MAX - 1 && byte > 1) return fail(w, COR_BAD_ENCODING, "a number exceeds 64 bits");
    v |= (uint64_t)(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) != 0) continue;
    if (byte == 0 && i > 0) return fail(w, COR_BAD_ENCODING, "a number is longer than it need be");
    *value = v;
    in->data += i + 1;
    in->len -= i + 1;
    return true;
  }
  return fail(w, COR_BAD_ENCODING, "a number is cut off or too long");
}

static bool take_bytes(const walk *w, cor_bytes *in, uint64_t len, cor_bytes *out) {
  if (len > in->len) return fail(w, COR_BAD_ENCODING, "a field is longer than the bytes that hold it");
  *out = (cor_bytes){in->data, (size_t)len};
  in->data += len;
  in->len -= (size_t)len;
  return true;
}

static bool take_length_prefixed(const walk *w, cor_bytes *in, cor_bytes *out) {
  uint64_t len;
  return take_varint(w, in, &len) && take_bytes(w, in, len, out);
}

/* Fields and packed elements draw on the same allowance: it bounds our time. */
static bool count_field(walk *w) {
  if (w->fields_left == 0) return fail(w, COR_TOO_LARGE, "the message has too many fields");
  w->fields_left--;
  return true;
}

/* WIRE_NONE for types the schema does not use: none is let through unexamined. */
static int wire_of(ProtobufCType type) {
  switch (type) {
  case PROTOBUF_C_TYPE_INT32:
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_UINT32:
  case PROTOBUF_C_TYPE_UINT64:
  case PROTOBUF_C_TYPE_BOOL:
  case PROTOBUF_C_TYPE_ENUM: return WIRE_VARINT;
  case PROTOBUF_C_TYPE_STRING:
  case PROTOBUF_C_TYPE_BYTES:
  case PROTOBUF_C_TYPE_MESSAGE: return WIRE_LENGTH;
  default: return WIRE_NONE;
  }
}

/* A negative int32 travels as the 64-bit number of the same value. */
static bool fits_int32(uint64_t value) {
  return value <= INT32_MAX || value >= (uint64_t)INT32_MIN;
}

static bool check_scalar(const walk *w, const ProtobufCFieldDescriptor *field, uint64_t value) {
  switch (field->type) {
  case PROTOBUF_C_TYPE_UINT32:
    if (value > UINT32_MAX) return fail(w, COR_BAD_ENCODING, "the number exceeds 32 bits");
    return true;
  case PROTOBUF_C_TYPE_INT32:
    if (!fits_int32(value)) return fail(w, COR_BAD_ENCODING, "the number exceeds 32 bits");
    return true;
  case PROTOBUF_C_TYPE_BOOL:
    if (value > 1) return fail(w, COR_BAD_ENCODING, "a yes/no field holds another number");
    return true;
  case PROTOBUF_C_TYPE_ENUM:
    if (value > INT32_MAX || protobuf_c_enum_descriptor_get_value(field->descriptor, (int)value) == NULL)
      return fail(w, COR_UNKNOWN_ENUM, "the code is not in this version's list");
    return true;
  default: return true; /* the 64-bit types take every value */
  }
}

static bool scan_packed(walk *w, const ProtobufCFieldDescriptor *field, cor_bytes in) {
  if (w->canonical && in.len == 0) return fail(w, COR_BAD_ENCODING, "an empty list must be left out");
  for (step *here = &w->steps[w->depth - 1]; in.len > 0; here->index++) {
    uint64_t value;
    if (!count_field(w) || !take_varint(w, &in, &value) || !check_scalar(w, field, value)) return false;
  }
  return true;
}

static bool scan_varint(walk *w, const ProtobufCFieldDescriptor *field, cor_bytes *in) {
  uint64_t value;
  if (!take_varint(w, in, &value)) return false;
  if (w->canonical && field->label == PROTOBUF_C_LABEL_REPEATED)
    return fail(w, COR_BAD_ENCODING, "a list of numbers must be packed");
  if (w->canonical && value == 0) return fail(w, COR_BAD_ENCODING, "a default value must be left out");
  return check_scalar(w, field, value);
}

static bool scan_length_prefixed(walk *w, const ProtobufCFieldDescriptor *field, cor_bytes *in) {
  cor_bytes content;
  if (!take_length_prefixed(w, in, &content)) return false;
  if (wire_of(field->type) == WIRE_VARINT) return scan_packed(w, field, content);
  if (field->type == PROTOBUF_C_TYPE_MESSAGE) return scan_message(w, field->descriptor, content);
  if (w->canonical && field->label != PROTOBUF_C_LABEL_REPEATED && content.len == 0)
    return fail(w, COR_BAD_ENCODING, "a default value must be left out");
  if (field->type == PROTOBUF_C_TYPE_STRING && !cor_utf8_valid(content))
    return fail(w, COR_BAD_ENCODING, "the text is not UTF-8 or holds a NUL");
  return true;
}

static bool scan_known(walk *w, const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field,
                       int wire, progress *seen, cor_bytes *in) {
  size_t place = (size_t)(field - type->fields);
  bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
  bool packed = repeated && wire == WIRE_LENGTH && wire_of(field->type) == WIRE_VARINT;
  bool again = place < FIELDS_PER_TYPE_MAX && (seen->fields >> place & 1) != 0;
  seen->run.index = seen->run.field == field && !packed ? seen->run.index + 1 : 0;
  seen->run.field = field;
  w->steps[w->depth - 1] = seen->run;
  if (place >= FIELDS_PER_TYPE_MAX) return fail(w, COR_BAD_ENCODING, "the message type is too wide to check");
  if (again && !repeated) return fail(w, COR_BAD_ENCODING, "the field appears twice");
  if (again && packed && w->canonical) return fail(w, COR_BAD_ENCODING, "a packed list is split");
  if (w->canonical && field->id < seen->last) return fail(w, COR_BAD_ENCODING, "the field is out of order");
  if (wire != wire_of(field->type) && !packed)
    return fail(w, COR_BAD_ENCODING, "the field has the wrong type");
  seen->fields |= (uint64_t)1 << place;
  seen->last = field->id;
  return wire == WIRE_VARINT ? scan_varint(w, field, in) : scan_length_prefixed(w, field, in);
}

/* A later version's fields survive, but only where we can tell they are that. */
static bool scan_unknown(walk *w, const ProtobufCMessageDescriptor *type, uint32_t number, int wire,
                         const uint8_t *start, progress *seen, cor_bytes *in) {
  uint32_t highest = type->n_fields == 0 ? 0 : type->fields[type->n_fields - 1].id;
  uint64_t value;
  cor_bytes content;
  bool ok;
  if (number < highest) return fail(w, COR_BAD_ENCODING, "an unknown field has a number of the known range");
  if (w->canonical && number < seen->last)
    return fail(w, COR_BAD_ENCODING, "an unknown field is out of order");
  seen->last = number;
  switch (wire) {
  case WIRE_VARINT: ok = take_varint(w, in, &value); break;
  case WIRE_64BIT: ok = take_bytes(w, in, 8, &content); break;
  case WIRE_32BIT: ok = take_bytes(w, in, 4, &content); break;
  case WIRE_LENGTH: ok = take_length_prefixed(w, in, &content); break;
  default: ok = fail(w, COR_BAD_ENCODING, "groups and unknown wire types are not used"); break;
  }
  if (!ok) return false;
  size_t size = (size_t)(in->data - start);
  if (size > w->unknown_left) return fail(w, COR_TOO_LARGE, "too many bytes of unknown fields");
  w->unknown_left -= size;
  return true;
}

static bool scan_field(walk *w, const ProtobufCMessageDescriptor *type, progress *seen, cor_bytes *in) {
  const uint8_t *start = in->data;
  uint64_t tag = 0;
  w->steps[w->depth - 1].field = NULL; /* until it is known, errors name the message */
  if (!count_field(w) || !take_varint(w, in, &tag)) return false;
  if (tag > UINT32_MAX || tag >> 3 == 0) return fail(w, COR_BAD_ENCODING, "a field number is out of range");
  uint32_t number = (uint32_t)(tag >> 3);
  int wire = (int)(tag & 7);
  const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(type, number);
  return field != NULL ? scan_known(w, type, field, wire, seen, in)
                       : scan_unknown(w, type, number, wire, start, seen, in);
}

static bool scan_message(walk *w, const ProtobufCMessageDescriptor *type, cor_bytes in) {
  if (w->depth == COR_DEPTH_MAX) return fail(w, COR_TOO_LARGE, "messages are nested too deeply");
  progress seen = {0, 0, {NULL, 0}};
  w->steps[w->depth++] = (step){NULL, 0};
  while (in.len > 0)
    if (!scan_field(w, type, &seen, &in)) return false;
  w->depth--;
  return true;
}

bool cor_prescan(const ProtobufCMessageDescriptor *type, cor_bytes in, bool canonical, size_t max_fields,
                 cor_error *err) {
  walk w = {.canonical = canonical, .fields_left = max_fields, .unknown_left = COR_UNKNOWN_MAX, .err = err};
  return scan_message(&w, type, in);
}
