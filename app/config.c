#include "app/config.h"

#include <stdlib.h>
#include <string.h>

#include "app/actions.h"
#include "app/keycodes.h"
#include "app/places.h"
#include "app/worker.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

enum { FILE_MAX = 1 << 20, NESTING_MAX = 8 };

void config_print_default(FILE *out)
{
    struct keymap map;
    keymap_init(&map);
    fputs(config_default_text, out);
    fputs("\n# Keys: what they do, and the command that binds them.\n", out);
    for (size_t i = 0; i < map.count; i++) {
        const struct binding *b = &map.bindings[i];
        char key[KEYCODE_NAME_SIZE];
        bool any = b->scope == SCOPE_ANY;
        fprintf(out, "# %s\n#bind %s%s%s %s\n", b->help, any ? "" : key_scope_name[b->scope],
                any ? "" : " ", keycode_format(b->key, key), b->command);
    }
    keymap_free(&map);
}

/* Runs text line by line; name: for messages. */
static void run_text(struct session *s, const char *name, const char *text, size_t size)
{
    const char *outer = s->rc_path;
    size_t number = 1;
    for (size_t at = 0; at < size; number++) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - (text + at)) : size - at;
        char *line = xstrndup(text + at, length), place[300];
        snprintf(place, sizeof place, "%s:%zu", name, number);
        s->rc_path = place;
        action_perform(s, line);
        s->rc_path = outer;
        free(line);
        at += length + 1;
    }
}

void config_run_default(struct session *s)
{
    size_t before = s->notes.count;
    run_text(s, "default.rc", config_default_text, strlen(config_default_text));
    CHECK(s->notes.count == before);
}

bool config_run_file(struct session *s, const char *path, struct err *err)
{
    char *text;
    size_t size;
    if (s->depth >= NESTING_MAX)
        return err_set(err, ERR_USAGE, "%s: files of commands are nested deeper than %d", path,
                       NESTING_MAX);
    /* Ten such lines in a file would be run 10 ^ NESTING_MAX times. */
    for (const struct sourced *outer = s->sourced; outer; outer = outer->outer)
        if (file_same(outer->path, path))
            return err_set(err, ERR_USAGE, "%s: a file of commands cannot run itself", path);
    if (!worker_read_file(!s->no_sandbox, path, FILE_MAX, &text, &size, err))
        return false;
    struct sourced own = {path, s->sourced};
    s->sourced = &own;
    s->depth++;
    run_text(s, file_name(path), text, size);
    s->depth--;
    s->sourced = own.outer;
    free(text);
    return true;
}

bool config_run_user(struct session *s, const char *rc, struct err *err)
{
    if (rc && strcmp(rc, "none") == 0)
        return true;
    if (rc)
        return config_run_file(s, rc, err);
    char *path = places_rc_file();
    bool ok = !path || !file_exists(path) || config_run_file(s, path, err);
    free(path);
    return ok;
}
