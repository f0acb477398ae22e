/* consent.c - the scopes of consent as one table: for which purposes each may be
 * asked, how it has to be given, how long it holds (data dictionary 4.1, 4.2).
 *
 * Guarantees: every scope of the schema has one row (a test checks), and a scope
 * or purpose has one name everywhere. Rows with (P) in their citation are ours;
 * the rest is the sources'. Pure; nothing is fatal. */
#include "corridor/consent.h"
#include "corridor/clock.h"
#include "corridor/sop.h"
#include <stdio.h>
#include <string.h>

#define SCOPE(x) CORRIDOR__V1__CONSENT_SCOPE_CODE__##x
#define BY(x) COR_BIT(CORRIDOR__V1__CONSENT_METHOD__##x)
#define FOR(x) COR_BIT(COR_PURPOSE(x))
#define COUNT(a) (sizeof(a) / sizeof *(a))

/* On paper; or, from far away, what took the paper's place [000:1989-1991]. */
#define ON_PAPER (BY(WRITTEN) | BY(THUMBPRINT) | BY(READ_ALOUD))
#define PROVED (ON_PAPER | BY(SCANNED_SIGNATURE) | BY(RECORDED_AUDIO))

#define TO_RETURN (FOR(RETURN_PREPARATION) | FOR(TRAVEL_ARRANGEMENT) | FOR(RECEPTION))
#define TO_HELP (FOR(REINTEGRATION) | FOR(CONTINUITY_OF_CARE) | FOR(PROTECTION_CARE))
#define ANY_USE (TO_RETURN | TO_HELP | FOR(MONITORING_EVALUATION))

/* clang-format off */
static const cor_scope_row rows[] = {
  {SCOPE(RETURN_AND_DATA), TO_RETURN, PROVED, 0, false, false, "declaration [003:225,526]"},
  {SCOPE(THIRD_PARTY), ANY_USE, PROVED, 0, false, false, "written consent [003:233]"},
  {SCOPE(MEDICAL_THIRD_PARTY), FOR(CONTINUITY_OF_CARE) | FOR(REINTEGRATION), PROVED, 0, false, false,
   "general consent form [003:540]"},
  {SCOPE(VULNERABILITY_TO_COO), TO_RETURN | FOR(CONTINUITY_OF_CARE) | FOR(PROTECTION_CARE), PROVED, 0, false,
   false, "assessment results before travel [004:1049]"},
  {SCOPE(MEDICAL_RECORDS_TRANSFER), FOR(CONTINUITY_OF_CARE), PROVED, 0, false, false, "[004:1702]"},
  {SCOPE(MEDICAL_TREATMENT), FOR(CONTINUITY_OF_CARE), ON_PAPER, 0, false, false,
   "written before any procedure [004:1708]"},
  {SCOPE(FAMILY_TRACING), TO_RETURN | FOR(PROTECTION_CARE) | FOR(REINTEGRATION), PROVED, 0, false, false,
   "[003:552]"},
  {SCOPE(GUARDIAN_TRAVEL), FOR(TRAVEL_ARRANGEMENT), PROVED, 0, true, false, "guardian's form [003:553]"},
  {SCOPE(CHILD_REGISTRATION), FOR(RETURN_PREPARATION) | FOR(PROTECTION_CARE), PROVED, 0, true, false,
   "child and family or guardian [004:4230]"},
  {SCOPE(CHILD_CASE_TRANSFER), TO_RETURN | TO_HELP, PROVED, 0, true, false,
   "child and family or guardian [004:4331]"},
  {SCOPE(FAMILY_CONTACT), ANY_USE, PROVED, 0, false, false, "[004:1934,5575]"},
  {SCOPE(REFERRAL_SHARING), TO_HELP, PROVED, 0, false, false, "[004:3003]"},
  {SCOPE(REFERRAL_FEEDBACK), TO_HELP, PROVED, 0, false, false, "apart from the referral's own [004:3007]"},
  {SCOPE(PLAN), FOR(REINTEGRATION), PROVED, 0, false, true, "every component, anew per amendment [004:1204]"},
  {SCOPE(SHELTER_STAY), FOR(RECEPTION) | TO_HELP, PROVED, 4, false, false,
   "at regular intervals [004:1616]: three months, to the month's end (P)"},
  {SCOPE(LEGAL_ACTION), FOR(PROTECTION_CARE) | FOR(REINTEGRATION), PROVED, 0, false, false, "[004:1810]"},
  {SCOPE(MONITORING_SCOPE), FOR(MONITORING_EVALUATION) | FOR(REINTEGRATION), PROVED, 0, false, false,
   "written in person [003:938; 004:3430]"},
  {SCOPE(SURVEY), FOR(MONITORING_EVALUATION), PROVED | BY(VERBAL_PHONE), 0, false, false,
   "explicit and verbal by phone [004:6623]"},
  {SCOPE(PHOTO), ANY_USE, PROVED, 0, false, false, "photography form [003:939]"},
  {SCOPE(CASE_TRANSFER), TO_HELP, PROVED, 0, false, false, "at closure, explicit [004:2007]"},
  {SCOPE(HEALTH_PROTOCOL), TO_RETURN | FOR(CONTINUITY_OF_CARE), PROVED, 0, false, false, "[000:1999]"},
  {SCOPE(ESCORT_COVID), FOR(TRAVEL_ARRANGEMENT), PROVED, 0, false, false, "[000:2063]"},
};
/* clang-format on */

const cor_scope_row *cor_scope_at(size_t i) {
  return i < COUNT(rows) ? &rows[i] : NULL;
}

const cor_scope_row *cor_scope_find(Corridor__V1__ConsentScopeCode scope) {
  for (size_t i = 0; i < COUNT(rows); i++)
    if (rows[i].scope == scope) return &rows[i];
  return NULL;
}

/* ---- names outside ---- */

static const char purpose_prefix[] = "urn:corridor:purpose:", scope_prefix[] = "urn:corridor:scope:";

static const char *urn(const char *prefix, const ProtobufCEnumDescriptor *type, int value,
                       char out[COR_URN_TEXT]) {
  const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(type, value);
  snprintf(out, COR_URN_TEXT, "%s%s", prefix, known ? known->name : "");
  return out;
}

static bool of_urn(const char *prefix, const ProtobufCEnumDescriptor *type, const char *text, int *value) {
  const size_t len = strlen(prefix);
  if (strncmp(text, prefix, len) != 0) return false;
  const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value_by_name(type, text + len);
  if (!known || known->value == 0) return false;
  *value = known->value;
  return true;
}

const char *cor_purpose_urn(Corridor__V1__Purpose purpose, char out[COR_URN_TEXT]) {
  return urn(purpose_prefix, &corridor__v1__purpose__descriptor, (int)purpose, out);
}

const char *cor_scope_urn(Corridor__V1__ConsentScopeCode scope, char out[COR_URN_TEXT]) {
  return urn(scope_prefix, &corridor__v1__consent_scope_code__descriptor, (int)scope, out);
}

bool cor_purpose_of_urn(const char *text, Corridor__V1__Purpose *out) {
  int value = 0;
  const bool ok = of_urn(purpose_prefix, &corridor__v1__purpose__descriptor, text, &value);
  *out = (Corridor__V1__Purpose)value;
  return ok;
}

bool cor_scope_of_urn(const char *text, Corridor__V1__ConsentScopeCode *out) {
  int value = 0;
  const bool ok = of_urn(scope_prefix, &corridor__v1__consent_scope_code__descriptor, text, &value);
  *out = (Corridor__V1__ConsentScopeCode)value;
  return ok;
}

/* ---- validity ---- */

/* The day the quarter of `day` begins. */
static int32_t quarter_of(int32_t day) {
  char text[COR_TIME_TEXT];
  int32_t out = day;
  cor_day_text(day, text);
  const int month = (text[5] - '0') * 10 + text[6] - '0', first = month - (month - 1) % 3;
  text[5] = (char)('0' + first / 10);
  text[6] = (char)('0' + first % 10);
  memcpy(text + 8, "01", 2);
  return cor_day_parse(text, &out) ? out : day;
}

int64_t cor_consent_until(int32_t given_on, int32_t majority_on) {
  enum { YEAR = 365, MORE_THAN_A_QUARTER = 93 };
  const int32_t in_a_year = given_on + YEAR;
  int32_t until = quarter_of(in_a_year);
  if (until < in_a_year) until = quarter_of(until + MORE_THAN_A_QUARTER);
  if (majority_on != 0 && quarter_of(majority_on) < until) until = quarter_of(majority_on);
  return (int64_t)until * 24 * 60 * 60 * 1000;
}

/* ---- who may know of it ---- */

Corridor__V1__Compartment cor_consent_compartment(const Corridor__V1__ConsentRecord *record) {
  const uint32_t health = COR_BIT(COR_CAT(HEALTH_DATA)) | COR_BIT(COR_CAT(MENTAL_HEALTH));
  uint32_t named = 0;
  for (size_t i = 0; i < record->n_scopes; i++)
    for (size_t k = 0; k < record->scopes[i]->n_categories; k++)
      if ((unsigned)record->scopes[i]->categories[k] < 32) named |= COR_BIT(record->scopes[i]->categories[k]);
  if (named & COR_BIT(COR_CAT(PROTECTION_RISK))) return COR_C(PROTECTION);
  return named & health ? COR_C(HEALTH) : COR_C(CASEWORK);
}
