/* office_lock.c - the keys an agent works with unattended, locked under the office's
 * own passphrase.
 *
 * For: a host that runs the agents of several small offices. curve.key and signing.key
 * lie open to whoever reads the disk; locked, they lie in office.lock instead, under a
 * passphrase that only the office has, and the agent has them in memory once somebody
 * has given it (or systemd has, from a credential). Guarantees: the plain files are
 * removed only after the locked ones were written, read back and opened; the locked
 * keys open for this office's id and CURVE key only; a wrong passphrase costs as much
 * as at a key file. What a disk keeps of an overwritten file is not ours to know: lock
 * before the first use, or make new keys.
 * Trusts: libcrypto, the file system's rename. Fatal: nothing. */
#include "corridor/ca.h"
#include "corridor/office.h"
#include "corridor/refusal.h"
#include "cert.h"
#include "wrap.h"

#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* office.lock: MAGIC 00 salt iv tag sealed; sealed holds the CURVE secret's 40
 * characters, then the signing key as PKCS#8 DER. */
static const char MAGIC[] = "corridor/v1/office-lock";
enum {
  CURVE_TEXT = 40,
  AT_SALT = sizeof MAGIC,
  AT_IV = AT_SALT + COR_WRAP_SALT,
  AT_TAG = AT_IV + COR_WRAP_IV,
  AT_SEALED = AT_TAG + COR_WRAP_TAG,
  LOCK_MAX = AT_SEALED + COR_WRAP_MAX
};

static const char *const PLAIN[] = {"curve.key", "signing.key"};
enum { N_PLAIN = sizeof PLAIN / sizeof *PLAIN };

static bool path_in(const char *dir, const char *file, char out[PATH_MAX], cor_error *err) {
  int n = snprintf(out, PATH_MAX, "%s/%s", dir, file);
  return (n > 0 && n < PATH_MAX) || cor_fail(err, COR_BAD_INPUT, "dir", "the directory's name is too long");
}

bool cor_office_locked(const char *dir) {
  char path[PATH_MAX];
  cor_error ignored;
  return path_in(dir, "office.lock", path, &ignored) && access(path, F_OK) == 0;
}

/* MAGIC 00 office 00 curve.pub */
typedef struct binding {
  uint8_t data[sizeof MAGIC + COR_OFFICE_MAX + 1 + CURVE_TEXT];
  size_t len;
} binding;

static binding bind_to(const cor_office *office) {
  binding b = {.len = sizeof MAGIC};
  const size_t id = strlen(office->id) + 1, key = strlen(office->curve_public);
  memcpy(b.data, MAGIC, sizeof MAGIC);
  memcpy(b.data + b.len, office->id, id);
  memcpy(b.data + b.len + id, office->curve_public, key);
  b.len += id + key;
  return b;
}

/* ---- opening ---- */

static bool is_lock(cor_bytes file) {
  return file.len > AT_SEALED + CURVE_TEXT && file.len <= LOCK_MAX &&
         memcmp(file.data, MAGIC, sizeof MAGIC) == 0;
}

static bool take_keys(const uint8_t *plain, size_t len, cor_office *out) {
  const unsigned char *der = plain + CURVE_TEXT;
  memcpy(out->curve_secret, plain, CURVE_TEXT);
  out->curve_secret[CURVE_TEXT] = '\0';
  PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &der, (long)(len - CURVE_TEXT));
  out->signing = info && der == plain + len ? EVP_PKCS82PKEY(info) : NULL;
  PKCS8_PRIV_KEY_INFO_free(info);
  ERR_clear_error();
  return cor_key_is_p256(out->signing);
}

static bool open_lock(cor_bytes file, const char *passphrase, cor_office *out, cor_error *err) {
  uint8_t kek[COR_WRAP_KEY], plain[COR_WRAP_MAX];
  cor_wrapped in = {.len = 0};
  const binding aad = bind_to(out);
  if (!is_lock(file))
    return cor_fail(err, COR_BAD_INPUT, "office.lock", "office.lock is damaged; restore it from a backup");
  in.len = file.len - AT_SEALED;
  memcpy(in.iv, file.data + AT_IV, COR_WRAP_IV);
  memcpy(in.tag, file.data + AT_TAG, COR_WRAP_TAG);
  memcpy(in.data, file.data + AT_SEALED, in.len);
  bool ok = strlen(passphrase) <= COR_PASSPHRASE_MAX &&
            cor_wrap_stretch(passphrase, file.data + AT_SALT, kek) &&
            cor_wrap_open(kek, (cor_bytes){aad.data, aad.len}, &in, plain);
  ok = ok ? take_keys(plain, in.len, out) ||
                cor_fail(err, COR_BAD_INPUT, "office.lock", "office.lock holds no keys; restore a backup")
          : cor_fail(err, COR_WRONG_PASSPHRASE, "", "this passphrase does not unlock the office's keys");
  OPENSSL_cleanse(kek, sizeof kek);
  OPENSSL_cleanse(plain, sizeof plain);
  ERR_clear_error();
  return ok;
}

bool cor_office_open(const char *dir, const char *passphrase, cor_office *out, cor_error *err) {
  char path[PATH_MAX];
  cor_buf file = {0};
  bool ok = cor_office_describe(dir, out, err) && path_in(dir, "office.lock", path, err) &&
            cor_file_read(path, LOCK_MAX, true, &file, err) &&
            open_lock(cor_buf_view(&file), passphrase, out, err);
  cor_buf_clear(&file);
  if (!ok) cor_office_clear(out);
  return ok;
}

/* ---- locking ---- */

static bool put_keys(const cor_office *office, uint8_t plain[COR_WRAP_MAX], size_t *len) {
  unsigned char *der = NULL;
  PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(office->signing);
  const int n = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;
  const bool ok = n > 0 && (size_t)n <= COR_WRAP_MAX - CURVE_TEXT;
  memcpy(plain, office->curve_secret, CURVE_TEXT);
  if (ok) memcpy(plain + CURVE_TEXT, der, (size_t)n);
  *len = ok ? CURVE_TEXT + (size_t)n : 0;
  if (n > 0) OPENSSL_clear_free(der, (size_t)n);
  PKCS8_PRIV_KEY_INFO_free(info);
  return ok;
}

static bool write_lock(const char *dir, const cor_office *office, const char *passphrase, cor_error *err) {
  char path[PATH_MAX];
  uint8_t file[LOCK_MAX], kek[COR_WRAP_KEY], plain[COR_WRAP_MAX];
  size_t len = 0;
  cor_wrapped out;
  const binding aad = bind_to(office);
  memcpy(file, MAGIC, sizeof MAGIC);
  cor_random(file + AT_SALT, COR_WRAP_SALT);
  bool ok = put_keys(office, plain, &len) && cor_wrap_stretch(passphrase, file + AT_SALT, kek) &&
            cor_wrap_seal(kek, (cor_bytes){aad.data, aad.len}, (cor_bytes){plain, len}, &out);
  OPENSSL_cleanse(plain, sizeof plain);
  OPENSSL_cleanse(kek, sizeof kek);
  if (!ok) return cor_fail(err, COR_INTERNAL, "", "could not lock the keys; they lie open as before");
  memcpy(file + AT_IV, out.iv, COR_WRAP_IV);
  memcpy(file + AT_TAG, out.tag, COR_WRAP_TAG);
  memcpy(file + AT_SEALED, out.data, out.len);
  return path_in(dir, "office.lock", path, err) &&
         cor_file_write(path, (cor_bytes){file, AT_SEALED + out.len}, 0600, err);
}

/* Overwritten first, for disks that write in place. */
static bool remove_plain(const char *dir, const char *name, cor_error *err) {
  static const uint8_t zeros[4096];
  char path[PATH_MAX];
  struct stat st;
  if (!path_in(dir, name, path, err)) return false;
  const int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return access(path, F_OK) != 0 || cor_fail(err, COR_INTERNAL, name, "cannot remove %s", path);
  bool ok = fstat(fd, &st) == 0;
  if (ok && st.st_size <= (off_t)sizeof zeros)
    ok = write(fd, zeros, (size_t)st.st_size) == (ssize_t)st.st_size && fsync(fd) == 0;
  close(fd);
  return (unlink(path) == 0 && ok) || cor_fail(err, COR_INTERNAL, name, "cannot remove %s", path);
}

bool cor_office_lock(const char *dir, const char *passphrase, cor_error *err) {
  cor_office office;
  const size_t len = strlen(passphrase);
  if (len < COR_PASSPHRASE_MIN || len > COR_PASSPHRASE_MAX)
    return cor_fail(err, COR_BAD_INPUT, "passphrase", "a passphrase has 8 to 1024 bytes");
  bool ok = true;
  if (!cor_office_locked(dir)) {
    ok = cor_office_load(dir, &office, err) && write_lock(dir, &office, passphrase, err);
    cor_office_clear(&office);
  }
  /* Read back from the disk, which also completes a locking that was cut short. */
  ok = ok && cor_office_open(dir, passphrase, &office, err);
  if (!ok) return false;
  cor_office_clear(&office);
  for (size_t i = 0; ok && i < N_PLAIN; i++)
    ok = remove_plain(dir, PLAIN[i], err);
  return ok;
}

bool cor_office_unlock(const char *dir, const char *passphrase, cor_error *err) {
  char path[PATH_MAX], line[CURVE_TEXT + 1];
  cor_office office;
  cor_buf pem = {0};
  if (!cor_office_locked(dir))
    return cor_fail(err, COR_CONFLICT, "dir", "the keys of this office are not locked; nothing was changed");
  if (!cor_office_open(dir, passphrase, &office, err)) return false;
  memcpy(line, office.curve_secret, CURVE_TEXT);
  line[CURVE_TEXT] = '\n';
  bool ok = path_in(dir, PLAIN[0], path, err) &&
            cor_file_write(path, (cor_bytes){(const uint8_t *)line, sizeof line}, 0600, err) &&
            cor_key_pem(office.signing, &pem, err) && path_in(dir, PLAIN[1], path, err) &&
            cor_file_write(path, cor_buf_view(&pem), 0600, err) && path_in(dir, "office.lock", path, err);
  if (ok && unlink(path) != 0) ok = cor_fail(err, COR_INTERNAL, "office.lock", "cannot remove %s", path);
  OPENSSL_cleanse(line, sizeof line);
  cor_buf_clear(&pem);
  cor_office_clear(&office);
  return ok;
}
