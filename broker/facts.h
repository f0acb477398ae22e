/* facts.h - what the gate must know about a run of messages, read set-wise.
 *
 * Locks: facts_ask locks the cases involved in handle order, FOR SHARE for
 * admission and claim, FOR UPDATE for records that change a case. That lock is
 * what makes a withdrawal and a claim see each other (design 4, "Atomic"). */
#ifndef BROKER_FACTS_H
#define BROKER_FACTS_H
#include "core.h"
#include "corridor/attachment.h"
#include <corridor/v1/envelope.pb-c.h>

enum {
  FACTS_BACKLOG_MAX = 256,
  FACTS_PARTS_MAX = 2048, /* of attachments: four of the largest and some */
  /* Of one office in one case, ever: ten attachments of the largest, sealed. */
  FACTS_PART_BYTES_MAX = COR_CHUNKS_PER_CASE * (64 + 2) * 1024
};

typedef enum facts_lock { FACTS_SHARE, FACTS_UPDATE } facts_lock;

typedef struct facts_item {
  const Corridor__V1__Header *header; /* borrowed */
  const Corridor__V1__Cover *cover;   /* borrowed, NULL if none */
  bool claim;                         /* a delivery is being claimed: preconditions and the
                                         sender's card were judged at admission */
  int64_t admitted_at;                /* in for claims */
  bool sent_before;                   /* in for claims: this is not the first */
  uint8_t case_handle[COR_ID_LEN];    /* in for claims, else out */
  bool has_case;                      /* in for claims, else out: the sender's standing */
  bool backlog_full;                  /* out: too much waits for this recipient under this handle */
  bool attached_all;                  /* out: the sender has sent all it may of files in this case */
  cor_gate_facts facts;               /* out */
} facts_item;

/* A run of items: the caller fills in items, n and lock, and keeps it from ask to take. */
typedef struct facts_query {
  facts_item *const *items;
  size_t n;
  facts_lock lock;
  bool cases_known; /* own: all are claims */
  unsigned asked;   /* own: bit per loader */
} facts_query;

/* Asks (db_ask) and takes the answers; the caller takes those of its own earlier
 * asks in between. */
bool facts_ask(core *c, facts_query *q, int64_t now) COR_MUST_CHECK;
bool facts_take(core *c, facts_query *q) COR_MUST_CHECK;
/* Consent the message stands on: the header's, for an offer the cover's; empty if none. */
cor_bytes facts_consent_id(const facts_item *item);
#endif
