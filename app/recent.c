#include "app/recent.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/places.h"
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

/* The number behind the tab at the end of [*, at), which is cut off; 0 when there is none. */
static size_t take_number(const char *line, size_t *length)
{
    size_t at = *length, value = 0;
    while (at > 0 && line[at - 1] >= '0' && line[at - 1] <= '9')
        at--;
    if (at == 0 || at == *length || *length - at > 9 || line[at - 1] != '\t')
        return 0;
    for (size_t i = at; i < *length; i++)
        value = 10 * value + (size_t)(line[i] - '0');
    *length = at - 1;
    return value;
}

struct recent *recent_list(size_t *count)
{
    struct recent *list = xcalloc(RECENT_MAX, sizeof *list);
    char *data = NULL, *file = recent_file();
    size_t size = 0;
    *count = 0;
    if (file && file_exists(file) && file_read(file, RECENT_FILE_MAX, &data, &size, NULL)) {
        for (size_t at = 0; at < size && *count < RECENT_MAX;) {
            size_t length = strcspn(data + at, "\n"), whole = length;
            size_t questions = take_number(data + at, &length);
            size_t window = take_number(data + at, &length);
            if (length && data[at] == '/')
                list[(*count)++] = (struct recent){xstrndup(data + at, length), window, questions};
            at += whole + 1;
        }
        free(data);
    }
    free(file);
    return list;
}

void recent_free(struct recent *recent, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(recent[i].path);
    free(recent);
}

static char *add_line(char *text, size_t *used, const struct recent *r)
{
    char numbers[64];
    int tail = snprintf(numbers, sizeof numbers, "\t%zu\t%zu\n", r->window, r->questions);
    size_t length = strlen(r->path);
    text = xrealloc(text, *used + length + (size_t)tail, 1);
    memcpy(text + *used, r->path, length);
    memcpy(text + *used + length, numbers, (size_t)tail);
    *used += length + (size_t)tail;
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
static void note(const char *path, size_t window, size_t questions)
{
    char *absolute = realpath(path, NULL);
    if (absolute && !strchr(absolute, '\n')) {
        size_t count;
        struct recent *list = recent_list(&count), front = {absolute, window, questions};
        for (size_t i = 0; i < count && !window; i++)
            if (strcmp(list[i].path, absolute) == 0) {
                front = list[i];
                break;
            }
        write_list(&front, list, count);
        recent_free(list, count);
    }
    free(absolute);
}

void recent_opened(const char *path)
{
    note(path, 0, 0);
}

void recent_left(const char *path, size_t window, size_t questions)
{
    note(path, window ? window : 1, questions);
}
