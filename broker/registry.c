/* registry.c - cards as the database holds them.
 *
 * For: bringing CA-signed card lists and the hub's own suspensions to every
 * broker at once. Guarantees: a list is stored only after the CA's signature and
 * every certificate verified, numbers only rise, and each change moves the gate
 * epoch under FOR UPDATE, which every batch holds FOR SHARE: after the change
 * commits nothing more is decided on the old list. Each change is a log record, and so
 * is each change of permissions, agreements and suspended regions (changes.c).
 * A process keeps one list, whichever of its threads loaded it. Trusts the CA
 * certificate it is given, not the database: a list read back is verified again. */
#include "registry.h"
#include "changes.h"
#include "conveyor.h"
#include "corridor/refusal.h"
#include "ledger.h"
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_PIECE = 64 * 1024 };

struct registry {
  pthread_mutex_t lock;
  cor_cards *cards; /* NULL until the database gave a list */
  int64_t epoch;    /* that list and these suspensions were read at */
};

static bool gone(cor_error *err, const char *what) {
  return cor_fail(err, COR_HUB_UNAVAILABLE, "db",
                  "the database did not take %s; nothing was changed, try again", what);
}

static bool store_offices(db *conn, const Corridor__V1__CardList *list) {
  db_args args = {0};
  db_array *id = db_list(&args, DB_TEXT), *role = db_list(&args, DB_I16), *country = db_list(&args, DB_TEXT);
  db_array *name = db_list(&args, DB_TEXT), *state = db_list(&args, DB_I16);
  for (size_t i = 0; i < list->n_cards; i++) {
    db_add_text(id, list->cards[i]->office);
    db_add_i64(role, list->cards[i]->role);
    db_add_text(country, list->cards[i]->country);
    db_add_text(name, list->cards[i]->name);
    db_add_i64(state, list->cards[i]->state);
  }
  db_i64(&args, list->issued_at); /* a list signed before the hub suspended does not lift it */
  return db_do(
      conn,
      "INSERT INTO corridor.office (id, role, country, name, state)"
      " SELECT * FROM unnest($1::text[], $2::smallint[], $3::text[], $4::text[], $5::smallint[])"
      " ON CONFLICT (id) DO UPDATE SET role = excluded.role, country = excluded.country,"
      "  name = excluded.name, state = excluded.state,"
      "  suspended_at = CASE WHEN corridor.office.suspended_at > $6 THEN corridor.office.suspended_at END",
      &args);
}

/* One record per change of the registry; offices of a list are in the list. */
static bool log_change(db *conn, const char *office, uint64_t number, int64_t now) {
  ledger log;
  ledger_begin(&log);
  Corridor__V1__LogRecord record = CORRIDOR__V1__LOG_RECORD__INIT;
  record.kind = CORRIDOR__V1__LOG_KIND__LOG_CARD_CHANGED;
  record.at = now;
  record.sender = (char *)office;
  record.card_list = number;
  ledger_add(&log, &record);
  ledger_ids ids = {0}; /* a rare act: the rest of its block is a gap */
  bool ok = ledger_write(&log, &ids, conn, now);
  ledger_clear(&log);
  return ok;
}

/* What the new list changes. A former one that no longer verifies (an older form, another
 * root) vouches for nothing: then all of the new one is new. */
static bool log_changes(db *conn, cor_bytes former, X509 *ca, const Corridor__V1__CardList *next,
                        int64_t now) {
  cor_error ignored = {0};
  changes found = {0};
  cor_cards *before = former.len > 0 ? cor_cards_load(former, ca, &ignored) : NULL;
  changes_find(before ? cor_cards_list(before) : NULL, next, &found);
  const bool ok = changes_log(conn, &found, next->number, now);
  changes_clear(&found);
  cor_cards_destroy(&before);
  return ok;
}

static bool move_epoch(db *conn) {
  return db_do(conn, "UPDATE corridor.gate_epoch SET epoch = epoch + 1", NULL);
}

bool registry_import(db *conn, cor_bytes signed_list, X509 *ca, int64_t now, cor_error *err) {
  bool ok = false;
  PGresult *newest = NULL;
  cor_cards *cards = cor_cards_load(signed_list, ca, err);
  if (!cards) return false;
  const Corridor__V1__CardList *list = cor_cards_list(cards);
  if (!db_ready(conn) || !db_begin(conn)) {
    (void)gone(err, "the card list");
    goto out;
  }
  /* The epoch row first: two imports at once wait for each other here. */
  if (!db_do(conn, "SELECT epoch FROM corridor.gate_epoch FOR UPDATE", NULL) ||
      !(newest = db_run(conn, "SELECT number, signed FROM corridor.card_list ORDER BY number DESC LIMIT 1",
                        NULL))) {
    (void)gone(err, "the card list");
    goto out;
  }
  cor_bytes former = {0};
  if (PQntuples(newest) == 1) {
    former = db_get_bytes(newest, 0, 1);
    uint64_t held = (uint64_t)db_get_int(newest, 0, 0);
    if (held == list->number && cor_bytes_equal(db_get_bytes(newest, 0, 1), signed_list)) {
      ok = true; /* the same list again: nothing to do */
      goto out;
    }
    if (held >= list->number) {
      (void)cor_fail(err, COR_CONFLICT, "number", "list %llu is not newer than list %llu, which is kept",
                     (unsigned long long)list->number, (unsigned long long)held);
      goto out;
    }
  }
  db_args args = {0};
  db_i64(&args, (int64_t)list->number);
  db_bytes(&args, signed_list);
  db_i64(&args, list->issued_at);
  db_i64(&args, list->expires_at);
  db_i64(&args, now);
  ok = db_do(conn, "INSERT INTO corridor.card_list VALUES ($1, $2, $3, $4, $5)", &args) &&
       store_offices(conn, list) && log_change(conn, "ca", list->number, now) &&
       log_changes(conn, former, ca, list, now) && move_epoch(conn) && db_commit(conn);
  if (!ok) (void)gone(err, "the card list");
out:
  PQclear(newest);
  db_rollback(conn); /* nothing after a commit */
  cor_cards_destroy(&cards);
  return ok;
}

bool registry_suspend(db *conn, const char *office, int64_t now, cor_error *err) {
  bool ok = false;
  PGresult *hit = NULL;
  if (!db_ready(conn) || !db_begin(conn)) return gone(err, "the suspension");
  if (!db_do(conn, "SELECT epoch FROM corridor.gate_epoch FOR UPDATE", NULL)) goto out;
  db_args args = {0};
  db_text(&args, office);
  db_i64(&args, now);
  hit = db_run(conn, "UPDATE corridor.office SET suspended_at = $2 WHERE id = $1 RETURNING id", &args);
  if (hit && PQntuples(hit) == 0) {
    PQclear(hit);
    db_rollback(conn);
    return cor_fail(err, COR_UNKNOWN_OFFICE, "office",
                    "no office of that id is on the card list; nothing was changed");
  }
  ok = hit && log_change(conn, office, 0, now) && move_epoch(conn) && db_commit(conn);
out:
  if (!ok) (void)gone(err, "the suspension");
  PQclear(hit);
  db_rollback(conn);
  return ok;
}

registry *registry_new(void) {
  registry *shared = calloc(1, sizeof *shared);
  if (!shared) abort();
  shared->epoch = -1;
  pthread_mutex_init(&shared->lock, NULL);
  return shared;
}

void registry_destroy(registry **which) {
  if (!*which) return;
  pthread_mutex_destroy(&(*which)->lock);
  cor_cards_destroy(&(*which)->cards);
  free(*which);
  *which = NULL;
}

/* The hub's own suspensions are applied before anyone else sees the list, so that
 * everything downstream (door keys, gate) sees one state. */
static void apply_suspensions(const PGresult *held, const Corridor__V1__CardList *content) {
  for (int i = 0; i < PQntuples(held); i++)
    for (size_t j = 0; j < content->n_cards; j++)
      if (strcmp(content->cards[j]->office, db_get_text(held, i, 0)) == 0 &&
          content->cards[j]->state == CORRIDOR__V1__CARD_STATE__ACTIVE) {
        content->cards[j]->state = CORRIDOR__V1__CARD_STATE__SUSPENDED;
        content->cards[j]->state_since = db_get_int(held, i, 1);
      }
}

/* The newest list; empty if there is none. In pieces, for libpq keeps a buffer of
 * twice the largest row it ever saw. */
static bool read_list(db *conn, cor_buf *out) {
  PGresult *newest = db_run(
      conn, "SELECT number, length(signed) FROM corridor.card_list ORDER BY number DESC LIMIT 1", NULL);
  if (!newest) return false;
  const bool any = PQntuples(newest) == 1;
  const int64_t number = any ? db_get_int(newest, 0, 0) : 0;
  const size_t len = any ? (size_t)db_get_int(newest, 0, 1) : 0;
  PQclear(newest);
  out->data = malloc(len + 1);
  if (!out->data) abort();
  while (out->len < len) {
    db_args args = {0};
    db_i64(&args, number);
    db_i32(&args, (int32_t)out->len + 1);
    db_i32(&args, LIST_PIECE);
    PGresult *row = db_run(
        conn, "SELECT substring(signed FROM $2 FOR $3) FROM corridor.card_list WHERE number = $1", &args);
    const cor_bytes piece = row && PQntuples(row) == 1 ? db_get_bytes(row, 0, 0) : (cor_bytes){0};
    const bool fits = piece.len > 0 && piece.len <= len - out->len;
    if (fits) memcpy(out->data + out->len, piece.data, piece.len);
    if (fits) out->len += piece.len;
    PQclear(row);
    if (!fits) return false;
  }
  return true;
}

static bool load_newest(core *c, int64_t epoch) {
  bool ok = false;
  cor_error err = {0};
  cor_buf list = {0};
  PGresult *held = NULL;
  cor_cards *cards = NULL;
  if (!read_list(c->db, &list) ||
      !(held = db_run(c->db, "SELECT id, suspended_at FROM corridor.office WHERE suspended_at IS NOT NULL",
                      NULL)))
    goto out;
  if (list.len > 0) {
    cards = cor_cards_load_signing(cor_buf_view(&list), c->ca, &err);
    if (!cards) {
      COR_LOG(c->log, COR_ALARM, "card-list-unverified", COR_CODE(err.code), COR_WORD("what", err.detail));
      goto out;
    }
    apply_suspensions(held, cor_cards_list(cards));
    COR_LOG(c->log, COR_INFO, "cards-loaded", COR_NUM("number", cor_cards_number(cards)),
            COR_NUM("epoch", epoch), COR_NUM("suspended", PQntuples(held)));
  }
  /* None: an empty hub, and nobody may connect yet. */
  cor_cards_destroy(&c->registry->cards);
  c->registry->cards = cards;
  c->registry->epoch = epoch;
  ok = true;
out:
  cor_buf_clear(&list);
  PQclear(held);
  return ok;
}

/* Whoever sees a new epoch first loads for all. */
static bool take_newest(core *c, int64_t epoch) {
  registry *shared = c->registry;
  cor_cards *former = c->cards;
  pthread_mutex_lock(&shared->lock);
  const bool load = shared->epoch != epoch, ok = !load || load_newest(c, epoch);
  if (ok) {
    c->cards = cor_cards_share(shared->cards);
    c->gate_epoch = epoch;
  }
  pthread_mutex_unlock(&shared->lock);
  if (!ok) return false;
  if (c->conveyor) conveyor_cards(c->conveyor, c->cards, epoch); /* workers let go of the former */
  cor_cards_destroy(&former);
  if (load) (void)malloc_trim(0); /* reading a list takes several times what stays of it */
  return true;
}

bool registry_refresh(core *c, bool *changed) {
  *changed = false;
  PGresult *row = db_run(c->db, "SELECT epoch FROM corridor.gate_epoch", NULL);
  if (!row) return false;
  int64_t epoch = PQntuples(row) == 1 ? db_get_int(row, 0, 0) : 0;
  PQclear(row);
  if (epoch == c->gate_epoch) return true;
  *changed = true;
  return take_newest(c, epoch);
}

bool registry_ask(core *c) {
  return db_ask(c->db, "SELECT epoch FROM corridor.gate_epoch FOR SHARE", NULL);
}

bool registry_hold(core *c, bool *current) {
  PGresult *row = db_answer(c->db);
  if (!row) return false;
  *current = PQntuples(row) == 1 && db_get_int(row, 0, 0) == c->gate_epoch && c->cards;
  PQclear(row);
  return true;
}

int registry_standing(core *c, const char *office, int64_t now) {
  return c->cards ? cor_cards_standing(c->cards, office, now) : COR_UNKNOWN_OFFICE;
}
