#include "views/scene.h"

#include <stdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"

/* The plan at the iteration that was scrubbed to, when its potentials were kept. */
static void choose_plan(struct scene *c)
{
    const struct snapshot_window *w = c->window;
    c->plan = (struct plan_ref){w, NULL};
    if (!w || !w->has_plan)
        return;
    c->plan.plan = w->plan;
    c->iteration = w->iters;
    if (c->v->iteration < 0 || (unsigned)c->v->iteration >= w->iters)
        return;
    c->scrubbed = xcalloc(w->tokens * w->slots, sizeof *c->scrubbed);
    if (snapshot_window_plan_at(w, (unsigned)c->v->iteration, c->scrubbed)) {
        c->plan.plan = c->scrubbed;
        c->iteration = (unsigned)c->v->iteration;
    }
}

/* Until the plan is made again, the one before stands in its place, where it has the same cells. */
static void choose_window(struct scene *c)
{
    const struct snapshot_window *held = c->v->held;
    c->window = c->s->window[c->window_index];
    c->stale = held && c->s != c->v->pinned && !(c->window && c->window->has_plan) &&
               held->first == c->first && held->tokens == c->tokens &&
               held->slots == window_slot_count(c->s, c->window_index);
    if (c->stale)
        c->window = held;
}

static struct source cursor_source(const struct scene *c)
{
    const struct view_state *v = c->v;
    return (struct source){
        .kind = v->moved.kind == SOURCE_NONE ? SOURCE_TOKEN : v->moved.kind,
        .token = c->token,
        .layer = v->layer,
        .slot = v->slot,
        .window = c->window_index,
        .answer = v->answer,
        .answer_token = v->answer_token,
    };
}

void scene_init(struct scene *c, const struct snapshot *s, const struct view_state *v,
                struct canvas *canvas)
{
    struct layout_input input = layout_input_of(s, v);
    *c = (struct scene){
        .s = s, .v = v, .canvas = canvas, .layout = layout_compute(&input)};
    if (s->document && s->document->tokens > 0)
        c->document = s->document;
    if (c->document) {
        c->token = size_min(v->token, c->document->tokens - 1);
        c->tokens = c->document->tokens;
    }
    if (c->document && s->windows > 0) {
        c->window_index = snapshot_window_of(s, c->token);
        c->first = s->window_first[c->window_index];
        c->tokens = s->window_first[c->window_index + 1] - c->first;
        choose_window(c);
    }
    choose_plan(c);
    c->cursor = cursor_source(c);
    c->light = v->locked.kind != SOURCE_NONE ? v->locked : c->cursor;
    brush_init(&c->brush, s, &c->light, v->unit, c->window_index, c->plan);
}

void scene_free(struct scene *c)
{
    brush_free(&c->brush);
    free(c->scrubbed);
}

bool scene_has_gates(const struct scene *c)
{
    return c->window && c->window->has_gate;
}

bool scene_has_plan(const struct scene *c)
{
    return c->plan.plan != NULL;
}

bool scene_plan_is_turned(const struct scene *c)
{
    return c->v->turned && scene_has_plan(c);
}

struct heat_scale scene_heat_scale(const struct scene *c, enum pane pane,
                                   const struct heat_grid *heat)
{
    const struct view_state *v = c->v;
    bool set = v->limit_pane == pane || v->limit_pane == PANE_COUNT;
    return heat_auto_scale(heat, v->scale, set ? v->limit_low : (double)NAN,
                           set ? v->limit_high : (double)NAN);
}

bool scene_is_locked(const struct scene *c, enum pane pane)
{
    static const enum pane of_kind[] = {
        [SOURCE_TOKEN] = PANE_DOCUMENT,
        [SOURCE_LAYER] = PANE_GATES,
        [SOURCE_SLOT] = PANE_PLAN,
        [SOURCE_ANSWER] = PANE_ANSWERS,
    };
    return c->v->locked.kind != SOURCE_NONE && of_kind[c->v->locked.kind] == pane;
}

bool scene_slot_muted(const struct scene *c, size_t window, size_t slot)
{
    const struct view_state *v = c->v;
    if (!v->muted_any || !v->muted)
        return false;
    size_t index = window_slot_first(c->s, window) + slot;
    return index < v->muted_count && v->muted[index];
}

/* ---- grids ------------------------------------------------------------------ */

static bool has_half_blocks(const struct scene *c)
{
    return display_has_heat_colors(&c->v->display) && c->v->display.glyphs == GLYPHS_HALF;
}

static bool cell_per_value(const struct scene *c)
{
    return c->v->zoomed && c->v->zoom_level >= 1;
}

static struct grid make_grid(const struct scene *c, enum area area)
{
    struct grid g = {.area = c->layout.area[area]};
    g.columns = layout_grid(g.area);
    int room = g.columns.n_cells > 0 ? g.columns.n_cells : 0;
    size_t width = size_max(c->s->settings.window, c->tokens);
    g.per_cell = cell_per_value(c) ? 1 : heat_tokens_per_cell(width, (size_t)room);
    if (cell_per_value(c) && c->tokens > (size_t)room)
        g.first = size_min(c->v->plan_left, c->tokens - (size_t)room);
    g.used = (int)size_min(size_div_up(c->tokens - g.first, g.per_cell), (size_t)room);
    g.halves = 1;
    return g;
}

/* Zoomed cells end behind the last one where a text has room beside it. */
static void close_up(const struct scene *c, struct grid *g)
{
    enum { SIDE_LEAST = 24 };
    if (!c->v->zoomed || c->v->zoom_level > 0 || g->columns.n_cells - g->used < SIDE_LEAST)
        return;
    g->columns.n_cells = g->used;
    g->columns.mark = g->columns.cells + g->used;
    g->columns.bars = g->columns.mark + 1;
}

struct grid scene_gates_grid(const struct scene *c)
{
    struct grid g = make_grid(c, AREA_GATES);
    close_up(c, &g);
    size_t rows = (size_t)g.area.rows;
    size_t layers = c->window ? c->window->layers : c->s->facts.layers + 1;
    g.per_row = 1;
    if (cell_per_value(c) && layers > rows) {
        g.row_first = size_min(c->v->gate_top, layers - rows);
    } else if (layers > rows && rows > 0) {
        g.per_row = 2 * size_div_up(layers, 2 * rows);
        g.halves = has_half_blocks(c) ? 2 : 1;
    }
    return g;
}

struct rect scene_grid_side(const struct scene *c, const struct grid *g)
{
    int from = g->columns.bars + GRID_BARS + 1, end = c->v->columns - 1;
    bool beside = c->v->zoomed && end > from;
    return (struct rect){g->area.row, from, g->area.rows, beside ? end - from : 0};
}

struct grid scene_plan_grid(const struct scene *c)
{
    struct grid g = make_grid(c, AREA_PLAN);
    close_up(c, &g);
    size_t rows = (size_t)g.area.rows;
    size_t slots = c->window ? c->window->slots : c->s->settings.slots_per_window;
    g.per_row = 1;
    if (slots <= rows || rows == 0)
        return g;
    if (cell_per_value(c)) {
        g.row_first = size_min(c->v->plan_top, slots - rows);
        return g;
    }
    g.per_row = c->v->zoomed ? 2 * size_div_up(slots, 2 * rows) : 2;
    g.halves = has_half_blocks(c) ? 2 : 1;
    size_t all = size_div_up(slots, g.per_row);
    if (all > rows)
        g.row_first = size_min(c->v->plan_top / g.per_row, all - rows) * g.per_row;
    return g;
}

int grid_cell_of(const struct grid *g, size_t token)
{
    if (token < g->first)
        return -1;
    size_t cell = (token - g->first) / g->per_cell;
    return cell < (size_t)g->used ? (int)cell : -1;
}

/* ---- words ------------------------------------------------------------------ */

void scene_token_name(const struct scene *c, size_t token, char *out, size_t size)
{
    size_t from, to;
    view_unit_range(c->document, c->v->unit, token, &from, &to);
    if (c->v->unit == UNIT_TOKEN) {
        token_label(c->document, token, TOKEN_TRIMMED, out, size);
        return;
    }
    char text[96];
    size_t first = c->first, end = c->first + c->tokens;
    token_range_label(c->document, from, to, text, sizeof text);
    bool here = c->s->windows && from < end && to > first;
    out[0] = '\0'; /* a dash where the window's border cuts it */
    text_add(out, size, "%s%s%s", here && from < first ? "-" : "", text,
             here && to > end ? "-" : "");
}

const char *zoom_words(const struct scene *c)
{
    static const char *const words[] = {" (zoom)", " (zoom: cells)", " (zoom: numbers)"};
    int level = c->v->zoom_level;
    return !c->v->zoomed ? "" : words[level < 0 ? 0 : level > 2 ? 2 : level];
}

void scene_waiting_text(const struct scene *c, const char *otherwise, char *out,
                        size_t size)
{
    const struct snapshot_activity *a = &c->s->activity;
    char eta[48] = "";
    if (a->stage[0] == '\0') {
        snprintf(out, size, "%s", otherwise);
        return;
    }
    if (a->eta_ms >= 2000)
        text_add(eta, sizeof eta, ", about %.0f s left (%s stops)", a->eta_ms / 1000,
                 key_text(c->v, "⁅C-c|^C⁆").text);
    if (a->total > 0)
        snprintf(out, size, "%s %zu/%zu%s", a->stage, a->done, a->total, eta);
    else
        snprintf(out, size, "%s%s", a->stage, eta);
}
