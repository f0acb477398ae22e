/* session.c - offices connected through the door.
 *
 * For: handshake, fencing, credit. Guarantees: at most one open session per
 * office (the newest, by an epoch in the database); a store that went backwards
 * is quarantined: what it may lack is queued again, erasures and withdrawals
 * first (replay.c), and an alarm is raised. Sessions are memory only: a core that
 * restarts has none, and the door cuts everyone at its new generation. */
#include "session.h"
#include "deliverer.h"
#include "corridor/frames.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "doorway.h"
#include "registry.h"
#include "replay.h"
#include <stdlib.h>
#include <string.h>

struct sessions *sessions_new(void) {
  struct sessions *all = calloc(1, sizeof *all);
  if (!all || !(all->list = calloc(SESSIONS_MAX, sizeof *all->list))) abort();
  pthread_mutex_init(&all->lock, NULL);
  return all;
}

void sessions_destroy(struct sessions **all) {
  if (!*all) return;
  pthread_mutex_destroy(&(*all)->lock);
  free((*all)->list);
  free(*all);
  *all = NULL;
}

/* ---- the index: places in the list, plus one; 0 = free ---- */

static size_t place_of_office(const char *office) {
  uint32_t h = 2166136261u; /* FNV-1a */
  for (; *office; office++)
    h = (h ^ (uint8_t)*office) * 16777619u;
  return h % SESSION_PLACES;
}

static size_t place_of_connection(uint64_t connection) {
  return (size_t)(connection * UINT64_C(0x9e3779b97f4a7c15) >> 32) % SESSION_PLACES;
}

static void put(uint16_t *index, size_t place, size_t at) {
  while (index[place])
    place = (place + 1) % SESSION_PLACES;
  index[place] = (uint16_t)(at + 1);
}

/* Sessions come and go seldom, and are looked up for every mail. */
static void reindex(struct sessions *all) {
  memset(all->by_office, 0, sizeof all->by_office);
  memset(all->by_connection, 0, sizeof all->by_connection);
  for (size_t i = 0; i < all->n; i++) {
    put(all->by_office, place_of_office(all->list[i].office), i);
    put(all->by_connection, place_of_connection(all->list[i].connection), i);
  }
}

session *session_find(struct sessions *all, uint64_t connection) {
  for (size_t at = place_of_connection(connection); all->by_connection[at]; at = (at + 1) % SESSION_PLACES) {
    session *s = &all->list[all->by_connection[at] - 1];
    if (s->connection == connection) return s;
  }
  return NULL;
}

session *session_of(struct sessions *all, const char *office) {
  for (size_t at = place_of_office(office); all->by_office[at]; at = (at + 1) % SESSION_PLACES) {
    session *s = &all->list[all->by_office[at] - 1];
    if (s->open && strcmp(s->office, office) == 0) return s;
  }
  return NULL;
}

session *session_add(struct sessions *all, uint64_t connection, const char *office) {
  if (all->n == SESSIONS_MAX) return NULL;
  pthread_mutex_lock(&all->lock);
  session *s = &all->list[all->n++];
  *s = (session){.connection = connection};
  snprintf(s->office, sizeof s->office, "%s", office);
  reindex(all);
  pthread_mutex_unlock(&all->lock);
  return s;
}

void session_remove(struct sessions *all, uint64_t connection) {
  pthread_mutex_lock(&all->lock);
  session *s = session_find(all, connection);
  if (s) *s = all->list[--all->n];
  if (s) reindex(all);
  pthread_mutex_unlock(&all->lock);
}

void sessions_clear(struct sessions *all) {
  pthread_mutex_lock(&all->lock);
  all->n = 0;
  reindex(all);
  pthread_mutex_unlock(&all->lock);
}

static void landed(session *s, uint64_t bytes) {
  if (!s) return;
  s->due = true; /* what waited behind it may leave */
  if (s->in_flight == 0) return;
  s->in_flight--;
  /* What was never counted (a send that failed) frees no more than there is. */
  s->in_flight_bytes = s->in_flight && bytes < s->in_flight_bytes ? s->in_flight_bytes - bytes : 0;
}

void session_landed(struct sessions *all, const char *office, uint64_t bytes) {
  pthread_mutex_lock(&all->lock);
  landed(session_of(all, office), bytes);
  pthread_mutex_unlock(&all->lock);
}

void sessions_due_all(struct sessions *all) {
  pthread_mutex_lock(&all->lock);
  for (size_t i = 0; i < all->n; i++)
    all->list[i].due = true;
  pthread_mutex_unlock(&all->lock);
}

void session_due(struct sessions *all, const core_waiter *waiters, size_t n) {
  pthread_mutex_lock(&all->lock);
  for (size_t i = 0; i < n; i++) {
    session *s = session_of(all, waiters[i].office);
    if (!s) continue;
    s->due = true;
    s->look_back |= waiters[i].older;
  }
  pthread_mutex_unlock(&all->lock);
}

void session_bye(core *c, uint64_t connection, int code) {
  session *s = session_find(c->sessions, connection);
  Corridor__V1__Bye bye = CORRIDOR__V1__BYE__INIT;
  bye.code = (uint32_t)code;
  bye.retry = cor_refusal_of(code)->retry;
  COR_LOG(c->log, COR_INFO, "session-ends", COR_WORD("office", s ? s->office : "-"), COR_CODE(code));
  (void)doorway_send(c->doorway, connection, COR_BYE, &bye.base, (cor_bytes){0});
  doorway_cut(c->doorway, connection, code);
  session_remove(c->sessions, connection);
}

void session_send_cards(core *c, session *s) {
  s->cards_due = c->cards &&
                 !doorway_send_raw(c->doorway, s->connection, COR_CARDS, cor_cards_signed(c->cards));
}

void session_tell_door(core *c) {
  c->keys_told = doorway_keys(c->doorway, c->cards, core_gate_time(c)); /* else told again */
}

bool session_follow_cards(core *c) {
  bool changed;
  if (!registry_refresh(c, &changed)) return false;
  if (changed || !c->keys_told) session_tell_door(c);
  for (size_t i = 0; changed && i < c->sessions->n; i++)
    c->sessions->list[i].cards_due = c->sessions->list[i].open;
  return true;
}

void session_send_due_cards(core *c) {
  for (size_t i = 0; i < c->sessions->n && doorway_has_room(c->doorway); i++) {
    session *s = &c->sessions->list[i];
    if (s->cards_due) session_send_cards(c, s);
  }
}

typedef struct store_state {
  int64_t epoch; /* of the session */
  bool regressed;
} store_state;

/* Fences older sessions and gives back what they had claimed. */
static bool open_in_database(core *c, const session *s, const Corridor__V1__Hello *hello, int64_t now,
                             store_state *out) {
  bool ok = false;
  PGresult *old = NULL, *fresh = NULL;
  db_args args = {0};
  if (!db_begin(c->db)) return false;
  db_text(&args, s->office);
  old = db_run(c->db, "SELECT store_epoch, sequence FROM corridor.agent_store WHERE office = $1 FOR UPDATE",
               &args);
  if (!old) goto out;
  int64_t told = (int64_t)hello->store_sequence, known = PQntuples(old) ? db_get_int(old, 0, 1) : 0;
  bool same = PQntuples(old) && cor_bytes_equal(db_get_bytes(old, 0, 0),
                                                (cor_bytes){hello->store_epoch.data, hello->store_epoch.len});
  out->regressed = PQntuples(old) && (same ? told < known : known > 0);
  db_text(&args, s->office);
  db_bytes(&args, (cor_bytes){hello->store_epoch.data, hello->store_epoch.len});
  db_i64(&args, told);
  db_i64(&args, now);
  fresh = db_run(
      c->db,
      "INSERT INTO corridor.agent_store AS a VALUES ($1, $2, $3, 1, $4) ON CONFLICT (office) DO UPDATE SET"
      " store_epoch = $2, sequence = $3, session_epoch = a.session_epoch + 1, connected_at = $4"
      " RETURNING session_epoch",
      &args);
  if (!fresh || (out->regressed && !replay_queue(c, s->office, told, now))) goto out;
  out->epoch = db_get_int(fresh, 0, 0);
  db_text(&args, s->office);
  ok = db_do(c->db,
             "UPDATE corridor.delivery SET state = 1, lease_until = NULL WHERE recipient = $1 AND state = 2",
             &args) &&
       db_commit(c->db);
out:
  db_args_clear(&args);
  PQclear(old);
  PQclear(fresh);
  if (!ok) db_rollback(c->db);
  return ok;
}

static int hello_code(core *c, const session *s, const Corridor__V1__Hello *hello, int64_t now) {
  bool version = false;
  for (size_t i = 0; i < hello->n_versions; i++)
    version |= hello->versions[i] == COR_PROTOCOL;
  if (!version) return COR_UNSUPPORTED_VERSION;
  if (strcmp(hello->office, s->office) != 0) return COR_NOT_YOUR_NAME;
  if (hello->store_epoch.len != COR_ID_LEN || hello->window_messages == 0 || hello->window_bytes == 0 ||
      strlen(hello->software) > 64)
    return COR_BAD_INPUT;
  int standing = registry_standing(c, s->office, now);
  return standing == COR_CARD_SUSPENDED ? COR_OK : standing; /* suspended: connected, but the gate refuses */
}

void session_hello(core *c, session *s, const Corridor__V1__Hello *hello) {
  int64_t now = core_gate_time(c);
  store_state store = {0};
  int code = c->draining ? COR_GOING_DOWN : hello_code(c, s, hello, now);
  if (code == COR_OK && (!db_ready(c->db) || !open_in_database(c, s, hello, now, &store)))
    code = COR_HUB_UNAVAILABLE;
  if (code != COR_OK) {
    session_bye(c, s->connection, code);
    return;
  }
  uint64_t connection = s->connection;
  session *older = session_of(c->sessions, s->office);
  if (older && older->connection != connection) session_bye(c, older->connection, COR_SESSION_FENCED);
  s = session_find(c->sessions, connection); /* removal moves sessions */
  pthread_mutex_lock(&c->sessions->lock);
  s->open = s->due = true;
  s->epoch = (uint64_t)store.epoch;
  s->quarantined = store.regressed;
  s->window = hello->window_messages < SESSION_WINDOW ? hello->window_messages : SESSION_WINDOW;
  s->window_bytes = hello->window_bytes < SESSION_DELIVERY_BYTES ? hello->window_bytes
                                                                 : SESSION_DELIVERY_BYTES;
  if (store.regressed)
    COR_LOG(c->log, COR_ALARM, "store-regressed", COR_WORD("office", s->office),
            COR_NUM("sequence", hello->store_sequence));
  Corridor__V1__Welcome welcome = CORRIDOR__V1__WELCOME__INIT;
  welcome.version = COR_PROTOCOL;
  welcome.hub = "hub";
  welcome.session_epoch = s->epoch;
  welcome.hub_time = now;
  welcome.card_list = c->cards ? cor_cards_number(c->cards) : 0;
  welcome.table_version = COR_SOP_VERSION;
  welcome.window_messages = SESSION_WINDOW;
  welcome.window_bytes = SESSION_WINDOW_BYTES;
  welcome.quarantined = store.regressed;
  (void)doorway_send(c->doorway, connection, COR_WELCOME, &welcome.base, (cor_bytes){0});
  if (hello->card_list != welcome.card_list) session_send_cards(c, s);
  pthread_mutex_unlock(&c->sessions->lock); /* WELCOME and CARDS come before any delivery */
  if (c->deliverer) deliverer_wake(c->deliverer);
  COR_LOG(c->log, COR_INFO, "session-open", COR_WORD("office", s->office), COR_NUM("epoch", s->epoch));
}
