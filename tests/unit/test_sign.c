/* test_sign.c - Merkle trees against published vectors, signatures against every
 * kind of alteration, and the memory that makes one check cover a batch. */
#include "corridor/ca.h"
#include "corridor/codec.h"
#include "corridor/id.h"
#include "corridor/refusal.h"
#include "corridor/sign.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { VECTORS = 8, BATCH = 13 };

/* Certificate Transparency's reference inputs and roots for 0 to 8 of them
 * (RFC 6962 and RFC 9162 build the same tree). */
static const char *const inputs[VECTORS] = {
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
};
static const char *const roots[VECTORS + 1] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static const uint8_t (*vector_leaves(void))[COR_HASH_LEN] {
  static uint8_t leaves[VECTORS][COR_HASH_LEN];
  static const uint8_t zero = 0;
  for (size_t i = 0; i < VECTORS; i++) {
    uint8_t raw[16];
    size_t len = strlen(inputs[i]) / 2;
    ck_assert(cor_unhex(inputs[i], raw, len));
    const cor_bytes pieces[] = {{&zero, 1}, {raw, len}};
    cor_sha256(leaves[i], pieces, 2);
  }
  return (const uint8_t(*)[COR_HASH_LEN])leaves;
}

START_TEST(test_roots) {
  uint8_t root[COR_HASH_LEN];
  char hex[COR_HEX64_TEXT];
  cor_merkle_root(vector_leaves(), (size_t)_i, root);
  ck_assert_str_eq(cor_hex((cor_bytes){root, sizeof root}, hex, sizeof hex), roots[_i]);
}
END_TEST

/* Paths of the eight-leaf tree of RFC 9162 2.1.5's shape, and every path of every
 * size up to 70 leads to the root and to no other. */
START_TEST(test_paths) {
  static uint8_t leaves[70][COR_HASH_LEN];
  size_t n = (size_t)_i;
  uint8_t root[COR_HASH_LEN], got[COR_HASH_LEN], path[32][COR_HASH_LEN];
  cor_bytes view[33];
  for (size_t i = 0; i < n; i++)
    leaves[i][0] = (uint8_t)i;
  const uint8_t(*all)[COR_HASH_LEN] = (const uint8_t(*)[COR_HASH_LEN])leaves;
  cor_merkle_root(all, n, root);
  for (size_t i = 0; i < n; i++) {
    size_t len = cor_merkle_path(all, n, i, path);
    for (size_t k = 0; k < 33; k++)
      view[k] = (cor_bytes){k < len ? path[k] : root, COR_HASH_LEN};
    ck_assert(cor_merkle_root_from_path(leaves[i], i, n, view, len, got));
    ck_assert_mem_eq(got, root, sizeof root);
    ck_assert(!cor_merkle_root_from_path(leaves[i], i, n, view, len + 1, got)); /* too long */
    ck_assert(len == 0 || !cor_merkle_root_from_path(leaves[i], i, n, view, len - 1, got));
    ck_assert(!cor_merkle_root_from_path(leaves[i], n, n, view, len, got)); /* no such index */
    ck_assert(!cor_merkle_root_from_path(leaves[i], i, 0, view, len, got));
    if (len == 0) continue;
    view[len - 1].len--;
    ck_assert(!cor_merkle_root_from_path(leaves[i], i, n, view, len, got));
  }
}
END_TEST

START_TEST(test_path_vector) {
  uint8_t path[32][COR_HASH_LEN];
  char hex[COR_HEX64_TEXT];
  ck_assert_uint_eq(cor_merkle_path(vector_leaves(), 7, 6, path), 2); /* the lone leaf, promoted */
  ck_assert_str_eq(cor_hex((cor_bytes){path[1], COR_HASH_LEN}, hex, sizeof hex), roots[4]);
  ck_assert_uint_eq(cor_merkle_path(vector_leaves(), 8, 0, path), 3);
  ck_assert_mem_eq(path[0], vector_leaves()[1], COR_HASH_LEN);
}
END_TEST

typedef struct batch {
  EVP_PKEY *key;
  uint8_t text[BATCH][4];
  cor_bytes contents[BATCH];
  Corridor__V1__Signature *signatures[BATCH];
  size_t n;
} batch;

static batch signed_batch(size_t n) {
  cor_error err;
  batch b = {.key = cor_key_new(&err), .n = n};
  ck_assert_ptr_nonnull(b.key);
  for (size_t i = 0; i < n; i++)
    memset(b.text[i], (int)i, sizeof b.text[i]);
  return b;
}

static void sign_all(batch *b) {
  cor_error err;
  for (size_t i = 0; i < b->n; i++)
    b->contents[i] = (cor_bytes){b->text[i], sizeof b->text[i]};
  ck_assert(cor_sign(b->key, COR_DOMAIN_HEADER, "niamey", 3, b->contents, b->n, b->signatures, &err));
}

static void clear_batch(batch *b) {
  for (size_t i = 0; i < b->n; i++)
    cor_message_free(&b->signatures[i]->base);
  EVP_PKEY_free(b->key);
}

static bool verifies(const batch *b, size_t i, cor_sign_memory *memory) {
  cor_error err = {0};
  bool ok = cor_verify(b->key, COR_DOMAIN_HEADER, "niamey", 3, b->contents[i], b->signatures[i], memory,
                       &err);
  ck_assert(ok || err.code == COR_BAD_SIGNATURE);
  return ok;
}

START_TEST(test_batch_sizes) {
  batch b = signed_batch((size_t)_i);
  sign_all(&b);
  cor_sign_memory *memory = cor_sign_memory_new(4);
  for (size_t i = 0; i < b.n; i++) {
    ck_assert_uint_eq(b.signatures[i]->size, b.n);
    ck_assert_uint_eq(b.signatures[i]->index, i);
    ck_assert_uint_eq(b.signatures[i]->n_path == 0, b.n == 1);
    ck_assert(verifies(&b, i, memory));
    ck_assert(verifies(&b, i, NULL));
  }
  ck_assert_uint_eq(cor_sign_memory_checks(memory), 1);
  cor_sign_memory_destroy(&memory);
  ck_assert_ptr_null(memory);
  clear_batch(&b);
}
END_TEST

/* What is signed, by PROTOCOL 5, put together here by hand; niamey, compartment 3. */
enum { DOMAIN_LEN = sizeof COR_DOMAIN_HEADER, INPUT_LEN = DOMAIN_LEN + 1 + 6 + 1 + 4 + COR_HASH_LEN };
static void input_by_hand(uint32_t size, const uint8_t root[COR_HASH_LEN], uint8_t out[INPUT_LEN]) {
  const uint8_t middle[] = {6, 'n', 'i', 'a', 'm', 'e', 'y', 3, 0, 0, (uint8_t)(size >> 8), (uint8_t)size};
  memcpy(out, COR_DOMAIN_HEADER, DOMAIN_LEN);
  memcpy(out + DOMAIN_LEN, middle, sizeof middle);
  memcpy(out + DOMAIN_LEN + sizeof middle, root, COR_HASH_LEN);
}

static void leaf_by_hand(cor_bytes content, uint8_t out[COR_HASH_LEN]) {
  static const uint8_t zero = 0;
  const cor_bytes inner[] = {{(const uint8_t *)COR_DOMAIN_HEADER, DOMAIN_LEN}, content};
  cor_sha256(out, inner, 2);
  const cor_bytes leaf[] = {{&zero, 1}, {out, COR_HASH_LEN}};
  cor_sha256(out, leaf, 2);
}

START_TEST(test_signed_bytes) {
  batch b = signed_batch(1);
  uint8_t leaf[COR_HASH_LEN], input[INPUT_LEN];
  sign_all(&b);
  leaf_by_hand(b.contents[0], leaf);
  input_by_hand(1, leaf, input);
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  ck_assert_int_eq(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, b.key), 1);
  const ProtobufCBinaryData *ecdsa = &b.signatures[0]->ecdsa;
  ck_assert_int_eq(EVP_DigestVerify(ctx, ecdsa->data, ecdsa->len, input, sizeof input), 1);
  EVP_MD_CTX_free(ctx);
  clear_batch(&b);
}
END_TEST

/* The last leaf of a batch has a path of one when all others fill a perfect tree:
 * right at the limit of sizes, and one past it, each under a true signature. */
START_TEST(test_size_limit) {
  static const uint32_t sizes[] = {2049, COR_BATCH_MAX + 1};
  batch b = signed_batch(1);
  cor_error err;
  uint8_t hashes[2][COR_HASH_LEN] = {{5}}, root[COR_HASH_LEN], input[INPUT_LEN], ecdsa[COR_ECDSA_MAX];
  size_t len = sizeof ecdsa;
  ProtobufCBinaryData path = {COR_HASH_LEN, hashes[0]};
  Corridor__V1__Signature s = CORRIDOR__V1__SIGNATURE__INIT;
  b.contents[0] = (cor_bytes){b.text[0], sizeof b.text[0]};
  leaf_by_hand(b.contents[0], hashes[1]);
  cor_merkle_root((const uint8_t(*)[COR_HASH_LEN])hashes, 2, root);
  input_by_hand(sizes[_i], root, input);
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  ck_assert_int_eq(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, b.key), 1);
  ck_assert_int_eq(EVP_DigestSign(ctx, ecdsa, &len, input, sizeof input), 1);
  EVP_MD_CTX_free(ctx);
  s.size = sizes[_i];
  s.index = s.size - 1;
  s.n_path = 1;
  s.path = &path;
  s.ecdsa = (ProtobufCBinaryData){len, ecdsa};
  ck_assert(cor_verify(b.key, COR_DOMAIN_HEADER, "niamey", 3, b.contents[0], &s, NULL, &err) == (_i == 0));
  EVP_PKEY_free(b.key);
}
END_TEST

START_TEST(test_other_claims) {
  batch b = signed_batch(5);
  cor_error err;
  sign_all(&b);
  cor_sign_memory *memory = cor_sign_memory_new(4);
  EVP_PKEY *other = cor_key_new(&err);
  static const struct {
    const char *domain, *signer;
    uint8_t context;
  } claims[] = {{COR_DOMAIN_COVER, "niamey", 3},
                {COR_DOMAIN_HEADER, "conakry", 3},
                {COR_DOMAIN_HEADER, "niamey", 4},
                {COR_DOMAIN_HEADER, "", 3},
                {COR_DOMAIN_HEADER, "an-office-name-of-thirty-three-chr", 3}};
  ck_assert(verifies(&b, 2, memory)); /* a remembered root must not help any of these */
  for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++)
    for (int with = 0; with <= 1; with++) {
      ck_assert(!cor_verify(b.key, claims[i].domain, claims[i].signer, claims[i].context, b.contents[2],
                            b.signatures[2], with ? memory : NULL, &err));
      ck_assert_int_eq(err.code, COR_BAD_SIGNATURE);
    }
  ck_assert(!cor_verify(other, COR_DOMAIN_HEADER, "niamey", 3, b.contents[2], b.signatures[2], memory, &err));
  ck_assert(!cor_verify(b.key, COR_DOMAIN_HEADER, "niamey", 3, b.contents[1], b.signatures[2], memory, &err));
  ck_assert(!cor_verify(b.key, COR_DOMAIN_HEADER, "niamey", 3, b.contents[2], NULL, memory, &err));
  ck_assert(!cor_verify(NULL, COR_DOMAIN_HEADER, "niamey", 3, b.contents[2], b.signatures[2], memory, &err));
  EVP_PKEY_free(other);
  cor_sign_memory_destroy(&memory);
  clear_batch(&b);
}
END_TEST

/* Every bit of content and signature, with the memory warm and without one. */
START_TEST(test_tampered) {
  batch b = signed_batch(_i == 0 ? 1 : 5);
  sign_all(&b);
  cor_sign_memory *memory = cor_sign_memory_new(4);
  size_t at = b.n - 1;
  Corridor__V1__Signature *s = b.signatures[at];
  struct {
    uint8_t *data;
    size_t len;
  } parts[8] = {{b.text[at], sizeof b.text[at]}, {s->ecdsa.data, s->ecdsa.len}};
  size_t n_parts = 2;
  for (size_t i = 0; i < s->n_path; i++, n_parts++) {
    parts[n_parts].data = s->path[i].data;
    parts[n_parts].len = s->path[i].len;
  }
  ck_assert(verifies(&b, at, memory));
  for (size_t p = 0; p < n_parts; p++)
    for (size_t i = 0; i < parts[p].len * 8; i++) {
      parts[p].data[i / 8] ^= (uint8_t)(1 << i % 8);
      ck_assert(!verifies(&b, at, memory));
      ck_assert(!verifies(&b, at, NULL));
      parts[p].data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
  ck_assert(verifies(&b, at, memory));
  cor_sign_memory_destroy(&memory);
  clear_batch(&b);
}
END_TEST

START_TEST(test_malformed) {
  batch b = signed_batch(5);
  sign_all(&b);
  Corridor__V1__Signature *s = b.signatures[2], good = *s;
  static const uint32_t sizes[] = {0, 1, 4, 6, 8, COR_BATCH_MAX, COR_BATCH_MAX + 1, UINT32_MAX};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    s->size = sizes[i];
    ck_assert(!verifies(&b, 2, NULL));
    *s = good;
  }
  static const uint32_t indexes[] = {0, 1, 3, 4, 5, UINT32_MAX};
  for (size_t i = 0; i < sizeof indexes / sizeof indexes[0]; i++) {
    s->index = indexes[i];
    ck_assert(!verifies(&b, 2, NULL));
    *s = good;
  }
  s->n_path--;
  ck_assert(!verifies(&b, 2, NULL));
  *s = good;
  s->path[0].len--;
  ck_assert(!verifies(&b, 2, NULL));
  s->path[0].len++;
  s->ecdsa.len--;
  ck_assert(!verifies(&b, 2, NULL));
  s->ecdsa.len = 0;
  ck_assert(!verifies(&b, 2, NULL));
  /* Bytes after the DER, within and past the bound. */
  uint8_t longer[COR_ECDSA_MAX + 1] = {0};
  memcpy(longer, good.ecdsa.data, good.ecdsa.len);
  s->ecdsa = (ProtobufCBinaryData){good.ecdsa.len + 1, longer};
  ck_assert(!verifies(&b, 2, NULL));
  s->ecdsa.len = sizeof longer;
  ck_assert(!verifies(&b, 2, NULL));
  /* More path than any batch has. */
  ProtobufCBinaryData path[64];
  *s = good;
  for (size_t i = 0; i < 64; i++)
    path[i] = s->path[0];
  s->n_path = 64;
  s->path = path;
  ck_assert(!verifies(&b, 2, NULL));
  *s = good;
  ck_assert(verifies(&b, 2, NULL));
  clear_batch(&b);
}
END_TEST

/* A ring: the oldest root is forgotten; failures are never remembered. */
START_TEST(test_memory) {
  batch b[3];
  cor_sign_memory *memory = cor_sign_memory_new(2), *none = cor_sign_memory_new(0);
  for (size_t i = 0; i < 3; i++) {
    b[i] = signed_batch(2);
    sign_all(&b[i]);
  }
  static const struct {
    size_t batch;
    uint64_t checks;
  } steps[] = {{0, 1}, {0, 1}, {1, 2}, {0, 2}, {2, 3}, {1, 3}, {0, 4}, {2, 4}, {1, 5}};
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    ck_assert(verifies(&b[steps[i].batch], i % 2, memory));
    ck_assert_uint_eq(cor_sign_memory_checks(memory), steps[i].checks);
    ck_assert(verifies(&b[steps[i].batch], i % 2, none));
    ck_assert_uint_eq(cor_sign_memory_checks(none), i + 1);
  }
  b[0].signatures[0]->ecdsa.data[9] ^= 1;
  for (uint64_t again = 6; again < 9; again++) {
    ck_assert(!verifies(&b[0], 0, memory));
    ck_assert_uint_eq(cor_sign_memory_checks(memory), again);
  }
  for (size_t i = 0; i < 3; i++)
    clear_batch(&b[i]);
  cor_sign_memory_destroy(&memory);
  cor_sign_memory_destroy(&none);
}
END_TEST

static void note_freed(void *parent, void *flag, CRYPTO_EX_DATA *data, int index, long arg, void *argp) {
  (void)parent, (void)data, (void)index, (void)arg, (void)argp;
  if (flag != NULL) *(bool *)flag = true;
}

/* A remembered key outlives its owner (a card list that was replaced), so that no
 * other key can come to stand at its address. The same key anew is checked anew. */
START_TEST(test_memory_holds_keys) {
  bool freed = false;
  batch b = signed_batch(2);
  cor_sign_memory *memory = cor_sign_memory_new(1);
  EVP_PKEY *copy = EVP_PKEY_dup(b.key);
  ck_assert_int_eq(
      EVP_PKEY_set_ex_data(b.key, EVP_PKEY_get_ex_new_index(0, NULL, NULL, NULL, note_freed), &freed), 1);
  sign_all(&b);
  ck_assert(verifies(&b, 0, memory));
  EVP_PKEY_free(b.key);
  ck_assert(!freed);
  b.key = copy;
  ck_assert(verifies(&b, 1, memory));
  ck_assert_uint_eq(cor_sign_memory_checks(memory), 2);
  ck_assert(freed); /* the copy took its place */
  ck_assert(verifies(&b, 0, memory));
  ck_assert_uint_eq(cor_sign_memory_checks(memory), 2);
  clear_batch(&b);
  cor_sign_memory_destroy(&memory);
}
END_TEST

START_TEST(test_refused_to_sign) {
  static const uint8_t byte = 1;
  static cor_bytes many[COR_BATCH_MAX + 1];
  static Corridor__V1__Signature *out[COR_BATCH_MAX + 1];
  cor_error err;
  EVP_PKEY *key = cor_key_new(&err);
  for (size_t i = 0; i <= COR_BATCH_MAX; i++)
    many[i] = (cor_bytes){&byte, 1};
  ck_assert(!cor_sign(key, COR_DOMAIN_HEADER, "niamey", 3, many, 0, out, &err));
  ck_assert(!cor_sign(key, COR_DOMAIN_HEADER, "niamey", 3, many, COR_BATCH_MAX + 1, out, &err));
  ck_assert_int_eq(err.code, COR_TOO_LARGE);
  ck_assert(!cor_sign(key, COR_DOMAIN_HEADER, "", 3, many, 1, out, &err));
  ck_assert(cor_sign(key, COR_DOMAIN_HEADER, "niamey", 3, many, COR_BATCH_MAX, out, &err));
  ck_assert_uint_eq(out[COR_BATCH_MAX - 1]->n_path, 12);
  ck_assert(cor_verify(key, COR_DOMAIN_HEADER, "niamey", 3, many[0], out[COR_BATCH_MAX - 1], NULL, &err));
  for (size_t i = 0; i < COR_BATCH_MAX; i++)
    cor_message_free(&out[i]->base);
  EVP_PKEY_free(key);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("sign");
  TCase *tc = tcase_create("sign");
  tcase_set_timeout(tc, 60);
  tcase_add_loop_test(tc, test_roots, 0, VECTORS + 1);
  tcase_add_loop_test(tc, test_paths, 1, 71);
  tcase_add_test(tc, test_path_vector);
  tcase_add_loop_test(tc, test_batch_sizes, 1, BATCH + 1);
  tcase_add_test(tc, test_signed_bytes);
  tcase_add_loop_test(tc, test_size_limit, 0, 2);
  tcase_add_test(tc, test_other_claims);
  tcase_add_loop_test(tc, test_tampered, 0, 2);
  tcase_add_test(tc, test_malformed);
  tcase_add_test(tc, test_memory);
  tcase_add_test(tc, test_memory_holds_keys);
  tcase_add_test(tc, test_refused_to_sign);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
