/* compose_attachment.c - a file becomes the messages that carry it.
 *
 * For: scans, recordings and letters, which are larger than a message. Guarantees: the
 * file's plaintext is in memory only, the caller's; what is kept is sealed, part by
 * part, and all of it is kept in the caller's transaction or none. The attachment is
 * named by its first part's message id, which the other parts have as in_reply_to.
 * Trusts the kind as found by cor_attachment_kind. */
#include "compose_attachment.h"

#include "corridor/refusal.h"

#include <string.h>

static bool within_limits(agent *a, const compose_order *order, size_t parts, cor_error *err) {
  store_case c;
  int64_t sent;
  if (parts == 0)
    return cor_fail(err, COR_ATTACHMENT_LIMIT, "", "an attachment has 1 byte to 25 MiB; nothing was kept");
  store_found found = store_case_get(a->store, order->handle, &c, err);
  if (found == STORE_ERROR ||
      !store_attachment_sent(a->store, found == STORE_FOUND ? c.case_handle : order->handle, &sent, err))
    return false;
  /* How many there are would tell of those that the asker may not know of. */
  return sent + (int64_t)parts <= COR_CHUNKS_PER_CASE ||
         cor_fail(err, COR_ATTACHMENT_LIMIT, "",
                  "one office sends %d parts of files for a case at most; nothing was kept",
                  (int)COR_CHUNKS_PER_CASE);
}

/* The cards are held for one part at a time: others need them too. */
static bool compose_part(agent *a, const compose_order *order, uint8_t id[COR_ID_LEN], cor_error *err) {
  const cor_cards *cards = roster_hold(a->roster);
  const bool ok = compose_message(a, cards, order, id, err);
  roster_release(a->roster);
  return ok;
}

bool compose_attachment(agent *a, const compose_order *order, const compose_file *file,
                        uint8_t id[COR_ID_LEN], cor_error *err) {
  Corridor__V1__AttachmentChunk chunk = CORRIDOR__V1__ATTACHMENT_CHUNK__INIT;
  compose_order one = *order;
  uint8_t whole[COR_HASH_LEN], part_id[COR_ID_LEN];
  const size_t of = cor_chunk_count(file->bytes.len);
  if (!within_limits(a, order, of, err)) return false;
  cor_sha256(whole, &file->bytes, 1);
  chunk.of = (uint32_t)of;
  chunk.total_size = (uint32_t)file->bytes.len;
  chunk.whole_sha256 = (ProtobufCBinaryData){sizeof whole, whole};
  chunk.kind = file->kind;
  chunk.title = file->title;
  if (file->belongs_to != NULL)
    chunk.belongs_to = (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)file->belongs_to};
  one.body = &chunk.base;
  for (size_t i = 0; i < of; i++) {
    chunk.number = (uint32_t)i + 1;
    chunk.data = (ProtobufCBinaryData){cor_chunk_size(file->bytes.len, i + 1),
                                       (uint8_t *)file->bytes.data + i * COR_CHUNK_BYTES};
    one.in_reply_to = i == 0 ? NULL : id;
    if (!compose_part(a, &one, part_id, err)) return false;
    if (i == 0) memcpy(id, part_id, COR_ID_LEN);
  }
  return true;
}
