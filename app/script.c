#include "app/script.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "app/keycodes.h"
#include "app/run_control.h"
#include "app/terminal.h"
#include "app/tour.h"
#include "app/values.h"
#include "app/worker.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "views/canvas.h"

enum { SCRIPT_MAX = 4 << 20 };
static const double wait_max_ms = 600e3, wait_text_ms = 100e3;

struct script {
    char *text;
    const char *name; /* borrowed from the command line */
    size_t size, at, line;
    script_type_fn *type;
    bool wait_idle;
    double wait_until_ms; /* 0: no wait */
    size_t wait_step;     /* of the training run; 0: no wait */
    char *wait_text;      /* on the screen, until wait_until_ms at most; NULL: no wait */
    double wait_text_ms;  /* how long at most */
    uint64_t frame;       /* in which it was looked for */
};

struct script *script_open(const char *path, bool confined, script_type_fn *type, struct err *err)
{
    char *text;
    size_t size;
    if (!worker_read_file(confined, path, SCRIPT_MAX, &text, &size, err))
        return NULL;
    struct script *script = xcalloc(1, sizeof *script);
    *script = (struct script){.text = text, .name = file_name(path), .size = size, .type = type};
    return script;
}

void script_close(struct script *script)
{
    if (!script)
        return;
    free(script->text);
    free(script->wait_text);
    free(script);
}

char *script_screen(struct session *s)
{
    struct canvas canvas;
    canvas_init(&canvas, s->view.rows, s->view.columns);
    session_show_prompt(s);
    view_follow_cursor(s->snapshot, &s->view);
    view_draw(s->snapshot, &s->view, &canvas);
    char *text = canvas_dump(&canvas, false);
    canvas_free(&canvas);
    return text;
}

/* ---- the commands of scripts ------------------------------------------------------ */

/* The bytes that a terminal sends for a key; 0 when it has none here. */
static size_t key_bytes(uint32_t key, char out[16])
{
    static const struct {
        uint32_t key;
        const char *bytes;
    } named[] = {
        {KEYCODE_UP, "\033[A"},       {KEYCODE_DOWN, "\033[B"},      {KEYCODE_RIGHT, "\033[C"},
        {KEYCODE_LEFT, "\033[D"},     {KEYCODE_HOME, "\033[H"},      {KEYCODE_END, "\033[F"},
        {KEYCODE_PAGE_UP, "\033[5~"}, {KEYCODE_PAGE_DOWN, "\033[6~"}, {KEYCODE_DELETE, "\033[3~"},
        {KEYCODE_INSERT, "\033[2~"},  {KEYCODE_TAB, "\t"},           {KEYCODE_ENTER, "\r"},
        {KEYCODE_ESCAPE, "\033[27u"}, {KEYCODE_BACKSPACE, "\177"},   {KEYCODE_F1, "\033OP"},
        {KEYCODE_F2, "\033OQ"},       {KEYCODE_F3, "\033OR"},        {KEYCODE_F4, "\033OS"},
        {KEYCODE_F5, "\033[15~"},     {KEYCODE_F6, "\033[17~"},      {KEYCODE_F7, "\033[18~"},
        {KEYCODE_F8, "\033[19~"},     {KEYCODE_F9, "\033[20~"},      {KEYCODE_F10, "\033[21~"},
        {KEYCODE_F11, "\033[23~"},    {KEYCODE_F12, "\033[24~"},
        {KEYCODE_TAB | KEYCODE_SHIFT, "\033[Z"},
    };
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (named[i].key == key)
            return (size_t)snprintf(out, 16, "%s", named[i].bytes);
    uint32_t plain = key & KEYCODE_PLAIN;
    size_t n = 0;
    if (plain > KEYCODE_LAST_CHARACTER)
        return 0;
    if (key & KEYCODE_ALT)
        out[n++] = '\033';
    if (key & KEYCODE_CTRL) {
        out[n++] = (char)(plain == ' ' ? 0 : plain & 0x1f);
        return n;
    }
    return n + text_encode(plain, out + n);
}

static bool play_keys(struct script *script, struct session *s, const struct words *words,
                      struct err *err)
{
    for (size_t i = 0; i < words->count; i++) {
        uint32_t key;
        char bytes[16];
        size_t n = keycode_parse(words->word[i], &key) ? key_bytes(key, bytes) : 0;
        if (!n)
            return err_set(err, ERR_USAGE, "\"%s\" is no key", words->word[i]);
        script->type(s, bytes, n);
    }
    return true;
}

/* "2s", "500ms" */
static bool parse_time(const char *word, double *ms)
{
    char number[32];
    size_t digits = strspn(word, "0123456789.");
    snprintf(number, sizeof number, "%.*s", (int)digits, word);
    bool seconds = strcmp(word + digits, "s") == 0, millis = strcmp(word + digits, "ms") == 0;
    if (!(seconds || millis) || !value_real(number, ms))
        return false;
    *ms *= seconds ? 1e3 : 1;
    return *ms <= wait_max_ms;
}

/* for "TEXT" [within TIME] */
static bool wait_for_text(struct script *script, struct session *s, const struct words *words)
{
    bool within = words->count == 4 && strcmp(words->word[2], "within") == 0;
    double ms = wait_text_ms;
    if ((words->count != 2 && !within) || (within && !parse_time(words->word[3], &ms)))
        return false;
    script->wait_text = xstrdup(words->word[1]);
    script->wait_text_ms = ms;
    script->wait_until_ms = s->now_ms + ms;
    script->frame = s->frames - 1; /* look at what is there */
    return true;
}

static bool play_wait(struct script *script, struct session *s, const struct words *words,
                      struct err *err)
{
    double ms = 0;
    const char *word = words->count ? words->word[0] : "";
    bool alone = words->count == 1;
    if (alone && strcmp(word, "idle") == 0) {
        script->wait_idle = true;
        return true;
    }
    uint64_t step;
    if (words->count == 2 && strcmp(word, "step") == 0 && value_count(words->word[1], &step)) {
        script->wait_step = (size_t)step;
        return true;
    }
    if (strcmp(word, "for") == 0 && wait_for_text(script, s, words))
        return true;
    if (!alone || !parse_time(word, &ms))
        return err_set(err, ERR_USAGE, "wait wants idle, step N, for TEXT, for TEXT within 5s, 2s "
                       "or 500ms; found \"%.64s\"", words->rest);
    script->wait_until_ms = s->now_ms + ms;
    return true;
}

static bool play_size(struct script *script, struct session *s, const struct words *words,
                      struct err *err)
{
    (void)script;
    uint64_t columns, rows;
    const char *word = words->count == 1 ? words->word[0] : "";
    size_t digits = strcspn(word, "x");
    char number[16];
    snprintf(number, sizeof number, "%.*s", (int)digits, word);
    if (!word[digits] || !value_count(number, &columns) || !value_count(word + digits + 1, &rows) ||
        columns < 1 || columns > TERMINAL_COLUMNS_MAX || rows < 1 || rows > TERMINAL_ROWS_MAX)
        return err_set(err, ERR_USAGE, "size wants columns x rows, 1x1 to %dx%d",
                       TERMINAL_COLUMNS_MAX, TERMINAL_ROWS_MAX);
    if (!s->headless)
        return true; /* the terminal has the size that it has */
    s->view.columns = (int)columns;
    s->view.rows = (int)rows;
    view_follow_cursor(s->snapshot, &s->view);
    return true;
}

static bool play_screen(struct script *script, struct session *s, const struct words *words,
                        struct err *err)
{
    (void)script;
    if (!words->rest[0])
        return err_set(err, ERR_USAGE, "screen wants a file");
    char *text = script_screen(s);
    bool ok = file_replace(words->rest, text, strlen(text), err);
    free(text);
    return ok;
}

static bool screen_has(struct session *s, const char *wanted)
{
    char *text = script_screen(s);
    bool found = strstr(text, wanted) != NULL;
    free(text);
    return found;
}

static bool expect(struct session *s, const char *wanted, const char *within, struct err *err)
{
    if (screen_has(s, wanted))
        return true;
    s->failed_screen = script_screen(s);
    return err_set(err, ERR_OTHER, "expected \"%s\" on the screen%s", wanted, within);
}

static bool play_expect(struct script *script, struct session *s, const struct words *words,
                        struct err *err)
{
    (void)script;
    return expect(s, words->rest, "", err);
}

static bool play_type(struct script *script, struct session *s, const struct words *words,
                      struct err *err)
{
    (void)err;
    script->type(s, words->rest, strlen(words->rest));
    return true;
}

/* A caption for who watches; alone: none any more. */
static bool play_say(struct script *script, struct session *s, const struct words *words,
                     struct err *err)
{
    char text[1024];
    (void)script;
    (void)err;
    text_sanitize(text, sizeof text, words->rest, strlen(words->rest));
    tour_say(s, text[0] ? text : NULL);
    return true;
}

/* For the speaker alone. */
static bool play_note(struct script *script, struct session *s, const struct words *words,
                      struct err *err)
{
    (void)script;
    (void)s;
    (void)words;
    (void)err;
    return true;
}

static const struct {
    const char *name;
    bool (*run)(struct script *script, struct session *s, const struct words *words,
                struct err *err);
} script_commands[] = {{"key", play_keys},       {"type", play_type},     {"wait", play_wait},
                       {"size", play_size},      {"screen", play_screen}, {"expect", play_expect},
                       {"say", play_say},        {"note", play_note}};

/* ---- running ------------------------------------------------------------------------ */

/* Without a clock to end it, a note stays until something new is done. */
static void drop_note(struct session *s, const char *command)
{
    static const char *const looks[] = {"", "screen", "expect", "wait", "size"};
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        if (strcmp(command, looks[i]) == 0)
            return;
    if (s->headless)
        s->view.message[0] = '\0';
}

static bool run_line(struct script *script, struct session *s, const char *line, struct err *err)
{
    struct words words;
    bool ok = words_split(&words, line, err), own = false;
    drop_note(s, words.name);
    for (size_t i = 0; ok && i < sizeof script_commands / sizeof *script_commands; i++)
        if (strcmp(words.name, script_commands[i].name) == 0) {
            own = true;
            ok = script_commands[i].run(script, s, &words, err);
        }
    words_free(&words);
    return own || !ok ? ok : action_run(s, line, err);
}

/* Ends the wait for a text that has come; false with an error when its time is over. The screen
 * is looked at once a frame. */
static bool look_for_text(struct script *script, struct session *s, struct err *err)
{
    bool over = s->now_ms >= script->wait_until_ms;
    if (!script->wait_text || (script->frame == s->frames && !over))
        return true;
    script->frame = s->frames;
    if (!over && !screen_has(s, script->wait_text))
        return true;
    char number[32];
    snprintf(number, sizeof number, " within %.4g s", script->wait_text_ms / 1e3);
    bool came = expect(s, script->wait_text, number, err);
    free(script->wait_text);
    script->wait_text = NULL;
    script->wait_until_ms = 0;
    return came;
}

static bool is_waiting(struct script *script, struct session *s)
{
    if (script->wait_idle && session_is_idle(s))
        script->wait_idle = false;
    if (s->now_ms >= script->wait_until_ms)
        script->wait_until_ms = 0;
    if (run_control_steps(s) >= script->wait_step || !run_control_alive(s))
        script->wait_step = 0;
    return script->wait_idle || script->wait_step > 0 || script->wait_until_ms > 0;
}

bool script_step(struct script *script, struct session *s, struct err *err)
{
    while (!s->quit) {
        if (!look_for_text(script, s, err))
            return err_prefix(err, "%s:%zu", script->name, script->line);
        if (script_is_done(script) || is_waiting(script, s))
            break;
        size_t length = strcspn(script->text + script->at, "\n");
        char *line = xstrndup(script->text + script->at, length);
        script->at += length + 1;
        script->line++;
        bool ok = run_line(script, s, line, err);
        free(line);
        if (!ok)
            return err_prefix(err, "%s:%zu", script->name, script->line);
    }
    return true;
}

bool script_is_done(const struct script *script)
{
    return script->at >= script->size && !script->wait_idle && !script->wait_step &&
           !(script->wait_until_ms > 0);
}

int script_timeout(const struct script *script, const struct session *s)
{
    if (script->wait_text && script->frame != s->frames)
        return 0;
    if (script->wait_until_ms > 0) {
        double wait = ceil(script->wait_until_ms - s->now_ms);
        return wait < 0 ? 0 : (int)wait;
    }
    bool steps = script->wait_step && run_control_steps(s) >= script->wait_step;
    if ((script->wait_idle && session_is_idle(s)) || steps)
        return 0; /* became so by a timer, after the script was asked */
    return -1;
}
