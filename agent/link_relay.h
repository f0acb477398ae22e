/* link_relay.h - the bytes between a session's socket and the broker, counted. */
#ifndef AGENT_LINK_RELAY_H
#define AGENT_LINK_RELAY_H
#include "corridor/base.h"

typedef struct link_relay link_relay;
enum { LINK_RELAY_ENDPOINT = 64 };

/* A thread that carries one connection to broker (tcp://host:port); endpoint is
 * where the session's socket connects instead. A broker that cannot be reached
 * looks like one that hung up. */
link_relay *link_relay_open(const char *broker, char endpoint[LINK_RELAY_ENDPOINT],
                            cor_error *err) COR_MUST_CHECK;
/* A frame of so many bytes came out of the socket whole. */
void link_relay_consumed(link_relay *r, size_t frame);
/* It was cut because the hub sent far more than came out as messages. */
bool link_relay_flooded(const link_relay *r);
/* After the socket was closed: hands on its last words for most ms, then ends. */
void link_relay_close(link_relay **r, int most);
#endif
