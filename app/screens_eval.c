/* The Eval screen: what keys mean beside results. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "app/dialog.h"
#include "app/eval_screen.h"
#include "app/export_eval.h"
#include "app/prompt.h"
#include "app/refusal.h"
#include "app/screens.h"
#include "app/values.h"
#include "engine/base/file.h"
#include "engine/base/size.h"

enum { LIMIT_STANDARD = 100 };

static const struct results_set *set_of(const struct session *s)
{
    const struct results *r = s->view.eval.results;
    return r && r->n ? &r->sets[size_min(s->view.eval.set, r->n - 1)] : NULL;
}

static void show_list(struct session *s)
{
    struct list *list = dialog_begin(s);
    list_add(list, "Evaluate a data file ...",
             "questions: SQuAD, MRQA, JSON lines; the first 100 of them",
             "prompt command \"eval \"");
    list_add_text(list, "Exact match and F1 of answers from the full context, the slots, the "
                        "slots of a wrong passage (the control), and from nothing. Explore stays "
                        "usable meanwhile.");
    dialog_show(s, OVERLAY_NONE, "Eval: what the compressor keeps",
                "arrows and Enter choose \u00b7 Esc \u00b7 ⁅?⁆ help");
}

void screens_eval_show(struct session *s)
{
    dialog_begin(s);
    s->view.overlay = OVERLAY_NONE;
    if (!set_of(s))
        show_list(s);
}

/* The cursor stays on an example that is listed. */
void screens_eval_refresh(struct session *s)
{
    struct eval_state *v = &s->view.eval;
    const struct results_set *set = set_of(s);
    if (s->view.overlay != OVERLAY_NONE)
        return;
    if (set && (v->example >= set->n || !results_matches(&set->examples[v->example], v->filter))) {
        size_t first = results_next(set, 0, 1, v->filter);
        v->example = first == SIZE_MAX ? 0 : first;
    }
    screens_eval_show(s);
}

/* ---- commands ------------------------------------------------------------------- */

bool do_eval(struct session *s, const struct words *words, struct err *err)
{
    uint64_t limit = LIMIT_STANDARD;
    size_t files = words->count;
    if (files >= 2 && strcmp(words->word[files - 2], "limit") == 0) {
        if (!value_count(words->word[files - 1], &limit))
            return refusal_wants(words, err, "a number of questions behind limit, 0 for all");
        files -= 2;
    }
    if (files == 0 || !s->worker)
        return refusal_wants(words, err, "data files");
    for (size_t i = 0; i < files; i++)
        if (!file_check_readable(words->word[i], err))
            return false;
    for (size_t i = 0; i < files; i++)
        eval_screen_start(s, words->word[i], (size_t)limit);
    s->view.screen = SCREEN_EVAL;
    screens_show(s);
    return true;
}

/* ---- keys ------------------------------------------------------------------------- */

static void move_by(struct session *s, long by)
{
    struct eval_state *v = &s->view.eval;
    const struct results_set *set = set_of(s);
    long step = by < 0 ? -1 : 1;
    for (; set && by != 0; by -= step) {
        size_t next = results_next(set, v->example + (size_t)step, step, v->filter);
        if (next == SIZE_MAX)
            break;
        v->example = next;
    }
    s->dirty = true;
}

static void other_set(struct session *s, long by)
{
    struct eval_state *v = &s->view.eval;
    const struct results *r = v->results;
    if (!r || r->n == 0)
        return;
    v->set = size_min(v->set, r->n - 1);
    if (by < 0 && v->set > 0)
        v->set--;
    else if (by > 0 && v->set + 1 < r->n)
        v->set++;
    else
        session_note(s, "this is the %s set", by < 0 ? "first" : "last");
    v->example = 0;
    screens_eval_refresh(s);
}

static bool eval_move(struct session *s, const struct words *words, struct err *err)
{
    enum { PAGE = 20, ALL = 1 << 30 };
    static const struct {
        const char *word;
        long by, set;
    } moves[] = {{"up", -1, 0}, {"down", 1, 0}, {"left", 0, -1}, {"right", 0, 1},
                 {"window-back", 0, -1}, {"window-on", 0, 1}, {"page-up", -PAGE, 0},
                 {"page-down", PAGE, 0}, {"half-up", -PAGE / 2, 0}, {"half-down", PAGE / 2, 0},
                 {"first", -ALL, 0}, {"last", ALL, 0}};
    if (words->count != 1)
        return refusal_wants(words, err, "a direction");
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        if (strcmp(words->word[0], moves[i].word) == 0) {
            if (moves[i].set)
                other_set(s, moves[i].set);
            else
                move_by(s, moves[i].by);
        }
    return true;
}

static bool eval_view(struct session *s, const struct words *words, struct err *err)
{
    struct eval_state *v = &s->view.eval;
    int which = words->count == 1 && strcmp(words->word[0], "next") == 0
                    ? ((int)v->filter + 1) % RESULTS_FILTER_COUNT
                : words->count == 1
                    ? action_choice(words->word[0], "lost|won|wrong|all", "examples", err)
                    : -1;
    if (which < 0)
        return words->count == 1 || refusal_wants(words, err, "lost, won, wrong or all");
    v->filter = (enum results_filter)which;
    screens_eval_refresh(s);
    s->dirty = true;
    return true;
}

static bool eval_back(struct session *s, const struct words *words, struct err *err)
{
    if (s->view.overlay != OVERLAY_NONE)
        return do_back(s, words, err);
    dialog_screen(s, SCREEN_EXPLORE);
    return true;
}

static bool eval_stop(struct session *s, const struct words *words, struct err *err)
{
    if (!s->worker || !(worker_cancel(s->worker, JOB_EVAL) & JOB_EVAL))
        return do_stop(s, words, err);
    session_note(s, "stopped; ⁅r⁆ runs the set again");
    return true;
}

static bool eval_again(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    return s->worker ? eval_screen_again(s, err) : err_set(err, ERR_USAGE, "no model is open" WAY
                                                           ":model PATH opens one");
}

static bool eval_follow(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    return eval_screen_explore(s, err);
}

/* `e`: the table as a file, ready to edit. */
static bool eval_prompt(struct session *s, const struct words *words, struct err *err)
{
    bool export = words->count == 1 && strncmp(words->word[0], "export", 6) == 0;
    if (!export || !s->view.eval.results)
        return do_prompt(s, words, err);
    prompt_open(PROMPT_COMMAND, "export eval eval.csv");
    s->dirty = true;
    return true;
}

/* `export eval FILE.csv`; every other figure is Explore's. */
static bool eval_export(struct session *s, const struct words *words, struct err *err)
{
    bool table = words->count && strcmp(words->word[0], "eval") == 0;
    if (!table || !s->view.eval.results)
        return do_export(s, words, err);
    if (words->count != 2)
        return refusal_wants(words, err, "eval and a file, as eval.csv");
    if (!export_eval(s->view.eval.results, words->word[1], words->force, err))
        return false;
    session_note(s, "%s written", words->word[1]);
    return true;
}

const struct screen_action screens_eval[] = {
    {"move", eval_move, NULL},     {"view", eval_view, "next|lost|won|wrong|all"},
    {"back", eval_back, NULL},     {"stop", eval_stop, NULL},
    {"regen", eval_again, NULL},   {"follow", eval_follow, NULL},
    {"prompt", eval_prompt, NULL}, {"export", eval_export, "eval"},
    {NULL, NULL, NULL}};
