/* tries.c - wrong passphrases slow down who gives them.
 *
 * For: whoever reaches the agent's socket and guesses (the cost of a guess is
 * keyfile.c's; this limits their number). Guarantees: after the second failure of
 * a user at a key file in a row, the next try waits, a second at first, twice as
 * long after each further one, a minute at most; tries of one who failed are made
 * one at a time, so that many connections guess no faster. A right passphrase is
 * let in as soon as the wait is over and forgets the failures; a restart forgets
 * all, so nobody is locked out for good. Who holds no share looks the same as who
 * guesses wrong. At most PLACES are remembered, as hashes; of a full table the
 * place with the fewest failures goes, so that made-up names do not push out the
 * one that is being guessed at. Fatal: nothing. */
#include "tries.h"

#include "corridor/clock.h"
#include "corridor/refusal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 128, FREE_FAILURES = 2, WAIT_FIRST_MS = 1000, WAIT_MAX_MS = 60000, DOUBLINGS_MAX = 6 };

typedef struct place {
  uint8_t who[COR_HASH_LEN]; /* of user and file */
  unsigned failures;         /* 0 = free */
  int64_t until;             /* monotonic: no try before */
  bool busy;                 /* one is being made; stays where it is */
} place;

struct tries {
  pthread_mutex_t mutex;
  pthread_cond_t idle;
  place places[PLACES];
};

tries *tries_new(void) {
  tries *t = calloc(1, sizeof *t);
  if (t == NULL) return NULL;
  pthread_mutex_init(&t->mutex, NULL);
  pthread_cond_init(&t->idle, NULL);
  return t;
}

void tries_destroy(tries **t) {
  if (*t == NULL) return;
  pthread_cond_destroy(&(*t)->idle);
  pthread_mutex_destroy(&(*t)->mutex);
  free(*t);
  *t = NULL;
}

static place *find(tries *t, const uint8_t who[COR_HASH_LEN]) {
  for (size_t i = 0; i < PLACES; i++)
    if (t->places[i].failures > 0 && memcmp(t->places[i].who, who, COR_HASH_LEN) == 0) return &t->places[i];
  return NULL;
}

static int64_t wait_after(unsigned failures) {
  if (failures < FREE_FAILURES) return 0;
  const unsigned doublings = failures - FREE_FAILURES < DOUBLINGS_MAX ? failures - FREE_FAILURES
                                                                      : DOUBLINGS_MAX;
  const int64_t wait = (int64_t)WAIT_FIRST_MS << doublings;
  return wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS;
}

/* NULL: every place is at work, and this failure is not remembered. */
static place *make_place(tries *t, const uint8_t who[COR_HASH_LEN]) {
  place *least = NULL;
  for (size_t i = 0; i < PLACES; i++) {
    place *p = &t->places[i];
    if (!p->busy && (least == NULL || p->failures < least->failures)) least = p;
  }
  if (least == NULL) return NULL;
  *least = (place){0};
  memcpy(least->who, who, COR_HASH_LEN);
  return least;
}

/* Waits while another try of the same is made; false while it is too soon. */
static bool may_try(tries *t, const uint8_t who[COR_HASH_LEN], cor_error *err) {
  int64_t wait = 0;
  pthread_mutex_lock(&t->mutex);
  place *p = find(t, who);
  while (p != NULL && p->busy) {
    pthread_cond_wait(&t->idle, &t->mutex);
    p = find(t, who);
  }
  if (p != NULL) {
    wait = p->until - cor_clock_monotonic_ms();
    p->busy = wait <= 0;
  }
  pthread_mutex_unlock(&t->mutex);
  return wait <= 0 ||
         cor_fail(err, COR_LIMIT_REACHED, "", "too many wrong passphrases of this user: try again in %lld s",
                  (long long)((wait + 999) / 1000));
}

static void tried(tries *t, const uint8_t who[COR_HASH_LEN], bool opened, bool wrong) {
  pthread_mutex_lock(&t->mutex);
  place *p = find(t, who);
  if (p == NULL && wrong) p = make_place(t, who);
  if (p != NULL) p->busy = false;
  if (p != NULL && opened) *p = (place){0};
  if (p != NULL && wrong) {
    p->failures++;
    p->until = cor_clock_monotonic_ms() + wait_after(p->failures);
  }
  pthread_cond_broadcast(&t->idle);
  pthread_mutex_unlock(&t->mutex);
}

static void name_place(const char *path, const char *user, uint8_t who[COR_HASH_LEN]) {
  const cor_bytes pieces[] = {{(const uint8_t *)path, strlen(path) + 1},
                              {(const uint8_t *)user, strlen(user)}};
  cor_sha256(who, pieces, sizeof pieces / sizeof *pieces);
}

EVP_PKEY *tries_open_share(tries *t, const char *path, const cor_holder *holder, int64_t *recovered_at,
                           cor_error *err) {
  uint8_t who[COR_HASH_LEN];
  name_place(path, holder->user, who);
  if (!may_try(t, who, err)) return NULL;
  EVP_PKEY *key = cor_keyfile_open_share(path, holder, recovered_at, err);
  tried(t, who, key != NULL, key == NULL && err->code == COR_WRONG_PASSPHRASE);
  return key;
}

EVP_PKEY *tries_open(tries *t, const char *path, const cor_holder *holder, cor_error *err) {
  int64_t ignored;
  return tries_open_share(t, path, holder, &ignored, err);
}

bool tries_office(tries *t, const char *dir, const char *passphrase, cor_office *out, cor_error *err) {
  uint8_t who[COR_HASH_LEN];
  name_place(dir, "", who); /* no holder's name is empty */
  if (!may_try(t, who, err)) return false;
  const bool opened = cor_office_open(dir, passphrase, out, err);
  tried(t, who, opened, !opened && err->code == COR_WRONG_PASSPHRASE);
  return opened;
}
