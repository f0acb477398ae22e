/* link_erasure.c - erasures made again in a store that went back.
 *
 * For: the withdrawal notices that bring this office's own answer back after a
 * restore (PROTOCOL 3). Guarantees: nothing is erased on the hub's word. The
 * statement must be this office's, whole, in its own signature and about the same
 * handle; then each body it names goes, or never gets kept when it comes later.
 * One that does not verify (a signing key since replaced, or a lie) is an alarm,
 * and a person's to decide. Trusts the notice as verified. */
#include "link_internal.h"

#include "corridor/codec.h"

#include <string.h>

static bool is_ours(agent_link *l, const cor_cards *cards, const Corridor__V1__Header *notice,
                    const cor_envelope *answer, cor_error *err) {
  const Corridor__V1__Header *h = answer->header;
  return h->type == COR_T(ERASURE_STATEMENT) &&
         cor_bytes_equal((cor_bytes){h->handle.data, h->handle.len},
                         (cor_bytes){notice->handle.data, notice->handle.len}) &&
         cor_envelope_verify(answer, cards, l->a->office.id, l->memory, err);
}

static bool erase(agent_link *l, const Corridor__V1__Header *notice,
                  const Corridor__V1__ErasureStatement *statement, cor_error *err) {
  const int64_t now = cor_clock_now(l->a->clock);
  if (statement->ground != CORRIDOR__V1__ERASURE_GROUND__ERASED) return true;
  for (size_t i = 0; i < statement->n_message_ids; i++)
    if (statement->message_ids[i].len == COR_ID_LEN &&
        !store_message_erase_again(l->a->store, notice->handle.data, statement->message_ids[i].data, now,
                                   err))
      return false;
  return true;
}

bool link_erasure_again(agent_link *l, const cor_cards *cards, const Corridor__V1__Header *header,
                        const Corridor__V1__WithdrawalNotice *notice, cor_error *err) {
  cor_envelope answer = {0};
  cor_error why;
  const cor_bytes body = {notice->answer_body.data, notice->answer_body.len};
  Corridor__V1__ErasureStatement *statement = NULL;
  bool ok = true;
  if (notice->answer == NULL) return true;
  if (cor_envelope_read(notice->answer, body, &answer, &why) && is_ours(l, cards, header, &answer, &why))
    statement = (Corridor__V1__ErasureStatement *)cor_decode(&corridor__v1__erasure_statement__descriptor,
                                                             body, COR_CONTROL_MAX, true, &why);
  if (statement != NULL)
    ok = erase(l, header, statement, err);
  else
    COR_LOG(l->a->log, COR_ALARM, "erasure-not-proven", COR_ID("notice", header->message_id.data));
  cor_message_free((ProtobufCMessage *)statement);
  cor_envelope_clear(&answer);
  return ok;
}
