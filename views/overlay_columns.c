/* Help in two columns: sections beside each other, what has no label at the end below them
 * over the whole width. Used where all of it fits. */
#include "engine/base/size.h"
#include "views/overlay.h"

enum { GAP = 4, LINES_LEAST = 12 };

struct columns {
    struct overlay_lines half[2], below;
    struct rect box;
};

static struct overlay_lines part_of(const struct overlay_lines *lines, size_t from, size_t to)
{
    struct overlay_lines part = {.line = lines->line + from, .n = to - from};
    for (size_t i = 0; i < part.n; i++) {
        int columns = part.line[i].heading ? 0 : text_columns(part.line[i].label);
        part.label_columns = columns > part.label_columns ? columns : part.label_columns;
    }
    overlay_measure(&part, part.label_columns);
    return part;
}

/* The heading nearest to the middle. */
static size_t split_at(const struct overlay_lines *lines, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++) {
        size_t off = 2 * i > n ? 2 * i - n : n - 2 * i;
        size_t least = 2 * best > n ? 2 * best - n : n - 2 * best;
        if (lines->line[i].heading && off < least)
            best = i;
    }
    return best;
}

static int rows_of(struct scene *c, const struct overlay_lines *lines, int columns)
{
    int rows = 0;
    for (size_t i = 0; i < lines->n; i++)
        rows += overlay_draw_line(c, -1, -1, 0, columns, lines, &lines->line[i], false);
    return rows;
}

static bool arrange(struct scene *c, const struct overlay_lines *lines, struct columns *out)
{
    size_t n = lines->n;
    while (n > 0 && lines->line[n - 1].heading)
        n--;
    size_t split = split_at(lines, n);
    if (n < LINES_LEAST || split == 0)
        return false;
    out->half[0] = part_of(lines, 0, split);
    out->half[1] = part_of(lines, split, n);
    out->below = part_of(lines, n, lines->n);
    int inner = out->half[0].columns + out->half[1].columns + GAP;
    int rows = (int)size_max(split, n - split) + rows_of(c, &out->below, inner);
    out->box = overlay_centred(c, rows + 2, inner + 4);
    return inner + 4 <= out->box.columns && rows + 2 <= out->box.rows;
}

static void draw_part(struct scene *c, struct rect *area, const struct overlay_lines *lines)
{
    int end = area->row + area->rows;
    for (size_t i = 0; i < lines->n; i++)
        area->row += overlay_draw_line(c, area->row, end, area->column, area->columns, lines,
                                       &lines->line[i], false);
}

bool overlay_columns_fit(struct scene *c, const struct overlay_lines *lines)
{
    struct columns columns;
    return arrange(c, lines, &columns);
}

bool overlay_draw_columns(struct scene *c, const struct overlay_lines *lines,
                          const struct list_box *look)
{
    struct columns columns;
    if (!arrange(c, lines, &columns))
        return false;
    overlay_draw_box(c, columns.box, look->title, look->right, look->below);
    struct rect inner = overlay_inner(columns.box), left = inner, right = inner;
    right.column += columns.half[0].columns + GAP;
    right.columns -= columns.half[0].columns + GAP;
    left.columns = columns.half[0].columns;
    draw_part(c, &left, &columns.half[0]);
    draw_part(c, &right, &columns.half[1]);
    inner.row = left.row > right.row ? left.row : right.row;
    draw_part(c, &inner, &columns.below);
    return true;
}
