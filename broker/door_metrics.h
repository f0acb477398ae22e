/* door_metrics.h - what the door counts: for /metrics; never an office, never an address. */
#ifndef BROKER_DOOR_METRICS_H
#define BROKER_DOOR_METRICS_H
#include "door_peer.h"
#include "corridor/status.h"

/*      name             counter help */
#define DOOR_METRICS(X)                                                                                      \
  X(connections, false, "connections open")                                                                  \
  X(admitted, false, "connections whose key is admitted")                                                    \
  X(untaken_bytes, false, "bytes handed to the core and not yet taken")                                      \
  X(held_bytes, false, "bytes held for all connections, both ways")                                          \
  X(accepted_total, true, "connections accepted")                                                            \
  X(turned_away_total, true, "connections closed at once: too many")                                         \
  X(refused_total, true, "handshakes refused (the first is the self-test's)")                                \
  X(zap_renewed_total, true, "times the ZAP handler dropped what handshakes left behind")                    \
  X(messages_in_total, true, "messages from agents")                                                         \
  X(bytes_in_total, true, "bytes of messages from agents")                                                   \
  X(messages_out_total, true, "messages to agents")
enum {
#define X(name, counter, help) DOOR_M_##name,
  DOOR_METRICS(X)
#undef X
      DOOR_M_ENDS, /* then one per door_end */
  DOOR_M_COUNT = DOOR_M_ENDS + DOOR_END_COUNT
};

void door_metrics_init(cor_metric metrics[DOOR_M_COUNT]);

#endif
