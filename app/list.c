#include "app/list.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"

enum { LINE_MAX_BYTES = 1024 };

void list_clear(struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->entries[i].label);
        free(list->entries[i].detail);
        free(list->commands[i]);
    }
    free(list->entries);
    free(list->commands);
    *list = (struct list){0};
}

static char *sanitized(const char *text)
{
    char out[LINE_MAX_BYTES];
    text_sanitize(out, sizeof out, text ? text : "", text ? strlen(text) : 0);
    return xstrdup(out);
}

static struct list_entry *append(struct list *list, const char *label, const char *detail,
                                 const char *command)
{
    MEM_GROW(list->entries, list->capacity, list->count + 1);
    MEM_GROW(list->commands, list->commands_capacity, list->count + 1);
    struct list_entry *entry = &list->entries[list->count];
    *entry = (struct list_entry){.label = sanitized(label), .detail = sanitized(detail)};
    list->commands[list->count++] = command ? xstrdup(command) : NULL;
    return entry;
}

void list_add(struct list *list, const char *label, const char *detail, const char *command)
{
    append(list, label, detail, command);
}

void list_add_plain(struct list *list, const char *label, const char *detail)
{
    append(list, label, detail, NULL)->when = ENTRY_PLAIN;
}

void list_add_found(struct list *list, const char *label, const char *detail, const char *command)
{
    append(list, label, detail, command)->when = ENTRY_FOUND;
}

void list_add_disabled(struct list *list, const char *label, const char *detail)
{
    append(list, label, detail, NULL)->disabled = true;
}

void list_add_text(struct list *list, const char *fmt, ...)
{
    char text[LINE_MAX_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    append(list, "", text, NULL);
}

char *list_quote(const char *text)
{
    char *out = xmalloc(2 * strlen(text) + 3), *p = out;
    *p++ = '"';
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            *p++ = '\\';
        *p++ = *text;
    }
    *p++ = '"';
    *p = '\0';
    return out;
}
