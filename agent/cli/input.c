/* input.c - what people hand in: passphrases, JSON files, times.
 *
 * Guarantees: a passphrase is read byte by byte from its descriptor, so that
 * nothing of it stays in a stdio buffer, and is never echoed; JSON input is
 * bounded; the only liberty taken with it is that a time may be written as
 * RFC 3339 text where the schema counts milliseconds. A file that cannot be
 * read is an error naming it. */
#include "cli.h"
#include "corridor/clock.h"
#include "corridor/json.h"
#include "corridor/refusal.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { INPUT_MAX = 4 * 1024 * 1024 };

/* One line, without its end. False at end of file before any byte. */
static bool read_line(int fd, char *out, size_t size, bool *too_long) {
  size_t len = 0;
  char c;
  ssize_t got;
  *too_long = false;
  while ((got = read(fd, &c, 1)) == 1 || (got < 0 && errno == EINTR)) {
    if (got < 0) continue;
    if (c == '\n') break;
    if (len + 1 == size)
      *too_long = true;
    else
      out[len++] = c;
  }
  out[len] = 0;
  return got == 1 || len > 0;
}

static bool read_from_terminal(FILE *err_out, const char *prompt, bool shown, char *out, size_t size,
                               bool *too_long) {
  struct termios before, quiet;
  int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (fd < 0) return false;
  bool done = tcgetattr(fd, &before) == 0;
  if (done) {
    quiet = before;
    if (!shown) quiet.c_lflag &= (tcflag_t)~ECHO;
    fputs(prompt, err_out);
    fflush(err_out);
    tcsetattr(fd, TCSAFLUSH, &quiet);
    done = read_line(fd, out, size, too_long);
    tcsetattr(fd, TCSAFLUSH, &before);
    if (!shown) fputc('\n', err_out);
  }
  close(fd);
  return done;
}

static bool read_one(cli_context *cli, const char *prompt, bool shown, char out[COR_PASSPHRASE_MAX + 1],
                     cor_error *err) {
  bool too_long = false;
  bool done = cli->passphrase_fd >= 0
                  ? read_line(cli->passphrase_fd, out, COR_PASSPHRASE_MAX + 1, &too_long)
                  : read_from_terminal(cli->err, prompt, shown, out, COR_PASSPHRASE_MAX + 1, &too_long);
  if (done && !too_long) return true;
  OPENSSL_cleanse(out, COR_PASSPHRASE_MAX + 1);
  return cor_fail(err, COR_NOT_PERMITTED, "passphrase-fd",
                  too_long
                      ? "the passphrase is too long"
                      : "no passphrase: give --passphrase-fd N with one line for each, or run at a terminal");
}

bool cli_secret_read(cli_context *cli, const char *prompt, char out[COR_PASSPHRASE_MAX + 1], cor_error *err) {
  return read_one(cli, prompt, false, out, err);
}

bool cli_line_read(cli_context *cli, const char *prompt, char out[COR_PASSPHRASE_MAX + 1], cor_error *err) {
  return read_one(cli, prompt, true, out, err);
}

static bool read_stream(FILE *in, cor_buf *out, cor_error *err) {
  uint8_t *data = malloc(INPUT_MAX + 1);
  if (!data) return cor_fail(err, COR_INTERNAL, "", "out of memory");
  size_t len = fread(data, 1, INPUT_MAX + 1, in);
  if (ferror(in) || len > INPUT_MAX) {
    bool large = len > INPUT_MAX;
    OPENSSL_cleanse(data, len);
    free(data);
    return cor_fail(err, large ? COR_TOO_LARGE : COR_BAD_INPUT, "-",
                    large ? "the input is larger than 4 MiB" : "standard input cannot be read");
  }
  *out = (cor_buf){data, len};
  return true;
}

/* An error has a place (exit code 3 promises it): FILE, or FILE:LINE:COLUMN. */
static void place_in_file(cor_error *err, const char *path) {
  char place[sizeof err->path];
  snprintf(place, sizeof place, "%.80s%s%.40s", path, *err->path ? ":" : "", err->path);
  memcpy(err->path, place, sizeof place);
}

json_t *cli_json_load(const char *path, cor_error *err) {
  cor_buf text = {0};
  bool done = strcmp(path, "-") == 0 ? read_stream(stdin, &text, err)
                                     : cor_file_read(path, INPUT_MAX, false, &text, err);
  if (!done) {
    if (err->code == COR_INTERNAL) err->code = COR_BAD_INPUT;
    place_in_file(err, path);
    return NULL;
  }
  json_t *value = cor_json_parse(cor_buf_view(&text), err);
  cor_buf_clear(&text);
  if (value && !json_is_object(value)) {
    (void)cor_fail(err, COR_BAD_INPUT, "", "the input must be one JSON object");
    json_decref(value);
    value = NULL;
  }
  if (!value) place_in_file(err, path);
  return value;
}

bool cli_is_time_field(const char *name) {
  static const char *const NAMES[] = {"since",       "validFrom", "valid_from", "validUntil",
                                      "valid_until", "answerBy",  "answer_by",  "from"};
  size_t len = strlen(name);
  if (strcmp(name, "at") == 0) return true;
  if (len > 2 && (strcmp(name + len - 2, "At") == 0 || strcmp(name + len - 3, "_at") == 0)) return true;
  for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
    if (strcmp(name, NAMES[i]) == 0) return true;
  return false;
}

static json_t *ms_of(const json_t *value) {
  int64_t ms;
  char text[24];
  const char *word = json_string_value(value);
  /* Digits alone are milliseconds already; a time has a dash after its year. */
  if (!word || !strchr(word, '-') || !cor_time_parse(word, &ms)) return NULL;
  snprintf(text, sizeof text, "%lld", (long long)ms);
  return json_string(text);
}

void cli_times_to_ms(json_t *value) {
  size_t i;
  json_t *member;
  if (json_is_array(value)) {
    json_array_foreach(value, i, member) cli_times_to_ms(member);
    return;
  }
  for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at)) {
    member = json_object_iter_value(at);
    json_t *ms = cli_is_time_field(json_object_iter_key(at)) ? ms_of(member) : NULL;
    if (ms)
      json_object_iter_set_new(value, at, ms);
    else
      cli_times_to_ms(member);
  }
}
