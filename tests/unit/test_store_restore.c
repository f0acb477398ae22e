/* test_store_restore.c - a store that comes from the past: from a backup, or from
 * an older agent. */
#include "store_fixture.h"
#include "store_version_1.h"

static void erase_again(const store_message *m) {
  must(store_begin(s, &err));
  must(store_message_erase_again(s, m->handle, m->id, T0, &err));
  must(store_commit(s, &err));
}

static size_t body_of(const uint8_t *id) {
  store_message seen;
  must(store_begin(s, &err));
  ck_assert_int_eq(store_message_find(s, id, &seen, &err), STORE_FOUND);
  store_rollback(s);
  const size_t len = seen.body.len;
  store_message_clear(&seen);
  return len;
}

START_TEST(what_was_erased_before_a_restore_stays_erased) {
  cor_buf receipt = {0};
  store_message here = made(1, "ne-other", 9, COR_T(CASE_FILE)), later = made(2, "ne-other", 9, COR_T(ABN)),
                other = made(3, "ne-other", 9, COR_T(ABN)),
                queued = made(4, "gn-conakry", 9, COR_T(CASE_FILE));
  (void)take(&here, 1, &receipt);
  cor_buf_clear(&receipt);
  queue(&queued, COR_LANE_CASE);
  erase_again(&here);
  erase_again(&here); /* told twice */
  erase_again(&later);
  erase_again(&queued);
  memset(other.handle, 8, COR_ID_LEN);
  erase_again(&other); /* said of another case's handle */
  memset(other.handle, 9, COR_ID_LEN);
  reopen();
  ck_assert_uint_eq(body_of(here.id), 0);
  ck_assert_uint_gt(body_of(queued.id), 0); /* the hub must get the bytes it knows */
  ck_assert_int_eq(take(&later, 2, &receipt), STORE_TAKE_NEW);
  ck_assert_uint_gt(receipt.len, 0);
  cor_buf_clear(&receipt);
  ck_assert_uint_eq(body_of(later.id), 0);
  ck_assert_int_eq(take(&other, 3, &receipt), STORE_TAKE_NEW);
  cor_buf_clear(&receipt);
  ck_assert_uint_gt(body_of(other.id), 0);
  must(store_begin(s, &err));
  must(store_out_apply(s, queued.id, &(store_outcome){.event = STORE_OUT_ADMIT, .at = T0}, &err));
  must(store_commit(s, &err));
  ck_assert_uint_eq(body_of(queued.id), 0);
}
END_TEST

static store_quarantine quarantine(void) {
  store_quarantine out;
  must(store_begin(s, &err));
  must(store_quarantine_get(s, &out, &err));
  store_rollback(s);
  return out;
}

static void quarantine_change(int64_t since) {
  must(store_begin(s, &err));
  if (since == 0)
    must(store_quarantine_end(s, &err));
  else
    must(store_quarantine_begin(s, since, &err));
  must(store_commit(s, &err));
}

START_TEST(quarantine_lasts_until_it_is_lifted) {
  cor_buf receipt = {0};
  store_message before = made(1, "ne-other", 9, COR_T(CASE_FILE)), after = made(2, "ne-other", 9, COR_T(ABN)),
                hidden = made(3, "ne-other", 9, COR_T(CASE_FILE));
  hidden.compartment = COR_C(HEALTH);
  ck_assert_int_eq(quarantine().since, 0);
  (void)take(&before, 1, &receipt);
  cor_buf_clear(&receipt);
  ck_assert_int_eq(quarantine().received, 0);
  quarantine_change(T0);
  (void)take(&after, 2, &receipt);
  cor_buf_clear(&receipt);
  (void)take(&hidden, 3, &receipt);
  cor_buf_clear(&receipt);
  quarantine_change(T0 + DAY); /* told again: the first word stands */
  reopen();
  ck_assert_int_eq(quarantine().since, T0);
  ck_assert_int_eq(quarantine().received, 1); /* the health message shows in no count */
  quarantine_change(0);
  reopen();
  ck_assert_int_eq(quarantine().since, 0);
  ck_assert_int_eq(quarantine().received, 0);
}
END_TEST

START_TEST(store_of_version_1_is_brought_up_with_all_it_holds) {
  sqlite3 *old;
  store_message m;
  const uint8_t epoch[COR_ID_LEN] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                     0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
  uint8_t id[COR_ID_LEN];
  store_close(&s);
  ck_assert_int_eq(unlink(in(dir, "store")), 0);
  ck_assert_int_eq(sqlite3_open(in(dir, "store"), &old), SQLITE_OK);
  ck_assert_int_eq(sqlite3_exec(old, store_version_1, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(old);
  ck_assert_int_eq(chmod(in(dir, "store"), 0600), 0);
  for (int i = 0; i < 2; i++) { /* and opened once more, as it is now */
    s = open_as(ME);
    must(s != NULL);
    ck_assert_mem_eq(facts().epoch, epoch, COR_ID_LEN);
    ck_assert_uint_eq(facts().sequence, 41);
    ck_assert_int_eq(facts().queued, 1);
    ck_assert_int_eq(quarantine().since, i == 0 ? 0 : T0);
    must(store_begin(s, &err));
    memset(id, 1, sizeof id);
    ck_assert_int_eq(store_message_find(s, id, &m, &err), STORE_FOUND);
    ck_assert(cor_bytes_equal(cor_buf_view(&m.body), (cor_bytes){(const uint8_t *)"sealed", 6}));
    store_message_clear(&m);
    store_rollback(s);
    quarantine_change(T0);
    store_close(&s);
  }
  ck_assert_int_eq(sqlite3_open(in(dir, "store"), &old), SQLITE_OK);
  ck_assert_int_eq(sqlite3_exec(old, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(old);
  ck_assert_ptr_null(open_as(ME)); /* of a newer agent */
  ck_assert_int_eq(err.code, COR_UNSUPPORTED_VERSION);
}
END_TEST

/* What is said of a message stands by its id, before it comes as well as after. */
START_TEST(notes_are_kept_by_id) {
  const uint8_t id[COR_ID_LEN] = {5}, by[COR_ID_LEN] = {6};
  store_note note;
  must(store_begin(s, &err));
  must(store_note_get(s, id, &note, &err));
  ck_assert(note.restricted_at == 0 && !note.replaced);
  must(store_note_restricted(s, id, T0, true, &err));
  must(store_note_replaced(s, id, by, &err));
  must(store_note_get(s, id, &note, &err));
  ck_assert_int_eq(note.restricted_at, T0);
  ck_assert(note.replaced && memcmp(note.replaced_by, by, sizeof by) == 0);
  must(store_note_restricted(s, id, T0 + 1, false, &err));
  must(store_note_get(s, id, &note, &err));
  ck_assert(note.restricted_at == 0 && note.replaced);
  must(store_note_restricted(s, id, T0, true, &err)); /* said before, came after */
  must(store_note_get(s, id, &note, &err));
  ck_assert_int_eq(note.restricted_at, 0);
  must(store_note_restricted(s, id, T0 + 3, true, &err));
  must(store_note_restricted(s, id, T0 + 2, false, &err));
  must(store_note_get(s, id, &note, &err));
  ck_assert_int_eq(note.restricted_at, T0 + 3);
  store_rollback(s);
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("store_restore");
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, what_was_erased_before_a_restore_stays_erased);
  tcase_add_test(tcase, quarantine_lasts_until_it_is_lifted);
  tcase_add_test(tcase, notes_are_kept_by_id);
  tcase_add_test(tcase, store_of_version_1_is_brought_up_with_all_it_holds);
  return programme_run(tcase, "store_restore");
}
