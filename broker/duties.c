/* duties.c - obligations: who owes which answer by when.
 *
 * For: opening them at admission or delivery, closing them when the answer is
 * admitted, letting time pass over them. Guarantees: an obligation's id is
 * derived from what opened it, so a retry opens nothing twice; each state and
 * level is one event row, so none is lost and none told twice; every change is
 * told to who owes and who waits. Times are computed by libcorridor's calendar,
 * in the responsible office's country. Paused while the clock is in doubt. */
#include "duties.h"
#include "corridor/calendar.h"
#include "corridor/codec.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include "referral.h"
#include <stdlib.h>
#include <string.h>

enum { TICK_MAX = 256 };

typedef struct duty_row {
  uint8_t id[COR_ID_LEN], handle[COR_ID_LEN], case_handle[COR_ID_LEN], message_id[COR_ID_LEN];
  bool has_about;
  uint8_t about[COR_ID_LEN];
  cor_duty duty;
  char responsible[COR_OFFICE_MAX + 1], counterpart[COR_OFFICE_MAX + 1];
  int64_t opened_at, due_at;
  cor_duty_status status;
} duty_row;

static const Corridor__V1__Calendar *calendar_of(core *c, const char *office) {
  const cor_card *card = cor_cards_find(c->cards, office);
  return card ? cor_cards_calendar(c->cards, card->card->country) : NULL;
}

static void derive_id(const duty_opening *o, uint8_t out[COR_ID_LEN]) {
  uint8_t hash[COR_HASH_LEN], kind = (uint8_t)o->duty;
  cor_sha256(hash,
             (cor_bytes[]){{o->message_id, COR_ID_LEN},
                           {&kind, 1},
                           {o->handle, COR_ID_LEN},
                           {(const uint8_t *)o->responsible, strlen(o->responsible)}},
             4);
  memcpy(out, hash, COR_ID_LEN);
}

static void tell(act *a, const duty_row *row, int64_t at) {
  Corridor__V1__ObligationNotice body = CORRIDOR__V1__OBLIGATION_NOTICE__INIT;
  body.obligation_id = (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)row->id};
  body.kind = (uint32_t)row->duty;
  body.responsible = (char *)row->responsible;
  body.message_id = (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)row->message_id};
  body.opened_at = row->opened_at;
  body.due_at = row->due_at;
  body.state = row->status.state;
  body.level = row->status.level;
  body.at = at;
  body.about = (ProtobufCBinaryData){row->has_about ? COR_ID_LEN : 0, (uint8_t *)row->about};
  notice_add(&a->notices, row->responsible, COR_T(OBLIGATION_NOTICE), row->handle, row->case_handle,
             row->message_id, &body.base);
  if (strcmp(row->responsible, row->counterpart) != 0)
    notice_add(&a->notices, row->counterpart, COR_T(OBLIGATION_NOTICE), row->handle, row->case_handle,
               row->message_id, &body.base);
}

/* A mission in transit is told of a booking but owes no answer to it. */
static bool falls_on(core *c, const cor_duty_row *rule, const Corridor__V1__Header *h) {
  const bool recipient = rule->owner == COR_OWNER_RECIPIENT;
  const cor_card *card = cor_cards_find(c->cards, recipient ? h->recipient : h->sender);
  return card && cor_duty_falls_on(rule->duty, card->card->role);
}

static duty_opening opening(core *c, const cor_duty_row *rule, const Corridor__V1__Header *h,
                            const uint8_t *case_handle, int64_t start) {
  duty_opening o = {.duty = rule->duty, .state = CORRIDOR__V1__OBLIGATION_STATE__OPEN};
  const bool recipient = rule->owner == COR_OWNER_RECIPIENT, alone = rule->owner == COR_OWNER_SENDER_ALONE;
  snprintf(o.responsible, sizeof o.responsible, "%s", recipient ? h->recipient : h->sender);
  snprintf(o.counterpart, sizeof o.counterpart, "%s", recipient || alone ? h->sender : h->recipient);
  memcpy(o.handle, h->handle.data, COR_ID_LEN);
  memcpy(o.case_handle, case_handle, COR_ID_LEN);
  memcpy(o.message_id, h->message_id.data, COR_ID_LEN);
  o.due_at = cor_duty_due(rule->duty, calendar_of(c, o.responsible), start, h->event_at);
  return o;
}

/* The type whose admission closes the duty, as a row of the SOP table says. */
static Corridor__V1__MessageType answering(cor_duty duty) {
  const cor_sop_row *row;
  for (size_t i = 0; (row = cor_sop_at(i)) != NULL; i++)
    if (row->closes[0] == duty || row->closes[1] == duty) return row->type;
  return COR_T(MESSAGE_TYPE_UNSPECIFIED);
}

/* One that names what it answers answers nothing else. */
static bool answers(const PGresult *r, int row, const duty_opening *o) {
  cor_error err;
  Corridor__V1__Header *h = (Corridor__V1__Header *)cor_decode(
      &corridor__v1__header__descriptor, db_get_bytes(r, row, 0), COR_HEADER_MAX, true, &err);
  bool yes = h && (h->in_reply_to.len == 0 ||
                   cor_bytes_equal(cor_bytes_of(h->in_reply_to), (cor_bytes){o->message_id, COR_ID_LEN}));
  cor_message_free((ProtobufCMessage *)h);
  return yes;
}

/* A receipt that was lost and comes again may come after the person's answer. */
static bool answered_already(core *c, const duty_opening *o, int64_t admitted_at, bool *yes) {
  db_args args = {0};
  db_bytes(&args, (cor_bytes){o->case_handle, COR_ID_LEN});
  db_bytes(&args, (cor_bytes){o->handle, COR_ID_LEN});
  db_i32(&args, (int32_t)answering(o->duty));
  db_text(&args, o->responsible);
  db_i64(&args, admitted_at);
  PGresult *r = db_run(c->db,
                       "SELECT header FROM corridor.message WHERE case_handle = $1 AND handle = $2"
                       " AND type = $3 AND sender = $4 AND admitted_at >= $5",
                       &args);
  if (!r) return false;
  *yes = false;
  for (int row = 0; !*yes && row < PQntuples(r); row++)
    *yes = answers(r, row, o);
  PQclear(r);
  return true;
}

bool duties_at_delivery(core *c, act *a, const Corridor__V1__Header *h, const uint8_t *case_handle,
                        int64_t admitted_at) {
  const cor_sop_row *row = cor_sop_find(h->type);
  for (size_t i = 0; row && i < 2; i++) {
    const cor_duty_row *rule = cor_duty_find(row->opens[i]);
    if (!rule || rule->start != COR_START_DELIVERY || !falls_on(c, rule, h)) continue;
    duty_opening o = opening(c, rule, h, case_handle, a->now);
    bool answered;
    if (!answered_already(c, &o, admitted_at, &answered)) return false;
    if (answered) o.state = CORRIDOR__V1__OBLIGATION_STATE__MET;
    act_open(a, &o);
  }
  return true;
}

void duties_at_release(core *c, act *a, const Corridor__V1__Header *h, const uint8_t *case_handle) {
  const cor_duty_row *rule = cor_duty_find(COR_DUTY_REFERRAL_ANSWER);
  duty_opening o = opening(c, rule, h, case_handle, h->event_at);
  if (falls_on(c, rule, h)) act_open(a, &o);
}

void duties_at_admission(core *c, act *a, const Corridor__V1__Header *h, const uint8_t *case_handle,
                         bool held, int64_t *judged, bool *late) {
  const cor_sop_row *row = cor_sop_find(h->type);
  *judged = 0;
  *late = false;
  const bool opens = !row->opens_unless_no || h->outcome != COR_OUTCOME(NO);
  for (size_t i = 0; !held && opens && i < COR_SOP_OPENS_MAX; i++) {
    const cor_duty_row *rule = cor_duty_find(cor_sop_opens(row, h->basis, i));
    if (!rule || rule->start == COR_START_DELIVERY || !falls_on(c, rule, h)) continue;
    duty_opening o = opening(c, rule, h, case_handle, rule->start == COR_START_EVENT ? h->event_at : a->now);
    if (rule->unit == COR_UNIT_WORKING_DAYS_BEFORE) { /* the message is its own answer: judged now */
      *judged = o.due_at;
      *late = a->now > o.due_at;
      o.state = *late ? CORRIDOR__V1__OBLIGATION_STATE__MET_LATE : CORRIDOR__V1__OBLIGATION_STATE__MET;
    }
    act_open(a, &o);
  }
  for (size_t i = 0; i < 2; i++) {
    if (!row->closes[i] || row->closes_one) continue; /* of two, the record's own room closes one */
    duty_answer answer = {.duty = row->closes[i]};
    snprintf(answer.responsible, sizeof answer.responsible, "%s", h->sender);
    memcpy(answer.handle, h->handle.data, COR_ID_LEN);
    memcpy(answer.message_id, h->message_id.data, COR_ID_LEN);
    /* An answer closes the duty of what it answers, not of its like. */
    const cor_duty_row *rule = cor_duty_find(row->closes[i]);
    answer.is_reply = rule->owner == COR_OWNER_RECIPIENT && h->in_reply_to.len == COR_ID_LEN;
    if (answer.is_reply) memcpy(answer.in_reply_to, h->in_reply_to.data, COR_ID_LEN);
    act_answer(a, &answer);
  }
}

bool duties_write_opened(core *c, act *a) {
  if (a->n_opened == 0) return true;
  db_args args = {0};
  db_array *id = db_list(&args, DB_BYTES), *kind = db_list(&args, DB_I16), *who = db_list(&args, DB_TEXT);
  db_array *other = db_list(&args, DB_TEXT), *handle = db_list(&args, DB_BYTES),
           *kase = db_list(&args, DB_BYTES);
  db_array *message = db_list(&args, DB_BYTES), *due = db_list(&args, DB_I64),
           *state = db_list(&args, DB_I16);
  db_array *wake = db_list(&args, DB_I64);
  db_i64(&args, a->now);
  db_array *about = db_list(&args, DB_BYTES);
  for (size_t i = 0; i < a->n_opened; i++) {
    duty_opening *o = &a->opened[i];
    duty_row row = {.duty = o->duty, .opened_at = a->now, .due_at = o->due_at, .status = {.state = o->state}};
    derive_id(o, row.id);
    memcpy(row.handle, o->handle, COR_ID_LEN);
    memcpy(row.case_handle, o->case_handle, COR_ID_LEN);
    memcpy(row.message_id, o->message_id, COR_ID_LEN);
    memcpy(row.about, o->about, COR_ID_LEN);
    row.has_about = o->has_about;
    memcpy(row.responsible, o->responsible, sizeof row.responsible);
    memcpy(row.counterpart, o->counterpart, sizeof row.counterpart);
    db_add_bytes(id, (cor_bytes){row.id, COR_ID_LEN});
    db_add_i64(kind, o->duty);
    db_add_text(who, o->responsible);
    db_add_text(other, o->counterpart);
    db_add_bytes(handle, (cor_bytes){o->handle, COR_ID_LEN});
    db_add_bytes(kase, (cor_bytes){o->case_handle, COR_ID_LEN});
    db_add_bytes(message, (cor_bytes){o->message_id, COR_ID_LEN});
    db_add_i64(due, o->due_at);
    db_add_i64(state, o->state);
    db_add_i64(wake, cor_duty_wake(o->duty, row.status, o->due_at));
    db_add_bytes(about, (cor_bytes){o->has_about ? o->about : NULL, COR_ID_LEN});
    tell(a, &row, a->now);
  }
  return db_do(
      c->db,
      "WITH made AS (INSERT INTO corridor.obligation (obligation_id, kind, responsible, counterpart, handle,"
      "  case_handle, message_id, opened_at, due_at, state, level, wake_at, closed_at, about)"
      " SELECT id, kind, who, other, handle, kase, message, $11::bigint, due, state, 0,"
      "  nullif(wake, 9223372036854775807), CASE WHEN state IN (2, 3) THEN $11::bigint END, about"
      " FROM unnest($1::bytea[], $2::smallint[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], "
      "$7::bytea[],"
      "  $8::bigint[], $9::smallint[], $10::bigint[], $12::bytea[])"
      "  AS u (id, kind, who, other, handle, kase, message, due, state, wake, about)"
      " ON CONFLICT DO NOTHING RETURNING obligation_id, state)"
      " INSERT INTO corridor.obligation_event SELECT obligation_id, state, 0, $11::bigint FROM made",
      &args);
}

static void take_row(duty_row *row, const PGresult *r, int at) {
  *row = (duty_row){0};
  db_get_fixed(r, at, 0, row->id, COR_ID_LEN);
  row->duty = (cor_duty)db_get_int(r, at, 1);
  snprintf(row->responsible, sizeof row->responsible, "%s", db_get_text(r, at, 2));
  snprintf(row->counterpart, sizeof row->counterpart, "%s", db_get_text(r, at, 3));
  db_get_fixed(r, at, 4, row->handle, COR_ID_LEN);
  db_get_fixed(r, at, 5, row->case_handle, COR_ID_LEN);
  db_get_fixed(r, at, 6, row->message_id, COR_ID_LEN);
  row->opened_at = db_get_int(r, at, 7);
  row->due_at = db_get_int(r, at, 8);
  row->status.state = (Corridor__V1__ObligationState)db_get_int(r, at, 9);
  row->status.level = (unsigned)db_get_int(r, at, 10);
  row->has_about = !db_null(r, at, 11);
  db_get_fixed(r, at, 11, row->about, COR_ID_LEN);
}
#define DUTY_COLUMNS                                                                                         \
  "o.obligation_id, o.kind, o.responsible, o.counterpart, o.handle, o.case_handle, o.message_id, "           \
  "o.opened_at, o.due_at,"                                                                                   \
  " o.state, o.level, o.about"

typedef struct duty_changes {
  db_args args, events;
  db_array *id, *state, *level, *wake, *closed_at, *closed_by, *event_id, *event_state, *event_level,
      *event_at;
} duty_changes;

static void changes_begin(duty_changes *ch) {
  *ch = (duty_changes){0};
  ch->id = db_list(&ch->args, DB_BYTES);
  ch->state = db_list(&ch->args, DB_I16);
  ch->level = db_list(&ch->args, DB_I16);
  ch->wake = db_list(&ch->args, DB_I64);
  ch->closed_at = db_list(&ch->args, DB_I64);
  ch->closed_by = db_list(&ch->args, DB_BYTES);
  ch->event_id = db_list(&ch->events, DB_BYTES);
  ch->event_state = db_list(&ch->events, DB_I16);
  ch->event_level = db_list(&ch->events, DB_I16);
  ch->event_at = db_list(&ch->events, DB_I64);
}

static void changes_event(duty_changes *ch, const duty_row *row, int64_t at) {
  db_add_bytes(ch->event_id, (cor_bytes){row->id, COR_ID_LEN});
  db_add_i64(ch->event_state, row->status.state);
  db_add_i64(ch->event_level, row->status.level);
  db_add_i64(ch->event_at, at);
}

static void changes_row(duty_changes *ch, const duty_row *row, int64_t closed_at, cor_bytes closed_by) {
  db_add_bytes(ch->id, (cor_bytes){row->id, COR_ID_LEN});
  db_add_i64(ch->state, row->status.state);
  db_add_i64(ch->level, row->status.level);
  db_add_i64(ch->wake, cor_duty_wake(row->duty, row->status, row->due_at));
  db_add_i64(ch->closed_at, closed_at);
  db_add_bytes(ch->closed_by, closed_by);
}

static bool changes_write(duty_changes *ch, core *c) {
  bool any = ch->id->count > 0;
  bool ok =
      !any ||
      db_do(
          c->db,
          "UPDATE corridor.obligation o SET state = u.state, level = u.level,"
          " wake_at = nullif(u.wake, 9223372036854775807), closed_at = nullif(u.closed_at, 0),"
          " closed_by = u.closed_by"
          " FROM unnest($1::bytea[], $2::smallint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bytea[])"
          "  AS u (id, state, level, wake, closed_at, closed_by) WHERE o.obligation_id = u.id",
          &ch->args);
  ok = ok &&
       (!any ||
        db_do(c->db,
              "INSERT INTO corridor.obligation_event SELECT * FROM"
              " unnest($1::bytea[], $2::smallint[], $3::smallint[], $4::bigint[]) ON CONFLICT DO NOTHING",
              &ch->events));
  db_args_clear(&ch->args);
  db_args_clear(&ch->events);
  return ok;
}

bool duties_write_answered(core *c, act *a) {
  if (a->n_answered == 0) return true;
  db_args args = {0};
  db_array *handle = db_list(&args, DB_BYTES), *kind = db_list(&args, DB_I16), *who = db_list(&args, DB_TEXT);
  db_array *reply = db_list(&args, DB_BYTES);
  for (size_t i = 0; i < a->n_answered; i++) {
    const duty_answer *one = &a->answered[i];
    db_add_bytes(reply, (cor_bytes){one->is_reply ? one->in_reply_to : NULL, COR_ID_LEN});
    db_add_bytes(handle, (cor_bytes){a->answered[i].handle, COR_ID_LEN});
    db_add_i64(kind, a->answered[i].duty);
    db_add_text(who, a->answered[i].responsible);
  }
  PGresult *r = db_run(c->db,
                       "SELECT " DUTY_COLUMNS ", u.i FROM corridor.obligation o JOIN"
                       " unnest($1::bytea[], $2::smallint[], $3::text[], $4::bytea[])"
                       " WITH ORDINALITY AS u (handle, kind, who, reply, i)"
                       " ON o.handle = u.handle AND o.kind = u.kind AND o.responsible = u.who"
                       "  AND (u.reply IS NULL OR o.message_id = u.reply)"
                       " WHERE o.state IN (1, 4, 5) ORDER BY o.obligation_id FOR UPDATE OF o",
                       &args);
  if (!r) return false;
  duty_changes changes;
  changes_begin(&changes);
  for (int i = 0; i < PQntuples(r); i++) {
    duty_row row;
    take_row(&row, r, i);
    const duty_answer *by = &a->answered[db_get_int(r, i, 12) - 1];
    row.status = cor_duty_next(row.duty, row.status, COR_DUTY_ANSWERED, row.due_at, a->now);
    changes_event(&changes, &row, a->now);
    changes_row(&changes, &row, a->now, (cor_bytes){by->message_id, COR_ID_LEN});
    tell(a, &row, a->now);
  }
  PQclear(r);
  return changes_write(&changes, c);
}

static bool waive(core *c, act *a, const char *sql, cor_bytes by, cor_duty but) {
  db_args args = {0};
  db_bytes(&args, by);
  db_i32(&args, (int32_t)but);
  PGresult *r = db_run(c->db, sql, &args);
  if (!r) return false;
  duty_changes changes;
  changes_begin(&changes);
  for (int i = 0; i < PQntuples(r); i++) {
    duty_row row;
    take_row(&row, r, i);
    row.status = cor_duty_next(row.duty, row.status, COR_DUTY_WAIVE, row.due_at, a->now);
    changes_event(&changes, &row, a->now);
    changes_row(&changes, &row, a->now, (cor_bytes){0});
    tell(a, &row, a->now);
  }
  PQclear(r);
  return changes_write(&changes, c);
}

/* 6 is what a withdrawal asks; 8 the answer to a correction or a restriction, for who
 * keeps what was told on another ground; 9 and 10 are the account of what was told
 * without any consent. A withdrawal makes these no less due. */
bool duties_waive_case(core *c, act *a, cor_bytes case_handle, cor_duty answering) {
  return waive(c, a,
               "SELECT " DUTY_COLUMNS " FROM corridor.obligation o WHERE o.case_handle = $1"
               " AND o.kind NOT IN (6, 8, 9, 10, $2)"
               " AND o.state IN (1, 4, 5) ORDER BY o.obligation_id FOR UPDATE",
               case_handle, answering);
}

bool duties_waive_message(core *c, act *a, cor_bytes message_id) {
  return waive(c, a,
               "SELECT " DUTY_COLUMNS " FROM corridor.obligation o WHERE o.message_id = $1"
               " AND o.kind <> $2 AND o.state IN (1, 4, 5) AND (o.kind NOT IN (9, 10) OR NOT EXISTS (SELECT"
               "   FROM corridor.delivery d WHERE d.message_id = o.message_id AND d.sender = o.responsible"
               "   AND d.first_claimed_at IS NOT NULL)) ORDER BY o.obligation_id FOR UPDATE",
               message_id, COR_DUTY_NONE);
}

/* Every level in between, one event each. A referral nobody answered lapses and
 * moves on to the next candidate. */
static bool tick_row(core *c, act *a, duty_changes *changes, duty_row *row) {
  bool was_open = row->status.state == CORRIDOR__V1__OBLIGATION_STATE__OPEN;
  for (;;) {
    cor_duty_status next = cor_duty_next(row->duty, row->status, COR_DUTY_TICK, row->due_at, a->now);
    if (next.state == row->status.state && next.level == row->status.level) break;
    row->status = next;
    changes_event(changes, row, a->now);
    tell(a, row, a->now);
  }
  changes_row(changes, row, 0, (cor_bytes){0});
  return !was_open || row->duty != COR_DUTY_REFERRAL_ANSWER || referral_lapse(c, a, row->handle);
}

bool duties_tick(core *c, int64_t now) {
  act a;
  bool ok = false;
  PGresult *r = NULL;
  act_begin(&a, c, now);
  if (!db_begin(c->db)) return false;
  db_args args = {0};
  db_i64(&args, now);
  db_i32(&args, TICK_MAX);
  r = db_run(c->db,
             "SELECT " DUTY_COLUMNS
             " FROM corridor.obligation o WHERE o.wake_at <= $1 ORDER BY o.wake_at LIMIT $2"
             " FOR UPDATE SKIP LOCKED",
             &args);
  if (!r) goto out;
  duty_changes changes;
  changes_begin(&changes);
  ok = true;
  for (int i = 0; ok && i < PQntuples(r); i++) {
    duty_row row;
    take_row(&row, r, i);
    ok = tick_row(c, &a, &changes, &row);
  }
  if (PQntuples(r) > 0) COR_LOG(c->log, COR_INFO, "obligations-ticked", COR_NUM("rows", PQntuples(r)));
  ok = changes_write(&changes, c) && ok && act_write(&a, c) && act_commit(c);
out:
  PQclear(r);
  if (!ok) db_rollback(c->db);
  act_clear(&a);
  return ok;
}
