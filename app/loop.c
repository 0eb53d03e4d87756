#include "app/loop.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/editor.h"
#include "app/prompt.h"
#include "app/respond.h"
#include "app/run_control.h"
#include "app/signals.h"
#include "app/terminal.h"
#include "engine/base/clock.h"

/* A terminal that does not keep up gets fewer frames; one that needs that long for a frame, no
 * colours, which are most of a frame's bytes. */
enum { DROPS_SLOW = 3, SLOW_FRAME_MS = 200, COLORLESS_MS = 1500, READ_SIZE = 4096 };

/* Frames are paid for: one is earned in each frame's time, FRAMES_SAVED are kept at most.
 * What comes by itself is drawn when all of them are there, so that the one behind a key
 * need not wait for its time after a frame that nobody asked for. */
enum { FRAMES_SAVED = 2 };

struct loop {
    struct session *s;
    struct input *input;
    struct script *script;
    struct canvas canvas;
    double typed_ms;      /* when the last byte came */
    double frames, counted_ms; /* saved up, and when that was counted last */
    bool asked; /* a key or a click is not drawn yet */
    double next_wake_ms;  /* no look at the worker before */
    int drops;            /* frames left out in a row */
    double behind_ms;     /* since when the terminal has not kept up; 0: it does */
    bool slow;
    int signal;
};

/* ---- drawing ---------------------------------------------------------------------- */

static bool terminal_keeps_up(struct loop *l)
{
    if (!terminal_is_behind(l->s->terminal)) {
        l->drops = 0;
        l->behind_ms = 0;
        return true;
    }
    if (l->behind_ms == 0)
        l->behind_ms = l->s->now_ms;
    if (l->s->now_ms - l->behind_ms > COLORLESS_MS)
        session_leave_colors_out(l->s);
    l->drops++;
    if (l->drops >= DROPS_SLOW) {
        l->slow = true;
        l->s->play.fps = 0;
        l->s->view.playing = false;
    }
    return false;
}

static double frame_time(const struct loop *l)
{
    return l->slow ? SLOW_FRAME_MS : 1e3 / l->s->preferences.fps;
}

/* Milliseconds until the next frame may be drawn; 0: now. */
static double frame_wait(struct loop *l)
{
    double earned = (l->s->now_ms - l->counted_ms) / frame_time(l);
    l->frames = fmin(l->frames + earned, FRAMES_SAVED);
    l->counted_ms = l->s->now_ms;
    double wanted = l->asked ? 1 : FRAMES_SAVED;
    return fmax((wanted - l->frames) * frame_time(l), 0);
}

static void draw(struct loop *l)
{
    struct session *s = l->s;
    l->frames = fmax(l->frames - 1, 0);
    if (s->terminal && !terminal_keeps_up(l))
        return;
    l->asked = false;
    session_show_prompt(s);
    if (l->canvas.rows != s->view.rows || l->canvas.columns != s->view.columns) {
        canvas_free(&l->canvas);
        canvas_init(&l->canvas, s->view.rows, s->view.columns);
    }
    view_draw(s->snapshot, &s->view, &l->canvas);
    s->dirty = false;
    s->frames++;
    if (!s->terminal)
        return;
    if (s->redraw)
        terminal_redraw(s->terminal);
    s->redraw = false;
    double before = clock_ms();
    terminal_paint(s->terminal, &l->canvas, &s->view.display);
    double took = clock_ms() - before;
    l->slow = took > SLOW_FRAME_MS || (l->slow && l->drops > 0);
    if (took > COLORLESS_MS)
        session_leave_colors_out(s);
}

/* ---- the terminal's size and possession -------------------------------------------- */

static void take_size(struct session *s)
{
    if (!s->terminal)
        return;
    terminal_resize(s->terminal);
    terminal_size(s->terminal, &s->view.rows, &s->view.columns);
    view_follow_cursor(s->snapshot, &s->view);
    s->dirty = true;
}

static void suspend(struct loop *l)
{
    struct session *s = l->s;
    s->suspend = false;
    if (!s->terminal)
        return;
    terminal_suspend(s->terminal);
    run_control_suspend(s, true);
    signals_stop_self();
    run_control_suspend(s, false);
    terminal_resume(s->terminal, l->input);
    session_take_speed(s); /* it may be another terminal */
    take_size(s);
}

static void edit_prompt(struct session *s)
{
    struct err err = {0};
    s->edit_prompt = false;
    if (!s->terminal)
        return;
    signals_lend();
    terminal_suspend(s->terminal);
    char *text = editor_run(prompt_line(), !s->no_sandbox, &err);
    terminal_resume(s->terminal, NULL);
    signals_take_back();
    take_size(s);
    if (text)
        prompt_replace(text);
    else
        session_fail(s, &err, "C-x C-e tries again", "the prompt stays as it was");
    free(text);
}

/* ---- events -------------------------------------------------------------------------- */

static void take_input(struct loop *l)
{
    struct input_event event;
    bool settle = l->s->now_ms - l->typed_ms >= INPUT_ESCAPE_MS;
    while (!l->s->quit && input_next(l->input, settle, &event)) {
        respond_event(l->s, &event);
        l->asked = true;
    }
}

static void read_terminal(struct loop *l)
{
    char bytes[READ_SIZE];
    ssize_t n = read(terminal_fd(l->s->terminal), bytes, sizeof bytes);
    if (n > 0) {
        l->typed_ms = l->s->now_ms;
        input_feed(l->input, bytes, (size_t)n);
    } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
        l->s->quit = true; /* the terminal is gone */
        l->signal = SIGHUP;
    }
}

static void take_signals(struct loop *l)
{
    for (int number; (number = signals_take());) {
        switch (number) {
        case SIGWINCH: take_size(l->s); break;
        case SIGTSTP: l->s->suspend = true; break;
        case SIGCONT:
            l->s->dirty = l->s->redraw = true;
            take_size(l->s);
            break;
        default:
            l->s->quit = true;
            l->signal = number;
        }
    }
}

void loop_type(struct session *s, const char *bytes, size_t length)
{
    struct input input = {0};
    struct input_event event;
    input_feed(&input, bytes, length);
    while (!s->quit && input_next(&input, true, &event))
        respond_event(s, &event);
    input_free(&input);
}

/* ---- time -------------------------------------------------------------------------------- */

/* The smaller of two waits, -1 being for ever. */
static int sooner(int a, int b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

static int until(const struct session *s, double when)
{
    double wait = ceil(when - s->now_ms);
    return wait < 0 ? 0 : (int)wait;
}

static int wait_time(struct loop *l)
{
    int wait = session_timeout(l->s);
    if (l->script)
        wait = sooner(wait, script_timeout(l->script, l->s));
    if (l->s->dirty)
        wait = sooner(wait, (int)ceil(frame_wait(l)));
    if (l->s->worker && l->next_wake_ms > l->s->now_ms)
        wait = sooner(wait, until(l->s, l->next_wake_ms));
    if (input_waiting(l->input))
        wait = sooner(wait, until(l->s, l->typed_ms + INPUT_ESCAPE_MS));
    return wait;
}

/* Waits, then takes in what came. */
static void wait_for_events(struct loop *l)
{
    struct session *s = l->s;
    struct pollfd fds[5] = {{.fd = signals_fd(), .events = POLLIN},
                            {.fd = -1, .events = POLLIN},
                            {.fd = -1, .events = POLLIN},
                            {.fd = -1, .events = POLLIN},
                            {.fd = run_control_fd(s), .events = POLLIN}};
    if (s->terminal)
        fds[1].fd = terminal_fd(s->terminal);
    if (s->worker && s->now_ms >= l->next_wake_ms)
        fds[2].fd = worker_wake_fd(s->worker);
    if (s->writer)
        fds[3].fd = worker_wake_fd(s->writer);
    int n = poll(fds, 5, wait_time(l));
    s->now_ms = clock_ms();
    if (n <= 0)
        return;
    if (fds[0].revents)
        take_signals(l);
    if (fds[1].revents)
        read_terminal(l);
    if (fds[2].revents || fds[3].revents) {
        session_collect(s);
        l->next_wake_ms = s->now_ms + FRAME_MS;
    }
    if (fds[4].revents)
        run_control_take(s);
}

static bool play_script(struct loop *l, struct err *err)
{
    if (!l->script)
        return true;
    if (!script_step(l->script, l->s, err))
        return false;
    if (script_is_done(l->script) && l->s->headless)
        l->s->quit = true;
    return true;
}

int loop_run(struct session *s, struct input *input, struct script *script, struct err *err)
{
    struct loop l = {.s = s, .input = input, .script = script, .frames = FRAMES_SAVED};
    s->now_ms = clock_ms();
    l.typed_ms = l.counted_ms = s->now_ms;
    while (!s->quit && play_script(&l, err)) {
        take_input(&l);
        session_tick(s);
        if (s->suspend)
            suspend(&l);
        if (s->edit_prompt)
            edit_prompt(s);
        if (s->dirty && frame_wait(&l) <= 0)
            draw(&l);
        if (!s->quit)
            wait_for_events(&l);
    }
    canvas_free(&l.canvas);
    return l.signal;
}
