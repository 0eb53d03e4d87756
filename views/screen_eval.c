/* The Eval screen: a line a set, and the examples of the set in front. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/size.h"
#include "engine/base/text.h"
#include "views/screens.h"

static const char *const state_word[] = {[RESULTS_WAITING] = "waiting",
                                         [RESULTS_RUNNING] = "running",
                                         [RESULTS_DONE] = "",
                                         [RESULTS_STOPPED] = "stopped"};
enum { SET_COLUMNS = 20, NARROW_SET = 24, INTERVAL_SCREEN = 168, INTERVAL_COLUMNS = 7 };

/* What a line of the table has beside the set's name, from which width of the screen on. */
enum column_kind { COLUMN_N, COLUMN_SCORE, COLUMN_F1, COLUMN_KEPT, COLUMN_SLOTS, COLUMN_SAVED,
                   COLUMN_SECONDS };
struct column {
    enum column_kind kind;
    enum results_mode mode;
    int width, screen;
    const char *name;
};
static const struct column wide_columns[] = {
    {COLUMN_N, RESULTS_FULL, 6, 0, "n"},
    {COLUMN_SCORE, RESULTS_FULL, 16, 0, "full context"},
    {COLUMN_SCORE, RESULTS_COMPRESSED, 16, 0, "compressed"},
    {COLUMN_SCORE, RESULTS_WRONG, 16, 136, "wrong passage"},
    {COLUMN_SCORE, RESULTS_NONE, 16, 0, "no context"},
    {COLUMN_KEPT, RESULTS_COMPRESSED, 8, 0, "kept"},
    {COLUMN_SLOTS, RESULTS_COMPRESSED, 8, 0, "slots"},
    {COLUMN_SAVED, RESULTS_COMPRESSED, 11, 0, "KV saved"},
    {COLUMN_SECONDS, RESULTS_COMPRESSED, 11, 0, "s/sample"},
    {0},
};
static const struct column narrow_columns[] = {
    {COLUMN_F1, RESULTS_FULL, 9, 0, "full F1"},
    {COLUMN_F1, RESULTS_COMPRESSED, 15, 0, "compressed F1"},
    {COLUMN_KEPT, RESULTS_COMPRESSED, 7, 0, "kept"},
    {COLUMN_SLOTS, RESULTS_COMPRESSED, 7, 72, "slots"},
    {COLUMN_SAVED, RESULTS_COMPRESSED, 10, 72, "KV saved"},
    {0},
};

static const struct results *results_of(const struct scene *c)
{
    return c->v->eval.results;
}

static const struct results_set *set_of(const struct scene *c)
{
    const struct results *r = results_of(c);
    return &r->sets[size_min(c->v->eval.set, r->n - 1)];
}

static int int_min(int a, int b)
{
    return a < b ? a : b;
}

static int int_max(int a, int b)
{
    return a > b ? a : b;
}

/* ---- table -------------------------------------------------------------------- */

static bool is_wide(const struct scene *c)
{
    return c->layout.kind == LAYOUT_WIDE;
}

static bool shows_interval(const struct scene *c)
{
    return c->v->columns >= INTERVAL_SCREEN;
}

static int column_width(const struct scene *c, const struct column *column)
{
    return column->width +
           (column->kind == COLUMN_SCORE && shows_interval(c) ? INTERVAL_COLUMNS : 0);
}

/* The next column that there is room for, from `at` on; NULL: the end. */
static const struct column *next_column(const struct scene *c, const struct column *at)
{
    while (at->name && c->v->columns < at->screen)
        at++;
    return at->name ? at : NULL;
}

static const struct column *first_column(const struct scene *c)
{
    return next_column(c, is_wide(c) ? wide_columns : narrow_columns);
}

/* Right-aligned in a column that begins at *at, which moves on. */
static void put_cell(struct scene *c, struct rect area, int row, int *at, int width,
                     enum canvas_role role, const char *text)
{
    int columns = text_columns(text), end = area.column + area.columns;
    int from = columns < width ? *at + width - columns : *at;
    if (from < end)
        canvas_text(c->canvas, row, from, end - from, role, 0, text, strlen(text));
    *at += width;
}

/* Names of sets have the room that the numbers, and words behind them, leave. */
static int first_cell(const struct scene *c, struct rect area)
{
    const struct results *r = results_of(c);
    int least = is_wide(c) ? SET_COLUMNS : NARROW_SET, longest = 0, numbers = 0, state = 0;
    for (size_t i = 0; i < r->n; i++) {
        longest = int_max(longest, 4 + text_columns(r->sets[i].name));
        state = int_max(state, 2 + text_columns(state_word[r->sets[i].state]));
    }
    for (const struct column *k = first_column(c); k; k = next_column(c, k + 1))
        numbers += column_width(c, k);
    return area.column + int_max(least, int_min(longest, area.columns - numbers - state));
}

static void draw_head(struct scene *c, struct rect area)
{
    int at = first_cell(c, area);
    canvas_printf(c->canvas, area.row, area.column + 3, 4, ROLE_LABEL, 0, "set");
    for (const struct column *k = first_column(c); k; k = next_column(c, k + 1))
        put_cell(c, area, area.row, &at, column_width(c, k), ROLE_LABEL, k->name);
}

static void score_text(const struct scene *c, const struct results_score *s, enum column_kind kind,
                       char *out, size_t size)
{
    if (s->n == 0)
        snprintf(out, size, "-");
    else if (kind == COLUMN_F1)
        snprintf(out, size, "%.1f", 100 * s->f1);
    else if (shows_interval(c))
        snprintf(out, size, "%.1f / %.1f \u00b1%.1f", 100 * s->exact, 100 * s->f1, 100 * s->half);
    else
        snprintf(out, size, "%.1f / %.1f", 100 * s->exact, 100 * s->f1);
}

static void cell_text(const struct scene *c, const struct results_set *set,
                      const struct column *column, char *out, size_t size)
{
    struct results_score score = results_score(set, column->mode);
    double x = (double)NAN;
    const char *unit = " %";
    int decimals = 0;
    switch (column->kind) {
    case COLUMN_N: snprintf(out, size, "%zu", set->n); return;
    case COLUMN_SCORE:
    case COLUMN_F1: score_text(c, &score, column->kind, out, size); return;
    case COLUMN_KEPT: x = 100 * results_kept(set); break;
    case COLUMN_SLOTS: x = results_slots(set), unit = ""; break;
    case COLUMN_SAVED: x = results_saved(set), unit = "x", decimals = 1; break;
    case COLUMN_SECONDS: x = results_seconds(set), unit = "", decimals = 2; break;
    }
    if (isnan(x))
        snprintf(out, size, "-");
    else
        snprintf(out, size, "%.*f%s", decimals, x, unit);
}

static void draw_set(struct scene *c, struct rect area, int row, size_t index)
{
    const struct results_set *set = &results_of(c)->sets[index];
    bool chosen = set == set_of(c);
    enum canvas_role role = chosen ? ROLE_VALUE : ROLE_TEXT;
    int at = first_cell(c, area), end = area.column + area.columns;
    char text[64];
    scene_offer_hit(c, (struct rect){row, area.column, 1, area.columns},
                    (struct view_hit){.kind = HIT_SET, .entry = index});
    if (chosen)
        canvas_put(c->canvas, row, area.column + 1, '>', ROLE_MARK, ATTR_BOLD);
    canvas_printf(c->canvas, row, area.column + 3, at - area.column - 4, role, 0, "%s", set->name);
    for (const struct column *k = first_column(c); k; k = next_column(c, k + 1)) {
        cell_text(c, set, k, text, sizeof text);
        put_cell(c, area, row, &at, column_width(c, k), role, text);
    }
    canvas_printf(c->canvas, row, at + 1, end - at - 1, ROLE_WARN, 0, "%s", state_word[set->state]);
}

static size_t sets_done(const struct results *r)
{
    size_t done = 0;
    for (size_t i = 0; i < r->n; i++)
        done += r->sets[i].state == RESULTS_DONE;
    return done;
}

/* Mean of a mode over the sets that are done. */
static struct results_score mean_score(const struct results *r, enum results_mode mode)
{
    struct results_score mean = {0};
    for (size_t i = 0; i < r->n; i++) {
        struct results_score s = results_score(&r->sets[i], mode);
        if (r->sets[i].state != RESULTS_DONE || s.n == 0)
            continue;
        mean.exact += s.exact;
        mean.f1 += s.f1;
        mean.n++;
    }
    if (mean.n) {
        mean.exact /= (double)mean.n;
        mean.f1 /= (double)mean.n;
    }
    return mean;
}

/* Means over the sets that are done, where there are several. */
static void draw_mean(struct scene *c, struct rect area, int row)
{
    const struct results *r = results_of(c);
    int at = first_cell(c, area);
    struct results_score full = mean_score(r, RESULTS_FULL);
    struct results_score slots = mean_score(r, RESULTS_COMPRESSED);
    if (sets_done(r) < 2)
        return;
    canvas_printf(c->canvas, row, area.column + 3, at - area.column - 4, ROLE_LABEL, 0,
                  "mean (%zu done)", sets_done(r));
    for (const struct column *k = first_column(c); k; k = next_column(c, k + 1)) {
        struct results_score mean = mean_score(r, k->mode);
        char text[48] = "";
        if (mean.n && k->kind == COLUMN_SCORE)
            snprintf(text, sizeof text, "%.1f / %.1f", 100 * mean.exact, 100 * mean.f1);
        else if (mean.n && k->kind == COLUMN_F1)
            snprintf(text, sizeof text, "%.1f", 100 * mean.f1);
        else if (k->kind == COLUMN_KEPT && full.f1 > 0)
            snprintf(text, sizeof text, "%.0f %%", 100 * slots.f1 / full.f1);
        put_cell(c, area, row, &at, column_width(c, k), ROLE_LABEL, text);
    }
}

/* The compressor of the set in front, how far it is, and what else is known of it. */
static void set_line(struct scene *c, struct rect area, int row)
{
    const struct results_set *set = set_of(c);
    struct results_score slots = results_score(set, RESULTS_COMPRESSED);
    struct results_score wrong = results_score(set, RESULTS_WRONG);
    struct parts parts = {.limit = area.columns - 2};
    parts_add(&parts, "%s%s", set->compressor, set->untrained ? ", UNTRAINED" : "");
    if (set->wanted)
        parts_add(&parts, "%zu of %zu question%s", set->n, set->wanted, text_plural(set->wanted));
    else
        parts_add(&parts, "%zu question%s", set->n, text_plural(set->n));
    if (slots.n)
        parts_add(&parts, "F1 from slots %.1f \u00b1%.1f", 100 * slots.f1, 100 * slots.half);
    if (wrong.n)
        parts_add(&parts, "from those of another passage %.1f \u00b1%.1f", 100 * wrong.f1,
                  100 * wrong.half);
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

static struct example_columns least_columns(const struct scene *c, struct rect area)
{
    int each = 18 + (area.columns - 120) / 6;
    if (is_wide(c))
        return (struct example_columns){each, each, each, 6, 200};
    if (c->layout.kind == LAYOUT_NARROW)
        return (struct example_columns){0, 18, 18, 6, 200};
    return (struct example_columns){0, 0, 14, 6, 200};
}

static int widest(int so_far, const char *text)
{
    return text ? int_max(so_far, text_columns(text)) : so_far;
}

/* Columns that the longest question leaves go to answers that are cut. */
static struct example_columns columns_of(const struct scene *c, struct rect area)
{
    enum { MEASURED = 2000 };
    const struct results_set *set = set_of(c);
    struct example_columns w = least_columns(c, area);
    int gold = 0, full = 0, compressed = 0, question = 8, seen = 0;
    for (size_t i = results_next(set, 0, 1, c->v->eval.filter); i != SIZE_MAX && seen < MEASURED;
         i = results_next(set, i + 1, 1, c->v->eval.filter), seen++) {
        const struct results_example *e = &set->examples[i];
        gold = widest(gold, e->gold);
        full = widest(full, e->said[RESULTS_FULL]);
        compressed = widest(compressed, e->said[RESULTS_COMPRESSED]);
        question = widest(question, e->question);
    }
    int spare = area.columns - 9 - w.gold - w.full - w.compressed - w.f1 - question;
    for (bool given = true; given && spare > 0;) {
        given = false;
        int *width[] = {&w.gold, &w.full, &w.compressed}, wanted[] = {gold, full, compressed};
        for (int i = 0; i < 3 && spare > 0; i++)
            if (*width[i] && *width[i] < wanted[i] + 2) {
                ++*width[i];
                spare--;
                given = true;
            }
    }
    return w;
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

static void draw_example(struct scene *c, struct rect area, int row, struct example_columns w,
                         const struct results_example *e, bool chosen)
{
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
         at = results_next(set, at + 1, 1, filter), rows--, row++) {
        scene_offer_hit(c, (struct rect){row, area.column, 1, area.columns},
                        (struct view_hit){.kind = HIT_EXAMPLE, .entry = at});
        draw_example(c, area, row, w, &set->examples[at], at == c->v->eval.example);
    }
}

/* gold "spring of 1888" · wrong passage "forty" · no context "1907" */
static void draw_said(struct scene *c, struct rect area)
{
    const struct results_set *set = set_of(c);
    struct parts parts = {.limit = area.columns - 2};
    if (c->v->eval.example >= set->n)
        return;
    const struct results_example *e = &set->examples[c->v->eval.example];
    parts_add(&parts, "gold \"%s\"", e->gold);
    for (int mode = RESULTS_WRONG; mode < RESULTS_MODES; mode++)
        if (e->said[mode])
            parts_add(&parts, "%s \"%s\"", results_mode_name[mode], e->said[mode]);
    canvas_text(c->canvas, area.row, area.column + 1, area.columns - 1, ROLE_DIM, 0, parts.text,
                strlen(parts.text));
}

/* ---- all ------------------------------------------------------------------------ */

void eval_draw(struct scene *c)
{
    const struct results *r = results_of(c);
    const struct results_set *set = set_of(c);
    struct rect body = screen_body(c), table = body, examples = body;
    int rows = (int)size_min(r->n + (sets_done(r) > 1), (size_t)(body.rows / 3)) + 2;
    char right[256];
    bool tiny = c->layout.kind == LAYOUT_TINY;
    table.rows = tiny ? 0 : rows + 1;
    examples.row += table.rows;
    examples.rows -= table.rows;
    if (!tiny) {
        struct rect heading = table;
        heading.rows = 1;
        draw_heading(c, heading, 0,
                     is_wide(c) ? "Results \u2500\u2500 exact match / F1" : "Results", false, "");
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
        snprintf(right, sizeof right, "%s \u00b7 %s: %s \u00b7 %zu of %zu", set->name,
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
    if (!tiny) { /* the other answers to the chosen question */
        struct rect last = examples;
        last.row += --examples.rows;
        last.rows = 1;
        draw_said(c, last);
    }
    draw_examples(c, examples);
}

void eval_title(const struct scene *c, struct parts *parts)
{
    const struct results_set *set = set_of(c);
    parts_add(parts, "%s%s", set->compressor, set->untrained ? ", UNTRAINED" : "");
    if (set->ratio > 0)
        parts_add(parts, "x%g", set->ratio);
    if (set->wanted)
        parts_add(parts, "%zu sample%s a set", set->wanted, text_plural(set->wanted));
}

void eval_sentence(const struct scene *c, struct parts *parts)
{
    const struct results *r = results_of(c);
    const struct results_set *set = set_of(c);
    if (set->state == RESULTS_RUNNING && !is_wide(c))
        parts_add(parts, "question %zu of %zu", set->n, set->wanted);
    if (c->layout.kind == LAYOUT_TINY && c->v->eval.example < set->n)
        parts_add(parts, "gold \"%s\"", set->examples[c->v->eval.example].gold);
    parts_add(parts, "kept = compressed F1 / full F1");
    parts_add(parts, "tail %zu token%s", r->tail, text_plural(r->tail));
    parts_add(parts, "greedy, %zu token%s", r->max_tokens, text_plural(r->max_tokens));
}

const char *eval_keys(const struct scene *c)
{
    return c->layout.kind == LAYOUT_WIDE ? "⁅v⁆ lost/won/all  ⁅Enter⁆ explore it  ⁅e⁆ table"
                                         : "⁅v⁆ filter  ⁅Enter⁆ explore it  ⁅[⁆ ⁅]⁆ set  ⁅?⁆ help";
}
