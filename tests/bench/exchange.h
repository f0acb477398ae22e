/* exchange.h - the timed part: outboxes kept at a fixed number in flight. */
#ifndef BENCH_EXCHANGE_H
#define BENCH_EXCHANGE_H
#include "outbox.h"
#include "sample.h"

typedef enum exchange_end {
  EXCHANGE_ADMITTED, /* a message is done with its admission receipt */
  EXCHANGE_DELIVERED /* ... with the hub's notice that carries the recipient's receipt */
} exchange_end;

typedef struct exchange {
  office *senders, *recipients; /* recipients only when delivered */
  outbox *boxes;                /* one for each sender */
  size_t n_senders, n_recipients;
  size_t in_flight; /* over all senders, asked for */
  exchange_end end;
  sample latency;  /* of each message, out */
  size_t allowed;  /* in flight that the protocol's windows let through, out */
  int64_t took_us; /* out */
} exchange;

/* Returns when every message is done; dies when nothing happens for 60 s. */
void exchange_run(exchange *x);
#endif
