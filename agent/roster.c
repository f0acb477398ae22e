/* roster.c - the card list in force.
 *
 * Guarantees: only a list signed by the office's own ca.crt is ever used or
 * written; its number never goes back, so a hub cannot revive a revoked card by
 * serving an old list; the file on disk is the list in force (written before it
 * is used). A card in our own name with keys that are not ours is an alarm: the
 * office did not ask for it (design 2). Trusts ca.crt as installed. */
#include "roster.h"

#include "corridor/ca.h"
#include "corridor/refusal.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { PATH_LEN = 4096 };

struct roster {
  char dir[PATH_LEN];
  const cor_office *office;
  cor_log *log;
  X509 *ca;
  pthread_mutex_t changing; /* one list at a time is compared, written and put in force */
  pthread_rwlock_t lock;
  cor_cards *cards;
};

static void list_path(const roster *r, char out[PATH_LEN + 16]) {
  snprintf(out, PATH_LEN + 16, "%s/cardlist", r->dir);
}

/* What the list says of ourselves must be what we hold. */
static void check_own_card(const roster *r, const cor_cards *cards) {
  const cor_card *own = cor_cards_find(cards, r->office->id);
  uint8_t curve[COR_CURVE_LEN];
  if (own == NULL) {
    COR_LOG(r->log, COR_ALARM, "own-card-missing", COR_WORD("office", r->office->id));
    return;
  }
  bool same = zmq_z85_decode(curve, r->office->curve_public) != NULL &&
              own->card->curve_key.len == sizeof curve &&
              memcmp(own->card->curve_key.data, curve, sizeof curve) == 0 &&
              EVP_PKEY_eq(own->signing, r->office->signing) == 1;
  if (!same)
    COR_LOG(r->log, COR_ALARM, "own-card-not-asked-for", COR_WORD("office", r->office->id),
            COR_NUM("serial", own->card->serial));
}

static bool read_list(const roster *r, cor_buf *out, cor_error *err) {
  char path[PATH_LEN + 16];
  list_path(r, path);
  return cor_file_read(path, COR_CARDS_MAX, false, out, err);
}

roster *roster_load(const char *dir, const cor_office *office, cor_log *log, cor_error *err) {
  char path[PATH_LEN + 16];
  cor_buf list = {NULL, 0};
  roster *r = calloc(1, sizeof *r);
  if (r == NULL) {
    (void)cor_fail(err, COR_INTERNAL, "", "out of memory");
    return NULL;
  }
  snprintf(r->dir, sizeof r->dir, "%s", dir);
  r->office = office;
  r->log = log;
  pthread_mutex_init(&r->changing, NULL);
  pthread_rwlock_init(&r->lock, NULL);
  snprintf(path, sizeof path, "%s/ca.crt", r->dir);
  r->ca = cor_cert_from_pem_file(path, err);
  if (r->ca != NULL && read_list(r, &list, err)) r->cards = cor_cards_load(cor_buf_view(&list), r->ca, err);
  cor_buf_clear(&list);
  if (r->cards == NULL)
    roster_destroy(&r);
  else
    check_own_card(r, r->cards);
  return r;
}

void roster_destroy(roster **r) {
  if (r == NULL || *r == NULL) return;
  cor_cards_destroy(&(*r)->cards);
  X509_free((*r)->ca);
  pthread_rwlock_destroy(&(*r)->lock);
  pthread_mutex_destroy(&(*r)->changing);
  free(*r);
  *r = NULL;
}

const char *roster_dir(const roster *r) {
  return r->dir;
}

const cor_cards *roster_hold(roster *r) {
  pthread_rwlock_rdlock(&r->lock);
  return r->cards;
}

void roster_release(roster *r) {
  pthread_rwlock_unlock(&r->lock);
}

uint64_t roster_number(roster *r) {
  uint64_t number = cor_cards_number(roster_hold(r));
  roster_release(r);
  return number;
}

static bool swap_in(roster *r, cor_cards *fresh, bool save, cor_error *err) {
  char path[PATH_LEN + 16];
  list_path(r, path);
  if (save && !cor_file_write(path, cor_cards_signed(fresh), 0644, err)) {
    cor_cards_destroy(&fresh);
    return false;
  }
  check_own_card(r, fresh);
  pthread_rwlock_wrlock(&r->lock);
  cor_cards *old = r->cards;
  r->cards = fresh;
  pthread_rwlock_unlock(&r->lock);
  COR_LOG(r->log, COR_INFO, "card-list", COR_NUM("number", cor_cards_number(fresh)));
  cor_cards_destroy(&old);
  return true;
}

static bool offer(roster *r, cor_bytes list, bool save, cor_error *err) {
  cor_cards *fresh = cor_cards_load(list, r->ca, err);
  if (fresh == NULL) return false;
  const uint64_t number = cor_cards_number(fresh), held = roster_number(r);
  if (number > held) return swap_in(r, fresh, save, err);
  cor_cards_destroy(&fresh);
  if (number == held) return true;
  COR_LOG(r->log, COR_ALARM, "card-list-went-back", COR_NUM("number", number), COR_NUM("held", held));
  return cor_fail(err, COR_BAD_INPUT, "number",
                  "card list %llu is older than the one held; the newer one stays",
                  (unsigned long long)number);
}

bool roster_replace(roster *r, cor_bytes signed_list, cor_error *err) {
  pthread_mutex_lock(&r->changing);
  bool ok = offer(r, signed_list, true, err);
  pthread_mutex_unlock(&r->changing);
  return ok;
}

bool roster_reread(roster *r, cor_error *err) {
  cor_buf list = {NULL, 0};
  pthread_mutex_lock(&r->changing);
  bool ok = read_list(r, &list, err) && offer(r, cor_buf_view(&list), false, err);
  pthread_mutex_unlock(&r->changing);
  cor_buf_clear(&list);
  return ok;
}
