/* `comprexit compress DOC`: a document through all stages of the method, and the
 * stages as tensors in a safetensors file. Shapes: N tokens, M hidden states a
 * token, H hidden size, nW windows of W tokens and K slots, S slots in all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/batch.h"
#include "app/cli.h"
#include "app/places.h"
#include "app/report.h"
#include "app/values.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/model/safetensors.h"

/* What --dump can name: enum compression_tensor. `tokens` is always written. */
static const char dump_words[] = "tokens|gate|anchors|mass|cost|plan|raw_slots|slots|hidden";
enum {
    DUMP_DEFAULT = 1 << COMPRESSION_TOKENS | 1 << COMPRESSION_GATE | 1 << COMPRESSION_MASS |
                   1 << COMPRESSION_PLAN | 1 << COMPRESSION_SLOTS
};

struct job {
    const struct cli_arguments *arguments;
    struct batch batch;
    const char *output; /* NULL: no file */
    unsigned dumps;     /* bits 1 << enum compression_tensor */
    struct engine_compression c;
    struct compress_settings settings;
    size_t segment;
    size_t bytes_written;
};

/* ---- what was asked for -------------------------------------------------------- */

static bool parse_dumps(const char *list, unsigned *dumps, struct err *err)
{
    const char *item;
    size_t length, index;
    *dumps = list ? 1u << COMPRESSION_TOKENS : DUMP_DEFAULT;
    while (value_next_item(&list, &item, &length)) {
        char *word = xstrndup(item, length);
        bool known = value_choice(word, dump_words, &index);
        if (!known)
            err_set(err, ERR_USAGE, "--dump: no tensor %s, expected some of %s", word, dump_words);
        free(word);
        if (!known)
            return false;
        *dumps |= 1u << index;
    }
    return true;
}

/* A mistake in the path should show before the work, not after it. */
static bool check_output(const char *path, bool json, struct err *err)
{
    if (!path)
        return true;
    if (strcmp(path, "-") == 0) {
        if (json)
            return err_set(err, ERR_USAGE, "compress: -o - and --json both want standard output");
        return !isatty(STDOUT_FILENO) ||
               err_set(err, ERR_USAGE, "compress: will not write tensors to a terminal");
    }
    if (file_is_directory(path))
        return err_set(err, ERR_IO, "%s: is a directory", path);
    return batch_has_folder(path, err);
}

/* ---- the file -------------------------------------------------------------------- */

/* One row per tensor: name in the file, type, shape. */
static size_t list_tensors(const struct job *job, const struct snapshot_document *document,
                           struct safetensors_entry entries[COMPRESSION_TENSORS])
{
    const struct engine_compression *c = &job->c;
    const struct safetensors_entry all[COMPRESSION_TENSORS] = {
        [COMPRESSION_TOKENS] = {"tokens", TENSOR_I32, 1, {c->tokens}, document->ids},
        [COMPRESSION_GATE] = {"gate", TENSOR_F32, 2, {c->tokens, c->layers}, c->gate},
        [COMPRESSION_ANCHORS] = {"anchors", TENSOR_F32, 2, {c->tokens, c->hidden_size}, c->anchors},
        [COMPRESSION_MASS] = {"mass", TENSOR_F32, 2, {c->windows, c->W}, c->mass},
        [COMPRESSION_COST] = {"cost", TENSOR_F32, 3, {c->windows, c->W, c->K}, c->cost},
        [COMPRESSION_PLAN] = {"plan", TENSOR_F32, 3, {c->windows, c->W, c->K}, c->plan},
        [COMPRESSION_RAW_SLOTS] = {"raw_slots", TENSOR_F32, 2, {c->slots, c->hidden_size},
                                   c->raw_slots},
        [COMPRESSION_SLOTS] = {"slots", TENSOR_F32, 2, {c->slots, c->hidden_size}, c->slot_vectors},
        [COMPRESSION_HIDDEN] = {"hidden", TENSOR_F32, 3, {c->layers, c->tokens, c->hidden_size},
                         c->hidden},
    };
    size_t count = 0;
    for (size_t i = 0; i < COMPRESSION_TENSORS; i++)
        if (job->dumps & 1u << i)
            entries[count++] = all[i];
    return count;
}

static bool write_tensors(struct job *job, const char *path, struct err *err)
{
    engine_hash(job->batch.engine);
    const struct snapshot *s = engine_snapshot(job->batch.engine);
    char number[6][32];
    const struct compress_settings *set = &job->settings;
    snprintf(number[0], sizeof number[0], "%zu", set->window);
    snprintf(number[1], sizeof number[1], "%.9g", set->ratio);
    snprintf(number[2], sizeof number[2], "%zu", compress_slots_per_window(set));
    snprintf(number[3], sizeof number[3], "%.9g", set->eps);
    snprintf(number[4], sizeof number[4], "%u", set->iters);
    snprintf(number[5], sizeof number[5], "%zu", job->segment);
    const struct safetensors_pair metadata[] = {
        {"version", COMPREXIT_VERSION},
        {"model_sha256", s->facts.model_sha256},
        {"compressor_sha256", s->facts.compressor_sha256},
        {"window", number[0]},
        {"ratio", number[1]},
        {"slots_per_window", number[2]},
        {"eps", number[3]},
        {"iters", number[4]},
        {"align", set->align == ALIGN_HEAD ? "head" : "tail"},
        {"segment", number[5]},
    };
    struct safetensors_entry entries[COMPRESSION_TENSORS];
    size_t count = list_tensors(job, s->document, entries);
    return safetensors_write(path, entries, count, metadata, sizeof metadata / sizeof *metadata,
                             err);
}

/* For "-o -": the writer replaces whole files, so the bytes go by way of one. */
static bool write_to_stdout(struct job *job, struct err *err)
{
    char *folder = file_join(places_temporary(), "comprexit.XXXXXX");
    if (!mkdtemp(folder)) {
        free(folder);
        return err_set(err, ERR_IO, "no temporary folder can be made in TMPDIR");
    }
    char *path = file_join(folder, "slots.safetensors");
    struct mapped_file file = {.fd = -1};
    bool ok = write_tensors(job, path, err) && mapped_file_open(&file, path, err);
    if (ok)
        fwrite(file.data, 1, file.size, stdout);
    mapped_file_close(&file);
    unlink(path);
    rmdir(folder);
    free(path);
    free(folder);
    return ok;
}

static bool write_output(struct job *job, struct err *err)
{
    if (!job->output)
        return true;
    if (strcmp(job->output, "-") == 0)
        return write_to_stdout(job, err);
    struct stat st;
    if (!write_tensors(job, job->output, err))
        return false;
    if (stat(job->output, &st) == 0)
        job->bytes_written = (size_t)st.st_size;
    return true;
}

/* ---- the report -------------------------------------------------------------------- */

static double total_ms(const struct engine_compression *c)
{
    return c->read_ms + c->gate_ms + c->plan_ms + c->project_ms;
}

static json_t *output_json(const struct job *job)
{
    if (!job->output)
        return json_null();
    struct safetensors_entry entries[COMPRESSION_TENSORS];
    size_t count =
        list_tensors(job, engine_snapshot(job->batch.engine)->document, entries);
    json_t *names = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(names, json_string(entries[i].name));
    return json_pack("{s:o, s:I, s:o}", "path", report_text(job->output, strlen(job->output)),
                     "bytes", (json_int_t)job->bytes_written, "tensors", names);
}

static void print_json(const struct job *job)
{
    const struct engine_compression *c = &job->c;
    const struct compress_settings *set = &job->settings;
    const struct snapshot *s = engine_snapshot(job->batch.engine);
    json_t *document = json_pack(
        "{s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I}", "document", s->document->name, "model",
        s->facts.model, "compressor", s->facts.compressor, "untrained", (int)s->facts.untrained,
        "tokens", (json_int_t)c->tokens, "windows", (json_int_t)c->windows, "slots",
        (json_int_t)c->slots, "layers", (json_int_t)c->layers, "hidden_size",
        (json_int_t)c->hidden_size);
    json_object_update_new(
        document, json_pack("{s:I, s:f, s:I, s:f, s:I, s:s, s:I}", "window",
                            (json_int_t)set->window, "ratio", set->ratio, "slots_per_window",
                            (json_int_t)compress_slots_per_window(set), "eps", set->eps, "iters",
                            (json_int_t)set->iters, "align",
                            set->align == ALIGN_HEAD ? "head" : "tail", "segment",
                            (json_int_t)job->segment));
    json_object_update_new(
        document, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "read_ms",
                            report_number(c->read_ms), "gate_ms", report_number(c->gate_ms),
                            "plan_ms", report_number(c->plan_ms), "project_ms",
                            report_number(c->project_ms), "total_ms",
                            report_number(total_ms(c)), "output", output_json(job)));
    report_json(document);
}

static void print_line(const struct job *job)
{
    const struct engine_compression *c = &job->c;
    printf("%s: %zu token%s -> %zu slot%s (%.1fx) in %zu window%s of %zu, %.0f ms",
           engine_snapshot(job->batch.engine)->document->name, c->tokens, text_plural(c->tokens),
           c->slots,
           text_plural(c->slots), c->slots ? (double)c->tokens / (double)c->slots : 0.0, c->windows,
           text_plural(c->windows), c->W, total_ms(c));
    if (job->output)
        printf(", %zu bytes in %s", job->bytes_written, job->output);
    putchar('\n');
}

/* ---- the command ---------------------------------------------------------------------- */

static bool work(struct job *job, const struct batch_input *input, struct err *err)
{
    unsigned wanted = job->output ? job->dumps : 0;
    struct engine *engine = job->batch.engine;
    batch_note_untrained(&job->batch, job->arguments);
    if (!batch_set_document(&job->batch, input, err) ||
        !engine_compress(engine, wanted, &job->c, &job->batch.progress, err))
        return false;
    progress_line_end(&job->batch.line);
    engine_settings(engine, &job->settings, &job->segment);
    bool ok = write_output(job, err);
    if (ok && cli_flag(job->arguments, "json"))
        print_json(job);
    else if (ok && (!job->output || strcmp(job->output, "-") != 0))
        print_line(job);
    engine_compression_free(&job->c);
    return ok;
}

static bool run(const struct cli_arguments *a, struct err *err)
{
    struct job job = {.arguments = a, .output = cli_text(a, "output")};
    const char *ids = cli_text(a, "ids");
    if (a->n_operands == 0 && !ids)
        return err_set(err, ERR_USAGE, "compress: expected DOC, or token ids with --ids");
    if (cli_text(a, "dump") && !job.output)
        return err_set(err, ERR_USAGE,
                       "compress: --dump names what -o writes: give a file with -o");
    struct batch_input input;
    if (!parse_dumps(cli_text(a, "dump"), &job.dumps, err) ||
        !check_output(job.output, cli_flag(a, "json"), err) ||
        (job.output && !batch_spares_inputs(a, job.output, err)) ||
        !batch_input_read(&input, a->n_operands ? a->operands[0] : "-", ids, err))
        return false;
    bool ok = batch_open(&job.batch, a, err) && work(&job, &input, err);
    batch_close(&job.batch);
    batch_input_free(&input);
    return ok;
}

static const struct cli_option options[] = {
    {.name = "output", .letter = 'o', .kind = CLI_PATH, .value = "F.safetensors",
     .written = true,
     .help = "write tensors to this file; - is standard output"},
    {.name = "dump", .kind = CLI_TEXT, .value = "LIST",
     .help = "which tensors, beside tokens: some of "
             "gate,anchors,mass,cost,plan,raw_slots,slots,hidden (gate,mass,plan,slots)"},
    {.name = "ids", .kind = CLI_PATH, .value = "F.json",
     .help = "compress these token ids, a JSON list, in place of a text"},
    {.name = NULL},
};

static const struct cli_example examples[] = {
    {"comprexit compress notes.md", "counts and times"},
    {"comprexit compress notes.md -o notes.safetensors --dump plan,slots --ratio 8",
     "plan and slots at half the usual budget"},
    {NULL, NULL},
};

const struct cli_command command_compress = {
    .name = "compress",
    .operands = "[DOC]",
    .max_operands = 1,
    .summary = "compress a document into slots and write every stage as tensors",
    .description =
        "Tensors, for N tokens, M hidden states a token, H hidden size, nW windows of W tokens "
        "and K slots, S slots in all: tokens I32 [N], gate [N,M], anchors [N,H], mass [nW,W], "
        "cost and plan [nW,W,K], raw_slots and slots [S,H], hidden [M,N,H], all F32; positions "
        "without a token are 0. The settings and the hashes of model and compressor are in the "
        "file's metadata.",
    .options = options,
    .examples = examples,
    .groups = CLI_MODEL | CLI_SETTINGS | CLI_OUTPUT,
    .run = run,
};
