// A CUDA device: errors, memory, and products through cuBLAS. Rows and single numbers are in
// device_kernels.cu, attention in device_attention.cu, the compressor's own operations in
// device_transport.cu.
#define _Noreturn __attribute__((noreturn))
#include "engine/ops/device_cuda.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops/device_attention.cuh"
#include "engine/ops/device_kernels.cuh"

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

static void fill_ops(struct device_ops *ops);

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
    fill_ops(&c->ops);
    c->base.ops = &c->ops;
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

static void fill_ops(struct device_ops *ops)
{
    ops->name = "cuda";
    ops->close = cuda_close;
    ops->wait = cuda_wait;
    ops->take = cuda_take;
    ops->mark = cuda_mark;
    ops->release = cuda_release;
    ops->upload = cuda_upload;
    ops->download = cuda_download;
    ops->copy = cuda_copy;
    ops->zero = cuda_zero;
    ops->matmul = cuda_matmul;
    ops->attention_forward = device_attention_forward;
    ops->attention_backward = device_attention_backward;
    ops->transport = &device_transport_cuda;
    device_kernels_fill(ops);
}
