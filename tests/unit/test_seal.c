/* test_seal.c - sealing, opening, and the one accepted shape. */
#include "../../proto/cert.h"
#include "corridor/seal.h"
#include "programme.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>

enum { KEYS = 9 };
static EVP_PKEY *keys[KEYS];
static X509 *certs[KEYS];

static void setup(void) {
  cor_error err;
  for (size_t i = 0; i < KEYS; i++) {
    must((keys[i] = cor_key_new(&err)) != NULL);
    must((certs[i] = cor_cert_issue(&(cor_cert_spec){.use = COR_CERT_SEALING,
                                                     .common_name = "iom-ne",
                                                     .unit = "seal-health",
                                                     .key = keys[i],
                                                     .issuer_key = keys[i],
                                                     .not_before = T0,
                                                     .not_after = T0 + DAY},
                                    &err)) != NULL);
  }
}
static void teardown(void) {
  for (size_t i = 0; i < KEYS; i++) {
    EVP_PKEY_free(keys[i]);
    X509_free(certs[i]);
  }
}

static uint8_t id[16] = {1}, handle[16] = {2};

/* Seals len bytes of content to the first n keys. */
static bool seal(size_t len, size_t n, cor_buf *out, cor_error *err) {
  Corridor__V1__Sealed sealed = CORRIDOR__V1__SEALED__INIT;
  uint8_t *content = malloc(len + 1);
  ck_assert_ptr_nonnull(content);
  memset(content, 'x', len);
  sealed.message_id = (ProtobufCBinaryData){16, id};
  sealed.handle = (ProtobufCBinaryData){16, handle};
  sealed.sender = (char *)(uintptr_t) "iom-ne";
  sealed.recipient = (char *)(uintptr_t) "iom-gn";
  sealed.type = CORRIDOR__V1__MESSAGE_TYPE__CASE_FILE;
  sealed.compartment = CORRIDOR__V1__COMPARTMENT__HEALTH;
  sealed.content = (ProtobufCBinaryData){len, content};
  bool ok = cor_seal_make(&sealed, certs, n, out, err);
  free(content);
  return ok;
}

static const size_t lengths[] = {0, 900, 4000, 16000, 65000, 262000, COR_PLAIN_MAX - 200};

START_TEST(round_trip_to_three) {
  cor_error err;
  cor_buf body = {0};
  must(seal(lengths[_i], 3, &body, &err));
  ck_assert_uint_le(body.len, COR_BODY_MAX);
  for (size_t k = 0; k < 3; k++) {
    Corridor__V1__Sealed *sealed = cor_seal_open(cor_buf_view(&body), certs[k], keys[k], &err);
    must(sealed != NULL);
    ck_assert_uint_eq(sealed->content.len, lengths[_i]);
    ck_assert_str_eq(sealed->recipient, "iom-gn");
    cor_message_free(&sealed->base);
  }
  must_not(cor_seal_open(cor_buf_view(&body), certs[3], keys[3], &err), COR_CANNOT_OPEN);
  must_not(cor_seal_open(cor_buf_view(&body), certs[0], keys[3], &err), COR_CANNOT_OPEN);
  cor_buf_clear(&body);
}
END_TEST

START_TEST(length_is_hidden) {
  cor_error err;
  cor_buf small = {0}, large = {0}, next = {0};
  must(seal(10, 2, &small, &err));
  must(seal(500, 2, &large, &err));
  must(seal(1024, 2, &next, &err));
  ck_assert_uint_eq(small.len, large.len);
  ck_assert_uint_eq(next.len - small.len, 4096 - 1024); /* both need the same length octets */
  cor_buf_clear(&small);
  cor_buf_clear(&large);
  cor_buf_clear(&next);
}
END_TEST

START_TEST(limits) {
  cor_error err;
  cor_buf body = {0};
  static const struct {
    size_t plain, total;
  } classes[] = {{0, 1024},         {1023, 1024},       {1024, 4096}, {4095, 4096}, {262143, 262144},
                 {262144, 1048576}, {1048575, 1048576}, {1048576, 0}, {SIZE_MAX, 0}};
  for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
    ck_assert_uint_eq(cor_size_class(classes[i].plain), classes[i].total);
  must_not(seal(COR_PLAIN_MAX, 1, &body, &err), COR_TOO_LARGE);
  must_not(seal(10, 0, &body, &err), COR_INTERNAL);
  must_not(seal(10, COR_SEAL_RECIPIENTS_MAX + 1, &body, &err), COR_INTERNAL);
  must(seal(10, COR_SEAL_RECIPIENTS_MAX, &body, &err));
  cor_buf_clear(&body);
}
END_TEST

static void write_pem(const char *dir) {
  FILE *f = fopen(in(dir, "key"), "w");
  ck_assert_ptr_nonnull(f);
  ck_assert_int_eq(PEM_write_PKCS8PrivateKey(f, keys[1], NULL, NULL, 0, NULL, NULL), 1);
  ck_assert_int_eq(fclose(f), 0);
  f = fopen(in(dir, "crt"), "w");
  ck_assert_ptr_nonnull(f);
  ck_assert_int_eq(PEM_write_X509(f, certs[1]), 1);
  ck_assert_int_eq(fclose(f), 0);
}

START_TEST(stock_openssl_opens_it) {
  cor_error err;
  char dir[64], command[512];
  cor_buf body = {0}, plain = {0};
  programme_dir(dir);
  write_pem(dir);
  must(seal(10, 3, &body, &err));
  must(cor_file_write(in(dir, "body"), cor_buf_view(&body), 0600, &err));
  (void)snprintf(
      command, sizeof command,
      "cd %s && openssl cms -decrypt -binary -inform DER -in body -inkey key -recip crt -out plain && "
      "openssl asn1parse -inform DER -in body >/dev/null",
      dir);
  ck_assert_int_eq(system(command), 0);
  must(cor_file_read(in(dir, "plain"), COR_PLAIN_MAX, false, &plain, &err));
  ck_assert_uint_eq(plain.len, 1024);
  cor_buf_clear(&plain);
  cor_buf_clear(&body);
  programme_remove(dir);
}
END_TEST

START_TEST(every_altered_byte_is_refused) {
  cor_error err;
  cor_buf body = {0};
  must(seal(10, 1, &body, &err));
  for (size_t i = 0; i < body.len; i++) {
    for (unsigned bit = 0; bit < 8; bit += 3) {
      body.data[i] ^= (uint8_t)(1U << bit);
      Corridor__V1__Sealed *sealed = cor_seal_open(cor_buf_view(&body), certs[0], keys[0], &err);
      ck_assert_msg(!sealed, "byte %zu bit %u altered and opened", i, bit);
      ck_assert_msg(err.code == COR_BAD_SEAL || err.code == COR_CANNOT_OPEN, "byte %zu: code %d", i,
                    err.code);
      body.data[i] ^= (uint8_t)(1U << bit);
    }
  }
  for (size_t len = 0; len < body.len; len++)
    must_not(cor_seal_profile_check((cor_bytes){body.data, len}, &err), COR_BAD_SEAL);
  cor_buf_clear(&body);
}
END_TEST

/* A body of several read buffers: libcrypto hands out plaintext of such a one
 * before it has seen the tag, and we must not. */
START_TEST(long_body_with_a_bad_tag_gives_nothing) {
  cor_error err;
  cor_buf body = {0};
  must(seal(60000, 1, &body, &err));
  body.data[body.len - 1] ^= 1;
  must_not(cor_seal_open(cor_buf_view(&body), certs[0], keys[0], &err), COR_BAD_SEAL);
  ck_assert_ptr_nonnull(strstr(err.detail, "altered"));
  cor_buf_clear(&body);
}
END_TEST

START_TEST(trailing_and_indefinite_are_refused) {
  cor_error err;
  cor_buf body = {0};
  must(seal(10, 1, &body, &err));
  uint8_t *longer = calloc(1, body.len + 8);
  ck_assert_ptr_nonnull(longer);
  memcpy(longer, body.data, body.len);
  must_not(cor_seal_profile_check((cor_bytes){longer, body.len + 1}, &err), COR_BAD_SEAL);
  /* SEQUENCE of indefinite length: 30 80 ... 00 00 (the head was 30 82 hh ll) */
  longer[1] = 0x80;
  memmove(longer + 2, body.data + 4, body.len - 4);
  memset(longer + body.len - 2, 0, 2);
  must_not(cor_seal_profile_check((cor_bytes){longer, body.len}, &err), COR_BAD_SEAL);
  /* the same length in one octet more than needed: 30 83 00 hh ll */
  memcpy(longer, (uint8_t[]){0x30, 0x83, 0x00, body.data[2], body.data[3]}, 5);
  memcpy(longer + 5, body.data + 4, body.len - 4);
  must_not(cor_seal_profile_check((cor_bytes){longer, body.len + 1}, &err), COR_BAD_SEAL);
  must_not(cor_seal_profile_check((cor_bytes){longer, (size_t)COR_BODY_MAX + 1}, &err), COR_TOO_LARGE);
  free(longer);
  cor_buf_clear(&body);
}
END_TEST

/* Valid CMS of other shapes, made by libcrypto itself. The first row is the
 * accepted shape: it shows that the others fail for their difference alone. */
static const struct {
  const char *what;
  bool sha1, by_issuer, password, cbc, aes128, ukm;
  size_t len;
  unsigned flags;
  bool accepted;
} shapes[] = {
    {"the profile", .len = 1024, .accepted = true},
    {"SHA-1 key derivation", .len = 1024, .sha1 = true},
    {"recipient by issuer and serial", .len = 1024, .by_issuer = true},
    {"password recipient beside the key", .len = 1024, .password = true},
    {"unauthenticated cipher", .len = 1024, .cbc = true},
    {"short key", .len = 1024, .aes128 = true},
    {"not a size class", .len = 1000},
    {"user keying material", .len = 1024, .ukm = true},
    {"streamed", .len = 1024, .flags = CMS_STREAM},
};

static void add_shape_recipients(CMS_ContentInfo *cms, int i) {
  unsigned flags = CMS_KEY_PARAM | (shapes[i].by_issuer ? 0 : CMS_USE_KEYID);
  CMS_RecipientInfo *ri = CMS_add1_recipient_cert(cms, certs[0], flags);
  ck_assert_ptr_nonnull(ri);
  EVP_PKEY_CTX *ctx = CMS_RecipientInfo_get0_pkey_ctx(ri);
  ck_assert_int_gt(EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, shapes[i].sha1 ? EVP_sha1() : EVP_sha256()), 0);
  if (shapes[i].password) {
    unsigned char *pass = (unsigned char *)OPENSSL_strdup("password");
    ck_assert_ptr_nonnull(
        CMS_add0_recipient_password(cms, -1, NID_undef, NID_undef, pass, 8, EVP_aes_256_cbc()));
  }
}

/* Inserts a ukm [1] { OCTET STRING 00 } after the originator, growing the five
 * lengths around it. Offsets are those of a body with one recipient. */
static size_t insert_ukm(uint8_t *der, size_t len) {
  static const uint8_t ukm[] = {0xa1, 0x03, 0x04, 0x01, 0x00};
  uint8_t *kari = memmem(der, len, "\x02\x01\x03\xa0\x51", 5);
  ck_assert_ptr_nonnull(kari);
  size_t at = (size_t)(kari - der) + 3 + 2 + 0x51;
  memmove(der + at + sizeof ukm, der + at, len - at);
  memcpy(der + at, ukm, sizeof ukm);
  der[3] = (uint8_t)(der[3] + sizeof ukm);     /* ContentInfo, 30 82 hh ll */
  der[20] = (uint8_t)(der[20] + sizeof ukm);   /* [0] */
  der[24] = (uint8_t)(der[24] + sizeof ukm);   /* AuthEnvelopedData */
  kari[-1] = (uint8_t)(kari[-1] + sizeof ukm); /* [1], a1 81 ll */
  kari[-4] = (uint8_t)(kari[-4] + sizeof ukm); /* SET, 31 81 ll */
  return len + sizeof ukm;
}

START_TEST(other_shapes_are_refused) {
  cor_error err = {0};
  static uint8_t plain[1024];
  const EVP_CIPHER *cipher = shapes[_i].aes128 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
  CMS_ContentInfo *cms = shapes[_i].cbc ? CMS_EnvelopedData_create(EVP_aes_256_cbc())
                                        : CMS_AuthEnvelopedData_create(cipher);
  ck_assert_ptr_nonnull(cms);
  ck_assert_int_eq(CMS_set_detached(cms, 0), 1);
  add_shape_recipients(cms, _i);
  BIO *input = BIO_new_mem_buf(plain, (int)shapes[_i].len), *output = BIO_new(BIO_s_mem());
  if (shapes[_i].flags & CMS_STREAM) {
    ck_assert_int_eq(i2d_CMS_bio_stream(output, cms, input, CMS_BINARY | CMS_STREAM), 1);
  } else {
    ck_assert_int_eq(CMS_final(cms, input, NULL, CMS_BINARY), 1);
    ck_assert_int_eq(i2d_CMS_bio(output, cms), 1);
  }
  uint8_t der[4096];
  int got = BIO_read(output, der, sizeof der - 16);
  ck_assert_int_gt(got, 0);
  size_t len = (size_t)got;
  if (shapes[_i].ukm) len = insert_ukm(der, len);
  bool ok = cor_seal_profile_check((cor_bytes){der, len}, &err);
  ck_assert_msg(ok == shapes[_i].accepted, "%s", shapes[_i].what);
  if (shapes[_i].ukm) { /* and it was well-formed CMS, refused for its shape */
    const unsigned char *p = der;
    CMS_ContentInfo *again = d2i_CMS_ContentInfo(NULL, &p, (long)len);
    ck_assert_ptr_nonnull(again);
    CMS_ContentInfo_free(again);
  }
  /* Right shape, but zeros are no padded Sealed: refused after the tag. */
  if (ok) must_not(cor_seal_open((cor_bytes){der, len}, certs[0], keys[0], &err), COR_BAD_SEAL);
  BIO_free(input);
  BIO_free(output);
  CMS_ContentInfo_free(cms);
}
END_TEST

START_TEST(repeated_ids_must_match) {
  cor_error err;
  Corridor__V1__Sealed sealed = CORRIDOR__V1__SEALED__INIT;
  Corridor__V1__Header header = CORRIDOR__V1__HEADER__INIT;
  static char ours[] = "iom-ne", theirs[] = "iom-gn";
  sealed.message_id = header.message_id = (ProtobufCBinaryData){16, id};
  sealed.handle = header.handle = (ProtobufCBinaryData){16, handle};
  sealed.sender = header.sender = ours;
  sealed.recipient = header.recipient = theirs;
  must(cor_seal_matches(&sealed, &header, &err));
  switch (_i) {
  case 0: header.message_id.data = handle; break;
  case 1: header.sender = theirs; break;
  case 2: header.recipient = ours; break;
  case 3: header.handle.len = 15; break;
  case 4: header.type = CORRIDOR__V1__MESSAGE_TYPE__ABN; break;
  default: header.compartment = CORRIDOR__V1__COMPARTMENT__CASEWORK; break;
  }
  must_not(cor_seal_matches(&sealed, &header, &err), COR_BAD_SEAL);
}
END_TEST

START_TEST(library_versions) {
  static const struct {
    unsigned long version;
    bool ok;
  } versions[] = {{0x30000120, false}, {0x30000130, true},  {0x30000160, true}, {0x30100080, false},
                  {0x30200060, false}, {0x30300050, false}, {0x30300060, true}, {0x30400030, false},
                  {0x30400040, true},  {0x30500040, false}, {0x30500050, true}, {0x30600000, false},
                  {0x30600010, true},  {0x30700000, true},  {0x40000000, true}, {0x1010117fL, false}};
  cor_error err;
  for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++)
    ck_assert_msg(cor_seal_version_ok(versions[i].version) == versions[i].ok, "%lx", versions[i].version);
  must(cor_seal_library_ok(&err));
}
END_TEST

int main(void) {
  TCase *tcase = tcase_create("seal");
  tcase_set_timeout(tcase, 120);
  tcase_add_unchecked_fixture(tcase, setup, teardown);
  tcase_add_loop_test(tcase, round_trip_to_three, 0, sizeof lengths / sizeof lengths[0]);
  tcase_add_test(tcase, length_is_hidden);
  tcase_add_test(tcase, limits);
  tcase_add_test(tcase, stock_openssl_opens_it);
  tcase_add_test(tcase, every_altered_byte_is_refused);
  tcase_add_test(tcase, long_body_with_a_bad_tag_gives_nothing);
  tcase_add_test(tcase, trailing_and_indefinite_are_refused);
  tcase_add_loop_test(tcase, other_shapes_are_refused, 0, sizeof shapes / sizeof shapes[0]);
  tcase_add_loop_test(tcase, repeated_ids_must_match, 0, 6);
  tcase_add_test(tcase, library_versions);
  return programme_run(tcase, "seal");
}
