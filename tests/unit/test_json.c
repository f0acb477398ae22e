/* test_json.c - JSON both ways: every message of the schema there and back, and
 * for each kind of wrong input the JSON Pointer that must name it. */
#include "corridor/codec.h"
#include "corridor/json.h"
#include "corridor/refusal.h"
#include "schema.h"
#include <check.h>
#include <stdio.h>

#define TYPE(name) (&corridor__v1__##name##__descriptor)

static json_t *parse(const char *text) {
  cor_error err = {0};
  json_t *tree = cor_json_parse((cor_bytes){(const uint8_t *)text, strlen(text)}, &err);
  ck_assert_msg(tree != NULL, "%s: %s %s", text, err.path, err.detail);
  return tree;
}

static ProtobufCMessage *read_text(const ProtobufCMessageDescriptor *type, const char *text) {
  cor_error err = {0};
  json_t *tree = parse(text);
  ProtobufCMessage *message = cor_json_read(type, tree, "/body", &err);
  ck_assert_msg(message != NULL, "%s: %s %s", text, err.path, err.detail);
  json_decref(tree);
  return message;
}

static void assert_same(const ProtobufCMessage *a, const ProtobufCMessage *b) {
  cor_buf x, y;
  cor_error err;
  ck_assert(cor_encode(a, &x, &err) && cor_encode(b, &y, &err));
  ck_assert_msg(cor_bytes_equal(cor_buf_view(&x), cor_buf_view(&y)), "%s", a->descriptor->name);
  cor_buf_clear(&x);
  cor_buf_clear(&y);
}

static void assert_there_and_back(const ProtobufCMessage *message, json_t *json) {
  char *text = json_dumps(json, 0);
  ProtobufCMessage *back = read_text(message->descriptor, text);
  assert_same(message, back);
  cor_message_free(back);
  free(text);
  json_decref(json);
}

START_TEST(test_every_message) {
  ProtobufCMessage *message = filled_message(every_message[_i]);
  assert_there_and_back(message, cor_json_write(message));
  assert_there_and_back(message, cor_json_write_readable(message));
  cor_message_free(message);
}
END_TEST

START_TEST(test_empty_message) {
  ProtobufCMessage *message = read_text(every_message[_i], "{}");
  json_t *json = cor_json_write(message);
  ck_assert_uint_eq(json_object_size(json), 0);
  assert_there_and_back(message, json);
  cor_message_free(message);
}
END_TEST

/* The exact text of one message in both variants. */
START_TEST(test_text) {
  static const char id[] = "00112233445566778899aabbccddeeff";
  char input[256];
  snprintf(input, sizeof input,
           "{\"consent_id\": \"%s\", \"version\": \"2\", \"scopes\": [{\"scope\": \"THIRD_PARTY\","
           "\"categories\": [2, \"TRAVEL\"], \"onward\": true}], \"validFrom\": \"2026-03-02\"}",
           id);
  ProtobufCMessage *message = read_text(TYPE(consent_record), input);
  json_t *plain = cor_json_write(message), *readable = cor_json_write_readable(message);
  char *a = json_dumps(plain, JSON_COMPACT), *b = json_dumps(readable, JSON_COMPACT);
  ck_assert_str_eq(a, "{\"consentId\":\"ABEiM0RVZneImaq7zN3u/w==\",\"version\":2,\"scopes\":[{\"scope\":"
                      "\"THIRD_PARTY\",\"categories\":[\"BIODATA\",\"TRAVEL\"],\"onward\":true}],"
                      "\"validFrom\":\"1772409600000\"}");
  ck_assert_str_eq(b,
                   "{\"consentId\":\"00112233445566778899aabbccddeeff\",\"version\":2,\"scopes\":[{\"scope\":"
                   "\"THIRD_PARTY\",\"categories\":[\"BIODATA\",\"TRAVEL\"],\"onward\":true}],"
                   "\"validFrom\":\"2026-03-02T00:00:00Z\"}");
  free(a);
  free(b);
  json_decref(plain);
  json_decref(readable);
  cor_message_free(message);
}
END_TEST

/* Different spellings of one value. */
static const struct {
  const ProtobufCMessageDescriptor *type;
  const char *one, *other;
} same[] = {
    {TYPE(header), "{\"bodySha256\": \"AA==\"}", "{\"body_sha256\": \"AA\"}"},
    {TYPE(header), "{\"bodySha256\": \"-_-_\"}", "{\"bodySha256\": \"+/+/\"}"},
    {TYPE(header), "{\"handle\": \"00112233445566778899AABBCCDDEEFF\"}",
     "{\"handle\": \"ABEiM0RVZneImaq7zN3u/w\"}"},
    {TYPE(header), "{\"bodySize\": 7}", "{\"bodySize\": \"7\"}"},
    {TYPE(header), "{\"bodySize\": null, \"sentAt\": \"0\"}", "{}"},
    {TYPE(header), "{\"sentAt\": \"2026-03-02T09:00:00Z\"}", "{\"sentAt\": 1772442000000}"},
    {TYPE(header), "{\"sentAt\": \"-1\"}", "{\"sentAt\": -1}"},
    {TYPE(header), "{\"type\": \"CASE_FILE\", \"sender\": \"\"}", "{\"type\": 10}"},
    {TYPE(header), "{\"categories\": []}", "{\"safeguardsMet\": false}"},
    {TYPE(registration), "{\"declaredOn\": \"-2147483648\"}", "{\"declaredOn\": -2147483648}"},
    /* not an id: the same 32 digits are base64 */
    {TYPE(sealed), "{\"content\": \"00112233445566778899aabbccddeeff\"}",
     "{\"content\": \"00112233445566778899aabbccddeeff\", \"sender\": null}"},
};

START_TEST(test_same) {
  ProtobufCMessage *a = read_text(same[_i].type, same[_i].one), *b = read_text(same[_i].type, same[_i].other);
  assert_same(a, b);
  cor_message_free(a);
  cor_message_free(b);
}
END_TEST

START_TEST(test_base64_is_not_hex) {
  ProtobufCMessage *message = read_text(TYPE(sealed), "{\"content\": \"00112233445566778899aabbccddeeff\"}");
  ck_assert_uint_eq(((Corridor__V1__Sealed *)message)->content.len, 24);
  cor_message_free(message);
}
END_TEST

static const struct {
  const ProtobufCMessageDescriptor *type;
  const char *text;
  int code;
  const char *path;
} wrong[] = {
    {TYPE(case_file_casework), "[]", COR_BAD_INPUT, "/body"},
    {TYPE(case_file_casework), "{\"nam\": \"x\"}", COR_BAD_INPUT, "/body/nam"},
    {TYPE(case_file_casework), "{\"a/b~c\": 1}", COR_BAD_INPUT, "/body/a~1b~0c"},
    {TYPE(case_file_casework), "{\"\\u00e8\": 1}", COR_BAD_INPUT, "/body/\xC3\xA8"},
    {TYPE(case_file_casework), "{\"name\": 5}", COR_BAD_INPUT, "/body/name"},
    {TYPE(case_file_casework), "{\"sex\": \"VOT\"}", COR_UNKNOWN_ENUM, "/body/sex"},
    {TYPE(case_file_casework), "{\"sex\": 9}", COR_UNKNOWN_ENUM, "/body/sex"},
    {TYPE(case_file_casework), "{\"sex\": 4294967297}", COR_UNKNOWN_ENUM, "/body/sex"},
    {TYPE(case_file_casework), "{\"sex\": true}", COR_BAD_INPUT, "/body/sex"},
    {TYPE(case_file_casework), "{\"vulnerabilities\": [\"ELDERLY\", \"IDENTIFIED_VOT\"]}", COR_UNKNOWN_ENUM,
     "/body/vulnerabilities/1"},
    {TYPE(case_file_casework), "{\"skills\": \"x\"}", COR_BAD_INPUT, "/body/skills"},
    {TYPE(case_file_casework), "{\"skills\": [\"x\", null]}", COR_BAD_INPUT, "/body/skills/1"},
    {TYPE(case_file_casework), "{\"skills\": [5]}", COR_BAD_INPUT, "/body/skills/0"},
    {TYPE(case_file_casework), "{\"age\": -1}", COR_BAD_INPUT, "/body/age"},
    {TYPE(case_file_casework), "{\"age\": 4294967296}", COR_BAD_INPUT, "/body/age"},
    {TYPE(case_file_casework), "{\"age\": 1.0}", COR_BAD_INPUT, "/body/age"},
    {TYPE(case_file_casework), "{\"age\": \"\"}", COR_BAD_INPUT, "/body/age"},
    {TYPE(case_file_casework), "{\"age\": \" 5\"}", COR_BAD_INPUT, "/body/age"},
    {TYPE(case_file_casework), "{\"age\": \"5x\"}", COR_BAD_INPUT, "/body/age"},
    {TYPE(case_file_casework), "{\"healthProtocolConsent\": 1}", COR_BAD_INPUT,
     "/body/healthProtocolConsent"},
    {TYPE(case_file_casework), "{\"birth_date\": \"a\", \"birthDate\": \"b\"}", COR_BAD_INPUT,
     "/body/birth_date"},
    {TYPE(case_file_casework), "{\"birthDate\": \"a\", \"birth_date\": \"b\"}", COR_BAD_INPUT,
     "/body/birth_date"},
    {TYPE(case_file_casework), "{\"child\": {\"guardianHost\": {\"name\": \"Testina\", \"country\": 7}}}",
     COR_BAD_INPUT, "/body/child/guardianHost/country"},
    {TYPE(case_file_casework), "{\"child\": \"x\"}", COR_BAD_INPUT, "/body/child"},
    {TYPE(case_file_casework), "{\"prior_assistance\": [{}, {\"value_eur\": \"18446744073709551616\"}]}",
     COR_BAD_INPUT, "/body/prior_assistance/1/value_eur"},
    {TYPE(abn), "{\"departsAt\": \"tomorrow\"}", COR_BAD_INPUT, "/body/departsAt"},
    {TYPE(abn), "{\"departsAt\": \"9223372036854775808\"}", COR_BAD_INPUT, "/body/departsAt"},
    {TYPE(abn), "{\"departsAt\": []}", COR_BAD_INPUT, "/body/departsAt"},
    {TYPE(registration), "{\"declaredOn\": 2147483648}", COR_BAD_INPUT, "/body/declaredOn"},
    {TYPE(registration), "{\"declaredOn\": -2147483649}", COR_BAD_INPUT, "/body/declaredOn"},
    {TYPE(registration), "{\"referenceHash\": \"A\"}", COR_BAD_INPUT, "/body/referenceHash"},
    {TYPE(registration), "{\"referenceHash\": \"AB==CD==\"}", COR_BAD_INPUT, "/body/referenceHash"},
    {TYPE(registration), "{\"referenceHash\": \"AB\"}", COR_BAD_INPUT, "/body/referenceHash"},
    {TYPE(registration), "{\"referenceHash\": 5}", COR_BAD_INPUT, "/body/referenceHash"},
    {TYPE(erasure_statement), "{\"messageIds\": [\"AA\", \"*\"]}", COR_BAD_INPUT, "/body/messageIds/1"},
};

START_TEST(test_wrong) {
  cor_error err = {0};
  json_t *tree = parse(wrong[_i].text);
  ck_assert_ptr_null(cor_json_read(wrong[_i].type, tree, "/body", &err));
  ck_assert_msg(err.code == wrong[_i].code, "%s: %d %s", wrong[_i].text, err.code, err.detail);
  ck_assert_str_eq(err.path, wrong[_i].path);
  json_decref(tree);
}
END_TEST

/* What a person wrote about a person is not repeated in an error's text. */
START_TEST(test_no_echo) {
  cor_error err;
  json_t *tree = parse("{\"sex\": \"TESTINA\"}");
  ck_assert_ptr_null(cor_json_read(TYPE(case_file_casework), tree, "", &err));
  ck_assert_str_eq(err.path, "/sex");
  ck_assert_ptr_null(strstr(err.detail, "TESTINA"));
  ck_assert_ptr_nonnull(strstr(err.detail, "FEMALE, MALE, OTHER_SEX"));
  json_decref(tree);
  const char text[] = "{\"name\": \"TESTINA\" \"EXEMPLAR\"}";
  ck_assert_ptr_null(cor_json_parse((cor_bytes){(const uint8_t *)text, sizeof text - 1}, &err));
  ck_assert_ptr_null(strstr(err.detail, "TESTINA"));
  ck_assert_ptr_null(strstr(err.detail, "EXEMPLAR"));
}
END_TEST

/* A NUL can stand in a json_t that did not come through cor_json_parse. */
START_TEST(test_nul_in_tree) {
  cor_error err;
  json_t *tree = json_pack("{s:s%}", "name", "a\0b", (size_t)3);
  ck_assert_ptr_null(cor_json_read(TYPE(case_file_casework), tree, "", &err));
  ck_assert_int_eq(err.code, COR_BAD_ENCODING);
  ck_assert_str_eq(err.path, "/name");
  json_decref(tree);
}
END_TEST

/* A key longer than the path: the path is cut between characters. */
START_TEST(test_long_key) {
  char key[400];
  cor_error err;
  memset(key, 'x', sizeof key);
  memcpy(key + 115, "\xF0\x9F\x9B\x82", 4);
  memcpy(key + 119, "\xF0\x9F\x9B\x82", 4);
  memcpy(key + 123, "\xF0\x9F\x9B\x82", 4);
  key[sizeof key - 1] = '\0';
  json_t *tree = json_object();
  json_object_set_new(tree, key, json_true());
  ck_assert_ptr_null(cor_json_read(TYPE(case_file_casework), tree, "/body", &err));
  ck_assert(cor_utf8_valid((cor_bytes){(const uint8_t *)err.path, strlen(err.path)}));
  ck_assert_uint_eq(strlen(err.path), 125);
  json_decref(tree);
}
END_TEST

static const struct {
  const char *text;
  size_t len; /* 0 = strlen */
  int code;
  const char *path;
} unparsed[] = {
    {"", 0, COR_BAD_INPUT, "1:1"},
    {"{", 0, COR_BAD_INPUT, "1:1"},
    {"{}\n{}", 0, COR_BAD_INPUT, "2:1"},
    {"{\"a\": 1, \"a\": 2}", 0, COR_BAD_INPUT, "1:12"},
    {"{\"a\": \"\\u0000\"}", 0, COR_BAD_ENCODING, "1:14"},
    {"{\"a\\u0000\": 1}", 0, COR_BAD_ENCODING, "1:10"},
    {"{\"a\": \"\xff\"}", 0, COR_BAD_ENCODING, "1:7"},
    {"{\"a\": 99999999999999999999}", 0, COR_BAD_INPUT, "1:26"},
    {"{\"a\":\n  x}", 0, COR_BAD_INPUT, "2:3"},
    {"{\"a\": 1}\0", 9, COR_BAD_INPUT, "1:9"},
    {"[[[[[[[[[[[[[[[[\n[1]]]]]]]]]]]]]]]]]", 0, COR_BAD_INPUT, "2:1"},
    {"{\"\\\"\": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", 0, COR_BAD_INPUT, "1:23"},
};

START_TEST(test_parse_wrong) {
  cor_error err = {0};
  const char *text = unparsed[_i].text;
  size_t len = unparsed[_i].len > 0 ? unparsed[_i].len : strlen(text);
  ck_assert_ptr_null(cor_json_parse((cor_bytes){(const uint8_t *)text, len}, &err));
  ck_assert_msg(err.code == unparsed[_i].code, "%s: %d %s", text, err.code, err.detail);
  ck_assert_msg(strcmp(err.path, unparsed[_i].path) == 0, "%s: %s (%s)", text, err.path, err.detail);
}
END_TEST

/* Brackets inside of a text do not nest. */
START_TEST(test_parse_brackets) {
  json_decref(parse("{\"a\": \"[[[[[[[[[[[[[[[[[[[[\\\"[[[[\", \"b\": [[[]]]}"));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("json");
  TCase *tc = tcase_create("json");
  tcase_add_loop_test(tc, test_every_message, 0, EVERY_MESSAGE);
  tcase_add_loop_test(tc, test_empty_message, 0, EVERY_MESSAGE);
  tcase_add_test(tc, test_text);
  tcase_add_loop_test(tc, test_same, 0, (int)(sizeof same / sizeof same[0]));
  tcase_add_test(tc, test_base64_is_not_hex);
  tcase_add_loop_test(tc, test_wrong, 0, (int)(sizeof wrong / sizeof wrong[0]));
  tcase_add_test(tc, test_no_echo);
  tcase_add_test(tc, test_nul_in_tree);
  tcase_add_test(tc, test_long_key);
  tcase_add_loop_test(tc, test_parse_wrong, 0, (int)(sizeof unparsed / sizeof unparsed[0]));
  tcase_add_test(tc, test_parse_brackets);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
