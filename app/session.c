#include "app/session.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/autosave.h"
#include "app/data_screen.h"
#include "app/eval_screen.h"
#include "app/live.h"
#include "app/prompt.h"
#include "app/record.h"
#include "app/refusal.h"
#include "app/reopen.h"
#include "app/run_control.h"
#include "app/screens.h"
#include "app/terminal.h"
#include "app/tour.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

void session_init(struct session *s)
{
    *s = (struct session){
        .preferences = {.mouse = true, .history = 500, .fps = 30, .theme = "auto",
                        .glyphs = "auto", .ambiguous = "auto", .answers = {true, true, true},
                        .max_tokens = 20, .keep = 2000, .autosave = 60},
        .press_row = -1,
        .press_column = -1,
    };
    s->edits.settings = compress_settings_default;
    view_state_init(&s->view);
    keymap_init(&s->keymap);
    s->view.keys = &s->keymap;
    s->view.key_now = screens_key_now;
    s->now_ms = clock_ms();
    s->snapshot = snapshot_derive(NULL);
    s->run = run_control_new();
    s->data = data_screen_new();
    s->eval = eval_screen_new();
    s->dirty = true;
}

void session_free(struct session *s)
{
    snapshot_release(s->snapshot);
    snapshot_release(s->published);
    snapshot_release(s->restored);
    free(s->restored_file);
    snapshot_release(s->pinned);
    snapshot_window_release(s->held);
    free(s->held_of);
    free(s->pin_name);
    pins_free(&s->pins);
    reopening_free(s->reopening);
    free(s->pin_file);
    keymap_free(&s->keymap);
    notes_free(&s->notes);
    list_clear(&s->list);
    edits_free(&s->edits);
    edits_free(&s->opened_with);
    edits_free(&s->saved);
    undo_free(&s->undo);
    free(s->document.path);
    free(s->path_before);
    free(s->model_path);
    free(s->rc_model);
    free(s->rc_compressor);
    watch_clear(&s->document_watch);
    watch_clear(&s->model_watch);
    snapshot_document_release(s->document.raw);
    free(s->question);
    free(s->gold);
    free(s->needle);
    record_to(s, NULL, false, NULL);
    tour_free(s->tour);
    free(s->said);
    free(s->goto_when_ready);
    free(s->list_directory);
    free(s->failed_screen);
    free(s->left_over);
    run_control_free(s->run);
    data_screen_free(s->data);
    eval_screen_free(s->eval);
    free(s->prompt_label);
    free(s->prompt_text);
}

/* ---- notes ------------------------------------------------------------------- */

static void show_note(struct session *s, bool error, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));
static void show_note(struct session *s, bool error, const char *fmt, va_list args)
{
    char text[1024], now[1024];
    int used = s->rc_path ? snprintf(text, sizeof text, "%s: ", s->rc_path) : 0;
    vsnprintf(text + used, sizeof text - (size_t)used, fmt, args);
    key_text_fill(&s->view, text, now, sizeof now);
    const char *clean = notes_add(&s->notes, error, now);
    snprintf(s->view.message, sizeof s->view.message, "%s", clean);
    s->view.message_error = error;
    s->message_until_ms = s->now_ms + NOTE_MS;
    s->dirty = true;
}

void session_note(struct session *s, const char *fmt, ...)
{
    va_list args;
    if (s->rc_path)
        return; /* a file of commands tells only what is wrong */
    va_start(args, fmt);
    show_note(s, false, fmt, args);
    va_end(args);
}

void session_warn(struct session *s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    show_note(s, true, fmt, args);
    va_end(args);
}

void session_fail(struct session *s, const struct err *err, const char *way, const char *stays)
{
    session_warn(s, "%s" WAY "%s" WAY "%s", err->text, way, stays);
}

/* ---- time --------------------------------------------------------------------------- */

static void play_frame(struct session *s)
{
    const struct snapshot_window *w = session_window(s);
    int last = w ? (int)w->iters : 0;
    double frame = 1e3 / s->play.fps;
    while (s->play.next_ms <= s->now_ms && s->view.iteration < last) {
        s->view.iteration++;
        s->play.next_ms += frame;
    }
    s->dirty = true;
    if (s->view.iteration < last)
        return;
    if (s->play.opening)
        s->view.iteration = -1;
    s->view.playing = s->play.opening = false;
    s->play.fps = 0;
}

/* Files that changed, and the speed of the line. */
static void look_around(struct session *s)
{
    s->next_watch_ms = s->now_ms + WATCH_MS;
    if (s->terminal && terminal_speed_changed(s->terminal))
        session_take_speed(s);
    const char *path = watch_look(&s->document_watch);
    if (!path)
        path = watch_look(&s->model_watch);
    if (path)
        session_warn(s, "%s changed on disk" WAY "⁅r⁆ opens it again" WAY "what was read stays",
                     file_name(path));
}

static bool nothing_runs(const struct session *s)
{
    return (!s->worker || worker_is_idle(s->worker)) &&
           (!s->writer || worker_is_idle(s->writer)) && !(s->play.fps > 0) &&
           !(s->live_due_ms > 0) && !run_control_is_busy(s);
}

/* Stays until it is in the way: a move ends it. */
static void give_hint(struct session *s)
{
    if (!nothing_runs(s))
        return;
    s->hint_when_idle = false;
    if (!session_tokens(s)) /* it could not be opened, which was told */
        return;
    session_note(s, "Move with the arrows. ⁅Space⁆ locks. ⁅?⁆ keys, ⁅T⁆ tour, ⁅a⁆ ask.");
    s->message_until_ms = s->now_ms + HINT_MS;
}

void session_tick(struct session *s)
{
    if (s->hint_when_idle)
        give_hint(s);
    if (!s->headless && s->now_ms >= s->next_watch_ms)
        look_around(s);
    if (s->view.message[0] && s->now_ms >= s->message_until_ms && !s->headless) {
        s->view.message[0] = '\0';
        s->dirty = true;
    }
    if (s->play.fps > 0 && s->now_ms >= s->play.next_ms)
        play_frame(s);
    live_tick(s);
    autosave_tick(s);
    run_control_tick(s);
}

static void earlier(double *next, double when)
{
    if (*next < 0 || when < *next)
        *next = when;
}

int session_timeout(const struct session *s)
{
    double next = -1;
    if (s->view.message[0] && !s->headless)
        earlier(&next, s->message_until_ms);
    if (s->play.fps > 0)
        earlier(&next, s->play.next_ms);
    if (!s->headless)
        earlier(&next, s->next_watch_ms);
    if (s->live_due_ms > 0)
        earlier(&next, s->live_due_ms);
    double due = run_control_due_ms(s);
    if (due >= 0)
        earlier(&next, due);
    if (next < 0)
        return -1;
    double wait = ceil(next - s->now_ms);
    return wait < 0 ? 0 : wait > 1e6 ? 1000000 : (int)wait;
}

bool session_is_idle(const struct session *s)
{
    return nothing_runs(s) && !s->hint_when_idle;
}

/* ---- prompt and display ---------------------------------------------------- */

void session_show_prompt(struct session *s)
{
    struct view_state *v = &s->view;
    struct prompt_display p = prompt_display();
    free(s->prompt_label);
    free(s->prompt_text);
    v->prompt_open = prompt_is_open();
    v->prompt_label = s->prompt_label = xstrdup(p.label);
    v->prompt_text = s->prompt_text = xstrdup(p.text);
    v->prompt_point = p.point;
    if (v->prompt_open && p.matches[0]) {
        snprintf(v->message, sizeof v->message, "%s", p.matches);
        v->message_error = false;
        s->message_until_ms = s->now_ms + NOTE_MS;
        s->matches_shown = true;
    }
}

void session_take_speed(struct session *s)
{
    s->slow_line = false;
    session_apply_display(s);
    s->redraw = s->dirty = true;
    if (terminal_is_slow_line(s->terminal))
        session_leave_colors_out(s);
}

void session_leave_colors_out(struct session *s)
{
    if (s->slow_line || terminal_display(s->terminal).depth < DEPTH_256)
        return;
    s->slow_line = true;
    session_apply_display(s);
    s->redraw = true;
    session_note(s, "a slow line: shades in place of colours, ⁅C-l⁆ brings these back");
}

void session_apply_display(struct session *s)
{
    struct preferences *p = &s->preferences;
    struct display d = {DEPTH_MONO, GLYPHS_SHADE, THEME_DEFAULT, false};
    if (s->terminal)
        d = terminal_display(s->terminal);
    if (s->slow_line && strcmp(p->glyphs, "half") != 0) {
        d.depth = DEPTH_MONO;
        if (d.glyphs == GLYPHS_HALF)
            d.glyphs = GLYPHS_SHADE;
    }
    if (strcmp(p->theme, "auto") != 0)
        d.theme = strcmp(p->theme, "light") == 0 ? THEME_LIGHT : THEME_DARK;
    if (strcmp(p->ambiguous, "auto") != 0) {
        d.ambiguous_wide = strcmp(p->ambiguous, "wide") == 0;
        d.glyphs = d.ambiguous_wide ? GLYPHS_ASCII : GLYPHS_SHADE;
        if (!d.ambiguous_wide && display_has_heat_colors(&d))
            d.glyphs = GLYPHS_HALF;
    }
    static const char *const names[] = {"half", "shade", "ascii"};
    for (int i = 0; i < 3; i++)
        if (strcmp(p->glyphs, names[i]) == 0)
            d.glyphs = (enum glyph_set)i;
    s->view.display = d;
    if (s->terminal)
        terminal_set_mouse(s->terminal, p->mouse);
    s->dirty = true;
}

/* ---- looks at the snapshot ------------------------------------------------- */

size_t session_tokens(const struct session *s)
{
    const struct snapshot_document *d = s->snapshot->document;
    return d && d->ids ? d->tokens : 0;
}

const struct snapshot_window *session_window(const struct session *s)
{
    size_t n = session_tokens(s);
    if (!n || !s->snapshot->windows || s->view.token >= n)
        return NULL;
    return s->snapshot->window[snapshot_window_of(s->snapshot, s->view.token)];
}

/* Home spans that hold a token when `tokens` of W positions are filled. */
static size_t slots_of(const struct snapshot_settings *settings, size_t tokens)
{
    size_t W = settings->window, K = settings->slots_per_window;
    if (!W || !K || tokens >= W)
        return K;
    size_t pad = settings->align_head ? 0 : W - tokens, slots = 0;
    for (size_t j = 0; j < K; j++) {
        size_t base = W / K, more = W % K;
        size_t from = j * base + (j < more ? j : more), to = from + base + (j < more);
        slots += from < pad + tokens && to > pad;
    }
    return slots;
}

size_t session_slot_base(const struct session *s, size_t window)
{
    size_t slots = 0;
    for (size_t w = 0; w < window && w < s->snapshot->windows; w++) {
        const uint32_t *first = s->snapshot->window_first;
        const struct snapshot_window *read = s->snapshot->window[w];
        slots += read && read->has_plan ? read->slots
                                        : slots_of(&s->snapshot->settings, first[w + 1] - first[w]);
    }
    return slots;
}
