/* release.h - two people for what leaves the two missions (design 4). */
#ifndef AGENT_RELEASE_H
#define AGENT_RELEASE_H
#include "agent.h"

#include <corridor/v1/envelope.pb-c.h>

enum { RELEASE_TEXT = 2 * COR_USER_MAX + 4 };

/* Two different holders, each of every compartment in the mask, who stand behind what
 * is sent or exported. Names are borrowed. */
typedef struct release {
  const char *first, *second;
  unsigned compartments;
} release;

/* Opens the keys with both passphrases: slow by design, so before the store is held. */
bool release_by(agent *a, const cor_holder *first, const cor_holder *second, unsigned compartments,
                release *out, cor_error *err) COR_MUST_CHECK;

/* Whether a message of this header, or an export of it, needs two. carried: categories
 * it holds or was announced with, beside the header's. */
bool release_for_sending(const cor_cards *cards, const Corridor__V1__Header *header, uint32_t carried);
bool release_for_export(const Corridor__V1__Header *header);
/* SECOND_PERSON_NEEDED unless r (may be NULL) covers the compartment. */
bool release_given(const release *r, Corridor__V1__Compartment compartment, cor_error *err) COR_MUST_CHECK;
/* "fatou, sekou": for the timeline. */
void release_text(const release *r, char out[RELEASE_TEXT]);

#endif
