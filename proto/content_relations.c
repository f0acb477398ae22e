/* content_relations.c - what no single field shows: fields of one body that
 * must agree, and values that are forbidden where they stand.
 *
 * Each function sees a body whose single fields already passed content_rules.c,
 * so what is mandatory is there and texts have their form. It returns COR_OK or
 * a refusal code, with the JSON Pointer below the body and a reason that holds
 * no datum. Nothing is fatal. */
#include "content.h"
#include "corridor/clock.h"
#include "corridor/gate.h"
#include "corridor/refusal.h"
#include <stdio.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)
#define ANSWER(x) CORRIDOR__V1__ANSWER__##x
#define ESCORT(x) CORRIDOR__V1__ESCORT_KIND__ESCORT_##x
#define BODY(type) const Corridor__V1__##type *b = (const Corridor__V1__##type *)body
#define FAULT(code, pointer, reason) fault_at(fault, (code), (pointer), (reason))

enum {
  AGE_MAX = 130,
  LARGE_SCALE = 50,
  SUB_SERVICE_MAX = 99,
  SATISFACTION_MAX = 5,
  PROGRAMME_MAX = 31,
  NAMES_MAX = 8,
  NAME_MAX_LEN = 256,
  CONTACT_MAX = 256
};

static int fault_at(cor_content_fault *fault, int code, const char *pointer, const char *why) {
  snprintf(fault->field, sizeof fault->field, "%s", pointer);
  fault->why = why;
  return code;
}

static bool blank(const char *text) {
  return !text || text[0] == '\0';
}

/* "None" beside something else is a slip that would hide the something. */
static bool none_among(const int *list, size_t n, int none) {
  for (size_t i = 0; n > 1 && i < n; i++)
    if (list[i] == none) return true;
  return false;
}

static bool holds(const Corridor__V1__Abn *abn, Corridor__V1__Vulnerability wanted) {
  for (size_t i = 0; i < abn->n_vulnerability_summary; i++)
    if (abn->vulnerability_summary[i] == wanted) return true;
  return false;
}

static int casework(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(CaseFileCasework);
  if (b->return_type == CORRIDOR__V1__RETURN_TYPE__FORCED)
    return FAULT(COR_FORBIDDEN_CONTENT, "/returnType", "no case file for a forced return [003:199,518]");
  if (none_among((const int *)b->vulnerabilities, b->n_vulnerabilities,
                 CORRIDOR__V1__VULNERABILITY__NONE_FOUND))
    return FAULT(COR_BAD_INPUT, "/vulnerabilities", "NONE_FOUND cannot stand beside another value");
  if (none_among((const int *)b->needs, b->n_needs, CORRIDOR__V1__NEED__NEED_NONE))
    return FAULT(COR_BAD_INPUT, "/needs", "NEED_NONE cannot stand beside another value");
  if (b->age > AGE_MAX) return FAULT(COR_BAD_INPUT, "/age", "is not an age in years");
  return COR_OK;
}

static int abn(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(Abn);
  if (b->departs_at <= 0 || b->arrives_at <= b->departs_at)
    return FAULT(COR_BAD_INPUT, "/arrivesAt", "must be later than departsAt");
  if (b->large_scale != (b->pax_count > LARGE_SCALE && b->dedicated_operation))
    return FAULT(COR_BAD_INPUT, "/largeScale",
                 "is true exactly when more than 50 travel in a dedicated operation [003:210]");
  if (none_among((const int *)b->vulnerability_summary, b->n_vulnerability_summary,
                 CORRIDOR__V1__VULNERABILITY__NONE_FOUND))
    return FAULT(COR_BAD_INPUT, "/vulnerabilitySummary", "NONE_FOUND cannot stand beside another value");
  Corridor__V1__EscortKind escort = b->escort ? b->escort->kind : ESCORT(NONE);
  if (holds(b, CORRIDOR__V1__VULNERABILITY__SIGNIFICANT_MEDICAL) && escort != ESCORT(MEDICAL))
    return FAULT(COR_MISSING_FIELD, "/escort",
                 "a significant medical condition needs a medical escort [003:582]");
  if (b->large_scale && escort == ESCORT(NONE))
    return FAULT(COR_MISSING_FIELD, "/escort", "a large-scale movement needs an escort [003:582]");
  return COR_OK;
}

static int abn_confirm(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(AbnConfirm);
  if (b->confirmed_at < b->received_at) return FAULT(COR_BAD_INPUT, "/confirmedAt", "is before receivedAt");
  return COR_OK;
}

static int departure(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(DepartureConfirmation);
  if (b->boarded == ANSWER(NOT_KNOWN)) return FAULT(COR_BAD_INPUT, "/boarded", "must be IS_YES or IS_NO");
  return COR_OK;
}

/* Bounded so that whatever it says fills the smallest size class: its size must
 * not tell which of the two answers it is. */
static int duplicate_answer(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(DuplicateAnswer);
  if (strlen(b->contact_function) > CONTACT_MAX)
    return FAULT(COR_TOO_LARGE, "/contactFunction", "is longer than 256 bytes");
  return COR_OK;
}

/* What the recipient's agent will compare, and no more. */
static int duplicate_question(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(DuplicateQuestion);
  if (b->n_names > NAMES_MAX) return FAULT(COR_TOO_LARGE, "/names", "has more than 8 names");
  for (size_t i = 0; i < b->n_names; i++)
    if (strlen(b->names[i]) > NAME_MAX_LEN)
      return FAULT(COR_TOO_LARGE, "/names", "has a name of more than 256 bytes");
  if (strlen(b->birth_place) > NAME_MAX_LEN)
    return FAULT(COR_TOO_LARGE, "/birthPlace", "is longer than 256 bytes");
  if (b->age > AGE_MAX) return FAULT(COR_BAD_INPUT, "/age", "is not an age in years");
  return COR_OK;
}

static int offer(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(ReferralOffer);
  if (b->sub_service > SUB_SERVICE_MAX) return FAULT(COR_BAD_INPUT, "/subService", "must be 1 to 99");
  return COR_OK;
}

static int offer_answer(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(ReferralAnswer);
  if (b->answer == COR_OUTCOME(PARTIAL)) return FAULT(COR_BAD_INPUT, "/answer", "must be YES or NO");
  return COR_OK;
}

static int service_report(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(ServiceReport);
  if (b->satisfaction > SATISFACTION_MAX)
    return FAULT(COR_BAD_INPUT, "/satisfaction", "must be 1 to 5, or absent");
  return COR_OK;
}

static int registration(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(Registration);
  if (b->return_type == CORRIDOR__V1__RETURN_TYPE__FORCED)
    return FAULT(COR_FORBIDDEN_CONTENT, "/returnType",
                 "a forced return is not registered here [003:199,518]");
  if (strlen(b->programme) > PROGRAMME_MAX)
    return FAULT(COR_TOO_LARGE, "/programme", "is longer than 31 bytes");
  return COR_OK;
}

/* An exact end of validity could be an 18th birthday: whole months only. */
static bool month_start(int64_t ms) {
  char text[COR_TIME_TEXT];
  return ms % DAY_MS == 0 && strcmp(cor_day_text(cor_day_of(ms, 0), text) + strlen("YYYY-MM"), "-01") == 0;
}

static int consent_scope(const Corridor__V1__ConsentScope *scope, size_t index, cor_content_fault *fault) {
  char at[64];
  for (size_t i = 1; i < scope->n_categories; i++)
    if (scope->categories[i] <= scope->categories[i - 1]) {
      snprintf(at, sizeof at, "/scopes/%zu/categories", index);
      return FAULT(COR_BAD_INPUT, at, "must be strictly ascending");
    }
  snprintf(at, sizeof at, "/scopes/%zu", index);
  if (blank(scope->recipient_office) == (scope->recipient_role == 0))
    return FAULT(COR_BAD_INPUT, at, "a scope names either an office or a class of offices");
  return COR_OK;
}

static int consent_record(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(ConsentRecord);
  if (b->n_scopes > COR_GATE_SCOPES_MAX) return FAULT(COR_TOO_LARGE, "/scopes", "has more than 32 scopes");
  for (size_t i = 0; i < b->n_scopes; i++) {
    int code = consent_scope(b->scopes[i], i, fault);
    if (code != COR_OK) return code;
  }
  if (b->valid_from <= 0 || b->valid_from % DAY_MS != 0)
    return FAULT(COR_BAD_INPUT, "/validFrom", "must be the start of a day (UTC)");
  if (b->valid_until <= b->valid_from)
    return FAULT(COR_BAD_INPUT, "/validUntil", "must be later than validFrom");
  if (!month_start(b->valid_until))
    return FAULT(COR_BAD_INPUT, "/validUntil",
                 "must be the first day of a month (UTC), so that it tells no birth date");
  return COR_OK;
}

static int withdrawal(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(ConsentWithdrawal);
  if (b->extent == CORRIDOR__V1__WITHDRAWAL_EXTENT__ALL_CONSENT && b->consent_id.len != 0)
    return FAULT(COR_BAD_INPUT, "/consentId", "must be absent when all consent is withdrawn");
  return COR_OK;
}

static int content_statement(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(ContentStatement);
  if (b->state != CORRIDOR__V1__END_STATE__UNREADABLE && b->state != CORRIDOR__V1__END_STATE__CONTENT_REFUSED)
    return FAULT(COR_BAD_INPUT, "/state", "must be UNREADABLE or CONTENT_REFUSED");
  if (cor_refusal_of((int)b->reason)->code != (int)b->reason)
    return FAULT(COR_UNKNOWN_ENUM, "/reason", "is not a refusal code");
  return COR_OK;
}

/* A withdrawal notice is answered by its own id and never shares a bundle. */
static int notice_bundle(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(NoticeBundle);
  char pointer[sizeof fault->field];
  for (size_t i = 0; i < b->n_notices; i++) {
    if (b->notices[i]->type == COR_T(END_NOTICE) || b->notices[i]->type == COR_T(OBLIGATION_NOTICE)) continue;
    snprintf(pointer, sizeof pointer, "/notices/%zu/type", i);
    return FAULT(COR_BAD_INPUT, pointer, "is not a notice that shares a bundle");
  }
  return COR_OK;
}

static const cor_content_relation relations[] = {
    {COR_T(CASE_FILE), COR_C(CASEWORK), casework},
    {COR_T(ABN), COR_C(OPERATIONS), abn},
    {COR_T(ABN_CONFIRM), COR_C(OPERATIONS), abn_confirm},
    {COR_T(DEPARTURE_CONFIRMATION), COR_C(OPERATIONS), departure},
    {COR_T(DUPLICATE_QUESTION), COR_C(CASEWORK), duplicate_question},
    {COR_T(DUPLICATE_ANSWER), COR_C(CASEWORK), duplicate_answer},
    {COR_T(REFERRAL), COR_C(CASEWORK), offer},
    {COR_T(REFERRAL_ACK), COR_C(CASEWORK), offer_answer},
    {COR_T(SERVICE_REPORT), COR_C(CASEWORK), service_report},
    {COR_T(REGISTRATION), COR_C(RECORD), registration},
    {COR_T(CONSENT_RECORD), COR_C(RECORD), consent_record},
    {COR_T(CONSENT_WITHDRAWAL), COR_C(RECORD), withdrawal},
    {COR_T(CONTENT_STATEMENT), COR_C(RECORD), content_statement},
    {COR_T(NOTICE_BUNDLE), COR_C(RECORD), notice_bundle},
};

const cor_content_relation *cor_content_relation_at(size_t i) {
  return i < sizeof relations / sizeof *relations ? &relations[i] : NULL;
}
