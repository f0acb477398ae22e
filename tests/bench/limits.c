/* limits.c - what the machine allows, measured beside the load: fdatasync of 4
 * KiB appends in the given directory, and ECDSA P-256 verifications on one core.
 * Prints one JSON line. */
#include "corridor/ca.h"
#include "corridor/clock.h"
#include "corridor/codec.h"
#include "corridor/sign.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECOND_US = 1000000 };

static double syncs_per_second(const char *dir) {
  char path[512];
  static char block[4096];
  int64_t n = 0, begin = cor_clock_monotonic_us(), now = begin;
  snprintf(path, sizeof path, "%s/fsync.probe", dir);
  int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return 0;
  for (; now - begin < SECOND_US; now = cor_clock_monotonic_us(), n++)
    if (write(fd, block, sizeof block) != (ssize_t)sizeof block || fdatasync(fd) != 0) break;
  close(fd);
  unlink(path);
  return (double)n * SECOND_US / (double)(now - begin);
}

static double verifies_per_second(void) {
  cor_error err = {0};
  static const uint8_t content[300] = {1};
  const cor_bytes one = {content, sizeof content};
  Corridor__V1__Signature *signature = NULL;
  EVP_PKEY *key = cor_key_new(&err);
  if (!key || !cor_sign(key, COR_DOMAIN_HEADER, "bench", 3, &one, 1, &signature, &err)) return 0;
  int64_t n = 0, begin = cor_clock_monotonic_us(), now = begin;
  for (; now - begin < SECOND_US; now = cor_clock_monotonic_us(), n++)
    if (!cor_verify(key, COR_DOMAIN_HEADER, "bench", 3, one, signature, NULL, &err)) break;
  cor_message_free(&signature->base);
  EVP_PKEY_free(key);
  return (double)n * SECOND_US / (double)(now - begin);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  printf("{\"fdatasync_per_second\": %.0f, \"ecdsa_verify_per_second\": %.0f}\n", syncs_per_second(argv[1]),
         verifies_per_second());
  return 0;
}
