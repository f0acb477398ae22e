/* gate_changes.h - what test_gate.c changes in a plain case, one input each, and the few
 * that need more than one to be a case at all. */
#ifndef CORRIDOR_TESTS_GATE_CHANGES_H
#define CORRIDOR_TESTS_GATE_CHANGES_H
#include "gate_world.h"

#define CHANGE(name, statement)                                                                              \
  static void name(world *w) {                                                                               \
    statement;                                                                                               \
  }
CHANGE(no_change, (void)w)
CHANGE(sender_unknown, w->facts.sender.known = false)
CHANGE(sender_suspended, w->facts.sender.card = COR_CARD_SUSPENDED)
CHANGE(sender_revoked, w->facts.sender.card = COR_CARD_REVOKED)
CHANGE(recipient_unknown, w->facts.recipient.known = false)
CHANGE(recipient_suspended, w->facts.recipient.card = COR_CARD_SUSPENDED)
CHANGE(recipient_revoked, w->facts.recipient.card = COR_CARD_REVOKED)
/* whatever the CA's table says: there is no row to a donor */
static void donor_permitted(world *w) {
  w->facts.recipient.role = w->recipients[1] = COR_ROLE(DONOR);
}
/* a notice of the hub goes to anyone, but never with a person in it */
static void told_of_a_person(world *w, Corridor__V1__Role role) {
  w->facts.recipient.role = w->recipients[1] = role;
  carry(w, CAT(OPERATIONAL) | CAT(BIODATA));
}
#define TOLD(name, role)                                                                                     \
  static void name(world *w) {                                                                               \
    told_of_a_person(w, COR_ROLE(role));                                                                     \
  }
TOLD(donor_told_of_a_person, DONOR)
TOLD(notifier_told_of_a_person, NOTIFYING_AUTHORITY)
TOLD(committee_told_of_a_person, COMMITTEE)
TOLD(delegation_told_of_a_person, EU_DELEGATION)
CHANGE(sender_is_donor, w->facts.sender.role = COR_ROLE(DONOR))
CHANGE(recipient_is_donor, w->facts.recipient.role = COR_ROLE(DONOR))
CHANGE(not_the_hub, w->facts.sender.role = COR_ROLE(HOST_MISSION))
CHANGE(no_agreement, w->facts.n_agreements = 0)
CHANGE(other_office_bound, w->offices[1] = (char *)"three")
CHANGE(sender_not_bound, w->offices[0] = (char *)"three")
CHANGE(first_agreement_is_of_others, w->agreements[0] = &w->others; w->facts.n_agreements = 2)
CHANGE(agreement_ends_now, w->agreement.valid_until = NOW)
CHANGE(agreement_not_begun, w->agreement.valid_from = NOW + 1)
CHANGE(other_programme, w->agreement.programme = (char *)"OTHER")
CHANGE(agreed_operational, w->agreement.n_categories = spread(CAT(OPERATIONAL), w->agreed))
CHANGE(agreed_beyond_the_table, w->agreed[w->agreement.n_categories++] = (Corridor__V1__DataCategory)40)
CHANGE(no_child_protocol, w->agreement.child_data_protocol = (char *)"")
CHANGE(no_record_transfer, w->agreement.record_transfer_mou = (char *)"")
CHANGE(no_permission, w->facts.n_permissions = 0)
CHANGE(permission_for_other_senders, w->facts.n_permissions = 1)
CHANGE(permission_for_other_recipients, w->facts.n_permissions = 2)
CHANGE(permission_for_another_function, w->facts.n_permissions = 3)
CHANGE(enter_fewer, w->permission.n_enter = spread(CAT(OPERATIONAL), w->enter))
CHANGE(view_fewer, w->permission.n_view = spread(CAT(OPERATIONAL), w->view))
CHANGE(country_suspended, w->facts.n_suspended = 1)
CHANGE(handle_taken, w->facts.handle_taken = true)
CHANGE(case_unknown, w->facts.case_known = false)
CHANGE(no_standing, w->facts.sender_standing = false)
CHANGE(not_a_party, w->facts.recipient_is_other_party = false)
CHANGE(case_withdrawn, w->facts.case_withdrawn = true)
CHANGE(case_suspended, w->facts.case_suspended = true)
CHANGE(asked_back, w->facts.recalled = COR_BASIS_NOT_ALLOWED)
CHANGE(vital_interest, w->header.basis = COR_BASIS(VITAL_INTEREST_OTHER))
CHANGE(life_at_risk, w->header.basis = COR_BASIS(LIFE_AT_RISK))
CHANGE(best_interests, w->header.basis = COR_BASIS(CHILD_BEST_INTERESTS))
CHANGE(record_duty, w->header.basis = COR_BASIS(RECORD_DUTY))
CHANGE(basis_out_of_range, w->header.basis = (Corridor__V1__LegalBasis)40)
CHANGE(travel_without_person, w->header.basis = COR_BASIS(NO_PERSONAL_DATA))
CHANGE(purpose_monitoring, w->header.purpose = COR_PURPOSE(MONITORING_EVALUATION))
CHANGE(purpose_out_of_range, w->header.purpose = (Corridor__V1__Purpose)40)
CHANGE(carries_beyond_the_table, w->categories[w->header.n_categories++] = (Corridor__V1__DataCategory)40)
static void agreed_and_carried_beyond_the_table(world *w) {
  agreed_beyond_the_table(w);
  carries_beyond_the_table(w);
}
CHANGE(carries_protection, carry(w, CAT(PROTECTION_RISK)))
CHANGE(carries_health, carry(w, CAT(BIODATA) | CAT(HEALTH_DATA)))
CHANGE(carries_nothing, carry(w, 0))
CHANGE(to_transit, w->facts.recipient.role = COR_ROLE(TRANSIT_MISSION))
CHANGE(compartment_protection, w->header.compartment = COR_C(PROTECTION))
CHANGE(compartment_out_of_range, w->header.compartment = (Corridor__V1__Compartment)60)
CHANGE(cover_empty, w->facts.cover_categories = 0)
CHANGE(cover_protection, w->facts.cover_categories = CAT(PROTECTION_RISK))
CHANGE(cover_legal_to_child_authority, w->facts.cover_categories = CAT(LEGAL);
       w->facts.recipient.role = COR_ROLE(CHILD_PROTECTION_AUTHORITY))
CHANGE(consent_missing, w->facts.consent.found = false)
CHANGE(consent_withdrawn, w->facts.consent.withdrawn_at = NOW - 1)
CHANGE(consent_withdrawn_later, w->facts.consent.withdrawn_at = NOW + 1)
CHANGE(consent_not_begun, w->facts.consent.valid_from = NOW + 1)
CHANGE(consent_begins_now, w->facts.consent.valid_from = NOW)
CHANGE(consent_ends_now, w->facts.consent.valid_until = NOW)
CHANGE(consent_ends_after_now, w->facts.consent.valid_until = NOW + 1)
CHANGE(scope_other_office, strcpy(w->facts.consent.scopes[0].recipient_office, "three"))
CHANGE(scope_other_purpose, w->facts.consent.scopes[0].purpose = COR_PURPOSE(PROTECTION_CARE))
CHANGE(scope_fewer_categories, w->facts.consent.scopes[0].categories = CAT(CONTACT))
CHANGE(scope_to_nobody, w->facts.consent.scopes[0].recipient_office[0] = '\0')
CHANGE(no_scopes, w->facts.consent.n_scopes = 0)
CHANGE(scopes_past_the_limit, memset(w->facts.consent.scopes, 0, sizeof w->facts.consent.scopes);
       w->facts.consent.n_scopes = COR_GATE_SCOPES_MAX + 1)
CHANGE(safeguards_unmet, w->header.safeguards_met = false)
CHANGE(no_history, w->facts.history = 0)
CHANGE(no_yes, w->facts.history_yes = 0)
CHANGE(yes_of_another_office, w->facts.recipient_yes = 0)
CHANGE(referral_taken, w->facts.referral_taken = true)
CHANGE(expires_now, w->header.expires_at = NOW)
CHANGE(sent_ahead, w->header.sent_at = NOW + 120001)
CHANGE(sent_at_skew_limit, w->header.sent_at = NOW + 120000)
CHANGE(table_newer, w->header.table_version = COR_SOP_VERSION + 1)
CHANGE(table_ancient, w->header.table_version = COR_SOP_VERSION - 2u)
CHANGE(table_none, w->header.table_version = 0)
CHANGE(type_unknown, w->header.type = (Corridor__V1__MessageType)9)

static void scope_by_role(world *w) {
  w->facts.consent.scopes[0].recipient_office[0] = '\0';
  w->facts.consent.scopes[0].recipient_role = w->facts.recipient.role;
}
static void scope_by_other_role(world *w) {
  w->facts.consent.scopes[0].recipient_office[0] = '\0';
  w->facts.consent.scopes[0].recipient_role = COR_ROLE(DONOR);
}
static void scopes_joined(world *w) {
  cor_gate_consent *c = &w->facts.consent;
  c->scopes[1] = c->scopes[0];
  c->scopes[0].categories = CAT(CONTACT);
  c->scopes[1].categories = ~CAT(CONTACT);
  c->n_scopes = 2;
}
static void scope_withdrawn(world *w) {
  w->facts.consent.scopes[0].withdrawn = true;
}
static void one_of_two_scopes_withdrawn(world *w) {
  scopes_joined(w);
  w->facts.consent.scopes[1].withdrawn = true;
}
static void other_scope_withdrawn(world *w) {
  scopes_joined(w);
  w->facts.consent.scopes[0].categories = ~0u;
  w->facts.consent.scopes[1].withdrawn = true;
}
static void scope_withdrawn_and_too_few(world *w) {
  scope_withdrawn(w);
  w->facts.consent.scopes[0].categories = CAT(CONTACT);
}
static void suspended_without_person(world *w) {
  case_suspended(w);
  travel_without_person(w);
  carry(w, CAT(OPERATIONAL));
}
static void suspended_without_consent(world *w) {
  case_suspended(w);
  w->facts.consent.found = false;
}
static void health_part(world *w) {
  w->header.compartment = w->permission.compartment = COR_C(HEALTH);
  w->header.purpose = w->facts.consent.scopes[0].purpose = COR_PURPOSE(CONTINUITY_OF_CARE);
  carry(w, CAT(HEALTH_DATA));
}
static void health_wrong_purpose(world *w) {
  health_part(w);
  w->header.purpose = w->facts.consent.scopes[0].purpose = COR_PURPOSE(RETURN_PREPARATION);
}
static void health_life_at_risk(world *w) {
  health_part(w);
  w->facts.consent.found = false;
  life_at_risk(w);
}
static void suspended_best_interests(world *w) {
  case_suspended(w);
  best_interests(w);
}
static void suspended_health_life_at_risk(world *w) {
  health_life_at_risk(w);
  case_suspended(w);
}
static void asked_back_life_at_risk(world *w) {
  health_life_at_risk(w);
  asked_back(w);
}
static void vital_agreed(world *w) {
  w->agreement.other_vital_interest = true;
  w->facts.consent.found = false;
  vital_interest(w);
}
static void health_vital_agreed(world *w) {
  health_part(w);
  vital_agreed(w);
}
static void health_vital_not_agreed(world *w) {
  health_vital_agreed(w);
  w->agreement.other_vital_interest = false;
}
/* The one that allows it is no longer in force; the one in force does not. */
static void health_vital_agreed_before(world *w) {
  health_vital_not_agreed(w);
  w->others = w->agreement;
  w->others.other_vital_interest = true;
  w->others.valid_until = NOW;
  w->agreements[1] = &w->others;
  w->facts.n_agreements = 2;
}
static void health_vital_agreed_for_less(world *w) {
  health_vital_agreed_before(w);
  w->others.valid_until = NOW + HOUR;
  w->others.n_categories = 1;
}
static void health_vital_agreed_elsewhere(world *w) {
  health_vital_agreed_before(w);
  w->others.valid_until = NOW + HOUR;
  w->others.programme = (char *)"OTHER";
}
static void health_vital_second_agrees(world *w) {
  health_vital_agreed_before(w);
  w->others.valid_until = NOW + HOUR;
}
static void cover_life_at_risk(world *w) {
  w->facts.cover_basis = COR_BASIS(LIFE_AT_RISK);
  w->facts.consent.found = false;
}
static void suspended_cover_life_at_risk(world *w) {
  cover_life_at_risk(w);
  case_suspended(w);
}
static void cover_vital(world *w) {
  cover_life_at_risk(w);
  w->facts.cover_basis = COR_BASIS(VITAL_INTEREST_OTHER);
}
static void cover_vital_agreed(world *w) {
  cover_vital(w);
  w->agreement.other_vital_interest = true;
}
static void cover_of_no_person(world *w) {
  cover_life_at_risk(w);
  w->facts.cover_basis = COR_BASIS(NO_PERSONAL_DATA);
}
static void answer_no_when_taken(world *w) {
  referral_taken(w);
  w->header.outcome = COR_OUTCOME(NO);
}
static void answer_no_when_withdrawn(world *w) {
  case_withdrawn(w);
  w->header.outcome = COR_OUTCOME(NO);
}
static void child_data(world *w) {
  w->header.compartment = w->permission.compartment = COR_C(CASEWORK);
  carry(w, CAT(BIODATA) | CAT(CHILD_BID));
}
static void child_data_no_protocol(world *w) {
  child_data(w);
  no_child_protocol(w);
}
static void child_data_of_a_partner_no_protocol(world *w) {
  child_data_no_protocol(w);
  w->facts.sender.role = w->senders[1] = COR_ROLE(PARTNER);
}
static void child_data_of_a_provider_no_protocol(world *w) {
  child_data_no_protocol(w);
  w->facts.recipient.role = w->recipients[1] = COR_ROLE(ORIGIN_MISSION);
}
static void health_part_no_record_transfer(world *w) {
  health_part(w);
  no_record_transfer(w);
}
static void mental_health_no_record_transfer(world *w) {
  health_part_no_record_transfer(w);
  carry(w, CAT(MENTAL_HEALTH));
}
static void cover_health_no_record_transfer(world *w) {
  w->facts.cover_categories = CAT(HEALTH_DATA);
  no_record_transfer(w);
}
static void second_agreement_covers(world *w) {
  w->others.offices = w->offices;
  w->agreements[1] = &w->others;
  w->facts.n_agreements = 2;
  w->agreement.programme = (char *)"OTHER";
}
static void cover_beyond_permission(world *w) {
  w->permission.n_view = spread(CAT(OPERATIONAL) | CAT(CONTACT), w->view);
}
static void suspended_from_later(world *w) {
  country_suspended(w);
  w->region.since = NOW + 1;
}
static void another_country_suspended(world *w) {
  country_suspended(w);
  w->region.region = (char *)"ML";
}
static void suspended_for_transit(world *w) {
  country_suspended(w);
  w->facts.recipient.role = w->recipients[1] = COR_ROLE(TRANSIT_MISSION);
  carry(w, CAT(OPERATIONAL) | CAT(TRAVEL));
}
/* Asylum matters, to a UN agency that is or is not UNHCR. */
static void asylum_to(world *w, Corridor__V1__Role role, bool unhcr) {
  w->facts.recipient.role = w->recipients[1] = role;
  w->facts.recipient.asylum_authority = unhcr;
  carry(w, CAT(BIODATA) | CAT(ASYLUM));
}
static void asylum_to_unhcr(world *w) {
  asylum_to(w, COR_ROLE(UN_AGENCY), true);
}
static void asylum_to_another_agency(world *w) {
  asylum_to(w, COR_ROLE(UN_AGENCY), false);
}
static void asylum_to_a_provider(world *w) {
  asylum_to(w, COR_ROLE(SERVICE_PROVIDER), true);
}
static void asylum_from_unhcr(world *w) {
  w->facts.sender.role = w->senders[1] = COR_ROLE(UN_AGENCY);
  carry(w, CAT(ASYLUM));
}
static void cover_asylum_to(world *w, bool unhcr) {
  w->facts.recipient.role = w->recipients[1] = COR_ROLE(UN_AGENCY);
  w->facts.recipient.asylum_authority = unhcr;
  w->facts.cover_categories = CAT(CONTACT) | CAT(ASYLUM);
}
static void cover_asylum_to_unhcr(world *w) {
  cover_asylum_to(w, true);
}
static void cover_asylum_to_another_agency(world *w) {
  cover_asylum_to(w, false);
}
static void unknown_and_no_programme(world *w) {
  case_unknown(w);
  w->facts.programme[0] = '\0';
}
#endif
