#include "app/places.h"

#include <stdlib.h>

#include "engine/base/file.h"

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

const char *places_temporary(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && folder[0] ? folder : "/tmp";
}
