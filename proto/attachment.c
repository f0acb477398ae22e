/* attachment.c - how a file becomes chunks, and which files may travel.
 *
 * For: the sender's agent before it seals, the recipient's before it shows. A kind is
 * found by walking the file's own structure from the first byte to the last: nothing
 * may stand before it and nothing behind it, since what stands there is how one file
 * passes for another. Guarantees: time and memory are bounded by the file's length;
 * nothing is unpacked, decoded or run; a file that is also a ZIP archive is refused.
 * That a PDF or a picture is harmless to the program that shows it is not promised.
 * Trusts nothing in the bytes. Nothing is fatal. */
#include "corridor/attachment.h"
#include "corridor/refusal.h"
#include <string.h>

/* ---- chunks ---- */

size_t cor_chunk_count(size_t total) {
  return total == 0 || total > COR_ATTACHMENT_MAX ? 0 : (total + COR_CHUNK_BYTES - 1) / COR_CHUNK_BYTES;
}

size_t cor_chunk_size(size_t total, size_t number) {
  const size_t of = cor_chunk_count(total);
  if (number == 0 || number > of) return 0;
  return number < of ? COR_CHUNK_BYTES : total - (of - 1) * COR_CHUNK_BYTES;
}

/* ---- reading ---- */

static bool has_at(cor_bytes file, size_t at, const char *text) {
  const size_t len = strlen(text);
  return at <= file.len && file.len - at >= len && memcmp(file.data + at, text, len) == 0;
}

static unsigned big16(const uint8_t *at) {
  return (unsigned)at[0] << 8 | at[1];
}

static uint32_t little32(const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

static bool is_blank(uint8_t c) {
  return c == '\r' || c == '\n' || c == ' ';
}

/* A ZIP archive is found from its end: a record whose comment reaches to the last
 * byte. Any kind could carry one, with the file's own last bytes as the comment. */
static bool is_archive(cor_bytes file) {
  enum { RECORD = 22, COMMENT_MAX = 65535 };
  const size_t most = RECORD + COMMENT_MAX, from = file.len > most ? file.len - most : 0;
  for (size_t at = from; at + RECORD <= file.len; at++)
    if (has_at(file, at, "PK\5\6") &&
        at + RECORD + (file.data[at + 20] | (size_t)file.data[at + 21] << 8) == file.len)
      return true;
  return false;
}

/* ---- PDF: "%PDF-1.n" first; "startxref", a place in the file, "%%EOF" last ---- */

static bool is_pdf(cor_bytes file) {
  enum { TRAILING_MAX = 4, DIGITS_MAX = 10 };
  size_t end = file.len, digits = 0, place = 0, unit = 1;
  if (!(has_at(file, 0, "%PDF-1.") || has_at(file, 0, "%PDF-2.")) || file.len < 32 || !is_digit(file.data[7]))
    return false;
  while (end > 0 && file.len - end < TRAILING_MAX && is_blank(file.data[end - 1]))
    end--;
  if (end < 5 || !has_at(file, end - 5, "%%EOF")) return false;
  end -= 5;
  while (end > 0 && is_blank(file.data[end - 1]))
    end--;
  for (; end > 0 && is_digit(file.data[end - 1]) && digits < DIGITS_MAX; digits++, unit *= 10)
    place += unit * (size_t)(file.data[--end] - '0');
  if (digits == 0) return false;
  while (end > 0 && is_blank(file.data[end - 1]))
    end--;
  return end >= 9 && has_at(file, end - 9, "startxref") && place < end;
}

/* ---- JPEG: segments from SOI to EOI, and EOI is the last byte ---- */

enum { JPEG_SOI = 0xd8, JPEG_EOI = 0xd9, JPEG_SOS = 0xda };

static bool is_frame(uint8_t marker) { /* SOF0..15 without DHT, JPG, DAC */
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

/* What may stand between SOI and EOI with a length of its own. */
static bool is_segment(uint8_t marker) {
  return is_frame(marker) || marker == 0xc4 || marker == 0xcc || (marker >= JPEG_SOS && marker <= 0xdf) ||
         (marker >= 0xe0 && marker <= 0xef) || marker == 0xfe;
}

/* From within a scan to its end: the next marker that is neither a stuffed FF nor a restart. */
static size_t skip_scan(cor_bytes file, size_t at) {
  for (; at + 1 < file.len; at++) {
    const uint8_t next = file.data[at + 1];
    if (file.data[at] == 0xff && next != 0x00 && next != 0xff && !(next >= 0xd0 && next <= 0xd7)) break;
  }
  return at;
}

static bool is_jpeg(cor_bytes file) {
  bool frame = false, scan = false;
  size_t at = 2;
  if (file.len < 4 || file.data[0] != 0xff || file.data[1] != JPEG_SOI) return false;
  while (at + 1 < file.len && file.data[at] == 0xff) {
    const uint8_t marker = file.data[at + 1];
    if (marker == 0xff) { /* a fill byte */
      at++;
      continue;
    }
    if (marker == JPEG_EOI) return frame && scan && at + 2 == file.len;
    if (!is_segment(marker) || file.len - at < 4) return false;
    const size_t length = big16(file.data + at + 2);
    if (length < 2 || file.len - at - 2 < length) return false;
    frame = frame || is_frame(marker);
    at += 2 + length;
    if (marker != JPEG_SOS) continue;
    if (!frame) return false;
    scan = true;
    at = skip_scan(file, at);
  }
  return false;
}

/* ---- Ogg Opus: pages of one stream, one after the other, to the last byte ---- */

enum { OGG_HEAD = 27, OGG_CONTINUED = 1, OGG_BEGINS = 2, OGG_ENDS = 4 };

typedef struct ogg_page {
  uint8_t flags;
  uint32_t stream, number;
  size_t body, size; /* where the body begins; of the whole page */
  size_t packet;     /* bytes of the first packet in it */
} ogg_page;

static bool read_page(cor_bytes file, size_t at, ogg_page *out) {
  if (!has_at(file, at, "OggS") || file.len - at < OGG_HEAD || file.data[at + 4] != 0) return false;
  const uint8_t *head = file.data + at;
  const size_t segments = head[26];
  if (file.len - at < OGG_HEAD + segments) return false;
  *out = (ogg_page){.flags = head[5], .stream = little32(head + 14), .number = little32(head + 18)};
  out->body = at + OGG_HEAD + segments;
  out->size = OGG_HEAD + segments;
  bool first = true;
  for (size_t i = 0; i < segments; i++) {
    const size_t length = head[OGG_HEAD + i];
    out->size += length;
    if (first) out->packet += length;
    if (length < 255) first = false;
  }
  return out->flags <= 7 && file.len - at >= out->size;
}

/* The first page holds the head and nothing else; the second begins the comments. */
static bool page_fits(cor_bytes file, const ogg_page *page, uint32_t number, uint32_t stream) {
  enum { HEAD_MIN = 19 };
  if (page->number != number || page->stream != stream) return false;
  if ((number == 0) != ((page->flags & OGG_BEGINS) != 0)) return false;
  if (number == 0)
    return page->packet >= HEAD_MIN && has_at(file, page->body, "OpusHead") &&
           (file.data[page->body + 8] & 0xf0) == 0 && file.data[page->body + 9] != 0;
  return number != 1 || (!(page->flags & OGG_CONTINUED) && has_at(file, page->body, "OpusTags"));
}

static bool is_opus(cor_bytes file) {
  ogg_page page = {0};
  uint32_t number = 0, stream = 0;
  for (size_t at = 0; at < file.len; at += page.size, number++) {
    if (number > 0 && (page.flags & OGG_ENDS)) return false; /* something after the end */
    if (!read_page(file, at, &page)) return false;
    if (number == 0) stream = page.stream;
    if (!page_fits(file, &page, number, stream)) return false;
  }
  return number > 2; /* head, comments, and a sound at least */
}

/* ---- the verdict ---- */

bool cor_attachment_kind(cor_bytes file, Corridor__V1__AttachmentKind *kind, cor_error *err) {
  static const struct {
    Corridor__V1__AttachmentKind kind;
    bool (*is)(cor_bytes);
  } kinds[] = {{CORRIDOR__V1__ATTACHMENT_KIND__PDF, is_pdf},
               {CORRIDOR__V1__ATTACHMENT_KIND__JPEG, is_jpeg},
               {CORRIDOR__V1__ATTACHMENT_KIND__OPUS, is_opus}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (!kinds[i].is(file)) continue;
    if (is_archive(file))
      return cor_fail(err, COR_KIND_NOT_ALLOWED, "", "the file is an archive as well; send it as one thing");
    *kind = kinds[i].kind;
    return true;
  }
  return cor_fail(err, COR_KIND_NOT_ALLOWED, "",
                  "not one whole PDF, JPEG or Ogg Opus file, with nothing before it and nothing after it");
}
