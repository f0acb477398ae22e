/* party.h - one office's agent as the hub sees it: a socket, a session, a window,
 * receipts signed in batches. */
#ifndef CASELOAD_PARTY_H
#define CASELOAD_PARTY_H
#include "corridor/frames.h"
#include "prepare.h"
#include <corridor/v1/session.pb-c.h>
#include <zmq.h>

enum { PARTY_WINDOW = 256, PARTY_RECEIPTS = 64 };

typedef struct owed { /* a delivery on its way to being receipted */
  cor_buf content;    /* canonical DeliveryReceipt */
  letter *letter;     /* NULL: a notice of the hub's */
} owed;

typedef struct party {
  member *office;
  void *socket;
  bool open;
  uint64_t n; /* submissions so far */
  size_t unanswered, window;
  uint64_t unanswered_bytes, window_bytes;
  letter *sent[PARTY_WINDOW]; /* by n */
  letter *first, *last;       /* waiting to be sent */
  owed owed[PARTY_RECEIPTS];
  size_t n_owed;
  int64_t owed_since; /* monotonic ms of the oldest */
} party;

/* What came in one message; control and body are owned by the parts. */
typedef struct arrival {
  zmq_msg_t *parts; /* COR_FRAMES_MAX, the caller's */
  size_t n;
  cor_command command;
  cor_bytes control, body;
} arrival;

/* Connects and says HELLO; WELCOME comes later. */
bool party_open(party *p, void *context, const char *endpoint, const char *hub_key, uint64_t card_list,
                cor_error *err) COR_MUST_CHECK;
void party_close(party *p);
bool party_receive(party *p, arrival *out); /* false: nothing there */
void arrival_close(arrival *a);
bool party_may_send(const party *p);
void party_queue(party *p, letter *l);
/* Sends the first that waits; bytes on the wire. */
size_t party_send(party *p);
/* Notes a delivery (there must be room in owed); the receipt leaves with
 * party_flush. */
bool party_owe(party *p, const Corridor__V1__Delivery *delivery, const Corridor__V1__Header *header,
               const uint8_t *header_hash, letter *l, int64_t now, cor_error *err) COR_MUST_CHECK;
/* Signs and sends all that is owed, as one batch. */
bool party_flush(party *p, cor_error *err) COR_MUST_CHECK;
#endif
