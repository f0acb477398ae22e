/* api_consent.c - recording a consent, and withdrawing one.
 *
 * Guarantees: a consent's record, its place in the outbox and its form are kept
 * together or not at all. A withdrawal is never refused here and (unless it is of a
 * part) counts at this office from the moment it is kept, before the hub has heard of
 * it; a withdrawal code goes into a hash and is not kept. */
#include "api.h"
#include "form.h"
#include "iso27560.h"

#include "corridor/codec.h"
#include "corridor/consent_policy.h"
#include "corridor/id.h"
#include "corridor/json.h"
#include "corridor/refusal.h"

#include <openssl/crypto.h>
#include <string.h>

/* What a request brings: the record as it will be signed, and the form it was made
 * of, if that is kept here. */
typedef struct given_consent {
  Corridor__V1__ConsentRecord *record;
  form_draft draft;
} given_consent;

static void given_clear(given_consent *g) {
  if (g->record != NULL) cor_message_free(&g->record->base);
  form_draft_clear(&g->draft);
}

/* Id and version are filled in when absent. */
static Corridor__V1__ConsentRecord *read_record(const json_t *given, cor_error *err) {
  if (!json_is_object(given)) {
    (void)cor_fail(err, COR_MISSING_FIELD, "/consent", "a ConsentRecord is needed; nothing was kept");
    return NULL;
  }
  json_t *copy = json_copy((json_t *)(uintptr_t)given);
  if (json_object_get(copy, "consentId") == NULL && json_object_get(copy, "consent_id") == NULL) {
    uint8_t id[COR_ID_LEN];
    cor_random(id, sizeof id);
    json_object_set_new(copy, "consentId", api_hex(id, sizeof id));
  }
  if (json_object_get(copy, "version") == NULL) json_object_set_new(copy, "version", json_integer(1));
  Corridor__V1__ConsentRecord *record = (Corridor__V1__ConsentRecord *)cor_json_read(
      &corridor__v1__consent_record__descriptor, copy, "/consent", err);
  json_decref(copy);
  if (record == NULL || record->consent_id.len == COR_ID_LEN) return record;
  (void)cor_fail(err, COR_BAD_INPUT, "/consent/consentId", "an id is 16 bytes; nothing was kept");
  cor_message_free(&record->base);
  return NULL;
}

static bool read_given(const json_t *request, given_consent *out, cor_error *err) {
  json_t *imported = NULL;
  const json_t *iso = json_object_get(request, "iso27560");
  if (iso != NULL) {
    imported = iso27560_read(iso, request, err);
    if (imported == NULL) return false;
    request = imported;
  }
  out->record = read_record(json_object_get(request, "consent"), err);
  bool ok = out->record != NULL && form_read(request, &out->draft, err) &&
            form_bind(&out->draft, out->record, err);
  json_decref(imported);
  return ok;
}

/* The version before this one, if any: of the same case, and its withdrawal holds. */
static bool earlier(api_request *q, const Corridor__V1__ConsentRecord *record, const store_case *c,
                    int64_t *withdrawn_at, cor_error *err) {
  store_consent before;
  store_found found = store_consent_get(q->a->store, record->consent_id.data, &before, err);
  if (found == STORE_ERROR) return false;
  *withdrawn_at = found == STORE_FOUND ? before.withdrawn_at : 0;
  store_consent_clear(&before);
  if (found == STORE_ABSENT) return true;
  if (memcmp(before.case_handle, c->handle, COR_ID_LEN) != 0)
    return cor_fail(err, COR_BAD_INPUT, "/consent/consentId",
                    "this consent is another case's; nothing was kept");
  return record->version > before.version ||
         cor_fail(err, COR_CONFLICT, "/consent/version",
                  "version %u of this consent is kept here; a new one is higher, and nothing was kept",
                  before.version);
}

static bool keep_record(api_request *q, const Corridor__V1__ConsentRecord *record, const store_case *c,
                        const uint8_t message[COR_ID_LEN], int64_t withdrawn_at, cor_error *err) {
  store_consent kept = {.version = record->version, .withdrawn_at = withdrawn_at};
  memcpy(kept.id, record->consent_id.data, COR_ID_LEN);
  memcpy(kept.case_handle, c->handle, COR_ID_LEN);
  memcpy(kept.message_id, message, COR_ID_LEN);
  bool ok = cor_encode(&record->base, &kept.record, err) && store_consent_put(q->a->store, &kept, err);
  store_consent_clear(&kept);
  return ok;
}

static bool keep_consent(api_request *q, const cor_cards *cards, const char *name, const given_consent *given,
                         uint8_t id[COR_ID_LEN], cor_error *err) {
  store_case c;
  int64_t withdrawn_at;
  compose_order order = {.row = cor_sop_find(COR_T(CONSENT_RECORD)),
                         .to = "hub",
                         .compartment = COR_C(RECORD),
                         .body = &given->record->base,
                         .path = "/consent"};
  if (given->draft.form != NULL &&
      !cor_consent_policy_allows(cor_cards_list(cards), given->record, given->draft.form->method, err))
    return false;
  if (!api_case(q, name, &c, err) || !earlier(q, given->record, &c, &withdrawn_at, err)) return false;
  memcpy(order.handle, c.handle, COR_ID_LEN);
  /* That there is a consent to share health data is known to those who hold health. */
  const Corridor__V1__Compartment filed = form_compartment(q->a, cards, given->record);
  if (COR_BIT(filed) & COR_RESTRICTED) order.filed_under = filed;
  return compose_message(q->a, cards, &order, id, err) &&
         keep_record(q, given->record, &c, id, withdrawn_at, err) &&
         form_keep(q->a, cards, &given->draft, given->record, c.handle, err);
}

bool api_post_consent(api_request *q, cor_error *err) {
  static const char *const members[] = {"case", "consent", "form", "evidence", "iso27560", NULL};
  const char *name;
  uint8_t id[1][COR_ID_LEN];
  given_consent given = {0};
  if (!api_only(q->body, members, err) || !api_text(q->body, "case", true, &name, err)) return false;
  bool ok = read_given(q->body, &given, err) && api_begin(q, err);
  if (ok) {
    const cor_cards *cards = roster_hold(q->a->roster);
    ok = keep_consent(q, cards, name, &given, id[0], err);
    roster_release(q->a->roster);
    ok = api_keep(q, ok, err);
  }
  if (ok)
    ok = api_outcome(q, json_pack("{s:o}", "consentId", api_hex(given.record->consent_id.data, COR_ID_LEN)),
                     true, (const uint8_t(*)[COR_ID_LEN])id, 1, err);
  given_clear(&given);
  return ok;
}

/* ---- withdrawal ---- */

typedef struct withdrawal {
  Corridor__V1__ConsentWithdrawal body;
  uint8_t consent[COR_ID_LEN], reference_hash[COR_HASH_LEN], withdrawal_hash[COR_HASH_LEN];
  bool one;  /* of one consent only */
  bool part; /* of a recipient or a purpose only */
  const char *name;
} withdrawal;

/* Reference and code, as printed on the person's receipt. */
static bool read_proof(const char *reference, const char *code, withdrawal *w, cor_error *err) {
  char normal[COR_REFERENCE_TEXT], normal_code[COR_REFERENCE_TEXT];
  if (!cor_reference_parse(reference, normal))
    return cor_fail(err, COR_BAD_INPUT, "/reference", "not a reference number: check the two last digits");
  cor_reference_hash(normal, w->reference_hash);
  w->body.reference_hash = (ProtobufCBinaryData){COR_HASH_LEN, w->reference_hash};
  if (code == NULL) return true;
  if (!cor_code_parse(code, normal_code))
    return cor_fail(err, COR_BAD_INPUT, "/code", "not a withdrawal code: check the two last digits");
  cor_withdrawal_hash(normal, normal_code, w->withdrawal_hash);
  w->body.withdrawal_hash = (ProtobufCBinaryData){COR_HASH_LEN, w->withdrawal_hash};
  OPENSSL_cleanse(normal_code, sizeof normal_code);
  return true;
}

/* One recipient, one purpose, or one recipient for one purpose. */
static bool read_part(api_request *q, withdrawal *w, cor_error *err) {
  const char *recipient;
  int purpose;
  if (!api_text(q->body, "recipient", false, &recipient, err) ||
      !api_enum(q->body, "purpose", &corridor__v1__purpose__descriptor, &purpose, err))
    return false;
  if (recipient != NULL && !cor_office_valid(recipient))
    return cor_fail(err, COR_BAD_INPUT, "/recipient", "not an office id; nothing was kept");
  if (recipient != NULL) w->body.recipient_office = (char *)recipient;
  w->body.purpose = (Corridor__V1__Purpose)purpose;
  w->part = recipient != NULL || purpose != 0;
  return true;
}

static bool read_withdrawal(api_request *q, withdrawal *w, cor_error *err) {
  static const char *const members[] = {"case", "reference", "consent", "code", "recipient", "purpose", NULL};
  const char *reference, *code;
  char normal[COR_REFERENCE_TEXT];
  corridor__v1__consent_withdrawal__init(&w->body);
  if (!api_only(q->body, members, err) || !api_text(q->body, "case", false, &w->name, err) ||
      !api_text(q->body, "reference", false, &reference, err) ||
      !api_text(q->body, "code", false, &code, err) ||
      !api_id(q->body, "consent", false, w->consent, &w->one, err) || !read_part(q, w, err))
    return false;
  if (reference == NULL && w->name != NULL && cor_reference_parse(w->name, normal)) reference = w->name;
  if (w->name == NULL) w->name = reference;
  if (w->name == NULL)
    return cor_fail(err, COR_MISSING_FIELD, "/case",
                    "name the case or its reference number; nothing was kept");
  if (code != NULL && reference == NULL)
    return cor_fail(err, COR_MISSING_FIELD, "/reference",
                    "a code goes with its reference number; nothing was kept");
  if (reference != NULL && !read_proof(reference, code, w, err)) return false;
  w->body.extent = w->part  ? CORRIDOR__V1__WITHDRAWAL_EXTENT__PART
                   : w->one ? CORRIDOR__V1__WITHDRAWAL_EXTENT__ONE_CONSENT
                            : CORRIDOR__V1__WITHDRAWAL_EXTENT__ALL_CONSENT;
  if (w->one) w->body.consent_id = (ProtobufCBinaryData){COR_ID_LEN, w->consent};
  w->body.withdrawn_at = cor_clock_now(q->a->clock);
  return true;
}

static bool keep_withdrawal(api_request *q, const cor_cards *cards, const withdrawal *w,
                            uint8_t id[COR_ID_LEN], cor_error *err) {
  store_case c = {0};
  compose_order order = {.row = cor_sop_find(COR_T(CONSENT_WITHDRAWAL)),
                         .to = "hub",
                         .compartment = COR_C(RECORD),
                         .body = &w->body.base,
                         .path = ""};
  bool known = api_case(q, w->name, &c, err);
  /* Any office may bring a person's reference and code: the hub finds the case by
   * them, and the handle, which must not be empty, is a random one. */
  if (!known && (err->code != COR_NO_SUCH_CASE || w->body.reference_hash.len == 0)) return false;
  if (known)
    memcpy(order.handle, c.case_handle, COR_ID_LEN);
  else
    cor_random(order.handle, COR_ID_LEN);
  if (!compose_message(q->a, cards, &order, id, err)) return false;
  /* Of a part this office's gate knows nothing; the record goes before all that the
   * hub could still admit under it. */
  if (!known || !c.own || w->part) return true;
  return store_consent_withdraw(q->a->store, c.case_handle, w->one ? w->consent : NULL, w->body.withdrawn_at,
                                err);
}

bool api_post_withdrawal(api_request *q, cor_error *err) {
  withdrawal w = {0};
  uint8_t id[1][COR_ID_LEN];
  bool ok = read_withdrawal(q, &w, err) && store_begin(q->a->store, err);
  if (ok) {
    const cor_cards *cards = roster_hold(q->a->roster);
    ok = keep_withdrawal(q, cards, &w, id[0], err);
    roster_release(q->a->roster);
    ok = api_keep(q, ok, err);
  }
  OPENSSL_cleanse(&w, sizeof w);
  return ok && api_outcome(q, json_object(), true, (const uint8_t(*)[COR_ID_LEN])id, 1, err);
}
