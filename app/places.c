#include "app/places.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"

enum { RECENT_FILE_MAX = 1 << 20 };

/* $variable/tail, or ~/fallback/tail. */
static char *place(const char *variable, const char *fallback, const char *tail)
{
    const char *base = getenv(variable), *home = getenv("HOME");
    if (base && base[0] == '/')
        return file_join(base, tail);
    if (!home || !*home)
        return NULL;
    char *dir = file_join(home, fallback), *path = file_join(dir, tail);
    free(dir);
    return path;
}

char *places_rc_file(void)
{
    return place("XDG_CONFIG_HOME", ".config", "comprexit/rc");
}

char *places_state_dir(void)
{
    return place("XDG_STATE_HOME", ".local/state", "comprexit");
}

char *places_models_dir(void)
{
    return place("XDG_CACHE_HOME", ".cache", "comprexit/models");
}

static char *recent_file(void)
{
    char *dir = places_state_dir();
    char *path = dir ? file_join(dir, "recent") : NULL;
    free(dir);
    return path;
}

char **places_recent(size_t *count)
{
    char **paths = xcalloc(RECENT_MAX, sizeof *paths), *data = NULL, *file = recent_file();
    size_t size = 0;
    *count = 0;
    if (file && file_exists(file) && file_read(file, RECENT_FILE_MAX, &data, &size, NULL)) {
        for (size_t at = 0; at < size && *count < RECENT_MAX;) {
            size_t length = strcspn(data + at, "\n");
            if (length && data[at] == '/')
                paths[(*count)++] = xstrndup(data + at, length);
            at += length + 1;
        }
        free(data);
    }
    free(file);
    return paths;
}

void places_free_recent(char **paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
}

void places_add_recent(const char *path)
{
    char *absolute = realpath(path, NULL), *file = recent_file(), *dir = places_state_dir();
    if (!absolute || !file || strchr(absolute, '\n') || !file_make_directories(dir, NULL))
        goto out;
    size_t count, used = strlen(absolute);
    char **paths = places_recent(&count);
    char *text = xmalloc(used + 2);
    memcpy(text, absolute, used);
    text[used++] = '\n';
    for (size_t i = 0, kept = 1; i < count && kept < RECENT_MAX; i++) {
        size_t length = strlen(paths[i]);
        if (strcmp(paths[i], absolute) == 0)
            continue;
        text = xrealloc(text, used + length + 1, 1);
        memcpy(text + used, paths[i], length);
        used += length;
        text[used++] = '\n';
        kept++;
    }
    file_replace(file, text, used, NULL);
    free(text);
    places_free_recent(paths, count);
out:
    free(absolute);
    free(file);
    free(dir);
}
