/* admit.h - settles a round's submissions: dedupe, gate, one transaction per run. */
#ifndef BROKER_ADMIT_H
#define BROKER_ADMIT_H
#include "intake.h"

/* After the call every submission has a code, and a receipt when admitted. What
 * could not be committed has HUB_UNAVAILABLE and may be sent again. */
void admit_round(core *c, round_t *r);
#endif
