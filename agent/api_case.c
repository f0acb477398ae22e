/* api_case.c - registering a case, and what is known of cases here.
 *
 * Guarantees: the reference number and the withdrawal code leave this function
 * once, in the answer to whoever registered, and that answer waits for nothing
 * but our own commit: who is cut off while the hub is away has them already. The
 * store gets the number's hash, the hub both hashes, and nobody the code. */
#include "api.h"

#include "corridor/gate.h"
#include "corridor/id.h"
#include "corridor/refusal.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

typedef struct registration {
  Corridor__V1__Registration body;
  char reference[COR_REFERENCE_TEXT], code[COR_REFERENCE_TEXT];
  uint8_t handle[COR_ID_LEN], reference_hash[COR_HASH_LEN], withdrawal_hash[COR_HASH_LEN];
} registration;

static bool read_registration(api_request *q, registration *r, cor_error *err) {
  static const char *const members[] = {"origin",       "programme",     "returnType", "declaredOn",
                                        "slipLanguage", "slipTelephone", NULL};
  const char *origin, *programme, *declared;
  int return_type;
  int32_t day;
  if (!api_only(q->body, members, err) || !api_text(q->body, "origin", true, &origin, err) ||
      !api_text(q->body, "programme", true, &programme, err) ||
      !api_text(q->body, "declaredOn", true, &declared, err) ||
      !api_enum(q->body, "returnType", &corridor__v1__return_type__descriptor, &return_type, err))
    return false;
  if (return_type == 0)
    return cor_fail(err, COR_MISSING_FIELD, "/returnType", "this member is needed; nothing was kept");
  if (!cor_office_valid(origin))
    return cor_fail(err, COR_BAD_INPUT, "/origin", "not an office id; nothing was kept");
  if (!cor_day_parse(declared, &day))
    return cor_fail(err, COR_BAD_INPUT, "/declaredOn", "a day is YYYY-MM-DD; nothing was kept");
  if (strlen(programme) >= sizeof((store_case *)0)->programme)
    return cor_fail(err, COR_TOO_LARGE, "/programme", "a programme code is shorter; nothing was kept");
  corridor__v1__registration__init(&r->body);
  cor_random(r->handle, sizeof r->handle);
  cor_reference_new(r->reference);
  cor_code_new(r->code);
  cor_reference_hash(r->reference, r->reference_hash);
  cor_withdrawal_hash(r->reference, r->code, r->withdrawal_hash);
  r->body.programme = (char *)programme;
  r->body.return_type = (Corridor__V1__ReturnType)return_type;
  r->body.origin_office = (char *)origin;
  r->body.reference_hash = (ProtobufCBinaryData){COR_HASH_LEN, r->reference_hash};
  r->body.withdrawal_hash = (ProtobufCBinaryData){COR_HASH_LEN, r->withdrawal_hash};
  r->body.declared_on = day;
  return true;
}

/* Records need no agreement, so the gate lets a registration pass; but a case
 * that no agreement covers could never send anything. */
static bool agreed(api_request *q, const cor_cards *cards, const registration *r, cor_error *err) {
  return cor_gate_agreed(cor_cards_list(cards), q->a->office.id, r->body.origin_office, r->body.programme,
                         cor_clock_now(q->a->clock)) ||
         cor_fail(err, COR_NO_AGREEMENT, "/programme",
                  "no agreement in force binds this office and the origin office for this programme; nothing "
                  "was kept");
}

static bool register_case(api_request *q, registration *r, uint8_t id[COR_ID_LEN], cor_error *err) {
  compose_order order = {.row = cor_sop_find(COR_T(REGISTRATION)),
                         .to = "hub",
                         .compartment = COR_C(RECORD),
                         .body = &r->body.base,
                         .path = ""};
  store_case c = {.kind = COR_HANDLE_CASE,
                  .own = true,
                  .has_reference = true,
                  .since = cor_clock_now(q->a->clock),
                  .last_type = COR_T(REGISTRATION)};
  memcpy(order.handle, r->handle, COR_ID_LEN);
  memcpy(c.handle, r->handle, COR_ID_LEN);
  memcpy(c.case_handle, r->handle, COR_ID_LEN);
  memcpy(c.reference_hash, r->reference_hash, COR_HASH_LEN);
  snprintf(c.programme, sizeof c.programme, "%s", r->body.programme);
  if (!api_begin(q, err)) return false;
  const cor_cards *cards = roster_hold(q->a->roster);
  bool ok = agreed(q, cards, r, err) && compose_message(q->a, cards, &order, id, err) &&
            store_case_put(q->a->store, &c, err);
  roster_release(q->a->roster);
  return api_keep(q, ok, err);
}

/* What the registering office gets to see, once. */
static json_t *identity(const registration *r, const slip *words, const char *phone) {
  json_t *out = json_pack("{s:o, s:s, s:s}", "handle", api_hex(r->handle, COR_ID_LEN), "reference",
                          r->reference, "withdrawalCode", r->code);
  if (words != NULL) json_object_set_new(out, "slip", slip_write(words, r->reference, r->code, phone));
  return out;
}

bool api_post_case(api_request *q, cor_error *err) {
  registration r = {0};
  uint8_t id[COR_ID_LEN];
  slip *words = NULL;
  const char *phone;
  bool ok = read_registration(q, &r, err) && api_slip_words(q, false, &words, &phone, err) &&
            register_case(q, &r, id, err);
  if (ok) ok = api_at_once(q, identity(&r, words, phone), id, err);
  slip_destroy(&words);
  OPENSSL_cleanse(&r, sizeof r);
  return ok;
}

/* ---- lists ---- */

/* What this office is to the case or referral. */
static const char *role_word(const store_case *c) {
  if (c->kind == COR_HANDLE_REFERRAL) return c->own ? "referrer" : "provider";
  return c->own ? "registrar" : "recipient";
}

static bool add_case(const store_case *c, void *ctx) {
  const bool of_case = memcmp(c->handle, c->case_handle, COR_ID_LEN) != 0;
  json_array_append_new(
      ctx,
      json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:b}", "handle", api_hex(c->handle, COR_ID_LEN), "kind",
                c->kind == COR_HANDLE_REFERRAL ? "referral" : "case", "role", role_word(c), "case",
                of_case ? api_hex(c->case_handle, COR_ID_LEN) : json_null(), "since", api_time_json(c->since),
                "lastType", api_type_json(c->last_type), "withdrawn", c->withdrawn ? 1 : 0));
  return true;
}

bool api_get_cases(api_request *q, cor_error *err) {
  json_t *list = json_array();
  bool ok = store_begin(q->a->store, err);
  if (ok) {
    ok = store_case_list(q->a->store, add_case, list, err);
    store_rollback(q->a->store);
  }
  q->reply = json_pack("{s:o}", "cases", list);
  return ok;
}

typedef struct event_list {
  json_t *list;
  const store_case *of;
} event_list;

static bool add_event(const store_event *e, void *ctx) {
  event_list *out = ctx;
  json_t *one = json_pack("{s:o, s:s, s:o, s:s, s:s, s:o, s:o, s:s}", "at", api_time_json(e->at), "event",
                          e->event, "type", api_type_json(e->type), "direction", e->outgoing ? "out" : "in",
                          "peer", e->peer, "compartment",
                          api_enum_json(&corridor__v1__compartment__descriptor, e->compartment), "messageId",
                          api_id_json(e->message_id), "detail", e->detail);
  if (memcmp(e->handle, out->of->handle, COR_ID_LEN) != 0)
    json_object_set_new(one, "referral", api_hex(e->handle, COR_ID_LEN));
  json_array_append_new(out->list, one);
  return true;
}

bool api_get_timeline(api_request *q, cor_error *err) {
  store_case c;
  event_list out = {.list = json_array(), .of = &c};
  bool ok = store_begin(q->a->store, err);
  if (ok) {
    ok = api_case(q, q->arg, &c, err) &&
         store_event_list(q->a->store, c.handle, q->visible, add_event, &out, err);
    store_rollback(q->a->store);
  }
  if (ok) q->reply = json_pack("{s:o, s:O}", "handle", api_hex(c.handle, COR_ID_LEN), "events", out.list);
  json_decref(out.list);
  return ok;
}
