/* cmd_demo.c - corridor demo clock: shows, starts and moves the demo clock.
 *
 * Guarantees: nothing happens without a demo CA's certificate at hand
 * (DEMO_ONLY, exit 6), and the clock only goes forward; the programs that read
 * the file check their own CA certificate again. Trusts the file's directory
 * to belong to whoever runs the demonstration. */
#include "cli.h"
#include "cli_print.h"
#include "corridor/ca.h"
#include "corridor/clock.h"
#include "corridor/refusal.h"
#include <stdlib.h>
#include <string.h>

static const cli_option CLOCK_OPTIONS[] = {
    {"file", "FILE", false, "the clock file (else $CORRIDOR_RUN/clock)"},
    {"ca", "FILE", false, "the demo CA's certificate (else $CORRIDOR_CA)"},
    {NULL, NULL, false, NULL}};

static bool need_demo_ca(const cli_args *args, cor_error *err) {
  const char *path = cli_args_get(args, "ca");
  if (!path) path = getenv("CORRIDOR_CA");
  if (!path || !*path)
    return cor_fail(err, COR_DEMO_ONLY, "ca", "no demo CA is named: give --ca FILE or set CORRIDOR_CA");
  X509 *root = cor_cert_from_pem_file(path, err);
  if (!root) return false;
  bool demo = cor_cert_is_demo(root);
  X509_free(root);
  return demo || cor_fail(err, COR_DEMO_ONLY, "ca", "this is a production CA; its time is the real one");
}

/* "2h", "3d", "90m", "1d12h": days, hours, minutes, seconds. */
static bool duration_parse(const char *text, int64_t *ms) {
  static const struct {
    char unit;
    int64_t ms;
  } UNITS[] = {{'d', 86400000}, {'h', 3600000}, {'m', 60000}, {'s', 1000}};
  *ms = 0;
  if (!*text) return false;
  while (*text) {
    char *end = NULL;
    if (*text < '0' || *text > '9') return false;
    long long amount = strtoll(text, &end, 10);
    size_t u = 0;
    while (u < sizeof UNITS / sizeof *UNITS && UNITS[u].unit != *end)
      u++;
    if (u == sizeof UNITS / sizeof *UNITS || amount > 36500) return false;
    *ms += amount * UNITS[u].ms;
    text = end + 1;
  }
  return true;
}

static bool read_clock(const char *file, int64_t *now, cor_error *err) {
  cor_clock *clock = cor_clock_demo(file, err);
  if (!clock) return false;
  *now = cor_clock_now(clock);
  cor_clock_destroy(&clock);
  return true;
}

/* word and value are what stood on the command line, or NULL for "show". */
static bool move_clock(const char *file, const char *word, const char *value, cor_error *err) {
  int64_t now, ms;
  if (strcmp(word, "forward") == 0) {
    if (!duration_parse(value, &ms))
      return cor_fail(err, COR_BAD_INPUT, "forward", "write 90m, 2h, 3d or 1d12h");
    return read_clock(file, &now, err) && cor_clock_demo_set(file, now + ms, err);
  }
  if (!cor_time_parse(value, &ms))
    return cor_fail(err, COR_BAD_INPUT, word, "not a time; write 2026-03-02T09:00Z");
  bool done = strcmp(word, "set") == 0 ? cor_clock_demo_set(file, ms, err)
                                       : cor_clock_demo_start(file, ms, err);
  if (!done && !*err->path) snprintf(err->path, sizeof err->path, "%s", word);
  return done;
}

static int run_clock(cli_context *cli, const cli_args *args) {
  cor_error err = {0};
  char fallback[4096] = "", text[COR_TIME_TEXT];
  const char *file = cli_args_get(args, "file"), *run = getenv("CORRIDOR_RUN");
  const char *word = args->n_operands ? args->operands[0] : NULL;
  int64_t now;
  if (!file && run && *run) {
    snprintf(fallback, sizeof fallback, "%s/clock", run);
    file = fallback;
  }
  if (!file) return cli_usage(cli, "demo clock", "which clock? Give --file FILE or set CORRIDOR_RUN");
  if (word && strcmp(word, "set") != 0 && strcmp(word, "forward") != 0 && strcmp(word, "start") != 0)
    return cli_usage(cli, "demo clock", "not set, forward or start: %.40s", word);
  if (word && args->n_operands != 2)
    return cli_usage(cli, "demo clock", "%s needs a %s", word, *word == 'f' ? "duration" : "time");
  if (!need_demo_ca(args, &err) || (word && !move_clock(file, word, args->operands[1], &err)) ||
      !read_clock(file, &now, &err))
    return cli_error(cli, &err);
  if (cli->json) {
    json_t *answer = json_pack("{s:s}", "time", cor_time_text(now, text));
    cli_print_json(cli->out, answer);
    json_decref(answer);
  } else {
    fprintf(cli->out, "%s\n", cor_time_text(now, text));
  }
  return CLI_DONE;
}

const cli_verb cli_demo_verbs[] = {
    {"demo clock", "[set TIME | forward DURATION | start TIME]", 0, 2,
     "show the demo clock, or move it forward",
     "Works only under a demo CA. Every program of the demonstration reads this clock; it ticks, and can\n"
     "only be set forward. TIME as 2026-03-13T10:00Z, DURATION as 90m, 2h, 3d or 1d12h. start makes a new\n"
     "clock file, at any time.",
     "corridor demo clock forward 3d", CLOCK_OPTIONS, run_clock},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL}};
