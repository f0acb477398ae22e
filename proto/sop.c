/* sop.c - the SOPs as one table: every message type, who may send it to whom,
 * with which data, on which basis, after what, and which answer it makes due.
 *
 * Agent, broker, gate, tests and docs read this table and nothing else about
 * the process; a rule that is not here (or in content_rules.c, for what stands
 * inside a seal) does not exist. To change the process, change a row and raise
 * COR_SOP_VERSION.
 *
 * Citations: [seed:lines] = the source documents, "design N" = the design's
 * section, (P) = our own proposal. Bit sets: COR_BIT of the wire number.
 * The tables are constant; nothing here can fail, nothing is fatal. */
#include "corridor/sop.h"
#include <string.h>

#define ROLE(x) COR_BIT(COR_ROLE(x))
#define ALL_BUT(x) (~(uint32_t)(x))
#define CAT(x) COR_BIT(COR_CAT(x))
#define IN(x) (uint16_t) COR_BIT(COR_C(x))
#define FOR(x) (uint16_t) COR_BIT(COR_PURPOSE(x))
#define BASIS(x) (uint16_t) COR_BIT(COR_BASIS(x))
#define BY_BOTH (COR_CHECK_SENDER | COR_CHECK_BROKER)

/* Who. A partner acts for a mission under its agreement (design 1). */
#define SENDING_SIDE (ROLE(HOST_MISSION) | ROLE(PARTNER))
#define REGISTRARS (SENDING_SIDE | ROLE(ORIGIN_MISSION) | ROLE(OTHER_RETURN_ACTOR))
#define ASKERS (SENDING_SIDE | ROLE(ORIGIN_MISSION))
#define PROVIDERS                                                                                            \
  (ROLE(SERVICE_PROVIDER) | ROLE(CHILD_PROTECTION_AUTHORITY) | ROLE(UN_AGENCY) | ROLE(RED_CROSS))
#define ANY_OFFICE                                                                                           \
  (ASKERS | PROVIDERS | ROLE(TRANSIT_MISSION) | ROLE(OVERFLOWN_MISSION) | ROLE(OTHER_RETURN_ACTOR) |         \
   ROLE(NOTIFYING_AUTHORITY) | ROLE(COMMITTEE) | ROLE(REGIONAL_OFFICE) | ROLE(EU_DELEGATION) | ROLE(DONOR))

/* What, by the need-to-know matrix (data dictionary 2). Nothing outside
 * PROTECTION may carry PROTECTION_RISK [003:603]. */
#define FOR_OPERATIONS (CAT(OPERATIONAL) | CAT(BIODATA) | CAT(CONTACT) | CAT(TRAVEL) | CAT(INSTRUCTION))
#define FOR_CASEWORK                                                                                         \
  (FOR_OPERATIONS | CAT(FAMILY) | CAT(ECONOMIC) | CAT(EDUCATION) | CAT(LEGAL) | CAT(CHILD_BID) |             \
   CAT(MONITORING_DATA))
#define FOR_HEALTH                                                                                           \
  (CAT(BIODATA) | CAT(CONTACT) | CAT(TRAVEL) | CAT(HEALTH_DATA) | CAT(MENTAL_HEALTH) | CAT(INSTRUCTION))
#define FOR_PROVIDER                                                                                         \
  (CAT(OPERATIONAL) | CAT(BIODATA) | CAT(CONTACT) | CAT(HEALTH_DATA) | CAT(MENTAL_HEALTH) | CAT(CHILD_BID) | \
   CAT(FAMILY) | CAT(ECONOMIC) | CAT(EDUCATION) | CAT(LEGAL) | CAT(INSTRUCTION))
#define FROM_PROVIDER (FOR_PROVIDER | CAT(MONITORING_DATA))

/* On what else care may move: the rows are in bases[] below. */
#define WITHOUT_CONSENT (BASIS(LIFE_AT_RISK) | BASIS(CHILD_BEST_INTERESTS) | BASIS(VITAL_INTEREST_OTHER))

/* A record for the hub, or a notice from it: coded, unsealed, no person. */
#define RECORD_ROW                                                                                           \
  .compartments = IN(RECORD), .purposes = FOR(RECORD_KEEPING), .bases = BASIS(RECORD_DUTY),                  \
  .categories = {[COR_C(RECORD)] = CAT(OPERATIONAL)}, .handle = COR_HANDLE_CASE, .before_checker = BY_BOTH
#define HUB_NOTICE                                                                                           \
  RECORD_ROW, .from_hub = true, .from_roles = ROLE(HUB), .to_roles = ANY_OFFICE, .lane = COR_LANE_OVERTAKES

/* clang-format off */
static const cor_sop_row rows[] = {
  /* --- records for the hub --- */
  {.type = COR_T(REGISTRATION), .name = "Registration", RECORD_ROW,
   .to_hub = true, .from_roles = REGISTRARS,
   .cite = "step 2 [003:524-527]"},

  {.type = COR_T(CONSENT_RECORD), .name = "ConsentRecord", RECORD_ROW,
   .to_hub = true, .from_roles = REGISTRARS,
   .before = {{.type = COR_T(REGISTRATION)}},
   .cite = "step 2 [003:233,526]"},

  /* No precondition: withdrawing is never harder than consenting. */
  {.type = COR_T(CONSENT_WITHDRAWAL), .name = "ConsentWithdrawal", RECORD_ROW,
   .to_hub = true, .from_roles = ANY_OFFICE, .lane = COR_LANE_OVERTAKES,
   .cite = "any step [003:222; 004:3430]"},

  {.type = COR_T(SUSPENSION_ANSWER), .name = "SuspensionAnswer", RECORD_ROW,
   .to_hub = true, .from_roles = REGISTRARS, .lane = COR_LANE_OVERTAKES,
   .closes = {COR_DUTY_SUSPENSION_ANSWER},
   .cite = "design 4: withdrawal without the code"},

  {.type = COR_T(DATA_REQUEST), .name = "DataRequest", RECORD_ROW,
   .to_hub = true, .from_roles = ANY_OFFICE,
   .cite = "design 4 (P): rectification and restriction travel as a withdrawal does"},

  /* Its handle is that of the notice it answers; as below. */
  {.type = COR_T(DATA_STATEMENT), .name = "DataStatement", RECORD_ROW,
   .to_hub = true, .from_roles = ANY_OFFICE,
   .closes = {COR_DUTY_DATA_ANSWER},
   .cite = "design 4 (P): rectification and restriction"},

  /* What came of a message that went out without consent; its handle is that one's. */
  {.type = COR_T(BASIS_STATEMENT), .name = "BasisStatement", RECORD_ROW,
   .to_hub = true, .from_roles = ASKERS,
   .closes = {COR_DUTY_COUNTER_SIGNATURE, COR_DUTY_REVIEW}, .closes_one = true,
   .cite = "design 4: not the only basis [004:3025]"},

  /* Its handle is that of the notice it answers, a case's or a referral's. */
  {.type = COR_T(ERASURE_STATEMENT), .name = "ErasureStatement", RECORD_ROW,
   .to_hub = true, .from_roles = ANY_OFFICE,
   .closes = {COR_DUTY_ERASURE_ANSWER},
   .cite = "design 4: withdrawal (P)"},

  /* Its handle is that of the message it speaks of; likewise. */
  {.type = COR_T(CONTENT_STATEMENT), .name = "ContentStatement", RECORD_ROW,
   .to_hub = true, .from_roles = ANY_OFFICE,
   .cite = "design 4: a recipient's agent checks a body at its first opening"},

  /* Likewise; and it waits for its turn without holding up anything behind it. */
  {.type = COR_T(ACCESS_STATEMENT), .name = "AccessStatement", RECORD_ROW,
   .to_hub = true, .from_roles = ANY_OFFICE, .lane = COR_LANE_ASIDE,
   .cite = "design 7: access to a restricted body is one record; design 2: what a successor opens"},

  /* --- phases 1 to 4: the return --- */
  {.type = COR_T(CASE_FILE), .name = "CaseFile",
   .from_roles = SENDING_SIDE, .to_roles = ROLE(ORIGIN_MISSION),
   .compartments = IN(OPERATIONS) | IN(CASEWORK) | IN(HEALTH),
   .purposes = FOR(RETURN_PREPARATION) | FOR(CONTINUITY_OF_CARE),
   .bases = BASIS(CONSENT) | WITHOUT_CONSENT,
   .categories = {[COR_C(OPERATIONS)] = FOR_OPERATIONS, [COR_C(CASEWORK)] = FOR_CASEWORK,
                  [COR_C(HEALTH)] = FOR_HEALTH},
   .handle = COR_HANDLE_CASE,
   .before = {{.type = COR_T(REGISTRATION)}}, .before_checker = BY_BOTH,
   .cite = "step 2 [003:527]"},

  /* A part of a file that goes with the case file, to the same readers. */
  {.type = COR_T(ATTACHMENT_CHUNK), .name = "Attachment",
   .from_roles = SENDING_SIDE, .to_roles = ROLE(ORIGIN_MISSION),
   .compartments = IN(OPERATIONS) | IN(CASEWORK) | IN(HEALTH),
   .purposes = FOR(RETURN_PREPARATION) | FOR(CONTINUITY_OF_CARE),
   .bases = BASIS(CONSENT),
   .categories = {[COR_C(OPERATIONS)] = FOR_OPERATIONS, [COR_C(CASEWORK)] = FOR_CASEWORK,
                  [COR_C(HEALTH)] = FOR_HEALTH},
   .handle = COR_HANDLE_CASE, .lane = COR_LANE_ATTACHMENT,
   .before = {{.type = COR_T(REGISTRATION)}}, .before_checker = BY_BOTH,
   .cite = "step 2 [003:233,455,527]; design 3: a lane of their own"},

  /* Opens and closes its own notice duty: judged late or not at admission. */
  {.type = COR_T(ABN), .name = "ABN",
   .from_roles = SENDING_SIDE, .to_roles = ROLE(ORIGIN_MISSION) | ROLE(TRANSIT_MISSION),
   .compartments = IN(OPERATIONS), .purposes = FOR(TRAVEL_ARRANGEMENT), .bases = BASIS(CONSENT),
   .categories = {[COR_C(OPERATIONS)] = FOR_OPERATIONS},
   .handle = COR_HANDLE_CASE, .safeguards = true, .needs_event = true, .books_return = true,
   .before = {{.type = COR_T(CASE_FILE)}}, .before_checker = BY_BOTH,
   .opens = {COR_DUTY_ABN_NOTICE, COR_DUTY_ABN_CONFIRM}, .closes = {COR_DUTY_ABN_NOTICE},
   .cite = "step 4 [003:591-597]"},

  {.type = COR_T(ABN_CONFIRM), .name = "AbnConfirm",
   .from_roles = ROLE(ORIGIN_MISSION), .to_roles = SENDING_SIDE,
   .compartments = IN(OPERATIONS), .purposes = FOR(TRAVEL_ARRANGEMENT), .bases = BASIS(NO_PERSONAL_DATA),
   .categories = {[COR_C(OPERATIONS)] = CAT(OPERATIONAL)},
   .handle = COR_HANDLE_CASE, .needs_outcome = true,
   .before = {{.type = COR_T(ABN)}}, .before_checker = BY_BOTH,
   .closes = {COR_DUTY_ABN_CONFIRM},
   .cite = "step 4 [003:607]"},

  {.type = COR_T(TICKET_ISSUED), .name = "TicketIssued",
   .from_roles = SENDING_SIDE, .to_roles = ROLE(ORIGIN_MISSION),
   .compartments = IN(OPERATIONS), .purposes = FOR(TRAVEL_ARRANGEMENT),
   .bases = BASIS(CONSENT) | BASIS(NO_PERSONAL_DATA),
   .categories = {[COR_C(OPERATIONS)] = CAT(OPERATIONAL) | CAT(TRAVEL)},
   .handle = COR_HANDLE_CASE, .needs_event = true, .books_return = true,
   .before = {{.type = COR_T(ABN_CONFIRM), .outcome = COR_OUTCOME(YES), .by_recipient = true}}, .before_checker = BY_BOTH,
   .opens = {COR_DUTY_DEPARTURE_ENTRY},
   .cite = "step 4 [003:581]"},

  {.type = COR_T(DEPARTURE_CONFIRMATION), .name = "DepartureConfirmation",
   .from_roles = SENDING_SIDE, .to_roles = ROLE(ORIGIN_MISSION) | ROLE(TRANSIT_MISSION),
   .compartments = IN(OPERATIONS), .purposes = FOR(TRAVEL_ARRANGEMENT),
   .bases = BASIS(CONSENT) | BASIS(NO_PERSONAL_DATA),
   .categories = {[COR_C(OPERATIONS)] = CAT(OPERATIONAL) | CAT(TRAVEL)},
   .handle = COR_HANDLE_CASE, .needs_event = true, .needs_outcome = true,
   .before = {{.type = COR_T(TICKET_ISSUED)}}, .before_checker = BY_BOTH,
   .opens = {COR_DUTY_ARRIVAL_NOTICE}, .opens_unless_no = true, .closes = {COR_DUTY_DEPARTURE_ENTRY},
   .cite = "step 5 [003:650]"},

  {.type = COR_T(ARRIVAL_NOTICE), .name = "ArrivalNotice",
   .from_roles = ROLE(ORIGIN_MISSION), .to_roles = SENDING_SIDE,
   .compartments = IN(OPERATIONS), .purposes = FOR(RECEPTION),
   .bases = BASIS(CONSENT) | BASIS(NO_PERSONAL_DATA),
   .categories = {[COR_C(OPERATIONS)] = CAT(OPERATIONAL) | CAT(TRAVEL)},
   .handle = COR_HANDLE_CASE,
   .before = {{.type = COR_T(DEPARTURE_CONFIRMATION), .outcome = COR_OUTCOME(YES)}}, .before_checker = BY_BOTH,
   .closes = {COR_DUTY_ARRIVAL_NOTICE},
   .cite = "step 6 [003:667-670]"},

  /* --- was this person helped before? Asked before help is registered; nothing waits
   * for the answer, and a possible one refuses nothing: the missions decide --- */
  {.type = COR_T(DUPLICATE_QUESTION), .name = "DuplicateQuestion",
   .from_roles = SENDING_SIDE, .to_roles = ROLE(ORIGIN_MISSION),
   .compartments = IN(CASEWORK), .purposes = FOR(RETURN_PREPARATION), .bases = BASIS(CONSENT),
   .categories = {[COR_C(CASEWORK)] = CAT(OPERATIONAL) | CAT(BIODATA)},
   .handle = COR_HANDLE_CASE,
   .before = {{.type = COR_T(REGISTRATION)}}, .before_checker = BY_BOTH,
   .opens = {COR_DUTY_DUPLICATE_ANSWER},
   .cite = "DuplicateCheck [003:528,749]"},

  /* No outcome in the header: what was found stays between the two missions. */
  {.type = COR_T(DUPLICATE_ANSWER), .name = "DuplicateAnswer",
   .from_roles = ROLE(ORIGIN_MISSION), .to_roles = SENDING_SIDE,
   .compartments = IN(CASEWORK), .purposes = FOR(RETURN_PREPARATION), .bases = BASIS(NO_PERSONAL_DATA),
   .categories = {[COR_C(CASEWORK)] = CAT(OPERATIONAL)},
   .handle = COR_HANDLE_CASE,
   .before = {{.type = COR_T(DUPLICATE_QUESTION)}}, .before_checker = BY_BOTH,
   .closes = {COR_DUTY_DUPLICATE_ANSWER},
   .cite = "DuplicateCheck [003:528,749]"},

  /* --- phase 5: referrals, each on a handle of its own --- */
  {.type = COR_T(REFERRAL), .name = "Referral",
   .from_roles = ASKERS, .to_roles = PROVIDERS,
   .compartments = IN(CASEWORK), .purposes = FOR(REINTEGRATION), .bases = BASIS(NO_PERSONAL_DATA),
   .categories = {[COR_C(CASEWORK)] = CAT(OPERATIONAL)},
   .handle = COR_HANDLE_REFERRAL, .needs_cover = true, .needs_event = true, .before_checker = BY_BOTH,
   .opens = {COR_DUTY_REFERRAL_ANSWER},
   .cite = "step 9 [003:359,751]"},

  {.type = COR_T(REFERRAL_ACK), .name = "ReferralAck",
   .from_roles = PROVIDERS, .to_roles = ASKERS,
   .compartments = IN(CASEWORK), .purposes = FOR(REINTEGRATION), .bases = BASIS(NO_PERSONAL_DATA),
   .categories = {[COR_C(CASEWORK)] = CAT(OPERATIONAL)},
   .handle = COR_HANDLE_REFERRAL, .needs_outcome = true,
   .before = {{.type = COR_T(REFERRAL)}}, .before_checker = BY_BOTH,
   .closes = {COR_DUTY_REFERRAL_ANSWER},
   .cite = "step 9 [004:3008]"},

  /* Asylum matters go this way and no other, to UNHCR [design 1, 4]. */
  {.type = COR_T(REFERRAL_HANDOVER), .name = "ReferralHandover",
   .from_roles = ASKERS, .to_roles = PROVIDERS,
   .compartments = IN(CASEWORK), .purposes = FOR(REINTEGRATION),
   .bases = BASIS(CONSENT) | WITHOUT_CONSENT,
   .categories = {[COR_C(CASEWORK)] = FOR_PROVIDER | CAT(ASYLUM)},
   .handle = COR_HANDLE_REFERRAL,
   .before = {{.type = COR_T(REFERRAL_ACK), .outcome = COR_OUTCOME(YES)}}, .before_checker = BY_BOTH,
   .cite = "step 9 [004:3003]"},

  {.type = COR_T(HANDOVER_ATTACHMENT), .name = "HandoverAttachment",
   .from_roles = ASKERS, .to_roles = PROVIDERS,
   .compartments = IN(CASEWORK), .purposes = FOR(REINTEGRATION), .bases = BASIS(CONSENT),
   .categories = {[COR_C(CASEWORK)] = FOR_PROVIDER},
   .handle = COR_HANDLE_REFERRAL, .lane = COR_LANE_ATTACHMENT,
   .before = {{.type = COR_T(REFERRAL_HANDOVER)}}, .before_checker = BY_BOTH,
   .cite = "step 9 [004:3003]; design 3: a lane of their own"},

  {.type = COR_T(REPORT_ATTACHMENT), .name = "ReportAttachment",
   .from_roles = PROVIDERS, .to_roles = ASKERS,
   .compartments = IN(CASEWORK), .purposes = FOR(REINTEGRATION), .bases = BASIS(CONSENT),
   .categories = {[COR_C(CASEWORK)] = FROM_PROVIDER},
   .handle = COR_HANDLE_REFERRAL, .lane = COR_LANE_ATTACHMENT,
   .before = {{.type = COR_T(REFERRAL_HANDOVER)}}, .before_checker = BY_BOTH,
   .cite = "step 9 [004:3009-3010]; design 3: a lane of their own"},

  {.type = COR_T(SERVICE_REPORT), .name = "ServiceReport",
   .from_roles = PROVIDERS, .to_roles = ASKERS,
   .compartments = IN(CASEWORK), .purposes = FOR(REINTEGRATION),
   .bases = BASIS(CONSENT) | BASIS(NO_PERSONAL_DATA),
   .categories = {[COR_C(CASEWORK)] = FROM_PROVIDER},
   .handle = COR_HANDLE_REFERRAL,
   .before = {{.type = COR_T(REFERRAL_HANDOVER)}}, .before_checker = BY_BOTH,
   .cite = "step 9 [004:3009-3010]"},

  /* --- the hub's own notices --- */
  {.type = COR_T(END_NOTICE), .name = "EndNotice", HUB_NOTICE,
   .cite = "design 3: every end is told"},
  {.type = COR_T(WITHDRAWAL_NOTICE), .name = "WithdrawalNotice", HUB_NOTICE,
   .opens = {COR_DUTY_ERASURE_ANSWER},
   .cite = "design 4: withdrawal (P)"},
  {.type = COR_T(OBLIGATION_NOTICE), .name = "ObligationNotice", HUB_NOTICE,
   .cite = "design 5: obligations"},
  /* Its handle is its own message id: it is about no one case. */
  {.type = COR_T(NOTICE_BUNDLE), .name = "NoticeBundle", HUB_NOTICE,
   .cite = "design 8: batches"},
  {.type = COR_T(SUSPENSION_NOTICE), .name = "SuspensionNotice", HUB_NOTICE,
   .opens = {COR_DUTY_SUSPENSION_ANSWER},
   .cite = "design 4: withdrawal without the code"},
  {.type = COR_T(DATA_NOTICE), .name = "DataNotice", HUB_NOTICE,
   .opens = {COR_DUTY_DATA_ANSWER},
   .cite = "design 4 (P): rectification and restriction"},
};

#define BY(x) (uint16_t) COR_BIT(CORRIDOR__V1__DECIDER__##x)
#define WHEN(x) (uint16_t) COR_BIT(CORRIDOR__V1__CONSENT_OBSTACLE__##x)

/* Nothing of this waits before the message leaves; what is opened comes after. A best
 * interests determination is several people's, on paper: it needs no second signature,
 * and its use is reviewed like the others'. */
static const cor_basis_row bases[] = {
  {.basis = COR_BASIS(LIFE_AT_RISK), .deciders = BY(MENTAL_HEALTH_PROFESSIONAL),
   .obstacles = WHEN(LIFE_AT_RISK_NOW) | WHEN(UNABLE_TO_CONSENT),
   .opens = {COR_DUTY_COUNTER_SIGNATURE, COR_DUTY_REVIEW}, .cite = "[004:3025]"},

  {.basis = COR_BASIS(CHILD_BEST_INTERESTS), .deciders = BY(BEST_INTERESTS_PANEL),
   .obstacles = WHEN(LIFE_AT_RISK_NOW) | WHEN(UNABLE_TO_CONSENT) | WHEN(CHILD_WITHOUT_GUARDIAN) |
                WHEN(CHILD_GUARDIAN_REFUSES),
   .opens = {COR_DUTY_REVIEW}, .cite = "[003:468; 004:4248,4255]"},

  {.basis = COR_BASIS(VITAL_INTEREST_OTHER), .needs_agreement = true,
   .deciders = BY(MENTAL_HEALTH_PROFESSIONAL) | BY(PHYSICIAN),
   .obstacles = WHEN(LIFE_AT_RISK_NOW) | WHEN(UNABLE_TO_CONSENT),
   .opens = {COR_DUTY_COUNTER_SIGNATURE, COR_DUTY_REVIEW}, .cite = "design 4: off by default"},
};

/* Escalation hours are (P); the shorter, the more hangs on the answer. */
static const cor_duty_row duties[] = {
  {COR_DUTY_ABN_NOTICE, "Advance booking notification due", COR_OWNER_SENDER,
   COR_START_EVENT, COR_UNIT_WORKING_DAYS_BEFORE, 5, {24, 48}, "D01 [003:591]"},
  {COR_DUTY_ABN_CONFIRM, "Confirmation of the booking due", COR_OWNER_RECIPIENT,
   COR_START_DELIVERY, COR_UNIT_WORKING_DAYS, 1, {24, 48}, "D02 [003:607]"},
  {COR_DUTY_DEPARTURE_ENTRY, "Departure confirmation due", COR_OWNER_SENDER,
   COR_START_EVENT, COR_UNIT_HOURS, 48, {24, 72}, "D03 [003:650]"},
  {COR_DUTY_ARRIVAL_NOTICE, "Arrival notice due", COR_OWNER_RECIPIENT,
   COR_START_EVENT, COR_UNIT_HOURS, 48, {12, 24}, "(P) from [003:478,667-670]"},
  {COR_DUTY_REFERRAL_ANSWER, "Answer to the referral due", COR_OWNER_RECIPIENT,
   COR_START_EVENT, COR_UNIT_AT_EVENT, 0, {24, 72}, "[004:3008]"},
  {COR_DUTY_ERASURE_ANSWER, "Answer to the withdrawal due", COR_OWNER_RECIPIENT,
   COR_START_ADMISSION, COR_UNIT_HOURS, 72, {0, 24}, "design 4: withdrawal (P)"},
  {COR_DUTY_SUSPENSION_ANSWER, "Answer to the suspension due", COR_OWNER_RECIPIENT,
   COR_START_ADMISSION, COR_UNIT_HOURS, 24, {0, 24}, "design 4: withdrawal without the code"},
  {COR_DUTY_DATA_ANSWER, "Answer about the data due", COR_OWNER_RECIPIENT,
   COR_START_ADMISSION, COR_UNIT_HOURS, 72, {0, 24}, "design 4 (P): rectification, restriction"},
  /* The recipient hears nothing of these two: a notice that overtook the message would
   * tell everyone there that something restricted is on its way. */
  {COR_DUTY_COUNTER_SIGNATURE, "Counter-signature of what was told without consent due", COR_OWNER_SENDER_ALONE,
   COR_START_ADMISSION, COR_UNIT_HOURS, 4, {4, 20}, "design 4: not the only basis [004:3025]"},
  {COR_DUTY_REVIEW, "Review of what was told without consent due", COR_OWNER_SENDER_ALONE,
   COR_START_ADMISSION, COR_UNIT_HOURS, 72, {24, 72}, "design 4: not the only basis [004:3025]"},
  {COR_DUTY_DUPLICATE_ANSWER, "Answer to the duplicate question due", COR_OWNER_RECIPIENT,
   COR_START_DELIVERY, COR_UNIT_WORKING_DAYS, 2, {24, 72}, "(P) from [003:528,749]"},
};

/* Readers to whom the need-to-know matrix never gives some categories, whatever a row
 * or the CA's permission table allows (data dictionary 2). Nothing about a person goes
 * to authorities that send or enforce returns [004:3979-3981], nor to those who decide,
 * supervise or pay [003:351]; who enforces immigration law has no role, so no card. */
static const struct { Corridor__V1__Role reader; uint32_t never; } never_for[] = {
  {COR_ROLE(NOTIFYING_AUTHORITY), ALL_BUT(CAT(OPERATIONAL))},
  {COR_ROLE(COMMITTEE), ALL_BUT(CAT(OPERATIONAL))},
  {COR_ROLE(REGIONAL_OFFICE), ALL_BUT(CAT(OPERATIONAL))},
  {COR_ROLE(EU_DELEGATION), ALL_BUT(CAT(OPERATIONAL))},
  {COR_ROLE(DONOR), ALL_BUT(CAT(OPERATIONAL))},
  {COR_ROLE(HUB), ALL_BUT(CAT(OPERATIONAL))},
  {COR_ROLE(OVERSIGHT), ALL_BUT(CAT(OPERATIONAL))},
  {COR_ROLE(OVERFLOWN_MISSION), ALL_BUT(CAT(OPERATIONAL))},
  {COR_ROLE(TRANSIT_MISSION), ALL_BUT(CAT(OPERATIONAL) | CAT(TRAVEL) | CAT(INSTRUCTION))},
  {COR_ROLE(CHILD_PROTECTION_AUTHORITY), CAT(ECONOMIC) | CAT(LEGAL)},
};

/* What goes to these readers alone; of UN agencies to UNHCR alone, as its card says. */
static const struct { uint32_t categories, readers; } only_for[] = {
  {CAT(ASYLUM), ROLE(UN_AGENCY)},
};

static const struct {
  Corridor__V1__MessageType type;
  Corridor__V1__Compartment compartment;
  const ProtobufCMessageDescriptor *body;
} bodies[] = {
  {COR_T(REGISTRATION), COR_C(RECORD), &corridor__v1__registration__descriptor},
  {COR_T(CONSENT_RECORD), COR_C(RECORD), &corridor__v1__consent_record__descriptor},
  {COR_T(CONSENT_WITHDRAWAL), COR_C(RECORD), &corridor__v1__consent_withdrawal__descriptor},
  {COR_T(SUSPENSION_ANSWER), COR_C(RECORD), &corridor__v1__suspension_answer__descriptor},
  {COR_T(DATA_REQUEST), COR_C(RECORD), &corridor__v1__data_request__descriptor},
  {COR_T(DATA_STATEMENT), COR_C(RECORD), &corridor__v1__data_statement__descriptor},
  {COR_T(BASIS_STATEMENT), COR_C(RECORD), &corridor__v1__basis_statement__descriptor},
  {COR_T(ERASURE_STATEMENT), COR_C(RECORD), &corridor__v1__erasure_statement__descriptor},
  {COR_T(CONTENT_STATEMENT), COR_C(RECORD), &corridor__v1__content_statement__descriptor},
  {COR_T(ACCESS_STATEMENT), COR_C(RECORD), &corridor__v1__access_statement__descriptor},
  {COR_T(CASE_FILE), COR_C(OPERATIONS), &corridor__v1__case_file_operations__descriptor},
  {COR_T(CASE_FILE), COR_C(CASEWORK), &corridor__v1__case_file_casework__descriptor},
  {COR_T(CASE_FILE), COR_C(HEALTH), &corridor__v1__case_file_health__descriptor},
  {COR_T(ATTACHMENT_CHUNK), COR_C(OPERATIONS), &corridor__v1__attachment_chunk__descriptor},
  {COR_T(ATTACHMENT_CHUNK), COR_C(CASEWORK), &corridor__v1__attachment_chunk__descriptor},
  {COR_T(ATTACHMENT_CHUNK), COR_C(HEALTH), &corridor__v1__attachment_chunk__descriptor},
  {COR_T(ABN), COR_C(OPERATIONS), &corridor__v1__abn__descriptor},
  {COR_T(ABN_CONFIRM), COR_C(OPERATIONS), &corridor__v1__abn_confirm__descriptor},
  {COR_T(TICKET_ISSUED), COR_C(OPERATIONS), &corridor__v1__ticket_issued__descriptor},
  {COR_T(DEPARTURE_CONFIRMATION), COR_C(OPERATIONS), &corridor__v1__departure_confirmation__descriptor},
  {COR_T(ARRIVAL_NOTICE), COR_C(OPERATIONS), &corridor__v1__arrival_notice__descriptor},
  {COR_T(DUPLICATE_QUESTION), COR_C(CASEWORK), &corridor__v1__duplicate_question__descriptor},
  {COR_T(DUPLICATE_ANSWER), COR_C(CASEWORK), &corridor__v1__duplicate_answer__descriptor},
  {COR_T(REFERRAL), COR_C(CASEWORK), &corridor__v1__referral_offer__descriptor},
  {COR_T(REFERRAL_ACK), COR_C(CASEWORK), &corridor__v1__referral_answer__descriptor},
  {COR_T(REFERRAL_HANDOVER), COR_C(CASEWORK), &corridor__v1__referral_handover__descriptor},
  {COR_T(HANDOVER_ATTACHMENT), COR_C(CASEWORK), &corridor__v1__attachment_chunk__descriptor},
  {COR_T(REPORT_ATTACHMENT), COR_C(CASEWORK), &corridor__v1__attachment_chunk__descriptor},
  {COR_T(SERVICE_REPORT), COR_C(CASEWORK), &corridor__v1__service_report__descriptor},
  {COR_T(END_NOTICE), COR_C(RECORD), &corridor__v1__end_notice__descriptor},
  {COR_T(WITHDRAWAL_NOTICE), COR_C(RECORD), &corridor__v1__withdrawal_notice__descriptor},
  {COR_T(OBLIGATION_NOTICE), COR_C(RECORD), &corridor__v1__obligation_notice__descriptor},
  {COR_T(NOTICE_BUNDLE), COR_C(RECORD), &corridor__v1__notice_bundle__descriptor},
  {COR_T(SUSPENSION_NOTICE), COR_C(RECORD), &corridor__v1__suspension_notice__descriptor},
  {COR_T(DATA_NOTICE), COR_C(RECORD), &corridor__v1__data_notice__descriptor},
};
/* clang-format on */

#define COUNT(a) (sizeof(a) / sizeof *(a))

const cor_sop_row *cor_sop_at(size_t i) {
  return i < COUNT(rows) ? &rows[i] : NULL;
}

const cor_sop_row *cor_sop_find(Corridor__V1__MessageType type) {
  for (size_t i = 0; i < COUNT(rows); i++)
    if (rows[i].type == type) return &rows[i];
  return NULL;
}

const cor_sop_row *cor_sop_named(const char *name) {
  for (size_t i = 0; name && i < COUNT(rows); i++)
    if (strcmp(rows[i].name, name) == 0) return &rows[i];
  return NULL;
}

const ProtobufCMessageDescriptor *cor_sop_body(Corridor__V1__MessageType type, Corridor__V1__Compartment c) {
  for (size_t i = 0; i < COUNT(bodies); i++)
    if (bodies[i].type == type && bodies[i].compartment == c) return bodies[i].body;
  return NULL;
}

uint32_t cor_sop_never(Corridor__V1__Role reader) {
  uint32_t never = 0;
  for (size_t i = 0; i < COUNT(never_for); i++)
    if (never_for[i].reader == reader) never |= never_for[i].never;
  for (size_t i = 0; i < COUNT(only_for); i++)
    if (!(only_for[i].readers & COR_BIT(reader))) never |= only_for[i].categories;
  return never;
}

uint32_t cor_sop_categories(const cor_sop_row *row, Corridor__V1__Compartment c, Corridor__V1__Role reader) {
  return (size_t)c < COUNT(row->categories) ? row->categories[c] & ~cor_sop_never(reader) : 0;
}

const cor_basis_row *cor_basis_find(Corridor__V1__LegalBasis basis) {
  for (size_t i = 0; i < COUNT(bases); i++)
    if (bases[i].basis == basis) return &bases[i];
  return NULL;
}

cor_duty cor_sop_opens(const cor_sop_row *row, Corridor__V1__LegalBasis basis, size_t i) {
  const cor_basis_row *decided = cor_basis_find(basis);
  if (i < COUNT(row->opens)) return row->opens[i];
  i -= COUNT(row->opens);
  return decided && i < COUNT(decided->opens) ? decided->opens[i] : COR_DUTY_NONE;
}

const cor_duty_row *cor_duty_find(cor_duty duty) {
  for (size_t i = 0; i < COUNT(duties); i++)
    if (duties[i].duty == duty) return &duties[i];
  return NULL;
}

static bool closes(const cor_sop_row *row, cor_duty duty) {
  for (size_t i = 0; i < COUNT(row->closes); i++)
    if (row->closes[i] == duty) return true;
  return false;
}

bool cor_duty_falls_on(cor_duty duty, Corridor__V1__Role owner) {
  for (size_t i = 0; duty != COR_DUTY_NONE && i < COUNT(rows); i++)
    if (closes(&rows[i], duty) && (rows[i].from_roles & COR_BIT(owner))) return true;
  return false;
}
