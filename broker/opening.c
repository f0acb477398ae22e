/* opening.c - a recipient could not open a message, or may not hold it.
 *
 * For: "every end is told" (design 3) where the end comes after the delivery:
 * only the recipient's agent ever sees the body. Guarantees: the statement counts
 * once, from the office that received the very message; its sender is told in the
 * same transaction, duties that hang on the message are waived (both sides hear of
 * it) and a referral goes on to its next candidate. Who speaks of a message that
 * is not theirs learns nothing of it. Trusts the gate for standing and that
 * facts_ask holds the case FOR UPDATE. */
#include "opening.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "duties.h"
#include "referral.h"
#include <corridor/v1/record.pb-c.h>

enum { DELIVERED = 3, STOPPED = 4, EXPIRED = 5, UNREADABLE = 6, CONTENT_REFUSED = 7, SUSPENDED = 8 };

static int state_of(const Corridor__V1__ContentStatement *body) {
  return body->state == CORRIDOR__V1__END_STATE__UNREADABLE ? UNREADABLE : CONTENT_REFUSED;
}

/* The delivery it speaks of, locked; NULL only when the database failed. */
static PGresult *find(core *c, const facts_item *it, const Corridor__V1__ContentStatement *body) {
  db_args args = {0};
  db_bytes(&args, cor_bytes_of(body->message_id));
  db_text(&args, it->header->sender);
  db_bytes(&args, cor_bytes_of(it->header->handle));
  return db_run(c->db,
                "SELECT d.sequence, d.state, m.header FROM corridor.delivery d JOIN corridor.message m"
                "  ON m.message_id = d.message_id AND m.admitted_at = d.admitted_at"
                " WHERE d.message_id = $1 AND d.recipient = $2 AND d.handle = $3"
                "  AND d.first_claimed_at IS NOT NULL AND d.sender <> 'hub' FOR UPDATE OF d",
                &args);
}

static bool mark(core *c, int64_t sequence, const Corridor__V1__ContentStatement *body) {
  db_args args = {0};
  db_i64(&args, sequence);
  db_i32(&args, state_of(body));
  db_i32(&args, (int32_t)body->reason);
  return db_do(c->db, "UPDATE corridor.delivery SET state = $2, stop_code = $3 WHERE sequence = $1", &args);
}

/* ended: the message was stopped or expired after it had left, and what hung on it ended then. */
static bool tell(core *c, act *a, const facts_item *it, const Corridor__V1__ContentStatement *body,
                 const Corridor__V1__Header *refused, bool ended) {
  Corridor__V1__LogRecord record;
  ledger_of_header(&record, CORRIDOR__V1__LOG_KIND__LOG_CONTENT, a->now, refused);
  record.code = body->reason;
  ledger_add(&a->log, &record);
  notice_end(&a->notices, refused->sender, refused->message_id.data, refused->handle.data,
             it->has_case ? it->case_handle : NULL, body->state, (int)body->reason, a->now, (cor_bytes){0});
  if (ended) return true;
  return duties_waive_message(c, a, cor_bytes_of(refused->message_id)) &&
         (refused->type != COR_T(REFERRAL) || referral_stopped(c, a, refused->handle.data));
}

bool opening_apply(core *c, act *a, facts_item *it, const ProtobufCMessage *message, int *code) {
  const Corridor__V1__ContentStatement *body = (const Corridor__V1__ContentStatement *)message;
  cor_error err;
  Corridor__V1__Header *refused = NULL;
  PGresult *r = find(c, it, body);
  if (!r) return false;
  bool ok = true;
  const int64_t state = PQntuples(r) == 1 ? db_get_int(r, 0, 1) : 0;
  *code = COR_OK;
  if (PQntuples(r) != 1)
    *code = COR_NO_STANDING;
  else if (state < DELIVERED ||
           state == SUSPENDED) /* its receipt was lost; it is delivered and receipted once more first */
    *code = COR_HUB_UNAVAILABLE;
  else if (state <= EXPIRED) {
    refused = (Corridor__V1__Header *)cor_decode(&corridor__v1__header__descriptor, db_get_bytes(r, 0, 2),
                                                 COR_HEADER_MAX, true, &err);
    ok = refused && mark(c, db_get_int(r, 0, 0), body) && tell(c, a, it, body, refused, state != DELIVERED);
  }
  cor_message_free((ProtobufCMessage *)refused);
  PQclear(r);
  return ok;
}
