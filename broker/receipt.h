/* receipt.h - signed delivery receipts: the recipient has it on disk. */
#ifndef BROKER_RECEIPT_H
#define BROKER_RECEIPT_H
#include "intake.h"

/* Marks deliveries, tells senders, opens duties that start at delivery. A
 * receipt that could not be committed is asked for again: the lease runs out
 * and the agent answers the resend with the same receipt. */
void receipt_round(core *c, round_t *r);
#endif
