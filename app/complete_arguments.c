/* Tab behind the name of a command: what each kind of argument may be. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/complete_arguments.h"
#include "app/export.h"
#include "app/file_wanted.h"
#include "app/keycodes.h"
#include "app/presets.h"
#include "app/screens.h"
#include "app/settings.h"
#include "app/values.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/train/config.h"

enum { WORD_BYTES_MAX = 96 };

/* The argument that is typed. */
struct argument {
    const struct session *session;
    const char *list;   /* of the command, or of what the screen makes of it */
    const char *line;   /* from the name of the command on */
    size_t number;      /* which argument, from 1 */
    const char **files; /* as of complete_line */
    char *hint;
};

void complete_commands(struct matches *m)
{
    for (size_t i = 0; i < actions_count(); i++)
        matches_add(m, actions[i].name, strlen(actions[i].name));
}

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || (c & 0x80) || c == '\'' || c == '-';
}

/* Words of the document that begin with what was typed: two letters at least. */
void complete_document(struct matches *m, const struct session *s)
{
    const struct snapshot_document *d = s->snapshot->document;
    if (!d || m->length < 2)
        return;
    for (size_t i = 0; i < d->size;) {
        size_t end = i;
        while (end < d->size && is_word_byte(d->text[end]))
            end++;
        if (end - i > m->length && end - i < WORD_BYTES_MAX)
            matches_add(m, d->text + i, end - i);
        i = end + 1;
    }
}

/* Argument `number` of the line, "" where it does not fit. */
static void argument_before(const char *line, size_t number, char out[WORD_BYTES_MAX])
{
    while (number--) {
        line += strcspn(line, " \t");
        line += strspn(line, " \t");
    }
    snprintf(out, WORD_BYTES_MAX, "%.*s", (int)strcspn(line, " \t"), line);
}

/* Words first; with none of them, names of files are readline's to complete. */
static void add_files(struct matches *m, const struct argument *a, const char *list,
                      const char *wanted)
{
    matches_add_list(m, 0, list);
    if (m->count)
        matches_add_paths(m, 0, wanted);
    else
        *a->files = wanted;
}

/* "s0".."s31", or whatever the letters in front say. */
static void add_numbers(struct matches *m, const char *front, size_t first, size_t count)
{
    char word[WORD_BYTES_MAX];
    for (size_t i = first; i < first + count && m->count < MATCHES_MAX; i++) {
        int n = snprintf(word, sizeof word, "%s%zu", front, i);
        matches_add(m, word, (size_t)n);
    }
}

/* Slots, of another window behind "wN:", and layers. */
static void add_targets(struct matches *m, const struct session *s)
{
    const struct snapshot_window *w = session_window(s);
    const char *colon = strchr(m->prefix, ':');
    char front[WORD_BYTES_MAX];
    if (!w || m->length == 0)
        return;
    snprintf(front, sizeof front, "%.*ss", colon ? (int)(colon + 1 - m->prefix) : 0, m->prefix);
    add_numbers(m, front, 0, w->slots);
    if (!colon)
        add_numbers(m, "L", 0, w->layers);
}

static void add_places(struct matches *m, const struct argument *a)
{
    if (m->length == 0)
        return;
    matches_add_list(m, 0, a->list);
    add_targets(m, a->session);
    add_numbers(m, "w", 1, a->session->snapshot->windows);
}

/* Muted are slots, layers and words of the document; behind them stands a word of the list. */
static void add_muted(struct matches *m, const struct argument *a)
{
    if (a->number > 1) {
        matches_add_list(m, 0, a->list);
        return;
    }
    add_targets(m, a->session);
    complete_document(m, a->session);
}

/* The alternatives of a table's value, "SIZE|slide": those in capitals stand for something. */
static void add_alternatives(struct matches *m, const char *key, const char *values)
{
    char word[WORD_BYTES_MAX];
    for (const char *at = values; *at;) {
        size_t length = strcspn(at, "|");
        int n = snprintf(word, sizeof word, "%s=%.*s", key, (int)length, at);
        if (!isupper((unsigned char)*at) && n > 0 && (size_t)n < sizeof word)
            matches_add(m, word, (size_t)n);
        at += length + (at[length] == '|');
    }
}

/* Behind "key=" of a figure's option: what the table says, names of files, a list. */
static void add_export_value(struct matches *m, const struct argument *a,
                             const struct export_option *o, size_t head)
{
    if (strncmp(o->value, "F.", 2) == 0)
        matches_add_paths(m, head, o->value + 1);
    else if (strchr(o->value, ',') && islower((unsigned char)o->value[0]))
        for (int f = 0; f < EXPORT_FORMAT_COUNT; f++)
            matches_add_list(m, matches_last_item(m, head), export_format_name[f]);
    else
        add_alternatives(m, o->name, o->value);
    snprintf(a->hint, COMPLETE_HINT_MAX, "%s=%s: %s", o->name, o->value, o->help);
}

/* Views, options and files, or behind "key=" the values of that option. */
static void add_export(struct matches *m, const struct argument *a)
{
    const char *equals = memchr(m->prefix, '=', m->length);
    if (!equals)
        matches_add_list(m, 0, a->list);
    for (const struct export_option *o = export_options; o->name; o++) {
        char key[WORD_BYTES_MAX];
        int n = snprintf(key, sizeof key, "%s%s", o->name, o->flag ? "" : "=");
        if (!equals)
            matches_add(m, key, (size_t)n);
        else if (o->value && strncmp(m->prefix, key, (size_t)n) == 0)
            add_export_value(m, a, o, (size_t)n);
    }
    if (equals)
        return;
    if (!m->count)
        *a->files = WANTED_EXPORTS;
    else if (m->length)
        matches_add_paths(m, 0, WANTED_EXPORTS);
}

/* ---- train ------------------------------------------------------------------------ */

#define CONFIG_ROW(kind, key, standard, help) {#key "=", help},
static const struct {
    const char *key, *help;
} train_keys[] = {TRAIN_CONFIG(CONFIG_ROW)};
#undef CONFIG_ROW

#define WORDS_ROW(key, words) {#key "=", words},
#define PRESET_FIRST(name) name
#define PRESET_NEXT(name) "|" name
static const struct {
    const char *key, *words;
} train_words[] = {{"preset=", TRAIN_PRESETS(PRESET_FIRST, PRESET_NEXT)},
                 {"init=", "published|warm"},
                 TRAIN_WORDS(WORDS_ROW)};
#undef WORDS_ROW

static const struct {
    const char *key, *wanted;
} train_files[] = {{"data=", WANTED_DATA},    {"run=", WANTED_FOLDERS},
                   {"init=", WANTED_TENSORS}, {"soft_prompt=", WANTED_TENSORS},
                   {"preset=", ".conf"}};

/* Behind "key=". */
static void add_train_value(struct matches *m, const struct argument *a)
{
    for (size_t i = 0; i < sizeof train_words / sizeof *train_words; i++) {
        size_t head = strlen(train_words[i].key);
        if (strncmp(m->prefix, train_words[i].key, head) == 0)
            matches_add_list(m, head, train_words[i].words);
    }
    for (size_t i = 0; i < sizeof train_files / sizeof *train_files; i++) {
        size_t head = strlen(train_files[i].key);
        if (strncmp(m->prefix, train_files[i].key, head) == 0)
            matches_add_paths(m, i == 0 ? matches_last_item(m, head) : head, train_files[i].wanted);
    }
    for (size_t i = 0; i < sizeof train_keys / sizeof *train_keys; i++)
        if (strncmp(m->prefix, train_keys[i].key, strlen(train_keys[i].key)) == 0)
            snprintf(a->hint, COMPLETE_HINT_MAX, "%s %s", train_keys[i].key, train_keys[i].help);
}

static void add_train(struct matches *m, const struct argument *a)
{
    if (memchr(m->prefix, '=', m->length)) {
        add_train_value(m, a);
        return;
    }
    matches_add_list(m, 0, a->list);
    for (size_t i = 0; i < sizeof train_keys / sizeof *train_keys && m->length; i++)
        matches_add(m, train_keys[i].key, strlen(train_keys[i].key));
}

/* ---- settings, panes, keys ---------------------------------------------------------- */

static void add_setting(struct matches *m, const struct argument *a)
{
    char name[WORD_BYTES_MAX];
    for (size_t i = 0; i < SETTING_COUNT && a->number == 1; i++)
        matches_add(m, settings_table[i].name, strlen(settings_table[i].name));
    argument_before(a->line, 1, name);
    enum setting setting = a->number == 2 ? setting_find(name, NULL) : SETTING_COUNT;
    if (setting == SETTING_COUNT)
        return;
    const struct setting_row *row = &settings_table[setting];
    if (strchr(row->values, '|'))
        matches_add_list(m, 0, row->values);
    char now[64];
    setting_format(a->session, setting, now, sizeof now);
    matches_add(m, now, strlen(now));
    snprintf(a->hint, COMPLETE_HINT_MAX, "%s %s: %s; now %s", row->name, row->values, row->help,
             now);
}

static void add_view_value(struct matches *m, const struct argument *a)
{
    if (a->number == 1) {
        matches_add_list(m, 0, a->list);
        return;
    }
    char name[WORD_BYTES_MAX];
    struct err quiet;
    argument_before(a->line, 1, name);
    int pane = action_choice(name, ACTION_PANES, "pane", &quiet);
    for (int v = 0; v < VALUE_COUNT && a->number == 2; v++)
        if ((int)view_value_pane[v] == pane)
            matches_add(m, view_value_name[v], strlen(view_value_name[v]));
}

static void add_scopes(struct matches *m)
{
    for (int i = 1; i < SCOPE_COUNT; i++)
        matches_add(m, key_scope_name[i], strlen(key_scope_name[i]));
}

/* Keys that do something; all: also those that have a name, which are enough to begin with. */
static void add_keys(struct matches *m, const struct session *s, bool all)
{
    char name[KEYCODE_NAME_SIZE];
    for (size_t i = 0; i < s->keymap.count; i++)
        if (all ? m->length > 0 : s->keymap.bindings[i].command != NULL) {
            keycode_format(s->keymap.bindings[i].key, name);
            matches_add(m, name, strlen(name));
        }
    for (uint32_t key = KEYCODE_UP; all && key <= KEYCODE_F12; key++) {
        keycode_format(key, name);
        matches_add(m, name, strlen(name));
    }
}

/* [PANE] KEY, then a command line of its own: where that begins, NULL before. */
static const char *add_binding(struct matches *m, const struct argument *a, bool all)
{
    char first[WORD_BYTES_MAX];
    enum key_scope scope;
    argument_before(a->line, 1, first);
    bool has_scope = a->number > 1 && key_scope_parse(first, &scope);
    size_t before = 2 + (size_t)has_scope; /* words in front of the command */
    if (a->number == 1)
        add_scopes(m);
    if (a->number < before)
        add_keys(m, a->session, all);
    if (a->number < before || !all)
        return NULL;
    const char *at = a->line;
    for (size_t i = 0; i < before; i++) {
        at += strcspn(at, " \t");
        at += strspn(at, " \t");
    }
    return at;
}

/* FILE... [limit N] */
static void add_eval(struct matches *m, const struct argument *a)
{
    char before[WORD_BYTES_MAX];
    argument_before(a->line, a->number - 1, before);
    if (a->number > 1 && strcmp(before, "limit") == 0)
        return;
    add_files(m, a, a->number > 1 ? a->list : "", WANTED_DATA);
}

static void add_pins(struct matches *m, const struct argument *a)
{
    for (size_t i = 0; i < a->session->pins.n; i++)
        matches_add(m, a->session->pins.pins[i].name, strlen(a->session->pins.pins[i].name));
    add_files(m, a, a->list, WANTED_PINS);
}

/* Kinds of files, and what Tab takes for one. */
static const char *const wanted[] = {
    [COMPLETE_FILES] = WANTED_ANY,         [COMPLETE_DOCUMENTS] = WANTED_DOCUMENTS,
    [COMPLETE_MODELS] = WANTED_MODELS,     [COMPLETE_TENSORS] = WANTED_TENSORS,
    [COMPLETE_SESSIONS] = WANTED_SESSIONS, [COMPLETE_DATA] = WANTED_DATA,
    [COMPLETE_FOLDERS] = WANTED_FOLDERS,
};

static void add_argument(struct matches *m, const struct action *action, const struct argument *a)
{
    const char *command;
    switch (action->completion) {
    case COMPLETE_NOTHING: return;
    case COMPLETE_WORDS:
        if (a->number == 1)
            matches_add_list(m, 0, a->list);
        return;
    case COMPLETE_LIST: matches_add_list(m, matches_last_item(m, 0), a->list); return;
    case COMPLETE_FILES:
    case COMPLETE_DOCUMENTS:
    case COMPLETE_MODELS:
    case COMPLETE_TENSORS:
    case COMPLETE_SESSIONS:
    case COMPLETE_DATA:
    case COMPLETE_FOLDERS:
        add_files(m, a, a->number == 1 ? a->list : "", wanted[action->completion]);
        return;
    case COMPLETE_EVAL: add_eval(m, a); return;
    case COMPLETE_TRAIN: add_train(m, a); return;
    case COMPLETE_DOCUMENT:
        complete_document(m, a->session);
        matches_add_list(m, 0, a->list);
        return;
    case COMPLETE_PLACE:
        if (a->number == 1)
            add_places(m, a);
        return;
    case COMPLETE_TARGET:
        if (a->number == 1)
            add_targets(m, a->session);
        return;
    case COMPLETE_MUTED: add_muted(m, a); return;
    case COMPLETE_SETTING: add_setting(m, a); return;
    case COMPLETE_VALUE: add_view_value(m, a); return;
    case COMPLETE_COMMAND:
        complete_commands(m);
        matches_add_list(m, 0, a->list);
        return;
    case COMPLETE_KEY: add_binding(m, a, false); return;
    case COMPLETE_BINDING:
        command = add_binding(m, a, true);
        if (command)
            complete_command(m, a->session, command, a->files, a->hint);
        return;
    case COMPLETE_PINS: add_pins(m, a); return;
    case COMPLETE_EXPORT: add_export(m, a); return;
    }
}

/* ---- a command line --------------------------------------------------------------- */

static bool has_free_text(const char *usage)
{
    for (; *usage; usage++)
        if (isupper((unsigned char)*usage))
            return true;
    return false;
}

/* "off" is not filled in where a number may stand as well: the usage is told instead. */
static void drop_lone_word(struct matches *m, const struct action *action, const char *list)
{
    if (m->length || m->count != 1 || !has_free_text(action->usage) ||
        !value_choice(m->words[0], list, NULL))
        return;
    free(m->words[0]);
    m->words[0] = NULL;
    m->count = 0;
}

void complete_command(struct matches *m, const struct session *s, const char *line,
                      const char **files, char hint[COMPLETE_HINT_MAX])
{
    struct err err = {0};
    size_t number = 0;
    bool open;
    line += strspn(line, " \t");
    for (const char *at = line, *end; *(end = words_end(at, &open)); number++)
        at = end + strspn(end, " \t");
    char *name = xstrndup(line, strcspn(line, " \t!"));
    const struct action *action = number ? action_find(name, &err) : NULL;
    if (!number)
        complete_commands(m);
    if (action) {
        const struct screen_action *own = screens_action(s, action->name);
        struct argument a = {.session = s, .line = line, .number = number, .files = files,
                             .hint = hint, .list = own && own->list ? own->list : action->list};
        bool none = action->takes == TAKES_NONE;
        snprintf(hint, COMPLETE_HINT_MAX, "%s%s%s: %s", action->name, none ? "" : " ",
                 none ? " takes no arguments" : action->usage, action->help);
        add_argument(m, action, &a);
        if (number == 1)
            drop_lone_word(m, action, a.list);
    } else if (number || !m->count) {
        action_find(name, &err);
        text_sanitize(hint, COMPLETE_HINT_MAX, err.text, strlen(err.text));
    }
    free(name);
}
