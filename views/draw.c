/* The whole screen. */
#include <stdio.h>
#include <string.h>

#include "views/caption.h"
#include "views/compare.h"
#include "views/gates.h"
#include "views/glyphs.h"
#include "views/plan.h"
#include "views/scene.h"
#include "views/screens.h"
#include "views/speech.h"

static void draw_notice(struct scene *c)
{
    struct rect area = c->layout.area[AREA_NOTICE];
    char text[96];
    snprintf(text, sizeof text, "comprexit needs %dx%d, this is %dx%d",
             LAYOUT_TINY_COLUMNS, LAYOUT_TINY_ROWS, c->v->columns, c->v->rows);
    int columns = (int)strlen(text);
    int indent = columns < area.columns ? (area.columns - columns) / 2 : 0;
    canvas_text(c->canvas, area.row + (area.rows - 1) / 2, area.column + indent,
                area.columns - indent, ROLE_WARN, 0, text, (size_t)columns);
}

/* What the heading of the pane in front says on its right. */
static void tab_text(const struct scene *c, int limit, struct parts *parts)
{
    parts->limit = limit;
    if (c->layout.kind == LAYOUT_TINY && c->s->facts.untrained)
        parts_add(parts, "UNTRAINED");
    switch (c->v->focus) {
    case PANE_DOCUMENT:
        if (c->document->ids)
            parts_add(parts, c->layout.kind == LAYOUT_TINY ? "%zu/%zu" : "token %zu of %zu",
                      c->token, c->document->tokens);
        else
            parts_add(parts, "no tokens yet");
        break;
    case PANE_GATES:
        if (scene_has_gates(c))
            parts_add(parts, "mean entropy %.2f bits", gate_mean_entropy_bits(c->window));
        break;
    case PANE_PLAN:
        plan_heading_text(c, limit, parts);
        break;
    default:
        break;
    }
}

/* The names of the panes, the one in front in brackets. */
static void draw_tabs(struct scene *c)
{
    struct rect area = c->layout.area[AREA_TABS];
    bool tiny = c->layout.kind == LAYOUT_TINY;
    int columns = 0;
    char text[PANE_COUNT][32];
    for (int p = 0; p < PANE_COUNT; p++) {
        bool front = (int)c->v->focus == p;
        const char *lock = scene_is_locked(c, (enum pane)p) ? " *" : "";
        snprintf(text[p], sizeof text[p], front ? "%s[%s%s]" : "%s%s%s",
                 p && !tiny ? "  " : "", pane_name[p], lock);
        columns += front || !tiny ? text_columns(text[p]) : 0;
    }
    struct parts right = {0};
    tab_text(c, area.columns - columns - 11, &right);
    draw_heading(c, area, 0, "", false, right.text);
    int column = area.column + 3;
    canvas_printf(c->canvas, area.row, column - 1, columns + 2, ROLE_FRAME, 0, "%*s",
                  columns + 2, "");
    for (int p = 0; p < PANE_COUNT; p++) {
        bool front = (int)c->v->focus == p;
        if (tiny && !front)
            continue;
        column += canvas_text(c->canvas, area.row, column, area.columns - 3,
                              front ? ROLE_HEADING_FOCUS : ROLE_HEADING, 0, text[p],
                              strlen(text[p]));
    }
}

static void draw_explore(struct scene *c)
{
    if (scene_shows(c, AREA_TABS))
        draw_tabs(c);
    if (scene_shows(c, AREA_DOCUMENT))
        draw_document(c);
    if (scene_shows(c, AREA_GATES))
        draw_gates(c);
    if (scene_shows(c, AREA_PLAN))
        draw_plan(c);
    else if (scene_shows(c, AREA_STRIP))
        draw_strip(c);
    if (scene_shows(c, AREA_ANSWERS))
        draw_answers(c);
    if (scene_shows(c, AREA_RELATION))
        draw_relation(c);
    if (scene_shows(c, AREA_SUMMARY))
        draw_summary(c);
}

/* Is A to be seen where Explore shows B? Its edits are its own. */
static bool flickers(const struct snapshot *s, const struct view_state *state,
                     struct view_state *past)
{
    if (state->screen != SCREEN_EXPLORE || !state->compare_flicker || !state->pinned ||
        !compare_same_document(state->pinned, s))
        return false;
    *past = *state;
    past->muted_any = past->rebalanced = past->even_mass = false;
    past->mean_pooling = past->shuffled = past->plan_difference = false;
    past->muted_count = past->n_token_edits = past->n_layer_off = 0;
    return true;
}

/* The terminal's cursor is never parked somewhere: screen readers and magnifiers follow it.
 * Where nothing has one, it stands at the sentence that tells what there is. */
static void rest_cursor(const struct scene *c)
{
    struct canvas *canvas = c->canvas;
    if (canvas->cursor_row >= 0)
        return;
    canvas->cursor_row = c->layout.area[AREA_STATUS].row;
    canvas->cursor_column = canvas->columns > 1;
}

void view_draw(const struct snapshot *snapshot, const struct view_state *state,
               struct canvas *canvas)
{
    struct scene scene;
    struct view_state past;
    canvas_clear(canvas);
    if (flickers(snapshot, state, &past)) {
        snapshot = state->pinned;
        state = &past;
    }
    scene_init(&scene, snapshot, state, canvas);
    if (scene.layout.kind == LAYOUT_NOTICE) {
        if (scene_shows(&scene, AREA_NOTICE))
            draw_notice(&scene);
    } else if (state->speak) {
        draw_speech(&scene);
    } else {
        if (scene_shows(&scene, AREA_TITLE))
            draw_title(&scene);
        if (state->screen == SCREEN_EXPLORE && scene.document)
            draw_explore(&scene);
        else if (scene_compares(&scene))
            draw_compare(&scene);
        else if (screen_is_open(state))
            screen_draw(&scene);
        else
            draw_start(&scene);
        draw_overlay(&scene);
        draw_status(&scene);
        draw_prompt(&scene);
        draw_caption(&scene);
        rest_cursor(&scene);
        if (state->blank)
            canvas_clear(canvas);
    }
    if (state->display.glyphs == GLYPHS_ASCII)
        glyphs_to_ascii(canvas);
    scene_free(&scene);
}
