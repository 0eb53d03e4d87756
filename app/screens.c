#include "app/screens.h"

#include <string.h>

#include "app/dialog.h"
#include "app/keycodes.h"

struct screen_ops {
    const struct screen_action *actions;
    void (*show)(struct session *s);
    void (*refresh)(struct session *s);
    enum key_scope scope;
    const char *name;
    const char *const *without; /* key commands that mean nothing here; ends with NULL */
};

static const char segment_back[] = "move segment-back", segment_on[] = "move segment-on",
                  find[] = "prompt find";
static const char *const without_train[] = {segment_back, segment_on, find, NULL};
static const char *const without_data[] = {segment_back, segment_on, NULL};
static const char *const without_eval[] = {segment_back, segment_on, find, "focus next",
                                           "focus previous", NULL};

/* Its maps have one size, one value and the last iteration. */
static const char *const without_compare[] = {
    "zoom", "zoom larger", "zoom smaller", "turn", "view next", "norm next", "strip", "step back",
    "step on", "play", "difference", "follow", NULL};

static const struct screen_ops ops[SCREEN_COUNT] = {
    [SCREEN_COMPARE] = {.name = "Compare", .without = without_compare},
    [SCREEN_DATA] = {screens_data, screens_data_show, screens_data_refresh, SCOPE_DATA, "Data",
                     without_data},
    [SCREEN_EVAL] = {screens_eval, screens_eval_show, screens_eval_refresh, SCOPE_EVAL, "Eval",
                     without_eval},
    [SCREEN_TRAIN] = {screens_train, screens_train_show, screens_train_refresh, SCOPE_TRAIN,
                      "Train", without_train},
};

const struct screen_action *screens_action(const struct session *s, const char *name)
{
    const struct screen_action *a = ops[s->view.screen].actions;
    for (; a && a->name; a++)
        if (strcmp(a->name, name) == 0)
            return a;
    return NULL;
}

/* The first word of a command line. */
static void command_name(const char *command, char *out, size_t size)
{
    size_t length = strcspn(command, " !");
    if (length >= size)
        length = size - 1;
    memcpy(out, command, length);
    out[length] = '\0';
}

/* Without A nothing is compared: what keys would change is not on the screen. */
static bool takes_unpinned(const struct binding *binding, const char *name)
{
    return binding->changed || strcmp(name, "pin") == 0 || binding->group == GROUP_OUTPUT ||
           (binding->group == GROUP_APPLICATION && strcmp(name, "focus") != 0);
}

bool screens_take_key(const struct session *s, const struct binding *binding)
{
    char name[32];
    command_name(binding->command, name, sizeof name);
    if (s->view.screen == SCREEN_COMPARE && !s->pinned && !takes_unpinned(binding, name))
        return false;
    for (const char *const *w = ops[s->view.screen].without; w && *w; w++)
        if (binding->scope == SCOPE_ANY && !binding->changed && strcmp(*w, binding->command) == 0)
            return false;
    bool own = ops[s->view.screen].actions == NULL;
    return own || binding->scope != SCOPE_ANY || binding->changed ||
           binding->group == GROUP_APPLICATION || binding->group == GROUP_OUTPUT ||
           screens_action(s, name);
}

void screens_show(struct session *s)
{
    if (ops[s->view.screen].show)
        ops[s->view.screen].show(s);
    s->dirty = true;
}

void screens_refresh(struct session *s)
{
    if (ops[s->view.screen].refresh)
        ops[s->view.screen].refresh(s);
    s->dirty = true;
}

static enum key_scope scope_of(const struct view_state *v)
{
    return ops[v->screen].actions ? ops[v->screen].scope
                                  : SCOPE_DOCUMENT + (enum key_scope)v->focus;
}

enum key_scope screens_scope(const struct session *s)
{
    return scope_of(&s->view);
}

bool screens_key_now(const struct view_state *v, const char *own, char now[KEY_NAME_BYTES])
{
    uint32_t key;
    if (!keycode_parse(own, &key))
        return false;
    keymap_now(v->keys, scope_of(v), own, now, KEY_NAME_BYTES);
    return true;
}

const char *screens_place(const struct session *s)
{
    return ops[s->view.screen].name ? ops[s->view.screen].name : pane_name[s->view.focus];
}
