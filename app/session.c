#include "app/session.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/autosave.h"
#include "app/cursor.h"
#include "app/data_screen.h"
#include "app/eval_screen.h"
#include "app/jobs.h"
#include "app/live.h"
#include "app/prompt.h"
#include "app/record.h"
#include "app/run_control.h"
#include "app/screens.h"
#include "app/terminal.h"
#include "app/tour.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

enum { PREVIEW_WORDS = 4000 };

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
    snapshot_release(s->pinned);
    free(s->pin_name);
    keymap_free(&s->keymap);
    notes_free(&s->notes);
    list_clear(&s->list);
    edits_free(&s->edits);
    edits_free(&s->opened_with);
    undo_free(&s->undo);
    free(s->document.path);
    free(s->path_before);
    free(s->model_path);
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
    char text[1024];
    int used = s->rc_path ? snprintf(text, sizeof text, "%s: ", s->rc_path) : 0;
    vsnprintf(text + used, sizeof text - (size_t)used, fmt, args);
    const char *clean = notes_add(&s->notes, error, text);
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

/* ---- document ------------------------------------------------------------------ */

/* End of the word that begins at `at`, its leading blanks included. */
static size_t word_end(const char *text, size_t size, size_t at)
{
    while (at < size && isspace((unsigned char)text[at]))
        at++;
    while (at < size && !isspace((unsigned char)text[at]))
        at++;
    return at;
}

/* The text as it stands, in words without ids: what is on screen until there are
 * tokens. Takes over text. */
static struct snapshot_document *raw_document(const char *path, char *text, size_t size)
{
    size_t words = 0;
    for (size_t at = 0; at < size && words < PREVIEW_WORDS; words++)
        at = word_end(text, size, at);
    struct snapshot_document *d = snapshot_document_new(words);
    for (size_t i = 0, at = 0; i < words; i++) {
        d->start[i] = (uint32_t)at;
        d->end[i] = (uint32_t)(at = word_end(text, size, at));
    }
    free(d->ids);
    d->ids = NULL;
    char name[256];
    const char *last = strcmp(path, "-") == 0 ? "standard input" : file_name(path);
    text_sanitize(name, sizeof name, last, strlen(last));
    d->name = xstrdup(name);
    d->text = text;
    d->size = size;
    return d;
}

/* Everything that belongs to the document before. */
static void forget_document(struct session *s)
{
    snapshot_release(s->restored);
    s->restored = NULL;
    snapshot_document_release(s->document.raw);
    s->document.raw = NULL;
    watch_clear(&s->document_watch);
    s->read_from = s->read_to = 0;
    s->read_failed = false;
    s->view.token = s->view.slot = s->view.document_top = 0;
    s->view.has_range = s->view.range_open = false;
    s->jumped_from.known = false;
    s->view.moved.kind = s->view.locked.kind = SOURCE_NONE;
    s->play = (struct playback){.opened = s->play.opened};
    edits_drop(&s->edits);
    undo_free(&s->undo);
    s->continue_from = 0;
}

void session_set_restored(struct session *s, const char *path, struct snapshot *restored)
{
    char *kept = xstrdup(path);
    if (s->worker)
        worker_cancel(s->worker, JOB_DOCUMENT | JOB_ASK | JOB_READ | JOB_LOSS | JOB_CONTROL);
    forget_document(s);
    free(s->document.path);
    free(s->question);
    s->question = NULL;
    s->document.path = kept;
    s->restored = restored;
    s->ask_when_ready = false;
    session_compose(s);
}

bool session_can_compute(const struct session *s, struct err *err)
{
    const char *model = s->restored ? s->restored->facts.model : "";
    return !s->restored || err_set(err, ERR_USAGE, "this session was restored: it needs %s and "
                                                   "its document, opened anew",
                                   model[0] ? model : "the model");
}

void session_set_document(struct session *s, const char *path, char *text, size_t size)
{
    char *kept = xstrdup(path);
    forget_document(s);
    free(s->path_before);
    s->path_before = s->document.path;
    s->document = (struct document){kept, raw_document(path, text, size)};
    if (strcmp(path, "-") != 0)
        watch_add(&s->document_watch, path);
    if (s->worker && s->edits_known)
        jobs_set_document(s);
    session_compose(s);
}

void session_document_settled(struct session *s, bool ok)
{
    snapshot_document_release(s->document.raw);
    s->document.raw = NULL;
    if (ok) {
        free(s->path_before);
    } else {
        free(s->document.path);
        s->document.path = s->path_before;
    }
    s->path_before = NULL;
}

/* ---- snapshots ------------------------------------------------------------------ */

static void add_activity(const struct session *s, struct snapshot *snapshot)
{
    struct worker_activity now;
    worker_activity(s->worker, &now);
    if (snapshot->activity.stage[0] || !now.kind_running || now.kind_running == JOB_HASH)
        return;
    struct snapshot_activity *activity = &snapshot->activity;
    memcpy(activity->stage, now.stage, sizeof activity->stage);
    activity->done = now.done;
    activity->total = now.total;
    activity->eta_ms = -1;
    double spent = s->now_ms - now.started_ms;
    if (spent > 2000 && now.done && now.done < now.total)
        activity->eta_ms = spent * (double)(now.total - now.done) / (double)now.done;
}

/* Answers that are queued behind other work. */
static void add_waiting(const struct session *s, struct snapshot *snapshot)
{
    for (enum answer_mode m = 0; m < ANSWER_MODES; m++) {
        const struct snapshot_answer *old = snapshot->answer[m];
        bool under_way = old && (old->state == ANSWER_PREPARING || old->state == ANSWER_RUNNING);
        if (under_way || (!s->waiting[m] && !(s->ask_when_ready && s->preferences.answers[m])))
            continue;
        struct snapshot_answer *waiting = snapshot_answer_new();
        waiting->state = ANSWER_WAITING;
        waiting->f1 = waiting->exact = -1;
        snapshot_set_answer(snapshot, m, waiting);
    }
}

/* Sender mass in units of the even share, for the whole document. */
static void add_minimap(struct snapshot *snapshot)
{
    size_t n = snapshot->document ? snapshot->document->tokens : 0;
    if (snapshot->minimap_mass || !snapshot->windows || !n)
        return;
    snapshot->minimap_mass = xcalloc(n, sizeof *snapshot->minimap_mass);
    for (size_t t = 0; t < n; t++)
        snapshot->minimap_mass[t] = NAN;
    for (size_t i = 0; i < snapshot->windows; i++) {
        const struct snapshot_window *w = snapshot->window[i];
        for (size_t t = 0; w && w->has_plan && t < w->tokens && w->first + t < n; t++)
            snapshot->minimap_mass[w->first + t] = w->mass[t] * (float)w->tokens;
    }
}

void session_compose(struct session *s)
{
    struct snapshot *next = snapshot_derive(s->restored ? s->restored : s->published);
    if (s->document.raw)
        snapshot_set_document(next, snapshot_document_retain(s->document.raw));
    add_minimap(next);
    if (s->worker) {
        add_activity(s, next);
        add_waiting(s, next);
    }
    if (s->question && !next->question)
        next->question = xstrdup(s->question);
    snapshot_release(s->snapshot);
    s->snapshot = next;
    s->view.question = s->question;
    s->view.pinned = s->pinned;
    s->view.pin_name = s->pin_name;
    s->view.muted = s->edits.muted;
    s->view.muted_count = s->edits.muted_count;
    s->view.muted_any = edits_muted(&s->edits) > 0;
    s->view.token_edits = s->edits.tokens;
    s->view.n_token_edits = s->edits.token_count;
    s->view.layer_off = s->edits.layer_off;
    s->view.n_layer_off = EDIT_LAYERS_MAX;
    s->view.even_mass = s->edits.settings.ablations & ABLATE_MASS;
    s->view.mean_pooling = s->edits.settings.ablations & ABLATE_PLAN;
    s->view.shuffled = s->edits.settings.ablations & ABLATE_ORDER;
    cursor_clamp(s);
    view_follow_cursor(s->snapshot, &s->view);
    s->dirty = true;
}

static void show_engine_notes(struct session *s)
{
    for (char *line; (line = worker_take_line(s->worker));) {
        notes_add(&s->notes, false, line);
        free(line);
    }
    if (s->published && s->published->note_serial != s->last_note_serial) {
        s->last_note_serial = s->published->note_serial;
        if (s->published->note[0])
            session_note(s, "%s", s->published->note);
    }
}

/* The plan balances once before the reader's eyes, in half a second. */
static void start_opening(struct session *s)
{
    const struct snapshot_window *w = session_window(s);
    if (s->play.opened || s->headless || !w || !w->has_plan)
        return;
    s->play.opened = true;
    if (!w->f || w->iters < 2)
        return;
    s->play.opening = true;
    s->play.fps = w->iters * 2;
    s->play.next_ms = s->now_ms;
    s->view.iteration = 0;
}

bool session_collect(struct session *s)
{
    struct snapshot *none = NULL;
    if (s->writer)
        worker_collect(s->writer, &none, s);
    if (!s->worker || !worker_collect(s->worker, &s->published, s))
        return false;
    if (eval_screen_collect(s))
        screens_refresh(s);
    show_engine_notes(s);
    session_compose(s);
    start_opening(s);
    session_read_visible(s);
    return true;
}

/* ---- reading ---------------------------------------------------------------------- */

void session_read_visible(struct session *s)
{
    size_t n = session_tokens(s);
    if (!s->worker || s->restored || !n || s->read_failed || !s->snapshot->windows ||
        worker_pending(s->worker) & (JOB_OPEN | JOB_DOCUMENT | JOB_SETTINGS))
        return;
    /* The page around the cursor: as many tokens as can be on a screen. */
    size_t page = (size_t)s->view.rows * 16;
    size_t from = s->view.document_top < s->view.token ? s->view.document_top : s->view.token;
    size_t to = from + page < n ? from + page : n;
    if (to <= s->view.token)
        to = s->view.token + 1;
    size_t first = snapshot_window_of(s->snapshot, from);
    size_t last = snapshot_window_of(s->snapshot, to - 1);
    bool missing = false;
    for (size_t w = first; w <= last && w < s->snapshot->windows; w++)
        missing |= !s->snapshot->window[w] || !s->snapshot->window[w]->has_plan;
    bool under_way = worker_pending(s->worker) & JOB_READ && from >= s->read_from &&
                     to <= s->read_to;
    if (!missing || under_way)
        return;
    s->read_from = from;
    s->read_to = to;
    jobs_read(s, from, to);
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

static void look_at_files(struct session *s)
{
    s->next_watch_ms = s->now_ms + WATCH_MS;
    const char *path = watch_look(&s->document_watch);
    if (!path)
        path = watch_look(&s->model_watch);
    if (path)
        session_warn(s, "%s changed on disk: r opens it again", file_name(path));
}

void session_tick(struct session *s)
{
    if (!s->headless && s->now_ms >= s->next_watch_ms)
        look_at_files(s);
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
    return (!s->worker || worker_is_idle(s->worker)) &&
           (!s->writer || worker_is_idle(s->writer)) && !(s->play.fps > 0) &&
           !(s->live_due_ms > 0) && !run_control_is_busy(s);
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
    }
}

void session_apply_display(struct session *s)
{
    struct preferences *p = &s->preferences;
    struct display d = {DEPTH_MONO, GLYPHS_SHADE, THEME_DEFAULT, false};
    if (s->terminal)
        d = terminal_display(s->terminal);
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
