/* test_gate.c - the gate, rule by rule. For every message type there is one
 * plain case that passes; for every rule, pairs of cases that differ in one
 * input and in the result, and beside them the neighbours that must still pass
 * (a withdrawal without standing, a consent in its last millisecond). The
 * program prints the rule -> pair table, to be held against design 4. */
#include "gate_changes.h"
#include "corridor/refusal.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct pair {
  const char *rule;
  Corridor__V1__MessageType type;
  const char *what;
  void (*change)(world *);
  int code;
  const char *field;
} pair;

#define PAIR(rule, type, change, code, field)                                                                \
  { rule, COR_T(type), #change, change, code, field }
/* clang-format off */
static const pair pairs[] = {
  PAIR("parties", CASE_FILE, sender_unknown, COR_UNKNOWN_OFFICE, "sender"),
  PAIR("parties", CASE_FILE, sender_suspended, COR_CARD_SUSPENDED, "sender"),
  PAIR("parties", CASE_FILE, sender_revoked, COR_CARD_REVOKED, "sender"),
  PAIR("parties", CASE_FILE, recipient_unknown, COR_RECIPIENT_UNKNOWN, "recipient"),
  PAIR("parties", CASE_FILE, recipient_suspended, COR_RECIPIENT_UNKNOWN, "recipient"),
  PAIR("parties", CASE_FILE, recipient_revoked, COR_RECIPIENT_UNKNOWN, "recipient"),
  PAIR("parties", REGISTRATION, recipient_unknown, COR_OK, ""),
  PAIR("parties", END_NOTICE, recipient_suspended, COR_OK, ""),
  PAIR("parties", END_NOTICE, recipient_revoked, COR_RECIPIENT_UNKNOWN, "recipient"),
  PAIR("roles", CASE_FILE, sender_is_donor, COR_ROLE_NOT_ALLOWED, "type"),
  PAIR("roles", CASE_FILE, recipient_is_donor, COR_ROLE_NOT_ALLOWED, "recipient"),
  PAIR("roles", REGISTRATION, sender_is_donor, COR_ROLE_NOT_ALLOWED, "type"),
  PAIR("roles", CONSENT_WITHDRAWAL, sender_is_donor, COR_OK, ""),
  PAIR("roles", BASIS_STATEMENT, sender_is_donor, COR_ROLE_NOT_ALLOWED, "type"),
  PAIR("roles", END_NOTICE, not_the_hub, COR_ROLE_NOT_ALLOWED, "type"),
  PAIR("agreement", CASE_FILE, no_agreement, COR_NO_AGREEMENT, "recipient"),
  PAIR("agreement", CASE_FILE, other_office_bound, COR_NO_AGREEMENT, "recipient"),
  PAIR("agreement", CASE_FILE, sender_not_bound, COR_NO_AGREEMENT, "recipient"),
  PAIR("agreement", CASE_FILE, first_agreement_is_of_others, COR_OK, ""),
  PAIR("agreement", CASE_FILE, agreed_beyond_the_table, COR_OK, ""),
  PAIR("agreement", CASE_FILE, agreement_ends_now, COR_NO_AGREEMENT, "recipient"),
  PAIR("agreement", CASE_FILE, agreement_not_begun, COR_NO_AGREEMENT, "recipient"),
  PAIR("agreement", CASE_FILE, other_programme, COR_NO_AGREEMENT, "handle"),
  PAIR("agreement", CASE_FILE, agreed_operational, COR_NO_AGREEMENT, "categories"),
  PAIR("agreement", REFERRAL, agreed_operational, COR_NO_AGREEMENT, "categories"),
  PAIR("agreement", ABN_CONFIRM, agreed_operational, COR_OK, ""),
  PAIR("agreement", REGISTRATION, no_agreement, COR_OK, ""),
  PAIR("agreement", WITHDRAWAL_NOTICE, no_agreement, COR_OK, ""),
  PAIR("protocols", CASE_FILE, child_data, COR_OK, ""),
  PAIR("protocols", CASE_FILE, child_data_no_protocol, COR_NO_AGREEMENT, "categories"),
  PAIR("protocols", CASE_FILE, child_data_of_a_partner_no_protocol, COR_NO_AGREEMENT, "categories"),
  PAIR("protocols", SERVICE_REPORT, child_data_of_a_provider_no_protocol, COR_OK, ""),
  PAIR("protocols", ABN, no_child_protocol, COR_OK, ""),
  PAIR("protocols", REFERRAL_HANDOVER, no_child_protocol, COR_OK, ""),
  PAIR("protocols", CASE_FILE, health_part_no_record_transfer, COR_NO_AGREEMENT, "categories"),
  PAIR("protocols", CASE_FILE, mental_health_no_record_transfer, COR_NO_AGREEMENT, "categories"),
  PAIR("protocols", REFERRAL, cover_health_no_record_transfer, COR_NO_AGREEMENT, "categories"),
  PAIR("protocols", ABN, no_record_transfer, COR_OK, ""),
  PAIR("agreement", CASE_FILE, second_agreement_covers, COR_OK, ""),
  PAIR("region", ABN, country_suspended, COR_REGION_SUSPENDED, "recipient"),
  PAIR("region", TICKET_ISSUED, country_suspended, COR_REGION_SUSPENDED, "recipient"),
  PAIR("region", ABN, suspended_from_later, COR_OK, ""),
  PAIR("region", ABN, another_country_suspended, COR_OK, ""),
  PAIR("region", ABN, suspended_for_transit, COR_OK, ""),
  PAIR("region", DEPARTURE_CONFIRMATION, country_suspended, COR_OK, ""),
  PAIR("region", ARRIVAL_NOTICE, country_suspended, COR_OK, ""),
  PAIR("region", REFERRAL, country_suspended, COR_OK, ""),
  PAIR("region", CONSENT_WITHDRAWAL, country_suspended, COR_OK, ""),
  PAIR("no route", CASE_FILE, donor_permitted, COR_ROLE_NOT_ALLOWED, "recipient"),
  PAIR("no route", END_NOTICE, donor_told_of_a_person, COR_CATEGORY_NOT_ALLOWED, "categories"),
  PAIR("no route", END_NOTICE, notifier_told_of_a_person, COR_CATEGORY_NOT_ALLOWED, "categories"),
  PAIR("no route", END_NOTICE, committee_told_of_a_person, COR_CATEGORY_NOT_ALLOWED, "categories"),
  PAIR("no route", END_NOTICE, delegation_told_of_a_person, COR_CATEGORY_NOT_ALLOWED, "categories"),
  PAIR("asylum", REFERRAL_HANDOVER, asylum_to_unhcr, COR_OK, ""),
  PAIR("asylum", REFERRAL_HANDOVER, asylum_to_another_agency, COR_CATEGORY_NOT_ALLOWED, "categories"),
  PAIR("asylum", REFERRAL_HANDOVER, asylum_to_a_provider, COR_CATEGORY_NOT_ALLOWED, "categories"),
  PAIR("asylum", SERVICE_REPORT, asylum_from_unhcr, COR_CATEGORY_NOT_ALLOWED, "categories"),
  PAIR("asylum", REFERRAL, cover_asylum_to_unhcr, COR_OK, ""),
  PAIR("asylum", REFERRAL, cover_asylum_to_another_agency, COR_CATEGORY_NOT_ALLOWED, "cover"),
  PAIR("permission", CASE_FILE, no_permission, COR_NO_ROUTE, "categories"),
  PAIR("permission", ABN_CONFIRM, no_permission, COR_NO_ROUTE, "categories"),
  PAIR("permission", CASE_FILE, permission_for_other_senders, COR_NO_ROUTE, "categories"),
  PAIR("permission", CASE_FILE, permission_for_other_recipients, COR_NO_ROUTE, "categories"),
  PAIR("permission", CASE_FILE, permission_for_another_function, COR_NO_ROUTE, "categories"),
  PAIR("permission", CASE_FILE, enter_fewer, COR_NO_ROUTE, "categories"),
  PAIR("permission", CASE_FILE, view_fewer, COR_NO_ROUTE, "categories"),
  PAIR("permission", ABN_CONFIRM, view_fewer, COR_OK, ""),
  PAIR("permission", REFERRAL, cover_beyond_permission, COR_NO_ROUTE, "categories"),
  PAIR("permission", REGISTRATION, no_permission, COR_OK, ""),
  PAIR("permission", WITHDRAWAL_NOTICE, no_permission, COR_OK, ""),
  PAIR("standing", REGISTRATION, handle_taken, COR_CONFLICT, "handle"),
  PAIR("standing", CASE_FILE, case_unknown, COR_NO_STANDING, "handle"),
  PAIR("standing", CASE_FILE, no_standing, COR_NO_STANDING, "handle"),
  PAIR("standing", CASE_FILE, unknown_and_no_programme, COR_NO_STANDING, "handle"),
  PAIR("standing", CONSENT_RECORD, no_standing, COR_NO_STANDING, "handle"),
  PAIR("standing", BASIS_STATEMENT, no_standing, COR_NO_STANDING, "handle"),
  PAIR("standing", ERASURE_STATEMENT, no_standing, COR_NO_STANDING, "handle"),
  PAIR("standing", CONTENT_STATEMENT, no_standing, COR_NO_STANDING, "handle"),
  PAIR("standing", SUSPENSION_ANSWER, no_standing, COR_NO_STANDING, "handle"),
  PAIR("standing", DATA_REQUEST, no_standing, COR_NO_STANDING, "handle"),
  PAIR("standing", DATA_STATEMENT, no_standing, COR_NO_STANDING, "handle"),
  PAIR("standing", ACCESS_STATEMENT, no_standing, COR_NO_STANDING, "handle"),
  PAIR("standing", CONSENT_WITHDRAWAL, no_standing, COR_OK, ""),
  PAIR("standing", CONSENT_WITHDRAWAL, case_unknown, COR_OK, ""),
  PAIR("standing", OBLIGATION_NOTICE, no_standing, COR_OK, ""),
  PAIR("other party", ABN_CONFIRM, not_a_party, COR_NO_STANDING, "recipient"),
  PAIR("other party", ARRIVAL_NOTICE, not_a_party, COR_NO_STANDING, "recipient"),
  PAIR("other party", REFERRAL_ACK, not_a_party, COR_NO_STANDING, "recipient"),
  PAIR("other party", REFERRAL_HANDOVER, not_a_party, COR_NO_STANDING, "recipient"),
  PAIR("other party", SERVICE_REPORT, not_a_party, COR_NO_STANDING, "recipient"),
  PAIR("other party", HANDOVER_ATTACHMENT, not_a_party, COR_NO_STANDING, "recipient"),
  PAIR("other party", REPORT_ATTACHMENT, not_a_party, COR_NO_STANDING, "recipient"),
  PAIR("other party", DUPLICATE_ANSWER, not_a_party, COR_NO_STANDING, "recipient"),
  PAIR("other party", CASE_FILE, not_a_party, COR_OK, ""),
  PAIR("case stands", CASE_FILE, case_withdrawn, COR_CASE_WITHDRAWN, "handle"),
  PAIR("case stands", CONSENT_RECORD, case_withdrawn, COR_CASE_WITHDRAWN, "handle"),
  PAIR("case stands", REFERRAL_ACK, case_withdrawn, COR_CASE_WITHDRAWN, "handle"),
  PAIR("case stands", REFERRAL_ACK, answer_no_when_withdrawn, COR_OK, ""),
  PAIR("case stands", CONSENT_WITHDRAWAL, case_withdrawn, COR_OK, ""),
  PAIR("case stands", BASIS_STATEMENT, case_withdrawn, COR_OK, ""),
  PAIR("case stands", ERASURE_STATEMENT, case_withdrawn, COR_OK, ""),
  PAIR("case stands", CONTENT_STATEMENT, case_withdrawn, COR_OK, ""),
  PAIR("case stands", DATA_REQUEST, case_withdrawn, COR_OK, ""),
  PAIR("case stands", DATA_STATEMENT, case_withdrawn, COR_OK, ""),
  PAIR("case stands", SUSPENSION_ANSWER, case_withdrawn, COR_CASE_WITHDRAWN, "handle"),
  PAIR("case stands", ACCESS_STATEMENT, case_withdrawn, COR_OK, ""),
  PAIR("case stands", WITHDRAWAL_NOTICE, case_withdrawn, COR_OK, ""),
  PAIR("basis", CASE_FILE, record_duty, COR_BASIS_NOT_ALLOWED, "basis"),
  PAIR("basis", CASE_FILE, vital_interest, COR_BASIS_NOT_ALLOWED, "basis"),
  PAIR("basis", CASE_FILE, basis_out_of_range, COR_BASIS_NOT_ALLOWED, "basis"),
  PAIR("basis", CASE_FILE, life_at_risk, COR_BASIS_NOT_ALLOWED, "basis"),
  PAIR("basis", CASE_FILE, best_interests, COR_BASIS_NOT_ALLOWED, "basis"),
  PAIR("basis", REFERRAL_HANDOVER, best_interests, COR_OK, ""),
  PAIR("basis", CASE_FILE, health_life_at_risk, COR_OK, ""),
  PAIR("basis", REFERRAL_HANDOVER, life_at_risk, COR_OK, ""),
  PAIR("basis", DUPLICATE_QUESTION, life_at_risk, COR_BASIS_NOT_ALLOWED, "basis"),
  PAIR("basis", ABN, life_at_risk, COR_BASIS_NOT_ALLOWED, "basis"),
  PAIR("basis", CASE_FILE, vital_agreed, COR_BASIS_NOT_ALLOWED, "basis"),
  PAIR("basis", CASE_FILE, health_vital_agreed, COR_OK, ""),
  PAIR("basis", CASE_FILE, health_vital_not_agreed, COR_BASIS_NOT_ALLOWED, "basis"),
  PAIR("basis", CASE_FILE, health_vital_agreed_before, COR_BASIS_NOT_ALLOWED, "basis"),
  PAIR("basis", CASE_FILE, health_vital_agreed_for_less, COR_BASIS_NOT_ALLOWED, "basis"),
  PAIR("basis", CASE_FILE, health_vital_agreed_elsewhere, COR_BASIS_NOT_ALLOWED, "basis"),
  PAIR("basis", CASE_FILE, health_vital_second_agrees, COR_OK, ""),
  PAIR("basis", REFERRAL_HANDOVER, vital_interest, COR_BASIS_NOT_ALLOWED, "basis"),
  PAIR("basis", REFERRAL_HANDOVER, vital_agreed, COR_OK, ""),
  PAIR("basis", REFERRAL, life_at_risk, COR_BASIS_NOT_ALLOWED, "basis"),
  PAIR("basis", REFERRAL, cover_life_at_risk, COR_OK, ""),
  PAIR("basis", REFERRAL, cover_vital, COR_BASIS_NOT_ALLOWED, "cover"),
  PAIR("basis", REFERRAL, cover_vital_agreed, COR_OK, ""),
  PAIR("basis", REFERRAL, cover_of_no_person, COR_NO_CONSENT, "cover"),
  PAIR("basis", TICKET_ISSUED, travel_without_person, COR_BASIS_NOT_ALLOWED, "basis"),
  PAIR("purpose", CASE_FILE, purpose_monitoring, COR_BASIS_NOT_ALLOWED, "purpose"),
  PAIR("purpose", CASE_FILE, purpose_out_of_range, COR_BASIS_NOT_ALLOWED, "purpose"),
  PAIR("purpose", CASE_FILE, health_wrong_purpose, COR_BASIS_NOT_ALLOWED, "purpose"),
  PAIR("purpose", CASE_FILE, health_part, COR_OK, ""),
  PAIR("purpose", ATTACHMENT_CHUNK, health_wrong_purpose, COR_BASIS_NOT_ALLOWED, "purpose"),
  PAIR("purpose", ATTACHMENT_CHUNK, health_part, COR_OK, ""),
  PAIR("categories", CASE_FILE, carries_health, COR_CATEGORY_NOT_ALLOWED, "categories"),
  PAIR("categories", DUPLICATE_QUESTION, carries_health, COR_CATEGORY_NOT_ALLOWED, "categories"),
  PAIR("categories", ABN, carries_protection, COR_CATEGORY_NOT_ALLOWED, "categories"),
  PAIR("categories", CASE_FILE, carries_beyond_the_table, COR_NO_AGREEMENT, "categories"),
  PAIR("categories", CASE_FILE, agreed_and_carried_beyond_the_table, COR_CATEGORY_NOT_ALLOWED, "categories"),
  PAIR("categories", CONSENT_RECORD, carries_beyond_the_table, COR_CATEGORY_NOT_ALLOWED, "categories"),
  PAIR("categories", CASE_FILE, carries_nothing, COR_CATEGORY_NOT_ALLOWED, "categories"),
  PAIR("categories", CASE_FILE, compartment_protection, COR_CATEGORY_NOT_ALLOWED, "categories"),
  PAIR("categories", CASE_FILE, compartment_out_of_range, COR_CATEGORY_NOT_ALLOWED, "categories"),
  PAIR("categories", ABN, to_transit, COR_CATEGORY_NOT_ALLOWED, "categories"),
  PAIR("categories", REFERRAL, cover_empty, COR_CATEGORY_NOT_ALLOWED, "cover"),
  PAIR("categories", REFERRAL, cover_protection, COR_CATEGORY_NOT_ALLOWED, "cover"),
  PAIR("categories", REFERRAL, cover_legal_to_child_authority, COR_CATEGORY_NOT_ALLOWED, "cover"),
  PAIR("consent", CASE_FILE, consent_missing, COR_NO_CONSENT, "consent_id"),
  PAIR("consent", CASE_FILE, consent_withdrawn, COR_CONSENT_WITHDRAWN, "consent_id"),
  PAIR("consent", CASE_FILE, consent_withdrawn_later, COR_CONSENT_WITHDRAWN, "consent_id"),
  PAIR("consent", CASE_FILE, consent_not_begun, COR_NO_CONSENT, "consent_id"),
  PAIR("consent", CASE_FILE, consent_begins_now, COR_OK, ""),
  PAIR("consent", CASE_FILE, consent_ends_now, COR_CONSENT_EXPIRED, "consent_id"),
  PAIR("consent", CASE_FILE, consent_ends_after_now, COR_OK, ""),
  PAIR("consent", CASE_FILE, scope_other_office, COR_NO_CONSENT, "categories"),
  PAIR("consent", CASE_FILE, scope_other_purpose, COR_NO_CONSENT, "categories"),
  PAIR("consent", CASE_FILE, scope_fewer_categories, COR_NO_CONSENT, "categories"),
  PAIR("consent", CASE_FILE, scope_to_nobody, COR_NO_CONSENT, "categories"),
  PAIR("consent", CASE_FILE, scope_by_role, COR_OK, ""),
  PAIR("consent", CASE_FILE, scope_by_other_role, COR_NO_CONSENT, "categories"),
  PAIR("consent", CASE_FILE, scopes_joined, COR_OK, ""),
  PAIR("consent", CASE_FILE, no_scopes, COR_NO_CONSENT, "categories"),
  PAIR("consent", CASE_FILE, scope_withdrawn, COR_CONSENT_WITHDRAWN, "categories"),
  PAIR("consent", CASE_FILE, one_of_two_scopes_withdrawn, COR_CONSENT_WITHDRAWN, "categories"),
  PAIR("consent", CASE_FILE, other_scope_withdrawn, COR_OK, ""),
  PAIR("consent", CASE_FILE, scope_withdrawn_and_too_few, COR_NO_CONSENT, "categories"),
  PAIR("consent", REFERRAL, scope_withdrawn, COR_CONSENT_WITHDRAWN, "categories"),
  PAIR("consent", CASE_FILE, scopes_past_the_limit, COR_NO_CONSENT, "categories"),
  PAIR("consent", DUPLICATE_QUESTION, consent_missing, COR_NO_CONSENT, "consent_id"),
  PAIR("consent", DUPLICATE_QUESTION, scope_other_office, COR_NO_CONSENT, "categories"),
  PAIR("consent", DUPLICATE_ANSWER, consent_missing, COR_OK, ""),
  PAIR("consent", ABN_CONFIRM, consent_missing, COR_OK, ""),
  PAIR("consent", REFERRAL, consent_missing, COR_NO_CONSENT, "cover"),
  PAIR("consent", REFERRAL, consent_withdrawn, COR_CONSENT_WITHDRAWN, "cover"),
  PAIR("consent", REFERRAL, scope_other_office, COR_NO_CONSENT, "categories"),
  PAIR("consent", REFERRAL, scope_fewer_categories, COR_NO_CONSENT, "categories"),
  PAIR("safeguards", ABN, safeguards_unmet, COR_SAFEGUARDS_MISSING, "safeguards_met"),
  PAIR("safeguards", TICKET_ISSUED, safeguards_unmet, COR_OK, ""),
  PAIR("before", CASE_FILE, no_history, COR_PRECONDITION_MISSING, "type"),
  PAIR("before", ABN, no_history, COR_PRECONDITION_MISSING, "type"),
  PAIR("before", TICKET_ISSUED, yes_of_another_office, COR_PRECONDITION_MISSING, "type"),
  PAIR("before", DEPARTURE_CONFIRMATION, no_yes, COR_OK, ""),
  PAIR("before", ARRIVAL_NOTICE, no_yes, COR_PRECONDITION_MISSING, "type"),
  PAIR("before", REFERRAL_ACK, no_history, COR_PRECONDITION_MISSING, "type"),
  PAIR("before", REFERRAL_HANDOVER, no_yes, COR_PRECONDITION_MISSING, "type"),
  PAIR("before", DUPLICATE_QUESTION, no_history, COR_PRECONDITION_MISSING, "type"),
  PAIR("before", DUPLICATE_ANSWER, no_history, COR_PRECONDITION_MISSING, "type"),
  PAIR("before", DUPLICATE_ANSWER, no_yes, COR_OK, ""),
  PAIR("before", CONSENT_WITHDRAWAL, no_history, COR_OK, ""),
  PAIR("one provider", REFERRAL_ACK, referral_taken, COR_REFERRAL_TAKEN, "handle"),
  PAIR("one provider", REFERRAL_ACK, answer_no_when_taken, COR_OK, ""),
  PAIR("one provider", REFERRAL, handle_taken, COR_CONFLICT, "handle"),
  PAIR("one provider", REFERRAL, referral_taken, COR_REFERRAL_TAKEN, "handle"),
  PAIR("one provider", SERVICE_REPORT, referral_taken, COR_OK, ""),
  PAIR("one provider", HANDOVER_ATTACHMENT, referral_taken, COR_REFERRAL_TAKEN, "handle"),
  PAIR("one provider", REPORT_ATTACHMENT, referral_taken, COR_OK, ""),
  PAIR("one provider", REFERRAL_HANDOVER, referral_taken, COR_REFERRAL_TAKEN, "handle"),
  PAIR("limits", CASE_FILE, expires_now, COR_EXPIRED, "expires_at"),
  PAIR("limits", CASE_FILE, sent_ahead, COR_CLOCK_SKEW, "sent_at"),
  PAIR("limits", CASE_FILE, sent_at_skew_limit, COR_OK, ""),
  PAIR("limits", CONSENT_WITHDRAWAL, sent_ahead, COR_OK, ""),
  PAIR("limits", CONSENT_WITHDRAWAL, expires_now, COR_EXPIRED, "expires_at"),
  PAIR("limits", CASE_FILE, table_newer, COR_TABLE_VERSION, "table_version"),
  PAIR("limits", CASE_FILE, table_none, COR_TABLE_VERSION, "table_version"),
  PAIR("limits", CASE_FILE, table_ancient, COR_TABLE_VERSION, "table_version"),
  PAIR("recall", CASE_FILE, asked_back, COR_BASIS_NOT_ALLOWED, "message_id"),
  PAIR("recall", CASE_FILE, asked_back_life_at_risk, COR_BASIS_NOT_ALLOWED, "message_id"),
  PAIR("suspension", CASE_FILE, case_suspended, COR_CASE_SUSPENDED, "handle"),
  PAIR("suspension", REFERRAL, case_suspended, COR_CASE_SUSPENDED, "handle"),
  PAIR("suspension", REFERRAL, suspended_cover_life_at_risk, COR_OK, ""),
  PAIR("suspension", REFERRAL_HANDOVER, case_suspended, COR_CASE_SUSPENDED, "handle"),
  PAIR("suspension", REFERRAL_HANDOVER, suspended_best_interests, COR_OK, ""),
  PAIR("suspension", CASE_FILE, suspended_health_life_at_risk, COR_OK, ""),
  PAIR("suspension", DEPARTURE_CONFIRMATION, suspended_without_person, COR_OK, ""),
  PAIR("suspension", REFERRAL_ACK, case_suspended, COR_OK, ""),
  PAIR("suspension", CONSENT_RECORD, case_suspended, COR_OK, ""),
  PAIR("suspension", CONSENT_WITHDRAWAL, case_suspended, COR_OK, ""),
  PAIR("suspension", SUSPENSION_ANSWER, case_suspended, COR_OK, ""),
  PAIR("suspension", SUSPENSION_NOTICE, case_suspended, COR_OK, ""),
  PAIR("suspension", CASE_FILE, suspended_without_consent, COR_NO_CONSENT, "consent_id"),
  PAIR("deny by default", CASE_FILE, type_unknown, COR_UNKNOWN_ENUM, "type"),
};
/* When two rules refuse, the earlier one answers. */
static const struct { void (*first)(world *), (*second)(world *); int code; } order[] = {
  {sender_unknown, no_agreement, COR_UNKNOWN_OFFICE},
  {no_agreement, no_standing, COR_NO_AGREEMENT},
  {no_standing, other_programme, COR_NO_STANDING},
  {no_standing, case_withdrawn, COR_NO_STANDING},
  {case_unknown, consent_missing, COR_NO_STANDING},
  {case_withdrawn, consent_missing, COR_CASE_WITHDRAWN},
  {other_programme, vital_interest, COR_NO_AGREEMENT},
  {carries_health, consent_missing, COR_CATEGORY_NOT_ALLOWED},
  {no_standing, no_permission, COR_NO_STANDING},
  {carries_health, no_permission, COR_CATEGORY_NOT_ALLOWED},
  {no_permission, consent_missing, COR_NO_ROUTE},
  {consent_withdrawn, consent_ends_now, COR_CONSENT_WITHDRAWN},
  {consent_missing, no_history, COR_NO_CONSENT},
  {no_history, expires_now, COR_PRECONDITION_MISSING},
  {case_withdrawn, case_suspended, COR_CASE_WITHDRAWN},
  {consent_withdrawn, asked_back, COR_CONSENT_WITHDRAWN},
  {asked_back, case_suspended, COR_BASIS_NOT_ALLOWED},
  {expires_now, case_suspended, COR_EXPIRED},
  {table_newer, case_suspended, COR_TABLE_VERSION},
};
/* clang-format on */
#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

static cor_decision decide(Corridor__V1__MessageType type, void (*change)(world *)) {
  world w;
  plain(&w, type);
  change(&w);
  return cor_gate_decide(&w.facts, &w.header);
}

static const struct {
  const char *one, *other, *programme;
  int64_t now;
  bool agreed;
} agreed[] = {
    {"one", "two", "JI", NOW, true},         {"two", "one", "JI", NOW, true},
    {"one", "three", "JI", NOW, false},      {"one", "two", "J", NOW, false},
    {"one", "two", "JII", NOW, false},       {"one", "two", "", NOW, false},
    {"one", "two", "JI", NOW - HOUR, true},  {"one", "two", "JI", NOW - HOUR - 1, false},
    {"one", "two", "JI", NOW + HOUR, false}, {"one", "two", "JI", NOW + HOUR - 1, true},
};

START_TEST(a_programme_is_agreed_or_not) {
  world w;
  plain(&w, COR_T(CASE_FILE));
  Corridor__V1__Agreement *list[] = {&w.agreement};
  const Corridor__V1__CardList cards = {.n_agreements = 1, .agreements = list}, none = {.n_agreements = 0};
  ck_assert(cor_gate_agreed(&cards, agreed[_i].one, agreed[_i].other, agreed[_i].programme, agreed[_i].now) ==
            agreed[_i].agreed);
  ck_assert(!cor_gate_agreed(&none, agreed[_i].one, agreed[_i].other, agreed[_i].programme, agreed[_i].now));
}
END_TEST

START_TEST(every_type_passes_when_all_is_well) {
  const cor_sop_row *row;
  for (size_t i = 0; (row = cor_sop_at(i)); i++) {
    cor_decision d = decide(row->type, no_change);
    ck_assert_msg(d.code == COR_OK, "%s refused: %s %s", row->name, cor_refusal_of(d.code)->name, d.field);
    ck_assert_uint_eq(d.table_version, COR_SOP_VERSION);
  }
}
END_TEST

START_TEST(a_changed_input_changes_the_result) {
  const pair *p = &pairs[_i];
  cor_decision d = decide(p->type, p->change);
  ck_assert_msg(d.code == p->code, "%s/%s: got %s, expected %s", p->rule, p->what,
                cor_refusal_of(d.code)->name, cor_refusal_of(p->code)->name);
  ck_assert_str_eq(d.field, p->field);
}
END_TEST

START_TEST(the_earlier_rule_answers) {
  world w;
  plain(&w, COR_T(CASE_FILE));
  order[_i].first(&w);
  order[_i].second(&w);
  ck_assert_int_eq(cor_gate_decide(&w.facts, &w.header).code, order[_i].code);
}
END_TEST

/* A permit names the agreement in whose name it is; what needs none, and a refusal, name none. */
START_TEST(a_permit_names_its_agreement) {
  ck_assert_str_eq(decide(COR_T(CASE_FILE), no_change).agreement, "A-1");
  ck_assert_str_eq(decide(COR_T(CASE_FILE), second_agreement_covers).agreement, "A-2");
  ck_assert_str_eq(decide(COR_T(CASE_FILE), consent_missing).agreement, "");
  ck_assert_str_eq(decide(COR_T(REGISTRATION), no_change).agreement, "");
  ck_assert_str_eq(decide(COR_T(END_NOTICE), no_change).agreement, "");
}
END_TEST

/* Invariant 10: whatever else is true of a case, without standing the answer is
 * the one for a case that does not exist. */
START_TEST(unknown_and_not_yours_look_the_same) {
  cor_decision unknown = decide(COR_T(CASE_FILE), unknown_and_no_programme);
  for (int i = 0; i < COUNT(pairs); i++) {
    world w;
    plain(&w, COR_T(CASE_FILE));
    pairs[i].change(&w);
    no_standing(&w);
    cor_decision theirs = cor_gate_decide(&w.facts, &w.header);
    w.facts.case_known = false;
    memset(&w.facts.consent, 0, sizeof w.facts.consent);
    w.facts.programme[0] = '\0';
    w.facts.case_withdrawn = w.facts.case_suspended = w.facts.referral_taken = false;
    w.facts.recalled = COR_OK;
    w.facts.history = w.facts.history_yes = w.facts.recipient_yes = 0;
    cor_decision absent = cor_gate_decide(&w.facts, &w.header);
    ck_assert_msg(theirs.code == absent.code && strcmp(theirs.field, absent.field) == 0,
                  "%s tells them apart", pairs[i].what);
    ck_assert_int_ne(theirs.code, COR_OK);
  }
  ck_assert_int_eq(unknown.code, COR_NO_STANDING);
}
END_TEST

static void print_table(void) {
  for (int i = 0; i < COUNT(pairs); i++) {
    const pair *p = &pairs[i];
    printf("%-15s %-22s as it should be: %-4s  %s: %s\n", p->rule, cor_sop_find(p->type)->name,
           cor_refusal_of(decide(p->type, no_change).code)->name, p->what,
           cor_refusal_of(decide(p->type, p->change).code)->name);
  }
}

int main(void) {
  print_table();
  Suite *suite = suite_create("gate");
  TCase *tc = tcase_create("gate");
  tcase_add_test(tc, every_type_passes_when_all_is_well);
  tcase_add_loop_test(tc, a_programme_is_agreed_or_not, 0, COUNT(agreed));
  tcase_add_loop_test(tc, a_changed_input_changes_the_result, 0, COUNT(pairs));
  tcase_add_loop_test(tc, the_earlier_rule_answers, 0, COUNT(order));
  tcase_add_test(tc, a_permit_names_its_agreement);
  tcase_add_test(tc, unknown_and_not_yours_look_the_same);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
