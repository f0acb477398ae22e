/* test_store_attachment.c - the parts of files in the agent's store: behind everything
 * else, one line for a file, nobody's file mixed with another's. */
#include "store_fixture.h"

#include "corridor/attachment.h"

enum { FIRST = 20 }; /* the attachment's id is its first part's */

static store_message part(uint8_t n, const char *peer, uint8_t handle) {
  store_message m = made(n, peer, handle, COR_T(ATTACHMENT_CHUNK));
  m.is_part = true;
  memset(m.attachment, FIRST, sizeof m.attachment);
  return m;
}

static void send_part(uint8_t n) {
  store_message m = part(n, "gn-conakry", 1);
  m.outgoing = true;
  must(store_begin(s, &err));
  must(store_out_put(s, &m, COR_LANE_ATTACHMENT, &err));
  must(store_commit(s, &err));
}

static void receive_part(uint8_t n, const char *peer, uint8_t handle, Corridor__V1__Compartment c) {
  store_message m = part(n, peer, handle);
  cor_buf receipt = {0};
  m.compartment = (int)c;
  ck_assert_int_eq(take(&m, n, &receipt), STORE_TAKE_NEW);
  cor_buf_clear(&receipt);
}

static int next(int64_t *busy, size_t n) {
  const store_message m = next_out(busy, n);
  if (m.n != 0) busy[n] = m.n;
  ck_assert_int_eq(m.is_part, m.type == COR_T(ATTACHMENT_CHUNK));
  return m.id[0];
}

static store_attachment found(unsigned compartments) {
  uint8_t id[COR_ID_LEN];
  store_attachment a;
  memset(id, FIRST, sizeof id);
  must(store_begin(s, &err));
  ck_assert_int_eq(store_attachment_find(s, id, compartments, &a, &err), STORE_FOUND);
  store_rollback(s);
  return a;
}

START_TEST(parts_wait_for_all_else_and_hold_up_nothing) {
  int64_t busy[8];
  const store_message abn = made(3, "gn-conakry", 1, COR_T(ABN)),
                      record = made(4, "hub", 1, COR_T(CONSENT_RECORD)),
                      late = made(5, "gn-conakry", 1, COR_T(TICKET_ISSUED));
  send_part(FIRST);
  send_part(FIRST + 1);
  ck_assert_int_eq(next(busy, 0), FIRST);
  ck_assert_int_eq(next(busy, 1), 0); /* the second waits for the first's answer */
  queue(&abn, COR_LANE_CASE);
  ck_assert_int_eq(next(busy, 1), 3); /* queued later, not held up */
  ck_assert_int_eq(next(busy, 0), 3); /* and first, when both may go */
  settle(3, STORE_OUT_ADMIT, COR_OK);
  settle(FIRST, STORE_OUT_ADMIT, COR_OK);
  queue(&record, COR_LANE_CASE);
  queue(&late, COR_LANE_CASE);
  ck_assert_int_eq(next(busy, 0), 4);
  ck_assert_int_eq(next(busy, 1), FIRST + 1); /* kept before the record, so it needs it not */
  ck_assert_int_eq(next(busy, 2), 0);         /* the ticket does */
}
END_TEST

START_TEST(a_part_waits_for_the_record_its_gate_needs) {
  int64_t busy[4];
  const store_message record = made(4, "hub", 1, COR_T(CONSENT_RECORD));
  queue(&record, COR_LANE_CASE);
  send_part(FIRST);
  ck_assert_int_eq(next(busy, 0), 4);
  ck_assert_int_eq(next(busy, 1), 0);
  settle(4, STORE_OUT_ADMIT, COR_OK);
  ck_assert_int_eq(next(busy, 0), FIRST);
}
END_TEST

START_TEST(a_refusal_ends_the_parts_behind_it) {
  int64_t busy[4];
  for (uint8_t i = 0; i < 4; i++)
    send_part((uint8_t)(FIRST + i));
  settle(FIRST, STORE_OUT_ADMIT, COR_OK);
  settle(FIRST, STORE_OUT_DELIVER, COR_OK);
  settle(FIRST + 1, STORE_OUT_REFUSE, COR_CONSENT_WITHDRAWN);
  ck_assert_int_eq(next(busy, 0), 0);
  const store_attachment a = found(STORE_ORDINARY);
  ck_assert_int_eq(a.parts, 4);
  ck_assert_int_eq(a.of, 4);
  ck_assert_int_eq(a.admitted, 1);
  ck_assert_int_eq(a.delivered, 1);
  ck_assert_int_eq(a.state, STORE_REFUSED);
  ck_assert_int_eq(a.code, COR_CONSENT_WITHDRAWN);
}
END_TEST

static bool note(const store_message *m, void *ctx) {
  *(store_state *)ctx = m->state;
  return m->id[0] == FIRST;
}

static bool count(const store_message *m, void *ctx) {
  (void)m;
  ++*(int *)ctx;
  return true;
}

START_TEST(a_list_has_one_line_for_a_file) {
  const store_message abn = made(3, "gn-conakry", 1, COR_T(ABN));
  store_filter filter = {.outgoing = true, .compartments = STORE_ORDINARY, .limit = 100};
  store_state state = 0;
  int seen = 0;
  for (uint8_t i = 0; i < 3; i++)
    send_part((uint8_t)(FIRST + i));
  ck_assert_int_eq(facts().queued, 1);
  settle(FIRST, STORE_OUT_ADMIT, COR_OK);
  settle(FIRST, STORE_OUT_DELIVER, COR_OK);
  must(store_begin(s, &err));
  must(store_message_list(s, &filter, note, &state, &err));
  must(store_message_list(s, &filter, count, &seen, &err));
  store_rollback(s);
  ck_assert_int_eq(seen, 1);
  ck_assert_int_eq(state, STORE_QUEUED); /* as far as its last part */
  queue(&abn, COR_LANE_CASE);
  ck_assert_int_eq(facts().queued, 2);
}
END_TEST

typedef struct told {
  int n;
  char words[256];
} told;

static bool tell(const store_event *e, void *ctx) {
  told *all = ctx;
  all->n++;
  ck_assert_int_eq(e->message_id[0], FIRST);
  strncat(all->words, e->event, sizeof all->words - strlen(all->words) - 2);
  strcat(all->words, " ");
  return true;
}

static told timeline(unsigned compartments) {
  uint8_t handle[COR_ID_LEN];
  told all = {0};
  memset(handle, 1, sizeof handle);
  must(store_begin(s, &err));
  must(store_event_list(s, handle, compartments, tell, &all, &err));
  store_rollback(s);
  return all;
}

START_TEST(the_timeline_tells_of_the_file_once) {
  for (uint8_t i = 0; i < 3; i++)
    send_part((uint8_t)(FIRST + i));
  for (uint8_t i = 0; i < 3; i++)
    settle((uint8_t)(FIRST + i), STORE_OUT_ADMIT, COR_OK);
  settle(FIRST, STORE_OUT_DELIVER, COR_OK);
  ck_assert_str_eq(timeline(STORE_ORDINARY).words, "sent admitted ");
  settle(FIRST + 1, STORE_OUT_DELIVER, COR_OK);
  settle(FIRST + 2, STORE_OUT_DELIVER, COR_OK);
  ck_assert_str_eq(timeline(STORE_ORDINARY).words, "sent admitted delivered ");
}
END_TEST

START_TEST(parts_received_are_counted_once_and_for_their_holders) {
  const store_facts before = facts();
  for (uint8_t i = 0; i < 3; i++)
    receive_part((uint8_t)(FIRST + i), "ne-other", 1, COR_C(HEALTH));
  ck_assert_int_eq(facts().inbox, before.inbox);
  ck_assert_int_eq(timeline(STORE_ORDINARY).n, 0);
  ck_assert_str_eq(timeline(STORE_ORDINARY | COR_RESTRICTED).words, "received ");
  uint8_t id[COR_ID_LEN];
  store_attachment a;
  memset(id, FIRST, sizeof id);
  must(store_begin(s, &err));
  ck_assert_int_eq(store_attachment_find(s, id, STORE_ORDINARY, &a, &err), STORE_ABSENT);
  store_rollback(s);
  a = found(STORE_ORDINARY | COR_RESTRICTED);
  ck_assert_int_eq(a.parts, 3);
  ck_assert_int_eq(a.of, 0);
  ck_assert_int_eq(a.state, STORE_RECEIVED);
}
END_TEST

/* By another office, under another case, in another compartment: a file of its own. */
START_TEST(nobody_adds_a_part_to_anothers_file) {
  receive_part(FIRST, "ne-other", 1, COR_C(CASEWORK));
  receive_part(FIRST + 1, "ml-bamako", 1, COR_C(CASEWORK));
  receive_part(FIRST + 2, "ne-other", 2, COR_C(CASEWORK));
  receive_part(FIRST + 3, "ne-other", 1, COR_C(HEALTH));
  receive_part(FIRST + 4, "ne-other", 1, COR_C(CASEWORK));
  const store_attachment a = found(STORE_ORDINARY | COR_RESTRICTED);
  ck_assert_int_eq(a.parts, 2);
  uint8_t id[COR_ID_LEN];
  must(store_begin(s, &err));
  ck_assert_int_eq(store_part_at(s, &a, 1, id, &err), STORE_FOUND);
  ck_assert_int_eq(id[0], FIRST + 4);
  ck_assert_int_eq(store_part_at(s, &a, 2, id, &err), STORE_ABSENT);
  store_rollback(s);
}
END_TEST

START_TEST(room_is_asked_for_all_of_a_file) {
  char sql[64];
  int64_t pages = 0;
  sqlite3_stmt *stmt;
  must(store_begin(s, &err));
  stmt = store_select(s, &err, "PRAGMA page_count", NULL, 0);
  must(stmt != NULL && store_next(s, stmt, &err) == STORE_FOUND);
  pages = sqlite3_column_int64(stmt, 0);
  store_done(stmt);
  store_rollback(s);
  (void)snprintf(sql, sizeof sql, "PRAGMA max_page_count = %lld", (long long)pages + 200);
  ck_assert_int_eq(sqlite3_exec(s->db, sql, NULL, NULL, NULL), SQLITE_OK);
  must(store_begin(s, &err));
  must(store_room(s, &err));
  must(store_room_for(s, 100 * 4096, &err));
  must_not(store_room_for(s, 200 * 4096, &err), COR_DISK_FULL);
  store_rollback(s);
}
END_TEST

START_TEST(what_was_sent_for_a_case_is_counted) {
  uint8_t handle[COR_ID_LEN];
  int64_t parts;
  memset(handle, 1, sizeof handle);
  send_part(FIRST);
  send_part(FIRST + 1);
  receive_part(FIRST + 2, "ne-other", 1, COR_C(CASEWORK));
  must(store_begin(s, &err));
  must(store_attachment_sent(s, handle, &parts, &err));
  store_rollback(s);
  ck_assert_int_eq(parts, 2);
}
END_TEST

START_TEST(a_header_names_the_file) {
  Corridor__V1__Header h = CORRIDOR__V1__HEADER__INIT;
  uint8_t own[COR_ID_LEN], first[COR_ID_LEN];
  store_message m = {0};
  memset(own, 5, sizeof own);
  memset(first, FIRST, sizeof first);
  h.message_id = (ProtobufCBinaryData){COR_ID_LEN, own};
  h.type = COR_T(CASE_FILE);
  store_message_name(&m, &h);
  ck_assert(!m.is_part);
  h.type = COR_T(ATTACHMENT_CHUNK);
  store_message_name(&m, &h);
  ck_assert(m.is_part && m.attachment[0] == 5);
  h.in_reply_to = (ProtobufCBinaryData){COR_ID_LEN, first};
  store_message_name(&m, &h);
  ck_assert(m.is_part && m.attachment[0] == FIRST);
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("store_attachment");
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, parts_wait_for_all_else_and_hold_up_nothing);
  tcase_add_test(tcase, a_part_waits_for_the_record_its_gate_needs);
  tcase_add_test(tcase, a_refusal_ends_the_parts_behind_it);
  tcase_add_test(tcase, a_list_has_one_line_for_a_file);
  tcase_add_test(tcase, the_timeline_tells_of_the_file_once);
  tcase_add_test(tcase, parts_received_are_counted_once_and_for_their_holders);
  tcase_add_test(tcase, nobody_adds_a_part_to_anothers_file);
  tcase_add_test(tcase, room_is_asked_for_all_of_a_file);
  tcase_add_test(tcase, what_was_sent_for_a_case_is_counted);
  tcase_add_test(tcase, a_header_names_the_file);
  return programme_run(tcase, "store_attachment");
}
