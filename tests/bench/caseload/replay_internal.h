/* replay_internal.h - what replay.c (the days) and hear.c (what the hub says) share. */
#ifndef CASELOAD_REPLAY_INTERNAL_H
#define CASELOAD_REPLAY_INTERNAL_H
#include "corridor/clock.h"
#include "corridor/sign.h"
#include "ids.h"
#include "party.h"
#include "quiet.h"
#include "replay.h"

typedef struct replay {
  const plan *p;
  const programme *all;
  const replay_options *options;
  replay_counts *counts;
  void *context;
  party *parties; /* as programme's members */
  int ready;      /* epoll over their sockets' descriptors */
  cor_clock *clock;
  quiet *quiet;
  ids *ids;
  cor_sign_memory *verified;
  mailbag bag;
  preparation *tomorrow;
  size_t to_admit, to_deliver, in_flight; /* of the day's */
  int64_t moved_at, told_at;
} replay;

/* A letter's turn has come: it waits in its sender's queue, or was to be left out. */
void replay_release(replay *r, letter *l);
/* Takes all that has come for one office. */
bool replay_hear(replay *r, party *p, cor_error *err) COR_MUST_CHECK;
/* Signs and sends its receipts; what answers them may go from here on. */
bool replay_receipt(replay *r, party *p, cor_error *err) COR_MUST_CHECK;
#endif
