/* test_store.c - the agent's store: once each, in order, or not at all.
 *
 * Each case opens a store in a directory of its own. The full disk is SQLite's
 * own (max_page_count); a kill is a transaction that is never committed. */
#include "store_fixture.h"

/* First byte of the next message's id; 0 = none may go. */
static int next_id(const int64_t *busy, size_t n, int64_t *row) {
  const store_message m = next_out(busy, n);
  if (m.n != 0) *row = m.n;
  return m.id[0];
}

static store_state state_of(uint8_t n) {
  uint8_t id[COR_ID_LEN];
  store_message m;
  memset(id, n, sizeof id);
  must(store_begin(s, &err));
  ck_assert_int_eq(store_message_find(s, id, &m, &err), STORE_FOUND);
  store_rollback(s);
  store_state state = m.state;
  store_message_clear(&m);
  return state;
}

START_TEST(epoch_is_made_once_and_sequence_only_rises) {
  store_facts first = facts();
  cor_buf receipt = {0};
  store_message m = made(1, "gn-conakry", 1, COR_T(ABN_CONFIRM));
  ck_assert_int_eq(take(&m, 7, &receipt), STORE_TAKE_NEW);
  cor_buf_clear(&receipt);
  m = made(2, "gn-conakry", 1, COR_T(ARRIVAL_NOTICE));
  ck_assert_int_eq(take(&m, 5, &receipt), STORE_TAKE_NEW);
  cor_buf_clear(&receipt);
  reopen();
  store_facts again = facts();
  ck_assert_mem_eq(first.epoch, again.epoch, COR_ID_LEN);
  ck_assert_uint_eq(again.sequence, 7);
  ck_assert_int_eq(again.inbox, 2);
}
END_TEST

START_TEST(file_is_private_and_for_one_office_and_one_agent) {
  struct stat st;
  ck_assert_int_eq(stat(in(dir, "store"), &st), 0);
  ck_assert_uint_eq(st.st_mode & 0777, 0600);
  must_not(open_as(ME) != NULL, COR_SESSION_FENCED);
  store_close(&s);
  must_not(open_as("gn-conakry") != NULL, COR_NOT_YOUR_NAME);
  ck_assert_int_eq(chmod(in(dir, "store"), 0640), 0);
  must_not(open_as(ME) != NULL, COR_KEY_FILE_EXPOSED);
}
END_TEST

START_TEST(delivery_is_kept_once_and_answered_alike) {
  cor_buf first = {0}, second = {0}, third = {0};
  store_message m = made(1, "gn-conakry", 1, COR_T(ABN_CONFIRM));
  uint8_t other[] = "another receipt";
  ck_assert_int_eq(take(&m, 1, &first), STORE_TAKE_NEW);
  m.receipt = (cor_buf){other, sizeof other};
  ck_assert_int_eq(take(&m, 2, &second), STORE_TAKE_AGAIN);
  ck_assert(cor_bytes_equal(cor_buf_view(&first), cor_buf_view(&second)));
  ck_assert_int_eq(facts().inbox, 1);
  m.header_hash[0] ^= 1;
  ck_assert_int_eq(take(&m, 3, &third), STORE_TAKE_CONFLICT);
  ck_assert_ptr_null(third.data);
  ck_assert_int_eq(facts().inbox, 1);
  /* The same id from another sender is another message. */
  m = made(1, "gn-tvet-labe", 1, COR_T(SERVICE_REPORT));
  ck_assert_int_eq(take(&m, 4, &third), STORE_TAKE_NEW);
  cor_buf_clear(&first);
  cor_buf_clear(&second);
  cor_buf_clear(&third);
}
END_TEST

START_TEST(uncommitted_work_is_not_there) {
  store_message m = made(1, "hub", 1, COR_T(REGISTRATION));
  must(store_begin(s, &err));
  must(store_out_put(s, &m, COR_LANE_CASE, &err));
  store_rollback(s);
  reopen();
  int64_t row;
  ck_assert_int_eq(next_id(NULL, 0, &row), 0);
}
END_TEST

START_TEST(messages_go_in_order_and_records_first) {
  int64_t busy[3], row;
  const store_message registration = made(1, "hub", 1, COR_T(REGISTRATION)),
                      consent = made(2, "hub", 1, COR_T(CONSENT_RECORD)),
                      file = made(3, "gn-conakry", 1, COR_T(CASE_FILE)),
                      abn = made(4, "gn-conakry", 1, COR_T(ABN)),
                      other = made(5, "gn-conakry", 2, COR_T(CASE_FILE));
  queue(&registration, COR_LANE_CASE);
  queue(&consent, COR_LANE_CASE);
  queue(&file, COR_LANE_CASE);
  queue(&abn, COR_LANE_CASE);
  queue(&other, COR_LANE_CASE);
  ck_assert_int_eq(next_id(NULL, 0, &busy[0]), 1);
  /* The rest of the case waits for the registration; another case does not. */
  ck_assert_int_eq(next_id(busy, 1, &busy[1]), 5);
  ck_assert_int_eq(next_id(busy, 2, &row), 0);
  settle(1, STORE_OUT_ADMIT, COR_OK);
  ck_assert_int_eq(next_id(&busy[1], 1, &busy[0]), 2);
  ck_assert_int_eq(next_id(busy, 2, &row), 0);
  settle(2, STORE_OUT_ADMIT, COR_OK);
  ck_assert_int_eq(next_id(&busy[1], 1, &busy[0]), 3);
  ck_assert_int_eq(next_id(busy, 2, &row), 0); /* one unanswered per recipient and handle */
  settle(3, STORE_OUT_REFUSE, COR_NO_CONSENT);
  ck_assert_int_eq(next_id(&busy[1], 1, &busy[0]), 4);
}
END_TEST

START_TEST(withdrawal_overtakes_but_never_its_own_consent) {
  int64_t row;
  const store_message file = made(1, "gn-conakry", 1, COR_T(CASE_FILE)),
                      consent = made(2, "hub", 1, COR_T(CONSENT_RECORD)),
                      withdrawal = made(3, "hub", 1, COR_T(CONSENT_WITHDRAWAL)),
                      elsewhere = made(4, "hub", 2, COR_T(CONSENT_WITHDRAWAL));
  queue(&file, COR_LANE_CASE);
  queue(&consent, COR_LANE_CASE);
  queue(&withdrawal, COR_LANE_OVERTAKES);
  queue(&elsewhere, COR_LANE_OVERTAKES);
  ck_assert_int_eq(next_id(NULL, 0, &row), 4);
  settle(4, STORE_OUT_ADMIT, COR_OK);
  ck_assert_int_eq(next_id(NULL, 0, &row), 1);
  settle(2, STORE_OUT_ADMIT, COR_OK);
  ck_assert_int_eq(next_id(NULL, 0, &row), 3);
}
END_TEST

/* A statement that something was opened: behind what came before, before nothing. */
START_TEST(what_goes_aside_waits_and_delays_nobody) {
  int64_t row;
  const store_message consent = made(1, "hub", 1, COR_T(CONSENT_RECORD)),
                      opened = made(2, "hub", 1, COR_T(ACCESS_STATEMENT)),
                      file = made(3, "gn-conakry", 1, COR_T(CASE_FILE)),
                      withdrawal = made(4, "hub", 1, COR_T(CONSENT_WITHDRAWAL));
  queue(&consent, COR_LANE_CASE);
  queue(&opened, COR_LANE_ASIDE);
  ck_assert_int_eq(next_id(NULL, 0, &row), 1);
  ck_assert_int_eq(next_id(&row, 1, &row), 0);
  settle(1, STORE_OUT_ADMIT, COR_OK);
  queue(&file, COR_LANE_CASE);
  queue(&withdrawal, COR_LANE_OVERTAKES);
  ck_assert_int_eq(next_id(NULL, 0, &row), 4);
  settle(4, STORE_OUT_ADMIT, COR_OK);
  ck_assert_int_eq(next_id(NULL, 0, &row), 2);
  const int64_t busy[] = {row};
  ck_assert_int_eq(next_id(busy, 1, &row), 3); /* while the statement is under way */
}
END_TEST

START_TEST(postponed_message_waits_and_holds_back_its_successor) {
  int64_t row;
  const store_message first = made(1, "gn-conakry", 1, COR_T(CASE_FILE)),
                      second = made(2, "gn-conakry", 1, COR_T(ABN));
  queue(&first, COR_LANE_CASE);
  queue(&second, COR_LANE_CASE);
  must(store_begin(s, &err));
  must(store_out_postpone(s, first.id, COR_HUB_UNAVAILABLE, cor_clock_monotonic_ms() + 3600 * 1000, &err));
  must(store_commit(s, &err));
  ck_assert_int_eq(next_id(NULL, 0, &row), 0);
  reopen(); /* a postponement counts on this run's clock only */
  ck_assert_int_eq(next_id(NULL, 0, &row), 1);
}
END_TEST

/* Deadlines never block help: what is urgent for a life goes past what a suspension holds. */
START_TEST(what_needs_no_consent_passes_what_is_suspended) {
  int64_t row;
  store_message first = made(1, "gn-conakry", 1, COR_T(CASE_FILE)),
                second = made(2, "gn-conakry", 1, COR_T(ABN)),
                urgent = made(3, "gn-conakry", 1, COR_T(CASE_FILE));
  first.on_consent = second.on_consent = true;
  queue(&first, false);
  queue(&second, false);
  queue(&urgent, false);
  ck_assert_int_eq(next_id(NULL, 0, &row), 1);
  must(store_begin(s, &err));
  must(store_out_postpone(s, first.id, COR_CASE_SUSPENDED, cor_clock_monotonic_ms() + 3600 * 1000, &err));
  ck_assert_int_eq(store_out_suspended(s, first.id, &err), STORE_FOUND);
  ck_assert_int_eq(store_out_suspended(s, second.id, &err), STORE_FOUND);
  ck_assert_int_eq(store_out_suspended(s, urgent.id, &err), STORE_ABSENT);
  must(store_commit(s, &err));
  ck_assert_int_eq(next_id(NULL, 0, &row), 3);
}
END_TEST

static const struct {
  store_out_event first, second;
  store_state ends;
} lives[] = {
    {STORE_OUT_ADMIT, STORE_OUT_DELIVER, STORE_DELIVERED},
    {STORE_OUT_ADMIT, STORE_OUT_STOP, STORE_STOPPED},
    {STORE_OUT_ADMIT, STORE_OUT_EXPIRE, STORE_EXPIRED},
    {STORE_OUT_ADMIT, STORE_OUT_REFUSE, STORE_ADMITTED},
    {STORE_OUT_REFUSE, STORE_OUT_DELIVER, STORE_DELIVERED}, /* the recipient signed for it */
    {STORE_OUT_REFUSE, STORE_OUT_ADMIT, STORE_REFUSED},
    {STORE_OUT_DELIVER, STORE_OUT_ADMIT, STORE_DELIVERED},
    {STORE_OUT_STOP, STORE_OUT_DELIVER, STORE_DELIVERED},
    {STORE_OUT_EXPIRE, STORE_OUT_DELIVER, STORE_DELIVERED},
    {STORE_OUT_STOP, STORE_OUT_ADMIT, STORE_STOPPED},
    {STORE_OUT_DELIVER, STORE_OUT_STOP, STORE_DELIVERED},
    {STORE_OUT_DELIVER, STORE_OUT_REFUSE_CONTENT, STORE_CONTENT_REFUSED}, /* opened after it arrived */
    {STORE_OUT_DELIVER, STORE_OUT_FAIL_OPENING, STORE_UNREADABLE},
    {STORE_OUT_ADMIT, STORE_OUT_FAIL_OPENING, STORE_UNREADABLE},
    {STORE_OUT_REFUSE_CONTENT, STORE_OUT_STOP, STORE_CONTENT_REFUSED},
    {STORE_OUT_STOP, STORE_OUT_REFUSE_CONTENT, STORE_CONTENT_REFUSED},
};

START_TEST(outgoing_life) {
  const store_message m = made(1, "gn-conakry", 1, COR_T(CASE_FILE));
  queue(&m, COR_LANE_CASE);
  settle(1, lives[_i].first, COR_OK);
  settle(1, lives[_i].second, COR_OK);
  ck_assert_str_eq(store_state_name(state_of(1)), store_state_name(lives[_i].ends));
}
END_TEST

START_TEST(late_admission_receipt_is_kept_and_the_end_stands) {
  static const store_out_event ends[] = {STORE_OUT_DELIVER, STORE_OUT_STOP, STORE_OUT_EXPIRE};
  static const uint8_t first[] = "the hub's promise", second[] = "another";
  const store_message m = made(1, "gn-conakry", 1, COR_T(CASE_FILE));
  store_message seen;
  queue(&m, COR_LANE_CASE);
  settle(1, ends[_i], COR_OK);
  const store_state ended = state_of(1);
  const store_outcome told[] = {
      {.event = STORE_OUT_ADMIT, .at = T0, .late = true, .receipt = {first, sizeof first}},
      {.event = STORE_OUT_ADMIT, .at = T0 + DAY, .receipt = {second, sizeof second}}};
  must(store_begin(s, &err));
  for (int i = 0; i < 2; i++)
    must(store_out_apply(s, m.id, &told[i], &err));
  ck_assert_int_eq(store_message_find(s, m.id, &seen, &err), STORE_FOUND);
  must(store_commit(s, &err));
  ck_assert_int_eq(seen.state, ended);
  ck_assert(cor_bytes_equal(cor_buf_view(&seen.receipt), told[0].receipt));
  ck_assert(seen.late);
  ck_assert_int_eq(seen.settled_at, T0);
  store_message_clear(&seen);
}
END_TEST

static void count_pages(int64_t *pages) {
  sqlite3_stmt *stmt = NULL;
  ck_assert_int_eq(sqlite3_prepare_v2(s->db, "PRAGMA page_count", -1, &stmt, NULL), SQLITE_OK);
  ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
  *pages = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
}

static void limit_pages(int64_t most) {
  char sql[64];
  (void)snprintf(sql, sizeof sql, "PRAGMA max_page_count = %lld", (long long)most);
  ck_assert_int_eq(sqlite3_exec(s->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

START_TEST(full_disk_refuses_new_work_and_still_drains) {
  static uint8_t large[1024 * 1024];
  int64_t pages, row;
  const store_message m = made(1, "gn-conakry", 1, COR_T(CASE_FILE));
  queue(&m, COR_LANE_CASE);
  count_pages(&pages);
  limit_pages(pages + 8);
  must(store_begin(s, &err));
  must_not(store_room(s, &err), COR_DISK_FULL);
  store_rollback(s);
  /* What is queued can be read, sent and settled. */
  ck_assert_int_eq(next_id(NULL, 0, &row), 1);
  settle(1, STORE_OUT_ADMIT, COR_OK);
  ck_assert_int_eq(state_of(1), STORE_ADMITTED);
  /* A delivery that does not fit is not there at all, and the store goes on. */
  store_message big = made(2, "gn-conakry", 1, COR_T(ABN_CONFIRM));
  cor_buf receipt = {0};
  big.body = (cor_buf){large, sizeof large};
  err = (cor_error){0};
  ck_assert_int_eq(take(&big, 1, &receipt), STORE_TAKE_ERROR);
  ck_assert_int_eq(err.code, COR_DISK_FULL);
  ck_assert_int_eq(facts().inbox, 0);
  ck_assert_uint_eq(facts().sequence, 0);
  limit_pages(pages + 4096);
  ck_assert_int_eq(take(&big, 1, &receipt), STORE_TAKE_NEW);
  cor_buf_clear(&receipt);
}
END_TEST

START_TEST(restricted_messages_show_nowhere) {
  cor_buf receipt = {0};
  store_message m = made(1, "ne-other", 9, COR_T(CASE_FILE));
  m.compartment = COR_C(HEALTH);
  const store_facts before = facts();
  ck_assert_int_eq(take(&m, 1, &receipt), STORE_TAKE_NEW);
  cor_buf_clear(&receipt);
  ck_assert_int_eq(facts().inbox, before.inbox);
}
END_TEST

static bool count(const store_message *m, void *ctx) {
  (void)m;
  ++*(int *)ctx;
  return true;
}

START_TEST(lists_show_what_the_asker_may_see) {
  cor_buf receipt = {0};
  for (uint8_t i = 1; i <= 4; i++) {
    store_message m = made(i, "ne-other", 9, COR_T(CASE_FILE));
    if (i == 4) m.compartment = COR_C(HEALTH);
    ck_assert_int_eq(take(&m, i, &receipt), STORE_TAKE_NEW);
    cor_buf_clear(&receipt);
  }
  const struct {
    unsigned compartments;
    int64_t limit;
    int seen;
  } asked[] = {{STORE_ORDINARY, 100, 3}, {STORE_ORDINARY | COR_RESTRICTED, 100, 4}, {STORE_ORDINARY, 2, 2}};
  for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
    store_filter filter = {.compartments = asked[i].compartments, .limit = asked[i].limit};
    int seen = 0;
    must(store_begin(s, &err));
    must(store_message_list(s, &filter, count, &seen, &err));
    store_rollback(s);
    ck_assert_int_eq(seen, asked[i].seen);
  }
}
END_TEST

static store_found by_number(const uint8_t hash[COR_HASH_LEN], store_case *out) {
  must(store_begin(s, &err));
  store_found found = store_case_by_reference(s, hash, out, &err);
  store_rollback(s);
  return found;
}

/* A number two senders claim is neither's; our own registration made it. */
START_TEST(number_claimed_twice_names_nobody) {
  store_case first = {.kind = COR_HANDLE_CASE, .has_reference = true, .handle = {1}, .case_handle = {1}};
  store_case second = first, seen;
  second.handle[0] = second.case_handle[0] = 2;
  must(store_begin(s, &err));
  must(store_case_put(s, &first, &err));
  must(store_commit(s, &err));
  ck_assert_int_eq(by_number(first.reference_hash, &seen), STORE_FOUND);
  must(store_begin(s, &err));
  must(store_case_put(s, &second, &err));
  must(store_commit(s, &err));
  ck_assert_int_eq(by_number(first.reference_hash, &seen), STORE_ERROR);
  ck_assert_int_eq(err.code, COR_NO_SUCH_CASE);
  second.own = true;
  must(store_begin(s, &err));
  must(store_case_put(s, &second, &err));
  must(store_commit(s, &err));
  ck_assert_int_eq(by_number(first.reference_hash, &seen), STORE_FOUND);
  ck_assert_int_eq(seen.handle[0], 2);
}
END_TEST

/* What a comparison walks through: one type, one compartment, one box. */
START_TEST(files_are_walked_in_the_order_of_keeping) {
  const struct {
    uint8_t n;
    Corridor__V1__MessageType type;
    Corridor__V1__Compartment compartment;
  } kept[] = {{3, COR_T(CASE_FILE), COR_C(CASEWORK)},
              {1, COR_T(CASE_FILE), COR_C(HEALTH)},
              {4, COR_T(ABN), COR_C(CASEWORK)},
              {2, COR_T(CASE_FILE), COR_C(CASEWORK)}};
  store_message m;
  int64_t n = 0;
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    cor_buf receipt = {0};
    store_message one = made(kept[i].n, "gn-conakry", 1, kept[i].type);
    one.compartment = (int)kept[i].compartment;
    ck_assert_int_eq(take(&one, i + 1, &receipt), STORE_TAKE_NEW);
    cor_buf_clear(&receipt);
  }
  must(store_begin(s, &err));
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(store_message_after(s, false, n, COR_T(CASE_FILE), COR_C(CASEWORK), &m, &err),
                     STORE_FOUND);
    ck_assert_uint_eq(m.id[0], i == 0 ? 3 : 2);
    ck_assert_uint_gt(m.envelope.len * m.body.len, 0);
    n = m.n;
    store_message_clear(&m);
  }
  ck_assert_int_eq(store_message_after(s, false, n, COR_T(CASE_FILE), COR_C(CASEWORK), &m, &err),
                   STORE_ABSENT);
  ck_assert_int_eq(store_message_after(s, true, 0, COR_T(CASE_FILE), COR_C(CASEWORK), &m, &err),
                   STORE_ABSENT);
  store_rollback(s);
}
END_TEST

static bool on_disk(const char *name, const char *text) {
  cor_buf file = {0};
  if (access(in(dir, name), F_OK) != 0) return false;
  must(cor_file_read(in(dir, name), 64 * 1024 * 1024, true, &file, &err));
  const bool found = memmem(file.data, file.len, text, strlen(text)) != NULL;
  cor_buf_clear(&file);
  return found;
}

START_TEST(erased_body_is_gone_from_the_disk_and_does_not_come_back) {
  static uint8_t secret[] = "a body that was to be erased, long enough to find again";
  cor_buf receipt = {0}, again = {0};
  store_message m = made(1, "ne-other", 9, COR_T(CASE_FILE)), seen;
  m.body = (cor_buf){secret, sizeof secret};
  ck_assert_int_eq(take(&m, 1, &receipt), STORE_TAKE_NEW);
  ck_assert(on_disk("store", (char *)secret) || on_disk("store-wal", (char *)secret));
  const uint8_t other[COR_ID_LEN] = {8};
  must(store_begin(s, &err));
  must(store_message_erase(s, other, m.id, T0, &err)); /* another case's statement */
  must(store_commit(s, &err));
  ck_assert(on_disk("store", (char *)secret) || on_disk("store-wal", (char *)secret));
  must(store_begin(s, &err));
  must(store_message_erase(s, m.handle, m.id, T0, &err));
  must(store_commit(s, &err));
  ck_assert(!on_disk("store", (char *)secret));
  ck_assert(!on_disk("store-wal", (char *)secret));
  ck_assert_int_eq(take(&m, 2, &again), STORE_TAKE_AGAIN); /* delivered again */
  ck_assert(cor_bytes_equal(cor_buf_view(&receipt), cor_buf_view(&again)));
  must(store_begin(s, &err));
  ck_assert_int_eq(store_message_find(s, m.id, &seen, &err), STORE_FOUND);
  store_rollback(s);
  ck_assert_uint_eq(seen.body.len, 0);
  store_message_clear(&seen);
  cor_buf_clear(&receipt);
  cor_buf_clear(&again);
}
END_TEST

static bool keep_due(const store_due *due, void *ctx) {
  *(store_due *)ctx = *due;
  return true;
}

START_TEST(obligation_moves_forward_only) {
  store_due opened = {.kind = COR_DUTY_ERASURE_ANSWER,
                      .state = 1,
                      .due_at = T0 + DAY,
                      .at = T0,
                      .id = {1},
                      .message_id = {7}};
  store_due overdue, seen = {0};
  (void)snprintf(opened.responsible, sizeof opened.responsible, ME);
  overdue = opened;
  overdue.state = 4;
  overdue.at = T0 + 10;
  store_due met = overdue;
  met.state = 3;
  must(store_begin(s, &err));
  must(store_due_put(s, &opened, &err));
  must(store_due_put(s, &overdue, &err));
  must(store_due_put(s, &opened, &err)); /* delivered again: does not go back */
  must(store_due_list(s, true, STORE_ORDINARY, keep_due, &seen, &err));
  ck_assert_int_eq(seen.state, 4);
  must(store_due_put(s, &met, &err)); /* the same millisecond, but an end */
  must(store_due_list(s, true, STORE_ORDINARY, keep_due, &seen, &err));
  ck_assert_int_eq(seen.state, 3);
  store_rollback(s);
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("store");
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, epoch_is_made_once_and_sequence_only_rises);
  tcase_add_test(tcase, file_is_private_and_for_one_office_and_one_agent);
  tcase_add_test(tcase, delivery_is_kept_once_and_answered_alike);
  tcase_add_test(tcase, uncommitted_work_is_not_there);
  tcase_add_test(tcase, messages_go_in_order_and_records_first);
  tcase_add_test(tcase, withdrawal_overtakes_but_never_its_own_consent);
  tcase_add_test(tcase, what_goes_aside_waits_and_delays_nobody);
  tcase_add_test(tcase, postponed_message_waits_and_holds_back_its_successor);
  tcase_add_test(tcase, what_needs_no_consent_passes_what_is_suspended);
  tcase_add_loop_test(tcase, outgoing_life, 0, (int)(sizeof lives / sizeof *lives));
  tcase_add_loop_test(tcase, late_admission_receipt_is_kept_and_the_end_stands, 0, 3);
  tcase_add_test(tcase, full_disk_refuses_new_work_and_still_drains);
  tcase_add_test(tcase, restricted_messages_show_nowhere);
  tcase_add_test(tcase, lists_show_what_the_asker_may_see);
  tcase_add_test(tcase, number_claimed_twice_names_nobody);
  tcase_add_test(tcase, files_are_walked_in_the_order_of_keeping);
  tcase_add_test(tcase, erased_body_is_gone_from_the_disk_and_does_not_come_back);
  tcase_add_test(tcase, obligation_moves_forward_only);
  return programme_run(tcase, "store");
}
