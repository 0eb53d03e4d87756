/* The right side of the Train screen: gates and plan of the probe document as they
 * were at a step, and what is said from its slots. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/size.h"
#include "views/plan.h"
#include "views/screens.h"

enum { LABEL_COLUMNS = 5, FRAME_SIDE = 0x2502 };

const struct training_probe *train_probe(const struct scene *c)
{
    const struct training *t = c->v->train.run;
    if (!t || t->n_probes == 0)
        return NULL;
    return &t->probes[size_min(c->v->train.probe, t->n_probes - 1)];
}

/* A table as heat, pooled into the rows and columns of the area. */
struct table {
    struct heat_source source;
    bool sum;
    char letter; /* of the labels: L, s */
    bool upwards; /* row 0 at the bottom */
};

static void draw_table(struct scene *c, struct rect area, const struct table *table)
{
    struct heat_source source = table->source;
    int cells = area.columns - LABEL_COLUMNS;
    if (cells < 1 || area.rows < 1 || source.tokens == 0 || source.rows == 0)
        return;
    size_t per_cell = heat_tokens_per_cell(source.tokens, (size_t)cells);
    size_t per_row = size_div_up(source.rows, (size_t)area.rows);
    struct heat_grid grid;
    heat_grid_pool(&grid, &source, per_cell, per_row, table->sum);
    struct heat_scale scale = heat_auto_scale(&grid, SCALE_SQRT, (double)NAN, (double)NAN);
    for (size_t r = 0; r < grid.rows; r++) {
        size_t line = table->upwards ? grid.rows - 1 - r : r;
        int row = area.row + (int)r;
        char label[16];
        snprintf(label, sizeof label, "%c%zu", table->letter, line * per_row);
        canvas_printf(c->canvas, row, area.column, LABEL_COLUMNS - 1, ROLE_LABEL, 0, "%*s",
                      LABEL_COLUMNS - 1, label);
        canvas_put(c->canvas, row, area.column + LABEL_COLUMNS - 1, FRAME_SIDE, ROLE_FRAME, 0);
        for (size_t x = 0; x < grid.columns && (int)x < cells; x++)
            paint_heat_one(c, row, area.column + LABEL_COLUMNS + (int)x,
                           heat_position(&scale, heat_at(&grid, line, x)), 1);
    }
    heat_grid_free(&grid);
}

/* Share of neighbouring slots whose centres of mass ascend. */
static double order_kept(const struct plan_ref *p)
{
    const struct snapshot_window *w = p->window;
    double before = -1;
    size_t kept = 0;
    for (size_t j = 0; j < w->slots; j++) {
        double centre = 0;
        for (size_t t = 0; t < w->tokens; t++)
            centre += (double)t * plan_slot_share(p, t, j);
        kept += j > 0 && centre > before;
        before = centre;
    }
    return w->slots > 1 ? (double)kept / (double)(w->slots - 1) : 1;
}

static void health_line(struct scene *c, struct rect area, const struct snapshot_window *w)
{
    struct plan_ref plan = {w, w->plan};
    struct parts parts = {.limit = area.columns - 2};
    double spread = 0, top = 0;
    for (size_t j = 0; j < w->slots; j++)
        spread += plan_spread(&plan, j) / (double)w->slots;
    for (size_t l = 0; l < w->layers; l++) {
        double mean = 0;
        for (size_t t = 0; t < w->tokens; t++)
            mean += (double)w->gate[t * w->layers + l] / (double)w->tokens;
        top = fmax(top, mean);
    }
    double order = order_kept(&plan), ratio = (double)w->tokens / (double)w->slots;
    bool balanced = (double)w->row_error[w->iters] <= PLAN_OFF_MOST;
    bool ok = balanced && order >= 0.9 && spread >= ratio / 2 && spread <= 4 * ratio;
    parts_add(&parts, ok ? "health ok" : "health: look");
    parts_add(&parts, "spread %.1f tok", spread);
    parts_add(&parts, "order kept %.0f %%", 100 * order);
    if (!balanced)
        parts_add(&parts, "not converged");
    parts_add(&parts, "largest gate %.0f %%", 100 * top);
    canvas_text(c->canvas, area.row, area.column + 1, area.columns - 1, ROLE_TEXT, 0, parts.text,
                strlen(parts.text));
}

void train_draw_probe(struct scene *c, struct rect area)
{
    static const char keys[] = "⁅,⁆/⁅.⁆ earlier, later   ⁅p⁆ play   ⁅Enter⁆ explore it";
    const struct training_probe *probe = train_probe(c);
    if (!probe || !probe->window || area.rows < 4) {
        draw_hint(c, area, probe && probe->loaded ? "this look at the probe cannot be read"
                           : "no looks at a probe in this run");
        return;
    }
    const struct snapshot_window *w = probe->window;
    int rows = area.rows - 1 - (area.rows > 8), gates = rows / 3;
    struct rect upper = area, lower = area;
    upper.rows = gates;
    lower.row += gates;
    lower.rows = rows - gates;
    struct table gate = {{w->gate, w->tokens, w->layers, w->layers, 1}, false, 'L', true};
    struct table plan = {{w->plan, w->tokens, w->slots, w->slots, 1}, true, 's', false};
    draw_table(c, upper, &gate);
    draw_table(c, lower, &plan);
    struct rect below = area;
    below.row += rows;
    health_line(c, below, w);
    if (area.rows > 8)
        canvas_printf(c->canvas, below.row + 1, area.column + 1, area.columns - 1, ROLE_DIM, 0,
                      "%s", key_text(c->v, keys).text);
}

enum { LEAD = 7, ROOMY_ROWS = 13 };

/* "  400  the moor was drained": on one row where all of them would not fit on two. */
static int said(struct scene *c, struct rect area, int row, const char *lead, const char *text,
                enum canvas_role role)
{
    if (row >= area.rows)
        return row;
    canvas_printf(c->canvas, area.row + row, area.column, LEAD, ROLE_LABEL, 0, "%*s ", LEAD - 1,
                  lead);
    int rows = area.rows < ROOMY_ROWS || area.rows - row < 2 ? 1 : 2;
    struct rect rest = {area.row + row, area.column + LEAD, rows, area.columns - LEAD - 1};
    int used = screen_wrapped(c, rest, role, 0, text);
    return row + (used ? used : 1);
}

static int said_at(struct scene *c, struct rect area, int row, size_t step, const char *text,
                   enum canvas_role role)
{
    char lead[24];
    snprintf(lead, sizeof lead, "%zu", step);
    return said(c, area, row, lead, text, role);
}

/* An answer, its score at the right. */
static int said_score(struct scene *c, struct rect area, int row, const struct training_probe *p,
                      enum canvas_role role)
{
    enum { SCORE = 9 };
    struct rect left = area;
    left.columns -= SCORE;
    if (p->f1 >= 0 && row < area.rows)
        canvas_printf(c->canvas, area.row + row, left.column + left.columns, SCORE - 1, role, 0,
                      "F1 %.2f", p->f1);
    return said_at(c, left, row, p->step, p->answer ? p->answer : "", role);
}

/* The words before the place where the model goes on: as many as fit. */
static int said_before(struct scene *c, struct rect area, const char *text)
{
    char line[192];
    int room = (area.columns - LEAD - 1) * (area.rows < ROOMY_ROWS ? 1 : 2) - 5;
    while (*text && text_columns(text) > room)
        text += strcspn(text + 1, " ") + 1;
    snprintf(line, sizeof line, "\"...%s\"", text + strspn(text, " "));
    return said(c, area, 0, "go on", line, ROLE_DIM);
}

void train_draw_samples(struct scene *c, struct rect area)
{
    const struct training *t = c->v->train.run;
    const struct training_probe *now = train_probe(c);
    if (!now || !now->said) {
        draw_hint(c, area, "no samples of this run");
        return;
    }
    const struct training_probe *before = now > t->probes ? now - 1 : NULL;
    int row = said_before(c, area, t->probe_lead);
    if (before && before->said)
        row = said_at(c, area, row, before->step, before->said, ROLE_TEXT);
    row = said_at(c, area, row, now->step, now->said, ROLE_VALUE);
    if (t->probe_text[0])
        row = said(c, area, row, "text", t->probe_text, ROLE_DIM);
    if (!now->answer)
        return;
    row = said(c, area, row, "ask", t->probe_question, ROLE_DIM);
    for (const struct training_probe *p = before ? before : now; p <= now; p++)
        row = said_score(c, area, row, p, p == now ? ROLE_VALUE : ROLE_TEXT);
}
