#include "engine/model/llama.h"

#include <string.h>

#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/ops/cross_entropy.h"

/* Rows of logits at a time: 128 rows of 49,152 are 24 MiB. */
enum { PANEL_ROWS = 128, PART_ELEMENTS = 1 << 15 };

struct panel {
    real *final, *dfinal; /* [PANEL_ROWS, H] */
    real *logits;         /* [PANEL_ROWS, vocab] */
    real *nll;            /* [PANEL_ROWS] */
    real *taught;         /* [PANEL_ROWS, vocab] the teacher's probabilities */
    real *kl;             /* [PANEL_ROWS] */
};

/* Sum of KL(teacher || model) over n labels. The teacher's probabilities stay in
 * panel->taught. */
static double panel_teach(struct model *model, struct panel *panel, const real *final, size_t n)
{
    weight_forward(panel->taught, final, &model->weights.output, NULL, n);
    cross_entropy_teach(panel->kl, panel->taught, panel->logits, n, model->config.vocab);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)panel->kl[i];
    return sum;
}

/* The gradient of the KL to the logits is p - q: taught becomes that. */
static void unteach_part(const void *loop, size_t first, size_t last)
{
    const struct panel *panel = loop;
    for (size_t i = first; i < last; i++)
        panel->taught[i] = panel->logits[i] - panel->taught[i];
}

static void panel_unteach(struct panel *panel, size_t count)
{
    team_run(unteach_part, panel, count, PART_ELEMENTS);
}

struct teaching {
    const struct panel *panel;
    real factor;
};

static void teach_part(const void *loop, size_t first, size_t last)
{
    const struct teaching *t = loop;
    for (size_t i = first; i < last; i++)
        t->panel->logits[i] += t->factor * t->panel->taught[i];
}

static void panel_add_teaching(struct panel *panel, double factor, size_t count)
{
    const struct teaching teaching = {panel, (real)factor};
    team_run(teach_part, &teaching, count, PART_ELEMENTS);
}

static void panel_backward(struct model *model, struct panel *panel, const size_t *rows,
                           const int32_t *labels, size_t n, double scale,
                           const struct llama_teacher *teacher, real *dfinal)
{
    size_t H = model->config.hidden, cells = n * model->config.vocab;
    if (teacher)
        panel_unteach(panel, cells);
    cross_entropy_backward(panel->logits, labels, (real)scale, n, model->config.vocab);
    if (teacher)
        panel_add_teaching(panel, scale * teacher->weight, cells);
    weight_backward(panel->dfinal, panel->logits, &model->weights.output, n, false);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < H; j++)
            dfinal[rows[i] * H + j] += panel->dfinal[i * H + j];
}

double llama_cross_entropy(struct model *model, const real *final, const size_t *rows,
                           const int32_t *labels, size_t count, double scale, real *nll,
                           real *dfinal, struct llama_teacher *teacher, struct arena *arena)
{
    size_t H = model->config.hidden, most = size_min(count, PANEL_ROWS);
    struct arena_mark mark = arena_mark(arena);
    struct panel panel = {
        .final = arena_raw(arena, real, most * H),
        .dfinal = arena_raw(arena, real, most * H),
        .logits = arena_raw(arena, real, most * model->config.vocab),
        .nll = arena_raw(arena, real, most),
    };
    if (teacher) {
        panel.taught = arena_raw(arena, real, most * model->config.vocab);
        panel.kl = arena_raw(arena, real, most);
        teacher->kl_sum = 0;
    }
    double sum = 0;
    for (size_t first = 0; first < count; first += PANEL_ROWS) {
        size_t n = size_min(PANEL_ROWS, count - first);
        for (size_t i = 0; i < n; i++)
            memcpy(panel.final + i * H, final + rows[first + i] * H, H * sizeof *final);
        weight_forward(panel.logits, panel.final, &model->weights.output, NULL, n);
        if (teacher)
            teacher->kl_sum += panel_teach(model, &panel, teacher->final + first * H, n);
        cross_entropy_forward(panel.nll, panel.logits, labels + first, n, model->config.vocab);
        for (size_t i = 0; i < n; i++)
            sum += (double)panel.nll[i];
        if (nll)
            memcpy(nll + first, panel.nll, n * sizeof *nll);
        if (dfinal)
            panel_backward(model, &panel, rows + first, labels + first, n, scale, teacher, dfinal);
    }
    arena_release(arena, mark);
    return sum;
}
