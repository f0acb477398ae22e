/* compose.h - from what a person wants to send to a sealed, signed, kept message. */
#ifndef AGENT_COMPOSE_H
#define AGENT_COMPOSE_H
#include "agent.h"
#include "release.h"

enum { COMPOSE_CATEGORIES_MAX = 16, COMPOSE_ACT_MAX = 16 };

/* One message to be. Zero or empty = take the default that the SOP table, the
 * body and the store give (deploy/docs/agent-api.md). All pointers borrowed. */
typedef struct compose_order {
  const cor_sop_row *row;
  const char *to;
  uint8_t handle[COR_ID_LEN];
  Corridor__V1__Compartment compartment;
  /* A record that speaks of a sealed message is seen by whom that message is for;
   * 0 = filed under its own compartment. */
  Corridor__V1__Compartment filed_under;
  const ProtobufCMessage *body;
  const char *path;           /* JSON Pointer of the body in the request */
  const uint8_t *consent;     /* 16 bytes */
  const uint8_t *in_reply_to; /* 16 bytes */
  Corridor__V1__LegalBasis basis;
  Corridor__V1__Purpose purpose;
  Corridor__V1__Outcome outcome;
  uint32_t categories; /* bits */
  int64_t event_at, expires_at;
  Corridor__V1__Cover *cover; /* offers only */
  const release *two;         /* the two people who release it; NULL = none */
} compose_order;

/* Content rules, defaults, local gate, seal, signatures, outbox, for the messages of
 * one act (1 to COMPOSE_ACT_MAX). Call between store_begin and store_commit, so that
 * an act is kept whole or not at all. Each is judged by the store as it was before
 * the act. cards as held by the caller; ids are the new messages'. Refusals name the
 * header field or the body's JSON Pointer, and *at the order. */
bool compose_act(agent *a, const cor_cards *cards, const compose_order *orders, size_t n,
                 uint8_t (*ids)[COR_ID_LEN], size_t *at, cor_error *err) COR_MUST_CHECK;
/* The same for an act that makes one message. */
bool compose_message(agent *a, const cor_cards *cards, const compose_order *order, uint8_t id[COR_ID_LEN],
                     cor_error *err) COR_MUST_CHECK;

/* The messages that a record speaks of (its message_ids), borrowed from body. */
size_t compose_spoken_of(const ProtobufCMessage *body, const ProtobufCBinaryData **ids);
/* What the data dictionary calls the contents of this body: category bits. */
uint32_t compose_categories(const ProtobufCMessage *body);

/* ---- compose_region.c ---- */
/* That the body names no place of return under suspension; REGION_SUSPENDED, or BAD_INPUT
 * where the place is not told well enough, with its JSON Pointer. */
bool compose_region(const Corridor__V1__CardList *list, const compose_order *order, int64_t now,
                    cor_error *err) COR_MUST_CHECK;

/* ---- compose_gate.c ---- */
/* The local gate: what this office can know before the broker judges. known is
 * the case behind order->handle or NULL. Chooses header->consent_id from the
 * case's standing consents when the order named none; chosen receives it. */
bool compose_gate(agent *a, const cor_cards *cards, const compose_order *order, const store_case *known,
                  Corridor__V1__Header *header, uint8_t chosen[COR_ID_LEN], cor_error *err) COR_MUST_CHECK;
#endif
