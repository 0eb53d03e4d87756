/* The caption of a tour, a presentation or a script: a heading and at most three lines
 * below everything else. In the presenter it takes the place of status and prompt. */
#include <stdio.h>
#include <string.h>

#include "views/caption.h"

enum { CAPTION_ROWS = 4, CAPTION_ROWS_SMALL = 3, ROWS_FOR_ALL = 20, ROWS_LEAST = 13,
       ROWS_OVER = 2, ROWS_COVERED = 2 };

/* A presentation's begins in the rows of status and prompt: the pane has the others. */
int caption_rows(const struct view_state *v)
{
    if (!v->caption || v->rows < ROWS_LEAST)
        return 0;
    int covered = v->presenting && !v->prompt_open ? ROWS_COVERED : 0;
    return (v->rows < ROWS_FOR_ALL ? CAPTION_ROWS_SMALL : CAPTION_ROWS) - covered;
}

/* Status and prompt are below the caption, out of sight, unless something is typed. */
static int hidden_rows(const struct scene *c)
{
    const struct rect *status = &c->layout.area[AREA_STATUS];
    int bottom = c->v->rows - caption_rows(c->v);
    return c->v->presenting && !c->v->prompt_open ? bottom - status->row : 0;
}

/* Where it stands: below everything, or, on the smallest screens, over the end of the pane. */
static struct rect caption_area(const struct scene *c)
{
    int rows = caption_rows(c->v), hidden = hidden_rows(c);
    struct rect area = {c->v->rows - rows - hidden, 0, rows + hidden, c->v->columns};
    if (rows > 0 || !c->v->caption)
        return area;
    area.row = c->layout.area[AREA_STATUS].row - ROWS_OVER;
    area.rows = ROWS_OVER + hidden;
    return area;
}

static size_t line_end(const char *text, size_t at, int columns)
{
    size_t end = at, best = at, length = strlen(text);
    for (int used = 0; end < length;) {
        uint32_t codepoint;
        size_t n = text_decode(text + end, length - end, &codepoint);
        used += text_width(codepoint) > 0 ? text_width(codepoint) : 0;
        if (used > columns)
            return best > at ? best : end;
        end += n;
        if (end == length || text[end] == ' ')
            best = end;
    }
    return length;
}

void draw_caption(struct scene *c)
{
    if (!c->v->caption)
        return;
    struct rect area = caption_area(c);
    canvas_fill(c->canvas, area, ' ', ROLE_TEXT);
    const char *title = c->v->caption_title, *keys = c->v->caption_keys;
    char name[200];
    snprintf(name, sizeof name, "%s", title && *title ? title : "caption");
    draw_heading(c, (struct rect){area.row, 0, 1, area.columns}, 0, name, true,
                 keys ? key_text(c->v, keys).text : "");
    const char *text = c->v->caption;
    size_t at = 0, length = strlen(text);
    for (int r = 1; r < area.rows && at < length; r++) {
        size_t end = line_end(text, at, area.columns - 2);
        canvas_text(c->canvas, area.row + r, 1, area.columns - 2, ROLE_TEXT,
                    c->v->presenting ? ATTR_BOLD : 0, text + at, end - at);
        at = end + strspn(text + end, " ");
    }
}
