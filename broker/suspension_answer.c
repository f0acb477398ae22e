/* suspension_answer.c - confirmed: the whole withdrawal, in this transaction; lifted:
 * what waited goes on.
 *
 * Guarantees: an answer counts once, for the very question it names (a late answer to
 * an earlier one does not lift a suspension begun since), and from the office that was
 * asked, or from the one that would be asked now. Its duty is closed by the SOP table's
 * row; when another office answers in its place it is waived. Trusts the gate for
 * standing and that facts_ask holds the case FOR UPDATE. */
#include "suspension_answer.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "duties.h"
#include "suspension.h"
#include "withdrawal.h"
#include <string.h>

/* The open question, if it is the sender's to answer. *asked: it was put to the sender. */
static bool find(core *c, const act *a, const facts_item *it, bool *open, bool *asked) {
  const char *sender = it->header->sender;
  db_args args = {0};
  db_bytes(&args, (cor_bytes){it->case_handle, COR_ID_LEN});
  db_bytes(&args, cor_bytes_of(it->header->in_reply_to));
  db_bytes(&args, cor_bytes_of(it->header->handle)); /* the case's own, as the question has it */
  PGresult *r = db_run(c->db,
                       "SELECT s.asked, k.host_office, k.origin_office FROM corridor.suspension s"
                       " JOIN corridor.avrr_case k ON k.handle = s.case_handle"
                       " WHERE s.case_handle = $1 AND s.case_handle = $3 AND s.notice_id = $2"
                       "  AND s.ended_at IS NULL FOR UPDATE OF s", /* it may be put to another just now */
                       &args);
  if (!r) return false;
  *asked = PQntuples(r) == 1 && strcmp(db_get_text(r, 0, 0), sender) == 0;
  *open = *asked || (PQntuples(r) == 1 &&
                     strcmp(suspension_responsible(c, db_get_text(r, 0, 1), db_get_text(r, 0, 2), a->now),
                            sender) == 0);
  PQclear(r);
  return true;
}

bool suspension_answer_apply(core *c, act *a, facts_item *it, const ProtobufCMessage *message, int *code) {
  const Corridor__V1__SuspensionAnswer *body = (const Corridor__V1__SuspensionAnswer *)message;
  const cor_bytes handle = {it->case_handle, COR_ID_LEN};
  bool open, asked;
  *code = it->header->in_reply_to.len == COR_ID_LEN ? COR_OK : COR_MISSING_FIELD;
  if (*code != COR_OK) return true;
  if (!find(c, a, it, &open, &asked)) return false;
  if (!open) {
    *code = COR_NOTHING_TO_ANSWER;
    return true;
  }
  if (body->outcome == CORRIDOR__V1__SUSPENSION_OUTCOME__CONFIRMED)
    return withdrawal_whole(c, a, handle, it->header, asked ? COR_DUTY_SUSPENSION_ANSWER : COR_DUTY_NONE);
  return suspension_end_lifted(c, a, handle, it->header) &&
         (asked || duties_waive_message(c, a, cor_bytes_of(it->header->in_reply_to)));
}
