#include "app/run_folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/run_log.h"
#include "app/worker.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t run_folder_list(const char *parent, char *names[RUN_FOLDER_MAX])
{
    DIR *dir = opendir(parent);
    size_t n = 0;
    for (struct dirent *item; dir && n < RUN_FOLDER_MAX && (item = readdir(dir));) {
        if (item->d_name[0] == '.')
            continue;
        char *path = file_join(parent, item->d_name), *config = file_join(path, "config");
        if (file_exists(config))
            names[n++] = xstrdup(path);
        free(config);
        free(path);
    }
    if (dir)
        closedir(dir);
    if (n)
        qsort(names, n, sizeof *names, by_name);
    return n;
}

void run_folder_free(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(names[i]);
}

struct looking {
    char *const *names;
    size_t n;
    char (*facts)[RUN_FOLDER_FACTS];
};

static bool look(void *context, struct err *err)
{
    struct looking *l = context;
    (void)err; /* a list may have runs whose files cannot be read */
    for (size_t i = 0; i < l->n; i++) {
        struct training t = {0};
        char *out = l->facts[i];
        out[0] = '\0';
        if (!run_log_facts(l->names[i], &t, NULL))
            continue;
        if (t.saved_step >= t.total_steps)
            snprintf(out, RUN_FOLDER_FACTS, "%s \u00b7 all %zu steps are done", t.phase,
                     t.total_steps);
        else
            snprintf(out, RUN_FOLDER_FACTS, "%s \u00b7 step %zu of %zu saved", t.phase,
                     t.saved_step, t.total_steps);
    }
    return true;
}

void run_folder_facts(char *const *names, size_t n, bool confined,
                      char facts[][RUN_FOLDER_FACTS])
{
    struct looking l = {names, n, facts};
    struct err err = {0};
    for (size_t i = 0; i < n; i++)
        facts[i][0] = '\0';
    worker_call(confined, look, &l, &err);
}
