#include "app/respond.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "app/cursor.h"
#include "app/dialog.h"
#include "app/prompt.h"
#include "app/record.h"
#include "app/refusal.h"
#include "app/screens.h"
#include "app/settings.h"
#include "app/tour.h"
#include "engine/base/mem.h"
#include "views/layout.h"

enum { WHEEL_LINES = 3, STOPS_END_MS = 1000 };

/* ---- prompt ----------------------------------------------------------------------- */

static void run_prompt_line(struct session *s, enum prompt_kind kind, const char *line)
{
    struct err err = {0};
    bool ok = true;
    switch (kind) {
    case PROMPT_COMMAND:
        record_command(s, line + (line[0] == ':'), "");
        ok = action_run(s, line + (line[0] == ':'), &err);
        break;
    case PROMPT_ASK:
        record_command(s, "ask", line);
        ok = !line[0] || action_run_text(s, "ask", line, &err);
        break;
    case PROMPT_FIND:
        record_command(s, "find", line);
        ok = action_run_text(s, "find", line, &err);
        break;
    default:
        ok = setting_change(s, setting_of_field(s->view.strip_field), line, &err) ||
             refusal_complete("set", &err);
    }
    if (!ok)
        session_warn(s, "%s", err.text);
}

static void respond_prompt(struct session *s, const struct input_event *event)
{
    enum prompt_kind kind = prompt_kind();
    if (s->matches_shown)
        s->view.message[0] = '\0';
    s->matches_shown = false;
    enum prompt_result result = prompt_key(event);
    s->dirty = true;
    if (result == PROMPT_EDITOR)
        s->edit_prompt = true;
    if (result != PROMPT_ACCEPTED && result != PROMPT_LEFT)
        return;
    char *line = result == PROMPT_ACCEPTED ? xstrdup(prompt_line()) : NULL;
    prompt_close();
    if (line) {
        prompt_remember(kind, line);
        run_prompt_line(s, kind, line);
    }
    free(line);
}

/* ---- strip ------------------------------------------------------------------------- */

static bool respond_strip(struct session *s, uint32_t key)
{
    struct err err = {0};
    struct view_state *v = &s->view;
    char value[64];
    unsigned by;
    switch (key) {
    case KEYCODE_LEFT:
    case KEYCODE_RIGHT:
        by = key == KEYCODE_RIGHT ? 1 : STRIP_FIELDS - 1;
        v->strip_field = (enum strip_field)((v->strip_field + by) % STRIP_FIELDS);
        s->dirty = true;
        return true;
    case KEYCODE_UP:
    case KEYCODE_DOWN:
        if (!setting_step(s, v->strip_field, key == KEYCODE_UP ? 1 : -1, &err))
            session_fail(s, &err, "Enter types a value", "nothing changed");
        return true;
    case KEYCODE_ENTER:
        setting_format(s, setting_of_field(v->strip_field), value, sizeof value);
        prompt_open(PROMPT_VALUE, value);
        s->dirty = true;
        return true;
    default:
        return false;
    }
}

/* ---- keys ---------------------------------------------------------------------------- */

/* Three Ctrl-C within a second always end the program. */
static bool third_stop(struct session *s)
{
    s->stops_ms[0] = s->stops_ms[1];
    s->stops_ms[1] = s->stops_ms[2];
    s->stops_ms[2] = s->now_ms;
    return s->stops_ms[0] > 0 && s->now_ms - s->stops_ms[0] <= STOPS_END_MS;
}

static void run_key(struct session *s, uint32_t key)
{
    const struct binding *binding = keymap_find(&s->keymap, screens_scope(s), key);
    char name[KEYCODE_NAME_SIZE];
    if (!binding || !screens_take_key(s, binding)) {
        session_note(s, "%s has no use in the %s %s" WAY "⁅?⁆ shows the keys" WAY "nothing changed",
                     keycode_format(key, name), screens_place(s),
                     s->view.screen == SCREEN_EXPLORE ? "pane" : "screen");
        return;
    }
    char *command = xstrdup(binding->command); /* it may unbind itself */
    action_perform(s, command);
    free(command);
}

static bool overlay_takes(struct session *s, const struct input_event *event)
{
    enum screen screen = s->view.screen;
    bool lines = screen != SCREEN_EXPLORE && screen != SCREEN_COMPARE && s->view.n_entries;
    return (s->view.overlay != OVERLAY_NONE || lines) && dialog_key(s, event);
}

/* Before an audience a few keys go through the steps; all others are as ever. */
static bool respond_presenter(struct session *s, uint32_t key)
{
    if (!s->tour || !s->view.presenting)
        return false;
    switch (key) {
    case ' ':
    case KEYCODE_RIGHT:
    case KEYCODE_PAGE_DOWN: tour_next(s); return true;
    case KEYCODE_LEFT:
    case KEYCODE_PAGE_UP: tour_back(s); return true;
    case '.':
        s->view.blank = !s->view.blank;
        s->dirty = true;
        return true;
    case KEYCODE_ESCAPE: tour_stop(s); return true;
    default: return false;
    }
}

/* Nothing is shown but a sentence: what cannot be seen must not be changed. */
static bool is_too_small(const struct session *s)
{
    return s->view.rows < LAYOUT_TINY_ROWS || s->view.columns < LAYOUT_TINY_COLUMNS;
}

static void respond_too_small(struct session *s, uint32_t key)
{
    if (key == ('c' | KEYCODE_CTRL))
        action_perform(s, "stop");
    else if (key == 'q')
        action_perform(s, s->quit_asked ? "quit!" : "quit");
}

static void respond_key(struct session *s, const struct input_event *event)
{
    uint32_t key = event->key;
    if (key == ('c' | KEYCODE_CTRL) && third_stop(s)) {
        s->quit = true;
        s->exit_code = 130;
    } else if (key == ('z' | KEYCODE_CTRL)) {
        s->suspend = true;
    } else if (is_too_small(s)) {
        respond_too_small(s, key);
    } else if (prompt_is_open()) {
        respond_prompt(s, event);
    } else if (s->view.overlay == OVERLAY_NONE && respond_presenter(s, key)) {
        return;
    } else if (!overlay_takes(s, event) && !(s->view.strip_open && respond_strip(s, key))) {
        run_key(s, key);
    }
}

/* ---- mouse ----------------------------------------------------------------------------- */

/* As the arrows do, in boxes, lists and on the other screens. */
static void wheel(struct session *s, const struct view_hit *hit, bool up)
{
    enum pane front = s->view.focus;
    struct input_event arrow = {.kind = INPUT_KEY, .key = up ? KEYCODE_UP : KEYCODE_DOWN};
    if (s->view.overlay != OVERLAY_NONE || s->view.screen != SCREEN_EXPLORE) {
        for (int i = 0; i < WHEEL_LINES; i++)
            if (!overlay_takes(s, &arrow))
                run_key(s, arrow.key);
        return;
    }
    if (hit->kind == HIT_NOTHING || hit->kind == HIT_SCREEN || hit->kind == HIT_STRIP)
        return;
    s->view.focus = hit->pane;
    for (int i = 0; i < WHEEL_LINES; i++)
        cursor_move(s, up ? MOVE_UP : MOVE_DOWN);
    s->view.focus = front;
    view_follow_cursor(s->snapshot, &s->view);
}

/* Is the cursor already on what was hit? Then the click locks. */
static bool is_at_cursor(const struct view_state *v, const struct view_hit *hit)
{
    bool compared = hit->kind == HIT_COMPARE;
    /* A zoomed pane stays in front of the text below it. */
    if (compared ? v->compare_side != (int)hit->entry : !v->zoomed && v->focus != hit->pane)
        return false;
    switch (hit->kind) {
    case HIT_TOKEN: return v->token == hit->token;
    case HIT_GATE: return v->token == hit->token && v->layer == hit->layer;
    case HIT_PLAN:
    case HIT_COMPARE: return v->token == hit->token && v->slot == hit->slot;
    case HIT_ANSWER: return v->answer == hit->answer && v->answer_token == hit->answer_token;
    default: return false;
    }
}

static void move_to_hit(struct session *s, const struct view_hit *hit)
{
    if (hit->kind == HIT_COMPARE)
        s->view.compare_side = (int)hit->entry;
    else if (!s->view.zoomed)
        cursor_focus(s, hit->pane);
    switch (hit->kind) {
    case HIT_TOKEN: cursor_to_token(s, hit->token); return;
    case HIT_GATE:
        cursor_to_token(s, hit->token);
        cursor_to_layer(s, hit->layer);
        return;
    case HIT_PLAN:
    case HIT_COMPARE:
        cursor_to_token(s, hit->token);
        cursor_to_slot(s, hit->slot);
        return;
    case HIT_ANSWER: cursor_to_answer(s, hit->answer, hit->answer_token); return;
    default: return;
    }
}

/* The first click chooses, another one takes what is chosen. */
static void click_entry(struct session *s, size_t entry)
{
    struct input_event enter = {.kind = INPUT_KEY, .key = KEYCODE_ENTER};
    if (s->view.overlay_at == entry)
        dialog_key(s, &enter);
    else
        s->view.overlay_at = entry;
    s->dirty = true;
}

/* The first click chooses, another one follows. */
static void click_row(struct session *s, const struct view_hit *hit)
{
    struct eval_state *eval = &s->view.eval;
    bool sample = hit->kind == HIT_SAMPLE;
    char line[32];
    if (hit->entry == (sample ? s->view.data.at : eval->example)) {
        action_perform(s, "follow");
    } else if (sample) {
        snprintf(line, sizeof line, "goto %zu", hit->entry);
        action_perform(s, line);
    } else {
        eval->example = hit->entry;
    }
    s->dirty = true;
}

static void click_set(struct session *s, size_t entry)
{
    s->view.eval.set = entry;
    s->view.eval.example = 0;
    screens_refresh(s);
    s->dirty = true;
}

static void click(struct session *s, const struct view_hit *hit)
{
    char line[32];
    switch (hit->kind) {
    case HIT_NOTHING: return;
    case HIT_SCREEN: dialog_screen(s, hit->screen); return;
    case HIT_ENTRY: click_entry(s, hit->entry); return;
    case HIT_SAMPLE:
    case HIT_EXAMPLE: click_row(s, hit); return;
    case HIT_SET: click_set(s, hit->entry); return;
    case HIT_PANE: cursor_focus(s, hit->pane); return;
    case HIT_MINIMAP:
        cursor_remember(s);
        cursor_to_token(s, hit->token);
        return;
    case HIT_STRIP:
        snprintf(line, sizeof line, "iter %d", hit->iteration);
        action_perform(s, line);
        return;
    default:
        if (is_at_cursor(&s->view, hit))
            action_perform(s, "lock");
        else
            move_to_hit(s, hit);
    }
}

static void release_button(struct session *s, const struct view_hit *to, int row, int column)
{
    struct view_hit from = view_hit_test(s->snapshot, &s->view, s->press_row, s->press_column);
    bool moved = row != s->press_row || column != s->press_column;
    char line[64];
    s->press_row = s->press_column = -1;
    if (!moved || from.kind != HIT_TOKEN || to->kind != HIT_TOKEN || from.token == to->token)
        return;
    bool forward = from.token < to->token;
    snprintf(line, sizeof line, "range %zu %zu", forward ? from.token : to->token,
             forward ? to->token : from.token);
    action_perform(s, line);
}

static void respond_mouse(struct session *s, const struct input_event *event)
{
    struct view_hit hit = view_hit_test(s->snapshot, &s->view, event->row, event->column);
    bool is_wheel = event->button == MOUSE_WHEEL_UP || event->button == MOUSE_WHEEL_DOWN;
    if (is_wheel) {
        if (!event->release)
            wheel(s, &hit, event->button == MOUSE_WHEEL_UP);
    } else if (s->tour && s->view.presenting && event->button == MOUSE_LEFT) {
        if (!event->release)
            tour_next(s);
    } else if (event->button != MOUSE_LEFT ||
               (s->view.overlay != OVERLAY_NONE && hit.kind != HIT_ENTRY)) {
        return;
    } else if (!event->release) {
        s->press_row = event->row;
        s->press_column = event->column;
        if (!s->view.message_error) /* a move ends a note, by mouse as well */
            s->view.message[0] = '\0';
        click(s, &hit);
    } else if (s->press_row >= 0) {
        release_button(s, &hit, event->row, event->column);
    }
}

/* ---- all --------------------------------------------------------------------------------- */

static void respond_paste(struct session *s, const struct input_event *event)
{
    if (prompt_is_open())
        prompt_paste(event->bytes, event->length);
    else
        session_note(s, "nothing takes a paste here" WAY "⁅a⁆ asks, ⁅:⁆ commands, then paste" WAY
                        "nothing changed");
    s->dirty = true;
}

void respond_event(struct session *s, const struct input_event *event)
{
    switch (event->kind) {
    case INPUT_KEY: respond_key(s, event); break;
    case INPUT_MOUSE:
        if (!is_too_small(s))
            respond_mouse(s, event);
        break;
    case INPUT_PASTE:
        if (!is_too_small(s))
            respond_paste(s, event);
        break;
    case INPUT_POSITION:
    case INPUT_BACKGROUND: break; /* a reply that came too late */
    }
    session_show_prompt(s);
}
