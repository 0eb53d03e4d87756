#include "app/prompt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "app/prompt_history.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

enum { TEXT_MAX = 64 << 10, MATCHES_MAX = 400 };

#define LABEL(id, label, file) [PROMPT_##id] = label,
static const char *const kind_label[PROMPT_KIND_COUNT] = {PROMPT_KINDS(LABEL)};
#undef LABEL

/* Readline's callbacks have no argument of their own: the one prompt. */
static struct {
    bool started, open;
    enum prompt_kind kind;
    FILE *nowhere;
    prompt_complete_fn *complete;
    void *context;
    const char *bytes; /* to be read by readline */
    size_t length;
    enum prompt_result result;
    char *accepted;
    char *shown, *label;
    size_t point;
    char matches[MATCHES_MAX];
} prompt;

/* ---- what readline calls ------------------------------------------------------ */

static int next_byte(FILE *unused)
{
    (void)unused;
    if (!prompt.length)
        return EOF;
    prompt.length--;
    return (unsigned char)*prompt.bytes++;
}

static int bytes_left(void)
{
    return prompt.length > 0;
}

/* Sanitises in two halves, so that the cursor keeps its place. */
static void redisplay(void)
{
    size_t length = (size_t)rl_end, point = (size_t)rl_point;
    size_t room = length * TEXT_ESCAPE_MAX + 1;
    char *text = xmalloc(room);
    size_t used = 0;
    const char *line = rl_line_buffer;
    prompt.point = 0;
    for (size_t at = 0; at < length;) {
        if (at == point)
            prompt.point = used;
        size_t stop = at < point ? point : length;
        const char *newline = memchr(line + at, '\n', stop - at);
        size_t run = newline ? (size_t)(newline - (line + at)) : stop - at;
        used += text_sanitize(text + used, room - used, line + at, run);
        at += run;
        if (newline && at < stop) {
            text[used++] = '\n';
            at++;
        }
    }
    text[used] = '\0';
    if (point >= length)
        prompt.point = used;
    free(prompt.shown);
    prompt.shown = text;
    const char *label = rl_display_prompt ? rl_display_prompt : "";
    size_t label_room = strlen(label) * TEXT_ESCAPE_MAX + 1;
    prompt.label = xrealloc(prompt.label, label_room, 1);
    text_sanitize(prompt.label, label_room, label, strlen(label));
}

static void accept(char *line)
{
    prompt.result = line ? PROMPT_ACCEPTED : PROMPT_LEFT;
    free(prompt.accepted);
    prompt.accepted = line ? line : NULL;
    prompt.length = 0;
    rl_callback_handler_remove();
}

static char **attempt(const char *text, int start, int end)
{
    (void)text;
    (void)start;
    bool files = false;
    size_t from = 0;
    char **words = prompt.complete
                       ? prompt.complete(prompt.context, rl_line_buffer, (size_t)end, &from, &files)
                       : NULL;
    rl_attempted_completion_over = !files;
    if (files)
        return NULL;
    if (!words || !words[0]) {
        free(words);
        return NULL;
    }
    rl_completion_append_character = ' ';
    /* Readline wants the common beginning in front of several matches. */
    size_t count = 0, common = strlen(words[0]);
    while (words[count])
        count++;
    for (size_t i = 1; i < count; i++)
        for (size_t j = 0; j < common; j++)
            if (words[i][j] != words[0][j])
                common = j;
    if (count == 1)
        return words;
    char **list = xcalloc(count + 2, sizeof *list);
    list[0] = xstrndup(words[0], common);
    memcpy(list + 1, words, count * sizeof *list);
    free(words);
    return list;
}

static void show_matches(char **matches, int count, int longest)
{
    (void)longest;
    size_t used = 0;
    prompt.matches[0] = '\0';
    for (int i = 1; i <= count; i++) {
        char word[128];
        text_sanitize(word, sizeof word, matches[i], strlen(matches[i]));
        int n = snprintf(prompt.matches + used, MATCHES_MAX - used, "%s%s", used ? "  " : "", word);
        if (n < 0 || (size_t)n >= MATCHES_MAX - used - 4) {
            snprintf(prompt.matches + used, MATCHES_MAX - used, "%s", "...");
            return;
        }
        used += (size_t)n;
    }
}

static int open_editor(int count, int key)
{
    (void)count;
    (void)key;
    prompt.result = PROMPT_EDITOR;
    return 0;
}

/* ---- life -------------------------------------------------------------------- */

/* What readline would learn from the terminal's description, if it had one. */
static void bind_cursor_keys(void)
{
    static const struct {
        const char *sequence;
        rl_command_func_t *function;
    } keys[] = {
        {"\\e[3~", rl_delete},           {"\\e[1~", rl_beg_of_line},
        {"\\e[4~", rl_end_of_line},      {"\\e[7~", rl_beg_of_line},
        {"\\e[8~", rl_end_of_line},      {"\\e[1;5C", rl_forward_word},
        {"\\e[1;5D", rl_backward_word},  {"\\e[1;3C", rl_forward_word},
        {"\\e[1;3D", rl_backward_word},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        rl_bind_keyseq_if_unbound(keys[i].sequence, keys[i].function);
}

/* Everything in readline that would touch the terminal, signals or the
 * environment is taken away: curses and the loop own them. */
static void tame_readline(void)
{
    rl_readline_name = "comprexit"; /* for $if in inputrc */
    rl_terminal_name = "dumb";
    rl_instream = prompt.nowhere;
    rl_outstream = prompt.nowhere;
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_change_environment = 0;
    rl_prep_term_function = NULL;
    rl_deprep_term_function = NULL;
    rl_getc_function = next_byte;
    rl_input_available_hook = bytes_left;
    rl_redisplay_function = redisplay;
    rl_attempted_completion_function = attempt;
    rl_completion_display_matches_hook = show_matches;
    rl_completer_word_break_characters = " \t";
    rl_completer_quote_characters = "\"";
    rl_filename_quote_characters = " \t";
    rl_initialize();
    rl_variable_bind("bell-style", "none");
    rl_variable_bind("enable-bracketed-paste", "off");
    rl_variable_bind("show-mode-in-prompt", "off");
    rl_variable_bind("completion-query-items", "0");
    rl_variable_bind("show-all-if-ambiguous", "on");
    rl_bind_keyseq("\\C-x\\C-e", open_editor);
    bind_cursor_keys();
}

bool prompt_start(const char *dir, prompt_complete_fn *complete, void *context, struct err *err)
{
    prompt.nowhere = fopen("/dev/null", "r+");
    if (!prompt.nowhere)
        return err_set(err, ERR_IO, "/dev/null: cannot open: %s", strerror(errno));
    prompt.complete = complete;
    prompt.context = context;
    prompt.started = true;
    tame_readline();
    prompt_history_start(dir);
    return true;
}

void prompt_stop(void)
{
    if (!prompt.started)
        return;
    prompt_close();
    prompt_history_stop();
    fclose(prompt.nowhere);
    free(prompt.accepted);
    free(prompt.shown);
    free(prompt.label);
    memset(&prompt, 0, sizeof prompt);
}

void prompt_keep_history(size_t lines)
{
    prompt_history_limit(lines);
}

void prompt_open(enum prompt_kind kind, const char *text)
{
    prompt_close();
    prompt.open = true;
    prompt.kind = kind;
    prompt.result = PROMPT_EDITING;
    prompt.matches[0] = '\0';
    prompt_history_use(kind);
    rl_callback_handler_install(kind_label[kind], accept);
    prompt_replace(text);
}

void prompt_close(void)
{
    if (!prompt.open)
        return;
    if (prompt.result != PROMPT_ACCEPTED && prompt.result != PROMPT_LEFT)
        rl_callback_handler_remove();
    prompt.open = false;
    prompt.length = 0;
    prompt_history_leave(prompt.kind);
}

bool prompt_is_open(void)
{
    return prompt.open;
}

enum prompt_kind prompt_kind(void)
{
    return prompt.kind;
}

/* ---- editing ----------------------------------------------------------------- */

static bool readline_is_busy(void)
{
    return RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_MOREINPUT | RL_STATE_METANEXT |
                      RL_STATE_MULTIKEY | RL_STATE_NUMERICARG) != 0;
}

static void feed(const char *bytes, size_t length)
{
    prompt.bytes = bytes;
    prompt.length = length;
    prompt.matches[0] = '\0';
    while (prompt.length && prompt.result == PROMPT_EDITING)
        rl_callback_read_char();
}

static void insert_newline(void)
{
    rl_delete_text(rl_end - 1, rl_end);
    rl_point = rl_end;
    rl_insert_text("\n");
    redisplay();
}

enum prompt_result prompt_key(const struct input_event *event)
{
    bool busy = readline_is_busy();
    bool leaves = event->key == ('c' | KEYCODE_CTRL) ||
                  (!busy && (event->key == ('g' | KEYCODE_CTRL) || event->key == KEYCODE_ESCAPE));
    prompt.result = PROMPT_EDITING;
    if (leaves) {
        rl_callback_handler_remove();
        return prompt.result = PROMPT_LEFT;
    }
    if (!busy && event->key == KEYCODE_ENTER && rl_point == rl_end && rl_end > 0 &&
        rl_line_buffer[rl_end - 1] == '\\') {
        insert_newline();
        return PROMPT_EDITING;
    }
    feed(event->bytes, event->length);
    return prompt.result;
}

void prompt_paste(const char *text, size_t length)
{
    char *copy = xmalloc(length + 1);
    size_t used = 0;
    for (size_t i = 0; i < length && used + (size_t)rl_end < TEXT_MAX; i++) {
        if (text[i] == '\r') {
            if (i + 1 == length || text[i + 1] != '\n')
                copy[used++] = '\n';
        } else if (text[i]) {
            copy[used++] = text[i];
        }
    }
    while (used && copy[used - 1] == '\n')
        used--;
    copy[used] = '\0';
    rl_insert_text(copy);
    free(copy);
    redisplay();
}

const char *prompt_line(void)
{
    if (prompt.result == PROMPT_ACCEPTED)
        return prompt.accepted;
    return rl_line_buffer ? rl_line_buffer : "";
}

void prompt_replace(const char *text)
{
    rl_replace_line(text, 1);
    rl_point = rl_end;
    redisplay();
}

void prompt_remember(enum prompt_kind kind, const char *line)
{
    prompt_history_add(kind, line);
}

struct prompt_display prompt_display(void)
{
    return (struct prompt_display){
        .label = prompt.label ? prompt.label : "",
        .text = prompt.shown ? prompt.shown : "",
        .point = prompt.point,
        .matches = prompt.matches,
    };
}
