/* What tests of training passes share: a golden model, a small compressor of random
 * parameters and an objective over both, with windows of 16. */
#ifndef TESTS_SUPPORT_OBJECTIVE_BENCH_H
#define TESTS_SUPPORT_OBJECTIVE_BENCH_H

#include "engine/base/rng.h"
#include "engine/train/objective.h"

struct objective_bench {
    struct model *model;
    struct compressor compressor;
    struct objective objective;
};

/* Skips the test when the golden directory is not there. */
void objective_bench_open(struct objective_bench *b, struct rng *rng);
void objective_bench_close(struct objective_bench *b);

/* Fails unless got is want within `tolerance` of its largest entry. */
void objective_bench_compare(const char *what, const real *got, const real *want, size_t n,
                             double tolerance);

#endif
