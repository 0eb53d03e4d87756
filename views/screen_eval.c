/* The Eval screen: a line a set, and the examples of the set in front. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/size.h"
#include "views/screens.h"

static const char *const state_word[] = {[RESULTS_WAITING] = "waiting",
                                         [RESULTS_RUNNING] = "running",
                                         [RESULTS_DONE] = "",
                                         [RESULTS_STOPPED] = "stopped"};
enum { SET_COLUMNS = 26, SCORE_COLUMNS = 18, NARROW_SET = 22, NARROW_SCORE = 11,
       SECONDS_SCREEN = 128, SECONDS_COLUMNS = 12 };

static const struct results *results_of(const struct scene *c)
{
    return c->v->eval.results;
}

static const struct results_set *set_of(const struct scene *c)
{
    const struct results *r = results_of(c);
    return &r->sets[size_min(c->v->eval.set, r->n - 1)];
}

/* ---- table -------------------------------------------------------------------- */

static bool is_wide(const struct scene *c)
{
    return c->layout.kind == LAYOUT_WIDE;
}

/* Is there room for a column of seconds? */
static bool shows_seconds(const struct scene *c)
{
    return c->v->columns >= SECONDS_SCREEN;
}

static void draw_head(struct scene *c, struct rect area)
{
    bool wide = is_wide(c);
    int column = area.column + 1 + (wide ? SET_COLUMNS : NARROW_SET);
    int width = wide ? SCORE_COLUMNS : NARROW_SCORE, end = area.column + area.columns;
    static const char *const brief[RESULTS_MODES] = {"full", "compressed", "wrong", "none"};
    canvas_printf(c->canvas, area.row, area.column + 3, SET_COLUMNS, ROLE_LABEL, 0,
                  wide ? "set                  n" : "set");
    for (int mode = 0; mode < RESULTS_MODES; mode++, column += width)
        canvas_printf(c->canvas, area.row, column, end - column, ROLE_LABEL, 0, "%*s", width - 1,
                      wide ? results_mode_name[mode] : brief[mode]);
    canvas_printf(c->canvas, area.row, column, end - column, ROLE_LABEL, 0, "%7s%s", "kept",
                  shows_seconds(c) ? "  s/question" : "");
}

static void draw_set(struct scene *c, struct rect area, int row, size_t index)
{
    const struct results_set *set = &results_of(c)->sets[index];
    bool wide = is_wide(c), chosen = set == set_of(c);
    int column = area.column + 1, end = area.column + area.columns;
    int width = wide ? SCORE_COLUMNS : NARROW_SCORE;
    enum canvas_role role = chosen ? ROLE_VALUE : ROLE_TEXT;
    char text[64];
    if (chosen)
        canvas_put(c->canvas, row, column, '>', ROLE_MARK, ATTR_BOLD);
    canvas_printf(c->canvas, row, column + 2, wide ? 17 : NARROW_SET - 3, role, 0, "%s", set->name);
    if (wide)
        canvas_printf(c->canvas, row, column + 19, 6, role, 0, "%6zu", set->n);
    column += wide ? SET_COLUMNS : NARROW_SET;
    for (int mode = 0; mode < RESULTS_MODES; mode++, column += width) {
        struct results_score s = results_score(set, (enum results_mode)mode);
        if (s.n == 0)
            snprintf(text, sizeof text, "-");
        else if (wide)
            snprintf(text, sizeof text, "%.1f / %.1f \u00b1%.1f", 100 * s.exact, 100 * s.f1,
                     100 * s.half);
        else
            snprintf(text, sizeof text, "%.1f", 100 * s.f1);
        int columns = text_columns(text);
        int at = columns < width ? column + width - 1 - columns : column;
        canvas_text(c->canvas, row, at, end - at, role, 0, text, strlen(text));
    }
    double kept = results_kept(set);
    if (isnan(kept))
        canvas_printf(c->canvas, row, column, end - column, role, 0, "%7s", "-");
    else
        canvas_printf(c->canvas, row, column, end - column, role, 0, "%5.0f %%", 100 * kept);
    column += 9;
    double seconds = results_seconds(set);
    if (shows_seconds(c)) {
        if (!isnan(seconds))
            canvas_printf(c->canvas, row, column, end - column, role, 0, "%9.2f", seconds);
        column += SECONDS_COLUMNS;
    }
    canvas_printf(c->canvas, row, column, end - column, ROLE_WARN, 0, "%s",
                  state_word[set->state]);
}

static size_t sets_done(const struct results *r)
{
    size_t done = 0;
    for (size_t i = 0; i < r->n; i++)
        done += r->sets[i].state == RESULTS_DONE;
    return done;
}

/* Means over the sets that are done, where there are several. */
static void draw_mean(struct scene *c, struct rect area, int row)
{
    const struct results *r = results_of(c);
    bool wide = is_wide(c);
    int column = area.column + 1 + (wide ? SET_COLUMNS : NARROW_SET);
    int width = wide ? SCORE_COLUMNS : NARROW_SCORE, end = area.column + area.columns;
    size_t done = sets_done(r);
    if (done < 2)
        return;
    canvas_printf(c->canvas, row, area.column + 3, width + 6, ROLE_LABEL, 0, "mean (%zu done)", done);
    for (int mode = 0; mode < RESULTS_MODES; mode++, column += width) {
        double exact = 0, f1 = 0;
        size_t n = 0;
        for (size_t i = 0; i < r->n; i++) {
            struct results_score s = results_score(&r->sets[i], (enum results_mode)mode);
            if (r->sets[i].state != RESULTS_DONE || s.n == 0)
                continue;
            exact += s.exact;
            f1 += s.f1;
            n++;
        }
        char text[48] = "-";
        if (n && wide)
            snprintf(text, sizeof text, "%.1f / %.1f", 100 * exact / (double)n, 100 * f1 / (double)n);
        else if (n)
            snprintf(text, sizeof text, "%.1f", 100 * f1 / (double)n);
        canvas_printf(c->canvas, row, column, end - column, ROLE_LABEL, 0, "%*s", width - 1, text);
    }
}

/* The compressor of the set in front, and how far it is. */
static void set_line(struct scene *c, struct rect area, int row)
{
    const struct results_set *set = set_of(c);
    double seconds = results_seconds(set);
    struct parts parts = {.limit = area.columns - 2};
    parts_add(&parts, "%s", set->compressor);
    parts_add(&parts, set->wanted ? "%zu of %zu questions" : "%zu questions", set->n, set->wanted);
    if (!isnan(seconds))
        parts_add(&parts, "%.2f s a question from slots", seconds);
    parts_add(&parts, "exact match / F1 in %%, \u00b1 95 %% interval of F1");
    canvas_text(c->canvas, row, area.column + 1, area.columns - 1, ROLE_DIM, 0, parts.text,
                strlen(parts.text));
}

static void draw_table(struct scene *c, struct rect area)
{
    const struct results *r = results_of(c);
    size_t rows = area.rows > 2 ? (size_t)area.rows - 2 : 0;
    size_t at = size_min(c->v->eval.set, r->n - 1), top = at >= rows && rows ? at + 1 - rows : 0;
    draw_head(c, area);
    for (size_t i = 0; i < rows && top + i < r->n; i++)
        draw_set(c, area, area.row + 1 + (int)i, top + i);
    if (rows > r->n)
        draw_mean(c, area, area.row + 1 + (int)r->n);
    set_line(c, area, area.row + area.rows - 1);
}

/* ---- examples ------------------------------------------------------------------- */

struct example_columns {
    int gold, full, compressed, f1, question; /* widths; 0: left out */
};

static struct example_columns columns_of(const struct scene *c, struct rect area)
{
    if (is_wide(c))
        return (struct example_columns){18 + (area.columns - 120) / 6, 18 + (area.columns - 120) / 6,
                                        18 + (area.columns - 120) / 6, 6, 200};
    if (c->layout.kind == LAYOUT_NARROW)
        return (struct example_columns){0, 18, 18, 6, 200};
    return (struct example_columns){0, 0, 14, 6, 200};
}

static void field(struct scene *c, int row, int *column, int end, int width, enum canvas_role role,
                  const char *text)
{
    if (width == 0)
        return;
    int room = end - *column < width - 1 ? end - *column : width - 1;
    canvas_text(c->canvas, row, *column, room, role, 0, text, strlen(text));
    *column += width;
}

static void draw_example(struct scene *c, struct rect area, int row,
                         const struct results_example *e, bool chosen)
{
    struct example_columns w = columns_of(c, area);
    int column = area.column + 1, end = area.column + area.columns;
    char text[24];
    enum canvas_role role = chosen ? ROLE_VALUE : ROLE_TEXT;
    if (chosen)
        canvas_put(c->canvas, row, column, '>', ROLE_MARK, ATTR_BOLD);
    column += 2;
    snprintf(text, sizeof text, "%4zu", e->index);
    field(c, row, &column, end, 6, ROLE_LABEL, text);
    field(c, row, &column, end, w.gold, role, e->gold);
    field(c, row, &column, end, w.full, role, e->said[RESULTS_FULL] ? e->said[RESULTS_FULL] : "-");
    field(c, row, &column, end, w.compressed, role,
          e->said[RESULTS_COMPRESSED] ? e->said[RESULTS_COMPRESSED] : "-");
    snprintf(text, sizeof text, "%.2f", e->f1[RESULTS_COMPRESSED]);
    field(c, row, &column, end, w.f1, role, text);
    field(c, row, &column, end, w.question, role, e->question);
}

static void draw_examples(struct scene *c, struct rect area)
{
    const struct results_set *set = set_of(c);
    enum results_filter filter = c->v->eval.filter;
    struct example_columns w = columns_of(c, area);
    int column = area.column + 3, end = area.column + area.columns, rows = area.rows - 1;
    field(c, area.row, &column, end, 6, ROLE_LABEL, "   #");
    field(c, area.row, &column, end, w.gold, ROLE_LABEL, "gold");
    field(c, area.row, &column, end, w.full, ROLE_LABEL, "full");
    field(c, area.row, &column, end, w.compressed, ROLE_LABEL, "compressed");
    field(c, area.row, &column, end, w.f1, ROLE_LABEL, "F1");
    field(c, area.row, &column, end, w.question, ROLE_LABEL, "question");
    size_t top = c->v->eval.example, back;
    for (int i = 0; i < rows / 2 && top > 0 && set->n > 0; i++) {
        back = results_next(set, top - 1, -1, filter);
        if (back == SIZE_MAX)
            break;
        top = back;
    }
    size_t at = results_next(set, top, 1, filter);
    if (at == SIZE_MAX)
        draw_hint(c, area, set->state == RESULTS_RUNNING ? "none so far" : "none");
    for (int row = area.row + 1; rows > 0 && at != SIZE_MAX;
         at = results_next(set, at + 1, 1, filter), rows--, row++)
        draw_example(c, area, row, &set->examples[at], at == c->v->eval.example);
}

/* ---- all ------------------------------------------------------------------------ */

void eval_draw(struct scene *c)
{
    const struct results *r = results_of(c);
    const struct results_set *set = set_of(c);
    struct rect body = screen_body(c), table = body, examples = body;
    int rows = (int)size_min(r->n + (sets_done(r) > 1), (size_t)(body.rows / 3)) + 2;
    char right[128];
    bool tiny = c->layout.kind == LAYOUT_TINY;
    table.rows = tiny ? 0 : rows + 1;
    examples.row += table.rows;
    examples.rows -= table.rows;
    if (!tiny) {
        struct rect heading = table;
        heading.rows = 1;
        draw_heading(c, heading, 0, "Results: exact match / F1", false, "");
        table.row++;
        table.rows--;
        draw_table(c, table);
    }
    struct rect heading = examples;
    heading.rows = 1;
    if (tiny)
        snprintf(right, sizeof right, "%s %zu of %zu", results_filter_name[c->v->eval.filter],
                 results_count(set, c->v->eval.filter), set->n);
    else
        snprintf(right, sizeof right, "%s: %s \u00b7 %zu of %zu",
                 results_filter_name[c->v->eval.filter],
                 results_filter_text[c->v->eval.filter],
                 results_count(set, c->v->eval.filter), set->n);
    draw_heading(c, heading, 0, tiny ? set->name : "Examples", true, right);
    examples.row++;
    examples.rows--;
    if (tiny && examples.rows > 3) { /* the headline in a line */
        struct results_score full = results_score(set, RESULTS_FULL);
        struct results_score slots = results_score(set, RESULTS_COMPRESSED);
        canvas_printf(c->canvas, examples.row, 1, examples.columns - 2, ROLE_VALUE, 0,
                      "F1 full %.1f slots %.1f kept %.0f %%", 100 * full.f1, 100 * slots.f1,
                      100 * results_kept(set));
        examples.row++;
        examples.rows--;
    }
    draw_examples(c, examples);
}

void eval_title(const struct scene *c, struct parts *parts)
{
    const struct results_set *set = set_of(c);
    parts_add(parts, "%s", set->compressor);
    if (set->wanted)
        parts_add(parts, "%zu questions a set", set->wanted);
}

void eval_sentence(const struct scene *c, struct parts *parts)
{
    const struct results_set *set = set_of(c);
    if (set->state == RESULTS_RUNNING)
        parts_add(parts, "question %zu of %zu", set->n, set->wanted);
    if (c->v->eval.example < set->n) {
        const struct results_example *e = &set->examples[c->v->eval.example];
        parts_add(parts, "gold \"%s\"", e->gold);
        for (int mode = RESULTS_WRONG; mode < RESULTS_MODES; mode++)
            if (e->said[mode])
                parts_add(parts, "%s \"%s\"", results_mode_name[mode], e->said[mode]);
    } else {
        parts_add(parts, "kept = compressed F1 / full F1");
    }
}

const char *eval_keys(const struct scene *c)
{
    return c->layout.kind == LAYOUT_WIDE ? "v lost/won/wrong/all  Enter explore it  [ ] set"
                                         : "v filter  Enter explore it  [ ] set  ? help";
}
