/* main.c - corridor-broker: the door, the core, and the hub's few commands. */
#include "core.h"
#include "corridor/ca.h"
#include "corridor/refusal.h"
#include "door.h"
#include "migrate.h"
#include "registry.h"
#include <getopt.h>
#include <stdio.h>
#include <string.h>

typedef struct options {
  const char *config, *db, *sql, *ca, *demo_clock;
  bool check, sample;
  const char *words[4];
  int n_words;
} options;

static const char usage[] =
    "corridor-broker: the hub of Corridor.\n"
    "\n"
    "  corridor-broker door --config FILE [--check-config]   the process that faces the network\n"
    "  corridor-broker core --config FILE [--check-config]   gate, database, receipts\n"
    "  corridor-broker door|core --sample-config             every option, with its default\n"
    "  corridor-broker migrate --db CONNINFO [--sql DIR]     bring the database to the newest schema\n"
    "  corridor-broker cards import FILE --db CONNINFO --ca ca.crt\n"
    "                                                        take over a card list the CA signed\n"
    "  corridor-broker suspend OFFICE --db CONNINFO          at once; only the CA reinstates\n"
    "\n"
    "  --demo-clock FILE   date cards import, suspend and migrate by a demo clock\n"
    "  --help, --version\n"
    "\n"
    "Both daemons log to stderr, tell systemd when they are ready, answer /healthz and\n"
    "/metrics where `status` says, and drain on SIGTERM.\n"
    "Exit codes: 0 done, 1 internal error, 2 usage, 3 bad input, 4 refused, 5 not now (try\n"
    "again), 6 not permitted.\n";

static int complain(const cor_error *err) {
  const cor_refusal *r = cor_refusal_of(err->code);
  fprintf(stderr, "corridor-broker: %s: %s%s%s\n", r->name, err->path, err->path[0] ? ": " : "", err->detail);
  return r->exit ? r->exit : 1;
}

static cor_clock *open_clock(const options *o, cor_error *err) {
  return o->demo_clock ? cor_clock_demo(o->demo_clock, err) : cor_clock_system();
}

static int run_daemon(const options *o, int (*run)(const char *, bool), const cor_config_row *rows,
                      size_t n) {
  if (o->sample) {
    cor_config_sample(stdout, rows, n);
    return 0;
  }
  if (!o->config) {
    fprintf(stderr, "corridor-broker: --config FILE is needed\n");
    return 2;
  }
  return run(o->config, o->check);
}

static int verb_door(const options *o) {
  size_t n;
  const cor_config_row *rows = door_config_rows(&n);
  return run_daemon(o, door_run, rows, n);
}

static int verb_core(const options *o) {
  size_t n;
  const cor_config_row *rows = core_config_rows(&n);
  return run_daemon(o, core_run, rows, n);
}

static int verb_migrate(const options *o) {
  cor_error err = {0};
  if (!o->db || o->n_words != 1) return 2;
  cor_clock *clock = open_clock(o, &err);
  bool ok = clock && migrate_run(o->db, o->sql ? o->sql : CORRIDOR_DATADIR "/sql", clock, &err);
  cor_clock_destroy(&clock);
  return ok ? 0 : complain(&err);
}

static bool import_file(const options *o, cor_clock *clock, db *conn, cor_error *err) {
  cor_buf list = {0};
  X509 *ca = cor_cert_from_pem_file(o->ca, err);
  bool ok = ca && cor_file_read(o->words[2], COR_CARDS_MAX, false, &list, err) &&
            registry_import(conn, cor_buf_view(&list), ca, cor_clock_now(clock), err);
  cor_buf_clear(&list);
  X509_free(ca);
  return ok;
}

static int with_database(const options *o, bool (*act)(const options *, cor_clock *, db *, cor_error *),
                         const char *done) {
  cor_error err = {0};
  cor_clock *clock = open_clock(o, &err);
  if (!clock) return complain(&err);
  cor_log *log = cor_log_new("corridor-broker", clock, COR_WARN);
  db *conn = db_new(o->db, log);
  bool ok = act(o, clock, conn, &err);
  db_destroy(&conn);
  cor_log_destroy(&log);
  cor_clock_destroy(&clock);
  if (!ok) return complain(&err);
  puts(done);
  return 0;
}

static int verb_cards(const options *o) {
  if (o->n_words != 3 || strcmp(o->words[1], "import") != 0 || !o->db || !o->ca) return 2;
  return with_database(o, import_file, "card list imported; brokers follow within a second");
}

static bool suspend_office(const options *o, cor_clock *clock, db *conn, cor_error *err) {
  return registry_suspend(conn, o->words[1], cor_clock_now(clock), err);
}

static int verb_suspend(const options *o) {
  if (o->n_words != 2 || !o->db) return 2;
  return with_database(o, suspend_office, "suspended; only a new card list from the CA lifts it");
}

static const struct {
  const char *name;
  int (*run)(const options *);
} verbs[] = {
    {"door", verb_door},   {"core", verb_core},       {"migrate", verb_migrate},
    {"cards", verb_cards}, {"suspend", verb_suspend},
};

/* 0 = go on; else exit with *code. */
static bool parse(int argc, char **argv, options *o, int *code) {
  static const struct option longs[] = {
      {"config", required_argument, NULL, 'c'},     {"check-config", no_argument, NULL, 'k'},
      {"sample-config", no_argument, NULL, 's'},    {"db", required_argument, NULL, 'd'},
      {"sql", required_argument, NULL, 'q'},        {"ca", required_argument, NULL, 'a'},
      {"demo-clock", required_argument, NULL, 't'}, {"help", no_argument, NULL, 'h'},
      {"version", no_argument, NULL, 'v'},          {0}};
  int option;
  while ((option = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
    switch (option) {
    case 'c': o->config = optarg; break;
    case 'k': o->check = true; break;
    case 's': o->sample = true; break;
    case 'd': o->db = optarg; break;
    case 'q': o->sql = optarg; break;
    case 'a': o->ca = optarg; break;
    case 't': o->demo_clock = optarg; break;
    case 'h':
      fputs(usage, stdout);
      *code = 0;
      return false;
    case 'v':
      puts("corridor-broker " CORRIDOR_VERSION);
      *code = 0;
      return false;
    default: *code = 2; return false;
    }
  }
  while (optind < argc && o->n_words < 4)
    o->words[o->n_words++] = argv[optind++];
  return true;
}

int main(int argc, char **argv) {
  options o = {0};
  int code = 2;
  if (!parse(argc, argv, &o, &code)) return code;
  for (size_t i = 0; o.n_words && i < sizeof verbs / sizeof *verbs; i++)
    if (strcmp(verbs[i].name, o.words[0]) == 0) code = verbs[i].run(&o);
  if (code == 2) fprintf(stderr, "corridor-broker: that is not one of these:\n\n%s", usage);
  return code;
}
