/* The help overlay: the keys that work here, several of a kind in a line, and what its filter
 * finds: every key and every command. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "app/dialog.h"
#include "app/keycodes.h"
#include "app/screens.h"

enum { ROW_COMMANDS = 6, KEYS_BYTES = 128 };

/* Commands that share a line while their keys are the program's own; a line whose commands
 * are not all there falls apart into one a command. */
struct row {
    enum key_group group;
    const char *text;
    const char *command[ROW_COMMANDS];
};

static const struct row rows[] = {
    {GROUP_MOVE, "cursor", {"move left", "move down", "move up", "move right"}},
    {GROUP_MOVE, "first / last", {"move first", "move last"}},
    {GROUP_MOVE, "a page back / on, half a page",
     {"move page-up", "move page-down", "move half-up", "move half-down"}},
    {GROUP_MOVE, "previous/next window", {"move window-back", "move window-on"}},
    {GROUP_MOVE, "previous/next segment", {"move segment-back", "move segment-on"}},
    {GROUP_MOVE, "find in the document", {"prompt find", "match next", "match previous"}},
    {GROUP_MOVE, "from an answer token to its first slot", {"follow"}},
    {GROUP_LOOK, "value norm colour unit", {"view next", "norm next", "colors next", "unit next"}},
    {GROUP_LOOK, "zoom, cell size, turn", {"zoom", "zoom larger", "zoom smaller", "turn"}},
    {GROUP_LOOK, "pin A, swap, difference, flicker", {"pin", "swap", "difference", "flicker"}},
    {GROUP_LOOK, "health, explain", {"health", "explain"}},
    {GROUP_CHANGE, "one iteration back / on, play", {"step back", "step on", "play"}},
    {GROUP_CHANGE, "mute / only the thing under the cursor", {"mute", "only"}},
    {GROUP_CHANGE, "halve / double a token's mass", {"mass half", "mass double"}},
    {GROUP_CHANGE, "undo / redo / drop all edits", {"undo", "redo", "reset"}},
    {GROUP_OUTPUT, "figure of this pane / of all panes", {"prompt export", "prompt export-all"}},
    {GROUP_OUTPUT, "copy the value / the view's commands", {"copy", "recreate"}},
    {GROUP_APPLICATION, "screens", {"switch explore", "switch compare", "switch data",
                                    "switch train", "switch eval"}},
    {GROUP_APPLICATION, "pane", {"focus next", "focus previous"}},
    {GROUP_APPLICATION, "ask", {"prompt ask"}},
    {GROUP_APPLICATION, "command", {"prompt command"}},
    {GROUP_APPLICATION, "open", {"open"}},
    {GROUP_APPLICATION, "log", {"log"}},
    {GROUP_APPLICATION, "mouse", {"set mouse toggle"}},
    {GROUP_APPLICATION, "tour", {"tour"}},
    {GROUP_APPLICATION, "present", {"present"}},
    {GROUP_APPLICATION, "back", {"back"}},
    {GROUP_APPLICATION, "stop", {"stop"}},
    {GROUP_APPLICATION, "redraw", {"redraw"}},
    {GROUP_APPLICATION, "suspend", {"suspend"}},
    {GROUP_APPLICATION, "quit", {"quit"}},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

/* Does the binding work here, and is no other before it? */
static bool works(const struct session *s, enum key_scope scope, const struct binding *b)
{
    return b->command && (b->scope == SCOPE_ANY || b->scope == scope) && screens_take_key(s, b) &&
           keymap_find(&s->keymap, scope, b->key) == b;
}

/* ---- the keys of a line ---------------------------------------------------------- */

/* Bindings whose keys stand together: the program's own and changed ones do not. */
static bool alike(const struct binding *a, const struct binding *b)
{
    return a->scope == b->scope && a->changed == b->changed && strcmp(a->command, b->command) == 0;
}

/* The keys of a command in their order, "g Home". */
static void keys_of(const struct session *s, enum key_scope scope, const struct binding *of,
                    char out[KEYS_BYTES])
{
    out[0] = '\0';
    for (size_t i = 0; i < s->keymap.count; i++) {
        const struct binding *b = &s->keymap.bindings[i];
        char name[KEYCODE_NAME_SIZE];
        size_t used = strlen(out);
        if (works(s, scope, b) && alike(b, of))
            snprintf(out + used, KEYS_BYTES - used, "%s%s", used ? " " : "",
                     keycode_format(b->key, name));
    }
}

/* One key of a command that is the program's own, "" for none: the shortest name. */
static void own_key(const struct session *s, enum key_scope scope, const char *command,
                    char out[KEYCODE_NAME_SIZE])
{
    out[0] = '\0';
    for (size_t i = 0; i < s->keymap.count; i++) {
        const struct binding *b = &s->keymap.bindings[i];
        char name[KEYCODE_NAME_SIZE];
        if (b->changed || b->scope != SCOPE_ANY || !works(s, scope, b) ||
            strcmp(b->command, command) != 0)
            continue;
        keycode_format(b->key, name);
        if (!out[0] || strlen(name) < strlen(out))
            memcpy(out, name, sizeof name);
    }
}

/* The keys of a row side by side; false when one of its commands has none. */
static bool row_keys(const struct session *s, enum key_scope scope, const struct row *row,
                     char out[KEYS_BYTES])
{
    char key[KEYCODE_NAME_SIZE];
    bool cursor = row == rows, digits = strcmp(row->text, "screens") == 0;
    snprintf(out, KEYS_BYTES, "%s", cursor ? "arrows " : "");
    for (size_t i = 0; i < ROW_COMMANDS && row->command[i]; i++) {
        own_key(s, scope, row->command[i], key);
        if (!key[0])
            return false;
        size_t used = strlen(out);
        bool last = i + 1 == ROW_COMMANDS || !row->command[i + 1];
        if (digits && i > 0 && !last)
            continue; /* 1-5 */
        snprintf(out + used, KEYS_BYTES - used, "%s%s",
                 i == 0 || cursor ? "" : digits ? "-" : " ", key);
    }
    return true;
}

/* The row that a binding is told in, or NULL. */
static const struct row *row_of(const struct binding *b)
{
    for (size_t i = 0; i < N_ROWS && b->scope == SCOPE_ANY && !b->changed; i++)
        for (size_t k = 0; k < ROW_COMMANDS && rows[i].command[k]; k++)
            if (rows[i].group == b->group && strcmp(rows[i].command[k], b->command) == 0)
                return &rows[i];
    return NULL;
}

/* ---- the list --------------------------------------------------------------------- */

/* Was the command of binding i, in its scope, told before? */
static bool seen_before(const struct session *s, enum key_scope scope, size_t i)
{
    const struct binding *all = s->keymap.bindings;
    for (size_t j = 0; j < i; j++)
        if (works(s, scope, &all[j]) && alike(&all[j], &all[i]))
            return true;
    return false;
}

static const char *help_of(const struct binding *b)
{
    return b->help ? b->help : b->command;
}

/* What is said of a binding and the keys that it is said of, which are those of a whole row
 * where there is one; NULL when that row was told already. */
static const char *help_for(const struct session *s, enum key_scope scope,
                            const struct binding *b, bool told[N_ROWS], char keys[KEYS_BYTES])
{
    const struct row *row = row_of(b);
    if (!row || !row_keys(s, scope, row, keys)) {
        keys_of(s, scope, b, keys);
        return help_of(b);
    }
    if (told[row - rows])
        return NULL;
    told[row - rows] = true;
    return row->text;
}

/* Lines of a group, headed. */
static void add_group(struct session *s, enum key_group group, enum key_scope scope)
{
    bool headed = false, told[N_ROWS] = {false};
    for (size_t i = 0; i < s->keymap.count; i++) {
        const struct binding *b = &s->keymap.bindings[i];
        char keys[KEYS_BYTES];
        if (b->group != group || !works(s, scope, b) || seen_before(s, scope, i))
            continue;
        const char *help = help_for(s, scope, b, told, keys);
        if (!help)
            continue;
        if (!headed)
            list_add_text(&s->list, "%s", key_group_name[group]);
        headed = true;
        list_add_plain(&s->list, keys, help);
    }
}

/* "Esc back" with blanks at which no line ends. */
static int add_unbroken(char *out, size_t size, const char *keys, const char *help)
{
    char pair[KEYS_BYTES * 2];
    size_t used = 0;
    snprintf(pair, sizeof pair, "%s %s", keys, help);
    for (const char *at = pair; *at && used + 2 < size; at++) {
        if (*at == ' ')
            out[used++] = '\xc2';
        out[used++] = *at == ' ' ? '\xa0' : *at;
    }
    out[used] = '\0';
    return (int)used;
}

/* APPLICATION  1-5 screens  a ask  : command  q quit: the keys that mean the same everywhere. */
static void add_application(struct session *s, enum key_scope scope)
{
    char text[1024];
    bool told[N_ROWS] = {false};
    int used = snprintf(text, sizeof text, "%s", key_group_name[GROUP_APPLICATION]);
    for (size_t i = 0; i < s->keymap.count && (size_t)used < sizeof text; i++) {
        const struct binding *b = &s->keymap.bindings[i];
        char keys[KEYS_BYTES];
        if (b->group != GROUP_APPLICATION || !works(s, scope, b) || seen_before(s, scope, i) ||
            strncmp(b->command, "help", 4) == 0) /* below the box */
            continue;
        const char *help = help_for(s, scope, b, told, keys);
        if (!help)
            continue;
        used += snprintf(text + used, sizeof text - (size_t)used, "  ");
        used += add_unbroken(text + used, sizeof text - (size_t)used, keys, help);
    }
    list_add_text(&s->list, "%s", text);
}

/* What a binding did before it was changed: what all panes have, where it had nothing. */
static const char *own_command(const struct session *s, const struct binding *b)
{
    const struct binding *all = b->own ? NULL : keymap_find(&s->keymap, SCOPE_ANY, b->key);
    return b->own ? b->own : all && all != b ? all->command : NULL;
}

/* "w", "w in Plan" */
static void name_binding(const struct binding *b, char *out, size_t size)
{
    char key[KEYCODE_NAME_SIZE];
    bool any = b->scope == SCOPE_ANY;
    snprintf(out, size, "%s%s%s", keycode_format(b->key, key), any ? "" : " in ",
             any ? "" : key_scope_name[b->scope]);
}

static void add_changed(struct session *s)
{
    for (size_t i = 0; i < s->keymap.count; i++) {
        const struct binding *b = &s->keymap.bindings[i];
        const char *was = own_command(s, b), *by = b->by_file ? "your rc file" : "bind";
        char name[64];
        if (!b->changed)
            continue;
        name_binding(b, name, sizeof name);
        if (was)
            list_add_text(&s->list, "Changed by %s: \"%s\" was \"%s\"", by, name, was);
        else
            list_add_text(&s->list, "Changed by %s: \"%s\" was nothing", by, name);
    }
}

/* What a filter finds: each key that works here, with all its names, then the commands. */
static void add_found(struct session *s, enum key_scope scope)
{
    char keys[KEYS_BYTES], text[256], command[512];
    for (size_t i = 0; i < s->keymap.count; i++) {
        const struct binding *b = &s->keymap.bindings[i];
        if (!works(s, scope, b) || seen_before(s, scope, i))
            continue;
        keys_of(s, scope, b, keys);
        snprintf(command, sizeof command, "%s", b->command);
        list_add_found(&s->list, keys, help_of(b), command);
    }
    for (size_t i = 0; i < actions_count(); i++) {
        const struct action *a = &actions[i];
        snprintf(keys, sizeof keys, ":%s", a->name);
        snprintf(text, sizeof text, "%s%s%s", a->help, a->usage[0] ? ": " : "", a->usage);
        snprintf(command, sizeof command, "prompt command \"%s \"", a->name);
        list_add_found(&s->list, keys, text, a->takes == TAKES_NONE ? a->name : command);
    }
}

void dialog_help(struct session *s)
{
    static char title[96];
    dialog_begin(s);
    enum key_scope scope = screens_scope(s);
    bool explore = s->view.screen == SCREEN_EXPLORE;
    for (enum key_group group = 0; group < GROUP_APPLICATION; group++)
        add_group(s, group, scope);
    add_application(s, scope);
    add_changed(s);
    add_found(s, scope);
    snprintf(title, sizeof title, explore ? "Keys here: Explore, %s pane" : "Keys here: %s",
             screens_place(s));
    dialog_show(s, OVERLAY_HELP, title, NULL);
}

/* A line of `bind` alone: Enter has the command that binds the key on the prompt. */
static void add_binding(struct session *s, const struct binding *b)
{
    char name[64], key[KEYCODE_NAME_SIZE], detail[384], line[512];
    const char *was = own_command(s, b), *command = b->command ? b->command : "nothing";
    name_binding(b, name, sizeof name);
    if (b->changed)
        snprintf(detail, sizeof detail, "%.160s (was %.160s)", command, was ? was : "nothing");
    else
        snprintf(detail, sizeof detail, "%.160s", command);
    snprintf(line, sizeof line, "bind %s%s%s %.320s",
             b->scope == SCOPE_ANY ? "" : key_scope_name[b->scope],
             b->scope == SCOPE_ANY ? "" : " ", keycode_format(b->key, key),
             b->command ? b->command : "");
    char *quoted = dialog_command("prompt command", line);
    list_add(&s->list, name, detail, quoted);
    free(quoted);
}

void dialog_bindings(struct session *s)
{
    dialog_begin(s);
    for (int changed = 1; changed >= 0; changed--)
        for (size_t i = 0; i < s->keymap.count; i++) {
            const struct binding *b = &s->keymap.bindings[i];
            if (b->changed == (changed == 1) && (b->changed || b->command))
                add_binding(s, b);
        }
    dialog_show(s, OVERLAY_DIALOG, "Keys", "arrows, Enter changes \u00b7 / filters \u00b7 Esc");
    s->dialog_reopen = dialog_bindings;
}
