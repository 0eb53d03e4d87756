#include "app/terminal.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <wchar.h>

#include "app/capabilities.h"
#include "app/painter.h"
#include "app/signals.h"
#include "app/terminal_ask.h"
#include "app/terminal_curses.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "views/theme.h"

enum { RESET_SIZE = 512 };

static const char mouse_on[] = "\033[?1000h\033[?1006h", mouse_off[] = "\033[?1006l\033[?1000l";
static const char paste_on[] = "\033[?2004h", paste_off[] = "\033[?2004l";

struct terminal {
    struct terminal_line line;
    FILE *in_file; /* only when /dev/tty was opened */
    SCREEN *screen;
    struct termios modes; /* as they were before */
    struct display display;
    int rows, columns;
    bool mouse, active, all_dirty;
    int cursor_shown; /* -1 unknown */
    struct canvas shown;
    bool direct; /* painted without curses */
    struct painter painter;
};

/* ---- may we? ------------------------------------------------------------------ */

static bool known_type(const char *type, struct err *err)
{
    if (!type || !*type || strcmp(type, "dumb") == 0)
        return err_set(err, ERR_TERMINAL,
                       "the explorer needs a terminal that can place the cursor, TERM is %s; for "
                       "pipes use ask, compress, export",
                       type && *type ? type : "not set");
    if (!capabilities_load(type, err))
        return false;
    bool places = capabilities_string("cup") != NULL;
    capabilities_drop();
    return places || err_set(err, ERR_TERMINAL, "TERM=%s cannot place the cursor", type);
}

bool terminal_check(const struct terminal_options *options, struct err *err)
{
    if (!isatty(STDOUT_FILENO) || (!options->stdin_taken && !isatty(STDIN_FILENO)))
        return err_set(err, ERR_TERMINAL,
                       "the explorer needs a terminal; for pipes use ask, compress, export");
    if (options->stdin_taken && isatty(STDIN_FILENO))
        return err_set(err, ERR_USAGE,
                       "standard input is the terminal: name a file, or pipe the document in");
    return known_type(getenv("TERM"), err);
}

/* ---- what can it do? ------------------------------------------------------------ */

static bool env_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

static bool says_truecolor(void)
{
    const char *value = getenv("COLORTERM");
    return value && (strcmp(value, "truecolor") == 0 || strcmp(value, "24bit") == 0);
}

/* Wants the capabilities loaded. */
static enum color_depth choose_depth(const char *color)
{
    bool always = color && strcmp(color, "always") == 0;
    if ((color && strcmp(color, "never") == 0) || (!always && env_set("NO_COLOR")))
        return DEPTH_MONO;
    int colors = capabilities_number("colors");
    if (colors >= CAPABILITIES_RGB || capabilities_flag("RGB") ||
        (colors >= 256 && says_truecolor()))
        return DEPTH_TRUE;
    return colors >= 256 ? DEPTH_256 : colors >= 8 ? DEPTH_16 : DEPTH_MONO;
}

/* ---- output beside curses ---------------------------------------------------------- */

/* Appends a capability without its padding marks $<..>. */
static size_t append_capability(char *out, size_t used, const char *name)
{
    const char *text = capabilities_string(name);
    if (!text)
        return used;
    while (*text && used + 1 < RESET_SIZE) {
        const char *end = text[0] == '$' && text[1] == '<' ? strchr(text, '>') : NULL;
        if (end)
            text = end + 1;
        else
            out[used++] = *text++;
    }
    return used;
}

/* What a crash writes to give the screen back. */
static void arm(const struct terminal *t)
{
    char reset[RESET_SIZE];
    size_t used = 0;
    if (t->line.ansi)
        used = (size_t)snprintf(reset, sizeof reset, "%s%s", mouse_off, paste_off);
    static const char *const capabilities[] = {"sgr0", "op", "cnorm", "rmcup"};
    for (size_t i = 0; i < sizeof capabilities / sizeof *capabilities; i++)
        used = append_capability(reset, used, capabilities[i]);
    signals_arm_terminal(t->line.out, reset, used, &t->modes);
}

/* ---- open, close ----------------------------------------------------------------------- */

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

/* False when the terminal does not know its size (0 x 0). */
static bool read_size(const struct terminal *t, int *rows, int *columns)
{
    struct winsize size = {0};
    if (ioctl(t->line.out, TIOCGWINSZ, &size) != 0 || !size.ws_row || !size.ws_col)
        return false;
    *rows = clamp(size.ws_row, 1, TERMINAL_ROWS_MAX);
    *columns = clamp(size.ws_col, 1, TERMINAL_COLUMNS_MAX);
    return true;
}

/* Sets a variable for curses' start and remembers what stood there. */
struct variable {
    const char *name;
    char *before;
};

static struct variable variable_set(const char *name, const char *value)
{
    const char *old = getenv(name);
    struct variable v = {name, old ? xstrdup(old) : NULL};
    setenv(name, value, 1);
    return v;
}

static void variable_restore(struct variable *v)
{
    if (v->before)
        setenv(v->name, v->before, 1);
    else
        unsetenv(v->name);
    free(v->before);
}

/* Curses sizes its buffers by these variables, when it starts and when it comes back, whatever
 * the window claims: one of 32767 x 32767 would keep it busy for minutes, and what the user's own
 * variables say is not the window. */
struct size_variables {
    struct variable lines, columns;
};

static struct size_variables size_set(int rows, int columns)
{
    char text[16];
    struct size_variables v;
    snprintf(text, sizeof text, "%d", rows);
    v.lines = variable_set("LINES", text);
    snprintf(text, sizeof text, "%d", columns);
    v.columns = variable_set("COLUMNS", text);
    return v;
}

static void size_restore(struct size_variables *v)
{
    variable_restore(&v->lines);
    variable_restore(&v->columns);
}

static SCREEN *new_screen(struct terminal *t, const char *type)
{
    int rows = 24, columns = 80;
    read_size(t, &rows, &columns);
    struct size_variables size = size_set(rows, columns);
    char *direct = NULL;
    if (t->display.depth == DEPTH_TRUE && capabilities_number("colors") < CAPABILITIES_RGB)
        direct = capabilities_with_direct_color(type);
    struct variable description = variable_set("TERMINFO", direct ? direct : "");
    if (!direct)
        variable_restore(&description);
    SCREEN *screen = newterm(type, stdout, t->in_file ? t->in_file : stdin);
    if (direct)
        variable_restore(&description);
    size_restore(&size);
    free(direct);
    t->rows = rows;
    t->columns = columns;
    return screen;
}

static void set_modes(struct terminal *t)
{
    raw();
    noecho();
    nonl();
    scrollok(stdscr, FALSE);
    idlok(stdscr, FALSE);
    if (t->display.depth != DEPTH_MONO && (start_color() != OK || use_default_colors() != OK))
        t->display.depth = DEPTH_MONO;
    if (t->display.depth == DEPTH_TRUE && COLORS < CAPABILITIES_RGB)
        t->display.depth = COLORS >= 256 ? DEPTH_256 : DEPTH_16;
}

static void describe(struct terminal *t, const char *color)
{
    const char *cup = capabilities_string("cup");
    t->line.ansi = cup && strncmp(cup, "\033[", 2) == 0;
    t->line.utf8 = t->painter.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    t->display.depth = choose_depth(color);
    t->direct = t->line.ansi && t->display.depth >= DEPTH_256 && capabilities_take_sgr();
}

struct terminal *terminal_open(const struct terminal_options *options, struct input *input,
                               struct err *err)
{
    const char *type = getenv("TERM");
    struct terminal *t = xcalloc(1, sizeof *t);
    t->line.in = STDIN_FILENO;
    t->line.out = STDOUT_FILENO;
    t->cursor_shown = -1;
    if (options->stdin_taken) {
        t->line.in = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
        t->in_file = t->line.in < 0 ? NULL : fdopen(t->line.in, "r");
    }
    if (t->line.in < 0 || tcgetattr(t->line.out, &t->modes) != 0) {
        err_set(err, ERR_TERMINAL, "the terminal cannot be opened: %s", strerror(errno));
        terminal_close(t);
        return NULL;
    }
    if (!capabilities_load(type, err)) {
        terminal_close(t);
        return NULL;
    }
    describe(t, options->color);
    arm(t);
    t->screen = new_screen(t, type);
    capabilities_drop();
    if (!t->screen) {
        err_set(err, ERR_TERMINAL, "TERM=%s: curses cannot use this terminal", type);
        terminal_close(t);
        return NULL;
    }
    set_modes(t);
    t->active = true;
    canvas_init(&t->shown, t->rows, t->columns);
    refresh();
    t->display.theme = terminal_theme_of_environment();
    terminal_ask(&t->line, type, &t->display, input);
    if (t->line.ansi)
        terminal_write(&t->line, paste_on);
    terminal_redraw(t);
    return t;
}

void terminal_close(struct terminal *t)
{
    if (!t)
        return;
    if (t->active)
        terminal_suspend(t);
    signals_arm_terminal(-1, NULL, 0, NULL);
    if (t->screen) {
        delscreen(t->screen);
        canvas_free(&t->shown);
    }
    if (t->in_file)
        fclose(t->in_file);
    free(t);
}

int terminal_fd(const struct terminal *t)
{
    return t->line.in;
}

struct display terminal_display(const struct terminal *t)
{
    return t->display;
}

void terminal_size(const struct terminal *t, int *rows, int *columns)
{
    *rows = t->rows;
    *columns = t->columns;
}

void terminal_resize(struct terminal *t)
{
    int rows = t->rows, columns = t->columns;
    read_size(t, &rows, &columns);
    if (rows == t->rows && columns == t->columns)
        return;
    t->rows = rows;
    t->columns = columns;
    resizeterm(rows, columns);
    canvas_free(&t->shown);
    canvas_init(&t->shown, rows, columns);
    terminal_redraw(t);
}

/* ---- paint ------------------------------------------------------------------------------ */

static void place_cursor(struct terminal *t, const struct canvas *canvas)
{
    int shown = canvas->cursor_row >= 0 && canvas->cursor_row < t->rows &&
                canvas->cursor_column >= 0 && canvas->cursor_column < t->columns;
    if (shown)
        move(canvas->cursor_row, canvas->cursor_column);
    if (shown != t->cursor_shown)
        curs_set(shown);
    t->cursor_shown = shown;
}

static void paint_direct(struct terminal *t, const struct canvas *canvas,
                         const struct display *display)
{
    struct buffer out = {0};
    painter_frame(&t->painter, &out, canvas, &t->shown, t->all_dirty, display);
    t->all_dirty = false;
    if (signals_begin_output()) {
        file_write_all(t->line.out, out.data ? out.data : "", out.size);
        place_cursor(t, canvas);
        signals_end_output();
    }
    buffer_free(&out);
}

static void paint_curses(struct terminal *t, const struct canvas *canvas,
                         const struct display *display)
{
    bool colors = t->display.depth != DEPTH_MONO;
    terminal_curses_put(canvas, &t->shown, t->all_dirty, display, t->line.utf8, colors);
    t->all_dirty = false;
    if (!signals_begin_output())
        return;
    place_cursor(t, canvas);
    refresh();
    signals_end_output();
}

void terminal_paint(struct terminal *t, const struct canvas *canvas,
                    const struct display *display)
{
    bool fits = canvas->rows == t->rows && canvas->columns == t->columns;
    if (!t->direct)
        paint_curses(t, canvas, display);
    else if (fits) /* else another frame is on its way */
        paint_direct(t, canvas, display);
}

void terminal_redraw(struct terminal *t)
{
    t->all_dirty = true;
    t->cursor_shown = -1;
    clearok(curscr, TRUE);
}

/* Pseudo terminals and consoles name a speed, 38400, that they do not have. */
static bool is_serial(dev_t device)
{
    enum { CONSOLES = 4, CONSOLES_ALSO = 5, SERIAL_FIRST = 64, PSEUDO = 136, PSEUDO_LAST = 143 };
    unsigned kind = major(device);
    return kind == CONSOLES ? minor(device) >= SERIAL_FIRST
                            : kind > CONSOLES_ALSO && (kind < PSEUDO || kind > PSEUDO_LAST);
}

bool terminal_speed_is_slow(speed_t speed, dev_t device)
{
    if (speed == B0)
        return false;
    /* the speeds' codes rise with them */
    return speed <= B19200 || (speed <= B57600 && is_serial(device));
}

bool terminal_speed_changed(struct terminal *t)
{
    struct termios now;
    if (tcgetattr(t->line.out, &now) != 0 || cfgetospeed(&now) == cfgetospeed(&t->modes))
        return false;
    cfsetospeed(&t->modes, cfgetospeed(&now)); /* it stays so when the program ends */
    cfsetispeed(&t->modes, cfgetispeed(&now));
    arm(t);
    return true;
}

bool terminal_is_slow_line(const struct terminal *t)
{
    struct stat st;
    return fstat(t->line.out, &st) == 0 &&
           terminal_speed_is_slow(cfgetospeed(&t->modes), st.st_rdev);
}

bool terminal_is_behind(const struct terminal *t)
{
    int queued = 0;
    struct pollfd fd = {.fd = t->line.out, .events = POLLOUT};
    if (ioctl(t->line.out, TIOCOUTQ, &queued) == 0 && queued > 0)
        return true;
    return poll(&fd, 1, 0) == 0;
}

void terminal_set_mouse(struct terminal *t, bool on)
{
    if (!t->line.ansi || on == t->mouse)
        return;
    t->mouse = on;
    terminal_write(&t->line, on ? mouse_on : mouse_off);
}

void terminal_copy(struct terminal *t, const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = strlen(text), n = 0;
    char *out = xmalloc(4 * (length / 3 + 1) + 16);
    n += (size_t)snprintf(out, 16, "\033]52;c;");
    for (size_t i = 0; i < length; i += 3) {
        uint32_t bits = (uint32_t)(unsigned char)text[i] << 16;
        bits |= i + 1 < length ? (uint32_t)(unsigned char)text[i + 1] << 8 : 0;
        bits |= i + 2 < length ? (uint32_t)(unsigned char)text[i + 2] : 0;
        for (size_t k = 0; k < 4; k++)
            out[n++] = i + k > length ? '=' : digits[bits >> (18 - 6 * k) & 63];
    }
    out[n++] = '\a';
    out[n] = '\0';
    if (t->line.ansi)
        terminal_write(&t->line, out);
    free(out);
}

void terminal_suspend(struct terminal *t)
{
    if (t->line.ansi) {
        terminal_write(&t->line, mouse_off);
        terminal_write(&t->line, paste_off);
    }
    if (t->direct)
        terminal_write(&t->line, "\033[m");
    if (t->display.depth != DEPTH_MONO || t->cursor_shown == 0)
        curs_set(1);
    erase();
    endwin();
    tcsetattr(t->line.out, TCSADRAIN, &t->modes);
    signals_arm_terminal(-1, NULL, 0, NULL);
    t->active = false;
}

void terminal_resume(struct terminal *t, struct input *input)
{
    tcgetattr(t->line.out, &t->modes);
    arm(t);
    t->active = true;
    terminal_redraw(t);
    terminal_resize(t);
    struct size_variables size = size_set(t->rows, t->columns);
    refresh();
    size_restore(&size);
    if (input)
        terminal_ask(&t->line, getenv("TERM"), &t->display, input);
    if (t->line.ansi)
        terminal_write(&t->line, paste_on);
    if (t->line.ansi && t->mouse)
        terminal_write(&t->line, mouse_on);
}
