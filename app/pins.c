#include "app/pins.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"

static void release(struct pin *pin)
{
    snapshot_release(pin->snapshot);
    free(pin->name);
}

const struct pin *pins_find(const struct pins *pins, const char *name)
{
    for (size_t i = 0; i < pins->n; i++)
        if (strcmp(pins->pins[i].name, name) == 0)
            return &pins->pins[i];
    return NULL;
}

void pins_keep(struct pins *pins, const char *name, struct snapshot *snapshot)
{
    const struct pin *old = pins_find(pins, name);
    size_t gone = old ? (size_t)(old - pins->pins) : pins->n == PINS_MAX ? 0 : pins->n;
    snapshot_retain(snapshot);
    if (gone < pins->n) {
        release(&pins->pins[gone]);
        pins->n--;
        memmove(&pins->pins[gone], &pins->pins[gone + 1], (pins->n - gone) * sizeof *pins->pins);
    }
    pins->pins[pins->n++] = (struct pin){xstrdup(name), snapshot};
}

void pins_copy(struct pins *out, const struct pins *from, const char *a_name, struct snapshot *a)
{
    *out = (struct pins){0};
    for (size_t i = 0; i < from->n; i++)
        pins_keep(out, from->pins[i].name, from->pins[i].snapshot);
    if (!a)
        return;
    pins_keep(out, a_name, a);
    out->a = out->n;
}

void pins_free(struct pins *pins)
{
    for (size_t i = 0; i < pins->n; i++)
        release(&pins->pins[i]);
    *pins = (struct pins){0};
}
