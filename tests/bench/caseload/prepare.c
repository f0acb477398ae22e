/* prepare.c - composing, sealing and signing a day ahead of the replay.
 *
 * For: the replay, which then only sends: agents compose while the hub works on what
 * others sent before. Memory is bounded by the two busiest days in a row. Guarantees:
 * what an agent does before its outbox is done here in full (content rules, CMS seal
 * to recipient and sender, canonical header, signature). Workers share nothing but
 * the next number to take. */
#include "prepare.h"
#include "content.h"
#include "corridor/codec.h"
#include "corridor/envelope.h"
#include "corridor/refusal.h"
#include "corridor/seal.h"
#include "corridor/sign.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { BATCH = 64, THREADS_MAX = 16 };

typedef struct work {
  const plan *p;
  mailbag *bag;
  letter **order; /* by sender and kind */
  size_t *group;  /* first of each group in order; n_groups + 1 */
  size_t n_groups;
  _Atomic size_t next;
  atomic_bool failed;
  cor_error err; /* of the first that failed */
  _Atomic int64_t cpu_us;
} work;

struct preparation {
  const plan *p;
  const programme *all;
  size_t day, threads;
  pthread_t thread;
  mailbag bag;
  int64_t cpu_us;
  bool ok;
  cor_error err;
};

/* ---- sealing ---- */

static bool seal(const letter *l, const draft *d, const cor_buf *plain, cor_buf *out, cor_error *err) {
  const Corridor__V1__Header *h = &d->header;
  Corridor__V1__Sealed sealed = CORRIDOR__V1__SEALED__INIT;
  sealed.message_id = h->message_id;
  sealed.sender = h->sender;
  sealed.recipient = h->recipient;
  sealed.handle = h->handle;
  sealed.type = h->type;
  sealed.compartment = h->compartment;
  sealed.content = (ProtobufCBinaryData){plain->len, plain->data};
  X509 *to[] = {l->to->card->sealing[h->compartment], l->from->card->sealing[h->compartment]};
  return cor_seal_make(&sealed, to, 2, out, err);
}

static bool compose(const work *w, letter *l, cor_error *err) {
  draft d;
  cor_buf plain = {0};
  content_header(w->p, l->planned, &d);
  if (!content_body(w->p, l->planned, &plain, err)) return false;
  bool ok = l->to ? seal(l, &d, &plain, &l->body, err) : cor_buf_copy(&l->body, cor_buf_view(&plain), err);
  cor_buf_clear(&plain);
  if (!ok) return false;
  cor_sha256(d.sha256, (cor_bytes[]){cor_buf_view(&l->body)}, 1);
  d.header.body_size = l->body.len;
  d.header.body_sha256 = (ProtobufCBinaryData){COR_HASH_LEN, d.sha256};
  memcpy(l->id, d.id, COR_ID_LEN);
  if (!cor_header_check(&d.header, err) || !cor_encode(&d.header.base, &l->header, err)) return false;
  cor_content_hash(COR_DOMAIN_HEADER, cor_buf_view(&l->header), l->header_hash);
  return true;
}

/* ---- signing ---- */

static bool sign_covers(const work *w, letter **list, size_t n, cor_buf *covers,
                        Corridor__V1__Signature **out, cor_error *err) {
  cor_bytes contents[BATCH] = {{0}};
  for (size_t i = 0; i < n; i++) {
    cover_draft d;
    if (!content_cover(w->p, list[i]->planned, list[i]->header_hash, &d)) return true; /* none of them */
    if (!cor_encode(&d.cover.base, &covers[i], err)) return false;
    contents[i] = cor_buf_view(&covers[i]);
  }
  return cor_sign(list[0]->from->keys.signing, COR_DOMAIN_COVER, list[0]->from->keys.id, 0, contents, n, out,
                  err);
}

static bool pack(letter *l, Corridor__V1__Signature *signature, const cor_buf *cover,
                 Corridor__V1__Signature *cover_signature, cor_error *err) {
  Corridor__V1__Envelope envelope = CORRIDOR__V1__ENVELOPE__INIT;
  envelope.header = (ProtobufCBinaryData){l->header.len, l->header.data};
  envelope.signature = signature;
  envelope.cover = (ProtobufCBinaryData){cover->len, cover->data};
  envelope.cover_signature = cover_signature;
  return cor_encode(&envelope.base, &l->envelope, err);
}

static bool sign_group(const work *w, letter **list, size_t n, cor_error *err) {
  cor_bytes contents[BATCH] = {{0}};
  cor_buf covers[BATCH] = {{0}};
  Corridor__V1__Signature *signatures[BATCH] = {NULL}, *of_covers[BATCH] = {NULL};
  const kind_row *row = &kind_rows[list[0]->planned->kind];
  for (size_t i = 0; i < n; i++)
    contents[i] = cor_buf_view(&list[i]->header);
  bool ok = cor_sign(list[0]->from->keys.signing, COR_DOMAIN_HEADER, list[0]->from->keys.id,
                     (uint8_t)row->compartment, contents, n, signatures, err) &&
            sign_covers(w, list, n, covers, of_covers, err);
  for (size_t i = 0; i < n; i++) {
    ok = ok && pack(list[i], signatures[i], &covers[i], of_covers[i], err);
    cor_message_free((ProtobufCMessage *)signatures[i]);
    cor_message_free((ProtobufCMessage *)of_covers[i]);
    cor_buf_clear(&covers[i]);
  }
  return ok;
}

static int by_batch(const void *a, const void *b) {
  const letter *x = *(letter *const *)a, *y = *(letter *const *)b;
  if (x->from->office != y->from->office) return x->from->office < y->from->office ? -1 : 1;
  if (x->planned->kind != y->planned->kind) return x->planned->kind < y->planned->kind ? -1 : 1;
  return (x > y) - (x < y);
}

static bool same_batch(const letter *x, const letter *y) {
  return x->from == y->from && x->planned->kind == y->planned->kind;
}

static void make_groups(work *w) {
  size_t n = w->bag->n;
  for (size_t i = 0; i < n; i++)
    w->order[i] = &w->bag->list[i];
  qsort(w->order, n, sizeof(letter *), by_batch);
  for (size_t i = 0, k; i < n; i += k) {
    for (k = 1; i + k < n && k < BATCH && same_batch(w->order[i], w->order[i + k]); k++)
      ;
    w->group[w->n_groups++] = i;
  }
  w->group[w->n_groups] = n;
}

/* ---- workers ---- */

static void fail(work *w, const cor_error *err) {
  if (!atomic_exchange(&w->failed, true)) w->err = *err;
}

static void add_cpu(work *w) {
  struct rusage used;
  getrusage(RUSAGE_THREAD, &used);
  atomic_fetch_add(&w->cpu_us, (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * INT64_C(1000000) +
                                   used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static void *compose_some(void *arg) {
  work *w = arg;
  cor_error err = {0};
  for (size_t i; (i = atomic_fetch_add(&w->next, 1)) < w->bag->n && !w->failed;)
    if (!compose(w, &w->bag->list[i], &err)) fail(w, &err);
  add_cpu(w);
  return NULL;
}

static void *sign_some(void *arg) {
  work *w = arg;
  cor_error err = {0};
  for (size_t i; (i = atomic_fetch_add(&w->next, 1)) < w->n_groups && !w->failed;)
    if (!sign_group(w, w->order + w->group[i], w->group[i + 1] - w->group[i], &err)) fail(w, &err);
  add_cpu(w);
  return NULL;
}

static void on_threads(work *w, size_t threads, void *(*what)(void *)) {
  pthread_t list[THREADS_MAX];
  size_t n = 0;
  atomic_store(&w->next, 0);
  while (n < threads && n < THREADS_MAX && pthread_create(&list[n], NULL, what, w) == 0)
    n++;
  if (n == 0) abort();
  while (n > 0)
    pthread_join(list[--n], NULL);
}

static void address(const plan *p, const programme *all, size_t day, mailbag *bag) {
  for (size_t i = 0; i < bag->n; i++) {
    letter *l = &bag->list[i];
    const planned *m = l->planned = &p->messages[p->day_begin[day] + i];
    int to = plan_party(p, m, kind_rows[m->kind].to);
    l->from = all->of[plan_party(p, m, kind_rows[m->kind].from)];
    l->to = to == OFFICE_HUB ? NULL : all->of[to];
    if (m->level > 0) bag->list[i - 1].next = l;
  }
}

static void *prepare_day(void *arg) {
  preparation *one = arg;
  mailbag *out = &one->bag;
  *out = (mailbag){.n = one->p->day_begin[one->day + 1] - one->p->day_begin[one->day]};
  one->ok = true;
  if (out->n == 0) return NULL;
  work w = {.p = one->p, .bag = out};
  out->list = calloc(out->n, sizeof *out->list);
  w.order = calloc(out->n, sizeof(letter *));
  w.group = calloc(out->n + 1, sizeof *w.group);
  if (!out->list || !w.order || !w.group) abort();
  address(one->p, one->all, one->day, out);
  on_threads(&w, one->threads, compose_some);
  make_groups(&w);
  if (!w.failed) on_threads(&w, one->threads, sign_some);
  one->ok = !w.failed;
  one->err = w.err;
  one->cpu_us = w.cpu_us;
  free(w.order);
  free(w.group);
  return NULL;
}

preparation *prepare_begin(const plan *p, const programme *all, size_t day, size_t threads) {
  preparation *one = calloc(1, sizeof *one);
  if (!one) abort();
  one->p = p;
  one->all = all;
  one->day = day;
  one->threads = threads ? threads : 1;
  if (pthread_create(&one->thread, NULL, prepare_day, one) != 0) abort();
  return one;
}

bool prepare_end(preparation **which, mailbag *out, int64_t *cpu_us, cor_error *err) {
  preparation *one = *which;
  *out = (mailbag){0};
  *which = NULL;
  if (!one) return true;
  pthread_join(one->thread, NULL);
  *out = one->bag;
  *cpu_us += one->cpu_us;
  const bool ok = one->ok;
  if (!ok) *err = one->err;
  free(one);
  return ok;
}

void prepare_drop(preparation **which) {
  preparation *one = *which;
  *which = NULL;
  if (!one) return;
  pthread_join(one->thread, NULL);
  prepare_clear(&one->bag);
  free(one);
}

void prepare_clear(mailbag *bag) {
  for (size_t i = 0; i < bag->n; i++) {
    cor_buf_clear(&bag->list[i].header);
    cor_buf_clear(&bag->list[i].envelope);
    cor_buf_clear(&bag->list[i].body);
  }
  free(bag->list);
  *bag = (mailbag){0};
}
