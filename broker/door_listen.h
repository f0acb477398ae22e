/* door_listen.h - the TCP listener and whom a connection counts against. */
#ifndef BROKER_DOOR_LISTEN_H
#define BROKER_DOOR_LISTEN_H
#include "door_config.h"

enum { DOOR_ADDRESS_LEN = 16 };

/* Binds, so that an address in use is found at start; does not listen yet.
 * Returns the descriptor or -1. */
int door_listen_bind(const door_settings *settings, cor_error *err) COR_MUST_CHECK;
bool door_listen_start(int listener, cor_error *err) COR_MUST_CHECK;
/* The next connection, non-blocking, with keepalive; -1 when there is none.
 * address: 16 bytes that are equal for connections of one origin. */
int door_listen_accept(int listener, uint8_t address[DOOR_ADDRESS_LEN]);

#endif
