#include "views/loss.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/mem.h"
#include "views/brush.h"
#include "views/token_text.h"

enum { WORDS_NAMED = 5 };

double loss_of_compression(const struct snapshot *s, size_t token)
{
    const struct snapshot_loss *l = s->loss;
    if (!l || token >= l->tokens)
        return (double)NAN;
    return (double)l->compressed[token] - (double)l->full[token];
}

double loss_shown(const struct snapshot *s, const struct view_state *v, size_t token)
{
    bool outside = v->has_range && (token < v->range_from || token > v->range_to);
    return outside ? (double)NAN : loss_of_compression(s, token);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double loss_scale(const struct snapshot *s, const struct view_state *v)
{
    size_t n = s->loss ? s->loss->tokens : 0, known = 0;
    double *size = xcalloc(n, sizeof *size);
    for (size_t t = 0; t < n; t++) {
        double x = fabs(loss_shown(s, v, t));
        if (!isnan(x))
            size[known++] = x;
    }
    qsort(size, known, sizeof *size, ascending);
    double top = known ? size[known - 1 - known / 100] : 0;
    free(size);
    return top > 0 ? top : 1;
}

static double mean_of(const struct snapshot *s, const struct view_state *v, size_t from, size_t to,
                      size_t *known)
{
    double sum = 0;
    *known = 0;
    for (size_t t = from; t < to; t++) {
        double x = loss_shown(s, v, t);
        if (isnan(x))
            continue;
        sum += x;
        ++*known;
    }
    return *known ? sum / (double)*known : (double)NAN;
}

void loss_heading(const struct snapshot *s, const struct view_state *v, char *out, size_t size)
{
    size_t known = 0;
    double mean = s->loss ? mean_of(s, v, 0, s->loss->tokens, &known) : 0;
    out[0] = '\0';
    if (!s->loss)
        text_add(out, size, ":loss \u00b7 ");
    else if (known)
        text_add(out, size, "loss %+.2f nats%s \u00b7 ", mean, s->loss_stale ? ", stale" : "");
}

void loss_costliest(const struct snapshot *s, const struct view_state *v, int room, char *out,
                    size_t size)
{
    size_t n = s->loss ? s->loss->tokens : 0;
    double *weight = xcalloc(n, sizeof *weight);
    struct ranked top[WORDS_NAMED];
    out[0] = '\0';
    for (size_t from = 0, to; from < n; from = to) {
        size_t known, first;
        view_unit_range(s->document, UNIT_WORD, from, &first, &to);
        if (to <= from)
            to = from + 1;
        double mean = mean_of(s, v, from, to, &known);
        weight[from] = isnan(mean) ? 0 : mean;
    }
    size_t count = rank_top(weight, n, 0, top, WORDS_NAMED);
    for (size_t i = 0; i < count; i++) {
        char name[64];
        size_t from, to;
        view_unit_range(s->document, UNIT_WORD, top[i].index, &from, &to);
        token_range_label(s->document, from, to, name, sizeof name);
        char entry[96];
        snprintf(entry, sizeof entry, "%s%s %+.1f", i ? ", " : "costliest: ", name, top[i].weight);
        if (text_columns(out) + text_columns(entry) > room)
            break;
        text_add(out, size, "%s", entry);
    }
    free(weight);
}
