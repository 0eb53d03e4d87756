#include "app/cursor.h"

#include <stdint.h>

#include "engine/base/size.h"

#define NAME(id, name) [MOVE_##id] = name,
const char *const cursor_move_name[MOVE_COUNT] = {CURSOR_MOVES(NAME)};
#undef NAME

enum { ANSWER_PAGE = 10, PLAN_PAGE = 32 };

static size_t layers(const struct session *s)
{
    const struct snapshot_window *w = session_window(s);
    return w ? w->layers : 0;
}

static size_t slots(const struct session *s)
{
    const struct snapshot_window *w = session_window(s);
    return w ? w->slots : 0;
}

static size_t answer_tokens(const struct session *s, enum answer_mode mode)
{
    const struct snapshot_answer *a = s->snapshot->answer[mode];
    return a ? a->tokens : 0;
}

/* value + by inside 0..count - 1. */
static size_t shifted(size_t value, long by, size_t count)
{
    if (!count)
        return 0;
    if (by < 0)
        return value > (size_t)-by ? value - (size_t)-by : 0;
    return size_min(value + (size_t)by, count - 1);
}

static void light(struct session *s, enum source_kind kind)
{
    struct view_state *v = &s->view;
    size_t n = session_tokens(s);
    v->moved = (struct source){
        .kind = kind,
        .token = v->token,
        .layer = v->layer,
        .slot = v->slot,
        .window = n && s->snapshot->windows ? snapshot_window_of(s->snapshot, v->token) : 0,
        .answer = v->answer,
        .answer_token = v->answer_token,
    };
    view_follow_cursor(s->snapshot, v);
    s->dirty = true;
}

void cursor_clamp(struct session *s)
{
    struct view_state *v = &s->view;
    size_t n = session_tokens(s);
    v->token = n ? size_min(v->token, n - 1) : v->token;
    if (layers(s))
        v->layer = size_min(v->layer, layers(s) - 1);
    if (slots(s))
        v->slot = size_min(v->slot, slots(s) - 1);
    v->answer_token = shifted(v->answer_token, 0, answer_tokens(s, v->answer));
    const struct snapshot_window *w = session_window(s);
    if (w && w->has_plan && v->iteration >= (int)w->iters && !(s->play.fps > 0))
        v->iteration = -1;
    if (v->has_range && n) {
        v->range_from = size_min(v->range_from, n - 1);
        v->range_to = size_min(v->range_to, n - 1);
    }
}

void cursor_to_token(struct session *s, size_t token)
{
    s->view.token = shifted(token, 0, session_tokens(s));
    if (s->view.range_open) {
        s->view.range_from = size_min(s->view.range_mark, s->view.token);
        s->view.range_to = size_max(s->view.range_mark, s->view.token);
    }
    cursor_clamp(s);
    light(s, SOURCE_TOKEN);
    session_read_visible(s);
}

void cursor_to_layer(struct session *s, size_t layer)
{
    s->view.layer = shifted(layer, 0, layers(s));
    light(s, SOURCE_LAYER);
}

void cursor_to_slot(struct session *s, size_t slot)
{
    s->view.slot = shifted(slot, 0, slots(s));
    light(s, SOURCE_SLOT);
}

void cursor_to_answer(struct session *s, enum answer_mode mode, size_t token)
{
    s->view.answer = mode;
    s->view.answer_token = shifted(token, 0, answer_tokens(s, mode));
    light(s, SOURCE_ANSWER);
}

/* The slot that gets most of the cursor's token; the present one when there is no plan. */
static size_t main_slot(const struct session *s)
{
    const struct snapshot_window *w = session_window(s);
    size_t best = 0;
    if (!w || !w->has_plan)
        return s->view.slot;
    size_t token = s->view.token - s->snapshot->window_first[snapshot_window_of(s->snapshot,
                                                                                s->view.token)];
    const float *sent = w->plan + token * w->slots;
    for (size_t j = 1; j < w->slots; j++)
        if (sent[j] > sent[best])
            best = j;
    return best;
}

void cursor_focus(struct session *s, enum pane pane)
{
    enum source_kind lit = s->view.moved.kind;
    bool by_token = lit == SOURCE_TOKEN || lit == SOURCE_NONE;
    if (pane == PANE_PLAN && s->view.focus != PANE_PLAN && by_token)
        s->view.slot = main_slot(s);
    s->view.focus = pane;
    view_follow_cursor(s->snapshot, &s->view);
    s->dirty = true;
}

/* ---- directions ---------------------------------------------------------------- */

/* One unit back or on. */
static void move_unit(struct session *s, int by)
{
    size_t n = session_tokens(s), from, to;
    if (!n)
        return;
    if (s->view.unit == UNIT_TOKEN) {
        cursor_to_token(s, shifted(s->view.token, by, n));
        return;
    }
    const struct snapshot_document *document = s->snapshot->document;
    view_unit_range(document, s->view.unit, s->view.token, &from, &to);
    if (by > 0) {
        cursor_to_token(s, to < n ? to : s->view.token);
    } else if (from > 0) {
        view_unit_range(document, s->view.unit, from - 1, &from, &to);
        cursor_to_token(s, from);
    }
}

static void move_line(struct session *s, int lines)
{
    if (session_tokens(s))
        cursor_to_token(s, view_document_line(s->snapshot, &s->view, s->view.token, lines));
}

/* The first token of a neighbouring window or segment. */
static void move_window(struct session *s, int by, bool segment)
{
    const struct snapshot *snapshot = s->snapshot;
    if (!session_tokens(s) || !snapshot->windows)
        return;
    size_t size = snapshot->settings.segment;
    if (segment && size) {
        size_t segments = size_div_up(session_tokens(s), size);
        cursor_to_token(s, shifted(s->view.token / size, by, segments) * size);
        return;
    }
    size_t window = snapshot_window_of(snapshot, s->view.token);
    cursor_to_token(s, snapshot->window_first[shifted(window, by, snapshot->windows)]);
}

static void move_answer(struct session *s, int by)
{
    enum answer_mode mode = s->view.answer;
    cursor_to_answer(s, mode, shifted(s->view.answer_token, by, answer_tokens(s, mode)));
}

static void move_mode(struct session *s, int by)
{
    cursor_to_answer(s, (enum answer_mode)shifted(s->view.answer, by, ANSWER_MODES),
                     s->view.answer_token);
}

/* Across and along the pane in front: one step of the arrows. */
static void step_across(struct session *s, int by)
{
    if (s->view.focus == PANE_ANSWERS)
        move_answer(s, by);
    else if (s->view.focus == PANE_PLAN && s->view.turned)
        cursor_to_slot(s, shifted(s->view.slot, by, slots(s)));
    else
        move_unit(s, by);
}

static void step_along(struct session *s, int by)
{
    switch (s->view.focus) {
    case PANE_GATES: /* the last layer is on top */
        cursor_to_layer(s, shifted(s->view.layer, -by, layers(s)));
        return;
    case PANE_PLAN:
        if (s->view.turned)
            move_unit(s, by);
        else
            cursor_to_slot(s, shifted(s->view.slot, by, slots(s)));
        return;
    case PANE_ANSWERS:
        move_mode(s, by);
        return;
    default:
        move_line(s, by);
    }
}

static void page(struct session *s, int by, int part)
{
    size_t n = session_tokens(s);
    if (s->view.focus == PANE_DOCUMENT) {
        int rows = s->view.rows - 8;
        move_line(s, by * (rows < 2 ? 1 : rows / part));
    } else if (s->view.focus == PANE_ANSWERS) {
        move_answer(s, by * ANSWER_PAGE / part);
    } else if (n) {
        cursor_to_token(s, shifted(s->view.token, by * PLAN_PAGE / part, n));
    }
}

static void move_end(struct session *s, bool last)
{
    size_t to = last ? SIZE_MAX / 2 : 0;
    if (s->view.focus == PANE_ANSWERS)
        cursor_to_answer(s, s->view.answer, to);
    else if (session_tokens(s))
        cursor_to_token(s, to);
}

void cursor_move(struct session *s, enum cursor_move move)
{
    switch (move) {
    case MOVE_LEFT: step_across(s, -1); return;
    case MOVE_RIGHT: step_across(s, 1); return;
    case MOVE_UP: step_along(s, -1); return;
    case MOVE_DOWN: step_along(s, 1); return;
    case MOVE_FIRST: move_end(s, false); return;
    case MOVE_LAST: move_end(s, true); return;
    case MOVE_PAGE_UP: page(s, -1, 1); return;
    case MOVE_PAGE_DOWN: page(s, 1, 1); return;
    case MOVE_HALF_UP: page(s, -1, 2); return;
    case MOVE_HALF_DOWN: page(s, 1, 2); return;
    case MOVE_WINDOW_BACK: move_window(s, -1, false); return;
    case MOVE_WINDOW_ON: move_window(s, 1, false); return;
    case MOVE_SEGMENT_BACK: move_window(s, -1, true); return;
    case MOVE_SEGMENT_ON: move_window(s, 1, true); return;
    case MOVE_COUNT: return;
    }
}

void cursor_remember(struct session *s)
{
    const struct view_state *v = &s->view;
    s->jumped_from = (struct place){true, v->focus, v->token, v->layer, v->slot};
}

bool cursor_return(struct session *s)
{
    struct place to = s->jumped_from;
    if (!to.known)
        return false;
    cursor_remember(s);
    cursor_to_token(s, to.token);
    s->view.layer = to.layer;
    s->view.slot = to.slot;
    cursor_focus(s, to.focus);
    if (to.focus == PANE_PLAN)
        cursor_to_slot(s, to.slot);
    else if (to.focus == PANE_GATES)
        cursor_to_layer(s, to.layer);
    return true;
}
