/* wipe.c - memory that held a person's data or a secret is zeroed before it is
 * given back.
 *
 * For: JSON trees and texts, decoded messages, libcrypto's buffers (it clears its
 * keys, but not the 4 KiB through which it encrypts a body), and what libraries
 * leave on a thread's stack. Guarantees: cor_wipe_free zeroes the whole block, as
 * large as the allocator made it, so that nobody has to keep its length. Holds no
 * state; cor_wipe_begin changes the libraries', which is the process's. What remains beyond
 * our reach: copies in the kernel (sockets, swap: run agents without swap or
 * with an encrypted one), and registers of running threads.
 *
 * Trusts that the blocks come from malloc. Nothing is fatal. */
#include "corridor/wipe.h"
#include <jansson.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* libcrypto's CMS copies plaintext through 4 KiB on its stack, some frames deep;
 * this is far more than any call of ours goes down. */
enum { STACK_DEPTH = 64 * 1024 };

void cor_wipe_free(void *block) {
  if (block == NULL) return;
  OPENSSL_cleanse(block, malloc_usable_size(block));
  free(block);
}

void *cor_wipe_realloc(void *block, size_t size) {
  void *grown = malloc(size);
  if (grown == NULL || block == NULL) return grown;
  const size_t had = malloc_usable_size(block);
  memcpy(grown, block, had < size ? had : size);
  cor_wipe_free(block);
  return grown;
}

/* libcrypto's own rules for no bytes: none are given, and what stood is freed. */
static void *crypto_malloc(size_t size, const char *file, int line) {
  (void)file, (void)line;
  return size == 0 ? NULL : malloc(size);
}

static void crypto_free(void *block, const char *file, int line) {
  (void)file, (void)line;
  cor_wipe_free(block);
}

static void *crypto_realloc(void *block, size_t size, const char *file, int line) {
  (void)file, (void)line;
  if (size > 0) return cor_wipe_realloc(block, size);
  cor_wipe_free(block);
  return NULL;
}

bool cor_wipe_begin(void) {
  json_set_alloc_funcs(malloc, cor_wipe_free);
  return CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) == 1;
}

__attribute__((noinline)) void cor_wipe_stack(void) {
  unsigned char left[STACK_DEPTH];
  OPENSSL_cleanse(left, sizeof left);
}
