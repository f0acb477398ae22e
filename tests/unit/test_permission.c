/* test_permission.c - the permission table: what a list may say, what the table that ships
 * says, and what the CA keeps of it. */
#include "programme.h"

#include "corridor/permission.h"
#include "corridor/sop.h"

#define CAT(x) COR_BIT(COR_CAT(x))
#define OPS (CAT(OPERATIONAL) | CAT(BIODATA) | CAT(CONTACT) | CAT(TRAVEL) | CAT(INSTRUCTION))
#define CARE (OPS | CAT(HEALTH_DATA) | CAT(MENTAL_HEALTH))
#define FILE_DATA                                                                                            \
  (CARE | CAT(CHILD_BID) | CAT(FAMILY) | CAT(ECONOMIC) | CAT(EDUCATION) | CAT(LEGAL) | CAT(MONITORING_DATA))
#define SERVICE (FILE_DATA & ~(CAT(TRAVEL) | CAT(MONITORING_DATA)))
#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

static char dir[64];
static cor_ca *ca;
static cor_error err;

/* Once: each test is a process of its own, and changes its own copy of the draft. */
static void setup(void) {
  programme_dir(dir);
  ca = programme_ca(dir);
}
static void teardown(void) {
  cor_ca_destroy(&ca);
  programme_remove(dir);
}

/* ---- one row, spoilt in one way ---- */

typedef struct spoilt {
  Corridor__V1__Role senders[1], recipients[2];
  Corridor__V1__DataCategory enter[33], view[33];
  Corridor__V1__Permission rows[2], *list[2];
  Corridor__V1__CardList all;
} spoilt;

static void one_row(spoilt *t) {
  memset(t, 0, sizeof *t);
  corridor__v1__card_list__init(&t->all);
  for (int i = 0; i < 2; i++) {
    Corridor__V1__Permission *row = t->list[i] = &t->rows[i];
    corridor__v1__permission__init(row);
    row->senders = t->senders;
    row->n_senders = 1;
    row->recipients = t->recipients;
    row->n_recipients = 1;
    row->compartment = COR_C(CASEWORK);
    row->enter = t->enter;
    row->view = t->view;
    row->n_enter = row->n_view = 1;
  }
  t->senders[0] = COR_ROLE(HOST_MISSION);
  t->recipients[0] = t->recipients[1] = COR_ROLE(ORIGIN_MISSION);
  t->enter[0] = t->view[0] = COR_CAT(BIODATA);
  t->all.permissions = t->list;
  t->all.n_permissions = 1;
}

#define SPOIL(name, statement)                                                                               \
  static void name(spoilt *t) {                                                                              \
    statement;                                                                                               \
  }
SPOIL(nothing, (void)t)
SPOIL(no_rows, t->all.n_permissions = 0)
SPOIL(no_sender, t->rows[0].n_senders = 0)
SPOIL(no_recipient, t->rows[0].n_recipients = 0)
SPOIL(sender_of_no_role, t->senders[0] = 0)
SPOIL(recipient_of_no_role, t->recipients[0] = COR_ROLE(OVERSIGHT) + 1)
SPOIL(record_is_no_function, t->rows[0].compartment = COR_C(RECORD))
SPOIL(no_function, t->rows[0].compartment = 0)
SPOIL(nothing_to_enter, t->rows[0].n_enter = 0)
SPOIL(nothing_to_view, t->rows[0].n_view = 0)
SPOIL(unknown_category, t->view[0] = COR_CAT(ASYLUM) + 1)
SPOIL(category_zero, t->enter[0] = 0)
SPOIL(too_many_listed, t->rows[0].n_view = 33)
SPOIL(the_same_role_twice, t->rows[0].n_recipients = 2)
SPOIL(two_rows_for_one_route, t->all.n_permissions = 2)
SPOIL(two_functions, t->all.n_permissions = 2; t->rows[1].compartment = COR_C(HEALTH))
SPOIL(too_many_rows, t->all.n_permissions = COR_PERMISSIONS_MAX + 1)
SPOIL(biodata_to_transit, t->recipients[0] = COR_ROLE(TRANSIT_MISSION))
SPOIL(legal_to_child_authority, t->recipients[0] = COR_ROLE(CHILD_PROTECTION_AUTHORITY);
      t->view[0] = COR_CAT(LEGAL))

/* clang-format off */
static const struct { const char *what; void (*spoil)(spoilt *); int code; } spoils[] = {
#define ROW(name, code) {#name, name, code}
  ROW(nothing, COR_OK), ROW(no_rows, COR_OK), ROW(two_functions, COR_OK),
  ROW(no_sender, COR_BAD_INPUT), ROW(no_recipient, COR_BAD_INPUT), ROW(sender_of_no_role, COR_BAD_INPUT),
  ROW(recipient_of_no_role, COR_BAD_INPUT), ROW(record_is_no_function, COR_BAD_INPUT),
  ROW(no_function, COR_BAD_INPUT), ROW(nothing_to_enter, COR_BAD_INPUT), ROW(nothing_to_view, COR_BAD_INPUT),
  ROW(unknown_category, COR_BAD_INPUT), ROW(category_zero, COR_BAD_INPUT), ROW(too_many_listed, COR_BAD_INPUT),
  ROW(the_same_role_twice, COR_CONFLICT), ROW(two_rows_for_one_route, COR_CONFLICT),
  ROW(too_many_rows, COR_TOO_LARGE), ROW(biodata_to_transit, COR_CATEGORY_NOT_ALLOWED),
  ROW(legal_to_child_authority, COR_CATEGORY_NOT_ALLOWED),
};
/* clang-format on */

START_TEST(a_spoilt_row_is_refused) {
  spoilt t;
  one_row(&t);
  spoils[_i].spoil(&t);
  err = (cor_error){0};
  const bool ok = cor_permissions_ok(&t.all, &err);
  ck_assert_msg(ok == (spoils[_i].code == COR_OK) && err.code == spoils[_i].code, "%s: %d %s",
                spoils[_i].what, err.code, err.detail);
}
END_TEST

/* A CA that made a mistake opens nothing: whatever it lets them view, but OPERATIONAL,
 * refuses the list. */
static const Corridor__V1__Role barred[] = {
    COR_ROLE(NOTIFYING_AUTHORITY), COR_ROLE(COMMITTEE),         COR_ROLE(EU_DELEGATION), COR_ROLE(DONOR),
    COR_ROLE(REGIONAL_OFFICE),     COR_ROLE(OVERFLOWN_MISSION), COR_ROLE(OVERSIGHT),     COR_ROLE(HUB)};

START_TEST(nobody_can_be_let_in_by_mistake) {
  for (int category = 1; category <= COR_CAT(ASYLUM); category++) {
    spoilt t;
    one_row(&t);
    t.recipients[0] = barred[_i];
    t.view[0] = (Corridor__V1__DataCategory)category;
    err = (cor_error){0};
    ck_assert_msg(cor_permissions_ok(&t.all, &err) == (category == COR_CAT(OPERATIONAL)),
                  "role %d, category %d", (int)barred[_i], category);
  }
}
END_TEST

START_TEST(asylum_may_be_permitted_to_un_agencies_alone) {
  for (int role = 1; role <= COR_ROLE(OVERSIGHT); role++) {
    spoilt t;
    one_row(&t);
    t.recipients[0] = (Corridor__V1__Role)role;
    t.view[0] = COR_CAT(ASYLUM);
    ck_assert(cor_permissions_ok(&t.all, &err) == (role == COR_ROLE(UN_AGENCY)));
  }
}
END_TEST

/* ---- the table that ships ---- */

#define WAY(from, to, function, set)                                                                         \
  { COR_ROLE(from), COR_ROLE(to), COR_C(function), set }
/* Held against the need-to-know matrix (data dictionary 2), column by column. */
/* clang-format off */
static const struct { Corridor__V1__Role from, to; Corridor__V1__Compartment c; uint32_t set; } ways[] = {
  WAY(HOST_MISSION, ORIGIN_MISSION, OPERATIONS, OPS),
  WAY(HOST_MISSION, ORIGIN_MISSION, CASEWORK, FILE_DATA),
  WAY(PARTNER, ORIGIN_MISSION, CASEWORK, FILE_DATA),
  WAY(HOST_MISSION, ORIGIN_MISSION, HEALTH, CARE),
  WAY(HOST_MISSION, ORIGIN_MISSION, PROTECTION, OPS | CAT(PROTECTION_RISK) | CAT(CHILD_BID) | CAT(FAMILY) | CAT(LEGAL)),
  WAY(ORIGIN_MISSION, HOST_MISSION, PROTECTION, 0),
  WAY(ORIGIN_MISSION, SERVICE_PROVIDER, PROTECTION, CAT(OPERATIONAL) | CAT(BIODATA) | CAT(CONTACT) | CAT(PROTECTION_RISK) | CAT(INSTRUCTION)),
  WAY(HOST_MISSION, ORIGIN_MISSION, MONITORING, CAT(OPERATIONAL) | CAT(CONTACT) | CAT(ECONOMIC) | CAT(EDUCATION) | CAT(MONITORING_DATA)),
  WAY(HOST_MISSION, TRANSIT_MISSION, OPERATIONS, CAT(OPERATIONAL) | CAT(TRAVEL) | CAT(INSTRUCTION)),
  WAY(HOST_MISSION, TRANSIT_MISSION, CASEWORK, 0),
  WAY(HOST_MISSION, OVERFLOWN_MISSION, OPERATIONS, CAT(OPERATIONAL)),
  WAY(ORIGIN_MISSION, SERVICE_PROVIDER, CASEWORK, SERVICE),
  WAY(ORIGIN_MISSION, RED_CROSS, CASEWORK, SERVICE),
  WAY(ORIGIN_MISSION, UN_AGENCY, CASEWORK, SERVICE | CAT(ASYLUM)),
  WAY(ORIGIN_MISSION, CHILD_PROTECTION_AUTHORITY, CASEWORK, SERVICE & ~(CAT(ECONOMIC) | CAT(LEGAL))),
  WAY(SERVICE_PROVIDER, ORIGIN_MISSION, CASEWORK, SERVICE | CAT(MONITORING_DATA)),
  WAY(UN_AGENCY, ORIGIN_MISSION, CASEWORK, SERVICE | CAT(MONITORING_DATA)),
  WAY(SERVICE_PROVIDER, SERVICE_PROVIDER, CASEWORK, 0),
  WAY(HOST_MISSION, SERVICE_PROVIDER, HEALTH, 0),
  WAY(HOST_MISSION, DONOR, OPERATIONS, CAT(OPERATIONAL)),
  WAY(HOST_MISSION, DONOR, CASEWORK, 0),
  WAY(HOST_MISSION, COMMITTEE, CASEWORK, 0),
  WAY(DONOR, ORIGIN_MISSION, OPERATIONS, 0),
  WAY(NOTIFYING_AUTHORITY, ORIGIN_MISSION, OPERATIONS, 0),
};
/* clang-format on */

START_TEST(the_table_that_ships_is_the_matrix) {
  Corridor__V1__CardList *table = cor_permissions_load(CORRIDOR_PERMISSIONS, &err);
  must(table != NULL);
  must(cor_permissions_ok(table, &err));
  for (int i = 0; i < COUNT(ways); i++) {
    const uint32_t set = cor_permission_set((const Corridor__V1__Permission *const *)table->permissions,
                                            table->n_permissions, ways[i].from, ways[i].to, ways[i].c);
    ck_assert_msg(set == ways[i].set, "way %d: 0x%x, not 0x%x", i, set, ways[i].set);
  }
  cor_message_free(&table->base);
}
END_TEST

/* Deny by default must not stop the process: each message type has a way for its least. */
START_TEST(every_message_has_a_way) {
  Corridor__V1__CardList *table = cor_permissions_load(CORRIDOR_PERMISSIONS, &err);
  must(table != NULL);
  const cor_sop_row *row;
  for (size_t i = 0; (row = cor_sop_at(i)); i++)
    for (unsigned from = 1; from <= COR_ROLE(OVERSIGHT); from++)
      for (unsigned to = 1; to <= COR_ROLE(OVERSIGHT); to++)
        for (unsigned c = COR_C(OPERATIONS); c <= COR_C(MONITORING); c++) {
          if (row->from_hub || !(row->from_roles & COR_BIT(from)) || !(row->to_roles & COR_BIT(to))) continue;
          const uint32_t most = cor_sop_categories(row, (Corridor__V1__Compartment)c, (Corridor__V1__Role)to);
          const uint32_t set = cor_permission_set((const Corridor__V1__Permission *const *)table->permissions,
                                                  table->n_permissions, (Corridor__V1__Role)from,
                                                  (Corridor__V1__Role)to, (Corridor__V1__Compartment)c);
          ck_assert_msg((most & ~set) == 0, "%s from role %u to role %u", row->name, from, to);
        }
  cor_message_free(&table->base);
}
END_TEST

/* ---- the file ---- */

static const struct {
  const char *text;
  int code;
} files[] = {
    {"{\"permissions\": []}", COR_OK},
    {"{\"about\": \"x\", \"permissions\": [{\"cite\": \"y\"}]}", COR_OK},
    {"{}", COR_BAD_INPUT},
    {"{\"permissions\": {}}", COR_BAD_INPUT},
    {"{\"permissions\": [], \"cards\": []}", COR_BAD_INPUT},
    {"{\"permissions\": [{\"sender\": []}]}", COR_BAD_INPUT},
    {"{\"permissions\": [{\"senders\": [\"ROLE_KING\"]}]}", COR_UNKNOWN_ENUM},
};

START_TEST(a_table_is_read_or_named_wrong) {
  const char *path = in(dir, "table.json");
  must(
      cor_file_write(path, (cor_bytes){(const uint8_t *)files[_i].text, strlen(files[_i].text)}, 0644, &err));
  err = (cor_error){0};
  Corridor__V1__CardList *table = cor_permissions_load(path, &err);
  ck_assert_int_eq(err.code, files[_i].code);
  ck_assert((table != NULL) == (files[_i].code == COR_OK));
  if (table) cor_message_free(&table->base);
}
END_TEST

/* ---- at the CA ---- */

START_TEST(a_table_replaces_the_one_before) {
  spoilt t;
  programme_permissions(ca);
  ck_assert_uint_gt(cor_ca_list(ca)->n_permissions, 1);
  one_row(&t);
  must(cor_ca_set_permissions(ca, &t.all, &err));
  ck_assert_uint_eq(cor_ca_list(ca)->n_permissions, 1);
  t.recipients[0] = COR_ROLE(DONOR);
  must_not(cor_ca_set_permissions(ca, &t.all, &err), COR_CATEGORY_NOT_ALLOWED);
  ck_assert_int_eq(cor_ca_list(ca)->permissions[0]->recipients[0], COR_ROLE(ORIGIN_MISSION));
  must(cor_ca_publish(ca, T0, 30, &err));
  cor_cards *cards = programme_cards(dir);
  ck_assert_uint_eq(cor_cards_list(cards)->n_permissions, 1);
  cor_cards_destroy(&cards);
}
END_TEST

static const struct {
  const char *region;
  int64_t since;
  int reason, code;
} regions[] = {
    {"GN", T0, 1, COR_OK},         {"GN-K", T0, 5, COR_OK},        {"GN-KA", T0, 2, COR_OK},
    {"FR-75C", T0, 3, COR_OK},     {"", T0, 1, COR_BAD_INPUT},     {"G", T0, 1, COR_BAD_INPUT},
    {"gn", T0, 1, COR_BAD_INPUT},  {"GN-", T0, 1, COR_BAD_INPUT},  {"GN-ABCD", T0, 1, COR_BAD_INPUT},
    {"GNK", T0, 1, COR_BAD_INPUT}, {"GN-k", T0, 1, COR_BAD_INPUT}, {"Kindia", T0, 1, COR_BAD_INPUT},
    {"GN", 0, 1, COR_BAD_INPUT},   {"GN", T0, 0, COR_BAD_INPUT},
};

START_TEST(a_region_is_a_code_with_a_reason) {
  Corridor__V1__SuspendedRegion region = CORRIDOR__V1__SUSPENDED_REGION__INIT;
  region.region = (char *)(uintptr_t)regions[_i].region;
  region.since = regions[_i].since;
  region.reason = (Corridor__V1__SuspensionReason)regions[_i].reason;
  err = (cor_error){0};
  const bool ok = cor_ca_suspend_region(ca, &region, &err);
  ck_assert_msg(err.code == regions[_i].code, "%s: %d", regions[_i].region, err.code);
  ck_assert(ok == (regions[_i].code == COR_OK));
  ck_assert_uint_eq(cor_ca_list(ca)->n_suspended, ok ? 1 : 0);
}
END_TEST

START_TEST(regions_are_suspended_and_lifted) {
  Corridor__V1__SuspendedRegion region = CORRIDOR__V1__SUSPENDED_REGION__INIT;
  region.since = T0;
  region.reason = CORRIDOR__V1__SUSPENSION_REASON__INSECURITY;
  static char *const codes[] = {(char *)"GN", (char *)"GN-K", (char *)"ML", (char *)"GN"};
  for (int i = 0; i < COUNT(codes); i++) {
    region.region = codes[i];
    must(cor_ca_suspend_region(ca, &region, &err)); /* the last one again: it replaces */
  }
  const Corridor__V1__CardList *list = cor_ca_list(ca);
  ck_assert_uint_eq(list->n_suspended, 3);
  must(cor_ca_lift_region(ca, "GN", &err));
  must_not(cor_ca_lift_region(ca, "GN", &err), COR_BAD_INPUT);
  list = cor_ca_list(ca);
  ck_assert_uint_eq(list->n_suspended, 2);
  const Corridor__V1__SuspendedRegion *const *left =
      (const Corridor__V1__SuspendedRegion *const *)list->suspended;
  ck_assert(cor_region_suspended(left, 2, "GN-K", T0) && cor_region_suspended(left, 2, "ML", T0));
  ck_assert(!cor_region_suspended(left, 2, "GN", T0) && !cor_region_suspended(left, 2, "ML", T0 - 1));
}
END_TEST

START_TEST(unhcr_is_what_the_ca_says) {
  programme_office(dir, "unhcr-ne", COR_ROLE(UN_AGENCY), "NE", CASEWORK_ONLY);
  programme_office(dir, "iom-ne", COR_ROLE(HOST_MISSION), "NE", CASEWORK_ONLY);
  programme_sign(ca, dir, "unhcr-ne");
  programme_sign(ca, dir, "iom-ne");
  ck_assert(!cor_ca_list(ca)->cards[0]->asylum_authority);
  must(cor_ca_set_asylum_authority(ca, "unhcr-ne", true, T0, &err));
  must_not(cor_ca_set_asylum_authority(ca, "iom-ne", true, T0, &err), COR_BAD_INPUT);
  must_not(cor_ca_set_asylum_authority(ca, "nobody", true, T0, &err), COR_UNKNOWN_OFFICE);
  programme_sign(ca, dir, "unhcr-ne"); /* new certificates, the same office */
  ck_assert(cor_ca_list(ca)->cards[0]->asylum_authority && !cor_ca_list(ca)->cards[1]->asylum_authority);
  must(cor_ca_set_asylum_authority(ca, "unhcr-ne", false, T0, &err));
  ck_assert(!cor_ca_list(ca)->cards[0]->asylum_authority);
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("permission");
  tcase_set_timeout(tcase, 60);
  tcase_add_unchecked_fixture(tcase, setup, teardown);
  tcase_add_loop_test(tcase, a_spoilt_row_is_refused, 0, COUNT(spoils));
  tcase_add_loop_test(tcase, nobody_can_be_let_in_by_mistake, 0, COUNT(barred));
  tcase_add_test(tcase, asylum_may_be_permitted_to_un_agencies_alone);
  tcase_add_test(tcase, the_table_that_ships_is_the_matrix);
  tcase_add_test(tcase, every_message_has_a_way);
  tcase_add_loop_test(tcase, a_table_is_read_or_named_wrong, 0, COUNT(files));
  tcase_add_test(tcase, a_table_replaces_the_one_before);
  tcase_add_loop_test(tcase, a_region_is_a_code_with_a_reason, 0, COUNT(regions));
  tcase_add_test(tcase, regions_are_suspended_and_lifted);
  tcase_add_test(tcase, unhcr_is_what_the_ca_says);
  return programme_run(tcase, "permission");
}
