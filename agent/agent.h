/* agent.h - the parts of a running agent and how they hang together. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H
#include "agent_config.h"
#include "roster.h"
#include "store.h"
#include "tries.h"

#include "corridor/catalogue.h"
#include "corridor/clock.h"
#include "corridor/office.h"
#include "corridor/status.h"

#include <stdatomic.h>

struct agent_link;
struct api;

enum { AGENT_LANGUAGES = 4 };

typedef struct agent {
  const char *config_path;
  cor_config *config;
  cor_log *log;
  cor_clock *clock;
  bool demo;
  bool locked; /* the office's keys are: nothing but unlocking is served */
  atomic_bool unlocked;
  cor_office opened; /* by whoever unlocked them; the main thread takes it */
  cor_office office;
  roster *roster;
  store *store;
  tries *tries;
  cor_catalogue *catalogues[AGENT_LANGUAGES]; /* en first, which must exist */
  struct agent_link *link;
  struct api *api;
  cor_status *status;
} agent;

/* Loads and checks everything (of an office that is locked, what lies open); nothing is
 * listening or connected yet. */
bool agent_prepare(agent *a, const char *config_path, cor_error *err) COR_MUST_CHECK;
/* Serves until SIGTERM or SIGINT; SIGHUP re-reads log_level and the card list. A locked
 * office's agent serves POST /v1/unlock first, and nothing else. */
bool agent_run(agent *a, cor_error *err) COR_MUST_CHECK;
void agent_clear(agent *a);

/* The sentence for a code in the language an Accept-Language header asks for. */
const char *agent_sentence(const agent *a, const char *accept_language, int code);
#endif
