/* Random numbers: xoshiro256**, seeded through splitmix64 (Blackman and Vigna).
 * The state is plain data, so that a checkpoint can hold it. */
#ifndef ENGINE_BASE_RNG_H
#define ENGINE_BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_seed(struct rng *rng, uint64_t seed);
uint64_t rng_next(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t n); /* uniform in 0..n-1, n > 0 */
double rng_uniform(struct rng *rng);             /* uniform in [0, 1) */
double rng_normal(struct rng *rng);              /* N(0, 1) */

#endif
