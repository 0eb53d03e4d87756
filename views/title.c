/* The top line: screens on the left, what is open on the right. An untrained
 * compressor and settings that differ from training are named here for good. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/text.h"
#include "views/screens.h"

enum { WORDY = 160 }; /* columns at which there is room for half a sentence */

static const char *const screen_word[SCREEN_COUNT] = {"Explore", "Compare", "Data",
                                                      "Train", "Eval"};

static void screen_text(const struct scene *c, int i, char *out, size_t size)
{
    static const char *const marked[SCREEN_COUNT] = {"⁅1⁆", "⁅2⁆", "⁅3⁆", "⁅4⁆", "⁅5⁆"};
    bool active = (int)c->v->screen == i, brief = c->layout.kind != LAYOUT_WIDE;
    struct key_text shown = key_text(c->v, marked[i]);
    const char *key = shown.text[0] == ':' ? "-" : shown.text; /* no key leads there */
    out[0] = '\0';
    if (brief && !active)
        text_add(out, size, " %s", key);
    else if (brief)
        text_add(out, size, "%s[%s %s]", i ? " " : "", key, screen_word[i]);
    else
        text_add(out, size, active ? "[%s %s]%s" : " %s %s %s", key, screen_word[i], i ? "" : " ");
}

int title_screen_at(const struct scene *c, int column)
{
    if (c->v->overlay == OVERLAY_START)
        return -1;
    int from = c->layout.area[AREA_TITLE].column + 12;
    for (int i = 0; i < SCREEN_COUNT; i++) {
        char text[32];
        screen_text(c, i, text, sizeof text);
        if (column >= from && column < from + text_columns(text))
            return i;
        from += text_columns(text);
    }
    return -1;
}

/* Draws the names of the screens, or the program's; returns the column behind them. */
static int draw_screens(struct scene *c, struct rect area)
{
    int column = area.column + 12, end = area.column + area.columns;
    if (c->v->overlay == OVERLAY_START)
        return area.column + 1 + canvas_printf(c->canvas, area.row, area.column + 1,
                                               area.columns - 1, ROLE_TITLE_ACTIVE, 0, "%s",
                                               c->v->dialog_title);
    canvas_printf(c->canvas, area.row, area.column + 1, 10, ROLE_TITLE, 0, "comprexit");
    for (int i = 0; i < SCREEN_COUNT; i++) {
        char text[32];
        screen_text(c, i, text, sizeof text);
        column += canvas_text(c->canvas, area.row, column, end - column,
                              (int)c->v->screen == i ? ROLE_TITLE_ACTIVE : ROLE_TITLE, 0,
                              text, strlen(text));
    }
    return column;
}

/* "x8, trained x4 · eps 0.02, trained 0.05" */
static void add_settings(const struct scene *c, struct parts *parts)
{
    const struct snapshot_facts *f = &c->s->facts;
    const struct snapshot_settings *set = &c->s->settings;
    if (f->trained_ratio > 0 && set->ratio > 0 && fabs(f->trained_ratio - set->ratio) > 1e-9)
        parts_add(parts, "x%g, trained x%g", set->ratio, f->trained_ratio);
    if (f->trained_window > 0 && set->window > 0 && set->window != f->trained_window)
        parts_add(parts, "window %u, trained %u", set->window, f->trained_window);
    if (f->trained_eps > 0 && set->eps > 0 && fabs(f->trained_eps - set->eps) > 1e-9)
        parts_add(parts, "eps %.3g, trained %.3g", set->eps, f->trained_eps);
    if (f->trained_iters > 0 && set->iters > 0 && set->iters != f->trained_iters)
        parts_add(parts, "%u iteration%s, trained %u", set->iters, text_plural(set->iters),
                  f->trained_iters);
}

/* Longest version that fits: with the model's name, without, document alone, and then only
 * the settings that differ from training, as many as there is room for. */
static void open_text(const struct scene *c, int room, bool narrow, struct parts *parts)
{
    for (int level = 0; level < 4; level++) {
        *parts = (struct parts){.limit = room};
        if (screen_is_open(c->v)) {
            screen_title(c, parts);
            return;
        }
        parts->limit = level < 3 ? 0 : room;
        if (c->v->overlay == OVERLAY_START && c->v->filter[0]) {
            parts_add(parts, "/%s", c->v->filter); /* its list has no heading of its own */
            return;
        }
        if (scene_compares(c) && c->document) {
            parts_add(parts, "%s", c->document->name);
            if (c->s->windows > 0)
                parts_add(parts, "window %zu of %zu", c->window_index + 1, c->s->windows);
            if (level == 0)
                parts_add(parts, "unit %s", unit_name[c->v->unit]);
            if (parts->columns <= room)
                return;
            continue;
        }
        if (level < 3)
            parts_add(parts, "%s", c->document ? c->document->name : "no document open");
        if (level == 0 && !narrow && c->s->facts.model[0] && c->v->overlay != OVERLAY_START)
            parts_add(parts, "%s", c->s->facts.model);
        if (level < 2 && c->s->facts.compressor[0] && c->document)
            parts_add(parts, "%s", c->s->facts.compressor);
        add_settings(c, parts);
        if (parts->columns == 0) /* a name that is cut, then */
            parts_add(parts, "%s", c->document ? c->document->name : "no document open");
        if (narrow && level == 0 && c->s->windows > 0)
            parts_add(parts, "window %zu/%zu", c->window_index + 1, c->s->windows);
        if (parts->columns <= room)
            return;
    }
}

/* What must not be overlooked, at the right end; moves the end. */
static void draw_mark(struct scene *c, const char *text, int *right)
{
    int columns = (int)strlen(text);
    canvas_text(c->canvas, c->layout.area[AREA_TITLE].row, *right - columns, columns, ROLE_ERROR,
                ATTR_REVERSE, text, (size_t)columns);
    *right -= columns + 2;
}

/* A model of the tests: states narrower than those of any language model. */
static bool is_toy(const struct snapshot_facts *facts)
{
    return facts->hidden > 0 && facts->hidden < 128;
}

void draw_title(struct scene *c)
{
    struct rect area = c->layout.area[AREA_TITLE];
    bool narrow = c->layout.kind != LAYOUT_WIDE;
    int left = draw_screens(c, area), right = area.column + area.columns - 1;
    if (c->v->compare_flicker && c->s == c->v->pinned && c->v->screen == SCREEN_EXPLORE) {
        canvas_text(c->canvas, area.row, right - 3, 3, ROLE_WARN, ATTR_REVERSE,
                    c->v->pin_is_b ? " B " : " A ", 3);
        right -= 5;
    }
    if (c->s->facts.untrained && !screen_is_open(c->v))
        draw_mark(c, "UNTRAINED", &right);
    if (is_toy(&c->s->facts) && !screen_is_open(c->v))
        draw_mark(c,
                  c->v->columns < WORDY ? "toy model" : "toy model, answers mean nothing", &right);
    struct parts parts;
    int room = right - left - 2;
    open_text(c, room, narrow, &parts);
    int columns = parts.columns < room ? parts.columns : room;
    if (columns > 0)
        canvas_text(c->canvas, area.row, right - columns, columns, ROLE_TITLE, 0,
                    parts.text, strlen(parts.text));
}
