/* open_attachment.c - the parts of a file, opened and put together.
 *
 * Guarantees: nothing of a file is let out before all its parts are in their places,
 * the digest of the whole is what each part says, and its bytes are of the one kind
 * that was declared; a part that cannot be opened, contradicts the others or comes
 * twice is quarantined and told to the hub (verdict.c), and so is the first part for a
 * fault of the whole. Memory is bounded by the largest attachment; plaintext is
 * zeroed. The store is not held while a part is opened. Trusts the envelopes, which
 * were verified when they were taken. */
#include "open_attachment.h"
#include "verdict.h"
#include "access.h"
#include "link.h"

#include "corridor/codec.h"
#include "corridor/refusal.h"

#include <stdlib.h>
#include <string.h>

typedef struct reader {
  agent *a;
  const store_attachment *of;
  held_key key;
  open_file *file;
  bool started; /* the file's own fields are set */
  bool seen[COR_CHUNKS_MAX];
} reader;

void open_file_clear(open_file *file) {
  cor_buf_clear(&file->bytes);
}

/* ABSENT: there is no such part. */
static store_found load(agent *a, const store_attachment *of, int64_t i, store_message *m, cor_error *err) {
  uint8_t id[COR_ID_LEN];
  if (!store_begin(a->store, err)) return STORE_ERROR;
  store_found found = store_part_at(a->store, of, i, id, err);
  if (found == STORE_FOUND) found = store_message_find(a->store, id, m, err);
  store_rollback(a->store);
  return found;
}

/* Opened and by the content rules; else quarantined. */
static Corridor__V1__AttachmentChunk *open_part(reader *r, const store_message *m, cor_error *err) {
  cor_buf content = {0};
  ProtobufCMessage *chunk = NULL;
  if (m->body.len == 0) {
    (void)cor_fail(err, COR_CANNOT_OPEN, "", "this office erased the content after a withdrawal");
    return NULL;
  }
  Corridor__V1__Header *header = open_header(m, err);
  if (header == NULL) return NULL;
  if (open_unseal(m, header, &r->key, &content, err))
    chunk = cor_decode(&corridor__v1__attachment_chunk__descriptor, cor_buf_view(&content), COR_PLAIN_MAX,
                       true, err);
  if (chunk == NULL) {
    if (!verdict_own_fault(err->code)) verdict_bad(r->a, m, CORRIDOR__V1__END_STATE__UNREADABLE, err->code);
  } else if (!cor_content_check(header->type, header->compartment, chunk, "/content", err)) {
    verdict_bad(r->a, m, CORRIDOR__V1__END_STATE__CONTENT_REFUSED, err->code);
    cor_message_free(chunk);
    chunk = NULL;
  }
  cor_buf_clear(&content);
  cor_message_free(&header->base);
  return (Corridor__V1__AttachmentChunk *)chunk;
}

/* ---- what all parts say ---- */

static void start(reader *r, const Corridor__V1__AttachmentChunk *chunk) {
  open_file *f = r->file;
  f->kind = chunk->kind;
  f->title = chunk->title;
  f->size = chunk->total_size;
  f->of = chunk->of;
  memcpy(f->sha256, chunk->whole_sha256.data, COR_HASH_LEN);
  f->belongs = chunk->belongs_to.len == COR_ID_LEN;
  if (f->belongs) memcpy(f->belongs_to, chunk->belongs_to.data, COR_ID_LEN);
  r->started = true;
}

static bool agrees(const reader *r, const Corridor__V1__AttachmentChunk *chunk) {
  const open_file *f = r->file;
  return chunk->kind == f->kind && chunk->title == f->title && chunk->total_size == f->size &&
         memcmp(chunk->whole_sha256.data, f->sha256, COR_HASH_LEN) == 0 &&
         (chunk->belongs_to.len == COR_ID_LEN) == f->belongs &&
         (!f->belongs || memcmp(chunk->belongs_to.data, f->belongs_to, COR_ID_LEN) == 0);
}

static bool put_in_place(reader *r, const Corridor__V1__AttachmentChunk *chunk, cor_error *err) {
  if (!agrees(r, chunk))
    return cor_fail(err, COR_BAD_INPUT, "/content", "a part speaks of another file than the others");
  if (r->seen[chunk->number - 1])
    return cor_fail(err, COR_BAD_INPUT, "/content/number", "a part came twice, as two messages");
  r->seen[chunk->number - 1] = true;
  r->file->here++;
  memcpy(r->file->bytes.data + (size_t)(chunk->number - 1) * COR_CHUNK_BYTES, chunk->data.data,
         chunk->data.len);
  return true;
}

static bool take_part(reader *r, const store_message *m, cor_error *err) {
  Corridor__V1__AttachmentChunk *chunk = open_part(r, m, err);
  if (chunk == NULL) return false;
  bool ok = true;
  if (!r->started) {
    start(r, chunk);
    r->file->bytes = (cor_buf){malloc(r->file->size), r->file->size};
    ok = r->file->bytes.data != NULL || cor_fail(err, COR_INTERNAL, "", "out of memory; try again");
    if (!ok) r->file->bytes.len = 0;
  }
  if (ok && !put_in_place(r, chunk, err)) {
    ok = false;
    verdict_bad(r->a, m, CORRIDOR__V1__END_STATE__CONTENT_REFUSED, err->code);
  }
  cor_message_free(&chunk->base);
  return ok;
}

/* ---- the whole ---- */

static bool is_whole(const open_file *file, cor_error *err) {
  uint8_t digest[COR_HASH_LEN];
  Corridor__V1__AttachmentKind kind;
  const cor_bytes bytes = cor_buf_view(&file->bytes);
  cor_sha256(digest, &bytes, 1);
  if (memcmp(digest, file->sha256, sizeof digest) != 0)
    return cor_fail(err, COR_BODY_MISMATCH, "/content/wholeSha256", "the parts do not make up the file");
  return cor_attachment_kind(bytes, &kind, err) &&
         (kind == file->kind ||
          cor_fail(err, COR_KIND_NOT_ALLOWED, "/content/kind", "the file is of another kind than was said"));
}

/* A fault of the whole is laid to the first part that came. */
static void refuse(reader *r, int code) {
  store_message m;
  cor_error ignored;
  if (load(r->a, r->of, 0, &m, &ignored) != STORE_FOUND) return;
  verdict_bad(r->a, &m, CORRIDOR__V1__END_STATE__CONTENT_REFUSED, code);
  store_message_clear(&m);
}

/* Who opened it; how many parts there are; that it was good once. */
static bool note(reader *r, const cor_holder *holder, bool good, cor_error *err) {
  agent *a = r->a;
  uint8_t id[COR_ID_LEN];
  store_message m = {0};
  (void)cor_fail(err, COR_NO_SUCH_MESSAGE, "", "no part of the attachment is here");
  if (!store_begin(a->store, err)) return false;
  bool ok = store_part_at(a->store, r->of, 0, id, err) == STORE_FOUND &&
            store_message_find(a->store, id, &m, err) == STORE_FOUND &&
            verdict_note(a, &m, "opened", holder->user, err) &&
            store_attachment_sized(a->store, r->of->n, (int64_t)r->file->of, err) &&
            (m.outgoing || !good || store_in_checked(a->store, &m, COR_OK, err)) &&
            access_state(a, &m, r->key.recovered_at, err);
  store_message_clear(&m);
  if (!ok) {
    store_rollback(a->store);
    return false;
  }
  if (!store_commit(a->store, err)) return false;
  store_announce(a->store);
  if (a->link != NULL) link_wake(a->link);
  return true;
}

static bool take_all(reader *r, cor_error *err) {
  bool ok = true;
  for (int64_t i = 0; ok; i++) {
    store_message m;
    store_found found = load(r->a, r->of, i, &m, err);
    if (found == STORE_ABSENT) break;
    ok = found == STORE_FOUND && take_part(r, &m, err);
    if (found == STORE_FOUND) store_message_clear(&m);
  }
  return ok;
}

bool open_attachment(agent *a, const store_attachment *attachment, const cor_holder *holder, open_file *out,
                     cor_error *err) {
  reader r = {.a = a, .of = attachment, .file = out};
  *out = (open_file){0};
  if (!held_key_get(a, (Corridor__V1__Compartment)attachment->compartment, holder, &r.key, err)) return false;
  bool ok = take_all(&r, err);
  const bool all = ok && out->here == out->of;
  if (all && !is_whole(out, err)) {
    refuse(&r, err->code);
    ok = false;
  }
  ok = ok && note(&r, holder, all, err);
  if (!ok || !all) open_file_clear(out);
  held_key_clear(&r.key);
  return ok;
}

bool open_attachment_look(agent *a, const store_attachment *attachment, const cor_holder *holder,
                          open_file *out, cor_error *err) {
  reader r = {.a = a, .of = attachment, .file = out};
  store_message m;
  *out = (open_file){0};
  if (!held_key_get(a, (Corridor__V1__Compartment)attachment->compartment, holder, &r.key, err)) return false;
  (void)cor_fail(err, COR_NO_SUCH_MESSAGE, "", "no part of the attachment is here");
  bool ok = load(a, attachment, 0, &m, err) == STORE_FOUND;
  if (ok) {
    Corridor__V1__AttachmentChunk *chunk = open_part(&r, &m, err);
    ok = chunk != NULL;
    if (ok) start(&r, chunk);
    if (ok) cor_message_free(&chunk->base);
    store_message_clear(&m);
  }
  out->here = (size_t)attachment->parts;
  ok = ok && note(&r, holder, false, err);
  held_key_clear(&r.key);
  return ok;
}
