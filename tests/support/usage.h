/* How near to its tolerance each quantity of a test program came: what a table of deviations
 * is made from (tests/golden_check). */
#ifndef TESTS_SUPPORT_USAGE_H
#define TESTS_SUPPORT_USAGE_H

#include <stddef.h>

enum { USAGES_MAX = 256 };

struct usage {
    char quantity[96], place[128];
    double worst; /* part of the tolerance that was used; more than 1, or NaN, is a failure */
    size_t values;
};

struct usages {
    struct usage at[USAGES_MAX];
    size_t count;
};

/* values of a quantity were compared at a place; more quantities than USAGES_MAX are left out. */
void usages_add(struct usages *u, const char *quantity, const char *place, double used,
                size_t values);

/* One line a quantity, which begins with `kind`: the largest part of its tolerance that was
 * used, and where. */
void usages_report(const struct usages *u, const char *kind);

#endif
