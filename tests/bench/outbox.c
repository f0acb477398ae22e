/* outbox.c - the sender's outbox before the clock starts.
 *
 * For: load.c. End to end starts from sealed and signed messages, so both are
 * done here. Every header is its own, with its own id, case, consent and
 * signature; of seals there are BODIES that are used in turn, since to a hub
 * that cannot read them one seal is like another and making one takes longer
 * than everything that is timed. Errors are fatal. */
#include "outbox.h"
#include "corridor/envelope.h"
#include "corridor/seal.h"
#include "corridor/sop.h"
#include "die.h"
#include <string.h>

enum { BODIES = 16, SEAL_OVERHEAD = 256 /* Sealed's own fields and the padding mark */ };

/* The largest content that still falls into the size class of body bytes. */
static void make_body(cor_buf *out, const office *o, const char *recipient, const cases *about, size_t body) {
  const cor_card *to = cor_cards_find(o->of->cards, recipient);
  const cor_card *own = cor_cards_find(o->of->cards, o->keys.id);
  Corridor__V1__Sealed sealed = CORRIDOR__V1__SEALED__INIT;
  uint8_t id[COR_ID_LEN] = {0}, *content = must_have(1, body);
  cor_error err = {0};
  cor_random(content, body);
  sealed.message_id = (ProtobufCBinaryData){COR_ID_LEN, id};
  sealed.sender = (char *)o->keys.id;
  sealed.recipient = (char *)recipient;
  sealed.handle = (ProtobufCBinaryData){COR_ID_LEN, about->handles[0]};
  sealed.type = COR_T(CASE_FILE);
  sealed.compartment = COR_C(CASEWORK);
  sealed.content = (ProtobufCBinaryData){body - SEAL_OVERHEAD, content};
  if (!to || !own) die("no card of", recipient);
  X509 *for_both[] = {to->sealing[COR_C(CASEWORK)], own->sealing[COR_C(CASEWORK)]};
  if (!cor_seal_make(&sealed, for_both, 2, out, &err)) die_of("seal", &err);
  free(content);
}

static void header(const office *o, const char *recipient, const cases *about, size_t k, letter *l,
                   Corridor__V1__Header *h) {
  static Corridor__V1__DataCategory categories[] = {COR_CAT(BIODATA), COR_CAT(CONTACT)};
  cases_header(o, h, l->id, about->handles[k % about->n], (uint32_t)k);
  h->recipient = (char *)recipient;
  h->compartment = COR_C(CASEWORK);
  h->type = COR_T(CASE_FILE);
  h->purpose = COR_PURPOSE(RETURN_PREPARATION);
  h->basis = COR_BASIS(CONSENT);
  h->n_categories = 2;
  h->categories = categories;
  h->consent_id = (ProtobufCBinaryData){COR_ID_LEN, about->consents[k % about->n]};
  h->safeguards_met = true;
  h->body_size = l->body->len;
}

/* Headers of letters k to k + n under one signature. */
static void sign_some(outbox *all, const office *o, const char *recipient, const cases *about, size_t k,
                      size_t n, const uint8_t (*digests)[COR_HASH_LEN]) {
  cor_buf *bytes = must_have(n, sizeof *bytes);
  cor_bytes *views = must_have(n, sizeof *views);
  Corridor__V1__Signature **signatures = must_have(n, sizeof(Corridor__V1__Signature *));
  cor_error err = {0};
  for (size_t i = 0; i < n; i++) {
    Corridor__V1__Header h;
    header(o, recipient, about, k + i, &all->list[k + i], &h);
    h.body_sha256 = (ProtobufCBinaryData){COR_HASH_LEN, (uint8_t *)digests[(k + i) % all->n_bodies]};
    if (!cor_encode(&h.base, &bytes[i], &err)) die_of("header", &err);
    views[i] = cor_buf_view(&bytes[i]);
  }
  if (!cor_sign(o->keys.signing, COR_DOMAIN_HEADER, o->keys.id, COR_C(CASEWORK), views, n, signatures, &err))
    die_of("sign", &err);
  for (size_t i = 0; i < n; i++) {
    Corridor__V1__Envelope *envelope = must_have(1, sizeof *envelope);
    corridor__v1__envelope__init(envelope);
    envelope->header = (ProtobufCBinaryData){bytes[i].len, bytes[i].data}; /* taken over */
    envelope->signature = signatures[i];
    all->list[k + i].envelope = envelope;
  }
  free(bytes);
  free(views);
  free(signatures);
}

void outbox_make(outbox *all, office *o, const char *recipient, const cases *about, size_t n, size_t body,
                 size_t batch) {
  uint8_t digests[BODIES][COR_HASH_LEN];
  all->n = n;
  all->list = must_have(n, sizeof *all->list);
  all->n_bodies = n < BODIES ? n : BODIES;
  all->bodies = must_have(all->n_bodies, sizeof *all->bodies);
  for (size_t i = 0; i < all->n_bodies; i++) {
    make_body(&all->bodies[i], o, recipient, about, body);
    cor_sha256(digests[i], &(cor_bytes){all->bodies[i].data, all->bodies[i].len}, 1);
  }
  for (size_t k = 0; k < n; k++)
    all->list[k].body = &all->bodies[k % all->n_bodies];
  for (size_t k = 0; k < n; k += batch)
    sign_some(all, o, recipient, about, k, n - k < batch ? n - k : batch,
              (const uint8_t(*)[COR_HASH_LEN])digests);
}

void outbox_clear(outbox *all) {
  for (size_t i = 0; i < all->n; i++)
    cor_message_free(&all->list[i].envelope->base);
  for (size_t i = 0; i < all->n_bodies; i++)
    cor_buf_clear(&all->bodies[i]);
  free(all->list);
  free(all->bodies);
  *all = (outbox){0};
}

size_t outbox_find(const outbox *all, ProtobufCBinaryData id) {
  size_t index = 0;
  if (id.len != COR_ID_LEN) return all->n;
  for (int i = COR_ID_LEN - 4; i < COR_ID_LEN; i++)
    index = index << 8 | id.data[i];
  return index < all->n && memcmp(all->list[index].id, id.data, COR_ID_LEN) == 0 ? index : all->n;
}
