/* outbox.h - messages that wait to be sent: sealed and signed beforehand. */
#ifndef BENCH_OUTBOX_H
#define BENCH_OUTBOX_H
#include "cases.h"

typedef struct letter {
  uint8_t id[COR_ID_LEN];
  Corridor__V1__Envelope *envelope;
  const cor_buf *body;
  int64_t sent_us;
  bool done;
} letter;

typedef struct outbox {
  letter *list;
  size_t n;
  cor_buf *bodies; /* seals in turn */
  size_t n_bodies;
} outbox;

/* n case files of the office about its cases in turn, body bytes of plaintext
 * class each, batch headers to a signature (1 = the single form). */
void outbox_make(outbox *all, office *o, const char *recipient, const cases *about, size_t n, size_t body,
                 size_t batch);
void outbox_clear(outbox *all);
/* The place in the outbox that a message id of the load names; n if none. */
size_t outbox_find(const outbox *all, ProtobufCBinaryData id);
#endif
