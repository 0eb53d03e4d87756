#include "app/watch.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "engine/base/mem.h"

void watch_clear(struct watch *watch)
{
    for (size_t i = 0; i < watch->count; i++)
        free(watch->files[i].path);
    free(watch->files);
    *watch = (struct watch){0};
}

static bool look(const char *path, struct watched_file *out)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    out->written = st.st_mtim;
    out->size = st.st_size;
    out->inode = st.st_ino;
    return true;
}

void watch_add(struct watch *watch, const char *path)
{
    struct watched_file file;
    if (!look(path, &file))
        return;
    file.path = xstrdup(path);
    MEM_GROW(watch->files, watch->capacity, watch->count + 1);
    watch->files[watch->count++] = file;
}

const char *watch_look(struct watch *watch)
{
    for (size_t i = 0; i < watch->count && !watch->changed; i++) {
        const struct watched_file *before = &watch->files[i];
        struct watched_file now;
        if (!look(before->path, &now))
            continue;
        watch->changed = now.size != before->size || now.inode != before->inode ||
                         now.written.tv_sec != before->written.tv_sec ||
                         now.written.tv_nsec != before->written.tv_nsec;
        if (watch->changed)
            return before->path;
    }
    return NULL;
}
