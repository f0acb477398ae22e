/* cases.c - registration and consent of the cases a load writes about.
 *
 * For: load.c, before anything is timed. All registrations go first and then all
 * consents, because the hub settles a handle twice only in two batches. A
 * refusal is fatal. */
#include "cases.h"
#include "corridor/envelope.h"
#include "corridor/id.h"
#include "corridor/sop.h"
#include "die.h"
#include <corridor/v1/record.pb-c.h>
#include <string.h>
#include <zmq.h>

static const int64_t day_ms = 24 * 3600 * INT64_C(1000);
static const int64_t until = INT64_C(1893456000000); /* 2030-01-01, a first of the month */

void cases_header(const office *o, Corridor__V1__Header *h, uint8_t id[COR_ID_LEN], const uint8_t *handle,
                  uint32_t index) {
  const int64_t now = cor_clock_now(o->of->clock);
  corridor__v1__header__init(h);
  cor_id_new(id, now);
  for (int i = 0; i < 4; i++)
    id[COR_ID_LEN - 1 - i] = (uint8_t)(index >> 8 * i);
  h->version = 1;
  h->message_id = (ProtobufCBinaryData){COR_ID_LEN, id};
  h->sender = (char *)o->keys.id;
  h->handle = (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)handle};
  h->sent_at = now;
  h->expires_at = now + 30 * day_ms;
  h->table_version = COR_SOP_VERSION;
}

static void record(office *o, const uint8_t *handle, Corridor__V1__MessageType type,
                   const ProtobufCMessage *body) {
  static Corridor__V1__DataCategory operational[] = {COR_CAT(OPERATIONAL)};
  Corridor__V1__Header h;
  uint8_t id[COR_ID_LEN];
  cor_buf bytes = {0};
  cor_error err = {0};
  cases_header(o, &h, id, handle, (uint32_t)o->said);
  h.recipient = "hub";
  h.compartment = COR_C(RECORD);
  h.type = type;
  h.purpose = COR_PURPOSE(RECORD_KEEPING);
  h.basis = COR_BASIS(RECORD_DUTY);
  h.n_categories = 1;
  h.categories = operational;
  if (!cor_encode(body, &bytes, &err)) die_of("record", &err);
  Corridor__V1__Envelope *envelope = cor_envelope_make(&h, NULL, cor_buf_view(&bytes), o->keys.signing, &err);
  if (!envelope) die_of("record", &err);
  office_submit(o, envelope, cor_buf_view(&bytes));
  cor_message_free(&envelope->base);
  cor_buf_clear(&bytes);
}

static void register_one(office *o, cases *c, size_t i, const char *origin) {
  uint8_t reference[COR_HASH_LEN], code[COR_HASH_LEN];
  Corridor__V1__Registration r = CORRIDOR__V1__REGISTRATION__INIT;
  cor_random(c->handles[i], COR_ID_LEN);
  cor_random(reference, sizeof reference);
  cor_random(code, sizeof code);
  r.programme = "JI";
  r.return_type = CORRIDOR__V1__RETURN_TYPE__AVRR;
  r.origin_office = (char *)origin;
  r.reference_hash = (ProtobufCBinaryData){COR_HASH_LEN, reference};
  r.withdrawal_hash = (ProtobufCBinaryData){COR_HASH_LEN, code};
  r.declared_on = (int32_t)(cor_clock_now(o->of->clock) / day_ms);
  record(o, c->handles[i], COR_T(REGISTRATION), &r.base);
}

static void consent_one(office *o, cases *c, size_t i, const char *origin) {
  static Corridor__V1__DataCategory covered[] = {COR_CAT(BIODATA), COR_CAT(CONTACT), COR_CAT(TRAVEL),
                                                 COR_CAT(FAMILY)};
  uint8_t evidence[COR_HASH_LEN];
  Corridor__V1__ConsentScope scope = CORRIDOR__V1__CONSENT_SCOPE__INIT, *scopes[] = {&scope};
  Corridor__V1__ConsentRecord r = CORRIDOR__V1__CONSENT_RECORD__INIT;
  cor_random(c->consents[i], COR_ID_LEN);
  cor_random(evidence, sizeof evidence);
  scope.scope = CORRIDOR__V1__CONSENT_SCOPE_CODE__RETURN_AND_DATA;
  scope.purpose = COR_PURPOSE(RETURN_PREPARATION);
  scope.n_categories = sizeof covered / sizeof *covered;
  scope.categories = covered;
  scope.recipient_office = (char *)origin;
  r.consent_id = (ProtobufCBinaryData){COR_ID_LEN, c->consents[i]};
  r.version = 1;
  r.n_scopes = 1;
  r.scopes = scopes;
  r.valid_from = cor_clock_now(o->of->clock) / day_ms * day_ms;
  r.valid_until = until;
  r.evidence_sha256 = (ProtobufCBinaryData){COR_HASH_LEN, evidence};
  record(o, c->handles[i], COR_T(CONSENT_RECORD), &r.base);
}

/* Waits until fewer than left submissions are unanswered. */
static void wait_answers(office *o, size_t *answered, size_t left) {
  while (o->said - *answered > left) {
    const heard h = office_hear(o, 0);
    if (h.command != COR_RESULTS) continue;
    Corridor__V1__Results *results = (Corridor__V1__Results *)office_read(&h,
                                                                          &corridor__v1__results__descriptor);
    for (size_t i = 0; i < results->n_results; i++)
      if (!results->results[i]->receipt) {
        fprintf(stderr, "bench: a record was refused with code %u %s\n", results->results[i]->refusal->code,
                results->results[i]->refusal->field);
        exit(1);
      }
    *answered += results->n_results;
    cor_message_free(&results->base);
  }
}

/* All offices at once, each within its window. */
static void say_all(office *offices, size_t n_offices, bool away, cases *each,
                    void (*say)(office *, cases *, size_t, const char *)) {
  char origin[COR_OFFICE_MAX + 1];
  size_t *answered = must_have(n_offices, sizeof *answered), most = 0;
  for (size_t i = 0; i < n_offices; i++) {
    answered[i] = offices[i].said;
    most = each[i].n > most ? each[i].n : most;
  }
  for (size_t k = 0; k < most; k++)
    for (size_t i = 0; i < n_offices; i++) {
      if (k >= each[i].n) continue;
      programme_recipient(i, away, origin);
      wait_answers(&offices[i], &answered[i], OFFICE_WINDOW - 1);
      say(&offices[i], &each[i], k, origin);
    }
  for (size_t i = 0; i < n_offices; i++)
    wait_answers(&offices[i], &answered[i], 0);
  free(answered);
}

void cases_make(office *offices, size_t n_offices, bool away, size_t n, cases *each) {
  for (size_t i = 0; i < n_offices; i++) {
    each[i].n = n / n_offices + (i < n % n_offices);
    each[i].n = each[i].n ? each[i].n : 1;
    each[i].handles = must_have(each[i].n, sizeof *each[i].handles);
    each[i].consents = must_have(each[i].n, sizeof *each[i].consents);
  }
  say_all(offices, n_offices, away, each, register_one);
  say_all(offices, n_offices, away, each, consent_one);
}

void cases_clear(cases *c) {
  free(c->handles);
  free(c->consents);
  *c = (cases){0};
}
