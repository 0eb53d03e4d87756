#include "views/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "views/diff.h"

const char *const answer_title[ANSWER_MODES] = {"Full context", "Compressed",
                                                "No context"};

/* ---- flow ------------------------------------------------------------------- */

static struct flow_glyph *new_glyph(struct flow *flow)
{
    MEM_GROW(flow->glyph, flow->capacity, flow->n + 1);
    struct flow_glyph *g = &flow->glyph[flow->n++];
    *g = (struct flow_glyph){.token = SIZE_MAX};
    return g;
}

static void set_text(struct flow_glyph *g, const char *text, size_t length)
{
    memcpy(g->text, text, length);
    g->text[length] = '\0';
    g->length = (uint8_t)length;
}

/* One character at text[at]; returns its bytes. */
static size_t add_character(struct flow *flow, const char *text, size_t at, size_t length,
                            enum diff_kind_of kind, size_t token)
{
    struct flow_glyph *g = new_glyph(flow);
    uint32_t codepoint;
    size_t bytes = text_decode(text + at, length - at, &codepoint);
    g->kind = kind;
    g->token = token;
    g->blank = text[at] == ' ' || text[at] == '\t';
    g->newline = text[at] == '\n';
    char escape[TEXT_ESCAPE_MAX];
    if (codepoint == TEXT_INVALID) {
        int n = snprintf(escape, sizeof escape, "<%02X>", (unsigned char)text[at]);
        set_text(g, escape, (size_t)n);
        g->width = (uint8_t)n;
    } else if (g->newline || g->blank) {
        set_text(g, g->newline ? "\u21b5" : " ", g->newline ? 3 : 1);
        g->width = 1;
    } else if (text_escape(codepoint, escape) > 0) {
        set_text(g, escape, strlen(escape));
        g->width = g->length;
    } else {
        set_text(g, text + at, bytes);
        g->width = (uint8_t)text_width(codepoint);
    }
    return bytes;
}

static size_t token_of_byte(const struct snapshot_answer *a, size_t byte)
{
    size_t token = 0;
    while (a->start && token + 1 < a->tokens && a->start[token + 1] <= byte)
        token++;
    return a->start && a->tokens ? token : SIZE_MAX;
}

static void add_text(struct flow *flow, const char *text, size_t from, size_t to,
                     enum diff_kind_of kind, const struct snapshot_answer *tokens)
{
    for (size_t i = from; i < to;)
        i += add_character(flow, text, i, to, kind,
                           tokens ? token_of_byte(tokens, i) : SIZE_MAX);
}

static void add_mark(struct flow *flow, const char *text, enum diff_kind_of kind)
{
    for (size_t i = 0; text[i]; i++) {
        add_character(flow, text, i, strlen(text), kind, SIZE_MAX);
        flow->glyph[flow->n - 1].mark = true;
    }
}

static void add_diff(struct flow *flow, const char *before,
                     const struct snapshot_answer *a)
{
    struct diff_word *words;
    size_t n = diff_words(before, a->text, &words);
    for (size_t i = 0; i < n; i++) {
        const struct diff_word *w = &words[i];
        if (i > 0)
            add_mark(flow, " ", FLOW_PLAIN);
        if (w->kind == DIFF_SAME) {
            add_text(flow, a->text, w->start, w->end, FLOW_PLAIN, a);
        } else if (w->kind == DIFF_ADDED) {
            add_mark(flow, "{+", FLOW_ADDED);
            add_text(flow, a->text, w->start, w->end, FLOW_ADDED, a);
            add_mark(flow, "+}", FLOW_ADDED);
        } else {
            add_mark(flow, "[-", FLOW_GONE);
            add_text(flow, before, w->start, w->end, FLOW_GONE, NULL);
            add_mark(flow, "-]", FLOW_GONE);
        }
    }
    free(words);
}

void answer_flow(const struct scene *c, enum answer_mode mode, struct flow *flow)
{
    const struct snapshot_answer *a = c->s->answer[mode], *other = NULL;
    *flow = (struct flow){0};
    if (!a || !a->text)
        return;
    if (c->v->value[PANE_ANSWERS] == VALUE_DIFF_PREVIOUS && mode == ANSWER_COMPRESSED)
        other = c->s->previous;
    else if (c->v->value[PANE_ANSWERS] == VALUE_DIFF_FULL && mode != ANSWER_FULL)
        other = c->s->answer[ANSWER_FULL];
    if (other && other->text)
        add_diff(flow, other->text, a);
    else
        add_text(flow, a->text, 0, strlen(a->text), FLOW_PLAIN, a);
}

void answer_flow_free(struct flow *flow)
{
    free(flow->glyph);
    *flow = (struct flow){0};
}

bool answer_flow_line(const struct flow *flow, int width, size_t *from, size_t *to)
{
    int column = 0;
    size_t word = *from, i = *from;
    if (*from >= flow->n)
        return false;
    for (; i < flow->n; i++) {
        const struct flow_glyph *g = &flow->glyph[i];
        if (g->newline) {
            *to = i + 1;
            return true;
        }
        column += g->width;
        if (column > width && !g->blank) {
            *to = word > *from ? word : i > *from ? i : i + 1;
            return true;
        }
        if (g->blank)
            word = i + 1;
    }
    *to = flow->n;
    return true;
}

/* ---- lines ------------------------------------------------------------------ */

static const char *state_word(const struct snapshot_answer *a)
{
    static const char *const word[] = {
        [ANSWER_EMPTY] = "",
        [ANSWER_WAITING] = "waiting",
        [ANSWER_PREPARING] = "reading",
        [ANSWER_RUNNING] = "answering",
        [ANSWER_DONE] = "done",
        [ANSWER_STOPPED] = "stopped",
        [ANSWER_FAILED] = "failed",
    };
    return word[a->state];
}

/* Nothing as long as they are not known. */
static void add_bytes(struct parts *parts, size_t bytes)
{
    double mib = (double)bytes / 1048576;
    if (bytes == 0)
        return;
    parts_add(parts, mib < 1000 ? "KV %.1f MiB" : "KV %.0f MiB", mib);
}

bool answer_is_unread(const struct snapshot_answer *a, enum answer_mode mode)
{
    bool begun = a->state != ANSWER_WAITING && a->state != ANSWER_PREPARING;
    return !begun && mode != ANSWER_NONE && a->context_positions == 0;
}

void answer_cost_text(const struct scene *c, enum answer_mode mode, struct parts *parts)
{
    const struct snapshot_answer *a = c->s->answer[mode];
    double tokens = c->document ? (double)c->document->tokens : 0;
    if (a->context_tokens > 0)
        tokens = (double)a->context_tokens;
    if (answer_is_unread(a, mode))
        return;
    if (mode == ANSWER_COMPRESSED && a->context_positions > 0)
        parts_add(parts, "%zu slot%s (%.1fx)", a->context_positions,
                  text_plural(a->context_positions), tokens / (double)a->context_positions);
    else
        parts_add(parts, "%zu %s%s", a->context_positions,
                  mode == ANSWER_COMPRESSED ? "slot" : "token", text_plural(a->context_positions));
    add_bytes(parts, a->kv_bytes);
    if (a->f1 >= 0)
        parts_add(parts, "F1 %.2f", a->f1);
    if (a->exact >= 0 && (a->exact >= 0.5 || c->s->gold))
        parts_add(parts, a->exact >= 0.5 ? "exact match" : "no exact match");
    if (mode == ANSWER_FULL && a->f1 < 0)
        parts_add(parts, "reference");
}

void answer_time_text(const struct scene *c, enum answer_mode mode, struct parts *parts)
{
    const struct snapshot_answer *a = c->s->answer[mode];
    bool started = a->first_token_ms > 0;
    if (mode == ANSWER_COMPRESSED && c->s->control.tokens > 0) {
        parts_add(parts, "about this text %+.2f nats%s",
                  c->s->control.wrong - c->s->control.compressed,
                  c->s->control.stale ? ", stale" : "");
        parts_add(parts, "%s", state_word(a));
        return;
    }
    if (started && mode == ANSWER_COMPRESSED && a->compress_ms > 0)
        parts_add(parts, "compress %.2f + first %.2f s", a->compress_ms / 1000,
                  a->first_token_ms / 1000);
    else if (started)
        parts_add(parts, "first %.2f s", a->first_token_ms / 1000);
    if (started && a->tokens_per_s > 0)
        parts_add(parts, "%.0f tok/s", a->tokens_per_s);
    parts_add(parts, "%s", state_word(a));
    if (a->state == ANSWER_DONE && a->cut)
        parts_add(parts, "cut at %zu", a->tokens);
}

struct rect answer_text_rect(const struct scene *c, enum answer_mode mode)
{
    struct rect area = c->layout.area[AREA_ANSWERS];
    int m = (int)mode;
    if (area.rows == 0)
        return (struct rect){0};
    if (c->layout.kind == LAYOUT_WIDE && !c->v->zoomed) {
        int width = area.columns / ANSWER_MODES, above = area.rows >= 6   ? 3
                                                         : area.rows >= 3 ? 1
                                                                          : 0;
        int below = area.rows >= 4 ? 1 : 0;
        if (area.rows == 5 || area.rows == 4)
            above = 2;
        int last = m == ANSWER_MODES - 1;
        return (struct rect){area.row + above, area.column + m * width,
                             area.rows - above - below,
                             last ? area.columns - m * width : width - 1};
    }
    int each = area.rows / ANSWER_MODES, extra = area.rows % ANSWER_MODES;
    int top = area.row + m * each + (m < extra ? m : extra), rows = each + (m < extra);
    int above = each >= 4 ? 2 : each >= 2 ? 1 : 0; /* the same in all, whoever has a row more */
    int below = each >= ANSWER_ROWS_WITH_LAST;
    return (struct rect){top + above, area.column + 1, rows - above - below, area.columns - 2};
}

bool answer_token_at(const struct scene *c, enum answer_mode mode, int row, int column,
                     size_t *token)
{
    struct rect area = answer_text_rect(c, mode);
    struct flow flow;
    size_t from = 0, to = 0;
    bool found = false;
    if (row < area.row || row >= area.row + area.rows || column < area.column ||
        column >= area.column + area.columns)
        return false;
    answer_flow(c, mode, &flow);
    if (!flow.glyph) /* no answer, or an empty one */
        return false;
    for (int r = area.row - (int)c->v->answer_top;
         answer_flow_line(&flow, area.columns, &from, &to); r++, from = to) {
        int at = area.column;
        for (size_t i = from; r == row && i < to && !found; i++) {
            at += flow.glyph[i].width;
            if (column < at && flow.glyph[i].token != SIZE_MAX) {
                *token = flow.glyph[i].token;
                found = true;
            }
        }
    }
    answer_flow_free(&flow);
    return found;
}
