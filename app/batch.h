/* What the batch commands share: the engine opened as the common options say,
 * the document read, progress shown, Ctrl-C heeded. */
#ifndef APP_BATCH_H
#define APP_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/cli.h"
#include "app/report.h"
#include "engine/engine.h"

/* The asset that is used where no compressor is named. */
#define DEFAULT_COMPRESSOR "default-x4.safetensors"
#define DEFAULT_SOFT_PROMPT "default-soft-prompt.safetensors"

/* A document as it was given: text, or token ids that are used as they are. */
struct batch_input {
    char *text;
    size_t size;
    int32_t *ids; /* NULL: text */
    size_t n_ids;
    const char *name; /* for messages; borrowed */
};

/* Reads the text at path, or, when ids_path is not NULL, token ids from a JSON
 * list (or an object with the list as "ids"); path is not read then. "-" is
 * standard input. An empty document is refused. */
bool batch_input_read(struct batch_input *input, const char *path, const char *ids_path,
                      struct err *err);
void batch_input_free(struct batch_input *input);

/* Refuses to write to `output` (the text of an option) what the command also reads: an
 * operand, or the path of another option. */
bool batch_spares_inputs(const struct cli_arguments *arguments, const char *output,
                         struct err *err);

/* Is there a folder that an output can be written to? Asked before the work, not after it. */
bool batch_has_folder(const char *output, struct err *err);

/* Token ids out of parsed JSON: a list, or {"ids": list}. Numbers outside
 * 0..2^31-1 and an empty list are errors that name `name` and the place. The
 * result is to be freed. */
bool batch_ids_from_json(const json_t *json, const char *name, int32_t **ids, size_t *count,
                         struct err *err);

struct batch {
    struct engine *engine;
    struct progress progress; /* for the engine's long calls */
    struct progress_line line;
};

/* Fills in the engine's options from the common options and the environment
 * (COMPREXIT_COMPRESSOR, COMPREXIT_THREADS). Texts are borrowed from both; free
 * what is not, once the engine is open, with batch_engine_options_free. */
bool batch_engine_options(const struct cli_arguments *arguments, struct engine_options *out,
                          struct err *err);
void batch_engine_options_free(struct engine_options *options);

/* The model to open: --model, else COMPREXIT_MODEL, else the cached default; to
 * be freed. */
char *batch_model_path(const struct cli_arguments *arguments);

/* Opens the engine; from here on the first Ctrl-C stops work cleanly. */
bool batch_open(struct batch *batch, const struct cli_arguments *arguments, struct err *err);

/* Likewise with this model, NULL: the options'. */
bool batch_open_with(struct batch *batch, const struct cli_arguments *arguments, const char *model,
                     struct err *err);

/* Says that slots come from an untrained compressor where nobody asked for one. */
void batch_note_untrained(const struct batch *batch, const struct cli_arguments *arguments);

/* Hands the input to the engine as its document. */
bool batch_set_document(struct batch *batch, const struct batch_input *input, struct err *err);
void batch_close(struct batch *batch);

/* The tokens of the input: its ids, or its text tokenised as a document is (names
 * of special tokens are plain text there), with the tokenizer's BOS when `special`.
 * Ids outside the vocabulary are refused. Freed with token_list_free. */
bool batch_tokens(const struct batch *batch, const struct batch_input *input, bool special,
                  struct token_list *out, struct err *err);

#endif
