/* `comprexit ask DOC -q QUESTION`: the frozen model's answer from the whole
 * document, from its slots, or from nothing. */
#include <stdio.h>
#include <string.h>

#include "app/batch.h"
#include "app/cli.h"
#include "app/report.h"

struct job {
    const struct cli_arguments *arguments;
    struct batch batch;
    const char *question;
    enum answer_mode modes[ANSWER_MODES];
    size_t n_modes;
};

static void choose_modes(struct job *job, const char *name)
{
    for (size_t i = 0; i < ANSWER_MODES; i++)
        if (strcmp(name, "all") == 0 || strcmp(name, answer_mode_name[i]) == 0)
            job->modes[job->n_modes++] = (enum answer_mode)i;
}

static const struct snapshot_answer *answer_of(const struct job *job, enum answer_mode mode)
{
    return engine_snapshot(job->batch.engine)->answer[mode];
}

static bool ask_one(struct job *job, enum answer_mode mode, struct err *err)
{
    const struct cli_arguments *a = job->arguments;
    struct ask_options options = {
        .max_tokens = cli_count(a, "max-tokens", 0),
        .temperature = cli_real(a, "temperature", 0),
        .top_p = 1,
        .seed = cli_count(a, "seed", 0),
    };
    return engine_ask(job->batch.engine, job->question, mode, &options, &job->batch.progress, err);
}

static json_t *answer_json(const struct job *job, enum answer_mode mode)
{
    const struct snapshot_answer *answer = answer_of(job, mode);
    json_t *object = json_pack(
        "{s:s, s:o, s:I, s:I, s:I, s:o, s:o, s:o}", "mode", answer_mode_name[mode], "text",
        report_text(answer->text, strlen(answer->text)), "tokens", (json_int_t)answer->tokens,
        "context_positions", (json_int_t)answer->context_positions, "kv_bytes",
        (json_int_t)answer->kv_bytes, "prepare_ms", report_number(answer->prepare_ms),
        "first_token_ms", report_number(answer->first_token_ms), "tokens_per_s",
        report_number(answer->tokens_per_s));
    if (mode == ANSWER_COMPRESSED)
        json_object_set_new(object, "compress_ms", report_number(answer->compress_ms));
    return object;
}

static void print_json(const struct job *job)
{
    const struct snapshot *s = engine_snapshot(job->batch.engine);
    json_t *answers = json_array();
    for (size_t i = 0; i < job->n_modes; i++)
        json_array_append_new(answers, answer_json(job, job->modes[i]));
    report_json(json_pack("{s:o, s:s, s:s, s:b, s:o}", "question",
                          report_text(job->question, strlen(job->question)), "model",
                          s->facts.model, "compressor", s->facts.compressor, "untrained",
                          (int)s->facts.untrained, "answers", answers));
}

/* One answer is printed by itself; several on a line each, with their mode. */
static void print_text(const struct job *job)
{
    for (size_t i = 0; i < job->n_modes; i++) {
        const char *text = answer_of(job, job->modes[i])->text;
        if (job->n_modes == 1)
            report_lines(text, strlen(text));
        else
            report_labelled(answer_mode_name[job->modes[i]], text);
    }
}

static bool work(struct job *job, const struct batch_input *input, struct err *err)
{
    if (!batch_set_document(&job->batch, input, err))
        return false;
    if (job->n_modes > 1 || job->modes[0] == ANSWER_COMPRESSED)
        batch_note_untrained(&job->batch, job->arguments);
    for (size_t i = 0; i < job->n_modes; i++)
        if (!ask_one(job, job->modes[i], err))
            return false;
    progress_line_end(&job->batch.line);
    if (cli_flag(job->arguments, "json"))
        print_json(job);
    else
        print_text(job);
    return true;
}

static bool run(const struct cli_arguments *a, struct err *err)
{
    struct job job = {.arguments = a, .question = cli_text(a, "question")};
    if (!job.question || !job.question[0])
        return err_set(err, ERR_USAGE, "ask: what is the question? Give it with -q");
    const char *mode = cli_text(a, "mode");
    choose_modes(&job, mode ? mode : "compressed");
    struct batch_input input;
    if (!batch_input_read(&input, a->operands[0], NULL, err))
        return false;
    bool ok = batch_open(&job.batch, a, err) && work(&job, &input, err);
    batch_close(&job.batch);
    batch_input_free(&input);
    return ok;
}

static const struct cli_option options[] = {
    {.name = "question", .letter = 'q', .kind = CLI_TEXT, .value = "TEXT",
     .help = "the question"},
    {.name = "mode", .kind = CLI_CHOICE, .value = "all|full|compressed|none",
     .help = "what the model reads: all tokens, the slots, nothing, or all three in turn "
             "(compressed)"},
    {.name = "max-tokens", .kind = CLI_COUNT, .value = "N", .min = 1, .max = 4096,
     .help = "longest answer (20)"},
    {.name = "temperature", .kind = CLI_REAL, .value = "T", .min = 0, .max = 100,
     .help = "randomness of the choice of words; 0 = always the likeliest (0)"},
    {.name = NULL},
};

static const struct cli_example examples[] = {
    {"cat notes.md | comprexit ask - -q \"Who pays?\"", "the answer, nothing else"},
    {"comprexit ask notes.md -q \"When?\" --mode all --json",
     "full, compressed and no context side by side"},
    {NULL, NULL},
};

const struct cli_command command_ask = {
    .name = "ask",
    .operands = "DOC",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "answer a question from a document, compressed or not",
    .options = options,
    .examples = examples,
    .groups = CLI_MODEL | CLI_SETTINGS | CLI_OUTPUT,
    .run = run,
};
