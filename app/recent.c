#include "app/recent.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/places.h"
#include "app/worker.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

enum { RECENT_MAX = 10, RECENT_FILE_MAX = 1 << 20 };

static char *recent_file(void)
{
    char *dir = places_state_dir();
    char *path = dir ? file_join(dir, "recent") : NULL;
    free(dir);
    return path;
}

/* The path behind the last tab of [*, at) and the numbers before it, which is cut off; NULL
 * when there is none. */
static char *take_model(const char *line, size_t *length)
{
    size_t at = *length;
    while (at > 0 && line[at - 1] != '\t')
        at--;
    if (at < 2 || at == *length || line[at] != '/' || line[at - 2] < '0' || line[at - 2] > '9')
        return NULL;
    char *model = xstrndup(line + at, *length - at);
    *length = at - 1;
    return model;
}

/* The number behind the tab at the end of [*, at), which is cut off; false when there is none. */
static bool take_number(const char *line, size_t *length, size_t *value)
{
    enum { DIGITS_MOST = 12 };
    size_t at = *length;
    *value = 0;
    while (at > 0 && line[at - 1] >= '0' && line[at - 1] <= '9')
        at--;
    if (at == 0 || at == *length || *length - at > DIGITS_MOST || line[at - 1] != '\t')
        return false;
    for (size_t i = at; i < *length; i++)
        *value = 10 * *value + (size_t)(line[i] - '0');
    *length = at - 1;
    return true;
}

/* What a line of the list says; path NULL where it says nothing. */
static struct recent take_line(const char *line, size_t length)
{
    struct recent r = {.model = take_model(line, &length)};
    size_t number[3], n = 0;
    while (n < 3 && take_number(line, &length, &number[n]))
        n++;
    /* from the end: the time, if it was kept, questions, window */
    if (n == 3)
        r.opened = (time_t)number[0];
    if (n >= 2) {
        r.questions = number[n - 2];
        r.window = number[n - 1];
    }
    if (length && line[0] == '/')
        r.path = xstrndup(line, length);
    return r;
}

struct listing {
    struct recent *list;
    size_t *count;
};

static bool read_list(void *context, struct err *err)
{
    struct listing *l = context;
    char *data = NULL, *file = recent_file();
    size_t size = 0;
    (void)err;
    if (file && file_exists(file) && file_read(file, RECENT_FILE_MAX, &data, &size, NULL)) {
        for (size_t at = 0; at < size && *l->count < RECENT_MAX;) {
            size_t length = strcspn(data + at, "\n");
            struct recent r = take_line(data + at, length);
            if (r.path)
                l->list[(*l->count)++] = r;
            else
                free(r.model);
            at += length + 1;
        }
        free(data);
    }
    free(file);
    return true;
}

struct recent *recent_list(bool confined, size_t *count)
{
    struct listing l = {xcalloc(RECENT_MAX, sizeof *l.list), count};
    *count = 0;
    worker_call(confined, read_list, &l, NULL);
    return l.list;
}

void recent_free(struct recent *recent, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(recent[i].path);
        free(recent[i].model);
    }
    free(recent);
}

static char *add_line(char *text, size_t *used, const struct recent *r)
{
    const char *model = r->model ? r->model : "", *tab = r->model ? "\t" : "";
    size_t room = strlen(r->path) + strlen(model) + 96;
    text = xrealloc(text, *used + room, 1);
    *used += (size_t)snprintf(text + *used, room, "%s\t%zu\t%zu\t%lld%s%s\n", r->path,
                              r->window, r->questions, (long long)r->opened, tab, model);
    return text;
}

/* Writes the list with `front` before all others of it. */
static void write_list(const struct recent *front, const struct recent *list, size_t count)
{
    char *file = recent_file(), *dir = places_state_dir();
    if (file && file_make_directories(dir, NULL)) {
        size_t used = 0, kept = 1;
        char *text = add_line(NULL, &used, front);
        for (size_t i = 0; i < count && kept < RECENT_MAX; i++)
            if (strcmp(list[i].path, front->path) != 0) {
                text = add_line(text, &used, &list[i]);
                kept++;
            }
        file_replace(file, text, used, NULL);
        free(text);
    }
    free(file);
    free(dir);
}

/* With where it was left, when window is not 0. */
static void note(const char *path, size_t window, size_t questions, const char *model,
                 bool confined)
{
    char *absolute = realpath(path, NULL), *known = model ? realpath(model, NULL) : NULL;
    if (known && strpbrk(known, "\n\t")) {
        free(known);
        known = NULL;
    }
    if (absolute && !strchr(absolute, '\n')) {
        size_t count;
        struct recent *list = recent_list(confined, &count),
                      front = {absolute, window, questions, known, time(NULL)};
        for (size_t i = 0; i < count && !window; i++)
            if (strcmp(list[i].path, absolute) == 0) {
                front = list[i];
                front.opened = time(NULL);
                break;
            }
        write_list(&front, list, count);
        recent_free(list, count);
    }
    free(absolute);
    free(known);
}

void recent_opened(const char *path, bool confined)
{
    note(path, 0, 0, NULL, confined);
}

void recent_left(const char *path, size_t window, size_t questions, const char *model,
                 bool confined)
{
    note(path, window ? window : 1, questions, model, confined);
}
