/* The terminal: the only module that knows curses. It paints canvases, tells
 * what the terminal can do, and gives it back in every case.
 *
 * Input is read from terminal_fd() by the caller and decoded by input.h: curses is
 * used for output alone, so that no key ever waits inside a library. */
#ifndef APP_TERMINAL_H
#define APP_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

#include "app/input.h"
#include "engine/base/err.h"
#include "views/canvas.h"
#include "views/display.h"

enum { TERMINAL_ROWS_MAX = 300, TERMINAL_COLUMNS_MAX = 500 };

struct terminal;

struct terminal_options {
    bool stdin_taken;    /* standard input is the document: keys come from /dev/tty */
    const char *color;   /* "auto", "always", "never"; NULL = auto */
};

/* Refuses, with ERR_TERMINAL and a sentence, what curses would accept and then
 * garble: pipes, TERM unset, unknown or without cursor addressing. */
bool terminal_check(const struct terminal_options *options, struct err *err);

/* Bytes that arrive while the terminal is asked about itself go to input. */
struct terminal *terminal_open(const struct terminal_options *options, struct input *input,
                               struct err *err);
void terminal_close(struct terminal *terminal);

int terminal_fd(const struct terminal *terminal);
struct display terminal_display(const struct terminal *terminal);

/* Size that is used: the terminal's, within the maxima. resize reads it anew. */
void terminal_size(const struct terminal *terminal, int *rows, int *columns);
void terminal_resize(struct terminal *terminal);

/* Writes the cells that changed; display: what the theme is to assume, usually
 * terminal_display(). */
void terminal_paint(struct terminal *terminal, const struct canvas *canvas,
                    const struct display *display);

/* The next paint writes all cells. */
void terminal_redraw(struct terminal *terminal);

/* Does a frame in colours take longer than a second and a half? So it does on a line of 19200 baud
 * or less, and on one of up to 57600 that is really serial: pseudo terminals say 38400. */
bool terminal_is_slow_line(const struct terminal *terminal);
/* Has the line got another speed since this was asked last? */
bool terminal_speed_changed(struct terminal *terminal);
bool terminal_speed_is_slow(speed_t speed, dev_t device); /* of such a line */

/* Has the terminal not yet taken what was written? Then a frame is better left
 * out. */
bool terminal_is_behind(const struct terminal *terminal);

void terminal_set_mouse(struct terminal *terminal, bool on);

/* Puts text onto the clipboard of the terminal (OSC 52), where it takes that. */
void terminal_copy(struct terminal *terminal, const char *text);

/* Gives the terminal back for a while (Ctrl-Z, an editor), and takes it again. With
 * input, the terminal is asked about itself anew: it may be another one by now, or have
 * another background. */
void terminal_suspend(struct terminal *terminal);
void terminal_resume(struct terminal *terminal, struct input *input);

#endif
