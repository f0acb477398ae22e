/* http.c - one request to the agent over its unix socket (agent API).
 *
 * Guarantees: an answer larger than ANSWER_MAX, or neither a JSON object nor the file
 * that was asked for, is an error, never half printed; the passphrase is sent only over the unix socket
 * of this machine, in a header, and zeroed afterwards, as is everything else that
 * libcurl or we put into a block of memory for the request and its answer.
 * Trusts the owner of the socket. When no agent answers, nothing was sent and
 * nothing kept, and the error says so. */
#include "cli_hold.h"
#include "cli_http.h"
#include "corridor/attachment.h"
#include "corridor/json.h"
#include "corridor/refusal.h"
#include "corridor/wipe.h"
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 16 * 1024 * 1024, TIMEOUT_S = CLI_WAIT_MAX + 30 };

bool cli_http_begin(void) {
  return curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, cor_wipe_free, cor_wipe_realloc, strdup, calloc) ==
         CURLE_OK;
}

void cli_path_add(cli_path *path, const char *text) {
  size_t len = strlen(text);
  if (path->len + len >= sizeof path->text) {
    path->overflow = true;
    return;
  }
  memcpy(path->text + path->len, text, len + 1);
  path->len += len;
}

void cli_path_add_value(cli_path *path, const char *value) {
  for (; *value; value++) {
    unsigned char c = (unsigned char)*value;
    char one[4] = {*value, 0, 0, 0};
    bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                 strchr("-._~", c);
    if (!plain) snprintf(one, sizeof one, "%%%02X", c);
    cli_path_add(path, one);
  }
}

void cli_path_add_query(cli_path *path, const char *name, const char *value) {
  if (!value) return;
  cli_path_add(path, strchr(path->text, '?') ? "&" : "?");
  cli_path_add(path, name);
  cli_path_add(path, "=");
  cli_path_add_value(path, value);
}

bool cli_path_add_wait(cli_path *path, const cli_args *args, cor_error *err) {
  int64_t wait;
  char text[24];
  if (!cli_args_number(args, "wait", CLI_WAIT_DEFAULT, 0, CLI_WAIT_MAX, &wait, err)) return false;
  snprintf(text, sizeof text, "%lld", (long long)wait);
  cli_path_add_query(path, "wait", text);
  return true;
}

typedef struct request {
  const char *method;
  const json_t *body; /* or a file */
  cor_bytes file;
  bool can_give_up, wants_file;
} request;

typedef struct incoming {
  cor_buf buf;
  size_t room, most;
} incoming;

static size_t take_answer(char *data, size_t size, size_t n, void *into) {
  incoming *a = into;
  size_t len = size * n;
  if (len > a->most - a->buf.len) return 0;
  if (a->buf.len + len > a->room) {
    size_t room = 2 * (a->buf.len + len);
    uint8_t *grown = cor_wipe_realloc(a->buf.data, room);
    if (!grown) return 0;
    a->buf.data = grown;
    a->room = room;
  }
  memcpy(a->buf.data + a->buf.len, data, len);
  a->buf.len += len;
  return len;
}

static bool add_header(struct curl_slist **headers, const char *name, const char *value, cor_error *err) {
  size_t room = strlen(name) + strlen(value) + 3;
  char *line = malloc(room);
  if (!line) return cor_fail(err, COR_INTERNAL, "", "out of memory");
  stpcpy(stpcpy(stpcpy(line, name), ": "), value);
  struct curl_slist *longer = strpbrk(value, "\r\n") ? NULL : curl_slist_append(*headers, line);
  cor_wipe_free(line);
  if (!longer) return cor_fail(err, COR_BAD_INPUT, name, "not a value that a request can carry");
  *headers = longer;
  return true;
}

static bool add_person(cli_context *cli, struct curl_slist **headers, const char *user, bool second,
                       cor_error *err) {
  char secret[COR_PASSPHRASE_MAX + 1], encoded[(COR_PASSPHRASE_MAX + 3) / 3 * 4 + 1], prompt[80];
  if (!user) return true;
  if (!add_header(headers, second ? "Corridor-Second-User" : "Corridor-User", user, err)) return false;
  snprintf(prompt, sizeof prompt, "Passphrase of %.40s: ", user);
  char *kept = second ? NULL : cli->keep;
  if (kept && kept[0]) memcpy(secret, kept, sizeof secret);
  bool done = (kept && kept[0]) || cli_secret_read(cli, prompt, secret, err);
  if (done && kept) memcpy(kept, secret, sizeof secret);
  if (done) {
    EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)secret, (int)strlen(secret));
    done = add_header(headers, second ? "Corridor-Second-Passphrase" : "Corridor-Passphrase", encoded, err);
  }
  OPENSSL_cleanse(secret, sizeof secret);
  OPENSSL_cleanse(encoded, sizeof encoded);
  return done;
}

/* libcurl asks once a second at least. */
static int give_up(void *unused, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now) {
  (void)unused, (void)total, (void)now, (void)up_total, (void)up_now;
  return cli_hold_asked() ? 1 : 0;
}

static bool perform(cli_context *cli, CURL *curl, const char *method, const char *path, cor_bytes body,
                    struct curl_slist *headers, incoming *into, cor_error *err) {
  char url[CLI_PATH_MAX + 32];
  snprintf(url, sizeof url, "http://localhost%s", path);
  curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, cli->agent);
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, into);
  if (body.data) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
  }
  CURLcode code = curl_easy_perform(curl);
  if (code == CURLE_COULDNT_CONNECT)
    return cor_fail(
        err, COR_INTERNAL, "agent",
        "no agent answers at %.100s; nothing was sent or kept; start corridor-agent or give --agent",
        cli->agent);
  if (code != CURLE_OK)
    return cor_fail(err, COR_INTERNAL, "agent",
                    "the agent broke off (%s); look with `corridor inbox --sent` before sending again",
                    curl_easy_strerror(code));
  return true;
}

static json_t *read_answer(const cor_buf *text, cor_error *err) {
  cor_error inner = {0};
  json_t *body = cor_json_parse(cor_buf_view(text), &inner);
  if (body && json_is_object(body)) return body;
  json_decref(body);
  (void)cor_fail(err, COR_INTERNAL, "agent", "the agent's answer is not a JSON object");
  return NULL;
}

/* The file that was asked for goes to *file and NULL comes back without an error. */
static json_t *take_result(const request *q, long status, incoming *answer, cor_buf *file, cor_error *err) {
  if (!q->wants_file || status != 200) return read_answer(&answer->buf, err);
  *file = answer->buf;
  answer->buf = (cor_buf){0};
  return NULL;
}

static json_t *call(cli_context *cli, const request *q, const cli_path *path, cor_buf *file, long *status,
                    cor_error *err) {
  json_t *result = NULL;
  struct curl_slist *headers = NULL;
  incoming answer = {.most = q->wants_file ? COR_ATTACHMENT_MAX : ANSWER_MAX};
  char *text = NULL;
  CURL *curl = NULL;
  if (path->overflow) {
    (void)cor_fail(err, COR_TOO_LARGE, "", "the request line is too long");
    return NULL;
  }
  if (q->body && !(text = json_dumps(q->body, JSON_COMPACT))) goto out_of_memory;
  const cor_bytes body = text ? (cor_bytes){(const uint8_t *)text, strlen(text)} : q->file;
  if (!(curl = curl_easy_init())) goto out_of_memory;
  if (!add_header(&headers, "Accept-Language", cli->lang ? cli->lang : "en", err)) goto done;
  if (body.data &&
      !add_header(&headers, "Content-Type", text ? "application/json" : "application/octet-stream", err))
    goto done;
  if (!add_person(cli, &headers, cli->user, false, err)) goto done;
  if (!add_person(cli, &headers, cli->second, true, err)) goto done;
  if (q->can_give_up) {
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, give_up);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  }
  if (!perform(cli, curl, q->method, path->text, body, headers, &answer, err)) goto done;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
  result = take_result(q, *status, &answer, file, err);
  goto done;
out_of_memory:
  (void)cor_fail(err, COR_INTERNAL, "", "out of memory");
done:
  cor_wipe_free(text);
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  cor_buf_clear(&answer.buf);
  return result;
}

json_t *cli_http_call(cli_context *cli, const char *method, const cli_path *path, const json_t *body,
                      long *status, cor_error *err) {
  return call(cli, &(request){.method = method, .body = body}, path, NULL, status, err);
}

json_t *cli_http_wait(cli_context *cli, const cli_path *path, long *status, cor_error *err) {
  return call(cli, &(request){.method = "GET", .can_give_up = true}, path, NULL, status, err);
}

json_t *cli_http_upload(cli_context *cli, const cli_path *path, cor_bytes file, long *status,
                        cor_error *err) {
  return call(cli, &(request){.method = "POST", .file = file}, path, NULL, status, err);
}

json_t *cli_http_download(cli_context *cli, const cli_path *path, cor_buf *file, long *status,
                          cor_error *err) {
  *file = (cor_buf){0};
  return call(cli, &(request){.method = "GET", .wants_file = true}, path, file, status, err);
}

int cli_ask(cli_context *cli, const char *method, const cli_path *path, json_t *body, cli_show *show) {
  cor_error err = {0};
  long status = 0;
  if (!cli->agent) {
    json_decref(body);
    return cli_usage(cli, NULL, CLI_NO_AGENT);
  }
  json_t *answer = cli_http_call(cli, method, path, body, &status, &err);
  json_decref(body);
  if (!answer) return cli_error(cli, &err);
  return cli_tell(cli, answer, status, show);
}

int cli_tell(cli_context *cli, json_t *answer, long status, cli_show *show) {
  int code = CLI_DONE;
  bool failed = status < 200 || status > 202 || json_object_get(answer, "code");
  /* An answer that was only kept, or was refused in part, still tells what
   * became of each message. */
  bool tells = !failed || status == 202 || json_object_get(answer, "messages") ||
               json_object_get(answer, "attachmentId");
  if (tells && cli->json)
    json_dumpf(answer, cli->out, JSON_INDENT(2) | JSON_ENSURE_ASCII), fputc('\n', cli->out);
  if (tells && !cli->json) show(cli->out, answer);
  if (failed || status == 202) {
    if (status == 202 && !json_object_get(answer, "code"))
      json_object_set_new(answer, "code", json_string("KEPT_NOT_SENT"));
    code = cli_error_json(cli, answer);
  }
  json_decref(answer);
  return code;
}
