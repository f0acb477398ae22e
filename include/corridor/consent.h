/* consent.h - what a consent may say, and how it has to be given: data dictionary
 * 4.1 and 4.2 as tables (proto/consent.c, proto/consent_form.c).
 *
 * The coded record is judged by its content rules (sop.h), in the hub too; the
 * form, which only the office that took it can see, by cor_consent_form_check.
 * Scopes and purposes bear the names of these tables everywhere, exports
 * included. No I/O, no clock. */
#ifndef CORRIDOR_CONSENT_H
#define CORRIDOR_CONSENT_H
#include "corridor/base.h"
#include <corridor/v1/consent.pb-c.h>
#include <corridor/v1/record.pb-c.h>

typedef struct cor_scope_row {
  Corridor__V1__ConsentScopeCode scope;
  unsigned purposes;   /* bits of Purpose that this scope may have */
  unsigned methods;    /* bits of ConsentMethod */
  unsigned months_max; /* validity; 0 = no bound of its own */
  bool of_child;       /* given for a child, by others than the child alone */
  bool names_plan;     /* the form says to which version of the plan */
  const char *cite;
} cor_scope_row;
const cor_scope_row *cor_scope_find(Corridor__V1__ConsentScopeCode scope); /* NULL = no such scope */
const cor_scope_row *cor_scope_at(size_t i);                               /* NULL past the end */

/* Names outside Corridor: urn:corridor:purpose:RECEPTION, urn:corridor:scope:PLAN.
 * out is filled and returned; false: not one of ours. */
enum { COR_URN_TEXT = 96 };
const char *cor_purpose_urn(Corridor__V1__Purpose purpose, char out[COR_URN_TEXT]);
const char *cor_scope_urn(Corridor__V1__ConsentScopeCode scope, char out[COR_URN_TEXT]);
bool cor_purpose_of_urn(const char *urn, Corridor__V1__Purpose *out);
bool cor_scope_of_urn(const char *urn, Corridor__V1__ConsentScopeCode *out);

/* Whether this form can carry this record. MISSING_FIELD or BAD_INPUT; the pointer
 * begins with /form or /consent, err->detail says what to do. */
bool cor_consent_form_check(const Corridor__V1__ConsentRecord *record, const Corridor__V1__ConsentForm *form,
                            cor_error *err) COR_MUST_CHECK;

/* The form's canonical bytes, and the digest that binds the record to them. */
bool cor_consent_form_encode(const Corridor__V1__ConsentForm *form, cor_buf *out,
                             uint8_t digest[COR_HASH_LEN], cor_error *err) COR_MUST_CHECK;

/* An end of validity that gives no birth date away: the first quarter of a year that
 * begins a year or more after given_on or, for a child, the last one that begins
 * on or before the day of majority, if that is sooner. Days; majority_on 0 = of
 * age; ms of the day's start. */
int64_t cor_consent_until(int32_t given_on, int32_t majority_on);

/* Who in the office may see that this consent exists: those of PROTECTION or HEALTH
 * where a scope names what they hold, else CASEWORK. */
Corridor__V1__Compartment cor_consent_compartment(const Corridor__V1__ConsentRecord *record);
#endif
