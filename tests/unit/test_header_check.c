/* test_header_check.c - one well formed header, and one change at a time that
 * must be named by its field. */
#include "corridor/gate.h"
#include "corridor/id.h"
#include "corridor/refusal.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(1772442000000)

typedef struct sample {
  Corridor__V1__Header h;
  Corridor__V1__Checkpoint checkpoint;
  Corridor__V1__DataCategory categories[3];
  uint8_t id[COR_ID_LEN], other[COR_ID_LEN], digest[COR_HASH_LEN];
} sample;

static void abn(sample *s) {
  memset(s, 0, sizeof *s);
  corridor__v1__header__init(&s->h);
  corridor__v1__checkpoint__init(&s->checkpoint);
  cor_id_new(s->id, NOW);
  s->h.version = 1;
  s->h.table_version = COR_SOP_VERSION;
  s->h.type = COR_T(ABN);
  s->h.message_id = (ProtobufCBinaryData){COR_ID_LEN, s->id};
  s->h.sender = (char *)"iom-ne";
  s->h.recipient = (char *)"iom-gn";
  s->h.compartment = COR_C(OPERATIONS);
  s->h.handle = s->h.consent_id = (ProtobufCBinaryData){COR_ID_LEN, s->other};
  s->h.purpose = COR_PURPOSE(TRAVEL_ARRANGEMENT);
  s->h.basis = COR_BASIS(CONSENT);
  s->categories[0] = COR_CAT(OPERATIONAL);
  s->categories[1] = COR_CAT(TRAVEL);
  s->h.categories = s->categories;
  s->h.n_categories = 2;
  s->h.sent_at = NOW;
  s->h.expires_at = NOW + 1;
  s->h.event_at = NOW + 5;
  s->h.body_size = 1;
  s->h.body_sha256 = (ProtobufCBinaryData){COR_HASH_LEN, s->digest};
}

#define CHANGE(name, statement)                                                                              \
  static void name(sample *s) {                                                                              \
    statement;                                                                                               \
  }
CHANGE(nothing, (void)s)
CHANGE(reply, s->h.in_reply_to = s->h.handle)
CHANGE(checkpoint, s->h.checkpoint = &s->checkpoint; s->checkpoint.root = s->h.body_sha256)
CHANGE(checkpoint_short, s->h.checkpoint = &s->checkpoint)
CHANGE(version_two, s->h.version = 2)
CHANGE(type_unknown, s->h.type = (Corridor__V1__MessageType)99)
CHANGE(table_zero, s->h.table_version = 0)
CHANGE(sender_shouts, s->h.sender = (char *)"IOM")
CHANGE(recipient_empty, s->h.recipient = (char *)"")
CHANGE(recipient_self, s->h.recipient = s->h.sender)
CHANGE(recipient_hub, s->h.recipient = (char *)"hub")
CHANGE(id_short, s->h.message_id.len = 15)
CHANGE(id_absent, s->h.message_id.len = 0)
CHANGE(id_not_v7, s->id[6] = 0x40)
CHANGE(handle_absent, s->h.handle.len = 0)
CHANGE(handle_long, s->h.handle.len = 17)
CHANGE(consent_absent, s->h.consent_id.len = 0)
CHANGE(consent_beside_other_basis, s->h.basis = COR_BASIS(NO_PERSONAL_DATA))
CHANGE(reply_short, s->h.in_reply_to = s->h.handle; s->h.in_reply_to.len = 3)
CHANGE(compartment_health, s->h.compartment = COR_C(HEALTH))
CHANGE(compartment_wild, s->h.compartment = (Corridor__V1__Compartment)4000)
CHANGE(purpose_zero, s->h.purpose = 0)
CHANGE(basis_zero, s->h.basis = 0)
CHANGE(outcome_uncalled, s->h.outcome = COR_OUTCOME(YES))
CHANGE(categories_none, s->h.n_categories = 0)
CHANGE(categories_twice, s->categories[1] = COR_CAT(OPERATIONAL))
CHANGE(categories_falling, s->categories[0] = COR_CAT(LEGAL))
CHANGE(categories_wild, s->categories[1] = (Corridor__V1__DataCategory)(COR_CAT(ASYLUM) + 1))
CHANGE(sent_zero, s->h.sent_at = 0)
CHANGE(sent_wild, s->h.sent_at = INT64_MAX)
CHANGE(expires_before, s->h.expires_at = NOW)
CHANGE(expires_wild, s->h.expires_at = INT64_MAX)
CHANGE(event_absent, s->h.event_at = 0)
CHANGE(boarded_no_event, s->h.type = COR_T(DEPARTURE_CONFIRMATION); s->h.outcome = COR_OUTCOME(YES);
       s->h.event_at = 0)
CHANGE(not_boarded, s->h.type = COR_T(DEPARTURE_CONFIRMATION); s->h.outcome = COR_OUTCOME(NO);
       s->h.event_at = 0)
CHANGE(not_boarded_departed, s->h.type = COR_T(DEPARTURE_CONFIRMATION); s->h.outcome = COR_OUTCOME(NO))
CHANGE(event_negative, s->h.event_at = -1)
CHANGE(event_wild, s->h.event_at = INT64_MAX)
CHANGE(body_empty, s->h.body_size = 0)
CHANGE(body_huge, s->h.body_size = COR_BODY_MAX + 1)
CHANGE(digest_short, s->h.body_sha256.len = 31)

static void confirm(sample *s) {
  s->h.type = COR_T(ABN_CONFIRM);
  s->h.basis = COR_BASIS(NO_PERSONAL_DATA);
  s->h.consent_id.len = 0;
  s->h.n_categories = 1;
  s->h.event_at = 0;
  s->h.outcome = COR_OUTCOME(NO);
}
static void confirm_without_outcome(sample *s) {
  confirm(s);
  s->h.outcome = 0;
}
static void confirm_with_event(sample *s) {
  confirm(s);
  s->h.event_at = NOW;
}
static void registration(sample *s) {
  confirm(s);
  s->h.type = COR_T(REGISTRATION);
  s->h.recipient = (char *)"hub";
  s->h.compartment = COR_C(RECORD);
  s->h.purpose = COR_PURPOSE(RECORD_KEEPING);
  s->h.basis = COR_BASIS(RECORD_DUTY);
  s->h.outcome = 0;
}
static void registration_to_an_office(sample *s) {
  registration(s);
  s->h.recipient = (char *)"iom-gn";
}
static void offer(sample *s) {
  s->h.type = COR_T(REFERRAL);
  s->h.compartment = COR_C(CASEWORK);
  s->h.purpose = COR_PURPOSE(REINTEGRATION);
  s->h.basis = COR_BASIS(NO_PERSONAL_DATA);
  s->h.consent_id.len = 0;
  s->h.n_categories = 1;
}
static void offer_with_consent_id(sample *s) {
  offer(s);
  s->h.consent_id = s->h.handle;
}

#define CASE(change, code, path)                                                                             \
  { #change, change, code, path }
/* clang-format off */
static const struct { const char *name; void (*change)(sample *); int code; const char *path; } cases[] = {
  CASE(nothing, COR_OK, ""),
  CASE(reply, COR_OK, ""),
  CASE(checkpoint, COR_OK, ""),
  CASE(confirm, COR_OK, ""),
  CASE(registration, COR_OK, ""),
  CASE(offer, COR_OK, ""),
  CASE(checkpoint_short, COR_BAD_INPUT, "checkpoint"),
  CASE(version_two, COR_UNSUPPORTED_VERSION, "version"),
  CASE(type_unknown, COR_UNKNOWN_ENUM, "type"),
  CASE(table_zero, COR_MISSING_FIELD, "table_version"),
  CASE(sender_shouts, COR_BAD_INPUT, "sender"),
  CASE(recipient_empty, COR_BAD_INPUT, "recipient"),
  CASE(recipient_self, COR_BAD_INPUT, "recipient"),
  CASE(recipient_hub, COR_BAD_INPUT, "recipient"),
  CASE(registration_to_an_office, COR_BAD_INPUT, "recipient"),
  CASE(id_short, COR_BAD_INPUT, "message_id"),
  CASE(id_absent, COR_MISSING_FIELD, "message_id"),
  CASE(id_not_v7, COR_BAD_INPUT, "message_id"),
  CASE(handle_absent, COR_MISSING_FIELD, "handle"),
  CASE(handle_long, COR_BAD_INPUT, "handle"),
  CASE(consent_absent, COR_MISSING_FIELD, "consent_id"),
  CASE(consent_beside_other_basis, COR_BAD_INPUT, "consent_id"),
  CASE(offer_with_consent_id, COR_BAD_INPUT, "consent_id"),
  CASE(reply_short, COR_BAD_INPUT, "in_reply_to"),
  CASE(compartment_health, COR_BAD_INPUT, "compartment"),
  CASE(compartment_wild, COR_BAD_INPUT, "compartment"),
  CASE(purpose_zero, COR_BAD_INPUT, "purpose"),
  CASE(basis_zero, COR_MISSING_FIELD, "basis"),
  CASE(outcome_uncalled, COR_BAD_INPUT, "outcome"),
  CASE(confirm_without_outcome, COR_MISSING_FIELD, "outcome"),
  CASE(categories_none, COR_MISSING_FIELD, "categories"),
  CASE(categories_twice, COR_BAD_INPUT, "categories"),
  CASE(categories_falling, COR_BAD_INPUT, "categories"),
  CASE(categories_wild, COR_UNKNOWN_ENUM, "categories"),
  CASE(sent_zero, COR_BAD_INPUT, "sent_at"),
  CASE(sent_wild, COR_BAD_INPUT, "sent_at"),
  CASE(expires_before, COR_BAD_INPUT, "expires_at"),
  CASE(expires_wild, COR_BAD_INPUT, "expires_at"),
  CASE(event_absent, COR_MISSING_FIELD, "event_at"),
  CASE(boarded_no_event, COR_MISSING_FIELD, "event_at"),
  CASE(not_boarded, COR_OK, ""),
  CASE(not_boarded_departed, COR_BAD_INPUT, "event_at"),
  CASE(event_negative, COR_BAD_INPUT, "event_at"),
  CASE(event_wild, COR_BAD_INPUT, "event_at"),
  CASE(confirm_with_event, COR_BAD_INPUT, "event_at"),
  CASE(body_empty, COR_TOO_LARGE, "body_size"),
  CASE(body_huge, COR_TOO_LARGE, "body_size"),
  CASE(digest_short, COR_BAD_INPUT, "body_sha256"),
};
/* clang-format on */

START_TEST(each_change_is_named) {
  sample s;
  cor_error err = {0};
  abn(&s);
  cases[_i].change(&s);
  bool ok = cor_header_check(&s.h, &err);
  ck_assert_msg(ok == (cases[_i].code == COR_OK), "%s: %s", cases[_i].name, err.detail);
  ck_assert_msg(err.code == cases[_i].code, "%s: code %d", cases[_i].name, err.code);
  ck_assert_str_eq(err.path, cases[_i].path);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("header_check");
  TCase *tc = tcase_create("header_check");
  tcase_add_loop_test(tc, each_change_is_named, 0, (int)(sizeof cases / sizeof *cases));
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
