/* bundle.h - several notices for one office as one message (NOTICE_BUNDLE). */
#ifndef BROKER_BUNDLE_H
#define BROKER_BUNDLE_H
#include "notice.h"

enum {
  BUNDLE_NOTICES_MAX = 64,
  BUNDLE_BYTES_MAX = 48 * 1024 /* of its body: an agent takes no more than COR_CONTROL_MAX */
};

/* Moves what is to be written into *out, which the caller clears: each notice as
 * it is, or as part of a bundle. Of one office: in the order of all. */
void bundle_pack(notices *all, notices *out, int64_t now);
#endif
