/* Which commands which side may send, with which frames. */
#include "corridor/frames.h"
#include "corridor/refusal.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* a = agent, h = hub may send; b = carries a body. Written out by hand from
 * PROTOCOL 2, so that an edit of the table in frames.c shows here. */
static const char *const sends[] = {
    [0] = "",
    [COR_HELLO] = "a",
    [COR_WELCOME] = "h",
    [COR_SEND] = "ab",
    [COR_RESULTS] = "h",
    [COR_DELIVER] = "hb",
    [COR_RECEIPTS] = "a",
    [COR_CARDS] = "h",
    [COR_PING] = "ah",
    [COR_PONG] = "ah",
    [COR_BYE] = "ah",
    [11] = "",
};

static const uint8_t small[8] = {1, 2, 3};

START_TEST(direction_and_body) {
  cor_error err = {0};
  cor_frames out;
  uint8_t head[2];
  cor_frames_head((cor_command)_i, head);
  ck_assert_uint_eq(head[0], 1);
  const cor_bytes parts[] = {{head, 2}, {small, 3}, {small, 8}};
  for (int agent = 0; agent <= 1; agent++) {
    for (size_t n = 2; n <= 3; n++) {
      bool may = strchr(sends[_i], agent ? 'a' : 'h') != NULL;
      bool fits = (strchr(sends[_i], 'b') != NULL) == (n == 3);
      bool ok = cor_frames_check(parts, n, agent == 1, &out, &err);
      ck_assert_int_eq(ok, may && fits);
      if (!ok) {
        ck_assert_int_eq(err.code, COR_BAD_FRAMES);
        ck_assert_ptr_null(out.control.data);
        continue;
      }
      ck_assert_int_eq((int)out.command, _i);
      ck_assert_ptr_eq(out.control.data, small);
      ck_assert_uint_eq(out.control.len, 3);
      ck_assert_uint_eq(out.body.len, n == 3 ? 8 : 0);
      ck_assert_int_eq(out.body.data != NULL, n == 3);
    }
  }
}
END_TEST

static const struct {
  uint8_t command;
  bool agent;
  size_t control, body; /* body 0 = two frames, unless `empty_body` */
  bool empty_body, ok;
} sizes[] = {
    {COR_PING, true, 0, 0, false, true},
    {COR_PING, true, COR_CONTROL_MAX, 0, false, true},
    {COR_PING, true, COR_CONTROL_MAX + 1, 0, false, false},
    {COR_SEND, true, COR_CONTROL_MAX, COR_BODY_MAX, false, true},
    {COR_SEND, true, COR_CONTROL_MAX + 1, 1, false, false},
    {COR_SEND, true, 1, COR_BODY_MAX + 1, false, false},
    {COR_SEND, true, 1, 0, true, false},
    {COR_SEND, true, 1, 1, false, true},
    {COR_DELIVER, false, 1, COR_BODY_MAX, false, true},
    {COR_DELIVER, false, 1, COR_BODY_MAX + 1, false, false},
    {COR_CARDS, false, COR_CARDS_MAX, 0, false, true},
    {COR_CARDS, false, COR_CARDS_MAX + 1, 0, false, false},
    {COR_RESULTS, false, COR_CONTROL_MAX + 1, 0, false, false},
};

START_TEST(limits) {
  cor_error err = {0};
  cor_frames out;
  uint8_t *bytes = calloc(1, COR_CARDS_MAX + 1);
  ck_assert_ptr_nonnull(bytes);
  uint8_t head[2];
  cor_frames_head((cor_command)sizes[_i].command, head);
  const cor_bytes parts[] = {{head, 2}, {bytes, sizes[_i].control}, {bytes, sizes[_i].body}};
  size_t n = sizes[_i].body > 0 || sizes[_i].empty_body ? 3 : 2;
  ck_assert_int_eq(cor_frames_check(parts, n, sizes[_i].agent, &out, &err), sizes[_i].ok);
  free(bytes);
}
END_TEST

static const struct {
  uint8_t head[3];
  size_t head_len, n;
} malformed[] = {
    {{1, COR_PING, 0}, 2, 0}, {{1, COR_PING, 0}, 2, 1}, {{1, COR_PING, 0}, 2, 3}, {{1, COR_PING, 0}, 2, 4},
    {{1, COR_PING, 0}, 0, 2}, {{1, COR_PING, 0}, 1, 2}, {{1, COR_PING, 0}, 3, 2}, {{0, COR_PING, 0}, 2, 2},
    {{2, COR_PING, 0}, 2, 2}, {{1, 255, 0}, 2, 2},      {{1, 0, 0}, 2, 2},
};

START_TEST(malformed_is_bad_frames) {
  cor_error err = {0};
  cor_frames out;
  const cor_bytes parts[] = {{malformed[_i].head_len ? malformed[_i].head : NULL, malformed[_i].head_len},
                             {small, 1},
                             {small, 1},
                             {small, 1}};
  ck_assert(!cor_frames_check(parts, malformed[_i].n, true, &out, &err));
  ck_assert_int_eq(err.code, COR_BAD_FRAMES);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void) {
  Suite *suite = suite_create("frames");
  TCase *tests = tcase_create("frames");
  tcase_add_loop_test(tests, direction_and_body, 0, ROWS(sends));
  tcase_add_loop_test(tests, limits, 0, ROWS(sizes));
  tcase_add_loop_test(tests, malformed_is_bad_frames, 0, ROWS(malformed));
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
