/* The Data screen: what keys mean beside a data file. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "app/data_screen.h"
#include "app/dialog.h"
#include "app/refusal.h"
#include "app/screens.h"
#include "engine/base/size.h"

static void show_list(struct session *s)
{
    struct list *list = dialog_begin(s);
    list_add(list, "Open a data file ...", "text, JSON lines, SQuAD, MRQA, plain or compressed",
             "prompt command \"data \"");
    if (data_screen_path(s))
        list_add_text(list, "reading %s ...", data_screen_path(s));
    dialog_show(s, OVERLAY_NONE, "Data: what the trainer will see",
                "arrows and Enter choose \u00b7 Esc \u00b7 ⁅?⁆ help");
}

void screens_data_show(struct session *s)
{
    dialog_begin(s);
    s->view.overlay = OVERLAY_NONE;
    if (!s->view.data.set)
        show_list(s);
    else
        data_screen_follow(s);
}

void screens_data_refresh(struct session *s)
{
    if (s->view.overlay == OVERLAY_NONE)
        screens_data_show(s);
}

/* ---- commands ------------------------------------------------------------------- */

bool do_data(struct session *s, const struct words *words, struct err *err)
{
    if (!words->rest[0])
        return refusal_wants(words, err, "a file");
    if (!s->worker)
        return err_set(err, ERR_USAGE, "no model is open" WAY ":model PATH opens one");
    if (!file_check_readable(words->rest, err))
        return false;
    data_screen_open(s, words->rest);
    s->view.screen = SCREEN_DATA;
    screens_show(s);
    return true;
}

/* ---- keys ------------------------------------------------------------------------- */

/* `by` rows on that pass the filter, as far as there are any. */
static void move_by(struct session *s, long by)
{
    struct data_state *v = &s->view.data;
    long step = by < 0 ? -1 : 1;
    for (; by != 0; by -= step) {
        size_t next = samples_row_next(v->set, v->at + (size_t)step, step, v->filter);
        if (next == SIZE_MAX)
            break;
        v->at = next;
    }
    data_screen_follow(s);
    s->dirty = true;
}

static bool data_move(struct session *s, const struct words *words, struct err *err)
{
    enum { PAGE = 20, ALL = 1 << 30 };
    static const struct {
        const char *word;
        long by;
    } moves[] = {{"up", -1}, {"down", 1}, {"left", -1}, {"right", 1}, {"window-back", -1},
                 {"window-on", 1}, {"page-up", -PAGE}, {"page-down", PAGE},
                 {"half-up", -PAGE / 2}, {"half-down", PAGE / 2}, {"first", -ALL}, {"last", ALL}};
    if (!s->view.data.set || words->count != 1)
        return err_set(err, ERR_USAGE, "no data file is open" WAY ":data FILE opens one");
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        if (strcmp(words->word[0], moves[i].word) == 0)
            move_by(s, moves[i].by);
    return true;
}

static bool data_focus(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    (void)err;
    s->view.data.focus = s->view.data.focus == DATA_LIST ? DATA_SAMPLE : DATA_LIST;
    s->dirty = true;
    return true;
}

#define VIEWS "text|tokens|raw"
static bool data_view(struct session *s, const struct words *words, struct err *err)
{
    struct data_state *v = &s->view.data;
    int which = words->count == 1 ? action_choice(words->word[0], VIEWS "|next", "view", err) : -1;
    if (which < 0)
        return words->count == 1 ? false : refusal_wants(words, err, "text, tokens, raw or next");
    v->view = (enum data_view)(which < DATA_VIEWS ? which : ((int)v->view + 1) % DATA_VIEWS);
    data_screen_follow(s);
    s->dirty = true;
    return true;
}

/* `/` narrows the list; nothing drops the filter. */
static bool data_find(struct session *s, const struct words *words, struct err *err)
{
    struct data_state *v = &s->view.data;
    if (!v->set)
        return err_set(err, ERR_USAGE, "no data file is open" WAY ":data FILE opens one");
    snprintf(v->filter, sizeof v->filter, "%s", words->rest);
    size_t at = samples_row_next(v->set, v->at, 1, v->filter);
    if (at == SIZE_MAX)
        at = samples_row_next(v->set, 0, 1, v->filter);
    if (at == SIZE_MAX) {
        v->filter[0] = '\0';
        return err_set(err, ERR_USAGE, "nothing has \"%s\"" WAY
                       "⁅/⁆ filters by another text", words->rest);
    }
    v->at = at;
    data_screen_follow(s);
    s->dirty = true;
    return true;
}

static bool data_match(struct session *s, const struct words *words, struct err *err)
{
    (void)err;
    if (s->view.data.set)
        move_by(s, words->count == 1 && words->word[0][0] == 'p' ? -1 : 1);
    return true;
}

static bool data_goto(struct session *s, const struct words *words, struct err *err)
{
    size_t at = 0;
    char rest;
    if (!s->view.data.set || words->count != 1 ||
        sscanf(words->word[0], "%zu%c", &at, &rest) != 1 || at >= s->view.data.set->n_rows)
        return refusal_wants(words, err, "the number of a sample");
    s->view.data.at = at;
    data_screen_follow(s);
    s->dirty = true;
    return true;
}

static bool data_back(struct session *s, const struct words *words, struct err *err)
{
    struct data_state *v = &s->view.data;
    if (s->view.overlay != OVERLAY_NONE)
        return do_back(s, words, err);
    if (v->filter[0])
        v->filter[0] = '\0';
    else
        dialog_screen(s, SCREEN_EXPLORE);
    s->dirty = true;
    return true;
}

static bool data_again(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    if (!data_screen_path(s) || !s->worker)
        return err_set(err, ERR_USAGE, "no data file is open" WAY ":data FILE opens one");
    data_screen_open(s, data_screen_path(s));
    return true;
}

static bool data_follow(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    return data_screen_explore(s, err);
}

const struct screen_action screens_data[] = {
    {"move", data_move, NULL},   {"focus", data_focus, "next|previous"},
    {"view", data_view, VIEWS "|next"}, {"find", data_find, "cut|bad"},
    {"match", data_match, NULL}, {"goto", data_goto, NULL},
    {"back", data_back, NULL},   {"regen", data_again, NULL},
    {"follow", data_follow, NULL}, {NULL, NULL, NULL}};
