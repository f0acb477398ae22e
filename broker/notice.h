/* notice.h - the hub's own messages: end notices, withdrawal notices, obligation
 * notices. Unsealed, coded, signed by the hub; they go the way of every message
 * (stored, claimed, receipted) and overtake. Gathered in a transaction and
 * written with it, those for one office bundled (bundle.c), one batch signature
 * for all. */
#ifndef BROKER_NOTICE_H
#define BROKER_NOTICE_H
#include "core.h"

typedef struct notice {
  uint8_t id[COR_ID_LEN];
  char recipient[COR_OFFICE_MAX + 1];
  Corridor__V1__MessageType type;
  uint8_t handle[COR_ID_LEN]; /* as the recipient knows the case */
  uint8_t case_handle[COR_ID_LEN];
  bool has_case;
  uint8_t in_reply_to[COR_ID_LEN];
  cor_buf body;
} notice;

typedef struct notices {
  int64_t now;
  notice *list;
  size_t n, cap;
} notices;

/* handle and in_reply_to: 16 bytes; case_handle NULL = none. body is encoded.
 * Returns the notice's message id, valid until the next notice_add; NULL if the
 * recipient is the hub itself. */
const uint8_t *notice_add(notices *all, const char *recipient, Corridor__V1__MessageType type,
                          const uint8_t *handle, const uint8_t *case_handle, const uint8_t *in_reply_to,
                          const ProtobufCMessage *body);
/* END_NOTICE for a message of this sender. receipt may be empty. */
void notice_end(notices *all, const char *sender, const uint8_t *message_id, const uint8_t *handle,
                const uint8_t *case_handle, Corridor__V1__EndState state, int reason, int64_t at,
                cor_bytes receipt);
/* Once: the bodies are gone after it. */
bool notice_write(notices *all, core *c, int64_t now) COR_MUST_CHECK;
void notice_clear(notices *all);
#endif
