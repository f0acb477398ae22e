/* access.c - telling the hub that a body was opened.
 *
 * For: verdict.c. Guarantees: each opening of a HEALTH or PROTECTION body makes one
 * statement, kept in the transaction that notes the opening in the office's own
 * timeline, and sent when there is a session; so does each opening, of any
 * compartment, by someone whom recovery shares let in, of a message that was here
 * before they came (design 2: a successor can open what a leaver left, and that is
 * logged). No name leaves the office. The statement is filed where the message is, so
 * that nobody without its key learns from the outbox that one came, and its lane holds
 * up nothing. Reading never waits for the hub and is never refused for its sake.
 * Trusts verdict.c for what opened. Nothing is fatal. */
#include "access.h"
#include "compose.h"

#include "corridor/refusal.h"

#include <string.h>

/* 0: nobody need be told. */
static Corridor__V1__AccessKind kind_of(const store_message *m, int64_t recovered_at) {
  const int64_t came = m->outgoing ? m->sent_at : m->settled_at;
  if (recovered_at != 0 && came < recovered_at) return CORRIDOR__V1__ACCESS_KIND__RECOVERED_KEY;
  return COR_BIT(m->compartment) & COR_RESTRICTED ? CORRIDOR__V1__ACCESS_KIND__OPENED
                                                  : CORRIDOR__V1__ACCESS_KIND__ACCESS_KIND_UNSPECIFIED;
}

/* What never left this office the hub has not heard of. */
static bool hub_knows(const store_message *m) {
  return !m->outgoing || (m->state != STORE_QUEUED && m->state != STORE_REFUSED);
}

bool access_state(agent *a, const store_message *m, int64_t recovered_at, cor_error *err) {
  Corridor__V1__AccessStatement body = CORRIDOR__V1__ACCESS_STATEMENT__INIT;
  compose_order order = {.row = cor_sop_find(COR_T(ACCESS_STATEMENT)),
                         .to = "hub",
                         .compartment = COR_C(RECORD),
                         .filed_under = (Corridor__V1__Compartment)m->compartment,
                         .body = &body.base,
                         .path = ""};
  uint8_t id[COR_ID_LEN];
  body.kind = kind_of(m, recovered_at);
  if (body.kind == 0 || !hub_knows(m)) return true;
  body.message_id = (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)(uintptr_t)m->id};
  body.at = cor_clock_now(a->clock);
  memcpy(order.handle, m->handle, COR_ID_LEN);
  const cor_cards *cards = roster_hold(a->roster);
  const bool ok = compose_message(a, cards, &order, id, err);
  roster_release(a->roster);
  if (ok || err->code == COR_INTERNAL || err->code == COR_DISK_FULL) return ok;
  /* Our card is suspended, say. The opening stands in the office's own timeline. */
  COR_LOG(a->log, COR_ALARM, "access-not-stated", COR_ID("message", m->id), COR_CODE(err->code));
  return true;
}
