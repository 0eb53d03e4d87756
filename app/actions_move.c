/* Commands that move the cursor, find, select and lock. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "app/cursor.h"
#include "app/dialog.h"
#include "app/live.h"
#include "app/refusal.h"
#include "app/search.h"
#include "app/tour.h"
#include "app/values.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

static bool need_document(const struct session *s, struct err *err)
{
    return session_tokens(s) ||
           err_set(err, ERR_USAGE,
                   s->document.raw
                       ? "the document is still being read" WAY "the title tells how far"
                       : "no document is open" WAY "⁅O⁆ opens one");
}

static bool one_word(const struct words *words, const char *usage, struct err *err)
{
    return words->count == 1 || refusal_wants(words, err, "%s", usage);
}

/* The status line tells where the cursor is. */
static void end_note(struct session *s)
{
    if (!s->view.message_error)
        s->view.message[0] = '\0';
}

/* Says so when there is no window or segment further on. */
static void tell_end(struct session *s, enum cursor_move m)
{
    const struct snapshot *shown = s->snapshot;
    size_t n = session_tokens(s), segment = shown->settings.segment, at, last;
    bool segments = (m == MOVE_SEGMENT_BACK || m == MOVE_SEGMENT_ON) && segment;
    if (m < MOVE_WINDOW_BACK || !n || !shown->windows)
        return;
    at = segments ? s->view.token / segment : snapshot_window_of(shown, s->view.token);
    last = segments ? (n - 1) / segment : shown->windows - 1;
    bool back = m == MOVE_WINDOW_BACK || m == MOVE_SEGMENT_BACK;
    if (at == (back ? 0 : last))
        session_note(s, "this is the %s %s", back ? "first" : "last",
                     segments ? "segment" : "window");
}

bool do_move(struct session *s, const struct words *words, struct err *err)
{
    if (!one_word(words, "a direction", err))
        return false;
    for (enum cursor_move m = 0; m < MOVE_COUNT; m++)
        if (strcmp(words->word[0], cursor_move_name[m]) == 0) {
            end_note(s);
            tell_end(s, m);
            cursor_move(s, m);
            return true;
        }
    return err_set(err, ERR_USAGE, "move: unknown direction \"%s\"", words->word[0]);
}

/* ---- goto ----------------------------------------------------------------------- */

static bool goto_window(struct session *s, uint64_t number, struct err *err)
{
    size_t windows = s->snapshot->windows;
    if (number < 1 || number > windows)
        return err_set(err, ERR_USAGE, "window %llu is not in 1..%zu", (unsigned long long)number,
                       windows);
    cursor_to_token(s, s->snapshot->window_first[number - 1]);
    return true;
}

static bool goto_slot(struct session *s, uint64_t number, struct err *err)
{
    const struct snapshot_window *w = session_window(s);
    if (!w || !w->has_plan)
        return err_set(err, ERR_USAGE, "this window has no plan yet" WAY
                       "it comes when it is read");
    if (number >= w->slots)
        return err_set(err, ERR_USAGE, "slot s%llu is not in s0..s%zu",
                       (unsigned long long)number, w->slots - 1);
    cursor_to_slot(s, (size_t)number);
    return true;
}

static bool goto_layer(struct session *s, uint64_t number, struct err *err)
{
    const struct snapshot_window *w = session_window(s);
    if (!w || number >= w->layers)
        return err_set(err, ERR_USAGE, "layer L%llu is not in L0..L%zu",
                       (unsigned long long)number, w && w->layers ? w->layers - 1 : 0);
    cursor_to_layer(s, (size_t)number);
    return true;
}

static bool goto_percent(struct session *s, const char *word, struct err *err)
{
    double percent;
    char *number = xstrndup(word, strlen(word) - 1);
    bool ok = value_real(number, &percent) && percent >= 0 && percent <= 100;
    free(number);
    if (!ok)
        return err_set(err, ERR_USAGE, "%s is not in 0%%..100%%", word);
    cursor_to_token(s, (size_t)(percent / 100 * (double)(session_tokens(s) - 1) + 0.5));
    return true;
}

/* "compressed:3" is the fourth token of that answer. */
static bool goto_answer(struct session *s, const char *word, struct err *err)
{
    uint64_t number;
    const char *colon = strchr(word, ':');
    enum answer_mode mode = 0;
    while (mode < ANSWER_MODES && (strlen(answer_mode_name[mode]) != (size_t)(colon - word) ||
                                   strncmp(word, answer_mode_name[mode], (size_t)(colon - word))))
        mode++;
    if (mode == ANSWER_MODES || !value_count(colon + 1, &number))
        return err_set(err, ERR_USAGE, "goto: \"%s\" is no answer's token, expected full:N, "
                                       "compressed:N or none:N", word);
    const struct snapshot_answer *answer = s->snapshot->answer[mode];
    if (!answer || number >= answer->tokens)
        return err_set(err, ERR_USAGE, "the %s answer has %zu token%s", answer_mode_name[mode],
                       answer ? answer->tokens : 0, text_plural(answer ? answer->tokens : 0));
    cursor_to_answer(s, mode, (size_t)number);
    return true;
}

static bool goto_place(struct session *s, const char *word, struct err *err)
{
    uint64_t number;
    size_t length = strlen(word);
    if (strchr(word, ':'))
        return goto_answer(s, word, err);
    if (length > 1 && word[length - 1] == '%')
        return goto_percent(s, word, err);
    if (length > 1 && strchr("wsL", word[0]) && value_count(word + 1, &number))
        return word[0] == 'w'   ? goto_window(s, number, err)
               : word[0] == 's' ? goto_slot(s, number, err)
                                : goto_layer(s, number, err);
    if (!value_count(word, &number))
        return err_set(err, ERR_USAGE, "goto: \"%s\" is no place, expected N, N%%, wN, sN or LN",
                       word);
    if (number >= session_tokens(s))
        return err_set(err, ERR_USAGE, "token %llu is not in 0..%zu", (unsigned long long)number,
                       session_tokens(s) - 1);
    cursor_to_token(s, (size_t)number);
    return true;
}

bool do_goto(struct session *s, const struct words *words, struct err *err)
{
    if (!need_document(s, err) || !one_word(words, "a place: N, N%, wN, sN or LN", err))
        return false;
    cursor_remember(s);
    return goto_place(s, words->word[0], err);
}

bool do_return(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    return need_document(s, err) &&
           (cursor_return(s) || err_set(err, ERR_USAGE, "no jump was made yet" WAY
                                        "after one, ⁅`⁆ goes back"));
}

/* ---- find ----------------------------------------------------------------------- */

static bool find_from(struct session *s, bool backward, struct err *err)
{
    const struct snapshot_document *d = s->snapshot->document;
    size_t at = d->start[s->view.token], found, from = backward ? at : d->end[s->view.token];
    bool wrapped = false;
    if (!search_text(d->text, d->size, s->needle, from, backward, &found, &wrapped, err))
        return false;
    cursor_remember(s);
    for (size_t t = 0; t < d->tokens; t++)
        if (d->start[t] <= found && found < d->end[t]) {
            cursor_to_token(s, t);
            break;
        }
    end_note(s);
    if (wrapped)
        session_note(s, "search went on at the %s", backward ? "end" : "beginning");
    return true;
}

bool do_find(struct session *s, const struct words *words, struct err *err)
{
    if (!need_document(s, err))
        return false;
    if (words->rest[0]) {
        free(s->needle);
        s->needle = xstrdup(words->rest);
    }
    if (!s->needle)
        return refusal_wants(words, err, "a text");
    return find_from(s, false, err);
}

bool do_match(struct session *s, const struct words *words, struct err *err)
{
    if (!need_document(s, err) || !one_word(words, "next or previous", err))
        return false;
    int way = action_choice(words->word[0], "next|previous", "match", err);
    if (way >= 0 && !s->needle)
        return err_set(err, ERR_USAGE, "nothing to find yet" WAY "⁅/⁆ searches");
    return way >= 0 && find_from(s, way == 1, err);
}

/* ---- range ---------------------------------------------------------------------- */

/* Answers about another range are stale, until this one is asked. */
static void range_changed(struct session *s)
{
    session_compose(s);
    live_changed(s);
}

static void drop_range(struct session *s)
{
    s->view.has_range = s->view.range_open = false;
    range_changed(s);
}

/* Slots stand for whole windows, whatever part of them the range takes. */
static void tell_range(struct session *s)
{
    const struct view_state *v = &s->view;
    char slots[80] = "";
    range_changed(s);
    if (s->snapshot->windows > 0) {
        size_t first = snapshot_window_of(s->snapshot, v->range_from) + 1;
        size_t last = snapshot_window_of(s->snapshot, v->range_to) + 1;
        if (first < last)
            snprintf(slots, sizeof slots, ", slots of windows %zu to %zu", first, last);
        else
            snprintf(slots, sizeof slots, ", slots of window %zu", first);
    }
    session_note(s, "range: tokens %zu to %zu%s; answers and figures use it, ⁅Esc⁆ drops it",
                 v->range_from, v->range_to, slots);
}

/* "A B", "A-B" or "A..B". */
static bool read_range(const struct words *words, uint64_t *from, uint64_t *to)
{
    if (words->count == 2)
        return value_count(words->word[0], from) && value_count(words->word[1], to);
    if (words->count != 1)
        return false;
    const char *word = words->word[0], *dots = strstr(word, "..");
    const char *between = dots ? dots : strchr(word, '-');
    if (!between)
        return false;
    char *first = xstrndup(word, (size_t)(between - word));
    bool ok = value_count(first, from) && value_count(between + (dots ? 2 : 1), to);
    free(first);
    return ok;
}

bool do_range(struct session *s, const struct words *words, struct err *err)
{
    uint64_t from, to;
    if (words->count == 1 && strcmp(words->word[0], "off") == 0) {
        drop_range(s);
        return true;
    }
    if (!need_document(s, err))
        return false;
    if (!read_range(words, &from, &to))
        return refusal_wants(words, err, "two tokens (A B or A-B), or off");
    if (from > to || to >= session_tokens(s))
        return err_set(err, ERR_USAGE,
                       "tokens %" PRIu64 " to %" PRIu64 " are not in 0..%zu, in this order", from,
                       to, session_tokens(s) - 1);
    s->view.has_range = true;
    s->view.range_open = false;
    s->view.range_from = (size_t)from;
    s->view.range_to = (size_t)to;
    tell_range(s);
    return true;
}

bool do_mark(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    if (!need_document(s, err))
        return false;
    struct view_state *v = &s->view;
    if (!v->range_open) {
        v->range_open = v->has_range = true;
        v->range_mark = v->range_from = v->range_to = v->token;
        session_note(s, "range begins at token %zu: move, then ⁅V⁆ again", v->token);
        return true;
    }
    v->range_open = false;
    tell_range(s);
    return true;
}

/* ---- light ---------------------------------------------------------------------- */

static bool same_source(const struct source *a, const struct source *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case SOURCE_TOKEN: return a->token == b->token;
    case SOURCE_LAYER: return a->layer == b->layer;
    case SOURCE_SLOT: return a->slot == b->slot && a->window == b->window;
    case SOURCE_ANSWER: return a->answer == b->answer && a->answer_token == b->answer_token;
    default: return true;
    }
}

bool do_lock(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    if (!need_document(s, err))
        return false;
    struct view_state *v = &s->view;
    if (v->moved.kind == SOURCE_NONE)
        v->moved = (struct source){.kind = SOURCE_TOKEN, .token = v->token};
    if (v->locked.kind != SOURCE_NONE && same_source(&v->locked, &v->moved))
        v->locked = (struct source){0};
    else
        v->locked = v->moved;
    s->dirty = true;
    return true;
}

/* The slot at which an answer token looked most, as an index over the document. */
static bool most_looked_at(const struct snapshot_answer *a, size_t token, size_t *slot)
{
    if (!a || !a->attention || token >= a->tokens || !a->sources)
        return false;
    const float *row = a->attention + token * a->sources;
    *slot = 0;
    for (size_t j = 1; j < a->sources; j++)
        if (row[j] > row[*slot])
            *slot = j;
    *slot += a->source_first;
    return true;
}

static bool follow_slot(struct session *s, size_t slot)
{
    for (size_t w = 0; w < s->snapshot->windows; w++) {
        size_t base = session_slot_base(s, w), next = session_slot_base(s, w + 1);
        if (slot >= next)
            continue;
        cursor_focus(s, PANE_PLAN);
        cursor_to_token(s, s->snapshot->window_first[w]);
        const struct snapshot_window *read = session_window(s);
        if (read && read->has_plan)
            cursor_to_token(s, read->first + read->span[slot - base]);
        cursor_to_slot(s, slot - base);
        return true;
    }
    return false;
}

bool do_follow(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    size_t place;
    if (s->view.focus != PANE_ANSWERS)
        return err_set(err, ERR_USAGE, "⁅Enter⁆ follows an answer token" WAY
                       "⁅Tab⁆ goes to the answers");
    const struct snapshot_answer *a = s->snapshot->answer[s->view.answer];
    if (!a || !a->tokens)
        return err_set(err, ERR_USAGE, "there is no answer to follow" WAY "⁅a⁆ asks");
    if (!most_looked_at(a, s->view.answer_token, &place))
        return err_set(err, ERR_USAGE, "this answer token has no slot to follow" WAY
                       "the arrows choose another");
    cursor_remember(s);
    if (s->view.answer == ANSWER_FULL) {
        cursor_focus(s, PANE_DOCUMENT);
        cursor_to_token(s, place);
        return true;
    }
    return follow_slot(s, place) || err_set(err, ERR_USAGE, "slot %zu is gone" WAY
                                            "⁅r⁆ answers again", place);
}

/* ---- focus ---------------------------------------------------------------------- */

bool do_focus(struct session *s, const struct words *words, struct err *err)
{
    if (!one_word(words, "next, previous or a pane", err))
        return false;
    int which = action_choice(words->word[0], "next|previous|" ACTION_PANES, "pane", err);
    if (which < 0)
        return false;
    if (s->view.screen == SCREEN_COMPARE && which < 2) {
        s->view.compare_side = (s->view.compare_side + (which ? 2 : 1)) % 3;
        s->dirty = true;
        return true;
    }
    int pane = which >= 2 ? which - 2
               : which    ? (int)s->view.focus + PANE_COUNT - 1
                          : (int)s->view.focus + 1;
    cursor_focus(s, (enum pane)(pane % PANE_COUNT));
    return true;
}

bool do_switch(struct session *s, const struct words *words, struct err *err)
{
    if (!one_word(words, "a name", err))
        return false;
    int screen = action_choice(words->word[0], "explore|compare|data|train|eval", "screen", err);
    if (screen < 0)
        return false;
    dialog_screen(s, (enum screen)screen);
    return true;
}

/* Closes the last thing that was opened. */
bool do_back(struct session *s, const struct words *words, struct err *err)
{
    (void)words;
    (void)err;
    struct view_state *v = &s->view;
    if (v->overlay != OVERLAY_NONE)
        dialog_close(s);
    else if (v->strip_open)
        v->strip_open = false;
    else if (v->locked.kind != SOURCE_NONE)
        v->locked = (struct source){0};
    else if (v->has_range)
        drop_range(s);
    else if (v->zoomed)
        v->zoomed = false;
    else if (v->screen != SCREEN_EXPLORE)
        dialog_screen(s, SCREEN_EXPLORE);
    else if (v->caption)
        tour_stop(s);
    else
        v->message[0] = '\0';
    s->dirty = true;
    return true;
}
