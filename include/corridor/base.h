/* base.h - the few types every other header uses.
 *
 * Convention for all of libcorridor: a function that can fail returns bool
 * (true = done) and fills *err, which the caller owns and may not pass as NULL.
 * "borrows" = the pointer must outlive the call only; "takes" = ownership moves.
 * No function keeps global state that ever changes (base.c fetches SHA-256 once);
 * every object may be used by one thread at a time unless its header says
 * otherwise. Times are int64_t milliseconds since
 * 1970-01-01T00:00Z; days are int32_t days since 1970-01-01. */
#ifndef CORRIDOR_BASE_H
#define CORRIDOR_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COR_MUST_CHECK __attribute__((warn_unused_result))
#define COR_PRINTF(a, b) __attribute__((format(printf, a, b)))

enum {
  COR_ID_LEN = 16,     /* message ids, handles, consent ids */
  COR_HASH_LEN = 32,   /* SHA-256 */
  COR_CURVE_LEN = 32,  /* raw CURVE key */
  COR_OFFICE_MAX = 32, /* office id, without the NUL */
  COR_HEADER_MAX = 8192,
  COR_CONTROL_MAX = 65536,           /* frame 1 of any command but CARDS */
  COR_CARDS_MAX = 8 * 1024 * 1024,   /* frame 1 of CARDS, hub to agent only */
  COR_BODY_MAX = (1024 + 16) * 1024, /* frame 2: largest size class + CMS */
  COR_PLAIN_MAX = 1024 * 1024        /* largest padded plaintext */
};

/* Borrowed bytes. */
typedef struct cor_bytes {
  const uint8_t *data;
  size_t len;
} cor_bytes;

/* Owned bytes: free with cor_buf_clear (zeroes first). */
typedef struct cor_buf {
  uint8_t *data;
  size_t len;
} cor_buf;

typedef struct cor_error {
  int code;         /* enum cor_refusal_code (refusal.h) */
  char path[128];   /* JSON Pointer or field name at fault, may be empty */
  char detail[256]; /* plain English for an administrator; no personal datum */
} cor_error;

/* Fills err and returns false, so that callers can `return cor_fail(...)`. */
bool cor_fail(cor_error *err, int code, const char *path, const char *fmt, ...) COR_PRINTF(4, 5);

bool cor_buf_copy(cor_buf *out, cor_bytes in, cor_error *err) COR_MUST_CHECK;
void cor_buf_clear(cor_buf *buf);
static inline cor_bytes cor_buf_view(const cor_buf *b) {
  return (cor_bytes){b->data, b->len};
}
bool cor_bytes_equal(cor_bytes a, cor_bytes b); /* constant time for equal lengths */

/* SHA-256 over the concatenation of n pieces. Cannot fail (aborts only if the
 * crypto library itself is broken). */
void cor_sha256(uint8_t out[COR_HASH_LEN], const cor_bytes *pieces, size_t n);
void cor_random(uint8_t *out, size_t len);

/* Reads a whole file of at most max bytes. secret = true refuses a file that
 * group or others can read or write (mode & 077). A NUL that len does not count
 * follows the bytes (so in cor_buf_copy), for files that are text. */
bool cor_file_read(const char *path, size_t max, bool secret, cor_buf *out, cor_error *err) COR_MUST_CHECK;
/* Writes atomically (temporary + fsync + rename), mode 0600 or 0644. */
bool cor_file_write(const char *path, cor_bytes data, unsigned mode, cor_error *err) COR_MUST_CHECK;

#endif
