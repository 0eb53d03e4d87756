// The operations of device.h that work on rows or single numbers.
#define _Noreturn __attribute__((noreturn))
#include "engine/ops/device_kernels.cuh"

#include "engine/ops/device_rows.cuh"

/* ---- single numbers ----------------------------------------------------------------------- */

enum { THREADS = 256 };

template <typename F> __global__ void each_kernel(size_t count, F f)
{
    for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < count;
         i += (size_t)gridDim.x * blockDim.x)
        f(i);
}

/* f(i) for all i < count. */
template <typename F> static void each(struct device *d, const char *what, size_t count, F f)
{
    if (d->failed || !count)
        return;
    size_t blocks = (count + THREADS - 1) / THREADS;
    each_kernel<<<(unsigned)(blocks < 65535 ? blocks : 65535), THREADS, 0, device_cuda_stream(d)>>>(
        count, f);
    device_cuda_check(d, what);
}

static void cuda_combine(struct device *d, float *y, float a, const float *x, float b, size_t count)
{
    each(d, "combine", count, [=] __device__(size_t i) { y[i] = a * x[i] + b * y[i]; });
}

static void cuda_bias(struct device *d, float *y, const float *bias, size_t n, size_t width)
{
    each(d, "bias", n * width, [=] __device__(size_t i) { y[i] += bias[i % width]; });
}

static void cuda_gather_sums(struct device *d, float *out, const float *x, const int32_t *starts,
                             const int32_t *index, size_t n, size_t width)
{
    each(d, "gather", n * width, [=] __device__(size_t i) {
        size_t r = i / width, j = i % width;
        float sum = 0;
        for (int32_t s = starts[r]; s < starts[r + 1]; s++)
            sum += x[(size_t)index[s] * width + j];
        out[i] = sum;
    });
}

static void cuda_rope(struct device *d, float *x, const float *cosine, const float *sine,
                      enum rope_layout layout, int sign, size_t n, size_t heads, size_t pairs)
{
    bool halves = layout == ROPE_HALVES;
    each(d, "rope", n * heads * pairs, [=] __device__(size_t i) {
        size_t p = i % pairs, row = i / pairs / heads;
        float *head = x + i / pairs * 2 * pairs;
        float *first = head + (halves ? p : 2 * p);
        float *second = head + (halves ? p + pairs : 2 * p + 1);
        float c = cosine[row * pairs + p], s = (float)sign * sine[row * pairs + p];
        float a = *first, b = *second;
        *first = a * c - b * s;
        *second = a * s + b * c;
    });
}

static void cuda_swiglu_forward(struct device *d, float *y, const float *gate, const float *up,
                                size_t n)
{
    each(d, "swiglu", n,
         [=] __device__(size_t i) { y[i] = gate[i] / (1 + expf(-gate[i])) * up[i]; });
}

static void cuda_swiglu_backward(struct device *d, float *dgate, float *dup, const float *dy,
                                 const float *gate, const float *up, size_t n)
{
    each(d, "swiglu backward", n, [=] __device__(size_t i) {
        float s = 1 / (1 + expf(-gate[i])), g = gate[i] * s, dyi = dy[i], upi = up[i];
        dgate[i] = dyi * upi * (s + g * (1 - s));
        dup[i] = dyi * g;
    });
}

static void cuda_gelu_forward(struct device *d, float *y, const float *x, size_t n)
{
    each(d, "gelu", n,
         [=] __device__(size_t i) { y[i] = 0.5f * x[i] * (1 + erff(x[i] * 0.70710678f)); });
}

static void cuda_gelu_backward(struct device *d, float *dx, const float *dy, const float *x,
                               size_t n)
{
    each(d, "gelu backward", n, [=] __device__(size_t i) {
        float phi = 0.5f * (1 + erff(x[i] * 0.70710678f));
        dx[i] = dy[i] * (phi + x[i] * 0.39894228f * expf(-0.5f * x[i] * x[i]));
    });
}

/* ---- rows --------------------------------------------------------------------------------- */

__global__ void rmsnorm_kernel(float *y, float *rstd, const float *x, const float *weight,
                               float eps, size_t H)
{
    size_t row = blockIdx.x;
    x += row * H;
    y += row * H;
    float sum = 0;
    for (size_t j = threadIdx.x; j < H; j += blockDim.x)
        sum += x[j] * x[j];
    float r = 1 / sqrtf(block_sum(sum) / (float)H + eps);
    for (size_t j = threadIdx.x; j < H; j += blockDim.x)
        y[j] = weight[j] * (x[j] * r);
    if (threadIdx.x == 0)
        rstd[row] = r;
}

__global__ void rmsnorm_backward_kernel(float *dx, const float *dy, const float *x,
                                        const float *weight, const float *rstd, size_t H)
{
    size_t row = blockIdx.x;
    dx += row * H;
    dy += row * H;
    x += row * H;
    float sum = 0, r = rstd[row];
    for (size_t j = threadIdx.x; j < H; j += blockDim.x)
        sum += weight[j] * dy[j] * x[j];
    float pull = block_sum(sum) * r * r / (float)H;
    for (size_t j = threadIdx.x; j < H; j += blockDim.x)
        dx[j] += r * (weight[j] * dy[j] - x[j] * pull);
}

__global__ void layernorm_kernel(float *y, float *mean, float *rstd, const float *x,
                                 const float *weight, const float *bias, float eps, size_t H)
{
    size_t row = blockIdx.x;
    x += row * H;
    y += row * H;
    float sum = 0, squares = 0;
    for (size_t j = threadIdx.x; j < H; j += blockDim.x)
        sum += x[j];
    float m = block_sum(sum) / (float)H;
    for (size_t j = threadIdx.x; j < H; j += blockDim.x)
        squares += (x[j] - m) * (x[j] - m);
    float r = 1 / sqrtf(block_sum(squares) / (float)H + eps);
    for (size_t j = threadIdx.x; j < H; j += blockDim.x)
        y[j] = weight[j] * ((x[j] - m) * r) + bias[j];
    if (threadIdx.x == 0) {
        mean[row] = m;
        rstd[row] = r;
    }
}

__global__ void layernorm_backward_kernel(float *dx, const float *dy, const float *x,
                                          const float *weight, const float *mean,
                                          const float *rstd, size_t H)
{
    size_t row = blockIdx.x;
    dx += row * H;
    dy += row * H;
    x += row * H;
    float m = mean[row], r = rstd[row], sum = 0, along = 0;
    for (size_t j = threadIdx.x; j < H; j += blockDim.x) {
        float d = weight[j] * dy[j];
        sum += d;
        along += d * ((x[j] - m) * r);
    }
    sum = block_sum(sum) / (float)H;
    along = block_sum(along) / (float)H;
    for (size_t j = threadIdx.x; j < H; j += blockDim.x)
        dx[j] += r * (weight[j] * dy[j] - sum - (x[j] - m) * r * along);
}

__global__ void l2norm_kernel(float *y, float *norm, const float *x, float eps, size_t H)
{
    size_t row = blockIdx.x;
    x += row * H;
    y += row * H;
    float sum = 0;
    for (size_t j = threadIdx.x; j < H; j += blockDim.x)
        sum += x[j] * x[j];
    float length = fmaxf(sqrtf(block_sum(sum)), eps);
    for (size_t j = threadIdx.x; j < H; j += blockDim.x)
        y[j] = x[j] / length;
    if (threadIdx.x == 0)
        norm[row] = length;
}

__global__ void l2norm_backward_kernel(float *dx, const float *dy, const float *y,
                                       const float *norm, float eps, size_t H)
{
    size_t row = blockIdx.x;
    dx += row * H;
    dy += row * H;
    y += row * H;
    float sum = 0, length = norm[row];
    for (size_t j = threadIdx.x; j < H; j += blockDim.x)
        sum += dy[j] * y[j];
    float along = block_sum(sum);
    if (!(length > eps))
        along = 0; /* divided by the constant eps */
    for (size_t j = threadIdx.x; j < H; j += blockDim.x)
        dx[j] += (dy[j] - y[j] * along) / length;
}

__global__ void softmax_kernel(float *p, const float *x, float scale, size_t k)
{
    p += blockIdx.x * k;
    x += blockIdx.x * k;
    float largest = -INFINITY, sum = 0;
    for (size_t j = threadIdx.x; j < k; j += blockDim.x)
        largest = fmaxf(largest, scale * x[j]);
    largest = block_max(largest);
    bool masked = largest == -INFINITY;
    for (size_t j = threadIdx.x; j < k; j += blockDim.x)
        sum += masked ? 0 : expf(scale * x[j] - largest);
    sum = block_sum(sum);
    for (size_t j = threadIdx.x; j < k; j += blockDim.x)
        p[j] = masked ? 0 : expf(scale * x[j] - largest) / sum;
}

__global__ void softmax_backward_kernel(float *dx, const float *dp, const float *p, float scale,
                                        size_t k)
{
    dx += blockIdx.x * k;
    dp += blockIdx.x * k;
    p += blockIdx.x * k;
    float sum = 0;
    for (size_t j = threadIdx.x; j < k; j += blockDim.x)
        sum += p[j] * dp[j];
    sum = block_sum(sum);
    for (size_t j = threadIdx.x; j < k; j += blockDim.x)
        dx[j] += scale * (p[j] * (dp[j] - sum));
}

/* Largest entry of a row, and the sum of exp(x - largest). */
__device__ static float2 row_totals(const float *x, size_t V)
{
    float largest = -INFINITY, sum = 0;
    for (size_t j = threadIdx.x; j < V; j += blockDim.x)
        largest = fmaxf(largest, x[j]);
    largest = block_max(largest);
    for (size_t j = threadIdx.x; j < V; j += blockDim.x)
        sum += expf(x[j] - largest);
    return make_float2(largest, block_sum(sum));
}

__global__ void cross_entropy_kernel(float *nll, float *logits, const int32_t *labels,
                                     const float *weight, size_t V)
{
    size_t row = blockIdx.x, label = (size_t)labels[row];
    float *x = logits + row * V, w = weight[row], at_label = x[label];
    float2 total = row_totals(x, V); /* which also waits: at_label has been read by all */
    for (size_t j = threadIdx.x; j < V; j += blockDim.x)
        x[j] = w * (expf(x[j] - total.x) / total.y - (j == label ? 1.0f : 0.0f));
    if (threadIdx.x == 0)
        nll[row] = logf(total.y) + total.x - at_label;
}

__global__ void teach_kernel(float *kl, float *taught, const float *logits, const float *weight,
                             size_t V)
{
    size_t row = blockIdx.x;
    const float *x = logits + row * V;
    float *t = taught + row * V, w = weight[row], sum = 0;
    float2 mine = row_totals(x, V), its = row_totals(t, V);
    float log_mine = mine.x + logf(mine.y), log_its = its.x + logf(its.y);
    for (size_t j = threadIdx.x; j < V; j += blockDim.x) {
        float log_p = x[j] - log_mine, log_q = t[j] - log_its, q = expf(log_q);
        sum += q * (log_q - log_p);
        t[j] = w * (expf(log_p) - q);
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0)
        kl[row] = sum;
}

/* One block a row. */
#define LAUNCH_ROWS(d, n, width, kernel, ...)                                                     \
    do {                                                                                          \
        if (!(d)->failed && (n)) {                                                                \
            kernel<<<(unsigned)(n), (width) <= 64 ? 32 : THREADS, 0, device_cuda_stream(d)>>>(    \
                __VA_ARGS__);                                                                     \
            device_cuda_check((d), #kernel);                                                      \
        }                                                                                         \
    } while (0)

static void cuda_rmsnorm_forward(struct device *d, float *y, float *rstd, const float *x,
                                 const float *weight, float eps, size_t n, size_t H)
{
    LAUNCH_ROWS(d, n, H, rmsnorm_kernel, y, rstd, x, weight, eps, H);
}

static void cuda_rmsnorm_backward(struct device *d, float *dx, const float *dy, const float *x,
                                  const float *weight, const float *rstd, size_t n, size_t H)
{
    LAUNCH_ROWS(d, n, H, rmsnorm_backward_kernel, dx, dy, x, weight, rstd, H);
}

static void cuda_layernorm_forward(struct device *d, float *y, float *mean, float *rstd,
                                   const float *x, const float *weight, const float *bias,
                                   float eps, size_t n, size_t H)
{
    LAUNCH_ROWS(d, n, H, layernorm_kernel, y, mean, rstd, x, weight, bias, eps, H);
}

static void cuda_l2norm_forward(struct device *d, float *y, float *norm, const float *x, float eps,
                                size_t n, size_t H)
{
    LAUNCH_ROWS(d, n, H, l2norm_kernel, y, norm, x, eps, H);
}

static void cuda_l2norm_backward(struct device *d, float *dx, const float *dy, const float *y,
                                 const float *norm, float eps, size_t n, size_t H)
{
    LAUNCH_ROWS(d, n, H, l2norm_backward_kernel, dx, dy, y, norm, eps, H);
}

static void cuda_softmax_forward(struct device *d, float *p, const float *x, float scale, size_t n,
                                 size_t k)
{
    LAUNCH_ROWS(d, n, k, softmax_kernel, p, x, scale, k);
}

static void cuda_softmax_backward(struct device *d, float *dx, const float *dp, const float *p,
                                  float scale, size_t n, size_t k)
{
    LAUNCH_ROWS(d, n, k, softmax_backward_kernel, dx, dp, p, scale, k);
}

static void cuda_cross_entropy(struct device *d, float *nll, float *logits, const int32_t *labels,
                               const float *weight, size_t n, size_t V)
{
    LAUNCH_ROWS(d, n, V, cross_entropy_kernel, nll, logits, labels, weight, V);
}

static void cuda_teach(struct device *d, float *kl, float *taught, const float *logits,
                       const float *weight, size_t n, size_t V)
{
    LAUNCH_ROWS(d, n, V, teach_kernel, kl, taught, logits, weight, V);
}

/* ---- sums of columns ----------------------------------------------------------------------- */

// Rows are cut into chunks, each summed in order by one thread a column, and the chunks are
// added in order: the same bits in each run.
enum { CHUNK_ROWS = 128 };

template <typename F>
__global__ void column_chunks_kernel(float *partial, size_t n, size_t width, F f)
{
    size_t j = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
    size_t first = blockIdx.y * (size_t)CHUNK_ROWS;
    if (j >= width)
        return;
    size_t end = first + CHUNK_ROWS < n ? first + CHUNK_ROWS : n;
    float sum = 0;
    for (size_t i = first; i < end; i++)
        sum += f(i, j);
    partial[blockIdx.y * width + j] = sum;
}

/* sums[j] += sum over rows of f(i, j) */
template <typename F>
static void sum_columns(struct device *d, const char *what, float *sums, size_t n, size_t width,
                        F f)
{
    if (d->failed || !n || !width)
        return;
    size_t chunks = (n + CHUNK_ROWS - 1) / CHUNK_ROWS, mark = d->ops->mark(d);
    float *partial = (float *)d->ops->take(d, chunks * width * sizeof *partial);
    if (!partial)
        return;
    dim3 grid((unsigned)((width + 63) / 64), (unsigned)chunks);
    column_chunks_kernel<<<grid, 64, 0, device_cuda_stream(d)>>>(partial, n, width, f);
    device_cuda_check(d, what);
    each(d, what, width, [=] __device__(size_t j) {
        float sum = 0;
        for (size_t c = 0; c < chunks; c++)
            sum += partial[c * width + j];
        sums[j] += sum;
    });
    d->ops->release(d, mark); /* one stream: what comes next waits for these */
}

static void cuda_column_sums(struct device *d, float *sums, const float *x, size_t n, size_t width)
{
    sum_columns(d, "column sums", sums, n, width,
                [=] __device__(size_t i, size_t j) { return x[i * width + j]; });
}

static void cuda_layernorm_backward(struct device *d, float *dx, float *dweight, float *dbias,
                                    const float *dy, const float *x, const float *weight,
                                    const float *mean, const float *rstd, size_t n, size_t H)
{
    if (dx)
        LAUNCH_ROWS(d, n, H, layernorm_backward_kernel, dx, dy, x, weight, mean, rstd, H);
    if (dweight)
        sum_columns(d, "layernorm weights", dweight, n, H, [=] __device__(size_t i, size_t j) {
            return dy[i * H + j] * ((x[i * H + j] - mean[i]) * rstd[i]);
        });
    if (dbias)
        cuda_column_sums(d, dbias, dy, n, H);
}

void device_kernels_fill(struct device_ops *ops)
{
    ops->combine = cuda_combine;
    ops->bias = cuda_bias;
    ops->column_sums = cuda_column_sums;
    ops->gather_sums = cuda_gather_sums;
    ops->rmsnorm_forward = cuda_rmsnorm_forward;
    ops->rmsnorm_backward = cuda_rmsnorm_backward;
    ops->layernorm_forward = cuda_layernorm_forward;
    ops->layernorm_backward = cuda_layernorm_backward;
    ops->l2norm_forward = cuda_l2norm_forward;
    ops->l2norm_backward = cuda_l2norm_backward;
    ops->softmax_forward = cuda_softmax_forward;
    ops->softmax_backward = cuda_softmax_backward;
    ops->rope = cuda_rope;
    ops->swiglu_forward = cuda_swiglu_forward;
    ops->swiglu_backward = cuda_swiglu_backward;
    ops->gelu_forward = cuda_gelu_forward;
    ops->gelu_backward = cuda_gelu_backward;
    ops->cross_entropy = cuda_cross_entropy;
    ops->teach = cuda_teach;
}
