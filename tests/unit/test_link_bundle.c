/* test_link_bundle.c - a bundle of the hub's notices at the agent that takes it. */
#include "link_internal.h"
#include "store_fixture.h"

#include "corridor/id.h"

enum { PARTS_MAX = 4 };

static agent office;
static agent_link *l;
static Corridor__V1__Header header;
static Corridor__V1__NoticeBundle bundle;
static Corridor__V1__BundledNotice parts[PARTS_MAX], *list[PARTS_MAX];
static uint8_t ids[PARTS_MAX][COR_ID_LEN], handle[COR_ID_LEN], bundle_id[COR_ID_LEN];
static cor_buf bodies[PARTS_MAX];
static Corridor__V1__DataCategory category = COR_CAT(OPERATIONAL);

static void bundle_setup(void) {
  setup();
  office = (agent){.log = quiet, .clock = wall, .store = s};
  l = calloc(1, sizeof *l);
  l->a = &office;
  memset(handle, 9, sizeof handle);
  cor_id_new(bundle_id, T0);
  corridor__v1__header__init(&header);
  header.version = 1;
  header.message_id = header.handle = (ProtobufCBinaryData){COR_ID_LEN, bundle_id};
  header.sender = (char *)"hub";
  header.recipient = (char *)ME;
  header.compartment = COR_C(RECORD);
  header.type = COR_T(NOTICE_BUNDLE);
  header.purpose = COR_PURPOSE(RECORD_KEEPING);
  header.basis = COR_BASIS(RECORD_DUTY);
  header.n_categories = 1;
  header.categories = &category;
  header.sent_at = T0;
  header.expires_at = T0 + DAY;
  header.table_version = COR_SOP_VERSION;
  corridor__v1__notice_bundle__init(&bundle);
  bundle.notices = list;
}

static void bundle_teardown(void) {
  for (size_t i = 0; i < PARTS_MAX; i++)
    cor_buf_clear(&bodies[i]);
  free(l);
  teardown();
}

static Corridor__V1__BundledNotice *part(Corridor__V1__MessageType type, const ProtobufCMessage *body) {
  const size_t i = bundle.n_notices++;
  cor_id_new(ids[i], T0);
  must(cor_encode(body, &bodies[i], &err));
  corridor__v1__bundled_notice__init(&parts[i]);
  parts[i].notice_id = (ProtobufCBinaryData){COR_ID_LEN, ids[i]};
  parts[i].handle = parts[i].in_reply_to = (ProtobufCBinaryData){COR_ID_LEN, handle};
  parts[i].type = type;
  parts[i].body = (ProtobufCBinaryData){bodies[i].len, bodies[i].data};
  return list[i] = &parts[i];
}

/* The end of a message of ours, which stopped: no proof is asked for. */
static Corridor__V1__BundledNotice *end_of(const store_message *ours) {
  Corridor__V1__EndNotice end = CORRIDOR__V1__END_NOTICE__INIT;
  end.message_id = (ProtobufCBinaryData){COR_ID_LEN, (uint8_t *)ours->id};
  end.state = CORRIDOR__V1__END_STATE__STOPPED;
  end.reason = COR_CONSENT_WITHDRAWN;
  end.at = T0;
  return part(COR_T(END_NOTICE), &end.base);
}

static store_message sent(uint8_t n, Corridor__V1__Compartment compartment) {
  store_message m = made(n, "gn-conakry", 9, COR_T(CASE_FILE));
  m.compartment = (int)compartment;
  queue(&m, COR_LANE_CASE);
  must(store_begin(s, &err));
  must(store_out_apply(s, m.id, &(store_outcome){.event = STORE_OUT_ADMIT, .at = T0}, &err));
  must(store_commit(s, &err));
  return m;
}

/* As link_take.c has it: kept, and applied if it is new. */
static store_taken come(uint64_t sequence, cor_buf *receipt, size_t *ordinary) {
  store_message m = made(0, "hub", 0, COR_T(NOTICE_BUNDLE));
  memcpy(m.id, bundle_id, COR_ID_LEN);
  memcpy(m.handle, bundle_id, COR_ID_LEN);
  m.compartment = COR_C(RECORD);
  *ordinary = 0;
  must(store_begin(s, &err));
  store_taken taken = store_unlisted_put(s, &m, sequence, receipt, &err);
  if (taken == STORE_TAKE_NEW)
    must(link_bundle_apply(l, NULL, &header, &bundle, &m, sequence, ordinary, &err));
  must(store_commit(s, &err));
  return taken;
}

static bool append(const store_message *m, void *ctx) {
  char *text = ctx;
  sprintf(text + strlen(text), "%d/%d ", m->type, m->compartment);
  return true;
}

/* What an office sees of its inbox: "type/compartment" of each, newest first. */
static const char *listed(unsigned compartments) {
  static char text[512];
  text[0] = '\0';
  must(store_begin(s, &err));
  must(
      store_message_list(s, &(store_filter){.compartments = compartments, .limit = 100}, append, text, &err));
  store_rollback(s);
  return text;
}

static store_message look(const uint8_t *id) {
  store_message m;
  must(store_begin(s, &err));
  ck_assert_int_eq(store_message_find(s, id, &m, &err), STORE_FOUND);
  store_rollback(s);
  store_message_clear(&m);
  return m;
}

START_TEST(each_notice_is_applied_and_filed_once) {
  const store_message a = sent(1, COR_C(CASEWORK)), b = sent(2, COR_C(CASEWORK));
  cor_buf first = {0}, again = {0};
  size_t ordinary;
  (void)end_of(&a);
  (void)end_of(&b);
  ck_assert_int_eq(come(7, &first, &ordinary), STORE_TAKE_NEW);
  ck_assert_uint_eq(ordinary, 2);
  ck_assert_int_eq(look(a.id).state, STORE_STOPPED);
  ck_assert_int_eq(look(b.id).state, STORE_STOPPED);
  ck_assert_str_eq(listed(STORE_ORDINARY), "30/1 30/1 ");
  ck_assert_int_eq(look(ids[1]).type, COR_T(END_NOTICE));
  ck_assert_mem_eq(look(ids[1]).handle, handle, COR_ID_LEN);
  ck_assert_int_eq(facts().inbox, 2);
  ck_assert_uint_eq(facts().sequence, 7);
  reopen();
  office.store = s;
  ck_assert_int_eq(come(8, &again, &ordinary), STORE_TAKE_AGAIN);
  ck_assert(cor_bytes_equal(cor_buf_view(&first), cor_buf_view(&again)));
  ck_assert_uint_eq(ordinary, 0);
  ck_assert_str_eq(listed(STORE_ORDINARY), "30/1 30/1 ");
  ck_assert_uint_eq(facts().sequence, 8);
  cor_buf_clear(&first);
  cor_buf_clear(&again);
}
END_TEST

START_TEST(the_bundle_itself_is_nowhere_to_be_seen) {
  const store_message a = sent(1, COR_C(CASEWORK));
  store_message m;
  cor_buf receipt = {0};
  size_t ordinary;
  (void)end_of(&a);
  (void)come(1, &receipt, &ordinary);
  cor_buf_clear(&receipt);
  must(store_begin(s, &err));
  ck_assert_int_eq(store_message_find(s, bundle_id, &m, &err), STORE_ABSENT);
  store_rollback(s);
  ck_assert_str_eq(listed(~0U), "30/1 ");
}
END_TEST

START_TEST(news_of_a_health_message_stays_with_it) {
  const store_message a = sent(1, COR_C(HEALTH)), b = sent(2, COR_C(CASEWORK));
  cor_buf receipt = {0};
  size_t ordinary;
  (void)end_of(&a);
  (void)end_of(&b);
  (void)come(1, &receipt, &ordinary);
  cor_buf_clear(&receipt);
  ck_assert_uint_eq(ordinary, 1);
  ck_assert_int_eq(look(a.id).state, STORE_STOPPED);
  ck_assert_str_eq(listed(STORE_ORDINARY), "30/1 ");
  ck_assert_str_eq(listed(STORE_ORDINARY | COR_BIT(COR_C(HEALTH))), "30/1 30/4 ");
  ck_assert_int_eq(facts().inbox, 1);
}
END_TEST

static void of_another_type(Corridor__V1__BundledNotice *one) {
  static uint8_t withdrawn[] = {2 << 3, 1}; /* withdrawn_at: its bytes are in order */
  one->type = COR_T(WITHDRAWAL_NOTICE);
  one->body = (ProtobufCBinaryData){sizeof withdrawn, withdrawn};
}
static void a_bundle_in_it(Corridor__V1__BundledNotice *one) {
  one->type = COR_T(NOTICE_BUNDLE);
  one->body = (ProtobufCBinaryData){0, NULL};
}
static void without_id(Corridor__V1__BundledNotice *one) {
  one->notice_id.len = 0;
}
static void random_id(Corridor__V1__BundledNotice *one) {
  memset(one->notice_id.data, 0xff, COR_ID_LEN);
}
static void without_handle(Corridor__V1__BundledNotice *one) {
  one->handle = (ProtobufCBinaryData){0, NULL};
}
static void short_reply(Corridor__V1__BundledNotice *one) {
  one->in_reply_to.len = 15;
}
static void without_body(Corridor__V1__BundledNotice *one) {
  one->body.len--;
}
static void id_of_the_first(Corridor__V1__BundledNotice *one) {
  memcpy(one->notice_id.data, ids[0], COR_ID_LEN);
}
static void id_of_the_bundle(Corridor__V1__BundledNotice *one) {
  memcpy(one->notice_id.data, bundle_id, COR_ID_LEN);
}

static const struct {
  void (*spoil)(Corridor__V1__BundledNotice *);
  link_metric counted;
} faults[] = {
    {of_another_type, LINK_REJECTED}, {a_bundle_in_it, LINK_REJECTED},   {without_id, LINK_REJECTED},
    {random_id, LINK_REJECTED},       {without_handle, LINK_REJECTED},   {short_reply, LINK_REJECTED},
    {without_body, LINK_REJECTED},    {id_of_the_first, LINK_CONFLICTS}, {id_of_the_bundle, LINK_CONFLICTS}};

/* The spoilt one stands between two good ones. */
START_TEST(a_bad_part_is_skipped_and_the_others_stand) {
  const store_message a = sent(1, COR_C(CASEWORK)), b = sent(2, COR_C(CASEWORK)),
                      c = sent(3, COR_C(CASEWORK));
  cor_buf receipt = {0};
  size_t ordinary;
  (void)end_of(&a);
  faults[_i].spoil(end_of(&b));
  (void)end_of(&c);
  ck_assert_int_eq(come(1, &receipt, &ordinary), STORE_TAKE_NEW);
  ck_assert_uint_gt(receipt.len, 0);
  cor_buf_clear(&receipt);
  ck_assert_uint_eq(ordinary, 2);
  ck_assert_int_eq(look(a.id).state, STORE_STOPPED);
  ck_assert_int_eq(look(b.id).state, STORE_ADMITTED);
  ck_assert_int_eq(look(c.id).state, STORE_STOPPED);
  ck_assert_str_eq(listed(~0U), "30/1 30/1 ");
  ck_assert_int_eq(l->metrics[faults[_i].counted].value, 1);
}
END_TEST

START_TEST(another_bundle_under_the_same_id_is_a_conflict) {
  store_message m = made(3, "hub", 3, COR_T(NOTICE_BUNDLE)), single = made(3, "hub", 9, COR_T(END_NOTICE));
  cor_buf receipt = {0};
  must(store_begin(s, &err));
  ck_assert_int_eq(store_unlisted_put(s, &m, 1, &receipt, &err), STORE_TAKE_NEW);
  cor_buf_clear(&receipt);
  memset(m.header_hash, 4, COR_HASH_LEN);
  memset(single.header_hash, 5, COR_HASH_LEN);
  ck_assert_int_eq(store_unlisted_put(s, &m, 2, &receipt, &err), STORE_TAKE_CONFLICT);
  ck_assert_int_eq(store_in_put(s, &single, 2, &receipt, &err), STORE_TAKE_CONFLICT);
  ck_assert_uint_eq(receipt.len, 0);
  must(store_commit(s, &err));
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("link_bundle");
  tcase_add_checked_fixture(tcase, bundle_setup, bundle_teardown);
  tcase_add_test(tcase, each_notice_is_applied_and_filed_once);
  tcase_add_test(tcase, the_bundle_itself_is_nowhere_to_be_seen);
  tcase_add_test(tcase, news_of_a_health_message_stays_with_it);
  tcase_add_loop_test(tcase, a_bad_part_is_skipped_and_the_others_stand, 0,
                      (int)(sizeof faults / sizeof *faults));
  tcase_add_test(tcase, another_bundle_under_the_same_id_is_a_conflict);
  return programme_run(tcase, "link_bundle");
}
