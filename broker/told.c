/* told.c - past recipients, from the hub's own book of deliveries.
 *
 * For: recall.c and data_request.c, under the case's lock FOR UPDATE, while every
 * claim holds it FOR SHARE: whoever was told is in the list, and nobody is added to
 * it before the commit. Guarantees: each office is named by the handle it knows,
 * a referral's included, so that what was passed on is reached too; what is
 * restricted comes in a list of its own, so that a health part is asked of those
 * who hold it, and nobody else there learns that it exists. Trusts rows the core
 * itself wrote. Fatal: no memory. */
#include "told.h"
#include "corridor/calendar.h"
#include "corridor/codec.h"
#include "corridor/sop.h"
#include <stdlib.h>
#include <string.h>

static PGresult *find(core *c, const told_query *q) {
  db_args args = {0};
  db_bytes(&args, q->handle);
  db_i32(&args, COR_RESTRICTED);
  db_bytes(&args, q->consent_id);
  db_i32(&args, q->on_consent);
  db_text(&args, q->recipient);
  db_i32(&args, q->purpose);
  db_text(&args, q->but_to);
  db_i32(&args, q->waiting);
  db_bytes(&args, q->message_id);
  db_array *named = db_list(&args, DB_BYTES);
  for (size_t i = 0; i < q->n_named; i++)
    db_add_bytes(named, cor_bytes_of(q->named[i]));
  return db_run(
      c->db,
      "SELECT d.recipient, d.handle, d.message_id, d.sender,"
      "  CASE WHEN (1 << m.compartment) & $2 <> 0 THEN m.compartment ELSE 0 END AS apart"
      " FROM corridor.delivery d JOIN corridor.message m"
      "  ON m.message_id = d.message_id AND m.admitted_at = d.admitted_at"
      " WHERE d.case_handle = $1 AND m.sender <> 'hub' AND (m.categories & ~2) <> 0"
      " AND (d.first_claimed_at IS NOT NULL OR ($8 <> 0 AND " STATE_OF(
          "d") " IN (1, 2, 8)))"
               " AND ($3::bytea IS NULL OR m.consent_id = $3) AND ($4 = 0 OR m.consent_id IS NOT NULL)"
               " AND ($5 = '' OR d.recipient = $5) AND ($6 = 0 OR m.purpose = $6) AND d.recipient <> $7"
               " AND ($9::bytea IS NULL OR d.message_id = $9)"
               " AND (cardinality($10::bytea[]) = 0 OR d.message_id = ANY($10))"
               " ORDER BY d.recipient, d.handle, d.sender, apart, d.sequence",
      &args);
}

static bool same(const PGresult *r, int i, int j) {
  return strcmp(db_get_text(r, i, 0), db_get_text(r, j, 0)) == 0 &&
         cor_bytes_equal(db_get_bytes(r, i, 1), db_get_bytes(r, j, 1)) &&
         strcmp(db_get_text(r, i, 3), db_get_text(r, j, 3)) == 0 &&
         db_get_int(r, i, 4) == db_get_int(r, j, 4);
}

bool told_each(core *c, act *a, const told_query *q, told_fn each, const void *ctx) {
  PGresult *r = find(c, q);
  if (!r) return false;
  int rows = PQntuples(r);
  ProtobufCBinaryData *ids = calloc((size_t)rows + 1, sizeof *ids);
  if (!ids) abort();
  size_t n = 0;
  for (int i = 0; i < rows; i++) {
    cor_bytes id = db_get_bytes(r, i, 2);
    ids[n++] = (ProtobufCBinaryData){id.len, (uint8_t *)id.data};
    bool last = i + 1 == rows || n == TOLD_IDS_MAX || !same(r, i, i + 1);
    if (!last) continue;
    told who = {.office = db_get_text(r, i, 0),
                .by = db_get_text(r, i, 3),
                .handle = db_get_bytes(r, i, 1),
                .restricted = (Corridor__V1__Compartment)db_get_int(r, i, 4),
                .ids = ids,
                .n = n};
    each(c, a, &who, ctx);
    n = 0;
  }
  free(ids);
  PQclear(r);
  return true;
}

int64_t told_due(core *c, const char *office, cor_duty duty, int64_t from) {
  const cor_card *card = cor_cards_find(c->cards, office);
  const Corridor__V1__Calendar *calendar = card ? cor_cards_calendar(c->cards, card->card->country) : NULL;
  return cor_duty_due(duty, calendar, from, 0);
}

/* The answer is owed to who disclosed, not to who withdrew or asked: that office may
 * know neither the handle nor the recipient. */
void told_owes(act *a, const told *who, cor_duty duty, cor_bytes case_handle, const uint8_t *notice_id,
               int64_t due_at) {
  duty_opening one = {.duty = duty, .state = CORRIDOR__V1__OBLIGATION_STATE__OPEN, .due_at = due_at};
  snprintf(one.responsible, sizeof one.responsible, "%s", who->office);
  snprintf(one.counterpart, sizeof one.counterpart, "%s", who->by);
  memcpy(one.handle, who->handle.data, COR_ID_LEN);
  memcpy(one.case_handle, case_handle.data, COR_ID_LEN);
  memcpy(one.message_id, notice_id, COR_ID_LEN); /* the answer names the notice */
  memcpy(one.about, who->ids[0].data, COR_ID_LEN);
  one.has_about = true;
  act_open(a, &one);
}
