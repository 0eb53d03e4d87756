#include "app/batch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/assets.h"
#include "app/interrupt.h"
#include "app/values.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

/* ---- input ----------------------------------------------------------------- */

bool batch_ids_from_json(const json_t *json, const char *name, int32_t **ids, size_t *count,
                         struct err *err)
{
    const json_t *list = json_is_object(json) ? json_object_get(json, "ids") : json;
    if (!json_is_array(list))
        return err_set(err, ERR_INPUT, "%s: expected a list of token ids", name);
    *count = json_array_size(list);
    if (*count == 0)
        return err_set(err, ERR_INPUT, "%s: the list of token ids is empty", name);
    *ids = xcalloc(*count, sizeof **ids);
    for (size_t i = 0; i < *count; i++) {
        const json_t *item = json_array_get(list, i);
        json_int_t id = json_is_integer(item) ? json_integer_value(item) : -1;
        if (id < 0 || id > INT32_MAX) {
            free(*ids);
            *ids = NULL;
            return err_set(err, ERR_INPUT, "%s: item %zu is not a token id", name, i);
        }
        (*ids)[i] = (int32_t)id;
    }
    return true;
}

static bool read_ids(struct batch_input *input, const char *path, struct err *err)
{
    char *text;
    size_t size;
    if (!file_read(path, DOCUMENT_BYTES_MAX, &text, &size, err))
        return false;
    json_t *json = json_parse(text, size, path, err);
    free(text);
    bool ok = json && batch_ids_from_json(json, path, &input->ids, &input->n_ids, err);
    json_decref(json);
    return ok;
}

bool batch_input_read(struct batch_input *input, const char *path, const char *ids_path,
                      struct err *err)
{
    const char *source = ids_path ? ids_path : path;
    *input = (struct batch_input){.name = strcmp(source, "-") ? source : "standard input"};
    if (ids_path)
        return read_ids(input, ids_path, err);
    if (!file_read(path, DOCUMENT_BYTES_MAX, &input->text, &input->size, err))
        return false;
    if (input->size > 0)
        return true;
    batch_input_free(input);
    return err_set(err, ERR_INPUT, "%s: the document is empty, a text was expected", input->name);
}

void batch_input_free(struct batch_input *input)
{
    free(input->text);
    free(input->ids);
    input->text = NULL;
    input->ids = NULL;
}

/* ---- engine ---------------------------------------------------------------- */

static bool threads_option(const struct cli_arguments *a, int *threads, struct err *err)
{
    uint64_t n = cli_count(a, "threads", 0);
    const char *variable = getenv("COMPREXIT_THREADS");
    if (n == 0 && variable && variable[0] &&
        (!value_count(variable, &n) || n < 1 || n > 1024))
        return err_set(err, ERR_USAGE, "COMPREXIT_THREADS=%s: expected a whole number in 1..1024",
                       variable);
    *threads = (int)n;
    return true;
}

/* A command may give the name of a setting a meaning of its own (the --window of
 * export is an index): then it is not the setting that was given. */
static bool given_setting(const struct cli_arguments *a, const char *name)
{
    return cli_find_option(a->command, name)->group == CLI_SETTINGS && cli_text(a, name);
}

/* The settings that were given, over the published ones. */
static bool settings_options(const struct cli_arguments *a, struct engine_options *out,
                             struct err *err)
{
    static const char *const names[] = {"window", "ratio", "eps", "iters", "align"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        out->settings_given[i] = given_setting(a, names[i]);
    struct compress_settings *s = &out->settings;
    *s = compress_settings_default;
    if (out->settings_given[0])
        s->window = cli_count(a, "window", 0);
    if (out->settings_given[1])
        s->ratio = cli_real(a, "ratio", 0);
    if (out->settings_given[2])
        s->eps = cli_real(a, "eps", 0);
    if (out->settings_given[3])
        s->iters = (unsigned)cli_count(a, "iters", 0);
    if (out->settings_given[4])
        s->align = strcmp(cli_text(a, "align"), "head") == 0 ? ALIGN_HEAD : ALIGN_TAIL;
    if (compress_settings_check(s, err))
        return true;
    err->code = ERR_USAGE;
    return false;
}

bool batch_engine_options(const struct cli_arguments *a, struct engine_options *out,
                          struct err *err)
{
    const char *variable = getenv("COMPREXIT_COMPRESSOR");
    *out = (struct engine_options){
        .model = cli_text(a, "model"),
        .compressor = cli_text(a, "compressor"),
        .soft_prompt = cli_text(a, "soft-prompt"),
        .precision = cli_text(a, "precision"),
        .seed = cli_count(a, "seed", 0),
        .segment = cli_count(a, "segment", 0),
    };
    if (!out->compressor && variable && variable[0])
        out->compressor = variable;
    if (!threads_option(a, &out->threads, err) || !settings_options(a, out, err))
        return false;
    out->default_compressor = assets_path(DEFAULT_COMPRESSOR);
    out->default_soft_prompt = assets_path(DEFAULT_SOFT_PROMPT);
    return true;
}

void batch_engine_options_free(struct engine_options *options)
{
    free((char *)(uintptr_t)options->default_compressor);
    free((char *)(uintptr_t)options->default_soft_prompt);
    options->default_compressor = options->default_soft_prompt = NULL;
}

char *batch_model_path(const struct cli_arguments *a)
{
    const char *path = cli_text(a, "model");
    const char *variable = getenv("COMPREXIT_MODEL");
    if (!path && variable && variable[0])
        path = variable;
    return path ? xstrdup(path) : engine_default_model_path();
}

static bool tick(void *context, const char *stage, size_t done, size_t total)
{
    struct batch *batch = context;
    progress_line_tick(&batch->line, stage, done, total);
    return interrupt_signal() == 0;
}

static void log_line(void *context, const char *line)
{
    report_note(context, "%s", line);
}

static bool is_about(const struct err *err, const char *path)
{
    return path && strncmp(err->text, path, strlen(path)) == 0;
}

/* Which option names the file that cannot be used, and what it takes. */
static bool add_way(const struct engine_options *o, struct err *err)
{
    if (err->code != ERR_INPUT)
        return false;
    if (is_about(err, o->model))
        return err_add(err, "--model takes a GGUF file or a Hugging Face directory");
    if (is_about(err, o->compressor))
        return err_add(err, "--compressor takes one made for this model, or none");
    if (is_about(err, o->soft_prompt))
        return err_add(err, "--soft-prompt takes one made for this model, or none");
    return false;
}

bool batch_open(struct batch *batch, const struct cli_arguments *a, struct err *err)
{
    return batch_open_with(batch, a, NULL, err);
}

bool batch_open_with(struct batch *batch, const struct cli_arguments *a, const char *model,
                     struct err *err)
{
    *batch = (struct batch){.progress = {.tick = tick, .context = batch}};
    struct engine_options options;
    if (!batch_engine_options(a, &options, err))
        return false;
    if (model)
        options.model = model;
    /* The engine keeps the context pointer; notes only look at it. */
    options.context = (void *)(uintptr_t)a;
    options.log = log_line;
    progress_line_start(&batch->line, a);
    interrupt_catch();
    batch->engine = engine_open(&options, err);
    if (!batch->engine)
        add_way(&options, err);
    batch_engine_options_free(&options);
    if (!batch->engine)
        return false;
    const struct snapshot_facts *f = &engine_snapshot(batch->engine)->facts;
    if (cli_flag(a, "verbose"))
        report_note(a, "%s, %s, %s, %d thread%s", f->model, f->compressor, f->precision, f->threads,
                    text_plural((uint64_t)f->threads));
    return true;
}

void batch_note_untrained(const struct batch *batch, const struct cli_arguments *a)
{
    if (engine_snapshot(batch->engine)->facts.untrained && !cli_text(a, "compressor"))
        report_note(a, "no trained compressor for this model: using an untrained one (--compressor "
                       "PATH, or none)");
}

bool batch_set_document(struct batch *batch, const struct batch_input *input, struct err *err)
{
    const char *name = file_name(input->name);
    if (input->ids)
        return engine_set_document_ids(batch->engine, input->ids, input->n_ids, name, err);
    return engine_set_document(batch->engine, input->text, input->size, name, err);
}

bool batch_spares_inputs(const struct cli_arguments *a, const char *output, struct err *err)
{
    bool read = false;
    for (size_t i = 0; i < a->n_operands; i++)
        read = read || file_same(a->operands[i], output);
    for (size_t i = 0; i < a->n_given; i++) {
        const struct cli_given *given = &a->given[i];
        bool other = given->option->kind == CLI_PATH && given->text != output;
        read = read || (other && file_same(given->text, output));
    }
    return !read ||
           err_set(err, ERR_USAGE, "%s: is read by the same command: not replaced", output);
}

bool batch_has_folder(const char *output, struct err *err)
{
    size_t folder = (size_t)(file_name(output) - output);
    char *parent = folder ? xstrndup(output, folder) : xstrdup(".");
    bool ok = file_is_directory(parent) && access(parent, W_OK) == 0;
    free(parent);
    return ok ||
           err_set(err, ERR_IO, "%s: its folder does not exist or cannot be written", output);
}

void batch_close(struct batch *batch)
{
    progress_line_end(&batch->line);
    engine_close(batch->engine);
    batch->engine = NULL;
}

bool batch_tokens(const struct batch *batch, const struct batch_input *input, bool special,
                  struct token_list *out, struct err *err)
{
    const struct tokenizer *tokenizer = engine_tokenizer(batch->engine);
    *out = (struct token_list){0};
    if (!input->ids && !tokenizer)
        return err_set(err, ERR_INPUT, "%s: the model has no tokenizer: give token ids",
                       input->name);
    if (!input->ids) {
        unsigned flags = special ? TOKENIZER_ADD_SPECIAL : 0u;
        size_t bom = text_bom(input->text, input->size); /* no part of a document */
        tokenizer_encode(tokenizer, input->text + bom, input->size - bom, flags, out);
        return true;
    }
    for (size_t i = 0; i < input->n_ids; i++) {
        if (tokenizer && (size_t)input->ids[i] >= tokenizer_vocab(tokenizer)) {
            token_list_free(out);
            return err_set(err, ERR_INPUT, "%s: item %zu is %d, the vocabulary has %zu tokens",
                           input->name, i, (int)input->ids[i], tokenizer_vocab(tokenizer));
        }
        token_list_push(out, input->ids[i], 0, 0);
    }
    return true;
}
