/* queue.c - the heads of the offices' queues.
 *
 * For: claim.c. Guarantees: as many and as large as each office has room for; one of
 * any size for an office with nothing in flight; everyone's first before anyone's
 * second, so that no office starves another; at most one unreceipted message per
 * (recipient, handle), overtaking lane excepted; of parts of attachments one for each
 * recipient, beside all else and after it, so that on a slow line nothing waits for
 * more than that. A look begins where the queue began
 * of late: while somebody holds an old snapshot (a dump of the database), the index
 * keeps every delivery that has left, and reading past all of them in each look costs
 * more with each that leaves. What may lie further back (an offer that was held,
 * another broker's) is found by a look from the beginning: after a commit that
 * released it here, else in the next sweep. Trusts rows the core itself wrote. */
#include "queue.h"
#include "corridor/refusal.h"
#include "registry.h"
#include "session.h"
#include <string.h>

enum { BYTES_MAX = 16 * 1024 * 1024, PER_OFFICE = 64 };
/* Numbers are given before they are committed: so far behind the head of a queue
 * something may still appear. */
enum { NUMBERS_UNDERWAY = 2048 };

/* Lowest lane that may leave for the office now. Under an expired card list, and
 * for a suspended office, only the hub's own notices, which overtake: the rest
 * waits, for a suspension may be lifted again. */
static int lowest_lane(core *c, const char *office, int64_t now) {
  return cor_cards_expired(c->cards, now) || registry_standing(c, office, now) != COR_OK;
}

/* An office's live deliveries of a lane, from a number on. sequence + 0: as the index
 * delivery_waiting has it, and no other. */
#define LIVE(lane, from)                                                                                     \
  " FROM corridor.delivery q WHERE q.recipient = w.office AND q.lane = " lane                                \
  " AND q.state IN (1, 2) AND (q.sequence + 0) >= w." from
#define FIRST(limit) " ORDER BY (q.sequence + 0) LIMIT " limit ")"
/* One at a time of a (recipient, handle). OFFSET 0: asked for each row by its key, never
 * joined over all that waits for the office. */
#define ITS_TURN                                                                                             \
  " AND NOT EXISTS (SELECT FROM corridor.delivery b WHERE b.recipient = q.recipient"                         \
  " AND b.handle = q.handle AND b.lane = 0 AND b.state IN (1, 2)"                                            \
  " AND (b.sequence < q.sequence OR b.state = 2) OFFSET 0)"
#define NO_PART_AWAY                                                                                         \
  " AND NOT EXISTS (SELECT FROM corridor.delivery b WHERE b.recipient = w.office"                            \
  " AND b.lane = -1 AND b.state = 2 OFFSET 0)"
#define OVERTAKING "(SELECT *" LIVE("1", "from_1") " AND q.state = 1" FIRST("w.room")
#define IN_ORDER "(SELECT *" LIVE("0", "from_0") " AND q.state = 1 AND w.lane = 0" ITS_TURN FIRST("w.room")
#define PART "(SELECT *" LIVE("-1", "from_part") " AND q.state = 1 AND w.lane = 0" NO_PART_AWAY FIRST("1")

static const char look_sql[] =
    "SELECT sequence, message_id, admitted_at, case_handle, header, cover, bytes, claims, connection FROM ("
    " SELECT *, sum(bytes) OVER turn AS together, row_number() OVER turn AS place FROM ("
    " SELECT d.sequence, d.message_id, d.admitted_at, d.case_handle, m.header, m.cover, d.claims,"
    "  octet_length(m.body) AS bytes, w.idle, w.bytes AS free, w.connection, row_number() OVER line AS nth,"
    "  sum(octet_length(m.body)) OVER line AS total"
    " FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::int[], $6::bigint[],"
    "  $7::bool[], $8::smallint[], $9::bigint[])"
    "  AS w (office, from_part, from_0, from_1, room, bytes, idle, lane, connection),"
    " LATERAL (SELECT * FROM (" OVERTAKING " UNION ALL " IN_ORDER " UNION ALL " PART ") lanes LIMIT w.room) d"
    " JOIN corridor.message m ON m.message_id = d.message_id AND m.admitted_at = d.admitted_at"
    " WHERE m.body IS NOT NULL"
    " WINDOW line AS (PARTITION BY w.office ORDER BY d.lane DESC, d.sequence)) found"
    " WHERE total <= free OR (nth = 1 AND idle)"
    " WINDOW turn AS (ORDER BY nth, sequence)) fair"
    " WHERE place <= $10 AND (together <= $11 OR place = 1) ORDER BY sequence";

#define HEAD(lane, from) "coalesce((SELECT q.sequence" LIVE(lane, from) FIRST("1") ", top.number)"
#define HEADS HEAD("-1", "from_part") ", " HEAD("0", "from_0") ", " HEAD("1", "from_1")
/* Of an empty lane the newest number there is. */
static const char heads_sql[] =
    "SELECT w.connection, " HEADS
    " FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])"
    " AS w (office, from_part, from_0, from_1, connection),"
    " (SELECT max(sequence) AS number FROM corridor.delivery) top";

/* ---- which queues, and from where ---- */

typedef struct queues {
  db_array *office, *from[SESSION_LANES];
} queues;

static queues list_queues(db_args *args) {
  queues list = {.office = db_list(args, DB_TEXT)};
  for (int i = 0; i < SESSION_LANES; i++)
    list.from[i] = db_list(args, DB_I64);
  return list;
}

static void add_queue(const queues *list, const session *s, bool whole) {
  db_add_text(list->office, s->office);
  for (int i = 0; i < SESSION_LANES; i++)
    db_add_i64(list->from[i], whole ? 0 : s->look_from[i]);
}

/* False: nobody has room. */
static bool ask_offices(core *c, bool sweep, db_args *args) {
  int64_t now = core_gate_time(c);
  const queues list = list_queues(args);
  db_array *room = db_list(args, DB_I32), *bytes = db_list(args, DB_I64), *idle = db_list(args, DB_BOOL);
  db_array *lane = db_list(args, DB_I16), *connection = db_list(args, DB_I64);
  pthread_mutex_lock(&c->sessions->lock);
  for (size_t i = 0; i < c->sessions->n; i++) {
    session *s = &c->sessions->list[i];
    if (!s->open || (!s->due && !sweep)) continue;
    s->due = false;
    if (s->in_flight >= s->window || s->in_flight_bytes >= s->window_bytes) continue;
    if (s->look_back) { /* till the heads are read again, when something has left */
      memset(s->look_from, 0, sizeof s->look_from);
      s->look_n = 0;
      s->look_back = false;
    }
    uint32_t free_slots = s->window - s->in_flight;
    add_queue(&list, s, sweep);
    db_add_i64(room, free_slots < PER_OFFICE ? free_slots : PER_OFFICE);
    db_add_i64(bytes, (int64_t)(s->window_bytes - s->in_flight_bytes));
    db_add_i64(idle, s->in_flight == 0);
    db_add_i64(lane, lowest_lane(c, s->office, now));
    db_add_i64(connection, (int64_t)s->connection);
  }
  pthread_mutex_unlock(&c->sessions->lock);
  db_i32(args, QUEUE_LOOK_MAX);
  db_i64(args, BYTES_MAX);
  return list.office->count > 0;
}

/* No room for one more, which may be anybody's. */
static bool is_full(const PGresult *r) {
  int64_t bytes = 0;
  for (int row = 0; row < PQntuples(r); row++)
    bytes += db_get_int(r, row, 6);
  return PQntuples(r) == QUEUE_LOOK_MAX || bytes + COR_BODY_MAX > BYTES_MAX;
}

bool queue_look(core *c, bool sweep, PGresult **out) {
  db_args args = {0};
  *out = NULL;
  if (!ask_offices(c, sweep, &args)) {
    db_args_clear(&args);
    return true;
  }
  *out = db_run(c->db, look_sql, &args);
  if (!*out) return false;
  if (is_full(*out)) sessions_due_all(c->sessions); /* some may have been left out */
  return true;
}

/* ---- heads ---- */

static bool ask_heads(core *c, db_args *args) {
  const queues list = list_queues(args);
  db_array *connection = db_list(args, DB_I64);
  pthread_mutex_lock(&c->sessions->lock);
  for (size_t i = 0; i < c->sessions->n; i++) {
    session *s = &c->sessions->list[i];
    if (!s->open || s->look_n == s->delivered_n) continue;
    s->look_n = s->delivered_n;
    add_queue(&list, s, false);
    db_add_i64(connection, (int64_t)s->connection);
  }
  pthread_mutex_unlock(&c->sessions->lock);
  return list.office->count > 0;
}

bool queue_heads(core *c) {
  db_args args = {0};
  if (!ask_heads(c, &args)) {
    db_args_clear(&args);
    return true;
  }
  PGresult *r = db_run(c->db, heads_sql, &args);
  pthread_mutex_lock(&c->sessions->lock);
  for (int row = 0; r && row < PQntuples(r); row++) {
    session *s = session_find(c->sessions, (uint64_t)db_get_int(r, row, 0));
    /* Released meanwhile: the next look begins at the beginning. */
    for (int i = 0; s && !s->look_back && i < SESSION_LANES; i++) {
      const int64_t head = db_get_int(r, row, 1 + i) - NUMBERS_UNDERWAY;
      if (head > s->look_from[i]) s->look_from[i] = head;
    }
  }
  pthread_mutex_unlock(&c->sessions->lock);
  PQclear(r);
  return r != NULL;
}
