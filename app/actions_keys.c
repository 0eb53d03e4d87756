/* Commands that change what keys mean. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "app/dialog.h"
#include "app/keycodes.h"
#include "app/list.h"
#include "app/refusal.h"
#include "engine/base/mem.h"

/* A key in one pane or in all of them. */
struct bound {
    enum key_scope scope;
    uint32_t key;
    char name[KEYCODE_NAME_SIZE + 24]; /* "w", "w in Plan" */
    size_t words; /* that name it */
};

/* [PANE] KEY at the front of the words. */
static bool parse_key(const struct words *words, struct bound *p, struct err *err)
{
    char key[KEYCODE_NAME_SIZE];
    p->scope = SCOPE_ANY;
    p->words = words->count > 1 && key_scope_parse(words->word[0], &p->scope);
    if (p->words >= words->count)
        return refusal_wants(words, err, "a key");
    const char *word = words->word[p->words++];
    if (!keycode_parse(word, &p->key))
        return err_set(err, ERR_USAGE, "\"%s\" is no key%s, expected one key (not a sequence) as "
                       "a, C-r, M-x, S-Tab, F5, Space", word,
                       p->words == 1 && words->count > 2 ? " and no pane" : "");
    snprintf(p->name, sizeof p->name, "%s%s%s", keycode_format(p->key, key),
             p->scope == SCOPE_ANY ? "" : " in ",
             p->scope == SCOPE_ANY ? "" : key_scope_name[p->scope]);
    const char *why = keycode_never_comes(p->key);
    return !why || err_set(err, ERR_USAGE, "%s never gets here: %s", p->name, why);
}

/* The words from `from` on as one line, quoted where they were or have to be. */
static char *join_words(const struct words *words, size_t from)
{
    char *line = xstrdup("");
    for (size_t i = from; i < words->count; i++) {
        bool quoted = words->quoted[i] || strpbrk(words->word[i], " \t");
        char *word = quoted ? list_quote(words->word[i]) : xstrdup(words->word[i]);
        size_t size = strlen(line) + strlen(word) + 2;
        char *longer = xmalloc(size);
        snprintf(longer, size, "%s%s%s", line, *line ? " " : "", word);
        free(line);
        free(word);
        line = longer;
    }
    return line;
}

/* Is the line a command? Its arguments are looked at when it runs, but for those of commands
 * that take none. */
static bool check_command(const struct bound *p, const char *line, struct err *err)
{
    struct words command;
    struct err unknown;
    uint32_t second;
    bool ok = words_split(&command, line, err);
    const struct action *action = ok ? action_find(command.name, &unknown) : NULL;
    if (ok && p->key == ('z' | KEYCODE_CTRL) && strcmp(line, "suspend") != 0)
        ok = err_set(err, ERR_USAGE,
                     "C-z suspends, whatever is open" WAY "any other key can be bound");
    else if (ok && !action)
        ok = keycode_parse(command.name, &second)
                 ? err_set(err, ERR_USAGE, "\"%s %s\" is a sequence of keys, expected one key "
                           "and a command", p->name, command.name)
                 : err_set(err, unknown.code, "%s", unknown.text);
    else if (ok && action->takes == TAKES_NONE && command.count)
        ok = err_set(err, ERR_USAGE, "%s takes no arguments, found \"%.64s\"", action->name,
                     command.rest);
    words_free(&command);
    return ok;
}

/* ", Data Train keep their own": panes where another meaning goes first. */
static void add_own_meanings(const struct session *s, const struct bound *p, char *out, size_t size)
{
    size_t used = strlen(out);
    bool any = false;
    for (enum key_scope scope = SCOPE_ANY + 1; scope < SCOPE_COUNT && used < size; scope++) {
        const struct binding *own = keymap_find(&s->keymap, scope, p->key);
        if (p->scope != SCOPE_ANY || !own || own->scope != scope)
            continue;
        used += (size_t)snprintf(out + used, size - used, "%s%s", any ? " " : WAY,
                                 key_scope_name[scope]);
        any = true;
    }
    if (any && used < size)
        snprintf(out + used, size - used, ": as before");
}

/* What the key did, and what it does now; a second line of a file for the same key is a slip. */
static void tell_bound(struct session *s, const struct bound *p, const char *before, bool again,
                       const char *now)
{
    char panes[128] = "";
    add_own_meanings(s, p, panes, sizeof panes);
    if (again && s->rc_path && strcmp(before, now) != 0)
        session_warn(s, "bind: %s was \"%s\" by a line before; \"%s\" holds now", p->name, before,
                     now);
    else if (*before && strcmp(before, now) != 0)
        session_note(s, "%s is \"%s\" now, was \"%s\"%s", p->name, now, before, panes);
    else
        session_note(s, "%s is \"%s\" now%s", p->name, now, panes);
}

/* The binding that holds, copied: "" for none; *again: not the program's own. */
static char *present_command(const struct session *s, const struct bound *p, bool *again)
{
    const struct binding *b = keymap_find(&s->keymap, p->scope, p->key);
    *again = b && b->changed && b->scope == p->scope;
    return xstrdup(b ? b->command : "");
}

/* `bind` alone: all keys; `bind KEY`: what it does. Neither is anything for a file. */
static bool tell_keys(struct session *s, const struct bound *p, const struct words *words,
                      struct err *err)
{
    char text[256] = "";
    if (s->rc_path)
        return refusal_wants(words, err, "a key and a command");
    if (!words->count) {
        dialog_bindings(s);
        return true;
    }
    for (enum key_scope scope = p->scope; scope < SCOPE_COUNT; scope++) {
        const struct binding *b = keymap_find(&s->keymap, scope, p->key);
        size_t used = strlen(text);
        if (b && (b->scope == scope || scope == p->scope) && used < sizeof text)
            snprintf(text + used, sizeof text - used, "%s%s%s\"%s\"", used ? WAY : "",
                     scope > p->scope ? key_scope_name[scope] : "", scope > p->scope ? ": " : "",
                     b->command);
        if (p->scope != SCOPE_ANY)
            break;
    }
    session_note(s, "%s: %s" WAY "bind %s COMMAND changes it", p->name,
                 *text ? text : "nothing", words->rest);
    return true;
}

bool do_bind(struct session *s, const struct words *words, struct err *err)
{
    struct bound p = {.words = 0};
    if (words->count && !parse_key(words, &p, err))
        return false;
    if (p.words == words->count)
        return tell_keys(s, &p, words, err);
    /* One quoted word is a command line of its own. */
    bool whole = words->quoted[p.words] && p.words + 1 == words->count, again;
    char *line = whole ? xstrdup(words->word[p.words]) : join_words(words, p.words);
    char *before = present_command(s, &p, &again);
    bool ok = check_command(&p, line, err);
    if (ok) {
        keymap_bind(&s->keymap, p.scope, p.key, line, s->rc_path != NULL);
        tell_bound(s, &p, before, again, line);
    }
    free(before);
    free(line);
    return ok;
}

bool do_unbind(struct session *s, const struct words *words, struct err *err)
{
    struct bound p = {0};
    bool again;
    if (!parse_key(words, &p, err))
        return false;
    if (p.words < words->count)
        return refusal_wants(words, err, "a key and no more");
    const struct binding *b = keymap_find(&s->keymap, p.scope, p.key);
    if (!b)
        return err_set(err, ERR_USAGE, "%s does nothing already" WAY ":bind lists the keys",
                       p.name);
    if (b->scope != p.scope)
        return err_set(err, ERR_USAGE, "%s has no meaning of its own" WAY
                       ":unbind %s takes it from all panes", p.name, words->word[p.words - 1]);
    if (p.key == ('z' | KEYCODE_CTRL))
        return err_set(err, ERR_USAGE,
                       "C-z suspends, whatever is open" WAY ":bind gives it to another key too");
    char *before = present_command(s, &p, &again);
    keymap_bind(&s->keymap, p.scope, p.key, NULL, s->rc_path != NULL);
    b = keymap_find(&s->keymap, p.scope, p.key);
    if (b)
        session_note(s, "%s is \"%s\" now as everywhere, was \"%s\"", p.name, b->command, before);
    else
        session_note(s, "%s does nothing now" WAY ":bind %s %s brings it back", p.name, words->rest,
                     before);
    free(before);
    return true;
}
