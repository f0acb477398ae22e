/* status.c - /healthz and /metrics for whoever watches this machine.
 *
 * Guarantees: listens on loopback only; answers two fixed paths from counters
 * and one static word, so that nothing about a case can leak; a bounded number
 * of connections, each with bounded memory and time. Until the first
 * cor_status_set it answers 503 "starting".
 *
 * Trusts: that the metrics array outlives the status. Clients are local but not
 * trusted: only GET and HEAD, no bodies.
 *
 * Nothing here is fatal once started; a failed answer closes its connection. */
#include "corridor/status.h"
#include "corridor/refusal.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS_MAX = 16, CONNECTION_MEMORY = 16 * 1024, TIMEOUT_S = 5 };

struct cor_status {
  struct MHD_Daemon *daemon;
  cor_metric *metrics;
  size_t n;
  _Atomic(const char *) why; /* NULL = healthy */
};

typedef union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} address;

static bool parse_port(const char *text, in_port_t *port) {
  unsigned value = 0;
  size_t len = strnlen(text, 6);
  if (len < 1 || len > 5 || strspn(text, "0123456789") != len) return false;
  for (size_t i = 0; i < len; i++)
    value = value * 10 + (unsigned)(text[i] - '0');
  *port = htons((uint16_t)value);
  return value <= UINT16_MAX;
}

/* "127.0.0.1:9100" or "[::1]:9100". */
static bool parse_listen(const char *listen, address *out, cor_error *err) {
  char host[INET6_ADDRSTRLEN + 2];
  const char *colon = strrchr(listen, ':');
  size_t len = colon ? (size_t)(colon - listen) : 0;
  *out = (address){0};
  if (!colon || len == 0 || len >= sizeof host) goto unclear;
  memcpy(host, listen, len);
  host[len] = '\0';
  if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
    out->v4.sin_family = AF_INET;
    if (!parse_port(colon + 1, &out->v4.sin_port)) goto unclear;
    if (ntohl(out->v4.sin_addr.s_addr) >> 24 == 127) return true;
  } else if (host[0] == '[' && host[len - 1] == ']') {
    host[len - 1] = '\0';
    out->v6.sin6_family = AF_INET6;
    if (inet_pton(AF_INET6, host + 1, &out->v6.sin6_addr) != 1 || !parse_port(colon + 1, &out->v6.sin6_port))
      goto unclear;
    if (IN6_IS_ADDR_LOOPBACK(&out->v6.sin6_addr)) return true;
  } else {
    goto unclear;
  }
  return cor_fail(err, COR_NOT_PERMITTED, "status",
                  "%s is not a loopback address; health and metrics are for this machine only, use "
                  "127.0.0.1:PORT",
                  listen);
unclear:
  return cor_fail(err, COR_BAD_INPUT, "status", "'%s' is not ADDRESS:PORT, such as 127.0.0.1:9100", listen);
}

/* The metrics in Prometheus text form; NULL when out of memory. */
static char *render(const cor_status *status, size_t *size) {
  char *text = NULL;
  FILE *out = open_memstream(&text, size);
  if (!out) return NULL;
  for (size_t i = 0; i < status->n; i++) {
    const cor_metric *m = &status->metrics[i];
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n%s %lld\n", m->name, m->help, m->name,
            m->counter ? "counter" : "gauge", m->name, (long long)atomic_load(&m->value));
  }
  if (fclose(out) != 0) {
    free(text);
    return NULL;
  }
  return text;
}

/* text: static unless owned, in which case it is freed here or by the library. */
static enum MHD_Result reply(struct MHD_Connection *connection, unsigned code, const char *type, char *text,
                             size_t size, bool owned) {
  struct MHD_Response *response = MHD_create_response_from_buffer(
      size, text, owned ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_MUST_COPY);
  if (!response) {
    if (owned) free(text);
    return MHD_NO;
  }
  enum MHD_Result result = MHD_NO;
  if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
      MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == MHD_YES)
    result = MHD_queue_response(connection, code, response);
  MHD_destroy_response(response);
  return result;
}

static enum MHD_Result reply_word(struct MHD_Connection *connection, unsigned code, const char *word) {
  char text[96];
  int len = snprintf(text, sizeof text, "%.90s\n", word);
  return reply(connection, code, "text/plain; charset=utf-8", text, (size_t)len, false);
}

static enum MHD_Result answer(void *closure, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **request) {
  cor_status *status = closure;
  (void)version;
  (void)upload;
  (void)request;
  if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
    return *upload_size > 0 ? MHD_NO : reply_word(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET");
  if (strcmp(url, "/healthz") == 0) {
    const char *why = atomic_load(&status->why);
    return reply_word(connection, why ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK, why ? why : "ok");
  }
  if (strcmp(url, "/metrics") == 0) {
    size_t size = 0;
    char *text = render(status, &size);
    return text ? reply(connection, MHD_HTTP_OK, "text/plain; version=0.0.4", text, size, true) : MHD_NO;
  }
  return reply_word(connection, MHD_HTTP_NOT_FOUND, "try /healthz or /metrics");
}

bool cor_status_check(const char *listen, cor_error *err) {
  address at;
  return *listen == '\0' || parse_listen(listen, &at, err);
}

cor_status *cor_status_start(const char *listen, cor_metric *metrics, size_t n, cor_error *err) {
  address at;
  if (!parse_listen(listen, &at, err)) return NULL;
  cor_status *status = calloc(1, sizeof *status);
  if (!status) {
    cor_fail(err, COR_INTERNAL, "", "out of memory; the status page was not started");
    return NULL;
  }
  status->metrics = metrics;
  status->n = n;
  atomic_init(&status->why, "starting");
  unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO;
  if (at.any.sa_family == AF_INET6) flags |= MHD_USE_IPv6;
  status->daemon = MHD_start_daemon(flags, 0, NULL, NULL, answer, status, MHD_OPTION_SOCK_ADDR, &at.any,
                                    MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                                    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                                    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S, MHD_OPTION_END);
  if (!status->daemon) {
    cor_fail(err, COR_BAD_INPUT, "status", "cannot listen on %s; is another program using it?", listen);
    free(status);
    return NULL;
  }
  return status;
}

int cor_status_port(const cor_status *status) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(status->daemon, MHD_DAEMON_INFO_BIND_PORT);
  return info ? info->port : 0;
}

void cor_status_set(cor_status *status, bool healthy, const char *static_reason) {
  atomic_store(&status->why, healthy ? NULL : static_reason ? static_reason : "unhealthy");
}

void cor_status_stop(cor_status **status) {
  if (!*status) return;
  MHD_stop_daemon((*status)->daemon);
  free(*status);
  *status = NULL;
}
