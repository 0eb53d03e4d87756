#include "tests/support/temporary.h"

#include <ftw.h>
#include <stdio.h>
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

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *place)
{
    (void)st;
    (void)kind;
    (void)place;
    return remove(path);
}

void temporary_remove(char *dir)
{
    nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(dir);
}
