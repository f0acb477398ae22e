/* door.h - the door process: the only part of the hub that faces the network.
 *
 * It has no database and no signing key. It admits the CURVE keys the core
 * names, bounds what each connection may hold, and passes whole messages on. */
#ifndef BROKER_DOOR_H
#define BROKER_DOOR_H
#include "corridor/config.h"

/* Runs until SIGTERM; returns the exit status. check_only: checks configuration
 * and key file, says so on stderr, opens nothing. */
int door_run(const char *config_path, bool check_only);
const cor_config_row *door_config_rows(size_t *n);

#endif
