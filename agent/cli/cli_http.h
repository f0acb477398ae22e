/* cli_http.h - one request to the agent over its unix socket. */
#ifndef CORRIDOR_CLI_HTTP_H
#define CORRIDOR_CLI_HTTP_H
#include "cli.h"

enum { CLI_PATH_MAX = 1024, CLI_WAIT_DEFAULT = 10, CLI_WAIT_MAX = 60 };

/* A request path under construction; too long a one is an error at the call. */
typedef struct cli_path {
  char text[CLI_PATH_MAX];
  size_t len;
  bool overflow;
} cli_path;

void cli_path_add(cli_path *path, const char *text);        /* as it is */
void cli_path_add_value(cli_path *path, const char *value); /* percent-escaped */
/* "?name=value" or "&name=value"; nothing when value is NULL. */
void cli_path_add_query(cli_path *path, const char *name, const char *value);

/* Once, at the program's start: what libcurl allocates is zeroed when freed. */
bool cli_http_begin(void) COR_MUST_CHECK;

#define CLI_NO_AGENT "which agent? Give --agent SOCKET or set CORRIDOR_AGENT"
/* Calls cli->agent (not NULL) and returns the answer's body (an object) and HTTP status; NULL on
 * error (no agent, wrong passphrase input, broken answer). Body may be NULL. */
json_t *cli_http_call(cli_context *cli, const char *method, const cli_path *path, const json_t *body,
                      long *status, cor_error *err) COR_MUST_CHECK;

/* GET, given up as soon as a held signal has come (cli_hold.h). */
json_t *cli_http_wait(cli_context *cli, const cli_path *path, long *status, cor_error *err) COR_MUST_CHECK;

/* A file goes out as it is (borrowed); the answer is as above. */
json_t *cli_http_upload(cli_context *cli, const cli_path *path, cor_bytes file, long *status,
                        cor_error *err) COR_MUST_CHECK;
/* With status 200 the file comes in, and NULL back; with another the answer's object.
 * An error: NULL and no file. The caller clears file. */
json_t *cli_http_download(cli_context *cli, const cli_path *path, cor_buf *file, long *status,
                          cor_error *err) COR_MUST_CHECK;

typedef void cli_show(FILE *out, const json_t *answer);
/* Prints an answer and tells the error it holds; takes it. Returns the exit code. */
int cli_tell(cli_context *cli, json_t *answer, long status, cli_show *show);
/* The usual verb: call, print the answer with show (or as JSON), tell the error
 * there was. Takes body. Returns the exit code. */
int cli_ask(cli_context *cli, const char *method, const cli_path *path, json_t *body, cli_show *show);

/* The option every verb that sends has, and its place in the query. */
#define CLI_WAIT_OPTION                                                                                      \
  { "wait", "SECONDS", false, "how long to wait for the hub's receipt, 0 to 60 (10 if not given)" }
bool cli_path_add_wait(cli_path *path, const cli_args *args, cor_error *err) COR_MUST_CHECK;
#endif
