/* gate.c - may this message pass? A pure function of facts and a header.
 *
 * The rules are an ordered list of small functions; the first refusal wins and
 * what no rule could permit is refused (design 4, deny by default). The agent
 * runs it before sealing, the broker at admission and again at every claim: no
 * I/O, no clock, no allocation, the same answer for the same input.
 *
 * Order: parties -> an agreement between the two offices -> standing -> what
 * the agreement says of this case -> region -> legal basis -> need to know ->
 * consent -> recall -> safeguards -> process preconditions -> limits -> suspension.
 * Need to know is judged twice: by the SOP table, which nobody can widen, and then by
 * the CA's permission table, which is empty until somebody fills it.
 * The agreement is judged in two halves on purpose: whether two offices have one
 * at all is public, so it may be answered first; programme and withdrawal are
 * facts of a case and come after standing, so that "unknown case" and "not your
 * case" are one answer (design 4, invariant 10). Records for the hub and the
 * hub's own notices need no agreement and no permission: no other office learns
 * anything from them.
 *
 * Trusts: the header passed cor_header_check, and the facts are the caller's
 * true reading, taken under its locks. Nothing is fatal. */
#include "corridor/gate.h"
#include "corridor/refusal.h"
#include <string.h>

enum { SKEW_MS = 2 * 60 * 1000, UNKNOWN_CATEGORY = 31 /* in no row, so never allowed */ };
#define ONLY_OPERATIONAL COR_BIT(COR_CAT(OPERATIONAL))

typedef struct question {
  const cor_gate_facts *facts;
  const Corridor__V1__Header *header;
  const cor_sop_row *row;
  uint32_t categories;
  const char **authority; /* out: which agreement covers it */
} question;

typedef struct verdict {
  int code;
  const char *field;
} verdict;

static const verdict pass = {COR_OK, ""};
static verdict refuse(int code, const char *field) {
  return (verdict){code, field};
}

uint32_t cor_category_set(const Corridor__V1__DataCategory *list, size_t n) {
  uint32_t bits = 0;
  for (size_t i = 0; i < n; i++)
    bits |= (unsigned)list[i] < UNKNOWN_CATEGORY ? COR_BIT(list[i]) : COR_BIT(UNKNOWN_CATEGORY);
  return bits;
}

/* --- parties --- */

static verdict sender_active(const question *q) {
  const cor_gate_party *sender = &q->facts->sender;
  if (!sender->known) return refuse(COR_UNKNOWN_OFFICE, "sender");
  return sender->card == COR_OK ? pass : refuse(sender->card, "sender");
}

/* A suspended office still hears from the hub: what became of its messages and
 * which consents were withdrawn. Everyone else learns only "not reachable". */
static verdict recipient_active(const question *q) {
  const cor_gate_party *recipient = &q->facts->recipient;
  if (q->row->to_hub) return pass;
  if (!recipient->known) return refuse(COR_RECIPIENT_UNKNOWN, "recipient");
  if (recipient->card == COR_OK || (q->row->from_hub && recipient->card == COR_CARD_SUSPENDED)) return pass;
  return refuse(COR_RECIPIENT_UNKNOWN, "recipient");
}

static verdict roles_fit(const question *q) {
  if (!(q->row->from_roles & COR_BIT(q->facts->sender.role))) return refuse(COR_ROLE_NOT_ALLOWED, "type");
  if (!q->row->to_hub && !(q->row->to_roles & COR_BIT(q->facts->recipient.role)))
    return refuse(COR_ROLE_NOT_ALLOWED, "recipient");
  return pass;
}

/* --- agreement --- */

static bool binds_both(const question *q, const Corridor__V1__Agreement *agreement) {
  return cor_agreement_binds(agreement, q->facts->sender.office, q->facts->recipient.office, q->facts->now);
}

bool cor_gate_agreed(const Corridor__V1__CardList *list, const char *one, const char *other,
                     const char *programme, int64_t now) {
  for (size_t i = 0; i < list->n_agreements; i++)
    if (cor_agreement_binds(list->agreements[i], one, other, now) &&
        strcmp(list->agreements[i]->programme, programme) == 0)
      return true;
  return false;
}

static bool needs_agreement(const question *q) {
  return !q->row->to_hub && !q->row->from_hub;
}

static verdict agreement_between(const question *q) {
  if (!needs_agreement(q)) return pass;
  for (size_t i = 0; i < q->facts->n_agreements; i++)
    if (binds_both(q, q->facts->agreements[i])) return pass;
  return refuse(COR_NO_AGREEMENT, "recipient");
}

/* For an offer, what the handover will carry later included. */
static uint32_t wanted(const question *q) {
  return q->categories | (q->row->needs_cover ? q->facts->cover_categories : 0);
}

/* One agreement must cover all of it: two half agreements do not add up. */
static bool covered(const question *q, bool vital_interest, bool *programme) {
  *programme = false;
  for (size_t i = 0; i < q->facts->n_agreements; i++) {
    const Corridor__V1__Agreement *agreement = q->facts->agreements[i];
    if (!binds_both(q, agreement) || strcmp(agreement->programme, q->facts->programme) != 0) continue;
    *programme = true;
    if (wanted(q) & ~cor_agreement_set(agreement, q->facts->sender.role, q->facts->recipient.role)) continue;
    if (vital_interest && !agreement->other_vital_interest) continue;
    *q->authority = agreement->id;
    return true;
  }
  return false;
}

static verdict agreement_covers(const question *q) {
  bool programme;
  if (!needs_agreement(q) || covered(q, false, &programme)) return pass;
  return refuse(COR_NO_AGREEMENT, programme ? "categories" : "handle");
}

/* --- standing --- */

/* A registration makes standing; a withdrawal proves its right by reference and
 * code, which the broker judges in a way that tells nothing; the hub has all. */
static verdict has_standing(const question *q) {
  if (q->header->type == COR_T(REGISTRATION))
    return q->facts->handle_taken ? refuse(COR_CONFLICT, "handle") : pass;
  if (q->header->type == COR_T(CONSENT_WITHDRAWAL) || q->row->from_hub) return pass;
  return q->facts->case_known && q->facts->sender_standing ? pass : refuse(COR_NO_STANDING, "handle");
}

/* Answers, a handover, and the files with it go to whoever is already a party of the handle. */
static verdict goes_to_a_party(const question *q) {
  switch (q->header->type) {
  case COR_T(ABN_CONFIRM):
  case COR_T(ARRIVAL_NOTICE):
  case COR_T(DUPLICATE_ANSWER):
  case COR_T(REFERRAL_ACK):
  case COR_T(REFERRAL_HANDOVER):
  case COR_T(HANDOVER_ATTACHMENT):
  case COR_T(REPORT_ATTACHMENT):
  case COR_T(SERVICE_REPORT):
    return q->facts->recipient_is_other_party ? pass : refuse(COR_NO_STANDING, "recipient");
  default: return pass;
  }
}

/* After a withdrawal the only things that may still move are the withdrawal
 * itself, its answers, what corrects or restricts the use of what was told before,
 * the account of what was told without consent, a provider's "no", and what the hub
 * has to tell. */
static verdict case_stands(const question *q) {
  if (!q->facts->case_withdrawn || q->row->from_hub) return pass;
  switch (q->header->type) {
  case COR_T(CONSENT_WITHDRAWAL):
  case COR_T(BASIS_STATEMENT):
  case COR_T(ERASURE_STATEMENT):
  case COR_T(DATA_REQUEST):
  case COR_T(DATA_STATEMENT):
  case COR_T(CONTENT_STATEMENT):
  case COR_T(ACCESS_STATEMENT): return pass;
  default: break;
  }
  if (q->header->type == COR_T(REFERRAL_ACK) && q->header->outcome == COR_OUTCOME(NO)) return pass;
  return refuse(COR_CASE_WITHDRAWN, "handle");
}

/* A return to a country under suspension is not booked; help under way goes on. Where
 * only a region of it is, the sender's agent knows (agent/compose_region.c). */
static verdict region_open(const question *q) {
  const cor_gate_facts *facts = q->facts;
  if (!q->row->books_return || facts->recipient.role != COR_ROLE(ORIGIN_MISSION)) return pass;
  bool shut = cor_region_suspended(facts->suspended, facts->n_suspended, facts->recipient.country,
                                   facts->now);
  return shut ? refuse(COR_REGION_SUSPENDED, "recipient") : pass;
}

/* --- legal basis --- */

/* The decision that stands in place of consent, if one does: for an offer, that of the
 * handover it announces. */
static const cor_basis_row *decision(const question *q) {
  return cor_basis_find(q->row->needs_cover ? q->facts->cover_basis : q->header->basis);
}

/* Without consent only care itself moves, never the rest of a file [004:3025]. */
static bool is_care(const question *q) {
  return q->header->compartment == COR_C(HEALTH) || q->header->type == COR_T(REFERRAL_HANDOVER) ||
         q->header->type == COR_T(REFERRAL);
}

/* Some grounds count only where the programme has agreed to them beforehand. */
static bool is_on(const question *q, const cor_basis_row *decided) {
  bool programme;
  return !decided->needs_agreement || covered(q, true, &programme);
}

static verdict basis_allowed(const question *q) {
  Corridor__V1__LegalBasis basis = q->header->basis;
  if ((unsigned)basis >= 16 || !(q->row->bases & COR_BIT(basis)))
    return refuse(COR_BASIS_NOT_ALLOWED, "basis");
  if (basis == COR_BASIS(NO_PERSONAL_DATA) && q->categories != ONLY_OPERATIONAL)
    return refuse(COR_BASIS_NOT_ALLOWED, "basis");
  const cor_basis_row *decided = decision(q);
  if (!decided || (is_care(q) && is_on(q, decided))) return pass;
  return refuse(COR_BASIS_NOT_ALLOWED, q->row->needs_cover ? "cover" : "basis");
}

static verdict purpose_fits(const question *q) {
  if ((unsigned)q->header->purpose >= 16 || !(q->row->purposes & COR_BIT(q->header->purpose)))
    return refuse(COR_BASIS_NOT_ALLOWED, "purpose");
  /* Of the two purposes of a case file, and of what is attached to it, care goes with
   * health and only with it. */
  bool care = q->header->purpose == COR_PURPOSE(CONTINUITY_OF_CARE);
  if ((q->row->purposes & COR_BIT(COR_PURPOSE(CONTINUITY_OF_CARE))) &&
      care != (q->header->compartment == COR_C(HEALTH)))
    return refuse(COR_BASIS_NOT_ALLOWED, "purpose");
  return pass;
}

/* --- need to know --- */

/* Of the UN agencies, asylum matters are for UNHCR alone [design 4]. */
static uint32_t readable(const question *q, const cor_sop_row *row) {
  uint32_t allowed = cor_sop_categories(row, q->header->compartment, q->facts->recipient.role);
  return q->facts->recipient.asylum_authority ? allowed : allowed & ~COR_BIT(COR_CAT(ASYLUM));
}

static verdict categories_allowed(const question *q) {
  uint32_t allowed = readable(q, q->row);
  if (q->row->to_hub) /* the hub is no reader of the matrix */
    allowed = q->row->categories[COR_C(RECORD)];
  if (q->categories == 0 || (q->categories & ~allowed)) return refuse(COR_CATEGORY_NOT_ALLOWED, "categories");
  if (!q->row->needs_cover) return pass;
  uint32_t later = q->facts->cover_categories;
  allowed = readable(q, cor_sop_find(COR_T(REFERRAL_HANDOVER)));
  return later != 0 && (later & ~allowed) == 0 ? pass : refuse(COR_CATEGORY_NOT_ALLOWED, "cover");
}

/* Deny by default: between offices nothing passes that no permission names. */
static verdict permitted(const question *q) {
  const cor_gate_facts *facts = q->facts;
  if (!needs_agreement(q)) return pass;
  uint32_t allowed = cor_permission_set(facts->permissions, facts->n_permissions, facts->sender.role,
                                        facts->recipient.role, q->header->compartment);
  return wanted(q) & ~allowed ? refuse(COR_NO_ROUTE, "categories") : pass;
}

/* --- consent --- */

static bool scope_reaches(const cor_gate_scope *scope, const question *q) {
  if (scope->purpose != q->header->purpose) return false;
  if (scope->recipient_office[0] != '\0')
    return strcmp(scope->recipient_office, q->facts->recipient.office) == 0;
  return scope->recipient_role != 0 && scope->recipient_role == q->facts->recipient.role;
}

/* Scopes may cover jointly: contact under one, health under another. */
static bool scopes_reach(const question *q, uint32_t categories, bool with_withdrawn) {
  const cor_gate_consent *consent = &q->facts->consent;
  uint32_t open = categories & ~ONLY_OPERATIONAL;
  for (size_t i = 0; i < consent->n_scopes && i < COR_GATE_SCOPES_MAX; i++)
    if (scope_reaches(&consent->scopes[i], q) && (with_withdrawn || !consent->scopes[i].withdrawn))
      open &= ~consent->scopes[i].categories;
  return open == 0;
}

/* A part that was taken back does not count; but who asks is told that it was. */
static verdict scopes_cover(const question *q, uint32_t categories) {
  if (scopes_reach(q, categories, false)) return pass;
  return refuse(scopes_reach(q, categories, true) ? COR_CONSENT_WITHDRAWN : COR_NO_CONSENT, "categories");
}

/* Of an offer its cover says it: what the handover that it announces will rest on. */
static bool rests_on_consent(const question *q) {
  return q->row->needs_cover ? !decision(q) : q->header->basis == COR_BASIS(CONSENT);
}

/* An offer carries no person and no consent id, yet is not made at all unless the
 * consent in its cover, or a decision in place of it, already permits the handover it
 * announces. */
static verdict consent_covers(const question *q) {
  const cor_gate_consent *consent = &q->facts->consent;
  const char *field = q->row->needs_cover ? "cover" : "consent_id";
  if (!rests_on_consent(q)) return pass;
  if (!consent->found) return refuse(COR_NO_CONSENT, field);
  if (consent->withdrawn_at != 0) return refuse(COR_CONSENT_WITHDRAWN, field);
  if (q->facts->now < consent->valid_from) return refuse(COR_NO_CONSENT, field);
  if (q->facts->now >= consent->valid_until) return refuse(COR_CONSENT_EXPIRED, field);
  return scopes_cover(q, q->row->needs_cover ? q->facts->cover_categories : q->categories);
}

/* Whoever was asked to erase it does not get it once more, whatever stands by now. */
static verdict not_recalled(const question *q) {
  return q->facts->recalled ? refuse(q->facts->recalled, "message_id") : pass;
}

/* --- safeguards and process --- */

static verdict safeguards_met(const question *q) {
  return !q->row->safeguards || q->header->safeguards_met ? pass
                                                          : refuse(COR_SAFEGUARDS_MISSING, "safeguards_met");
}

static verdict happened_before(const question *q) {
  for (size_t i = 0; i < COR_SOP_BEFORE_MAX; i++) {
    const cor_before *before = &q->row->before[i];
    if (before->type == 0) continue;
    uint64_t seen = before->by_recipient                  ? q->facts->recipient_yes
                    : before->outcome == COR_OUTCOME(YES) ? q->facts->history_yes
                                                          : q->facts->history;
    if (!(seen & (UINT64_C(1) << (unsigned)before->type))) return refuse(COR_PRECONDITION_MISSING, "type");
  }
  return pass;
}

/* A referral is held by one provider (invariant 9): once it is, no further
 * offer leaves, a second "yes" comes too late, and nothing is handed to a
 * provider who does not hold it, files included. A "no" is always welcome. */
static verdict referral_free(const question *q) {
  bool takes = q->header->type == COR_T(REFERRAL) || q->header->type == COR_T(REFERRAL_HANDOVER) ||
               q->header->type == COR_T(HANDOVER_ATTACHMENT) ||
               (q->header->type == COR_T(REFERRAL_ACK) && q->header->outcome == COR_OUTCOME(YES));
  if (takes && q->facts->referral_taken) return refuse(COR_REFERRAL_TAKEN, "handle");
  bool used = q->header->type == COR_T(REFERRAL) && q->facts->handle_taken;
  return used ? refuse(COR_CONFLICT, "handle") : pass;
}

/* --- limits --- */

/* A withdrawal counts by the hub's own time: an office's clock that is ahead puts none off. */
static verdict within_time(const question *q) {
  if (q->header->expires_at <= q->facts->now) return refuse(COR_EXPIRED, "expires_at");
  if (q->header->type == COR_T(CONSENT_WITHDRAWAL)) return pass;
  return q->header->sent_at - q->facts->now > SKEW_MS ? refuse(COR_CLOCK_SKEW, "sent_at") : pass;
}

/* Ours, or one back: an office has time to update. A newer one is far behind in
 * unsigned numbers; 0 is none. */
static verdict table_understood(const question *q) {
  const uint32_t ours = COR_SOP_VERSION, theirs = q->header->table_version;
  const bool known = theirs != 0 && ours - theirs <= 1;
  return known ? pass : refuse(COR_TABLE_VERSION, "table_version");
}

/* --- suspension --- */

/* Somebody says that the person withdraws: until the responsible office has asked,
 * what stands on consent waits, and nothing else does. The last rule, so that nothing
 * waits that would not pass in the end. */
static verdict not_suspended(const question *q) {
  return q->facts->case_suspended && rests_on_consent(q) ? refuse(COR_CASE_SUSPENDED, "handle") : pass;
}

static verdict (*const rules[])(const question *) = {
    sender_active, recipient_active, roles_fit,     agreement_between, has_standing,    goes_to_a_party,
    case_stands,   agreement_covers, region_open,   basis_allowed,     purpose_fits,    categories_allowed,
    permitted,     consent_covers,   not_recalled,  safeguards_met,    happened_before, referral_free,
    within_time,   table_understood, not_suspended,
};

cor_decision cor_gate_decide(const cor_gate_facts *facts, const Corridor__V1__Header *header) {
  const char *authority = "";
  question q = {facts, header, cor_sop_find(header->type),
                cor_category_set(header->categories, header->n_categories), &authority};
  verdict v = q.row ? pass : refuse(COR_UNKNOWN_ENUM, "type");
  for (size_t i = 0; v.code == COR_OK && i < sizeof rules / sizeof *rules; i++)
    v = rules[i](&q);
  return (cor_decision){v.code, COR_SOP_VERSION, v.field, v.code == COR_OK ? authority : ""};
}

void cor_gate_take_list(cor_gate_facts *facts, const Corridor__V1__CardList *list) {
  facts->agreements = (const Corridor__V1__Agreement *const *)list->agreements;
  facts->n_agreements = list->n_agreements;
  facts->permissions = (const Corridor__V1__Permission *const *)list->permissions;
  facts->n_permissions = list->n_permissions;
  facts->suspended = (const Corridor__V1__SuspendedRegion *const *)list->suspended;
  facts->n_suspended = list->n_suspended;
}

void cor_gate_take_card(cor_gate_party *party, const Corridor__V1__Card *card) {
  party->role = card->role;
  party->asylum_authority = card->asylum_authority;
  memcpy(party->country, card->country, sizeof party->country); /* two capitals: cards_check.c */
}
