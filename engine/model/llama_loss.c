#include "engine/model/llama.h"

#include <string.h>

#include "engine/base/size.h"
#include "engine/ops/cross_entropy.h"

/* Rows of logits at a time: 64 rows of 49,152 are 12 MiB. */
enum { PANEL_ROWS = 64 };

struct panel {
    real *final, *dfinal; /* [PANEL_ROWS, H] */
    real *logits;         /* [PANEL_ROWS, vocab] */
    real *nll;            /* [PANEL_ROWS] */
};

static void panel_backward(struct model *model, struct panel *panel, const size_t *rows,
                           const int32_t *labels, size_t n, double scale, real *dfinal)
{
    size_t H = model->config.hidden;
    cross_entropy_backward(panel->logits, labels, (real)scale, n, model->config.vocab);
    memset(panel->dfinal, 0, n * H * sizeof *panel->dfinal);
    weight_backward(panel->dfinal, panel->logits, &model->weights.output, n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < H; j++)
            dfinal[rows[i] * H + j] += panel->dfinal[i * H + j];
}

double llama_cross_entropy(struct model *model, const real *final, const size_t *rows,
                           const int32_t *labels, size_t count, double scale, real *nll,
                           real *dfinal, struct arena *arena)
{
    size_t H = model->config.hidden, most = size_min(count, PANEL_ROWS);
    struct arena_mark mark = arena_mark(arena);
    struct panel panel = {
        .final = arena_array(arena, real, most * H),
        .dfinal = arena_array(arena, real, most * H),
        .logits = arena_array(arena, real, most * model->config.vocab),
        .nll = arena_array(arena, real, most),
    };
    double sum = 0;
    for (size_t first = 0; first < count; first += PANEL_ROWS) {
        size_t n = size_min(PANEL_ROWS, count - first);
        for (size_t i = 0; i < n; i++)
            memcpy(panel.final + i * H, final + rows[first + i] * H, H * sizeof *final);
        weight_forward(panel.logits, panel.final, &model->weights.output, NULL, n);
        cross_entropy_forward(panel.nll, panel.logits, labels + first, n, model->config.vocab);
        for (size_t i = 0; i < n; i++)
            sum += (double)panel.nll[i];
        if (nll)
            memcpy(nll + first, panel.nll, n * sizeof *nll);
        if (dfinal)
            panel_backward(model, &panel, rows + first, labels + first, n, scale, dfinal);
    }
    arena_release(arena, mark);
    return sum;
}
