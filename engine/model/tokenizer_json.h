/* The parts of the tokenizer.json loader. */
#ifndef ENGINE_MODEL_TOKENIZER_JSON_H
#define ENGINE_MODEL_TOKENIZER_JSON_H

#include <jansson.h>

#include "engine/model/tokenizer_internal.h"

/* Reads normalizer, pre_tokenizer and decoder: fills the fields of *t that say
 * how text is cut, and the alphabet of the vocabulary. */
bool tokenizer_read_pipeline(struct tokenizer *t, enum vocab_alphabet *alphabet,
                             const json_t *root, const char *name, struct err *err);

/* Reads post_processor: the tokens put in front of and behind a text. Needs the
 * vocabulary. *found: does the file say anything about them? */
bool tokenizer_read_template(struct tokenizer *t, const json_t *root, const char *name,
                             bool *found, struct err *err);

/* Is value the string `text`? */
bool tokenizer_json_is(const json_t *value, const char *text);

/* The boolean at `key`, or fallback when there is none. */
bool tokenizer_json_flag(const json_t *object, const char *key, bool fallback);

/* A parsed tokenizer.json to a tokenizer; *templated as *found above. NULL and
 * *err on failure. */
struct tokenizer *tokenizer_from_root(const json_t *root, const char *name, size_t vocab,
                                      bool *templated, struct err *err);

#endif
