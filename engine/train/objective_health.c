#include "engine/train/objective_private.h"

#include <math.h>

#include "engine/base/team.h"

enum { PART_TOKENS = 64 };

static double entropy_bits(const real *p, size_t n)
{
    double h = 0;
    for (size_t i = 0; i < n; i++)
        if (p[i] > 0)
            h -= (double)p[i] * log2((double)p[i]);
    return h;
}

/* Mean over slots of exp(entropy of the shares that a slot is made of). */
static double window_spread(const struct window_plan *w)
{
    double sum = 0;
    for (size_t j = 0; j < w->slots; j++) {
        double h = 0;
        for (size_t t = 0; t < w->tokens; t++) {
            double share = (double)w->plan[t * w->slots + j] / (double)w->capacity;
            if (share > 0)
                h -= share * log(share);
        }
        sum += exp(h);
    }
    return sum / (double)w->slots;
}

void health_begin(struct health *h, size_t M, struct arena *arena)
{
    *h = (struct health){.layer_weight = arena_array(arena, double, M), .M = M, .arena = arena};
}

static double sum_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

/* One number an item: of a token's gates, or of a window. */
struct measuring {
    double *out;
    const real *alpha;
    size_t M;
    const struct window_plan *windows;
};

static void entropy_part(const void *loop, size_t first, size_t last)
{
    const struct measuring *m = loop;
    for (size_t t = first; t < last; t++)
        m->out[t] = entropy_bits(m->alpha + t * m->M, m->M);
}

static void spread_part(const void *loop, size_t first, size_t last)
{
    const struct measuring *m = loop;
    for (size_t w = first; w < last; w++)
        m->out[w] = window_spread(&m->windows[w]);
}

void health_add_gates(struct health *h, const real *alpha, size_t T, struct objective_result *r)
{
    struct arena_mark mark = arena_mark(h->arena);
    double *entropy = arena_array(h->arena, double, T);
    const struct measuring measuring = {.out = entropy, .alpha = alpha, .M = h->M};
    team_run(entropy_part, &measuring, T, PART_TOKENS);
    for (size_t t = 0; t < T; t++)
        for (size_t l = 0; l < h->M; l++)
            h->layer_weight[l] += (double)alpha[t * h->M + l];
    r->gate_entropy += sum_of(entropy, T);
    h->tokens += T;
    arena_release(h->arena, mark);
}

void health_add_windows(struct health *h, const struct window_plan *windows, size_t n,
                        struct objective_result *r)
{
    struct arena_mark mark = arena_mark(h->arena);
    double *spread = arena_array(h->arena, double, n);
    const struct measuring measuring = {.out = spread, .windows = windows};
    team_run(spread_part, &measuring, n, 1);
    for (size_t w = 0; w < n; w++)
        r->senders_off += (double)windows[w].row_error[windows[w].iters];
    r->spread += sum_of(spread, n);
    h->windows += n;
    arena_release(h->arena, mark);
}

void health_finish(const struct health *h, struct objective_result *r)
{
    if (!h->tokens)
        return;
    for (size_t l = 0; l < h->M; l++)
        r->gate_max = fmax(r->gate_max, h->layer_weight[l] / (double)h->tokens);
    r->gate_entropy /= (double)h->tokens;
    r->spread /= (double)h->windows;
    r->senders_off /= (double)h->windows;
    r->tokens += h->tokens;
}
