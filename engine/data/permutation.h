/* A shuffled order of 0..n-1 without storing it: a keyed bijection (Feistel
 * network over the next power of four, walked until it lands inside). Place i of
 * an epoch is a function of (seed, epoch, i), so a cursor is all that a checkpoint
 * needs. */
#ifndef ENGINE_DATA_PERMUTATION_H
#define ENGINE_DATA_PERMUTATION_H

#include <stdint.h>

/* i < n. */
uint64_t permutation_at(uint64_t n, uint64_t seed, uint64_t epoch, uint64_t i);

#endif
