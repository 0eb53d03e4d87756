/* What a device (device.h) must be able to do for the compressor alone: mixtures of layers,
 * means of spans, sender mass, Sinkhorn, and products with plans. Each operation works on
 * all windows of all segments of a batch in one launch.
 *
 * Letters as in engine/compress: n tokens, M hidden states a token, H their size; here S
 * is the number of slots. Arrays of tokens [n, ..], of slots [S, ..] and of cells
 * (all plans [tokens, slots] of the windows, one behind the other) are for all windows. */
#ifndef ENGINE_OPS_DEVICE_TRANSPORT_H
#define ENGINE_OPS_DEVICE_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/ops/real.h"

struct device;

struct device_window {
    int64_t cell;          /* its first one */
    int32_t first, tokens; /* its rows of arrays of tokens */
    int32_t slot, slots;   /* its rows of arrays of slots */
    int32_t ghosts;        /* empty slots, which show in the first iteration: sinkhorn.h */
};

/* The windows follow each other without gaps: so do their tokens, slots and cells. */
struct device_windows {
    size_t count, n, S, cells;
    size_t tokens_most, slots_most;     /* of one window */
    const struct device_window *window; /* [count], on the device like the next two */
    const int32_t *span; /* [S + 1]: home span of slot j = tokens span[j]..span[j + 1]-1 */
    const int32_t *home; /* [n]: the slot whose home span holds the token */
};

/* The transport problems of all windows, capacity 1 / slots for every slot. */
struct device_sinkhorn {
    const real *score; /* S [cells]: u.w / eps; a constant less, -C / eps, gives the same plan */
    const real *ghost; /* [n]: score of an empty slot; of windows with ghosts */
    const real *mass;  /* a [n], sum 1 in every window */
    unsigned iters;    /* 1 or more */
    real *f, *g;       /* [iters, n], [iters, S]: potentials after every iteration */
    real *plan;        /* P [cells] */
    real *row_error;   /* [count]: sum |P 1 - a| of a window */
};

struct device_transport {
    /* out[t] = sum_l weights[t][l] h[l][t]; out [n, H], h [M, n, H]. Weights have `stride`
     * reals from token to token: M, or 0 when all tokens have the same. */
    void (*mix_layers)(struct device *d, real *out, const real *weights, size_t stride,
                       const real *h, size_t n, size_t M, size_t H);
    /* out[t,l] = vectors[t] . h[l][t], or adds that; out [n, M], vectors [n, H] */
    void (*dot_layers)(struct device *d, real *out, const real *vectors, const real *h, bool add,
                       size_t n, size_t M, size_t H);

    /* out[j] = mean of x over home span j; out [S, width], x [n, width]. Back: adds. */
    void (*span_means)(struct device *d, real *out, const real *x, const struct device_windows *w,
                       size_t width);
    void (*span_means_backward)(struct device *d, real *dx, const real *dout,
                                const struct device_windows *w, size_t width);

    /* In every window share = softmax(score / tau), mass = (1 - lambda) share + lambda / tokens,
     * over its sum; all [n], share may be score. Back from the gradient of log mass:
     * dscore is overwritten. */
    void (*mass_forward)(struct device *d, real *mass, real *share, const real *score, real tau,
                         real lambda, const struct device_windows *w);
    void (*mass_backward)(struct device *d, real *dscore, const real *dlog_mass, const real *mass,
                          const real *share, real tau, real lambda,
                          const struct device_windows *w);

    /* sinkhorn.h for every window: writes f, g, plan, row_error. */
    void (*sinkhorn_forward)(struct device *d, const struct device_sinkhorn *p,
                             const struct device_windows *w);
    /* dplan [cells] -> dscore [cells], dlog_a [n], dghost [n] (0 without ghosts), all
     * overwritten. scratch [n + S]. A sender without mass gets zeros. */
    void (*sinkhorn_backward)(struct device *d, real *dscore, real *dlog_a, real *dghost,
                              const real *dplan, const struct device_sinkhorn *p, real *scratch,
                              const struct device_windows *w);

    /* Products with the plan-shaped cells of each window, times scale, and, with per_capacity,
     * over the capacity, i.e. times the window's slots. Overwrite. tokens [n, width], slots
     * [S, width].
     *   dots    cells[t,j] = tokens[t] . slots[j]
     *   gather  slots[j]   = sum_t cells[t,j] tokens[t]
     *   spread  tokens[t]  = sum_j cells[t,j] slots[j] */
    void (*plan_dots)(struct device *d, real *cells, const real *tokens, const real *slots,
                      real scale, bool per_capacity, const struct device_windows *w, size_t width);
    void (*plan_gather)(struct device *d, real *slots, const real *cells, const real *tokens,
                        real scale, bool per_capacity, const struct device_windows *w,
                        size_t width);
    void (*plan_spread)(struct device *d, real *tokens, const real *cells, const real *slots,
                        real scale, bool per_capacity, const struct device_windows *w,
                        size_t width);
};

#endif
