/* bundle.c - several notices for one office as one message.
 *
 * For: notice_write. One batch of receipts ends many messages of one sender, and
 * each end is a row to store, claim, send, receipt and log; in a bundle they are
 * one. Guarantees: every notice of the transaction goes out once, alone or in one
 * bundle; an office reads its notices in the order in which they were made; a
 * bundle has two parts at least, and stays within what an agent takes. A
 * withdrawal notice goes alone: its answer names it (design 4). Trusts the notices
 * as made here. Fatal: no memory. */
#include "bundle.h"
#include "corridor/codec.h"
#include "corridor/id.h"
#include <stdlib.h>
#include <string.h>

/* A part's three ids, its type, the heads of body and part: at most 3 x 18 + 2 + 2 x 4. */
enum { PART_OVERHEAD = 64 };

typedef struct pack {
  notice *parts[BUNDLE_NOTICES_MAX];
  size_t n, bytes;
  notices *out;
  int64_t now;
} pack;

static int by_office(const void *a, const void *b) {
  const notice *one = *(notice *const *)a, *other = *(notice *const *)b;
  const int order = strcmp(one->recipient, other->recipient);
  return order ? order : (one > other) - (one < other); /* places in one array: the order of making */
}

static bool may_share(const notice *one) {
  return one->type == COR_T(END_NOTICE) || one->type == COR_T(OBLIGATION_NOTICE);
}

static void move(notices *out, notice *one) {
  out->list[out->n++] = *one;
  one->body = (cor_buf){0};
}

static void write_bundle(pack *p) {
  Corridor__V1__BundledNotice parts[BUNDLE_NOTICES_MAX], *list[BUNDLE_NOTICES_MAX];
  Corridor__V1__NoticeBundle body = CORRIDOR__V1__NOTICE_BUNDLE__INIT;
  notice *bundle = &p->out->list[p->out->n++];
  cor_error err;
  for (size_t i = 0; i < p->n; i++) {
    notice *one = p->parts[i];
    corridor__v1__bundled_notice__init(&parts[i]);
    parts[i].notice_id = (ProtobufCBinaryData){COR_ID_LEN, one->id};
    parts[i].handle = (ProtobufCBinaryData){COR_ID_LEN, one->handle};
    parts[i].in_reply_to = (ProtobufCBinaryData){COR_ID_LEN, one->in_reply_to};
    parts[i].type = one->type;
    parts[i].body = (ProtobufCBinaryData){one->body.len, one->body.data};
    list[i] = &parts[i];
  }
  body.n_notices = p->n;
  body.notices = list;
  *bundle = (notice){.type = COR_T(NOTICE_BUNDLE)};
  memcpy(bundle->recipient, p->parts[0]->recipient, sizeof bundle->recipient);
  cor_id_new(bundle->id, p->now);
  memcpy(bundle->handle, bundle->id, COR_ID_LEN);            /* about no one case */
  if (!cor_encode(&body.base, &bundle->body, &err)) abort(); /* our own message: an invariant */
}

static void flush(pack *p) {
  if (p->n == 1)
    move(p->out, p->parts[0]);
  else if (p->n > 1)
    write_bundle(p);
  p->n = p->bytes = 0;
}

static void add(pack *p, notice *one) {
  const size_t bytes = one->body.len + PART_OVERHEAD;
  if (p->n > 0 && (strcmp(p->parts[0]->recipient, one->recipient) != 0 || p->n == BUNDLE_NOTICES_MAX ||
                   p->bytes + bytes > BUNDLE_BYTES_MAX))
    flush(p);
  if (!may_share(one)) {
    flush(p); /* what was made before it goes before it */
    move(p->out, one);
    return;
  }
  p->parts[p->n++] = one;
  p->bytes += bytes;
}

void bundle_pack(notices *all, notices *out, int64_t now) {
  pack p = {.out = out, .now = now};
  *out = (notices){.now = now};
  if (all->n == 0) return;
  notice **order = calloc(all->n, sizeof(notice *));
  out->list = calloc(all->n, sizeof *out->list);
  if (!order || !out->list) abort();
  for (size_t i = 0; i < all->n; i++)
    order[i] = &all->list[i];
  qsort(order, all->n, sizeof(notice *), by_office);
  for (size_t i = 0; i < all->n; i++)
    add(&p, order[i]);
  flush(&p);
  free(order);
}
