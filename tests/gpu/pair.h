/* The same operation on a GPU and on the host, and how far apart the results are. */
#ifndef TESTS_GPU_PAIR_H
#define TESTS_GPU_PAIR_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/rng.h"
#include "engine/ops/device.h"

enum { GPU, HOST, SIDES };

struct sides {
    struct device *on[SIDES];
    const char *shape; /* in what is printed */
    struct rng rng;
    bool ok; /* all so far */
};

/* The same numbers on both sides. */
struct pair {
    real *on[SIDES];
    size_t count;
    double unit; /* of differences; 0: the largest number */
};

struct pair pair_of(struct sides *s, const real *host, size_t count);

/* Results too begin as such, so that what adds and what overwrites is seen. */
struct pair pair_random(struct sides *s, size_t count, double scale);

/* What the host has, on both sides. */
struct pair pair_copied(struct sides *s, const struct pair *p);

/* The largest number that the host has. */
double pair_largest(const struct pair *p);

/* Prints a line; differences above bound * unit are wrong. */
void pair_compare(struct sides *s, const char *what, const struct pair *p, double bound);

#endif
