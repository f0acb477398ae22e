/* bare.c - the same rows, without a hub around them.
 *
 * For: limits.c. What admission writes for a message is inserted; with updates,
 * one transaction a round also claims the batch before, receipts the batch
 * before that, and writes and later claims and receipts the hub's end notices,
 * each with its log record: as few commits as any hub could do with. Nothing is
 * read, judged, verified or sent, so no hub on this machine and schema commits
 * more. The tables are named here once, their columns nowhere (rows.c). Errors
 * are fatal. */
#include "bare.h"
#include "corridor/clock.h"
#include "die.h"
#include "rows.h"
#include <string.h>

enum { CONNECTIONS_MAX = 2, RECEIPT_BYTES = 320, IDS_APART = 4, LAG = 4, BUNDLE = 64 };

typedef enum kind {
  MESSAGE,
  DELIVERY,
  DEDUPE,
  STANDING,
  STEP,
  LEAF,
  RECORD,
  NOTICE,
  NOTICE_DELIVERY,
  KINDS
} kind;

/* What a delivery is when it has just been queued. */
#define QUEUED                                                                                               \
  "SELECT sequence, message_id, admitted_at, sender, recipient, handle, case_handle, lane,"                  \
  " 1::smallint AS state, expires_at, released_at FROM corridor.delivery"
#define NEWEST " ORDER BY admitted_at DESC LIMIT 256"

static const struct {
  const char *name, *table, *query, *after;
} what[KINDS] = {
    [MESSAGE] =
        {"message", "message",
         "SELECT * FROM corridor.message WHERE type = 10 AND octet_length(body) BETWEEN 4096 AND 8192" NEWEST,
         ""},
    [DELIVERY] = {"delivery", "delivery", QUEUED " WHERE sender <> 'hub'" NEWEST, ""},
    [DEDUPE] = {"dedupe", "dedupe", "SELECT * FROM corridor.dedupe" NEWEST, ""},
    [STANDING] = {"standing", "standing", "SELECT * FROM corridor.standing LIMIT 256",
                  "ON CONFLICT DO NOTHING"},
    [STEP] =
        {"step", "step", "SELECT * FROM corridor.step WHERE type = 10 LIMIT 256",
         "ON CONFLICT (handle, type, office) DO UPDATE SET outcome = excluded.outcome, at = excluded.at"},
    [LEAF] = {"leaf", "log_leaf", "SELECT * FROM corridor.log_leaf ORDER BY leaf_id DESC LIMIT 256", ""},
    [RECORD] = {"record", "log_record", "SELECT * FROM corridor.log_record ORDER BY leaf_id DESC LIMIT 256",
                ""},
    [NOTICE] = {"notice", "message", "SELECT * FROM corridor.message WHERE type IN (30, 33)" NEWEST, ""},
    [NOTICE_DELIVERY] = {"notice_delivery", "delivery", QUEUED " WHERE sender = 'hub'" NEWEST, ""},
};

static const char claim_sql[] =
    "UPDATE corridor.delivery d SET state = 2, claims = claims + 1, lease_until = 1, lease_broker = 'bench',"
    " first_claimed_at = d.admitted_at, claim_leaf = u.sequence FROM unnest($1::bigint[]) AS u (sequence)"
    " WHERE d.sequence = u.sequence";
static const char receipt_sql[] =
    "UPDATE corridor.delivery d SET state = 3, delivered_at = d.admitted_at, receipt = $2, lease_until = NULL"
    " FROM unnest($1::bigint[]) AS u (sequence) WHERE d.sequence = u.sequence";
static const char time_sql[] = "INSERT INTO corridor.gate_time VALUES ($1, 1) ON CONFLICT (broker) DO UPDATE"
                               " SET committed_at = corridor.gate_time.committed_at + 1";

typedef struct lane {
  PGconn *conn;
  char broker[24];
  uint64_t rounds;      /* since the start of the run */
  uint64_t at[LAG + 1]; /* first message number of this round and the rounds before */
  size_t waiting;       /* results of the round that is on its way */
  int64_t sent_us;
} lane;

struct bare {
  rows rows[KINDS];
  lane lanes[CONNECTIONS_MAX];
  uint64_t next_message, next_leaf;
};

/* ---- the tables ---- */

static void must_exec(PGconn *c, const char *sql) {
  PGresult *r = PQexec(c, sql);
  if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
    die(sql, PQerrorMessage(c));
  PQclear(r);
}

static PGconn *connect_to(const char *conninfo) {
  PGconn *c = PQconnectdb(conninfo);
  if (PQstatus(c) != CONNECTION_OK) die("database", PQerrorMessage(c));
  return c;
}

static void prepare(const bare *b, lane *l) {
  static const struct {
    const char *name, *sql;
  } more[] = {{"claim", claim_sql}, {"receipt", receipt_sql}, {"time", time_sql}};
  for (int k = 0; k < KINDS; k++)
    rows_prepare(&b->rows[k], l->conn);
  for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
    PGresult *r = PQprepare(l->conn, more[i].name, more[i].sql, 0, NULL);
    if (PQresultStatus(r) != PGRES_COMMAND_OK) die(more[i].name, PQerrorMessage(l->conn));
    PQclear(r);
  }
}

bare *bare_new(const char *hub_conninfo, const char *conninfo) {
  bare *b = must_have(1, sizeof *b);
  PGconn *hub = connect_to(hub_conninfo);
  for (int k = 0; k < KINDS; k++)
    rows_take(&b->rows[k], hub, what[k].name, what[k].table, what[k].query, what[k].after);
  PQfinish(hub);
  for (int i = 0; i < CONNECTIONS_MAX; i++) {
    snprintf(b->lanes[i].broker, sizeof b->lanes[i].broker, "bench-%d", i);
    b->lanes[i].conn = connect_to(conninfo);
    prepare(b, &b->lanes[i]);
  }
  return b;
}

void bare_destroy(bare **b) {
  for (int k = 0; k < KINDS; k++)
    rows_clear(&(*b)->rows[k]);
  for (int i = 0; i < CONNECTIONS_MAX; i++)
    PQfinish((*b)->lanes[i].conn);
  free(*b);
  *b = NULL;
}

static void empty(bare *b) {
  must_exec(b->lanes[0].conn,
            "TRUNCATE corridor.message, corridor.delivery, corridor.dedupe, corridor.standing, corridor.step,"
            " corridor.log_leaf, corridor.log_record");
  must_exec(b->lanes[0].conn, "CHECKPOINT");
  b->next_message = b->next_leaf = 0;
  for (int i = 0; i < CONNECTIONS_MAX; i++)
    b->lanes[i].rounds = 0;
}

/* ---- one round ---- */

/* Message m has sequence and id number 4 m, its notice 4 m + 1. */
static rows_part part_of(uint64_t first_message, size_t n, bool notice) {
  return (rows_part){first_message * IDS_APART + notice, IDS_APART, n};
}

static void send_insert(bare *b, lane *l, kind k, rows_part part, bool copy) {
  if (copy) {
    rows_copy(&b->rows[k], l->conn, part);
    PGresult *r = PQgetResult(l->conn);
    if (PQresultStatus(r) != PGRES_COMMAND_OK) die(what[k].name, PQerrorMessage(l->conn));
    PQclear(r);
    PQclear(PQgetResult(l->conn)); /* the end of its results */
    return;
  }
  rows_insert(&b->rows[k], l->conn, part);
  l->waiting++;
}

static void send_leaves(bare *b, lane *l, size_t n, bool copy) {
  const rows_part part = {b->next_leaf, 1, n};
  b->next_leaf += n;
  send_insert(b, l, LEAF, part, copy);
  send_insert(b, l, RECORD, part, copy);
}

/* An UPDATE of so many deliveries by their sequence numbers. */
static void send_update(lane *l, const char *name, rows_part part, bool with_receipt) {
  enum { HEAD = 20, EACH = 12 };
  static const char receipt[RECEIPT_BYTES] = {1};
  static const unsigned char head[HEAD - 8] = {[3] = 1, [11] = 20}; /* one dimension of int8 */
  const size_t len = HEAD + EACH * part.n;
  unsigned char *array = must_have(1, len);
  memcpy(array, head, sizeof head);
  array[14] = (unsigned char)(part.n >> 8);
  array[15] = (unsigned char)part.n;
  array[19] = 1; /* lower bound */
  for (size_t i = 0; i < part.n; i++) {
    const uint64_t sequence = part.first + part.step * i;
    unsigned char *at = array + HEAD + EACH * i;
    at[3] = 8;
    for (int k = 0; k < 8; k++)
      at[4 + k] = (unsigned char)(sequence >> 8 * (7 - k));
  }
  const char *values[] = {(char *)array, receipt};
  const int lengths[] = {(int)len, RECEIPT_BYTES}, formats[] = {1, 1};
  if (!PQsendQueryPrepared(l->conn, name, with_receipt ? 2 : 1, values, lengths, formats, 1))
    die(name, PQerrorMessage(l->conn));
  l->waiting++;
  free(array);
}

/* What the rounds before this one left to be done; at[i] is i rounds ago. The ends
 * of a batch are told in as few messages as any hub could: bundles of BUNDLE. */
static size_t send_updates(bare *b, lane *l, size_t n) {
  const size_t told = (n + BUNDLE - 1) / BUNDLE;
  size_t leaves = 0;
  if (l->rounds >= 1) send_update(l, "claim", part_of(l->at[1], n, false), false), leaves += n;
  if (l->rounds >= 2) {
    send_update(l, "receipt", part_of(l->at[2], n, false), true);
    send_insert(b, l, NOTICE, part_of(l->at[2], told, true), false);
    send_insert(b, l, NOTICE_DELIVERY, part_of(l->at[2], told, true), false);
    leaves += n;
  }
  if (l->rounds >= 3) send_update(l, "claim", part_of(l->at[3], told, true), false), leaves += told;
  if (l->rounds >= 4) send_update(l, "receipt", part_of(l->at[4], told, true), true), leaves += told;
  return leaves;
}

static void send_word(lane *l, const char *sql) {
  if (!PQsendQueryParams(l->conn, sql, 0, NULL, NULL, NULL, NULL, 1)) die(sql, PQerrorMessage(l->conn));
  l->waiting++;
}

static void send_round(bare *b, lane *l, bare_plan plan) {
  const bool copy = plan.way == BARE_COPY;
  const char *broker[] = {l->broker};
  const size_t n = plan.batch;
  l->sent_us = cor_clock_monotonic_us();
  memmove(l->at + 1, l->at, sizeof l->at - sizeof *l->at);
  l->at[0] = b->next_message;
  b->next_message += n;
  const rows_part part = part_of(l->at[0], n, false);
  if (copy) must_exec(l->conn, "BEGIN");
  for (kind k = MESSAGE; copy && k <= DEDUPE; k++)
    send_insert(b, l, k, part, true);
  if (copy) send_leaves(b, l, n, true);
  if (!PQenterPipelineMode(l->conn)) die("pipeline", PQerrorMessage(l->conn));
  if (!copy) send_word(l, "BEGIN");
  for (kind k = copy ? STANDING : MESSAGE; k <= STEP; k++)
    send_insert(b, l, k, k >= STANDING && n > b->rows[k].n ? (rows_part){0, 1, b->rows[k].n} : part, false);
  const size_t leaves = (copy ? 0 : n) + (plan.updates ? send_updates(b, l, n) : 0);
  if (leaves) send_leaves(b, l, leaves, false);
  if (!PQsendQueryPrepared(l->conn, "time", 1, broker, NULL, NULL, 1)) die("time", PQerrorMessage(l->conn));
  l->waiting++;
  send_word(l, "COMMIT");
  if (!PQpipelineSync(l->conn)) die("pipeline", PQerrorMessage(l->conn));
  l->rounds++;
}

/* Reads to the end of the round that is on its way. */
static void wait_round(lane *l, sample *latency) {
  for (bool synced = false; !synced;) {
    PGresult *r = PQgetResult(l->conn);
    const ExecStatusType status = PQresultStatus(r);
    if (r && status != PGRES_COMMAND_OK && status != PGRES_PIPELINE_SYNC)
      die("a statement of the bare loop", PQerrorMessage(l->conn));
    synced = r && status == PGRES_PIPELINE_SYNC;
    PQclear(r);
  }
  l->waiting = 0;
  sample_add(latency, cor_clock_monotonic_us() - l->sent_us);
  if (!PQexitPipelineMode(l->conn)) die("pipeline", PQerrorMessage(l->conn));
}

/* ---- a run ---- */

/* utime + stime of a backend, in microseconds. */
static int64_t backend_cpu(PGconn *c) {
  char path[64], text[1024];
  unsigned long user = 0, system = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", PQbackendPID(c));
  FILE *file = fopen(path, "r");
  const bool read = file && fgets(text, sizeof text, file);
  const char *after = read ? strrchr(text, ')') : NULL;
  if (after) (void)sscanf(after, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
  if (file) fclose(file);
  return (int64_t)(user + system) * 10000; /* a tick is 1/100 s on every Debian kernel */
}

static int64_t backends_cpu(const bare *b, size_t n) {
  int64_t sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += backend_cpu(b->lanes[i].conn);
  return sum;
}

void bare_run(bare *b, bare_plan plan, int64_t for_us, bare_result *out) {
  empty(b);
  out->messages = 0;
  out->latency.n = 0;
  const int64_t client = sample_cpu_us(), backend = backends_cpu(b, plan.connections);
  const int64_t begin = cor_clock_monotonic_us();
  for (size_t round = 0;; round++) {
    lane *l = &b->lanes[round % plan.connections];
    if (l->waiting) wait_round(l, &out->latency);
    if (cor_clock_monotonic_us() - begin >= for_us) break;
    send_round(b, l, plan);
    out->messages += plan.batch;
  }
  for (size_t i = 0; i < plan.connections; i++)
    if (b->lanes[i].waiting) wait_round(&b->lanes[i], &out->latency);
  out->took_us = cor_clock_monotonic_us() - begin;
  out->client_us = sample_cpu_us() - client;
  out->backend_us = backends_cpu(b, plan.connections) - backend;
}

void bare_run_one_row(bare *b, int64_t for_us, sample *latency) {
  lane *l = &b->lanes[0];
  empty(b);
  const int64_t begin = cor_clock_monotonic_us();
  for (uint64_t i = 0; cor_clock_monotonic_us() - begin < for_us; i++) {
    l->sent_us = cor_clock_monotonic_us();
    if (!PQenterPipelineMode(l->conn)) die("pipeline", PQerrorMessage(l->conn));
    send_insert(b, l, MESSAGE, part_of(i, 1, false), false); /* commits by itself at the sync */
    if (!PQpipelineSync(l->conn)) die("pipeline", PQerrorMessage(l->conn));
    wait_round(l, latency);
  }
}
