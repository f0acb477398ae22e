/* Which ways of consenting a programme may refuse, and what it refuses then. */
#include "quoted.h"
#include "corridor/codec.h"
#include "corridor/consent.h"
#include "corridor/consent_policy.h"
#include "corridor/permission_json.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))
#define METHOD(x) CORRIDOR__V1__CONSENT_METHOD__##x
#define SCOPE(x) CORRIDOR__V1__CONSENT_SCOPE_CODE__##x
#define ALL_OF_PHOTO "'WRITTEN', 'SCANNED_SIGNATURE', 'RECORDED_AUDIO', 'THUMBPRINT', 'READ_ALOUD'"

static Corridor__V1__CardList *read_policies(const char *text, cor_error *err) {
  json_t *table = json(text);
  Corridor__V1__CardList *list = cor_consent_policies_read(table, err);
  json_decref(table);
  return list;
}

#define POLICIES(rows) "{'about': 'for readers', 'consentPolicies': [" rows "]}"
#define POLICY(scope, ways) "{'cite': 'a letter', 'scope': '" scope "', 'forbidden': [" ways "]}"

/* clang-format off */
static const struct { const char *table; int code; const char *path; } tables[] = {
  {POLICIES(""), COR_OK, ""},
  {POLICIES(POLICY("PHOTO", "'RECORDED_AUDIO'")), COR_OK, ""},
  {POLICIES(POLICY("PHOTO", "'RECORDED_AUDIO', 'RECORDED_AUDIO'")), COR_OK, ""},
  {POLICIES(POLICY("PHOTO", "'RECORDED_AUDIO'") "," POLICY("PLAN", "'RECORDED_AUDIO'")), COR_OK, ""},
  {POLICIES(POLICY("PHOTO", "'RECORDED_AUDIO'") "," POLICY("PHOTO", "'WRITTEN'")), COR_CONFLICT, "consentPolicies/1"},
  {POLICIES(POLICY("PHOTO", "")), COR_BAD_INPUT, "consentPolicies/0"},
  {POLICIES(POLICY("PHOTO", ALL_OF_PHOTO)), COR_CONFLICT, "consentPolicies/0"},
  {POLICIES(POLICY("PHOTO", "'VERBAL_PHONE'")), COR_BAD_INPUT, "consentPolicies/0"},
  {POLICIES(POLICY("SURVEY", ALL_OF_PHOTO)), COR_OK, ""},
  {POLICIES(POLICY("SURVEY", ALL_OF_PHOTO ", 'VERBAL_PHONE'")), COR_CONFLICT, "consentPolicies/0"},
  {POLICIES("{'forbidden': ['WRITTEN']}"), COR_UNKNOWN_ENUM, "consentPolicies/0"},
  {POLICIES("{'scope': 'PICTURES'}"), COR_UNKNOWN_ENUM, "/consentPolicies/0/scope"},
  {"{'permissions': []}", COR_BAD_INPUT, "/consentPolicies"},
  {"{'consentPolicies': [], 'permissions': []}", COR_BAD_INPUT, "/consentPolicies"},
};

static const struct { Corridor__V1__ConsentScopeCode scope; Corridor__V1__ConsentMethod method; bool taken; } given[] = {
  {SCOPE(PHOTO), METHOD(WRITTEN), true},
  {SCOPE(PHOTO), METHOD(RECORDED_AUDIO), false},
  {SCOPE(PHOTO), METHOD(SCANNED_SIGNATURE), false},
  {SCOPE(PHOTO), METHOD(THUMBPRINT), true},
  {SCOPE(PLAN), METHOD(RECORDED_AUDIO), true},
};
/* clang-format on */

START_TEST(a_table_is_taken_or_refused_whole) {
  cor_error err = {0};
  Corridor__V1__CardList *list = read_policies(tables[_i].table, &err);
  const bool ok = list && cor_consent_policies_ok(list, &err);
  ck_assert_msg(ok == (tables[_i].code == COR_OK) && err.code == tables[_i].code, "%s: %d %s at %s",
                tables[_i].table, err.code, err.detail, err.path);
  ck_assert_str_eq(err.path, tables[_i].path);
  if (list) cor_message_free(&list->base);
}
END_TEST

START_TEST(only_what_it_names_is_not_taken) {
  cor_error err = {0};
  Corridor__V1__CardList *list = read_policies(
      POLICIES(POLICY("PHOTO", "'RECORDED_AUDIO', 'SCANNED_SIGNATURE'")), &err);
  Corridor__V1__ConsentRecord record = CORRIDOR__V1__CONSENT_RECORD__INIT;
  Corridor__V1__ConsentScope first = CORRIDOR__V1__CONSENT_SCOPE__INIT, second = first;
  Corridor__V1__ConsentScope *scopes[] = {&first, &second};
  ck_assert(list != NULL);
  first.scope = SCOPE(RETURN_AND_DATA);
  second.scope = given[_i].scope;
  record.scopes = scopes;
  record.n_scopes = 2;
  ck_assert(cor_consent_policy_allows(list, &record, given[_i].method, &err) == given[_i].taken);
  if (!given[_i].taken) {
    ck_assert_int_eq(err.code, COR_BAD_INPUT);
    ck_assert_str_eq(err.path, "/consent/scopes/1");
    ck_assert_ptr_nonnull(strstr(err.detail, "it takes WRITTEN, THUMBPRINT, READ_ALOUD. Nothing was kept"));
  }
  cor_message_free(&list->base);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("consent_policy");
  TCase *tcase = tcase_create("consent_policy");
  tcase_add_loop_test(tcase, a_table_is_taken_or_refused_whole, 0, COUNT(tables));
  tcase_add_loop_test(tcase, only_what_it_names_is_not_taken, 0, COUNT(given));
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
