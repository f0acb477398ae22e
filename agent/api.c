/* api.c - the local HTTP server: the socket, who may speak, routes, errors.
 *
 * Guarantees: the socket is 0600 from the moment it exists and every connection
 * comes from our own user or root (SO_PEERCRED); a request is at most 4 MiB; each
 * has its thread, 64 at most, so that a caller who waits keeps nobody else. When
 * a request has been answered nothing of it is left in memory: the passphrase,
 * the request's and the answer's JSON and texts are zeroed, the connection is
 * closed and its pool, where libmicrohttpd keeps headers and what it has just
 * read, goes back to the kernel. Every failure is a JSON object with
 * the refusal table's status and a sentence in the caller's language. Trusts the
 * local user; what is in a request is checked like any other input. */
#include "api.h"

#include "corridor/json.h"
#include "corridor/refusal.h"
#include "corridor/wipe.h"

#include <errno.h>
#include <microhttpd.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Above 32 KiB libmicrohttpd maps a connection's pool from the kernel and gives
 * it back whole; a smaller one would go to the heap as it is. */
enum { BODY_MAX = 4 * 1024 * 1024, CONNECTIONS_MAX = 64, IDLE_S = 90, ARG_MAX = 64, POOL_SIZE = 64 * 1024 };

struct api {
  agent *a;
  struct MHD_Daemon *daemon;
  char path[sizeof((struct sockaddr_un *)0)->sun_path];
};

/* What gathers while a request comes in. */
typedef struct pending {
  cor_buf body;
  size_t room;
  bool too_large;
} pending;

/* ---- routes ---- */

static const struct {
  const char *method, *path; /* one * stands for one segment */
  api_handler handle;
} routes[] = {
    {"GET", "/v1/status", api_get_status},
    {"POST", "/v1/cases", api_post_case},
    {"GET", "/v1/cases", api_get_cases},
    {"GET", "/v1/cases/*/timeline", api_get_timeline},
    {"POST", "/v1/consents", api_post_consent},
    {"POST", "/v1/messages", api_post_message},
    {"GET", "/v1/messages", api_get_messages},
    {"GET", "/v1/messages/*", api_get_message},
    {"GET", "/v1/messages/*/outcome", api_get_outcome},
    {"POST", "/v1/referrals", api_post_referral},
    {"POST", "/v1/answers", api_post_answer},
    {"POST", "/v1/withdrawals", api_post_withdrawal},
    {"GET", "/v1/due", api_get_due},
    {"GET", "/v1/permissions", api_get_permissions},
    {"POST", "/v1/quarantine/lift", api_post_quarantine_lift},
};

static bool path_fits(const char *pattern, const char *path, char arg[ARG_MAX]) {
  const char *star = strchr(pattern, '*');
  arg[0] = '\0';
  if (star == NULL) return strcmp(pattern, path) == 0;
  const size_t before = (size_t)(star - pattern);
  if (strncmp(pattern, path, before) != 0) return false;
  const size_t len = strcspn(path + before, "/");
  if (len == 0 || len >= ARG_MAX || strcmp(path + before + len, star + 1) != 0) return false;
  memcpy(arg, path + before, len);
  arg[len] = '\0';
  return true;
}

static api_handler find_route(const char *method, const char *path, char arg[ARG_MAX], cor_error *err) {
  for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
    if (strcmp(routes[i].method, method) == 0 && path_fits(routes[i].path, path, arg))
      return routes[i].handle;
  (void)cor_fail(err, COR_BAD_INPUT, "", "there is no such request; see the agent's interface page");
  return NULL;
}

/* ---- who asks ---- */

static bool may_speak(struct MHD_Connection *c, cor_error *err) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
  struct ucred peer;
  socklen_t len = sizeof peer;
  bool ok = info != NULL && getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
            (peer.uid == geteuid() || peer.uid == 0);
  return ok || cor_fail(err, COR_NOT_PERMITTED, "", "only the agent's own user may use this socket");
}

static bool decode_passphrase(const char *text, char out[COR_PASSPHRASE_MAX + 1]) {
  unsigned char raw[(COR_PASSPHRASE_MAX / 3 + 2) * 3];
  const size_t len = strlen(text);
  if (len == 0 || len % 4 != 0 || len / 4 * 3 > sizeof raw) return false;
  const int got = EVP_DecodeBlock(raw, (const unsigned char *)text, (int)len);
  const int padding = (text[len - 1] == '=') + (text[len - 2] == '=');
  const bool ok = got - padding > 0 && got - padding <= COR_PASSPHRASE_MAX;
  if (ok) memcpy(out, raw, (size_t)(got - padding));
  out[ok ? got - padding : 0] = '\0';
  OPENSSL_cleanse(raw, sizeof raw);
  return ok;
}

static bool who_asks(api_request *q, char passphrase[COR_PASSPHRASE_MAX + 1], cor_error *err) {
  const char *user = MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, "Corridor-User");
  const char *secret = MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, "Corridor-Passphrase");
  q->language = MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, "Accept-Language");
  if (user == NULL && secret == NULL) return true;
  if (user == NULL || secret == NULL || strlen(user) > COR_USER_MAX || !decode_passphrase(secret, passphrase))
    return cor_fail(err, COR_BAD_INPUT, "", "Corridor-User and Corridor-Passphrase (base64) come together");
  q->named = true;
  q->holder = (cor_holder){.user = user, .passphrase = passphrase};
  return true;
}

/* ---- one request ---- */

static bool read_body(api_request *q, const char *method, const pending *p, cor_error *err) {
  if (p->too_large) return cor_fail(err, COR_TOO_LARGE, "", "a request is at most 4 MiB; nothing was kept");
  if (strcmp(method, "POST") != 0) return true;
  q->body = cor_json_parse(cor_buf_view(&p->body), err);
  if (q->body == NULL) return false;
  return json_is_object(q->body) || cor_fail(err, COR_BAD_INPUT, "", "a request is a JSON object");
}

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, json_t *reply) {
  char *text = reply == NULL ? NULL : json_dumps(reply, JSON_COMPACT);
  json_decref(reply);
  if (text == NULL) return MHD_NO;
  struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(strlen(text), text,
                                                                                         cor_wipe_free, text);
  if (response == NULL) {
    cor_wipe_free(text);
    return MHD_NO;
  }
  enum MHD_Result result = MHD_NO;
  if (MHD_add_response_header(response, "Content-Type", "application/json; charset=utf-8") == MHD_YES &&
      MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES &&
      MHD_add_response_header(response, "Connection", "close") == MHD_YES)
    result = MHD_queue_response(c, status, response);
  MHD_destroy_response(response);
  return result;
}

static enum MHD_Result serve(agent *a, struct MHD_Connection *c, const char *method, const char *path,
                             const pending *p) {
  api_request q = {.a = a, .connection = c, .status = 200};
  char arg[ARG_MAX], passphrase[COR_PASSPHRASE_MAX + 1] = "";
  cor_error err = {0};
  q.arg = arg;
  bool ok = may_speak(c, &err) && who_asks(&q, passphrase, &err);
  api_handler handle = ok ? find_route(method, path, arg, &err) : NULL;
  ok = handle != NULL && read_body(&q, method, p, &err) && handle(&q, &err);
  if (!ok) {
    json_decref(q.reply);
    q.reply = api_error_json(a, q.language, &err);
    q.status = (unsigned)cor_refusal_of(err.code)->http;
    COR_LOG(a->log, COR_INFO, "request-refused",
            COR_WORD("path", path_fits("/v1/*", path, arg) ? path : "/v1"), COR_CODE(err.code));
  }
  OPENSSL_cleanse(passphrase, sizeof passphrase);
  OPENSSL_cleanse(arg, sizeof arg); /* it may be a reference number */
  json_decref(q.body);
  const enum MHD_Result result = answer(c, q.status, q.reply);
  cor_wipe_stack();
  return result;
}

/* ---- libmicrohttpd ---- */

static void gather(pending *p, const char *data, size_t size) {
  if (p->too_large || p->body.len + size > BODY_MAX) {
    p->too_large = true;
    return;
  }
  if (p->body.len + size > p->room) {
    const size_t room = (p->body.len + size) * 2;
    uint8_t *more = malloc(room);
    if (more == NULL) {
      p->too_large = true;
      return;
    }
    if (p->body.len > 0) memcpy(more, p->body.data, p->body.len);
    const size_t len = p->body.len;
    cor_buf_clear(&p->body); /* zeroes what may be a person's file */
    p->body = (cor_buf){more, len};
    p->room = room;
  }
  memcpy(p->body.data + p->body.len, data, size);
  p->body.len += size;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *path, const char *method,
                                  const char *version, const char *data, size_t *size, void **state) {
  api *p = cls;
  (void)version;
  if (*state == NULL) {
    *state = calloc(1, sizeof(pending));
    return *state == NULL ? MHD_NO : MHD_YES;
  }
  if (*size > 0) {
    gather(*state, data, *size);
    *size = 0;
    return MHD_YES;
  }
  return serve(p->a, c, method, path, *state);
}

static void on_completed(void *cls, struct MHD_Connection *c, void **state,
                         enum MHD_RequestTerminationCode why) {
  pending *p = *state;
  (void)cls, (void)c, (void)why;
  if (p == NULL) return;
  cor_buf_clear(&p->body);
  free(p);
  *state = NULL;
}

/* A socket left by a killed agent is removed; the store's lock has already shown
 * that no other agent of this office runs. */
static int listen_on(const char *path, cor_error *err) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct stat st;
  if (strlen(path) >= sizeof address.sun_path) {
    (void)cor_fail(err, COR_BAD_INPUT, "socket", "the socket's path is too long");
    return -1;
  }
  memcpy(address.sun_path, path, strlen(path) + 1);
  if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) unlink(path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  /* fchmod before bind: the socket's file is born 0600, whatever the umask. */
  if (fd < 0 || fchmod(fd, 0600) != 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(fd, CONNECTIONS_MAX) != 0) {
    (void)cor_fail(err, COR_INTERNAL, "socket", "cannot listen on %s: %s", path, strerror(errno));
    if (fd >= 0) close(fd);
    return -1;
  }
  return fd;
}

api *api_start(agent *a, cor_error *err) {
  api *p = calloc(1, sizeof *p);
  if (p == NULL) {
    (void)cor_fail(err, COR_INTERNAL, "", "out of memory");
    return NULL;
  }
  const char *path = cor_config_text(a->config, "socket");
  const int fd = listen_on(path, err);
  if (fd < 0) goto fail;
  p->a = a;
  snprintf(p->path, sizeof p->path, "%s", path);
  p->daemon = MHD_start_daemon(
      MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC, 0, NULL, NULL,
      on_request, p, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
      MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_SIZE, MHD_OPTION_END);
  if (p->daemon != NULL) return p;
  (void)cor_fail(err, COR_INTERNAL, "socket", "the local interface cannot be started");
  close(fd);
fail:
  free(p);
  return NULL;
}

void api_stop(api **p) {
  if (p == NULL || *p == NULL) return;
  store_stop((*p)->a->store);
  MHD_stop_daemon((*p)->daemon);
  unlink((*p)->path);
  free(*p);
  *p = NULL;
}
