/* door_table.h - all connections of the door, and whom to ask to leave. */
#ifndef BROKER_DOOR_TABLE_H
#define BROKER_DOOR_TABLE_H
#include "door_peer.h"

typedef struct door_table {
  door_peer **peers; /* owned; in no order */
  size_t n, max;     /* closed ones the core has still to be told of included */
} door_table;

bool door_table_new(door_table *table, size_t max, cor_error *err) COR_MUST_CHECK;
void door_table_clear(door_table *table);
void door_table_add(door_table *table, door_peer *peer); /* takes; only while n < max */
void door_table_remove(door_table *table, size_t i);     /* frees the peer; the last takes its place */
door_peer *door_table_find(const door_table *table, uint64_t number);
size_t door_table_count_address(const door_table *table, const uint8_t address[16]);
size_t door_table_count_state(const door_table *table, door_peer_state state);
/* Of each that is not gone the core has had a message: all handshakes are over. */
bool door_table_all_known(const door_table *table);
/* Bytes held for one peer, or for all. */
size_t door_table_held(const door_table *table);
/* Whom to cut to make room; NULL when nobody. */
door_peer *door_table_oldest_opening(const door_table *table);
door_peer *door_table_oldest_beyond(const door_table *table, const uint8_t key[COR_CURVE_LEN], size_t most);
door_peer *door_table_heaviest(const door_table *table);

#endif
