/* Lines of a dialog, of help or of the log, each with the command that Enter runs
 * on it. */
#ifndef APP_LIST_H
#define APP_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "views/view_state.h"

struct list {
    struct list_entry *entries;
    char **commands; /* NULL where Enter does nothing */
    size_t count, capacity, commands_capacity;
};

void list_clear(struct list *list);

/* A choice. All texts are copied, label and detail sanitised; NULL = "". */
void list_add(struct list *list, const char *label, const char *detail, const char *command);

/* One that is shown without a filter and does nothing; one that only a filter shows. */
void list_add_plain(struct list *list, const char *label, const char *detail);
void list_add_found(struct list *list, const char *label, const char *detail, const char *command);

void list_add_disabled(struct list *list, const char *label, const char *detail);

/* A heading (help) or a line of plain text (dialogs). */
void list_add_text(struct list *list, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A text as a quoted word of the command language; to be freed. */
char *list_quote(const char *text);

#endif
