#include "engine/model/weights_room.h"

#include <stdint.h>
#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/model/quant_pack.h"

#define LESS "--precision f32 does without them, more slowly; a smaller model needs less"

/* Values of the copy that this matrix needs. */
static size_t copy_values(const struct weight *w)
{
    return w->dense ? 0 : w->rows * w->cols;
}

void weights_reserve_copies(struct llama_weights *w, const struct llama_config *c, size_t memory)
{
    size_t room = memory / sizeof(real), total = 0, used = 0;
    struct weight *m;
    for (size_t i = 0; (m = weights_matrix_at(w, c, i)); i++)
        if (copy_values(m) <= room - total)
            total += copy_values(m);
    w->block =
        total ? mem_try_raw(total, sizeof *w->block, "widened weights", NULL) : NULL;
    for (size_t i = 0; w->block && (m = weights_matrix_at(w, c, i)); i++) {
        if (copy_values(m) == 0 || copy_values(m) > total - used)
            continue;
        m->room = w->block + used;
        used += copy_values(m);
    }
}

/* ---- precision ------------------------------------------------------------ */

const char *precision_name(enum precision precision)
{
    static const char *const names[PRECISION_COUNT] = {"f32", "q16", "q8", "bf16", "mixed"};
    return names[precision];
}

bool precision_rounds_attention(enum precision precision)
{
    return precision == PRECISION_Q8 || precision == PRECISION_MIXED || precision == PRECISION_BF16;
}

/* Bytes of the packed matrix; 0: it cannot be packed. */
static size_t packed_bytes(const struct weight *w)
{
    enum qmatrix_kind kind = quant_pack_kind(w->stored.type);
    return w->cols % QBLOCK ? 0 : qmatrix_bytes(kind, w->rows, w->cols);
}

static bool reserve_packed(struct llama_weights *w, const struct llama_config *c,
                           struct err *err)
{
    size_t total = 0, used = 0;
    struct weight *m;
    for (size_t i = 0; (m = weights_matrix_at(w, c, i)); i++)
        total += packed_bytes(m);
    w->packed = mem_try_raw(total, 1, "quantised weights|" LESS, err);
    for (size_t i = 0; w->packed && (m = weights_matrix_at(w, c, i)); i++) {
        if (packed_bytes(m) == 0)
            continue;
        m->packed = (struct qmatrix){.kind = quant_pack_kind(m->stored.type),
                                     .rows = m->rows,
                                     .cols = m->cols,
                                     .panels = w->packed + used};
        used += packed_bytes(m);
    }
    return w->packed != NULL;
}

/* Values of the matrix in bfloat16, and of its transpose; 0: they would not be whole pairs. */
static size_t rounded_values(const struct weight *w)
{
    return w->cols % 2 || w->rows % 2 ? 0 : bmatrix_bytes(w->rows, w->cols) / sizeof(uint16_t);
}

/* Bytes of the transpose that gradients are multiplied with; 0: they cannot be. */
static size_t transposed_bytes(const struct weight *w, enum gradient_products kind)
{
    if (kind == GRADIENT_8)
        return w->rows % QBLOCK ? 0 : qmatrix_bytes(QMATRIX_8, w->cols, w->rows);
    return kind == GRADIENT_BFLOAT && rounded_values(w) ? bmatrix_bytes(w->cols, w->rows) : 0;
}

static bool reserve_rounded(struct llama_weights *w, const struct llama_config *c,
                            struct err *err)
{
    size_t total = 0, used = 0;
    struct weight *m;
    for (size_t i = 0; (m = weights_matrix_at(w, c, i)); i++)
        total += rounded_values(m);
    w->rounded = mem_try_raw(total, sizeof *w->rounded, "weights in bfloat16|" LESS,
                             err);
    for (size_t i = 0; w->rounded && (m = weights_matrix_at(w, c, i)); i++) {
        if (rounded_values(m) == 0)
            continue;
        m->rounded = (struct bmatrix){m->rows, m->cols, w->rounded + used};
        used += rounded_values(m);
    }
    return w->rounded != NULL;
}

bool llama_weights_round_gradients(struct llama_weights *w, const struct llama_config *c)
{
    const struct weight *m;
    for (size_t i = 0; (m = weights_matrix_at(w, c, i)); i++)
        if (m->gradient != GRADIENT_EXACT)
            return true;
    return false;
}

/* Room for all matrices as soon as one has gradients of this kind: what is never written takes no
 * memory. */
static bool reserve_transposed(struct llama_weights *w, const struct llama_config *c,
                               enum gradient_products kind, struct err *err)
{
    size_t total = 0, used = 0;
    bool wanted = false;
    struct weight *m;
    for (size_t i = 0; (m = weights_matrix_at(w, c, i)); i++) {
        wanted = wanted || m->gradient == kind;
        total += transposed_bytes(m, kind);
    }
    if (!wanted || w->transposed[kind])
        return true;
    w->transposed[kind] = mem_try_raw(total, 1, "transposed weights|a smaller model needs less",
                                      err);
    for (size_t i = 0; w->transposed[kind] && (m = weights_matrix_at(w, c, i)); i++) {
        uint8_t *room = w->transposed[kind] + used;
        size_t bytes = transposed_bytes(m, kind);
        used += bytes;
        if (bytes == 0)
            continue;
        if (kind == GRADIENT_8)
            m->transposed_8 = (struct qmatrix){QMATRIX_8, m->cols, m->rows, room};
        else
            m->transposed = (struct bmatrix){m->cols, m->rows, (uint16_t *)(void *)room};
    }
    return w->transposed[kind] != NULL;
}

bool llama_weights_reserve_backward(struct llama_weights *w, const struct llama_config *c,
                                    struct err *err)
{
    return reserve_transposed(w, c, GRADIENT_BFLOAT, err) &&
           reserve_transposed(w, c, GRADIENT_8, err);
}

/* All but Q8 are for what stays the same numbers when it is packed. */
static bool can_multiply(const struct weight *w, enum precision precision)
{
    if (precision == PRECISION_BF16)
        return w->rounded.panels;
    return w->packed.panels &&
           (precision == PRECISION_Q8 || quant_pack_keeps(w->stored.type));
}

/* The output's sum over the vocabulary, whose probabilities range too far for blocks of 8 bits,
 * is in bfloat16 at best. */
static enum gradient_products gradient_of(const struct weight *w, bool is_output)
{
    bool quantised = w->precision == PRECISION_Q8 || w->precision == PRECISION_MIXED;
    if (quantised && qmatmul_skips() && !is_output && transposed_bytes(w, GRADIENT_8))
        return GRADIENT_8;
    bool rounds = w->precision == PRECISION_BF16 || (quantised && bmatmul_is_fast());
    return rounds && transposed_bytes(w, GRADIENT_BFLOAT) ? GRADIENT_BFLOAT : GRADIENT_EXACT;
}

static bool reserve(struct llama_weights *weights, const struct llama_config *config,
                    enum precision precision, struct err *err)
{
    if (precision == PRECISION_BF16)
        return weights->rounded || reserve_rounded(weights, config, err);
    return precision == PRECISION_F32 || weights->packed || reserve_packed(weights, config, err);
}

bool llama_weights_set_precision(struct llama_weights *weights,
                                 const struct llama_config *config,
                                 enum precision precision, struct err *err)
{
    struct weight *m;
    if (!reserve(weights, config, precision, err))
        return false;
    for (size_t i = 0; (m = weights_matrix_at(weights, config, i)); i++) {
        m->precision = can_multiply(m, precision) ? precision : PRECISION_F32;
        m->gradient = gradient_of(m, m == &weights->output);
    }
    return true;
}

size_t llama_weights_pending(const struct llama_weights *weights,
                             const struct llama_config *config)
{
    size_t bytes = 0;
    struct llama_weights view = *weights;
    const struct weight *m;
    for (size_t i = 0; (m = weights_matrix_at(&view, config, i)); i++) {
        bool quantised = m->precision != PRECISION_F32 && m->precision != PRECISION_BF16;
        bool dense = m->precision == PRECISION_F32 || m->gradient == GRADIENT_EXACT;
        bytes += quantised && !m->is_packed ? packed_bytes(m) : 0;
        bytes += dense && m->room && !m->dense ? m->rows * m->cols * sizeof(real) : 0;
        bytes += m->precision == PRECISION_BF16 && !m->is_rounded
                     ? rounded_values(m) * sizeof(uint16_t) : 0;
        bool made = m->gradient == GRADIENT_8 ? m->is_transposed_8 : m->is_transposed;
        bytes += made ? 0 : transposed_bytes(m, m->gradient);
    }
    return bytes;
}
