/* Commands that change how things are shown. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/actions.h"
#include "app/cursor.h"
#include "app/dialog.h"
#include "app/jobs.h"
#include "app/refusal.h"
#include "app/values.h"
#include "views/layout.h"

/* `cmd next|a|b|c`: the new index, or -1. */
static int choose(const struct words *words, const char *list, int now, int count, struct err *err)
{
    if (words->count != 1) {
        refusal_wants(words, err, "one word");
        return -1;
    }
    if (strcmp(words->word[0], "next") == 0)
        return (now + 1) % count;
    return action_choice(words->word[0], list, words->name, err);
}

bool do_norm(struct session *s, const struct words *words, struct err *err)
{
    int n = choose(words, "window|token|slot", (int)s->view.normalise, NORM_COUNT, err);
    if (n < 0)
        return false;
    s->view.normalise = (enum normalise)n;
    session_note(s, "normalised by %s", normalise_name[n]);
    return true;
}

bool do_scale(struct session *s, const struct words *words, struct err *err)
{
    int n = choose(words, "linear|sqrt|log", (int)s->view.scale, SCALE_COUNT, err);
    if (n < 0)
        return false;
    s->view.scale = (enum scale)n;
    session_note(s, "%s scale", scale_name[n]);
    return true;
}

bool do_colors(struct session *s, const struct words *words, struct err *err)
{
    int n = choose(words, "viridis|cividis|magma|gray", (int)s->view.map, MAP_COUNT, err);
    if (n < 0)
        return false;
    s->view.map = (enum color_map)n;
    session_note(s, "colours: %s", color_map_name[n]);
    return true;
}

bool do_unit(struct session *s, const struct words *words, struct err *err)
{
    int n = choose(words, "token|word|sentence", (int)s->view.unit, UNIT_COUNT, err);
    if (n < 0)
        return false;
    s->view.unit = (enum unit)n;
    session_note(s, "unit: %s", unit_name[n]);
    return true;
}

bool do_limits(struct session *s, const struct words *words, struct err *err)
{
    double low, high;
    int pane = PANE_COUNT;
    if (words->count == 1 && strcmp(words->word[0], "auto") == 0) {
        s->view.limit_low = s->view.limit_high = (double)NAN;
        s->dirty = true;
        return true;
    }
    if (words->count < 2 || words->count > 3 || !value_real(words->word[0], &low) ||
        !value_real(words->word[1], &high))
        return refusal_wants(words, err, "two numbers and perhaps gates or plan, or auto");
    if (words->count == 3 && (pane = action_choice(words->word[2], "gates|plan", "pane", err)) < 0)
        return false;
    if (low >= high)
        return err_set(err, ERR_USAGE, "limits %s is not below %s", words->word[0],
                       words->word[1]);
    s->view.limit_low = low;
    s->view.limit_high = high;
    s->view.limit_pane = words->count == 2 ? PANE_COUNT : pane ? PANE_PLAN : PANE_GATES;
    s->dirty = true;
    return true;
}

/* ---- what a pane paints ---------------------------------------------------------- */

static void set_value(struct session *s, enum pane pane, enum view_value value)
{
    s->view.value[pane] = value;
    if (value == VALUE_LOSS && s->worker && !s->restored && !s->snapshot->loss && session_tokens(s))
        jobs_loss(s);
    char words[VIEW_VALUE_WORDS];
    session_note(s, "%s: %s", pane_name[pane], view_value_words(value, words));
}

static void next_value(struct session *s)
{
    enum pane pane = s->view.focus;
    enum view_value value = s->view.value[pane];
    do
        value = (enum view_value)((value + 1) % VALUE_COUNT);
    while (view_value_pane[value] != pane);
    set_value(s, pane, value);
}

static bool name_value(struct session *s, enum pane pane, const char *word, struct err *err)
{
    char list[256] = "";
    int found = -1, index = 0;
    for (int v = 0; v < VALUE_COUNT; v++)
        if (view_value_pane[v] == pane) {
            size_t used = strlen(list);
            snprintf(list + used, sizeof list - used, "%s|", view_value_name[v]);
        }
    int choice = action_choice(word, list, pane_name[pane], err);
    if (choice < 0)
        return false;
    for (int v = 0; v < VALUE_COUNT && found < 0; v++)
        if (view_value_pane[v] == pane && index++ == choice)
            found = v;
    set_value(s, pane, (enum view_value)found);
    return true;
}

bool do_view(struct session *s, const struct words *words, struct err *err)
{
    if (words->count == 1 && strcmp(words->word[0], "next") == 0) {
        next_value(s);
        return true;
    }
    if (words->count < 1 || words->count > 2)
        return refusal_wants(words, err, "a pane and a value");
    int pane = action_choice(words->word[0], ACTION_PANES, "pane", err);
    if (pane < 0)
        return false;
    if (words->count == 2 && !name_value(s, (enum pane)pane, words->word[1], err))
        return false;
    cursor_focus(s, (enum pane)pane);
    return true;
}

/* ---- zoom, turn -------------------------------------------------------------------- */

enum { ZOOM_LEVELS = 3 };

static bool zoom_cells(struct session *s, int by, struct err *err)
{
    struct view_state *v = &s->view;
    if (!v->zoomed)
        return err_set(err, ERR_USAGE, "cells grow in a zoomed pane only" WAY "⁅z⁆ zooms");
    if (v->focus != PANE_GATES && v->focus != PANE_PLAN)
        return err_set(err, ERR_USAGE, "a text has no cells" WAY "gates and plan have some");
    int level = v->zoom_level + by;
    if (level < 0 || level >= ZOOM_LEVELS)
        return err_set(err, ERR_USAGE, "the cells are as %s" WAY "%s",
                       level < 0 ? "small as they fit" : "large as they get",
                       level < 0 ? "⁅+⁆ makes them larger" : "⁅-⁆ makes them smaller");
    v->zoom_level = level;
    cursor_focus(s, v->focus);
    return true;
}

bool do_zoom(struct session *s, const struct words *words, struct err *err)
{
    struct view_state *v = &s->view;
    if (words->count > 1)
        return refusal_wants(words, err, "one word at most");
    if (words->count == 0) {
        v->zoomed = !v->zoomed;
        v->zoom_level = 0;
        cursor_focus(s, v->focus);
        return true;
    }
    int choice = action_choice(words->word[0], ACTION_PANES "|off|larger|smaller", "zoom", err);
    if (choice < 0)
        return false;
    if (choice > 4)
        return zoom_cells(s, choice == 5 ? 1 : -1, err);
    v->zoomed = choice < 4;
    cursor_focus(s, choice < 4 ? (enum pane)choice : v->focus);
    return true;
}

bool do_layout(struct session *s, const struct words *words, struct err *err)
{
    if (words->count != 1)
        return refusal_wants(words, err, "auto, wide or narrow");
    int n = action_choice(words->word[0], "auto|wide|narrow", "layout", err);
    if (n < 0)
        return false;
    bool room = s->view.columns >= LAYOUT_WIDE_COLUMNS && s->view.rows >= LAYOUT_WIDE_ROWS_LEAST;
    s->view.arrangement = (enum arrangement)n;
    cursor_focus(s, s->view.focus);
    if (n == ARRANGE_WIDE && !room)
        session_note(s, "layout: wide, as soon as the screen has %dx%d", LAYOUT_WIDE_COLUMNS,
                     LAYOUT_WIDE_ROWS_LEAST);
    else
        session_note(s, "layout: %s", arrangement_name[n]);
    return true;
}

bool do_turn(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    (void)err;
    s->view.turned = !s->view.turned;
    session_note(s, s->view.turned ? "the plan and its figures: tokens go down"
                                   : "the plan and its figures: tokens go across");
    cursor_focus(s, s->view.focus);
    return true;
}

/* ---- overlays ------------------------------------------------------------------------ */

bool do_health(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    if (!session_window(s))
        return err_set(err, ERR_USAGE, "there is no plan yet" WAY
                       "the window at the cursor is read first");
    dialog_overlay(s, OVERLAY_HEALTH);
    return true;
}

bool do_explain(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    (void)err;
    dialog_overlay(s, s->view.overlay == OVERLAY_EXPLAIN ? OVERLAY_NONE : OVERLAY_EXPLAIN);
    return true;
}

bool do_info(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    (void)err;
    dialog_info(s);
    return true;
}

bool do_stats(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    if (!session_tokens(s))
        return err_set(err, ERR_USAGE, "no document is open" WAY "⁅O⁆ opens one");
    dialog_stats(s);
    return true;
}

bool do_log(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    (void)err;
    dialog_log(s);
    return true;
}

bool do_help(struct session *s, const struct words *words, struct err *err)
{
    (void)err;
    if (strcmp(words->rest, "commands") == 0)
        dialog_commands(s, "");
    else if (strcmp(words->rest, "words") == 0)
        dialog_overlay(s, OVERLAY_WORDS);
    else if (strcmp(words->rest, "formulas") == 0)
        dialog_overlay(s, OVERLAY_FORMULAS);
    else if (words->rest[0])
        dialog_commands(s, words->rest);
    else
        dialog_help(s);
    return true;
}
