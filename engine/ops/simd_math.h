/* exp and its relatives for eight lanes. Error below 2 ulp of float; the double
 * build calls the C library, so that gradient checks see exact functions. */
#ifndef ENGINE_OPS_SIMD_MATH_H
#define ENGINE_OPS_SIMD_MATH_H

#include "engine/ops/simd.h"

#ifdef REAL_DOUBLE

SIMD_BODY void lanes_exp(lanes *x)
{
    for (int i = 0; i < LANES; i++)
        (*x)[i] = exp((*x)[i]);
}

#else

/* x = n ln 2 + r, |r| <= ln 2 / 2; exp(x) = 2^n exp(r), exp(r) by its Taylor
 * polynomial. Below -87 the result is 0, above 88 infinity, NaN stays NaN. */
SIMD_BODY void lanes_exp(lanes *x)
{
    const lanes v = *x;
    const float round = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    lanes shifted = v * 1.44269504088896341f + round;
    lanes n = shifted - round;
    /* ln 2 in two parts: the product with the first is exact. */
    lanes r = (v - n * 0.693359375f) - n * -2.12194440054690583e-4f;
    lanes p = r * (1.0f / 5040) + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = (p * r) * r + r + 1.0f;
    p = (lanes)(((lanes_bits)shifted << 23) + (lanes_bits)p);
    p = LANES_WHERE(v < -87.0f, (lanes){0}, p);
    p = LANES_WHERE(v > 88.0f, (lanes){0} + (float)INFINITY, p);
    *x = LANES_WHERE(v != v, v, p);
}

#endif

/* The logistic function 1 / (1 + exp(-x)). */
SIMD_BODY void lanes_sigmoid(lanes *x)
{
    *x = -*x;
    lanes_exp(x);
    *x = 1 / (1 + *x);
}

#endif
