/* parcel.h - one mail from the door, and what can be said of it without the
 * database and without knowing its session.
 *
 * Made by the porter, inspected by a worker, taken by the core in the order it
 * came (conveyor.h). One thread at a time has a parcel. */
#ifndef BROKER_PARCEL_H
#define BROKER_PARCEL_H
#include "corridor/envelope.h"
#include "doorway.h"
#include "facts.h"
#include <corridor/v1/session.pb-c.h>

enum { PARCEL_RECEIPTS_MAX = 128 }; /* in one RECEIPTS: half a session's window */

typedef struct submission {
  uint64_t connection, n;
  Corridor__V1__Submission *wire; /* borrows from the parcel's mail, like all below */
  cor_envelope envelope;
  bool verified;            /* envelope read, signature good, sender = connection */
  ProtobufCMessage *record; /* body of a record for the hub */
  facts_item item;
  int code; /* outcome: COR_OK = admitted */
  const char *field;
  char field_text[128];
  const char *agreement; /* that authorised it: of the cards it was decided under; NULL = none */
  cor_buf receipt;       /* SignedContent when admitted */
  bool settled, duplicate;
} submission;

typedef struct delivery_receipt {
  char office[COR_OFFICE_MAX + 1];
  uint64_t connection;
  Corridor__V1__DeliveryReceipt *content;
  cor_buf bytes; /* SignedContent as received */
} delivery_receipt;

typedef struct parcel {
  struct parcel *next;
  bool ready;        /* inspected; the conveyor's to set */
  bool door_changed; /* another door came up; nothing else counts */
  doorway_mail mail;
  cor_frames frames;          /* borrowed from mail; valid if code is COR_OK */
  int code;                   /* COR_OK, or why the connection must end */
  int64_t epoch;              /* of the cards it was verified under (core.gate_epoch) */
  submission submission;      /* SEND */
  delivery_receipt *receipts; /* RECEIPTS */
  size_t n_receipts;
  Corridor__V1__Hello *hello; /* HELLO */
} parcel;

/* Takes the mail over. */
parcel *parcel_new(doorway_mail *mail, bool door_changed);
void parcel_free(parcel *p);
/* Bytes it keeps in memory, as the conveyor's bound counts them. */
size_t parcel_size(const parcel *p);
/* Frames, canonical bytes, digests, signatures, in this order, cheapest first. cards
 * may be NULL (no list yet); memory is shared between threads. A second inspection,
 * under newer cards, replaces the first. */
void parcel_inspect(parcel *p, const cor_cards *cards, int64_t epoch, cor_sign_memory *memory);
#endif
