/* Several figures on a page. Everything stands on whole pixels: panels are laid out
 * one by one, then moved to their places. */
#include <math.h>
#include <stdlib.h>

#include "views/figure_parts.h"
#include "views/figure_sheet.h"

#define GUTTER_MM 2.0

struct grid_of_panels {
    size_t n, columns;
    struct figure_panel *panel; /* copies, with their options settled */
    const struct snapshot *snapshot;
    const struct figure_fonts *fonts;
    double scale;   /* pixels a point */
    double gutter;  /* all lengths in points from here on */
    double width;   /* of a column */
};

static bool shows_tokens_across(const struct figure_panel *panel)
{
    return panel->data && !panel->options.turned;
}

/* The nearest panel above (step < 0) or below that shares its token axis; n: none. */
static size_t neighbour(const struct grid_of_panels *g, size_t i, bool below)
{
    size_t at = i;
    while (below ? at + g->columns < g->n : at >= g->columns) {
        at = below ? at + g->columns : at - g->columns;
        if (shows_tokens_across(&g->panel[at]))
            return at;
    }
    return g->n;
}

static bool has_mass_panel(const struct grid_of_panels *g, size_t i)
{
    for (size_t at = i % g->columns; at < g->n; at += g->columns)
        if (shows_tokens_across(&g->panel[at]) && figure_is_plot(g->panel[at].data->kind))
            return true;
    return false;
}

/* Letters, and which panel of a column names the tokens and shows their mass. */
static void share_axes(struct grid_of_panels *g)
{
    for (size_t i = 0; i < g->n; i++) {
        struct figure_options *o = &g->panel[i].options;
        o->letter = (char)('a' + i);
        o->width_mm = g->width * 25.4 / 72;
        o->height_mm = 0;
        if (i > 0)
            o->title[0] = '\0';
        if (!shows_tokens_across(&g->panel[i]))
            continue;
        o->other_axis = neighbour(g, i, true) < g->n;
        o->other_mass = neighbour(g, i, false) < g->n || has_mass_panel(g, i);
    }
}

/* Gives the panels of a column the largest margins that one of them needs. */
static bool align(struct grid_of_panels *g, size_t column, struct err *err)
{
    double left = 0, right = 0;
    for (size_t i = column; i < g->n; i += g->columns) {
        struct page page;
        if (!shows_tokens_across(&g->panel[i]))
            continue;
        bool ok = page_compute(&page, g->panel[i].data, &g->panel[i].options, g->fonts, err);
        left = fmax(left, (double)page.left / g->scale);
        right = fmax(right, (double)page.right / g->scale);
        page_free(&page);
        if (!ok)
            return false;
    }
    for (size_t i = column; i < g->n; i += g->columns) {
        g->panel[i].options.left = left;
        g->panel[i].options.right = right;
    }
    return true;
}

static bool draw_panel(struct drawing *drawing, const struct grid_of_panels *g, size_t i,
                       struct err *err)
{
    const struct figure_panel *panel = &g->panel[i];
    if (panel->data)
        return figure_draw(drawing, panel->data, &panel->options, g->fonts, err);
    return figure_draw_answers(drawing, g->snapshot, &panel->options, g->fonts, err);
}

/* Draws the panels and moves them to their places; returns the height in *height. */
static bool draw_all(struct drawing *page, const struct grid_of_panels *g, double *height,
                     struct err *err)
{
    double y = 0;
    for (size_t row = 0; row < g->n; row += g->columns) {
        double tallest = 0;
        for (size_t c = 0; c < g->columns && row + c < g->n; c++) {
            struct drawing drawing;
            if (!draw_panel(&drawing, g, row + c, err))
                return false;
            tallest = fmax(tallest, drawing.height);
            drawing_append(page, &drawing, (double)c * (g->width + g->gutter), y);
        }
        *height = y + tallest;
        y = *height + g->gutter;
    }
    return true;
}

/* Column width and gutter in whole pixels. */
static void divide_width(struct grid_of_panels *g, const struct figure_options *first)
{
    double page = first->width_mm / 25.4 * first->dpi;
    double gutter = round(GUTTER_MM / 25.4 * first->dpi), columns = (double)g->columns;
    g->scale = first->dpi / 72;
    g->gutter = gutter / g->scale;
    g->width = g->columns == 1 ? first->width_mm * 72 / 25.4
                               : floor((page - (columns - 1) * gutter) / columns) / g->scale;
}

static bool check_height(double height, const struct figure_options *first, struct err *err)
{
    double pixels = height * first->dpi / 72;
    return pixels <= FIGURE_SIDE_PIXELS ||
           err_set(err, ERR_USAGE, "panels: a page of %.0f pixels is over the limit of %d: "
                   "dpi=%.0f would do", pixels, FIGURE_SIDE_PIXELS,
                   floor(first->dpi * FIGURE_SIDE_PIXELS / pixels));
}

bool figure_draw_panels(struct drawing *drawing, const struct figure_panel *panels, size_t n,
                        size_t columns, const struct snapshot *snapshot,
                        const struct figure_fonts *fonts, struct err *err)
{
    struct grid_of_panels g = {.n = n, .columns = columns, .snapshot = snapshot, .fonts = fonts};
    const struct figure_options *first = &panels[0].options;
    double height = 0;
    CHECK(n > 0 && columns > 0);
    *drawing = (struct drawing){0};
    divide_width(&g, first);
    g.panel = xcalloc(n, sizeof *g.panel);
    for (size_t i = 0; i < n; i++)
        g.panel[i] = panels[i];
    share_axes(&g);
    bool ok = true;
    for (size_t c = 0; c < columns && ok; c++)
        ok = align(&g, c, err);
    if (ok) {
        drawing_init(drawing, first->width_mm * 72 / 25.4, 0, first->dpi,
                     sheet_inks(first->dark).page);
        drawing->transparent = first->transparent;
        drawing->title = xstrdup("Panels: how a document is compressed");
        ok = draw_all(drawing, &g, &height, err) && check_height(height, first, err);
        drawing->height = height;
    }
    free(g.panel);
    return ok;
}
