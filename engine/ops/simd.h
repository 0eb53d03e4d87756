/* Wide arithmetic in portable C: gcc's vector types, compiled once for the
 * baseline and once for AVX2, chosen when the program runs.
 *
 * Always eight lanes, and multiply and add are never fused, so that a kernel
 * gives the same bits in both versions; only matmul.c's BLAS depends on the CPU. */
#ifndef ENGINE_OPS_SIMD_H
#define ENGINE_OPS_SIMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/ops/real.h"

enum { LANES = 8 };
typedef real lanes __attribute__((vector_size(LANES * sizeof(real))));

/* Its bits, and what a comparison of lanes gives: all ones or all zeros. */
#ifdef REAL_DOUBLE
typedef uint64_t lanes_bits __attribute__((vector_size(LANES * sizeof(real))));
#else
typedef uint32_t lanes_bits __attribute__((vector_size(LANES * sizeof(real))));
#endif
#define LANES_WHERE(condition, yes, no)                                        \
    ((lanes)(((lanes_bits)(yes) & (lanes_bits)(condition)) |                   \
             ((lanes_bits)(no) & ~(lanes_bits)(condition))))

/* The same at any address of a real. */
typedef real lanes_at __attribute__((vector_size(LANES * sizeof(real)), aligned(sizeof(real)),
                                     may_alias));
#define LANES_AT(pointer) (*(lanes_at *)(pointer))
#define LANES_OF(pointer) (*(const lanes_at *)(pointer))

#define SIMD_BODY static inline __attribute__((always_inline))

/* Sum of the lanes, as a tree: ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)). */
typedef real lanes_half __attribute__((vector_size(LANES / 2 * sizeof(real))));
SIMD_BODY real lanes_sum(const lanes *v)
{
    lanes_half sum = __builtin_shufflevector(*v, *v, 0, 1, 2, 3) +
                     __builtin_shufflevector(*v, *v, 4, 5, 6, 7);
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}
#define LANES_SUM(v) lanes_sum(&(v))

/* Defines `static void name params`, which runs name_body (a SIMD_BODY function
 * with the same parameters) in the version for this CPU. */
#if defined(__x86_64__)
#define SIMD_DISPATCH(name, params, arguments)                                 \
    __attribute__((target("avx2"))) static void name##_avx2 params             \
    {                                                                          \
        name##_body arguments;                                                 \
    }                                                                          \
    static void name params                                                    \
    {                                                                          \
        if (simd_has_avx2())                                                   \
            name##_avx2 arguments;                                             \
        else                                                                   \
            name##_body arguments;                                             \
    }
static inline bool simd_has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}
#else
#define SIMD_DISPATCH(name, params, arguments)                                 \
    static void name params                                                    \
    {                                                                          \
        name##_body arguments;                                                 \
    }
static inline bool simd_has_avx2(void)
{
    return false;
}
#endif

#endif
