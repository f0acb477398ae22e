/* status.h - /healthz and /metrics on loopback, for daemons (libmicrohttpd,
 * own thread). Metrics carry counts and sizes, never a handle or a name. */
#ifndef CORRIDOR_STATUS_H
#define CORRIDOR_STATUS_H
#include "corridor/base.h"
#include <stdatomic.h>

typedef struct cor_metric {
  const char *name; /* "corridor_core_admitted_total" */
  const char *help;
  bool counter; /* else gauge */
  _Atomic int64_t value;
} cor_metric;

typedef struct cor_status cor_status;
/* metrics is borrowed, n entries. listen = "127.0.0.1:9100" or "[::1]:9100",
 * port 0 takes a free one; only loopback is accepted. Answers 503 "starting"
 * until the first cor_status_set. */
cor_status *cor_status_start(const char *listen, cor_metric *metrics, size_t n,
                             cor_error *err) COR_MUST_CHECK;
/* Would cor_status_start take it? Empty, which means off, is good too. */
bool cor_status_check(const char *listen, cor_error *err) COR_MUST_CHECK;
int cor_status_port(const cor_status *status); /* the port it listens on */
/* static_reason: what /healthz prints with 503; a static word, may be NULL when
 * healthy. Any thread. */
void cor_status_set(cor_status *status, bool healthy, const char *static_reason);
void cor_status_stop(cor_status **status);
#endif
