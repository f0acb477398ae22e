/* test_bundle.c - notices of one transaction, as the messages they go out in. */
#include "bundle.h"
#include "programme.h"

static notices all, out;

static void setup(void) {
  all = (notices){.now = T0};
  out = (notices){0};
}

static void teardown(void) {
  notice_clear(&all);
  notice_clear(&out);
}

/* The n-th notice of this test; which one it is stands in its in_reply_to. */
static void add(const char *office, Corridor__V1__MessageType type, size_t proof) {
  static uint8_t bytes[4096] = {7};
  uint8_t handle[COR_ID_LEN] = {1}, about[COR_ID_LEN] = {(uint8_t)all.n, (uint8_t)(all.n >> 8)};
  Corridor__V1__EndNotice end = CORRIDOR__V1__END_NOTICE__INIT;
  Corridor__V1__ObligationNotice duty = CORRIDOR__V1__OBLIGATION_NOTICE__INIT;
  Corridor__V1__WithdrawalNotice withdrawn = CORRIDOR__V1__WITHDRAWAL_NOTICE__INIT;
  end.at = duty.at = withdrawn.withdrawn_at = T0;
  end.delivery_receipt = (ProtobufCBinaryData){proof, bytes};
  notice_add(&all, office, type, handle, NULL, about,
             type == COR_T(END_NOTICE)          ? &end.base
             : type == COR_T(OBLIGATION_NOTICE) ? &duty.base
                                                : &withdrawn.base);
}

static unsigned number(const uint8_t *about) {
  return about[0] + 256u * about[1];
}

/* "gn-a 33(0 1 4) 31(2)": what goes out, in order. */
static const char *packed(void) {
  static char text[4096];
  size_t at = 0;
  cor_error err;
  text[0] = '\0';
  bundle_pack(&all, &out, T0);
  for (size_t i = 0; i < out.n; i++) {
    const notice *one = &out.list[i];
    at += (size_t)snprintf(text + at, sizeof text - at, "%s%s %d(", i ? ", " : "", one->recipient, one->type);
    if (one->type != COR_T(NOTICE_BUNDLE)) {
      at += (size_t)snprintf(text + at, sizeof text - at, "%u)", number(one->in_reply_to));
      continue;
    }
    Corridor__V1__NoticeBundle *body = (Corridor__V1__NoticeBundle *)cor_decode(
        &corridor__v1__notice_bundle__descriptor, cor_buf_view(&one->body), COR_CONTROL_MAX, true, &err);
    ck_assert_ptr_nonnull(body);
    ck_assert(cor_content_check(one->type, COR_C(RECORD), &body->base, "", &err));
    ck_assert_mem_eq(one->handle, one->id, COR_ID_LEN);
    ck_assert(!one->has_case);
    for (size_t k = 0; k < body->n_notices; k++)
      at += (size_t)snprintf(text + at, sizeof text - at, "%s%u", k ? " " : "",
                             number(body->notices[k]->in_reply_to.data));
    at += (size_t)snprintf(text + at, sizeof text - at, ")");
    cor_message_free(&body->base);
  }
  return text;
}

/* Whoever packs has not cleared where it goes. */
START_TEST(nothing_is_nothing) {
  notice left_over = {.type = COR_T(END_NOTICE)};
  out = (notices){.list = &left_over, .n = 3, .cap = 3};
  ck_assert_str_eq(packed(), "");
  ck_assert_ptr_null(out.list);
}
END_TEST

START_TEST(one_goes_as_it_is_and_several_share) {
  add("gn-b", COR_T(END_NOTICE), 100);
  add("gn-a", COR_T(END_NOTICE), 100);
  add("gn-b", COR_T(OBLIGATION_NOTICE), 0);
  add("gn-c", COR_T(OBLIGATION_NOTICE), 0);
  add("gn-b", COR_T(END_NOTICE), 100);
  ck_assert_str_eq(packed(), "gn-a 30(1), gn-b 33(0 2 4), gn-c 32(3)");
}
END_TEST

START_TEST(a_withdrawal_goes_alone_and_in_its_place) {
  add("gn-a", COR_T(END_NOTICE), 100);
  add("gn-a", COR_T(OBLIGATION_NOTICE), 0);
  add("gn-a", COR_T(WITHDRAWAL_NOTICE), 0);
  add("gn-a", COR_T(OBLIGATION_NOTICE), 0);
  add("gn-a", COR_T(WITHDRAWAL_NOTICE), 0);
  add("gn-a", COR_T(OBLIGATION_NOTICE), 0);
  add("gn-a", COR_T(END_NOTICE), 100);
  ck_assert_str_eq(packed(), "gn-a 33(0 1), gn-a 31(2), gn-a 32(3), gn-a 31(4), gn-a 33(5 6)");
}
END_TEST

START_TEST(a_bundle_has_at_most_so_many) {
  for (int i = 0; i < 2 * BUNDLE_NOTICES_MAX + 1; i++)
    add("gn-a", COR_T(END_NOTICE), 100);
  (void)packed();
  ck_assert_uint_eq(out.n, 3);
  ck_assert_int_eq(out.list[0].type, COR_T(NOTICE_BUNDLE));
  ck_assert_int_eq(out.list[1].type, COR_T(NOTICE_BUNDLE));
  ck_assert_int_eq(out.list[2].type, COR_T(END_NOTICE));
}
END_TEST

START_TEST(a_bundle_is_at_most_so_long) {
  for (int i = 0; i < 25; i++)
    add("gn-a", COR_T(END_NOTICE), 4000);
  ck_assert_str_eq(packed(),
                   "gn-a 33(0 1 2 3 4 5 6 7 8 9 10 11), gn-a 33(12 13 14 15 16 17 18 19 20 21 22 23),"
                   " gn-a 30(24)");
  for (size_t i = 0; i < out.n; i++)
    ck_assert_uint_le(out.list[i].body.len, BUNDLE_BYTES_MAX);
}
END_TEST

START_TEST(parts_keep_the_ids_that_were_given) {
  uint8_t ids[2][COR_ID_LEN];
  cor_error err;
  for (size_t i = 0; i < 2; i++) {
    add("gn-a", COR_T(END_NOTICE), 100);
    memcpy(ids[i], all.list[i].id, COR_ID_LEN);
  }
  (void)packed();
  Corridor__V1__NoticeBundle *body = (Corridor__V1__NoticeBundle *)cor_decode(
      &corridor__v1__notice_bundle__descriptor, cor_buf_view(&out.list[0].body), COR_CONTROL_MAX, true, &err);
  ck_assert_ptr_nonnull(body);
  for (size_t i = 0; i < 2; i++) {
    ck_assert_mem_eq(body->notices[i]->notice_id.data, ids[i], COR_ID_LEN);
    ck_assert_mem_ne(out.list[0].id, ids[i], COR_ID_LEN);
  }
  cor_message_free(&body->base);
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("bundle");
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, nothing_is_nothing);
  tcase_add_test(tcase, one_goes_as_it_is_and_several_share);
  tcase_add_test(tcase, a_withdrawal_goes_alone_and_in_its_place);
  tcase_add_test(tcase, a_bundle_has_at_most_so_many);
  tcase_add_test(tcase, a_bundle_is_at_most_so_long);
  tcase_add_test(tcase, parts_keep_the_ids_that_were_given);
  return programme_run(tcase, "bundle");
}
