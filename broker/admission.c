/* admission.c - the rows, log records and receipts of a run's decisions.
 *
 * For: admit.c, once every submission of a run has its verdict. Guarantees: all
 * is written in the caller's open transaction, a statement per table and run;
 * each admission and each refusal is one log record (refusals up to their
 * office's quota); one signature covers all receipts of the run, and a receipt
 * names the very leaf that was written with it. Trusts the verdicts. */
#include "admission.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "duties.h"
#include "mail.h"
#include "quota.h"
#include "referral.h"
#include <stdlib.h>
#include <string.h>

typedef struct verdict {
  Corridor__V1__AdmissionReceipt receipt;
  cor_buf content;
  size_t entry; /* in the ledger */
  bool late;
} verdict;

/* An offer that waits for better ranked ones. */
static bool held(const submission *s) {
  return s->envelope.cover && s->envelope.cover->rank > 1;
}

bool admission_is_record(const submission *s) {
  return strcmp(s->envelope.header->recipient, "hub") == 0;
}

/* ---- log records ---- */

static size_t log_one(act *a, core *c, const submission *s, Corridor__V1__LogKind kind) {
  Corridor__V1__LogRecord record;
  ledger_of_header(&record, kind, a->now, s->envelope.header);
  cor_bytes consent = facts_consent_id(&s->item);
  record.header_hash = (ProtobufCBinaryData){COR_HASH_LEN, (uint8_t *)s->envelope.header_hash};
  record.consent_id = (ProtobufCBinaryData){consent.len, (uint8_t *)consent.data};
  record.code = (uint32_t)s->code;
  record.table_version = COR_SOP_VERSION;
  record.card_list = c->cards ? cor_cards_number(c->cards) : 0;
  if (s->code == COR_OK && s->agreement) record.agreement = (char *)s->agreement;
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
                      .header_bytes = cor_bytes_of(wire->header),
                      .signature = cor_buf_view(&signatures[i]),
                      .cover = s->envelope.cover ? cor_bytes_of(wire->cover) : (cor_bytes){0},
                      .body = s->envelope.body,
                      .header_hash = s->envelope.header_hash,
                      .case_handle = {s->item.has_case ? s->item.case_handle : NULL, COR_ID_LEN},
                      .late = verdicts[i].late,
                      .deliver = !admission_is_record(s),
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
    if (admission_is_record(s)) continue;
    for (int side = 0; side < (s->envelope.cover ? 2 : 1); side++) {
      db_add_text(office, side ? s->envelope.header->sender : s->envelope.header->recipient);
      db_add_bytes(handle, cor_bytes_of(s->envelope.header->handle));
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
           *outcome = db_list(&args, DB_I16), *office = db_list(&args, DB_TEXT);
  for (size_t i = 0; i < n; i++) {
    if (!of[i]->item.has_case) continue;
    db_add_bytes(handle, cor_bytes_of(of[i]->envelope.header->handle));
    db_add_i64(type, of[i]->envelope.header->type);
    db_add_i64(outcome, of[i]->envelope.header->outcome);
    db_add_text(office, of[i]->envelope.header->sender);
  }
  db_i64(&args, now);
  return db_do(
      c->db,
      "INSERT INTO corridor.step (handle, type, outcome, office, at)"
      " SELECT u.*, $5::bigint FROM unnest($1::bytea[], $2::smallint[], $3::smallint[], $4::text[]) u"
      " ON CONFLICT (handle, type, office) DO UPDATE SET outcome = excluded.outcome, at = excluded.at",
      &args);
}

/* What is held against FACTS_PART_BYTES_MAX. Only the sender's own session adds to a
 * row; in one order all the same. */
static bool write_attached(core *c, submission **of, size_t n) {
  db_args args = {0};
  db_array *office = db_list(&args, DB_TEXT), *kase = db_list(&args, DB_BYTES),
           *bytes = db_list(&args, DB_I64);
  for (size_t i = 0; i < n; i++) {
    const Corridor__V1__Header *h = of[i]->envelope.header;
    if (cor_sop_find(h->type)->lane != COR_LANE_ATTACHMENT) continue;
    db_add_text(office, h->sender);
    db_add_bytes(kase, (cor_bytes){of[i]->item.case_handle, COR_ID_LEN});
    db_add_i64(bytes, (int64_t)h->body_size);
  }
  if (office->count == 0) {
    db_args_clear(&args);
    return true;
  }
  return db_do(c->db,
               "INSERT INTO corridor.attachment_use AS a SELECT office, kase, sum(bytes) FROM"
               " unnest($1::text[], $2::bytea[], $3::bigint[]) AS u (office, kase, bytes)"
               " GROUP BY office, kase ORDER BY office, kase"
               " ON CONFLICT (office, case_handle) DO UPDATE SET bytes = a.bytes + excluded.bytes",
               &args);
}

static bool write_dedupe(core *c, submission **of, size_t n, int64_t now) {
  db_args args = {0};
  db_array *sender = db_list(&args, DB_TEXT), *id = db_list(&args, DB_BYTES),
           *hash = db_list(&args, DB_BYTES);
  db_array *receipt = db_list(&args, DB_BYTES);
  for (size_t i = 0; i < n; i++) {
    db_add_text(sender, of[i]->envelope.header->sender);
    db_add_bytes(id, cor_bytes_of(of[i]->envelope.header->message_id));
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

static bool write_refusals(core *c, act *a, submission *const *list, size_t all, const size_t *entries) {
  db_args args = {0};
  db_array *leaf = db_list(&args, DB_I64), *sender = db_list(&args, DB_TEXT),
           *recipient = db_list(&args, DB_TEXT);
  db_array *id = db_list(&args, DB_BYTES), *handle = db_list(&args, DB_BYTES), *type = db_list(&args, DB_I16);
  db_array *code = db_list(&args, DB_I32);
  for (size_t i = 0; i < all; i++) {
    const submission *s = list[i];
    if (s->code == COR_OK || entries[i] == NOT_LOGGED) continue;
    db_add_i64(leaf, a->log.entries[entries[i]].leaf_id);
    db_add_text(sender, s->envelope.header->sender);
    db_add_text(recipient, s->envelope.header->recipient);
    db_add_bytes(id, cor_bytes_of(s->envelope.header->message_id));
    db_add_bytes(handle, cor_bytes_of(s->envelope.header->handle));
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
         write_dedupe(c, of, n, a->now) && write_attached(c, of, n) && write_referrals(c, a, of, n);
}

bool admission_write(core *c, act *a, submission *const *list, size_t all) {
  submission *admitted[ROUND_MAX];
  verdict verdicts[ROUND_MAX] = {0};
  size_t entries[ROUND_MAX] = {0}, n = 0;
  for (size_t i = 0; i < all; i++) {
    submission *s = list[i];
    if (s->duplicate) continue;
    if (s->code == COR_OK)
      admitted[n++] = s;
    else
      entries[i] = quota_take(c->refusals, s->envelope.header->sender)
                       ? log_one(a, c, s, CORRIDOR__V1__LOG_KIND__LOG_REFUSED)
                       : NOT_LOGGED;
  }
  bool ok = write_admitted(c, a, admitted, verdicts, n) && act_write(a, c) &&
            write_refusals(c, a, list, all, entries) && write_time(c, a->now);
  for (size_t i = 0; i < n; i++)
    cor_buf_clear(&verdicts[i].content);
  return ok;
}
