/* inbox.h - what an office of the load does with a delivery: verify, remember to
 * receipt; receipts go out signed together. */
#ifndef BENCH_INBOX_H
#define BENCH_INBOX_H
#include "office.h"

typedef void (*inbox_ended)(void *ctx, const uint8_t message_id[COR_ID_LEN]);
/* Verifies one DELIVER and adds its receipt. ended is told each message that an end
 * notice in it, alone or in a bundle, says is DELIVERED. Any other end is fatal. */
void inbox_take(office *o, const heard *h, inbox_ended ended, void *ctx);
/* Sends what waits, under one signature. */
void inbox_receipt(office *o);
#endif
