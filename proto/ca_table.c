/* ca_table.c - what the CA's list says beside its cards: agreements, calendars, the
 * permission table, consent policies, regions under suspension.
 *
 * For: the people who run the programme CA; ca.c keeps the draft and publishes it.
 * Guarantees: nothing enters the draft that cards_check.c or permission_check.c would
 * refuse; an agreement replaces the one of its id, a calendar its country's, a table of
 * permissions or of consent policies the whole table before it, so that what stands in the file entered
 * last is what is in force.
 * Trusts: the draft. Fatal: nothing; on any error the draft on disk is the one before. */
#include "ca_draft.h"
#include "cert.h"
#include "corridor/consent_policy.h"
#include "corridor/permission.h"
#include "corridor/refusal.h"
#include <stdlib.h>
#include <string.h>

bool cor_ca_put_agreement(cor_ca *ca, const Corridor__V1__Agreement *agreement, cor_error *err) {
  if (!cor_agreement_ok(agreement, err)) return false;
  Corridor__V1__CardList next = *ca->list;
  size_t at = 0;
  while (at < next.n_agreements && strcmp(next.agreements[at]->id, agreement->id) != 0)
    at++;
  next.agreements = cor_ca_with_item((void *const *)next.agreements, next.n_agreements, at, agreement);
  if (!next.agreements) return cor_fail(err, COR_INTERNAL, "", "out of memory");
  if (at == next.n_agreements) next.n_agreements++;
  bool ok = cor_ca_replace_draft(ca, &next, err);
  free(next.agreements);
  return ok;
}

bool cor_ca_put_calendar(cor_ca *ca, const Corridor__V1__Calendar *calendar, cor_error *err) {
  if (!cor_calendar_ok(calendar, err)) return false;
  Corridor__V1__CardList next = *ca->list;
  size_t at = 0;
  while (at < next.n_calendars && strcmp(next.calendars[at]->country, calendar->country) != 0)
    at++;
  next.calendars = cor_ca_with_item((void *const *)next.calendars, next.n_calendars, at, calendar);
  if (!next.calendars) return cor_fail(err, COR_INTERNAL, "", "out of memory");
  if (at == next.n_calendars) next.n_calendars++;
  bool ok = cor_ca_replace_draft(ca, &next, err);
  free(next.calendars);
  return ok;
}

bool cor_ca_set_permissions(cor_ca *ca, const Corridor__V1__CardList *table, cor_error *err) {
  Corridor__V1__CardList next = *ca->list;
  next.permissions = table->permissions;
  next.n_permissions = table->n_permissions;
  return cor_permissions_ok(&next, err) && cor_ca_replace_draft(ca, &next, err);
}

bool cor_ca_set_consent_policies(cor_ca *ca, const Corridor__V1__CardList *table, cor_error *err) {
  Corridor__V1__CardList next = *ca->list;
  next.consent_policies = table->consent_policies;
  next.n_consent_policies = table->n_consent_policies;
  return cor_consent_policies_ok(&next, err) && cor_ca_replace_draft(ca, &next, err);
}

static size_t find_region(const Corridor__V1__CardList *list, const char *region) {
  size_t i = 0;
  while (i < list->n_suspended && strcmp(list->suspended[i]->region, region) != 0)
    i++;
  return i;
}

bool cor_ca_suspend_region(cor_ca *ca, const Corridor__V1__SuspendedRegion *region, cor_error *err) {
  Corridor__V1__CardList next = *ca->list;
  const size_t at = find_region(&next, region->region);
  next.suspended = cor_ca_with_item((void *const *)next.suspended, next.n_suspended, at, region);
  if (!next.suspended) return cor_fail(err, COR_INTERNAL, "", "out of memory");
  if (at == next.n_suspended) next.n_suspended++;
  bool ok = cor_suspended_ok(&next, err) && cor_ca_replace_draft(ca, &next, err);
  free(next.suspended);
  return ok;
}

bool cor_ca_lift_region(cor_ca *ca, const char *region, cor_error *err) {
  Corridor__V1__CardList next = *ca->list;
  const size_t at = find_region(&next, region);
  if (at == next.n_suspended)
    return cor_fail(err, COR_BAD_INPUT, "region", "this region is not under suspension; nothing was changed");
  /* The last one takes its place: the order says nothing. */
  Corridor__V1__SuspendedRegion *gone = next.suspended[at];
  next.suspended[at] = next.suspended[next.n_suspended - 1];
  next.suspended[next.n_suspended - 1] = gone;
  next.n_suspended--;
  return cor_ca_replace_draft(ca, &next, err);
}
