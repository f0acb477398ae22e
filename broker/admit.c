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
#include "corridor/codec.h"
#include "corridor/gate.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "duties.h"
#include "mail.h"
#include "quota.h"
#include "records.h"
#include "referral.h"
#include "registry.h"
#include <stdlib.h>
#include <string.h>

typedef struct run {
  submission *list[ROUND_MAX];
  size_t n;
  bool records;
} run;

typedef struct verdict {
  Corridor__V1__AdmissionReceipt receipt;
  cor_buf content;
  size_t entry; /* in the ledger */
  bool late;
} verdict;

static cor_bytes bytes_of(ProtobufCBinaryData b) {
  return (cor_bytes){b.data, b.len};
}
static bool is_record(const submission *s) {
  return strcmp(s->envelope.header->recipient, "hub") == 0;
}
static bool is_withdrawal(const submission *s) {
  return s->envelope.header->type == COR_T(CONSENT_WITHDRAWAL);
}

/* An offer that waits for better ranked ones. */
static bool held(const submission *s) {
  return s->envelope.cover && s->envelope.cover->rank > 1;
}

/* ---- dedupe ---- */

static bool find_duplicates(core *c, const run *u) {
  db_args args = {0};
  db_array *sender = db_list(&args, DB_TEXT), *id = db_list(&args, DB_BYTES);
  for (size_t i = 0; i < u->n; i++) {
    db_add_text(sender, u->list[i]->envelope.header->sender);
    db_add_bytes(id, bytes_of(u->list[i]->envelope.header->message_id));
  }
  PGresult *r = db_run(
      c->db,
      "SELECT a.i, d.header_hash, d.receipt FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY"
      " AS a (sender, id, i) JOIN corridor.dedupe d ON d.sender = a.sender AND d.message_id = a.id",
      &args);
  if (!r) return false;
  for (int row = 0; row < PQntuples(r); row++) {
    submission *s = u->list[db_get_int(r, row, 0) - 1];
    cor_error err;
    s->settled = true;
    s->duplicate = cor_bytes_equal(db_get_bytes(r, row, 1),
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
  if (decision.code != COR_OK) {
    s->field = decision.field;
    return true;
  }
  if (s->item.backlog_full) *code = COR_LIMIT_REACHED;
  if (s->record) return record_apply(c, a, &s->item, s->record, code);
  return true;
}

static bool decide_run(core *c, act *a, run *u) {
  facts_item items[ROUND_MAX];
  submission *of[ROUND_MAX];
  size_t n = 0;
  for (size_t i = 0; i < u->n; i++)
    if (!u->list[i]->settled) {
      of[n] = u->list[i];
      items[n++] = u->list[i]->item;
    }
  if (n == 0) return true;
  if (!facts_load(c, items, n, u->records ? FACTS_UPDATE : FACTS_SHARE, a->now)) return false;
  for (size_t i = 0; i < n; i++) {
    of[i]->item = items[i];
    if (!decide(c, a, of[i], &of[i]->code)) return false;
  }
  return true;
}

/* ---- log records ---- */

static size_t log_one(act *a, core *c, const submission *s, Corridor__V1__LogKind kind) {
  const Corridor__V1__Header *h = s->envelope.header;
  Corridor__V1__LogRecord record = CORRIDOR__V1__LOG_RECORD__INIT;
  cor_bytes consent = facts_consent_id(&s->item);
  record.kind = kind;
  record.at = a->now;
  record.message_id = h->message_id;
  record.header_hash = (ProtobufCBinaryData){COR_HASH_LEN, (uint8_t *)s->envelope.header_hash};
  record.sender = h->sender;
  record.recipient = h->recipient;
  record.handle = h->handle;
  record.type = h->type;
  record.n_categories = h->n_categories;
  record.categories = h->categories;
  record.purpose = h->purpose;
  record.basis = h->basis;
  record.consent_id = (ProtobufCBinaryData){consent.len, (uint8_t *)consent.data};
  record.code = (uint32_t)s->code;
  record.table_version = COR_SOP_VERSION;
  record.card_list = c->cards ? cor_cards_number(c->cards) : 0;
  return ledger_add(&a->log, &record);
}

/* ---- receipts ---- */

static void draft_receipt(act *a, verdict *v, submission *s, int64_t judged) {
  cor_error err;
  corridor__v1__admission_receipt__init(&v->receipt);
  v->receipt.message_id = s->envelope.header->message_id;
  v->receipt.sender = s->envelope.header->sender;
  v->receipt.header_hash = (ProtobufCBinaryData){COR_HASH_LEN, s->envelope.header_hash};
  v->receipt.admitted_at = a->now;
  v->receipt.log_leaf = (ProtobufCBinaryData){COR_HASH_LEN, a->log.entries[v->entry].leaf};
  v->receipt.table_version = COR_SOP_VERSION;
  v->receipt.late = v->late;
  v->receipt.judged_due_at = judged;
  if (!cor_encode(&v->receipt.base, &v->content, &err)) abort();
}

/* One ECDSA signature covers every receipt of the run. */
static bool sign_receipts(core *c, submission **of, verdict *verdicts, size_t n) {
  cor_error err = {0};
  cor_bytes contents[ROUND_MAX];
  Corridor__V1__Signature *signatures[ROUND_MAX] = {0};
  for (size_t i = 0; i < n; i++)
    contents[i] = cor_buf_view(&verdicts[i].content);
  bool ok = cor_sign(c->hub.signing, COR_DOMAIN_RECEIPT, "hub", 0, contents, n, signatures, &err);
  for (size_t i = 0; i < n; i++) {
    Corridor__V1__SignedContent content = CORRIDOR__V1__SIGNED_CONTENT__INIT;
    content.content = (ProtobufCBinaryData){contents[i].len, (uint8_t *)contents[i].data};
    content.signature = signatures[i];
    ok = ok && cor_encode(&content.base, &of[i]->receipt, &err);
    cor_message_free((ProtobufCMessage *)signatures[i]);
  }
  if (!ok) COR_LOG(c->log, COR_ALARM, "receipts-not-signed", COR_CODE(err.code));
  return ok;
}

/* ---- writing ---- */

static bool write_mail(core *c, submission **of, const verdict *verdicts, size_t n, int64_t now) {
  mail mails[ROUND_MAX];
  cor_buf signatures[ROUND_MAX] = {0};
  cor_error err = {0};
  bool ok = true;
  for (size_t i = 0; i < n && ok; i++) {
    const submission *s = of[i];
    const Corridor__V1__Envelope *wire = s->envelope.wire;
    ok = cor_encode(&wire->signature->base, &signatures[i], &err);
    mails[i] = (mail){.header = s->envelope.header,
                      .header_bytes = bytes_of(wire->header),
                      .signature = cor_buf_view(&signatures[i]),
                      .cover = s->envelope.cover ? bytes_of(wire->cover) : (cor_bytes){0},
                      .body = s->envelope.body,
                      .header_hash = s->envelope.header_hash,
                      .case_handle = {s->item.has_case ? s->item.case_handle : NULL, COR_ID_LEN},
                      .late = verdicts[i].late,
                      .deliver = !is_record(s),
                      .state = held(s) ? MAIL_HELD : MAIL_QUEUED};
    cor_bytes consent = facts_consent_id(&s->item);
    if (consent.len == COR_ID_LEN) mails[i].consent_id = consent;
  }
  ok = ok && mail_write(c, mails, n, now);
  for (size_t i = 0; i < n; i++)
    cor_buf_clear(&signatures[i]);
  return ok;
}

/* An admitted message creates its recipient's standing; an offer also the
 * asker's in the referral handle. */
static bool write_standing(core *c, submission **of, size_t n, int64_t now) {
  db_args args = {0};
  db_array *office = db_list(&args, DB_TEXT), *handle = db_list(&args, DB_BYTES),
           *kase = db_list(&args, DB_BYTES);
  for (size_t i = 0; i < n; i++) {
    const submission *s = of[i];
    if (is_record(s)) continue;
    for (int side = 0; side < (s->envelope.cover ? 2 : 1); side++) {
      db_add_text(office, side ? s->envelope.header->sender : s->envelope.header->recipient);
      db_add_bytes(handle, bytes_of(s->envelope.header->handle));
      db_add_bytes(kase, (cor_bytes){s->item.case_handle, COR_ID_LEN});
    }
  }
  if (office->count == 0) {
    db_args_clear(&args);
    return true;
  }
  db_i64(&args, now);
  return db_do(
      c->db,
      "INSERT INTO corridor.standing SELECT office, handle, kase, $4::bigint FROM"
      " unnest($1::text[], $2::bytea[], $3::bytea[]) AS u (office, handle, kase) ON CONFLICT DO NOTHING",
      &args);
}

static bool write_steps(core *c, submission **of, size_t n, int64_t now) {
  db_args args = {0};
  db_array *handle = db_list(&args, DB_BYTES), *type = db_list(&args, DB_I16),
           *outcome = db_list(&args, DB_I16);
  for (size_t i = 0; i < n; i++) {
    if (!of[i]->item.has_case) continue;
    db_add_bytes(handle, bytes_of(of[i]->envelope.header->handle));
    db_add_i64(type, of[i]->envelope.header->type);
    db_add_i64(outcome, of[i]->envelope.header->outcome);
  }
  db_i64(&args, now);
  return db_do(c->db,
               "INSERT INTO corridor.step SELECT handle, type, outcome, $4::bigint FROM"
               " unnest($1::bytea[], $2::smallint[], $3::smallint[]) AS u (handle, type, outcome)"
               " ON CONFLICT (handle, type) DO UPDATE SET outcome = excluded.outcome, at = excluded.at",
               &args);
}

static bool write_dedupe(core *c, submission **of, size_t n, int64_t now) {
  db_args args = {0};
  db_array *sender = db_list(&args, DB_TEXT), *id = db_list(&args, DB_BYTES),
           *hash = db_list(&args, DB_BYTES);
  db_array *receipt = db_list(&args, DB_BYTES);
  for (size_t i = 0; i < n; i++) {
    db_add_text(sender, of[i]->envelope.header->sender);
    db_add_bytes(id, bytes_of(of[i]->envelope.header->message_id));
    db_add_bytes(hash, (cor_bytes){of[i]->envelope.header_hash, COR_HASH_LEN});
    db_add_bytes(receipt, cor_buf_view(&of[i]->receipt));
  }
  db_i64(&args, now);
  /* No ON CONFLICT: the same id admitted by another broker meanwhile fails the
   * run, and its retry finds the duplicate. */
  return db_do(c->db,
               "INSERT INTO corridor.dedupe SELECT sender, id, hash, receipt, $5::bigint FROM"
               " unnest($1::text[], $2::bytea[], $3::bytea[], $4::bytea[]) AS u (sender, id, hash, receipt)",
               &args);
}

static bool write_referrals(core *c, act *a, submission **of, size_t n) {
  bool ok = true;
  for (size_t i = 0; ok && i < n; i++) {
    const Corridor__V1__Header *h = of[i]->envelope.header;
    if (h->type == COR_T(REFERRAL)) ok = referral_offer(c, a, h, of[i]->envelope.cover);
    if (h->type == COR_T(REFERRAL_ACK)) ok = referral_answered(c, a, h);
  }
  return ok;
}

#define NOT_LOGGED SIZE_MAX /* over the office's quota: counted only */

static bool write_refusals(core *c, act *a, const run *u, const size_t *entries) {
  db_args args = {0};
  db_array *leaf = db_list(&args, DB_I64), *sender = db_list(&args, DB_TEXT),
           *recipient = db_list(&args, DB_TEXT);
  db_array *id = db_list(&args, DB_BYTES), *handle = db_list(&args, DB_BYTES), *type = db_list(&args, DB_I16);
  db_array *code = db_list(&args, DB_I32);
  for (size_t i = 0; i < u->n; i++) {
    const submission *s = u->list[i];
    if (s->code == COR_OK || entries[i] == NOT_LOGGED) continue;
    db_add_i64(leaf, a->log.entries[entries[i]].leaf_id);
    db_add_text(sender, s->envelope.header->sender);
    db_add_text(recipient, s->envelope.header->recipient);
    db_add_bytes(id, bytes_of(s->envelope.header->message_id));
    db_add_bytes(handle, bytes_of(s->envelope.header->handle));
    db_add_i64(type, s->envelope.header->type);
    db_add_i64(code, s->code);
  }
  if (leaf->count == 0) {
    db_args_clear(&args);
    return true;
  }
  db_i64(&args, a->now);
  return db_do(
      c->db,
      "INSERT INTO corridor.refusal (leaf_id, sender, recipient, message_id, handle, type, code, at)"
      " SELECT u.*, $8::bigint FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[], $5::bytea[],"
      " $6::smallint[], $7::int[]) u",
      &args);
}

static bool write_time(core *c, int64_t now) {
  db_args args = {0};
  db_i64(&args, now);
  /* One row for all brokers would make them wait for each other: one each. */
  db_text(&args, c->broker);
  return db_do(c->db,
               "INSERT INTO corridor.gate_time VALUES ($2, $1) ON CONFLICT (broker) DO UPDATE"
               " SET committed_at = greatest(corridor.gate_time.committed_at, excluded.committed_at)",
               &args);
}

static bool write_admitted(core *c, act *a, submission **of, verdict *verdicts, size_t n) {
  if (n == 0) return true;
  for (size_t i = 0; i < n; i++) {
    int64_t judged = 0;
    if (of[i]->item.has_case)
      duties_at_admission(c, a, of[i]->envelope.header, of[i]->item.case_handle, held(of[i]), &judged,
                          &verdicts[i].late);
    verdicts[i].entry = log_one(a, c, of[i], CORRIDOR__V1__LOG_KIND__LOG_ADMITTED);
    draft_receipt(a, &verdicts[i], of[i], judged);
  }
  return sign_receipts(c, of, verdicts, n) && write_mail(c, of, verdicts, n, a->now) &&
         write_standing(c, of, n, a->now) && write_steps(c, of, n, a->now) &&
         write_dedupe(c, of, n, a->now) && write_referrals(c, a, of, n);
}

/* Everything of one run inside the open transaction. */
static bool write_run(core *c, act *a, run *u) {
  submission *admitted[ROUND_MAX];
  verdict verdicts[ROUND_MAX] = {0};
  size_t entries[ROUND_MAX] = {0}, n = 0;
  for (size_t i = 0; i < u->n; i++) {
    submission *s = u->list[i];
    if (s->duplicate) continue;
    if (s->code == COR_OK)
      admitted[n++] = s;
    else
      entries[i] = quota_take(c->refusals, s->envelope.header->sender)
                       ? log_one(a, c, s, CORRIDOR__V1__LOG_KIND__LOG_REFUSED)
                       : NOT_LOGGED;
  }
  bool ok = write_admitted(c, a, admitted, verdicts, n) && act_write(a, c) &&
            write_refusals(c, a, u, entries) && write_time(c, a->now);
  for (size_t i = 0; i < n; i++)
    cor_buf_clear(&verdicts[i].content);
  return ok;
}

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
  }
}

enum attempt { ATTEMPT_DONE, ATTEMPT_STALE, ATTEMPT_FAILED };

static enum attempt attempt_run(core *c, run *u) {
  act a;
  enum attempt outcome = ATTEMPT_FAILED;
  bool current = false;
  int64_t now = core_gate_time(c);
  act_begin(&a, now);
  if (!db_ready(c->db) || !db_begin(c->db)) goto out;
  if (!registry_hold(c, &current)) goto out;
  if (!current) {
    outcome = ATTEMPT_STALE;
    goto out;
  }
  if (!find_duplicates(c, u) || !decide_run(c, &a, u) || !write_run(c, &a, u) || !db_commit(c->db)) goto out;
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

static bool settle_run(core *c, run *u) {
  for (int tries = 0; tries < 3; tries++) {
    enum attempt outcome = attempt_run(c, u);
    if (outcome == ATTEMPT_DONE) return true;
    if (outcome == ATTEMPT_FAILED) return false;
    if (!session_follow_cards(c)) return false;
  }
  return false;
}

/* May s join the run? No id or handle twice, records apart, withdrawals alone. */
static bool joins(const run *u, const submission *s) {
  if (u->n == 0) return true;
  if (u->records != is_record(s) || is_withdrawal(s) || is_withdrawal(u->list[0])) return false;
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
      submission *s = &r->submissions[next];
      if (!s->verified) continue; /* answered with what intake found */
      if (!joins(&u, s)) break;
      if (!s->settled) s->code = COR_HUB_UNAVAILABLE;
      u.records = is_record(s);
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
