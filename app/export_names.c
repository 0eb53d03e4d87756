/* Which files an export writes: names, numbers behind names, formats. */
#include "app/export_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

enum { NAME_TRIES = 10000 };

/* The document's name without its ending, as a name for files anywhere. */
static void document_stem(const struct snapshot *s, char *out, size_t size)
{
    const char *name = s->document && s->document->name ? file_name(s->document->name) : "";
    const char *dot = strrchr(name, '.');
    size_t length = dot && dot > name ? (size_t)(dot - name) : strlen(name), n = 0;
    for (size_t i = 0; i < length && n + 1 < size; i++) {
        char c = name[i];
        bool plain = (unsigned char)c > ' ' && !strchr("\"'\\/:*?<>|&;$`!(){}[]#~%", c);
        out[n++] = plain ? c : '_';
    }
    n -= text_incomplete(out, n);
    out[n] = '\0';
    if (n == 0 || out[0] == '-' || out[0] == '.')
        snprintf(out, size, "document");
}

char *export_stem(const struct snapshot *s, const struct export_request *request)
{
    char document[200], name[300];
    enum figure_kind kinds[FIGURE_KIND_COUNT];
    size_t n = export_kinds(request, kinds);
    const char *kind = n > 1 ? "panels" : figure_kind_name[kinds[0]];
    bool answers = n == 1 && kinds[0] == FIGURE_ANSWERS;
    document_stem(s, document, sizeof document);
    if (answers || (!request->has_range && request->window == 0))
        snprintf(name, sizeof name, "%s-%s", document, kind);
    else if (request->has_range)
        snprintf(name, sizeof name, "%s-t%zu-%zu-%s", document, request->from, request->to, kind);
    else
        snprintf(name, sizeof name, "%s-w%02zu-%s", document, request->window, kind);
    return xstrdup(name);
}

static void add_target(struct export_targets *targets, char *stem, const char *ending,
                       enum export_format format)
{
    targets->at[targets->n++] = (struct export_target){stem, ending, format};
}

bool export_has_format(const struct export_targets *targets, enum export_format format)
{
    for (size_t i = 0; i < targets->n; i++)
        if (targets->at[i].format == format)
            return true;
    return false;
}

void export_list_targets(struct export_targets *targets, const struct snapshot *s,
                         const struct export_request *request)
{
    *targets = (struct export_targets){0};
    for (size_t i = 0; i < request->n_files; i++) {
        const char *path = request->file[i], *ending = strrchr(path, '.') + 1;
        for (int f = 0; f < EXPORT_FORMAT_COUNT; f++)
            if (strcasecmp(ending, export_format_name[f]) == 0)
                add_target(targets, xstrndup(path, (size_t)(ending - 1 - path)), ending,
                           (enum export_format)f);
    }
    unsigned formats = request->formats ? request->formats : targets->n ? 0 : 1u << EXPORT_PNG;
    char *stem = targets->n ? xstrdup(targets->at[0].stem) : export_stem(s, request);
    for (int f = 0; f < EXPORT_FORMAT_COUNT; f++)
        if (formats & 1u << f && !export_has_format(targets, (enum export_format)f))
            add_target(targets, xstrdup(stem), export_format_name[f], (enum export_format)f);
    free(stem);
    if (request->caption)
        add_target(targets, xstrndup(request->caption, strlen(request->caption) - strlen(".tex")),
                   "tex", EXPORT_FORMAT_COUNT);
}

void export_free_targets(struct export_targets *targets)
{
    for (size_t i = 0; i < targets->n; i++)
        free(targets->at[i].stem);
}

char *export_target_path(const struct export_target *target, unsigned number)
{
    size_t size = strlen(target->stem) + strlen(target->ending) + 16;
    char *path = xmalloc(size);
    if (number > 1)
        snprintf(path, size, "%s-%u.%s", target->stem, number, target->ending);
    else
        snprintf(path, size, "%s.%s", target->stem, target->ending);
    return path;
}

static bool all_free(const struct export_targets *targets, unsigned number)
{
    bool free_names = true;
    for (size_t i = 0; i < targets->n && free_names; i++) {
        char *path = export_target_path(&targets->at[i], number);
        free_names = !file_exists(path);
        free(path);
    }
    return free_names;
}

bool export_choose_number(const struct export_targets *targets, bool force, unsigned *number,
                          struct err *err)
{
    for (*number = 1; *number < NAME_TRIES; (*number)++)
        if (force || all_free(targets, *number))
            return true;
    return err_set(err, ERR_IO, "%s: this name and %d numbered ones are in use",
                   targets->at[0].stem, NAME_TRIES);
}

bool export_write(const struct export_targets *targets, bool force, export_make make,
                  const void *context, struct export_result *result, struct err *err)
{
    unsigned number;
    if (!export_choose_number(targets, force, &number, err))
        return false;
    for (size_t i = 0; i < targets->n; i++) {
        size_t size;
        char *path = export_target_path(&targets->at[i], number);
        char *file = make(context, targets, i, number, &size);
        bool ok = file_replace(path, file, size, err);
        free(file);
        if (!ok) {
            free(path);
            return false;
        }
        result->path[result->n++] = path;
    }
    return true;
}
