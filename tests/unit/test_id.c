/* Message ids, hexadecimal, office ids, reference numbers and their check digits. */
#include "corridor/id.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(new_id_is_uuid7_of_its_time) {
  uint8_t id[COR_ID_LEN], other[COR_ID_LEN];
  char out[COR_ID_TEXT];
  cor_id_new(id, INT64_C(0x017F22E279B0)); /* RFC 9562 appendix A.6 */
  cor_id_new(other, INT64_C(0x017F22E279B0));
  cor_id_text(id, out);
  ck_assert_mem_eq(out, "017f22e2-79b0-7", 15);
  ck_assert_ptr_nonnull(strchr("89ab", out[19]));
  ck_assert(cor_id_is_uuid7((cor_bytes){id, COR_ID_LEN}));
  ck_assert(!cor_id_is_uuid7((cor_bytes){id, COR_ID_LEN - 1}));
  ck_assert_mem_ne(id, other, COR_ID_LEN);
}
END_TEST

static const struct {
  size_t at;
  uint8_t value;
} not_seven[] = {{6, 0x4c}, {6, 0x80}, {8, 0x00}, {8, 0x40}, {8, 0xc0}};

START_TEST(other_versions_are_not_uuid7) {
  uint8_t id[COR_ID_LEN];
  cor_id_new(id, 1);
  id[not_seven[_i].at] = not_seven[_i].value;
  ck_assert(!cor_id_is_uuid7((cor_bytes){id, COR_ID_LEN}));
}
END_TEST

static const struct {
  const char *text;
  bool ok;
} ids[] = {
    {"017f22e2-79b0-7cc3-98c4-dc0c0c07398f", true},  {"017f22e279b07cc398c4dc0c0c07398f", true},
    {"017F22E2-79B0-7CC3-98C4-DC0C0C07398F", true},  {"", false},
    {"017f22e279b07cc398c4dc0c0c07398", false},      {"017f22e279b07cc398c4dc0c0c07398f0", false},
    {"017f22e2-79b07cc398c4dc0c0c07398f", false},    {"017f22e2-79b0-7cc3-98c4dc0c-0c07398f", false},
    {"017f22e2-79b0-7cc3-98c4-dc0c0c07398g", false}, {"017f22e2-79b0-7cc3-98c4-dc0c0c07398f ", false},
    {"{17f22e2-79b0-7cc3-98c4-dc0c0c07398}", false}, {"017f22e2 79b0 7cc3 98c4 dc0c0c07398f", false},
    {"0x7f22e279b07cc398c4dc0c0c07398f", false},
};

START_TEST(id_texts) {
  uint8_t id[COR_ID_LEN];
  char out[COR_ID_TEXT];
  ck_assert_int_eq(cor_id_parse(ids[_i].text, id), ids[_i].ok);
  if (ids[_i].ok) ck_assert_str_eq(cor_id_text(id, out), ids[0].text);
}
END_TEST

START_TEST(hex_is_exact) {
  static const uint8_t bytes[] = {0x00, 0x7f, 0xff};
  uint8_t back[3];
  char out[7], narrow[6];
  ck_assert_str_eq(cor_hex((cor_bytes){bytes, 3}, out, sizeof out), "007fff");
  ck_assert_str_eq(cor_hex((cor_bytes){bytes, 3}, narrow, sizeof narrow), "007f");
  ck_assert(cor_unhex("007fFF", back, 3));
  ck_assert_mem_eq(back, bytes, 3);
  ck_assert(!cor_unhex("007ff", back, 3));
  ck_assert(!cor_unhex("007fff0", back, 3));
  ck_assert(!cor_unhex("", back, 3));
  ck_assert(!cor_unhex("00 fff", back, 3));
  ck_assert(cor_unhex("", back, 0));
}
END_TEST

static const struct {
  const char *text;
  bool ok;
} offices[] = {
    {"ne-host", true},
    {"ab", true},
    {"a1234567890123456789012345678901", true},
    {"a12345678901234567890123456789012", false},
    {"a", false},
    {"", false},
    {"1a", false},
    {"-a", false},
    {"Ne-host", false},
    {"ne_host", false},
    {"ne host", false},
    {"ne-host\n", false},
    {"n\xc3\xa9", false},
};

START_TEST(office_ids) {
  ck_assert_int_eq(cor_office_valid(offices[_i].text), offices[_i].ok);
}
END_TEST

START_TEST(reference_round_trip) {
  char made[COR_REFERENCE_TEXT], back[COR_REFERENCE_TEXT];
  cor_reference_new(made);
  ck_assert_uint_eq(strlen(made), 22);
  ck_assert(cor_reference_parse(made, back));
  ck_assert_str_eq(made, back);
  cor_code_new(made);
  ck_assert_uint_eq(strlen(made), 12);
  ck_assert(cor_code_parse(made, back));
  ck_assert_str_eq(made, back);
  ck_assert(!cor_reference_parse(made, back));
}
END_TEST

/* Value 1: 1 * 100 mod 97 = 3, and 98 - 3 = 95. Value 0: 98. */
static const struct {
  const char *typed, *normal; /* NULL = refused */
} references[] = {
    {"0000-0000-0000-0001-95", "0000-0000-0000-0001-95"},
    {"k7qm 2x9d pt4h vb3w 34", "K7QM-2X9D-PT4H-VB3W-34"},
    {"000000000000000195", "0000-0000-0000-0001-95"},
    {" oOoO 0000 0000 ooIl - 95 ", NULL},
    {" oOoO 0000 0000 oooL - 95 ", "0000-0000-0000-0001-95"},
    {"0000-0000-0000-0000-98", "0000-0000-0000-0000-98"},
    {"0000-0000-0000-0000-01", NULL}, /* same remainder, other digits */
    {"0000-0000-0000-0001-96", NULL},
    {"0000-0000-0000-0001-9", NULL},
    {"0000-0000-0000-0001-955", NULL},
    {"0000-0000-0000-0001-A5", NULL},
    {"0000-0000-0000-000U-95", NULL},
    {"0000_0000_0000_0001_95", NULL},
    {"0000-0000-0000-0001-95                                            ", NULL},
    {"", NULL},
};

START_TEST(reference_forms) {
  char out[COR_REFERENCE_TEXT];
  bool ok = cor_reference_parse(references[_i].typed, out);
  ck_assert_int_eq(ok, references[_i].normal != NULL);
  ck_assert_str_eq(out, ok ? references[_i].normal : "");
}
END_TEST

START_TEST(reference_detects_slips) {
  char made[COR_REFERENCE_TEXT], slip[COR_REFERENCE_TEXT], out[COR_REFERENCE_TEXT];
  cor_reference_new(made);
  for (size_t i = 0; made[i] != '\0'; i++) {
    if (made[i] == '-') continue;
    for (const char *c = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; *c != '\0'; c++) {
      strcpy(slip, made);
      slip[i] = *c;
      ck_assert_int_eq(cor_reference_parse(slip, out), *c == made[i]);
    }
    size_t next = made[i + 1] == '-' ? i + 2 : i + 1;
    if (made[next] == '\0' || made[next] == made[i]) continue;
    strcpy(slip, made);
    slip[i] = made[next];
    slip[next] = made[i];
    ck_assert_msg(!cor_reference_parse(slip, out), "swap at %zu of %s", i, made);
  }
}
END_TEST

START_TEST(hashes_are_separate) {
  static const char reference[] = "0000-0000-0000-0001-95";
  uint8_t a[COR_HASH_LEN], b[COR_HASH_LEN], c[COR_HASH_LEN], by_hand[COR_HASH_LEN];
  cor_reference_hash(reference, a);
  cor_withdrawal_hash(reference, "0000-0001-95", b);
  cor_withdrawal_hash(reference, "0000-0000-98", c);
  cor_sha256(by_hand,
             &(cor_bytes){(const uint8_t *)"corridor/v1/reference\0"
                                           "0000-0000-0000-0001-95",
                          44},
             1);
  ck_assert_mem_eq(a, by_hand, COR_HASH_LEN);
  ck_assert_mem_ne(a, b, COR_HASH_LEN);
  ck_assert_mem_ne(b, c, COR_HASH_LEN);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void) {
  Suite *suite = suite_create("id");
  TCase *tests = tcase_create("id");
  tcase_add_test(tests, new_id_is_uuid7_of_its_time);
  tcase_add_loop_test(tests, other_versions_are_not_uuid7, 0, ROWS(not_seven));
  tcase_add_loop_test(tests, id_texts, 0, ROWS(ids));
  tcase_add_test(tests, hex_is_exact);
  tcase_add_loop_test(tests, office_ids, 0, ROWS(offices));
  tcase_add_test(tests, reference_round_trip);
  tcase_add_loop_test(tests, reference_forms, 0, ROWS(references));
  tcase_add_loop_test(tests, reference_detects_slips, 0, 10);
  tcase_add_test(tests, hashes_are_separate);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
