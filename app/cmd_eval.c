/* `comprexit eval`: question answering over a data set (--data), or next-token loss
 * over blocks of a text (--ntp), from full, compressed, wrong and no context. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/batch.h"
#include "app/cli.h"
#include "app/data_options.h"
#include "app/report.h"
#include "app/values.h"
#include "engine/base/buffer.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"
#include "engine/eval/evaluate.h"
#include "engine/train/objective.h"

struct job {
    const struct cli_arguments *arguments;
    struct batch batch;
    struct data_options options;
    struct append_file out;
    struct evaluate_sums sums[EVAL_MODES];
    struct buffer lines; /* of the context in work */
};

static const char mode_words[] = "full|compressed|wrong|none";

static bool parse_modes(const struct cli_arguments *a, unsigned *modes, struct err *err)
{
    const char *list = cli_text(a, "modes"), *item;
    size_t length, index;
    *modes = list ? 0 : (1u << EVAL_MODES) - 1;
    while (value_next_item(&list, &item, &length)) {
        char *word = xstrndup(item, length);
        bool known = value_choice(word, mode_words, &index);
        if (!known)
            err_set(err, ERR_USAGE, "--modes: no mode %s, expected some of %s", word, mode_words);
        free(word);
        if (!known)
            return false;
        *modes |= 1u << index;
    }
    return true;
}

/* ---- question answering ---------------------------------------------------------------- */

/* The line of one prediction, kept until its context is done. */
static void on_prediction(void *context, const struct prediction *p)
{
    struct job *j = context;
    json_t *answers = json_array();
    for (size_t i = 0; i < p->question->n_answers; i++)
        json_array_append_new(answers, json_string(p->question->answers[i]));
    json_t *line = json_pack("{s:s, s:s, s:o, s:o, s:f, s:f, s:f, s:I}", "qid", p->qid, "mode",
                             eval_mode_name[p->mode], "prediction",
                             report_text(p->text, strlen(p->text)), "answers", answers, "em",
                             p->score.exact, "f1", p->score.f1, "nll_sum", p->nll, "labels",
                             (json_int_t)p->labels);
    char *text = json_dumps(line, JSON_COMPACT);
    buffer_printf(&j->lines, "%s%s", j->lines.size ? "\n" : "", text);
    free(text);
    json_decref(line);
}

/* All lines of a context go out in one write, so that the file only ever holds
 * whole contexts. */
static bool on_context_done(void *context, struct err *err)
{
    struct job *j = context;
    bool ok = true;
    if (j->out.path && j->lines.size) {
        ok = append_file_line(&j->out, j->lines.data, err);
    }
    j->lines.size = 0;
    return ok;
}

static void add_line(struct evaluate_sums *s, const json_t *line)
{
    double exact = json_number_value(json_object_get(line, "em"));
    double f1 = json_number_value(json_object_get(line, "f1"));
    s->n++;
    s->exact += exact;
    s->f1 += f1;
    s->exact_squared += exact * exact;
    s->f1_squared += f1 * f1;
    s->nll += json_number_value(json_object_get(line, "nll_sum"));
    s->labels += (size_t)json_integer_value(json_object_get(line, "labels"));
}

/* The lines of the context that --out ends with: whole when all modes have as many. */
struct tail {
    size_t begin;        /* byte at which its first line stands */
    size_t n[EVAL_MODES];
    size_t last_mode;
};

static bool is_whole(const struct tail *t, unsigned modes)
{
    size_t n = t->n[__builtin_ctz(modes)];
    for (size_t mode = 0; mode < EVAL_MODES; mode++)
        if (modes & 1u << mode && t->n[mode] != n)
            return false;
    return true;
}

/* Adds the line of a prediction to sums; false when it is of no such evaluation. */
static bool take_line(struct evaluate_sums *sums, const char *text, unsigned modes, size_t *mode)
{
    json_t *line = json_loads(text, 0, NULL);
    const char *name = json_string_value(json_object_get(line, "mode"));
    bool ok = name && value_choice(name, mode_words, mode) && modes & 1u << *mode;
    if (ok)
        add_line(&sums[*mode], line);
    json_decref(line);
    return ok;
}

/* Reads whole lines; *keep: bytes of the contexts that are complete. A context that
 * a process was killed in the middle of is asked again. */
static bool read_lines(struct job *j, char *text, unsigned modes, size_t *keep, size_t *bad_line)
{
    struct tail tail = {0};
    struct evaluate_sums before[EVAL_MODES]; /* as they were at tail.begin */
    memcpy(before, j->sums, sizeof before);
    size_t number = 0;
    char *at = text;
    for (char *end; (end = strchr(at, '\n')); at = end + 1) {
        size_t mode;
        *end = '\0';
        *bad_line = ++number;
        struct evaluate_sums now[EVAL_MODES];
        memcpy(now, j->sums, sizeof now);
        if (!take_line(j->sums, at, modes, &mode))
            return false;
        if (mode < tail.last_mode || is_whole(&tail, modes)) {
            if (!is_whole(&tail, modes))
                return false;
            tail = (struct tail){.begin = (size_t)(at - text)};
            memcpy(before, now, sizeof before);
        }
        tail.n[mode]++;
        tail.last_mode = mode;
    }
    bool whole = is_whole(&tail, modes);
    *keep = whole ? (size_t)(at - text) : tail.begin;
    if (!whole)
        memcpy(j->sums, before, sizeof before);
    return true;
}

/* Takes up what an earlier evaluation wrote to --out: its sums, the bytes to keep, and
 * the number of questions that need not be asked again. */
static bool read_done(struct job *j, const char *path, unsigned modes, size_t *keep, size_t *done,
                      struct err *err)
{
    enum { OUT_BYTES_MAX = 1 << 30 };
    char *text;
    size_t size, bad_line = 0;
    if (!file_exists(path))
        return true;
    if (!file_read(path, OUT_BYTES_MAX, &text, &size, err))
        return false;
    bool ok = read_lines(j, text, modes, keep, &bad_line);
    free(text);
    if (!ok)
        return err_set(err, ERR_INPUT, "%s: line %zu is not of an evaluation in these modes", path,
                       bad_line);
    *done = j->sums[__builtin_ctz(modes)].n;
    return true;
}

static json_t *mode_json(const struct evaluate_sums *s, size_t mode)
{
    double n = (double)s->n;
    return json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "mode", eval_mode_name[mode], "n",
                     (json_int_t)s->n, "em", report_number(s->exact / n), "f1",
                     report_number(s->f1 / n), "mean_nll",
                     report_number(s->nll / (double)s->labels), "em_interval",
                     report_number(evaluate_interval(s->exact, s->exact_squared, s->n)),
                     "f1_interval", report_number(evaluate_interval(s->f1, s->f1_squared, s->n)),
                     "ms_per_question", report_number(s->ms / n));
}

static void print_results(const struct job *j)
{
    bool json = cli_flag(j->arguments, "json");
    json_t *results = json_array();
    for (size_t mode = 0; mode < EVAL_MODES; mode++) {
        const struct evaluate_sums *s = &j->sums[mode];
        if (!s->n)
            continue;
        if (json) {
            json_array_append_new(results, mode_json(s, mode));
            continue;
        }
        double n = (double)s->n;
        printf("%-11s n %zu  EM %5.1f +- %.1f  F1 %5.1f +- %.1f  answer loss %.3f  %.0f ms a "
               "question\n",
               eval_mode_name[mode], s->n, 100 * s->exact / n,
               100 * evaluate_interval(s->exact, s->exact_squared, s->n), 100 * s->f1 / n,
               100 * evaluate_interval(s->f1, s->f1_squared, s->n), s->nll / (double)s->labels,
               s->ms / n);
    }
    if (json)
        report_json(json_pack("{s:o}", "results", results));
    else
        json_decref(results);
}

/* --fail-under: the F1 of the compressed context. */
static bool check_limit(const struct job *j, struct err *err)
{
    double limit = cli_real(j->arguments, "fail-under", -1);
    const struct evaluate_sums *s = &j->sums[EVAL_COMPRESSED];
    if (limit < 0 || (s->n && s->f1 / (double)s->n >= limit))
        return true;
    return err_set(err, ERR_OTHER, "F1 of the compressed context is below %g", limit);
}

static bool open_output(struct job *j, unsigned modes, size_t *done, struct err *err)
{
    const char *path = cli_text(j->arguments, "out");
    bool resume = cli_flag(j->arguments, "resume");
    if (!path)
        return !resume || err_set(err, ERR_USAGE, "eval: --resume needs --out");
    if (!batch_spares_inputs(j->arguments, path, err) || !batch_has_folder(path, err))
        return false;
    size_t keep = 0;
    if (resume && !read_done(j, path, modes, &keep, done, err))
        return false;
    if (!resume && file_exists(path) && !cli_flag(j->arguments, "force"))
        return err_set(err, ERR_USAGE, "%s is there already: --resume goes on, --force begins anew",
                       path);
    return append_file_open(&j->out, path, keep, err);
}

static bool answer_questions(struct job *j, const char *path, struct err *err)
{
    const struct cli_arguments *a = j->arguments;
    struct engine *e = j->batch.engine;
    struct evaluate_options o = {.model = engine_model(e),
                                 .compressor = engine_compressor(e),
                                 .max_tokens = (size_t)cli_count(a, "max-tokens", 20),
                                 .limit = (size_t)cli_count(a, "limit", 0)};
    o.soft_prompt = engine_soft_prompt(e, &o.n_soft);
    engine_settings(e, &o.settings, &o.budget);
    if (!parse_modes(a, &o.modes, err) || !open_output(j, o.modes, &o.skip, err))
        return false;
    struct dataset *d = dataset_load(path, &j->options.records, o.model->tokenizer, o.budget,
                                     &j->batch.progress, err);
    struct evaluate_listener listener = {on_prediction, on_context_done, j};
    bool ok = d && evaluate(&o, d, j->sums, &listener, &j->batch.progress, err);
    dataset_free(d);
    progress_line_end(&j->batch.line);
    if (ok)
        print_results(j);
    return ok && check_limit(j, err);
}

/* ---- next-token loss ---------------------------------------------------------------------- */

static const enum context_mode ntp_mode[EVAL_MODES] = {
    [EVAL_FULL] = CONTEXT_FULL,
    [EVAL_COMPRESSED] = CONTEXT_COMPRESSED,
    [EVAL_WRONG] = CONTEXT_WRONG,
    [EVAL_NONE] = CONTEXT_NONE,
};

/* Mean loss over the blocks in one mode. */
static bool ntp_loss(struct job *j, const struct dataset *d, struct block_shape shape,
                     size_t blocks, enum context_mode mode, double *mean, struct err *err)
{
    enum { PASS = 8 };
    struct engine *e = j->batch.engine;
    struct objective o = {.model = engine_model(e),
                          .compressor = engine_compressor(e),
                          .positions = POSITIONS_CONTIGUOUS};
    size_t segment, labels = 0, passes = size_div_up(blocks, PASS);
    double sum = 0;
    engine_settings(e, &o.settings, &segment);
    for (size_t pass = 0; pass < passes; pass++) {
        struct sample samples[PASS];
        /* passes of equal size: none is left with one block, whose wrong passage is missing */
        size_t from = pass * blocks / passes, n = (pass + 1) * blocks / passes - from;
        for (size_t i = 0; i < n; i++)
            samples[i] = dataset_sample(d, o.model->tokenizer, PART_TRAINING, PHASE_NTP, shape,
                                        metrics_apart(from + i, blocks));
        struct objective_result r;
        bool ok = progress_tick(&j->batch.progress, "blocks", from, blocks, err) &&
                  objective_run(&o, mode, samples, n, 0, NULL, NULL, &r, &j->batch.progress, err);
        for (size_t i = 0; i < n; i++)
            sample_free(&samples[i]);
        if (!ok)
            return false;
        sum += r.nll_sum;
        labels += r.labels;
    }
    *mean = sum / (double)labels;
    return true;
}

static bool score_blocks(struct job *j, const struct dataset *d, struct block_shape shape,
                         size_t blocks, unsigned modes, struct err *err)
{
    bool json = cli_flag(j->arguments, "json");
    json_t *results = json_array();
    bool ok = true;
    for (size_t mode = 0; ok && mode < EVAL_MODES; mode++) {
        double mean;
        if (!(modes & 1u << mode))
            continue;
        ok = ntp_loss(j, d, shape, blocks, ntp_mode[mode], &mean, err);
        if (!ok)
            break;
        progress_line_end(&j->batch.line);
        json_array_append_new(results, json_pack("{s:s, s:I, s:f}", "mode", eval_mode_name[mode],
                                                 "blocks", (json_int_t)blocks, "mean_nll", mean));
        if (!json)
            printf("%-11s %zu block%s of %zu + %zu  %.4f nats a token\n", eval_mode_name[mode],
                   blocks, text_plural(blocks), shape.context, shape.predict, mean);
    }
    if (ok && json)
        report_json(json_pack("{s:o}", "results", results));
    else
        json_decref(results);
    return ok;
}

static bool predict_text(struct job *j, const char *path, struct err *err)
{
    const struct cli_arguments *a = j->arguments;
    struct block_shape shape = {(size_t)cli_count(a, "context", 512),
                                (size_t)cli_count(a, "predict", 128)};
    unsigned modes;
    struct dataset *d = NULL;
    bool ok = parse_modes(a, &modes, err);
    if (ok)
        d = dataset_load(path, &j->options.records, engine_model(j->batch.engine)->tokenizer,
                         shape.context, &j->batch.progress, err);
    size_t blocks = d ? dataset_count(d, PART_TRAINING, PHASE_NTP, shape) : 0;
    if (d && blocks == 0)
        err_set(err, ERR_INPUT, "%s: not one block of %zu tokens", path,
                shape.context + shape.predict);
    size_t limit = (size_t)cli_count(a, "blocks", 0);
    if (limit)
        blocks = size_min(blocks, limit);
    ok = blocks > 0 && score_blocks(j, d, shape, blocks, modes, err);
    dataset_free(d);
    return ok;
}

static bool run(const struct cli_arguments *a, struct err *err)
{
    struct job j = {.arguments = a, .out.fd = -1};
    const char *data = cli_text(a, "data"), *text = cli_text(a, "ntp");
    if (!data == !text)
        return err_set(err, ERR_USAGE, "eval: expected either --data FILE or --ntp TEXT");
    if (!data_options_read(&j.options, a, err))
        return false;
    bool ok = batch_open(&j.batch, a, err);
    ok = ok && (data ? answer_questions(&j, data, err) : predict_text(&j, text, err));
    append_file_close(&j.out);
    batch_close(&j.batch);
    data_options_free(&j.options);
    buffer_free(&j.lines);
    return ok;
}

static const struct cli_option options[] = {
    {.name = "data", .kind = CLI_PATH, .value = "FILE",
     .help = "questions: SQuAD, MRQA or JSON lines"},
    {.name = "ntp", .kind = CLI_PATH, .value = "TEXT",
     .help = "next-token loss over blocks of a text, in place of questions"},
    DATA_OPTIONS,
    {.name = "limit", .kind = CLI_COUNT, .value = "N", .help = "the first N questions only"},
    {.name = "modes", .kind = CLI_TEXT, .value = "full,compressed,wrong,none",
     .help = "contexts to try; wrong: the slots of another passage, as a control"},
    {.name = "max-tokens", .kind = CLI_COUNT, .value = "N", .min = 1, .max = 1e4,
     .help = "longest answer (20)"},
    {.name = "out", .kind = CLI_PATH, .value = "PRED.jsonl", .written = true,
     .help = "a line for each question and mode"},
    {.name = "resume", .kind = CLI_FLAG, .help = "go on with what --out holds already"},
    {.name = "blocks", .kind = CLI_COUNT, .value = "N", .help = "--ntp: the first N blocks only"},
    {.name = "context", .kind = CLI_COUNT, .value = "C", .min = 1, .max = 1e6,
     .help = "--ntp: tokens of a block that are the context (512)"},
    {.name = "predict", .kind = CLI_COUNT, .value = "P", .min = 1, .max = 1e6,
     .help = "--ntp: tokens of a block that are predicted (128)"},
    {.name = "fail-under", .kind = CLI_REAL, .value = "F1", .max = 1,
     .help = "exit with 1 when the F1 of the compressed context is lower"},
    {.name = NULL},
};

static const struct cli_example examples[] = {
    {"comprexit eval --data dev.jsonl.gz --limit 500 --json", "exact match and F1 by context"},
    {"comprexit eval --ntp notes.txt --context 128 --predict 64", "loss by context, in nats"},
    {NULL, NULL},
};

const struct cli_command command_eval = {
    .name = "eval",
    .operands = "",
    .summary = "measure answers or losses from full, compressed, wrong and no context",
    .description = "Exact match and F1 are SQuAD's, the best over the gold answers; answers are "
                   "greedy and end at the first full stop or line end. Intervals are 95 %.",
    .options = options,
    .examples = examples,
    .groups = CLI_MODEL | CLI_SETTINGS | CLI_OUTPUT,
    .run = run,
};
