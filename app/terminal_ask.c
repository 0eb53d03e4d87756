#include "app/terminal_ask.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"

void terminal_write(const struct terminal_line *line, const char *text)
{
    /* A terminal that is gone is noticed where it is read. */
    file_write_all(line->out, text, strlen(text));
}

static bool same_device(int a, int b)
{
    struct stat first, second;
    return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_rdev == second.st_rdev;
}

static bool answers_questions(const struct terminal_line *line, const char *type)
{
    static const char *const silent[] = {"vt", "ansi", "cygwin", "cons25", "hurd", "sun"};
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++)
        if (strncmp(type, silent[i], strlen(silent[i])) == 0)
            return false;
    return line->ansi && (line->in == line->out || same_device(line->in, line->out));
}

enum theme_kind terminal_theme_of_environment(void)
{
    const char *value = getenv("COLORFGBG");
    const char *last = value ? strrchr(value, ';') : NULL;
    if (!last || last[1] < '0' || last[1] > '9')
        return THEME_DEFAULT;
    int color = last[1] - '0';
    bool dark = (color < 7 || color == 8) || last[2];
    return last[2] >= '5' ? THEME_LIGHT : dark ? THEME_DARK : THEME_LIGHT;
}

/* Takes replies out of what arrived; keys typed meanwhile stay for the caller. */
static bool take_replies(struct display *display, struct input *replies, struct input *input,
                         int *column)
{
    struct input_event event;
    while (input_next(replies, false, &event)) {
        if (event.kind == INPUT_BACKGROUND) {
            display->theme = event.luminance > 0.5 ? THEME_LIGHT : THEME_DARK;
        } else if (event.kind == INPUT_POSITION) {
            *column = event.column;
            return true;
        } else {
            input_feed(input, event.bytes, event.length);
        }
    }
    return false;
}

static void choose_glyphs(struct display *display, bool utf8)
{
    display->glyphs = !utf8 || display->ambiguous_wide ? GLYPHS_ASCII
                      : display->depth >= DEPTH_256    ? GLYPHS_HALF
                                                       : GLYPHS_SHADE;
}

/* Which background, and how wide is a half block? The position is asked last:
 * terminals answer in order, so its reply also ends the wait for the first. */
void terminal_ask(const struct terminal_line *line, const char *type, struct display *display,
                  struct input *input)
{
    if (!answers_questions(line, type)) {
        choose_glyphs(display, line->utf8);
        return;
    }
    if (strcmp(type, "linux") != 0)
        terminal_write(line, "\033]11;?\a");
    terminal_write(line, line->utf8 ? "\033[2;1H\xe2\x96\x80\033[6n" : "\033[2;1H\033[6n");
    struct input replies = {0};
    double deadline = clock_ms() + TERMINAL_PROBE_MS;
    int column = 1;
    for (double left; (left = deadline - clock_ms()) > 0;) {
        struct pollfd fd = {.fd = line->in, .events = POLLIN};
        char bytes[256];
        if (poll(&fd, 1, (int)left + 1) <= 0)
            continue;
        ssize_t n = read(line->in, bytes, sizeof bytes);
        if (n <= 0)
            break;
        input_feed(&replies, bytes, (size_t)n);
        if (take_replies(display, &replies, input, &column))
            break;
    }
    if (replies.used > replies.taken)
        input_feed(input, replies.bytes + replies.taken, replies.used - replies.taken);
    input_free(&replies);
    display->ambiguous_wide = column > 1;
    terminal_write(line, "\033[2;1H\033[K");
    choose_glyphs(display, line->utf8);
}
