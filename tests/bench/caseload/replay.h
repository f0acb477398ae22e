/* replay.h - drives a real hub through the plan, as all offices at once. */
#ifndef CASELOAD_REPLAY_H
#define CASELOAD_REPLAY_H
#include "programme.h"

typedef struct replay_options {
  const char *dir, *endpoint, *db; /* db: connection string, for "is all delivered" only */
  size_t threads, in_flight;       /* over all offices */
  bool verify;                     /* each signature the hub sends, as agents do */
  bool leave_out;                  /* the last message of the plan is not sent */
} replay_options;

typedef struct replay_counts {
  int64_t prepare_ms; /* waited for what was not prepared yet */
  int64_t replay_ms, connect_ms;
  int64_t cpu_us, prepare_cpu_us;           /* of this process, in all and in preparing */
  uint64_t messages, bytes, body_bytes;     /* sent and admitted; bytes on our wire */
  uint64_t deliveries, again;               /* to offices from offices; doubles */
  uint64_t end_notices, obligation_notices; /* in bundles or not */
  uint64_t bundles, bundled_ends, bundled_obligations;
  uint64_t receipts, receipt_batches, days;
} replay_counts;

bool replay_run(const plan *p, const programme *all, const replay_options *options, replay_counts *out,
                cor_error *err) COR_MUST_CHECK;
#endif
