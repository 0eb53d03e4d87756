/* The settings strip above the plan: what is set, a bar of iterations, and how far the plan is
 * from balance. One row, or two where the screen is narrow. */
#include <math.h>
#include <string.h>

#include "engine/base/size.h"
#include "views/plan.h"
#include "views/strip.h"

static void field_text(const struct scene *c, const struct strip_geometry *g,
                       enum strip_field field, char *out, size_t size)
{
    const struct snapshot_settings *set = &c->s->settings;
    bool chosen = c->v->strip_field == field;
    const char *open = chosen ? "[" : "", *close = chosen ? "]" : "";
    out[0] = '\0';
    switch (field) {
    case STRIP_ITERS:
        text_add(out, size, "%s %s%u%s", g->brief ? "iter" : "iterations", open,
                 scene_has_plan(c) ? c->iteration : set->iters, close);
        break;
    case STRIP_EPS:
        text_add(out, size, set->eps < 0.095 ? "eps %s%.3f%s" : "eps %s%.2f%s", open,
                 set->eps, close);
        break;
    case STRIP_WINDOW:
        text_add(out, size, "window %s%u%s", open, set->window, close);
        break;
    case STRIP_RATIO:
        text_add(out, size, g->no_slots ? "ratio %s%g%s" : "ratio %s%g%s (K %u)", open,
                 set->ratio, close, set->slots_per_window);
        break;
    default:
        text_add(out, size, "align %s%s%s", open, set->align_head ? "head" : "tail",
                 close);
    }
}

/* senders off 2e-03   slots exact */
static void balance_text(const struct scene *c, bool hint, char *out, size_t size)
{
    out[0] = '\0';
    if (!scene_has_plan(c) || c->stale)
        return;
    if (hint)
        text_add(out, size, PLAN_MORE_ITERATIONS "   ");
    double received = 0;
    char off[16];
    for (size_t j = 0; j < c->window->slots; j++)
        if (!c->v->rebalanced || !scene_slot_muted(c, c->window_index, j))
            received += fabs(plan_received(&c->plan, j) - 1) * (double)c->window->capacity;
    text_add(out, size, "senders off %s   ", plan_off_text(plan_senders_off(c), off));
    if (received < 1e-4)
        text_add(out, size, "slots exact");
    else
        text_add(out, size, "slots off %.0e", received);
}

/* ---- places ----------------------------------------------------------------- */

/* The bar, or from this width of the screen the curve in its place. */
enum { BAR_COLUMNS = 12, BAR_LEAST = 6, CURVE_SCREEN = 150, CURVE_COLUMNS = 41 };

/* Fields one behind the other, on the next row where one does not fit; the balance at the end
 * of the last row. False: not all of it has room. */
static bool place(const struct scene *c, struct strip_geometry *g, int gap, int note_columns)
{
    int row = 0, column = 1, end = g->area.columns;
    for (int f = 0; f < STRIP_FIELDS; f++) {
        char text[64];
        field_text(c, g, (enum strip_field)f, text, sizeof text);
        bool bar = f == STRIP_ITERS && g->bar_columns > 0;
        int columns = text_columns(text) + (bar ? g->bar_columns + 3 : 0);
        if (column > 1 && column + columns > end && row + 1 < g->area.rows) {
            row++;
            column = 1;
        }
        g->field_row[f] = g->area.row + row;
        g->field_column[f] = g->area.column + column;
        if (bar)
            g->bar = g->area.column + column + text_columns(text) + 2;
        if (column + columns > end)
            return false;
        column += columns + gap;
    }
    column = row + 1 < g->area.rows ? 1 : column;
    return note_columns == 0 || column + note_columns < end;
}

/* With the longest bar that has room; without one where there is none for the shortest. */
static bool place_with_bar(const struct scene *c, struct strip_geometry *g, int gap, int note)
{
    int most = g->curve ? CURVE_COLUMNS : BAR_COLUMNS;
    for (g->bar_columns = most; g->bar_columns >= BAR_LEAST; g->bar_columns--)
        if (place(c, g, gap, note))
            return true;
    g->bar_columns = 0;
    return place(c, g, gap, note);
}

struct strip_geometry strip_geometry(const struct scene *c)
{
    static const struct {
        bool brief, no_slots;
        int gap;
    } look[] = {{false, false, 3}, {true, false, 2}, {true, false, 1}, {true, true, 1}};
    enum { LOOKS = sizeof look / sizeof *look };
    struct strip_geometry g = {.area = c->layout.area[AREA_STRIP]};
    char note[96];
    g.curve = c->v->columns >= CURVE_SCREEN && scene_has_plan(c) && c->window->f &&
              c->window->iters > 1;
    if (scene_has_plan(c) && plan_wants_iterations(c)) {
        balance_text(c, true, note, sizeof note);
        g.note = g.hint = true;
        if (place_with_bar(c, &g, look->gap, text_columns(note)) &&
            2 * g.bar_columns >= (g.curve ? CURVE_COLUMNS : BAR_COLUMNS))
            return g;
        g.hint = false;
    }
    balance_text(c, false, note, sizeof note);
    for (int k = 0; k < 2 * LOOKS; k++) {
        g.note = k < LOOKS;
        g.brief = look[k % LOOKS].brief;
        g.no_slots = look[k % LOOKS].no_slots;
        if (place_with_bar(c, &g, look[k % LOOKS].gap, g.note ? text_columns(note) : 0))
            break;
    }
    return g;
}

/* ---- drawing ---------------------------------------------------------------- */

int strip_iteration_at(const struct scene *c, const struct strip_geometry *g, int column)
{
    unsigned iters = c->window ? c->window->iters : c->s->settings.iters;
    int last = g->bar_columns > 1 ? g->bar_columns - 1 : 1;
    return (int)((unsigned)(column - g->bar) * iters / (unsigned)last);
}

/* Senders off after each iteration, in place of the bar: five decades from full to empty.
 * The iteration that is shown is reversed, those behind it are dim. */
static void draw_error_curve(struct scene *c, const struct strip_geometry *g,
                             const struct snapshot_window *w)
{
    const double decades = 5;
    int now = -1;
    for (int i = 0; i < g->bar_columns; i++)
        if ((unsigned)strip_iteration_at(c, g, g->bar + i) <= c->iteration)
            now = i;
    for (int i = 0; i < g->bar_columns; i++) {
        int iteration = strip_iteration_at(c, g, g->bar + i);
        double off = fmax((double)w->row_error[iteration], 1e-12);
        double height = fmin(1, fmax(0.01, 1 + log10(off) / decades));
        canvas_put(c->canvas, g->area.row, g->bar + i, heat_bar(c->v->display.glyphs, height),
                   i <= now ? ROLE_VALUE : ROLE_DIM, i == now ? ATTR_REVERSE : 0);
    }
}

static void draw_bar(struct scene *c, const struct strip_geometry *g)
{
    enum { LEFT_EDGE = 0x2595, RIGHT_EDGE = 0x258f };
    const struct snapshot_window *w = c->window;
    double done = w && w->iters > 0 ? (double)c->iteration / w->iters : 1;
    canvas_put(c->canvas, g->area.row, g->bar - 1, LEFT_EDGE, ROLE_FRAME, 0);
    if (w && g->curve)
        draw_error_curve(c, g, w);
    else
        paint_bar(c, g->area.row, g->bar, g->bar_columns, done, ROLE_VALUE);
    canvas_put(c->canvas, g->area.row, g->bar + g->bar_columns, RIGHT_EDGE, ROLE_FRAME, 0);
}

void draw_strip(struct scene *c)
{
    struct strip_geometry g = strip_geometry(c);
    int end = g.area.column + g.area.columns, last = g.area.row + g.area.rows - 1;
    for (int r = 0; r < g.area.rows && c->layout.kind == LAYOUT_WIDE && !c->v->zoomed; r++)
        canvas_put(c->canvas, g.area.row + r, g.area.column, 0x2502, ROLE_FRAME, 0);
    for (int f = 0; f < STRIP_FIELDS; f++) {
        char text[64];
        bool chosen = (int)c->v->strip_field == f;
        field_text(c, &g, (enum strip_field)f, text, sizeof text);
        if (chosen && c->v->strip_open) {
            c->canvas->cursor_row = g.field_row[f];
            c->canvas->cursor_column = g.field_column[f];
        }
        canvas_text(c->canvas, g.field_row[f], g.field_column[f], end - g.field_column[f],
                    chosen ? ROLE_KEY : ROLE_VALUE, 0, text, strlen(text));
    }
    if (g.bar_columns > 0)
        draw_bar(c, &g);
    char note[96];
    balance_text(c, g.hint, note, sizeof note);
    int columns = text_columns(note);
    if (g.note)
        canvas_text(c->canvas, last, end - columns - 1, columns, ROLE_VALUE, 0, note, strlen(note));
}
