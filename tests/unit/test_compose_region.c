/* test_compose_region.c - where no return is prepared: the place inside a body against the
 * regions under suspension, before anything is sealed. */
#include "compose.h"
#include "corridor/refusal.h"

#include <check.h>
#include <stdlib.h>

#define NOW INT64_C(1772442000000)

static Corridor__V1__SuspendedRegion whole = CORRIDOR__V1__SUSPENDED_REGION__INIT,
                                     part = CORRIDOR__V1__SUSPENDED_REGION__INIT,
                                     later = CORRIDOR__V1__SUSPENDED_REGION__INIT;
static Corridor__V1__SuspendedRegion *all[] = {&whole, &part, &later};

static void setup(void) {
  whole.region = (char *)"ML";
  part.region = (char *)"GN-K";
  later.region = (char *)"SN";
  whole.since = part.since = NOW;
  later.since = NOW + 1;
}

static const struct {
  const char *country, *region;
  int code;
  const char *path;
} places[] = {
    {"ML", "", COR_REGION_SUSPENDED, "/body/casework/intendedReturn"},
    {"ML", "ML-1", COR_REGION_SUSPENDED, "/body/casework/intendedReturn"},
    {"ML", "Kayes", COR_REGION_SUSPENDED, "/body/casework/intendedReturn"},
    {"GN", "GN-K", COR_REGION_SUSPENDED, "/body/casework/intendedReturn"},
    {"GN", "GN-D", COR_OK, ""},
    {"GN", "Kankan", COR_BAD_INPUT, "/body/casework/intendedReturn/region"}, /* it could be any */
    {"GN", "", COR_BAD_INPUT, "/body/casework/intendedReturn/region"},
    {"GN", "SN-DK", COR_BAD_INPUT, "/body/casework/intendedReturn/region"},
    {"SN", "Dakar", COR_OK, ""},
    {"NE", "", COR_OK, ""},
};

START_TEST(a_case_file_names_an_open_place) {
  Corridor__V1__CaseFileCasework body = CORRIDOR__V1__CASE_FILE_CASEWORK__INIT;
  Corridor__V1__Place place = CORRIDOR__V1__PLACE__INIT;
  Corridor__V1__CardList list = CORRIDOR__V1__CARD_LIST__INIT;
  const compose_order order = {.body = &body.base, .path = "/body/casework"};
  cor_error err = {0};
  list.suspended = all;
  list.n_suspended = 3;
  place.country = (char *)(uintptr_t)places[_i].country;
  place.region = (char *)(uintptr_t)places[_i].region;
  body.intended_return = &place;
  ck_assert(compose_region(&list, &order, NOW, &err) == (places[_i].code == COR_OK));
  ck_assert_msg(err.code == places[_i].code, "%s %s: %d %s", place.country, place.region, err.code,
                err.detail);
  ck_assert_str_eq(err.path, places[_i].path);
  list.n_suspended = 0;
  ck_assert(compose_region(&list, &order, NOW, &err));
}
END_TEST

START_TEST(so_does_a_booking) {
  Corridor__V1__Abn body = CORRIDOR__V1__ABN__INIT;
  Corridor__V1__Place place = CORRIDOR__V1__PLACE__INIT;
  Corridor__V1__CardList list = CORRIDOR__V1__CARD_LIST__INIT;
  const compose_order order = {.body = &body.base, .path = "/body"};
  cor_error err = {0};
  list.suspended = all;
  list.n_suspended = 3;
  ck_assert(compose_region(&list, &order, NOW, &err)); /* no place at all: content_rules.c's */
  place.country = (char *)"GN";
  place.region = (char *)"GN-K";
  body.final_destination = &place;
  ck_assert(!compose_region(&list, &order, NOW, &err));
  ck_assert_int_eq(err.code, COR_REGION_SUSPENDED);
  ck_assert_str_eq(err.path, "/body/finalDestination");
}
END_TEST

/* Help under way names no place of return. */
START_TEST(other_messages_pass) {
  Corridor__V1__ArrivalNotice arrival = CORRIDOR__V1__ARRIVAL_NOTICE__INIT;
  Corridor__V1__ReferralHandover handover = CORRIDOR__V1__REFERRAL_HANDOVER__INIT;
  Corridor__V1__TicketIssued ticket = CORRIDOR__V1__TICKET_ISSUED__INIT;
  const ProtobufCMessage *const bodies[] = {&arrival.base, &handover.base, &ticket.base};
  Corridor__V1__CardList list = CORRIDOR__V1__CARD_LIST__INIT;
  cor_error err = {0};
  list.suspended = all;
  list.n_suspended = 3;
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
    ck_assert(compose_region(&list, &(compose_order){.body = bodies[i], .path = "/body"}, NOW, &err));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("compose region");
  TCase *tc = tcase_create("compose region");
  tcase_add_unchecked_fixture(tc, setup, NULL);
  tcase_add_loop_test(tc, a_case_file_names_an_open_place, 0, (int)(sizeof places / sizeof *places));
  tcase_add_test(tc, so_does_a_booking);
  tcase_add_test(tc, other_messages_pass);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  const int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
