/* test_channel.c - the channel's head: every kind survives the way there and
 * back, and nothing else is taken. */
#include "channel.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

static const channel_head HEADS[] = {
    {.kind = CHANNEL_DOOR_UP, .number = UINT64_MAX},
    {.kind = CHANNEL_MESSAGE, .connection = UINT64_C(0x0102030405060708), .office = "niamey-mission"},
    {.kind = CHANNEL_MESSAGE, .connection = 1, .office = "a2345678901234567890123456789012"},
    {.kind = CHANNEL_CLOSED, .connection = UINT64_C(1) << 63},
    {.kind = CHANNEL_CORE_UP, .number = 1},
    {.kind = CHANNEL_KEYS},
    {.kind = CHANNEL_SEND, .connection = 7},
    {.kind = CHANNEL_CUT, .connection = 7, .number = 61},
    {.kind = CHANNEL_TAKEN, .number = UINT64_C(33554432)},
};

START_TEST(there_and_back) {
  const channel_head *head = &HEADS[_i];
  uint8_t bytes[CHANNEL_HEAD_MAX];
  channel_head read;
  size_t len = channel_head_write(head, bytes);
  ck_assert_uint_eq(len, CHANNEL_HEAD_MIN + strlen(head->office));
  ck_assert(channel_head_read((cor_bytes){bytes, len}, &read));
  ck_assert_int_eq(read.kind, head->kind);
  ck_assert_uint_eq(read.connection, head->connection);
  ck_assert_uint_eq(read.number, head->number);
  ck_assert_str_eq(read.office, head->office);
}
END_TEST

START_TEST(bytes_are_as_written_in_the_header) {
  uint8_t bytes[CHANNEL_HEAD_MAX];
  const uint8_t wanted[] = {'M', 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 9, 'a', 'b'};
  channel_head head = {
      .kind = CHANNEL_MESSAGE, .connection = UINT64_C(0x0102030405060708), .number = 9, .office = "ab"};
  ck_assert_uint_eq(channel_head_write(&head, bytes), sizeof wanted);
  ck_assert_mem_eq(bytes, wanted, sizeof wanted);
}
END_TEST

static const struct {
  const char *bytes;
  size_t len;
} BAD[] = {
    {"", 0},
    {"U0000000000000000", 16}, /* one short */
    {"?0000000000000000", 17}, /* no such kind */
    {"\0"
     "0000000000000000",
     17},                                                       /* nor this */
    {"U0000000000000000a", 18},                                 /* text where none belongs */
    {"M0000000000000000", 17},                                  /* an office must be named */
    {"M0000000000000000Niamey", 23},                            /* not an office id */
    {"M0000000000000000nia\0mey", 24},                          /* NUL inside */
    {"M0000000000000000niamey\0", 24},                          /* NUL at the end */
    {"M0000000000000000a23456789012345678901234567890123", 50}, /* one too long */
};

START_TEST(anything_else_is_refused) {
  channel_head read = {.kind = CHANNEL_CUT, .connection = 5};
  ck_assert(!channel_head_read((cor_bytes){(const uint8_t *)BAD[_i].bytes, BAD[_i].len}, &read));
  ck_assert_int_eq(read.kind, CHANNEL_CUT);
  ck_assert_uint_eq(read.connection, 5);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("channel");
  TCase *all = tcase_create("head");
  tcase_add_loop_test(all, there_and_back, 0, sizeof HEADS / sizeof *HEADS);
  tcase_add_test(all, bytes_are_as_written_in_the_header);
  tcase_add_loop_test(all, anything_else_is_refused, 0, sizeof BAD / sizeof *BAD);
  suite_add_tcase(suite, all);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
