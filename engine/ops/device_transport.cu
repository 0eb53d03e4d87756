/* The compressor's operations in CUDA but for Sinkhorn (device_sinkhorn.cu); device_transport.h
 * says what they compute, and tests/support/device_transport_host.c says it in plain loops. */
#include "engine/ops/device_transport.cuh"

namespace
{

enum { ROW_THREADS = 256 };

/* ---- layers ---------------------------------------------------------------------- */

/* A block a token; neighbouring threads read neighbouring numbers of each layer. */
__global__ void mix_layers_kernel(real *out, const real *weights, size_t stride, const real *h,
                                  size_t n, size_t M, size_t H)
{
    size_t t = blockIdx.x;
    const real *weight = weights + t * stride;
    for (size_t i = threadIdx.x; i < H; i += blockDim.x) {
        real sum = 0;
#pragma unroll 8
        for (size_t l = 0; l < M; l++)
            sum += weight[l] * h[(l * n + t) * H + i];
        out[t * H + i] = sum;
    }
}

/* A block a token, a warp a layer. */
__global__ void dot_layers_kernel(real *out, const real *vectors, const real *h, bool add, size_t n,
                                  size_t M, size_t H)
{
    size_t t = blockIdx.x;
    const real *vector = vectors + t * H;
    for (size_t l = warp_of_thread(); l < M; l += warps_of_block()) {
        const real *state = h + (l * n + t) * H;
        real sum = 0;
#pragma unroll 8
        for (size_t i = lane_of_thread(); i < H; i += WARP)
            sum += vector[i] * state[i];
        sum = warp_sum(sum);
        if (lane_of_thread() == 0)
            out[t * M + l] = add ? out[t * M + l] + sum : sum;
    }
}

void mix_layers(struct device *d, real *out, const real *weights, size_t stride, const real *h,
                size_t n, size_t M, size_t H)
{
    LAUNCH(d, mix_layers_kernel, (unsigned)n, ROW_THREADS, out, weights, stride, h, n, M, H);
}

void dot_layers(struct device *d, real *out, const real *vectors, const real *h, bool add, size_t n,
                size_t M, size_t H)
{
    LAUNCH(d, dot_layers_kernel, (unsigned)n, ROW_THREADS, out, vectors, h, add, n, M, H);
}

/* ---- home spans ------------------------------------------------------------------- */

/* A block a slot. */
__global__ void span_means_kernel(real *out, const real *x, struct device_windows w, size_t width)
{
    size_t j = blockIdx.x, first = w.span[j], end = w.span[j + 1];
    for (size_t i = threadIdx.x; i < width; i += blockDim.x) {
        real sum = 0;
        for (size_t t = first; t < end; t++)
            sum += x[t * width + i];
        out[j * width + i] = sum / (real)(end - first);
    }
}

/* A block a token. */
__global__ void span_means_backward_kernel(real *dx, const real *dout, struct device_windows w,
                                           size_t width)
{
    size_t t = blockIdx.x, j = w.home[t];
    real share = REAL(1.0) / (real)(w.span[j + 1] - w.span[j]);
    for (size_t i = threadIdx.x; i < width; i += blockDim.x)
        dx[t * width + i] += share * dout[j * width + i];
}

void span_means(struct device *d, real *out, const real *x, const struct device_windows *w,
                size_t width)
{
    LAUNCH(d, span_means_kernel, (unsigned)w->S, ROW_THREADS, out, x, *w, width);
}

void span_means_backward(struct device *d, real *dx, const real *dout,
                         const struct device_windows *w, size_t width)
{
    LAUNCH(d, span_means_backward_kernel, (unsigned)w->n, ROW_THREADS, dx, dout, *w, width);
}

/* ---- sender mass ------------------------------------------------------------------ */

/* A block a window; a thread has the same tokens in every loop. */
__global__ void mass_forward_kernel(real *mass, real *share, const real *score, real inverse_tau,
                                    real lambda, struct device_windows all)
{
    const struct device_window w = all.window[blockIdx.x];
    const int32_t end = w.first + w.tokens;
    const int32_t begin = w.first + (int32_t)threadIdx.x, step = (int32_t)blockDim.x;
    real most = -INFINITY, sum = 0, total = 0;
    for (int32_t t = begin; t < end; t += step)
        most = real_fmax(most, score[t] * inverse_tau);
    most = block_max(most);
    for (int32_t t = begin; t < end; t += step) {
        share[t] = real_exp(score[t] * inverse_tau - most);
        sum += share[t];
    }
    sum = block_sum(sum);
    for (int32_t t = begin; t < end; t += step) {
        share[t] /= sum;
        mass[t] = (1 - lambda) * share[t] + lambda / (real)w.tokens;
        total += mass[t];
    }
    total = block_sum(total);
    for (int32_t t = begin; t < end; t += step)
        mass[t] /= total;
}

/* The gradient of a token's share; the sum that mass is divided by is the constant 1. */
__device__ inline real share_gradient(real dlog_mass, real mass, real lambda)
{
    return mass > 0 ? (1 - lambda) * dlog_mass / mass : 0;
}

__global__ void mass_backward_kernel(real *dscore, const real *dlog_mass, const real *mass,
                                     const real *share, real inverse_tau, real lambda,
                                     struct device_windows all)
{
    const struct device_window w = all.window[blockIdx.x];
    const int32_t end = w.first + w.tokens;
    const int32_t begin = w.first + (int32_t)threadIdx.x, step = (int32_t)blockDim.x;
    real mean = 0;
    for (int32_t t = begin; t < end; t += step)
        mean += share[t] * share_gradient(dlog_mass[t], mass[t], lambda);
    mean = block_sum(mean);
    for (int32_t t = begin; t < end; t += step)
        dscore[t] = inverse_tau * share[t] * (share_gradient(dlog_mass[t], mass[t], lambda) - mean);
}

void mass_forward(struct device *d, real *mass, real *share, const real *score, real tau,
                  real lambda, const struct device_windows *w)
{
    LAUNCH(d, mass_forward_kernel, (unsigned)w->count, ROW_THREADS, mass, share, score, 1 / tau,
           lambda, *w);
}

void mass_backward(struct device *d, real *dscore, const real *dlog_mass, const real *mass,
                   const real *share, real tau, real lambda, const struct device_windows *w)
{
    LAUNCH(d, mass_backward_kernel, (unsigned)w->count, ROW_THREADS, dscore, dlog_mass, mass, share,
           1 / tau, lambda, *w);
}

/* ---- products with plans ------------------------------------------------------------ */

/* Tiles of 32 x 32 results, 32 x 8 threads with four rows each. */
enum { TILE = 32, TILE_THREADS = 8, TILE_ROWS = TILE / TILE_THREADS };

/* A matrix anywhere in memory; outside of it there is 0. One of the steps is 1. */
struct matrix {
    const real *at;
    size_t rows, columns, row_step, column_step;
};

__device__ inline real element(const struct matrix &m, size_t row, size_t column)
{
    return row < m.rows && column < m.columns ? m.at[row * m.row_step + column * m.column_step] : 0;
}

/* Neighbouring threads read neighbouring numbers whichever way the matrix lies. */
__device__ void load_tile(real (*tile)[TILE + 1], const struct matrix &m, size_t row, size_t column)
{
    const size_t x = threadIdx.x;
    for (size_t y = threadIdx.y; y < TILE; y += TILE_THREADS)
        if (m.column_step == 1)
            tile[y][x] = element(m, row + y, column + x);
        else
            tile[x][y] = element(m, row + x, column + y);
}

/* The tile from (row, column) on of out = scale a b, rows of out `width` long. Without the
 * tile, nothing: the same for all threads of the block. */
__device__ void multiply_tile(real *out, size_t width, const struct matrix &a,
                              const struct matrix &b, real scale, size_t row, size_t column)
{
    __shared__ real left[TILE][TILE + 1], right[TILE][TILE + 1];
    real sum[TILE_ROWS] = {0};
    if (row >= a.rows || column >= b.columns)
        return;
    for (size_t inner = 0; inner < a.columns; inner += TILE) {
        load_tile(left, a, row, inner);
        load_tile(right, b, inner, column);
        __syncthreads();
        for (int i = 0; i < TILE; i++)
            for (int r = 0; r < TILE_ROWS; r++)
                sum[r] += left[threadIdx.y + r * TILE_THREADS][i] * right[i][threadIdx.x];
        __syncthreads();
    }
    for (int r = 0; r < TILE_ROWS; r++) {
        const size_t y = row + threadIdx.y + r * TILE_THREADS, x = column + threadIdx.x;
        if (y < a.rows && x < b.columns)
            out[y * width + x] = scale * sum[r];
    }
}

__device__ inline struct matrix rows_matrix(const real *at, size_t rows, size_t columns)
{
    return {at, rows, columns, columns, 1};
}

__device__ inline struct matrix transposed(const struct matrix &m)
{
    return {m.at, m.columns, m.rows, m.column_step, m.row_step};
}

enum product { DOTS, GATHER, SPREAD };

/* Blocks: windows x tiles of rows x tiles of columns. What is written is, by kind, `cells`,
 * `slots` or `tokens`. */
template <enum product kind>
__global__ void plan_product_kernel(real *out, const real *cells, const real *tokens,
                                    const real *slots, real scale, bool per_capacity,
                                    struct device_windows all, size_t width)
{
    const struct device_window w = all.window[blockIdx.x];
    const size_t n = (size_t)w.tokens, k = (size_t)w.slots, first = (size_t)w.first,
                 slot = (size_t)w.slot, row = blockIdx.y * TILE, column = blockIdx.z * TILE;
    const struct matrix of_cells = rows_matrix(cells + w.cell, n, k);
    const struct matrix of_tokens = rows_matrix(tokens + first * width, n, width);
    const struct matrix of_slots = rows_matrix(slots + slot * width, k, width);
    if (per_capacity)
        scale *= (real)w.slots;
    if (kind == DOTS)
        multiply_tile(out + w.cell, k, of_tokens, transposed(of_slots), scale, row, column);
    else if (kind == GATHER)
        multiply_tile(out + slot * width, width, transposed(of_cells), of_tokens, scale, row,
                      column);
    else
        multiply_tile(out + first * width, width, of_cells, of_slots, scale, row, column);
}

dim3 tiles(const struct device_windows *w, size_t rows, size_t columns)
{
    return dim3((unsigned)w->count, (unsigned)((rows + TILE - 1) / TILE),
                (unsigned)((columns + TILE - 1) / TILE));
}

void plan_dots(struct device *d, real *cells, const real *tokens, const real *slots, real scale,
               bool per_capacity, const struct device_windows *w, size_t width)
{
    LAUNCH(d, plan_product_kernel<DOTS>, tiles(w, w->tokens_most, w->slots_most),
           dim3(TILE, TILE_THREADS), cells, nullptr, tokens, slots, scale, per_capacity, *w, width);
}

void plan_gather(struct device *d, real *slots, const real *cells, const real *tokens, real scale,
                 bool per_capacity, const struct device_windows *w, size_t width)
{
    LAUNCH(d, plan_product_kernel<GATHER>, tiles(w, w->slots_most, width), dim3(TILE, TILE_THREADS),
           slots, cells, tokens, nullptr, scale, per_capacity, *w, width);
}

void plan_spread(struct device *d, real *tokens, const real *cells, const real *slots, real scale,
                 bool per_capacity, const struct device_windows *w, size_t width)
{
    LAUNCH(d, plan_product_kernel<SPREAD>, tiles(w, w->tokens_most, width),
           dim3(TILE, TILE_THREADS), tokens, cells, nullptr, slots, scale, per_capacity, *w, width);
}

} // namespace

extern "C" const struct device_transport device_transport_cuda = {
    .mix_layers = mix_layers,
    .dot_layers = dot_layers,
    .span_means = span_means,
    .span_means_backward = span_means_backward,
    .mass_forward = mass_forward,
    .mass_backward = mass_backward,
    .sinkhorn_forward = device_sinkhorn_forward,
    .sinkhorn_backward = device_sinkhorn_backward,
    .plan_dots = plan_dots,
    .plan_gather = plan_gather,
    .plan_spread = plan_spread,
};
