/* wipe.h - memory that held a person's data or a secret is zeroed before it is
 * given back. */
#ifndef CORRIDOR_WIPE_H
#define CORRIDOR_WIPE_H
#include "corridor/base.h"

/* For any block of malloc: zeroes all of it, then frees it. NULL is fine. */
void cor_wipe_free(void *block);
/* realloc that leaves no copy behind. NULL = no memory, the old block stands. */
void *cor_wipe_realloc(void *block, size_t size);
/* From now on jansson and libcrypto zero every block they free. Call it once,
 * before anything else: false when libcrypto has already taken memory. */
bool cor_wipe_begin(void) COR_MUST_CHECK;
/* What functions that have returned left below the caller's frame. For the end
 * of a piece of work in which libraries copied secrets through their stacks. */
void cor_wipe_stack(void);
#endif
