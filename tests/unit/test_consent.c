/* Who may consent to what, how, and until when: the table of scopes, and the form
 * beside the record, one change at a time. */
#include "quoted.h"
#include "corridor/clock.h"
#include "corridor/consent.h"
#include "corridor/json.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))
#define ID "02000000000000000000000000000000"
#define SALT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define DIGEST "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const char plain_record[] =
    "{'consentId': '" ID
    "', 'version': 1, 'scopes': [{'scope': 'RETURN_AND_DATA', 'purpose': 'RETURN_PREPARATION',"
    "'categories': ['BIODATA', 'CONTACT'], 'recipientOffice': 'gn-conakry'}],"
    "'validFrom': '2026-03-02', 'validUntil': '2027-04-01'}";
static const char plain_form[] =
    "{'salt': '" SALT "', 'consentId': '" ID
    "', 'version': 1, 'givers': [{'role': 'SELF'}], 'method': 'WRITTEN',"
    "'language': 'fr', 'formVersion': 'declaration 2025-11', 'givenOn': '2026-03-02',"
    "'evidence': [{'kind': 'PAPER_IN_FILE', 'keptAt': 'cabinet 3'}],"
    "'safeContact': {'phone': '+000', 'safeHours': '09-12', 'whoMayAnswer': 'herself'},"
    "'toldWhyAndHow': true, 'toldOfWithdrawal': true}";

#define SCOPE(x, purpose)                                                                                    \
  "{'scopes': [{'scope': '" x "', 'purpose': '" purpose "', 'categories': ['CONTACT'],"                      \
  "'recipientOffice': 'gn-conakry'}]}"
#define CHILD "'minor': true, 'majorityOn': '2031-08-20', 'viewOfChild': 'wants to go to her aunt'"
#define GUARDIAN                                                                                             \
  "'givers': [{'role': 'GUARDIAN_HOST', 'name': 'Test Guardian', 'relation': 'aunt', 'appointment': "        \
  "'court, 2026-01-05'}]"

/* The members of `record` and `form` replace those of the plain ones. */
/* clang-format off */
static const struct change { const char *record, *form; int code; const char *path; } changes[] = {
  {"{}", "{}", COR_OK, ""},
  /* both are of one consent */
  {"{'version': 2}", "{}", COR_BAD_INPUT, "/form"},
  {"{'consentId': '" "03000000000000000000000000000000" "'}", "{}", COR_BAD_INPUT, "/form"},
  /* what everyone is told */
  {"{}", "{'language': null}", COR_MISSING_FIELD, "/form/language"},
  {"{}", "{'formVersion': ' '}", COR_MISSING_FIELD, "/form/formVersion"},
  {"{}", "{'givenOn': '02/03/2026'}", COR_MISSING_FIELD, "/form/givenOn"},
  {"{}", "{'toldWhyAndHow': false}", COR_MISSING_FIELD, "/form/toldWhyAndHow"},
  {"{}", "{'toldOfWithdrawal': false}", COR_MISSING_FIELD, "/form/toldOfWithdrawal"},
  /* who gives it */
  {"{}", "{'givers': []}", COR_MISSING_FIELD, "/form/givers"},
  {"{}", "{'givers': [{}]}", COR_MISSING_FIELD, "/form/givers/0"},
  {"{}", "{'givers': [{'role': 'SELF', 'name': 'Testina Exemplar'}]}", COR_BAD_INPUT, "/form/givers/0"},
  {"{}", "{'givers': [{'role': 'PARENT', 'name': 'Test Parent'}]}", COR_MISSING_FIELD, "/form/givers/0"},
  {"{}", "{'givers': [{'role': 'PARENT', 'name': 'Test Parent', 'relation': 'mother'}]}", COR_OK, ""},
  {"{}", "{'givers': [{'role': 'GUARDIAN_ORIGIN', 'name': 'Test Guardian', 'relation': 'aunt'}]}", COR_MISSING_FIELD, "/form/givers/0"},
  {"{}", "{'givers': [{'role': 'LEGAL_REPRESENTATIVE', 'name': 'Test Lawyer', 'relation': 'none'}]}", COR_MISSING_FIELD, "/form/givers/0"},
  {"{}", "{" GUARDIAN "}", COR_OK, ""},
  /* a child */
  {"{}", "{" CHILD "}", COR_MISSING_FIELD, "/form/givers"},
  {"{}", "{" CHILD ", " GUARDIAN "}", COR_OK, ""},
  {"{}", "{" CHILD ", " GUARDIAN ", 'viewOfChild': null}", COR_MISSING_FIELD, "/form/viewOfChild"},
  {"{}", "{" CHILD ", " GUARDIAN ", 'majorityOn': null}", COR_MISSING_FIELD, "/form/majorityOn"},
  {"{}", "{" CHILD ", " GUARDIAN ", 'majorityOn': '2026-03-02'}", COR_BAD_INPUT, "/form/majorityOn"},
  {"{}", "{" CHILD ", " GUARDIAN ", 'majorityOn': '2026-08-20'}", COR_BAD_INPUT, "/consent/validUntil"},
  {"{'validUntil': '2026-07-01'}", "{" CHILD ", " GUARDIAN ", 'majorityOn': '2026-08-20'}", COR_OK, ""},
  {"{'validUntil': '2026-08-01'}", "{" CHILD ", " GUARDIAN ", 'majorityOn': '2026-08-20'}", COR_BAD_INPUT, "/consent/validUntil"},
  {"{}", "{'majorityOn': '2031-08-20'}", COR_BAD_INPUT, "/form/majorityOn"},
  {SCOPE("GUARDIAN_TRAVEL", "TRAVEL_ARRANGEMENT"), "{}", COR_BAD_INPUT, "/consent/scopes/0"},
  {SCOPE("GUARDIAN_TRAVEL", "TRAVEL_ARRANGEMENT"), "{" CHILD ", " GUARDIAN "}", COR_OK, ""},
  /* how */
  {"{}", "{'method': null}", COR_MISSING_FIELD, "/form/method"},
  {"{}", "{'evidence': []}", COR_MISSING_FIELD, "/evidence"},
  {"{}", "{'evidence': [{'kind': 'PAPER_IN_FILE'}]}", COR_MISSING_FIELD, "/evidence/0"},
  {"{}", "{'evidence': [{'kind': 'SCAN'}]}", COR_MISSING_FIELD, "/evidence/0"},
  {"{}", "{'evidence': [{'kind': 'SCAN', 'sha256': '" DIGEST "'}]}", COR_OK, ""},
  {"{}", "{'method': 'SCANNED_SIGNATURE'}", COR_MISSING_FIELD, "/evidence"},
  {"{}", "{'method': 'RECORDED_AUDIO', 'evidence': [{'kind': 'SCAN', 'sha256': '" DIGEST "'}]}", COR_MISSING_FIELD, "/evidence"},
  {"{}", "{'method': 'RECORDED_AUDIO', 'evidence': [{'kind': 'RECORDING', 'sha256': '" DIGEST "'}]}", COR_OK, ""},
  {"{}", "{'method': 'THUMBPRINT'}", COR_MISSING_FIELD, "/form/witness"},
  {"{}", "{'method': 'THUMBPRINT', 'witness': 'Test Witness'}", COR_OK, ""},
  {"{}", "{'method': 'READ_ALOUD'}", COR_MISSING_FIELD, "/form/interpreter"},
  {"{}", "{'method': 'READ_ALOUD', 'interpreter': 'Test Interpreter'}", COR_OK, ""},
  {"{}", "{'method': 'VERBAL_PHONE', 'evidence': [{'kind': 'NOTE_OF_CALL', 'sha256': '" DIGEST "'}]}", COR_BAD_INPUT, "/consent/scopes/0"},
  {SCOPE("SURVEY", "MONITORING_EVALUATION"), "{'method': 'VERBAL_PHONE', 'evidence': [{'kind': 'NOTE_OF_CALL', 'sha256': '" DIGEST "'}]}", COR_OK, ""},
  {SCOPE("MEDICAL_TREATMENT", "CONTINUITY_OF_CARE"), "{}", COR_OK, ""},
  {SCOPE("MEDICAL_TREATMENT", "CONTINUITY_OF_CARE"), "{'method': 'RECORDED_AUDIO', 'evidence': [{'kind': 'RECORDING', 'sha256': '" DIGEST "'}]}", COR_BAD_INPUT, "/consent/scopes/0"},
  /* what a scope asks for */
  {SCOPE("PLAN", "REINTEGRATION"), "{}", COR_MISSING_FIELD, "/form/planVersion"},
  {SCOPE("PLAN", "REINTEGRATION"), "{'planVersion': '2'}", COR_OK, ""},
  {SCOPE("SHELTER_STAY", "RECEPTION"), "{}", COR_BAD_INPUT, "/consent/validUntil"},
  {"{'validUntil': '2026-06-01', 'scopes': [{'scope': 'SHELTER_STAY', 'purpose': 'RECEPTION', 'categories': ['CONTACT'], 'recipientOffice': 'gn-conakry'}]}", "{}", COR_OK, ""},
  /* how the person may be reached */
  {"{}", "{'safeContact': null}", COR_MISSING_FIELD, "/form/safeContact"},
  {"{}", "{'safeContact': {'phone': '+000', 'safeHours': '09-12'}}", COR_MISSING_FIELD, "/form/safeContact"},
  {"{}", "{'safeContact': {'noMessage': true}}", COR_OK, ""},
  {"{}", "{'salt': 'AAEC'}", COR_BAD_INPUT, "/form/salt"},
};
/* clang-format on */

static ProtobufCMessage *message(const ProtobufCMessageDescriptor *type, const char *plain,
                                 const char *with) {
  cor_error err = {0};
  json_t *in = json(plain), *change = json(with);
  json_object_update(in, change);
  ProtobufCMessage *out = cor_json_read(type, in, "", &err);
  ck_assert_msg(out != NULL, "unreadable sample: %s %s", err.path, err.detail);
  json_decref(in);
  json_decref(change);
  return out;
}

START_TEST(one_change) {
  const struct change *c = &changes[_i];
  cor_error err = {0};
  ProtobufCMessage *record = message(&corridor__v1__consent_record__descriptor, plain_record, c->record);
  ProtobufCMessage *form = message(&corridor__v1__consent_form__descriptor, plain_form, c->form);
  bool ok = cor_consent_form_check((const Corridor__V1__ConsentRecord *)record,
                                   (const Corridor__V1__ConsentForm *)form, &err);
  ck_assert_msg(ok == (c->code == COR_OK), "%s with %s: %s %s", c->record, c->form, err.path, err.detail);
  if (!ok) {
    ck_assert_msg(err.code == c->code, "%s with %s: %s", c->record, c->form, cor_refusal_of(err.code)->name);
    ck_assert_str_eq(err.path, c->path);
    ck_assert_msg(strstr(err.detail, "nothing was kept") != NULL, "%s", err.detail);
  }
  cor_message_free(record);
  cor_message_free(form);
}
END_TEST

START_TEST(every_scope_has_one_row) {
  const ProtobufCEnumDescriptor *type = &corridor__v1__consent_scope_code__descriptor;
  for (unsigned i = 0; i < type->n_values; i++) {
    const Corridor__V1__ConsentScopeCode scope = (Corridor__V1__ConsentScopeCode)type->values[i].value;
    int rows = 0;
    const cor_scope_row *row;
    for (size_t k = 0; (row = cor_scope_at(k)); k++)
      if (row->scope == scope) {
        rows++;
        ck_assert(row->purposes != 0 && row->methods != 0);
        ck_assert_str_ne(row->cite, "");
      }
    ck_assert_msg(rows == (scope == 0 ? 0 : 1), "%s: %d rows", type->values[i].name, rows);
  }
}
END_TEST

START_TEST(only_surveys_by_phone) {
  const cor_scope_row *row;
  for (size_t i = 0; (row = cor_scope_at(i)); i++)
    ck_assert(((row->methods & COR_BIT(CORRIDOR__V1__CONSENT_METHOD__VERBAL_PHONE)) != 0) ==
              (row->scope == CORRIDOR__V1__CONSENT_SCOPE_CODE__SURVEY));
}
END_TEST

START_TEST(names_go_out_and_come_back) {
  char text[COR_URN_TEXT];
  const cor_scope_row *row;
  Corridor__V1__ConsentScopeCode scope;
  Corridor__V1__Purpose purpose;
  for (size_t i = 0; (row = cor_scope_at(i)); i++) {
    ck_assert(cor_scope_of_urn(cor_scope_urn(row->scope, text), &scope));
    ck_assert_int_eq((int)scope, (int)row->scope);
  }
  ck_assert_str_eq(cor_purpose_urn(COR_PURPOSE(RECEPTION), text), "urn:corridor:purpose:RECEPTION");
  ck_assert(cor_purpose_of_urn(text, &purpose) && purpose == COR_PURPOSE(RECEPTION));
  ck_assert(!cor_purpose_of_urn("urn:corridor:purpose:MARKETING", &purpose));
  ck_assert(!cor_purpose_of_urn("urn:corridor:purpose:PURPOSE_UNSPECIFIED", &purpose));
  ck_assert(!cor_purpose_of_urn("RECEPTION", &purpose));
  ck_assert(!cor_scope_of_urn("urn:corridor:purpose:RECEPTION", &scope));
}
END_TEST

/* given, majority ("" = of age), until */
static const char *const ends[][3] = {
    {"2026-03-02", "", "2027-04-01"},           {"2026-04-01", "", "2027-04-01"},
    {"2026-12-31", "", "2028-01-01"},           {"2026-10-01", "", "2027-10-01"},
    {"2026-03-02", "2026-08-20", "2026-07-01"}, {"2026-03-02", "2026-07-01", "2026-07-01"},
    {"2026-03-02", "2026-06-30", "2026-04-01"}, {"2026-03-02", "2031-01-01", "2027-04-01"},
};

START_TEST(validity_tells_no_birth_date) {
  int32_t given, majority = 0;
  char text[COR_TIME_TEXT];
  ck_assert(cor_day_parse(ends[_i][0], &given));
  if (ends[_i][1][0] != '\0') ck_assert(cor_day_parse(ends[_i][1], &majority));
  ck_assert_str_eq(cor_day_text(cor_day_of(cor_consent_until(given, majority), 0), text), ends[_i][2]);
}
END_TEST

static const struct {
  const char *category;
  Corridor__V1__Compartment c;
} files[] = {{"CONTACT", COR_C(CASEWORK)},
             {"HEALTH_DATA", COR_C(HEALTH)},
             {"MENTAL_HEALTH", COR_C(HEALTH)},
             {"PROTECTION_RISK", COR_C(PROTECTION)}};

START_TEST(who_may_know_of_it) {
  char change[256];
  snprintf(change, sizeof change,
           "{'scopes': [{'scope': 'THIRD_PARTY', 'purpose': 'RECEPTION', 'categories': ['BIODATA']},"
           "{'scope': 'THIRD_PARTY', 'purpose': 'PROTECTION_CARE', 'categories': ['%s']}]}",
           files[_i].category);
  ProtobufCMessage *record = message(&corridor__v1__consent_record__descriptor, plain_record, change);
  ck_assert_int_eq((int)cor_consent_compartment((const Corridor__V1__ConsentRecord *)record),
                   (int)files[_i].c);
  cor_message_free(record);
}
END_TEST

START_TEST(the_digest_needs_the_salt) {
  cor_error err;
  uint8_t one[COR_HASH_LEN], other[COR_HASH_LEN];
  cor_buf bytes = {0};
  Corridor__V1__ConsentForm *form = (Corridor__V1__ConsentForm *)message(
      &corridor__v1__consent_form__descriptor, plain_form, "{}");
  ck_assert(cor_consent_form_encode(form, &bytes, one, &err));
  cor_buf_clear(&bytes);
  form->salt.data[0] ^= 1;
  ck_assert(cor_consent_form_encode(form, &bytes, other, &err));
  cor_buf_clear(&bytes);
  ck_assert_mem_ne(one, other, sizeof one);
  cor_message_free(&form->base);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("consent");
  TCase *tests = tcase_create("consent");
  tcase_add_loop_test(tests, one_change, 0, COUNT(changes));
  tcase_add_test(tests, every_scope_has_one_row);
  tcase_add_test(tests, only_surveys_by_phone);
  tcase_add_test(tests, names_go_out_and_come_back);
  tcase_add_loop_test(tests, validity_tells_no_birth_date, 0, COUNT(ends));
  tcase_add_loop_test(tests, who_may_know_of_it, 0, COUNT(files));
  tcase_add_test(tests, the_digest_needs_the_salt);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
