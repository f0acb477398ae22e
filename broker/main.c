/* main.c - corridor-broker: the door, the core, and the hub's few commands.
 *
 * For: running one verb and saying how it ended. The words of the command line
 * are usage.c's. Guarantees: nothing is done before the words were checked. Exit
 * codes are the refusal table's, 2 for wrong usage. */
#include "core.h"
#include "corridor/ca.h"
#include "corridor/refusal.h"
#include "door.h"
#include "migrate.h"
#include "registry.h"
#include "usage.h"
#include <stdio.h>
#include <string.h>

static int complain(const cor_error *err) {
  const cor_refusal *r = cor_refusal_of(err->code);
  fprintf(stderr, "corridor-broker: %s: %s%s%s\n", r->name, err->path, err->path[0] ? ": " : "", err->detail);
  return r->exit ? r->exit : 1;
}

static cor_clock *open_clock(const usage_given *o, cor_error *err) {
  return o->of[USAGE_CLOCK] ? cor_clock_demo(o->of[USAGE_CLOCK], err) : cor_clock_system();
}

static int run_daemon(const usage_given *o, int (*run)(const char *, bool), const cor_config_row *rows,
                      size_t n) {
  if (o->of[USAGE_SAMPLE]) {
    cor_config_sample(stdout, rows, n);
    return 0;
  }
  if (!o->of[USAGE_CONFIG]) {
    fprintf(stderr, "corridor-broker: --config FILE is needed\n");
    return 2;
  }
  return run(o->of[USAGE_CONFIG], o->of[USAGE_CHECK] != NULL);
}

static int verb_door(const usage_given *o) {
  size_t n;
  const cor_config_row *rows = door_config_rows(&n);
  return run_daemon(o, door_run, rows, n);
}

static int verb_core(const usage_given *o) {
  size_t n;
  const cor_config_row *rows = core_config_rows(&n);
  return run_daemon(o, core_run, rows, n);
}

static int verb_migrate(const usage_given *o) {
  cor_error err = {0};
  const char *sql = o->of[USAGE_SQL] ? o->of[USAGE_SQL] : CORRIDOR_DATADIR "/sql";
  cor_clock *clock = open_clock(o, &err);
  bool ok = clock && migrate_run(o->of[USAGE_DB], sql, clock, &err);
  cor_clock_destroy(&clock);
  return ok ? 0 : complain(&err);
}

static bool import_file(const usage_given *o, cor_clock *clock, db *conn, cor_error *err) {
  cor_buf list = {0};
  X509 *ca = cor_cert_from_pem_file(o->of[USAGE_CA], err);
  bool ok = ca && cor_file_read(o->operand, COR_CARDS_MAX, false, &list, err) &&
            registry_import(conn, cor_buf_view(&list), ca, cor_clock_now(clock), err);
  cor_buf_clear(&list);
  X509_free(ca);
  return ok;
}

static int with_database(const usage_given *o,
                         bool (*act)(const usage_given *, cor_clock *, db *, cor_error *), const char *done) {
  cor_error err = {0};
  cor_clock *clock = open_clock(o, &err);
  if (!clock) return complain(&err);
  cor_log *log = cor_log_new("corridor-broker", clock, COR_WARN);
  db *conn = db_new(o->of[USAGE_DB], log);
  bool ok = act(o, clock, conn, &err);
  db_destroy(&conn);
  cor_log_destroy(&log);
  cor_clock_destroy(&clock);
  if (!ok) return complain(&err);
  puts(done);
  return 0;
}

static int verb_cards_import(const usage_given *o) {
  return with_database(o, import_file, "card list imported; brokers follow within a second");
}

static bool suspend_office(const usage_given *o, cor_clock *clock, db *conn, cor_error *err) {
  return registry_suspend(conn, o->operand, cor_clock_now(clock), err);
}

static int verb_suspend(const usage_given *o) {
  return with_database(o, suspend_office, "suspended; only a new card list from the CA lifts it");
}

#define DAEMON_OPTIONS (USAGE_BIT(USAGE_CONFIG) | USAGE_BIT(USAGE_CHECK) | USAGE_BIT(USAGE_SAMPLE))
#define DATABASE_OPTIONS (USAGE_BIT(USAGE_DB) | USAGE_BIT(USAGE_CLOCK))
#define DAEMON_HELP                                                                                          \
  "Runs in the foreground, logs to standard error, tells systemd when it is ready, answers\n"                \
  "/healthz and /metrics where the option status says, and drains on SIGTERM.\n"

static const usage_verb verbs[] = {
    {"door", NULL, DAEMON_OPTIONS, 0, "the process that faces the network",
     DAEMON_HELP "It holds no database connection and no signing key, and may be restarted at any moment.\n\n"
                 "example: corridor-broker door --config /etc/corridor/door.conf",
     verb_door},
    {"core", NULL, DAEMON_OPTIONS, 0, "gate, database, receipts",
     DAEMON_HELP "What it has receipted survives its end; restart it at any moment.\n\n"
                 "example: corridor-broker core --config /etc/corridor/core.conf",
     verb_core},
    {"migrate", NULL, DATABASE_OPTIONS | USAGE_BIT(USAGE_SQL), USAGE_BIT(USAGE_DB),
     "bring the database to the newest schema",
     "Connect as a role that may create roles. Each step is one transaction; run it again after a\n"
     "failure.\n\n"
     "example: corridor-broker migrate --db dbname=corridor",
     verb_migrate},
    {"cards import", "FILE", DATABASE_OPTIONS | USAGE_BIT(USAGE_CA),
     USAGE_BIT(USAGE_DB) | USAGE_BIT(USAGE_CA), "take over a card list that the CA signed",
     "FILE is the cardlist that `corridor ca publish` wrote. A list that is older than the one in\n"
     "force, or not signed by the CA, changes nothing. Brokers follow within a second.\n\n"
     "example: corridor-broker cards import cardlist --db dbname=corridor --ca ca.crt",
     verb_cards_import},
    {"suspend", "OFFICE", DATABASE_OPTIONS, USAGE_BIT(USAGE_DB), "suspend an office's card at once",
     "Nothing more is admitted from the office or released to it. Only a card list that the CA signed\n"
     "later lifts it.\n\n"
     "example: corridor-broker suspend ne-niamey --db dbname=corridor",
     verb_suspend},
    {NULL, NULL, 0, 0, NULL, NULL, NULL}};

int main(int argc, char **argv) {
  usage_given given = {0};
  const usage_verb *verb = NULL;
  if (!usage_read(argc, argv, &given)) return 2;
  if (given.of[USAGE_VERSION]) {
    puts("corridor-broker " CORRIDOR_VERSION);
    return 0;
  }
  if (given.n_words > 0) verb = usage_find(verbs, &given);
  if (given.of[USAGE_HELP] && (verb || given.n_words == 0)) {
    if (verb)
      usage_print_verb(stdout, verb);
    else
      usage_print(stdout, verbs);
    return 0;
  }
  if (!verb) {
    if (given.n_words > 0) fprintf(stderr, "corridor-broker: no such verb: %.40s\n\n", given.words[0]);
    usage_print(stderr, verbs);
    return 2;
  }
  return usage_fits(verb, &given) ? verb->run(&given) : 2;
}
