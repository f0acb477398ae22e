/* content_relations.c - what no single field shows: fields of one body that
 * must agree, and values that are forbidden where they stand.
 *
 * Each function sees a body whose single fields already passed content_rules.c,
 * so what is mandatory is there and texts have their form. It returns COR_OK or
 * a refusal code, with the JSON Pointer below the body and a reason that holds
 * no datum. Nothing is fatal. */
#include "content.h"
#include "corridor/attachment.h"
#include "corridor/clock.h"
#include "corridor/consent.h"
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

/* Nobody calls a number without knowing when it is safe and who may answer. */
static int contact(const Corridor__V1__Contact *given, cor_content_fault *fault) {
  if (!given || blank(given->phone) || (!blank(given->safe_hours) && !blank(given->who_may_answer)))
    return COR_OK;
  return FAULT(COR_MISSING_FIELD, "/contact",
               "a number goes with safeHours and whoMayAnswer: ask the person");
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
  return contact(b->contact, fault);
}

static int handover(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(ReferralHandover);
  return contact(b->contact, fault);
}

/* The numbers must be those of a file of that size, so that each part has one place. */
static int chunk(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(AttachmentChunk);
  if (b->total_size > COR_ATTACHMENT_MAX)
    return FAULT(COR_ATTACHMENT_LIMIT, "/totalSize", "an attachment is at most 25 MiB");
  if (b->of != cor_chunk_count(b->total_size))
    return FAULT(COR_BAD_INPUT, "/of", "is not what a file of totalSize makes");
  if (b->number > b->of) return FAULT(COR_BAD_INPUT, "/number", "is beyond the last");
  if (b->data.len != cor_chunk_size(b->total_size, b->number))
    return FAULT(COR_BAD_INPUT, "/data", "is not as long as this part of the file");
  return COR_OK;
}

static int chunk_outside_health(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(AttachmentChunk);
  if (b->title == CORRIDOR__V1__ATTACHMENT_TITLE__MEDICAL_LETTER)
    return FAULT(COR_FORBIDDEN_CONTENT, "/title",
                 "a medical letter goes to the health compartment [003:451]");
  return chunk(body, fault);
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
  const cor_scope_row *row = cor_scope_find(scope->scope);
  if (!row || !(row->purposes & COR_BIT(scope->purpose)))
    return FAULT(COR_BAD_INPUT, at, "this scope cannot be asked for that purpose (dictionary 4.1)");
  return COR_OK;
}

/* What was asked once has one answer: a second scope for the same data, use and
 * reader could only repeat the first or contradict it. */
static bool same_question(const Corridor__V1__ConsentScope *a, const Corridor__V1__ConsentScope *b) {
  const uint32_t both = cor_category_set(a->categories, a->n_categories) &
                        cor_category_set(b->categories, b->n_categories);
  return a->scope == b->scope && a->purpose == b->purpose && a->recipient_role == b->recipient_role &&
         strcmp(a->recipient_office, b->recipient_office) == 0 &&
         (both & ~COR_BIT(COR_CAT(OPERATIONAL))) != 0;
}

static int consent_scopes(const Corridor__V1__ConsentRecord *b, cor_content_fault *fault) {
  char at[64];
  for (size_t i = 0; i < b->n_scopes; i++) {
    int code = consent_scope(b->scopes[i], i, fault);
    if (code != COR_OK) return code;
    for (size_t k = 0; k < i; k++) {
      if (!same_question(b->scopes[i], b->scopes[k])) continue;
      snprintf(at, sizeof at, "/scopes/%zu", i);
      return FAULT(COR_BAD_INPUT, at, "an earlier scope has the same data, purpose and recipient");
    }
  }
  return COR_OK;
}

static int consent_record(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(ConsentRecord);
  if (b->n_scopes > COR_GATE_SCOPES_MAX) return FAULT(COR_TOO_LARGE, "/scopes", "has more than 32 scopes");
  int code = consent_scopes(b, fault);
  if (code != COR_OK) return code;
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
  const bool part = b->extent == CORRIDOR__V1__WITHDRAWAL_EXTENT__PART;
  const bool named = !blank(b->recipient_office) || b->purpose != 0;
  if (part && !named)
    return FAULT(COR_MISSING_FIELD, "/recipientOffice", "a part is of a recipient, of a purpose, or of both");
  if (!part && named)
    return FAULT(COR_BAD_INPUT, "/extent", "must be PART when a recipient or a purpose is named");
  return COR_OK;
}

static int suspension_answer(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(SuspensionAnswer);
  if (b->outcome == CORRIDOR__V1__SUSPENSION_OUTCOME__CONFIRMED && b->ground != 0)
    return FAULT(COR_BAD_INPUT, "/ground", "must be absent when the withdrawal is confirmed");
  return COR_OK;
}

static int data_request(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(DataRequest);
  if (b->action != CORRIDOR__V1__DATA_ACTION__RECTIFIED && b->replacement_id.len != 0)
    return FAULT(COR_BAD_INPUT, "/replacementId", "must be absent unless the action is RECTIFIED");
  return COR_OK;
}

static int data_statement(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(DataStatement);
  if (b->outcome == CORRIDOR__V1__DATA_OUTCOME__DONE && b->ground != 0)
    return FAULT(COR_BAD_INPUT, "/ground", "must be absent when it was done");
  return COR_OK;
}

static int basis_statement(const ProtobufCMessage *body, cor_content_fault *fault) {
  BODY(BasisStatement);
  if (b->result != CORRIDOR__V1__BASIS_RESULT__CONSENT_OBTAINED && b->consent_id.len != 0)
    return FAULT(COR_BAD_INPUT, "/consentId", "is for consent obtained since, and only for it");
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
    {COR_T(ATTACHMENT_CHUNK), COR_C(OPERATIONS), chunk_outside_health},
    {COR_T(ATTACHMENT_CHUNK), COR_C(CASEWORK), chunk_outside_health},
    {COR_T(ATTACHMENT_CHUNK), COR_C(HEALTH), chunk},
    {COR_T(ABN), COR_C(OPERATIONS), abn},
    {COR_T(ABN_CONFIRM), COR_C(OPERATIONS), abn_confirm},
    {COR_T(DEPARTURE_CONFIRMATION), COR_C(OPERATIONS), departure},
    {COR_T(DUPLICATE_QUESTION), COR_C(CASEWORK), duplicate_question},
    {COR_T(DUPLICATE_ANSWER), COR_C(CASEWORK), duplicate_answer},
    {COR_T(REFERRAL), COR_C(CASEWORK), offer},
    {COR_T(REFERRAL_ACK), COR_C(CASEWORK), offer_answer},
    {COR_T(REFERRAL_HANDOVER), COR_C(CASEWORK), handover},
    {COR_T(HANDOVER_ATTACHMENT), COR_C(CASEWORK), chunk_outside_health},
    {COR_T(REPORT_ATTACHMENT), COR_C(CASEWORK), chunk_outside_health},
    {COR_T(SERVICE_REPORT), COR_C(CASEWORK), service_report},
    {COR_T(REGISTRATION), COR_C(RECORD), registration},
    {COR_T(CONSENT_RECORD), COR_C(RECORD), consent_record},
    {COR_T(CONSENT_WITHDRAWAL), COR_C(RECORD), withdrawal},
    {COR_T(BASIS_STATEMENT), COR_C(RECORD), basis_statement},
    {COR_T(CONTENT_STATEMENT), COR_C(RECORD), content_statement},
    {COR_T(SUSPENSION_ANSWER), COR_C(RECORD), suspension_answer},
    {COR_T(DATA_REQUEST), COR_C(RECORD), data_request},
    {COR_T(DATA_STATEMENT), COR_C(RECORD), data_statement},
    {COR_T(NOTICE_BUNDLE), COR_C(RECORD), notice_bundle},
};

const cor_content_relation *cor_content_relation_at(size_t i) {
  return i < sizeof relations / sizeof *relations ? &relations[i] : NULL;
}
