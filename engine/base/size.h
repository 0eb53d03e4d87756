/* Checked arithmetic on sizes. Every sum and product of numbers that come from
 * a file goes through these. All return false on overflow and leave *out
 * unspecified. */
#ifndef ENGINE_BASE_SIZE_H
#define ENGINE_BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool size_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool size_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

/* Rounds up to a multiple of `unit`, a power of two. */
static inline bool size_round_up(size_t n, size_t unit, size_t *out)
{
    if (!size_add(n, unit - 1, out))
        return false;
    *out &= ~(unit - 1);
    return true;
}

static inline size_t size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t size_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* ceil(a / b), b > 0. */
static inline size_t size_div_up(size_t a, size_t b)
{
    return a / b + (a % b != 0);
}

#endif
