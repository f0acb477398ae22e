/* referral.c - one need, candidates in rank order, one holder at most.
 *
 * For: releasing held offers while the asker may be offline. Guarantees: one
 * accepted row per referral (a unique index, not this code, has the last word);
 * an offer is released only when every better ranked one was declined, lapsed or
 * stopped; each release passes the gate again when it is claimed; offers that
 * can no longer be taken up are stopped and their sender told. */
#include "referral.h"
#include "corridor/refusal.h"
#include "corridor/codec.h"
#include "duties.h"
#include "mail.h"
#include <string.h>

/* No answer counts to an offer whose provider was taken out. *done: it counts. */
static bool set_state(core *c, cor_bytes handle, enum referral_state state, int64_t now, bool *done) {
  db_args args = {0};
  db_bytes(&args, handle);
  db_i32(&args, (int32_t)state);
  db_i64(&args, now);
  db_i32(&args, (int32_t)REFERRAL_TAKEN_BACK);
  PGresult *r = db_run(c->db,
                       "UPDATE corridor.referral SET state = $2, changed_at = $3 WHERE handle = $1"
                       " AND state <> $4 RETURNING handle",
                       &args);
  *done = r && PQntuples(r) > 0;
  PQclear(r);
  return r != NULL;
}

/* Its provider has as long to answer as the first had: the answer time moves by
 * as much as the offer was held back. */
static bool open_answer_duty(core *c, act *a, const PGresult *r) {
  cor_error err;
  Corridor__V1__Header *h = (Corridor__V1__Header *)cor_decode(
      &corridor__v1__header__descriptor, db_get_bytes(r, 0, 0), COR_HEADER_MAX, true, &err);
  if (!h) return false; /* our own stored bytes */
  h->event_at += a->now - db_get_int(r, 0, 2);
  core_waiting(c, h->recipient, true); /* its place in the queue is that of its admission */
  duties_at_release(c, a, h, db_get_bytes(r, 0, 1).data);
  cor_message_free(&h->base);
  return true;
}

/* The next held candidate of the same need, if no one holds it. */
static bool release_next(core *c, act *a, cor_bytes handle) {
  db_args args = {0};
  db_bytes(&args, handle);
  db_i64(&args, a->now);
  PGresult *r = db_run(
      c->db,
      "WITH next AS (SELECT n.handle, n.message_id FROM corridor.referral n JOIN corridor.referral t"
      "   ON t.referral_id = n.referral_id JOIN corridor.delivery w ON w.message_id = n.message_id "
      "AND " STATE_OF(
          "w") " = 0"
               "   WHERE t.handle = $1 AND n.state = 0"
               "   AND EXISTS (SELECT FROM corridor.referral f WHERE f.referral_id = n.referral_id AND "
               "f.rank < "
               "n.rank)"
               "   AND NOT EXISTS (SELECT FROM corridor.referral x WHERE x.referral_id = n.referral_id"
               "     AND x.state IN (1, 2))"
               "   ORDER BY n.rank LIMIT 1),"
               " offered AS (UPDATE corridor.referral r SET state = 1, changed_at = $2 FROM next"
               "   WHERE r.handle = next.handle),"
               " released AS (UPDATE corridor.delivery d SET state = 1, released_at = $2 FROM next"
               "   WHERE d.message_id = next.message_id AND " STATE_OF(
                   "d") " = 0"
                        "   RETURNING d.message_id, d.admitted_at, d.case_handle)"
                        " SELECT m.header, x.case_handle, x.admitted_at FROM released x JOIN "
                        "corridor.message m"
                        "   ON m.message_id = x.message_id AND m.admitted_at = x.admitted_at",
      &args);
  bool ok = r && (PQntuples(r) == 0 || open_answer_duty(c, a, r));
  PQclear(r);
  return ok;
}

bool referral_offer(core *c, act *a, const Corridor__V1__Header *h, const Corridor__V1__Cover *cover) {
  db_args args = {0};
  db_bytes(&args, cor_bytes_of(h->handle));
  db_bytes(&args, cor_bytes_of(cover->referral_id));
  db_bytes(&args, cor_bytes_of(cover->case_handle));
  db_bytes(&args, cor_bytes_of(cover->consent_id));
  db_text(&args, h->sender);
  db_text(&args, h->recipient);
  db_i32(&args, (int32_t)cover->rank);
  db_i32(&args, (int32_t)cor_category_set(cover->categories, cover->n_categories));
  db_bytes(&args, cor_bytes_of(h->message_id));
  db_i32(&args, cover->rank == 1 ? (int32_t)REFERRAL_OFFERED : (int32_t)REFERRAL_HELD);
  db_i64(&args, a->now);
  if (!db_do(c->db,
             "INSERT INTO corridor.referral (handle, referral_id, case_handle, consent_id, asker, provider, "
             "rank,"
             " categories, message_id, state, changed_at)"
             " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
             &args))
    return false;
  /* The better ranked were all declined before this one came: its turn is now. */
  return cover->rank == 1 || release_next(c, a, cor_bytes_of(h->handle));
}

static bool stop_others(core *c, act *a, cor_bytes handle) {
  db_args args = {0};
  db_bytes(&args, handle);
  db_i64(&args, a->now);
  db_i32(&args, COR_REFERRAL_TAKEN);
  PGresult *r = db_run(
      c->db,
      "WITH others AS (UPDATE corridor.referral o SET state = 5, changed_at = $2 FROM corridor.referral t"
      "   WHERE t.handle = $1 AND o.referral_id = t.referral_id AND o.handle <> t.handle AND o.state IN (0, "
      "1)"
      "   RETURNING o.message_id)"
      " UPDATE corridor.delivery d SET state = 4, stop_code = $3 FROM others"
      " WHERE d.message_id = others.message_id AND " STATE_OF(
          "d") " IN (0, 1, 8)"
               " RETURNING d.message_id, d.sender, d.handle, d.case_handle",
      &args);
  if (!r) return false;
  bool ok = true;
  for (int i = 0; ok && i < PQntuples(r); i++) {
    ok = duties_waive_message(c, a, db_get_bytes(r, i, 0));
    notice_end(&a->notices, db_get_text(r, i, 1), db_get_bytes(r, i, 0).data, db_get_bytes(r, i, 2).data,
               db_get_bytes(r, i, 3).data, CORRIDOR__V1__END_STATE__STOPPED, COR_REFERRAL_TAKEN, a->now,
               (cor_bytes){0});
  }
  PQclear(r);
  return ok;
}

bool referral_answered(core *c, act *a, const Corridor__V1__Header *h) {
  cor_bytes handle = cor_bytes_of(h->handle);
  const bool yes = h->outcome == COR_OUTCOME(YES);
  bool done;
  if (!set_state(c, handle, yes ? REFERRAL_ACCEPTED : REFERRAL_DECLINED, a->now, &done)) return false;
  if (!done) return true;
  return yes ? stop_others(c, a, handle) : release_next(c, a, handle);
}

/* Only an offer that is still open: an answer that came first stands. */
static bool move_on(core *c, act *a, const uint8_t *handle, enum referral_state state) {
  cor_bytes h = {handle, COR_ID_LEN};
  db_args args = {0};
  db_bytes(&args, h);
  db_i32(&args, (int32_t)state);
  db_i64(&args, a->now);
  return db_do(c->db,
               "UPDATE corridor.referral SET state = $2, changed_at = $3 WHERE handle = $1 AND state IN "
               "(0, 1)",
               &args) &&
         release_next(c, a, h);
}

bool referral_stopped(core *c, act *a, const uint8_t handle[COR_ID_LEN]) {
  return move_on(c, a, handle, REFERRAL_STOPPED);
}

bool referral_taken_back(core *c, act *a, const uint8_t handle[COR_ID_LEN]) {
  return move_on(c, a, handle, REFERRAL_TAKEN_BACK);
}

bool referral_lapse(core *c, act *a, const uint8_t handle[COR_ID_LEN]) {
  return move_on(c, a, handle, REFERRAL_LAPSED);
}
