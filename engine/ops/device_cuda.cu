// The operations of device.h on a CUDA device: memory, products through cuBLAS, and
// everything that works on rows or single numbers. Attention is in device_attention.cu,
// the compressor's own operations in device_transport.cu.
#define _Noreturn __attribute__((noreturn))
#include "engine/ops/device_cuda.h"
#include "engine/ops/device_rows.cuh"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops/device_attention.cuh"

/* ---- errors ---------------------------------------------------------------------- */

static void fail(struct device *d, enum err_code code, const char *fmt, ...)
{
    if (d->failed)
        return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(d->err.text, sizeof d->err.text, fmt, args);
    va_end(args);
    d->err.code = code;
    d->failed = true;
}

static void check(struct device *d, cudaError_t status, const char *what)
{
    if (status != cudaSuccess)
        fail(d, status == cudaErrorMemoryAllocation ? ERR_MEMORY : ERR_OTHER, "GPU: %s: %s", what,
             cudaGetErrorString(status));
}

bool device_cuda_ok(const struct device *d)
{
    return !d->failed;
}

void device_cuda_check(struct device *d, const char *what)
{
    check(d, cudaGetLastError(), what);
}

/* ---- cuBLAS, found at run time ------------------------------------------------------ */

// The few functions and constants of cuBLAS that are used, as its documentation has them:
// the program needs neither its headers nor the library to be built.
struct device_blas {
    void *library, *handle;
    int (*create)(void **handle);
    int (*destroy)(void *handle);
    int (*set_stream)(void *handle, cudaStream_t stream);
    int (*gemm)(void *handle, int trans_a, int trans_b, int m, int n, int k, const void *alpha,
                const void *a, int a_type, int lda, const void *b, int b_type, int ldb,
                const void *beta, void *c, int c_type, int ldc, int compute, int algorithm);
};
enum { BLAS_N = 0, BLAS_T = 1, BLAS_F32 = 0, BLAS_DEFAULT = -1 };
enum { BLAS_COMPUTE_F32 = 68, BLAS_COMPUTE_TF32 = 77 };

static void *open_library(void)
{
    static const char *const names[] = {"libcublas.so.13", "libcublas.so.12", "libcublas.so"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (library)
            return library;
    }
    return NULL;
}

static void find(struct device_blas *blas, void **function, const char *name, bool *all)
{
    *function = dlsym(blas->library, name);
    *all = *all && *function;
}

static bool open_blas(struct device_cuda *c, struct err *err)
{
    struct device_blas *blas = c->blas = (struct device_blas *)calloc(1, sizeof *blas);
    blas->library = open_library();
    if (!blas->library)
        return err_set(err, ERR_OTHER, "GPU: libcublas is not there (%s)", dlerror());
    bool all = true;
    find(blas, (void **)&blas->create, "cublasCreate_v2", &all);
    find(blas, (void **)&blas->destroy, "cublasDestroy_v2", &all);
    find(blas, (void **)&blas->set_stream, "cublasSetStream_v2", &all);
    find(blas, (void **)&blas->gemm, "cublasGemmEx", &all);
    if (!all || blas->create(&blas->handle) || blas->set_stream(blas->handle, c->stream))
        return err_set(err, ERR_OTHER, "GPU: libcublas does not work with this driver");
    return true;
}

/* ---- opening and closing ------------------------------------------------------------ */

static void cuda_close(struct device *d)
{
    struct device_cuda *c = (struct device_cuda *)d;
    if (c->blas) {
        if (c->blas->handle)
            c->blas->destroy(c->blas->handle);
        if (c->blas->library)
            dlclose(c->blas->library);
        free(c->blas);
    }
    for (size_t i = 0; i < c->n_chunks; i++)
        cudaFree(c->chunks[i]);
    if (c->stream)
        cudaStreamDestroy(c->stream);
    free(c->chunks);
    free(c->sizes);
    free(c->used);
    free(c);
}

extern const struct device_ops cuda_ops;

extern "C" struct device *device_cuda_open(struct err *err)
{
    int devices = 0;
    cudaError_t status = cudaGetDeviceCount(&devices);
    if (status != cudaSuccess || devices == 0) {
        err_set(err, ERR_OTHER, "no CUDA device: %s",
                status != cudaSuccess ? cudaGetErrorString(status) : "none is there");
        return NULL;
    }
    struct device_cuda *c = (struct device_cuda *)calloc(1, sizeof *c);
    if (!c || cudaStreamCreate(&c->stream) != cudaSuccess || !open_blas(c, err)) {
        if (c && !c->blas)
            err_set(err, ERR_OTHER, "the CUDA device cannot be used");
        if (c)
            cuda_close(&c->base);
        return NULL;
    }
    c->base.ops = &cuda_ops;
    return &c->base;
}

static void cuda_wait(struct device *d)
{
    check(d, cudaStreamSynchronize(device_cuda_stream(d)), "waiting");
}

/* ---- memory --------------------------------------------------------------------------- */

enum { ALIGNMENT = 256, CHUNK_BITS = 44 };
static const size_t CHUNK_BYTES = (size_t)512 << 20;

/* Chunks behind the last one in use are too small for what comes: their memory is given
 * back, or passes of growing size would keep the memory of all those before them. */
static void free_unused(struct device_cuda *c)
{
    while (c->n_chunks && c->used[c->n_chunks - 1] == 0)
        check(&c->base, cudaFree(c->chunks[--c->n_chunks]), "memory");
}

static bool add_chunk(struct device_cuda *c, size_t bytes)
{
    size_t size = (bytes + CHUNK_BYTES - 1) / CHUNK_BYTES * CHUNK_BYTES;
    free_unused(c);
    if (c->n_chunks == c->room) {
        c->room = 2 * c->room + 16;
        c->chunks = (char **)realloc(c->chunks, c->room * sizeof *c->chunks);
        c->sizes = (size_t *)realloc(c->sizes, c->room * sizeof *c->sizes);
        c->used = (size_t *)realloc(c->used, c->room * sizeof *c->used);
    }
    void *memory = NULL;
    check(&c->base, cudaMalloc(&memory, size), "memory");
    if (!memory)
        return false;
    c->chunks[c->n_chunks] = (char *)memory;
    c->sizes[c->n_chunks] = size;
    c->used[c->n_chunks++] = 0;
    return true;
}

/* From the last chunk in use, or the next that has room. */
static void *cuda_take(struct device *d, size_t bytes)
{
    struct device_cuda *c = (struct device_cuda *)d;
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    size_t i = c->n_chunks;
    while (i > 0 && c->used[i - 1] == 0)
        i--;
    for (i = i ? i - 1 : 0; i < c->n_chunks; i++)
        if (c->sizes[i] - c->used[i] >= bytes)
            break;
    if (i == c->n_chunks) {
        if (d->failed || !add_chunk(c, bytes))
            return NULL;
        i = c->n_chunks - 1;
    }
    void *at = c->chunks[i] + c->used[i];
    c->used[i] += bytes;
    return at;
}

static size_t cuda_mark(struct device *d)
{
    struct device_cuda *c = (struct device_cuda *)d;
    for (size_t i = c->n_chunks; i-- > 0;)
        if (c->used[i])
            return (i << CHUNK_BITS) | c->used[i];
    return 0;
}

/* Chunks stay for the next pass. */
static void cuda_release(struct device *d, size_t mark)
{
    struct device_cuda *c = (struct device_cuda *)d;
    size_t last = mark >> CHUNK_BITS;
    for (size_t i = last; i < c->n_chunks; i++)
        c->used[i] = i == last ? mark & (((size_t)1 << CHUNK_BITS) - 1) : 0;
}

static void cuda_upload(struct device *d, void *to, const void *host, size_t bytes)
{
    if (!d->failed)
        check(d, cudaMemcpyAsync(to, host, bytes, cudaMemcpyHostToDevice, device_cuda_stream(d)),
              "upload");
}

static void cuda_download(struct device *d, void *host, const void *from, size_t bytes)
{
    if (d->failed)
        return;
    check(d, cudaMemcpyAsync(host, from, bytes, cudaMemcpyDeviceToHost, device_cuda_stream(d)),
          "download");
    cuda_wait(d);
}

static void cuda_copy(struct device *d, float *to, const float *from, size_t count)
{
    if (!d->failed)
        check(d,
              cudaMemcpyAsync(to, from, count * sizeof *to, cudaMemcpyDeviceToDevice,
                              device_cuda_stream(d)),
              "copy");
}

static void cuda_zero(struct device *d, float *x, size_t count)
{
    if (!d->failed)
        check(d, cudaMemsetAsync(x, 0, count * sizeof *x, device_cuda_stream(d)), "zero");
}

/* ---- products --------------------------------------------------------------------------- */

// cuBLAS has columns where we have rows: what it sees of a matrix is its transpose, so that
// C^T = op(B)^T op(A)^T is asked for.
static void cuda_matmul(struct device *d, enum matmul_kind kind, float *c, size_t ldc,
                        const float *a, size_t lda, const float *b, size_t ldb, float alpha,
                        float beta, size_t m, size_t n, size_t k, bool reduced)
{
    if (d->failed || !m || !n)
        return;
    const struct device_blas *blas = ((struct device_cuda *)d)->blas;
    int status = blas->gemm(blas->handle, kind == MATMUL_NT ? BLAS_T : BLAS_N,
                            kind == MATMUL_TN ? BLAS_T : BLAS_N, (int)n, (int)m, (int)k, &alpha, b,
                            BLAS_F32, (int)ldb, a, BLAS_F32, (int)lda, &beta, c, BLAS_F32, (int)ldc,
                            reduced ? BLAS_COMPUTE_TF32 : BLAS_COMPUTE_F32, BLAS_DEFAULT);
    if (status)
        fail(d, ERR_OTHER, "GPU: product of %zu x %zu x %zu: cuBLAS status %d", m, n, k, status);
}

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
        float *first = head + (halves ? p : 2 * p), *second = head + (halves ? p + pairs : 2 * p + 1);
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
    size_t j = blockIdx.x * (size_t)blockDim.x + threadIdx.x, first = blockIdx.y * (size_t)CHUNK_ROWS;
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
static void sum_columns(struct device *d, const char *what, float *sums, size_t n, size_t width, F f)
{
    if (d->failed || !n || !width)
        return;
    size_t chunks = (n + CHUNK_ROWS - 1) / CHUNK_ROWS, mark = cuda_mark(d);
    float *partial = (float *)cuda_take(d, chunks * width * sizeof *partial);
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
    cuda_release(d, mark); /* one stream: what comes next waits for these */
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

const struct device_ops cuda_ops = {
    .name = "cuda",
    .close = cuda_close,
    .wait = cuda_wait,
    .take = cuda_take,
    .mark = cuda_mark,
    .release = cuda_release,
    .upload = cuda_upload,
    .download = cuda_download,
    .copy = cuda_copy,
    .zero = cuda_zero,
    .matmul = cuda_matmul,
    .combine = cuda_combine,
    .bias = cuda_bias,
    .column_sums = cuda_column_sums,
    .gather_sums = cuda_gather_sums,
    .rmsnorm_forward = cuda_rmsnorm_forward,
    .rmsnorm_backward = cuda_rmsnorm_backward,
    .layernorm_forward = cuda_layernorm_forward,
    .layernorm_backward = cuda_layernorm_backward,
    .l2norm_forward = cuda_l2norm_forward,
    .l2norm_backward = cuda_l2norm_backward,
    .softmax_forward = cuda_softmax_forward,
    .softmax_backward = cuda_softmax_backward,
    .rope = cuda_rope,
    .swiglu_forward = cuda_swiglu_forward,
    .swiglu_backward = cuda_swiglu_backward,
    .gelu_forward = cuda_gelu_forward,
    .gelu_backward = cuda_gelu_backward,
    .attention_forward = device_attention_forward,
    .attention_backward = device_attention_backward,
    .cross_entropy = cuda_cross_entropy,
    .teach = cuda_teach,
    .transport = &device_transport_cuda,
};
