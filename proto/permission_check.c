/* permission_check.c - what a permission table and a list of suspended regions must
 * obey.
 *
 * For: the CA before it puts them on its list, and every reader of a published list;
 * both use these functions, so that a mistake of the CA opens nothing: a table that
 * would give a reader what that role may never have (sop.c) is refused whole.
 * Guarantees: past these checks all codes are known, all counts bounded, and one row at
 * most is about a pair of roles and a function.
 * Trusts: the message has passed codec.h (strings are UTF-8, enums known).
 * Fatal: nothing. */
#include "cert.h"
#include "corridor/gate.h"
#include "corridor/office.h"
#include "corridor/permission.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include <stdio.h>
#include <string.h>

enum { ROLES = COR_ROLE(OVERSIGHT) + 1, COMPARTMENTS = COR_C(MONITORING) + 1, LISTED_MAX = 32 };

typedef struct seen_cells {
  bool of[ROLES][ROLES][COMPARTMENTS];
} seen_cells;

static const char *role_name(Corridor__V1__Role role) {
  const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(&corridor__v1__role__descriptor,
                                                                     (int)role);
  return v ? v->name : "?";
}

static bool roles_ok(const Corridor__V1__Role *roles, size_t n) {
  bool ok = n > 0 && n < ROLES;
  for (size_t i = 0; ok && i < n; i++)
    ok = cor_role_ok(roles[i]);
  return ok;
}

static bool categories_ok(const Corridor__V1__DataCategory *list, size_t n) {
  bool ok = n > 0 && n <= LISTED_MAX;
  for (size_t i = 0; ok && i < n; i++)
    ok = list[i] > CORRIDOR__V1__DATA_CATEGORY__DATA_CATEGORY_UNSPECIFIED && list[i] <= COR_CAT(ASYLUM);
  return ok;
}

static bool row_ok(const Corridor__V1__Permission *row, const char *path, cor_error *err) {
  if (!roles_ok(row->senders, row->n_senders) || !roles_ok(row->recipients, row->n_recipients))
    return cor_fail(err, COR_BAD_INPUT, path, "a permission names senders and recipients by known roles");
  if (!cor_compartment_seals(row->compartment))
    return cor_fail(err, COR_BAD_INPUT, path, "a permission is for one function that has a sealing key");
  if (!categories_ok(row->enter, row->n_enter) || !categories_ok(row->view, row->n_view))
    return cor_fail(err, COR_BAD_INPUT, path,
                    "a permission says what may be entered and what may be viewed, in known categories");
  return true;
}

/* The table cannot open what the SOP table keeps shut for a reader. */
static bool never_opened(const Corridor__V1__Permission *row, const char *path, cor_error *err) {
  const uint32_t view = cor_category_set(row->view, row->n_view);
  for (size_t i = 0; i < row->n_recipients; i++)
    if (view & cor_sop_never(row->recipients[i]))
      return cor_fail(err, COR_CATEGORY_NOT_ALLOWED, path,
                      "%s may never view some of this, whatever a table says: leave it out, or that role",
                      role_name(row->recipients[i]));
  return true;
}

static bool said_once(const Corridor__V1__Permission *row, seen_cells *seen, const char *path,
                      cor_error *err) {
  for (size_t s = 0; s < row->n_senders; s++)
    for (size_t r = 0; r < row->n_recipients; r++) {
      bool *cell = &seen->of[row->senders[s]][row->recipients[r]][row->compartment];
      if (*cell)
        return cor_fail(err, COR_CONFLICT, path, "a second row for %s to %s, %s; one row says it all",
                        role_name(row->senders[s]), role_name(row->recipients[r]),
                        cor_compartment_name(row->compartment));
      *cell = true;
    }
  return true;
}

bool cor_permissions_ok(const Corridor__V1__CardList *list, cor_error *err) {
  seen_cells seen = {0};
  char path[48];
  if (list->n_permissions > COR_PERMISSIONS_MAX)
    return cor_fail(err, COR_TOO_LARGE, "permissions", "a list has at most %d permissions",
                    COR_PERMISSIONS_MAX);
  for (size_t i = 0; i < list->n_permissions; i++) {
    snprintf(path, sizeof path, "permissions/%zu", i);
    if (!row_ok(list->permissions[i], path, err) || !never_opened(list->permissions[i], path, err) ||
        !said_once(list->permissions[i], &seen, path, err))
      return false;
  }
  return true;
}

/* ---- regions ---- */

static bool code_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool cor_region_ok(const char *region) {
  const char country[3] = {region[0], region[0] ? region[1] : '\0', '\0'};
  if (!cor_country_ok(country)) return false;
  if (region[2] == '\0') return true;
  const size_t len = strlen(region + 2);
  bool ok = region[2] == '-' && len >= 2 && len <= 4;
  for (size_t i = 3; ok && region[i]; i++)
    ok = code_char(region[i]);
  return ok;
}

bool cor_suspended_ok(const Corridor__V1__CardList *list, cor_error *err) {
  if (list->n_suspended > COR_SUSPENDED_MAX)
    return cor_fail(err, COR_TOO_LARGE, "suspended", "a list has at most %d suspended regions",
                    COR_SUSPENDED_MAX);
  for (size_t i = 0; i < list->n_suspended; i++) {
    const Corridor__V1__SuspendedRegion *one = list->suspended[i];
    if (!cor_region_ok(one->region))
      return cor_fail(err, COR_BAD_INPUT, "suspended/region",
                      "a region is an ISO 3166-1 or 3166-2 code, as GN or GN-K");
    if (one->since <= 0 || one->reason <= 0 ||
        one->reason > CORRIDOR__V1__SUSPENSION_REASON__PROGRAMME_DECISION)
      return cor_fail(err, COR_BAD_INPUT, "suspended/reason",
                      "the suspension of %s needs a time and a known reason", one->region);
    for (size_t k = 0; k < i; k++)
      if (strcmp(list->suspended[k]->region, one->region) == 0)
        return cor_fail(err, COR_CONFLICT, "suspended/region", "%s is suspended twice", one->region);
  }
  return true;
}
