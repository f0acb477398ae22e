/* api_attachment.c - files that go with a case: sent, listed, looked at, saved.
 *
 * Guarantees: a file's kind is found from its bytes before anything is kept, and all
 * of it is kept or nothing; lists show an attachment of a restricted compartment only
 * to a holder of its key, who alone may know that there is one; the bytes of a file
 * go out only when all of it is here and was found whole (open_attachment.c). While
 * a caller waits for the hub, the file is no longer in memory. */
#include "api.h"
#include "compose_attachment.h"
#include "open_attachment.h"

#include "corridor/id.h"
#include "corridor/refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a part costs in the store, sealed, with its envelope and rows. */
enum { PART_KEPT = 72 * 1024 };

typedef struct sending {
  compose_order order;
  compose_file file;
  release two;
  const char *case_name;
  uint8_t consent[COR_ID_LEN], belongs_to[COR_ID_LEN];
} sending;

/* ---- reading ---- */

static bool read_place(api_request *q, sending *s, cor_error *err) {
  const char *name;
  if (!api_query_needed(q, "case", &s->case_name, err) || !api_query_needed(q, "to", &s->order.to, err) ||
      !api_query_needed(q, "compartment", &name, err))
    return false;
  return cor_compartment_parse(name, &s->order.compartment) ||
         cor_fail(err, COR_BAD_INPUT, "/compartment", "there is no such compartment; nothing was kept");
}

/* By what it goes with: a case file, a handover, a service report. */
static bool choose_row(const store_case *c, sending *s, cor_error *err) {
  const bool referral = c->kind == COR_HANDLE_REFERRAL;
  if (referral) s->order.row = cor_sop_find(c->own ? COR_T(HANDOVER_ATTACHMENT) : COR_T(REPORT_ATTACHMENT));
  return (s->order.row->compartments & COR_BIT(s->order.compartment)) ||
         cor_fail(err, COR_BAD_INPUT, "/compartment", "an attachment of a %s; nothing was kept",
                  referral ? "referral goes to casework" : "case goes to operations, casework or health");
}

static bool read_options(api_request *q, sending *s, cor_error *err) {
  bool consent, belongs;
  const char *needed;
  int title;
  if (!api_query_needed(q, "title", &needed, err) ||
      !api_query_enum(q, "title", &corridor__v1__attachment_title__descriptor, &title, err) ||
      !api_query_id(q, "consent", s->consent, &consent, err) ||
      !api_query_id(q, "message", s->belongs_to, &belongs, err))
    return false;
  s->file.title = (Corridor__V1__AttachmentTitle)title;
  s->order.consent = consent ? s->consent : NULL;
  s->file.belongs_to = belongs ? s->belongs_to : NULL;
  return true;
}

#define MEDICAL (COR_BIT(COR_CAT(HEALTH_DATA)) | COR_BIT(COR_CAT(MENTAL_HEALTH)))

/* By another name it would pass without the consent, the memorandum and the permission
 * that health data needs. */
static bool says_medical(const compose_order *order, cor_error *err) {
  return order->compartment != COR_C(HEALTH) || (order->categories & MEDICAL) ||
         cor_fail(err, COR_BAD_INPUT, "/categories",
                  "what goes to health is HEALTH_DATA or MENTAL_HEALTH at least; nothing was kept");
}

/* What a file is about cannot be read off it: the least that the compartment is for,
 * unless the caller says what else. */
static bool read_categories(api_request *q, sending *s, cor_error *err) {
  const char *text = api_query(q, "categories");
  char word[32];
  s->order.categories = COR_BIT(COR_CAT(BIODATA));
  if (s->order.compartment == COR_C(HEALTH)) s->order.categories |= COR_BIT(COR_CAT(HEALTH_DATA));
  if (text == NULL) return true;
  for (s->order.categories = 0; *text != '\0'; text += *text == ',') {
    const size_t len = strcspn(text, ",");
    snprintf(word, sizeof word, "%.*s", (int)(len < sizeof word ? len : sizeof word - 1), text);
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value_by_name(
        &corridor__v1__data_category__descriptor, word);
    if (value == NULL || value->value <= 0)
      return cor_fail(err, COR_UNKNOWN_ENUM, "/categories", "%.31s is not a data category; nothing was kept",
                      word);
    s->order.categories |= COR_BIT(value->value);
    text += len;
  }
  if (s->order.categories == 0)
    return cor_fail(err, COR_BAD_INPUT, "/categories", "names no data category; nothing was kept");
  return says_medical(&s->order, err);
}

static bool read_file(api_request *q, sending *s, cor_error *err) {
  if (q->file->len == 0)
    return cor_fail(err, COR_MISSING_FIELD, "", "the request has no file; nothing was kept");
  s->file.bytes = cor_buf_view(q->file);
  return cor_attachment_kind(s->file.bytes, &s->file.kind, err);
}

/* ---- sending ---- */

/* The message it belongs to is one of the same case, sent or received here; one that the
 * asker may not know of is as if it were not. */
static bool belongs_here(api_request *q, const sending *s, cor_error *err) {
  store_message m;
  if (s->file.belongs_to == NULL) return true;
  store_found found = store_message_find(q->a->store, s->file.belongs_to, &m, err);
  if (found == STORE_ERROR) return false;
  const bool same = found == STORE_FOUND && memcmp(m.handle, s->order.handle, COR_ID_LEN) == 0 &&
                    (COR_BIT(m.compartment) & q->visible) != 0;
  if (found == STORE_FOUND) store_message_clear(&m);
  return same || cor_fail(err, COR_NO_SUCH_MESSAGE, "/message",
                          "no such message of this case is here; nothing was kept");
}

/* What needs two to leave the missions needs them here too. Before the store is held. */
static bool read_release(api_request *q, sending *s, cor_error *err) {
  if (!q->has_second) return true;
  s->order.two = &s->two;
  return release_by(q->a, &q->holder, &q->second, COR_BIT(s->order.compartment), &s->two, err);
}

static bool keep(api_request *q, sending *s, uint8_t id[COR_ID_LEN], cor_error *err) {
  store_case c;
  const int64_t parts = (int64_t)cor_chunk_count(s->file.bytes.len);
  if (!store_room_for(q->a->store, parts * PART_KEPT, err) || !api_case(q, s->case_name, &c, err))
    return false;
  memcpy(s->order.handle, c.handle, COR_ID_LEN);
  return choose_row(&c, s, err) && belongs_here(q, s, err) &&
         compose_attachment(q->a, &s->order, &s->file, id, err);
}

/* ---- answers ---- */

static json_t *attachment_json(const store_attachment *a) {
  json_t *out = json_pack("{s:o, s:o, s:s, s:o, s:o, s:I, s:o}", "attachmentId", api_id_json(a->id), "case",
                          api_hex(a->handle, COR_ID_LEN), a->outgoing ? "to" : "from", a->peer, "compartment",
                          api_enum_json(&corridor__v1__compartment__descriptor, a->compartment),
                          a->outgoing ? "sentAt" : "receivedAt", api_time_json(a->at), "parts",
                          (json_int_t)a->parts, "of",
                          a->of == 0 ? json_null() : json_integer((json_int_t)a->of));
  if (!a->outgoing) return out;
  json_object_set_new(out, "admitted", json_integer((json_int_t)a->admitted));
  json_object_set_new(out, "delivered", json_integer((json_int_t)a->delivered));
  json_object_set_new(out, "state", json_string(store_state_name(a->state)));
  if (a->code != COR_OK) json_object_set_new(out, "refusal", json_string(cor_refusal_of(a->code)->name));
  return out;
}

static bool look(api_request *q, const uint8_t id[COR_ID_LEN], unsigned visible, store_attachment *out,
                 cor_error *err) {
  if (!store_begin(q->a->store, err)) return false;
  store_found found = store_attachment_find(q->a->store, id, visible, out, err);
  store_rollback(q->a->store);
  if (found == STORE_ABSENT)
    return cor_fail(err, COR_NO_SUCH_MESSAGE, "/attachmentId", "this office has no such attachment");
  return found == STORE_FOUND;
}

/* Waits until the hub has answered for every part, or the caller's time is up. */
static bool outcome(api_request *q, const uint8_t id[COR_ID_LEN], store_attachment *out, cor_error *err) {
  const int64_t deadline = api_wait_until(q);
  for (bool more = true;;) {
    const uint64_t seen = store_version(q->a->store);
    if (!look(q, id, ~0u, out, err)) return false;
    if (out->state != STORE_QUEUED || !more) return true;
    more = store_wait(q->a->store, seen, deadline) && cor_clock_monotonic_ms() < deadline;
  }
}

bool api_post_attachment(api_request *q, cor_error *err) {
  sending s = {.order = {.row = cor_sop_find(COR_T(ATTACHMENT_CHUNK)), .path = "/file"}};
  uint8_t id[COR_ID_LEN];
  store_attachment a;
  if (!read_place(q, &s, err) || !read_options(q, &s, err) || !read_categories(q, &s, err) ||
      !read_file(q, &s, err) || !read_release(q, &s, err) || !api_begin(q, err) ||
      !api_keep(q, keep(q, &s, id, err), err))
    return false;
  const size_t size = q->file->len;
  cor_buf_clear(q->file);
  if (!outcome(q, id, &a, err)) return false;
  q->reply = attachment_json(&a);
  json_object_set_new(q->reply, "kind",
                      api_enum_json(&corridor__v1__attachment_kind__descriptor, (int)s.file.kind));
  json_object_set_new(q->reply, "size", json_integer((json_int_t)size));
  if (a.state == STORE_REFUSED)
    api_add_code(q, q->reply, a.code);
  else if (a.state == STORE_QUEUED)
    api_add_code(q, q->reply, COR_KEPT_NOT_SENT);
  return true;
}

static bool add_attachment(const store_attachment *a, void *ctx) {
  json_array_append_new(ctx, attachment_json(a));
  return true;
}

bool api_get_attachments(api_request *q, cor_error *err) {
  store_filter filter;
  store_case c;
  if (!api_filter(q, &filter, err)) return false;
  json_t *list = json_array();
  bool ok = store_begin(q->a->store, err);
  if (ok) {
    ok = api_filter_case(q, &filter, &c, err) &&
         store_attachment_list(q->a->store, &filter, add_attachment, list, err);
    store_rollback(q->a->store);
  }
  q->reply = json_pack("{s:o}", "attachments", list);
  return ok;
}

/* One that the asker may know of. */
static bool find(api_request *q, store_attachment *out, cor_error *err) {
  uint8_t id[COR_ID_LEN];
  if (!cor_id_parse(q->arg, id))
    return cor_fail(err, COR_BAD_INPUT, "/attachmentId", "an id is 32 hex digits");
  return look(q, id, q->visible, out, err);
}

static void add_file(json_t *reply, const open_file *file) {
  json_object_set_new(reply, "kind",
                      api_enum_json(&corridor__v1__attachment_kind__descriptor, (int)file->kind));
  json_object_set_new(reply, "title",
                      api_enum_json(&corridor__v1__attachment_title__descriptor, (int)file->title));
  json_object_set_new(reply, "size", json_integer((json_int_t)file->size));
  json_object_set_new(reply, "sha256", api_hex(file->sha256, COR_HASH_LEN));
  json_object_set_new(reply, "belongsTo", file->belongs ? api_id_json(file->belongs_to) : json_null());
  json_object_set_new(reply, "of", json_integer((json_int_t)file->of));
  json_object_set_new(reply, "complete", json_boolean(file->here >= file->of));
}

bool api_get_attachment(api_request *q, cor_error *err) {
  store_attachment a;
  open_file file;
  if (!find(q, &a, err)) return false;
  if (q->named && !open_attachment_look(q->a, &a, &q->holder, &file, err)) return false;
  q->reply = attachment_json(&a);
  if (q->named) add_file(q->reply, &file);
  return true;
}

bool api_get_attachment_file(api_request *q, cor_error *err) {
  store_attachment a;
  open_file file;
  if (!find(q, &a, err) || !open_attachment(q->a, &a, q->named ? &q->holder : NULL, &file, err)) return false;
  q->sending = file.bytes;
  if (file.bytes.data != NULL) return true;
  q->reply = attachment_json(&a);
  add_file(q->reply, &file);
  q->status = 202; /* the rest comes by itself */
  return true;
}
