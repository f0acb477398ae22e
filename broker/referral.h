/* referral.h - offers released one by one; never two providers holding one
 * referral (design 6). All inside the caller's transaction. */
#ifndef BROKER_REFERRAL_H
#define BROKER_REFERRAL_H
#include "act.h"
#include <corridor/v1/envelope.pb-c.h>

enum referral_state {
  REFERRAL_HELD,
  REFERRAL_OFFERED,
  REFERRAL_ACCEPTED,
  REFERRAL_DECLINED,
  REFERRAL_LAPSED,
  REFERRAL_TAKEN_BY_OTHER,
  REFERRAL_STOPPED,
  REFERRAL_TAKEN_BACK
};

/* An admitted offer: rank 1 goes out at once, the others are held. */
bool referral_offer(core *c, act *a, const Corridor__V1__Header *header,
                    const Corridor__V1__Cover *cover) COR_MUST_CHECK;
/* An admitted answer: accepted stops the other offers, declined releases the next. */
bool referral_answered(core *c, act *a, const Corridor__V1__Header *header) COR_MUST_CHECK;
/* The gate stopped the offer on its way, or it expired: the next candidate's turn. */
bool referral_stopped(core *c, act *a, const uint8_t handle[COR_ID_LEN]) COR_MUST_CHECK;
/* The person takes back what it stands on: nobody takes it up any more (facts.c), and it
 * is the next candidate's turn. */
bool referral_taken_back(core *c, act *a, const uint8_t handle[COR_ID_LEN]) COR_MUST_CHECK;
/* Silence past the answer time. */
bool referral_lapse(core *c, act *a, const uint8_t handle[COR_ID_LEN]) COR_MUST_CHECK;
#endif
