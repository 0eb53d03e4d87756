#include "views/speech.h"

#include <stdio.h>
#include <string.h>

#include "views/screens.h"

/* Is the screen in front a list of entries? */
static bool fills_screen(const struct scene *c)
{
    return c->v->screen == SCREEN_EXPLORE ? !c->document : !screen_is_open(c->v);
}

/* The line of a box or a list that is chosen, and where it stands among the others. */
static bool chosen_line(const struct scene *c, struct parts *parts)
{
    const struct view_state *v = c->v;
    bool list = v->overlay == OVERLAY_HELP || v->overlay == OVERLAY_COMMANDS ||
                v->overlay == OVERLAY_LOG || v->overlay == OVERLAY_DIALOG ||
                v->overlay == OVERLAY_PROBLEM || v->overlay == OVERLAY_START ||
                (v->overlay == OVERLAY_NONE && fills_screen(c));
    if (!list || v->overlay_at >= v->n_entries)
        return false;
    const struct list_entry *e = &v->entries[v->overlay_at];
    if (v->dialog_title && v->overlay == OVERLAY_DIALOG)
        parts_add(parts, "%s", v->dialog_title);
    parts_add(parts, "%s", e->label && e->label[0] ? e->label : e->detail);
    if (e->label && e->label[0] && e->detail && e->detail[0])
        parts_add(parts, "%s", e->detail);
    parts_add(parts, "%zu of %zu", v->overlay_at + 1, v->n_entries);
    return true;
}

static void sentence(const struct scene *c, struct parts *parts)
{
    char text[sizeof parts->text];
    if (c->v->message[0])
        parts_add(parts, "%s", c->v->message);
    else if (c->s->problem[0])
        parts_add(parts, "%s", c->s->problem);
    else if (!chosen_line(c, parts)) {
        view_status_text(c->s, c->v, text, sizeof text);
        parts_add(parts, "%s", text);
    }
    scene_waiting_text(c, "", text, sizeof text);
    if (text[0])
        parts_add(parts, "%s", text);
}

void draw_speech(struct scene *c)
{
    struct parts parts = {0};
    struct rect area = {0, 0, c->v->rows - 1, c->v->columns};
    sentence(c, &parts);
    screen_wrapped(c, area, ROLE_TEXT, 0, parts.text);
    c->canvas->cursor_row = c->canvas->cursor_column = 0;
    if (c->v->prompt_open)
        draw_prompt(c);
}
