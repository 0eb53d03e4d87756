/* Snapshots that are kept to compare with: those that were given a name, and A. */
#ifndef APP_PINS_H
#define APP_PINS_H

#include <stddef.h>

#include "engine/snapshot.h"

enum { PINS_MAX = 64, PIN_NAME_BYTES = 160 };

struct pin {
    char *name;
    struct snapshot *snapshot; /* one reference */
};

struct pins {
    struct pin pins[PINS_MAX];
    size_t n, a; /* pins[a - 1] is A; 0: none is */
};

/* Keeps a reference under a name, in place of what had it. Beyond PINS_MAX the oldest goes. */
void pins_keep(struct pins *pins, const char *name, struct snapshot *snapshot);
const struct pin *pins_find(const struct pins *pins, const char *name); /* or NULL */

/* from's pins, and A, which may be NULL. */
void pins_copy(struct pins *out, const struct pins *from, const char *a_name, struct snapshot *a);
void pins_free(struct pins *pins);

#endif
