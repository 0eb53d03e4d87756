/* The document: wrapped text with the index of each line's first token, window
 * marks, the cursor and the tint of the brush; beside it the minimap. Only the lines
 * on screen are laid out. */
#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "views/difference.h"
#include "views/document.h"
#include "views/loss.h"
#include "views/scene.h"

enum { WINDOW_MARK = 0xa6, CURRENT_WINDOW = 0x2590, HATCH = 0x2571, MINIMAP_COLUMNS = 2 };

struct document_geometry document_geometry(const struct scene *c, struct rect area)
{
    int digits = 4;
    for (size_t n = c->document->tokens; n > 10000; n /= 10)
        digits++;
    struct document_geometry g = {
        .area = area,
        .digits = digits,
        .text = area.column + digits + 1,
        .minimap = area.column + area.columns - 1,
    };
    int width = area.columns - digits - 1 - MINIMAP_COLUMNS;
    g.layout = (struct text_layout){c->s, c->document, width > 1 ? width : 1};
    return g;
}

struct text_line document_top_line(const struct scene *c, const struct document_geometry *g)
{
    return text_line_of(&g->layout, size_min(c->v->document_top, c->document->tokens - 1));
}

/* ---- tint ------------------------------------------------------------------- */

/* Positions 0..1 of the tokens [from, to), of differences -1..1; NaN where there is no
 * tint. */
struct tint {
    size_t from, to;
    double *value;
    bool difference;
};

static bool shows_loss(const struct scene *c)
{
    return c->v->value[PANE_DOCUMENT] == VALUE_LOSS;
}

static double tint_value(const struct scene *c, const float *looked_at, size_t token)
{
    switch (c->v->value[PANE_DOCUMENT]) {
    case VALUE_MASS:
        return c->s->minimap_mass ? (double)c->s->minimap_mass[token] : (double)NAN;
    case VALUE_LOOKED_AT:
        return looked_at ? (double)looked_at[token] : (double)NAN;
    case VALUE_LOSS:
        return loss_shown(c->s, c->v, token);
    default:
        return brush_token(&c->brush, token);
    }
}

/* Mass and shares add up over a unit; gates and looked-at are means by sender mass. */
static void gather_units(const struct scene *c, struct tint *tint)
{
    bool brushed = c->v->value[PANE_DOCUMENT] == VALUE_NONE;
    bool sum = c->v->value[PANE_DOCUMENT] == VALUE_MASS ||
               (brushed && (c->light.kind == SOURCE_TOKEN || c->light.kind == SOURCE_SLOT));
    for (size_t t = tint->from; t < tint->to;) {
        size_t from, to;
        view_unit_range(c->document, c->v->unit, t, &from, &to);
        to = size_max(size_min(to, tint->to), t + 1);
        double total = 0, weights = 0;
        for (size_t u = t; u < to; u++) {
            double mass = c->s->minimap_mass ? (double)c->s->minimap_mass[u] : 1;
            double weight = sum || tint->difference || isnan(mass) ? 1 : mass;
            total += weight * tint->value[u - tint->from];
            weights += sum ? 0 : weight;
        }
        for (size_t u = t; u < to; u++)
            tint->value[u - tint->from] = weights > 0 ? total / weights : total;
        t = to;
    }
}

/* The scale runs from 0 to the brush's maximum; for units, to that of those in view. */
static void scale_tint(const struct scene *c, struct tint *tint, const float *looked_at)
{
    bool brushed = c->v->value[PANE_DOCUMENT] == VALUE_NONE;
    double top = brushed && c->v->unit == UNIT_TOKEN ? c->brush.token_max : 0;
    size_t from = tint->from, to = tint->to;
    if (tint->difference) {
        top = loss_scale(c->s, c->v);
        for (size_t t = 0; t < to - from; t++)
            tint->value[t] = fmax(fmin(tint->value[t] / top, 1), -1) + 0 * tint->value[t];
        return;
    }
    bool of_view = top <= 0;
    for (size_t t = from; of_view && t < to; t++)
        top = fmax(top, isnan(tint->value[t - from]) ? 0 : tint->value[t - from]);
    for (size_t t = 0; looked_at && t < c->document->tokens; t++)
        top = fmax(top, (double)looked_at[t]);
    for (size_t t = from; t < to; t++) {
        double x = top > 0 ? tint->value[t - from] / top : (double)NAN;
        tint->value[t - from] = x > 0.02 ? fmin(x, 1) : (double)NAN;
    }
}

static void tint_init(struct tint *tint, const struct scene *c, size_t from, size_t to)
{
    float *looked_at = NULL;
    *tint = (struct tint){from, to, xcalloc(to - from, sizeof *tint->value), shows_loss(c)};
    if (c->v->value[PANE_DOCUMENT] == VALUE_LOOKED_AT) {
        looked_at = xcalloc(c->document->tokens, sizeof *looked_at);
        brush_looked_at(c->s, looked_at);
    }
    for (size_t t = from; t < to; t++)
        tint->value[t - from] = tint_value(c, looked_at, t);
    if (c->v->unit != UNIT_TOKEN)
        gather_units(c, tint);
    scale_tint(c, tint, looked_at);
    free(looked_at);
}

/* ---- text ------------------------------------------------------------------- */

/* Look of a token: cursor, lock, range and home span. */
struct look {
    enum canvas_role role;
    unsigned attr;
};

struct marked_tokens {
    size_t cursor_from, cursor_to; /* the unit under the cursor */
    size_t lock_from, lock_to;
    size_t home_from, home_to; /* home span of a lit slot */
    size_t range_from, range_to;
};

static void mark_home_span(const struct scene *c, struct marked_tokens *m)
{
    if (c->brush.source.kind != SOURCE_SLOT)
        return;
    const struct snapshot_window *w = c->s->window[c->light.window];
    if (!w || !w->has_plan || c->light.slot >= w->slots)
        return;
    m->home_from = w->first + w->span[c->light.slot];
    m->home_to = w->first + w->span[c->light.slot + 1];
}

static struct marked_tokens mark_tokens(const struct scene *c)
{
    struct marked_tokens m = {0};
    view_unit_range(c->document, c->v->unit, c->token, &m.cursor_from, &m.cursor_to);
    if (c->v->locked.kind == SOURCE_TOKEN && c->v->locked.token < c->document->tokens)
        view_unit_range(c->document, c->v->unit, c->v->locked.token, &m.lock_from,
                        &m.lock_to);
    mark_home_span(c, &m);
    if (c->v->has_range) {
        m.range_from = c->v->range_from;
        m.range_to = c->v->range_to + 1;
    }
    return m;
}

static struct look look_of(const struct marked_tokens *m, size_t token)
{
    struct look look = {ROLE_TEXT, 0};
    if (token >= m->cursor_from && token < m->cursor_to)
        look.role = ROLE_CURSOR;
    else if (token >= m->lock_from && token < m->lock_to)
        look.role = ROLE_LOCK;
    if (token >= m->home_from && token < m->home_to)
        look.attr |= ATTR_UNDERLINE;
    if (token >= m->range_from && token < m->range_to)
        look.attr |= ATTR_UNDERLINE;
    return look;
}

static bool is_special(const struct scene *c, size_t token)
{
    return c->document->special && c->document->special[token];
}

/* A cursor on a token of blanks has nothing else to stand on. */
static bool is_blank_cursor(const struct scene *c, const struct text_cell *cell,
                            struct look look)
{
    return look.role == ROLE_CURSOR && cell->token == c->token &&
           token_is_blank(c->document, c->token);
}

static void draw_piece(struct scene *c, const struct document_geometry *g, int row,
                       const struct text_cell *cell, struct look look, const struct tint *tints)
{
    double tint = tints->value[cell->token - tints->from];
    int column = g->text + cell->column, room = g->layout.width - cell->column;
    const struct text_piece *piece = &cell->piece;
    if (cell->mark)
        canvas_put(c->canvas, row, column - 1, WINDOW_MARK, ROLE_MARK, 0);
    bool blank = piece->kind == PIECE_BLANK || piece->kind == PIECE_TAB;
    if (blank && !is_blank_cursor(c, cell, look))
        return;
    if (piece->width == 0) { /* a combining mark goes with what stands before it */
        uint32_t codepoint;
        if (piece->length > 0 &&
            text_decode(piece->text, piece->length, &codepoint) > 0 && cell->column > 0)
            canvas_combine(c->canvas, row, column - 1, codepoint);
        return;
    }
    if (look.role == ROLE_TEXT &&
        (piece->kind == PIECE_NEWLINE || is_special(c, cell->token)))
        look.role = ROLE_DIM;
    int used = canvas_text(c->canvas, row, column, room, look.role, look.attr,
                           piece->text, piece->length);
    for (int i = 0; i < used && look.role != ROLE_CURSOR; i++) {
        if (tints->difference)
            tint_difference(c, row, column + i, tint);
        else
            paint_tint(c, row, column + i, tint);
    }
}

/* On terminals without colour the cursor also stands in brackets, where there are
 * blanks for both. */
static void bracket_run(struct scene *c, int row, int from, int to)
{
    struct canvas_cell *left = canvas_at(c->canvas, row, from - 1);
    struct canvas_cell *right = canvas_at(c->canvas, row, to);
    if (c->v->display.depth > DEPTH_16 || !left || !right || left->codepoint != ' ' ||
        right->codepoint != ' ')
        return;
    canvas_put(c->canvas, row, from - 1, '[', ROLE_MARK, 0);
    canvas_put(c->canvas, row, to, ']', ROLE_MARK, 0);
}

static void draw_line(struct scene *c, const struct document_geometry *g, int row,
                      const struct text_line *line, const struct marked_tokens *marked,
                      const struct tint *tint)
{
    struct text_walk walk;
    struct text_cell cell;
    int cursor_from = -1, cursor_to = -1;
    canvas_printf(c->canvas, row, g->area.column, g->digits, ROLE_LABEL, 0, "%*zu",
                  g->digits, line->first);
    text_walk_init(&walk, &g->layout, line);
    while (text_walk_next(&walk, &cell)) {
        struct look look = look_of(marked, cell.token);
        draw_piece(c, g, row, &cell, look, tint);
        bool blank = cell.piece.kind == PIECE_BLANK || cell.piece.kind == PIECE_TAB;
        if (look.role != ROLE_CURSOR || cell.piece.width == 0 ||
            (blank && !is_blank_cursor(c, &cell, look)))
            continue;
        cursor_from = cursor_from < 0 ? g->text + cell.column : cursor_from;
        cursor_to = g->text + cell.column + cell.piece.width;
    }
    if (cursor_from < 0)
        return;
    int last = g->text + g->layout.width - 1; /* blanks may hang over the edge */
    if (cursor_from <= last)
        bracket_run(c, row, cursor_from, cursor_to);
    if (c->v->focus == PANE_DOCUMENT && c->canvas->cursor_row < 0) {
        c->canvas->cursor_row = row;
        c->canvas->cursor_column = cursor_from < last ? cursor_from : last;
    }
}

static void draw_text(struct scene *c, const struct document_geometry *g,
                      const struct text_line *top)
{
    int rows = g->area.rows, n = 0;
    struct text_line *lines = xcalloc((size_t)rows, sizeof *lines);
    lines[0] = *top;
    for (n = 1; n < rows && text_line_next(&g->layout, &lines[n - 1], &lines[n]); n++)
        continue;
    struct tint tint;
    size_t end = size_min(lines[n - 1].end.token + 1, c->document->tokens);
    tint_init(&tint, c, lines[0].start.token, end);
    struct marked_tokens marked = mark_tokens(c);
    for (int r = 0; r < n; r++)
        draw_line(c, g, g->area.row + r, &lines[r], &marked, &tint);
    free(tint.value);
    free(lines);
}

/* ---- minimap ---------------------------------------------------------------- */

/* What the minimap shows of a token: what the document shows, the share of a lit
 * answer token, or sender mass. */
static double minimap_value(const struct scene *c, const float *looked_at, size_t token)
{
    bool unread = !c->s->minimap_mass || isnan(c->s->minimap_mass[token]);
    if (unread)
        return (double)NAN;
    if (looked_at)
        return (double)looked_at[token];
    if (c->v->value[PANE_DOCUMENT] == VALUE_NONE && c->brush.token)
        return (double)c->brush.token[token];
    return (double)c->s->minimap_mass[token];
}

static double largest(const struct scene *c, const float *looked_at, size_t from,
                      size_t to)
{
    double top = (double)NAN;
    for (size_t t = from; t < to; t++)
        top = fmax(top, minimap_value(c, looked_at, t)); /* fmax passes over NaN */
    return top;
}

static void draw_minimap_cell(struct scene *c, int row, int column, double upper,
                              double lower, double top)
{
    if (isnan(upper) && isnan(lower)) {
        canvas_put(c->canvas, row, column, HATCH, ROLE_DIM, 0);
        return;
    }
    struct heat_pair pair = {upper / top, lower / top, fmax(upper, lower) / top, 1, 1};
    paint_heat(c, row, column, &pair);
}

/* The largest difference of each half cell, on either side of 0. */
static void draw_loss_minimap(struct scene *c, const struct document_geometry *g)
{
    size_t N = c->document->tokens, halves = 2 * (size_t)g->area.rows;
    double top = loss_scale(c->s, c->v);
    for (int r = 0; r < g->area.rows; r++) {
        double value[2] = {(double)NAN, (double)NAN};
        for (size_t h = 0; h < 2; h++) {
            size_t i = 2 * (size_t)r + h, from = i * N / halves;
            for (size_t t = from; t < size_max((i + 1) * N / halves, from + 1); t++) {
                double x = loss_shown(c->s, c->v, t) / top;
                value[h] = isnan(value[h]) || fabs(x) > fabs(value[h]) ? x : value[h];
            }
        }
        if (isnan(value[0]) && isnan(value[1]))
            canvas_put(c->canvas, g->area.row + r, g->minimap, HATCH, ROLE_DIM, 0);
        else
            paint_difference(c, g->area.row + r, g->minimap, value[0], value[1]);
    }
}

static void draw_minimap(struct scene *c, const struct document_geometry *g)
{
    if (shows_loss(c)) {
        draw_loss_minimap(c, g);
        return;
    }
    size_t N = c->document->tokens, rows = (size_t)g->area.rows;
    size_t halves = 2 * rows;
    double *value = xcalloc(halves, sizeof *value), top = 0;
    float *looked_at = NULL;
    if (c->v->value[PANE_DOCUMENT] == VALUE_LOOKED_AT) {
        looked_at = xcalloc(N, sizeof *looked_at);
        brush_looked_at(c->s, looked_at);
    }
    for (size_t i = 0; i < halves; i++) {
        size_t from = i * N / halves;
        value[i] = largest(c, looked_at, from, size_max((i + 1) * N / halves, from + 1));
        top = fmax(top, isnan(value[i]) ? 0 : value[i]);
    }
    for (size_t r = 0; r < rows; r++) {
        size_t from = r * N / rows, to = (r + 1) * N / rows;
        int row = g->area.row + (int)r;
        draw_minimap_cell(c, row, g->minimap, value[2 * r], value[2 * r + 1],
                          top > 0 ? top : 1);
        if (c->s->windows > 0 && from < c->first + c->tokens &&
            size_max(to, from + 1) > c->first)
            canvas_put(c->canvas, row, g->minimap - 1, CURRENT_WINDOW, ROLE_MARK, 0);
    }
    free(looked_at);
    free(value);
}

void document_draw(struct scene *c, const struct document_geometry *g,
                   const struct text_line *top)
{
    draw_text(c, g, top);
    draw_minimap(c, g);
}

void draw_document(struct scene *c)
{
    if (scene_shows(c, AREA_DOCUMENT_HEADING)) {
        char right[96], name[32], loss[48] = "";
        if (shows_loss(c))
            loss_heading(c->s, c->v, loss, sizeof loss);
        snprintf(name, sizeof name, "Document%s",
                 scene_is_locked(c, PANE_DOCUMENT) ? " *" : "");
        if (c->document->ids)
            snprintf(right, sizeof right, loss[0] ? "%s%zu/%zu" : "%stoken %zu of %zu", loss,
                     c->token, c->document->tokens);
        else
            snprintf(right, sizeof right, "no tokens yet");
        draw_heading(c, c->layout.area[AREA_DOCUMENT_HEADING], 0, name,
                     c->v->focus == PANE_DOCUMENT, right);
    }
    if (!scene_shows(c, AREA_DOCUMENT))
        return;
    struct document_geometry g = document_geometry(c, c->layout.area[AREA_DOCUMENT]);
    struct text_line top = document_top_line(c, &g);
    document_draw(c, &g, &top);
}
