/* Wide arithmetic in portable C: gcc's vector types, compiled for the
 * baseline, for AVX2 and for AVX-512, chosen when the program runs.
 *
 * Eight lanes, or twice eight, and multiply and add are never fused, so that a kernel
 * gives the same bits in all versions; only matmul.c's BLAS depends on the CPU. */
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

/* Two of them side by side, for values that do not meet each other: one register of AVX-512.
 * For a SIMD_DISPATCH_WIDE alone, as gcc keeps what no register holds in memory. */
enum { WIDE = 2 * LANES };
typedef real lanes_wide __attribute__((vector_size(WIDE * sizeof(real))));
typedef real lanes_wide_at __attribute__((vector_size(WIDE * sizeof(real)),
                                          aligned(sizeof(real)), may_alias));
#define WIDE_AT(pointer) (*(lanes_wide_at *)(pointer))
#define WIDE_OF(pointer) (*(const lanes_wide_at *)(pointer))
#ifdef REAL_DOUBLE
typedef uint64_t lanes_wide_bits __attribute__((vector_size(WIDE * sizeof(real))));
#else
typedef uint32_t lanes_wide_bits __attribute__((vector_size(WIDE * sizeof(real))));
#endif
#define WIDE_WHERE(condition, yes, no)                                         \
    ((lanes_wide)(((lanes_wide_bits)(yes) & (lanes_wide_bits)(condition)) |    \
                  ((lanes_wide_bits)(no) & ~(lanes_wide_bits)(condition))))

/* sum += one half, then the other: as if they had come one after the other. */
#define WIDE_ADD_TO(sum, v)                                                    \
    ((sum) = ((sum) + __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7)) + \
             __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15))

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
 * with the same parameters) in the version for this CPU. That for AVX-512 has eight lanes
 * too, but twice as many registers, and choices in one instruction.
 *
 * With _WIDE, name_body has one parameter more, `const bool wide`: may it use WIDE lanes? */
#define SIMD_LIST(...) __VA_ARGS__
#if defined(__x86_64__)
#if defined(__clang__) /* takes the width of the types anyway */
#define SIMD_AVX512 "avx2,avx512f,avx512bw,avx512dq,avx512vl"
#else
#define SIMD_AVX512 "avx2,avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512"
#endif
#define SIMD_DISPATCH(name, params, arguments)                                 \
    SIMD_VERSIONS(name, params, arguments, arguments, arguments)
#define SIMD_DISPATCH_WIDE(name, params, arguments)                            \
    SIMD_VERSIONS(name, params, arguments, (SIMD_LIST arguments, false),       \
                  (SIMD_LIST arguments, true))
#define SIMD_VERSIONS(name, params, arguments, narrow, wide)                   \
    __attribute__((target(SIMD_AVX512))) static void name##_avx512 params      \
    {                                                                          \
        name##_body wide;                                                      \
    }                                                                          \
    __attribute__((target("avx2"))) static void name##_avx2 params             \
    {                                                                          \
        name##_body narrow;                                                    \
    }                                                                          \
    static void name params                                                    \
    {                                                                          \
        if (simd_has_avx512())                                                 \
            name##_avx512 arguments;                                           \
        else if (simd_has_avx2())                                              \
            name##_avx2 arguments;                                             \
        else                                                                   \
            name##_body narrow;                                                \
    }
static inline bool simd_has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}
static inline bool simd_has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#else
#define SIMD_DISPATCH(name, params, arguments)                                 \
    SIMD_PORTABLE(name, params, arguments)
#define SIMD_DISPATCH_WIDE(name, params, arguments)                            \
    SIMD_PORTABLE(name, params, (SIMD_LIST arguments, false))
#define SIMD_PORTABLE(name, params, arguments)                                 \
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
