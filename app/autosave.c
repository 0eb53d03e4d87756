#include "app/autosave.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/places.h"
#include "app/reopen.h"
#include "app/session_file.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

static const char prefix[] = "autosave-";

static char *own_path(void)
{
    char *directory = places_state_dir(), name[64];
    snprintf(name, sizeof name, "%s%ld%s", prefix, (long)getpid(), SESSION_FILE_ENDING);
    char *path = directory ? file_join(directory, name) : NULL;
    free(directory);
    return path;
}

/* ---- what others have left ----------------------------------------------------------- */

/* The process of an autosave's name; 0: it is none. */
static pid_t owner_of(const char *name)
{
    char *end;
    if (strncmp(name, prefix, sizeof prefix - 1) != 0)
        return 0;
    long pid = strtol(name + sizeof prefix - 1, &end, 10);
    return strcmp(end, SESSION_FILE_ENDING) == 0 && pid > 0 ? (pid_t)pid : 0;
}

static bool is_gone(pid_t pid)
{
    return kill(pid, 0) != 0 && errno == ESRCH;
}

void autosave_begin(struct session *s)
{
    char *directory = places_state_dir();
    DIR *dir = directory && !s->headless ? opendir(directory) : NULL;
    struct timespec newest = {0, 0};
    for (struct dirent *item; dir && (item = readdir(dir));) {
        pid_t owner = owner_of(item->d_name);
        struct stat st;
        if (!owner || !is_gone(owner))
            continue;
        char *path = file_join(directory, item->d_name);
        bool there = stat(path, &st) == 0;
        bool later = there && (st.st_mtim.tv_sec > newest.tv_sec ||
                               (st.st_mtim.tv_sec == newest.tv_sec &&
                                st.st_mtim.tv_nsec >= newest.tv_nsec));
        if (later) {
            newest = st.st_mtim;
            if (s->left_over)
                unlink(s->left_over);
            free(s->left_over);
            s->left_over = path;
        } else {
            unlink(path);
            free(path);
        }
    }
    if (dir)
        closedir(dir);
    free(directory);
    s->next_autosave_ms = s->now_ms + 1e3 * (double)s->preferences.autosave;
}

void autosave_adopt(struct session *s, const char *path)
{
    char *own = own_path();
    if (s->left_over && own && strcmp(path, s->left_over) == 0) {
        rename(path, own);
        free(s->left_over);
        s->left_over = NULL;
    }
    free(own);
}

/* ---- saving ---------------------------------------------------------------------------- */

struct save_job {
    struct job job;
    struct snapshot *snapshot; /* one reference */
    struct figure_meta record;
    struct pins pins;
    char *path;
};

static bool run_save(struct job *job, void *context, const struct progress *progress,
                     struct err *err)
{
    struct save_job *save = (struct save_job *)job;
    char *directory = places_state_dir();
    (void)context;
    bool ok = progress_tick(progress, "saving", 0, 1, err) && directory &&
              file_make_directories(directory, err) &&
              session_file_write(save->path, save->snapshot, &save->record, &save->pins, true, err);
    free(directory);
    return ok;
}

static void save_release(struct job *job)
{
    struct save_job *save = (struct save_job *)job;
    snapshot_release(save->snapshot);
    figure_meta_free(&save->record);
    pins_free(&save->pins);
    free(save->path);
    free(save);
}

static size_t windows_read(const struct snapshot *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->windows; i++)
        n += s->window[i] && s->window[i]->has_plan;
    return n;
}

void autosave_tick(struct session *s)
{
    if (s->headless || !s->writer || !s->preferences.autosave || s->now_ms < s->next_autosave_ms)
        return;
    s->next_autosave_ms = s->now_ms + 1e3 * (double)s->preferences.autosave;
    const struct snapshot *shown = s->published;
    size_t read = shown && session_tokens(s) && !s->restored ? windows_read(shown) : 0;
    if (!read || shown->version == s->autosaved)
        return;
    s->next_autosave_ms += 1e3 * (double)(s->preferences.autosave * (read / AUTOSAVE_WINDOWS));
    struct save_job *save = xcalloc(1, sizeof *save);
    save->job = (struct job){.kind = JOB_SAVE, .run = run_save, .release = save_release};
    save->path = own_path();
    save->snapshot = snapshot_retain(s->snapshot);
    reopen_record(s, &save->record);
    pins_copy(&save->pins, &s->pins, s->pin_name, s->view.pin_is_b ? NULL : s->pinned);
    s->autosaved = shown->version;
    if (save->path)
        worker_post(s->writer, &save->job);
    else
        save_release(&save->job);
}

void autosave_end(struct session *s)
{
    char *path = s->headless ? NULL : own_path();
    if (path)
        unlink(path);
    free(path);
}
