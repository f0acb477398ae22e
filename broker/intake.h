/* intake.h - rounds: inspected mail, put to its sessions.
 *
 * A round is what the core takes from the door at once: bounded in number and
 * bytes, then settled in a few transactions. */
#ifndef BROKER_INTAKE_H
#define BROKER_INTAKE_H
#include "parcel.h"
#include "session.h"

enum { ROUND_MAX = 256, ROUND_BYTES = 16 * 1024 * 1024, ROUND_MAILS = 1024, ROUND_HELLOS = 16 };

typedef struct round {
  parcel *parcels;          /* owns what the lists below point into */
  submission **submissions; /* ROUND_MAX, in order of arrival */
  size_t n_submissions;
  delivery_receipt **receipts; /* ROUND_MAX */
  size_t n_receipts;
  size_t bytes, n_mails, n_hellos; /* a HELLO costs a transaction */
} round_t;

void round_begin(round_t *r);
void round_clear(round_t *r);
void round_free(round_t *r);
/* Takes from the conveyor until nothing is ready or the round is full. */
void intake(core *c, round_t *r);
/* Sends one RESULTS per connection with what was settled. */
void round_answer(core *c, round_t *r);
#endif
