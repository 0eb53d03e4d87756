/* `comprexit ask DOC -q QUESTION`: the frozen model's answer from the whole
 * document, from its slots, or from nothing; one question, or a file of them, or
 * none: how the text goes on. DOC may be what `compress -o` wrote: then the slots are
 * those of the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/batch.h"
#include "app/cli.h"
#include "app/report.h"
#include "app/slots_file.h"
#include "engine/base/file.h"

struct job {
    const struct cli_arguments *arguments;
    struct batch batch;
    struct slots_file slots; /* DOC, if it is one */
    bool from_slots;
    char *questions;      /* of the file, a line each; NULL: one question */
    const char *question; /* the present one; empty: how the text goes on */
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
        .continuation = cli_flag(a, "continue"),
    };
    return engine_ask(job->batch.engine, job->question, mode, &options, &job->batch.progress,
                      err) ||
           err_prefix(err, "%s", a->operands[0]);
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
    json_object_set_new(object, "cut", json_boolean(answer->cut));
    return object;
}

/* One document, or, for a file of questions, one line of them. */
static void print_json(const struct job *job)
{
    const struct snapshot *s = engine_snapshot(job->batch.engine);
    json_t *answers = json_array();
    for (size_t i = 0; i < job->n_modes; i++)
        json_array_append_new(answers, answer_json(job, job->modes[i]));
    json_t *document = json_pack("{s:o, s:s, s:s, s:b, s:o}", "question",
                                 job->question[0]
                                     ? report_text(job->question, strlen(job->question))
                                     : json_null(),
                                 "model",
                                 s->facts.model, "compressor", s->facts.compressor, "untrained",
                                 (int)s->facts.untrained, "answers", answers);
    if (job->from_slots) { /* the open compressor did nothing */
        json_object_set_new(document, "compressor", json_null());
        json_object_del(document, "untrained");
    }
    if (job->questions)
        report_json_line(document);
    else
        report_json(document);
}

/* To a reader, not to a pipe: the answer itself stays as it is. */
static void tell_cut(const struct job *job, enum answer_mode mode)
{
    const struct snapshot_answer *answer = answer_of(job, mode);
    if (answer->cut && isatty(STDERR_FILENO))
        report_note(job->arguments, "%s: cut at %zu tokens; --max-tokens allows more",
                    answer_mode_name[mode], answer->tokens);
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
        tell_cut(job, job->modes[i]);
    }
}

/* Asks the present question in every mode and prints the answers. */
static bool answer(struct job *job, struct err *err)
{
    for (size_t i = 0; i < job->n_modes; i++)
        if (!ask_one(job, job->modes[i], err))
            return false;
    progress_line_end(&job->batch.line);
    if (cli_flag(job->arguments, "json"))
        print_json(job);
    else
        print_text(job);
    return report_flush(err);
}

static bool answer_lines(struct job *job, struct err *err)
{
    char *rest = job->questions, *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        line[strcspn(line, "\r")] = '\0';
        job->question = line;
        if (line[0] && !answer(job, err))
            return false;
    }
    return true;
}

/* Slots of another model would be noise to this one. */
static bool set_slots(struct job *job, struct err *err)
{
    const struct slots_file *file = &job->slots;
    struct engine *e = job->batch.engine;
    engine_hash(e);
    const struct snapshot_facts *facts = &engine_snapshot(e)->facts;
    if (file->hidden != facts->hidden ||
        (file->model_sha256[0] && strcmp(file->model_sha256, facts->model_sha256) != 0))
        return err_set(err, ERR_INPUT,
                       "%s: its slots were made for another model (%zu wide, sha256 %.12s; this is "
                       "%zu wide, %.12s)",
                       file->name, file->hidden,
                       file->model_sha256[0] ? file->model_sha256 : "unknown", facts->hidden,
                       facts->model_sha256);
    if (!engine_set_document_ids(e, file->ids, file->n_ids, file->name, err))
        return false;
    engine_set_slots(e, file->slots, file->n_slots);
    return true;
}

static bool work(struct job *job, const struct batch_input *input, struct err *err)
{
    if (!(job->from_slots ? set_slots(job, err) : batch_set_document(&job->batch, input, err)))
        return false;
    if (!job->from_slots && (job->n_modes > 1 || job->modes[0] == ANSWER_COMPRESSED))
        batch_note_untrained(&job->batch, job->arguments);
    return job->questions ? answer_lines(job, err) : answer(job, err);
}

static bool check_arguments(const struct cli_arguments *a, struct err *err)
{
    const char *question = cli_text(a, "question"), *file = cli_text(a, "questions");
    if ((question != NULL) + (file != NULL) + cli_flag(a, "continue") > 1)
        return err_set(err, ERR_USAGE,
                       "ask: --question, --questions and --continue: give one of them");
    if (file && strcmp(file, "-") == 0 && strcmp(a->operands[0], "-") == 0)
        return err_set(err, ERR_USAGE, "ask: document and questions both from standard input");
    if (!file && !cli_flag(a, "continue") && (!question || !question[0]))
        return err_set(err, ERR_USAGE, "ask: what is the question? Give it with -q");
    return true;
}

static bool run(const struct cli_arguments *a, struct err *err)
{
    if (!check_arguments(a, err))
        return false;
    struct job job = {.arguments = a, .question = ""};
    if (cli_text(a, "question"))
        job.question = cli_text(a, "question");
    const char *mode = cli_text(a, "mode"), *file = cli_text(a, "questions");
    choose_modes(&job, mode ? mode : "compressed");
    struct batch_input input = {0};
    size_t size;
    job.from_slots = slots_file_is(a->operands[0]);
    if (!(job.from_slots ? slots_file_read(&job.slots, a->operands[0], err)
                         : batch_input_read(&input, a->operands[0], NULL, err)))
        return false;
    bool ok = (!file || file_read(file, DOCUMENT_BYTES_MAX, &job.questions, &size, err)) &&
              batch_open(&job.batch, a, err) && work(&job, &input, err);
    batch_close(&job.batch);
    batch_input_free(&input);
    slots_file_free(&job.slots);
    free(job.questions);
    return ok;
}

static const struct cli_option options[] = {
    {.name = "question", .letter = 'q', .kind = CLI_TEXT, .value = "TEXT",
     .help = "the question"},
    {.name = "questions", .kind = CLI_PATH, .value = "F|-",
     .help = "a file of questions, one a line; with --json a JSON line for each"},
    {.name = "continue", .kind = CLI_FLAG,
     .help = "instead of a question: how the model goes on behind the end of the document"},
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
    {"comprexit ask notes.md --continue --max-tokens 60",
     "what the slots say: the text that the model writes after them"},
    {"comprexit ask notes.safetensors -q \"When?\"",
     "from slots that compress -o notes.safetensors wrote"},
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
