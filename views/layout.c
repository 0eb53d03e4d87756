#include "views/layout.h"

#include <string.h>

#include "engine/base/size.h"
#include "views/answers.h"
#include "views/caption.h"

/* Row budget of the wide screen. */
enum {
    GATES_ROWS = 6,
    GATES_LEAST = 3,
    ANSWERS_ROWS = 7, /* with their heading */
    ANSWERS_LEAST = 4,
    ANSWERS_MOST = 12,
    RIGHT_COLUMNS = 64 + GRID_LABEL + GRID_BARS + GRID_FRAME,
    RIGHT_COLUMNS_FULL = 128 + GRID_LABEL + GRID_BARS + GRID_FRAME,
    LEFT_LEAST = 36,
    TOKEN_TEXT_ROWS = 8, /* of upright token text under a plan */
    TEXT_LEAST = 3,      /* of the document below a zoomed plan, with its heading */
    LAYOUT_ROWS_MOST = 1000,
    STRIP_COLUMNS = 120  /* from which the settings strip is one row */
};

static int clamp_int(int x, int low, int high)
{
    return x < low ? low : x > high ? high : x;
}

static enum layout_kind kind_of(int rows, int columns, enum arrangement arrangement)
{
    int wide_rows = arrangement == ARRANGE_WIDE ? LAYOUT_WIDE_ROWS_LEAST : LAYOUT_WIDE_ROWS;
    if (columns >= LAYOUT_WIDE_COLUMNS && rows >= wide_rows && arrangement != ARRANGE_NARROW)
        return LAYOUT_WIDE;
    if (columns >= LAYOUT_NARROW_COLUMNS && rows >= LAYOUT_NARROW_ROWS)
        return LAYOUT_NARROW;
    if (columns >= LAYOUT_TINY_COLUMNS && rows >= LAYOUT_TINY_ROWS)
        return LAYOUT_TINY;
    return LAYOUT_NOTICE;
}

static int strip_rows(const struct layout_input *in, int columns)
{
    return !in->strip ? 0 : columns < STRIP_COLUMNS ? 2 : 1;
}

/* Hands out rows of a column of the screen from the top. */
struct stack {
    struct layout *layout;
    struct rect rest;
};

static void take(struct stack *stack, enum area area, int rows)
{
    rows = clamp_int(rows, 0, stack->rest.rows);
    if (rows == 0)
        return;
    struct rect r = stack->rest;
    r.rows = rows;
    stack->layout->area[area] = r;
    stack->rest.row += rows;
    stack->rest.rows -= rows;
}

/* Gates, plan, token text under it and answers share what is left after the fixed rows. */
struct budget {
    int gates, plan, text, answers;
};

static int shrink(int *rows, int least, int missing)
{
    int given = clamp_int(*rows - least, 0, missing);
    *rows -= given;
    return missing - given;
}

static int grow(int *rows, int most, int extra)
{
    int taken = clamp_int(most - *rows, 0, extra);
    *rows += taken;
    return extra - taken;
}

/* Rows that layers fill, a whole number of pairs of them in each: the rest would stay empty. */
static int filled_rows(int rows, int layers)
{
    int per_row = 2 * ((layers + 2 * rows - 1) / (2 * rows));
    return layers <= rows ? rows : (layers + per_row - 1) / per_row;
}

static struct budget budget_rows(const struct layout_input *in, int available)
{
    int layers = (int)size_min(in->layers ? in->layers : 31, 512);
    int slots = (int)size_min(in->slots ? in->slots : 32, 512);
    int gates_most = (layers + 1) / 2;
    struct budget b = {clamp_int(GATES_ROWS, 1, gates_most), (slots + 1) / 2, 0, ANSWERS_ROWS};
    int extra = available - b.gates - b.plan - b.answers;
    if (extra < 0) {
        int missing = shrink(&b.gates, GATES_LEAST, -extra);
        missing = shrink(&b.answers, ANSWERS_LEAST, missing);
        shrink(&b.plan, 1, missing);
        return b;
    }
    extra = grow(&b.gates, gates_most, extra);
    extra += b.gates - filled_rows(b.gates, layers);
    b.gates = filled_rows(b.gates, layers);
    /* One row a slot, but only when all of them fit. */
    if (extra >= slots - b.plan)
        extra = grow(&b.plan, slots, extra);
    extra = grow(&b.answers, ANSWERS_MOST, extra);
    extra = grow(&b.text, TOKEN_TEXT_ROWS, extra);
    b.answers += extra;
    return b;
}

static void lay_bottom(struct layout *layout, struct rect *screen, int keys, int prompt)
{
    struct stack bottom = {layout, *screen};
    int rows = 1 + keys + prompt;
    bottom.rest.row += screen->rows - rows;
    bottom.rest.rows = rows;
    screen->rows -= rows;
    take(&bottom, AREA_STATUS, 1);
    take(&bottom, AREA_KEYS, keys);
    take(&bottom, AREA_PROMPT, prompt);
}

static void lay_wide(const struct layout_input *in, struct layout *layout,
                     struct rect screen)
{
    int right = RIGHT_COLUMNS;
    if (in->columns >= LEFT_LEAST + RIGHT_COLUMNS_FULL &&
        (in->window == 0 || in->window > 64))
        right = RIGHT_COLUMNS_FULL;
    int strip = strip_rows(in, right);
    struct budget b = budget_rows(in, screen.rows - 4 - strip);
    struct rect body = screen;
    body.rows = screen.rows - b.answers;

    struct stack left = {layout, body};
    left.rest.columns = in->columns - right;
    take(&left, AREA_DOCUMENT_HEADING, 1);
    take(&left, AREA_DOCUMENT, body.rows - 1);

    struct stack middle = {layout, body};
    middle.rest.column = in->columns - right;
    middle.rest.columns = right;
    take(&middle, AREA_GATES_HEADING, 1);
    take(&middle, AREA_GATES, b.gates);
    take(&middle, AREA_PLAN_HEADING, 1);
    take(&middle, AREA_STRIP, strip);
    int mass = in->turned ? 0 : 1; /* a turned plan has it beside its tokens */
    take(&middle, AREA_MASS, mass);
    take(&middle, AREA_PLAN, in->turned ? b.plan + 2 + b.text : b.plan);
    take(&middle, AREA_AXIS, in->turned ? 0 : 1 + b.text);

    struct stack below = {layout, screen};
    below.rest.row += body.rows;
    below.rest.rows = b.answers;
    take(&below, AREA_ANSWERS_HEADING, 1);
    take(&below, AREA_ANSWERS, b.answers - 1);
}

/* Of `rows`, those that slots or layers fill: one each, or as many in a row as make them fit (two,
 * and the rest scrolls, where not all are to be seen). */
static int fitting_rows(int rows, int n, bool all)
{
    int pairs = all ? (n + 2 * rows - 1) / (2 * rows) : 1;
    int needed = n <= rows ? n : (n + 2 * pairs - 1) / (2 * pairs);
    return needed < rows ? needed : rows;
}

/* Rows of `n` with a cell for each value: mass, axis and token text go with them. */
static int cell_rows(int rows, int n)
{
    rows -= 2 + clamp_int(rows / 4, 1, TOKEN_TEXT_ROWS);
    return rows < n ? rows : n;
}

/* Rows of the zoomed plan: mass and axis go with it. */
static int plan_rows(const struct layout_input *in, int rows)
{
    int slots = (int)size_min(in->slots ? in->slots : 32, 512), plan = rows - 2;
    if (!in->zoomed || in->zoom_level == 0)
        return fitting_rows(plan, slots, in->zoomed);
    return cell_rows(rows, slots);
}

/* Rows of the gates: sender mass and axis go with them where they leave room for those, or show
 * several layers a row anyway. */
static int gates_rows(const struct layout_input *in, int rows)
{
    int layers = (int)size_min(in->layers ? in->layers : 31, 512);
    bool alone = !in->zoomed || layers <= rows;
    if (in->zoomed && in->zoom_level > 0)
        return cell_rows(rows, layers);
    return fitting_rows(alone ? rows : rows - 2, layers, true);
}

/* The text, in rows that the pane above cannot fill. */
static void lay_text(struct stack *stack)
{
    take(stack, AREA_DOCUMENT_HEADING, 1);
    take(stack, AREA_DOCUMENT, stack->rest.rows);
}

/* One pane in all of the space. */
static void lay_pane(const struct layout_input *in, struct layout *layout,
                     struct rect space)
{
    static const enum area whole[PANE_COUNT] = {AREA_DOCUMENT, AREA_GATES, AREA_PLAN,
                                                AREA_ANSWERS};
    struct stack stack = {layout, space};
    take(&stack, AREA_STRIP, clamp_int(strip_rows(in, space.columns), 0, space.rows / 3));
    int rows = stack.rest.rows;
    bool numbers = in->zoomed && in->zoom_level >= 2;
    bool plan = in->focus == PANE_PLAN && !in->turned && !numbers;
    bool gates = in->focus == PANE_GATES && (in->gate_bars || !numbers);
    int answers = in->zoomed && in->focus == PANE_ANSWERS ? ANSWER_MODES * in->answer_rows : 0;
    if (answers && rows - answers >= TEXT_LEAST) {
        take(&stack, AREA_ANSWERS, answers);
        lay_text(&stack);
        return;
    }
    if ((!plan && !gates) || rows < 4) {
        take(&stack, whole[in->focus], rows);
        return;
    }
    int cells = plan ? plan_rows(in, rows) : gates_rows(in, rows);
    take(&stack, AREA_MASS, rows - cells >= 2 ? 1 : 0);
    take(&stack, whole[in->focus], cells);
    take(&stack, AREA_AXIS, clamp_int(stack.rest.rows, 0, 1 + TOKEN_TEXT_ROWS));
    if (!in->zoomed || stack.rest.rows < TEXT_LEAST)
        return;
    lay_text(&stack);
}

static void lay_zoomed(const struct layout_input *in, struct layout *layout,
                       struct rect screen)
{
    static const enum area heading[PANE_COUNT] = {AREA_DOCUMENT_HEADING,
                                                  AREA_GATES_HEADING, AREA_PLAN_HEADING,
                                                  AREA_ANSWERS_HEADING};
    struct stack stack = {layout, screen};
    take(&stack, heading[in->focus], 1);
    lay_pane(in, layout, stack.rest);
}

static void lay_narrow(const struct layout_input *in, struct layout *layout,
                       struct rect screen)
{
    struct stack stack = {layout, screen};
    take(&stack, AREA_TABS, 1);
    int relation = in->focus == PANE_DOCUMENT ? 1 : 0;
    int summary = in->focus == PANE_DOCUMENT ? 3 : in->focus == PANE_ANSWERS ? 0 : 1;
    struct rect pane = stack.rest;
    pane.rows -= 2 * relation + summary;
    lay_pane(in, layout, pane);
    stack.rest.row += pane.rows;
    stack.rest.rows -= pane.rows;
    take(&stack, AREA_RELATION_HEADING, relation);
    take(&stack, AREA_RELATION, relation);
    take(&stack, AREA_SUMMARY, summary);
}

struct layout layout_compute(const struct layout_input *in)
{
    struct layout layout = {.kind = kind_of(in->rows, in->columns, in->arrangement)};
    struct rect screen = {0, 0, in->rows, in->columns};
    if (layout.kind == LAYOUT_NOTICE) {
        if (in->rows > 0 && in->columns > 0)
            layout.area[AREA_NOTICE] = screen;
        return layout;
    }
    int prompt = clamp_int(in->prompt_rows, 1, LAYOUT_PROMPT_ROWS);
    lay_bottom(&layout, &screen, layout.kind == LAYOUT_NARROW ? 1 : 0, prompt);
    struct stack top = {&layout, screen};
    if (layout.kind != LAYOUT_TINY)
        take(&top, AREA_TITLE, 1);
    if (layout.kind == LAYOUT_TINY) {
        take(&top, AREA_TABS, 1);
        lay_pane(in, &layout, top.rest);
    } else if (in->zoomed) {
        lay_zoomed(in, &layout, top.rest);
    } else if (layout.kind == LAYOUT_NARROW) {
        lay_narrow(in, &layout, top.rest);
    } else {
        lay_wide(in, &layout, top.rest);
    }
    return layout;
}

static int count_lines(const char *text)
{
    int lines = 1;
    for (; text && *text; text++)
        lines += *text == '\n';
    return lines;
}

/* Rows that the longest of the answers takes with its heading, times and last line; lines break at
 * words, so that they hold less than their columns. */
static int answer_rows(const struct snapshot *s, int columns)
{
    int most = ANSWER_ROWS_WITH_LAST;
    size_t width = size_max(4, (size_t)columns * 3 / 4);
    for (int m = 0; m < ANSWER_MODES; m++) {
        const struct snapshot_answer *a = s->answer[m];
        const char *text = !a ? NULL : a->state == ANSWER_FAILED ? a->error : a->text;
        int rows = ANSWER_ROWS_AROUND;
        for (; text && *text && rows < LAYOUT_ROWS_MOST; rows++) {
            size_t line = strcspn(text, "\n");
            rows += (int)size_min(line / width, LAYOUT_ROWS_MOST);
            text += line + (text[line] == '\n');
        }
        most = rows > most ? rows : most;
    }
    return most;
}

struct layout_input layout_input_of(const struct snapshot *s, const struct view_state *v)
{
    return (struct layout_input){
        .rows = v->rows - caption_rows(v),
        .columns = v->columns,
        .arrangement = v->arrangement,
        .focus = v->focus,
        .zoomed = v->zoomed,
        .turned = v->turned,
        .zoom_level = v->zoom_level,
        .gate_bars = v->value[PANE_GATES] == VALUE_ENTROPY,
        .strip = v->strip_open,
        .prompt_rows = v->prompt_open ? count_lines(v->prompt_text) : 1,
        .layers = s->facts.layers ? s->facts.layers + 1 : 0,
        .slots = s->settings.slots_per_window,
        .window = s->settings.window,
        .answer_rows = answer_rows(s, v->columns),
    };
}

struct grid_columns layout_grid(struct rect area)
{
    struct grid_columns g;
    g.label = area.column + 1;
    g.cells = g.label + GRID_LABEL + 1;
    g.n_cells = area.columns - GRID_LABEL - GRID_BARS - GRID_FRAME;
    g.mark = g.cells + g.n_cells;
    g.bars = g.mark + 1;
    return g;
}
