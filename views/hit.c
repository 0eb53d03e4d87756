/* What stands at a cell of the screen, for the mouse. */
#include <string.h>

#include "engine/base/size.h"
#include "views/answers.h"
#include "views/document.h"
#include "views/gates.h"
#include "views/overlay.h"
#include "views/plan.h"
#include "views/screens.h"
#include "views/strip.h"

static bool inside(struct rect r, int row, int column)
{
    return row >= r.row && row < r.row + r.rows && column >= r.column &&
           column < r.column + r.columns;
}

static struct view_hit pane_hit(enum pane pane)
{
    struct view_hit hit = {.kind = HIT_PANE};
    hit.pane = pane;
    return hit;
}

struct view_hit document_hit(const struct scene *c, const struct document_geometry *g,
                             const struct text_line *top, int row, int column)
{
    struct view_hit hit = pane_hit(PANE_DOCUMENT);
    struct text_line line = *top;
    if (column >= g->minimap - 1) {
        hit.kind = HIT_MINIMAP;
        hit.token =
            (size_t)(row - g->area.row) * c->document->tokens / (size_t)g->area.rows;
        return hit;
    }
    for (int r = g->area.row; r < row; r++)
        if (!text_line_next(&g->layout, &line, &line))
            return hit;
    struct text_walk walk;
    struct text_cell cell;
    hit.token = line.first;
    text_walk_init(&walk, &g->layout, &line);
    while (text_walk_next(&walk, &cell))
        if (g->text + cell.column <= column && cell.token >= line.first)
            hit.token = cell.token;
    hit.kind = HIT_TOKEN;
    return hit;
}

static struct view_hit hit_document(const struct scene *c, int row, int column)
{
    struct document_geometry g = document_geometry(c, c->layout.area[AREA_DOCUMENT]);
    struct text_line top = document_top_line(c, &g);
    return document_hit(c, &g, &top, row, column);
}

/* The token of the window under a column of a grid; false beside the cells. */
static bool grid_token(const struct scene *c, const struct grid *g, int column,
                       size_t *token)
{
    int cell = column - g->columns.cells;
    if (cell < 0 || cell >= g->used)
        return false;
    *token = c->first + size_min(g->first + (size_t)cell * g->per_cell, c->tokens - 1);
    return true;
}

static struct view_hit hit_gates_table(const struct scene *c, int row, int column)
{
    struct view_hit hit = pane_hit(PANE_GATES);
    struct token_table t = gates_table(c, c->layout.area[AREA_GATES]);
    size_t token, at;
    if (token_table_at(&t, row, column, &token, &at)) {
        hit.kind = HIT_GATE;
        hit.token = c->first + token;
        hit.layer = c->window->layers - 1 - at;
    }
    return hit;
}

static struct view_hit hit_gates(const struct scene *c, int row, int column)
{
    struct view_hit hit = pane_hit(PANE_GATES);
    if (gates_show_numbers(c))
        return hit_gates_table(c, row, column);
    struct grid g = scene_gates_grid(c);
    size_t from, to, layers = c->window ? c->window->layers : 0;
    if (scene_has_gates(c) && grid_token(c, &g, column, &hit.token) &&
        gates_row_layers(&g, layers, row - g.area.row, &from, &to)) {
        hit.kind = HIT_GATE;
        hit.layer = from;
    }
    return hit;
}

static struct view_hit hit_plan_table(const struct scene *c, int row, int column)
{
    struct view_hit hit = pane_hit(PANE_PLAN);
    struct token_table t = plan_table(c, c->layout.area[AREA_PLAN]);
    size_t token;
    if (token_table_at(&t, row, column, &token, &hit.slot)) {
        hit.kind = HIT_PLAN;
        hit.token = c->first + token;
    }
    return hit;
}

static struct view_hit hit_plan_turned(const struct scene *c, int row, int column)
{
    struct view_hit hit = pane_hit(PANE_PLAN);
    struct plan_turned t = plan_turned(c, c->layout.area[AREA_PLAN]);
    int r = row - t.area.row - 1, x = (column - t.cells) / t.width;
    if (column >= t.cells && (size_t)x < t.slots && r >= 0 && (size_t)r < t.tokens) {
        hit.kind = HIT_PLAN;
        hit.token = c->first + t.token + (size_t)r;
        hit.slot = t.slot + (size_t)x;
    }
    return hit;
}

static struct view_hit hit_plan(const struct scene *c, int row, int column)
{
    struct view_hit hit = pane_hit(PANE_PLAN);
    size_t from, to;
    if (!scene_has_plan(c))
        return hit;
    if (scene_plan_is_turned(c))
        return hit_plan_turned(c, row, column);
    if (c->v->zoomed && c->v->zoom_level >= 2)
        return hit_plan_table(c, row, column);
    struct grid g = scene_plan_grid(c);
    if (grid_token(c, &g, column, &hit.token) &&
        plan_row_slots(&g, c->window->slots, row - g.area.row, &from, &to)) {
        hit.kind = HIT_PLAN;
        hit.slot = from;
    }
    return hit;
}

/* Mass row and axis stand for tokens alone. */
static struct view_hit hit_column(const struct scene *c, int column)
{
    bool plan = scene_shows(c, AREA_PLAN);
    struct view_hit hit = pane_hit(plan ? PANE_PLAN : PANE_GATES);
    struct grid g = plan ? scene_plan_grid(c) : scene_gates_grid(c);
    if (grid_token(c, &g, column, &hit.token))
        hit.kind = HIT_TOKEN;
    return hit;
}

static struct view_hit hit_answers(const struct scene *c, int row, int column)
{
    struct view_hit hit = pane_hit(PANE_ANSWERS);
    for (int m = 0; m < ANSWER_MODES; m++) {
        struct rect text = answer_text_rect(c, (enum answer_mode)m);
        if (column >= text.column && column < text.column + text.columns &&
            row >= text.row)
            hit.answer = (enum answer_mode)m;
        if (answer_token_at(c, (enum answer_mode)m, row, column, &hit.answer_token)) {
            hit.kind = HIT_ANSWER;
            hit.answer = (enum answer_mode)m;
            return hit;
        }
    }
    return hit;
}

static struct view_hit hit_strip(const struct scene *c, int row, int column)
{
    struct view_hit hit = pane_hit(PANE_PLAN);
    struct strip_geometry g = strip_geometry(c);
    if (row == g.area.row && column >= g.bar && column < g.bar + g.bar_columns) {
        hit.kind = HIT_STRIP;
        hit.iteration = strip_iteration_at(c, &g, column);
    }
    return hit;
}

static struct view_hit hit_tabs(const struct scene *c, int column)
{
    int from = c->layout.area[AREA_TABS].column + 3;
    if (c->layout.kind == LAYOUT_TINY)
        return pane_hit(c->v->focus);
    for (int p = 0; p < PANE_COUNT; p++) {
        from += (int)strlen(pane_name[p]) + 2 +
                (scene_is_locked(c, (enum pane)p) ? 2 : 0) +
                ((int)c->v->focus == p ? 2 : 0);
        if (column < from)
            return pane_hit((enum pane)p);
    }
    return pane_hit(c->v->focus);
}

static struct view_hit hit_area(const struct scene *c, enum area area, int row,
                                int column)
{
    struct view_hit hit = {.kind = HIT_NOTHING};
    int screen;
    switch (area) {
    case AREA_TITLE:
        screen = title_screen_at(c, column);
        if (screen >= 0) {
            hit.kind = HIT_SCREEN;
            hit.screen = (enum screen)screen;
        }
        return hit;
    case AREA_TABS:
        return hit_tabs(c, column);
    case AREA_DOCUMENT:
        return hit_document(c, row, column);
    case AREA_DOCUMENT_HEADING:
        return pane_hit(PANE_DOCUMENT);
    case AREA_GATES:
        return hit_gates(c, row, column);
    case AREA_GATES_HEADING:
        return pane_hit(PANE_GATES);
    case AREA_PLAN:
        return hit_plan(c, row, column);
    case AREA_MASS:
    case AREA_AXIS:
        return hit_column(c, column);
    case AREA_PLAN_HEADING:
        return pane_hit(PANE_PLAN);
    case AREA_STRIP:
        return hit_strip(c, row, column);
    case AREA_ANSWERS:
        return hit_answers(c, row, column);
    case AREA_ANSWERS_HEADING:
    case AREA_SUMMARY:
        return pane_hit(PANE_ANSWERS);
    default:
        return hit;
    }
}

/* The other screens tell what they draw where. */
static void hit_screen(struct scene *c, int row, int column, struct view_hit *hit)
{
    struct canvas scratch;
    if (c->v->overlay != OVERLAY_NONE || c->v->screen == SCREEN_EXPLORE)
        return;
    canvas_init(&scratch, c->v->rows, c->v->columns);
    c->canvas = &scratch;
    c->hit = hit;
    c->hit_row = row;
    c->hit_column = column;
    if (scene_compares(c))
        draw_compare(c);
    else if (screen_is_open(c->v))
        screen_draw(c);
    c->canvas = NULL;
    c->hit = NULL;
    canvas_free(&scratch);
}

struct view_hit view_hit_test(const struct snapshot *s, const struct view_state *v,
                              int row, int column)
{
    struct view_hit hit = {.kind = HIT_NOTHING};
    struct scene scene;
    scene_init(&scene, s, v, NULL);
    bool explore =
        v->screen == SCREEN_EXPLORE && scene.document && v->overlay == OVERLAY_NONE;
    for (int a = 0; a < AREA_COUNT; a++)
        if ((explore || a == AREA_TITLE) && inside(scene.layout.area[a], row, column))
            hit = hit_area(&scene, (enum area)a, row, column);
    hit_screen(&scene, row, column, &hit);
    size_t entry = v->n_entries ? overlay_choice_at(&scene, row, column) : SIZE_MAX;
    if (entry != SIZE_MAX) {
        hit.kind = HIT_ENTRY;
        hit.entry = entry;
    }
    scene_free(&scene);
    return hit;
}
