/* `comprexit data FILE`: what the trainer will see of a data file: counts, lengths,
 * what is cut, and samples exactly as they are trained on, made by the trainer's own
 * code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/batch.h"
#include "app/cli.h"
#include "app/data_options.h"
#include "app/report.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "engine/data/dataset.h"
#include "engine/model/model.h"

struct job {
    const struct cli_arguments *arguments;
    struct model *model;
    struct dataset *d;
    enum phase phase;
    struct block_shape shape;
    bool color;
};

struct lengths {
    size_t n, median, max, longer; /* longer than the context */
};

static void on_bad(void *context, size_t line, const char *reason)
{
    const struct job *j = context;
    report_note(j->arguments, "%s:%zu: %s", j->arguments->operands[0], line, reason);
}

static int ascending(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

static struct lengths context_lengths(const struct job *j)
{
    const struct dataset *d = j->d;
    struct lengths l = {.n = d->n_questions};
    size_t *all = xcalloc(l.n + 1, sizeof *all);
    for (size_t i = 0; i < l.n; i++) {
        all[i] = d->questions[i].context_n;
        l.longer += d->questions[i].context_cut > 0 || all[i] > j->shape.context;
    }
    qsort(all, l.n, sizeof *all, ascending);
    if (l.n) {
        l.median = all[l.n / 2];
        l.max = all[l.n - 1];
    }
    free(all);
    return l;
}

/* ---- samples -------------------------------------------------------------------------- */

/* The parts of a sample as text: context, query that is not counted, counted. */
struct shown {
    char *context, *query, *counted;
};

static char *decode(const struct job *j, const int32_t *ids, size_t n)
{
    size_t length;
    return tokenizer_decode(j->model->tokenizer, ids, n, true, &length);
}

static struct shown show_sample(const struct job *j, const struct sample *s)
{
    size_t first = 0;
    while (first < s->n_query && s->labels[first] == LABEL_NONE)
        first++;
    return (struct shown){
        .context = decode(j, s->context, s->n_context),
        .query = decode(j, s->query, first),
        .counted = decode(j, s->query + first, s->n_query - first),
    };
}

static void shown_free(struct shown *s)
{
    free(s->context);
    free(s->query);
    free(s->counted);
}

static json_t *sample_json(const struct job *j, const struct sample *s)
{
    struct shown text = show_sample(j, s);
    json_t *json = json_pack(
        "{s:I, s:I, s:I, s:o, s:o, s:o}", "context_tokens", (json_int_t)s->n_context,
        "query_tokens", (json_int_t)s->n_query, "counted_tokens", (json_int_t)sample_labels(s),
        "context", report_text(text.context, strlen(text.context)), "query",
        report_text(text.query, strlen(text.query)), "counted",
        report_text(text.counted, strlen(text.counted)));
    shown_free(&text);
    return json;
}

/* Without colour the counted part stands in << >>, with it in bold as well. */
static void print_sample(const struct job *j, const struct sample *s, size_t i)
{
    struct shown text = show_sample(j, s);
    printf("-- sample %zu: %zu context token%s, %zu of %zu query token%s counted\n", i,
           s->n_context, text_plural(s->n_context), sample_labels(s), s->n_query,
           text_plural(s->n_query));
    report_lines(text.context, strlen(text.context));
    fputs(j->color ? "\033[4m" : "", stdout);
    if (*text.query)
        report_lines(text.query, strlen(text.query));
    fputs(j->color ? "\033[0m\033[1m" : "", stdout);
    fputs("<<", stdout);
    report_lines(text.counted, strlen(text.counted));
    fputs(j->color ? ">>\033[0m\n" : ">>\n", stdout);
    shown_free(&text);
}

/* Samples [0, n), or of those only where something was cut. */
static json_t *show_samples(const struct job *j, size_t wanted)
{
    json_t *list = json_array();
    bool cut_only = cli_flag(j->arguments, "cut-only"), json = cli_flag(j->arguments, "json");
    size_t n = dataset_count(j->d, PART_TRAINING, j->phase, j->shape), shown = 0;
    for (size_t i = 0; i < n && shown < wanted; i++) {
        if (cut_only && (j->phase != PHASE_SFT || !j->d->questions[i].context_cut))
            continue;
        struct sample s =
            dataset_sample(j->d, j->model->tokenizer, PART_TRAINING, j->phase, j->shape, i);
        if (json)
            json_array_append_new(list, sample_json(j, &s));
        else
            print_sample(j, &s, i);
        sample_free(&s);
        shown++;
    }
    return list;
}

/* ---- the whole file --------------------------------------------------------------------- */

static void print_text(const struct job *j, const struct lengths *l)
{
    const struct dataset *d = j->d;
    printf("%s: %s, %zu good record%s, %zu bad, %zu token%s\n", j->arguments->operands[0], d->form,
           d->documents, text_plural(d->documents), d->bad, d->n_tokens, text_plural(d->n_tokens));
    if (dataset_is_qa(d))
        printf("%zu question%s, context median %zu tokens, max %zu, %zu longer than %zu cut\n",
               d->n_questions, text_plural(d->n_questions), l->median, l->max, l->longer,
               j->shape.context);
    size_t samples = dataset_count(d, PART_TRAINING, j->phase, j->shape);
    bool too_short = samples == 0 && !dataset_is_qa(d) && d->documents > 0;
    printf("%zu %s sample%s of %zu + %zu tokens%s\n", samples, phase_name[j->phase],
           text_plural(samples), j->shape.context, j->shape.predict,
           too_short ? ": no text is long enough" : "");
}

static json_t *file_json(const struct job *j, const struct lengths *l, json_t *samples)
{
    const struct dataset *d = j->d;
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:I, s:o}", "form", d->form,
                     "good", (json_int_t)d->documents, "bad", (json_int_t)d->bad, "tokens",
                     (json_int_t)d->n_tokens, "questions", (json_int_t)d->n_questions,
                     "context_median", (json_int_t)l->median, "context_max", (json_int_t)l->max,
                     "contexts_cut", (json_int_t)l->longer, "phase", phase_name[j->phase],
                     "samples",
                     (json_int_t)dataset_count(d, PART_TRAINING, j->phase, j->shape), "shown",
                     samples);
}

static bool read_file(struct job *j, struct err *err)
{
    const struct cli_arguments *a = j->arguments;
    struct data_options options;
    if (!data_options_read(&options, a, err))
        return false;
    options.records.bad = on_bad;
    options.records.context_pointer = j;
    j->shape = (struct block_shape){(size_t)cli_count(a, "context", 512),
                                    (size_t)cli_count(a, "predict", 128)};
    j->d = dataset_load(a->operands[0], &options.records, j->model->tokenizer, j->shape.context,
                        NULL, err);
    data_options_free(&options);
    if (!j->d)
        return false;
    const char *phase = cli_text(a, "phase");
    j->phase = dataset_is_qa(j->d) ? PHASE_SFT : PHASE_NTP;
    if (phase && strcmp(phase, phase_name[j->phase]) != 0)
        return err_set(err, ERR_INPUT, "%s: %s, which phase %s cannot use", a->operands[0],
                       j->d->form, phase);
    return true;
}

static bool run(const struct cli_arguments *a, struct err *err)
{
    const char *color = cli_text(a, "color");
    struct job j = {.arguments = a};
    j.color = color && strcmp(color, "auto") != 0 ? strcmp(color, "always") == 0
                                                  : isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    char *path = batch_model_path(a);
    j.model = model_open(path, NULL, 0, err);
    free(path);
    bool ok = j.model && read_file(&j, err);
    if (ok) {
        struct lengths l = context_lengths(&j);
        bool json = cli_flag(a, "json");
        if (!json)
            print_text(&j, &l);
        json_t *samples = show_samples(&j, (size_t)cli_count(a, "show", 0));
        if (json)
            report_json(file_json(&j, &l, samples));
        else
            json_decref(samples);
    }
    dataset_free(j.d);
    model_close(j.model);
    return ok;
}

static const struct cli_option options[] = {
    DATA_OPTIONS,
    {.name = "phase", .kind = CLI_CHOICE, .value = "ntp|sft",
     .help = "as which phase would see it (by content: text ntp, questions sft)"},
    {.name = "show", .kind = CLI_COUNT, .value = "N", .help = "print N samples as trained"},
    {.name = "cut-only", .kind = CLI_FLAG, .help = "only samples whose context was cut"},
    {.name = "context", .kind = CLI_COUNT, .value = "C", .min = 1, .max = 1e6,
     .help = "tokens of the context (512)"},
    {.name = "predict", .kind = CLI_COUNT, .value = "P", .min = 1, .max = 1e6,
     .help = "tokens predicted, or of question and answer (128)"},
    {.name = NULL},
};

static const struct cli_example examples[] = {
    {"comprexit data train.jsonl.gz --show 5", "five samples, the counted part in << >>"},
    {NULL, NULL},
};

const struct cli_command command_data = {
    .name = "data",
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "show what the trainer would see of a data file",
    .options = options,
    .examples = examples,
    .groups = CLI_MODEL | CLI_OUTPUT | CLI_SCREEN,
    .run = run,
};
