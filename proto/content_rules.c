/* content_rules.c - what must stand inside each body: the data dictionary as a
 * table, one line per field. The few rules that tie fields together are in
 * content_relations.c. Both agents use it: the sender's before sealing, the
 * recipient's at first opening. The broker cannot read a body and uses it for
 * the unsealed records meant for itself only.
 *
 * M = mandatory by a source, m = mandatory by us; both are COR_MUST. A field
 * named here exists in the schema (a test checks), and a trafficking word has
 * no place to stand in the schema at all [003:603]. Nothing is fatal. */
#include "content.h"

#define ANSWER(x) CORRIDOR__V1__ANSWER__##x

/* --- conditions --- */

typedef Corridor__V1__CaseFileCasework Casework;
typedef Corridor__V1__Abn Abn;

static bool has_vulnerability(const Corridor__V1__Vulnerability *list, size_t n,
                              Corridor__V1__Vulnerability wanted) {
  for (size_t i = 0; i < n; i++)
    if (list[i] == wanted) return true;
  return false;
}

static bool no_age(const ProtobufCMessage *b) {
  return ((const Casework *)b)->age == 0;
}
static bool is_umc(const ProtobufCMessage *b) {
  const Casework *c = (const Casework *)b;
  return has_vulnerability(c->vulnerabilities, c->n_vulnerabilities, CORRIDOR__V1__VULNERABILITY__UMC);
}
static bool is_detained(const ProtobufCMessage *b) {
  return ((const Casework *)b)->detained == ANSWER(IS_YES);
}
static bool has_medication(const ProtobufCMessage *b) {
  const Corridor__V1__CaseFileHealth *h = (const Corridor__V1__CaseFileHealth *)b;
  return h->medication_days > 0 || (h->treatment && h->treatment[0] != '\0');
}
static bool by_charter(const ProtobufCMessage *b) {
  return ((const Abn *)b)->transport == CORRIDOR__V1__TRANSPORT__CHARTER;
}
static bool needs_transit_help(const ProtobufCMessage *b) {
  return ((const Abn *)b)->transit_assistance_needed;
}
/* For a mission in transit a booking is of the journey alone (data dictionary 2). */
static bool names_person(const ProtobufCMessage *b) {
  const Abn *a = (const Abn *)b;
  return a->case_ref[0] != '\0' || a->profile_summary[0] != '\0' || a->n_vulnerability_summary > 0 ||
         a->n_prior_assistance > 0;
}
static bool has_escort(const ProtobufCMessage *b) {
  const Abn *a = (const Abn *)b;
  return a->escort && a->escort->kind != CORRIDOR__V1__ESCORT_KIND__ESCORT_NONE;
}
static bool not_refused(const ProtobufCMessage *b) {
  return ((const Corridor__V1__AbnConfirm *)b)->available != COR_OUTCOME(NO);
}
static bool boarded(const ProtobufCMessage *b) {
  return ((const Corridor__V1__DepartureConfirmation *)b)->boarded != ANSWER(IS_NO);
}
static bool not_boarded(const ProtobufCMessage *b) {
  return !boarded(b);
}
static bool paid(const ProtobufCMessage *b) {
  return ((const Corridor__V1__ArrivalNotice *)b)->pocket_money_amount > 0;
}
static bool by_consent(const ProtobufCMessage *b) { /* basis.c holds the decision to the header */
  return ((const Corridor__V1__ReferralHandover *)b)->basis_decision == NULL;
}
static bool is_consent_now(const ProtobufCMessage *b) {
  return ((const Corridor__V1__BasisStatement *)b)->result == CORRIDOR__V1__BASIS_RESULT__CONSENT_OBTAINED;
}
static bool declined(const ProtobufCMessage *b) {
  return ((const Corridor__V1__ReferralAnswer *)b)->answer == COR_OUTCOME(NO);
}
static bool completed(const ProtobufCMessage *b) {
  return ((const Corridor__V1__ServiceReport *)b)->state == CORRIDOR__V1__SERVICE_STATE__COMPLETED;
}
static bool no_age_asked(const ProtobufCMessage *b) {
  return ((const Corridor__V1__DuplicateQuestion *)b)->age == 0;
}
static bool possible(const ProtobufCMessage *b) {
  return ((const Corridor__V1__DuplicateAnswer *)b)->finding ==
         CORRIDOR__V1__DUPLICATE_FINDING__DUPLICATE_POSSIBLE;
}
static bool one_consent(const ProtobufCMessage *b) {
  return ((const Corridor__V1__ConsentWithdrawal *)b)->extent == CORRIDOR__V1__WITHDRAWAL_EXTENT__ONE_CONSENT;
}
static bool was_rectified(const ProtobufCMessage *b) {
  return ((const Corridor__V1__DataRequest *)b)->action == CORRIDOR__V1__DATA_ACTION__RECTIFIED;
}
static bool was_lifted(const ProtobufCMessage *b) {
  return ((const Corridor__V1__SuspensionAnswer *)b)->outcome == CORRIDOR__V1__SUSPENSION_OUTCOME__LIFTED;
}
static bool not_done(const ProtobufCMessage *b) {
  return ((const Corridor__V1__DataStatement *)b)->outcome == CORRIDOR__V1__DATA_OUTCOME__NOT_DONE;
}
static bool by_code(const ProtobufCMessage *b) {
  return ((const Corridor__V1__ConsentWithdrawal *)b)->withdrawal_hash.len > 0;
}
static bool was_stopped(const ProtobufCMessage *b) {
  return ((const Corridor__V1__EndNotice *)b)->state == CORRIDOR__V1__END_STATE__STOPPED;
}

/* clang-format off */
#define FILE_CASEWORK COR_T(CASE_FILE), COR_C(CASEWORK)
#define FILE_OPERATIONS COR_T(CASE_FILE), COR_C(OPERATIONS)
#define FILE_HEALTH COR_T(CASE_FILE), COR_C(HEALTH)
#define IN_OPS(type) COR_T(type), COR_C(OPERATIONS)
#define IN_CASEWORK(type) COR_T(type), COR_C(CASEWORK)
#define IN_RECORD(type) COR_T(type), COR_C(RECORD)
#define CHUNK_RULE(t, c, field, need, kind, cite) {COR_T(t), COR_C(c), field, need, kind, NULL, cite}
#define CHUNK_RULES(t, c)                                                                                       \
  CHUNK_RULE(t, c, "number", COR_MUST, COR_ANY, "PROTOCOL 7: attachments"),                                     \
  CHUNK_RULE(t, c, "of", COR_MUST, COR_ANY, "PROTOCOL 7: attachments"),                                         \
  CHUNK_RULE(t, c, "total_size", COR_MUST, COR_ANY, "PROTOCOL 7: attachments"),                                 \
  CHUNK_RULE(t, c, "whole_sha256", COR_MUST, COR_BYTES_32, "PROTOCOL 7: attachments"),                          \
  CHUNK_RULE(t, c, "kind", COR_MUST, COR_ANY, "PROTOCOL 7: attachments"),                                       \
  CHUNK_RULE(t, c, "title", COR_MUST, COR_ANY, "m [003:233,455]"),                                              \
  CHUNK_RULE(t, c, "belongs_to", COR_MAY, COR_BYTES_16, "PROTOCOL 7: attachments"),                             \
  CHUNK_RULE(t, c, "data", COR_MUST, COR_ANY, "PROTOCOL 7: attachments")

static const cor_content_rule rules[] = {
  /* 3.1 case file, casework part */
  {FILE_CASEWORK, "case_ref", COR_MUST, COR_ANY, NULL, "M [003:626]"},
  {FILE_CASEWORK, "programme", COR_MUST, COR_ANY, NULL, "m [003:527-528]"},
  {FILE_CASEWORK, "host_office", COR_MUST, COR_OFFICE, NULL, "m [003:527-528]"},
  {FILE_CASEWORK, "origin_office", COR_MUST, COR_OFFICE, NULL, "m [003:527-528]"},
  {FILE_CASEWORK, "name", COR_MUST, COR_ANY, NULL, "M [003:432]"},
  {FILE_CASEWORK, "sex", COR_MUST, COR_ANY, NULL, "M [003:432]"},
  {FILE_CASEWORK, "birth_date", COR_MUST, COR_DATE, no_age, "M [003:432]: age or date of birth"},
  {FILE_CASEWORK, "birth_date", COR_MAY, COR_DATE, NULL, "M [003:432]"},
  {FILE_CASEWORK, "birth_place", COR_MUST, COR_ANY, NULL, "M [003:432]"},
  {FILE_CASEWORK, "current_situation", COR_MUST, COR_ANY, NULL, "M [003:432]"},
  {FILE_CASEWORK, "migration_experience", COR_MUST, COR_ANY, NULL, "M [003:432]"},
  {FILE_CASEWORK, "skills", COR_MUST, COR_ANY, NULL, "M [003:432]"},
  {FILE_CASEWORK, "intended_return/country", COR_MUST, COR_COUNTRY, NULL, "M [003:432,594]"},
  {FILE_CASEWORK, "return_type", COR_MUST, COR_ANY, NULL, "M [003:225,526]"},
  {FILE_CASEWORK, "declaration_ref", COR_MUST, COR_ANY, NULL, "M [003:225,526]"},
  {FILE_CASEWORK, "declaration_language", COR_MUST, COR_LANGUAGE, NULL, "M [003:526]"},
  {FILE_CASEWORK, "declaration_date", COR_MUST, COR_DATE, NULL, "m [003:526]"},
  {FILE_CASEWORK, "vulnerabilities", COR_MUST, COR_ANY, NULL, "M [003:426,433]; NONE_FOUND if none"},
  {FILE_CASEWORK, "needs", COR_MUST, COR_ANY, NULL, "M [003:426,433]; NEED_NONE if none"},
  {FILE_CASEWORK, "known_health_needs", COR_MUST, COR_ANY, NULL, "M to ask [003:433]"},
  {FILE_CASEWORK, "travel_document", COR_MUST, COR_ANY, NULL, "M [003:576]"},
  {FILE_CASEWORK, "prior_assistance/programme", COR_MUST, COR_ANY, NULL, "M if known [003:528,598,880]"},
  {FILE_CASEWORK, "immigration_detention_only", COR_MUST, COR_ANY, is_detained, "M if detained [003:247]"},
  {FILE_CASEWORK, "access_confidential", COR_MUST, COR_ANY, is_detained, "M if detained [003:248]"},
  {FILE_CASEWORK, "child/guardian_host/name", COR_MUST, COR_ANY, is_umc, "M for UMC [003:466]"},
  {FILE_CASEWORK, "child/guardian_host/country", COR_MUST, COR_COUNTRY, is_umc, "M for UMC [003:466]"},
  {FILE_CASEWORK, "child/guardian_origin/name", COR_MUST, COR_ANY, is_umc, "M for UMC [003:466]"},
  {FILE_CASEWORK, "child/guardian_origin/country", COR_MUST, COR_COUNTRY, is_umc, "M for UMC [003:466]"},
  {FILE_CASEWORK, "child/family_assessment_done", COR_MUST, COR_ANY, is_umc, "M for UMC [003:467]"},
  {FILE_CASEWORK, "child/bid_favours_return", COR_MUST, COR_ANY, is_umc, "M for UMC [003:468]"},
  {FILE_CASEWORK, "child/bid_date", COR_MUST, COR_DATE, is_umc, "M for UMC [003:468]"},
  {FILE_CASEWORK, "child/child_willing", COR_MUST, COR_ANY, is_umc, "M for UMC [003:470]"},

  /* 3.1 case file, operations part */
  {FILE_OPERATIONS, "case_ref", COR_MUST, COR_ANY, NULL, "M [003:626]"},
  {FILE_OPERATIONS, "name", COR_MUST, COR_ANY, NULL, "M [003:432]"},
  {FILE_OPERATIONS, "sex", COR_MUST, COR_ANY, NULL, "M [003:432]"},
  {FILE_OPERATIONS, "travel_document", COR_MUST, COR_ANY, NULL, "M [003:576]"},
  {FILE_OPERATIONS, "intended_return/country", COR_MUST, COR_COUNTRY, NULL, "M [003:432,594]"},

  /* 3.11 case file, health part */
  {FILE_HEALTH, "case_ref", COR_MUST, COR_ANY, NULL, "M [003:626]"},
  {FILE_HEALTH, "known_conditions", COR_MUST, COR_ANY, NULL, "[003:451]"},
  {FILE_HEALTH, "competence_to_decide", COR_MUST, COR_ANY, NULL, "[003:452]"},
  {FILE_HEALTH, "competence_assessed_by", COR_MUST, COR_ANY, NULL, "[003:452]"},
  {FILE_HEALTH, "fitness_to_travel", COR_MUST, COR_ANY, NULL, "[003:453,539]"},
  {FILE_HEALTH, "outcome", COR_MUST, COR_ANY, NULL, "[004:1061-1071]"},
  {FILE_HEALTH, "continuity_service", COR_MUST, COR_ANY, has_medication, "[003:455; 004:1061]"},

  /* what goes with a case file: scans, recordings, letters */
  CHUNK_RULES(ATTACHMENT_CHUNK, OPERATIONS), CHUNK_RULES(ATTACHMENT_CHUNK, CASEWORK),
  CHUNK_RULES(ATTACHMENT_CHUNK, HEALTH), CHUNK_RULES(HANDOVER_ATTACHMENT, CASEWORK),
  CHUNK_RULES(REPORT_ATTACHMENT, CASEWORK),

  /* 3.2 advance booking notification */
  {IN_OPS(ABN), "abn_id", COR_MUST, COR_ANY, NULL, "m [003:591]"},
  {IN_OPS(ABN), "planned_return_date", COR_MUST, COR_DATE, NULL, "m [003:591]"},
  {IN_OPS(ABN), "pax_count", COR_MUST, COR_ANY, NULL, "M [003:593]"},
  {IN_OPS(ABN), "transport", COR_MUST, COR_ANY, NULL, "M [003:593]"},
  {IN_OPS(ABN), "carrier_number", COR_MUST, COR_ANY, NULL, "M [003:593]"},
  {IN_OPS(ABN), "route", COR_MUST, COR_ANY, NULL, "M [003:593]"},
  {IN_OPS(ABN), "departure_place", COR_MUST, COR_ANY, NULL, "M [003:593]"},
  {IN_OPS(ABN), "departs_at", COR_MUST, COR_ANY, NULL, "M [003:593]"},
  {IN_OPS(ABN), "arrival_place", COR_MUST, COR_ANY, NULL, "M [003:593]"},
  {IN_OPS(ABN), "arrives_at", COR_MUST, COR_ANY, NULL, "M [003:593]"},
  {IN_OPS(ABN), "overflown", COR_MUST, COR_COUNTRY, by_charter, "M if charter [003:593]"},
  {IN_OPS(ABN), "transit_points", COR_MUST, COR_ANY, needs_transit_help, "M if not direct [003:599]"},
  {IN_OPS(ABN), "case_ref", COR_MUST, COR_ANY, names_person, "M [003:594]"},
  {IN_OPS(ABN), "final_destination/country", COR_MUST, COR_COUNTRY, NULL, "M [003:594]"},
  {IN_OPS(ABN), "profile_summary", COR_MUST, COR_ANY, names_person, "M [003:596]"},
  {IN_OPS(ABN), "vulnerability_summary", COR_MUST, COR_ANY, names_person, "M [003:596]"},
  {IN_OPS(ABN), "prior_assistance/programme", COR_MUST, COR_ANY, names_person, "M if any [003:598]"},
  {IN_OPS(ABN), "escort/name", COR_MUST, COR_ANY, has_escort, "M per rule [003:582]"},
  {IN_OPS(ABN), "escort/travel", COR_MUST, COR_ANY, has_escort, "M per rule [003:582]"},

  {IN_OPS(ABN_CONFIRM), "abn_id", COR_MUST, COR_ANY, NULL, "[003:607]"},
  {IN_OPS(ABN_CONFIRM), "available", COR_MUST, COR_ANY, NULL, "[003:607]"},
  {IN_OPS(ABN_CONFIRM), "reception_contact", COR_MUST, COR_ANY, not_refused, "[003:581,607]"},
  {IN_OPS(ABN_CONFIRM), "confirmed_at", COR_MUST, COR_ANY, NULL, "[003:607]"},

  {IN_OPS(TICKET_ISSUED), "abn_id", COR_MUST, COR_ANY, NULL, "[003:581]"},
  {IN_OPS(TICKET_ISSUED), "carrier_number", COR_MUST, COR_ANY, NULL, "[003:581]"},
  {IN_OPS(TICKET_ISSUED), "ticket_ref", COR_MUST, COR_ANY, NULL, "[003:581]"},
  {IN_OPS(TICKET_ISSUED), "departs_at", COR_MUST, COR_ANY, NULL, "[003:581]"},

  /* 3.3 departure, 3.4 arrival */
  {IN_OPS(DEPARTURE_CONFIRMATION), "abn_id", COR_MUST, COR_ANY, NULL, "[003:650]"},
  {IN_OPS(DEPARTURE_CONFIRMATION), "case_ref", COR_MUST, COR_ANY, NULL, "[003:650]"},
  {IN_OPS(DEPARTURE_CONFIRMATION), "boarded", COR_MUST, COR_ANY, NULL, "[003:650]"},
  {IN_OPS(DEPARTURE_CONFIRMATION), "not_boarded_reason", COR_MUST, COR_ANY, not_boarded, "dictionary 3.3 (P)"},
  {IN_OPS(DEPARTURE_CONFIRMATION), "departed_at", COR_MUST, COR_ANY, boarded, "[003:650]"},
  {IN_OPS(DEPARTURE_CONFIRMATION), "carrier_number", COR_MUST, COR_ANY, boarded, "[003:649-650]"},

  {IN_OPS(ARRIVAL_NOTICE), "case_ref", COR_MUST, COR_ANY, NULL, "[003:667-670]"},
  {IN_OPS(ARRIVAL_NOTICE), "arrived_at", COR_MUST, COR_ANY, NULL, "[003:667-670]"},
  {IN_OPS(ARRIVAL_NOTICE), "place", COR_MUST, COR_ANY, NULL, "[003:667-670]"},
  {IN_OPS(ARRIVAL_NOTICE), "met_by", COR_MUST, COR_ANY, NULL, "[003:667-670]"},
  {IN_OPS(ARRIVAL_NOTICE), "border_cleared", COR_MUST, COR_ANY, NULL, "[003:667-670]"},
  {IN_OPS(ARRIVAL_NOTICE), "immediate_needs_met", COR_MUST, COR_ANY, NULL, "[003:667-670]"},
  {IN_OPS(ARRIVAL_NOTICE), "pocket_money_currency", COR_MUST, COR_CURRENCY, paid, "[003:694]"},
  {IN_OPS(ARRIVAL_NOTICE), "pocket_money_receipt", COR_MUST, COR_ANY, paid, "[003:696]"},

  {IN_CASEWORK(DUPLICATE_QUESTION), "names", COR_MUST, COR_ANY, NULL, "M [003:432]"},
  {IN_CASEWORK(DUPLICATE_QUESTION), "sex", COR_MUST, COR_ANY, NULL, "M [003:432]"},
  {IN_CASEWORK(DUPLICATE_QUESTION), "birth_date", COR_MUST, COR_PART_DATE, no_age_asked, "M [003:432]: age or date of birth"},
  {IN_CASEWORK(DUPLICATE_QUESTION), "birth_date", COR_MAY, COR_PART_DATE, NULL, "M [003:432]"},
  {IN_CASEWORK(DUPLICATE_QUESTION), "country", COR_MAY, COR_COUNTRY, NULL, "[003:432]"},
  {IN_CASEWORK(DUPLICATE_QUESTION), "programme", COR_MUST, COR_ANY, NULL, "M [003:528]"},

  {IN_CASEWORK(DUPLICATE_ANSWER), "finding", COR_MUST, COR_ANY, NULL, "m [003:528,749]"},
  {IN_CASEWORK(DUPLICATE_ANSWER), "contact_function", COR_MUST, COR_ANY, possible, "m [003:528]"},

  /* 3.7 referrals: the offer has codes only, so each text must look like one */
  {IN_CASEWORK(REFERRAL), "service", COR_MUST, COR_ANY, NULL, "M [004:3009-3010]"},
  {IN_CASEWORK(REFERRAL), "area", COR_MUST, COR_AREA, NULL, "design 6"},
  {IN_CASEWORK(REFERRAL), "language", COR_MUST, COR_LANGUAGE, NULL, "design 6"},
  {IN_CASEWORK(REFERRAL), "urgency", COR_MUST, COR_ANY, NULL, "m [004:967,1959]"},
  {IN_CASEWORK(REFERRAL), "answer_by", COR_MUST, COR_ANY, NULL, "M [004:3008]"},

  {IN_CASEWORK(REFERRAL_ACK), "answer", COR_MUST, COR_ANY, NULL, "m [004:3008]"},
  {IN_CASEWORK(REFERRAL_ACK), "reason", COR_MUST, COR_ANY, declined, "m [004:3008]"},

  {IN_CASEWORK(REFERRAL_HANDOVER), "name", COR_MUST, COR_ANY, NULL, "M [004:3003]"},
  {IN_CASEWORK(REFERRAL_HANDOVER), "contact/phone", COR_MUST, COR_ANY, NULL, "M [004:3008]"},
  {IN_CASEWORK(REFERRAL_HANDOVER), "language", COR_MUST, COR_LANGUAGE, NULL, "M [004:3008]"},
  {IN_CASEWORK(REFERRAL_HANDOVER), "need", COR_MUST, COR_ANY, NULL, "M [004:3003]"},
  {IN_CASEWORK(REFERRAL_HANDOVER), "consent_ref", COR_MUST, COR_ANY, by_consent, "M [004:3003,3007]"},

  {IN_CASEWORK(SERVICE_REPORT), "state", COR_MUST, COR_ANY, NULL, "M [004:3009]"},
  {IN_CASEWORK(SERVICE_REPORT), "since", COR_MUST, COR_ANY, NULL, "M [004:3009]"},
  {IN_CASEWORK(SERVICE_REPORT), "outcome", COR_MUST, COR_ANY, completed, "M [004:3010]"},

  /* records for the hub */
  {IN_RECORD(REGISTRATION), "programme", COR_MUST, COR_ANY, NULL, "m [003:527-528]"},
  {IN_RECORD(REGISTRATION), "return_type", COR_MUST, COR_ANY, NULL, "M [003:225,526]"},
  {IN_RECORD(REGISTRATION), "origin_office", COR_MUST, COR_OFFICE, NULL, "m [003:527-528]"},
  {IN_RECORD(REGISTRATION), "reference_hash", COR_MUST, COR_BYTES_32, NULL, "design 4: withdrawal"},
  {IN_RECORD(REGISTRATION), "withdrawal_hash", COR_MUST, COR_BYTES_32, NULL, "design 4: withdrawal"},
  {IN_RECORD(REGISTRATION), "declared_on", COR_MUST, COR_ANY, NULL, "m [003:526]"},

  {IN_RECORD(CONSENT_RECORD), "consent_id", COR_MUST, COR_BYTES_16, NULL, "dictionary 4.2"},
  {IN_RECORD(CONSENT_RECORD), "version", COR_MUST, COR_ANY, NULL, "dictionary 4.2"},
  {IN_RECORD(CONSENT_RECORD), "scopes", COR_MUST, COR_ANY, NULL, "dictionary 4.1"},
  {IN_RECORD(CONSENT_RECORD), "scopes/scope", COR_MUST, COR_ANY, NULL, "dictionary 4.1"},
  {IN_RECORD(CONSENT_RECORD), "scopes/purpose", COR_MUST, COR_ANY, NULL, "dictionary 4.1"},
  {IN_RECORD(CONSENT_RECORD), "scopes/categories", COR_MUST, COR_ANY, NULL, "dictionary 4.1"},
  {IN_RECORD(CONSENT_RECORD), "scopes/recipient_office", COR_MAY, COR_OFFICE, NULL, "dictionary 4.1"},
  {IN_RECORD(CONSENT_RECORD), "valid_from", COR_MUST, COR_ANY, NULL, "dictionary 4.2"},
  {IN_RECORD(CONSENT_RECORD), "valid_until", COR_MUST, COR_ANY, NULL, "dictionary 4.2"},
  {IN_RECORD(CONSENT_RECORD), "evidence_sha256", COR_MUST, COR_BYTES_32, NULL, "dictionary 4.2"},

  {IN_RECORD(CONSENT_WITHDRAWAL), "extent", COR_MUST, COR_ANY, NULL, "[004:3430]"},
  {IN_RECORD(CONSENT_WITHDRAWAL), "consent_id", COR_MUST, COR_BYTES_16, one_consent, "[004:3430]"},
  {IN_RECORD(CONSENT_WITHDRAWAL), "consent_id", COR_MAY, COR_BYTES_16, NULL, "[004:3430]"},
  {IN_RECORD(CONSENT_WITHDRAWAL), "reference_hash", COR_MUST, COR_BYTES_32, by_code, "design 4: withdrawal"},
  {IN_RECORD(CONSENT_WITHDRAWAL), "reference_hash", COR_MAY, COR_BYTES_32, NULL, "design 4: withdrawal"},
  {IN_RECORD(CONSENT_WITHDRAWAL), "withdrawal_hash", COR_MAY, COR_BYTES_32, NULL, "design 4: withdrawal"},
  {IN_RECORD(CONSENT_WITHDRAWAL), "withdrawn_at", COR_MUST, COR_ANY, NULL, "[004:3430]"},
  {IN_RECORD(CONSENT_WITHDRAWAL), "recipient_office", COR_MAY, COR_OFFICE, NULL, "dictionary 4.1"},

  {IN_RECORD(SUSPENSION_ANSWER), "outcome", COR_MUST, COR_ANY, NULL, "design 4: withdrawal without the code"},
  {IN_RECORD(SUSPENSION_ANSWER), "ground", COR_MUST, COR_ANY, was_lifted, "design 4 (P)"},

  {IN_RECORD(DATA_REQUEST), "action", COR_MUST, COR_ANY, NULL, "design 4 (P)"},
  {IN_RECORD(DATA_REQUEST), "message_ids", COR_MUST, COR_BYTES_16, was_rectified, "design 4 (P)"},
  {IN_RECORD(DATA_REQUEST), "message_ids", COR_MAY, COR_BYTES_16, NULL, "design 4 (P)"},
  {IN_RECORD(DATA_REQUEST), "replacement_id", COR_MUST, COR_BYTES_16, was_rectified, "design 4 (P)"},

  {IN_RECORD(DATA_STATEMENT), "message_ids", COR_MUST, COR_BYTES_16, NULL, "design 4 (P)"},
  {IN_RECORD(DATA_STATEMENT), "outcome", COR_MUST, COR_ANY, NULL, "design 4 (P)"},
  {IN_RECORD(DATA_STATEMENT), "ground", COR_MUST, COR_ANY, not_done, "design 4 (P)"},

  {IN_RECORD(BASIS_STATEMENT), "message_id", COR_MUST, COR_BYTES_16, NULL, "design 4: not the only basis"},
  {IN_RECORD(BASIS_STATEMENT), "step", COR_MUST, COR_ANY, NULL, "design 4: not the only basis"},
  {IN_RECORD(BASIS_STATEMENT), "result", COR_MUST, COR_ANY, NULL, "design 4: not the only basis"},
  {IN_RECORD(BASIS_STATEMENT), "consent_id", COR_MUST, COR_BYTES_16, is_consent_now, "design 4: not the only basis"},

  {IN_RECORD(ERASURE_STATEMENT), "message_ids", COR_MUST, COR_BYTES_16, NULL, "design 4: withdrawal"},
  {IN_RECORD(ERASURE_STATEMENT), "ground", COR_MUST, COR_ANY, NULL, "design 4: withdrawal"},

  {IN_RECORD(CONTENT_STATEMENT), "message_id", COR_MUST, COR_BYTES_16, NULL, "design 4: content_refused"},
  {IN_RECORD(CONTENT_STATEMENT), "state", COR_MUST, COR_ANY, NULL, "design 4: content_refused"},
  {IN_RECORD(CONTENT_STATEMENT), "reason", COR_MUST, COR_ANY, NULL, "design 4: content_refused"},

  {IN_RECORD(ACCESS_STATEMENT), "message_id", COR_MUST, COR_BYTES_16, NULL, "design 7: access"},
  {IN_RECORD(ACCESS_STATEMENT), "at", COR_MUST, COR_ANY, NULL, "design 7: access"},
  {IN_RECORD(ACCESS_STATEMENT), "kind", COR_MUST, COR_ANY, NULL, "design 2: successor"},

  /* the hub's notices */
  {IN_RECORD(END_NOTICE), "message_id", COR_MUST, COR_BYTES_16, NULL, "design 3"},
  {IN_RECORD(END_NOTICE), "state", COR_MUST, COR_ANY, NULL, "design 3"},
  {IN_RECORD(END_NOTICE), "reason", COR_MUST, COR_ANY, was_stopped, "design 3: stopped(reason)"},
  {IN_RECORD(END_NOTICE), "at", COR_MUST, COR_ANY, NULL, "design 3"},
  {IN_RECORD(WITHDRAWAL_NOTICE), "consent_id", COR_MAY, COR_BYTES_16, NULL, "design 4"},
  {IN_RECORD(WITHDRAWAL_NOTICE), "withdrawn_at", COR_MUST, COR_ANY, NULL, "design 4"},
  {IN_RECORD(WITHDRAWAL_NOTICE), "message_ids", COR_MAY, COR_BYTES_16, NULL, "design 4"},
  {IN_RECORD(WITHDRAWAL_NOTICE), "answer_due", COR_MAY, COR_ANY, NULL, "design 4"},
  {IN_RECORD(WITHDRAWAL_NOTICE), "answer", COR_MAY, COR_ANY, NULL, "design 3: restore"},
  {IN_RECORD(WITHDRAWAL_NOTICE), "answer_body", COR_MAY, COR_ANY, NULL, "design 3: restore"},
  {IN_RECORD(WITHDRAWAL_NOTICE), "recipient_office", COR_MAY, COR_OFFICE, NULL, "design 4"},
  {IN_RECORD(WITHDRAWAL_NOTICE), "compartment", COR_MAY, COR_ANY, NULL, "design 4, invariant 10"},
  {IN_RECORD(SUSPENSION_NOTICE), "suspended_at", COR_MUST, COR_ANY, NULL, "design 4"},
  {IN_RECORD(SUSPENSION_NOTICE), "answer_due", COR_MUST, COR_ANY, NULL, "design 4"},
  {IN_RECORD(DATA_NOTICE), "action", COR_MUST, COR_ANY, NULL, "design 4 (P)"},
  {IN_RECORD(DATA_NOTICE), "message_ids", COR_MUST, COR_BYTES_16, NULL, "design 4 (P)"},
  {IN_RECORD(DATA_NOTICE), "replacement_id", COR_MAY, COR_BYTES_16, NULL, "design 4 (P)"},
  {IN_RECORD(DATA_NOTICE), "asked_at", COR_MUST, COR_ANY, NULL, "design 4 (P)"},
  {IN_RECORD(DATA_NOTICE), "answer_due", COR_MUST, COR_ANY, NULL, "design 4 (P)"},
  {IN_RECORD(DATA_NOTICE), "compartment", COR_MAY, COR_ANY, NULL, "design 4, invariant 10"},
  {IN_RECORD(OBLIGATION_NOTICE), "obligation_id", COR_MUST, COR_BYTES_16, NULL, "design 5"},
  {IN_RECORD(OBLIGATION_NOTICE), "kind", COR_MUST, COR_ANY, NULL, "design 5"},
  {IN_RECORD(OBLIGATION_NOTICE), "responsible", COR_MUST, COR_OFFICE, NULL, "design 5"},
  {IN_RECORD(OBLIGATION_NOTICE), "due_at", COR_MUST, COR_ANY, NULL, "design 5"},
  {IN_RECORD(OBLIGATION_NOTICE), "state", COR_MUST, COR_ANY, NULL, "design 5"},
  {IN_RECORD(NOTICE_BUNDLE), "notices", COR_MUST, COR_ANY, NULL, "design 8: batches"},
  {IN_RECORD(NOTICE_BUNDLE), "notices/notice_id", COR_MUST, COR_BYTES_16, NULL, "design 3"},
  {IN_RECORD(NOTICE_BUNDLE), "notices/handle", COR_MUST, COR_BYTES_16, NULL, "design 3"},
  {IN_RECORD(NOTICE_BUNDLE), "notices/in_reply_to", COR_MUST, COR_BYTES_16, NULL, "design 3"},
  {IN_RECORD(NOTICE_BUNDLE), "notices/type", COR_MUST, COR_ANY, NULL, "design 8: batches"},
  {IN_RECORD(NOTICE_BUNDLE), "notices/body", COR_MUST, COR_ANY, NULL, "design 8: batches"},
};
/* clang-format on */

const cor_content_rule *cor_content_rule_at(size_t i) {
  return i < sizeof rules / sizeof *rules ? &rules[i] : NULL;
}
