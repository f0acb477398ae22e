/* door_config.h - the door's settings, read once at start and checked. */
#ifndef BROKER_DOOR_CONFIG_H
#define BROKER_DOOR_CONFIG_H
#include "corridor/log.h"
#include <sys/socket.h>

enum { DOOR_SECRET_TEXT = 41, DOOR_RUN_DIR_MAX = 80, DOOR_PATH_TEXT = 256 };

typedef struct door_settings {
  struct sockaddr_storage listen;
  socklen_t listen_len;
  char core[DOOR_PATH_TEXT];     /* ZeroMQ endpoint */
  char secret[DOOR_SECRET_TEXT]; /* Z85; zeroed by door_settings_clear */
  char run_dir[DOOR_RUN_DIR_MAX + 1];
  char status[64];                 /* "" = off */
  char demo_clock[DOOR_PATH_TEXT]; /* "" = system clock */
  size_t connections_max, connections_per_address;
  int64_t handshake_ms, stall_ms;
  size_t unread_max, memory_max;
  cor_level log_level;
} door_settings;

bool door_settings_load(const char *path, door_settings *out, cor_error *err) COR_MUST_CHECK;
void door_settings_clear(door_settings *settings);

#endif
