/* Which files an export writes; private to app/export*.c. */
#ifndef APP_EXPORT_NAMES_H
#define APP_EXPORT_NAMES_H

#include "app/export.h"

/* A file to come: its name without ending, ending, format. */
struct export_target {
    char *stem;         /* owned */
    const char *ending; /* without the dot; borrowed */
    enum export_format format; /* EXPORT_FORMAT_COUNT: the caption */
};

struct export_targets {
    struct export_target at[EXPORT_TARGETS_MAX];
    size_t n;
};

/* "saltworks-w02-plan", to be freed. */
char *export_stem(const struct snapshot *snapshot, const struct export_request *request);

/* Named files, then further formats under the name of the first; a PNG named after
 * the document when nothing is named. */
void export_list_targets(struct export_targets *targets, const struct snapshot *snapshot,
                         const struct export_request *request);
void export_free_targets(struct export_targets *targets);
bool export_has_format(const struct export_targets *targets, enum export_format format);

/* The first number under which no name is in use, the same for all formats; 1 when
 * files are overwritten. */
bool export_choose_number(const struct export_targets *targets, bool force, unsigned *number,
                          struct err *err);

/* "stem.png", or "stem-2.png" for number 2; to be freed. */
char *export_target_path(const struct export_target *target, unsigned number);

/* The bytes of target i, to be freed; number as for export_target_path. */
typedef char *(*export_make)(const void *context, const struct export_targets *targets, size_t i,
                             unsigned number, size_t *size);

/* Makes and writes every target; result lists the paths of what was written. */
bool export_write(const struct export_targets *targets, bool force, export_make make,
                  const void *context, struct export_result *result, struct err *err);

#endif
