/* content.h - what a planned message says: its header and its body before
 * sealing, the same every time it is asked for. */
#ifndef CASELOAD_CONTENT_H
#define CASELOAD_CONTENT_H
#include "plan.h"
#include <corridor/v1/envelope.pb-c.h>

/* A header and the room its fields point into; must not move while in use. */
typedef struct draft {
  Corridor__V1__Header header;
  char sender[COR_OFFICE_MAX + 1], recipient[COR_OFFICE_MAX + 1];
  uint8_t id[COR_ID_LEN], handle[COR_ID_LEN], consent[COR_ID_LEN], answers[COR_ID_LEN], sha256[COR_HASH_LEN];
  Corridor__V1__DataCategory categories[16];
} draft;

/* All but the body's size and digest. */
void content_header(const plan *p, const planned *m, draft *out);
/* Canonical bytes of the type's own message, checked as an agent checks them. */
bool content_body(const plan *p, const planned *m, cor_buf *out, cor_error *err) COR_MUST_CHECK;
/* The hub-only cover of an offer; borrows header_hash. False: another kind. */
typedef struct cover_draft {
  Corridor__V1__Cover cover;
  uint8_t handle[COR_ID_LEN], consent[COR_ID_LEN], need[COR_ID_LEN];
} cover_draft;
bool content_cover(const plan *p, const planned *m, const uint8_t *header_hash, cover_draft *out);

/* SHA-256 over every message's header and body, in order. */
bool content_digest(const plan *p, uint8_t out[COR_HASH_LEN], cor_error *err) COR_MUST_CHECK;
#endif
