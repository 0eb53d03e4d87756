/* The Compare screen: the plans of A and B with one scale of colours, B - A with a
 * diverging one, and below what separates them in numbers and words. On narrow screens
 * one of the three, by Tab. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "views/compare.h"
#include "views/diff.h"
#include "views/difference.h"
#include "views/edits.h"
#include "views/screens.h"

enum { FRAME_BAR = 0x2502, TEE_DOWN = 0x252c, SIDES = 3, LABEL = GRID_LABEL, FOOT_ROWS = 4,
       TICK_CELLS = 16 };

struct compare {
    const struct snapshot *side[2]; /* as shown: left and middle */
    bool swapped; /* B is left */
    bool same;
    struct compare_grid grid[2];
    double top, top_difference;
    struct comparison numbers;
    int halves;   /* slots, or more, that a row of the screen can show */
    int map_rows; /* of each map; the axis is below */
    bool has_axis;
    struct rect pane[SIDES]; /* no columns: not shown */
    struct rect foot;
};

/* ---- arrangement ------------------------------------------------------------ */

/* A row a slot where there is room for that, else two, else more. The numbers share a row
 * where the slots fit for that; rows that the maps do not need go to the answers. */
static void share_rows(const struct scene *c, struct compare *m, int rows)
{
    int slots = c->window && c->window->slots ? (int)c->window->slots : 1;
    bool half = display_has_heat_colors(&c->v->display) && c->v->display.glyphs == GLYPHS_HALF;
    int foot = rows >= 12 ? FOOT_ROWS : rows >= 8 ? 2 : 0, room = rows - foot - 1;
    m->halves = half && room < slots ? 2 : 1;
    int wanted = (slots + m->halves - 1) / m->halves;
    if (foot == FOOT_ROWS && room < wanted && room + 1 >= wanted)
        room++;
    room = room < 1 ? 1 : room;
    int per_row = (wanted + room - 1) / room;
    m->map_rows = (wanted + per_row - 1) / per_row;
    m->has_axis = room > m->map_rows;
    m->foot.rows = foot ? rows - 1 - m->map_rows - m->has_axis : 0;
}

static void place_panes(struct scene *c, struct compare *m)
{
    int top = c->layout.area[AREA_TITLE].rows, bottom = c->layout.area[AREA_STATUS].row;
    share_rows(c, m, bottom - top);
    bool wide = c->layout.kind == LAYOUT_WIDE;
    int width = wide ? c->v->columns / SIDES : c->v->columns;
    m->foot = (struct rect){bottom - m->foot.rows, 0, m->foot.rows, c->v->columns};
    for (int i = 0; i < SIDES; i++) {
        bool shown = wide || i == c->v->compare_side;
        int column = wide ? i * width : 0;
        int columns = wide && i == SIDES - 1 ? c->v->columns - column : width;
        if (shown)
            m->pane[i] = (struct rect){top, column, m->foot.row - top, columns};
    }
}

static int cells_of(const struct rect *pane)
{
    return pane->columns - LABEL - 2;
}

static void make_grids(struct scene *c, struct compare *m)
{
    const struct rect *pane = &m->pane[0];
    for (int i = 1; pane->columns == 0; i++)
        pane = &m->pane[i];
    size_t slots = c->window ? c->window->slots : 1;
    size_t rows = (size_t)(m->map_rows * m->halves);
    size_t per_row = size_div_up(slots, rows), per_cell;
    rows = size_div_up(slots, size_max(per_row, 1));
    per_cell = heat_tokens_per_cell(c->tokens, (size_t)(cells_of(pane) > 1 ? cells_of(pane) : 1));
    for (int i = 0; i < 2; i++) {
        compare_grid_init(&m->grid[i], c->first, c->tokens, per_cell, rows);
        for (size_t r = 0; c->window && c->window->has_plan && r <= rows; r++)
            m->grid[i].edge[r] = c->first + c->window->span[size_min(r * per_row, slots)];
        if (i == 1 || m->same)
            compare_grid_fill(&m->grid[i], m->side[i]);
    }
    for (size_t i = 0; i < rows * m->grid[0].columns; i++) {
        double a = (double)m->grid[0].value[i], b = (double)m->grid[1].value[i];
        m->top = fmax(m->top, fmax(a, b));
        m->top_difference = fmax(m->top_difference, fabs(b - a));
    }
}

/* ---- cells ------------------------------------------------------------------ */

static double value_at(const struct compare *m, int side, size_t row, size_t column)
{
    const struct compare_grid *g = &m->grid[side];
    return row < g->rows ? (double)g->value[row * g->columns + column] : (double)NAN;
}

static void draw_cell(struct scene *c, const struct compare *m, int side, int row, int column,
                      size_t upper, size_t x)
{
    size_t lower = upper + (size_t)m->halves - 1;
    if (side < 2) {
        struct heat_scale scale = {c->v->scale, 0, m->top};
        int from = c->v->compare_flicker ? 0 : side;
        double high = heat_position(&scale, value_at(m, from, upper, x));
        double low = heat_position(&scale, value_at(m, from, lower, x));
        paint_heat(c, row, column, &(struct heat_pair){high, low, high, 1, 1});
        return;
    }
    double top = m->top_difference > 0 ? m->top_difference : 1;
    double high = (value_at(m, 1, upper, x) - value_at(m, 0, upper, x)) / top;
    double low = (value_at(m, 1, lower, x) - value_at(m, 0, lower, x)) / top;
    paint_difference(c, row, column, high, low);
}

/* The slot of B that is at home at the top of a row. */
static size_t slot_of_row(const struct scene *c, const struct compare *m, size_t row)
{
    size_t j = 0;
    while (c->window && j + 1 < c->window->slots &&
           c->first + c->window->span[j + 1] <= m->grid[1].edge[row])
        j++;
    return j;
}

static void draw_label(struct scene *c, const struct compare *m, const struct rect *pane, int r)
{
    size_t row = (size_t)(r * m->halves), rows = m->grid[1].rows;
    size_t from = slot_of_row(c, m, row);
    size_t end = row + (size_t)m->halves < rows ? slot_of_row(c, m, row + (size_t)m->halves)
                                                : c->window->slots;
    const struct source *lock = &c->v->locked;
    bool chosen = c->v->slot >= from && c->v->slot < size_max(end, from + 1);
    bool locked = lock->kind == SOURCE_SLOT && lock->window == c->window_index &&
                  lock->slot >= from && lock->slot < size_max(end, from + 1);
    char label[24];
    snprintf(label, sizeof label, "%s%zu", locked ? "*" : "s",
             chosen   ? c->v->slot
             : locked ? lock->slot
                      : from);
    canvas_printf(c->canvas, pane->row + 1 + r, pane->column, LABEL,
                  chosen ? ROLE_CURSOR : ROLE_LABEL, 0, "%*s", LABEL, label);
    if (chosen && pane == &m->pane[c->layout.kind == LAYOUT_WIDE ? 1 : c->v->compare_side]) {
        c->canvas->cursor_row = pane->row + 1 + r;
        c->canvas->cursor_column =
            pane->column + LABEL + 1 + (int)((c->token - c->first) / m->grid[1].per_cell);
    }
}

/* A row stands for its first slot of B, a cell for its first token. */
static void offer_cell(struct scene *c, const struct compare *m, int side, int r, size_t x)
{
    const struct rect *pane = &m->pane[side];
    struct rect cell = {pane->row + 1 + r, pane->column + LABEL + 1 + (int)x, 1, 1};
    struct view_hit hit = {.kind = HIT_COMPARE, .entry = (size_t)side};
    hit.slot = slot_of_row(c, m, (size_t)(r * m->halves));
    hit.token = size_min(c->first + x * m->grid[1].per_cell, c->first + c->tokens - 1);
    scene_offer_hit(c, cell, hit);
}

/* The cursor's token with its mark, and numbers of tokens where there is room. */
static void draw_axis(struct scene *c, const struct compare *m, const struct rect *pane)
{
    const struct compare_grid *g = &m->grid[1];
    int row = pane->row + 1 + m->map_rows, first = pane->column + LABEL + 1;
    int cursor = (int)((c->token - c->first) / g->per_cell);
    char name[64], text[96];
    scene_token_name(c, c->token, name, sizeof name);
    snprintf(text, sizeof text, "^%zu %s", c->token, name);
    int columns = text_columns(text);
    if (cursor + columns > cells_of(pane))
        columns = 1;
    for (int x = 0; x < (int)g->columns; x += TICK_CELLS) {
        char number[24];
        snprintf(number, sizeof number, "%zu", c->first + (size_t)x * g->per_cell);
        int end = x + (int)strlen(number);
        bool meets = x <= cursor + columns && cursor <= end;
        if (!meets && end <= cells_of(pane))
            canvas_text(c->canvas, row, first + x, end - x, ROLE_LABEL, 0, number, strlen(number));
    }
    canvas_text(c->canvas, row, first + cursor, columns, ROLE_KEY, 0, text, strlen(text));
}

static void draw_map(struct scene *c, const struct compare *m, int side)
{
    const struct rect *pane = &m->pane[side];
    const struct compare_grid *g = &m->grid[1];
    const char *hint = !c->window || !c->window->has_plan ? "no plan yet"
                       : side != 1 && !m->same            ? "another document: no common tokens"
                                                          : NULL;
    for (int r = 0; r < pane->rows - 1; r++)
        canvas_put(c->canvas, pane->row + 1 + r, pane->column + LABEL, FRAME_BAR, ROLE_FRAME, 0);
    for (int r = 0; side + 1 < SIDES && c->layout.kind == LAYOUT_WIDE && r < pane->rows - 1; r++)
        canvas_put(c->canvas, pane->row + 1 + r, pane->column + pane->columns - 1, FRAME_BAR,
                   ROLE_FRAME, 0);
    if (hint) {
        draw_hint(c, (struct rect){pane->row + 1, pane->column + LABEL + 1, pane->rows - 1,
                                   cells_of(pane)}, hint);
        return;
    }
    for (int r = 0; r < m->map_rows && (size_t)(r * m->halves) < g->rows; r++) {
        for (size_t x = 0; x < g->columns && (int)x < cells_of(pane); x++) {
            draw_cell(c, m, side, pane->row + 1 + r, pane->column + LABEL + 1 + (int)x,
                      (size_t)(r * m->halves), x);
            if (c->hit)
                offer_cell(c, m, side, r, x);
        }
        draw_label(c, m, pane, r);
    }
    if (m->has_axis)
        draw_axis(c, m, pane);
}

static void draw_side(struct scene *c, const struct compare *m, int side)
{
    static const char *const letter[2][SIDES] = {{"A", "B", "B - A"}, {"B", "A", "A - B"}};
    const struct rect *pane = &m->pane[side];
    char name[160] = "", right[64] = "";
    if (pane->columns == 0)
        return;
    int from = side == 1 && c->v->compare_flicker ? 0 : side;
    text_add(name, sizeof name, "%s", letter[m->swapped][from]);
    if (side < 2) {
        char what[128];
        compare_name(m->side[from], m->side[1 - from], what, sizeof what);
        text_add(name, sizeof name, "  %s", what);
        snprintf(what, sizeof what, "%s", c->v->pin_name ? c->v->pin_name : "");
        if (m->side[from] == c->s)
            edits_text(c, what, sizeof what);
        if (what[0])
            text_add(name, sizeof name, " \u00b7 %s", what);
    } else {
        text_add(right, sizeof right, "+ in %s  - in %s", letter[m->swapped][1],
                 letter[m->swapped][0]);
    }
    if (side == c->v->compare_side && c->v->locked.kind != SOURCE_NONE)
        text_add(name, sizeof name, " *");
    bool wide = c->layout.kind == LAYOUT_WIDE;
    struct rect heading = {pane->row, pane->column, 1, pane->columns};
    canvas_fill(c->canvas, heading, 0x2500, ROLE_FRAME);
    draw_heading(c, heading, wide && side ? TEE_DOWN : 0, name, side == c->v->compare_side, right);
    draw_map(c, m, side);
}

/* ---- numbers and answers ---------------------------------------------------- */

static void same_text(const char *what, double distance, struct parts *parts)
{
    if (isnan(distance))
        return;
    if (distance < 1e-6)
        parts_add(parts, "%s same", what);
    else
        parts_add(parts, "%s moved %.1f%%", what, 100 * distance);
}

static void draw_summary_heading(struct scene *c, const struct compare *m)
{
    struct parts parts = {.limit = c->v->columns - 36};
    char name[64];
    const struct comparison *n = &m->numbers;
    snprintf(name, sizeof name, "moved %.0f%% of the mass", 100 * n->moved);
    if (!n->same_shape && m->same)
        parts_add(&parts, "other windows or slots: rows are home spans");
    same_text("gates", n->gates, &parts);
    same_text("mass", n->mass, &parts);
    if (n->same_shape && n->moved > 0)
        parts_add(&parts, "most moved: s%zu", n->most);
    draw_heading(c, (struct rect){m->foot.row, 0, 1, m->foot.columns}, 0,
                 m->same ? name : "nothing in common", false, parts.text);
}

static const char *answer_text(const struct snapshot *s)
{
    const struct snapshot_answer *a = s->answer[ANSWER_COMPRESSED];
    return a && a->text && a->state != ANSWER_FAILED ? a->text : NULL;
}

/* An answer that was made with other settings or edits says nothing about these. */
static bool is_stale(const struct snapshot *s)
{
    return answer_text(s) && s->answer[ANSWER_COMPRESSED]->stale;
}

/* How many words of the two answers differ. */
static void answers_text(const struct compare *m, char *out, size_t size)
{
    const char *a = answer_text(m->side[0]), *b = answer_text(m->side[1]);
    bool stale[] = {is_stale(m->side[0]), is_stale(m->side[1])};
    out[0] = '\0';
    if (!a || !b)
        return;
    if (stale[0] || stale[1]) {
        text_add(out, size, "answers: %s stale, r asks again", !stale[1]   ? "A's is"
                                                               : !stale[0] ? "B's is"
                                                                           : "both are");
        return;
    }
    struct diff_word *words;
    size_t n = diff_words(a, b, &words), added = 0, gone = 0;
    for (size_t i = 0; i < n; i++) {
        added += words[i].kind == DIFF_ADDED;
        gone += words[i].kind == DIFF_GONE;
    }
    free(words);
    size_t count = size_max(added, gone);
    text_add(out, size, count == 0 ? "answers: the same" : "answers: %zu word%s differ%s", count,
             count > 1 ? "s" : "", count > 1 ? "" : "s");
}

/* The words of both: {+added+} and [-gone-]. */
static void diff_text(const struct compare *m, char *out, size_t size)
{
    const char *a = answer_text(m->side[0]), *b = answer_text(m->side[1]);
    out[0] = '\0';
    if (!a || !b)
        return;
    struct diff_word *words;
    size_t n = diff_words(a, b, &words);
    for (size_t i = 0; i < n; i++) {
        const struct diff_word *w = &words[i];
        char word[96];
        const char *from = w->kind == DIFF_GONE ? a : b;
        text_sanitize(word, sizeof word, from + w->start, w->end - w->start);
        text_add(out, size,
                 w->kind == DIFF_SAME ? "%s%s" : w->kind == DIFF_ADDED ? "%s{+%s+}" : "%s[-%s-]",
                 out[0] ? " " : "", word);
    }
    free(words);
}

static void draw_foot_column(struct scene *c, const struct compare *m, int side, int column,
                             int columns)
{
    const struct comparison *n = &m->numbers;
    char lines[2][256] = {"", ""}, answer[2048] = "";
    bool stale = side < 2 ? is_stale(m->side[side]) : is_stale(m->side[0]) || is_stale(m->side[1]);
    const struct snapshot_answer *a = m->side[0]->answer[ANSWER_COMPRESSED];
    const struct snapshot_answer *b = m->side[1]->answer[ANSWER_COMPRESSED];
    if (side < 2) {
        const char *text = answer_text(m->side[side]);
        if (n->spread[side] > 0) {
            snprintf(lines[0], sizeof lines[0], "spread %.1f tokens a slot", n->spread[side]);
            char off[16];
            snprintf(lines[1], sizeof lines[1], "senders off %s%s",
                     plan_off_text(n->off[side], off),
                     n->off[side] > PLAN_OFF_MOST ? "  not converged" : "");
        }
        const char *lead = stale ? "stale: " : "";
        snprintf(answer, sizeof answer, "%s", lead);
        text_sanitize(answer + strlen(lead), sizeof answer - strlen(lead), text ? text : "",
                      text ? strlen(text) : 0);
    } else {
        answers_text(m, lines[0], sizeof lines[0]);
        if (!stale && a && b && a->f1 >= 0 && b->f1 >= 0)
            snprintf(lines[1], sizeof lines[1], "F1 to %s  %.2f -> %.2f",
                     b->exact >= 0 ? "gold" : "full", a->f1, b->f1);
        if (!stale)
            diff_text(m, answer, sizeof answer);
    }
    int row = m->foot.row + 1, rows = m->foot.rows - 1;
    if (rows == 2 && lines[0][0] && lines[1][0]) {
        text_add(lines[0], sizeof lines[0], " \u00b7 %s", lines[1]);
        lines[1][0] = '\0';
    }
    for (int i = 0; i < 2 && rows > 1; i++) {
        canvas_text(c->canvas, row++, column, columns, ROLE_VALUE, 0, lines[i], strlen(lines[i]));
        rows--;
    }
    screen_wrapped(c, (struct rect){row, column, rows, columns}, stale ? ROLE_DIM : ROLE_TEXT, 0,
                   answer);
}

static void draw_foot(struct scene *c, const struct compare *m)
{
    if (m->foot.rows == 0)
        return;
    draw_summary_heading(c, m);
    for (int i = 0; i < SIDES; i++) {
        bool wide = c->layout.kind == LAYOUT_WIDE;
        if (m->pane[i].columns)
            draw_foot_column(c, m, i, wide ? m->pane[i].column + (i > 0) : 1,
                             m->pane[i].columns - 2);
    }
}

/* ---- all --------------------------------------------------------------------- */

void draw_compare(struct scene *c)
{
    struct compare m = {.side = {c->v->pinned, c->s}, .swapped = c->v->compare_swapped,
                        .same = compare_same_document(c->v->pinned, c->s)};
    compare_window(c->v->pinned, c->s, c->window_index, &m.numbers);
    if (m.swapped != c->v->pin_is_b) { /* what Explore shows is left */
        struct comparison n = m.numbers;
        m.side[0] = c->s;
        m.side[1] = c->v->pinned;
        for (int i = 0; i < 2; i++) {
            m.numbers.spread[i] = n.spread[1 - i];
            m.numbers.off[i] = n.off[1 - i];
        }
    }
    place_panes(c, &m);
    make_grids(c, &m);
    for (int i = 0; i < SIDES; i++)
        draw_side(c, &m, i);
    draw_foot(c, &m);
    compare_grid_free(&m.grid[0]);
    compare_grid_free(&m.grid[1]);
}

void compare_sentence(const struct scene *c, struct parts *parts)
{
    double spread[2], overlap;
    char name[96];
    bool locked = c->v->locked.kind != SOURCE_NONE; /* that names the cursor's place already */
    if (!locked)
        parts_add(parts, "slot s%zu", c->v->slot);
    if (compare_slot(c->v->pinned, c->s, c->window_index, c->v->slot, spread, &overlap)) {
        parts_add(parts, "A spread %.1f", spread[c->v->pin_is_b]);
        parts_add(parts, "B spread %.1f", spread[!c->v->pin_is_b]);
        parts_add(parts, "overlap %.0f%%", 100 * overlap);
    }
    scene_token_name(c, c->token, name, sizeof name);
    if (!locked)
        parts_add(parts, "token %zu \"%s\"", c->token, name);
}
