/* Commands that change what the method computes, and the way back. */
#include <stdio.h>
#include <string.h>

#include "app/actions.h"
#include "app/cursor.h"
#include "app/dialog.h"
#include "app/refusal.h"
#include "app/settings.h"
#include "app/values.h"
#include "engine/base/text.h"

bool do_set(struct session *s, const struct words *words, struct err *err)
{
    if (words->count < 1 || words->count > 2)
        return refusal_wants(words, err, "a name and a value");
    enum setting setting = setting_find(words->word[0], err);
    if (setting == SETTING_COUNT)
        return false;
    if (words->count == 2)
        return setting_change(s, setting, words->word[1], err);
    char value[64];
    setting_format(s, setting, value, sizeof value);
    session_note(s, "%s %s: %s (%s)", settings_table[setting].name, value,
                 settings_table[setting].help, settings_table[setting].values);
    return true;
}

bool do_show(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    (void)err;
    dialog_settings(s);
    return true;
}

bool do_strip(struct session *s, const struct words *words, struct err *err)
{
    int choice = words->count ? action_choice(words->word[0], "on|off", "strip", err) : 2;
    if (choice < 0)
        return false;
    s->view.strip_open = choice == 2 ? !s->view.strip_open : choice == 0;
    s->dirty = true;
    return true;
}

/* ---- iterations -------------------------------------------------------------------- */

/* The iterations that can be shown without computing anything. */
static bool need_history(const struct session *s, unsigned *iters, struct err *err)
{
    const struct snapshot_window *w = session_window(s);
    if (!w || !w->has_plan)
        return err_set(err, ERR_USAGE, "this window has no plan yet" WAY
                       "it comes when it is read");
    if (!w->f)
        return err_set(err, ERR_USAGE, "the iterations of this window were not kept" WAY
                       "⁅r⁆ reads it again");
    *iters = w->iters;
    return true;
}

static void show_iteration(struct session *s, long iteration, unsigned iters)
{
    s->play.fps = 0;
    s->view.playing = s->play.opening = false;
    if (iteration < 0)
        iteration = 0;
    s->view.iteration = iteration >= (long)iters ? -1 : (int)iteration;
    s->dirty = true;
}

bool do_iter(struct session *s, const struct words *words, struct err *err)
{
    unsigned iters = 0;
    uint64_t n = 0;
    if (words->count != 1)
        return refusal_wants(words, err, "a number, or last");
    bool last = strcmp(words->word[0], "last") == 0;
    if (!need_history(s, &iters, err))
        return false;
    if (!last && (!value_count(words->word[0], &n) || n > iters))
        return err_set(err, ERR_USAGE, "iteration %s is not in 0..%u", words->word[0], iters);
    show_iteration(s, last ? iters : (long)n, iters);
    return true;
}

bool do_step(struct session *s, const struct words *words, struct err *err)
{
    unsigned iters = 0;
    int way = words->count == 1 ? action_choice(words->word[0], "back|on", "step", err)
                                : (refusal_wants(words, err, "back or on"), -1);
    if (way < 0 || !need_history(s, &iters, err))
        return false;
    long now = s->view.iteration < 0 ? (long)iters : s->view.iteration;
    show_iteration(s, now + (way ? 1 : -1), iters);
    return true;
}

bool do_play(struct session *s, const struct words *words, struct err *err)
{
    unsigned iters = 0;
    double fps = PLAY_FPS;
    if (s->play.fps > 0) { /* hold */
        s->play.fps = 0;
        s->view.playing = s->play.opening = false;
        s->dirty = true;
        return true;
    }
    if (words->count > 1 || (words->count == 1 && (!value_real(words->word[0], &fps) || fps < 0.1 ||
                                                   fps > s->preferences.fps)))
        return refusal_wants(words, err, "frames a second, 0.1..%.4g", s->preferences.fps);
    if (!need_history(s, &iters, err))
        return false;
    if (s->view.iteration < 0)
        s->view.iteration = 0;
    s->view.playing = true;
    s->play.fps = fps;
    s->play.next_ms = s->now_ms + 1e3 / fps;
    s->dirty = true;
    return true;
}

/* ---- undo ----------------------------------------------------------------------------- */

static void tell_settings(struct session *s, const char *what)
{
    const struct compress_settings *c = &s->edits.settings;
    size_t edits = view_edits_count(s->snapshot, &s->view);
    session_note(s, "%s: iterations %u, eps %.4g, window %zu, ratio %.4g, %zu edit%s", what,
                 c->iters, c->eps, c->window, c->ratio, edits, text_plural(edits));
}

static bool travel(struct session *s, bool back, struct err *err)
{
    struct edits before = edits_copy(&s->edits);
    bool moved = back ? undo_back(&s->undo, &s->edits) : undo_forward(&s->undo, &s->edits);
    if (moved) {
        setting_publish(s, &before);
        tell_settings(s, back ? "undone" : "done again");
    }
    edits_free(&before);
    return moved || err_set(err, ERR_USAGE,
                            back ? "nothing to undo" WAY "it takes back settings and edits"
                                 : "nothing to do again" WAY "it does what ⁅u⁆ undoes");
}

bool do_undo(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    return travel(s, true, err);
}

bool do_redo(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    return travel(s, false, err);
}

bool do_reset(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    if (!s->edits_known || edits_equal(&s->edits, &s->opened_with))
        return err_set(err, ERR_USAGE, "there are no edits to drop" WAY
                       "⁅m⁆ mutes, ⁅<⁆ ⁅>⁆ change mass");
    if (!setting_apply_edits(s, edits_copy(&s->opened_with), err))
        return false;
    tell_settings(s, "edits dropped (⁅u⁆ brings them back)");
    return true;
}
