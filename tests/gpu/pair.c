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

double pair_largest(const struct pair *p)
{
    double most = 0;
    for (size_t i = 0; i < p->count; i++)
        most = fmax(most, fabs((double)p->on[HOST][i]));
    return most;
}

void pair_compare(struct sides *s, const char *what, const struct pair *p, double bound)
{
    real *got = xcalloc(p->count, sizeof *got);
    double unit = p->unit > 0 ? p->unit : pair_largest(p), worst = 0;
    s->on[GPU]->ops->download(s->on[GPU], got, p->on[GPU], p->count * sizeof *got);
    for (size_t i = 0; i < p->count && !isnan(worst); i++) {
        double off = fabs((double)got[i] - (double)p->on[HOST][i]);
        worst = off > worst || isnan(off) ? off : worst;
    }
    bool good = worst <= bound * unit;
    printf("%-10s %-28s %.1e of %.1e  %s\n", s->shape, what, unit > 0 ? worst / unit : worst, bound,
           good ? "ok" : "WRONG");
    s->ok = s->ok && good;
    free(got);
}
