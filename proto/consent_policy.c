/* consent_policy.c - what of the table of scopes a programme does not take.
 *
 * For: the CA before it puts a policy on its list, every reader of a published list,
 * and the office that records a consent. Guarantees: no policy shuts a scope whole, so
 * that nobody is left without a way to consent to what they want. Pure; nothing is
 * fatal. */
#include "corridor/consent_policy.h"
#include "corridor/consent.h"
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include <stdio.h>
#include <string.h>

static const ProtobufCEnumDescriptor *const scopes = &corridor__v1__consent_scope_code__descriptor,
                                            *const methods = &corridor__v1__consent_method__descriptor;

static const char *name_of(const ProtobufCEnumDescriptor *type, int value) {
  const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(type, value);
  return known ? known->name : "?";
}

static unsigned forbidden_by(const Corridor__V1__ConsentPolicy *policy) {
  unsigned set = 0;
  for (size_t i = 0; i < policy->n_forbidden; i++)
    if ((unsigned)policy->forbidden[i] < 32) set |= COR_BIT(policy->forbidden[i]);
  return set;
}

static bool policy_ok(const Corridor__V1__ConsentPolicy *policy, const char *path, cor_error *err) {
  const cor_scope_row *row = cor_scope_find(policy->scope);
  const unsigned set = forbidden_by(policy);
  if (!row) return cor_fail(err, COR_UNKNOWN_ENUM, path, "a policy is of one scope of consent");
  if (policy->n_forbidden == 0 || policy->n_forbidden > methods->n_values || (set & ~row->methods))
    return cor_fail(err, COR_BAD_INPUT, path,
                    "a policy forbids one or more of the ways in which %s can be given, and no other",
                    name_of(scopes, (int)row->scope));
  if (set == row->methods)
    return cor_fail(err, COR_CONFLICT, path, "this leaves no way to consent to %s at all; leave one",
                    name_of(scopes, (int)row->scope));
  return true;
}

bool cor_consent_policies_ok(const Corridor__V1__CardList *list, cor_error *err) {
  char path[48];
  if (list->n_consent_policies > scopes->n_values)
    return cor_fail(err, COR_TOO_LARGE, "consentPolicies", "a list has one policy for a scope at most");
  for (size_t i = 0; i < list->n_consent_policies; i++) {
    snprintf(path, sizeof path, "consentPolicies/%zu", i);
    if (!policy_ok(list->consent_policies[i], path, err)) return false;
    for (size_t k = 0; k < i; k++)
      if (list->consent_policies[k]->scope == list->consent_policies[i]->scope)
        return cor_fail(err, COR_CONFLICT, path, "a second policy for %s; one says it all",
                        name_of(scopes, (int)list->consent_policies[i]->scope));
  }
  return true;
}

/* "WRITTEN, THUMBPRINT" */
static const char *names_of(unsigned set, char *out, size_t cap) {
  size_t used = 0;
  out[0] = '\0';
  for (unsigned i = 0; i < 32 && used < cap; i++)
    if (set & COR_BIT(i))
      used += (size_t)snprintf(out + used, cap - used, "%s%s", used ? ", " : "", name_of(methods, (int)i));
  return out;
}

static bool allows(const Corridor__V1__CardList *list, Corridor__V1__ConsentScopeCode scope,
                   Corridor__V1__ConsentMethod method, const char *path, cor_error *err) {
  char left[160];
  for (size_t i = 0; i < list->n_consent_policies; i++) {
    const Corridor__V1__ConsentPolicy *policy = list->consent_policies[i];
    const cor_scope_row *row = cor_scope_find(policy->scope);
    const unsigned set = forbidden_by(policy);
    if (policy->scope != scope || !row || (unsigned)method >= 32 || !(set & COR_BIT(method))) continue;
    return cor_fail(err, COR_BAD_INPUT, path,
                    "this programme does not take %s for %s; it takes %s. Nothing was kept",
                    name_of(methods, (int)method), name_of(scopes, (int)scope),
                    names_of(row->methods & ~set, left, sizeof left));
  }
  return true;
}

bool cor_consent_policy_allows(const Corridor__V1__CardList *list, const Corridor__V1__ConsentRecord *record,
                               Corridor__V1__ConsentMethod method, cor_error *err) {
  char path[48];
  for (size_t i = 0; i < record->n_scopes; i++) {
    snprintf(path, sizeof path, "/consent/scopes/%zu", i);
    if (!allows(list, record->scopes[i]->scope, method, path, err)) return false;
  }
  return true;
}
