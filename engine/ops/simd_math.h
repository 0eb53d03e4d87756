/* exp and its relatives for eight and sixteen lanes. Error below 2 ulp of float; the double
 * build calls the C library, so that gradient checks see exact functions. */
#ifndef ENGINE_OPS_SIMD_MATH_H
#define ENGINE_OPS_SIMD_MATH_H

#include "engine/ops/simd.h"

#ifdef REAL_DOUBLE

#define SIMD_EXP(name, vector, bits, where, count)                             \
    SIMD_BODY void name(vector *x)                                             \
    {                                                                          \
        for (int i = 0; i < (count); i++)                                      \
            (*x)[i] = exp((*x)[i]);                                            \
    }

#else

/* x = n ln 2 + r, |r| <= ln 2 / 2; exp(x) = 2^n exp(r), exp(r) by its Taylor
 * polynomial. ln 2 is in two parts: the product of n with the first is exact.
 * Below -87 the result is 0, above 88 infinity, NaN stays NaN. */
static const float round_off = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
#define SIMD_EXP(name, vector, bits, where, count)                             \
    SIMD_BODY void name(vector *x)                                             \
    {                                                                          \
        const vector v = *x;                                                   \
        vector shifted = v * 1.44269504088896341f + round_off;                 \
        vector n = shifted - round_off;                                        \
        vector r = (v - n * 0.693359375f) - n * -2.12194440054690583e-4f;      \
        vector p = r * (1.0f / 5040) + 1.0f / 720;                             \
        p = p * r + 1.0f / 120;                                                \
        p = p * r + 1.0f / 24;                                                 \
        p = p * r + 1.0f / 6;                                                  \
        p = p * r + 0.5f;                                                      \
        p = (p * r) * r + r + 1.0f;                                            \
        p = (vector)(((bits)shifted << 23) + (bits)p);                         \
        p = where(v < -87.0f, (vector){0}, p);                                 \
        p = where(v > 88.0f, (vector){0} + (float)INFINITY, p);                \
        *x = where(v != v, v, p);                                              \
    }

#endif

SIMD_EXP(lanes_exp, lanes, lanes_bits, LANES_WHERE, LANES)
SIMD_EXP(wide_exp, lanes_wide, lanes_wide_bits, WIDE_WHERE, WIDE)

/* The logistic function 1 / (1 + exp(-x)). */
#define SIMD_SIGMOID(name, vector, exp_of)                                     \
    SIMD_BODY void name(vector *x)                                             \
    {                                                                          \
        *x = -*x;                                                              \
        exp_of(x);                                                             \
        *x = 1 / (1 + *x);                                                     \
    }
SIMD_SIGMOID(lanes_sigmoid, lanes, lanes_exp)
SIMD_SIGMOID(wide_sigmoid, lanes_wide, wide_exp)

#endif
