// Attention in tiles of 64 queries and 64 keys, scores never in memory: the forward pass
// with a running softmax, the way back from its log-sum-exp (Dao et al., FlashAttention).
// A block has 16 x 16 threads; thread (ty, tx) has rows ty + 16 i and, of a product of two
// tiles, columns tx + 16 j, of the columns of a tile 4 tx .. 4 tx + 3 and 64 further: so a
// half-warp reads neighbouring banks.
#define _Noreturn __attribute__((noreturn))
#include "engine/ops/device_attention.cuh"

enum { TILE = DEVICE_PACK_ROWS, SIDE = 16, PER = TILE / SIDE, THREADS = SIDE * SIDE };

/* Rows of a head in shared memory: W = 64 or 128 columns, behind head_dim zeros. The row
 * stride of W + 4 keeps 16 bytes aligned and rows off each other's banks. */
template <int W> struct tile {
    float x[TILE][W + 4];
};
struct square {
    float x[TILE][TILE + 4];
};

/* A head inside rows of `step` numbers. */
struct head {
    const float *at;
    size_t step;
    int dim;
};

/* Rows first .. first + 63 of a head; beyond n zeros. */
template <int W> __device__ static void load(tile<W> &t, struct head h, size_t first, size_t n)
{
    for (int i = threadIdx.x; i < TILE * W; i += THREADS) {
        int row = i / W, column = i % W;
        bool there = first + row < n && column < h.dim;
        t.x[row][column] = there ? h.at[(first + row) * h.step + column] : 0;
    }
}

/* acc[i][j] = a[ty + 16 i] . b[tx + 16 j] */
template <int W>
__device__ static void multiply(float acc[PER][PER], const tile<W> &a, const tile<W> &b)
{
    int ty = threadIdx.x / SIDE, tx = threadIdx.x % SIDE;
    for (int i = 0; i < PER; i++)
        for (int j = 0; j < PER; j++)
            acc[i][j] = 0;
    for (int c = 0; c < W; c += 4) {
        float4 x[PER], y[PER];
#pragma unroll
        for (int i = 0; i < PER; i++) {
            x[i] = *(const float4 *)&a.x[ty + SIDE * i][c];
            y[i] = *(const float4 *)&b.x[tx + SIDE * i][c];
        }
#pragma unroll
        for (int i = 0; i < PER; i++)
#pragma unroll
            for (int j = 0; j < PER; j++)
                acc[i][j] += x[i].x * y[j].x + x[i].y * y[j].y + x[i].z * y[j].z + x[i].w * y[j].w;
    }
}

/* sum[i][g] += p[ty + 16 i][.] times the rows of t, at columns 4 tx + 64 g */
template <int W>
__device__ static void accumulate(float4 sum[PER][W / 64], const square &p, const tile<W> &t)
{
    int ty = threadIdx.x / SIDE, tx = threadIdx.x % SIDE;
    for (int k = 0; k < TILE; k++) {
        float4 y[W / 64];
#pragma unroll
        for (int g = 0; g < W / 64; g++)
            y[g] = *(const float4 *)&t.x[k][4 * tx + 64 * g];
#pragma unroll
        for (int i = 0; i < PER; i++) {
            float w = p.x[ty + SIDE * i][k];
#pragma unroll
            for (int g = 0; g < W / 64; g++) {
                sum[i][g].x += w * y[g].x;
                sum[i][g].y += w * y[g].y;
                sum[i][g].z += w * y[g].z;
                sum[i][g].w += w * y[g].w;
            }
        }
    }
}

template <int W> __device__ static void clear(float4 sum[PER][W / 64])
{
    for (int i = 0; i < PER; i++)
        for (int g = 0; g < W / 64; g++)
            sum[i][g] = make_float4(0, 0, 0, 0);
}

/* out row ty + 16 i of the tile = scale[i] * sum[i] */
template <int W>
__device__ static void store(float *out, size_t step, int dim, size_t first, size_t n,
                             const float4 sum[PER][W / 64], const float scale[PER])
{
    int ty = threadIdx.x / SIDE, tx = threadIdx.x % SIDE;
    for (int i = 0; i < PER; i++) {
        size_t row = first + ty + SIDE * i;
        if (row >= n)
            continue;
        for (int g = 0; g < W / 64; g++) {
            const float *x = (const float *)&sum[i][g];
            for (int c = 0; c < 4; c++) {
                int column = 4 * tx + 64 * g + c;
                if (column < dim)
                    out[row * step + column] = scale[i] * x[c];
            }
        }
    }
}

/* Over the 16 threads that share a row. */
__device__ static float row_max(float x)
{
    for (int step = SIDE / 2; step > 0; step /= 2)
        x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, step));
    return x;
}

__device__ static float row_sum(float x)
{
    for (int step = SIDE / 2; step > 0; step /= 2)
        x += __shfl_xor_sync(0xffffffffu, x, step);
    return x;
}

__device__ static bool sees(const struct device_pack &p, size_t query, size_t key)
{
    if (query >= p.n || key >= p.n)
        return false;
    int k = (int)key;
    return (k >= p.begin[query] && key <= query) ||
           (k >= p.prefix[query] && k < p.prefix_end[query]);
}

struct shape {
    size_t heads, kv_heads;
    int dim;
    float scale;
};

__device__ static struct head query_head(const float *x, const struct shape &s, size_t h)
{
    return {x + h * s.dim, s.heads * s.dim, s.dim};
}

__device__ static struct head key_head(const float *x, const struct shape &s, size_t kv)
{
    return {x + kv * s.dim, s.kv_heads * s.dim, s.dim};
}

/* Grid: tiles of queries, heads. */
template <int W>
__global__ void forward_kernel(float *out, float *lse, const float *q, const float *k,
                               const float *v, struct device_pack pack, struct shape s)
{
    extern __shared__ float4 memory[];
    tile<W> &queries = *(tile<W> *)memory, &keys = *(&queries + 1);
    square &p = *(square *)(&keys + 1);
    int ty = threadIdx.x / SIDE, tx = threadIdx.x % SIDE;
    size_t first = blockIdx.x * (size_t)TILE, h = blockIdx.y, kv = h / (s.heads / s.kv_heads);
    float largest[PER], total[PER];
    float4 sum[PER][W / 64];
    clear<W>(sum);
    for (int i = 0; i < PER; i++) {
        largest[i] = -INFINITY;
        total[i] = 0;
    }
    load(queries, query_head(q, s, h), first, pack.n);
    for (size_t at = pack.low[blockIdx.x] / TILE * TILE; at <= first; at += TILE) {
        __syncthreads(); /* the last tile of values has been read */
        load(keys, key_head(k, s, kv), at, pack.n);
        __syncthreads();
        float score[PER][PER];
        multiply<W>(score, queries, keys);
        for (int i = 0; i < PER; i++) {
            float most = -INFINITY, added = 0;
            for (int j = 0; j < PER; j++) {
                bool seen = sees(pack, first + ty + SIDE * i, at + tx + SIDE * j);
                score[i][j] = seen ? score[i][j] * s.scale : -INFINITY;
                most = fmaxf(most, score[i][j]);
            }
            most = fmaxf(largest[i], row_max(most));
            float keep = most == -INFINITY ? 1 : expf(largest[i] - most);
            for (int j = 0; j < PER; j++) {
                float e = most == -INFINITY ? 0 : expf(score[i][j] - most);
                p.x[ty + SIDE * i][tx + SIDE * j] = e;
                added += e;
            }
            total[i] = total[i] * keep + row_sum(added);
            largest[i] = most;
            for (int g = 0; g < W / 64; g++) {
                sum[i][g].x *= keep;
                sum[i][g].y *= keep;
                sum[i][g].z *= keep;
                sum[i][g].w *= keep;
            }
        }
        __syncthreads(); /* keys have been read, p is whole */
        load(keys, key_head(v, s, kv), at, pack.n);
        __syncthreads();
        accumulate<W>(sum, p, keys);
    }
    float scale[PER];
    for (int i = 0; i < PER; i++) {
        size_t row = first + ty + SIDE * i;
        scale[i] = 1 / total[i];
        if (tx == 0 && row < pack.n)
            lse[row * s.heads + h] = largest[i] + logf(total[i]);
    }
    store<W>(out + h * s.dim, s.heads * s.dim, s.dim, first, pack.n, sum, scale);
}

/* along [n, heads] = dout . out, a warp each. */
__global__ void along_kernel(float *along, const float *dout, const float *out, size_t count,
                             int dim)
{
    size_t row = (blockIdx.x * (size_t)blockDim.x + threadIdx.x) / 32;
    if (row >= count)
        return;
    float sum = 0;
    for (int c = threadIdx.x % 32; c < dim; c += 32)
        sum += dout[row * dim + c] * out[row * dim + c];
    for (int step = 16; step > 0; step /= 2)
        sum += __shfl_xor_sync(0xffffffffu, sum, step);
    if (threadIdx.x % 32 == 0)
        along[row] = sum;
}

/* Probability and gradient of one score. */
__device__ static float2 score_backward(float score, float dp, size_t query, size_t key, size_t h,
                                        const float *lse, const float *along,
                                        const struct device_pack &pack, const struct shape &s)
{
    if (!sees(pack, query, key))
        return make_float2(0, 0);
    size_t row = query * s.heads + h;
    float p = expf(score * s.scale - lse[row]);
    return make_float2(p, p * (dp - along[row]) * s.scale);
}

/* Grid: tiles of queries, heads. */
template <int W>
__global__ void query_backward_kernel(float *dq, const float *dout, const float *lse,
                                      const float *along, const float *q, const float *k,
                                      const float *v, struct device_pack pack, struct shape s)
{
    extern __shared__ float4 memory[];
    tile<W> &queries = *(tile<W> *)memory, &pulls = *(&queries + 1), &keys = *(&queries + 2),
            &values = *(&queries + 3);
    square &ds = *(square *)(&queries + 4);
    int ty = threadIdx.x / SIDE, tx = threadIdx.x % SIDE;
    size_t first = blockIdx.x * (size_t)TILE, h = blockIdx.y, kv = h / (s.heads / s.kv_heads);
    float4 sum[PER][W / 64];
    clear<W>(sum);
    load(queries, query_head(q, s, h), first, pack.n);
    load(pulls, query_head(dout, s, h), first, pack.n);
    for (size_t at = pack.low[blockIdx.x] / TILE * TILE; at <= first; at += TILE) {
        __syncthreads();
        load(keys, key_head(k, s, kv), at, pack.n);
        load(values, key_head(v, s, kv), at, pack.n);
        __syncthreads();
        float score[PER][PER], dp[PER][PER];
        multiply<W>(score, queries, keys);
        multiply<W>(dp, pulls, values);
        for (int i = 0; i < PER; i++)
            for (int j = 0; j < PER; j++)
                ds.x[ty + SIDE * i][tx + SIDE * j] =
                    score_backward(score[i][j], dp[i][j], first + ty + SIDE * i,
                                   at + tx + SIDE * j, h, lse, along, pack, s)
                        .y;
        __syncthreads();
        accumulate<W>(sum, ds, keys);
    }
    const float one[PER] = {1, 1, 1, 1};
    store<W>(dq + h * s.dim, s.heads * s.dim, s.dim, first, pack.n, sum, one);
}

/* Grid: tiles of keys, heads of keys; all query heads that read them, in order. */
template <int W>
__global__ void key_backward_kernel(float *dk, float *dv, const float *dout, const float *lse,
                                    const float *along, const float *q, const float *k,
                                    const float *v, struct device_pack pack, struct shape s)
{
    extern __shared__ float4 memory[];
    tile<W> &keys = *(tile<W> *)memory, &values = *(&keys + 1), &queries = *(&keys + 2),
            &pulls = *(&keys + 3);
    square &p = *(square *)(&keys + 4), &ds = *(&p + 1);
    int ty = threadIdx.x / SIDE, tx = threadIdx.x % SIDE;
    size_t first = blockIdx.x * (size_t)TILE, kv = blockIdx.y, group = s.heads / s.kv_heads;
    float4 dk_sum[PER][W / 64], dv_sum[PER][W / 64];
    clear<W>(dk_sum);
    clear<W>(dv_sum);
    load(keys, key_head(k, s, kv), first, pack.n);
    load(values, key_head(v, s, kv), first, pack.n);
    for (size_t h = kv * group; h < (kv + 1) * group; h++)
        for (size_t at = first; at < (size_t)pack.high[blockIdx.x]; at += TILE) {
            __syncthreads();
            load(queries, query_head(q, s, h), at, pack.n);
            load(pulls, query_head(dout, s, h), at, pack.n);
            __syncthreads();
            float score[PER][PER], dp[PER][PER];
            multiply<W>(score, keys, queries);
            multiply<W>(dp, values, pulls);
            for (int i = 0; i < PER; i++)
                for (int j = 0; j < PER; j++) {
                    float2 both = score_backward(score[i][j], dp[i][j], at + tx + SIDE * j,
                                                 first + ty + SIDE * i, h, lse, along, pack, s);
                    p.x[ty + SIDE * i][tx + SIDE * j] = both.x;
                    ds.x[ty + SIDE * i][tx + SIDE * j] = both.y;
                }
            __syncthreads();
            accumulate<W>(dv_sum, p, pulls);
            accumulate<W>(dk_sum, ds, queries);
        }
    const float one[PER] = {1, 1, 1, 1};
    store<W>(dk + kv * s.dim, s.kv_heads * s.dim, s.dim, first, pack.n, dk_sum, one);
    store<W>(dv + kv * s.dim, s.kv_heads * s.dim, s.dim, first, pack.n, dv_sum, one);
}

/* ---- launches ------------------------------------------------------------------------- */

static struct shape shape_of(const struct attention_shape *a)
{
    return {a->heads, a->kv_heads, (int)a->head_dim, 1 / sqrtf((float)a->head_dim)};
}

/* More shared memory than a kernel has unasked. */
template <typename K> static void allow(K kernel, size_t bytes)
{
    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)bytes);
}

template <int W>
static void forward(struct device *d, float *out, float *lse, const float *q, const float *k,
                    const float *v, const struct device_pack *pack, const struct attention_shape *a)
{
    size_t bytes = 2 * sizeof(tile<W>) + sizeof(square);
    dim3 grid((unsigned)((pack->n + TILE - 1) / TILE), (unsigned)a->heads);
    allow(forward_kernel<W>, bytes);
    forward_kernel<W><<<grid, THREADS, bytes, device_cuda_stream(d)>>>(out, lse, q, k, v, *pack,
                                                                      shape_of(a));
    device_cuda_check(d, "attention");
}

void device_attention_forward(struct device *d, float *out, float *lse, const float *q,
                              const float *k, const float *v, const struct device_pack *pack,
                              const struct attention_shape *shape)
{
    if (!device_cuda_ok(d) || !pack->n)
        return;
    if (shape->head_dim <= 64)
        forward<64>(d, out, lse, q, k, v, pack, shape);
    else
        forward<128>(d, out, lse, q, k, v, pack, shape);
}

template <int W>
static void backward(struct device *d, float *dq, float *dk, float *dv, const float *dout,
                     const float *lse, const float *q, const float *k, const float *v,
                     const float *along, const struct device_pack *pack,
                     const struct attention_shape *a)
{
    size_t four = 4 * sizeof(tile<W>), query_bytes = four + sizeof(square);
    size_t key_bytes = four + 2 * sizeof(square);
    unsigned tiles = (unsigned)((pack->n + TILE - 1) / TILE);
    cudaStream_t stream = device_cuda_stream(d);
    allow(query_backward_kernel<W>, query_bytes);
    allow(key_backward_kernel<W>, key_bytes);
    query_backward_kernel<W><<<dim3(tiles, (unsigned)a->heads), THREADS, query_bytes, stream>>>(
        dq, dout, lse, along, q, k, v, *pack, shape_of(a));
    device_cuda_check(d, "attention backward");
    key_backward_kernel<W><<<dim3(tiles, (unsigned)a->kv_heads), THREADS, key_bytes, stream>>>(
        dk, dv, dout, lse, along, q, k, v, *pack, shape_of(a));
    device_cuda_check(d, "attention backward");
}

void device_attention_backward(struct device *d, float *dq, float *dk, float *dv, const float *dout,
                               const float *out, const float *lse, const float *q, const float *k,
                               const float *v, float *scratch, const struct device_pack *pack,
                               const struct attention_shape *shape)
{
    if (!device_cuda_ok(d) || !pack->n)
        return;
    size_t count = pack->n * shape->heads;
    along_kernel<<<(unsigned)((count * 32 + THREADS - 1) / THREADS), THREADS, 0,
                   device_cuda_stream(d)>>>(scratch, dout, out, count, (int)shape->head_dim);
    device_cuda_check(d, "attention backward");
    if (shape->head_dim <= 64)
        backward<64>(d, dq, dk, dv, dout, lse, q, k, v, scratch, pack, shape);
    else
        backward<128>(d, dq, dk, dv, dout, lse, q, k, v, scratch, pack, shape);
}
