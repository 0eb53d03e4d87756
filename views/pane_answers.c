/* The three answers: beside each other on the wide screen, below each other on the
 * narrow one, and as one line each in the summary. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "views/answers.h"
#include "views/diff.h"
#include "views/plan.h"
#include "views/screens.h"

enum { FRAME_BAR = 0x2502 };

static const struct snapshot_answer *answer_of(const struct scene *c,
                                               enum answer_mode mode)
{
    return c->s->answer[mode];
}

/* ---- tint ------------------------------------------------------------------- */

/* How the tokens of an answer are lit, 0..1 of the strongest. */
static double *answer_tints(const struct scene *c, enum answer_mode mode)
{
    const struct snapshot_answer *a = answer_of(c, mode);
    double *tint = xcalloc(a->tokens + 1, sizeof *tint), top = 0;
    bool self = c->light.kind == SOURCE_ANSWER;
    for (size_t i = 0; i < a->tokens && !self; i++)
        top = fmax(top, tint[i] = brush_answer(&c->brush, mode, i));
    for (size_t i = 0; i < a->tokens; i++)
        tint[i] = top > 1e-4 && tint[i] / top > 0.05 ? tint[i] / top : (double)NAN;
    return tint;
}

/* Bytes of the word that holds a token of the answer, for "the same word elsewhere". */
static size_t token_word(const struct snapshot_answer *a, size_t token, char *out,
                         size_t size)
{
    size_t length = a->text && a->start ? strlen(a->text) : 0, n = 0;
    size_t at = length ? a->start[token] : 0;
    while (at < length && strchr(" \n\t", a->text[at]))
        at++;
    while (at > 0 && at < length && !strchr(" \n\t", a->text[at - 1]))
        at--;
    while (at + n < length && n + 1 < size && !strchr(" \n\t.,;:!?", a->text[at + n])) {
        out[n] = a->text[at + n];
        n++;
    }
    out[n] = '\0';
    return n;
}

static bool is_cursor(const struct scene *c, enum answer_mode mode, size_t token)
{
    bool shown = c->v->focus == PANE_ANSWERS || c->light.kind == SOURCE_ANSWER;
    return shown && mode == c->v->answer && token == c->v->answer_token;
}

/* ---- text ------------------------------------------------------------------- */

struct column {
    enum answer_mode mode;
    struct rect area;
    const double *tint;
    char same_word[64]; /* the lit word of another answer; "" = none */
    bool stale;
};

/* A token of blanks alone is its blanks. */
static bool is_blank_token(const struct scene *c, enum answer_mode mode, size_t token)
{
    const struct snapshot_answer *a = answer_of(c, mode);
    size_t length = a->start[token + 1] - a->start[token];
    return length > 0 && strspn(a->text + a->start[token], " \n\t") >= length;
}

static void draw_glyph(struct scene *c, const struct column *col, int row, int at,
                       const struct flow_glyph *g)
{
    enum canvas_role role = col->stale ? ROLE_DIM : ROLE_TEXT;
    if (g->kind != FLOW_PLAIN)
        role = g->kind == FLOW_ADDED ? ROLE_ADDED : ROLE_REMOVED;
    if (g->newline)
        role = ROLE_DIM;
    bool cursor = g->token != SIZE_MAX && is_cursor(c, col->mode, g->token);
    if (cursor && (!g->blank || is_blank_token(c, col->mode, g->token))) {
        role = ROLE_CURSOR;
        if (c->v->focus == PANE_ANSWERS && c->canvas->cursor_row < 0) {
            c->canvas->cursor_row = row;
            c->canvas->cursor_column = at;
        }
    }
    if (g->width == 0) {
        uint32_t codepoint;
        text_decode(g->text, g->length, &codepoint);
        canvas_combine(c->canvas, row, at - 1, codepoint);
        return;
    }
    int used = canvas_text(c->canvas, row, at, col->area.column + col->area.columns - at,
                           role, 0, g->text, g->length);
    for (int i = 0;
         i < used && !g->blank && !cursor && g->token != SIZE_MAX && !col->stale; i++)
        paint_tint(c, row, at + i, col->tint[g->token]);
}

/* Brackets around the cursor, or the strongest token where colour cannot show it. */
static void bracket_line(struct scene *c, const struct column *col, int row,
                         const struct flow_glyph *g, size_t n)
{
    int at = col->area.column, from = -1, to = -1;
    for (size_t i = 0; i < n; at += g[i].width, i++) {
        bool strong = g[i].token != SIZE_MAX && !g[i].blank && !col->stale &&
                      (is_cursor(c, col->mode, g[i].token) || col->tint[g[i].token] >= 1);
        if (!strong)
            continue;
        from = from < 0 ? at : from;
        to = at + g[i].width;
    }
    if (from < 0 || c->v->display.depth > DEPTH_16)
        return;
    struct canvas_cell *left = canvas_at(c->canvas, row, from - 1);
    struct canvas_cell *right = canvas_at(c->canvas, row, to);
    if (!left || !right || left->codepoint != ' ' || right->codepoint != ' ' ||
        from == col->area.column || to == col->area.column + col->area.columns)
        return;
    canvas_put(c->canvas, row, from - 1, '[', ROLE_MARK, 0);
    canvas_put(c->canvas, row, to, ']', ROLE_MARK, 0);
}

/* Underlines where the lit word of another answer stands. */
static void underline_word(struct scene *c, const struct column *col, int row,
                           const struct flow_glyph *g, size_t n)
{
    size_t length = strlen(col->same_word);
    for (size_t i = 0; length > 0 && i + length <= n; i++) {
        size_t k = 0, at = 0;
        while (k < length && g[i + k].length == 1 &&
               g[i + k].text[0] == col->same_word[k])
            k++;
        bool starts = i == 0 || g[i - 1].blank,
             ends = i + k == n || !strchr("abcdefghijklmnopqrstuvwxyz", g[i + k].text[0]);
        for (size_t j = 0; j < i; j++)
            at += g[j].width;
        for (size_t j = 0; k == length && starts && ends && j < length; j++) {
            struct canvas_cell *cell =
                canvas_at(c->canvas, row, col->area.column + (int)(at + j));
            if (cell)
                cell->attr |= ATTR_UNDERLINE;
        }
    }
}

static void draw_flow(struct scene *c, const struct column *col)
{
    struct flow flow;
    size_t from = 0, to = 0, skip = c->v->answer_top;
    int rows = col->area.rows;
    answer_flow(c, col->mode, &flow);
    for (int r = 0;
         r < rows && answer_flow_line(&flow, col->area.columns, &from, &to);
         from = to) {
        if (skip > 0) {
            skip--;
            continue;
        }
        int row = col->area.row + r++, at = col->area.column;
        for (size_t i = from; i < to; i++) {
            draw_glyph(c, col, row, at, &flow.glyph[i]);
            at += flow.glyph[i].width;
        }
        bracket_line(c, col, row, flow.glyph + from, to - from);
        underline_word(c, col, row, flow.glyph + from, to - from);
    }
    if (from < flow.n && rows > 0) /* there is more */
        canvas_put(c->canvas, col->area.row + rows - 1, col->area.column + col->area.columns - 1,
                   '>', ROLE_MARK, 0);
    answer_flow_free(&flow);
}

static void draw_answer_text(struct scene *c, enum answer_mode mode, struct rect area)
{
    const struct snapshot_answer *a = answer_of(c, mode);
    if (area.rows <= 0 || area.columns <= 0)
        return;
    if (a->state == ANSWER_FAILED) {
        screen_wrapped(c, area, ROLE_ERROR, 0, a->error);
        return;
    }
    double *tint = answer_tints(c, mode);
    struct column col = {mode, area, tint, "", a->stale};
    if (c->light.kind == SOURCE_ANSWER && c->brush.source.kind == SOURCE_ANSWER &&
        c->light.answer != mode)
        token_word(answer_of(c, c->light.answer), c->light.answer_token, col.same_word,
                   sizeof col.same_word);
    draw_flow(c, &col);
    free(tint);
}

/* ---- the last line ---------------------------------------------------------- */

static void missing_text(const struct scene *c, enum answer_mode mode, char *out,
                         size_t size)
{
    const struct snapshot_answer *a = answer_of(c, mode),
                                 *full = answer_of(c, ANSWER_FULL);
    char words[160];
    size_t total;
    out[0] = '\0';
    if (mode == ANSWER_FULL || !full || full->state != ANSWER_DONE || !full->text ||
        !a->text || (a->state != ANSWER_DONE && a->state != ANSWER_STOPPED))
        return;
    size_t missing = missing_words(full->text, a->text, &total, words, sizeof words);
    if (missing > 0 && missing == total)
        text_add(out, size,
                 total > 1 ? "missing: all %zu words" : "missing: the only word", total);
    else if (missing > 0)
        text_add(out, size, "missing: %s", words);
    else
        text_add(out, size, "no word is missing");
}

/* The slots that the answer, or its lit token, looked at most: two, or as many as fit
 * into `room` columns. */
static void looked_at_text(const struct scene *c, int room, char *out, size_t size)
{
    const struct snapshot_answer *a = answer_of(c, ANSWER_COMPRESSED);
    bool one = c->light.kind == SOURCE_ANSWER && c->light.answer == ANSWER_COMPRESSED;
    struct ranked top[2];
    out[0] = '\0';
    if (!a || !a->attention || c->s->windows == 0 || a->state == ANSWER_FAILED)
        return;
    size_t n = window_slot_first(c->s, c->s->windows);
    double *weight = xcalloc(n, sizeof *weight);
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < a->tokens; i++)
            if (!one || i == c->light.answer_token)
                weight[j] += answer_slot_attention(c->s, i, j);
    size_t count = rank_top(weight, n, 0, top, 2);
    for (size_t k = 0; k < count; k++) {
        char name[48];
        slot_name(c, 0, top[k].index, name, sizeof name);
        const char *lead = k ? " " : "looked at: ";
        if (text_columns(out) + text_columns(lead) + text_columns(name) > room)
            break;
        text_add(out, size, "%s%s", lead, name);
    }
    free(weight);
}

/* What is missing matters more than what was looked at. */
static void draw_last_line(struct scene *c, enum answer_mode mode, struct rect area)
{
    char missing[192], looked[64] = "";
    missing_text(c, mode, missing, sizeof missing);
    int used = canvas_text(c->canvas, area.row, area.column, area.columns, ROLE_WARN, 0,
                           missing, strlen(missing));
    if (mode == ANSWER_COMPRESSED)
        looked_at_text(c, area.columns - used - 1, looked, sizeof looked);
    int columns = text_columns(looked);
    canvas_text(c->canvas, area.row, area.column + area.columns - columns, columns,
                ROLE_LABEL, 0, looked, strlen(looked));
}

/* ---- arrangement ------------------------------------------------------------ */

static void answer_heading(const struct scene *c, enum answer_mode mode, char *out,
                           size_t size)
{
    const struct snapshot_answer *a = answer_of(c, mode);
    bool locked = scene_is_locked(c, PANE_ANSWERS) && c->v->locked.answer == mode;
    const char *state = a && a->state == ANSWER_FAILED ? ": failed"
                        : a && a->stale                ? " (stale: ⁅r⁆ asks again)"
                                                       : "";
    out[0] = '\0';
    text_add(out, size, "%s%s%s", answer_title[mode], locked ? " *" : "",
             key_text(c->v, state).text);
}

static void draw_wide_answer(struct scene *c, enum answer_mode mode)
{
    struct rect area = c->layout.area[AREA_ANSWERS], text = answer_text_rect(c, mode);
    const struct snapshot_answer *a = answer_of(c, mode);
    for (int r = 0; r < area.rows && mode != ANSWER_MODES - 1; r++)
        canvas_put(c->canvas, area.row + r, text.column + text.columns, FRAME_BAR,
                   ROLE_FRAME, 0);
    if (!a || a->state == ANSWER_EMPTY) {
        if (mode == ANSWER_COMPRESSED)
            draw_hint(c, text, key_text(c->v, "⁅a⁆ asks a question").text);
        return;
    }
    if (a->state == ANSWER_FAILED) { /* nothing was read that could be counted */
        draw_answer_text(c, mode, (struct rect){area.row, text.column, area.rows, text.columns});
        return;
    }
    struct parts cost = {.limit = text.columns}, time = {.limit = text.columns};
    answer_cost_text(c, mode, &cost);
    answer_time_text(c, mode, &time);
    canvas_text(c->canvas, area.row, text.column, text.columns, ROLE_VALUE, 0, cost.text,
                strlen(cost.text));
    if (text.row - area.row >= 2)
        canvas_text(c->canvas, area.row + 1, text.column, text.columns, ROLE_LABEL, 0,
                    time.text, strlen(time.text));
    draw_answer_text(c, mode, text);
    if (text.row + text.rows < area.row + area.rows)
        draw_last_line(
            c, mode,
            (struct rect){area.row + area.rows - 1, text.column, 1, text.columns});
}

/* Below each other: a heading with the costs, the times, the text. */
static void draw_stacked_answer(struct scene *c, enum answer_mode mode)
{
    struct rect text = answer_text_rect(c, mode), area = c->layout.area[AREA_ANSWERS];
    const struct snapshot_answer *a = answer_of(c, mode);
    struct parts cost = {.limit = area.columns - 24}, time = {.limit = area.columns - 2};
    char name[64];
    int each = area.rows / ANSWER_MODES;
    if (text.rows <= 0)
        return;
    answer_heading(c, mode, name, sizeof name);
    bool failed = a && a->state == ANSWER_FAILED;
    if (a && a->state != ANSWER_EMPTY && !failed) {
        answer_cost_text(c, mode, &cost);
        answer_time_text(c, mode, &time);
    }
    int heading = each >= 4 ? text.row - 2 : text.row - 1;
    if (failed && each >= 4) { /* neither times nor what is missing */
        text.row--;
        text.rows += each >= ANSWER_ROWS_WITH_LAST ? 2 : 1;
    }
    if (each >= 2)
        draw_heading(c, (struct rect){heading, area.column, 1, area.columns}, 0, name,
                     c->v->focus == PANE_ANSWERS && c->v->answer == mode, cost.text);
    if (each >= 4 && !failed)
        canvas_text(c->canvas, text.row - 1, text.column, text.columns, ROLE_LABEL, 0,
                    time.text, strlen(time.text));
    if (!a || a->state == ANSWER_EMPTY) {
        if (mode == ANSWER_COMPRESSED)
            draw_hint(c, text, key_text(c->v, "⁅a⁆ asks a question").text);
        return;
    }
    draw_answer_text(c, mode, text);
    if (each >= ANSWER_ROWS_WITH_LAST && !failed)
        draw_last_line(c, mode, (struct rect){text.row + text.rows, text.column, 1, text.columns});
}

static void draw_wide_headings(struct scene *c)
{
    struct rect area = c->layout.area[AREA_ANSWERS_HEADING];
    int width = area.columns / ANSWER_MODES;
    for (int m = 0; m < ANSWER_MODES; m++) {
        struct rect part = area;
        char name[64];
        part.column = area.column + m * width;
        part.columns = m == ANSWER_MODES - 1 ? area.columns - m * width : width;
        answer_heading(c, (enum answer_mode)m, name, sizeof name);
        draw_heading(c, part, 0, name,
                     c->v->focus == PANE_ANSWERS && c->v->answer == (enum answer_mode)m,
                     "");
    }
}

void draw_answers(struct scene *c)
{
    bool wide = c->layout.kind == LAYOUT_WIDE && !c->v->zoomed;
    if (wide && scene_shows(c, AREA_ANSWERS_HEADING))
        draw_wide_headings(c);
    else if (scene_shows(c, AREA_ANSWERS_HEADING))
        draw_heading(c, c->layout.area[AREA_ANSWERS_HEADING], 0, "Answers", true,
                     c->s->question ? c->s->question : "");
    if (!scene_shows(c, AREA_ANSWERS))
        return;
    for (int m = 0; m < ANSWER_MODES; m++) {
        if (wide)
            draw_wide_answer(c, (enum answer_mode)m);
        else
            draw_stacked_answer(c, (enum answer_mode)m);
    }
}

/* ---- summary ---------------------------------------------------------------- */

enum { SUMMARY_TEXT = 39, SUMMARY_SCORE = 11 };

static void draw_summary_line(struct scene *c, enum answer_mode mode, int row,
                              int columns)
{
    const struct snapshot_answer *a = answer_of(c, mode);
    bool chosen = c->v->answer == mode && c->v->focus == PANE_ANSWERS;
    canvas_printf(c->canvas, row, 0, 11, chosen ? ROLE_KEY : ROLE_LABEL, 0, "%s",
                  answer_mode_name[mode]);
    if (!a || a->state == ANSWER_EMPTY) {
        if (mode == ANSWER_COMPRESSED)
            canvas_printf(c->canvas, row, 12, columns - 12, ROLE_DIM, 0, "%s",
                          key_text(c->v, "⁅a⁆ asks a question").text);
        return;
    }
    if (a->state == ANSWER_FAILED) {
        draw_answer_text(c, mode, (struct rect){row, 12, 1, columns - 12});
        return;
    }
    if (!answer_is_unread(a, mode))
        canvas_printf(c->canvas, row, 12, 10, ROLE_VALUE, 0, "%3zu %s", a->context_positions,
                      mode != ANSWER_COMPRESSED       ? "tok"
                      : a->context_positions == 1 ? "slot"
                                                  : "slots");
    if (a->kv_bytes > 0)
        canvas_printf(c->canvas, row, 22, 9, ROLE_VALUE, 0, "%4.1f MiB",
                      (double)a->kv_bytes / 1048576);
    if (a->state == ANSWER_DONE || a->first_token_ms > 0)
        canvas_printf(c->canvas, row, 31, 8, ROLE_VALUE, 0, "%5.2f s",
                      a->first_token_ms / 1000);
    else
        canvas_printf(c->canvas, row, 31, 8, ROLE_DIM, 0, "%s",
                      a->state == ANSWER_WAITING ? "waiting" : "reading");
    int end = columns;
    if (a->stale || (a->f1 >= 0 && a->state != ANSWER_FAILED)) {
        end = columns - SUMMARY_SCORE;
        if (a->stale)
            canvas_printf(c->canvas, row, end, SUMMARY_SCORE, ROLE_WARN, 0, "stale: r");
        else
            canvas_printf(c->canvas, row, end, SUMMARY_SCORE, ROLE_VALUE, 0, "F1 %.2f",
                          a->f1);
    }
    draw_answer_text(c, mode,
                     (struct rect){row, SUMMARY_TEXT, 1, end - SUMMARY_TEXT - 1});
}

void draw_summary(struct scene *c)
{
    struct rect area = c->layout.area[AREA_SUMMARY];
    if (area.rows == 1)
        draw_summary_line(c, ANSWER_COMPRESSED, area.row, area.columns);
    for (int m = 0; area.rows >= 3 && m < ANSWER_MODES; m++)
        draw_summary_line(c, (enum answer_mode)m, area.row + m, area.columns);
}
