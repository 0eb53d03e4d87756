#include "app/file_wanted.h"

#include <string.h>
#include <sys/stat.h>

static bool has_ending(const char *path, const char *list)
{
    size_t size = strlen(path);
    for (const char *at = list; *at;) {
        size_t length = strcspn(at, "|");
        if (size > length && memcmp(path + size - length, at, length) == 0)
            return true;
        at += length + (at[length] == '|');
    }
    return false;
}

bool file_is_wanted(const char *wanted, const char *path)
{
    struct stat st;
    if (!*wanted || stat(path, &st) != 0 || S_ISDIR(st.st_mode))
        return true;
    return *wanted == '!' ? !has_ending(path, wanted + 1) : has_ending(path, wanted);
}
