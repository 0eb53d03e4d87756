#include "app/recreate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/list.h"
#include "app/settings.h"
#include "engine/base/buffer.h"

/* A command a line. */
#define add(lines, ...) (buffer_printf(lines, __VA_ARGS__), buffer_text(lines, "\n"))

/* ---- what is open ------------------------------------------------------------------ */

static void add_document(struct buffer *l, const struct session *s)
{
    const struct snapshot_facts *f = &s->snapshot->facts;
    add(l, "# %s, %s", f->model[0] ? f->model : "no model", f->compressor);
    add(l, "size %dx%d", s->view.columns, s->view.rows);
    if (!s->document.path)
        return;
    char *path = list_quote(s->document.path);
    add(l, "%s %s", s->restored ? "restore" : "open", path);
    add(l, "wait idle");
    free(path);
}

/* ---- what is computed ---------------------------------------------------------------- */

/* Settings that are not those that the compressor came with. */
static void add_settings(struct buffer *l, const struct session *s)
{
    static const enum setting all[] = {SETTING_SEGMENT, SETTING_WINDOW, SETTING_RATIO,
                                       SETTING_EPS, SETTING_ITERATIONS, SETTING_ALIGN};
    struct session before = {.edits = s->opened_with, .preferences = s->preferences};
    char now[64], then[64];
    for (size_t i = 0; s->edits_known && i < sizeof all / sizeof *all; i++) {
        setting_format(s, all[i], now, sizeof now);
        setting_format(&before, all[i], then, sizeof then);
        if (strcmp(now, then) != 0)
            add(l, "set %s %s", settings_table[all[i]].name, now);
    }
    unsigned out = s->edits.settings.ablations;
    if (out & ABLATE_MASS)
        add(l, "mass even");
    if (out & ABLATE_PLAN)
        add(l, "pool mean");
    if (out & ABLATE_ORDER)
        add(l, "shuffle %u", s->edits.settings.order_seed);
}

static void add_edits(struct buffer *l, const struct session *s)
{
    const struct edits *e = &s->edits;
    for (size_t i = 0; i < e->token_count; i++)
        add(l, "mass %zu %.17g", e->tokens[i].token, e->tokens[i].factor);
    for (size_t i = 0; i < EDIT_LAYERS_MAX; i++)
        if (e->layer_off[i])
            add(l, "mute L%zu", i);
    for (size_t w = 0; w < s->snapshot->windows && edits_muted(e); w++) {
        size_t base = session_slot_base(s, w), end = session_slot_base(s, w + 1);
        for (size_t j = base; j < end; j++)
            if (edits_is_muted(e, j))
                add(l, "mute w%zu:s%zu%s", w + 1, j - base, e->rebalance ? " rebalance" : "");
    }
}

/* Which answers are run, where it is not all of them. */
static void add_answers(struct buffer *l, const struct session *s)
{
    char list[64] = "";
    size_t used = 0, count = 0;
    for (int mode = 0; mode < ANSWER_MODES; mode++)
        if (s->preferences.answers[mode])
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", count++ ? "," : "",
                                     answer_mode_name[mode]);
    if (count < ANSWER_MODES)
        add(l, "answers %s", list);
}

static void add_question(struct buffer *l, const struct session *s)
{
    if (s->question && !s->restored)
        add_answers(l, s);
    if (s->gold && !s->continue_from)
        add(l, "gold %s", s->gold);
    if (s->question && !s->continue_from && !s->restored)
        add(l, "ask %s", s->question);
    if (s->continue_from) {
        add(l, "goto %zu", s->continue_from - 1);
        add(l, "continue");
    }
}

static const char *const pane_word[PANE_COUNT] = {"document", "gates", "plan", "answers"};

/* ---- how it is shown ------------------------------------------------------------------ */

static void add_looks(struct buffer *l, const struct view_state *v)
{
    struct view_state fresh;
    view_state_init(&fresh);
    for (int p = 0; p < PANE_COUNT; p++)
        if (v->value[p] != fresh.value[p])
            add(l, "view %s %s", pane_word[p], view_value_name[v->value[p]]);
    if (v->normalise != fresh.normalise)
        add(l, "norm %s", normalise_name[v->normalise]);
    if (v->scale != fresh.scale)
        add(l, "scale %s", scale_name[v->scale]);
    if (!isnan(v->limit_low))
        add(l, "limits %.9g %.9g%s%s", v->limit_low, v->limit_high,
            v->limit_pane < PANE_COUNT ? " " : "",
            v->limit_pane < PANE_COUNT ? pane_word[v->limit_pane] : "");
    if (v->map != fresh.map)
        add(l, "colors %s", color_map_name[v->map]);
    if (v->unit != fresh.unit)
        add(l, "unit %s", unit_name[v->unit]);
    if (v->arrangement != fresh.arrangement)
        add(l, "layout %s", arrangement_name[v->arrangement]);
    if (v->turned)
        add(l, "turn");
    if (v->has_range)
        add(l, "range %zu %zu", v->range_from, v->range_to);
}

/* Moves there as a person would, so that it is the source of the light. */
static void add_place(struct buffer *l, const struct source *at)
{
    static const char *const panes[] = {[SOURCE_TOKEN] = "document", [SOURCE_LAYER] = "gates",
                                        [SOURCE_SLOT] = "plan", [SOURCE_ANSWER] = "answers"};
    add(l, "focus %s", panes[at->kind]);
    if (at->kind == SOURCE_ANSWER) {
        add(l, "goto %s:%zu", answer_mode_name[at->answer], at->answer_token);
        return;
    }
    if (at->kind == SOURCE_SLOT)
        add(l, "goto w%zu", at->window + 1);
    else
        add(l, "goto %zu", at->token);
    if (at->kind == SOURCE_LAYER)
        add(l, "goto L%zu", at->layer);
    if (at->kind == SOURCE_SLOT)
        add(l, "goto s%zu", at->slot);
}

static void add_cursor(struct buffer *l, const struct session *s)
{
    const struct view_state *v = &s->view;
    if (v->locked.kind != SOURCE_NONE) {
        add_place(l, &v->locked);
        add(l, "lock");
    }
    add(l, "goto L%zu", v->layer);
    add(l, "goto %zu", v->token);
    if (v->focus == PANE_PLAN)
        add(l, "goto s%zu", v->slot);
    add(l, "focus %s", pane_word[v->focus]);
    const struct snapshot_answer *answer = s->snapshot->answer[v->answer];
    if (v->focus == PANE_ANSWERS && answer && v->answer_token < answer->tokens)
        add(l, "goto %s:%zu", answer_mode_name[v->answer], v->answer_token);
    if (v->zoomed)
        add(l, "zoom %s", pane_word[v->focus]);
    bool cells = v->focus == PANE_GATES || v->focus == PANE_PLAN;
    for (int i = 0; v->zoomed && cells && i < v->zoom_level; i++)
        add(l, "zoom larger");
    if (v->strip_open)
        add(l, "strip on");
    if (v->iteration >= 0)
        add(l, "iter %d", v->iteration);
}

char *recreate_commands(const struct session *s)
{
    struct buffer l = {0};
    add_document(&l, s);
    if (session_tokens(s)) {
        add_settings(&l, s);
        add_edits(&l, s);
        add_question(&l, s);
        add_looks(&l, &s->view);
        add(&l, "wait idle");
        add_cursor(&l, s);
    }
    return buffer_take(&l, NULL);
}
