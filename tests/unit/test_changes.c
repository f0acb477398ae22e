/* test_changes.c - two card lists compared: what was added, altered, removed of who may
 * tell whom what. */
#include "changes.h"

#include "corridor/sop.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define CAT(x) COR_BIT(COR_CAT(x))
#define PART(x) CORRIDOR__V1__LIST_PART__PART_##x
#define CHANGE(x) CORRIDOR__V1__LIST_CHANGE__CHANGE_##x

/* A list with one of everything that can change. */
typedef struct side {
  Corridor__V1__Role senders[2], recipients[1];
  Corridor__V1__DataCategory categories[3];
  Corridor__V1__Permission row, *rows[1];
  Corridor__V1__Agreement agreement, *agreements[1];
  Corridor__V1__SuspendedRegion region, *regions[1];
  Corridor__V1__ConsentMethod ways[2];
  Corridor__V1__ConsentPolicy policy, *policies[1];
  Corridor__V1__Card card, *cards[1];
  Corridor__V1__CardList list;
} side;

static void make(side *s) {
  memset(s, 0, sizeof *s);
  s->senders[0] = COR_ROLE(HOST_MISSION);
  s->senders[1] = COR_ROLE(PARTNER);
  s->recipients[0] = COR_ROLE(ORIGIN_MISSION);
  s->categories[0] = COR_CAT(OPERATIONAL);
  s->categories[1] = COR_CAT(BIODATA);
  s->categories[2] = COR_CAT(CONTACT);
  corridor__v1__permission__init(&s->row);
  s->row.senders = s->senders;
  s->row.n_senders = 2;
  s->row.recipients = s->recipients;
  s->row.n_recipients = 1;
  s->row.compartment = COR_C(CASEWORK);
  s->row.enter = s->row.view = s->categories;
  s->row.n_enter = 3;
  s->row.n_view = 2;
  corridor__v1__agreement__init(&s->agreement);
  s->agreement.id = (char *)"JI-1";
  s->agreement.categories = s->categories;
  s->agreement.n_categories = 2;
  s->agreement.valid_until = 1;
  corridor__v1__suspended_region__init(&s->region);
  s->region.region = (char *)"GN-K";
  s->region.since = 1;
  corridor__v1__consent_policy__init(&s->policy);
  s->policy.scope = CORRIDOR__V1__CONSENT_SCOPE_CODE__PHOTO;
  s->ways[0] = CORRIDOR__V1__CONSENT_METHOD__RECORDED_AUDIO;
  s->ways[1] = CORRIDOR__V1__CONSENT_METHOD__SCANNED_SIGNATURE;
  s->policy.forbidden = s->ways;
  s->policy.n_forbidden = 1;
  corridor__v1__card__init(&s->card);
  s->card.office = (char *)"unhcr-ne";
  s->card.asylum_authority = true;
  s->card.role = COR_ROLE(UN_AGENCY);
  corridor__v1__card_list__init(&s->list);
  s->rows[0] = &s->row;
  s->agreements[0] = &s->agreement;
  s->regions[0] = &s->region;
  s->cards[0] = &s->card;
  s->policies[0] = &s->policy;
  s->list.permissions = s->rows;
  s->list.agreements = s->agreements;
  s->list.suspended = s->regions;
  s->list.cards = s->cards;
  s->list.consent_policies = s->policies;
  s->list.n_consent_policies = 1;
  s->list.n_permissions = s->list.n_agreements = s->list.n_suspended = s->list.n_cards = 1;
}

static const list_change all_new[] = {
    {PART(PERMISSION), CHANGE(ADDED), "HOST_MISSION > ORIGIN_MISSION, casework",
     CAT(OPERATIONAL) | CAT(BIODATA)},
    {PART(PERMISSION), CHANGE(ADDED), "PARTNER > ORIGIN_MISSION, casework", CAT(OPERATIONAL) | CAT(BIODATA)},
    {PART(AGREEMENT), CHANGE(ADDED), "JI-1", CAT(OPERATIONAL) | CAT(BIODATA)},
    {PART(REGION), CHANGE(ADDED), "GN-K", 0},
    {PART(ASYLUM_AUTHORITY), CHANGE(ADDED), "unhcr-ne", CAT(ASYLUM)},
    {PART(CONSENT_POLICY), CHANGE(ADDED), "PHOTO", 0},
};
enum { ALL = sizeof all_new / sizeof *all_new };

static void is(const list_change *found, Corridor__V1__ListPart part, Corridor__V1__ListChange change,
               const char *subject, uint32_t categories) {
  ck_assert_int_eq(found->part, part);
  ck_assert_int_eq(found->change, change);
  ck_assert_str_eq(found->subject, subject);
  ck_assert_uint_eq(found->categories, categories);
}

START_TEST(of_a_first_list_all_is_new) {
  side s;
  changes found;
  make(&s);
  changes_find(NULL, &s.list, &found);
  ck_assert_uint_eq(found.n, ALL);
  for (size_t i = 0; i < ALL; i++)
    is(&found.list[i], all_new[i].part, CHANGE(ADDED), all_new[i].subject, all_new[i].categories);
  changes_clear(&found);
}
END_TEST

START_TEST(of_an_empty_list_all_is_gone) {
  side s;
  changes found;
  Corridor__V1__CardList empty = CORRIDOR__V1__CARD_LIST__INIT;
  make(&s);
  changes_find(&s.list, &empty, &found);
  ck_assert_uint_eq(found.n, ALL);
  for (size_t i = 0; i < ALL; i++)
    is(&found.list[i], all_new[i].part, CHANGE(REMOVED), all_new[i].subject, 0);
  changes_clear(&found);
}
END_TEST

/* Each changes one thing of a list; what is found of it, and nothing else. */
static void rows_split(side *s) { /* the same permissions in other words */
  static Corridor__V1__Permission other;
  static Corridor__V1__Permission *two[2];
  other = s->row;
  s->row.n_senders = 1;
  other.senders = &s->senders[1];
  other.n_senders = 1;
  two[0] = &other;
  two[1] = &s->row;
  s->list.permissions = two;
  s->list.n_permissions = 2;
}
static void more_viewed(side *s) {
  s->row.n_view = 3;
  s->row.n_senders = 1;
}
static void agreement_longer(side *s) {
  s->agreement.valid_until = 2;
}
static void agreement_renamed(side *s) {
  s->agreement.id = (char *)"JI-2";
}
static void since_later(side *s) {
  s->region.since = 2;
}
static void no_longer_unhcr(side *s) {
  s->card.asylum_authority = false;
}
static void one_way_less(side *s) {
  s->policy.n_forbidden = 2;
}
static void other_role(side *s) {
  s->card.role = COR_ROLE(ORIGIN_MISSION);
}
static void nothing(side *s) {
  (void)s;
}

/* clang-format off */
static const struct { void (*change)(side *); size_t n; list_change found[2]; } one_change[] = {
  {nothing, 0, {{0}}},
  {rows_split, 0, {{0}}},
  {more_viewed, 2, {{PART(PERMISSION), CHANGE(ALTERED), "HOST_MISSION > ORIGIN_MISSION, casework", CAT(OPERATIONAL) | CAT(BIODATA) | CAT(CONTACT)},
                    {PART(PERMISSION), CHANGE(REMOVED), "PARTNER > ORIGIN_MISSION, casework", 0}}},
  {agreement_longer, 1, {{PART(AGREEMENT), CHANGE(ALTERED), "JI-1", CAT(OPERATIONAL) | CAT(BIODATA)}}},
  {agreement_renamed, 2, {{PART(AGREEMENT), CHANGE(REMOVED), "JI-1", 0},
                          {PART(AGREEMENT), CHANGE(ADDED), "JI-2", CAT(OPERATIONAL) | CAT(BIODATA)}}},
  {since_later, 1, {{PART(REGION), CHANGE(ALTERED), "GN-K", 0}}},
  {one_way_less, 1, {{PART(CONSENT_POLICY), CHANGE(ALTERED), "PHOTO", 0}}},
  {other_role, 1, {{PART(ROLE), CHANGE(ALTERED), "unhcr-ne: UN_AGENCY > ORIGIN_MISSION", 0}}},
  {no_longer_unhcr, 1, {{PART(ASYLUM_AUTHORITY), CHANGE(REMOVED), "unhcr-ne", 0}}},
};
/* clang-format on */

START_TEST(one_change_is_found_alone) {
  side before, after;
  changes found;
  make(&before);
  make(&after);
  one_change[_i].change(&after);
  changes_find(&before.list, &after.list, &found);
  ck_assert_uint_eq(found.n, one_change[_i].n);
  for (size_t i = 0; i < found.n; i++) {
    const list_change *want = &one_change[_i].found[i];
    is(&found.list[i], want->part, want->change, want->subject, want->categories);
  }
  changes_clear(&found);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("changes");
  TCase *tc = tcase_create("changes");
  tcase_add_test(tc, of_a_first_list_all_is_new);
  tcase_add_test(tc, of_an_empty_list_all_is_gone);
  tcase_add_loop_test(tc, one_change_is_found_alone, 0, (int)(sizeof one_change / sizeof *one_change));
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  const int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
