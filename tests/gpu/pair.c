#include "tests/gpu/pair.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/mem.h"
#include "tests/support/gradcheck.h"

struct pair pair_of(struct sides *s, const real *host, size_t count)
{
    struct pair p = {.count = count};
    for (int i = 0; i < SIDES; i++)
        p.on[i] = device_reals_of(s->on[i], host, count);
    return p;
}

struct pair pair_random(struct sides *s, size_t count, double scale)
{
    real *x = random_reals(&s->rng, count, scale);
    struct pair p = pair_of(s, x, count);
    free(x);
    return p;
}

struct pair pair_copied(struct sides *s, const struct pair *p)
{
    return pair_of(s, p->on[HOST], p->count);
}

void pair_compare(struct sides *s, const char *what, const struct pair *p, double bound)
{
    real *got = xcalloc(p->count, sizeof *got);
    double most = p->unit, off = 0;
    s->on[GPU]->ops->download(s->on[GPU], got, p->on[GPU], p->count * sizeof *got);
    for (size_t i = 0; i < p->count; i++) {
        double want = (double)p->on[HOST][i], difference = fabs((double)got[i] - want);
        most = p->unit > 0 ? p->unit : fmax(most, fabs(want));
        off = difference > off || isnan(difference) ? difference : off;
        if (isnan(difference))
            break;
    }
    bool good = off <= bound * most;
    printf("%-10s %-28s %.1e of %.1e  %s\n", s->shape, what, most > 0 ? off / most : off, bound,
           good ? "ok" : "WRONG");
    s->ok = s->ok && good;
    free(got);
}
