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
/* The same, and since when the holder is one by recovery (0: is none such). */
EVP_PKEY *tries_open_share(tries *t, const char *path, const cor_holder *holder, int64_t *recovered_at,
                           cor_error *err) COR_MUST_CHECK;
/* cor_office_open, likewise. */
bool tries_office(tries *t, const char *dir, const char *passphrase, cor_office *out,
                  cor_error *err) COR_MUST_CHECK;
#endif
