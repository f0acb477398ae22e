/* test_codec.c - hostile and honest bytes against the codec.
 *
 * Tables of hand-made wire bytes, each with the refusal it must get and the
 * field that must be named; then every bit flip and truncation of a good header;
 * then every message of the schema there and back. */
#include "corridor/codec.h"
#include "corridor/id.h"
#include "corridor/refusal.h"
#include "schema.h"
#include <check.h>
#include <dirent.h>
#include <stdio.h>

#define TYPE(name) (&corridor__v1__##name##__descriptor)

/* Message types the schema does not have: one that holds itself, with a gap in
 * its numbers. */
typedef struct nest {
  ProtobufCMessage base;
  struct nest *child;
  uint32_t tail;
} nest;
static const ProtobufCMessageDescriptor nest_type;
static const ProtobufCFieldDescriptor nest_fields[] = {
    {"child", 1, PROTOBUF_C_LABEL_NONE, PROTOBUF_C_TYPE_MESSAGE, 0, offsetof(nest, child), &nest_type, NULL,
     0, 0, NULL, NULL},
    {"tail", 3, PROTOBUF_C_LABEL_NONE, PROTOBUF_C_TYPE_UINT32, 0, offsetof(nest, tail), NULL, NULL, 0, 0,
     NULL, NULL},
};
static const unsigned nest_by_name[] = {0, 1};
static const ProtobufCIntRange nest_ranges[] = {{1, 0}, {3, 1}, {0, 2}};
static const ProtobufCMessageDescriptor nest_type = {PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
                                                     "nest",
                                                     "nest",
                                                     "nest",
                                                     "",
                                                     sizeof(nest),
                                                     2,
                                                     nest_fields,
                                                     nest_by_name,
                                                     2,
                                                     nest_ranges,
                                                     NULL,
                                                     NULL,
                                                     NULL,
                                                     NULL};

static size_t from_hex(const char *hex, uint8_t *out) {
  ck_assert(cor_unhex(hex, out, strlen(hex) / 2));
  return strlen(hex) / 2;
}

/* Refusal = {1: uint32 code, 2: bool retry, 3: string field}. */
static const struct {
  const char *why;
  const ProtobufCMessageDescriptor *type;
  const char *hex;
  int canonical, loose; /* the refusal in each mode */
  const char *path;
} cases[] = {
    {"empty", TYPE(refusal), "", 0, 0, ""},
    {"good", TYPE(refusal), "080b10011a0161", 0, 0, ""},
    {"default number", TYPE(refusal), "0800", COR_BAD_ENCODING, 0, "code"},
    {"default bool", TYPE(refusal), "1000", COR_BAD_ENCODING, 0, "retry"},
    {"default text", TYPE(refusal), "1a00", COR_BAD_ENCODING, 0, "field"},
    {"default enum", TYPE(consent_withdrawal), "0800", COR_BAD_ENCODING, 0, "extent"},
    {"default bytes", TYPE(consent_withdrawal), "1200", COR_BAD_ENCODING, 0, "consent_id"},
    {"out of order", TYPE(refusal), "1001080b", COR_BAD_ENCODING, 0, "code"},
    {"twice", TYPE(refusal), "080b080b", COR_BAD_ENCODING, COR_BAD_ENCODING, "code"},
    {"message twice", TYPE(submission), "12001200", COR_BAD_ENCODING, COR_BAD_ENCODING, "envelope"},
    {"overlong value", TYPE(refusal), "088b00", COR_BAD_ENCODING, COR_BAD_ENCODING, "code"},
    {"overlong tag", TYPE(refusal), "88000b", COR_BAD_ENCODING, COR_BAD_ENCODING, ""},
    {"overlong length", TYPE(refusal), "1a810061", COR_BAD_ENCODING, COR_BAD_ENCODING, "field"},
    {"66 bits", TYPE(ping), "08ffffffffffffffffff03", COR_BAD_ENCODING, COR_BAD_ENCODING, "n"},
    {"11 bytes", TYPE(ping), "08ffffffffffffffffffff01", COR_BAD_ENCODING, COR_BAD_ENCODING, "n"},
    {"64 bits", TYPE(ping), "08ffffffffffffffffff01", 0, 0, ""},
    {"33 bits in uint32", TYPE(refusal), "088080808010", COR_BAD_ENCODING, COR_BAD_ENCODING, "code"},
    {"int32 not sign-extended", TYPE(registration), "30ffffffff0f", COR_BAD_ENCODING, COR_BAD_ENCODING,
     "declared_on"},
    {"int32 negative", TYPE(registration), "30ffffffffffffffffff01", 0, 0, ""},
    {"cut value", TYPE(refusal), "088b", COR_BAD_ENCODING, COR_BAD_ENCODING, "code"},
    {"cut tag", TYPE(refusal), "080b80", COR_BAD_ENCODING, COR_BAD_ENCODING, ""},
    {"no value", TYPE(refusal), "08", COR_BAD_ENCODING, COR_BAD_ENCODING, "code"},
    {"length past the end", TYPE(refusal), "1a0261", COR_BAD_ENCODING, COR_BAD_ENCODING, "field"},
    {"length of 2^64-1", TYPE(refusal), "1affffffffffffffffff0161", COR_BAD_ENCODING, COR_BAD_ENCODING,
     "field"},
    {"bool 2", TYPE(refusal), "1002", COR_BAD_ENCODING, COR_BAD_ENCODING, "retry"},
    {"NUL", TYPE(refusal), "1a0100", COR_BAD_ENCODING, COR_BAD_ENCODING, "field"},
    {"NUL inside", TYPE(refusal), "1a03610062", COR_BAD_ENCODING, COR_BAD_ENCODING, "field"},
    {"not UTF-8", TYPE(refusal), "1a01ff", COR_BAD_ENCODING, COR_BAD_ENCODING, "field"},
    {"field number 0", TYPE(refusal), "0001", COR_BAD_ENCODING, COR_BAD_ENCODING, ""},
    {"field number 2^29", TYPE(refusal), "808080801001", COR_BAD_ENCODING, COR_BAD_ENCODING, ""},
    {"group for a known field", TYPE(refusal), "0b0c", COR_BAD_ENCODING, COR_BAD_ENCODING, "code"},
    {"group", TYPE(refusal), "2324", COR_BAD_ENCODING, COR_BAD_ENCODING, ""},
    {"end of a group", TYPE(refusal), "24", COR_BAD_ENCODING, COR_BAD_ENCODING, ""},
    {"wire type 6", TYPE(refusal), "26", COR_BAD_ENCODING, COR_BAD_ENCODING, ""},
    {"number as text", TYPE(refusal), "0a0101", COR_BAD_ENCODING, COR_BAD_ENCODING, "code"},
    {"text as number", TYPE(refusal), "1801", COR_BAD_ENCODING, COR_BAD_ENCODING, "field"},
    {"fixed32", TYPE(refusal), "0d01000000", COR_BAD_ENCODING, COR_BAD_ENCODING, "code"},
    {"unknown fields", TYPE(refusal), "080b200129010203040506070832026869", 0, 0, ""},
    {"unknown field twice", TYPE(refusal), "20012002", 0, 0, ""},
    {"unknown descends", TYPE(refusal), "28012001", COR_BAD_ENCODING, 0, ""},
    {"unknown before known", TYPE(refusal), "2001080b", COR_BAD_ENCODING, 0, "code"},
    {"unknown cut", TYPE(refusal), "22ff01", COR_BAD_ENCODING, COR_BAD_ENCODING, ""},
    {"unknown cut, 32 bit", TYPE(refusal), "25010203", COR_BAD_ENCODING, COR_BAD_ENCODING, ""},
    {"unknown cut, 64 bit", TYPE(refusal), "2101020304050607", COR_BAD_ENCODING, COR_BAD_ENCODING, ""},
    {"unknown overlong", TYPE(refusal), "208100", COR_BAD_ENCODING, COR_BAD_ENCODING, ""},
    {"unknown in the known range", &nest_type, "1001", COR_BAD_ENCODING, COR_BAD_ENCODING, ""},
    {"unknown type", TYPE(header), "3863", COR_UNKNOWN_ENUM, COR_UNKNOWN_ENUM, "type"},
    {"negative enum", TYPE(header), "38ffffffffffffffffff01", COR_UNKNOWN_ENUM, COR_UNKNOWN_ENUM, "type"},
    {"enum + 2^32", TYPE(header), "388180808010", COR_UNKNOWN_ENUM, COR_UNKNOWN_ENUM, "type"},
    {"unknown category", TYPE(header), "4a020163", COR_UNKNOWN_ENUM, COR_UNKNOWN_ENUM, "categories[1]"},
    {"inside a list", TYPE(consent_record), "1a0208011a020863", COR_UNKNOWN_ENUM, COR_UNKNOWN_ENUM,
     "scopes[1].scope"},
    {"inside a message", TYPE(header), "aa01020800", COR_BAD_ENCODING, 0, "checkpoint.tree_size"},
    {"not packed", TYPE(hello), "0801", COR_BAD_ENCODING, 0, "versions[0]"},
    {"empty list", TYPE(hello), "0a00", COR_BAD_ENCODING, 0, "versions[0]"},
    {"split list", TYPE(hello), "0a01010a0102", COR_BAD_ENCODING, 0, "versions[0]"},
    {"list cut", TYPE(hello), "0a020181", COR_BAD_ENCODING, COR_BAD_ENCODING, "versions[1]"},
    {"empty message", TYPE(header), "aa0100", 0, 0, ""},
};

/* Decodes; a canonical success must encode to the same bytes. Returns the code. */
static int decode_code(const ProtobufCMessageDescriptor *type, cor_bytes in, bool canonical, cor_error *err) {
  ProtobufCMessage *message = cor_decode(type, in, COR_HEADER_MAX, canonical, err);
  cor_buf again;
  cor_error ignored;
  if (message == NULL) return err->code;
  ck_assert(cor_encode(message, &again, &ignored));
  if (canonical) {
    ck_assert_uint_eq(again.len, in.len);
    ck_assert_int_eq(memcmp(again.data, in.data, in.len), 0);
  }
  cor_buf_clear(&again);
  cor_message_free(message);
  return 0;
}

START_TEST(test_wire_cases) {
  uint8_t bytes[64];
  size_t len = from_hex(cases[_i].hex, bytes);
  for (int canonical = 0; canonical <= 1; canonical++) {
    cor_error err = {0};
    int want = canonical ? cases[_i].canonical : cases[_i].loose;
    int got = decode_code(cases[_i].type, (cor_bytes){bytes, len}, canonical != 0, &err);
    ck_assert_msg(got == want, "%s, canonical %d: %d, wanted %d", cases[_i].why, canonical, got, want);
    ck_assert_msg(got == 0 || strcmp(err.path, cases[_i].path) == 0, "%s: %s", cases[_i].why, err.path);
  }
}
END_TEST

/* Wraps len bytes at out + 16 .. in levels of field 1, outermost last. */
static size_t nested(size_t levels, uint8_t *out, size_t size) {
  size_t at = size;
  for (size_t i = 0; i < levels; i++) {
    size_t len = size - at;
    uint8_t head[12] = {0x0a};
    size_t n = 1;
    for (; len >= 0x80; len >>= 7)
      head[n++] = (uint8_t)(len | 0x80);
    head[n++] = (uint8_t)len;
    at -= n;
    memcpy(out + at, head, n);
  }
  memmove(out, out + at, size - at);
  return size - at;
}

START_TEST(test_depth) {
  static const struct {
    size_t levels;
    int code;
  } rows[] = {{3, 0}, {4, COR_TOO_LARGE}, {5, COR_TOO_LARGE}, {10000, COR_TOO_LARGE}};
  static uint8_t bytes[64 * 1024];
  cor_error err;
  size_t len = nested(rows[_i].levels, bytes, sizeof bytes);
  ProtobufCMessage *message = cor_decode(&nest_type, (cor_bytes){bytes, len}, sizeof bytes, true, &err);
  ck_assert(rows[_i].code == 0 ? message != NULL : message == NULL && err.code == rows[_i].code);
  if (message == NULL) ck_assert_str_eq(err.path, "child.child.child.child");
  cor_message_free(message);
}
END_TEST

/* 1 MiB that would become 56 and more: stopped by the count, and by memory alone. */
START_TEST(test_empty_messages) {
  enum { SIZE = 1024 * 1024 };
  uint8_t *bytes = malloc(SIZE);
  cor_error err;
  for (size_t i = 0; i < SIZE; i += 2)
    bytes[i] = 0x0a, bytes[i + 1] = 0;
  ck_assert_ptr_null(cor_decode(TYPE(results), (cor_bytes){bytes, SIZE}, SIZE, false, &err));
  ck_assert_int_eq(err.code, COR_TOO_LARGE);
  ck_assert_ptr_null(cor_decode_large(TYPE(results), (cor_bytes){bytes, SIZE}, SIZE, SIZE, &err));
  ck_assert_int_eq(err.code, COR_TOO_LARGE);
  free(bytes);
}
END_TEST

START_TEST(test_bounds) {
  uint8_t bytes[COR_HEADER_MAX];
  cor_error err;
  memset(bytes, 1, sizeof bytes);
  ck_assert_ptr_null(cor_decode(TYPE(hello), (cor_bytes){bytes, 11}, 10, true, &err));
  ck_assert_int_eq(err.code, COR_TOO_LARGE);
  /* Packed elements count as fields: 4095 and the field itself, then one more. */
  const struct {
    uint8_t low;
    int code;
  } packed[] = {{0xff, 0}, {0x80, COR_TOO_LARGE}};
  for (size_t i = 0; i < 2; i++) {
    const uint8_t head[3] = {0x0a, packed[i].low, i == 0 ? 0x1f : 0x20};
    size_t n = i == 0 ? 4095 : 4096;
    memcpy(bytes, head, sizeof head);
    ck_assert_int_eq(decode_code(TYPE(hello), (cor_bytes){bytes, 3 + n}, true, &err), packed[i].code);
  }
  /* Unknown bytes: 1024 with tag and length, then one more. */
  for (size_t extra = 0; extra <= 1; extra++) {
    size_t n = COR_UNKNOWN_MAX - 3 + extra;
    const uint8_t head[3] = {0x22, (uint8_t)(n | 0x80), (uint8_t)(n >> 7)};
    memcpy(bytes, head, sizeof head);
    int code = decode_code(TYPE(refusal), (cor_bytes){bytes, 3 + n}, true, &err);
    ck_assert_int_eq(code, extra == 0 ? 0 : COR_TOO_LARGE);
  }
}
END_TEST

/* A header as an office would send it, and its bytes. */
static cor_buf sample_header(void) {
  uint8_t id[16] = {1, 2, 3}, digest[32] = {9};
  Corridor__V1__DataCategory categories[] = {CORRIDOR__V1__DATA_CATEGORY__BIODATA,
                                             CORRIDOR__V1__DATA_CATEGORY__TRAVEL};
  Corridor__V1__Checkpoint seen = CORRIDOR__V1__CHECKPOINT__INIT;
  Corridor__V1__Header h = CORRIDOR__V1__HEADER__INIT;
  cor_buf out;
  cor_error err;
  seen.tree_size = 300;
  seen.root = (ProtobufCBinaryData){sizeof digest, digest};
  h.version = 1;
  h.message_id = h.handle = h.consent_id = (ProtobufCBinaryData){sizeof id, id};
  h.sender = (char *)(uintptr_t) "niamey";
  h.recipient = (char *)(uintptr_t) "conakry";
  h.compartment = CORRIDOR__V1__COMPARTMENT__CASEWORK;
  h.type = CORRIDOR__V1__MESSAGE_TYPE__CASE_FILE;
  h.n_categories = 2;
  h.categories = categories;
  h.sent_at = INT64_C(1772442000123);
  h.safeguards_met = 1;
  h.body_size = 4096;
  h.body_sha256 = (ProtobufCBinaryData){sizeof digest, digest};
  h.checkpoint = &seen;
  ck_assert(cor_encode(&h.base, &out, &err));
  return out;
}

START_TEST(test_every_flip) {
  cor_buf good = sample_header();
  cor_error err;
  size_t refused = 0;
  ck_assert_int_eq(decode_code(TYPE(header), cor_buf_view(&good), true, &err), 0);
  for (size_t i = 0; i < good.len; i++)
    for (unsigned flip = 1; flip < 256; flip++) {
      good.data[i] ^= (uint8_t)flip;
      refused += decode_code(TYPE(header), cor_buf_view(&good), true, &err) != 0;
      (void)decode_code(TYPE(header), cor_buf_view(&good), false, &err);
      good.data[i] ^= (uint8_t)flip;
    }
  ck_assert_uint_gt(refused, 0);
  cor_buf_clear(&good);
}
END_TEST

START_TEST(test_every_truncation) {
  cor_buf good = sample_header();
  cor_error err;
  size_t whole = 0; /* cuts between two fields leave a shorter message */
  for (size_t len = 0; len < good.len; len++) {
    uint8_t *exact = malloc(len + 1); /* so that a read past the end is seen */
    uint8_t *tight = realloc(exact, len > 0 ? len : 1);
    memcpy(tight, good.data, len);
    whole += decode_code(TYPE(header), (cor_bytes){tight, len}, true, &err) == 0;
    (void)decode_code(TYPE(header), (cor_bytes){tight, len}, false, &err);
    free(tight);
  }
  ck_assert_uint_eq(whole, 14); /* one before each of the fields set */
  cor_buf_clear(&good);
}
END_TEST

static const struct {
  const char *hex;
  bool valid;
} texts[] = {
    {"", true},         {"41", true},        {"7f", true},       {"00", false},          {"80", false},
    {"c280", true},     {"c080", false},     {"c1bf", false},    {"c2", false},          {"c241", false},
    {"dfbf", true},     {"e0a080", true},    {"e09fbf", false},  {"ed9fbf", true},       {"eda080", false},
    {"edbfbf", false},  {"ee8080", true},    {"efbfbf", true},   {"efbf", false},        {"efbf41", false},
    {"f0908080", true}, {"f08fbfbf", false}, {"f48fbfbf", true}, {"f4908080", false},    {"f5808080", false},
    {"f09f9b", false},  {"f09f9b82", true},  {"ff", false},      {"41f09f9b8241", true},
};

START_TEST(test_utf8) {
  uint8_t bytes[16];
  size_t len = from_hex(texts[_i].hex, bytes);
  ck_assert_msg(cor_utf8_valid((cor_bytes){bytes, len}) == texts[_i].valid, "%s", texts[_i].hex);
}
END_TEST

START_TEST(test_every_message) {
  const ProtobufCMessageDescriptor *type = every_message[_i];
  ProtobufCMessage *message = filled_message(type);
  cor_buf bytes;
  cor_error err = {0};
  ck_assert(cor_encode(message, &bytes, &err));
  ck_assert_msg(decode_code(type, cor_buf_view(&bytes), true, &err) == 0, "%s: %s %s", type->name, err.path,
                err.detail);
  cor_buf_clear(&bytes);
  cor_message_free(message);
  ck_assert_uint_le(type->n_fields, 64); /* the pre-scan has a bit for each */
}
END_TEST

/* The list in schema.h against the .proto files beside this source. */
START_TEST(test_schema_complete) {
  char dir[512], path[1024], line[256];
  size_t found = 0;
  const char *end = strstr(__FILE__, "tests/unit/");
  ck_assert_ptr_nonnull(end);
  snprintf(dir, sizeof dir, "%.*sproto/corridor/v1", (int)(end - __FILE__), __FILE__);
  DIR *protos = opendir(dir);
  ck_assert_ptr_nonnull(protos);
  for (struct dirent *entry; (entry = readdir(protos)) != NULL;) {
    if (strstr(entry->d_name, ".proto") == NULL) continue;
    snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL)
      found += strncmp(line, "message ", 8) == 0;
    fclose(file);
  }
  closedir(protos);
  ck_assert_uint_eq(found, EVERY_MESSAGE);
}
END_TEST

START_TEST(test_free_null) {
  cor_message_free(NULL);
  Corridor__V1__Abn *sparse = malloc(sizeof *sparse); /* hand-built, nothing set */
  corridor__v1__abn__init(sparse);
  cor_message_free(&sparse->base);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("codec");
  TCase *tc = tcase_create("codec");
  tcase_set_timeout(tc, 60);
  tcase_add_loop_test(tc, test_wire_cases, 0, (int)(sizeof cases / sizeof cases[0]));
  tcase_add_loop_test(tc, test_depth, 0, 4);
  tcase_add_test(tc, test_empty_messages);
  tcase_add_test(tc, test_bounds);
  tcase_add_test(tc, test_every_flip);
  tcase_add_test(tc, test_every_truncation);
  tcase_add_loop_test(tc, test_utf8, 0, (int)(sizeof texts / sizeof texts[0]));
  tcase_add_loop_test(tc, test_every_message, 0, EVERY_MESSAGE);
  tcase_add_test(tc, test_schema_complete);
  tcase_add_test(tc, test_free_null);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
