/* link.h - the agent's session with a broker, on a thread of its own. */
#ifndef AGENT_LINK_H
#define AGENT_LINK_H
#include "agent.h"

typedef struct agent_link agent_link;

typedef struct link_facts {
  bool connected;     /* welcomed, and not lost since */
  bool quarantined;   /* the hub saw the store go back: nothing new is sent */
  char broker[256];   /* last tried, or connected to */
  int last_code;      /* why the last session ended, 0 = none ended */
  int64_t clock_skew; /* hub's clock less ours at WELCOME, ms */
} link_facts;

/* Starts the thread. a is borrowed and must outlive the link. */
agent_link *link_start(agent *a, cor_error *err) COR_MUST_CHECK;
/* Takes what has arrived, waits shortly for answers in flight, says BYE, joins. */
void link_stop(agent_link **l);
/* There is something new in the outbox. Any thread. */
void link_wake(agent_link *l);
/* The quarantine was lifted in the store: look there, and open a new session, for
 * the hub takes nothing in the one that showed it. Any thread. */
void link_quarantine_lifted(agent_link *l);
void link_facts_get(agent_link *l, link_facts *out);
cor_metric *link_metrics(agent_link *l, size_t *n); /* borrowed, live as long as the link */
#endif
