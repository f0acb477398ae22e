/* api_refer.c - referring: one offer per candidate, and the provider's answer.
 *
 * Guarantees: each offer has a fresh handle and nothing of the case in what its
 * provider gets; case, consent and rank stand in the hub-only cover. All offers
 * of a referral are one act, kept in one transaction, so the hub can release them
 * one by one while this office is offline (design 6). */
#include "api.h"

#include "corridor/codec.h"
#include "corridor/id.h"
#include "corridor/json.h"
#include "corridor/refusal.h"

#include <stdio.h>
#include <string.h>

enum { CANDIDATES_MAX = COMPOSE_ACT_MAX };

typedef struct referral {
  const char *name;
  const json_t *candidates;
  ProtobufCMessage *offer;
  uint32_t categories;
  Corridor__V1__DataCategory listed[COMPOSE_CATEGORIES_MAX];
  size_t n_listed;
  uint8_t consent[COR_ID_LEN], id[COR_ID_LEN];
  bool has_consent;
  Corridor__V1__LegalBasis basis; /* of the handover, when not consent */
  uint8_t handles[CANDIDATES_MAX][COR_ID_LEN], messages[CANDIDATES_MAX][COR_ID_LEN];
} referral;

static bool read_candidates(const json_t *body, referral *r, cor_error *err) {
  size_t i, k;
  const json_t *one;
  char path[40];
  r->candidates = json_object_get(body, "candidates");
  const size_t n = json_array_size(r->candidates);
  if (n == 0 || n > CANDIDATES_MAX)
    return cor_fail(err, COR_BAD_INPUT, "/candidates", "name 1 to %d offices in order; nothing was kept",
                    CANDIDATES_MAX);
  json_array_foreach(r->candidates, i, one) {
    const char *office = json_string_value(one);
    bool twice = false;
    for (k = 0; office != NULL && k < i; k++)
      twice = twice || strcmp(office, json_string_value(json_array_get(r->candidates, k))) == 0;
    snprintf(path, sizeof path, "/candidates/%zu", i);
    if (office == NULL || !cor_office_valid(office) || twice)
      return cor_fail(err, COR_BAD_INPUT, path, "not an office id, or named twice; nothing was kept");
  }
  return true;
}

/* Of the handover to come, when the person cannot be asked: the offer tells nobody. */
static bool read_basis(api_request *q, referral *r, cor_error *err) {
  int basis;
  if (!api_enum(q->body, "basis", &corridor__v1__legal_basis__descriptor, &basis, err)) return false;
  if (basis == 0 || basis == COR_BASIS(CONSENT)) return true;
  if (!cor_basis_find((Corridor__V1__LegalBasis)basis) || r->has_consent)
    return cor_fail(err, COR_BAD_INPUT, "/basis",
                    "a handover rests on consent, or on a decision in its place; nothing was kept");
  r->basis = (Corridor__V1__LegalBasis)basis;
  return true;
}

static bool read_referral(api_request *q, referral *r, cor_error *err) {
  static const char *const members[] = {"case",    "candidates", "offer", "categories",
                                        "consent", "basis",      NULL};
  if (!api_only(q->body, members, err) || !api_text(q->body, "case", true, &r->name, err) ||
      !read_candidates(q->body, r, err) || !api_categories(q->body, "categories", &r->categories, err) ||
      !api_id(q->body, "consent", false, r->consent, &r->has_consent, err) || !read_basis(q, r, err))
    return false;
  if (r->categories == 0)
    return cor_fail(err, COR_MISSING_FIELD, "/categories",
                    "say what the handover will carry; nothing was kept");
  const json_t *offer = json_object_get(q->body, "offer");
  if (offer == NULL)
    return cor_fail(err, COR_MISSING_FIELD, "/offer", "a ReferralOffer is needed; nothing was kept");
  for (unsigned c = 1; c < 32 && r->n_listed < COMPOSE_CATEGORIES_MAX; c++)
    if (r->categories & COR_BIT(c)) r->listed[r->n_listed++] = (Corridor__V1__DataCategory)c;
  r->offer = cor_json_read(&corridor__v1__referral_offer__descriptor, offer, "/offer", err);
  return r->offer != NULL;
}

/* The referral's own rows first: composing looks the case up through it. */
static bool keep_handle(api_request *q, const referral *r, const store_case *of, size_t i, cor_error *err) {
  store_case c = {.kind = COR_HANDLE_REFERRAL,
                  .own = true,
                  .categories = r->categories,
                  .since = cor_clock_now(q->a->clock),
                  .last_type = COR_T(REFERRAL)};
  memcpy(c.handle, r->handles[i], COR_ID_LEN);
  memcpy(c.case_handle, of->case_handle, COR_ID_LEN);
  memcpy(c.referral_id, r->id, COR_ID_LEN);
  memcpy(c.programme, of->programme, sizeof c.programme);
  return store_case_put(q->a->store, &c, err);
}

static void order_offer(const referral *r, const store_case *of, size_t i, compose_order *order,
                        Corridor__V1__Cover *cover) {
  *order = (compose_order){.row = cor_sop_find(COR_T(REFERRAL)),
                           .to = json_string_value(json_array_get(r->candidates, i)),
                           .compartment = COR_C(CASEWORK),
                           .body = r->offer,
                           .path = "/offer",
                           .consent = r->has_consent ? r->consent : NULL,
                           .cover = cover};
  memcpy(order->handle, r->handles[i], COR_ID_LEN);
  corridor__v1__cover__init(cover);
  cover->case_handle = (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)of->case_handle};
  cover->referral_id = (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)r->id};
  cover->basis = r->basis;
  cover->rank = (uint32_t)i + 1;
  cover->n_categories = r->n_listed;
  cover->categories = (Corridor__V1__DataCategory *)r->listed;
}

static bool keep_offers(api_request *q, referral *r, cor_error *err) {
  store_case of;
  compose_order orders[CANDIDATES_MAX];
  Corridor__V1__Cover covers[CANDIDATES_MAX];
  const size_t n = json_array_size(r->candidates);
  size_t at = 0;
  if (!api_case(q, r->name, &of, err)) return false;
  cor_random(r->id, sizeof r->id);
  for (size_t i = 0; i < n; i++) {
    cor_random(r->handles[i], COR_ID_LEN);
    if (!keep_handle(q, r, &of, i, err)) return false;
    order_offer(r, &of, i, &orders[i], &covers[i]);
  }
  const cor_cards *cards = roster_hold(q->a->roster);
  bool ok = compose_act(q->a, cards, orders, n, r->messages, &at, err);
  roster_release(q->a->roster);
  if (!ok && err->path[0] != '/') snprintf(err->path, sizeof err->path, "/candidates/%zu", at);
  return ok;
}

bool api_post_referral(api_request *q, cor_error *err) {
  referral r = {0};
  bool ok = read_referral(q, &r, err) && api_begin(q, err);
  if (ok) ok = api_keep(q, keep_offers(q, &r, err), err);
  cor_message_free(r.offer);
  const size_t n = json_array_size(r.candidates);
  if (!ok || !api_outcome(q, json_pack("{s:o}", "referralId", api_hex(r.id, COR_ID_LEN)), false,
                          (const uint8_t(*)[COR_ID_LEN])r.messages, n, err))
    return false;
  json_t *offers = json_incref(json_object_get(q->reply, "messages")), *one;
  size_t i;
  json_array_foreach(offers, i, one) {
    json_object_set_new(one, "rank", json_integer((json_int_t)i + 1));
    json_object_set_new(one, "handle", api_hex(r.handles[i], COR_ID_LEN));
  }
  json_object_del(q->reply, "messages");
  return json_object_set_new(q->reply, "offers", offers) == 0 ||
         cor_fail(err, COR_INTERNAL, "", "out of memory");
}

/* ---- the provider's answer ---- */

static bool find_offer(api_request *q, const uint8_t id[COR_ID_LEN], store_message *offer, cor_error *err) {
  store_found found = store_message_find(q->a->store, id, offer, err);
  store_message_clear(offer); /* its fixed members are all that is needed */
  if (found == STORE_ERROR) return false;
  if (found == STORE_FOUND && !offer->outgoing && offer->type == COR_T(REFERRAL)) return true;
  return cor_fail(err, COR_NO_SUCH_MESSAGE, "/message",
                  "this office was not sent such an offer; nothing was kept");
}

static bool read_answer(api_request *q, Corridor__V1__ReferralAnswer *answer, cor_error *err) {
  const json_t *accept = json_object_get(q->body, "accept");
  const char *function;
  int reason;
  if (!json_is_boolean(accept))
    return cor_fail(err, COR_MISSING_FIELD, "/accept", "true or false is needed; nothing was kept");
  if (!api_enum(q->body, "reason", &corridor__v1__decline_reason__descriptor, &reason, err) ||
      !api_time(q->body, "firstContactAt", &answer->first_contact_at, err) ||
      !api_text(q->body, "contactFunction", false, &function, err))
    return false;
  answer->answer = json_is_true(accept) ? COR_OUTCOME(YES) : COR_OUTCOME(NO);
  answer->reason = (Corridor__V1__DeclineReason)reason;
  if (function != NULL) answer->contact_function = (char *)function;
  return true;
}

bool api_post_answer(api_request *q, cor_error *err) {
  static const char *const members[] = {"message",        "accept",          "reason",
                                        "firstContactAt", "contactFunction", NULL};
  Corridor__V1__ReferralAnswer answer = CORRIDOR__V1__REFERRAL_ANSWER__INIT;
  uint8_t offer_id[COR_ID_LEN], id[1][COR_ID_LEN];
  bool given;
  store_message offer = {0};
  if (!api_only(q->body, members, err) || !api_id(q->body, "message", true, offer_id, &given, err) ||
      !read_answer(q, &answer, err) || !api_begin(q, err))
    return false;
  bool ok = find_offer(q, offer_id, &offer, err);
  if (ok) {
    compose_order order = {.row = cor_sop_find(COR_T(REFERRAL_ACK)),
                           .to = offer.peer,
                           .compartment = COR_C(CASEWORK),
                           .body = &answer.base,
                           .path = "",
                           .in_reply_to = offer_id};
    memcpy(order.handle, offer.handle, COR_ID_LEN);
    const cor_cards *cards = roster_hold(q->a->roster);
    ok = compose_message(q->a, cards, &order, id[0], err);
    roster_release(q->a->roster);
  }
  if (!api_keep(q, ok, err)) return false;
  return api_outcome(q, json_object(), false, (const uint8_t(*)[COR_ID_LEN])id, 1, err);
}
