#include "tests/support/lit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "tests/support/sample_snapshot.h"
#include "views/heat.h"

void lit_open(struct lit_screen *p)
{
    *p = (struct lit_screen){.s = sample_snapshot()};
    view_state_init(&p->v);
    p->v.rows = 60;
    p->v.columns = 200;
    p->v.display = (struct display){DEPTH_TRUE, GLYPHS_HALF, THEME_DARK, false};
    p->v.token = LIT_COAL;
    p->v.slot = LIT_SLOT;
    p->v.layer = 21;
    p->v.answer = ANSWER_COMPRESSED;
    p->v.answer_token = 2;
    canvas_init(&p->canvas, p->v.rows, p->v.columns);
}

void lit_close(struct lit_screen *p)
{
    canvas_free(&p->canvas);
    free(p->hits);
    snapshot_release(p->s);
}

struct view_hit lit_hit(struct lit_screen *p, int row, int column)
{
    struct view_state v = p->v;
    v.moved.kind = SOURCE_NONE; /* what is lit moves nothing, and takes its time */
    size_t cells = (size_t)p->canvas.rows * (size_t)p->canvas.columns;
    p->hits = p->hits ? p->hits : xcalloc(cells, sizeof *p->hits);
    for (size_t i = 0; !p->hits_known && i < cells; i++)
        p->hits[i] = view_hit_test(p->s, &v, (int)i / p->canvas.columns,
                                   (int)i % p->canvas.columns);
    p->hits_known = true;
    return p->hits[row * p->canvas.columns + column];
}

static void draw(struct lit_screen *p)
{
    view_draw(p->s, &p->v, &p->canvas);
    p->hits_known = false;
}

/* What moving the cursor in a pane does. */
void lit_move_to(struct lit_screen *p, enum source_kind kind)
{
    static const enum pane pane_of[] = {
        [SOURCE_TOKEN] = PANE_DOCUMENT, [SOURCE_LAYER] = PANE_GATES, [SOURCE_SLOT] = PANE_PLAN,
        [SOURCE_ANSWER] = PANE_ANSWERS};
    p->v.moved = (struct source){.kind = kind, .token = p->v.token, .layer = p->v.layer,
                                 .slot = p->v.slot, .window = LIT_WINDOW, .answer = p->v.answer,
                                 .answer_token = p->v.answer_token};
    p->v.focus = pane_of[kind];
    view_follow_cursor(p->s, &p->v);
    draw(p);
}

/* ---- the weights, from their definitions ---------------------------------------- */

const struct snapshot_window *lit_window_of(const struct lit_screen *p, size_t w)
{
    return p->s->window[w];
}

static double mass_sent(const struct lit_screen *p, size_t w, size_t t, size_t j)
{
    return (double)lit_window_of(p, w)->plan[t * lit_window_of(p, w)->slots + j];
}

/* S[t,j] = P[t,j] / b[j] */
double lit_slot_share(const struct lit_screen *p, size_t w, size_t t, size_t j)
{
    return mass_sent(p, w, t, j) / (double)lit_window_of(p, w)->capacity;
}

/* R[t,j] = P[t,j] / sum_j P[t,j] */
double lit_token_share(const struct lit_screen *p, size_t w, size_t t, size_t j)
{
    double all = 0;
    for (size_t k = 0; k < lit_window_of(p, w)->slots; k++)
        all += mass_sent(p, w, t, k);
    return mass_sent(p, w, t, j) / all;
}

double lit_gate(const struct lit_screen *p, size_t w, size_t t, size_t l)
{
    return (double)lit_window_of(p, w)->gate[t * LIT_LAYERS + l];
}

/* G[j,l] = sum_t S[t,j] alpha[t,l] */
double lit_slot_layer(const struct lit_screen *p, size_t w, size_t j, size_t l)
{
    double sum = 0;
    for (size_t t = 0; t < lit_window_of(p, w)->tokens; t++)
        sum += lit_slot_share(p, w, t, j) * lit_gate(p, w, t, l);
    return sum;
}

size_t lit_slot_first(const struct lit_screen *p, size_t w)
{
    size_t first = 0;
    for (size_t k = 0; k < w; k++)
        first += lit_window_of(p, k)->slots;
    return first;
}

/* A[i,j], j counted over the document */
double lit_attention(const struct lit_screen *p, enum answer_mode mode, size_t i, size_t j)
{
    const struct snapshot_answer *a = p->s->answer[mode];
    return (double)a->attention[i * a->sources + j];
}

/* D[i,t] = sum_j A[i,j] S[t,j]; t in its window */
double lit_looked_at(const struct lit_screen *p, size_t i, size_t w, size_t t)
{
    double sum = 0;
    for (size_t j = 0; j < lit_window_of(p, w)->slots; j++)
        sum += lit_attention(p, ANSWER_COMPRESSED, i, lit_slot_first(p, w) + j) *
               lit_slot_share(p, w, t, j);
    return sum;
}

size_t lit_window_of_token(const struct lit_screen *p, size_t token)
{
    size_t w = 0;
    while (token >= p->s->window_first[w + 1])
        w++;
    return w;
}

double lit_largest(const double *value, size_t from, size_t to)
{
    double top = 0;
    for (size_t i = from; i < to; i++)
        top = fmax(top, value[i]);
    return top;
}

/* ---- what is drawn ---------------------------------------------------------------- */

struct canvas_cell *lit_cell_at(struct lit_screen *p, int row, int column)
{
    return canvas_at(&p->canvas, row, column);
}

bool lit_is_letter(uint32_t c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

/* The colour behind a token of this share of the brush's maximum. */
static uint32_t tint_color(const struct lit_screen *p, double share, double least)
{
    if (!(share > least))
        return COLOR_NONE;
    return colormap_rgb(p->v.map, (int)lround(fmin(share, 1) * (COLORMAP_LEVELS - 1)));
}

/* Colours may differ by a level: the weights here are summed in another order. */
static bool near_color(uint32_t a, uint32_t b)
{
    for (int shift = 0; shift < 24; shift += 8)
        if (abs((int)(a >> shift & 255) - (int)(b >> shift & 255)) > 6)
            return false;
    return (a == COLOR_NONE) == (b == COLOR_NONE);
}

/* All letters of the document on screen carry want[token] / top; returns how many. */
size_t lit_check_document(struct lit_screen *p, const double *want, double top)
{
    size_t checked = 0;
    for (int r = 0; r < p->canvas.rows; r++)
        for (int x = 0; x < p->canvas.columns; x++) {
            struct view_hit hit = lit_hit(p, r, x);
            const struct canvas_cell *cell = lit_cell_at(p, r, x);
            if (hit.kind != HIT_TOKEN || hit.pane != PANE_DOCUMENT ||
                !lit_is_letter(cell->codepoint) || cell->role == ROLE_CURSOR)
                continue;
            uint32_t color = tint_color(p, want[hit.token] / top, 0.02);
            if (!near_color(cell->background, color) && fabs(want[hit.token] / top - 0.02) > 1e-3)
                fail_msg("token %zu: %06x, expected %06x (%.3f)", hit.token, cell->background,
                         color, want[hit.token] / top);
            checked++;
        }
    assert_true(checked > 300);
    return checked;
}

/* The letters of an answer's tokens carry want[i] / their maximum; NULL: no tint. */
void lit_check_answer(struct lit_screen *p, enum answer_mode mode, const double *want)
{
    size_t n = p->s->answer[mode]->tokens, checked = 0;
    double top = want ? lit_largest(want, 0, n) : 1;
    for (int r = 0; r < p->canvas.rows; r++)
        for (int x = 0; x < p->canvas.columns; x++) {
            struct view_hit hit = lit_hit(p, r, x);
            const struct canvas_cell *cell = lit_cell_at(p, r, x);
            if (hit.kind != HIT_ANSWER || hit.answer != mode || !lit_is_letter(cell->codepoint) ||
                cell->role != ROLE_TEXT)
                continue;
            uint32_t color = want ? tint_color(p, want[hit.answer_token] / top, 0.05) : COLOR_NONE;
            if (!near_color(cell->background, color))
                fail_msg("answer %d token %zu: %06x, expected %06x", mode, hit.answer_token,
                         cell->background, color);
            checked++;
        }
    assert_true(checked > 3);
}

/* The first cell that the mouse takes for this place; fails when there is none. */
struct lit_spot lit_find(struct lit_screen *p, int kind, size_t token)
{
    struct lit_spot at = {0};
    for (; at.row < p->canvas.rows; at.row++)
        for (at.column = 0; at.column < p->canvas.columns; at.column++) {
            struct view_hit hit = lit_hit(p, at.row, at.column);
            if ((int)hit.kind == kind && hit.token == token)
                return at;
        }
    fail_msg("token %zu is not in that pane", token);
    return at;
}

/* Screen rows of the plan: two slots each. */
int lit_plan_row(struct lit_screen *p, size_t slot)
{
    return lit_find(p, HIT_PLAN, LIT_COAL).row + (int)slot / 2;
}

static bool label_is_bold(struct lit_screen *p, size_t slot)
{
    struct lit_spot at = lit_find(p, HIT_PLAN, LIT_COAL);
    int frame = at.column;
    while (lit_cell_at(p, at.row, frame)->codepoint != LIT_FRAME_BAR)
        frame--;
    for (int x = frame - 4; x < frame; x++)
        if (lit_cell_at(p, at.row + (int)slot / 2, x)->role == ROLE_KEY)
            return true;
    return false;
}

/* A label is bold when one of the two slots of its row is lit. */
void lit_check_labels(struct lit_screen *p, const bool lit[32])
{
    for (size_t j = 0; j < 32; j += 2)
        if (label_is_bold(p, j) != (lit[j] || lit[j + 1]))
            fail_msg("label of s%zu is%s bold", j, label_is_bold(p, j) ? "" : " not");
}

/* Cells of lit slots have the colour they have without a light, the others 60 % of it. */
void lit_check_plan_strength(struct lit_screen *p, const bool lit[32])
{
    struct lit_screen plain = {.s = p->s, .v = p->v};
    canvas_init(&plain.canvas, p->v.rows, p->v.columns);
    plain.v.moved.kind = SOURCE_NONE;
    view_draw(plain.s, &plain.v, &plain.canvas);
    struct lit_spot at = lit_find(p, HIT_PLAN, p->s->window_first[LIT_WINDOW]);
    for (size_t j = 0; j < 32; j++)
        for (int x = at.column; x < at.column + 128; x++) {
            const struct canvas_cell *is = lit_cell_at(p, at.row + (int)j / 2, x);
            const struct canvas_cell *was = lit_cell_at(&plain, at.row + (int)j / 2, x);
            uint32_t got = j % 2 ? is->background : is->foreground;
            uint32_t whole = j % 2 ? was->background : was->foreground;
            uint32_t want = lit[j] || whole == COLOR_NONE ? whole : color_mix(whole, 0, 0.6);
            if (got != want)
                fail_msg("s%zu, column %d: %06x, expected %06x", j, x - at.column, got, want);
        }
    canvas_free(&plain.canvas);
}

/* Eighths of the bar in the five columns behind the last frame of a row. */
int lit_bar_of(struct lit_screen *p, int row, int *first)
{
    int column = p->canvas.columns - 1, eighths = 0;
    while (column >= 0 && lit_cell_at(p, row, column)->codepoint != LIT_FRAME_BAR &&
           lit_cell_at(p, row, column)->codepoint != LIT_FULL_MARK)
        column--;
    *first = column + 1;
    for (int x = *first; x < *first + LIT_BARS && x < p->canvas.columns; x++) {
        uint32_t c = lit_cell_at(p, row, x)->codepoint;
        bool thin = lit_cell_at(p, row, x)->role == ROLE_DIM; /* the window's mean */
        eighths += !thin && c >= 0x2588 && c <= 0x258f ? (int)(0x2590 - c) : 0;
    }
    return eighths;
}

/* The gate profile, with the gates zoomed to a row a layer: want[l] beside the window's mean. */
void lit_check_profile(struct lit_screen *p, const double *want)
{
    double mean[LIT_LAYERS] = {0}, top = 0;
    enum pane focus = p->v.focus;
    for (size_t l = 0; l < LIT_LAYERS; l++) {
        for (size_t t = 0; t < lit_window_of(p, LIT_WINDOW)->tokens; t++)
            mean[l] += lit_gate(p, LIT_WINDOW, t, l) / (double)lit_window_of(p, LIT_WINDOW)->tokens;
        top = fmax(top, fmax(want[l], mean[l]));
    }
    p->v.zoomed = true;
    p->v.zoom_level = 1;
    p->v.focus = PANE_GATES;
    draw(p);
    for (size_t l = 0; l < LIT_LAYERS; l++) {
        int first;
        struct lit_spot at = lit_find(p, HIT_GATE, LIT_COAL);
        at.row += (int)(LIT_LAYERS - 1 - l);
        assert_int_equal(lit_hit(p, at.row, at.column).layer, l);
        int frame = at.column;
        while (lit_cell_at(p, at.row, frame)->codepoint != LIT_FRAME_BAR)
            frame++;
        first = frame + 1;
        int eighths = 0, want_eighths = (int)ceil(want[l] / top * LIT_BARS * 8 - 1e-6);
        for (int x = first; x < first + LIT_BARS; x++) {
            const struct canvas_cell *cell = lit_cell_at(p, at.row, x);
            bool bar = cell->role == ROLE_VALUE && cell->codepoint >= 0x2588 &&
                       cell->codepoint <= 0x258f;
            eighths += bar ? (int)(0x2590 - cell->codepoint) : 0;
        }
        if (abs(eighths - want_eighths) > 1)
            fail_msg("profile of L%zu: %d eighths, expected %d", l, eighths, want_eighths);
        int mark = (int)(mean[l] / top * LIT_BARS);
        if (mark < LIT_BARS && 8 * mark >= eighths + 1)
            assert_int_equal(lit_cell_at(p, at.row, first + mark)->codepoint, LIT_FULL_MARK);
    }
    p->v.zoomed = false;
    p->v.focus = focus;
    draw(p);
}

bool lit_screen_says(struct lit_screen *p, const char *text)
{
    char *dump = canvas_dump(&p->canvas, false);
    bool found = strstr(dump, text) != NULL;
    free(dump);
    return found;
}
