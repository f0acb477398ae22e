/* migrate.h - numbered SQL files, applied once, in order, each in its own
 * transaction; a changed file that was applied before stops everything. */
#ifndef BROKER_MIGRATE_H
#define BROKER_MIGRATE_H
#include "corridor/base.h"
#include "corridor/clock.h"

enum { MIGRATION_NEWEST = 14 };

/* Applies dir/NNNN_name.sql above the stored version. Prints a line each. */
bool migrate_run(const char *conninfo, const char *dir, cor_clock *clock, cor_error *err) COR_MUST_CHECK;
#endif
