/* race.h - what the scenarios share: two brokers, the offices of a case, and how both
 * are let go at once. */
#ifndef CORRIDOR_TESTS_RACE_H
#define CORRIDOR_TESTS_RACE_H
#include "alone.h"
#include "intake.h"
#include <pthread.h>

enum { OFFICES = 4, WAITING = 3, DURING = 4 };

typedef struct broker {
  core c;
  alone_door door;  /* what a core sends ends here */
  cor_cards *cards; /* with the sealing keys, which a core does not keep */
  round_t round;
  uint64_t retries;
  cor_buf receipt; /* of the last admission */
} broker;

/* Ids and secrets of one case, fresh for each round. */
typedef struct kase {
  uint8_t handle[COR_ID_LEN], consent[COR_ID_LEN], referral[COR_ID_LEN];
  uint8_t reference[COR_HASH_LEN], code[COR_HASH_LEN], reply[COR_ID_LEN];
} kase;

typedef struct race {
  broker a, b;
  cor_office office[OFFICES]; /* host; then two recipients; then one without standing */
  pthread_barrier_t start;
  kase k;
  size_t round, same;
  size_t left[WAITING + DURING + 1]; /* suspend: rounds by what had left at the commit */
  int64_t late;                      /* and what left after it */
  int64_t b_took_us;                 /* the other side's last round: how far a head start may go */
} race;

/* A registered case with a consent, and WAITING messages on it for office[1]. */
void race_begin_waiting(race *r);
/* A record from an office into a broker's round, and its decision, which has to be yes. */
void race_take_record(race *r, broker *b, const cor_office *from, Corridor__V1__MessageType type,
                      const ProtobufCMessage *content);
void race_settle_admitted(broker *b, const char *what);

/* other(r) on a thread of its own, from the same moment on. */
void race_start_both(race *r, void *(*other)(void *), pthread_t *thread);
void race_end_both(race *r, pthread_t thread);
/* An `other`: the second broker's rounds of a message in, whatever waits out, its receipt in. */
void *race_deliver(void *arg);
/* Whatever else the second broker would still send. */
void race_claim_all(race *r);

void race_spin(int64_t us);
int64_t race_below(int64_t limit); /* at random */

/* suspend.c */
void race_suspend(race *r);
#endif
