#include "engine/ops/device.h"

#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#ifdef COMPREXIT_CUDA
#include "engine/ops/device_cuda.h"
#endif

struct device *device_open(struct err *err)
{
#ifdef COMPREXIT_CUDA
    return device_cuda_open(err);
#else
    err_set(err, ERR_USAGE, "this program was built without CUDA (make CUDA=1)");
    return NULL;
#endif
}

void device_close(struct device *d)
{
    if (d)
        d->ops->close(d);
}

bool device_finish(struct device *d, struct err *err)
{
    d->ops->wait(d);
    if (!d->failed)
        return true;
    d->failed = false;
    return err_set(err, d->err.code, "%s", d->err.text);
}

real *device_reals(struct device *d, size_t count)
{
    return d->ops->take(d, count * sizeof(real));
}

real *device_reals_of(struct device *d, const real *host, size_t count)
{
    real *x = device_reals(d, count);
    d->ops->upload(d, x, host, count * sizeof *x);
    return x;
}

int32_t *device_ints_of(struct device *d, const int32_t *host, size_t count)
{
    int32_t *x = d->ops->take(d, count * sizeof *x);
    d->ops->upload(d, x, host, count * sizeof *x);
    return x;
}

void device_sum_rows(struct device *d, real *out, const real *x, const int32_t *to, size_t count,
                     size_t n, size_t width)
{
    int32_t *starts = xcalloc(2 * n + 1 + count, sizeof *starts);
    int32_t *next = starts + n + 1, *index = next + n;
    for (size_t i = 0; i < count; i++)
        if (to[i] >= 0 && (size_t)to[i] < n)
            starts[to[i] + 1]++;
    for (size_t r = 0; r < n; r++)
        starts[r + 1] += starts[r];
    for (size_t i = 0; i < count; i++)
        if (to[i] >= 0 && (size_t)to[i] < n)
            index[starts[to[i]] + next[to[i]]++] = (int32_t)i;
    d->ops->gather_sums(d, out, x, device_ints_of(d, starts, n + 1),
                        device_ints_of(d, index, count), n, width);
    free(starts);
}

/* The arrays of a pack on the host, in one block. */
struct pack_rows {
    int32_t *begin, *prefix, *prefix_end, *low, *high;
};

static void fill_sequence(const struct pack_rows *rows, const struct attention_pack *pack, size_t s)
{
    size_t from = pack->prefix ? pack->prefix[s] : s;
    bool alone = from == s;
    for (size_t t = pack->starts[s]; t < pack->starts[s + 1]; t++) {
        rows->begin[t] = (int32_t)pack->starts[s];
        rows->prefix[t] = alone ? 0 : (int32_t)pack->starts[from];
        rows->prefix_end[t] = alone ? 0 : (int32_t)pack->starts[from + 1];
    }
}

static void widen(int32_t *high, size_t tile, size_t row)
{
    if (high[tile] < (int32_t)row + 1)
        high[tile] = (int32_t)row + 1;
}

/* Each row moves the bounds of the tiles that it sees. */
static void bound_tiles(const struct pack_rows *rows, size_t n)
{
    for (size_t t = 0; t < n; t++) {
        int32_t first = rows->prefix[t] < rows->prefix_end[t] ? rows->prefix[t] : rows->begin[t];
        int32_t *low = &rows->low[t / DEVICE_PACK_ROWS];
        if (t % DEVICE_PACK_ROWS == 0 || first < *low)
            *low = first;
        for (size_t i = (size_t)rows->begin[t] / DEVICE_PACK_ROWS; i <= t / DEVICE_PACK_ROWS; i++)
            widen(rows->high, i, t);
        for (size_t k = (size_t)rows->prefix[t]; k < (size_t)rows->prefix_end[t];
             k += DEVICE_PACK_ROWS)
            widen(rows->high, k / DEVICE_PACK_ROWS, t);
        if (rows->prefix[t] < rows->prefix_end[t])
            widen(rows->high, (size_t)(rows->prefix_end[t] - 1) / DEVICE_PACK_ROWS, t);
    }
}

void device_pack_init(struct device *d, struct device_pack *out, const struct attention_pack *pack)
{
    size_t n = pack->starts[pack->sequences], tiles = size_div_up(n, DEVICE_PACK_ROWS);
    int32_t *block = xcalloc(3 * n + 2 * tiles, sizeof *block);
    struct pack_rows rows = {block, block + n, block + 2 * n, block + 3 * n, block + 3 * n + tiles};
    for (size_t s = 0; s < pack->sequences; s++)
        fill_sequence(&rows, pack, s);
    bound_tiles(&rows, n);
    const int32_t *on_device = device_ints_of(d, block, 3 * n + 2 * tiles);
    *out = (struct device_pack){
        .n = n,
        .begin = on_device,
        .prefix = on_device + n,
        .prefix_end = on_device + 2 * n,
        .low = on_device + 3 * n,
        .high = on_device + 3 * n + tiles,
    };
    free(block);
}
