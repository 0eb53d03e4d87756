#include "app/prompt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/history.h>
#include <readline/readline.h>
#include <readline/tilde.h>

#include "app/file_wanted.h"
#include "app/prompt_history.h"
#include "app/prompt_keys.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

enum { TEXT_MAX = 64 << 10, MATCHES_MAX = 400, PENDING_MAX = 64 };

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
    const char *files; /* of which kind the names are that readline completes; or NULL */
    char matches[MATCHES_MAX];
    char hint[COMPLETE_HINT_MAX]; /* what Tab's word may be */
    char pending[PENDING_MAX]; /* keys of a sequence that is not complete */
    size_t pending_length;
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
    prompt.files = NULL;
    char **words = prompt.complete
                       ? prompt.complete(prompt.context, rl_line_buffer, (size_t)end,
                                         &prompt.files, prompt.hint)
                       : NULL;
    rl_attempted_completion_over = !prompt.files;
    if (prompt.files)
        return NULL;
    if (!words || !words[0]) {
        free(words);
        return NULL;
    }
    bool goes_on = !words[1] && words[0][0] && strchr("=/", words[0][strlen(words[0]) - 1]);
    rl_completion_append_character = goes_on ? '\0' : ' ';
    rl_completion_suppress_quote = goes_on;
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

/* Drops names of files that are not wanted; the first is what all have in common, or the only
 * one. */
static int drop_unwanted(char **names)
{
    size_t first = names[1] != NULL, kept = first;
    for (size_t i = first; names[i]; i++) {
        char *path = tilde_expand(names[i]);
        if (!prompt.files || file_is_wanted(prompt.files, path))
            names[kept++] = names[i];
        else
            free(names[i]);
        free(path);
    }
    names[kept] = NULL;
    if (first && kept == first) { /* nothing in common with nothing */
        free(names[0]);
        names[0] = NULL;
    }
    return 0;
}

static void show_matches(char **matches, int count, int longest)
{
    (void)longest;
    size_t used = 0;
    prompt.matches[0] = '\0';
    for (int i = 1; i <= count; i++) {
        char word[128];
        const char *slash = prompt.files ? strrchr(matches[i], '/') : NULL;
        const char *name = slash ? slash + 1 : matches[i];
        text_sanitize(word, sizeof word, name, strlen(name));
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
    rl_ignore_some_completions_function = drop_unwanted;
    rl_completer_word_break_characters = " \t";
    rl_completer_quote_characters = "\"";
    rl_filename_quote_characters = " \t";
    rl_initialize();
    rl_variable_bind("bell-style", "none");
    rl_variable_bind("enable-bracketed-paste", "off");
    rl_variable_bind("show-mode-in-prompt", "off");
    rl_variable_bind("completion-query-items", "0");
    rl_variable_bind("show-all-if-ambiguous", "on");
    rl_variable_bind("revert-all-at-newline", "on");
    rl_variable_bind("editing-mode", "emacs"); /* Esc leaves the prompt: vi has no use for that */
    prompt_keys_bind(open_editor);
}

bool prompt_start(const char *dir, bool confined, prompt_complete_fn *complete, void *context,
                  struct err *err)
{
    prompt.nowhere = fopen("/dev/null", "r+");
    if (!prompt.nowhere)
        return err_set(err, ERR_IO, "/dev/null: cannot open: %s", strerror(errno));
    prompt.complete = complete;
    prompt.context = context;
    prompt.started = true;
    tame_readline();
    prompt_history_start(dir, confined);
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

static bool is_searching(void)
{
    return RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH) != 0;
}

static void feed(const char *bytes, size_t length)
{
    prompt.bytes = bytes;
    prompt.length = length;
    prompt.matches[0] = prompt.hint[0] = '\0';
    int before = rl_end;
    while (prompt.length && prompt.result == PROMPT_EDITING)
        rl_callback_read_char();
    if (rl_end == before && !prompt.matches[0])
        text_sanitize(prompt.matches, sizeof prompt.matches, prompt.hint, strlen(prompt.hint));
}

/* The line must not change under a search, and no search may outlive its line. */
static void end_search(void)
{
    prompt.pending_length = 0;
    if (is_searching())
        rl_callback_sigcleanup();
}

/* Keys that a search takes without ending. */
static bool search_takes(uint32_t key)
{
    return (key >= ' ' && key <= KEYCODE_LAST_CHARACTER) || key == KEYCODE_BACKSPACE ||
           key == KEYCODE_ENTER || key == ('r' | KEYCODE_CTRL) || key == ('s' | KEYCODE_CTRL) ||
           key == ('g' | KEYCODE_CTRL);
}

/* Readline only tidies up (undo lists, lines of the history that were edited) when
 * a line is accepted; so the line is, and thrown away. */
static void discard_line(void)
{
    end_search();
    feed("\n", 1);
    if (prompt.result == PROMPT_EDITING)
        rl_callback_handler_remove();
    free(prompt.accepted);
    prompt.accepted = NULL;
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
    end_search();
    prompt_replace(text);
}

void prompt_close(void)
{
    if (!prompt.open)
        return;
    if (prompt.result != PROMPT_ACCEPTED && prompt.result != PROMPT_LEFT) {
        prompt.result = PROMPT_EDITING;
        discard_line();
    }
    prompt.open = false;
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

static void insert_newline(void)
{
    rl_delete_text(rl_end - 1, rl_end);
    rl_point = rl_end;
    rl_insert_text("\n");
    redisplay();
}

/* A key outside of a search: alone, or behind what C-x and the like began. */
static void feed_key(const struct input_event *event)
{
    if (prompt.pending_length + event->length > sizeof prompt.pending) {
        prompt.pending_length = 0;
        return;
    }
    memcpy(prompt.pending + prompt.pending_length, event->bytes, event->length);
    size_t length = prompt.pending_length + event->length;
    bool character = event->key >= 0x80 && event->key <= KEYCODE_LAST_CHARACTER;
    bool alone = prompt.pending_length == 0;
    enum prompt_fate fate = character && alone ? KEY_FEED
                                               : prompt_keys_fate(prompt.pending, length);
    prompt.pending_length = fate == KEY_PREFIX ? length : 0;
    if (fate == KEY_FEED)
        feed(prompt.pending, length);
}

static bool leaves(uint32_t key)
{
    bool gives_up = key == ('g' | KEYCODE_CTRL) || key == KEYCODE_ESCAPE;
    return key == ('c' | KEYCODE_CTRL) || (gives_up && !is_searching() && !prompt.pending_length);
}

static void search_key(const struct input_event *event)
{
    if (event->key == ('g' | KEYCODE_CTRL) || event->key == KEYCODE_ESCAPE) {
        end_search();
        redisplay();
    } else if (search_takes(event->key)) {
        feed(event->bytes, event->length);
    } else { /* what was found stays, and the key works on it */
        feed("\033", 1);
        if (is_searching())
            end_search();
        feed_key(event);
    }
}

enum prompt_result prompt_key(const struct input_event *event)
{
    prompt.result = PROMPT_EDITING;
    if (leaves(event->key)) {
        discard_line();
        return prompt.result = PROMPT_LEFT;
    }
    if (is_searching())
        search_key(event);
    else if (event->key == KEYCODE_ENTER && rl_point == rl_end && rl_end > 0 &&
             rl_line_buffer[rl_end - 1] == '\\')
        insert_newline();
    else if (event->key == KEYCODE_ESCAPE || event->key == ('g' | KEYCODE_CTRL))
        prompt.pending_length = 0;
    else
        feed_key(event);
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
    end_search();
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
    /* Not rl_replace_line: it drops the undo list, which a line of the history may
     * share. */
    end_search();
    rl_begin_undo_group();
    rl_delete_text(0, rl_end);
    rl_point = 0;
    rl_insert_text(text);
    rl_end_undo_group();
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
