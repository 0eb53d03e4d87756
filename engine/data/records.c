#include "engine/data/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/buffer.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "engine/data/input.h"
#include "engine/data/mrqa.h"

enum form { FORM_TEXT, FORM_JSONL, FORM_SQUAD, FORM_MRQA };
enum { TEXT_BYTES_MAX = 256 << 20, BAD_CHECK_EVERY = 100 };

struct records {
    struct input *input;
    struct records_options options;
    enum form form;
    size_t good, bad;
    char first_bad[200]; /* "line 7: why" */
    json_t *squad; /* whole file */
    size_t article, paragraph, seen;
};

/* ---- records -------------------------------------------------------------------- */

void record_free(struct record *r)
{
    for (size_t i = 0; i < r->n_questions; i++) {
        struct question *q = &r->questions[i];
        for (size_t k = 0; k < q->n_answers; k++)
            free(q->answers[k]);
        free(q->answers);
        free(q->id);
        free(q->text);
    }
    free(r->questions);
    free(r->text);
    r->questions = NULL;
    r->text = NULL;
    r->length = r->n_questions = 0;
}

static struct question *add_question(struct record *r, const char *id, char *text)
{
    r->questions = xrealloc(r->questions, r->n_questions + 1, sizeof *r->questions);
    struct question *q = &r->questions[r->n_questions++];
    *q = (struct question){.id = xstrdup(id), .text = text};
    return q;
}

static void add_answer(struct question *q, char *answer)
{
    q->answers = xrealloc(q->answers, q->n_answers + 1, sizeof *q->answers);
    q->answers[q->n_answers++] = answer;
}

static void count_bad(struct records *r, size_t line, const char *reason)
{
    if (r->bad++ == 0)
        snprintf(r->first_bad, sizeof r->first_bad, "line %zu: %s", line, reason);
    if (r->options.bad)
        r->options.bad(r->options.context_pointer, line, reason);
}

/* ---- JSON fields ------------------------------------------------------------------ */

static const char *field_name(const char *given, const char *standard)
{
    return given ? given : standard;
}

/* A non-empty string field, or NULL with the reason. */
static const char *string_field(const json_t *object, const char *name, char *reason, size_t size)
{
    const json_t *value = json_object_get(object, name);
    if (!value)
        snprintf(reason, size, "\"%s\" is missing", name);
    else if (!json_is_string(value))
        snprintf(reason, size, "\"%s\" is not a string", name);
    else if (json_string_length(value) == 0)
        snprintf(reason, size, "\"%s\" is empty", name);
    else if (strlen(json_string_value(value)) != json_string_length(value))
        snprintf(reason, size, "\"%s\" holds a NUL character", name);
    else
        return json_string_value(value);
    return NULL;
}

/* Strings of a list, a single string, SQuAD's list of {"text": ..}, or the same turned into
 * {"text": [..]}, as tables of it have it. */
static bool read_answers(const json_t *value, struct question *q, bool mrqa, char *reason,
                         size_t size)
{
    const json_t *texts = json_object_get(value, "text");
    value = json_is_array(texts) ? texts : value;
    size_t n = json_is_array(value) ? json_array_size(value) : value ? 1 : 0;
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        if (json_is_object(item))
            item = json_object_get(item, "text");
        const char *text = json_string_value(item);
        if (text && *text)
            add_answer(q, mrqa ? mrqa_clean_answer(text) : xstrdup(text));
    }
    if (q->n_answers)
        return true;
    snprintf(reason, size, "\"answers\" is %s", n ? "empty" : "missing");
    return false;
}

/* ---- one record of each form -------------------------------------------------------- */

static bool qa_from_json(struct records *r, const json_t *object, struct record *out, char *reason,
                         size_t size)
{
    const struct records_options *o = &r->options;
    const char *context = string_field(object, field_name(o->context, "context"), reason, size);
    const char *question =
        context ? string_field(object, field_name(o->question, "question"), reason, size) : NULL;
    if (!question)
        return false;
    const char *id = json_string_value(json_object_get(object, field_name(o->id, "id")));
    out->text = xstrdup(context);
    out->length = strlen(context);
    struct question *q = add_question(out, id ? id : "", xstrdup(question));
    return read_answers(json_object_get(object, field_name(o->answers, "answers")), q, false,
                        reason, size);
}

static bool jsonl_record(struct records *r, const json_t *object, struct record *out, char *reason,
                         size_t size)
{
    const char *name = field_name(r->options.text, "text");
    if (!json_object_get(object, name) &&
        json_object_get(object, field_name(r->options.context, "context")))
        return qa_from_json(r, object, out, reason, size);
    const char *text = string_field(object, name, reason, size);
    if (!text)
        return false;
    out->text = xstrdup(text);
    out->length = strlen(text);
    return true;
}

static bool mrqa_record(const json_t *object, struct record *out, char *reason, size_t size)
{
    const char *context = string_field(object, "context", reason, size);
    if (!context)
        return false;
    out->text = mrqa_clean_context(context);
    out->length = strlen(out->text);
    size_t i;
    json_t *qa;
    json_array_foreach (json_object_get(object, "qas"), i, qa) {
        const char *question = string_field(qa, "question", reason, size);
        if (!question)
            return false;
        const char *id = json_string_value(json_object_get(qa, "qid"));
        struct question *q = add_question(out, id ? id : "", mrqa_clean_question(question));
        if (!read_answers(json_object_get(qa, "answers"), q, true, reason, size))
            return false;
    }
    if (out->n_questions)
        return true;
    snprintf(reason, size, "\"qas\" is missing or empty");
    return false;
}

/* SQuAD v2 has questions without an answer: they are passed over. */
static bool squad_record(const json_t *paragraph, struct record *out, char *reason, size_t size)
{
    const char *context = string_field(paragraph, "context", reason, size);
    if (!context)
        return false;
    out->text = xstrdup(context);
    out->length = strlen(context);
    size_t i;
    json_t *qa;
    json_array_foreach (json_object_get(paragraph, "qas"), i, qa) {
        if (json_is_true(json_object_get(qa, "is_impossible")))
            continue;
        const char *question = string_field(qa, "question", reason, size);
        if (!question)
            return false;
        const char *id = json_string_value(json_object_get(qa, "id"));
        struct question *q = add_question(out, id ? id : "", xstrdup(question));
        if (!read_answers(json_object_get(qa, "answers"), q, false, reason, size))
            return false;
    }
    snprintf(reason, size, "no question with an answer");
    return out->n_questions > 0;
}

/* ---- forms --------------------------------------------------------------------------- */

/* Is the content one JSON document with "data" (SQuAD)? Then it is parsed whole. */
static bool open_squad(struct records *r, struct err *err)
{
    char *text;
    size_t length;
    if (!input_rest(r->input, TEXT_BYTES_MAX, &text, &length, err))
        return false;
    r->squad = json_parse(text, length, input_path(r->input), err);
    free(text);
    if (!r->squad)
        return false;
    if (json_is_array(json_object_get(r->squad, "data")))
        return true;
    return err_set(err, ERR_INPUT,
                   "%s: JSON without a \"data\" list: neither SQuAD nor JSON lines",
                   input_path(r->input));
}

/* One line may be all of a document. */
static bool is_squad(const struct records *r, const char *line, size_t length)
{
    struct err ignored = {0};
    json_t *json = json_parse(line, length, input_path(r->input), &ignored);
    const json_t *first = json_array_get(json_object_get(json, "data"), 0);
    bool squad = json_is_array(json_object_get(first, "paragraphs"));
    json_decref(json);
    return squad;
}

static bool detect_form(struct records *r, struct err *err)
{
    size_t have, i = 0;
    const char *head = input_peek(r->input, &have);
    while (i < have && strchr(" \t\r\n", head[i]))
        i++;
    r->form = FORM_TEXT;
    if (i == have || head[i] != '{')
        return true;
    const char *newline = memchr(head + i, '\n', have - i);
    const char *data = memmem(head + i, have - i, "\"data\"", 6);
    if (memmem(head + i, size_min(have - i, 64), "\"header\"", 8)) {
        r->form = FORM_MRQA;
        return true;
    }
    /* A first line that does not close its brace is the begin of a longer document. */
    const char *last = newline;
    while (last && last > head + i && strchr(" \t\r", last[-1]))
        last--;
    bool whole_first_line = last && last[-1] == '}';
    if (!data || (whole_first_line && !is_squad(r, head + i, (size_t)(last - head) - i))) {
        r->form = FORM_JSONL;
        return true;
    }
    r->form = FORM_SQUAD;
    return open_squad(r, err);
}

struct records *records_open(const char *path, const struct records_options *options,
                             struct err *err)
{
    struct records *r = xcalloc(1, sizeof *r);
    if (options)
        r->options = *options;
    r->input = input_open(path, err);
    if (r->input && detect_form(r, err))
        return r;
    records_close(r);
    return NULL;
}

void records_close(struct records *r)
{
    if (!r)
        return;
    json_decref(r->squad);
    input_close(r->input);
    free(r);
}

/* ---- iteration ------------------------------------------------------------------------- */

/* The parsed line, or NULL with *reason (bad record). */
static json_t *parse_line(const char *line, size_t length, char *reason, size_t size)
{
    struct err err = {0};
    size_t bad;
    if (!text_valid(line, length, &bad)) {
        snprintf(reason, size, "invalid UTF-8 at byte %zu", bad);
        return NULL;
    }
    json_t *object = json_parse(line, length, "JSON", &err);
    if (object && json_is_object(object))
        return object;
    snprintf(reason, size, "%.200s", object ? "not a JSON object" : err.text);
    json_decref(object);
    return NULL;
}

static bool next_json_line(struct records *r, struct record *out, struct err *err)
{
    char *line;
    size_t length;
    while (input_line(r->input, &line, &length, err)) {
        char reason[256] = "";
        size_t number = input_line_number(r->input);
        if (strspn(line, " \t") == length)
            continue;
        json_t *object = parse_line(line, length, reason, sizeof reason);
        if (object && r->form == FORM_MRQA && json_object_get(object, "header")) {
            json_decref(object);
            continue;
        }
        out->line = number;
        bool ok = object && (r->form == FORM_MRQA
                                 ? mrqa_record(object, out, reason, sizeof reason)
                                 : jsonl_record(r, object, out, reason, sizeof reason));
        json_decref(object);
        if (ok)
            return true;
        record_free(out);
        count_bad(r, number, reason);
    }
    return false;
}

static bool next_squad(struct records *r, struct record *out)
{
    const json_t *data = json_object_get(r->squad, "data");
    for (; r->article < json_array_size(data); r->article++, r->paragraph = 0) {
        const json_t *article = json_array_get(data, r->article);
        const json_t *paragraphs = json_object_get(article, "paragraphs");
        while (r->paragraph < json_array_size(paragraphs)) {
            char reason[256] = "";
            out->line = ++r->seen;
            if (squad_record(json_array_get(paragraphs, r->paragraph++), out, reason,
                             sizeof reason))
                return true;
            bool unanswerable = out->text && strncmp(reason, "no question", 11) == 0;
            record_free(out);
            if (!unanswerable)
                count_bad(r, r->seen, reason);
        }
    }
    return false;
}

/* Lines of a document that are no text. */
struct odd_lines {
    size_t lines, odd;
    char first[80];
};

static void look_at_line(struct odd_lines *o, const char *line, size_t length, size_t number)
{
    size_t bad;
    const char *nul = memchr(line, '\0', length);
    o->lines++;
    if (!nul && text_valid(line, length, &bad))
        return;
    if (o->odd++ == 0)
        snprintf(o->first, sizeof o->first, "line %zu has %s at byte %zu", number,
                 nul ? "a NUL character" : "invalid UTF-8", nul ? (size_t)(nul - line) : bad);
}

/* Text up to the separator line or the end; blank documents are passed over. */
static bool read_document(struct records *r, struct record *out, struct odd_lines *odd,
                          struct err *err)
{
    const char *separator = r->options.separator;
    struct buffer text = {0};
    char *line;
    size_t length;
    bool blank = true;
    out->line = input_line_number(r->input) + 1;
    while (input_line(r->input, &line, &length, err)) {
        if (separator && strcmp(line, separator) == 0) {
            if (!blank)
                break;
            text.size = 0;
            out->line = input_line_number(r->input) + 1;
            continue;
        }
        if (text.size + length > TEXT_BYTES_MAX) {
            buffer_free(&text);
            return err_set(err, ERR_INPUT, "%s: line %zu: the document is over %d MiB: split it",
                           input_path(r->input), input_line_number(r->input), TEXT_BYTES_MAX >> 20);
        }
        look_at_line(odd, line, length, input_line_number(r->input));
        blank = blank && strspn(line, " \t\r") == length;
        buffer_add(&text, line, length);
        if (input_line_ended(r->input))
            buffer_text(&text, "\n");
    }
    if (err->code != ERR_NONE || blank) {
        buffer_free(&text);
        return false;
    }
    out->text = buffer_take(&text, &out->length);
    return true;
}

/* The next document whose lines are text, but for one in a hundred. */
static bool next_text(struct records *r, struct record *out, struct err *err)
{
    struct odd_lines odd = {0};
    while (read_document(r, out, &odd, err)) {
        if (!records_refused(odd.lines - odd.odd, odd.odd))
            return true;
        char reason[sizeof odd.first + 80];
        snprintf(reason, sizeof reason, "not a text: %s, as have %zu of %zu", odd.first, odd.odd,
                 odd.lines);
        count_bad(r, out->line, reason);
        record_free(out);
        odd = (struct odd_lines){0};
    }
    return false;
}

bool records_refused(size_t good, size_t bad)
{
    return bad * 100 > good + bad;
}

static bool too_many_bad(const struct records *r, struct err *err)
{
    if (r->options.any_bad || !records_refused(r->good, r->bad))
        return false;
    err_set(err, ERR_INPUT, "%s: %zu of %zu record%s %s bad, more than 1 %%: not used; "
            "the first, %s", input_path(r->input), r->bad, r->good + r->bad,
            text_plural(r->good + r->bad), r->bad == 1 ? "is" : "are", r->first_bad);
    return true;
}

bool records_next(struct records *r, struct record *out, struct err *err)
{
    struct err local = {0};
    *out = (struct record){0};
    bool ok = r->form == FORM_TEXT    ? next_text(r, out, &local)
              : r->form == FORM_SQUAD ? next_squad(r, out)
                                      : next_json_line(r, out, &local);
    r->good += ok;
    if (local.code == ERR_NONE && (!ok || r->good % BAD_CHECK_EVERY == 0) &&
        too_many_bad(r, &local) && ok) {
        record_free(out);
        ok = false;
    }
    if (local.code == ERR_NONE && !ok && r->good == 0)
        err_set(&local, ERR_INPUT, "%s: no usable records, found %s; expected plain text, "
                "JSON lines, SQuAD or MRQA", input_path(r->input),
                r->bad ? r->first_bad : "nothing");
    if (local.code != ERR_NONE && err)
        *err = local;
    return ok;
}

size_t records_good(const struct records *r)
{
    return r->good;
}

size_t records_bad(const struct records *r)
{
    return r->bad;
}

size_t records_percent(const struct records *r)
{
    size_t articles = json_array_size(json_object_get(r->squad, "data"));
    return articles ? 100 * r->article / articles : input_percent(r->input);
}

const char *records_form(const struct records *r)
{
    static const char *const names[] = {"text", "JSON lines", "SQuAD", "MRQA"};
    return names[r->form];
}
