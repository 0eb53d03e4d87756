/* The record of a figure out of a PNG or SVG file. */
#include <stdlib.h>
#include <string.h>

#include "app/figure_meta.h"
#include "app/png.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

enum { FIGURE_LIMIT = 256 << 20, SVG_HEAD = 2 << 20 };

/* Turns the entities that svg.c writes back into characters, in place. */
static void unescape(char *text)
{
    static const struct {
        const char *entity;
        char character;
    } known[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}};
    char *out = text;
    while (*text) {
        size_t length = 1;
        char character = *text;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (strncmp(text, known[i].entity, strlen(known[i].entity)) == 0) {
                length = strlen(known[i].entity);
                character = known[i].character;
            }
        *out++ = character;
        text += length;
    }
    *out = '\0';
}

/* The text between the metadata tags, to be freed. Only the head of the file is
 * searched: the record stands in front of the picture. */
static char *svg_read_text(const char *data, size_t size, const char *name, struct err *err)
{
    static const char open[] = "<metadata id=\"" FIGURE_META_KEYWORD "\">", close[] = "</metadata>";
    size_t head = size < SVG_HEAD ? size : SVG_HEAD;
    const char *begin = head ? memmem(data, head, open, strlen(open)) : NULL;
    const char *end = NULL;
    if (begin) {
        begin += strlen(open);
        end = memmem(begin, head - (size_t)(begin - data), close, strlen(close));
    }
    if (!end || memchr(begin, 0, (size_t)(end - begin))) {
        err_set(err, ERR_INPUT,
                "%s: an SVG without a comprexit record: it was not exported by comprexit, or other "
                "software rewrote it without the record", name);
        return NULL;
    }
    char *text = xstrndup(begin, (size_t)(end - begin));
    unescape(text);
    return text;
}

static bool looks_like_svg(const char *data, size_t size)
{
    size_t head = size < 1024 ? size : 1024;
    return head > 0 && memmem(data, head, "<svg", 4) != NULL;
}

json_t *figure_metadata_read(const char *path, struct err *err)
{
    char *data, *text;
    size_t size;
    if (!file_read(path, FIGURE_LIMIT, &data, &size, err))
        return NULL;
    if (looks_like_svg(data, size))
        text = svg_read_text(data, size, path, err);
    else
        text = png_read_text((const uint8_t *)data, size, path, FIGURE_META_KEYWORD, err);
    free(data);
    json_t *json = text ? json_parse(text, strlen(text), path, err) : NULL;
    free(text);
    return json;
}

char *figure_meta_beside(const char *figure, const char *name)
{
    char *folder = xstrndup(figure, (size_t)(file_name(figure) - figure));
    char *path = !name[0] ? NULL : folder[0] ? file_join(folder, name) : xstrdup(name);
    free(folder);
    if (path && file_exists(path))
        return path;
    free(path);
    return NULL;
}
