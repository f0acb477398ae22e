/* content.c - carries out the content rules on a decoded body.
 *
 * First every field of every level is bounded (text, bytes, list lengths), then
 * the type's rules run in table order, then its relations. The first fault ends
 * the check: err->path is the JSON Pointer of the field, as the person who
 * wrote the JSON knows it, and err->detail names the rule, never the value.
 *
 * Works on the schema's descriptors, so a rule is a line in a table and not a
 * function. Trusts that the body is of the type's own message (cor_decode or
 * cor_json_read made it): another message is refused. Nothing is fatal. */
#include "content.h"
#include "corridor/attachment.h"
#include "corridor/clock.h"
#include "corridor/id.h"
#include "corridor/refusal.h"
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 4096, LIST_MAX = 64, ID_LIST_MAX = 1024, POINTER_MAX = 128, NAME_MAX_LEN = 64 };

/* A JSON Pointer under construction; each level appends to its own copy. */
typedef struct pointer {
  char text[POINTER_MAX];
} pointer;

static pointer below_field(const pointer *base, const char *proto_name) {
  pointer out = *base;
  size_t at = strlen(out.text);
  bool upper = false;
  if (at + 1 < POINTER_MAX) out.text[at++] = '/';
  for (const char *c = proto_name; *c && at + 1 < POINTER_MAX; c++) {
    if (*c != '_') out.text[at++] = upper && *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    upper = *c == '_';
  }
  out.text[at] = '\0';
  return out;
}

static pointer below_index(const pointer *base, size_t index) {
  pointer out = *base;
  size_t at = strlen(out.text);
  snprintf(out.text + at, POINTER_MAX - at, "/%zu", index);
  return out;
}

/* --- one field, by its descriptor --- */

static size_t list_length(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f) {
  size_t n;
  memcpy(&n, (const char *)m + f->quantifier_offset, sizeof n);
  return n;
}

static const char *list_items(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f) {
  const char *items;
  memcpy(&items, (const char *)m + f->offset, sizeof items);
  return items;
}

static bool is_list(const ProtobufCFieldDescriptor *f) {
  return f->label == PROTOBUF_C_LABEL_REPEATED;
}

static size_t item_size(const ProtobufCFieldDescriptor *f) {
  switch (f->type) {
  case PROTOBUF_C_TYPE_STRING:
  case PROTOBUF_C_TYPE_MESSAGE: return sizeof(void *);
  case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_UINT64: return sizeof(int64_t);
  default: return sizeof(int32_t);
  }
}

/* How many values a field has, and where the i-th is. */
static size_t value_count(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f) {
  return is_list(f) ? list_length(m, f) : 1;
}

static const void *value_at(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, size_t i) {
  return is_list(f) ? list_items(m, f) + i * item_size(f) : (const char *)m + f->offset;
}

static const char *as_text(const void *value) {
  const char *text;
  memcpy(&text, value, sizeof text);
  return text ? text : "";
}

static const ProtobufCMessage *as_message(const void *value) {
  const void *message;
  memcpy(&message, value, sizeof message);
  return message;
}

static bool given(const ProtobufCFieldDescriptor *f, const void *value) {
  switch (f->type) {
  case PROTOBUF_C_TYPE_STRING: return as_text(value)[strspn(as_text(value), " \t\r\n")] != '\0';
  case PROTOBUF_C_TYPE_MESSAGE: return as_message(value) != NULL;
  case PROTOBUF_C_TYPE_BYTES: return ((const ProtobufCBinaryData *)value)->len > 0;
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_UINT64: return *(const int64_t *)value != 0;
  default: return *(const int32_t *)value != 0; /* enums, int32, uint32, bool */
  }
}

/* --- forms of codes --- */

/* 'A' upper-case letter, 'a' lower-case letter, 'x' upper-case letter or digit. */
static bool matches(const char *text, const char *form) {
  for (; *form; form++, text++) {
    bool upper = *text >= 'A' && *text <= 'Z', digit = *text >= '0' && *text <= '9';
    bool lower = *text >= 'a' && *text <= 'z';
    bool fits = *form == 'A' ? upper : *form == 'a' ? lower : *form == 'x' ? upper || digit : *text == *form;
    if (!fits) return false;
  }
  return *text == '\0';
}

/* A date of which only the month, or only the year, is known. */
static bool part_of_date(const char *text) {
  static const char first[] = "0001-01-01";
  char whole[sizeof first];
  int32_t day;
  const size_t len = strlen(text);
  if (len != strlen("YYYY") && len != strlen("YYYY-MM") && len != strlen(first)) return false;
  snprintf(whole, sizeof whole, "%s%s", text, first + len);
  return cor_day_parse(whole, &day);
}

static bool well_formed(cor_content_kind kind, const void *value) {
  int32_t day;
  switch (kind) {
  case COR_ANY: return true;
  case COR_DATE: return cor_day_parse(as_text(value), &day);
  case COR_PART_DATE: return part_of_date(as_text(value));
  case COR_COUNTRY: return matches(as_text(value), "AA");
  case COR_AREA:
    return matches(as_text(value), "AA-x") || matches(as_text(value), "AA-xx") ||
           matches(as_text(value), "AA-xxx");
  case COR_LANGUAGE: return matches(as_text(value), "aa") || matches(as_text(value), "aaa");
  case COR_CURRENCY: return matches(as_text(value), "AAA");
  case COR_OFFICE: return cor_office_valid(as_text(value));
  case COR_BYTES_16: return ((const ProtobufCBinaryData *)value)->len == COR_ID_LEN;
  case COR_BYTES_32: return ((const ProtobufCBinaryData *)value)->len == COR_HASH_LEN;
  }
  return false;
}

static const char *form_name(cor_content_kind kind) {
  static const char *const names[] = {
      [COR_ANY] = "present",
      [COR_DATE] = "a date YYYY-MM-DD",
      [COR_PART_DATE] = "a date YYYY-MM-DD, YYYY-MM or YYYY",
      [COR_COUNTRY] = "an ISO 3166-1 code of two capitals",
      [COR_AREA] = "an ISO 3166-2 code",
      [COR_LANGUAGE] = "an ISO 639 code of two or three small letters",
      [COR_CURRENCY] = "an ISO 4217 code",
      [COR_OFFICE] = "an office id",
      [COR_BYTES_16] = "16 bytes",
      [COR_BYTES_32] = "32 bytes",
  };
  return names[kind];
}

/* --- a rule --- */

static bool missing(const cor_content_rule *rule, const pointer *where, cor_error *err) {
  if (rule->need == COR_MAY) return true;
  return cor_fail(err, COR_MISSING_FIELD, where->text, "this field must be filled in; rule: %s", rule->cite);
}

static bool check_values(const cor_content_rule *rule, const ProtobufCMessage *m,
                         const ProtobufCFieldDescriptor *f, const pointer *where, cor_error *err) {
  size_t n = value_count(m, f);
  if (n == 0) return missing(rule, where, err);
  for (size_t i = 0; i < n; i++) {
    const void *value = value_at(m, f, i);
    pointer at = is_list(f) ? below_index(where, i) : *where;
    if (!given(f, value) && !is_list(f)) return missing(rule, where, err);
    if (!given(f, value) || !well_formed(rule->kind, value))
      return cor_fail(err, COR_BAD_INPUT, at.text, "must be %s; rule: %s", form_name(rule->kind), rule->cite);
  }
  return true;
}

/* Follows "child/guardian_host/name" down; the schema's depth bounds it. */
static bool apply(const cor_content_rule *rule, const ProtobufCMessage *m, const char *path,
                  const pointer *base, cor_error *err) {
  char name[NAME_MAX_LEN];
  size_t len = strcspn(path, "/");
  snprintf(name, sizeof name, "%.*s", (int)len, path);
  const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(m->descriptor, name);
  if (!f) return cor_fail(err, COR_INTERNAL, path, "a content rule names a field the schema does not have");
  pointer where = below_field(base, f->name);
  if (path[len] == '\0') return check_values(rule, m, f, &where, err);
  for (size_t i = 0; i < value_count(m, f); i++) {
    const ProtobufCMessage *next = as_message(value_at(m, f, i));
    pointer at = is_list(f) ? below_index(&where, i) : where;
    if (!(next ? apply(rule, next, path + len + 1, &at, err) : missing(rule, &at, err))) return false;
  }
  return true;
}

/* --- bounds --- */

/* The one field that holds bytes of a file rather than a word or a digest. */
static bool is_file_part(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f) {
  return m->descriptor == &corridor__v1__attachment_chunk__descriptor && strcmp(f->name, "data") == 0;
}

static bool bounded(const ProtobufCMessage *m, const pointer *base, cor_error *err) {
  for (unsigned k = 0; k < m->descriptor->n_fields; k++) {
    const ProtobufCFieldDescriptor *f = &m->descriptor->fields[k];
    pointer where = below_field(base, f->name);
    size_t n = value_count(m, f);
    if (is_list(f) && n > (f->type == PROTOBUF_C_TYPE_BYTES ? ID_LIST_MAX : LIST_MAX))
      return cor_fail(err, COR_TOO_LARGE, where.text, "the list has more entries than are allowed");
    for (size_t i = 0; i < n; i++) {
      const void *value = value_at(m, f, i);
      pointer at = is_list(f) ? below_index(&where, i) : where;
      size_t len = f->type == PROTOBUF_C_TYPE_STRING  ? strnlen(as_text(value), TEXT_MAX + 1)
                   : f->type == PROTOBUF_C_TYPE_BYTES ? ((const ProtobufCBinaryData *)value)->len
                                                      : 0;
      if (len > TEXT_MAX && !(len <= COR_CHUNK_BYTES && is_file_part(m, f)))
        return cor_fail(err, COR_TOO_LARGE, at.text, "longer than %d bytes", TEXT_MAX);
      if (f->type == PROTOBUF_C_TYPE_MESSAGE && as_message(value) && !bounded(as_message(value), &at, err))
        return false;
    }
  }
  return true;
}

bool cor_content_check(Corridor__V1__MessageType type, Corridor__V1__Compartment c,
                       const ProtobufCMessage *body, const char *path_prefix, cor_error *err) {
  pointer base = {""};
  snprintf(base.text, sizeof base.text, "%s", path_prefix ? path_prefix : "");
  if (body->descriptor != cor_sop_body(type, c) || !body->descriptor)
    return cor_fail(err, COR_BAD_INPUT, base.text, "the body is not the one this type and compartment have");
  if (!bounded(body, &base, err)) return false;
  const cor_content_rule *rule;
  for (size_t i = 0; (rule = cor_content_rule_at(i)); i++)
    if (rule->type == type && rule->compartment == c && (!rule->when || rule->when(body)) &&
        !apply(rule, body, rule->field, &base, err))
      return false;
  const cor_content_relation *relation;
  for (size_t i = 0; (relation = cor_content_relation_at(i)); i++) {
    cor_content_fault fault = {"", ""};
    if (relation->type != type || relation->compartment != c) continue;
    int code = relation->check(body, &fault);
    if (code != COR_OK) {
      char path[POINTER_MAX];
      snprintf(path, sizeof path, "%.60s%s", base.text, fault.field);
      return cor_fail(err, code, path, "%s", fault.why);
    }
  }
  return true;
}
