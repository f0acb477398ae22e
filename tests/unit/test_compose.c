/* test_compose.c - an order becomes a message, or a refusal that keeps nothing.
 *
 * A host mission registers Testina Exemplar's case, records her consent (without
 * health) and sends her file; then each rule that the host's own agent judges is
 * broken once. The envelope is checked as its recipient would check it. */
#include "programme.h"
#include "compose.h"
#include "open.h"

#include "corridor/clock.h"
#include "corridor/envelope.h"
#include "corridor/id.h"
#include "corridor/json.h"
#include "corridor/seal.h"

#define HOST "ne-niamey"
#define ORIGIN "gn-conakry"
#define CENTRE "gn-tvet-labe"
#define ALL_THREE                                                                                            \
  ((1U << CORRIDOR__V1__COMPARTMENT__CASEWORK) | (1U << CORRIDOR__V1__COMPARTMENT__OPERATIONS) |             \
   (1U << CORRIDOR__V1__COMPARTMENT__HEALTH))

static char dir[64];
static agent a;
static const cor_cards *cards;
static cor_error err;
static uint8_t handle[COR_ID_LEN] = {1}, consent_id[COR_ID_LEN] = {2};

/* ---- the programme, made once ---- */

static void agree(cor_ca *ca) {
  char *offices[] = {HOST, ORIGIN, CENTRE};
  Corridor__V1__DataCategory categories[14];
  Corridor__V1__Agreement agreement = CORRIDOR__V1__AGREEMENT__INIT;
  for (int i = 0; i < 14; i++)
    categories[i] = (Corridor__V1__DataCategory)(i + 1);
  agreement.id = "a-1";
  agreement.n_offices = 3;
  agreement.offices = offices;
  agreement.programme = "JI";
  agreement.n_categories = 14;
  agreement.categories = categories;
  agreement.valid_from = T0 - DAY;
  agreement.valid_until = T0 + 300 * DAY;
  agreement.dpia_reference = "dpia-1";
  agreement.child_data_protocol = "children-1";
  agreement.record_transfer_mou = "records-1";
  must(cor_ca_put_agreement(ca, &agreement, &err));
  programme_permissions(ca);
}

static void make_programme(void) {
  programme_dir(dir);
  cor_ca *ca = programme_ca(dir);
  programme_office(dir, HOST, COR_ROLE(HOST_MISSION), "NE", ALL_THREE);
  programme_office(dir, ORIGIN, COR_ROLE(ORIGIN_MISSION), "GN", ALL_THREE);
  programme_office(dir, CENTRE, COR_ROLE(SERVICE_PROVIDER), "GN", CASEWORK_ONLY);
  programme_office(dir, "the-hub", COR_ROLE(HUB), "BE", 0);
  const char *const all[] = {HOST, ORIGIN, CENTRE, "the-hub"};
  for (size_t i = 0; i < 4; i++)
    programme_sign(ca, dir, all[i]);
  agree(ca);
  must(cor_ca_publish(ca, T0, 30, &err));
  cor_ca_destroy(&ca);
  must(cor_clock_demo_start(in(dir, "clock"), T0, &err));
  for (size_t i = 0; i < 3; i++)
    must(cor_office_install(in(dir, all[i]), in(dir, "ca/ca.crt"), in(dir, "ca/cardlist"), &err));
}

static void remove_programme(void) {
  programme_remove(dir);
}

/* ---- an agent of one office, without link and socket ---- */

static void start_as(const char *office) {
  a = (agent){.demo = true};
  a.clock = cor_clock_demo(in(dir, "clock"), &err);
  must(a.clock != NULL);
  a.tries = tries_new();
  a.log = cor_log_new("test", a.clock, COR_ALARM);
  must(cor_office_load(in(dir, office), &a.office, &err));
  a.roster = roster_load(in(dir, office), &a.office, a.log, &err);
  must(a.roster != NULL);
  (void)unlink(in(dir, "store"));
  a.store = store_open(in(dir, "store"), office, a.log, &err);
  must(a.store != NULL);
  cards = roster_hold(a.roster);
}

static void stop(void) {
  if (a.roster == NULL) return;
  roster_release(a.roster);
  agent_clear(&a);
  a = (agent){0};
}

static ProtobufCMessage *body_of(Corridor__V1__MessageType type, Corridor__V1__Compartment c,
                                 const char *text) {
  json_t *json = json_loads(text, 0, NULL);
  ck_assert_msg(json != NULL, "the test's JSON is wrong");
  ProtobufCMessage *body = cor_json_read(cor_sop_body(type, c), json, "/body", &err);
  json_decref(json);
  must(body != NULL);
  return body;
}

static bool compose(Corridor__V1__MessageType type, Corridor__V1__Compartment c, const char *to,
                    const char *text, uint8_t id[COR_ID_LEN]) {
  ProtobufCMessage *body = body_of(type, c, text);
  compose_order order = {
      .row = cor_sop_find(type), .to = to, .compartment = c, .body = body, .path = "/body"};
  memcpy(order.handle, handle, COR_ID_LEN);
  must(store_begin(a.store, &err));
  bool ok = compose_message(&a, cards, &order, id, &err);
  if (ok)
    must(store_commit(a.store, &err));
  else
    store_rollback(a.store);
  cor_message_free(body);
  return ok;
}

#define FILE_JSON                                                                                            \
  "{\"caseRef\": \"K7QM-2X9D\", \"programme\": \"JI\", \"hostOffice\": \"ne-niamey\", \"originOffice\": "    \
  "\"gn-conakry\", \"name\": \"Testina Exemplar\", \"sex\": \"FEMALE\", \"birthDate\": \"1996-05-04\", "     \
  "\"birthPlace\": \"Kindia\", \"currentSituation\": \"shelter\", \"migrationExperience\": \"two years\", "  \
  "\"skills\": [\"tailoring\"], \"intendedReturn\": {\"country\": \"GN\"}, \"returnType\": \"AVRR\", "       \
  "\"declarationRef\": \"D-1\", \"declarationLanguage\": \"fr\", \"declarationDate\": \"2026-03-01\", "      \
  "\"vulnerabilities\": [\"NONE_FOUND\"], \"needs\": [\"NEED_TRAINING\"], \"knownHealthNeeds\": \"IS_NO\", " \
  "\"travelDocument\": \"PASSPORT\""
#define CASE_FILE_JSON FILE_JSON "}"
#define HEALTH_JSON                                                                                          \
  "{\"caseRef\": \"K7QM-2X9D\", \"knownConditions\": [\"asthma\"], \"competenceToDecide\": \"full\", "       \
  "\"competenceAssessedBy\": \"physician\", \"fitnessToTravel\": \"fit\", \"outcome\": \"RETURN\"}"
#define ABN_JSON                                                                                             \
  "{\"abnId\": \"A-1\", \"plannedReturnDate\": \"2026-03-13\", \"paxCount\": 1, \"transport\": "             \
  "\"COMMERCIAL_FLIGHT\", \"carrierNumber\": \"XX 100\", \"route\": \"NIM-CKY\", \"departurePlace\": "       \
  "\"Niamey\", "                                                                                             \
  "\"departsAt\": \"1773388800000\", \"arrivalPlace\": \"Conakry\", \"arrivesAt\": \"1773403200000\", "      \
  "\"caseRef\": "                                                                                            \
  "\"K7QM-2X9D\", \"finalDestination\": {\"country\": \"GN\"}, \"profileSummary\": \"adult, tailor\", "      \
  "\"vulnerabilitySummary\": [\"NONE_FOUND\"]}"
#define REGISTRATION_JSON                                                                                    \
  "{\"programme\": \"JI\", \"returnType\": \"AVRR\", \"originOffice\": \"gn-conakry\", \"referenceHash\": "  \
  "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\", \"withdrawalHash\": "                                   \
  "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\", \"declaredOn\": 20514}"
#define CONSENT_JSON                                                                                         \
  "{\"consentId\": \"02000000000000000000000000000000\", \"version\": 1, \"scopes\": [{\"scope\": "          \
  "\"RETURN_AND_DATA\", \"purpose\": \"RETURN_PREPARATION\", \"categories\": [\"BIODATA\", \"CONTACT\", "    \
  "\"TRAVEL\", "                                                                                             \
  "\"ECONOMIC\", \"EDUCATION\", \"LEGAL\"], \"recipientOffice\": \"gn-conakry\"}, {\"scope\": "              \
  "\"RETURN_AND_DATA\", "                                                                                    \
  "\"purpose\": \"TRAVEL_ARRANGEMENT\", \"categories\": [\"BIODATA\", \"TRAVEL\", \"INSTRUCTION\"], "        \
  "\"recipientOffice\": \"gn-conakry\"}, {\"scope\": \"REFERRAL_SHARING\", \"purpose\": \"REINTEGRATION\", " \
  "\"categories\": [\"BIODATA\"], \"recipientRole\": \"ROLE_SERVICE_PROVIDER\"}], "                          \
  "\"validFrom\": \"1772409600000\", \"validUntil\": "                                                       \
  "\"1798761600000\", "                                                                                      \
  "\"evidenceSha256\": \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"}"

static void register_here(void) {
  uint8_t id[COR_ID_LEN];
  store_case c = {
      .kind = COR_HANDLE_CASE, .own = true, .programme = "JI", .since = T0, .last_type = COR_T(REGISTRATION)};
  memcpy(c.handle, handle, COR_ID_LEN);
  memcpy(c.case_handle, handle, COR_ID_LEN);
  must(compose(COR_T(REGISTRATION), COR_C(RECORD), "hub", REGISTRATION_JSON, id));
  must(store_begin(a.store, &err));
  must(store_case_put(a.store, &c, &err));
  must(store_commit(a.store, &err));
}

static void consent_here(void) {
  store_consent kept = {.version = 1};
  memcpy(kept.id, consent_id, COR_ID_LEN);
  memcpy(kept.case_handle, handle, COR_ID_LEN);
  must(compose(COR_T(CONSENT_RECORD), COR_C(RECORD), "hub", CONSENT_JSON, kept.message_id));
  ProtobufCMessage *record = body_of(COR_T(CONSENT_RECORD), COR_C(RECORD), CONSENT_JSON);
  must(cor_encode(record, &kept.record, &err));
  cor_message_free(record);
  must(store_begin(a.store, &err));
  must(store_consent_put(a.store, &kept, &err));
  must(store_commit(a.store, &err));
  store_consent_clear(&kept);
}

static void setup(void) {
  start_as(HOST);
  register_here();
  consent_here();
}

static store_message kept(const uint8_t id[COR_ID_LEN]) {
  store_message m;
  must(store_begin(a.store, &err));
  ck_assert_int_eq(store_message_find(a.store, id, &m, &err), STORE_FOUND);
  store_rollback(a.store);
  return m;
}

static int64_t queued(void) {
  store_facts facts;
  must(store_begin(a.store, &err));
  must(store_facts_get(a.store, &facts, &err));
  store_rollback(a.store);
  return facts.queued;
}

/* ---- cases ---- */

START_TEST(complete_case_file_becomes_a_sealed_signed_message) {
  uint8_t id[COR_ID_LEN];
  cor_envelope envelope;
  must(compose(COR_T(CASE_FILE), COR_C(CASEWORK), ORIGIN, CASE_FILE_JSON, id));
  store_message m = kept(id);
  Corridor__V1__Envelope *wire = (Corridor__V1__Envelope *)cor_decode(
      &corridor__v1__envelope__descriptor, cor_buf_view(&m.envelope), COR_CONTROL_MAX, true, &err);
  must(wire != NULL);
  must(cor_envelope_read(wire, cor_buf_view(&m.body), &envelope, &err));
  must(cor_envelope_verify(&envelope, cards, HOST, NULL, &err));
  const Corridor__V1__Header *h = envelope.header;
  ck_assert_str_eq(h->recipient, ORIGIN);
  ck_assert_int_eq(h->basis, COR_BASIS(CONSENT));
  ck_assert_mem_eq(h->consent_id.data, consent_id, COR_ID_LEN);
  ck_assert_int_eq(h->purpose, COR_PURPOSE(RETURN_PREPARATION));
  const Corridor__V1__DataCategory carried[] = {COR_CAT(BIODATA), COR_CAT(TRAVEL), COR_CAT(EDUCATION)};
  ck_assert_uint_eq(h->n_categories, 3);
  for (size_t i = 0; i < 3; i++)
    ck_assert_int_eq(h->categories[i], carried[i]);
  must(cor_seal_profile_check(cor_buf_view(&m.body), &err));
  ck_assert_ptr_null(memmem(m.body.data, m.body.len, "Testina", 7));
  cor_envelope_clear(&envelope);
  cor_message_free(&wire->base);
  store_message_clear(&m);
}
END_TEST

START_TEST(sent_copy_opens_for_a_holder_and_nobody_else) {
  uint8_t id[COR_ID_LEN];
  const cor_holder wrong = {"testina", "not the passphrase"}, stranger = {"nobody", "correct horse 1"};
  must(compose(COR_T(CASE_FILE), COR_C(CASEWORK), ORIGIN, CASE_FILE_JSON, id));
  store_message m = kept(id);
  json_t *content = open_content(&a, &m, &TESTINA, &err);
  must(content != NULL);
  ck_assert_str_eq(json_string_value(json_object_get(content, "name")), "Testina Exemplar");
  json_decref(content);
  must_not(open_content(&a, &m, &wrong, &err) != NULL, COR_WRONG_PASSPHRASE);
  /* One reply for both: it must not tell who holds a key (office.h). */
  must_not(open_content(&a, &m, &stranger, &err) != NULL, COR_WRONG_PASSPHRASE);
  must_not(open_content(&a, &m, NULL, &err) != NULL, COR_NOT_PERMITTED);
  ck_assert_uint_eq(held_visible(&a, NULL), STORE_ORDINARY);
  ck_assert_uint_eq(held_visible(&a, &wrong), STORE_ORDINARY);
  ck_assert(held_visible(&a, &TESTINA) & COR_BIT(COR_C(HEALTH)));
  store_message_clear(&m);
}
END_TEST

static const struct {
  Corridor__V1__MessageType type;
  Corridor__V1__Compartment compartment;
  const char *to, *json;
  int code;
  const char *path;
} refusals[] = {
    {COR_T(CASE_FILE), COR_C(CASEWORK), ORIGIN, "{\"caseRef\": \"K7QM-2X9D\"}", COR_MISSING_FIELD,
     "/body/programme"},
    {COR_T(CASE_FILE), COR_C(HEALTH), ORIGIN, HEALTH_JSON, COR_NO_CONSENT, "categories"},
    {COR_T(CASE_FILE), COR_C(CASEWORK), "gn-nowhere", CASE_FILE_JSON, COR_RECIPIENT_UNKNOWN, "recipient"},
    {COR_T(CASE_FILE), COR_C(CASEWORK), CENTRE, CASE_FILE_JSON, COR_ROLE_NOT_ALLOWED, "recipient"},
    {COR_T(CASE_FILE), COR_C(CASEWORK), "No Office", CASE_FILE_JSON, COR_BAD_INPUT, "/to"},
    {COR_T(CASE_FILE), COR_C(CASEWORK), ORIGIN,
     FILE_JSON ", \"draftPlan\": \"a course\", \"vulnerabilities\": [\"UMC\"]}", COR_MISSING_FIELD,
     "/body/child"},
    {COR_T(ABN), COR_C(OPERATIONS), ORIGIN, ABN_JSON, COR_SAFEGUARDS_MISSING, "safeguards_met"},
    {COR_T(TICKET_ISSUED), COR_C(OPERATIONS), ORIGIN,
     "{\"abnId\": \"A-1\", \"carrierNumber\": \"XX 100\", \"ticketRef\": \"T-1\", \"departsAt\": "
     "\"1773388800000\"}",
     COR_PRECONDITION_MISSING, "type"},
};

START_TEST(refused_here_and_nothing_kept) {
  uint8_t id[COR_ID_LEN];
  const int64_t before = queued();
  must_not(compose(refusals[_i].type, refusals[_i].compartment, refusals[_i].to, refusals[_i].json, id),
           refusals[_i].code);
  ck_assert_str_eq(err.path, refusals[_i].path);
  ck_assert_int_eq(queued(), before);
}
END_TEST

START_TEST(abn_asserts_the_safeguards_that_the_file_met) {
  uint8_t id[COR_ID_LEN];
  must(compose(COR_T(CASE_FILE), COR_C(CASEWORK), ORIGIN, CASE_FILE_JSON, id));
  must(compose(COR_T(ABN), COR_C(OPERATIONS), ORIGIN, ABN_JSON, id));
  store_message m = kept(id);
  Corridor__V1__Header *h = open_header(&m, &err);
  must(h != NULL);
  ck_assert(h->safeguards_met);
  ck_assert_int_eq(h->event_at, INT64_C(1773388800000));
  cor_message_free(&h->base);
  store_message_clear(&m);
}
END_TEST

/* Which consent, agreement and permission must cover a message is read off its
 * categories: whoever sends may name more than the fields show, and never less. */
static bool compose_declared(Corridor__V1__MessageType type, Corridor__V1__Compartment c, const char *text,
                             uint32_t categories) {
  uint8_t id[COR_ID_LEN];
  ProtobufCMessage *body = body_of(type, c, text);
  compose_order order = {.row = cor_sop_find(type),
                         .to = ORIGIN,
                         .compartment = c,
                         .body = body,
                         .path = "/body",
                         .categories = categories};
  memcpy(order.handle, handle, COR_ID_LEN);
  must(store_begin(a.store, &err));
  const bool ok = compose_message(&a, cards, &order, id, &err);
  store_rollback(a.store);
  cor_message_free(body);
  return ok;
}

START_TEST(no_category_of_the_body_is_left_out) {
  const uint32_t carried = COR_BIT(COR_CAT(BIODATA)) | COR_BIT(COR_CAT(TRAVEL)) | COR_BIT(COR_CAT(EDUCATION));
  must_not(compose_declared(COR_T(CASE_FILE), COR_C(CASEWORK), CASE_FILE_JSON, COR_BIT(COR_CAT(OPERATIONAL))),
           COR_BAD_INPUT);
  ck_assert_str_eq(err.path, "/categories");
  must_not(compose_declared(COR_T(CASE_FILE), COR_C(CASEWORK), CASE_FILE_JSON,
                            carried & ~COR_BIT(COR_CAT(EDUCATION))),
           COR_BAD_INPUT);
  ck_assert_ptr_nonnull(strstr(err.detail, "EDUCATION"));
  must(
      compose_declared(COR_T(CASE_FILE), COR_C(CASEWORK), CASE_FILE_JSON, carried | COR_BIT(COR_CAT(LEGAL))));
  /* Health is told by either of its two names, and by one at least. */
  must_not(compose_declared(COR_T(CASE_FILE), COR_C(HEALTH), HEALTH_JSON, COR_BIT(COR_CAT(BIODATA))),
           COR_BAD_INPUT);
  must_not(compose_declared(COR_T(CASE_FILE), COR_C(HEALTH), HEALTH_JSON, COR_BIT(COR_CAT(MENTAL_HEALTH))),
           COR_NO_CONSENT);
}
END_TEST

#define OPERATIONS_JSON                                                                                      \
  "{\"caseRef\": \"K7QM-2X9D\", \"name\": \"Testina Exemplar\", \"sex\": \"FEMALE\", \"age\": 29, "          \
  "\"travelDocument\": \"PASSPORT\", \"intendedReturn\": {\"country\": \"GN\"}}"

/* A case file of two parts; *at is where it was refused. */
static bool compose_file(const char *casework, Corridor__V1__Compartment c, const char *second,
                         uint8_t ids[2][COR_ID_LEN], size_t *at) {
  const cor_sop_row *row = cor_sop_find(COR_T(CASE_FILE));
  ProtobufCMessage *bodies[] = {body_of(row->type, COR_C(CASEWORK), casework), body_of(row->type, c, second)};
  compose_order orders[] = {
      {.row = row, .to = ORIGIN, .compartment = COR_C(CASEWORK), .body = bodies[0], .path = "/body/casework"},
      {.row = row, .to = ORIGIN, .compartment = c, .body = bodies[1], .path = "/body/second"}};
  for (size_t i = 0; i < 2; i++)
    memcpy(orders[i].handle, handle, COR_ID_LEN);
  must(store_begin(a.store, &err));
  bool ok = compose_act(&a, cards, orders, 2, ids, at, &err);
  if (ok)
    must(store_commit(a.store, &err));
  else
    store_rollback(a.store);
  for (size_t i = 0; i < 2; i++)
    cor_message_free(bodies[i]);
  return ok;
}

/* Each part under a signature of its own, which shows nothing of the other; and what
 * the first part taught (the safeguards) outlives the second. */
START_TEST(parts_of_a_file_are_one_act) {
  uint8_t ids[2][COR_ID_LEN], id[COR_ID_LEN];
  size_t at;
  must(compose_file(CASE_FILE_JSON, COR_C(OPERATIONS), OPERATIONS_JSON, ids, &at));
  for (size_t i = 0; i < 2; i++) {
    cor_envelope envelope;
    store_message m = kept(ids[i]);
    Corridor__V1__Envelope *wire = (Corridor__V1__Envelope *)cor_decode(
        &corridor__v1__envelope__descriptor, cor_buf_view(&m.envelope), COR_CONTROL_MAX, true, &err);
    must(wire != NULL);
    must(cor_envelope_read(wire, cor_buf_view(&m.body), &envelope, &err));
    must(cor_envelope_verify(&envelope, cards, HOST, NULL, &err));
    ck_assert_int_eq(envelope.header->compartment, i == 0 ? COR_C(CASEWORK) : COR_C(OPERATIONS));
    ck_assert_uint_eq(wire->signature->size, 1);
    ck_assert_ptr_null(wire->cover_signature);
    cor_envelope_clear(&envelope);
    cor_message_free(&wire->base);
    store_message_clear(&m);
  }
  must(compose(COR_T(ABN), COR_C(OPERATIONS), ORIGIN, ABN_JSON, id));
}
END_TEST

START_TEST(act_refused_in_one_message_keeps_none) {
  uint8_t ids[2][COR_ID_LEN];
  size_t at = 9;
  const int64_t before = queued();
  must_not(compose_file(CASE_FILE_JSON, COR_C(HEALTH), HEALTH_JSON, ids, &at), COR_NO_CONSENT);
  ck_assert_uint_eq(at, 1);
  must_not(compose_file("{\"caseRef\": \"K7QM-2X9D\"}", COR_C(OPERATIONS), OPERATIONS_JSON, ids, &at),
           COR_MISSING_FIELD);
  ck_assert_uint_eq(at, 0);
  ck_assert_int_eq(queued(), before);
  must_not(compose_act(&a, cards, NULL, 0, ids, &at, &err), COR_TOO_LARGE);
  must_not(compose_act(&a, cards, NULL, COMPOSE_ACT_MAX + 1, ids, &at, &err), COR_TOO_LARGE);
}
END_TEST

static bool offer(const uint8_t referral[COR_ID_LEN], uint8_t id[COR_ID_LEN]) {
  static Corridor__V1__DataCategory biodata[] = {COR_CAT(BIODATA)};
  Corridor__V1__Cover cover = CORRIDOR__V1__COVER__INIT;
  ProtobufCMessage *body = body_of(COR_T(REFERRAL), COR_C(CASEWORK),
                                   "{\"service\": \"E_TVET\", \"subService\": 1, \"area\": \"GN-D\", "
                                   "\"language\": \"fr\", \"urgency\": \"ROUTINE\", "
                                   "\"answerBy\": \"1773403200000\"}");
  compose_order order = {.row = cor_sop_find(COR_T(REFERRAL)),
                         .to = CENTRE,
                         .compartment = COR_C(CASEWORK),
                         .body = body,
                         .path = "/offer",
                         .cover = &cover};
  memcpy(order.handle, referral, COR_ID_LEN);
  cover.case_handle = (ProtobufCBinaryData){COR_ID_LEN, handle};
  cover.referral_id = (ProtobufCBinaryData){COR_ID_LEN, consent_id};
  cover.rank = 1;
  cover.n_categories = 1;
  cover.categories = biodata;
  must(store_begin(a.store, &err));
  bool ok = compose_message(&a, cards, &order, id, &err);
  if (ok)
    must(store_commit(a.store, &err));
  else
    store_rollback(a.store);
  cor_message_free(body);
  return ok;
}

/* The referral's row is in the store when its offer is made; that does not make the
 * handle a used one. The offer does. */
START_TEST(handle_of_a_referral_serves_one_offer) {
  uint8_t id[COR_ID_LEN];
  store_case referral = {.handle = {3}, .kind = COR_HANDLE_REFERRAL, .own = true, .programme = "JI"};
  memcpy(referral.case_handle, handle, COR_ID_LEN);
  must(store_begin(a.store, &err));
  must(store_case_put(a.store, &referral, &err));
  must(store_commit(a.store, &err));
  must(offer(referral.handle, id));
  must_not(offer(referral.handle, id), COR_CONFLICT);
}
END_TEST

START_TEST(withdrawn_consent_counts_at_once) {
  uint8_t id[COR_ID_LEN];
  must(store_begin(a.store, &err));
  must(store_consent_withdraw(a.store, handle, consent_id, T0, &err));
  must(store_commit(a.store, &err));
  must_not(compose(COR_T(CASE_FILE), COR_C(CASEWORK), ORIGIN, CASE_FILE_JSON, id), COR_CONSENT_WITHDRAWN);
  must(store_begin(a.store, &err));
  must(store_consent_withdraw(a.store, handle, NULL, T0, &err));
  must(store_commit(a.store, &err));
  must_not(compose(COR_T(CASE_FILE), COR_C(CASEWORK), ORIGIN, CASE_FILE_JSON, id), COR_CASE_WITHDRAWN);
}
END_TEST

/* The question may have had another answer meanwhile: the hub says which counts. */
START_TEST(confirmed_withdrawal_counts_once_the_hub_has_it) {
  uint8_t id[COR_ID_LEN];
  must(compose(COR_T(SUSPENSION_ANSWER), COR_C(RECORD), "hub",
               "{\"outcome\": \"LIFTED\", \"ground\": \"PERSON_DENIES\"}", id));
  must(compose(COR_T(CASE_FILE), COR_C(CASEWORK), ORIGIN, CASE_FILE_JSON, id));
  must(compose(COR_T(SUSPENSION_ANSWER), COR_C(RECORD), "hub", "{\"outcome\": \"CONFIRMED\"}", id));
  must(compose(COR_T(CASE_FILE), COR_C(CASEWORK), ORIGIN, CASE_FILE_JSON, id));
}
END_TEST

/* A hub that withholds newer lists must not make us seal to an old key; what goes
 * to the hub itself, a withdrawal above all, is kept all the same. */
START_TEST(expired_card_list_seals_nothing) {
  uint8_t id[COR_ID_LEN];
  must(cor_clock_demo_start(in(dir, "late"), cor_cards_list(cards)->expires_at, &err));
  cor_clock_destroy(&a.clock);
  a.clock = cor_clock_demo(in(dir, "late"), &err);
  must_not(compose(COR_T(CASE_FILE), COR_C(CASEWORK), ORIGIN, CASE_FILE_JSON, id), COR_CARD_LIST_EXPIRED);
  must(compose(COR_T(CONSENT_WITHDRAWAL), COR_C(RECORD), "hub",
               "{\"extent\": \"ALL_CONSENT\", \"withdrawnAt\": \"1772442000000\"}", id));
}
END_TEST

/* "Erased" is signed only with the erasing, and opens no more. */
START_TEST(statement_of_erasure_erases) {
  uint8_t sent[COR_ID_LEN], id[COR_ID_LEN];
  char text[200], hex[COR_HEX32_TEXT];
  must(compose(COR_T(CASE_FILE), COR_C(CASEWORK), ORIGIN, CASE_FILE_JSON, sent));
  const store_outcome admitted = {.event = STORE_OUT_ADMIT, .at = T0};
  must(store_begin(a.store, &err));
  must(store_out_apply(a.store, sent, &admitted, &err));
  must(store_commit(a.store, &err));
  const char *const grounds[] = {"KEPT_LEGAL_CLAIM", "ERASED"};
  for (size_t i = 0; i < 2; i++) {
    (void)snprintf(text, sizeof text, "{\"messageIds\": [\"%s\"], \"ground\": \"%s\"}",
                   cor_hex((cor_bytes){sent, sizeof sent}, hex, sizeof hex), grounds[i]);
    must(compose(COR_T(ERASURE_STATEMENT), COR_C(RECORD), "hub", text, id));
    store_message m = kept(sent);
    ck_assert_int_eq(m.body.len == 0, i == 1);
    if (i == 1) {
      ck_assert_ptr_null(open_content(&a, &m, &TESTINA, &err));
      ck_assert_int_eq(err.code, COR_CANNOT_OPEN);
    }
    store_message_clear(&m);
  }
}
END_TEST

/* Another office's case file cannot give a case of ours another number, nor take
 * back the number that an earlier file gave. */
START_TEST(number_once_learned_stands) {
  char reference[COR_REFERENCE_TEXT], text[2048];
  uint8_t id[COR_ID_LEN], other[COR_HASH_LEN] = {7}, theirs[COR_HASH_LEN];
  cor_reference_new(reference);
  cor_reference_hash(reference, theirs);
  (void)snprintf(text, sizeof text, "{\"caseRef\": \"%s%s}", reference, strstr(FILE_JSON, "\", \"programme"));
  must(compose(COR_T(CASE_FILE), COR_C(CASEWORK), ORIGIN, text, id));
  store_message file = kept(id);
  stop();
  start_as(ORIGIN);
  file.outgoing = false;
  (void)snprintf(file.peer, sizeof file.peer, HOST);
  const struct {
    bool own, has;
    const uint8_t *after;
  } cases[] = {{false, false, theirs}, {false, true, other}, {true, true, other}};
  for (size_t i = 0; i < 3; i++) {
    store_case c = {.kind = COR_HANDLE_CASE, .own = cases[i].own, .has_reference = cases[i].has}, seen;
    memcpy(c.handle, handle, COR_ID_LEN);
    memcpy(c.case_handle, handle, COR_ID_LEN);
    memcpy(c.reference_hash, other, sizeof other);
    must(store_begin(a.store, &err));
    must(store_case_put(a.store, &c, &err));
    must(store_commit(a.store, &err));
    json_t *content = open_content(&a, &file, &TESTINA, &err);
    must(content != NULL);
    json_decref(content);
    must(store_begin(a.store, &err));
    ck_assert_int_eq(store_case_get(a.store, handle, &seen, &err), STORE_FOUND);
    store_rollback(a.store);
    ck_assert_mem_eq(seen.reference_hash, cases[i].after, COR_HASH_LEN);
  }
  store_message_clear(&file);
}
END_TEST

#define ARRIVAL_JSON                                                                                         \
  "{\"caseRef\": \"K7QM-2X9D\", \"arrivedAt\": \"1773403200000\", \"place\": \"Conakry\", \"metBy\": "       \
  "\"desk\", "                                                                                               \
  "\"borderCleared\": \"IS_YES\", \"immediateNeedsMet\": \"IS_YES\"}"

/* The origin mission knows neither the consent nor the history of a case that
 * Niamey registered: it sends under the consent id it saw, and the hub judges. */
START_TEST(what_this_office_cannot_know_is_left_to_the_hub) {
  uint8_t id[COR_ID_LEN];
  store_case c = {
      .kind = COR_HANDLE_CASE, .since = T0, .last_type = COR_T(CASE_FILE), .has_last_consent = true};
  static uint8_t bytes[] = "sealed";
  store_message file = {.id = {9},
                        .type = COR_T(CASE_FILE),
                        .compartment = COR_C(CASEWORK),
                        .peer = HOST,
                        .envelope = {bytes, 6},
                        .body = {bytes, 6},
                        .receipt = {bytes, 6}};
  cor_buf receipt = {0};
  stop();
  start_as(ORIGIN);
  memcpy(c.handle, handle, COR_ID_LEN);
  memcpy(c.case_handle, handle, COR_ID_LEN);
  memcpy(c.last_consent, consent_id, COR_ID_LEN);
  memcpy(file.handle, handle, COR_ID_LEN);
  must(store_begin(a.store, &err));
  must(store_case_put(a.store, &c, &err));
  ck_assert_int_eq(store_in_put(a.store, &file, 1, &receipt, &err), STORE_TAKE_NEW);
  must(store_commit(a.store, &err));
  cor_buf_clear(&receipt);
  must(compose(COR_T(ARRIVAL_NOTICE), COR_C(OPERATIONS), HOST, ARRIVAL_JSON, id));
  store_message m = kept(id);
  Corridor__V1__Header *h = open_header(&m, &err);
  must(h != NULL);
  ck_assert_mem_eq(h->consent_id.data, consent_id, COR_ID_LEN);
  cor_message_free(&h->base);
  store_message_clear(&m);
  /* Yet what it does know still holds: roles, and who is a party. */
  must_not(compose(COR_T(ARRIVAL_NOTICE), COR_C(OPERATIONS), CENTRE, ARRIVAL_JSON, id), COR_ROLE_NOT_ALLOWED);
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("compose");
  tcase_add_unchecked_fixture(tcase, make_programme, remove_programme);
  tcase_add_checked_fixture(tcase, setup, stop);
  tcase_set_timeout(tcase, 60);
  tcase_add_test(tcase, complete_case_file_becomes_a_sealed_signed_message);
  tcase_add_test(tcase, sent_copy_opens_for_a_holder_and_nobody_else);
  tcase_add_test(tcase, no_category_of_the_body_is_left_out);
  tcase_add_loop_test(tcase, refused_here_and_nothing_kept, 0, (int)(sizeof refusals / sizeof *refusals));
  tcase_add_test(tcase, abn_asserts_the_safeguards_that_the_file_met);
  tcase_add_test(tcase, parts_of_a_file_are_one_act);
  tcase_add_test(tcase, act_refused_in_one_message_keeps_none);
  tcase_add_test(tcase, handle_of_a_referral_serves_one_offer);
  tcase_add_test(tcase, withdrawn_consent_counts_at_once);
  tcase_add_test(tcase, confirmed_withdrawal_counts_once_the_hub_has_it);
  tcase_add_test(tcase, expired_card_list_seals_nothing);
  tcase_add_test(tcase, statement_of_erasure_erases);
  tcase_add_test(tcase, number_once_learned_stands);
  tcase_add_test(tcase, what_this_office_cannot_know_is_left_to_the_hub);
  return programme_run(tcase, "compose");
}
