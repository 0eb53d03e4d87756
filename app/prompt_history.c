#include "app/prompt_history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/history.h>

#include "app/worker.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

enum { LINES_DEFAULT = 500, FILE_MAX = 4 << 20 };

#define FILE_NAME(id, label, file) [PROMPT_##id] = file,
static const char *const file_of[PROMPT_KIND_COUNT] = {PROMPT_KINDS(FILE_NAME)};
#undef FILE_NAME

static struct {
    char *dir;
    bool confined;
    size_t limit;
    HISTORY_STATE *state[PROMPT_KIND_COUNT]; /* NULL: not read yet */
} histories = {.limit = LINES_DEFAULT};

/* Newline and backslash as \n and \\; to be freed. */
static char *escape(const char *line)
{
    char *out = xmalloc(2 * strlen(line) + 1);
    size_t n = 0;
    for (; *line; line++) {
        if (*line == '\n' || *line == '\\')
            out[n++] = '\\';
        out[n++] = *line == '\n' ? 'n' : *line;
    }
    out[n] = '\0';
    return out;
}

static char *unescape(const char *text, size_t length)
{
    char *out = xmalloc(length + 1);
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        bool pair = text[i] == '\\' && i + 1 < length;
        i += pair;
        out[n++] = pair && text[i] == 'n' ? '\n' : text[i];
    }
    out[n] = '\0';
    return out;
}

void prompt_history_start(const char *dir, bool confined)
{
    histories.confined = confined;
    histories.dir = dir ? xstrdup(dir) : NULL;
    histories.limit = LINES_DEFAULT;
    using_history();
}

static void free_state(HISTORY_STATE *state)
{
    if (!state)
        return;
    for (int i = 0; i < state->length; i++)
        free_history_entry(state->entries[i]);
    free(state->entries);
    free(state);
}

void prompt_history_stop(void)
{
    for (int kind = 0; kind < PROMPT_KIND_COUNT; kind++) {
        free_state(histories.state[kind]);
        histories.state[kind] = NULL;
    }
    HISTORY_STATE none = {0};
    history_set_history_state(&none);
    free(histories.dir);
    histories.dir = NULL;
}

void prompt_history_limit(size_t lines)
{
    histories.limit = lines;
}

static void load(enum prompt_kind kind)
{
    char *data, *path;
    size_t size;
    if (!histories.dir || !file_of[kind] || !histories.limit)
        return;
    path = file_join(histories.dir, file_of[kind]);
    if (file_exists(path) &&
        worker_read_file(histories.confined, path, FILE_MAX, &data, &size, NULL)) {
        for (size_t at = 0; at < size;) {
            size_t length = strcspn(data + at, "\n");
            char *line = unescape(data + at, length);
            if (*line)
                add_history(line);
            free(line);
            at += length + 1;
        }
        free(data);
    }
    free(path);
}

void prompt_history_use(enum prompt_kind kind)
{
    HISTORY_STATE none = {0};
    history_set_history_state(histories.state[kind] ? histories.state[kind] : &none);
    if (!histories.state[kind])
        load(kind);
    using_history();
}

void prompt_history_leave(enum prompt_kind kind)
{
    free(histories.state[kind]);
    histories.state[kind] = history_get_history_state();
}

static void save(enum prompt_kind kind)
{
    if (!histories.dir || !file_of[kind] || !histories.limit ||
        !file_make_directories(histories.dir, NULL))
        return;
    char *text = xstrdup("");
    size_t used = 0;
    HIST_ENTRY **entries = history_list();
    for (int i = 0; entries && entries[i]; i++) {
        char *line = escape(entries[i]->line);
        size_t length = strlen(line);
        text = xrealloc(text, used + length + 2, 1);
        memcpy(text + used, line, length);
        used += length;
        text[used++] = '\n';
        free(line);
    }
    char *path = file_join(histories.dir, file_of[kind]);
    file_replace(path, text, used, NULL);
    free(path);
    free(text);
}

static void drop_oldest(size_t keep)
{
    while (history_length > 0 && (size_t)history_length > keep)
        free_history_entry(remove_history(0));
}

void prompt_history_add(enum prompt_kind kind, const char *line)
{
    prompt_history_use(kind);
    HIST_ENTRY *last = history_length ? history_get(history_base + history_length - 1) : NULL;
    if (histories.limit && *line && (!last || strcmp(last->line, line) != 0))
        add_history(line);
    drop_oldest(histories.limit);
    save(kind);
    prompt_history_leave(kind);
}
