/* Layer gates: a column a token (or 2, 4, 8), rows are layers with L0 at the bottom,
 * neighbouring layers added up. On the right the profile of what is lit, with the
 * mean of the window as a thin mark. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "views/edits.h"
#include "views/gates.h"
#include "views/scene.h"
#include "views/token_axis.h"

enum { FRAME_BAR = 0x2502, THIN_MARK = 0x258f, TEE_DOWN = 0x252c };

double gate_entropy_bits(const struct snapshot_window *w, size_t token)
{
    double bits = 0;
    for (size_t l = 0; l < w->layers; l++) {
        double alpha = (double)w->gate[token * w->layers + l];
        bits -= alpha > 0 ? alpha * log2(alpha) : 0;
    }
    return bits;
}

double gate_mean_entropy_bits(const struct snapshot_window *w)
{
    double sum = 0;
    for (size_t t = 0; t < w->tokens; t++)
        sum += gate_entropy_bits(w, t);
    return w->tokens ? sum / (double)w->tokens : 0;
}

bool gates_row_layers(const struct grid *g, size_t layers, int row, size_t *from,
                      size_t *to)
{
    size_t rows = size_div_up(layers, g->per_row), shown = (size_t)row + g->row_first;
    if (shown >= rows)
        return false;
    *from = (rows - 1 - shown) * g->per_row;
    *to = size_min(*from + g->per_row, layers);
    return true;
}

/* ---- heat ------------------------------------------------------------------- */

float *gates_of_units(const struct scene *c)
{
    const struct snapshot_window *w = c->window;
    if (c->v->unit == UNIT_TOKEN)
        return NULL;
    float *gate = xcalloc(w->tokens * w->layers, sizeof *gate);
    for (size_t t = 0; t < w->tokens;) {
        size_t from, to;
        view_unit_range(c->document, c->v->unit, c->first + t, &from, &to);
        to = size_max(size_min(to - c->first, w->tokens), t + 1);
        for (size_t l = 0; l < w->layers; l++) {
            double sum = 0, total = 0;
            for (size_t u = t; u < to; u++) {
                double mass = w->has_plan ? fmax((double)w->mass[u], 1e-12) : 1;
                sum += mass * (double)w->gate[u * w->layers + l];
                total += mass;
            }
            for (size_t u = t; u < to; u++)
                gate[u * w->layers + l] = (float)(sum / total);
        }
        t = to;
    }
    return gate;
}

/* Mean over the tokens of a cell of the layers [from, to) added up. */
static double cell_value(const struct snapshot_window *w, const float *gate, size_t token,
                         size_t token_end, size_t from, size_t to)
{
    double sum = 0;
    if (from >= to)
        return (double)NAN;
    for (size_t t = token; t < token_end; t++)
        for (size_t l = from; l < to; l++)
            sum += (double)gate[t * w->layers + l];
    return sum / (double)(token_end - token);
}

/* The grid as shown: row 0 on top, with two rows for each screen row when cells are
 * halved (the upper half holds the higher layers). */
static void make_grid(const struct scene *c, const struct grid *g, const float *gate,
                      struct heat_grid *heat)
{
    const struct snapshot_window *w = c->window;
    heat_grid_init(heat, (size_t)(g->area.rows * g->halves), (size_t)g->used);
    for (int r = 0; r < g->area.rows; r++) {
        size_t from, to;
        if (!gates_row_layers(g, w->layers, r, &from, &to))
            break;
        size_t half = g->per_row / (size_t)g->halves;
        for (int h = 0; h < g->halves; h++) {
            size_t low = size_min(from + half * (size_t)(g->halves - 1 - h), to);
            size_t high = size_min(low + half, to);
            float *row = heat->value + (size_t)(r * g->halves + h) * heat->columns;
            for (size_t x = 0; x < heat->columns; x++) {
                size_t token = g->first + x * g->per_cell;
                row[x] = (float)cell_value(
                    w, gate, token, size_min(token + g->per_cell, w->tokens), low, high);
            }
        }
    }
}

/* Columns of tokens that have little to do with a lit slot are faded. */
static double column_strength(const struct scene *c, const struct grid *g, size_t cell)
{
    if (c->brush.source.kind != SOURCE_SLOT || c->brush.window != c->window_index)
        return 1;
    const double faded = 0.45;
    for (size_t t = 0; t < g->per_cell; t++) {
        size_t token = g->first + cell * g->per_cell + t;
        if (token < c->tokens && brush_token(&c->brush, c->first + token) >= 0.01)
            return 1;
    }
    return faded;
}

static void draw_heat(struct scene *c, const struct grid *g)
{
    struct heat_grid heat;
    float *units = gates_of_units(c);
    make_grid(c, g, units ? units : c->window->gate, &heat);
    if (c->v->normalise == NORM_TOKEN)
        heat_normalise(&heat, NORM_TOKEN);
    struct heat_scale scale = scene_heat_scale(c, PANE_GATES, &heat);
    for (size_t x = 0; x < heat.columns; x++) {
        double strength = column_strength(c, g, x);
        for (int r = 0; r < g->area.rows; r++) {
            size_t top = (size_t)(r * g->halves), bottom = top + (size_t)g->halves - 1;
            double upper = heat_position(&scale, heat_at(&heat, top, x));
            double lower = heat_position(&scale, heat_at(&heat, bottom, x));
            struct heat_pair pair = {upper, lower, upper, strength, strength};
            paint_heat(c, g->area.row + r, g->columns.cells + (int)x, &pair);
        }
    }
    heat_grid_free(&heat);
    free(units);
}

/* Entropy of each token's gates as a bar chart over the height of the pane. */
static void draw_entropy(struct scene *c, const struct grid *g)
{
    double most = log2((double)size_max(c->window->layers, 2));
    for (int x = 0; x < g->used; x++) {
        double sum = 0;
        size_t token = g->first + (size_t)x * g->per_cell;
        size_t end = size_min(token + g->per_cell, c->window->tokens);
        for (size_t t = token; t < end; t++)
            sum += gate_entropy_bits(c->window, t);
        double height = sum / (double)(end - token) / most * g->area.rows;
        for (int r = 0; r < g->area.rows; r++) {
            uint32_t glyph = heat_bar(c->v->display.glyphs, fmin(height - r, 1));
            canvas_put(c->canvas, g->area.row + g->area.rows - 1 - r,
                       g->columns.cells + x, glyph, ROLE_VALUE, 0);
        }
    }
}

/* ---- frame, labels, profile ------------------------------------------------- */

static double profile_of(const struct scene *c, size_t from, size_t to)
{
    double sum = 0;
    for (size_t l = from; l < to; l++)
        sum += brush_layer(&c->brush, l);
    return sum;
}

static double window_mean_of(const struct scene *c, size_t from, size_t to)
{
    const struct snapshot_window *w = c->window;
    return w->tokens ? cell_value(w, w->gate, 0, w->tokens, from, to) : 0;
}

static void draw_profile(struct scene *c, const struct grid *g)
{
    size_t rows = (size_t)g->area.rows, from, to;
    double *profile = xcalloc(rows, sizeof *profile), *mean = xcalloc(rows, sizeof *mean),
           top = 0;
    for (size_t r = 0;
         r < rows && gates_row_layers(g, c->window->layers, (int)r, &from, &to); r++) {
        profile[r] = profile_of(c, from, to);
        mean[r] = window_mean_of(c, from, to);
        top = fmax(top, fmax(profile[r], mean[r]));
    }
    for (size_t r = 0; r < rows && top > 0; r++) {
        int row = g->area.row + (int)r, at = (int)(mean[r] / top * GRID_BARS);
        paint_bar(c, row, g->columns.bars, GRID_BARS, profile[r] / top, ROLE_VALUE);
        struct canvas_cell *cell = canvas_at(c->canvas, row, g->columns.bars + at);
        if (cell && at < GRID_BARS && cell->codepoint == ' ' && mean[r] > 0)
            canvas_put(c->canvas, row, g->columns.bars + at, THIN_MARK, ROLE_DIM, 0);
    }
    free(mean);
    free(profile);
}

/* Between the bars of entropy and the left edge: bits. */
static void draw_bits(struct scene *c, const struct grid *g)
{
    double most = log2((double)size_max(c->window->layers, 2));
    int rows = g->area.rows, middle = rows / 2;
    for (int r = 0; r < rows; r++) {
        char label[24] = "";
        if (r == 0 || (r == middle && rows >= 5))
            snprintf(label, sizeof label, "%.1f", most * (rows - r) / rows);
        else if (r == rows - 1)
            snprintf(label, sizeof label, "0");
        canvas_printf(c->canvas, g->area.row + r, g->columns.label, GRID_LABEL, ROLE_LABEL, 0,
                      "%*s", GRID_LABEL, label);
    }
}

/* Beside the rows of a zoomed pane: the tokens that take most from their layers. */
static void draw_takers(struct scene *c, const struct grid *g)
{
    struct rect side = scene_grid_side(c, g);
    enum area label = scene_shows(c, AREA_MASS) ? AREA_MASS : AREA_AXIS;
    size_t from, to, n = c->tokens, layers = c->window->layers;
    if (side.columns <= 0 || !scene_shows(c, label))
        return;
    double *share = xcalloc(n, sizeof *share);
    canvas_printf(c->canvas, c->layout.area[label].row, side.column, side.columns, ROLE_LABEL, 0,
                  "taken most by");
    for (int r = 0; r < side.rows && gates_row_layers(g, layers, r, &from, &to); r++) {
        for (size_t t = 0; t < n; t++)
            share[t] = cell_value(c->window, c->window->gate, t, t + 1, from, to);
        draw_top_tokens(c, (struct rect){side.row + r, side.column, 1, side.columns}, share);
    }
    free(share);
}

static void draw_frame(struct scene *c, const struct grid *g)
{
    for (int r = 0; r < g->area.rows; r++) {
        int row = g->area.row + r;
        if (!scene_shows(c, AREA_TABS) && !c->v->zoomed)
            canvas_put(c->canvas, row, g->area.column, FRAME_BAR, ROLE_FRAME, 0);
        canvas_put(c->canvas, row, g->columns.cells - 1, FRAME_BAR, ROLE_FRAME, 0);
        canvas_put(c->canvas, row, g->columns.mark, FRAME_BAR, ROLE_FRAME, 0);
    }
}

static void draw_labels(struct scene *c, const struct grid *g)
{
    size_t layers = c->window ? c->window->layers : c->s->facts.layers + 1, from, to;
    for (int r = 0; r < g->area.rows; r++) {
        int row = g->area.row + r;
        if (!gates_row_layers(g, layers, r, &from, &to))
            continue;
        bool lit = c->v->layer >= from && c->v->layer < to &&
                   (c->v->focus == PANE_GATES || c->light.kind == SOURCE_LAYER);
        char label[24];
        size_t named = lit ? c->v->layer : from;
        bool off = false;
        for (size_t l = from; l < to; l++)
            if (scene_layer_off(c, l)) {
                off = true;
                named = lit ? named : l;
            }
        snprintf(label, sizeof label, "%sL%zu", off ? "~" : "", named);
        canvas_printf(c->canvas, row, g->columns.label, GRID_LABEL,
                      lit ? ROLE_KEY : off ? ROLE_WARN : ROLE_LABEL, 0, "%*s", GRID_LABEL, label);
    }
}

/* A joint of the frame whose leg points at the cursor's column. */
static void mark_column(struct scene *c, const struct grid *g, int row)
{
    int cell = grid_cell_of(g, c->token - c->first);
    struct canvas_cell *at = canvas_at(c->canvas, row, g->columns.cells + cell);
    if (cell >= 0 && at && at->codepoint == 0x2500)
        canvas_put(c->canvas, row, g->columns.cells + cell, TEE_DOWN, ROLE_MARK, 0);
}

/* How large the cells are, and what colours and numbers are. */
static void cells_text(const struct scene *c, const struct grid *g, struct parts *right)
{
    if (gates_show_numbers(c))
        parts_add(right, "gate in %%");
    else if (g->halves == 2)
        parts_add(right, "%zu layer%s per half row", g->per_row / 2, g->per_row > 2 ? "s" : "");
    else if (g->per_row > 1)
        parts_add(right, "%zu layers per row", g->per_row);
    if (c->v->normalise == NORM_TOKEN) /* without it the colours would be misread */
        parts_add(right, "by token");
}

static void draw_gates_heading(struct scene *c, const struct grid *g)
{
    struct rect area = c->layout.area[AREA_GATES_HEADING];
    bool entropy = c->v->value[PANE_GATES] == VALUE_ENTROPY;
    struct parts right = {.limit = area.columns - (entropy ? 38 : 26)};
    bool off = c->light.kind == SOURCE_ANSWER && c->light.answer == ANSWER_FULL;
    if (off) {
        parts_add(&right, "full context has no slots");
    } else if (scene_has_gates(c)) {
        parts_add(&right, "mean entropy %.2f bits", gate_mean_entropy_bits(c->window));
        if (entropy)
            parts_add(&right, "at most %.2f", log2((double)size_max(c->window->layers, 2)));
        else
            cells_text(c, g, &right);
    }
    char name[64];
    snprintf(name, sizeof name, "Layer gates%s%s%s", entropy ? ": entropy in bits" : "",
             zoom_words(c), scene_is_locked(c, PANE_GATES) ? " *" : "");
    draw_heading(c, area, c->v->zoomed ? 0 : TEE_DOWN, name, c->v->focus == PANE_GATES,
                 right.text);
    if (!c->v->zoomed)
        mark_column(c, g, area.row);
}

static void place_cursor(struct scene *c, const struct grid *g)
{
    int cell = grid_cell_of(g, c->token - c->first);
    size_t from, to;
    for (int r = 0; cell >= 0 && c->v->focus == PANE_GATES && r < g->area.rows; r++)
        if (gates_row_layers(g, c->window->layers, r, &from, &to) &&
            c->v->layer >= from && c->v->layer < to) {
            c->canvas->cursor_row = g->area.row + r;
            c->canvas->cursor_column = g->columns.cells + cell;
        }
}

void draw_gates(struct scene *c)
{
    struct grid g = scene_gates_grid(c);
    if (scene_shows(c, AREA_GATES_HEADING))
        draw_gates_heading(c, &g);
    if (!scene_shows(c, AREA_GATES))
        return;
    if (gates_show_numbers(c)) {
        draw_gates_table(c, c->layout.area[AREA_GATES]);
        return;
    }
    bool entropy = c->v->value[PANE_GATES] == VALUE_ENTROPY && scene_has_gates(c);
    bool plan = scene_shows(c, AREA_PLAN); /* which has mass and axis then */
    if (!plan && scene_shows(c, AREA_MASS))
        draw_token_mass(c, &g);
    if (!plan && scene_shows(c, AREA_AXIS))
        draw_token_axis(c, &g);
    draw_frame(c, &g);
    if (entropy)
        draw_bits(c, &g);
    else
        draw_labels(c, &g);
    if (!scene_has_gates(c)) {
        char hint[128];
        scene_waiting_text(c, "this window is not read yet", hint, sizeof hint);
        draw_hint(
            c, (struct rect){g.area.row, g.columns.cells, g.area.rows, g.columns.n_cells},
            hint);
        return;
    }
    if (entropy) {
        draw_entropy(c, &g); /* no profile beside it: its rows are bits */
        place_cursor(c, &g);
        return;
    }
    draw_heat(c, &g);
    if (c->light.kind == SOURCE_ANSWER && c->light.answer == ANSWER_FULL)
        canvas_printf(c->canvas, g.area.row, g.columns.bars, GRID_BARS, ROLE_DIM, 0,
                      "off");
    else
        draw_profile(c, &g);
    draw_takers(c, &g);
    place_cursor(c, &g);
}
