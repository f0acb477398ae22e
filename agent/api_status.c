/* api_status.c - GET status and due: how the agent fares, and what is owed.
 * Counts leave restricted compartments out, for everyone, and the delivery
 * sequence is not shown: a gap in it would betray a message (design 3). */
#include "api.h"
#include "due.h"
#include "link.h"

#include "corridor/refusal.h"

#include <string.h>

bool api_get_status(api_request *q, cor_error *err) {
  agent *a = q->a;
  store_facts facts;
  store_quarantine quarantine;
  link_facts link;
  if (!store_begin(a->store, err)) return false;
  bool ok = store_facts_get(a->store, &facts, err) && store_quarantine_get(a->store, &quarantine, err);
  store_rollback(a->store);
  if (!ok) return false;
  link_facts_get(a->link, &link);
  const int64_t now = cor_clock_now(a->clock);
  const cor_cards *cards = roster_hold(a->roster);
  const uint64_t number = cor_cards_number(cards);
  const bool expired = cor_cards_expired(cards, now);
  roster_release(a->roster);
  q->reply = json_pack(
      "{s:s, s:s, s:o, s:b, s:s, s:o, s:I, s:b, s:I, s:I, s:o, s:o, s:b, s:b, s:o, s:I, s:I}", "office",
      a->office.id, "name", a->office.name, "role",
      api_enum_json(&corridor__v1__role__descriptor, (int)a->office.role), "connected",
      link.connected ? 1 : 0, "broker", link.broker, "lastRefusal",
      link.last_code == COR_OK ? json_null() : json_string(cor_refusal_of(link.last_code)->name), "cardList",
      (json_int_t)number, "cardListExpired", expired ? 1 : 0, "queued", (json_int_t)facts.queued, "inbox",
      (json_int_t)facts.inbox, "storeEpoch", api_hex(facts.epoch, COR_ID_LEN), "time", api_time_json(now),
      "demo", a->demo ? 1 : 0, "quarantined", link.quarantined ? 1 : 0, "quarantinedSince",
      api_time_json(quarantine.since), "receivedSince", (json_int_t)quarantine.received, "clockSkewMs",
      (json_int_t)link.clock_skew);
  return q->reply != NULL || cor_fail(err, COR_INTERNAL, "", "the status could not be written");
}

typedef struct due_list {
  const agent *a;
  json_t *list;
  int64_t now;
  bool all;
} due_list;

static bool ends(Corridor__V1__ObligationState state) {
  return state == CORRIDOR__V1__OBLIGATION_STATE__MET || state == CORRIDOR__V1__OBLIGATION_STATE__MET_LATE ||
         state == CORRIDOR__V1__OBLIGATION_STATE__WAIVED;
}

static bool add_due(const store_due *due, void *ctx) {
  due_list *out = ctx;
  const cor_duty_status status = due_status(due, out->now);
  if (ends(status.state) && !out->all) return true;
  json_array_append_new(
      out->list, json_pack("{s:o, s:i, s:s, s:o, s:s, s:b, s:o, s:o, s:s, s:i, s:s}", "id",
                           api_hex(due->id, COR_ID_LEN), "kind", due->kind, "name", due_name(due), "case",
                           api_hex(due->handle, COR_ID_LEN), "responsible", due->responsible, "mine",
                           strcmp(due->responsible, out->a->office.id) == 0 ? 1 : 0, "openedAt",
                           api_time_json(due->opened_at), "dueAt", api_time_json(due->due_at), "state",
                           due_state_name(status.state), "level", (int)status.level, "cite", due_cite(due)));
  return true;
}

bool api_get_due(api_request *q, cor_error *err) {
  const char *all = api_query(q, "all");
  due_list out = {.a = q->a,
                  .list = json_array(),
                  .now = cor_clock_now(q->a->clock),
                  .all = all != NULL && all[0] != '\0' && strcmp(all, "0") != 0 && strcmp(all, "false") != 0};
  json_t *consents = NULL;
  bool ok = store_begin(q->a->store, err);
  if (ok) {
    ok = store_due_list(q->a->store, out.all, q->visible, add_due, &out, err) &&
         (consents = api_consents_soon(q, err)) != NULL;
    store_rollback(q->a->store);
  }
  q->reply = json_pack("{s:o, s:o*}", "obligations", out.list, "consents", consents);
  return ok;
}
