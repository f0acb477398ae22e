/* attachment.h - signed scans, voice recordings, medical letters: how a file becomes
 * chunks, and which files may travel (PROTOCOL 7, attachments).
 *
 * One chunk is one message of its own, sealed and gated like any other. A chunk fills
 * the size class of 64 KiB: on a line of 64 kbit/s it takes 8.4 s, so that a line
 * that is cut each minute still moves on, and what is urgent waits for one at most. */
#ifndef CORRIDOR_ATTACHMENT_H
#define CORRIDOR_ATTACHMENT_H
#include "corridor/base.h"
#include <corridor/v1/attachment.pb-c.h>

enum {
  COR_ATTACHMENT_MAX = 25 * 1024 * 1024,
  COR_CHUNK_BYTES = 64000, /* in each chunk but the last */
  COR_CHUNKS_MAX = (COR_ATTACHMENT_MAX + COR_CHUNK_BYTES - 1) / COR_CHUNK_BYTES,
  COR_CHUNKS_PER_CASE = 10 * COR_CHUNKS_MAX /* from one office, ever */
};

/* How many chunks a file of this size makes; 0 for none, or too many bytes. */
size_t cor_chunk_count(size_t total);
/* How many bytes the number-th (from 1) of them holds. */
size_t cor_chunk_size(size_t total, size_t number);

/* What the bytes are, by their structure from the first byte to the last.
 * KIND_NOT_ALLOWED for anything that is not wholly one PDF, JPEG or Ogg Opus file. */
bool cor_attachment_kind(cor_bytes file, Corridor__V1__AttachmentKind *kind, cor_error *err) COR_MUST_CHECK;
#endif
