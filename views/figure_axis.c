#include "views/figure_axis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/mem.h"

/* Steps from the roundest to the least round. Sorted by size, neighbours differ by
 * a quarter at most: one of them always fits four times, and not five times. */
static const double round_steps[] = {1, 2, 5, 2.5, 4, 3, 6, 8, 1.5, 1.2, 7, 3.5, 1.8, 1.25};

/* Decimals that a step of this shape needs, beyond its power of ten. */
static int extra_decimals(double shape)
{
    return shape == floor(shape) ? 0 : shape * 10 == floor(shape * 10) ? 1 : 2;
}

size_t axis_round_numbers(double low, double high, double value[AXIS_NUMBERS_MAX], int *decimals)
{
    double range = high - low, slack = 1e-9;
    int power = (int)floor(log10(range / 4));
    double step = 0;
    for (int p = power; p >= power - 1 && step == 0; p--)
        for (size_t i = 0; i < sizeof round_steps / sizeof *round_steps && step == 0; i++) {
            double count = range / (round_steps[i] * pow(10, p));
            if (count < 4 - slack || count >= 5 - slack)
                continue;
            step = round_steps[i] * pow(10, p);
            *decimals = -p + extra_decimals(round_steps[i]);
        }
    if (*decimals < 0)
        *decimals = 0;
    size_t n = 0;
    for (double k = ceil(low / step - slack); k * step <= high + slack * range; k++)
        if (n < AXIS_NUMBERS_MAX)
            value[n++] = k * step;
    return n;
}

void axis_format_number(char *out, size_t size, double value, int decimals)
{
    if (value == 0)
        snprintf(out, size, "0");
    else if (decimals > 5)
        snprintf(out, size, "%.3g", value);
    else
        snprintf(out, size, "%.*f", decimals, value);
}

double axis_round_number(double top, char *out, size_t size)
{
    double power = pow(10, floor(log10(top))), shape = top / power;
    double number = power * (shape >= 5 ? 5 : shape >= 2 ? 2 : 1);
    snprintf(out, size, "%.1g", number);
    return number;
}

/* ---- tokens -------------------------------------------------------------------- */

struct candidate {
    size_t at;
    bool kept;
    float mass;
};

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->kept != y->kept)
        return x->kept ? -1 : 1;
    if (x->mass != y->mass)
        return x->mass > y->mass ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static int compare_labels(const void *a, const void *b)
{
    const struct axis_label *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

static struct candidate *token_candidates(const struct figure_data *data,
                                          const struct figure_options *options, size_t *count)
{
    struct candidate *list = xcalloc(data->tokens, sizeof *list);
    size_t n = 0;
    for (size_t t = 0; t < data->tokens; t++)
        if (options->ticks != TICKS_WORDS || data->token[t].word || data->token[t].kept)
            list[n++] = (struct candidate){t, data->token[t].kept, data->mass[t]};
    qsort(list, n, sizeof *list, compare_candidates);
    *count = n;
    return list;
}

static bool touches(const struct axis_label *labels, size_t n, size_t at, double cell, double room)
{
    for (size_t i = 0; i < n; i++) {
        double distance = fabs((double)labels[i].at - (double)at) * cell;
        if (distance < room)
            return true;
    }
    return false;
}

struct axis_label *axis_token_labels(const struct figure_data *data,
                                     const struct figure_options *options, double cell,
                                     double room, size_t *count)
{
    size_t candidates, most = options->ticks == TICKS_COUNT ? options->tick_count : SIZE_MAX;
    struct candidate *list = token_candidates(data, options, &candidates);
    struct axis_label *labels = xcalloc(data->tokens, sizeof *labels);
    *count = 0;
    if (options->ticks == TICKS_NONE)
        most = 0;
    for (size_t i = 0; i < candidates && *count < most; i++) {
        const struct figure_token *token = &data->token[list[i].at];
        if (!touches(labels, *count, list[i].at, cell, room))
            labels[(*count)++] = (struct axis_label){list[i].at, token->label, token->kept};
    }
    qsort(labels, *count, sizeof *labels, compare_labels);
    free(list);
    return labels;
}

struct axis_label *axis_row_labels(const struct figure_data *data, double cell, double room,
                                   size_t *count)
{
    size_t step = data->row_step;
    while (cell * (double)step < room && step < data->rows)
        step *= 2;
    struct axis_label *labels = xcalloc(data->rows, sizeof *labels);
    *count = 0;
    for (size_t r = 0; r < data->rows; r++) {
        bool locked = data->locked_row && r == data->row;
        double distance = fabs((double)r - (double)data->row) * cell;
        bool hidden = data->locked_row && !locked && distance < room;
        if (!data->row_label[r][0] || !(locked || (data->row_number[r] % step == 0 && !hidden)))
            continue;
        while (*count && !labels[*count - 1].strong &&
               (double)(r - labels[*count - 1].at) * cell < room)
            --*count;
        labels[(*count)++] = (struct axis_label){r, data->row_label[r], locked};
    }
    return labels;
}
