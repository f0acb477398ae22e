/* cards.c - a verified card list, ready for look-up.
 *
 * For: everyone who must know an office: agents, door and core. A list arrives
 * from the hub, which is not trusted for it; only the CA's signature counts.
 * Guarantees: a cor_cards object exists only for a list signed by the given CA
 * in which every card, certificate, agreement and calendar passed
 * cards_check.c at the list's own issue time. It never changes afterwards, so
 * several threads may read it.
 * Trusts: the CA certificate it is given.
 * Fatal: nothing; a list that fails is refused whole, and the caller keeps the
 * one it has. */
#include "corridor/cards.h"
#include "cert.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include "corridor/sign.h"
#include "corridor/wipe.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_FIELDS_MAX = 512 * 1024, SIGNED_FIELDS_MAX = 64 };

struct cor_cards {
  atomic_uint owners;
  cor_buf signed_list;
  Corridor__V1__CardList *list;
  cor_card *cards; /* sorted by office id */
  size_t n;
  const cor_card *hub;
};

static Corridor__V1__CardList *verified_list(cor_bytes signed_list, X509 *ca, cor_error *err) {
  ProtobufCMessage *list = NULL;
  ProtobufCMessage *outer = cor_decode_large(&corridor__v1__signed_content__descriptor, signed_list,
                                             COR_CARDS_MAX, SIGNED_FIELDS_MAX, err);
  if (!outer) return NULL;
  const Corridor__V1__SignedContent *content = (const Corridor__V1__SignedContent *)outer;
  cor_bytes bytes = {content->content.data, content->content.len};
  if (!content->signature) {
    cor_fail(err, COR_BAD_SIGNATURE, "signature", "the card list is not signed");
  } else if (cor_verify(X509_get0_pubkey(ca), COR_DOMAIN_CARDLIST, "ca", 0, bytes, content->signature, NULL,
                        err)) {
    list = cor_decode_large(&corridor__v1__card_list__descriptor, bytes, COR_CARDS_MAX, LIST_FIELDS_MAX, err);
  }
  cor_message_free(outer);
  return (Corridor__V1__CardList *)list;
}

static int by_office(const void *a, const void *b) {
  return strcmp(((const cor_card *)a)->card->office, ((const cor_card *)b)->card->office);
}

static bool parse_all(cor_cards *cards, X509 *ca, cor_error *err) {
  const Corridor__V1__CardList *list = cards->list;
  if (list->n_cards > COR_CARDS_COUNT_MAX) {
    return cor_fail(err, COR_TOO_LARGE, "cards", "a card list has at most %d cards", COR_CARDS_COUNT_MAX);
  }
  if (list->number == 0 || list->issued_at <= 0 || list->expires_at <= list->issued_at) {
    return cor_fail(err, COR_BAD_INPUT, "number", "the card list has no number, or its dates make no sense");
  }
  if (!cor_cert_root_ok(ca, list->issued_at, err)) return false;
  cards->cards = calloc(list->n_cards + 1, sizeof *cards->cards);
  if (!cards->cards) return cor_fail(err, COR_INTERNAL, "", "out of memory");
  for (size_t i = 0; i < list->n_cards; i++) {
    if (!cor_card_parse(list->cards[i], ca, list->issued_at, &cards->cards[i], err)) return false;
    cards->n++;
  }
  if (!cor_cardlist_check(list, cards->cards, err)) return false;
  qsort(cards->cards, cards->n, sizeof *cards->cards, by_office);
  for (size_t i = 0; i < cards->n; i++) {
    if (cards->cards[i].card->role == CORRIDOR__V1__ROLE__ROLE_HUB) cards->hub = &cards->cards[i];
  }
  return true;
}

static void drop_sealing(Corridor__V1__Card *card) {
  for (size_t i = 0; i < card->n_sealing; i++)
    cor_message_free(&card->sealing[i]->base);
  card->n_sealing = 0;
}

static void drop_signing(Corridor__V1__Card *card) {
  cor_wipe_free(card->signing_cert.data);
  card->signing_cert = (ProtobufCBinaryData){0};
}

/* Everything goes before what stays is made anew, so that it lies close together. */
static bool keep_signing_keys(cor_cards *cards, cor_error *err) {
  for (size_t i = 0; i < cards->n; i++) {
    const Corridor__V1__Card *card = cards->cards[i].card;
    cor_card_clear(&cards->cards[i]);
    cards->cards[i].card = card;
  }
  for (size_t i = 0; i < cards->n; i++)
    drop_sealing(cards->list->cards[i]);
  for (size_t i = 0; i < cards->n; i++)
    if (!cor_card_parse_signing(&cards->cards[i], err)) return false;
  for (size_t i = 0; i < cards->n; i++)
    drop_signing(cards->list->cards[i]);
  return true;
}

static cor_cards *load(cor_bytes signed_list, X509 *ca, bool signing_only, cor_error *err) {
  cor_cards *cards = calloc(1, sizeof *cards);
  if (!cards) {
    cor_fail(err, COR_INTERNAL, "", "out of memory");
    return NULL;
  }
  atomic_init(&cards->owners, 1);
  cards->list = verified_list(signed_list, ca, err);
  if (!cards->list || !parse_all(cards, ca, err) || (signing_only && !keep_signing_keys(cards, err)) ||
      !cor_buf_copy(&cards->signed_list, signed_list, err)) {
    cor_cards_destroy(&cards);
  }
  return cards;
}

cor_cards *cor_cards_load(cor_bytes signed_list, X509 *ca, cor_error *err) {
  return load(signed_list, ca, false, err);
}

cor_cards *cor_cards_load_signing(cor_bytes signed_list, X509 *ca, cor_error *err) {
  return load(signed_list, ca, true, err);
}

cor_cards *cor_cards_share(cor_cards *cards) {
  if (cards) atomic_fetch_add_explicit(&cards->owners, 1, memory_order_relaxed);
  return cards;
}

void cor_cards_destroy(cor_cards **cards) {
  cor_cards *c = *cards;
  *cards = NULL;
  if (!c || atomic_fetch_sub_explicit(&c->owners, 1, memory_order_acq_rel) > 1) return;
  for (size_t i = 0; i < c->n; i++)
    cor_card_clear(&c->cards[i]);
  free(c->cards);
  cor_message_free((ProtobufCMessage *)c->list);
  cor_buf_clear(&c->signed_list);
  free(c);
}

uint64_t cor_cards_number(const cor_cards *cards) {
  return cards->list->number;
}
bool cor_cards_expired(const cor_cards *cards, int64_t now) {
  return now >= cards->list->expires_at;
}
cor_bytes cor_cards_signed(const cor_cards *cards) {
  return cor_buf_view(&cards->signed_list);
}
const Corridor__V1__CardList *cor_cards_list(const cor_cards *cards) {
  return cards->list;
}
const cor_card *cor_cards_hub(const cor_cards *cards) {
  return cards->hub;
}

static int office_order(const void *key, const void *element) {
  return strcmp(key, ((const cor_card *)element)->card->office);
}

const cor_card *cor_cards_find(const cor_cards *cards, const char *office) {
  /* A header may name its recipient "hub" whatever the hub's own id is; no
   * other office can bear that name (cards_check.c). */
  if (strcmp(office, "hub") == 0) return cards->hub;
  return bsearch(office, cards->cards, cards->n, sizeof *cards->cards, office_order);
}

const Corridor__V1__Calendar *cor_cards_calendar(const cor_cards *cards, const char *country) {
  for (size_t i = 0; i < cards->list->n_calendars; i++) {
    if (strcmp(cards->list->calendars[i]->country, country) == 0) return cards->list->calendars[i];
  }
  return NULL;
}

int cor_cards_stood(const cor_cards *cards, const char *office, int64_t sent_at, int64_t admitted_at) {
  const cor_card *card = cor_cards_find(cards, office);
  if (!card) return COR_UNKNOWN_OFFICE;
  /* Who holds a stolen key chooses sent_at; so the later of the two counts. */
  const int64_t at = sent_at > admitted_at ? sent_at : admitted_at;
  const bool revoked = card->card->state == CORRIDOR__V1__CARD_STATE__REVOKED &&
                       card->card->state_since <= at;
  const bool compromised = card->card->compromised_since && card->card->compromised_since <= at;
  return revoked || compromised ? COR_CARD_REVOKED : COR_OK;
}

int cor_cards_standing(const cor_cards *cards, const char *office, int64_t now) {
  const cor_card *card = cor_cards_find(cards, office);
  if (!card) return COR_UNKNOWN_OFFICE;
  if (card->card->state == CORRIDOR__V1__CARD_STATE__REVOKED) return COR_CARD_REVOKED;
  if (card->card->state != CORRIDOR__V1__CARD_STATE__ACTIVE) return COR_CARD_SUSPENDED;
  if (now < card->signing_not_before || now > card->signing_not_after) return COR_CARD_EXPIRED;
  return COR_OK;
}
