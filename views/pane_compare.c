/* The Compare screen: the plans of A and B with one scale of colours, B - A with a
 * diverging one, and below what separates them in numbers and words. The three stand beside one
 * another, or one below the other where that shows fewer tokens and slots a cell; where there is
 * no room for three it is one of them, by Tab. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "views/compare_pane.h"
#include "views/difference.h"
#include "views/edits.h"

enum {
    FRAME_BAR = 0x2502,
    TEE_DOWN = 0x252c,
    TEE_RIGHT = 0x251c,
    SIDES = COMPARE_SIDES,
    LABEL = GRID_LABEL,
    FOOT_LEAST = 4,
    FOOT_MOST = 14, /* with room for all that it may have to say */
    TICK_CELLS = 16,
    STACK_COLUMNS = 96, /* from which numbers in three columns can be read below maps */
    TEXT_COLUMNS = 36   /* of the document, to stand beside maps */
};

/* ---- arrangement ------------------------------------------------------------ */

/* How finely a map shows the plan in some cells: the fewer tokens and slots a cell stands for,
 * the better. */
struct fit {
    int halves, map_rows;
    size_t per_cell, per_row;
};

/* A row a slot where there is room for that, else two, else more. */
static struct fit fit_map(const struct scene *c, int cells, int room)
{
    int slots = c->window && c->window->slots ? (int)c->window->slots : 1;
    bool half = display_has_heat_colors(&c->v->display) && c->v->display.glyphs == GLYPHS_HALF;
    room = room < 1 ? 1 : room;
    struct fit f = {.halves = half && room < slots ? 2 : 1};
    int wanted = (slots + f.halves - 1) / f.halves, per_row = (wanted + room - 1) / room;
    f.map_rows = (wanted + per_row - 1) / per_row;
    f.per_row = size_div_up((size_t)slots, (size_t)(f.map_rows * f.halves));
    f.per_cell = heat_tokens_per_cell(c->tokens, (size_t)(cells > 1 ? cells : 1));
    return f;
}

static bool finer(const struct fit *a, const struct fit *b)
{
    return a->per_cell * a->per_row < b->per_cell * b->per_row;
}

static void take_fit(struct compare *m, const struct fit *f, int cells)
{
    m->halves = f->halves;
    m->map_rows = f->map_rows;
    m->per_cell = f->per_cell;
    m->cells = cells;
    m->tall = 1;
}

/* On the tallest screens a row of the maps is several, before rows stay blank below the text. */
static void make_taller(const struct scene *c, struct compare *m, struct rect body)
{
    int maps = m->stacked ? SIDES : 1, columns = body.columns > 1 ? body.columns : 1;
    size_t lines = c->s->document ? 2 * c->s->document->size / (size_t)columns : 0;
    int text = COMPARE_TEXT_LEAST + (int)size_min(lines, (size_t)body.rows / 2);
    int room = body.rows - maps - 1 - FOOT_MOST - text;
    if (m->halves == 1 && room >= 2 * maps * m->map_rows)
        m->tall = room / (maps * m->map_rows);
}

/* Beside one another, or one alone: the numbers share a row where fewer slots share one for
 * that. */
static struct fit fit_beside(const struct scene *c, struct compare *m, int rows)
{
    int width = m->all ? c->v->columns / SIDES : c->v->columns, cells = width - LABEL - 2;
    int foot = rows >= 12 ? FOOT_LEAST : rows >= 8 ? 2 : 0, room = rows - foot - 1;
    struct fit f = fit_map(c, cells, room), more = fit_map(c, cells, room + 1);
    if (foot == FOOT_LEAST && more.per_row < f.per_row) {
        room++;
        f = more;
    }
    take_fit(m, &f, cells);
    m->has_axis = room > m->map_rows;
    return f;
}

/* The document stands where cells leave room, beside the numbers too if those keep enough. */
static void stack_panes(const struct scene *c, struct compare *m, struct rect body)
{
    int used = (int)size_div_up(c->tokens, m->per_cell), rows = 1 + m->map_rows * m->tall;
    int text = body.columns - (LABEL + 1 + used + 1) - 1, height = SIDES * rows + 1;
    struct rect maps = body;
    m->foot = (struct rect){body.row + height, 0, body.rows - height, body.columns};
    if (text >= TEXT_COLUMNS) {
        bool whole = body.columns - text - 1 >= STACK_COLUMNS;
        m->document = (struct rect){body.row, 0, whole ? body.rows : height, text};
        maps.column = text + 1;
        maps.columns -= maps.column;
        m->foot.column = whole ? maps.column : 0;
        m->foot.columns = whole ? maps.columns : body.columns;
    }
    for (int i = 0; i < SIDES; i++)
        m->pane[i] = (struct rect){maps.row + i * rows, maps.column, rows + (i == SIDES - 1),
                                   maps.columns};
}

static void place_beside(const struct scene *c, struct compare *m, struct rect body)
{
    int width = m->all ? body.columns / SIDES : body.columns;
    int rows = 1 + m->map_rows * m->tall + m->has_axis;
    bool has_foot = body.rows >= 8;
    for (int i = 0; i < SIDES; i++) {
        int column = m->all ? i * width : 0;
        int columns = m->all && i == SIDES - 1 ? body.columns - column : width;
        if (m->all || i == c->v->compare_side)
            m->pane[i] = (struct rect){body.row, column, has_foot ? rows : body.rows, columns};
    }
    if (has_foot)
        m->foot = (struct rect){body.row + rows, 0, body.rows - rows, body.columns};
}

static void place_panes(struct scene *c, struct compare *m)
{
    int top = c->layout.area[AREA_TITLE].rows, bottom = c->layout.area[AREA_STATUS].row;
    struct rect body = {top, 0, bottom - top, c->v->columns};
    m->all = c->layout.kind == LAYOUT_WIDE;
    struct fit beside = fit_beside(c, m, body.rows);
    int cells = body.columns - LABEL - 2;
    struct fit stacked = fit_map(c, cells, (body.rows - FOOT_LEAST - SIDES - 1) / SIDES);
    bool enough = body.columns >= STACK_COLUMNS && body.rows >= FOOT_LEAST + 2 * SIDES + 1;
    /* All of them rather than one, if no cell stands for more. */
    m->stacked = enough && (m->all ? finer(&stacked, &beside) : !finer(&beside, &stacked));
    if (m->stacked) {
        take_fit(m, &stacked, cells);
        m->all = m->has_axis = true;
        make_taller(c, m, body);
        stack_panes(c, m, body);
    } else {
        make_taller(c, m, body);
        place_beside(c, m, body);
    }
    int foot = compare_foot_rows(c, m), left = m->foot.rows - foot;
    if (m->document.rows == 0 && m->foot.rows > 0 && left >= COMPARE_TEXT_LEAST) {
        m->foot.rows = foot;
        m->document = (struct rect){m->foot.row + foot, m->foot.column, left, m->foot.columns};
    }
}

static void make_grids(struct scene *c, struct compare *m)
{
    size_t slots = c->window ? c->window->slots : 1;
    size_t rows = (size_t)(m->map_rows * m->halves);
    size_t per_row = size_div_up(slots, rows);
    rows = size_div_up(slots, size_max(per_row, 1));
    for (int i = 0; i < 2; i++) {
        compare_grid_init(&m->grid[i], c->first, c->tokens, m->per_cell, rows);
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
    canvas_printf(c->canvas, pane->row + 1 + r * m->tall, pane->column, LABEL,
                  chosen ? ROLE_CURSOR : ROLE_LABEL, 0, "%*s", LABEL, label);
    if (chosen && pane == &m->pane[m->all ? 1 : c->v->compare_side]) {
        c->canvas->cursor_row = pane->row + 1 + r * m->tall;
        c->canvas->cursor_column =
            pane->column + LABEL + 1 + (int)((c->token - c->first) / m->grid[1].per_cell);
    }
}

/* A row stands for its first slot of B, a cell for its first token. */
static void offer_cell(struct scene *c, const struct compare *m, int side, int r, size_t x)
{
    const struct rect *pane = &m->pane[side];
    struct rect cell = {pane->row + 1 + r * m->tall, pane->column + LABEL + 1 + (int)x, m->tall,
                        1};
    struct view_hit hit = {.kind = HIT_COMPARE, .entry = (size_t)side};
    hit.pane = PANE_PLAN; /* whose slots the wheel goes through */
    hit.slot = slot_of_row(c, m, (size_t)(r * m->halves));
    hit.token = size_min(c->first + x * m->grid[1].per_cell, c->first + c->tokens - 1);
    scene_offer_hit(c, cell, hit);
}

/* The cursor's token with its mark, and numbers of tokens where there is room. */
static void draw_axis(struct scene *c, const struct compare *m, const struct rect *pane)
{
    const struct compare_grid *g = &m->grid[1];
    int row = pane->row + 1 + m->map_rows * m->tall, first = pane->column + LABEL + 1;
    int cursor = (int)((c->token - c->first) / g->per_cell);
    char name[64], text[96];
    scene_token_name(c, c->token, name, sizeof name);
    snprintf(text, sizeof text, "^%zu %s", c->token, name);
    int columns = text_columns(text);
    if (cursor + columns > m->cells)
        columns = 1;
    for (int x = 0; x < (int)g->columns; x += TICK_CELLS) {
        char number[24];
        snprintf(number, sizeof number, "%zu", c->first + (size_t)x * g->per_cell);
        int end = x + (int)strlen(number);
        bool meets = x <= cursor + columns && cursor <= end;
        if (!meets && end <= m->cells)
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
    for (int r = 0; side + 1 < SIDES && m->all && !m->stacked && r < pane->rows - 1; r++)
        canvas_put(c->canvas, pane->row + 1 + r, pane->column + pane->columns - 1, FRAME_BAR,
                   ROLE_FRAME, 0);
    if (hint) {
        draw_hint(c, (struct rect){pane->row + 1, pane->column + LABEL + 1, pane->rows - 1,
                                   m->cells}, hint);
        return;
    }
    for (int r = 0; r < m->map_rows && (size_t)(r * m->halves) < g->rows; r++) {
        for (size_t x = 0; x < g->columns && (int)x < m->cells; x++) {
            for (int i = 0; i < m->tall; i++)
                draw_cell(c, m, side, pane->row + 1 + r * m->tall + i,
                          pane->column + LABEL + 1 + (int)x, (size_t)(r * m->halves), x);
            if (c->hit)
                offer_cell(c, m, side, r, x);
        }
        draw_label(c, m, pane, r);
    }
    if (m->has_axis && (!m->stacked || side == SIDES - 1))
        draw_axis(c, m, pane);
}

const char *compare_letter(const struct compare *m, int side)
{
    static const char *const letter[2][SIDES] = {{"A", "B", "B - A"}, {"B", "A", "A - B"}};
    return letter[m->swapped][side];
}

/* The heading begins on the frame that stands left of the map. */
static void draw_side_heading(struct scene *c, const struct compare *m, int side, const char *name,
                              const char *right)
{
    const struct rect *pane = &m->pane[side];
    struct rect heading = {pane->row, pane->column, 1, pane->columns};
    uint32_t lead = side && m->stacked ? TEE_RIGHT : TEE_DOWN;
    if (pane->column == 0)
        lead = 0;
    else
        heading.column--, heading.columns++;
    draw_heading(c, heading, lead, name, side == c->v->compare_side, right);
}

static void draw_side(struct scene *c, const struct compare *m, int side)
{
    const struct rect *pane = &m->pane[side];
    char name[160] = "", right[64] = "";
    if (pane->columns == 0)
        return;
    int from = side == 1 && c->v->compare_flicker ? 0 : side;
    text_add(name, sizeof name, "%s", compare_letter(m, from));
    if (side < COMPARE_DIFFERENCE) {
        char what[128];
        compare_name(m->side[from], m->side[1 - from], what, sizeof what);
        text_add(name, sizeof name, "  %s", what);
        snprintf(what, sizeof what, "%s", c->v->pin_name ? c->v->pin_name : "");
        if (m->side[from] == c->s)
            edits_text(c, what, sizeof what);
        if (what[0])
            text_add(name, sizeof name, " \u00b7 %s", what);
    } else {
        text_add(right, sizeof right, "+ in %s  - in %s", compare_letter(m, 1),
                 compare_letter(m, 0));
    }
    if (side == c->v->compare_side && c->v->locked.kind != SOURCE_NONE)
        text_add(name, sizeof name, " *");
    draw_side_heading(c, m, side, name, right);
    draw_map(c, m, side);
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
    compare_draw_document(c, &m);
    for (int i = 0; i < SIDES; i++)
        draw_side(c, &m, i);
    compare_draw_foot(c, &m);
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
