/* The table of answers: one row for each context that was asked, ruled as in print.
 * Times are left out: the same answers give the same figure. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "views/figure_sheet.h"

const char *const figure_answer_title[ANSWER_MODES] = {"Full context", "Compressed", "No context"};

enum column { COLUMN_MODE, COLUMN_CONTEXT, COLUMN_CACHE, COLUMN_F1, COLUMN_ANSWER, COLUMNS };

static const char *const heading[COLUMNS] = {"", "context", "KV cache", "F1", "answer"};

/* Lengths in points. */
#define EDGE 4.0
#define COLUMN_GAP 8.0
#define LINE_HEIGHT 9.0
#define ROW_GAP 3.0
#define ANSWER_MIN 60.0
#define RULE_THICK 0.8
#define RULE_THIN 0.4

struct row {
    char text[COLUMN_ANSWER][32];
    char *answer; /* sanitised, owned */
};

struct table {
    struct drawing *drawing;
    const struct font *font;
    struct inks ink;
    size_t rows;
    struct row row[ANSWER_MODES];
    double x[COLUMNS], answer_width, y;
    bool dry; /* only measure */
};

/* ---- texts ---------------------------------------------------------------------- */

/* On one line, blanks around it cut. */
static char *sanitised(const char *text)
{
    size_t length = strlen(text), size = length * TEXT_ESCAPE_MAX + 1;
    char *copy = xstrdup(text), *out = xmalloc(size);
    for (char *p = copy; *p; p++)
        if (*p == '\n' || *p == '\t' || *p == '\r')
            *p = ' ';
    const char *begin = copy + strspn(copy, " ");
    length = text_sanitize(out, size, begin, strlen(begin));
    while (length > 0 && out[length - 1] == ' ')
        out[--length] = '\0';
    free(copy);
    return out;
}

static char *answer_text(const struct snapshot_answer *a)
{
    static const char *const notes[] = {
        [ANSWER_WAITING] = "waiting",   [ANSWER_PREPARING] = "reading its context",
        [ANSWER_RUNNING] = "running",   [ANSWER_STOPPED] = "stopped",
        [ANSWER_FAILED] = "failed",     [ANSWER_DONE] = NULL,
        [ANSWER_EMPTY] = "not asked",
    };
    const char *note = a->stale ? "made with earlier settings" : notes[a->state];
    if (a->state == ANSWER_FAILED && a->error[0])
        note = a->error;
    char *text = sanitised(a->text ? a->text : "");
    if (!note)
        return text;
    char *clean = sanitised(note);
    size_t size = strlen(text) + strlen(clean) + 4;
    char *whole = xmalloc(size);
    snprintf(whole, size, "%s%s(%s)", text, *text ? " " : "", clean);
    free(clean);
    free(text);
    return whole;
}

static void fill_row(struct row *row, enum answer_mode mode, const struct snapshot_answer *a)
{
    size_t size = sizeof *row->text;
    snprintf(row->text[COLUMN_MODE], size, "%s", figure_answer_title[mode]);
    for (int c = COLUMN_CONTEXT; c < COLUMN_ANSWER; c++)
        snprintf(row->text[c], size, "\xe2\x80\x93");
    if (a->kv_bytes > 0) { /* its context was read */
        snprintf(row->text[COLUMN_CONTEXT], size, "%zu %s", a->context_positions,
                 mode == ANSWER_COMPRESSED ? "slots" : "tokens");
        snprintf(row->text[COLUMN_CACHE], size, "%.1f MiB", (double)a->kv_bytes / (1 << 20));
    }
    if (a->f1 >= 0 && a->state != ANSWER_FAILED)
        snprintf(row->text[COLUMN_F1], size, "%.2f", a->f1);
    row->answer = answer_text(a);
}

/* Bytes of the first line of text that is no wider than `width`: up to a blank, or,
 * when the first word alone is wider, up to any character. */
static size_t line_length(const struct font *font, const char *text, double size, double width)
{
    size_t length = strlen(text), end = 0, blank = 0;
    char *line = xstrdup(text);
    for (size_t next; end < length; end = next) {
        for (next = end + 1; next < length && (text[next] & 0xc0) == 0x80; next++)
            continue;
        line[next] = '\0';
        bool wide = font_text_width(font, line, size) > width;
        line[next] = text[next];
        if (wide && end > 0)
            break;
        if (text[end] == ' ')
            blank = end;
    }
    free(line);
    return end == length || blank == 0 ? end : blank;
}

/* Sets text from t->y on, line by line; moves t->y behind it. */
static void put_lines(struct table *t, double x, double width, struct text_style style,
                      const char *text)
{
    while (*text) {
        size_t length = line_length(t->font, text, style.size, width);
        char *line = xstrndup(text, length);
        if (!t->dry)
            drawing_text(t->drawing, x, t->y + font_ascent(style.size), style, line);
        free(line);
        t->y += LINE_HEIGHT;
        text += length;
        while (*text == ' ')
            text++;
    }
}

static void put_rule(struct table *t, double page_width, double thick)
{
    if (!t->dry)
        drawing_line(t->drawing, (struct drawing_line){.x1 = EDGE, .y1 = t->y,
                                                       .x2 = page_width - EDGE, .y2 = t->y,
                                                       .width = thick, .color = t->ink.text});
    t->y += ROW_GAP;
}

/* ---- the table -------------------------------------------------------------------- */

/* False when no room is left for the answers. */
static bool place_columns(struct table *t, double page_width)
{
    double x = EDGE;
    for (int c = 0; c < COLUMN_ANSWER; c++) {
        double widest = font_text_width(t->font, heading[c], FIGURE_TICK_SIZE);
        for (size_t r = 0; r < t->rows; r++)
            widest = fmax(widest, font_text_width(t->font, t->row[r].text[c], FIGURE_TITLE_SIZE));
        t->x[c] = x;
        x += widest + COLUMN_GAP;
    }
    t->x[COLUMN_ANSWER] = x;
    t->answer_width = page_width - EDGE - x;
    return t->answer_width >= ANSWER_MIN;
}

static void put_labelled(struct table *t, double page_width, const char *label, const char *text)
{
    struct text_style style = {.size = FIGURE_TITLE_SIZE, .color = t->ink.text};
    char *clean = sanitised(text);
    size_t size = strlen(label) + strlen(clean) + 3;
    char *whole = xmalloc(size);
    snprintf(whole, size, "%s: %s", label, clean);
    put_lines(t, EDGE, page_width - 2 * EDGE, style, whole);
    free(clean);
    free(whole);
}

static void put_row(struct table *t, const struct row *row)
{
    struct text_style style = {.size = FIGURE_TITLE_SIZE, .color = t->ink.text};
    double top = t->y;
    for (int c = 0; c < COLUMN_ANSWER && !t->dry; c++)
        drawing_text(t->drawing, t->x[c], top + font_ascent(style.size), style, row->text[c]);
    put_lines(t, t->x[COLUMN_ANSWER], t->answer_width, style, row->answer);
    t->y = fmax(t->y, top + LINE_HEIGHT) + ROW_GAP;
}

static void put_table(struct table *t, const struct snapshot *s,
                      const struct figure_options *options, double page_width)
{
    struct text_style title = {.size = FIGURE_TITLE_SIZE, .color = t->ink.text, .bold = true};
    struct text_style small = {.size = FIGURE_TICK_SIZE, .color = t->ink.line};
    t->y = EDGE + (options->letter ? LINE_HEIGHT : 0);
    put_lines(t, EDGE, page_width - 2 * EDGE, title, options->title);
    put_labelled(t, page_width, "Question", s->question);
    if (s->gold)
        put_labelled(t, page_width, "Gold answer", s->gold);
    t->y += ROW_GAP;
    put_rule(t, page_width, RULE_THICK);
    for (int c = 0; c < COLUMNS && !t->dry; c++)
        drawing_text(t->drawing, t->x[c], t->y + font_ascent(small.size), small, heading[c]);
    t->y += LINE_HEIGHT;
    put_rule(t, page_width, RULE_THIN);
    for (size_t r = 0; r < t->rows; r++)
        put_row(t, &t->row[r]);
    put_rule(t, page_width, RULE_THICK);
}

static bool check_height(const struct table *t, const struct figure_options *options,
                         double *height, struct err *err)
{
    double pixel = 72 / options->dpi, given = options->height_mm * 72 / 25.4;
    double needed = t->y - ROW_GAP + EDGE;
    *height = given > 0 ? given : ceil(needed / pixel) * pixel;
    if (given > 0 && given < needed)
        return err_set(err, ERR_USAGE, "answers: the table needs height=%.0fmm",
                       ceil(needed * 25.4 / 72));
    double side = fmax(*height, options->width_mm * 72 / 25.4) / pixel;
    return side < FIGURE_SIDE_PIXELS + 0.5 ||
           err_set(err, ERR_USAGE, "answers: a page of %.0f pixels is over the limit of %d", side,
                   FIGURE_SIDE_PIXELS);
}

bool figure_draw_answers(struct drawing *drawing, const struct snapshot *s,
                         const struct figure_options *options, const struct figure_fonts *fonts,
                         struct err *err)
{
    struct table t = {.drawing = drawing, .font = fonts->regular, .dry = true,
                      .ink = sheet_inks(options->dark)};
    double width = options->width_mm * 72 / 25.4, height;
    *drawing = (struct drawing){0};
    if (!s->question)
        return err_set(err, ERR_INPUT, "answers: no question was asked");
    for (int mode = 0; mode < ANSWER_MODES; mode++)
        if (s->answer[mode])
            fill_row(&t.row[t.rows++], (enum answer_mode)mode, s->answer[mode]);
    bool ok = place_columns(&t, width) ||
              err_set(err, ERR_USAGE,
                      "answers: no room for the text on %g mm: width=%.0fmm would do",
                      options->width_mm,
                      ceil((t.x[COLUMN_ANSWER] + ANSWER_MIN + EDGE) * 25.4 / 72));
    if (ok) {
        put_table(&t, s, options, width);
        ok = check_height(&t, options, &height, err);
    }
    if (ok) {
        drawing_init(drawing, width, height, options->dpi, t.ink.page);
        drawing->transparent = options->transparent;
        drawing->title = xstrdup("Answers from the full, the compressed and no context");
        t.dry = false;
        put_table(&t, s, options, width);
        sheet_letter(drawing, options);
    }
    for (size_t r = 0; r < t.rows; r++)
        free(t.row[r].answer);
    return ok;
}
