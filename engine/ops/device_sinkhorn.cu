/* Sinkhorn in CUDA, forward and backward: a block a window, all windows in one launch. The
 * arithmetic is that of engine/compress/sinkhorn.c; a warp works on a row, and on 32 columns
 * at a time with the rows shared out over the warps. */
#include "engine/ops/device_transport.cuh"

namespace
{

enum { WARPS = 32, SINKHORN_THREADS = WARPS * WARP };

/* One window of a batch's problems: pointers to its own part of every array. */
struct problem {
    int n, k, ghosts;
    const real *score, *ghost, *mass;
    real *plan, *f, *g; /* f and g of iteration 1 */
    size_t f_step, g_step;
};

__device__ struct problem problem_of_block(const struct device_sinkhorn &p,
                                           const struct device_windows &all)
{
    const struct device_window w = all.window[blockIdx.x];
    struct problem own;
    own.n = w.tokens;
    own.k = w.slots;
    own.ghosts = w.ghosts;
    own.score = p.score + w.cell;
    own.ghost = p.ghost + w.first;
    own.mass = p.mass + w.first;
    own.plan = p.plan + w.cell;
    own.f = p.f + w.first;
    own.g = p.g + w.slot;
    own.f_step = all.n;
    own.g_step = all.S;
    return own;
}

/* Before the first iteration, g is NULL and means 0. */
__device__ inline real potential(const real *g, int j)
{
    return g ? g[j] : 0;
}

/* f[t] = log a[t] - logsumexp_j(S[t,j] + g[j]), in the first iteration with the ghosts: a
 * warp a row. */
__device__ void update_rows(const struct problem &p, real *f, const real *g)
{
    const int ghosts = g ? 0 : p.ghosts;
    for (int t = warp_of_thread(); t < p.n; t += WARPS) {
        const real *row = p.score + (size_t)t * p.k;
        real most = ghosts ? p.ghost[t] : (real)-INFINITY, sum = 0;
        for (int j = lane_of_thread(); j < p.k; j += WARP)
            most = real_fmax(most, row[j] + potential(g, j));
        most = warp_max(most);
        for (int j = lane_of_thread(); j < p.k; j += WARP)
            sum += real_exp(row[j] + potential(g, j) - most);
        sum = warp_sum(sum);
        if (ghosts)
            sum += (real)ghosts * real_exp(p.ghost[t] - most);
        if (lane_of_thread() == 0)
            f[t] = real_log(p.mass[t]) - most - real_log(sum);
    }
}

/* x of the block's warps for column `lane`, added; every warp gets the sum. All threads call. */
__device__ real column_sum(real x)
{
    __shared__ real part[WARPS][WARP];
    part[warp_of_thread()][lane_of_thread()] = x;
    __syncthreads();
    real total = 0;
    for (int w = 0; w < WARPS; w++)
        total += part[w][lane_of_thread()];
    __syncthreads();
    return total;
}

/* log sum_t exp(S[t,j] + f[t]), whatever the magnitudes; one thread. */
__device__ real column_logsumexp(const struct problem &p, const real *f, int j)
{
    real most = -INFINITY, sum = 0;
    for (int t = 0; t < p.n; t++)
        most = real_fmax(most, p.score[(size_t)t * p.k + j] + f[t]);
    for (int t = 0; t < p.n; t++)
        sum += real_exp(p.score[(size_t)t * p.k + j] + f[t] - most);
    return most + real_log(sum);
}

/* next[j] = log b - logsumexp_t(S[t,j] + f[t]). After the f update exp(S + f + g) is at most
 * a[t], so that g is shift enough unless the sum nearly underflows: sinkhorn.h. */
__device__ void update_columns(const struct problem &p, const real *f, real *next, const real *g)
{
    const real nearly_zero = REAL(1e-30);
    for (int first = 0; first < p.k; first += WARP) {
        const int j = first + lane_of_thread();
        const real shift = j < p.k ? potential(g, j) : 0;
        real sum = 0;
        for (int t = warp_of_thread(); j < p.k && t < p.n; t += WARPS)
            sum += real_exp(p.score[(size_t)t * p.k + j] + f[t] + shift);
        sum = column_sum(sum);
        if (warp_of_thread() == 0 && j < p.k)
            next[j] = -real_log((real)p.k) -
                      (sum > nearly_zero ? real_log(sum) - shift : column_logsumexp(p, f, j));
    }
}

/* Writes P; every thread gets sum |P 1 - a|. */
__device__ real write_plan(const struct problem &p, const real *f, const real *g)
{
    real error = 0;
    for (int t = warp_of_thread(); t < p.n; t += WARPS) {
        real sum = 0;
        for (int j = lane_of_thread(); j < p.k; j += WARP) {
            const size_t cell = (size_t)t * p.k + j;
            p.plan[cell] = real_exp(p.score[cell] + f[t] + g[j]);
            sum += p.plan[cell];
        }
        sum = warp_sum(sum);
        if (lane_of_thread() == 0)
            error += real_fabs(sum - p.mass[t]);
    }
    return block_sum(error);
}

__global__ void __launch_bounds__(SINKHORN_THREADS)
    sinkhorn_forward_kernel(struct device_sinkhorn batch, struct device_windows all)
{
    const struct problem p = problem_of_block(batch, all);
    real *f = p.f, *g = p.g;
    const real *g_old = NULL;
    for (unsigned i = 0; i < batch.iters; i++) {
        f = p.f + i * p.f_step;
        g = p.g + i * p.g_step;
        update_rows(p, f, g_old);
        __syncthreads();
        update_columns(p, f, g, g_old);
        __syncthreads();
        g_old = g;
    }
    real error = write_plan(p, f, g);
    if (threadIdx.x == 0)
        batch.row_error[blockIdx.x] = error;
}

/* What the backward pass of a window writes. */
struct gradients {
    real *score, *log_a, *ghost;
    real *push; /* [n] gradient of f over a */
    real *g;    /* [k] */
};

/* P depends on S, f and g of the last iteration alike: dS = P dP, and its sums of rows, into
 * push, and of columns. */
__device__ void plan_backward(const struct problem &p, const real *dplan, const struct gradients &d)
{
    for (int t = warp_of_thread(); t < p.n; t += WARPS) {
        real sum = 0;
        for (int j = lane_of_thread(); j < p.k; j += WARP) {
            const size_t cell = (size_t)t * p.k + j;
            d.score[cell] = p.plan[cell] * dplan[cell];
            sum += d.score[cell];
        }
        sum = warp_sum(sum);
        if (lane_of_thread() == 0) {
            d.push[t] = sum;
            d.log_a[t] = 0;
        }
    }
    __syncthreads();
    for (int first = 0; first < p.k; first += WARP) {
        const int j = first + lane_of_thread();
        real sum = 0;
        for (int t = warp_of_thread(); j < p.k && t < p.n; t += WARPS)
            sum += d.score[(size_t)t * p.k + j];
        sum = column_sum(sum);
        if (warp_of_thread() == 0 && j < p.k)
            d.g[j] = sum;
    }
    __syncthreads();
}

/* df = (that of the plan, in push, if this is the last iteration) - sum_j E dg / b, with
 * E = exp(S + f + g): the gradient of log a; over a into push. */
__device__ void push_rows(const struct problem &p, const real *f, const real *g, bool last,
                          const struct gradients &d)
{
    for (int t = warp_of_thread(); t < p.n; t += WARPS) {
        const real *row = p.score + (size_t)t * p.k;
        real sum = 0;
        for (int j = lane_of_thread(); j < p.k; j += WARP)
            sum += real_exp(row[j] + f[t] + g[j]) * d.g[j] * (real)p.k;
        sum = warp_sum(sum);
        if (lane_of_thread() == 0) {
            real df = p.mass[t] > 0 ? (last ? d.push[t] : 0) - sum : 0;
            d.log_a[t] += df;
            d.push[t] = p.mass[t] > 0 ? df / p.mass[t] : 0;
        }
    }
}

/* dS -= E dg / b + E2 df / a and, into dg, its new value -sum_t E2 df / a, with
 * E2 = exp(S + f + g_old) = E exp(g_old - g). A column's dg is read by all warps before the
 * barrier of column_sum and written behind it. */
__device__ void pull_columns(const struct problem &p, const real *f, const real *g,
                             const real *g_old, const struct gradients &d)
{
    for (int first = 0; first < p.k; first += WARP) {
        const int j = first + lane_of_thread();
        const real pull = j < p.k ? d.g[j] * (real)p.k : 0;
        const real ratio = j < p.k ? real_exp(potential(g_old, j) - g[j]) : 0;
        real sum = 0;
        for (int t = warp_of_thread(); j < p.k && t < p.n; t += WARPS) {
            const size_t cell = (size_t)t * p.k + j;
            const real e = real_exp(p.score[cell] + f[t] + g[j]);
            const real before = e * ratio * d.push[t];
            d.score[cell] -= e * pull + before;
            sum += before;
        }
        sum = column_sum(sum);
        if (warp_of_thread() == 0 && j < p.k)
            d.g[j] = -sum;
    }
}

__global__ void __launch_bounds__(SINKHORN_THREADS)
    sinkhorn_backward_kernel(real *dscore, real *dlog_a, real *dghost, const real *dplan,
                             struct device_sinkhorn batch, real *scratch, struct device_windows all)
{
    const struct device_window w = all.window[blockIdx.x];
    const struct problem p = problem_of_block(batch, all);
    struct gradients d;
    d.score = dscore + w.cell;
    d.log_a = dlog_a + w.first;
    d.ghost = dghost + w.first;
    d.push = scratch + w.first;
    d.g = scratch + all.n + w.slot;
    plan_backward(p, dplan + w.cell, d);
    for (unsigned i = batch.iters; i-- > 0;) {
        const real *f = p.f + i * p.f_step, *g = p.g + i * p.g_step;
        push_rows(p, f, g, i == batch.iters - 1, d);
        __syncthreads();
        pull_columns(p, f, g, i ? g - p.g_step : NULL, d);
        __syncthreads();
    }
    for (int t = (int)threadIdx.x; t < p.n; t += (int)blockDim.x)
        d.ghost[t] =
            p.ghosts ? -(real)p.ghosts * real_exp(p.ghost[t] + p.f[t]) * d.push[t] : 0;
}

} // namespace

void device_sinkhorn_forward(struct device *d, const struct device_sinkhorn *p,
                             const struct device_windows *w)
{
    LAUNCH(d, sinkhorn_forward_kernel, (unsigned)w->count, SINKHORN_THREADS, *p, *w);
}

void device_sinkhorn_backward(struct device *d, real *dscore, real *dlog_a, real *dghost,
                              const real *dplan, const struct device_sinkhorn *p, real *scratch,
                              const struct device_windows *w)
{
    LAUNCH(d, sinkhorn_backward_kernel, (unsigned)w->count, SINKHORN_THREADS, dscore, dlog_a,
           dghost, dplan, *p, scratch, *w);
}
