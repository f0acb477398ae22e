/* programme.h - the programme the load takes part in, as bench-crowd made it:
 * its card list, its clock, the hub's key, and where the door listens. */
#ifndef BENCH_PROGRAMME_H
#define BENCH_PROGRAMME_H
#include "corridor/cards.h"
#include "corridor/clock.h"

/* Hosts share recipients: host i writes to recipient i % RECIPIENTS_MAX. A
 * programme has twins of each recipient: an origin mission that connects, and
 * one that never does, for measuring admission alone. */
enum { RECIPIENTS_MAX = 64, OFFICE_DIR_MAX = 512 };

typedef struct programme {
  const char *dir, *endpoint;
  char hub_key[41];
  cor_clock *clock;
  cor_cards *cards;
  void *context; /* ZeroMQ's */
} programme;

void programme_open(programme *p, const char *dir, const char *endpoint, const char *clock_file);
void programme_close(programme *p);

/* Office ids: ne-0001, gn-01, gn-away-01. */
void programme_host(size_t i, char out[COR_OFFICE_MAX + 1]);
void programme_recipient(size_t i, bool away, char out[COR_OFFICE_MAX + 1]);
/* DIR/ID/keys */
void programme_office_dir(const char *dir, const char *id, char out[OFFICE_DIR_MAX]);
#endif
