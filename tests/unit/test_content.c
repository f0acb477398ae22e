/* test_content.c - what must stand inside each body. For every type one full
 * sample, written as the JSON a person would send; then every mandatory field of
 * the rule table is taken away in turn and must be named by its JSON Pointer;
 * then the conditional rules and the forbidden values, one change each. */
#include "quoted.h"
#include "content.h"
#include "corridor/codec.h"
#include "corridor/json.h"
#include "corridor/refusal.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID "AAECAwQFBgcICQoLDA0ODw=="
#define DIGEST "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define FILE_OF(c) COR_T(CASE_FILE), COR_C(c)
#define CHUNK_OF(c) COR_T(ATTACHMENT_CHUNK), COR_C(c)
#define CHUNK_JSON(title)                                                                                    \
  "{'number': 1, 'of': 1, 'totalSize': 3, 'wholeSha256': '" DIGEST "', 'kind': 'PDF', 'title': '" title      \
  "', 'data': 'AAAA'}"
#define OPS(t) COR_T(t), COR_C(OPERATIONS)
#define WORK(t) COR_T(t), COR_C(CASEWORK)
#define RECORD(t) COR_T(t), COR_C(RECORD)

/* clang-format off */
static const struct sample {
  Corridor__V1__MessageType type; Corridor__V1__Compartment compartment; const char *json;
} samples[] = {
  {FILE_OF(CASEWORK), "{'caseRef': 'K7QM-2X9D', 'programme': 'JI', 'hostOffice': 'iom-ne', 'originOffice': 'iom-gn',"
    "'name': 'Testina Exemplar', 'sex': 'FEMALE', 'birthDate': '1996-05-04', 'birthPlace': 'Kindia',"
    "'currentSituation': 'shelter', 'migrationExperience': 'two years', 'skills': ['tailoring'],"
    "'intendedReturn': {'country': 'GN', 'city': 'Kindia'}, 'returnType': 'AVRR', 'declarationRef': 'D-1',"
    "'declarationLanguage': 'fr', 'declarationDate': '2026-03-01', 'vulnerabilities': ['PREGNANT'],"
    "'needs': ['NEED_TRAINING'], 'knownHealthNeeds': 'IS_NO', 'travelDocument': 'PASSPORT',"
    "'priorAssistance': [{'programme': 'JI'}]}"},
  {FILE_OF(OPERATIONS), "{'caseRef': 'K7QM-2X9D', 'name': 'Testina Exemplar', 'sex': 'FEMALE', 'age': 29,"
    "'travelDocument': 'PASSPORT', 'intendedReturn': {'country': 'GN'}, 'instructions': ['meet at gate']}"},
  {FILE_OF(HEALTH), "{'caseRef': 'K7QM-2X9D', 'knownConditions': ['asthma'], 'competenceToDecide': 'full',"
    "'competenceAssessedBy': 'physician', 'fitnessToTravel': 'fit', 'treatment': 'inhaler', 'medicationDays': 30,"
    "'continuityService': 'district hospital', 'outcome': 'RETURN'}"},
  {CHUNK_OF(OPERATIONS), CHUNK_JSON("SIGNED_SCAN")},
  {CHUNK_OF(CASEWORK), CHUNK_JSON("VOICE_RECORDING")},
  {CHUNK_OF(HEALTH), CHUNK_JSON("MEDICAL_LETTER")},
  {COR_T(HANDOVER_ATTACHMENT), COR_C(CASEWORK), CHUNK_JSON("SIGNED_SCAN")},
  {COR_T(REPORT_ATTACHMENT), COR_C(CASEWORK), CHUNK_JSON("OTHER_ATTACHMENT")},
  {OPS(ABN), "{'abnId': 'A-1', 'plannedReturnDate': '2026-03-13', 'paxCount': 1, 'transport': 'COMMERCIAL_FLIGHT',"
    "'carrierNumber': 'XX 100', 'route': 'NIM-CKY', 'departurePlace': 'Niamey', 'departsAt': '1773388800000',"
    "'arrivalPlace': 'Conakry', 'arrivesAt': '1773403200000', 'caseRef': 'K7QM-2X9D',"
    "'finalDestination': {'country': 'GN'}, 'profileSummary': 'adult, tailor', 'vulnerabilitySummary': ['PREGNANT'],"
    "'priorAssistance': [{'programme': 'JI'}]}"},
  {OPS(ABN_CONFIRM), "{'abnId': 'A-1', 'available': 'YES', 'receptionContact': 'operations desk',"
    "'receivedAt': '1772500000000', 'confirmedAt': '1772520000000'}"},
  {OPS(TICKET_ISSUED), "{'abnId': 'A-1', 'carrierNumber': 'XX 100', 'ticketRef': 'T-1', 'departsAt': '1773388800000'}"},
  {OPS(DEPARTURE_CONFIRMATION), "{'abnId': 'A-1', 'caseRef': 'K7QM-2X9D', 'boarded': 'IS_YES',"
    "'departedAt': '1773388900000', 'carrierNumber': 'XX 100'}"},
  {OPS(ARRIVAL_NOTICE), "{'caseRef': 'K7QM-2X9D', 'arrivedAt': '1773403200000', 'place': 'Conakry',"
    "'metBy': 'operations desk', 'borderCleared': 'IS_YES', 'immediateNeedsMet': 'IS_YES'}"},
  {WORK(DUPLICATE_QUESTION), "{'names': ['Testina Exemplar'], 'sex': 'FEMALE', 'birthDate': '1996', 'birthPlace': 'Kindia',"
    "'country': 'GN', 'programme': 'JI'}"},
  {WORK(DUPLICATE_ANSWER), "{'finding': 'DUPLICATE_NONE'}"},
  {WORK(REFERRAL), "{'service': 'E_TVET', 'subService': 1, 'area': 'GN-D', 'language': 'fr', 'urgency': 'ROUTINE',"
    "'answerBy': '1773500000000'}"},
  {WORK(REFERRAL_ACK), "{'answer': 'YES', 'firstContactAt': '1773600000000'}"},
  {WORK(REFERRAL_HANDOVER), "{'name': 'Testina Exemplar', 'contact': {'phone': '+000', 'safeHours': '09-12',"
    "'whoMayAnswer': 'herself'}, 'language': 'fr',"
    "'need': 'tailoring course', 'consentRef': 'C-1'}"},
  {WORK(SERVICE_REPORT), "{'state': 'IN_PROGRESS', 'since': '1773700000000'}"},
  {RECORD(REGISTRATION), "{'programme': 'JI', 'returnType': 'AVRR', 'originOffice': 'iom-gn', 'referenceHash': '" DIGEST
    "', 'withdrawalHash': '" DIGEST "', 'declaredOn': 20514}"},
  {RECORD(CONSENT_RECORD), "{'consentId': '" ID "', 'version': 1, 'scopes': [{'scope': 'RETURN_AND_DATA',"
    "'purpose': 'RETURN_PREPARATION', 'categories': ['BIODATA', 'CONTACT'], 'recipientOffice': 'iom-gn'}],"
    "'validFrom': '1772409600000', 'validUntil': '1798761600000', 'evidenceSha256': '" DIGEST "'}"},
  {RECORD(CONSENT_WITHDRAWAL), "{'extent': 'ALL_CONSENT', 'withdrawnAt': '1772500000000'}"},
  {RECORD(BASIS_STATEMENT), "{'messageId': '" ID "', 'step': 'REVIEWED', 'result': 'UPHELD'}"},
  {RECORD(ERASURE_STATEMENT), "{'messageIds': ['" ID "'], 'ground': 'ERASED'}"},
  {RECORD(SUSPENSION_ANSWER), "{'outcome': 'LIFTED', 'ground': 'PERSON_DENIES'}"},
  {RECORD(DATA_REQUEST), "{'action': 'RECTIFIED', 'messageIds': ['" ID "'], 'replacementId': '" ID "'}"},
  {RECORD(DATA_STATEMENT), "{'messageIds': ['" ID "'], 'outcome': 'NOT_DONE', 'ground': 'NOT_HELD'}"},
  {RECORD(SUSPENSION_NOTICE), "{'suspendedAt': '1772500000000', 'answerDue': '1772600000000'}"},
  {RECORD(DATA_NOTICE), "{'action': 'RESTRICTED', 'messageIds': ['" ID "'], 'askedAt': '1772500000000',"
    "'answerDue': '1772600000000'}"},
  {RECORD(CONTENT_STATEMENT), "{'messageId': '" ID "', 'state': 'CONTENT_REFUSED', 'reason': 15}"},
  {RECORD(ACCESS_STATEMENT), "{'messageId': '" ID "', 'at': '1772500000000', 'kind': 'OPENED'}"},
  {RECORD(END_NOTICE), "{'messageId': '" ID "', 'state': 'DELIVERED', 'at': '1772500000000'}"},
  {RECORD(WITHDRAWAL_NOTICE), "{'withdrawnAt': '1772500000000', 'answerDue': '1772600000000'}"},
  {RECORD(OBLIGATION_NOTICE), "{'obligationId': '" ID "', 'kind': 2, 'responsible': 'iom-gn',"
    "'dueAt': '1772500000000', 'state': 'OPEN'}"},
  {RECORD(NOTICE_BUNDLE), "{'notices': [{'noticeId': '" ID "', 'handle': '" ID "', 'inReplyTo': '" ID "',"
    "'type': 'OBLIGATION_NOTICE', 'body': 'AA=='}]}"},
};

#define CHILD "'child': {'guardianHost': {'name': 'Test Guardian', 'country': 'NE'}, 'guardianOrigin': {'name': 'Test "  \
  "Parent', 'country': 'GN'}, 'familyAssessmentDone': 'IS_YES', 'bidFavoursReturn': 'IS_YES', 'bidDate': '2026-02-01', "\
  "'childWilling': 'IS_YES'}"
/* 257 bytes. */
#define TEXT_64 "sixty-four bytes, of which nothing but the length is looked at ."
#define LONG TEXT_64 TEXT_64 TEXT_64 TEXT_64 "."
#define SCOPE "{'scope': 'RETURN_AND_DATA', 'purpose': 'RETURN_PREPARATION', "
/* The members of `with` replace those of the sample. */
static const struct change {
  Corridor__V1__MessageType type; Corridor__V1__Compartment compartment; const char *with; int code; const char *path;
} changes[] = {
  {FILE_OF(CASEWORK), "{'birthDate': null, 'age': 29}", COR_OK, ""},
  {FILE_OF(CASEWORK), "{'birthDate': null}", COR_MISSING_FIELD, "/body/birthDate"},
  {FILE_OF(CASEWORK), "{'birthDate': '1996-13-04', 'age': 29}", COR_BAD_INPUT, "/body/birthDate"},
  {FILE_OF(CASEWORK), "{'age': 131}", COR_BAD_INPUT, "/body/age"},
  {FILE_OF(CASEWORK), "{'name': '  '}", COR_MISSING_FIELD, "/body/name"},
  {FILE_OF(CASEWORK), "{'intendedReturn': {}}", COR_MISSING_FIELD, "/body/intendedReturn/country"},
  {FILE_OF(CASEWORK), "{'intendedReturn': {'country': 'Guinea'}}", COR_BAD_INPUT, "/body/intendedReturn/country"},
  {FILE_OF(CASEWORK), "{'skills': ['tailoring', '']}", COR_BAD_INPUT, "/body/skills/1"},
  {FILE_OF(CASEWORK), "{'priorAssistance': []}", COR_OK, ""},
  {FILE_OF(CASEWORK), "{'priorAssistance': [{'programme': 'JI'}, {'valueEur': 5}]}", COR_MISSING_FIELD, "/body/priorAssistance/1/programme"},
  {FILE_OF(CASEWORK), "{'declarationLanguage': 'French'}", COR_BAD_INPUT, "/body/declarationLanguage"},
  {FILE_OF(CASEWORK), "{'hostOffice': 'IOM Niamey'}", COR_BAD_INPUT, "/body/hostOffice"},
  {FILE_OF(CASEWORK), "{'returnType': 'FORCED'}", COR_FORBIDDEN_CONTENT, "/body/returnType"},
  {FILE_OF(CASEWORK), "{'vulnerabilities': ['PREGNANT', 'NONE_FOUND']}", COR_BAD_INPUT, "/body/vulnerabilities"},
  {FILE_OF(CASEWORK), "{'needs': ['NEED_NONE', 'NEED_BASIC']}", COR_BAD_INPUT, "/body/needs"},
  {FILE_OF(CASEWORK), "{'detained': 'IS_YES'}", COR_MISSING_FIELD, "/body/immigrationDetentionOnly"},
  {FILE_OF(CASEWORK), "{'detained': 'IS_YES', 'immigrationDetentionOnly': 'IS_YES'}", COR_MISSING_FIELD, "/body/accessConfidential"},
  {FILE_OF(CASEWORK), "{'detained': 'IS_YES', 'immigrationDetentionOnly': 'IS_YES', 'accessConfidential': 'IS_NO'}", COR_OK, ""},
  {FILE_OF(CASEWORK), "{'vulnerabilities': ['UMC']}", COR_MISSING_FIELD, "/body/child"},
  {FILE_OF(CASEWORK), "{'vulnerabilities': ['UMC'], 'child': {}}", COR_MISSING_FIELD, "/body/child/guardianHost"},
  {FILE_OF(CASEWORK), "{'vulnerabilities': ['UMC'], " CHILD "}", COR_OK, ""},
  {FILE_OF(CASEWORK), "{'contact': {'phone': '+000', 'safeHours': '09-12'}}", COR_MISSING_FIELD, "/body/contact"},
  {FILE_OF(CASEWORK), "{'contact': {'phone': '+000', 'safeHours': '09-12', 'whoMayAnswer': 'her sister'}}", COR_OK, ""},
  {FILE_OF(CASEWORK), "{'contact': {'noMessage': true}}", COR_OK, ""},
  {WORK(REFERRAL_HANDOVER), "{'contact': {'phone': '+000', 'whoMayAnswer': 'her sister'}}", COR_MISSING_FIELD, "/body/contact"},
  {CHUNK_OF(CASEWORK), "{'number': 2}", COR_BAD_INPUT, "/body/number"},
  {CHUNK_OF(CASEWORK), "{'of': 2}", COR_BAD_INPUT, "/body/of"},
  {CHUNK_OF(CASEWORK), "{'totalSize': 4}", COR_BAD_INPUT, "/body/data"},
  {CHUNK_OF(CASEWORK), "{'totalSize': 26214401}", COR_ATTACHMENT_LIMIT, "/body/totalSize"},
  {CHUNK_OF(CASEWORK), "{'totalSize': 64001, 'of': 2}", COR_BAD_INPUT, "/body/data"},
  {CHUNK_OF(CASEWORK), "{'title': 'MEDICAL_LETTER'}", COR_FORBIDDEN_CONTENT, "/body/title"},
  {CHUNK_OF(OPERATIONS), "{'title': 'MEDICAL_LETTER'}", COR_FORBIDDEN_CONTENT, "/body/title"},
  {COR_T(HANDOVER_ATTACHMENT), COR_C(CASEWORK), "{'title': 'MEDICAL_LETTER'}", COR_FORBIDDEN_CONTENT, "/body/title"},
  {COR_T(HANDOVER_ATTACHMENT), COR_C(CASEWORK), "{'of': 2}", COR_BAD_INPUT, "/body/of"},
  {COR_T(REPORT_ATTACHMENT), COR_C(CASEWORK), "{'title': 'MEDICAL_LETTER'}", COR_FORBIDDEN_CONTENT, "/body/title"},
  {CHUNK_OF(CASEWORK), "{'belongsTo': 'AAAA'}", COR_BAD_INPUT, "/body/belongsTo"},
  {CHUNK_OF(CASEWORK), "{'belongsTo': '" ID "'}", COR_OK, ""},
  {FILE_OF(HEALTH), "{'continuityService': null}", COR_MISSING_FIELD, "/body/continuityService"},
  {FILE_OF(HEALTH), "{'continuityService': null, 'treatment': null, 'medicationDays': 0}", COR_OK, ""},
  {OPS(ABN), "{'arrivesAt': '1773388800000'}", COR_BAD_INPUT, "/body/arrivesAt"},
  {OPS(ABN), "{'caseRef': null}", COR_MISSING_FIELD, "/body/caseRef"},
  {OPS(ABN), "{'vulnerabilitySummary': null}", COR_MISSING_FIELD, "/body/vulnerabilitySummary"},
  {OPS(ABN), "{'caseRef': null, 'profileSummary': null, 'vulnerabilitySummary': null, 'priorAssistance': null}", COR_OK, ""},
  {OPS(ABN), "{'transport': 'CHARTER'}", COR_MISSING_FIELD, "/body/overflown"},
  {OPS(ABN), "{'transport': 'CHARTER', 'overflown': ['ML', 'Mali']}", COR_BAD_INPUT, "/body/overflown/1"},
  {OPS(ABN), "{'transport': 'CHARTER', 'overflown': ['ML']}", COR_OK, ""},
  {OPS(ABN), "{'transitAssistanceNeeded': true}", COR_MISSING_FIELD, "/body/transitPoints"},
  {OPS(ABN), "{'largeScale': true}", COR_BAD_INPUT, "/body/largeScale"},
  {OPS(ABN), "{'paxCount': 51, 'dedicatedOperation': true}", COR_BAD_INPUT, "/body/largeScale"},
  {OPS(ABN), "{'paxCount': 50, 'dedicatedOperation': true}", COR_OK, ""},
  {OPS(ABN), "{'paxCount': 51, 'dedicatedOperation': false}", COR_OK, ""},
  {OPS(ABN), "{'paxCount': 51, 'dedicatedOperation': true, 'largeScale': true}", COR_MISSING_FIELD, "/body/escort"},
  {OPS(ABN), "{'paxCount': 51, 'dedicatedOperation': true, 'largeScale': true, 'escort': {'kind': 'ESCORT_OPERATIONAL', 'name': 'Test Escort', 'travel': 'same flight'}}", COR_OK, ""},
  {OPS(ABN), "{'vulnerabilitySummary': ['SIGNIFICANT_MEDICAL']}", COR_MISSING_FIELD, "/body/escort"},
  {OPS(ABN), "{'vulnerabilitySummary': ['SIGNIFICANT_MEDICAL'], 'escort': {'kind': 'ESCORT_OPERATIONAL', 'name': 'Test Escort', 'travel': 'same flight'}}", COR_MISSING_FIELD, "/body/escort"},
  {OPS(ABN), "{'escort': {'kind': 'ESCORT_MEDICAL', 'travel': 'same flight'}}", COR_MISSING_FIELD, "/body/escort/name"},
  {OPS(ABN_CONFIRM), "{'receptionContact': null}", COR_MISSING_FIELD, "/body/receptionContact"},
  {OPS(ABN_CONFIRM), "{'receptionContact': null, 'available': 'NO'}", COR_OK, ""},
  {OPS(ABN_CONFIRM), "{'receivedAt': '1772520000001'}", COR_BAD_INPUT, "/body/confirmedAt"},
  {OPS(DEPARTURE_CONFIRMATION), "{'boarded': 'IS_NO'}", COR_MISSING_FIELD, "/body/notBoardedReason"},
  {OPS(DEPARTURE_CONFIRMATION), "{'boarded': 'IS_NO', 'notBoardedReason': 'ill', 'departedAt': null, 'carrierNumber': null}", COR_OK, ""},
  {RECORD(CONTENT_STATEMENT), "{'state': 'UNREADABLE', 'reason': 55}", COR_OK, ""},
  {RECORD(CONTENT_STATEMENT), "{'state': 'DELIVERED'}", COR_BAD_INPUT, "/body/state"},
  {RECORD(CONTENT_STATEMENT), "{'reason': 9}", COR_UNKNOWN_ENUM, "/body/reason"},
  {RECORD(ACCESS_STATEMENT), "{'kind': 'RECOVERED_KEY'}", COR_OK, ""},
  {RECORD(ACCESS_STATEMENT), "{'kind': null}", COR_MISSING_FIELD, "/body/kind"},
  {RECORD(ACCESS_STATEMENT), "{'at': null}", COR_MISSING_FIELD, "/body/at"},
  {OPS(DEPARTURE_CONFIRMATION), "{'boarded': 'NOT_KNOWN'}", COR_BAD_INPUT, "/body/boarded"},
  {OPS(ARRIVAL_NOTICE), "{'pocketMoneyAmount': 50}", COR_MISSING_FIELD, "/body/pocketMoneyCurrency"},
  {OPS(ARRIVAL_NOTICE), "{'pocketMoneyAmount': 50, 'pocketMoneyCurrency': 'euro', 'pocketMoneyReceipt': 'R-1'}", COR_BAD_INPUT, "/body/pocketMoneyCurrency"},
  {OPS(ARRIVAL_NOTICE), "{'pocketMoneyAmount': 50, 'pocketMoneyCurrency': 'EUR', 'pocketMoneyReceipt': 'R-1'}", COR_OK, ""},
  {WORK(DUPLICATE_QUESTION), "{'birthDate': '1996-05'}", COR_OK, ""},
  {WORK(DUPLICATE_QUESTION), "{'birthDate': '1996-05-04'}", COR_OK, ""},
  {WORK(DUPLICATE_QUESTION), "{'birthDate': '1996-13'}", COR_BAD_INPUT, "/body/birthDate"},
  {WORK(DUPLICATE_QUESTION), "{'birthDate': '1996-0'}", COR_BAD_INPUT, "/body/birthDate"},
  {WORK(DUPLICATE_QUESTION), "{'birthDate': '96'}", COR_BAD_INPUT, "/body/birthDate"},
  {WORK(DUPLICATE_QUESTION), "{'birthDate': null}", COR_MISSING_FIELD, "/body/birthDate"},
  {WORK(DUPLICATE_QUESTION), "{'birthDate': null, 'age': 29}", COR_OK, ""},
  {WORK(DUPLICATE_QUESTION), "{'age': 131}", COR_BAD_INPUT, "/body/age"},
  {WORK(DUPLICATE_QUESTION), "{'names': ['Testina', '']}", COR_BAD_INPUT, "/body/names/1"},
  {WORK(DUPLICATE_QUESTION), "{'names': ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']}", COR_TOO_LARGE, "/body/names"},
  {WORK(DUPLICATE_QUESTION), "{'names': ['" LONG "']}", COR_TOO_LARGE, "/body/names"},
  {WORK(DUPLICATE_QUESTION), "{'birthPlace': '" LONG "'}", COR_TOO_LARGE, "/body/birthPlace"},
  {WORK(DUPLICATE_QUESTION), "{'country': 'Guinea'}", COR_BAD_INPUT, "/body/country"},
  {WORK(DUPLICATE_ANSWER), "{'finding': 'DUPLICATE_POSSIBLE'}", COR_MISSING_FIELD, "/body/contactFunction"},
  {WORK(DUPLICATE_ANSWER), "{'finding': 'DUPLICATE_POSSIBLE', 'contactFunction': 'casework desk'}", COR_OK, ""},
  {WORK(DUPLICATE_ANSWER), "{'contactFunction': '" LONG "'}", COR_TOO_LARGE, "/body/contactFunction"},
  {WORK(REFERRAL), "{'area': 'Kindia, near the market'}", COR_BAD_INPUT, "/body/area"},
  {WORK(REFERRAL), "{'area': 'GN-'}", COR_BAD_INPUT, "/body/area"},
  {WORK(REFERRAL), "{'language': 'call her brother'}", COR_BAD_INPUT, "/body/language"},
  {WORK(REFERRAL), "{'subService': 100}", COR_BAD_INPUT, "/body/subService"},
  {WORK(REFERRAL_ACK), "{'answer': 'NO'}", COR_MISSING_FIELD, "/body/reason"},
  {WORK(REFERRAL_ACK), "{'answer': 'NO', 'reason': 'FULL'}", COR_OK, ""},
  {WORK(REFERRAL_ACK), "{'answer': 'PARTIAL'}", COR_BAD_INPUT, "/body/answer"},
  {WORK(REFERRAL_HANDOVER), "{'consentRef': null}", COR_MISSING_FIELD, "/body/consentRef"},
  {WORK(REFERRAL_HANDOVER), "{'consentRef': null, 'basisDecision': {}}", COR_OK, ""}, /* test_basis.c goes on */
  {RECORD(BASIS_STATEMENT), "{'consentId': '" ID "'}", COR_BAD_INPUT, "/body/consentId"},
  {RECORD(BASIS_STATEMENT), "{'result': 'CONSENT_OBTAINED'}", COR_MISSING_FIELD, "/body/consentId"},
  {RECORD(BASIS_STATEMENT), "{'result': 'CONSENT_OBTAINED', 'consentId': '" ID "'}", COR_OK, ""},
  {WORK(SERVICE_REPORT), "{'state': 'COMPLETED'}", COR_MISSING_FIELD, "/body/outcome"},
  {WORK(SERVICE_REPORT), "{'satisfaction': 6}", COR_BAD_INPUT, "/body/satisfaction"},
  {RECORD(REGISTRATION), "{'returnType': 'FORCED'}", COR_FORBIDDEN_CONTENT, "/body/returnType"},
  {RECORD(REGISTRATION), "{'programme': 'a programme name of 32 letters..'}", COR_TOO_LARGE, "/body/programme"},
  {RECORD(REGISTRATION), "{'referenceHash': '" ID "'}", COR_BAD_INPUT, "/body/referenceHash"},
  {RECORD(CONSENT_RECORD), "{'validUntil': '1772409600000'}", COR_BAD_INPUT, "/body/validUntil"},
  {RECORD(CONSENT_RECORD), "{'validUntil': '1798848000000'}", COR_BAD_INPUT, "/body/validUntil"},
  {RECORD(CONSENT_RECORD), "{'validFrom': '1772409600001'}", COR_BAD_INPUT, "/body/validFrom"},
  {RECORD(CONSENT_RECORD), "{'scopes': [" SCOPE "'categories': ['CONTACT', 'BIODATA'], 'recipientOffice': 'iom-gn'}]}", COR_BAD_INPUT, "/body/scopes/0/categories"},
  {RECORD(CONSENT_RECORD), "{'scopes': [" SCOPE "'categories': ['CONTACT']}]}", COR_BAD_INPUT, "/body/scopes/0"},
  {RECORD(CONSENT_RECORD), "{'scopes': [" SCOPE "'categories': ['CONTACT'], 'recipientOffice': 'iom-gn', 'recipientRole': 'ROLE_PARTNER'}]}", COR_BAD_INPUT, "/body/scopes/0"},
  {RECORD(CONSENT_RECORD), "{'scopes': [" SCOPE "'categories': ['CONTACT'], 'recipientRole': 'ROLE_PARTNER'}]}", COR_OK, ""},
  {RECORD(CONSENT_WITHDRAWAL), "{'extent': 'PART'}", COR_MISSING_FIELD, "/body/recipientOffice"},
  {RECORD(CONSENT_WITHDRAWAL), "{'extent': 'PART', 'purpose': 'REINTEGRATION'}", COR_OK, ""},
  {RECORD(CONSENT_WITHDRAWAL), "{'extent': 'PART', 'recipientOffice': 'iom-gn', 'consentId': '" ID "'}", COR_OK, ""},
  {RECORD(CONSENT_WITHDRAWAL), "{'extent': 'PART', 'recipientOffice': 'IOM Conakry'}", COR_BAD_INPUT, "/body/recipientOffice"},
  {RECORD(CONSENT_WITHDRAWAL), "{'extent': 'PART', 'recipientOffice': 'iom-gn', 'consentId': 'AA=='}", COR_BAD_INPUT, "/body/consentId"},
  {RECORD(CONSENT_WITHDRAWAL), "{'recipientOffice': 'iom-gn'}", COR_BAD_INPUT, "/body/extent"},
  {RECORD(CONSENT_WITHDRAWAL), "{'purpose': 'REINTEGRATION'}", COR_BAD_INPUT, "/body/extent"},
  {RECORD(SUSPENSION_ANSWER), "{'outcome': 'CONFIRMED'}", COR_BAD_INPUT, "/body/ground"},
  {RECORD(SUSPENSION_ANSWER), "{'outcome': 'CONFIRMED', 'ground': null}", COR_OK, ""},
  {RECORD(SUSPENSION_ANSWER), "{'ground': null}", COR_MISSING_FIELD, "/body/ground"},
  {RECORD(DATA_REQUEST), "{'action': 'RESTRICTED'}", COR_BAD_INPUT, "/body/replacementId"},
  {RECORD(DATA_REQUEST), "{'action': 'RESTRICTED', 'replacementId': null, 'messageIds': null}", COR_OK, ""},
  {RECORD(DATA_REQUEST), "{'action': 'RESTRICTED', 'replacementId': null, 'messageIds': ['AA==']}", COR_BAD_INPUT, "/body/messageIds/0"},
  {RECORD(DATA_REQUEST), "{'messageIds': null}", COR_MISSING_FIELD, "/body/messageIds"},
  {RECORD(DATA_REQUEST), "{'replacementId': null}", COR_MISSING_FIELD, "/body/replacementId"},
  {RECORD(DATA_STATEMENT), "{'ground': null}", COR_MISSING_FIELD, "/body/ground"},
  {RECORD(DATA_STATEMENT), "{'outcome': 'DONE'}", COR_BAD_INPUT, "/body/ground"},
  {RECORD(DATA_STATEMENT), "{'outcome': 'DONE', 'ground': null}", COR_OK, ""},
  {RECORD(CONSENT_RECORD), "{'scopes': [{'scope': 'SURVEY', 'purpose': 'RETURN_PREPARATION', 'categories': ['CONTACT'], 'recipientOffice': 'iom-gn'}]}", COR_BAD_INPUT, "/body/scopes/0"},
  {RECORD(CONSENT_RECORD), "{'scopes': [{'scope': 'SURVEY', 'purpose': 'MONITORING_EVALUATION', 'categories': ['CONTACT'], 'recipientOffice': 'iom-gn'}]}", COR_OK, ""},
  {RECORD(CONSENT_RECORD), "{'scopes': [" SCOPE "'categories': ['CONTACT'], 'recipientOffice': 'iom-gn', 'onward': true}, " SCOPE "'categories': ['CONTACT'], 'recipientOffice': 'iom-gn'}]}", COR_BAD_INPUT, "/body/scopes/1"},
  {RECORD(CONSENT_RECORD), "{'scopes': [" SCOPE "'categories': ['CONTACT'], 'recipientOffice': 'iom-gn'}, " SCOPE "'categories': ['CONTACT'], 'recipientOffice': 'iom-ne'}]}", COR_OK, ""},
  {RECORD(CONSENT_RECORD), "{'scopes': [" SCOPE "'categories': ['OPERATIONAL', 'CONTACT'], 'recipientOffice': 'iom-gn', 'onward': true}, " SCOPE "'categories': ['OPERATIONAL', 'BIODATA'], 'recipientOffice': 'iom-gn'}]}", COR_OK, ""},
  {RECORD(CONSENT_WITHDRAWAL), "{'extent': 'ONE_CONSENT'}", COR_MISSING_FIELD, "/body/consentId"},
  {RECORD(CONSENT_WITHDRAWAL), "{'consentId': '" ID "'}", COR_BAD_INPUT, "/body/consentId"},
  {RECORD(CONSENT_WITHDRAWAL), "{'withdrawalHash': '" DIGEST "'}", COR_MISSING_FIELD, "/body/referenceHash"},
  {RECORD(CONSENT_WITHDRAWAL), "{'referenceHash': '" DIGEST "', 'withdrawalHash': '" DIGEST "'}", COR_OK, ""},
  {RECORD(END_NOTICE), "{'state': 'STOPPED'}", COR_MISSING_FIELD, "/body/reason"},
  {RECORD(NOTICE_BUNDLE), "{'notices': [{'noticeId': '" ID "', 'handle': '" ID "', 'inReplyTo': '" ID "', 'type': 'WITHDRAWAL_NOTICE', 'body': 'AA=='}]}", COR_BAD_INPUT, "/body/notices/0/type"},
};
/* clang-format on */
#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

static const struct sample *sample_of(Corridor__V1__MessageType type, Corridor__V1__Compartment c) {
  for (int i = 0; i < COUNT(samples); i++)
    if (samples[i].type == type && samples[i].compartment == c) return &samples[i];
  ck_abort_msg("no sample of type %d", (int)type);
}

/* Takes the JSON. */
static int check(Corridor__V1__MessageType type, Corridor__V1__Compartment c, json_t *in, cor_error *err) {
  *err = (cor_error){0};
  ProtobufCMessage *body = cor_json_read(cor_sop_body(type, c), in, "/body", err);
  json_decref(in);
  ck_assert_msg(body != NULL, "unreadable sample: %s %s", err->path, err->detail);
  bool ok = cor_content_check(type, c, body, "/body", err);
  cor_message_free(body);
  return ok ? COR_OK : err->code;
}

START_TEST(full_samples_pass) {
  cor_error err;
  const struct sample *s = &samples[_i];
  int code = check(s->type, s->compartment, json(s->json), &err);
  ck_assert_msg(code == COR_OK, "%s %s: %s", cor_sop_find(s->type)->name, err.path, err.detail);
}
END_TEST

START_TEST(every_body_has_a_sample) {
  const cor_sop_row *row;
  for (size_t i = 0; (row = cor_sop_at(i)); i++)
    for (unsigned c = 0; c < 8; c++)
      if (cor_sop_body(row->type, (Corridor__V1__Compartment)c))
        sample_of(row->type, (Corridor__V1__Compartment)c);
}
END_TEST

/* "declaration_date" in the schema is "declarationDate" in JSON. */
static void camel(const char *in, size_t len, char *out) {
  for (size_t i = 0; i < len; i++)
    *out++ = in[i] == '_' ? (char)(in[++i] - 'a' + 'A') : in[i];
  *out = '\0';
}

/* Deletes the field a rule names; in a list, from its first entry. */
static void take_away(json_t *in, const char *field, char *path) {
  char name[64];
  strcpy(path, "/body");
  for (size_t len;; field += len + 1) {
    len = strcspn(field, "/");
    camel(field, len, name);
    sprintf(path + strlen(path), "/%s", name);
    if (field[len] == '\0') break;
    in = json_object_get(in, name);
    if (json_is_array(in)) {
      in = json_array_get(in, 0);
      strcat(path, "/0");
    }
  }
  ck_assert_msg(json_object_del(in, name) == 0, "the sample lacks %s", path);
}

START_TEST(every_mandatory_field_is_missed) {
  const cor_content_rule *rule;
  int checked = 0;
  for (size_t i = 0; (rule = cor_content_rule_at(i)); i++) {
    char path[256];
    cor_error err;
    if (rule->need != COR_MUST || rule->when) continue;
    ck_assert_str_ne(rule->cite, "");
    json_t *in = json(sample_of(rule->type, rule->compartment)->json);
    take_away(in, rule->field, path);
    ck_assert_msg(check(rule->type, rule->compartment, in, &err) == COR_MISSING_FIELD, "%s is not missed",
                  path);
    ck_assert_str_eq(err.path, path);
    checked++;
  }
  ck_assert_int_gt(checked, 80);
}
END_TEST

/* Conditional rules name fields too: follow each through the schema. */
START_TEST(every_rule_names_a_field_of_the_schema) {
  const cor_content_rule *rule;
  for (size_t i = 0; (rule = cor_content_rule_at(i)); i++) {
    const ProtobufCMessageDescriptor *at = cor_sop_body(rule->type, rule->compartment);
    char copy[128], *rest = copy, *name;
    strcpy(copy, rule->field);
    while ((name = strsep(&rest, "/"))) {
      ck_assert_ptr_nonnull(at);
      const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(at, name);
      ck_assert_msg(f != NULL, "%s: no field %s", rule->field, name);
      at = f->type == PROTOBUF_C_TYPE_MESSAGE ? f->descriptor : NULL;
    }
  }
}
END_TEST

START_TEST(each_change) {
  const struct change *c = &changes[_i];
  cor_error err;
  json_t *in = json(sample_of(c->type, c->compartment)->json), *with = json(c->with);
  json_object_update(in, with);
  json_decref(with);
  int code = check(c->type, c->compartment, in, &err);
  ck_assert_msg(code == c->code, "%s: got %s at %s: %s", c->with, cor_refusal_of(code)->name, err.path,
                err.detail);
  ck_assert_str_eq(err.path, c->path);
}
END_TEST

START_TEST(everything_is_bounded) {
  cor_error err;
  char text[4098];
  memset(text, 'x', 4097);
  text[4097] = '\0';
  json_t *in = json(sample_of(FILE_OF(CASEWORK))->json);
  json_object_set_new(in, "draftPlan", json_string(text));
  ck_assert_int_eq(check(FILE_OF(CASEWORK), in, &err), COR_TOO_LARGE);
  ck_assert_str_eq(err.path, "/body/draftPlan");
  in = json(sample_of(FILE_OF(CASEWORK))->json);
  for (int i = 0; i < 64; i++)
    json_array_append_new(json_object_get(in, "skills"), json_string("sewing"));
  ck_assert_int_eq(check(FILE_OF(CASEWORK), in, &err), COR_TOO_LARGE);
  ck_assert_str_eq(err.path, "/body/skills");
}
END_TEST

START_TEST(another_type_s_body_is_refused) {
  cor_error err = {0};
  Corridor__V1__TicketIssued ticket = CORRIDOR__V1__TICKET_ISSUED__INIT;
  ck_assert(!cor_content_check(OPS(ABN), &ticket.base, "/body", &err));
  ck_assert_int_eq(err.code, COR_BAD_INPUT);
  ck_assert(!cor_content_check(WORK(TICKET_ISSUED), &ticket.base, "/body", &err));
}
END_TEST

/* --- safeguards --- */

#define CONFIRMED ", 'identityConfirmed': true}"
#define SAFE_HOST "'guardianHost': {'name': 'Test Guardian'" CONFIRMED
#define SAFE_ORIGIN "'guardianOrigin': {'name': 'Test Parent'" CONFIRMED
#define SAFE_REST "'familyAssessmentDone': 'IS_YES', 'bidFavoursReturn': 'IS_YES', 'bidDate': '2026-02-01'"
#define SAFE_CHILD "{" SAFE_HOST ", " SAFE_ORIGIN ", " SAFE_REST ", 'childWilling': 'IS_YES'}"

static const struct {
  const char *json, *path; /* path NULL: met */
} safeguards[] = {
    {"{'returnType': 'AVRR'}", NULL},
    {"{'returnType': 'FORCED'}", "/returnType"},
    {"{'detained': 'IS_YES', 'immigrationDetentionOnly': 'IS_YES', 'accessConfidential': 'IS_YES'}", NULL},
    {"{'detained': 'IS_YES', 'immigrationDetentionOnly': 'IS_NO', 'accessConfidential': 'IS_YES'}",
     "/immigrationDetentionOnly"},
    {"{'detained': 'IS_YES', 'immigrationDetentionOnly': 'IS_YES', 'accessConfidential': 'NOT_KNOWN'}",
     "/accessConfidential"},
    {"{'vulnerabilities': ['UMC']}", "/child"},
    {"{'vulnerabilities': ['PREGNANT', 'UMC'], 'child': " SAFE_CHILD "}", NULL},
    {"{'vulnerabilities': ['UMC'], 'child': {" SAFE_ORIGIN ", " SAFE_REST ", 'childWilling': 'IS_YES'}}",
     "/child/guardianHost/identityConfirmed"},
    {"{'vulnerabilities': ['UMC'], 'child': {" SAFE_HOST
     ", 'guardianOrigin': {'name': 'Test Parent'}, " SAFE_REST ", 'childWilling': 'IS_YES'}}",
     "/child/guardianOrigin/identityConfirmed"},
    {"{'vulnerabilities': ['UMC'], 'child': {" SAFE_HOST ", " SAFE_ORIGIN ", 'childWilling': 'IS_YES'}}",
     "/child/familyAssessmentDone"},
    {"{'vulnerabilities': ['UMC'], 'child': {" SAFE_HOST ", " SAFE_ORIGIN
     ", 'familyAssessmentDone': 'IS_YES', 'bidFavoursReturn': 'IS_NO', 'childWilling': 'IS_YES'}}",
     "/child/bidFavoursReturn"},
    {"{'vulnerabilities': ['UMC'], 'child': {" SAFE_HOST ", " SAFE_ORIGIN
     ", 'familyAssessmentDone': 'IS_YES', 'bidFavoursReturn': 'IS_YES', 'childWilling': 'IS_YES'}}",
     "/child/bidDate"},
    {"{'vulnerabilities': ['UMC'], 'child': {" SAFE_HOST ", " SAFE_ORIGIN ", " SAFE_REST
     ", 'childWilling': 'NOT_KNOWN'}}",
     "/child/childWilling"},
};

static ProtobufCMessage *read_json(const ProtobufCMessageDescriptor *type, const char *text) {
  cor_error err = {0};
  json_t *in = json(text);
  ProtobufCMessage *out = cor_json_read(type, in, "", &err);
  json_decref(in);
  ck_assert_msg(out != NULL, "unreadable: %s %s", err.path, err.detail);
  return out;
}

START_TEST(safeguards_are_all_or_nothing) {
  cor_error err = {0};
  ProtobufCMessage *file = read_json(&corridor__v1__case_file_casework__descriptor, safeguards[_i].json);
  bool ok = cor_safeguards_check((Corridor__V1__CaseFileCasework *)file, &err);
  ck_assert_msg(ok == (safeguards[_i].path == NULL), "%s: %s", err.path, err.detail);
  if (!ok) {
    ck_assert_int_eq(err.code, COR_SAFEGUARDS_MISSING);
    ck_assert_str_eq(err.path, safeguards[_i].path);
  }
  cor_message_free(file);
}
END_TEST

START_TEST(no_case_file_shows_no_safeguards) {
  cor_error err = {0};
  ck_assert(!cor_safeguards_check(NULL, &err));
  ck_assert_int_eq(err.code, COR_SAFEGUARDS_MISSING);
}
END_TEST

#define ON_13_MARCH "'plannedReturnDate': '2026-03-13'"
static const struct {
  const char *file, *abn;
  bool ok;
} escorts[] = {
    {"{'vulnerabilities': ['UMC'], 'birthDate': '2011-03-14'}", "{" ON_13_MARCH "}", false},
    {"{'vulnerabilities': ['UMC'], 'birthDate': '2011-03-13'}", "{" ON_13_MARCH "}", true},
    {"{'vulnerabilities': ['UMC'], 'age': 14}", "{" ON_13_MARCH "}", false},
    {"{'vulnerabilities': ['UMC'], 'age': 15}", "{" ON_13_MARCH "}", true},
    {"{'vulnerabilities': ['UMC']}", "{" ON_13_MARCH "}", false},
    {"{'vulnerabilities': ['UMC'], 'age': 14}", "{" ON_13_MARCH ", 'escort': {'kind': 'ESCORT_OPERATIONAL'}}",
     true},
    {"{'vulnerabilities': ['PREGNANT'], 'age': 14}", "{" ON_13_MARCH "}", true},
};

START_TEST(a_child_under_15_is_escorted) {
  cor_error err = {0};
  ProtobufCMessage *file = read_json(&corridor__v1__case_file_casework__descriptor, escorts[_i].file);
  ProtobufCMessage *abn = read_json(&corridor__v1__abn__descriptor, escorts[_i].abn);
  ck_assert(cor_escort_check((Corridor__V1__CaseFileCasework *)file, (Corridor__V1__Abn *)abn, &err) ==
            escorts[_i].ok);
  ck_assert_int_eq(err.code, escorts[_i].ok ? COR_OK : COR_SAFEGUARDS_MISSING);
  cor_message_free(file);
  cor_message_free(abn);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("content");
  TCase *tc = tcase_create("content");
  tcase_add_loop_test(tc, full_samples_pass, 0, COUNT(samples));
  tcase_add_test(tc, every_body_has_a_sample);
  tcase_add_test(tc, every_mandatory_field_is_missed);
  tcase_add_test(tc, every_rule_names_a_field_of_the_schema);
  tcase_add_loop_test(tc, each_change, 0, COUNT(changes));
  tcase_add_test(tc, everything_is_bounded);
  tcase_add_test(tc, another_type_s_body_is_refused);
  tcase_add_loop_test(tc, safeguards_are_all_or_nothing, 0, COUNT(safeguards));
  tcase_add_test(tc, no_case_file_shows_no_safeguards);
  tcase_add_loop_test(tc, a_child_under_15_is_escorted, 0, COUNT(escorts));
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
