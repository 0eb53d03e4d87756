/* GGUF tensors: reads the table, then checks where the data lie. */
#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "engine/model/gguf_impl.h"

#define GROUPED(n) text_grouped((n), (char[TEXT_NUMBER_MAX]){0})

/* The codes of ggml. Those without a type here are names for the message. */
static const struct {
    const char *name;
    int type;
} codes[] = {
    [0] = {"F32", TENSOR_F32},
    [1] = {"F16", TENSOR_F16},
    [2] = {"Q4_0", TENSOR_Q4_0},
    [3] = {"Q4_1", TENSOR_Q4_1},
    [6] = {"Q5_0", TENSOR_Q5_0},
    [7] = {"Q5_1", TENSOR_Q5_1},
    [8] = {"Q8_0", TENSOR_Q8_0},
    [9] = {"Q8_1", -1},
    [10] = {"Q2_K", TENSOR_Q2_K},
    [11] = {"Q3_K", TENSOR_Q3_K},
    [12] = {"Q4_K", TENSOR_Q4_K},
    [13] = {"Q5_K", TENSOR_Q5_K},
    [14] = {"Q6_K", TENSOR_Q6_K},
    [15] = {"Q8_K", -1},
    [16] = {"IQ2_XXS", -1},
    [17] = {"IQ2_XS", -1},
    [18] = {"IQ3_XXS", -1},
    [19] = {"IQ1_S", -1},
    [20] = {"IQ4_NL", TENSOR_IQ4_NL},
    [21] = {"IQ3_S", -1},
    [22] = {"IQ2_S", -1},
    [23] = {"IQ4_XS", -1},
    [24] = {"I8", TENSOR_I8},
    [25] = {"I16", TENSOR_I16},
    [26] = {"I32", TENSOR_I32},
    [27] = {"I64", TENSOR_I64},
    [28] = {"F64", TENSOR_F64},
    [29] = {"IQ1_M", -1},
    [30] = {"BF16", TENSOR_BF16},
    [34] = {"TQ1_0", -1},
    [35] = {"TQ2_0", -1},
    [39] = {"MXFP4", -1},
};

static bool read_name(struct tensor *t, struct gguf_cursor *c, struct arena *arena,
                      struct err *err)
{
    uint64_t length;
    if (!gguf_take_u64(c, &length))
        return gguf_truncated(c, err);
    if (length > gguf_left(c))
        return err_set(err, ERR_INPUT, "name length %ju exceeds the %zu bytes left",
                       (uintmax_t)length, gguf_left(c));
    const uint8_t *text = gguf_take(c, (size_t)length);
    if (length > 0 && length <= GGUF_NAME_LIMIT)
        t->name = gguf_copy_name(text, (size_t)length, arena);
    return t->name ||
           err_set(err, ERR_INPUT, "bad or duplicate name \"%.*s\" (%ju bytes)",
                   (int)size_min(length, GGUF_NAME_LIMIT), text, (uintmax_t)length);
}

/* Reads the dimensions, turned round to outermost first. */
static bool read_dims(struct tensor *t, struct gguf_cursor *c, struct err *err)
{
    uint32_t n;
    if (!gguf_take_u32(c, &n))
        return gguf_truncated(c, err);
    if (n > TENSOR_DIMS_MAX)
        return err_set(err, ERR_INPUT, "%ju dimensions, at most %d", (uintmax_t)n,
                       TENSOR_DIMS_MAX);
    t->n_dims = n;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t dim;
        if (!gguf_take_u64(c, &dim))
            return gguf_truncated(c, err);
        if (dim == 0 || dim > INT64_MAX)
            return err_set(err, ERR_INPUT, "dimension %u is %jd", i, (intmax_t)dim);
        t->dims[n - 1 - i] = (size_t)dim;
    }
    return true;
}

static bool read_type(struct tensor *t, struct gguf_cursor *c, struct err *err)
{
    uint32_t code;
    if (!gguf_take_u32(c, &code))
        return gguf_truncated(c, err);
    const char *name = code < sizeof codes / sizeof *codes ? codes[code].name : NULL;
    if (!name)
        return err_set(err, ERR_INPUT, "unsupported type %d", (int)code);
    if (codes[code].type < 0)
        return err_set(err, ERR_INPUT, "unsupported type %d (%s)", (int)code, name);
    t->type = (enum tensor_type)codes[code].type;
    return true;
}

/* Sets bytes: the product of the dimensions, in blocks. */
static bool compute_bytes(struct tensor *t, struct err *err)
{
    size_t values = tensor_type_values(t->type), count = 1;
    for (unsigned i = 0; i < t->n_dims; i++)
        if (!size_mul(count, t->dims[i], &count) || count > INT64_MAX)
            return err_set(err, ERR_INPUT, "element count overflows");
    size_t row = t->n_dims ? t->dims[t->n_dims - 1] : 1;
    if (row % values != 0)
        return err_set(err, ERR_INPUT, "row length %zu not a multiple of %zu (%s)", row,
                       values, tensor_type_name(t->type));
    if (!size_mul(count / values, tensor_type_bytes(t->type), &t->bytes) ||
        t->bytes > INT64_MAX)
        return err_set(err, ERR_INPUT, "byte size overflows");
    return true;
}

/* A tensor of the table with where its data should be. */
struct span {
    struct tensor *tensor;
    uint64_t offset;
};

static bool read_info(struct span *span, size_t i, struct gguf_cursor *c,
                      struct arena *arena, struct err *err)
{
    struct tensor *t = span->tensor;
    if (!read_name(t, c, arena, err))
        return err_prefix(err, "tensor %zu", i);
    bool ok = read_dims(t, c, err) && read_type(t, c, err) &&
              (gguf_take_u64(c, &span->offset) || gguf_truncated(c, err)) &&
              compute_bytes(t, err);
    return ok || err_prefix(err, "tensor %zu \"%s\"", i, t->name);
}

/* The sum of all sizes, each padded, must be a number before single places are judged. */
static bool check_total(const struct span *spans, size_t count, size_t alignment,
                        struct err *err)
{
    size_t total = 0, padded;
    for (size_t i = 0; i < count; i++)
        if (!size_round_up(spans[i].tensor->bytes, alignment, &padded) ||
            !size_add(total, padded, &total) || total > INT64_MAX)
            return err_set(err, ERR_INPUT, "total tensor size overflows");
    return true;
}

static bool place(const struct span *span, const struct gguf_cursor *c, size_t start,
                  size_t alignment, struct err *err)
{
    struct tensor *t = span->tensor;
    size_t begin, end;
    if (tensor_count(t) > GGUF_VALUES_LIMIT)
        return err_set(err, ERR_INPUT, "element count overflows: %s, at most %s",
                       GROUPED(tensor_count(t)), GROUPED(GGUF_VALUES_LIMIT));
    if (span->offset % alignment != 0 || !size_add(start, span->offset, &begin) ||
        !size_add(begin, t->bytes, &end))
        return err_set(err, ERR_INPUT, "offset %ju invalid (alignment %zu)",
                       (uintmax_t)span->offset, alignment);
    if (end > c->size)
        return err_set(err, ERR_INPUT,
                       "data ends at byte %s but the file has %s: "
                       "file is %s byte%s short. Re-download the file.",
                       GROUPED(end), GROUPED(c->size), GROUPED(end - c->size),
                       text_plural(end - c->size));
    t->data = c->data + begin;
    return true;
}

static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static bool check_overlap(struct span *spans, size_t count, struct err *err)
{
    if (count > 1)
        qsort(spans, count, sizeof *spans, compare_spans);
    for (size_t i = 1; i < count; i++)
        if (spans[i].offset - spans[i - 1].offset < spans[i - 1].tensor->bytes)
            return err_set(err, ERR_INPUT, "tensors %s and %s overlap",
                           spans[i - 1].tensor->name, spans[i].tensor->name);
    return true;
}

static bool read_table(struct span *spans, struct gguf_cursor *c, size_t count,
                       size_t alignment, struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!read_info(&spans[i], i, c, arena, err))
            return false;
    if (!check_total(spans, count, alignment, err))
        return false;
    size_t start;
    if (!size_round_up(c->at, alignment, &start))
        return err_set(err, ERR_INPUT, "total tensor size overflows");
    for (size_t i = 0; i < count; i++)
        if (!place(&spans[i], c, start, alignment, err))
            return err_prefix(err, "tensor %zu \"%s\"", i, spans[i].tensor->name);
    return check_overlap(spans, count, err);
}

bool gguf_tensors_read(struct gguf *g, struct gguf_cursor *c, size_t count,
                       size_t alignment, struct err *err)
{
    struct span *spans = xcalloc(count, sizeof *spans);
    MEM_GROW(g->tensors, g->tensor_capacity, g->tensor_count + count);
    for (size_t i = 0; i < count; i++) {
        spans[i].tensor = &g->tensors[g->tensor_count + i];
        *spans[i].tensor = (struct tensor){0};
    }
    bool ok = read_table(spans, c, count, alignment, &g->arena, err);
    free(spans);
    if (ok)
        g->tensor_count += count;
    return ok;
}
