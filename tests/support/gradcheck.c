#include "tests/support/gradcheck.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "tests/support/usage.h"

enum { ELEMENTS_MAX = 300, DIRECTIONS = 3 };
static const double step = 1e-6, tolerance = 1e-6;
static struct usages usages; /* of the whole program */

static void report(void)
{
    usages_report(&usages, "gradcheck");
}

bool gradcheck_possible(void)
{
    return sizeof(real) == sizeof(double);
}

double weighted_sum(const real *y, const real *r, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)y[i] * (double)r[i];
    return sum;
}

real *random_reals(struct rng *rng, size_t count, double scale)
{
    real *x = xcalloc(count, sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = (real)(scale * rng_normal(rng));
    return x;
}

static double numeric(double (*loss)(void *), void *context, real *x)
{
    real kept = *x;
    *x = (real)((double)kept + step);
    double above = loss(context);
    *x = (real)((double)kept - step);
    double below = loss(context);
    *x = kept;
    return (above - below) / (2 * step);
}

/* Of a name "case, tensor" the table has a line for the tensor. */
static void account(const char *name, const char *place, double used)
{
    const char *tensor = strstr(name, ", ");
    char where[128];
    snprintf(where, sizeof where, "%s, %s", name, place);
    if (!usages.count)
        atexit(report);
    usages_add(&usages, tensor ? tensor + 2 : name, where, used, 1);
}

static void check(const char *name, const char *place, double want, double got, double scale)
{
    double allowed = tolerance * scale, off = fabs(want - got);
    account(name, place, off > 0 ? off / allowed : 0);
    if (!(off <= allowed))
        fail_msg("%s, %s: gradient %.12g, central difference %.12g (scale %.3g)", name, place, got,
                 want, scale);
}

/* Along a direction of random signs. The step is divided by sqrt(n), so that x
 * moves as far as for one element. */
static void check_direction(const char *name, double (*loss)(void *), void *context, real *x,
                            const real *dx, size_t n, struct rng *rng)
{
    real *kept = xmalloc(n * sizeof *kept), *sign = xmalloc(n * sizeof *sign);
    memcpy(kept, x, n * sizeof *kept);
    double expected = 0, square = 0, length = step / sqrt((double)n);
    for (size_t i = 0; i < n; i++) {
        sign[i] = rng_next(rng) >> 63 ? 1 : -1;
        expected += (double)(sign[i] * dx[i]);
        square += (double)dx[i] * (double)dx[i];
    }
    double value[2];
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < n; i++)
            x[i] = (real)((double)kept[i] + (side ? -length : length) * (double)sign[i]);
        value[side] = loss(context);
    }
    memcpy(x, kept, n * sizeof *kept);
    check(name, "a random direction", (value[0] - value[1]) / (2 * length), expected,
          sqrt(square * (double)n));
    free(kept);
    free(sign);
}

void gradcheck(const char *name, double (*loss)(void *), void *context, real *x, const real *dx,
               size_t n)
{
    if (!gradcheck_possible())
        return;
    double scale = 0;
    for (size_t i = 0; i < n; i++)
        scale = fmax(scale, fabs((double)dx[i]));
    struct rng rng;
    rng_seed(&rng, n);
    for (size_t e = 0; e < n && e < ELEMENTS_MAX; e++) {
        size_t i = n <= ELEMENTS_MAX ? e : (size_t)rng_below(&rng, n);
        char place[40];
        snprintf(place, sizeof place, "element %zu of %zu", i, n);
        check(name, place, numeric(loss, context, x + i), (double)dx[i], scale);
    }
    for (int d = 0; d < DIRECTIONS; d++)
        check_direction(name, loss, context, x, dx, n, &rng);
}
