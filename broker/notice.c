/* notice.c - the hub's own messages.
 *
 * For: telling every end (design 3), past recipients of a withdrawal (design 4)
 * and those who owe or await an answer (design 5). Guarantees: a notice exists
 * in the transaction of the act it tells of. Trusts its callers for codes; holds
 * no personal datum. Fatal: a hub key that cannot sign. */
#include "notice.h"
#include "bundle.h"
#include "corridor/codec.h"
#include "corridor/envelope.h"
#include "corridor/id.h"
#include "mail.h"
#include <stdlib.h>
#include <string.h>

enum { NOTICE_LIFE_DAYS = 400 }; /* longer than any agent is away */
static const int64_t day_ms = 24 * 3600 * INT64_C(1000);

const uint8_t *notice_add(notices *all, const char *recipient, Corridor__V1__MessageType type,
                          const uint8_t *handle, const uint8_t *case_handle, const uint8_t *in_reply_to,
                          const ProtobufCMessage *body) {
  if (strcmp(recipient, "hub") == 0) return NULL;
  if (all->n == all->cap) {
    all->cap = all->cap ? all->cap * 2 : 32;
    all->list = realloc(all->list, all->cap * sizeof *all->list);
    if (!all->list) abort();
  }
  notice *one = &all->list[all->n++];
  *one = (notice){.type = type, .has_case = case_handle != NULL};
  snprintf(one->recipient, sizeof one->recipient, "%s", recipient);
  memcpy(one->handle, handle, COR_ID_LEN);
  if (case_handle) memcpy(one->case_handle, case_handle, COR_ID_LEN);
  memcpy(one->in_reply_to, in_reply_to, COR_ID_LEN);
  cor_error err;
  if (!cor_encode(body, &one->body, &err)) abort(); /* our own message: an invariant */
  cor_id_new(one->id, all->now);
  return one->id;
}

void notice_end(notices *all, const char *sender, const uint8_t *message_id, const uint8_t *handle,
                const uint8_t *case_handle, Corridor__V1__EndState state, int reason, int64_t at,
                cor_bytes receipt) {
  Corridor__V1__EndNotice body = CORRIDOR__V1__END_NOTICE__INIT;
  body.message_id = (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)message_id};
  body.state = state;
  body.reason = (uint32_t)reason;
  body.at = at;
  body.delivery_receipt = (ProtobufCBinaryData){receipt.len, (uint8_t *)receipt.data};
  notice_add(all, sender, COR_T(END_NOTICE), handle, case_handle, message_id, &body.base);
}

typedef struct draft {
  uint8_t body_hash[COR_HASH_LEN], header_hash[COR_HASH_LEN];
  Corridor__V1__DataCategory category;
  Corridor__V1__Header header;
  cor_buf header_bytes, signature;
} draft;

static void draft_header(draft *d, const notice *one, int64_t now) {
  cor_error err;
  cor_sha256(d->body_hash, (cor_bytes[]){cor_buf_view(&one->body)}, 1);
  d->category = COR_CAT(OPERATIONAL);
  corridor__v1__header__init(&d->header);
  d->header.version = 1;
  d->header.message_id = (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)one->id};
  d->header.sender = "hub";
  d->header.recipient = (char *)one->recipient;
  d->header.compartment = COR_C(RECORD);
  d->header.handle = (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)one->handle};
  d->header.type = one->type;
  d->header.purpose = COR_PURPOSE(RECORD_KEEPING);
  d->header.n_categories = 1;
  d->header.categories = &d->category;
  d->header.basis = COR_BASIS(RECORD_DUTY);
  if (one->type != COR_T(NOTICE_BUNDLE)) /* whose parts have their own */
    d->header.in_reply_to = (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)one->in_reply_to};
  d->header.sent_at = now;
  d->header.expires_at = now + NOTICE_LIFE_DAYS * day_ms;
  d->header.table_version = COR_SOP_VERSION;
  d->header.body_size = one->body.len;
  d->header.body_sha256 = (ProtobufCBinaryData){COR_HASH_LEN, d->body_hash};
  if (!cor_encode(&d->header.base, &d->header_bytes, &err)) abort();
  cor_content_hash(COR_DOMAIN_HEADER, cor_buf_view(&d->header_bytes), d->header_hash);
}

static bool sign_batch(core *c, draft *drafts, size_t n) {
  cor_error err = {0};
  bool ok = false;
  cor_bytes *contents = calloc(n, sizeof *contents);
  Corridor__V1__Signature **signatures = calloc(n, sizeof *signatures);
  if (!contents || !signatures) abort();
  for (size_t i = 0; i < n; i++)
    contents[i] = cor_buf_view(&drafts[i].header_bytes);
  ok = cor_sign(c->hub.signing, COR_DOMAIN_HEADER, "hub", COR_C(RECORD), contents, n, signatures, &err);
  for (size_t i = 0; i < n && ok; i++)
    ok = cor_encode(&signatures[i]->base, &drafts[i].signature, &err);
  for (size_t i = 0; i < n; i++)
    cor_message_free((ProtobufCMessage *)signatures[i]);
  if (!ok) COR_LOG(c->log, COR_ALARM, "notice-not-signed", COR_CODE(err.code));
  free(contents);
  free(signatures);
  return ok;
}

/* One signature for each office: who were told in one act must not learn of each
 * other by comparing what they got (a withdrawal ties the handles of one case). */
static bool sign_all(core *c, draft *drafts, size_t n) {
  bool ok = true;
  for (size_t first = 0, i = 1; ok && i <= n; i++) {
    if (i < n && strcmp(drafts[i].header.recipient, drafts[first].header.recipient) == 0) continue;
    ok = sign_batch(c, drafts + first, i - first);
    first = i;
  }
  return ok;
}

/* At most COR_BATCH_MAX at a time: the limit of one batch signature. */
static bool write_some(const notice *list, size_t n, core *c, int64_t now) {
  draft *drafts = calloc(n, sizeof *drafts);
  mail *mails = calloc(n, sizeof *mails);
  if (!drafts || !mails) abort();
  for (size_t i = 0; i < n; i++)
    draft_header(&drafts[i], &list[i], now);
  bool ok = sign_all(c, drafts, n);
  for (size_t i = 0; i < n && ok; i++)
    mails[i] = (mail){.header = &drafts[i].header,
                      .header_bytes = cor_buf_view(&drafts[i].header_bytes),
                      .signature = cor_buf_view(&drafts[i].signature),
                      .body = cor_buf_view(&list[i].body),
                      .header_hash = drafts[i].header_hash,
                      .case_handle = {list[i].has_case ? list[i].case_handle : NULL, COR_ID_LEN},
                      .deliver = true,
                      .state = MAIL_QUEUED};
  ok = ok && mail_write(c, mails, n, now);
  for (size_t i = 0; i < n; i++) {
    cor_buf_clear(&drafts[i].header_bytes);
    cor_buf_clear(&drafts[i].signature);
  }
  free(drafts);
  free(mails);
  return ok;
}

bool notice_write(notices *all, core *c, int64_t now) {
  notices packed;
  bool ok = true;
  bundle_pack(all, &packed, now);
  for (size_t i = 0; ok && i < packed.n; i += COR_BATCH_MAX)
    ok = write_some(packed.list + i, packed.n - i < COR_BATCH_MAX ? packed.n - i : COR_BATCH_MAX, c, now);
  notice_clear(&packed);
  return ok;
}

void notice_clear(notices *all) {
  for (size_t i = 0; i < all->n; i++)
    cor_buf_clear(&all->list[i].body);
  free(all->list);
  *all = (notices){0};
}
