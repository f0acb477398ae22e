/* consent_form.c - whether a consent form can carry the record made of it: who
 * gave it, how, and what has to be at hand to prove it (data dictionary 4.2).
 *
 * Guarantees: what passes names a giver who may give it, a method that every
 * scope of the record accepts, and evidence of that method; a child's ends before
 * majority. Trusts that the record passed its content rules. Reasons hold no
 * datum. Nothing is fatal. */
#include "corridor/clock.h"
#include "corridor/codec.h"
#include "corridor/consent.h"
#include "corridor/refusal.h"
#include "corridor/sign.h"
#include "corridor/sop.h"
#include <stdio.h>
#include <string.h>

#define GIVER(x) CORRIDOR__V1__GIVER_ROLE__##x
#define METHOD(x) CORRIDOR__V1__CONSENT_METHOD__##x
#define KIND(x) CORRIDOR__V1__EVIDENCE_KIND__##x
#define COUNT(a) (sizeof(a) / sizeof *(a))

enum { GIVERS_MAX = 6, EVIDENCE_MAX = 8, DAY_MS = 24 * 60 * 60 * 1000 };

typedef Corridor__V1__ConsentForm Form;
typedef Corridor__V1__ConsentRecord Record;

static bool blank(const char *text) {
  return !text || text[strspn(text, " ")] == '\0';
}

static bool missing(cor_error *err, const char *pointer, const char *why) {
  return cor_fail(err, COR_MISSING_FIELD, pointer, "%s; nothing was kept", why);
}

static bool wrong(cor_error *err, const char *pointer, const char *why) {
  return cor_fail(err, COR_BAD_INPUT, pointer, "%s; nothing was kept", why);
}

/* ---- who ---- */

static bool is_appointed(Corridor__V1__GiverRole role) {
  return role == GIVER(GUARDIAN_HOST) || role == GIVER(GUARDIAN_ORIGIN) ||
         role == GIVER(LEGAL_REPRESENTATIVE);
}

static bool giver_check(const Corridor__V1__Giver *giver, size_t i, cor_error *err) {
  char at[64];
  snprintf(at, sizeof at, "/form/givers/%zu", i);
  if (giver->role == 0) return missing(err, at, "say in which capacity the consent was given");
  if (giver->role == GIVER(SELF))
    return blank(giver->name) || wrong(err, at, "the person's own name does not belong here");
  if (blank(giver->name) || blank(giver->relation))
    return missing(err, at, "whoever consents for the person is named, with the relation");
  return !is_appointed(giver->role) || !blank(giver->appointment) ||
         missing(err, at, "say who appointed the guardian or representative, and when [003:466; 004:4244]");
}

static bool others_give(const Form *form) {
  for (size_t i = 0; i < form->n_givers; i++)
    if (form->givers[i]->role != GIVER(SELF)) return true;
  return false;
}

static bool givers_check(const Form *form, cor_error *err) {
  if (form->n_givers == 0) return missing(err, "/form/givers", "say who gave the consent");
  if (form->n_givers > GIVERS_MAX)
    return cor_fail(err, COR_TOO_LARGE, "/form/givers", "at most %d give one consent; nothing was kept",
                    GIVERS_MAX);
  for (size_t i = 0; i < form->n_givers; i++)
    if (!giver_check(form->givers[i], i, err)) return false;
  return true;
}

/* A child is heard, and somebody else answers for it [003:431,474]. */
static bool child_check(const Record *record, const Form *form, cor_error *err) {
  int32_t given = 0, majority = 0;
  if (!form->minor) return blank(form->majority_on) || wrong(err, "/form/majorityOn", "goes with minor only");
  if (!others_give(form))
    return missing(err, "/form/givers",
                   "a child's consent is given by a guardian, a parent or a representative too");
  if (blank(form->view_of_child))
    return missing(err, "/form/viewOfChild", "say what the child wants [003:474]");
  if (blank(form->majority_on) || !cor_day_parse(form->majority_on, &majority))
    return missing(err, "/form/majorityOn", "say when the child comes of age: YYYY-MM-DD");
  if (!cor_day_parse(form->given_on, &given) || given >= majority)
    return wrong(err, "/form/majorityOn", "is not after the day the consent was given");
  return record->valid_until <= cor_consent_until(given, majority) ||
         wrong(err, "/consent/validUntil",
               "a child's consent ends with the last quarter that begins before majority; leave "
               "validUntil out to have it set");
}

/* ---- how ---- */

/* What each method has to bring along. */
static const struct {
  Corridor__V1__ConsentMethod method;
  unsigned evidence; /* bits of EvidenceKind, one of which is there */
  bool witness, interpreter;
  const char *why;
} proofs[] = {
    {METHOD(WRITTEN), COR_BIT(KIND(PAPER_IN_FILE)) | COR_BIT(KIND(SCAN)), false, false,
     "name the paper's place in the file, or add its scan"},
    {METHOD(SCANNED_SIGNATURE), COR_BIT(KIND(SCAN)), false, false, "add the scan that was received"},
    {METHOD(RECORDED_AUDIO), COR_BIT(KIND(RECORDING)), false, false, "add the recording"},
    {METHOD(THUMBPRINT), COR_BIT(KIND(PAPER_IN_FILE)) | COR_BIT(KIND(SCAN)), true, false,
     "name the paper's place in the file, or add its scan"},
    {METHOD(READ_ALOUD), COR_BIT(KIND(PAPER_IN_FILE)) | COR_BIT(KIND(SCAN)) | COR_BIT(KIND(RECORDING)), false,
     true, "name the paper's place in the file, or add its scan or the recording"},
    {METHOD(VERBAL_PHONE), COR_BIT(KIND(NOTE_OF_CALL)) | COR_BIT(KIND(RECORDING)), false, false,
     "add the note of the call, or its recording"},
};

static bool evidence_check(const Form *form, unsigned wanted, const char *why, cor_error *err) {
  char at[64];
  bool there = false;
  if (form->n_evidence > EVIDENCE_MAX)
    return cor_fail(err, COR_TOO_LARGE, "/form/evidence", "at most %d pieces; nothing was kept",
                    EVIDENCE_MAX);
  for (size_t i = 0; i < form->n_evidence; i++) {
    const Corridor__V1__Evidence *one = form->evidence[i];
    snprintf(at, sizeof at, "/evidence/%zu", i);
    if (one->kind == 0) return missing(err, at, "say what kind of evidence this is");
    if (one->kind == KIND(PAPER_IN_FILE) ? blank(one->kept_at) : one->sha256.len != COR_HASH_LEN)
      return missing(err, at, "paper needs its place in the file (keptAt), everything else the thing itself");
    there = there || (COR_BIT(one->kind) & wanted);
  }
  return there || missing(err, "/evidence", why);
}

static bool method_check(const Form *form, cor_error *err) {
  for (size_t i = 0; i < COUNT(proofs); i++) {
    if (proofs[i].method != form->method) continue;
    if (proofs[i].witness && blank(form->witness))
      return missing(err, "/form/witness", "a thumbprint needs a witness");
    if (proofs[i].interpreter && blank(form->interpreter))
      return missing(err, "/form/interpreter", "say who read it aloud");
    return evidence_check(form, proofs[i].evidence, proofs[i].why, err);
  }
  return missing(err, "/form/method", "say how the consent was given");
}

static bool facts_check(const Form *form, cor_error *err) {
  int32_t day;
  if (form->salt.len != COR_HASH_LEN) return wrong(err, "/form/salt", "is 32 random bytes");
  if (blank(form->language) || strlen(form->language) > 3)
    return missing(err, "/form/language", "say in which language it was explained (ISO 639) [003:233,526]");
  if (blank(form->form_version)) return missing(err, "/form/formVersion", "say which text was signed");
  if (blank(form->given_on) || !cor_day_parse(form->given_on, &day))
    return missing(err, "/form/givenOn", "say on which day: YYYY-MM-DD");
  if (!form->told_why_and_how || !form->told_of_withdrawal)
    return missing(err, form->told_why_and_how ? "/form/toldOfWithdrawal" : "/form/toldWhyAndHow",
                   "the person has to be told, before consenting, why and how data are used and that it can "
                   "be taken back without losing any service [004:3430]");
  return true;
}

static bool contact_check(const Corridor__V1__Contact *contact, cor_error *err) {
  if (!contact) return missing(err, "/form/safeContact", "ask how the person may be reached without danger");
  if (blank(contact->phone))
    return contact->no_message || missing(err, "/form/safeContact", "a number, or noMessage: true");
  return (!blank(contact->safe_hours) && !blank(contact->who_may_answer)) ||
         missing(err, "/form/safeContact", "a number goes with its hours and with who may answer");
}

/* ---- each scope ---- */

/* The days of so many months, at most. */
static int64_t months(unsigned n) {
  return (int64_t)n * 31 * DAY_MS;
}

static bool scope_check(const Record *record, const Form *form, size_t i, cor_error *err) {
  const cor_scope_row *row = cor_scope_find(record->scopes[i]->scope);
  char at[64];
  snprintf(at, sizeof at, "/consent/scopes/%zu", i);
  if (!row) return cor_fail(err, COR_UNKNOWN_ENUM, at, "there is no such scope; nothing was kept");
  if (!(row->methods & COR_BIT(form->method)))
    return cor_fail(err, COR_BAD_INPUT, at,
                    "this scope cannot be consented to in that way: %s; nothing was kept", row->cite);
  if (row->of_child && !form->minor)
    return wrong(err, at, "this scope is a child's: the form says minor and names the guardian");
  if (row->names_plan && blank(form->plan_version))
    return missing(err, "/form/planVersion", "say to which version of the plan [004:1204]");
  if (row->months_max > 0 && record->valid_until - record->valid_from > months(row->months_max))
    return cor_fail(err, COR_BAD_INPUT, "/consent/validUntil", "too long for %s: %s; nothing was kept", at,
                    row->cite);
  return true;
}

bool cor_consent_form_check(const Record *record, const Form *form, cor_error *err) {
  if (!cor_bytes_equal(cor_bytes_of(record->consent_id), cor_bytes_of(form->consent_id)) ||
      record->version != form->version)
    return wrong(err, "/form", "is of another consent or version than the record");
  if (!facts_check(form, err) || !givers_check(form, err) || !child_check(record, form, err) ||
      !method_check(form, err) || !contact_check(form->safe_contact, err))
    return false;
  for (size_t i = 0; i < record->n_scopes; i++)
    if (!scope_check(record, form, i, err)) return false;
  return true;
}

bool cor_consent_form_encode(const Form *form, cor_buf *out, uint8_t digest[COR_HASH_LEN], cor_error *err) {
  if (!cor_encode(&form->base, out, err)) return false;
  cor_content_hash(COR_DOMAIN_FORM, cor_buf_view(out), digest);
  return true;
}
