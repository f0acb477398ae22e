/* merkle.c - the Merkle tree of RFC 9162 2.1, over leaves that are hashed already.
 *
 * Two ways to the same tree: the public functions follow the RFC's recursive
 * definition and need no memory; the built tree (merkle.h) keeps every level,
 * where a node without a right sibling moves up unchanged, and serves a batch.
 * A test holds the two against each other and against published vectors.
 * Inputs may come from a peer only in cor_merkle_root_from_path, which bounds its
 * work by the 64 bits of size. Nothing here is fatal. */
#include "merkle.h"
#include "corridor/sign.h"
#include <string.h>

enum { PATH_MAX_HASHES = 32, LEVELS_MAX = 64 };

static void hash_node(const uint8_t *left, const uint8_t *right, uint8_t out[COR_HASH_LEN]) {
  static const uint8_t prefix = 0x01;
  const cor_bytes pieces[] = {{&prefix, 1}, {left, COR_HASH_LEN}, {right, COR_HASH_LEN}};
  cor_sha256(out, pieces, 3);
}

/* Keeps the roots of the perfect subtrees seen so far, largest first; one more
 * leaf merges as many of them as its number has trailing zero bits. */
void cor_merkle_root(const uint8_t (*leaves)[COR_HASH_LEN], size_t n, uint8_t out[COR_HASH_LEN]) {
  uint8_t stack[LEVELS_MAX][COR_HASH_LEN];
  size_t top = 0;
  if (n == 0) {
    cor_sha256(out, NULL, 0);
    return;
  }
  for (size_t i = 1; i <= n; i++) {
    memcpy(stack[top++], leaves[i - 1], COR_HASH_LEN);
    for (size_t k = i; (k & 1) == 0; k >>= 1, top--)
      hash_node(stack[top - 2], stack[top - 1], stack[top - 2]);
  }
  for (; top > 1; top--)
    hash_node(stack[top - 2], stack[top - 1], stack[top - 2]);
  memcpy(out, stack[0], COR_HASH_LEN);
}

/* PATH(m, D[n]) of the RFC, walked from the root down: at each split the root of
 * the half we do not enter. The list is wanted leaf first, so it is turned. */
size_t cor_merkle_path(const uint8_t (*leaves)[COR_HASH_LEN], size_t n, size_t index,
                       uint8_t (*path)[COR_HASH_LEN]) {
  size_t len = 0;
  while (n > 1 && len < PATH_MAX_HASHES) {
    size_t split = 1;
    while (split < n - split)
      split <<= 1;
    if (index < split) {
      cor_merkle_root(leaves + split, n - split, path[len++]);
      n = split;
    } else {
      cor_merkle_root(leaves, split, path[len++]);
      leaves += split;
      index -= split;
      n -= split;
    }
  }
  for (size_t i = 0; i < len / 2; i++) {
    uint8_t swap[COR_HASH_LEN];
    memcpy(swap, path[i], COR_HASH_LEN);
    memcpy(path[i], path[len - 1 - i], COR_HASH_LEN);
    memcpy(path[len - 1 - i], swap, COR_HASH_LEN);
  }
  return len;
}

bool cor_merkle_root_from_path(const uint8_t leaf[COR_HASH_LEN], uint64_t index, uint64_t size,
                               const cor_bytes *path, size_t path_len, uint8_t out[COR_HASH_LEN]) {
  if (index >= size) return false;
  uint64_t node = index, last = size - 1;
  memcpy(out, leaf, COR_HASH_LEN);
  for (size_t i = 0; i < path_len; i++) {
    if (path[i].len != COR_HASH_LEN || last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      hash_node(path[i].data, out, out);
      while ((node & 1) == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      hash_node(out, path[i].data, out);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0;
}

size_t cor_merkle_nodes(size_t n) {
  size_t total = n;
  for (; n > 1; total += n)
    n = n / 2 + n % 2;
  return total;
}

void cor_merkle_build(uint8_t (*nodes)[COR_HASH_LEN], size_t n) {
  for (size_t above; n > 1; nodes += n, n = above) {
    above = n / 2 + n % 2;
    for (size_t i = 0; i < n / 2; i++)
      hash_node(nodes[2 * i], nodes[2 * i + 1], nodes[n + i]);
    if (n % 2 == 1) memcpy(nodes[n + n / 2], nodes[n - 1], COR_HASH_LEN);
  }
}

size_t cor_merkle_built_path(const uint8_t (*nodes)[COR_HASH_LEN], size_t n, size_t index,
                             uint8_t (*path)[COR_HASH_LEN]) {
  size_t len = 0;
  for (; n > 1; nodes += n, n = n / 2 + n % 2, index /= 2)
    if ((index ^ 1) < n) memcpy(path[len++], nodes[index ^ 1], COR_HASH_LEN);
  return len;
}
