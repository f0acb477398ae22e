/* seed.h - chance that can be had again: bytes from the seed, a word and two
 * numbers, the same every time and in any order. */
#ifndef CASELOAD_SEED_H
#define CASELOAD_SEED_H
#include "corridor/base.h"

/* At most COR_HASH_LEN bytes. */
void seed_bytes(uint64_t seed, const char *word, uint64_t a, uint64_t b, uint8_t *out, size_t len);
/* 0 to below - 1. */
uint32_t seed_below(uint64_t seed, const char *word, uint64_t a, uint64_t b, uint32_t below);
#endif
