/* The dialog that chooses a compressor: those made for the open model first. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/assets.h"
#include "app/dialog.h"
#include "app/jobs.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/compress/checkpoint_io.h"

enum { CANDIDATES_MAX = 500 };

/* How sure it is that a compressor can be used, the surest first. */
enum fit { FIT_MADE_FOR, FIT_SIZES, FIT_OTHER };

struct candidate {
    char *path;
    struct compressor_info info;
    struct compressor_shape shape;
    enum fit fit;
};

struct candidates {
    struct candidate *items;
    size_t count, capacity;
};

static enum fit fit_of(const struct candidate *c, const struct snapshot_facts *model)
{
    if (c->shape.H != model->hidden || c->shape.M > model->layers + 1)
        return FIT_OTHER;
    if (!c->info.base_sha256[0] || !model->embedding_sha256[0])
        return FIT_SIZES;
    return strcmp(c->info.base_sha256, model->embedding_sha256) == 0 ? FIT_MADE_FOR : FIT_OTHER;
}

/* Takes over path; what holds no compressor is left out. */
static void add_candidate(struct candidates *all, char *path, const struct snapshot_facts *model)
{
    struct candidate c = {.path = path};
    struct err ignored = {0};
    if (!path || all->count >= CANDIDATES_MAX ||
        !compressor_peek(&c.info, &c.shape, path, &ignored)) {
        free(path);
        return;
    }
    c.fit = fit_of(&c, model);
    MEM_GROW(all->items, all->capacity, all->count + 1);
    all->items[all->count++] = c;
}

static bool may_be_compressor(const char *path, const char *name)
{
    static const char ending[] = ".safetensors";
    size_t length = strlen(name), n = sizeof ending - 1;
    if (!file_is_directory(path))
        return length > n && strcmp(name + length - n, ending) == 0;
    char *run = file_join(path, "compressor.safetensors"), *config = file_join(path, "config.json");
    bool yes = file_exists(run) || file_exists(config);
    free(run);
    free(config);
    return yes;
}

/* Files and directories of a folder. */
static void add_folder(struct candidates *all, const char *folder,
                       const struct snapshot_facts *model)
{
    DIR *dir = opendir(folder);
    for (struct dirent *item; dir && (item = readdir(dir));) {
        if (item->d_name[0] == '.')
            continue;
        char *path = strcmp(folder, ".") == 0 ? xstrdup(item->d_name)
                                              : file_join(folder, item->d_name);
        if (may_be_compressor(path, item->d_name))
            add_candidate(all, path, model);
        else
            free(path);
    }
    if (dir)
        closedir(dir);
}

static int by_fit_and_name(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->fit != y->fit)
        return x->fit < y->fit ? -1 : 1;
    int order = strcmp(x->info.name, y->info.name);
    return order ? order : strcmp(x->path, y->path);
}

static void list_candidate(struct list *list, const struct candidate *c)
{
    char detail[160], fit[80];
    if (c->fit == FIT_OTHER)
        snprintf(fit, sizeof fit, "made for another model, hidden size %zu, %zu layers",
                 c->shape.H, c->info.base_layers ? c->info.base_layers : c->shape.M - 1);
    else
        snprintf(fit, sizeof fit, "%s", c->fit == FIT_MADE_FOR ? "made for this model"
                                                               : "its sizes fit this model");
    snprintf(detail, sizeof detail, "x%.4g, window %zu, %s", c->info.settings.ratio,
             c->info.settings.window, fit);
    char *line = dialog_command("compressor", c->path);
    list_add(list, c->info.name, detail, line);
    free(line);
}

struct search {
    struct candidates all;
    const struct snapshot_facts *model;
};

static bool find_candidates(void *context, struct err *err)
{
    struct search *search = context;
    (void)err;
    add_candidate(&search->all, assets_path("default-x4.safetensors"), search->model);
    add_folder(&search->all, ".", search->model);
    add_folder(&search->all, "runs", search->model);
    return true;
}

/* The files are looked into where nothing can be written: they may be anybody's. */
void dialog_compressors(struct session *s)
{
    const struct snapshot_facts *model = &s->snapshot->facts;
    struct search search = {.model = model};
    struct err err = {0};
    if (!worker_call(!s->no_sandbox, find_candidates, &search, &err))
        session_fail(s, &err, ":compressor PATH opens one", "nothing was opened");
    struct candidates all = search.all;
    if (all.count)
        qsort(all.items, all.count, sizeof *all.items, by_fit_and_name);
    struct list *list = dialog_begin(s);
    for (size_t i = 0; i < all.count; i++) {
        list_candidate(list, &all.items[i]);
        free(all.items[i].path);
    }
    free(all.items);
    list_add(list, "none", "the untrained initialisation", "compressor none");
    list_add(list, "Type a path ...", "a compressor or a published checkpoint directory",
             "prompt command \"compressor \"");
    dialog_show(s, OVERLAY_DIALOG, "Open a compressor", DIALOG_LIST_KEYS);
    s->dialog_reopen = dialog_compressors; /* once it is known what the model is */
    if (s->worker && model->model[0] && !model->embedding_sha256[0] &&
        !(worker_pending(s->worker) & JOB_HASH))
        jobs_hash(s);
}
