/* status.h - /healthz and /metrics on loopback, for daemons (libmicrohttpd,
 * own thread). Metrics carry counts and sizes, never a handle or a name. */
#ifndef CORRIDOR_STATUS_H
#define CORRIDOR_STATUS_H
#include "corridor/base.h"
#include <stdatomic.h>

typedef struct cor_metric {
  const char *name;        /* "corridor_core_admitted_total" */
  const char *help;
  bool counter;            /* else gauge */
  _Atomic int64_t value;
} cor_metric;

typedef struct cor_status cor_status;
/* metrics is borrowed, n entries; healthy is borrowed; why (may be "") is what
 * /healthz prints with 503 when *healthy is false: a static word set by
 * cor_status_reason. listen = "127.0.0.1:9100"; only loopback is accepted. */
cor_status *cor_status_start(const char *listen, cor_metric *metrics, size_t n, cor_error *err) COR_MUST_CHECK;
void cor_status_set(cor_status *status, bool healthy, const char *static_reason);
void cor_status_stop(cor_status **status);
#endif
