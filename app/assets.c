#include "app/assets.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"

/* folder "/" name when such a file exists, else NULL. */
static char *existing(const char *folder, const char *name)
{
    char *path = file_join(folder, name);
    if (file_exists(path))
        return path;
    free(path);
    return NULL;
}

/* The folder of the running program, in place[0..size); false when unknown. */
static bool program_folder(char *place, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", place, size - 1);
    if (n <= 0 || (size_t)n >= size - 1)
        return false;
    place[n] = '\0';
    char *slash = strrchr(place, '/');
    if (slash)
        *slash = '\0';
    return slash != NULL;
}

char *assets_path(const char *name)
{
    const char *variable = getenv("COMPREXIT_ASSETS");
    if (variable && variable[0])
        return existing(variable, name);
    static const char *const beside[] = {"../share/comprexit", "../../assets"};
    char folder[PATH_MAX];
    if (!program_folder(folder, sizeof folder))
        return NULL;
    char *found = NULL;
    for (size_t i = 0; i < sizeof beside / sizeof *beside && !found; i++) {
        char *place = file_join(folder, beside[i]);
        found = existing(place, name);
        free(place);
    }
    return found;
}
