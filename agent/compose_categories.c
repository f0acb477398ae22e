/* compose_categories.c - which data categories a body really carries.
 *
 * For: the header's default categories. What is declared decides which consent
 * and agreement must cover it, so it is read off the filled-in fields rather
 * than guessed: a field is in the category its row names, else in its message's
 * own. Source: data dictionary 3.1-3.7, columns "class", and the list of
 * categories in codes.proto. A field the SOP row does not allow is refused by
 * the gate, not hidden here. Nothing can fail. */
#include "compose.h"

#include <string.h>

typedef struct field_row {
  const ProtobufCMessageDescriptor *body;
  const char *field; /* NULL: every other field of this body */
  Corridor__V1__DataCategory category;
} field_row;

#define FILE_CW &corridor__v1__case_file_casework__descriptor
#define FILE_OP &corridor__v1__case_file_operations__descriptor
#define ABN_BODY &corridor__v1__abn__descriptor
#define HANDOVER &corridor__v1__referral_handover__descriptor
#define REPORT &corridor__v1__service_report__descriptor

/* clang-format off */
static const field_row fields[] = {
  {FILE_CW, "skills", COR_CAT(EDUCATION)},
  {FILE_CW, "intended_return", COR_CAT(TRAVEL)},
  {FILE_CW, "travel_document", COR_CAT(TRAVEL)},
  {FILE_CW, "child", COR_CAT(CHILD_BID)},
  {FILE_CW, "prior_assistance", COR_CAT(ECONOMIC)},
  {FILE_CW, "draft_plan", COR_CAT(ECONOMIC)},
  {FILE_CW, "detained", COR_CAT(LEGAL)},
  {FILE_CW, "immigration_detention_only", COR_CAT(LEGAL)},
  {FILE_CW, "access_confidential", COR_CAT(LEGAL)},
  {FILE_CW, "contact", COR_CAT(CONTACT)},
  {FILE_CW, NULL, COR_CAT(BIODATA)},
  {FILE_OP, "travel_document", COR_CAT(TRAVEL)},
  {FILE_OP, "intended_return", COR_CAT(TRAVEL)},
  {FILE_OP, "instructions", COR_CAT(INSTRUCTION)},
  {FILE_OP, NULL, COR_CAT(BIODATA)},
  {&corridor__v1__case_file_health__descriptor, NULL, COR_CAT(HEALTH_DATA)},
  {&corridor__v1__attachment_chunk__descriptor, NULL, COR_CAT(BIODATA)},
  {ABN_BODY, "case_ref", COR_CAT(BIODATA)},
  {ABN_BODY, "profile_summary", COR_CAT(BIODATA)},
  {ABN_BODY, "vulnerability_summary", COR_CAT(BIODATA)},
  {ABN_BODY, "prior_assistance", COR_CAT(BIODATA)},
  {ABN_BODY, "special_attention", COR_CAT(INSTRUCTION)},
  {ABN_BODY, NULL, COR_CAT(TRAVEL)},
  {&corridor__v1__ticket_issued__descriptor, NULL, COR_CAT(TRAVEL)},
  {&corridor__v1__departure_confirmation__descriptor, NULL, COR_CAT(TRAVEL)},
  {&corridor__v1__arrival_notice__descriptor, NULL, COR_CAT(TRAVEL)},
  {&corridor__v1__duplicate_question__descriptor, NULL, COR_CAT(BIODATA)},
  {HANDOVER, "contact", COR_CAT(CONTACT)},
  {HANDOVER, "skills", COR_CAT(EDUCATION)},
  {HANDOVER, "basis_decision", COR_CAT(HEALTH_DATA)}, /* why it could not wait for consent */
  {HANDOVER, NULL, COR_CAT(BIODATA)},
  {REPORT, "state", COR_CAT(OPERATIONAL)},
  {REPORT, "since", COR_CAT(OPERATIONAL)},
  {REPORT, NULL, COR_CAT(MONITORING_DATA)},
};
/* clang-format on */

static bool filled_in(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
  const char *base = (const char *)message;
  const void *at = base + field->offset;
  size_t count;
  if (field->label == PROTOBUF_C_LABEL_REPEATED) {
    memcpy(&count, base + field->quantifier_offset, sizeof count);
    return count > 0;
  }
  switch (field->type) {
  case PROTOBUF_C_TYPE_STRING: {
    const char *text = *(const char *const *)at;
    return text != NULL && text[0] != '\0';
  }
  case PROTOBUF_C_TYPE_MESSAGE: return *(const void *const *)at != NULL;
  case PROTOBUF_C_TYPE_BYTES: return ((const ProtobufCBinaryData *)at)->len > 0;
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_UINT64: return *(const int64_t *)at != 0;
  default: return *(const int32_t *)at != 0;
  }
}

static uint32_t category_of(const ProtobufCMessageDescriptor *body, const char *field) {
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (fields[i].body == body && (fields[i].field == NULL || strcmp(fields[i].field, field) == 0))
      return COR_BIT(fields[i].category);
  return COR_BIT(COR_CAT(OPERATIONAL));
}

uint32_t compose_categories(const ProtobufCMessage *body) {
  uint32_t bits = 0;
  for (unsigned i = 0; i < body->descriptor->n_fields; i++)
    if (filled_in(body, &body->descriptor->fields[i]))
      bits |= category_of(body->descriptor, body->descriptor->fields[i].name);
  return bits != 0 ? bits : COR_BIT(COR_CAT(OPERATIONAL));
}
