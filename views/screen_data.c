/* The Data screen: the list of samples, one of them as the trainer sees it, and the
 * whole file in numbers. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "views/screens.h"

enum { LIST_COLUMNS = 59, FILE_ROWS = 2, TEXT_COLUMNS = 10, TOKEN_ROWS = 4 };
enum { RULE = 0x2500, SIDE = 0x2502, TEE_DOWN = 0x252c, TEE_UP = 0x2534 };
const char *const data_pane_name[DATA_PANES] = {"Samples", "Sample"};

static const struct samples *set_of(const struct scene *c)
{
    return c->v->data.set;
}

struct data_layout {
    struct rect list, sample, file; /* with a heading row each, but where there are tabs */
    bool tabs;
};

static struct data_layout data_layout(const struct scene *c)
{
    struct data_layout l = {0};
    struct rect body = screen_body(c);
    int file = c->layout.kind == LAYOUT_TINY     ? 0
               : c->layout.kind == LAYOUT_NARROW ? 2
                                                 : FILE_ROWS + 1;
    l.file = body;
    l.file.row = body.row + body.rows - file;
    l.file.rows = file;
    body.rows -= file;
    if (c->layout.kind != LAYOUT_WIDE) {
        l.tabs = true;
        if (c->v->data.focus == DATA_LIST)
            l.list = body;
        else
            l.sample = body;
        return l;
    }
    l.list = l.sample = body;
    l.list.columns = LIST_COLUMNS + (body.columns - 120) / 2;
    l.sample.column += l.list.columns;
    l.sample.columns -= l.list.columns;
    return l;
}

/* ---- list --------------------------------------------------------------------- */

/* Columns of the table that a kind of sample and a width have; the text takes the rest. */
enum list_form { LIST_QUESTIONS, LIST_QUESTIONS_SHORT, LIST_BLOCKS };
static const struct {
    const char *heading, *text;
} list_form[] = {
    [LIST_QUESTIONS] = {"     #  context      cut  query  answer  counted", "question"},
    [LIST_QUESTIONS_SHORT] = {"     # context     cut counts", "question"},
    [LIST_BLOCKS] = {"     #  context  counted", "begins with"},
};

static enum list_form form_of(const struct scene *c, struct rect area)
{
    return !set_of(c)->questions ? LIST_BLOCKS
           : area.columns >= 50  ? LIST_QUESTIONS
                                 : LIST_QUESTIONS_SHORT;
}

static void draw_numbers(struct scene *c, int row, int column, enum list_form form, size_t index)
{
    const struct samples_row *r = &set_of(c)->rows[index];
    enum canvas_role role = index == c->v->data.at ? ROLE_VALUE : ROLE_TEXT;
    int columns = text_columns(list_form[form].heading);
    size_t context = r->context + (r->cut_characters ? 0 : r->cut);
    char cut[24];
    snprintf(cut, sizeof cut, "%zu%s", r->cut, r->cut_characters ? "c" : "");
    if (form == LIST_BLOCKS)
        canvas_printf(c->canvas, row, column, columns, role, 0, "%6zu %8zu %8zu", index, context,
                      r->counted);
    else if (form == LIST_QUESTIONS)
        canvas_printf(c->canvas, row, column, columns, role, 0, "%6zu %8zu %8s %6zu %7zu %8zu",
                      index, context, cut, r->query, r->answer, r->counted);
    else
        canvas_printf(c->canvas, row, column, columns, role, 0, "%6zu %7zu %7s %6zu", index,
                      context, cut, r->counted);
}

static void draw_row(struct scene *c, struct rect area, int row, size_t index)
{
    const struct samples_row *r = &set_of(c)->rows[index];
    enum list_form form = form_of(c, area);
    int column = area.column + 3, end = area.column + area.columns - 1;
    int text = column + text_columns(list_form[form].heading) + 2;
    bool chosen = index == c->v->data.at;
    scene_offer_hit(c, (struct rect){row, area.column, 1, area.columns},
                    (struct view_hit){.kind = HIT_SAMPLE, .entry = index});
    if (chosen)
        canvas_put(c->canvas, row, area.column + 1, '>', ROLE_MARK, ATTR_BOLD);
    if (r->bad) {
        canvas_printf(c->canvas, row, column, end - column, ROLE_WARN, 0, "bad line %zu: %s",
                      r->line, r->text);
        return;
    }
    draw_numbers(c, row, column, form, index);
    if (end - text >= TEXT_COLUMNS)
        canvas_text(c->canvas, row, text, end - text, chosen ? ROLE_VALUE : ROLE_TEXT, 0, r->text,
                    strlen(r->text));
}

static void draw_list_heading(struct scene *c, struct rect area)
{
    const char *numbers = list_form[form_of(c, area)].heading;
    const char *words = list_form[form_of(c, area)].text;
    int column = area.column + 3, end = area.column + area.columns - 1;
    int text = column + text_columns(numbers) + 2;
    canvas_text(c->canvas, area.row, column, end - column, ROLE_LABEL, 0, numbers,
                strlen(numbers));
    if (end - text >= TEXT_COLUMNS)
        canvas_text(c->canvas, area.row, text, end - text, ROLE_LABEL, 0, words, strlen(words));
}

static void draw_list(struct scene *c, struct rect area)
{
    const struct samples *s = set_of(c);
    const char *filter = c->v->data.filter;
    draw_list_heading(c, area);
    int rows = area.rows - 1;
    size_t top = c->v->data.at;
    if (s->n_rows == 0 || rows < 1)
        return;
    /* the chosen row stands in the middle, where there is something above */
    for (int i = 0; i < rows / 2 && top > 0; i++) {
        size_t back = samples_row_next(s, top - 1, -1, filter);
        if (back == SIZE_MAX)
            break;
        top = back;
    }
    int row = area.row + 1;
    for (size_t at = samples_row_next(s, top, 1, filter); rows > 0 && at != SIZE_MAX;
         at = samples_row_next(s, at + 1, 1, filter), rows--)
        draw_row(c, area, row++, at);
    if (row == area.row + 1)
        draw_hint(c, area, "nothing passes the filter");
}

/* ---- sample ------------------------------------------------------------------- */

static void paragraph(struct scene *c, struct rect *area, enum canvas_role role, unsigned attr,
                      const char *text)
{
    int used = screen_wrapped(c, *area, role, attr, text);
    area->row += used;
    area->rows -= used;
}

static void skip_row(struct rect *area)
{
    area->row++;
    area->rows--;
}

/* [context: 512 of 689 tokens kept, 177 cut from the left], and how that begins. */
static void draw_cut(struct scene *c, struct rect *area, const struct samples_row *r,
                     const struct samples_text *t)
{
    char text[200];
    if (!r->cut)
        snprintf(text, sizeof text, "[context: %zu token%s]", r->context,
                 text_plural(r->context));
    else if (r->cut_characters)
        snprintf(text, sizeof text,
                 "[context: %zu token%s kept, %zu character%s cut from the left]", r->context,
                 text_plural(r->context), r->cut, text_plural(r->cut));
    else
        snprintf(text, sizeof text, "[context: %zu of %zu tokens kept, %zu cut from the left]",
                 r->context, r->context + r->cut, r->cut);
    paragraph(c, area, ROLE_LABEL, 0, text);
    if (!r->cut)
        return;
    snprintf(text, sizeof text, "{cut: %s ...}", t->cut ? t->cut : "");
    paragraph(c, area, ROLE_REMOVED, 0, text);
}

/* <<spring of 1888>> <end> */
static void draw_marked(struct scene *c, struct rect *area, const char *counted, bool answer)
{
    size_t size = strlen(counted) + 16;
    char *marked = xmalloc(size);
    snprintf(marked, size, "<<%s>>%s", counted, answer ? " <end>" : "");
    paragraph(c, area, ROLE_VALUE, ATTR_BOLD, marked);
    free(marked);
}

/* What is counted in the loss, marked. */
static void draw_counted(struct scene *c, struct rect *area, const struct samples_row *r,
                         const struct samples_text *t)
{
    bool answer = t->query[0];
    char text[80];
    if (answer)
        snprintf(text, sizeof text, "[answer: %zu token%s + end, counted in the loss]", r->answer,
                 text_plural(r->answer));
    else
        snprintf(text, sizeof text, "[%zu token%s counted in the loss]", r->counted,
                 text_plural(r->counted));
    for (int x = 0; !answer && area->rows > 0 && x < area->columns; x++)
        canvas_put(c->canvas, area->row, area->column + x, RULE, ROLE_FRAME, 0);
    if (!answer)
        skip_row(area);
    paragraph(c, area, ROLE_LABEL, 0, text);
    draw_marked(c, area, c->v->data.view == DATA_TOKENS ? t->counted_tokens : t->counted, answer);
}

/* The same below, where the text leaves room. */
static void draw_as_tokens(struct scene *c, struct rect area, const struct samples_text *t)
{
    skip_row(&area);
    paragraph(c, &area, ROLE_LABEL, 0, "[the same as tokens]");
    paragraph(c, &area, ROLE_TEXT, 0, t->context_tokens);
    paragraph(c, &area, ROLE_TEXT, ATTR_UNDERLINE, t->query_tokens);
    if (area.rows > 0)
        draw_marked(c, &area, t->counted_tokens, t->query[0]);
}

static void draw_text(struct scene *c, struct rect area, const struct samples_row *r,
                      const struct samples_text *t)
{
    bool tokens = c->v->data.view == DATA_TOKENS;
    char text[64];
    /* the context gives way: what is counted is always on screen */
    int below = area.rows > 12 ? 8 : area.rows / 2;
    struct rect upper = area, lower = area;
    upper.rows -= below;
    draw_cut(c, &upper, r, t);
    paragraph(c, &upper, ROLE_TEXT, 0, tokens ? t->context_tokens : t->context);
    lower.row = upper.row;
    lower.rows = area.row + area.rows - upper.row;
    if (lower.rows > 6)
        skip_row(&lower);
    if (t->query[0]) {
        snprintf(text, sizeof text, "[query: %zu token%s, not counted]", r->query,
                 text_plural(r->query));
        paragraph(c, &lower, ROLE_LABEL, 0, text);
        paragraph(c, &lower, ROLE_TEXT, ATTR_UNDERLINE, tokens ? t->query_tokens : t->query);
    }
    draw_counted(c, &lower, r, t);
    if (!tokens && lower.rows > TOKEN_ROWS)
        draw_as_tokens(c, lower, t);
}

/* Why a file that could be read has nothing for the trainer. */
static const char *no_sample_text(const struct samples *s)
{
    return s->questions || strcmp(s->phase, "ntp") ? "no record is good: nothing to train on"
                                                   : "no text is long enough for a sample";
}

static void draw_sample(struct scene *c, struct rect area)
{
    const struct samples *s = set_of(c);
    const struct samples_text *t = c->v->data.text;
    const struct samples_row *r = c->v->data.at < s->n_rows ? &s->rows[c->v->data.at] : NULL;
    bool there = t && r && t->index == c->v->data.at, raw = c->v->data.view == DATA_RAW;
    if (r && raw && !r->line)
        draw_hint(c, area, "this sample is cut from the whole text: it has no record");
    else if (raw && there && t->raw)
        screen_wrapped(c, area, ROLE_TEXT, 0, t->raw);
    else if (r && r->bad && !raw)
        draw_hint(c, area,
                  key_text(c->v, "a bad record is no sample: ⁅v⁆ shows it as it stands").text);
    else if (there && t->context && !raw)
        draw_text(c, area, r, t);
    else
        draw_hint(c, area, r ? "making the sample" : no_sample_text(s));
}

/* ---- the whole file ----------------------------------------------------------- */

static void draw_histogram(struct scene *c, struct rect area, int column)
{
    const struct samples *s = set_of(c);
    size_t top = 1;
    for (size_t i = 0; i < SAMPLES_BINS; i++)
        top = size_max(top, s->bin[i]);
    for (size_t i = 0; i < SAMPLES_BINS; i++) {
        double height = (double)s->bin[i] / (double)top;
        bool cut = s->context > 0 && i * s->bin_width >= s->context;
        if (s->bin[i] > 0)
            canvas_put(c->canvas, area.row, column + (int)i,
                       heat_bar(c->v->display.glyphs, height < 0.05 ? 0.05 : height),
                       cut ? ROLE_WARN : ROLE_VALUE, 0);
    }
}

static void draw_file(struct scene *c, struct rect area)
{
    const struct samples *s = set_of(c);
    char a[TEXT_NUMBER_MAX], b[TEXT_NUMBER_MAX];
    struct parts parts = {.limit = area.columns - 2};
    parts_add(&parts, "%s%s good, %zu bad (%.2f %%)", text_grouped(s->good, a),
              s->good == s->n_samples ? "" : s->good == 1 ? " record" : " records", s->bad,
              s->good + s->bad ? 100.0 * (double)s->bad / (double)(s->good + s->bad) : 0);
    if (s->refused)
        parts_add(&parts, "over 1 %% bad: not used for training");
    if (s->questions)
        parts_add(&parts, "context median %s, max %s", text_grouped(s->median, a),
                  text_grouped(s->longest, b));
    if (s->questions)
        parts_add(&parts, "longer than %zu: %.0f %%", s->context,
                  100.0 * (double)s->longer / (double)s->questions);
    if (s->questions)
        parts_add(&parts, "answer median %zu", s->answer_median);
    parts_add(&parts, "%s tokens", text_rounded(s->tokens, b));
    canvas_text(c->canvas, area.row, area.column + 1, area.columns - 1, ROLE_TEXT, 0, parts.text,
                strlen(parts.text));
    if (area.rows < 2 || s->bin_width == 0)
        return;
    area.row++;
    int used = canvas_printf(c->canvas, area.row, area.column + 1, area.columns - 1, ROLE_LABEL, 0,
                             "%s by length ", s->questions ? "contexts" : "documents");
    if (area.columns > used + SAMPLES_BINS + 24) {
        draw_histogram(c, area, area.column + 1 + used);
        canvas_printf(c->canvas, area.row, area.column + used + SAMPLES_BINS + 2, 22, ROLE_LABEL,
                      0, "0 to %zu tokens", s->bin_width * SAMPLES_BINS);
    }
}

/* ---- all ---------------------------------------------------------------------- */

static void headed(struct scene *c, struct rect *area, uint32_t lead, const char *name, bool focus,
                   const char *right)
{
    struct rect heading = *area;
    heading.rows = 1;
    draw_heading(c, heading, lead, name, focus, right);
    skip_row(area);
}

static size_t count_cut(const struct samples *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_samples && i < s->n_rows; i++)
        n += s->rows[i].cut > 0;
    return n;
}

/* 12 of 2,604 · 469 with cuts */
static void list_text(const struct scene *c, char *out, size_t size)
{
    const struct samples *s = set_of(c);
    char at[TEXT_NUMBER_MAX], all[TEXT_NUMBER_MAX];
    size_t cut = count_cut(s);
    out[0] = '\0';
    if (c->v->data.at < s->n_samples)
        text_add(out, size, "%s of %s", text_grouped(c->v->data.at, at),
                 text_grouped(s->n_samples, all));
    else
        text_add(out, size, "%s sample%s", text_grouped(s->n_samples, all),
                 text_plural(s->n_samples));
    if (cut)
        text_add(out, size, " \u00b7 %s with cuts", text_grouped(cut, at));
    if (c->v->data.filter[0])
        text_add(out, size, " \u00b7 /%s", c->v->data.filter);
}

/* What the pane beside the list shows: of a sample or of a bad line, and in which form. */
static void sample_title(const struct scene *c, char *out, size_t size)
{
    static const char *const form[DATA_VIEWS] = {"as the trainer sees it", "as tokens",
                                                 "as it stands in the file"};
    const struct samples *s = set_of(c);
    size_t at = c->v->data.at;
    if (at >= s->n_rows)
        snprintf(out, size, "No sample");
    else if (s->rows[at].bad)
        snprintf(out, size, "Bad line %zu", s->rows[at].line);
    else
        snprintf(out, size, "Sample %zu %s", at, form[c->v->data.view]);
}

void data_draw(struct scene *c)
{
    const struct samples *s = set_of(c);
    struct data_layout l = data_layout(c);
    char right[128], sample[64], lengths[48] = "";
    list_text(c, right, sizeof right);
    if (c->v->data.at < s->n_samples)
        snprintf(lengths, sizeof lengths, "%zu + %zu tokens", s->rows[c->v->data.at].context,
                 s->rows[c->v->data.at].query + s->rows[c->v->data.at].counted);
    sample_title(c, sample, sizeof sample);
    if (l.tabs) {
        struct rect *area = l.list.rows > 0 ? &l.list : &l.sample;
        struct rect tabs = *area;
        tabs.rows = 1;
        screen_tabs(c, tabs, data_pane_name, DATA_PANES, (int)c->v->data.focus, right);
        skip_row(area);
    } else {
        headed(c, &l.list, 0, data_pane_name[DATA_LIST], c->v->data.focus == DATA_LIST, right);
        headed(c, &l.sample, TEE_DOWN, sample, c->v->data.focus == DATA_SAMPLE, lengths);
    }
    if (l.list.rows > 0)
        draw_list(c, l.list);
    if (l.sample.rows > 0) {
        for (int r = 0; !l.tabs && r < l.sample.rows; r++)
            canvas_put(c->canvas, l.sample.row + r, l.sample.column, SIDE, ROLE_FRAME, 0);
        l.sample.column += 2;
        l.sample.columns -= 3;
        draw_sample(c, l.sample);
    }
    if (l.file.rows > 0) {
        int joint = l.sample.column - 2;
        headed(c, &l.file, 0, "Whole file", false, s->form);
        if (!l.tabs)
            canvas_put(c->canvas, l.file.row - 1, joint, TEE_UP, ROLE_FRAME, 0);
        draw_file(c, l.file);
    }
}

void data_title(const struct scene *c, struct parts *parts)
{
    const struct samples *s = set_of(c);
    parts_add(parts, "%s", s->name);
    char phase[SCREEN_PHASE_BYTES];
    parts_add(parts, "phase %s", screen_phase(s->phase, phase));
    if (c->s->settings.ratio > 0)
        parts_add(parts, "x%g", c->s->settings.ratio);
}

void data_sentence(const struct scene *c, struct parts *parts)
{
    const struct samples *s = set_of(c);
    const struct samples_text *t = c->v->data.text;
    if (c->v->data.at >= s->n_rows)
        return;
    const struct samples_row *r = &s->rows[c->v->data.at];
    if (r->bad) {
        parts_add(parts, "line %zu is bad: %s", r->line, r->text);
        return;
    }
    parts_add(parts, "sample %zu", c->v->data.at);
    if (r->text[0])
        parts_add(parts, "%s", r->text);
    if (t && t->index == c->v->data.at && t->found >= 0)
        parts_add(parts, "answer found in the kept context: %s", t->found ? "yes" : "no");
}

const char *data_keys(const struct scene *c)
{
    return c->layout.kind == LAYOUT_WIDE
               ? "⁅v⁆ as text/tokens   ⁅/⁆ filter   ⁅]⁆ next   ⁅Enter⁆ explore it"
               : "⁅Tab⁆ pane  ⁅v⁆ as tokens  ⁅/⁆ filter  ⁅Enter⁆ explore it";
}
