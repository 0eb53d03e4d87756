#include "tests/support/temporary.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

char *temporary_directory(void)
{
    const char *base = getenv("TMPDIR");
    char *dir = file_join(base && *base ? base : "/tmp", "comprexit-test-XXXXXX");
    CHECK(mkdtemp(dir));
    return dir;
}

char *temporary_file(const char *dir, const char *name, const void *data, size_t size)
{
    char *path = file_join(dir, name);
    CHECK(file_replace(path, data, size, NULL));
    return path;
}

void temporary_remove(char *dir)
{
    DIR *stream = opendir(dir);
    CHECK(stream);
    for (struct dirent *entry; (entry = readdir(stream));) {
        char *path = file_join(dir, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlink(path);
        free(path);
    }
    closedir(stream);
    rmdir(dir);
    free(dir);
}
