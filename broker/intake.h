/* intake.h - from frames to verified submissions.
 *
 * A round is what the core takes from the door at once: bounded in number and
 * bytes, then settled in a few transactions. */
#ifndef BROKER_INTAKE_H
#define BROKER_INTAKE_H
#include "facts.h"
#include "doorway.h"
#include "session.h"
#include "corridor/envelope.h"

enum { ROUND_MAX = 256, ROUND_BYTES = 16 * 1024 * 1024, ROUND_MAILS = 1024, ROUND_HELLOS = 16 };

typedef struct submission {
  uint64_t connection, n;
  doorway_mail mail; /* owns the bytes everything below borrows */
  Corridor__V1__Submission *wire;
  cor_envelope envelope;
  bool verified;            /* envelope read, signature good, sender = connection */
  ProtobufCMessage *record; /* body of a record for the hub */
  facts_item item;
  int code; /* outcome: COR_OK = admitted */
  const char *field;
  char field_text[128];
  cor_buf receipt; /* SignedContent when admitted */
  bool settled, duplicate;
} submission;

typedef struct delivery_receipt {
  char office[COR_OFFICE_MAX + 1];
  uint64_t connection;
  Corridor__V1__DeliveryReceipt *content;
  cor_buf bytes; /* SignedContent as received */
} delivery_receipt;

typedef struct round {
  submission *submissions; /* ROUND_MAX */
  size_t n_submissions;
  delivery_receipt *receipts; /* ROUND_MAX */
  size_t n_receipts;
  size_t bytes, n_mails, n_hellos; /* a HELLO costs a transaction */
} round_t;

void round_begin(round_t *r);
void round_clear(round_t *r);
/* Takes from the link until it is empty or the round is full. */
void intake(core *c, round_t *r);
/* Sends one RESULTS per connection with what was settled. */
void round_answer(core *c, round_t *r);
#endif
