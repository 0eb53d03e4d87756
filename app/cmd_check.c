/* `comprexit check FILE...`: reads everything of every file and names each
 * problem with its place. */
#include <stdio.h>
#include <string.h>

#include "app/cli.h"
#include "app/file_kind.h"
#include "app/report.h"
#include "engine/base/text.h"

struct job {
    bool json;
    json_t *problems; /* of the present file, when json */
    size_t count;
};

static void problem(void *context, const char *line)
{
    struct job *job = context;
    job->count++;
    if (job->json)
        json_array_append_new(job->problems, report_text(line, strlen(line)));
    else
        puts(line);
}

static json_t *check_one(struct job *job, const char *path)
{
    struct problem_sink sink = {.report = problem, .context = job};
    struct err err = {0};
    job->problems = json_array();
    const struct file_kind *kind = file_kind_of(path, &err);
    if (kind)
        kind->check(path, &sink);
    else
        problem_error(&sink, &err);
    return json_pack("{s:o, s:o, s:o}", "file", report_text(path, strlen(path)), "kind",
                     kind ? json_string(kind->name) : json_null(), "problems", job->problems);
}

static bool run(const struct cli_arguments *a, struct err *err)
{
    struct job job = {.json = cli_flag(a, "json")};
    json_t *files = json_array();
    for (size_t i = 0; i < a->n_operands; i++)
        json_array_append_new(files, check_one(&job, a->operands[i]));
    if (job.json)
        report_json(json_pack("{s:O, s:I}", "files", files, "problems", (json_int_t)job.count));
    json_decref(files);
    if (job.count == 0) {
        report_note(a, "%zu file%s, no problem found", a->n_operands,
                    text_plural(a->n_operands));
        return true;
    }
    err->code = ERR_INPUT; /* all has been said */
    return false;
}

static const struct cli_example examples[] = {
    {"comprexit check model.gguf default.safetensors", "every tensor of a model and a compressor"},
    {"comprexit check train.jsonl.gz", "every line of a data set"},
    {NULL, NULL},
};

const struct cli_command command_check = {
    .name = "check",
    .operands = "FILE...",
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .summary = "read files whole and print each problem with its place",
    .description = "Takes models (GGUF files, Hugging Face directories), compressors and other "
                   "safetensors files, data sets and texts. Exit code 3 when there is a problem.",
    .examples = examples,
    .groups = CLI_OUTPUT,
    .run = run,
};
