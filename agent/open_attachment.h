/* open_attachment.h - the parts of a file, opened and put together. */
#ifndef AGENT_OPEN_ATTACHMENT_H
#define AGENT_OPEN_ATTACHMENT_H
#include "open.h"

#include "corridor/attachment.h"

typedef struct open_file {
  Corridor__V1__AttachmentKind kind;
  Corridor__V1__AttachmentTitle title;
  uint8_t sha256[COR_HASH_LEN];
  uint8_t belongs_to[COR_ID_LEN];
  bool belongs; /* belongs_to is set */
  size_t size;
  size_t here, of; /* parts opened (of a look: kept), parts of the whole */
  cor_buf bytes;   /* the file, when all of it is here and was asked for */
} open_file;
void open_file_clear(open_file *file);

/* What a file is, from one of its parts. */
bool open_attachment_look(agent *a, const store_attachment *attachment, const cor_holder *holder,
                          open_file *out, cor_error *err) COR_MUST_CHECK;
/* The file itself: every part in its place, the digest of the whole right, the kind
 * found from the bytes the one that was declared. true with no bytes: parts are still
 * to come. What is not to be held is quarantined and the hub told, as of any message. */
bool open_attachment(agent *a, const store_attachment *attachment, const cor_holder *holder, open_file *out,
                     cor_error *err) COR_MUST_CHECK;
#endif
