/* Scenes of the Explore and Compare screens. */
#include "tests/support/stages.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/sample_snapshot.h"

void stage_source(struct view_state *v, enum source_kind kind)
{
    v->moved.kind = kind;
}

void stage_explore(struct stage *g)
{
    g->v.token = 165; /* coal */
    g->v.slot = 12;
    g->v.layer = 12;
    g->v.answer_token = 2;
    g->v.document_top = 89;
    stage_source(&g->v, SOURCE_TOKEN);
}

void stage_gates(struct stage *g)
{
    stage_explore(g);
    g->v.focus = PANE_GATES;
    stage_source(&g->v, SOURCE_LAYER);
}

void stage_plan(struct stage *g)
{
    stage_explore(g);
    g->v.focus = PANE_PLAN;
    stage_source(&g->v, SOURCE_SLOT);
}

void stage_plan_turned(struct stage *g)
{
    stage_plan(g);
    g->v.turned = true;
}

void stage_answers(struct stage *g)
{
    stage_explore(g);
    g->v.focus = PANE_ANSWERS;
    stage_source(&g->v, SOURCE_ANSWER);
}

void stage_full_answer(struct stage *g)
{
    stage_answers(g);
    g->v.answer = ANSWER_FULL;
}

void stage_zoom_fit(struct stage *g)
{
    stage_plan(g);
    g->v.zoomed = true;
}

void stage_zoom_cells(struct stage *g)
{
    stage_zoom_fit(g);
    g->v.zoom_level = 1;
}

void stage_zoom_numbers(struct stage *g)
{
    stage_zoom_fit(g);
    g->v.zoom_level = 2;
    g->v.plan_left = 43;
    g->v.plan_top = 8;
    g->v.value[PANE_PLAN] = VALUE_SLOT_SHARE;
}

void stage_zoom_turned(struct stage *g)
{
    stage_zoom_fit(g);
    g->v.turned = true;
    g->v.plan_left = 40;
}

void stage_zoom_turned_numbers(struct stage *g)
{
    stage_zoom_turned(g);
    g->v.zoom_level = 2;
}

void stage_zoom_gates(struct stage *g)
{
    stage_gates(g);
    g->v.zoomed = true;
}

void stage_zoom_gates_cells(struct stage *g)
{
    stage_zoom_gates(g);
    g->v.zoom_level = 1;
}

void stage_zoom_gates_numbers(struct stage *g)
{
    stage_zoom_gates(g);
    g->v.zoom_level = 2;
    g->v.plan_left = 43;
}

void stage_speech(struct stage *g)
{
    g->v.speak = true;
}

void stage_strip(struct stage *g)
{
    stage_plan(g);
    g->v.strip_open = true;
    g->v.iteration = 0;
}

void stage_not_converged(struct stage *g)
{
    stage_strip(g);
    g->v.iteration = 1;
    g->v.strip_field = STRIP_EPS;
}

/* As few as were asked for: more of them are suggested. */
void stage_few_iterations(struct stage *g)
{
    stage_not_converged(g);
    g->v.iteration = -1;
    for (size_t i = 0; i < g->s->windows; i++) {
        struct snapshot_window *w = g->s->window[i];
        w->iters = 1;
        snapshot_window_plan_at(w, 1, w->plan);
    }
}

void stage_lock(struct stage *g)
{
    stage_plan(g);
    g->v.slot = 11;
    g->v.token = 150;
    g->v.locked = (struct source){.kind = SOURCE_TOKEN, .token = 165};
}

void stage_words_unit(struct stage *g)
{
    stage_explore(g);
    g->v.unit = UNIT_WORD;
}

void stage_mass_range(struct stage *g)
{
    stage_explore(g);
    g->v.value[PANE_DOCUMENT] = VALUE_MASS;
    g->v.value[PANE_GATES] = VALUE_ENTROPY;
    g->v.value[PANE_PLAN] = VALUE_LIKENESS;
    g->v.has_range = true;
    g->v.range_from = 135;
    g->v.range_to = 180;
}

void stage_edits(struct stage *g)
{
    stage_explore(g);
    g->muted[29 + 12] = g->muted[3] = true;
    g->v.muted_any = true;
    g->v.muted = g->muted;
    g->v.muted_count = 125;
}

static const struct token_edit token_edits[] = {{161, 2}, {165, 0}};

void stage_edits_by_hand(struct stage *g)
{
    stage_edits(g);
    g->v.token = 170;
    g->v.token_edits = token_edits;
    g->v.n_token_edits = 2;
    g->layer_off[9] = true;
    g->v.layer_off = g->layer_off;
    g->v.n_layer_off = 31;
    g->v.shuffled = true;
}

void stage_tour(struct stage *g)
{
    stage_explore(g);
    g->v.focus = PANE_GATES;
    g->v.caption = "A gate decides how much of each layer to take. Bright rows are the layers "
                   "taken from. Move over 'the', then over 'coal'.";
    g->v.caption_title = "3 of 10 \u00b7 Down the layers";
    g->v.caption_keys = "T next \u00b7 Esc ends";
}

void stage_present(struct stage *g)
{
    stage_tour(g);
    g->v.presenting = g->v.zoomed = true;
    g->v.focus = PANE_PLAN;
    g->v.caption_keys = "Space next \u00b7 PgUp back \u00b7 F5 ends";
}

/* A is the plan after three iterations; its answer lacked a word. */
void stage_compare(struct stage *g)
{
    stage_plan(g);
    g->pinned = sample_snapshot();
    for (size_t i = 0; i < g->pinned->windows; i++) {
        struct snapshot_window *w = g->pinned->window[i];
        if (w && w->has_plan)
            snapshot_window_plan_at(w, 3, w->plan);
    }
    g->pinned->settings.iters = 3;
    g->pinned->answer[ANSWER_COMPRESSED]->f1 = 0.67;
    memmove(strstr(g->pinned->answer[ANSWER_COMPRESSED]->text, " coal"), " ", 2);
    g->v.screen = SCREEN_COMPARE;
    g->v.pinned = g->pinned;
    g->v.compare_side = 2;
}

/* In Explore: the plan less A. */
void stage_difference(struct stage *g)
{
    stage_compare(g);
    g->v.screen = SCREEN_EXPLORE;
    g->v.plan_difference = true;
}

/* Other slots: rows are home spans. A in the place of B. */
void stage_compare_other(struct stage *g)
{
    stage_compare(g);
    struct snapshot_window *w = g->pinned->window[1];
    struct snapshot_window *half =
        snapshot_window_new(w->tokens, w->slots / 2, w->layers, 0, false);
    half->first = w->first;
    half->has_plan = true;
    memcpy(half->mass, w->mass, w->tokens * sizeof *w->mass);
    for (size_t j = 0; j <= half->slots; j++)
        half->span[j] = w->span[2 * j];
    for (size_t t = 0; t < w->tokens; t++)
        for (size_t j = 0; j < w->slots; j++)
            half->plan[t * half->slots + j / 2] += w->plan[t * w->slots + j];
    snapshot_set_window(g->pinned, 1, half);
    g->pinned->settings.ratio = 8;
    g->v.pin_name = "draft";
    g->v.compare_flicker = true;
    g->v.compare_side = 1;
}

/* What compression costs: most where a word is new, less than nothing in places. */
void stage_loss(struct stage *g)
{
    stage_explore(g);
    size_t n = g->s->document->tokens;
    struct snapshot_loss *l = snapshot_loss_new(n);
    for (size_t t = 1; t < n; t++) {
        l->full[t] = (float)(t * 37 % 100) / 40.0f;
        if (t >= g->s->window_first[1] && t < g->s->window_first[3])
            l->compressed[t] = l->full[t] + (float)(int)(t * 53 % 90) / 30.0f - 0.75f;
    }
    snapshot_set_loss(g->s, l);
    g->v.value[PANE_DOCUMENT] = VALUE_LOSS;
    g->s->control = (struct snapshot_control){6,   0.21,  0.9,         3.1,
                                              4.0, false, "coal dust", "harbour.txt"};
}

void stage_stale_untrained(struct stage *g)
{
    stage_explore(g);
    struct snapshot_answer *a = g->s->answer[ANSWER_COMPRESSED];
    a->stale = true;
    g->s->facts.untrained = true;
    g->s->settings.ratio = 8;
}

/* The cursor in another window than what the answer looked at; nothing in common. */
void stage_other_window(struct stage *g)
{
    stage_explore(g);
    g->v.token = 20;
    struct snapshot_answer *a = g->s->answer[ANSWER_COMPRESSED];
    for (char *p = a->text; *p; p++)
        *p = *p == ' ' ? ' ' : 'x';
}

/* A stopped, a failed and a running answer. */
void stage_answer_states(struct stage *g)
{
    stage_explore(g);
    g->s->answer[ANSWER_FULL]->state = ANSWER_STOPPED;
    g->s->answer[ANSWER_NONE]->state = ANSWER_RUNNING;
    struct snapshot_answer *a = g->s->answer[ANSWER_COMPRESSED];
    a->state = ANSWER_FAILED;
    snprintf(a->error, sizeof a->error,
             "9,000 slots are more than the model's 8,192 positions: restrict the range, "
             "raise "
             "the ratio, or open another model");
}

void stage_diff(struct stage *g)
{
    stage_explore(g);
    g->v.value[PANE_ANSWERS] = VALUE_DIFF_FULL;
}

void stage_message(struct stage *g)
{
    stage_explore(g);
    snprintf(g->v.message, sizeof g->v.message, "nothing to do with > in this pane");
    g->v.prompt_open = true;
    g->v.prompt_label = ":";
    g->v.prompt_text = "set eps 0.02";
    g->v.prompt_point = 12;
}

void stage_paste(struct stage *g)
{
    stage_explore(g);
    g->v.prompt_open = true;
    g->v.prompt_label = "ask> ";
    g->v.prompt_text = "first line of a paste\nthe second, with \033[2J and 漢字\nthird";
    g->v.prompt_point = 40;
}
