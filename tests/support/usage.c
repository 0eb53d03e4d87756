#include "tests/support/usage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void usages_add(struct usages *u, const char *quantity, const char *place, double used,
                size_t values)
{
    size_t i = 0;
    while (i < u->count && strcmp(u->at[i].quantity, quantity) != 0)
        i++;
    if (i == USAGES_MAX)
        return;
    struct usage *usage = &u->at[i];
    if (i == u->count) {
        u->count++;
        snprintf(usage->quantity, sizeof usage->quantity, "%s", quantity);
    }
    usage->values += values;
    if (!(used <= usage->worst)) {
        usage->worst = used;
        snprintf(usage->place, sizeof usage->place, "%s", place);
    }
}

void usages_report(const struct usages *u, const char *kind)
{
    for (size_t i = 0; i < u->count; i++)
        print_message("%s: %-28s %9zu values, at most %5.3g%% of the tolerance (%s)\n", kind,
                      u->at[i].quantity, u->at[i].values, 100 * u->at[i].worst, u->at[i].place);
}
