/* act.h - what one transaction will also write: log records, notices, duties.
 * Gathered while deciding, written set-wise just before the commit. */
#ifndef BROKER_ACT_H
#define BROKER_ACT_H
#include "core.h"
#include "ledger.h"
#include "notice.h"

typedef struct duty_opening {
  cor_duty duty;
  char responsible[COR_OFFICE_MAX + 1], counterpart[COR_OFFICE_MAX + 1];
  uint8_t handle[COR_ID_LEN], case_handle[COR_ID_LEN], message_id[COR_ID_LEN];
  bool has_about; /* message_id is our own notice; about is a message it names */
  uint8_t about[COR_ID_LEN];
  int64_t due_at;
  Corridor__V1__ObligationState state; /* OPEN, or already judged: MET, MET_LATE */
} duty_opening;

typedef struct duty_answer {
  cor_duty duty;
  char responsible[COR_OFFICE_MAX + 1];
  uint8_t handle[COR_ID_LEN], message_id[COR_ID_LEN];
  bool is_reply; /* then only the duty that in_reply_to opened */
  uint8_t in_reply_to[COR_ID_LEN];
} duty_answer;

typedef struct act {
  int64_t now;
  ledger log;
  notices notices;
  duty_opening *opened;
  size_t n_opened, cap_opened;
  duty_answer *answered;
  size_t n_answered, cap_answered;
} act;

void act_begin(act *a, core *c, int64_t now);
void act_open(act *a, const duty_opening *one);
void act_answer(act *a, const duty_answer *one);
/* Duties first (they add notices), then notices, then the log. */
bool act_write(act *a, core *c) COR_MUST_CHECK;
/* Commits, and lets those know for whom mail was queued. */
bool act_commit(core *c) COR_MUST_CHECK;
void act_clear(act *a);
#endif
