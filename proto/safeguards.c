/* safeguards.c - do the sealed details of a person bear out what the header's
 * safeguards_met asserts?
 *
 * The broker sees one bit; this is what the bit stands for. The sender's agent
 * runs it before it sets the bit, the recipient's at first opening. "Not known"
 * is not "yes": a gate is passed only when the file says so (deny by default).
 * Nothing is fatal. err->path is the JSON Pointer within the casework part. */
#include "corridor/refusal.h"
#include "corridor/sop.h"
#include <stdio.h>
#include <string.h>

#define YES CORRIDOR__V1__ANSWER__IS_YES

enum { ESCORT_UNTIL = 15, UNKNOWN_AGE = 0 };

typedef struct safeguard {
  bool met;
  const char *field;
  const char *rule;
} safeguard;

static bool all_met(const safeguard *list, size_t n, cor_error *err) {
  for (size_t i = 0; i < n; i++)
    if (!list[i].met)
      return cor_fail(err, COR_SAFEGUARDS_MISSING, list[i].field,
                      "%s; the notification cannot leave before it is", list[i].rule);
  return true;
}

static bool unaccompanied(const Corridor__V1__CaseFileCasework *file) {
  for (size_t i = 0; i < file->n_vulnerabilities; i++)
    if (file->vulnerabilities[i] == CORRIDOR__V1__VULNERABILITY__UMC) return true;
  return false;
}

/* All six, or IOM may not support the child's return at all [003:464]. */
static bool child_check(const Corridor__V1__ChildSafeguards *c, cor_error *err) {
  if (!c)
    return cor_fail(err, COR_SAFEGUARDS_MISSING, "/child",
                    "an unaccompanied child's safeguards are not recorded");
  const safeguard six[] = {
      {c->guardian_host && c->guardian_host->identity_confirmed, "/child/guardianHost/identityConfirmed",
       "the guardian's identity in the host country is confirmed first [003:466]"},
      {c->guardian_origin && c->guardian_origin->identity_confirmed,
       "/child/guardianOrigin/identityConfirmed",
       "the guardian's identity in the country of origin is confirmed first [003:466]"},
      {c->family_assessment_done == YES, "/child/familyAssessmentDone",
       "the family assessment is completed first [003:467]"},
      {c->bid_favours_return == YES, "/child/bidFavoursReturn",
       "the best interests determination favours return first [003:468]"},
      {c->bid_date && c->bid_date[0] != '\0', "/child/bidDate",
       "the date of the best interests determination is recorded first [003:468]"},
      {c->child_willing == YES, "/child/childWilling",
       "the child's willingness is confirmed first [003:470]"},
  };
  return all_met(six, sizeof six / sizeof *six, err);
}

static bool detention_check(const Corridor__V1__CaseFileCasework *file, cor_error *err) {
  const safeguard two[] = {
      {file->immigration_detention_only == YES, "/immigrationDetentionOnly",
       "only people held for immigration matters alone are helped to return [003:247]"},
      {file->access_confidential == YES, "/accessConfidential",
       "direct and confidential access is given first [003:248]"},
  };
  return all_met(two, sizeof two / sizeof *two, err);
}

bool cor_safeguards_check(const Corridor__V1__CaseFileCasework *case_file, cor_error *err) {
  if (!case_file)
    return cor_fail(err, COR_SAFEGUARDS_MISSING, "", "there is no casework part to show the safeguards");
  if (case_file->return_type == CORRIDOR__V1__RETURN_TYPE__FORCED)
    return cor_fail(err, COR_SAFEGUARDS_MISSING, "/returnType",
                    "a forced return is not arranged here [003:199,518]");
  if (case_file->detained == YES && !detention_check(case_file, err)) return false;
  return !unaccompanied(case_file) || child_check(case_file->child, err);
}

/* Age in whole years on that day, by birth date if known, else as stated. Dates
 * are YYYY-MM-DD, checked before; a malformed one gives "unknown". */
static unsigned age_on(const char *birth_date, unsigned stated_age, const char *day) {
  unsigned by, bm, bd, y, m, d;
  if (!birth_date || birth_date[0] == '\0') return stated_age;
  if (!day || sscanf(birth_date, "%4u-%2u-%2u", &by, &bm, &bd) != 3 ||
      sscanf(day, "%4u-%2u-%2u", &y, &m, &d) != 3)
    return UNKNOWN_AGE;
  bool before_birthday = m < bm || (m == bm && d < bd);
  unsigned years = y > by ? y - by : 0;
  return years > 0 && before_birthday ? years - 1 : years;
}

bool cor_escort_check(const Corridor__V1__CaseFileCasework *case_file, const Corridor__V1__Abn *abn,
                      cor_error *err) {
  if (!unaccompanied(case_file)) return true;
  unsigned age = age_on(case_file->birth_date, case_file->age, abn->planned_return_date);
  bool escorted = abn->escort && abn->escort->kind != CORRIDOR__V1__ESCORT_KIND__ESCORT_NONE;
  if (age >= ESCORT_UNTIL || escorted) /* an unknown age is 0: escorted */
    return true;
  return cor_fail(err, COR_SAFEGUARDS_MISSING, "/escort",
                  "an unaccompanied child under 15 travels with a named escort [003:582]");
}
