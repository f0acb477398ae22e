/* tries.h - key files opened over the agent's socket, and how often in vain. */
#ifndef AGENT_TRIES_H
#define AGENT_TRIES_H
#include "corridor/office.h"

#include <openssl/evp.h>

typedef struct tries tries;

tries *tries_new(void); /* NULL: out of memory */
void tries_destroy(tries **t);

/* cor_keyfile_open; LIMIT_REACHED, with nothing tried, while this user's earlier
 * failures at this file are too fresh. Any thread. */
EVP_PKEY *tries_open(tries *t, const char *path, const cor_holder *holder, cor_error *err) COR_MUST_CHECK;
#endif
