/* race.c - two brokers on one PostgreSQL, at the same moment.
 *
 * For: tests/integration/test_race.py, which makes the cluster, runs this and
 * then asks the database what happened. Two cores of the real broker, each with
 * its own connection and thread, are let go by a barrier:
 *
 *   withdraw  one takes a consent back while the other admits, claims and
 *             receipts messages that stand on it. The withdrawal begins at a
 *             random moment of the other's work, so that it lands everywhere.
 *   suspend   the same with a word without code; then it is lifted, and all goes out.
 *   basis     one finds what was sent without consent not upheld while the other
 *             claims it.
 *   accept    two providers accept offers of one referral.
 *   twice     one message reaches both.
 *
 * Messages are sealed and signed as an agent does; what a core sends is dropped
 * behind it. Judges nothing but that every submission was decided: prints
 * one JSON line of counts. Fatal: anything else that fails. */
#include "race.h"
#include "admit.h"
#include "claim.h"
#include "corridor/codec.h"
#include "corridor/frames.h"
#include "corridor/id.h"
#include "corridor/refusal.h"
#include "corridor/seal.h"
#include "corridor/sop.h"
#include "receipt.h"
#include "referral.h"
#include "registry.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 5 };
static const int64_t day_ms = 24 * 3600 * INT64_C(1000);
static const int64_t valid_until = INT64_C(1830297600000); /* 2028-01-01, a first of the month */

/* ---- a broker whose door takes everything and lets nothing out ---- */

static void door_take(broker *b) {
  zmq_msg_t part;
  (void)doorway_flush(b->c.doorway);
  zmq_msg_init(&part);
  while (zmq_msg_recv(&part, b->door.socket, ZMQ_DONTWAIT) >= 0)
    continue;
  zmq_msg_close(&part);
}

static void broker_open(broker *b, const char *name, char **argv) {
  cor_error err = {0};
  alone_open(&b->c, &b->door, name, argv[3], argv[4], argv[5]);
  if (!(b->cards = cor_cards_load(cor_cards_signed(b->c.cards), b->c.ca, &err))) alone_die("cards", &err);
  round_begin(&b->round);
}

static void broker_close(broker *b) {
  cor_buf_clear(&b->receipt);
  round_free(&b->round);
  cor_cards_destroy(&b->cards);
  alone_close(&b->c, &b->door);
}

static void open_session(broker *b, const cor_office *office, uint64_t connection) {
  session *s = session_add(b->c.sessions, connection, office->id);
  s->open = true;
  s->window = SESSION_WINDOW;
  s->window_bytes = SESSION_WINDOW_BYTES;
}

/* ---- an agent's messages, put straight into a broker's round ---- */

static void header_begin(broker *b, const cor_office *from, const char *to, const uint8_t *handle,
                         Corridor__V1__MessageType type, Corridor__V1__Header *h, uint8_t *id) {
  int64_t now = core_gate_time(&b->c);
  corridor__v1__header__init(h);
  cor_id_new(id, now);
  h->version = 1;
  h->message_id = (ProtobufCBinaryData){COR_ID_LEN, id};
  h->sender = (char *)from->id;
  h->recipient = (char *)to;
  h->handle = (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)handle};
  h->type = type;
  h->sent_at = now;
  h->expires_at = now + 30 * day_ms;
  h->table_version = COR_SOP_VERSION;
}

/* What the door would hand over, in the round. body.data NULL: none. */
static parcel *parcel_of(broker *b, const char *office, cor_command command, const ProtobufCMessage *control,
                         cor_bytes body) {
  cor_error err = {0};
  cor_buf bytes = {0};
  if (!cor_encode(control, &bytes, &err)) alone_die("encode", &err);
  parcel *p = alone_parcel(&b->c, office, command, cor_buf_view(&bytes), body);
  cor_buf_clear(&bytes);
  p->next = b->round.parcels;
  b->round.parcels = p;
  return p;
}

static void take(broker *b, const cor_office *from, Corridor__V1__Header *h, Corridor__V1__Cover *cover,
                 cor_bytes body) {
  cor_error err = {0};
  Corridor__V1__Submission wire = CORRIDOR__V1__SUBMISSION__INIT;
  wire.n = 1;
  if (!(wire.envelope = cor_envelope_make(h, cover, body, from->signing, &err))) alone_die("envelope", &err);
  parcel *p = parcel_of(b, from->id, COR_SEND, &wire.base, body);
  if (!p->submission.verified || p->submission.settled) alone_die("submission", NULL);
  b->round.submissions[b->round.n_submissions++] = &p->submission;
  cor_message_free(&wire.envelope->base);
}

/* Settles the round; sends again what the database could not take, as an agent
 * does. The code of its one submission. */
static int settle(broker *b) {
  int code = COR_HUB_UNAVAILABLE;
  for (int i = 0; i < TRIES && code == COR_HUB_UNAVAILABLE; i++) {
    if (i > 0) b->retries++;
    admit_round(&b->c, &b->round);
    code = b->round.submissions[0]->code;
  }
  if (code == COR_HUB_UNAVAILABLE) alone_die("a submission was never decided", NULL);
  cor_buf_clear(&b->receipt);
  b->receipt = b->round.submissions[0]->receipt;
  b->round.submissions[0]->receipt = (cor_buf){0};
  round_clear(&b->round);
  return code;
}

void race_settle_admitted(broker *b, const char *what) {
  int code = settle(b);
  if (code == COR_OK) return;
  fprintf(stderr, "race: %s was refused: %s\n", what, cor_refusal_of(code)->name);
  exit(1);
}

void race_take_record(race *r, broker *b, const cor_office *from, Corridor__V1__MessageType type,
                      const ProtobufCMessage *content) {
  static Corridor__V1__DataCategory operational[] = {COR_CAT(OPERATIONAL)};
  Corridor__V1__Header h;
  uint8_t id[COR_ID_LEN];
  cor_buf body = {0};
  cor_error err = {0};
  header_begin(b, from, "hub", r->k.handle, type, &h, id);
  h.compartment = COR_C(RECORD);
  h.purpose = COR_PURPOSE(RECORD_KEEPING);
  h.basis = COR_BASIS(RECORD_DUTY);
  h.n_categories = 1;
  h.categories = operational;
  if (type == COR_T(SUSPENSION_ANSWER)) h.in_reply_to = (ProtobufCBinaryData){COR_ID_LEN, r->k.reply};
  if (!cor_encode(content, &body, &err)) alone_die("record", &err);
  take(b, from, &h, NULL, cor_buf_view(&body));
  cor_buf_clear(&body);
}

/* A few bytes, sealed for the recipient and the sender. */
static void seal(broker *b, Corridor__V1__Header *h, cor_buf *body) {
  static uint8_t content[64];
  const cor_card *theirs = cor_cards_find(b->cards, h->recipient),
                 *ours = cor_cards_find(b->cards, h->sender);
  Corridor__V1__Sealed sealed = CORRIDOR__V1__SEALED__INIT;
  cor_error err = {0};
  if (h->compartment == 0) h->compartment = COR_C(CASEWORK);
  sealed.message_id = h->message_id;
  sealed.sender = h->sender;
  sealed.recipient = h->recipient;
  sealed.handle = h->handle;
  sealed.type = h->type;
  sealed.compartment = h->compartment;
  sealed.content = (ProtobufCBinaryData){sizeof content, content};
  X509 *to[] = {theirs->sealing[h->compartment], ours->sealing[h->compartment]};
  if (!cor_seal_make(&sealed, to, 2, body, &err)) alone_die("seal", &err);
}

static void take_sealed(broker *b, const cor_office *from, Corridor__V1__Header *h,
                        Corridor__V1__Cover *cover) {
  cor_buf body = {0};
  seal(b, h, &body);
  take(b, from, h, cover, cor_buf_view(&body));
  cor_buf_clear(&body);
}

static void case_file_header(race *r, broker *b, const char *to, Corridor__V1__Header *h, uint8_t *id) {
  static Corridor__V1__DataCategory personal[] = {COR_CAT(BIODATA), COR_CAT(CONTACT)};
  header_begin(b, &r->office[0], to, r->k.handle, COR_T(CASE_FILE), h, id);
  h->purpose = COR_PURPOSE(RETURN_PREPARATION);
  h->basis = COR_BASIS(CONSENT);
  h->n_categories = 2;
  h->categories = personal;
  h->consent_id = (ProtobufCBinaryData){COR_ID_LEN, r->k.consent};
}

static void take_case_file(race *r, broker *b, const char *to) {
  Corridor__V1__Header h;
  uint8_t id[COR_ID_LEN];
  case_file_header(r, b, to, &h, id);
  take_sealed(b, &r->office[0], &h, NULL);
}

/* A registered case with one consent that covers both purposes. */
static void begin_case(race *r) {
  static Corridor__V1__DataCategory personal[] = {COR_CAT(BIODATA), COR_CAT(CONTACT)};
  static const uint8_t evidence[COR_HASH_LEN];
  int64_t today = core_gate_time(&r->a.c) / day_ms * day_ms;
  const cor_card *first = cor_cards_find(r->a.c.cards, r->office[1].id);
  cor_random((uint8_t *)&r->k, sizeof r->k);
  Corridor__V1__Registration registration = CORRIDOR__V1__REGISTRATION__INIT;
  registration.programme = "JI";
  registration.return_type = CORRIDOR__V1__RETURN_TYPE__AVRR;
  registration.origin_office = "gn-conakry";
  registration.reference_hash = (ProtobufCBinaryData){COR_HASH_LEN, r->k.reference};
  registration.withdrawal_hash = (ProtobufCBinaryData){COR_HASH_LEN, r->k.code};
  registration.declared_on = (int32_t)(today / day_ms);
  race_take_record(r, &r->a, &r->office[0], COR_T(REGISTRATION), &registration.base);
  race_settle_admitted(&r->a, "the registration");
  Corridor__V1__ConsentScope scope = CORRIDOR__V1__CONSENT_SCOPE__INIT, *scopes[] = {&scope};
  bool provider = first->card->role == COR_ROLE(SERVICE_PROVIDER);
  scope.scope = provider ? CORRIDOR__V1__CONSENT_SCOPE_CODE__REFERRAL_SHARING
                         : CORRIDOR__V1__CONSENT_SCOPE_CODE__RETURN_AND_DATA;
  scope.purpose = provider ? COR_PURPOSE(REINTEGRATION) : COR_PURPOSE(RETURN_PREPARATION);
  scope.n_categories = 2;
  scope.categories = personal;
  scope.recipient_role = first->card->role;
  Corridor__V1__ConsentRecord consent = CORRIDOR__V1__CONSENT_RECORD__INIT;
  consent.consent_id = (ProtobufCBinaryData){COR_ID_LEN, r->k.consent};
  consent.version = 1;
  consent.n_scopes = 1;
  consent.scopes = scopes;
  consent.valid_from = today;
  consent.valid_until = valid_until;
  consent.evidence_sha256 = (ProtobufCBinaryData){COR_HASH_LEN, (uint8_t *)evidence};
  race_take_record(r, &r->a, &r->office[0], COR_T(CONSENT_RECORD), &consent.base);
  race_settle_admitted(&r->a, "the consent");
}

/* ---- both at once ---- */

/* Not before the moment: busy, since a scheduler's pause would hide interleavings. */
void race_spin(int64_t us) {
  for (int64_t end = cor_clock_monotonic_us() + us; cor_clock_monotonic_us() < end;)
    ;
}

int64_t race_below(int64_t limit) {
  uint32_t draw;
  cor_random((uint8_t *)&draw, sizeof draw);
  return limit > 0 ? draw % limit : 0;
}

void race_start_both(race *r, void *(*other)(void *), pthread_t *thread) {
  pthread_barrier_init(&r->start, NULL, 2);
  if (pthread_create(thread, NULL, other, r) != 0) alone_die("thread", NULL);
  pthread_barrier_wait(&r->start);
}

void race_end_both(race *r, pthread_t thread) {
  pthread_join(thread, NULL);
  pthread_barrier_destroy(&r->start);
}

/* ---- withdraw ---- */

static void take_withdrawal(race *r) {
  Corridor__V1__ConsentWithdrawal body = CORRIDOR__V1__CONSENT_WITHDRAWAL__INIT;
  body.extent = CORRIDOR__V1__WITHDRAWAL_EXTENT__ALL_CONSENT;
  body.withdrawn_at = core_gate_time(&r->a.c);
  if (r->round % 3 == 1) {
    body.extent = CORRIDOR__V1__WITHDRAWAL_EXTENT__ONE_CONSENT;
    body.consent_id = (ProtobufCBinaryData){COR_ID_LEN, r->k.consent};
  }
  if (r->round % 3 == 2) { /* reference and code, at an office the case knows nothing of */
    body.reference_hash = (ProtobufCBinaryData){COR_HASH_LEN, r->k.reference};
    body.withdrawal_hash = (ProtobufCBinaryData){COR_HASH_LEN, r->k.code};
    race_take_record(r, &r->a, &r->office[3], COR_T(CONSENT_WITHDRAWAL), &body.base);
    return;
  }
  race_take_record(r, &r->a, &r->office[0], COR_T(CONSENT_WITHDRAWAL), &body.base);
}

static const cor_office *office_of(const race *r, const char *id) {
  for (size_t i = 0; i < OFFICES; i++)
    if (strcmp(r->office[i].id, id) == 0) return &r->office[i];
  return NULL;
}

static void add_receipt(race *r, const PGresult *held, int row) {
  const cor_office *by = office_of(r, db_get_text(held, row, 3));
  cor_error err = {0};
  cor_buf content = {0};
  Corridor__V1__DeliveryReceipt receipt = CORRIDOR__V1__DELIVERY_RECEIPT__INIT;
  cor_bytes id = db_get_bytes(held, row, 1), hash = db_get_bytes(held, row, 2);
  receipt.message_id = (ProtobufCBinaryData){id.len, (uint8_t *)id.data};
  receipt.recipient = (char *)by->id;
  receipt.header_hash = (ProtobufCBinaryData){hash.len, (uint8_t *)hash.data};
  receipt.received_at = core_gate_time(&r->b.c);
  receipt.sequence = (uint64_t)db_get_int(held, row, 0);
  if (!cor_encode(&receipt.base, &content, &err)) alone_die("receipt", &err);
  Corridor__V1__SignedContent wire = CORRIDOR__V1__SIGNED_CONTENT__INIT;
  wire.content = (ProtobufCBinaryData){content.len, content.data};
  if (!cor_sign(by->signing, COR_DOMAIN_DELIVERY, by->id, 0, (cor_bytes[]){cor_buf_view(&content)}, 1,
                &wire.signature, &err))
    alone_die("receipt", &err);
  Corridor__V1__Receipts all = CORRIDOR__V1__RECEIPTS__INIT;
  all.n_receipts = 1;
  all.receipts = (Corridor__V1__SignedContent *[]){&wire};
  parcel *p = parcel_of(&r->b, by->id, COR_RECEIPTS, &all.base, (cor_bytes){0});
  if (p->code != COR_OK || p->n_receipts != 1) alone_die("receipt", NULL);
  r->b.round.receipts[r->b.round.n_receipts++] = &p->receipts[0];
  cor_message_free(&wire.signature->base);
  cor_buf_clear(&content);
}

/* Everyone's agent has everything claimed on disk, the hub's notices too: unreceipted
 * they would fill the window. */
static void receipt_claimed(race *r) {
  db_args args = {0};
  db_bytes(&args, (cor_bytes){r->k.handle, COR_ID_LEN});
  PGresult *held = db_run(
      r->b.c.db,
      "SELECT d.sequence, d.message_id, m.header_hash, d.recipient FROM corridor.delivery d"
      " JOIN corridor.message m USING (message_id, admitted_at)"
      " WHERE d.case_handle = $1 AND d.state = 2",
      &args);
  if (!held) alone_die("what was claimed", NULL);
  for (int row = 0; row < PQntuples(held); row++)
    add_receipt(r, held, row);
  PQclear(held);
  receipt_round(&r->b.c, &r->b.round);
  round_clear(&r->b.round);
}

static void claim(race *r, bool *any) {
  for (int i = 0; i < TRIES; i++) {
    const bool decided = claim_round(&r->b.c, true, any);
    door_take(&r->b);
    if (decided) return;
  }
  alone_die("a claim was never decided", NULL);
}

/* One broker's rounds: a message in, whatever waits out, its receipt in. */
void *race_deliver(void *arg) {
  race *r = arg;
  bool any;
  pthread_barrier_wait(&r->start);
  int64_t began = cor_clock_monotonic_us();
  for (size_t i = 0; i < DURING; i++) {
    take_case_file(r, &r->b, r->office[2].id);
    (void)settle(&r->b); /* refused once the consent is gone */
    claim(r, &any);
    receipt_claimed(r);
  }
  r->b_took_us = cor_clock_monotonic_us() - began;
  return NULL;
}

void race_begin_waiting(race *r) {
  begin_case(r);
  for (size_t i = 0; i < WAITING; i++) {
    take_case_file(r, &r->a, r->office[1].id);
    race_settle_admitted(&r->a, "a case file");
  }
}

/* Whatever else would still be sent. */
void race_claim_all(race *r) {
  for (bool any = true; any; receipt_claimed(r))
    claim(r, &any);
}

static void race_withdraw(race *r) {
  pthread_t other;
  race_begin_waiting(r);
  take_withdrawal(r);
  int64_t head_start = race_below(r->b_took_us);
  race_start_both(r, race_deliver, &other);
  race_spin(head_start);
  race_settle_admitted(&r->a, "the withdrawal");
  race_end_both(r, other);
  race_claim_all(r);
}

/* ---- basis ---- */

static void take_health_part(race *r, uint8_t id[COR_ID_LEN]) {
  static Corridor__V1__DataCategory health[] = {COR_CAT(HEALTH_DATA)};
  Corridor__V1__Header h;
  header_begin(&r->a, &r->office[0], r->office[1].id, r->k.handle, COR_T(CASE_FILE), &h, id);
  h.compartment = COR_C(HEALTH);
  h.purpose = COR_PURPOSE(CONTINUITY_OF_CARE);
  h.basis = COR_BASIS(LIFE_AT_RISK);
  h.n_categories = 1;
  h.categories = health;
  take_sealed(&r->a, &r->office[0], &h, NULL);
  race_settle_admitted(&r->a, "a health part");
}

static void *claim_it(void *arg) {
  race *r = arg;
  bool any;
  pthread_barrier_wait(&r->start);
  race_spin(race_below(r->round % 2 ? 1000 : 4000));
  claim(r, &any);
  return NULL;
}

static void race_basis(race *r) {
  uint8_t id[COR_ID_LEN];
  pthread_t other;
  bool any = true;
  begin_case(r);
  take_health_part(r, id);
  Corridor__V1__BasisStatement statement = CORRIDOR__V1__BASIS_STATEMENT__INIT;
  statement.message_id = (ProtobufCBinaryData){COR_ID_LEN, id};
  statement.step = CORRIDOR__V1__BASIS_STEP__REVIEWED;
  statement.result = CORRIDOR__V1__BASIS_RESULT__NOT_UPHELD;
  race_take_record(r, &r->a, &r->office[0], COR_T(BASIS_STATEMENT), &statement.base);
  race_start_both(r, claim_it, &other);
  race_spin(race_below(r->round % 2 ? 4000 : 1000)); /* either may be first */
  race_settle_admitted(&r->a, "the statement");
  race_end_both(r, other);
  while (any)
    claim(r, &any);
}

/* ---- accept ---- */

static void offer(race *r, size_t to, uint32_t rank, uint8_t *handle) {
  static Corridor__V1__DataCategory operational[] = {COR_CAT(OPERATIONAL)},
                                    personal[] = {COR_CAT(BIODATA), COR_CAT(CONTACT)};
  Corridor__V1__Header h;
  Corridor__V1__Cover cover = CORRIDOR__V1__COVER__INIT;
  uint8_t id[COR_ID_LEN];
  cor_random(handle, COR_ID_LEN);
  header_begin(&r->a, &r->office[0], r->office[to].id, handle, COR_T(REFERRAL), &h, id);
  h.purpose = COR_PURPOSE(REINTEGRATION);
  h.basis = COR_BASIS(NO_PERSONAL_DATA);
  h.n_categories = 1;
  h.categories = operational;
  h.event_at = h.sent_at + 7 * day_ms;
  cover.case_handle = (ProtobufCBinaryData){COR_ID_LEN, r->k.handle};
  cover.consent_id = (ProtobufCBinaryData){COR_ID_LEN, r->k.consent};
  cover.referral_id = (ProtobufCBinaryData){COR_ID_LEN, r->k.referral};
  cover.rank = rank;
  cover.n_categories = 2;
  cover.categories = personal;
  take_sealed(&r->a, &r->office[0], &h, &cover);
  race_settle_admitted(&r->a, "an offer");
}

static void take_acceptance(race *r, broker *b, size_t by, const uint8_t *handle) {
  static Corridor__V1__DataCategory operational[] = {COR_CAT(OPERATIONAL)};
  Corridor__V1__Header h;
  uint8_t id[COR_ID_LEN];
  header_begin(b, &r->office[by], r->office[0].id, handle, COR_T(REFERRAL_ACK), &h, id);
  h.purpose = COR_PURPOSE(REINTEGRATION);
  h.basis = COR_BASIS(NO_PERSONAL_DATA);
  h.n_categories = 1;
  h.categories = operational;
  h.outcome = COR_OUTCOME(YES);
  take_sealed(b, &r->office[by], &h, NULL);
}

/* The first candidate was silent too long; the offer of the second goes out. */
static void lapse(race *r, const uint8_t *handle) {
  act a;
  act_begin(&a, &r->a.c, core_gate_time(&r->a.c));
  if (!db_begin(r->a.c.db) || !referral_lapse(&r->a.c, &a, handle) || !act_write(&a, &r->a.c) ||
      !db_commit(r->a.c.db))
    alone_die("the lapse of an offer", NULL);
  act_clear(&a);
}

static void *accept_second(void *arg) {
  race *r = arg;
  pthread_barrier_wait(&r->start);
  race_spin(race_below(r->round % 2 ? 1000 : 4000));
  (void)settle(&r->b);
  return NULL;
}

static void race_accept(race *r) {
  uint8_t first[COR_ID_LEN], second[COR_ID_LEN];
  pthread_t other;
  begin_case(r);
  offer(r, 1, 1, first);
  offer(r, 2, 2, second);
  lapse(r, first);
  take_acceptance(r, &r->a, 1, first);
  take_acceptance(r, &r->b, 2, second);
  race_start_both(r, accept_second, &other);
  race_spin(race_below(r->round % 2 ? 4000 : 1000)); /* either may be first */
  (void)settle(&r->a);
  race_end_both(r, other);
}

/* ---- twice ---- */

static void *admit_again(void *arg) {
  race *r = arg;
  pthread_barrier_wait(&r->start);
  race_spin(race_below(2000));
  race_settle_admitted(&r->b, "the same message");
  return NULL;
}

static void race_twice(race *r) {
  Corridor__V1__Header h;
  uint8_t id[COR_ID_LEN];
  cor_buf body = {0};
  pthread_t other;
  begin_case(r);
  case_file_header(r, &r->a, r->office[1].id, &h, id);
  seal(&r->a, &h, &body);
  take(&r->a, &r->office[0], &h, NULL, cor_buf_view(&body));
  take(&r->b, &r->office[0], &h, NULL, cor_buf_view(&body));
  race_start_both(r, admit_again, &other);
  race_spin(race_below(2000));
  race_settle_admitted(&r->a, "a message");
  race_end_both(r, other);
  r->same += cor_bytes_equal(cor_buf_view(&r->a.receipt), cor_buf_view(&r->b.receipt));
  cor_buf_clear(&body);
}

static const struct {
  const char *name;
  void (*run)(race *);
} scenarios[] = {{"withdraw", race_withdraw},
                 {"suspend", race_suspend},
                 {"basis", race_basis},
                 {"accept", race_accept},
                 {"twice", race_twice}};

static void open_all(race *r, char **argv) {
  cor_error err = {0};
  char path[512];
  broker_open(&r->a, "race-a", argv);
  broker_open(&r->b, "race-b", argv);
  for (size_t i = 0; i < OFFICES; i++) {
    snprintf(path, sizeof path, "%s/%s/keys", argv[4], argv[6 + i]);
    if (!cor_office_load(path, &r->office[i], &err)) alone_die("office", &err);
  }
  open_session(&r->b, &r->office[1], 1);
  open_session(&r->b, &r->office[2], 2);
}

int main(int argc, char **argv) {
  static race r;
  size_t s = 0;
  if (argc != 6 + OFFICES) {
    fprintf(stderr, "race SCENARIO ROUNDS CONNINFO FOLDER CLOCK HOST FIRST SECOND OTHER\n");
    return 2;
  }
  while (s < sizeof scenarios / sizeof *scenarios && strcmp(scenarios[s].name, argv[1]) != 0)
    s++;
  if (s == sizeof scenarios / sizeof *scenarios) return 2;
  size_t rounds = strtoul(argv[2], NULL, 10);
  open_all(&r, argv);
  for (r.round = 0; r.round < rounds; r.round++)
    scenarios[s].run(&r);
  int64_t errors = r.a.c.metrics[CORE_DATABASE_ERRORS].value + r.b.c.metrics[CORE_DATABASE_ERRORS].value;
  printf("{\"rounds\": %zu, \"retries\": %llu, \"errors\": %lld, \"same\": %zu, \"late\": %lld, \"left\": [",
         rounds, (unsigned long long)(r.a.retries + r.b.retries), (long long)errors, r.same,
         (long long)r.late);
  for (size_t i = 0; i < sizeof r.left / sizeof *r.left; i++)
    printf("%s%zu", i > 0 ? ", " : "", r.left[i]);
  printf("]}\n");
  for (size_t i = 0; i < OFFICES; i++)
    cor_office_clear(&r.office[i]);
  broker_close(&r.a);
  broker_close(&r.b);
  return 0;
}
