/* release.c - two people for what leaves the two missions.
 *
 * For: compose.c and api_export.c. Trafficking and medical data goes on to a provider
 * or an authority, or into a file, only when two different people who hold the
 * message's compartment have given their passphrases for it (design 4: two-person
 * release). Guarantees: both are verified against the key file, by the same door and
 * with the same delays as any opening (tries.c). Never for reading, and not for what a
 * mental-health professional decided because a life is at risk [004:3025]: there one
 * officer is enough, and the review comes after. Accounts are all the agent knows: that
 * two accounts are two people is the office's to see to.
 * Trusts the categories of header, body and offer: what somebody writes into a free
 * text no program can tell. Fatal: nothing. */
#include "release.h"

#include "corridor/gate.h"
#include "corridor/refusal.h"

#include <stdio.h>
#include <string.h>

#define GUARDED                                                                                              \
  (COR_BIT(COR_CAT(HEALTH_DATA)) | COR_BIT(COR_CAT(MENTAL_HEALTH)) | COR_BIT(COR_CAT(PROTECTION_RISK)))
/* The two missions, and who acts for one under its agreement (design 1). */
#define INSIDE                                                                                               \
  (COR_BIT(COR_ROLE(HOST_MISSION)) | COR_BIT(COR_ROLE(ORIGIN_MISSION)) | COR_BIT(COR_ROLE(PARTNER)) |        \
   COR_BIT(COR_ROLE(HUB)))

static bool guarded(const Corridor__V1__Header *header, uint32_t carried) {
  return ((cor_category_set(header->categories, header->n_categories) | carried) & GUARDED) != 0;
}

bool release_for_sending(const cor_cards *cards, const Corridor__V1__Header *header, uint32_t carried) {
  if (!guarded(header, carried) || header->basis == COR_BASIS(LIFE_AT_RISK)) return false;
  if (header->type == COR_T(REFERRAL_HANDOVER)) return true;
  const cor_card *card = cor_cards_find(cards, header->recipient);
  return card == NULL || !(COR_BIT(card->card->role) & INSIDE);
}

bool release_for_export(const Corridor__V1__Header *header) {
  return guarded(header, 0) || (COR_BIT(header->compartment) & COR_RESTRICTED) != 0;
}

bool release_given(const release *r, Corridor__V1__Compartment compartment, cor_error *err) {
  if (r != NULL && (r->compartments & COR_BIT(compartment))) return true;
  return cor_fail(err, COR_SECOND_PERSON_NEEDED, "",
                  "name two different holders of the %s key, with their passphrases; nothing was sent or "
                  "written",
                  cor_compartment_name(compartment));
}

static bool opens(agent *a, Corridor__V1__Compartment compartment, const cor_holder *holder, cor_error *err) {
  char path[4096 + 64];
  snprintf(path, sizeof path, "%s/keys/%s.key", roster_dir(a->roster), cor_compartment_name(compartment));
  EVP_PKEY *key = tries_open(a->tries, path, holder, err);
  EVP_PKEY_free(key);
  return key != NULL;
}

bool release_by(agent *a, const cor_holder *first, const cor_holder *second, unsigned compartments,
                release *out, cor_error *err) {
  *out = (release){first->user, second->user, 0};
  if (strcmp(first->user, second->user) == 0)
    return cor_fail(err, COR_SECOND_PERSON_NEEDED, "",
                    "the second person must be another than the first; nothing was sent or written");
  for (unsigned c = COR_C(OPERATIONS); c <= COR_C(MONITORING); c++) {
    if (!(compartments & COR_BIT(c))) continue;
    if (!opens(a, (Corridor__V1__Compartment)c, first, err) ||
        !opens(a, (Corridor__V1__Compartment)c, second, err))
      return false;
    out->compartments |= COR_BIT(c);
  }
  return true;
}

void release_text(const release *r, char out[RELEASE_TEXT]) {
  (void)snprintf(out, RELEASE_TEXT, "%s, %s", r->first, r->second);
}
