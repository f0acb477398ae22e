/* due.h - obligations as a case officer reads them. */
#ifndef AGENT_DUE_H
#define AGENT_DUE_H
#include "agent.h"

#include "corridor/calendar.h"

/* What the obligation is at the agent's own time: the hub's last word, moved on
 * by the same rules while the hub is silent or out of reach. */
cor_duty_status due_status(const store_due *due, int64_t now);
const char *due_name(const store_due *due);
const char *due_cite(const store_due *due);
const char *due_state_name(Corridor__V1__ObligationState state);
#endif
