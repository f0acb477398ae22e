/* roster.h - the card list in force, shared by all threads of the agent, and
 * changed only for a newer one that the programme CA signed. */
#ifndef AGENT_ROSTER_H
#define AGENT_ROSTER_H
#include "corridor/cards.h"
#include "corridor/log.h"
#include "corridor/office.h"

typedef struct roster roster;

/* Reads ca.crt and cardlist from the office's key directory. office and log are
 * borrowed and must outlive the roster. */
roster *roster_load(const char *dir, const cor_office *office, cor_log *log, cor_error *err) COR_MUST_CHECK;
void roster_destroy(roster **r);
const char *roster_dir(const roster *r);

/* The cards cannot change between hold and release; hold them shortly. */
const cor_cards *roster_hold(roster *r);
void roster_release(roster *r);
uint64_t roster_number(roster *r);

/* Takes a newer list: verified, written to DIR/cardlist, then used. The number
 * in force again is no error and changes nothing; a lower one is refused. */
bool roster_replace(roster *r, cor_bytes signed_list, cor_error *err) COR_MUST_CHECK;
/* Re-reads DIR/cardlist (an administrator installed a newer one). */
bool roster_reread(roster *r, cor_error *err) COR_MUST_CHECK;
#endif
