/* What a session shows: the snapshot on screen, made from the engine's and what only the
 * UI knows, and the reading that it lacks. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cursor.h"
#include "app/eval_screen.h"
#include "app/jobs.h"
#include "app/screens.h"
#include "app/session.h"
#include "app/tour.h"
#include "engine/base/mem.h"
#include "views/key_text.h"

/* ---- snapshots ------------------------------------------------------------------ */

static void add_activity(const struct session *s, struct snapshot *snapshot)
{
    struct worker_activity now;
    worker_activity(s->worker, &now);
    if (snapshot->activity.stage[0] || !now.kind_running || now.kind_running == JOB_HASH)
        return;
    struct snapshot_activity *activity = &snapshot->activity;
    memcpy(activity->stage, now.stage, sizeof activity->stage);
    activity->done = now.done;
    activity->total = now.total;
    activity->eta_ms = -1;
    double spent = s->now_ms - now.started_ms;
    if (spent > 2000 && now.done && now.done < now.total)
        activity->eta_ms = spent * (double)(now.total - now.done) / (double)now.done;
}

/* Answers that are queued behind other work. */
static void add_waiting(const struct session *s, struct snapshot *snapshot)
{
    for (enum answer_mode m = 0; m < ANSWER_MODES; m++) {
        const struct snapshot_answer *old = snapshot->answer[m];
        bool under_way = old && (old->state == ANSWER_PREPARING || old->state == ANSWER_RUNNING);
        if (under_way || (!s->waiting[m] && !(s->ask_when_ready && s->preferences.answers[m])))
            continue;
        struct snapshot_answer *waiting = snapshot_answer_new();
        waiting->state = ANSWER_WAITING;
        waiting->f1 = waiting->exact = -1;
        snapshot_set_answer(snapshot, m, waiting);
    }
}

void session_asked_range(const struct session *s, size_t *from, size_t *to)
{
    const struct view_state *v = &s->view;
    *from = v->has_range && !s->continue_from ? v->range_from : 0;
    *to = s->continue_from ? s->continue_from : v->has_range ? v->range_to + 1 : 0;
}

/* Is an answer about another range of the document than the one that is chosen now? A range whose
 * end is not marked yet changes with each move. */
static bool asked_elsewhere(const struct session *s, const struct snapshot_answer *a)
{
    size_t from, to;
    session_asked_range(s, &from, &to);
    to = to ? to : session_tokens(s);
    return !s->view.range_open && a->asked_to && (a->asked_from != from || a->asked_to != to);
}

/* Was it given slots that stood for other tokens than those of now? */
static bool has_other_slots(const struct snapshot_answer *a, const struct snapshot_settings *now)
{
    const struct snapshot_settings *then = &a->settings;
    return then->window && (then->window != now->window || then->segment != now->segment ||
                            then->slots_per_window != now->slots_per_window ||
                            then->align_head != now->align_head);
}

static void add_outdated(const struct session *s, struct snapshot *snapshot)
{
    for (enum answer_mode m = 0; m < ANSWER_NONE; m++) {
        const struct snapshot_answer *a = snapshot->answer[m];
        if (!a || (a->state != ANSWER_DONE && a->state != ANSWER_STOPPED))
            continue;
        bool blind = m == ANSWER_COMPRESSED && has_other_slots(a, &snapshot->settings);
        if (!blind && (a->stale || !asked_elsewhere(s, a)))
            continue;
        struct snapshot_answer *stale = snapshot_answer_copy(a);
        stale->stale = true;
        if (blind) { /* where it looked has no place in the plan of now */
            free(stale->attention);
            stale->attention = NULL;
            stale->sources = 0;
        }
        snapshot_set_answer(snapshot, m, stale);
    }
}

/* Sender mass in units of the even share, for the whole document. */
static void add_minimap(struct snapshot *snapshot)
{
    size_t n = snapshot->document ? snapshot->document->tokens : 0;
    if (snapshot->minimap_mass || !snapshot->windows || !n)
        return;
    snapshot->minimap_mass = xcalloc(n, sizeof *snapshot->minimap_mass);
    for (size_t t = 0; t < n; t++)
        snapshot->minimap_mass[t] = NAN;
    for (size_t i = 0; i < snapshot->windows; i++) {
        const struct snapshot_window *w = snapshot->window[i];
        for (size_t t = 0; w && w->has_plan && t < w->tokens && w->first + t < n; t++)
            snapshot->minimap_mass[w->first + t] = w->mass[t] * (float)w->tokens;
    }
}

void session_drop_held(struct session *s)
{
    snapshot_window_release(s->held);
    s->held = NULL;
    s->view.held = NULL;
    free(s->held_of);
    s->held_of = NULL;
}

/* With each step of a setting the plan is made again: the one before is shown until then, so that
 * the pane is never empty for the moment in between. Not when nobody makes it. */
static void hold_plan(struct session *s)
{
    const struct snapshot_facts *facts = &s->snapshot->facts;
    size_t at = s->snapshot->windows ? snapshot_window_of(s->snapshot, s->view.token) : 0;
    struct snapshot_window *now = s->snapshot->windows ? s->snapshot->window[at] : NULL;
    char of[256];
    snprintf(of, sizeof of, "%s %s", facts->model, facts->compressor);
    if (now && now->has_plan && now != s->held) {
        session_drop_held(s);
        s->held = snapshot_window_retain(now);
        s->held_of = xstrdup(of);
    } else if (s->held && (s->read_failed || !s->worker || strcmp(s->held_of, of) != 0)) {
        session_drop_held(s);
    }
    s->view.held = s->held;
}

void session_compose(struct session *s)
{
    struct snapshot *next = snapshot_derive(s->restored ? s->restored : s->published);
    if (s->document.raw)
        snapshot_set_document(next, snapshot_document_retain(s->document.raw));
    add_minimap(next);
    add_outdated(s, next);
    if (s->worker) {
        add_activity(s, next);
        add_waiting(s, next);
    }
    if (s->question && !next->question)
        next->question = xstrdup(s->question);
    snapshot_release(s->snapshot);
    s->snapshot = next;
    s->view.question = s->question;
    s->view.pinned = s->pinned;
    s->view.pin_name = s->pin_name;
    s->view.muted = s->edits.muted;
    s->view.muted_count = s->edits.muted_count;
    s->view.muted_any = edits_muted(&s->edits) > 0;
    s->view.token_edits = s->edits.tokens;
    s->view.n_token_edits = s->edits.token_count;
    s->view.layer_off = s->edits.layer_off;
    s->view.n_layer_off = EDIT_LAYERS_MAX;
    s->view.even_mass = s->edits.settings.ablations & ABLATE_MASS;
    s->view.mean_pooling = s->edits.settings.ablations & ABLATE_PLAN;
    s->view.shuffled = s->edits.settings.ablations & ABLATE_ORDER;
    s->view.shuffle_seed = s->edits.settings.order_seed;
    s->view.rebalanced = edits_rebalanced(&s->edits);
    tour_refresh(s);
    cursor_clamp(s);
    hold_plan(s);
    view_follow_cursor(s->snapshot, &s->view);
    s->dirty = true;
}

static void show_engine_notes(struct session *s)
{
    for (char *line; (line = worker_take_line(s->worker));) {
        notes_add(&s->notes, false, line);
        free(line);
    }
    if (s->published && s->published->note_serial != s->last_note_serial) {
        s->last_note_serial = s->published->note_serial;
        if (s->published->note[0])
            session_note(s, "%s", s->published->note);
    }
}

/* The plan balances once before the reader's eyes, in half a second. */
static void start_opening(struct session *s)
{
    const struct snapshot_window *w = session_window(s);
    if (s->play.opened || s->headless || !w || !w->has_plan)
        return;
    s->play.opened = true;
    if (!w->f || w->iters < 2)
        return;
    s->play.opening = true;
    s->play.fps = w->iters * 2;
    s->play.next_ms = s->now_ms;
    s->view.iteration = 0;
}

/* The tour that was asked for before there was a document. */
static void start_tour(struct session *s)
{
    struct err err = {0};
    if (!s->tour_when_ready || !session_tokens(s))
        return;
    s->tour_when_ready = false;
    if (!tour_start(s, NULL, s->tour_presented, &err))
        session_fail(s, &err, "⁅T⁆ tries again", "nothing changed");
}

bool session_collect(struct session *s)
{
    struct snapshot *none = NULL;
    if (s->writer)
        worker_collect(s->writer, &none, s);
    if (!s->worker || !worker_collect(s->worker, &s->published, s))
        return false;
    if (eval_screen_collect(s))
        screens_refresh(s);
    show_engine_notes(s);
    session_compose(s);
    start_tour(s);
    start_opening(s);
    session_read_visible(s);
    return true;
}

/* ---- reading ---------------------------------------------------------------------- */

void session_read_visible(struct session *s)
{
    size_t n = session_tokens(s);
    if (!s->worker || s->restored || !n || s->read_failed || !s->snapshot->windows ||
        worker_pending(s->worker) & (JOB_OPEN | JOB_DOCUMENT | JOB_SETTINGS))
        return;
    /* The page around the cursor: as many tokens as can be on a screen. */
    size_t page = (size_t)s->view.rows * 16;
    size_t from = s->view.document_top < s->view.token ? s->view.document_top : s->view.token;
    size_t to = from + page < n ? from + page : n;
    if (to <= s->view.token)
        to = s->view.token + 1;
    size_t first = snapshot_window_of(s->snapshot, from);
    size_t last = snapshot_window_of(s->snapshot, to - 1);
    bool missing = false;
    for (size_t w = first; w <= last && w < s->snapshot->windows; w++)
        missing |= !s->snapshot->window[w] || !s->snapshot->window[w]->has_plan;
    bool under_way = worker_pending(s->worker) & JOB_READ && from >= s->read_from &&
                     to <= s->read_to;
    if (!missing || under_way)
        return;
    s->read_from = from;
    s->read_to = to;
    jobs_read(s, from, to);
}
