#include "engine/compress/ablations.h"

/* exp(-this) is 0 in float and double. */
static const real prohibitive = 1000;

static void mean_window(double eps, struct window_plan *w)
{
    size_t k = w->slots;
    for (size_t e = 0; e < w->tokens * k; e++)
        w->cost[e] = prohibitive * (real)eps;
    for (size_t j = 0; j < k; j++)
        for (size_t i = w->span[j]; i < w->span[j + 1]; i++) {
            size_t t = w->order ? w->order[i] : i;
            real share = w->capacity / (real)(w->span[j + 1] - w->span[j]);
            w->cost[t * k + j] = 0;
            w->plan[t * k + j] = share;
            w->mass[t] = share;
            w->f[t] = real_log(share);
        }
}

void ablation_mean_plan(double eps, struct segment_plan *plan)
{
    for (size_t i = 0; i < plan->windows; i++)
        mean_window(eps, &plan->window[i]);
}
