/* inbox.h - what an office of the load does with a delivery: verify, remember to
 * receipt; receipts go out signed together. */
#ifndef BENCH_INBOX_H
#define BENCH_INBOX_H
#include "office.h"

/* Verifies one DELIVER and adds its receipt. When it is an end notice that says
 * DELIVERED, *is_end is true and ended the message's id. Any other end is fatal. */
void inbox_take(office *o, const heard *h, uint8_t ended[COR_ID_LEN], bool *is_end);
/* Sends what waits, under one signature. */
void inbox_receipt(office *o);
#endif
