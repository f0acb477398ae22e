/* base.c - errors, owned bytes, digests, random bytes and whole files.
 *
 * Guarantees: an error's text always fits, ends in NUL and is cut between
 * characters, and may quote the very error it replaces. Owned bytes are zeroed
 * before they are freed. A written file is either the old or the new one, whole
 * and on disk, whatever happens in between.
 *
 * Trusts: nothing it reads; every read has a bound given by the caller.
 *
 * Fatal: only a kernel without random bytes or a crypto library that cannot
 * compute SHA-256. Going on without either would make ids guessable or digests
 * wrong, so the process aborts. */
#include "corridor/base.h"
#include "corridor/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* Copies text into out, cut so that no UTF-8 character is left in half. */
static void copy_cut(char *out, size_t size, const char *text) {
  size_t len = strnlen(text, size);
  if (len == size) {
    len = size - 1;
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
      len--;
  }
  memcpy(out, text, len);
  out[len] = '\0';
}

bool cor_fail(cor_error *err, int code, const char *path, const char *fmt, ...) {
  /* Formatted aside, because an argument may be err->detail or err->path. */
  char detail[sizeof err->detail + 4];
  char where[sizeof err->path];
  va_list args;
  va_start(args, fmt);
  if (vsnprintf(detail, sizeof detail, fmt, args) < 0) detail[0] = '\0';
  va_end(args);
  copy_cut(where, sizeof where, path ? path : "");
  err->code = code;
  memcpy(err->path, where, sizeof where);
  copy_cut(err->detail, sizeof err->detail, detail);
  return false;
}

/* len bytes and a NUL behind them, so that text files can be used as text. */
static bool buf_alloc(cor_buf *out, size_t len, cor_error *err) {
  uint8_t *data = len < SIZE_MAX ? malloc(len + 1) : NULL;
  *out = (cor_buf){data, data ? len : 0};
  if (!data) {
    cor_fail(err, COR_INTERNAL, "", "out of memory; nothing was changed, try again");
    return false;
  }
  data[len] = 0;
  return true;
}

bool cor_buf_copy(cor_buf *out, cor_bytes in, cor_error *err) {
  if (!buf_alloc(out, in.len, err)) return false;
  if (in.len > 0) memcpy(out->data, in.data, in.len);
  return true;
}

void cor_buf_clear(cor_buf *buf) {
  if (buf->data) OPENSSL_cleanse(buf->data, buf->len);
  free(buf->data);
  *buf = (cor_buf){0};
}

bool cor_bytes_equal(cor_bytes a, cor_bytes b) {
  return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0);
}

/* EVP_sha256() is looked up in the provider at each use, which costs as much as
 * hashing 200 bytes. Looked up at the first use instead, not before main: whoever
 * wipes libcrypto's memory (wipe.h) must come first. Set once, then a constant to
 * all threads; never freed, because a thread may hash until the process ends. */
static const EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void fetch_sha256(void) {
  sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

void cor_sha256(uint8_t out[COR_HASH_LEN], const cor_bytes *pieces, size_t n) {
  bool ok = pthread_once(&sha256_once, fetch_sha256) == 0 && sha256;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  ok = ok && ctx && EVP_DigestInit_ex2(ctx, sha256, NULL) == 1;
  for (size_t i = 0; ok && i < n; i++)
    ok = pieces[i].len == 0 || EVP_DigestUpdate(ctx, pieces[i].data, pieces[i].len) == 1;
  if (!ok || EVP_DigestFinal_ex(ctx, out, NULL) != 1) abort();
  EVP_MD_CTX_free(ctx);
}

void cor_random(uint8_t *out, size_t len) {
  while (len > 0) {
    ssize_t got = getrandom(out, len, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) abort();
    out += got;
    len -= (size_t)got;
  }
}

static bool file_fail(cor_error *err, int code, const char *verb, const char *path, int error) {
  if (error == ENOSPC || error == EDQUOT) code = COR_DISK_FULL;
  return cor_fail(err, code, "", "cannot %s %s: %s", verb, path, strerror(error));
}

/* Fills out, whose length is the file's size a moment ago; one byte more or less
 * means that someone is writing it in place. */
static bool read_all(int fd, const char *path, cor_buf *out, cor_error *err) {
  size_t len = 0;
  for (;;) {
    ssize_t got = read(fd, out->data + len, out->len + 1 - len);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_fail(err, COR_BAD_INPUT, "read", path, errno);
    len += (size_t)got;
    if (got == 0 || len > out->len) break;
  }
  if (len != out->len)
    return cor_fail(err, COR_BAD_INPUT, "", "%s changed while it was read; it was not used, try again", path);
  out->data[len] = 0;
  return true;
}

bool cor_file_read(const char *path, size_t max, bool secret, cor_buf *out, cor_error *err) {
  *out = (cor_buf){0};
  bool ok = false;
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) return file_fail(err, COR_BAD_INPUT, "open", path, errno);
  if (fstat(fd, &st) != 0) {
    file_fail(err, COR_BAD_INPUT, "examine", path, errno);
    goto done;
  }
  if (!S_ISREG(st.st_mode)) {
    cor_fail(err, COR_BAD_INPUT, "", "%s is not a regular file", path);
    goto done;
  }
  if (secret && (st.st_mode & 077) != 0) {
    cor_fail(err, COR_KEY_FILE_EXPOSED, "",
             "%s can be read or written by others (mode %04o); it was not used. Run chmod 600 on it, and "
             "replace the key if others may have read it",
             path, (unsigned)(st.st_mode & 07777));
    goto done;
  }
  if (st.st_size < 0 || (uintmax_t)st.st_size > max) {
    cor_fail(err, COR_TOO_LARGE, "", "%s is larger than %zu bytes", path, max);
    goto done;
  }
  ok = buf_alloc(out, (size_t)st.st_size, err) && read_all(fd, path, out, err);
done:
  close(fd);
  if (!ok) cor_buf_clear(out);
  return ok;
}

static bool write_all(int fd, cor_bytes data) {
  while (data.len > 0) {
    ssize_t put = write(fd, data.data, data.len);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    data.data += put;
    data.len -= (size_t)put;
  }
  return true;
}

/* A rename is durable only when the directory that holds the name is. */
static bool sync_directory_of(const char *path) {
  char *copy = strdup(path);
  if (!copy) return false;
  char *slash = strrchr(copy, '/');
  const char *dir = !slash ? "." : slash == copy ? "/" : copy;
  if (slash && slash != copy) *slash = '\0';
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool ok = fd >= 0 && fsync(fd) == 0;
  int error = errno;
  if (fd >= 0) close(fd);
  free(copy);
  errno = error;
  return ok;
}

bool cor_file_write(const char *path, cor_bytes data, unsigned mode, cor_error *err) {
  char *temporary = NULL;
  if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
    return cor_fail(err, COR_INTERNAL, "", "out of memory; %s was not changed", path);
  int fd = mkostemp(temporary, O_CLOEXEC);
  bool made = fd >= 0;
  bool ok = made && fchmod(fd, (mode_t)mode) == 0 && write_all(fd, data) && fsync(fd) == 0;
  int error = errno;
  if (made && close(fd) != 0 && ok) {
    error = errno;
    ok = false;
  }
  if (ok && rename(temporary, path) == 0) {
    made = false;
    ok = sync_directory_of(path);
    error = errno;
  } else if (ok) {
    error = errno;
    ok = false;
  }
  if (made) unlink(temporary);
  free(temporary);
  return ok || file_fail(err, COR_INTERNAL, "write", path, error);
}
