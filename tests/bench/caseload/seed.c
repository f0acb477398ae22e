/* seed.c - SHA-256 of seed, word and numbers.
 *
 * For: everything in the caseload that looks random. Nothing is kept, so a
 * message can be made again, alone, from its place in the plan. Not for keys:
 * those are really random. */
#include "seed.h"
#include <string.h>

void seed_bytes(uint64_t seed, const char *word, uint64_t a, uint64_t b, uint8_t *out, size_t len) {
  uint8_t hash[COR_HASH_LEN];
  const uint64_t numbers[] = {seed, a, b};
  cor_sha256(hash,
             (cor_bytes[]){{(const uint8_t *)numbers, sizeof numbers}, {(const uint8_t *)word, strlen(word)}},
             2);
  memcpy(out, hash, len);
}

uint32_t seed_below(uint64_t seed, const char *word, uint64_t a, uint64_t b, uint32_t below) {
  uint32_t number;
  seed_bytes(seed, word, a, b, (uint8_t *)&number, sizeof number);
  return number % below;
}
