/* mail.h - writing messages and their deliveries, set-wise. */
#ifndef BROKER_MAIL_H
#define BROKER_MAIL_H
#include "core.h"
#include <corridor/v1/envelope.pb-c.h>

enum mail_state {
  MAIL_HELD = 0,
  MAIL_QUEUED = 1,
  MAIL_CLAIMED = 2,
  MAIL_DELIVERED = 3,
  MAIL_STOPPED = 4,
  MAIL_EXPIRED = 5,
  MAIL_SUSPENDED = 8 /* admitted, and waits for the end of a suspension */
};

typedef struct mail {
  const Corridor__V1__Header *header; /* borrowed, as all bytes here */
  cor_bytes header_bytes, signature, cover, body;
  const uint8_t *header_hash;
  cor_bytes case_handle, consent_id; /* data NULL = none */
  bool late;
  bool deliver;          /* false: a record for the hub */
  enum mail_state state; /* of the delivery: MAIL_HELD or MAIL_QUEUED */
} mail;

bool mail_write(core *c, const mail *all, size_t n, int64_t now) COR_MUST_CHECK;
#endif
