/* consent_policy.h - ways of giving consent that the programme's CA does not take, by
 * scope: a part of the card list. It narrows what the table of scopes (consent.h) allows
 * and never widens it; remote consent is where programmes differ [000:1987-1991]. Pure. */
#ifndef CORRIDOR_CONSENT_POLICY_H
#define CORRIDOR_CONSENT_POLICY_H
#include "corridor/base.h"
#include <corridor/v1/card.pb-c.h>
#include <corridor/v1/record.pb-c.h>

/* What a whole list must obey: known codes, one row for a scope, only ways that the
 * scope has, and one left. */
bool cor_consent_policies_ok(const Corridor__V1__CardList *list, cor_error *err) COR_MUST_CHECK;

/* Whether this list takes a consent to these scopes given in that way: BAD_INPUT, the
 * pointer being the scope's, the detail saying which ways are left. */
bool cor_consent_policy_allows(const Corridor__V1__CardList *list, const Corridor__V1__ConsentRecord *record,
                               Corridor__V1__ConsentMethod method, cor_error *err) COR_MUST_CHECK;
#endif
