/* sop.h - the SOPs as one table (proto/sop.c), used by agent, broker, tests and
 * docs. A row says who may send a type to whom, in which compartment, with
 * which data, on which basis, what must have happened before, who checks it,
 * which obligation it opens or closes, and the step it comes from. */
#ifndef CORRIDOR_SOP_H
#define CORRIDOR_SOP_H
#include "corridor/base.h"
#include <corridor/v1/attachment.pb-c.h>
#include <corridor/v1/case.pb-c.h>
#include <corridor/v1/duplicate.pb-c.h>
#include <corridor/v1/envelope.pb-c.h>
#include <corridor/v1/record.pb-c.h>
#include <corridor/v1/referral.pb-c.h>

enum { COR_SOP_VERSION = 1, COR_SOP_BEFORE_MAX = 3 };

/* Short names for the wire enums: COR_T_x message types, COR_C_x compartments,
 * bit helpers. */
#define COR_T(x) CORRIDOR__V1__MESSAGE_TYPE__##x
#define COR_C(x) CORRIDOR__V1__COMPARTMENT__##x
#define COR_CAT(x) CORRIDOR__V1__DATA_CATEGORY__##x
#define COR_ROLE(x) CORRIDOR__V1__ROLE__ROLE_##x
#define COR_PURPOSE(x) CORRIDOR__V1__PURPOSE__##x
#define COR_BASIS(x) CORRIDOR__V1__LEGAL_BASIS__##x
#define COR_OUTCOME(x) CORRIDOR__V1__OUTCOME__##x
#define COR_BIT(x) (1u << (unsigned)(x))

/* Compartments of which nobody else in the office learns that a message exists
 * (design 3; data dictionary 2). */
#define COR_RESTRICTED (COR_BIT(COR_C(HEALTH)) | COR_BIT(COR_C(PROTECTION)))

typedef enum cor_handle_kind { COR_HANDLE_NONE, COR_HANDLE_CASE, COR_HANDLE_REFERRAL } cor_handle_kind;
/* Which goes first, at the sender and at the hub. In the case's order; before it; when
 * the case's earlier records are answered, with nothing waiting for it; when nothing
 * else can go. In the databases a lane is this number. */
typedef enum cor_lane {
  COR_LANE_ATTACHMENT = -1,
  COR_LANE_CASE = 0,
  COR_LANE_OVERTAKES = 1,
  COR_LANE_ASIDE = 2
} cor_lane;

/* Obligations: who owes which answer by when. Codes are stable. */
typedef enum cor_duty {
  COR_DUTY_NONE = 0,
  COR_DUTY_ABN_NOTICE = 1,        /* D01 [003:591] sender, 5 working days before travel */
  COR_DUTY_ABN_CONFIRM = 2,       /* D02 [003:607] recipient, 1 working day after delivery */
  COR_DUTY_DEPARTURE_ENTRY = 3,   /* D03 [003:650] sender, 48 h after departure */
  COR_DUTY_ARRIVAL_NOTICE = 4,    /* (P) recipient, 48 h after departure */
  COR_DUTY_REFERRAL_ANSWER = 5,   /* [004:3008] recipient, header event_at */
  COR_DUTY_ERASURE_ANSWER = 6,    /* design 4: each recipient, 72 h */
  COR_DUTY_SUSPENSION_ANSWER = 7, /* design 4: the responsible office, 24 h */
  COR_DUTY_DATA_ANSWER = 8,       /* (P) each recipient, 72 h */
  COR_DUTY_COUNTER_SIGNATURE = 9, /* design 4: sender, 4 h after telling without consent */
  COR_DUTY_REVIEW = 10,           /* design 4: sender, 72 h after it */
  COR_DUTY_DUPLICATE_ANSWER = 11, /* (P) recipient, 2 working days after delivery */
  COR_DUTY_COUNT
} cor_duty;

typedef enum cor_duty_owner {
  COR_OWNER_SENDER,
  COR_OWNER_RECIPIENT,
  COR_OWNER_SENDER_ALONE /* nobody else waits for it, or hears of it */
} cor_duty_owner;
typedef enum cor_duty_start { COR_START_ADMISSION, COR_START_DELIVERY, COR_START_EVENT } cor_duty_start;
typedef enum cor_duty_unit {
  COR_UNIT_HOURS,
  COR_UNIT_WORKING_DAYS,
  COR_UNIT_WORKING_DAYS_BEFORE,
  COR_UNIT_AT_EVENT
} cor_duty_unit;

typedef struct cor_duty_row {
  cor_duty duty;
  const char *name;     /* "AbnConfirm due" as a case officer reads it */
  cor_duty_owner owner; /* of the message that opens it */
  cor_duty_start start;
  cor_duty_unit unit;
  int amount;
  int escalate_hours[2]; /* after the due time: levels 1 and 2 */
  const char *cite;
} cor_duty_row;
const cor_duty_row *cor_duty_find(cor_duty duty); /* NULL for NONE */
/* Whether an office of this role can owe the duty: some row that closes it may
 * come from that role. A transit mission copied on an ABN owes no confirmation. */
bool cor_duty_falls_on(cor_duty duty, Corridor__V1__Role owner);

typedef struct cor_before {
  Corridor__V1__MessageType type; /* must have been admitted for this handle */
  Corridor__V1__Outcome outcome;  /* 0 = any */
  bool by_recipient;              /* from the very office this message goes to */
} cor_before;

enum cor_checker { COR_CHECK_SENDER = 1, COR_CHECK_BROKER = 2, COR_CHECK_RECIPIENT = 4 };

typedef struct cor_sop_row {
  Corridor__V1__MessageType type;
  const char *name; /* as in process.md: "CaseFile" */
  uint32_t from_roles, to_roles;
  bool to_hub, from_hub;
  uint16_t compartments;    /* COR_BIT(COR_C(..)) */
  uint16_t purposes, bases; /* bits of Purpose, LegalBasis */
  uint32_t categories[8];   /* by compartment: allowed data categories (need-to-know matrix) */
  cor_handle_kind handle;
  bool needs_cover; /* REFERRAL: hub-only cover required */
  bool safeguards;  /* safeguards_met required */
  bool needs_outcome, needs_event;
  bool books_return; /* not while the recipient's country is under suspension */
  cor_before before[COR_SOP_BEFORE_MAX];
  unsigned before_checker; /* enum cor_checker bits */
  cor_lane lane;
  cor_duty opens[2], closes[2];
  bool opens_unless_no; /* with the outcome NO it opens nothing */
  bool closes_one;      /* of the two that it closes, its step says which */
  const char *cite;
} cor_sop_row;

const cor_sop_row *cor_sop_find(Corridor__V1__MessageType type); /* NULL = no such type */
const cor_sop_row *cor_sop_named(const char *name);
const cor_sop_row *cor_sop_at(size_t i); /* NULL past the end */

/* A basis that is somebody's decision and not the person's consent: who may decide,
 * why consent may have been out of reach, and what its sender owes afterwards,
 * whatever the type. The decision is stated inside the seal (basis.c). */
typedef struct cor_basis_row {
  Corridor__V1__LegalBasis basis;
  bool needs_agreement;         /* off unless an agreement that covers the message allows it */
  uint16_t deciders, obstacles; /* bits of Decider, ConsentObstacle */
  cor_duty opens[2];
  const char *cite;
} cor_basis_row;
const cor_basis_row *cor_basis_find(Corridor__V1__LegalBasis basis); /* NULL: no decision */

/* What a message of this row on this basis opens: the i-th of both rows, NONE past
 * the end and in gaps. */
enum { COR_SOP_OPENS_MAX = 4 };
cor_duty cor_sop_opens(const cor_sop_row *row, Corridor__V1__LegalBasis basis, size_t i);

/* Descriptor of the type's body in this compartment (CASE_FILE has one per
 * compartment); NULL if the pair does not exist. */
const ProtobufCMessageDescriptor *cor_sop_body(Corridor__V1__MessageType type, Corridor__V1__Compartment c);

/* Categories this row lets a reader of this role have in this compartment: the
 * row's own, less what the need-to-know matrix never gives that role. */
uint32_t cor_sop_categories(const cor_sop_row *row, Corridor__V1__Compartment c, Corridor__V1__Role reader);
/* What no row and no permission of the CA can give a reader of this role. */
uint32_t cor_sop_never(Corridor__V1__Role reader);

/* Structural check of a decoded header against its row: field presence,
 * ascending categories, lengths, enums. No facts needed. */
bool cor_header_check(const Corridor__V1__Header *header, cor_error *err) COR_MUST_CHECK;

/* Content rules (mandatory fields of the data dictionary, forbidden values),
 * the sender's and the recipient's agent alike. path_prefix as in json.h. */
bool cor_content_check(Corridor__V1__MessageType type, Corridor__V1__Compartment c,
                       const ProtobufCMessage *body, const char *path_prefix, cor_error *err) COR_MUST_CHECK;
/* Whether the body states the decision that the header's basis asks for, made by who
 * may make it; and states none under consent. The sender's agent before sealing, the
 * recipient's at first opening. */
bool cor_basis_check(const Corridor__V1__Header *header, const ProtobufCMessage *body,
                     const char *path_prefix, cor_error *err) COR_MUST_CHECK;
/* Whether the sealed details meet the safeguards that header.safeguards_met
 * asserts (children [003:464-470], escorts [003:582]); case_file is the stored
 * casework part or NULL when the body itself is one. */
bool cor_safeguards_check(const Corridor__V1__CaseFileCasework *case_file, cor_error *err) COR_MUST_CHECK;
/* Whether the ABN names the escort that the case file calls for: an
 * unaccompanied child under 15 on the day of travel [003:582]. */
bool cor_escort_check(const Corridor__V1__CaseFileCasework *case_file, const Corridor__V1__Abn *abn,
                      cor_error *err) COR_MUST_CHECK;
#endif
