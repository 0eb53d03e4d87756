#include "engine/data/permutation.h"

enum { ROUNDS = 6 };

static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdu;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53u;
    return x ^ (x >> 33);
}

static uint64_t feistel(uint64_t x, unsigned half_bits, uint64_t key)
{
    uint64_t mask = ((uint64_t)1 << half_bits) - 1;
    uint64_t left = x >> half_bits, right = x & mask;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t next = left ^ (mix(right + key + round * 0x9e3779b97f4a7c15u) & mask);
        left = right;
        right = next;
    }
    return left << half_bits | right;
}

uint64_t permutation_at(uint64_t n, uint64_t seed, uint64_t epoch, uint64_t i)
{
    unsigned half_bits = 1;
    while ((uint64_t)1 << (2 * half_bits) < n && half_bits < 31)
        half_bits++;
    uint64_t key = mix(seed ^ mix(epoch + 0x51ed270b7f4a7c15u));
    do
        i = feistel(i, half_bits, key);
    while (i >= n);
    return i;
}
