#include "app/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/keycodes.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"

#define NAME(id, name) [SCOPE_##id] = name,
const char *const key_scope_name[SCOPE_COUNT] = {KEY_SCOPES(NAME)};
#undef NAME
#define NAME(id, name) [GROUP_##id] = name,
const char *const key_group_name[GROUP_COUNT] = {KEY_GROUPS(NAME)};
#undef NAME

#define ROW(keys, scope, group, command, help)                                 \
    {keys, SCOPE_##scope, GROUP_##group, command, help},
static const struct {
    const char *keys;
    enum key_scope scope;
    enum key_group group;
    const char *command, *help;
} table[] = {KEYS(ROW)};
#undef ROW

static void add(struct keymap *keymap, const struct binding *binding)
{
    MEM_GROW(keymap->bindings, keymap->capacity, keymap->count + 1);
    keymap->bindings[keymap->count++] = *binding;
}

/* One binding for each key of a row. */
static void add_row(struct keymap *keymap, size_t row)
{
    const char *keys = table[row].keys;
    while (*keys) {
        size_t length = strcspn(keys, " ");
        char name[KEYCODE_NAME_SIZE];
        CHECK(length < sizeof name);
        memcpy(name, keys, length);
        name[length] = '\0';
        struct binding binding = {.scope = table[row].scope,
                                  .group = table[row].group,
                                  .command = table[row].command,
                                  .help = table[row].help,
                                  .own = table[row].command,
                                  .own_help = table[row].help};
        CHECK(keycode_parse(name, &binding.key));
        add(keymap, &binding);
        keys += length + (keys[length] == ' ');
    }
}

void keymap_init(struct keymap *keymap)
{
    *keymap = (struct keymap){0};
    for (size_t row = 0; row < sizeof table / sizeof *table; row++)
        add_row(keymap, row);
}

static void drop_change(struct binding *binding)
{
    if (binding->changed)
        free((char *)binding->command);
}

void keymap_free(struct keymap *keymap)
{
    for (size_t i = 0; i < keymap->count; i++)
        drop_change(&keymap->bindings[i]);
    free(keymap->bindings);
    *keymap = (struct keymap){0};
}

static struct binding *find_exact(const struct keymap *keymap, enum key_scope scope, uint32_t key)
{
    for (size_t i = 0; i < keymap->count; i++)
        if (keymap->bindings[i].key == key && keymap->bindings[i].scope == scope)
            return &keymap->bindings[i];
    return NULL;
}

const struct binding *keymap_find(const struct keymap *keymap, enum key_scope scope, uint32_t key)
{
    const struct binding *own = find_exact(keymap, scope, key);
    if (own && own->command)
        return own;
    const struct binding *general = find_exact(keymap, SCOPE_ANY, key);
    return general && general->command ? general : NULL;
}

/* Does the key of this binding run the command in the scope? */
static bool runs(const struct keymap *keymap, enum key_scope scope, const struct binding *b,
                 const char *command)
{
    const struct binding *found = b ? keymap_find(keymap, scope, b->key) : NULL;
    return found && strcmp(found->command, command) == 0;
}

const char *keymap_now(const struct keymap *keymap, enum key_scope scope, const char *own,
                       char *out, size_t size)
{
    uint32_t key;
    const struct binding *b = NULL;
    snprintf(out, size, "%s", own);
    if (keycode_parse(own, &key)) {
        b = find_exact(keymap, scope, key);
        b = b && b->own ? b : find_exact(keymap, SCOPE_ANY, key);
    }
    if (!b || !b->own || runs(keymap, scope, b, b->own))
        return out;
    const char *command = b->own, *word = command;
    for (size_t i = 0; i < keymap->count; i++)
        if (runs(keymap, scope, &keymap->bindings[i], command)) {
            char name[KEYCODE_NAME_SIZE];
            snprintf(out, size, "%s", keycode_format(keymap->bindings[i].key, name));
            return out;
        }
    if (strncmp(word, "prompt ", 7) == 0) /* what it opens is a command, too */
        word += 7;
    snprintf(out, size, ":%s", strcmp(word, "command") == 0 ? "" : word);
    return out;
}

static bool is_own(const struct binding *binding, const char *command)
{
    return command && binding->own ? strcmp(command, binding->own) == 0 : command == binding->own;
}

void keymap_bind(struct keymap *keymap, enum key_scope scope, uint32_t key, const char *command,
                 bool by_file)
{
    struct binding *b = find_exact(keymap, scope, key);
    if (!b) {
        struct binding fresh = {.key = key, .scope = scope, .group = GROUP_APPLICATION};
        add(keymap, &fresh);
        b = &keymap->bindings[keymap->count - 1];
    }
    char *copy = command && !is_own(b, command) ? xstrdup(command) : NULL;
    bool own = is_own(b, command);
    drop_change(b);
    b->changed = !own;
    b->command = own ? b->own : copy;
    b->help = own ? b->own_help : NULL;
    b->by_file = by_file;
}

bool key_scope_parse(const char *name, enum key_scope *scope)
{
    for (enum key_scope s = 0; s < SCOPE_COUNT; s++)
        if (strcasecmp(name, key_scope_name[s]) == 0) {
            *scope = s;
            return true;
        }
    return false;
}
