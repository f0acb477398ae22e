/* suspend.c - a person's word without the code, against admission and claim; then the
 * suspension is lifted.
 *
 * The word begins at a random moment of the other side's work. Once its commit is
 * known here, nothing of the case may leave; when it is lifted all of it must.
 * Judges nothing: counts (race.h). Fatal: whatever fails. */
#include "race.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "suspension.h"

static PGresult *of_case(race *r, const char *sql) {
  db_args args = {0};
  db_bytes(&args, (cor_bytes){r->k.handle, COR_ID_LEN});
  PGresult *got = db_run(r->a.c.db, sql, &args);
  if (!got) alone_die("the case", NULL);
  return got;
}

static int64_t has_left(race *r) {
  PGresult *got = of_case(r, "SELECT count(*) FROM corridor.delivery WHERE case_handle = $1"
                             " AND sender <> 'hub' AND first_claimed_at IS NOT NULL");
  int64_t n = db_get_int(got, 0, 0);
  PQclear(got);
  return n;
}

/* At an office the case knows nothing of, whose tries of earlier rounds are forgotten. */
static void take_word(race *r) {
  Corridor__V1__ConsentWithdrawal body = CORRIDOR__V1__CONSENT_WITHDRAWAL__INIT;
  if (!suspension_forget(&r->a.c, INT64_MAX)) alone_die("earlier tries", NULL);
  body.extent = CORRIDOR__V1__WITHDRAWAL_EXTENT__ALL_CONSENT;
  body.withdrawn_at = core_gate_time(&r->a.c);
  body.reference_hash = (ProtobufCBinaryData){COR_HASH_LEN, r->k.reference};
  race_take_record(r, &r->a, &r->office[3], COR_T(CONSENT_WITHDRAWAL), &body.base);
}

static void lift(race *r) {
  Corridor__V1__SuspensionAnswer body = CORRIDOR__V1__SUSPENSION_ANSWER__INIT;
  if (!suspension_ask(&r->a.c, core_gate_time(&r->a.c))) alone_die("the question", NULL);
  PGresult *asked = of_case(r, "SELECT notice_id FROM corridor.suspension WHERE case_handle = $1");
  db_get_fixed(asked, 0, 0, r->k.reply, COR_ID_LEN);
  PQclear(asked);
  body.outcome = CORRIDOR__V1__SUSPENSION_OUTCOME__LIFTED;
  body.ground = CORRIDOR__V1__SUSPENSION_GROUND__MISTAKE;
  race_take_record(r, &r->a, &r->office[0], COR_T(SUSPENSION_ANSWER), &body.base);
  race_settle_admitted(&r->a, "the answer");
}

void race_suspend(race *r) {
  pthread_t other;
  race_begin_waiting(r);
  take_word(r);
  int64_t head_start = race_below(r->b_took_us);
  race_start_both(r, race_deliver, &other);
  race_spin(head_start);
  race_settle_admitted(&r->a, "the word");
  const int64_t left = has_left(r); /* committed: from here on nothing may */
  race_end_both(r, other);
  race_claim_all(r);
  r->late += has_left(r) - left;
  r->left[left]++;
  lift(r);
  race_claim_all(r);
}
