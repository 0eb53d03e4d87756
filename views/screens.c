#include "views/screens.h"

#include <string.h>

#include "views/token_text.h"

struct screen_ops {
    void (*draw)(struct scene *scene);
    void (*title)(const struct scene *scene, struct parts *parts);
    void (*sentence)(const struct scene *scene, struct parts *parts);
    const char *(*keys)(const struct scene *scene);
};

static const struct screen_ops ops[SCREEN_COUNT] = {
    [SCREEN_DATA] = {data_draw, data_title, data_sentence, data_keys},
    [SCREEN_EVAL] = {eval_draw, eval_title, eval_sentence, eval_keys},
    [SCREEN_TRAIN] = {train_draw, train_title, train_sentence, train_keys},
};

bool screen_is_open(const struct view_state *v)
{
    return (v->screen == SCREEN_TRAIN && v->train.run) ||
           (v->screen == SCREEN_DATA && v->data.set) ||
           (v->screen == SCREEN_EVAL && v->eval.results && v->eval.results->n > 0);
}

void screen_draw(struct scene *c)
{
    ops[c->v->screen].draw(c);
}

void screen_title(const struct scene *c, struct parts *parts)
{
    ops[c->v->screen].title(c, parts);
}

void screen_sentence(const struct scene *c, struct parts *parts)
{
    ops[c->v->screen].sentence(c, parts);
}

const char *screen_keys(const struct scene *c)
{
    return ops[c->v->screen].keys(c);
}

/* ---- shared ----------------------------------------------------------------- */

struct rect screen_body(const struct scene *c)
{
    int top = c->layout.area[AREA_TITLE].rows;
    return (struct rect){top, 0, c->layout.area[AREA_STATUS].row - top, c->v->columns};
}

void screen_tabs(struct scene *c, struct rect area, const char *const *names, int count,
                 int front, const char *right)
{
    bool tiny = c->layout.kind == LAYOUT_TINY;
    int columns = 0;
    char text[64];
    for (int p = 0; p < count; p++)
        columns += p == front || !tiny ? (int)strlen(names[p]) + 2 : 0;
    bool fits = columns + text_columns(right) + 12 <= area.columns;
    draw_heading(c, area, 0, "", false, fits ? right : "");
    int column = area.column + 3;
    canvas_printf(c->canvas, area.row, column - 1, columns + 2, ROLE_FRAME, 0, "%*s",
                  columns + 2, "");
    for (int p = 0; p < count; p++) {
        if (tiny && p != front)
            continue;
        text[0] = '\0';
        text_add(text, sizeof text, p == front ? "[%s]" : " %s ", names[p]);
        column += canvas_text(c->canvas, area.row, column, area.columns - 3,
                              p == front ? ROLE_HEADING_FOCUS : ROLE_HEADING, 0, text,
                              strlen(text));
    }
}

const char *screen_phase(const char *phase, char out[SCREEN_PHASE_BYTES])
{
    size_t n = 0;
    for (; phase[n] && n + 1 < SCREEN_PHASE_BYTES; n++)
        out[n] = phase[n] >= 'a' && phase[n] <= 'z' ? (char)(phase[n] - 'a' + 'A') : phase[n];
    out[n] = '\0';
    return out;
}

/* Bytes of text that fit into `width` columns, ending at a blank where there is one. */
static size_t line_bytes(const char *text, int width)
{
    size_t at = 0, blank = 0, length = strlen(text);
    int columns = 0;
    while (at < length && text[at] != '\n') {
        uint32_t codepoint;
        size_t n = text_decode(text + at, length - at, &codepoint);
        int w = text_width(codepoint);
        columns += w > 0 ? w : 0;
        if (columns > width)
            return blank ? blank : at ? at : n;
        at += n;
        if (codepoint == ' ')
            blank = at;
    }
    return at;
}

int screen_wrapped_rows(struct rect area, const char *text)
{
    int row = 0;
    for (; *text && row < area.rows && area.columns > 0; row++) {
        text += line_bytes(text, area.columns);
        text += *text == '\n';
    }
    return row;
}

int screen_wrapped(struct scene *c, struct rect area, enum canvas_role role, unsigned attr,
                   const char *text)
{
    int row = 0;
    while (*text && row < area.rows && area.columns > 0) {
        size_t n = line_bytes(text, area.columns);
        canvas_text(c->canvas, area.row + row++, area.column, area.columns, role, attr, text, n);
        text += n;
        text += *text == '\n';
    }
    if (*text && row > 0)
        canvas_put(c->canvas, area.row + row - 1, area.column + area.columns - 1, '>', role, attr);
    return row;
}
