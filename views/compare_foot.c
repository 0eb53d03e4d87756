/* What the Compare screen says below and beside its maps: what separates A and B in numbers, their
 * answers, what the slot at the cursor is made of in both, and the text that is compared. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "views/compare_pane.h"
#include "views/diff.h"
#include "views/document.h"
#include "views/screens.h"

enum {
    RULE = 0x2500,
    FRAME_BAR = 0x2502,
    TEE_RIGHT = 0x251c,
    TEE_UP = 0x2534,
    SIDES = COMPARE_SIDES,
    NUMBERS = 2,      /* lines of them */
    ANSWER_ROWS = 3,  /* of an answer, and of what a slot is made of, if all have room */
    MADE_OF_ROWS = 4,
    NAMED = 24        /* tokens of a slot */
};

/* ---- numbers and answers ---------------------------------------------------- */

static void same_text(const char *what, double distance, struct parts *parts)
{
    if (isnan(distance))
        return;
    if (distance < 1e-6)
        parts_add(parts, "%s same", what);
    else
        parts_add(parts, "%s moved %.1f%%", what, 100 * distance);
}

static void draw_summary_heading(struct scene *c, const struct compare *m)
{
    struct parts parts = {.limit = m->foot.columns - 36};
    char name[64];
    const struct comparison *n = &m->numbers;
    snprintf(name, sizeof name, "moved %.0f%% of the mass", 100 * n->moved);
    if (!n->same_shape && m->same)
        parts_add(&parts, "other windows or slots: rows are home spans");
    same_text("gates", n->gates, &parts);
    same_text("mass", n->mass, &parts);
    if (n->same_shape && n->moved > 0)
        parts_add(&parts, "most moved: s%zu", n->most);
    struct rect heading = {m->foot.row, m->foot.column, 1, m->foot.columns};
    bool framed = m->foot.column > 0;
    heading.column -= framed;
    heading.columns += framed;
    draw_heading(c, heading, framed ? TEE_RIGHT : 0, m->same ? name : "nothing in common", false,
                 parts.text);
    for (int i = 1; i < SIDES && m->all && !framed; i++) {
        const struct canvas_cell *cell = canvas_at(c->canvas, m->foot.row, m->pane[i].column - 1);
        if (cell && cell->codepoint == RULE)
            canvas_put(c->canvas, m->foot.row, m->pane[i].column - 1, TEE_UP, ROLE_FRAME, 0);
    }
}

static const char *answer_text(const struct snapshot *s)
{
    const struct snapshot_answer *a = s->answer[ANSWER_COMPRESSED];
    return a && a->text && a->state != ANSWER_FAILED ? a->text : NULL;
}

/* An answer that was made with other settings or edits says nothing about these. */
static bool is_stale(const struct snapshot *s)
{
    return answer_text(s) && s->answer[ANSWER_COMPRESSED]->stale;
}

/* How many words of the two answers differ. */
static void answers_text(const struct scene *c, const struct compare *m, char *out, size_t size)
{
    const char *a = answer_text(m->side[0]), *b = answer_text(m->side[1]);
    bool stale[] = {is_stale(m->side[0]), is_stale(m->side[1])};
    out[0] = '\0';
    if (!a || !b)
        return;
    if (stale[0] || stale[1]) {
        bool of_b = m->swapped == stale[0]; /* A is left, unless they were swapped */
        text_add(out, size, "answers: %s stale, %s asks again",
                 stale[0] && stale[1] ? "both are"
                 : of_b               ? "B's is"
                                      : "A's is",
                 key_text(c->v, "⁅r⁆").text);
        return;
    }
    struct diff_word *words;
    size_t n = diff_words(a, b, &words), added = 0, gone = 0;
    for (size_t i = 0; i < n; i++) {
        added += words[i].kind == DIFF_ADDED;
        gone += words[i].kind == DIFF_GONE;
    }
    free(words);
    size_t count = size_max(added, gone);
    text_add(out, size, count == 0 ? "answers: the same" : "answers: %zu word%s differ%s", count,
             count > 1 ? "s" : "", count > 1 ? "" : "s");
}

/* The words of both: {+added+} and [-gone-]. */
static void diff_text(const struct compare *m, char *out, size_t size)
{
    const char *a = answer_text(m->side[0]), *b = answer_text(m->side[1]);
    out[0] = '\0';
    if (!a || !b)
        return;
    struct diff_word *words;
    size_t n = diff_words(a, b, &words);
    for (size_t i = 0; i < n; i++) {
        const struct diff_word *w = &words[i];
        char word[96];
        const char *from = w->kind == DIFF_GONE ? a : b;
        text_sanitize(word, sizeof word, from + w->start, w->end - w->start);
        text_add(out, size,
                 w->kind == DIFF_SAME ? "%s%s" : w->kind == DIFF_ADDED ? "%s{+%s+}" : "%s[-%s-]",
                 out[0] ? " " : "", word);
    }
    free(words);
}

/* ---- what a slot is made of ---------------------------------------------------- */

/* Its window in a snapshot; NULL where the slot at the cursor is another one there. */
static const struct snapshot_window *window_of(const struct scene *c, const struct compare *m,
                                               int side)
{
    const struct snapshot *s = m->side[side];
    bool shared = s == c->s || m->numbers.same_shape;
    const struct snapshot_window *w = shared && c->window_index < s->windows
                                          ? s->window[c->window_index]
                                          : NULL;
    return w && w->has_plan && c->v->slot < w->slots ? w : NULL;
}

/* "s12: coal 39% \u00b7 dust 27%" of a side; of the difference "s12: coal +12% \u00b7 dust -5%". */
static void made_of_text(const struct scene *c, const struct compare *m, int side, char *out,
                         size_t size)
{
    const struct snapshot_window *of[2] = {window_of(c, m, side < 2 ? side : 0),
                                           side < 2 ? NULL : window_of(c, m, 1)};
    bool difference = side == 2;
    struct ranked top[NAMED];
    out[0] = '\0';
    if (!of[0] || (difference && !of[1]))
        return;
    double *share = xcalloc(c->tokens, sizeof *share), *size_of = xcalloc(c->tokens, sizeof *share);
    for (size_t t = 0; t < c->tokens; t++) {
        for (int i = 0; i < (difference ? 2 : 1); i++) {
            struct plan_ref plan = {of[i], of[i]->plan};
            double part = plan_slot_share(&plan, t, c->v->slot);
            share[t] += difference && i == 0 ? -part : part;
        }
        size_of[t] = fabs(share[t]);
    }
    size_t n = rank_top(size_of, c->tokens, 0.005, top, NAMED);
    for (size_t i = 0; i < n; i++) {
        char name[64], first[24] = " \u00b7 ";
        size_t t = top[i].index;
        if (i == 0)
            snprintf(first, sizeof first, "s%zu: ", c->v->slot);
        token_label(c->document, c->first + t, TOKEN_TRIMMED, name, sizeof name);
        text_add(out, size, difference ? "%s%s %+.0f%%" : "%s%s %.0f%%", first, name,
                 100 * share[t]);
    }
    free(share);
    free(size_of);
}

/* Parts are not torn apart; rows that they take, drawn where there is a canvas. */
static int flow_parts(struct scene *c, struct rect area, const char *text, bool draw)
{
    int row = 0;
    while (*text && row < area.rows) {
        size_t n = parts_that_fit(text, area.columns);
        if (draw)
            canvas_text(c->canvas, area.row + row, area.column, area.columns, ROLE_LABEL, 0, text,
                        n);
        row++;
        text += n;
        text += strncmp(text, " \u00b7 ", strlen(" \u00b7 ")) == 0 ? strlen(" \u00b7 ") : 0;
    }
    return row;
}

/* ---- columns ------------------------------------------------------------------- */

struct column {
    char numbers[NUMBERS][256], answer[2048], made_of[2048];
    bool stale;
};

static void side_column(const struct compare *m, int side, struct column *out)
{
    const struct comparison *n = &m->numbers;
    const char *text = answer_text(m->side[side]), *lead;
    if (n->spread[side] > 0) {
        char off[16];
        snprintf(out->numbers[0], sizeof out->numbers[0], "spread %.1f tokens a slot",
                 n->spread[side]);
        snprintf(out->numbers[1], sizeof out->numbers[1], "senders off %s%s",
                 plan_off_text(n->off[side], off),
                 n->off[side] > PLAN_OFF_MOST ? "  not converged" : "");
    }
    out->stale = is_stale(m->side[side]);
    lead = out->stale ? "stale: " : "";
    snprintf(out->answer, sizeof out->answer, "%s", lead);
    text_sanitize(out->answer + strlen(lead), sizeof out->answer - strlen(lead), text ? text : "",
                  text ? strlen(text) : 0);
}

static void difference_column(const struct scene *c, const struct compare *m, struct column *out)
{
    const struct snapshot_answer *a = m->side[0]->answer[ANSWER_COMPRESSED];
    const struct snapshot_answer *b = m->side[1]->answer[ANSWER_COMPRESSED];
    out->stale = is_stale(m->side[0]) || is_stale(m->side[1]);
    answers_text(c, m, out->numbers[0], sizeof out->numbers[0]);
    if (out->stale)
        return;
    if (a && b && a->f1 >= 0 && b->f1 >= 0)
        snprintf(out->numbers[1], sizeof out->numbers[1], "F1 to %s  %.2f -> %.2f",
                 b->exact >= 0 ? "gold" : "full", a->f1, b->f1);
    diff_text(m, out->answer, sizeof out->answer);
}

static void fill_column(const struct scene *c, const struct compare *m, int side,
                        struct column *out)
{
    *out = (struct column){.stale = false};
    if (side < 2)
        side_column(m, side, out);
    else
        difference_column(c, m, out);
    made_of_text(c, m, side, out->made_of, sizeof out->made_of);
}

/* Where the numbers of a side stand; no columns where they are not shown. */
static struct rect column_rect(const struct scene *c, const struct compare *m, int side)
{
    int width = m->foot.columns / SIDES, rows = m->foot.rows - 1;
    if (m->foot.rows == 0 || m->pane[side].columns == 0)
        return (struct rect){0};
    if (!m->all)
        return (struct rect){m->foot.row + 1, 1, rows, c->v->columns - 2};
    int end = side == SIDES - 1 ? m->foot.columns : (side + 1) * width;
    int from = side * width + (side > 0);
    return (struct rect){m->foot.row + 1, m->foot.column + from, rows, end - from - 1};
}

int compare_foot_rows(struct scene *c, const struct compare *m)
{
    int most = 0;
    for (int side = 0; side < SIDES; side++) {
        struct rect area = column_rect(c, m, side), answer = {0, 0, ANSWER_ROWS, area.columns};
        struct rect made_of = {0, 0, MADE_OF_ROWS, area.columns};
        struct column text;
        if (area.columns <= 0)
            continue;
        fill_column(c, m, side, &text);
        int rows = 1 + NUMBERS + screen_wrapped_rows(answer, text.answer) +
                   flow_parts(c, made_of, text.made_of, false);
        most = rows > most ? rows : most;
    }
    return most < m->foot.rows ? most : m->foot.rows;
}

static void draw_column(struct scene *c, const struct compare *m, int side)
{
    struct rect area = column_rect(c, m, side);
    struct column text;
    if (area.columns <= 0)
        return;
    fill_column(c, m, side, &text);
    if (area.rows == NUMBERS && text.numbers[0][0] && text.numbers[1][0]) {
        text_add(text.numbers[0], sizeof text.numbers[0], " \u00b7 %s", text.numbers[1]);
        text.numbers[1][0] = '\0';
    }
    for (int i = 0; i < NUMBERS && area.rows > 1; i++, area.row++, area.rows--)
        canvas_text(c->canvas, area.row, area.column, area.columns, ROLE_VALUE, 0,
                    text.numbers[i], strlen(text.numbers[i]));
    /* What a slot is made of needs the answer's last row; a row of it stays. */
    int least = text.made_of[0] && area.rows > 1 ? 1 : 0;
    struct rect answer = area;
    answer.rows -= least;
    int used = screen_wrapped(c, answer, text.stale ? ROLE_DIM : ROLE_TEXT, 0, text.answer);
    area.row += used;
    area.rows -= used;
    flow_parts(c, area, text.made_of, true);
}

void compare_draw_foot(struct scene *c, const struct compare *m)
{
    if (m->foot.rows == 0)
        return;
    draw_summary_heading(c, m);
    for (int side = 0; side < SIDES; side++)
        draw_column(c, m, side);
}

/* ---- the text ------------------------------------------------------------------ */

/* The window in the middle of the rows if it has room there, else the cursor's line. */
static struct text_line first_line(const struct scene *c, const struct document_geometry *g)
{
    struct text_line first = text_line_of(&g->layout, c->first), line = first;
    size_t rows = (size_t)g->area.rows, lines = 1, behind = 0, at = 0;
    struct text_line cursor = text_line_of(&g->layout, c->token);
    while (lines <= rows && text_line_next(&g->layout, &line, &line)) {
        if (line.start.token >= c->first + c->tokens)
            break;
        lines++;
        at = line.first <= c->token ? lines - 1 : at;
    }
    if (lines > rows)
        return at < rows ? first : text_line_back(&g->layout, &cursor, rows / 3);
    while (behind + lines < rows && text_line_next(&g->layout, &line, &line))
        behind++;
    size_t above = size_max((rows - lines) / 2, rows - lines - behind);
    return text_line_back(&g->layout, &first, above);
}

/* A click into the text moves the cursor; the arrows stay with the maps. */
static void offer_text(struct scene *c, const struct document_geometry *g,
                       const struct text_line *top)
{
    struct view_hit hit = document_hit(c, g, top, c->hit_row, c->hit_column);
    if (hit.kind != HIT_TOKEN && hit.kind != HIT_MINIMAP)
        return;
    hit.kind = HIT_COMPARE;
    hit.pane = PANE_PLAN;
    hit.slot = c->v->slot;
    hit.entry = (size_t)c->v->compare_side;
    scene_offer_hit(c, g->area, hit);
}

void compare_draw_document(struct scene *c, const struct compare *m)
{
    struct rect area = m->document;
    char right[64];
    if (area.rows < COMPARE_TEXT_LEAST)
        return;
    snprintf(right, sizeof right, "token %zu of %zu \u00b7 coloured by %s", c->token,
             c->document->tokens, compare_letter(m, m->side[1] == c->s));
    draw_heading(c, (struct rect){area.row, area.column, 1, area.columns}, 0, "Document", false,
                 right);
    for (int r = 0; area.columns < c->v->columns && r < area.rows; r++)
        canvas_put(c->canvas, area.row + r, area.column + area.columns, FRAME_BAR, ROLE_FRAME, 0);
    area.row++;
    area.rows--;
    struct document_geometry g = document_geometry(c, area);
    struct text_line top = first_line(c, &g);
    document_draw(c, &g, &top);
    if (c->hit && c->hit_row >= area.row)
        offer_text(c, &g, &top);
}
