/* plan.h - every message of the caseload: who, to whom, of which kind, on which
 * working day, after which other. */
#ifndef CASELOAD_PLAN_H
#define CASELOAD_PLAN_H
#include "corridor/sop.h"
#include "returns.h"

typedef enum kind {
  KIND_REGISTRATION,
  KIND_CONSENT,
  KIND_FILE_OPERATIONS,
  KIND_FILE_CASEWORK,
  KIND_FILE_HEALTH,
  KIND_ABN,
  KIND_CONFIRM,
  KIND_TICKET,
  KIND_DEPARTURE,
  KIND_ARRIVAL,
  KIND_OFFER,
  KIND_ACCEPT,
  KIND_HANDOVER,
  KIND_REPORT,
  KINDS
} kind;

typedef enum side { SIDE_HUB, SIDE_HOST, SIDE_ORIGIN, SIDE_ASKER, SIDE_PROVIDER } side;

/* What the header of a kind says besides its parties, its handle and its times. */
typedef struct kind_row {
  Corridor__V1__MessageType type;
  Corridor__V1__Compartment compartment;
  Corridor__V1__Purpose purpose;
  Corridor__V1__LegalBasis basis;
  uint32_t categories;
  side from, to;
  Corridor__V1__Outcome outcome;
  bool answers; /* the message before it in its strand, once its sender has it */
} kind_row;
extern const kind_row kind_rows[KINDS];

typedef enum vulnerability {
  VULNERABLE_NOT,
  VULNERABLE_HEALTH,
  VULNERABLE_OTHER,
  VULNERABLE_CHILD
} vulnerability;

typedef struct person {
  uint8_t host, origin; /* countries */
  uint8_t vulnerable;
  uint8_t return_type;                   /* Corridor__V1__ReturnType */
  uint16_t registered, booked, departed; /* working days */
  uint16_t services[STAGES];
} person;

/* A strand is what happens to one person's return (service 0) or one service
 * (1 and up; those before departure first) on one day, in order. */
typedef struct planned {
  uint32_t person;
  uint16_t service, day;
  uint8_t kind, level; /* level: place in its strand */
} planned;

enum { OFFICE_HOST, OFFICE_ORIGIN, OFFICE_PROVIDER_1, OFFICE_PROVIDER_2, OFFICES_OF_A_COUNTRY };
enum { OFFICE_HUB = -1, OFFICES_MAX = COUNTRIES_MAX * OFFICES_OF_A_COUNTRY };

typedef struct plan {
  const world *w;
  const returns *r;
  uint64_t seed;
  person *people;
  size_t n_people, n_services[STAGES];
  planned *messages; /* by day; strands together */
  size_t n_messages, n_days;
  size_t *day_begin; /* n_days + 1 */
} plan;

void plan_make(const world *w, const returns *r, uint64_t seed, plan *out);
void plan_clear(plan *p);

int64_t plan_moment(size_t day); /* noon UTC of a working day, ms */
int64_t plan_departure(const person *who);
/* Index of an office, country * OFFICES_OF_A_COUNTRY + which; OFFICE_HUB. */
int plan_party(const plan *p, const planned *m, side s);
void plan_office_id(const world *w, int office, char out[COR_OFFICE_MAX + 1]);
void plan_case(const plan *p, const planned *m, uint8_t out[COR_ID_LEN]);
void plan_handle(const plan *p, const planned *m, uint8_t out[COR_ID_LEN]); /* case or referral */
void plan_consent(const plan *p, const planned *m, uint8_t out[COR_ID_LEN]);
void plan_message_id(const plan *p, const planned *m, uint8_t out[COR_ID_LEN]);

/* What the hub must hold in the end, as csv in dir: regions, cells (host country
 * x country of origin), returntypes, messages (sender, recipient, type). */
bool plan_write_tables(const plan *p, const char *dir, cor_error *err) COR_MUST_CHECK;
#endif
