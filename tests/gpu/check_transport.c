#include "tests/gpu/check_transport.h"

#include "engine/compress/windows_device.h"
#include "engine/ops/device_transport.h"
#include "tests/gpu/pair.h"

enum { SEGMENTS_MOST = 5 };

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
    struct sides s;
    struct device_windows w[SIDES];
    size_t n, S, cells;
};

#define BOTH(c, i, call)                                                       \
    for (int i = 0; i < SIDES; i++)                                            \
    (c)->s.on[i]->ops->transport->call

static void check_layers(struct check *c)
{
    const size_t n = c->n, M = c->shape->M, H = c->shape->H;
    struct pair h = pair_random(&c->s, M * n * H, 1), vectors = pair_random(&c->s, n * H, 1);
    struct pair weights = pair_random(&c->s, n * M, 1), mixed = pair_random(&c->s, n * H, 1);
    struct pair dots = pair_random(&c->s, n * M, 1);
    BOTH(c, i, mix_layers(c->s.on[i], mixed.on[i], weights.on[i], M, h.on[i], n, M, H));
    pair_compare(&c->s, "mix_layers", &mixed, sum_bound);
    BOTH(c, i, mix_layers(c->s.on[i], mixed.on[i], weights.on[i], 0, h.on[i], n, M, H));
    pair_compare(&c->s, "mix_layers, shared weights", &mixed, sum_bound);
    BOTH(c, i, dot_layers(c->s.on[i], dots.on[i], vectors.on[i], h.on[i], true, n, M, H));
    pair_compare(&c->s, "dot_layers, added", &dots, sum_bound);
    BOTH(c, i, dot_layers(c->s.on[i], dots.on[i], vectors.on[i], h.on[i], false, n, M, H));
    pair_compare(&c->s, "dot_layers", &dots, sum_bound);
}

static void check_spans(struct check *c)
{
    const size_t H = c->shape->H;
    struct pair x = pair_random(&c->s, c->n * H, 1), means = pair_random(&c->s, c->S * H, 1);
    BOTH(c, i, span_means(c->s.on[i], means.on[i], x.on[i], &c->w[i], H));
    pair_compare(&c->s, "span_means", &means, sum_bound);
    struct pair dmeans = pair_random(&c->s, c->S * H, 1);
    BOTH(c, i, span_means_backward(c->s.on[i], x.on[i], dmeans.on[i], &c->w[i], H));
    pair_compare(&c->s, "span_means_backward", &x, sum_bound);
}

/* Leaves the mass of the windows in *mass, the same on both sides. */
static void check_mass(struct check *c, struct pair *mass)
{
    struct pair share = pair_random(&c->s, c->n, 1), dlog_mass = pair_random(&c->s, c->n, 1);
    struct pair dscore = pair_random(&c->s, c->n, 1);
    *mass = pair_random(&c->s, c->n, 1);
    BOTH(c, i, mass_forward(c->s.on[i], mass->on[i], share.on[i], share.on[i], REAL(0.8),
                            REAL(0.05), &c->w[i]));
    pair_compare(&c->s, "mass_forward: mass", mass, sum_bound);
    pair_compare(&c->s, "mass_forward: share", &share, sum_bound);
    *mass = pair_copied(&c->s, mass);
    share = pair_copied(&c->s, &share);
    BOTH(c, i, mass_backward(c->s.on[i], dscore.on[i], dlog_mass.on[i], mass->on[i], share.on[i],
                             REAL(0.8), REAL(0.05), &c->w[i]));
    pair_compare(&c->s, "mass_backward", &dscore, sum_bound);
}

static void check_products(struct check *c)
{
    const size_t H = c->shape->H;
    struct pair cells = pair_random(&c->s, c->cells, 1), tokens = pair_random(&c->s, c->n * H, 1);
    struct pair slots = pair_random(&c->s, c->S * H, 1);
    struct pair new_cells = pair_random(&c->s, c->cells, 1);
    struct pair new_tokens = pair_random(&c->s, c->n * H, 1);
    struct pair new_slots = pair_random(&c->s, c->S * H, 1);
    BOTH(c, i, plan_dots(c->s.on[i], new_cells.on[i], tokens.on[i], slots.on[i], REAL(1.5), false,
                         &c->w[i], H));
    pair_compare(&c->s, "plan_dots", &new_cells, sum_bound);
    BOTH(c, i, plan_gather(c->s.on[i], new_slots.on[i], cells.on[i], tokens.on[i], 1, true,
                           &c->w[i], H));
    pair_compare(&c->s, "plan_gather", &new_slots, sum_bound);
    BOTH(c, i, plan_spread(c->s.on[i], new_tokens.on[i], cells.on[i], slots.on[i], 1, true,
                           &c->w[i], H));
    pair_compare(&c->s, "plan_spread", &new_tokens, sum_bound);
}

static void check_sinkhorn_backward(struct check *c, struct device_sinkhorn *p)
{
    struct pair dplan = pair_random(&c->s, c->cells, 1), dscore = pair_random(&c->s, c->cells, 1);
    struct pair dlog_a = pair_random(&c->s, c->n, 1), dghost = pair_random(&c->s, c->n, 1);
    struct pair scratch = pair_random(&c->s, c->n + c->S, 1);
    BOTH(c, i, sinkhorn_backward(c->s.on[i], dscore.on[i], dlog_a.on[i], dghost.on[i], dplan.on[i],
                                 &p[i], scratch.on[i], &c->w[i]));
    pair_compare(&c->s, "sinkhorn_backward: scores", &dscore, plan_bound);
    dghost.unit = pair_largest(&dscore); /* after many iterations next to nothing is left */
    pair_compare(&c->s, "sinkhorn_backward: log a", &dlog_a, plan_bound);
    pair_compare(&c->s, "sinkhorn_backward: ghosts", &dghost, plan_bound);
}

static void check_sinkhorn(struct check *c, const struct pair *mass)
{
    const size_t kept = c->shape->iters;
    const double scale = 0.3 / c->shape->eps;
    struct pair score = pair_random(&c->s, c->cells, scale);
    struct pair ghost = pair_random(&c->s, c->n, scale);
    struct pair f = pair_random(&c->s, kept * c->n, 1), g = pair_random(&c->s, kept * c->S, 1);
    struct pair plan = pair_random(&c->s, c->cells, 1);
    struct pair error = pair_random(&c->s, c->w[HOST].count, 1);
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
    BOTH(c, i, sinkhorn_forward(c->s.on[i], &p[i], &c->w[i]));
    pair_compare(&c->s, "sinkhorn_forward: f", &f, plan_bound);
    pair_compare(&c->s, "sinkhorn_forward: g", &g, plan_bound);
    pair_compare(&c->s, "sinkhorn_forward: plan", &plan, plan_bound);
    pair_compare(&c->s, "sinkhorn_forward: row error", &error, plan_bound);
    struct pair same_f = pair_copied(&c->s, &f), same_g = pair_copied(&c->s, &g);
    struct pair same_plan = pair_copied(&c->s, &plan);
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
        marks[i] = c->s.on[i]->ops->mark(c->s.on[i]);
        windows_device_init(c->s.on[i], &s, starts, c->shape->segments, &windows, &arena);
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
        c->s.on[i]->ops->release(c->s.on[i], marks[i]);
    arena_free(&arena);
}

bool check_transport(struct device *cuda, struct device *host)
{
    struct check c = {.s = {.on = {cuda, host}, .ok = true}};
    rng_seed(&c.s.rng, 3);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        c.shape = &shapes[i];
        c.s.shape = shapes[i].name;
        check_shape(&c);
    }
    return c.s.ok;
}
