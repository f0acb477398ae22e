/* bare.h - a bare libpq loop that writes what Corridor writes for a message. */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H
#include "sample.h"
#include <stdbool.h>

typedef enum bare_way { BARE_UNNEST, BARE_COPY } bare_way;

typedef struct bare_plan {
  bare_way way;
  bool updates;       /* with claim, receipt and end notice, else admission alone */
  size_t batch;       /* messages to a transaction */
  size_t connections; /* 2: one commits while the other gathers */
} bare_plan;

typedef struct bare_result {
  size_t messages;
  int64_t took_us, client_us, backend_us; /* wall; CPU of this process and of the backends */
  sample latency;                         /* of each transaction */
} bare_result;

typedef struct bare bare;
/* Takes rows from the hub's database; writes into another of the same schema,
 * emptied before each run. */
bare *bare_new(const char *hub_conninfo, const char *conninfo);
void bare_destroy(bare **b);
void bare_run(bare *b, bare_plan plan, int64_t for_us, bare_result *out);
/* One transaction of one message row, nothing else, again and again. */
void bare_run_one_row(bare *b, int64_t for_us, sample *latency);
#endif
