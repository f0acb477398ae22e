/* ca_draft.h - the CA's draft list, as ca.c and ca_table.c change it. Internal to
 * libcorridor. */
#ifndef CORRIDOR_PROTO_CA_DRAFT_H
#define CORRIDOR_PROTO_CA_DRAFT_H
#include "corridor/ca.h"

struct cor_ca {
  char *dir;
  EVP_PKEY *key;
  X509 *cert;
  Corridor__V1__CardList *list; /* the draft */
};

/* Takes a changed list that may borrow from the present one: it is encoded,
 * written and read back, and only then replaces it. */
bool cor_ca_replace_draft(cor_ca *ca, const Corridor__V1__CardList *changed, cor_error *err) COR_MUST_CHECK;
/* A copy of an array of pointers with item at position at; at = n appends. NULL: no
 * memory. Free with free. */
void *cor_ca_with_item(void *const *items, size_t n, size_t at, const void *item);
#endif
