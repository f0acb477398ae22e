/* admit.c - admission: dedupe, gate, ONE transaction, receipt.
 *
 * For: turning verified submissions into stored messages. A round is cut into
 * runs: records for the hub apart (they lock their case FOR UPDATE), withdrawals
 * alone, and no handle or id twice in a run, so that each decision sees every
 * earlier one. Guarantees: message, delivery, standing, duties, log record and
 * dedupe entry commit together or not at all; a receipt exists only for what is
 * committed, and the same bytes get the same receipt for ever. Trusts intake.c
 * for decoding and signatures. A run whose transaction fails is tried once more
 * one by one, so that one bad message cannot hold up its neighbours. */
#include "admit.h"
#include "act.h"
#include "admission.h"
#include "corridor/codec.h"
#include "corridor/gate.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "records.h"
#include "registry.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef struct run {
  submission *list[ROUND_MAX];
  size_t n;
  bool records;
} run;

/* The answer to a suspension may be one, of a case that others name by another handle. */
static bool is_withdrawal(const submission *s) {
  const Corridor__V1__MessageType type = s->envelope.header->type;
  return type == COR_T(CONSENT_WITHDRAWAL) || type == COR_T(SUSPENSION_ANSWER);
}

/* ---- dedupe ---- */

/* The same id from the same sender; and an id that is another's already: duties,
 * notices and statements name a message by its id alone, so nobody takes one twice. */
static bool ask_duplicates(core *c, const run *u) {
  db_args args = {0};
  db_array *sender = db_list(&args, DB_TEXT), *id = db_list(&args, DB_BYTES), *at = db_list(&args, DB_I32);
  for (size_t i = 0; i < u->n; i++) {
    db_add_text(sender, u->list[i]->envelope.header->sender);
    db_add_bytes(id, cor_bytes_of(u->list[i]->envelope.header->message_id));
    db_add_i64(at, (int64_t)i);
  }
  return db_ask(
      c->db,
      "SELECT a.i, d.header_hash, d.receipt FROM unnest($1::text[], $2::bytea[], $3::int[])"
      " AS a (sender, id, i) JOIN corridor.dedupe d ON d.sender = a.sender AND d.message_id = a.id"
      " UNION ALL SELECT a.i, NULL, NULL FROM unnest($1::text[], $2::bytea[], $3::int[])"
      " AS a (sender, id, i) JOIN corridor.delivery o ON o.message_id = a.id AND o.sender <> a.sender",
      &args);
}

static bool take_duplicates(core *c, const run *u) {
  PGresult *r = db_answer(c->db);
  if (!r) return false;
  for (int row = 0; row < PQntuples(r); row++) {
    submission *s = u->list[db_get_int(r, row, 0)];
    cor_error err;
    /* What was admitted keeps its receipt, whoever used the id since. */
    if (db_null(r, row, 1) && s->duplicate) continue;
    s->settled = true;
    s->duplicate = !db_null(r, row, 1) && cor_bytes_equal(db_get_bytes(r, row, 1),
                                                          (cor_bytes){s->envelope.header_hash, COR_HASH_LEN});
    s->code = s->duplicate ? COR_OK : COR_CONFLICT;
    if (!s->duplicate) s->field = "messageId";
    if (s->duplicate && !cor_buf_copy(&s->receipt, db_get_bytes(r, row, 2), &err)) abort();
  }
  core_count(c, CORE_DUPLICATES, PQntuples(r));
  PQclear(r);
  return true;
}

/* ---- deciding ---- */

static bool decide(core *c, act *a, submission *s, int *code) {
  cor_decision decision = cor_gate_decide(&s->item.facts, s->envelope.header);
  *code = decision.code;
  s->agreement = decision.agreement;
  if (decision.code != COR_OK) {
    s->field = decision.field;
    return true;
  }
  if (s->item.backlog_full) *code = COR_LIMIT_REACHED;
  if (s->item.attached_all) *code = COR_ATTACHMENT_LIMIT;
  if (s->record) return record_apply(c, a, &s->item, s->record, code);
  return true;
}

static bool decide_run(core *c, act *a, run *u) {
  for (size_t i = 0; i < u->n; i++)
    if (!u->list[i]->settled && !decide(c, a, u->list[i], &u->list[i]->code)) return false;
  return true;
}

/* ---- runs ---- */

static void reset(run *u) {
  for (size_t i = 0; i < u->n; i++) {
    submission *s = u->list[i];
    cor_buf_clear(&s->receipt);
    if (s->verified && (!s->settled || s->duplicate || s->code == COR_CONFLICT)) {
      s->settled = s->duplicate = false;
      s->code = COR_HUB_UNAVAILABLE;
      s->field = "";
    }
    s->item = (facts_item){.header = s->envelope.header, .cover = s->envelope.cover};
    s->agreement = NULL;
  }
}

enum attempt { ATTEMPT_DONE, ATTEMPT_STALE, ATTEMPT_FAILED };

static enum attempt attempt_run(core *c, run *u) {
  act a;
  enum attempt outcome = ATTEMPT_FAILED;
  bool current = false;
  int64_t now = core_gate_time(c);
  facts_item *items[ROUND_MAX];
  facts_query facts = {.items = items, .n = u->n, .lock = u->records ? FACTS_UPDATE : FACTS_SHARE};
  for (size_t i = 0; i < u->n; i++)
    items[i] = &u->list[i]->item;
  act_begin(&a, c, now);
  if (!db_ready(c->db) || !db_begin(c->db)) goto out;
  /* Asked together, a duplicate's facts too; answered in order. */
  if (!registry_ask(c) || !ask_duplicates(c, u) || !facts_ask(c, &facts, now) ||
      !registry_hold(c, &current) || !take_duplicates(c, u))
    goto out;
  if (!current) {
    outcome = ATTEMPT_STALE;
    goto out;
  }
  if (!facts_take(c, &facts) || !decide_run(c, &a, u) || !admission_write(c, &a, u->list, u->n) ||
      !act_commit(c))
    goto out;
  outcome = ATTEMPT_DONE;
  c->highest_committed = now;
  for (size_t i = 0; i < u->n; i++) {
    u->list[i]->settled = true;
    core_count(c, u->list[i]->code == COR_OK ? CORE_ADMITTED : CORE_REFUSED, !u->list[i]->duplicate);
  }
  core_count(c, CORE_BATCHES, 1);
out:
  if (outcome != ATTEMPT_DONE) {
    db_rollback(c->db);
    reset(u);
  }
  act_clear(&a);
  return outcome;
}

/* Signatures were checked under cards that are replaced. What does not verify now
 * leaves the run and is answered with that. */
static void verify_again(core *c, run *u) {
  size_t n = 0;
  for (size_t i = 0; i < u->n; i++) {
    submission *s = u->list[i];
    parcel *p = (parcel *)((char *)s - offsetof(parcel, submission));
    parcel_inspect(p, c->cards, c->gate_epoch, c->memory);
    if (!s->verified) continue;
    if (!s->settled) s->code = COR_HUB_UNAVAILABLE;
    u->list[n++] = s;
  }
  u->n = n;
}

static bool settle_run(core *c, run *u) {
  for (int tries = 0; tries < 3 && u->n > 0; tries++) {
    enum attempt outcome = attempt_run(c, u);
    if (outcome == ATTEMPT_DONE) return true;
    if (outcome == ATTEMPT_FAILED || !session_follow_cards(c)) return false;
    verify_again(c, u);
  }
  return u->n == 0;
}

/* May s join the run? No id or handle twice, records apart, withdrawals alone. */
static bool joins(const run *u, const submission *s) {
  if (u->n == 0) return true;
  if (u->records != admission_is_record(s) || is_withdrawal(s) || is_withdrawal(u->list[0])) return false;
  for (size_t i = 0; i < u->n; i++) {
    const Corridor__V1__Header *a = u->list[i]->envelope.header, *b = s->envelope.header;
    if (memcmp(a->handle.data, b->handle.data, COR_ID_LEN) == 0) return false;
    if (memcmp(a->message_id.data, b->message_id.data, COR_ID_LEN) == 0) return false;
  }
  return true;
}

void admit_round(core *c, round_t *r) {
  size_t next = 0;
  while (next < r->n_submissions) {
    run u = {0};
    for (; next < r->n_submissions; next++) {
      submission *s = r->submissions[next];
      if (!s->verified) continue; /* answered with what intake found */
      if (!joins(&u, s)) break;
      if (!s->settled) s->code = COR_HUB_UNAVAILABLE;
      u.records = admission_is_record(s);
      u.list[u.n++] = s;
    }
    if (u.n == 0) continue;
    if (settle_run(c, &u)) continue;
    core_count(c, CORE_DATABASE_ERRORS, 1);
    for (size_t i = 0; db_ready(c->db) && i < u.n; i++) {
      run one = {.list = {u.list[i]}, .n = 1, .records = u.records};
      (void)settle_run(c, &one);
    }
  }
}
