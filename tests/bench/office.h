/* office.h - one office of the load: a strict protocol peer over CURVE. */
#ifndef BENCH_OFFICE_H
#define BENCH_OFFICE_H
#include "corridor/codec.h"
#include "corridor/frames.h"
#include "corridor/office.h"
#include "corridor/sign.h"
#include "programme.h"
#include <corridor/v1/session.pb-c.h>

enum { OFFICE_WINDOW = 256, OFFICE_WINDOW_BYTES = 16 * 1024 * 1024, OFFICE_RECEIPTS_MAX = 64 };

/* One command from the hub; control and body are the office's until the next. */
typedef struct heard {
  cor_command command; /* 0 = nothing there */
  cor_bytes control, body;
} heard;

typedef struct office {
  programme *of;
  cor_office keys;
  void *socket;
  uint8_t epoch[COR_ID_LEN]; /* of the store this office would have */
  uint64_t sequence;         /* highest delivery it has receipted */
  uint64_t said;             /* submissions sent: the n of the last */
  cor_sign_memory *memory;
  /* Delivery receipts that wait to be signed together (inbox.c). */
  cor_buf receipts[OFFICE_RECEIPTS_MAX];
  size_t n_receipts;
  cor_buf control, body;
  size_t control_cap, body_cap;
} office;

/* Loads keys and says HELLO; office_welcomed waits for the answer, so that many
 * can be opened at once. window: deliveries it takes unreceipted. */
void office_open(office *o, programme *p, const char *id, uint32_t window);
void office_welcomed(office *o);
void office_close(office *o);
/* Readable when office_hear may have something. */
int office_fd(const office *o);

void office_say(office *o, cor_command command, const ProtobufCMessage *control, cor_bytes body);
void office_submit(office *o, const Corridor__V1__Envelope *envelope, cor_bytes body);
/* flags: 0 waits, ZMQ_DONTWAIT does not. */
heard office_hear(office *o, int flags);
/* Decodes or dies. */
ProtobufCMessage *office_read(const heard *h, const ProtobufCMessageDescriptor *type);
#endif
