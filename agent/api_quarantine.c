/* api_quarantine.c - lifting the quarantine of a store that went back.
 *
 * For: the operator, who alone can know whether the hub has finished sending and
 * what the office wrote down after its backup was made. Guarantees: the answer
 * says since when, how much came again, and what cannot have come; lifting is in
 * the log; nothing leaves before it is on disk. Lifting twice changes nothing. */
#include "api.h"
#include "link.h"

#include "corridor/refusal.h"

/* Words of the interface's page (deploy/docs/agent-api.md), which explains each. */
static const char *const may_be_missing[] = {"registered-here", "consents-recorded-here", "sent-from-here",
                                             "bodies-the-hub-no-longer-holds", "openings-and-checks-noted"};

static json_t *missing(void) {
  json_t *list = json_array();
  for (size_t i = 0; i < sizeof may_be_missing / sizeof *may_be_missing; i++)
    json_array_append_new(list, json_string(may_be_missing[i]));
  return list;
}

bool api_post_quarantine_lift(api_request *q, cor_error *err) {
  static const char *const members[] = {NULL};
  agent *a = q->a;
  store_quarantine was;
  if (!api_only(q->body, members, err) || !store_begin(a->store, err)) return false;
  const bool ok = store_quarantine_get(a->store, &was, err) && store_quarantine_end(a->store, err);
  if (!api_keep(q, ok, err)) return false;
  if (was.since != 0) {
    COR_LOG(a->log, COR_WARN, "quarantine-lifted", COR_NUM("since", was.since),
            COR_NUM("received", was.received));
    link_quarantine_lifted(a->link);
  }
  q->reply = json_pack("{s:b, s:o, s:I, s:o}", "lifted", was.since != 0 ? 1 : 0, "since",
                       api_time_json(was.since), "received", (json_int_t)was.received, "mayBeMissing",
                       was.since != 0 ? missing() : json_array());
  return q->reply != NULL || cor_fail(err, COR_INTERNAL, "", "the answer could not be written");
}
