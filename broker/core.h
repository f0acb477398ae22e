/* core.h - the core process: what its rooms share.
 *
 * A round of the core: what came from the door, inspected (conveyor.c) -> put to its
 * sessions (intake.c) -> delivery receipts (receipt.c) -> one transaction per run of
 * submissions (admit.c: facts.c, gate, admission.c, ledger.c) -> results to the senders.
 * Beside it, on a thread and connection of its own (deliverer.c): claims for those with
 * room (claim.c) and timers (duties.c). While one batch commits, the next is read and
 * verified. */
#ifndef BROKER_CORE_H
#define BROKER_CORE_H
#include "corridor/cards.h"
#include "corridor/clock.h"
#include "corridor/config.h"
#include "corridor/gate.h"
#include "corridor/log.h"
#include "corridor/office.h"
#include "corridor/sign.h"
#include "corridor/status.h"
#include "db.h"
#include "ledger.h"
#include <stdatomic.h>

struct conveyor;
struct deliverer;
struct doorway;
struct registry;
struct sessions;
struct quota;

enum core_metric {
  CORE_ADMITTED,
  CORE_REFUSED,
  CORE_DUPLICATES,
  CORE_CLAIMED,
  CORE_STOPPED,
  CORE_DELIVERED,
  CORE_BATCHES,
  CORE_SESSIONS,
  CORE_DATABASE_ERRORS,
  CORE_LOG_RECORDS,
  CORE_UNPROVEN_WITHDRAWALS,
  CORE_METRICS
};

typedef struct core_waiter {
  char office[COR_OFFICE_MAX + 1];
  bool older; /* its number in the queue is older than the act: it had been held */
} core_waiter;

typedef struct core {
  cor_config *config;
  cor_clock *clock;
  cor_log *log;
  X509 *ca;
  cor_office hub;
  struct registry *registry;         /* where threads find the list that one of them loaded */
  cor_cards *cards;                  /* NULL until the database gave a list */
  int64_t gate_epoch;                /* that list and these suspensions were read at */
  _Atomic int64_t highest_committed; /* gate time never goes below */
  _Atomic int32_t partition_month;   /* partitions exist for it and the next */
  db *db;
  ledger_ids leaves;           /* reserved on that connection */
  struct doorway *doorway;     /* to the door */
  struct conveyor *conveyor;   /* from it; NULL in a test without one */
  struct deliverer *deliverer; /* claims and timers; NULL in a test without one */
  struct sessions *sessions;
  core_waiter *waiting; /* whose mail this transaction queued */
  size_t n_waiting, cap_waiting;
  struct quota *refusals; /* logged per office and hour */
  cor_sign_memory *memory;
  cor_status *status;
  cor_metric *metrics;
  char broker[40]; /* lease holder's name, fresh at each start */
  bool keys_told;  /* the door knows which keys may connect */
  bool draining;
  bool stale; /* the database has newer cards than c->cards: refresh, then sweep */
  bool skewed;
} core;

/* max(clock, highest committed); on skew over two minutes raises an alarm and
 * pauses timers (core.skewed). */
int64_t core_gate_time(core *c);
static inline void core_count(core *c, enum core_metric m, int64_t by) {
  atomic_fetch_add_explicit(&c->metrics[m].value, by, memory_order_relaxed); /* two threads count */
}

/* Keys, database handle, empty tables; clock and log are the caller's to have made.
 * core_close takes all of it back, what a failed core_open left too. */
bool core_open(core *c, const char *office_dir, const char *conninfo, cor_error *err) COR_MUST_CHECK;
void core_close(core *c);

/* Highest committed time and partitions, once per connection to the database and
 * at each month. False: the database did not answer. */
bool core_prepare(core *c) COR_MUST_CHECK;
int32_t core_month(int64_t now); /* what partition_month counts: 28 days */

/* Mail for this office was queued in the open transaction; older: with a number it
 * was given before. */
void core_waiting(core *c, const char *office, bool older);

int core_run(const char *config_path, bool check_only);
const cor_config_row *core_config_rows(size_t *n);
#endif
