/* test_store_signed.c - who sent what by name: kept with the message or not at all, told
 * apart by message, and shown only to who may see it. */
#include "store_fixture.h"

static store_message sent(uint8_t n, Corridor__V1__Compartment compartment) {
  store_message m = made(n, "gn-conakry", 9, COR_T(CASE_FILE));
  m.outgoing = true;
  m.compartment = (int)compartment;
  return m;
}

static void send_by(const store_message *m, const char *user) {
  must(store_begin(s, &err));
  must(store_out_put(s, m, false, &err));
  must(store_signed_put(s, m, user, T0, &err));
  must(store_commit(s, &err));
}

static const char *sender_of(const store_message *m) {
  static char user[COR_USER_MAX + 1];
  must(store_begin(s, &err));
  must(store_signed_get(s, m, user, &err));
  store_rollback(s);
  return user;
}

typedef struct listed {
  char users[8][COR_USER_MAX + 1];
  size_t n, stop_at;
} listed;

static bool add(const store_message *m, const char *user, void *ctx) {
  listed *all = ctx;
  ck_assert(m->outgoing && m->envelope.len > 0 && m->body.len > 0);
  snprintf(all->users[all->n++], sizeof all->users[0], "%s", user);
  return all->n != all->stop_at;
}

static listed list(unsigned compartments, size_t stop_at) {
  listed all = {.stop_at = stop_at};
  must(store_begin(s, &err));
  must(store_signed_list(s, compartments, add, &all, &err));
  store_rollback(s);
  return all;
}

START_TEST(each_message_has_its_sender) {
  const store_message first = sent(1, COR_C(CASEWORK)), second = sent(2, COR_C(CASEWORK)),
                      unnamed = sent(3, COR_C(CASEWORK));
  send_by(&first, "testina");
  send_by(&second, "a-name-of-thirty-two-characters.");
  queue(&unnamed, false);
  reopen();
  ck_assert_str_eq(sender_of(&first), "testina");
  ck_assert_str_eq(sender_of(&second), "a-name-of-thirty-two-characters.");
  ck_assert_str_eq(sender_of(&unnamed), "");
}
END_TEST

START_TEST(not_kept_without_its_message) {
  const store_message m = sent(1, COR_C(CASEWORK));
  must(store_begin(s, &err));
  must(store_out_put(s, &m, false, &err));
  must(store_signed_put(s, &m, "testina", T0, &err));
  store_rollback(s);
  ck_assert_str_eq(sender_of(&m), "");
  ck_assert_uint_eq(list(0xff, 0).n, 0);
}
END_TEST

START_TEST(listed_in_order_to_who_may_see) {
  const store_message ordinary = sent(1, COR_C(CASEWORK)), health = sent(2, COR_C(HEALTH)),
                      later = sent(3, COR_C(CASEWORK)), unnamed = sent(4, COR_C(CASEWORK));
  send_by(&ordinary, "one");
  send_by(&health, "two");
  send_by(&later, "three");
  queue(&unnamed, false);
  listed all = list(0xff, 0);
  ck_assert_uint_eq(all.n, 3);
  ck_assert_str_eq(all.users[0], "one");
  ck_assert_str_eq(all.users[1], "two");
  ck_assert_str_eq(all.users[2], "three");
  all = list(STORE_ORDINARY, 0);
  ck_assert_uint_eq(all.n, 2);
  ck_assert_str_eq(all.users[1], "three");
  ck_assert_uint_eq(list(0xff, 2).n, 2); /* who has seen enough says so */
  ck_assert_int_eq(facts().queued, 3);   /* and the store is free again */
}
END_TEST

int main(void) {
  TCase *tc = tcase_create("signed");
  tcase_add_checked_fixture(tc, setup, teardown);
  tcase_add_test(tc, each_message_has_its_sender);
  tcase_add_test(tc, not_kept_without_its_message);
  tcase_add_test(tc, listed_in_order_to_who_may_see);
  return programme_run(tc, "store signed");
}
