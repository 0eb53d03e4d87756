#include "app/matches.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/tilde.h>

#include "app/file_wanted.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

void matches_add(struct matches *m, const char *word, size_t length)
{
    if (m->count == MATCHES_MAX || length < m->length || memcmp(word, m->prefix, m->length) != 0)
        return;
    for (size_t i = 0; i < m->count; i++)
        if (strlen(m->words[i]) == length && memcmp(m->words[i], word, length) == 0)
            return;
    MEM_GROW(m->words, m->capacity, m->count + 2);
    m->words[m->count++] = xstrndup(word, length);
    m->words[m->count] = NULL;
}

/* Is it among the items, which end in commas, of the first `head` bytes? */
static bool is_named(const struct matches *m, size_t head, const char *word, size_t length)
{
    for (size_t at = 0; at < head;) {
        size_t item = strcspn(m->prefix + at, ",=");
        if (item == length && memcmp(m->prefix + at, word, length) == 0)
            return true;
        at += item + 1;
    }
    return false;
}

void matches_add_list(struct matches *m, size_t head, const char *list)
{
    while (*list) {
        size_t length = strcspn(list, "|"), room = head + length + 1;
        char *word = xmalloc(room);
        snprintf(word, room, "%.*s%.*s", (int)head, m->prefix, (int)length, list);
        if (!is_named(m, head, list, length))
            matches_add(m, word, room - 1);
        free(word);
        list += length + (list[length] == '|');
    }
}

size_t matches_last_item(const struct matches *m, size_t head)
{
    for (size_t at = head; at < m->length; at++)
        if (m->prefix[at] == ',')
            head = at + 1;
    return head;
}

/* A comma would end the name in a list, which is behind a key, and no quotation helps. */
void matches_add_paths(struct matches *m, size_t head, const char *wanted)
{
    size_t end = m->length;
    while (end > head && m->prefix[end - 1] != '/')
        end--;
    char *typed = xstrndup(m->prefix + head, end - head), *folder = tilde_expand(typed);
    bool hidden = m->prefix[end] == '.';
    DIR *dir = opendir(*folder ? folder : ".");
    for (struct dirent *item; dir && (item = readdir(dir));) {
        if ((item->d_name[0] == '.' && !hidden) || strpbrk(item->d_name, head ? ",\"\\" : "\"\\"))
            continue;
        char *path = file_join(*folder ? folder : ".", item->d_name);
        size_t room = end + strlen(item->d_name) + 2;
        char *word = xmalloc(room);
        snprintf(word, room, "%.*s%s%s", (int)end, m->prefix, item->d_name,
                 file_is_directory(path) ? "/" : "");
        if (file_is_wanted(wanted, path))
            matches_add(m, word, strlen(word));
        free(word);
        free(path);
    }
    if (dir)
        closedir(dir);
    free(folder);
    free(typed);
}
