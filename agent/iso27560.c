/* iso27560.c - consents in the shape of ISO/IEC TS 27560:2023, both ways.
 *
 * One scope of ours is one purpose of the standard's; scope, purpose and recipient
 * have the names of the table in proto/consent.c (urn:corridor:...). What has no
 * field in the standard stands under "urn:corridor:onward", as it allows.
 * Guarantees: an export of this office, imported, gives the same scopes,
 * validity, language and method; unknown names are refused with their place.
 * Trusts nothing of an import: what comes of it passes every check of a consent
 * typed in. */
#include "iso27560.h"

#include "corridor/clock.h"
#include "corridor/consent.h"
#include "corridor/id.h"
#include "corridor/json.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"

#include <stdio.h>
#include <string.h>

#define SCHEMA "ISO/IEC TS 27560:2023"
#define ONWARD "urn:corridor:onward"
#define OFFICE "urn:corridor:office:"
#define ROLE "urn:corridor:role:"

static json_t *day_json(int64_t ms) {
  char text[COR_TIME_TEXT];
  return json_string(cor_day_text(cor_day_of(ms, 0), text));
}

static json_t *enum_json(const ProtobufCEnumDescriptor *type, int value) {
  const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(type, value);
  return json_string(known == NULL ? "" : known->name);
}

/* ---- writing ---- */

/* Classes S4 and S5 of the data dictionary: special categories. */
static bool is_special(Corridor__V1__DataCategory category) {
  const uint32_t special = COR_BIT(COR_CAT(HEALTH_DATA)) | COR_BIT(COR_CAT(MENTAL_HEALTH)) |
                           COR_BIT(COR_CAT(PROTECTION_RISK)) | COR_BIT(COR_CAT(CHILD_BID));
  return (unsigned)category < 32 && (special & COR_BIT(category)) != 0;
}

static json_t *information(const Corridor__V1__ConsentScope *scope) {
  json_t *list = json_array();
  for (size_t i = 0; i < scope->n_categories; i++)
    json_array_append_new(
        list, json_pack("{s:o, s:b}", "pii_type",
                        enum_json(&corridor__v1__data_category__descriptor, (int)scope->categories[i]),
                        "special_pii_category", is_special(scope->categories[i])));
  return list;
}

static json_t *recipient(const Corridor__V1__ConsentScope *scope) {
  char text[COR_URN_TEXT];
  const ProtobufCEnumValue *role = protobuf_c_enum_descriptor_get_value(&corridor__v1__role__descriptor,
                                                                        (int)scope->recipient_role);
  if (scope->recipient_office[0] != '\0')
    snprintf(text, sizeof text, OFFICE "%.40s", scope->recipient_office);
  else
    snprintf(text, sizeof text, ROLE "%.40s", role == NULL ? "" : role->name);
  return json_string(text);
}

static json_t *purpose(const Corridor__V1__ConsentScope *scope, const Corridor__V1__ConsentRecord *record,
                       const Corridor__V1__ConsentForm *form, const iso27560_context *context) {
  char kind[COR_URN_TEXT], use[COR_URN_TEXT];
  json_t *out = json_pack(
      "{s:s, s:s, s:s, s:o, s:[s], s:[o], s:o, s:s, s:b}", "purpose", cor_purpose_urn(scope->purpose, use),
      "purpose_type", cor_scope_urn(scope->scope, kind), "lawful_basis", "consent", "pii_information",
      information(scope), "pii_controllers", context->office, "recipient_third_parties", recipient(scope),
      "retention_period", day_json(record->valid_until), "withdrawal_method",
      "at any office, with the reference number and the code", ONWARD, scope->onward ? 1 : 0);
  if (form != NULL)
    json_object_set_new(out, "collection_method",
                        enum_json(&corridor__v1__consent_method__descriptor, (int)form->method));
  return out;
}

static json_t *processing(const Corridor__V1__ConsentRecord *record, const Corridor__V1__ConsentForm *form,
                          const iso27560_context *context) {
  json_t *purposes = json_array(), *out = json_object();
  for (size_t i = 0; i < record->n_scopes; i++)
    json_array_append_new(purposes, purpose(record->scopes[i], record, form, context));
  if (form != NULL) {
    json_object_set_new(out, "privacy_notice", json_string(form->form_version));
    json_object_set_new(out, "language", json_string(form->language));
  }
  json_object_set_new(out, "purposes", purposes);
  return out;
}

static json_t *parties(const Corridor__V1__ConsentForm *form, const iso27560_context *context) {
  json_t *list = json_pack("[{s:s, s:s, s:s}]", "party_id", context->office, "party_name",
                           context->office_name, "party_role", "PII controller");
  for (size_t i = 0; form != NULL && i < form->n_givers; i++)
    json_array_append_new(
        list, json_pack("{s:s, s:o}", "party_role", "consent giver", "party_type",
                        enum_json(&corridor__v1__giver_role__descriptor, (int)form->givers[i]->role)));
  return list;
}

static json_t *events(const Corridor__V1__ConsentRecord *record, const Corridor__V1__ConsentForm *form,
                      const iso27560_context *context) {
  char from[COR_TIME_TEXT], until[COR_TIME_TEXT], span[2 * COR_TIME_TEXT + 1];
  cor_day_text(cor_day_of(record->valid_from, 0), from);
  cor_day_text(cor_day_of(record->valid_until, 0), until);
  snprintf(span, sizeof span, "%s/%s", from, until);
  json_t *list = json_pack("[{s:s, s:s, s:s, s:s, s:s}]", "event_type", "explicit consent", "event_state",
                           "given", "event_time", form != NULL ? form->given_on : from, "validity_duration",
                           span, "entity_id", context->office);
  if (context->withdrawn_at != 0)
    json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:s}", "event_type", "explicit consent",
                                          "event_state", "withdrawn", "event_time",
                                          day_json(context->withdrawn_at), "entity_id", context->office));
  return list;
}

json_t *iso27560_write(const Corridor__V1__ConsentRecord *record, const Corridor__V1__ConsentForm *form,
                       const iso27560_context *context) {
  char id[COR_HEX32_TEXT], person[COR_HEX32_TEXT];
  return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "schema_version", SCHEMA, "record_id",
                   cor_hex((cor_bytes){record->consent_id.data, COR_ID_LEN}, id, sizeof id),
                   "pii_principal_id",
                   cor_hex((cor_bytes){context->case_handle, COR_ID_LEN}, person, sizeof person),
                   "pii_processing", processing(record, form, context), "party_identification",
                   parties(form, context), "event", events(record, form, context));
}

/* ---- reading ---- */

static bool bad(cor_error *err, const char *pointer, const char *why) {
  return cor_fail(err, COR_BAD_INPUT, pointer, "%s; nothing was kept", why);
}

/* Text below object, or NULL with err. */
static const char *text_of(const json_t *object, const char *name, const char *at, cor_error *err) {
  char pointer[128];
  const char *text = json_string_value(json_object_get(object, name));
  snprintf(pointer, sizeof pointer, "%s/%s", at, name);
  if (text == NULL) (void)cor_fail(err, COR_MISSING_FIELD, pointer, "this text is needed; nothing was kept");
  return text;
}

static bool read_recipient(const json_t *given, json_t *scope, const char *at, cor_error *err) {
  const json_t *list = json_object_get(given, "recipient_third_parties");
  const char *text = json_string_value(json_array_get(list, 0));
  if (json_array_size(list) != 1 || text == NULL)
    return bad(err, at, "recipient_third_parties names exactly one recipient");
  if (strncmp(text, OFFICE, strlen(OFFICE)) == 0)
    return json_object_set_new(scope, "recipientOffice", json_string(text + strlen(OFFICE))) == 0;
  if (strncmp(text, ROLE, strlen(ROLE)) == 0)
    return json_object_set_new(scope, "recipientRole", json_string(text + strlen(ROLE))) == 0;
  return bad(err, at, "a recipient is " OFFICE "ID or " ROLE "ROLE");
}

static json_t *read_categories(const json_t *given, const char *at, cor_error *err) {
  const json_t *list = json_object_get(given, "pii_information"), *item;
  json_t *out = json_array();
  size_t i;
  json_array_foreach(list, i, item) {
    const char *name = text_of(item, "pii_type", at, err);
    if (name == NULL) {
      json_decref(out);
      return NULL;
    }
    json_array_append_new(out, json_string(name));
  }
  return out;
}

static json_t *read_scope(const json_t *given, size_t i, cor_error *err) {
  char at[64];
  Corridor__V1__Purpose use;
  Corridor__V1__ConsentScopeCode kind;
  snprintf(at, sizeof at, "/iso27560/pii_processing/purposes/%zu", i);
  const char *use_text = text_of(given, "purpose", at, err), *basis;
  const char *kind_text = use_text == NULL ? NULL : text_of(given, "purpose_type", at, err);
  if (kind_text == NULL || (basis = text_of(given, "lawful_basis", at, err)) == NULL) return NULL;
  if (!cor_purpose_of_urn(use_text, &use) || !cor_scope_of_urn(kind_text, &kind) ||
      strcmp(basis, "consent") != 0) {
    (void)bad(err, at, "purpose, purpose_type or lawful_basis is not one of this programme's");
    return NULL;
  }
  json_t *categories = read_categories(given, at, err);
  if (categories == NULL) return NULL;
  json_t *scope = json_pack("{s:i, s:i, s:o, s:b}", "scope", (int)kind, "purpose", (int)use, "categories",
                            categories, "onward", json_is_true(json_object_get(given, ONWARD)));
  if (scope != NULL && read_recipient(given, scope, at, err)) return scope;
  json_decref(scope);
  return NULL;
}

static json_t *read_scopes(const json_t *processing_given, cor_error *err) {
  const json_t *list = json_object_get(processing_given, "purposes"), *item;
  json_t *out = json_array();
  size_t i;
  json_array_foreach(list, i, item) {
    json_t *scope = i < 32 ? read_scope(item, i, err) : NULL;
    if (i >= 32) (void)bad(err, "/iso27560/pii_processing/purposes", "at most 32 purposes");
    if (scope == NULL) {
      json_decref(out);
      return NULL;
    }
    json_array_append_new(out, scope);
  }
  return out;
}

/* The event that gave the consent, and that no other took it back. */
static const json_t *read_event(const json_t *iso, cor_error *err) {
  const json_t *list = json_object_get(iso, "event"), *item, *given = NULL;
  size_t i;
  json_array_foreach(list, i, item) {
    const char *state = json_string_value(json_object_get(item, "event_state"));
    if (state != NULL && strcmp(state, "given") == 0) given = item;
    if (state == NULL || strcmp(state, "given") != 0) {
      (void)bad(err, "/iso27560/event",
                "a consent that was withdrawn, refused or has ended is not recorded anew");
      return NULL;
    }
  }
  if (given == NULL) (void)bad(err, "/iso27560/event", "no event says that the consent was given");
  return given;
}

static bool read_span(const json_t *event, json_t *consent, cor_error *err) {
  const char *span = text_of(event, "validity_duration", "/iso27560/event", err);
  const char *slash = span == NULL ? NULL : strchr(span, '/');
  if (span == NULL) return false;
  if (slash == NULL) return bad(err, "/iso27560/event/validity_duration", "is FROM/UNTIL, two days");
  return json_object_set_new(consent, "validFrom", json_stringn(span, (size_t)(slash - span))) == 0 &&
         json_object_set_new(consent, "validUntil", json_string(slash + 1)) == 0;
}

/* What the record says of the form; the request's own form is laid over it. */
static json_t *read_form(const json_t *processing_given, const json_t *event, const json_t *request) {
  static const char *const names[][2] = {{"privacy_notice", "formVersion"}, {"language", "language"}};
  const json_t *own = json_object_get(request, "form");
  const json_t *first = json_array_get(json_object_get(processing_given, "purposes"), 0);
  if (own == NULL) return NULL;
  json_t *form = json_object();
  for (size_t i = 0; i < 2; i++)
    if (json_object_get(processing_given, names[i][0]) != NULL)
      json_object_set(form, names[i][1], json_object_get(processing_given, names[i][0]));
  if (json_object_get(first, "collection_method") != NULL)
    json_object_set(form, "method", json_object_get(first, "collection_method"));
  if (json_object_get(event, "event_time") != NULL)
    json_object_set(form, "givenOn", json_object_get(event, "event_time"));
  json_object_update(form, (json_t *)(uintptr_t)own);
  return form;
}

json_t *iso27560_read(const json_t *iso, const json_t *request, cor_error *err) {
  const json_t *given = json_object_get(iso, "pii_processing");
  json_t *out = NULL, *scopes = NULL;
  const char *schema = text_of(iso, "schema_version", "/iso27560", err);
  const char *id = schema == NULL ? NULL : text_of(iso, "record_id", "/iso27560", err);
  const json_t *event = id == NULL ? NULL : read_event(iso, err);
  if (event == NULL) return NULL;
  if (strcmp(schema, SCHEMA) != 0) {
    (void)bad(err, "/iso27560/schema_version", "is not " SCHEMA);
    return NULL;
  }
  if (json_object_get(request, "consent") != NULL) {
    (void)bad(err, "/consent", "stands in iso27560 already");
    return NULL;
  }
  if ((scopes = read_scopes(given, err)) == NULL) return NULL;
  json_t *consent = json_pack("{s:s, s:o}", "consentId", id, "scopes", scopes);
  out = json_copy((json_t *)(uintptr_t)request);
  json_t *form = read_form(given, event, request);
  json_object_del(out, "iso27560");
  if (form != NULL) json_object_set_new(out, "form", form);
  if (read_span(event, consent, err) && json_object_set(out, "consent", consent) == 0) {
    json_decref(consent);
    return out;
  }
  json_decref(consent);
  json_decref(out);
  return NULL;
}
