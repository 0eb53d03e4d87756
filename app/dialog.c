#include "app/dialog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "app/cursor.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "views/health.h"

enum { LIST_PAGE = 10 };

struct list *dialog_begin(struct session *s)
{
    list_clear(&s->list);
    s->view.entries = NULL;
    s->view.n_entries = 0;
    s->dialog_reopen = NULL;
    return &s->list;
}

static bool can_choose(const struct session *s, size_t i)
{
    const struct list_entry *entry = &s->list.entries[i];
    return entry->label[0] && !entry->disabled && view_entry_matches(entry, s->view.filter);
}

/* A problem that is longer than the screen is read line by line, down to its choices. */
static bool reads_lines(const struct session *s)
{
    struct view_state end = s->view;
    if (end.overlay != OVERLAY_PROBLEM || !s->snapshot || s->list.count == 0)
        return false;
    end.overlay_at = s->list.count - 1;
    view_follow_cursor(s->snapshot, &end);
    return end.overlay_top > 0;
}

/* The first choice, or line to be read, at or after i in direction by; where one is when there
 * is none. */
static size_t choice_from(const struct session *s, size_t i, int by)
{
    bool lines = reads_lines(s);
    for (size_t at = i; at < s->list.count; at += (size_t)(long)by)
        if (lines || can_choose(s, at))
            return at;
    return s->view.overlay_at < s->list.count ? s->view.overlay_at : 0;
}

void dialog_show(struct session *s, enum overlay overlay, const char *title, const char *keys)
{
    struct view_state *v = &s->view;
    v->overlay = overlay;
    v->overlay_over = PANE_COUNT;
    v->entries = s->list.entries;
    v->n_entries = s->list.count;
    v->dialog_title = title;
    v->dialog_keys = keys;
    v->filter[0] = '\0';
    v->overlay_top = v->overlay_at = 0;
    v->overlay_at = choice_from(s, 0, 1);
    s->filtering = overlay == OVERLAY_HELP || overlay == OVERLAY_COMMANDS;
    s->quit_asked = false;
    s->dirty = true;
    if (s->snapshot) /* a small screen begins at the choice, too */
        view_follow_cursor(s->snapshot, v);
}

void dialog_overlay(struct session *s, enum overlay overlay)
{
    dialog_begin(s);
    dialog_show(s, overlay, NULL, NULL);
    s->filtering = false;
}

/* What stands behind a box that is gone. */
static void go_home(struct session *s)
{
    if (s->view.screen != SCREEN_EXPLORE)
        dialog_screen(s, s->view.screen);
    else if (!s->document.path)
        dialog_start(s);
}

void dialog_close(struct session *s)
{
    struct view_state *v = &s->view;
    if (v->filter[0] && !s->filtering) { /* one step back: the filter first */
        v->filter[0] = '\0';
        s->dirty = true;
        return;
    }
    dialog_begin(s);
    v->overlay = OVERLAY_NONE;
    v->filter[0] = '\0';
    s->filtering = s->quit_asked = false;
    s->dirty = true;
    go_home(s);
}

void dialog_refresh(struct session *s)
{
    bool list = s->view.overlay == OVERLAY_DIALOG || s->view.overlay == OVERLAY_START;
    size_t at = s->view.overlay_at;
    if (!list || !s->dialog_reopen || s->view.filter[0])
        return;
    session_compose(s);
    s->dialog_reopen(s);
    s->view.overlay_at = choice_from(s, at, 1);
}

/* ---- keys --------------------------------------------------------------------------- */

static bool has_lines(const struct session *s)
{
    return s->view.entries != NULL;
}

/* The list scrolls to what is chosen. */
static void follow(struct session *s)
{
    view_follow_cursor(s->snapshot, &s->view);
    s->dirty = true;
}

static void move_in_list(struct session *s, long by)
{
    struct view_state *v = &s->view;
    if (!has_lines(s)) { /* health and texts: views bound the place */
        long at = (long)v->overlay_at + by;
        v->overlay_at = at < 0 ? 0 : (size_t)at;
        follow(s);
        return;
    }
    int step = by < 0 ? -1 : 1;
    for (long n = by < 0 ? -by : by; n > 0; n--) {
        size_t next = choice_from(s, v->overlay_at + (size_t)(long)step, step);
        if (next == v->overlay_at)
            break;
        v->overlay_at = next;
    }
    follow(s);
}

/* Health lines lead to the place that is worst. */
static void go_to_worst(struct session *s)
{
    struct health_line lines[HEALTH_LINES];
    size_t count = health_compute(s->snapshot, &s->view, lines);
    struct source to = s->view.overlay_at < count ? lines[s->view.overlay_at].worst
                                                  : (struct source){0};
    if (to.kind == SOURCE_NONE) {
        session_note(s, "this line has no worst place");
        return;
    }
    dialog_close(s);
    cursor_focus(s, to.kind == SOURCE_LAYER ? PANE_GATES : PANE_PLAN);
    cursor_to_token(s, to.token);
    if (to.kind == SOURCE_LAYER)
        cursor_to_layer(s, to.layer);
    if (to.kind == SOURCE_SLOT)
        cursor_to_slot(s, to.slot);
}

static void run_chosen(struct session *s)
{
    if (s->view.overlay == OVERLAY_HEALTH) {
        go_to_worst(s);
        return;
    }
    size_t at = s->view.overlay_at;
    if (at >= s->list.count || !can_choose(s, at) || !s->list.commands[at])
        return;
    char *command = xstrdup(s->list.commands[at]);
    dialog_begin(s);
    s->view.overlay = OVERLAY_NONE;
    s->filtering = false;
    action_perform(s, command);
    free(command);
    if (s->view.overlay == OVERLAY_NONE && !s->view.entries && !s->quit)
        go_home(s);
    s->dirty = true;
}

static void set_filter(struct session *s, size_t length)
{
    s->view.filter[length] = '\0';
    s->view.overlay_top = 0;
    s->view.overlay_at = 0;
    s->view.overlay_at = choice_from(s, 0, 1);
    follow(s);
}

/* Typed characters narrow the list; true when the key was one. */
static bool type_filter(struct session *s, uint32_t key)
{
    size_t length = strlen(s->view.filter);
    char bytes[4];
    if (key == KEYCODE_BACKSPACE) {
        while (length && (s->view.filter[--length] & 0xc0) == 0x80)
            ;
        set_filter(s, length);
        return true;
    }
    if (key > KEYCODE_LAST_CHARACTER || key < ' ' || text_width(key) < 1)
        return false;
    size_t n = text_encode(key, bytes);
    if (length + n < sizeof s->view.filter) {
        memcpy(s->view.filter + length, bytes, n);
        set_filter(s, length + n);
    }
    return true;
}

/* The arrows and what goes with them. */
static bool list_key(struct session *s, uint32_t key)
{
    switch (key) {
    case KEYCODE_UP: move_in_list(s, -1); return true;
    case KEYCODE_DOWN: move_in_list(s, 1); return true;
    case KEYCODE_PAGE_UP: move_in_list(s, -LIST_PAGE); return true;
    case KEYCODE_PAGE_DOWN: move_in_list(s, LIST_PAGE); return true;
    case KEYCODE_HOME: move_in_list(s, -(long)s->list.count - 1000); return true;
    case KEYCODE_END: move_in_list(s, (long)s->list.count + 1000); return true;
    case KEYCODE_ENTER: run_chosen(s); return true;
    default: return false;
    }
}

/* While a filter is typed in a dialog, Enter and Esc end the typing. */
static bool dialog_filter_key(struct session *s, uint32_t key)
{
    bool typing_only = s->view.overlay != OVERLAY_HELP && s->view.overlay != OVERLAY_COMMANDS;
    if (typing_only && (key == KEYCODE_ENTER || key == KEYCODE_ESCAPE)) {
        s->filtering = false;
        if (key == KEYCODE_ESCAPE)
            set_filter(s, 0);
        s->dirty = true;
        return true;
    }
    return type_filter(s, key);
}

bool dialog_key(struct session *s, const struct input_event *event)
{
    if (event->kind != INPUT_KEY)
        return false;
    if (s->filtering && dialog_filter_key(s, event->key))
        return true;
    if (list_key(s, event->key))
        return true;
    if (event->key == '/' && has_lines(s) && s->view.overlay != OVERLAY_PROBLEM) {
        s->filtering = true;
        return true;
    }
    if (s->quit_asked && event->key == 'q') {
        dialog_close(s);
        action_perform(s, "quit!");
        return true;
    }
    if (event->key == 'k' || event->key == 'j') {
        move_in_list(s, event->key == 'k' ? -1 : 1);
        return true;
    }
    return false;
}
