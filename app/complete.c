#include "app/complete.h"

#include <ctype.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/tilde.h>

#include "app/actions.h"
#include "app/export.h"
#include "app/file_wanted.h"
#include "app/presets.h"
#include "app/settings.h"
#include "app/words.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

enum { MATCHES_MAX = 200, WORD_BYTES_MAX = 64 };

/* Words that begin with a prefix, without repetition. */
struct matches {
    char **words;
    size_t count, capacity;
    const char *prefix;
    size_t length; /* of the prefix */
};

static void add(struct matches *m, const char *word, size_t length)
{
    if (m->count == MATCHES_MAX || length < m->length || memcmp(word, m->prefix, m->length) != 0)
        return;
    for (size_t i = 0; i < m->count; i++)
        if (strlen(m->words[i]) == length && memcmp(m->words[i], word, length) == 0)
            return;
    MEM_GROW(m->words, m->capacity, m->count + 2);
    m->words[m->count++] = xstrndup(word, length);
    m->words[m->count] = NULL;
}

static void add_list(struct matches *m, const char *list)
{
    while (*list) {
        size_t length = strcspn(list, "|");
        add(m, list, length);
        list += length + (list[length] == '|');
    }
}

static void add_commands(struct matches *m)
{
    for (size_t i = 0; i < actions_count(); i++)
        add(m, actions[i].name, strlen(actions[i].name));
}

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || (c & 0x80) || c == '\'' || c == '-';
}

/* Words of the document that begin with what was typed: two letters at least. */
static void add_document(struct matches *m, const struct session *s)
{
    const struct snapshot_document *d = s->snapshot->document;
    if (!d || m->length < 2)
        return;
    for (size_t i = 0; i < d->size;) {
        size_t end = i;
        while (end < d->size && is_word_byte(d->text[end]))
            end++;
        if (end - i > m->length && end - i < WORD_BYTES_MAX)
            add(m, d->text + i, end - i);
        i = end + 1;
    }
}

/* The alternatives of a table's value, "SIZE|slide": those in capitals stand for something. */
static void add_alternatives(struct matches *m, const char *key, const char *values)
{
    char word[WORD_BYTES_MAX];
    for (const char *at = values; *at;) {
        size_t length = strcspn(at, "|");
        int n = snprintf(word, sizeof word, "%s=%.*s", key, (int)length, at);
        if (!isupper((unsigned char)*at) && n > 0 && (size_t)n < sizeof word)
            add(m, word, (size_t)n);
        at += length + (at[length] == '|');
    }
}

/* Views and options, or behind "key=" the values of that option. */
static void add_export(struct matches *m, const char *views)
{
    const char *equals = memchr(m->prefix, '=', m->length);
    if (!equals)
        add_list(m, views);
    for (const struct export_option *o = export_options; o->name; o++) {
        char key[WORD_BYTES_MAX];
        int n = snprintf(key, sizeof key, "%s%s", o->name, o->flag ? "" : "=");
        if (!equals)
            add(m, key, (size_t)n);
        else if (o->value && strncmp(m->prefix, key, (size_t)n) == 0)
            add_alternatives(m, o->name, o->value);
    }
}

/* Names in the folder that was typed last, behind the first `head` bytes of the word ("data=",
 * "data=a.txt,"). A comma would end the name, and no quotation helps. */
static void add_paths(struct matches *m, size_t head, const char *kind)
{
    size_t end = m->length;
    while (end > head && m->prefix[end - 1] != '/')
        end--;
    char *typed = xstrndup(m->prefix + head, end - head), *folder = tilde_expand(typed);
    bool hidden = m->prefix[end] == '.';
    DIR *dir = opendir(*folder ? folder : ".");
    for (struct dirent *item; dir && (item = readdir(dir));) {
        if ((item->d_name[0] == '.' && !hidden) || strpbrk(item->d_name, ",\"\\"))
            continue;
        char *path = file_join(*folder ? folder : ".", item->d_name);
        size_t room = end + strlen(item->d_name) + 2;
        char *word = xmalloc(room);
        snprintf(word, room, "%.*s%s%s", (int)end, m->prefix, item->d_name,
                 file_is_directory(path) ? "/" : "");
        if (file_is_wanted(kind, path))
            add(m, word, strlen(word));
        free(word);
        free(path);
    }
    if (dir)
        closedir(dir);
    free(folder);
    free(typed);
}

/* Words of the list; behind "preset=" the presets, behind keys that name files these. */
static void add_train(struct matches *m, const char *list)
{
#define PRESET_WORD(name) "preset=" name
#define PRESET_NEXT(name) "|preset=" name
    static const struct {
        const char *key, *kind;
    } files[] = {{"data=", WANTED_DATA}, {"run=", WANTED_FOLDERS}, {"init=", WANTED_TENSORS}};
    if (!memchr(m->prefix, '=', m->length)) {
        add_list(m, list);
        return;
    }
    add_list(m, TRAIN_PRESETS(PRESET_WORD, PRESET_NEXT));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t head = strlen(files[i].key);
        if (strncmp(m->prefix, files[i].key, head) != 0)
            continue;
        for (size_t at = head; at < m->length; at++)
            if (m->prefix[at] == ',')
                head = at + 1;
        add_paths(m, head, files[i].kind);
    }
}

/* word: how many complete words stand in front of the one that is typed. */
static void add_setting(struct matches *m, const struct session *s, const char *line,
                        size_t word)
{
    if (word == 1) {
        for (size_t i = 0; i < SETTING_COUNT; i++)
            add(m, settings_table[i].name, strlen(settings_table[i].name));
        return;
    }
    char name[32] = "";
    const char *at = line + strcspn(line, " ");
    at += strspn(at, " ");
    size_t length = strcspn(at, " ");
    if (word != 2 || length >= sizeof name)
        return;
    memcpy(name, at, length);
    enum setting setting = setting_find(name, NULL);
    if (setting == SETTING_COUNT)
        return;
    if (strchr(settings_table[setting].values, '|'))
        add_list(m, settings_table[setting].values);
    char now[64];
    setting_format(s, setting, now, sizeof now);
    add(m, now, strlen(now));
}

static void add_value(struct matches *m, const char *line, size_t word)
{
    if (word == 1) {
        add_list(m, "next|document|gates|plan|answers");
        return;
    }
    for (int v = 0; v < VALUE_COUNT && word == 2; v++)
        if (strstr(line, pane_name[view_value_pane[v]] + 1)) /* whatever the first letter's case */
            add(m, view_value_name[v], strlen(view_value_name[v]));
}

static void add_binding(struct matches *m, size_t word)
{
    if (word == 1)
        for (int i = 1; i < SCOPE_COUNT; i++)
            add(m, key_scope_name[i], strlen(key_scope_name[i]));
    else
        add_commands(m);
}

/* Kinds of files, and what Tab takes for one. */
static const char *const wanted[] = {
    [COMPLETE_FILES] = WANTED_ANY,         [COMPLETE_DOCUMENTS] = WANTED_DOCUMENTS,
    [COMPLETE_MODELS] = WANTED_MODELS,     [COMPLETE_TENSORS] = WANTED_TENSORS,
    [COMPLETE_SESSIONS] = WANTED_SESSIONS, [COMPLETE_DATA] = WANTED_DATA,
    [COMPLETE_FOLDERS] = WANTED_FOLDERS,
};

static void add_arguments(struct matches *m, const struct session *s, const struct action *action,
                          const char *line, size_t word, const char **files)
{
    switch (action->completion) {
    case COMPLETE_WORDS:
    case COMPLETE_NOTHING: add_list(m, action->list); return;
    case COMPLETE_FILES:
    case COMPLETE_DOCUMENTS:
    case COMPLETE_MODELS:
    case COMPLETE_TENSORS:
    case COMPLETE_SESSIONS:
    case COMPLETE_DATA:
    case COMPLETE_FOLDERS:
        if (m->length)
            add_list(m, action->list);
        *files = m->count ? NULL : wanted[action->completion];
        return;
    case COMPLETE_TRAIN: add_train(m, action->list); return;
    case COMPLETE_DOCUMENT:
        add_document(m, s);
        add_list(m, action->list);
        return;
    case COMPLETE_SETTING: add_setting(m, s, line, word); return;
    case COMPLETE_VALUE: add_value(m, line, word); return;
    case COMPLETE_COMMAND: add_commands(m); return;
    case COMPLETE_BINDING: add_binding(m, word); return;
    case COMPLETE_PINS:
        for (size_t i = 0; i < s->pins.n; i++)
            add(m, s->pins.pins[i].name, strlen(s->pins.pins[i].name));
        add_list(m, action->list);
        *files = m->count ? NULL : WANTED_PINS;
        return;
    case COMPLETE_EXPORT:
        add_export(m, action->list);
        *files = m->count ? NULL : WANTED_EXPORTS;
        return;
    }
}

/* ---- the word that is typed ---------------------------------------------------- */

/* The last word of a line that ends where the cursor is. */
struct typed {
    char *line;
    const char *text; /* behind the quotation mark in front of the word */
    size_t number;    /* of complete words in front of it */
    size_t shown;     /* where in the line that begins which readline takes for the word */
    size_t head;      /* bytes of the word in front of a quotation mark: key= */
    bool quoted;
};

/* Behind the word at `at`; *open: its quotation is not closed. */
static const char *word_end(const char *at, bool *open)
{
    size_t quote = words_quote(at);
    *open = quote != SIZE_MAX;
    if (!*open)
        return at + strcspn(at, " \t");
    for (at += quote + 1; *at && *at != '"'; at++)
        if (*at == '\\' && at[1])
            at++;
    *open = !*at;
    return *at ? at + 1 : at;
}

/* The line is copied, and a quotation mark behind the key of the word taken out. */
static struct typed typed_word(const char *line, size_t point)
{
    struct typed t = {.line = xstrndup(line, point)};
    char *at = t.line + strspn(t.line, " \t");
    for (const char *end; *(end = word_end(at, &t.quoted)); t.number++)
        at += (size_t)(end - at) + strspn(end, " \t");
    t.shown = (size_t)(at - t.line);
    t.text = at;
    if (t.quoted) {
        t.head = words_quote(at);
        t.shown += t.head + 1;
        memmove(at + 1, at, t.head);
        t.text = at + 1;
    }
    return t;
}

/* Names with blanks want a quotation mark, and what is common to all of them then has it, too;
 * the only one is closed, unless it goes on. In a quotation readline sees what is behind the mark. */
static void quote_matches(struct matches *m, const struct typed *t)
{
    bool blanks = false;
    for (size_t i = 0; i < m->count; i++)
        blanks = blanks || strpbrk(m->words[i], " \t");
    for (size_t i = 0; i < m->count && (t->quoted || blanks); i++) {
        char *word = m->words[i], *equals = strchr(word, '=');
        size_t size = strlen(word) + 3, key = equals ? (size_t)(equals + 1 - word) : 0;
        bool closed = m->count == 1 && word[strlen(word) - 1] != '/';
        char *out = xmalloc(size);
        if (t->quoted)
            snprintf(out, size, "%s", word + t->head);
        else
            snprintf(out, size, "%.*s\"%s%s", (int)key, word, word + key, closed ? "\"" : "");
        free(word);
        m->words[i] = out;
    }
}

char **complete_line(void *context, const char *line, size_t point, size_t *from,
                     const char **files)
{
    const struct session *s = context;
    struct typed t = typed_word(line, point);
    struct matches m = {.prefix = t.text, .length = strlen(t.text)};
    *from = t.shown;
    *files = NULL;
    if (prompt_kind() != PROMPT_COMMAND) {
        add_document(&m, s);
    } else if (t.number == 0) {
        add_commands(&m);
    } else {
        char *name = xstrndup(line, strcspn(line, " !"));
        const struct action *action = action_find(name, NULL);
        if (action)
            add_arguments(&m, s, action, line, t.number, files);
        free(name);
    }
    quote_matches(&m, &t);
    free(t.line);
    return m.words;
}
