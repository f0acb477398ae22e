/* api_duplicate.c - the question whether a person was helped before: what a holder
 * sees, and the answer as he decides it.
 *
 * Guarantees: no answer leaves that nobody looked for: who answers holds casework, and
 * his own comparison runs first. The answer says possible or none and whom to phone;
 * of the candidates only he learns. Nothing follows from it by itself: the missions
 * decide. */
#include "api.h"
#include "duplicate.h"

#include "corridor/id.h"
#include "corridor/refusal.h"

#include <openssl/crypto.h>
#include <string.h>

static json_t *candidate_json(const duplicate_candidate *c) {
  return json_pack(
      "{s:o, s:o, s:s, s:s, s:s, s:o, s:s, s:b, s:s, s:s, s:i}", "case", api_hex(c->handle, COR_ID_LEN),
      "messageId", api_id_json(c->message_id), "box", c->outgoing ? "out" : "in", "office", c->peer, "state",
      store_state_name(c->state), "at", api_time_json(c->at), "programme", c->programme, "sameProgramme",
      c->same_programme ? 1 : 0, "rule", c->rule->word, "agrees", c->rule->about, "score", (int)c->score);
}

static json_t *result_json(const duplicate_result *r) {
  json_t *candidates = json_array();
  for (size_t i = 0; i < r->n; i++)
    json_array_append_new(candidates, candidate_json(&r->candidates[i]));
  return json_pack("{s:o, s:o, s:s, s:s, s:I, s:I, s:{s:I, s:I, s:I, s:I, s:I}, s:o}", "question",
                   api_id_json(r->message_id), "case", api_hex(r->handle, COR_ID_LEN), "office", r->peer,
                   "programme", r->programme, "compared", (json_int_t)r->compared, "agreeing",
                   (json_int_t)r->agreeing, "leftOut", "sameCase", (json_int_t)r->same_case, "erased",
                   (json_int_t)r->erased, "quarantined", (json_int_t)r->quarantined, "withdrawn",
                   (json_int_t)r->withdrawn, "unreadable", (json_int_t)r->unreadable, "candidates",
                   candidates);
}

static bool check(api_request *q, duplicate_result *r, cor_error *err) {
  uint8_t id[COR_ID_LEN];
  if (!cor_id_parse(q->arg, id)) return cor_fail(err, COR_BAD_INPUT, "/messageId", "an id is 32 hex digits");
  return duplicate_check(q->a, id, q->named ? &q->holder : NULL, r, err);
}

bool api_get_duplicates(api_request *q, cor_error *err) {
  duplicate_result r;
  bool ok = check(q, &r, err);
  if (ok) {
    q->reply = result_json(&r);
    ok = q->reply != NULL || cor_fail(err, COR_INTERNAL, "", "the answer could not be written");
  }
  OPENSSL_cleanse(&r, sizeof r);
  return ok;
}

/* ---- the answer ---- */

static bool read_answer(api_request *q, Corridor__V1__DuplicateAnswer *answer, cor_error *err) {
  static const char *const members[] = {"finding", "contactFunction", NULL};
  const char *function;
  int finding;
  if (!api_only(q->body, members, err) ||
      !api_enum(q->body, "finding", &corridor__v1__duplicate_finding__descriptor, &finding, err) ||
      !api_text(q->body, "contactFunction", false, &function, err))
    return false;
  if (finding == 0)
    return cor_fail(err, COR_MISSING_FIELD, "/finding",
                    "DUPLICATE_POSSIBLE or DUPLICATE_NONE is needed; nothing was kept");
  answer->finding = (Corridor__V1__DuplicateFinding)finding;
  if (function != NULL) answer->contact_function = (char *)function;
  return true;
}

static bool keep_answer(api_request *q, const duplicate_result *r,
                        const Corridor__V1__DuplicateAnswer *answer, uint8_t id[COR_ID_LEN], cor_error *err) {
  compose_order order = {.row = cor_sop_find(COR_T(DUPLICATE_ANSWER)),
                         .to = r->peer,
                         .compartment = COR_C(CASEWORK),
                         .body = &answer->base,
                         .path = "",
                         .in_reply_to = r->message_id};
  memcpy(order.handle, r->handle, COR_ID_LEN);
  const cor_cards *cards = roster_hold(q->a->roster);
  bool ok = compose_message(q->a, cards, &order, id, err);
  roster_release(q->a->roster);
  return ok;
}

bool api_post_duplicate_answer(api_request *q, cor_error *err) {
  Corridor__V1__DuplicateAnswer answer = CORRIDOR__V1__DUPLICATE_ANSWER__INIT;
  duplicate_result r;
  uint8_t ids[1][COR_ID_LEN];
  if (!read_answer(q, &answer, err)) return false;
  bool ok = check(q, &r, err);
  if (ok && !r.asked)
    ok = cor_fail(err, COR_NO_SUCH_MESSAGE, "/messageId",
                  "this office was not asked by that message; nothing was kept");
  if (ok) ok = api_begin(q, err) && api_keep(q, keep_answer(q, &r, &answer, ids[0], err), err);
  json_t *reply = ok ? result_json(&r) : NULL;
  OPENSSL_cleanse(&r, sizeof r);
  return ok && api_outcome(q, reply, false, (const uint8_t(*)[COR_ID_LEN])ids, 1, err);
}
