/* core_state.c - what a core owns, from its keys to its connection.
 *
 * For: core.c, and the tests that run a core without its door. Guarantees: after
 * a failed core_open core_close still frees everything; nothing here touches the
 * network. Fatal: running out of memory. */
#include "conveyor.h"
#include "core.h"
#include "deliverer.h"
#include "corridor/ca.h"
#include "corridor/id.h"
#include "corridor/refusal.h"
#include "doorway.h"
#include "quota.h"
#include "registry.h"
#include "session.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REMEMBERED_ROOTS = 64 };

static const cor_metric metric_rows[CORE_METRICS] = {
    [CORE_ADMITTED] = {"corridor_core_admitted_total", "messages admitted", true, 0},
    [CORE_REFUSED] = {"corridor_core_refused_total", "messages refused", true, 0},
    [CORE_DUPLICATES] = {"corridor_core_duplicates_total", "messages sent again", true, 0},
    [CORE_CLAIMED] = {"corridor_core_claimed_total", "claims sent", true, 0},
    [CORE_STOPPED] = {"corridor_core_stopped_total", "deliveries stopped", true, 0},
    [CORE_DELIVERED] = {"corridor_core_delivered_total", "deliveries receipted", true, 0},
    [CORE_BATCHES] = {"corridor_core_batches_total", "admission transactions", true, 0},
    [CORE_SESSIONS] = {"corridor_core_sessions", "offices connected", false, 0},
    [CORE_DATABASE_ERRORS] = {"corridor_core_database_errors_total", "failed transactions", true, 0},
    [CORE_LOG_RECORDS] = {"corridor_core_log_records_total", "log records written", true, 0},
    [CORE_UNPROVEN_WITHDRAWALS] = {"corridor_core_unproven_withdrawals_total",
                                   "withdrawals without proof beyond an office's 30 in 24 hours", true, 0},
};

bool core_open(core *c, const char *office_dir, const char *conninfo, cor_error *err) {
  char path[512];
  uint8_t name[8];
  c->metrics = calloc(CORE_METRICS, sizeof *c->metrics);
  if (!c->metrics) abort();
  memcpy(c->metrics, metric_rows, sizeof metric_rows);
  c->memory = cor_sign_memory_new(REMEMBERED_ROOTS);
  c->registry = registry_new();
  c->sessions = sessions_new();
  c->refusals = quota_new();
  c->gate_epoch = -1;
  c->db = db_new(conninfo, c->log);
  cor_random(name, sizeof name);
  snprintf(c->broker, sizeof c->broker, "core-");
  cor_hex((cor_bytes){name, sizeof name}, c->broker + 5, sizeof c->broker - 5);
  snprintf(path, sizeof path, "%s/ca.crt", office_dir);
  if (!c->ca) c->ca = cor_cert_from_pem_file(path, err);
  if (!c->ca || !cor_office_load(office_dir, &c->hub, err)) return false;
  return c->hub.role == COR_ROLE(HUB) ||
         cor_fail(err, COR_BAD_INPUT, "office_dir", "%s is not the hub's key directory", office_dir);
}

void core_close(core *c) {
  cor_status_stop(&c->status);
  deliverer_stop(&c->deliverer); /* these two before all that they borrow */
  conveyor_stop(&c->conveyor);
  doorway_destroy(&c->doorway);
  db_destroy(&c->db);
  sessions_destroy(&c->sessions);
  quota_destroy(&c->refusals);
  cor_sign_memory_destroy(&c->memory);
  cor_cards_destroy(&c->cards);
  registry_destroy(&c->registry);
  cor_office_clear(&c->hub);
  X509_free(c->ca);
  free(c->metrics);
  free(c->waiting);
  cor_log_destroy(&c->log);
  cor_clock_destroy(&c->clock);
  cor_config_destroy(&c->config);
}

int32_t core_month(int64_t now) {
  return cor_day_of(now, 0) / 28;
}

bool core_prepare(core *c) {
  int32_t month = core_month(core_gate_time(c));
  if (month == c->partition_month && c->highest_committed != 0) return true;
  PGresult *r = db_run(c->db, "SELECT coalesce(max(committed_at), 1) FROM corridor.gate_time", NULL);
  if (!r) return false;
  int64_t committed = db_get_int(r, 0, 0);
  PQclear(r);
  if (committed > c->highest_committed) c->highest_committed = committed;
  db_args args = {0};
  db_i64(&args, core_gate_time(c));
  if (!db_do(c->db, "SELECT corridor.ensure_partitions($1)", &args)) return false;
  c->partition_month = core_month(core_gate_time(c));
  return true;
}

void core_waiting(core *c, const char *office, bool older) {
  const core_waiter *last = c->n_waiting > 0 ? &c->waiting[c->n_waiting - 1] : NULL;
  if (last && !older && strcmp(last->office, office) == 0) return;
  if (c->n_waiting == c->cap_waiting) {
    c->cap_waiting = c->cap_waiting ? c->cap_waiting * 2 : 64;
    c->waiting = realloc(c->waiting, c->cap_waiting * sizeof *c->waiting);
    if (!c->waiting) abort();
  }
  core_waiter *one = &c->waiting[c->n_waiting++];
  one->older = older;
  snprintf(one->office, sizeof one->office, "%s", office);
}
