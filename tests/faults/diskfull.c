/* diskfull.c - a full disk for one process, on demand.
 *
 * For: tests/integration/test_faults.py, which preloads it into an agent. While the
 * file CORRIDOR_DISK_FULL exists, whatever writes to a regular file or makes one
 * longer answers ENOSPC and the file system has no free block, as on a real full
 * disk but without the right to mount one. Guarantees: standard streams, sockets
 * and pipes are left alone. Trusts the test. Fatal: a function that is not found
 * in libc. */
#include "next.h"
#include <errno.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int full(void) {
  const char *flag = getenv("CORRIDOR_DISK_FULL");
  return flag != NULL && access(flag, F_OK) == 0;
}

static int no_room(int fd) {
  struct stat st;
  if (fd <= STDERR_FILENO || !full() || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return 0;
  errno = ENOSPC;
  return 1;
}

ssize_t write(int fd, const void *data, size_t len) {
  NEXT(write);
  return no_room(fd) ? -1 : write_next(fd, data, len);
}

/* SQLite calls the functions for large files by their own names. */
ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at) {
  NEXT(pwrite64);
  return no_room(fd) ? -1 : pwrite64_next(fd, data, len, at);
}

int ftruncate64(int fd, off64_t len) {
  NEXT(ftruncate64);
  return no_room(fd) ? -1 : ftruncate64_next(fd, len);
}

int statvfs(const char *path, struct statvfs *out) {
  NEXT(statvfs);
  int outcome = statvfs_next(path, out);
  if (outcome == 0 && full()) out->f_bavail = out->f_bfree = 0;
  return outcome;
}
