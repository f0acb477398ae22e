/* notify.h - readiness, heartbeat and stop, told to the service manager. */
#ifndef CORRIDOR_NOTIFY_H
#define CORRIDOR_NOTIFY_H

/* state: "READY=1", "WATCHDOG=1" or "STOPPING=1". Does nothing under no manager. */
void cor_notify(const char *state);

#endif
