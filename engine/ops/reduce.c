#include "engine/ops/reduce.h"

#include "engine/base/size.h"
#include "engine/ops/simd.h"
#include "engine/ops/simd_math.h"

SIMD_BODY void sum_body(real *out, const real *x, size_t n)
{
    lanes sum = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        sum += LANES_OF(x + i);
    real total = LANES_SUM(sum);
    for (; i < n; i++)
        total += x[i];
    *out = total;
}
SIMD_DISPATCH(sum, (real *out, const real *x, size_t n), (out, x, n))

real reduce_sum(const real *x, size_t n)
{
    real out;
    sum(&out, x, n);
    return out;
}

SIMD_BODY void max_body(real *out, const real *x, size_t n)
{
    lanes most = (lanes){0} - (real)INFINITY;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        lanes v = LANES_OF(x + i);
        most = LANES_WHERE(v > most, v, most);
    }
    real total = most[0];
    for (size_t j = 1; j < LANES; j++)
        total = most[j] > total ? most[j] : total;
    for (; i < n; i++)
        total = x[i] > total ? x[i] : total;
    *out = total;
}
SIMD_DISPATCH(max, (real *out, const real *x, size_t n), (out, x, n))

real reduce_max(const real *x, size_t n)
{
    real out;
    max(&out, x, n);
    return out;
}

SIMD_BODY void dot_body(real *out, const real *a, const real *b, size_t n)
{
    lanes s0 = {0}, s1 = {0};
    size_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        s0 += LANES_OF(a + i) * LANES_OF(b + i);
        s1 += LANES_OF(a + i + LANES) * LANES_OF(b + i + LANES);
    }
    s0 += s1;
    real total = LANES_SUM(s0);
    for (; i < n; i++)
        total += a[i] * b[i];
    *out = total;
}
SIMD_DISPATCH(dot, (real *out, const real *a, const real *b, size_t n), (out, a, b, n))

real reduce_dot(const real *a, const real *b, size_t n)
{
    real out;
    dot(&out, a, b, n);
    return out;
}

SIMD_BODY void dot3_body(real *out, const real *a, const real *b, const real *c, size_t n)
{
    lanes sum = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        sum += LANES_OF(a + i) * LANES_OF(b + i) * LANES_OF(c + i);
    real total = LANES_SUM(sum);
    for (; i < n; i++)
        total += a[i] * b[i] * c[i];
    *out = total;
}
SIMD_DISPATCH(dot3, (real *out, const real *a, const real *b, const real *c, size_t n),
              (out, a, b, c, n))

real reduce_dot3(const real *a, const real *b, const real *c, size_t n)
{
    real out;
    dot3(&out, a, b, c, n);
    return out;
}

SIMD_BODY void distance_body(real *out, const real *x, real centre, size_t n)
{
    lanes sum = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        lanes d = LANES_OF(x + i) - centre;
        sum += d * d;
    }
    real total = LANES_SUM(sum);
    for (; i < n; i++)
        total += (x[i] - centre) * (x[i] - centre);
    *out = total;
}
SIMD_DISPATCH(distance, (real *out, const real *x, real centre, size_t n), (out, x, centre, n))

real reduce_square_distance(const real *x, real centre, size_t n)
{
    real out;
    distance(&out, x, centre, n);
    return out;
}

/* One block of at most EXP_BLOCK values; the rest of the last eight counts as 0. */
enum { EXP_BLOCK = 512 };
SIMD_BODY void exp_block_body(real *total, real *y, const real *x, real scale, real offset,
                              size_t n, const bool wide)
{
    lanes sum = {0};
    size_t i = 0;
    for (; wide && i + WIDE <= n; i += WIDE) {
        lanes_wide v = WIDE_OF(x + i) * scale - offset;
        wide_exp(&v);
        WIDE_AT(y + i) = v;
        WIDE_ADD_TO(sum, v);
    }
    for (; i + LANES <= n; i += LANES) {
        lanes v = LANES_OF(x + i) * scale - offset;
        lanes_exp(&v);
        LANES_AT(y + i) = v;
        sum += v;
    }
    if (i < n) {
        lanes v = {0};
        for (size_t j = i; j < n; j++)
            v[j - i] = x[j] * scale - offset;
        lanes_exp(&v);
        for (size_t j = i; j < n; j++) {
            y[j] = v[j - i];
            sum[j - i] += v[j - i];
        }
    }
    *total = LANES_SUM(sum);
}
SIMD_DISPATCH_WIDE(exp_block,
                   (real *total, real *y, const real *x, real scale, real offset, size_t n),
                   (total, y, x, scale, offset, n))

double reduce_exp(real *y, const real *x, real scale, real offset, size_t n)
{
    double total = 0;
    for (size_t i = 0; i < n; i += EXP_BLOCK) {
        real part;
        exp_block(&part, y + i, x + i, scale, offset, size_min(EXP_BLOCK, n - i));
        total += (double)part;
    }
    return total;
}

double reduce_squares(const real *x, size_t n)
{
    enum { BLOCK = 1024 };
    double sum = 0;
    for (size_t first = 0; first < n; first += BLOCK) {
        sum += (double)reduce_dot(x + first, x + first, size_min(BLOCK, n - first));
    }
    return sum;
}
