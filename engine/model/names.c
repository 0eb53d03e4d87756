#include "engine/model/names.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"

void names_add(struct names *names, const char *name, size_t item)
{
    MEM_GROW(names->entries, names->capacity, names->count + 1);
    names->entries[names->count++] = (struct name_entry){name, item};
}

static int compare_entries(const void *a, const void *b)
{
    const struct name_entry *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->item > y->item) - (x->item < y->item);
}

static int compare_name(const void *name, const void *entry)
{
    return strcmp(name, ((const struct name_entry *)entry)->name);
}

ptrdiff_t names_sort(struct names *names)
{
    if (names->count == 0)
        return NAMES_NONE;
    qsort(names->entries, names->count, sizeof *names->entries, compare_entries);
    for (size_t i = 1; i < names->count; i++)
        if (strcmp(names->entries[i - 1].name, names->entries[i].name) == 0)
            return (ptrdiff_t)names->entries[i].item;
    return NAMES_NONE;
}

ptrdiff_t names_find(const struct names *names, const char *name)
{
    if (names->count == 0)
        return NAMES_NONE;
    const struct name_entry *found =
        bsearch(name, names->entries, names->count, sizeof *names->entries, compare_name);
    return found ? (ptrdiff_t)found->item : NAMES_NONE;
}

void names_free(struct names *names)
{
    free(names->entries);
    *names = (struct names){0};
}
