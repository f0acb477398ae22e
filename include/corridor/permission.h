/* permission.h - what the CA's card list lets pass between two roles: the permission
 * table, what an agreement is good for, which regions are under suspension. Pure
 * look-ups, shared by the gate, the CA and who shows the table. The SOP table (sop.h)
 * bounds whatever they say. */
#ifndef CORRIDOR_PERMISSION_H
#define CORRIDOR_PERMISSION_H
#include "corridor/base.h"
#include <corridor/v1/card.pb-c.h>

enum { COR_PERMISSIONS_MAX = 4096, COR_SUSPENDED_MAX = 4096 };

/* Category bits that may pass from one role to a function of the other: 0 if no row
 * names them. */
uint32_t cor_permission_set(const Corridor__V1__Permission *const *list, size_t n, Corridor__V1__Role sender,
                            Corridor__V1__Role recipient, Corridor__V1__Compartment compartment);

/* Category bits an agreement is good for on this route: those it lists, less health
 * without a record-transfer MoU [004:1702-1707], less child data to an origin mission
 * without a transnational protocol [004:3979,4256]. */
uint32_t cor_agreement_set(const Corridor__V1__Agreement *agreement, Corridor__V1__Role sender,
                           Corridor__V1__Role recipient);
bool cor_agreement_names(const Corridor__V1__Agreement *agreement, const char *office);
/* Names both offices, and is in force. */
bool cor_agreement_binds(const Corridor__V1__Agreement *agreement, const char *one, const char *other,
                         int64_t now);

/* Whether exactly this region (ISO 3166-1 or 3166-2) is under suspension now. */
bool cor_region_suspended(const Corridor__V1__SuspendedRegion *const *list, size_t n, const char *region,
                          int64_t now);

/* An ISO 3166-1 code of two capitals, or an ISO 3166-2 code. */
bool cor_region_ok(const char *region);

/* What a whole list must obey of these (permission_check.c): known codes, bounded
 * counts, one row for a pair of roles and a function, and nothing for a reader who may
 * never have it. */
bool cor_permissions_ok(const Corridor__V1__CardList *list, cor_error *err) COR_MUST_CHECK;
bool cor_suspended_ok(const Corridor__V1__CardList *list, cor_error *err) COR_MUST_CHECK;
#endif
