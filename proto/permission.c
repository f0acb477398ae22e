/* permission.c - what may pass between two roles, as the CA's list says (permission.h).
 *
 * For: the gate, and everyone who shows what it will permit. Deny by default: a pair of
 * roles that no row names has nothing. Every answer is a set of categories or a plain
 * yes, from the list alone: no I/O, no clock, no allocation.
 * Trusts: the list passed cards_check.c and permission_check.c, so that one row at most
 * fits. Nothing is fatal. */
#include "corridor/permission.h"
#include "corridor/gate.h"
#include "corridor/sop.h"
#include <string.h>

#define CAT(x) COR_BIT(COR_CAT(x))
#define ROLE(x) COR_BIT(COR_ROLE(x))
/* Whose child data crosses a border on its way to the origin mission. */
#define HOST_SIDE (ROLE(HOST_MISSION) | ROLE(PARTNER) | ROLE(OTHER_RETURN_ACTOR))

static bool listed(const Corridor__V1__Role *roles, size_t n, Corridor__V1__Role wanted) {
  for (size_t i = 0; i < n; i++)
    if (roles[i] == wanted) return true;
  return false;
}

uint32_t cor_permission_set(const Corridor__V1__Permission *const *list, size_t n, Corridor__V1__Role sender,
                            Corridor__V1__Role recipient, Corridor__V1__Compartment compartment) {
  for (size_t i = 0; i < n; i++) {
    const Corridor__V1__Permission *row = list[i];
    if (row->compartment == compartment && listed(row->senders, row->n_senders, sender) &&
        listed(row->recipients, row->n_recipients, recipient))
      return cor_category_set(row->enter, row->n_enter) & cor_category_set(row->view, row->n_view);
  }
  return 0;
}

uint32_t cor_agreement_set(const Corridor__V1__Agreement *agreement, Corridor__V1__Role sender,
                           Corridor__V1__Role recipient) {
  const bool crosses = recipient == COR_ROLE(ORIGIN_MISSION) && (COR_BIT(sender) & HOST_SIDE);
  uint32_t set = cor_category_set(agreement->categories, agreement->n_categories);
  if (agreement->record_transfer_mou[0] == '\0') set &= ~(CAT(HEALTH_DATA) | CAT(MENTAL_HEALTH));
  if (crosses && agreement->child_data_protocol[0] == '\0') set &= ~CAT(CHILD_BID);
  return set;
}

bool cor_agreement_names(const Corridor__V1__Agreement *agreement, const char *office) {
  for (size_t i = 0; i < agreement->n_offices; i++)
    if (strcmp(agreement->offices[i], office) == 0) return true;
  return false;
}

bool cor_agreement_binds(const Corridor__V1__Agreement *agreement, const char *one, const char *other,
                         int64_t now) {
  return cor_agreement_names(agreement, one) && cor_agreement_names(agreement, other) &&
         agreement->valid_from <= now && now < agreement->valid_until;
}

bool cor_region_suspended(const Corridor__V1__SuspendedRegion *const *list, size_t n, const char *region,
                          int64_t now) {
  for (size_t i = 0; i < n; i++)
    if (list[i]->since <= now && strcmp(list[i]->region, region) == 0) return true;
  return false;
}
