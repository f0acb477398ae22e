/* schema.h - every message of the schema, and one of each with every field filled.
 *
 * Tests that must hold for all messages walk this list; test_codec counts it
 * against the .proto files, so that a new message cannot be forgotten. */
#ifndef CORRIDOR_TEST_SCHEMA_H
#define CORRIDOR_TEST_SCHEMA_H
#include <corridor/v1/attachment.pb-c.h>
#include <corridor/v1/card.pb-c.h>
#include <corridor/v1/case.pb-c.h>
#include <corridor/v1/consent.pb-c.h>
#include <corridor/v1/duplicate.pb-c.h>
#include <corridor/v1/envelope.pb-c.h>
#include <corridor/v1/record.pb-c.h>
#include <corridor/v1/referral.pb-c.h>
#include <corridor/v1/session.pb-c.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const ProtobufCMessageDescriptor *const every_message[] = {
    &corridor__v1__attachment_chunk__descriptor,
    &corridor__v1__giver__descriptor,
    &corridor__v1__evidence__descriptor,
    &corridor__v1__consent_form__descriptor,
    &corridor__v1__evidence_file__descriptor,
    &corridor__v1__sealing_cert__descriptor,
    &corridor__v1__card__descriptor,
    &corridor__v1__agreement__descriptor,
    &corridor__v1__permission__descriptor,
    &corridor__v1__consent_policy__descriptor,
    &corridor__v1__suspended_region__descriptor,
    &corridor__v1__utc_offset__descriptor,
    &corridor__v1__calendar__descriptor,
    &corridor__v1__card_list__descriptor,
    &corridor__v1__card_request__descriptor,
    &corridor__v1__place__descriptor,
    &corridor__v1__prior_assistance__descriptor,
    &corridor__v1__guardian_ref__descriptor,
    &corridor__v1__child_safeguards__descriptor,
    &corridor__v1__case_file_casework__descriptor,
    &corridor__v1__contact__descriptor,
    &corridor__v1__case_file_operations__descriptor,
    &corridor__v1__basis_decision__descriptor,
    &corridor__v1__case_file_health__descriptor,
    &corridor__v1__escort__descriptor,
    &corridor__v1__abn__descriptor,
    &corridor__v1__abn_confirm__descriptor,
    &corridor__v1__ticket_issued__descriptor,
    &corridor__v1__departure_confirmation__descriptor,
    &corridor__v1__arrival_notice__descriptor,
    &corridor__v1__duplicate_question__descriptor,
    &corridor__v1__duplicate_answer__descriptor,
    &corridor__v1__signature__descriptor,
    &corridor__v1__checkpoint__descriptor,
    &corridor__v1__header__descriptor,
    &corridor__v1__cover__descriptor,
    &corridor__v1__envelope__descriptor,
    &corridor__v1__sealed__descriptor,
    &corridor__v1__admission_receipt__descriptor,
    &corridor__v1__delivery_receipt__descriptor,
    &corridor__v1__signed_content__descriptor,
    &corridor__v1__refusal__descriptor,
    &corridor__v1__registration__descriptor,
    &corridor__v1__consent_scope__descriptor,
    &corridor__v1__consent_record__descriptor,
    &corridor__v1__consent_withdrawal__descriptor,
    &corridor__v1__suspension_notice__descriptor,
    &corridor__v1__suspension_answer__descriptor,
    &corridor__v1__erasure_statement__descriptor,
    &corridor__v1__data_request__descriptor,
    &corridor__v1__data_notice__descriptor,
    &corridor__v1__data_statement__descriptor,
    &corridor__v1__basis_statement__descriptor,
    &corridor__v1__content_statement__descriptor,
    &corridor__v1__access_statement__descriptor,
    &corridor__v1__end_notice__descriptor,
    &corridor__v1__withdrawal_notice__descriptor,
    &corridor__v1__obligation_notice__descriptor,
    &corridor__v1__bundled_notice__descriptor,
    &corridor__v1__notice_bundle__descriptor,
    &corridor__v1__log_record__descriptor,
    &corridor__v1__referral_offer__descriptor,
    &corridor__v1__referral_answer__descriptor,
    &corridor__v1__referral_handover__descriptor,
    &corridor__v1__service_report__descriptor,
    &corridor__v1__hello__descriptor,
    &corridor__v1__welcome__descriptor,
    &corridor__v1__credit__descriptor,
    &corridor__v1__submission__descriptor,
    &corridor__v1__result__descriptor,
    &corridor__v1__results__descriptor,
    &corridor__v1__delivery__descriptor,
    &corridor__v1__receipts__descriptor,
    &corridor__v1__ping__descriptor,
    &corridor__v1__pong__descriptor,
    &corridor__v1__bye__descriptor,
};
enum { EVERY_MESSAGE = sizeof every_message / sizeof every_message[0], FILLED_LIST = 2 };

static ProtobufCMessage *filled_message(const ProtobufCMessageDescriptor *type);

static void fill_value(const ProtobufCFieldDescriptor *field, size_t i, void *at) {
  const ProtobufCEnumDescriptor *words = field->descriptor;
  ProtobufCBinaryData bytes = {16, NULL};
  switch (field->type) {
  case PROTOBUF_C_TYPE_BOOL: *(protobuf_c_boolean *)at = 1; break;
  case PROTOBUF_C_TYPE_INT32: *(int32_t *)at = -20514 - (int32_t)i; break;
  case PROTOBUF_C_TYPE_UINT32: *(uint32_t *)at = UINT32_MAX - (uint32_t)i; break;
  case PROTOBUF_C_TYPE_INT64: *(int64_t *)at = INT64_C(1772442000000) + 1000 * (int64_t)i; break;
  case PROTOBUF_C_TYPE_UINT64: *(uint64_t *)at = UINT64_MAX - i; break;
  case PROTOBUF_C_TYPE_ENUM: *(int *)at = words->values[words->n_values - 1].value; break;
  case PROTOBUF_C_TYPE_STRING:
    *(char **)at = strdup("Testina Exempl\xC3\xA8re \"/~\\\n\xF0\x9F\x9B\x82");
    break;
  case PROTOBUF_C_TYPE_BYTES:
    bytes.data = malloc(bytes.len);
    memset(bytes.data, 0xFB, bytes.len);
    *(ProtobufCBinaryData *)at = bytes;
    break;
  default: *(ProtobufCMessage **)at = filled_message(field->descriptor); break;
  }
}

static size_t value_size(ProtobufCType type) {
  switch (type) {
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_UINT64:
  case PROTOBUF_C_TYPE_STRING:
  case PROTOBUF_C_TYPE_MESSAGE: return 8;
  case PROTOBUF_C_TYPE_BYTES: return 16;
  default: return 4;
  }
}

/* No field is left at its default; free with cor_message_free. */
static ProtobufCMessage *filled_message(const ProtobufCMessageDescriptor *type) {
  uint8_t *message = malloc(type->sizeof_message);
  protobuf_c_message_init(type, message);
  for (unsigned f = 0; f < type->n_fields; f++) {
    const ProtobufCFieldDescriptor *field = &type->fields[f];
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
      fill_value(field, 0, message + field->offset);
      continue;
    }
    uint8_t *items = malloc(FILLED_LIST * value_size(field->type));
    for (size_t i = 0; i < FILLED_LIST; i++)
      fill_value(field, i, items + i * value_size(field->type));
    *(size_t *)(void *)(message + field->quantifier_offset) = FILLED_LIST;
    *(uint8_t **)(void *)(message + field->offset) = items;
  }
  return (ProtobufCMessage *)(void *)message;
}
#endif
