/* plan.c - from numbers of people and services to messages in order.
 *
 * For: everything that composes, sends or counts. Guarantees: the same seed and
 * number of cases give the same plan, message for message; every deadline of the
 * SOP table is kept by the plan (ABN seven working days ahead in the sender's
 * calendar, answers the day they are asked for). Working days are Monday to
 * Friday from 16 December 2019, so that the departures fall in 2020; each day of
 * the replay stands at noon UTC. */
#include "plan.h"
#include "calendars.h"
#include "corridor/calendar.h"
#include "corridor/clock.h"
#include "seed.h"
#include <stdlib.h>
#include <string.h>

enum {
  FIRST_MONDAY = 18246, /* 2019-12-16 */
  REGISTRATION_DAYS = 260,
  CASES_A_DAY = 162, /* 42,208 in 260 days */
  BOOKED_AFTER = 3,
  AHEAD = 7, /* working days from ABN to travel; the rule asks for 5 [003:591] */
  DAYS_MAX = 400,
  REPORT_BEFORE = 6,
  REPORT_AFTER = 10,
  WEEK = 5
};
static const int64_t day_ms = 24 * 3600 * INT64_C(1000), hour_ms = 3600 * INT64_C(1000);

#define BIT(x) COR_BIT(COR_CAT(x))
#define RECORD_KIND COR_C(RECORD), COR_PURPOSE(RECORD_KEEPING), COR_BASIS(RECORD_DUTY), BIT(OPERATIONAL)
#define IN_TRAVEL COR_C(OPERATIONS), COR_PURPOSE(TRAVEL_ARRANGEMENT)
#define IN_SERVICE COR_C(CASEWORK), COR_PURPOSE(REINTEGRATION)
#define NO_PERSON COR_BASIS(NO_PERSONAL_DATA), BIT(OPERATIONAL)
#define ON_THE_WAY COR_BASIS(CONSENT), BIT(OPERATIONAL) | BIT(TRAVEL)
#define WHO_AND_WHERE BIT(OPERATIONAL) | BIT(BIODATA) | BIT(CONTACT) | BIT(TRAVEL)
#define PREPARATION COR_PURPOSE(RETURN_PREPARATION), COR_BASIS(CONSENT)

/* clang-format off */
const kind_row kind_rows[KINDS] = {
  [KIND_REGISTRATION] = {COR_T(REGISTRATION), RECORD_KIND, SIDE_HOST, SIDE_HUB, 0, false},
  [KIND_CONSENT] = {COR_T(CONSENT_RECORD), RECORD_KIND, SIDE_HOST, SIDE_HUB, 0, false},
  [KIND_FILE_OPERATIONS] = {COR_T(CASE_FILE), COR_C(OPERATIONS), PREPARATION, WHO_AND_WHERE | BIT(INSTRUCTION),
                            SIDE_HOST, SIDE_ORIGIN, 0, false},
  [KIND_FILE_CASEWORK] = {COR_T(CASE_FILE), COR_C(CASEWORK), PREPARATION,
                          WHO_AND_WHERE | BIT(FAMILY) | BIT(ECONOMIC) | BIT(EDUCATION), SIDE_HOST, SIDE_ORIGIN, 0, false},
  [KIND_FILE_HEALTH] = {COR_T(CASE_FILE), COR_C(HEALTH), COR_PURPOSE(CONTINUITY_OF_CARE), COR_BASIS(CONSENT),
                        BIT(BIODATA) | BIT(TRAVEL) | BIT(HEALTH_DATA), SIDE_HOST, SIDE_ORIGIN, 0, false},
  [KIND_ABN] = {COR_T(ABN), IN_TRAVEL, COR_BASIS(CONSENT), WHO_AND_WHERE | BIT(INSTRUCTION),
                SIDE_HOST, SIDE_ORIGIN, 0, false},
  [KIND_CONFIRM] = {COR_T(ABN_CONFIRM), IN_TRAVEL, NO_PERSON, SIDE_ORIGIN, SIDE_HOST, COR_OUTCOME(YES), true},
  [KIND_TICKET] = {COR_T(TICKET_ISSUED), IN_TRAVEL, ON_THE_WAY, SIDE_HOST, SIDE_ORIGIN, 0, true},
  [KIND_DEPARTURE] = {COR_T(DEPARTURE_CONFIRMATION), IN_TRAVEL, ON_THE_WAY, SIDE_HOST, SIDE_ORIGIN, COR_OUTCOME(YES), false},
  [KIND_ARRIVAL] = {COR_T(ARRIVAL_NOTICE), COR_C(OPERATIONS), COR_PURPOSE(RECEPTION), ON_THE_WAY,
                    SIDE_ORIGIN, SIDE_HOST, 0, true},
  [KIND_OFFER] = {COR_T(REFERRAL), IN_SERVICE, NO_PERSON, SIDE_ASKER, SIDE_PROVIDER, 0, false},
  [KIND_ACCEPT] = {COR_T(REFERRAL_ACK), IN_SERVICE, NO_PERSON, SIDE_PROVIDER, SIDE_ASKER, COR_OUTCOME(YES), true},
  [KIND_HANDOVER] = {COR_T(REFERRAL_HANDOVER), IN_SERVICE, COR_BASIS(CONSENT),
                     BIT(BIODATA) | BIT(CONTACT) | BIT(ECONOMIC) | BIT(EDUCATION), SIDE_ASKER, SIDE_PROVIDER, 0, true},
  [KIND_REPORT] = {COR_T(SERVICE_REPORT), IN_SERVICE, COR_BASIS(CONSENT),
                   BIT(OPERATIONAL) | BIT(EDUCATION) | BIT(MONITORING_DATA), SIDE_PROVIDER, SIDE_ASKER, 0, false},
};
/* clang-format on */

/* ---- days ---- */

static int32_t date_of(size_t day) {
  return FIRST_MONDAY + (int32_t)(day / WEEK * 7 + day % WEEK);
}

int64_t plan_moment(size_t day) {
  return date_of(day) * day_ms + 12 * hour_ms;
}

int64_t plan_departure(const person *who) {
  return date_of(who->departed) * day_ms + 3 * hour_ms;
}

static void book(const world *w, person *who, size_t registered) {
  country_calendar host;
  calendar_of_country(&w->list[who->host], &host);
  who->registered = (uint16_t)registered;
  who->booked = (uint16_t)(registered + BOOKED_AFTER);
  who->departed = (uint16_t)(who->booked + AHEAD);
  while (cor_calendar_before(&host.calendar, plan_departure(who), AHEAD) < plan_moment(who->booked))
    who->departed++;
}

/* ---- people ---- */

static void people_of_cells(plan *p) {
  p->people = calloc(p->r->cases, sizeof *p->people);
  if (!p->people) abort();
  for (size_t h = 0; h < p->w->n; h++)
    for (size_t o = 0; o < p->w->n; o++)
      for (size_t i = 0; i < p->r->cells[h][o]; i++)
        p->people[p->n_people++] = (person){.host = (uint8_t)h, .origin = (uint8_t)o};
  for (size_t i = p->n_people; i > 1; i--) { /* in any order over the year */
    size_t j = seed_below(p->seed, "order", i, 0, (uint32_t)i);
    person moved = p->people[i - 1];
    p->people[i - 1] = p->people[j];
    p->people[j] = moved;
  }
}

/* Every 1/rate-th, from a start that the seed gives. */
static bool every(double *sum, double rate) {
  *sum += rate;
  if (*sum < 1) return false;
  *sum -= 1;
  return true;
}

/* From Libya and Yemen all are humanitarian returns [000:852,855]; 1100 of the
 * rest the Task Force's [000:276]; vulnerable by host region [000:169-185]. */
static void describe(plan *p) {
  double task_force, vulnerable[REGIONS], child, health;
  task_force = child = health = seed_below(p->seed, "start", 0, 0, 1000) / 1000.0;
  for (size_t i = 0; i < REGIONS; i++)
    vulnerable[i] = seed_below(p->seed, "start", 1, i, 1000) / 1000.0;
  for (size_t i = 0; i < p->n_people; i++) {
    person *who = &p->people[i];
    const country *host = &p->w->list[who->host];
    bool humanitarian = strcmp(host->iso, "LY") == 0 || strcmp(host->iso, "YE") == 0;
    who->return_type = humanitarian                           ? CORRIDOR__V1__RETURN_TYPE__VHR
                       : every(&task_force, 1100.0 / 38170.0) ? CORRIDOR__V1__RETURN_TYPE__COVID19_TASK_FORCE
                                                              : CORRIDOR__V1__RETURN_TYPE__AVRR;
    size_t region = host->region;
    if (every(&vulnerable[region], p->w->vulnerable[region] / p->w->host_total[region]))
      who->vulnerable = every(&child, 0.16)           ? VULNERABLE_CHILD
                        : every(&health, 0.63 / 0.84) ? VULNERABLE_HEALTH
                                                      : VULNERABLE_OTHER;
  }
}

/* Services of each country over its people, evenly. */
static void share_services(plan *p, stage s) {
  double weights[COUNTRIES_MAX] = {0}, year = 0, here = 0;
  size_t people[COUNTRIES_MAX] = {0}, shares[COUNTRIES_MAX], turn[COUNTRIES_MAX] = {0};
  for (size_t i = 0; i < p->n_people; i++)
    people[s == BEFORE_DEPARTURE ? p->people[i].host : p->people[i].origin]++;
  for (size_t i = 0; i < p->w->n; i++) {
    year += p->w->list[i].services[s];
    weights[i] = people[i] ? p->w->list[i].services[s] : 0;
    here += weights[i];
  }
  if (here == 0) return;
  p->n_services[s] = (size_t)(year * (double)p->n_people / RETURNS_2020 + 0.5);
  apportion(p->n_services[s], weights, p->w->n, shares);
  for (size_t i = 0; i < p->n_people; i++) {
    size_t c = s == BEFORE_DEPARTURE ? p->people[i].host : p->people[i].origin, n = turn[c]++;
    p->people[i].services[s] = (uint16_t)(shares[c] / people[c] + (n < shares[c] % people[c]));
  }
}

/* A smaller caseload is a shorter year, not a thinner one: as many register on a
 * day, on fewer days. */
static void give_days(plan *p) {
  size_t days = (p->n_people + CASES_A_DAY - 1) / CASES_A_DAY;
  if (days > REGISTRATION_DAYS) days = REGISTRATION_DAYS;
  for (size_t i = 0; i < p->n_people; i++)
    book(p->w, &p->people[i], i * days / p->n_people);
}

/* ---- messages ---- */

static void add(plan *p, size_t who, size_t service, kind k, size_t day, size_t level) {
  p->messages[p->n_messages++] = (planned){.person = (uint32_t)who,
                                           .service = (uint16_t)service,
                                           .day = (uint16_t)day,
                                           .kind = (uint8_t)k,
                                           .level = (uint8_t)level};
}

static void add_return(plan *p, size_t i) {
  const person *who = &p->people[i];
  for (size_t k = KIND_REGISTRATION; k <= KIND_FILE_CASEWORK; k++)
    add(p, i, 0, (kind)k, who->registered, k);
  if (who->vulnerable == VULNERABLE_HEALTH) add(p, i, 0, KIND_FILE_HEALTH, who->registered, KIND_FILE_HEALTH);
  for (size_t k = KIND_ABN; k <= KIND_TICKET; k++)
    add(p, i, 0, (kind)k, who->booked, k - KIND_ABN);
  add(p, i, 0, KIND_DEPARTURE, who->departed, 0);
  add(p, i, 0, KIND_ARRIVAL, who->departed, 1);
}

static void add_service(plan *p, size_t i, size_t service) {
  const person *who = &p->people[i];
  bool before = service <= who->services[BEFORE_DEPARTURE];
  size_t nth = before ? service - 1 : service - 1 - who->services[BEFORE_DEPARTURE];
  size_t day = before ? (size_t)who->registered + 1 + nth % 2 : who->departed + WEEK * (1 + nth % 4);
  for (size_t k = KIND_OFFER; k <= KIND_HANDOVER; k++)
    add(p, i, service, (kind)k, day, k - KIND_OFFER);
  add(p, i, service, KIND_REPORT, day + (before ? REPORT_BEFORE : REPORT_AFTER), 0);
}

/* By day, else as they were made. */
static void sort_by_day(plan *p) {
  planned *sorted = calloc(p->n_messages + 1, sizeof *sorted);
  size_t at[DAYS_MAX + 1] = {0};
  p->day_begin = calloc(DAYS_MAX + 1, sizeof *p->day_begin);
  if (!sorted || !p->day_begin) abort();
  for (size_t i = 0; i < p->n_messages; i++) {
    if (p->messages[i].day >= DAYS_MAX) abort(); /* the days above are bounded */
    p->day_begin[p->messages[i].day + 1]++;
    if (p->messages[i].day >= p->n_days) p->n_days = (size_t)p->messages[i].day + 1;
  }
  for (size_t d = 0; d < DAYS_MAX; d++)
    p->day_begin[d + 1] += p->day_begin[d];
  memcpy(at, p->day_begin, sizeof at);
  for (size_t i = 0; i < p->n_messages; i++)
    sorted[at[p->messages[i].day]++] = p->messages[i];
  free(p->messages);
  p->messages = sorted;
}

void plan_make(const world *w, const returns *r, uint64_t seed, plan *out) {
  *out = (plan){.w = w, .r = r, .seed = seed};
  people_of_cells(out);
  describe(out);
  give_days(out);
  size_t most = out->n_people * KIND_OFFER;
  for (stage s = 0; s < STAGES; s++) {
    share_services(out, s);
    most += out->n_services[s] * (KINDS - KIND_OFFER);
  }
  out->messages = calloc(most + 1, sizeof *out->messages);
  if (!out->messages) abort();
  for (size_t i = 0; i < out->n_people; i++) {
    const person *who = &out->people[i];
    add_return(out, i);
    for (size_t s = 1; s <= (size_t)who->services[BEFORE_DEPARTURE] + who->services[AFTER_ARRIVAL]; s++)
      add_service(out, i, s);
  }
  sort_by_day(out);
}

void plan_clear(plan *p) {
  free(p->people);
  free(p->messages);
  free(p->day_begin);
  *p = (plan){0};
}

/* ---- who and what ---- */

int plan_party(const plan *p, const planned *m, side s) {
  const person *who = &p->people[m->person];
  bool before = m->service <= who->services[BEFORE_DEPARTURE];
  int host = who->host * OFFICES_OF_A_COUNTRY, origin = who->origin * OFFICES_OF_A_COUNTRY;
  switch (s) {
  case SIDE_HOST: return host + OFFICE_HOST;
  case SIDE_ORIGIN: return origin + OFFICE_ORIGIN;
  case SIDE_ASKER: return before ? host + OFFICE_HOST : origin + OFFICE_ORIGIN;
  case SIDE_PROVIDER:
    return (before ? host : origin) + OFFICE_PROVIDER_1 + (int)((m->person + m->service) % 2);
  default: return OFFICE_HUB;
  }
}

void plan_office_id(const world *w, int office, char out[COR_OFFICE_MAX + 1]) {
  static const char *const names[] = {"host", "origin", "provider-1", "provider-2"};
  if (office == OFFICE_HUB) {
    memcpy(out, "hub", sizeof "hub");
    return;
  }
  const char *iso = w->list[office / OFFICES_OF_A_COUNTRY].iso;
  out[0] = (char)(iso[0] - 'A' + 'a');
  out[1] = (char)(iso[1] - 'A' + 'a');
  out[2] = '-';
  memcpy(out + 3, names[office % OFFICES_OF_A_COUNTRY], strlen(names[office % OFFICES_OF_A_COUNTRY]) + 1);
}

void plan_case(const plan *p, const planned *m, uint8_t out[COR_ID_LEN]) {
  seed_bytes(p->seed, "case", m->person, 0, out, COR_ID_LEN);
}

void plan_handle(const plan *p, const planned *m, uint8_t out[COR_ID_LEN]) {
  seed_bytes(p->seed, "case", m->person, m->service, out, COR_ID_LEN);
}

void plan_consent(const plan *p, const planned *m, uint8_t out[COR_ID_LEN]) {
  seed_bytes(p->seed, "consent", m->person, 0, out, COR_ID_LEN);
}

/* UUIDv7 of the day's noon. */
void plan_message_id(const plan *p, const planned *m, uint8_t out[COR_ID_LEN]) {
  uint64_t at = (uint64_t)plan_moment(m->day);
  seed_bytes(p->seed, "message", m->person, (uint64_t)m->service << 8 | m->kind, out, COR_ID_LEN);
  for (size_t i = 0; i < 6; i++)
    out[i] = (uint8_t)(at >> (40 - 8 * i));
  out[6] = (uint8_t)((out[6] & 0x0f) | 0x70);
  out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}
