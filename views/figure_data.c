#include "views/figure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/size.h"
#include "engine/base/text.h"
#include "views/figure_parts.h"
#include "views/token_text.h"

#define FIGURE_KIND_NAME(id, name) name,
const char *const figure_kind_name[FIGURE_KIND_COUNT] = {FIGURE_KINDS(FIGURE_KIND_NAME)};
#undef FIGURE_KIND_NAME

const struct figure_options figure_options_default = {
    .kind = FIGURE_PLAN,
    .value = VALUE_PLAN_MASS,
    .limit_low = (double)NAN,
    .limit_high = (double)NAN,
    .map = MAP_VIRIDIS,
    .diff_map = MAP_VIK,
    .marginals = true,
    .colorbar = true,
    .width_mm = 89,
    .dpi = 300,
    .iteration = -1,
};

enum view_value figure_value_of(enum figure_kind kind, enum view_value value)
{
    enum pane pane = kind == FIGURE_GATE ? PANE_GATES : PANE_PLAN;
    if (kind == FIGURE_LOSS)
        return VALUE_LOSS;
    for (int v = 0; v < VALUE_COUNT; v++)
        if (view_value_pane[v] == pane && strcmp(view_value_name[v], view_value_name[value]) == 0)
            return (enum view_value)v;
    return kind == FIGURE_GATE ? VALUE_GATE : VALUE_PLAN_MASS;
}

enum { LAYER_STEP = 5, SLOT_STEP = 4 };

/* ---- tokens ------------------------------------------------------------------- */

/* Tokens [from, to) as one: their bytes belong together, so that a character which
 * is spread over several of them is whole again. Special tokens have no bytes and are
 * units of their own. start and end are the caller's. */
static struct snapshot_document as_one(const struct snapshot_document *d, size_t from, size_t to,
                                       uint32_t *start, uint32_t *end)
{
    *start = d->start[from];
    *end = d->end[to - 1];
    return (struct snapshot_document){.text = d->text, .size = d->size, .tokens = 1,
                                      .start = start, .end = end,
                                      .special = to - from == 1 ? d->special + from : NULL};
}

/* Escaped text, blanks kept. */
static char *plain_text(const struct snapshot_document *one)
{
    const char *name = one->special ? one->special[0] : NULL;
    size_t length = name ? strlen(name) : (size_t)(one->end[0] - one->start[0]), used = 0;
    char *out = xmalloc(length * TEXT_ESCAPE_MAX + 1);
    struct text_piece piece;
    for (size_t offset = 0; token_piece(one, 0, &offset, &piece);) {
        memcpy(out + used, piece.text, piece.length);
        used += piece.length;
    }
    out[used] = '\0';
    return out;
}

/* The name at the axis: "-" where the unit goes on in another window. */
static char *axis_text(const struct snapshot_document *one, bool cut_before, bool cut_behind)
{
    char name[128], whole[132];
    token_label(one, 0, TOKEN_TRIMMED, name, sizeof name);
    snprintf(whole, sizeof whole, "%s%s%s", cut_before ? "-" : "", name, cut_behind ? "-" : "");
    return xstrdup(whole);
}

static bool is_kept(const struct figure_options *options, size_t from, size_t to)
{
    const struct source *locked = &options->locked;
    for (size_t i = 0; i < options->n_selected; i++)
        if (options->selected[i] >= from && options->selected[i] < to)
            return true;
    return locked->kind == SOURCE_TOKEN && locked->token >= from && locked->token < to;
}

/* The unit that begins at token `from`, no longer than its window and the figure;
 * returns its end. */
static size_t build_token(struct figure_token *token, const struct snapshot *s,
                          const struct figure_options *options, size_t from)
{
    size_t begin = from, to = from + 1, word_from, word_to;
    uint32_t span[2];
    if (options->unit != UNIT_TOKEN)
        view_unit_range(s->document, options->unit, from, &begin, &to);
    token->window = snapshot_window_of(s, from);
    size_t end = size_min(size_min(to, s->window_first[token->window + 1]), options->to);
    view_unit_range(s->document, UNIT_WORD, from, &word_from, &word_to);
    token->number = from;
    token->place = from - s->window_first[token->window];
    struct snapshot_document one = as_one(s->document, from, end, &span[0], &span[1]);
    token->text = plain_text(&one);
    token->word = word_from == from;
    if (options->unit == UNIT_TOKEN && options->ticks == TICKS_WORDS && token->word)
        to = word_to;
    size_t named = size_min(to, s->window_first[token->window + 1]);
    one = as_one(s->document, from, named, &span[0], &span[1]);
    token->label = axis_text(&one, begin < from, named < to);
    token->kept = is_kept(options, from, end);
    return end;
}

/* ---- units --------------------------------------------------------------------- */

/* Mass and shares of slots add up; everything else is a mean weighted by mass. */
static bool adds_up(const struct figure_options *options)
{
    return options->kind == FIGURE_MASS || options->kind == FIGURE_DIFF ||
           options->value == VALUE_PLAN_MASS ||
           options->value == VALUE_SLOT_SHARE;
}

/* One value of a unit out of those of its tokens [from, to). */
static float pool(const float *value, const float *mass, size_t from, size_t to, bool sum)
{
    double total = 0, weights = 0, plain = 0;
    for (size_t t = from; t < to; t++) {
        total += (double)value[t] * (sum ? 1 : (double)mass[t]);
        weights += (double)mass[t];
        plain += (double)value[t];
    }
    if (sum)
        return (float)total;
    return (float)(weights > 0 ? total / weights : plain / (double)(to - from));
}

/* Columns from tokens to units: begin[i] is the column of the first token of unit i,
 * begin[units] their number. */
static void pool_columns(struct figure_data *data, const size_t *begin, size_t units, bool sum)
{
    struct heat_grid grid;
    heat_grid_init(&grid, data->rows, units);
    for (size_t r = 0; r < data->rows; r++)
        for (size_t i = 0; i < units; i++)
            grid.value[r * units + i] = pool(data->grid.value + r * data->tokens, data->mass,
                                             begin[i], begin[i + 1], sum);
    for (size_t i = 0; i < units; i++) {
        data->even[i] = pool(data->even, data->mass, begin[i], begin[i + 1], true);
        data->mass[i] = pool(data->mass, data->mass, begin[i], begin[i + 1], true);
    }
    heat_grid_free(&data->grid);
    data->grid = grid;
    data->tokens = units;
}

/* Names the tokens, or the units, into which the columns are gathered then. */
static void build_tokens(struct figure_data *data, const struct snapshot *s,
                         const struct figure_options *options)
{
    size_t *begin = xcalloc(data->tokens + 1, sizeof *begin), units = 0;
    for (size_t t = options->from; t < options->to; units++) {
        begin[units] = t - options->from;
        t = build_token(&data->token[units], s, options, t);
    }
    begin[units] = data->tokens;
    if (units < data->tokens)
        pool_columns(data, begin, units, adds_up(options));
    free(begin);
}

/* ---- values ------------------------------------------------------------------- */

static float row_sum(const float *plan, size_t slots)
{
    double sum = 0;
    for (size_t j = 0; j < slots; j++)
        sum += (double)plan[j];
    return (float)sum;
}

static float plan_value(const struct figure_part *part, enum view_value value, size_t t, size_t j)
{
    const struct snapshot_window *w = part->window;
    float mass = part->plan[t * w->slots + j], sent;
    switch (value) {
    case VALUE_SLOT_SHARE:
        return mass / w->capacity;
    case VALUE_TOKEN_SHARE:
        sent = row_sum(part->plan + t * w->slots, w->slots);
        return sent > 0 ? mass / sent : 0;
    case VALUE_LIKENESS:
        return 1 - w->cost[t * w->slots + j];
    case VALUE_COST:
        return w->cost[t * w->slots + j];
    default:
        return mass;
    }
}

static float entropy_bits(const float *gate, size_t layers)
{
    double sum = 0;
    for (size_t l = 0; l < layers; l++)
        if (gate[l] > 0)
            sum -= (double)gate[l] * log2((double)gate[l]);
    return (float)sum;
}

static void fill_plan(struct figure_data *data, const struct figure_part *part,
                      enum view_value value)
{
    for (size_t t = part->from; t < part->to; t++)
        for (size_t j = 0; j < part->window->slots; j++)
            data->grid.value[(part->row + j) * data->tokens + part->column + t - part->from] =
                plan_value(part, value, t, j);
    for (size_t j = 0; j < part->window->slots; j++) {
        double received = 0;
        for (size_t t = 0; t < part->window->tokens; t++)
            received += (double)part->plan[t * part->window->slots + j];
        data->beside[part->row + j] = (float)(received / (double)part->window->capacity);
    }
}

static void fill_gate(struct figure_data *data, const struct figure_part *part,
                      enum view_value value)
{
    const struct snapshot_window *w = part->window;
    for (size_t t = part->from; t < part->to; t++) {
        const float *gate = w->gate + t * w->layers;
        float *column = data->grid.value + part->column + t - part->from;
        if (value == VALUE_ENTROPY)
            *column = entropy_bits(gate, w->layers);
        else
            for (size_t l = 0; l < w->layers; l++)
                column[l * data->tokens] = gate[l];
    }
}

static void fill_mass(struct figure_data *data, const struct figure_part *part)
{
    const struct snapshot_window *w = part->window;
    for (size_t t = part->from; t < part->to; t++) {
        size_t column = part->column + t - part->from;
        data->mass[column] = w->has_plan ? w->mass[t] : 0;
        data->even[column] = 1.0f / (float)w->tokens;
        if (data->kind == FIGURE_MASS)
            data->grid.value[column] = data->mass[column];
    }
}

/* Mean of the rows, for the bars beside the gates. */
static void fill_means(struct figure_data *data)
{
    for (size_t r = 0; r < data->rows; r++) {
        double sum = 0;
        for (size_t t = 0; t < data->tokens; t++)
            sum += heat_at(&data->grid, r, t);
        data->beside[r] = (float)(sum / (double)data->tokens);
    }
}

/* ---- names --------------------------------------------------------------------- */

static const char *quantity_of(const struct figure_options *options)
{
    if (options->kind == FIGURE_MASS)
        return "sender mass";
    if (options->kind == FIGURE_LOSS)
        return "loss added (nats)";
    if (options->kind == FIGURE_DIFF)
        return "mass, B \xe2\x80\x93 A";
    if (options->norm != NORM_WINDOW)
        return options->norm == NORM_TOKEN ? "share of the token's maximum"
               : options->kind == FIGURE_GATE ? "share of the layer's maximum"
                                              : "share of the slot's maximum";
    switch (options->value) {
    case VALUE_SLOT_SHARE:
        return "share of slot";
    case VALUE_TOKEN_SHARE:
        return "share of token";
    case VALUE_LIKENESS:
        return "likeness (cosine)";
    case VALUE_COST:
        return "cost (1 \xe2\x80\x93 likeness)";
    case VALUE_GATE:
        return "gate (share of the token)";
    case VALUE_ENTROPY:
        return "gate entropy (bits)";
    default:
        return "mass";
    }
}

static bool has_slots(enum figure_kind kind)
{
    return kind == FIGURE_PLAN || kind == FIGURE_DIFF;
}

static void name_rows(struct figure_data *data, const struct figure_part *parts, size_t n_parts)
{
    data->row_label = xcalloc(data->rows, sizeof *data->row_label);
    data->row_number = xcalloc(data->rows, sizeof *data->row_number);
    for (size_t i = 0; has_slots(data->kind) && i < n_parts; i++)
        for (size_t j = 0; j < parts[i].window->slots; j++) {
            data->row_number[parts[i].row + j] = j;
            char *label = data->row_label[parts[i].row + j];
            if (n_parts > 1)
                snprintf(label, sizeof *data->row_label, "w%zu:s%zu", parts[i].number + 1, j);
            else
                snprintf(label, sizeof *data->row_label, "s%zu", j);
        }
    for (size_t l = 0; data->kind == FIGURE_GATE && data->rows > 1 && l < data->rows; l++) {
        data->row_number[l] = l;
        snprintf(data->row_label[l], sizeof *data->row_label, "L%zu", l);
    }
}

static void mark_locked_row(struct figure_data *data, const struct figure_options *options,
                            const struct figure_part *parts, size_t n_parts)
{
    const struct source *locked = &options->locked;
    if (data->kind == FIGURE_GATE && locked->kind == SOURCE_LAYER && locked->layer < data->rows) {
        data->locked_row = true;
        data->row = locked->layer;
    }
    for (size_t i = 0; has_slots(data->kind) && locked->kind == SOURCE_SLOT && i < n_parts; i++)
        if (parts[i].number == locked->window && locked->slot < parts[i].window->slots) {
            data->locked_row = true;
            data->row = parts[i].row + locked->slot;
        }
}

/* ---- putting it together --------------------------------------------------------- */

static bool plan_of(struct figure_part *part, const struct figure_options *options, struct err *err)
{
    const struct snapshot_window *w = part->window;
    size_t count = w->tokens * w->slots;
    part->plan = xmalloc(count * sizeof *part->plan);
    memcpy(part->plan, w->plan, count * sizeof *part->plan);
    if (options->iteration < 0 || (unsigned)options->iteration == w->iters)
        return true;
    return snapshot_window_plan_at(w, (unsigned)options->iteration, part->plan) ||
           err_set(err, (unsigned)options->iteration > w->iters ? ERR_USAGE : ERR_INPUT,
                   "window %zu: its plan at iteration %d was not kept, expected one of 0..%u",
                   part->number + 1, options->iteration, w->iters);
}

static bool gather_part(struct figure_part *part, const struct snapshot *s,
                        const struct figure_options *options, size_t number, struct err *err)
{
    const struct snapshot_window *w = s->window[number];
    *part = (struct figure_part){.window = w, .number = number};
    bool gate = options->kind == FIGURE_GATE;
    if (!w || !(gate ? w->has_gate : w->has_plan))
        return err_set(err, ERR_INPUT, "window %zu: its %s is not there yet", number + 1,
                       gate ? "gate" : "plan");
    part->from = size_max(options->from, w->first) - w->first;
    part->to = size_min(options->to, w->first + w->tokens) - w->first;
    return options->kind != FIGURE_PLAN || plan_of(part, options, err);
}

static void allocate(struct figure_data *data, const struct figure_options *options,
                     const struct figure_part *last)
{
    const struct snapshot_window *w = last->window;
    bool one_row = options->value == VALUE_ENTROPY || figure_is_plot(data->kind);
    data->rows = has_slots(data->kind) ? last->row + w->slots : one_row ? 1 : w->layers;
    heat_grid_init(&data->grid, data->rows, data->tokens);
    data->token = xcalloc(data->tokens, sizeof *data->token);
    data->mass = xcalloc(data->tokens, sizeof *data->mass);
    data->even = xcalloc(data->tokens, sizeof *data->even);
    data->beside = xcalloc(data->rows, sizeof *data->beside);
}

/* A plan sends nothing to the slots of another window. */
static void zero_elsewhere(struct figure_data *data)
{
    for (size_t i = 0; i < data->rows * data->tokens; i++)
        data->grid.value[i] = 0;
}

static void fill_in(struct figure_data *data, const struct snapshot *s,
                    const struct figure_options *options, const struct figure_part *parts,
                    size_t n_parts)
{
    if (data->kind == FIGURE_PLAN && n_parts > 1)
        zero_elsewhere(data);
    for (size_t i = 0; i < n_parts; i++) {
        fill_mass(data, &parts[i]);
        if (data->kind == FIGURE_PLAN)
            fill_plan(data, &parts[i], options->value);
        else if (data->kind == FIGURE_GATE)
            fill_gate(data, &parts[i], options->value);
    }
    if (data->kind == FIGURE_LOSS)
        figure_fill_loss(data, s);
    if (data->kind == FIGURE_DIFF)
        figure_fill_difference(data, s, options, parts, n_parts);
    if (data->kind == FIGURE_GATE)
        fill_means(data);
    build_tokens(data, s, options);
    name_rows(data, parts, n_parts);
    mark_locked_row(data, options, parts, n_parts);
    if (figure_is_signed(data->kind)) {
        data->scale = figure_signed_scale(data, options);
        return;
    }
    heat_normalise(&data->grid, options->norm);
    data->scale = heat_auto_scale(&data->grid, options->scale, options->limit_low,
                                  options->limit_high);
}

static void name_parts(struct figure_data *data, const struct figure_options *options)
{
    bool plan = has_slots(data->kind);
    data->quantity = quantity_of(options);
    data->row_title = plan ? "slot" : options->value == VALUE_ENTROPY ? "" : "layer";
    data->row_step = plan ? SLOT_STEP : LAYER_STEP;
    data->beside_title = data->kind == FIGURE_DIFF ? "moved" : plan ? "received" : "mean";
    data->beside_full = data->kind == FIGURE_PLAN ? 1 : 0;
}

static bool check_range(const struct snapshot *s, const struct figure_options *options,
                        struct err *err)
{
    if (!s->document || s->windows == 0)
        return err_set(err, ERR_INPUT, "no document is open");
    if (options->from >= options->to || options->to > s->document->tokens)
        return err_set(err, ERR_USAGE, "tokens %zu to %zu: the document has tokens 0 to %zu",
                       options->from, options->to - (options->to > 0), s->document->tokens - 1);
    return true;
}

bool figure_data_build(struct figure_data *data, const struct snapshot *s,
                       const struct figure_options *options, struct err *err)
{
    *data = (struct figure_data){.kind = options->kind, .first = options->from};
    if (!check_range(s, options, err) || !figure_check_difference(s, options, err))
        return false;
    size_t begin = snapshot_window_of(s, options->from);
    size_t n = snapshot_window_of(s, options->to - 1) - begin + 1, i = 0;
    struct figure_part *parts = xcalloc(n, sizeof *parts);
    while (i < n && gather_part(&parts[i], s, options, begin + i, err)) {
        parts[i].column = data->tokens;
        parts[i].row = i > 0 ? parts[i - 1].row + parts[i - 1].window->slots : 0;
        data->tokens += parts[i].to - parts[i].from;
        i++;
    }
    if (i == n) {
        allocate(data, options, &parts[n - 1]);
        name_parts(data, options);
        fill_in(data, s, options, parts, n);
    }
    for (size_t j = 0; j < n; j++)
        free(parts[j].plan);
    free(parts);
    return i == n;
}

void figure_data_free(struct figure_data *data)
{
    for (size_t t = 0; data->token && t < data->tokens; t++) {
        free(data->token[t].label);
        free(data->token[t].text);
    }
    heat_grid_free(&data->grid);
    free(data->token);
    free(data->mass);
    free(data->even);
    free(data->beside);
    free(data->row_label);
    free(data->row_number);
    *data = (struct figure_data){0};
}
