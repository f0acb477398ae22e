/* data_request.c - rectification and restriction.
 *
 * For: a correction, or "do not use this until further notice", that reaches whoever
 * was told. Guarantees: an office speaks of its own messages only, a mission of the
 * case of all of it; a correction goes to who received what it corrects, of the same
 * kind and in the same compartment, and no further; each past recipient gets a notice
 * by the handle it knows and owes an answer; what still waits to be sent is named too,
 * since it will arrive. A message that is not the sender's to speak of and one that
 * does not exist are one answer. Trusts the gate for standing and that facts_ask holds
 * the case FOR UPDATE. */
#include "data_request.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "told.h"
#include <corridor/v1/record.pb-c.h>

typedef struct request {
  const Corridor__V1__DataRequest *body;
  const Corridor__V1__Header *header;
  cor_bytes handle; /* the case */
} request;

/* Whether all that is named is the sender's to speak of, and the replacement is a
 * message of its own like each of them. Of the whole case only its missions speak. */
static bool judge(core *c, const request *q, int *code) {
  db_args args = {0};
  db_bytes(&args, q->handle);
  db_text(&args, q->header->sender);
  db_array *named = db_list(&args, DB_BYTES);
  for (size_t i = 0; i < q->body->n_message_ids; i++)
    db_add_bytes(named, cor_bytes_of(q->body->message_ids[i]));
  db_bytes(&args, cor_bytes_of(q->body->replacement_id));
  PGresult *r = db_run(
      c->db,
      "SELECT k.host_office = $2 OR k.origin_office = $2,"
      " (SELECT count(*) FROM unnest($3::bytea[]) AS n (id) WHERE NOT EXISTS (SELECT FROM corridor.message m"
      "   WHERE m.case_handle = $1 AND m.message_id = n.id AND m.sender <> 'hub' AND m.recipient <> 'hub'"
      "   AND (m.sender = $2 OR k.host_office = $2 OR k.origin_office = $2))),"
      " (SELECT count(*) FROM unnest($3::bytea[]) AS n (id) WHERE $4::bytea IS NOT NULL AND NOT EXISTS"
      "   (SELECT FROM corridor.message m JOIN corridor.message x ON x.case_handle = m.case_handle"
      "     AND x.handle = m.handle AND x.sender = m.sender AND x.recipient = m.recipient AND x.type = m.type"
      "     AND x.compartment = m.compartment AND x.message_id <> m.message_id"
      "   WHERE m.case_handle = $1 AND m.message_id = n.id AND m.sender = $2 AND x.message_id = $4))"
      " FROM corridor.avrr_case k WHERE k.handle = $1",
      &args);
  if (!r) return false;
  const bool mission = PQntuples(r) == 1 && db_get_int(r, 0, 0);
  *code = COR_OK;
  if (PQntuples(r) != 1 || db_get_int(r, 0, 1) > 0 || (q->body->n_message_ids == 0 && !mission))
    *code = COR_NO_STANDING;
  else if (db_get_int(r, 0, 2) > 0)
    *code = COR_PRECONDITION_MISSING;
  PQclear(r);
  return true;
}

static void ask(core *c, act *a, const told *who, const void *ctx) {
  const request *q = ctx;
  Corridor__V1__DataNotice body = CORRIDOR__V1__DATA_NOTICE__INIT;
  body.action = q->body->action;
  body.n_message_ids = who->n;
  body.message_ids = who->ids;
  body.compartment = who->restricted;
  body.replacement_id = q->body->replacement_id;
  body.asked_at = a->now;
  body.answer_due = told_due(c, who->office, COR_DUTY_DATA_ANSWER, a->now);
  const uint8_t *id = notice_add(&a->notices, who->office, COR_T(DATA_NOTICE), who->handle.data,
                                 q->handle.data, q->header->message_id.data, &body.base);
  if (id) told_owes(a, who, COR_DUTY_DATA_ANSWER, q->handle, id, body.answer_due);
}

bool data_request_apply(core *c, act *a, facts_item *it, const ProtobufCMessage *message, int *code) {
  const request q = {.body = (const Corridor__V1__DataRequest *)message,
                     .header = it->header,
                     .handle = {it->case_handle, COR_ID_LEN}};
  if (!judge(c, &q, code)) return false;
  if (*code != COR_OK) return true;
  const told_query all = {.handle = q.handle,
                          .recipient = "",
                          .but_to = it->header->sender,
                          .waiting = true,
                          .named = q.body->message_ids,
                          .n_named = q.body->n_message_ids};
  return told_each(c, a, &all, ask, &q);
}
