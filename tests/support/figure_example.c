#include "tests/support/figure_example.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "views/figure_parts.h"
#include "views/raster.h"

/* A loss that is not known for the first tokens, and a plan that sends nothing to the slot
 * s3 of the window. */
static void add_difference(struct example *e)
{
    size_t n = e->snapshot->document->tokens;
    struct snapshot_loss *loss = snapshot_loss_new(n);
    for (size_t t = e->options.from + 2; t < n; t++) {
        loss->full[t] = 2;
        loss->compressed[t] = 2 + 0.25f * (float)((int)(t % 9) - 3);
    }
    snapshot_set_loss(e->snapshot, loss);
    e->against = sample_snapshot();
    struct snapshot_window *w = e->against->window[1];
    for (size_t t = 0; t < w->tokens; t++)
        w->plan[t * w->slots + 3] = 0;
    e->options.against = e->against;
}

void example_begin(struct example *e)
{
    *e = (struct example){.snapshot = sample_snapshot(), .options = figure_options_default};
    e->fonts.regular = font_open(NULL, 0);
    e->options.from = e->snapshot->window_first[1];
    e->options.to = e->snapshot->window_first[2];
    add_difference(e);
}

void example_make(struct example *e)
{
    drawing_free(&e->drawing);
    figure_data_free(&e->data);
    e->options.value = figure_value_of(e->options.kind, e->options.value);
    e->ok = figure_data_build(&e->data, e->snapshot, &e->options, &e->err) &&
            figure_draw(&e->drawing, &e->data, &e->options, &e->fonts, &e->err);
}

void example_end(struct example *e)
{
    drawing_free(&e->drawing);
    figure_data_free(&e->data);
    font_close((struct font *)(uintptr_t)e->fonts.regular);
    snapshot_release(e->snapshot);
    snapshot_release(e->against);
}

const struct drawing_cells *example_picture(const struct drawing *drawing)
{
    for (size_t i = 0; i < drawing->n_items; i++)
        if (drawing->items[i].kind == DRAWING_CELLS)
            return &drawing->items[i].cells;
    return NULL;
}

bool example_is_whole(double pixels)
{
    return fabs(pixels - round(pixels)) < 1e-6;
}

void example_check_cells(const struct example *e)
{
    const struct drawing *d = &e->drawing;
    double scale = d->dpi / 72;
    const struct drawing_cells *cells = example_picture(d);
    if (figure_is_plot(e->options.kind))
        return;
    assert_non_null(cells);
    assert_true(example_is_whole(cells->x * scale) && example_is_whole(cells->y * scale));
    assert_true(example_is_whole(cells->cell_width * scale) &&
                example_is_whole(cells->cell_height * scale));
    assert_true(cells->cell_width * scale > FIGURE_CELL_PIXELS - 1e-6);
    assert_true(cells->cell_height * scale > FIGURE_CELL_PIXELS - 1e-6);
}

struct extent {
    double left, top, right, bottom;
};

/* What a text covers: small letters' height across its line is enough to tell
 * whether neighbours can be read. */
static struct extent text_extent(const struct example *e, const struct drawing_text *t)
{
    double width = font_text_width(e->fonts.regular, t->text, t->size);
    double back = t->anchor == ANCHOR_START ? 0 : t->anchor == ANCHOR_END ? width : width / 2;
    double up = font_ascent(t->size), down = font_descent(t->size);
    if (t->upright)
        return (struct extent){t->x - up, t->y + back - width, t->x + down, t->y + back};
    return (struct extent){t->x - back, t->y - up, t->x - back + width, t->y + down};
}

static bool overlap(const struct extent *a, const struct extent *b)
{
    return a->left < b->right && b->left < a->right && a->top < b->bottom && b->top < a->bottom;
}

/* Bars, frames and ticks; frames of the built-in boxes are part of their text. */
static void check_against_rects(const struct example *e, const struct extent *here,
                                const char *what, const char *text)
{
    for (size_t i = 0; i < e->drawing.n_items; i++) {
        const struct drawing_rect *r = &e->drawing.items[i].rect;
        struct extent rect = {r->x, r->y, r->x + r->width, r->y + r->height};
        if (e->drawing.items[i].kind == DRAWING_RECT && overlap(here, &rect))
            fail_msg("%s: \"%s\" lies on a bar or a line at %g %g", what, text, r->x, r->y);
    }
}

void example_check_texts(const struct example *e, const char *what)
{
    const struct drawing *d = &e->drawing;
    const struct drawing_cells *cells = example_picture(d);
    struct extent grid = {0};
    if (cells && e->options.kind != FIGURE_MASS)
        grid = (struct extent){cells->x, cells->y,
                               cells->x + cells->cell_width * (double)cells->columns,
                               cells->y + cells->cell_height * (double)cells->rows};
    for (size_t i = 0; i < d->n_items; i++) {
        const struct drawing_text *t = &d->items[i].text;
        if (d->items[i].kind != DRAWING_TEXT)
            continue;
        struct extent here = text_extent(e, t);
        if (t->size < 5 - 1e-9)
            fail_msg("%s: \"%s\" in %g pt", what, t->text, t->size);
        if (here.left < -0.01 || here.top < -0.01 || here.right > d->width + 0.01 ||
            here.bottom > d->height + 0.01)
            fail_msg("%s: \"%s\" leaves the page", what, t->text);
        check_against_rects(e, &here, what, t->text);
        if (overlap(&here, &grid))
            fail_msg("%s: \"%s\" lies on the picture", what, t->text);
        for (size_t j = i + 1; j < d->n_items; j++) {
            if (d->items[j].kind != DRAWING_TEXT)
                continue;
            struct extent other = text_extent(e, &d->items[j].text);
            if (overlap(&here, &other))
                fail_msg("%s: \"%s\" touches \"%s\"", what, t->text, d->items[j].text.text);
        }
    }
}
