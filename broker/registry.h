/* registry.h - the card list in the database: import, suspend, load. */
#ifndef BROKER_REGISTRY_H
#define BROKER_REGISTRY_H
#include "core.h"

/* Verifies and stores a newer card list, moves the gate epoch. Same number with
 * other bytes, or a lower number: CONFLICT. */
bool registry_import(db *conn, cor_bytes signed_list, X509 *ca, int64_t now, cor_error *err) COR_MUST_CHECK;
/* Hub-side suspension at once; lifted only by a newer card list. */
bool registry_suspend(db *conn, const char *office, int64_t now, cor_error *err) COR_MUST_CHECK;

/* The list as this process last loaded it, for its threads to share. */
typedef struct registry registry;
registry *registry_new(void);
void registry_destroy(registry **which);
/* If the epoch in the database differs from core->gate_epoch: takes the list that
 * belongs to it, loaded here unless another thread has it already. KEYS to the door
 * and CARDS to sessions are the caller's (*changed). */
bool registry_refresh(core *c, bool *changed) COR_MUST_CHECK;
/* Inside a transaction: locks the epoch row FOR SHARE, asked (db_ask) and answered;
 * *current = false when
 * the core must refresh and try again. */
bool registry_ask(core *c) COR_MUST_CHECK;
bool registry_hold(core *c, bool *current) COR_MUST_CHECK;
/* Standing of a card with the hub's own suspensions applied. */
int registry_standing(core *c, const char *office, int64_t now);
#endif
