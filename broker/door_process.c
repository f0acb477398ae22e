/* door_process.c - limits of the door's process.
 *
 * Guarantees: after door_process_confine the process cannot be dumped or traced
 * by its own user (it holds the CURVE secret), gains no privilege, has
 * descriptors for every connection it may accept (libzmq aborts when they run
 * out, so we refuse to start instead), and its sockets lie where nobody else
 * may go. Trusts: the kernel. Fatal: the caller does not start on an error. */
#include "door_process.h"
#include "corridor/refusal.h"
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* A sanitizer's shadow memory takes terabytes of address space, and its leak check traces us. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* TCP, unix socket both ends, ZeroMQ's listener and its mailbox; twice, because
 * ZeroMQ closes in its own time. */
enum { DESCRIPTORS_EACH = 10, DESCRIPTORS_OWN = 64, ARENAS = 2 };

/* libzmq takes four blocks of 8 to 18 KiB for a connection and uses the first page
 * of each while it is idle. By themselves they cost only those pages, and go back
 * to the kernel when freed. */
enum { OWN_PAGES_FROM = 8 * 1024 };

static bool limit_descriptors(size_t connections, cor_error *err) {
  struct rlimit limit;
  const rlim_t need = (rlim_t)connections * DESCRIPTORS_EACH + DESCRIPTORS_OWN;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return cor_fail(err, COR_INTERNAL, "", "cannot read limits");
  if (limit.rlim_cur >= need) return true;
  limit.rlim_cur = need;
  if (need <= limit.rlim_max && setrlimit(RLIMIT_NOFILE, &limit) == 0) return true;
  return cor_fail(err, COR_LIMIT_REACHED, "connections_max",
                  "needs %llu open files, the limit is %llu; raise LimitNOFILE or lower connections_max",
                  (unsigned long long)need, (unsigned long long)limit.rlim_max);
}

static bool limit_memory(size_t bytes, cor_error *err) {
  if (SANITIZED) return true;
  (void)mallopt(M_MMAP_THRESHOLD, OWN_PAGES_FROM);
  (void)mallopt(M_ARENA_MAX, ARENAS); /* each arena reserves 64 MiB */
  if (bytes == 0) return true;
  const struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};
  return setrlimit(RLIMIT_AS, &limit) == 0 ||
         cor_fail(err, COR_INTERNAL, "memory_max", "cannot set the limit: %s", strerror(errno));
}

static bool private_directory(const char *path, cor_error *err) {
  struct stat info;
  if (mkdir(path, 0700) != 0 && errno != EEXIST)
    return cor_fail(err, COR_BAD_INPUT, "run_dir", "cannot make it: %s", strerror(errno));
  if (lstat(path, &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != geteuid() || (info.st_mode & 077))
    return cor_fail(err, COR_KEY_FILE_EXPOSED, "run_dir",
                    "not a directory of the door's own account with mode 0700");
  return true;
}

bool door_process_confine(const door_settings *settings, cor_error *err) {
  if ((!SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return cor_fail(err, COR_INTERNAL, "", "cannot give up privileges: %s", strerror(errno));
  return private_directory(settings->run_dir, err) && limit_descriptors(settings->connections_max, err) &&
         limit_memory(settings->memory_max, err);
}

void door_process_trim(void) {
  (void)malloc_trim(0);
}

int door_process_signals(cor_error *err) {
  sigset_t all, read;
  sigemptyset(&read);
  sigaddset(&read, SIGTERM);
  sigaddset(&read, SIGINT);
  sigaddset(&read, SIGHUP);
  all = read;
  sigaddset(&all, SIGPIPE);
  int fd = -1;
  if (sigprocmask(SIG_BLOCK, &all, NULL) == 0) fd = signalfd(-1, &read, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) (void)cor_fail(err, COR_INTERNAL, "", "cannot take signals: %s", strerror(errno));
  return fd;
}
