/* `comprexit tokenize`: text to token ids and back, one text or JSON lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/batch.h"
#include "app/cli.h"
#include "app/report.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/data/input.h"
#include "engine/model/model.h"


struct job {
    const struct tokenizer *tokenizer;
    const char *name; /* of the input, for messages */
    bool special;     /* BOS where the tokenizer adds one */
    bool decode, json;
};

static json_t *encode(const struct job *job, const char *text, size_t length)
{
    unsigned flags = TOKENIZER_PARSE_SPECIAL | (job->special ? TOKENIZER_ADD_SPECIAL : 0u);
    struct token_list list = {0};
    tokenizer_encode(job->tokenizer, text, length, flags, &list);
    json_t *ids = report_ids(list.ids, list.count);
    token_list_free(&list);
    return ids;
}

/* The text of ids. A BOS that encoding put in front is left out again. */
static char *decode(const struct job *job, const int32_t *ids, size_t count, size_t *length)
{
    bool skip = job->special && tokenizer_adds_bos(job->tokenizer) && count > 0 &&
                ids[0] == tokenizer_bos(job->tokenizer);
    return tokenizer_decode(job->tokenizer, ids + skip, count - skip, true, length);
}

static bool check_ids(const struct job *job, const char *place, const int32_t *ids, size_t count,
                      struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if ((size_t)ids[i] >= tokenizer_vocab(job->tokenizer))
            return err_set(err, ERR_INPUT, "%s: item %zu is %d, the vocabulary has %zu tokens",
                           place, i, (int)ids[i], tokenizer_vocab(job->tokenizer));
    return true;
}

/* The text that a JSON list of ids stands for; NULL on failure. */
static char *decode_json(const struct job *job, const json_t *json, const char *place,
                         size_t *length, struct err *err)
{
    int32_t *ids = NULL;
    size_t count;
    /* No tokens are a legal text here: the empty one. */
    const json_t *list = json_is_object(json) ? json_object_get(json, "ids") : json;
    if (json_is_array(list) && json_array_size(list) == 0) {
        *length = 0;
        return xstrdup("");
    }
    if (!batch_ids_from_json(json, place, &ids, &count, err))
        return NULL;
    char *text = check_ids(job, place, ids, count, err) ? decode(job, ids, count, length) : NULL;
    free(ids);
    return text;
}

/* ---- JSON lines ------------------------------------------------------------- */

static bool one_line(const struct job *job, const json_t *json, const char *place,
                     struct err *err)
{
    if (job->decode) {
        size_t length;
        char *text = decode_json(job, json, place, &length, err);
        if (!text)
            return false;
        report_json_line(json_pack("{s:o}", "text", report_text(text, length)));
        free(text);
        return true;
    }
    const json_t *text = json_object_get(json, "text");
    if (!json_is_string(text))
        return err_set(err, ERR_INPUT, "%s: expected {\"text\": string}", place);
    json_t *ids = encode(job, json_string_value(text), json_string_length(text));
    report_json_line(json_pack("{s:o}", "ids", ids));
    return true;
}

static bool all_lines(const struct job *job, const char *data, size_t size, struct err *err)
{
    char place[512];
    for (size_t number = 1; size > 0; number++) {
        const char *end = memchr(data, '\n', size);
        size_t length = end ? (size_t)(end - data) : size;
        snprintf(place, sizeof place, "%s:%zu", job->name, number);
        if (length > LINE_BYTES_MAX)
            return err_set(err, ERR_INPUT, "%s: a line of %zu bytes, the limit is %d", place,
                           length, (int)LINE_BYTES_MAX);
        if (length > 0) {
            json_t *json = json_parse(data, length, place, err);
            bool ok = json && one_line(job, json, place, err);
            json_decref(json);
            if (!ok)
                return false;
        }
        size_t taken = length + (end != NULL);
        data += taken;
        size -= taken;
    }
    return true;
}

/* ---- one text ----------------------------------------------------------------- */

/* A file of token ids: JSON, or numbers between blanks as this command prints. */
static json_t *parse_ids(const struct job *job, const char *data, size_t size, struct err *err)
{
    static const char blanks[] = " \t\r\n";
    size_t blank = strspn(data, blanks);
    if (data[blank] == '[' || data[blank] == '{')
        return json_parse(data, size, job->name, err);
    data += blank;
    json_t *list = json_array();
    while (*data) {
        char *end;
        long long id = strtoll(data, &end, 10);
        bool whole = end != data && (*end == '\0' || strchr(blanks, *end));
        json_array_append_new(list, whole ? json_integer(id) : json_null());
        data += strcspn(data, blanks);
        data += strspn(data, blanks);
    }
    return list;
}

static bool decode_text(const struct job *job, const char *data, size_t size, struct err *err)
{
    json_t *json = parse_ids(job, data, size, err);
    size_t length;
    char *text = json ? decode_json(job, json, job->name, &length, err) : NULL;
    json_decref(json);
    if (!text)
        return false;
    if (job->json)
        report_json(json_pack("{s:o}", "text", report_text(text, length)));
    else if (isatty(STDOUT_FILENO))
        report_lines(text, length);
    else
        fwrite(text, 1, length, stdout);
    free(text);
    return true;
}

static void encode_text(const struct job *job, const char *data, size_t size)
{
    json_t *ids = encode(job, data, size);
    size_t count = json_array_size(ids);
    if (job->json) {
        report_json(json_pack("{s:I, s:o}", "n", (json_int_t)count, "ids", ids));
        return;
    }
    for (size_t i = 0; i < count; i++)
        printf("%s%" JSON_INTEGER_FORMAT, i ? " " : "",
               json_integer_value(json_array_get(ids, i)));
    putchar('\n');
    json_decref(ids);
}

static bool work(const struct job *job, const struct cli_arguments *a, const char *data,
                 size_t size, struct err *err)
{
    if (cli_flag(a, "jsonl"))
        return all_lines(job, data, size, err);
    if (job->decode)
        return decode_text(job, data, size, err);
    encode_text(job, data, size);
    return true;
}

static bool run(const struct cli_arguments *a, struct err *err)
{
    const char *path = a->n_operands ? a->operands[0] : "-";
    char *data;
    size_t size;
    if (!file_read(path, DOCUMENT_BYTES_MAX, &data, &size, err))
        return false;
    char *model_path = batch_model_path(a);
    struct model *model = model_open(model_path, NULL, 0, err);
    struct job job = {
        .tokenizer = model ? model->tokenizer : NULL,
        .name = strcmp(path, "-") ? path : "standard input",
        .special = !cli_flag(a, "no-special"),
        .decode = cli_flag(a, "decode"),
        .json = cli_flag(a, "json"),
    };
    bool ok = model != NULL;
    if (ok && !job.tokenizer)
        ok = err_set(err, ERR_INPUT, "%s: the model has no tokenizer", model_path);
    ok = ok && work(&job, a, data, size, err);
    model_close(model);
    free(model_path);
    free(data);
    return ok;
}

static const struct cli_option options[] = {
    {.name = "jsonl", .kind = CLI_FLAG,
     .help = "read lines {\"text\": ...}, print lines {\"ids\": [...]}"},
    {.name = "decode", .kind = CLI_FLAG, .help = "the other way: from ids to text"},
    {.name = "no-special", .kind = CLI_FLAG,
     .help = "add no BOS in front, and leave none out when decoding"},
    {.name = NULL},
};

static const struct cli_example examples[] = {
    {"comprexit tokenize notes.md --json", "the token ids of a text"},
    {"comprexit tokenize notes.md | comprexit tokenize --decode", "there and back"},
    {NULL, NULL},
};

const struct cli_command command_tokenize = {
    .name = "tokenize",
    .operands = "[FILE]",
    .max_operands = 1,
    .summary = "turn text into the model's token ids, or back",
    .description = "Names of special tokens in the text (<|im_end|>) are read as those tokens. "
                   "Decoding takes a JSON list of ids, {\"ids\": [...]}, or the plain output of "
                   "this command.",
    .options = options,
    .examples = examples,
    .groups = CLI_MODEL | CLI_OUTPUT,
    .run = run,
};
