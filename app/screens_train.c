/* The Train screen: its commands, and what keys mean beside a run. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/dialog.h"
#include "app/export_train.h"
#include "app/prompt.h"
#include "app/refusal.h"
#include "app/run_control.h"
#include "app/run_folder.h"
#include "app/screens.h"
#include "app/train_form.h"
#include "app/values.h"
#include "engine/base/file.h"
#include "engine/base/size.h"
#include "engine/base/text.h"

void screens_train_show(struct session *s)
{
    dialog_begin(s);
    s->view.overlay = OVERLAY_NONE;
    s->view.train.run = run_control_shown(s);
    if (!s->view.train.run)
        train_form_show(s);
}

void screens_train_refresh(struct session *s)
{
    bool open = s->view.train.run != NULL, shown = run_control_shown(s) != NULL;
    if (s->view.overlay != OVERLAY_NONE)
        return;
    /* the form changes when the dry run ends */
    if (open != shown || (!open && !run_control_alive(s)))
        screens_train_show(s);
}

/* ---- commands ----------------------------------------------------------------------- */

bool do_train(struct session *s, const struct words *words, struct err *err)
{
    bool start = false, dry_run = false, changed = false, ok = true;
    struct run_form form;
    run_form_copy(&form, run_control_form(s));
    for (size_t i = 0; ok && i < words->count; i++) {
        const char *word = words->word[i];
        if (strcmp(word, "start") == 0)
            start = true;
        else if (strcmp(word, "dry-run") == 0)
            dry_run = true;
        else
            changed = ok = run_form_word(&form, word, err);
    }
    if (!ok || ((start || dry_run) && !run_form_complete(&form, !start, err))) {
        run_form_free(&form);
        return false;
    }
    run_form_free(run_control_form(s));
    *run_control_form(s) = form;
    if (changed)
        run_control_forget_estimate(s);
    bool trains = run_control_trains(s);
    s->view.screen = SCREEN_TRAIN;
    if (!trains)
        run_control_show_form(s, true);
    screens_show(s);
    if ((start || dry_run) && !run_control_begin(s, !start, err))
        return false;
    screens_show(s);
    return true;
}

bool do_watch(struct session *s, const struct words *words, struct err *err)
{
    if (words->count != 1)
        return refusal_wants(words, err, "a run directory");
    if (!run_control_watch(s, words->word[0], err))
        return false;
    s->view.screen = SCREEN_TRAIN;
    screens_show(s);
    return true;
}

bool do_pause(struct session *s, const struct words *words, struct err *err)
{
    bool toggle = words->count == 1 && strcmp(words->word[0], "toggle") == 0;
    if (words->count > 1 || (words->count && !toggle))
        return refusal_wants(words, err, "nothing, or toggle");
    bool go_on = toggle && run_control_paused(s);
    return run_control_say(s, go_on ? "resume" : "pause", err);
}

bool do_resume(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    return run_control_say(s, "resume", err);
}

bool do_checkpoint(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    if (!run_control_say(s, "save", err))
        return false;
    session_note(s, run_control_paused(s) ? "saves after this step, once the run goes on"
                                          : "saves after this step");
    return true;
}

/* Asks first: a stop costs the rest of a step. */
static bool train_stop(struct session *s, const struct words *words, struct err *err)
{
    if (!run_control_alive(s))
        return do_stop(s, words, err);
    if (words->force || !run_control_trains(s))
        return run_control_say(s, "stop", err);
    struct list *list = dialog_begin(s);
    list_add(list, "Stop after this step and save", "", "stop!");
    list_add(list, "Go on (Esc)", "", "");
    dialog_show(s, OVERLAY_PROBLEM, "Stop after this step and save?", "Enter \u00b7 Esc goes on");
    return true;
}

/* ---- keys ----------------------------------------------------------------------------- */

#define PANES "next|previous|curve|numbers|probe|samples|log"
#define VALUES "loss|lr|norm|speed"
#define SCALES "next|linear|log"

static bool train_focus(struct session *s, const struct words *words, struct err *err)
{
    struct train_state *v = &s->view.train;
    int which = words->count == 1 ? action_choice(words->word[0], PANES, "pane", err) : -1;
    if (which < 0)
        return words->count == 1 || refusal_wants(words, err, "a pane");
    int pane = which >= 2 ? which - 2 : (int)v->focus + (which ? TRAIN_PANES - 1 : 1);
    v->focus = (enum train_pane)(pane % TRAIN_PANES);
    s->dirty = true;
    return true;
}

static bool train_view(struct session *s, const struct words *words, struct err *err)
{
    struct train_state *v = &s->view.train;
    if (words->count == 1 && strcmp(words->word[0], "next") == 0) {
        v->value = (enum train_value)((v->value + 1) % TRAIN_VALUE_COUNT);
        s->dirty = true;
        return true;
    }
    int value = words->count == 1 ? action_choice(words->word[0], VALUES, "value", err) : -1;
    if (value < 0)
        return words->count == 1 || refusal_wants(words, err, "loss, lr, norm or speed");
    v->value = (enum train_value)value;
    s->dirty = true;
    return true;
}

static bool train_scale(struct session *s, const struct words *words, struct err *err)
{
    int which = words->count == 1 ? action_choice(words->word[0], SCALES, "scale", err) : -1;
    if (which < 0)
        return words->count == 1 || refusal_wants(words, err, "linear or log");
    s->view.train.log_scale = which == 0 ? !s->view.train.log_scale : which == 2;
    s->dirty = true;
    return true;
}

static bool train_zoom(struct session *s, const struct words *words, struct err *err)
{
    int which = words->count == 1 ? action_choice(words->word[0], "larger|smaller", "zoom", err)
                                  : -1;
    if (which < 0 && words->count)
        return words->count == 1 || refusal_wants(words, err, "larger, smaller or nothing");
    s->view.train.zoomed = which < 0 ? !s->view.train.zoomed : which == 0;
    s->dirty = true;
    return true;
}

static void step_probe(struct session *s, long by)
{
    const struct training *t = s->view.train.run;
    if (!t || t->n_probes == 0)
        return;
    size_t at = size_min(s->view.train.probe, t->n_probes - 1);
    s->view.train.playing = false;
    if (by > 0 || at > 0)
        run_control_probe(s, by > 0 ? at + 1 : at - 1);
}

static bool train_step(struct session *s, const struct words *words, struct err *err)
{
    int which = words->count == 1 ? action_choice(words->word[0], "back|on", "step", err) : -1;
    if (which < 0)
        return words->count == 1 || refusal_wants(words, err, "back or on");
    step_probe(s, which ? 1 : -1);
    return true;
}

static bool train_play(struct session *s, const struct words *words, struct err *err)
{
    enum { FPS = 4 };
    double fps = FPS;
    if (words->count > 1 || (words->count && (!value_real(words->word[0], &fps) || fps < 0.1 ||
                                              fps > s->preferences.fps)))
        return refusal_wants(words, err, "frames a second, 0.1..%.4g", s->preferences.fps);
    return run_control_play(s, fps, err);
}

/* Enter: what the run saw at this step, in Explore. */
static bool train_follow(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    char *path = s->view.train.run ? run_control_probe_file(s) : NULL;
    bool ok = path ? action_run_text(s, "restore", path, err)
                   : err_set(err, ERR_USAGE, "the run has no look at a probe to explore" WAY
                             "each validation makes one");
    free(path);
    return ok;
}

static void scroll_log(struct session *s, long by)
{
    const struct training *t = s->view.train.run;
    long back = (long)s->view.train.log_back - by, most = t ? (long)t->n_lines - 1 : 0;
    s->view.train.log_back = (size_t)(back < 0 || most < 0 ? 0 : back > most ? most : back);
    s->dirty = true;
}

/* The run before or after this one in its folder. */
static bool other_run(struct session *s, int by, struct err *err)
{
    const struct training *t = s->view.train.run;
    char *names[RUN_FOLDER_MAX];
    char parent[256];
    if (!t)
        return true;
    snprintf(parent, sizeof parent, "%s", t->directory);
    char *last = strrchr(parent, '/');
    if (last)
        *last = '\0';
    size_t n = run_folder_list(last ? parent : ".", names), at = n;
    for (size_t i = 0; i < n; i++)
        if (strcmp(file_name(names[i]), t->name) == 0)
            at = i;
    bool there = at < n && (by < 0 ? at > 0 : at + 1 < n);
    bool ok = there ? run_control_watch(s, names[by < 0 ? at - 1 : at + 1], err)
                    : err_set(err, ERR_USAGE, "no run %s this one" WAY
                              ":watch RUN opens any", by < 0 ? "before" : "behind");
    run_folder_free(names, n);
    if (ok)
        screens_show(s);
    return ok;
}

static bool train_move(struct session *s, const struct words *words, struct err *err)
{
    enum { PAGE = 10 };
    static const struct {
        const char *word;
        long log, probe;
    } moves[] = {{"up", -1, 0}, {"down", 1, 0}, {"page-up", -PAGE, 0}, {"page-down", PAGE, 0},
                 {"half-up", -PAGE / 2, 0}, {"half-down", PAGE / 2, 0}, {"left", 0, -1},
                 {"right", 0, 1}, {"first", -1000000, 0}, {"last", 1000000, 0}};
    if (words->count != 1)
        return refusal_wants(words, err, "a direction");
    if (strcmp(words->word[0], "window-back") == 0 || strcmp(words->word[0], "window-on") == 0)
        return other_run(s, words->word[0][7] == 'b' ? -1 : 1, err);
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        if (strcmp(words->word[0], moves[i].word) == 0) {
            if (moves[i].probe)
                step_probe(s, moves[i].probe);
            else
                scroll_log(s, moves[i].log);
        }
    return true;
}

/* `e`: the figure line of the run, ready to edit. */
static bool train_prompt(struct session *s, const struct words *words, struct err *err)
{
    const struct training *t = s->view.train.run;
    bool export = words->count == 1 && strncmp(words->word[0], "export", 6) == 0;
    char line[256];
    if (!export || !t)
        return do_prompt(s, words, err);
    snprintf(line, sizeof line, "export train %s-train.png width=89mm dpi=300", t->name);
    prompt_open(PROMPT_COMMAND, line);
    s->dirty = true;
    return true;
}

/* `export train ...` of the run on screen; every other figure is Explore's. */
static bool train_export(struct session *s, const struct words *words, struct err *err)
{
    const struct training *t = s->view.train.run;
    bool curves = words->count == 0 || strcmp(words->word[0], "train") == 0;
    if (!t || !curves)
        return do_export(s, words, err);
    struct export_request request;
    struct export_result result = {0};
    const char *directory = t->directory;
    export_request_init(&request);
    request.force = words->force;
    request.figure.scale = s->view.train.log_scale ? SCALE_LOG : SCALE_LINEAR;
    bool ok = true;
    for (size_t i = 1; ok && i < words->count; i++)
        ok = export_word(&request, words->word[i], err);
    ok = ok && export_train(&directory, 1, &request, &result, err);
    if (ok)
        session_note(s, "%s written", result.path[0]);
    export_result_free(&result);
    export_request_free(&request);
    return ok;
}

static bool train_back(struct session *s, const struct words *words, struct err *err)
{
    struct train_state *v = &s->view.train;
    if (s->view.overlay != OVERLAY_NONE)
        return do_back(s, words, err);
    if (v->zoomed) {
        v->zoomed = false;
    } else if (v->run && !run_control_trains(s)) {
        run_control_show_form(s, true);
        screens_show(s);
    } else {
        dialog_screen(s, SCREEN_EXPLORE);
    }
    s->dirty = true;
    return true;
}

const struct screen_action screens_train[] = {
    {"focus", train_focus, PANES},         {"view", train_view, "next|" VALUES},
    {"scale", train_scale, SCALES},        {"norm", train_scale, SCALES},
    {"zoom", train_zoom, "larger|smaller"}, {"step", train_step, NULL},
    {"play", train_play, NULL},            {"move", train_move, NULL},
    {"back", train_back, NULL},            {"stop", train_stop, NULL},
    {"prompt", train_prompt, NULL},        {"export", train_export, "train"},
    {"follow", train_follow, NULL},        {NULL, NULL, NULL}};
