#include "app/train_control.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/interrupt.h"
#include "engine/base/clock.h"

/* A pause ends by a command or a signal; it looks for signals this often. */
enum { STAGE_MS = 100, NICENESS = 10, PAUSE_LOOK_MS = 500 };

/* For so long an event that does not come again waits for a reader who has fallen behind. */
enum { READER_MS = 10000 };

void train_control_open(struct train_control *c)
{
    *c = (struct train_control){.enabled = true};
    signal(SIGPIPE, SIG_IGN); /* a reader that is gone must not end the run unsaved */
    fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
    fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) | O_NONBLOCK);
    if (nice(NICENESS) == -1)
        errno = 0; /* then it competes */
}

static bool is_kind(const json_t *event, const char *kind)
{
    return strcmp(json_string_value(json_object_get(event, "event")), kind) == 0;
}

/* Is the reader worth waiting for? */
static bool must_arrive(const struct train_control *c, const json_t *event)
{
    bool comes_again = is_kind(event, "stage") || is_kind(event, "step");
    return is_kind(event, "end") || (!comes_again && !c->is_deaf);
}

/* Whole or, where the pipe is full, not at all. */
static bool write_line(const char *line, size_t length)
{
    return write(STDOUT_FILENO, line, length) == (ssize_t)length || errno != EAGAIN;
}

static bool await_reader(void)
{
    double until = clock_ms() + READER_MS, left;
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    while ((left = until - clock_ms()) > 0)
        if (poll(&out, 1, (int)left + 1) > 0)
            return true;
    return false;
}

void train_control_tell(struct train_control *c, json_t *event)
{
    char *text = c->enabled ? json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    size_t length = text ? strlen(text) : 0;
    if (length > 0 && length < PIPE_BUF) {
        text[length] = '\n'; /* in place of the NUL */
        bool told = write_line(text, length + 1);
        if (told)
            c->is_deaf = false;
        else if (must_arrive(c, event))
            c->is_deaf = !await_reader() || !write_line(text, length + 1);
    }
    free(text);
    json_decref(event);
}

void train_control_note(struct train_control *c, const char *text)
{
    train_control_tell(c, json_pack("{s:s, s:s}", "event", "note", "text", text));
}

static void obey(struct train_control *c, const char *word)
{
    if (strcmp(word, "pause") == 0 || strcmp(word, "resume") == 0) {
        c->paused = word[0] == 'p';
        train_control_tell(c, json_pack("{s:s}", "event", c->paused ? "paused" : "resumed"));
    } else if (strcmp(word, "save") == 0) {
        c->save = true;
    } else if (strcmp(word, "stop") == 0) {
        c->stop = true;
        c->paused = false;
    }
}

static void take_lines(struct train_control *c)
{
    for (char *end; (end = memchr(c->input, '\n', c->used));) {
        size_t length = (size_t)(end - c->input) + 1;
        *end = '\0';
        obey(c, c->input);
        c->used -= length;
        memmove(c->input, c->input + length, c->used);
    }
    if (c->used == sizeof c->input)
        c->used = 0; /* no command is that long */
}

void train_control_poll(struct train_control *c)
{
    while (c->enabled && !c->stop) {
        ssize_t n = read(STDIN_FILENO, c->input + c->used, sizeof c->input - c->used);
        if (n > 0) {
            c->used += (size_t)n;
            take_lines(c);
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n == 0) {
            obey(c, "stop"); /* whoever steered is gone */
        } else {
            return;
        }
    }
}

bool train_control_tick(void *context, const char *stage, size_t done, size_t total)
{
    struct train_control *c = context;
    double now = clock_ms();
    if (!c->enabled)
        return true;
    if (now - c->told_ms >= STAGE_MS) {
        c->told_ms = now;
        train_control_tell(c, json_pack("{s:s, s:s, s:I, s:I}", "event", "stage", "stage", stage,
                                        "done", (json_int_t)done, "total", (json_int_t)total));
    }
    train_control_poll(c);
    while (c->paused && !interrupt_signal()) {
        struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
        poll(&in, 1, PAUSE_LOOK_MS);
        train_control_poll(c);
    }
    return true;
}
