/* test_sop.c - the table is whole: every message type has one row with its
 * source, names are those of the process reference, what closes was opened,
 * what must have happened before can happen, every part has a body. */
#include "corridor/sop.h"
#include <check.h>
#include <corridor/v1/card.pb-c.h>
#include <stdlib.h>
#include <string.h>

/* Every name a case officer writes in {"type": ...}. */
static const char *const names[] = {
    "Registration",     "ConsentRecord",     "ConsentWithdrawal",
    "ErasureStatement", "CaseFile",          "ABN",
    "AbnConfirm",       "TicketIssued",      "DepartureConfirmation",
    "ArrivalNotice",    "Referral",          "ReferralAck",
    "ReferralHandover", "ServiceReport",     "EndNotice",
    "WithdrawalNotice", "ObligationNotice",  "ContentStatement",
    "NoticeBundle",     "AccessStatement",   "BasisStatement",
    "Attachment",       "DuplicateQuestion", "DuplicateAnswer",
    "SuspensionAnswer", "SuspensionNotice",  "DataRequest",
    "DataNotice",       "DataStatement",     "HandoverAttachment",
    "ReportAttachment",
};
#define COUNT(a) (sizeof(a) / sizeof *(a))

static size_t row_count(void) {
  size_t n = 0;
  while (cor_sop_at(n))
    n++;
  return n;
}

START_TEST(every_message_type_has_its_row) {
  const ProtobufCEnumDescriptor *types = &corridor__v1__message_type__descriptor;
  for (unsigned i = 0; i < types->n_values; i++) {
    if (types->values[i].value == 0) continue;
    const cor_sop_row *row = cor_sop_find((Corridor__V1__MessageType)types->values[i].value);
    ck_assert_msg(row != NULL, "no row for %s", types->values[i].name);
    ck_assert_ptr_nonnull(row->cite);
    ck_assert_str_ne(row->cite, "");
  }
  ck_assert_uint_eq(row_count(), types->n_values - 1);
  ck_assert_ptr_null(cor_sop_find((Corridor__V1__MessageType)99));
}
END_TEST

START_TEST(names_are_the_process_reference_s) {
  ck_assert_uint_eq(row_count(), COUNT(names));
  for (size_t i = 0; i < COUNT(names); i++) {
    const cor_sop_row *row = cor_sop_named(names[i]);
    ck_assert_msg(row != NULL, "no row named %s", names[i]);
    ck_assert_ptr_eq(row, cor_sop_find(row->type)); /* unique: the first of its type */
  }
  ck_assert_ptr_null(cor_sop_named("abn"));
  ck_assert_ptr_null(cor_sop_named(NULL));
}
END_TEST

/* By the row, or by a basis that the row allows. */
static bool opened_by(const cor_sop_row *row, cor_duty duty) {
  for (unsigned basis = 1; basis < 16; basis++)
    for (size_t k = 0; (row->bases & COR_BIT(basis)) && k < COR_SOP_OPENS_MAX; k++)
      if (cor_sop_opens(row, (Corridor__V1__LegalBasis)basis, k) == duty) return true;
  return false;
}

static bool anyone(cor_duty duty, bool opens) {
  const cor_sop_row *row;
  for (size_t i = 0; (row = cor_sop_at(i)); i++)
    for (size_t k = 0; k < 2; k++)
      if (opens ? opened_by(row, duty) : row->closes[k] == duty) return true;
  return false;
}

START_TEST(every_duty_is_opened_and_can_be_closed) {
  cor_duty duty = (cor_duty)_i;
  const cor_duty_row *row = cor_duty_find(duty);
  if (row == NULL) { /* a number not given out */
    ck_assert_msg(!anyone(duty, true) && !anyone(duty, false), "duty %d has no row", _i);
    return;
  }
  ck_assert_str_ne(row->cite, "");
  ck_assert_str_ne(row->name, "");
  ck_assert_int_le(row->escalate_hours[0], row->escalate_hours[1]);
  ck_assert_msg(anyone(duty, true), "nothing opens %s", row->name);
  ck_assert_msg(anyone(duty, false), "nothing closes %s", row->name);
}
END_TEST

/* Whoever the table makes owe an answer is allowed to send it. */
START_TEST(duties_fall_on_those_who_can_meet_them) {
  const cor_sop_row *row;
  for (size_t i = 0; (row = cor_sop_at(i)); i++)
    for (size_t k = 0; k < 2 && row->opens[k]; k++) {
      bool sender = cor_duty_find(row->opens[k])->owner != COR_OWNER_RECIPIENT;
      uint32_t owners = sender ? row->from_roles : row->to_roles, able = 0;
      for (unsigned role = 1; role < 32; role++)
        if (owners & COR_BIT(role)) able += cor_duty_falls_on(row->opens[k], (Corridor__V1__Role)role);
      ck_assert_msg(able > 0, "%s opens a duty that nobody can meet", row->name);
    }
  ck_assert(cor_duty_falls_on(COR_DUTY_ABN_CONFIRM, COR_ROLE(ORIGIN_MISSION)));
  ck_assert(!cor_duty_falls_on(COR_DUTY_ABN_CONFIRM, COR_ROLE(TRANSIT_MISSION)));
  ck_assert(!cor_duty_falls_on(COR_DUTY_NONE, COR_ROLE(ORIGIN_MISSION)));
}
END_TEST

START_TEST(what_comes_before_can_come) {
  const cor_sop_row *row;
  for (size_t i = 0; (row = cor_sop_at(i)); i++)
    for (size_t k = 0; k < COR_SOP_BEFORE_MAX && row->before[k].type; k++) {
      const cor_sop_row *before = cor_sop_find(row->before[k].type);
      ck_assert_msg(before != NULL && before < row, "%s waits for a later row", row->name);
      ck_assert_int_eq(before->handle, row->handle);
      ck_assert(row->before[k].outcome == 0 ||
                (row->before[k].outcome == COR_OUTCOME(YES) && before->needs_outcome));
    }
}
END_TEST

START_TEST(every_part_has_a_body_and_categories) {
  const cor_sop_row *row;
  for (size_t i = 0; (row = cor_sop_at(i)); i++)
    for (unsigned c = 0; c < COUNT(row->categories); c++) {
      bool has = (row->compartments & COR_BIT(c)) != 0;
      ck_assert_msg((cor_sop_body(row->type, (Corridor__V1__Compartment)c) != NULL) == has, "%s body",
                    row->name);
      ck_assert_msg((row->categories[c] != 0) == has, "%s categories", row->name);
    }
}
END_TEST

START_TEST(rows_are_whole) {
  const cor_sop_row *row;
  for (size_t i = 0; (row = cor_sop_at(i)); i++) {
    ck_assert_msg(row->from_roles && row->purposes && row->bases && row->compartments, "%s", row->name);
    ck_assert_msg(row->to_hub != (row->to_roles != 0), "%s: to whom?", row->name);
    ck_assert_msg(row->from_hub == (row->from_roles == COR_BIT(COR_ROLE(HUB))), "%s: from whom?", row->name);
    ck_assert_msg(row->needs_cover == (row->type == COR_T(REFERRAL)), "%s: cover", row->name);
    ck_assert_msg(row->closes_one <= (row->closes[1] != 0), "%s: of two", row->name);
  }
}
END_TEST

/* Care may move without consent, and nothing else; each such ground says who decides
 * it and makes its sender owe a review. */
START_TEST(without_consent) {
  const cor_sop_row *row;
  for (size_t i = 0; (row = cor_sop_at(i)); i++)
    for (unsigned basis = 1; basis < 16; basis++) {
      const cor_basis_row *decided = cor_basis_find((Corridor__V1__LegalBasis)basis);
      const bool care = row->type == COR_T(CASE_FILE) || row->type == COR_T(REFERRAL_HANDOVER);
      if (decided) ck_assert_msg(((row->bases & COR_BIT(basis)) != 0) == care, "%s", row->name);
    }
  ck_assert_ptr_null(cor_basis_find(COR_BASIS(CONSENT)));
  ck_assert_ptr_null(cor_basis_find(COR_BASIS(NO_PERSONAL_DATA)));
  ck_assert_ptr_null(cor_basis_find((Corridor__V1__LegalBasis)0));
  const cor_basis_row *life = cor_basis_find(COR_BASIS(LIFE_AT_RISK));
  ck_assert_uint_eq(life->deciders, COR_BIT(CORRIDOR__V1__DECIDER__MENTAL_HEALTH_PROFESSIONAL));
  for (unsigned basis = 2; basis <= 4; basis++) {
    const cor_basis_row *decided = cor_basis_find((Corridor__V1__LegalBasis)basis);
    ck_assert(!(decided->deciders & COR_BIT(CORRIDOR__V1__DECIDER__OFFICE_STAFF)));
    ck_assert_int_eq(decided->needs_agreement, basis == COR_BASIS(VITAL_INTEREST_OTHER));
    ck_assert(decided->opens[0] == COR_DUTY_REVIEW || decided->opens[1] == COR_DUTY_REVIEW);
    ck_assert_str_ne(decided->cite, "");
  }
  row = cor_sop_find(COR_T(CASE_FILE));
  const cor_duty opened[] = {COR_DUTY_NONE, COR_DUTY_NONE, COR_DUTY_COUNTER_SIGNATURE, COR_DUTY_REVIEW,
                             COR_DUTY_NONE};
  for (size_t i = 0; i < COUNT(opened); i++) {
    ck_assert_int_eq(cor_sop_opens(row, COR_BASIS(LIFE_AT_RISK), i), opened[i]);
    ck_assert_int_eq(cor_sop_opens(row, COR_BASIS(CONSENT), i), COR_DUTY_NONE);
  }
}
END_TEST

/* [003:603]: protection risk travels in the PROTECTION compartment or not at
 * all; health detail never reaches operations. */
START_TEST(need_to_know) {
  const uint32_t health = COR_BIT(COR_CAT(HEALTH_DATA)) | COR_BIT(COR_CAT(MENTAL_HEALTH));
  const cor_sop_row *row;
  for (size_t i = 0; (row = cor_sop_at(i)); i++) {
    for (unsigned c = 0; c < COUNT(row->categories); c++)
      if (c != COR_C(PROTECTION))
        ck_assert_msg(!(row->categories[c] & COR_BIT(COR_CAT(PROTECTION_RISK))), "%s", row->name);
    ck_assert_msg(!(row->categories[COR_C(OPERATIONS)] & health), "%s", row->name);
  }
  const cor_sop_row *file = cor_sop_find(COR_T(CASE_FILE));
  ck_assert(!(file->categories[COR_C(CASEWORK)] & health));
  uint32_t transit = cor_sop_categories(cor_sop_find(COR_T(ABN)), COR_C(OPERATIONS),
                                        COR_ROLE(TRANSIT_MISSION));
  ck_assert(!(transit & COR_BIT(COR_CAT(BIODATA))));
  ck_assert(transit & COR_BIT(COR_CAT(TRAVEL)));
  ck_assert_uint_eq(cor_sop_categories(file, (Corridor__V1__Compartment)8, COR_ROLE(ORIGIN_MISSION)), 0);
}
END_TEST

/* Nothing about a person to those who enforce, decide, supervise or pay [003:351;
 * 004:3979-3981]; asylum matters to UN agencies alone. */
static const Corridor__V1__Role told_nothing[] = {
    COR_ROLE(NOTIFYING_AUTHORITY),
    COR_ROLE(COMMITTEE),
    COR_ROLE(REGIONAL_OFFICE),
    COR_ROLE(EU_DELEGATION),
    COR_ROLE(DONOR),
    COR_ROLE(HUB),
    COR_ROLE(OVERSIGHT),
    COR_ROLE(OVERFLOWN_MISSION),
};

START_TEST(some_are_told_nothing_about_a_person) {
  ck_assert_uint_eq(cor_sop_never(told_nothing[_i]), ~COR_BIT(COR_CAT(OPERATIONAL)));
  cor_sop_row open = *cor_sop_find(COR_T(CASE_FILE));
  open.categories[COR_C(CASEWORK)] = ~0U; /* a row that somebody opened by mistake */
  ck_assert_uint_eq(cor_sop_categories(&open, COR_C(CASEWORK), told_nothing[_i]),
                    COR_BIT(COR_CAT(OPERATIONAL)));
}
END_TEST

START_TEST(asylum_matters_go_one_way) {
  const cor_sop_row *row;
  for (size_t i = 0; (row = cor_sop_at(i)); i++)
    for (unsigned c = 0; c < COUNT(row->categories); c++)
      for (unsigned role = 1; role <= COR_ROLE(OVERSIGHT); role++) {
        const uint32_t set = cor_sop_categories(row, (Corridor__V1__Compartment)c, (Corridor__V1__Role)role);
        const bool handover = row->type == COR_T(REFERRAL_HANDOVER) && c == COR_C(CASEWORK);
        ck_assert_msg(((set & COR_BIT(COR_CAT(ASYLUM))) != 0) == (handover && role == COR_ROLE(UN_AGENCY)),
                      "%s to role %u", row->name, role);
      }
}
END_TEST

START_TEST(bookings_are_marked) {
  const cor_sop_row *row;
  for (size_t i = 0; (row = cor_sop_at(i)); i++)
    ck_assert_msg(row->books_return == (row->type == COR_T(ABN) || row->type == COR_T(TICKET_ISSUED)), "%s",
                  row->name);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("sop");
  TCase *tc = tcase_create("sop");
  tcase_add_test(tc, every_message_type_has_its_row);
  tcase_add_test(tc, names_are_the_process_reference_s);
  tcase_add_loop_test(tc, every_duty_is_opened_and_can_be_closed, 1, COR_DUTY_COUNT);
  tcase_add_test(tc, duties_fall_on_those_who_can_meet_them);
  tcase_add_test(tc, what_comes_before_can_come);
  tcase_add_test(tc, every_part_has_a_body_and_categories);
  tcase_add_test(tc, rows_are_whole);
  tcase_add_test(tc, without_consent);
  tcase_add_test(tc, need_to_know);
  tcase_add_loop_test(tc, some_are_told_nothing_about_a_person, 0, (int)COUNT(told_nothing));
  tcase_add_test(tc, asylum_matters_go_one_way);
  tcase_add_test(tc, bookings_are_marked);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
