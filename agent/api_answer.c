/* api_answer.c - what the interface answers: errors with their sentence, ids,
 * times and states in one form, and the outcome of messages just kept.
 *
 * Guarantees: an outcome tells "kept" only for what is committed. Waiting holds
 * no lock; a caller that waits learns of the change from the thread that
 * committed it. */
#include "api.h"
#include "link.h"

#include "corridor/codec.h"
#include "corridor/id.h"
#include "corridor/json.h"
#include "corridor/refusal.h"

#include <stdlib.h>
#include <string.h>

enum { WAIT_DEFAULT_S = 10, WAIT_MAX_S = 60 };

json_t *api_hex(const uint8_t *bytes, size_t len) {
  char text[COR_HEX64_TEXT];
  return json_string(cor_hex((cor_bytes){bytes, len}, text, sizeof text));
}

json_t *api_id_json(const uint8_t id[COR_ID_LEN]) {
  char text[COR_ID_TEXT];
  return json_string(cor_id_text(id, text));
}

json_t *api_time_json(int64_t ms) {
  char text[COR_TIME_TEXT];
  return ms == 0 ? json_null() : json_string(cor_time_text(ms, text));
}

json_t *api_enum_json(const ProtobufCEnumDescriptor *type, int value) {
  const ProtobufCEnumValue *row = protobuf_c_enum_descriptor_get_value(type, value);
  return row == NULL ? json_null() : json_string(row->name);
}

json_t *api_type_json(int type) {
  const cor_sop_row *row = cor_sop_find((Corridor__V1__MessageType)type);
  return row == NULL ? json_null() : json_string(row->name);
}

json_t *api_error_json(const agent *a, const char *language, const cor_error *err) {
  const cor_refusal *row = cor_refusal_of(err->code);
  return json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:[]}", "code", row->name, "path", err->path, "rule",
                   row->rule, "retry", row->retry ? 1 : 0, "sentence", agent_sentence(a, language, err->code),
                   "detail", err->detail, "kept");
}

json_t *api_message_json(const store_message *m) {
  json_t *out = json_pack(
      "{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:s, s:b}", "messageId", api_id_json(m->id), "type",
      api_type_json(m->type), "case", api_hex(m->handle, COR_ID_LEN), m->outgoing ? "to" : "from", "",
      "compartment", api_enum_json(&corridor__v1__compartment__descriptor, m->compartment), "sentAt",
      api_time_json(m->sent_at), m->outgoing ? "settledAt" : "receivedAt", api_time_json(m->settled_at),
      "state", store_state_name(m->state), "late", m->late ? 1 : 0);
  json_object_set_new(out, m->outgoing ? "to" : "from", json_string(m->peer));
  return out;
}

/* ---- outcome ---- */

static json_t *receipt_json(const store_message *m) {
  cor_error ignored;
  json_t *out = NULL;
  ProtobufCMessage *receipt = NULL;
  Corridor__V1__SignedContent *in = (Corridor__V1__SignedContent *)cor_decode(
      &corridor__v1__signed_content__descriptor, cor_buf_view(&m->receipt), COR_HEADER_MAX, true, &ignored);
  if (in != NULL) {
    const cor_bytes content = {in->content.data, in->content.len};
    receipt = cor_decode(m->outgoing ? &corridor__v1__admission_receipt__descriptor
                                     : &corridor__v1__delivery_receipt__descriptor,
                         content, COR_HEADER_MAX, true, &ignored);
    cor_message_free(&in->base);
  }
  if (receipt != NULL) out = cor_json_write(receipt);
  cor_message_free(receipt);
  return out;
}

/* *kept: why a message still is where it was, COR_OK if none is. */
static bool add_outcome(api_request *q, json_t *list, const uint8_t *id, int *refused, int *kept,
                        cor_error *err) {
  store_message m;
  store_found found = store_message_find(q->a->store, id, &m, err);
  if (found == STORE_ABSENT) (void)cor_fail(err, COR_INTERNAL, "", "a message just kept is not in the store");
  if (found != STORE_FOUND) return false;
  if (m.state == STORE_QUEUED) found = store_out_suspended(q->a->store, id, err);
  if (found == STORE_ERROR) {
    store_message_clear(&m);
    return false;
  }
  if (m.state == STORE_QUEUED && found == STORE_FOUND) m.code = COR_CASE_SUSPENDED; /* or one before it */
  json_t *one = api_message_json(&m);
  if (m.receipt.len > 0) json_object_set_new(one, "receipt", receipt_json(&m));
  if (m.code != COR_OK) {
    const cor_refusal *row = cor_refusal_of(m.code);
    json_object_set_new(one, "refusal",
                        json_pack("{s:s, s:b, s:s, s:s}", "code", row->name, "retry", row->retry ? 1 : 0,
                                  "rule", row->rule, "sentence", agent_sentence(q->a, q->language, m.code)));
  }
  if (m.state == STORE_REFUSED && *refused == COR_OK) *refused = m.code;
  if (m.state == STORE_QUEUED && *kept != COR_CASE_SUSPENDED)
    *kept = m.code == COR_CASE_SUSPENDED ? m.code : COR_KEPT_NOT_SENT;
  json_array_append_new(list, one);
  store_message_clear(&m);
  return true;
}

static json_t *look(api_request *q, const uint8_t (*ids)[COR_ID_LEN], size_t n, int *refused, int *kept,
                    cor_error *err) {
  json_t *list = json_array();
  bool ok = store_begin(q->a->store, err);
  *refused = *kept = COR_OK;
  if (ok) {
    for (size_t i = 0; ok && i < n; i++)
      ok = add_outcome(q, list, ids[i], refused, kept, err);
    store_rollback(q->a->store);
  }
  if (ok) return list;
  json_decref(list);
  return NULL;
}

int64_t api_wait_until(api_request *q) {
  const char *text = api_query(q, "wait");
  long seconds = text == NULL || text[0] == '\0' ? WAIT_DEFAULT_S : strtol(text, NULL, 10);
  if (seconds < 0) seconds = 0;
  if (seconds > WAIT_MAX_S) seconds = WAIT_MAX_S;
  return cor_clock_monotonic_ms() + seconds * 1000;
}

void api_add_code(api_request *q, json_t *reply, int code) {
  const cor_error err = {.code = code};
  json_t *error = api_error_json(q->a, q->language, &err);
  json_object_update(reply, error);
  json_decref(error);
  q->status = (unsigned)cor_refusal_of(code)->http;
}

static void add_code(api_request *q, json_t *reply, int code, const json_t *list) {
  json_t *one;
  size_t i;
  api_add_code(q, reply, code);
  json_array_foreach(list, i, one) {
    const char *state = json_string_value(json_object_get(one, "state"));
    if (state != NULL && strcmp(state, "queued") == 0)
      json_array_append(json_object_get(reply, "kept"), json_object_get(one, "messageId"));
  }
}

static bool outcome(api_request *q, json_t *reply, bool flat, const uint8_t (*ids)[COR_ID_LEN], size_t n,
                    int64_t deadline, cor_error *err) {
  int refused, kept;
  bool more = true;
  json_t *list;
  for (;;) {
    const uint64_t seen = store_version(q->a->store);
    list = look(q, ids, n, &refused, &kept, err);
    if (list == NULL) {
      json_decref(reply);
      return false;
    }
    if (kept != COR_KEPT_NOT_SENT || !more) break; /* a suspension outlasts every wait */
    json_decref(list);
    more = store_wait(q->a->store, seen, deadline) && cor_clock_monotonic_ms() < deadline;
  }
  if (refused != COR_OK)
    add_code(q, reply, refused, list);
  else if (kept != COR_OK)
    add_code(q, reply, kept, list);
  if (flat)
    json_object_update_missing(reply, json_array_get(list, 0));
  else
    json_object_set(reply, "messages", list);
  json_decref(list);
  q->reply = reply;
  return true;
}

bool api_outcome(api_request *q, json_t *reply, bool flat, const uint8_t (*ids)[COR_ID_LEN], size_t n,
                 cor_error *err) {
  return outcome(q, reply, flat, ids, n, api_wait_until(q), err);
}

bool api_at_once(api_request *q, json_t *reply, const uint8_t id[COR_ID_LEN], cor_error *err) {
  uint8_t ids[1][COR_ID_LEN];
  memcpy(ids[0], id, COR_ID_LEN);
  return outcome(q, reply, true, (const uint8_t(*)[COR_ID_LEN])ids, 1, cor_clock_monotonic_ms(), err);
}

bool api_begin(api_request *q, cor_error *err) {
  if (!store_begin(q->a->store, err)) return false;
  if (store_room(q->a->store, err)) return true;
  store_rollback(q->a->store);
  return false;
}

bool api_keep(api_request *q, bool ok, cor_error *err) {
  if (!ok) {
    store_rollback(q->a->store);
    return false;
  }
  if (!store_commit(q->a->store, err)) return false;
  /* Kept, and only now: from here on the message survives any crash. */
  store_announce(q->a->store);
  if (q->a->link != NULL) link_wake(q->a->link);
  return true;
}
