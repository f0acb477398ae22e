/* merkle.h - internal to sign.c: all nodes of one batch's tree at once, so that
 * the paths of n leaves cost 2n hashes and not n squared. */
#ifndef CORRIDOR_MERKLE_H
#define CORRIDOR_MERKLE_H
#include "corridor/base.h"

/* Entries an array needs to hold the tree of n leaves. */
size_t cor_merkle_nodes(size_t n);
/* nodes[0..n) hold the leaves; fills the rest. The last node is the root. */
void cor_merkle_build(uint8_t (*nodes)[COR_HASH_LEN], size_t n);
/* As cor_merkle_path, from a built tree. */
size_t cor_merkle_built_path(const uint8_t (*nodes)[COR_HASH_LEN], size_t n, size_t index,
                             uint8_t (*path)[COR_HASH_LEN]);
#endif
