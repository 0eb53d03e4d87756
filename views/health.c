#include "views/health.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "views/brush.h"
#include "views/token_text.h"

/* Sums over the windows that are looked at. */
struct tally {
    const struct snapshot *s;
    size_t from, to; /* windows */
    size_t windows, tokens, slots, gated;
    double senders_off;
    double spread_sum, spread_max;
    size_t twins, at_floor, pairs, ascending;
    double entropy_sum;
    double *layer; /* [layers] sum of gates */
    size_t layers;
    struct source off_at, spread_at, twin_at, floor_at, order_at;
};

static struct source slot_source(size_t window, size_t slot)
{
    return (struct source){.kind = SOURCE_SLOT, .window = window, .slot = slot};
}

static double centre_of(const struct plan_ref *p, size_t slot)
{
    double sum = 0, total = 0;
    for (size_t t = 0; t < p->window->tokens; t++) {
        double share = plan_slot_share(p, t, slot);
        sum += share * (double)t;
        total += share;
    }
    return total > 0 ? sum / total : 0;
}

static void tally_slots(struct tally *y, size_t window, const struct plan_ref *p)
{
    double before = -1;
    for (size_t j = 0; j < p->window->slots; j++) {
        double spread = plan_spread(p, j), centre = centre_of(p, j);
        y->spread_sum += spread;
        if (spread > y->spread_max) {
            y->spread_max = spread;
            y->spread_at = slot_source(window, j);
        }
        if (p->window->twin && j + 1 < p->window->slots && p->window->twin[j] > 0.98f) {
            y->twins++;
            y->twin_at = slot_source(window, j);
        }
        if (j > 0) {
            y->pairs++;
            y->ascending += centre > before;
            if (centre <= before)
                y->order_at = slot_source(window, j);
        }
        before = centre;
    }
    y->slots += p->window->slots;
}

static void tally_tokens(struct tally *y, const struct plan_ref *p)
{
    const struct snapshot_window *w = p->window;
    double off = 0, worst = 0;
    for (size_t t = 0; t < w->tokens; t++) {
        double sent = 0, mass = (double)w->mass[t];
        for (size_t j = 0; j < w->slots; j++)
            sent += (double)p->plan[t * w->slots + j];
        off += fabs(sent - mass);
        struct source here = {.kind = SOURCE_TOKEN, .token = w->first + t};
        if (fabs(sent - mass) > worst) {
            worst = fabs(sent - mass);
            y->off_at = here;
        }
        /* A twentieth of the even share is what everyone gets. */
        if (mass * (double)w->tokens < 0.06) {
            y->at_floor++;
            y->floor_at = here;
        }
    }
    y->tokens += w->tokens;
    y->senders_off = fmax(y->senders_off, off);
}

static void tally_gates(struct tally *y, const struct snapshot_window *w)
{
    for (size_t t = 0; t < w->tokens; t++)
        for (size_t l = 0; l < w->layers && l < y->layers; l++) {
            double gate = (double)w->gate[t * w->layers + l];
            y->layer[l] += gate;
            y->entropy_sum -= gate > 0 ? gate * log2(gate) : 0;
        }
    y->gated += w->tokens;
}

static void make_tally(struct tally *y, const struct snapshot *s,
                       const struct view_state *v)
{
    size_t last = s->document->tokens - 1;
    size_t from = v->has_range ? v->range_from : v->token,
           to = v->has_range ? v->range_to : v->token;
    *y = (struct tally){.s = s, .layers = s->facts.layers + 1};
    y->layer = xcalloc(y->layers, sizeof *y->layer);
    y->from = snapshot_window_of(s, size_min(from, last));
    y->to = snapshot_window_of(s, size_min(to, last)) + 1;
    for (size_t i = y->from; i < y->to; i++) {
        const struct snapshot_window *w = s->window[i];
        if (w && w->has_gate)
            tally_gates(y, w);
        if (w && w->has_plan) {
            struct plan_ref p = {w, w->plan};
            tally_slots(y, i, &p);
            tally_tokens(y, &p);
            y->windows++;
        }
    }
}

/* ---- lines ------------------------------------------------------------------ */

struct report {
    struct health_line *lines;
    size_t n;
};

static struct health_line *new_line(struct report *r, const char *name, const char *why,
                                    bool ok, struct source worst)
{
    struct health_line *line = &r->lines[r->n++];
    *line = (struct health_line){.name = name, .why = why, .ok = ok, .worst = worst};
    return line;
}

static void plan_lines(const struct tally *y, struct report *r)
{
    double ratio = y->s->settings.ratio > 0 ? y->s->settings.ratio : 4;
    struct health_line *line =
        new_line(r, "senders off",
                 "Tokens must give away just their mass: more iterations help.",
                 y->senders_off <= PLAN_OFF_MOST, y->off_at);
    char off[16];
    text_add(line->value, sizeof line->value, "%s", plan_off_text(y->senders_off, off));
    text_add(line->normal, sizeof line->normal, "up to 1e-02");

    double mean = y->spread_sum / (double)y->slots;
    line =
        new_line(r, "spread", "Effective tokens in a slot: 1 is a copy, many are a blur.",
                 mean >= ratio / 2 && mean <= 4 * ratio, y->spread_at);
    text_add(line->value, sizeof line->value, "mean %.1f, max %.1f", mean, y->spread_max);
    text_add(line->normal, sizeof line->normal, "mean %.1f to %.0f", ratio / 2,
             4 * ratio);

    line = new_line(r, "twin slots",
                    "Neighbours that say the same (cosine over 0.98) waste room.",
                    y->twins == 0, y->twin_at);
    text_add(line->value, sizeof line->value, "%zu of %zu", y->twins, y->slots);
    text_add(line->normal, sizeof line->normal, "none");

    double floor = 100 * (double)y->at_floor / (double)y->tokens;
    line = new_line(r, "tokens at the mass floor",
                    "Tokens that may say nothing beyond the share that everyone gets.",
                    floor <= 10, y->floor_at);
    text_add(line->value, sizeof line->value, "%zu (%.0f%%)", y->at_floor, floor);
    text_add(line->normal, sizeof line->normal, "up to 10%%");

    double order = y->pairs ? 100 * (double)y->ascending / (double)y->pairs : 100;
    line = new_line(r, "order kept",
                    "The model reads slots as a text: their centres should ascend.",
                    order >= 90, y->order_at);
    text_add(line->value, sizeof line->value, "%.0f%%", order);
    text_add(line->normal, sizeof line->normal, "90%% or more");
}

static void gate_lines(const struct tally *y, struct report *r)
{
    double most = log2((double)size_max(y->layers, 2));
    double entropy = y->entropy_sum / (double)y->gated;
    struct health_line *line = new_line(
        r, "gate entropy",
        "At the top all layers are taken alike, near 0 one alone.",
        entropy >= 1 && entropy <= 0.97 * most, (struct source){.kind = SOURCE_NONE});
    text_add(line->value, sizeof line->value, "%.2f bits", entropy);
    text_add(line->normal, sizeof line->normal, "1.00 to %.2f of %.2f", 0.97 * most,
             most);

    size_t unused = 0;
    struct source least = {.kind = SOURCE_LAYER};
    for (size_t l = 0; l < y->layers; l++) {
        unused += y->layer[l] / (double)y->gated < 0.1 / (double)y->layers;
        if (y->layer[l] < y->layer[least.layer])
            least.layer = l;
    }
    line = new_line(r, "layers never used",
                    "Layers whose mean gate is below a tenth of even.",
                    unused <= y->layers / 2, least);
    text_add(line->value, sizeof line->value, "%zu of %zu", unused, y->layers);
    text_add(line->normal, sizeof line->normal, "up to %zu", y->layers / 2);
}

/* A slot is used when the answer's mean attention on it is half the even share. */
static void answer_line(const struct tally *y, struct report *r)
{
    const struct snapshot_answer *a = y->s->answer[ANSWER_COMPRESSED];
    size_t used = 0, best = 0;
    double best_share = 0;
    if (!a || !a->attention || a->tokens == 0 || a->sources == 0)
        return;
    for (size_t j = 0; j < a->sources; j++) {
        double share = 0;
        for (size_t i = 0; i < a->tokens; i++)
            share += (double)a->attention[i * a->sources + j] / (double)a->tokens;
        used += share * (double)a->sources >= 0.5;
        if (share > best_share) {
            best_share = share;
            best = j + a->source_first;
        }
    }
    size_t window = 0;
    while (window + 1 < y->s->windows && best >= window_slot_count(y->s, window))
        best -= window_slot_count(y->s, window++);
    struct health_line *line = new_line(
        r, "answer uses", "Slots that the answer looked at; one alone carries little.",
        used >= 2, slot_source(window, best));
    text_add(line->value, sizeof line->value, "%zu of %zu slot%s", used, a->sources,
             text_plural(a->sources));
    text_add(line->normal, sizeof line->normal, "2 or more");
}

size_t health_compute(const struct snapshot *s, const struct view_state *v,
                      struct health_line lines[HEALTH_LINES])
{
    struct report r = {lines, 0};
    struct tally y;
    if (!s->document || s->document->tokens == 0 || s->windows == 0)
        return 0;
    make_tally(&y, s, v);
    if (y.windows > 0)
        plan_lines(&y, &r);
    if (y.gated > 0)
        gate_lines(&y, &r);
    if (r.n > 0)
        answer_line(&y, &r);
    free(y.layer);
    return r.n;
}
