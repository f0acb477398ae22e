/* test_basis.c - the decision that stands in place of consent: there exactly when the
 * header's basis asks for one, made by who may make it, with all that lets somebody ask
 * about it later. One full decision per ground, then one change each. */
#include "quoted.h"
#include "corridor/codec.h"
#include "corridor/json.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define SENT_AT INT64_C(1772442000000)
#define NOBODY COR_BASIS(CONSENT)
#define LIFE COR_BASIS(LIFE_AT_RISK)
#define CHILD COR_BASIS(CHILD_BEST_INTERESTS)
#define OTHER COR_BASIS(VITAL_INTEREST_OTHER)

#define BY_PROFESSIONAL                                                                                      \
  "{'decidedBy': 'MENTAL_HEALTH_PROFESSIONAL', 'deciderName': 'Dr Testa Mentalis', 'professionalId': "       \
  "'PSY-0001', 'obstacle': 'LIFE_AT_RISK_NOW', 'reason': 'says she will not see the morning', 'decidedAt': " \
  "'1772441000000'}"
#define BY_PANEL                                                                                             \
  "{'decidedBy': 'BEST_INTERESTS_PANEL', 'bidReference': 'BID-0001', 'bidDate': '2026-02-20', 'bidPanel': "  \
  "['case manager', 'guardian', 'psychologist'], 'obstacle': 'CHILD_WITHOUT_GUARDIAN', 'reason': 'no one "   \
  "with authority is found', 'decidedAt': '1772441000000'}"

/* clang-format off */
static const struct {
  Corridor__V1__LegalBasis basis;
  const char *decision; /* NULL: none stated */
  const char *with;     /* members over the decision's; null takes one away */
  int code;
  const char *path;
} cases[] = {
  {LIFE, BY_PROFESSIONAL, "{}", COR_OK, ""},
  {CHILD, BY_PANEL, "{}", COR_OK, ""},
  {OTHER, BY_PROFESSIONAL, "{}", COR_OK, ""},
  {OTHER, BY_PROFESSIONAL, "{'decidedBy': 'PHYSICIAN'}", COR_OK, ""},
  {NOBODY, NULL, "{}", COR_OK, ""},
  /* exactly when */
  {NOBODY, BY_PROFESSIONAL, "{}", COR_BAD_INPUT, ""},
  {COR_BASIS(NO_PERSONAL_DATA), BY_PROFESSIONAL, "{}", COR_BAD_INPUT, ""},
  {LIFE, NULL, "{}", COR_MISSING_FIELD, ""},
  {CHILD, NULL, "{}", COR_MISSING_FIELD, ""},
  {OTHER, NULL, "{}", COR_MISSING_FIELD, ""},
  /* whose it is */
  {LIFE, BY_PROFESSIONAL, "{'decidedBy': null}", COR_MISSING_FIELD, "/decidedBy"},
  {LIFE, BY_PROFESSIONAL, "{'decidedBy': 'OFFICE_STAFF'}", COR_NOT_THEIRS_TO_DECIDE, "/decidedBy"},
  {LIFE, BY_PROFESSIONAL, "{'decidedBy': 'PHYSICIAN'}", COR_NOT_THEIRS_TO_DECIDE, "/decidedBy"},
  {LIFE, BY_PANEL, "{}", COR_NOT_THEIRS_TO_DECIDE, "/decidedBy"},
  {CHILD, BY_PROFESSIONAL, "{}", COR_NOT_THEIRS_TO_DECIDE, "/decidedBy"},
  {CHILD, BY_PANEL, "{'decidedBy': 'OFFICE_STAFF'}", COR_NOT_THEIRS_TO_DECIDE, "/decidedBy"},
  {OTHER, BY_PROFESSIONAL, "{'decidedBy': 'OFFICE_STAFF'}", COR_NOT_THEIRS_TO_DECIDE, "/decidedBy"},
  /* a person, or a determination, that can be found again */
  {LIFE, BY_PROFESSIONAL, "{'deciderName': ' '}", COR_MISSING_FIELD, "/deciderName"},
  {LIFE, BY_PROFESSIONAL, "{'professionalId': null}", COR_MISSING_FIELD, "/professionalId"},
  {CHILD, BY_PANEL, "{'bidReference': null}", COR_MISSING_FIELD, "/bidReference"},
  {CHILD, BY_PANEL, "{'bidDate': null}", COR_MISSING_FIELD, "/bidDate"},
  {CHILD, BY_PANEL, "{'bidDate': '20 February'}", COR_MISSING_FIELD, "/bidDate"},
  {CHILD, BY_PANEL, "{'bidPanel': []}", COR_MISSING_FIELD, "/bidPanel"},
  {CHILD, BY_PANEL, "{'bidPanel': ['guardian', '']}", COR_MISSING_FIELD, "/bidPanel"},
  /* why */
  {LIFE, BY_PROFESSIONAL, "{'obstacle': null}", COR_MISSING_FIELD, "/obstacle"},
  {LIFE, BY_PROFESSIONAL, "{'obstacle': 'UNABLE_TO_CONSENT'}", COR_OK, ""},
  {LIFE, BY_PROFESSIONAL, "{'obstacle': 'CHILD_WITHOUT_GUARDIAN'}", COR_BAD_INPUT, "/obstacle"},
  {CHILD, BY_PANEL, "{'obstacle': 'CHILD_GUARDIAN_REFUSES'}", COR_OK, ""},
  {LIFE, BY_PROFESSIONAL, "{'reason': '  '}", COR_MISSING_FIELD, "/reason"},
  /* when: at the message's own moment is the latest */
  {LIFE, BY_PROFESSIONAL, "{'decidedAt': null}", COR_MISSING_FIELD, "/decidedAt"},
  {LIFE, BY_PROFESSIONAL, "{'decidedAt': '1772442000000'}", COR_OK, ""},
  {LIFE, BY_PROFESSIONAL, "{'decidedAt': '1772442000001'}", COR_BAD_INPUT, "/decidedAt"},
  {LIFE, BY_PROFESSIONAL, "{'decidedAt': '-1'}", COR_BAD_INPUT, "/decidedAt"},
};
/* clang-format on */
#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

static json_t *without_nulls(json_t *object) {
  const char *key;
  json_t *value;
  void *next;
  json_object_foreach_safe(object, next, key, value) {
    if (json_is_null(value)) json_object_del(object, key);
  }
  return object;
}

static ProtobufCMessage *body_with(const ProtobufCMessageDescriptor *type, const char *decision,
                                   const char *with) {
  cor_error err = {0};
  json_t *in = json_object();
  if (decision) {
    json_t *stated = json(decision), *change = json(with);
    json_object_update(stated, change);
    json_object_set_new(in, "basisDecision", without_nulls(stated));
    json_decref(change);
  }
  ProtobufCMessage *body = cor_json_read(type, in, "", &err);
  ck_assert_msg(body != NULL, "unreadable: %s %s", err.path, err.detail);
  json_decref(in);
  return body;
}

static Corridor__V1__Header header_on(Corridor__V1__LegalBasis basis) {
  Corridor__V1__Header header = CORRIDOR__V1__HEADER__INIT;
  header.basis = basis;
  header.sent_at = SENT_AT;
  return header;
}

/* Alike in both bodies that may travel so. */
START_TEST(a_decision_is_whole_and_made_by_right) {
  const ProtobufCMessageDescriptor *const bodies[] = {&corridor__v1__case_file_health__descriptor,
                                                      &corridor__v1__referral_handover__descriptor};
  const Corridor__V1__Header header = header_on(cases[_i].basis);
  for (size_t k = 0; k < 2; k++) {
    cor_error err = {0};
    char path[128];
    ProtobufCMessage *body = body_with(bodies[k], cases[_i].decision, cases[_i].with);
    const bool ok = cor_basis_check(&header, body, "/body/health", &err);
    cor_message_free(body);
    ck_assert_msg((ok ? COR_OK : err.code) == cases[_i].code, "%s: %s at %s, not %s", cases[_i].with,
                  cor_refusal_of(err.code)->name, err.path, cor_refusal_of(cases[_i].code)->name);
    if (ok) continue;
    snprintf(path, sizeof path, "/body/health/basisDecision%s", cases[_i].path);
    ck_assert_str_eq(err.path, path);
    ck_assert_str_ne(err.detail, "");
    ck_assert_ptr_null(strstr(err.detail, "morning"));
  }
}
END_TEST

/* A hub that delivers what its own gate refuses is not believed. */
START_TEST(nothing_else_travels_so) {
  cor_error err = {0};
  const Corridor__V1__Header life = header_on(LIFE), consent = header_on(NOBODY);
  ProtobufCMessage *file = body_with(&corridor__v1__case_file_casework__descriptor, NULL, NULL);
  ck_assert(!cor_basis_check(&life, file, "/content", &err));
  ck_assert_int_eq(err.code, COR_BASIS_NOT_ALLOWED);
  ck_assert(cor_basis_check(&consent, file, "/content", &err));
  cor_message_free(file);
}
END_TEST

/* The sentence says what to do. */
START_TEST(an_officer_alone_is_told_whom_to_ask) {
  cor_error err = {0};
  const Corridor__V1__Header header = header_on(LIFE);
  ProtobufCMessage *body = body_with(&corridor__v1__case_file_health__descriptor, BY_PROFESSIONAL,
                                     "{'decidedBy': 'OFFICE_STAFF'}");
  ck_assert(!cor_basis_check(&header, body, "", &err));
  cor_message_free(body);
  ck_assert_ptr_nonnull(strstr(err.detail, "mental-health professional"));
  ck_assert_str_eq(cor_refusal_of(err.code)->name, "NOT_THEIRS_TO_DECIDE");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("basis");
  TCase *tc = tcase_create("basis");
  tcase_add_loop_test(tc, a_decision_is_whole_and_made_by_right, 0, COUNT(cases));
  tcase_add_test(tc, nothing_else_travels_so);
  tcase_add_test(tc, an_officer_alone_is_told_whom_to_ask);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
