/* What was changed by hand, in words for the heading of the plan. */
#include "views/edits.h"

#include <stdio.h>

enum { EDITS_NAMED = 3 };

/* A list of which only the first few are named. */
struct edit_list {
    size_t count, named;
    char text[160];
};

static bool next_name(struct edit_list *list)
{
    if (list->count++ >= EDITS_NAMED)
        return false;
    if (list->named++)
        text_add(list->text, sizeof list->text, ", ");
    return true;
}

static void add_slots(const struct scene *c, struct edit_list *list)
{
    const struct view_state *v = c->v;
    size_t all = window_slot_first(c->s, c->s->windows), off = 0;
    for (size_t j = 0; v->muted_any && j < v->muted_count && j < all; j++)
        off += v->muted[j];
    bool only_one = off > 1 && off + 1 == all;
    for (size_t w = 0, index = 0; w < c->s->windows && off > 0; w++)
        for (size_t j = 0, n = window_slot_count(c->s, w); j < n; j++, index++) {
            char name[48];
            bool muted = index < v->muted_count && v->muted[index];
            if (muted == only_one || !next_name(list))
                continue;
            slot_name(c, w, j, name, sizeof name);
            text_add(list->text, sizeof list->text, only_one ? "only %s" : "%s off", name);
        }
}

static void add_tokens(const struct scene *c, struct edit_list *list)
{
    for (size_t i = 0; i < c->v->n_token_edits; i++) {
        const struct token_edit *edit = &c->v->token_edits[i];
        char name[64];
        if (edit->token >= c->document->tokens || !next_name(list))
            continue;
        token_label(c->document, edit->token, TOKEN_TRIMMED, name, sizeof name);
        text_add(list->text, sizeof list->text, "\"%s\" x%.3g", name, edit->factor);
    }
}

static void add_layers(const struct scene *c, struct edit_list *list)
{
    size_t layers = c->window ? c->window->layers : c->s->facts.layers + 1, off = 0;
    for (size_t l = 0; l < layers; l++)
        off += scene_layer_off(c, l);
    bool only_one = off > 1 && off + 1 == layers;
    for (size_t l = 0; l < layers && off > 0; l++)
        if (scene_layer_off(c, l) != only_one && next_name(list))
            text_add(list->text, sizeof list->text, only_one ? "only L%zu" : "L%zu off", l);
}

/* Parts of the method that were taken out. */
static void add_parts(const struct scene *c, struct edit_list *list)
{
    char shuffled[40] = "shuffled spans";
    const struct {
        bool on;
        const char *name;
    } parts[] = {{c->v->even_mass, "even mass"},
                 {c->v->mean_pooling, "means of home spans"},
                 {c->v->shuffled, shuffled}};
    if (c->v->shuffle_seed)
        snprintf(shuffled, sizeof shuffled, "shuffled spans %u", c->v->shuffle_seed);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].on && next_name(list))
            text_add(list->text, sizeof list->text, "%s", parts[i].name);
}

static struct edit_list list_edits(const struct scene *c)
{
    struct edit_list list = {0};
    add_parts(c, &list);
    add_slots(c, &list);
    add_tokens(c, &list);
    add_layers(c, &list);
    return list;
}

void edits_text(const struct scene *c, char *out, size_t size)
{
    struct edit_list list = list_edits(c);
    out[0] = '\0';
    if (list.count > 0)
        text_add(out, size, "%zu edit%s: %s%s%s", list.count, list.count > 1 ? "s" : "", list.text,
                 list.count > list.named ? " ..." : "", c->v->rebalanced ? ", balanced anew" : "");
}

bool scene_layer_off(const struct scene *c, size_t layer)
{
    return c->v->layer_off && layer < c->v->n_layer_off && c->v->layer_off[layer];
}

bool scene_token_edited(const struct scene *c, size_t token)
{
    size_t low = 0, high = c->v->n_token_edits;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c->v->token_edits[middle].token < token)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->v->n_token_edits && c->v->token_edits[low].token == token;
}

void view_edits_text(const struct snapshot *s, const struct view_state *v, char *out, size_t size)
{
    struct scene scene;
    scene_init(&scene, s, v, NULL);
    out[0] = '\0';
    if (scene.document)
        edits_text(&scene, out, size);
    scene_free(&scene);
}

size_t view_edits_count(const struct snapshot *s, const struct view_state *v)
{
    struct scene scene;
    size_t count;
    scene_init(&scene, s, v, NULL);
    count = scene.document ? list_edits(&scene).count : 0;
    scene_free(&scene);
    return count;
}
