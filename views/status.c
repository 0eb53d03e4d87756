/* The sentence of the status line: what the cursor is on, in digits; with a lock, how
 * the cursor and the lock relate. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "views/answers.h"
#include "views/gates.h"
#include "views/loss.h"
#include "views/plan.h"
#include "views/screens.h"

/* ---- names ------------------------------------------------------------------ */

/* token 162 "coal", words 160-162 "briquettes" */
static void name_token(const struct scene *c, size_t token, char *out, size_t size)
{
    char text[96];
    size_t from, to;
    view_unit_range(c->document, c->v->unit, token, &from, &to);
    scene_token_name(c, token, text, sizeof text);
    out[0] = '\0';
    if (c->v->unit == UNIT_TOKEN) {
        text_add(out, size, "token %zu \"%s\"", token, text);
        return;
    }
    text_add(out, size, "%s %zu", unit_name[c->v->unit], from);
    if (to - 1 > from)
        text_add(out, size, "-%zu", to - 1);
    text_add(out, size, " \"%s\"", text);
}

static void name_answer_token(const struct scene *c, enum answer_mode mode, size_t token,
                              char *out, size_t size)
{
    const struct snapshot_answer *a = c->s->answer[mode];
    char text[96] = "";
    if (a && a->text && a->start && token < a->tokens)
        text_sanitize(text, sizeof text, a->text + a->start[token],
                      a->start[token + 1] - a->start[token]);
    const char *trimmed = text + strspn(text, " ");
    out[0] = '\0';
    text_add(out, size, "%s answer %zu \"%s\"", answer_mode_name[mode], token,
             trimmed[0] ? trimmed : text);
}

static void name_source(const struct scene *c, const struct source *source, char *out,
                        size_t size)
{
    char name[48];
    out[0] = '\0';
    switch (source->kind) {
    case SOURCE_TOKEN:
        name_token(c, source->token, out, size);
        break;
    case SOURCE_LAYER:
        text_add(out, size, "layer L%zu", source->layer);
        break;
    case SOURCE_SLOT:
        slot_name(c, source->window, source->slot, name, sizeof name);
        text_add(out, size, "slot %s", name);
        break;
    case SOURCE_ANSWER:
        name_answer_token(c, source->answer, source->answer_token, out, size);
        break;
    case SOURCE_NONE:
        break;
    }
}

/* ---- the three strongest ---------------------------------------------------- */

/* Fewer than three are named when there is no room. */
static bool add_if_fits(struct parts *parts, const char *text)
{
    int before = parts->columns;
    parts_add(parts, "%s", text);
    return parts->columns > before;
}

/* Of the windows [from, to). */
static void add_top_slots(const struct brush *b, const struct scene *c, size_t from, size_t to,
                          const char *verb, struct parts *parts)
{
    size_t n = 0, at = 0;
    for (size_t w = from; w < to; w++)
        n += window_slot_count(c->s, w);
    double *weight = xcalloc(n, sizeof *weight);
    struct ranked top[3];
    char text[128] = "", name[48];
    for (size_t w = from; w < to; w++)
        for (size_t j = 0, slots = window_slot_count(c->s, w); j < slots; j++)
            weight[at++] = brush_slot(b, w, j);
    size_t count = rank_top(weight, n, 0.005, top, 3);
    for (; count > 0; count--) {
        text[0] = '\0';
        text_add(text, sizeof text, "%s", verb);
        for (size_t k = 0; k < count; k++) {
            slot_name(c, from, top[k].index, name, sizeof name);
            text_add(text, sizeof text, " %s %.0f%%", name, 100 * top[k].weight);
        }
        if (add_if_fits(parts, text))
            break;
    }
    free(weight);
}

static void add_top_tokens(const struct brush *b, const struct scene *c, size_t from,
                           size_t to, const char *verb, struct parts *parts)
{
    double *weight = xcalloc(to - from, sizeof *weight);
    struct ranked top[3];
    char text[256] = "";
    for (size_t t = from; t < to; t++)
        weight[t - from] = brush_token(b, t);
    size_t count = rank_top(weight, to - from, 0.005, top, 3);
    for (; count > 0; count--) {
        text[0] = '\0';
        text_add(text, sizeof text, "%s", verb);
        for (size_t k = 0; k < count; k++) {
            char name[64];
            token_label(c->document, from + top[k].index, TOKEN_TRIMMED, name,
                        sizeof name);
            text_add(text, sizeof text, " \"%s\" %.0f%%", name, 100 * top[k].weight);
        }
        if (add_if_fits(parts, text))
            break;
    }
    free(weight);
}

static void add_peak_layer(const struct brush *b, const struct scene *c,
                           struct parts *parts)
{
    size_t peak = 0, layers = c->window ? c->window->layers : 0;
    for (size_t l = 1; l < layers; l++)
        if (brush_layer(b, l) > brush_layer(b, peak))
            peak = l;
    if (layers > 0 && brush_layer(b, peak) > 0)
        parts_add(parts, "gate peak L%zu", peak);
}

/* ---- sentences -------------------------------------------------------------- */

static void token_sentence(const struct scene *c, const struct brush *b,
                           struct parts *parts)
{
    if (scene_has_plan(c)) {
        double mass = 0;
        for (size_t t = b->from; t < b->to; t++)
            mass += (double)c->window->mass[t - c->first];
        parts_add(parts, "mass %.2fx even", mass * (double)c->tokens);
        add_top_slots(b, c, c->window_index, c->window_index + 1, "sends", parts);
    }
    if (!scene_has_gates(c)) {
        parts_add(parts, "not read yet");
        return;
    }
    if (c->v->focus == PANE_GATES && c->v->value[PANE_GATES] == VALUE_ENTROPY)
        parts_add(parts, "gate entropy %.2f bits",
                  gate_entropy_bits(c->window, c->token - c->first));
    add_peak_layer(b, c, parts);
}

/* token 162 "coal" · full 2.10 nats · compressed 3.40 · costs +1.30 · costliest: ... */
static void loss_sentence(const struct scene *c, struct parts *parts)
{
    const struct snapshot_loss *l = c->s->loss;
    char words[256];
    if (!l || isnan(l->full[c->token])) {
        bool begins = l && c->token + 1 < l->tokens && !isnan(l->full[c->token + 1]);
        parts_add(parts, begins ? "nothing stands before it that could tell it"
                         : l ? "its loss is not known: range A B, then loss, measures there"
                             : "the command loss tells what it costs");
        return;
    }
    if (c->s->loss_stale)
        parts_add(parts, "stale, :loss measures again");
    parts_add(parts, "full %.2f nats", (double)l->full[c->token]);
    if (isnan(l->compressed[c->token])) {
        parts_add(parts, "nothing is compressed before the first window ends");
    } else {
        parts_add(parts, "compressed %.2f", (double)l->compressed[c->token]);
        parts_add(parts, "costs %+.2f", loss_of_compression(c->s, c->token));
    }
    loss_costliest(c->s, c->v, parts->limit ? parts->limit - parts->columns - 3 : INT_MAX, words,
                   sizeof words);
    parts_add(parts, "%s", words);
}

static void layer_sentence(const struct scene *c, size_t layer, struct parts *parts)
{
    const struct snapshot_window *w = c->window;
    if (!scene_has_gates(c) || layer >= w->layers || w->tokens == 0)
        return;
    double sum = 0, least = 1, most = 0;
    for (size_t t = 0; t < w->tokens; t++) {
        double gate = (double)w->gate[t * w->layers + layer];
        sum += gate;
        least = fmin(least, gate);
        most = fmax(most, gate);
    }
    parts_add(parts, "gate mean %.1f%% min %.1f%% max %.1f%%",
              100 * sum / (double)w->tokens, 100 * least, 100 * most);
    char name[64];
    token_label(c->document, c->token, TOKEN_TRIMMED, name, sizeof name);
    parts_add(parts, "\"%s\" %.1f%%", name,
              100 * (double)w->gate[(c->token - c->first) * w->layers + layer]);
}

static void slot_sentence(const struct scene *c, const struct brush *b,
                          struct parts *parts)
{
    if (!scene_has_plan(c) || b->source.slot >= c->window->slots)
        return;
    add_top_tokens(b, c, c->first, c->first + c->tokens, "made of", parts);
    parts_add(parts, "spread %.1f tokens", plan_spread(&c->plan, b->source.slot));
    double *used = xcalloc(c->window->slots, sizeof *used);
    if (plan_used(c, used))
        parts_add(parts, "looked at %.0f%%", 100 * used[b->source.slot]);
    free(used);
    if (scene_slot_muted(c, c->window_index, b->source.slot))
        parts_add(parts, "muted");
}

static void answer_sentence(const struct scene *c, const struct brush *b,
                            struct parts *parts)
{
    const struct snapshot_answer *a = c->s->answer[b->source.answer];
    if (b->source.answer == ANSWER_NONE) {
        parts_add(parts, "no context to look at");
        return;
    }
    if (!a || !a->attention) {
        parts_add(parts, a && a->stale ? "it looked at slots that are no more: %s asks again"
                                       : "attention was not kept",
                  key_text(c->v, "⁅r⁆").text);
        return;
    }
    add_top_tokens(b, c, 0, c->document->tokens, "looked at", parts);
    if (b->source.answer == ANSWER_COMPRESSED)
        add_top_slots(b, c, 0, c->s->windows, "slots", parts);
}

/* A cell of the zoomed plan: s12 x token 162 "coal" · 38.7% of the slot · ... */
static void cell_sentence(const struct scene *c, struct parts *parts)
{
    const struct snapshot_window *w = c->window;
    size_t slot = size_min(c->v->slot, w->slots - 1), token = c->token - c->first;
    char name[128];
    name_token(c, c->token, name, sizeof name);
    parts_add(parts, "s%zu x %s", slot, name);
    parts_add(parts, "%.1f%% of the slot", 100 * plan_slot_share(&c->plan, token, slot));
    parts_add(parts, "%.0f%% of the token",
              100 * plan_token_share(&c->plan, token, slot));
    parts_add(parts, "likeness %.2f", 1 - (double)w->cost[token * w->slots + slot]);
}

/* A cell of the zoomed gates: L12 x token 162 "coal" · gate 2.3% · 0.7x even · mean 1.9% */
static void gate_sentence(const struct scene *c, struct parts *parts)
{
    const struct snapshot_window *w = c->window;
    size_t layer = size_min(c->v->layer, w->layers - 1);
    float *units = gates_of_units(c);
    double gate = (double)(units ? units : w->gate)[(c->token - c->first) * w->layers + layer];
    double sum = 0;
    char name[128];
    free(units);
    for (size_t t = 0; t < c->tokens; t++)
        sum += (double)w->gate[t * w->layers + layer];
    name_token(c, c->token, name, sizeof name);
    parts_add(parts, "L%zu x %s", layer, name);
    parts_add(parts, "gate %.1f%%", 100 * gate);
    parts_add(parts, "%.2fx even", gate * (double)w->layers);
    parts_add(parts, "mean %.1f%%", 100 * sum / (double)c->tokens);
}

/* What the lock's weight of the cursor's place means. */
static const char *share_of(enum source_kind lock, enum source_kind cursor)
{
    if (cursor == SOURCE_ANSWER)
        return "of the answer's attention";
    switch (lock) {
    case SOURCE_TOKEN:
        return cursor == SOURCE_TOKEN   ? "of the shared slots"
               : cursor == SOURCE_LAYER ? "of its gate"
                                        : "of the token";
    case SOURCE_LAYER:
        return "from that layer";
    case SOURCE_SLOT:
        return cursor == SOURCE_LAYER ? "from that layer" : "of the slot";
    default:
        return "of its attention";
    }
}

/* The cursor compared with the lock: s11 and locked token 162 "coal": 6% of the token */
static void lock_sentence(const struct scene *c, const struct source *cursor,
                          struct parts *parts)
{
    const struct brush *b = &c->brush;
    char here[128], there[128];
    double weight = 0;
    name_source(c, cursor, here, sizeof here);
    name_source(c, &c->v->locked, there, sizeof there);
    switch (cursor->kind) {
    case SOURCE_LAYER:
        weight = brush_layer(b, cursor->layer);
        break;
    case SOURCE_SLOT:
        weight = brush_slot(b, cursor->window, cursor->slot);
        break;
    case SOURCE_ANSWER:
        weight = brush_answer(b, cursor->answer, cursor->answer_token);
        break;
    default:
        weight = brush_token(b, c->token);
    }
    parts_add(parts, "%s and locked %s: %.1f%% %s", here, there, 100 * weight,
              share_of(c->v->locked.kind, cursor->kind));
}

static void sentence(const struct scene *c, struct parts *parts)
{
    const struct source *cursor = &c->cursor;
    char name[128];
    if (screen_is_open(c->v))
        screen_sentence(c, parts);
    /* without ids: not tokenised yet */
    bool text = c->v->screen == SCREEN_EXPLORE || c->v->screen == SCREEN_COMPARE;
    if (!text || !c->document || !c->document->ids)
        return;
    if (c->v->locked.kind != SOURCE_NONE)
        lock_sentence(c, cursor, parts);
    if (scene_compares(c))
        compare_sentence(c, parts);
    if (c->v->locked.kind != SOURCE_NONE || scene_compares(c))
        return;
    if (c->v->zoomed && c->v->focus == PANE_PLAN && scene_has_plan(c)) {
        cell_sentence(c, parts);
        return;
    }
    if (c->v->zoomed && c->v->focus == PANE_GATES && scene_has_gates(c) &&
        c->v->value[PANE_GATES] != VALUE_ENTROPY) {
        gate_sentence(c, parts);
        return;
    }
    name_source(c, cursor, name, sizeof name);
    parts_add(parts, "%s%s", c->stale ? "stale: " : "", name);
    switch (c->brush.source.kind) {
    case SOURCE_TOKEN:
        if (c->v->value[PANE_DOCUMENT] == VALUE_LOSS)
            loss_sentence(c, parts);
        else
            token_sentence(c, &c->brush, parts);
        break;
    case SOURCE_LAYER:
        layer_sentence(c, cursor->layer, parts);
        break;
    case SOURCE_SLOT:
        slot_sentence(c, &c->brush, parts);
        break;
    case SOURCE_ANSWER:
        answer_sentence(c, &c->brush, parts);
        break;
    case SOURCE_NONE:
        break;
    }
}

void view_status_text(const struct snapshot *s, const struct view_state *v, char *out,
                      size_t size)
{
    struct scene scene;
    struct parts parts = {0};
    scene_init(&scene, s, v, NULL);
    sentence(&scene, &parts);
    snprintf(out, size, "%s", parts.text);
    scene_free(&scene);
}

/* ---- the lines -------------------------------------------------------------- */

#define GLUE " \u00b7 "

/* Work in progress takes the place of the keys. */
static const char *keys_of(const struct scene *c, bool wide, char *work, size_t size)
{
    if (screen_is_open(c->v))
        return screen_keys(c);
    scene_waiting_text(c, "", work, size);
    if (work[0])
        return work;
    if (scene_compares(c))
        return wide ? "⁅B⁆ swap  ⁅f⁆ flicker  ⁅b⁆ pin again  ⁅?⁆ help"
                    : "⁅Tab⁆ A, B, B - A  ⁅B⁆ swap  ⁅b⁆ pin";
    if (c->v->dialog_keys && overlay_fills_screen(c))
        return c->v->dialog_keys;
    if (c->v->screen != SCREEN_EXPLORE || !c->document)
        return "⁅?⁆ help  ⁅:⁆ command  ⁅q⁆ quit";
    if (c->v->zoomed)
        return wide ? "⁅+⁆ ⁅-⁆ size  ⁅v⁆ value  ⁅%⁆ norm  ⁅Esc⁆ back"
                    : "⁅+⁆ ⁅-⁆ size  ⁅v⁆ value  ⁅Esc⁆ back";
    return wide ? "⁅?⁆ help  ⁅a⁆ ask  ⁅z⁆ zoom  ⁅e⁆ export"
                : "⁅Tab⁆ pane  ⁅a⁆ ask  ⁅Space|spc⁆ lock  ⁅z⁆ zoom  ⁅e⁆ export  ⁅?⁆ help";
}

/* Bytes of a text that stand in the columns of a line, whole words; all when it has none. */
static size_t whole_words(const char *text, int columns)
{
    char head[1024], *blank;
    snprintf(head, sizeof head, "%s", text);
    while (text_columns(head) > columns && (blank = strrchr(head, ' ')))
        *blank = '\0';
    return text_columns(head) > columns ? strlen(text) : strlen(head);
}

/* What does not fit into a line goes to a second one, as the way on stands at the end of a message:
 * where there is a line of keys to that, else the first one covers the row above. Returns the
 * columns that are used of the line of status; *two: are there two lines? */
static int draw_message(struct scene *c, struct rect area, bool *two)
{
    const char *text = c->v->message[0] ? c->v->message : c->s->problem;
    enum canvas_role role =
        c->v->message[0] && !c->v->message_error ? ROLE_STATUS : ROLE_ERROR;
    char clean[1024];
    text_sanitize(clean, sizeof clean, text, strlen(text));
    bool tiny = c->layout.kind == LAYOUT_TINY, below = scene_shows(c, AREA_KEYS);
    int columns = area.columns - 1;
    size_t first = tiny ? strlen(clean) : whole_words(clean, columns);
    const char *rest = clean + first;
    rest += strncmp(rest, GLUE, strlen(GLUE)) == 0 ? strlen(GLUE) : *rest == ' ';
    *two = *rest != '\0';
    struct rect upper = area, lower = below ? c->layout.area[AREA_KEYS] : area;
    if (*two && !below) {
        upper.row--;
        canvas_fill(c->canvas, upper, ' ', ROLE_TEXT);
    }
    int used = canvas_text(c->canvas, upper.row, upper.column + 1, columns, role, 0, clean, first);
    if (*two)
        used = canvas_text(c->canvas, lower.row, lower.column + 1, columns, role, 0, rest,
                           strlen(rest));
    return used;
}

void draw_status(struct scene *c)
{
    struct rect area = c->layout.area[AREA_STATUS];
    bool own_line = scene_shows(c, AREA_KEYS), tiny = c->layout.kind == LAYOUT_TINY;
    char work[128];
    struct key_text shown = key_text(c->v, keys_of(c, !own_line, work, sizeof work));
    const char *keys = shown.text;
    int used = 0;
    bool two = false;
    if (c->v->message[0] || c->s->problem[0]) {
        used = draw_message(c, area, &two);
    } else {
        struct parts parts = {.limit = area.columns - 2};
        sentence(c, &parts);
        used = canvas_text(c->canvas, area.row, area.column + 1, area.columns - 1,
                           ROLE_STATUS, 0, parts.text, strlen(parts.text));
    }
    if (own_line && !two) {
        struct rect line = c->layout.area[AREA_KEYS];
        canvas_text(c->canvas, line.row, line.column + 1, line.columns - 1, ROLE_DIM, 0,
                    keys, strlen(keys));
    } else if (!own_line && !tiny && used + text_columns(keys) + 4 <= area.columns) {
        int columns = text_columns(keys);
        canvas_text(c->canvas, area.row, area.column + area.columns - columns - 1,
                    columns, ROLE_DIM, 0, keys, strlen(keys));
    }
}
