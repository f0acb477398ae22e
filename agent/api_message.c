/* api_message.c - sending, listing and showing messages.
 *
 * Guarantees: a case file's parts are kept together or not at all; every wrong
 * field is named by its JSON Pointer in the request; lists show restricted
 * messages only to a holder of their compartment, so that for everyone else they
 * look as if there were none. */
#include "api.h"

#include "corridor/codec.h"
#include "corridor/id.h"
#include "corridor/json.h"
#include "corridor/refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 6 };

typedef struct part {
  Corridor__V1__Compartment compartment;
  ProtobufCMessage *body;
  char path[64];
} part;

typedef struct sending {
  compose_order order; /* what the parts share */
  const char *case_name;
  uint8_t consent[COR_ID_LEN], reply[COR_ID_LEN];
  part parts[PARTS_MAX];
  size_t n;
  release two; /* who releases it together, when two do */
} sending;

static void sending_clear(sending *s) {
  for (size_t i = 0; i < s->n; i++)
    cor_message_free(s->parts[i].body);
}

/* ---- reading ---- */

/* Types whose request does more than send: they have a route of their own. */
static bool has_own_route(const cor_sop_row *row) {
  switch (row->type) {
  case COR_T(REGISTRATION):
  case COR_T(CONSENT_RECORD):
  case COR_T(CONSENT_WITHDRAWAL):
  case COR_T(REFERRAL):
  case COR_T(BASIS_STATEMENT):
  case COR_T(DUPLICATE_ANSWER): return true;
  default: return row->lane == COR_LANE_ATTACHMENT;
  }
}

/* What the agent states of its own doing; from a person's hand it would be a claim that
 * somebody opened what nobody did, or could not. */
static bool says_itself(Corridor__V1__MessageType type) {
  return type == COR_T(CONTENT_STATEMENT) || type == COR_T(ACCESS_STATEMENT);
}

static bool read_type(const json_t *body, sending *s, cor_error *err) {
  const char *name;
  if (!api_text(body, "type", true, &name, err)) return false;
  s->order.row = cor_sop_named(name);
  if (s->order.row == NULL || s->order.row->from_hub)
    return cor_fail(err, COR_UNKNOWN_ENUM, "/type", "no office sends such a message; nothing was kept");
  if (says_itself(s->order.row->type))
    return cor_fail(err, COR_BAD_INPUT, "/type", "the agent itself says a %s; nothing was kept",
                    s->order.row->name);
  if (has_own_route(s->order.row))
    return cor_fail(err, COR_BAD_INPUT, "/type", "%s has a request of its own; nothing was kept",
                    s->order.row->name);
  return true;
}

static bool read_options(const json_t *body, sending *s, cor_error *err) {
  bool consent, reply;
  int basis, purpose, outcome;
  if (!api_text(body, "to", !s->order.row->to_hub, &s->order.to, err) ||
      !api_text(body, "case", true, &s->case_name, err) ||
      !api_id(body, "consent", false, s->consent, &consent, err) ||
      !api_id(body, "inReplyTo", false, s->reply, &reply, err) ||
      !api_enum(body, "basis", &corridor__v1__legal_basis__descriptor, &basis, err) ||
      !api_enum(body, "purpose", &corridor__v1__purpose__descriptor, &purpose, err) ||
      !api_enum(body, "outcome", &corridor__v1__outcome__descriptor, &outcome, err) ||
      !api_categories(body, "categories", &s->order.categories, err) ||
      !api_time(body, "eventAt", &s->order.event_at, err) ||
      !api_time(body, "expiresAt", &s->order.expires_at, err))
    return false;
  if (s->order.to == NULL) s->order.to = "hub";
  s->order.consent = consent ? s->consent : NULL;
  s->order.in_reply_to = reply ? s->reply : NULL;
  s->order.basis = (Corridor__V1__LegalBasis)basis;
  s->order.purpose = (Corridor__V1__Purpose)purpose;
  s->order.outcome = (Corridor__V1__Outcome)outcome;
  return true;
}

static bool add_part(sending *s, Corridor__V1__Compartment c, const json_t *in, const char *path,
                     cor_error *err) {
  part *p = &s->parts[s->n];
  snprintf(p->path, sizeof p->path, "%s", path);
  p->compartment = c;
  p->body = cor_json_read(cor_sop_body(s->order.row->type, c), in, p->path, err);
  if (p->body == NULL) return false;
  s->n++;
  return true;
}

/* A type with several compartments is a bundle: {compartment: part}. */
static bool read_parts(const json_t *body, sending *s, cor_error *err) {
  const json_t *content = json_object_get(body, "body");
  const unsigned compartments = s->order.row->compartments;
  const char *key;
  json_t *value;
  if (!json_is_object(content))
    return cor_fail(err, COR_MISSING_FIELD, "/body", "the message's content is needed; nothing was kept");
  if ((compartments & (compartments - 1)) == 0)
    return add_part(s, (Corridor__V1__Compartment)__builtin_ctz(compartments), content, "/body", err);
  json_object_foreach((json_t *)content, key, value) {
    Corridor__V1__Compartment c;
    char path[64];
    snprintf(path, sizeof path, "/body/%.40s", key);
    if (!cor_compartment_parse(key, &c) || !(compartments & COR_BIT(c)) || s->n == PARTS_MAX)
      return cor_fail(err, COR_BAD_INPUT, path, "this message has no such part; nothing was kept");
    if (!add_part(s, c, value, path, err)) return false;
  }
  return s->n > 0 ||
         cor_fail(err, COR_MISSING_FIELD, "/body", "at least one part is needed; nothing was kept");
}

/* Another person's file must not go out under this case's handle. */
static bool same_case(const store_case *c, const part *p, cor_error *err) {
  const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(p->body->descriptor,
                                                                                          "case_ref");
  char normal[COR_REFERENCE_TEXT], path[80];
  uint8_t hash[COR_HASH_LEN];
  if (field == NULL || !c->has_reference) return true;
  const char *reference = *(const char *const *)(const void *)((const char *)p->body + field->offset);
  if (reference == NULL || !cor_reference_parse(reference, normal)) return true;
  cor_reference_hash(normal, hash);
  if (memcmp(hash, c->reference_hash, sizeof hash) == 0) return true;
  snprintf(path, sizeof path, "%s/caseRef", p->path);
  return cor_fail(err, COR_BAD_INPUT, path, "the reference number belongs to another case; nothing was kept");
}

/* ---- sending ---- */

static bool keep_parts(api_request *q, const sending *s, uint8_t (*ids)[COR_ID_LEN], cor_error *err) {
  store_case c;
  compose_order orders[PARTS_MAX];
  size_t at = 0;
  if (!api_case(q, s->case_name, &c, err)) return false;
  for (size_t i = 0; i < s->n; i++) {
    if (!same_case(&c, &s->parts[i], err)) return false;
    orders[i] = s->order;
    memcpy(orders[i].handle, c.handle, COR_ID_LEN);
    orders[i].compartment = s->parts[i].compartment;
    orders[i].body = s->parts[i].body;
    orders[i].path = s->parts[i].path;
    if (!api_may_speak_of(q, &orders[i], err)) return false;
  }
  const cor_cards *cards = roster_hold(q->a->roster);
  bool ok = compose_act(q->a, cards, orders, s->n, ids, &at, err);
  roster_release(q->a->roster);
  for (size_t i = 0; ok && i < s->n; i++)
    ok = api_note_sender(q, s->order.basis, ids[i], err);
  /* Of a bundle, say which part: header fields have no pointer of their own. */
  if (!ok && s->n > 1 && err->path[0] != '/') snprintf(err->path, sizeof err->path, "%s", s->parts[at].path);
  return ok;
}

/* Slow by design: before the store is held. */
static bool read_release(api_request *q, sending *s, cor_error *err) {
  unsigned compartments = 0;
  if (!q->has_second) return true;
  for (size_t i = 0; i < s->n; i++)
    compartments |= COR_BIT(s->parts[i].compartment);
  s->order.two = &s->two;
  return release_by(q->a, &q->holder, &q->second, compartments, &s->two, err);
}

bool api_post_message(api_request *q, cor_error *err) {
  static const char *const members[] = {"type",       "to",        "case",    "body",    "consent",
                                        "basis",      "inReplyTo", "eventAt", "outcome", "purpose",
                                        "categories", "expiresAt", NULL};
  sending s = {.n = 0};
  uint8_t ids[PARTS_MAX][COR_ID_LEN];
  bool ok = api_only(q->body, members, err) && read_type(q->body, &s, err) &&
            read_options(q->body, &s, err) && read_parts(q->body, &s, err) && read_release(q, &s, err) &&
            api_needs_name(q, s.order.basis, err) && api_begin(q, err);
  if (ok) ok = api_keep(q, keep_parts(q, &s, ids, err), err);
  const size_t n = s.n;
  sending_clear(&s);
  return ok && api_outcome(q, json_object(), false, (const uint8_t(*)[COR_ID_LEN])ids, n, err);
}

/* ---- listing and showing ---- */

static bool add_message(const store_message *m, void *ctx) {
  json_array_append_new(ctx, api_message_json(m));
  return true;
}

bool api_get_messages(api_request *q, cor_error *err) {
  store_filter filter;
  store_case c;
  if (!api_filter(q, &filter, err)) return false;
  json_t *list = json_array();
  bool ok = store_begin(q->a->store, err);
  if (ok) {
    ok = api_filter_case(q, &filter, &c, err) &&
         store_message_list(q->a->store, &filter, add_message, list, err);
    store_rollback(q->a->store);
  }
  q->reply = json_pack("{s:o}", "messages", list);
  return ok;
}

/* One that a list would not show this asker is not there for them: who has heard of its
 * id learns no more of it. */
bool api_find_message(api_request *q, store_message *m, cor_error *err) {
  uint8_t id[COR_ID_LEN];
  if (!cor_id_parse(q->arg, id)) return cor_fail(err, COR_BAD_INPUT, "/messageId", "an id is 32 hex digits");
  if (!store_begin(q->a->store, err)) return false;
  store_found found = store_message_find(q->a->store, id, m, err);
  store_rollback(q->a->store);
  if (found == STORE_FOUND && !(COR_BIT(m->compartment) & q->visible)) {
    store_message_clear(m);
    found = STORE_ABSENT;
  }
  if (found == STORE_ABSENT)
    return cor_fail(err, COR_NO_SUCH_MESSAGE, "/messageId", "this office has no such message");
  return found == STORE_FOUND;
}

/* The asker's own fault is the answer; the message's fault is part of it. */
static bool asker_at_fault(int code) {
  return code == COR_NOT_PERMITTED || code == COR_WRONG_PASSPHRASE || code == COR_KEY_FILE_EXPOSED ||
         code == COR_LIMIT_REACHED || code == COR_INTERNAL || code == COR_DISK_FULL;
}

static bool add_content(api_request *q, const store_message *m, json_t *reply, cor_error *err) {
  if (!q->named && m->compartment != COR_C(RECORD)) return true;
  json_t *content = open_content(q->a, m, q->named ? &q->holder : NULL, err);
  if (content != NULL) return json_object_set_new(reply, "content", content) == 0;
  if (asker_at_fault(err->code)) return false;
  json_object_set_new(reply, "contentError", api_error_json(q->a, q->language, err));
  return true;
}

bool api_get_outcome(api_request *q, cor_error *err) {
  store_message m = {0};
  uint8_t ids[1][COR_ID_LEN];
  if (!api_find_message(q, &m, err)) return false;
  const bool sent = m.outgoing;
  memcpy(ids[0], m.id, COR_ID_LEN);
  store_message_clear(&m);
  if (!sent) return cor_fail(err, COR_BAD_INPUT, "/messageId", "this office received it; it has no outcome");
  return api_outcome(q, json_object(), true, (const uint8_t(*)[COR_ID_LEN])ids, 1, err);
}

/* What was said of it since, so that nobody acts on what was corrected or is not to be used. */
static bool add_note(api_request *q, const store_message *m, json_t *reply, cor_error *err) {
  store_note note;
  if (m->outgoing) return true;
  if (!store_begin(q->a->store, err)) return false;
  bool ok = store_note_get(q->a->store, m->id, &note, err);
  store_rollback(q->a->store);
  if (!ok) return false;
  if (note.restricted_at != 0)
    json_object_set_new(reply, "restrictedSince", api_time_json(note.restricted_at));
  if (note.replaced) json_object_set_new(reply, "replacedBy", api_id_json(note.replaced_by));
  return true;
}

bool api_get_message(api_request *q, cor_error *err) {
  store_message m = {0};
  if (!api_find_message(q, &m, err)) return false;
  Corridor__V1__Header *header = open_header(&m, err);
  json_t *reply = api_message_json(&m);
  bool ok = header != NULL;
  if (ok) {
    json_object_set_new(reply, "header", cor_json_write(&header->base));
    if (m.code != COR_OK) json_object_set_new(reply, "refusal", json_string(cor_refusal_of(m.code)->name));
    ok = add_note(q, &m, reply, err) && add_content(q, &m, reply, err);
    cor_message_free(&header->base);
  }
  store_message_clear(&m);
  if (ok)
    q->reply = reply;
  else
    json_decref(reply);
  return ok;
}
