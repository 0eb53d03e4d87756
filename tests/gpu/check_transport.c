#include "tests/gpu/check_transport.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/compress/windows_device.h"
#include "engine/ops/device_transport.h"
#include "tests/support/gradcheck.h"

enum { GPU, HOST, SIDES, SEGMENTS_MOST = 5 };

/* Of the largest number of a result. Sums of float have a rounding of their own; a plan
 * has that of exp of numbers up to 1 / eps, and its gradient that of the plan. */
static const double sum_bound = 1e-5, plan_bound = 3e-5;

struct shape {
    const char *name;
    size_t segments, tokens[SEGMENTS_MOST];
    size_t window;
    double ratio, eps;
    unsigned iters;
    size_t M, H, E;
};

static const struct shape shapes[] = {
    {"odd", 5, {1, 13, 5, 2, 10}, 5, 1.5, 0.1, 3, 3, 7, 5},
    {"published", 4, {512, 512, 300, 512}, 128, 4, 0.1, 30, 31, 576, 256},
    {"ratio 1", 3, {128, 1, 200}, 128, 1, 0.05, 30, 5, 100, 40},
    {"wide", 2, {1024, 700}, 1000, 1.5, 0.1, 10, 9, 33, 65},
};

/* One shape on both sides. */
struct check {
    const struct shape *shape;
    struct device *side[SIDES];
    struct device_windows w[SIDES];
    size_t n, S, cells;
    struct rng rng;
    bool ok;
};

/* The same numbers on both sides. */
struct pair {
    real *on[SIDES];
    size_t count;
    double unit; /* of differences; 0: the largest number */
};

static struct pair pair_of(struct check *c, const real *host, size_t count)
{
    struct pair p = {.count = count};
    for (int i = 0; i < SIDES; i++)
        p.on[i] = device_reals_of(c->side[i], host, count);
    return p;
}

/* Results too begin as such, so that what adds and what overwrites is seen. */
static struct pair random_pair(struct check *c, size_t count, double scale)
{
    real *x = random_reals(&c->rng, count, scale);
    struct pair p = pair_of(c, x, count);
    free(x);
    return p;
}

/* What the host has, on both sides. */
static struct pair copied(struct check *c, const struct pair *p)
{
    return pair_of(c, p->on[HOST], p->count);
}

static double largest(const struct pair *p)
{
    double most = 0;
    for (size_t i = 0; i < p->count; i++)
        most = fmax(most, fabs((double)p->on[HOST][i]));
    return most;
}

static void compare(struct check *c, const char *what, const struct pair *p, double bound)
{
    real *got = xcalloc(p->count, sizeof *got);
    double unit = p->unit > 0 ? p->unit : largest(p), worst = 0;
    c->side[GPU]->ops->download(c->side[GPU], got, p->on[GPU], p->count * sizeof *got);
    for (size_t i = 0; i < p->count && !isnan(worst); i++) {
        double off = fabs((double)got[i] - (double)p->on[HOST][i]);
        worst = off > worst || isnan(off) ? off : worst;
    }
    bool good = worst <= bound * unit;
    printf("%-10s %-28s %.1e of %.1e  %s\n", c->shape->name, what,
           unit > 0 ? worst / unit : worst, bound, good ? "ok" : "WRONG");
    c->ok = c->ok && good;
    free(got);
}

#define BOTH(c, i, call)                                                       \
    for (int i = 0; i < SIDES; i++)                                            \
    (c)->side[i]->ops->transport->call

static void check_layers(struct check *c)
{
    const size_t n = c->n, M = c->shape->M, H = c->shape->H;
    struct pair h = random_pair(c, M * n * H, 1), vectors = random_pair(c, n * H, 1);
    struct pair weights = random_pair(c, n * M, 1), mixed = random_pair(c, n * H, 1);
    struct pair dots = random_pair(c, n * M, 1);
    BOTH(c, i, mix_layers(c->side[i], mixed.on[i], weights.on[i], M, h.on[i], n, M, H));
    compare(c, "mix_layers", &mixed, sum_bound);
    BOTH(c, i, mix_layers(c->side[i], mixed.on[i], weights.on[i], 0, h.on[i], n, M, H));
    compare(c, "mix_layers, shared weights", &mixed, sum_bound);
    BOTH(c, i, dot_layers(c->side[i], dots.on[i], vectors.on[i], h.on[i], true, n, M, H));
    compare(c, "dot_layers, added", &dots, sum_bound);
    BOTH(c, i, dot_layers(c->side[i], dots.on[i], vectors.on[i], h.on[i], false, n, M, H));
    compare(c, "dot_layers", &dots, sum_bound);
}

static void check_spans(struct check *c)
{
    const size_t H = c->shape->H;
    struct pair x = random_pair(c, c->n * H, 1), means = random_pair(c, c->S * H, 1);
    BOTH(c, i, span_means(c->side[i], means.on[i], x.on[i], &c->w[i], H));
    compare(c, "span_means", &means, sum_bound);
    struct pair dmeans = random_pair(c, c->S * H, 1);
    BOTH(c, i, span_means_backward(c->side[i], x.on[i], dmeans.on[i], &c->w[i], H));
    compare(c, "span_means_backward", &x, sum_bound);
}

/* Leaves the mass of the windows in *mass, the same on both sides. */
static void check_mass(struct check *c, struct pair *mass)
{
    struct pair share = random_pair(c, c->n, 1), dlog_mass = random_pair(c, c->n, 1);
    struct pair dscore = random_pair(c, c->n, 1);
    *mass = random_pair(c, c->n, 1);
    BOTH(c, i, mass_forward(c->side[i], mass->on[i], share.on[i], share.on[i], REAL(0.8),
                            REAL(0.05), &c->w[i]));
    compare(c, "mass_forward: mass", mass, sum_bound);
    compare(c, "mass_forward: share", &share, sum_bound);
    *mass = copied(c, mass);
    share = copied(c, &share);
    BOTH(c, i, mass_backward(c->side[i], dscore.on[i], dlog_mass.on[i], mass->on[i], share.on[i],
                             REAL(0.8), REAL(0.05), &c->w[i]));
    compare(c, "mass_backward", &dscore, sum_bound);
}

static void check_products(struct check *c)
{
    const size_t H = c->shape->H;
    struct pair cells = random_pair(c, c->cells, 1), tokens = random_pair(c, c->n * H, 1);
    struct pair slots = random_pair(c, c->S * H, 1), new_cells = random_pair(c, c->cells, 1);
    struct pair new_tokens = random_pair(c, c->n * H, 1);
    struct pair new_slots = random_pair(c, c->S * H, 1);
    BOTH(c, i, plan_dots(c->side[i], new_cells.on[i], tokens.on[i], slots.on[i], REAL(1.5), false,
                         &c->w[i], H));
    compare(c, "plan_dots", &new_cells, sum_bound);
    BOTH(c, i, plan_gather(c->side[i], new_slots.on[i], cells.on[i], tokens.on[i], 1, true,
                           &c->w[i], H));
    compare(c, "plan_gather", &new_slots, sum_bound);
    BOTH(c, i, plan_spread(c->side[i], new_tokens.on[i], cells.on[i], slots.on[i], 1, true,
                           &c->w[i], H));
    compare(c, "plan_spread", &new_tokens, sum_bound);
}

static void check_sinkhorn_backward(struct check *c, struct device_sinkhorn *p)
{
    struct pair dplan = random_pair(c, c->cells, 1), dscore = random_pair(c, c->cells, 1);
    struct pair dlog_a = random_pair(c, c->n, 1), dghost = random_pair(c, c->n, 1);
    struct pair scratch = random_pair(c, c->n + c->S, 1);
    BOTH(c, i, sinkhorn_backward(c->side[i], dscore.on[i], dlog_a.on[i], dghost.on[i], dplan.on[i],
                                 &p[i], scratch.on[i], &c->w[i]));
    compare(c, "sinkhorn_backward: scores", &dscore, plan_bound);
    dghost.unit = largest(&dscore); /* after many iterations there is next to nothing */
    compare(c, "sinkhorn_backward: log a", &dlog_a, plan_bound);
    compare(c, "sinkhorn_backward: ghosts", &dghost, plan_bound);
}

static void check_sinkhorn(struct check *c, const struct pair *mass)
{
    const size_t kept = c->shape->iters;
    const double scale = 0.3 / c->shape->eps;
    struct pair score = random_pair(c, c->cells, scale), ghost = random_pair(c, c->n, scale);
    struct pair f = random_pair(c, kept * c->n, 1), g = random_pair(c, kept * c->S, 1);
    struct pair plan = random_pair(c, c->cells, 1), error = random_pair(c, c->w[HOST].count, 1);
    struct device_sinkhorn p[SIDES];
    error.unit = 1;
    for (int i = 0; i < SIDES; i++)
        p[i] = (struct device_sinkhorn){.score = score.on[i],
                                        .ghost = ghost.on[i],
                                        .mass = mass->on[i],
                                        .iters = c->shape->iters,
                                        .f = f.on[i],
                                        .g = g.on[i],
                                        .plan = plan.on[i],
                                        .row_error = error.on[i]};
    BOTH(c, i, sinkhorn_forward(c->side[i], &p[i], &c->w[i]));
    compare(c, "sinkhorn_forward: f", &f, plan_bound);
    compare(c, "sinkhorn_forward: g", &g, plan_bound);
    compare(c, "sinkhorn_forward: plan", &plan, plan_bound);
    compare(c, "sinkhorn_forward: row error", &error, plan_bound);
    struct pair same_f = copied(c, &f), same_g = copied(c, &g), same_plan = copied(c, &plan);
    for (int i = 0; i < SIDES; i++) {
        p[i].f = same_f.on[i];
        p[i].g = same_g.on[i];
        p[i].plan = same_plan.on[i];
    }
    check_sinkhorn_backward(c, p);
}

static void check_shape(struct check *c)
{
    size_t starts[SEGMENTS_MOST + 1] = {0}, marks[SIDES];
    struct compress_settings s = compress_settings_default;
    struct arena arena = {0};
    struct pair mass;
    s.window = c->shape->window;
    s.ratio = c->shape->ratio;
    for (size_t i = 0; i < c->shape->segments; i++)
        starts[i + 1] = starts[i] + c->shape->tokens[i];
    for (int i = 0; i < SIDES; i++) {
        struct windows_device windows;
        marks[i] = c->side[i]->ops->mark(c->side[i]);
        windows_device_init(c->side[i], &s, starts, c->shape->segments, &windows, &arena);
        c->w[i] = windows.all;
    }
    c->n = c->w[HOST].n;
    c->S = c->w[HOST].S;
    c->cells = c->w[HOST].cells;
    check_layers(c);
    check_spans(c);
    check_mass(c, &mass);
    check_products(c);
    check_sinkhorn(c, &mass);
    for (int i = 0; i < SIDES; i++)
        c->side[i]->ops->release(c->side[i], marks[i]);
    arena_free(&arena);
}

bool check_transport(struct device *cuda, struct device *host)
{
    struct check c = {.side = {cuda, host}, .ok = true};
    struct err err = {0};
    rng_seed(&c.rng, 3);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        c.shape = &shapes[i];
        check_shape(&c);
    }
    if (!device_finish(cuda, &err))
        printf("%s\n", err.text);
    return c.ok && !err.code;
}
