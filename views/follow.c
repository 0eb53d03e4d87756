/* Scrolling: the cursor stays on screen; lines of the document for Up and Down. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/size.h"
#include "views/answers.h"
#include "views/document.h"
#include "views/gates.h"
#include "views/plan.h"

/* The document pane, also when another pane is in front of it. */
static struct document_geometry geometry_of(struct scene *c, const struct snapshot *s,
                                            const struct view_state *v)
{
    struct rect area = c->layout.area[AREA_DOCUMENT];
    if (area.rows == 0) {
        struct layout_input input = layout_input_of(s, v);
        input.focus = PANE_DOCUMENT;
        input.zoomed = false;
        area = layout_compute(&input).area[AREA_DOCUMENT];
    }
    return document_geometry(c, area);
}

static bool line_before(const struct text_line *a, const struct text_line *b)
{
    return a->start.token < b->start.token ||
           (a->start.token == b->start.token && a->start.offset < b->start.offset);
}

static bool same_line(const struct text_line *a, const struct text_line *b)
{
    return !line_before(a, b) && !line_before(b, a);
}

/* A step out of the pane, also over blank lines, scrolls line by line; a jump, to the next
 * window for one, puts the cursor into the upper third, so that there is text to read on
 * both sides. */
enum { STEP_LINES = 3 };

static void follow_document(struct scene *c, const struct document_geometry *g,
                            struct view_state *v)
{
    int rows = g->area.rows;
    if (rows <= 0)
        return;
    struct text_line at = text_line_of(&g->layout, c->token), top = document_top_line(c, g);
    struct text_line line = top;
    int distance = 0;
    if (!line_before(&at, &top))
        while (distance < rows + STEP_LINES && !same_line(&line, &at) &&
               text_line_next(&g->layout, &line, &line))
            distance++;
    if (!line_before(&at, &top) && same_line(&line, &at) && distance < rows) {
        v->document_top = top.first;
        return;
    }
    if (same_line(&line, &at) && distance < rows + STEP_LINES) {
        for (; distance >= rows || !top.owns; distance--)
            text_line_next(&g->layout, &top, &top);
        v->document_top = top.first;
        return;
    }
    struct text_line next;
    bool one_up = text_line_next(&g->layout, &at, &next) && same_line(&next, &top);
    top = one_up ? at : text_line_back(&g->layout, &at, (size_t)rows / 3);
    while (!top.owns && text_line_next(&g->layout, &top, &top))
        continue;
    v->document_top = top.first;
}

/* The first of `visible` things with which `at` is among them. */
static size_t follow_one(size_t top, size_t visible, size_t at, size_t count)
{
    if (visible == 0 || count <= visible)
        return 0;
    if (at < top)
        top = at;
    if (at >= top + visible)
        top = at - visible + 1;
    return size_min(top, count - visible);
}

static void follow_plan(const struct scene *c, struct view_state *v)
{
    struct rect area = c->layout.area[AREA_PLAN];
    size_t slots = c->window ? c->window->slots : 0, token = c->token - c->first;
    if (area.rows == 0 || slots == 0)
        return;
    size_t slot = size_min(v->slot, slots - 1);
    if (scene_plan_is_turned(c)) {
        struct plan_turned t = plan_turned(c, area);
        v->plan_left = follow_one(v->plan_left, t.tokens, token, c->tokens);
        v->plan_top = follow_one(v->plan_top, t.slots, slot, slots);
    } else if (v->zoomed && v->zoom_level >= 2 && scene_has_plan(c)) {
        struct token_table t = plan_table(c, area);
        v->plan_left = follow_one(v->plan_left, t.tokens, token, c->tokens);
        v->plan_top = follow_one(v->plan_top, t.rows, slot, slots);
    } else {
        struct grid g = scene_plan_grid(c);
        size_t cells = g.columns.n_cells > 0 ? (size_t)g.columns.n_cells : 0;
        v->plan_left = follow_one(v->plan_left, cells * g.per_cell, token, c->tokens);
        v->plan_top =
            g.per_row * follow_one(v->plan_top / g.per_row, (size_t)g.area.rows,
                                   slot / g.per_row, size_div_up(slots, g.per_row));
    }
}

static void follow_gates(const struct scene *c, struct view_state *v)
{
    struct grid g = scene_gates_grid(c);
    size_t layers = c->window ? c->window->layers : 0;
    if (g.area.rows == 0 || layers == 0)
        return;
    /* Rows count from the top, layers from the bottom. */
    size_t row = layers - 1 - size_min(v->layer, layers - 1);
    if (gates_show_numbers(c)) {
        struct token_table t = gates_table(c, g.area);
        v->plan_left = follow_one(v->plan_left, t.tokens, c->token - c->first, c->tokens);
        v->gate_top = follow_one(v->gate_top, t.rows, row, layers);
        return;
    }
    v->gate_top = follow_one(v->gate_top, (size_t)g.area.rows * g.per_row, row, layers);
    if (v->zoomed && v->focus == PANE_GATES) {
        size_t cells = g.columns.n_cells > 0 ? (size_t)g.columns.n_cells : 0;
        v->plan_left =
            follow_one(v->plan_left, cells * g.per_cell, c->token - c->first, c->tokens);
    }
}

static void follow_answer(const struct scene *c, struct view_state *v)
{
    struct rect area = answer_text_rect(c, v->answer);
    struct flow flow;
    size_t from = 0, to = 0, line = 0, at = 0, lines = 0;
    if (area.rows <= 0 || v->focus != PANE_ANSWERS) {
        v->answer_top = 0;
        return;
    }
    answer_flow(c, v->answer, &flow);
    for (; answer_flow_line(&flow, area.columns, &from, &to); from = to, lines++)
        for (size_t i = from; i < to; i++)
            if (flow.glyph[i].token == v->answer_token)
                line = lines, at = 1;
    v->answer_top = at ? follow_one(v->answer_top, (size_t)area.rows, line, lines) : 0;
    answer_flow_free(&flow);
}

void view_follow_cursor(const struct snapshot *s, struct view_state *v)
{
    struct scene scene;
    size_t at_most = SIZE_MAX;
    scene_init(&scene, s, v, NULL);
    if (scene.document && scene.layout.kind != LAYOUT_NOTICE) {
        struct document_geometry g = geometry_of(&scene, s, v);
        follow_document(&scene, &g, v);
        follow_plan(&scene, v);
        follow_gates(&scene, v);
        follow_answer(&scene, v);
    }
    if (scene.layout.kind != LAYOUT_NOTICE)
        v->overlay_top = overlay_follow(&scene, &at_most);
    if (v->overlay_at > at_most)
        v->overlay_at = at_most;
    scene_free(&scene);
}

/* ---- Up and Down ------------------------------------------------------------ */

static int column_of(const struct text_layout *l, const struct text_line *line,
                     size_t token)
{
    struct text_walk walk;
    struct text_cell cell;
    text_walk_init(&walk, l, line);
    while (text_walk_next(&walk, &cell))
        if (cell.token == token && cell.piece.kind != PIECE_BLANK)
            return cell.column;
    return 0;
}

static size_t nearest_token(const struct text_layout *l, const struct text_line *line,
                            int column)
{
    struct text_walk walk;
    struct text_cell cell;
    size_t best = line->first;
    int best_distance = -1;
    text_walk_init(&walk, l, line);
    while (text_walk_next(&walk, &cell)) {
        int distance = abs(cell.column - column);
        bool visible = cell.piece.kind != PIECE_BLANK && cell.piece.width > 0;
        if (cell.token < line->first || !visible)
            continue;
        if (best_distance < 0 || distance < best_distance) {
            best_distance = distance;
            best = cell.token;
        }
    }
    return best;
}

size_t view_document_line(const struct snapshot *s, const struct view_state *v,
                          size_t token, int lines)
{
    struct scene scene;
    scene_init(&scene, s, v, NULL);
    if (!scene.document || scene.layout.kind == LAYOUT_NOTICE) {
        scene_free(&scene);
        return token;
    }
    token = size_min(token, scene.document->tokens - 1);
    struct document_geometry g = geometry_of(&scene, s, v);
    struct text_line line = text_line_of(&g.layout, token);
    int column = column_of(&g.layout, &line, token);
    struct text_line target = line;
    if (lines < 0)
        target = text_line_back(&g.layout, &line, (size_t)-lines);
    for (int i = 0; i < lines && text_line_next(&g.layout, &target, &target); i++)
        continue;
    /* Lines in which no token begins are passed over. */
    while (!target.owns && (lines > 0 ? text_line_next(&g.layout, &target, &target)
                                      : text_line_previous(&g.layout, &target, &target)))
        continue;
    size_t found = same_line(&target, &line) || !target.owns
                       ? token
                       : nearest_token(&g.layout, &target, column);
    scene_free(&scene);
    return found;
}
