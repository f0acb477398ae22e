/* agent_config.h - the options of corridor-agent, in one table. */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H
#include "corridor/config.h"
#include "corridor/log.h"

enum { AGENT_BROKERS_MAX = 8 };

/* Reads the file and checks what the table cannot say: broker addresses, the
 * hub's key, the log level. */
cor_config *agent_config_load(const char *path, cor_error *err) COR_MUST_CHECK;
void agent_config_sample(FILE *out);
cor_level agent_config_level(const cor_config *config);
#endif
