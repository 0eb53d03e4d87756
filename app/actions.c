#include "app/actions.h"

#include <stdio.h>
#include <string.h>

#include "app/record.h"
#include "app/refusal.h"
#include "app/screens.h"
#include "app/values.h"
#include "engine/base/mem.h"

#define ROW(name, usage, takes, complete, list, help)                          \
    {#name, usage, TAKES_##takes, COMPLETE_##complete, list, help, do_##name},
const struct action actions[] = {ACTIONS(ROW)};
#undef ROW

enum { ACTION_COUNT = sizeof actions / sizeof *actions, PROPOSALS = 3 };

size_t actions_count(void)
{
    return ACTION_COUNT;
}

/* "a, b or c" */
static void join_choices(const char *list, char *out, size_t size)
{
    size_t used = 0;
    while (*list && used < size) {
        size_t length = strcspn(list, "|");
        const char *next = list + length + (list[length] == '|');
        const char *between = !used ? "" : *next ? ", " : " or ";
        used += (size_t)snprintf(out + used, size - used, "%s%.*s", between, (int)length, list);
        list = next;
    }
}

/* "a|b|c": the names with the smallest edit distance. */
static void nearest_names(const char *name, char *out, size_t size)
{
    bool taken[ACTION_COUNT] = {false};
    size_t used = 0;
    for (int n = 0; n < PROPOSALS; n++) {
        size_t best = ACTION_COUNT, best_distance = SIZE_MAX;
        for (size_t i = 0; i < ACTION_COUNT; i++) {
            size_t distance = value_distance(name, actions[i].name);
            if (!taken[i] && distance < best_distance) {
                best = i;
                best_distance = distance;
            }
        }
        if (best == ACTION_COUNT || used >= size)
            return;
        taken[best] = true;
        used += (size_t)snprintf(out + used, size - used, "%s%s", n ? "|" : "", actions[best].name);
    }
}

const struct action *action_find(const char *name, struct err *err)
{
    const struct action *found = NULL;
    size_t length = strlen(name), matches = 0;
    char list[256] = "", choices[256];
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
        if (strncmp(actions[i].name, name, length) != 0)
            continue;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", matches ? "|" : "", actions[i].name);
        found = &actions[i];
        matches++;
    }
    if (matches == 1)
        return found;
    if (matches == 0)
        nearest_names(name, list, sizeof list);
    join_choices(list, choices, sizeof choices);
    err_set(err, ERR_USAGE, "unknown command \"%s\", did you mean %s?", name, choices);
    return NULL;
}

static bool run_words(struct session *s, struct words *words, bool split, struct err *err)
{
    struct err reason = *err;
    const struct action *action = action_find(words->name, err);
    if (!action)
        return refusal_complete("", err);
    if (action->completion >= COMPLETE_EXPORT)
        words_expand_home(words);
    bool ok;
    if (!split && action->takes == TAKES_WORDS) {
        *err = reason;
        ok = false;
    } else if (action->takes == TAKES_NONE && words->count) {
        ok = refusal_wants(words, err, "no arguments");
    } else {
        const struct screen_action *own = screens_action(s, action->name);
        ok = own ? own->run(s, words, err) : action->run(s, words, err);
    }
    return ok || refusal_complete(action->name, err);
}

/* A refusal names the keys of now. Returns false. */
static bool name_keys(const struct session *s, struct err *err)
{
    char now[sizeof err->text];
    key_text_fill(&s->view, err->text, now, sizeof now);
    snprintf(err->text, sizeof err->text, "%s", now);
    return false;
}

bool action_run(struct session *s, const char *line, struct err *err)
{
    struct words words;
    bool split = words_split(&words, line, err);
    bool ok = !words.name[0] || run_words(s, &words, split, err);
    words_free(&words);
    return ok || name_keys(s, err);
}

bool action_run_text(struct session *s, const char *name, const char *text, struct err *err)
{
    struct words words = {.name = xstrdup(name), .rest = xstrdup(text)};
    bool ok = run_words(s, &words, true, err);
    words_free(&words);
    return ok || name_keys(s, err);
}

void action_perform(struct session *s, const char *line)
{
    struct err err = {0};
    record_command(s, line, "");
    s->performing++;
    if (!action_run(s, line, &err))
        session_warn(s, "%s", err.text);
    s->performing--;
}

int action_choice(const char *word, const char *list, const char *what, struct err *err)
{
    int index = 0, found = -1, matches = 0;
    size_t length = strlen(word);
    for (const char *at = list; *at; index++) {
        size_t n = strcspn(at, "|");
        if (length && length <= n && memcmp(at, word, length) == 0) {
            if (length == n)
                return index;
            found = index;
            matches++;
        }
        at += n + (at[n] == '|');
    }
    if (matches == 1)
        return found;
    char choices[384];
    join_choices(list, choices, sizeof choices);
    err_set(err, ERR_USAGE, "%s \"%s\"%s, expected %s", what, word,
            matches ? " is not unique" : " is unknown", choices);
    return -1;
}
