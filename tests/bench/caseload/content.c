/* content.c - headers, covers and bodies of the planned messages.
 *
 * For: prepare.c and the plan's digest. Everything is derived from the plan and
 * the seed; people are called Testina or Testo Exemplar and a number, phone
 * numbers and places are of nobody and nowhere. Guarantees: each body passes the
 * content rules that an agent applies before it seals. */
#include "content.h"
#include "corridor/clock.h"
#include "corridor/codec.h"
#include "corridor/id.h"
#include "seed.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define YES CORRIDOR__V1__ANSWER__IS_YES
#define NO CORRIDOR__V1__ANSWER__IS_NO
#define ESCORT(x) CORRIDOR__V1__ESCORT_KIND__ESCORT_##x
#define ASPECT(x) CORRIDOR__V1__CONSENT_SCOPE_CODE__##x
#define CAT COR_CAT
enum { CHARTER_EVERY = 100, CHARTER_PAX = 60, CHILD_AGE = 16, CONSENT_MONTHS = 15 };
static const int64_t day_ms = 24 * 3600 * INT64_C(1000), hour_ms = 3600 * INT64_C(1000);

/* One person as the bodies tell of them; the texts are in here. */
typedef struct scene {
  const plan *p;
  const planned *m;
  const person *who;
  char name[48], reference[32], birth_date[COR_TIME_TEXT], day[COR_TIME_TEXT], travel[COR_TIME_TEXT];
  char host[COR_OFFICE_MAX + 1], origin[COR_OFFICE_MAX + 1], area[8], consent[COR_ID_TEXT];
  const char *origin_iso, *host_iso;
  Corridor__V1__Sex sex;
  uint32_t age;
  bool child, charter;
  Corridor__V1__Place home;
  Corridor__V1__Contact contact;
  Corridor__V1__PriorAssistance none, *prior[1];
  Corridor__V1__Vulnerability vulnerability;
} scene;

static uint32_t draw(const plan *p, const planned *m, const char *what, uint32_t below) {
  return seed_below(p->seed, what, m->person, 0, below);
}

/* Shares of women, and of children, as in data/README: 709 men and 166 women of
 * 1000, 125 children [001:1702]. */
static void portray(scene *s) {
  uint32_t n = draw(s->p, s->m, "sex and age", 1000);
  s->child = s->who->vulnerable == VULNERABLE_CHILD;
  bool minor = s->child || n >= 875;
  s->sex = (minor ? n % 100 < 45 : n < 166) ? CORRIDOR__V1__SEX__FEMALE : CORRIDOR__V1__SEX__MALE;
  s->age = s->child ? CHILD_AGE : minor ? 5 + n % 12 : 18 + draw(s->p, s->m, "age", 42);
  snprintf(s->name, sizeof s->name, "%s Exemplar %u",
           s->sex == CORRIDOR__V1__SEX__FEMALE ? "Testina" : "Testo", s->m->person + 1);
  snprintf(s->birth_date, sizeof s->birth_date, "%04u-%02u-%02u", 2019 - s->age,
           1 + draw(s->p, s->m, "month", 12), 1 + draw(s->p, s->m, "day", 28));
  snprintf(s->reference, sizeof s->reference, "EXEMPLAR-%06u", s->m->person + 1);
}

static void scene_set(scene *s, const plan *p, const planned *m) {
  uint8_t consent[COR_ID_LEN];
  *s = (scene){.p = p, .m = m, .who = &p->people[m->person]};
  const country *origin = &p->w->list[s->who->origin];
  s->origin_iso = origin->iso;
  s->host_iso = p->w->list[s->who->host].iso;
  s->charter = draw(p, m, "charter", CHARTER_EVERY) == 0;
  portray(s);
  plan_office_id(p->w, plan_party(p, m, SIDE_HOST), s->host);
  plan_office_id(p->w, plan_party(p, m, SIDE_ORIGIN), s->origin);
  plan_consent(p, m, consent);
  cor_id_text(consent, s->consent);
  cor_day_text(cor_day_of(plan_moment(s->who->registered), 0), s->day);
  cor_day_text(cor_day_of(plan_departure(s->who), 0), s->travel);
  snprintf(s->area, sizeof s->area, "%.2s-X",
           m->service <= s->who->services[BEFORE_DEPARTURE] ? s->host_iso : s->origin_iso);
  corridor__v1__place__init(&s->home);
  s->home.country = (char *)s->origin_iso;
  s->home.city = "Exemplar Town";
  corridor__v1__contact__init(&s->contact);
  s->contact.phone = "+000 000 000 001";
  s->contact.safe_hours = "09:00-12:00";
  s->contact.who_may_answer = "the person only";
  corridor__v1__prior_assistance__init(&s->none);
  s->none.programme = "none known";
  s->none.entitled_elsewhere = NO;
  s->prior[0] = &s->none;
  s->vulnerability = s->child                                  ? CORRIDOR__V1__VULNERABILITY__UMC
                     : s->who->vulnerable == VULNERABLE_HEALTH ? CORRIDOR__V1__VULNERABILITY__CHRONIC_ILLNESS
                                                               : CORRIDOR__V1__VULNERABILITY__NONE_FOUND;
}

static bool done(const scene *s, const ProtobufCMessage *body, cor_buf *out, cor_error *err) {
  const kind_row *row = &kind_rows[s->m->kind];
  return cor_content_check(row->type, row->compartment, body, "", err) && cor_encode(body, out, err);
}

/* ---- records for the hub ---- */

static bool registration(const scene *s, cor_buf *out, cor_error *err) {
  Corridor__V1__Registration b = CORRIDOR__V1__REGISTRATION__INIT;
  uint8_t reference[COR_HASH_LEN], code[COR_HASH_LEN];
  seed_bytes(s->p->seed, "reference", s->m->person, 0, reference, sizeof reference);
  seed_bytes(s->p->seed, "code", s->m->person, 0, code, sizeof code);
  b.programme = "JI";
  b.return_type = (Corridor__V1__ReturnType)s->who->return_type;
  b.origin_office = (char *)s->origin;
  b.reference_hash = (ProtobufCBinaryData){sizeof reference, reference};
  b.withdrawal_hash = (ProtobufCBinaryData){sizeof code, code};
  b.declared_on = cor_day_of(plan_moment(s->who->registered), 0);
  return done(s, &b.base, out, err);
}

/* First of the month, CONSENT_MONTHS on. */
static int64_t valid_until(const scene *s) {
  unsigned year = 0, month = 0;
  int32_t day = 0;
  char text[COR_TIME_TEXT];
  if (sscanf(s->day, "%4u-%2u", &year, &month) != 2) abort(); /* our own text */
  month += CONSENT_MONTHS - 1;
  snprintf(text, sizeof text, "%04u-%02u-01", year + month / 12, month % 12 + 1);
  if (!cor_day_parse(text, &day)) abort();
  return day * day_ms;
}

static bool consent(const scene *s, cor_buf *out, cor_error *err) {
  enum { SCOPES = 7, MOST = 9 };
  static const struct {
    Corridor__V1__ConsentScopeCode scope;
    Corridor__V1__Purpose purpose;
    enum { TO_HOST, TO_ORIGIN, TO_PROVIDERS } to;
    Corridor__V1__DataCategory categories[MOST];
  } agreed[SCOPES] = {
      {ASPECT(RETURN_AND_DATA),
       COR_PURPOSE(RETURN_PREPARATION),
       TO_ORIGIN,
       {CAT(OPERATIONAL), CAT(BIODATA), CAT(CONTACT), CAT(TRAVEL), CAT(FAMILY), CAT(ECONOMIC), CAT(EDUCATION),
        CAT(INSTRUCTION)}},
      {ASPECT(RETURN_AND_DATA),
       COR_PURPOSE(TRAVEL_ARRANGEMENT),
       TO_ORIGIN,
       {CAT(OPERATIONAL), CAT(BIODATA), CAT(CONTACT), CAT(TRAVEL), CAT(INSTRUCTION)}},
      {ASPECT(RETURN_AND_DATA), COR_PURPOSE(RECEPTION), TO_HOST, {CAT(OPERATIONAL), CAT(TRAVEL)}},
      {ASPECT(REFERRAL_SHARING),
       COR_PURPOSE(REINTEGRATION),
       TO_PROVIDERS,
       {CAT(OPERATIONAL), CAT(BIODATA), CAT(CONTACT), CAT(ECONOMIC), CAT(EDUCATION)}},
      {ASPECT(REFERRAL_FEEDBACK),
       COR_PURPOSE(REINTEGRATION),
       TO_ORIGIN,
       {CAT(OPERATIONAL), CAT(EDUCATION), CAT(MONITORING_DATA)}},
      {ASPECT(REFERRAL_FEEDBACK),
       COR_PURPOSE(REINTEGRATION),
       TO_HOST,
       {CAT(OPERATIONAL), CAT(EDUCATION), CAT(MONITORING_DATA)}},
      {ASPECT(MEDICAL_THIRD_PARTY),
       COR_PURPOSE(CONTINUITY_OF_CARE),
       TO_ORIGIN,
       {CAT(BIODATA), CAT(TRAVEL), CAT(HEALTH_DATA)}}, /* last: asked of those with health needs */
  };
  Corridor__V1__ConsentRecord b = CORRIDOR__V1__CONSENT_RECORD__INIT;
  Corridor__V1__ConsentScope scopes[SCOPES], *list[SCOPES];
  uint8_t id[COR_ID_LEN], evidence[COR_HASH_LEN];
  plan_consent(s->p, s->m, id);
  seed_bytes(s->p->seed, "evidence", s->m->person, 0, evidence, sizeof evidence);
  for (size_t i = 0; i < SCOPES; i++) {
    Corridor__V1__ConsentScope *one = list[i] = &scopes[i];
    corridor__v1__consent_scope__init(one);
    one->scope = agreed[i].scope;
    one->purpose = agreed[i].purpose;
    one->categories = (Corridor__V1__DataCategory *)agreed[i].categories;
    while (one->n_categories < MOST && agreed[i].categories[one->n_categories] != 0)
      one->n_categories++;
    if (agreed[i].to == TO_PROVIDERS)
      one->recipient_role = COR_ROLE(SERVICE_PROVIDER);
    else
      one->recipient_office = (char *)(agreed[i].to == TO_HOST ? s->host : s->origin);
  }
  b.consent_id = (ProtobufCBinaryData){sizeof id, id};
  b.version = 1;
  b.n_scopes = s->who->vulnerable == VULNERABLE_HEALTH ? SCOPES : SCOPES - 1;
  b.scopes = list;
  b.valid_from = plan_moment(s->who->registered) / day_ms * day_ms;
  b.valid_until = valid_until(s);
  b.evidence_sha256 = (ProtobufCBinaryData){sizeof evidence, evidence};
  return done(s, &b.base, out, err);
}

/* ---- the return ---- */

static bool operations(const scene *s, cor_buf *out, cor_error *err) {
  Corridor__V1__CaseFileOperations b = CORRIDOR__V1__CASE_FILE_OPERATIONS__INIT;
  char *instructions[] = {"meet at the gate"};
  b.case_ref = (char *)s->reference;
  b.name = (char *)s->name;
  b.sex = s->sex;
  b.age = s->age;
  b.travel_document = CORRIDOR__V1__TRAVEL_DOCUMENT__LAISSEZ_PASSER;
  b.intended_return = (Corridor__V1__Place *)&s->home;
  b.n_instructions = 1;
  b.instructions = instructions;
  return done(s, &b.base, out, err);
}

static void safeguard(const scene *s, Corridor__V1__ChildSafeguards *child,
                      Corridor__V1__GuardianRef guardians[2]) {
  corridor__v1__child_safeguards__init(child);
  for (int i = 0; i < 2; i++) {
    corridor__v1__guardian_ref__init(&guardians[i]);
    guardians[i].name = "Guardian Exemplar";
    guardians[i].country = (char *)(i ? s->origin_iso : s->host_iso);
    guardians[i].relation = "appointed guardian";
    guardians[i].identity_confirmed = true;
  }
  child->guardian_host = &guardians[0];
  child->guardian_origin = &guardians[1];
  child->family_assessment_done = child->bid_favours_return = child->child_willing = YES;
  child->bid_date = "2019-12-02";
}

static bool casework(const scene *s, cor_buf *out, cor_error *err) {
  Corridor__V1__CaseFileCasework b = CORRIDOR__V1__CASE_FILE_CASEWORK__INIT;
  Corridor__V1__ChildSafeguards child;
  Corridor__V1__GuardianRef guardians[2];
  char *skills[] = {"tailoring", "cooking"};
  Corridor__V1__Need needs[] = {CORRIDOR__V1__NEED__NEED_TRAINING, CORRIDOR__V1__NEED__NEED_TRANSPORT};
  Corridor__V1__Vulnerability vulnerable = s->vulnerability;
  b.case_ref = (char *)s->reference;
  b.programme = "JI";
  b.host_office = (char *)s->host;
  b.origin_office = (char *)s->origin;
  b.name = (char *)s->name;
  b.sex = s->sex;
  b.birth_date = (char *)s->birth_date;
  b.birth_place = "Exemplar Town";
  b.current_situation = "Stays with acquaintances and wants to go home.";
  b.migration_experience = "Left two years ago and worked in a kitchen on the way.";
  b.n_skills = 2;
  b.skills = skills;
  b.intended_return = (Corridor__V1__Place *)&s->home;
  b.return_type = (Corridor__V1__ReturnType)s->who->return_type;
  b.declaration_ref = (char *)s->reference;
  b.declaration_language = "en";
  b.declaration_date = (char *)s->day;
  b.n_vulnerabilities = 1;
  b.vulnerabilities = &vulnerable;
  b.n_needs = 2;
  b.needs = needs;
  b.known_health_needs = s->who->vulnerable == VULNERABLE_HEALTH ? YES : NO;
  b.n_prior_assistance = 1;
  b.prior_assistance = (Corridor__V1__PriorAssistance **)s->prior;
  b.detained = NO;
  b.travel_document = CORRIDOR__V1__TRAVEL_DOCUMENT__LAISSEZ_PASSER;
  b.arrival_controls_explained = true;
  b.draft_plan = "A course in tailoring, then a place in a workshop.";
  b.contact = (Corridor__V1__Contact *)&s->contact;
  if (s->child) {
    safeguard(s, &child, guardians);
    b.child = &child;
  }
  return cor_safeguards_check(&b, err) && done(s, &b.base, out, err);
}

static bool health(const scene *s, cor_buf *out, cor_error *err) {
  Corridor__V1__CaseFileHealth b = CORRIDOR__V1__CASE_FILE_HEALTH__INIT;
  char *conditions[] = {"asthma"}, *aids[] = {"inhaler"};
  b.case_ref = (char *)s->reference;
  b.n_known_conditions = 1;
  b.known_conditions = conditions;
  b.competence_to_decide = "able to decide";
  b.competence_assessed_by = "Dr Testa Medica";
  b.fitness_to_travel = "fit with an inhaler at hand";
  b.n_travel_aids = 1;
  b.travel_aids = aids;
  b.treatment = "inhaler as needed";
  b.medication_days = 60;
  b.certificate_carried = true;
  b.continuity_service = "regional hospital";
  b.outcome = CORRIDOR__V1__HEALTH_OUTCOME__RETURN;
  return done(s, &b.base, out, err);
}

static bool abn(const scene *s, cor_buf *out, cor_error *err) {
  Corridor__V1__Abn b = CORRIDOR__V1__ABN__INIT;
  Corridor__V1__Escort escort = CORRIDOR__V1__ESCORT__INIT;
  Corridor__V1__Vulnerability vulnerable = s->vulnerability;
  char *attention[] = {"meet at the gate"}, *overflown[] = {(char *)s->host_iso};
  escort.kind = s->charter ? ESCORT(OPERATIONAL) : ESCORT(NONE);
  escort.name = s->charter ? "Escort Exemplar" : "";
  escort.travel = s->charter ? "the same flight" : "";
  b.abn_id = b.movement_id = b.case_ref = (char *)s->reference;
  b.planned_return_date = (char *)s->travel;
  b.pax_count = s->charter ? CHARTER_PAX : 1;
  b.large_scale = b.dedicated_operation = s->charter;
  b.transport = s->charter ? CORRIDOR__V1__TRANSPORT__CHARTER : CORRIDOR__V1__TRANSPORT__COMMERCIAL_FLIGHT;
  b.n_overflown = s->charter ? 1 : 0;
  b.overflown = overflown;
  b.carrier_number = "XX 0123";
  b.route = "AAA-BBB";
  b.departure_place = b.arrival_place = "Exemplar airport";
  b.departs_at = plan_departure(s->who);
  b.arrives_at = plan_departure(s->who) + 6 * hour_ms;
  b.final_destination = (Corridor__V1__Place *)&s->home;
  b.reception_needed = b.onward_transport_needed = YES;
  b.shelter_needed = NO;
  b.profile_summary = "One person travelling alone.";
  b.n_vulnerability_summary = 1;
  b.vulnerability_summary = &vulnerable;
  b.n_special_attention = 1;
  b.special_attention = attention;
  b.n_prior_assistance = 1;
  b.prior_assistance = (Corridor__V1__PriorAssistance **)s->prior;
  b.escort = &escort;
  return done(s, &b.base, out, err);
}

static bool confirm(const scene *s, cor_buf *out, cor_error *err) {
  Corridor__V1__AbnConfirm b = CORRIDOR__V1__ABN_CONFIRM__INIT;
  b.abn_id = (char *)s->reference;
  b.available = COR_OUTCOME(YES);
  b.reception_contact = "duty officer, +000 000 000 010";
  b.remarks = "Bus the same evening.";
  b.received_at = b.confirmed_at = plan_moment(s->m->day);
  return done(s, &b.base, out, err);
}

static bool ticket(const scene *s, cor_buf *out, cor_error *err) {
  Corridor__V1__TicketIssued b = CORRIDOR__V1__TICKET_ISSUED__INIT;
  b.abn_id = b.ticket_ref = (char *)s->reference;
  b.carrier_number = "XX 0123";
  b.departs_at = plan_departure(s->who);
  return done(s, &b.base, out, err);
}

static bool departure(const scene *s, cor_buf *out, cor_error *err) {
  Corridor__V1__DepartureConfirmation b = CORRIDOR__V1__DEPARTURE_CONFIRMATION__INIT;
  b.abn_id = b.case_ref = (char *)s->reference;
  b.boarded = YES;
  b.departed_at = plan_departure(s->who);
  b.carrier_number = "XX 0123";
  b.ticket_handed_over = b.travel_document_handed_over = b.information_sheet_handed_over = true;
  return done(s, &b.base, out, err);
}

static bool arrival(const scene *s, cor_buf *out, cor_error *err) {
  Corridor__V1__ArrivalNotice b = CORRIDOR__V1__ARRIVAL_NOTICE__INIT;
  b.case_ref = (char *)s->reference;
  b.arrived_at = plan_departure(s->who) + 6 * hour_ms;
  b.place = "Exemplar airport";
  b.met_by = "duty officer";
  b.border_cleared = b.luggage_received = b.immediate_needs_met = b.national_of_this_country = YES;
  b.umc_handed_over = s->child ? YES : 0;
  b.onward_transport = "bus";
  b.lodging = "with family";
  return done(s, &b.base, out, err);
}

/* ---- services ---- */

static bool offer(const scene *s, cor_buf *out, cor_error *err) {
  Corridor__V1__ReferralOffer b = CORRIDOR__V1__REFERRAL_OFFER__INIT;
  b.service = (Corridor__V1__ServiceCode)(1 +
                                          seed_below(s->p->seed, "service", s->m->person, s->m->service, 14));
  b.sub_service = 1;
  b.area = (char *)s->area;
  b.language = "en";
  b.urgency = CORRIDOR__V1__URGENCY__ROUTINE;
  b.answer_by = plan_moment(s->m->day) + 3 * day_ms;
  return done(s, &b.base, out, err);
}

static bool accept_offer(const scene *s, cor_buf *out, cor_error *err) {
  Corridor__V1__ReferralAnswer b = CORRIDOR__V1__REFERRAL_ANSWER__INIT;
  b.answer = COR_OUTCOME(YES);
  b.first_contact_at = plan_moment(s->m->day) + day_ms;
  b.contact_function = "intake";
  return done(s, &b.base, out, err);
}

static bool handover(const scene *s, cor_buf *out, cor_error *err) {
  Corridor__V1__ReferralHandover b = CORRIDOR__V1__REFERRAL_HANDOVER__INIT;
  char *skills[] = {"tailoring"};
  b.name = (char *)s->name;
  b.sex = s->sex;
  b.age = s->age;
  b.contact = (Corridor__V1__Contact *)&s->contact;
  b.language = "en";
  b.need = "a course in tailoring with a certificate";
  b.n_skills = 1;
  b.skills = skills;
  b.consent_ref = b.feedback_consent_ref = (char *)s->consent;
  b.cost_arrangement = "paid by the programme";
  return done(s, &b.base, out, err);
}

static bool report(const scene *s, cor_buf *out, cor_error *err) {
  Corridor__V1__ServiceReport b = CORRIDOR__V1__SERVICE_REPORT__INIT;
  b.state = CORRIDOR__V1__SERVICE_STATE__COMPLETED;
  b.since = plan_moment(s->m->day);
  b.outcome = "course finished, certificate given";
  b.further_help_needed = "none for now";
  b.satisfaction = 1 + seed_below(s->p->seed, "satisfaction", s->m->person, s->m->service, 5);
  return done(s, &b.base, out, err);
}

static bool (*const bodies[KINDS])(const scene *, cor_buf *, cor_error *) = {
    registration, consent,   operations, casework, health,       abn,      confirm,
    ticket,       departure, arrival,    offer,    accept_offer, handover, report};

bool content_body(const plan *p, const planned *m, cor_buf *out, cor_error *err) {
  scene s;
  scene_set(&s, p, m);
  return bodies[m->kind](&s, out, err);
}
