/* Figures of differences: what compression costs each token, and how the plan of one
 * snapshot differs from that of another. Values lie on both sides of 0. */
#include <math.h>
#include <stdlib.h>

#include "engine/base/size.h"
#include "views/compare.h"
#include "views/figure_parts.h"
#include "views/loss.h"

enum color_map figure_map(const struct figure_options *options)
{
    return figure_is_signed(options->kind) ? options->diff_map : options->map;
}

bool figure_is_signed(enum figure_kind kind)
{
    return kind == FIGURE_LOSS || kind == FIGURE_DIFF;
}

bool figure_is_plot(enum figure_kind kind)
{
    return kind == FIGURE_MASS || kind == FIGURE_LOSS;
}

bool figure_check_difference(const struct snapshot *s, const struct figure_options *options,
                             struct err *err)
{
    if (options->kind == FIGURE_LOSS && !s->loss)
        return err_set(err, ERR_INPUT, "loss: what compression costs is not known yet: use loss");
    if (options->kind != FIGURE_DIFF)
        return true;
    if (!options->against)
        return err_set(err, ERR_USAGE, "diff: from what? Pin A with b, or name a session file "
                                       "with --against");
    return compare_same_document(options->against, s) ||
           err_set(err, ERR_INPUT, "diff: A and B show different documents");
}

/* ---- loss ---------------------------------------------------------------------- */

void figure_fill_loss(struct figure_data *data, const struct snapshot *s)
{
    for (size_t t = 0; t < data->tokens; t++)
        data->grid.value[t] = (float)loss_of_compression(s, data->first + t);
}

/* ---- difference of plans --------------------------------------------------------- */

/* A row is a home span of what the figure is of. */
static void lay_rows(struct compare_grid *grid, const struct figure_part *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < parts[i].window->slots; j++) {
            const struct snapshot_window *w = parts[i].window;
            grid->edge[parts[i].row + j] = w->first + w->span[j];
            grid->edge[parts[i].row + j + 1] = w->first + w->span[j + 1];
        }
}

/* All windows that the figure touches, each of mass 1. */
static void fill_grid(struct compare_grid *grid, const struct figure_data *data,
                      const struct snapshot *s, const struct figure_part *parts, size_t n)
{
    const struct snapshot_window *last = parts[n - 1].window;
    size_t first = parts[0].window->first;
    compare_grid_init(grid, first, last->first + last->tokens - first, 1, data->rows);
    lay_rows(grid, parts, n);
    compare_grid_fill(grid, s);
}

void figure_fill_difference(struct figure_data *data, const struct snapshot *s,
                            const struct figure_options *options, const struct figure_part *parts,
                            size_t n)
{
    struct compare_grid a, b;
    bool flipped = options->against_is_b;
    fill_grid(&a, data, flipped ? s : options->against, parts, n);
    fill_grid(&b, data, flipped ? options->against : s, parts, n);
    size_t skip = data->first - a.first;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < parts[i].window->slots; j++) {
            size_t row = parts[i].row + j;
            double unit = (double)a.tokens / (double)parts[i].window->tokens, moved = 0;
            for (size_t t = 0; t < a.columns; t++) {
                double d = (double)b.value[row * b.columns + t] -
                           (double)a.value[row * a.columns + t];
                moved += fabs(d) * unit / 2;
                if (t >= skip && t - skip < data->tokens)
                    data->grid.value[row * data->tokens + t - skip] = (float)(d * unit);
            }
            data->beside[row] = (float)(moved / (double)parts[i].window->capacity);
        }
    compare_grid_free(&a);
    compare_grid_free(&b);
}

/* ---- scale ----------------------------------------------------------------------- */

struct heat_scale figure_signed_scale(const struct figure_data *data,
                                      const struct figure_options *options)
{
    double low = 0, high = 0;
    for (size_t i = 0; i < data->rows * data->tokens; i++) {
        double x = (double)data->grid.value[i];
        if (isnan(x))
            continue;
        low = fmin(low, x);
        high = fmax(high, x);
    }
    if (!isnan(options->limit_high))
        low = options->limit_low, high = options->limit_high;
    if (data->kind == FIGURE_DIFF) /* 0 in the middle of the map */
        low = -(high = fmax(fabs(low), fabs(high)));
    return (struct heat_scale){SCALE_LINEAR, low, high};
}
