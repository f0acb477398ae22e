/* api_basis.c - what goes out without the person's consent, and the account of it.
 *
 * For: the officer who sends on a mental-health professional's decision, and the second
 * person who counter-signs and reviews. Guarantees: such a message has a holder's name,
 * proved by passphrase, kept with it and in this office alone; neither statement comes
 * from that same holder; both come from somebody who can read the message, and who
 * cannot is told what one is told of a message that does not exist, after the same work.
 * Nothing here holds the message up. Trusts the hub for what it does with a statement. */
#include "api.h"

#include "corridor/codec.h"
#include "corridor/id.h"
#include "corridor/refusal.h"

#include <stdlib.h>
#include <string.h>

bool api_needs_name(api_request *q, Corridor__V1__LegalBasis basis, cor_error *err) {
  return cor_basis_find(basis) == NULL || held_compartments(q->a, q->named ? &q->holder : NULL, err) != 0;
}

static bool note_name(api_request *q, const uint8_t id[COR_ID_LEN], cor_error *err) {
  store_message m;
  store_found found = store_message_find(q->a->store, id, &m, err);
  if (found == STORE_ABSENT) (void)cor_fail(err, COR_INTERNAL, "", "a message just kept is not in the store");
  if (found != STORE_FOUND) return false;
  const bool ok = store_signed_put(q->a->store, &m, q->holder.user, m.sent_at, err);
  store_message_clear(&m);
  return ok;
}

bool api_note_sender(api_request *q, Corridor__V1__LegalBasis basis, const uint8_t id[COR_ID_LEN],
                     cor_error *err) {
  return cor_basis_find(basis) == NULL || note_name(q, id, err);
}

/* ---- the list ---- */

static const char *const statement_member[] = {
    [CORRIDOR__V1__BASIS_STEP__COUNTER_SIGNED] = "counterSignature",
    [CORRIDOR__V1__BASIS_STEP__REVIEWED] = "review"};

static json_t *entry_of(json_t *list, const uint8_t id[COR_ID_LEN]) {
  json_t *wanted = api_id_json(id), *one, *found = NULL;
  size_t i;
  json_array_foreach(list, i, one) {
    if (json_equal(json_object_get(one, "messageId"), wanted)) found = one;
  }
  json_decref(wanted);
  return found;
}

/* What the hub refused was not said. The last word of a step stands. */
static void add_statement(json_t *list, const store_message *m, const char *user) {
  cor_error ignored;
  Corridor__V1__BasisStatement *body = (Corridor__V1__BasisStatement *)cor_decode(
      &corridor__v1__basis_statement__descriptor, cor_buf_view(&m->body), COR_CONTROL_MAX, true, &ignored);
  json_t *entry = body == NULL || m->state == STORE_REFUSED ? NULL : entry_of(list, body->message_id.data);
  if (entry != NULL)
    json_object_set_new(entry, statement_member[body->step],
                        json_pack("{s:o, s:s, s:o, s:s}", "result",
                                  api_enum_json(&corridor__v1__basis_result__descriptor, (int)body->result),
                                  "by", user, "at", api_time_json(m->sent_at), "state",
                                  store_state_name(m->state)));
  cor_message_free((ProtobufCMessage *)body);
}

static bool add_signed(const store_message *m, const char *user, void *ctx) {
  cor_error ignored;
  if (m->type == COR_T(BASIS_STATEMENT)) {
    add_statement(ctx, m, user);
    return true;
  }
  Corridor__V1__Header *header = open_header(m, &ignored);
  if (header == NULL) return true;
  json_t *one = api_message_json(m);
  json_object_set_new(one, "basis",
                      api_enum_json(&corridor__v1__legal_basis__descriptor, (int)header->basis));
  json_object_set_new(one, "sentBy", json_string(user));
  json_object_set_new(one, "counterSignature", json_null());
  json_object_set_new(one, "review", json_null());
  json_array_append_new(ctx, one);
  cor_message_free(&header->base);
  return true;
}

/* Something is still to be said of it. */
static bool is_owed(const json_t *one) {
  const char *name = json_string_value(json_object_get(one, "basis"));
  const char *state = json_string_value(json_object_get(one, "state"));
  const ProtobufCEnumValue *value = name == NULL ? NULL
                                                 : protobuf_c_enum_descriptor_get_value_by_name(
                                                       &corridor__v1__legal_basis__descriptor, name);
  const cor_basis_row *row = value == NULL ? NULL : cor_basis_find((Corridor__V1__LegalBasis)value->value);
  bool owed = false;
  if (state != NULL && strcmp(state, store_state_name(STORE_REFUSED)) == 0) return false;
  for (size_t i = 0; row != NULL && i < sizeof row->opens / sizeof *row->opens; i++)
    owed = owed ||
           (row->opens[i] == COR_DUTY_COUNTER_SIGNATURE &&
            json_is_null(json_object_get(one, "counterSignature"))) ||
           (row->opens[i] == COR_DUTY_REVIEW && json_is_null(json_object_get(one, "review")));
  return owed;
}

bool api_get_exceptions(api_request *q, cor_error *err) {
  const char *all = api_query(q, "all");
  json_t *list = json_array(), *shown = json_array(), *one;
  size_t i;
  bool ok = store_begin(q->a->store, err);
  if (ok) {
    ok = store_signed_list(q->a->store, q->visible, add_signed, list, err);
    store_rollback(q->a->store);
  }
  json_array_foreach(list, i, one) {
    if (is_owed(one) || (all != NULL && strcmp(all, "1") == 0)) json_array_append(shown, one);
  }
  json_decref(list);
  q->reply = json_pack("{s:o}", "exceptions", shown);
  return ok;
}

/* ---- a statement ---- */

typedef struct statement {
  Corridor__V1__BasisStatement body;
  uint8_t about[COR_ID_LEN], consent[COR_ID_LEN];
} statement;

static bool read_statement(api_request *q, statement *s, cor_error *err) {
  static const char *const members[] = {"step", "result", "consent", NULL};
  int step, result;
  bool consent;
  corridor__v1__basis_statement__init(&s->body);
  if (!api_only(q->body, members, err) ||
      !api_enum(q->body, "step", &corridor__v1__basis_step__descriptor, &step, err) ||
      !api_enum(q->body, "result", &corridor__v1__basis_result__descriptor, &result, err) ||
      !api_id(q->body, "consent", false, s->consent, &consent, err))
    return false;
  if (!cor_id_parse(q->arg, s->about))
    return cor_fail(err, COR_BAD_INPUT, "/messageId", "an id is 32 hex digits; nothing was kept");
  if (step == 0 || result == 0)
    return cor_fail(err, COR_MISSING_FIELD, step == 0 ? "/step" : "/result",
                    "this member is needed; nothing was kept");
  if (consent != (result == CORRIDOR__V1__BASIS_RESULT__CONSENT_OBTAINED))
    return cor_fail(err, consent ? COR_BAD_INPUT : COR_MISSING_FIELD, "/consent",
                    "the consent obtained since is named, and none otherwise; nothing was kept");
  s->body.message_id = (ProtobufCBinaryData){COR_ID_LEN, s->about};
  s->body.step = (Corridor__V1__BasisStep)step;
  s->body.result = (Corridor__V1__BasisResult)result;
  if (consent) s->body.consent_id = (ProtobufCBinaryData){COR_ID_LEN, s->consent};
  return true;
}

/* Sent from here without consent, and readable by who asks. In a transaction. */
static bool find_about(api_request *q, const statement *s, unsigned held, store_message *m, cor_error *err) {
  store_found found = store_message_find(q->a->store, s->about, m, err);
  if (found == STORE_ERROR) return false;
  bool fits = found == STORE_FOUND && m->outgoing && (COR_BIT(m->compartment) & held);
  Corridor__V1__Header *header = fits ? open_header(m, err) : NULL;
  fits = header != NULL && cor_basis_find(header->basis) != NULL;
  cor_message_free((ProtobufCMessage *)header);
  store_message_clear(m); /* its fixed members are all that is needed */
  if (!fits)
    return cor_fail(err, COR_NO_SUCH_MESSAGE, "/messageId",
                    "this office sent no such message without consent; nothing was kept");
  return (m->state != STORE_QUEUED && m->state != STORE_REFUSED) ||
         cor_fail(err, COR_PRECONDITION_MISSING, "/messageId",
                  "the hub has not taken that message, so nobody was told; nothing was kept");
}

static bool by_another(api_request *q, const store_message *about, cor_error *err) {
  char sender[COR_USER_MAX + 1];
  if (!store_signed_get(q->a->store, about, sender, err)) return false;
  return strcmp(sender, q->holder.user) != 0 ||
         cor_fail(err, COR_SAME_PERSON, "",
                  "who sent it neither counter-signs nor reviews it; nothing was kept");
}

static bool keep_statement(api_request *q, const statement *s, unsigned held, uint8_t id[COR_ID_LEN],
                           cor_error *err) {
  store_message about;
  if (!find_about(q, s, held, &about, err) || !by_another(q, &about, err)) return false;
  compose_order order = {.row = cor_sop_find(COR_T(BASIS_STATEMENT)),
                         .to = "hub",
                         .compartment = COR_C(RECORD),
                         .filed_under = (Corridor__V1__Compartment)about.compartment,
                         .body = &s->body.base,
                         .path = "",
                         .in_reply_to = s->about};
  memcpy(order.handle, about.handle, COR_ID_LEN);
  const cor_cards *cards = roster_hold(q->a->roster);
  const bool made = compose_message(q->a, cards, &order, id, err);
  roster_release(q->a->roster);
  return made && note_name(q, id, err);
}

bool api_post_statement(api_request *q, cor_error *err) {
  statement s;
  uint8_t id[1][COR_ID_LEN];
  if (!read_statement(q, &s, err)) return false;
  const unsigned held = held_compartments(q->a, q->named ? &q->holder : NULL, err);
  if (held == 0 || !api_begin(q, err) || !api_keep(q, keep_statement(q, &s, held, id[0], err), err))
    return false;
  return api_outcome(q, json_object(), true, (const uint8_t(*)[COR_ID_LEN])id, 1, err);
}
