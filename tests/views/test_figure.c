/* Figures: what stands where on the page, and what every cell shows. Everything is
 * measured with the built-in face, so that no font is needed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/text.h"
#include "tests/support/sample_snapshot.h"
#include "views/figure.h"
#include "views/figure_axis.h"
#include "views/figure_parts.h"
#include "views/raster.h"

/* One figure with everything that it was made from. */
struct example {
    struct snapshot *snapshot;
    struct figure_options options;
    struct figure_data data;
    struct snapshot *against; /* A of a difference */
    struct drawing drawing;
    struct figure_fonts fonts;
    struct err err;
    bool ok;
};

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

static void example_begin(struct example *e)
{
    *e = (struct example){.snapshot = sample_snapshot(), .options = figure_options_default};
    e->fonts.regular = font_open(NULL, 0);
    e->options.from = e->snapshot->window_first[1];
    e->options.to = e->snapshot->window_first[2];
    add_difference(e);
}

static void example_make(struct example *e)
{
    drawing_free(&e->drawing);
    figure_data_free(&e->data);
    e->options.value = figure_value_of(e->options.kind, e->options.value);
    e->ok = figure_data_build(&e->data, e->snapshot, &e->options, &e->err) &&
            figure_draw(&e->drawing, &e->data, &e->options, &e->fonts, &e->err);
}

static void example_end(struct example *e)
{
    drawing_free(&e->drawing);
    figure_data_free(&e->data);
    font_close((struct font *)(uintptr_t)e->fonts.regular);
    snapshot_release(e->snapshot);
    snapshot_release(e->against);
}

/* The grid of the picture: the first and largest one. */
static const struct drawing_cells *picture(const struct drawing *drawing)
{
    for (size_t i = 0; i < drawing->n_items; i++)
        if (drawing->items[i].kind == DRAWING_CELLS)
            return &drawing->items[i].cells;
    return NULL;
}

static bool is_whole(double pixels)
{
    return fabs(pixels - round(pixels)) < 1e-6;
}

/* ---- numbers beside scales --------------------------------------------------------- */

static void test_five_round_numbers(void **state)
{
    (void)state;
    for (double top = 1e-6; top < 1e6; top *= 1.037) {
        double value[AXIS_NUMBERS_MAX], read;
        int decimals = 0;
        assert_int_equal(axis_round_numbers(0, top, value, &decimals), 5);
        assert_true(value[0] == 0 && value[4] <= top * (1 + 1e-9) && value[4] > 0.79 * top);
        for (int i = 0; i < 5; i++) {
            char text[24];
            axis_format_number(text, sizeof text, value[i], decimals);
            read = strtod(text, NULL);
            if (fabs(read - value[i]) > 0.02 * value[i])
                fail_msg("%g is written %s", value[i], text);
        }
    }
}

static void test_numbers_between_limits(void **state)
{
    (void)state;
    double value[AXIS_NUMBERS_MAX];
    int decimals;
    size_t n = axis_round_numbers(0.13, 0.98, value, &decimals);
    assert_in_range(n, 4, 5);
    for (size_t i = 0; i < n; i++)
        assert_true(value[i] >= 0.13 && value[i] <= 0.98 + 1e-9);
    char text[24];
    assert_true(axis_round_number(0.0487, text, sizeof text) == 0.02);
    assert_string_equal(text, "0.02");
    assert_true(axis_round_number(5, text, sizeof text) == 5);
    assert_true(axis_round_number(1.99, text, sizeof text) == 1);
}

/* ---- labels of tokens -------------------------------------------------------------- */

static void test_labels_keep_apart(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.locked = (struct source){.kind = SOURCE_TOKEN, .token = e.options.from + 50};
    e.options.selected[0] = e.options.from + 52;
    e.options.selected[1] = e.options.from + 90;
    e.options.n_selected = 2;
    example_make(&e);
    assert_true(e.ok);
    size_t count;
    struct axis_label *labels = axis_token_labels(&e.data, &e.options, 5, 28, &count);
    size_t kept = 0;
    float least = 1, dropped = 0;
    for (size_t i = 0; i < count; i++) {
        kept += labels[i].strong;
        if (i > 0)
            assert_true((double)(labels[i].at - labels[i - 1].at) * 5 >= 28);
        least = fminf(least, e.data.mass[labels[i].at]);
    }
    for (size_t t = 0; t < e.data.tokens; t++)
        dropped = fmaxf(dropped, e.data.mass[t]);
    /* 50 and 52 would touch: one of them, and 90, are there. */
    assert_int_equal(kept, 2);
    assert_true(count > 10 && least < dropped);
    free(labels);
    example_end(&e);
}

static void test_heaviest_token_has_a_label(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    example_make(&e);
    size_t heaviest = 0, count;
    for (size_t t = 0; t < e.data.tokens; t++)
        if (e.data.mass[t] > e.data.mass[heaviest])
            heaviest = t;
    struct axis_label *labels = axis_token_labels(&e.data, &e.options, 5, 28, &count);
    bool found = false;
    for (size_t i = 0; i < count; i++)
        found = found || labels[i].at == heaviest;
    assert_true(found);
    free(labels);
    example_end(&e);
}

static size_t count_labels(struct example *e, enum figure_ticks ticks, size_t most)
{
    size_t count;
    e->options.ticks = ticks;
    e->options.tick_count = most;
    example_make(e);
    struct axis_label *labels = axis_token_labels(&e->data, &e->options, 30, 28, &count);
    for (size_t i = 0; i < count && ticks == TICKS_WORDS; i++)
        assert_true(e->data.token[labels[i].at].word);
    free(labels);
    return count;
}

static void test_kinds_of_ticks(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.width_mm = 400;
    assert_int_equal(count_labels(&e, TICKS_AUTO, 0), 128);
    size_t words = count_labels(&e, TICKS_WORDS, 0);
    assert_in_range(words, 60, 127);
    assert_int_equal(count_labels(&e, TICKS_NONE, 0), 0);
    assert_int_equal(count_labels(&e, TICKS_COUNT, 7), 7);
    example_end(&e);
}

/* A line end and a split character must show as something. */
static void test_labels_of_strange_tokens(void **state)
{
    (void)state;
    static const char text[] = "a \n\n\x1b[31m \xe6\xbc\xa2\xf0\x9f\x98\x80 \xff\xe2\x80\xae";
    struct example e;
    example_begin(&e);
    snapshot_release(e.snapshot);
    e.snapshot = sample_document(text, sizeof text - 1);
    for (size_t i = 0; i < e.snapshot->windows; i++)
        sample_read_window(e.snapshot, i);
    e.options.from = 0;
    e.options.to = e.snapshot->document->tokens;
    e.options.ticks = TICKS_ALL;
    e.options.width_mm = 183;
    example_make(&e);
    assert_true(e.ok);
    for (size_t t = 0; t < e.data.tokens; t++) {
        const char *label = e.data.token[t].label;
        assert_true(label[0] != '\0' && text_valid(label, strlen(label), NULL));
        for (const char *p = label; *p; p++)
            assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
        assert_null(strstr(label, "\xe2\x80\xae"));
    }
    example_end(&e);
}

/* ---- the page ---------------------------------------------------------------------- */

static void check_cells(const struct example *e)
{
    const struct drawing *d = &e->drawing;
    double scale = d->dpi / 72;
    const struct drawing_cells *cells = picture(d);
    if (figure_is_plot(e->options.kind))
        return;
    assert_non_null(cells);
    assert_true(is_whole(cells->x * scale) && is_whole(cells->y * scale));
    assert_true(is_whole(cells->cell_width * scale) && is_whole(cells->cell_height * scale));
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

static void check_texts(const struct example *e, const char *what)
{
    const struct drawing *d = &e->drawing;
    const struct drawing_cells *cells = picture(d);
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

static void test_nothing_touches(void **state)
{
    (void)state;
    static const double widths[] = {77, 89, 140, 183};
    struct example e;
    example_begin(&e);
    int made = 0;
    static const enum figure_kind kinds[] = {FIGURE_PLAN, FIGURE_GATE, FIGURE_MASS, FIGURE_LOSS,
                                             FIGURE_DIFF};
    for (unsigned mix = 0; mix < 5 * 2 * 2 * 2 * 3 * 2; mix++) {
        unsigned m = mix;
        e.options.kind = kinds[m % 5], m /= 5;
        e.options.turned = m % 2, m /= 2;
        e.options.marginals = m % 2, m /= 2;
        e.options.colorbar = m % 2, m /= 2;
        e.options.scale = (enum scale)(m % 3), m /= 3;
        snprintf(e.options.title, sizeof e.options.title, "%s", m % 2 ? "A window" : "");
        e.options.width_mm = widths[mix % 4];
        e.options.value = mix % 5 == 0 && e.options.kind == FIGURE_GATE ? VALUE_ENTROPY
                                                                        : VALUE_PLAN_MASS;
        e.options.norm = (enum normalise)(mix % 3);
        e.options.locked.kind = mix % 7 == 0 ? SOURCE_SLOT : mix % 7 == 1 ? SOURCE_TOKEN
                                                                          : SOURCE_NONE;
        e.options.locked.window = 1, e.options.locked.slot = 13;
        e.options.locked.token = e.options.from + 60;
        example_make(&e);
        char what[96];
        snprintf(what, sizeof what, "mix %u: %s %g mm turned %d", mix,
                 figure_kind_name[e.options.kind], e.options.width_mm, e.options.turned);
        if (!e.ok)
            fail_msg("%s: %s", what, e.err.text);
        check_cells(&e);
        check_texts(&e, what);
        made++;
    }
    assert_int_equal(made, 240);
    example_end(&e);
}

static void test_page_is_exact(void **state)
{
    (void)state;
    struct example e;
    struct raster raster;
    example_begin(&e);
    e.options.width_mm = 254, e.options.height_mm = 143, e.options.dpi = 150;
    example_make(&e);
    assert_true(e.ok);
    assert_true(fabs(e.drawing.width - 254 * 72 / 25.4) < 1e-9);
    assert_true(fabs(e.drawing.height - 143 * 72 / 25.4) < 1e-9);
    raster_paint(&e.drawing, e.fonts.regular, NULL, &raster);
    assert_int_equal(raster.width, 1500);
    assert_int_equal(raster.height, 844);
    raster_free(&raster);
    example_end(&e);
}

/* ---- refusals that say what would do ------------------------------------------------- */

/* Follows the advice "name=NUMBER" in the message. */
static double advised(const char *message, const char *name)
{
    const char *at = strstr(message, name);
    return at ? strtod(at + strlen(name), NULL) : 0;
}

static void test_advice_for_small_cells(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.from = 0;
    int refused = 0;
    for (size_t to = 120; to <= 498; to += 63)
        for (double dpi = 60; dpi <= 300; dpi += 80) {
            e.options.to = to, e.options.dpi = dpi, e.options.width_mm = 89;
            example_make(&e);
            if (e.ok)
                continue;
            refused++;
            assert_int_equal(e.err.code, ERR_USAGE);
            double width = advised(e.err.text, "width="), finer = advised(e.err.text, "dpi=");
            assert_true(width > 89 && finer > dpi);
            e.options.width_mm = width;
            example_make(&e);
            if (!e.ok)
                fail_msg("width=%g does not do: %s", width, e.err.text);
            e.options.width_mm = 89, e.options.dpi = finer;
            example_make(&e);
            if (!e.ok)
                fail_msg("dpi=%g does not do: %s", finer, e.err.text);
        }
    assert_true(refused > 15);
    example_end(&e);
}

static void test_advice_for_all_labels(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.ticks = TICKS_ALL;
    example_make(&e);
    assert_false(e.ok);
    e.options.width_mm = advised(e.err.text, "width=");
    assert_true(e.options.width_mm > 200);
    example_make(&e);
    if (!e.ok)
        fail_msg("%s", e.err.text);
    check_texts(&e, "all labels");
    size_t upright = 0;
    for (size_t i = 0; i < e.drawing.n_items; i++)
        upright += e.drawing.items[i].kind == DRAWING_TEXT && e.drawing.items[i].text.upright &&
                   e.drawing.items[i].text.anchor == ANCHOR_END;
    assert_true(upright >= 128);
    example_end(&e);
}

static void test_large_pages_are_refused(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.width_mm = 500, e.options.dpi = 600;
    example_make(&e);
    assert_false(e.ok);
    assert_int_equal(e.err.code, ERR_USAGE);
    e.options.dpi = advised(e.err.text, "dpi=");
    example_make(&e);
    if (!e.ok)
        fail_msg("%s", e.err.text);
    e.options.height_mm = 12;
    example_make(&e);
    assert_false(e.ok);
    assert_non_null(strstr(e.err.text, "height="));
    example_end(&e);
}

static void test_missing_parts(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    struct snapshot *unread = sample_document(sample_text, strlen(sample_text));
    snapshot_release(e.snapshot);
    e.snapshot = unread;
    example_make(&e);
    assert_false(e.ok);
    assert_non_null(strstr(e.err.text, "window 2"));
    e.options.to = 100000;
    example_make(&e);
    assert_false(e.ok);
    e.options.to = e.options.from;
    example_make(&e);
    assert_false(e.ok);
    assert_false(figure_draw_answers(&e.drawing, e.snapshot, &e.options, &e.fonts, &e.err));
    example_end(&e);
}

/* ---- values --------------------------------------------------------------------------- */

static void test_cells_show_the_values(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    example_make(&e);
    const struct snapshot_window *w = e.snapshot->window[1];
    const struct drawing_cells *cells = picture(&e.drawing);
    double top = 0;
    for (size_t i = 0; i < w->tokens * w->slots; i++)
        top = fmax(top, (double)w->plan[i]);
    assert_int_equal(cells->columns, w->tokens);
    assert_int_equal(cells->rows, w->slots);
    for (size_t t = 0; t < w->tokens; t++)
        for (size_t j = 0; j < w->slots; j++) {
            int level = (int)lround((double)w->plan[t * w->slots + j] / top * 255);
            assert_int_equal(cells->color[j * cells->columns + t], colormap_rgb(MAP_VIRIDIS, level));
        }
    e.options.turned = true;
    uint32_t first_row = cells->color[5], first_column = cells->color[3 * cells->columns];
    example_make(&e);
    cells = picture(&e.drawing);
    assert_int_equal(cells->columns, w->slots);
    assert_int_equal(cells->color[5 * cells->columns], first_row);
    assert_int_equal(cells->color[3], first_column);
    example_end(&e);
}

static void test_values_of_the_plan(void **state)
{
    (void)state;
    static const enum view_value values[] = {VALUE_PLAN_MASS, VALUE_SLOT_SHARE, VALUE_TOKEN_SHARE,
                                             VALUE_LIKENESS, VALUE_COST};
    struct example e;
    example_begin(&e);
    const struct snapshot_window *w = e.snapshot->window[1];
    for (size_t v = 0; v < 5; v++) {
        e.options.value = values[v];
        example_make(&e);
        size_t t = 17, j = 6, at = t * w->slots + j;
        double sent = 0;
        for (size_t k = 0; k < w->slots; k++)
            sent += (double)w->plan[t * w->slots + k];
        double mass = (double)w->plan[at], likeness = 1 - (double)w->cost[at];
        double want[] = {mass, mass * (double)w->slots, mass / sent, likeness,
                         (double)w->cost[at]};
        assert_true(fabs(heat_at(&e.data.grid, j, t) - want[v]) < 1e-6);
    }
    e.options.value = VALUE_PLAN_MASS;
    e.options.iteration = 1;
    example_make(&e);
    assert_true(e.ok);
    float *plan = calloc(w->tokens * w->slots, sizeof *plan);
    assert_true(snapshot_window_plan_at(w, 1, plan));
    assert_true(heat_at(&e.data.grid, 6, 17) == (double)plan[17 * w->slots + 6]);
    free(plan);
    example_end(&e);
}

static void test_several_windows(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.from = 100, e.options.to = 300, e.options.width_mm = 183;
    example_make(&e);
    assert_true(e.ok);
    /* Tokens of three windows; slots 29 + 32 + 32. */
    assert_int_equal(e.data.rows, 93);
    assert_string_equal(e.data.row_label[0], "w1:s0");
    assert_string_equal(e.data.row_label[29], "w2:s0");
    size_t n;
    struct axis_label *labels = axis_row_labels(&e.data, 10, 15, &n);
    for (size_t i = 0; i < n; i++) { /* s0 of each window, and every fourth; none too near */
        assert_int_equal(e.data.row_number[labels[i].at] % 4, 0);
        assert_true(i == 0 || labels[i].at >= labels[i - 1].at + 2);
    }
    assert_int_equal(labels[7].at, 29);
    assert_int_equal(n, 7 + 8 + 8);
    free(labels);
    assert_true(heat_at(&e.data.grid, 92, 0) == 0);
    assert_true(heat_at(&e.data.grid, 29, 14) > 0);
    assert_int_equal(e.data.token[14].place, 0);
    check_cells(&e);
    check_texts(&e, "three windows");
    example_end(&e);
}

static void test_words_add_up(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.unit = UNIT_WORD;
    example_make(&e);
    assert_true(e.ok && e.data.tokens < 128 && e.data.tokens > 60);
    double plan = 0, mass = 0, even = 0;
    for (size_t t = 0; t < e.data.tokens; t++) {
        mass += (double)e.data.mass[t];
        even += (double)e.data.even[t];
        for (size_t j = 0; j < e.data.rows; j++)
            plan += heat_at(&e.data.grid, j, t);
    }
    assert_true(fabs(plan - 1) < 1e-5 && fabs(mass - 1) < 1e-5 && fabs(even - 1) < 1e-5);
    e.options.kind = FIGURE_GATE;
    example_make(&e);
    for (size_t t = 0; t < e.data.tokens; t++) {
        double sum = 0;
        for (size_t l = 0; l < e.data.rows; l++)
            sum += heat_at(&e.data.grid, l, t);
        assert_true(fabs(sum - 1) < 1e-5);
    }
    example_end(&e);
}

/* B less A, cell by cell; the scale is as far on both sides of 0. */
static void test_difference(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.kind = FIGURE_DIFF;
    example_make(&e);
    assert_true(e.ok);
    const struct snapshot_window *w = e.snapshot->window[1];
    assert_int_equal(e.data.rows, w->slots);
    for (size_t j = 0; j < w->slots; j++)
        for (size_t t = 0; t < w->tokens; t++) {
            double expected = j == 3 ? (double)w->plan[t * w->slots + j] : 0;
            assert_true(fabs(heat_at(&e.data.grid, j, t) - expected) < 1e-7);
        }
    assert_true(fabs((double)e.data.beside[3] - 0.5) < 1e-3); /* half of what was there and is not */
    assert_true(e.data.scale.high > 0);
    assert_true(fabs(e.data.scale.low + e.data.scale.high) < 1e-12);
    assert_int_equal(figure_map(&e.options), MAP_VIK);
    e.options.against = NULL;
    example_make(&e);
    assert_false(e.ok);
    assert_int_equal(e.err.code, ERR_USAGE);
    example_end(&e);
}

static void test_loss(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.kind = FIGURE_LOSS;
    example_make(&e);
    assert_true(e.ok);
    assert_true(isnan(heat_at(&e.data.grid, 0, 0)) && isnan(heat_at(&e.data.grid, 0, 1)));
    for (size_t i = 2; i < e.data.tokens; i++)
        assert_true(fabs(heat_at(&e.data.grid, 0, i) -
                         0.25 * (double)((int)((e.options.from + i) % 9) - 3)) < 1e-6);
    assert_true(e.data.scale.low < -0.7 && e.data.scale.high > 1.2);
    snapshot_set_loss(e.snapshot, NULL);
    example_make(&e);
    assert_false(e.ok);
    assert_int_equal(e.err.code, ERR_INPUT);
    example_end(&e);
}

static void test_limits(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    e.options.limit_low = 0, e.options.limit_high = 0.02;
    example_make(&e);
    assert_true(e.data.scale.low == 0 && e.data.scale.high == 0.02);
    size_t numbers = 0;
    for (size_t i = 0; i < e.drawing.n_items; i++)
        numbers += e.drawing.items[i].kind == DRAWING_TEXT &&
                   strcmp(e.drawing.items[i].text.text, "0.020") == 0;
    assert_int_equal(numbers, 1);
    example_end(&e);
}

/* ---- panels ----------------------------------------------------------------------------- */

/* Panels of one column have their grids below one another, on whole pixels. */
static void test_panels(void **state)
{
    (void)state;
    static const enum figure_kind kinds[] = {FIGURE_GATE, FIGURE_PLAN, FIGURE_MASS, FIGURE_ANSWERS};
    struct example e;
    example_begin(&e);
    struct figure_data data[3];
    struct figure_panel panels[4] = {{0}};
    for (size_t i = 0; i < 4; i++) {
        panels[i].options = e.options;
        panels[i].options.kind = kinds[i];
        panels[i].options.width_mm = 183;
        panels[i].options.value = figure_value_of(kinds[i], VALUE_PLAN_MASS);
        panels[i].data = i < 3 ? &data[i] : NULL;
        if (i < 3)
            assert_true(figure_data_build(&data[i], e.snapshot, &panels[i].options, &e.err));
    }
    for (size_t n = 2; n <= 4; n++)
        for (size_t columns = 1; columns <= 2; columns++) {
            if (!figure_draw_panels(&e.drawing, panels, n, columns, e.snapshot, &e.fonts, &e.err))
                fail_msg("%s", e.err.text);
            e.options.kind = FIGURE_MASS; /* no single grid for check_texts to look at */
            check_texts(&e, "panels");
            double x = -1, letters = 0, named = 0, scale = e.drawing.dpi / 72;
            for (size_t i = 0; i < e.drawing.n_items; i++) {
                const struct drawing_item *item = &e.drawing.items[i];
                bool grid = item->kind == DRAWING_CELLS && item->cells.columns == 128;
                if (grid && columns == 1 && x >= 0)
                    assert_true(fabs(item->cells.x - x) < 1e-9);
                if (grid) {
                    x = item->cells.x;
                    assert_true(is_whole(x * scale) && is_whole(item->cells.y * scale));
                }
                letters += item->kind == DRAWING_TEXT && item->text.size == 8 && item->text.bold;
                named += item->kind == DRAWING_TEXT && strcmp(item->text.text, "token") == 0;
            }
            assert_true(letters == (double)n);
            assert_true(named == (double)columns);
            drawing_free(&e.drawing);
        }
    for (size_t i = 0; i < 3; i++)
        figure_data_free(&data[i]);
    example_end(&e);
}

/* ---- answers ----------------------------------------------------------------------------- */

static void test_table_of_answers(void **state)
{
    (void)state;
    struct example e;
    example_begin(&e);
    bool ok = figure_draw_answers(&e.drawing, e.snapshot, &e.options, &e.fonts, &e.err);
    if (!ok)
        fail_msg("%s", e.err.text);
    check_texts(&e, "answers");
    size_t found = 0;
    for (size_t i = 0; i < e.drawing.n_items; i++) {
        const struct drawing_item *item = &e.drawing.items[i];
        found += item->kind == DRAWING_TEXT && (strcmp(item->text.text, "Compressed") == 0 ||
                                                strcmp(item->text.text, "125 slots") == 0 ||
                                                strcmp(item->text.text, "charcoal") == 0);
    }
    assert_int_equal(found, 3);
    drawing_free(&e.drawing);
    e.options.width_mm = 40;
    assert_false(figure_draw_answers(&e.drawing, e.snapshot, &e.options, &e.fonts, &e.err));
    e.options.width_mm = advised(e.err.text, "width=");
    assert_true(figure_draw_answers(&e.drawing, e.snapshot, &e.options, &e.fonts, &e.err));
    example_end(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_five_round_numbers),
        cmocka_unit_test(test_numbers_between_limits),
        cmocka_unit_test(test_labels_keep_apart),
        cmocka_unit_test(test_heaviest_token_has_a_label),
        cmocka_unit_test(test_kinds_of_ticks),
        cmocka_unit_test(test_labels_of_strange_tokens),
        cmocka_unit_test(test_nothing_touches),
        cmocka_unit_test(test_page_is_exact),
        cmocka_unit_test(test_advice_for_small_cells),
        cmocka_unit_test(test_advice_for_all_labels),
        cmocka_unit_test(test_large_pages_are_refused),
        cmocka_unit_test(test_missing_parts),
        cmocka_unit_test(test_cells_show_the_values),
        cmocka_unit_test(test_values_of_the_plan),
        cmocka_unit_test(test_several_windows),
        cmocka_unit_test(test_words_add_up),
        cmocka_unit_test(test_difference),
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_panels),
        cmocka_unit_test(test_table_of_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
