/* door_process.h - what the process gives up and bounds before it opens. */
#ifndef BROKER_DOOR_PROCESS_H
#define BROKER_DOOR_PROCESS_H
#include "door_config.h"

/* No core dumps, no new privileges, address space and descriptors bounded, the
 * run directory private. Call before the first thread. */
bool door_process_confine(const door_settings *settings, cor_error *err) COR_MUST_CHECK;
/* Gives free memory back to the kernel; some milliseconds. */
void door_process_trim(void);
/* Blocks SIGTERM, SIGINT, SIGHUP and SIGPIPE for all threads and returns a
 * signalfd for the first three, or -1. */
int door_process_signals(cor_error *err) COR_MUST_CHECK;

#endif
