/* input.c - fixed input for hot.c (input.h says what).
 *
 * For: counting instructions, so each value here is part of what is measured:
 * lengths, numbers of fields, of agreements, of permissions, of holidays. A change here changes
 * the counts, and tests/instructions/expected.txt with them. Guarantees: nothing
 * random and no clock. The signature's bytes are no signature: nothing that reads
 * this input verifies it. Fatal: everything that fails. */
#include "input.h"
#include "../bench/die.h"
#include "corridor/codec.h"
#include "corridor/json.h"
#include "corridor/refusal.h"
#include "merkle.h"
#include <string.h>

static const char case_json[] =
    "{\"caseRef\": \"K7QM-2X9D\", \"programme\": \"JI\", \"hostOffice\": \"iom-ne\", \"originOffice\": "
    "\"iom-gn\","
    " \"name\": \"Testina Exemplar\", \"sex\": \"FEMALE\", \"birthDate\": \"1996-05-04\", \"birthPlace\": "
    "\"Kindia\","
    " \"currentSituation\": \"shelter\", \"migrationExperience\": \"two years, of which one in a town "
    "\\u00e0 l'est\","
    " \"skills\": [\"tailoring\", \"trade\", \"accounts\"], \"intendedReturn\": {\"country\": \"GN\", "
    "\"city\":"
    " \"Kindia\"}, \"returnType\": \"AVRR\", \"declarationRef\": \"D-1\", \"declarationLanguage\": \"fr\","
    " \"declarationDate\": \"2026-03-01\", \"vulnerabilities\": [\"UMC\", \"PREGNANT\"],"
    " \"needs\": [\"NEED_TRAINING\"], \"knownHealthNeeds\": \"IS_NO\", \"travelDocument\": \"PASSPORT\","
    " \"priorAssistance\": [{\"programme\": \"JI\"}], \"child\": {\"guardianHost\": {\"name\": \"Test "
    "Guardian\","
    " \"country\": \"NE\"}, \"guardianOrigin\": {\"name\": \"Test Parent\", \"country\": \"GN\"},"
    " \"familyAssessmentDone\": \"IS_YES\", \"bidFavoursReturn\": \"IS_YES\", \"bidDate\": \"2026-02-01\","
    " \"childWilling\": \"IS_YES\"}}";

/* Bytes that look like keys and digests, from a seed. */
static void fill(uint8_t *out, size_t len, uint64_t seed) {
  for (size_t i = 0; i < len; i++) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    out[i] = (uint8_t)(seed >> 56);
  }
}

static ProtobufCBinaryData field(uint8_t *data, size_t len) {
  return (ProtobufCBinaryData){len, data};
}

static cor_buf encoded(const ProtobufCMessage *message) {
  cor_buf out = {0};
  cor_error err;
  if (!cor_encode(message, &out, &err)) die_of("encode", &err);
  return out;
}

static void make_header(input *in) {
  Corridor__V1__Header *h = &in->header;
  fill(in->id, sizeof in->id, 1);
  in->id[6] = (uint8_t)(0x70 | (in->id[6] & 0x0f)); /* a UUIDv7's version and variant */
  in->id[8] = (uint8_t)(0x80 | (in->id[8] & 0x3f));
  fill(in->handle, sizeof in->handle, 2);
  fill(in->consent, sizeof in->consent, 3);
  fill(in->body, sizeof in->body, 4);
  cor_sha256(in->digest, &(cor_bytes){in->body, sizeof in->body}, 1);
  corridor__v1__header__init(h);
  h->version = 1;
  h->table_version = COR_SOP_VERSION;
  h->type = COR_T(ABN);
  h->message_id = field(in->id, sizeof in->id);
  h->sender = (char *)"iom-ne";
  h->recipient = (char *)"iom-gn";
  h->compartment = COR_C(OPERATIONS);
  h->handle = field(in->handle, sizeof in->handle);
  h->consent_id = field(in->consent, sizeof in->consent);
  h->purpose = COR_PURPOSE(TRAVEL_ARRANGEMENT);
  h->basis = COR_BASIS(CONSENT);
  in->categories[0] = COR_CAT(OPERATIONAL);
  in->categories[1] = COR_CAT(BIODATA);
  in->categories[2] = COR_CAT(CONTACT);
  in->categories[3] = COR_CAT(TRAVEL);
  h->categories = in->categories;
  h->n_categories = 4;
  h->sent_at = INPUT_NOW;
  h->expires_at = INPUT_NOW + 30 * 24 * INPUT_HOUR;
  h->event_at = INPUT_NOW + 9 * 24 * INPUT_HOUR;
  h->safeguards_met = true;
  h->body_size = sizeof in->body;
  h->body_sha256 = field(in->digest, sizeof in->digest);
  in->header_bytes = encoded(&h->base);
}

static void make_batch(input *in) {
  uint8_t nodes[2 * INPUT_BATCH][COR_HASH_LEN];
  fill(in->leaves[0], sizeof in->leaves, 5);
  memcpy(nodes, in->leaves, sizeof in->leaves);
  if (cor_merkle_nodes(INPUT_BATCH) > sizeof nodes / sizeof *nodes) die("batch", "too large");
  cor_merkle_build(nodes, INPUT_BATCH);
  for (size_t i = 0; i < INPUT_BATCH; i++)
    if (cor_merkle_built_path((const uint8_t(*)[COR_HASH_LEN])nodes, INPUT_BATCH, i, in->paths[i]) !=
        INPUT_PATH)
      die("batch", "a path has another length");
}

static void make_wire(input *in) {
  Corridor__V1__Submission submission = CORRIDOR__V1__SUBMISSION__INIT;
  corridor__v1__signature__init(&in->signature);
  fill(in->ecdsa, sizeof in->ecdsa, 6);
  in->signature.size = INPUT_BATCH;
  in->signature.index = 5;
  in->signature.ecdsa = field(in->ecdsa, sizeof in->ecdsa);
  for (size_t i = 0; i < INPUT_PATH; i++)
    in->path[i] = field(in->paths[5][i], COR_HASH_LEN);
  in->signature.path = in->path;
  in->signature.n_path = INPUT_PATH;
  corridor__v1__envelope__init(&in->envelope);
  in->envelope.header = field(in->header_bytes.data, in->header_bytes.len);
  in->envelope.signature = &in->signature;
  in->envelope_bytes = encoded(&in->envelope.base);
  submission.n = 1000;
  submission.envelope = &in->envelope;
  in->submission_bytes = encoded(&submission.base);
}

static void make_receipts(input *in) {
  Corridor__V1__DeliveryReceipt receipt = CORRIDOR__V1__DELIVERY_RECEIPT__INIT;
  Corridor__V1__SignedContent one = CORRIDOR__V1__SIGNED_CONTENT__INIT, *all[INPUT_BATCH];
  Corridor__V1__Receipts receipts = CORRIDOR__V1__RECEIPTS__INIT;
  receipt.message_id = field(in->id, sizeof in->id);
  receipt.recipient = (char *)"iom-gn";
  receipt.header_hash = field(in->digest, sizeof in->digest);
  receipt.received_at = INPUT_NOW;
  receipt.sequence = 1000000;
  cor_buf content = encoded(&receipt.base);
  one.content = field(content.data, content.len);
  one.signature = &in->signature;
  for (size_t i = 0; i < INPUT_BATCH; i++)
    all[i] = &one;
  receipts.receipts = all;
  receipts.n_receipts = INPUT_BATCH;
  in->receipts_bytes = encoded(&receipts.base);
  cor_buf_clear(&content);
}

/* As many rows as deploy/permissions has, and the one that fits is the last. */
static void make_permissions(input *in) {
  static Corridor__V1__Role missions[] = {COR_ROLE(HOST_MISSION), COR_ROLE(PARTNER),
                                          COR_ROLE(ORIGIN_MISSION)},
                            providers[] = {COR_ROLE(SERVICE_PROVIDER), COR_ROLE(RED_CROSS)};
  for (size_t i = 0; i < INPUT_PERMISSIONS; i++) {
    const bool fits = i + 1 == INPUT_PERMISSIONS;
    Corridor__V1__Permission *p = &in->permission[i];
    corridor__v1__permission__init(p);
    p->senders = missions;
    p->n_senders = 3;
    p->recipients = fits ? missions : providers;
    p->n_recipients = fits ? 3 : 2;
    p->compartment = COR_C(OPERATIONS);
    p->enter = p->view = in->categories;
    p->n_enter = p->n_view = 4;
    in->permissions[i] = p;
  }
  in->permitted.permissions = in->permissions;
  in->permitted.n_permissions = INPUT_PERMISSIONS;
}

/* The agreement and the scope that fit stand last, so that all are looked at. The
 * refused twin differs in the consent's purpose: nearly all rules have passed. */
static void make_facts(input *in) {
  static char *others[] = {(char *)"iom-ml", (char *)"iom-sn"},
              *ours[] = {(char *)"iom-ne", (char *)"iom-gn"};
  cor_gate_facts *f = &in->permitted;
  for (size_t i = 0; i < INPUT_AGREEMENTS; i++) {
    Corridor__V1__Agreement *a = &in->agreement[i];
    corridor__v1__agreement__init(a);
    a->offices = i + 1 < INPUT_AGREEMENTS ? others : ours;
    a->n_offices = 2;
    a->programme = (char *)"JI";
    a->valid_until = INPUT_NOW + INPUT_HOUR;
    a->categories = in->categories;
    a->n_categories = 4;
    in->agreements[i] = a;
  }
  f->now = INPUT_NOW;
  f->sender = (cor_gate_party){true, COR_OK, COR_ROLE(HOST_MISSION), "iom-ne", "NE", false};
  f->recipient = (cor_gate_party){true, COR_OK, COR_ROLE(ORIGIN_MISSION), "iom-gn", "GN", false};
  make_permissions(in);
  f->agreements = in->agreements;
  f->n_agreements = INPUT_AGREEMENTS;
  f->case_known = f->sender_standing = true;
  strcpy(f->programme, "JI");
  f->history = f->history_yes = f->recipient_yes = ~UINT64_C(0);
  f->consent = (cor_gate_consent){.found = true,
                                  .valid_from = INPUT_NOW - INPUT_HOUR,
                                  .valid_until = INPUT_NOW + INPUT_HOUR,
                                  .n_scopes = INPUT_SCOPES};
  for (size_t i = 0; i < INPUT_SCOPES; i++)
    f->consent.scopes[i] = (cor_gate_scope){COR_PURPOSE(RETURN_PREPARATION), ~0u, "iom-gn", 0, false, false};
  in->refused = in->permitted;
  f->consent.scopes[INPUT_SCOPES - 1].purpose = COR_PURPOSE(TRAVEL_ARRANGEMENT);
}

static void make_case(input *in) {
  cor_error err;
  in->case_text = (cor_bytes){(const uint8_t *)case_json, sizeof case_json - 1};
  json_t *tree = cor_json_parse(in->case_text, &err);
  if (!tree) die_of("case file", &err);
  in->case_file = cor_json_read(&corridor__v1__case_file_casework__descriptor, tree, "", &err);
  if (!in->case_file) die_of("case file", &err);
  json_decref(tree);
}

static void make_calendar(input *in) {
  corridor__v1__calendar__init(&in->calendar);
  for (size_t i = 0; i < 2; i++) {
    corridor__v1__utc_offset__init(&in->offset[i]);
    in->offsets[i] = &in->offset[i];
    in->weekend[i] = (uint32_t)(6 + i);
  }
  in->offset[1].from = INPUT_NOW - 24 * INPUT_HOUR;
  in->offset[1].minutes = 60;
  for (int i = 0; i < INPUT_HOLIDAYS; i++)
    in->holidays[i] = (int32_t)(INPUT_NOW / (24 * INPUT_HOUR)) - 90 + 25 * i;
  in->calendar.country = (char *)"NE";
  in->calendar.weekend = in->weekend;
  in->calendar.n_weekend = 2;
  in->calendar.holidays = in->holidays;
  in->calendar.n_holidays = INPUT_HOLIDAYS;
  in->calendar.offsets = in->offsets;
  in->calendar.n_offsets = 2;
}

input *input_new(void) {
  input *in = must_have(1, sizeof *in);
  make_header(in);
  make_batch(in);
  make_wire(in);
  make_receipts(in);
  make_facts(in);
  make_case(in);
  make_calendar(in);
  return in;
}

void input_free(input *in) {
  cor_buf_clear(&in->header_bytes);
  cor_buf_clear(&in->envelope_bytes);
  cor_buf_clear(&in->submission_bytes);
  cor_buf_clear(&in->receipts_bytes);
  cor_message_free(in->case_file);
  free(in);
}
