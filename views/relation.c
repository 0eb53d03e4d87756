/* The relation strip of the narrow screen: the gates and the slots of what is lit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "views/scene.h"

/* ---- relation --------------------------------------------------------------- */

static void relation_title(const struct scene *c, char *out, size_t size)
{
    const char *mark = c->v->locked.kind != SOURCE_NONE ? " *" : "";
    char name[64];
    out[0] = '\0';
    switch (c->light.kind) {
    case SOURCE_LAYER:
        text_add(out, size, "what the slots take from layer L%zu%s", c->light.layer,
                 mark);
        break;
    case SOURCE_SLOT:
        text_add(out, size, "what slot s%zu is made of%s", c->light.slot, mark);
        break;
    case SOURCE_ANSWER:
        text_add(out, size, "where the answer looked%s", mark);
        break;
    default:
        scene_token_name(c, size_min(c->light.token, c->document->tokens - 1), name,
                         sizeof name);
        text_add(out, size, "where \"%s\" is read and sent%s", name, mark);
    }
}

/* Bars of n weights in at most `columns` columns, several to a column when they are many; how
 * many columns that takes. */
static int draw_bars(struct scene *c, int row, int column, int columns,
                     const double *weight, size_t n)
{
    size_t per = size_max(size_div_up(n, (size_t)columns), 1);
    double top = 0;
    for (size_t i = 0; i < n; i++)
        top = fmax(top, weight[i]);
    for (size_t i = 0; i < n && top > 0; i += per) {
        double most = 0;
        for (size_t k = i; k < size_min(i + per, n); k++)
            most = fmax(most, weight[k]);
        double position = most / top;
        canvas_put(c->canvas, row, column + (int)(i / per),
                   heat_bar(c->v->display.glyphs, position < 0.04 ? 0 : position),
                   ROLE_VALUE, 0);
    }
    return (int)size_div_up(n, per);
}

void draw_relation(struct scene *c)
{
    struct rect area = c->layout.area[AREA_RELATION];
    char title[128];
    relation_title(c, title, sizeof title);
    draw_heading(c, c->layout.area[AREA_RELATION_HEADING], 0, title, false, "");
    if (!scene_has_gates(c)) {
        char hint[128];
        scene_waiting_text(c, "this window is not read yet", hint, sizeof hint);
        canvas_text(c->canvas, area.row, area.column + 1, area.columns - 1, ROLE_DIM, 0,
                    hint, strlen(hint));
        return;
    }
    size_t layers = c->window->layers, slots = scene_has_plan(c) ? c->window->slots : 0;
    double *weight = xcalloc(size_max(layers, slots), sizeof *weight);
    int room = (area.columns - 17) / 2, column = area.column;
    for (size_t l = 0; l < layers; l++)
        weight[l] = brush_layer(&c->brush, l);
    canvas_printf(c->canvas, area.row, column, 3, ROLE_LABEL, 0, "L0 ");
    column += 3 + draw_bars(c, area.row, column + 3, room, weight, layers);
    column +=
        canvas_printf(c->canvas, area.row, column, 8, ROLE_LABEL, 0, " L%zu", layers - 1);
    if (slots > 0) {
        for (size_t j = 0; j < slots; j++)
            weight[j] = brush_slot(&c->brush, c->window_index, j);
        int left = area.column + area.columns - column - 4 - 5;
        canvas_printf(c->canvas, area.row, column + 1, 4, ROLE_LABEL, 0, " s0 ");
        int used = draw_bars(c, area.row, column + 5, left, weight, slots);
        canvas_printf(c->canvas, area.row, column + 5 + used, 6, ROLE_LABEL, 0, " s%zu",
                      slots - 1);
    }
    free(weight);
}
