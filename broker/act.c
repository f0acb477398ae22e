/* act.c - the gathered side effects of one transaction.
 *
 * For: admission, claim, receipt and tick alike. Guarantees: what is gathered is
 * written in the caller's transaction, all or nothing, in one order of tables
 * (obligation, message, delivery, log) so that two brokers cannot deadlock. */
#include "act.h"
#include "deliverer.h"
#include "duties.h"
#include "session.h"
#include <stdlib.h>

void act_begin(act *a, core *c, int64_t now) {
  *a = (act){.now = now, .notices = {.now = now}};
  c->n_waiting = 0;
}

void act_open(act *a, const duty_opening *one) {
  if (a->n_opened == a->cap_opened) {
    a->cap_opened = a->cap_opened ? a->cap_opened * 2 : 32;
    a->opened = realloc(a->opened, a->cap_opened * sizeof *a->opened);
    if (!a->opened) abort();
  }
  a->opened[a->n_opened++] = *one;
}

void act_answer(act *a, const duty_answer *one) {
  if (a->n_answered == a->cap_answered) {
    a->cap_answered = a->cap_answered ? a->cap_answered * 2 : 32;
    a->answered = realloc(a->answered, a->cap_answered * sizeof *a->answered);
    if (!a->answered) abort();
  }
  a->answered[a->n_answered++] = *one;
}

bool act_write(act *a, core *c) {
  bool ok = duties_write_opened(c, a) && duties_write_answered(c, a) &&
            notice_write(&a->notices, c, a->now) && ledger_write(&a->log, &c->leaves, c->db, a->now);
  if (ok) core_count(c, CORE_LOG_RECORDS, (int64_t)a->log.n);
  return ok;
}

bool act_commit(core *c) {
  if (!db_commit(c->db)) return false;
  session_due(c->sessions, c->waiting, c->n_waiting);
  if (c->n_waiting > 0 && c->deliverer) deliverer_wake(c->deliverer);
  return true;
}

void act_clear(act *a) {
  ledger_clear(&a->log);
  notice_clear(&a->notices);
  free(a->opened);
  free(a->answered);
  *a = (act){0};
}
