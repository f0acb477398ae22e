/* recall.h - what stood on a consent that was taken back, or on a decision that was
 * not upheld: stopped if it waits, asked back if it left. */
#ifndef BROKER_RECALL_H
#define BROKER_RECALL_H
#include "act.h"
#include <corridor/v1/envelope.pb-c.h>

typedef struct recall {
  cor_bytes handle;                    /* the case */
  cor_bytes consent_id;                /* data NULL = every consent */
  bool part;                           /* only what was for this recipient, or for this purpose, or both: */
  const char *recipient;               /* "" = any */
  int purpose;                         /* Purpose, 0 = any */
  cor_bytes message_id;                /* this message only, and no consent; data NULL = what stood on it */
  Corridor__V1__LegalBasis not_upheld; /* of that message */
  const Corridor__V1__Header *header;  /* of the record that took it back */
} recall;

/* All of it, under the case's lock FOR UPDATE. Of one message its recipient only is
 * asked: consents and case stand. */
bool recall_all(core *c, act *a, const recall *what) COR_MUST_CHECK;
#endif
