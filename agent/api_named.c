/* api_named.c - of which messages a request may speak.
 *
 * For: records that name messages of the exchange: erased, to be corrected, not to be
 * used. What is said of a message has consequences (it is erased here, its recipients
 * are asked), and where the record is filed tells what it is about. Guarantees: a
 * message that the asker could not list is not there for them, under any name: in the
 * body, as what corrects, as what is answered. One that is not here at all may be named
 * only in an answer to a notice that named it, which the asker may see: a store that
 * went back lacks what it has to answer for. */
#include "api.h"

#include "corridor/codec.h"
#include "corridor/refusal.h"

#include <stdio.h>
#include <string.h>

typedef struct names {
  const ProtobufCBinaryData *ids;
  size_t n;
} names;

static names list_in(const ProtobufCMessage *body) {
  names list = {NULL, 0};
  list.n = compose_spoken_of(body, &list.ids);
  return list;
}

static bool is_in(const names *list, const ProtobufCBinaryData *id) {
  for (size_t i = 0; i < list->n; i++)
    if (cor_bytes_equal(cor_bytes_of(list->ids[i]), cor_bytes_of(*id))) return true;
  return false;
}

/* What the asker could list. STORE_ABSENT: nothing is here; hidden: something is. */
static store_found look(api_request *q, const uint8_t id[COR_ID_LEN], store_message *m, bool *hidden,
                        cor_error *err) {
  store_found found = store_message_find(q->a->store, id, m, err);
  *hidden = found == STORE_FOUND && !(COR_BIT(m->compartment) & q->visible);
  if (!*hidden) return found;
  store_message_clear(m);
  return STORE_ABSENT;
}

static bool not_here(cor_error *err, const char *path) {
  return cor_fail(err, COR_NO_SUCH_MESSAGE, path, "this office has no such message; nothing was kept");
}

/* The notice that is answered, decoded; NULL in *out if none is named. */
static bool read_notice(api_request *q, const compose_order *order, ProtobufCMessage **out, cor_error *err) {
  store_message m;
  bool hidden;
  *out = NULL;
  if (order->in_reply_to == NULL) return true;
  const store_found found = look(q, order->in_reply_to, &m, &hidden, err);
  if (found == STORE_ERROR) return false;
  if (found == STORE_ABSENT) return not_here(err, "/inReplyTo");
  cor_error ignored; /* of another kind: it names nothing */
  const cor_sop_row *row = cor_sop_find((Corridor__V1__MessageType)m.type);
  if (!m.outgoing && m.body.len > 0 && row != NULL && row->from_hub)
    *out = cor_decode(cor_sop_body((Corridor__V1__MessageType)m.type, COR_C(RECORD)), cor_buf_view(&m.body),
                      COR_CONTROL_MAX, true, &ignored);
  store_message_clear(&m);
  return true;
}

static bool may_name(api_request *q, const ProtobufCBinaryData *id, const names *asked, const char *path,
                     cor_error *err) {
  store_message m;
  bool hidden;
  if (id->len != COR_ID_LEN) return true; /* content_rules.c */
  const store_found found = look(q, id->data, &m, &hidden, err);
  if (found == STORE_FOUND) store_message_clear(&m);
  if (found != STORE_ABSENT) return found == STORE_FOUND;
  return (!hidden && is_in(asked, id)) || not_here(err, path);
}

bool api_may_speak_of(api_request *q, const compose_order *order, cor_error *err) {
  ProtobufCMessage *notice;
  char path[80];
  if (!order->row->to_hub) return true;
  if (!read_notice(q, order, &notice, err)) return false;
  const names said = list_in(order->body), asked = notice == NULL ? (names){NULL, 0} : list_in(notice);
  bool ok = true;
  for (size_t i = 0; ok && i < said.n; i++) {
    snprintf(path, sizeof path, "%.40s/messageIds/%zu", order->path, i);
    ok = may_name(q, &said.ids[i], &asked, path, err);
  }
  if (ok && order->body->descriptor == &corridor__v1__data_request__descriptor) {
    snprintf(path, sizeof path, "%.40s/replacementId", order->path);
    ok = may_name(q, &((const Corridor__V1__DataRequest *)order->body)->replacement_id, &asked, path, err);
  }
  cor_message_free(notice);
  return ok;
}
