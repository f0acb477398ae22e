/* due.c - what is owed, at the agent's own clock.
 *
 * The hub judges obligations and tells each step in a notice; the agent shows
 * them and, between notices or out of reach, moves them on with the very
 * function the hub uses (design 5), so that an officer offline still sees
 * "overdue". Nothing is stored by this and nothing can fail. */
#include "due.h"

enum { STEPS_MAX = 8 }; /* open, overdue and the escalation levels */

cor_duty_status due_status(const store_due *due, int64_t now) {
  cor_duty_status status = {.state = (Corridor__V1__ObligationState)due->state, .level = due->level};
  for (int i = 0; i < STEPS_MAX; i++) {
    const cor_duty_status next = cor_duty_next((cor_duty)due->kind, status, COR_DUTY_TICK, due->due_at, now);
    if (next.state == status.state && next.level == status.level) break;
    status = next;
  }
  return status;
}

const char *due_name(const store_due *due) {
  const cor_duty_row *row = cor_duty_find((cor_duty)due->kind);
  return row == NULL ? "" : row->name;
}

const char *due_cite(const store_due *due) {
  const cor_duty_row *row = cor_duty_find((cor_duty)due->kind);
  return row == NULL ? "" : row->cite;
}

const char *due_state_name(Corridor__V1__ObligationState state) {
  const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
      &corridor__v1__obligation_state__descriptor, (int)state);
  return value == NULL ? "" : value->name;
}
