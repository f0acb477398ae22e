/* door_table.c - the set of connections.
 *
 * Guarantees: never more than max, closed ones that the core has still to be
 * told of included. Searches are linear: the set is a few hundred, and a search
 * costs less than the system call that led to it.
 * Trusts: its caller (door.c). Fatal: nothing. */
#include "door_table.h"
#include "corridor/refusal.h"
#include <stdlib.h>
#include <string.h>

bool door_table_new(door_table *table, size_t max, cor_error *err) {
  *table = (door_table){.peers = calloc(max, sizeof(door_peer *)), .max = max};
  return table->peers != NULL || cor_fail(err, COR_INTERNAL, "connections_max", "out of memory");
}

void door_table_clear(door_table *table) {
  while (table->n > 0)
    door_table_remove(table, table->n - 1);
  free(table->peers);
  table->peers = NULL;
}

void door_table_add(door_table *table, door_peer *peer) {
  table->peers[table->n++] = peer;
}

void door_table_remove(door_table *table, size_t i) {
  if (table->peers[i]->state != DOOR_GONE) door_peer_close(table->peers[i]);
  door_peer_free(&table->peers[i]);
  table->peers[i] = table->peers[--table->n];
}

door_peer *door_table_find(const door_table *table, uint64_t number) {
  for (size_t i = 0; i < table->n; i++)
    if (table->peers[i]->number == number) return table->peers[i];
  return NULL;
}

size_t door_table_count_address(const door_table *table, const uint8_t address[16]) {
  size_t count = 0;
  for (size_t i = 0; i < table->n; i++)
    count += table->peers[i]->state != DOOR_GONE && memcmp(table->peers[i]->address, address, 16) == 0;
  return count;
}

size_t door_table_count_state(const door_table *table, door_peer_state state) {
  size_t count = 0;
  for (size_t i = 0; i < table->n; i++)
    count += table->peers[i]->state == state;
  return count;
}

bool door_table_all_known(const door_table *table) {
  for (size_t i = 0; i < table->n; i++)
    if (table->peers[i]->state != DOOR_GONE && !table->peers[i]->known) return false;
  return true;
}

static size_t held(const door_peer *peer) {
  return peer->unread + peer->forgiven + peer->unsent;
}

size_t door_table_held(const door_table *table) {
  size_t bytes = 0;
  for (size_t i = 0; i < table->n; i++)
    bytes += held(table->peers[i]);
  return bytes;
}

door_peer *door_table_oldest_opening(const door_table *table) {
  door_peer *oldest = NULL;
  for (size_t i = 0; i < table->n; i++) {
    door_peer *peer = table->peers[i];
    if (peer->state == DOOR_OPENING && (oldest == NULL || peer->number < oldest->number)) oldest = peer;
  }
  return oldest;
}

door_peer *door_table_oldest_beyond(const door_table *table, const uint8_t key[COR_CURVE_LEN], size_t most) {
  door_peer *oldest = NULL;
  size_t count = 0;
  for (size_t i = 0; i < table->n; i++) {
    door_peer *peer = table->peers[i];
    if (peer->state != DOOR_ADMITTED || memcmp(peer->key, key, COR_CURVE_LEN) != 0) continue;
    count++;
    if (oldest == NULL || peer->number < oldest->number) oldest = peer;
  }
  return count > most ? oldest : NULL;
}

door_peer *door_table_heaviest(const door_table *table) {
  door_peer *heaviest = NULL;
  for (size_t i = 0; i < table->n; i++)
    if (heaviest == NULL || held(table->peers[i]) > held(heaviest)) heaviest = table->peers[i];
  return heaviest;
}
