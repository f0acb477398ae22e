/* test_attachment.c - which files may travel, and how they are cut. The smallest whole
 * file of each kind passes; then one thing is changed in each case: something before
 * it, something after it, an end that is missing, a length that lies, a structure that
 * does not hold, another file inside. */
#include "corridor/attachment.h"
#include "corridor/refusal.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define KIND(x) CORRIDOR__V1__ATTACHMENT_KIND__##x
#define BYTES(text)                                                                                          \
  (cor_bytes) {                                                                                              \
    (const uint8_t *)(text), sizeof(text) - 1                                                                \
  }
#define LENGTH(a) (sizeof(a) / sizeof *(a))

/* ---- pieces ---- */

#define PDF_HEAD "%PDF-1.7\n1 0 obj <<>> endobj\n"
#define PDF_TAIL "startxref\n9\n%%EOF"
#define SOI "\xff\xd8"
#define EOI "\xff\xd9"
#define APP0 "\xff\xe0\x00\x04JF"
#define SOF "\xff\xc0\x00\x05\x08\x00\x01"
#define SOS "\xff\xda\x00\x04\x01\x00"
#define SCAN "\x12\xff\x00\x34\xff\xd0\x56" /* a stuffed FF and a restart */
#define PAGE(flags, number, lacing, body)                                                                    \
  "OggS\0" flags "\0\0\0\0\0\0\0\0STRM" number "\0\0\0CRC." lacing body
#define OPUS_HEAD "OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0"
#define OPUS_TAGS "OpusTags\0\0\0\0\0\0\0\0"
#define FIRST PAGE("\x02", "\0", "\x01\x13", OPUS_HEAD)
#define SECOND PAGE("\0", "\x01", "\x01\x10", OPUS_TAGS)
#define SOUND PAGE("\0", "\x02", "\x02\x03\x02", "abcde")
#define END PAGE("\x04", "\x03", "\x01\x02", "ab")

static const struct sample {
  const char *what;
  cor_bytes file;
  Corridor__V1__AttachmentKind kind; /* 0 = refused */
} samples[] = {
    {"a PDF", BYTES(PDF_HEAD PDF_TAIL), KIND(PDF)},
    {"a PDF of version 2", BYTES("%PDF-2.0\n1 0 obj <<>> endobj\n" PDF_TAIL), KIND(PDF)},
    {"a PDF with line ends after it", BYTES(PDF_HEAD PDF_TAIL "\r\n"), KIND(PDF)},
    {"something before a PDF", BYTES("\n" PDF_HEAD PDF_TAIL), 0},
    {"a script before a PDF", BYTES("#!/bin/sh\n" PDF_HEAD PDF_TAIL), 0},
    {"something after a PDF", BYTES(PDF_HEAD PDF_TAIL "\n<script>"), 0},
    {"many line ends after a PDF", BYTES(PDF_HEAD PDF_TAIL "\n\n\n\n\n"), 0},
    {"a PDF without its end", BYTES(PDF_HEAD "startxref\n9\n"), 0},
    {"a PDF without a place", BYTES(PDF_HEAD "startxref\n%%EOF"), 0},
    {"a PDF whose place is beyond it", BYTES(PDF_HEAD "startxref\n900\n%%EOF"), 0},
    {"a PDF whose place is a very long number", BYTES(PDF_HEAD "startxref\n00000000000000000009\n%%EOF"), 0},
    {"a PDF of version x", BYTES("%PDF-1.x\n1 0 obj <<>> endobj\n" PDF_TAIL), 0},
    {"a PDF's first line alone", BYTES("%PDF-1.7\n"), 0},
    {"a PDF that is an archive", BYTES(PDF_HEAD "PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x11\0" PDF_TAIL),
     0},
    {"a PDF with an archive's word in it",
     BYTES(PDF_HEAD "PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0" PDF_TAIL), KIND(PDF)},

    {"a JPEG", BYTES(SOI APP0 SOF SOS SCAN EOI), KIND(JPEG)},
    {"a JPEG with a fill byte", BYTES(SOI APP0 "\xff" SOF SOS SCAN EOI), KIND(JPEG)},
    {"a JPEG of two scans", BYTES(SOI SOF SOS SCAN SOS SCAN EOI), KIND(JPEG)},
    {"something before a JPEG", BYTES("x" SOI APP0 SOF SOS SCAN EOI), 0},
    {"something after a JPEG", BYTES(SOI APP0 SOF SOS SCAN EOI "x"), 0},
    {"an archive after a JPEG", BYTES(SOI APP0 SOF SOS SCAN EOI "PK\3\4"), 0},
    {"a JPEG without its end", BYTES(SOI APP0 SOF SOS SCAN), 0},
    {"a JPEG cut in its scan", BYTES(SOI APP0 SOF SOS "\x12\xff"), 0},
    {"a JPEG without a frame", BYTES(SOI APP0 SOS SCAN EOI), 0},
    {"a JPEG without a scan", BYTES(SOI APP0 SOF EOI), 0},
    {"a JPEG whose segment goes beyond it", BYTES(SOI "\xff\xe0\xff\xff" SOF SOS SCAN EOI), 0},
    {"a JPEG whose segment has no length", BYTES(SOI "\xff\xe0\x00\x01" SOF SOS SCAN EOI), 0},
    {"a JPEG with a marker nobody knows", BYTES(SOI "\xff\x02\x00\x02" SOF SOS SCAN EOI), 0},
    {"a JPEG in a JPEG", BYTES(SOI SOI APP0 SOF SOS SCAN EOI), 0},
    {"a JPEG that is an archive", BYTES(SOI SOF SOS "PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\0" EOI),
     0},

    {"an Opus recording", BYTES(FIRST SECOND SOUND), KIND(OPUS)},
    {"an Opus recording that says its end", BYTES(FIRST SECOND SOUND END), KIND(OPUS)},
    {"something before a recording", BYTES("x" FIRST SECOND SOUND), 0},
    {"something after a recording", BYTES(FIRST SECOND SOUND END "x"), 0},
    {"a page after the end of a recording",
     BYTES(FIRST SECOND SOUND END PAGE("\0", "\x04", "\x01\x02", "ab")), 0},
    {"a recording without a sound", BYTES(FIRST SECOND), 0},
    {"a recording without comments", BYTES(FIRST PAGE("\0", "\x01", "\x01\x02", "ab") SOUND), 0},
    {"a recording cut in a page", BYTES(FIRST SECOND PAGE("\0", "\x02", "\x01\x09", "abc")), 0},
    {"a recording with a page left out", BYTES(FIRST SECOND PAGE("\0", "\x03", "\x01\x02", "ab")), 0},
    {"a recording of another coding",
     BYTES(PAGE("\x02", "\0", "\x01\x13", "\x01vorbis\x01\x01\x38\x01\x80\xbb\0\0\0\0\0\0") SECOND SOUND), 0},
    {"a head that is not the first", BYTES(PAGE("\0", "\0", "\x01\x13", OPUS_HEAD) SECOND SOUND), 0},
    {"a recording that begins twice", BYTES(FIRST SECOND PAGE("\x02", "\x02", "\x01\x02", "ab")), 0},
    {"a head of a version to come",
     BYTES(PAGE("\x02", "\0", "\x01\x13", "OpusHead\x10\x01\x38\x01\x80\xbb\0\0\0\0\0") SECOND SOUND), 0},
    {"a short head", BYTES(PAGE("\x02", "\0", "\x01\x08", "OpusHead") SECOND SOUND), 0},
    {"another stream in between",
     BYTES(FIRST SECOND "OggS\0\0\0\0\0\0\0\0\0\0OTHR\x02\0\0\0CRC.\x01\x02"
                        "ab"),
     0},

    {"nothing", BYTES(""), 0},
    {"one byte", BYTES("%"), 0},
    {"text", BYTES("Testina Exemplar agrees to everything that is written above."), 0},
    {"an archive", BYTES("PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), 0},
    {"a program",
     BYTES("\x7f"
           "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0"),
     0},
};

START_TEST(kind_is_found_from_the_bytes) {
  const struct sample *one = &samples[_i];
  Corridor__V1__AttachmentKind kind = 0;
  cor_error err = {0};
  /* On the heap and of its very length, so that a sanitizer sees one byte too far. */
  uint8_t *bytes = malloc(one->file.len > 0 ? one->file.len : 1);
  memcpy(bytes, one->file.data, one->file.len);
  const bool ok = cor_attachment_kind((cor_bytes){bytes, one->file.len}, &kind, &err);
  free(bytes);
  ck_assert_msg(ok == (one->kind != 0), "%s: %s", one->what, ok ? "accepted" : "refused");
  if (ok)
    ck_assert_msg(kind == one->kind, "%s: taken for kind %d", one->what, kind);
  else
    ck_assert_int_eq(err.code, COR_KIND_NOT_ALLOWED);
}
END_TEST

/* A whole file, cut anywhere, is none. */
START_TEST(no_beginning_of_a_file_is_a_file) {
  const struct sample *one = &samples[_i];
  Corridor__V1__AttachmentKind kind;
  cor_error err;
  if (one->kind == 0) return;
  for (size_t len = 0; len < one->file.len; len++) {
    uint8_t *bytes = malloc(len > 0 ? len : 1);
    memcpy(bytes, one->file.data, len);
    const bool ok = cor_attachment_kind((cor_bytes){bytes, len}, &kind, &err);
    free(bytes);
    /* but for line ends after a PDF, and the last page of a recording that says no end */
    const bool may = (one->kind == KIND(PDF) && len + 2 >= one->file.len) ||
                     (one->kind == KIND(OPUS) && one->file.len - len == sizeof(END) - 1);
    ck_assert_msg(!ok || may, "%s: %zu bytes of %zu", one->what, len, one->file.len);
  }
}
END_TEST

static const struct {
  size_t total, count, last;
} cuts[] = {{0, 0, 0},
            {1, 1, 1},
            {COR_CHUNK_BYTES - 1, 1, COR_CHUNK_BYTES - 1},
            {COR_CHUNK_BYTES, 1, COR_CHUNK_BYTES},
            {COR_CHUNK_BYTES + 1, 2, 1},
            {COR_ATTACHMENT_MAX, COR_CHUNKS_MAX, COR_ATTACHMENT_MAX % COR_CHUNK_BYTES},
            {COR_ATTACHMENT_MAX + 1, 0, 0}};

START_TEST(chunks_make_up_the_file) {
  size_t sum = 0;
  ck_assert_uint_eq(cor_chunk_count(cuts[_i].total), cuts[_i].count);
  for (size_t n = 1; n <= cuts[_i].count; n++)
    sum += cor_chunk_size(cuts[_i].total, n);
  if (cuts[_i].count > 0) ck_assert_uint_eq(sum, cuts[_i].total);
  ck_assert_uint_eq(cor_chunk_size(cuts[_i].total, cuts[_i].count), cuts[_i].last);
  ck_assert_uint_eq(cor_chunk_size(cuts[_i].total, 0), 0);
  ck_assert_uint_eq(cor_chunk_size(cuts[_i].total, cuts[_i].count + 1), 0);
}
END_TEST

/* One statement of erasure can name every part of one file (data dictionary 4). */
START_TEST(a_statement_holds_a_whole_file) {
  ck_assert_int_le(COR_CHUNKS_MAX, 1000);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("attachment");
  TCase *tc = tcase_create("attachment");
  tcase_add_loop_test(tc, kind_is_found_from_the_bytes, 0, LENGTH(samples));
  tcase_add_loop_test(tc, no_beginning_of_a_file_is_a_file, 0, LENGTH(samples));
  tcase_add_loop_test(tc, chunks_make_up_the_file, 0, LENGTH(cuts));
  tcase_add_test(tc, a_statement_holds_a_whole_file);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
