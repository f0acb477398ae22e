/* prepare.h - one day's messages, sealed and signed, ready to go. */
#ifndef CASELOAD_PREPARE_H
#define CASELOAD_PREPARE_H
#include "programme.h"

typedef struct letter {
  const planned *planned;
  member *from, *to; /* to NULL: the hub */
  uint8_t id[COR_ID_LEN], header_hash[COR_HASH_LEN];
  cor_buf header, envelope, body; /* canonical Header, Envelope; the seal or record */
  struct letter *next;            /* in its strand, NULL = last */
  struct letter *queued;          /* next in its sender's queue */
  bool admitted, delivered, left_out;
} letter;

typedef struct mailbag {
  letter *list;
  size_t n;
} mailbag;

/* Seals and signs on so many threads. A batch signature covers what one office
 * has in hand at once: one sender, one kind (so one compartment, and the same
 * place in its strand: nothing is signed before what it answers). */
typedef struct preparation preparation;
/* Begins on threads of its own; plan and programme must outlive it. */
preparation *prepare_begin(const plan *p, const programme *all, size_t day, size_t threads);
/* Waits for it and takes what it made; NULL is nothing begun. *cpu_us: what it took. */
bool prepare_end(preparation **which, mailbag *out, int64_t *cpu_us, cor_error *err) COR_MUST_CHECK;
/* The same for who has no use for it any more. */
void prepare_drop(preparation **which);
void prepare_clear(mailbag *bag);
#endif
