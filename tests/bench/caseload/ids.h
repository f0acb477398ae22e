/* ids.h - message ids seen today, each with its letter or none. */
#ifndef CASELOAD_IDS_H
#define CASELOAD_IDS_H
#include "prepare.h"

typedef struct ids ids;
ids *ids_new(void);
void ids_destroy(ids **all);
void ids_clear(ids *all);
/* The place of an id; *fresh says whether it was not there before. The pointer
 * holds until the next call. */
letter **ids_at(ids *all, const uint8_t *id, bool *fresh);
#endif
