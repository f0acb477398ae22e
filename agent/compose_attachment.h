/* compose_attachment.h - a file becomes the messages that carry it. */
#ifndef AGENT_COMPOSE_ATTACHMENT_H
#define AGENT_COMPOSE_ATTACHMENT_H
#include "compose.h"

#include "corridor/attachment.h"

typedef struct compose_file {
  cor_bytes bytes;
  Corridor__V1__AttachmentKind kind; /* as cor_attachment_kind found it */
  Corridor__V1__AttachmentTitle title;
  const uint8_t *belongs_to; /* a message id, or NULL */
} compose_file;

/* One message for each part, each judged, sealed and signed as compose_message does;
 * order says all but the body. Call between store_begin and store_commit: kept whole
 * or not at all. id is the attachment's. ATTACHMENT_LIMIT when it is too large, or
 * the case has had as many parts from here as it may. */
bool compose_attachment(agent *a, const compose_order *order, const compose_file *file,
                        uint8_t id[COR_ID_LEN], cor_error *err) COR_MUST_CHECK;
#endif
