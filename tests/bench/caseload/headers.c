/* headers.c - what stands outside the seal: headers, covers, and the digest over
 * a whole plan.
 *
 * For: prepare.c, and the test that two runs of one seed plan the same. The kinds'
 * table (plan.c) says what a header of each kind holds; here it meets its
 * parties, handles and times. */
#include "content.h"
#include "corridor/codec.h"
#include "seed.h"

enum { EXPIRES_DAYS = 30, ANSWER_DAYS = 3 };
static const int64_t day_ms = 24 * 3600 * INT64_C(1000);

static int64_t event_of(const plan *p, const planned *m) {
  switch (m->kind) {
  case KIND_ABN:
  case KIND_TICKET:
  case KIND_DEPARTURE: return plan_departure(&p->people[m->person]);
  case KIND_OFFER: return plan_moment(m->day) + ANSWER_DAYS * day_ms;
  default: return 0;
  }
}

/* What it answers stands before it in the same strand, on the same day. */
static bool answered_id(const plan *p, const planned *m, uint8_t out[COR_ID_LEN]) {
  if (!kind_rows[m->kind].answers) return false;
  planned asked = *m;
  asked.kind--;
  plan_message_id(p, &asked, out);
  return true;
}

void content_header(const plan *p, const planned *m, draft *out) {
  const kind_row *row = &kind_rows[m->kind];
  Corridor__V1__Header *h = &out->header;
  corridor__v1__header__init(h);
  plan_office_id(p->w, plan_party(p, m, row->from), out->sender);
  plan_office_id(p->w, plan_party(p, m, row->to), out->recipient);
  plan_message_id(p, m, out->id);
  plan_handle(p, m, out->handle);
  h->version = 1;
  h->message_id = (ProtobufCBinaryData){COR_ID_LEN, out->id};
  h->sender = out->sender;
  h->recipient = out->recipient;
  h->compartment = row->compartment;
  h->handle = (ProtobufCBinaryData){COR_ID_LEN, out->handle};
  h->type = row->type;
  h->purpose = row->purpose;
  h->basis = row->basis;
  h->categories = out->categories;
  for (unsigned c = 1; c < sizeof out->categories / sizeof *out->categories; c++)
    if (row->categories & COR_BIT(c)) out->categories[h->n_categories++] = (Corridor__V1__DataCategory)c;
  if (row->basis == COR_BASIS(CONSENT)) {
    plan_consent(p, m, out->consent);
    h->consent_id = (ProtobufCBinaryData){COR_ID_LEN, out->consent};
  }
  if (answered_id(p, m, out->answers)) h->in_reply_to = (ProtobufCBinaryData){COR_ID_LEN, out->answers};
  h->sent_at = plan_moment(m->day);
  h->expires_at = h->sent_at + EXPIRES_DAYS * day_ms;
  h->event_at = event_of(p, m);
  h->safeguards_met = m->kind == KIND_ABN;
  h->table_version = COR_SOP_VERSION;
  h->outcome = row->outcome;
}

bool content_cover(const plan *p, const planned *m, const uint8_t *header_hash, cover_draft *out) {
  static Corridor__V1__DataCategory later[] = {COR_CAT(BIODATA), COR_CAT(CONTACT), COR_CAT(ECONOMIC),
                                               COR_CAT(EDUCATION)};
  if (m->kind != KIND_OFFER) return false;
  corridor__v1__cover__init(&out->cover);
  plan_case(p, m, out->handle);
  plan_consent(p, m, out->consent);
  seed_bytes(p->seed, "need", m->person, m->service, out->need, sizeof out->need);
  out->cover.header_hash = (ProtobufCBinaryData){COR_HASH_LEN, (uint8_t *)header_hash};
  out->cover.case_handle = (ProtobufCBinaryData){COR_ID_LEN, out->handle};
  out->cover.consent_id = (ProtobufCBinaryData){COR_ID_LEN, out->consent};
  out->cover.referral_id = (ProtobufCBinaryData){COR_ID_LEN, out->need};
  out->cover.rank = 1;
  out->cover.n_categories = sizeof later / sizeof *later;
  out->cover.categories = later;
  return true;
}

bool content_digest(const plan *p, uint8_t out[COR_HASH_LEN], cor_error *err) {
  for (size_t i = 0; i < COR_HASH_LEN; i++)
    out[i] = 0;
  for (size_t i = 0; i < p->n_messages; i++) {
    draft d;
    cor_buf header = {0}, body = {0};
    content_header(p, &p->messages[i], &d);
    bool ok = cor_encode(&d.header.base, &header, err) && content_body(p, &p->messages[i], &body, err);
    if (ok)
      cor_sha256(out, (cor_bytes[]){{out, COR_HASH_LEN}, cor_buf_view(&header), cor_buf_view(&body)}, 3);
    cor_buf_clear(&header);
    cor_buf_clear(&body);
    if (!ok) return false;
  }
  return true;
}
