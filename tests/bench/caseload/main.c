/* main.c - the caseload's command line.
 *
 * For: tests/bench/year2020 and its smoke test. `caseload plan` prints what would
 * be sent as one JSON line with a digest over every message. `caseload replay`
 * makes the programme, writes the expected tables, says "ready" on standard
 * output, waits for a line on standard input (by then the hub runs with the card
 * list it made), replays, and prints one JSON line. Exit code 0, 1 for an error
 * told on standard error, 2 for usage. */
#include "content.h"
#include "corridor/clock.h"
#include "corridor/id.h"
#include "corridor/seal.h"
#include "replay.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
  const char *data;
  size_t cases;
  uint64_t seed;
  replay_options replay;
} settings;

static int usage(void) {
  fputs("caseload plan   --data DIR [--cases N] [--seed S]\n"
        "caseload tables --data DIR --dir DIR [--cases N] [--seed S]\n"
        "caseload replay --data DIR --dir RUN_DIR --connect ENDPOINT --db CONNINFO [--cases N] [--seed S]\n"
        "                [--threads N] [--in-flight N] [--verify] [--leave-out]\n",
        stderr);
  return 2;
}

static int failed(const cor_error *err) {
  fprintf(stderr, "caseload: %s%s%s\n", err->path, err->path[0] ? ": " : "", err->detail);
  return 1;
}

static bool read_options(int argc, char **argv, settings *s) {
  static const struct option options[] = {{"data", required_argument, NULL, 'd'},
                                          {"cases", required_argument, NULL, 'n'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"dir", required_argument, NULL, 'o'},
                                          {"connect", required_argument, NULL, 'c'},
                                          {"db", required_argument, NULL, 'b'},
                                          {"threads", required_argument, NULL, 't'},
                                          {"in-flight", required_argument, NULL, 'f'},
                                          {"verify", no_argument, NULL, 'v'},
                                          {"leave-out", no_argument, NULL, 'l'},
                                          {NULL, 0, NULL, 0}};
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    switch (option) {
    case 'd': s->data = optarg; break;
    case 'n': s->cases = strtoul(optarg, NULL, 10); break;
    case 's': s->seed = strtoull(optarg, NULL, 10); break;
    case 'o': s->replay.dir = optarg; break;
    case 'c': s->replay.endpoint = optarg; break;
    case 'b': s->replay.db = optarg; break;
    case 't': s->replay.threads = strtoul(optarg, NULL, 10); break;
    case 'f': s->replay.in_flight = strtoul(optarg, NULL, 10); break;
    case 'v': s->replay.verify = true; break;
    case 'l': s->replay.leave_out = true; break;
    default: return false;
    }
  }
  return s->data && s->cases > 0 && s->cases <= 1000000 && optind == argc - 1;
}

static int show_plan(const plan *p, const settings *s) {
  (void)s;
  uint8_t digest[COR_HASH_LEN];
  char text[COR_HEX64_TEXT];
  cor_error err = {0};
  if (!content_digest(p, digest, &err)) return failed(&err);
  printf("{\"cases\": %zu, \"messages\": %zu, \"services_before_departure\": %zu, "
         "\"services_after_arrival\": %zu,"
         " \"digest\": \"%s\"}\n",
         p->n_people, p->n_messages, p->n_services[BEFORE_DEPARTURE], p->n_services[AFTER_ARRIVAL],
         cor_hex((cor_bytes){digest, sizeof digest}, text, sizeof text));
  return 0;
}

static void show_counts(const plan *p, const programme *all, const replay_counts *c, int64_t programme_ms) {
  printf(
      "{\"cases\": %zu, \"services\": %zu, \"offices\": %zu, \"days\": %llu, \"messages\": %llu, \"bytes\": "
      "%llu,"
      " \"body_bytes\": %llu, \"deliveries\": %llu, \"redeliveries\": %llu, \"end_notices\": %llu,"
      " \"obligation_notices\": %llu, \"bundles\": %llu, \"bundled_ends\": %llu, \"bundled_obligations\": "
      "%llu,"
      " \"receipts\": %llu, \"receipt_batches\": %llu, \"programme_s\": %.3f,"
      " \"connect_s\": %.3f, \"prepare_s\": %.3f, \"replay_s\": %.3f, \"cpu_s\": %.3f, \"prepare_cpu_s\": "
      "%.3f}\n",
      p->n_people, p->n_services[BEFORE_DEPARTURE] + p->n_services[AFTER_ARRIVAL], all->n,
      (unsigned long long)c->days, (unsigned long long)c->messages, (unsigned long long)c->bytes,
      (unsigned long long)c->body_bytes, (unsigned long long)c->deliveries, (unsigned long long)c->again,
      (unsigned long long)c->end_notices, (unsigned long long)c->obligation_notices,
      (unsigned long long)c->bundles, (unsigned long long)c->bundled_ends,
      (unsigned long long)c->bundled_obligations, (unsigned long long)c->receipts,
      (unsigned long long)c->receipt_batches, (double)programme_ms / 1e3, (double)c->connect_ms / 1e3,
      (double)c->prepare_ms / 1e3, (double)c->replay_ms / 1e3, (double)c->cpu_us / 1e6,
      (double)c->prepare_cpu_us / 1e6);
}

static int run_replay(const plan *p, const settings *s) {
  programme all = {0};
  replay_counts counts;
  cor_error err = {0};
  char line[16];
  int64_t begin = cor_clock_monotonic_ms();
  bool ok = cor_seal_library_ok(&err) && programme_make(p, s->replay.dir, &all, &err) &&
            plan_write_tables(p, s->replay.dir, &err);
  if (!ok) return failed(&err);
  int64_t programme_ms = cor_clock_monotonic_ms() - begin;
  puts("ready");
  fflush(stdout);
  if (!fgets(line, sizeof line, stdin)) return usage();
  ok = replay_run(p, &all, &s->replay, &counts, &err);
  if (ok) show_counts(p, &all, &counts, programme_ms);
  programme_clear(&all);
  return ok ? 0 : failed(&err);
}

static int write_tables(const plan *p, const settings *s) {
  cor_error err = {0};
  return plan_write_tables(p, s->replay.dir, &err) ? 0 : failed(&err);
}

static int (*find_verb(const char *name, const settings *s))(const plan *, const settings *) {
  if (strcmp(name, "plan") == 0) return show_plan;
  if (!s->replay.dir) return NULL;
  if (strcmp(name, "tables") == 0) return write_tables;
  bool replays = strcmp(name, "replay") == 0 && s->replay.endpoint && s->replay.db;
  return replays ? run_replay : NULL;
}

int main(int argc, char **argv) {
  static world w;
  static returns r;
  plan p;
  settings s = {.cases = RETURNS_2020, .seed = 2020, .replay = {.threads = 2, .in_flight = 1000}};
  cor_error err = {0};
  if (!read_options(argc, argv, &s)) return usage();
  int (*verb)(const plan *, const settings *) = find_verb(argv[optind], &s);
  if (!verb) return usage();
  if (!world_load(&w, s.data, &err)) return failed(&err);
  returns_fit(&w, s.cases, &r);
  plan_make(&w, &r, s.seed, &p);
  int code = verb(&p, &s);
  plan_clear(&p);
  return code;
}
