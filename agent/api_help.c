/* api_help.c - reading what a request says, with the JSON Pointer of what is
 * wrong in it. Every value of a request passes one of these, or cor_json_read. */
#include "api.h"

#include "corridor/id.h"
#include "corridor/refusal.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool at(cor_error *err, int code, const char *name, const char *what) {
  char path[128];
  snprintf(path, sizeof path, "/%s", name);
  return cor_fail(err, code, path, "%s; nothing was kept", what);
}

bool api_only(const json_t *object, const char *const *names, cor_error *err) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)object, key, value) {
    size_t i = 0;
    while (names[i] != NULL && strcmp(names[i], key) != 0)
      i++;
    if (names[i] == NULL) return at(err, COR_BAD_INPUT, key, "this request has no such member");
  }
  return true;
}

const char *api_query(api_request *q, const char *name) {
  return MHD_lookup_connection_value(q->connection, MHD_GET_ARGUMENT_KIND, name);
}

bool api_text(const json_t *body, const char *name, bool required, const char **out, cor_error *err) {
  const json_t *value = json_object_get(body, name);
  *out = json_string_value(value);
  if (value == NULL) return !required || at(err, COR_MISSING_FIELD, name, "this member is needed");
  return *out != NULL || at(err, COR_BAD_INPUT, name, "must be text");
}

bool api_id(const json_t *body, const char *name, bool required, uint8_t out[COR_ID_LEN], bool *given,
            cor_error *err) {
  const char *text;
  if (!api_text(body, name, required, &text, err)) return false;
  *given = text != NULL;
  return text == NULL || cor_id_parse(text, out) ||
         at(err, COR_BAD_INPUT, name, "must be an id of 32 hex digits");
}

bool api_time(const json_t *body, const char *name, int64_t *out, cor_error *err) {
  const json_t *value = json_object_get(body, name);
  const char *text = json_string_value(value);
  *out = 0;
  if (value == NULL) return true;
  if (json_is_integer(value))
    *out = json_integer_value(value);
  else if (text != NULL && text[0] != '\0' && strlen(text) <= 15 &&
           strspn(text, "0123456789") == strlen(text))
    *out = strtoll(text, NULL, 10); /* canonical JSON of an int64 */
  else if (text == NULL || !cor_time_parse(text, out))
    return at(err, COR_BAD_INPUT, name, "must be a time, 2026-03-02T09:00:00Z or milliseconds");
  return *out > 0 || at(err, COR_BAD_INPUT, name, "must be a time after 1970");
}

bool api_enum(const json_t *body, const char *name, const ProtobufCEnumDescriptor *type, int *out,
              cor_error *err) {
  const char *text;
  *out = 0;
  if (!api_text(body, name, false, &text, err)) return false;
  if (text == NULL) return true;
  const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value_by_name(type, text);
  if (value == NULL || value->value == 0)
    return at(err, COR_UNKNOWN_ENUM, name, "is not one of the known names");
  *out = value->value;
  return true;
}

bool api_categories(const json_t *body, const char *name, uint32_t *bits, cor_error *err) {
  const json_t *list = json_object_get(body, name), *item;
  size_t i;
  *bits = 0;
  if (list == NULL) return true;
  if (!json_is_array(list) || json_array_size(list) == 0)
    return at(err, COR_BAD_INPUT, name, "must be a list of categories");
  json_array_foreach(list, i, item) {
    const char *text = json_string_value(item);
    const ProtobufCEnumValue *value = text == NULL ? NULL
                                                   : protobuf_c_enum_descriptor_get_value_by_name(
                                                         &corridor__v1__data_category__descriptor, text);
    char path[64];
    snprintf(path, sizeof path, "%s/%zu", name, i);
    if (value == NULL || value->value <= 0) return at(err, COR_UNKNOWN_ENUM, path, "is not a data category");
    *bits |= COR_BIT(value->value);
  }
  return true;
}

bool api_query_needed(api_request *q, const char *name, const char **out, cor_error *err) {
  *out = api_query(q, name);
  return (*out != NULL && (*out)[0] != '\0') || at(err, COR_MISSING_FIELD, name, "this parameter is needed");
}

bool api_query_id(api_request *q, const char *name, uint8_t out[COR_ID_LEN], bool *given, cor_error *err) {
  const char *text = api_query(q, name);
  *given = text != NULL;
  return text == NULL || cor_id_parse(text, out) ||
         at(err, COR_BAD_INPUT, name, "must be an id of 32 hex digits");
}

bool api_query_enum(api_request *q, const char *name, const ProtobufCEnumDescriptor *type, int *out,
                    cor_error *err) {
  const char *text = api_query(q, name);
  const ProtobufCEnumValue *value = text == NULL ? NULL
                                                 : protobuf_c_enum_descriptor_get_value_by_name(type, text);
  *out = value == NULL ? 0 : value->value;
  return text == NULL || *out != 0 || at(err, COR_UNKNOWN_ENUM, name, "is not one of the known names");
}

bool api_case(api_request *q, const char *name, store_case *out, cor_error *err) {
  uint8_t handle[COR_ID_LEN], hash[COR_HASH_LEN];
  char reference[COR_REFERENCE_TEXT];
  store_found found = STORE_ABSENT;
  if (cor_id_parse(name, handle))
    found = store_case_get(q->a->store, handle, out, err);
  else if (cor_reference_parse(name, reference)) {
    cor_reference_hash(reference, hash);
    found = store_case_by_reference(q->a->store, hash, out, err);
  }
  /* Of which only something restricted is here: as if it were not, as in the list. */
  if (found == STORE_FOUND && out->last_type == 0 && !(q->visible & COR_RESTRICTED)) found = STORE_ABSENT;
  if (found == STORE_ABSENT)
    return cor_fail(err, COR_NO_SUCH_CASE, "/case", "this office knows no such case; nothing was kept");
  return found == STORE_FOUND;
}

bool api_filter(api_request *q, store_filter *out, cor_error *err) {
  enum { DEFAULT = 100, MOST = 1000 };
  const char *box = api_query(q, "box"), *limit = api_query(q, "limit");
  *out = (store_filter){.outgoing = box != NULL && strcmp(box, "out") == 0,
                        .compartments = q->visible,
                        .limit = limit == NULL ? DEFAULT : strtol(limit, NULL, 10)};
  if (box != NULL && strcmp(box, "out") != 0 && strcmp(box, "in") != 0)
    return cor_fail(err, COR_BAD_INPUT, "/box", "box is in or out");
  return (out->limit >= 1 && out->limit <= MOST) ||
         cor_fail(err, COR_BAD_INPUT, "/limit", "limit is 1 to %d", MOST);
}

bool api_filter_case(api_request *q, store_filter *filter, store_case *c, cor_error *err) {
  const char *name = api_query(q, "case");
  if (name == NULL) return true;
  filter->handle = c->handle;
  return api_case(q, name, c, err);
}
