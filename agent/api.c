/* api.c - the local HTTP server: the socket, who may speak, routes, errors.
 *
 * Guarantees: the socket is 0600 from the moment it exists and every connection
 * comes from our own user or root (SO_PEERCRED); a request is at most 4 MiB, but for
 * files, of which few are on their way at a time; each request
 * has its thread, 64 at most, so that a caller who waits keeps nobody else. When
 * a request has been answered nothing of it is left in memory: the passphrase,
 * the request's and the answer's JSON and texts are zeroed, the connection is
 * closed and its pool, where libmicrohttpd keeps headers and what it has just
 * read, goes back to the kernel. Every failure is a JSON object with
 * the refusal table's status and a sentence in the caller's language. Trusts the
 * local user; what is in a request is checked like any other input. */
#include "api.h"

#include "corridor/attachment.h"
#include "corridor/json.h"
#include "corridor/refusal.h"
#include "corridor/wipe.h"

#include <errno.h>
#include <microhttpd.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Above 32 KiB libmicrohttpd maps a connection's pool from the kernel and gives
 * it back whole; a smaller one would go to the heap as it is. */
enum {
  BODY_MAX = 4 * 1024 * 1024,
  CONNECTIONS_MAX = 64,
  FILES_MAX = 8, /* in memory at a time, coming in or going out */
  IDLE_S = 90,
  ARG_MAX = 64,
  POOL_SIZE = 64 * 1024
};

struct api {
  agent *a;
  struct MHD_Daemon *daemon;
  _Atomic int files;
  char path[sizeof((struct sockaddr_un *)0)->sun_path];
};

/* What gathers while a request comes in. */
typedef struct pending {
  cor_buf body;
  size_t room, most;
  bool too_large;
  bool is_file, crowded; /* of a route that carries a file; and there are enough of them */
} pending;

/* ---- routes ---- */

typedef struct route {
  const char *method, *path; /* one * stands for one segment */
  api_handler handle;
  bool is_file; /* the body of the request, or of the answer, is a file */
} route;

static const route routes[] = {
    {"GET", "/v1/status", api_get_status, false},
    {"POST", "/v1/cases", api_post_case, false},
    {"GET", "/v1/cases", api_get_cases, false},
    {"GET", "/v1/cases/*/timeline", api_get_timeline, false},
    {"POST", "/v1/consents", api_post_consent, false},
    {"GET", "/v1/consents", api_get_consents, false},
    {"GET", "/v1/consents/*", api_get_consent, false},
    {"GET", "/v1/consents/*/evidence", api_get_evidence, false},
    {"GET", "/v1/consents/*/iso27560", api_get_iso27560, false},
    {"POST", "/v1/slips", api_post_slip, false},
    {"POST", "/v1/messages", api_post_message, false},
    {"GET", "/v1/messages", api_get_messages, false},
    {"GET", "/v1/messages/*", api_get_message, false},
    {"GET", "/v1/messages/*/outcome", api_get_outcome, false},
    {"POST", "/v1/messages/*/export", api_post_export, false},
    {"POST", "/v1/referrals", api_post_referral, false},
    {"POST", "/v1/answers", api_post_answer, false},
    {"POST", "/v1/withdrawals", api_post_withdrawal, false},
    {"GET", "/v1/due", api_get_due, false},
    {"GET", "/v1/exceptions", api_get_exceptions, false},
    {"POST", "/v1/exceptions/*/statement", api_post_statement, false},
    {"POST", "/v1/quarantine/lift", api_post_quarantine_lift, false},
    {"POST", "/v1/unlock", api_post_unlock, false},
    {"POST", "/v1/attachments", api_post_attachment, true},
    {"GET", "/v1/attachments", api_get_attachments, false},
    {"GET", "/v1/attachments/*", api_get_attachment, false},
    {"GET", "/v1/attachments/*/file", api_get_attachment_file, true},
    {"GET", "/v1/duplicates/*", api_get_duplicates, false},
    {"POST", "/v1/duplicates/*/answer", api_post_duplicate_answer, false},
    {"GET", "/v1/permissions", api_get_permissions, false},
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

static const route *find_route(const char *method, const char *path, char arg[ARG_MAX], cor_error *err) {
  for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
    if (strcmp(routes[i].method, method) == 0 && path_fits(routes[i].path, path, arg)) return &routes[i];
  (void)cor_fail(err, COR_BAD_INPUT, "", "there is no such request; see the agent's interface page");
  return NULL;
}

/* Before the office's keys are unlocked there is nothing else to serve from. */
static bool served(const agent *a, const route *to, cor_error *err) {
  return to != NULL &&
         (!a->locked || to->handle == api_post_unlock ||
          cor_fail(err, COR_OFFICE_LOCKED, "", "this office's keys are locked (`corridor agent unlock`)"));
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

/* The passphrases of the people who ask; zeroed when the request is answered. */
typedef struct secrets {
  char first[COR_PASSPHRASE_MAX + 1], second[COR_PASSPHRASE_MAX + 1];
} secrets;

static const char *header_of(const api_request *q, const char *name) {
  return MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, name);
}

static bool one_person(const char *user, const char *secret, char passphrase[COR_PASSPHRASE_MAX + 1],
                       bool *named, cor_holder *out, const char *together, cor_error *err) {
  if (user == NULL && secret == NULL) return true;
  if (user == NULL || secret == NULL || strlen(user) > COR_USER_MAX || !decode_passphrase(secret, passphrase))
    return cor_fail(err, COR_BAD_INPUT, "", "%s (base64) come together", together);
  *named = true;
  *out = (cor_holder){.user = user, .passphrase = passphrase};
  return true;
}

static bool who_asks(api_request *q, secrets *s, cor_error *err) {
  q->language = header_of(q, "Accept-Language");
  if (!one_person(header_of(q, "Corridor-User"), header_of(q, "Corridor-Passphrase"), s->first, &q->named,
                  &q->holder, "Corridor-User and Corridor-Passphrase", err) ||
      !one_person(header_of(q, "Corridor-Second-User"), header_of(q, "Corridor-Second-Passphrase"), s->second,
                  &q->has_second, &q->second, "Corridor-Second-User and Corridor-Second-Passphrase", err))
    return false;
  return q->named || !q->has_second ||
         cor_fail(err, COR_BAD_INPUT, "", "a second person comes with a first, in Corridor-User");
}

/* ---- one request ---- */

static bool read_body(api_request *q, const char *method, pending *p, cor_error *err) {
  if (p->crowded)
    return cor_fail(err, COR_LIMIT_REACHED, "",
                    "%d files are on their way through this agent; nothing was kept, try again soon",
                    FILES_MAX);
  if (p->too_large && p->is_file)
    return cor_fail(err, COR_ATTACHMENT_LIMIT, "", "a file is at most 25 MiB; nothing was kept");
  if (p->too_large) return cor_fail(err, COR_TOO_LARGE, "", "a request is at most 4 MiB; nothing was kept");
  if (strcmp(method, "POST") != 0) return true;
  q->file = &p->body;
  if (p->is_file) return true;
  q->body = cor_json_parse(cor_buf_view(&p->body), err);
  if (q->body == NULL) return false;
  return json_is_object(q->body) || cor_fail(err, COR_BAD_INPUT, "", "a request is a JSON object");
}

/* Takes bytes, which are malloc's. */
static enum MHD_Result send_bytes(struct MHD_Connection *c, unsigned status, const char *type, void *bytes,
                                  size_t len) {
  struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
      len, bytes, cor_wipe_free, bytes);
  if (response == NULL) {
    cor_wipe_free(bytes);
    return MHD_NO;
  }
  enum MHD_Result result = MHD_NO;
  if (MHD_add_response_header(response, "Content-Type", type) == MHD_YES &&
      MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES &&
      MHD_add_response_header(response, "Connection", "close") == MHD_YES)
    result = MHD_queue_response(c, status, response);
  MHD_destroy_response(response);
  return result;
}

static enum MHD_Result answer(const api_request *q) {
  if (q->sending.data != NULL)
    return send_bytes(q->connection, q->status, "application/octet-stream", q->sending.data, q->sending.len);
  char *text = q->reply == NULL ? NULL : json_dumps(q->reply, JSON_COMPACT);
  if (text == NULL) return MHD_NO;
  return send_bytes(q->connection, q->status, "application/json; charset=utf-8", text, strlen(text));
}

static enum MHD_Result serve(agent *a, struct MHD_Connection *c, const char *method, const char *path,
                             pending *p) {
  api_request q = {.a = a, .connection = c, .status = 200};
  char arg[ARG_MAX];
  secrets people = {.first = ""};
  cor_error err = {0};
  q.arg = arg;
  bool ok = may_speak(c, &err) && who_asks(&q, &people, &err);
  const route *to = ok ? find_route(method, path, arg, &err) : NULL;
  ok = served(a, to, &err) && read_body(&q, method, p, &err);
  /* Opens key files, slow by design: before any handler holds the store, and whatever
   * it will find there, so that the time tells nothing of it. */
  if (ok) q.visible = held_visible(a, q.named ? &q.holder : NULL);
  ok = ok && to->handle(&q, &err);
  if (!ok) {
    json_decref(q.reply);
    q.reply = api_error_json(a, q.language, &err);
    q.status = (unsigned)cor_refusal_of(err.code)->http;
    COR_LOG(a->log, COR_INFO, "request-refused",
            COR_WORD("path", path_fits("/v1/*", path, arg) ? path : "/v1"), COR_CODE(err.code));
  }
  OPENSSL_cleanse(&people, sizeof people);
  OPENSSL_cleanse(arg, sizeof arg); /* it may be a reference number */
  json_decref(q.body);
  const enum MHD_Result result = answer(&q);
  json_decref(q.reply);
  cor_wipe_stack();
  return result;
}

/* ---- libmicrohttpd ---- */

/* What this request may bring, before it does. */
static void expect(api *p, pending *in, const char *method, const char *path) {
  char arg[ARG_MAX];
  cor_error ignored; /* no such request: answered when it has come */
  const route *to = find_route(method, path, arg, &ignored);
  OPENSSL_cleanse(arg, sizeof arg); /* it may be a reference number */
  in->is_file = to != NULL && to->is_file;
  in->most = in->is_file ? COR_ATTACHMENT_MAX : BODY_MAX;
  if (in->is_file) in->crowded = atomic_fetch_add(&p->files, 1) >= FILES_MAX;
}

static void gather(pending *p, const char *data, size_t size) {
  if (p->crowded || p->too_large || p->body.len + size > p->most) {
    p->too_large = true;
    cor_buf_clear(&p->body);
    p->room = 0;
    return;
  }
  if (p->body.len + size > p->room) {
    const size_t twice = (p->body.len + size) * 2, room = twice < p->most ? twice : p->most;
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
    if (*state == NULL) return MHD_NO;
    expect(p, *state, method, path);
    return MHD_YES;
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
  api *all = cls;
  pending *p = *state;
  (void)c, (void)why;
  if (atomic_load(&all->a->unlocked)) kill(getpid(), SIGUSR1); /* the main thread waits for it */
  if (p == NULL) return;
  if (p->is_file) atomic_fetch_sub(&all->files, 1);
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
      MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_NOTIFY_COMPLETED, on_completed, p,
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
  if (!(*p)->a->locked) store_stop((*p)->a->store); /* for good; nobody waits there before */
  MHD_stop_daemon((*p)->daemon);
  unlink((*p)->path);
  free(*p);
  *p = NULL;
}
