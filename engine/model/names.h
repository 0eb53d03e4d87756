/* An index of names: which item has this name, and does any name occur twice?
 * Sorted rather than hashed, so that no choice of names in a file makes it slow:
 * n log n to build, log n to look up. The texts are borrowed. */
#ifndef ENGINE_MODEL_NAMES_H
#define ENGINE_MODEL_NAMES_H

#include <stddef.h>

struct names {
    struct name_entry {
        const char *name;
        size_t item;
    } * entries;
    size_t count, capacity;
};

enum { NAMES_NONE = -1 };

void names_add(struct names *names, const char *name, size_t item);

/* To be called once after the last names_add. Returns the item whose name
 * another, earlier item has, or NAMES_NONE. */
ptrdiff_t names_sort(struct names *names);

/* The item called `name`, or NAMES_NONE. */
ptrdiff_t names_find(const struct names *names, const char *name);

void names_free(struct names *names);

#endif
